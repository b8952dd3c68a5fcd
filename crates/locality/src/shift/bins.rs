//! Many samples as few sites: one in each occupied cell of a grid.

use super::kernels::positive;
use super::positions::Positions;
use super::sites::check_weights;
use super::sphere::{directions, normalize};
use crate::{Error, Float, Result, Rows};

/// Samples compressed to one weighted site in each occupied cell of a grid: the weighted mean of the cell's samples, with their total
/// weight. It takes tables in parts, one after another, in memory that grows with the number of cells and not of samples; parts of any
/// sizes give the same bits as the whole.
///
/// Each sample stands at most [`displacement`](Self::displacement) from its site, which is at most the cell's diagonal `width sqrt(d)`.
/// Sums over samples are unchanged, so that for a smooth kernel of bandwidth `h` the local mean is off by the order of
/// `(displacement / h)^2` bandwidths, not of `displacement / h`.
///
/// ```
/// use locality::{Rows, shift::BinnedSites};
/// let mut bins = BinnedSites::new(1, 1.0)?;
/// bins.add(Rows::column(&[0.1, 0.3, 5.2]), None)?;
/// bins.add(Rows::column(&[0.2, 5.4]), None)?;
/// assert_eq!((bins.len(), bins.n_samples()), (2, 5));
/// assert!((bins.sites()[0] - 0.2_f64).abs() < 1e-15);
/// assert_eq!(bins.weights(), [3.0, 2.0]);
/// assert!((bins.displacement() - 0.1).abs() < 1e-12);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BinnedSites<T> {
    columns: usize,
    width: f64,
    cells: Positions<f64>,
    weight: Vec<f64>,
    /// Of each cell `[cells, d]`: the mean, and the box around its samples.
    mean: Vec<f64>,
    low: Vec<T>,
    high: Vec<T>,
    samples: usize,
    directions: bool,
}

/// What [`BinnedSites`] hold, in the order in which their cells were met.
#[derive(Clone, Debug, PartialEq)]
pub struct BinnedParts<T> {
    /// Numbers of the cells, `[b, d]`.
    pub cells: Vec<f64>,
    /// Total weights, `[b]`.
    pub weight: Vec<f64>,
    /// Means, `[b, d]`.
    pub mean: Vec<f64>,
    /// Least numbers of the samples in each cell, `[b, d]`.
    pub low: Vec<T>,
    /// Largest numbers, `[b, d]`.
    pub high: Vec<T>,
    /// Number of samples that were added.
    pub samples: usize,
}

impl<T: Float> BinnedSites<T> {
    /// No samples yet, of `columns` columns, in cells of this width.
    ///
    /// # Errors
    /// No columns; a width that is not positive and finite.
    pub fn new(columns: usize, width: f64) -> Result<Self> {
        if columns == 0 {
            return Err(Error::empty(
                "columns=0 leaves nothing to compress; give samples of at least one column",
            ));
        }
        Ok(Self {
            columns,
            width: positive("width", width)?,
            cells: Positions::new(columns, 1024),
            weight: Vec::new(),
            mean: Vec::new(),
            low: Vec::new(),
            high: Vec::new(),
            samples: 0,
            directions: false,
        })
    }

    /// Whether samples are read as directions, each divided by its length, for mean shift with the metric `Cosine`; so are sites.
    #[must_use]
    pub fn directions(mut self, directions: bool) -> Self {
        self.directions = directions;
        self
    }

    /// What it holds, to go on elsewhere.
    pub fn parts(&self) -> BinnedParts<T> {
        BinnedParts {
            cells: (0..self.len() as u32)
                .flat_map(|i| self.cells.row(i).to_vec())
                .collect(),
            weight: self.weight.clone(),
            mean: self.mean.clone(),
            low: self.low.clone(),
            high: self.high.clone(),
            samples: self.samples,
        }
    }

    /// Goes on with [parts](Self::parts) of one of the same columns, width and directions, in place of what it holds.
    ///
    /// # Errors
    /// Parts that do not fit one another; a cell that comes twice.
    pub fn resume(mut self, parts: BinnedParts<T>) -> Result<Self> {
        let (b, d) = (parts.weight.len(), self.columns);
        let tables = [parts.cells.len(), parts.mean.len()];
        let boxes = [parts.low.len(), parts.high.len()];
        self.cells = Positions::new(d, 1024.max(b));
        if tables.iter().chain(&boxes).all(|len| *len == b * d) {
            for cell in parts.cells.chunks_exact(d) {
                self.cells.number(cell);
            }
        }
        if self.cells.len() != b {
            return Err(Error::shape(
                "the parts of binned sites do not fit one another; take all of them from one",
            ));
        }
        self.weight = parts.weight;
        self.mean = parts.mean;
        self.low = parts.low;
        self.high = parts.high;
        self.samples = parts.samples;
        Ok(self)
    }

    /// Adds samples `[m, d]` with sample weights `[m]`, or without. Samples of weight 0 are counted, and left out.
    ///
    /// # Errors
    /// Another number of columns; NaN or infinite numbers; weights that are negative, not finite or not `m`; a width so small that a
    /// cell's number leaves the number type. Nothing is added then.
    pub fn add(&mut self, samples: Rows<'_, T>, weights: Option<&[T]>) -> Result<()> {
        self.check(samples, weights)?;
        let own;
        let samples = if self.directions {
            own = directions(samples, "samples")?;
            Rows::new(&own, samples.rows(), samples.columns())?
        } else {
            samples
        };
        let mut cell = vec![0.0; self.columns];
        for (i, row) in samples.iter().enumerate() {
            self.samples += 1;
            let weight = weights.map_or(1.0, |w| w[i].to_f64());
            if weight > 0.0 {
                for (c, x) in cell.iter_mut().zip(row) {
                    // Adding 0 makes the two zeros one.
                    *c = (x.to_f64() / self.width).round_ties_even() + 0.0;
                }
                let number = self.cells.number(&cell) as usize;
                self.put(number, row, weight);
            }
        }
        Ok(())
    }

    fn check(&self, samples: Rows<'_, T>, weights: Option<&[T]>) -> Result<()> {
        if samples.rows() == 0 {
            return Ok(());
        }
        samples.require_finite("samples")?;
        if samples.columns() != self.columns {
            return Err(Error::shape(format!(
                "samples has {} columns, but those before had {}; they must be the same columns",
                samples.columns(),
                self.columns
            )));
        }
        for (i, row) in samples.iter().enumerate() {
            if let Some(x) = row.iter().find(|x| !(x.to_f64() / self.width).is_finite()) {
                return Err(Error::parameter(format!(
                    "width={} is too small for {x} in row {i}; widen it or rescale the columns",
                    self.width
                )));
            }
        }
        match weights {
            Some(weights) => check_weights(weights, samples.rows()),
            None => Ok(()),
        }
    }

    fn put(&mut self, number: usize, row: &[T], weight: f64) {
        let d = self.columns;
        if number == self.weight.len() {
            self.weight.push(weight);
            self.mean.extend(row.iter().map(|x| x.to_f64()));
            self.low.extend_from_slice(row);
            self.high.extend_from_slice(row);
            return;
        }
        self.weight[number] += weight;
        let share = weight / self.weight[number];
        let cell = number * d..(number + 1) * d;
        for (m, x) in self.mean[cell.clone()].iter_mut().zip(row) {
            *m += share * (x.to_f64() - *m);
        }
        for (l, x) in self.low[cell.clone()].iter_mut().zip(row) {
            *l = l.min(*x);
        }
        for (h, x) in self.high[cell].iter_mut().zip(row) {
            *h = h.max(*x);
        }
    }

    /// Number of sites, `b`.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.weight.is_empty()
    }

    /// Number of samples that were added.
    pub fn n_samples(&self) -> usize {
        self.samples
    }

    /// Number of columns, `d`.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The sites `[b, d]`, row after row, in the order in which their cells were met.
    pub fn sites(&self) -> Vec<T> {
        let mut sites: Vec<T> = self.mean.iter().map(|x| T::from_f64(*x)).collect();
        if self.directions {
            // No cell is so wide that its mean is at the centre of the sphere, unless it holds all of it.
            for site in sites.chunks_exact_mut(self.columns) {
                normalize(site);
            }
        }
        sites
    }

    /// The total weight of each, `[b]`.
    pub fn weights(&self) -> Vec<T> {
        self.weight.iter().map(|w| T::from_f64(*w)).collect()
    }

    /// No sample is farther than this from its site, by the box around the samples of each cell.
    pub fn displacement(&self) -> f64 {
        let d = self.columns;
        let farthest = |cell: usize| {
            let at = cell * d..(cell + 1) * d;
            let boxes = self.low[at.clone()].iter().zip(&self.high[at.clone()]);
            let sides = boxes.zip(&self.mean[at]);
            let each = sides.map(|((l, h), m)| (m - l.to_f64()).max(h.to_f64() - m).powi(2));
            each.sum::<f64>()
        };
        (0..self.len()).map(farthest).fold(0.0, f64::max).sqrt()
    }
}
