//! What must hold for the extensions of mean shift: shadows, variable bandwidths, over-relaxation, directions, merging, compression.

use locality::shift::{
    Adaptive, BinnedSites, MeanShift, MeanShiftFit, Merging, StableBandwidth, adjusted_rand,
    neighbor_bandwidth, shadow,
};
use locality::{Atom, Bandwidth, ErrorKind, Kernel, Metric, Profile, Rows, Takes, Watch, profiles};
use locality_testing::{Rng, blobs, normal, table};
use proptest::prelude::*;

fn rows<T>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn kernel(text: &str) -> Kernel {
    text.parse().unwrap()
}

fn watch() -> Watch<'static> {
    Watch::default()
}

fn fit(shift: &MeanShift, x: &[f64], d: usize) -> MeanShiftFit<f64> {
    shift.fit(rows(x, d), &watch()).unwrap()
}

fn whole(labels: &[usize]) -> Vec<i64> {
    labels.iter().map(|&l| l as i64).collect()
}

/// `n` points of two columns with heavy tails.
fn tailed(seed: u64, n: usize) -> Vec<f64> {
    let x = normal(seed, n, 2);
    x.iter().map(|v| v * v * v).collect()
}

/// Profiles whose shift climbs a density: all of a distance.
fn radial() -> Vec<Profile> {
    let each = profiles().iter().filter(|p| p.takes == Takes::Distance);
    each.map(|p| Profile::from_name(p.name, &[]).unwrap())
        .collect()
}

/// The shadow of a profile at a distance of `u` bandwidths, up to a constant: `-int_0^(u^2) k(t) dt`, by Gauss's rule on pieces on which
/// all profiles of the list are smooth.
fn shadow_at(profile: &Profile, u: f64) -> f64 {
    const PIECES: u32 = 24;
    let nodes = [-0.774_596_669_241_483_4, 0.0, 0.774_596_669_241_483_4];
    let weights = [5.0 / 9.0, 8.0 / 9.0, 5.0 / 9.0];
    let mut sum = 0.0;
    for (from, to) in [(0.0, 0.5), (0.5, 1.0), (1.0, u)] {
        let to = u.min(to);
        if to <= from {
            break;
        }
        let step = (to - from) / f64::from(PIECES);
        for i in 0..PIECES {
            let middle = from + (f64::from(i) + 0.5) * step;
            for (node, weight) in nodes.iter().zip(weights) {
                // In u the integrand is 2 u k(u), which has no root at 0.
                let v = middle + node * step / 2.0;
                sum += weight * step * v * profile.weight(v);
            }
        }
    }
    -sum
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// `sum_i c_i h_i^-d g(|x - x_i|^2 / h_i^2)` up to a constant, by plain loops.
fn density(profile: &Profile, x: &[f64], at: &[f64], h: &[f64], c: &[f64]) -> f64 {
    let d = at.len();
    let each = x.chunks_exact(d).zip(h).zip(c);
    each.map(|((row, h), c)| {
        c * h.powi(-(d as i32)) * shadow_at(profile, squared(row, at).sqrt() / h)
    })
    .sum()
}

#[test]
fn no_step_lowers_the_density_of_the_shadow_under_any_radial_kernel_and_relaxation() {
    let x = normal(31, 60, 2);
    let mut rng = Rng::new(3);
    let c: Vec<f64> = (0..60).map(|_| 0.2 + rng.uniform()).collect();
    for profile in radial() {
        for (adaptive, relaxation) in [
            (Adaptive::Never, 1.0),
            (Adaptive::Never, 1.9),
            (Adaptive::SampleNearest(7), 1.0),
            (Adaptive::SampleNearest(7), 1.7),
        ] {
            let shift = MeanShift::new()
                .kernel(Kernel::Atom(Atom::new(profile)))
                .bandwidth(0.9)
                .adaptive(adaptive);
            let model = shift.fit_weighted(rows(&x, 2), &c, &watch()).unwrap();
            let h = widths(&x, 2, adaptive, 0.9);
            for start in normal(32, 4, 2).chunks_exact(2) {
                let mut at = start.to_vec();
                let mut before = density(&profile, &x, &at, &h, &c);
                for _ in 0..15 {
                    let step = model.step(rows(&at, 2), &watch()).unwrap();
                    if step.log_normalizer[0] == f64::NEG_INFINITY {
                        break;
                    }
                    for (a, m) in at.iter_mut().zip(&step.means) {
                        *a += relaxation * (m - *a);
                    }
                    let now = density(&profile, &x, &at, &h, &c);
                    let slack = 1e-9 * before.abs().max(1.0);
                    assert!(
                        now >= before - slack,
                        "{} {adaptive:?} {relaxation}: {now} after {before}",
                        profile.info().name
                    );
                    before = now;
                }
            }
        }
    }
}

/// The bandwidth of each sample.
fn widths(x: &[f64], d: usize, adaptive: Adaptive, h: f64) -> Vec<f64> {
    let n = x.len() / d;
    let Adaptive::SampleNearest(k) = adaptive else {
        return vec![h; n];
    };
    (0..n)
        .map(|i| {
            let own = &x[i * d..][..d];
            let mut all: Vec<f64> = x.chunks_exact(d).map(|r| squared(r, own).sqrt()).collect();
            all.sort_by(f64::total_cmp);
            all[k]
        })
        .collect()
}

#[test]
fn the_shift_is_in_proportion_to_the_gradient_of_the_shadows_density() {
    let (d, n) = (3, 80);
    let x = normal(33, n, d);
    let points = normal(34, 6, d);
    let mut seen = 0;
    for profile in radial() {
        for adaptive in [Adaptive::Never, Adaptive::SampleNearest(9)] {
            let shift = MeanShift::new()
                .kernel(Kernel::Atom(Atom::new(profile)))
                .bandwidth(1.3)
                .adaptive(adaptive);
            let model = fit(&shift, &x, d);
            let h = widths(&x, d, adaptive, 1.3);
            let ones = vec![1.0; n];
            let step = model.step(rows(&points, d), &watch()).unwrap();
            for (i, p) in points.chunks_exact(d).enumerate() {
                if step.log_normalizer[i] == f64::NEG_INFINITY {
                    continue;
                }
                let slope = |c: usize| {
                    let e = 1e-4;
                    let (mut a, mut b) = (p.to_vec(), p.to_vec());
                    a[c] -= e;
                    b[c] += e;
                    let at = |p: &[f64]| density(&profile, &x, p, &h, &ones);
                    (at(&b) - at(&a)) / (2.0 * e)
                };
                // grad f = 2 (m - x) sum_i h_i^-(d+2) k_i.
                let weights: f64 = x
                    .chunks_exact(d)
                    .zip(&h)
                    .map(|(r, h)| {
                        h.powi(-(d as i32) - 2) * profile.weight(squared(r, p).sqrt() / h)
                    })
                    .sum();
                for (c, own) in p.iter().enumerate() {
                    let moved = step.means[i * d + c] - own;
                    let expected = slope(c) / (2.0 * weights);
                    assert!(
                        (moved - expected).abs() < 1e-4,
                        "{} {adaptive:?}: {moved} {expected}",
                        profile.info().name
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn known_shadows_are_the_integrals_of_their_kernels() {
    let mut known = Vec::new();
    let more = [
        "student_t(h=0.7, nu=5)",
        "rational_quadratic(h=0.7, alpha=2.5)",
    ];
    let texts = radial()
        .into_iter()
        .map(|p| format!("{}(h=0.7)", p.info().name));
    for text in texts.chain(more.map(str::to_owned)) {
        let own = kernel(&text);
        let Some(found) = shadow(&own) else {
            continue;
        };
        let (Kernel::Atom(own), Kernel::Atom(found)) = (own, found) else {
            panic!("{text} has parts");
        };
        let &Bandwidth::Fixed(wide) = found.bandwidth_rule() else {
            panic!("{text}: no bandwidth");
        };
        // Differences of both, over differences of both at another place, are the same.
        let theirs = |a: f64, b: f64| shadow_at(own.profile(), a) - shadow_at(own.profile(), b);
        let ours = |a: f64, b: f64| {
            let at = |u: f64| found.profile().weight(u * 0.7 / wide);
            at(a) - at(b)
        };
        let scale = theirs(0.0, 0.9) / ours(0.0, 0.9);
        for (a, b) in [(0.1, 0.3), (0.3, 0.5), (0.5, 0.95)] {
            let (x, y) = (theirs(a, b), scale * ours(a, b));
            assert!((x - y).abs() < 1e-7 * theirs(0.0, 0.9), "{text}: {x} {y}");
        }
        known.push(own.profile().info().name);
    }
    assert_eq!(
        known,
        [
            "gaussian",
            "laplace",
            "epanechnikov",
            "biweight",
            "uniform",
            "matern32",
            "student_t",
            "rational_quadratic"
        ]
    );
    assert!(shadow(&kernel("gaussian(knn=4)")).is_none());
    assert!(shadow(&kernel("gaussian(h=1) + gaussian(h=2)")).is_none());
    assert!(shadow(&kernel("gaussian(h=1, metric=manhattan)")).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn variable_bandwidths_follow_units_and_weights(seed in 0_u64..1 << 30, power in -6_i32..7, pilot in proptest::bool::ANY) {
        let x = tailed(seed, 90);
        let adaptive = if pilot { Adaptive::Pilot(0.5) } else { Adaptive::SampleNearest(12) };
        let h = neighbor_bandwidth(rows(&x, 2), 12, 1000, 0, &watch()).unwrap();
        let shift = |h: f64| MeanShift::new().kernel(kernel("gaussian")).bandwidth(h).adaptive(adaptive).merge_within(0.0);
        let plain = fit(&shift(h), &x, 2);
        // A power of two, so that nothing is rounded anew.
        let scale = 2.0_f64.powi(power);
        let wide: Vec<f64> = x.iter().map(|v| v * scale).collect();
        let scaled = fit(&shift(h * scale), &wide, 2);
        prop_assert_eq!(plain.labels(), scaled.labels());
        // One weight for all changes nothing.
        let same = shift(h).fit_weighted(rows(&x, 2), &[4.0; 90], &watch()).unwrap();
        prop_assert_eq!(plain.labels(), same.labels());
    }

    #[test]
    fn compression_in_parts_is_that_of_the_whole_and_keeps_its_bound(seed in 0_u64..1 << 30, n in 1_usize..300, width in 0.05_f64..3.0, cut in 0.0_f64..1.0) {
        let x = normal(seed, n, 2);
        let mut rng = Rng::new(seed);
        let c: Vec<f64> = (0..n).map(|_| rng.below(4) as f64).collect();
        let mut one = BinnedSites::new(2, width).unwrap();
        one.add(rows(&x, 2), Some(&c)).unwrap();
        let mut parts = BinnedSites::new(2, width).unwrap();
        let at = (cut * n as f64) as usize;
        for (x, c) in [(&x[..at * 2], &c[..at]), (&x[at * 2..], &c[at..])] {
            if !c.is_empty() {
                parts.add(rows(x, 2), Some(c)).unwrap();
            }
        }
        prop_assert_eq!(one.sites(), parts.sites());
        prop_assert_eq!(one.weights(), parts.weights());
        prop_assert_eq!(one.n_samples(), n);
        // Every sample of weight has a site within the bound, which is within the diagonal of a cell.
        let sites = one.sites();
        prop_assert!(one.displacement() <= width * 2.0_f64.sqrt() * (1.0 + 1e-12));
        for (row, c) in x.chunks_exact(2).zip(&c) {
            let near = sites.chunks_exact(2).map(|s| squared(s, row).sqrt()).fold(f64::INFINITY, f64::min);
            prop_assert!(*c == 0.0 || near <= one.displacement() + 1e-12);
        }
        // Totals and means are those of the samples.
        let total: f64 = c.iter().sum();
        prop_assert!((one.weights().iter().sum::<f64>() - total).abs() < 1e-9);
        for j in 0..2 {
            let of = |x: &[f64], c: &[f64]| x.chunks_exact(2).zip(c).map(|(r, c)| c * r[j]).sum::<f64>();
            prop_assert!((of(&x, &c) - of(&sites, &one.weights())).abs() < 1e-9 * (1.0 + total));
        }
    }

    #[test]
    fn directions_climb_the_von_mises_fisher_density(seed in 0_u64..1 << 30, d in 2_usize..5, relaxed in proptest::bool::ANY) {
        let x = normal(seed, 70, d);
        let kappa = 12.0_f64;
        let shift = MeanShift::new().metric(Metric::Cosine).kernel(kernel("gaussian")).bandwidth(1.0 / kappa.sqrt());
        let model = fit(&shift, &x, d);
        let unit = |v: &[f64]| {
            let length = squared(v, &vec![0.0; d]).sqrt();
            v.iter().map(|x| x / length).collect::<Vec<f64>>()
        };
        let sites: Vec<Vec<f64>> = x.chunks_exact(d).map(unit).collect();
        let density = |p: &[f64]| {
            let dot = |s: &Vec<f64>| s.iter().zip(p).map(|(a, b)| a * b).sum::<f64>();
            sites.iter().map(|s| (kappa * dot(s)).exp()).sum::<f64>()
        };
        for start in normal(seed + 1, 3, d).chunks_exact(d) {
            let mut at = unit(start);
            for _ in 0..20 {
                let step = model.step(rows(&at, d), &watch()).unwrap();
                let mean = &step.means;
                prop_assert!((squared(mean, &vec![0.0; d]) - 1.0).abs() < 1e-12);
                let before = density(&at);
                at = if relaxed {
                    unit(&at.iter().zip(mean).map(|(a, m)| a + 1.8 * (m - a)).collect::<Vec<f64>>())
                } else {
                    mean.clone()
                };
                prop_assert!(density(&at) >= before * (1.0 - 1e-12));
            }
        }
        for center in model.cluster_centers().iter() {
            prop_assert!((squared(center, &vec![0.0; d]) - 1.0).abs() < 1e-12);
        }
        // Lengths say nothing.
        let long: Vec<f64> = x.iter().map(|v| v * 8.0).collect();
        let again = fit(&shift, &long, d);
        prop_assert_eq!(again.labels(), model.labels());
    }
}

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
