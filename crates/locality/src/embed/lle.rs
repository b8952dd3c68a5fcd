//! Local linear embedding: fit and transform.

use std::collections::HashSet;

use super::classes::closed_classes;
use super::graph::Leading;
use super::joint::{Pieces, joint};
use super::near;
use super::parameters::{LocallyLinearEmbedding, Method, Solver};
use super::patches::{Patch, assemble, pieces};
use super::shares::{kernel_shares, mixture_shares};
use super::tangent;
use super::weights::{Reconstruction, reconstruction_weights};
use crate::linear::{Bottom, Matrix, Search, Sparse, orthonormal, point};
use crate::{Metric, Nearest, Result, Rows, Watch, par};

/// Samples whose weights are one piece of work.
const BLOCK: usize = 64;

/// A fitted local linear embedding.
#[derive(Clone, Debug)]
pub struct LocallyLinearEmbeddingFit {
    model: LocallyLinearEmbedding,
    samples: Vec<f64>,
    columns: usize,
    search: Nearest<f64>,
    embedding: Vec<f64>,
    error: f64,
    pieces: Vec<usize>,
    count: usize,
    /// Sizes of the groups that mix among themselves only, for the standard method.
    closed: Vec<usize>,
}

impl LocallyLinearEmbedding {
    /// Embeds samples `[n, d]`.
    ///
    /// Where the neighbours' graph falls into pieces, each is embedded by itself, in coordinates around 0 whose variances are those of the
    /// whole, unless [`pieces`](Self::pieces) says otherwise; [`LocallyLinearEmbeddingFit::warning`] says so. A sample that is in nobody's neighbourhood, which the modified, Hessian and
    /// tangent-space methods may leave, is placed by the mixture of its neighbours that reconstructs it. Each coordinate's entry of the largest magnitude is positive.
    ///
    /// # Errors
    /// Parameters out of their range for these samples, numbers that are not finite, eigenvectors that do not converge, an interruption.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<LocallyLinearEmbeddingFit> {
        self.check(samples)?;
        let n = samples.rows();
        watch.report(0, 3);
        let quiet = &watch.quiet();
        let (search, neighbors) = near::others(samples, self.neighbors, quiet)?;
        watch.report(1, 3);
        let mut closed = Vec::new();
        let patches = match self.method {
            Method::Standard => {
                let own = self.kernel.as_ref().map(|kernel| {
                    // A sample is the first of its own nearest.
                    let region = self.neighbors + 1;
                    kernel_shares(kernel, region, samples, samples, &neighbors, quiet)
                });
                let own = own.transpose()?;
                closed = closed_classes(self.neighbors, &neighbors, own.as_deref());
                self.standard(samples, &neighbors, own.as_deref(), quiet)?
            }
            Method::Modified => tangent::modified(self, samples, &neighbors, quiet)?,
            Method::Hessian => tangent::hessian(self, samples, &neighbors, quiet)?,
            Method::Ltsa => tangent::ltsa(self, samples, &neighbors, quiet)?,
        };
        let groups = patches.iter().map(|p| p.indices.as_slice());
        let (labels, count) = pieces(n, groups);
        let matrix = assemble(n, &patches, quiet)?;
        drop(patches);
        watch.report(2, 3);
        let form = Form {
            matrix: &matrix,
            labels: &labels,
            count,
        };
        let (embedding, error) = if count > 1 && self.pieces == Pieces::Apart {
            form.embed_apart(self, quiet)?
        } else {
            form.embed(self, quiet)?
        };
        let mut fit = LocallyLinearEmbeddingFit {
            model: self.clone(),
            samples: samples.to_vec(),
            columns: samples.columns(),
            search,
            embedding,
            error,
            pieces: labels,
            count,
            closed,
        };
        fit.settle(quiet)?;
        watch.report(3, 3);
        Ok(fit)
    }

    fn standard(
        &self,
        samples: Rows<'_, f64>,
        neighbors: &[usize],
        own: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Vec<Patch>> {
        let k = self.neighbors;
        let blocks = par::map_blocks(watch, samples.rows(), BLOCK, |range| {
            let mut work = Reconstruction::new(k, samples.columns());
            let one = |i: usize| {
                let near = &neighbors[i * k..][..k];
                let own = own.map(|own| &own[i * k..][..k]);
                let weights = work.weights(samples.row(i), samples, near, own, self.reg);
                let mut patch = Patch {
                    indices: vec![i as u32],
                    identity: 0,
                    factor: vec![1.0],
                    signs: vec![1.0],
                };
                // A neighbour that takes no part connects nothing.
                let parts = near.iter().zip(weights).enumerate();
                for (at, (&j, w)) in parts {
                    if own.is_none_or(|own| own[at] > 0.0) {
                        patch.indices.push(j as u32);
                        patch.factor.push(-w);
                    }
                }
                patch
            };
            Ok(range.map(one).collect::<Vec<_>>())
        })?;
        Ok(blocks.into_iter().flatten().collect())
    }
}

/// The quadratic form of all samples, and the pieces it falls into.
struct Form<'a> {
    matrix: &'a Sparse,
    labels: &'a [usize],
    count: usize,
}

impl Form<'_> {
    /// Coordinates `[n, c]`, and the form's value there.
    fn embed(&self, model: &LocallyLinearEmbedding, watch: &Watch<'_>) -> Result<(Vec<f64>, f64)> {
        let (n, c) = (self.matrix.rows(), model.components);
        let mut out = vec![0.0; n * c];
        let mut error = 0.0;
        for members in &self.members() {
            let mut found = self.bottom(members, model, watch)?;
            let share = members.len() as f64 / n as f64;
            error += share * found.values.iter().sum::<f64>();
            place(&mut found.vectors, members, share.sqrt(), c, &mut out);
        }
        Ok((out, error))
    }

    /// The same by the eigenvectors of the whole: contrasts of the pieces, then those of single pieces. Samples that are in no patch with
    /// another are no pieces: they are placed later.
    fn embed_apart(
        &self,
        model: &LocallyLinearEmbedding,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, f64)> {
        let (n, c) = (self.matrix.rows(), model.components);
        let mut members = self.members();
        if model.method != Method::Standard && members.iter().any(|m| m.len() > 1) {
            members.retain(|m| m.len() > 1);
        }
        let mut labels = Vec::new();
        let mut rows = Vec::new();
        let mut found = Leading {
            vectors: Vec::new(),
            gaps: vec![1.0; members.len() * c],
        };
        for (piece, members) in members.iter().enumerate() {
            let own = self.bottom(members, model, watch)?;
            for (gap, value) in found.gaps[piece * c..].iter_mut().zip(&own.values) {
                *gap = *value;
            }
            for (at, &i) in members.iter().enumerate() {
                rows.push(i);
                labels.push(piece);
                let coordinate = |j: usize| own.vectors.column(j)[at];
                let columns = own.vectors.columns();
                let row = (0..c).map(|j| if j < columns { coordinate(j) } else { 0.0 });
                found.vectors.extend(row);
            }
        }
        let all = joint(&found, &vec![1.0; rows.len()], &labels, c);
        // Of length 1 among all samples.
        let scale = (rows.len() as f64).sqrt().recip();
        let mut out = vec![0.0; n * c];
        for (&i, row) in rows.iter().zip(all.vectors.chunks_exact(c)) {
            for (to, x) in out[i * c..][..c].iter_mut().zip(row) {
                *to = scale * x;
            }
        }
        point_pieces(&mut out, c, &vec![0; n], 1);
        Ok((out, all.gaps.iter().sum()))
    }

    /// The samples of each piece.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.count];
        for (i, &label) in self.labels.iter().enumerate() {
            members[label].push(i);
        }
        members
    }

    /// The bottom eigenvectors of one piece.
    fn bottom(
        &self,
        members: &[usize],
        model: &LocallyLinearEmbedding,
        watch: &Watch<'_>,
    ) -> Result<Bottom> {
        let part;
        let matrix = if self.count == 1 {
            self.matrix
        } else {
            part = self.matrix.part(members);
            &part
        };
        let size = members.len();
        let known = vec![(size as f64).sqrt().recip(); size];
        let search = Search {
            known: &known,
            count: model.components,
            tolerance: model.tol.max(1e-14),
            dense: model.solver == Solver::Dense,
        };
        matrix.bottom(search, watch)
    }
}

/// Writes vectors of some samples to the rows of coordinates.
fn place(vectors: &mut Matrix, members: &[usize], scale: f64, c: usize, out: &mut [f64]) {
    for j in 0..vectors.columns() {
        point(vectors.column_mut(j));
        for (&i, x) in members.iter().zip(vectors.column(j)) {
            out[i * c + j] = scale * x;
        }
    }
}

/// Turns each piece's coordinates `[n, c]` so that their largest entries are positive.
pub(super) fn point_pieces(embedding: &mut [f64], c: usize, labels: &[usize], count: usize) {
    let mut members = vec![Vec::new(); count];
    for (i, &label) in labels.iter().enumerate() {
        members[label].push(i);
    }
    for members in &members {
        for j in 0..c {
            let mut column: Vec<f64> = members.iter().map(|i| embedding[i * c + j]).collect();
            point(&mut column);
            for (i, x) in members.iter().zip(column) {
                embedding[i * c + j] = x;
            }
        }
    }
}

impl LocallyLinearEmbeddingFit {
    /// Places samples that are in nobody's neighbourhood, of which the form says nothing, by their neighbours' coordinates, and counts them
    /// to the piece of the nearest of these.
    fn settle(&mut self, watch: &Watch<'_>) -> Result<()> {
        let mut sizes = vec![0_usize; self.count];
        for &l in &self.pieces {
            sizes[l] += 1;
        }
        let alone = |i: &usize| sizes[self.pieces[*i]] == 1;
        let (lone, placed): (Vec<usize>, Vec<usize>) = (0..self.pieces.len()).partition(alone);
        // The neighbours of the standard method are tied to it.
        if lone.is_empty() || placed.is_empty() || self.model.method == Method::Standard {
            return Ok(());
        }
        let table = |which: &[usize]| -> Vec<f64> {
            let rows = which.iter().flat_map(|&i| {
                let row = i * self.columns..(i + 1) * self.columns;
                self.samples[row].iter().copied()
            });
            rows.collect()
        };
        let (keys, queries) = (table(&placed), table(&lone));
        let keys = Rows::new(&keys, placed.len(), self.columns)?;
        let queries = Rows::new(&queries, lone.len(), self.columns)?;
        let k = self.model.neighbors.min(placed.len());
        let search = Nearest::fit(keys, &Metric::Euclidean)?;
        let near = search.k_nearest(queries, k, watch)?.indices;
        let near: Vec<usize> = near.into_iter().map(|j| placed[j]).collect();
        let found = self.mixed(queries, &near, k, watch)?;
        let c = self.model.components;
        for ((&i, near), y) in lone
            .iter()
            .zip(near.chunks_exact(k))
            .zip(found.chunks_exact(c))
        {
            self.embedding[i * c..][..c].copy_from_slice(y);
            self.pieces[i] = self.pieces[near[0]];
        }
        // Numbered by their first samples, as before.
        let mut numbers = vec![usize::MAX; self.count];
        let mut count = 0;
        for label in &mut self.pieces {
            if numbers[*label] == usize::MAX {
                numbers[*label] = count;
                count += 1;
            }
            *label = numbers[*label];
        }
        self.count = count;
        if self.model.pieces == Pieces::Apart {
            let all: Vec<usize> = (0..self.pieces.len()).collect();
            self.renew(&all);
            point_pieces(&mut self.embedding, c, &vec![0; all.len()], 1);
            return Ok(());
        }
        let grown: HashSet<usize> = lone.iter().map(|&i| self.pieces[i]).collect();
        for piece in grown {
            let members = 0..self.pieces.len();
            let members: Vec<usize> = members.filter(|&i| self.pieces[i] == piece).collect();
            self.renew(&members);
        }
        point_pieces(&mut self.embedding, c, &self.pieces, count);
        Ok(())
    }

    /// Coordinates of samples among which some were placed, around 0 again, orthogonal, and of the whole's variances.
    fn renew(&mut self, members: &[usize]) {
        let (n, c) = (self.pieces.len(), self.model.components);
        let k = members.len();
        if k <= c {
            return;
        }
        let mut columns = Vec::with_capacity(c * k);
        for j in 0..c {
            let own = members.iter().map(|i| self.embedding[i * c + j]);
            let mean = own.clone().sum::<f64>() / k as f64;
            columns.extend(own.map(|x| x - mean));
        }
        orthonormal(&mut columns, k);
        let scale = (k as f64 / n as f64).sqrt();
        for (j, column) in columns.chunks_exact(k).enumerate() {
            for (i, x) in members.iter().zip(column) {
                self.embedding[i * c + j] = scale * x;
            }
        }
    }

    /// The mixture of the neighbours' coordinates that reconstructs each row, of those that may [take part](mixture_shares).
    fn mixed(
        &self,
        queries: Rows<'_, f64>,
        near: &[usize],
        k: usize,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let c = self.model.components;
        let samples = Rows::new(&self.samples, self.pieces.len(), self.columns)?;
        let kernel = self.model.kernel.as_ref();
        let own = (self.count > 1 || kernel.is_some())
            .then(|| mixture_shares(kernel, samples, &self.pieces, queries, near, watch))
            .transpose()?;
        let reg = self.model.reg;
        let weights = reconstruction_weights(queries, samples, near, own.as_deref(), reg, watch)?;
        let mut out = vec![0.0; queries.rows() * c];
        let rows = near.chunks_exact(k).zip(weights.chunks_exact(k));
        for (to, (near, weights)) in out.chunks_exact_mut(c).zip(rows) {
            for (&j, w) in near.iter().zip(weights) {
                let from = &self.embedding[j * c..][..c];
                to.iter_mut().zip(from).for_each(|(t, f)| *t += w * f);
            }
        }
        Ok(out)
    }

    /// The parameters.
    pub fn parameters(&self) -> &LocallyLinearEmbedding {
        &self.model
    }

    /// Coordinates of the samples, `[n, n_components]`; columns are orthogonal, of length 1 and mean 0, in the order of their eigenvalues.
    ///
    /// # Panics
    /// Never: the numbers were made as such rows.
    pub fn embedding(&self) -> Rows<'_, f64> {
        let c = self.model.components;
        Rows::new(&self.embedding, self.embedding.len() / c, c).expect("made of such rows")
    }

    /// The sum of the coordinates' eigenvalues: how badly neighbourhoods fit.
    pub fn reconstruction_error(&self) -> f64 {
        self.error
    }

    /// The connected piece of the neighbours' graph that each sample is in, numbered by their first samples.
    pub fn pieces(&self) -> &[usize] {
        &self.pieces
    }

    /// Number of pieces.
    pub fn n_pieces(&self) -> usize {
        self.count
    }

    /// A sentence where the neighbours' graph is not connected, or leaves coordinates open all the same.
    pub fn warning(&self) -> Option<String> {
        let ties = super::Ties::Nearest(self.model.neighbors);
        let pieces = super::disconnected(&self.pieces, self.count, ties, self.model.pieces);
        let closed = self.open_coordinates();
        let both: Vec<String> = pieces.into_iter().chain(closed).collect();
        (!both.is_empty()).then(|| both.join(". "))
    }

    /// Number of groups of samples whose neighbours are all in the group, for the standard method; 0 for others. Where there are more of
    /// them than [pieces](Self::n_pieces), nothing says where groups of one piece lie to one another, and the first coordinates are any
    /// mixtures of those that are constant on each group.
    pub fn closed_groups(&self) -> usize {
        self.closed.len()
    }

    /// A sentence where groups of one piece mix among themselves only.
    fn open_coordinates(&self) -> Option<String> {
        let extra = self.closed.len().saturating_sub(self.count);
        if extra == 0 {
            return None;
        }
        let (k, count) = (self.model.neighbors, self.closed.len());
        let first = if extra.min(self.model.components) == 1 {
            "the first coordinate is".to_owned()
        } else {
            format!(
                "the first {} coordinates are",
                extra.min(self.model.components)
            )
        };
        Some(format!(
            "{} have all their {k} neighbours among themselves, while others lead to several of them, so that {first} one of many that fit \
             equally well. Raise n_neighbors, so that fewer groups are closed",
            super::sizes("groups", count, &self.closed)
        ))
    }

    /// Coordinates of new places `[m, d]`: the mixture of their nearest samples' coordinates that reconstructs them, `[m, n_components]`.
    /// Neighbours take part by their kernel values at the place, where there is a kernel, the nearest alone where all are 0. Where the graph
    /// has pieces, samples of the piece of the one that counts most are mixed.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn transform(&self, queries: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let k = self.model.neighbors;
        let near = self.search.k_nearest(queries, k, watch)?.indices;
        self.mixed(queries, &near, k, watch)
    }
}
