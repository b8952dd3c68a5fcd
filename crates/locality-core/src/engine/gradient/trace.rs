//! One query and one run of keys: weights with all that leads to them, and the way back.
//!
//! Everything is a derivative by the *logarithm* of a weight, times the weight: products and powers pass it on as it is, sums
//! share it out, and a weight of zero passes on nothing.

use std::ops::Range;

use super::flow::Flow;
use crate::Float;
use crate::aligned::Aligned;
use crate::bias::RowBias;
use crate::engine::bound::{Bound, BoundAtom, Op, Scale, Width};
use crate::engine::level::{RUN, link};
use crate::engine::prepared::{Prepared, Query};
use crate::engine::raw::tile;
use crate::engine::sites::{Sites, Values, strips};
use crate::isa::{Isa, Task};
use crate::lanes::Side;
use crate::metric::Link;
use crate::profile::{Curve, CurveVisitor, Form, Input, MOST_PARAMETERS};

/// What one atom is for each key of a run.
#[derive(Clone, Debug)]
pub(crate) struct AtomTrace<T> {
    /// The metric's raw number.
    pub(crate) raw: Vec<T>,
    /// What the curve was given.
    pub(crate) input: Vec<T>,
    /// Derivative of the log-weight by the input.
    pub(crate) slope: Vec<T>,
    /// Derivatives of the log-weight by the curve's parameters.
    pub(crate) by: [Aligned<T>; MOST_PARAMETERS],
    /// After the way back: derivative of the result by the raw number.
    pub(crate) back: Vec<T>,
    /// After the way back: derivative of the result by the logarithm of the bandwidth.
    pub(crate) width: Vec<T>,
}

/// Buffers of one thread.
pub(crate) struct Trace<T> {
    pub(crate) atoms: Vec<AtomTrace<T>>,
    /// Log-weight after each step of the program.
    logs: Vec<Vec<T>>,
    /// Derivative by it, times the weight.
    adjoint: Vec<Vec<T>>,
    /// The steps whose results a step works on.
    operands: Vec<[usize; 2]>,
    /// Share of each key in the mean, but for its sample weight.
    pub(crate) share: Vec<T>,
    /// The whole share.
    pub(crate) weighted: Vec<T>,
    /// What the result gains with the logarithm of each share.
    pub(crate) gain: Vec<T>,
}

/// Sums over pairs: derivatives by the kernel's own numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    /// For each atom, by the logarithm of its one bandwidth.
    pub(crate) width: Vec<f64>,
    /// For each atom, by the curve's parameters.
    pub(crate) by: Vec<[f64; MOST_PARAMETERS]>,
    /// For each atom with a bandwidth for each feature, by their logarithms.
    pub(crate) feature: Vec<Vec<f64>>,
    /// For each step, by the logarithm of a coefficient, or by an exponent.
    pub(crate) step: Vec<f64>,
}

impl Totals {
    pub(crate) fn new<T>(bound: &Bound<T>) -> Self {
        Self {
            width: vec![0.0; bound.atoms.len()],
            by: vec![[0.0; MOST_PARAMETERS]; bound.atoms.len()],
            feature: bound
                .atoms
                .iter()
                .map(|a| vec![0.0; a.feature_scale.as_ref().map_or(0, Vec::len)])
                .collect(),
            step: vec![0.0; bound.program.len()],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.width.fill(0.0);
        self.by.fill([0.0; MOST_PARAMETERS]);
        self.feature.iter_mut().for_each(|f| f.fill(0.0));
        self.step.fill(0.0);
    }

    /// Adds a multiple of others.
    pub(crate) fn add(&mut self, other: &Self, scale: f64) {
        let sum = |a: &mut [f64], b: &[f64]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b * scale);
        };
        sum(&mut self.width, &other.width);
        sum(self.by.as_flattened_mut(), other.by.as_flattened());
        for (a, b) in self.feature.iter_mut().zip(&other.feature) {
            sum(a, b);
        }
        sum(&mut self.step, &other.step);
    }
}

impl<T: Float> Trace<T> {
    pub(crate) fn new(bound: &Bound<T>) -> Self {
        let run = || vec![T::ZERO; RUN];
        let atom = |_: &BoundAtom<T>| AtomTrace {
            raw: run(),
            input: run(),
            slope: run(),
            by: std::array::from_fn(|_| Aligned::zeros(RUN)),
            back: run(),
            width: run(),
        };
        let mut operands = Vec::new();
        let mut stack: Vec<usize> = Vec::new();
        for (i, op) in bound.program.iter().enumerate() {
            let mut pop = || stack.pop().unwrap_or(0);
            operands.push(match op {
                Op::Atom(_) => [i, i],
                Op::Multiply | Op::Add => {
                    let b = pop();
                    [pop(), b]
                }
                Op::Scale(_) | Op::Power(_) => [pop(); 2],
            });
            stack.push(i);
        }
        let steps = || vec![run(); bound.program.len()];
        Self {
            atoms: bound.atoms.iter().map(atom).collect(),
            logs: steps(),
            adjoint: steps(),
            operands,
            share: run(),
            weighted: run(),
            gain: run(),
        }
    }

    /// Weighs a run of keys for a query: fills shares and gains.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn forward<I: Isa>(
        &mut self,
        isa: I,
        bound: &Bound<T>,
        sites: &Sites<T>,
        mask: Option<&Prepared<T>>,
        query: &Query<'_, T>,
        flow: &Flow<'_, T>,
        slots: &Range<usize>,
    ) {
        let len = slots.len();
        for (step, op) in bound.program.iter().enumerate() {
            let (before, now) = self.logs.split_at_mut(step);
            let now = &mut now[0][..len];
            let [a, b] = self.operands[step];
            match *op {
                Op::Atom(i) => {
                    let own = query.scales[i];
                    let atom = &bound.atoms[i];
                    self.atoms[i].forward(isa, atom, sites, query.features, own, slots, now);
                }
                Op::Multiply => {
                    for ((l, a), b) in now.iter_mut().zip(&before[a]).zip(&before[b]) {
                        *l = *a + *b;
                    }
                }
                Op::Add => {
                    for ((l, a), b) in now.iter_mut().zip(&before[a]).zip(&before[b]) {
                        let (low, high) = (a.min(*b), a.max(*b));
                        let gap = isa.exp((low - high).max(T::from_f64(-1e30)));
                        let sum = high + isa.ln(T::ONE + gap);
                        *l = if low == T::NEG_INFINITY { high } else { sum };
                    }
                }
                Op::Scale(s) => {
                    let s = T::from_f64(s.ln());
                    for (l, a) in now.iter_mut().zip(&before[a]) {
                        *l = *a + s;
                    }
                }
                Op::Power(p) => {
                    let p = T::from_f64(p);
                    for (l, a) in now.iter_mut().zip(&before[a]) {
                        *l = *a * p;
                    }
                }
            }
        }
        let Some(logs) = self.logs.last() else { return };
        let log_normalizer = flow.log_normalizer;
        let share = &mut self.share[..len];
        share.copy_from_slice(&logs[..len]);
        for row in query.bias.into_iter().flat_map(RowBias::rows) {
            sites.add_by_key(slots.clone(), row, share);
        }
        // Only where keys count for less than 1 may one count for more than all of them do.
        let beyond = sites.weights.is_some() && isa.largest(share) - log_normalizer > -T::EXP_FLOOR;
        let far = if beyond { share.to_vec() } else { Vec::new() };
        for s in share.iter_mut() {
            *s = isa.exp(*s - log_normalizer) * flow.correction;
        }
        if slots.end > sites.rows {
            share[sites.rows - slots.start..].fill(T::ZERO);
        }
        if let Some(p) = mask {
            query.mask(p, slots.clone(), &mut |i| share[i] = T::ZERO);
        }
        let weighted = &mut self.weighted[..len];
        weighted.copy_from_slice(share);
        if let Some(weights) = &sites.weights {
            for (s, w) in weighted.iter_mut().zip(&weights[slots.clone()]) {
                *s *= *w;
            }
        }
        let gain = &mut self.gain[..len];
        gain.fill(flow.level);
        match &sites.value {
            Values::Columns(data) => {
                for (g, column) in flow.means.iter().zip(data.chunks_exact(sites.padded)) {
                    for (o, v) in gain.iter_mut().zip(&column[slots.clone()]) {
                        *o = isa.fma(*g, *v, *o);
                    }
                }
            }
            Values::Strips { data, columns } => {
                for (columns, rows) in strips(data, *columns, slots.clone()) {
                    let own = &flow.means[columns.start..columns.end.min(flow.means.len())];
                    for (o, row) in gain.iter_mut().zip(rows.chunks_exact(columns.len())) {
                        *o += T::from_f64(isa.dot(own, &row[..own.len()]));
                    }
                }
            }
        }
        if beyond {
            self.see_beyond(sites, flow, slots, &far);
        }
    }

    /// Shares of keys that would count for more than the number type holds, did they count at all: infinite where they make a
    /// difference, and what their weights leave of them.
    #[cold]
    fn see_beyond(
        &mut self,
        sites: &Sites<T>,
        flow: &Flow<'_, T>,
        slots: &Range<usize>,
        logs: &[T],
    ) {
        let Some(weights) = &sites.weights else {
            return;
        };
        let most = -T::EXP_FLOOR.to_f64();
        for (i, (log, w)) in logs.iter().zip(&weights[slots.clone()]).enumerate() {
            let log = log.to_f64() - flow.log_normalizer.to_f64();
            if log <= most || self.share[i] == T::ZERO {
                continue;
            }
            let own = (log + w.to_f64().ln()).exp() * flow.correction.to_f64();
            self.weighted[i] = T::from_f64(own);
            let share = if self.gain[i] == T::ZERO {
                T::ZERO
            } else {
                T::INFINITY
            };
            self.share[i] = share;
        }
    }

    /// The derivative by the log-weight of each key of the run, once it has been taken.
    pub(crate) fn by_log_weight(&self, len: usize) -> &[T] {
        self.adjoint.last().map_or(&[], |by| &by[..len])
    }

    /// The way back from shares and gains, to the raw numbers and the kernel's own numbers.
    #[inline(always)]
    pub(crate) fn backward<I: Isa>(
        &mut self,
        isa: I,
        bound: &Bound<T>,
        query: &Query<'_, T>,
        slots: &Range<usize>,
        totals: Option<&mut Totals>,
    ) {
        let len = slots.len();
        let mut totals = totals;
        let Some(top) = self.adjoint.last_mut() else {
            return;
        };
        for ((a, s), g) in top[..len].iter_mut().zip(&self.weighted).zip(&self.gain) {
            *a = *s * *g;
        }
        for (step, op) in bound.program.iter().enumerate().rev() {
            let (before, now) = self.adjoint.split_at_mut(step);
            let now = &now[0][..len];
            let [a, b] = self.operands[step];
            match *op {
                Op::Atom(i) => {
                    let own = query.scales[i];
                    self.atoms[i].backward(&bound.atoms[i], own, slots, now);
                    if let Some(totals) = &mut totals {
                        let atom = &self.atoms[i];
                        totals.width[i] += isa.sum(&atom.width[..len]);
                        let count = bound.atoms[i].profile.info().parameters.len();
                        for (total, by) in totals.by[i].iter_mut().zip(&atom.by[..count]) {
                            *total += isa.dot(now, &by[..len]);
                        }
                    }
                }
                Op::Multiply => {
                    before[a][..len].copy_from_slice(now);
                    before[b][..len].copy_from_slice(now);
                }
                Op::Add => {
                    for part in [a, b] {
                        let logs = self.logs[part].iter().zip(&self.logs[step]);
                        for ((to, from), (own, all)) in before[part].iter_mut().zip(now).zip(logs) {
                            let share = isa.exp((*own - *all).max(T::from_f64(-1e30)));
                            let none = *own == T::NEG_INFINITY;
                            *to = if none { T::ZERO } else { *from * share };
                        }
                    }
                }
                Op::Scale(_) => {
                    before[a][..len].copy_from_slice(now);
                    if let Some(totals) = &mut totals {
                        totals.step[step] += isa.sum(now);
                    }
                }
                Op::Power(p) => {
                    let p = T::from_f64(p);
                    for (to, from) in before[a].iter_mut().zip(now) {
                        *to = *from * p;
                    }
                    if let Some(totals) = &mut totals {
                        // A weight of zero has an infinite logarithm and no say.
                        let pairs = now.iter().zip(&self.logs[a]);
                        let pairs = pairs.filter(|(_, l)| **l > T::NEG_INFINITY);
                        let sum: f64 = pairs.map(|(x, l)| x.to_f64() * l.to_f64()).sum();
                        totals.step[step] += sum;
                    }
                }
            }
        }
    }
}

impl<T: Float> AtomTrace<T> {
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn forward<I: Isa>(
        &mut self,
        isa: I,
        atom: &BoundAtom<T>,
        sites: &Sites<T>,
        query: &[T],
        own: Option<Scale<T>>,
        slots: &Range<usize>,
        log: &mut [T],
    ) {
        let len = slots.len();
        let raw = &mut self.raw[..len];
        tile(isa, atom, sites, Side::Rows([query]), slots.start, [raw]);
        let input = &mut self.input[..len];
        input.copy_from_slice(&self.raw[..len]);
        link(atom.link, atom.profile.input(), input);
        let scales = match &atom.width {
            Width::Site { inverse, width } => {
                Scales::Each(&inverse[slots.clone()], &width[slots.clone()])
            }
            _ => Scales::One(atom.scale_at(0, own)),
        };
        atom.profile.visit(Sloped {
            isa,
            scales,
            input,
            log,
            slope: &mut self.slope,
            by: &mut self.by,
        });
    }

    /// From the derivative by the log-weight to those by the raw number and by the bandwidth.
    #[inline(always)]
    fn backward(
        &mut self,
        atom: &BoundAtom<T>,
        own: Option<Scale<T>>,
        slots: &Range<usize>,
        adjoint: &[T],
    ) {
        let len = slots.len();
        let wanted = atom.profile.input();
        let degree = T::from_f64(wanted.degree());
        let back = &mut self.back[..len];
        // What has no weight passes nothing back, whatever its distance; that may be infinite.
        for ((b, s), a) in back.iter_mut().zip(&self.slope).zip(adjoint) {
            *b = if *a == T::ZERO { T::ZERO } else { *s * *a };
        }
        if atom.profile.info().bounded && matches!(atom.width, Width::Query(_)) {
            // The neighbour whose distance is the bandwidth stays at the end of the kernel wherever it moves. Its slope is as
            // steep as the rounding of that distance makes it.
            let rounding = T::EPSILON * T::from_f64(32.0);
            for (b, u) in back.iter_mut().zip(&self.input) {
                if (*u - T::ONE).abs() <= rounding {
                    *b = T::ZERO;
                }
            }
        }
        for ((w, b), u) in self.width.iter_mut().zip(&*back).zip(&self.input) {
            *w = if *b == T::ZERO {
                T::ZERO
            } else {
                *b * *u * degree
            };
        }
        for by in &mut self.by[..atom.profile.info().parameters.len()] {
            for (b, a) in by.iter_mut().zip(adjoint) {
                *b = if *a == T::ZERO { T::ZERO } else { *b };
            }
        }
        if let Width::Site { inverse, .. } = &atom.width {
            for (b, i) in back.iter_mut().zip(&inverse[slots.clone()]) {
                *b *= *i;
            }
        } else {
            let inverse = atom.scale_at(0, own).inverse;
            for b in &mut *back {
                *b *= inverse;
            }
        }
        link_back(atom.link, wanted, &self.raw, back);
    }
}

/// From derivatives by what a curve takes to those by the raw numbers.
#[inline(always)]
pub(crate) fn link_back<T: Float>(link: Link, wanted: Input, raw: &[T], back: &mut [T]) {
    if matches!(
        (link, wanted),
        (Link::Squared, Input::Squared) | (Link::Plain | Link::Score, Input::Plain | Input::Score)
    ) {
        return;
    }
    for (b, r) in back.iter_mut().zip(raw) {
        *b *= link_slope(link, wanted, *r);
    }
}

/// The derivative of what a curve takes by the raw number; 0 where it has none, at a distance of 0.
#[inline(always)]
pub(crate) fn link_slope<T: Float>(link: Link, wanted: Input, raw: T) -> T {
    let c = T::from_f64;
    let root = raw.sqrt();
    let inverse = |x: T| if x > T::ZERO { T::ONE / x } else { T::ZERO };
    let plain = match link {
        Link::Squared => inverse(root) * c(0.5),
        Link::Plain | Link::Score => T::ONE,
        Link::HalfSquared => c(0.5),
        Link::Arc(radius) => {
            let rest = (T::ONE - raw * c(0.25)).max(T::ZERO).sqrt();
            inverse(root * rest) * c(0.5 * radius)
        }
        Link::CosineScore => c(-0.5),
    };
    match (wanted, link) {
        (Input::Squared, Link::Squared) => T::ONE,
        (Input::Squared, _) => plain * link.distance(raw) * c(2.0),
        _ => plain,
    }
}

/// One scale, or one for each key: inverses and widths.
pub(crate) enum Scales<'a, T> {
    One(Scale<T>),
    Each(&'a [T], &'a [T]),
}

/// Runs a curve with its derivatives: scales the input, writes log-weights, slopes and derivatives by the parameters.
pub(crate) struct Sloped<'a, T, I> {
    pub(crate) isa: I,
    pub(crate) scales: Scales<'a, T>,
    pub(crate) input: &'a mut [T],
    pub(crate) log: &'a mut [T],
    pub(crate) slope: &'a mut [T],
    pub(crate) by: &'a mut [Aligned<T>; MOST_PARAMETERS],
}

/// The derivatives by one of a curve's numbers, if it has so many.
#[inline(always)]
fn by_number<const K: usize, T: Float, I: Isa, C: Curve>(
    isa: I,
    curve: C,
    input: &[T],
    by: &mut [Aligned<T>; MOST_PARAMETERS],
) {
    if K < C::INFO.parameters.len() {
        let by: &mut [T] = &mut by[K];
        for (to, u) in by.iter_mut().zip(input) {
            *to = curve.by(isa, *u)[K];
        }
    }
}

impl<T: Float, I: Isa> CurveVisitor for Sloped<'_, T, I> {
    type Out = ();
    #[inline(always)]
    fn visit<C: Curve>(self, curve: C) {
        self.isa.enter(Curved { curve, of: self });
    }
}

/// A curve on a run, as a function of its own: with the loops of all curves in one body the compiler takes minutes.
struct Curved<'a, C, T, I> {
    curve: C,
    of: Sloped<'a, T, I>,
}

impl<C: Curve, T: Float, J: Isa> Task for Curved<'_, C, T, J> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self { curve, of } = self;
        match of.scales {
            Scales::Each(inverse, width) => {
                let scales = inverse.iter().zip(width);
                for ((x, l), (i, w)) in of.input.iter_mut().zip(&mut *of.log).zip(scales) {
                    *l = curve.at_width(isa, *x, *i, *w);
                    *x *= *i;
                }
            }
            Scales::One(Scale { inverse, width }) => {
                for (x, l) in of.input.iter_mut().zip(&mut *of.log) {
                    *l = curve.at_width(isa, *x, inverse, width);
                    *x *= inverse;
                }
            }
        }
        for (s, u) in of.slope.iter_mut().zip(&*of.input) {
            *s = curve.slope(isa, *u);
        }
        let count = C::INFO.parameters.len();
        by_number::<0, _, _, _>(isa, curve, of.input, of.by);
        by_number::<1, _, _, _>(isa, curve, of.input, of.by);
        by_number::<2, _, _, _>(isa, curve, of.input, of.by);
        const { assert!(MOST_PARAMETERS == 3) }
        if C::FORM == Form::Weight {
            let tiny = T::MIN_POSITIVE;
            for (i, l) in of.log.iter_mut().enumerate() {
                let w = *l;
                let inverse = if w > tiny {
                    T::ONE / w.max(tiny)
                } else {
                    T::ZERO
                };
                let log = isa.ln(w.max(tiny));
                *l = if w > tiny { log } else { T::NEG_INFINITY };
                of.slope[i] *= inverse;
                for by in &mut of.by[..count] {
                    by[i] *= inverse;
                }
            }
        }
    }
}
