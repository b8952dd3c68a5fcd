//! The numbers of a kernel as one list: what a gradient is taken by, and what an optimiser changes.

use std::sync::Arc;

use super::{Atom, Bandwidth, Kernel};
use crate::metric::LinearMap;
use crate::{Error, Metric, Profile, Result};

impl Atom {
    /// Appends names and numbers: the profile's parameters, the bandwidths that are given as numbers, the entries of the map.
    fn list(&self, out: &mut Vec<(String, f64)>) {
        let info = self.profile.info();
        let mut push = |name: &str, x: f64| out.push((format!("{}.{name}", info.name), x));
        for (p, x) in info.parameters.iter().zip(self.profile.values()) {
            push(p.name, x);
        }
        match &self.bandwidth {
            Bandwidth::Fixed(h) => push("h", *h),
            Bandwidth::PerFeature(h) => {
                let numbered = h.iter().enumerate();
                numbered.for_each(|(c, h)| push(&format!("h[{c}]"), *h));
            }
            Bandwidth::PerSite(h) => {
                let numbered = h.iter().enumerate();
                numbered.for_each(|(i, h)| push(&format!("site_h[{i}]"), *h));
            }
            _ => {}
        }
        if let Some(Metric::Mahalanobis(map)) = &self.metric {
            for (r, row) in map.rows().iter().enumerate() {
                for (c, x) in row.iter().enumerate() {
                    push(&format!("map[{r}][{c}]"), *x);
                }
            }
        }
    }

    /// The same atom with its numbers replaced by the next ones.
    fn replaced(&self, next: &mut impl Iterator<Item = f64>) -> Result<Self> {
        let mut take = || next.next().unwrap_or(f64::NAN);
        let info = self.profile.info();
        let own: Vec<(&str, f64)> = info.parameters.iter().map(|p| (p.name, take())).collect();
        let mut atom = Self {
            profile: Profile::from_name(info.name, &own)?,
            ..self.clone()
        };
        atom.bandwidth = match &self.bandwidth {
            Bandwidth::Fixed(_) => Bandwidth::Fixed(take()),
            Bandwidth::PerFeature(h) => Bandwidth::PerFeature(h.iter().map(|_| take()).collect()),
            Bandwidth::PerSite(h) => {
                Bandwidth::PerSite(h.iter().map(|_| take()).collect::<Arc<[f64]>>())
            }
            other => other.clone(),
        };
        if let Some(Metric::Mahalanobis(map)) = &self.metric {
            let rows = map.rows().iter();
            let rows = rows.map(|row| row.iter().map(|_| take()).collect());
            atom.metric = Some(Metric::Mahalanobis(LinearMap::new(rows.collect())?));
        }
        Ok(atom)
    }
}

impl Kernel {
    /// Every number of the kernel with its name, in the order of its text: for each part its profile's parameters, its
    /// bandwidths, the entries of its map; before each part of a sum its coefficient; after a power's base its exponent.
    /// Numbers that are left to a rule (`knn=`, no `h`) are not parameters.
    ///
    /// ```
    /// use locality_core::Kernel;
    /// let kernel: Kernel = "0.5*gaussian(h=2) + 1*softmax(beta=3)".parse()?;
    /// let names: Vec<String> = kernel.parameters().into_iter().map(|p| p.0).collect();
    /// assert_eq!(names, ["coefficient", "gaussian.h", "coefficient", "softmax.beta"]);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    pub fn parameters(&self) -> Vec<(String, f64)> {
        let mut out = Vec::new();
        self.list(&mut out);
        out
    }

    fn list(&self, out: &mut Vec<(String, f64)>) {
        match self {
            Self::Atom(atom) => atom.list(out),
            Self::Product(parts) => parts.iter().for_each(|k| k.list(out)),
            Self::Sum(parts) => {
                for (a, k) in parts {
                    out.push(("coefficient".to_owned(), *a));
                    k.list(out);
                }
            }
            Self::Power(k, p) => {
                k.list(out);
                out.push(("power".to_owned(), *p));
            }
        }
    }

    /// The same kernel with other numbers, in the order of [`parameters`](Self::parameters).
    ///
    /// # Errors
    /// Another number of values than there are parameters, or a value out of its range.
    pub fn with_parameters(&self, values: &[f64]) -> Result<Self> {
        let count = self.parameters().len();
        if values.len() != count {
            return Err(Error::shape(format!(
                "{} values are given for the {count} parameters of {self}; give one each",
                values.len()
            )));
        }
        let kernel = self.replaced(&mut values.iter().copied())?;
        kernel.check()?;
        Ok(kernel)
    }

    fn replaced(&self, next: &mut impl Iterator<Item = f64>) -> Result<Self> {
        Ok(match self {
            Self::Atom(atom) => Self::Atom(atom.replaced(next)?),
            Self::Product(parts) => {
                let parts = parts.iter().map(|k| k.replaced(next));
                Self::Product(parts.collect::<Result<_>>()?)
            }
            Self::Sum(parts) => {
                let mut out = Vec::with_capacity(parts.len());
                for (_, k) in parts {
                    let a = next.next().unwrap_or(f64::NAN);
                    out.push((a, k.replaced(next)?));
                }
                Self::Sum(out)
            }
            Self::Power(k, _) => {
                let k = k.replaced(next)?;
                Self::Power(Box::new(k), next.next().unwrap_or(f64::NAN))
            }
        })
    }
}
