//! Weights between samples, as a sparse matrix.

use crate::linear::Sparse;
use crate::{Error, Result, Rows};

/// How much each two of `n` samples weigh for one another: a square matrix of numbers of at least 0, row after row, of which only some
/// entries are there (compressed sparse rows). [`LaplacianEigenmaps`](super::LaplacianEigenmaps) takes one in place of samples, and tells its own.
///
/// ```
/// use locality::embed::Affinity;
/// // A chain of three.
/// let chain = Affinity::new(vec![0, 1, 3, 4], vec![1, 0, 2, 1], vec![1.0, 1.0, 0.5, 0.5])?;
/// assert_eq!((chain.len(), chain.row(1)), (3, (&[0, 2][..], &[1.0, 0.5][..])));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Affinity {
    starts: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
}

impl Affinity {
    /// From where each row starts, `[n + 1]`, and the columns, which rise in each row, and values of all entries.
    ///
    /// # Errors
    /// Starts that do not rise from 0 to the number of entries, columns that do not rise or are no sample's, as many values as
    /// columns being needed; values that are negative or not finite.
    pub fn new(starts: Vec<usize>, columns: Vec<usize>, values: Vec<f64>) -> Result<Self> {
        let n = starts.len().saturating_sub(1);
        let whole = starts.first() == Some(&0) && starts.last() == Some(&columns.len());
        if n == 0
            || !whole
            || columns.len() != values.len()
            || starts.windows(2).any(|w| w[0] > w[1])
        {
            return Err(Error::shape(format!(
                "the affinity has {} starts of rows, {} columns and {} values; starts rise from 0 to the number of entries, one more of \
                 them than rows, and each entry has a column and a value",
                starts.len(),
                columns.len(),
                values.len()
            )));
        }
        for (i, ends) in starts.windows(2).enumerate() {
            let row = &columns[ends[0]..ends[1]];
            if row.windows(2).any(|w| w[0] >= w[1]) || row.last().is_some_and(|&j| j >= n) {
                return Err(Error::shape(format!(
                    "row {i} of the affinity (counted from 0) has columns that do not rise or are not below {n}, the number of rows; sort \
                     them, and sum what is there twice"
                )));
            }
            for (j, w) in row.iter().zip(&values[ends[0]..ends[1]]) {
                check(i, *j, *w)?;
            }
        }
        Ok(Self {
            starts,
            columns,
            values,
        })
    }

    /// From a full matrix `[n, n]`; zeros are left out.
    ///
    /// # Errors
    /// A matrix that is not square, values that are negative or not finite.
    pub fn full(rows: Rows<'_, f64>) -> Result<Self> {
        let (n, m) = (rows.rows(), rows.columns());
        if n != m {
            return Err(Error::shape(format!(
                "the affinity has {n} rows of {m} columns; it must have one of each for every sample"
            )));
        }
        let mut out = Self {
            starts: vec![0],
            columns: Vec::new(),
            values: Vec::new(),
        };
        for (i, row) in rows.iter().enumerate() {
            for (j, &w) in row.iter().enumerate() {
                check(i, j, w)?;
                if w > 0.0 {
                    out.columns.push(j);
                    out.values.push(w);
                }
            }
            out.starts.push(out.columns.len());
        }
        Ok(out)
    }

    pub(super) fn of(weights: &Sparse) -> Self {
        let (starts, columns, values) = weights.parts();
        Self {
            starts: starts.to_vec(),
            columns: columns.to_vec(),
            values: values.to_vec(),
        }
    }

    /// The mean of both ways, with every entry of the diagonal.
    pub(super) fn symmetric(&self) -> Sparse {
        let row = |i: usize| {
            let (columns, values) = self.row(i);
            let (mut columns, mut values) = (columns.to_vec(), values.to_vec());
            if let Err(at) = columns.binary_search(&i) {
                columns.insert(at, i);
                values.insert(at, 0.0);
            }
            (columns, values)
        };
        Sparse::averaged(&(0..self.len()).map(row).collect::<Vec<_>>())
    }

    /// Number of samples, `n`.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no sample; there always is one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where each row starts among the entries, `[n + 1]`.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The column of each entry.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The value of each entry.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Columns and values of a row.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, i: usize) -> (&[usize], &[f64]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }
}

fn check(i: usize, j: usize, w: f64) -> Result<()> {
    if w.is_finite() && w >= 0.0 {
        return Ok(());
    }
    let what = format!(
        "the affinity is {w} at row {i}, column {j} (counted from 0); weights are finite numbers of at least 0"
    );
    Err(if w.is_finite() {
        Error::parameter(what)
    } else {
        Error::not_finite(what)
    })
}
