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
            }
            // A tree's keys have an order of their own, so that the runs of a mask are none there.
            let ends = kernel.starts_with("epanechnikov");
            let all = ENDS[3] * ENDS[3];
            assert!(
                ends || (own_pairs as u64..all as u64 * 3 / 4).contains(&whole.visited),
                "{kernel}: {} visited of {all}, {own_pairs} within documents",
                whole.visited
            );
        }
    }
}
