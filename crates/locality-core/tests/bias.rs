//! Score biases: means, weights and derivatives against their definitions, for every engine.

use locality_core::{
    Bias, ErrorKind, Float, Gradients, Head, HeadFlow, LocalMean, LocalMeanFit, LocalMeans,
    OnEmpty, Rows, Watch,
};
use locality_testing::normal;

const P: usize = 3;

/// Which kind of biases.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Pairs,
    Relative,
    Keys,
    Both,
}

const KINDS: [Kind; 4] = [Kind::Pairs, Kind::Relative, Kind::Keys, Kind::Both];

#[derive(Clone)]
struct Case<T> {
    mean: LocalMean,
    engine: Option<&'static str>,
    d: usize,
    queries: Vec<T>,
    keys: Vec<T>,
    values: Vec<T>,
    weights: Option<Vec<T>>,
    kind: Kind,
    bias: Vec<T>,
    by_means: Vec<T>,
    by_logs: Vec<T>,
}

fn rows<T>(x: &[T], columns: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / columns, columns).unwrap()
}

impl<T: Float> Case<T> {
    fn new(kernel: &str, neighborhood: &str, kind: Kind, (m, n, d): (usize, usize, usize)) -> Self {
        let mean = LocalMean::new(kernel.parse().unwrap())
            .neighborhood(neighborhood.parse().unwrap())
            .on_empty(OnEmpty::Global);
        let draw = |k: u64, rows: usize, columns: usize| -> Vec<T> {
            normal(k, rows, columns)
                .into_iter()
                .map(T::from_f64)
                .collect()
        };
        let biases = match kind {
            Kind::Pairs => m * n,
            Kind::Relative => m + n - 1,
            Kind::Keys => n,
            Kind::Both => m + n - 1 + n,
        };
        Self {
            mean,
            engine: None,
            d,
            queries: draw(1, m, d),
            keys: draw(2, n, d),
            values: draw(3, n, P),
            weights: None,
            kind,
            bias: draw(4, biases, 1),
            by_means: draw(5, m, P),
            by_logs: draw(6, m, 1),
        }
    }

    fn m(&self) -> usize {
        self.queries.len() / self.d
    }

    fn n(&self) -> usize {
        self.keys.len() / self.d
    }

    fn weighted(mut self) -> Self {
        let all = normal(7, self.n(), 1).into_iter();
        self.weights = Some(all.map(|x| T::from_f64(x.abs() + 0.1)).collect());
        self
    }

    fn fit(&self) -> LocalMeanFit<T> {
        let (keys, values) = (rows(&self.keys, self.d), rows(&self.values, P));
        let weights = self.weights.as_deref();
        match self.engine {
            Some(engine) => self.mean.fit_engine(keys, values, weights, engine),
            None => self
                .mean
                .fit_watched(keys, values, weights, &Watch::default()),
        }
        .unwrap()
    }

    fn bias(&self) -> Bias<'_, T> {
        match self.kind {
            Kind::Pairs => Bias::Pairs(rows(&self.bias, self.n())),
            Kind::Relative => Bias::Relative(&self.bias),
            Kind::Keys => Bias::Keys(&self.bias),
            Kind::Both => {
                let (relative, keys) = self.bias.split_at(self.m() + self.n() - 1);
                Bias::RelativeAndKeys { relative, keys }
            }
        }
    }

    /// Where in the biases those of a pair are.
    fn places(&self, i: usize, j: usize) -> Vec<usize> {
        let relative = j + self.m() - 1 - i;
        match self.kind {
            Kind::Pairs => vec![i * self.n() + j],
            Kind::Relative => vec![relative],
            Kind::Keys => vec![j],
            Kind::Both => vec![relative, self.m() + self.n() - 1 + j],
        }
    }

    fn at(&self, watch: &Watch<'_>) -> LocalMeans<T> {
        let fit = self.fit();
        fit.biased(self.bias())
            .at(rows(&self.queries, self.d), watch)
            .unwrap()
    }

    fn gradients(&self, watch: &Watch<'_>) -> Gradients<T> {
        let (fit, at) = (self.fit(), self.at(watch));
        let (queries, keys) = (rows(&self.queries, self.d), rows(&self.keys, self.d));
        let means = rows(&self.by_means, P);
        fit.biased(self.bias())
            .pull_back(queries, keys, &at, means, Some(&self.by_logs), watch)
            .unwrap()
    }
}

fn near(a: f64, b: f64, tolerance: f64, what: &str) {
    let close = (a - b).abs() <= tolerance * (1.0 + b.abs());
    assert!(close, "{what}: {a} instead of {b}");
}

impl Case<f64> {
    /// The number that is differentiated.
    fn number(&self) -> f64 {
        let at = self.at(&Watch::default());
        let means = at.means.iter().zip(&self.by_means).map(|(m, g)| m * g);
        let logs = at.log_normalizer.iter().zip(&self.by_logs);
        let logs = logs.filter(|(l, _)| l.is_finite()).map(|(l, g)| l * g);
        means.sum::<f64>() + logs.sum::<f64>()
    }

    /// Means, normalisers and weights from the weights without a bias; derivatives by the biases from those.
    fn check_definition(&self, name: &str) {
        let (m, n, watch) = (self.m(), self.n(), Watch::default());
        let (fit, queries) = (self.fit(), rows(&self.queries, self.d));
        let plain = fit.at(queries, &watch).unwrap();
        let shares = fit.weights(queries, &watch).unwrap();
        let own = fit.biased(self.bias()).weights(queries, &watch).unwrap();
        let (at, g) = (self.at(&watch), self.gradients(&watch));
        let null = 1.0 - shares[..n].iter().sum::<f64>();
        let mut by_bias = vec![0.0; self.bias.len()];
        for i in 0..m {
            let bias = |j| self.places(i, j).into_iter().map(|p| self.bias[p]);
            let raised = |j: usize| shares[i * n + j] * bias(j).sum::<f64>().exp();
            let keys: f64 = (0..n).map(raised).sum();
            if keys == 0.0 && null.abs() > 0.5 && plain.log_normalizer[i] == f64::NEG_INFINITY {
                assert_eq!(at.log_normalizer[i], f64::NEG_INFINITY, "{name}");
                continue;
            }
            let rest = 1.0 - (0..n).map(|j| shares[i * n + j]).sum::<f64>();
            let total = keys + rest.max(0.0);
            let log = plain.log_normalizer[i] + total.ln();
            near(
                at.log_normalizer[i],
                log,
                1e-10,
                &format!("{name}: log {i}"),
            );
            let means = &at.means[i * P..][..P];
            for (c, mean) in means.iter().enumerate() {
                let sum: f64 = (0..n).map(|j| raised(j) * self.values[j * P + c]).sum();
                near(*mean, sum / total, 1e-10, &format!("{name}: mean {i}, {c}"));
            }
            for j in 0..n {
                let share = raised(j) / total;
                near(
                    own[i * n + j],
                    share,
                    1e-10,
                    &format!("{name}: weight {i}, {j}"),
                );
                let flow = &self.by_means[i * P..][..P];
                let lean = (0..P).map(|c| flow[c] * (self.values[j * P + c] - means[c]));
                let by = share * (lean.sum::<f64>() + self.by_logs[i]);
                for p in self.places(i, j) {
                    by_bias[p] += by;
                }
            }
        }
        assert_eq!(g.bias.len(), by_bias.len(), "{name}");
        for (i, (got, expected)) in g.bias.iter().zip(&by_bias).enumerate() {
            near(*got, *expected, 1e-10, &format!("{name}: by bias {i}"));
        }
    }

    /// The slope along a line through everything against the derivatives.
    fn check_line(&self, name: &str) {
        let g = self.gradients(&Watch::default());
        let mut expected = 0.0;
        let mut moved = |seed: u64, by: &[f64]| -> Vec<f64> {
            let step = normal(seed, by.len(), 1);
            expected += step.iter().zip(by).map(|(s, g)| s * g).sum::<f64>();
            step
        };
        let steps = [
            moved(11, &g.queries),
            moved(12, &g.keys),
            moved(13, &g.values),
            moved(14, &g.bias),
        ];
        let of_weights = self.weights.as_ref().map(|_| moved(15, &g.sample_weights));
        let parameters = self.mean.kernel().parameters();
        let of_kernel = moved(16, &g.kernel);
        let at = |x: f64| {
            let mut c = self.clone();
            let parts = [&mut c.queries, &mut c.keys, &mut c.values, &mut c.bias];
            for (to, by) in parts.into_iter().zip(&steps) {
                to.iter_mut().zip(by).for_each(|(t, s)| *t += x * s);
            }
            if let (Some(to), Some(by)) = (&mut c.weights, &of_weights) {
                to.iter_mut().zip(by).for_each(|(t, s)| *t += x * s);
            }
            let all = parameters.iter().zip(&of_kernel).map(|(p, s)| p.1 + x * s);
            let all: Vec<f64> = all.collect();
            c.mean = LocalMean::new(self.mean.kernel().with_parameters(&all).unwrap())
                .neighborhood(self.mean.neighborhood_rule().clone())
                .on_empty(OnEmpty::Global)
                .null_weight(if name.contains("null") { 0.7 } else { 0.0 });
            c.number()
        };
        let step = 1e-6;
        let got = (at(step) - at(-step)) / (2.0 * step);
        near(got, expected, 2e-6, &format!("{name}: along a line"));
    }
}

/// Kernels and neighbourhoods over few and many columns, so that every engine has its turn.
const CASES: &[(&str, &str, usize)] = &[
    ("gaussian(h=0.8)", "all", 2),
    ("gaussian(h=0.8)", "causal", 2),
    ("epanechnikov(h=1.5)", "all", 3),
    (
        "gaussian(h=[0.5, 1]) * cauchy(h=1, cols=0)",
        "window(before=9, after=3)",
        2,
    ),
    ("0.3 * gaussian(h=0.6) + 0.7 * cauchy(h=1)", "all", 2),
    ("tricube(knn=20)", "nearest(k=17)", 3),
    ("gaussian(h=1)", "nearest(k=5)", 3),
    ("softmax(beta=0.5)", "all", 12),
    ("softmax(beta=0.5)", "causal(offset=4)", 12),
    ("gaussian(h=2)", "window(before=20, after=9)", 12),
    ("cauchy(knn=9)", "all", 12),
];

#[test]
fn the_definition_and_differences() {
    for &(kernel, neighborhood, d) in CASES {
        for kind in KINDS {
            let name = format!("{kernel}, {neighborhood}, {kind:?}");
            let case = Case::new(kernel, neighborhood, kind, (41, 53, d));
            case.check_definition(&name);
            case.check_line(&name);
            let case = case.weighted();
            case.check_definition(&format!("{name}, weighted"));
            case.check_line(&format!("{name}, weighted"));
        }
    }
}

#[test]
fn a_weight_beside_the_keys() {
    for (d, neighborhood) in [(2, "all"), (12, "causal"), (3, "nearest(k=5)")] {
        let mut case = Case::new("gaussian(h=1)", neighborhood, Kind::Relative, (41, 53, d));
        case.mean = case.mean.null_weight(0.7);
        case.check_definition("null");
        case.check_line("null");
    }
}

#[test]
fn the_order_of_a_tree_changes_nothing() {
    for (kernel, d) in [
        ("gaussian(h=0.3)", 2),
        ("epanechnikov(h=4)", 9),
        ("uniform(h=1)", 2),
    ] {
        for kind in KINDS {
            for engine in ["tree", "reference"] {
                let mut case = Case::new(kernel, "all", kind, (150, 700, d));
                case.engine = Some(engine);
                case.check_definition(&format!("{kernel}, {kind:?}, {engine}"));
            }
        }
    }
}

#[test]
fn many_blocks() {
    for (m, n) in [(600, 300), (90, 700), (513, 129)] {
        for kind in KINDS {
            for neighborhood in ["all", "causal"] {
                let case = Case::new("softmax(beta=0.4)", neighborhood, kind, (m, n, 9));
                case.check_definition(&format!("{m} and {n}, {neighborhood}, {kind:?}"));
            }
        }
    }
}

#[test]
fn the_same_bits_for_any_threads_and_one_after_another() {
    for (neighborhood, d) in [("all", 12), ("causal", 2), ("nearest(k=9)", 3)] {
        for kind in KINDS {
            let case = Case::<f32>::new("gaussian(h=1)", neighborhood, kind, (600, 300, d));
            let one = Watch::default().threads(1);
            let (at, g) = (case.at(&one), case.gradients(&one));
            for threads in [2, 5] {
                let watch = Watch::default().threads(threads);
                assert_eq!(case.at(&watch), at);
                assert_eq!(case.gradients(&watch), g);
            }
            if neighborhood == "all" && kind == Kind::Pairs {
                let fit = case.fit();
                for i in [0, 299, 599] {
                    let own = Bias::Pairs(rows(&case.bias[i * 300..][..300], 300));
                    let query = rows(&case.queries[i * d..][..d], d);
                    let alone = fit.biased(own).at(query, &one).unwrap();
                    assert_eq!(alone.means, at.means[i * P..][..P]);
                    assert_eq!(alone.log_normalizer[0], at.log_normalizer[i]);
                }
            }
        }
    }
}

#[test]
fn single_precision_is_near_double() {
    let wide = Case::<f64>::new(
        "softmax(beta=0.4)",
        "causal",
        Kind::Relative,
        (300, 300, 12),
    );
    let mut narrow = Case::<f32>::new(
        "softmax(beta=0.4)",
        "causal",
        Kind::Relative,
        (300, 300, 12),
    );
    narrow.mean = wide.mean.clone();
    let watch = Watch::default();
    let (a, b) = (wide.gradients(&watch), narrow.gradients(&watch));
    for (x, y) in [
        (&a.bias, &b.bias),
        (&a.queries, &b.queries),
        (&a.values, &b.values),
    ] {
        let top = x.iter().fold(0.0_f64, |t, x| t.max(x.abs()));
        for (x, y) in x.iter().zip(y) {
            assert!((x - f64::from(*y)).abs() <= 2e-6 * top, "{x} and {y}");
        }
    }
}

/// Minus infinity leaves out: a table of it is a causal mask.
#[test]
fn a_mask_is_a_bias() {
    for d in [2, 12] {
        let mut case = Case::<f64>::new("gaussian(h=1)", "all", Kind::Relative, (90, 90, d));
        for (i, b) in case.bias.iter_mut().enumerate() {
            *b = if i <= 89 { 0.0 } else { f64::NEG_INFINITY };
        }
        let mut other = Case::<f64>::new("gaussian(h=1)", "causal", Kind::Relative, (90, 90, d));
        other.bias.fill(0.0);
        let watch = Watch::default();
        for (a, b) in case.at(&watch).means.iter().zip(&other.at(&watch).means) {
            near(*a, *b, 1e-13, "mean");
        }
        let (a, b) = (case.gradients(&watch), other.gradients(&watch));
        for (a, b) in a.keys.iter().zip(&b.keys) {
            near(*a, *b, 1e-11, "by key");
        }
        assert!(a.bias[90..].iter().all(|b| *b == 0.0));
    }
}

#[test]
fn where_everything_is_left_out() {
    let (keys, values) = ([0.0, 1.0, 5.0], [1.0, 2.0, 6.0]);
    let (gone, watch) = (f64::NEG_INFINITY, Watch::default());
    let bias = [gone, gone, gone, gone, 0.0, 0.0];
    let bias = Bias::Pairs(rows(&bias, 3));
    let queries = Rows::column(&[0.0, 0.0]);
    let mean = LocalMean::new("gaussian(h=1)".parse().unwrap());
    let fit = |mean: LocalMean| {
        mean.fit(Rows::column(&keys), Rows::column(&values))
            .unwrap()
    };
    let e = fit(mean.clone())
        .biased(bias)
        .at(queries, &watch)
        .unwrap_err();
    assert_eq!(e.kind(), ErrorKind::EmptyRegion);
    let at = |policy| {
        fit(mean.clone().on_empty(policy))
            .biased(bias)
            .at(queries, &watch)
            .unwrap()
    };
    assert_eq!(at(OnEmpty::Global).means[0], 3.0);
    assert!(at(OnEmpty::Nan).means[0].is_nan());
    assert_eq!(at(OnEmpty::Nan).log_normalizer[0], gone);
    let far = [gone, gone, gone, gone, gone, 0.0];
    let far = Bias::Pairs(rows(&far, 3));
    let compact = LocalMean::new("uniform(h=1)".parse().unwrap()).on_empty(OnEmpty::Nearest);
    // The only key that is left in is out of reach, and yet the nearest.
    let only = Rows::column(&[0.0]);
    let far = match far {
        Bias::Pairs(rows) => Bias::Pairs(rows.slice(1..2)),
        other => other,
    };
    assert_eq!(
        fit(compact).biased(far).at(only, &watch).unwrap().means,
        [6.0]
    );
}

/// `ALiBi` is a relative bias, and a Laplace factor over the positions.
#[test]
fn alibi_is_a_factor_of_the_kernel() {
    let (n, d, slope) = (70, 12, 0.25);
    let watch = Watch::default();
    let (x, values) = (normal(1, n, d), normal(2, n, P));
    let placed: Vec<f64> = (0..n)
        .flat_map(|i| std::iter::once(i as f64).chain(x[i * d..][..d].iter().copied()))
        .collect();
    let columns: Vec<String> = (1..=d).map(|c| c.to_string()).collect();
    let kernel = format!(
        "softmax(beta=0.3, cols=[{}]) * laplace(h={}, metric=manhattan, cols=0)",
        columns.join(", "),
        1.0 / slope
    );
    let factor = LocalMean::new(kernel.parse().unwrap());
    let factor = factor.fit(rows(&placed, d + 1), rows(&values, P)).unwrap();
    let expected = factor.at(rows(&placed, d + 1), &watch).unwrap();
    let table: Vec<f64> = (0..2 * n - 1)
        .map(|o| -slope * (o as f64 - (n as f64 - 1.0)).abs())
        .collect();
    let plain = LocalMean::new("softmax(beta=0.3)".parse().unwrap());
    let plain = plain.fit(rows(&x, d), rows(&values, P)).unwrap();
    let found = plain
        .biased(Bias::Relative(&table))
        .at(rows(&x, d), &watch)
        .unwrap();
    for (a, b) in found.means.iter().zip(&expected.means) {
        near(*a, *b, 1e-12, "mean");
    }
}

#[test]
fn heads_have_their_own() {
    let watch = Watch::default();
    let cases =
        KINDS.map(|kind| Case::<f64>::new("softmax(beta=0.4)", "causal", kind, (80, 80, 9)));
    let heads: Vec<_> = cases
        .iter()
        .map(|c| Head {
            queries: rows(&c.queries, c.d),
            keys: rows(&c.keys, c.d),
            values: rows(&c.values, P),
            bias: Some(c.bias()),
        })
        .collect();
    let flows: Vec<_> = cases
        .iter()
        .map(|c| HeadFlow {
            at: None,
            means: rows(&c.by_means, P),
            log_normalizer: Some(&c.by_logs[..]),
            to_bias: true,
        })
        .collect();
    let mean = &cases[0].mean;
    let found = mean.at_heads(&heads, None, &watch).unwrap();
    let back = mean.pull_back_heads(&heads, None, &flows, &watch).unwrap();
    for (i, case) in cases.iter().enumerate() {
        assert_eq!(found[i], case.at(&watch));
        assert_eq!(back[i], case.gradients(&watch));
    }
}

#[test]
fn constant_biases_get_no_derivatives_and_change_no_others() {
    for &(kernel, neighborhood, d) in CASES {
        for kind in KINDS {
            let case = Case::<f64>::new(kernel, neighborhood, kind, (70, 90, d));
            let watch = Watch::default();
            let (fit, at, learned) = (case.fit(), case.at(&watch), case.gradients(&watch));
            let (queries, keys) = (rows(&case.queries, d), rows(&case.keys, d));
            let (means, logs) = (rows(&case.by_means, P), Some(&case.by_logs[..]));
            let fixed = fit.biased(case.bias()).constant();
            let found = fixed.pull_back(queries, keys, &at, means, logs, &watch);
            let found = found.unwrap();
            let name = format!("{kernel}, {neighborhood}, {kind:?}");
            assert!(!learned.bias.is_empty() && found.bias.is_empty(), "{name}");
            let same = Gradients {
                bias: Vec::new(),
                ..learned
            };
            assert_eq!(found, same, "{name}");
        }
    }
}

#[test]
fn a_padding_mask_beside_a_position_bias_is_their_sum() {
    // A key is left out by either, in the middle of a run or a whole tile of them.
    let mut case = Case::<f64>::new("softmax(beta=0.5)", "all", Kind::Both, (150, 600, 12));
    let offsets = case.m() + case.n() - 1;
    case.bias[..40].fill(f64::NEG_INFINITY);
    case.bias[offsets + 250..].fill(f64::NEG_INFINITY);
    case.bias[offsets + 3] = f64::NEG_INFINITY;
    let mut pairs = case.clone();
    pairs.kind = Kind::Pairs;
    pairs.bias = (0..case.m() * case.n())
        .map(|k| {
            let places = case.places(k / case.n(), k % case.n());
            places.into_iter().map(|p| case.bias[p]).sum()
        })
        .collect();
    let watch = Watch::default();
    let (a, b) = (case.at(&watch), pairs.at(&watch));
    for (a, b) in a.means.iter().zip(&b.means) {
        near(*a, *b, 1e-12, "means");
    }
    let (a, b) = (case.gradients(&watch), pairs.gradients(&watch));
    for (a, b) in a.keys.iter().zip(&b.keys) {
        near(*a, *b, 1e-11, "by keys");
    }
    let mut sums = vec![0.0; case.bias.len()];
    for (k, by) in b.bias.iter().enumerate() {
        let places = case.places(k / case.n(), k % case.n());
        for p in places {
            sums[p] += by;
        }
    }
    for (a, b) in a.bias.iter().zip(&sums) {
        near(*a, *b, 1e-11, "by biases");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let (keys, watch) = ([0.0, 1.0, 5.0], Watch::default());
    let fit = LocalMean::new("gaussian(h=1)".parse().unwrap());
    let fit = fit.fit(Rows::column(&keys), Rows::column(&keys)).unwrap();
    let queries = Rows::column(&keys[..2]);
    let say = |bias: Bias<'_, f64>| {
        fit.biased(bias)
            .at(queries, &watch)
            .unwrap_err()
            .to_string()
    };
    let mut all = [0.0; 6];
    assert_eq!(
        say(Bias::Pairs(rows(&all, 2))),
        "bias has shape [3, 2], but 2 queries and 3 keys need [2, 3]"
    );
    assert!(
        say(Bias::Relative(&all))
            .contains("relative bias has 6 entries, but 2 queries and 3 keys need 4")
    );
    assert_eq!(
        say(Bias::Keys(&all[..2])),
        "bias has 2 entries, but 3 keys need 3: one for each"
    );
    all[4] = f64::NAN;
    assert!(say(Bias::Keys(&all[3..])).starts_with("bias has NaN in entry 1"));
    assert!(say(Bias::Pairs(rows(&all, 3))).starts_with("bias has NaN in row 1, column 1"));
    all[4] = f64::INFINITY;
    assert!(say(Bias::Relative(&all[2..])).starts_with("relative bias has inf in entry 2"));
    let weights = fit.biased(Bias::Relative(&all)).weights(queries, &watch);
    assert_eq!(weights.unwrap_err().kind(), ErrorKind::Shape);
}
