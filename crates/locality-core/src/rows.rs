//! Borrowed row views, so that no matrix crate is forced on anyone.

use crate::{Error, Float, Result};

/// A read-only matrix view: `rows` x `columns` numbers, row after row, `stride` numbers apart.
///
/// ```
/// use locality_core::Rows;
/// let x = Rows::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 2)?;
/// assert_eq!(x.row(1), &[3.0, 4.0]);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_field_names)]
pub struct Rows<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a, T> Rows<'a, T> {
    /// A view of `rows * columns` contiguous numbers.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) where the slice has another length.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Result<Self> {
        if rows.checked_mul(columns) != Some(data.len()) {
            return Err(Error::shape(format!(
                "{rows} rows of {columns} columns need {} numbers, but the slice has {}",
                rows.saturating_mul(columns),
                data.len()
            )));
        }
        Ok(Self {
            data,
            rows,
            columns,
            stride: columns,
        })
    }

    /// A view of rows that lie `stride >= columns` numbers apart.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) where the stride is too small or the slice too short.
    pub fn with_stride(data: &'a [T], rows: usize, columns: usize, stride: usize) -> Result<Self> {
        let need = match rows {
            0 => Some(0),
            _ => (rows - 1)
                .checked_mul(stride)
                .and_then(|n| n.checked_add(columns)),
        };
        if stride < columns || need.is_none_or(|n| n > data.len()) {
            return Err(Error::shape(format!(
                "{rows} rows of {columns} columns with stride {stride} do not fit in {} numbers; \
                 the stride must be at least the number of columns",
                data.len()
            )));
        }
        Ok(Self {
            data,
            rows,
            columns,
            stride,
        })
    }

    /// One column: a slice as an `n x 1` view.
    pub fn column(data: &'a [T]) -> Self {
        Self {
            data,
            rows: data.len(),
            columns: 1,
            stride: 1,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers from the start of one row to the start of the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`.
    ///
    /// # Panics
    /// Where `i >= self.rows()`.
    #[inline]
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.columns]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [T]> + use<'a, T> {
        let this = Self { ..*self };
        (0..this.rows).map(move |i| this.row(i))
    }

    /// The rows `from..to`.
    ///
    /// # Panics
    /// Where the range leaves the view.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.rows);
        let start = (range.start * self.stride).min(self.data.len());
        Self {
            data: &self.data[start..],
            rows: range.len(),
            columns: self.columns,
            stride: self.stride,
        }
    }
}

impl<T: Float> Rows<'_, T> {
    /// A contiguous copy, row after row.
    pub fn to_vec(&self) -> Vec<T> {
        let mut out = Vec::with_capacity(self.rows * self.columns);
        self.iter().for_each(|r| out.extend_from_slice(r));
        out
    }

    /// Requires at least one row and one column, all finite; `name` is what the caller calls the argument.
    ///
    /// # Errors
    /// [`Empty`](crate::ErrorKind::Empty) or [`NotFinite`](crate::ErrorKind::NotFinite), naming row and column.
    pub fn require_finite(&self, name: &str) -> Result<()> {
        if self.rows == 0 || self.columns == 0 {
            return Err(Error::empty(format!(
                "{name} has {} rows and {} columns; at least one of each is needed",
                self.rows, self.columns
            )));
        }
        for (i, row) in self.iter().enumerate() {
            if let Some(j) = row.iter().position(|x| !x.is_finite()) {
                return Err(Error::not_finite(format!(
                    "{name} has {} in row {i}, column {j} (counted from 0); remove or impute NaN and infinite values first",
                    row[j]
                )));
            }
        }
        Ok(())
    }
}

#[cfg(feature = "ndarray")]
impl<'a, T> TryFrom<ndarray::ArrayView2<'a, T>> for Rows<'a, T> {
    type Error = Error;

    /// Borrows an array in standard (row-major, contiguous) layout.
    fn try_from(view: ndarray::ArrayView2<'a, T>) -> Result<Self> {
        let (rows, columns) = view.dim();
        match view.to_slice() {
            Some(data) => Self::new(data, rows, columns),
            None => Err(Error::shape(
                "the array is not row-major and contiguous; pass `array.as_standard_layout()`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strided_rows_skip_the_gap() {
        let d = [1.0, 2.0, 9.0, 3.0, 4.0];
        let x = Rows::with_stride(&d, 2, 2, 3).unwrap();
        assert_eq!(x.row(1), &[3.0, 4.0]);
        assert_eq!(x.slice(1..2).row(0), &[3.0, 4.0]);
        assert!(Rows::with_stride(&d, 2, 2, 4).is_err());
        assert!(Rows::with_stride(&d, 2, 2, 1).is_err());
    }

    #[test]
    fn bad_cells_are_named() {
        let d = [1.0, 2.0, 3.0, f64::NAN];
        let e = Rows::new(&d, 2, 2)
            .unwrap()
            .require_finite("keys")
            .unwrap_err();
        assert!(e.to_string().contains("keys has NaN in row 1, column 1"));
        assert!(Rows::new(&d, usize::MAX, 2).is_err());
    }
}
