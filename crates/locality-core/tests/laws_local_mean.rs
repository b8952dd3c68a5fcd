//! Laws of the local mean (theory.md, section 2).

use locality_core::{
    Float, Kernel, LocalMean, LocalMeans, Mask, Neighborhood, OnEmpty, Rows, Summary, Watch,
    local_mean, profiles,
};
use locality_testing::{Rng, blobs, close, line_and_outliers, normal, plain_mean, table};
use proptest::prelude::*;

/// A kernel of every profile of the list, wide enough that most regions hold something.
fn every_kernel() -> Vec<Kernel> {
    let distance = locality_core::Takes::Distance;
    let own = |p: &locality_core::ProfileInfo| match p.name {
        name if p.takes == distance => format!("{name}(h=1.2)"),
        name @ ("s" | "z") => format!("{name}(a=-1, b=1, cols=0)"),
        name => format!("{name}()"),
    };
    profiles().iter().map(|p| own(p).parse().unwrap()).collect()
}

/// Rows of keys, values, queries and sample weights.
#[derive(Clone, Debug)]
struct Case {
    d: usize,
    p: usize,
    keys: Vec<f64>,
    values: Vec<f64>,
    queries: Vec<f64>,
    weights: Vec<f64>,
}

impl Case {
    fn new(seed: u64, n: usize, m: usize, d: usize, p: usize) -> Self {
        let mut rng = Rng::new(seed ^ 0xabc);
        Self {
            d,
            p,
            keys: normal(seed, n, d),
            values: normal(seed ^ 1, n, p),
            queries: normal(seed ^ 2, m, d),
            weights: (0..n).map(|_| rng.below(4) as f64).collect(),
        }
    }

    fn n(&self) -> usize {
        self.keys.len() / self.d
    }

    fn run(&self, mean: &LocalMean, weighted: bool) -> LocalMeans<f64> {
        let keys = Rows::new(&self.keys, self.n(), self.d).unwrap();
        let values = Rows::new(&self.values, self.n(), self.p).unwrap();
        let queries = Rows::new(&self.queries, self.queries.len() / self.d, self.d).unwrap();
        let fit = if weighted {
            mean.fit_weighted(keys, values, &self.weights)
        } else {
            mean.fit(keys, values)
        };
        fit.unwrap().at(queries, &Watch::default()).unwrap()
    }
}

/// The policy that names empty regions, so that they can be compared.
fn mean_of(kernel: &Kernel) -> LocalMean {
    LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan)
}

fn parse(kernel: &str) -> LocalMean {
    mean_of(&kernel.parse().unwrap())
}

fn same(a: &LocalMeans<f64>, b: &LocalMeans<f64>, tolerance: f64, what: &dyn std::fmt::Display) {
    assert_eq!(a.means.len(), b.means.len());
    let means = a.means.iter().zip(&b.means);
    for (a, b) in means.chain(a.log_normalizer.iter().zip(&b.log_normalizer)) {
        assert!(close(*a, *b, tolerance), "{what}: {a} and {b}");
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    }
}

/// Sizes around leaves and runs.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1..5_usize, 60..70_usize, 120..140_usize, 505..520_usize]
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn constants_are_reproduced_and_means_stay_within_the_values(
        seed in any::<u64>(), n in size(), d in 1..5_usize, weighted in any::<bool>(),
    ) {
        let mut case = Case::new(seed, n, 20, d, 2);
        case.weights[0] = 1.0;
        for row in case.values.chunks_exact_mut(2) {
            row[0] = 7.25;
        }
        let column = |c: usize| (0..n).map(move |i| i * 2 + c);
        let low = column(1).map(|i| case.values[i]).fold(f64::INFINITY, f64::min);
        let high = column(1).map(|i| case.values[i]).fold(f64::NEG_INFINITY, f64::max);
        for kernel in every_kernel() {
            let out = case.run(&mean_of(&kernel), weighted);
            for (mean, log) in out.means.chunks_exact(2).zip(&out.log_normalizer) {
                if *log == f64::NEG_INFINITY {
                    prop_assert!(mean.iter().all(|m| m.is_nan()));
                    continue;
                }
                // The weights sum to one.
                prop_assert!(close(mean[0], 7.25, 1e-13), "{}: {}", kernel, mean[0]);
                prop_assert!(mean[1] >= low - 1e-13 && mean[1] <= high + 1e-13);
            }
        }
    }

    #[test]
    fn a_permutation_of_the_samples_changes_nothing(
        seed in any::<u64>(), n in size(), d in 1..4_usize, weighted in any::<bool>(),
    ) {
        let mut case = Case::new(seed, n, 20, d, 2);
        case.weights[0] = 1.0;
        let mut order: Vec<usize> = (0..n).collect();
        let mut rng = Rng::new(seed);
        for i in (1..n).rev() {
            order.swap(i, rng.below(i + 1));
        }
        let pick = |x: &[f64], w: usize| -> Vec<f64> {
            order.iter().flat_map(|i| x[i * w..][..w].to_vec()).collect()
        };
        let moved = Case {
            keys: pick(&case.keys, d),
            values: pick(&case.values, 2),
            weights: pick(&case.weights, 1),
            ..case.clone()
        };
        for kernel in every_kernel() {
            let mean = mean_of(&kernel);
            same(&case.run(&mean, weighted), &moved.run(&mean, weighted), 1e-12, &kernel);
        }
    }

    #[test]
    fn sample_weights_are_repeated_rows(seed in any::<u64>(), n in 2..80_usize, d in 1..4_usize) {
        let mut case = Case::new(seed, n, 20, d, 2);
        case.weights[0] = 3.0;
        let repeat = |x: &[f64], w: usize| -> Vec<f64> {
            let rows = x.chunks_exact(w).zip(&case.weights);
            rows.flat_map(|(row, c)| row.repeat(*c as usize)).collect()
        };
        let repeated = Case {
            keys: repeat(&case.keys, d),
            values: repeat(&case.values, 2),
            ..case.clone()
        };
        for kernel in every_kernel() {
            let mean = mean_of(&kernel);
            same(&case.run(&mean, true), &repeated.run(&mean, false), 1e-12, &kernel);
        }
    }

    #[test]
    fn radial_kernels_do_not_see_a_translation(
        seed in any::<u64>(), n in size(), d in 1..4_usize, shift in -1024_i32..1024,
    ) {
        // On a grid of eighths, so that the shift itself rounds nothing.
        let mut case = Case::new(seed, n, 20, d, 1);
        let shift = f64::from(shift);
        for x in case.keys.iter_mut().chain(&mut case.queries) {
            *x = (*x * 8.0).round() / 8.0;
        }
        let mut moved = case.clone();
        for x in moved.keys.iter_mut().chain(&mut moved.queries) {
            *x += shift;
        }
        for kernel in every_kernel().iter().filter(|k| k.atoms()[0].metric_in_force().is_distance()) {
            let mean = mean_of(kernel);
            same(&case.run(&mean, false), &moved.run(&mean, false), 1e-12, &kernel);
        }
    }

    #[test]
    fn summaries_of_parts_merge_into_the_whole_in_any_order(
        logs in prop::collection::vec(prop_oneof![
            -1e5..-9e4_f64, -30.0..30.0_f64, Just(f64::NEG_INFINITY), -800.0..0.0_f64], 0..60),
        parts in 1..7_usize, seed in any::<u64>(), p in 0..3_usize,
    ) {
        let values = normal(seed, logs.len(), p);
        let mut rng = Rng::new(seed);
        let mut summaries = vec![Summary::empty(p); parts];
        for (i, &log) in logs.iter().enumerate() {
            summaries[rng.below(parts)].absorb(log, &values[i * p..][..p]);
        }
        for i in (1..parts).rev() {
            summaries.swap(i, rng.below(i + 1));
        }
        let mut forward = Summary::empty(p);
        summaries.iter().for_each(|s| forward.merge(s));
        // As a tree of merges, too.
        while summaries.len() > 1 {
            let last = summaries.pop().unwrap();
            let at = rng.below(summaries.len());
            summaries[at].merge(&last);
        }
        let want = plain_mean(&logs, &values, p);
        for s in [forward, summaries[0].clone()] {
            let mut mean = vec![f64::NAN; p];
            match (s.finish(&mut mean), &want) {
                (Some(log), Some((means, log_normalizer))) => {
                    prop_assert!(close(log, *log_normalizer, 1e-13));
                    prop_assert!(mean.iter().zip(means).all(|(a, b)| close(*a, *b, 1e-12)));
                }
                (got, want) => {
                    prop_assert!(got.is_none() && want.is_none() && s.is_empty());
                    prop_assert!(mean.iter().all(|m| m.is_nan()));
                }
            }
        }
    }

    #[test]
    fn a_softmax_kernel_is_scaled_dot_product_attention(
        seed in any::<u64>(), n in size(), d in 1..9_usize, p in 0..4_usize,
    ) {
        let case = Case::new(seed, n, 15, d, p);
        let beta = 1.0 / (d as f64).sqrt();
        let out = case.run(&parse(&format!("softmax(beta={beta})")), false);
        for (i, q) in case.queries.chunks_exact(d).enumerate() {
            let score = |k: &[f64]| beta * q.iter().zip(k).map(|(a, b)| a * b).sum::<f64>();
            let logs: Vec<f64> = case.keys.chunks_exact(d).map(score).collect();
            let (mean, log) = plain_mean(&logs, &case.values, p).unwrap();
            prop_assert!(close(out.log_normalizer[i], log, 1e-13));
            prop_assert!(out.means[i * p..][..p].iter().zip(&mean).all(|(a, b)| close(*a, *b, 1e-12)));
        }
    }

    #[test]
    fn a_radial_gaussian_is_attention_with_a_bias_for_each_key(
        seed in any::<u64>(), n in size(), d in 1..5_usize, h in 0.2..3.0_f64,
    ) {
        // exp(-|q - k|^2 / 2h^2) ~ exp(<q, k> / h^2) exp(-|k|^2 / 2h^2): the bias is a sample weight.
        let mut case = Case::new(seed, n, 15, d, 2);
        let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>() / (2.0 * h * h);
        case.weights = case.keys.chunks_exact(d).map(|k| (-norm(k)).exp()).collect();
        let radial = case.run(&parse(&format!("gaussian(h={h})")), false);
        let attention = case.run(&parse(&format!("softmax(beta={})", 1.0 / (h * h))), true);
        for (a, b) in radial.means.iter().zip(&attention.means) {
            prop_assert!(close(*a, *b, 1e-10));
        }
        for (i, q) in case.queries.chunks_exact(d).enumerate() {
            prop_assert!(close(radial.log_normalizer[i], attention.log_normalizer[i] - norm(q), 1e-10));
        }
    }

    #[test]
    fn a_mask_is_its_rule_and_its_table(seed in any::<u64>(), n in size(), m in 1..20_usize) {
        let case = Case::new(seed, n, m, 2, 1);
        let mut rng = Rng::new(seed);
        let allowed: Vec<bool> = (0..m * n).map(|_| rng.below(3) > 0).collect();
        let kernel: Kernel = "gaussian(h=1)".parse().unwrap();
        let table = Mask::table(allowed.clone(), m, n).unwrap();
        let rule = allowed.clone();
        let rule = Mask::new(move |i, j| rule[i * n + j]);
        let logs = |i: usize| -> Vec<f64> {
            let q = &case.queries[i * 2..][..2];
            let one = |(j, k): (usize, &[f64])| {
                let d2 = (q[0] - k[0]).powi(2) + (q[1] - k[1]).powi(2);
                if allowed[i * n + j] { -d2 / 2.0 } else { f64::NEG_INFINITY }
            };
            case.keys.chunks_exact(2).enumerate().map(one).collect()
        };
        for mask in [table, rule] {
            let out = case.run(&mean_of(&kernel).neighborhood(Neighborhood::mask(mask)), false);
            for i in 0..m {
                let want = plain_mean(&logs(i), &case.values, 1);
                let (mean, log) = want.unwrap_or((vec![f64::NAN], f64::NEG_INFINITY));
                prop_assert!(close(out.means[i], mean[0], 1e-12));
                prop_assert!(close(out.log_normalizer[i], log, 1e-12));
            }
        }
    }
}

/// Every neighbourhood against its plain rule, over keys and queries of the same number.
#[test]
fn neighborhoods_follow_their_rules() {
    let n = 150;
    let mut case = Case::new(5, n, n, 2, 1);
    // A column of groups.
    let mut rng = Rng::new(1);
    for row in case
        .keys
        .chunks_exact_mut(2)
        .chain(case.queries.chunks_exact_mut(2))
    {
        row[1] = rng.below(4) as f64;
    }
    let dist = |a: &[f64], b: &[f64]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
    let row = |x: &[f64], i: usize| [x[i * 2], x[i * 2 + 1]];
    // Ranks of keys as seen from a site, ties by index.
    let nearest = |x: [f64; 2], k: usize| -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| {
            let d = |i| dist(&x, &row(&case.keys, i));
            d(a).total_cmp(&d(b)).then(a.cmp(&b))
        });
        order.truncate(k);
        order
    };
    let lists: Vec<Vec<usize>> = (0..n).map(|i| nearest(row(&case.queries, i), 12)).collect();
    let reach: Vec<f64> = (0..n)
        .map(|j| {
            let own = row(&case.keys, j);
            dist(&own, &row(&case.keys, nearest(own, 12)[11]))
        })
        .collect();
    type Rule<'a> = Box<dyn Fn(usize, usize) -> bool + 'a>;
    let d = |i: usize, j: usize| dist(&row(&case.queries, i), &row(&case.keys, j));
    let rules: Vec<(&str, Rule<'_>)> = vec![
        ("all", Box::new(|_, _| true)),
        ("radius(r=0.8)", Box::new(|i, j| d(i, j) <= 0.8)),
        ("nearest(k=12)", Box::new(|i, j| lists[i].contains(&j))),
        (
            "mutual(k=12)",
            Box::new(|i, j| lists[i].contains(&j) && d(i, j) <= reach[j] * (1.0 + 1e-14)),
        ),
        ("causal(offset=-3)", Box::new(|i, j| j + 3 <= i)),
        (
            "window(before=5, after=2)",
            Box::new(|i, j| j + 5 >= i && j <= i + 2),
        ),
        (
            "group(cols=1)",
            Box::new(|i, j| row(&case.queries, i)[1] == row(&case.keys, j)[1]),
        ),
        ("hollow", Box::new(|i, j| i != j)),
    ];
    for info in locality_core::neighborhoods() {
        let ruled = rules
            .iter()
            .any(|(text, _)| text.split('(').next() == Some(info.name));
        assert!(ruled, "'{}' has no rule in this test", info.name);
    }
    for (text, rule) in &rules {
        for (other, and) in &rules {
            let both = format!("{text} & {other}");
            // A list of nearest keys is taken among the keys that the rules on indices allow: not plainly both.
            let listed = |t: &str| t.starts_with("nearest") || t.starts_with("mutual");
            if listed(text) && *other != "all" || listed(other) && *text != "all" {
                continue;
            }
            let mean = parse("gaussian(h=1)").neighborhood(both.parse().unwrap());
            let out = case.run(&mean, false);
            for i in 0..n {
                let log = |j: usize| {
                    if rule(i, j) && and(i, j) {
                        -0.5 * d(i, j).powi(2)
                    } else {
                        f64::NEG_INFINITY
                    }
                };
                let logs: Vec<f64> = (0..n).map(log).collect();
                let want = plain_mean(&logs, &case.values, 1);
                let (mean, log) = want.unwrap_or((vec![f64::NAN], f64::NEG_INFINITY));
                assert!(close(out.means[i], mean[0], 1e-12), "{both} at {i}");
                assert!(close(out.log_normalizer[i], log, 1e-12), "{both} at {i}");
            }
        }
    }
}

/// Mutual neighbours are mutual: of keys among themselves the relation is symmetric.
#[test]
fn mutual_neighbors_are_symmetric() {
    let (n, k) = (200, 6);
    for seed in 0..5 {
        let keys = normal(seed, n, 3);
        let eye: Vec<f64> = (0..n * n)
            .map(|i| f64::from(u8::from(i / n == i % n)))
            .collect();
        let mean = LocalMean::new("uniform(h=100)".parse().unwrap())
            .neighborhood(format!("mutual(k={k})").parse().unwrap());
        let rows = Rows::new(&keys, n, 3).unwrap();
        let fit = mean.fit(rows, Rows::new(&eye, n, n).unwrap()).unwrap();
        let out = fit.at(rows, &Watch::default()).unwrap();
        let sees = |i: usize, j: usize| out.means[i * n + j] > 0.0;
        for i in 0..n {
            for j in 0..n {
                assert_eq!(sees(i, j), sees(j, i), "{i} and {j}, seed {seed}");
            }
        }
    }
}

#[test]
fn empty_regions_follow_the_policy() {
    let keys = [0.0, 1.0, 4.0];
    let values = [10.0, 20.0, 60.0];
    let (keys, values) = (Rows::column(&keys), Rows::column(&values));
    let queries = [0.2, 2.6, -50.0];
    let kernel: Kernel = "tricube(h=0.5)".parse().unwrap();
    let at = |policy, weights: Option<&[f64]>| {
        let mean = LocalMean::new(kernel.clone()).on_empty(policy);
        let fit = match weights {
            Some(w) => mean.fit_weighted(keys, values, w),
            None => mean.fit(keys, values),
        };
        fit.unwrap().at(Rows::column(&queries), &Watch::default())
    };
    let e = at(OnEmpty::Error, None).unwrap_err();
    assert_eq!(e.kind(), locality_core::ErrorKind::EmptyRegion);
    assert!(
        e.to_string().contains("query 1 ") && e.to_string().contains("tricube(h=0.5)"),
        "{e}"
    );
    let empty = f64::NEG_INFINITY;
    for (policy, weights, want) in [
        (OnEmpty::Nan, None, [f64::NAN, f64::NAN]),
        (OnEmpty::Nearest, None, [60.0, 10.0]),
        (OnEmpty::Global, None, [30.0, 30.0]),
        (OnEmpty::Global, Some([1.0, 1.0, 2.0]), [37.5, 37.5]),
        // A key without sample weight is no key.
        (OnEmpty::Nearest, Some([1.0, 1.0, 0.0]), [20.0, 10.0]),
    ] {
        let out = at(policy, weights.as_ref().map(|w| &w[..])).unwrap();
        assert_eq!(out.means[0], 10.0);
        assert!(out.log_normalizer[0].is_finite());
        assert!(close(out.means[1], want[0], 0.0) && close(out.means[2], want[1], 0.0));
        assert_eq!(out.log_normalizer[1..], [empty, empty]);
    }
}

/// `-r^2 / 2` underflows `exp` by far; the largest weight sets the scale.
#[test]
fn far_queries_are_finite_and_lean_to_the_nearest_key() {
    let n = 700;
    let keys = normal(1, n, 2);
    let values: Vec<f64> = keys.chunks_exact(2).map(|k| k[0]).collect();
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for kernel in every_kernel() {
        let info = kernel.atoms()[0].profile().info();
        if info.bounded || info.takes == locality_core::Takes::Score {
            continue;
        }
        for far in [1e3, 1e6, 1e9] {
            for tolerance in [0.0, 1e-6] {
                let mean = LocalMean::new(kernel.clone()).tolerance(tolerance);
                let fit = mean
                    .fit(Rows::new(&keys, n, 2).unwrap(), Rows::column(&values))
                    .unwrap();
                let out = fit
                    .at(Rows::new(&[far, 0.0], 1, 2).unwrap(), &Watch::default())
                    .unwrap();
                assert!(
                    out.means[0].is_finite() && out.log_normalizer[0].is_finite(),
                    "{kernel} at {far}"
                );
                let log = locality_testing::formula::log_profile(
                    info.name,
                    &kernel.atoms()[0].profile().values(),
                    far / 1.2,
                );
                // All keys are about equally far, to a few units of the bandwidth.
                let log = log.unwrap() + (n as f64).ln();
                let spread = if info.name == "gaussian" {
                    10.0 * far
                } else {
                    20.0
                };
                assert!(
                    (out.log_normalizer[0] - log).abs() < spread,
                    "{kernel} at {far}"
                );
                if info.name == "gaussian" {
                    assert!((out.means[0] - top).abs() < 0.01, "{}", out.means[0]);
                }
            }
        }
    }
}

#[test]
fn log_weights_of_minus_a_hundred_thousand_keep_their_digits() {
    let case = Case::new(3, 300, 20, 2, 1);
    let mut shifted = case.clone();
    // One more column: -1e5 for every pair.
    let widen = |x: &[f64], last: f64| -> Vec<f64> {
        x.chunks_exact(2).flat_map(|r| [r[0], r[1], last]).collect()
    };
    shifted.d = 3;
    shifted.keys = widen(&case.keys, -1e5);
    shifted.queries = widen(&case.queries, 1.0);
    for engine in ["reference", "tiled", "tree"] {
        let run = |case: &Case| {
            let keys = Rows::new(&case.keys, 300, case.d).unwrap();
            let fit =
                parse("softmax(beta=1)").fit_engine(keys, Rows::column(&case.values), None, engine);
            let queries = Rows::new(&case.queries, 20, case.d).unwrap();
            fit.unwrap().at(queries, &Watch::default()).unwrap()
        };
        let (plain, low) = (run(&case), run(&shifted));
        for i in 0..20 {
            assert!(close(low.means[i], plain.means[i], 1e-9));
            assert!(close(
                low.log_normalizer[i] + 1e5,
                plain.log_normalizer[i],
                1e-9
            ));
        }
    }
}

#[test]
fn far_origins_keep_the_digits_of_differences() {
    for kernel in [
        "gaussian(h=1)",
        "laplace(h=1, metric=manhattan)",
        "epanechnikov(h=2)",
        "gaussian(metric=mahalanobis, map=[[1, 0.5], [0, 2]])",
        "gaussian(knn=30)",
    ] {
        let n = 800;
        let mut near = Case::new(4, n, 30, 2, 1);
        let mut far = near.clone();
        // On a grid that 1e8 does not round.
        for (near, far) in [
            (&mut near.keys, &mut far.keys),
            (&mut near.queries, &mut far.queries),
        ] {
            for (a, b) in near.iter_mut().zip(far) {
                *a = (*a * 1024.0).round() / 1024.0;
                *b = *a + 1e8;
            }
        }
        same(
            &near.run(&parse(kernel), false),
            &far.run(&parse(kernel), false),
            1e-11,
            &kernel,
        );
    }
}

#[test]
fn denormal_and_tiny_coordinates_are_at_no_distance() {
    let keys = [0.0, 5e-324, 1e-310, -1e-308, 1e-200];
    let values = [1.0, 2.0, 3.0, 4.0, 5.0];
    for kernel in every_kernel() {
        if kernel.atoms()[0].profile().info().takes == locality_core::Takes::Score {
            continue;
        }
        let out = local_mean(
            &kernel,
            Rows::column(&keys),
            Rows::column(&keys),
            Rows::column(&values),
        );
        let out = out.unwrap();
        assert!(
            out.means.iter().all(|m| close(*m, 3.0, 1e-12)),
            "{kernel}: {:?}",
            out.means
        );
        assert!(
            out.log_normalizer
                .iter()
                .all(|l| close(*l, 5_f64.ln(), 1e-12))
        );
    }
    // At a bandwidth of their own size they are told apart.
    let keys = [0.0, 1e-100, 3e-100];
    let kernel: Kernel = "gaussian(h=1e-100)".parse().unwrap();
    let out = local_mean(
        &kernel,
        Rows::column(&[0.0]),
        Rows::column(&keys),
        Rows::column(&values[..3]),
    );
    let (want, _) = plain_mean(&[0.0, -0.5, -4.5], &values[..3], 1).unwrap();
    assert!(close(out.unwrap().means[0], want[0], 1e-12));
}

#[test]
fn one_key_one_column_and_any_number_of_values() {
    for p in [0, 1, 5] {
        for n in [1, 2, 64, 65] {
            let case = Case::new(n as u64, n, 7, 1, p);
            for kernel in every_kernel() {
                let out = case.run(&mean_of(&kernel), false);
                assert_eq!((out.means.len(), out.log_normalizer.len()), (7 * p, 7));
                let alone = out.means.chunks_exact(p.max(1)).zip(&out.log_normalizer);
                for (mean, log) in alone.filter(|(_, log)| log.is_finite()) {
                    if n == 1 {
                        let exact = mean
                            .iter()
                            .zip(&case.values)
                            .all(|(a, b)| close(*a, *b, 1e-14));
                        assert!(exact, "{kernel}: {log}");
                    }
                }
            }
        }
    }
    let out = Case::new(1, 5, 0, 3, 2).run(&parse("gaussian(h=1)"), false);
    assert!(out.means.is_empty() && out.log_normalizer.is_empty());
}

/// Single precision is the double-precision answer to the same numbers, rounded.
#[test]
fn single_precision_is_close_to_double() {
    fn run<T: Float>(x: &[T], values: &[T], kernel: &Kernel) -> Vec<f64> {
        let n = values.len();
        let rows = Rows::new(x, n, 2).unwrap();
        let mean = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan);
        let out = mean
            .fit(rows, Rows::column(values))
            .unwrap()
            .at(rows, &Watch::default());
        let out = out.unwrap();
        out.means
            .iter()
            .chain(&out.log_normalizer)
            .map(|x| x.to_f64())
            .collect()
    }
    for x in [
        normal(1, 600, 2),
        blobs(2, 600, 2, 5, 0.3).0,
        line_and_outliers(3, 600, 2),
    ] {
        let single = table(&x);
        let double: Vec<f64> = single.iter().map(|x| f64::from(*x)).collect();
        let values = table(&normal(4, 600, 1));
        let wide: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        for kernel in [
            "gaussian(h=0.7)",
            "cauchy(h=0.5)",
            "laplace(h=2, metric=manhattan)",
            "biweight(h=3)",
        ] {
            let kernel = kernel.parse().unwrap();
            let (a, b) = (run(&single, &values, &kernel), run(&double, &wide, &kernel));
            for (a, b) in a.iter().zip(&b) {
                assert!(close(*a, *b, 2e-5), "{kernel}: {a} and {b}");
            }
        }
    }
}
