//! A hierarchical local model that was learned.

use locality_core::{Error, Result, Rows};

use super::{HierarchicalLearner, History, Network};
use crate::columns::Columns;
use crate::{Layer, Layout, Number, Pass, Sets};

/// A hierarchical local model that [`HierarchicalLearner`](super::HierarchicalLearner) learned.
#[derive(Clone, Debug, PartialEq)]
pub struct HierarchicalFit<T> {
    pub(super) columns: Columns,
    /// Of responses; none for classes.
    pub(super) responses: Option<Columns>,
    pub(super) network: Network,
    pub(super) layout: Layout,
    pub(super) histories: Vec<History>,
    pub(super) parameters: Vec<T>,
}

/// Rows that are predicted at once, or one set where that has more.
const PIECE: usize = 4096;

/// Means and deviations of columns.
type Units<'a> = (&'a [f64], &'a [f64]);

impl<T: Number> HierarchicalFit<T> {
    /// From its numbers: how it was learned, means and deviations of the columns `[d]`, those of the responses `[p]` or how many classes there
    /// are, and the parameters in the order of the layout, such as [`parameters`](Self::parameters) returned. It has no histories.
    ///
    /// # Errors
    /// Sizes out of range or that do not fit one another, numbers that are not finite.
    pub fn from_numbers(
        learner: &HierarchicalLearner,
        columns: Units<'_>,
        told: std::result::Result<Units<'_>, usize>,
        parameters: Vec<T>,
    ) -> Result<Self> {
        let columns = Columns::from_numbers(columns.0, columns.1)?;
        let responses = match told {
            Ok((means, deviations)) => Some(Columns::from_numbers(means, deviations)?),
            Err(0) => {
                return Err(Error::empty(
                    "a model of no classes; say how many there are",
                ));
            }
            Err(_) => None,
        };
        let outputs = told.map_or_else(|classes| classes, |units| units.0.len());
        // No layout is made that the parameters cannot fill.
        if columns.len().max(outputs) > parameters.len() {
            return Err(Error::shape(format!(
                "there are {} parameters, which are too few for {} columns and {outputs} outputs; the model is damaged",
                parameters.len(),
                columns.len()
            )));
        }
        let (layout, network) =
            learner.network(&learner.layers, (columns.len(), outputs), false)?;
        layout.check(&parameters)?;
        if parameters.iter().any(|x| !x.is_finite()) {
            return Err(Error::not_finite(
                "parameters have NaN or infinite numbers; the model is damaged",
            ));
        }
        Ok(Self {
            columns,
            responses,
            network,
            layout,
            histories: Vec::new(),
            parameters,
        })
    }

    /// Means and deviations of the columns.
    pub fn units(&self) -> (&[f64], &[f64]) {
        (&self.columns.means, &self.columns.deviations)
    }

    /// Means and deviations of the responses; none of classes.
    pub fn response_units(&self) -> Option<(&[f64], &[f64])> {
        let units = self.responses.as_ref()?;
        Some((&units.means, &units.deviations))
    }

    /// How many numbers [`predict`](Self::predict) has for a row: responses, or classes.
    pub fn outputs(&self) -> usize {
        Layer::<T>::outputs(&self.network.output)
    }

    /// Responses `[n, p]` of rows `[n, d]` in their sets, or the probabilities `[n, classes]` of their classes.
    ///
    /// # Errors
    /// Another number of columns than was learned from, rows that do not fit the sets, numbers that are not finite.
    pub fn predict(&self, rows: Rows<'_, f64>, sets: &Sets) -> Result<Vec<f64>> {
        if sets.rows() != rows.rows() {
            return Err(Error::shape(format!(
                "the sets have {} rows, but there are {}; give the lengths of all sets",
                sets.rows(),
                rows.rows()
            )));
        }
        let input: Vec<T> = self.columns.scale("rows", rows)?;
        let (p, d) = (&self.parameters[..], rows.columns());
        let mut out: Vec<T> = Vec::with_capacity(rows.rows() * self.outputs());
        let lengths: Vec<usize> = sets.iter().map(|range| range.len()).collect();
        let (mut first, mut from) = (0, 0);
        // Sets do not see one another: so many at once, that layers of large tables need no more memory.
        while first < lengths.len() {
            let (mut last, mut to) = (first, from);
            while last < lengths.len() && to - from < PIECE {
                to += lengths[last];
                last += 1;
            }
            let some = Sets::of(&lengths[first..last])?;
            let pass = Pass::new(&some);
            let input = &input[from * d..to * d];
            let x = self.network.input.predict(p, input, &pass)?;
            let x = self.network.stack.predict(p, &x, &pass)?;
            out.extend(self.network.output.predict(p, &x, &pass)?);
            (first, from) = (last, to);
        }
        if let Some(units) = &self.responses {
            return Ok(units.unscale(&out));
        }
        let mut out: Vec<f64> = out.iter().map(|x| x.to_f64()).collect();
        let classes = Layer::<T>::outputs(&self.network.output);
        for row in out.chunks_exact_mut(classes) {
            let top = row.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            for x in &mut *row {
                *x = (*x - top).exp();
            }
            let sum: f64 = row.iter().sum();
            for x in row {
                *x /= sum;
            }
        }
        Ok(out)
    }

    /// The losses of each training: of each level where they were learned one after another, and of the whole where they were learned
    /// together. The first of those on the deciding sets is that before the training.
    pub fn histories(&self) -> &[History] {
        &self.histories
    }

    /// The loss that each training reached on the sets that decide: mean squares in units of the responses' variance, or the mean cross entropy.
    pub fn losses(&self) -> Vec<f64> {
        let best = self.histories.iter().map(|h| h.validation[h.best]);
        best.collect()
    }

    /// Names and places of its parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Its parameters.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }
}
