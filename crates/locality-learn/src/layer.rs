//! What every layer does.

use locality_core::Result;

use crate::{Number, Pass};

/// A piece of a model, over plain buffers. It holds sizes and where its parameters lie in the flat buffer, never the numbers
/// themselves: models, optimisers and checkpoints see one slice.
pub trait Layer<T: Number> {
    /// What [`forward`](Self::forward) keeps for [`pull_back`](Self::pull_back).
    type Kept;

    /// Columns of its input.
    fn inputs(&self) -> usize;

    /// Columns of its output.
    fn outputs(&self) -> usize;

    /// From `input` `[rows, inputs]` to the output `[rows, outputs]`, with what the way back needs.
    ///
    /// # Errors
    /// Shapes that do not fit, parameters that are not of the layer's layout, and numbers that have left the type's range.
    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, Self::Kept)>;

    /// The output alone, where no way back will be taken: layers that keep much keep nothing.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn predict(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        Ok(self.forward(parameters, input, pass)?.0)
    }

    /// From `flow` `[rows, outputs]`, the derivatives of a number by the output, to those by the input `[rows, inputs]`; those by
    /// the parameters are added to `gradients`. `input`, `pass` and `kept` are those of [`forward`](Self::forward).
    ///
    /// # Errors
    /// As there. What another layer kept, or another pass, gives an error or derivatives without meaning.
    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &Self::Kept,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>>;
}
