//! Pictures, stacks of pictures and videos: mean-shift filtering and segmentation in the joint domain of position and colour,
//! superpixels, hierarchies of regions, edges, denoising, and [tracking](track).

mod closure;
mod color;
mod denoise;
mod edges;
mod falloff;
mod filter;
mod hierarchy;
mod partition;
mod planes;
mod regions;
mod segment;
mod smooth;
mod superpixels;
pub mod track;
mod trajectory;
mod view;
mod window;

pub use color::{ColorSpace, lab_to_srgb, luv_to_srgb, srgb_to_lab, srgb_to_luv};
pub use denoise::{
    Bilateral, BilateralBorder, DenoiseMethod, Denoised, Denoiser, NoiseLevel, NonLocalBayes,
    NonLocalMeans, PatchWeights, estimate_noise, estimate_noise_robust, psnr, ssim,
};
pub use edges::{EdgeMaps, EdgeWeights};
pub use filter::{Filtered, ImageKernel, MeanShiftFilter};
pub use hierarchy::{Merge, MergeCost, RegionMerging, RegionTree};
pub use partition::Partition;
pub use regions::Connectivity;
pub use segment::{MeanShiftSegmenter, Segmentation};
pub use superpixels::Superpixels;
pub use view::{ImageView, Sample};
