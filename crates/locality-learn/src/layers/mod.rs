//! The layers, one file each.

mod activation;
mod dropout;
mod embedding;
mod feed_forward;
mod linear;
mod loss;
mod norm;
mod position;
mod site_map;

pub use activation::{ACTIVATIONS, Activation};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use feed_forward::{FeedForward, FeedForwardKept};
pub use linear::Linear;
pub use loss::{IGNORED, cross_entropy, squared_loss};
pub(crate) use norm::{EPSILON, add};
pub use norm::{Norm, NormKind};
pub use position::{Rotary, alibi_slopes, sinusoidal};
pub use site_map::{SiteMap, SiteMapKept};
