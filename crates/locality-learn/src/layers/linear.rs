//! The linear map.

use std::ops::Range;

use locality_core::{Error, Result};

use crate::number::{Matrix, multiply};
use crate::parameters::reach;
use crate::pass::fill;
use crate::{Layer, Layout, Number, Pass, Start};

/// `y = W x + b` at every row, with `W` `[outputs, inputs]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    weight: Range<usize>,
    bias: Option<Range<usize>>,
}

impl Linear {
    /// Adds `name.weight` and, where wanted, `name.bias`; the weight begins normal with this deviation.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (inputs, outputs): (usize, usize),
        bias: bool,
        deviation: f64,
    ) -> Self {
        let shape = [outputs, inputs];
        let weight = layout.add(
            format!("{name}.weight"),
            &shape,
            Start::Normal(deviation),
            true,
        );
        let bias =
            bias.then(|| layout.add(format!("{name}.bias"), &[outputs], Start::Zeros, false));
        Self {
            inputs,
            outputs,
            weight,
            bias,
        }
    }

    /// A map whose weight `[outputs, inputs]` is another layer's, such as that of an embedding (Press and Wolf 2017).
    pub(crate) fn tied(weight: Range<usize>, inputs: usize, outputs: usize) -> Self {
        Self {
            inputs,
            outputs,
            weight,
            bias: None,
        }
    }

    /// Requires columns to work on, and a buffer that holds the map.
    pub(crate) fn check<T>(&self, name: &str, buffer: &[T]) -> Result<()> {
        if self.inputs == 0 || self.outputs == 0 {
            return Err(Error::shape(format!(
                "a map from {} to {} columns has nothing to do; both must be at least 1",
                self.inputs, self.outputs
            )));
        }
        reach(name, buffer, self.bias.iter().chain([&self.weight]))
    }

    /// The output of every row, where all has been checked.
    pub(crate) fn apply<T: Number>(&self, parameters: &[T], input: &[T]) -> Vec<T> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let rows = input.len() / inputs;
        let weight = Matrix::new(&parameters[self.weight.clone()], outputs, inputs);
        let mut out = vec![T::ZERO; rows * outputs];
        if let Some(bias) = &self.bias {
            let bias = &parameters[bias.clone()];
            fill(&mut out, outputs, |_, block| {
                for row in block.chunks_exact_mut(outputs) {
                    row.copy_from_slice(bias);
                }
            });
        }
        let input = Matrix::new(input, rows, inputs);
        let add = self.bias.is_some();
        multiply(&mut out, add, input, weight.transposed());
        out
    }

    /// Adds derivatives by weight and bias: each takes in all rows, in their order.
    fn by_parameters<T: Number>(&self, input: &[T], flow: &[T], gradients: &mut [T]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let rows = input.len() / inputs;
        let flows = Matrix::new(flow, rows, outputs).transposed();
        let weight = &mut gradients[self.weight.clone()];
        multiply(weight, true, flows, Matrix::new(input, rows, inputs));
        if let Some(bias) = &self.bias {
            let bias = &mut gradients[bias.clone()];
            for row in flow.chunks_exact(outputs) {
                bias.iter_mut().zip(row).for_each(|(b, f)| *b += *f);
            }
        }
    }
}

impl<T: Number> Layer<T> for Linear {
    type Kept = ();

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn forward(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<(Vec<T>, ())> {
        self.check("parameters", parameters)?;
        pass.check("input", input, self.inputs)?;
        Ok((self.apply(parameters, input), ()))
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        (): &(),
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        self.check("parameters", parameters)?;
        self.check("gradients", gradients)?;
        pass.check("input", input, self.inputs)?;
        pass.check("flow", flow, self.outputs)?;
        self.by_parameters(input, flow, gradients);
        let rows = pass.sets.rows();
        let weight = Matrix::new(&parameters[self.weight.clone()], self.outputs, self.inputs);
        let mut out = vec![T::ZERO; input.len()];
        multiply(
            &mut out,
            false,
            Matrix::new(flow, rows, self.outputs),
            weight,
        );
        Ok(out)
    }
}
