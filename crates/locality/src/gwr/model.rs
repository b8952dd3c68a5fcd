//! Geographically weighted regression: parameters, bandwidth and fit.

use super::family::Response;
use super::place::{Local, Work, global};
use super::search::{self, Range, Search, Tried};
use super::space::{BLOCK, Distance, Fall, Space};
use super::summary::{Criterion, Summary};
use super::table::Table;
use crate::{Error, Profile, Result, Rows, Watch, par};

/// The parameters of a geographically weighted regression: at each place a (generalized) linear model is fitted to the rows around it, by
/// weights that fall with distance.
///
/// ```
/// use locality::gwr::Gwr;
/// use locality::{Rows, Watch};
/// // The slope grows from west to east.
/// let n = 100;
/// let coords: Vec<f64> = (0..n).flat_map(|i| [f64::from(i % 10), f64::from(i / 10)]).collect();
/// let x: Vec<f64> = (0..n).map(|i| f64::from(i * 37 % 11)).collect();
/// let y: Vec<f64> = (0..100).map(|i| 1.0 + 0.1 * coords[2 * i] * x[i]).collect();
/// let watch = Watch::default();
/// let fit = Gwr::new().fit(Rows::column(&x), &y, Rows::new(&coords, 100, 2)?, None, &watch)?;
/// assert!(fit.coefficients()[1] < 0.2 && fit.coefficients()[9 * 2 + 1] > 0.7);
/// let at = fit.at(Rows::column(&[10.0]), Rows::new(&[4.5, 4.5], 1, 2)?, None, &watch)?;
/// assert!((at.values[0] - 5.5).abs() < 0.5);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: A. S. Fotheringham, C. Brunsdon, M. Charlton, *Geographically Weighted Regression* (2002); T. Nakaya et al., *Geographically
/// weighted Poisson regression for disease association mapping*, Statistics in Medicine 24 (2005).
#[derive(Clone, Debug)]
pub struct Gwr {
    pub(crate) family: Response,
    pub(crate) fall: Fall,
    pub(crate) distance: Distance,
    pub(crate) bandwidth: Option<f64>,
    pub(crate) criterion: Criterion,
    pub(crate) search: Search,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) intercept: bool,
}

impl Default for Gwr {
    fn default() -> Self {
        Self::new()
    }
}

impl Gwr {
    /// A Gaussian model with an intercept under the bisquare kernel, over a number of nearest places that minimises `AICc`.
    pub fn new() -> Self {
        let profile = Profile::from_name("bisquare", &[]);
        Self {
            family: Response::Gaussian,
            fall: Fall {
                // A name of the list.
                profile: profile.unwrap_or_else(|_| unreachable!("bisquare is a profile")),
                adaptive: true,
            },
            distance: Distance::Euclidean,
            bandwidth: None,
            criterion: Criterion::Aicc,
            search: Search::Golden,
            low: None,
            high: None,
            intercept: true,
        }
    }

    /// The distribution of the response.
    #[must_use]
    pub fn family(mut self, family: Response) -> Self {
        self.family = family;
        self
    }

    /// How weights fall with the distance over the bandwidth; the bisquare by default.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.fall.profile = profile;
        self
    }

    /// Whether the bandwidth is a number of nearest places, the place itself among them (the default), or a distance. The width at a place
    /// is then 1.0000001 times the distance to the last of them.
    #[must_use]
    pub fn adaptive(mut self, adaptive: bool) -> Self {
        self.fall.adaptive = adaptive;
        self
    }

    /// How places are compared.
    #[must_use]
    pub fn distance(mut self, distance: Distance) -> Self {
        self.distance = distance;
        self
    }

    /// The bandwidth, a number of places or a distance; infinite for the global model. Searched by default.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// What a bandwidth is chosen by.
    #[must_use]
    pub fn criterion(mut self, criterion: Criterion) -> Self {
        self.criterion = criterion;
        self
    }

    /// How it is searched.
    #[must_use]
    pub fn search(mut self, search: Search) -> Self {
        self.search = search;
        self
    }

    /// The smallest and the largest bandwidth of a search. By default 40 places and two for each coefficient, and all places; or half the
    /// smallest distance between two places and twice the largest.
    #[must_use]
    pub fn range(mut self, low: impl Into<Option<f64>>, high: impl Into<Option<f64>>) -> Self {
        (self.low, self.high) = (low.into(), high.into());
        self
    }

    /// Whether there is a coefficient of the constant; there is by default.
    #[must_use]
    pub fn intercept(mut self, intercept: bool) -> Self {
        self.intercept = intercept;
        self
    }

    /// Fits a model at the place of each row: columns `[n, d]`, responses `[n]`, coordinates `[n, 2]` (any number of them for
    /// straight distances), and for counts, optionally, exposures `[n]`.
    ///
    /// # Errors
    /// Shapes that do not fit together, NaN or infinite numbers, responses outside the family, a bandwidth that is not possible, no
    /// bandwidth with a finite criterion, or an interruption.
    pub fn fit(
        &self,
        x: Rows<'_, f64>,
        y: &[f64],
        coords: Rows<'_, f64>,
        exposure: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<GwrFit> {
        let kinds = (self.family, self.intercept, true);
        let table = Table::new(x, y, exposure, kinds)?;
        let space = self.space(coords, table.len())?;
        let around = Laid {
            start: global(&table).beta,
            table,
            space,
        };
        let (bandwidth, tried) = self.choose(&around, watch)?;
        let given = Given::new(x, y, coords, exposure);
        GwrFit::new(self.clone(), around, bandwidth, tried, given, watch)
    }

    pub(super) fn space(&self, coords: Rows<'_, f64>, n: usize) -> Result<Space> {
        if coords.rows() != n {
            return Err(Error::shape(format!(
                "coords has {} rows, but X has {n}; give one for each",
                coords.rows()
            )));
        }
        Space::new(coords, self.distance, self.fall)
    }

    /// The bandwidth in force, and what was tried to find it.
    pub(super) fn choose(&self, laid: &Laid, watch: &Watch<'_>) -> Result<(f64, Tried)> {
        if let Some(bandwidth) = self.bandwidth {
            laid.space.check(bandwidth)?;
            return Ok((bandwidth, Tried::new()));
        }
        let range = self.limits(&laid.space, laid.table.q, (self.low, self.high), watch)?;
        search::best(range, self.criterion, &mut |b| {
            let lite = laid.lite(b, &watch.quiet())?;
            Ok(Summary::new(&laid.table, &lite.0, &lite.1, f64::NAN).criterion(self.criterion))
        })
    }

    /// The range of a search for a model of `q` coefficients.
    pub(super) fn limits(
        &self,
        space: &Space,
        q: usize,
        (low, high): (Option<f64>, Option<f64>),
        watch: &Watch<'_>,
    ) -> Result<Range> {
        let n = space.len() as f64;
        let usual = match (low, high) {
            (Some(low), Some(high)) => (low, high),
            _ if self.fall.adaptive => {
                let least = (40 + 2 * q) as f64;
                // Fewer rows than that: from one more than there are coefficients.
                let least = if least < n {
                    least
                } else {
                    (q as f64 + 1.0).min(n)
                };
                (low.unwrap_or(least), high.unwrap_or(n))
            }
            _ => {
                let (near, far) = space.range(&watch.quiet())?;
                if far == 0.0 {
                    return Err(Error::parameter(
                        "coords has one place alone; give at least two, or an infinite bandwidth",
                    ));
                }
                (low.unwrap_or(near / 2.0), high.unwrap_or(far * 2.0))
            }
        };
        space.check(usual.0)?;
        space.check(usual.1)?;
        if usual.0 > usual.1 || usual.1 == f64::INFINITY {
            return Err(Error::parameter(format!(
                "bandwidths from {} to {} are no range; give a smaller and a larger finite number",
                usual.0, usual.1
            )));
        }
        Ok(Range {
            low: usual.0,
            high: usual.1,
            whole: self.fall.adaptive,
            search: self.search,
        })
    }
}

/// What a model was fitted to, as it was given, and the names of its columns.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// `[n, d]`
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    /// `[n, dims]`
    pub(crate) coords: Vec<f64>,
    pub(crate) dims: usize,
    pub(crate) exposure: Option<Vec<f64>>,
    pub(crate) names: Vec<String>,
}

impl Given {
    pub(super) fn new(
        x: Rows<'_, f64>,
        y: &[f64],
        coords: Rows<'_, f64>,
        exposure: Option<&[f64]>,
    ) -> Self {
        Self {
            x: x.to_vec(),
            y: y.to_vec(),
            coords: coords.to_vec(),
            dims: coords.columns(),
            exposure: exposure.map(<[f64]>::to_vec),
            names: (0..x.columns()).map(|j| format!("x{j}")).collect(),
        }
    }

    /// Calls the columns by other names.
    pub(super) fn name(&mut self, names: &[String]) -> Result<()> {
        if names.len() != self.names.len() {
            return Err(Error::shape(format!(
                "names has {} texts, but X has {} columns; give one for each",
                names.len(),
                self.names.len()
            )));
        }
        self.names = names.to_vec();
        Ok(())
    }
}

/// A table and its places.
#[derive(Clone, Debug)]
pub(super) struct Laid {
    pub(super) table: Table,
    pub(super) space: Space,
    /// Coefficients from which families with steps start.
    pub(super) start: Vec<f64>,
}

impl Laid {
    /// Fitted values and leverages.
    pub(super) fn lite(&self, bandwidth: f64, watch: &Watch<'_>) -> Result<(Vec<f64>, Vec<f64>)> {
        let table = &self.table;
        let blocks = self.each(bandwidth, watch, |i, work| {
            let local = Local::new(table, work, &self.start, false);
            let (mean, own) = self.own(&local, work, i);
            Ok((mean, own))
        })?;
        Ok(blocks.into_iter().unzip())
    }

    /// The mean at a row's own place, and its leverage.
    pub(super) fn own(&self, local: &Local, work: &Work, i: usize) -> (f64, f64) {
        let table = &self.table;
        let row = table.kept(i);
        let mean = table.family.mean(local.eta(row) + table.offset(i));
        let weight = work.around.weight_of(i) * table.family.variance(mean);
        (mean, local.own(row, weight))
    }

    /// Calls `visit` for every place, with what is around it.
    pub(super) fn each<R: Send>(
        &self,
        bandwidth: f64,
        watch: &Watch<'_>,
        visit: impl Fn(usize, &mut Work) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let blocks = par::map_blocks(watch, self.space.len(), BLOCK, |range| {
            let mut work = Work::new(self.table.q);
            let one = |i: usize| {
                self.space
                    .around(self.space.point(i), bandwidth, &mut work.around)?;
                visit(i, &mut work)
            };
            range.map(one).collect::<Result<Vec<R>>>()
        })?;
        Ok(blocks.into_iter().flatten().collect())
    }
}

/// A model at every place; made by [`Gwr::fit`]. With `q` coefficients, that of the constant first.
#[derive(Clone, Debug)]
pub struct GwrFit {
    pub(crate) parameters: Gwr,
    pub(super) laid: Laid,
    pub(super) bandwidth: f64,
    pub(crate) given: Given,
    pub(crate) tried: Tried,
    coefficients: Vec<f64>,
    errors: Vec<f64>,
    fitted: Vec<f64>,
    leverage: Vec<f64>,
    local_r2: Vec<f64>,
    thin: Vec<bool>,
    summary: Summary,
}

impl GwrFit {
    fn new(
        parameters: Gwr,
        laid: Laid,
        bandwidth: f64,
        tried: Tried,
        given: Given,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let table = &laid.table;
        let q = table.q;
        let places = laid.each(bandwidth, watch, |i, work| {
            let local = Local::new(table, work, &laid.start, true);
            let (mean, own) = laid.own(&local, work, i);
            let variance = table.family.variance(mean);
            let squares = variance * local.variance(table.kept(i));
            let given: Vec<(f64, f64)> = (0..q).map(|j| local.given(table, j)).collect();
            Ok((mean, own, squares, given, local.thin))
        })?;
        let mut out = Self {
            coefficients: Vec::with_capacity(places.len() * q),
            errors: Vec::with_capacity(places.len() * q),
            fitted: places.iter().map(|p| p.0).collect(),
            leverage: places.iter().map(|p| p.1).collect(),
            thin: places.iter().map(|p| p.4).collect(),
            local_r2: Vec::new(),
            summary: Summary::default(),
            parameters,
            bandwidth,
            given,
            tried,
            laid,
        };
        let tr_sts = places.iter().map(|p| p.2).sum();
        out.summary = Summary::new(&out.laid.table, &out.fitted, &out.leverage, tr_sts);
        let scale = out.summary.scale;
        for (b, v) in places.iter().flat_map(|p| &p.3) {
            out.coefficients.push(*b);
            out.errors.push((v * scale).sqrt());
        }
        out.local_r2 = out.shares(watch)?;
        Ok(out)
    }

    /// Share of the deviance around each place that is explained.
    fn shares(&self, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let table = &self.laid.table;
        self.laid.each(self.bandwidth, &watch.quiet(), |_, work| {
            let around = || {
                let each = work.around.index.iter().zip(&work.around.weight);
                each.map(|(i, w)| (*i as usize, *w))
            };
            let (mut sum, mut total) = (0.0, 0.0);
            for (i, w) in around() {
                sum += w * table.y[i];
                total += w * table.offset(i).exp();
            }
            let (mut left, mut all) = (0.0, 0.0);
            for (i, w) in around() {
                let y = table.y[i];
                left += w * table.family.deviance(y, self.fitted[i]);
                all += w * table
                    .family
                    .deviance(y, sum / total * table.offset(i).exp());
            }
            Ok(1.0 - left / all)
        })
    }

    /// The same with names for the columns `[d]`, which stand in files; `x0`, `x1`, .. by default.
    ///
    /// # Errors
    /// Another number of names.
    pub fn named(mut self, names: &[String]) -> Result<Self> {
        self.given.name(names)?;
        Ok(self)
    }

    /// The names of the columns, `[d]`.
    pub fn names(&self) -> &[String] {
        &self.given.names
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &Gwr {
        &self.parameters
    }

    /// The bandwidth in force.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// Bandwidths that were tried, in order, with their criterion.
    pub fn tried(&self) -> &[(f64, f64)] {
        &self.tried
    }

    /// Coefficients at each place, `[n, q]`. A column that is a combination of those before it around a place has 0 there.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Their standard errors, `[n, q]`; NaN for columns that were left out.
    pub fn standard_errors(&self) -> &[f64] {
        &self.errors
    }

    /// Fitted means, `[n]`.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// Diagonal of the hat matrix, `[n]`.
    pub fn leverage(&self) -> &[f64] {
        &self.leverage
    }

    /// Local R2, `[n]`: the share of the (weighted) deviance around each place that the model explains.
    pub fn local_r2(&self) -> &[f64] {
        &self.local_r2
    }

    /// Places where a column was left out, or classes are told apart without end, `[n]`.
    pub fn thin(&self) -> &[bool] {
        &self.thin
    }

    /// Figures of the whole.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}
