//! Half of a layer: a branch, its norm and its residual.

use locality_core::Result;

use crate::layers::{Dropout, Norm, add};
use crate::{Layer, Number, Pass};

/// What is around a branch: pre-norm `y = x + branch(norm(x))`, post-norm `y = norm(x + branch(x))`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Half {
    pub(crate) norm_first: bool,
    pub(crate) norm: Norm,
    pub(crate) dropout: Dropout,
}

/// An output, and what half and branch keep.
type Out<T, K> = (Vec<T>, (HalfKept<T>, K));

/// What a [`Half`] keeps: the rows that came out of its norm, or, post-norm, that went into it, and what the norm keeps of them.
#[derive(Clone, Debug)]
pub(crate) struct HalfKept<T> {
    rows: Vec<T>,
    norm: Vec<T>,
}

impl Half {
    /// What the branch is given.
    pub(crate) fn seen<T: Number>(&self, p: &[T], x: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        if self.norm_first {
            return self.norm.predict(p, x, pass);
        }
        Ok(x.to_vec())
    }

    pub(crate) fn forward<T: Number, K>(
        &self,
        p: &[T],
        x: &[T],
        pass: &Pass<'_>,
        branch: impl FnOnce(&[T]) -> Result<(Vec<T>, K)>,
    ) -> Result<Out<T, K>> {
        if self.norm_first {
            let (rows, norm) = self.norm.forward(p, x, pass)?;
            let (mut out, kept) = branch(&rows)?;
            self.dropout.apply(&mut out, pass);
            add(&mut out, x);
            return Ok((out, (HalfKept { rows, norm }, kept)));
        }
        let (mut rows, kept) = branch(x)?;
        self.dropout.apply(&mut rows, pass);
        add(&mut rows, x);
        let (out, norm) = self.norm.forward(p, &rows, pass)?;
        Ok((out, (HalfKept { rows, norm }, kept)))
    }

    /// The output alone.
    pub(crate) fn predict<T: Number>(
        &self,
        p: &[T],
        x: &[T],
        pass: &Pass<'_>,
        branch: impl FnOnce(&[T]) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let branch = |x: &[T]| Ok((branch(x)?, ()));
        Ok(self.forward(p, x, pass, branch)?.0)
    }

    /// From the flow by the output to that by `x`; `branch` goes back from what it was given and the flow by what it returned.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn pull_back<T: Number>(
        &self,
        p: &[T],
        x: &[T],
        kept: &HalfKept<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
        branch: impl FnOnce(&[T], &[T], &mut [T]) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        if self.norm_first {
            let mut dropped = flow.to_vec();
            self.dropout.apply(&mut dropped, pass);
            let back = branch(&kept.rows, &dropped, gradients)?;
            let norm = &self.norm;
            let mut out = norm.pull_back(p, x, &kept.norm, &back, gradients, pass)?;
            add(&mut out, flow);
            return Ok(out);
        }
        let norm = &self.norm;
        let by_sum = norm.pull_back(p, &kept.rows, &kept.norm, flow, gradients, pass)?;
        let mut dropped = by_sum.clone();
        self.dropout.apply(&mut dropped, pass);
        let mut out = branch(x, &dropped, gradients)?;
        add(&mut out, &by_sum);
        Ok(out)
    }
}
