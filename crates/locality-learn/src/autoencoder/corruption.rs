//! What a denoising autoencoder is trained against.

use locality_core::{Error, Result};

use crate::Number;
use crate::random::Stream;

/// How inputs are corrupted in training, in columns of unit variance (Vincent, Larochelle, Lajoie, Bengio and Manzagol 2010, section 3.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corruption {
    /// Not at all: a plain autoencoder.
    None,
    /// Normal noise of this standard deviation.
    Gaussian(f64),
    /// Each number is set to its column's mean with this probability.
    Masking(f64),
    /// Each number is set to its column's least or largest value, one as likely as the other, with this probability.
    SaltAndPepper(f64),
}

impl Corruption {
    /// By name: `none`, `gaussian`, `masking` or `salt_and_pepper`, with a deviation or probability.
    ///
    /// # Errors
    /// Another name.
    pub fn named(name: &str, amount: f64) -> Result<Self> {
        match name {
            "none" => Ok(Self::None),
            "gaussian" => Ok(Self::Gaussian(amount)),
            "masking" => Ok(Self::Masking(amount)),
            "salt_and_pepper" | "salt-and-pepper" => Ok(Self::SaltAndPepper(amount)),
            _ => Err(Error::parse(format!(
                "there is no corruption '{name}'; choose none, gaussian, masking or salt_and_pepper"
            ))),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gaussian(_) => "gaussian",
            Self::Masking(_) => "masking",
            Self::SaltAndPepper(_) => "salt_and_pepper",
        }
    }

    /// Requires numbers in their range.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Gaussian(sigma) if !(sigma.is_finite() && sigma > 0.0) => {
                Err(Error::parameter(format!(
                    "sigma={sigma} of the corruption must be a positive number; choose none for no noise"
                )))
            }
            Self::Masking(p) | Self::SaltAndPepper(p) if !(p > 0.0 && p < 1.0) => {
                Err(Error::parameter(format!(
                    "the probability {p} of the corruption must be above 0 and below 1; choose none for no noise"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Corrupts rows of as many columns as there are `ends`, least and largest values: a function of the stream and of each number's place.
    pub(crate) fn apply<T: Number>(self, rows: &mut [T], ends: &[(T, T)], stream: Stream) {
        match self {
            Self::None => {}
            Self::Gaussian(sigma) => {
                for (i, x) in rows.iter_mut().enumerate() {
                    *x += T::from_f64(sigma * stream.normal(i as u64));
                }
            }
            Self::Masking(p) => {
                for (i, x) in rows.iter_mut().enumerate() {
                    if stream.uniform(i as u64) < p {
                        *x = T::ZERO;
                    }
                }
            }
            Self::SaltAndPepper(p) => {
                for (i, (x, (low, high))) in rows.iter_mut().zip(ends.iter().cycle()).enumerate() {
                    let u = stream.uniform(i as u64);
                    if u < p {
                        *x = if u < 0.5 * p { *low } else { *high };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_does_what_it_says() {
        let (n, ends, stream) = (100_000, [(-3.0, 5.0)], Stream::new(1, 1));
        let corrupted = |c: Corruption| {
            let mut x = vec![1.0_f64; n];
            c.apply(&mut x, &ends, stream);
            x
        };
        let share = |x: &[f64], v: f64| x.iter().filter(|x| **x == v).count() as f64 / n as f64;
        assert_eq!(share(&corrupted(Corruption::None), 1.0), 1.0);
        let masked = corrupted(Corruption::Masking(0.3));
        assert!((share(&masked, 0.0) - 0.3).abs() < 0.01 && share(&masked, 1.0) > 0.68);
        let salted = corrupted(Corruption::SaltAndPepper(0.2));
        assert!((share(&salted, -3.0) - 0.1).abs() < 0.01);
        assert!((share(&salted, 5.0) - 0.1).abs() < 0.01);
        let noisy = corrupted(Corruption::Gaussian(0.5));
        let variance = noisy.iter().map(|x| (x - 1.0).powi(2)).sum::<f64>() / n as f64;
        assert!((variance - 0.25).abs() < 0.01, "{variance}");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for c in [
            Corruption::Gaussian(0.0),
            Corruption::Gaussian(f64::NAN),
            Corruption::Masking(1.0),
            Corruption::SaltAndPepper(-0.1),
        ] {
            assert!(c.check().is_err(), "{c:?}");
        }
        assert!(Corruption::named("blur", 0.1).is_err());
        for name in ["none", "gaussian", "masking", "salt_and_pepper"] {
            assert_eq!(Corruption::named(name, 0.1).unwrap().name(), name);
        }
    }
}
