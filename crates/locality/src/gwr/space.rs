//! Places, distances and the weights around a place.

use std::str::FromStr;

use crate::{Error, Metric, Nearest, Profile, Result, Rows, Takes, Watch, par};

/// How far apart two places are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distance {
    /// Straight lines, over any number of coordinates.
    #[default]
    Euclidean,
    /// Great circles, in kilometres on a sphere with a radius of 6371 km; two coordinates, longitude and latitude in degrees.
    /// [`Metric::HaversineKm`] takes them in the other order.
    Haversine,
}

impl Distance {
    /// What it is called: `euclidean` or `haversine`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Euclidean => "euclidean",
            Self::Haversine => "haversine",
        }
    }
}

impl FromStr for Distance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "euclidean" => Ok(Self::Euclidean),
            "haversine" => Ok(Self::Haversine),
            other => Err(Error::parameter(format!(
                "metric '{other}' is none of euclidean, haversine"
            ))),
        }
    }
}

/// The profile of a name that can fall with distance: `bisquare`, `gaussian`, `exponential`, `tricube` and the others that take one.
///
/// # Errors
/// A name of none; the message lists all.
pub fn profile_named(name: &str) -> Result<Profile> {
    Profile::from_name(name, &[]).map_err(|_| {
        let falling = crate::profiles()
            .iter()
            .filter(|p| p.takes == Takes::Distance);
        let names: Vec<&str> = falling
            .map(|p| match p.name {
                "biweight" => "bisquare",
                name => name,
            })
            .collect();
        Error::parameter(format!(
            "kernel '{name}' is none that falls with a distance; choose one of {}",
            names.join(", ")
        ))
    })
}

/// Radius of the sphere in kilometres.
const RADIUS: f64 = 6371.0;
/// The bandwidth beyond the k-th place, so that this one has a little weight.
const BEYOND: f64 = 1.000_000_1;
/// With this many places it pays to search near ones in a tree.
const MANY: usize = 2000;
/// Places of a block.
pub(super) const BLOCK: usize = 16;

/// How weights fall with distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fall {
    pub(crate) profile: Profile,
    pub(crate) adaptive: bool,
}

/// Places that can be looked around.
#[derive(Clone, Debug)]
pub(super) struct Space {
    distance: Distance,
    /// Points in straight space, `[n, dims]`: on a sphere, where they are in three dimensions.
    points: Vec<f64>,
    dims: usize,
    n: usize,
    fall: Fall,
    compact: bool,
    tree: Option<Nearest<f64>>,
}

/// The rows that weigh at a place, and how much.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    pub(super) index: Vec<u32>,
    pub(super) weight: Vec<f64>,
    squares: Vec<f64>,
    sorted: Vec<f64>,
}

impl Space {
    pub(super) fn new(coords: Rows<'_, f64>, distance: Distance, fall: Fall) -> Result<Self> {
        coords.require_finite("coords")?;
        let info = fall.profile.info();
        if info.takes != Takes::Distance {
            return Err(Error::parameter(format!(
                "kernel '{}' is a function of a score; choose one of a distance, such as bisquare or gaussian",
                info.name
            )));
        }
        let points = straight(coords, distance, "coords")?;
        let n = coords.rows();
        if u32::try_from(n).is_err() {
            return Err(Error::unsupported(format!(
                "coords has {n} rows, more than the {} that can be numbered",
                u32::MAX
            )));
        }
        let dims = points.len() / n;
        let tree = (info.bounded && n > MANY)
            .then(|| Nearest::fit(Rows::new(&points, n, dims)?, &Metric::Euclidean))
            .transpose()?;
        Ok(Self {
            distance,
            points,
            dims,
            n,
            fall,
            compact: info.bounded,
            tree,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// A place as it is compared.
    pub(super) fn point(&self, i: usize) -> &[f64] {
        &self.points[i * self.dims..][..self.dims]
    }

    /// Other places as they are compared, `[m, dims]`.
    pub(super) fn others(&self, coords: Rows<'_, f64>, columns: usize) -> Result<Vec<f64>> {
        if coords.columns() != columns {
            return Err(Error::shape(format!(
                "coords has {} columns, but the model was fitted with {columns}",
                coords.columns()
            )));
        }
        if coords.rows() > 0 {
            coords.require_finite("coords")?;
        }
        straight(coords, self.distance, "coords")
    }

    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    /// The same places in another order: place `i` is where place `order[i]` was.
    pub(super) fn permuted(&self, order: &[usize]) -> Result<Self> {
        let mut out = self.clone();
        out.points = order.iter().flat_map(|&i| self.point(i)).copied().collect();
        if self.tree.is_some() {
            let rows = Rows::new(&out.points, out.n, out.dims)?;
            out.tree = Some(Nearest::fit(rows, &Metric::Euclidean)?);
        }
        Ok(out)
    }

    /// A distance from its square in straight space.
    fn far(&self, square: f64) -> f64 {
        let straight = square.sqrt();
        match self.distance {
            Distance::Euclidean => straight,
            Distance::Haversine => 2.0 * RADIUS * (straight / (2.0 * RADIUS)).min(1.0).asin(),
        }
    }

    /// A distance in straight space from a distance.
    fn chord(&self, far: f64) -> f64 {
        match self.distance {
            Distance::Euclidean => far,
            Distance::Haversine => {
                let half = (far / (2.0 * RADIUS)).min(std::f64::consts::FRAC_PI_2);
                2.0 * RADIUS * half.sin()
            }
        }
    }

    fn square(&self, i: usize, at: &[f64]) -> f64 {
        let pairs = self.point(i).iter().zip(at);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// The rows that weigh at a point under a bandwidth: a distance, or a number of places.
    pub(super) fn around(&self, at: &[f64], bandwidth: f64, out: &mut Around) -> Result<()> {
        out.index.clear();
        out.weight.clear();
        let k = bandwidth as usize;
        let adaptive = self.fall.adaptive && bandwidth.is_finite();
        if let Some(tree) = self.tree.as_ref().filter(|_| bandwidth.is_finite()) {
            let one = Rows::new(at, 1, self.dims)?;
            let watch = Watch::default().threads(1);
            if adaptive && k * 16 <= self.n {
                let found = tree.k_nearest(one, k, &watch)?;
                let last = self.square(found.indices[k - 1], at);
                let h = self.far(last) * BEYOND;
                // By row, so that sums do not depend on which of the two ways was taken.
                let mut near = found.indices;
                near.sort_unstable();
                for i in near {
                    self.push(i, self.square(i, at), h, out);
                }
                return Ok(());
            }
            if !adaptive {
                let reach = self.chord(bandwidth) * BEYOND;
                let found = tree.within(one, reach, &watch)?;
                for &i in &found.indices {
                    self.push(i, self.square(i, at), bandwidth, out);
                }
                return Ok(());
            }
        }
        out.squares.clear();
        out.squares.extend((0..self.n).map(|i| self.square(i, at)));
        let h = if adaptive {
            out.sorted.clone_from(&out.squares);
            let (_, last, _) = out.sorted.select_nth_unstable_by(k - 1, f64::total_cmp);
            self.far(*last) * BEYOND
        } else {
            bandwidth
        };
        let squares = std::mem::take(&mut out.squares);
        let edge = self.chord(h) * self.chord(h) * BEYOND;
        for (i, &square) in squares.iter().enumerate() {
            if !self.compact || square <= edge {
                self.push(i, square, h, out);
            }
        }
        out.squares = squares;
        Ok(())
    }

    /// A row with its weight, if it has one.
    #[inline]
    fn push(&self, i: usize, square: f64, h: f64, out: &mut Around) {
        let far = self.far(square);
        // Where k samples share a place nothing else is seen from there.
        let u = if far == 0.0 { 0.0 } else { far / h };
        let w = match self.fall.profile {
            Profile::Biweight(_) if u < 1.0 => (1.0 - u * u) * (1.0 - u * u),
            Profile::Biweight(_) => 0.0,
            Profile::Gaussian(_) => (-0.5 * u * u).exp(),
            profile => profile.weight(u),
        };
        if w > 0.0 {
            out.index.push(i as u32);
            out.weight.push(w);
        }
    }

    /// The smallest distance between two places that is not 0, and the largest.
    pub(super) fn range(&self, watch: &Watch<'_>) -> Result<(f64, f64)> {
        let blocks = par::map_blocks(watch, self.n, BLOCK, |range| {
            let mut found = (f64::INFINITY, 0.0_f64);
            for i in range {
                for j in 0..i {
                    let s = self.square(i, self.point(j));
                    if s > 0.0 {
                        found = (found.0.min(s), found.1.max(s));
                    }
                }
            }
            Ok(found)
        })?;
        let all = blocks.into_iter();
        let (low, high) = all.fold((f64::INFINITY, 0.0_f64), |a, b| {
            (a.0.min(b.0), a.1.max(b.1))
        });
        Ok((self.far(low), self.far(high)))
    }

    /// Checks a bandwidth.
    pub(super) fn check(&self, bandwidth: f64) -> Result<()> {
        if self.fall.adaptive {
            let most = self.n as f64;
            let fits = bandwidth >= 1.0 && bandwidth <= most && bandwidth.fract() == 0.0;
            if !fits && bandwidth != f64::INFINITY {
                return Err(Error::parameter(format!(
                    "bandwidth={bandwidth} nearest places must be a whole number of 1 to {}, or infinite for a global model",
                    self.n
                )));
            }
        } else if bandwidth.is_nan() || bandwidth <= 0.0 {
            return Err(Error::parameter(format!(
                "bandwidth={bandwidth} must be a positive distance"
            )));
        }
        Ok(())
    }
}

/// Coordinates in straight space.
fn straight(coords: Rows<'_, f64>, distance: Distance, name: &str) -> Result<Vec<f64>> {
    if distance == Distance::Euclidean {
        return Ok(coords.to_vec());
    }
    if coords.columns() != 2 {
        return Err(Error::shape(format!(
            "{name} has {} columns; great circles need two, longitude and latitude in degrees",
            coords.columns()
        )));
    }
    let mut out = Vec::with_capacity(3 * coords.rows());
    for (i, row) in coords.iter().enumerate() {
        if row[1].abs() > 90.0 {
            return Err(Error::parameter(format!(
                "{name} has a latitude of {} in row {i} (counted from 0); columns are longitude and latitude in degrees",
                row[1]
            )));
        }
        let (sin_lon, cos_lon) = row[0].to_radians().sin_cos();
        let (sin_lat, cos_lat) = row[1].to_radians().sin_cos();
        out.extend([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat].map(|x| x * RADIUS));
    }
    Ok(out)
}
