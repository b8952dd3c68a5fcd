//! What must hold for kernel densities: plain double loops, mass 1, draws, gradients, leave-one-out.

mod draws;
mod mass;

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
