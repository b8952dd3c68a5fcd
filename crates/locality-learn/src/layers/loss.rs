//! Losses, with their derivatives.

use locality_core::isa::{Isa, Task, dispatch};
use locality_core::{Error, Result};
use rayon::prelude::*;

use crate::Number;
use crate::pass::BLOCK;

/// A target that does not count.
pub const IGNORED: u32 = u32::MAX;

/// The mean cross entropy, in nats, of `targets` under `scores` `[targets.len(), classes]`, and its derivatives by the scores.
/// Rows whose target is [`IGNORED`] do not count.
///
/// ```
/// use locality_learn::cross_entropy;
/// let (loss, by_scores) = cross_entropy(&[0.0_f64, 0.0], &[1], 2)?;
/// assert!((loss - 2.0_f64.ln()).abs() < 1e-12);
/// assert_eq!(by_scores, [0.5, -0.5]);
/// # Ok::<(), locality_core::Error>(())
/// ```
///
/// # Errors
/// Shapes that do not fit, a target beyond the classes, no target that counts, scores that are not finite.
pub fn cross_entropy<T: Number>(
    scores: &[T],
    targets: &[u32],
    classes: usize,
) -> Result<(f64, Vec<T>)> {
    if targets.len().checked_mul(classes) != Some(scores.len()) || classes == 0 {
        return Err(Error::shape(format!(
            "scores has {} numbers, but {} targets of {classes} classes need {}",
            scores.len(),
            targets.len(),
            targets.len().saturating_mul(classes)
        )));
    }
    let beyond = |t: &u32| *t != IGNORED && *t as usize >= classes;
    if let Some(i) = targets.iter().position(beyond) {
        return Err(Error::parameter(format!(
            "target {} at position {i} (counted from 0) is beyond the {classes} classes",
            targets[i]
        )));
    }
    let counted = targets.iter().filter(|t| **t != IGNORED).count();
    if counted == 0 {
        return Err(Error::empty(
            "no target counts; give at least one that is not ignored",
        ));
    }
    let share = T::from_f64(1.0 / counted as f64);
    let mut flow = vec![T::ZERO; scores.len()];
    let mut losses = vec![0.0; targets.len().div_ceil(BLOCK)];
    let blocks = flow.par_chunks_mut(BLOCK * classes);
    let blocks = blocks.zip(&mut losses).enumerate();
    blocks.with_max_len(1).for_each(|(b, (flow, loss))| {
        *loss = dispatch(Rows {
            scores: &scores[b * BLOCK * classes..][..flow.len()],
            targets: &targets[b * BLOCK..][..flow.len() / classes],
            share,
            flow,
        });
    });
    let loss = losses.iter().sum::<f64>() / counted as f64;
    if !loss.is_finite() {
        return Err(Error::not_finite(format!(
            "the loss is {loss}: scores have left the range of {}; lower the learning rate or clip gradients",
            T::NAME
        )));
    }
    Ok((loss, flow))
}

struct Rows<'a, T> {
    scores: &'a [T],
    targets: &'a [u32],
    share: T,
    flow: &'a mut [T],
}

impl<T: Number> Task for Rows<'_, T> {
    type Out = f64;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f64 {
        let classes = self.scores.len() / self.targets.len();
        let rows = self.scores.chunks_exact(classes);
        let mut loss = 0.0;
        for ((s, f), &target) in rows
            .zip(self.flow.chunks_exact_mut(classes))
            .zip(self.targets)
        {
            if target == IGNORED {
                continue;
            }
            let top = isa.largest(s);
            for (f, s) in f.iter_mut().zip(s) {
                *f = isa.exp_below_one(*s - top);
            }
            let total = isa.sum(f);
            let target = target as usize;
            loss += total.ln() - (s[target] - top).to_f64();
            let scale = T::from_f64(self.share.to_f64() / total);
            for f in &mut *f {
                *f *= scale;
            }
            f[target] -= self.share;
        }
        loss
    }
}

/// The mean of `(output - target)^2`, and its derivatives by the output.
///
/// # Errors
/// Different lengths, no numbers, a loss that is not finite.
pub fn squared_loss<T: Number>(output: &[T], target: &[T]) -> Result<(f64, Vec<T>)> {
    if output.len() != target.len() || output.is_empty() {
        return Err(Error::shape(format!(
            "output has {} numbers and target {}; give equally many, and at least one",
            output.len(),
            target.len()
        )));
    }
    let n = output.len() as f64;
    let mut loss = 0.0;
    let differences = output.iter().zip(target).map(|(o, t)| {
        let d = o.to_f64() - t.to_f64();
        loss += d * d;
        T::from_f64(2.0 * d / n)
    });
    let flow = differences.collect();
    loss /= n;
    if !loss.is_finite() {
        return Err(Error::not_finite(format!(
            "the loss is {loss}: outputs have left the range of {}; lower the learning rate or clip gradients",
            T::NAME
        )));
    }
    Ok((loss, flow))
}
