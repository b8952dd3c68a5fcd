//! Many local means of one kind at once: the batches and heads of attention.

use crate::{
    Bias, Error, ErrorKind, Float, Gradients, LocalMean, LocalMeans, Result, Rows, Watch, par,
};

/// One of many independent sets: a head of attention.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a, T> {
    /// `[m, d]`
    pub queries: Rows<'a, T>,
    /// `[n, d]`
    pub keys: Rows<'a, T>,
    /// `[n, p]`
    pub values: Rows<'a, T>,
    /// Added to the logarithms of the weights.
    pub bias: Option<Bias<'a, T>>,
}

/// What flows back into a head; see [`LocalMeanFit::pull_back`](crate::LocalMeanFit::pull_back).
#[derive(Clone, Copy, Debug)]
pub struct HeadFlow<'a, T> {
    /// What [`LocalMean::at_heads`] found for it; computed anew where it is not given.
    pub at: Option<&'a LocalMeans<T>>,
    /// Derivatives by the means, `[m, p]`.
    pub means: Rows<'a, T>,
    /// Derivatives by the log normalisers, `[m]`.
    pub log_normalizer: Option<&'a [T]>,
    /// Whether derivatives by the head's bias are wanted: for each pair these are as many numbers as the bias has.
    pub to_bias: bool,
}

impl LocalMean {
    /// The local means of each head. Heads are worked on side by side and share the watched threads; results are the same bits
    /// as those of one head after another. `weights` `[n]` are the sample weights of every head.
    ///
    /// ```
    /// use locality_core::{Head, Kernel, LocalMean, Rows, Watch};
    /// let head = |x: &'static [f64]| Head {
    ///     queries: Rows::column(x),
    ///     keys: Rows::column(x),
    ///     values: Rows::column(x),
    ///     bias: None,
    /// };
    /// let heads = [head(&[0.0, 1.0]), head(&[2.0, 3.0, 4.0])];
    /// let found = LocalMean::new(Kernel::gaussian(1.0)).at_heads(&heads, None, &Watch::default())?;
    /// assert!((found[1].means[1] - 3.0).abs() < 1e-12);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit) and [`LocalMeanFit::at`](crate::LocalMeanFit::at), for the first head that has one.
    pub fn at_heads<T: Float>(
        &self,
        heads: &[Head<'_, T>],
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Vec<LocalMeans<T>>> {
        let inner = watch.quiet();
        par::map_blocks(watch, heads.len(), 1, |at| {
            let head = &heads[at.start];
            let fit = self.fit_watched(head.keys, head.values, weights, &inner);
            let found = fit.and_then(|fit| fit.at_with(head.queries, head.bias, &inner));
            found.map_err(|e| of_head(e, at.start, heads.len()))
        })
    }

    /// Pulls derivatives back through each head, `flows` being those of the heads in their order.
    ///
    /// # Errors
    /// As [`LocalMeanFit::pull_back`](crate::LocalMeanFit::pull_back), for the first head that has one.
    /// Flows that are not as many as the heads.
    pub fn pull_back_heads<T: Float>(
        &self,
        heads: &[Head<'_, T>],
        weights: Option<&[T]>,
        flows: &[HeadFlow<'_, T>],
        watch: &Watch<'_>,
    ) -> Result<Vec<Gradients<T>>> {
        if flows.len() != heads.len() {
            return Err(Error::shape(format!(
                "there are {} heads, but {} flows; give one for each",
                heads.len(),
                flows.len()
            )));
        }
        let inner = watch.quiet();
        let pull_back = |head: &Head<'_, T>, flow: &HeadFlow<'_, T>| {
            let fit = self.fit_watched(head.keys, head.values, weights, &inner)?;
            let found;
            let at = if let Some(at) = flow.at {
                at
            } else {
                found = fit.at_with(head.queries, head.bias, &inner)?;
                &found
            };
            let (means, logs) = (flow.means, flow.log_normalizer);
            let (queries, keys, bias) = (head.queries, head.keys, (head.bias, flow.to_bias));
            fit.pull_back_with(queries, keys, bias, at, means, logs, &inner)
        };
        par::map_blocks(watch, heads.len(), 1, |at| {
            let found = pull_back(&heads[at.start], &flows[at.start]);
            found.map_err(|e| of_head(e, at.start, heads.len()))
        })
    }
}

/// What is wrong with the numbers of one of several heads names the head.
fn of_head(e: Error, head: usize, heads: usize) -> Error {
    let own = matches!(e.kind(), ErrorKind::NotFinite | ErrorKind::EmptyRegion);
    if own && heads > 1 {
        return e.context(format_args!(
            "in head {head} of {heads} (counted from 0, the last axis of the batch fastest)"
        ));
    }
    e
}
