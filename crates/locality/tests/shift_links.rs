//! Quick shift, medoid shift and persistence against their definitions, written as plain loops.

use std::collections::BTreeSet;

use locality::shift::{MeanShift, MedoidShift, Merging, QuickShift, Tomato, mode_tree};
use locality::{ErrorKind, Kernel, Metric, Rows, Watch};
use locality_testing::{Rng, blobs, line_and_outliers, normal};
use proptest::prelude::*;

fn rows<T>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn watch() -> Watch<'static> {
    Watch::default()
}

/// Smooth numbers, numbers with many ties, or unpleasant ones.
fn samples(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    match seed % 3 {
        0 => (0..n * d).map(|_| rng.below(5) as f64).collect(),
        1 => normal(seed, n, d),
        _ => line_and_outliers(seed, n, d),
    }
}

fn distance(x: &[f64], d: usize, i: usize, j: usize) -> f64 {
    let pairs = x[i * d..][..d].iter().zip(&x[j * d..][..d]);
    pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Whether `i` is denser than `j`; of equals, the first.
fn denser(density: &[f64], i: usize, j: usize) -> bool {
    density[i] > density[j] || (density[i] == density[j] && i < j)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn quick_shift_links_to_the_nearest_denser_sample(seed in 0_u64..1 << 40, n in 1_usize..400, d in 1_usize..4) {
        let x = samples(seed, n, d);
        let fit = QuickShift::new().bandwidth(0.8).fit(rows(&x, d), &watch()).unwrap();
        let density = fit.log_density();
        for i in 0..n {
            let before = (0..n).filter(|&j| denser(density, j, i));
            let nearest = before.clone().map(|j| distance(&x, d, i, j)).fold(f64::INFINITY, f64::min);
            let (parent, length) = (fit.parents()[i], fit.link_lengths()[i]);
            if nearest == f64::INFINITY {
                prop_assert_eq!(parent, i);
                prop_assert_eq!(length, f64::INFINITY);
            } else {
                prop_assert!(denser(density, parent, i));
                prop_assert!((distance(&x, d, i, parent) - nearest).abs() <= 1e-12 * nearest.max(1.0));
                prop_assert!((length - nearest).abs() <= 1e-12 * nearest.max(1.0));
                // Of the samples at that very place, the densest.
                let same = before.filter(|&j| x[j * d..][..d] == x[parent * d..][..d]);
                prop_assert!(same.clone().all(|j| j == parent || denser(density, parent, j)));
            }
        }
    }

    #[test]
    fn cutting_is_a_forest_of_short_links(seed in 0_u64..1 << 40, n in 2_usize..300) {
        let x = samples(seed, n, 2);
        let fit = QuickShift::new().bandwidth(0.8).fit(rows(&x, 2), &watch()).unwrap();
        let mut before = usize::MAX;
        for max_dist in [0.0, 0.1, 0.8, 2.0, 1e9] {
            let cut = fit.cut(max_dist).unwrap();
            let labels = cut.labels();
            for i in 0..n {
                let (parent, length) = (fit.parents()[i], fit.link_lengths()[i]);
                if length <= max_dist {
                    prop_assert_eq!(labels[i], labels[parent]);
                } else {
                    prop_assert_eq!(cut.center_indices()[labels[i] as usize], i);
                }
            }
            prop_assert!(cut.n_clusters() <= before);
            before = cut.n_clusters();
            prop_assert_eq!(cut.predict(rows(&x, 2), &watch()).unwrap(), labels);
        }
        prop_assert_eq!(before, 1);
    }

    #[test]
    fn a_medoid_step_has_the_least_weighted_sum_of_squares(seed in 0_u64..1 << 40, n in 1_usize..150, gauss in proptest::bool::ANY) {
        let x = normal(seed, n, 2);
        let h = 0.7;
        let kernel: Kernel = if gauss { "gaussian" } else { "flat" }.parse().unwrap();
        let fit = MedoidShift::new().kernel(kernel).bandwidth(h).fit(rows(&x, 2), &watch()).unwrap();
        let weight = |r: f64| if gauss { (-0.5 * r * r / (h * h)).exp() } else { f64::from(u8::from(r <= h)) };
        for i in 0..n {
            let cost = |y: usize| (0..n).map(|j| weight(distance(&x, 2, i, j)) * distance(&x, 2, j, y).powi(2)).sum::<f64>();
            let least = (0..n).map(cost).fold(f64::INFINITY, f64::min);
            prop_assert!(cost(fit.parents()[i]) <= least * (1.0 + 1e-9) + 1e-12);
        }
        // Medoids stay, and are where every way ends.
        for (&m, label) in fit.clusters().center_indices().iter().zip(0..) {
            prop_assert_eq!(fit.parents()[m], m);
            prop_assert_eq!(fit.clusters().labels()[m], label);
        }
        for i in 0..n {
            prop_assert_eq!(fit.clusters().labels()[i], fit.clusters().labels()[fit.parents()[i]]);
        }
    }

    #[test]
    fn merging_by_persistence_is_tomato(seed in 0_u64..1 << 40, n in 2_usize..200, k in 1_usize..9, tau in 0.0_f64..2.0) {
        let mut rng = Rng::new(seed);
        let x = normal(seed, n, 2);
        let f: Vec<f64> = (0..n).map(|_| if seed % 2 == 0 { rng.below(9) as f64 / 3.0 } else { 2.0 * rng.normal() }).collect();
        let tree = mode_tree(rows(&x, 2), &f, k, &Metric::Euclidean, &watch()).unwrap();
        let (labels, modes) = tree.cut(Merging::Below(tau)).unwrap();
        let (roots, lives) = tomato(&x, &f, k, tau);
        let same: Vec<usize> = labels.iter().map(|&l| modes[l as usize]).collect();
        prop_assert_eq!(same, roots);
        let mut found: Vec<(f64, f64)> = tree.diagram().iter().map(|l| (l.birth, l.death)).collect();
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        prop_assert_eq!(found, lives);
    }

    #[test]
    fn as_many_clusters_as_asked_for(seed in 0_u64..1 << 40, n in 20_usize..200) {
        let x = normal(seed, n, 2);
        let fit = Tomato::new().bandwidth(0.2).fit(rows(&x, 2), &watch()).unwrap();
        let connected = fit.tree().diagram().iter().filter(|l| l.death == f64::NEG_INFINITY).count();
        for k in 1..=fit.tree().n_modes() + 2 {
            let found = fit.cut(Merging::Clusters(k)).unwrap().n_clusters();
            prop_assert_eq!(found, k.clamp(connected, fit.tree().n_modes()));
        }
    }
}

/// `ToMATo` vertex by vertex, as in the paper: the mode of each sample, and the sorted diagram.
fn tomato(x: &[f64], f: &[f64], k: usize, tau: f64) -> (Vec<usize>, Vec<(f64, f64)>) {
    let n = f.len();
    let mut near: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); n];
    for i in 0..n {
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| distance(x, 2, i, a).total_cmp(&distance(x, 2, i, b)));
        for &j in others.iter().take(k) {
            near[i].insert(j);
            near[j].insert(i);
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| f[b].total_cmp(&f[a]).then(a.cmp(&b)));
    let run = |tau: f64, lives: &mut Vec<(f64, f64)>| {
        let mut root: Vec<usize> = (0..n).collect();
        for &i in &order {
            let mut higher: Vec<usize> = near[i]
                .iter()
                .copied()
                .filter(|&j| denser(f, j, i))
                .collect();
            higher.sort_by(|&a, &b| f[b].total_cmp(&f[a]).then(a.cmp(&b)));
            let Some(&best) = higher.first() else {
                continue;
            };
            root[i] = root[best];
            // Others may have been merged meanwhile.
            for &j in &higher {
                let (a, b) = (root[i], root[j]);
                if a == b {
                    continue;
                }
                let (elder, younger) = if denser(f, a, b) { (a, b) } else { (b, a) };
                if f[younger] - f[i] < tau {
                    lives.push((f[younger], f[i]));
                    root.iter_mut()
                        .filter(|r| **r == younger)
                        .for_each(|r| *r = elder);
                }
            }
        }
        root
    };
    let roots = run(tau, &mut Vec::new());
    let mut lives = Vec::new();
    let last = run(f64::INFINITY, &mut lives);
    let lasting: BTreeSet<usize> = last.into_iter().collect();
    lives.extend(lasting.into_iter().map(|m| (f[m], f64::NEG_INFINITY)));
    lives.sort_by(|a, b| a.partial_cmp(b).unwrap());
    (roots, lives)
}

#[test]
fn blobs_are_found_and_noise_in_the_density_is_merged() {
    let (x, truth) = blobs(169, 1500, 2, 5, 0.7);
    let same = |labels: &[i64]| {
        let pairs: BTreeSet<(i64, usize)> =
            labels.iter().copied().zip(truth.iter().copied()).collect();
        pairs.len()
    };
    let fit = Tomato::new().fit(rows(&x, 2), &watch()).unwrap();
    assert_eq!(fit.clusters().n_clusters(), 5, "{:?}", fit.tree().diagram());
    assert_eq!(same(fit.clusters().labels()), 5);
    // A bandwidth far too small: as many modes as you like, and the gap finds the five all the same.
    let rough = Tomato::new()
        .bandwidth(0.15)
        .fit(rows(&x, 2), &watch())
        .unwrap();
    let lasting = (rough.tree().diagram().iter()).filter(|l| l.death == f64::NEG_INFINITY);
    let parts = lasting.count().max(5);
    assert!(rough.tree().n_modes() > 20, "{}", rough.tree().n_modes());
    assert_eq!(rough.cut(Merging::Clusters(5)).unwrap().n_clusters(), parts);
    for merging in [Merging::Auto, Merging::Below(1.5)] {
        let quick = QuickShift::new()
            .kernel("gaussian".parse().unwrap())
            .bandwidth(0.3)
            .merging(merging)
            .fit(rows(&x, 2), &watch())
            .unwrap();
        assert!(quick.tree().n_modes() > 5, "{}", quick.tree().n_modes());
        let medoid = MedoidShift::new()
            .kernel("gaussian".parse().unwrap())
            .bandwidth(0.5)
            .merging(merging)
            .fit(rows(&x, 2), &watch())
            .unwrap();
        assert!(medoid.tree().n_modes() > 5, "{}", medoid.tree().n_modes());
        for (found, h) in [(quick.clusters(), 0.3), (medoid.clusters(), 0.5)] {
            let labels = found.labels();
            let own = |i: usize| labels.iter().filter(|l| **l == labels[i]).count();
            let (lone, many): (Vec<usize>, Vec<usize>) =
                (0..labels.len()).partition(|i| own(*i) == 1);
            let kept: Vec<i64> = many.iter().map(|i| labels[*i]).collect();
            let blobs: BTreeSet<(i64, usize)> = kept
                .iter()
                .copied()
                .zip(many.iter().map(|i| truth[*i]))
                .collect();
            assert_eq!(blobs.len(), 5, "{merging:?}");
            assert!(lone.is_empty() || merging == Merging::Below(1.5));
            // Alone stays only what rises by as much above every straight way to another sample.
            for i in lone {
                for j in (0..labels.len()).filter(|j| *j != i) {
                    assert!(rise(&x, h, i, j) >= 1.5, "{i} {j}: {}", rise(&x, h, i, j));
                }
            }
        }
    }
}

/// By how much a sample's log density is above the least on the straight way to another.
fn rise(x: &[f64], h: f64, i: usize, j: usize) -> f64 {
    let log = |t: f64| {
        let at = |c: usize| (1.0 - t) * x[2 * i + c] + t * x[2 * j + c];
        let (a, b) = (at(0), at(1));
        let terms = x
            .chunks_exact(2)
            .map(|r| -((r[0] - a).powi(2) + (r[1] - b).powi(2)) / (2.0 * h * h));
        terms.map(f64::exp).sum::<f64>().ln()
    };
    let least = (0..=60)
        .map(|s| log(f64::from(s) / 60.0))
        .fold(f64::INFINITY, f64::min);
    log(0.0) - least
}

#[test]
fn the_gap_leaves_one_blob_whole() {
    for seed in 0..10 {
        let x = normal(seed, 800, 2);
        let fit = Tomato::new().fit(rows(&x, 2), &watch()).unwrap();
        assert_eq!(fit.clusters().n_clusters(), 1, "seed {seed}");
    }
}

#[test]
fn a_weight_counts_as_so_many_samples() {
    let x = normal(2, 120, 2);
    let twice: Vec<f64> = x
        .chunks(2)
        .enumerate()
        .flat_map(|(i, p)| p.repeat(1 + i % 2))
        .collect();
    let weights: Vec<f64> = (0..120).map(|i| f64::from(1 + i % 2)).collect();
    let quick = QuickShift::new().bandwidth(0.6);
    let heavy = quick.fit_weighted(rows(&x, 2), &weights, &watch()).unwrap();
    let many = quick.fit(rows(&twice, 2), &watch()).unwrap();
    let each = |labels: &[i64]| -> Vec<i64> {
        let mut at = 0;
        (0..120)
            .map(|i| {
                let l = labels[at];
                at += 1 + i % 2;
                l
            })
            .collect()
    };
    assert_eq!(each(many.clusters().labels()), heavy.clusters().labels());
    let medoid = MedoidShift::new().bandwidth(0.6);
    let heavy = medoid
        .fit_weighted(rows(&x, 2), &weights, &watch())
        .unwrap();
    let many = medoid.fit(rows(&twice, 2), &watch()).unwrap();
    let places = |f: &[f64]| f.iter().map(|x| x.to_bits()).collect::<BTreeSet<_>>();
    assert_eq!(
        places(&heavy.clusters().cluster_centers().to_vec()),
        places(&many.clusters().cluster_centers().to_vec())
    );
    assert_eq!(each(many.clusters().labels()), heavy.clusters().labels());
}

/// Samples at one place are one medoid, however many they are.
#[test]
fn samples_at_one_place_share_a_medoid() {
    let x = [0.0, 0.0, 5.0, 5.0, -0.0, 0.0, 5.0, 5.0, 0.0, 0.0];
    for metric in [Metric::Euclidean, Metric::Cosine, Metric::Manhattan] {
        for kernel in ["uniform", "gaussian", "epanechnikov"] {
            let medoid = MedoidShift::new().kernel(kernel.parse().unwrap());
            let medoid = medoid.bandwidth(0.4).metric(metric.clone());
            let fit = medoid.fit(rows(&x, 2), &watch()).unwrap();
            assert_eq!(fit.clusters().labels(), [0, 1, 0, 1, 0], "{kernel}");
            assert_eq!(fit.parents(), [0, 1, 0, 1, 0], "{kernel}");
        }
    }
    // Binary columns: most samples are copies.
    let binary: Vec<f64> = normal(4, 200, 2)
        .iter()
        .map(|x| f64::from(u8::from(*x > 0.0)))
        .collect();
    let medoid = MedoidShift::new().bandwidth(0.5);
    let fit = medoid.fit(rows(&binary, 2), &watch()).unwrap();
    assert_eq!(fit.clusters().n_clusters(), 4);
}

#[test]
fn weights_have_to_be_some() {
    let x = normal(1, 20, 2);
    for weights in [vec![0.0; 20], vec![-1.0; 20], vec![1.0; 19], vec![0.5; 21]] {
        let (x, watch) = (rows(&x, 2), watch());
        assert!(Tomato::new().fit_weighted(x, &weights, &watch).is_err());
        let shift = MeanShift::new().bandwidth(1.0);
        for shift in [shift.clone(), shift.blurring(true), MeanShift::new()] {
            assert!(shift.fit_weighted(x, &weights, &watch).is_err());
        }
        let quick = QuickShift::new().bandwidth(1.0);
        assert!(quick.fit_weighted(x, &weights, &watch).is_err());
        let medoid = MedoidShift::new().bandwidth(1.0);
        assert!(medoid.fit_weighted(x, &weights, &watch).is_err());
    }
}

/// What has no weight changes no cluster, and has a label of those that have.
#[test]
fn samples_without_weight_make_no_cluster() {
    let mut x = normal(7, 160, 2);
    // Some far from all others.
    for (i, place) in x
        .chunks_exact_mut(2)
        .enumerate()
        .filter(|(i, _)| i % 20 == 3)
    {
        place[0] += 30.0 + i as f64;
    }
    let weights: Vec<f64> = (0..160).map(|i| f64::from(u8::from(i % 4 != 3))).collect();
    let kept: Vec<usize> = (0..160).filter(|i| i % 4 != 3).collect();
    let few: Vec<f64> = kept
        .iter()
        .flat_map(|&i| x[2 * i..][..2].to_vec())
        .collect();
    let check = |name: &str, all: &[i64], few: &[i64]| {
        let own: Vec<i64> = kept.iter().map(|&i| all[i]).collect();
        assert_eq!(own, few, "{name}");
        let known: BTreeSet<i64> = few.iter().copied().collect();
        assert!(all.iter().all(|l| known.contains(l)), "{name}");
    };
    let (all, few) = (rows(&x, 2), rows(&few, 2));
    let quick = QuickShift::new().bandwidth(0.4);
    let heavy = quick.fit_weighted(all, &weights, &watch()).unwrap();
    let light = quick.fit(few, &watch()).unwrap();
    check(
        "quick",
        heavy.clusters().labels(),
        light.clusters().labels(),
    );
    let (a, b) = (heavy.cut(0.2).unwrap(), light.cut(0.2).unwrap());
    check("quick, cut", a.labels(), b.labels());
    for metric in [Metric::Euclidean, Metric::Manhattan] {
        let medoid = MedoidShift::new().bandwidth(0.4).metric(metric);
        for kernel in ["gaussian", "epanechnikov"] {
            let medoid = medoid.clone().kernel(kernel.parse().unwrap());
            let heavy = medoid.fit_weighted(all, &weights, &watch()).unwrap();
            let light = medoid.fit(few, &watch()).unwrap();
            check(kernel, heavy.clusters().labels(), light.clusters().labels());
        }
    }
    let blurring = MeanShift::new().bandwidth(0.4).blurring(true);
    let heavy = blurring.fit_weighted(all, &weights, &watch()).unwrap();
    let light = blurring.fit(few, &watch()).unwrap();
    check("blurring", heavy.labels(), light.labels());
    let tomato = Tomato::new().fit_weighted(all, &weights, &watch()).unwrap();
    assert_eq!(
        tomato.bandwidth(),
        Tomato::new().fit(few, &watch()).unwrap().bandwidth()
    );
}

#[test]
fn threads_and_number_types() {
    let (x, _) = blobs(9, 5000, 3, 7, 1.0);
    let run = |threads| {
        let watch = Watch::default().threads(threads);
        let quick = QuickShift::new()
            .bandwidth(1.2)
            .merging(Merging::Auto)
            .fit(rows(&x, 3), &watch)
            .unwrap();
        let medoid = MedoidShift::new()
            .bandwidth(1.2)
            .fit(rows(&x, 3), &watch)
            .unwrap();
        let tomato = Tomato::new().fit(rows(&x, 3), &watch).unwrap();
        (
            quick.clusters().labels().to_vec(),
            quick.parents().to_vec(),
            medoid.clusters().labels().to_vec(),
            tomato.clusters().labels().to_vec(),
        )
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
    let narrow: Vec<f32> = x.iter().map(|&v| v as f32).collect();
    let found = Tomato::new().fit(rows(&narrow, 3), &watch()).unwrap();
    assert_eq!(found.clusters().labels(), one.3);
}

#[test]
fn mistakes_are_one_sentence() {
    let x = [0.0, 1.0, 2.0];
    let at = Rows::column(&x);
    let w = watch();
    let messages = [
        QuickShift::new().bandwidth(-1.0).fit(at, &w).unwrap_err(),
        QuickShift::new()
            .bandwidth(1.0)
            .max_dist(f64::NAN)
            .fit(at, &w)
            .unwrap_err(),
        QuickShift::new()
            .bandwidth(1.0)
            .n_neighbors(0)
            .fit(at, &w)
            .unwrap_err(),
        QuickShift::new()
            .bandwidth(1.0)
            .merging(Merging::Below(-1.0))
            .fit(at, &w)
            .unwrap_err(),
        QuickShift::new()
            .bandwidth(1.0)
            .merging(Merging::Clusters(0))
            .fit(at, &w)
            .unwrap_err(),
        MedoidShift::new()
            .kernel("softmax".parse().unwrap())
            .bandwidth(1.0)
            .fit(at, &w)
            .unwrap_err(),
        MedoidShift::new()
            .fit(Rows::column(&[f64::NAN]), &w)
            .unwrap_err(),
        Tomato::new().fit(Rows::column(&[1.0; 9]), &w).unwrap_err(),
        mode_tree(at, &[1.0], 2, &Metric::Euclidean, &w).unwrap_err(),
    ];
    let words = [
        "bandwidth=-1",
        "max_dist=NaN",
        "n_neighbors=0",
        "min_persistence=-1",
        "n_clusters=0",
        "softmax",
        "samples has NaN",
        "bandwidth of 9 samples is 0",
        "log_density has 1",
    ];
    for (e, word) in messages.iter().zip(words) {
        assert!(e.to_string().contains(word), "{e}");
    }
    let stop = std::sync::atomic::AtomicBool::new(true);
    let e = Tomato::new()
        .fit(at, &Watch::default().cancel(&stop))
        .unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    // One sample, and samples all alike, are one cluster.
    let one = Tomato::new()
        .bandwidth(1.0)
        .fit(Rows::column(&[4.0]), &w)
        .unwrap();
    assert_eq!(one.clusters().labels(), [0]);
    let alike = QuickShift::new()
        .bandwidth(1.0)
        .merging(Merging::Auto)
        .fit(Rows::column(&[4.0; 300]), &w)
        .unwrap();
    assert_eq!(alike.clusters().n_clusters(), 1);
}
