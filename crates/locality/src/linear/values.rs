//! Kernel values between rows: in parallel, block by block, straight into place.

use rayon::prelude::*;

use super::matrix::Matrix;
use crate::{
    Atom, Bandwidth, Columns, Error, Kernel, LocalMean, LocalMeanFit, Metric, Result, Rows, Takes,
    Watch, par,
};

/// Queries whose kernel values are computed at once.
const BLOCK: usize = 16;
/// Queries of which a streamed block consists.
const STREAM: usize = 256;
/// Above this many samples the kernel matrix is refused: 3.2 GB of numbers, and hours of work.
pub(crate) const MOST: usize = 20_000;

/// A kernel between queries and some samples.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    kernel: Kernel,
    plan: Plan,
    samples: Vec<f64>,
    rows: usize,
    columns: usize,
}

/// How values are computed.
#[derive(Clone, Debug)]
enum Plan {
    /// By the engine of local means, whatever the kernel.
    Engine(Box<LocalMeanFit<f64>>),
    /// A whole power of an inner product, which may be negative.
    Polynomial(Polynomial),
    Product(Vec<Plan>),
    Sum(Vec<(f64, Plan)>),
    Power(Box<Plan>, i32),
}

#[derive(Clone, Debug)]
struct Polynomial {
    columns: Columns,
    degree: i32,
    gamma: f64,
    offset: f64,
}

impl Polynomial {
    fn of(atom: &Atom) -> Option<Self> {
        let values = atom.profile().values();
        let named = atom.profile().info().name == "polynomial";
        if !named || atom.metric_in_force() != Metric::Dot {
            return None;
        }
        let whole = values[0].fract() == 0.0 && values[0] <= 64.0;
        whole.then(|| Self {
            columns: atom.column_choice().clone(),
            degree: values[0] as i32,
            gamma: values[1],
            offset: values[2],
        })
    }

    fn at(&self, a: &[f64], b: &[f64]) -> f64 {
        let dot: f64 = match &self.columns {
            Columns::Indices(some) => some.iter().map(|&c| a[c] * b[c]).sum(),
            _ => a.iter().zip(b).map(|(x, y)| x * y).sum(),
        };
        self.gamma.mul_add(dot, self.offset).powi(self.degree)
    }
}

fn is_signed(kernel: &Kernel) -> bool {
    kernel.atoms().iter().any(|a| Polynomial::of(a).is_some())
}

fn whole(p: f64) -> Option<i32> {
    (p.fract() == 0.0 && (1.0..=64.0).contains(&p)).then_some(p as i32)
}

impl Plan {
    fn new(kernel: &Kernel, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Self> {
        if is_signed(kernel) {
            let part = |k: &Kernel| Self::new(k, samples, watch);
            match kernel {
                Kernel::Atom(atom) => {
                    if let Some(polynomial) = Polynomial::of(atom) {
                        // The engine says what is wrong with columns.
                        Self::engine(kernel, samples.slice(0..1), watch)?;
                        return Ok(Self::Polynomial(polynomial));
                    }
                }
                Kernel::Product(parts) => {
                    return Ok(Self::Product(
                        parts.iter().map(part).collect::<Result<_>>()?,
                    ));
                }
                Kernel::Sum(parts) => {
                    let parts = parts.iter().map(|(a, k)| Ok((*a, part(k)?)));
                    return Ok(Self::Sum(parts.collect::<Result<_>>()?));
                }
                Kernel::Power(inner, p) => {
                    if let Some(p) = whole(*p) {
                        return Ok(Self::Power(Box::new(part(inner)?), p));
                    }
                }
                _ => {}
            }
        }
        Self::engine(kernel, samples, watch)
    }

    fn engine(kernel: &Kernel, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Self> {
        let none = Rows::new(&[], samples.rows(), 0)?;
        let fit = LocalMean::new(kernel.clone()).fit_watched(samples, none, None, watch)?;
        Ok(Self::Engine(Box::new(fit)))
    }

    /// Values at a few queries, `out` row after row.
    fn fill(
        &self,
        samples: Rows<'_, f64>,
        queries: Rows<'_, f64>,
        watch: &Watch<'_>,
        out: &mut [f64],
    ) -> Result<()> {
        let n = samples.rows();
        match self {
            Self::Engine(fit) => {
                let order = fit.order();
                let rows = fit.local_samples(queries, watch, |_, sample| {
                    let mut row = vec![0.0; n];
                    let unit = sample.log_scale().exp();
                    for (slots, weights) in sample.iter() {
                        for (slot, w) in slots.zip(weights) {
                            if slot < n {
                                row[order[slot] as usize] = w * unit;
                            }
                        }
                    }
                    Ok(row)
                })?;
                for (to, row) in out.chunks_exact_mut(n).zip(rows) {
                    to.copy_from_slice(&row);
                }
            }
            Self::Polynomial(polynomial) => {
                for (to, query) in out.chunks_exact_mut(n).zip(queries.iter()) {
                    for (to, sample) in to.iter_mut().zip(samples.iter()) {
                        *to = polynomial.at(query, sample);
                    }
                }
            }
            Self::Product(parts) => {
                out.fill(1.0);
                let mut one = vec![0.0; out.len()];
                for part in parts {
                    part.fill(samples, queries, watch, &mut one)?;
                    out.iter_mut().zip(&one).for_each(|(o, x)| *o *= x);
                }
            }
            Self::Sum(parts) => {
                out.fill(0.0);
                let mut one = vec![0.0; out.len()];
                for (a, part) in parts {
                    part.fill(samples, queries, watch, &mut one)?;
                    out.iter_mut().zip(&one).for_each(|(o, x)| *o += a * x);
                }
            }
            Self::Power(inner, p) => {
                inner.fill(samples, queries, watch, out)?;
                for x in out.iter_mut() {
                    *x = x.powi(*p);
                }
            }
        }
        Ok(())
    }
}

/// The kernel of a row with itself.
fn own(kernel: &Kernel, row: &[f64]) -> f64 {
    match kernel {
        Kernel::Atom(atom) => match Polynomial::of(atom) {
            Some(polynomial) => polynomial.at(row, row),
            None if atom.profile().info().takes == Takes::Score => {
                let squares = match (atom.metric_in_force(), atom.column_choice()) {
                    (Metric::Cosine, _) => 1.0,
                    (_, Columns::Indices(some)) => some.iter().map(|&c| row[c] * row[c]).sum(),
                    _ => row.iter().map(|x| x * x).sum(),
                };
                atom.profile().weight(squares)
            }
            None => atom.profile().weight(0.0),
        },
        Kernel::Product(parts) => parts.iter().map(|k| own(k, row)).product(),
        Kernel::Sum(parts) => parts.iter().map(|(a, k)| a * own(k, row)).sum(),
        Kernel::Power(inner, p) => own(inner, row).powf(*p),
        _ => f64::NAN,
    }
}

/// Refuses kernels that depend on the order of their arguments.
fn check_symmetric(kernel: &Kernel) -> Result<()> {
    for atom in kernel.atoms() {
        if matches!(
            atom.bandwidth_rule(),
            Bandwidth::QueryNearest(_) | Bandwidth::SiteNearest(_) | Bandwidth::PerSite(_)
        ) {
            return Err(Error::unsupported(format!(
                "kernel {kernel}: a width that differs from site to site makes it unsymmetric, so that no kernel matrix can be solved; \
                 give {} one bandwidth h",
                atom.profile().info().name
            )));
        }
        if atom.metric_in_force() == Metric::Difference {
            return Err(Error::unsupported(format!(
                "kernel {kernel}: {} of a signed difference is not symmetric, so that no kernel matrix can be solved; \
                 choose a kernel of a distance or of an inner product",
                atom.profile().info().name
            )));
        }
    }
    Ok(())
}

impl Values {
    pub(crate) fn new(kernel: &Kernel, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Self> {
        check_symmetric(kernel)?;
        kernel.check()?;
        Ok(Self {
            plan: Plan::new(kernel, samples, &watch.quiet())?,
            kernel: kernel.clone(),
            samples: samples.to_vec(),
            rows: samples.rows(),
            columns: samples.columns(),
        })
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn samples(&self) -> Rows<'_, f64> {
        Rows::new(&self.samples, self.rows, self.columns).expect("made of such rows")
    }

    /// Refuses queries that are no rows of these columns.
    pub(crate) fn check(&self, queries: Rows<'_, f64>) -> Result<()> {
        if queries.columns() != self.columns {
            return Err(Error::shape(format!(
                "X has {} columns, but the model was fitted to {}; give the same columns",
                queries.columns(),
                self.columns
            )));
        }
        if queries.rows() > 0 {
            queries.require_finite("X")?;
        }
        Ok(())
    }

    /// Kernel values, `[n, m]`, a column for each query.
    pub(crate) fn at(&self, queries: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Matrix> {
        let n = self.rows;
        let mut out = Matrix::zeros(n, queries.rows())?;
        let inner = watch.threads(1).quiet();
        let fill = |(i, to): (usize, &mut [f64])| {
            watch.check()?;
            let first = i * BLOCK;
            let some = queries.slice(first..first + to.len() / n);
            self.plan.fill(self.samples(), some, &inner, to)?;
            if to.iter().all(|x| x.is_finite()) {
                return Ok(());
            }
            Err(Error::not_finite(format!(
                "kernel {} is not finite at row {first} of X (counted from 0) or one of the {BLOCK} after it; scale the columns",
                self.kernel
            )))
        };
        let data = out.data_mut();
        if watch.thread_count() == 1 {
            let mut chunks = data.chunks_mut(BLOCK * n).enumerate();
            chunks.try_for_each(fill)?;
        } else {
            par::install(watch.thread_count(), || {
                let chunks = data.par_chunks_mut(BLOCK * n).enumerate();
                chunks.map(fill).collect::<Result<Vec<()>>>()
            })?;
        }
        Ok(out)
    }

    /// The kernel matrix of the samples, `[n, n]`, symmetric to the bit.
    pub(crate) fn gram(&self, watch: &Watch<'_>) -> Result<Matrix> {
        if self.rows > MOST {
            return Err(Error::unsupported(format!(
                "{} samples have a kernel matrix of {:.0} GB, more than the {MOST} that are solved exactly; set n_landmarks, say to 500",
                self.rows,
                8e-9 * (self.rows as f64).powi(2)
            )));
        }
        let mut out = self.at(self.samples(), watch)?;
        let diagonal = self.diagonal(self.samples());
        out.mirror(&diagonal);
        Ok(out)
    }

    /// The kernel of each query with itself, `[m]`.
    pub(crate) fn diagonal(&self, queries: Rows<'_, f64>) -> Vec<f64> {
        queries.iter().map(|row| own(&self.kernel, row)).collect()
    }

    /// `work` on the kernel values of blocks of queries, in order; never more than a block for each thread is held.
    pub(crate) fn stream<R: Send>(
        &self,
        queries: Rows<'_, f64>,
        watch: &Watch<'_>,
        work: impl Fn(Rows<'_, f64>, Matrix) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.check(queries)?;
        let inner = watch.threads(1).quiet();
        par::map_blocks(watch, queries.rows(), STREAM, |range| {
            let some = queries.slice(range);
            work(some, self.at(some, &inner)?)
        })
    }

    /// `K c` for coefficients `[n, p]`, in the order of rows `[m, p]`, row after row.
    pub(crate) fn times(
        &self,
        queries: Rows<'_, f64>,
        coefficients: &Matrix,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let blocks = self.stream(queries, watch, |_, k| {
            Ok(coefficients.transposed_times(&k).into_data())
        })?;
        Ok(blocks.concat())
    }
}
