//! A kernel bound to data: columns resolved, features planned, bandwidths turned into factors, the algebra into a program.

use crate::metric::{Combine, Link};
use crate::profile::Input;
use crate::{Atom, Bandwidth, Columns, Error, Float, Kernel, Metric, Profile, Result, Rows, Watch};

/// What divides a curve's input: the bandwidth, or its square.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale<T> {
    pub(crate) inverse: T,
    pub(crate) width: T,
}

impl<T: Float> Scale<T> {
    /// The scale of a bandwidth. A distance of 0 to the k-th neighbour (duplicates) becomes the smallest bandwidth there is, which
    /// leaves the duplicates alone in the region.
    pub(crate) fn new(h: f64, input: Input) -> Self {
        let (least, most) = Self::range();
        let h = h.clamp(least, most);
        // Squared as distances are: a key at exactly one bandwidth gets exactly the width.
        let t = T::from_f64(h);
        let (width, inverse) = match input {
            Input::Squared => (t * t, 1.0 / (h * h)),
            Input::Plain => (t, 1.0 / h),
            Input::Score => (T::ONE, 1.0),
        };
        Self {
            inverse: T::from_f64(inverse),
            width,
        }
    }

    /// The scale of a bandwidth that is the distance to a neighbour, over so many features: a few roundings wider, so that the
    /// neighbour itself is never outside.
    pub(crate) fn of_neighbor(h: f64, features: usize, input: Input) -> Self {
        Self::new(h * slack::<T>(features), input)
    }

    /// The bandwidths whose squares, and the reciprocals of these, are normal numbers.
    fn range() -> (f64, f64) {
        let least = 2.0 * T::MIN_POSITIVE.to_f64().sqrt();
        (least, 0.25 / least)
    }

    /// Checks a bandwidth given by the user against [`range`](Self::range).
    fn check(name: &str, h: f64) -> Result<()> {
        let (least, most) = Self::range();
        if (least..=most).contains(&h) {
            return Ok(());
        }
        Err(Error::parameter(format!(
            "{name}: bandwidth h={h:e} is outside {least:.1e} to {most:.1e}, whose squares {} can hold; change the unit of the columns{}",
            T::NAME,
            if T::NAME == "f32" { " or use f64" } else { "" }
        )))
    }
}

/// One and the rounding that two ways to sum up a distance over so many features can differ by.
pub(crate) fn slack<T: Float>(features: usize) -> f64 {
    1.0 + (0.5 * features as f64 + 2.0) * T::EPSILON.to_f64()
}

/// An atom's scale: one, one per key (in slot order, once the sites are laid out), or one per query.
#[derive(Clone, Debug)]
pub(crate) enum Width<T> {
    Fixed(Scale<T>),
    Site { inverse: Vec<T>, width: Vec<T> },
    Query(usize),
}

/// An atom of the kernel, in terms of features.
#[derive(Clone, Debug)]
pub(crate) struct BoundAtom<T> {
    pub(crate) profile: Profile,
    pub(crate) combine: Combine,
    pub(crate) link: Link,
    /// Positions in the feature vector.
    pub(crate) features: Vec<usize>,
    /// Factor of each feature's difference: one bandwidth per feature.
    pub(crate) feature_scale: Option<Vec<T>>,
    pub(crate) width: Width<T>,
}

/// One step of the kernel's algebra, on a stack of weights.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Push an atom's weight.
    Atom(usize),
    /// Replace the two on top by their product.
    Multiply,
    /// Replace the two on top by their sum.
    Add,
    /// Multiply the top by a positive number.
    Scale(f64),
    /// Raise the top to a positive power.
    Power(f64),
}

/// A block of the feature vector.
#[derive(Clone, Debug)]
struct Block {
    metric: Metric,
    columns: Vec<usize>,
    center: Vec<f64>,
    start: usize,
    len: usize,
}

/// A kernel bound to data.
#[derive(Clone, Debug)]
pub(crate) struct Bound<T> {
    pub(crate) atoms: Vec<BoundAtom<T>>,
    pub(crate) program: Vec<Op>,
    /// Most weights on the stack at once.
    pub(crate) depth: usize,
    /// Features of a site.
    pub(crate) features: usize,
    blocks: Vec<Block>,
    /// Features are the first columns as they are.
    direct: bool,
}

/// A middle to the nearest power of two below a spread, as good a place to measure from: differences from it keep all digits of numbers that
/// have few, so that what is equally far stays so.
fn coarse(middle: f64, spread: f64) -> f64 {
    let step = spread.log2().floor().exp2();
    let rounded = (middle / step).round() * step;
    if rounded.is_finite() { rounded } else { middle }
}

/// The positions that `columns` means among `count` columns.
pub(crate) fn resolve(columns: &Columns, count: usize, what: &str) -> Result<Vec<usize>> {
    let list = match columns {
        Columns::All => return Ok((0..count).collect()),
        Columns::Indices(list) => list.clone(),
        Columns::Names(names) => {
            return Err(Error::parameter(format!(
                "{what} names the column '{}', but the keys have no column names; number it from 0 or resolve the names first",
                names[0]
            )));
        }
    };
    match list.iter().find(|&&c| c >= count) {
        Some(c) => Err(Error::parameter(format!(
            "{what} asks for column {c}, but the keys have {count} columns, counted from 0"
        ))),
        None => Ok(list),
    }
}

impl<T: Float> Bound<T> {
    /// Binds `kernel` to keys of shape `[n, d]`.
    pub(crate) fn new(kernel: &Kernel, keys: Rows<'_, T>, watch: &Watch<'_>) -> Result<Self> {
        kernel.check()?;
        let mut bound = Self {
            atoms: Vec::new(),
            program: Vec::new(),
            depth: 0,
            features: 0,
            blocks: Vec::new(),
            direct: true,
        };
        bound.compile(kernel, keys, watch)?;
        let mut height = 0_usize;
        for op in &bound.program {
            match op {
                Op::Atom(_) => height += 1,
                Op::Multiply | Op::Add => height -= 1,
                _ => {}
            }
            bound.depth = bound.depth.max(height);
        }
        Ok(bound)
    }

    /// Binds one metric on some columns: for searches, which weigh nothing.
    pub(crate) fn metric(metric: &Metric, columns: &Columns, keys: Rows<'_, T>) -> Result<Self> {
        let mut bound = Self {
            atoms: Vec::new(),
            program: vec![Op::Atom(0)],
            depth: 1,
            features: 0,
            blocks: Vec::new(),
            direct: true,
        };
        let columns = resolve(columns, keys.columns(), "the search")?;
        let features = bound.plan(metric, &columns, keys)?;
        let name = if metric.is_distance() {
            "laplace"
        } else {
            "softmax"
        };
        bound.atoms.push(BoundAtom {
            profile: Profile::from_name(name, &[])?,
            combine: metric.combine(),
            link: metric.link(!metric.is_distance()),
            features,
            feature_scale: None,
            width: Width::Fixed(Scale::new(1.0, Input::Plain)),
        });
        Ok(bound)
    }

    fn compile(&mut self, kernel: &Kernel, keys: Rows<'_, T>, watch: &Watch<'_>) -> Result<()> {
        match kernel {
            Kernel::Atom(atom) => {
                let bound = self.bind(atom, keys, watch)?;
                self.program.push(Op::Atom(self.atoms.len()));
                self.atoms.push(bound);
            }
            Kernel::Product(parts) => {
                for (i, k) in parts.iter().enumerate() {
                    self.compile(k, keys, watch)?;
                    if i > 0 {
                        self.program.push(Op::Multiply);
                    }
                }
            }
            Kernel::Sum(parts) => {
                for (i, (a, k)) in parts.iter().enumerate() {
                    self.compile(k, keys, watch)?;
                    self.program.push(Op::Scale(*a));
                    if i > 0 {
                        self.program.push(Op::Add);
                    }
                }
            }
            Kernel::Power(k, p) => {
                self.compile(k, keys, watch)?;
                self.program.push(Op::Power(*p));
            }
        }
        if self.program.is_empty() {
            return Err(Error::parameter("the kernel has no parts"));
        }
        Ok(())
    }

    fn bind(&mut self, atom: &Atom, keys: Rows<'_, T>, watch: &Watch<'_>) -> Result<BoundAtom<T>> {
        let name = atom.profile().info().name;
        let metric = atom.metric_in_force();
        let columns = resolve(&atom.columns, keys.columns(), name)?;
        let features = self.plan(&metric, &columns, keys)?;
        let input = atom.profile.input();
        let n = keys.rows();
        let too_many = |k: usize| {
            Error::parameter(format!(
                "{name}: {k} neighbours are asked for, but there are {n} keys; ask for at most {n}"
            ))
        };
        let mut feature_scale = None;
        let width = match atom.bandwidth_in_force() {
            Bandwidth::Fixed(h) => {
                Scale::<T>::check(name, h)?;
                Width::Fixed(Scale::new(h, input))
            }
            Bandwidth::PerFeature(h) => {
                if h.len() != columns.len() {
                    return Err(Error::shape(format!(
                        "{name}: {} bandwidths for {} columns; give one each, or one number",
                        h.len(),
                        columns.len()
                    )));
                }
                h.iter().try_for_each(|&h| Scale::<T>::check(name, h))?;
                feature_scale = Some(h.iter().map(|h| T::from_f64(1.0 / h)).collect());
                Width::Fixed(Scale::new(1.0, input))
            }
            Bandwidth::PerSite(h) => {
                if h.len() != n {
                    return Err(Error::shape(format!(
                        "{name}: site_h has {} bandwidths, but there are {n} keys; give one for each, or one for all with h=",
                        h.len()
                    )));
                }
                h.iter().try_for_each(|&h| Scale::<T>::check(name, h))?;
                Self::site(h.iter().map(|&h| Scale::new(h, input)))
            }
            Bandwidth::SiteNearest(k) => {
                if k + 1 > n {
                    return Err(Error::parameter(format!(
                        "{name}: site_knn={k} other keys are asked for, but each of {n} keys has {}; ask for at most that",
                        n - 1
                    )));
                }
                let found = super::search::kth_of_keys(&metric, &atom.columns, keys, k + 1, watch)?;
                let scale = |&h: &f64| Scale::of_neighbor(h, features.len(), input);
                Self::site(found.iter().map(scale))
            }
            Bandwidth::QueryNearest(k) => {
                if k > n {
                    return Err(too_many(k));
                }
                Width::Query(k)
            }
            Bandwidth::Default => Width::Fixed(Scale::new(1.0, input)),
        };
        Ok(BoundAtom {
            profile: atom.profile,
            combine: metric.combine(),
            link: metric.link(input == Input::Score),
            features,
            feature_scale,
            width,
        })
    }

    fn site(scales: impl Iterator<Item = Scale<T>>) -> Width<T> {
        let (inverse, width) = scales.map(|s| (s.inverse, s.width)).unzip();
        Width::Site { inverse, width }
    }

    /// Reserves the features of a metric on some columns; plain columns are shared between atoms. Mapped ones are not, so
    /// that each map has a gradient of its own.
    fn plan(
        &mut self,
        metric: &Metric,
        columns: &[usize],
        keys: Rows<'_, T>,
    ) -> Result<Vec<usize>> {
        metric.check_columns(columns.len())?;
        if metric.is_plain() {
            return Ok(columns.iter().map(|&c| self.plain(c)).collect());
        }
        let start = self.features;
        let len = metric.features(columns.len());
        self.features += len;
        let mut center = vec![0.0; columns.len()];
        for row in keys.iter() {
            for (m, &c) in center.iter_mut().zip(columns) {
                *m += row[c].to_f64();
            }
        }
        for (m, &c) in center.iter_mut().zip(columns) {
            *m /= keys.rows() as f64;
            let apart = |row: &[T]| (row[c].to_f64() - *m).abs();
            let farthest = keys.iter().map(apart).fold(0.0, f64::max);
            *m = coarse(*m, farthest);
        }
        self.direct = false;
        self.blocks.push(Block {
            metric: metric.clone(),
            columns: columns.to_vec(),
            center,
            start,
            len,
        });
        Ok((start..start + len).collect())
    }

    fn plain(&mut self, column: usize) -> usize {
        let shared = self.blocks.iter();
        let mut shared = shared.filter(|b| b.metric.is_plain() && b.columns == [column]);
        if let Some(b) = shared.next() {
            return b.start;
        }
        self.direct &= column == self.features;
        self.blocks.push(Block {
            metric: Metric::Euclidean,
            columns: vec![column],
            center: Vec::new(),
            start: self.features,
            len: 1,
        });
        self.features += 1;
        self.features - 1
    }

    /// Whether the features are the first columns as they are.
    pub(crate) fn is_direct(&self) -> bool {
        self.direct
    }

    /// Writes the features, `[features]`, of a site, `[columns]`.
    pub(crate) fn map(&self, row: &[T], out: &mut [T]) {
        if self.direct {
            out.copy_from_slice(&row[..self.features]);
            return;
        }
        let mut x = Vec::new();
        for b in &self.blocks {
            let out = &mut out[b.start..b.start + b.len];
            if b.metric.is_plain() {
                out[0] = row[b.columns[0]];
            } else {
                x.clear();
                x.extend(b.columns.iter().map(|&c| row[c]));
                b.metric.map(&x, &b.center, out);
            }
        }
    }

    /// Adds to derivatives by the columns of a site, `[columns]`, what derivatives by its features, `[features]`, make of them, and
    /// to those by the entries of each atom's map.
    pub(crate) fn pull(
        &self,
        row: &[T],
        features: &[f64],
        columns: &mut [f64],
        maps: &mut [Vec<f64>],
    ) {
        if self.direct {
            columns.iter_mut().zip(features).for_each(|(c, g)| *c += g);
            return;
        }
        for b in &self.blocks {
            let by = &features[b.start..b.start + b.len];
            if b.metric.is_plain() {
                columns[b.columns[0]] += by[0];
                continue;
            }
            if by.iter().all(|g| *g == 0.0) {
                continue;
            }
            let x: Vec<f64> = b.columns.iter().map(|&c| row[c].to_f64()).collect();
            for (&c, g) in b.columns.iter().zip(b.metric.pull(&x, by)) {
                columns[c] += g;
            }
            let owner = self.atoms.iter().position(|a| a.features[0] == b.start);
            if let Some(map) = owner.and_then(|a| maps.get_mut(a)) {
                for (row, g) in map.chunks_exact_mut(x.len()).zip(by) {
                    for ((entry, x), c) in row.iter_mut().zip(&x).zip(&b.center) {
                        *entry += g * (x - c);
                    }
                }
            }
        }
    }

    /// Atoms whose bandwidth is the distance to a query's k-th neighbour.
    pub(crate) fn query_widths(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let atoms = self.atoms.iter().enumerate();
        atoms.filter_map(|(i, a)| match a.width {
            Width::Query(k) => Some((i, k)),
            _ => None,
        })
    }
}
