//! Patterns in a few laid-out parts, so that storing and forgetting do not lay out all of them anew.

use std::collections::HashSet;

use crate::{
    Bandwidth, Float, Kernel, LocalMean, LocalMeanFit, LocalMeans, OnEmpty, Result, Rows, Summary,
    Watch,
};

/// Patterns laid out together: each row is a pattern and its value.
#[derive(Clone, Debug)]
pub(super) struct Part<T> {
    ids: Vec<usize>,
    rows: Vec<T>,
    fit: LocalMeanFit<T>,
}

/// All patterns. The sizes of parts at least halve from one to the next, so that each pattern is laid out only `log n` times.
#[derive(Clone, Debug)]
pub(super) struct Parts<T> {
    kernel: Kernel,
    tolerance: f64,
    /// Columns of a pattern, and of a value.
    pub(super) columns: usize,
    pub(super) width: usize,
    laid: Vec<Part<T>>,
}

/// Whether a pattern's weight is the same whatever else is stored.
fn is_separable(kernel: &Kernel) -> bool {
    kernel.atoms().iter().all(|atom| {
        matches!(
            atom.bandwidth_rule(),
            Bandwidth::Default | Bandwidth::Fixed(_) | Bandwidth::PerFeature(_)
        )
    })
}

/// The local mean of a memory under some kernel.
pub(super) fn local_mean(kernel: &Kernel, tolerance: f64) -> LocalMean {
    LocalMean::new(kernel.clone())
        .tolerance(tolerance)
        .on_empty(OnEmpty::Nan)
}

/// The local mean over parts, exactly that of the whole.
pub(super) fn merged<T: Float>(
    fits: &[&LocalMeanFit<T>],
    queries: Rows<'_, T>,
    columns: usize,
    watch: &Watch<'_>,
) -> Result<LocalMeans<T>> {
    if let [fit] = fits {
        return fit.at(queries, watch);
    }
    let each: Result<Vec<_>> = fits.iter().map(|f| f.at(queries, watch)).collect();
    let each = each?;
    let mut out = LocalMeans {
        means: vec![T::NAN; queries.rows() * columns],
        log_normalizer: vec![T::NEG_INFINITY; queries.rows()],
        visited: each.iter().map(|e| e.visited).sum(),
    };
    let mut mean = vec![0.0; columns];
    for i in 0..queries.rows() {
        let mut sum = Summary::empty(columns);
        for part in &each {
            let log = part.log_normalizer[i].to_f64();
            if log > f64::NEG_INFINITY {
                let own = &part.means[i * columns..][..columns];
                mean.iter_mut().zip(own).for_each(|(m, x)| *m = x.to_f64());
                sum.absorb(log, &mean);
            }
        }
        if let Some(log) = sum.finish(&mut mean) {
            let to = &mut out.means[i * columns..][..columns];
            to.iter_mut()
                .zip(&mean)
                .for_each(|(o, m)| *o = T::from_f64(*m));
            out.log_normalizer[i] = T::from_f64(log);
        }
    }
    Ok(out)
}

impl<T: Float> Parts<T> {
    /// Nothing yet, for patterns of `columns` and values of `width` columns; without a width the value is the pattern itself.
    pub(super) fn new(kernel: &Kernel, tolerance: f64, columns: usize, width: usize) -> Self {
        Self {
            kernel: kernel.clone(),
            tolerance,
            columns,
            width,
            laid: Vec::new(),
        }
    }

    /// Columns of a row.
    pub(super) fn row(&self) -> usize {
        self.columns + self.width
    }

    /// Number of patterns.
    pub(super) fn len(&self) -> usize {
        self.laid.iter().map(|p| p.ids.len()).sum()
    }

    /// All ids, in their order.
    pub(super) fn ids(&self) -> Vec<usize> {
        self.laid.iter().flat_map(|p| p.ids.clone()).collect()
    }

    /// All rows `[n, columns + width]`, in the order of ids.
    pub(super) fn rows(&self) -> Vec<T> {
        self.laid.iter().flat_map(|p| p.rows.clone()).collect()
    }

    /// All patterns, in the order of ids, without their values.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &[T]> {
        let (columns, row) = (self.columns, self.row());
        let rows = self.laid.iter().flat_map(move |p| p.rows.chunks_exact(row));
        rows.map(move |x| &x[..columns])
    }

    /// The laid-out parts.
    pub(super) fn fits(&self) -> Vec<&LocalMeanFit<T>> {
        self.laid.iter().map(|p| &p.fit).collect()
    }

    /// The ids of each part.
    pub(super) fn part_ids(&self) -> impl Iterator<Item = &[usize]> {
        self.laid.iter().map(|p| p.ids.as_slice())
    }

    fn lay_out(&self, ids: Vec<usize>, rows: Vec<T>, watch: &Watch<'_>) -> Result<Part<T>> {
        let fit = self.lay(&self.kernel, &rows, ids.len(), self.row(), watch)?;
        Ok(Part { ids, rows, fit })
    }

    /// Rows laid out under a kernel, with so many of their columns as values.
    fn lay(
        &self,
        kernel: &Kernel,
        rows: &[T],
        n: usize,
        values: usize,
        watch: &Watch<'_>,
    ) -> Result<LocalMeanFit<T>> {
        let keys = Rows::with_stride(rows, n, self.columns, self.row())?;
        let values = Rows::with_stride(rows, n, values, self.row())?;
        local_mean(kernel, self.tolerance).fit_watched(keys, values, None, watch)
    }

    /// Every part laid out anew under another kernel: with all columns as values, or with none, for log normalisers alone.
    pub(super) fn under(
        &self,
        kernel: &Kernel,
        with_values: bool,
        watch: &Watch<'_>,
    ) -> Result<Vec<LocalMeanFit<T>>> {
        let values = if with_values { self.row() } else { 0 };
        let each = self.laid.iter();
        each.map(|p| self.lay(kernel, &p.rows, p.ids.len(), values, watch))
            .collect()
    }

    /// Takes in rows, in a part of their own or with smaller parts; nothing is changed by an error.
    pub(super) fn push(
        &mut self,
        mut ids: Vec<usize>,
        mut rows: Vec<T>,
        apart: bool,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let mut kept = self.laid.len();
        let whole = !is_separable(&self.kernel);
        while kept > 0 && (whole || !apart && self.laid[kept - 1].ids.len() < 2 * ids.len()) {
            kept -= 1;
            let before = &self.laid[kept];
            ids = [before.ids.as_slice(), &ids].concat();
            rows = [before.rows.as_slice(), &rows].concat();
        }
        let part = self.lay_out(ids, rows, watch)?;
        self.laid.truncate(kept);
        self.laid.push(part);
        Ok(())
    }

    /// Drops the rows of these ids; nothing is changed by an error.
    pub(super) fn remove(&mut self, gone: &HashSet<usize>, watch: &Watch<'_>) -> Result<()> {
        let mut changed = Vec::new();
        for (at, part) in self.laid.iter().enumerate() {
            if !part.ids.iter().any(|id| gone.contains(id)) {
                continue;
            }
            let stay: Vec<usize> = (0..part.ids.len())
                .filter(|&i| !gone.contains(&part.ids[i]))
                .collect();
            if stay.is_empty() {
                changed.push((at, None));
                continue;
            }
            let ids = stay.iter().map(|&i| part.ids[i]).collect();
            let rows = stay.iter();
            let rows = rows.flat_map(|&i| &part.rows[i * self.row()..][..self.row()]);
            let part = self.lay_out(ids, rows.copied().collect(), watch)?;
            changed.push((at, Some(part)));
        }
        for (at, part) in changed.into_iter().rev() {
            match part {
                Some(part) => self.laid[at] = part,
                None => drop(self.laid.remove(at)),
            }
        }
        Ok(())
    }
}
