//! Landmarks: a few samples that stand for all, and the feature map that they make (Nystrom).

use crate::linear::Values;
use crate::linear::{Factor, Matrix, eigen, on_threads};
use crate::random::Random;
use crate::{Error, Kernel, Result, Rows, Watch};

/// Rows of features that are held at once.
const BLOCK: usize = 2048;

/// How landmarks are chosen among the samples.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Landmarks {
    /// So many different samples, drawn evenly.
    Random(usize),
    /// So many, each drawn in proportion to what those before it leave unexplained (of the kernel's own feature space): k-means++ for any
    /// kernel.
    Spread(usize),
    /// These samples, counted from 0.
    Given(Vec<usize>),
}

impl Landmarks {
    /// The numbers of the landmarks.
    pub(super) fn choose(
        &self,
        kernel: &Kernel,
        samples: Rows<'_, f64>,
        seed: u64,
        watch: &Watch<'_>,
    ) -> Result<Vec<usize>> {
        let n = samples.rows();
        let count = |m: usize| {
            if m == 0 {
                return Err(Error::parameter(
                    "n_landmarks=0 leaves nothing to learn from; give at least 1",
                ));
            }
            Ok(m.min(n))
        };
        match self {
            Self::Random(m) => Ok(random(n, count(*m)?, seed)),
            Self::Spread(m) => spread(kernel, samples, count(*m)?, seed, watch),
            Self::Given(some) => {
                if let Some(bad) = some.iter().find(|&&i| i >= n) {
                    return Err(Error::parameter(format!(
                        "landmark {bad} is none of the {n} samples, which are counted from 0"
                    )));
                }
                if some.is_empty() {
                    return Err(Error::empty("landmarks is empty; name at least one sample"));
                }
                Ok(some.clone())
            }
        }
    }
}

fn random(n: usize, m: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed, 0);
    let mut all: Vec<usize> = (0..n).collect();
    for i in 0..m {
        let j = i + random.below(n - i);
        all.swap(i, j);
    }
    all.truncate(m);
    all
}

/// Draws by squared distance in feature space, `k(x, x) - 2 k(x, l) + k(l, l)`, to the nearest landmark so far.
fn spread(
    kernel: &Kernel,
    samples: Rows<'_, f64>,
    m: usize,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<Vec<usize>> {
    let n = samples.rows();
    let mut random = Random::new(seed, 0);
    let values = Values::new(kernel, samples, watch)?;
    let own = values.diagonal(samples);
    let mut left = vec![f64::INFINITY; n];
    let mut chosen = Vec::with_capacity(m);
    let mut next = random.below(n);
    loop {
        watch.check()?;
        chosen.push(next);
        if chosen.len() == m {
            return Ok(chosen);
        }
        let near = values.at(samples.slice(next..next + 1), &watch.quiet())?;
        for (i, l) in left.iter_mut().enumerate() {
            let squared = own[i] - 2.0 * near.data()[i] + own[next];
            *l = l.min(squared.max(0.0));
        }
        left[next] = 0.0;
        let total: f64 = left.iter().sum();
        let mut at = random.uniform() * total;
        let found = left.iter().position(|l| {
            at -= l;
            *l > 0.0 && at <= 0.0
        });
        // Where nothing is left unexplained, any sample that is not yet chosen will do.
        let any = (0..n).find(|i| !chosen.contains(i));
        next = found.or(any).unwrap_or(0);
    }
}

/// The rows of a table with these numbers, one after the other.
pub(super) fn gather(samples: Rows<'_, f64>, numbers: &[usize]) -> Vec<f64> {
    numbers
        .iter()
        .flat_map(|&i| samples.row(i).iter().copied())
        .collect()
}

/// Centres of an expansion: all samples or landmarks, and the Cholesky factor of their kernel matrix.
#[derive(Clone, Debug)]
pub(super) struct Centers {
    pub(super) values: Values,
    pub(super) factor: Factor,
}

impl Centers {
    pub(super) fn new(
        kernel: &Kernel,
        samples: Rows<'_, f64>,
        numbers: &[usize],
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let rows = gather(samples, numbers);
        let rows = Rows::new(&rows, numbers.len(), samples.columns())?;
        let values = Values::new(kernel, rows, watch)?;
        let name = format!("kernel {kernel}");
        let factor = Factor::new(|| values.gram(watch), &name, watch)?;
        Ok(Self { values, factor })
    }

    /// Features `L^-1 k(x)` of rows, a column for each: their inner products are the kernel among the centres.
    pub(super) fn features(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Matrix> {
        let mut k = self.values.at(rows, &watch.quiet())?;
        on_threads(watch, |par| self.factor.solve_lower(&mut k, par));
        Ok(k)
    }

    /// Calls `work` with the first row and the features of each block of rows, in order.
    pub(super) fn blocks(
        &self,
        rows: Rows<'_, f64>,
        watch: &Watch<'_>,
        mut work: impl FnMut(usize, Matrix) -> Result<()>,
    ) -> Result<()> {
        for first in (0..rows.rows()).step_by(BLOCK) {
            watch.check()?;
            let last = (first + BLOCK).min(rows.rows());
            work(first, self.features(rows.slice(first..last), watch)?)?;
            watch.report(last, rows.rows());
        }
        Ok(())
    }
}

/// A Nystrom feature map: landmarks, and features whose inner products approximate the kernel.
///
/// ```
/// use locality::dense::{Landmarks, Nystroem};
/// use locality::{Kernel, Rows, Watch};
/// let x = [0.0, 0.5, 1.0, 2.0];
/// let watch = Watch::default();
/// let map = Nystroem::new(Kernel::gaussian(1.0)).landmarks(Landmarks::Random(4)).fit(Rows::column(&x), &watch)?;
/// let z = map.transform(Rows::column(&[0.0, 1.0]), &watch)?;
/// let product: f64 = (0..4).map(|c| z[c] * z[4 + c]).sum();
/// assert!((product - (-0.5_f64).exp()).abs() < 1e-9, "with every sample a landmark the kernel is exact");
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: C. Williams, M. Seeger, *Using the Nystrom method to speed up kernel machines*, NIPS 2000.
#[derive(Clone, Debug)]
pub struct Nystroem {
    kernel: Kernel,
    landmarks: Landmarks,
    seed: u64,
}

impl Nystroem {
    /// A map for this kernel with 100 landmarks at random.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            landmarks: Landmarks::Random(100),
            seed: 0,
        }
    }

    /// How landmarks are chosen, and so how many features there are.
    #[must_use]
    pub fn landmarks(mut self, landmarks: Landmarks) -> Self {
        self.landmarks = landmarks;
        self
    }

    /// The seed of the choice.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Chooses landmarks among samples `[n, d]` and solves for the map.
    ///
    /// # Errors
    /// NaN or infinite numbers, a kernel that is not symmetric or whose numbers are out of range, no landmark, or one that is no sample.
    pub fn fit(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<NystroemFit> {
        samples.require_finite("X")?;
        let numbers = self
            .landmarks
            .choose(&self.kernel, samples, self.seed, watch)?;
        let rows = gather(samples, &numbers);
        let rows = Rows::new(&rows, numbers.len(), samples.columns())?;
        let values = Values::new(&self.kernel, rows, watch)?;
        let (found, u) = eigen(&values.gram(watch)?, watch)?;
        let largest = found.iter().fold(0.0, |a: f64, b| a.max(*b));
        // The symmetric root; directions that are nothing but rounding have no part in it.
        let mut scaled = u.clone();
        for (j, value) in found.iter().enumerate() {
            let kept = *value > 1e-12 * largest;
            let factor = if kept { value.sqrt().recip() } else { 0.0 };
            scaled.column_mut(j).iter_mut().for_each(|x| *x *= factor);
        }
        let normalization = on_threads(watch, |par| scaled.times(&u.transposed(), par));
        Ok(NystroemFit {
            values,
            numbers,
            normalization,
        })
    }
}

/// A fitted Nystrom map.
#[derive(Clone, Debug)]
pub struct NystroemFit {
    values: Values,
    numbers: Vec<usize>,
    normalization: Matrix,
}

impl NystroemFit {
    /// The samples that are landmarks, counted from 0.
    pub fn landmarks(&self) -> &[usize] {
        &self.numbers
    }

    /// Features `[m, landmarks]` of rows `[m, d]`.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers.
    pub fn transform(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        self.values.times(rows, &self.normalization, watch)
    }

    /// The inverse root of the landmarks' kernel matrix, `[landmarks, landmarks]`.
    pub fn normalization(&self) -> &[f64] {
        self.normalization.data()
    }
}
