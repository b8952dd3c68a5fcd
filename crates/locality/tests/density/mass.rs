//! The mass is 1.

use super::*;

#[test]
fn mass_is_one_in_one_dimension() {
    let x = [-1.0, 0.2, 0.3, 2.0];
    let c = [1.0, 2.0, 0.5, 3.0];
    for text in integrable(1, 0.7) {
        let model = density(&text)
            .fit_weighted(rows(&x, 1), Some(&c), &watch())
            .unwrap();
        // x = sinh(t) / 3 reaches far enough for the Cauchy distribution.
        let n = 200_000;
        let (reach, step) = (25.0, 50.0 / f64::from(n));
        let t: Vec<f64> = (0..n)
            .map(|i| -reach + (f64::from(i) + 0.5) * step)
            .collect();
        let q: Vec<f64> = t.iter().map(|t| t.sinh() / 3.0).collect();
        let log = at(&model, &q);
        let sum: f64 = log
            .iter()
            .zip(&t)
            .map(|(l, t)| l.exp() * t.cosh() / 3.0 * step)
            .sum();
        // Profiles with an edge have an error of a step's width at the edge.
        assert!((sum - 1.0).abs() < 3e-4, "{text}: {sum}");
    }
}

#[test]
fn mass_is_one_in_two_dimensions_under_every_metric() {
    let x = [0.0, 0.0, 0.5, 0.4, -0.6, 0.1];
    let n = 500;
    let (reach, step) = (7.0, 14.0 / f64::from(n));
    let mut q = Vec::new();
    for i in 0..n * n {
        q.push(-reach + (f64::from(i / n) + 0.5) * step);
        q.push(-reach + (f64::from(i % n) + 0.5) * step);
    }
    for text in [
        "gaussian(h=[0.5, 0.9])",
        "epanechnikov(h=[0.5, 1.5])",
        "laplace(h=0.3)",
        "triweight(h=0.9, metric=manhattan)",
        "gaussian(h=[0.4, 0.8], metric=manhattan)",
        "tricube(h=[0.7, 1.1], metric=chebyshev)",
        "matern32(h=0.3, metric=chebyshev)",
        "gaussian(h=0.7, metric=mahalanobis, map=[[1, 0.8], [0, 2]])",
        "biweight(h=1.4, metric=mahalanobis, map=[[2, 1], [0.5, -1]])",
        "gaussian(h=0.5, cols=1) * epanechnikov(h=0.7, cols=0)",
        "0.3 * gaussian(h=0.4) + 2 * biweight(h=1.2)",
        "gaussian(h=0.5)^2 ",
        "epanechnikov(h=0.9)^0.5",
        "biweight(site_h=[0.5, 0.8, 1.5])",
        "gaussian(site_knn=1)",
        "cosine(h=1.1)",
        "bell(h=0.4, b=6)",
        "trapezoid(h=0.9, core=0.3)",
    ] {
        let model = fit(text, &x, 2);
        let sum = at(&model, &q).iter().map(|l| l.exp()).sum::<f64>() * step * step;
        assert!((sum - 1.0).abs() < 1e-3, "{text}: {sum}");
    }
}

#[test]
fn mass_is_one_on_the_sphere() {
    let n = 500;
    let half = std::f64::consts::FRAC_PI_2;
    let step = 2.0 * half / f64::from(n);
    let (mut q, mut area) = (Vec::new(), Vec::new());
    for i in 0..n {
        let lat = -half + (f64::from(i) + 0.5) * step;
        for j in 0..2 * n {
            q.extend([lat, -2.0 * half + (f64::from(j) + 0.5) * step]);
            area.push(lat.cos() * step * step);
        }
    }
    let x = [0.3, 1.0, -1.2, 3.0, 1.4, -2.0];
    for text in [
        "gaussian(h=0.3",
        "epanechnikov(h=0.8",
        "laplace(h=2",
        "cauchy(h=0.5",
    ] {
        let model = fit(&format!("{text}, metric=haversine)"), &x, 2);
        let sum: f64 = at(&model, &q)
            .iter()
            .zip(&area)
            .map(|(l, a)| l.exp() * a)
            .sum();
        assert!((sum - 1.0).abs() < 1e-4, "{text}: {sum}");
    }
    let degrees: Vec<f64> = x.iter().map(|x| x.to_degrees()).collect();
    let model = fit("gaussian(h=900, metric=haversine_km)", &degrees, 2);
    let q: Vec<f64> = q.iter().map(|x| x.to_degrees()).collect();
    let square = 6371.0088_f64.powi(2);
    let sum: f64 = at(&model, &q)
        .iter()
        .zip(&area)
        .map(|(l, a)| l.exp() * a * square)
        .sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}

#[test]
fn mass_is_one_in_five_dimensions() {
    // Importance sampling from a Student t of one degree, whose density is known and whose tail is heavier than all of these.
    let (d, m) = (5, 40_000);
    let mut rng = Rng::new(4);
    let (mut q, mut log_g) = (Vec::with_capacity(m * d), Vec::with_capacity(m));
    let log_constant = 2_f64.ln() - 3.0 * std::f64::consts::PI.ln();
    for _ in 0..m {
        let z: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
        let w = rng.normal().abs();
        let x: Vec<f64> = z.iter().map(|z| z / w).collect();
        let square: f64 = x.iter().map(|x| x * x).sum();
        log_g.push(log_constant - 3.0 * square.ln_1p());
        q.extend(x);
    }
    let x = [0.0, 0.0, 0.0, 0.0, 0.0, 0.3, -0.2, 0.1, 0.0, 0.5];
    for text in integrable(d, 1.3) {
        let model = fit(&text, &x, d);
        let ratios: Vec<f64> = at(&model, &q)
            .iter()
            .zip(&log_g)
            .map(|(f, g)| (f - g).exp())
            .collect();
        let mean = ratios.iter().sum::<f64>() / m as f64;
        let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (m * m) as f64;
        let error = variance.sqrt();
        assert!(
            error < 0.03 && (mean - 1.0).abs() < 4.5 * error,
            "{text}: {mean} +- {error}"
        );
    }
}
