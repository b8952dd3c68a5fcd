//! What must hold for mean shift whatever the data: theory of section 6.

use locality::shift::{MeanShift, MeanShiftFit};
use locality::{Float, Kernel, LocalMean, OnEmpty, Rows, Watch};
use locality_testing::{Rng, blobs, normal, table};

fn rows<T: Float>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn kernel(text: &str) -> Kernel {
    text.parse().unwrap()
}

fn fit(shift: &MeanShift, x: &[f64], d: usize) -> MeanShiftFit<f64> {
    shift.fit(rows(x, d), &Watch::default()).unwrap()
}

/// The same partition under other numbers.
fn same_partition(a: &[i64], b: &[i64]) -> bool {
    let mut pairs: Vec<_> = a.iter().zip(b).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let one_to_one = |f: fn(&(&i64, &i64)) -> i64| {
        let mut side: Vec<i64> = pairs.iter().map(f).collect();
        side.sort_unstable();
        side.dedup();
        side.len() == pairs.len()
    };
    a.len() == b.len() && one_to_one(|p| *p.0) && one_to_one(|p| *p.1)
}

#[test]
fn density_never_falls_along_gaussian_paths() {
    let x = normal(3, 400, 2);
    let shift = MeanShift::new().kernel(kernel("gaussian")).bandwidth(0.4);
    let model = fit(&shift, &x, 2);
    let mut at = normal(4, 60, 2);
    let mut before = vec![f64::NEG_INFINITY; 60];
    for _ in 0..80 {
        let step = model.step(rows(&at, 2), &Watch::default()).unwrap();
        for (new, old) in step.log_normalizer.iter().zip(&before) {
            assert!(*new >= *old - 1e-13, "{new} after {old}");
        }
        before = step.log_normalizer;
        at = step.means;
    }
}

#[test]
fn a_step_is_the_gradient_of_the_shadows_log_density() {
    let h = 0.7;
    let x = normal(5, 300, 3);
    let points = normal(6, 40, 3);
    // Kernel, its shadow g, and the factor a in m(x) - x = a h^2 grad f / (sum of weights), where f = sum g.
    for (name, shadow, factor) in [
        ("gaussian", "gaussian", 1.0),
        ("uniform", "epanechnikov", 0.5),
        ("epanechnikov", "biweight", 0.25),
        ("biweight", "triweight", 1.0 / 6.0),
    ] {
        let model = fit(&MeanShift::new().kernel(kernel(name)).bandwidth(h), &x, 3);
        let density = LocalMean::new(Kernel::radial(shadow, h).unwrap())
            .on_empty(OnEmpty::Nan)
            .fit(rows(&x, 3), rows(&x, 3))
            .unwrap();
        let log_density = |p: &[f64]| {
            let at = density.at(rows(p, 3), &Watch::default()).unwrap();
            at.log_normalizer[0]
        };
        let step = model.step(rows(&points, 3), &Watch::default()).unwrap();
        let mut seen = 0;
        for (i, p) in points.chunks_exact(3).enumerate() {
            if step.log_normalizer[i] == f64::NEG_INFINITY {
                continue;
            }
            seen += 1;
            let here = log_density(p).exp();
            for c in 0..3 {
                let e = 1e-5;
                let (mut a, mut b) = (p.to_vec(), p.to_vec());
                a[c] -= e;
                b[c] += e;
                let slope = (log_density(&b) - log_density(&a)) / (2.0 * e);
                let expected = factor * h * h * slope * here / step.log_normalizer[i].exp();
                let moved = step.means[i * 3 + c] - p[c];
                assert!(
                    (moved - expected).abs() < 1e-4 * h,
                    "{name}: {moved} {expected}"
                );
            }
        }
        assert!(seen > 20, "{name}: {seen} points with samples near");
    }
}

#[test]
fn results_are_the_same_bits_for_any_number_of_threads() {
    for n in [700, 6000] {
        let (x, _) = blobs(7, n, 2, 6, 0.8);
        for text in ["uniform", "gaussian", "epanechnikov"] {
            let shift = MeanShift::new()
                .kernel(kernel(text))
                .bandwidth(1.1)
                .tolerance(1e-6);
            let run = |threads| {
                let watch = Watch::default().threads(threads);
                let f = shift.fit(rows(&x, 2), &watch).unwrap();
                let bits: Vec<u64> = f
                    .cluster_centers()
                    .iter()
                    .flatten()
                    .map(|x| x.to_bits())
                    .collect();
                (f.labels().to_vec(), bits, f.n_iter(), f.basins().to_vec())
            };
            let one = run(1);
            assert_eq!(one, run(2), "{text}");
            assert_eq!(one, run(5), "{text}");
        }
    }
}

#[test]
fn order_of_the_samples_changes_only_the_numbers_of_clusters() {
    let (x, truth) = blobs(8, 900, 3, 5, 0.3);
    let mut order: Vec<usize> = (0..900).collect();
    let mut rng = Rng::new(1);
    for i in (1..900).rev() {
        order.swap(i, rng.below(i + 1));
    }
    let mixed: Vec<f64> = order
        .iter()
        .flat_map(|&i| x[i * 3..][..3].to_vec())
        .collect();
    let truth: Vec<i64> = truth.iter().map(|&t| t as i64).collect();
    for shift in [
        MeanShift::new().bandwidth(1.5),
        MeanShift::new().bandwidth(1.5).bin_seeding(true),
        MeanShift::new().bandwidth(0.7).kernel(kernel("gaussian")),
        MeanShift::new().bandwidth(1.5).blurring(true),
        MeanShift::new()
            .bandwidth(0.7)
            .kernel(kernel("gaussian"))
            .blurring(true),
    ] {
        let plain = fit(&shift, &x, 3);
        assert!(same_partition(plain.labels(), &truth), "{shift:?}");
        let other = fit(&shift, &mixed, 3);
        let back: Vec<i64> = order.iter().map(|&i| plain.labels()[i]).collect();
        assert!(same_partition(&back, other.labels()), "{shift:?}");
    }
}

#[test]
fn a_huge_bandwidth_leaves_one_cluster_at_the_mean() {
    let x = normal(9, 500, 2);
    let mean: Vec<f64> = (0..2)
        .map(|c| x.iter().skip(c).step_by(2).sum::<f64>() / 500.0)
        .collect();
    for text in ["uniform", "gaussian", "epanechnikov", "cauchy"] {
        let model = fit(&MeanShift::new().kernel(kernel(text)).bandwidth(1e4), &x, 2);
        assert_eq!(model.n_clusters(), 1);
        assert!(model.labels().iter().all(|&l| l == 0));
        for (a, b) in model.cluster_centers().row(0).iter().zip(&mean) {
            assert!((a - b).abs() < 1e-6, "{text}: {a} {b}");
        }
    }
}

#[test]
fn predict_repeats_the_labels_and_single_precision_agrees() {
    let (x, truth) = blobs(10, 1200, 2, 5, 0.5);
    let truth: Vec<i64> = truth.iter().map(|&t| t as i64).collect();
    let single = table(&x);
    for text in ["uniform", "gaussian", "biweight"] {
        let shift = MeanShift::new().bandwidth(1.0).kernel(kernel(text));
        let model = fit(&shift, &x, 2);
        assert_eq!(
            model.predict(rows(&x, 2), &Watch::default()).unwrap(),
            model.labels()
        );
        assert_eq!(
            model.assign(rows(&x, 2), &Watch::default()).unwrap(),
            model.basins()
        );
        let narrow = shift.fit(rows(&single, 2), &Watch::default()).unwrap();
        assert!(same_partition(narrow.labels(), &truth), "{text}");
        assert!(same_partition(model.labels(), &truth), "{text}");
    }
}

#[test]
fn a_weight_of_two_is_a_sample_twice() {
    let x = normal(11, 300, 2);
    let weights: Vec<f64> = (0..300).map(|i| f64::from(i % 3)).collect();
    let copies: Vec<f64> = (0..300)
        .flat_map(|i| x[i * 2..][..2].repeat(i % 3))
        .collect();
    for text in ["uniform", "gaussian"] {
        let shift = MeanShift::new()
            .bandwidth(0.6)
            .kernel(kernel(text))
            .seeds(rows(&x, 2));
        let a = shift
            .fit_weighted(rows(&x, 2), &weights, &Watch::default())
            .unwrap();
        let b = fit(&shift, &copies, 2);
        assert_eq!(a.n_clusters(), b.n_clusters(), "{text}");
        assert_eq!(a.basins(), b.basins(), "{text}");
        for (a, b) in a.intensities().iter().zip(b.intensities()) {
            assert!((a / b - 1.0).abs() < 1e-9, "{text}: {a} {b}");
        }
        let pairs = a.cluster_centers().to_vec().into_iter();
        for (a, b) in pairs.zip(b.cluster_centers().to_vec()) {
            assert!((a - b).abs() < 1e-9, "{text}: {a} {b}");
        }
    }
}

#[test]
fn merging_early_changes_no_cluster_of_separated_blobs() {
    let (x, _) = blobs(12, 1000, 2, 6, 0.4);
    for text in ["gaussian", "triweight", "0.5*gaussian + 0.5*cauchy"] {
        let shift = MeanShift::new().bandwidth(0.6).kernel(kernel(text));
        let exact = fit(&shift.clone().merge_within(0.0), &x, 2);
        let early = fit(&shift, &x, 2);
        assert_eq!(exact.labels(), early.labels(), "{text}");
        for (a, b) in exact
            .cluster_centers()
            .to_vec()
            .iter()
            .zip(early.cluster_centers().to_vec())
        {
            assert!((a - b).abs() < 0.02 * 0.6, "{text}: {a} {b}");
        }
    }
}

#[test]
fn more_seeds_than_are_followed_at_once_end_where_each_alone_does() {
    let x = normal(13, 40, 1);
    let start = normal(14, 50, 1);
    let many: Vec<f64> = start.iter().copied().cycle().take(70_000).collect();
    for limit in [2, 300] {
        let shift = MeanShift::new().bandwidth(0.3).max_iter(limit);
        let few = fit(&shift.clone().seeds(Rows::column(&start)), &x, 1);
        let all = fit(&shift.seeds(Rows::column(&many)), &x, 1);
        assert_eq!(few.n_iter(), all.n_iter());
        assert_eq!(
            few.cluster_centers().to_vec(),
            all.cluster_centers().to_vec()
        );
        for (i, b) in all.basins().iter().enumerate() {
            assert_eq!(*b, few.basins()[i % 50]);
        }
    }
}
