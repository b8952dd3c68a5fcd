//! What must hold for kernel densities: plain double loops, mass 1, draws, gradients, leave-one-out.

use locality::density::{BandwidthChoice, KernelDensity, KernelDensityFit};
use locality::{ErrorKind, Float, Kernel, LocalMean, PROFILES, Rows, Takes, Watch};
use locality_testing::formula::{distance, log_profile};
use locality_testing::{Rng, blobs, close, normal, table};

fn rows<T: Float>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn watch() -> Watch<'static> {
    Watch::default()
}

fn density(text: &str) -> KernelDensity {
    KernelDensity::new().kernel(text.parse().unwrap())
}

fn fit(text: &str, x: &[f64], d: usize) -> KernelDensityFit<f64> {
    density(text).fit(rows(x, d), &watch()).unwrap()
}

fn at(model: &KernelDensityFit<f64>, x: &[f64]) -> Vec<f64> {
    let d = model.samples().columns();
    model.log_density(rows(x, d), &watch()).unwrap()
}

/// Every profile of a distance that has an integral over `d` dimensions, as text with the bandwidth.
fn integrable(d: usize, h: f64) -> Vec<String> {
    let texts = PROFILES.iter().filter(|p| p.takes == Takes::Distance);
    texts
        .filter_map(|p| {
            let heavy = d as f64 + 2.0;
            match p.name {
                "cauchy" if d > 1 => None,
                "rational_quadratic" => Some(format!("rational_quadratic(h={h}, alpha={heavy})")),
                "student_t" => Some(format!("student_t(h={h}, nu={heavy})")),
                "bell" => Some(format!("bell(h={h}, b={heavy})")),
                name => Some(format!("{name}(h={h})")),
            }
        })
        .collect()
}

/// A profile as a textbook writes it.
fn weight(text: &str) -> impl Fn(f64) -> f64 {
    let kernel: Kernel = text.parse().unwrap();
    let profile = *kernel.atoms()[0].profile();
    let (name, values) = (profile.info().name, profile.values());
    move |u| log_profile(name, &values, u).unwrap().exp()
}

/// The mass of a profile in one dimension, by the midpoint rule with `x = tan`, and in `d` dimensions under the Euclidean norm.
fn mass(text: &str, d: usize) -> f64 {
    let n = 100_000;
    let weight = weight(text);
    let sphere = [2.0, std::f64::consts::TAU, 2.0 * std::f64::consts::TAU][d - 1];
    let radial = |r: f64| sphere * r.powi(d as i32 - 1) * weight(r);
    // Compact profiles end at 1, where the pieces meet.
    let inner: f64 = (0..n)
        .map(|i| radial((f64::from(i) + 0.5) / f64::from(n)))
        .sum();
    let outer: f64 = (0..n)
        .map(|i| {
            let t = (f64::from(i) + 0.5) / f64::from(n);
            radial(1.0 / t) / (t * t)
        })
        .sum();
    (inner + outer) / f64::from(n)
}

#[test]
fn densities_are_plain_double_loops() {
    for d in [1, 2, 3] {
        let (n, h) = (60, 0.8);
        let x = normal(1, n, d);
        let q = normal(2, 25, d);
        let mut rng = Rng::new(3);
        let c: Vec<f64> = (0..n)
            .map(|i| if i % 7 == 0 { 0.0 } else { rng.uniform() })
            .collect();
        for text in integrable(d, h) {
            let one = mass(&text, d) * h.powi(d as i32);
            let weighted = density(&text)
                .fit_weighted(rows(&x, d), Some(&c), &watch())
                .unwrap();
            let (found, weight) = (at(&weighted, &q), weight(&text));
            for (q, found) in q.chunks_exact(d).zip(found) {
                let parts = x.chunks_exact(d).zip(&c).map(|(k, c)| {
                    let u = distance("euclidean", &[], q, k).unwrap() / h;
                    c * weight(u)
                });
                let f = parts.sum::<f64>() / c.iter().sum::<f64>() / one;
                assert!(
                    close(found.exp(), f, 1e-8),
                    "{text} d={d}: {} {f}",
                    found.exp()
                );
            }
        }
    }
}

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

#[test]
fn weights_are_repetitions() {
    let x = normal(5, 40, 2);
    let c: Vec<f64> = (0..40).map(|i| f64::from(i % 4)).collect();
    let mut twice = Vec::new();
    for (row, c) in x.chunks_exact(2).zip(&c) {
        (0..*c as usize).for_each(|_| twice.extend_from_slice(row));
    }
    let q = normal(6, 30, 2);
    for text in ["gaussian(h=0.4)", "tricube(h=1.5)", "laplace(h=[0.2, 0.6])"] {
        let weighted = density(text)
            .fit_weighted(rows(&x, 2), Some(&c), &watch())
            .unwrap();
        let repeated = fit(text, &twice, 2);
        for (a, b) in at(&weighted, &q).iter().zip(at(&repeated, &q)) {
            assert!(close(*a, b, 1e-12), "{text}: {a} {b}");
        }
    }
    // So does the choice by likelihood, which leaves out places.
    let choose = |model: &KernelDensityFit<f64>| model.kernel().parameters();
    let weighted = density("gaussian").bandwidth(BandwidthChoice::Likelihood);
    let a = choose(
        &weighted
            .fit_weighted(rows(&x, 2), Some(&c), &watch())
            .unwrap(),
    );
    let b = choose(&weighted.fit(rows(&twice, 2), &watch()).unwrap());
    // The spreads are unbiased and not quite alike, nor is the factor's grid then: within the search's own precision.
    for (a, b) in a.iter().zip(b) {
        assert!((a.1 / b.1).ln().abs() < 0.15, "{} {}", a.1, b.1);
    }
}

#[test]
fn tolerances_are_kept() {
    let (x, _) = blobs(8, 6000, 3, 5, 1.0);
    let q: Vec<f64> = x[..900].iter().map(|v| v + 0.3).collect();
    for text in [
        "gaussian(h=0.5)",
        "laplace(h=0.4)",
        "student_t(h=0.5, nu=5)",
        "biweight(h=1.5)",
    ] {
        let exact = at(&fit(text, &x, 3), &q);
        for (rtol, atol) in [
            (1e-2, 0.0),
            (1e-5, 0.0),
            (0.0, 1e-5),
            (1e-4, 1e-6),
            (0.0, 1e3),
        ] {
            let model = density(text)
                .rtol(rtol)
                .atol(atol)
                .fit(rows(&x, 3), &watch())
                .unwrap();
            for (rough, exact) in at(&model, &q).iter().zip(&exact) {
                let (rough, exact) = (rough.exp(), exact.exp());
                let allowed = rtol * exact + atol + 1e-13 * exact;
                assert!(
                    (rough - exact).abs() <= allowed,
                    "{text} {rtol} {atol}: {rough} {exact}"
                );
            }
        }
    }
}

#[test]
fn gradients_are_slopes_and_mean_shift() {
    let x = normal(9, 200, 2);
    let q = normal(10, 30, 2);
    for text in [
        "gaussian(h=0.5)",
        "gaussian(h=[0.4, 0.9])",
        "triweight(h=2)",
        "student_t(h=0.5, nu=4)",
        "laplace(h=[0.5, 0.7], metric=manhattan)",
        "gaussian(h=0.5, cols=0) * biweight(h=2, cols=1)",
    ] {
        let model = fit(text, &x, 2);
        let found = model.score_function(rows(&q, 2), &watch()).unwrap();
        for (i, g) in found.iter().enumerate() {
            let e = 1e-5;
            let moved = |by: f64| {
                let mut p = q[i / 2 * 2..][..2].to_vec();
                p[i % 2] += by;
                at(&model, &p)[0]
            };
            let slope = (moved(e) - moved(-e)) / (2.0 * e);
            assert!(close(*g, slope, 1e-6), "{text}: {g} {slope}");
        }
    }
    // Tweedie: the Gaussian score is the mean shift over h^2.
    let model = fit("gaussian(h=0.5)", &x, 2);
    let score = model.score_function(rows(&q, 2), &watch()).unwrap();
    let means = LocalMean::new(Kernel::gaussian(0.5))
        .fit(rows(&x, 2), rows(&x, 2))
        .unwrap();
    let means = means.at(rows(&q, 2), &watch()).unwrap().means;
    for ((s, m), q) in score.iter().zip(&means).zip(&q) {
        assert!(close(*s, (m - q) / 0.25, 1e-11));
    }
    let nowhere = fit("uniform(h=1)", &x, 2)
        .score_function(rows(&[50.0, 50.0], 2), &watch())
        .unwrap();
    assert!(nowhere.iter().all(|g| g.is_nan()));
}

#[test]
fn leaving_one_out_is_a_refit() {
    let x = normal(11, 30, 2);
    let mut rng = Rng::new(12);
    let c: Vec<f64> = (0..30).map(|_| rng.uniform() + 0.1).collect();
    for text in ["gaussian(h=0.6)", "epanechnikov(h=0.9)"] {
        let model = density(text)
            .fit_weighted(rows(&x, 2), Some(&c), &watch())
            .unwrap();
        let found = model.leave_one_out(&watch()).unwrap();
        for (i, found) in found.iter().enumerate() {
            let (mut rest, mut weights) = (x.clone(), c.clone());
            rest.drain(2 * i..2 * i + 2);
            weights.remove(i);
            let refit = density(text)
                .fit_weighted(rows(&rest, 2), Some(&weights), &watch())
                .unwrap();
            let expected = at(&refit, &x[2 * i..2 * i + 2])[0];
            assert!(
                close(*found, expected, 1e-12),
                "{text} {i}: {found} {expected}"
            );
        }
    }
    let lone = fit("gaussian(h=1)", &[1.0], 1)
        .leave_one_out(&watch())
        .unwrap_err();
    assert_eq!(lone.kind(), ErrorKind::Parameter);
}

#[test]
fn adaptive_bandwidths_are_abramsons() {
    for d in [1, 2] {
        let x = normal(13, 80, d);
        let text = if d == 1 {
            "gaussian(h=0.4)"
        } else {
            "gaussian(h=[0.4, 0.8])"
        };
        let volume: f64 = if d == 1 { 0.4 } else { 0.4 * 0.8 };
        let h = [0.4, 0.8];
        let pilot = at(&fit(text, &x, d), &x);
        let mean = pilot.iter().sum::<f64>() / 80.0;
        let own: Vec<f64> = pilot.iter().map(|l| (-0.5 * (l - mean)).exp()).collect();
        let q = normal(14, 20, d);
        let model = density(text)
            .adaptive(0.5)
            .fit(rows(&x, d), &watch())
            .unwrap();
        for (q, found) in q.chunks_exact(d).zip(at(&model, &q)) {
            let f: f64 = x
                .chunks_exact(d)
                .zip(&own)
                .map(|(x, own)| {
                    let squares = x
                        .iter()
                        .zip(q)
                        .zip(h)
                        .map(|((x, q), h)| ((x - q) / (h * own)).powi(2));
                    let scale =
                        volume * own.powi(d as i32) * std::f64::consts::TAU.powf(0.5 * d as f64);
                    (-0.5 * squares.sum::<f64>()).exp() / scale / 80.0
                })
                .sum();
            assert!(close(found, f.ln(), 1e-11), "{found} {}", f.ln());
        }
    }
}

#[test]
fn single_precision_and_threads() {
    let x = normal(15, 3000, 3);
    let q = normal(16, 50, 3);
    let wide = at(&fit("gaussian(h=0.4)", &x, 3), &q);
    let (x32, q32) = (table(&x), table(&q));
    let narrow = density("gaussian(h=0.4)")
        .fit(rows(&x32, 3), &watch())
        .unwrap();
    for (a, b) in narrow
        .log_density(rows(&q32, 3), &watch())
        .unwrap()
        .iter()
        .zip(&wide)
    {
        assert!(close(f64::from(*a), *b, 1e-5), "{a} {b}");
    }
    let run = |threads| {
        let watch = Watch::default().threads(threads);
        let model = density("biweight").fit(rows(&x, 3), &watch).unwrap();
        let draws = model.sample(3000, 5, &watch).unwrap();
        let score = model.score_function(rows(&q, 3), &watch).unwrap();
        let log = model.log_density(rows(&q, 3), &watch).unwrap();
        let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (
            bits(&draws),
            bits(&score),
            bits(&log),
            model.kernel().to_string(),
        )
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn mistakes_are_named() {
    let x = normal(17, 20, 2);
    let e = |d: KernelDensity| d.fit(rows(&x, 2), &watch()).unwrap_err();
    for (text, kind, say) in [
        ("cauchy(h=1)", ErrorKind::Unsupported, "too slowly"),
        (
            "student_t(h=1, nu=1)",
            ErrorKind::Unsupported,
            "2 dimensions",
        ),
        (
            "gaussian(h=1, metric=cosine)",
            ErrorKind::Unsupported,
            "metric=cosine",
        ),
        ("softmax", ErrorKind::Unsupported, "score"),
        ("gaussian(h=1, cols=0)", ErrorKind::Unsupported, "column 1"),
        (
            "gaussian(h=1, cols=0) * gaussian(h=1)",
            ErrorKind::Unsupported,
            "two factors",
        ),
        ("gaussian(h=1, cols=5)", ErrorKind::Shape, "column 5"),
        ("gaussian(knn=3)", ErrorKind::Unsupported, "site_knn"),
        ("gaussian(site_knn=20)", ErrorKind::Parameter, "site_knn=20"),
        (
            "gaussian(h=1, metric=mahalanobis, map=[[1, 2], [2, 4]])",
            ErrorKind::Unsupported,
            "no inverse",
        ),
        (
            "(gaussian(h=1) + gaussian(h=2))^2",
            ErrorKind::Unsupported,
            "power",
        ),
        (
            "gaussian(h=1, cols=0) + gaussian(h=2)",
            ErrorKind::Unsupported,
            "different columns",
        ),
    ] {
        let error = e(density(text));
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(say), "{text}: {error}");
    }
    for (d, say) in [
        (density("gaussian").bandwidth(-1.0), "bandwidth=-1"),
        (density("gaussian").bandwidth(f64::NAN), "bandwidth=NaN"),
        (density("gaussian").bandwidth(vec![1.0]), "1 numbers"),
        (density("gaussian").bandwidth(vec![1.0, 0.0]), "bandwidth=0"),
        (
            density("gaussian").bandwidth(BandwidthChoice::ImprovedSheatherJones),
            "one column",
        ),
        (
            density("student_t(nu=2)").bandwidth(BandwidthChoice::Scott),
            "finite variance",
        ),
        (density("gaussian(h=1)").rtol(1.0), "rtol=1"),
        (density("gaussian(h=1)").atol(-1.0), "atol=-1"),
        (density("gaussian(h=1)").adaptive(2.0), "adaptive=2"),
        (
            density("gaussian(h=1, cols=0) * gaussian(h=1, cols=1)").adaptive(0.5),
            "several parts",
        ),
    ] {
        let error = e(d).to_string();
        assert!(error.contains(say), "{error}");
    }
    let flat = [1.0, 5.0, 2.0, 5.0, 3.0, 5.0];
    let error = density("gaussian")
        .bandwidth(BandwidthChoice::Scott)
        .fit(rows(&flat, 2), &watch())
        .unwrap_err();
    assert!(error.to_string().contains("column 1"), "{error}");
    let weights = density("gaussian(h=1)")
        .fit_weighted(rows(&x, 2), Some(&[1.0; 3]), &watch())
        .unwrap_err();
    assert_eq!(weights.kind(), ErrorKind::Shape);
    let model = fit("gaussian(h=1)", &x, 2);
    assert_eq!(
        model.log_density(rows(&x, 1), &watch()).unwrap_err().kind(),
        ErrorKind::Shape
    );
    assert_eq!(
        model
            .log_density(rows(&[f64::NAN, 0.0], 2), &watch())
            .unwrap_err()
            .kind(),
        ErrorKind::NotFinite
    );
    assert!(
        model
            .log_density(rows(&[], 2), &watch())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn far_away_the_logarithm_still_knows() {
    let model = fit("gaussian(h=0.1)", &[0.0], 1);
    let log = at(&model, &[100.0])[0];
    let expected = -0.5 * 1e6 - 0.1_f64.ln() - 0.5 * std::f64::consts::TAU.ln();
    assert!((log / expected - 1.0).abs() < 1e-14, "{log}");
    let empty = at(&fit("uniform(h=0.1)", &[0.0], 1), &[100.0])[0];
    assert_eq!(empty, f64::NEG_INFINITY);
}
