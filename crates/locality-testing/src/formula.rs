//! Every profile and metric once more, as a textbook writes it, in double precision: what the lists are tested against.

/// Log-weight of the profile called `name` at `x` (distance over bandwidth, or score), with its parameters in list order; `None`
/// where no formula is written down here, which is a reason to write one.
#[allow(clippy::many_single_char_names)]
pub fn log_profile(name: &str, parameters: &[f64], x: f64) -> Option<f64> {
    let p = |i: usize| parameters[i];
    Some(match name {
        "gaussian" => -0.5 * x * x,
        "laplace" => -x,
        "epanechnikov" => (1.0 - x * x).max(0.0).ln(),
        "biweight" => 2.0 * (1.0 - x * x).max(0.0).ln(),
        "triweight" => 3.0 * (1.0 - x * x).max(0.0).ln(),
        "tricube" => 3.0 * (1.0 - x.powi(3)).max(0.0).ln(),
        "triangular" => (1.0 - x).max(0.0).ln(),
        "uniform" => (if x <= 1.0 { 1.0_f64 } else { 0.0 }).ln(),
        "cosine" if x < 1.0 => (std::f64::consts::FRAC_PI_2 * x).cos().ln(),
        "cosine" => f64::NEG_INFINITY,
        "cauchy" => -(x * x).ln_1p(),
        "rational_quadratic" => -p(0) * (x * x / (2.0 * p(0))).ln_1p(),
        "student_t" => -0.5 * (p(0) + 1.0) * (x * x / p(0)).ln_1p(),
        "matern32" => {
            let a = 3_f64.sqrt() * x;
            a.ln_1p() - a
        }
        "matern52" => {
            let a = 5_f64.sqrt() * x;
            (a + a * a / 3.0).ln_1p() - a
        }
        "softmax" => p(0) * x,
        "softcap" => p(1) * (p(0) * x / p(1)).tanh(),
        "sigmoid" => -softplus(-(p(0) * x + p(1))),
        "polynomial" => p(0) * (p(1) * x + p(2)).max(0.0).ln(),
        "bell" => -softplus(2.0 * p(0) * x.ln()),
        "trapezoid" => ((1.0 - x) / (1.0 - p(0))).clamp(0.0, 1.0).ln(),
        "s" => rise((x - p(0)) / (p(1) - p(0))).ln(),
        "z" => rise((p(1) - x) / (p(1) - p(0))).ln(),
        _ => return None,
    })
}

/// `ln(1 + e^x)`
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Zadeh's S curve from 0 at 0 to 1 at 1.
fn rise(t: f64) -> f64 {
    if t <= 0.0 {
        0.0
    } else if t < 0.5 {
        2.0 * t * t
    } else if t < 1.0 {
        1.0 - 2.0 * (1.0 - t) * (1.0 - t)
    } else {
        1.0
    }
}

/// Distance of `q` and `k` under the metric called `name` (for `dot` and `difference` their score), `map` being the matrix of
/// `mahalanobis`; `None` where no formula is written down here.
pub fn distance(name: &str, map: &[Vec<f64>], q: &[f64], k: &[f64]) -> Option<f64> {
    let pairs = || q.iter().zip(k);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    Some(match name {
        "euclidean" => pairs().map(|(q, k)| (q - k).powi(2)).sum::<f64>().sqrt(),
        "mahalanobis" => {
            let d: Vec<f64> = pairs().map(|(q, k)| q - k).collect();
            map.iter()
                .map(|row| dot(row, &d).powi(2))
                .sum::<f64>()
                .sqrt()
        }
        "manhattan" => pairs().map(|(q, k)| (q - k).abs()).sum(),
        "chebyshev" => pairs().map(|(q, k)| (q - k).abs()).fold(0.0, f64::max),
        "cosine" => {
            let norms = (dot(q, q) * dot(k, k)).sqrt();
            match (dot(q, q) == 0.0, dot(k, k) == 0.0) {
                (false, false) => 1.0 - dot(q, k) / norms,
                (zero_q, zero_k) => f64::from(u8::from(zero_q != zero_k)),
            }
        }
        "dot" => dot(q, k),
        "haversine" => haversine(q, k),
        "haversine_km" => {
            let radians = |x: &[f64]| -> Vec<f64> { x.iter().map(|v| v.to_radians()).collect() };
            6371.0088 * haversine(&radians(q), &radians(k))
        }
        "hamming" => pairs().filter(|(q, k)| q != k).count() as f64,
        "difference" => q[0] - k[0],
        _ => return None,
    })
}

/// Great-circle distance by the haversine formula itself (Sinnott 1984).
fn haversine(q: &[f64], k: &[f64]) -> f64 {
    let half = |x: f64| (x / 2.0).sin().powi(2);
    let h = half(q[0] - k[0]) + q[0].cos() * k[0].cos() * half(q[1] - k[1]);
    2.0 * h.min(1.0).sqrt().asin()
}
