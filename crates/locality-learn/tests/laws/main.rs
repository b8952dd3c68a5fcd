//! What must hold for learned localization (theory of hierarchical local models), each law in a file.

mod autoencoders;
mod causality;
mod checkpoints;
mod deep;
mod fused;
mod generation;
mod gradients;
mod levels;
mod metrics;
mod mixtures;
mod optimization;
mod pairs;
mod same_bits;
mod shapes;
mod support;
mod texts;
mod training;
