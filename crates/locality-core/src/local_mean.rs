//! The front door of the local mean.

use crate::engine::prepared::{Engine, Indices, Prepared, policy_searcher};
use crate::engine::search::Searcher;
use crate::{Bias, Error, Float, Kernel, Neighborhood, Result, Rows, Watch, par};

/// What to return at a query whose local region is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnEmpty {
    /// An [`EmptyRegion`](crate::ErrorKind::EmptyRegion) error that names the query.
    #[default]
    Error,
    /// NaN.
    Nan,
    /// The value of the nearest key that the neighbourhood's index rules, masks and sample weights allow, ties in index order. Near is what the
    /// kernel's first distance says, of Euclidean ones with a bandwidth for each column in these bandwidths (`hamming` only where there is no
    /// other), and for kernels of scores the Euclidean distance of all columns.
    Nearest,
    /// The weighted mean of all values.
    Global,
}

impl std::str::FromStr for OnEmpty {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = ["error", "nan", "nearest", "global"];
        Ok(match text {
            "error" => Self::Error,
            "nan" => Self::Nan,
            "nearest" => Self::Nearest,
            "global" => Self::Global,
            other => {
                return Err(Error::parse(crate::names::unknown(
                    "on_empty policy",
                    other,
                    known.into_iter(),
                )));
            }
        })
    }
}

/// The parameters of a local mean: `sum_i c_i K(q, k_i) v_i / sum_i c_i K(q, k_i)` at each query `q`.
///
/// ```
/// use locality_core::{LocalMean, OnEmpty, Rows, Watch};
/// let keys = [0.0, 1.0, 2.0, 3.0];
/// let values = [0.0, 10.0, 20.0, 30.0];
/// let fit = LocalMean::new("epanechnikov(h=1.5)".parse()?)
///     .on_empty(OnEmpty::Nan)
///     .fit(Rows::column(&keys), Rows::column(&values))?;
/// let at = fit.at(Rows::column(&[1.0, 99.0]), &Watch::default())?;
/// assert!((at.means[0] - 10.0_f64).abs() < 1e-12);
/// assert!(at.means[1].is_nan() && at.log_normalizer[1] == f64::NEG_INFINITY);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LocalMean {
    kernel: Kernel,
    neighborhood: Neighborhood,
    tolerance: f64,
    on_empty: OnEmpty,
    null_weight: f64,
}

/// Means and log normalisers at a set of queries.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalMeans<T> {
    /// Means, `[m, p]`, row after row.
    pub means: Vec<T>,
    /// Logarithm of the sum of the weights, `[m]`; negative infinity where the region is empty.
    pub log_normalizer: Vec<T>,
    /// Pairs of query and key that were weighed, out of `m n`; a node of keys taken in as a whole counts as 64. Unlike the means it depends on
    /// which queries lie side by side, as a few of them share what is skipped.
    pub visited: u64,
}

/// A local mean with its keys and values, ready for queries of `f32` or `f64`.
#[derive(Clone, Debug)]
pub struct LocalMeanFit<T> {
    pub(crate) parameters: LocalMean,
    pub(crate) prepared: Prepared<T>,
    columns: usize,
    nearest: Option<Fallback<T>>,
    pub(crate) global: Vec<f64>,
}

/// What `OnEmpty::Nearest` looks up.
#[derive(Clone, Debug)]
struct Fallback<T> {
    searcher: Searcher<T>,
    values: Vec<T>,
    weights: Option<Vec<T>>,
}

impl LocalMean {
    /// A local mean under `kernel`, over all keys, exact to rounding, with an error for empty regions.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            neighborhood: Neighborhood::all(),
            tolerance: 0.0,
            on_empty: OnEmpty::Error,
            null_weight: 0.0,
        }
    }

    /// Which keys a query may see.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// What the sum of the weights may be off by at each query, relative and with proof; 0 (the default) is exact to rounding.
    /// Keys are then left out, or taken in by whole nodes of a tree. With values in `[a, b]` a mean is off by less than
    /// `tolerance * (b - a)`.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// What to return where the local region is empty.
    #[must_use]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.on_empty = on_empty;
        self
    }

    /// The weight of a value of zero that every query has beside its keys; 0, none, by default. Under a softmax kernel 1 is
    /// "softmax plus one" (Miller 2023), by which a query may attend to nothing; in regression it shrinks the mean to zero where keys are
    /// far. No region is empty then. It counts in the log normaliser.
    #[must_use]
    pub fn null_weight(mut self, null_weight: f64) -> Self {
        self.null_weight = null_weight;
        self
    }

    /// The weight beside the keys.
    pub(crate) fn null(&self) -> f64 {
        self.null_weight
    }

    /// Which keys a query may see.
    pub fn neighborhood_rule(&self) -> &Neighborhood {
        &self.neighborhood
    }

    /// What is returned where the local region is empty.
    pub fn policy(&self) -> OnEmpty {
        self.on_empty
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Lays out keys `[n, d]` and values `[n, p]`; `p = 0` is allowed where only the log normaliser is wanted.
    ///
    /// # Errors
    /// Shapes that do not fit, no keys, NaN or infinite numbers, parameters out of range, columns that are not there.
    pub fn fit<T: Float>(&self, keys: Rows<'_, T>, values: Rows<'_, T>) -> Result<LocalMeanFit<T>> {
        self.prepare(keys, values, None, None, &Watch::default())
    }

    /// The same with sample weights `[n]`, which must not be negative.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite or all zero.
    pub fn fit_weighted<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        sample_weights: &[T],
    ) -> Result<LocalMeanFit<T>> {
        self.prepare(keys, values, Some(sample_weights), None, &Watch::default())
    }

    /// The same with or without sample weights, on the watched threads, to be stopped from elsewhere: a bandwidth for each key
    /// (`site_knn=`) and mutual neighbours take a search from every key.
    ///
    /// # Errors
    /// As [`fit_weighted`](Self::fit_weighted), and an interruption.
    pub fn fit_watched<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        sample_weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<LocalMeanFit<T>> {
        self.prepare(keys, values, sample_weights, None, watch)
    }

    /// The same under a given engine, for the tests that compare engines: `reference`, `tiled` or `tree`.
    #[doc(hidden)]
    pub fn fit_engine<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        sample_weights: Option<&[T]>,
        engine: &str,
    ) -> Result<LocalMeanFit<T>> {
        let engine = match engine {
            "reference" => Engine::Reference,
            "tiled" => Engine::Dense,
            _ => Engine::Walk,
        };
        self.prepare(
            keys,
            values,
            sample_weights,
            Some(engine),
            &Watch::default(),
        )
    }

    fn prepare<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        weights: Option<&[T]>,
        engine: Option<Engine>,
        watch: &Watch<'_>,
    ) -> Result<LocalMeanFit<T>> {
        if !(self.tolerance >= 0.0 && self.tolerance < 1.0) {
            return Err(Error::parameter(format!(
                "tolerance={} must be at least 0 and below 1",
                self.tolerance
            )));
        }
        if !(self.null_weight >= 0.0 && self.null_weight.is_finite()) {
            return Err(Error::parameter(format!(
                "null_weight={} must be a finite number of at least 0",
                self.null_weight
            )));
        }
        keys.require_finite("keys")?;
        if values.rows() != keys.rows() {
            return Err(Error::shape(format!(
                "values has {} rows, but keys has {}; they must be equally many",
                values.rows(),
                keys.rows()
            )));
        }
        if values.columns() > 0 {
            values.require_finite("values")?;
        }
        if let Some(w) = weights {
            check_weights(w, keys.rows())?;
        }
        let (prepared, nearest) = crate::par::install(watch.thread_count(), || {
            let prepared = Prepared::new(
                &self.kernel,
                &self.neighborhood,
                self.tolerance,
                keys,
                values,
                weights,
                engine,
                watch,
            )?;
            let nearest = match self.on_empty {
                OnEmpty::Nearest => Some(Fallback {
                    searcher: policy_searcher(&self.kernel, keys)?,
                    values: values.to_vec(),
                    weights: weights.map(<[T]>::to_vec),
                }),
                _ => None,
            };
            Ok((prepared, nearest))
        })?;
        Ok(LocalMeanFit {
            parameters: self.clone(),
            global: global_mean(values, weights),
            columns: keys.columns(),
            prepared,
            nearest,
        })
    }
}

fn overflow<T: Float>(query: usize) -> Error {
    Error::not_finite(format!(
        "query {query} (counted from 0) has scores or weighted values beyond the range of {}; scale keys, queries or values down{}",
        T::NAME,
        if T::NAME == "f32" { ", or use f64" } else { "" }
    ))
}

fn check_weights<T: Float>(weights: &[T], keys: usize) -> Result<()> {
    if weights.len() != keys {
        return Err(Error::shape(format!(
            "sample_weight has {} entries, but there are {keys} keys; give one each",
            weights.len()
        )));
    }
    for (i, w) in weights.iter().enumerate() {
        if !w.is_finite() || *w < T::ZERO {
            return Err(Error::parameter(format!(
                "sample_weight has {w} at position {i} (counted from 0); weights must be finite and not negative"
            )));
        }
    }
    if weights.iter().all(|w| *w == T::ZERO) {
        return Err(Error::parameter(
            "sample_weight is zero everywhere; at least one weight must be positive",
        ));
    }
    Ok(())
}

fn global_mean<T: Float>(values: Rows<'_, T>, weights: Option<&[T]>) -> Vec<f64> {
    let mut sum = vec![0.0; values.columns()];
    let mut total = 0.0;
    for (i, row) in values.iter().enumerate() {
        let w = weights.map_or(1.0, |w| w[i].to_f64());
        total += w;
        for (s, v) in sum.iter_mut().zip(row) {
            *s += w * v.to_f64();
        }
    }
    for s in &mut sum {
        *s /= total;
    }
    sum
}

/// Rows of so many columns, the i-th of which belongs at place `order[i]`.
fn put_back<T: Float>(order: &[u32], rows: &[T], columns: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; rows.len()];
    for (i, &place) in order.iter().enumerate() {
        let to = &mut out[place as usize * columns..][..columns];
        to.copy_from_slice(&rows[i * columns..][..columns]);
    }
    out
}

impl<T: Float> LocalMeanFit<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &LocalMean {
        &self.parameters
    }

    /// Number of columns of a query.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Checks queries.
    pub(crate) fn check(&self, queries: Rows<'_, T>) -> Result<()> {
        if queries.columns() != self.columns {
            return Err(Error::shape(format!(
                "queries has {} columns, but keys has {}; they must be the same columns",
                queries.columns(),
                self.columns
            )));
        }
        if queries.rows() > 0 {
            queries.require_finite("queries")?;
        }
        let keys = self.prepared.sites.rows;
        if self.prepared.filter.is_hollow() && queries.rows() != keys {
            return Err(Error::shape(format!(
                "hollow leaves out key i at query i, so it needs as many queries as keys, but there are {} and {keys}",
                queries.rows()
            )));
        }
        Ok(())
    }

    /// Means and log normalisers at queries `[m, d]`. The same bits for any number of threads and any company of queries.
    ///
    /// # Errors
    /// Queries with another number of columns or with NaN or infinite numbers, an empty region under
    /// [`OnEmpty::Error`], scores beyond the number type's range, or an interruption.
    pub fn at(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<LocalMeans<T>> {
        self.at_with(queries, None, watch)
    }

    /// The same with or without biases.
    pub(crate) fn at_with(
        &self,
        queries: Rows<'_, T>,
        bias: Option<Bias<'_, T>>,
        watch: &Watch<'_>,
    ) -> Result<LocalMeans<T>> {
        self.check(queries)?;
        if let Some(bias) = bias {
            bias.check(queries.rows(), self.prepared.sites.rows, watch)?;
        }
        let (p, d) = (self.prepared.sites.values, queries.columns());
        let order = match bias {
            None => par::install(watch.thread_count(), || self.prepared.order(queries)),
            Some(_) => None,
        };
        let block = self.prepared.block_of(queries.rows(), watch.width());
        let blocks = par::map_blocks(watch, queries.rows(), block, |range| {
            let mut gathered = Vec::new();
            let (indices, rows) = match &order {
                None => (Indices::From(range.start), queries.slice(range)),
                Some(order) => {
                    let some = &order[range];
                    for &i in some {
                        gathered.extend_from_slice(queries.row(i as usize));
                    }
                    (Indices::Each(some), Rows::new(&gathered, some.len(), d)?)
                }
            };
            let (mut summaries, visited) = self.prepared.block(rows, indices, bias);
            if self.parameters.null_weight > 0.0 {
                let (log, nothing) = (self.parameters.null_weight.ln(), vec![0.0; p]);
                for summary in &mut summaries {
                    summary.absorb(log, &nothing);
                }
            }
            let mut means = Vec::with_capacity(rows.rows() * p);
            let mut logs = Vec::with_capacity(rows.rows());
            let mut mean = vec![0.0; p];
            for (i, s) in summaries.iter().enumerate() {
                if let Some(log) = s.finish(&mut mean) {
                    if !(log.is_finite() && mean.iter().all(|m| m.is_finite())) {
                        return Err(overflow::<T>(indices.at(i)));
                    }
                    means.extend(mean.iter().map(|&m| T::from_f64(m)));
                    logs.push(T::from_f64(log));
                } else {
                    self.fill_empty(indices.at(i), rows.row(i), bias, &mut means)?;
                    logs.push(T::NEG_INFINITY);
                }
            }
            Ok((means, logs, visited as u64))
        })?;
        let mut out = LocalMeans {
            means: Vec::with_capacity(queries.rows() * p),
            log_normalizer: Vec::with_capacity(queries.rows()),
            visited: 0,
        };
        for (means, logs, visited) in blocks {
            out.means.extend(means);
            out.log_normalizer.extend(logs);
            out.visited += visited;
        }
        if let Some(order) = order {
            out.means = put_back(&order, &out.means, p);
            out.log_normalizer = put_back(&order, &out.log_normalizer, 1);
        }
        Ok(out)
    }

    /// The key that answers for an empty region under [`OnEmpty::Nearest`].
    pub(crate) fn nearest_to(
        &self,
        index: usize,
        query: &[T],
        bias: Option<Bias<'_, T>>,
    ) -> Option<usize> {
        let fallback = self.nearest.as_ref()?;
        let weights = fallback.weights.as_deref();
        let searcher = &fallback.searcher;
        let bias = bias.map(|b| b.row(index, self.prepared.sites.rows));
        self.prepared
            .nearest_allowed(searcher, query, index, weights, bias)
    }

    fn fill_empty(
        &self,
        index: usize,
        query: &[T],
        bias: Option<Bias<'_, T>>,
        means: &mut Vec<T>,
    ) -> Result<()> {
        let p = self.prepared.sites.values;
        let empty = || {
            let largest = query.iter().fold(T::ZERO, |a, x| a.max(x.abs()));
            let unit = if largest * largest < T::MAX {
                ""
            } else {
                "give the columns in a larger unit (squares of these are beyond the number type), "
            };
            let atoms = self.parameters.kernel.atoms();
            let has_width = atoms.iter().any(|a| a.metric_in_force().is_distance());
            let widen = match (has_width, bias) {
                (true, Some(_)) => "widen the bandwidth or the mask",
                (true, None) => "widen the bandwidth",
                (false, Some(_)) => "let a key in by the mask",
                (false, None) => "let it see a key",
            };
            let others = match self.parameters.on_empty {
                OnEmpty::Nearest => "nan or global",
                _ => "nan, nearest or global",
            };
            Error::empty_region(format!(
                "query {index} (counted from 0) has no key with a positive weight under {}; {unit}{widen}, or choose on_empty {others}",
                self.parameters.kernel
            ))
        };
        match (self.parameters.on_empty, &self.nearest) {
            (OnEmpty::Error, _) => return Err(empty()),
            (OnEmpty::Nearest, Some(fallback)) => {
                let key = self.nearest_to(index, query, bias).ok_or_else(empty)?;
                means.extend_from_slice(&fallback.values[key * p..][..p]);
            }
            (OnEmpty::Global, _) => means.extend(self.global.iter().map(|&m| T::from_f64(m))),
            _ => means.extend(std::iter::repeat_n(T::NAN, p)),
        }
        Ok(())
    }
}

/// The local mean of `values` `[n, p]` at `queries` `[m, d]` over `keys` `[n, d]`, on every core.
///
/// ```
/// use locality_core::{Kernel, Rows, local_mean};
/// let keys = [0.0, 1.0, 2.0];
/// let kernel: Kernel = "gaussian(h=0.5)".parse()?;
/// let out = local_mean(&kernel, Rows::column(&[1.0]), Rows::column(&keys), Rows::column(&keys))?;
/// assert!((out.means[0] - 1.0_f64).abs() < 1e-12);
/// # Ok::<(), locality_core::Error>(())
/// ```
///
/// # Errors
/// As [`LocalMean::fit`] and [`LocalMeanFit::at`].
pub fn local_mean<T: Float>(
    kernel: &Kernel,
    queries: Rows<'_, T>,
    keys: Rows<'_, T>,
    values: Rows<'_, T>,
) -> Result<LocalMeans<T>> {
    LocalMean::new(kernel.clone())
        .fit(keys, values)?
        .at(queries, &Watch::default())
}
