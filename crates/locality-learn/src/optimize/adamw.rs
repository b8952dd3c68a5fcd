//! Adam with decoupled weight decay.

use locality_core::isa::{Isa, Task, dispatch};
use locality_core::{Error, Result};
use rayon::prelude::*;

use crate::{Layout, Number};

/// The parameters of `AdamW` (Kingma and Ba 2015; Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Decay of the mean of derivatives.
    pub beta1: f64,
    /// Decay of the mean of their squares.
    pub beta2: f64,
    /// Added to the root of the squares.
    pub epsilon: f64,
    /// Share of a decaying parameter that goes with each step, times the learning rate.
    pub decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
            decay: 0.1,
        }
    }
}

/// What `AdamW` remembers of each parameter, and how many steps it has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWState<T> {
    /// Means of the derivatives.
    pub means: Vec<T>,
    /// Means of their squares.
    pub squares: Vec<T>,
    /// Steps taken.
    pub step: u64,
}

impl AdamW {
    /// Nothing remembered yet.
    ///
    /// # Errors
    /// Numbers out of their range.
    pub fn start<T: Number>(&self, layout: &Layout) -> Result<AdamWState<T>> {
        self.check()?;
        Ok(AdamWState {
            means: vec![T::ZERO; layout.len()],
            squares: vec![T::ZERO; layout.len()],
            step: 0,
        })
    }

    fn check(&self) -> Result<()> {
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::parameter(format!(
                    "{name}={beta} must be at least 0 and below 1"
                )));
            }
        }
        if !(self.epsilon.is_finite() && self.epsilon > 0.0) {
            return Err(Error::parameter(format!(
                "epsilon={} must be a positive number",
                self.epsilon
            )));
        }
        if !(self.decay.is_finite() && self.decay >= 0.0) {
            return Err(Error::parameter(format!(
                "decay={} must be a finite number of at least 0",
                self.decay
            )));
        }
        Ok(())
    }

    /// One step at a learning rate. Only views that decay are pulled to zero.
    ///
    /// # Errors
    /// Buffers that are not of the layout.
    pub fn step<T: Number>(
        &self,
        layout: &Layout,
        state: &mut AdamWState<T>,
        parameters: &mut [T],
        gradients: &[T],
        rate: f64,
    ) -> Result<()> {
        /// Numbers of one piece of work.
        const PIECE: usize = 1 << 14;
        self.check()?;
        if !(rate.is_finite() && rate >= 0.0) {
            return Err(Error::parameter(format!(
                "the learning rate {rate} must be a finite number of at least 0"
            )));
        }
        for buffer in [&*parameters, gradients, &state.means, &state.squares] {
            layout.check(buffer)?;
        }
        state.step += 1;
        let steps = state.step as f64;
        let c = T::from_f64;
        let number = Numbers {
            beta1: c(self.beta1),
            rest1: c(1.0 - self.beta1),
            beta2: c(self.beta2),
            rest2: c(1.0 - self.beta2),
            // Both corrections of the early steps, moved to where they cost nothing.
            rate: c(rate / (1.0 - self.beta1.powf(steps))),
            scale: c(1.0 / (1.0 - self.beta2.powf(steps)).sqrt()),
            epsilon: c(self.epsilon),
            keep: c(1.0),
        };
        for view in layout.views() {
            let r = view.range.clone();
            let keep = if view.decays {
                c(1.0 - rate * self.decay)
            } else {
                T::ONE
            };
            let number = Numbers { keep, ..number };
            let x = parameters[r.clone()].par_chunks_mut(PIECE);
            let g = gradients[r.clone()].par_chunks(PIECE);
            let m = state.means[r.clone()].par_chunks_mut(PIECE);
            let v = state.squares[r].par_chunks_mut(PIECE);
            x.zip(g).zip(m.zip(v)).for_each(|((x, g), (m, v))| {
                dispatch(Step { number, x, g, m, v });
            });
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Numbers<T> {
    beta1: T,
    rest1: T,
    beta2: T,
    rest2: T,
    rate: T,
    scale: T,
    epsilon: T,
    keep: T,
}

struct Step<'a, T> {
    number: Numbers<T>,
    x: &'a mut [T],
    g: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
}

impl<T: Number> Task for Step<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let n = self.number;
        let moments = self.m.iter_mut().zip(self.v);
        for ((x, &g), (m, v)) in self.x.iter_mut().zip(self.g).zip(moments) {
            *m = isa.fma(n.beta1, *m, n.rest1 * g);
            *v = isa.fma(n.beta2, *v, n.rest2 * g * g);
            let change = n.rate * *m / isa.fma(v.sqrt(), n.scale, n.epsilon);
            *x = isa.fma(*x, n.keep, -change);
        }
    }
}
