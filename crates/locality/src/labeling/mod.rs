//! Labels by agreement with neighbours: relaxation labeling, label propagation and spreading, iterated local modes, and the fully connected
//! conditional random field.
//!
//! Objects have distributions `p_i` over labels, and a [`Graph`] says how much each hears of the others. The support of label `a` at object `i`
//! is `q_i(a) = sum_j w_ij sum_b r(a, b) p_j(b)`, where `r` says how well labels go together; distributions move towards what is
//! supported.
//!
//! | method | update |
//! |---|---|
//! | [`RelaxationLabeling`], [`Step::Product`] | `p_i(a) q_i(a) / sum_b p_i(b) q_i(b)` (Rosenfeld, Hummel and Zucker 1976) |
//! | [`RelaxationLabeling`], [`Step::Gradient`] | `p_i + s q_i`, projected on the simplex (Hummel and Zucker 1983) |
//! | [`DenseCrf`] | `exp(-u_i(a) - cost)`, normalized: the support is a Gaussian local mean over all objects (Krähenbühl and Koltun 2011) |
//! | [`LocalModes`] | the label of the largest support: the mode of the neighbours' labels (Besag 1986) |
//! | [`LabelPropagation`] | the neighbours' mean, known labels held fast (Zhu and Ghahramani 2002) or drawn back to (label spreading, Zhou et al. 2004) |
//!
//! ```
//! use locality::{Watch, labeling::{Graph, RelaxationLabeling, Step}};
//! // A row of five pixels: the one in the middle leans the wrong way.
//! let graph = Graph::grid(&[1, 5], false)?;
//! let p = [0.9, 0.1, 0.9, 0.1, 0.4, 0.6, 0.9, 0.1, 0.9, 0.1];
//! let same = [1.0, 0.0, 0.0, 1.0];
//! let found = RelaxationLabeling::new(Step::Product).run(&graph, &same, &p, None, &Watch::default())?;
//! assert_eq!(found.labels(), [0, 0, 0, 0, 0]);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Sources
//! - A. Rosenfeld, R. Hummel, S. Zucker, *Scene labeling by relaxation operations*, IEEE Trans. SMC 6 (1976).
//! - R. Hummel, S. Zucker, *On the foundations of relaxation labeling processes*, IEEE TPAMI 5 (1983).
//! - M. Pelillo, *The dynamics of nonlinear relaxation labeling processes*, J. Math. Imaging and Vision 7 (1997): consistency never falls.
//! - J. Besag, *On the statistical analysis of dirty pictures*, J. Royal Statistical Society B 48 (1986).
//! - U. Raghavan, R. Albert, S. Kumara, *Near linear time algorithm to detect community structures in large-scale networks*, Physical Review E 76 (2007).
//! - P. Krähenbühl, V. Koltun, *Efficient inference in fully connected CRFs with Gaussian edge potentials*, NIPS 24 (2011).
//! - X. Zhu, Z. Ghahramani, *Learning from labeled and unlabeled data with label propagation*, CMU-CALD-02-107 (2002).
//! - D. Zhou et al., *Learning with local and global consistency*, NIPS 16 (2004).

mod crf;
mod gauss;
mod graph;
mod known;
mod learned;
mod mean_field;
mod modes;
mod propagation;
mod relaxation;
mod rounds;
mod scene;

pub use crf::{Compatibility, Normalization, Pairwise};
pub use gauss::SumsBy;
pub use graph::Graph;
pub use learned::{balanced, compatibilities, shrunk_compatibilities};
pub use mean_field::{DenseCrf, FreeEnergy, Marginals, MeanField};
pub use modes::{LocalModes, Modes};
pub use propagation::{Affinity, LabelPropagation, LabelPropagationFit};
pub use relaxation::{Labeling, RelaxationLabeling, Step};
pub use scene::Scene;
