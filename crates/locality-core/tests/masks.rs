//! Masks given as biases: documents side by side, of which each sees itself alone.

use locality_core::{Bias, Gradients, LocalMean, LocalMeans, OnEmpty, Rows, Watch};
use locality_testing::{Rng, close};

/// Where each document ends. Runs and blocks of every size lie wholly in the dark, wholly in the light or across an edge.
const ENDS: [usize; 4] = [130, 131, 700, 1500];
const P: usize = 3;

struct Set {
    d: usize,
    queries: Vec<f64>,
    keys: Vec<f64>,
    values: Vec<f64>,
    by_means: Vec<f64>,
    by_logs: Vec<f64>,
    bias: Vec<f64>,
}

fn documents() -> impl Iterator<Item = std::ops::Range<usize>> {
    let starts = std::iter::once(0).chain(ENDS);
    starts.zip(ENDS).map(|(a, b)| a..b)
}

impl Set {
    fn new(d: usize) -> Self {
        let mut rng = Rng::new(5);
        let n = ENDS[3];
        let mut normal = |count| (0..count).map(|_| rng.normal()).collect::<Vec<f64>>();
        let mut bias = vec![f64::NEG_INFINITY; n * n];
        let own = normal(n * n);
        for range in documents() {
            for i in range.clone() {
                let run = i * n + range.start..i * n + range.end;
                bias[run.clone()].copy_from_slice(&own[run]);
            }
        }
        Self {
            d,
            queries: normal(n * d),
            keys: normal(n * d),
            values: normal(n * P),
            by_means: normal(n * P),
            by_logs: normal(n),
            bias,
        }
    }

    fn run(&self, kernel: &str, at: std::ops::Range<usize>) -> (LocalMeans<f64>, Gradients<f64>) {
        let (n, d) = (ENDS[3], self.d);
        let part = |x: &[f64], c: usize| x[at.start * c..at.end * c].to_vec();
        let (q, k) = (part(&self.queries, d), part(&self.keys, d));
        let (v, g) = (part(&self.values, P), part(&self.by_means, P));
        let bias: Vec<f64> = at
            .clone()
            .flat_map(|i| self.bias[i * n..][at.clone()].iter().copied())
            .collect();
        let count = at.len();
        let mean = LocalMean::new(kernel.parse().unwrap()).on_empty(OnEmpty::Nan);
        let fit = mean.fit(rows(&k, count, d), rows(&v, count, P)).unwrap();
        let fit = fit.biased(Bias::Pairs(rows(&bias, count, count)));
        let watch = Watch::default();
        let found = fit.at(rows(&q, count, d), &watch).unwrap();
        let logs = Some(&self.by_logs[at.clone()]);
        let (q, k, g) = (rows(&q, count, d), rows(&k, count, d), rows(&g, count, P));
        let back = fit.pull_back(q, k, &found, g, logs, &watch).unwrap();
        (found, back)
    }
}

fn rows(x: &[f64], count: usize, columns: usize) -> Rows<'_, f64> {
    Rows::new(x, count, columns).unwrap()
}

fn agree(whole: &[f64], part: &[f64], what: &str) {
    for (i, (a, b)) in whole.iter().zip(part).enumerate() {
        assert!(close(*a, *b, 1e-11), "{what}, {i}: {a} and {b}");
    }
}

/// In few columns pairs are weighed one by one, in many by products of tiles.
#[test]
fn documents_side_by_side_are_documents_alone_and_nothing_between_is_visited() {
    for d in [2, 12] {
        let set = Set::new(d);
        for kernel in ["softmax(beta=0.3)", "gaussian(h=2)", "epanechnikov(h=6)"] {
            let (whole, back) = set.run(kernel, 0..ENDS[3]);
            let mut own_pairs = 0;
            let mut by_kernel = vec![0.0; back.kernel.len()];
            for at in documents() {
                own_pairs += at.len() * at.len();
                let what = format!("{kernel}, {d} columns, document {at:?}");
                let (part, own) = set.run(kernel, at.clone());
                let of = |c: usize| at.start * c..at.end * c;
                agree(&whole.means[of(P)], &part.means, &what);
                agree(&whole.log_normalizer[of(1)], &part.log_normalizer, &what);
                agree(&back.queries[of(d)], &own.queries, &what);
                agree(&back.keys[of(d)], &own.keys, &what);
                agree(&back.values[of(P)], &own.values, &what);
                agree(&back.sample_weights[of(1)], &own.sample_weights, &what);
                by_kernel
                    .iter_mut()
                    .zip(&own.kernel)
                    .for_each(|(a, b)| *a += b);
                for (i, own) in at.clone().zip(own.bias.chunks_exact(at.len())) {
                    let row = &back.bias[i * ENDS[3]..][..ENDS[3]];
                    agree(&row[at.clone()], own, &what);
                    let outside = row[..at.start].iter().chain(&row[at.end..]);
                    assert!(outside.into_iter().all(|b| *b == 0.0), "{what}");
                }
            }
            agree(&back.kernel, &by_kernel, kernel);
            let all = ENDS[3] * ENDS[3];
            assert!(
                (own_pairs as u64..all as u64 * 3 / 4).contains(&whole.visited),
                "{kernel}: {} visited of {all}, {own_pairs} within documents",
                whole.visited
            );
        }
    }
}

/// What is left out stays so beside a score that overflows, whether its run is skipped or not.
#[test]
fn a_pair_that_is_left_out_may_have_any_score() {
    let keys = [1.0_f32, 3e38, 2.0];
    let (queries, values) = ([10.0_f32], [5.0_f32, 7.0, 6.0]);
    let bias = [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let mean = LocalMean::new("softmax(beta=1)".parse().unwrap());
    let fit = mean
        .fit(Rows::column(&keys), Rows::column(&values))
        .unwrap();
    let fit = fit.biased(Bias::Pairs(Rows::new(&bias, 1, 3).unwrap()));
    let found = fit.at(Rows::column(&queries), &Watch::default()).unwrap();
    assert_eq!(found.means, [5.0]);
}

/// A table of relative biases keeps its shape where there is no query.
#[test]
fn derivatives_by_a_table_without_queries_are_zeros() {
    let (keys, none): ([f64; 3], [f64; 0]) = ([1.0, 2.0, 3.0], []);
    for d in [1, 12] {
        let keys: Vec<f64> = keys.iter().flat_map(|k| vec![*k; d]).collect();
        let mean = LocalMean::new("gaussian(h=1)".parse().unwrap());
        let rows = |x| Rows::new(x, 3, d).unwrap();
        let fit = mean.fit(rows(&keys), rows(&keys)).unwrap();
        let table = [0.5, 0.25];
        let fit = fit.biased(Bias::Relative(&table));
        let empty = Rows::new(&none, 0, d).unwrap();
        let watch = Watch::default();
        let found = fit.at(empty, &watch).unwrap();
        let back = fit
            .pull_back(empty, rows(&keys), &found, empty, None, &watch)
            .unwrap();
        assert_eq!(back.bias, [0.0, 0.0]);
    }
}

/// A bandwidth that is the distance to a neighbour is one to a key that is let in.
#[test]
fn neighbours_that_make_bandwidths_are_let_in() {
    const N: usize = 60;
    let mut rng = Rng::new(9);
    let x: Vec<f64> = (0..N).map(|_| rng.normal()).collect();
    let lower: Vec<f64> = (0..N * N)
        .map(|at| {
            if at % N <= at / N {
                0.0
            } else {
                f64::NEG_INFINITY
            }
        })
        .collect();
    let (rows, watch) = (Rows::column(&x), Watch::default());
    for kernel in ["gaussian(knn=5)", "tricube(knn=3)"] {
        let mean = LocalMean::new(kernel.parse().unwrap()).on_empty(OnEmpty::Nan);
        let causal = mean.clone().neighborhood("causal".parse().unwrap());
        let causal = causal.fit(rows, rows).unwrap();
        let masked = mean.fit(rows, rows).unwrap();
        let masked = masked.biased(Bias::Pairs(Rows::new(&lower, N, N).unwrap()));
        let (a, b) = (causal.at(rows, &watch), masked.at(rows, &watch));
        let (a, b) = (a.unwrap(), b.unwrap());
        for (i, (a, b)) in a.means.iter().zip(&b.means).enumerate() {
            assert!(close(*a, *b, 1e-13), "{kernel}, {i}: {a} {b}");
        }
        let back = |fit: &dyn Fn() -> locality_core::Result<Gradients<f64>>| fit().unwrap();
        let ones = vec![1.0; N];
        let flow = Rows::column(&ones);
        let by_causal = back(&|| causal.pull_back(rows, rows, &a, flow, None, &watch));
        let by_masked = back(&|| masked.pull_back(rows, rows, &b, flow, None, &watch));
        for (a, b) in by_causal.keys.iter().zip(&by_masked.keys) {
            assert!((a - b).abs() < 1e-10, "{kernel}: {a} {b}");
        }
    }
}
