//! The pull-back against central differences, for every kernel, neighbourhood and argument.

use locality_core::{
    Float, Gradients, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Profile, Rows, Watch,
    profiles,
};
use locality_testing::normal;

const KERNELS: &[&str] = &[
    "gaussian(h=0.8)",
    "gaussian(h=[0.5, 1, 2])",
    "laplace(h=[0.5, 1, 2], metric=manhattan)",
    "triangular(h=[1.5, 2, 1], metric=chebyshev)",
    "cauchy(h=[0.5, 1, 2], metric=hamming)",
    "epanechnikov(h=1.7)",
    "tricube(knn=20)",
    "gaussian(knn=20, metric=chebyshev)",
    "gaussian(site_knn=9)",
    "laplace(site_knn=5, metric=manhattan)",
    "gaussian(knn=15, metric=mahalanobis, map=[[1, 0.5, 0], [0, 1, 0.2]])",
    "gaussian(h=0.7, metric=mahalanobis, map=[[1, 0.5, 0], [0, 1, 0.2]])",
    "matern52(h=0.4, metric=cosine)",
    "gaussian(h=0.4, metric=haversine, cols=[0, 1])",
    "laplace(h=4000, metric=haversine_km, cols=[0, 2])",
    "softmax(beta=1.5)",
    "softmax(beta=4, metric=cosine)",
    "softcap(beta=1.5, cap=2)",
    "sigmoid(gamma=2, c=-1)",
    "polynomial(degree=2, gamma=0.7, c=3)",
    "s(a=-2.5, b=3, cols=0)",
    "z(a=-2.5, b=3, cols=1)",
    "gaussian(h=0.5, cols=[0, 1]) * epanechnikov(h=3, cols=2)",
    "0.3 * gaussian(h=0.6) + 0.7 * cauchy(h=1) + 0.1 * epanechnikov(h=3)",
    "(gaussian(h=0.5) + 2 * laplace(h=1))^0.5",
    "tricube(h=2.5)^2 * bell(h=1, b=1.5)",
    "gaussian(h=1) * gaussian(h=2)^3",
];

const NEIGHBORHOODS: &[&str] = &[
    "all",
    "hollow",
    "causal",
    "window(before=40, after=3)",
    "radius(r=2)",
    "nearest(k=17)",
    "nearest(k=5) & hollow",
    "mutual(k=12)",
];

const N: usize = 83;
const D: usize = 3;
const P: usize = 2;

/// Everything that a result depends on, in one precision.
#[derive(Clone)]
struct Case<T> {
    queries: Vec<T>,
    keys: Vec<T>,
    values: Vec<T>,
    weights: Vec<T>,
    by_means: Vec<T>,
    by_logs: Vec<T>,
    columns: usize,
    d: usize,
    /// No sample weights are given: each is one.
    unweighted: bool,
    /// The weight beside the keys.
    null: f64,
    mean: LocalMean,
}

fn case(kernel: &str, neighborhood: &str, columns: usize) -> Case<f64> {
    case_of(kernel, neighborhood, columns, D)
}

fn case_of(kernel: &str, neighborhood: &str, columns: usize, d: usize) -> Case<f64> {
    let neighborhood: Neighborhood = neighborhood.parse().unwrap();
    let mean = LocalMean::new(kernel.parse().unwrap())
        .neighborhood(neighborhood)
        .on_empty(OnEmpty::Global);
    let positive = |x: Vec<f64>| -> Vec<f64> { x.iter().map(|x| x.abs() + 0.1).collect() };
    Case {
        queries: normal(1, N, d),
        keys: normal(2, N, d),
        values: normal(3, N, columns),
        weights: positive(normal(4, N, 1)),
        by_means: normal(5, N, columns),
        by_logs: normal(6, N, 1),
        columns,
        d,
        unweighted: false,
        null: 0.0,
        mean,
    }
}

impl<T: Float> Case<T> {
    fn fit(&self) -> LocalMeanFit<T> {
        let keys = Rows::new(&self.keys, N, self.d).unwrap();
        let values = Rows::new(&self.values, N, self.columns).unwrap();
        if self.unweighted && self.weights.iter().all(|w| *w == T::ONE) {
            return self.mean.fit(keys, values).unwrap();
        }
        self.mean.fit_weighted(keys, values, &self.weights).unwrap()
    }

    fn gradients(&self, watch: &Watch<'_>) -> Gradients<T> {
        let queries = Rows::new(&self.queries, N, self.d).unwrap();
        let keys = Rows::new(&self.keys, N, self.d).unwrap();
        let means = Rows::new(&self.by_means, N, self.columns).unwrap();
        let fit = self.fit();
        let at = fit.at(queries, watch).unwrap();
        fit.pull_back(queries, keys, &at, means, Some(&self.by_logs), watch)
            .unwrap()
    }

    fn single(&self) -> Case<f32> {
        let narrow = |x: &[T]| x.iter().map(|x| x.to_f64() as f32).collect();
        Case {
            queries: narrow(&self.queries),
            keys: narrow(&self.keys),
            values: narrow(&self.values),
            weights: narrow(&self.weights),
            by_means: narrow(&self.by_means),
            by_logs: narrow(&self.by_logs),
            columns: self.columns,
            d: self.d,
            unweighted: self.unweighted,
            null: self.null,
            mean: self.mean.clone(),
        }
    }
}

impl Case<f64> {
    /// The number that is differentiated.
    fn number(&self) -> f64 {
        let queries = Rows::new(&self.queries, N, self.d).unwrap();
        let at = self.fit().at(queries, &Watch::default()).unwrap();
        let means = at.means.iter().zip(&self.by_means).map(|(m, g)| m * g);
        let logs = at.log_normalizer.iter().zip(&self.by_logs);
        let logs = logs.filter(|(l, _)| l.is_finite()).map(|(l, g)| l * g);
        means.sum::<f64>() + logs.sum::<f64>()
    }

    /// The central difference in one direction.
    fn difference(&self, step: f64, change: impl Fn(&mut Self, f64)) -> f64 {
        let at = |x: f64| {
            let mut other = self.clone();
            change(&mut other, x);
            other.number()
        };
        (at(step) - at(-step)) / (2.0 * step)
    }

    fn check(&self, name: &str) {
        let g = self.gradients(&Watch::default());
        let near = |got: f64, expected: f64, what: &str| {
            let close = (got - expected).abs() <= 3e-6 * (1.0 + expected.abs());
            assert!(close, "{name}: by {what}: {got} instead of {expected}");
        };
        // So small that hardly a pair crosses an edge or a kink.
        let step = 2e-6;
        for i in (0..N * self.d).step_by(29 * self.d / D) {
            let q = self.difference(step, |c, x| c.queries[i] += x);
            near(g.queries[i], q, &format!("query entry {i}"));
            let k = self.difference(step, |c, x| c.keys[i] += x);
            near(g.keys[i], k, &format!("key entry {i}"));
        }
        for i in (0..N * self.columns).step_by(41) {
            let v = self.difference(step, |c, x| c.values[i] += x);
            near(g.values[i], v, &format!("value entry {i}"));
        }
        for i in (0..N).step_by(17) {
            let w = self.difference(step, |c, x| c.weights[i] += x);
            near(g.sample_weights[i], w, &format!("sample weight {i}"));
        }
        let kernel = self.mean.kernel().clone();
        let own = kernel.parameters();
        assert_eq!(g.kernel.len(), own.len(), "{name}");
        for (i, (what, x)) in own.iter().enumerate() {
            let expected = self.difference(step * x.abs().max(0.1), |c, dx| {
                let mut all: Vec<f64> = own.iter().map(|p| p.1).collect();
                all[i] += dx;
                let kernel = kernel.with_parameters(&all).unwrap();
                c.mean = LocalMean::new(kernel)
                    .neighborhood(self.mean.neighborhood_rule().clone())
                    .on_empty(OnEmpty::Global)
                    .null_weight(self.null);
            });
            near(g.kernel[i], expected, what);
        }
        if self.null > 0.0 {
            let expected = self.difference(step, |c, dx| {
                c.mean = self.mean.clone().null_weight(self.null + dx);
            });
            near(g.null_weight, expected, "the null weight");
        } else {
            assert_eq!(g.null_weight, 0.0);
        }
    }

    fn beside(mut self, null: f64) -> Self {
        self.null = null;
        self.mean = self.mean.null_weight(null);
        self
    }
}

#[test]
fn a_weight_beside_the_keys_against_differences() {
    for (kernel, neighborhood, d) in [
        ("gaussian(h=0.3)", "all", D),
        ("epanechnikov(h=0.4)", "hollow", D),
        ("tricube(knn=20)", "nearest(k=17)", D),
        ("softmax(beta=0.3)", "causal", 12),
        ("softmax(beta=1)", "all", 12),
    ] {
        let name = format!("{kernel}, {neighborhood}");
        let mut case = case_of(kernel, neighborhood, P, d).beside(1.0);
        case.check(&name);
        case.weights.fill(1.0);
        case.unweighted = true;
        case.check(&format!("{name}, unweighted"));
    }
}

#[test]
fn kernels_and_neighborhoods_against_differences() {
    for (i, kernel) in KERNELS.iter().enumerate() {
        case(kernel, "all", P).check(kernel);
        let other = NEIGHBORHOODS[1 + i % (NEIGHBORHOODS.len() - 1)];
        case(kernel, other, P).check(&format!("{kernel}, {other}"));
    }
    for neighborhood in NEIGHBORHOODS {
        case("gaussian(h=1.2)", neighborhood, P).check(neighborhood);
    }
}

#[test]
fn every_profile_against_differences() {
    for info in profiles() {
        let parameters: Vec<String> = Profile::from_name(info.name, &[])
            .unwrap()
            .values()
            .iter()
            .zip(info.parameters)
            .map(|(v, p)| {
                let v = match p.name {
                    "a" => -3.3,
                    "b" if info.name != "bell" => 4.1,
                    "core" => 0.31,
                    "c" if info.name == "polynomial" => 9.7,
                    _ => v * 1.1 + 0.05,
                };
                format!("{}={v}", p.name)
            })
            .collect();
        let score = matches!(info.takes, locality_core::Takes::Score);
        let difference = matches!(info.name, "s" | "z");
        let mut all = parameters;
        if difference {
            all.push("cols=0".to_owned());
        } else if !score {
            all.push("h=1.9".to_owned());
        }
        let kernel = format!("{}({})", info.name, all.join(", "));
        case(&kernel, "all", P).check(&kernel);
    }
}

#[test]
fn wide_values_and_none() {
    case("gaussian(h=0.8)", "all", 19).check("19 columns of values");
    case("softmax(beta=0.7)", "causal", 64).check("64 columns of values");
    let mut none = case("gaussian(h=0.8)", "all", 0);
    none.by_means.clear();
    none.check("no values");
}

/// Many columns: the pull-back by products of tiles.
#[test]
fn many_columns_against_differences() {
    for (kernel, neighborhood) in [
        ("softmax(beta=0.3)", "all"),
        ("softmax(beta=0.3)", "causal"),
        ("softmax(beta=0.3)", "causal(offset=2) & hollow"),
        ("gaussian(h=3)", "window(before=30, after=9)"),
        ("laplace(h=2)", "hollow"),
        ("student_t(h=2, nu=3)", "all"),
        ("epanechnikov(h=7)", "causal"),
        ("gaussian(knn=9)", "all"),
        ("sigmoid(gamma=0.2, c=-1)", "all"),
        ("softcap(beta=0.3, cap=2)", "causal"),
        ("softmax(beta=3, metric=cosine)", "all"),
        (
            "matern32(h=0.4, metric=cosine)",
            "window(before=30, after=9)",
        ),
    ] {
        for columns in [0, 1, 11] {
            let mut case = case_of(kernel, neighborhood, columns, 12);
            case.weights.fill(1.0);
            case.unweighted = true;
            case.check(&format!("{kernel}, {neighborhood}, {columns} values"));
        }
    }
}

#[test]
fn bandwidths_for_each_key() {
    let h: Vec<f64> = (0..N).map(|i| 0.5 + i as f64 / 50.0).collect();
    let atom = locality_core::Atom::new(Profile::from_name("gaussian", &[]).unwrap());
    let atom = atom.bandwidth(locality_core::Bandwidth::PerSite(h.into()));
    let mut case = case("gaussian(h=1)", "all", P);
    case.mean = LocalMean::new(Kernel::from(atom)).on_empty(OnEmpty::Global);
    case.check("site bandwidths");
}

#[test]
fn single_precision_follows_double() {
    for kernel in KERNELS {
        let double = case(kernel, "all", P);
        let single = double.single();
        // The same numbers, so that only the arithmetic differs.
        let widen = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect();
        let double = Case {
            queries: widen(&single.queries),
            keys: widen(&single.keys),
            values: widen(&single.values),
            weights: widen(&single.weights),
            by_means: widen(&single.by_means),
            by_logs: widen(&single.by_logs),
            ..double
        };
        let (a, b) = (
            single.gradients(&Watch::default()),
            double.gradients(&Watch::default()),
        );
        let parts: [(&[f32], &[f64]); 4] = [
            (&a.queries, &b.queries),
            (&a.keys, &b.keys),
            (&a.values, &b.values),
            (&a.sample_weights, &b.sample_weights),
        ];
        for (single, double) in parts {
            let top = double.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            for (s, d) in single.iter().zip(double) {
                let error = (f64::from(*s) - d).abs();
                assert!(error <= 3e-5 * top, "{kernel}: {s} instead of {d}");
            }
        }
    }
}

#[test]
fn the_same_bits_from_any_number_of_threads() {
    for (kernel, neighborhood) in [
        ("gaussian(h=0.3)", "all"),
        ("tricube(knn=20)", "all"),
        ("gaussian(h=1)", "nearest(k=7)"),
        ("softmax(beta=0.3)", "causal"),
    ] {
        let d = if kernel.starts_with("softmax") { 12 } else { D };
        let mut case = case_of(kernel, neighborhood, P, d);
        if d > D {
            case.weights.fill(1.0);
            case.unweighted = true;
        }
        let one = case.gradients(&Watch::default().threads(1));
        for threads in [2, 3] {
            assert_eq!(one, case.gradients(&Watch::default().threads(threads)));
        }
    }
}

/// Enough keys for a tree: what is left out must not show.
#[test]
fn tree_and_tiles_agree() {
    let (n, m) = (9000, 300);
    let (keys, values, queries) = (normal(1, n, 2), normal(2, n, 1), normal(3, m, 2));
    let by = normal(4, m, 1);
    let weights = vec![1.0; n];
    let rows = |x: &'static [f64], d: usize| Rows::new(x, x.len() / d, d).unwrap();
    let (keys, values): (&[f64], &[f64]) = (keys.leak(), values.leak());
    let (queries, by): (&[f64], &[f64]) = (queries.leak(), by.leak());
    for kernel in ["gaussian(h=0.05)", "epanechnikov(h=0.3)", "laplace(h=0.05)"] {
        let mean = LocalMean::new(kernel.parse().unwrap()).on_empty(OnEmpty::Nan);
        let [tree, tiles] = ["tree", "tiled"].map(|engine| {
            let fit = mean
                .fit_engine(rows(keys, 2), rows(values, 1), Some(&weights), engine)
                .unwrap();
            let at = fit.at(rows(queries, 2), &Watch::default()).unwrap();
            let logs = vec![0.3; m];
            fit.pull_back(
                rows(queries, 2),
                rows(keys, 2),
                &at,
                rows(by, 1),
                Some(&logs),
                &Watch::default(),
            )
            .unwrap()
        });
        let close = |a: &[f64], b: &[f64], what: &str| {
            let top = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                let same = (a - b).abs() <= 1e-11 * top;
                assert!(same, "{kernel}: {what} {i}: {a} instead of {b}");
            }
        };
        close(&tree.queries, &tiles.queries, "query entry");
        close(&tree.keys, &tiles.keys, "key entry");
        close(&tree.values, &tiles.values, "value");
        close(&tree.sample_weights, &tiles.sample_weights, "weight");
        close(&tree.kernel, &tiles.kernel, "parameter");
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let case = case("gaussian(h=1)", "all", P);
    let fit = case.fit();
    let queries = Rows::new(&case.queries, N, D).unwrap();
    let keys = Rows::new(&case.keys, N, D).unwrap();
    let watch = Watch::default();
    let at = fit.at(queries, &watch).unwrap();
    let narrow = Rows::column(&case.by_logs);
    let e = fit.pull_back(queries, keys, &at, narrow, None, &watch);
    let e = e.unwrap_err().to_string();
    assert!(
        e.contains("means has shape [83, 1]") && e.contains("[83, 2]"),
        "{e}"
    );
    let mut bad = case.by_means.clone();
    bad[3] = f64::NAN;
    let bad = Rows::new(&bad, N, P).unwrap();
    let e = fit.pull_back(queries, keys, &at, bad, None, &watch);
    assert!(e.unwrap_err().to_string().contains("means"));
}
