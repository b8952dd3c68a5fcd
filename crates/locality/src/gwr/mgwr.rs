//! Multiscale geographically weighted regression: parameters and back-fitting.

use super::family::Response;
use super::hat::{self, Hat};
use super::model::{Given, Gwr, Laid};
use super::multiscale::MgwrFit;
use super::place::{Local, global};
use super::search::{self, Range, Tried};
use super::smooth::Column;
use super::summary::score;
use super::table::Table;
use crate::{Error, Result, Rows, Watch};

/// The parameters of a multiscale geographically weighted regression: every column has a bandwidth of its own.
///
/// Columns are fitted in turn, each to what the others leave (back-fitting), starting from the model of one bandwidth; in every round each
/// bandwidth is searched anew until they rest. For binomial and Poisson responses each round works on the responses of iteratively
/// reweighted least squares (local scoring). Columns on one scale (standardised) make bandwidths comparable.
///
/// ```
/// use locality::gwr::{Gwr, Mgwr};
/// use locality::{Rows, Watch};
/// // The slope grows from west to east; the constant is the same everywhere.
/// let n = 100;
/// let coords: Vec<f64> = (0..n).flat_map(|i| [f64::from(i % 10), f64::from(i / 10)]).collect();
/// let x: Vec<f64> = (0..n).map(|i| f64::from(i * 37 % 11) - 5.0).collect();
/// let y: Vec<f64> = (0..100).map(|i| 1.0 + 0.1 * coords[2 * i] * x[i]).collect();
/// let (coords, watch) = (Rows::new(&coords, 100, 2)?, Watch::default());
/// let fit = Mgwr::new(Gwr::new()).fit(Rows::column(&x), &y, coords, None, &watch)?;
/// assert!(fit.bandwidths()[0] > fit.bandwidths()[1]);
/// assert!(fit.converged());
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: A. S. Fotheringham, W. Yang, W. Kang, *Multiscale geographically weighted regression*, Annals AAG 107 (2017); H. Yu et al.,
/// *Inference in multiscale geographically weighted regression*, Geographical Analysis 52 (2020); Z. Li, A. S. Fotheringham,
/// *Computational improvements to multi-scale geographically weighted regression*, IJGIS 34 (2020); T. Hastie, R. Tibshirani,
/// *Generalized Additive Models* (1990) for local scoring.
#[derive(Clone, Debug)]
pub struct Mgwr {
    pub(crate) base: Gwr,
    pub(crate) bandwidths: Option<Vec<f64>>,
    pub(crate) tolerance: f64,
    pub(crate) rounds: usize,
    pub(crate) rest: usize,
    pub(crate) inference: bool,
    pub(crate) ranges: Option<Vec<Limits>>,
}

/// The smallest and the largest bandwidth of a search, where they are not the usual ones.
pub(crate) type Limits = (Option<f64>, Option<f64>);

impl Mgwr {
    /// With the family, kernel, distances, criterion and range of a model of one bandwidth; where that has its bandwidth given, back-fitting
    /// starts from it.
    pub fn new(base: Gwr) -> Self {
        Self {
            base,
            bandwidths: None,
            tolerance: 1e-5,
            rounds: 200,
            rest: 5,
            inference: true,
            ranges: None,
        }
    }

    /// The smallest and the largest bandwidth of each coefficient's search, that of the constant first, as [`Gwr::range`] has them for all, which
    /// the model of one bandwidth keeps.
    #[must_use]
    pub fn ranges(mut self, ranges: impl Into<Option<Vec<(Option<f64>, Option<f64>)>>>) -> Self {
        self.ranges = ranges.into();
        self
    }

    /// A bandwidth for each coefficient, that of the constant first; searched by default.
    #[must_use]
    pub fn bandwidths(mut self, bandwidths: impl Into<Option<Vec<f64>>>) -> Self {
        self.bandwidths = bandwidths.into();
        self
    }

    /// Rounds end where the fit changes by a smaller share: the root of the mean squared change over the sum of squares; 1e-5 by
    /// default.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Most rounds, 200 by default.
    #[must_use]
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Bandwidths that were the same for so many rounds are searched no more; 5 by default.
    #[must_use]
    pub fn rest(mut self, rounds: usize) -> Self {
        self.rest = rounds;
        self
    }

    /// Whether standard errors and effective numbers of parameters are found, which takes a time that grows with the square of the
    /// rows; they are by default.
    #[must_use]
    pub fn inference(mut self, inference: bool) -> Self {
        self.inference = inference;
        self
    }

    /// Fits the model; arguments as in [`Gwr::fit`].
    ///
    /// # Errors
    /// As [`Gwr::fit`]; a number of bandwidths other than that of coefficients, a tolerance that is not positive, no rounds.
    pub fn fit(
        &self,
        x: Rows<'_, f64>,
        y: &[f64],
        coords: Rows<'_, f64>,
        exposure: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<MgwrFit> {
        self.run(x, y, (coords, exposure), None, watch)
    }

    /// The fit; with a past, its rounds again without any search, at the bandwidths they had, and with what inference found.
    pub(crate) fn run(
        &self,
        x: Rows<'_, f64>,
        y: &[f64],
        (coords, exposure): (Rows<'_, f64>, Option<&[f64]>),
        past: Option<Past>,
        watch: &Watch<'_>,
    ) -> Result<MgwrFit> {
        let table = Table::new(
            x,
            y,
            exposure,
            (self.base.family, self.base.intercept, false),
        )?;
        let space = self.base.space(coords, table.len())?;
        if self.tolerance.is_nan() || self.tolerance <= 0.0 || self.rounds == 0 {
            return Err(Error::parameter(format!(
                "tolerance={} must be positive and max_iter={} at least 1",
                self.tolerance, self.rounds
            )));
        }
        if let Some(given) = &self.bandwidths {
            if given.len() != table.q {
                return Err(Error::shape(format!(
                    "bandwidths has {} numbers, but there are {} coefficients; give one for each, the constant first",
                    given.len(),
                    table.q
                )));
            }
            given.iter().try_for_each(|b| space.check(*b))?;
        }
        if let Some(given) = self.ranges.as_ref().filter(|r| r.len() != table.q) {
            return Err(Error::shape(format!(
                "bandwidth_ranges has {} pairs, but there are {} coefficients; give one for each, the constant first",
                given.len(),
                table.q
            )));
        }
        let laid = Laid {
            start: global(&table).beta,
            table,
            space,
        };
        let rounds = past.as_ref().map_or(self.rounds, |p| p.history.len());
        if let Some(past) = &past {
            past.check(&laid)?;
        }
        let (first, _) = self.base.choose(&laid, watch)?;
        let mut state = State::new(self, &laid, first, past.as_ref(), watch)?;
        let mut converged = false;
        while state.history.len() < rounds && !converged {
            watch.check()?;
            converged = state.round(watch)? < self.tolerance;
            watch.report(state.history.len(), rounds);
        }
        let history = std::mem::take(&mut state.history);
        let hat = if let Some(past) = &past {
            Hat {
                traces: past.traces.clone(),
                own: past.leverage.clone(),
                variances: vec![f64::NAN; past.errors.len()],
            }
        } else if self.inference {
            hat::trace(&laid, first, &history, &state.weight, None, watch)?
        } else {
            Hat::unknown(laid.table.len(), laid.table.q)
        };
        let State {
            parts,
            betas,
            targets,
            weight,
            scores,
            bandwidths,
            tried,
            ..
        } = state;
        let solved = Solved {
            parts,
            betas,
            targets,
            weight,
            bandwidths,
            tried,
        };
        let rounds = (history, scores, converged);
        let given = Given::new(x, y, coords, exposure);
        let mut fit = MgwrFit::new(self.clone(), laid, first, solved, rounds, hat, given);
        if let Some(past) = past {
            fit.errors = past.errors;
        }
        Ok(fit)
    }
}

/// What is known of a model that was fitted before.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// Bandwidths of each round, `[rounds][q]`.
    pub(crate) history: Vec<Vec<f64>>,
    /// Standard errors, `[n, q]`.
    pub(crate) errors: Vec<f64>,
    /// Diagonal of the hat matrix, `[n]`.
    pub(crate) leverage: Vec<f64>,
    /// Effective numbers of parameters, `[q]`.
    pub(crate) traces: Vec<f64>,
}

impl Past {
    fn check(&self, laid: &Laid) -> Result<()> {
        let (n, q) = (laid.table.len(), laid.table.q);
        let fits = self.errors.len() == n * q
            && self.leverage.len() == n
            && self.traces.len() == q
            && !self.history.is_empty()
            && self.history.iter().all(|round| round.len() == q);
        if !fits {
            return Err(Error::shape(format!(
                "what was found before does not fit {n} rows and {q} coefficients; fit the model anew"
            )));
        }
        let mut all = self.history.iter().flatten();
        all.try_for_each(|b| laid.space.check(*b))
    }
}

/// Where back-fitting stands.
struct State<'a> {
    parameters: &'a Mgwr,
    laid: &'a Laid,
    past: Option<&'a Past>,
    columns: Vec<Vec<f64>>,
    /// What each column adds to the linear predictor, `[q][n]`.
    parts: Vec<Vec<f64>>,
    betas: Vec<Vec<f64>>,
    /// What each column was last fitted to.
    targets: Vec<Vec<f64>>,
    weight: Vec<f64>,
    left: Vec<f64>,
    bandwidths: Vec<f64>,
    same: usize,
    /// Where the bandwidth of each column is searched, if they are.
    ranges: Option<Vec<Range>>,
    /// The last search of each column.
    tried: Vec<Tried>,
    history: Vec<Vec<f64>>,
    scores: Vec<f64>,
}

/// What remains of it.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) parts: Vec<Vec<f64>>,
    pub(super) betas: Vec<Vec<f64>>,
    pub(super) targets: Vec<Vec<f64>>,
    pub(super) weight: Vec<f64>,
    pub(super) bandwidths: Vec<f64>,
    pub(super) tried: Vec<Tried>,
}

impl<'a> State<'a> {
    fn new(
        parameters: &'a Mgwr,
        laid: &'a Laid,
        first: f64,
        past: Option<&'a Past>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let table = &laid.table;
        let (n, q) = (table.len(), table.q);
        let base = &parameters.base;
        let usual = (base.low, base.high);
        let limits = |j: usize| {
            let own = parameters.ranges.as_ref().map_or(usual, |r| r[j]);
            let both = (own.0.or(usual.0), own.1.or(usual.1));
            base.limits(&laid.space, 1, both, watch)
        };
        let ranges = match (past, &parameters.bandwidths) {
            (None, None) if parameters.ranges.is_none() => Some(vec![limits(0)?; q]),
            (None, None) => Some((0..q).map(limits).collect::<Result<Vec<_>>>()?),
            _ => None,
        };
        let betas = laid.each(first, &watch.quiet(), |_, work| {
            Ok(Local::new(table, work, &laid.start, false).beta)
        })?;
        let column = |j: usize| (0..n).map(|i| table.kept(i)[j]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..q).map(column).collect();
        let part = |j: usize| {
            betas
                .iter()
                .zip(&columns[j])
                .map(|(b, x)| b[j] * x)
                .collect()
        };
        let parts: Vec<Vec<f64>> = (0..q).map(part).collect();
        let mut out = Self {
            parameters,
            laid,
            past,
            betas: vec![vec![0.0; n]; q],
            targets: vec![vec![0.0; n]; q],
            weight: vec![1.0; n],
            left: vec![0.0; n],
            bandwidths: parameters
                .bandwidths
                .clone()
                .unwrap_or_else(|| vec![first; q]),
            same: 0,
            ranges,
            tried: vec![Tried::new(); q],
            history: Vec::new(),
            scores: Vec::new(),
            columns,
            parts,
        };
        out.leave();
        Ok(out)
    }

    /// What is left to explain: of the responses, or of the working responses under their weights.
    fn leave(&mut self) {
        let table = &self.laid.table;
        for i in 0..table.len() {
            let eta: f64 = self.parts.iter().map(|p| p[i]).sum();
            let mean = table.family.mean(eta + table.offset(i));
            let weight = table.family.variance(mean).max(1e-10);
            self.weight[i] = weight;
            self.left[i] = (table.y[i] - mean) / weight;
        }
    }

    /// One round over all columns; the share by which the fit has changed.
    fn round(&mut self, watch: &Watch<'_>) -> Result<f64> {
        let watch = watch.quiet();
        let (n, q) = (self.left.len(), self.parts.len());
        if self.laid.table.family != Response::Gaussian {
            self.leave();
        }
        let mut change = 0.0;
        for j in 0..q {
            let target: Vec<f64> = self.parts[j]
                .iter()
                .zip(&self.left)
                .map(|(p, l)| p + l)
                .collect();
            let column = Column {
                x: &self.columns[j],
                target: &target,
                weight: &self.weight,
            };
            if let Some(past) = self.past {
                self.bandwidths[j] = past.history[self.history.len()][j];
            } else if let Some(ranges) = &self.ranges
                && self.same < self.parameters.rest
            {
                (self.bandwidths[j], self.tried[j]) = self.search(ranges[j], column, &watch)?;
            }
            let found = column.smooth(&self.laid.space, self.bandwidths[j], &watch)?;
            for (i, (beta, _)) in found.iter().enumerate() {
                let part = beta.value * self.columns[j][i];
                change += (part - self.parts[j][i]).powi(2);
                self.betas[j][i] = beta.value;
                self.parts[j][i] = part;
                self.left[i] = target[i] - part;
            }
            self.targets[j] = target;
        }
        let resting = self
            .history
            .last()
            .is_some_and(|last| *last == self.bandwidths);
        self.same = if resting { self.same + 1 } else { 0 };
        self.history.push(self.bandwidths.clone());
        let all = (0..n).map(|i| self.parts.iter().map(|p| p[i]).sum::<f64>().powi(2));
        let score = (change / n as f64 / all.sum::<f64>()).sqrt();
        self.scores.push(score);
        Ok(score)
    }

    fn search(&self, range: Range, column: Column<'_>, watch: &Watch<'_>) -> Result<(f64, Tried)> {
        let criterion = self.parameters.base.criterion;
        let family = self.laid.table.family;
        let space = &self.laid.space;
        search::best(range, criterion, &mut |b| {
            let found = column.smooth(space, b, watch)?;
            let (mut rss, mut own, mut alone) = (0.0, 0.0, 0.0);
            for (i, (beta, share)) in found.iter().enumerate() {
                let r = column.target[i] - beta.value * column.x[i];
                rss += column.weight[i] * r * r;
                own += share;
                alone += column.weight[i] * (r / (1.0 - share)).powi(2);
            }
            Ok(score(
                (criterion, family),
                found.len() as f64,
                rss,
                own,
                alone,
            ))
        })
    }
}
