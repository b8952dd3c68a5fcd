//! Empty regions, far and tiny places, and precision.

use crate::case::*;
use locality_core::{Float, Kernel, LocalMean, OnEmpty, Rows, Watch, local_mean};
use locality_testing::{blobs, close, line_and_outliers, normal, plain_mean, table};

#[test]
fn empty_regions_follow_the_policy() {
    let keys = [0.0, 1.0, 4.0];
    let values = [10.0, 20.0, 60.0];
    let (keys, values) = (Rows::column(&keys), Rows::column(&values));
    let queries = [0.2, 2.6, -50.0];
    let kernel: Kernel = "tricube(h=0.5)".parse().unwrap();
    let at = |policy, weights: Option<&[f64]>| {
        let mean = LocalMean::new(kernel.clone()).on_empty(policy);
        let fit = match weights {
            Some(w) => mean.fit_weighted(keys, values, w),
            None => mean.fit(keys, values),
        };
        fit.unwrap().at(Rows::column(&queries), &Watch::default())
    };
    let e = at(OnEmpty::Error, None).unwrap_err();
    assert_eq!(e.kind(), locality_core::ErrorKind::EmptyRegion);
    assert!(
        e.to_string().contains("query 1 ") && e.to_string().contains("tricube(h=0.5)"),
        "{e}"
    );
    let empty = f64::NEG_INFINITY;
    for (policy, weights, want) in [
        (OnEmpty::Nan, None, [f64::NAN, f64::NAN]),
        (OnEmpty::Nearest, None, [60.0, 10.0]),
        (OnEmpty::Global, None, [30.0, 30.0]),
        (OnEmpty::Global, Some([1.0, 1.0, 2.0]), [37.5, 37.5]),
        // A key without sample weight is no key.
        (OnEmpty::Nearest, Some([1.0, 1.0, 0.0]), [20.0, 10.0]),
    ] {
        let out = at(policy, weights.as_ref().map(|w| &w[..])).unwrap();
        assert_eq!(out.means[0], 10.0);
        assert!(out.log_normalizer[0].is_finite());
        assert!(close(out.means[1], want[0], 0.0) && close(out.means[2], want[1], 0.0));
        assert_eq!(out.log_normalizer[1..], [empty, empty]);
    }
}

/// `-r^2 / 2` underflows `exp` by far; the largest weight sets the scale.
#[test]
fn far_queries_are_finite_and_lean_to_the_nearest_key() {
    let n = 700;
    let keys = normal(1, n, 2);
    let values: Vec<f64> = keys.chunks_exact(2).map(|k| k[0]).collect();
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for kernel in every_kernel() {
        let info = kernel.atoms()[0].profile().info();
        if info.bounded || info.takes == locality_core::Takes::Score {
            continue;
        }
        for far in [1e3, 1e6, 1e9] {
            for tolerance in [0.0, 1e-6] {
                let mean = LocalMean::new(kernel.clone()).tolerance(tolerance);
                let fit = mean
                    .fit(Rows::new(&keys, n, 2).unwrap(), Rows::column(&values))
                    .unwrap();
                let out = fit
                    .at(Rows::new(&[far, 0.0], 1, 2).unwrap(), &Watch::default())
                    .unwrap();
                assert!(
                    out.means[0].is_finite() && out.log_normalizer[0].is_finite(),
                    "{kernel} at {far}"
                );
                let log = locality_testing::formula::log_profile(
                    info.name,
                    &kernel.atoms()[0].profile().values(),
                    far / 1.2,
                );
                // All keys are about equally far, to a few units of the bandwidth.
                let log = log.unwrap() + (n as f64).ln();
                let spread = if info.name == "gaussian" {
                    10.0 * far
                } else {
                    20.0
                };
                assert!(
                    (out.log_normalizer[0] - log).abs() < spread,
                    "{kernel} at {far}"
                );
                if info.name == "gaussian" {
                    assert!((out.means[0] - top).abs() < 0.01, "{}", out.means[0]);
                }
            }
        }
    }
}

#[test]
fn log_weights_of_minus_a_hundred_thousand_keep_their_digits() {
    let case = Case::new(3, 300, 20, 2, 1);
    let mut shifted = case.clone();
    // One more column: -1e5 for every pair.
    let widen = |x: &[f64], last: f64| -> Vec<f64> {
        x.chunks_exact(2).flat_map(|r| [r[0], r[1], last]).collect()
    };
    shifted.d = 3;
    shifted.keys = widen(&case.keys, -1e5);
    shifted.queries = widen(&case.queries, 1.0);
    for engine in ["reference", "tiled", "tree"] {
        let run = |case: &Case| {
            let keys = Rows::new(&case.keys, 300, case.d).unwrap();
            let fit =
                parse("softmax(beta=1)").fit_engine(keys, Rows::column(&case.values), None, engine);
            let queries = Rows::new(&case.queries, 20, case.d).unwrap();
            fit.unwrap().at(queries, &Watch::default()).unwrap()
        };
        let (plain, low) = (run(&case), run(&shifted));
        for i in 0..20 {
            assert!(close(low.means[i], plain.means[i], 1e-9));
            assert!(close(
                low.log_normalizer[i] + 1e5,
                plain.log_normalizer[i],
                1e-9
            ));
        }
    }
}

#[test]
fn far_origins_keep_the_digits_of_differences() {
    for kernel in [
        "gaussian(h=1)",
        "laplace(h=1, metric=manhattan)",
        "epanechnikov(h=2)",
        "gaussian(metric=mahalanobis, map=[[1, 0.5], [0, 2]])",
        "gaussian(knn=30)",
    ] {
        let n = 800;
        let mut near = Case::new(4, n, 30, 2, 1);
        let mut far = near.clone();
        // On a grid that 1e8 does not round.
        for (near, far) in [
            (&mut near.keys, &mut far.keys),
            (&mut near.queries, &mut far.queries),
        ] {
            for (a, b) in near.iter_mut().zip(far) {
                *a = (*a * 1024.0).round() / 1024.0;
                *b = *a + 1e8;
            }
        }
        same(
            &near.run(&parse(kernel), false),
            &far.run(&parse(kernel), false),
            1e-11,
            &kernel,
        );
    }
}

#[test]
fn denormal_and_tiny_coordinates_are_at_no_distance() {
    let keys = [0.0, 5e-324, 1e-310, -1e-308, 1e-200];
    let values = [1.0, 2.0, 3.0, 4.0, 5.0];
    for kernel in every_kernel() {
        if kernel.atoms()[0].profile().info().takes == locality_core::Takes::Score {
            continue;
        }
        let out = local_mean(
            &kernel,
            Rows::column(&keys),
            Rows::column(&keys),
            Rows::column(&values),
        );
        let out = out.unwrap();
        assert!(
            out.means.iter().all(|m| close(*m, 3.0, 1e-12)),
            "{kernel}: {:?}",
            out.means
        );
        assert!(
            out.log_normalizer
                .iter()
                .all(|l| close(*l, 5_f64.ln(), 1e-12))
        );
    }
    // At a bandwidth of their own size they are told apart.
    let keys = [0.0, 1e-100, 3e-100];
    let kernel: Kernel = "gaussian(h=1e-100)".parse().unwrap();
    let out = local_mean(
        &kernel,
        Rows::column(&[0.0]),
        Rows::column(&keys),
        Rows::column(&values[..3]),
    );
    let (want, _) = plain_mean(&[0.0, -0.5, -4.5], &values[..3], 1).unwrap();
    assert!(close(out.unwrap().means[0], want[0], 1e-12));
}

#[test]
fn one_key_one_column_and_any_number_of_values() {
    for p in [0, 1, 5] {
        for n in [1, 2, 64, 65] {
            let case = Case::new(n as u64, n, 7, 1, p);
            for kernel in every_kernel() {
                let out = case.run(&mean_of(&kernel), false);
                assert_eq!((out.means.len(), out.log_normalizer.len()), (7 * p, 7));
                let alone = out.means.chunks_exact(p.max(1)).zip(&out.log_normalizer);
                for (mean, log) in alone.filter(|(_, log)| log.is_finite()) {
                    if n == 1 {
                        let exact = mean
                            .iter()
                            .zip(&case.values)
                            .all(|(a, b)| close(*a, *b, 1e-14));
                        assert!(exact, "{kernel}: {log}");
                    }
                }
            }
        }
    }
    let out = Case::new(1, 5, 0, 3, 2).run(&parse("gaussian(h=1)"), false);
    assert!(out.means.is_empty() && out.log_normalizer.is_empty());
}

/// Single precision is the double-precision answer to the same numbers, rounded.
#[test]
fn single_precision_is_close_to_double() {
    fn run<T: Float>(x: &[T], values: &[T], kernel: &Kernel) -> Vec<f64> {
        let n = values.len();
        let rows = Rows::new(x, n, 2).unwrap();
        let mean = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan);
        let out = mean
            .fit(rows, Rows::column(values))
            .unwrap()
            .at(rows, &Watch::default());
        let out = out.unwrap();
        out.means
            .iter()
            .chain(&out.log_normalizer)
            .map(|x| x.to_f64())
            .collect()
    }
    for x in [
        normal(1, 600, 2),
        blobs(2, 600, 2, 5, 0.3).0,
        line_and_outliers(3, 600, 2),
    ] {
        let single = table(&x);
        let double: Vec<f64> = single.iter().map(|x| f64::from(*x)).collect();
        let values = table(&normal(4, 600, 1));
        let wide: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        for kernel in [
            "gaussian(h=0.7)",
            "cauchy(h=0.5)",
            "laplace(h=2, metric=manhattan)",
            "biweight(h=3)",
        ] {
            let kernel = kernel.parse().unwrap();
            let (a, b) = (run(&single, &values, &kernel), run(&double, &wide, &kernel));
            for (a, b) in a.iter().zip(&b) {
                assert!(close(*a, *b, 2e-5), "{kernel}: {a} and {b}");
            }
        }
    }
}

/// A weight at a squared distance.
type Weight = fn(f32) -> f32;

/// The error of single precision is at most twice that of a loop as one writes it, all in single precision.
#[test]
fn single_precision_errs_no_more_than_twice_a_plain_loop() {
    let (n, m, d) = (3000, 200, 3);
    let (keys, queries) = (table(&normal(1, n, d)), table(&normal(2, m, d)));
    let values: Vec<f32> = table(&normal(3, n, 1)).iter().map(|v| v + 3.0).collect();
    let wide = |x: &[f32]| -> Vec<f64> { x.iter().map(|x| f64::from(*x)).collect() };
    let cases: [(&str, Weight); 4] = [
        ("gaussian(h=0.3)", |d2| (-d2 / (2.0 * 0.3 * 0.3)).exp()),
        ("gaussian(h=2)", |d2| (-d2 / (2.0 * 2.0 * 2.0)).exp()),
        ("laplace(h=0.2)", |d2| (-d2.sqrt() / 0.2).exp()),
        ("cauchy(h=0.1)", |d2| 1.0 / (1.0 + d2 / (0.1 * 0.1))),
    ];
    for (text, weight) in cases {
        let mean = LocalMean::new(text.parse().unwrap());
        let (k64, q64, v64) = (wide(&keys), wide(&queries), wide(&values));
        let exact = mean
            .fit_engine(
                Rows::new(&k64, n, d).unwrap(),
                Rows::column(&v64),
                None,
                "reference",
            )
            .unwrap()
            .at(Rows::new(&q64, m, d).unwrap(), &Watch::default())
            .unwrap();
        let plain: Vec<f64> = queries
            .chunks_exact(d)
            .map(|q| {
                let (mut total, mut sum) = (0.0_f32, 0.0_f32);
                for (k, v) in keys.chunks_exact(d).zip(&values) {
                    let d2: f32 = q.iter().zip(k).map(|(q, k)| (q - k) * (q - k)).sum();
                    let w = weight(d2);
                    total += w;
                    sum += w * v;
                }
                f64::from(sum / total)
            })
            .collect();
        let worst = |x: &[f64]| {
            let off = x.iter().zip(&exact.means).map(|(a, b)| (a - b).abs());
            off.fold(0.0, f64::max)
        };
        let limit = 2.0 * worst(&plain);
        for engine in ["tiled", "tree"] {
            let fit = mean.fit_engine(
                Rows::new(&keys, n, d).unwrap(),
                Rows::column(&values),
                None,
                engine,
            );
            let out = fit
                .unwrap()
                .at(Rows::new(&queries, m, d).unwrap(), &Watch::default())
                .unwrap();
            let got = worst(&wide(&out.means));
            assert!(
                got <= limit,
                "{text} {engine}: {got:e}, twice a plain loop {limit:e}"
            );
        }
    }
}
