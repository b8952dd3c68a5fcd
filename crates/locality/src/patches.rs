//! Patches: what lies around each place of a grid, as rows that any kernel compares.
//!
//! ```
//! use locality::{Kernel, LocalMean, Rows, Watch, patches::Patches};
//! // A picture of 2 x 6 pixels, by patches of 3 x 3: nine columns, and two for where they are.
//! let picture = [1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 1.0, 1.2, 1.0, 9.0, 9.0, 8.7];
//! let grid = Patches::new(&[2, 6], 1, 3)?;
//! let keys = grid.rows_with_positions(&picture)?;
//! let keys = Rows::new(&keys, grid.places(), grid.columns() + 2)?;
//! // Non-local means: alike patches, and not far.
//! let kernel: Kernel = "gaussian(h=2, cols=[0, 1, 2, 3, 4, 5, 6, 7, 8]) * uniform(h=3, metric=chebyshev, cols=[9, 10])".parse()?;
//! let out = LocalMean::new(kernel).fit(keys, Rows::column(&picture))?.at(keys, &Watch::default())?;
//! assert!((out.means[7] - 1.04_f64).abs() < 0.02);
//! # Ok::<(), locality::Error>(())
//! ```

use crate::{Error, Float, Result};

/// How a grid (a series, a picture, a volume) with channels is cut into patches about each place. Beyond the border the grid goes on as its
/// mirror image, the border's places once: `(c b | a b c | b a)`, as in [`NonLocalMeans`](crate::image::NonLocalMeans).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patches {
    shape: Vec<usize>,
    channels: usize,
    size: usize,
}

impl Patches {
    /// For grids of a shape with so many numbers at each place, and patches of `size` places in every direction.
    ///
    /// # Errors
    /// A shape or number of channels that has a zero or is empty; a size that is even; more numbers than fit into memory.
    pub fn new(shape: &[usize], channels: usize, size: usize) -> Result<Self> {
        if shape.is_empty() || channels == 0 || shape.contains(&0) {
            return Err(Error::empty(format!(
                "the grid is {shape:?} with {channels} channels; give at least 1 of each"
            )));
        }
        if size.is_multiple_of(2) {
            return Err(Error::parameter(format!(
                "size is {size}; give an odd number, so that a patch has a middle"
            )));
        }
        let out = Self {
            shape: shape.to_vec(),
            channels,
            size,
        };
        let places = shape.iter().try_fold(1_usize, |a, n| a.checked_mul(*n));
        let columns = shape.iter().try_fold(channels, |a, _| a.checked_mul(size));
        let all = places.and_then(|p| p.checked_mul(columns?.checked_add(shape.len())?));
        match all.filter(|n| *n <= isize::MAX.unsigned_abs() / 8) {
            Some(_) => Ok(out),
            None => Err(Error::parameter(format!(
                "patches of size {size} about every place of a grid of {shape:?} are more numbers than fit into memory; give a smaller size"
            ))),
        }
    }

    /// The grid's shape, without channels.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Numbers at each place.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Places of a patch in each direction.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Number of places, which is that of patches.
    pub fn places(&self) -> usize {
        self.shape.iter().product()
    }

    /// Numbers of a patch.
    pub fn columns(&self) -> usize {
        self.shape.iter().map(|_| self.size).product::<usize>() * self.channels
    }

    /// The patch about each place of a grid `[.., channels]`, the last direction and the channels running fastest, in places as in patches:
    /// `[places, columns]`.
    ///
    /// # Errors
    /// Another number of values than the grid has.
    pub fn rows<T: Float>(&self, values: &[T]) -> Result<Vec<T>> {
        self.laid_out(values, false)
    }

    /// The same with the place itself after each patch, counted from 0 in every direction: `[places, columns + directions]`.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn rows_with_positions<T: Float>(&self, values: &[T]) -> Result<Vec<T>> {
        self.laid_out(values, true)
    }

    fn laid_out<T: Float>(&self, values: &[T], positions: bool) -> Result<Vec<T>> {
        let all = self.places() * self.channels;
        if values.len() != all {
            return Err(Error::shape(format!(
                "there are {} values, but a grid of {:?} with {} channels has {all}",
                values.len(),
                self.shape,
                self.channels
            )));
        }
        let extra = if positions { self.shape.len() } else { 0 };
        let mut out = Vec::with_capacity(self.places() * (self.columns() + extra));
        self.each(|place, members| {
            for &m in members {
                out.extend_from_slice(&values[m * self.channels..][..self.channels]);
            }
            if positions {
                out.extend(place.iter().map(|x| T::from_f64(*x as f64)));
            }
        });
        Ok(out)
    }

    /// The way back: each value is the mean of all that patches `[places, columns]` say about it.
    ///
    /// # Errors
    /// Another number of values than the patches have.
    pub fn average<T: Float>(&self, rows: &[T]) -> Result<Vec<T>> {
        let (c, columns) = (self.channels, self.columns());
        if rows.len() != self.places() * columns {
            return Err(Error::shape(format!(
                "the patches have {} numbers, but there are {} of {columns} about the places of {:?}",
                rows.len(),
                self.places(),
                self.shape
            )));
        }
        let mut sums = vec![0.0; self.places() * c];
        let mut counts = vec![0.0; self.places()];
        let mut patches = rows.chunks_exact(columns);
        self.each(|_, members| {
            let patch = patches.next().unwrap_or_default().chunks_exact(c);
            for (&m, said) in members.iter().zip(patch) {
                counts[m] += 1.0;
                for (s, x) in sums[m * c..].iter_mut().zip(said) {
                    *s += x.to_f64();
                }
            }
        });
        let means = sums.chunks_exact(c).zip(&counts);
        let means = means.flat_map(|(s, n)| s.iter().map(move |s| T::from_f64(s / n)));
        Ok(means.collect())
    }

    /// Calls `with` for each place, with the places that its patch consists of.
    fn each(&self, mut with: impl FnMut(&[usize], &[usize])) {
        let radius = (self.size / 2).cast_signed();
        let mut place = vec![0_usize; self.shape.len()];
        let mut members: Vec<usize> = Vec::new();
        for _ in 0..self.places() {
            members.clear();
            members.push(0);
            for (&at, &length) in place.iter().zip(&self.shape) {
                let along = (-radius..=radius).map(|q| reflected(at.cast_signed() + q, length));
                let along: Vec<usize> = along.collect();
                members = members
                    .iter()
                    .flat_map(|m| along.iter().map(move |a| m * length + a))
                    .collect();
            }
            with(&place, &members);
            for (at, length) in place.iter_mut().zip(&self.shape).rev() {
                *at += 1;
                if *at < *length {
                    break;
                }
                *at = 0;
            }
        }
    }
}

/// A place outside `0..size` reflected into it about the border's places.
pub(crate) fn reflected(at: isize, size: usize) -> usize {
    if size == 1 {
        return 0;
    }
    let period = 2 * (size.cast_signed() - 1);
    let at = at.rem_euclid(period);
    at.min(period - at).cast_unsigned()
}
