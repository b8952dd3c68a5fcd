//! New samples by denoising noise step by step.

use std::fmt;
use std::str::FromStr;

use super::generated::Generated;
use super::law::Law;
use super::steps;
use super::whitened::Whitened;
use crate::names;
use crate::{Error, Metric, Nearest, Result, Rows, Watch};

/// How noise is turned into samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SamplerMethod {
    /// The probability-flow equation `dx / dsigma = (x - m(x)) / sigma`, by Heun's method (Song et al., *Score-based generative modeling through
    /// stochastic differential equations*, ICLR 2021; Karras, Aittala, Aila and Laine, *Elucidating the design space of diffusion-based
    /// generative models*, 2022, algorithm 1): chance is in the start alone.
    #[default]
    Flow,
    /// Annealed Langevin dynamics (Song and Ermon, *Generative modeling by estimating gradients of the data distribution*, 2019):
    /// some noisy steps along the score at each level of noise, and a step of the flow from one level to the next (predictor and corrector:
    /// Song et al. 2021, section 4.2), without which each level would start from the law of the one before.
    Langevin,
    /// A row by chance, and a point of the Gaussian about it: the law that the others flow to, at once and without an error of steps.
    Draw,
}

const NAMES: [(&str, SamplerMethod); 3] = [
    ("flow", SamplerMethod::Flow),
    ("langevin", SamplerMethod::Langevin),
    ("draw", SamplerMethod::Draw),
];

impl fmt::Display for SamplerMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, method)| method == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl FromStr for SamplerMethod {
    type Err = Error;

    /// `flow`, `langevin`, `draw`.
    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.trim().to_ascii_lowercase();
        let found = NAMES.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, method)| *method).ok_or_else(|| {
            let known = NAMES.iter().map(|(name, _)| *name);
            Error::parse(names::unknown("sampler", text, known))
        })
    }
}

/// The parameters of sampling from the law that a table came from, by the scores of its best denoisers at falling levels of noise.
///
/// The law is a density with a Gaussian about each row. By default that has the shape of the rows nearby
/// ([manifold](Self::manifold)), so that samples lie on the same curves and surfaces as the rows. Rows are drawn towards those nearby by as
/// much as the noise spreads them: means and covariances are the table's, and rows far off move nothing but themselves. All columns count as
/// continuous: numbers that stand for kinds come back as numbers between them. Constant columns stay as they are, and columns that follow from others
/// still do. All computing is in coordinates in which the table has unit covariance. With the exact scores of the rows themselves
/// ([smoothing](Self::smoothing) of 0) samples would be copies of rows.
///
/// ```
/// use locality::{Rows, Watch, denoise::Sampler};
/// let table: Vec<f64> = (0..50).map(|i| f64::from(i % 2) * 10.0 + f64::from(i) / 50.0).collect();
/// let out = Sampler::new().seed(3).sample(Rows::column(&table), 40, &Watch::default())?;
/// assert_eq!(out.samples().len(), 40);
/// // Around 0 and 10, and nothing between.
/// assert!(out.samples().iter().all(|x| (-2.0..3.0).contains(x) || (8.0..13.0).contains(x)));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    method: SamplerMethod,
    smoothing: Option<f64>,
    manifold: Option<usize>,
    levels: Option<usize>,
    steps: usize,
    noise: Option<(f64, f64)>,
    tolerance: f64,
    nearest: Option<usize>,
    seed: u64,
}

/// The curve of Karras et al.: levels of noise are equally spaced in this root.
const CURVE: f64 = 7.0;
/// Usual levels of noise, the first and the last.
const LEVELS: usize = 40;
const NOISE: (f64, f64) = (20.0, 0.002);
/// The last level is no more than this share of how wide most Gaussians are,
const LAST: f64 = 0.1;
/// but nothing below this, where rows are as good as the same.
const LEAST: f64 = 1e-15;
/// Coordinates nearer than this are the same, but for rounding.
const ROUNDING: f64 = 1e-12;
/// Rows that shape the noise about each; see `docs/decisions/new-rows.md`.
const MANIFOLD: usize = 15;

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampler {
    /// The probability flow over 40 levels of noise, from 20 standard deviations of the table to 0.002, over more of them to less where most rows
    /// lie closer than that; for Gaussians of the shape of the 15 rows nearest to each.
    pub fn new() -> Self {
        Self {
            method: SamplerMethod::default(),
            smoothing: None,
            manifold: Some(MANIFOLD),
            levels: None,
            steps: 10,
            noise: None,
            tolerance: 0.0,
            nearest: None,
            seed: 0,
        }
    }

    /// By this method.
    #[must_use]
    pub fn method(mut self, method: SamplerMethod) -> Self {
        self.method = method;
        self
    }

    /// How far samples are spread about the table's rows: 0 draws rows of the table, bit for bit. With [manifold](Self::manifold) in standard
    /// deviations of the rows nearby, 1 by default, where a sample lies about the place halfway from a row to the middle of those nearby, with half
    /// their covariance: `h` stands for a share of `h^2 / (1 + h^2)`. Without, in standard deviations of the table in every direction, by default by Silverman's rule
    /// `(4 / (n (d + 2)))^(1 / (d + 4))`.
    #[must_use]
    pub fn smoothing(mut self, smoothing: impl Into<Option<f64>>) -> Self {
        self.smoothing = smoothing.into();
        self
    }

    /// The noise about each row has the covariance of its so many nearest rows, by columns scaled to unit variance; 15 by default, and all
    /// there are in smaller tables. `None` takes the covariance of the whole table for all, which fills the space between curves.
    #[must_use]
    pub fn manifold(mut self, neighbors: impl Into<Option<usize>>) -> Self {
        self.manifold = neighbors.into();
        self
    }

    /// With so many levels of noise; by default 40 from 20 to 0.002, and further by the factor of the last
    /// two where noise falls below that.
    #[must_use]
    pub fn levels(mut self, levels: impl Into<Option<usize>>) -> Self {
        self.levels = levels.into();
        self
    }

    /// With so many of Langevin's steps at each level; 10 by default.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// From this level of noise to that, in standard deviations of the table in every direction; by default from 20 to 0.002, or to a tenth of
    /// how wide all but a tenth of the Gaussians are, if that is less: few rows far off make the standard deviation of the table large.
    #[must_use]
    pub fn noise(mut self, most: f64, least: f64) -> Self {
        self.noise = Some((most, least));
        self
    }

    /// What the sums of the weights may be off by; see [`OptimalDenoiser::tolerance`](super::OptimalDenoiser::tolerance).
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// With the `k` nearest Gaussians alone, and those others that weigh more than 0.01 of the largest weight together: a matter of speed, at
    /// weak noise. At strong noise nearly all count, and whoever left them out would draw from another law.
    #[must_use]
    pub fn nearest(mut self, k: impl Into<Option<usize>>) -> Self {
        self.nearest = k.into();
        self
    }

    /// Samples of another seed are others; those of one are the same on every machine, for any number of threads.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Draws `count` samples from the law of a table `[n, d]`.
    ///
    /// # Errors
    /// No rows; NaN or infinite numbers; a smoothing, number of levels, steps or level of noise out of range; an interruption.
    pub fn sample(
        &self,
        table: Rows<'_, f64>,
        count: usize,
        watch: &Watch<'_>,
    ) -> Result<Generated> {
        self.check(table, count)?;
        let (n, d) = (table.rows(), table.columns());
        let manifold = self.manifold.map(|k| k.min(n - 1));
        let white = Whitened::of(table);
        let rank = white.rank;
        let silverman = || (4.0 / (n as f64 * (rank as f64 + 2.0))).powf(1.0 / (rank as f64 + 4.0));
        let usual = || if manifold.is_some() { 1.0 } else { silverman() };
        let smoothing = self.smoothing.unwrap_or_else(usual);
        let done = |samples| Ok(Generated::new(samples, d, smoothing, manifold));
        if rank == 0 {
            // All rows are the same.
            return done(table.row(0).repeat(count));
        }
        let neighbors = manifold.filter(|_| smoothing > 0.0);
        let law = Law::new(&white, neighbors, smoothing, watch)?;
        let (x, last) = self.points(&law, count, watch)?;
        if smoothing > 0.0 {
            let mut samples = Vec::with_capacity(count * d);
            let rows = repeated(&law, &x, last.max(ROUNDING), watch)?;
            for (y, row) in x.chunks_exact(rank).zip(rows) {
                match row {
                    Some(i) => samples.extend_from_slice(table.row(i)),
                    None => white.back(y, &mut samples),
                }
            }
            return done(samples);
        }
        // Points at which the density has nothing but rows: they end there, but for the last digits.
        let near = Nearest::fit(white.coordinates()?, &Metric::Euclidean)?;
        let near = near.k_nearest(Rows::new(&x, count, rank)?, 1, &watch.quiet())?;
        done(
            near.indices
                .iter()
                .flat_map(|&i| table.row(i).to_vec())
                .collect(),
        )
    }

    /// Samples of a law, and the last level of noise.
    fn points(&self, law: &Law, count: usize, watch: &Watch<'_>) -> Result<(Vec<f64>, f64)> {
        if self.method == SamplerMethod::Draw {
            return Ok((law.draws(self.seed, count), 0.0));
        }
        let how = (self.tolerance, self.nearest);
        let levels = self.noise_levels(law.usual_width());
        let mut x = steps::start(law.rank(), levels[0], self.seed, count);
        for (i, &sigma) in levels.iter().enumerate() {
            watch.check()?;
            watch.report(i, levels.len());
            if self.method == SamplerMethod::Langevin {
                // One more, for where the points are put at the end.
                let turns = self.steps + 1;
                let turns = i * turns..(i + 1) * turns;
                steps::langevin(law, &mut x, sigma, (turns, self.seed), how, watch)?;
            }
            let next = levels.get(i + 1).copied().unwrap_or(0.0);
            steps::flow(law, &mut x, (sigma, next), how, watch)?;
        }
        watch.report(levels.len(), levels.len());
        Ok((x, levels[levels.len() - 1]))
    }

    fn check(&self, table: Rows<'_, f64>, count: usize) -> Result<()> {
        table.require_finite("the table")?;
        if table.rows() == 0 || table.columns() == 0 {
            return Err(Error::empty(format!(
                "the table is {} x {}; give at least 1 row and 1 column",
                table.rows(),
                table.columns()
            )));
        }
        let (most, least) = self.noise.unwrap_or(NOISE);
        let falls = most.is_finite() && least > 0.0 && most >= least;
        let smooth = self.smoothing.is_none_or(|s| s >= 0.0 && s.is_finite());
        let wrong = if count == 0 {
            "the number of samples is 0; ask for at least 1".to_owned()
        } else if let Some(levels) = self.levels.filter(|l| *l < 2) {
            format!("levels is {levels}; give at least 2")
        } else if self.steps == 0 {
            "steps is 0; give at least 1".to_owned()
        } else if !falls {
            format!(
                "noise goes from {most} to {least}; give two positive numbers, the larger first"
            )
        } else if !smooth {
            let smoothing = self.smoothing.unwrap_or(f64::NAN);
            format!("smoothing is {smoothing}; give a number of standard deviations, 0 or more")
        } else if self.manifold == Some(0) {
            "manifold is 0; give the number of rows nearby, at least 1, or none for all of the table"
                .to_owned()
        } else if !(self.tolerance >= 0.0 && self.tolerance < 1.0) {
            format!(
                "tolerance is {}; give a share, at least 0 and below 1",
                self.tolerance
            )
        } else if let Some(k) = self.nearest.filter(|k| *k == 0 || *k > table.rows()) {
            format!(
                "nearest is {k}; give a number of rows, from 1 to the table's {}",
                table.rows()
            )
        } else {
            return Ok(());
        };
        Err(Error::parameter(wrong))
    }

    /// Equally spaced in their roots, and below the usual last one by equal factors, for Gaussians that are mostly as wide as this.
    fn noise_levels(&self, width: Option<f64>) -> Vec<f64> {
        let usual = || {
            let last = width.map_or(NOISE.1, |w| (LAST * w).clamp(LEAST, NOISE.1));
            (NOISE.0, last)
        };
        let (most, least) = self.noise.unwrap_or_else(usual);
        let curve = |most: f64, least: f64, levels: usize| -> Vec<f64> {
            let (most, least) = (most.powf(1.0 / CURVE), least.powf(1.0 / CURVE));
            let step = (least - most) / (levels - 1) as f64;
            (0..levels)
                .map(|i| (most + i as f64 * step).powf(CURVE))
                .collect()
        };
        if let Some(levels) = self.levels {
            return curve(most, least, levels);
        }
        if least >= NOISE.1 || most <= NOISE.1 {
            return curve(most, least, LEVELS);
        }
        let mut levels = curve(most, NOISE.1, LEVELS);
        let factor = (levels[LEVELS - 1] / levels[LEVELS - 2]).ln();
        let more = ((least / NOISE.1).ln() / factor).ceil();
        let factor = (least / NOISE.1).ln() / more;
        levels.extend((1..=more as usize).map(|i| NOISE.1 * (i as f64 * factor).exp()));
        levels
    }
}

/// Which rows samples are that came out within `last` of rows with nothing around them but copies: repeated rows are drawn bit for bit.
fn repeated(law: &Law, x: &[f64], last: f64, watch: &Watch<'_>) -> Result<Vec<Option<usize>>> {
    let rank = law.rank();
    let count = x.len() / rank;
    let atoms = law.atoms();
    if atoms.is_empty() {
        return Ok(vec![None; count]);
    }
    let places: Vec<f64> = atoms.iter().flat_map(|i| law.center(*i)).copied().collect();
    let near = Nearest::fit(Rows::new(&places, atoms.len(), rank)?, &Metric::Euclidean)?;
    let near = near.k_nearest(Rows::new(x, count, rank)?, 1, &watch.quiet())?;
    let pairs = near.indices.iter().zip(&near.distances);
    Ok(pairs
        .map(|(i, d)| (*d <= last).then(|| atoms[*i]))
        .collect())
}
