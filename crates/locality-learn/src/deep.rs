//! Kernels on learned features: a network's output is where rows lie, and a Gaussian local mean there predicts.

mod model;
mod objective;

pub use model::DeepKernelModel;

use locality_core::{Error, Result, Rows, Watch};

use crate::columns::Columns;
use crate::fit::{Batch, FitConfig, fit, split};
use crate::layers::{FeedForwardKept, add};
use crate::{Activation, FeedForward, Goal, Layer, Layout, Linear, Number, Pass};
use objective::{Objective, Values};

/// Learns features in which a Gaussian local mean of bandwidth 1 predicts each row best from others (Salakhutdinov and Hinton 2007, nonlinear neighbourhood
/// components; for tables Ye, Yin and Zhan 2024, arXiv 2407.03257): a linear map and, added to it, a network that begins at 0.
///
/// Rows of a batch are predicted from candidates that are not in it, so that none sees itself. The linear part begins as [`start`](Self::start), such as a
/// [`LearnedMetric`](crate::LearnedMetric)'s map, or as columns over their deviations at the best of some bandwidths; what is kept is never worse on the held-out
/// rows than that. The same bits for a seed and any number of threads.
///
/// ```
/// use locality_core::{Rows, Watch};
/// use locality_learn::{DeepKernel, FitConfig, Goal};
/// // The product of two columns: no linear map makes it a matter of distances alone.
/// let x: Vec<f64> = (0..300).flat_map(|i| [f64::from(i % 17), f64::from(i % 23)]).collect();
/// let y: Vec<f64> = x.chunks_exact(2).map(|x| x[0] * x[1]).collect();
/// let learned = DeepKernel::new()
///     .hidden(&[16])
///     .fit_config(FitConfig { epochs: 20, ..FitConfig::default() })
///     .fit::<f32>(Rows::new(&x, 300, 2)?, Goal::Responses(Rows::column(&y)), &Watch::default())?;
/// let losses = &learned.history().validation;
/// assert!(losses[learned.history().best] <= losses[0]);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DeepKernel {
    hidden: Vec<usize>,
    dimension: Option<usize>,
    activation: Activation,
    candidates: usize,
    start: Option<Vec<Vec<f64>>>,
    fit: FitConfig,
}

impl Default for DeepKernel {
    fn default() -> Self {
        Self::new()
    }
}

/// Bandwidths that the linear part begins from, in units of the root of the number of columns.
const FIRST: [f64; 7] = [0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0];

impl DeepKernel {
    /// One hidden layer of 128, as many features as columns, at most 4,096 candidates for each batch.
    pub fn new() -> Self {
        Self {
            hidden: vec![128],
            dimension: None,
            activation: Activation::Gelu,
            candidates: 4096,
            start: None,
            fit: FitConfig::default(),
        }
    }

    /// Sizes of the network's hidden layers; none leaves the linear map alone.
    #[must_use]
    pub fn hidden(mut self, hidden: &[usize]) -> Self {
        self.hidden = hidden.to_vec();
        self
    }

    /// Number of features.
    #[must_use]
    pub fn dimension(mut self, dimension: usize) -> Self {
        self.dimension = Some(dimension);
        self
    }

    /// The curve between maps.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Most rows that a batch is predicted from.
    #[must_use]
    pub fn candidates(mut self, candidates: usize) -> Self {
        self.candidates = candidates;
        self
    }

    /// The linear part at the start, `[dimension, d]`, in the units of the rows.
    #[must_use]
    pub fn start(mut self, map: Vec<Vec<f64>>) -> Self {
        self.start = Some(map);
        self
    }

    /// Epochs, batches, rates and seed.
    #[must_use]
    pub fn fit_config(mut self, fit: FitConfig) -> Self {
        self.fit = fit;
        self
    }

    /// Learns from rows `[n, d]`.
    ///
    /// # Errors
    /// Fewer than four rows, shapes that do not fit, NaN or infinite numbers, parameters out of their range, an interruption.
    pub fn fit<T: Number>(
        &self,
        rows: Rows<'_, f64>,
        goal: Goal<'_>,
        watch: &Watch<'_>,
    ) -> Result<DeepKernelModel<T>> {
        let work = || self.train(rows, goal, watch);
        locality_core::par::install(watch.thread_count(), work)
    }

    fn train<T: Number>(
        &self,
        rows: Rows<'_, f64>,
        goal: Goal<'_>,
        watch: &Watch<'_>,
    ) -> Result<DeepKernelModel<T>> {
        self.fit.check()?;
        let n = rows.rows();
        if n < 4 || self.candidates == 0 {
            return Err(Error::parameter(format!(
                "{n} rows and candidates={}: features are learned from at least 4 rows, and a batch is predicted from at least 1 candidate",
                self.candidates
            )));
        }
        let columns = Columns::of("samples", rows)?;
        let data: Vec<T> = columns.scale("samples", rows)?;
        let values = Values::new(goal, n)?;
        let (layout, features) = self.network(columns.len())?;
        let mut parameters = layout.initialize::<T>(self.fit.seed);
        let (training, held_out) = split(n, self.fit.validation, self.fit.seed);
        // Candidates are rows outside the batch: of few rows a batch takes a quarter.
        let config = FitConfig {
            batch: self.fit.batch.min(training.len().div_ceil(4)),
            ..self.fit
        };
        let objective = Objective {
            features: &features,
            data: &data,
            columns: columns.len(),
            values,
            training: &training,
            candidates: self.candidates,
            seed: self.fit.seed,
            watch: watch.quiet(),
        };
        self.begin(&objective, &columns, &held_out, &mut parameters)?;
        let history = fit(
            &layout,
            &(0..layout.len()),
            &mut parameters,
            (&training, &held_out),
            &config,
            watch,
            |parameters, batch, gradients| objective.at(parameters, batch, gradients),
        )?;
        Ok(DeepKernelModel {
            columns,
            features,
            layout,
            parameters,
            history,
        })
    }

    /// Sets the linear part: as given, or at the bandwidth that does best.
    fn begin<T: Number>(
        &self,
        objective: &Objective<'_, T>,
        columns: &Columns,
        held_out: &[usize],
        parameters: &mut [T],
    ) -> Result<()> {
        let d = columns.len();
        let linear = objective.features.linear_part();
        if let Some(map) = &self.start {
            let to = parameters[linear].chunks_exact_mut(d);
            for (to, row) in to.zip(map) {
                for ((t, a), s) in to.iter_mut().zip(row).zip(&columns.deviations) {
                    *t = T::from_f64(a * s);
                }
            }
            return Ok(());
        }
        let rows = if held_out.is_empty() {
            // Half of them at the most: the others are the candidates.
            &objective.training[..objective.training.len().div_ceil(2).min(512)]
        } else {
            held_out
        };
        let batch = Batch {
            rows,
            round: u64::MAX,
        };
        let mut best = (f64::INFINITY, FIRST[0]);
        for h in FIRST {
            diagonal(&mut parameters[linear.clone()], d, h);
            let loss = objective.at(parameters, batch, None)?;
            if loss < best.0 {
                best = (loss, h);
            }
        }
        diagonal(&mut parameters[linear], d, best.1);
        Ok(())
    }

    /// An untrained network for so many columns.
    pub(crate) fn network(&self, d: usize) -> Result<(Layout, Features)> {
        let dimension = match (&self.start, self.dimension) {
            (None, dimension) => dimension.unwrap_or(d),
            (Some(map), given) => {
                if map.is_empty()
                    || map.iter().any(|row| row.len() != d)
                    || given.is_some_and(|g| g != map.len())
                    || map.iter().flatten().any(|x| !x.is_finite())
                {
                    return Err(Error::shape(format!(
                        "the start has {} rows of {} finite numbers; give one of {d} numbers for each feature",
                        map.len(),
                        map.first().map_or(0, Vec::len)
                    )));
                }
                map.len()
            }
        };
        if dimension == 0 || self.hidden.contains(&0) {
            return Err(Error::parameter(format!(
                "dimension={dimension} and hidden layers {:?} must all be at least 1",
                self.hidden
            )));
        }
        let mut layout = Layout::default();
        let linear = Linear::new(&mut layout, "linear", (d, dimension), false, 0.0);
        let net = if self.hidden.is_empty() {
            None
        } else {
            let mut sizes = vec![d];
            sizes.extend(&self.hidden);
            sizes.push(dimension);
            let net = FeedForward::new(&mut layout, "net", &sizes, self.activation, Some(0.0))?;
            Some(net)
        };
        Ok((layout, Features { d, linear, net }))
    }
}

/// A diagonal map at a bandwidth, `[rows, d]`.
fn diagonal<T: Number>(map: &mut [T], d: usize, h: f64) {
    map.fill(T::ZERO);
    let one = T::from_f64(1.0 / (h * (d as f64).sqrt()));
    for (r, row) in map.chunks_exact_mut(d).enumerate() {
        row[r % d] = one;
    }
}

/// A linear map, and a network added to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Features {
    d: usize,
    linear: Linear,
    net: Option<FeedForward>,
}

impl Features {
    /// Where the linear map lies.
    fn linear_part(&self) -> std::ops::Range<usize> {
        0..self.d * Layer::<f32>::outputs(&self.linear)
    }
}

impl<T: Number> Layer<T> for Features {
    type Kept = Option<FeedForwardKept<T>>;

    fn inputs(&self) -> usize {
        self.d
    }

    fn outputs(&self) -> usize {
        Layer::<T>::outputs(&self.linear)
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, Self::Kept)> {
        let (mut out, ()) = self.linear.forward(parameters, input, pass)?;
        let Some(net) = &self.net else {
            return Ok((out, None));
        };
        let (more, kept) = net.forward(parameters, input, pass)?;
        add(&mut out, &more);
        Ok((out, Some(kept)))
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &Self::Kept,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let linear = &self.linear;
        let mut out = linear.pull_back(parameters, input, &(), flow, gradients, pass)?;
        if let (Some(net), Some(kept)) = (&self.net, kept) {
            let more = net.pull_back(parameters, input, kept, flow, gradients, pass)?;
            add(&mut out, &more);
        }
        Ok(out)
    }
}
