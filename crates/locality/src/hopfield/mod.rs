//! Hopfield networks: memories that give back what was stored from a part of it, or from something near it.
//!
//! | memory | states | rule |
//! |---|---|---|
//! | [`HopfieldMemory`] | real numbers | a state moves to the [local mean](crate::LocalMean) of the stored patterns: `softmax` is the modern Hopfield network, which is attention (Ramsauer et al. 2021); `gaussian` moves by distance; kernels that end retrieve sparsely and exactly |
//! | [`HopfieldNetwork`] | -1 and 1 | the classic network (Hopfield 1982) with Hebbian, pseudo-inverse or Storkey learning; dense associative memories of polynomial (Krotov and Hopfield 2016) and exponential (Demircigil et al. 2017) energy |
//! | [`HopfieldImputer`] | tables with gaps | missing cells are recalled from the rows whose known cells agree |
//!
//! ```
//! use locality::{Rows, Watch, hopfield::HopfieldMemory};
//! let patterns = [1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
//! let memory = HopfieldMemory::new("softmax(beta=4)".parse()?).store(Rows::new(&patterns, 2, 4)?)?;
//! // Half of the first pattern is known.
//! let half = [1.0, 1.0, 0.0, 0.0];
//! let known = [true, true, false, false];
//! let found = memory.complete(Rows::new(&half, 1, 4)?, &known, &Watch::default())?;
//! assert!(found.states.iter().zip(&patterns[..4]).all(|(a, b): (&f64, _)| (a - b).abs() < 0.01));
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Sources
//! - J. J. Hopfield, *Neural networks and physical systems with emergent collective computational abilities*, PNAS 79 (1982).
//! - L. Personnaz, I. Guyon, G. Dreyfus, *Collective computational properties of neural networks: new learning mechanisms*, Physical
//!   Review A 34 (1986): the pseudo-inverse rule, one pattern at a time.
//! - A. Storkey, *Increasing the capacity of a Hopfield network without sacrificing functionality*, ICANN (1997).
//! - D. Krotov, J. J. Hopfield, *Dense associative memory for pattern recognition*, NIPS (2016).
//! - M. Demircigil et al., *On a model of associative memory with huge storage capacity*, J. Statistical Physics 168 (2017).
//! - H. Ramsauer et al., *Hopfield networks is all you need*, ICLR (2021).
//! - B. Hoover et al., *Dense associative memory with Epanechnikov energy* (2025): energies of kernels that end.

mod complete;
mod couplings;
mod dense;
mod energy;
mod impute;
mod lengths;
mod memory;
mod network;
mod parts;
mod recall;

pub use impute::{HopfieldImputer, HopfieldImputerFit};
pub use memory::{HopfieldMemory, StoredPatterns};
pub use network::{HopfieldNetwork, HopfieldNetworkFit, NetworkRecall, Rule, Update};
pub use recall::Recall;
