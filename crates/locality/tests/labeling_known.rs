//! Relaxation from known labels, edges of several kinds, and balanced compatibilities.

use locality::labeling::{
    Graph, Labeling, RelaxationLabeling, Scene, Step, balanced, compatibilities,
};
use locality::{Rows, Watch};
use locality_testing::Rng;

const STEPS: [Step; 2] = [Step::Product, Step::Gradient(None)];

/// Equal labels go together.
fn same(k: usize) -> Vec<f64> {
    (0..k * k)
        .map(|i| f64::from(u8::from(i / k == i % k)))
        .collect()
}

fn relax(
    step: Step,
    graph: &Graph,
    r: &[f64],
    labels: &[Option<usize>],
    k: usize,
    strength: f64,
) -> Labeling {
    RelaxationLabeling::new(step)
        .tol(1e-3)
        .run_known(graph, r, labels, k, strength, &Watch::default())
        .unwrap()
}

/// The share of unknown labels that are found.
fn found(found: &Labeling, truth: &[usize], known: &[Option<usize>]) -> f64 {
    let labels = found.labels();
    let hidden: Vec<usize> = (0..truth.len()).filter(|i| known[*i].is_none()).collect();
    let right = hidden.iter().filter(|&&i| labels[i] == truth[i]).count();
    right as f64 / hidden.len() as f64
}

#[test]
fn commoner_known_labels_have_no_lead() {
    // Four round clouds at the corners of a square.
    let (n, d, k) = (400, 2, 4);
    let mut rng = Rng::new(7);
    let truth: Vec<usize> = (0..n).map(|i| i % k).collect();
    let mut place = |i: usize| 6.0 * f64::from(u8::from(i / 2 % 2 == 1)) + rng.normal();
    let x: Vec<f64> = truth
        .iter()
        .flat_map(|&c| [place(2 * c), place(c)])
        .collect();
    let rows = Rows::new(&x, n, d).unwrap();
    let graph = Graph::nearest(rows, 7, None, &Watch::default())
        .unwrap()
        .symmetric();
    // Twelve labels of the first one, three of each other.
    let mut left = vec![3; k];
    left[0] = 12;
    let known: Vec<Option<usize>> = truth
        .iter()
        .map(|&c| {
            left[c] -= i32::from(left[c] >= 0);
            (left[c] >= 0).then_some(c)
        })
        .collect();
    assert_eq!(known.iter().flatten().count(), 21);
    let learned = balanced(&compatibilities(&graph, &known, k, 1.0).unwrap(), k).unwrap();
    let mixed: Vec<f64> = learned
        .iter()
        .zip(same(k))
        .map(|(r, s)| 0.1 * r + s)
        .collect();
    for step in STEPS {
        for r in [&same(k), &mixed] {
            for strength in [f64::INFINITY, 20.0] {
                let share = found(&relax(step, &graph, r, &known, k, strength), &truth, &known);
                assert!(share > 0.85, "{step:?} {r:?} {strength}: {share}");
            }
        }
    }
}

#[test]
fn objects_that_no_label_reaches_get_the_shares() {
    // 0 - 1 - 2, 3 - 4, and 5 alone; 6 lies between two labels.
    let mut edges = Vec::new();
    for (i, j) in [(0, 1), (1, 2), (3, 4), (0, 6), (6, 7), (7, 8)] {
        edges.extend([(i, j, 1.0), (j, i, 1.0)]);
    }
    // A weight of zero tells nothing.
    edges.push((3, 2, 0.0));
    let graph = Graph::edges(9, &edges).unwrap();
    let mut known = [None; 9];
    (known[0], known[7], known[8]) = (Some(0), Some(1), Some(1));
    let seeded: Vec<bool> = known.iter().map(Option::is_some).collect();
    let reached = graph.reached(&seeded).unwrap();
    assert_eq!(
        reached,
        [true, true, true, false, false, false, true, true, true]
    );
    for step in STEPS {
        // Two labels that do not go alike with others would wander where nothing is known.
        for r in [[1.0, 0.0, 0.0, 1.0], [1.0, 0.2, 0.2, 0.5]] {
            let out = relax(step, &graph, &r, &known, 2, f64::INFINITY);
            for i in 3..6 {
                let row = &out.distributions[2 * i..2 * i + 2];
                assert!((row[0] - 1.0 / 3.0).abs() < 1e-15, "{step:?} {row:?}");
                assert!((row[1] - 2.0 / 3.0).abs() < 1e-15, "{step:?} {row:?}");
            }
            assert_eq!(out.labels()[..3], [0, 0, 0], "{step:?} {r:?}");
        }
        // Both labels reach object 6 alike: the commoner one.
        let even = relax(step, &graph, &same(2), &known, 2, f64::INFINITY);
        assert!((even.distributions[13] - 2.0 / 3.0).abs() < 1e-15);
    }
}

#[test]
fn soft_seeds_can_be_outvoted_and_strong_ones_are_not() {
    // A wrong label in the middle of a square of others.
    let graph = Graph::grid(&[5, 5], false).unwrap();
    let known: Vec<Option<usize>> = (0..25)
        .map(|i| {
            if i == 12 {
                Some(1)
            } else {
                (i != 7).then_some(0)
            }
        })
        .collect();
    for step in STEPS {
        for (strength, middle) in [(0.5, 0), (40.0, 1), (f64::INFINITY, 1)] {
            let out = relax(step, &graph, &same(2), &known, 2, strength);
            assert_eq!(out.labels()[12], middle, "{step:?} {strength}");
            assert_eq!(out.labels()[7], 0);
            for pair in out.consistency.windows(2) {
                assert!(pair[1] >= pair[0] - 1e-12, "{step:?} {:?}", out.consistency);
            }
        }
    }
    let refused = |labels: &[Option<usize>], strength: f64| {
        let relaxation = RelaxationLabeling::new(Step::Product);
        let r = relaxation.run_known(&graph, &same(2), labels, 2, strength, &Watch::default());
        r.unwrap_err().to_string()
    };
    assert!(refused(&known, 0.0).contains("seed_strength=0 must be positive"));
    assert!(refused(&[None; 25], 1.0).contains("no label is known"));
    assert!(refused(&[Some(2); 25], 1.0).contains("is not below 2"));
}

#[test]
fn balanced_compatibilities_favour_no_label() {
    let mut rng = Rng::new(4);
    let k = 5;
    let mut r = vec![0.0; k * k];
    for a in 0..k {
        for b in 0..=a {
            let x = rng.uniform() * 10_f64.powi(a as i32 - 2);
            (r[a * k + b], r[b * k + a]) = (x, x);
        }
    }
    let even = balanced(&r, k).unwrap();
    for (a, row) in even.chunks_exact(k).enumerate() {
        assert!((row.iter().sum::<f64>() - k as f64).abs() < 1e-10);
        for b in 0..k {
            assert!((row[b] - even[b * k + a]).abs() < 1e-12);
            // One factor for each label leaves odds ratios.
            let odds = |m: &[f64]| m[a * k + b].powi(2) / (m[a * k + a] * m[b * k + b]);
            assert!((odds(&even) / odds(&r) - 1.0).abs() < 1e-9);
        }
    }
    // A label that goes with none is indifferent; labels that only go with one another stay so.
    let some = balanced(&[4.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0], 3).unwrap();
    for (own, want) in some
        .iter()
        .zip([4.0, 3.0, 2.0, 3.0, 3.0, 3.0, 2.0, 3.0, 4.0])
    {
        assert!((own - want / 3.0).abs() < 1e-12, "{some:?}");
    }
    assert_eq!(
        balanced(&[3.0, 0.0, 0.0, 0.0], 2).unwrap(),
        [1.0, 1.0, 1.0, 1.0]
    );
    assert_eq!(
        balanced(&[0.0, 3.0, 3.0, 0.0], 2).unwrap(),
        [0.0, 2.0, 2.0, 0.0]
    );
    // No factors make these rows equal: it comes near and stays finite.
    let near = balanced(&[1.0, 1.0, 1.0, 0.0], 2).unwrap();
    assert!((near[1] - 2.0).abs() < 1e-2 && near[0] < 1e-2, "{near:?}");
    for (bad, words) in [
        (vec![1.0, 2.0, 3.0, 1.0], "2 in row 0, column 1"),
        (vec![1.0, -1.0, -1.0, 1.0], "not negative"),
        (vec![1.0], "need 2 rows"),
    ] {
        let message = balanced(&bad, 2).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn kinds_of_edges_add_up() {
    let shape = [3, 4];
    let (n, k) = (12, 3);
    let (right, down) = (
        Graph::stepped(&shape, &[0, 1]).unwrap(),
        Graph::stepped(&shape, &[1, 0]).unwrap(),
    );
    assert_eq!((right.row(0).0, right.row(3).0.len()), (&[1][..], 0));
    assert_eq!(
        (down.row(0).0, down.transposed().row(4).0),
        (&[4][..], &[0][..])
    );
    let mut rng = Rng::new(5);
    let mut p: Vec<f64> = (0..n * k).map(|_| 0.1 + rng.uniform()).collect();
    for row in p.chunks_exact_mut(k) {
        let sum: f64 = row.iter().sum();
        for x in row {
            *x /= sum;
        }
    }
    let (r, s): (Vec<f64>, Vec<f64>) = (0..k * k).map(|_| (rng.uniform(), rng.uniform())).unzip();
    let one = RelaxationLabeling::new(Step::Product).max_iter(1);
    let scene = Scene::new(&p).edges(&right, &r).edges(&down, &s);
    let out = one.relax(&scene, &Watch::default()).unwrap().distributions;
    for i in 0..n {
        let mut q = vec![0.0; k];
        let others = [
            (i % 4 < 3).then_some((i + 1, &r)),
            (i < 8).then_some((i + 4, &s)),
        ];
        for (j, r) in others.into_iter().flatten() {
            for a in 0..k {
                q[a] += (0..k).map(|b| r[a * k + b] * p[j * k + b]).sum::<f64>();
            }
        }
        let total: f64 = (0..k).map(|a| p[i * k + a] * q[a]).sum();
        for a in 0..k {
            let want = if total > 0.0 {
                p[i * k + a] * q[a] / total
            } else {
                p[i * k + a]
            };
            assert!((out[i * k + a] - want).abs() < 1e-14);
        }
    }
    // All four kinds under one matrix are the plain grid.
    let (left, up) = (right.transposed(), down.transposed());
    let graphs = [&right, &left, &down, &up];
    let kinds = graphs
        .iter()
        .fold(Scene::new(&p), |scene, g| scene.edges(g, &r));
    let grid = Graph::grid(&shape, false).unwrap();
    for step in STEPS {
        let relaxation = RelaxationLabeling::new(step).max_iter(4);
        let whole = relaxation
            .run(&grid, &r, &p, None, &Watch::default())
            .unwrap();
        if step == Step::Product {
            let parts = relaxation.relax(&kinds, &Watch::default()).unwrap();
            for (a, b) in parts.distributions.iter().zip(&whole.distributions) {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }
    // Where to begin, while seeds hear and hold the distributions.
    let seeds: Vec<f64> = (0..n).map(|i| [f64::INFINITY, 0.0][i % 2]).collect();
    let start = vec![1.0 / 3.0; n * k];
    let scene = Scene::new(&p).edges(&grid, &r).start(&start).seeds(&seeds);
    let none = RelaxationLabeling::new(Step::Product).max_iter(0);
    let begun = none.relax(&scene, &Watch::default()).unwrap().distributions;
    assert_eq!(begun[..k], p[..k]);
    assert_eq!(begun[k..2 * k], start[..k]);
}

#[test]
fn bad_scenes_are_named() {
    let (small, large) = (
        Graph::grid(&[1, 2], false).unwrap(),
        Graph::grid(&[1, 3], false).unwrap(),
    );
    let (p, r) = ([0.5; 4], [1.0; 4]);
    let scene = || Scene::new(&p).edges(&small, &r);
    let bad = [-1.0; 4];
    for (scene, words) in [
        (Scene::new(&p), "no edges"),
        (
            scene().edges(&large, &r),
            "graph 1 (counted from 0) has 3 objects",
        ),
        (
            scene().edges(&small, &bad),
            "compatibilities of graph 1 has -1",
        ),
        (scene().start(&p[..2]), "start has 2 numbers"),
        (scene().start(&r), "row 0 of start"),
    ] {
        let run = RelaxationLabeling::new(Step::Product).relax(&scene, &Watch::default());
        let message = run.unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
    for step in [&[0, 0][..], &[1]] {
        let message = Graph::stepped(&[2, 2], step).unwrap_err().to_string();
        assert!(message.contains("no other place"), "{message}");
    }
    let message = small.reached(&[true]).unwrap_err().to_string();
    assert!(message.contains("known has 1 entries"), "{message}");
}
