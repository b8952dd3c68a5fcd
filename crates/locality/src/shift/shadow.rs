//! The density that a kernel's shift climbs.

use crate::{Atom, Bandwidth, Columns, Kernel, Metric, Profile};

/// The shadow of a kernel (Cheng 1995): the kernel whose density the shift under this one climbs. A kernel `k(u^2)` has the shadow `g`
/// with `-g' = k` up to a positive factor, both as functions of `u^2`. `None` where the library has no such kernel, as for `cauchy`
/// (`-ln(1 + u^2)`), and for kernels of several parts that are not all Gaussian.
///
/// ```
/// use locality::{Kernel, shift::shadow};
/// let of = |text: &str| shadow(&text.parse::<Kernel>().unwrap()).map(|k| k.to_string());
/// assert_eq!(of("flat(h=2)").as_deref(), Some("epanechnikov(h=2)"));
/// assert_eq!(of("gaussian(h=[1, 2])").as_deref(), Some("gaussian(h=[1, 2])"));
/// assert_eq!(of("student_t(h=1, nu=4)").as_deref(), Some("student_t(h=1.4142135623730951, nu=2)"));
/// assert_eq!(of("cauchy(h=2)"), None);
/// ```
pub fn shadow(kernel: &Kernel) -> Option<Kernel> {
    match kernel {
        Kernel::Atom(atom) => shadow_of(atom).map(Kernel::Atom),
        // A product of Gaussians is one.
        Kernel::Product(parts) if parts.iter().all(gaussians) => Some(kernel.clone()),
        _ => None,
    }
}

fn gaussians(kernel: &Kernel) -> bool {
    match kernel {
        Kernel::Atom(atom) => atom.profile().info().name == "gaussian" && !of_queries(atom),
        Kernel::Product(parts) => parts.iter().all(gaussians),
        _ => false,
    }
}

/// A bandwidth that moves with the point: there is no one density.
fn of_queries(atom: &Atom) -> bool {
    matches!(atom.bandwidth_rule(), Bandwidth::QueryNearest(_))
}

fn shadow_of(atom: &Atom) -> Option<Atom> {
    if of_queries(atom) {
        return None;
    }
    let values = atom.profile().values();
    // Name, parameter, and how many times as wide it is.
    let (name, parameter, wider) = match atom.profile().info().name {
        "gaussian" => ("gaussian", None, 1.0),
        "uniform" => ("epanechnikov", None, 1.0),
        "epanechnikov" => ("biweight", None, 1.0),
        "biweight" => ("triweight", None, 1.0),
        "laplace" => ("matern32", None, 3.0_f64.sqrt()),
        "matern32" => ("matern52", None, (5.0_f64 / 3.0).sqrt()),
        "student_t" if values[0] > 2.0 => {
            let nu = values[0] - 2.0;
            ("student_t", Some(("nu", nu)), (values[0] / nu).sqrt())
        }
        "rational_quadratic" if values[0] > 1.0 => {
            let alpha = values[0] - 1.0;
            let wider = (values[0] / alpha).sqrt();
            ("rational_quadratic", Some(("alpha", alpha)), wider)
        }
        _ => return None,
    };
    let parameters: Vec<(&str, f64)> = parameter.into_iter().collect();
    let profile = Profile::from_name(name, &parameters).ok()?;
    let scale = |h: &f64| h * wider;
    let bandwidth = match atom.bandwidth_rule() {
        Bandwidth::Fixed(h) => Bandwidth::Fixed(scale(h)),
        Bandwidth::PerFeature(h) => Bandwidth::PerFeature(h.iter().map(scale).collect()),
        Bandwidth::PerSite(h) => Bandwidth::PerSite(h.iter().map(scale).collect()),
        other if wider <= 1.0 => other.clone(),
        _ => return None,
    };
    let made = Atom::new(profile).bandwidth(bandwidth);
    let made = match atom.metric_in_force() {
        Metric::Euclidean => made,
        map @ Metric::Mahalanobis(_) => made.metric(map),
        _ => return None,
    };
    match atom.column_choice() {
        Columns::All => Some(made),
        Columns::Indices(list) => Some(made.columns(list.clone())),
        _ => None,
    }
}
