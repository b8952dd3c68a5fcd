//! Laws of kernels, for every entry of the lists.

use locality_core::{
    Float, Kernel, LocalMean, Metric, Neighborhood, OnEmpty, Profile, ProfileInfo, Rows, Takes,
    Watch, profiles,
};
use locality_testing::{close, formula::log_profile, normal};
use proptest::prelude::*;

/// Parameters inside a profile's ranges, from seeds in 0..1.
fn parameters(info: &ProfileInfo, seeds: &[f64]) -> Vec<f64> {
    let pick = |(i, p): (usize, &locality_core::ParameterInfo)| {
        let seed = seeds[i % seeds.len()];
        match (info.name, p.name) {
            ("trapezoid", "core") => 0.9 * seed,
            ("s" | "z", "a") => -seed,
            ("s" | "z", "b") => 0.1 + seed,
            // Without an offset, so that a root of the base does not cancel digits.
            ("polynomial", "c") => 0.0,
            _ if p.min < -1.0 => 4.0 * seed - 2.0,
            _ => p.min + 0.1 + 5.0 * seed,
        }
    };
    info.parameters.iter().enumerate().map(pick).collect()
}

fn text(info: &ProfileInfo, values: &[f64], h: Option<f64>) -> String {
    let own = info.parameters.iter().zip(values);
    let own = own.map(|(p, v)| format!("{}={v}", p.name));
    let all: Vec<String> = h.map(|h| format!("h={h}")).into_iter().chain(own).collect();
    format!("{}({})", info.name, all.join(", "))
}

/// Log-weights of one key at a distance, or with a score, of each `x`, under every engine.
fn log_weights<T: Float>(kernel: &Kernel, x: &[f64]) -> Vec<Vec<f64>> {
    let queries: Vec<T> = x.iter().map(|&x| T::from_f64(x)).collect();
    // The inner product with 1, the distance from 0 and the difference to 0 are all the query itself.
    let dot = kernel.atoms()[0].metric_in_force() == Metric::Dot;
    let key = [if dot { T::ONE } else { T::ZERO }];
    let mean = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan);
    let none = Rows::with_stride(&[], 1, 0, 0).unwrap();
    ["reference", "tiled", "tree"]
        .iter()
        .map(|engine| {
            let fit = mean.fit_engine(Rows::column(&key), none, None, engine);
            let out = fit.unwrap().at(Rows::column(&queries), &Watch::default());
            let out = out.unwrap().log_normalizer;
            out.into_iter().map(Float::to_f64).collect()
        })
        .collect()
}

/// `10^exponent`, and now and then a special place.
fn distance() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-6.0..3.0_f64).prop_map(|e| 10_f64.powf(e)),
        2 => (3.0..30.0_f64).prop_map(|e| 10_f64.powf(e)),
        4 => 0.0..1.2_f64,
        1 => Just(0.0),
        1 => Just(1.0),
        1 => Just(1e30),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e3..1e3_f64,
        -2.0..2.0_f64,
        Just(0.0),
        Just(1e3),
        Just(-1e3)
    ]
}

/// As the number type stores it.
fn stored<T: Float>(x: &[f64]) -> Vec<f64> {
    x.iter().map(|&x| T::from_f64(x).to_f64()).collect()
}

/// Whether a log-weight is right: relative to its size, or as a weight where a curve that ends cancels digits at its edge; below
/// the smallest normal number of the type a weight may be 0.
fn agrees<T: Float>(info: &ProfileInfo, got: f64, want: f64) -> bool {
    let eps = T::EPSILON.to_f64();
    let ends = info.bounded || matches!(info.name, "s" | "z");
    close(got, want, 16.0 * eps)
        || ends && (got.exp() - want.exp()).abs() <= 64.0 * eps
        || got == f64::NEG_INFINITY && want < T::EXP_FLOOR.to_f64()
}

fn check_profile<T: Float>(info: &'static ProfileInfo, seeds: &[f64], h: f64, x: &[f64]) {
    let values = parameters(info, seeds);
    let h = (info.takes == Takes::Distance).then_some(h);
    let kernel: Kernel = text(info, &values, h).parse().unwrap();
    let x: Vec<f64> = x.iter().map(|x| x * h.unwrap_or(1.0)).collect();
    let x = stored::<T>(&x);
    for (engine, logs) in log_weights::<T>(&kernel, &x).iter().enumerate() {
        for (x, &got) in x.iter().zip(logs) {
            assert!(
                !got.is_nan() && got < f64::INFINITY,
                "{kernel} at {x}: {got}"
            );
            let u = x / h.unwrap_or(1.0);
            let want = log_profile(info.name, &values, u).unwrap_or_else(|| {
                panic!(
                    "'{}' has no formula in locality_testing::formula",
                    info.name
                )
            });
            // At the very edge of the flat kernel rounding decides.
            if info.name == "uniform" && (u - 1.0).abs() < 1e-6 {
                continue;
            }
            // Squares of f32 end at 1.8e19, of the distance as of the distance in bandwidths, and with a factor of a few (1/alpha,
            // 1/nu) before that: what is beyond has no weight, or the weight of some place between there and the end of the numbers.
            let end = 4e18_f64.min(4e18 / h.unwrap_or(1.0));
            if T::NAME == "f32" && info.takes == Takes::Distance && u > end {
                let log = |u: f64| log_profile(info.name, &values, u).unwrap();
                assert!(
                    got <= 0.7 * log(end)
                        && (got >= 1.1 * want.min(log(1.8e19)) || got == f64::NEG_INFINITY),
                    "{kernel} at {x}: {got}"
                );
                continue;
            }
            assert!(
                agrees::<T>(info, got, want),
                "{kernel} in {} (engine {engine}) at {x}: log-weight {got}, by the formula {want}",
                T::NAME
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn profiles_follow_their_formulas_and_never_overflow(
        seeds in prop::collection::vec(0.0..1.0_f64, 3),
        h in (-5.0..5.0_f64).prop_map(|e| 10_f64.powf(e)),
        u in prop::collection::vec(distance(), 12),
        s in prop::collection::vec(score(), 12),
    ) {
        for info in profiles() {
            let x = if info.takes == Takes::Distance { &u } else { &s };
            check_profile::<f64>(info, &seeds, h, x);
            check_profile::<f32>(info, &seeds, h, x);
        }
    }

    #[test]
    fn distance_profiles_start_at_one_and_never_rise(
        seeds in prop::collection::vec(0.0..1.0_f64, 3),
        u in prop::collection::vec(distance(), 40),
    ) {
        let mut u = u;
        u.push(0.0);
        u.sort_by(f64::total_cmp);
        for info in profiles().iter().filter(|p| p.takes == Takes::Distance) {
            let kernel: Kernel = text(info, &parameters(info, &seeds), Some(1.0)).parse().unwrap();
            for logs in log_weights::<f64>(&kernel, &u) {
                prop_assert!(logs[0].abs() <= f64::EPSILON, "{} at 0", kernel);
                for w in logs.windows(2) {
                    // A few units in the last place of the larger.
                    let rises = w[1] > w[0] && w[1] - w[0] > 1e-14 * w[0].abs().max(1.0);
                    prop_assert!(!rises, "{} rises from {} to {}", kernel, w[0], w[1]);
                }
            }
            for logs in log_weights::<f32>(&kernel, &u) {
                prop_assert!(logs[0].abs() <= f32::EPSILON.into());
                prop_assert!(logs.iter().all(|l| *l <= f32::EPSILON.into()));
            }
        }
    }

    #[test]
    fn bounded_profiles_end_at_one_bandwidth(
        seeds in prop::collection::vec(0.0..1.0_f64, 3),
        h in 1e-3..1e3_f64,
        beyond in prop::collection::vec(prop_oneof![1.00001..2.0_f64, 2.0..1e15_f64], 10),
        within in prop::collection::vec(0.0..0.999_f64, 10),
    ) {
        for info in profiles().iter().filter(|p| p.takes == Takes::Distance) {
            let kernel: Kernel = text(info, &parameters(info, &seeds), Some(h)).parse().unwrap();
            let at = |u: &[f64]| -> Vec<f64> {
                let x: Vec<f64> = u.iter().map(|u| u * h).collect();
                let mut logs = log_weights::<f64>(&kernel, &x).concat();
                logs.extend(log_weights::<f32>(&kernel, &x).concat());
                logs
            };
            prop_assert!(at(&within).iter().all(|l| l.is_finite()), "{} inside", kernel);
            if info.bounded {
                prop_assert!(at(&beyond).iter().all(|l| *l == f64::NEG_INFINITY), "{} outside", kernel);
            }
        }
    }
}

/// Log normaliser of each query when every key counts: the log-weight, for one key.
fn logs(kernel: &str, queries: &[f64], keys: &[f64], d: usize) -> Vec<f64> {
    let mean = LocalMean::new(kernel.parse().unwrap()).on_empty(OnEmpty::Nan);
    run(&mean, queries, keys, d).1
}

/// Means of the key numbers `0, 1, 2, ..` and log normalisers.
fn run(mean: &LocalMean, queries: &[f64], keys: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let n = keys.len() / d;
    let values: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let keys = Rows::new(keys, n, d).unwrap();
    let queries = Rows::new(queries, queries.len() / d, d).unwrap();
    let fit = mean.fit(keys, Rows::column(&values)).unwrap();
    let out = fit.at(queries, &Watch::default()).unwrap();
    (out.means, out.log_normalizer)
}

fn same(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(close(*a, *b, tolerance), "{a} and {b} at {i}");
    }
}

/// Kernels of every profile on two columns (one, for `s` and `z`).
fn every_profile() -> Vec<String> {
    let mut out = Vec::new();
    for info in profiles() {
        let h = (info.takes == Takes::Distance).then_some(0.8);
        let kernel: Kernel = text(info, &parameters(info, &[0.2, 0.7, 0.4]), h)
            .parse()
            .unwrap();
        let atom = kernel.atoms()[0].clone();
        let one = atom.metric_in_force() == Metric::Difference;
        let atom = if one {
            atom.columns([1])
        } else {
            atom.columns([0, 1])
        };
        out.push(Kernel::from(atom).to_string());
    }
    out
}

#[test]
fn a_product_adds_log_weights() {
    let queries = normal(1, 50, 2);
    let key = [0.1, -0.2];
    for a in every_profile() {
        for b in every_profile() {
            let product = logs(&format!("{a} * {b}"), &queries, &key, 2);
            let (a, b) = (logs(&a, &queries, &key, 2), logs(&b, &queries, &key, 2));
            let sum: Vec<f64> = a.iter().zip(b).map(|(a, b)| a + b).collect();
            same(&product, &sum, 1e-13);
        }
    }
}

#[test]
fn a_power_multiplies_log_weights() {
    let queries = normal(2, 50, 2);
    let key = [0.1, -0.2];
    for a in every_profile() {
        let plain = logs(&a, &queries, &key, 2);
        for p in [0.5, 1.0, 2.0, 7.5, 400.0] {
            let power = logs(&format!("{a}^{p}"), &queries, &key, 2);
            let times: Vec<f64> = plain.iter().map(|l| l * p).collect();
            same(&power, &times, 1e-12);
        }
    }
}

#[test]
fn a_sum_adds_weights() {
    let queries = normal(3, 50, 2);
    let key = [0.1, -0.2];
    for a in every_profile() {
        for b in every_profile() {
            let sum = logs(&format!("0.3 * {a} + 2 * {b}"), &queries, &key, 2);
            let (a, b) = (logs(&a, &queries, &key, 2), logs(&b, &queries, &key, 2));
            let plain: Vec<f64> = a
                .iter()
                .zip(b)
                .map(|(a, b)| (0.3 * a.exp() + 2.0 * b.exp()).ln())
                .collect();
            same(&sum, &plain, 1e-12);
        }
    }
}

#[test]
fn a_k_nearest_kernel_of_all_sites_sees_all_sites() {
    for (n, d) in [(1, 1), (2, 3), (65, 2), (200, 3), (700, 2)] {
        let keys = normal(n as u64, n, d);
        let queries = normal(99, 40, d);
        let all = run(
            &LocalMean::new("uniform(h=1e6)".parse().unwrap()),
            &queries,
            &keys,
            d,
        );
        same(&all.1, &vec![(n as f64).ln(); 40], 1e-13);
        // As the neighbourhood and as the bandwidth: the farthest site lies on the edge, which is inside.
        let kernel: Kernel = "uniform(h=1e6)".parse().unwrap();
        let nearest = LocalMean::new(kernel).neighborhood(Neighborhood::nearest(n));
        let listed = run(&nearest, &queries, &keys, d);
        same(&listed.0, &all.0, 1e-12);
        same(&listed.1, &all.1, 1e-13);
        let balloon = LocalMean::new(format!("uniform(knn={n})").parse().unwrap());
        for mean in [balloon.clone(), balloon.tolerance(1e-9)] {
            let wide = run(&mean, &queries, &keys, d);
            same(&wide.1, &all.1, 1e-13);
            same(&wide.0, &all.0, 1e-12);
        }
    }
}

#[test]
fn a_flat_balloon_counts_k_sites() {
    let (n, d) = (300, 3);
    let (keys, queries) = (normal(5, n, d), normal(6, 100, d));
    for metric in ["euclidean", "manhattan", "chebyshev"] {
        for k in [1, 2, 17, 130, 299] {
            let kernel = format!("uniform(knn={k}, metric={metric})");
            let counted = logs(&kernel, &queries, &keys, d);
            same(&counted, &vec![(k as f64).ln(); 100], 1e-12);
        }
    }
}

#[test]
fn a_gaussian_of_scaled_columns_is_the_ard_gaussian() {
    let (n, d) = (150, 3);
    let (keys, queries) = (normal(7, n, d), normal(8, 60, d));
    let h = [0.3, 1.7, 20.0];
    let scale =
        |x: &[f64]| -> Vec<f64> { x.iter().enumerate().map(|(i, x)| x / h[i % d]).collect() };
    for name in ["gaussian", "laplace", "epanechnikov", "uniform"] {
        let kernel = |h: &str| {
            LocalMean::new(format!("{name}(h={h})").parse().unwrap()).on_empty(OnEmpty::Nan)
        };
        let ard = run(&kernel("[0.3, 1.7, 20]"), &queries, &keys, d);
        let scaled = run(&kernel("1"), &scale(&queries), &scale(&keys), d);
        same(&ard.0, &scaled.0, 1e-11);
        same(&ard.1, &scaled.1, 1e-11);
    }
}

#[test]
fn a_hollow_kernel_drops_exactly_the_own_site() {
    let (n, d) = (130, 2);
    let mut keys = normal(9, n, d);
    // A twin at the very same place stays.
    keys[2] = keys[0];
    keys[3] = keys[1];
    for kernel in every_profile() {
        let mean = LocalMean::new(kernel.parse().unwrap()).on_empty(OnEmpty::Nan);
        let hollow = run(
            &mean.clone().neighborhood(Neighborhood::hollow()),
            &keys,
            &keys,
            d,
        );
        for i in 0..n {
            let mut others = keys.clone();
            others.drain(i * d..(i + 1) * d);
            let own = &keys[i * d..][..d];
            let one = logs(&kernel, own, &others, d);
            assert!(
                close(hollow.1[i], one[0], 1e-12),
                "{kernel} at {i}: {} {}",
                hollow.1[i],
                one[0]
            );
        }
    }
}

#[test]
fn a_polynomial_with_an_offset_never_weighs_less_than_nothing() {
    let info = Profile::from_name("polynomial", &[]).unwrap();
    assert_eq!(info.values(), [3.0, 1.0, 1.0]);
    let got = logs(
        "polynomial(degree=2, gamma=2, c=1)",
        &[-3.0, -0.5, 0.0, 1.5],
        &[1.0],
        1,
    );
    let zero = f64::NEG_INFINITY;
    same(&got, &[zero, zero, 0.0, 2.0 * 4_f64.ln()], 1e-14);
}
