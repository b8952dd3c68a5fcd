//! How much each neighbour counts.

use crate::{Bandwidth, Error, Float, Kernel, Profile, Result, Takes};

/// How much each of a query's neighbours counts.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Weights {
    /// All alike.
    #[default]
    Uniform,
    /// By the inverse of their distance. Where neighbours are at the query itself (or so near that the inverse is infinite), they alone
    /// count, all alike; as scikit-learn's `"distance"`.
    Distance,
    /// By a profile of their distance over a scale.
    Profile(Profile, Scale),
}

/// What a profile's distances are divided by, at each query.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Scale {
    /// The distance of the nearest sample that does not count any more: of the neighbour of rank `k + 1`, or the radius
    /// (Hechenbichler and Schliep 2004). Where all samples are neighbours it is the distance of the farthest.
    #[default]
    Next,
    /// The distance of the farthest neighbour, as the bandwidth `knn` of a kernel. A profile that ends at one bandwidth gives it
    /// the weight 0.
    Farthest,
    /// This distance at every query: the bandwidth `h` of a kernel.
    Fixed(f64),
}

impl Weights {
    /// The weights of a kernel of one profile: `tricube` takes its scale from the next neighbour ([`Scale::Next`]),
    /// `gaussian(h=0.3)` is fixed.
    ///
    /// ```
    /// use locality::{Profile, lazy::{Scale, Weights}};
    /// let weights = Weights::from_kernel(&"tricube".parse()?)?;
    /// assert_eq!(weights, Weights::Profile(Profile::from_name("tricube", &[])?, Scale::Next));
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// A kernel of several profiles, of a score, or with a bandwidth or a metric that is not the same for all distances.
    pub fn from_kernel(kernel: &Kernel) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::parameter(format!(
                "weights={kernel} {why}; write one profile of a distance, as tricube or gaussian(h=0.3)"
            )))
        };
        let atoms = kernel.atoms();
        let [atom] = atoms[..] else {
            return refuse("is made of several profiles");
        };
        let plain = Kernel::from(crate::Atom::new(*atom.profile()));
        let scale = match atom.bandwidth_rule() {
            Bandwidth::Fixed(h) => Scale::Fixed(*h),
            _ if *kernel == plain => Scale::Next,
            _ => return refuse("takes its bandwidth from the data"),
        };
        let fixed = Kernel::from(
            crate::Atom::new(*atom.profile()).bandwidth(atom.bandwidth_rule().clone()),
        );
        if *kernel != plain && *kernel != fixed {
            return refuse("has a metric, columns or factors of its own");
        }
        let weights = Self::Profile(*atom.profile(), scale);
        weights.check()?;
        Ok(weights)
    }

    /// Checks the parameters.
    pub(super) fn check(&self) -> Result<()> {
        let Self::Profile(profile, scale) = self else {
            return Ok(());
        };
        if profile.info().takes == Takes::Score {
            return Err(Error::parameter(format!(
                "weights={} is a profile of a score, and neighbours have distances; choose one of a distance, as tricube",
                profile.info().name
            )));
        }
        match scale {
            Scale::Fixed(h) if !(h.is_finite() && *h > 0.0) => Err(Error::parameter(format!(
                "the bandwidth h={h} of weights={} must be a positive number",
                profile.info().name
            ))),
            _ => Ok(()),
        }
    }

    /// Whether the distance of one neighbour more is needed.
    pub(super) fn needs_next(&self) -> bool {
        matches!(self, Self::Profile(_, Scale::Next))
    }

    /// The weights of neighbours at these distances; `next` is the distance of the first that does not count. Their sum is 0 only where
    /// nothing is within the reach of a profile of fixed bandwidth.
    pub(super) fn fill<T: Float>(&self, distances: &[T], next: Option<f64>, out: &mut Vec<f64>) {
        out.clear();
        match self {
            Self::Uniform => out.resize(distances.len(), 1.0),
            Self::Distance => {
                out.extend(distances.iter().map(|d| 1.0 / d.to_f64()));
                if out.iter().any(|w| w.is_infinite()) {
                    for w in out.iter_mut() {
                        *w = f64::from(u8::from(w.is_infinite()));
                    }
                }
            }
            Self::Profile(profile, scale) => {
                let farthest = || distances.iter().fold(0.0, |a: f64, d| a.max(d.to_f64()));
                let (h, fixed) = match scale {
                    Scale::Next => (next.unwrap_or_else(farthest), false),
                    Scale::Farthest => (farthest(), false),
                    Scale::Fixed(h) => (*h, true),
                };
                // Neighbours that all lie at the query have no scale: each is at the middle.
                let u = |d: &T| if h > 0.0 { d.to_f64() / h } else { 0.0 };
                out.extend(distances.iter().map(|d| profile.weight(u(d))));
                // All of them may lie as far as the scale: they count alike then.
                if !fixed && out.iter().all(|w| *w == 0.0) {
                    out.fill(1.0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(weights: Weights, distances: &[f64], next: Option<f64>) -> Vec<f64> {
        let mut out = Vec::new();
        weights.check().unwrap();
        weights.fill(distances, next, &mut out);
        out
    }

    fn triangular(scale: Scale) -> Weights {
        Weights::Profile(Profile::from_name("triangular", &[]).unwrap(), scale)
    }

    #[test]
    fn each_rule_weighs_as_it_says() {
        let d = [0.5, 1.0, 2.0];
        assert_eq!(filled(Weights::Uniform, &d, None), [1.0; 3]);
        assert_eq!(filled(Weights::Distance, &d, None), [2.0, 1.0, 0.5]);
        assert_eq!(
            filled(triangular(Scale::Next), &d, Some(4.0)),
            [0.875, 0.75, 0.5]
        );
        assert_eq!(filled(triangular(Scale::Next), &d, None), [0.75, 0.5, 0.0]);
        assert_eq!(
            filled(triangular(Scale::Farthest), &d, Some(4.0)),
            [0.75, 0.5, 0.0]
        );
        assert_eq!(
            filled(triangular(Scale::Fixed(1.0)), &d, Some(4.0)),
            [0.5, 0.0, 0.0]
        );
    }

    #[test]
    fn what_lies_at_the_query_counts_alone_or_alike() {
        assert_eq!(
            filled(Weights::Distance, &[0.0, 1e-320, 1.0], None),
            [1.0, 1.0, 0.0]
        );
        assert_eq!(
            filled(triangular(Scale::Next), &[0.0, 0.0], Some(0.0)),
            [1.0, 1.0]
        );
        assert_eq!(
            filled(triangular(Scale::Next), &[2.0, 2.0], Some(2.0)),
            [1.0, 1.0]
        );
        assert_eq!(
            filled(triangular(Scale::Fixed(1.0)), &[2.0, 2.0], Some(2.0)),
            [0.0, 0.0]
        );
    }

    #[test]
    fn a_scores_profile_and_a_bad_bandwidth_are_refused() {
        let softmax = Profile::from_name("softmax", &[]).unwrap();
        let e = Weights::Profile(softmax, Scale::Next).check().unwrap_err();
        assert!(e.to_string().contains("weights=softmax"), "{e}");
        let e = triangular(Scale::Fixed(f64::NAN)).check().unwrap_err();
        assert!(e.to_string().contains("h=NaN"), "{e}");
    }
}
