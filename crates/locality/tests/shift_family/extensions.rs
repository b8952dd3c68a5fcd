//! What each extension is for, on data made for it.

use super::*;

/// Directions around axes: a mixture of two or three, and the axis of each.
fn bunches(seed: u64, n: usize, axes: &[[f64; 3]], spread: f64) -> (Vec<f64>, Vec<i64>) {
    let mut rng = Rng::new(seed);
    let mut x = Vec::new();
    let mut of = Vec::new();
    for i in 0..n {
        let axis = axes[i % axes.len()];
        // Lengths differ, which must not matter.
        let length = 0.5 + 3.0 * rng.uniform();
        x.extend(axis.map(|a| length * (a + spread * rng.normal())));
        of.push((i % axes.len()) as i64);
    }
    (x, of)
}

#[test]
fn mixtures_on_the_sphere_are_told_apart_and_euclidean_shift_cannot() {
    // The first two are near each other across no border; the third is opposite.
    let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.6, -0.6, 0.53]];
    let (x, of) = bunches(41, 600, &axes, 0.15);
    let shift = MeanShift::new().metric(Metric::Cosine);
    for kernel in ["flat(h=0.7)", "gaussian(h=0.3)", "epanechnikov(h=0.8)"] {
        let model = fit(&shift.clone().kernel(kernel.parse().unwrap()), &x, 3);
        assert_eq!(model.n_clusters(), 3, "{kernel}");
        assert_eq!(adjusted_rand(model.labels(), &of), 1.0, "{kernel}");
        for center in model.cluster_centers().iter() {
            let best = axes.iter().map(|a| {
                let length = squared(a, &[0.0; 3]).sqrt();
                a.iter()
                    .zip(center)
                    .map(|(a, c)| a * c / length)
                    .sum::<f64>()
            });
            assert!(best.fold(0.0, f64::max) > 0.99, "{kernel}: {center:?}");
        }
        assert_eq!(
            model.predict(rows(&x, 3), &watch()).unwrap(),
            model.labels()
        );
    }
    let plain = fit(&MeanShift::new().kernel(kernel("gaussian(h=0.3)")), &x, 3);
    assert!(adjusted_rand(plain.labels(), &of) < 0.9);
    let e = shift
        .fit(rows(&[1.0, 0.0, 0.0, 0.0], 2), &watch())
        .unwrap_err();
    assert!(e.to_string().contains("row 1"), "{e}");
}

#[test]
fn variable_bandwidths_tell_a_dense_pair_in_front_of_a_wide_cloud() {
    // Two tight groups and a wide one: no single bandwidth keeps the pair apart and the cloud whole.
    let mut rng = Rng::new(51);
    let mut x = Vec::new();
    let mut of = Vec::new();
    for i in 0..450 {
        let (center, spread) = [([0.0, 0.0], 0.1), ([0.9, 0.0], 0.1), ([14.0, 0.0], 2.0)][i % 3];
        x.extend(center.map(|c| c + spread * rng.normal()));
        of.push((i % 3) as i64);
    }
    let best = |adaptive: Adaptive| {
        let each = [0.1, 0.2, 0.4, 0.8, 1.6].map(|h| {
            let shift = MeanShift::new()
                .kernel(kernel("gaussian"))
                .bandwidth(h)
                .adaptive(adaptive);
            // One bandwidth is the unit of merging, too: compare by basins of attraction.
            adjusted_rand(fit(&shift, &x, 2).labels(), &of)
        });
        each.into_iter().fold(0.0, f64::max)
    };
    let (fixed, nearest, pilot) = (
        best(Adaptive::Never),
        best(Adaptive::SampleNearest(60)),
        best(Adaptive::Pilot(0.5)),
    );
    assert!(nearest > 0.98, "{nearest}");
    assert!(
        pilot > fixed && nearest > fixed,
        "{fixed} {pilot} {nearest}"
    );
}

#[test]
fn kernels_with_bandwidths_of_their_own_are_weighed_as_the_parameter_is() {
    let x = tailed(61, 120);
    let shift = MeanShift::new().bandwidth(1.0).merge_within(0.0);
    let asked = fit(
        &shift
            .clone()
            .kernel(kernel("gaussian"))
            .adaptive(Adaptive::SampleNearest(9)),
        &x,
        2,
    );
    let own = fit(&shift.kernel(kernel("gaussian(site_knn=9)")), &x, 2);
    assert_eq!(asked.labels(), own.labels());
    let (a, b) = (
        asked.cluster_centers().to_vec(),
        own.cluster_centers().to_vec(),
    );
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12));
}

#[test]
fn over_relaxation_ends_at_the_same_modes_in_fewer_rounds() {
    let (x, _) = blobs(71, 800, 2, 4, 0.6);
    for text in ["gaussian", "epanechnikov", "uniform", "cauchy"] {
        let shift = MeanShift::new().kernel(kernel(text)).bandwidth(0.7);
        let shift = shift.stop(1e-6).merge_within(0.0).max_iter(5000);
        let plain = fit(&shift, &x, 2);
        let fast = fit(&shift.over_relaxation(1.7), &x, 2);
        if text == "uniform" {
            // The flat kernel rests after a few steps anyway.
            assert!(adjusted_rand(fast.labels(), plain.labels()) > 0.95);
            continue;
        }
        assert_eq!(fast.n_clusters(), plain.n_clusters(), "{text}");
        for (a, b) in fast
            .cluster_centers()
            .iter()
            .zip(plain.cluster_centers().iter())
        {
            assert!(squared(a, b).sqrt() < 1e-3, "{text}: {a:?} {b:?}");
        }
        let (fewer, more) = (fast.n_iter() as f64, plain.n_iter() as f64);
        assert!(fewer < 0.75 * more, "{text}: {fewer} {more}");
    }
}

#[test]
fn merging_by_saddles_joins_what_noise_parts_and_keeps_what_is_apart() {
    let (x, truth) = blobs(169, 1200, 2, 5, 0.7);
    let truth = whole(&truth);
    for text in ["gaussian(h=0.25)", "flat(h=0.5)"] {
        let shift = MeanShift::new().kernel(kernel(text)).bandwidth(0.5);
        let rough = fit(&shift, &x, 2);
        assert!(rough.n_clusters() > 8, "{text}: {}", rough.n_clusters());
        assert_eq!(rough.modes().to_vec(), rough.cluster_centers().to_vec());
        let merged = fit(
            &shift.clone().merging(Merging::Below(1.5)).n_neighbors(20),
            &x,
            2,
        );
        assert_eq!(merged.modes().to_vec(), rough.modes().to_vec());
        let agreed = adjusted_rand(merged.labels(), &truth);
        assert!(agreed > 0.95, "{text}: {agreed}");
        assert_eq!(merged.cluster_centers().rows(), merged.n_clusters());
        assert_eq!(merged.intensities().len(), merged.n_clusters());
        // A centre is the densest mode of its cluster, and lies in it.
        let at = merged.predict(merged.cluster_centers(), &watch()).unwrap();
        assert_eq!(at, (0..merged.n_clusters() as i64).collect::<Vec<_>>());
        for (m, &cluster) in merged.mode_clusters().iter().enumerate() {
            assert!(rough.intensities()[m] <= merged.intensities()[cluster as usize]);
        }
        assert_eq!(
            merged.predict(rows(&x, 2), &watch()).unwrap(),
            merged.labels()
        );
        assert!(merged.tree().unwrap().n_modes() <= merged.modes().rows());
        let counted = fit(&shift.merging(Merging::Clusters(5)).n_neighbors(20), &x, 2);
        let apart = counted.tree().unwrap().diagram().iter();
        let apart = apart.filter(|l| l.death == f64::NEG_INFINITY).count();
        assert_eq!(counted.n_clusters(), apart.max(5), "{text}");
    }
    // Orphans remain such.
    let far = [x.clone(), vec![50.0, 50.0]].concat();
    let shift = MeanShift::new()
        .bandwidth(0.5)
        .bin_seeding(true)
        .min_bin_freq(3);
    let shift = shift
        .cluster_all(false)
        .merging(Merging::Auto)
        .n_neighbors(20);
    assert_eq!(fit(&shift, &far, 2).labels()[1200], -1);
}

#[test]
fn compressed_sites_find_the_clusters_of_all_samples() {
    let (x, _) = blobs(81, 20_000, 2, 6, 0.6);
    let shift = MeanShift::new().kernel(kernel("gaussian")).bandwidth(0.7);
    let exact = fit(&shift.clone().bin_seeding(true), &x, 2);
    let coarse = fit(&shift.clone().compression(0.3), &x, 2);
    assert_eq!(coarse.labels().len(), 20_000);
    assert!(adjusted_rand(coarse.labels(), exact.labels()) > 0.999);
    for (a, b) in coarse
        .cluster_centers()
        .iter()
        .zip(exact.cluster_centers().iter())
    {
        assert!(squared(a, b).sqrt() < 0.03 * 0.7, "{a:?} {b:?}");
    }
    // The same by hand, in parts.
    let mut bins = BinnedSites::new(2, 0.3 * 0.7).unwrap();
    for part in x.chunks(1400) {
        bins.add(rows(part, 2), None).unwrap();
    }
    assert!(bins.len() < 4000, "{}", bins.len());
    let parts = shift.fit_binned(&bins, &watch()).unwrap();
    assert_eq!(
        parts.cluster_centers().to_vec(),
        coarse.cluster_centers().to_vec()
    );
    assert_eq!(parts.labels().len(), bins.len());
    // Under a huge bandwidth the one mode is the mean of all samples, to rounding.
    let one = fit(
        &MeanShift::new()
            .kernel(kernel("gaussian"))
            .bandwidth(1e5)
            .compression(1e-5),
        &x,
        2,
    );
    for c in 0..2 {
        let mean = x.iter().skip(c).step_by(2).sum::<f64>() / 20_000.0;
        assert!((one.cluster_centers().row(0)[c] - mean).abs() < 1e-6);
    }
}

#[test]
fn a_stable_bandwidth_is_stable_under_resampling_and_finds_the_clusters() {
    let (x, truth) = blobs(169, 3000, 2, 5, 0.7);
    let mut rng = Rng::new(91);
    let mut found = Vec::new();
    for seed in 0..4 {
        // Another half of the samples each time.
        let keep: Vec<usize> = (0..3000).filter(|_| rng.below(2) == 0).collect();
        let part: Vec<f64> = keep
            .iter()
            .flat_map(|&i| x[i * 2..][..2].to_vec())
            .collect();
        let search = StableBandwidth::new().seed(seed);
        let shift = MeanShift::new().stable_bandwidth(search.clone());
        let model = fit(&shift, &part, 2);
        let of: Vec<i64> = keep.iter().map(|&i| truth[i] as i64).collect();
        let agreed = adjusted_rand(model.labels(), &of);
        assert!(agreed > 0.97, "seed {seed}: {agreed}");
        let curve = search
            .find(&MeanShift::new(), rows(&part, 2), &watch())
            .unwrap();
        assert_eq!(curve.bandwidth(), model.bandwidth());
        assert_eq!(curve.clusters(), 5);
        assert!(curve.plateau().0 < curve.bandwidth() && curve.bandwidth() < curve.plateau().1);
        assert_eq!(curve.tried().len(), 32);
        found.push(model.bandwidth());
    }
    let (low, high) = (
        found.iter().copied().fold(f64::INFINITY, f64::min),
        found.iter().copied().fold(0.0, f64::max),
    );
    assert!(high < 1.3 * low, "{found:?}");
    // One blob is one cluster.
    for seed in 0..3 {
        let one = normal(seed, 400, 2);
        let model = fit(
            &MeanShift::new().stable_bandwidth(StableBandwidth::new()),
            &one,
            2,
        );
        let sizes = |k: i64| model.labels().iter().filter(|l| **l == k).count();
        assert!(sizes(0) > 380, "seed {seed}: {}", sizes(0));
    }
}

#[test]
fn what_is_new_does_not_depend_on_threads_and_works_in_single_precision() {
    let (x, truth) = blobs(101, 4000, 3, 5, 0.5);
    let narrow = table(&x);
    let truth = whole(&truth);
    let shifts = [
        MeanShift::new()
            .bandwidth(1.0)
            .kernel(kernel("gaussian"))
            .adaptive(Adaptive::Pilot(0.5)),
        MeanShift::new()
            .bandwidth(1.0)
            .kernel(kernel("gaussian"))
            .adaptive(Adaptive::SampleNearest(150)),
        MeanShift::new()
            .bandwidth(1.2)
            .kernel(kernel("epanechnikov"))
            .over_relaxation(1.6),
        MeanShift::new()
            .bandwidth(0.8)
            .merging(Merging::Auto)
            .n_neighbors(15),
        MeanShift::new().bandwidth(1.2).compression(0.25),
        MeanShift::new().stable_bandwidth(StableBandwidth::new().grid(12)),
    ];
    for shift in shifts {
        let run = |threads| {
            let f = shift
                .fit(rows(&x, 3), &Watch::default().threads(threads))
                .unwrap();
            let bits: Vec<u64> = f
                .cluster_centers()
                .iter()
                .flatten()
                .map(|x| x.to_bits())
                .collect();
            (f.labels().to_vec(), bits)
        };
        let one = run(1);
        assert_eq!(one, run(3), "{shift:?}");
        assert!(adjusted_rand(&one.0, &truth) > 0.9, "{shift:?}");
        let single = shift.fit(rows(&narrow, 3), &watch()).unwrap();
        assert!(adjusted_rand(single.labels(), &one.0) > 0.95, "{shift:?}");
    }
}

#[test]
fn an_estimate_of_zero_leaves_a_cluster_for_each_place() {
    let x = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0];
    for bins in [false, true] {
        let model = fit(&MeanShift::new().bin_seeding(bins), &x, 1);
        assert_eq!(model.labels(), [1, 1, 1, 0, 0, 0, 2, 2]);
        assert_eq!(model.cluster_centers().to_vec(), [2.0, 1.0, 3.0]);
        assert_eq!(model.intensities(), [3.0, 3.0, 2.0]);
    }
    // Far from zero, where sums round.
    let far: Vec<f64> = (0..200).map(|i| 1e6 + 0.1 + f64::from(i % 3)).collect();
    assert_eq!(fit(&MeanShift::new(), &far, 1).n_clusters(), 3);
    assert_eq!(fit(&MeanShift::new(), &[7.0; 10], 1).n_clusters(), 1);
}

#[test]
fn bins_count_weights() {
    let x = [0.1, 0.2, 5.0];
    let shift = MeanShift::new()
        .bandwidth(1.0)
        .bin_seeding(true)
        .min_bin_freq(3);
    let heavy = shift
        .fit_weighted(Rows::column(&x), &[1.0, 1.0, 3.0], &watch())
        .unwrap();
    assert_eq!(heavy.cluster_centers().to_vec(), [5.0]);
}

#[test]
fn mistakes_are_named() {
    let x = normal(16, 30, 2);
    let wrong = |shift: MeanShift, kind: ErrorKind, text: &str| {
        let e = shift.bandwidth(1.0).fit(rows(&x, 2), &watch()).unwrap_err();
        assert!(e.to_string().contains(text), "{e}");
        assert_eq!(e.kind(), kind, "{e}");
    };
    let new = MeanShift::new;
    for factor in [0.9, 2.0, f64::NAN] {
        wrong(
            new().over_relaxation(factor),
            ErrorKind::Parameter,
            "over_relaxation=",
        );
    }
    wrong(
        new().adaptive(Adaptive::Pilot(1.5)),
        ErrorKind::Parameter,
        "adaptive=1.5",
    );
    wrong(
        new().adaptive(Adaptive::SampleNearest(0)),
        ErrorKind::Parameter,
        "number 0",
    );
    wrong(
        new().adaptive(Adaptive::SampleNearest(30)),
        ErrorKind::Parameter,
        "30 other samples",
    );
    wrong(
        new()
            .adaptive(Adaptive::Pilot(0.5))
            .kernel(kernel("gaussian(h=1) * gaussian(h=2)")),
        ErrorKind::Unsupported,
        "one profile",
    );
    wrong(
        new().metric(Metric::Manhattan),
        ErrorKind::Unsupported,
        "metric=manhattan",
    );
    wrong(
        new().merging(Merging::Below(-1.0)),
        ErrorKind::Parameter,
        "min_persistence=-1",
    );
    wrong(
        new().merging(Merging::Auto).n_neighbors(0),
        ErrorKind::Parameter,
        "n_neighbors=0",
    );
    for share in [0.0, -1.0, 2.0, f64::NAN] {
        wrong(
            new().compression(share),
            ErrorKind::Parameter,
            "compression=",
        );
    }
    for shift in [
        new().over_relaxation(1.5),
        new().compression(0.1),
        new().merging(Merging::Auto),
        new().adaptive(Adaptive::Pilot(0.5)),
    ] {
        wrong(
            shift.blurring(true),
            ErrorKind::Parameter,
            "blurring moves the samples",
        );
    }
    let twice = [1.0, 1.0, 1.0, 5.0, 6.0];
    let e = new()
        .bandwidth(1.0)
        .adaptive(Adaptive::SampleNearest(2))
        .fit(Rows::column(&twice), &watch());
    assert!(e.unwrap_err().to_string().contains("sample 0"));
    for (weights, text) in [
        (&[1.0; 4][..], "4 entries"),
        (&[1.0, -1.0, 1.0, 1.0, 1.0], "[1]=-1"),
        (&[0.0; 5], "all 0"),
    ] {
        for shift in [
            new(),
            new().compression(0.5),
            new().adaptive(Adaptive::SampleNearest(3)),
        ] {
            let e = shift
                .bandwidth(1.0)
                .fit_weighted(Rows::column(&twice), weights, &watch())
                .unwrap_err();
            assert!(e.to_string().contains(text), "{e}");
        }
    }
    let search = |s: StableBandwidth| {
        s.find(&new(), rows(&x, 2), &watch())
            .unwrap_err()
            .to_string()
    };
    assert!(search(StableBandwidth::new().draws(1)).contains("draws=1"));
    assert!(search(StableBandwidth::new().grid(1)).contains("grid=1"));
    assert!(search(StableBandwidth::new().draw_size(1)).contains("draw_size=1"));
    let e = StableBandwidth::new()
        .find(&new(), Rows::column(&[1.0; 9]), &watch())
        .unwrap_err();
    assert!(e.to_string().contains("9 samples at one place"), "{e}");
    let mut bins = BinnedSites::new(2, 1.0).unwrap();
    assert!(
        bins.add(Rows::column(&[1.0]), None)
            .unwrap_err()
            .to_string()
            .contains("1 columns")
    );
    assert!(bins.add(rows(&[1.0, f64::NAN], 2), None).is_err());
    assert!(bins.is_empty() && bins.n_samples() == 0);
    assert!(new().bandwidth(1.0).fit_binned(&bins, &watch()).is_err());
    assert!(BinnedSites::<f64>::new(0, 1.0).is_err() && BinnedSites::<f64>::new(1, 0.0).is_err());
    let stop = std::sync::atomic::AtomicBool::new(true);
    let e = new()
        .stable_bandwidth(StableBandwidth::new())
        .fit(rows(&x, 2), &Watch::default().cancel(&stop));
    assert_eq!(e.unwrap_err().kind(), ErrorKind::Interrupted);
}
