//! Laws of the networks of -1 and 1.

use locality::hopfield::{HopfieldNetwork, Rule, Update};
use locality::{Rows, Watch};
use locality_testing::{Rng, normal};

const RULES: [Rule; 8] = [
    Rule::Hebbian,
    Rule::PseudoInverse,
    Rule::Storkey,
    Rule::Polynomial { degree: 2 },
    Rule::Polynomial { degree: 3 },
    Rule::Rectified { degree: 3 },
    Rule::Rectified { degree: 20 },
    Rule::Exponential,
];

fn signs(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n * d)
        .map(|_| if rng.uniform() < 0.5 { -1.0 } else { 1.0 })
        .collect()
}

fn noisy(seed: u64, patterns: &[f64], share: f64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let turn = |x: &f64| if rng.uniform() < share { -x } else { *x };
    patterns.iter().map(turn).collect()
}

/// The share of patterns that are recalled with an overlap of at least this, from states with a share of units turned.
fn recalled(rule: Rule, n: usize, d: usize, turned: f64, overlap: f64, seed: u64) -> f64 {
    let patterns = signs(seed, n, d);
    let watch = Watch::default();
    let fit = HopfieldNetwork::new(rule)
        .fit(Rows::new(&patterns, n, d).unwrap(), &watch)
        .unwrap();
    let asked = noisy(seed + 1, &patterns, turned);
    let found = fit
        .recall(Rows::new(&asked, n, d).unwrap(), &watch)
        .unwrap();
    let both = found.states.chunks_exact(d).zip(patterns.chunks_exact(d));
    let good = both
        .filter(|(a, b)| a.iter().zip(*b).map(|(x, y)| x * y).sum::<f64>() >= overlap * d as f64);
    good.count() as f64 / n as f64
}

#[test]
fn energy_never_rises_one_unit_at_a_time() {
    let (n, m, d) = (12, 20, 40);
    for (seed, rule) in RULES.into_iter().enumerate() {
        for biased in [false, true] {
            let (patterns, states) = (signs(seed as u64, n, d), signs(50 + seed as u64, m, d));
            let bias = biased.then(|| normal(9, 1, d));
            let fit = HopfieldNetwork::new(rule)
                .bias(bias)
                .update(Update::Asynchronous { seed: 3 })
                .fit(Rows::new(&patterns, n, d).unwrap(), &Watch::default())
                .unwrap();
            let rows = Rows::new(&states, m, d).unwrap();
            let found = fit.recall(rows, &Watch::default()).unwrap();
            let mut falls = 0;
            for (i, trace) in found.energies.iter().enumerate() {
                assert!(found.settled[i], "{rule:?}");
                assert_eq!(trace.len(), found.sweeps[i] + 1);
                for pair in trace.windows(2) {
                    assert!(
                        pair[1] <= pair[0] + 1e-12 * (1.0 + pair[0].abs()),
                        "{rule:?}: {trace:?}"
                    );
                }
                falls += usize::from(trace[trace.len() - 1] < trace[0]);
            }
            assert_eq!(falls, m, "{rule:?}");
            // The energies traced are those of the states.
            let ends = fit
                .energies(Rows::new(&found.states, m, d).unwrap(), &Watch::default())
                .unwrap();
            for (end, trace) in ends.iter().zip(&found.energies) {
                assert!((end - trace[trace.len() - 1]).abs() < 1e-9 * (1.0 + end.abs()));
            }
        }
    }
}

#[test]
fn a_state_at_rest_gains_nothing_by_turning_one_unit() {
    let (n, d) = (8, 24);
    for rule in RULES {
        let patterns = signs(1, n, d);
        let watch = Watch::default();
        let fit = HopfieldNetwork::new(rule)
            .fit(Rows::new(&patterns, n, d).unwrap(), &watch)
            .unwrap();
        let asked = signs(2, 1, d);
        let end = fit
            .recall(Rows::new(&asked, 1, d).unwrap(), &watch)
            .unwrap()
            .states;
        let own = fit
            .energies(Rows::new(&end, 1, d).unwrap(), &watch)
            .unwrap()[0];
        for unit in 0..d {
            let mut turned = end.clone();
            turned[unit] = -turned[unit];
            let other = fit
                .energies(Rows::new(&turned, 1, d).unwrap(), &watch)
                .unwrap()[0];
            assert!(other >= own - 1e-12 * own.abs(), "{rule:?}");
        }
    }
}

#[test]
fn energies_are_the_formulas() {
    let (n, d) = (5, 9);
    let (patterns, state, bias) = (signs(1, n, d), signs(2, 1, d), normal(3, 1, d));
    let overlap = |k: usize| (0..d).map(|j| patterns[k * d + j] * state[j]).sum::<f64>();
    let field: f64 = bias.iter().zip(&state).map(|(b, s)| b * s).sum();
    let units = d as f64;
    for rule in RULES {
        let rows = Rows::new(&patterns, n, d).unwrap();
        let fit = HopfieldNetwork::new(rule)
            .bias(bias.clone())
            .fit(rows, &Watch::default())
            .unwrap();
        let overlaps = (0..n).map(overlap);
        let want = match rule {
            Rule::Hebbian => overlaps.map(|o| -o * o / (2.0 * units)).sum::<f64>() + n as f64 / 2.0,
            Rule::Polynomial { degree } => overlaps
                .map(|o| -units / f64::from(degree) * (o / units).powi(degree as i32))
                .sum(),
            Rule::Rectified { degree } => overlaps
                .map(|o| -units / f64::from(degree) * (o.max(0.0) / units).powi(degree as i32))
                .sum(),
            Rule::Exponential => -overlaps.map(f64::exp).sum::<f64>().ln(),
            _ => {
                let w = fit.couplings().unwrap();
                let products = (0..d * d).map(|c| w[c] * state[c / d] * state[c % d]);
                -0.5 * products.sum::<f64>()
            }
        };
        let own = fit
            .energies(Rows::new(&state, 1, d).unwrap(), &Watch::default())
            .unwrap()[0];
        assert!(
            (own - (want - field)).abs() < 1e-12 * (1.0 + own.abs()),
            "{rule:?}: {own} {want}"
        );
    }
}

#[test]
fn degree_two_is_hebbian() {
    let (n, m, d) = (6, 15, 31);
    let (patterns, states) = (signs(1, n, d), signs(2, m, d));
    let ends = [Rule::Hebbian, Rule::Polynomial { degree: 2 }].map(|rule| {
        let rows = Rows::new(&patterns, n, d).unwrap();
        let fit = HopfieldNetwork::new(rule)
            .fit(rows, &Watch::default())
            .unwrap();
        fit.recall(Rows::new(&states, m, d).unwrap(), &Watch::default())
            .unwrap()
    });
    assert_eq!(ends[0].states, ends[1].states);
    assert_eq!(ends[0].sweeps, ends[1].sweeps);
}

#[test]
fn couplings_are_the_textbook_rules() {
    let (n, d) = (4, 11);
    let patterns = signs(1, n, d);
    let couplings = |rule| {
        let rows = Rows::new(&patterns, n, d).unwrap();
        HopfieldNetwork::new(rule)
            .fit(rows, &Watch::default())
            .unwrap()
            .couplings()
            .unwrap()
    };
    let x = |k: usize, j: usize| patterns[k * d + j];
    let hebb = couplings(Rule::Hebbian);
    let mut storkey = vec![0.0; d * d];
    for k in 0..n {
        let before = storkey.clone();
        let h = |i: usize, j: usize| {
            let others = (0..d).filter(|&l| l != i && l != j);
            others.map(|l| before[i * d + l] * x(k, l)).sum::<f64>()
        };
        for i in 0..d {
            for j in (0..d).filter(|&j| j != i) {
                storkey[i * d + j] +=
                    (x(k, i) * x(k, j) - x(k, i) * h(j, i) - h(i, j) * x(k, j)) / d as f64;
            }
        }
    }
    let own = couplings(Rule::Storkey);
    for i in 0..d {
        for j in 0..d {
            let want = if i == j {
                0.0
            } else {
                (0..n).map(|k| x(k, i) * x(k, j)).sum::<f64>() / d as f64
            };
            assert!((hebb[i * d + j] - want).abs() < 1e-14);
            assert!((own[i * d + j] - storkey[i * d + j]).abs() < 1e-14);
        }
    }
    // The projection of a pattern is itself: without the diagonal, (1 - P_ii) of it.
    let projection = couplings(Rule::PseudoInverse);
    let diagonal: Vec<f64> = (0..d)
        .map(|i| 1.0 - (0..d).map(|j| projection[i * d + j] * x(0, j)).sum::<f64>() * x(0, i))
        .collect();
    for k in 0..n {
        for i in 0..d {
            let field: f64 = (0..d).map(|j| projection[i * d + j] * x(k, j)).sum();
            assert!((field - (1.0 - diagonal[i]) * x(k, i)).abs() < 1e-12);
        }
    }
    let trace: f64 = diagonal.iter().sum();
    assert!(
        (trace - n as f64).abs() < 1e-10,
        "the trace of a projection is its rank: {trace}"
    );
}

#[test]
fn the_capacity_of_hebbs_rule_has_its_knee_near_0_138() {
    // Below the critical load of 0.138 nearly all patterns are attractors with few errors, above it almost none (Amit et al. 1985).
    let d = 500;
    let share = |load: f64| {
        let n = (load * d as f64) as usize;
        (0..3)
            .map(|s| recalled(Rule::Hebbian, n, d, 0.0, 0.95, 10 * s))
            .sum::<f64>()
            / 3.0
    };
    let (low, high) = (share(0.11), share(0.18));
    assert!(low > 0.9, "{low}");
    assert!(high < 0.4, "{high}");
}

#[test]
fn other_rules_recall_where_hebbs_fails() {
    let (n, d) = (60, 100);
    let hebb = recalled(Rule::Hebbian, n, d, 0.02, 1.0, 1);
    assert!(hebb < 0.1, "{hebb}");
    for (rule, least) in [
        (Rule::PseudoInverse, 0.9),
        (Rule::Rectified { degree: 4 }, 0.95),
        (Rule::Exponential, 1.0),
    ] {
        let share = recalled(rule, n, d, 0.02, 1.0, 1);
        assert!(share >= least, "{rule:?}: {share}");
    }
    // Storkey's capacity lies between, d / sqrt(2 ln d) = 33 patterns.
    let storkey = recalled(Rule::Storkey, 22, d, 0.0, 1.0, 1);
    let hebb = recalled(Rule::Hebbian, 22, d, 0.0, 1.0, 1);
    assert!(storkey > 0.95 && hebb < 0.5, "{storkey} {hebb}");
    // Thousands of patterns in 40 units, a tenth of which are turned over.
    let share = recalled(Rule::Exponential, 3000, 40, 0.1, 1.0, 5);
    assert!(share > 0.8, "{share}");
    // All of 2^(0.35 d) patterns are at rest; from 2^(d / 2) on, some differ in one unit only.
    let share = recalled(Rule::Exponential, 1448, 30, 0.0, 1.0, 2);
    let hebb = recalled(Rule::Hebbian, 1448, 30, 0.0, 1.0, 2);
    assert!(share == 1.0 && hebb < 0.01, "{share} {hebb}");
}

#[test]
fn learning_in_parts_is_learning_at_once() {
    let (n, d) = (9, 21);
    let patterns = signs(1, n, d);
    let asked = signs(2, 10, d);
    let rows = Rows::new(&patterns, n, d).unwrap();
    let watch = Watch::default();
    for rule in RULES {
        let whole = HopfieldNetwork::new(rule).fit(rows, &watch).unwrap();
        let mut parts = HopfieldNetwork::new(rule)
            .fit(rows.slice(0..4), &watch)
            .unwrap();
        parts.add(rows.slice(4..9), &watch).unwrap();
        assert_eq!(parts.patterns(), n);
        let (a, b) = (whole.couplings(), parts.couplings());
        let off = a.iter().flatten().zip(b.iter().flatten());
        assert!(off.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-14);
        let asked = Rows::new(&asked, 10, d).unwrap();
        assert_eq!(
            whole.recall(asked, &watch).unwrap().states,
            parts.recall(asked, &watch).unwrap().states
        );
    }
}

#[test]
fn all_at_once_may_go_to_and_fro() {
    // Two units that want to differ, both up: each turns, and turns back.
    let pattern = [1.0, -1.0];
    let fit = HopfieldNetwork::new(Rule::Hebbian)
        .update(Update::Synchronous)
        .fit(Rows::new(&pattern, 1, 2).unwrap(), &Watch::default())
        .unwrap();
    let found = fit
        .recall(
            Rows::new(&[1.0, 1.0, 1.0, -1.0], 2, 2).unwrap(),
            &Watch::default(),
        )
        .unwrap();
    assert_eq!(found.settled, [false, true]);
    assert_eq!(found.sweeps, [2, 1]);
    assert_eq!(found.states[2..], [1.0, -1.0]);
}

#[test]
fn orders_are_seeded_and_threads_do_not_matter() {
    let (n, m, d) = (25, 40, 60);
    let (patterns, states) = (signs(1, n, d), signs(2, m, d));
    let recall = |seed, threads| {
        let watch = Watch::default().threads(threads);
        let rows = Rows::new(&patterns, n, d).unwrap();
        let network = HopfieldNetwork::new(Rule::Hebbian).update(Update::Asynchronous { seed });
        let fit = network.fit(rows, &watch).unwrap();
        fit.recall(Rows::new(&states, m, d).unwrap(), &watch)
            .unwrap()
    };
    assert_eq!(recall(1, 1), recall(1, 3));
    assert_ne!(recall(1, 1).states, recall(2, 1).states);
}

#[test]
fn bad_arguments_are_named() {
    let x = [1.0, -1.0, 1.0, 1.0];
    let rows = Rows::new(&x, 2, 2).unwrap();
    let watch = Watch::default();
    let text = |network: HopfieldNetwork, rows: Rows<'_, f64>| {
        network.fit(rows, &watch).unwrap_err().to_string()
    };
    assert!(text(HopfieldNetwork::new(Rule::Polynomial { degree: 1 }), rows).contains("degree=1"));
    assert!(text(HopfieldNetwork::new(Rule::Hebbian).max_sweeps(0), rows).contains("max_sweeps=0"));
    assert!(text(HopfieldNetwork::new(Rule::Hebbian).bias(vec![1.0]), rows).contains("1 entries"));
    assert!(
        text(
            HopfieldNetwork::new(Rule::Hebbian).bias(vec![1.0, f64::NAN]),
            rows
        )
        .contains("position 1")
    );
    let bad = [1.0, 0.0];
    assert!(
        text(
            HopfieldNetwork::new(Rule::Hebbian),
            Rows::new(&bad, 1, 2).unwrap()
        )
        .contains("0 in row 0, column 1")
    );
    assert!(text(HopfieldNetwork::new(Rule::Hebbian), rows.slice(0..0)).contains("0 rows"));
    let fit = HopfieldNetwork::new(Rule::Exponential)
        .fit(rows, &watch)
        .unwrap();
    assert!(fit.couplings().is_none());
    let e = fit
        .recall(Rows::column(&[1.0]), &watch)
        .unwrap_err()
        .to_string();
    assert!(e.contains("1 columns"), "{e}");
}

#[test]
fn patterns_are_completed_from_known_units() {
    let (n, d) = (8, 120);
    let patterns = signs(3, n, d);
    let watch = Watch::default();
    let rows = Rows::new(&patterns, n, d).unwrap();
    // Of every pattern half the units, others for each; what is unknown is no number.
    let mut rng = Rng::new(8);
    let known: Vec<bool> = (0..n * d).map(|_| rng.uniform() < 0.5).collect();
    let hidden = patterns.iter().zip(&known);
    let hidden: Vec<f64> = hidden
        .map(|(x, known)| if *known { *x } else { f64::NAN })
        .collect();
    let hidden = Rows::new(&hidden, n, d).unwrap();
    for rule in RULES {
        for update in [Update::Asynchronous { seed: 0 }, Update::Synchronous] {
            let fit = HopfieldNetwork::new(rule).update(update).fit(rows, &watch);
            let fit = fit.unwrap();
            let found = fit.complete(hidden, &known, &watch).unwrap();
            assert_eq!(found.states, patterns, "{rule:?}");
            assert!(found.settled.iter().all(|s| *s));
            let all = vec![true; n * d];
            let random = signs(9, n, d);
            let random = Rows::new(&random, n, d).unwrap();
            // What is known stays, however much the network is drawn elsewhere.
            let kept = fit.complete(random, &all, &watch).unwrap();
            assert_eq!(kept.states, signs(9, n, d));
            let some = fit.complete(random, &known, &watch).unwrap();
            for ((end, own), known) in some.states.iter().zip(&signs(9, n, d)).zip(&known) {
                assert!(end.abs() == 1.0 && (!known || end == own));
            }
            if update != Update::Synchronous {
                let falls = |e: &Vec<f64>| e.windows(2).all(|w| w[1] <= w[0] + 1e-9);
                assert!(some.energies.iter().all(falls), "{rule:?}");
            }
        }
    }
    // A unit that nothing draws anywhere is 1, and a bias draws.
    let one = Rows::new(&patterns[..d], 1, d).unwrap();
    let mut mask = vec![false; d];
    mask[0] = true;
    let bias: Vec<f64> = (0..d).map(|i| if i == 5 { -9.0 } else { 0.0 }).collect();
    for rule in [Rule::Hebbian, Rule::Polynomial { degree: 2 }] {
        let fit = HopfieldNetwork::new(rule).bias(bias.clone());
        let fit = fit.fit(one, &watch).unwrap();
        let end = fit.complete(one, &mask, &watch).unwrap().states;
        for i in (0..d).filter(|i| *i != 5) {
            assert_eq!(end[i], patterns[i], "{rule:?}");
        }
        assert_eq!(end[5], -1.0);
    }
    let fit = HopfieldNetwork::new(Rule::Hebbian)
        .fit(rows, &watch)
        .unwrap();
    let e = |known: &[bool]| fit.complete(one, known, &watch).unwrap_err().to_string();
    assert!(e(&[true]).contains("known has 1 entries"));
    assert!(e(&vec![false; d]).contains("no known unit"));
}

#[test]
fn forgetting_leaves_no_trace() {
    let (n, d) = (9, 70);
    let (patterns, watch) = (signs(4, n, d), Watch::default());
    let rows = Rows::new(&patterns, n, d).unwrap();
    let asked = noisy(6, &patterns, 0.2);
    let asked = Rows::new(&asked, n, d).unwrap();
    let kept: Vec<f64> = (0..n)
        .filter(|i| ![0, 4, 8].contains(i))
        .flat_map(|i| patterns[i * d..][..d].to_vec())
        .collect();
    for rule in RULES {
        let mut fit = HopfieldNetwork::new(rule).fit(rows, &watch).unwrap();
        fit.forget(&[8, 0, 4], &watch).unwrap();
        assert_eq!(fit.ids(), [1, 2, 3, 5, 6, 7]);
        let never = HopfieldNetwork::new(rule)
            .fit(Rows::new(&kept, 6, d).unwrap(), &watch)
            .unwrap();
        assert_eq!(fit.couplings(), never.couplings(), "{rule:?}");
        assert_eq!(
            fit.recall(asked, &watch).unwrap(),
            never.recall(asked, &watch).unwrap(),
            "{rule:?}"
        );
        for wrong in [&[0][..], &[1, 1], &[9]] {
            let e = fit.forget(wrong, &watch).unwrap_err().to_string();
            assert!(e.contains("is not stored, or given twice"), "{e}");
        }
        let all = fit.ids().to_vec();
        let e = fit.forget(&all, &watch).unwrap_err().to_string();
        assert!(e.contains("no pattern would be left"), "{e}");
        // Ids are not given again.
        assert_eq!(fit.add(rows.slice(0..2), &watch).unwrap(), 9..11);
        assert_eq!(fit.patterns(), 8);
    }
}
