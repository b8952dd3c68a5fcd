//! Vector evaluation of a kernel on a run of slots, for a few queries side by side.
//!
//! Everything here is `#[inline(always)]` and written as plain loops over fixed-size chunks: it is compiled once for
//! each instruction set by [`isa::dispatch`](crate::isa::dispatch). Runs start and end at whole leaves.

use super::bound::{Bound, BoundAtom, Op, Scale, Width};
use super::expanded::{Around, Expanded, near};
use super::pair::{Weight, input, power};
use super::prepared::Query;
use super::raw::{raws, tile};
use super::sites::{LEAF, Sites};
use crate::Float;
use crate::aligned::Aligned;
use crate::isa::{Isa, Task};
use crate::lanes::{PANEL, Side, TILE};
use crate::metric::Link;
use crate::profile::{Curve, CurveVisitor, Form, Input};

/// Most slots of a run: its buffers stay in the first-level cache.
pub(crate) const RUN: usize = 512;
const _: () = assert!(RUN.is_multiple_of(LEAF) && LEAF.is_multiple_of(PANEL));

/// Weights of a run: `factor * exp(log)`, either part left out where it is trivial.
#[derive(Clone, Debug)]
pub(crate) struct Level<T> {
    pub(crate) log: Aligned<T>,
    pub(crate) factor: Aligned<T>,
    pub(crate) has_log: bool,
    pub(crate) has_factor: bool,
}

impl<T: Float> Level<T> {
    fn new() -> Self {
        Self {
            log: Aligned::zeros(RUN),
            factor: Aligned::zeros(RUN),
            has_log: false,
            has_factor: false,
        }
    }

    /// The factors, made explicit.
    #[inline(always)]
    pub(crate) fn factors(&mut self, len: usize) -> &mut [T] {
        if !self.has_factor {
            self.factor[..len].fill(T::ONE);
            self.has_factor = true;
        }
        &mut self.factor[..len]
    }

    /// Sets a weight to zero.
    #[inline(always)]
    pub(crate) fn leave_out(&mut self, i: usize, len: usize) {
        if self.has_log {
            self.log[i] = T::NEG_INFINITY;
        } else {
            self.factors(len)[i] = T::ZERO;
        }
    }

    /// The logarithms of the weights.
    #[inline(always)]
    pub(crate) fn logs(&mut self, len: usize) -> &mut [T] {
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
    /// For each query of a tile, the stack of its runs of weights.
    pub(crate) levels: [Vec<Level<T>>; TILE],
    /// Their weights in the end, [`RUN`] each.
    pub(crate) weights: Aligned<T>,
    /// Stack of the scalar evaluation.
    pub(crate) stack: Vec<Weight<T>>,
}

impl<T: Float> Scratch<T> {
    pub(crate) fn new(bound: &Bound<T>) -> Self {
        Self {
            levels: std::array::from_fn(|_| vec![Level::new(); bound.depth.max(1)]),
            weights: Aligned::zeros(TILE * RUN),
            stack: Vec::with_capacity(bound.depth),
        }
    }

    /// The sum of the weights of a run, each times its own factor, and the scale that the sum is in.
    #[inline(always)]
    pub(crate) fn sum<I: Isa>(
        &mut self,
        isa: I,
        bound: &Bound<T>,
        source: impl Source<T>,
        query: &Query<'_, T>,
        factors: &[T],
    ) -> (f64, f64) {
        let Some(levels) = self.levels.first_chunk_mut::<1>() else {
            return (0.0, 0.0);
        };
        evaluate(isa, bound, source, &[query], levels);
        let level = &mut levels[0][0];
        for (f, by) in level.factors(factors.len()).iter_mut().zip(factors) {
            *f *= *by;
        }
        if !level.has_log {
            return (0.0, isa.sum(&level.factor[..factors.len()]));
        }
        let logs = &mut level.log[..factors.len()];
        let top = isa.largest(logs);
        if top == T::NEG_INFINITY {
            return (0.0, 0.0);
        }
        for l in logs.iter_mut() {
            *l = isa.exp(*l - top);
        }
        (top.to_f64(), isa.dot(logs, &level.factor[..factors.len()]))
    }

    /// What each of a run can weigh at the most, where `source` stands for the best of each.
    #[inline(always)]
    pub(crate) fn weights<I: Isa>(
        &mut self,
        isa: I,
        bound: &Bound<T>,
        source: impl Source<T>,
        query: &Query<'_, T>,
        out: &mut [Weight<T>],
    ) {
        let Some(levels) = self.levels.first_chunk_mut::<1>() else {
            return;
        };
        evaluate(isa, bound, source, &[query], levels);
        let level = &levels[0][0];
        for (i, w) in out.iter_mut().enumerate() {
            w.log = if level.has_log { level.log[i] } else { T::ZERO };
            w.factor = if level.has_factor {
                level.factor[i]
            } else {
                T::ONE
            };
            if w.log == T::NEG_INFINITY {
                w.factor = T::ZERO;
            }
        }
    }
}

/// A run of things to be weighed.
pub(crate) trait Source<T>: Copy {
    /// How many, at most [`RUN`].
    fn len(&self) -> usize;

    /// Their raw numbers with a few queries, at most a [`TILE`]. Those of one query do not depend on the others.
    fn raws<I: Isa>(
        &self,
        isa: I,
        atom: &BoundAtom<T>,
        queries: &[&Query<'_, T>],
        out: &mut [&mut [T]],
    );

    /// Their scales under an atom, given its number and the scale that belongs to the query.
    fn scales(&self, number: usize, atom: &BoundAtom<T>, own: Option<Scale<T>>) -> Scales<'_, T>;
}

/// The scales of a run.
pub(crate) enum Scales<'a, T> {
    One(Scale<T>),
    /// Inverse and width, one each.
    Each(&'a [T], &'a [T]),
}

/// A run of at most [`RUN`] keys.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a, T> {
    pub(crate) bound: &'a Bound<T>,
    pub(crate) sites: &'a Sites<T>,
    pub(crate) expanded: Option<&'a Expanded<T>>,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl<T: Float> Source<T> for Keys<'_, T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn raws<I: Isa>(
        &self,
        isa: I,
        atom: &BoundAtom<T>,
        queries: &[&Query<'_, T>],
        out: &mut [&mut [T]],
    ) {
        // A whole tile may have been packed beforehand. Those of which some queries take products and some do not are rare.
        let products = queries.iter().filter(|q| q.around.is_some()).count();
        if let ([first, .., last], Some(out)) = (queries, out.first_chunk_mut::<TILE>())
            && let (Some(own), Some(other)) = (first.packed, last.packed)
            && queries.len() == TILE
            && std::ptr::eq(own, other)
            && (products == 0 || products == TILE)
        {
            let out = out.each_mut().map(|o| &mut **o);
            let side = Side::Packed(own.as_chunks().0);
            if let (Some(expanded), TILE) = (self.expanded, products) {
                let norm = |q: &Query<'_, T>| q.around.map_or(T::ZERO, |a| a.norm);
                let norms = std::array::from_fn(|g| norm(queries[g]));
                expanded.tile(isa, side, norms, self.start, out);
            } else {
                tile(isa, atom, self.sites, side, self.start, out);
            }
        } else {
            self.unpacked(isa, atom, queries, out);
        }
        if products > 0 {
            for (query, out) in queries.iter().zip(out) {
                self.look_again(isa, atom, query, out);
            }
        }
    }

    #[inline(always)]
    fn scales(&self, number: usize, atom: &BoundAtom<T>, own: Option<Scale<T>>) -> Scales<'_, T> {
        match &self.bound.atoms[number].width {
            Width::Site { inverse, width } => {
                Scales::Each(&inverse[self.start..], &width[self.start..])
            }
            _ => Scales::One(atom.scale_at(0, own)),
        }
    }
}

impl<T: Float> Keys<'_, T> {
    /// The raw numbers of queries that are not packed, or not those of a whole tile.
    #[inline(always)]
    fn unpacked<I: Isa>(
        &self,
        isa: I,
        atom: &BoundAtom<T>,
        queries: &[&Query<'_, T>],
        out: &mut [&mut [T]],
    ) {
        let mut features: [&[T]; TILE] = [&[]; TILE];
        let count = queries.len();
        let Some(expanded) = self.expanded else {
            for (f, query) in features.iter_mut().zip(queries) {
                *f = query.features;
            }
            raws(isa, atom, self.sites, &features[..count], self.start, out);
            return;
        };
        // Queries that take products, then those that do not.
        let mut around = [Around {
            double: &[][..],
            norm: T::ZERO,
            near: T::ZERO,
        }; TILE];
        let mut outs: [&mut [T]; TILE] = std::array::from_fn(|_| Default::default());
        let (mut products, mut others) = (0, count);
        for (query, out) in queries.iter().zip(out) {
            if let Some(own) = query.around {
                around[products] = own;
                outs[products] = out;
                products += 1;
            } else {
                others -= 1;
                features[others] = query.features;
                outs[others] = out;
            }
        }
        let (by_products, by_differences) = outs[..count].split_at_mut(products);
        expanded.raws(isa, &around[..products], self.start, by_products);
        let features = &features[products..count];
        raws(isa, atom, self.sites, features, self.start, by_differences);
    }

    /// Takes differences where keys are near for a query of products.
    #[inline(always)]
    fn look_again<I: Isa>(&self, isa: I, atom: &BoundAtom<T>, query: &Query<'_, T>, out: &mut [T]) {
        let Some(around) = &query.around else {
            return;
        };
        for n in near(isa, around.near, out).into_iter().flatten() {
            let start = self.start + n * PANEL;
            let out = &mut out[n * PANEL..][..PANEL];
            let side = Side::Rows([query.features]);
            tile(isa, atom, self.sites, side, start, [out]);
        }
    }
}

/// Runs the kernel's program on a whole run, as a function of its own.
pub(crate) struct Evaluate<'a, 'q, T, S> {
    pub(crate) bound: &'a Bound<T>,
    pub(crate) source: S,
    /// At most a [`TILE`].
    pub(crate) queries: &'a [&'a Query<'q, T>],
    /// As many.
    pub(crate) levels: &'a mut [Vec<Level<T>>],
}

impl<T: Float, S: Source<T>> Task for Evaluate<'_, '_, T, S> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self {
            bound,
            source,
            queries,
            levels,
        } = self;
        evaluate(isa, bound, source, queries, levels);
    }
}

/// Runs the kernel's program on a whole run; the results are in the first level of each query.
#[inline(always)]
fn evaluate<T: Float, I: Isa, S: Source<T>>(
    isa: I,
    bound: &Bound<T>,
    source: S,
    queries: &[&Query<'_, T>],
    levels: &mut [Vec<Level<T>>],
) {
    let len = source.len();
    let mut height = 0;
    for op in &bound.program {
        if let Op::Atom(i) = *op {
            atom(isa, &bound.atoms[i], source, queries, i, height, levels);
            height += 1;
            continue;
        }
        if matches!(op, Op::Multiply | Op::Add) {
            height -= 1;
        }
        for levels in levels.iter_mut() {
            let (below, above) = levels.split_at_mut(height);
            let level = &mut below[height - 1];
            match *op {
                Op::Atom(_) => {}
                Op::Multiply => multiply(level, &above[0], len),
                Op::Add => add(isa, level, &mut above[0], len),
                Op::Scale(s) => {
                    let s = T::from_f64(s);
                    for f in level.factors(len) {
                        *f *= s;
                    }
                }
                Op::Power(p) => raise(isa, level, p, len),
            }
        }
    }
}

#[inline(always)]
fn raise<T: Float, I: Isa>(isa: I, level: &mut Level<T>, p: f64, len: usize) {
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
    // Absent weights must not set the scale, however small the others; a finite one keeps the difference of two absent ones a number.
    let floor = -T::MAX;
    for i in 0..len {
        let (fa, fb) = (a.factor[i], b.factor[i]);
        let present = |log: T, factor: T| {
            if factor > T::ZERO {
                log
            } else {
                T::NEG_INFINITY
            }
        };
        let (la, lb) = (present(a.log[i], fa), present(b.log[i], fb));
        let m = la.max(lb);
        let scale = m.max(floor);
        a.factor[i] = isa.fma(fa, isa.exp(la - scale), fb * isa.exp(lb - scale));
        a.log[i] = m;
    }
}

/// Evaluates one atom on a run.
#[inline(always)]
fn atom<T: Float, I: Isa, S: Source<T>>(
    isa: I,
    atom: &BoundAtom<T>,
    source: S,
    queries: &[&Query<'_, T>],
    number: usize,
    height: usize,
    levels: &mut [Vec<Level<T>>],
) {
    let len = source.len();
    let form = atom.profile.form();
    let mut out: [&mut [T]; TILE] = std::array::from_fn(|_| Default::default());
    for (out, levels) in out.iter_mut().zip(levels) {
        let level = &mut levels[height];
        level.has_log = form == Form::Log;
        level.has_factor = form == Form::Weight;
        *out = match form {
            Form::Log => &mut level.log[..len],
            Form::Weight => &mut level.factor[..len],
        };
    }
    source.raws(isa, atom, queries, &mut out[..queries.len()]);
    for (query, out) in queries.iter().zip(out) {
        link(atom.link, atom.profile.input(), out);
        atom.profile.visit(Apply {
            isa,
            scales: source.scales(number, atom, query.scales[number]),
            out,
        });
    }
}

/// Turns raw numbers into what the curve takes.
#[inline(always)]
pub(crate) fn link<T: Float>(link: Link, wanted: Input, out: &mut [T]) {
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
    scales: Scales<'a, T>,
    out: &'a mut [T],
}

impl<T: Float, I: Isa> CurveVisitor for Apply<'_, T, I> {
    type Out = ();
    #[inline(always)]
    fn visit<C: Curve>(self, curve: C) {
        let Self { isa, scales, out } = self;
        isa.enter(Curved { curve, scales, out });
    }
}

/// A curve on a run, as a function of its own: with the loops of all curves in one body the compiler takes minutes.
struct Curved<'a, C, T> {
    curve: C,
    scales: Scales<'a, T>,
    out: &'a mut [T],
}

impl<C: Curve, T: Float> Task for Curved<'_, C, T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self { curve, scales, out } = self;
        match scales {
            Scales::Each(inverse, width) => {
                for ((x, i), w) in out.iter_mut().zip(inverse).zip(width) {
                    *x = curve.at_width(isa, *x, *i, *w);
                }
            }
            Scales::One(Scale { inverse, width }) => {
                for x in out {
                    *x = curve.at_width(isa, *x, inverse, width);
                }
            }
        }
    }
}
