//! Vector evaluation of a kernel on a run of slots, and its absorption into a summary.
//!
//! Everything here is `#[inline(always)]` and written as plain loops over fixed-size chunks: it is compiled once for
//! each instruction set by [`isa::dispatch`](crate::isa::dispatch). Runs start and end at whole leaves.

use std::ops::Range;

use super::bound::{Bound, BoundAtom, Op, Scale, Width};
use super::pair::{Weight, input, power};
use super::prepared::Query;
use super::sites::{LEAF, Sites};
use crate::isa::Isa;
use crate::metric::{Combine, Link};
use crate::profile::{Curve, CurveVisitor, Form, Input};
use crate::{Float, Summary};

/// Most slots of a run: its buffers stay in the first-level cache.
pub(crate) const RUN: usize = 512;
/// Numbers worked on at once by loops that keep their sums in registers.
const CHUNK: usize = 32;

const _: () = assert!(RUN.is_multiple_of(LEAF) && LEAF.is_multiple_of(CHUNK));

/// Weights of a run: `factor * exp(log)`, either part left out where it is trivial.
#[derive(Clone, Debug)]
pub(crate) struct Level<T> {
    log: Vec<T>,
    factor: Vec<T>,
    has_log: bool,
    has_factor: bool,
}

impl<T: Float> Level<T> {
    fn new() -> Self {
        Self {
            log: vec![T::ZERO; RUN],
            factor: vec![T::ZERO; RUN],
            has_log: false,
            has_factor: false,
        }
    }

    /// The factors, made explicit.
    #[inline(always)]
    fn factors(&mut self, len: usize) -> &mut [T] {
        if !self.has_factor {
            self.factor[..len].fill(T::ONE);
            self.has_factor = true;
        }
        &mut self.factor[..len]
    }

    #[inline(always)]
    fn logs(&mut self, len: usize) -> &mut [T] {
        if !self.has_log {
            self.log[..len].fill(T::ZERO);
            self.has_log = true;
        }
        &mut self.log[..len]
    }
}

/// Buffers of one thread.
#[derive(Clone, Debug)]
pub(crate) struct Scratch<T> {
    levels: Vec<Level<T>>,
    /// Stack of the scalar evaluation.
    pub(crate) stack: Vec<Weight<T>>,
}

impl<T: Float> Scratch<T> {
    pub(crate) fn new(bound: &Bound<T>) -> Self {
        Self {
            levels: (0..bound.depth.max(1)).map(|_| Level::new()).collect(),
            stack: Vec::with_capacity(bound.depth),
        }
    }
}

/// Absorbs the keys at `slots` (at most [`RUN`]) into the query's summary. `mask` may set factors to zero.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(crate) fn absorb_run<T: Float, I: Isa>(
    isa: I,
    bound: &Bound<T>,
    sites: &Sites<T>,
    query: &Query<'_, T>,
    slots: Range<usize>,
    scratch: &mut Scratch<T>,
    mask: impl FnOnce(&mut dyn FnMut(usize)),
    out: &mut Summary,
) {
    let len = slots.len();
    evaluate(isa, bound, sites, query, slots.clone(), &mut scratch.levels);
    let level = &mut scratch.levels[0];
    if let Some(weights) = &sites.weights {
        let weights = &weights[slots.clone()];
        for (f, w) in level.factors(len).iter_mut().zip(weights) {
            *f *= *w;
        }
    }
    if slots.end > sites.rows {
        level.factors(len)[sites.rows - slots.start..].fill(T::ZERO);
    }
    mask(&mut |i: usize| level.factors(len)[i] = T::ZERO);
    match (level.has_log, level.has_factor) {
        (true, false) => absorb_logs(isa, level, sites, slots, out),
        (false, _) => absorb_factors(isa, level, len, sites, slots, out),
        (true, true) => {
            for (l, f) in level.log[..len].iter_mut().zip(&level.factor) {
                *l = if *f > T::ZERO { *l } else { T::NEG_INFINITY };
            }
            absorb_both(isa, level, sites, slots, out);
        }
    }
}

/// Runs the kernel's program on whole runs; the result is in `levels[0]`.
#[inline(always)]
fn evaluate<T: Float, I: Isa>(
    isa: I,
    bound: &Bound<T>,
    sites: &Sites<T>,
    query: &Query<'_, T>,
    slots: Range<usize>,
    levels: &mut [Level<T>],
) {
    let len = slots.len();
    let mut height = 0;
    for op in &bound.program {
        match *op {
            Op::Atom(i) => {
                atom(
                    isa,
                    &bound.atoms[i],
                    sites,
                    query,
                    query.scales[i],
                    slots.clone(),
                    &mut levels[height],
                );
                height += 1;
            }
            Op::Multiply => {
                height -= 1;
                let (a, b) = levels.split_at_mut(height);
                multiply(&mut a[height - 1], &b[0], len);
            }
            Op::Add => {
                height -= 1;
                let (a, b) = levels.split_at_mut(height);
                add(isa, &mut a[height - 1], &mut b[0], len);
            }
            Op::Scale(s) => {
                let s = T::from_f64(s);
                for f in levels[height - 1].factors(len) {
                    *f *= s;
                }
            }
            Op::Power(p) => {
                let level = &mut levels[height - 1];
                if level.has_factor {
                    level.logs(len);
                    for (log, factor) in level.log[..len].iter_mut().zip(&mut level.factor) {
                        let w = Weight {
                            log: *log,
                            factor: *factor,
                        };
                        Weight {
                            log: *log,
                            factor: *factor,
                        } = power(isa, w, p);
                    }
                } else {
                    for l in &mut level.log[..len] {
                        *l *= T::from_f64(p);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn multiply<T: Float>(a: &mut Level<T>, b: &Level<T>, len: usize) {
    if b.has_log {
        for (x, y) in a.logs(len).iter_mut().zip(&b.log) {
            *x += *y;
        }
    }
    if b.has_factor {
        for (x, y) in a.factors(len).iter_mut().zip(&b.factor) {
            *x *= *y;
        }
    }
}

#[inline(always)]
fn add<T: Float, I: Isa>(isa: I, a: &mut Level<T>, b: &mut Level<T>, len: usize) {
    if !a.has_log && !b.has_log {
        for (x, y) in a.factors(len).iter_mut().zip(b.factors(len)) {
            *x += *y;
        }
        return;
    }
    a.logs(len);
    a.factors(len);
    b.logs(len);
    b.factors(len);
    // Absent weights must not set the scale; a floor keeps the difference of two absent ones finite.
    let floor = T::from_f64(-1e30);
    for i in 0..len {
        let (la, lb) = (a.log[i].max(floor), b.log[i].max(floor));
        let (fa, fb) = (a.factor[i], b.factor[i]);
        let ma = if fa > T::ZERO { la } else { floor };
        let mb = if fb > T::ZERO { lb } else { floor };
        let m = ma.max(mb);
        a.factor[i] = isa.fma(fa, isa.exp(ma - m), fb * isa.exp(mb - m));
        a.log[i] = m;
    }
}

/// Evaluates one atom on a run.
#[inline(always)]
fn atom<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &Query<'_, T>,
    own: Option<Scale<T>>,
    slots: Range<usize>,
    level: &mut Level<T>,
) {
    let len = slots.len();
    let form = atom.profile.form();
    level.has_log = form == Form::Log;
    level.has_factor = form == Form::Weight;
    let out = match form {
        Form::Log => &mut level.log[..len],
        Form::Weight => &mut level.factor[..len],
    };
    raws(isa, atom, sites, query.features, slots.start, out);
    link(atom.link, atom.profile.input(), out);
    atom.profile.visit(Apply {
        isa,
        atom,
        own,
        slots,
        out,
    });
}

/// Turns raw numbers into what the curve takes.
#[inline(always)]
fn link<T: Float>(link: Link, wanted: Input, out: &mut [T]) {
    match (link, wanted) {
        (Link::Squared, Input::Squared)
        | (Link::Plain | Link::Score, Input::Plain | Input::Score) => {}
        (Link::Squared, Input::Plain) => {
            for x in out {
                *x = x.sqrt();
            }
        }
        (Link::Plain, Input::Squared) => {
            for x in out {
                *x *= *x;
            }
        }
        (link, wanted) => {
            for x in out {
                *x = input(link, wanted, *x);
            }
        }
    }
}

struct Apply<'a, T, I> {
    isa: I,
    atom: &'a BoundAtom<T>,
    own: Option<Scale<T>>,
    slots: Range<usize>,
    out: &'a mut [T],
}

impl<T: Float, I: Isa> CurveVisitor for Apply<'_, T, I> {
    type Out = ();
    #[inline(always)]
    fn visit<C: Curve>(self, curve: C) {
        if let Width::Site { inverse, width } = &self.atom.width {
            let (inverse, width) = (&inverse[self.slots.clone()], &width[self.slots.clone()]);
            for ((x, i), w) in self.out.iter_mut().zip(inverse).zip(width) {
                *x = curve.at_width(self.isa, *x, *i, *w);
            }
        } else {
            let Scale { inverse, width } = self.atom.scale_at(0, self.own);
            for x in self.out {
                *x = curve.at_width(self.isa, *x, inverse, width);
            }
        }
    }
}

/// Raw numbers of a query and a run of keys.
#[inline(always)]
pub(crate) fn raws<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
) {
    let scale = atom.feature_scale.as_deref();
    let w = |c: usize| scale.map_or(T::ONE, |s| s[c]);
    match (atom.combine, scale.is_some()) {
        (Combine::SquaredDifference, false) => {
            squared(isa, atom, sites, query, start, out);
        }
        (Combine::SquaredDifference, true) => fold(atom, sites, query, start, out, |c, a, q, k| {
            let d = (q - k) * w(c);
            isa.fma(d, d, a)
        }),
        (Combine::AbsoluteDifference, _) => fold(atom, sites, query, start, out, |c, a, q, k| {
            a + ((q - k) * w(c)).abs()
        }),
        (Combine::LargestDifference, _) => fold(atom, sites, query, start, out, |c, a, q, k| {
            a.max(((q - k) * w(c)).abs())
        }),
        (Combine::Mismatch, _) => fold(atom, sites, query, start, out, |c, a, q, k| {
            a + if q == k { T::ZERO } else { w(c) }
        }),
        (Combine::Product, _) => {
            fold(atom, sites, query, start, out, |_, a, q, k| {
                isa.fma(q, k, a)
            });
        }
        (Combine::Difference, _) => fold(atom, sites, query, start, out, |_, a, q, k| a + (q - k)),
    }
}

/// Squared Euclidean distances, unrolled for few features.
#[inline(always)]
fn squared<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
) {
    match atom.features[..] {
        [a] => squared_few(isa, [a], sites, query, start, out),
        [a, b] => squared_few(isa, [a, b], sites, query, start, out),
        [a, b, c] => squared_few(isa, [a, b, c], sites, query, start, out),
        [a, b, c, d] => squared_few(isa, [a, b, c, d], sites, query, start, out),
        _ => fold(atom, sites, query, start, out, |_, a, q, k| {
            let d = q - k;
            isa.fma(d, d, a)
        }),
    }
}

#[inline(always)]
fn squared_few<T: Float, I: Isa, const D: usize>(
    isa: I,
    features: [usize; D],
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
) {
    let q: [T; D] = features.map(|f| query[f]);
    for (n, chunk) in out.chunks_exact_mut(CHUNK).enumerate() {
        let at = start + n * CHUNK;
        let mut sum = [T::ZERO; CHUNK];
        for c in 0..D {
            let k = &sites.feature(features[c])[at..at + CHUNK];
            for i in 0..CHUNK {
                let d = q[c] - k[i];
                sum[i] = isa.fma(d, d, sum[i]);
            }
        }
        chunk.copy_from_slice(&sum);
    }
}

/// Folds feature after feature into chunks of sums kept in registers.
#[inline(always)]
fn fold<T: Float>(
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
    step: impl Fn(usize, T, T, T) -> T,
) {
    for (n, chunk) in out.chunks_exact_mut(CHUNK).enumerate() {
        let at = start + n * CHUNK;
        let mut sum = [T::ZERO; CHUNK];
        for (c, &f) in atom.features.iter().enumerate() {
            let q = query[f];
            let k = &sites.feature(f)[at..at + CHUNK];
            for i in 0..CHUNK {
                sum[i] = step(c, sum[i], q, k[i]);
            }
        }
        chunk.copy_from_slice(&sum);
    }
}

#[inline(always)]
fn absorb_logs<T: Float, I: Isa>(
    isa: I,
    level: &mut Level<T>,
    sites: &Sites<T>,
    slots: Range<usize>,
    out: &mut Summary,
) {
    let len = slots.len();
    let logs = &mut level.log[..len];
    let top = isa.largest(logs);
    if top == T::NEG_INFINITY {
        return;
    }
    out.rescale(top.to_f64());
    let scale = T::from_f64(out.log_scale);
    // Pass after pass over a run in the cache: each loop is simple enough to become vector code as it stands.
    for l in logs.iter_mut() {
        *l = isa.exp(*l - scale);
    }
    total(isa, logs, sites, slots, out);
}

#[inline(always)]
fn absorb_both<T: Float, I: Isa>(
    isa: I,
    level: &mut Level<T>,
    sites: &Sites<T>,
    slots: Range<usize>,
    out: &mut Summary,
) {
    let len = slots.len();
    let logs = &mut level.log[..len];
    let top = isa.largest(logs);
    if top == T::NEG_INFINITY {
        return;
    }
    out.rescale(top.to_f64());
    let scale = T::from_f64(out.log_scale);
    for (l, f) in logs.iter_mut().zip(&level.factor) {
        *l = *f * isa.exp(*l - scale);
    }
    total(isa, logs, sites, slots, out);
}

/// Weights without exponentials: their scale is 1.
#[inline(always)]
fn absorb_factors<T: Float, I: Isa>(
    isa: I,
    level: &mut Level<T>,
    len: usize,
    sites: &Sites<T>,
    slots: Range<usize>,
    out: &mut Summary,
) {
    out.rescale(0.0);
    total(isa, level.factors(len), sites, slots, out);
}

/// Adds the weights, and the weights x values.
#[inline(always)]
fn total<T: Float, I: Isa>(
    isa: I,
    weights: &[T],
    sites: &Sites<T>,
    slots: Range<usize>,
    out: &mut Summary,
) {
    out.weight += isa.sum(weights);
    for (c, total) in out.values.iter_mut().enumerate() {
        *total += isa.dot(weights, &sites.value(c)[slots.clone()]);
    }
}
