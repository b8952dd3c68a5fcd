//! Every engine x number type x threads x a table of cases, against the reference loop in double precision.

use locality_core::{Float, LocalMean, LocalMeans, OnEmpty, Rows, Watch};
use locality_testing::{blobs, line_and_outliers, normal};

const KERNELS: &[&str] = &[
    "gaussian(h=0.5)",
    "gaussian(h=[0.5, 1, 2])",
    "laplace(h=0.5, metric=manhattan)",
    "epanechnikov(h=1)",
    "biweight(h=1, cols=[0, 1])",
    "triweight(h=1.5)",
    "tricube(knn=30)",
    "triangular(h=1, metric=chebyshev)",
    "uniform(h=0.9)",
    "cosine(h=1.2)",
    "cauchy(h=0.3)",
    "rational_quadratic(h=0.3, alpha=0.7)",
    "student_t(h=0.2, nu=4)",
    "matern32(h=0.4)",
    "matern52(h=0.4)",
    "softmax(beta=1.5)",
    "softmax(beta=4, metric=cosine)",
    "softcap(beta=2, cap=3)",
    "sigmoid(gamma=2, c=-1)",
    "polynomial(degree=2)",
    "bell(h=0.7, b=3)",
    "trapezoid(h=1, core=0.3)",
    "s(a=-0.5, b=0.5, cols=0)",
    "z(a=-0.5, b=0.5, cols=1)",
    "gaussian(h=0.5, metric=mahalanobis, map=[[1, 0.5, 0], [0, 1, 0.2]])",
    "gaussian(h=0.2, metric=cosine)",
    "gaussian(h=0.4, metric=haversine, cols=[0, 1])",
    "gaussian(knn=20)",
    "gaussian(site_knn=9)",
    "gaussian(h=0.5, cols=[0, 1]) * epanechnikov(h=1, cols=2)",
    "0.3 * gaussian(h=0.2) + 0.7 * cauchy(h=1) + 0.1 * uniform(h=3)",
    "(gaussian(h=0.5) + laplace(h=1))^0.5",
    "tricube(h=1.5)^2",
];

const NEIGHBORHOODS: &[&str] = &[
    "all",
    "hollow",
    "causal",
    "window(before=40, after=3)",
    "radius(r=1)",
    "nearest(k=17)",
    "nearest(k=5) & hollow",
    "mutual(k=12)",
];

struct Data<T> {
    keys: Vec<T>,
    values: Vec<T>,
    weights: Vec<T>,
    n: usize,
    p: usize,
}

impl<T: Float> Data<T> {
    fn new(x: &[f64], n: usize, p: usize) -> Self {
        let v = normal(99, n, p);
        let keys = x.iter().map(|&x| T::from_f64(f64::from(x as f32)));
        let values = v.iter().map(|&v| T::from_f64(f64::from(v as f32)));
        let weights = (0..n).map(|i| T::from_f64([1.0, 0.5, 0.0, 2.0][i % 4]));
        Self {
            keys: keys.collect(),
            values: values.collect(),
            weights: weights.collect(),
            n,
            p,
        }
    }

    fn run(&self, mean: &LocalMean, engine: &str, weighted: bool, threads: usize) -> LocalMeans<T> {
        let keys = Rows::new(&self.keys, self.n, 3).unwrap();
        let values = Rows::new(&self.values, self.n, self.p).unwrap();
        let weights = weighted.then_some(&self.weights[..]);
        let fit = match (engine, weights) {
            ("auto", None) => mean.fit(keys, values),
            ("auto", Some(w)) => mean.fit_weighted(keys, values, w),
            _ => mean.fit_engine(keys, values, weights, engine),
        };
        fit.unwrap()
            .at(keys, &Watch::default().threads(threads))
            .unwrap()
    }
}

/// Worst difference of means (relative to values of about 4) and of log normalisers, in units of what rounding a log-weight
/// of that size does to a weight; empty regions must agree.
fn worst<T: Float>(a: &LocalMeans<T>, b: &LocalMeans<f64>) -> f64 {
    assert_eq!(a.means.len(), b.means.len());
    let mut worst = 0.0_f64;
    for (x, y) in a.log_normalizer.iter().zip(&b.log_normalizer) {
        let x = x.to_f64();
        if *y == f64::NEG_INFINITY {
            assert_eq!(x, *y);
        } else {
            worst = worst.max((x - y).abs() / y.abs().max(1.0) / 4.0);
        }
    }
    let p = b.means.len() / b.log_normalizer.len();
    for (i, (x, y)) in a.means.iter().zip(&b.means).enumerate() {
        assert_eq!(x.is_nan(), y.is_nan());
        if !y.is_nan() {
            let size = b.log_normalizer[i / p].abs().max(1.0);
            worst = worst.max((x.to_f64() - y).abs() / 4.0 / size);
        }
    }
    worst
}

/// As [`worst`], but none where rounding moves a key over the edge of a bounded kernel and empties a region.
fn worst_or_edge(a: &LocalMeans<f32>, b: &LocalMeans<f64>) -> Option<f64> {
    let mut pairs = a.log_normalizer.iter().zip(&b.log_normalizer);
    let same = pairs.all(|(x, y)| x.is_finite() == y.is_finite());
    same.then(|| worst(a, b))
}

fn check(x: &[f64], n: usize, p: usize, kernels: &[&str]) {
    let d64 = Data::<f64>::new(x, n, p);
    let d32 = Data::<f32>::new(x, n, p);
    for kernel in kernels {
        for neighborhood in NEIGHBORHOODS {
            for weighted in [false, true] {
                let mean = LocalMean::new(kernel.parse().unwrap())
                    .neighborhood(neighborhood.parse().unwrap())
                    .on_empty(OnEmpty::Nan);
                let reference = d64.run(&mean, "reference", weighted, 1);
                for engine in ["tiled", "tree", "auto"] {
                    let e = worst(&d64.run(&mean, engine, weighted, 1), &reference);
                    assert!(
                        e < 64.0 * f64::EPSILON,
                        "{kernel} {neighborhood} {engine} weighted={weighted} n={n} p={p}: {e:e}"
                    );
                }
                // Single precision: at most twice the plain loop's error, or a few units in the last place.
                let plain = worst_or_edge(&d32.run(&mean, "reference", weighted, 1), &reference);
                for engine in ["tiled", "tree"] {
                    let e = worst_or_edge(&d32.run(&mean, engine, weighted, 1), &reference);
                    if let (Some(e), Some(plain)) = (e, plain) {
                        assert!(
                            e <= 2.0 * plain + 8.0 * f64::from(f32::EPSILON),
                            "{kernel} {neighborhood} {engine} f32 weighted={weighted} n={n}: {e:e}, plain loop {plain:e}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn engines_agree_with_the_reference_on_normal_data() {
    check(&normal(1, 200, 3), 200, 1, KERNELS);
}

#[test]
fn engines_agree_around_the_sizes_of_leaves() {
    for n in [31, 63, 64, 65, 129, 511, 513] {
        check(&normal(n as u64, n, 3), n, 2, &KERNELS[..1]);
        check(&normal(n as u64, n, 3), n, 0, &KERNELS[28..30]);
    }
}

#[test]
fn engines_agree_on_lines_duplicates_and_outliers() {
    check(&line_and_outliers(3, 196, 3), 196, 1, KERNELS);
}

#[test]
fn bits_do_not_depend_on_threads_or_company() {
    let n = 6000;
    let x = normal(5, n, 3);
    for kernel in ["gaussian(h=0.1)", "gaussian(h=2)", "epanechnikov(h=0.3)"] {
        for tolerance in [0.0, 1e-3] {
            let data = Data::<f32>::new(&x, n, 1);
            let mean = LocalMean::new(kernel.parse().unwrap())
                .tolerance(tolerance)
                .on_empty(OnEmpty::Nearest);
            let one = data.run(&mean, "auto", false, 1);
            assert_eq!(one, data.run(&mean, "auto", false, 3));
            let keys = Rows::new(&data.keys, n, 3).unwrap();
            let values = Rows::new(&data.values, n, 1).unwrap();
            let fit = mean.fit(keys, values).unwrap();
            for i in [0, 17, 5999] {
                let alone = fit.at(keys.slice(i..i + 1), &Watch::default()).unwrap();
                assert_eq!(alone.means[0].to_bits(), one.means[i].to_bits());
                assert_eq!(
                    alone.log_normalizer[0].to_bits(),
                    one.log_normalizer[i].to_bits()
                );
            }
        }
    }
}

#[test]
fn skipped_weight_stays_below_the_tolerance() {
    let n = 2000;
    for (name, x) in [
        ("normal", normal(7, n, 3)),
        ("line", line_and_outliers(8, n, 3)),
        ("blobs", blobs(9, n, 3, 7, 0.2).0),
    ] {
        let data = Data::<f64>::new(&x, n, 1);
        for kernel in [
            "gaussian(h=0.2)",
            "cauchy(h=0.05)",
            "laplace(h=0.1)",
            "softmax(beta=3, metric=cosine)",
            "0.5 * gaussian(h=0.1) + 0.01 * student_t(h=0.1, nu=3)",
        ] {
            let exact = LocalMean::new(kernel.parse().unwrap());
            let reference = data.run(&exact, "reference", true, 0);
            for tolerance in [1e-1, 1e-3, 1e-6] {
                let fast = data.run(&exact.clone().tolerance(tolerance), "tree", true, 0);
                for i in 0..n {
                    let kept = (fast.log_normalizer[i] - reference.log_normalizer[i]).exp();
                    assert!(
                        (kept - 1.0).abs() <= tolerance + 1e-12,
                        "{kernel}, {name}: kept {kept} with tolerance {tolerance:e} at {i}"
                    );
                    // Values are within 5 of 0.
                    let off = (fast.means[i] - reference.means[i]).abs();
                    assert!(off <= tolerance * 10.0 + 1e-12);
                }
            }
        }
    }
}
