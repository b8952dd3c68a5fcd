//! The laws of relaxation labeling as properties of any graph.

use locality::Watch;
use locality::labeling::{Graph, RelaxationLabeling, Scene, Step};
use locality_testing::Rng;
use proptest::prelude::*;

/// A graph of symmetric weights in which each pair is joined with this probability; at 0 all objects stand alone.
fn graph(seed: u64, n: usize, joined: f64) -> Graph {
    let mut rng = Rng::new(seed);
    let mut edges = Vec::new();
    for i in 0..n {
        for j in 0..i {
            if rng.uniform() < joined {
                let weight = 0.1 + 3.0 * rng.uniform();
                edges.extend([(i, j, weight), (j, i, weight)]);
            }
        }
    }
    Graph::edges(n, &edges).unwrap()
}

/// Random distributions, some of which are certain.
fn distributions(seed: u64, n: usize, k: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut out = Vec::with_capacity(n * k);
    for i in 0..n {
        let mut row: Vec<f64> = (0..k).map(|_| 0.01 + rng.uniform()).collect();
        if i % 5 == 4 {
            row.fill(0.0);
            row[i % k] = 1.0;
        }
        let sum: f64 = row.iter().sum();
        out.extend(row.iter().map(|x| x / sum));
    }
    out
}

/// A symmetric matrix of numbers from `low` to 1.
fn symmetric(seed: u64, k: usize, low: f64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut out = vec![0.0; k * k];
    for a in 0..k {
        for b in 0..=a {
            let x = low + (1.0 - low) * rng.uniform();
            (out[a * k + b], out[b * k + a]) = (x, x);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn rows_stay_distributions_and_consistency_never_falls(
        seed in 0_u64..1 << 40, n in 1_usize..25, k in 1_usize..6, joined in prop_oneof![Just(0.0), Just(0.1), 0.0..1.0],
        step in prop_oneof![Just((Step::Product, 0.0)), Just((Step::Gradient(None), 0.0)), Just((Step::Gradient(None), -1.0))],
        seeded in any::<bool>(),
    ) {
        let (step, low) = step;
        let graph = graph(seed, n, joined);
        let p = distributions(seed + 1, n, k);
        let r = symmetric(seed + 2, k, low);
        // Seeds hold an object fast, or not at all.
        let seeds: Option<Vec<f64>> = seeded.then(|| (0..n).map(|i| if i % 3 == 0 { f64::INFINITY } else { 0.0 }).collect());
        let found = RelaxationLabeling::new(step)
            .max_iter(20)
            .run(&graph, &r, &p, seeds.as_deref(), &Watch::default())
            .unwrap();
        for (i, row) in found.distributions.chunks_exact(k).enumerate() {
            prop_assert!(row.iter().all(|x| *x >= 0.0), "{step:?} {row:?}");
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{step:?} {row:?}");
            // Who hears nothing, or is held fast, stays.
            if graph.row(i).0.is_empty() || seeded && i % 3 == 0 {
                for (a, b) in row.iter().zip(&p[i * k..]) {
                    prop_assert!((a - b).abs() < 1e-12);
                }
            }
        }
        prop_assert!(found.consistency.len() > 1);
        for pair in found.consistency.windows(2) {
            prop_assert!(pair[1] >= pair[0] - 1e-12 * (1.0 + pair[0].abs()), "{step:?}: {:?}", found.consistency);
        }
    }

    #[test]
    fn consistency_never_falls_over_kinds_of_edges_that_are_symmetric_together(
        seed in 0_u64..1 << 40, n in 2_usize..25, k in 1_usize..6, joined in 0.0..0.6,
        step in prop_oneof![Just((Step::Product, 0.0)), Just((Step::Gradient(None), 0.0)), Just((Step::Gradient(None), -1.0))],
    ) {
        let (step, low) = step;
        // Edges of one direction with any compatibilities, the same the other way, and symmetric ones with their own.
        let mut rng = Rng::new(seed);
        let pairs = (0..n * n).filter(|_| rng.uniform() < joined).map(|at| (at / n, at % n, 0.5 + (at % 7) as f64));
        let one = Graph::edges(n, &pairs.collect::<Vec<_>>()).unwrap();
        let other = one.transposed();
        let r: Vec<f64> = (0..k * k).map(|_| low + (1.0 - low) * rng.uniform()).collect();
        let turned: Vec<f64> = (0..k * k).map(|at| r[at % k * k + at / k]).collect();
        let (plain, own) = (graph(seed + 1, n, joined), symmetric(seed + 2, k, low));
        let p = distributions(seed + 3, n, k);
        let start = distributions(seed + 4, n, k);
        let seeds: Vec<f64> = (0..n).map(|i| [0.0, 2.0, f64::INFINITY][i % 3]).collect();
        let scene = Scene::new(&p).edges(&one, &r).edges(&other, &turned).edges(&plain, &own).start(&start).seeds(&seeds);
        let found = RelaxationLabeling::new(step).max_iter(20).relax(&scene, &Watch::default()).unwrap();
        for row in found.distributions.chunks_exact(k) {
            prop_assert!(row.iter().all(|x| *x >= 0.0), "{step:?} {row:?}");
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{step:?} {row:?}");
        }
        for pair in found.consistency.windows(2) {
            prop_assert!(pair[1] >= pair[0] - 1e-12 * (1.0 + pair[0].abs()), "{step:?}: {:?}", found.consistency);
        }
    }
}
