//! What must hold for lazy learning whatever the data: theory of section 5. Plain double loops say what is expected.

use locality::lazy::{
    Asking, Memory, NearestCentroid, NeighborIndex, NeighborsClassifier, NeighborsRegressor,
    OnNone, Outlier, Reach, Scale, Weights,
};
use locality::{Float, Metric, Profile, Rows, Watch};
use locality_testing::{Rng, line_and_outliers, normal, table};
use proptest::prelude::*;

fn rows<T>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

/// Numbers of which many are the same, so that there are ties.
fn coarse(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n * d).map(|_| rng.below(6) as f64 / 2.0).collect()
}

fn distance(metric: &Metric, a: &[f64], b: &[f64]) -> f64 {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    match metric {
        Metric::Manhattan => apart.sum(),
        Metric::Chebyshev => apart.fold(0.0, f64::max),
        _ => apart.map(|x| x * x).sum::<f64>().sqrt(),
    }
}

/// Neighbours by a full sort: (distance, id), nearest first.
fn sorted(
    metric: &Metric,
    known: &[(usize, Vec<f64>)],
    q: &[f64],
    but: Option<usize>,
) -> Vec<(f64, usize)> {
    let others = known.iter().filter(|(id, _)| Some(*id) != but);
    let mut all: Vec<_> = others
        .map(|(id, x)| (distance(metric, x, q), *id))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all
}

/// Adds and forgets at random; the samples that are left, by id.
fn live(memory: &mut Memory<f64>, rng: &mut Rng, d: usize, steps: usize) -> Vec<(usize, Vec<f64>)> {
    let ids = memory.ids();
    let x = memory.index().samples();
    let mut known: Vec<_> = ids
        .into_iter()
        .zip(x.chunks(d).map(<[f64]>::to_vec))
        .collect();
    for _ in 0..steps {
        if rng.uniform() < 0.5 {
            let most = if rng.uniform() < 0.2 { 700 } else { 40 };
            let m = 1 + rng.below(most);
            let x = coarse(rng.bits(), m, d);
            let y = normal(rng.bits(), m, 2);
            let ids = memory.insert(rows(&x, d), rows(&y, 2)).unwrap();
            known.extend(ids.zip(x.chunks(d).map(<[f64]>::to_vec)));
        } else {
            let share = rng.uniform();
            let gone: Vec<usize> = known
                .iter()
                .map(|k| k.0)
                .filter(|_| rng.uniform() < share)
                .collect();
            memory.forget(&gone).unwrap();
            known.retain(|k| !gone.contains(&k.0));
        }
        assert_eq!(memory.index().len(), known.len());
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever came and went: the same as a fresh fit to what is left, and as a full sort.
    #[test]
    fn a_life_of_adding_and_forgetting_is_a_fresh_fit(seed in 0_u64..1 << 40, n in 1_usize..900, d in 1_usize..4, steps in 1_usize..14) {
        let mut rng = Rng::new(seed);
        let x = coarse(seed, n, d);
        let y = normal(seed + 1, n, 2);
        let metric = [Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev][rng.below(3)].clone();
        let mut memory = Memory::fit(rows(&x, d), rows(&y, 2), &metric).unwrap();
        let known = live(&mut memory, &mut rng, d, steps);
        prop_assert_eq!(memory.ids(), known.iter().map(|k| k.0).collect::<Vec<_>>());
        if known.len() < 2 {
            return Ok(());
        }
        let watch = Watch::default();
        let (x, y) = (memory.index().samples(), memory.targets());
        let fresh = Memory::fit(rows(&x, d), rows(&y, 2), &metric).unwrap();
        let q = coarse(seed + 2, 30, d);
        let asks = [Asking::Queries(rows(&q, d)), Asking::Samples];
        let k = 1 + rng.below((known.len() - 1).min(150));
        for asking in asks {
            for reach in [Reach::Nearest(k), Reach::Within(0.75)] {
                let found = memory.neighbors(asking, reach, &watch).unwrap();
                let mut other = fresh.neighbors(asking, reach, &watch).unwrap();
                for i in &mut other.indices {
                    *i = known[*i].0;
                }
                prop_assert_eq!(&found, &other);
                for weights in [Weights::Uniform, Weights::Distance] {
                    let a = memory.means(asking, reach, &weights, &watch).unwrap();
                    let b = fresh.means(asking, reach, &weights, &watch).unwrap();
                    // NaN is not itself.
                    prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
                }
            }
        }
        let found = memory.index().k_nearest(Asking::Queries(rows(&q, d)), k, &watch).unwrap();
        for (i, q) in q.chunks(d).enumerate() {
            let expected = sorted(&metric, &known, q, None);
            let ids: Vec<_> = expected[..k].iter().map(|e| e.1).collect();
            prop_assert_eq!(&found.indices[i * k..][..k], &ids[..]);
        }
        let found = memory.index().k_nearest(Asking::Samples, k, &watch).unwrap();
        for (i, (id, q)) in known.iter().enumerate().step_by(1 + known.len() / 40) {
            let expected = sorted(&metric, &known, q, Some(*id));
            let ids: Vec<_> = expected[..k].iter().map(|e| e.1).collect();
            prop_assert_eq!(&found.indices[i * k..][..k], &ids[..]);
        }
    }
}

#[test]
fn parts_stay_few_and_rows_of_the_forgotten_go_away() {
    let mut index = NeighborIndex::fit(rows(&normal(1, 100, 2), 2), &Metric::Euclidean).unwrap();
    for i in 0..3000 {
        index.insert(rows(&normal(i, 5, 2), 2)).unwrap();
        let ids = index.ids();
        // A window: the oldest five leave.
        if ids.len() > 2000 {
            index.forget(&ids[..5]).unwrap();
        }
        assert!(index.parts() <= 6, "{} parts after {i}", index.parts());
    }
    assert_eq!(index.len(), 2000);
    assert_eq!(index.ids()[0], 15_100 - 2000);
}

fn regression<T: Float>(tolerance: f64) {
    let (n, d, k) = (400, 3, 7);
    let x = line_and_outliers(3, n, d);
    let y = normal(4, n, 2);
    let q = normal(5, 50, d);
    let known: Vec<_> = x.chunks(d).map(<[f64]>::to_vec).enumerate().collect();
    let convert = |x: &[f64]| x.iter().map(|v| T::from_f64(*v)).collect::<Vec<T>>();
    let (x, narrow) = (convert(&x), convert(&q));
    let tricube = Profile::from_name("tricube", &[]).unwrap();
    let gaussian = Profile::from_name("gaussian", &[]).unwrap();
    for (weights, h) in [
        (Weights::Uniform, 0),
        (Weights::Distance, 1),
        (Weights::Profile(tricube, Scale::Next), 2),
        (Weights::Profile(gaussian, Scale::Farthest), 3),
        (Weights::Profile(gaussian, Scale::Fixed(0.5)), 4),
    ] {
        let model = NeighborsRegressor::new(Reach::Nearest(k)).weights(weights);
        let fit = model.fit(rows(&x, d), rows(&y, 2)).unwrap();
        let found = fit.predict(rows(&narrow, d), &Watch::default()).unwrap();
        assert_eq!(found.empty, [] as [usize; 0]);
        for (i, q) in q.chunks(d).enumerate() {
            let near = sorted(&Metric::Euclidean, &known, q, None);
            let weight = |u: f64| match h {
                0 => 1.0,
                1 => 1.0 / u,
                2 => (1.0 - (u / near[k].0).powi(3)).powi(3),
                3 => (-0.5 * (u / near[k - 1].0).powi(2)).exp(),
                _ => (-0.5 * (u / 0.5).powi(2)).exp(),
            };
            for j in 0..2 {
                let sum: f64 = near[..k].iter().map(|(u, _)| weight(*u)).sum();
                let top: f64 = near[..k]
                    .iter()
                    .map(|(u, id)| weight(*u) * y[id * 2 + j])
                    .sum();
                let got = found.values[i * 2 + j];
                assert!(
                    (got - top / sum).abs() < tolerance,
                    "{weights:?}: {got} and {}",
                    top / sum
                );
            }
        }
    }
}

#[test]
fn regression_is_the_weighted_mean_of_a_plain_loop() {
    regression::<f64>(1e-12);
    regression::<f32>(2e-4);
}

#[test]
fn a_vote_is_a_plain_count_and_ties_go_to_the_smallest_label() {
    let (n, d) = (300, 2);
    let x = coarse(8, n, d);
    let mut rng = Rng::new(9);
    let labels: Vec<i64> = (0..2 * n).map(|_| 10 - 5 * rng.below(4) as i64).collect();
    let known: Vec<_> = x.chunks(d).map(<[f64]>::to_vec).enumerate().collect();
    let q = coarse(10, 60, d);
    let watch = Watch::default();
    let mut ties = 0;
    for k in [1, 4, 6] {
        let fit = NeighborsClassifier::new(Reach::Nearest(k))
            .fit(rows(&x, d), rows(&labels, 2))
            .unwrap();
        assert_eq!(fit.classes(), [[-5, 0, 5, 10], [-5, 0, 5, 10]]);
        let found = fit.predict(rows(&q, d), &watch).unwrap();
        let shares = fit.predict_proba(rows(&q, d), &watch).unwrap();
        for (i, q) in q.chunks(d).enumerate() {
            let near = sorted(&Metric::Euclidean, &known, q, None);
            for j in 0..2 {
                let count = |c: i64| {
                    near[..k]
                        .iter()
                        .filter(|(_, id)| labels[id * 2 + j] == c)
                        .count()
                };
                let counts: Vec<_> = [-5, 0, 5, 10].map(count).to_vec();
                let most = *counts.iter().max().unwrap();
                ties += usize::from(counts.iter().filter(|c| **c == most).count() > 1);
                let first = counts.iter().position(|c| *c == most).unwrap();
                assert_eq!(found[i * 2 + j], [-5, 0, 5, 10][first]);
                let own = &shares.values[i * 8 + j * 4..][..4];
                for (share, count) in own.iter().zip(counts) {
                    assert!((share - count as f64 / k as f64).abs() < 1e-15);
                }
            }
        }
    }
    assert!(ties > 20, "{ties} ties");
}

#[test]
fn labels_that_come_later_take_their_place() {
    let watch = Watch::default();
    let model = NeighborsClassifier::new(Reach::Nearest(1));
    let mut fit = model
        .fit(Rows::column(&[0.0, 1.0]), Rows::column(&[5, 9]))
        .unwrap();
    fit.partial_fit(Rows::column(&[2.0, 3.0]), Rows::column(&[7, 5]))
        .unwrap();
    assert_eq!(fit.classes(), [[5, 7, 9]]);
    let q = [0.1, 0.9, 2.1, 2.9];
    assert_eq!(fit.predict(Rows::column(&q), &watch).unwrap(), [5, 9, 7, 5]);
    fit.forget(&[2]).unwrap();
    assert_eq!(fit.predict(Rows::column(&q), &watch).unwrap(), [5, 9, 5, 5]);
    assert_eq!(fit.predict_samples(&watch).unwrap(), [9, 5, 9]);
}

#[test]
fn queries_without_neighbours_follow_the_policy() {
    let watch = Watch::default();
    let x = [0.0, 1.0, 1.5];
    let q = [0.2, 50.0, 60.0];
    let within = Reach::Within(1.0);
    let model = NeighborsRegressor::new(within);
    let fit = model
        .fit(Rows::column(&x), Rows::column(&[4.0, 6.0, 7.0]))
        .unwrap();
    let found = fit.predict(Rows::column(&q), &watch).unwrap();
    assert_eq!(found.empty, [1, 2]);
    assert_eq!(found.values[0], 5.0);
    assert!(found.values[1..].iter().all(|v| v.is_nan()));
    let fit = model
        .on_none(OnNone::Error)
        .fit(Rows::column(&x), Rows::column(&x))
        .unwrap();
    let e = fit.predict(Rows::column(&q), &watch).unwrap_err();
    assert!(
        e.to_string()
            .starts_with("query 1 (and 1 more) has no neighbour"),
        "{e}"
    );
    let labels = [3, 4, 4];
    let fit = |outlier| {
        let model = NeighborsClassifier::new(within).outlier(outlier);
        model.fit(Rows::column(&x), Rows::column(&labels)).unwrap()
    };
    let predicted = |outlier| fit(outlier).predict(Rows::column(&q), &watch).unwrap();
    let proba = |outlier| {
        fit(outlier)
            .predict_proba(Rows::column(&q), &watch)
            .unwrap()
            .values[2..]
            .to_vec()
    };
    assert_eq!(predicted(Outlier::MostFrequent), [3, 4, 4]);
    assert_eq!(proba(Outlier::MostFrequent), [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(predicted(Outlier::Labels(vec![-1])), [3, -1, -1]);
    assert_eq!(proba(Outlier::Labels(vec![-1])), [0.0; 4]);
    let e = fit(Outlier::Error)
        .predict(Rows::column(&q), &watch)
        .unwrap_err();
    assert!(e.to_string().contains("query 1 (and 1 more)"), "{e}");
}

#[test]
fn weights_of_ones_own_are_the_same_as_those_of_a_rule() {
    let (x, y) = (normal(20, 200, 2), normal(21, 200, 1));
    let memory = Memory::fit(rows(&x, 2), rows(&y, 1), &Metric::Euclidean).unwrap();
    let q = normal(22, 30, 2);
    let (asking, watch) = (Asking::Queries(rows(&q, 2)), Watch::default());
    let found = memory.neighbors(asking, Reach::Nearest(6), &watch).unwrap();
    let weights: Vec<f64> = found.distances.iter().map(|d| 1.0 / d).collect();
    let own = memory
        .means_of(&found.starts, &found.indices, &weights)
        .unwrap();
    let rule = memory
        .means(asking, Reach::Nearest(6), &Weights::Distance, &watch)
        .unwrap();
    assert_eq!(own, rule);
}

#[test]
fn threads_do_not_matter() {
    let x = table(&normal(30, 3000, 3));
    let y = normal(31, 3000, 1);
    let memory = Memory::fit(rows(&x, 3), rows(&y, 1), &Metric::Euclidean).unwrap();
    let means = |threads| {
        let watch = Watch::default().threads(threads);
        memory
            .means(
                Asking::Samples,
                Reach::Nearest(9),
                &Weights::Distance,
                &watch,
            )
            .unwrap()
    };
    assert_eq!(means(1), means(3));
}

#[test]
fn centroids_are_means_or_medians_and_weights_are_repetitions() {
    let x = line_and_outliers(41, 60, 3);
    let labels: Vec<i64> = (0..60).map(|i| [4, 2, 7][i % 3]).collect();
    let mut rng = Rng::new(42);
    let weights: Vec<f64> = (0..60).map(|_| (1 + rng.below(3)) as f64).collect();
    let (mut long, mut long_labels) = (Vec::new(), Vec::new());
    for ((row, label), w) in x.chunks(3).zip(&labels).zip(&weights) {
        for _ in 0..*w as usize {
            long.extend_from_slice(row);
            long_labels.push(*label);
        }
    }
    for metric in [Metric::Euclidean, Metric::Manhattan] {
        let model = NearestCentroid::new()
            .metric(metric.clone())
            .shrink_threshold(0.3);
        let a = model
            .fit_weighted(rows(&x, 3), &labels, Some(&weights))
            .unwrap();
        let b = model.fit(rows(&long, 3), &long_labels).unwrap();
        assert_eq!(a.classes(), [2, 4, 7]);
        for (a, b) in a.centroids().iter().zip(b.centroids()) {
            assert!(
                (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                "{metric:?}: {a} and {b}"
            );
        }
        for (a, b) in a.deviations().iter().zip(b.deviations()) {
            assert!(
                (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                "{metric:?}: {a} and {b}"
            );
        }
    }
}

#[test]
fn mistakes_are_told_in_a_sentence() {
    let x = [0.0, 1.0, 2.0];
    let watch = Watch::default();
    let said = |r: Result<String, locality::Error>| r.unwrap_err().to_string();
    let mut index = NeighborIndex::fit(Rows::column(&x), &Metric::Euclidean).unwrap();
    let debug = |k, asking| index.k_nearest(asking, k, &watch).map(|f| format!("{f:?}"));
    let e = said(debug(4, Asking::Queries(Rows::column(&[1.0]))));
    assert!(
        e.contains("n_neighbors=4") && e.contains("3 samples"),
        "{e}"
    );
    let e = said(debug(3, Asking::Samples));
    assert!(e.contains("2 other samples"), "{e}");
    let e = said(debug(1, Asking::Queries(rows(&[1.0, 2.0], 2))));
    assert!(e.contains("queries has 2 columns"), "{e}");
    let e = said(
        index
            .within(Asking::Samples, -1.0, &watch)
            .map(|f| format!("{f:?}")),
    );
    assert!(e.contains("radius=-1"), "{e}");
    for (ids, what) in [
        (&[5][..], "no sample of id 5"),
        (&[1, 1], "id 1 is to be forgotten twice"),
    ] {
        let e = index.forget(ids).unwrap_err().to_string();
        assert!(e.contains(what), "{e}");
        assert_eq!(index.len(), 3);
    }
    index.forget(&[1]).unwrap();
    let e = index.forget(&[0, 1]).unwrap_err().to_string();
    assert!(e.contains("id 1 has been forgotten"), "{e}");
    let e = index
        .insert(Rows::column(&[f64::NAN]))
        .unwrap_err()
        .to_string();
    assert!(e.contains("NaN in row 0"), "{e}");
    index.forget(&[0, 2]).unwrap();
    assert!(index.is_empty() && index.parts() == 0);
    let e = said(
        index
            .k_nearest(Asking::Queries(Rows::column(&[1.0])), 1, &watch)
            .map(|f| format!("{f:?}")),
    );
    assert!(e.contains("there are 0 samples"), "{e}");
    assert_eq!(index.insert(Rows::column(&[7.0])).unwrap(), 3..4);
    let e = NeighborIndex::fit(Rows::column(&x), &Metric::Dot)
        .unwrap_err()
        .to_string();
    assert!(e.contains("metric=dot is no distance"), "{e}");
    let e = NearestCentroid::new()
        .fit(Rows::column(&x), &[1, 1, 1])
        .unwrap_err()
        .to_string();
    assert!(e.contains("one class only, 1"), "{e}");
}
