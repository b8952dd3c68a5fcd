//! Localization methods: any statistical model made local, on one fast primitive.
//!
//! The primitive is the *local mean* of [`core`]: a [`Kernel`] says how much each key counts at a query, and values are
//! averaged with these weights. Everything of that crate is here under its own name.
//!
//! # The local mean
//!
//! ```
//! use locality::{LocalMean, Rows, Watch, local_mean};
//! let keys = [0.0, 1.0, 2.0, 3.0];
//! let values = [0.0, 1.0, 4.0, 9.0];
//! let kernel = "epanechnikov(h=1.25)".parse()?;
//! let out = local_mean(&kernel, Rows::column(&[1.5]), Rows::column(&keys), Rows::column(&values))?;
//! assert_eq!(out.means, [2.5]);
//! // The same, laid out once for many rounds of queries.
//! let fit = LocalMean::new(kernel).fit(Rows::column(&keys), Rows::column(&values))?;
//! assert_eq!(fit.at(Rows::column(&[1.5]), &Watch::default())?.means, [2.5]);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Kernels as text
//!
//! A kernel is an expression, and its text is its name in Rust, in Python and on the command line.
//!
//! ```
//! use locality::Kernel;
//! let near: Kernel = "gaussian(h=[0.3, 0.5], cols=[x, y])".parse()?;
//! let same: Kernel = "uniform(cols=group)".parse()?;
//! let both = near * same;
//! assert_eq!(both.to_string(), "gaussian(h=[0.3, 0.5], cols=[x, y]) * uniform(cols=group)");
//! assert_eq!(both.to_string().parse::<Kernel>()?, both);
//! let mistake = "gausian(h=1)".parse::<Kernel>().unwrap_err();
//! assert!(mistake.to_string().contains("did you mean 'gaussian'?"));
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Clusters
//!
//! [`shift::MeanShift`] moves points to the local mean around them until they rest.
//!
//! ```
//! use locality::{Rows, Watch, shift::MeanShift};
//! let x = [0.0, 0.1, 0.2, 5.0, 5.1, 9.9];
//! let fit = MeanShift::new().bandwidth(0.5).fit(Rows::column(&x), &Watch::default())?;
//! assert_eq!(fit.labels(), [0, 0, 0, 1, 1, 2]);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Curves
//!
//! [`local::lowess::Lowess`] draws a robust smooth curve through a scatter of points.
//!
//! ```
//! use locality::{Watch, local::lowess::Lowess};
//! let x: Vec<f64> = (0..100).map(|i| 0.1 * f64::from(i)).collect();
//! let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
//! let fit = Lowess::new().frac(0.1).fit(&x, &y, &Watch::default())?;
//! assert!((fit.predict(&[2.05], &Watch::default())?[0] - 2.05_f64.sin()).abs() < 0.02);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Models in files
//!
//! What was fitted is kept in a file with [`model::Persist`], and read by Python and by the tool as well.
//!
//! # Pictures
//!
//! [`image::MeanShiftFilter`] and [`image::MeanShiftSegmenter`] do the same in position and colour; [`image::Superpixels`] are quick shift
//! there, and [`image::track`] follows an object from picture to picture.
//!
//! ```
//! use locality::Watch;
//! use locality::image::{ImageView, MeanShiftSegmenter};
//! let grey: [u8; 16] = [10, 14, 12, 11, 90, 94, 91, 93, 12, 13, 10, 14, 92, 90, 95, 91];
//! let picture = ImageView::new(&grey, 2, 8, 1)?;
//! let found = MeanShiftSegmenter::new(4.0, 20.0).min_region(3).segment(&picture, &Watch::default())?;
//! assert_eq!(found.n_regions(), 2);
//! # Ok::<(), locality::Error>(())
//! ```

pub use locality_core as core;
pub use locality_core::*;

#[cfg(feature = "dense")]
pub mod autoencode;
pub mod denoise;
#[cfg(feature = "dense")]
pub mod dense;
pub mod density;
mod descent;
#[cfg(feature = "dense")]
pub mod embed;
pub mod fuzzy;
pub mod gwr;
pub mod hopfield;
pub mod image;
pub mod labeling;
pub mod lazy;
#[cfg(feature = "dense")]
mod linear;
pub mod local;
pub mod model;
mod named;
pub mod nonlocal;
pub mod outlier;
pub mod patches;
#[cfg(feature = "dense")]
pub mod pca;
mod random;
pub mod shift;
mod symmetric;
mod widths;

/// The Rust of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
