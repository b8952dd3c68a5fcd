//! Local samples against the weights of the plain loops: every engine, bounded and unbounded kernels, neighbourhoods, sample weights.

use locality_core::{Float, LocalMean, LocalMeanFit, OnEmpty, Rows, Watch};
use locality_testing::{Rng, blobs, normal, table};

const KERNELS: &[&str] = &[
    "gaussian(h=0.3)",
    "gaussian(h=0.01)",
    "epanechnikov(h=0.5)",
    "tricube(knn=20)",
    "laplace(h=[0.2, 0.4, 0.3])",
    "gaussian(h=0.5) * uniform(h=0.7, cols=0)",
    "0.3 * gaussian(h=0.2) + 0.7 * triangular(h=0.4)",
    "softmax(beta=2)",
];
const NEIGHBORHOODS: &[&str] = &["all", "nearest(k=7)", "causal", "window(before=4, after=2)"];

/// Dense weights of each query out of its local sample.
fn spread<T: Float>(fit: &LocalMeanFit<T>, queries: Rows<'_, T>, threads: usize) -> Vec<Vec<f64>> {
    let n = fit.order().len();
    let watch = Watch::default().threads(threads);
    let rows = fit.local_samples(queries, &watch, |_, sample| {
        let mut row = vec![0.0; n];
        let mut seen = 0;
        for (run, weights) in sample.iter() {
            for (slot, w) in run.zip(weights) {
                seen += 1;
                match fit.order().get(slot) {
                    Some(&key) => row[key as usize] += w.to_f64(),
                    None => assert_eq!(w.to_f64(), 0.0, "padding weighs nothing"),
                }
            }
        }
        assert_eq!(seen, sample.weights().len());
        let total: f64 = row.iter().sum();
        if total > 0.0 {
            for w in &mut row {
                *w /= total;
            }
        }
        Ok(row)
    });
    rows.unwrap()
}

fn agree<T: Float>(x: &[T], n: usize, weights: Option<&[T]>, error: f64) {
    let keys = Rows::new(x, n, 3).unwrap();
    // As many queries as keys for small tables, so that sequential neighbourhoods make sense.
    let queries = keys.slice(0..n.min(300));
    for kernel in KERNELS {
        for neighborhood in NEIGHBORHOODS {
            let mean = LocalMean::new(kernel.parse().unwrap())
                .neighborhood(neighborhood.parse().unwrap())
                .on_empty(OnEmpty::Nan);
            let fit = match weights {
                Some(w) => mean.fit_weighted(keys, keys, w),
                None => mean.fit(keys, keys),
            };
            let fit = fit.unwrap();
            let found = spread(&fit, queries, 2);
            let wanted = fit.weights(queries, &Watch::default()).unwrap();
            for (i, row) in found.iter().enumerate() {
                for (a, b) in row.iter().zip(&wanted[i * n..][..n]) {
                    let off = (a - b.to_f64()).abs();
                    assert!(
                        off <= error,
                        "{kernel}, {neighborhood}, query {i}: {a} for {b:?}"
                    );
                }
            }
            assert_eq!(found, spread(&fit, queries, 1));
        }
    }
}

#[test]
fn samples_are_the_weights_of_the_plain_loops() {
    // Below and above the size from which there is a tree.
    for n in [20, 63, 300, 5000] {
        let x = blobs(1, n, 3, 5, 0.2).0;
        agree(&x, n, None, 1e-12);
    }
}

#[test]
fn samples_of_single_precision_and_with_sample_weights() {
    let n = 5000;
    let x = table(&normal(2, n, 3));
    let mut rng = Rng::new(3);
    let weights: Vec<f32> = (0..n)
        .map(|i| {
            if i % 7 == 0 {
                0.0
            } else {
                rng.uniform() as f32
            }
        })
        .collect();
    agree(&x, n, Some(&weights), 2e-5);
}

#[test]
fn a_query_alone_sees_what_it_sees_in_company() {
    let n = 5000;
    let x = normal(4, n, 3);
    let keys = Rows::new(&x, n, 3).unwrap();
    for kernel in KERNELS {
        let fit = LocalMean::new(kernel.parse().unwrap())
            .on_empty(OnEmpty::Nan)
            .fit(keys, keys)
            .unwrap();
        let all = spread(&fit, keys.slice(0..40), 2);
        for i in 0..40 {
            assert_eq!(
                all[i..=i],
                spread(&fit, keys.slice(i..i + 1), 1),
                "{kernel}"
            );
        }
    }
}
