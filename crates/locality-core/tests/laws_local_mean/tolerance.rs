//! The tolerance is a proof, on data made to break it.

use crate::case::*;
use locality_core::{Float, Kernel, LocalMean, LocalMeans, Neighborhood, OnEmpty, Rows, Watch};
use locality_testing::Rng;
use proptest::prelude::*;

const KERNELS: &[&str] = &[
    "gaussian(h=0.05)",
    "gaussian(h=3)",
    "gaussian(h=[0.1, 4])",
    "gaussian(knn=5)",
    "gaussian(site_knn=3)",
    "laplace(h=0.1, metric=manhattan)",
    "cauchy(h=0.01)",
    "student_t(h=0.1, nu=6)",
    "rational_quadratic(h=0.05, alpha=3)",
    "matern32(h=0.2, metric=chebyshev)",
    "bell(h=0.1, b=4)",
    "epanechnikov(h=2)",
    "softmax(beta=1e-3)",
    "sigmoid(gamma=0.1)",
    "softcap(beta=0.01, cap=2)",
    "gaussian(h=0.3, cols=0) * cauchy(h=0.1, cols=1)",
    "0.001 * gaussian(h=10) + gaussian(h=0.01)",
    "(cauchy(h=0.1) + laplace(h=1))^2",
];

/// Two columns of keys: points of a line, knots of duplicates, tight clusters far apart, and one key very far out.
fn keys(rng: &mut Rng, n: usize) -> Vec<f64> {
    let centers: Vec<f64> = (0..16).map(|_| 200.0 * rng.uniform() - 100.0).collect();
    let mut out = Vec::with_capacity(2 * n);
    for i in 0..n {
        match rng.below(5) {
            _ if i == n / 2 => out.extend([1e5, -1e5]),
            0 => out.extend([i as f64 / n as f64, 2.0 * i as f64 / n as f64]),
            1 => out.extend([0.5, 0.25]),
            2 => {
                let c = rng.below(8);
                out.extend([0, 1].map(|j| centers[2 * c + j] + 1e-3 * rng.normal()));
            }
            3 => out.extend([-7.0 + 1e-12 * rng.normal(), 7.0]),
            _ => out.extend([rng.normal(), rng.normal()]),
        }
    }
    out
}

/// Queries on keys, between them, and far away from all.
fn queries(rng: &mut Rng, keys: &[f64]) -> Vec<f64> {
    let mut out = vec![1e3, 1e3, -1e6, 0.0, 1e5, -1e5, 0.0, 0.0];
    for _ in 0..12 {
        let (a, b) = (rng.below(keys.len() / 2), rng.below(keys.len() / 2));
        out.extend_from_slice(&keys[2 * a..][..2]);
        out.extend([0, 1].map(|c| 0.5 * (keys[2 * a + c] + keys[2 * b + c])));
    }
    out
}

struct Data<T> {
    keys: Vec<T>,
    values: Vec<T>,
    weights: Vec<T>,
    queries: Vec<T>,
}

impl<T: Float> Data<T> {
    fn new(seed: u64, n: usize) -> Self {
        let mut rng = Rng::new(seed);
        let keys = keys(&mut rng, n);
        let queries = queries(&mut rng, &keys);
        // The far key has the largest value, and weights span six orders of magnitude.
        let value = |i: usize, rng: &mut Rng| if i == n / 2 { 1.0 } else { -rng.uniform() };
        let values: Vec<f64> = (0..n).map(|i| value(i, &mut rng)).collect();
        let weights: Vec<f64> = (0..n)
            .map(|_| match rng.below(4) {
                0 => 0.0,
                _ => 10_f64.powf(6.0 * rng.uniform() - 3.0),
            })
            .collect();
        // Both precisions see the same numbers.
        let cast = |x: &[f64]| {
            x.iter()
                .map(|x| T::from_f64(f64::from(*x as f32)))
                .collect()
        };
        Self {
            keys: cast(&keys),
            values: cast(&values),
            weights: cast(&weights),
            queries: cast(&queries),
        }
    }

    fn run(&self, mean: &LocalMean, engine: &str) -> LocalMeans<T> {
        let keys = Rows::new(&self.keys, self.values.len(), 2).unwrap();
        let queries = Rows::new(&self.queries, self.queries.len() / 2, 2).unwrap();
        let values = Rows::column(&self.values);
        let fit = match engine {
            "auto" => mean.fit_weighted(keys, values, &self.weights),
            _ => mean.fit_engine(keys, values, Some(&self.weights), engine),
        };
        fit.unwrap().at(queries, &Watch::default()).unwrap()
    }

    /// Checks the certificate of one kernel and tolerance; returns how many pairs were looked at. `exact` is from plain loops in
    /// double precision, `room` the rounding of a log-weight, relative.
    fn check(
        &self,
        mean: &LocalMean,
        engine: &str,
        exact: &LocalMeans<f64>,
        tolerance: f64,
        room: f64,
    ) -> u64 {
        let fast = self.run(&mean.clone().tolerance(tolerance), engine);
        let mut checked = 0;
        for i in 0..exact.means.len() {
            let (log, want) = (fast.log_normalizer[i].to_f64(), exact.log_normalizer[i]);
            let what = format!(
                "{} at {i}, tolerance {tolerance:e}, {}",
                mean.kernel(),
                T::NAME
            );
            if want == f64::NEG_INFINITY {
                assert_eq!(log, want, "{what}");
                continue;
            }
            let room = room * want.abs().max(1.0);
            if room > 0.01 {
                // So far out that rounding a log-weight is more than any tolerance.
                assert!(
                    log.is_finite() && fast.means[i].to_f64().abs() <= 1.0,
                    "{what}"
                );
                continue;
            }
            checked += 1;
            let kept = (log - want).exp();
            assert!(
                (kept - 1.0).abs() <= tolerance + room,
                "{what}: kept {kept}"
            );
            // Values are from -1 to 1.
            let off = (fast.means[i].to_f64() - exact.means[i]).abs();
            assert!(
                off <= 2.0 * tolerance + 2.0 * room,
                "{what}: off by {off:e}"
            );
        }
        let kernel = mean.kernel();
        assert!(checked > 5, "{kernel}: {checked} queries are near enough");
        fast.visited
    }
}

fn mean(kernel: &str) -> LocalMean {
    LocalMean::new(kernel.parse::<Kernel>().unwrap()).on_empty(OnEmpty::Nan)
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn what_is_left_out_stays_below_the_tolerance(
        seed in any::<u64>(), n in 100..700_usize, exponent in -9.0..-0.05_f64,
    ) {
        let (wide, narrow) = (Data::<f64>::new(seed, n), Data::<f32>::new(seed, n));
        let tolerance = 10_f64.powf(exponent);
        for kernel in KERNELS {
            let mean = mean(kernel);
            let exact = wide.run(&mean, "reference");
            wide.check(&mean, "tree", &exact, tolerance, 1e-12);
            wide.check(&mean, "tree", &exact, 0.0, 1e-12);
            // In single precision log-weights of far keys lose their digits, by any engine: hence no bounded kernel, and no k-th
            // neighbour, whose edge decides.
            if !kernel.contains("knn") && !kernel.starts_with("epan") {
                narrow.check(&mean, "tree", &exact, tolerance, 2e-5);
            }
        }
    }
}

/// The same through the front door, where there are keys enough for the walk; and it does leave out most.
#[test]
fn the_front_door_leaves_out_most_and_no_more_than_allowed() {
    let n = 6000;
    let data = Data::<f64>::new(3, n);
    let pairs = (data.queries.len() / 2 * n) as u64;
    for kernel in ["gaussian(h=0.05)", "laplace(h=0.1)", "cauchy(h=0.001)"] {
        for neighborhood in [Neighborhood::all(), Neighborhood::radius(20.0)] {
            let mean = mean(kernel).neighborhood(neighborhood);
            let exact = data.run(&mean, "reference");
            let mut last = pairs;
            for tolerance in [1e-9, 1e-4, 0.3] {
                let visited = data.check(&mean, "auto", &exact, tolerance, 1e-12);
                assert!(visited <= last, "{kernel}: {visited} after {last}");
                last = visited;
            }
            assert!(last < pairs / 2, "{kernel}: {last} of {pairs}");
        }
    }
}

/// Keys on a curve in `d` columns, far from the origin; the first of them is very heavy.
struct Many {
    keys: Vec<f64>,
    values: Vec<f64>,
    weights: Vec<f64>,
    d: usize,
}

impl Many {
    fn new(n: usize, d: usize) -> Self {
        let mut rng = Rng::new(d as u64);
        let mut keys = Vec::with_capacity(n * d);
        for i in 0..n {
            let t = i as f64 / n as f64;
            keys.extend((0..d).map(|c| 100.0 + (3.0 + c as f64) * t + 0.1 * rng.normal()));
        }
        let values = (0..n).map(|_| 2.0 * rng.uniform() - 1.0).collect();
        let weights = (0..n)
            .map(|i| if i == 0 { 50.0 } else { rng.uniform() })
            .collect();
        Self {
            keys,
            values,
            weights,
            d,
        }
    }

    fn run(&self, mean: &LocalMean, engine: &str, queries: &[f64]) -> LocalMeans<f64> {
        let keys = Rows::new(&self.keys, self.values.len(), self.d).unwrap();
        let queries = Rows::new(queries, queries.len() / self.d, self.d).unwrap();
        let fit = mean
            .fit_engine(
                keys,
                Rows::column(&self.values),
                Some(&self.weights),
                engine,
            )
            .unwrap();
        fit.at(queries, &Watch::default()).unwrap()
    }
}

/// Wide kernels leave nothing out, but whole nodes go by a line; what that is off by is within the tolerance.
#[test]
fn nodes_are_taken_as_a_whole_within_the_tolerance() {
    let n = 30_000;
    for d in 1..=3 {
        let many = Many::new(n, d);
        let own = &many.keys[..d * 8];
        let shifted: Vec<f64> = own.iter().map(|x| x + 0.3).collect();
        let queries = [own, &shifted].concat();
        for kernel in [
            "gaussian(h=2)",
            "gaussian(h=[1, 2, 3])",
            "laplace(h=4)",
            "cauchy(h=1)",
            "student_t(h=2, nu=3)",
            "matern52(h=3)",
            "epanechnikov(h=9)",
            "cosine(h=7)",
            "gaussian(knn=20000)",
            "softmax(beta=0.001)",
            "polynomial(degree=2, gamma=0.01)",
        ] {
            let kernel = match (kernel, d) {
                ("gaussian(h=[1, 2, 3])", 1) => "gaussian(h=[1])",
                ("gaussian(h=[1, 2, 3])", 2) => "gaussian(h=[1, 2])",
                (kernel, _) => kernel,
            };
            let mean = mean(kernel);
            let exact = many.run(&mean, "reference", &queries);
            let pairs = (queries.len() / d * n) as u64;
            let mut fewest = pairs;
            for tolerance in [1e-1, 1e-2, 1e-4, 1e-6] {
                let fast = many.run(&mean.clone().tolerance(tolerance), "tree", &queries);
                fewest = fewest.min(fast.visited);
                for i in 0..exact.means.len() {
                    let off = (fast.log_normalizer[i] - exact.log_normalizer[i]).exp() - 1.0;
                    let mean_off = (fast.means[i] - exact.means[i]).abs();
                    assert!(
                        off.abs() <= tolerance,
                        "{kernel}, {d}, {i}: {off:e} at {tolerance:e}"
                    );
                    assert!(
                        mean_off <= 2.0 * tolerance,
                        "{kernel}, {d}, {i}: {mean_off:e}"
                    );
                }
            }
            assert!(fewest < pairs / 2, "{kernel}, {d}: {fewest} of {pairs}");
        }
    }
}

/// A query's own key is in no node that is taken as a whole.
#[test]
fn hollow_means_leave_out_their_own_key_in_whole_nodes_too() {
    let many = Many::new(20_000, 1);
    let mean = mean("gaussian(h=2)").neighborhood(Neighborhood::hollow());
    let exact = many.run(&mean, "tiled", &many.keys);
    let fast = many.run(&mean.clone().tolerance(1e-4), "tree", &many.keys);
    assert!(fast.visited < 20_000 * 10_000, "{}", fast.visited);
    for i in 0..20_000 {
        let off = (fast.log_normalizer[i] - exact.log_normalizer[i]).exp() - 1.0;
        assert!(off.abs() <= 1e-4, "{i}: {off:e}");
    }
}

/// Neighbouring queries share the leaves they visit, in an order of their own; none of it shows in the results.
#[test]
fn a_query_has_the_same_bits_alone_and_among_many() {
    let many = Many::new(9000, 2);
    for kernel in [
        "gaussian(h=0.05)",
        "cauchy(h=0.01) * laplace(h=0.1)",
        "uniform(h=0.1)",
    ] {
        for tolerance in [0.0, 1e-3] {
            let mean = mean(kernel).tolerance(tolerance);
            let all = many.run(&mean, "tree", &many.keys);
            for i in (0..9000).step_by(401) {
                let one = many.run(&mean, "tree", &many.keys[2 * i..2 * i + 2]);
                assert_eq!(
                    one.means[0].to_bits(),
                    all.means[i].to_bits(),
                    "{kernel}, {i}"
                );
                let (a, b) = (one.log_normalizer[0], all.log_normalizer[i]);
                assert_eq!(a.to_bits(), b.to_bits(), "{kernel}, {i}");
            }
        }
    }
}
