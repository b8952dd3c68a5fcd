//! Mean shift: clusters as basins of attraction of a density's modes.
//!
//! A point is moved to the [local mean](crate::LocalMean) of the samples around it until it rests:
//! `x <- sum_i c_i K(x, x_i) x_i / sum_i c_i K(x, x_i)`. The points where it rests are the modes of the density under the
//! *shadow* of the kernel (Cheng 1995, theorem 1), and the samples that end at one mode are one cluster.
//!
//! | kernel of the step | its shadow: the density that is climbed |
//! |---|---|
//! | `uniform` (flat) | `epanechnikov` |
//! | `epanechnikov` | `biweight` |
//! | `biweight` | `triweight` |
//! | `gaussian` | `gaussian` |
//! | `laplace` | `matern32`, sqrt(3) times as wide |
//! | `matern32` | `matern52`, sqrt(5 / 3) times as wide |
//! | `student_t(nu)`, nu above 2 | `student_t(nu - 2)`, sqrt(nu / (nu - 2)) times as wide |
//! | `rational_quadratic(alpha)`, alpha above 1 | `rational_quadratic(alpha - 1)`, sqrt(alpha / (alpha - 1)) times as wide |
//! | `cauchy` | the logarithmic kernel `-ln(1 + u^2)` up to a constant |
//!
//! In general a kernel `k(u^2)` has the shadow `g` with `-g' = k` up to a positive factor, both as functions of `u^2`; [`shadow`] gives
//! those that the library has. The shift is in proportion to the gradient of the logarithm of that density, and because every radial
//! kernel here falls with distance, no step lowers it.
//!
//! ```
//! use locality::{Rows, Watch, shift::MeanShift};
//! let x = [1.0, 1.0, 2.0, 1.0, 1.0, 0.0, 4.0, 7.0, 3.0, 5.0, 3.0, 6.0];
//! let fit = MeanShift::new().bandwidth(2.0).fit(Rows::new(&x, 6, 2)?, &Watch::default())?;
//! assert_eq!(fit.labels(), [1, 1, 1, 0, 0, 0]);
//! assert_eq!(fit.predict(Rows::new(&[0.0, 0.0, 5.0, 5.0], 2, 2)?, &Watch::default())?, [1, 0]);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Beside it
//!
//! | method | a sample goes to |
//! |---|---|
//! | [`QuickShift`] | the nearest sample of higher density, up to a longest link |
//! | [`MedoidShift`] | the sample in the middle of those around it, under any distance |
//! | [`Tomato`] | the densest of its nearest neighbours; modes are merged by persistence |
//!
//! `ManifoldBlurring` (feature `dense`) takes noise off samples near a curve or surface: blurring without its part along the surface.
//!
//! # Sources
//! - K. Fukunaga, L. Hostetler, *The estimation of the gradient of a density function, with applications in pattern
//!   recognition*, IEEE Trans. Information Theory 21 (1975): the step, and its blurring form.
//! - Y. Cheng, *Mean shift, mode seeking, and clustering*, IEEE TPAMI 17 (1995): general kernels, weights, shadows.
//! - D. Comaniciu, P. Meer, *Mean shift: a robust approach toward feature space analysis*, IEEE TPAMI 24 (2002): convergence,
//!   clusters as basins of attraction.

mod adaptive;
mod agreement;
mod bandwidth;
mod bins;
mod blur;
mod clusters;
mod common;
mod fit;
mod graph;
mod ground;
mod kernels;
mod links;
#[cfg(feature = "dense")]
mod manifold;
mod medoid;
mod medoid_steps;
mod merge;
mod modes;
mod parameters;
mod paths;
mod positions;
mod quick;
mod resolve;
mod seeds;
mod settle;
mod shadow;
mod sites;
mod sphere;
mod stable;
mod step;
mod tomato;

pub use adaptive::Adaptive;
pub use agreement::adjusted_rand;
pub use bandwidth::{estimate_bandwidth, neighbor_bandwidth};
pub use bins::{BinnedParts, BinnedSites};
pub use fit::MeanShiftFit;
#[cfg(feature = "dense")]
pub use manifold::{Denoised, ManifoldBlurring};
pub use medoid::{MedoidShift, MedoidShiftFit};
pub use modes::{Lifetime, Merging, ModeTree, mode_tree};
pub use parameters::MeanShift;
pub use quick::{QuickShift, QuickShiftFit};
pub use seeds::bin_seeds;
pub use shadow::shadow;
pub use sites::SampleClusters;
pub use stable::{StableBandwidth, StableBandwidths, Tried};
pub use tomato::{Tomato, TomatoFit};
