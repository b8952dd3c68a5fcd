//! A kernel as the law of a distance from a key: its mass, and draws from it.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::radial::{Radial, Space, require_distance};
use crate::random::Random;
use crate::{Atom, Bandwidth, Columns, Error, Kernel, Metric, Result};

/// Mean radius of the Earth in kilometres, as in the metric.
const EARTH_KM: f64 = 6371.0088;

/// What a kernel integrates to over the space of its columns, and how to draw from it.
#[derive(Clone, Debug)]
pub(super) enum Law {
    /// One profile of one metric.
    Radial(Box<Shape>),
    /// Independent groups of columns.
    Product(Vec<Law>),
    /// A sum with these coefficients.
    Mixture(Vec<(f64, Law)>),
}

#[derive(Clone, Debug)]
pub(super) struct Shape {
    radial: Radial,
    columns: Vec<usize>,
    widths: Widths,
    geometry: Geometry,
    /// Logarithm of the mass, but for the width of each key.
    log_mass: f64,
}

#[derive(Clone, Debug)]
enum Widths {
    /// For each column.
    Columns(Vec<f64>),
    /// For each key.
    Keys(Arc<[f64]>),
}

/// Which directions there are.
#[derive(Clone, Debug)]
enum Geometry {
    Euclidean,
    Manhattan,
    Chebyshev,
    /// The inverse of the map.
    Mahalanobis(Vec<Vec<f64>>),
    /// Radius of the sphere in the metric's unit, and how many radians a unit of the columns is.
    Sphere(f64, f64),
}

impl Law {
    /// The law of a kernel over sites of `d` columns, every bandwidth being a number.
    pub(super) fn new(kernel: &Kernel, d: usize) -> Result<Self> {
        let law = Self::build(kernel, 1.0, d)?;
        let mut columns = law.columns();
        columns.sort_unstable();
        if let Some(c) = (0..d).find(|c| !columns.contains(c)) {
            return Err(Error::unsupported(format!(
                "kernel: {kernel} does not look at column {c} (counted from 0), so that it has no density there; add cols={c} to a \
                 part of it, or drop the column"
            )));
        }
        Ok(law)
    }

    fn build(kernel: &Kernel, power: f64, d: usize) -> Result<Self> {
        Ok(match kernel {
            Kernel::Atom(atom) => Self::Radial(Box::new(Shape::new(atom, power, d)?)),
            Kernel::Power(kernel, p) => Self::build(kernel, power * p, d)?,
            Kernel::Product(parts) => {
                let parts = parts.iter().map(|k| Self::build(k, power, d));
                let parts = parts.collect::<Result<Vec<_>>>()?;
                let mut seen: Vec<usize> = Vec::new();
                for part in &parts {
                    let own = part.columns();
                    if let Some(c) = own.iter().find(|c| seen.contains(c)) {
                        return Err(Error::unsupported(format!(
                            "kernel: two factors of {kernel} look at column {c} (counted from 0), and the integral of such a product is \
                             not known; give each factor columns of its own by cols=.."
                        )));
                    }
                    seen.extend(own);
                }
                Self::Product(parts)
            }
            Kernel::Sum(parts) if power == 1.0 => {
                let parts = parts.iter().map(|(a, k)| Ok((*a, Self::build(k, 1.0, d)?)));
                let parts = parts.collect::<Result<Vec<_>>>()?;
                let sorted = |law: &Self| {
                    let mut columns = law.columns();
                    columns.sort_unstable();
                    columns
                };
                if parts.windows(2).any(|w| sorted(&w[0].1) != sorted(&w[1].1)) {
                    return Err(Error::unsupported(format!(
                        "kernel: the parts of the sum {kernel} look at different columns, so that it has no integral; give them the same"
                    )));
                }
                Self::Mixture(parts)
            }
            _ => {
                return Err(Error::unsupported(format!(
                    "kernel: the integral of the power {kernel} is not known; take powers of single profiles only"
                )));
            }
        })
    }

    /// All columns that it looks at.
    fn columns(&self) -> Vec<usize> {
        match self {
            Self::Radial(shape) => shape.columns.clone(),
            Self::Product(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Mixture(parts) => parts[0].1.columns(),
        }
    }

    /// Whether the mass differs from key to key.
    pub(super) fn varies(&self) -> bool {
        match self {
            Self::Radial(shape) => matches!(shape.widths, Widths::Keys(_)),
            Self::Product(parts) => parts.iter().any(Self::varies),
            Self::Mixture(parts) => parts.iter().any(|(_, k)| k.varies()),
        }
    }

    /// Logarithm of what the kernel integrates to around a key.
    pub(super) fn log_mass(&self, key: usize) -> f64 {
        match self {
            Self::Radial(shape) => shape.log_mass(key),
            Self::Product(parts) => parts.iter().map(|k| k.log_mass(key)).sum(),
            Self::Mixture(parts) => {
                let logs = parts.iter().map(|(a, k)| a.ln() + k.log_mass(key));
                let logs: Vec<f64> = logs.collect();
                let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                top + logs.iter().map(|l| (l - top).exp()).sum::<f64>().ln()
            }
        }
    }

    /// Logarithm of the kernel at its own key, where it is largest.
    pub(super) fn log_peak(&self) -> f64 {
        match self {
            Self::Radial(_) => 0.0,
            Self::Product(parts) => parts.iter().map(Self::log_peak).sum(),
            Self::Mixture(parts) => {
                let peaks = parts.iter().map(|(a, k)| a * k.log_peak().exp());
                peaks.sum::<f64>().ln()
            }
        }
    }

    /// Moves a site from a key to a draw around it.
    pub(super) fn draw(&self, random: &mut Random, key: usize, site: &mut [f64]) {
        match self {
            Self::Radial(shape) => shape.draw(random, key, site),
            Self::Product(parts) => parts.iter().for_each(|k| k.draw(random, key, site)),
            Self::Mixture(parts) => {
                let mut left = random.uniform();
                let all = self.log_mass(key);
                for (i, (a, k)) in parts.iter().enumerate() {
                    left -= a * (k.log_mass(key) - all).exp();
                    if left < 0.0 || i + 1 == parts.len() {
                        return k.draw(random, key, site);
                    }
                }
            }
        }
    }
}

/// The columns of an atom, by number.
pub(super) fn columns_of(atom: &Atom, d: usize) -> Result<Vec<usize>> {
    match atom.column_choice() {
        Columns::All => Ok((0..d).collect()),
        Columns::Indices(columns) => match columns.iter().find(|c| **c >= d) {
            Some(c) => Err(Error::shape(format!(
                "kernel: {atom} takes column {c} (counted from 0), but the samples have {d} columns"
            ))),
            None => Ok(columns.clone()),
        },
        _ => Err(Error::parse(format!(
            "kernel: {atom} names columns that have no numbers yet; call with_columns, or pass a table with a header"
        ))),
    }
}

/// The space of an atom, where its bandwidth is `width`.
fn space_of(atom: &Atom, columns: usize, width: f64) -> Result<(Space, Geometry)> {
    let sphere = |radius: f64, unit: f64| {
        let space = Space::Sphere {
            radius: radius / width,
        };
        (space, Geometry::Sphere(radius, unit))
    };
    Ok(match atom.metric_in_force() {
        Metric::Euclidean => (Space::euclidean(columns), Geometry::Euclidean),
        Metric::Manhattan => (Space::manhattan(columns), Geometry::Manhattan),
        Metric::Chebyshev => (Space::chebyshev(columns), Geometry::Chebyshev),
        Metric::Mahalanobis(map) => {
            let inverse = inverse(map.rows()).ok_or_else(|| {
                Error::unsupported(format!(
                    "kernel: the map of {atom} has no inverse, so that it has no density; give a square map of full rank"
                ))
            })?;
            (Space::euclidean(columns), Geometry::Mahalanobis(inverse.0))
        }
        Metric::Haversine => sphere(1.0, 1.0),
        Metric::HaversineKm => sphere(EARTH_KM, 1_f64.to_radians()),
        other => {
            return Err(Error::unsupported(format!(
                "kernel: the volume of a ball under metric={} is not known, so that {atom} has no density; choose euclidean, manhattan, \
                 chebyshev, mahalanobis or haversine",
                other.info().name
            )));
        }
    })
}

/// How much more bandwidth than a Gaussian the atom needs to smooth alike: the ratio of canonical bandwidths.
pub(super) fn canonical_ratio(atom: &Atom, power: f64, d: usize) -> Result<f64> {
    let columns = columns_of(atom, d)?.len();
    let n = columns as f64;
    let (space, geometry) = space_of(atom, columns, 1.0)?;
    // The mean square of a coordinate of a point on the unit sphere, by the volume of the ball.
    let direction = match geometry {
        Geometry::Manhattan => 2.0 / (n * (n + 1.0)),
        Geometry::Chebyshev => (n + 2.0) / (3.0 * n),
        _ => 1.0 / n,
    };
    let own = Radial::new(*atom.profile(), power, space)?.log_canonical(direction)?;
    let gaussian = -0.5 * n * (2.0 * TAU).ln() / (n + 4.0);
    Ok((own - gaussian).exp())
}

impl Shape {
    fn new(atom: &Atom, power: f64, d: usize) -> Result<Self> {
        require_distance(atom.profile())?;
        let columns = columns_of(atom, d)?;
        let widths = match atom.bandwidth_rule() {
            Bandwidth::Fixed(h) => Widths::Columns(vec![*h; columns.len()]),
            Bandwidth::PerFeature(h) if h.len() == columns.len() => Widths::Columns(h.clone()),
            Bandwidth::PerFeature(h) => {
                return Err(Error::shape(format!(
                    "kernel: {} bandwidths are given for {} columns; give one each",
                    h.len(),
                    columns.len()
                )));
            }
            Bandwidth::PerSite(h) => Widths::Keys(Arc::clone(h)),
            _ => {
                return Err(Error::unsupported(format!(
                    "kernel: under {atom} every query has a bandwidth of its own, and what comes of it is no density; give h, site_h or \
                     site_knn"
                )));
            }
        };
        let first = match &widths {
            Widths::Columns(h) => h[0],
            Widths::Keys(_) => 1.0,
        };
        let (space, geometry) = space_of(atom, columns.len(), first)?;
        let radial = Radial::new(*atom.profile(), power, space)?;
        let scale = match (&widths, &geometry, atom.metric_in_force()) {
            (Widths::Keys(_), Geometry::Sphere(..), _) => {
                return Err(Error::unsupported(format!(
                    "kernel: a bandwidth for each key is not supported on the sphere, {atom}; give one number"
                )));
            }
            // Areas in the metric's unit.
            (Widths::Columns(h), Geometry::Sphere(..), _) => 2.0 * h[0].ln(),
            (Widths::Columns(h), _, Metric::Mahalanobis(map)) => {
                let log_det = inverse(map.rows()).map_or(0.0, |i| i.1);
                h.iter().map(|h| h.ln()).sum::<f64>() - log_det
            }
            (Widths::Keys(_), _, Metric::Mahalanobis(map)) => {
                -inverse(map.rows()).map_or(0.0, |i| i.1)
            }
            (Widths::Columns(h), ..) => h.iter().map(|h| h.ln()).sum(),
            (Widths::Keys(_), ..) => 0.0,
        };
        Ok(Self {
            log_mass: radial.log_mass() + scale,
            radial,
            columns,
            widths,
            geometry,
        })
    }

    fn log_mass(&self, key: usize) -> f64 {
        match &self.widths {
            Widths::Columns(_) => self.log_mass,
            Widths::Keys(h) => self.log_mass + self.columns.len() as f64 * h[key].ln(),
        }
    }

    fn draw(&self, random: &mut Random, key: usize, site: &mut [f64]) {
        let r = self.radial.quantile(random.uniform());
        if let Geometry::Sphere(radius, unit) = self.geometry {
            let h = self.width(0, key);
            return self.travel(random, r * h / radius, unit, site);
        }
        let d = self.columns.len();
        let mut way: Vec<f64> = (0..d)
            .map(|_| match self.geometry {
                Geometry::Manhattan => {
                    let x = random.exponential();
                    random.signed(x)
                }
                Geometry::Chebyshev => 2.0 * random.uniform() - 1.0,
                _ => random.normal(),
            })
            .collect();
        let absolute = way.iter().map(|x| x.abs());
        let norm = match self.geometry {
            Geometry::Manhattan => absolute.sum(),
            Geometry::Chebyshev => absolute.fold(0.0, f64::max),
            _ => absolute.map(|x| x * x).sum::<f64>().sqrt(),
        };
        for (c, x) in way.iter_mut().enumerate() {
            *x *= r / norm * self.width(c, key);
        }
        if let Geometry::Mahalanobis(inverse) = &self.geometry {
            let mapped = inverse.iter();
            let mapped = mapped.map(|row| row.iter().zip(&way).map(|(a, x)| a * x).sum());
            way = mapped.collect();
        }
        for (c, x) in self.columns.iter().zip(way) {
            site[*c] += x;
        }
    }

    fn width(&self, column: usize, key: usize) -> f64 {
        match &self.widths {
            Widths::Columns(h) => h[column],
            Widths::Keys(h) => h[key],
        }
    }

    /// Along a great circle in a random direction, by this angle.
    fn travel(&self, random: &mut Random, angle: f64, unit: f64, site: &mut [f64]) {
        let (lat_at, lon_at) = (self.columns[0], self.columns[1]);
        let (lat, lon) = (site[lat_at] * unit, site[lon_at] * unit);
        let bearing = TAU * random.uniform();
        let sine = lat.sin() * angle.cos() + lat.cos() * angle.sin() * bearing.cos();
        let east = bearing.sin() * angle.sin() * lat.cos();
        let north = angle.cos() - lat.sin() * sine;
        let there = lon + east.atan2(north);
        let half = TAU / 2.0;
        site[lat_at] = sine.clamp(-1.0, 1.0).asin() / unit;
        site[lon_at] = ((there + half).rem_euclid(TAU) - half) / unit;
    }
}

/// The inverse of a square matrix and the logarithm of its determinant's size, by Gauss-Jordan elimination with pivots.
fn inverse(rows: &[Vec<f64>]) -> Option<(Vec<Vec<f64>>, f64)> {
    let d = rows.len();
    if rows[0].len() != d {
        return None;
    }
    let mut a = rows.to_vec();
    let mut b: Vec<Vec<f64>> = (0..d)
        .map(|i| (0..d).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    let largest = a.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
    let mut log_det = 0.0;
    for c in 0..d {
        let pivot = (c..d).max_by(|&i, &j| a[i][c].abs().total_cmp(&a[j][c].abs()))?;
        let by = a[pivot][c];
        if by.abs() <= 1e-14 * largest {
            return None;
        }
        log_det += by.abs().ln();
        a.swap(c, pivot);
        b.swap(c, pivot);
        a[c].iter_mut().chain(&mut b[c]).for_each(|x| *x /= by);
        let (row_a, row_b) = (a[c].clone(), b[c].clone());
        for i in (0..d).filter(|i| *i != c) {
            let f = a[i][c];
            a[i].iter_mut().zip(&row_a).for_each(|(x, y)| *x -= f * y);
            b[i].iter_mut().zip(&row_b).for_each(|(x, y)| *x -= f * y);
        }
    }
    Some((b, log_det))
}

#[cfg(test)]
mod tests {
    use super::inverse;

    #[test]
    fn inverses_and_determinants() {
        let (b, log_det) = inverse(&[vec![0.0, 2.0], vec![4.0, 1.0]]).unwrap();
        assert!((log_det - 8_f64.ln()).abs() < 1e-15);
        assert_eq!(b, [[-0.125, 0.25], [0.5, 0.0]]);
        assert!(inverse(&[vec![1.0, 2.0], vec![2.0, 4.0]]).is_none());
        assert!(inverse(&[vec![1.0, 2.0]]).is_none());
    }
}
