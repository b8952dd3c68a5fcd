//! Similarities: how two sites are compared.
//!
//! A metric turns the chosen columns of a site into *features* (themselves, a linear map of them, a unit vector), combines
//! the features of two sites into one *raw* number by one of a few vector-friendly rules, and links that number to a distance or
//! a score. A new way to compare sites (a patch, a learned map) is a new feature map on the same rules.

use std::sync::Arc;

use crate::{Error, Float, Result};

/// One entry of the list of metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricInfo {
    /// Canonical name, as in `metric=euclidean`.
    pub name: &'static str,
    /// Other accepted names.
    pub aliases: &'static [&'static str],
    /// The formula in `q`, `k`.
    pub formula: &'static str,
    /// One sentence on use, units and column needs.
    pub summary: &'static str,
}

/// How two sites are compared.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Metric {
    /// `sqrt(sum (q - k)^2)`
    #[default]
    Euclidean,
    /// `||A (q - k)||`, for a given matrix `A`: a Mahalanobis distance has `A^T A = S^-1`.
    Mahalanobis(LinearMap),
    /// `sum |q - k|`
    Manhattan,
    /// `max |q - k|`
    Chebyshev,
    /// Distance `1 - cos(q, k)`, score `cos(q, k)`. A zero vector has cosine 0 with every direction and 1 with a zero vector.
    Cosine,
    /// Score `<q, k>`.
    Dot,
    /// Great-circle distance; columns latitude and longitude in radians, result in units of the sphere's radius.
    Haversine,
    /// Great-circle distance; columns latitude and longitude in degrees, result in kilometres (mean radius 6371.0088).
    HaversineKm,
    /// Number of columns that differ (categories coded as numbers).
    Hamming,
    /// Score `q - k` of one column: for one-sided memberships.
    Difference,
}

/// The list of metrics, from which the tool, the Python names and the docs table derive.
pub const METRICS: &[MetricInfo] = &[
    MetricInfo {
        name: "euclidean",
        aliases: &["l2"],
        formula: "sqrt(sum (q - k)^2)",
        summary: "Straight-line distance; the default.",
    },
    MetricInfo {
        name: "mahalanobis",
        aliases: &["linear"],
        formula: "||A (q - k)||",
        summary: "Distance after a linear map, given as map=[[row], [row], ..].",
    },
    MetricInfo {
        name: "manhattan",
        aliases: &["l1", "cityblock"],
        formula: "sum |q - k|",
        summary: "Sum of absolute differences.",
    },
    MetricInfo {
        name: "chebyshev",
        aliases: &["linf", "infinity"],
        formula: "max |q - k|",
        summary: "Largest absolute difference.",
    },
    MetricInfo {
        name: "cosine",
        aliases: &["angular"],
        formula: "1 - cos(q, k); as a score cos(q, k)",
        summary: "Direction only; a zero vector has cosine 0 with every direction, 1 with another zero vector.",
    },
    MetricInfo {
        name: "dot",
        aliases: &["inner", "linear_product"],
        formula: "<q, k>",
        summary: "Inner product, a score: the similarity of attention.",
    },
    MetricInfo {
        name: "haversine",
        aliases: &["great_circle"],
        formula: "2 asin(|u(q) - u(k)| / 2)",
        summary: "Great-circle distance of (latitude, longitude) in radians, on the unit sphere.",
    },
    MetricInfo {
        name: "haversine_km",
        aliases: &["geo"],
        formula: "6371.0088 * haversine",
        summary: "Great-circle distance in kilometres of (latitude, longitude) in degrees.",
    },
    MetricInfo {
        name: "hamming",
        aliases: &["mismatch"],
        formula: "number of columns with q != k",
        summary: "Categories coded as numbers.",
    },
    MetricInfo {
        name: "difference",
        aliases: &["signed"],
        formula: "q - k",
        summary: "Signed difference of one column, a score: one-sided memberships.",
    },
];

/// The list of metrics.
pub fn metrics() -> &'static [MetricInfo] {
    METRICS
}

/// Mean radius of the Earth in kilometres (IUGG).
const EARTH_KM: f64 = 6371.0088;

/// A matrix `A` of a Mahalanobis metric: `outputs x inputs`, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearMap {
    rows: Arc<[Vec<f64>]>,
}

impl LinearMap {
    /// A map from its rows.
    ///
    /// # Errors
    /// Where there is no row, rows differ in length, or an entry is not finite.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self> {
        let width = rows.first().map_or(0, Vec::len);
        if width == 0 || rows.iter().any(|r| r.len() != width) {
            return Err(Error::shape(
                "map must be a matrix with at least one row and one column, all rows equally long",
            ));
        }
        if rows.iter().flatten().any(|x| !x.is_finite()) {
            return Err(Error::not_finite("map has a NaN or infinite entry"));
        }
        Ok(Self { rows: rows.into() })
    }

    /// The rows of the matrix.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// Number of columns that it takes.
    pub fn inputs(&self) -> usize {
        self.rows[0].len()
    }
}

/// The rule that makes one raw number of two feature vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combine {
    SquaredDifference,
    AbsoluteDifference,
    LargestDifference,
    Mismatch,
    Product,
    Difference,
}

/// What the raw number means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Link {
    /// A squared distance.
    Squared,
    /// A distance.
    Plain,
    /// The squared chord of unit vectors: distance is half of it.
    HalfSquared,
    /// The squared chord of unit vectors: distance is the arc times this radius.
    Arc(f64),
    /// A score.
    Score,
    /// The squared chord of unit vectors: the score is `1 - raw / 2`.
    CosineScore,
}

impl Metric {
    /// The metric's entry in the list.
    pub fn info(&self) -> &'static MetricInfo {
        &METRICS[match self {
            Self::Euclidean => 0,
            Self::Mahalanobis(_) => 1,
            Self::Manhattan => 2,
            Self::Chebyshev => 3,
            Self::Cosine => 4,
            Self::Dot => 5,
            Self::Haversine => 6,
            Self::HaversineKm => 7,
            Self::Hamming => 8,
            Self::Difference => 9,
        }]
    }

    /// A metric by its name or alias; `mahalanobis` needs the map.
    ///
    /// # Errors
    /// An unknown name (with the nearest known one), or a map that is missing or not wanted.
    pub fn from_name(name: &str, map: Option<LinearMap>) -> Result<Self> {
        let known = METRICS
            .iter()
            .find(|m| m.name == name || m.aliases.contains(&name))
            .ok_or_else(|| {
                Error::parse(crate::names::unknown(
                    "metric",
                    name,
                    METRICS.iter().map(|m| m.name),
                ))
            })?;
        let metric = match (known.name, map) {
            ("mahalanobis", Some(map)) => return Ok(Self::Mahalanobis(map)),
            ("mahalanobis", None) => {
                return Err(Error::parse(
                    "metric=mahalanobis needs its matrix: map=[[a, b], [c, d]]",
                ));
            }
            (_, Some(_)) => {
                return Err(Error::parse(format!(
                    "map= belongs to metric=mahalanobis, not to metric={name}"
                )));
            }
            ("euclidean", None) => Self::Euclidean,
            ("manhattan", None) => Self::Manhattan,
            ("chebyshev", None) => Self::Chebyshev,
            ("cosine", None) => Self::Cosine,
            ("dot", None) => Self::Dot,
            ("haversine", None) => Self::Haversine,
            ("haversine_km", None) => Self::HaversineKm,
            ("hamming", None) => Self::Hamming,
            _ => Self::Difference,
        };
        Ok(metric)
    }

    /// Whether this gives a distance (and not only a score).
    pub fn is_distance(&self) -> bool {
        !matches!(self, Self::Dot | Self::Difference)
    }

    /// Whether this gives a score.
    pub fn is_score(&self) -> bool {
        matches!(self, Self::Dot | Self::Difference | Self::Cosine)
    }

    /// Checks the number of columns that it is given.
    pub(crate) fn check_columns(&self, columns: usize) -> Result<()> {
        let need = match self {
            Self::Haversine | Self::HaversineKm => 2,
            Self::Difference => 1,
            Self::Mahalanobis(map) => map.inputs(),
            _ => columns,
        };
        if columns == need && columns > 0 {
            return Ok(());
        }
        Err(Error::shape(format!(
            "metric={} takes {need} column{}, but is given {columns}; choose them with cols=[..]",
            self.info().name,
            if need == 1 { "" } else { "s" },
        )))
    }

    /// Number of features made of `columns` columns.
    pub(crate) fn features(&self, columns: usize) -> usize {
        match self {
            Self::Mahalanobis(map) => map.rows().len(),
            Self::Haversine | Self::HaversineKm => 3,
            // One more direction, for the zero vector.
            Self::Cosine => columns + 1,
            _ => columns,
        }
    }

    /// Whether the features are the columns themselves.
    pub(crate) fn is_plain(&self) -> bool {
        !matches!(
            self,
            Self::Mahalanobis(_) | Self::Haversine | Self::HaversineKm | Self::Cosine
        )
    }

    /// Writes the features of one site.
    pub(crate) fn map<T: Float>(&self, x: &[T], center: &[f64], out: &mut [T]) {
        match self {
            Self::Mahalanobis(map) => {
                // Centred, in double precision: a far origin must not eat the digits of the differences.
                for (o, row) in out.iter_mut().zip(map.rows()) {
                    let z = row.iter().zip(x).zip(center);
                    *o = T::from_f64(z.map(|((a, x), c)| a * (x.to_f64() - c)).sum());
                }
            }
            Self::Cosine => {
                // Scaled by the largest entry first, so that no square leaves the range.
                let top = x.iter().fold(0.0, |m: f64, v| m.max(v.to_f64().abs()));
                out.fill(T::ZERO);
                if top == 0.0 {
                    out[x.len()] = T::ONE;
                    return;
                }
                let squares = x.iter().map(|v| (v.to_f64() / top).powi(2));
                let norm = squares.sum::<f64>().sqrt();
                for (o, v) in out.iter_mut().zip(x) {
                    *o = T::from_f64(v.to_f64() / top / norm);
                }
            }
            Self::Haversine | Self::HaversineKm => {
                let (lat, lon) = (x[0].to_f64(), x[1].to_f64());
                let (lat, lon) = if *self == Self::HaversineKm {
                    (lat.to_radians(), lon.to_radians())
                } else {
                    (lat, lon)
                };
                out[0] = T::from_f64(lat.cos() * lon.cos());
                out[1] = T::from_f64(lat.cos() * lon.sin());
                out[2] = T::from_f64(lat.sin());
            }
            _ => out.copy_from_slice(x),
        }
    }

    /// The derivatives by the columns of a site, given those by its features.
    pub(crate) fn pull(&self, x: &[f64], by: &[f64]) -> Vec<f64> {
        match self {
            Self::Mahalanobis(map) => {
                let mut out = vec![0.0; x.len()];
                for (row, g) in map.rows().iter().zip(by) {
                    out.iter_mut().zip(row).for_each(|(o, a)| *o += a * g);
                }
                out
            }
            Self::Cosine => {
                let top = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                if top == 0.0 {
                    return vec![0.0; x.len()];
                }
                let norm = top * x.iter().map(|v| (v / top).powi(2)).sum::<f64>().sqrt();
                let along: f64 = x.iter().zip(by).map(|(v, g)| v / norm * g).sum();
                let pairs = x.iter().zip(by);
                pairs.map(|(v, g)| (g - along * v / norm) / norm).collect()
            }
            Self::Haversine | Self::HaversineKm => {
                let unit = if *self == Self::HaversineKm {
                    1_f64.to_radians()
                } else {
                    1.0
                };
                let ((a, b), (c, d)) = ((x[0] * unit).sin_cos(), (x[1] * unit).sin_cos());
                let lat = -a * (d * by[0] + c * by[1]) + b * by[2];
                let lon = b * (d * by[1] - c * by[0]);
                vec![lat * unit, lon * unit]
            }
            _ => by.to_vec(),
        }
    }

    pub(crate) fn combine(&self) -> Combine {
        match self {
            Self::Manhattan => Combine::AbsoluteDifference,
            Self::Chebyshev => Combine::LargestDifference,
            Self::Hamming => Combine::Mismatch,
            Self::Dot => Combine::Product,
            Self::Difference => Combine::Difference,
            _ => Combine::SquaredDifference,
        }
    }

    /// The meaning of the raw number as a distance, or as a score.
    pub(crate) fn link(&self, score: bool) -> Link {
        match self {
            Self::Euclidean | Self::Mahalanobis(_) => Link::Squared,
            Self::Manhattan | Self::Chebyshev | Self::Hamming => Link::Plain,
            Self::Cosine if score => Link::CosineScore,
            Self::Cosine => Link::HalfSquared,
            Self::Haversine => Link::Arc(1.0),
            Self::HaversineKm => Link::Arc(EARTH_KM),
            Self::Dot | Self::Difference => Link::Score,
        }
    }
}

impl Combine {
    /// The raw number of two feature vectors, by a plain loop.
    #[inline(always)]
    pub(crate) fn raw<T: Float>(
        self,
        q: impl Iterator<Item = T>,
        k: impl Iterator<Item = T>,
        scale: Option<&[T]>,
    ) -> T {
        let mut total = T::ZERO;
        for (c, (q, k)) in q.zip(k).enumerate() {
            let w = scale.map_or(T::ONE, |s| s[c]);
            match self {
                Self::SquaredDifference => {
                    let d = (q - k) * w;
                    total += d * d;
                }
                Self::AbsoluteDifference => total += ((q - k) * w).abs(),
                Self::LargestDifference => total = total.max(((q - k) * w).abs()),
                Self::Mismatch => total += if q == k { T::ZERO } else { w },
                Self::Product => total += q * k,
                Self::Difference => total += q - k,
            }
        }
        total
    }
}

impl Link {
    /// The distance that a raw number stands for.
    pub(crate) fn distance<T: Float>(self, raw: T) -> T {
        let half = T::from_f64(0.5);
        match self {
            Self::Squared => raw.sqrt(),
            Self::HalfSquared => raw * half,
            Self::Arc(radius) => T::from_f64(2.0 * radius) * (raw.sqrt() * half).min(T::ONE).asin(),
            Self::CosineScore => T::ONE - raw * half,
            Self::Plain | Self::Score => raw,
        }
    }
}
