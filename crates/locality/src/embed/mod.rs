//! Embeddings: few coordinates that keep neighbourhoods.
//!
//! | | |
//! |---|---|
//! | [`LocallyLinearEmbedding`] | each sample stays the same mixture of its neighbours; also modified, Hessian and tangent-space |
//! | [`LaplacianEigenmaps`] | samples with much weight between them stay near one another |
//! | [`DiffusionMap`] | distances are those between where random walks from two samples go |
//! | [`trustworthiness`], [`continuity`] | how well an embedding keeps neighbourhoods |
//!
//! The parameters' names and defaults are scikit-learn's, where it has the method.
//!
//! # Sources
//! - S. Roweis, L. Saul, *Nonlinear dimensionality reduction by locally linear embedding*, Science 290 (2000).
//! - L. Saul, S. Roweis, *Think globally, fit locally*, JMLR 4 (2003): new samples.
//! - D. Donoho, C. Grimes, *Hessian eigenmaps*, PNAS 100 (2003).
//! - Z. Zhang, H. Zha, *Principal manifolds and nonlinear dimensionality reduction via tangent space alignment*, SIAM J. Scientific
//!   Computing 26 (2004).
//! - M. Belkin, P. Niyogi, *Laplacian eigenmaps for dimensionality reduction and data representation*, Neural Computation 15 (2003).
//! - R. Coifman, S. Lafon, *Diffusion maps*, Applied and Computational Harmonic Analysis 21 (2006).
//! - Z. Zhang, J. Wang, *MLLE: modified locally linear embedding using multiple weights*, NIPS 19 (2007).

mod affinity;
mod classes;
mod diffusion;
mod graph;
mod joint;
mod laplacian;
mod lle;
mod near;
mod parameters;
mod patches;
mod scale;
mod scores;
mod shares;
mod tangent;
mod weights;

pub use affinity::Affinity;
pub use diffusion::{DiffusionMap, DiffusionMapFit, DiffusionMapParts};
pub use joint::Pieces;
pub use laplacian::{LaplacianEigenmaps, LaplacianEigenmapsFit};
pub use lle::LocallyLinearEmbeddingFit;
pub use parameters::{LocallyLinearEmbedding, Method, Solver};
pub use scale::kernel_scale;
pub use scores::{
    continuity, continuity_of_distances, continuity_under, trustworthiness,
    trustworthiness_of_distances, trustworthiness_under,
};
pub use shares::mixture_shares;
pub use weights::reconstruction_weights;

/// What ties samples to one another.
#[derive(Clone, Copy, Debug)]
enum Ties {
    /// So many nearest others.
    Nearest(usize),
    Kernel,
    Given,
}

impl Ties {
    fn of(neighbors: Option<usize>) -> Self {
        // A sample is the first of its own.
        neighbors.map_or(Self::Kernel, |k| Self::Nearest(k - 1))
    }
}

/// So many pieces, and the sizes of the largest, which come first.
fn sizes(what: &str, count: usize, sizes: &[usize]) -> String {
    let shown: Vec<String> = sizes.iter().take(5).map(ToString::to_string).collect();
    let more = if count > 5 { ", .." } else { "" };
    format!("{count} {what} of {}{more} samples", shown.join(", "))
}

/// A sentence where the graph has several pieces.
fn disconnected(pieces: &[usize], count: usize, ties: Ties, laid: Pieces) -> Option<String> {
    if count < 2 {
        return None;
    }
    let mut members = vec![0_usize; count];
    for &p in pieces {
        members[p] += 1;
    }
    members.sort_unstable_by(|a, b| b.cmp(a));
    let sizes = sizes("pieces", count, &members);
    let how = match laid {
        Pieces::Centred => {
            "each is embedded by itself, around 0 (pieces='apart' lays them beside one another)"
        }
        Pieces::Apart => {
            "the first coordinates tell them apart, and those that are left unfold single pieces (pieces='centred' embeds each by itself)"
        }
    };
    Some(match ties {
        Ties::Nearest(k) => format!(
            "the graph of the {k} nearest others falls into {sizes}; {how}. Raise n_neighbors to connect them"
        ),
        Ties::Kernel => format!(
            "the kernel leaves no weight between {sizes}; {how}. Widen its bandwidth to connect them"
        ),
        Ties::Given => format!(
            "the weights leave {sizes} without any between them; {how}. Give positive weights between samples of different pieces to connect \
             them"
        ),
    })
}
