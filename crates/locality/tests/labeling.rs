//! Laws of relaxation labeling and of label propagation.

use locality::labeling::{
    Affinity, Graph, LabelPropagation, LocalModes, RelaxationLabeling, Step, compatibilities,
    shrunk_compatibilities,
};
use locality::{Kernel, Rows, Watch};
use locality_testing::{Rng, blobs, normal};

/// `n` random distributions over `k` labels.
fn distributions(seed: u64, n: usize, k: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut out = Vec::with_capacity(n * k);
    for _ in 0..n {
        let row: Vec<f64> = (0..k).map(|_| rng.uniform()).collect();
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

fn graphs() -> Vec<Graph> {
    let x = normal(3, 40, 2);
    let rows = Rows::new(&x, 40, 2).unwrap();
    let Kernel::Atom(atom) = Kernel::gaussian(1.0) else {
        panic!("a Gaussian is one atom")
    };
    let watch = Watch::default();
    vec![
        Graph::grid(&[6, 7], false).unwrap(),
        Graph::grid(&[6, 7], true).unwrap(),
        Graph::nearest(rows, 5, None, &watch).unwrap().symmetric(),
        Graph::nearest(rows, 5, Some((atom.profile(), 0.5)), &watch)
            .unwrap()
            .symmetric(),
        Graph::edges(3, &[(0, 1, 0.5), (1, 0, 0.5), (1, 2, 2.0), (2, 1, 2.0)]).unwrap(),
    ]
}

#[test]
fn rows_stay_distributions_and_consistency_never_falls() {
    let k = 4;
    for (seed, graph) in graphs().iter().enumerate() {
        let seed = seed as u64;
        let n = graph.len();
        let p = distributions(seed, n, k);
        for (step, low) in [
            (Step::Product, 0.0),
            (Step::Gradient(None), 0.0),
            (Step::Gradient(None), -1.0),
        ] {
            let r = symmetric(seed + 9, k, low);
            let found = RelaxationLabeling::new(step)
                .max_iter(40)
                .run(graph, &r, &p, None, &Watch::default())
                .unwrap();
            for row in found.distributions.chunks_exact(k) {
                assert!(row.iter().all(|x| *x >= 0.0), "{step:?}");
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{step:?}");
            }
            for pair in found.consistency.windows(2) {
                assert!(
                    pair[1] >= pair[0] - 1e-12,
                    "{step:?}: {:?}",
                    found.consistency
                );
            }
            assert!(found.consistency[found.consistency.len() - 1] > found.consistency[0] + 1e-3);
        }
    }
}

#[test]
fn one_step_is_the_formula() {
    let k = 3;
    let graph = &graphs()[3];
    let n = graph.len();
    let (p, r) = (distributions(1, n, k), symmetric(2, k, 0.0));
    // Well inside the simplex.
    let p: Vec<f64> = p.iter().map(|x| 0.5 * x + 0.5 / k as f64).collect();
    let mut q = vec![0.0; n * k];
    for i in 0..n {
        let (neighbours, weights) = graph.row(i);
        for (&j, w) in neighbours.iter().zip(weights) {
            for a in 0..k {
                for b in 0..k {
                    q[i * k + a] += w * r[a * k + b] * p[j as usize * k + b];
                }
            }
        }
    }
    let run = |step| {
        let relaxation = RelaxationLabeling::new(step).max_iter(1);
        relaxation
            .run(graph, &r, &p, None, &Watch::default())
            .unwrap()
            .distributions
    };
    let (product, gradient) = (run(Step::Product), run(Step::Gradient(Some(1e-3))));
    for i in 0..n {
        let row = |x: &[f64]| x[i * k..(i + 1) * k].to_vec();
        let (p, q) = (row(&p), row(&q));
        let total: f64 = p.iter().zip(&q).map(|(p, q)| p * q).sum();
        let mean = q.iter().sum::<f64>() / k as f64;
        for a in 0..k {
            assert!((row(&product)[a] - p[a] * q[a] / total).abs() < 1e-12);
            // Inside the simplex the projection takes the mean off.
            assert!((row(&gradient)[a] - (p[a] + 1e-3 * (q[a] - mean))).abs() < 1e-12);
        }
    }
}

#[test]
fn a_noisy_picture_is_cleaned_and_seeds_stay() {
    let (rows, columns) = (40, 40);
    let n = rows * columns;
    let truth: Vec<usize> = (0..n)
        .map(|i| usize::from((i % columns) > 15) + usize::from(i / columns > 24))
        .collect();
    let mut rng = Rng::new(1);
    let noisy: Vec<usize> = truth
        .iter()
        .map(|&t| {
            if rng.uniform() < 0.25 {
                rng.below(3)
            } else {
                t
            }
        })
        .collect();
    let p: Vec<f64> = noisy
        .iter()
        .flat_map(|&l| (0..3).map(move |c| if c == l { 0.6 } else { 0.2 }))
        .collect();
    let graph = Graph::grid(&[rows, columns], true).unwrap();
    // A label goes with itself (Potts).
    let r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let wrong = |labels: &[usize]| labels.iter().zip(&truth).filter(|(a, b)| a != b).count();
    let held = |i: usize| {
        if i.is_multiple_of(97) {
            f64::INFINITY
        } else {
            0.0
        }
    };
    let seeds: Vec<f64> = (0..n).map(held).collect();
    for step in [Step::Product, Step::Gradient(None)] {
        let found = RelaxationLabeling::new(step)
            .run(&graph, &r, &p, Some(&seeds), &Watch::default())
            .unwrap();
        let (before, after) = (wrong(&noisy), wrong(&found.labels()));
        assert!(
            after * 5 < before,
            "{step:?}: {before} wrong before, {after} after"
        );
        for i in (0..n).filter(|&i| seeds[i] > 0.0) {
            assert_eq!(found.distributions[i * 3..][..3], p[i * 3..][..3]);
        }
    }
}

#[test]
fn learnt_compatibilities_are_ratios_of_shares() {
    // A line of labels 0 0 1 1: meetings 00, 01, 11, each both ways.
    let graph = Graph::grid(&[1, 4], false).unwrap();
    let labels = [Some(0), Some(0), Some(1), Some(1)];
    let r = compatibilities(&graph, &labels, 2, 0.0).unwrap();
    // P(0, 0) = P(1, 1) = 1/3, P(0, 1) = P(1, 0) = 1/6, P(0) = P(1) = 1/2.
    for (own, want) in r.iter().zip([4.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 4.0 / 3.0]) {
        assert!((own - want).abs() < 1e-12, "{r:?}");
    }
    assert_eq!(
        compatibilities(&graph, &[None; 4], 2, 0.0).unwrap(),
        [1.0; 4]
    );
}

#[test]
fn few_labels_leave_the_belief_that_equal_labels_go_together() {
    let graph = Graph::grid(&[1, 200], false).unwrap();
    let alternating = |count: usize| -> Vec<Option<usize>> {
        (0..200).map(|i| (i < count).then_some(i % 2)).collect()
    };
    let learn = |count: usize, agreement: f64| {
        shrunk_compatibilities(&graph, &alternating(count), 2, 0.0, agreement).unwrap()
    };
    // Nothing seen: Potts. One edge beside a belief worth three: a quarter of the ratios, which are 0 and 2.
    assert_eq!(learn(1, 3.0), [2.0, 0.0, 0.0, 2.0]);
    for (own, want) in learn(2, 3.0).iter().zip([1.5, 0.5, 0.5, 1.5]) {
        assert!((own - want).abs() < 1e-12);
    }
    // Much seen: that neighbours differ.
    assert!(learn(200, 3.0)[1] > 1.9 && learn(200, 3.0)[0] < 0.1);
    assert_eq!(
        learn(50, 0.0),
        compatibilities(&graph, &alternating(50), 2, 0.0).unwrap()
    );
    let e = shrunk_compatibilities(&graph, &alternating(9), 2, 0.0, -1.0).unwrap_err();
    assert!(e.to_string().contains("agreement=-1"));
}

#[test]
fn grids_and_lists_are_as_said() {
    let grid = Graph::grid(&[2, 3], false).unwrap();
    assert_eq!(grid.row(0), (&[1, 3][..], &[1.0, 1.0][..]));
    assert_eq!(grid.row(4).0, [1, 3, 5]);
    assert_eq!(
        Graph::grid(&[2, 3], true).unwrap().row(1).0,
        [0, 2, 3, 4, 5]
    );
    let twice = Graph::edges(3, &[(0, 2, 1.0), (0, 1, 1.0), (0, 2, 0.5)]).unwrap();
    assert_eq!(twice.row(0), (&[1, 2][..], &[1.0, 1.5][..]));
    assert_eq!(twice.symmetric().row(2), (&[0][..], &[0.75][..]));
    let x = [0.0, 0.0, 0.0, 5.0];
    let near = Graph::nearest(Rows::column(&x), 2, None, &Watch::default()).unwrap();
    for i in 0..4 {
        assert_eq!(near.row(i).0.len(), 2);
        assert!(!near.row(i).0.contains(&(i as u32)));
    }
}

/// Label propagation and spreading by plain matrices, as scikit-learn writes them.
fn plain(
    weights: &[f64],
    n: usize,
    known: &[Option<usize>],
    k: usize,
    alpha: Option<f64>,
) -> (Vec<f64>, usize) {
    let mut g = weights.to_vec();
    if alpha.is_none() {
        for row in g.chunks_exact_mut(n) {
            let sum: f64 = row.iter().sum();
            for x in row {
                *x /= sum;
            }
        }
    } else {
        (0..n).for_each(|i| g[i * n + i] = 0.0);
        let degree: Vec<f64> = (0..n)
            .map(|j| (0..n).map(|i| g[i * n + j]).sum::<f64>().sqrt())
            .collect();
        for (at, x) in g.iter_mut().enumerate() {
            let root = |d: f64| if d > 0.0 { d } else { 1.0 };
            *x /= root(degree[at / n]) * root(degree[at % n]);
        }
    }
    let mut f = vec![0.0; n * k];
    for (i, label) in known.iter().enumerate() {
        if let Some(label) = label {
            f[i * k + label] = 1.0;
        }
    }
    let start = f.clone();
    let mut before = vec![0.0; n * k];
    let normalize = |f: &mut Vec<f64>| {
        for row in f.chunks_exact_mut(k) {
            let sum: f64 = row.iter().sum();
            if sum != 0.0 {
                for x in row {
                    *x /= sum;
                }
            }
        }
    };
    let mut rounds = 0;
    let most = if alpha.is_none() { 1000 } else { 30 };
    while rounds < most
        && f.iter()
            .zip(&before)
            .map(|(a, b)| f64::abs(a - b))
            .sum::<f64>()
            >= 1e-3
    {
        let next: Vec<f64> = (0..n * k)
            .map(|at| (0..n).map(|j| g[at / k * n + j] * f[j * k + at % k]).sum())
            .collect();
        before = std::mem::replace(&mut f, next);
        if let Some(alpha) = alpha {
            f.iter_mut()
                .zip(&start)
                .for_each(|(f, s)| *f = alpha * *f + (1.0 - alpha) * s);
        } else {
            normalize(&mut f);
            for i in (0..n).filter(|&i| known[i].is_some()) {
                f[i * k..(i + 1) * k].copy_from_slice(&start[i * k..(i + 1) * k]);
            }
        }
        rounds += 1;
    }
    normalize(&mut f);
    (f, rounds)
}

/// Few samples and many, whose neighbours are found by a tree and numbered by its leaves; few classes and more than a row of registers holds.
#[test]
fn propagation_and_spreading_are_the_plain_iteration() {
    for (n, k) in [(60, 3), (400, 10), (150, 17)] {
        agrees_with_the_plain_iteration(n, k);
    }
}

fn agrees_with_the_plain_iteration(n: usize, k: usize) {
    let d = 2;
    let (x, clusters) = blobs(2, n, d, k, 1.5);
    let known: Vec<Option<usize>> = clusters
        .iter()
        .enumerate()
        .map(|(i, &c)| (i % 10 < 3).then_some(c))
        .collect();
    let rows = Rows::new(&x, n, d).unwrap();
    let square = |i: usize, j: usize| {
        (0..d)
            .map(|c| (x[i * d + c] - x[j * d + c]).powi(2))
            .sum::<f64>()
    };
    let rbf: Vec<f64> = (0..n * n)
        .map(|at| (-0.1 * square(at / n, at % n)).exp())
        .collect();
    let mut nearest = vec![0.0; n * n];
    for i in 0..n {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| square(i, a).total_cmp(&square(i, b)));
        order[..7].iter().for_each(|&j| nearest[i * n + j] = 1.0);
    }
    for (affinity, weights) in [
        (Affinity::Rbf { gamma: 0.1 }, &rbf),
        (Affinity::Nearest { k: 7 }, &nearest),
    ] {
        for alpha in [None, Some(0.2), Some(0.9)] {
            let parameters = match alpha {
                None => LabelPropagation::propagation(affinity.clone()),
                Some(alpha) => LabelPropagation::spreading(affinity.clone(), alpha),
            };
            let fit = parameters.fit(rows, &known, k, &Watch::default()).unwrap();
            let (want, rounds) = plain(weights, n, &known, k, alpha);
            assert_eq!(fit.n_iter(), rounds, "{affinity:?} {alpha:?}");
            for (own, want) in fit.distributions().iter().zip(&want) {
                assert!(
                    (own - want).abs() < 1e-10,
                    "{affinity:?} {alpha:?}: {own} {want}"
                );
            }
            let right = fit
                .labels()
                .iter()
                .zip(&clusters)
                .filter(|(a, b)| a == b)
                .count();
            // More classes crowd each other.
            assert!(k > 3 || right > n / 2, "{right} of {n}");
        }
    }
}

#[test]
fn bad_arguments_are_named() {
    let watch = Watch::default();
    let x = [0.0, 1.0, 2.0];
    let rows = Rows::column(&x);
    let text = |affinity, labels: &[Option<usize>]| {
        let fit = LabelPropagation::propagation(affinity).fit(rows, labels, 2, &watch);
        fit.unwrap_err().to_string()
    };
    assert!(text(Affinity::Rbf { gamma: 0.0 }, &[None; 3]).contains("gamma=0"));
    assert!(text(Affinity::Nearest { k: 4 }, &[None; 3]).contains("n_neighbors=4"));
    assert!(text(Affinity::Nearest { k: 2 }, &[None; 2]).contains("2 entries"));
    assert!(text(Affinity::Nearest { k: 2 }, &[None, Some(2), None]).contains("position 1"));
    let graph = Graph::grid(&[1, 3], false).unwrap();
    let run = |r: &[f64], p: &[f64]| {
        let found = RelaxationLabeling::new(Step::Product).run(&graph, r, p, None, &watch);
        found.unwrap_err().to_string()
    };
    assert!(run(&[1.0], &[0.5; 6]).contains("1 numbers"));
    assert!(run(&[1.0, 0.0, -1.0, 1.0], &[0.5; 6]).contains("-1 in row 1, column 0"));
    assert!(run(&[1.0; 4], &[0.5, 0.5, 0.5, 0.5, 0.5, 0.6]).contains("row 2"));
    assert!(run(&[1.0; 4], &[0.5; 5]).contains("5 numbers"));
    assert!(
        Graph::edges(2, &[(0, 2, 1.0)])
            .unwrap_err()
            .to_string()
            .contains("joins 0 and 2")
    );
    assert!(
        Graph::edges(2, &[(0, 1, -1.0)])
            .unwrap_err()
            .to_string()
            .contains("weight -1")
    );
    assert!(
        Graph::nearest(rows, 3, None, &watch)
            .unwrap_err()
            .to_string()
            .contains("k=3")
    );
}

fn likeliest(p: &[f64], k: usize) -> Vec<usize> {
    let best = |row: &[f64]| (1..k).fold(0, |best, j| if row[j] > row[best] { j } else { best });
    p.chunks_exact(k).map(best).collect()
}

#[test]
fn soft_seeds_draw_and_what_counts_them_never_falls() {
    let k = 3;
    for (seed, graph) in graphs().iter().enumerate() {
        let n = graph.len();
        let p: Vec<f64> = distributions(seed as u64, n, k)
            .iter()
            .enumerate()
            .map(|(at, x)| 0.4 * x + 0.6 * f64::from(u8::from(at % k == at / k % k)))
            .collect();
        let r = symmetric(seed as u64 + 9, k, 0.0);
        let seeds: Vec<f64> = (0..n).map(|i| [0.0, 0.7, 300.0][i % 3]).collect();
        for step in [Step::Product, Step::Gradient(None)] {
            let run = |seeds: Option<&[f64]>, rounds: usize| {
                let relaxation = RelaxationLabeling::new(step).max_iter(rounds);
                relaxation
                    .run(graph, &r, &p, seeds, &Watch::default())
                    .unwrap()
            };
            let found = run(Some(&seeds), 30);
            for pair in found.consistency.windows(2) {
                assert!(
                    pair[1] >= pair[0] - 1e-12,
                    "{step:?}: {:?}",
                    found.consistency
                );
            }
            // One step under the product by the formula, at an object with a seed.
            if step == Step::Product {
                let one = run(Some(&seeds), 1).distributions;
                let (neighbours, weights) = graph.row(1);
                let mut q: Vec<f64> = (0..k).map(|a| 0.7 * p[k + a]).collect();
                for (&j, w) in neighbours.iter().zip(weights) {
                    for a in 0..k {
                        q[a] += (0..k)
                            .map(|b| w * r[a * k + b] * p[j as usize * k + b])
                            .sum::<f64>();
                    }
                }
                let total: f64 = (0..k).map(|a| p[k + a] * q[a]).sum();
                for a in 0..k {
                    assert!((one[k + a] - p[k + a] * q[a] / total).abs() < 1e-12);
                }
            }
            // Strong seeds keep the label they began with, and those without one do not all.
            let (began, held) = (likeliest(&p, k), found.labels());
            assert!((2..n).step_by(3).all(|i| held[i] == began[i]), "{step:?}");
            assert_ne!(run(None, 30).labels(), began, "{step:?}");
            let fast = vec![f64::INFINITY; n];
            assert_eq!(run(Some(&fast), 5).distributions, p);
        }
    }
    let graph = Graph::grid(&[1, 2], false).unwrap();
    for (seeds, words) in [
        (vec![1.0], "1 entries, but there are 2"),
        (vec![0.0, -1.0], "-1 at position 1"),
    ] {
        let run = RelaxationLabeling::new(Step::Product);
        let found = run.run(
            &graph,
            &[1.0; 4],
            &[0.5; 4],
            Some(&seeds),
            &Watch::default(),
        );
        let message = found.unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn local_modes_rest_where_no_label_has_more_support() {
    for (seed, graph) in graphs().iter().enumerate() {
        let n = graph.len();
        let mut rng = Rng::new(seed as u64);
        let labels: Vec<usize> = (0..n).map(|_| rng.below(4)).collect();
        let evidence: Vec<f64> = (0..4 * n).map(|_| rng.uniform()).collect();
        for evidence in [None, Some(&evidence[..])] {
            for order in [None, Some(3)] {
                let modes = LocalModes::new().shuffle(order);
                let found = modes
                    .run(graph, &labels, evidence, &Watch::default())
                    .unwrap();
                assert!(found.settled);
                for pair in found.agreement.windows(2) {
                    assert!(pair[1] >= pair[0] - 1e-12);
                }
                for i in 0..n {
                    let mut support = evidence.map_or([0.0; 4], |e| {
                        [e[4 * i], e[4 * i + 1], e[4 * i + 2], e[4 * i + 3]]
                    });
                    let (neighbours, weights) = graph.row(i);
                    for (&j, w) in neighbours.iter().zip(weights) {
                        support[found.labels[j as usize]] += w;
                    }
                    let most = support.iter().fold(0.0, |a: f64, b| a.max(*b));
                    assert!(
                        support[found.labels[i]] >= most - 1e-12,
                        "object {i} does not rest"
                    );
                }
            }
        }
    }
}

#[test]
fn local_modes_find_the_blobs() {
    let (x, truth) = blobs(4, 180, 2, 3, 0.5);
    let n = truth.len();
    let rows = Rows::new(&x, n, 2).unwrap();
    let graph = Graph::nearest(rows, 12, None, &Watch::default())
        .unwrap()
        .symmetric();
    let own: Vec<usize> = (0..n).collect();
    let found = LocalModes::new()
        .shuffle(Some(1))
        .run(&graph, &own, None, &Watch::default())
        .unwrap();
    let clusters = found.clusters();
    // Whoever shares a cluster shares a blob.
    let mut blob = vec![None; n];
    for (c, t) in clusters.iter().zip(&truth) {
        assert_eq!(*blob[*c].get_or_insert(*t), *t);
    }
    let count = clusters.iter().max().unwrap() + 1;
    assert!((3..=12).contains(&count), "{count} clusters");
    let graph = Graph::grid(&[1, 2], false).unwrap();
    for (labels, evidence, words) in [
        (vec![0], None, "1 entries, but there are 2"),
        (vec![0, 1], Some(vec![0.0; 3]), "no table of 2 objects"),
        (vec![0, 1], Some(vec![0.0, f64::NAN]), "NaN in row 1"),
        (vec![0, 1], Some(vec![0.0; 2]), "1 at position 1"),
    ] {
        let found = LocalModes::new().run(&graph, &labels, evidence.as_deref(), &Watch::default());
        let message = found.unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn graphs_within_a_radius_and_of_volumes() {
    let x = [0.0, 1.0, 1.5, 4.0];
    let Kernel::Atom(atom) = Kernel::gaussian(1.0) else {
        panic!("a Gaussian is one atom")
    };
    let gaussian = Some((atom.profile(), 0.5));
    let near = Graph::within(Rows::column(&x), 1.0, gaussian, &Watch::default()).unwrap();
    assert_eq!(near.row(1).0, [0, 2]);
    assert!((near.row(1).1[1] - (-0.5_f64).exp()).abs() < 1e-12);
    assert!(near.row(3).0.is_empty());
    assert_eq!(near, near.symmetric());
    assert!(Graph::within(Rows::column(&x), 0.0, None, &Watch::default()).is_err());
    let volume = Graph::grid(&[3, 3, 3], false).unwrap();
    assert_eq!(volume.row(13).0, [4, 10, 12, 14, 16, 22]);
    assert_eq!(volume.row(0).0, [1, 3, 9]);
    assert_eq!(Graph::grid(&[3, 3, 3], true).unwrap().row(13).0.len(), 26);
    assert!(Graph::grid(&[], false).is_err() && Graph::grid(&[2, 0], false).is_err());
}
