//! From the firing of rules to outputs, for blocks of rows.

use super::defuzzify::{Defuzzifier, Grid};
use super::norms::{SNorm, TNorm};
use super::plan::Target;
use super::variable::Conclusion;
use crate::isa::{Isa, Task, dispatch};

/// The rules that speak of an output, by number; one that concludes twice is there twice.
pub(super) type Uses = Vec<usize>;

/// Sets over a grid.
pub(super) struct Mamdani {
    pub(super) grid: Grid,
    /// The different sets that are concluded.
    pub(super) sets: Vec<Vec<f64>>,
    /// Rule and set of each conclusion.
    pub(super) uses: Vec<(usize, usize)>,
    pub(super) implication: TNorm,
    pub(super) aggregation: SNorm,
    pub(super) defuzzifier: Defuzzifier,
    pub(super) default: f64,
}

/// Numbers under the rules' firing.
pub(super) struct Weighted<'a> {
    pub(super) uses: Uses,
    pub(super) conclusions: Vec<&'a Conclusion>,
    pub(super) average: bool,
    pub(super) range: [f64; 2],
    pub(super) default: f64,
}

/// Finds each output of a block and hands it over. `firing` is `[rules, rows]`, or its logarithms.
pub(super) fn each(
    targets: &[Target<'_>],
    firing: &mut [f64],
    logs: bool,
    columns: &[Vec<f64>],
    one: &mut [f64],
    mut hand_over: impl FnMut(usize, &[f64]),
) {
    let mut shares: Vec<f64> = Vec::new();
    let mut last: Option<&Uses> = None;
    for (o, target) in targets.iter().enumerate() {
        match target {
            Target::Mamdani(m) => m.infer(firing, one),
            Target::Weighted(w) if logs => {
                if last != Some(&w.uses) {
                    shares.clear();
                    dispatch(Shares {
                        uses: &w.uses,
                        logs: firing,
                        count: one.len(),
                        out: &mut shares,
                    });
                    last = Some(&w.uses);
                }
                w.infer(
                    |i| &shares[i * columns[0].len()..][..columns[0].len()],
                    columns,
                    one,
                );
            }
            Target::Weighted(w) => {
                let count = one.len();
                w.infer(|i| &firing[w.uses[i] * count..][..count], columns, one);
            }
        }
        hand_over(o, one);
    }
}

/// Firing relative to the strongest rule of each row, from logarithms.
struct Shares<'a> {
    uses: &'a [usize],
    logs: &'a [f64],
    count: usize,
    out: &'a mut Vec<f64>,
}

impl Task for Shares<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let n = self.count;
        let mut most = vec![f64::NEG_INFINITY; n];
        for &r in self.uses {
            for (m, l) in most.iter_mut().zip(&self.logs[r * n..][..n]) {
                *m = if *l > *m { *l } else { *m };
            }
        }
        // Nothing fires at all: weights of 0, not of 0 / 0.
        for m in &mut most {
            *m = if *m == f64::NEG_INFINITY { 0.0 } else { *m };
        }
        self.out.resize(self.uses.len() * n, 0.0);
        for (&r, to) in self.uses.iter().zip(self.out.chunks_exact_mut(n)) {
            for ((to, l), m) in to.iter_mut().zip(&self.logs[r * n..][..n]).zip(&most) {
                *to = isa.exp_below_one(*l - *m);
            }
        }
    }
}

impl Weighted<'_> {
    fn infer<'f>(
        &self,
        firing: impl Fn(usize) -> &'f [f64],
        columns: &[Vec<f64>],
        out: &mut [f64],
    ) {
        let mut sum = vec![0.0; out.len()];
        out.fill(0.0);
        let mut value = vec![0.0; out.len()];
        for (i, conclusion) in self.conclusions.iter().enumerate() {
            let w = firing(i);
            match conclusion {
                Conclusion::Affine { constant, slopes } => dispatch(Affine {
                    constant: *constant,
                    slopes,
                    columns,
                    weights: w,
                    value: &mut value,
                    top: out,
                    sum: &mut sum,
                }),
                Conclusion::Set(set) => {
                    let [low, high] = self.range;
                    for ((o, s), w) in out.iter_mut().zip(&mut sum).zip(w) {
                        if *w > 0.0 {
                            let y = set.inverse(*w).unwrap_or(f64::NAN).clamp(low, high);
                            *o += w * y;
                            *s += w;
                        }
                    }
                }
            }
        }
        for (o, s) in out.iter_mut().zip(&sum) {
            if *s <= 0.0 || s.is_nan() {
                *o = self.default;
            } else if self.average {
                *o /= s;
            }
        }
    }
}

/// Adds `weight value` and `weight` of one rule.
struct Affine<'a> {
    constant: f64,
    slopes: &'a [f64],
    columns: &'a [Vec<f64>],
    weights: &'a [f64],
    value: &'a mut [f64],
    top: &'a mut [f64],
    sum: &'a mut [f64],
}

impl Task for Affine<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        self.value.fill(self.constant);
        for (slope, column) in self.slopes.iter().zip(self.columns) {
            for (v, x) in self.value.iter_mut().zip(column) {
                *v = isa.fma(*slope, *x, *v);
            }
        }
        let sums = self.top.iter_mut().zip(self.sum);
        for (((top, sum), v), w) in sums.zip(&*self.value).zip(self.weights) {
            *top = isa.fma(*w, *v, *top);
            *sum += *w;
        }
    }
}

impl Mamdani {
    fn infer(&self, firing: &[f64], out: &mut [f64]) {
        let count = out.len();
        let mut joined = vec![0.0; self.grid.len()];
        let mut one = vec![0.0; self.grid.len()];
        // The maximum of a set cut at several heights is the set cut at the greatest.
        let merges = self.aggregation == SNorm::Maximum;
        let mut heights = vec![0.0; self.sets.len()];
        for (b, out) in out.iter_mut().enumerate() {
            joined.fill(0.0);
            if merges {
                heights.fill(0.0);
                for &(r, s) in &self.uses {
                    heights[s] = firing[r * count + b].max(heights[s]);
                }
                for (height, set) in heights.iter().zip(&self.sets) {
                    self.add(*height, set, &mut one, &mut joined);
                }
            } else {
                for &(r, s) in &self.uses {
                    self.add(firing[r * count + b], &self.sets[s], &mut one, &mut joined);
                }
            }
            let found = self.grid.defuzzify(self.defuzzifier, &joined);
            *out = match found {
                Some(y) => y,
                None => self.highest(|r| firing[r * count + b], &mut joined),
            };
        }
    }

    /// Where rules fire but an implication leaves nothing of their sets that has a width, the place of the highest degree of the set that
    /// fires most, to which it shrinks; without any, the default.
    fn highest(&self, firing: impl Fn(usize) -> f64, joined: &mut [f64]) -> f64 {
        let strongest = self.uses.iter().filter(|(r, _)| firing(*r) > 0.0);
        let strongest = strongest.max_by(|a, b| firing(a.0).total_cmp(&firing(b.0)));
        let Some((_, s)) = strongest else {
            return self.default;
        };
        joined.copy_from_slice(&self.sets[*s]);
        if joined.iter().all(|y| *y <= 0.0) {
            return self.default;
        }
        self.grid.maximum(self.defuzzifier, joined)
    }

    fn add(&self, height: f64, set: &[f64], one: &mut [f64], joined: &mut [f64]) {
        if height <= 0.0 {
            return;
        }
        if self.aggregation == SNorm::Maximum
            && matches!(self.implication, TNorm::Minimum | TNorm::Product)
        {
            dispatch(Cut {
                height,
                minimum: self.implication == TNorm::Minimum,
                set,
                joined,
            });
            return;
        }
        one.fill(height);
        self.implication.fold(one, set);
        self.aggregation.fold(joined, one);
    }
}

/// `joined <- max(joined, min(height, set))`, or with the product.
struct Cut<'a> {
    height: f64,
    minimum: bool,
    set: &'a [f64],
    joined: &'a mut [f64],
}

impl Task for Cut<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let h = self.height;
        if self.minimum {
            for (j, s) in self.joined.iter_mut().zip(self.set) {
                let cut = if *s < h { *s } else { h };
                *j = if cut > *j { cut } else { *j };
            }
        } else {
            for (j, s) in self.joined.iter_mut().zip(self.set) {
                let cut = *s * h;
                *j = if cut > *j { cut } else { *j };
            }
        }
    }
}
