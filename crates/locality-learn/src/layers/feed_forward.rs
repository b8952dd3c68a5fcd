//! Linear maps with curves between them.

use locality_core::{Error, Result};

use super::{Activation, Linear};
use crate::{Layer, Layout, Number, Pass};

/// Linear maps with a curve between any two, none behind the last: a multilayer perceptron.
///
/// ```
/// use locality_learn::{Activation, FeedForward, Layer, Layout, Pass, Sets};
/// let mut layout = Layout::default();
/// let net = FeedForward::new(&mut layout, "net", &[4, 8, 2], Activation::Gelu, None)?;
/// let parameters = layout.initialize::<f64>(1);
/// let sets = Sets::equal(1, 3)?;
/// let (out, _) = net.forward(&parameters, &[0.5; 12], &Pass::new(&sets))?;
/// assert_eq!((out.len(), layout.len()), (3 * 2, 4 * 8 + 8 + 8 * 2 + 2));
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FeedForward {
    maps: Vec<Linear>,
    activation: Activation,
    sizes: Vec<usize>,
}

/// What a [`FeedForward`] keeps of each map but the last: its output before the curve, and behind it.
#[derive(Clone, Debug)]
pub struct FeedForwardKept<T> {
    bends: Vec<(Vec<T>, Vec<T>)>,
}

impl FeedForward {
    /// Adds `name.0`, `name.1`, ..: maps from each of `sizes` to the next. Weights begin normal with the deviation `sqrt(2 / inputs)` (He et
    /// al. 2015), those of the last map with `last` or else `sqrt(1 / inputs)`.
    ///
    /// # Errors
    /// Fewer than two sizes, or a size of 0.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        sizes: &[usize],
        activation: Activation,
        last: Option<f64>,
    ) -> Result<Self> {
        if sizes.len() < 2 || sizes.contains(&0) {
            return Err(Error::parameter(format!(
                "sizes {sizes:?} make no map; give at least two, each of at least 1"
            )));
        }
        let steps = sizes.windows(2).enumerate();
        let maps = steps.map(|(i, pair)| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let deviation = match (i + 2 == sizes.len(), last) {
                (true, Some(last)) => last,
                (true, None) => (1.0 / inputs as f64).sqrt(),
                (false, _) => (2.0 / inputs as f64).sqrt(),
            };
            let name = format!("{name}.{i}");
            Linear::new(layout, &name, (inputs, outputs), true, deviation)
        });
        Ok(Self {
            maps: maps.collect(),
            activation,
            sizes: sizes.to_vec(),
        })
    }

    /// The columns at each stage, from the inputs to the outputs.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }
}

impl<T: Number> Layer<T> for FeedForward {
    type Kept = FeedForwardKept<T>;

    fn inputs(&self) -> usize {
        self.sizes[0]
    }

    fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, FeedForwardKept<T>)> {
        let (last, others) = self.maps.split_last().expect("at least one map");
        let mut bends: Vec<(Vec<T>, Vec<T>)> = Vec::with_capacity(others.len());
        for map in others {
            let from = bends.last().map_or(input, |(_, after)| after);
            let (before, ()) = map.forward(parameters, from, pass)?;
            let after = self.activation.forward(&before);
            bends.push((before, after));
        }
        let from = bends.last().map_or(input, |(_, after)| after);
        let (out, ()) = last.forward(parameters, from, pass)?;
        Ok((out, FeedForwardKept { bends }))
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &FeedForwardKept<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let mut flow = flow.to_vec();
        for (i, map) in self.maps.iter().enumerate().rev() {
            let from = match i.checked_sub(1) {
                Some(below) => &kept.bends[below].1[..],
                None => input,
            };
            flow = map.pull_back(parameters, from, &(), &flow, gradients, pass)?;
            if let Some(below) = i.checked_sub(1) {
                self.activation.pull_back(&kept.bends[below].0, &mut flow);
            }
        }
        Ok(flow)
    }
}
