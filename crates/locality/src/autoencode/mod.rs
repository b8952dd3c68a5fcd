//! Autoencoders without a network: codes and rows as local models of each other.
//!
//! A [`LazyAutoencoder`] looks for a few numbers for each row, its *code*, of which the rows are a smooth function. It has no form of its
//! own for that function and no weights to train. In each round
//!
//! - the *decoder* is a local model of rows by codes, and says what each row should be by its code, without having seen the row itself;
//! - the *encoder* is a local model of codes by these reconstructions, so that a row's new code is the local mean of the codes of reconstructions
//!   around it; from there, or from the code of the nearest reconstruction where that is better, the row walks to its foot on the decoder's
//!   surface, along the local lines of the decoder;
//! - codes are whitened, which takes out that any one-to-one map of codes is as good as another.
//!
//! It begins with principal components or codes of one's own, ends when reconstructions get no better, and keeps the best round. A surface through
//! the middle of rows, each of whose points is the local mean of the rows that are projected onto it, is what it rests at: the self-consistency
//! of principal curves. Without own rows in reconstructions, the loss is a leave-one-out error as in unsupervised kernel regression.
//!
//! ```
//! use locality::autoencode::LazyAutoencoder;
//! use locality::{Rows, Watch};
//! // Half a circle: no line comes near it, one number says where on it a row is.
//! let x: Vec<f64> = (0..200).flat_map(|i| { let (s, c) = (0.0157 * f64::from(i)).sin_cos(); [c, s] }).collect();
//! let watch = Watch::default();
//! let fit = LazyAutoencoder::new(1).fit(Rows::new(&x, 200, 2)?, None, &watch)?;
//! assert!(fit.loss() < 1e-3);
//! let at = fit.reconstruct(Rows::new(&[0.0, 1.2], 1, 2)?, &watch)?;
//! assert!(at[0].abs() < 0.05 && (at[1] - 1.0).abs() < 0.02);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Sources
//! - T. Hastie, W. Stuetzle, *Principal curves*, JASA 84 (1989): curves that are the local mean of what is projected onto them.
//! - P. Meinicke, S. Klanke, R. Memisevic, H. Ritter, *Principal surfaces from unsupervised kernel regression*, IEEE Trans. Pattern Analysis and
//!   Machine Intelligence 27 (2005): codes as variables, judged without each row itself.
//! - C. Song, *The general theory of localization methods*, arXiv 2605.20635 (2026): lazy autoencoders.

mod fit;
mod model;
mod parameters;
mod project;

pub use model::LazyAutoencoderFit;
pub use parameters::{LazyAutoencoder, Width};
