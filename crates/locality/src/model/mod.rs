//! Fitted models in files: saved in Rust, in Python or by the tool, and loaded by any of them.
//!
//! A file, whose name usually ends in `.loc`, is in the [safetensors](https://github.com/huggingface/safetensors) format. Its arrays are the training
//! samples, responses and weights; kernel, parameters, the names of columns and classes, and the format's version are one JSON text in
//! its metadata. A loaded model is fitted again at what was found, without any search, and predicts the same bits.
//!
//! ```
//! use locality::local::{LocalRegression, LocalRegressionFit};
//! use locality::model::Persist;
//! use locality::{Rows, Watch};
//! let x: Vec<f64> = (0..100).map(|i| f64::from(i) / 10.0).collect();
//! let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
//! let watch = Watch::default();
//! let fit = LocalRegression::new("gaussian".parse()?).fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
//! let path = std::env::temp_dir().join(format!("sine-{}.loc", std::process::id()));
//! fit.save(&path)?;
//! let again = LocalRegressionFit::load(&path)?;
//! let at = |fit: &LocalRegressionFit| fit.at(Rows::column(&[4.56]), &watch).map(|f| f.values().to_vec());
//! assert_eq!(at(&fit)?, at(&again)?);
//! # std::fs::remove_file(&path).ok();
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Safety
//! Files are not trusted: sizes are checked before memory is taken, a checksum tells damage, a version that is not known is refused, and
//! everything read goes through the same checks as data that are fitted.

mod about;
mod array;
mod density;
mod file;
mod geographic;
mod lazy;
mod local;
mod mean;
mod parameters;
mod scaled;

pub use about::{About, Class, Feature};
pub use array::Array;
pub use file::{FORMAT, ModelFile};
pub use mean::{LocalMeanModel, LocalMeanModelFit};
pub use parameters::Parameters;
pub use scaled::{ScaledModel, ScaledValues};

use std::path::Path;

use crate::{Result, Watch};

/// A fitted model that can be kept in a file.
pub trait Persist: Sized {
    /// What the model is called in files.
    const KIND: &'static str;

    /// Everything that brings the model back.
    ///
    /// # Errors
    /// A kernel or neighbourhood that has no text, such as a mask given as a function.
    fn pack(&self) -> Result<ModelFile>;

    /// The model of a file, laid out on the watched threads.
    ///
    /// # Errors
    /// A file of another kind of model; parameters and arrays that are missing or do not fit together; an interruption.
    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self>;

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// As [`pack`](Self::pack) and [`ModelFile::save`].
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.pack()?.save(path)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`ModelFile::load`] and [`unpack`](Self::unpack).
    fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::unpack(&ModelFile::load(path)?, &Watch::default())
    }
}
