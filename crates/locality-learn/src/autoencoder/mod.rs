//! Autoencoders: denoising, and hierarchical from coarse to fine.

mod corruption;
mod levels;
mod model;

pub use corruption::Corruption;
use levels::Levels;
pub use model::{AutoencoderModel, Excess};

use locality_core::{Error, Result, Rows, Watch};

use crate::columns::Columns;
use crate::fit::{Batch, FitConfig, fit, split};
use crate::random::Stream;
use crate::{Activation, Layer, Layout, Number, Pass, Sets, squared_loss};

/// In which order the levels of a hierarchical autoencoder learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Training {
    /// Level by level, each on what those before it left.
    Greedy,
    /// All levels at once.
    Joint,
    /// Level by level, then all at once from there.
    #[default]
    GreedyThenJoint,
}

impl std::str::FromStr for Training {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "greedy" => Ok(Self::Greedy),
            "joint" => Ok(Self::Joint),
            "greedy_then_joint" | "greedy-then-joint" => Ok(Self::GreedyThenJoint),
            _ => Err(Error::parse(format!(
                "there is no training '{text}'; choose greedy, joint or greedy_then_joint"
            ))),
        }
    }
}

/// An autoencoder: a map to a code of few numbers and one back, learned so that corrupted rows come back clean (denoising autoencoder, Vincent
/// et al. 2010; Song 2026, arXiv 2605.20635, the denoising autoencoders). With several codes it is hierarchical: a coarse code first, then codes of what the
/// reconstruction so far leaves.
///
/// Columns are learned in units of their standard deviations. The same bits for a seed and any number of threads.
///
/// ```
/// use locality_core::{Rows, Watch};
/// use locality_learn::{Autoencoder, Corruption, FitConfig};
/// // Points of a circle: one number tells where on it.
/// let circle: Vec<f64> = (0..200)
///     .flat_map(|i| [f64::from(i).sin(), f64::from(i).cos()])
///     .collect();
/// let rows = Rows::new(&circle, 200, 2)?;
/// let model = Autoencoder::new(&[2])
///     .hidden(&[16])
///     .corruption(Corruption::Gaussian(0.1))
///     .fit_config(FitConfig { epochs: 60, batch: 32, ..FitConfig::default() })
///     .fit::<f32>(rows, &Watch::default())?;
/// assert_eq!(model.encode(rows)?.len(), 200 * 2);
/// assert!(model.error(rows)? < 0.1);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Autoencoder {
    hidden: Vec<usize>,
    codes: Vec<usize>,
    activation: Activation,
    corruption: Corruption,
    training: Training,
    fit: FitConfig,
}

impl Autoencoder {
    /// Codes of so many numbers, one code for each level, the coarsest first; one hidden layer of 64, noise of a fifth of a deviation.
    pub fn new(codes: &[usize]) -> Self {
        Self {
            hidden: vec![64],
            codes: codes.to_vec(),
            activation: Activation::Gelu,
            corruption: Corruption::Gaussian(0.2),
            training: Training::GreedyThenJoint,
            fit: FitConfig::default(),
        }
    }

    /// Sizes of the layers between rows and codes; the way back has the same in reverse. None is a linear map.
    #[must_use]
    pub fn hidden(mut self, hidden: &[usize]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }

    /// The curve between maps.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// What rows are corrupted by in training.
    #[must_use]
    pub fn corruption(mut self, corruption: Corruption) -> Self {
        self.corruption = corruption;
        self
    }

    /// In which order several levels learn.
    #[must_use]
    pub fn training(mut self, training: Training) -> Self {
        self.training = training;
        self
    }

    /// Epochs, batches, rates and seed.
    #[must_use]
    pub fn fit_config(mut self, fit: FitConfig) -> Self {
        self.fit = fit;
        self
    }

    /// Sizes of the layers between rows and codes.
    pub fn hidden_sizes(&self) -> &[usize] {
        &self.hidden
    }

    /// Numbers of each level's code.
    pub fn codes(&self) -> &[usize] {
        &self.codes
    }

    /// What rows are corrupted by.
    pub fn corrupted_by(&self) -> Corruption {
        self.corruption
    }

    /// An untrained network for so many columns.
    pub(crate) fn network(&self, columns: usize) -> Result<(Layout, Levels)> {
        if self.codes.is_empty() || self.codes.contains(&0) || self.hidden.contains(&0) {
            return Err(Error::parameter(format!(
                "codes {:?} and hidden layers {:?} make no autoencoder; give at least one code, and sizes of at least 1",
                self.codes, self.hidden
            )));
        }
        let mut layout = Layout::default();
        let levels = Levels::new(
            &mut layout,
            columns,
            &self.hidden,
            &self.codes,
            self.activation,
        )?;
        Ok((layout, levels))
    }

    /// Learns from rows `[n, d]`.
    ///
    /// # Errors
    /// No rows, NaN or infinite numbers, parameters out of their range, an interruption, numbers that leave the type's range.
    pub fn fit<T: Number>(
        &self,
        rows: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<AutoencoderModel<T>> {
        self.corruption.check()?;
        self.fit.check()?;
        let columns = Columns::of("rows", rows)?;
        let data: Vec<T> = columns.scale("rows", rows)?;
        let (layout, levels) = self.network(columns.len())?;
        let mut parameters = layout.initialize::<T>(self.fit.seed);
        let (training, held_out) = split(rows.rows(), self.fit.validation, self.fit.seed);
        let task = Task {
            data: &data,
            columns: columns.len(),
            ends: ends(&data, columns.len()),
            corruption: self.corruption,
            seed: self.fit.seed,
        };
        let mut stages: Vec<(usize, std::ops::Range<usize>)> = Vec::new();
        if self.training != Training::Joint && levels.count() > 1 || levels.count() == 1 {
            stages.extend((0..levels.count()).map(|l| (l + 1, levels.part(l))));
        }
        if self.training != Training::Greedy && levels.count() > 1 {
            stages.push((levels.count(), 0..layout.len()));
        }
        let mut histories = Vec::with_capacity(stages.len());
        for (count, part) in &stages {
            let net = levels.first(*count);
            let work = || {
                let objective =
                    |parameters: &[T], batch: Batch<'_>, gradients: Option<&mut [T]>| {
                        task.loss(&net, parameters, batch, gradients)
                    };
                let rows = (&training[..], &held_out[..]);
                fit(
                    &layout,
                    part,
                    &mut parameters,
                    rows,
                    &self.fit,
                    watch,
                    objective,
                )
            };
            histories.push(locality_core::par::install(watch.thread_count(), work)?);
        }
        Ok(AutoencoderModel {
            config: self.clone(),
            columns,
            layout,
            levels,
            parameters,
            histories,
        })
    }
}

/// Least and largest value of each column.
fn ends<T: Number>(data: &[T], columns: usize) -> Vec<(T, T)> {
    let mut ends = vec![(T::INFINITY, T::NEG_INFINITY); columns];
    for row in data.chunks_exact(columns) {
        for ((low, high), x) in ends.iter_mut().zip(row) {
            *low = low.min(*x);
            *high = high.max(*x);
        }
    }
    ends
}

/// What is minimised.
struct Task<'a, T> {
    data: &'a [T],
    columns: usize,
    ends: Vec<(T, T)>,
    corruption: Corruption,
    seed: u64,
}

impl<T: Number> Task<'_, T> {
    /// The mean squared distance, by number, of clean rows from what comes out for corrupted ones.
    fn loss(
        &self,
        net: &Levels,
        parameters: &[T],
        batch: Batch<'_>,
        gradients: Option<&mut [T]>,
    ) -> Result<f64> {
        let rows = batch.rows.iter();
        let clean: Vec<T> = rows
            .flat_map(|&i| {
                self.data[i * self.columns..][..self.columns]
                    .iter()
                    .copied()
            })
            .collect();
        let mut corrupted = clean.clone();
        let stream = Stream::new(self.seed, 7).fork(batch.round);
        self.corruption.apply(&mut corrupted, &self.ends, stream);
        let sets = Sets::equal(1, batch.rows.len())?;
        let pass = Pass::new(&sets);
        let (out, kept) = net.forward(parameters, &corrupted, &pass)?;
        let (loss, flow) = squared_loss(&out, &clean)?;
        if let Some(gradients) = gradients {
            net.pull_back(parameters, &corrupted, &kept, &flow, gradients, &pass)?;
        }
        Ok(loss)
    }
}
