//! An autoencoder that was fitted.

use locality_core::{Error, Kernel, LocalMean, Result, Rows, Watch};

use super::{Autoencoder, Corruption, Levels};
use crate::columns::Columns;
use crate::fit::History;
use crate::pass::padded;
use crate::random::Stream;
use crate::{Layer, Layout, Number, Pass, Sets};

/// A fitted autoencoder; see [`Autoencoder`].
#[derive(Clone, Debug, PartialEq)]
pub struct AutoencoderModel<T> {
    pub(super) config: Autoencoder,
    pub(super) columns: Columns,
    pub(super) layout: Layout,
    pub(super) levels: Levels,
    pub(super) parameters: Vec<T>,
    pub(super) histories: Vec<History>,
}

/// How far a denoiser is from the best there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// Its mean squared error, by number, in units of the columns' variances.
    pub model: f64,
    /// That of the posterior mean, which is the Gaussian local mean of the clean rows.
    pub optimum: f64,
}

impl Excess {
    /// What the denoiser loses.
    pub fn excess(self) -> f64 {
        self.model - self.optimum
    }
}

impl<T: Number> AutoencoderModel<T> {
    /// From its numbers: means and deviations of the columns `[d]` and the parameters in the order of the layout, such as
    /// [`parameters`](Self::parameters) returned.
    ///
    /// # Errors
    /// Sizes out of range or that do not fit one another, numbers that are not finite.
    pub fn from_numbers(
        config: &Autoencoder,
        means: &[f64],
        deviations: &[f64],
        parameters: Vec<T>,
    ) -> Result<Self> {
        let columns = Columns::from_numbers(means, deviations)?;
        let (layout, levels) = config.network(means.len())?;
        layout.check(&parameters)?;
        if parameters.iter().any(|x| !x.is_finite()) {
            return Err(Error::not_finite(
                "parameters have NaN or infinite numbers; the model is damaged",
            ));
        }
        Ok(Self {
            config: config.clone(),
            columns,
            layout,
            levels,
            parameters,
            histories: Vec::new(),
        })
    }

    /// How it was made.
    pub fn config(&self) -> &Autoencoder {
        &self.config
    }

    /// Losses of each stage of training: of each level by itself, then of all together.
    pub fn histories(&self) -> &[History] {
        &self.histories
    }

    /// Where the parameters lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The parameters.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// Means and deviations of the columns.
    pub fn units(&self) -> (&[f64], &[f64]) {
        (&self.columns.means, &self.columns.deviations)
    }

    /// Codes `[m, k]` of rows `[m, d]`, those of all levels side by side.
    ///
    /// # Errors
    /// Another number of columns than was learned from; NaN or infinite numbers.
    pub fn encode(&self, rows: Rows<'_, f64>) -> Result<Vec<f64>> {
        let Some((input, sets)) = self.input("rows", rows)? else {
            return Ok(Vec::new());
        };
        let mut codes = self
            .levels
            .encode(&self.parameters, &input, &Pass::new(&sets))?;
        codes.truncate(rows.rows() * self.levels.width::<T>(self.levels.count()));
        Ok(codes.iter().map(|c| c.to_f64()).collect())
    }

    /// Rows `[m, d]` from codes `[m, k]`, by the first `levels` levels or all; codes may have as many numbers as these take, or all.
    ///
    /// # Errors
    /// Codes of another width, more levels than there are; NaN or infinite numbers.
    pub fn decode(&self, codes: Rows<'_, f64>, levels: Option<usize>) -> Result<Vec<f64>> {
        let all = self.levels.count();
        let count = levels.unwrap_or(all);
        if count == 0 || count > all {
            return Err(Error::parameter(format!(
                "levels={count} must be from 1 to {all}, which the model has"
            )));
        }
        let (own, most) = (self.levels.width::<T>(count), self.levels.width::<T>(all));
        if codes.columns() != own && codes.columns() != most {
            return Err(Error::shape(format!(
                "codes have {} columns, but {count} levels take {own}",
                codes.columns()
            )));
        }
        if codes.rows() == 0 {
            return Ok(Vec::new());
        }
        let numbers = codes.iter().flat_map(|row| row[..own].iter());
        let mut input: Vec<T> = numbers.map(|c| T::from_f64(*c)).collect();
        if let Some(i) = input.iter().position(|c| !c.is_finite()) {
            return Err(Error::not_finite(format!(
                "codes: row {} (counted from 0) has NaN or infinite numbers; leave it out",
                i / own
            )));
        }
        let sets = padded(&mut input, own)?;
        let net = self.levels.first(count);
        let mut out = net.decode(&self.parameters, &input, &Pass::new(&sets))?;
        out.truncate(codes.rows() * self.columns.len());
        Ok(self.columns.unscale(&out))
    }

    /// What comes out for rows `[m, d]`: a denoiser, whose distance from its input over the squared noise is the score of the smoothed density
    /// (Alain and Bengio 2014).
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn reconstruct(&self, rows: Rows<'_, f64>) -> Result<Vec<f64>> {
        let Some((input, sets)) = self.input("rows", rows)? else {
            return Ok(Vec::new());
        };
        let (mut out, _) = self
            .levels
            .forward(&self.parameters, &input, &Pass::new(&sets))?;
        out.truncate(rows.rows() * self.columns.len());
        Ok(self.columns.unscale(&out))
    }

    /// The mean squared error of the reconstruction, by number, in units of the columns' variances: 1 is what the means alone reach.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); no rows.
    pub fn error(&self, rows: Rows<'_, f64>) -> Result<f64> {
        let Some((input, sets)) = self.input("rows", rows)? else {
            return Err(Error::empty("rows: there are none; give at least one"));
        };
        let (out, _) = self
            .levels
            .forward(&self.parameters, &input, &Pass::new(&sets))?;
        let size = rows.rows() * self.columns.len();
        Ok(off(&out[..size], &input[..size]))
    }

    /// How far it is, as a denoiser of rows `[n, d]` under the noise it was trained with, from the best there is: the posterior mean given
    /// that clean rows are these, which is their Gaussian local mean of the noise's bandwidth (Miyasawa 1961; Song 2026). `draws` noisy copies of each row.
    /// Of the rows it was trained on the excess is not negative but for the chance of the draws.
    ///
    /// # Errors
    /// Another corruption than the Gaussian, no draws, and as [`encode`](Self::encode); an interruption.
    pub fn excess_risk(
        &self,
        rows: Rows<'_, f64>,
        draws: usize,
        seed: u64,
        watch: &Watch<'_>,
    ) -> Result<Excess> {
        let Corruption::Gaussian(sigma) = self.config.corruption else {
            return Err(Error::unsupported(format!(
                "the best denoiser of a sample is a Gaussian local mean under Gaussian corruption; that of this model is '{}'",
                self.config.corruption.name()
            )));
        };
        if draws == 0 {
            return Err(Error::parameter("draws=0 must be at least 1"));
        }
        let clean: Vec<f64> = self.columns.scale("rows", rows)?;
        let (n, d) = (rows.rows(), self.columns.len());
        if n == 0 {
            return Err(Error::empty("rows: there are none; give at least one"));
        }
        let table = Rows::new(&clean, n, d)?;
        let best = LocalMean::new(Kernel::gaussian(sigma)).fit(table, table)?;
        let mut sums = [0.0; 2];
        for draw in 0..draws {
            watch.check()?;
            watch.report(draw, draws);
            let mut noisy = clean.clone();
            let stream = Stream::new(seed, 8).fork(draw as u64);
            self.config.corruption.apply(&mut noisy, &[], stream);
            let mut input: Vec<T> = noisy.iter().map(|x| T::from_f64(*x)).collect();
            let sets = padded(&mut input, d)?;
            let (out, _) = self
                .levels
                .forward(&self.parameters, &input, &Pass::new(&sets))?;
            let out: Vec<f64> = out[..n * d].iter().map(|x| x.to_f64()).collect();
            sums[0] += off(&out, &clean);
            let means = best.at(Rows::new(&noisy, n, d)?, &watch.quiet())?.means;
            sums[1] += off(&means, &clean);
        }
        Ok(Excess {
            model: sums[0] / draws as f64,
            optimum: sums[1] / draws as f64,
        })
    }

    /// Rows in the network's units, as one set of whole tiles; none for no rows.
    fn input(&self, name: &str, rows: Rows<'_, f64>) -> Result<Option<(Vec<T>, Sets)>> {
        let mut input = self.columns.scale(name, rows)?;
        if rows.rows() == 0 {
            return Ok(None);
        }
        let sets = padded(&mut input, self.columns.len())?;
        Ok(Some((input, sets)))
    }
}

/// The mean squared difference.
fn off<T: Number>(a: &[T], b: &[T]) -> f64 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2));
    squares.sum::<f64>() / a.len() as f64
}
