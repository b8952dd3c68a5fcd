//! Hierarchical local models learned from rows: level by level, at once, or one after the other.

mod model;

use std::ops::Range;

use locality_core::{Error, Result, Rows, Watch};

pub use model::HierarchicalFit;

use crate::columns::Columns;
use crate::fit::{Batch, FitConfig, History, fit, split};
use crate::goal::Goal;
use crate::hierarchy::HierarchicalModel;
use crate::layers::{Linear, cross_entropy, squared_loss};
use crate::local_layer::LayerConfig;
use crate::{Chance, Layer, Layout, Number, Pass, Sets};

/// In which order the levels of a hierarchical local model are learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Levels {
    /// All of them from end to end.
    #[default]
    Together,
    /// One after another, those below staying as they are. A new level begins as one that changes nothing, and the best that was reached is kept:
    /// no level's loss is above that of the one below.
    Greedy,
    /// The same, and from there all of them from end to end.
    GreedyThenTogether,
}

impl std::str::FromStr for Levels {
    type Err = Error;

    /// By the words that [`Training`](crate::Training) has for autoencoders.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "joint" => Ok(Self::Together),
            "greedy" => Ok(Self::Greedy),
            "greedy_then_joint" | "greedy-then-joint" => Ok(Self::GreedyThenTogether),
            _ => Err(Error::parse(format!(
                "there is no training '{text}'; choose joint, greedy or greedy_then_joint"
            ))),
        }
    }
}

/// Learns a hierarchical local model of rows in sets (a table, sets of points, series, sequences): a linear map of the columns, [local
/// layers](crate::LocalLayer), and a linear map to responses or classes (Song 2026, arXiv 2605.20635, the hierarchical models).
///
/// ```
/// use locality_core::{Rows, Watch};
/// use locality_learn::{FitConfig, Goal, HierarchicalLearner, LayerConfig, Levels, Sets};
/// // Is there a larger number within two places?
/// let x: Vec<f64> = (0..120).map(|i| f64::from(i * 37 % 23)).collect();
/// let larger = |i: usize| x[i.saturating_sub(2)..(i + 3).min(120)].iter().any(|y| *y > x[i]);
/// let labels: Vec<usize> = (0..120).map(|i| usize::from(larger(i))).collect();
/// let layer = LayerConfig::new(8, 2)?.window(Some(3));
/// let fit = FitConfig { epochs: 5, batch: 2, ..FitConfig::default() };
/// let model = HierarchicalLearner::new(vec![layer; 2])
///     .levels(Levels::Greedy)
///     .fit_config(fit)
///     .fit::<f32>(Rows::new(&x, 120, 1)?, &Sets::equal(10, 12)?, Goal::Classes(&labels, 2), &Watch::default())?;
/// assert!(model.losses()[1] <= model.losses()[0]);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HierarchicalLearner {
    layers: Vec<LayerConfig>,
    levels: Levels,
    fit: FitConfig,
}

/// The maps around a stack.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    input: Linear,
    stack: HierarchicalModel,
    output: Linear,
}

/// What is learned from.
struct Data<'a, T> {
    sets: &'a Sets,
    goal: Target<'a, T>,
    batch: usize,
    seed: u64,
}

enum Target<'a, T> {
    /// Rows of so many columns, in units of their deviations.
    Responses(Vec<T>, usize),
    Classes(&'a [usize], usize),
}

impl HierarchicalLearner {
    /// One that learns layers like these, from the lowest up, all at once. A batch of its training has 8 sets.
    pub fn new(layers: Vec<LayerConfig>) -> Self {
        Self {
            layers,
            levels: Levels::default(),
            fit: FitConfig {
                batch: 8,
                ..FitConfig::default()
            },
        }
    }

    /// The order of the levels.
    #[must_use]
    pub fn levels(mut self, levels: Levels) -> Self {
        self.levels = levels;
        self
    }

    /// How it is trained: its batches, and what is held out, are counted in sets. Where nothing is held out, the loss of all sets decides.
    #[must_use]
    pub fn fit_config(mut self, fit: FitConfig) -> Self {
        self.fit = fit;
        self
    }

    /// Learns from rows `[n, d]`, how they form sets, and what is to be told of each row.
    ///
    /// # Errors
    /// Shapes that do not fit, numbers that are not finite or out of their range, no layers or such as do not fit one another, greedy levels of
    /// post-norm layers, an interruption.
    pub fn fit<T: Number>(
        &self,
        rows: Rows<'_, f64>,
        sets: &Sets,
        goal: Goal<'_>,
        watch: &Watch<'_>,
    ) -> Result<HierarchicalFit<T>> {
        let n = rows.rows();
        if sets.rows() != n {
            return Err(Error::shape(format!(
                "the sets have {} rows, but there are {n}; give the lengths of all sets",
                sets.rows()
            )));
        }
        goal.check(n)?;
        self.fit.check()?;
        let greedy = self.levels != Levels::Together;
        if greedy && self.layers.iter().any(|l| !l.is_norm_first()) {
            return Err(Error::unsupported(
                "greedy levels begin as layers that change nothing, which a norm behind the sum does not allow; choose norm_first=true, or Together",
            ));
        }
        let columns = Columns::of("rows", rows)?;
        let input: Vec<T> = columns.scale("rows", rows)?;
        let (goal, responses, outputs) = match goal {
            Goal::Responses(y) => {
                let units = Columns::of("responses", y)?;
                let scaled = units.scale("responses", y)?;
                let p = units.len();
                (Target::Responses(scaled, p), Some(units), p)
            }
            Goal::Classes(labels, count) => (Target::Classes(labels, count), None, count),
        };
        let data = Data {
            sets,
            goal,
            batch: self.fit.batch,
            seed: self.fit.seed,
        };
        let (training, mut deciding) = split(sets.count(), self.fit.validation, self.fit.seed);
        if deciding.is_empty() {
            deciding.clone_from(&training);
        }
        let parts = (&training[..], &deciding[..]);
        let mut histories = Vec::new();
        let sizes = (columns.len(), outputs);
        // A level alone learns only itself and what is above, from what comes out below.
        let first = if greedy { 1 } else { self.layers.len() };
        let (mut layout, mut network) =
            self.network(&self.layers[..first.min(self.layers.len())], sizes, greedy)?;
        layout.reserve::<T>(4)?;
        let mut parameters = layout.initialize::<T>(self.fit.seed);
        let mut train = |network: &Network, layout: &Layout, p: &mut [T], from: usize, x: &[T]| {
            let start = match from {
                0 => 0,
                from => layout.from(&format!("layers.{from}.")),
            };
            let part: Range<usize> = start..layout.len();
            let history = fit(layout, &part, p, parts, &self.fit, watch, |p, batch, g| {
                data.at(network, p, from, x, batch, g)
            })?;
            histories.push(history);
            Ok::<(), Error>(())
        };
        train(&network, &layout, &mut parameters, 0, &input)?;
        if greedy {
            let pass = Pass::new(sets);
            let (lowest, ()) = network.input.forward(&parameters, &input, &pass)?;
            let mut below = lowest;
            for level in 1..self.layers.len() {
                below = network.stack.layers()[level - 1].predict(&parameters, &below, &pass)?;
                let (above, next) = self.network(&self.layers[..=level], sizes, true)?;
                let mut values = above.initialize::<T>(self.fit.seed);
                above.carry(&mut values, &layout, &parameters);
                (layout, network, parameters) = (above, next, values);
                train(&network, &layout, &mut parameters, level, &below)?;
            }
        }
        if self.levels == Levels::GreedyThenTogether {
            train(&network, &layout, &mut parameters, 0, &input)?;
        }
        Ok(HierarchicalFit {
            columns,
            responses,
            network,
            layout,
            histories,
            parameters,
        })
    }

    /// An untrained network of some layers; `still` ones change nothing at first.
    fn network(
        &self,
        layers: &[LayerConfig],
        (columns, outputs): (usize, usize),
        still: bool,
    ) -> Result<(Layout, Network)> {
        let Some(first) = self.layers.first() else {
            return Err(Error::empty("a model of no layers; give at least one"));
        };
        let mut layout = Layout::default();
        let width = first.width();
        let unit = 1.0 / (columns as f64).sqrt();
        let input = Linear::new(&mut layout, "input", (columns, width), true, unit);
        let layers: Vec<LayerConfig> = layers
            .iter()
            .map(|l| if still { l.clone().still() } else { l.clone() })
            .collect();
        let stack = HierarchicalModel::new(&mut layout, "layers", &layers)?;
        let unit = 1.0 / (width as f64).sqrt();
        let output = Linear::new(&mut layout, "output", (width, outputs), true, 0.1 * unit);
        let network = Network {
            input,
            stack,
            output,
        };
        Ok((layout, network))
    }
}

impl<T: Number> Data<'_, T> {
    /// The mean loss of some sets, whose derivatives are added where a buffer is given. `rows` are what comes out of the first `from` layers, or the
    /// columns themselves where that is zero.
    fn at(
        &self,
        network: &Network,
        p: &[T],
        from: usize,
        rows: &[T],
        batch: Batch<'_>,
        mut gradients: Option<&mut [T]>,
    ) -> Result<f64> {
        let (mut sum, mut count) = (0.0, 0);
        // Piece by piece, so that held-out sets need no more memory than a batch.
        for some in batch.rows.chunks(self.batch) {
            let lengths: Vec<usize> = some.iter().map(|&s| self.sets.range(s).len()).collect();
            let sets = Sets::of(&lengths)?;
            let width = rows.len() / self.sets.rows();
            let x = self.gather(rows, width, some);
            let chance = Chance::new(self.seed, batch.round);
            let pass = &Pass {
                sets: &sets,
                chance: gradients.is_some().then_some(chance),
            };
            let lowest = match from {
                0 => network.input.predict(p, &x, pass)?,
                _ => x.clone(),
            };
            let (top, kept) = network.stack.forward_from(from, p, &lowest, pass)?;
            let out = network.output.predict(p, &top, pass)?;
            let (loss, flow) = match &self.goal {
                Target::Responses(y, columns) => {
                    squared_loss(&out, &self.gather(y, *columns, some))?
                }
                Target::Classes(labels, classes) => {
                    let own = some.iter().flat_map(|&s| &labels[self.sets.range(s)]);
                    let own: Vec<u32> = own.map(|c| *c as u32).collect();
                    cross_entropy(&out, &own, *classes)?
                }
            };
            sum += loss * sets.rows() as f64;
            count += sets.rows();
            if let Some(g) = gradients.as_deref_mut() {
                let flow = network.output.pull_back(p, &top, &(), &flow, g, pass)?;
                let flow = network.stack.pull_back(p, &lowest, &kept, &flow, g, pass)?;
                if from == 0 {
                    network.input.pull_back(p, &x, &(), &flow, g, pass)?;
                }
            }
        }
        Ok(sum / count as f64)
    }

    /// The rows of some sets.
    fn gather(&self, rows: &[T], columns: usize, some: &[usize]) -> Vec<T> {
        let parts = some.iter().map(|&s| {
            let range = self.sets.range(s);
            &rows[range.start * columns..range.end * columns]
        });
        parts.collect::<Vec<_>>().concat()
    }
}
