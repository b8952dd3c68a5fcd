//! The fully connected conditional random field: its parameters.

use super::gauss::{GaussianSums, turn};
use crate::{Error, Float, Result, Rows};

/// What labels `a` and `b` of two objects cost: `mu(a, b)`, times the weight of the pair.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Compatibility {
    /// `-w` for equal labels: equal labels are cheaper by `w` (Potts).
    Potts(f64),
    /// These costs `[k]` for equal labels, 0 for others; negative where a label draws itself.
    Diagonal(Vec<f64>),
    /// Any costs `[k, k]`; the mean of the matrix and its transpose counts.
    Matrix(Vec<f64>),
}

impl Compatibility {
    /// Costs `-w ln r(a, b)` from ratios `[k, k]` as [`compatibilities`](super::compatibilities) learns them: labels that meet more
    /// often than by chance are cheap.
    ///
    /// # Errors
    /// A ratio or a weight that is not positive and finite; learn ratios with a positive prior.
    pub fn learned(ratios: &[f64], weight: f64) -> Result<Self> {
        check_weight("weight", weight)?;
        if let Some(at) = ratios.iter().position(|r| !(r.is_finite() && *r > 0.0)) {
            return Err(Error::parameter(format!(
                "ratios has {} at position {at} (counted from 0); ratios must be positive and finite, as a positive prior makes them",
                ratios[at]
            )));
        }
        let costs = ratios.iter().map(|r| -weight * r.ln());
        Ok(Self::Matrix(costs.collect()))
    }

    /// The costs `[k, k]`.
    pub(super) fn matrix(&self, k: usize) -> Result<Vec<f64>> {
        let (given, need) = match self {
            Self::Potts(_) => (1, 1),
            Self::Diagonal(costs) => (costs.len(), k),
            Self::Matrix(costs) => (costs.len(), k * k),
        };
        if given != need {
            return Err(Error::shape(format!(
                "a compatibility has {given} numbers, but {k} labels need {need}"
            )));
        }
        let at = |a: usize, b: usize| match self {
            Self::Potts(w) => -w * f64::from(u8::from(a == b)),
            Self::Diagonal(costs) if a == b => costs[a],
            Self::Diagonal(_) => 0.0,
            Self::Matrix(costs) => 0.5 * (costs[a * k + b] + costs[b * k + a]),
        };
        let costs: Vec<f64> = (0..k * k).map(|i| at(i / k, i % k)).collect();
        if let Some(i) = costs.iter().position(|c| !c.is_finite()) {
            return Err(Error::parameter(format!(
                "a compatibility has {} for the labels {} and {}; costs must be finite",
                costs[i],
                i / k,
                i % k
            )));
        }
        Ok(costs)
    }
}

/// How weights are scaled by their sums `s_i = sum_j k_ij`, the object itself among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// `k_ij`. Where neighbours are many, they drown the unary energies.
    None,
    /// `k_ij / s_j`.
    Before,
    /// `k_ij / s_i`: a local mean.
    After,
    /// `k_ij / sqrt(s_i s_j)`.
    #[default]
    Symmetric,
}

impl std::str::FromStr for Normalization {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "none" => Self::None,
            "before" => Self::Before,
            "after" => Self::After,
            "symmetric" => Self::Symmetric,
            other => {
                return Err(Error::parse(format!(
                    "unknown normalization '{other}'; choose none, before, after or symmetric"
                )));
            }
        })
    }
}

/// A pairwise term: how near two objects are, and what their labels then cost.
#[derive(Clone, Debug)]
pub struct Pairwise<T> {
    pub(super) objects: usize,
    features: Features<T>,
    pub(super) compatibility: Compatibility,
    pub(super) normalization: Normalization,
}

#[derive(Clone, Debug)]
enum Features<T> {
    Grid {
        shape: Vec<usize>,
        bandwidths: Vec<f64>,
    },
    /// In bandwidths.
    Rows { data: Vec<T>, columns: usize },
}

impl<T: Float> Pairwise<T> {
    /// `exp(-sum_a (p_a - p'_a)^2 / 2 h_a^2)` between the places `p` of a grid: `[height, width]` for a picture, `[depth, height, width]`
    /// for a volume, any number of axes, the last one fastest; `bandwidths` has one for each axis.
    ///
    /// # Errors
    /// No axes, an axis of 0, more than `u32::MAX` places, bandwidths that are not one for each axis or not positive.
    pub fn gaussian(
        shape: &[usize],
        bandwidths: &[f64],
        compatibility: Compatibility,
    ) -> Result<Self> {
        let objects = check_shape(shape)?;
        check_bandwidths("bandwidths", bandwidths, shape.len(), "axes")?;
        Ok(Self {
            objects,
            features: Features::Grid {
                shape: shape.to_vec(),
                bandwidths: bandwidths.to_vec(),
            },
            compatibility,
            normalization: Normalization::default(),
        })
    }

    /// The same times `exp(-sum_c (x_c - x'_c)^2 / 2 s_c^2)` between the colours `[n, c]` of the places, or whatever else is known of
    /// them; `ranges` has a bandwidth for each of the `c`.
    ///
    /// # Errors
    /// As [`gaussian`](Self::gaussian); colours that are not one row for each place or not finite; ranges likewise.
    pub fn bilateral(
        shape: &[usize],
        bandwidths: &[f64],
        colors: Rows<'_, T>,
        ranges: &[f64],
        compatibility: Compatibility,
    ) -> Result<Self> {
        let objects = check_shape(shape)?;
        check_bandwidths("bandwidths", bandwidths, shape.len(), "axes")?;
        check_bandwidths("ranges", ranges, colors.columns(), "colour columns")?;
        colors.require_finite("colors")?;
        if colors.rows() != objects {
            return Err(Error::shape(format!(
                "colors has {} rows, but the grid has {objects} places; give one for each",
                colors.rows()
            )));
        }
        let axes = shape.len();
        let columns = axes + colors.columns();
        let mut data = Vec::with_capacity(objects * columns);
        let mut place = vec![0_usize; axes];
        for color in colors.iter() {
            let places = place.iter().zip(bandwidths);
            data.extend(places.map(|(&p, h)| T::from_f64(p as f64 / h)));
            let scaled = color.iter().zip(ranges);
            data.extend(scaled.map(|(x, s)| T::from_f64(x.to_f64() / s)));
            for axis in (0..axes).rev() {
                place[axis] += 1;
                if place[axis] < shape[axis] {
                    break;
                }
                place[axis] = 0;
            }
        }
        turn(&mut data, columns, axes);
        Self::from_scaled(data, columns, objects, compatibility)
    }

    /// `exp(-sum_c (x_c - x'_c)^2 / 2 h_c^2)` between any features `[n, c]`.
    ///
    /// # Errors
    /// Features that are none or not finite; more than `u32::MAX` rows; bandwidths that are not one for each column or not positive.
    pub fn features(
        features: Rows<'_, T>,
        bandwidths: &[f64],
        compatibility: Compatibility,
    ) -> Result<Self> {
        features.require_finite("features")?;
        check_shape(&[features.rows()])?;
        check_bandwidths("bandwidths", bandwidths, features.columns(), "columns")?;
        let scaled = features.iter().flat_map(|row| {
            let cells = row.iter().zip(bandwidths);
            cells.map(|(x, h)| T::from_f64(x.to_f64() / h))
        });
        let mut data: Vec<T> = scaled.collect();
        turn(&mut data, features.columns(), 0);
        Self::from_scaled(data, features.columns(), features.rows(), compatibility)
    }

    fn from_scaled(
        data: Vec<T>,
        columns: usize,
        objects: usize,
        compatibility: Compatibility,
    ) -> Result<Self> {
        if let Some(at) = data.iter().position(|x| !x.is_finite()) {
            return Err(Error::not_finite(format!(
                "the features of object {} (counted from 0) are beyond the range of {} in bandwidths; widen the bandwidths",
                at / columns,
                T::NAME
            )));
        }
        Ok(Self {
            objects,
            features: Features::Rows { data, columns },
            compatibility,
            normalization: Normalization::default(),
        })
    }

    /// How weights are scaled; [`Normalization::Symmetric`] by default.
    #[must_use]
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Number of objects.
    pub fn objects(&self) -> usize {
        self.objects
    }

    /// The sums of this term.
    pub(super) fn sums(&self, labels: usize, tolerance: f64) -> Result<GaussianSums<T>> {
        Ok(match &self.features {
            Features::Grid { shape, bandwidths } => {
                GaussianSums::grid(shape, bandwidths, tolerance)
            }
            Features::Rows { data, columns } => {
                let rows = Rows::new(data, self.objects, *columns)?;
                GaussianSums::rows(rows, labels, tolerance)
            }
        })
    }
}

fn check_weight(name: &str, weight: f64) -> Result<()> {
    if weight.is_finite() && weight > 0.0 {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "{name}={weight} must be a positive finite number"
    )))
}

/// The number of places.
fn check_shape(shape: &[usize]) -> Result<usize> {
    let objects = shape.iter().try_fold(1_usize, |n, &s| n.checked_mul(s));
    match objects {
        Some(0) => Err(Error::empty(format!(
            "the shape {shape:?} has no place; every axis must be at least 1"
        ))),
        _ if shape.is_empty() => Err(Error::empty("the shape has no axes; give at least one")),
        Some(n) if u32::try_from(n).is_ok() => Ok(n),
        _ => Err(Error::unsupported(format!(
            "the shape {shape:?} has more than {} places; split it",
            u32::MAX
        ))),
    }
}

fn check_bandwidths(name: &str, bandwidths: &[f64], need: usize, what: &str) -> Result<()> {
    if bandwidths.len() != need {
        return Err(Error::shape(format!(
            "{name} has {} numbers for {need} {what}; give one for each",
            bandwidths.len()
        )));
    }
    match bandwidths.iter().find(|h| !(h.is_finite() && **h > 0.0)) {
        None => Ok(()),
        Some(h) => Err(Error::parameter(format!(
            "{name} has {h}; bandwidths must be positive and finite"
        ))),
    }
}
