//! The energy that a kernel's recall goes down, where it is known.

use crate::{Atom, Bandwidth, Columns, Kernel, Metric, Profile};

/// How the energy of a state is read off a log normaliser `L`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Energy {
    /// `|x|^2 / 2 - L / beta` (Ramsauer et al. 2021, eq. 2, without its constants).
    Softmax { beta: f64 },
    /// `-scale L`, with `L` under this kernel: the shadow of the kernel that weighs (Cheng 1995).
    Shadow { kernel: Kernel, scale: f64 },
}

impl Energy {
    /// The energy of a kernel of one profile on all columns; none where no energy is known.
    pub(super) fn of(kernel: &Kernel) -> Option<Self> {
        let (atom, power) = match kernel {
            Kernel::Atom(atom) => (atom, 1.0),
            Kernel::Power(inner, power) => match &**inner {
                Kernel::Atom(atom) => (atom, *power),
                _ => return None,
            },
            _ => return None,
        };
        if *atom.column_choice() != Columns::All {
            return None;
        }
        if let (Profile::Softmax(_), Metric::Dot) = (atom.profile(), atom.metric_in_force()) {
            let beta = atom.profile().values()[0] * power;
            return (beta > 0.0).then_some(Self::Softmax { beta });
        }
        Self::shadow(atom, power)
    }

    fn shadow(atom: &Atom, power: f64) -> Option<Self> {
        if atom.metric_in_force() != Metric::Euclidean {
            return None;
        }
        let square = match atom.bandwidth_rule() {
            Bandwidth::Fixed(h) => h * h,
            // Where each column has a unit of its own, that is the unit.
            Bandwidth::Default | Bandwidth::PerFeature(_) => 1.0,
            _ => return None,
        };
        let own = |power: f64, scale: f64| {
            let kernel = Kernel::Atom(atom.clone());
            let kernel = if (power - 1.0).abs() < f64::EPSILON {
                kernel
            } else {
                kernel.power(power)
            };
            (power > 0.0).then_some(Self::Shadow { kernel, scale })
        };
        // `(1 - u^2)^p` has the shadow `(1 - u^2)^(p + 1)`.
        let ended = |degree: f64| {
            let profile = Profile::from_name("epanechnikov", &[]).ok()?;
            let mut base = Atom::new(profile).metric(Metric::Euclidean);
            base = match atom.bandwidth_rule() {
                Bandwidth::Default => base.bandwidth(1.0),
                given => base.bandwidth(given.clone()),
            };
            let kernel = Kernel::Atom(base);
            let kernel = if degree == 0.0 {
                kernel
            } else {
                kernel.power(degree + 1.0)
            };
            Some(Self::Shadow {
                kernel,
                scale: 0.5 * square,
            })
        };
        match atom.profile() {
            Profile::Gaussian(_) => own(power, square / power),
            Profile::Uniform(_) => ended(0.0),
            Profile::Epanechnikov(_) => ended(power),
            Profile::Biweight(_) => ended(2.0 * power),
            Profile::Triweight(_) => ended(3.0 * power),
            // `(1 + a u^2)^-p` has the shadow `(1 + a u^2)^-(p - 1)`.
            Profile::RationalQuadratic(_) => {
                let p = atom.profile().values()[0] * power;
                own(power * (p - 1.0) / p, square)
            }
            Profile::StudentT(_) => {
                let p = 0.5 * (atom.profile().values()[0] + 1.0) * power;
                own(power * (p - 1.0) / p, square)
            }
            _ => None,
        }
    }
}
