//! The laws of mean shift (theory of section 6) as properties of any data, and medoid shift under any metric by its definition.

use locality::shift::{MeanShift, MedoidShift, shadow};
use locality::{Kernel, LinearMap, LocalMean, Metric, OnEmpty, Rows, Watch};
use locality_testing::{Rng, line_and_outliers, normal};
use proptest::prelude::*;

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn watch() -> Watch<'static> {
    Watch::default()
}

/// Smooth numbers, numbers with many ties, or unpleasant ones.
fn samples(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    match seed % 3 {
        0 => (0..n * d).map(|_| rng.below(4) as f64 / 2.0).collect(),
        1 => normal(seed, n, d),
        _ => line_and_outliers(seed, n, d),
    }
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// scikit-learn's algorithm as it is told: centres, densest first, and labels.
fn plain_mean_shift(x: &[f64], d: usize, h: f64) -> (Vec<Vec<f64>>, Vec<i64>) {
    let within = |at: &[f64]| -> Vec<&[f64]> {
        let near = x.chunks(d).filter(|p| squared(p, at).sqrt() <= h);
        near.collect()
    };
    let mut ends: Vec<(usize, Vec<f64>)> = Vec::new();
    for start in x.chunks(d) {
        let mut at = start.to_vec();
        for completed in 0.. {
            let near = within(&at);
            let mean: Vec<f64> = (0..d)
                .map(|c| near.iter().map(|p| p[c]).sum::<f64>() / near.len() as f64)
                .collect();
            let step = squared(&mean, &at).sqrt();
            at = mean;
            if step <= 1e-3 * h || completed == 300 {
                ends.push((near.len(), at));
                break;
            }
        }
    }
    ends.sort_by(|a, b| b.partial_cmp(a).unwrap());
    let mut centers: Vec<Vec<f64>> = Vec::new();
    for (_, end) in ends {
        if centers.iter().all(|c| squared(c, &end).sqrt() > h) {
            centers.push(end);
        }
    }
    let nearest = |p: &[f64]| {
        let far = |c: &Vec<f64>| squared(c, p);
        let order =
            (0..centers.len()).min_by(|&a, &b| far(&centers[a]).total_cmp(&far(&centers[b])));
        order.unwrap() as i64
    };
    let labels = x.chunks(d).map(nearest).collect();
    (centers, labels)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn density_never_falls_along_gaussian_ways(
        seed in 0_u64..1 << 40, n in 2_usize..200, d in 1_usize..5, h in 0.1_f64..2.0, weighted in any::<bool>(),
    ) {
        let x = samples(seed, n, d);
        let weights: Vec<f64> = (0..n).map(|i| if weighted { 1.0 + (i % 3) as f64 } else { 1.0 }).collect();
        let shift = MeanShift::new().kernel("gaussian".parse().unwrap()).bandwidth(h).max_iter(0);
        let model = shift.fit_weighted(rows(&x, d), &weights, &watch()).unwrap();
        let mut at: Vec<f64> = x.iter().zip(normal(seed + 1, n, d)).map(|(x, e)| x + 0.5 * h * e).collect();
        let mut before = vec![f64::NEG_INFINITY; n];
        for _ in 0..30 {
            let step = model.step(rows(&at, d), &watch()).unwrap();
            for (new, old) in step.log_normalizer.iter().zip(&before) {
                prop_assert!(*new >= *old - 1e-12 * (1.0 + old.abs()), "{new} after {old}");
            }
            before = step.log_normalizer;
            at = step.means;
        }
    }

    /// `m(x) - x` is the gradient of the shadow's density over the sum of weights, times one positive number for all places.
    #[test]
    fn the_shift_is_in_proportion_to_the_gradient(
        seed in 0_u64..1 << 40, d in 1_usize..4, h in 0.5_f64..1.5,
        name in prop::sample::select(vec![
            "gaussian", "uniform", "epanechnikov", "biweight", "laplace", "matern32", "student_t(nu=5)", "rational_quadratic(alpha=2)",
        ]),
    ) {
        let x = normal(seed, 150, d);
        let text = match name.strip_suffix(')') {
            Some(open) => format!("{open}, h={h})"),
            None => format!("{name}(h={h})"),
        };
        let kernel: Kernel = text.parse().unwrap();
        let sums = |kernel: &Kernel, at: &[f64]| {
            let mean = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan);
            let fit = mean.fit(rows(&x, d), rows(&x, d)).unwrap();
            let out = fit.at(rows(at, d), &watch()).unwrap();
            let sums: Vec<f64> = out.log_normalizer.iter().map(|l| l.exp()).collect();
            (out.means, sums)
        };
        let places = normal(seed + 7, 30, d);
        let (means, weights) = sums(&kernel, &places);
        let climbed = shadow(&kernel).unwrap();
        let e = 1e-5;
        // No sample comes into the window, or leaves it, on the way.
        let smooth = |i: usize| {
            x.chunks(d).all(|p| (squared(p, &places[i * d..][..d]).sqrt() / h - 1.0).abs() > 1e-4)
        };
        let (mut pushes, mut slopes) = (Vec::new(), Vec::new());
        for c in 0..d {
            let moved = |by: f64| -> Vec<f64> {
                places.iter().enumerate().map(|(i, p)| p + if i % d == c { by } else { 0.0 }).collect()
            };
            let (above, below) = (sums(&climbed, &moved(e)).1, sums(&climbed, &moved(-e)).1);
            for i in (0..30).filter(|i| weights[*i] > 0.0 && smooth(*i)) {
                pushes.push((means[i * d + c] - places[i * d + c]) * weights[i]);
                slopes.push((above[i] - below[i]) / (2.0 * e));
            }
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let factor = dot(&pushes, &slopes) / dot(&slopes, &slopes);
        prop_assert!(factor > 0.0, "{factor}");
        let largest = pushes.iter().fold(0.0, |a: f64, p| a.max(p.abs()));
        for (push, slope) in pushes.iter().zip(&slopes) {
            prop_assert!((push - factor * slope).abs() < 2e-4 * largest, "{text}: {push} {}", factor * slope);
        }
    }

    #[test]
    fn flat_labels_and_centres_are_those_of_the_plain_algorithm(
        seed in 0_u64..1 << 40, n in 1_usize..150, d in 1_usize..4, h in 0.2_f64..2.5,
    ) {
        let x = normal(seed, n, d);
        let (centers, labels) = plain_mean_shift(&x, d, h);
        let found = MeanShift::new().bandwidth(h).fit(rows(&x, d), &watch()).unwrap();
        prop_assert_eq!(found.labels(), &labels[..]);
        prop_assert_eq!(found.n_clusters(), centers.len());
        for (a, b) in found.cluster_centers().iter().zip(&centers) {
            prop_assert!(squared(a, b).sqrt() < 1e-9 * h, "{a:?} {b:?}");
        }
        prop_assert_eq!(found.predict(rows(&x, d), &watch()).unwrap(), labels);
    }

    /// Where a sample flows to is where its first step flows to, and merged modes are one cluster.
    #[test]
    fn flows_go_on_from_every_step(seed in 0_u64..1 << 40, n in 5_usize..120, h in 0.3_f64..1.5) {
        let x = normal(seed, n, 2);
        // Points rest where they do not move at all: shorter steps may be followed by longer ones.
        let shift = MeanShift::new().bandwidth(h).stop(0.0);
        let found = shift.fit(rows(&x, 2), &watch()).unwrap();
        prop_assert_eq!(found.flows(), found.flow(rows(&x, 2), &watch()).unwrap());
        let step = found.step(rows(&x, 2), &watch()).unwrap().means;
        prop_assert_eq!(found.flows(), found.flow(rows(&step, 2), &watch()).unwrap());
        let of = |modes: &[i64], clusters: &[i64]| -> Vec<i64> {
            modes.iter().map(|&m| clusters[m as usize]).collect()
        };
        prop_assert_eq!(found.basins(), of(found.flows(), found.mode_clusters()));
    }

    #[test]
    fn a_medoid_step_has_the_least_sum_under_any_metric(
        seed in 0_u64..1 << 40, n in 1_usize..70, which in 0_usize..7, gauss in any::<bool>(), own in any::<bool>(),
    ) {
        let mut rng = Rng::new(seed);
        let names = ["manhattan", "chebyshev", "hamming", "haversine", "cosine", "mahalanobis", "euclidean"];
        let (name, d) = (names[which], if which == 3 { 2 } else { 3 });
        let x: Vec<f64> = if which == 2 {
            (0..n * d).map(|_| rng.below(3) as f64).collect()
        } else {
            normal(seed, n, d).iter().map(|x| if which == 3 { 0.4 * x } else { *x }).collect()
        };
        let map = vec![vec![1.0, 0.5, 0.0], vec![0.0, 2.0, -0.3]];
        let metric = match name {
            "mahalanobis" => Metric::Mahalanobis(LinearMap::new(map.clone()).unwrap()),
            name => Metric::from_name(name, None).unwrap(),
        };
        let apart = |i: usize, j: usize| -> f64 {
            let (a, b) = (&x[i * d..][..d], &x[j * d..][..d]);
            let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            match name {
                "manhattan" => off.sum(),
                "chebyshev" => off.fold(0.0, f64::max),
                "hamming" => off.filter(|o| *o > 0.0).count() as f64,
                "haversine" => {
                    let unit = |p: &[f64]| [p[0].cos() * p[1].cos(), p[0].cos() * p[1].sin(), p[0].sin()];
                    2.0 * (squared(&unit(a), &unit(b)).sqrt() / 2.0).min(1.0).asin()
                }
                // Its square is in the sum.
                "cosine" => (1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).max(0.0).sqrt(),
                "mahalanobis" => {
                    let mapped = |p: &[f64]| -> Vec<f64> { map.iter().map(|r| dot(r, p)).collect() };
                    squared(&mapped(a), &mapped(b)).sqrt()
                }
                _ => squared(a, b).sqrt(),
            }
        };
        // The kernel by Euclidean distances, or by the same metric's.
        let h = if which == 2 { 1.5 } else { 0.9 };
        let same = own && !matches!(name, "mahalanobis" | "cosine" | "euclidean");
        let profile = if gauss { "gaussian" } else { "uniform" };
        let text = match same {
            // A kernel without a metric follows.
            true if seed % 2 == 0 => format!("{profile}(h={h})"),
            true => format!("{profile}(h={h}, metric={name})"),
            false => format!("{profile}(h={h}, metric=euclidean)"),
        };
        let weights: Vec<f64> = (0..n).map(|i| 1.0 + (i % 2) as f64).collect();
        let weight = |i: usize, j: usize| {
            let r = if same { apart(i, j) } else { squared(&x[i * d..][..d], &x[j * d..][..d]).sqrt() };
            weights[j] * if gauss { (-0.5 * (r / h).powi(2)).exp() } else { f64::from(u8::from(r <= h)) }
        };
        let shift = MedoidShift::new().kernel(text.parse().unwrap()).metric(metric);
        let fit = shift.fit_weighted(rows(&x, d), &weights, &watch()).unwrap();
        for i in 0..n {
            let cost = |y: usize| (0..n).map(|j| weight(i, j) * apart(j, y).powi(2)).sum::<f64>();
            let least = (0..n).map(cost).fold(f64::INFINITY, f64::min);
            let found = cost(fit.parents()[i]);
            prop_assert!(found <= least * (1.0 + 1e-7) + 1e-9, "{text} under {name}: {found} {least}");
        }
        for i in 0..n {
            prop_assert_eq!(fit.clusters().labels()[i], fit.clusters().labels()[fit.parents()[i]]);
        }
        let again = shift.fit_weighted(rows(&x, d), &weights, &watch().threads(3)).unwrap();
        prop_assert_eq!(again.parents(), fit.parents());
    }
}

#[test]
fn a_stable_bandwidth_counts_weights() {
    // A third group that has no weight is no cluster; and the unit of the weights says nothing.
    let mut rng = Rng::new(5);
    let centers = [[0.0, 0.0], [8.0, 0.0], [4.0, 9.0]];
    let x: Vec<f64> = (0..600)
        .flat_map(|i| centers[i % 3].map(|c| c + 0.8 * rng.normal()))
        .collect();
    let weights: Vec<f64> = (0..600).map(|i| [1.0, 2.0, 0.0][i % 3]).collect();
    let search = locality::shift::StableBandwidth::new();
    let shift = MeanShift::new();
    let all = search.find(&shift, rows(&x, 2), &watch()).unwrap();
    let some = search
        .find_weighted(&shift, rows(&x, 2), &weights, &watch())
        .unwrap();
    assert_eq!((all.clusters(), some.clusters()), (3, 2));
    let twice: Vec<f64> = weights.iter().map(|w| 4.0 * w).collect();
    assert_eq!(
        search
            .find_weighted(&shift, rows(&x, 2), &twice, &watch())
            .unwrap(),
        some
    );
    let fit = shift
        .stable_bandwidth(search)
        .fit_weighted(rows(&x, 2), &weights, &watch())
        .unwrap();
    assert_eq!(fit.bandwidth(), some.bandwidth());
    assert_eq!(fit.n_clusters(), 2);
}

#[test]
fn medoids_refuse_what_has_no_middle() {
    let x = normal(1, 20, 2);
    let e = MedoidShift::new()
        .bandwidth(1.0)
        .metric(Metric::Dot)
        .fit(rows(&x, 2), &watch())
        .unwrap_err();
    assert!(e.to_string().contains("metric=dot"), "{e}");
    let map = Metric::Mahalanobis(LinearMap::new(vec![vec![1.0, 2.0, 3.0]]).unwrap());
    let e = MedoidShift::new()
        .bandwidth(1.0)
        .metric(map)
        .fit(rows(&x, 2), &watch())
        .unwrap_err();
    assert!(e.to_string().contains("takes 3 columns"), "{e}");
}
