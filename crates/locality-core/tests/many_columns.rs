//! Kernels over many columns, where squared distances may be made of products, against the reference loop: both precisions, and
//! data on which products alone would lose their digits.

use locality_core::{LocalMean, LocalMeans, OnEmpty, Rows, Watch};
use locality_testing::{Rng, blobs, normal};

const N: usize = 300;
const D: usize = 20;

const KERNELS: &[&str] = &[
    "gaussian(h=1.5)",
    "gaussian(h=4)",
    "gaussian(h=0.05)",
    "cauchy(h=2)",
    "rational_quadratic(h=2, alpha=0.7)",
    "student_t(h=3, nu=4)",
    "laplace(h=3)",
    "epanechnikov(h=8)",
];

struct Case {
    name: &'static str,
    keys: Vec<f64>,
    queries: Vec<f64>,
}

/// Keys and queries; the numbers are exact in single precision.
fn cases() -> Vec<Case> {
    let round = |x: Vec<f64>| -> Vec<f64> { x.iter().map(|&x| f64::from(x as f32)).collect() };
    let case = |name, keys: Vec<f64>, queries: Vec<f64>| Case {
        name,
        keys: round(keys),
        queries: round(queries),
    };
    let keys = normal(1, N, D);
    let shifted = |by: f64, x: &[f64]| -> Vec<f64> { x.iter().map(|x| x + by).collect() };
    let mut outliers = keys.clone();
    outliers[..D].fill(300.0);
    let mut some_far = normal(2, N, D);
    // Every third query lies further and further away.
    for (i, row) in some_far.chunks_exact_mut(D).enumerate().step_by(3) {
        for x in row {
            *x *= i as f64 / 9.0;
        }
    }
    let clusters = blobs(3, N, D, 6, 0.1).0;
    vec![
        case("normal", keys.clone(), normal(2, N, D)),
        case("on the keys", keys.clone(), keys.clone()),
        case(
            "far from the origin",
            shifted(1e3, &keys),
            shifted(1e3, &normal(2, N, D)),
        ),
        case("outliers", outliers.clone(), outliers),
        case("some queries far", keys, some_far),
        case("clusters", clusters.clone(), clusters),
    ]
}

fn run64(mean: &LocalMean, case: &Case, values: &[f64], engine: Option<&str>) -> LocalMeans<f64> {
    let [keys, queries] = [&case.keys, &case.queries].map(|x| Rows::new(x, N, D).unwrap());
    let values = Rows::new(values, N, 2).unwrap();
    let fit = match engine {
        Some(engine) => mean.fit_engine(keys, values, None, engine),
        None => mean.fit(keys, values),
    };
    fit.unwrap().at(queries, &Watch::default()).unwrap()
}

fn run32(mean: &LocalMean, case: &Case, values: &[f64], engine: Option<&str>) -> LocalMeans<f32> {
    let narrow = |x: &[f64]| -> Vec<f32> { x.iter().map(|&x| x as f32).collect() };
    let (keys, queries, values) = (narrow(&case.keys), narrow(&case.queries), narrow(values));
    let [keys, queries] = [&keys, &queries].map(|x| Rows::new(x, N, D).unwrap());
    let values = Rows::new(&values, N, 2).unwrap();
    let fit = match engine {
        Some(engine) => mean.fit_engine(keys, values, None, engine),
        None => mean.fit(keys, values),
    };
    fit.unwrap().at(queries, &Watch::default()).unwrap()
}

/// Worst difference of means, in units of what rounding a log-weight of that size does to a weight.
fn worst<T: locality_core::Float>(a: &LocalMeans<T>, b: &LocalMeans<f64>) -> f64 {
    let mut worst = 0.0_f64;
    for (i, y) in b.log_normalizer.iter().enumerate() {
        let size = y.abs().max(1.0);
        if !y.is_finite() {
            continue;
        }
        worst = worst.max((a.log_normalizer[i].to_f64() - y).abs() / size);
        for j in 2 * i..2 * i + 2 {
            worst = worst.max((a.means[j].to_f64() - b.means[j]).abs() / size);
        }
    }
    worst
}

fn means() -> impl Iterator<Item = (String, LocalMean)> {
    let per_column = (0..D).map(|c| format!("{}", 1.0 + c as f64 / 5.0));
    let per_column = format!(
        "gaussian(h=[{}])",
        per_column.collect::<Vec<_>>().join(", ")
    );
    let all = KERNELS.iter().map(|k| (*k).to_string()).chain([per_column]);
    all.map(|k| {
        let mean = LocalMean::new(k.parse().unwrap()).on_empty(OnEmpty::Nan);
        (k, mean)
    })
}

#[test]
fn many_columns_agree_with_the_reference() {
    let values = normal(9, N, 2);
    for case in cases() {
        for (kernel, mean) in means() {
            let reference = run64(&mean, &case, &values, Some("reference"));
            let e = worst(&run64(&mean, &case, &values, None), &reference);
            assert!(e < 256.0 * f64::EPSILON, "{kernel}, {}: {e:e}", case.name);
            let plain = worst(&run32(&mean, &case, &values, Some("reference")), &reference);
            let e = worst(&run32(&mean, &case, &values, None), &reference);
            assert!(
                e <= 2.0 * plain + 8.0 * f64::from(f32::EPSILON),
                "{kernel}, {}: {e:e}, plain loop {plain:e}",
                case.name
            );
        }
    }
}

#[test]
fn company_and_threads_change_nothing() {
    let values = normal(9, N, 2);
    let values = Rows::new(&values, N, 2).unwrap();
    for case in cases() {
        let [keys, queries] = [&case.keys, &case.queries].map(|x| Rows::new(x, N, D).unwrap());
        let fit = LocalMean::new("gaussian(h=1.5)".parse().unwrap())
            .fit(keys, values)
            .unwrap();
        let all = fit.at(queries, &Watch::default().threads(2)).unwrap();
        let mut rng = Rng::new(4);
        for _ in 0..20 {
            let start = rng.below(N);
            let end = (start + 1 + rng.below(40)).min(N);
            let some = fit
                .at(queries.slice(start..end), &Watch::default())
                .unwrap();
            assert_eq!(some.means, all.means[2 * start..2 * end], "{}", case.name);
            assert_eq!(some.log_normalizer, all.log_normalizer[start..end]);
        }
    }
}
