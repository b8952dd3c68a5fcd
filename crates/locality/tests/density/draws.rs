//! Draws follow the density.

use super::*;

#[test]
fn draws_follow_the_density_in_one_dimension() {
    let x = [-1.0, 0.2, 2.0];
    let c = [1.0, 2.0, 1.0];
    for text in integrable(1, 0.6) {
        let model = density(&text)
            .fit_weighted(rows(&x, 1), Some(&c), &watch())
            .unwrap();
        let m = 20_000;
        let mut draws = model.sample(m, 7, &watch()).unwrap();
        draws.sort_by(f64::total_cmp);
        // The distribution function by the midpoint rule in x = sinh(t).
        let n = 100_000;
        let step = 50.0 / f64::from(n);
        let t: Vec<f64> = (0..n)
            .map(|i| -25.0 + (f64::from(i) + 0.5) * step)
            .collect();
        let q: Vec<f64> = t.iter().map(|t| t.sinh()).collect();
        let mut below = 0.0;
        let log = at(&model, &q);
        let cumulative: Vec<f64> = log
            .iter()
            .zip(&t)
            .map(|(l, t)| {
                below += l.exp() * t.cosh() * step;
                below
            })
            .collect();
        let mut gap: f64 = 0.0;
        for (i, draw) in draws.iter().enumerate() {
            let f = cumulative[q.partition_point(|q| q < draw).min(q.len() - 1)];
            gap = gap.max((f - i as f64 / m as f64).abs());
        }
        // Kolmogorov and Smirnov, at a level of 1e-4.
        assert!(gap * (m as f64).sqrt() < 2.23, "{text}: {gap}");
    }
}

#[test]
fn draws_follow_the_density_under_every_metric() {
    let x = [0.0, 0.0, 1.5, 0.4, -0.6, 2.1];
    let c = [3.0, 1.0, 2.0];
    let waves = [[1.0, 0.0], [0.0, 1.3], [1.1, 0.9], [-1.7, 1.2]];
    let n = 500;
    let (reach, step) = (9.0, 18.0 / f64::from(n));
    let mut grid = Vec::new();
    for i in 0..n * n {
        grid.push(-reach + (f64::from(i / n) + 0.5) * step);
        grid.push(-reach + (f64::from(i % n) + 0.5) * step);
    }
    for text in [
        "gaussian(h=[0.5, 0.9])",
        "laplace(h=0.4, metric=manhattan)",
        "epanechnikov(h=[1.4, 0.8], metric=manhattan)",
        "uniform(h=[1.4, 0.8], metric=chebyshev)",
        "matern52(h=0.5, metric=chebyshev)",
        "gaussian(h=0.7, metric=mahalanobis, map=[[1, 0.8], [0, 2]])",
        "gaussian(h=0.5, cols=1) * triangular(h=1.5, cols=0)",
        "0.3 * gaussian(h=0.4) + 2 * biweight(h=1.9)",
        "tricube(site_h=[0.5, 0.8, 2.5])",
    ] {
        let model = density(text)
            .fit_weighted(rows(&x, 2), Some(&c), &watch())
            .unwrap();
        let m = 40_000;
        let draws = model.sample(m, 1, &watch()).unwrap();
        let f: Vec<f64> = at(&model, &grid)
            .iter()
            .map(|l| l.exp() * step * step)
            .collect();
        for w in waves {
            let wave =
                |x: &[f64]| (w[0] * x[0] + w[1] * x[1]).sin() + (w[0] * x[0] - w[1] * x[1]).cos();
            let expected: f64 = grid.chunks_exact(2).zip(&f).map(|(x, f)| wave(x) * f).sum();
            let found = draws.chunks_exact(2).map(wave).sum::<f64>() / m as f64;
            // A wave of size 2 has a standard error of at most 2 / sqrt(m).
            assert!(
                (found - expected).abs() < 4.0 * 1.2 / (m as f64).sqrt() + 1e-3,
                "{text}: {found} {expected}"
            );
        }
    }
}

#[test]
fn draws_on_the_sphere_are_as_far_away_as_the_kernel_says() {
    let x = [80.0, 170.0];
    let model = fit("gaussian(h=700, metric=haversine_km)", &x, 2);
    let m = 20_000;
    let draws = model.sample(m, 3, &watch()).unwrap();
    let mean = |f: &dyn Fn(&[f64]) -> f64| draws.chunks_exact(2).map(f).sum::<f64>() / m as f64;
    let far = |x: &[f64], p: &[f64]| distance("haversine_km", &[], x, p).unwrap();
    // On so small a cap the plane's law holds nearly: E r^2 = 2 h^2.
    let square = mean(&|p| (far(&x, p) / 700.0).powi(2));
    assert!((square - 2.0).abs() < 0.06, "{square}");
    // All directions alike: as many beyond the pole as the density says.
    let q = draws.clone();
    let beyond = q.chunks_exact(2).filter(|p| {
        (p[1] - 170.0).rem_euclid(360.0) > 90.0 && (p[1] - 170.0).rem_euclid(360.0) < 270.0
    });
    let share = beyond.count() as f64 / m as f64;
    // A great circle at 1112 km from the key's: half the normal tail beyond 1112 / 700 standard deviations and a little.
    assert!((share - 0.056).abs() < 0.01, "{share}");
    assert!(
        draws
            .chunks_exact(2)
            .all(|p| p[0].abs() <= 90.0 && p[1].abs() <= 180.0)
    );
}
