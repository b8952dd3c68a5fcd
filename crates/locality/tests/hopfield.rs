//! Laws of the memories of real patterns and of the imputer.

use locality::hopfield::{HopfieldImputer, HopfieldMemory};
use locality::{Error, ErrorKind, Kernel, LocalMean, Rows, Watch, local_mean};
use locality_testing::{Rng, blobs, normal};

fn kernel(text: &str) -> Kernel {
    text.parse().unwrap()
}

/// Patterns of -1 and 1, `[n, d]`.
fn signs(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n * d)
        .map(|_| if rng.uniform() < 0.5 { -1.0 } else { 1.0 })
        .collect()
}

#[test]
fn one_step_is_attention() {
    let (n, m, d, p, beta) = (40, 7, 5, 3, 0.7);
    let (keys, values, queries) = (normal(1, n, d), normal(2, n, p), normal(3, m, d));
    let memory = HopfieldMemory::new(kernel("softmax(beta=0.7)")).max_iter(1);
    let stored = memory
        .store_pairs(
            Rows::new(&keys, n, d).unwrap(),
            Rows::new(&values, n, p).unwrap(),
        )
        .unwrap();
    let found = stored
        .recall(Rows::new(&queries, m, d).unwrap(), &Watch::default())
        .unwrap();
    for i in 0..m {
        let score = |k: usize| {
            (0..d)
                .map(|j| queries[i * d + j] * keys[k * d + j])
                .sum::<f64>()
        };
        let weights: Vec<f64> = (0..n).map(|k| (beta * score(k)).exp()).collect();
        let total: f64 = weights.iter().sum();
        for j in 0..d {
            let want = (0..n).map(|k| weights[k] * keys[k * d + j]).sum::<f64>() / total;
            assert!((found.states[i * d + j] - want).abs() < 1e-12);
        }
        for j in 0..p {
            let want = (0..n).map(|k| weights[k] * values[k * p + j]).sum::<f64>() / total;
            assert!((found.values[i * p + j] - want).abs() < 1e-12);
        }
    }
    let keys = Rows::new(&keys, n, d).unwrap();
    let queries = Rows::new(&queries, m, d).unwrap();
    let mean = local_mean(memory.kernel(), queries, keys, keys).unwrap();
    let off = mean
        .means
        .iter()
        .zip(&found.states)
        .map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f64::max) < 1e-14);
}

#[test]
fn energy_never_rises_on_the_way_and_falls_in_all() {
    let kernels = [
        "softmax(beta=1.5)",
        "softmax(beta=3)^2",
        "gaussian(h=0.8)",
        "gaussian(h=0.8)^0.5",
        "gaussian(h=[0.5, 1, 2])",
        "uniform(h=1.5)",
        "epanechnikov(h=2)",
        "biweight(h=2)",
        "triweight(h=2.5)",
        "student_t(h=0.7, nu=3)",
        "rational_quadratic(h=0.7, alpha=2)",
    ];
    let (n, m, d) = (60, 30, 3);
    for (seed, text) in kernels.iter().enumerate() {
        let (patterns, states) = (normal(seed as u64, n, d), normal(90 + seed as u64, m, d));
        let memory = HopfieldMemory::new(kernel(text)).trace(true).tol(1e-9);
        let stored = memory.store(Rows::new(&patterns, n, d).unwrap()).unwrap();
        let found = stored
            .recall(Rows::new(&states, m, d).unwrap(), &Watch::default())
            .unwrap();
        let mut falls = 0;
        for (i, trace) in found.energies.iter().enumerate() {
            if found.lost.contains(&i) {
                continue;
            }
            assert_eq!(trace.len(), found.steps[i] + 1, "{text}");
            for pair in trace.windows(2) {
                assert!(
                    pair[1] <= pair[0] + 1e-10 * (1.0 + pair[0].abs()),
                    "{text}: {trace:?}"
                );
            }
            falls += usize::from(trace[0] - trace[trace.len() - 1] > 1e-6);
        }
        assert!(falls > m / 2, "{text}: energy fell for {falls} of {m}");
    }
}

#[test]
fn energy_never_rises_where_cells_are_clamped() {
    let (n, m, d) = (50, 20, 4);
    for text in ["softmax(beta=2)", "gaussian(h=0.7)", "biweight(h=3)"] {
        let (patterns, states) = (normal(5, n, d), normal(6, m, d));
        let known: Vec<bool> = (0..m * d).map(|c| c % d == 0 || c % 7 == 3).collect();
        let stored = HopfieldMemory::new(kernel(text))
            .trace(true)
            .store(Rows::new(&patterns, n, d).unwrap())
            .unwrap();
        let rows = Rows::new(&states, m, d).unwrap();
        let found = stored.complete(rows, &known, &Watch::default()).unwrap();
        for (i, trace) in found.energies.iter().enumerate() {
            assert!(found.lost.contains(&i) || trace.len() > 1);
            for pair in trace.windows(2) {
                assert!(
                    pair[1] <= pair[0] + 1e-10 * (1.0 + pair[0].abs()),
                    "{text}: {trace:?}"
                );
            }
        }
        let clamped = (0..m * d).filter(|&c| known[c]);
        assert!(clamped.clone().count() > m);
        assert!(clamped.into_iter().all(|c| found.states[c] == states[c]));
    }
}

#[test]
fn kernels_without_an_energy_say_so() {
    let x = normal(1, 5, 2);
    for text in [
        "laplace(h=1)",
        "sigmoid",
        "student_t(nu=1)",
        "gaussian(h=1, cols=0)",
        "gaussian(h=1) * gaussian(h=2)",
    ] {
        let memory = HopfieldMemory::new(kernel(text)).trace(true);
        let stored = memory.store(Rows::new(&x, 5, 2).unwrap()).unwrap();
        let rows = Rows::new(&x, 5, 2).unwrap();
        assert_eq!(
            stored.energies(rows, &Watch::default()).unwrap(),
            None,
            "{text}"
        );
        let found = stored.recall(rows, &Watch::default()).unwrap();
        assert!(found.energies.is_empty());
    }
}

#[test]
fn well_separated_patterns_are_recalled_from_noise() {
    let (n, d) = (30, 64);
    let patterns = signs(1, n, d);
    let mut rng = Rng::new(2);
    let noisy: Vec<f64> = patterns
        .iter()
        .map(|x| if rng.uniform() < 0.2 { -x } else { *x })
        .collect();
    for text in ["softmax(beta=1)", "gaussian(h=2)"] {
        let stored = HopfieldMemory::new(kernel(text))
            .store(Rows::new(&patterns, n, d).unwrap())
            .unwrap();
        let rows = Rows::new(&noisy, n, d).unwrap();
        let found = stored.recall(rows, &Watch::default()).unwrap();
        let off = found
            .states
            .iter()
            .zip(&patterns)
            .map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-4, "{text}");
        assert!(found.settled.iter().all(|s| *s));
        let shares =
            stored.participation(Rows::new(&found.states, n, d).unwrap(), &Watch::default());
        assert!(shares.unwrap().iter().all(|s| (s - 1.0).abs() < 1e-3));
        // What is stored is a fixed point.
        let rows = Rows::new(&patterns, n, d).unwrap();
        let still = stored.recall(rows, &Watch::default()).unwrap();
        let off = still
            .states
            .iter()
            .zip(&patterns)
            .map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-4, "{text}");
    }
}

#[test]
fn kernels_that_end_recall_exactly() {
    let (n, d) = (20, 30);
    let patterns = signs(4, n, d);
    let mut rng = Rng::new(5);
    let noisy: Vec<f64> = patterns.iter().map(|x| x + 0.3 * rng.normal()).collect();
    for text in ["uniform(h=3.2)", "epanechnikov(h=3.2)", "triweight(h=3.2)"] {
        let stored = HopfieldMemory::new(kernel(text))
            .store(Rows::new(&patterns, n, d).unwrap())
            .unwrap();
        let rows = Rows::new(&noisy, n, d).unwrap();
        let found = stored.recall(rows, &Watch::default()).unwrap();
        assert_eq!(found.states, patterns, "{text}");
        let held = stored.holders(rows, 0.0, &Watch::default()).unwrap();
        for (i, held) in held.iter().enumerate() {
            assert_eq!(held, &[(i, 1.0)], "{text}");
        }
    }
}

#[test]
fn metastable_states_are_those_that_similar_patterns_share() {
    // Three patterns close together and one far away.
    let patterns = [4.0, 0.1, 4.0, -0.1, 4.1, 0.0, -9.0, 0.0];
    let stored = HopfieldMemory::new(kernel("gaussian(h=1)"))
        .store(Rows::new(&patterns, 4, 2).unwrap())
        .unwrap();
    let asked = [3.0, 0.0, -8.0, 0.0];
    let watch = Watch::default();
    let found = stored
        .recall(Rows::new(&asked, 2, 2).unwrap(), &watch)
        .unwrap();
    let rows = Rows::new(&found.states, 2, 2).unwrap();
    let shares = stored.participation(rows, &watch).unwrap();
    assert!(
        (shares[0] - 3.0).abs() < 0.01 && (shares[1] - 1.0).abs() < 1e-9,
        "{shares:?}"
    );
    let held = stored.holders(rows, 0.01, &watch).unwrap();
    let mut ids: Vec<usize> = held[0].iter().map(|h| h.0).collect();
    ids.sort_unstable();
    assert_eq!(ids, [0, 1, 2]);
    assert_eq!(held[1].len(), 1);
    assert_eq!(held[1][0].0, 3);
    // The same by the weights themselves.
    let rows_of = Rows::new(&patterns, 4, 2).unwrap();
    let mean = LocalMean::new(kernel("gaussian(h=1)"))
        .fit(rows_of, rows_of)
        .unwrap();
    for (i, weights) in mean
        .weights(rows, &watch)
        .unwrap()
        .chunks_exact(4)
        .enumerate()
    {
        let sum: f64 = weights.iter().map(|w| w * w).sum();
        assert!((shares[i] - sum.recip()).abs() < 1e-9);
    }
}

#[test]
fn storing_and_forgetting_one_by_one_is_storing_what_is_left() {
    let (n, d, p) = (45, 3, 2);
    let (keys, values) = (normal(1, n, d), normal(2, n, p));
    for text in [
        "softmax(beta=2)",
        "gaussian(h=0.6)",
        "epanechnikov(h=2)",
        "gaussian(knn=5)",
    ] {
        let memory = HopfieldMemory::new(kernel(text)).max_iter(5);
        let row = |x: &[f64], i: usize, d: usize| x[i * d..][..d].to_vec();
        let mut grown = memory
            .store_pairs(
                Rows::new(&keys[..6 * d], 6, d).unwrap(),
                Rows::new(&values[..6 * p], 6, p).unwrap(),
            )
            .unwrap();
        for i in 6..n {
            let (key, value) = (row(&keys, i, d), row(&values, i, p));
            let ids = grown.add_pairs(
                Rows::new(&key, 1, d).unwrap(),
                Rows::new(&value, 1, p).unwrap(),
            );
            assert_eq!(ids.unwrap(), i..i + 1);
        }
        let gone: Vec<usize> = (0..n).filter(|i| i % 3 == 1).collect();
        grown.forget(&gone).unwrap();
        let left: Vec<usize> = (0..n).filter(|i| i % 3 != 1).collect();
        assert_eq!(grown.ids(), left);
        let keys_left: Vec<f64> = left.iter().flat_map(|&i| row(&keys, i, d)).collect();
        let values_left: Vec<f64> = left.iter().flat_map(|&i| row(&values, i, p)).collect();
        assert_eq!(grown.patterns(), keys_left);
        assert_eq!(grown.values(), values_left);
        let at_once = memory
            .store_pairs(
                Rows::new(&keys_left, left.len(), d).unwrap(),
                Rows::new(&values_left, left.len(), p).unwrap(),
            )
            .unwrap();
        let asked = normal(7, 11, d);
        let rows = Rows::new(&asked, 11, d).unwrap();
        let watch = Watch::default();
        let (a, b) = (
            grown.recall(rows, &watch).unwrap(),
            at_once.recall(rows, &watch).unwrap(),
        );
        for (x, y) in a
            .states
            .iter()
            .chain(&a.values)
            .zip(b.states.iter().chain(&b.values))
        {
            assert!(
                (x - y).abs() < 1e-10 || x.is_nan() && y.is_nan(),
                "{text}: {x} {y}"
            );
        }
    }
}

#[test]
fn a_restored_memory_recalls_the_same_bits() {
    let (n, d, p) = (61, 5, 2);
    let (keys, values) = (normal(3, n, d), normal(4, n, p));
    let asked = normal(5, 9, d);
    let rows = Rows::new(&asked, 9, d).unwrap();
    let watch = Watch::default();
    for text in ["softmax(beta=2)", "gaussian(h=0.9)", "gaussian(knn=5)"] {
        let memory = HopfieldMemory::new(kernel(text)).trace(true);
        let piece = |x: &[f64], w: usize, from: usize, to: usize| x[from * w..to * w].to_vec();
        let mut grown: Option<locality::hopfield::StoredPatterns<f64>> = None;
        // One of the patterns that go is by far the largest.
        let mut keys = keys.clone();
        keys[40 * d] = 1e6;
        for (from, to) in [(0, 32), (32, 41), (41, 50), (50, 51), (51, 61)] {
            let (k, v) = (piece(&keys, d, from, to), piece(&values, p, from, to));
            let k = Rows::new(&k, to - from, d).unwrap();
            let v = Rows::new(&v, to - from, p).unwrap();
            match &mut grown {
                None => grown = Some(memory.store_pairs(k, v).unwrap()),
                Some(grown) => assert_eq!(grown.add_pairs(k, v).unwrap(), from..to),
            }
        }
        let mut grown = grown.unwrap();
        grown.forget(&[40, 3, 57]).unwrap();
        let parts = grown.parts();
        assert_eq!(parts.iter().sum::<usize>(), 58);
        assert_eq!(parts.len() > 1, text != "gaussian(knn=5)", "{parts:?}");
        let (k, v) = (grown.patterns(), grown.values());
        let back = memory.restore(
            Rows::new(&k, 58, d).unwrap(),
            Rows::new(&v, 58, p).unwrap(),
            &grown.ids(),
            grown.next_id(),
            &parts,
        );
        let mut back = back.unwrap();
        assert_eq!(back.parts(), parts);
        let (a, b) = (grown.recall(rows, &watch), back.recall(rows, &watch));
        assert_eq!(a.unwrap(), b.unwrap(), "{text}");
        // And goes on the same.
        for memory in [&mut grown, &mut back] {
            let more = memory.add_pairs(
                Rows::new(&keys[..2 * d], 2, d).unwrap(),
                Rows::new(&values[..2 * p], 2, p).unwrap(),
            );
            assert_eq!(more.unwrap(), 61..63);
        }
        assert_eq!(grown.parts(), back.parts());
        for wrong in [&[58, 0][..], &[57], &[usize::MAX, 59]] {
            let refused = memory.restore(
                Rows::new(&k, 58, d).unwrap(),
                Rows::new(&v, 58, p).unwrap(),
                &(0..58).collect::<Vec<_>>(),
                58,
                wrong,
            );
            assert_eq!(message(refused).0, ErrorKind::Parameter);
        }
    }
}

#[test]
fn completion_weighs_by_the_known_columns() {
    let (n, m, d) = (30, 12, 6);
    let (patterns, mut states) = (normal(1, n, d), normal(2, m, d));
    let known: Vec<bool> = (0..m * d).map(|c| (c / d + c) % 3 != 0).collect();
    for (x, known) in states.iter_mut().zip(&known) {
        if !known {
            *x = f64::NAN;
        }
    }
    for text in [
        "softmax(beta=1.2)",
        "gaussian(h=0.9)",
        "gaussian(h=[1, 2, 3, 1, 2, 3])",
        "laplace(h=1, metric=manhattan) * gaussian(h=2, cols=[0, 1, 2])",
    ] {
        let parsed = kernel(text);
        let stored = HopfieldMemory::new(parsed.clone())
            .max_iter(1)
            .store(Rows::new(&patterns, n, d).unwrap())
            .unwrap();
        let found = stored
            .complete(Rows::new(&states, m, d).unwrap(), &known, &Watch::default())
            .unwrap();
        for i in 0..m {
            let h = |j: usize| {
                if text.contains('[') {
                    (1 + j % 3) as f64
                } else {
                    0.9
                }
            };
            let weight = |k: usize| {
                let cells = (0..d).filter(|j| known[i * d + j]);
                let log: f64 = cells
                    .map(|j| {
                        let (q, x) = (states[i * d + j], patterns[k * d + j]);
                        if text.starts_with("softmax") {
                            1.2 * q * x
                        } else if text.starts_with("gauss") {
                            -0.5 * ((q - x) / h(j)).powi(2)
                        } else {
                            -(q - x).abs() - if j < 3 { 0.125 * (q - x).powi(2) } else { 0.0 }
                        }
                    })
                    .sum();
                log.exp()
            };
            let total: f64 = (0..n).map(weight).sum();
            for j in (0..d).filter(|j| !known[i * d + j]) {
                let want = (0..n).map(|k| weight(k) * patterns[k * d + j]).sum::<f64>() / total;
                assert!((found.states[i * d + j] - want).abs() < 1e-11, "{text}");
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_threads_or_company() {
    let (n, m, d) = (200, 70, 4);
    let (patterns, states) = (normal(1, n, d), normal(2, m, d));
    let stored = HopfieldMemory::new(kernel("gaussian(h=0.6)"))
        .store(Rows::new(&patterns, n, d).unwrap())
        .unwrap();
    let rows = Rows::new(&states, m, d).unwrap();
    let one = stored.recall(rows, &Watch::default().threads(1)).unwrap();
    let many = stored.recall(rows, &Watch::default().threads(3)).unwrap();
    assert_eq!(one, many);
    let alone = stored
        .recall(rows.slice(33..34), &Watch::default())
        .unwrap();
    assert_eq!(alone.states, one.states[33 * d..34 * d]);
}

#[test]
fn single_precision_agrees() {
    let (n, d) = (40, 8);
    let patterns = normal(1, n, d);
    let narrow: Vec<f32> = patterns.iter().map(|&x| x as f32).collect();
    let memory = HopfieldMemory::new(kernel("softmax(beta=2)"))
        .max_iter(3)
        .tol(0.0);
    let wide = memory.store(Rows::new(&patterns, n, d).unwrap()).unwrap();
    let thin = memory.store(Rows::new(&narrow, n, d).unwrap()).unwrap();
    let watch = Watch::default();
    let a = wide
        .recall(Rows::new(&patterns, n, d).unwrap(), &watch)
        .unwrap();
    let b = thin
        .recall(Rows::new(&narrow, n, d).unwrap(), &watch)
        .unwrap();
    for (x, y) in a.states.iter().zip(&b.states) {
        assert!((x - f64::from(*y)).abs() < 1e-4);
    }
}

fn message<T>(result: Result<T, Error>) -> (ErrorKind, String) {
    match result {
        Ok(_) => panic!("no error"),
        Err(e) => (e.kind(), e.to_string()),
    }
}

#[test]
fn bad_arguments_are_named() {
    let x = normal(1, 4, 2);
    let rows = Rows::new(&x, 4, 2).unwrap();
    let memory = HopfieldMemory::default();
    let watch = Watch::default();
    let (kind, text) = message(memory.clone().max_iter(0).store(rows));
    assert!(kind == ErrorKind::Parameter && text.contains("max_iter=0"));
    let (_, text) = message(memory.clone().tol(f64::NAN).store(rows));
    assert!(text.contains("tol=NaN"));
    let (kind, _) = message(memory.store(rows.slice(0..0)));
    assert_eq!(kind, ErrorKind::Empty);
    let bad = [1.0, f64::NAN];
    let (kind, text) = message(memory.store(Rows::new(&bad, 1, 2).unwrap()));
    assert!(kind == ErrorKind::NotFinite && text.contains("row 0, column 1"));
    let mut stored = memory.store(rows).unwrap();
    let (_, text) = message(stored.recall(Rows::column(&[1.0]), &watch));
    assert!(text.contains("1 columns"), "{text}");
    let (_, text) = message(stored.complete(rows, &[true; 3], &watch));
    assert!(text.contains("3 entries"), "{text}");
    let (_, text) = message(stored.complete(rows, &[false; 8], &watch));
    assert!(text.contains("state 0"), "{text}");
    let (_, text) = message(stored.forget(&[0, 9]));
    assert!(text.contains("id 9"), "{text}");
    assert_eq!(stored.len(), 4);
    let (_, text) = message(stored.forget(&[0, 0]));
    assert!(text.contains("id 0"), "{text}");
    let (kind, _) = message(stored.add(Rows::column(&[1.0])));
    assert_eq!(kind, ErrorKind::Shape);
    let (_, text) = message(stored.holders(rows, 1.5, &watch));
    assert!(text.contains("least=1.5"));
    stored.forget(&[0, 1, 2, 3]).unwrap();
    assert!(stored.is_empty());
    let (kind, _) = message(stored.recall(rows, &watch));
    assert_eq!(kind, ErrorKind::Empty);
    stored.add(rows).unwrap();
    assert_eq!(stored.ids(), [4, 5, 6, 7]);
}

#[test]
fn states_that_no_pattern_is_near_stay() {
    let x = [0.0_f64, 1.0, 2.0];
    let stored = HopfieldMemory::new(kernel("epanechnikov(h=1.2)"))
        .trace(true)
        .store_pairs(Rows::column(&x), Rows::column(&[5.0, 6.0, 7.0]))
        .unwrap();
    let found = stored
        .recall(Rows::column(&[9.0, 0.1]), &Watch::default())
        .unwrap();
    assert_eq!(found.lost, [0]);
    assert!(found.states[0] == 9.0 && found.values[0].is_nan() && !found.settled[0]);
    assert!(found.settled[1] && found.values[1].is_finite());
    assert_eq!(found.energies[0], [f64::INFINITY]);
}

/// Root of the mean squared error of filled cells.
fn error(filled: &[f64], truth: &[f64], seen: &[f64]) -> f64 {
    let missing = seen.iter().zip(filled.iter().zip(truth));
    let off: Vec<f64> = missing
        .filter(|(s, _)| s.is_nan())
        .map(|(_, (a, b))| (a - b).powi(2))
        .collect();
    (off.iter().sum::<f64>() / off.len() as f64).sqrt()
}

#[test]
fn missing_cells_of_clusters_are_filled_far_better_than_by_means() {
    let (n, d) = (200, 5);
    let (truth, _) = blobs(3, n, d, 4, 0.5);
    let mut rng = Rng::new(4);
    let seen: Vec<f64> = truth
        .iter()
        .map(|x| if rng.uniform() < 0.25 { f64::NAN } else { *x })
        .collect();
    let rows = Rows::new(&seen, n, d).unwrap();
    let watch = Watch::default();
    let fit = HopfieldImputer::new().fit(rows, &watch).unwrap();
    let filled = fit.transform(rows, &watch).unwrap();
    let means: Vec<f64> = (0..n * d).map(|c| fit.means()[c % d]).collect();
    let (own, plain) = (error(&filled, &truth, &seen), error(&means, &truth, &seen));
    assert!(own < 0.35 * plain, "{own} against {plain}");
    let known = seen.iter().zip(&filled).filter(|(s, _)| !s.is_nan());
    assert!(known.into_iter().all(|(s, f)| s == f));
    assert!(filled.iter().all(|x| x.is_finite()));
}

#[test]
fn the_imputer_is_a_kernel_mean_over_the_known_cells() {
    // No missing cell in what is stored: Nadaraya-Watson on the known columns, standardized, with squared distances scaled up to all four.
    let (n, d, h) = (40, 4, 0.6);
    let x = normal(1, n, d);
    let fit = HopfieldImputer::new()
        .bandwidth(h)
        .fit(Rows::new(&x, n, d).unwrap(), &Watch::default())
        .unwrap();
    let mut asked = normal(2, 1, d);
    asked[2] = f64::NAN;
    let filled = fit
        .transform(Rows::new(&asked, 1, d).unwrap(), &Watch::default())
        .unwrap();
    let scale = |j: usize| {
        let mean = (0..n).map(|k| x[k * d + j]).sum::<f64>() / n as f64;
        ((0..n).map(|k| (x[k * d + j] - mean).powi(2)).sum::<f64>() / n as f64).sqrt()
    };
    let weight = |k: usize| {
        let off = [0, 1, 3].map(|j| ((asked[j] - x[k * d + j]) / scale(j)).powi(2));
        (-0.5 * 4.0 / 3.0 * off.iter().sum::<f64>() / (h * h)).exp()
    };
    let total: f64 = (0..n).map(weight).sum();
    let want = (0..n).map(|k| weight(k) * x[k * d + 2]).sum::<f64>() / total;
    assert!((filled[2] - want).abs() < 1e-10, "{} {want}", filled[2]);
}

#[test]
fn columns_that_are_there_twice_fill_what_they_fill_once() {
    // Known cells, hidden ones and stored rows twice: twice the squared distance over twice the columns, under sqrt(2) of the bandwidth.
    let (n, d, h) = (30, 3, 0.5);
    let x = normal(5, n, d);
    let mut asked = normal(6, 1, d);
    asked[1] = f64::NAN;
    let fill = |x: &[f64], asked: &[f64], d: usize, h: f64| {
        let imputer = HopfieldImputer::new().bandwidth(h);
        let fit = imputer
            .fit(Rows::new(x, n, d).unwrap(), &Watch::default())
            .unwrap();
        let rows = Rows::new(asked, 1, d).unwrap();
        fit.transform(rows, &Watch::default()).unwrap()[1]
    };
    let twice = |x: &[f64]| -> Vec<f64> { x.chunks(d).flat_map(|r| [r, r].concat()).collect() };
    let once = fill(&x, &asked, d, h);
    let want = fill(&twice(&x), &twice(&asked), 2 * d, h * 2.0_f64.sqrt());
    assert!((once - want).abs() < 1e-10, "{once} {want}");
    // One that only one of two columns knows: its distance counts as if both said it.
    let pair: Vec<f64> = x.chunks(d).flat_map(|r| [r[0], r[0], r[1]]).collect();
    let nan = f64::NAN;
    let both = fill_last(&pair, [asked[0], asked[0], nan], n, h);
    let one = fill_last(&pair, [asked[0], nan, nan], n, h);
    assert!((both - one).abs() < 1e-10, "{both} {one}");
}

/// What the last of three columns is filled with.
fn fill_last(x: &[f64], asked: [f64; 3], n: usize, h: f64) -> f64 {
    let imputer = HopfieldImputer::new().bandwidth(h);
    let fit = imputer
        .fit(Rows::new(x, n, 3).unwrap(), &Watch::default())
        .unwrap();
    let rows = Rows::new(&asked, 1, 3).unwrap();
    // Of three columns two known ones are two thirds, and one a third: each stands for all three.
    fit.transform(rows, &Watch::default()).unwrap()[2]
}

#[test]
fn patterns_of_different_lengths_are_told_under_inner_products_alone() {
    let outscored = |kernel: &str, x: &[f64], d: usize| {
        let memory = HopfieldMemory::new(kernel.parse().unwrap());
        let stored = memory.store(Rows::new(x, x.len() / d, d).unwrap()).unwrap();
        stored.outscored()
    };
    // In a row, all but the longest are outscored at their own place.
    let line: Vec<f64> = (1..=20).flat_map(|i| [f64::from(i), 1.0]).collect();
    assert!((outscored("softmax(beta=1)", &line, 2) - 0.95).abs() < 1e-12);
    for other in [
        "gaussian(h=1)",
        "epanechnikov(h=1)",
        "softmax(beta=1, metric=cosine)",
    ] {
        assert_eq!(outscored(other, &line, 2), 0.0, "{other}");
    }
    // Of one length none is, however near.
    let circle: Vec<f64> = (0..3000)
        .flat_map(|i| {
            let angle = 0.002 * f64::from(i);
            [3.0 * angle.cos(), 3.0 * angle.sin()]
        })
        .collect();
    assert_eq!(outscored("softmax(beta=1)", &circle, 2), 0.0);
    let narrow: Vec<f32> = circle.iter().map(|x| *x as f32).collect();
    let memory = HopfieldMemory::default();
    let mut stored = memory
        .store(Rows::new(&narrow[..4000], 2000, 2).unwrap())
        .unwrap();
    stored
        .add(Rows::new(&narrow[4000..], 1000, 2).unwrap())
        .unwrap();
    assert_eq!(stored.outscored(), 0.0);
    // A long one that is added outscores those on its side, until it is forgotten.
    let ids = stored.add(Rows::new(&[300.0_f32, 0.0], 1, 2).unwrap());
    assert!(stored.outscored() > 0.4);
    stored.forget(&ids.unwrap().collect::<Vec<_>>()).unwrap();
    assert_eq!(stored.outscored(), 0.0);
}

#[test]
fn the_imputer_meets_empty_columns_and_rows() {
    let nan = f64::NAN;
    let x = [1.0, nan, 3.0, nan, nan, nan, 2.0, nan];
    let fit = HopfieldImputer::new()
        .fit(Rows::new(&x, 4, 2).unwrap(), &Watch::default())
        .unwrap();
    let filled = fit
        .transform(Rows::new(&x, 4, 2).unwrap(), &Watch::default())
        .unwrap();
    assert_eq!(filled, [1.0, 0.0, 3.0, 0.0, 2.0, 0.0, 2.0, 0.0]);
    let infinite = [f64::INFINITY, 1.0];
    let (kind, text) =
        message(HopfieldImputer::new().fit(Rows::new(&infinite, 1, 2).unwrap(), &Watch::default()));
    assert!(kind == ErrorKind::NotFinite && text.contains("column 0"));
}

#[test]
fn the_level_of_a_constant_column_says_nothing() {
    let nan = f64::NAN;
    let filled = |level: f64| {
        let x = [level, 0.0, 0.0, level, 1.0, 1.0, level, 0.1, nan];
        let rows = Rows::new(&x, 3, 3).unwrap();
        let imputer = HopfieldImputer::new().standardize(false);
        let fit = imputer.bandwidth(0.2).fit(rows, &Watch::default()).unwrap();
        fit.transform(rows, &Watch::default()).unwrap()[8]
    };
    let want = filled(0.0);
    assert!(want < 0.1, "{want}");
    for level in [1.0, 100.0, -3e5] {
        let got = filled(level);
        assert!((got - want).abs() < 1e-9, "level {level}: {got} for {want}");
    }
}
