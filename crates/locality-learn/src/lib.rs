//! Learned localization: hierarchical local models, and the Transformer made of them.
//!
//! A layer of a hierarchical model is a local mean over the one below, under a kernel whose queries, keys and values are learned,
//! with a residual and a map of each site between. With softmax kernels and positions such a stack *is* a Transformer; with others
//! (Gaussian, Epanechnikov, windowed, distance-biased) it is a model that softmax cannot express.
//!
//! # How it is built
//!
//! Plain buffers, and no automatic differentiation: each [`Layer`] has a [`forward`](Layer::forward) and a
//! [`pull_back`](Layer::pull_back) written out, to be read from top to bottom. All parameters lie in one flat buffer with named views
//! ([`Layout`]), so that optimiser, clipping and checkpoints see one slice. `f32` is for training, `f64` is what the derivatives are
//! checked in. Results are the same bits for any number of threads.
//!
//! | for | see |
//! |---|---|
//! | layers | [`Linear`], [`Norm`], [`SiteMap`], [`Embedding`], [`Dropout`], [`LocalHeads`], [`LocalLayer`] |
//! | stacks of them | [`HierarchicalModel`] |
//! | such stacks learned from rows, level by level or at once | [`HierarchicalLearner`], [`Levels`] |
//! | losses | [`cross_entropy`], [`squared_loss`] |
//! | Transformers: language models and encoders | [`TransformerConfig`], [`Transformer`], [`Sampler`] |
//! | from one sequence to another: encoder and decoder | [`EncoderDecoder`], [`DecoderLayer`], [`CrossHeads`] |
//! | training, of a model on a text with its history | [`Trainer`], [`TextTraining`], [`AdamW`], [`Schedule`], [`clip`] |
//! | metrics: which columns, and which mixtures of them, say who is alike | [`MetricLearner`], [`Guidance`], [`LearnedMetric`] |
//! | mixtures of kernels: how much each counts | [`MixtureLearner`], [`LearnedMixture`] |
//! | autoencoders: denoising, hierarchical | [`Autoencoder`], [`AutoencoderModel`], [`Corruption`] |
//! | kernels on learned features | [`DeepKernel`], [`DeepKernelModel`] |
//! | models that others have trained | [`pretrained`] |
//! | text and files | [`Tokenizer`], [`Bpe`], [`Checkpoint`], [`Written`] |

mod autoencoder;
mod bpe;
mod checkpoint;
mod columns;
mod decoder_layer;
mod deep;
mod fit;
mod goal;
mod half;
mod heads;
mod hierarchy;
mod layer;
mod layers;
mod levels;
mod local_layer;
mod metric;
mod mixture;
mod number;
mod optimize;
mod parameters;
mod pass;
pub mod pretrained;
mod random;
mod text_training;
mod tokenizer;
mod train;
mod transformer;
mod whole;
mod writing;

pub use autoencoder::{Autoencoder, AutoencoderModel, Corruption, Excess, Training};
pub use bpe::Bpe;
pub use checkpoint::Checkpoint;
pub use decoder_layer::{DecoderCache, DecoderKept, DecoderLayer};
pub use deep::{DeepKernel, DeepKernelModel};
pub use fit::{FitConfig, History};
pub use goal::Goal;
pub use heads::{
    CrossHeads, CrossKept, HeadsCache, HeadsConfig, HeadsKept, LocalHeads, Places, Source,
    attention_kernel,
};
pub use hierarchy::{HierarchicalModel, HierarchyKept};
pub use layer::Layer;
pub use layers::{
    ACTIVATIONS, Activation, Dropout, Embedding, FeedForward, FeedForwardKept, IGNORED, Linear,
    Norm, NormKind, Rotary, SiteMap, SiteMapKept, alibi_slopes, cross_entropy, sinusoidal,
    squared_loss,
};
pub use levels::{HierarchicalFit, HierarchicalLearner, Levels};
pub use local_layer::{LayerConfig, LayerKept, LocalLayer};
pub use metric::{Guidance, LearnedMetric, MetricLearner};
pub use mixture::{LearnedMixture, MixtureLearner};
pub use number::{Matrix, Number, multiply};
#[doc(hidden)]
pub use number::{PANEL, ROWS, Tile};
pub use optimize::{AdamW, AdamWState, Schedule, clip};
pub use parameters::{Layout, Start, View};
pub use pass::{Chance, Pass, Sets};
pub use text_training::{Look, TextTraining};
pub use tokenizer::Tokenizer;
pub use train::{Step, TrainConfig, Trainer};
pub use transformer::{
    Answering, Cache, EncoderDecoder, Generate, Pair, Positions, Sampler, Transformer,
    TransformerConfig,
};
pub use writing::Written;

pub use locality_core::{Error, ErrorKind, Result};
