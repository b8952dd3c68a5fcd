//! Mean shift on images: filtering and segmentation in the joint domain of position and colour.

mod color;
mod falloff;
mod filter;
mod planes;
mod regions;
mod segment;
mod trajectory;
mod view;
mod window;

pub use color::{ColorSpace, lab_to_srgb, luv_to_srgb, srgb_to_lab, srgb_to_luv};
pub use filter::{Filtered, ImageKernel, MeanShiftFilter};
pub use regions::Connectivity;
pub use segment::{MeanShiftSegmenter, Segmentation};
pub use view::{ImageView, Sample};
