//! Weighted moments of a local sample: sums of `w a b` over all pairs of a target's features and responses.

use std::ops::Range;

use super::design::{CHUNK, Design, Product};
use locality_core::LocalSample;
use locality_core::isa::{Gram, Isa, Task, gram_len};

/// Slots that are summed at a time where features are columns: sums are put together after each.
const LONG: usize = 4 * CHUNK;
/// Runs shorter than this are copied together, so that sums are of whole vectors.
const SHORT: usize = 32;

/// Sums over a local sample, about a target: features are of `x - target`.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    q: usize,
    /// Sum of the squared weights.
    pub(super) squares: f64,
    /// As [`Gram`] has them: of the features, then of the responses.
    sums: Vec<f64>,
    /// The same of the features for squared weights over sample weights: what errors are made of.
    second: Option<Vec<f64>>,
}

/// Where row `i` and column `j <= i` of a lower triangle are.
pub(super) fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

impl Moments {
    /// From sums as [`Gram`] has them, of `q` features and some responses, about the origin.
    pub(super) fn of_sums(q: usize, squares: f64, sums: Vec<f64>) -> Self {
        Self {
            q,
            squares,
            sums,
            second: None,
        }
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.q
    }

    /// Sum of the weights.
    pub(super) fn weight(&self) -> f64 {
        self.sums[0]
    }

    /// Weighted sum of a feature.
    pub(super) fn feature(&self, j: usize) -> f64 {
        self.sums[at(j + 1, 0)]
    }

    /// Of a pair of features, `i >= j`.
    pub(super) fn pair(&self, i: usize, j: usize) -> f64 {
        self.sums[at(i + 1, j + 1)]
    }

    /// Of a response, and of its products with the features, `[q]`.
    pub(super) fn response(&self, c: usize) -> (f64, &[f64]) {
        let from = at(self.q + 1, 0) + c * (self.q + 1);
        let row = &self.sums[from..][..=self.q];
        (row[0], &row[1..])
    }

    /// The lower triangle of squared weights times pairs of the constant and the features.
    pub(super) fn second(&self) -> Option<&[f64]> {
        self.second.as_deref()
    }
}

/// The moments of a sample.
pub(super) struct Sum<'a> {
    pub(super) design: &'a Design,
    pub(super) sample: LocalSample<'a, f64>,
    /// The target's model columns.
    pub(super) target: &'a [f64],
    pub(super) with_second: bool,
}

impl Task for Sum<'_> {
    type Out = Moments;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Moments {
        let design = self.design;
        let (d, p, q) = (design.columns(), design.responses(), design.features());
        let mut out = Moments {
            q,
            squares: 0.0,
            sums: vec![0.0; gram_len(q, q + p)],
            second: self.with_second.then(|| vec![0.0; gram_len(q, q)]),
        };
        let mut shifts = vec![0.0; q + p];
        if design.is_linear() {
            shifts[..q].copy_from_slice(&self.target[..q]);
        }
        let size = if design.is_linear() { LONG } else { CHUNK };
        let mut shorts = Shorts::default();
        let mut columns: Vec<&[f64]> = Vec::with_capacity(d + p);
        for (run, weights) in self.sample.iter() {
            let mut start = run.start;
            for w in weights.chunks(size) {
                let slots = start..start + w.len();
                start = slots.end;
                if w.iter().all(|w| *w == 0.0) {
                    continue;
                }
                if w.len() < SHORT {
                    if shorts.len + w.len() > CHUNK {
                        shorts.hand_over(|chunk| self.add(isa, chunk, &shifts, &mut out));
                    }
                    shorts.push(design, slots, w);
                    continue;
                }
                columns.clear();
                columns.extend((0..d).map(|c| design.column(c, slots.clone())));
                columns.extend((0..p).map(|c| design.response(c, slots.clone())));
                let chunk = Chunk {
                    weights: w,
                    columns: &columns,
                    inverse: design.inverse(slots),
                };
                self.add(isa, chunk, &shifts, &mut out);
            }
        }
        shorts.hand_over(|chunk| self.add(isa, chunk, &shifts, &mut out));
        out
    }
}

impl Sum<'_> {
    /// Adds a chunk, as a function of its own: what is called from several places is not compiled into vector code.
    #[inline(always)]
    fn add<I: Isa>(&self, isa: I, chunk: Chunk<'_>, shifts: &[f64], out: &mut Moments) {
        isa.enter(Add {
            sum: self,
            chunk,
            shifts,
            out,
        });
    }
}

/// Some samples of a local sample.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    weights: &'a [f64],
    /// Columns, then responses.
    columns: &'a [&'a [f64]],
    /// One over the sample weights.
    inverse: Option<&'a [f64]>,
}

/// Adds a chunk to the moments.
struct Add<'a, 'b> {
    sum: &'a Sum<'b>,
    chunk: Chunk<'a>,
    shifts: &'a [f64],
    out: &'a mut Moments,
}

impl Task for Add<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (design, chunk) = (self.sum.design, self.chunk);
        let len = chunk.weights.len();
        self.out.squares += isa.dot(chunk.weights, chunk.weights);
        if design.is_linear() {
            Self::sums(isa, chunk, self.shifts, self.out);
            return;
        }
        let (columns, responses) = chunk.columns.split_at(design.columns());
        let features = self.features(columns, len);
        let mut all: Vec<&[f64]> = features.iter().map(|f| &f[..len]).collect();
        all.extend(responses);
        let chunk = Chunk {
            columns: &all,
            ..chunk
        };
        Self::sums(isa, chunk, self.shifts, self.out);
    }
}

impl Add<'_, '_> {
    #[inline(always)]
    fn sums<I: Isa>(isa: I, chunk: Chunk<'_>, shifts: &[f64], out: &mut Moments) {
        let Chunk {
            weights: w,
            columns,
            inverse,
        } = chunk;
        let q = out.q;
        let gram = Gram {
            weights: w,
            columns,
            shifts,
            square: q,
        };
        isa.gram(gram, &mut out.sums);
        let Some(second) = &mut out.second else {
            return;
        };
        let mut squared = [0.0; LONG];
        let squared = &mut squared[..w.len()];
        for (s, w) in squared.iter_mut().zip(w) {
            *s = w * w;
        }
        if let Some(inverse) = inverse {
            for (s, by) in squared.iter_mut().zip(inverse) {
                *s *= by;
            }
        }
        let gram = Gram {
            weights: squared,
            columns: &columns[..q],
            shifts: &shifts[..q],
            square: q,
        };
        isa.gram(gram, second);
    }

    /// The features of a chunk.
    #[inline(always)]
    fn features(&self, columns: &[&[f64]], len: usize) -> Vec<[f64; CHUNK]> {
        let products = self.sum.design.products();
        let mut out = vec![[0.0; CHUNK]; products.len()];
        for (f, product) in products.iter().enumerate() {
            let (before, to) = out.split_at_mut(f);
            let to = &mut to[0][..len];
            match *product {
                Product::Column(c) => {
                    let t = self.sum.target[c];
                    for (to, x) in to.iter_mut().zip(columns[c]) {
                        *to = x - t;
                    }
                }
                Product::Of(a, b) => {
                    for ((to, a), b) in to.iter_mut().zip(&before[a]).zip(&before[b]) {
                        *to = a * b;
                    }
                }
            }
        }
        out
    }
}

/// Short runs, copied one after the other.
#[derive(Default)]
struct Shorts {
    len: usize,
    weights: Vec<f64>,
    /// Columns, then responses.
    columns: Vec<[f64; CHUNK]>,
    inverse: Option<Vec<f64>>,
}

impl Shorts {
    fn push(&mut self, design: &Design, slots: Range<usize>, w: &[f64]) {
        let (d, p) = (design.columns(), design.responses());
        if self.columns.is_empty() {
            self.columns = vec![[0.0; CHUNK]; d + p];
        }
        let to = self.len..self.len + w.len();
        for (c, column) in self.columns.iter_mut().enumerate() {
            let from = if c < d {
                design.column(c, slots.clone())
            } else {
                design.response(c - d, slots.clone())
            };
            column[to.clone()].copy_from_slice(from);
        }
        if let Some(inverse) = design.inverse(slots) {
            self.inverse
                .get_or_insert_default()
                .extend_from_slice(inverse);
        }
        self.weights.extend_from_slice(w);
        self.len = to.end;
    }

    /// Hands them to `add`, and starts anew.
    #[inline(always)]
    fn hand_over(&mut self, add: impl FnOnce(Chunk<'_>)) {
        if self.len == 0 {
            return;
        }
        let columns: Vec<&[f64]> = self.columns.iter().map(|c| &c[..self.len]).collect();
        add(Chunk {
            weights: &self.weights,
            columns: &columns,
            inverse: self.inverse.as_deref(),
        });
        self.len = 0;
        self.weights.clear();
        if let Some(inverse) = &mut self.inverse {
            inverse.clear();
        }
    }
}
