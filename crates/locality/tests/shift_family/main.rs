//! What must hold for the extensions of mean shift: shadows, variable bandwidths, over-relaxation, directions, merging, compression.

mod extensions;

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
