//! Principal components around each place: tangent spaces, projection onto them, and the dimension of the samples.
//!
//! | | |
//! |---|---|
//! | [`LocalPca`] | principal components of the samples around each target, under any kernel |
//! | [`Pca`] | the components of weighted samples, the model that [`LocalPca`] makes local |
//! | [`IntrinsicDimension`] | how many dimensions samples have, at each and altogether |
//!
//! # Sources
//! - K. Fukunaga, D. Olsen, *An algorithm for finding intrinsic dimensionality of data*, IEEE Trans. Computers 20 (1971): components of
//!   neighbourhoods.
//! - N. Kambhatla, T. Leen, *Dimension reduction by local principal component analysis*, Neural Computation 9 (1997): projection.
//! - E. Levina, P. Bickel, *Maximum likelihood estimation of intrinsic dimension*, NIPS 17 (2004); D. MacKay, Z. Ghahramani, *Comments on
//!   "Maximum likelihood estimation of intrinsic dimension"* (2005).
//! - E. Facco, M. d'Errico, A. Rodriguez, A. Laio, *Estimating the intrinsic dimension of datasets by a minimal neighborhood information*,
//!   Scientific Reports 7 (2017).

mod dimension;
mod local;
mod model;

pub use dimension::{DimensionMethod, Dimensions, IntrinsicDimension};
pub use local::{LocalPca, LocalPcaFit};
pub use model::{Components, Pca, PcaFit};
