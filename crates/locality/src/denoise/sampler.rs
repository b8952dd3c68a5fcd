//! New samples by denoising noise step by step.

use std::fmt;
use std::str::FromStr;

use super::generated::{Generated, Scale};
use super::optimal::OptimalDenoiser;
use crate::names;
use crate::random::Random;
use crate::{Error, Result, Rows, Watch};

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
    /// some noisy steps along the score at each level of noise.
    Langevin,
}

const NAMES: [(&str, SamplerMethod); 2] = [
    ("flow", SamplerMethod::Flow),
    ("langevin", SamplerMethod::Langevin),
];

impl fmt::Display for SamplerMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, method)| method == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl FromStr for SamplerMethod {
    type Err = Error;

    /// `flow`, `langevin`.
    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.trim().to_ascii_lowercase();
        let found = NAMES.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, method)| *method).ok_or_else(|| {
            let known = NAMES.iter().map(|(name, _)| *name);
            Error::parse(names::unknown("sampler", text, known))
        })
    }
}

/// The parameters of sampling from the law that a table came from, by the scores of its [best denoisers](OptimalDenoiser) at falling levels
/// of noise.
///
/// Columns are scaled to unit variance for it and back. Exact scores of the table itself lead back to its rows; with
/// [smoothing](Self::smoothing) samples are those of its kernel density instead.
///
/// ```
/// use locality::{Rows, Watch, denoise::Sampler};
/// let table: Vec<f64> = (0..50).map(|i| f64::from(i % 2) * 10.0 + f64::from(i) / 50.0).collect();
/// let out = Sampler::new().seed(3).sample(Rows::column(&table), 40, &Watch::default())?;
/// assert_eq!(out.samples().len(), 40);
/// // Around 0 and 10, as far out as the smoothing goes.
/// assert!(out.samples().iter().all(|x| (-15.0..26.0).contains(x)));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    method: SamplerMethod,
    smoothing: Option<f64>,
    levels: usize,
    steps: usize,
    noise: (f64, f64),
    tolerance: f64,
    nearest: Option<usize>,
    seed: u64,
}

/// The curve of Karras et al.: levels of noise are equally spaced in this root.
const CURVE: f64 = 7.0;
/// Langevin's step, in squared levels of noise.
const STEP: f64 = 0.2;

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampler {
    /// The probability flow over 40 levels of noise, from 20 standard deviations of the columns to 0.002; smoothing by Silverman's rule.
    pub fn new() -> Self {
        Self {
            method: SamplerMethod::default(),
            smoothing: None,
            levels: 40,
            steps: 10,
            noise: (20.0, 0.002),
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

    /// How far samples are spread about the table's rows: the bandwidth of the kernel density that is drawn from, in standard deviations of
    /// the columns. 0 draws rows of the table. Without it, Silverman's rule `(4 / (n (d + 2)))^(1 / (d + 4))`.
    #[must_use]
    pub fn smoothing(mut self, smoothing: impl Into<Option<f64>>) -> Self {
        self.smoothing = smoothing.into();
        self
    }

    /// With so many levels of noise.
    #[must_use]
    pub fn levels(mut self, levels: usize) -> Self {
        self.levels = levels;
        self
    }

    /// With so many of Langevin's steps at each level; 10 by default.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// From this level of noise to that, in standard deviations of the columns.
    #[must_use]
    pub fn noise(mut self, most: f64, least: f64) -> Self {
        self.noise = (most, least);
        self
    }

    /// See [`OptimalDenoiser::tolerance`].
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// See [`OptimalDenoiser::nearest`].
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
        let scale = Scale::of(table);
        let rows: Vec<f64> = table.iter().flat_map(|row| scale.apart(row)).collect();
        let rows = Rows::new(&rows, n, d)?;
        let silverman = (4.0 / (n as f64 * (d as f64 + 2.0))).powf(1.0 / (d as f64 + 4.0));
        let smoothing = self.smoothing.unwrap_or(silverman);
        let mut x = self.start(count, d);
        let levels = self.noise_levels();
        for (i, &sigma) in levels.iter().enumerate() {
            watch.check()?;
            watch.report(i, levels.len());
            let next = levels.get(i + 1).copied().unwrap_or(0.0);
            match self.method {
                SamplerMethod::Flow => self.flow(rows, &mut x, (sigma, next), smoothing, watch)?,
                SamplerMethod::Langevin => {
                    self.langevin(rows, &mut x, (i, sigma, next), smoothing, watch)?;
                }
            }
        }
        watch.report(levels.len(), levels.len());
        let mut samples = Vec::with_capacity(x.len());
        for row in x.chunks_exact(d) {
            samples.extend(scale.back(row));
        }
        Ok(Generated::new(samples, d, smoothing))
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
        let (most, least) = self.noise;
        let falls = most.is_finite() && least > 0.0 && most >= least;
        let smooth = self.smoothing.is_none_or(|s| s >= 0.0 && s.is_finite());
        let wrong = if count == 0 {
            "the number of samples is 0; ask for at least 1".to_owned()
        } else if self.levels < 2 {
            format!("levels is {}; give at least 2", self.levels)
        } else if self.steps == 0 {
            "steps is 0; give at least 1".to_owned()
        } else if !falls {
            format!(
                "noise goes from {most} to {least}; give two positive numbers, the larger first"
            )
        } else if !smooth {
            let smoothing = self.smoothing.unwrap_or(f64::NAN);
            format!("smoothing is {smoothing}; give a number of standard deviations, 0 or more")
        } else {
            return Ok(());
        };
        Err(Error::parameter(wrong))
    }

    fn noise_levels(&self) -> Vec<f64> {
        let (most, least) = (
            self.noise.0.powf(1.0 / CURVE),
            self.noise.1.powf(1.0 / CURVE),
        );
        let last = (self.levels - 1) as f64;
        let at = |i: usize| (most + i as f64 / last * (least - most)).powf(CURVE);
        (0..self.levels).map(at).collect()
    }

    /// Noise of the first level about the origin, where the scaled table has its centre, with the table's own variance.
    fn start(&self, count: usize, d: usize) -> Vec<f64> {
        let deviation = self.noise.0.hypot(1.0);
        let mut x = vec![0.0; count * d];
        for (i, row) in x.chunks_exact_mut(d).enumerate() {
            let mut random = Random::new(self.seed, i as u64);
            row.fill_with(|| deviation * random.normal());
        }
        x
    }

    /// The clean values at a level of noise.
    fn denoised(
        &self,
        table: Rows<'_, f64>,
        x: &[f64],
        (sigma, smoothing): (f64, f64),
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let d = table.columns();
        let denoiser = OptimalDenoiser::new(sigma)
            .smoothing(smoothing)
            .tolerance(self.tolerance)
            .nearest(self.nearest);
        let fit = denoiser.fit(table, &watch.quiet())?;
        fit.denoise(Rows::new(x, x.len() / d, d)?, &watch.quiet())
    }

    /// One step of Heun's method; to no noise at all, of Euler's.
    fn flow(
        &self,
        table: Rows<'_, f64>,
        x: &mut [f64],
        (sigma, next): (f64, f64),
        smoothing: f64,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let clean = self.denoised(table, x, (sigma, smoothing), watch)?;
        let slope = |x: &[f64], clean: &[f64], sigma: f64| -> Vec<f64> {
            x.iter().zip(clean).map(|(x, c)| (x - c) / sigma).collect()
        };
        let first = slope(x, &clean, sigma);
        let step = next - sigma;
        let euler: Vec<f64> = x.iter().zip(&first).map(|(x, s)| x + step * s).collect();
        if next == 0.0 {
            x.copy_from_slice(&euler);
            return Ok(());
        }
        let clean = self.denoised(table, &euler, (next, smoothing), watch)?;
        let second = slope(&euler, &clean, next);
        for ((x, a), b) in x.iter_mut().zip(&first).zip(&second) {
            *x += step * f64::midpoint(*a, *b);
        }
        Ok(())
    }

    /// Langevin's steps at a level of noise; after the last, the clean values.
    fn langevin(
        &self,
        table: Rows<'_, f64>,
        x: &mut [f64],
        (level, sigma, next): (usize, f64, f64),
        smoothing: f64,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let d = table.columns();
        let denoiser = OptimalDenoiser::new(sigma)
            .smoothing(smoothing)
            .tolerance(self.tolerance)
            .nearest(self.nearest);
        let fit = denoiser.fit(table, &watch.quiet())?;
        let variance = sigma * sigma + smoothing * smoothing;
        let step = STEP * variance;
        for round in 0..self.steps {
            watch.check()?;
            let score = fit.score(Rows::new(x, x.len() / d, d)?, &watch.quiet())?;
            let rows = x.chunks_exact_mut(d).zip(score.chunks_exact(d));
            for (i, (row, score)) in rows.enumerate() {
                // A stream for each sample, level and round, apart from those of the start.
                let turn = (1 + level * self.steps + round) as u64;
                let mut random = Random::new(self.seed ^ (turn << 32), i as u64);
                for (x, s) in row.iter_mut().zip(score) {
                    *x += 0.5 * step * s + step.sqrt() * random.normal();
                }
            }
        }
        if next == 0.0 {
            let clean = fit.denoise(Rows::new(x, x.len() / d, d)?, &watch.quiet())?;
            x.copy_from_slice(&clean);
        }
        Ok(())
    }
}
