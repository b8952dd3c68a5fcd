//! The pull-back by products of tiles over several blocks, and many heads at once.

use locality_core::{
    ErrorKind, Float, Gradients, Head, HeadFlow, LocalMean, LocalMeans, Rows, Watch,
};
use locality_testing::normal;

/// More than are worked on by direct differences.
const D: usize = 9;
const P: usize = 3;

fn rows<T>(x: &[T], columns: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / columns, columns).unwrap()
}

struct Set<T> {
    queries: Vec<T>,
    keys: Vec<T>,
    values: Vec<T>,
    by_means: Vec<T>,
    by_logs: Vec<T>,
}

impl<T: Float> Set<T> {
    fn new(seed: u64, m: usize, n: usize) -> Self {
        let draw = |k: u64, rows: usize, columns: usize| -> Vec<T> {
            let x: Vec<f64> = normal(10 * seed + k, rows, columns);
            x.into_iter().map(T::from_f64).collect()
        };
        Self {
            queries: draw(1, m, D),
            keys: draw(2, n, D),
            values: draw(3, n, P),
            by_means: draw(4, m, P),
            by_logs: draw(5, m, 1),
        }
    }

    fn head(&self) -> Head<'_, T> {
        Head {
            queries: rows(&self.queries, D),
            keys: rows(&self.keys, D),
            values: rows(&self.values, P),
            bias: None,
        }
    }

    fn flow<'a>(&'a self, at: Option<&'a LocalMeans<T>>) -> HeadFlow<'a, T> {
        HeadFlow {
            at,
            means: rows(&self.by_means, P),
            log_normalizer: Some(&self.by_logs),
            to_bias: false,
        }
    }

    fn gradients(&self, mean: &LocalMean, watch: &Watch<'_>) -> Gradients<T> {
        let head = self.head();
        let fit = mean.fit(head.keys, head.values).unwrap();
        let at = fit.at(head.queries, watch).unwrap();
        let flow = self.flow(Some(&at));
        let (means, logs) = (flow.means, flow.log_normalizer);
        fit.pull_back(head.queries, head.keys, &at, means, logs, watch)
            .unwrap()
    }
}

fn mean(kernel: &str, neighborhood: &str) -> LocalMean {
    LocalMean::new(kernel.parse().unwrap())
        .neighborhood(neighborhood.parse().unwrap())
        .on_empty(locality_core::OnEmpty::Global)
}

fn close(a: &[f64], b: &[f64], what: &str) {
    let top = a.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= 1e-11 * top, "{what}, {i}: {a} and {b}");
    }
}

#[test]
fn blocks_agree_with_one_pair_after_another() {
    for (m, n) in [(700, 300), (90, 700), (513, 129), (256, 128), (390, 390)] {
        let set = Set::<f64>::new(1, m, n);
        for (kernel, neighborhood) in [
            ("softmax(beta=0.4)", "all"),
            ("softmax(beta=0.4)", "causal"),
            ("gaussian(h=3)", "window(before=150, after=9)"),
            ("cauchy(h=2)", "causal(offset=40) & hollow"),
        ] {
            if neighborhood.contains("hollow") && m != n {
                continue;
            }
            let watch = Watch::default();
            let tiles = set.gradients(&mean(kernel, neighborhood), &watch);
            // A factor of one, which has the general path taken.
            let product = format!("{kernel} * uniform(h=1e9, cols=0)");
            let pairs = set.gradients(&mean(&product, neighborhood), &watch);
            let what = format!("{kernel}, {neighborhood}, {m} x {n}");
            close(&pairs.queries, &tiles.queries, &what);
            close(&pairs.keys, &tiles.keys, &what);
            close(&pairs.values, &tiles.values, &what);
            close(&pairs.sample_weights, &tiles.sample_weights, &what);
            let count = tiles.kernel.len();
            close(&pairs.kernel[..count], &tiles.kernel, &what);
        }
    }
}

#[test]
fn blocks_give_the_same_bits_for_any_number_of_threads_and_alone() {
    for (m, n) in [(700, 300), (90, 700)] {
        for neighborhood in ["all", "causal(offset=30)"] {
            let set = Set::<f32>::new(2, m, n);
            let mean = mean("softmax(beta=0.4)", neighborhood);
            let one = set.gradients(&mean, &Watch::default().threads(1));
            for threads in [2, 3, 5] {
                assert_eq!(
                    one,
                    set.gradients(&mean, &Watch::default().threads(threads))
                );
            }
            // Each query takes in the keys in the same order, whoever comes along.
            let few = Set {
                queries: set.queries[..7 * D].to_vec(),
                by_means: set.by_means[..7 * P].to_vec(),
                by_logs: set.by_logs[..7].to_vec(),
                keys: set.keys.clone(),
                values: set.values.clone(),
            };
            let few = few.gradients(&mean, &Watch::default());
            assert_eq!(few.queries, one.queries[..7 * D]);
        }
    }
}

/// A query's shares sum up to 1, also where the only key that it sees is the neighbour whose distance is the bandwidth. That one's
/// weight is the same wherever the two lie.
#[test]
fn the_neighbour_at_the_end_of_a_kernel_has_its_share_and_no_slope() {
    let watch = Watch::default();
    for (kernel, neighborhood) in [
        ("tricube(knn=1)", "all"),
        ("epanechnikov(knn=1)", "all"),
        ("tricube(knn=20)", "causal"),
        ("triweight(knn=5)", "hollow"),
    ] {
        let mut set = Set::<f64>::new(7, 120, 120);
        set.by_logs.fill(0.0);
        let mean = mean(kernel, neighborhood);
        let found = set.gradients(&mean, &watch);
        for column in 0..P {
            let of = |x: &[f64]| x.iter().skip(column).step_by(P).sum::<f64>();
            let (found, given) = (of(&found.values), of(&set.by_means));
            assert!(
                (found - given).abs() < 1e-9,
                "{kernel}, {neighborhood}: {found} and {given}"
            );
        }
        if kernel.contains("knn=1)") {
            set.by_means.fill(0.0);
            set.by_logs.fill(1.0);
            let found = set.gradients(&mean, &watch);
            let all = found.queries.iter().chain(&found.keys);
            let largest = all.fold(0.0_f64, |a, x| a.max(x.abs()));
            assert!(largest < 1e-9, "{kernel}: {largest}");
        }
    }
}

#[test]
fn heads_are_one_after_another() {
    let sets: Vec<Set<f32>> = [(300, 200), (5, 7), (64, 400)]
        .iter()
        .zip(3..)
        .map(|(&(m, n), seed)| Set::new(seed, m, n))
        .collect();
    let mean = mean("softmax(beta=0.4)", "all");
    let heads: Vec<_> = sets.iter().map(Set::head).collect();
    for threads in [1, 2, 3] {
        let watch = Watch::default().threads(threads);
        let found = mean.at_heads(&heads, None, &watch).unwrap();
        let given: Vec<_> = sets
            .iter()
            .zip(&found)
            .map(|(s, f)| s.flow(Some(f)))
            .collect();
        let anew: Vec<_> = sets.iter().map(|s| s.flow(None)).collect();
        let back = mean.pull_back_heads(&heads, None, &given, &watch).unwrap();
        assert_eq!(
            back,
            mean.pull_back_heads(&heads, None, &anew, &watch).unwrap()
        );
        for ((set, found), back) in sets.iter().zip(&found).zip(&back) {
            let head = set.head();
            let fit = mean.fit(head.keys, head.values).unwrap();
            assert_eq!(*found, fit.at(head.queries, &Watch::default()).unwrap());
            assert_eq!(*back, set.gradients(&mean, &Watch::default()));
        }
    }
    let mut bad = sets[1].head();
    let queries = vec![f32::NAN; sets[1].queries.len()];
    bad.queries = rows(&queries, D);
    let error = mean
        .at_heads(&[heads[0], bad, heads[2]], None, &Watch::default())
        .unwrap_err();
    assert!(error.to_string().contains("head 1 of 3"), "{error}");
    let short = [sets[0].flow(None)];
    let error = mean
        .pull_back_heads(&heads, None, &short, &Watch::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn a_long_pull_back_is_stopped() {
    let set = Set::<f32>::new(6, 600, 600);
    let mean = mean("softmax(beta=0.4)", "all");
    let head = set.head();
    let fit = mean.fit(head.keys, head.values).unwrap();
    let at = fit.at(head.queries, &Watch::default()).unwrap();
    for threads in [1, 3] {
        let stop = std::sync::atomic::AtomicBool::new(true);
        let watch = Watch::default().threads(threads).cancel(&stop);
        let by_means = rows(&set.by_means, P);
        let error = fit
            .pull_back(head.queries, head.keys, &at, by_means, None, &watch)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}
