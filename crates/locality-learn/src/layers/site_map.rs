//! The map that every site goes through by itself.

use locality_core::Result;
use locality_core::isa::{Isa, Task, dispatch};

use super::activation::logistic;
use super::{Activation, Linear};
use crate::pass::fill;
use crate::{Layer, Layout, Number, Pass};

/// Two linear maps with a curve between them, or gated: `down(silu(gate(x)) * up(x))`, `SwiGLU` (Shazeer 2020).
#[derive(Clone, Debug, PartialEq)]
pub struct SiteMap {
    hidden: usize,
    curve: Curve,
    expand: Linear,
    contract: Linear,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Curve {
    Plain(Activation),
    Gated,
}

/// What a [`SiteMap`] keeps: both sides of its curve.
#[derive(Clone, Debug)]
pub struct SiteMapKept<T> {
    before: Vec<T>,
    after: Vec<T>,
}

impl SiteMap {
    /// Adds `name.expand` and `name.contract`; `activation` of none is the gated map, whose `expand` holds the gates and then what they
    /// let through. Weights begin with the given deviations.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (width, hidden): (usize, usize),
        activation: Option<Activation>,
        bias: bool,
        (deviation, last): (f64, f64),
    ) -> Self {
        let curve = activation.map_or(Curve::Gated, Curve::Plain);
        let wide = match curve {
            Curve::Plain(_) => hidden,
            Curve::Gated => 2 * hidden,
        };
        let expand = format!("{name}.expand");
        let contract = format!("{name}.contract");
        Self {
            hidden,
            curve,
            expand: Linear::new(layout, &expand, (width, wide), bias, deviation),
            contract: Linear::new(layout, &contract, (hidden, width), bias, last),
        }
    }

    fn bend<T: Number>(&self, before: &[T]) -> Vec<T> {
        let hidden = self.hidden;
        match self.curve {
            Curve::Plain(activation) => activation.forward(before),
            Curve::Gated => {
                let mut out = vec![T::ZERO; before.len() / 2];
                fill(&mut out, hidden, |first, out| {
                    let before = &before[first * 2 * hidden..][..2 * out.len()];
                    dispatch(Gate {
                        hidden,
                        before,
                        out,
                    });
                });
                out
            }
        }
    }

    fn unbend<T: Number>(&self, before: &[T], mut flow: Vec<T>) -> Vec<T> {
        let hidden = self.hidden;
        match self.curve {
            Curve::Plain(activation) => {
                activation.pull_back(before, &mut flow);
                flow
            }
            Curve::Gated => {
                let mut out = vec![T::ZERO; before.len()];
                fill(&mut out, 2 * hidden, |first, out| {
                    dispatch(GateBack {
                        hidden,
                        before: &before[first * 2 * hidden..][..out.len()],
                        flow: &flow[first * hidden..][..out.len() / 2],
                        out,
                    });
                });
                out
            }
        }
    }
}

struct Gate<'a, T> {
    hidden: usize,
    before: &'a [T],
    out: &'a mut [T],
}

impl<T: Number> Task for Gate<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let rows = self.before.chunks_exact(2 * self.hidden);
        for (out, row) in self.out.chunks_exact_mut(self.hidden).zip(rows) {
            let (gate, up) = row.split_at(self.hidden);
            for ((o, &g), &u) in out.iter_mut().zip(gate).zip(up) {
                *o = g * logistic(isa, g) * u;
            }
        }
    }
}

struct GateBack<'a, T> {
    hidden: usize,
    before: &'a [T],
    flow: &'a [T],
    out: &'a mut [T],
}

impl<T: Number> Task for GateBack<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (rows, flows) = (
            self.before.chunks_exact(2 * self.hidden),
            self.flow.chunks_exact(self.hidden),
        );
        let outs = self.out.chunks_exact_mut(2 * self.hidden);
        for ((out, row), flow) in outs.zip(rows).zip(flows) {
            let (gate, up) = row.split_at(self.hidden);
            let (by_gate, by_up) = out.split_at_mut(self.hidden);
            let sides = gate.iter().zip(up).zip(flow);
            for (((&g, &u), &f), (bg, bu)) in sides.zip(by_gate.iter_mut().zip(by_up)) {
                let s = logistic(isa, g);
                *bg = f * u * isa.fma(s * (T::ONE - s), g, s);
                *bu = f * g * s;
            }
        }
    }
}

impl<T: Number> Layer<T> for SiteMap {
    type Kept = SiteMapKept<T>;

    fn inputs(&self) -> usize {
        Layer::<T>::inputs(&self.expand)
    }

    fn outputs(&self) -> usize {
        Layer::<T>::outputs(&self.contract)
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, SiteMapKept<T>)> {
        let (before, ()) = self.expand.forward(parameters, input, pass)?;
        let after = self.bend(&before);
        let (out, ()) = self.contract.forward(parameters, &after, pass)?;
        Ok((out, SiteMapKept { before, after }))
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &SiteMapKept<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let after = &kept.after;
        let flow = self
            .contract
            .pull_back(parameters, after, &(), flow, gradients, pass)?;
        let flow = self.unbend(&kept.before, flow);
        self.expand
            .pull_back(parameters, input, &(), &flow, gradients, pass)
    }
}
