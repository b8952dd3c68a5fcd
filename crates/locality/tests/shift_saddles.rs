//! Saddles that clusters are merged across, against those of the density on a fine grid.

use locality::shift::{MeanShift, MedoidShift, Merging, ModeTree, QuickShift, Tomato};
use locality::{Metric, Rows, Watch};
use locality_testing::normal;

fn rows<T>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn watch() -> Watch<'static> {
    Watch::default()
}

fn gaussian() -> locality::Kernel {
    "gaussian".parse().unwrap()
}

/// Log of a sum of Gaussian weights.
fn log_density(x: &[f64], d: usize, h: f64, at: &[f64]) -> f64 {
    let square = |row: &[f64]| {
        row.iter()
            .zip(at)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
    };
    let sum: f64 = x
        .chunks_exact(d)
        .map(|row| (-square(row) / (2.0 * h * h)).exp())
        .sum();
    sum.ln()
}

/// Births and deaths on a grid whose nodes have neighbours, by union from the densest node down: lowest persistence 0.05.
fn diagram(f: &[f64], near: impl Fn(usize) -> Vec<usize>) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..f.len()).collect();
    order.sort_by(|&a, &b| f[b].total_cmp(&f[a]));
    let mut set = vec![usize::MAX; f.len()];
    let find = |set: &[usize], mut i: usize| {
        while set[i] != i {
            i = set[i];
        }
        i
    };
    let mut lives = Vec::new();
    for i in order {
        set[i] = i;
        for j in near(i) {
            if set[j] == usize::MAX {
                continue;
            }
            let (a, b) = (find(&set, i), find(&set, j));
            if a != b {
                let (elder, younger) = if f[a] >= f[b] { (a, b) } else { (b, a) };
                if f[younger] - f[i] > 0.05 {
                    lives.push((f[younger], f[i]));
                }
                set[younger] = elder;
            }
        }
    }
    lives.sort_by(|a, b| b.partial_cmp(a).unwrap());
    lives
}

/// All lives but the densest mode's that last, the densest first.
fn lives(tree: &ModeTree) -> Vec<(f64, f64)> {
    let all = tree.diagram().iter().skip(1);
    all.filter(|l| l.persistence() > 0.05)
        .map(|l| (l.birth, l.death))
        .collect()
}

/// Of `n` samples around each place.
fn clouds(seed: u64, places: &[(&[f64], f64, usize)]) -> Vec<f64> {
    let mut out = Vec::new();
    for (i, (place, spread, n)) in (0..).zip(places) {
        let d = place.len();
        for row in normal(seed + i, *n, d).chunks_exact(d) {
            out.extend(row.iter().zip(*place).map(|(x, p)| p + spread * x));
        }
    }
    out
}

fn trees(x: &[f64], d: usize, h: f64) -> Vec<(&'static str, ModeTree)> {
    let x = rows(x, d);
    let merging = Merging::Below(0.0);
    let mean = MeanShift::new().kernel(gaussian()).bandwidth(h);
    let quick = QuickShift::new().kernel(gaussian()).bandwidth(h);
    let tomato = Tomato::new().bandwidth(h).merging(merging);
    let mean = mean.merging(merging).fit(x, &watch()).unwrap();
    let quick = quick.merging(merging).max_dist(1.5 * h);
    vec![
        ("mean shift", mean.tree().unwrap().clone()),
        (
            "quick shift",
            quick.fit(x, &watch()).unwrap().tree().clone(),
        ),
        ("tomato", tomato.fit(x, &watch()).unwrap().tree().clone()),
    ]
}

/// Each life that lasts is among the others', and the other way round: which of the short ones are told is a matter of rounding.
fn close(name: &str, found: &[(f64, f64)], truth: &[(f64, f64)], tolerance: f64) {
    let among = |l: &(f64, f64), all: &[(f64, f64)]| {
        let apart = |o: &(f64, f64)| (l.0 - o.0).abs().max((l.1 - o.1).abs());
        all.iter().any(|o| apart(o) < tolerance)
    };
    for (some, others) in [(found, truth), (truth, found)] {
        for life in some.iter().filter(|l| l.0 - l.1 > 2.0 * tolerance) {
            assert!(among(life, others), "{name}: {found:?}, not {truth:?}");
        }
    }
}

/// On a line every saddle is within 0.15 of the density's own, in log density: ways are followed between basins, not inside them, where the density
/// may dip, too.
#[test]
fn saddles_on_a_line() {
    let h = 0.6;
    for seed in 0..6 {
        let places: [(&[f64], f64, usize); 3] =
            [(&[0.0], 1.0, 200), (&[3.2], 1.0, 150), (&[10.0], 1.0, 100)];
        let x = clouds(10 * seed, &places);
        let f: Vec<f64> = (0..4000)
            .map(|i| log_density(&x, 1, h, &[-5.0 + 0.005 * f64::from(i)]))
            .collect();
        let last = f.len() - 1;
        let truth = diagram(&f, |i| vec![i.saturating_sub(1), (i + 1).min(last)]);
        assert!(truth.iter().any(|l| l.0 - l.1 > 3.0), "{truth:?}");
        for (name, tree) in trees(&x, 1, h) {
            if name == "tomato" {
                // Its basins end where nothing leads on, which is no saddle of every lone sample.
                let found = lives(&tree);
                let deepest =
                    |l: &[(f64, f64)]| l.iter().map(|l| l.1).fold(f64::INFINITY, f64::min);
                assert!(
                    (deepest(&found) - deepest(&truth)).abs() < 0.05,
                    "{found:?} {truth:?}"
                );
            } else {
                close(name, &lives(&tree), &truth, 0.15);
            }
        }
    }
}

/// Births and deaths of a density on a line, on a fine grid over these places, with every rise.
fn on_a_line(x: &[f64], h: f64, (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let step = h / 100.0;
    let count = ((to - from) / step) as usize;
    let f: Vec<f64> = (0..count)
        .map(|i| log_density(x, 1, h, &[from + step * i as f64]))
        .collect();
    diagram(&f, |i| vec![i.saturating_sub(1), (i + 1).min(count - 1)])
}

/// A narrow mode on the slope of a wide one: most samples nearest to it flow to the other, and are none of its basin. Modes are born at
/// their own density, and rise as far as those of the density on a grid.
#[test]
fn narrow_modes_beside_wide_ones_rise_as_far_as_the_density_says() {
    let merging = Merging::Below(2.0_f64.ln());
    for (seed, (spread, n, h)) in (0..).zip([
        (0.2, 30, 0.3),
        (0.1, 20, 0.15),
        (0.4, 60, 0.3),
        (0.2, 40, 0.2),
        (0.05, 15, 0.1),
    ]) {
        let places: [(&[f64], f64, usize); 2] = [(&[0.0], 1.0, 1000), (&[4.0], spread, n)];
        let x = clouds(70 + 2 * seed, &places);
        let truth = on_a_line(&x, h, (-6.0, 7.0));
        let shift = MeanShift::new().kernel(gaussian()).bandwidth(h);
        let every = shift.clone().merging(Merging::Below(0.0));
        let fit = every.fit(rows(&x, 1), &watch()).unwrap();
        let lives = fit.lifetimes().unwrap();
        let found = lives.iter().filter(|l| l.persistence().is_finite());
        let found: Vec<(f64, f64)> = found.map(|l| (l.birth, l.death)).collect();
        // The density is asked for four times in a bandwidth: at the deepest saddles, where it bends most, it is told less exactly.
        for (some, others) in [(&found, &truth), (&truth, &found)] {
            for life in some.iter().filter(|l| l.0 - l.1 > 0.1) {
                let apart = |o: &(f64, f64)| (life.0 - o.0).abs().max((life.1 - o.1).abs());
                let nearest = others.iter().map(apart).fold(f64::INFINITY, f64::min);
                assert!(
                    nearest < 0.03 * (1.0 + life.0 - life.1),
                    "{seed}: {life:?} of {found:?}, not {truth:?}"
                );
            }
        }
        let narrow = fit.modes().iter().position(|m| (m[0] - 4.0).abs() < spread);
        let narrow = narrow.expect("the narrow mode");
        assert!(lives[narrow].persistence() > 1.0, "{seed}: {lives:?}");
        // The order of the modes is that of their lifetimes, and each is born at its own density.
        for (mode, life) in fit.modes().iter().zip(lives) {
            let own = log_density(&x, 1, h, mode);
            assert!((life.birth - own).abs() < 1e-6, "{seed}: {life:?}, {own}");
        }
        let merged = shift.merging(merging).fit(rows(&x, 1), &watch()).unwrap();
        let kept = truth.iter().filter(|l| l.0 - l.1 > 2.0_f64.ln());
        assert_eq!(merged.n_clusters(), kept.count() + 1, "{seed}: {truth:?}");
    }
}

/// The same in a plane, and where the samples are no seeds, have weights, or are sites of cells.
#[test]
fn narrow_modes_in_a_plane_stay_however_modes_were_found() {
    let places: [(&[f64], f64, usize); 2] = [(&[0.0, 0.0], 1.0, 1500), (&[4.0, 0.0], 0.2, 40)];
    let x = clouds(90, &places);
    let x = rows(&x, 2);
    let shift = MeanShift::new().kernel(gaussian()).bandwidth(0.5);
    let shift = shift.merging(Merging::Below(0.5));
    let seeds = [0.0, 0.0, 4.0, 0.0, 1.0, 1.0];
    let ways = [
        shift.clone(),
        shift.clone().bin_seeding(true),
        shift.clone().seeds(rows(&seeds, 2)),
        shift.clone().compression(0.2),
        shift.clone().over_relaxation(1.7),
    ];
    for (way, shift) in ways.iter().enumerate() {
        for weights in [None, Some(vec![2.0; 1540])] {
            let fit = match &weights {
                Some(weights) => shift.fit_weighted(x, weights, &watch()),
                None => shift.fit(x, &watch()),
            };
            let fit = fit.unwrap();
            assert_eq!(fit.n_clusters(), 2, "{way}: {:?}", fit.lifetimes());
            let near = |m: &[f64]| (m[0] - 4.0).hypot(m[1]) < 0.2;
            let at = fit.modes().iter().position(near).expect("the mode");
            let life = fit.lifetimes().unwrap()[at];
            // Along the best of many bent ways to the middle of the wide cloud.
            let log = |t: f64, bend: f64| {
                let place = [4.0 * (1.0 - t), bend * t * (1.0 - t)];
                log_density(&x.to_vec(), 2, 0.5, &place)
            };
            let least = |bend: f64| {
                let along = (0..=100).map(|i| log(f64::from(i) / 100.0, bend));
                along.fold(f64::INFINITY, f64::min)
            };
            let saddle = (-8..=8).map(|b| least(0.25 * f64::from(b)));
            let saddle = saddle.fold(f64::NEG_INFINITY, f64::max);
            let mode = fit.modes().row(at).to_vec();
            let rise = log_density(&x.to_vec(), 2, 0.5, &mode) - saddle;
            assert!(
                (life.persistence() - rise).abs() < 0.1,
                "{way}: {life:?}, not {rise}"
            );
        }
    }
}

/// Nearly flat ground is no mode: every mode of a smooth kernel is one that plain steps stay at.
#[test]
fn places_that_are_told_as_modes_are_modes() {
    let mut told = 0;
    for seed in 0..40 {
        let (d, h) = [(1, 0.15), (2, 0.25)][seed as usize % 2];
        let x = normal(300 + seed, 400, d);
        let shift = MeanShift::new().kernel(gaussian()).bandwidth(h);
        let fit = shift.fit(rows(&x, d), &watch()).unwrap();
        told += fit.n_clusters();
        for mode in fit.modes().iter() {
            let mut at = mode.to_vec();
            for _ in 0..3000 {
                at = fit.step(rows(&at, d), &watch()).unwrap().means;
            }
            let squares = at.iter().zip(mode).map(|(a, b)| (a - b).powi(2));
            let far = squares.sum::<f64>().sqrt();
            assert!(far < 1e-3 * h, "{seed}: {mode:?} goes on to {at:?}");
        }
    }
    assert!(told > 200, "{told}");
    // Bit for bit the same where they are left where they rest.
    let x = normal(7, 300, 2);
    let flat = MeanShift::new().bandwidth(0.5);
    let (one, other) = (flat.clone().settle(0.0), flat);
    let fit = |shift: &MeanShift| shift.fit(rows(&x, 2), &watch()).unwrap();
    assert_eq!(fit(&one).modes().to_vec(), fit(&other).modes().to_vec());
}

/// In a plane a saddle is met by edges between samples: within 0.2, and never above the density's own by more than a rounding of the grid.
#[test]
fn saddles_in_a_plane() {
    let h = 0.5;
    let (side, step) = (240_usize, 0.05);
    for seed in 0..4 {
        let places: [(&[f64], f64, usize); 3] = [
            (&[0.0, 0.0], 0.6, 250),
            (&[2.8, 0.0], 0.6, 200),
            (&[1.0, 5.0], 0.6, 150),
        ];
        let x = clouds(40 + 10 * seed, &places);
        let f: Vec<f64> = (0..side * side)
            .map(|i| {
                let (r, c) = (i / side, i % side);
                log_density(&x, 2, h, &[-4.0 + step * r as f64, -3.0 + step * c as f64])
            })
            .collect();
        let near = |i: usize| {
            let (r, c) = (i / side, i % side);
            let (up, down) = (r.saturating_sub(1), (r + 1).min(side - 1));
            let (left, right) = (c.saturating_sub(1), (c + 1).min(side - 1));
            vec![
                up * side + c,
                down * side + c,
                r * side + left,
                r * side + right,
            ]
        };
        let truth = diagram(&f, near);
        let truth: Vec<(f64, f64)> = truth.into_iter().filter(|l| l.0 - l.1 > 0.5).collect();
        for (name, tree) in trees(&x, 2, h) {
            let found = lives(&tree).into_iter().filter(|l| l.0 - l.1 > 0.5);
            let found: Vec<(f64, f64)> = found.collect();
            close(name, &found, &truth, 0.2);
            assert!(found.iter().zip(&truth).all(|(a, b)| a.1 < b.1 + 0.02));
        }
    }
}

/// Few samples far from all others have neighbours among these, but no way to them.
#[test]
fn far_clusters_have_no_saddle() {
    let merging = Merging::Below(2.0_f64.ln());
    for few in [1, 5, 8, 12] {
        let places: [(&[f64], f64, usize); 2] =
            [(&[0.0, 0.0], 0.4, 300), (&[1000.0, 0.0], 0.2, few)];
        let x = clouds(5, &places);
        let x = rows(&x, 2);
        let mut all: Vec<(String, ModeTree, Vec<i64>)> = Vec::new();
        for kernel in ["gaussian", "flat"] {
            let kernel: locality::Kernel = kernel.parse().unwrap();
            let mean = MeanShift::new().kernel(kernel.clone()).bandwidth(1.0);
            let mean = mean.merging(merging).fit(x, &watch()).unwrap();
            let name = format!("mean shift, {kernel}");
            all.push((name, mean.tree().unwrap().clone(), mean.labels().to_vec()));
            let medoid = MedoidShift::new().kernel(kernel.clone()).bandwidth(1.0);
            let medoid = medoid.merging(merging).fit(x, &watch()).unwrap();
            let name = format!("medoid shift, {kernel}");
            all.push((
                name,
                medoid.tree().clone(),
                medoid.clusters().labels().to_vec(),
            ));
        }
        let quick = QuickShift::new().kernel(gaussian()).bandwidth(1.0);
        let quick = quick.merging(merging).fit(x, &watch()).unwrap();
        all.push((
            "quick shift".into(),
            quick.tree().clone(),
            quick.clusters().labels().to_vec(),
        ));
        let tomato = Tomato::new().bandwidth(1.0).merging(merging);
        let tomato = tomato.fit(x, &watch()).unwrap();
        all.push((
            "tomato".into(),
            tomato.tree().clone(),
            tomato.clusters().labels().to_vec(),
        ));
        for (name, tree, labels) in all {
            let endless = tree
                .diagram()
                .iter()
                .filter(|l| l.persistence() == f64::INFINITY);
            assert_eq!(endless.count(), 2, "{name}, {few}: {:?}", tree.diagram());
            assert!(labels[..300].iter().all(|l| *l == 0), "{name}, {few}");
            assert!(labels[300..].iter().all(|l| *l == 1), "{name}, {few}");
        }
    }
}

/// Many samples in few cells are few sites.
#[test]
fn far_clusters_of_compressed_sites_stay_apart() {
    let places: [(&[f64], f64, usize); 2] =
        [(&[0.12, 0.12], 0.08, 5000), (&[100.12, 0.12], 0.08, 4000)];
    let x = clouds(3, &places);
    let shift = MeanShift::new()
        .kernel(gaussian())
        .bandwidth(1.0)
        .compression(0.25);
    let fit = shift
        .merging(Merging::Below(2.0_f64.ln()))
        .fit(rows(&x, 2), &watch())
        .unwrap();
    assert_eq!(fit.n_clusters(), 2);
    assert_eq!(fit.tree().unwrap().diagram()[1].death, f64::NEG_INFINITY);
}

fn rounded(seed: u64) -> Vec<f64> {
    let places: [(&[f64], f64, usize); 2] = [(&[0.0, 0.0], 2.0, 1500), (&[12.0, 12.0], 2.0, 1500)];
    clouds(seed, &places).into_iter().map(f64::round).collect()
}

/// Tables of whole numbers: copies of a sample are one place, with as much weight.
#[test]
fn places_of_many_samples_have_neighbours() {
    let x = rounded(1);
    let x = rows(&x, 2);
    let merging = Merging::Below(2.0_f64.ln());
    let tomato = Tomato::new().fit(x, &watch()).unwrap();
    assert_eq!(
        tomato.clusters().n_clusters(),
        2,
        "{:?}",
        tomato.tree().diagram()
    );
    let mean = MeanShift::new().kernel(gaussian()).bandwidth(1.5);
    let mean = mean.merging(merging).fit(x, &watch()).unwrap();
    assert_eq!(mean.n_clusters(), 2, "{:?}", mean.tree().unwrap().diagram());
    let quick = QuickShift::new()
        .kernel(gaussian())
        .bandwidth(1.5)
        .max_dist(1.0);
    let quick = quick.merging(merging).fit(x, &watch()).unwrap();
    assert_eq!(
        quick.clusters().n_clusters(),
        2,
        "{:?}",
        quick.tree().diagram()
    );
    let medoid = MedoidShift::new().kernel(gaussian()).bandwidth(1.5);
    let medoid = medoid.merging(merging).fit(x, &watch()).unwrap();
    assert_eq!(
        medoid.clusters().n_clusters(),
        2,
        "{:?}",
        medoid.tree().diagram()
    );
    // As the same places with weights.
    let mut places: Vec<[i64; 2]> = x.iter().map(|r| [r[0] as i64, r[1] as i64]).collect();
    places.sort_unstable();
    let groups: Vec<&[[i64; 2]]> = places.chunk_by(|a, b| a == b).collect();
    let few: Vec<f64> = groups.iter().flat_map(|g| g[0].map(|v| v as f64)).collect();
    let weights: Vec<f64> = groups.iter().map(|g| g.len() as f64).collect();
    let tomato = |x: Rows<'_, f64>, weights: &[f64]| {
        let fit = Tomato::new()
            .bandwidth(0.7)
            .fit_weighted(x, weights, &watch());
        let mut lives = lives(fit.unwrap().tree());
        lives.sort_by(|a, b| a.partial_cmp(b).unwrap());
        lives
    };
    let all = tomato(x, &vec![1.0; 3000]);
    close("weights", &all, &tomato(rows(&few, 2), &weights), 1e-9);
}

/// A metric says how far samples are for the bandwidth and the kernel, too.
#[test]
fn directions_have_a_bandwidth_of_their_own() {
    let places: [(&[f64], f64, usize); 2] = [(&[3.0, 0.0], 0.15, 100), (&[0.0, 3.0], 0.15, 100)];
    let x = clouds(8, &places);
    // Lengths say nothing to the cosine.
    let stretched: Vec<f64> = x
        .chunks_exact(2)
        .zip(0..)
        .flat_map(|(r, i)| [r[0], r[1]].map(|v| v * f64::from(1 + i % 50)))
        .collect();
    for x in [&x, &stretched] {
        let x = rows(x, 2);
        let quick = QuickShift::new()
            .metric(Metric::Cosine)
            .fit(x, &watch())
            .unwrap();
        let medoid = MedoidShift::new()
            .metric(Metric::Cosine)
            .merging(Merging::Below(0.7))
            .fit(x, &watch())
            .unwrap();
        let tomato = Tomato::new()
            .metric(Metric::Cosine)
            .fit(x, &watch())
            .unwrap();
        for (h, labels) in [
            (quick.bandwidth(), quick.clusters().labels()),
            (medoid.bandwidth(), medoid.clusters().labels()),
            (tomato.bandwidth(), tomato.clusters().labels()),
        ] {
            assert!(h > 0.0 && h < 0.1, "{h}");
            assert!(
                (0..200).all(|i| (labels[i] == labels[0]) == (i < 100)),
                "{labels:?}"
            );
        }
    }
    // The mean distance to the 60th nearest, each its own nearest.
    let unit = |r: &[f64]| {
        let length = r[0].hypot(r[1]);
        [r[0] / length, r[1] / length]
    };
    let u: Vec<[f64; 2]> = x.chunks_exact(2).map(unit).collect();
    let each = u.iter().map(|a| {
        let mut d: Vec<f64> = u.iter().map(|b| 1.0 - a[0] * b[0] - a[1] * b[1]).collect();
        d.sort_by(f64::total_cmp);
        d[59]
    });
    let truth = each.sum::<f64>() / 200.0;
    let quick = QuickShift::new().metric(Metric::Cosine);
    let found = quick.fit(rows(&x, 2), &watch()).unwrap().bandwidth();
    assert!((found - truth).abs() < 1e-12, "{found}, not {truth}");
    let twice: Vec<f64> = vec![2.0; 200];
    let weighted = quick
        .fit_weighted(rows(&x, 2), &twice, &watch())
        .unwrap()
        .bandwidth();
    assert!((weighted - truth).abs() < 1e-12, "{weighted}, not {truth}");
}

/// A search for a stable bandwidth stands whole numbers and a sample far off.
#[test]
fn the_search_for_a_bandwidth_stands_copies_and_a_far_sample() {
    use locality::shift::StableBandwidth;
    let places: [(&[f64], f64, usize); 2] = [(&[0.0], 2.0, 300), (&[15.0], 2.0, 300)];
    let whole: Vec<f64> = clouds(2, &places).into_iter().map(f64::round).collect();
    let found = StableBandwidth::new()
        .find(&MeanShift::new(), rows(&whole, 1), &watch())
        .unwrap();
    assert_eq!(found.clusters(), 2, "{found:?}");
    let places: [(&[f64], f64, usize); 2] = [(&[0.0, 0.0], 1.0, 300), (&[8.0, 0.0], 1.0, 300)];
    let mut far = clouds(4, &places);
    far.extend([1e6, 0.0]);
    let found = StableBandwidth::new()
        .find(&MeanShift::new(), rows(&far, 2), &watch())
        .unwrap();
    assert_eq!(found.clusters(), 2, "{found:?}");
    assert!(
        found.bandwidth() > 1.0 && found.bandwidth() < 6.0,
        "{}",
        found.bandwidth()
    );
}
