//! Embeddings: few coordinates that keep neighbourhoods.
//!
//! | | |
//! |---|---|
//! | [`LocallyLinearEmbedding`] | each sample stays the same mixture of its neighbours; also modified, Hessian and tangent-space |
//! | [`trustworthiness`], [`continuity`] | how well an embedding keeps neighbourhoods |
//!
//! The parameters' names and defaults are scikit-learn's.
//!
//! # Sources
//! - S. Roweis, L. Saul, *Nonlinear dimensionality reduction by locally linear embedding*, Science 290 (2000).
//! - L. Saul, S. Roweis, *Think globally, fit locally*, JMLR 4 (2003): new samples.
//! - D. Donoho, C. Grimes, *Hessian eigenmaps*, PNAS 100 (2003).
//! - Z. Zhang, H. Zha, *Principal manifolds and nonlinear dimensionality reduction via tangent space alignment*, SIAM J. Scientific
//!   Computing 26 (2004).
//! - Z. Zhang, J. Wang, *MLLE: modified locally linear embedding using multiple weights*, NIPS 19 (2007).

mod lle;
mod near;
mod parameters;
mod patches;
mod scores;
mod small;
mod tangent;
mod weights;

pub use lle::LocallyLinearEmbeddingFit;
pub use parameters::{LocallyLinearEmbedding, Method, Solver};
pub use scores::{continuity, trustworthiness};
pub use weights::reconstruction_weights;

/// A sentence where the neighbours' graph has several pieces.
fn disconnected(pieces: &[usize], count: usize, neighbors: usize) -> Option<String> {
    if count < 2 {
        return None;
    }
    let mut sizes = vec![0_usize; count];
    for &p in pieces {
        sizes[p] += 1;
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let shown: Vec<String> = sizes.iter().take(5).map(ToString::to_string).collect();
    let more = if count > 5 { ", .." } else { "" };
    Some(format!(
        "the graph of {neighbors} nearest neighbours falls into {count} pieces of {}{more} samples; each is embedded by itself, around 0. \
         Raise n_neighbors to connect them",
        shown.join(", ")
    ))
}
