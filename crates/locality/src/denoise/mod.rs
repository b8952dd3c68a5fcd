//! The best denoiser of a finite sample, the score that it is, and sampling by it.
//!
//! For clean samples `x_i` and noise `N(0, sigma^2 I)`, what is expected of the clean value at a noisy `y` is the Gaussian local mean
//! `m(y) = sum_i K(y, x_i) x_i / sum_i K(y, x_i)`, and `(m(y) - y) / sigma^2` is the gradient of the logarithm of the noisy density
//! (Miyasawa 1961; Efron, *Tweedie's formula and selection bias*, JASA 106, 2011). Mean shift, denoising and score are one.
//!
//! ```
//! use locality::{Rows, Watch, denoise::OptimalDenoiser};
//! let clean = [0.0, 0.1, 5.0, 5.2];
//! let fit = OptimalDenoiser::new(0.5).fit(Rows::column(&clean), &Watch::default())?;
//! let out = fit.denoise(Rows::column(&[0.4, 4.0]), &Watch::default())?;
//! assert!((out[0] - 0.06_f64).abs() < 0.02 && (out[1] - 5.06).abs() < 0.02);
//! # Ok::<(), locality::Error>(())
//! ```

mod exchange;
mod generated;
mod judge;
mod law;
mod local_law;
mod moments;
mod optimal;
mod sampler;
mod steps;
mod whitened;

pub use generated::Generated;
pub use judge::{energy_distance, nearest_distances};
pub use optimal::{OptimalDenoiser, OptimalDenoiserFit};
pub use sampler::{Sampler, SamplerMethod};
