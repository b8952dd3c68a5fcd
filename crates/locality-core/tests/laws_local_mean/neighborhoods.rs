//! Neighbourhoods, as their rules read.

use crate::case::*;
use locality_core::{Kernel, LocalMean, Mask, Neighborhood, OnEmpty, Rows, Watch};
use locality_testing::{Rng, close, normal, plain_mean};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config(12))]

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

/// Whether a query may see a key.
type Rule<'a> = Box<dyn Fn(usize, usize) -> bool + 'a>;

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

/// The k nearest are taken among the keys that the rules on indices allow; conditions on distances and groups then drop some of them.
#[test]
fn lists_are_taken_among_the_allowed_keys() {
    let (n, k) = (140, 11);
    let mut case = Case::new(8, n, n, 2, 1);
    case.queries.clone_from(&case.keys);
    let mut rng = Rng::new(4);
    for row in case.keys.chunks_exact_mut(2) {
        row[1] = rng.below(3) as f64;
    }
    case.queries.clone_from(&case.keys);
    let d = |i: usize, j: usize| {
        let (a, b) = (&case.keys[2 * i..][..2], &case.keys[2 * j..][..2]);
        ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt()
    };
    let rules: Vec<(&str, Rule<'_>, Rule<'_>)> = vec![
        ("hollow", Box::new(|i, j| i != j), Box::new(|_, _| true)),
        ("causal", Box::new(|i, j| j <= i), Box::new(|_, _| true)),
        (
            "window(before=20, after=20)",
            Box::new(|i: usize, j| i.abs_diff(j) <= 20),
            Box::new(|_, _| true),
        ),
        (
            "group(cols=1)",
            Box::new(|_, _| true),
            Box::new(|i, j| case.keys[2 * i + 1] == case.keys[2 * j + 1]),
        ),
        (
            "radius(r=0.2) & hollow",
            Box::new(|i, j| i != j),
            Box::new(|i, j| d(i, j) <= 0.2),
        ),
    ];
    for (text, before, after) in &rules {
        let mean = parse("gaussian(h=1)")
            .neighborhood(format!("nearest(k={k}) & {text}").parse().unwrap());
        let out = case.run(&mean, false);
        for i in 0..n {
            let mut list: Vec<usize> = (0..n).filter(|&j| before(i, j)).collect();
            list.sort_by(|&a, &b| d(i, a).total_cmp(&d(i, b)).then(a.cmp(&b)));
            list.truncate(k);
            let log = |j: usize| {
                if list.contains(&j) && after(i, j) {
                    -0.5 * d(i, j).powi(2)
                } else {
                    f64::NEG_INFINITY
                }
            };
            let logs: Vec<f64> = (0..n).map(log).collect();
            let (mean, log) =
                plain_mean(&logs, &case.values, 1).unwrap_or((vec![f64::NAN], f64::NEG_INFINITY));
            assert!(close(out.means[i], mean[0], 1e-12), "{text} at {i}");
            assert!(close(out.log_normalizer[i], log, 1e-12), "{text} at {i}");
        }
    }
}

/// Mutual neighbours are mutual: of keys among themselves the relation is symmetric.
#[test]
fn mutual_neighbors_are_among_each_others_nearest() {
    let n = 200;
    for (seed, k) in [(0, 6), (1, 1), (2, 2), (3, 12), (4, 199)] {
        let keys = normal(seed, n, 3);
        let row = |i: usize| &keys[3 * i..][..3];
        let eye: Vec<f64> = (0..n * n)
            .map(|i| f64::from(u8::from(i / n == i % n)))
            .collect();
        for hollow in [false, true] {
            let and = if hollow { " & hollow" } else { "" };
            let mean = LocalMean::new("uniform(h=100)".parse().unwrap())
                .neighborhood(format!("mutual(k={k}){and}").parse().unwrap())
                .on_empty(OnEmpty::Nan);
            let rows = Rows::new(&keys, n, 3).unwrap();
            let fit = mean.fit(rows, Rows::new(&eye, n, n).unwrap()).unwrap();
            let out = fit.at(rows, &Watch::default()).unwrap();
            let near: Vec<Vec<usize>> = (0..n)
                .map(|i| {
                    let mut all: Vec<usize> = (0..n).filter(|j| !hollow || *j != i).collect();
                    let square = |j: &usize| -> f64 {
                        let pairs = row(i).iter().zip(row(*j));
                        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
                    };
                    all.sort_by(|a, b| square(a).total_cmp(&square(b)));
                    all.truncate(k);
                    all
                })
                .collect();
            for i in 0..n {
                for j in 0..n {
                    let both = near[i].contains(&j) && near[j].contains(&i);
                    assert_eq!(
                        out.means[i * n + j] > 0.0,
                        both,
                        "{i} and {j}, k={k}{and}, seed {seed}"
                    );
                }
            }
        }
    }
}
