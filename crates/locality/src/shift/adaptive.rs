//! Bandwidths that differ from sample to sample, and what weight then makes the shift a gradient.

use super::sites::log_density;
use crate::widths::abramson;
use crate::{Atom, Bandwidth, Columns, Error, Float, Kernel, Metric, Nearest, Result, Rows, Watch};

/// How bandwidths vary.
///
/// Where every sample has a bandwidth `h_i` of its own, the density is `sum_i c_i h_i^-d g(|x - x_i|^2 / h_i^2)`, and its gradient shifts
/// a point to the mean of the samples under the weights `c_i h_i^-(d+2) k(|x - x_i|^2 / h_i^2)` (Comaniciu, Ramesh and Meer 2001, *The
/// variable bandwidth mean shift and data-driven scale selection*, ICCV, equations 7 to 9). Wide samples weigh less, so that tails do
/// not pull a mode away. A kernel of one profile with `site_h` or `site_knn` is weighed so, too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Adaptive {
    /// One bandwidth for all.
    #[default]
    Never,
    /// Per sample, by a pilot density `f` at the common bandwidth `h`: `h_i = h (f(x_i) / g)^-a` with the geometric mean `g` of the pilot
    /// densities and this sensitivity `a`, from 0 to 1; 0.5 is Abramson's (1982), and that of Comaniciu, Ramesh and Meer.
    Pilot(f64),
    /// Per sample: the distance to its `k`-th nearest other sample (Breiman, Meisel and Purcell 1977). The bandwidth remains the unit
    /// of everything else.
    SampleNearest(usize),
    /// Per point that moves: the distance to its `k`-th nearest sample (balloon). No one density is climbed, so that ways may go
    /// in circles until `max_iter` ends them.
    PointNearest(usize),
}

/// What moves points: a kernel, its weights, and the weights of the density that it climbs.
pub(super) struct Motion<T> {
    pub(super) kernel: Kernel,
    /// Of the steps; none for 1 each.
    pub(super) weights: Option<Vec<T>>,
    /// Of the density.
    pub(super) density: Option<Vec<T>>,
}

impl<T: Float> Motion<T> {
    /// Of samples that count as they are given.
    pub(super) fn plain(kernel: Kernel, weights: Option<&[T]>) -> Self {
        Self {
            kernel,
            weights: weights.map(<[T]>::to_vec),
            density: weights.map(<[T]>::to_vec),
        }
    }
}

impl Adaptive {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Pilot(a) if !(0.0..=1.0).contains(&a) => Err(Error::parameter(format!(
                "adaptive={a} must be between 0 (one bandwidth for all) and 1; 0.5 is Abramson's"
            ))),
            Self::SampleNearest(0) | Self::PointNearest(0) => Err(Error::parameter(
                "adaptive asks for the distance to the neighbour number 0; the nearest is number 1",
            )),
            _ => Ok(()),
        }
    }

    /// The kernel and weights in force; `sphere` where columns are one more than dimensions.
    pub(super) fn motion<T: Float>(
        self,
        kernel: Kernel,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        sphere: bool,
        watch: &Watch<'_>,
    ) -> Result<Motion<T>> {
        let plain = |kernel| Motion::plain(kernel, weights);
        let Kernel::Atom(atom) = &kernel else {
            return match self {
                Self::Never => Ok(plain(kernel)),
                _ => Err(one_profile(&kernel)),
            };
        };
        let widths = match (self, atom.bandwidth_rule()) {
            (Self::Never, Bandwidth::PerSite(h)) if h.len() == samples.rows() => h.to_vec(),
            (Self::Never, Bandwidth::SiteNearest(k)) => of_neighbors(samples, *k, watch)?,
            (Self::Never, _) => return Ok(plain(kernel)),
            (Self::PointNearest(k), Bandwidth::Fixed(_)) => {
                let own = atom.clone().bandwidth(Bandwidth::QueryNearest(k));
                return Ok(plain(Kernel::Atom(own)));
            }
            (Self::SampleNearest(k), Bandwidth::Fixed(_)) => of_neighbors(samples, k, watch)?,
            (Self::Pilot(a), Bandwidth::Fixed(h)) => {
                let pilot = log_density(&kernel, samples, weights, 0.0, &watch.quiet())?;
                let own: Option<Vec<f64>> = weights.map(|w| w.iter().map(|x| x.to_f64()).collect());
                let factors = abramson(&pilot, a, own.as_deref());
                factors.iter().map(|f| h * f).collect()
            }
            _ => return Err(one_profile(&kernel)),
        };
        let dimensions = dimensions(atom, samples.columns()) - usize::from(sphere);
        let weigh = |power: usize| Some(weighed(&widths, weights, power));
        Ok(Motion {
            weights: weigh(dimensions + 2),
            density: weigh(dimensions),
            kernel: Kernel::Atom(atom.clone().bandwidth(Bandwidth::PerSite(widths.into()))),
        })
    }
}

fn one_profile(kernel: &Kernel) -> Error {
    Error::unsupported(format!(
        "adaptive bandwidths need a kernel of one profile with one bandwidth, or none; {kernel} has others or several parts"
    ))
}

fn dimensions(atom: &Atom, columns: usize) -> usize {
    match atom.column_choice() {
        Columns::Indices(list) => list.len(),
        _ => columns,
    }
}

/// The distance of each sample to its `k`-th nearest other one.
fn of_neighbors<T: Float>(samples: Rows<'_, T>, k: usize, watch: &Watch<'_>) -> Result<Vec<f64>> {
    let n = samples.rows();
    if k >= n {
        return Err(Error::parameter(format!(
            "adaptive asks for the distance to {k} other samples, but each of {n} has {}; ask for at most that",
            n - 1
        )));
    }
    let found =
        Nearest::fit(samples, &Metric::Euclidean)?.k_nearest(samples, k + 1, &watch.quiet())?;
    let widths: Vec<f64> = found
        .distances
        .chunks_exact(k + 1)
        .map(|d| d[k].to_f64())
        .collect();
    match widths.iter().position(|h| *h <= 0.0) {
        Some(i) => Err(Error::parameter(format!(
            "sample {i} (counted from 0) has its {k} nearest others at its own place, which leaves it no bandwidth; ask for more \
             of them, or leave repeated samples out and give them weights"
        ))),
        None => Ok(widths),
    }
}

/// Sample weights times `h_i` to a negative power, the largest factor 1.
fn weighed<T: Float>(widths: &[f64], weights: Option<&[T]>, power: usize) -> Vec<T> {
    let least = widths.iter().copied().fold(f64::INFINITY, f64::min);
    let weight = |i: usize| weights.map_or(1.0, |w| w[i].to_f64());
    let each = widths.iter().enumerate();
    each.map(|(i, h)| T::from_f64(weight(i) * (least / h).powi(power as i32)))
        .collect()
}
