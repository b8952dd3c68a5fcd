//! Mean shift on small, degenerate and wrong input, under every kernel, and stopped half-way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use locality::shift::{MeanShift, MeanShiftFit};
use locality::{Bandwidth, ErrorKind, Kernel, Rows, Watch};
use locality_testing::{blobs, normal};

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
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
fn every_kernel_finds_separated_blobs_still_and_blurring() {
    let (x, truth) = blobs(21, 300, 2, 3, 0.3);
    let truth: Vec<i64> = truth.iter().map(|&t| t as i64).collect();
    for (text, h) in [
        ("uniform", 1.0),
        ("epanechnikov", 1.5),
        ("biweight", 1.5),
        ("tricube", 1.5),
        ("gaussian", 0.4),
    ] {
        for blurring in [false, true] {
            let shift = MeanShift::new().kernel(kernel(text)).bandwidth(h);
            let found = fit(&shift.blurring(blurring), &x, 2);
            let what = format!("{text}, blurring {blurring}");
            assert_eq!(found.n_clusters(), 3, "{what}");
            assert!(same_partition(found.labels(), &truth), "{what}");
            if text == "uniform" || blurring {
                continue;
            }
            // A centre is a fixed point of the step.
            let step = found.step(found.cluster_centers(), &Watch::default());
            let moved = step.unwrap().means;
            for (a, b) in moved.iter().zip(found.cluster_centers().to_vec()) {
                assert!((a - b).abs() < 2e-3 * h, "{what}: {a} {b}");
            }
        }
    }
}

#[test]
fn a_far_sample_and_a_constant_column_change_no_other_cluster() {
    let (x, _) = blobs(22, 150, 2, 3, 0.3);
    for text in ["uniform", "gaussian"] {
        let shift = MeanShift::new()
            .kernel(kernel(text))
            .bandwidth(0.8)
            .cluster_all(false);
        let plain = fit(&shift, &x, 2);
        let wide: Vec<f64> = x.chunks(2).flat_map(|p| [p[0], 5.0, p[1]]).collect();
        assert_eq!(fit(&shift, &wide, 3).labels(), plain.labels(), "{text}");
        let mut far = x.clone();
        far.extend([1e9, -1e9]);
        let found = fit(&shift, &far, 2);
        assert_eq!(found.n_clusters(), plain.n_clusters() + 1, "{text}");
        assert_eq!(found.labels()[..150], *plain.labels(), "{text}");
        assert_eq!(found.labels()[150], plain.n_clusters() as i64, "{text}");
    }
}

#[test]
fn orphans_and_basins() {
    let x = [0.0, 0.2, 0.4, 0.6, 0.8, 4.0];
    let shift = MeanShift::new().bandwidth(0.5);
    let all = fit(&shift, &x, 1);
    assert_eq!(all.labels(), [0, 0, 0, 0, 0, 1]);
    assert_eq!(all.intensities()[1], 1.0);
    // A seed near the group alone finds no mode at 4.
    let seeded = shift.seeds(Rows::column(&[0.3])).cluster_all(false);
    let one = fit(&seeded, &x, 1);
    assert_eq!(one.labels(), [0, 0, 0, 0, 0, -1]);
    let queries = [0.9, 2.0, 4.1];
    let watch = Watch::default();
    assert_eq!(
        one.assign(Rows::column(&queries), &watch).unwrap(),
        [0, -1, -1]
    );
    assert_eq!(
        one.predict(Rows::column(&queries), &watch).unwrap(),
        [0, 0, 0]
    );
    assert_eq!(
        all.assign(Rows::column(&queries), &watch).unwrap(),
        [0, 0, 1]
    );
    let none = one.predict(Rows::new(&[], 0, 1).unwrap(), &watch).unwrap();
    assert!(none.is_empty());
}

#[test]
fn small_and_degenerate_tables() {
    let shift = MeanShift::new().bandwidth(1.0);
    assert_eq!(fit(&shift, &[3.0, 4.0], 2).labels(), [0]);
    let constant: Vec<f64> = (0..40)
        .flat_map(|i| [f64::from(i / 20) * 9.0, 7.0])
        .collect();
    let model = fit(&shift, &constant, 2);
    assert_eq!(model.cluster_centers().to_vec(), [9.0, 7.0, 0.0, 7.0]);
    assert_eq!(model.intensities(), [20.0, 20.0]);
    let twins = [1.0; 30];
    assert_eq!(fit(&shift, &twins, 1).n_clusters(), 1);
    assert_eq!(fit(&shift.clone().max_iter(0), &[0.0, 0.5], 1).n_iter(), 0);
    let adaptive = MeanShift::new()
        .kernel(kernel("gaussian(knn=5)"))
        .bandwidth(1.0);
    let (x, truth) = blobs(15, 200, 2, 3, 0.3);
    let truth: Vec<i64> = truth.iter().map(|&t| t as i64).collect();
    assert!(same_partition(fit(&adaptive, &x, 2).labels(), &truth));
    assert_eq!(
        fit(&MeanShift::new().kernel(kernel("gaussian(h=0.25)")), &x, 2).bandwidth(),
        0.25
    );
}

#[test]
fn mistakes_are_named() {
    let x = normal(16, 20, 2);
    let e = |shift: MeanShift, x: &[f64], d: usize| {
        let e = shift.fit(rows(x, d), &Watch::default()).unwrap_err();
        (e.kind(), e.to_string())
    };
    let wrong = |shift: MeanShift, kind: ErrorKind, text: &str| {
        let (k, message) = e(shift, &x, 2);
        assert_eq!(k, kind, "{message}");
        assert!(message.contains(text), "{message}");
    };
    let new = MeanShift::new;
    for h in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
        wrong(new().bandwidth(h), ErrorKind::Parameter, "bandwidth=");
    }
    wrong(new().stop(-1.0), ErrorKind::Parameter, "stop=-1");
    wrong(
        new().merge_within(2.0),
        ErrorKind::Parameter,
        "merge_within=2",
    );
    wrong(
        new().min_bin_freq(0),
        ErrorKind::Parameter,
        "min_bin_freq=0",
    );
    wrong(
        new().bandwidth(1.0).tolerance(2.0),
        ErrorKind::Parameter,
        "tolerance=2",
    );
    wrong(
        new().seeds(Rows::column(&[1.0])),
        ErrorKind::Shape,
        "seeds has 1 columns",
    );
    wrong(
        new().seeds(rows(&[1.0, f64::NAN], 2)),
        ErrorKind::NotFinite,
        "seeds has NaN in row 0, column 1",
    );
    wrong(
        new().bandwidth(1.0).seeds(rows(&[1e3, 1e3], 2)),
        ErrorKind::EmptyRegion,
        "No point was within bandwidth=1 of any of the 1 seeds",
    );
    wrong(
        new().bandwidth(1e-3).bin_seeding(true).min_bin_freq(2),
        ErrorKind::Parameter,
        "min_bin_freq=2",
    );
    wrong(
        new().blurring(true).bin_seeding(true),
        ErrorKind::Parameter,
        "blurring",
    );
    wrong(
        new().kernel(kernel("softmax")),
        ErrorKind::Unsupported,
        "Euclidean",
    );
    wrong(
        new().kernel(kernel("gaussian(metric=manhattan)")),
        ErrorKind::Unsupported,
        "Euclidean",
    );
    let gaussian = || new().kernel(kernel("gaussian"));
    let (_, message) = e(gaussian(), &[1.0; 40], 2);
    assert!(
        message.contains("estimated bandwidth") && message.contains("give bandwidth"),
        "{message}"
    );
    assert!(e(gaussian(), &[1.0, 2.0], 2).1.contains("1 sample"));
    assert_eq!(e(new(), &[1.0, f64::INFINITY], 1).0, ErrorKind::NotFinite);
    assert_eq!(e(new(), &[], 1).0, ErrorKind::Empty);
    let weights = vec![1.0; 3];
    let short = new()
        .bandwidth(1.0)
        .fit_weighted(rows(&x, 2), &weights, &Watch::default());
    assert!(short.unwrap_err().to_string().contains("3 entries"));
    let model = fit(&new().bandwidth(1.0), &x, 2);
    let narrow = model.predict(Rows::column(&x), &Watch::default());
    assert_eq!(narrow.unwrap_err().kind(), ErrorKind::Shape);
    let site = locality::Atom::new(*kernel("gaussian").atoms()[0].profile());
    let site = site.bandwidth(Bandwidth::PerSite(vec![0.1; 3].into()));
    wrong(
        new().kernel(site.into()).bandwidth(1.0),
        ErrorKind::Shape,
        "site_h has 3 bandwidths",
    );
}

#[test]
fn work_can_be_watched_and_stopped() {
    let x = normal(17, 3000, 2);
    for text in ["uniform", "gaussian"] {
        let shift = MeanShift::new().bandwidth(0.3).kernel(kernel(text));
        let seen = Mutex::new(Vec::new());
        let report = |done: usize, total: usize| seen.lock().unwrap().push((done, total));
        shift
            .fit(rows(&x, 2), &Watch::default().progress(&report))
            .unwrap();
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() > 2 && seen.is_sorted(), "{text}: {seen:?}");
        assert_eq!(seen.last(), Some(&(3000, 3000)));

        // Raised from within the work, after the first iteration.
        let stop = AtomicBool::new(false);
        let calls = Mutex::new(0);
        let raise = |_: usize, _: usize| {
            *calls.lock().unwrap() += 1;
            stop.store(true, Ordering::Relaxed);
        };
        let watch = Watch::default().cancel(&stop).progress(&raise);
        let e = shift.fit(rows(&x, 2), &watch).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Interrupted);
        assert_eq!(*calls.lock().unwrap(), 1);
    }
}

#[test]
fn samples_too_far_apart_to_square_are_refused_unless_the_kernel_is_flat() {
    let s = 1e200;
    let x = [s, 2.0, -s, 5.0, 0.0, 4.0, s, 4.0];
    let rows = Rows::new(&x, 4, 2).unwrap();
    let watch = Watch::default();
    let flat = MeanShift::new().bandwidth(1.5);
    let labels = flat.fit(rows, &watch).unwrap().labels().to_vec();
    assert_eq!(
        labels
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4
    );
    let gaussian = MeanShift::new()
        .bandwidth(1.5)
        .kernel("gaussian(h=1.5)".parse().unwrap());
    let e = gaussian.fit(rows, &watch).unwrap_err().to_string();
    assert!(e.contains("column 0") && e.contains("scale it down"), "{e}");
}

/// Under a kernel without an edge clusters draw one another for ever; what is asked for is where samples meet.
#[test]
fn blurring_ends_before_clusters_drift_together() {
    let mut rng = locality_testing::Rng::new(3);
    let x: Vec<f64> = (0..200)
        .map(|i| if i < 100 { 0.0 } else { 5.0 } + 0.1 * rng.normal())
        .collect();
    let shift = MeanShift::new().kernel(kernel("gaussian")).bandwidth(1.5);
    let found = fit(&shift.blurring(true), &x, 1);
    let mut centers = found.cluster_centers().to_vec();
    centers.sort_by(f64::total_cmp);
    assert_eq!(centers.len(), 2, "{centers:?}");
    assert!(
        centers[0].abs() < 0.2 && (centers[1] - 5.0).abs() < 0.2,
        "{centers:?}"
    );
    assert!(found.n_iter() < 20, "{}", found.n_iter());
    // Samples of an even row never meet before they have all met.
    let row: Vec<f64> = (0..60).map(|i| 0.2 * f64::from(i)).collect();
    let shift = MeanShift::new().kernel(kernel("gaussian")).bandwidth(4.0);
    assert_eq!(fit(&shift.blurring(true), &row, 1).n_clusters(), 1);
}
