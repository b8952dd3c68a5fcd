//! How `locality embed` makes coordinates.

use locality::embed::{DiffusionMap, LaplacianEigenmaps, LocallyLinearEmbedding, Method, Pieces};
use locality::{Kernel, Rows, Watch};
use serde_json::{Map, Value};

use super::Args;
use crate::error::{Error, Result};

/// What makes the coordinates.
pub(super) enum Mapping {
    Local(Method, Option<Kernel>),
    Laplacian(Option<Kernel>),
    Diffusion(Option<Kernel>),
}

/// Coordinates of rows, and what is said of them.
pub(super) struct Embedded {
    coordinates: Vec<f64>,
    dims: usize,
    /// The connected piece of each row.
    pub(super) pieces: Vec<usize>,
    pub(super) warning: Option<String>,
    /// More fields of the summary.
    pub(super) found: Map<String, Value>,
}

impl Embedded {
    /// How many pieces there are.
    pub(super) fn count(&self) -> usize {
        self.pieces.iter().max().map_or(0, |last| last + 1)
    }

    /// The coordinates.
    pub(super) fn rows(&self) -> locality::Result<Rows<'_, f64>> {
        let count = self.coordinates.len() / self.dims.max(1);
        Rows::new(&self.coordinates, count, self.dims)
    }
}

impl Mapping {
    /// What the flags ask for.
    pub(super) fn of(args: &Args) -> Result<Self> {
        let kernel = args.kernel.clone();
        let method = args.method.as_str();
        let mapping = match method {
            "lle" => Self::Local(Method::Standard, kernel),
            "mlle" => Self::Local(Method::Modified, None),
            "hlle" => Self::Local(Method::Hessian, None),
            "ltsa" => Self::Local(Method::Ltsa, None),
            "laplacian" => Self::Laplacian(kernel),
            "diffusion" => Self::Diffusion(kernel),
            name => {
                return Err(Error::usage(format!(
                    "--method '{name}' is none of lle, mlle, hlle, ltsa, laplacian and diffusion"
                )));
            }
        };
        let graph = ["laplacian", "diffusion"].contains(&method);
        let flags = [
            (
                "--kernel",
                "lle, laplacian and diffusion",
                args.kernel.is_some() && !graph && method != "lle",
            ),
            (
                "--reg",
                "lle, mlle, hlle and ltsa",
                args.reg.is_some() && graph,
            ),
            (
                "--alpha",
                "diffusion",
                args.alpha.is_some() && method != "diffusion",
            ),
            (
                "--time",
                "diffusion",
                args.time.is_some() && method != "diffusion",
            ),
        ];
        if let Some((flag, of, _)) = flags.iter().find(|(_, _, idle)| *idle) {
            return Err(Error::usage(format!(
                "{flag} is for --method {of}, not {method}; leave it out"
            )));
        }
        Ok(mapping)
    }

    /// With the kernel's columns by number.
    pub(super) fn with_columns(self, names: &[String]) -> Result<Self> {
        let numbered = |kernel: Option<Kernel>| kernel.map(|k| k.with_columns(names)).transpose();
        Ok(match self {
            Self::Local(method, kernel) => Self::Local(method, numbered(kernel)?),
            Self::Laplacian(kernel) => Self::Laplacian(numbered(kernel)?),
            Self::Diffusion(kernel) => Self::Diffusion(numbered(kernel)?),
        })
    }

    /// Embeds rows.
    pub(super) fn embed(
        &self,
        args: &Args,
        rows: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> locality::Result<Embedded> {
        let (dims, k, n) = (args.dims, args.neighbors, rows.rows());
        if !matches!(self, Self::Local(..)) && (k == 0 || k >= n) {
            return Err(locality::Error::parameter(format!(
                "n_neighbors={k} must be at least 1 and less than n_samples = {n}; each sample needs that many others"
            )));
        }
        let mut found = Map::new();
        let (coordinates, pieces, warning) = match self {
            Self::Local(method, kernel) => {
                let fit = LocallyLinearEmbedding::new()
                    .method(*method)
                    .n_neighbors(k)
                    .n_components(dims)
                    .reg(args.reg.unwrap_or(1e-3))
                    .kernel(kernel.clone())
                    .pieces(args.pieces.unwrap_or(Pieces::Centred))
                    .fit(rows, watch)?;
                found.insert(
                    "reconstruction_error".into(),
                    fit.reconstruction_error().into(),
                );
                (
                    fit.embedding().to_vec(),
                    fit.pieces().to_vec(),
                    fit.warning(),
                )
            }
            Self::Laplacian(kernel) => {
                // The sample itself counts there.
                let fit = LaplacianEigenmaps::new()
                    .n_neighbors(k + 1)
                    .n_components(dims)
                    .kernel(kernel.clone())
                    .pieces(args.pieces.unwrap_or_default())
                    .fit(rows, watch)?;
                found.insert("eigenvalues".into(), fit.eigenvalues().into());
                (
                    fit.embedding().to_vec(),
                    fit.pieces().to_vec(),
                    fit.warning(),
                )
            }
            Self::Diffusion(kernel) => {
                let mut model = DiffusionMap::new();
                if let Some(kernel) = kernel {
                    model = model.kernel(kernel.clone());
                }
                let fit = model
                    .n_neighbors(k + 1)
                    .n_components(dims)
                    .alpha(args.alpha.unwrap_or(1.0))
                    .time(args.time.unwrap_or(1.0))
                    .pieces(args.pieces.unwrap_or_default())
                    .fit(rows, watch)?;
                found.insert("eigenvalues".into(), fit.eigenvalues().into());
                found.insert("kernel".into(), fit.kernel().to_string().into());
                (
                    fit.embedding().to_vec(),
                    fit.pieces().to_vec(),
                    fit.warning(),
                )
            }
        };
        Ok(Embedded {
            coordinates,
            dims,
            pieces,
            warning,
            found,
        })
    }
}
