//! What must hold for lazy autoencoders.
#![cfg(feature = "dense")]

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use locality::autoencode::{LazyAutoencoder, LazyAutoencoderFit, Width};
use locality::local::{WeightedModel, WeightedSample};
use locality::pca::{Components, Pca};
use locality::{ErrorKind, Rows, Watch};
use locality_testing::{Rng, normal};

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn fitted(model: &LazyAutoencoder, x: &[f64], d: usize) -> LazyAutoencoderFit {
    model.fit(rows(x, d), None, &Watch::default()).unwrap()
}

/// Projections onto the first principal components.
fn pca(x: &[f64], d: usize, k: usize, at: &[f64]) -> Vec<f64> {
    let model = Pca::new(Components::Count(k));
    let n = x.len() / d;
    let sample = WeightedSample {
        x: rows(x, d),
        y: Rows::new(&[], n, 0).unwrap(),
        weights: &vec![1.0; n],
    };
    let fit = model.fit(&sample, None).unwrap();
    let mut out = vec![0.0; at.len()];
    for (x, out) in at.chunks(d).zip(out.chunks_mut(d)) {
        fit.project(x, out);
    }
    out
}

/// Squared distances of `x` from `y`, as a share of the squared distances of `x` from the mean of `of`.
fn share(x: &[f64], y: &[f64], of: &[f64], d: usize) -> f64 {
    let mean = |j: usize| of.iter().skip(j).step_by(d).sum::<f64>() / (of.len() / d) as f64;
    let whole = x.iter().enumerate().map(|(i, x)| (x - mean(i % d)).powi(2));
    let off = x.iter().zip(y).map(|(x, y)| (x - y).powi(2));
    off.sum::<f64>() / whole.sum::<f64>()
}

/// Half a circle with noise, and where on it each row was made.
fn arc(seed: u64, n: usize, noise: f64) -> (Vec<f64>, Vec<f64>) {
    let mut rng = Rng::new(seed);
    let t: Vec<f64> = (0..n)
        .map(|_| std::f64::consts::PI * rng.uniform())
        .collect();
    let x = t
        .iter()
        .flat_map(|t| {
            [
                t.cos() + noise * rng.normal(),
                t.sin() + noise * rng.normal(),
            ]
        })
        .collect();
    (x, t)
}

/// An S in three columns, with noise.
fn s_curve(seed: u64, n: usize, noise: f64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut one = || {
        let t = 1.5 * std::f64::consts::PI * (2.0 * rng.uniform() - 1.0);
        let clean = [t.sin(), 2.0 * rng.uniform(), t.signum() * (t.cos() - 1.0)];
        clean.map(|x| x + noise * rng.normal())
    };
    (0..n).flat_map(|_| one()).collect()
}

/// Spearman's correlation.
fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |x: &[f64]| {
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_by(|i, j| x[*i].total_cmp(&x[*j]));
        let mut out = vec![0.0; x.len()];
        for (rank, i) in order.into_iter().enumerate() {
            out[i] = rank as f64;
        }
        out
    };
    let (a, b) = (ranks(a), ranks(b));
    let n = a.len() as f64;
    let squares: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

#[test]
fn the_best_round_is_kept() {
    let tables = [(arc(1, 150, 0.05).0, 2, 1), (s_curve(2, 200, 0.05), 3, 2)];
    for (x, d, k) in &tables {
        for degree in [0, 1] {
            let fit = fitted(&LazyAutoencoder::new(*k).degree(degree), x, *d);
            let least = fit.losses().iter().fold(f64::INFINITY, |a, b| a.min(*b));
            assert!(fit.loss() == least && fit.rounds() > 1);
            assert!(
                fit.loss() < 0.6 * fit.losses()[0],
                "{degree}: {:?}",
                fit.losses()
            );
            let own = share(x, &fit.reconstructions(), x, *d);
            assert!((own - fit.loss()).abs() < 1e-9, "{own} {}", fit.loss());
        }
    }
}

#[test]
fn without_structure_it_is_no_worse_than_principal_components() {
    for seed in 0..3 {
        let x: Vec<f64> = normal(seed, 150, 4)
            .chunks(4)
            .flat_map(|r| [3.0 * r[0], 2.0 * r[1], r[2], 0.5 * r[3]])
            .collect();
        let linear = share(&x, &pca(&x, 4, 2, &x), &x, 4);
        let fit = fitted(&LazyAutoencoder::new(2), &x, 4);
        // Without its own row, a regression on principal components is worse by about 2 (k + 1) / n.
        let bound = linear * (1.0 + 4.0 * 3.0 / 150.0);
        assert!(fit.losses()[0] <= bound, "{} {bound}", fit.losses()[0]);
        assert!(fit.loss() <= fit.losses()[0]);
    }
}

#[test]
fn a_plane_is_found_as_it_is() {
    // Two directions in four columns, far from 0.
    let z = normal(3, 120, 2);
    let plane = |z: &[f64]| -> Vec<f64> {
        z.chunks(2)
            .flat_map(|z| [z[0] + 7.0, 2.0 * z[1], z[0] - z[1], 0.5 * z[1] - 90.0])
            .collect()
    };
    let x = plane(&z);
    for width in [Width::Auto, Width::All] {
        let fit = fitted(&LazyAutoencoder::new(2).decoder(width), &x, 4);
        assert!(
            fit.loss() < 1e-20 && fit.converged(),
            "{width:?} {}",
            fit.loss()
        );
        let new = plane(&[0.3, -0.4, 0.0, 1.0, -0.8, -0.2]);
        let found = fit.reconstruct(rows(&new, 4), &Watch::default()).unwrap();
        for (a, b) in found.iter().zip(&new) {
            assert!((a - b).abs() < 1e-6, "{width:?}: {a} {b}");
        }
    }
    // What is off the plane is put where principal components put it.
    let fit = fitted(&LazyAutoencoder::new(2).decoder(Width::All), &x, 4);
    let off: Vec<f64> = x[..40]
        .iter()
        .enumerate()
        .map(|(i, x)| x + 0.1 * (i as f64).sin())
        .collect();
    let found = fit.reconstruct(rows(&off, 4), &Watch::default()).unwrap();
    for (a, b) in found.iter().zip(pca(&x, 4, 2, &off)) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn the_code_of_an_arc_is_its_length() {
    for seed in 0..3 {
        let (x, t) = arc(seed, 300, 0.05);
        let (new, new_t) = arc(100 + seed, 200, 0.05);
        let fit = fitted(&LazyAutoencoder::new(1), &x, 2);
        let codes = fit.codes().to_vec();
        let same = rank_correlation(&codes, &t).abs();
        assert!(same > 0.99, "{seed}: {same}");
        let codes = fit.encode(rows(&new, 2), &Watch::default()).unwrap();
        let same = rank_correlation(&codes, &new_t).abs();
        assert!(same > 0.99, "{seed}, new rows: {same}");
        // What is across the arc is half of the noise.
        let floor = 0.05 * 0.05 / share_unit(&x);
        let found = fit.reconstruct(rows(&new, 2), &Watch::default()).unwrap();
        let held = share(&new, &found, &x, 2);
        assert!(held < 1.5 * floor, "{seed}: {held} {floor}");
        assert!(held < 0.1 * share(&new, &pca(&x, 2, 1, &new), &x, 2));
    }
}

/// The total variance of rows of two columns.
fn share_unit(x: &[f64]) -> f64 {
    let n = (x.len() / 2) as f64;
    let of = |j: usize| {
        let mean = x.iter().skip(j).step_by(2).sum::<f64>() / n;
        let squares = x.iter().skip(j).step_by(2).map(|x| (x - mean).powi(2));
        squares.sum::<f64>() / n
    };
    of(0) + of(1)
}

#[test]
fn held_out_rows_of_a_surface_are_reconstructed() {
    let (x, new) = (s_curve(5, 500, 0.05), s_curve(6, 200, 0.05));
    let linear = share(&new, &pca(&x, 3, 2, &new), &x, 3);
    for (degree, most) in [(0, 0.4), (1, 0.1)] {
        let fit = fitted(&LazyAutoencoder::new(2).degree(degree), &x, 3);
        let found = fit.reconstruct(rows(&new, 3), &Watch::default()).unwrap();
        let held = share(&new, &found, &x, 3);
        assert!(held < most * linear, "{degree}: {held} {linear}");
    }
}

#[test]
fn codes_far_from_all_others_are_decoded_near_the_rows() {
    let x = s_curve(2, 300, 0.05);
    let fit = fitted(&LazyAutoencoder::new(2), &x, 3);
    let far = [6.0, -6.0, -9.0, 9.0, 12.0, 12.0, -30.0, 0.0];
    let found = fit.decode(rows(&far, 2), &Watch::default()).unwrap();
    assert!(found.iter().all(|x| x.abs() < 6.0), "{found:?}");
}

#[test]
fn codes_of_ones_own_are_a_better_start() {
    // Three quarters of a circle, which principal components fold.
    let mut rng = Rng::new(4);
    let t: Vec<f64> = (0..300).map(|_| 4.7 * rng.uniform()).collect();
    let x: Vec<f64> = t
        .iter()
        .flat_map(|t| [t.cos() + 0.03 * rng.normal(), t.sin() + 0.03 * rng.normal()])
        .collect();
    let rough: Vec<f64> = t.iter().map(|t| t + 0.1 * rng.normal()).collect();
    let model = LazyAutoencoder::new(1);
    let fit = model.fit(rows(&x, 2), Some(Rows::column(&rough)), &Watch::default());
    let fit = fit.unwrap();
    let same = rank_correlation(&fit.codes().to_vec(), &t);
    assert!(same > 0.99, "{same}");
    let folded = fitted(&model, &x, 2);
    let other = rank_correlation(&folded.codes().to_vec(), &t).abs();
    assert!(other < same, "{other} {same}");
}

#[test]
fn units_and_places_do_not_matter() {
    let (x, _) = arc(7, 200, 0.05);
    let moved: Vec<f64> = x.iter().map(|x| 1024.0 * x + 4096.0).collect();
    // A fixed number of rounds: where a sum ends in other digits, another round may be the last.
    let model = LazyAutoencoder::new(1).max_iter(2);
    let (a, b) = (fitted(&model, &x, 2), fitted(&model, &moved, 2));
    assert!((a.loss() / b.loss() - 1.0).abs() < 1e-6);
    assert_eq!(a.width(), b.width());
}

#[test]
fn whitened_codes() {
    let fit = fitted(&LazyAutoencoder::new(2), &s_curve(8, 200, 0.05), 3);
    let codes = fit.codes().to_vec();
    let mean = |f: &dyn Fn(&[f64]) -> f64| codes.chunks(2).map(f).sum::<f64>() / 200.0;
    for (i, j, wanted) in [(0, 0, 1.0), (0, 1, 0.0), (1, 1, 1.0)] {
        assert!(mean(&|z| z[i]).abs() < 1e-10);
        assert!((mean(&|z| z[i] * z[j]) - wanted).abs() < 1e-10);
    }
}

#[test]
fn a_fit_comes_back_from_its_codes() {
    let x = s_curve(9, 150, 0.05);
    let watch = Watch::default();
    let at = rows(&x[..30], 3);
    for model in [
        LazyAutoencoder::new(2),
        LazyAutoencoder::new(2)
            .degree(0)
            .encoder(Width::Bandwidth(0.1)),
        LazyAutoencoder::new(1).decoder(Width::Bandwidth(0.2)),
    ] {
        let fit = fitted(&model, &x, 3);
        let model = model.decoder(fit.width());
        let back = model.with_codes(rows(&x, 3), fit.codes(), &watch).unwrap();
        assert_eq!(back.codes().to_vec(), fit.codes().to_vec());
        assert!((back.loss() - fit.loss()).abs() <= 1e-12 * fit.loss());
        let both = [&fit, &back].map(|f| f.encode(at, &watch).unwrap());
        assert_eq!(both[0], both[1]);
        let both = [&fit, &back].map(|f| f.reconstruct(at, &watch).unwrap());
        assert_eq!(both[0], both[1]);
    }
}

#[test]
fn duplicates_and_flat_columns_do_no_harm() {
    let x: Vec<f64> = (0..40)
        .flat_map(|i| [f64::from(i / 10), 5.0, -f64::from(i / 10)])
        .collect();
    for degree in [0, 1] {
        let fit = fitted(&LazyAutoencoder::new(2).degree(degree), &x, 3);
        let found = fit.reconstruct(rows(&x, 3), &Watch::default()).unwrap();
        assert!(found.iter().all(|x| x.is_finite()));
        assert!(share(&x, &found, &x, 3) < 1e-9, "{degree}");
    }
}

#[test]
fn threads_and_company_do_not_change_a_bit() {
    let x = s_curve(3, 200, 0.05);
    let model = LazyAutoencoder::new(2).max_iter(4);
    let both = [1, 3].map(|threads| {
        let watch = Watch::default().threads(threads);
        let fit = model.fit(rows(&x, 3), None, &watch).unwrap();
        let codes = fit.encode(rows(&x, 3), &watch).unwrap();
        (fit.codes().to_vec(), fit.losses().to_vec(), codes)
    });
    assert!(both[0] == both[1]);
    let fit = fitted(&model, &x, 3);
    let alone = fit.encode(rows(&x[30..33], 3), &Watch::default()).unwrap();
    assert_eq!(alone, both[0].2[20..22]);
}

#[test]
fn it_reports_and_can_be_stopped() {
    let x = s_curve(3, 100, 0.05);
    let seen = Mutex::new(Vec::new());
    let report = |done, total| seen.lock().unwrap().push((done, total));
    let watch = Watch::default().progress(&report);
    let model = LazyAutoencoder::new(1).max_iter(2);
    model.fit(rows(&x, 3), None, &watch).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(0, 2), (1, 2), (2, 2)]);
    let stop = AtomicBool::new(true);
    let error = model
        .fit(rows(&x, 3), None, &Watch::default().cancel(&stop))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn what_is_wrong_is_named() {
    let x = normal(1, 20, 2);
    let watch = Watch::default();
    let new = LazyAutoencoder::new;
    let of = |m: LazyAutoencoder| m.fit(rows(&x, 2), None, &watch).unwrap_err();
    for (error, words) in [
        (of(new(0)), "n_components=0"),
        (of(new(3)), "n_components=3"),
        (of(new(1).degree(2)), "degree=2"),
        (of(new(1).tol(f64::NAN)), "tol=NaN"),
        (
            of(new(1).decoder(Width::Neighbors(21))),
            "the decoder's neighbours = 21",
        ),
        (
            of(new(1).encoder(Width::Neighbors(1))),
            "the encoder's neighbours = 1",
        ),
        (
            of(new(1).decoder(Width::Bandwidth(0.0))),
            "the decoder's bandwidth = 0",
        ),
        (
            new(1).fit(rows(&x[..2], 2), None, &watch).unwrap_err(),
            "n_samples = 1",
        ),
        (
            new(1).fit(rows(&[3.0; 8], 2), None, &watch).unwrap_err(),
            "all alike",
        ),
        (
            new(1)
                .fit(rows(&x, 2), Some(Rows::column(&[1.0; 20])), &watch)
                .unwrap_err(),
            "codes has only rows that are alike",
        ),
        (
            new(1)
                .with_codes(rows(&x, 2), Rows::column(&x[..20]), &watch)
                .unwrap_err(),
            "width is automatic",
        ),
    ] {
        assert_eq!(error.kind(), ErrorKind::Parameter, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = new(1).fit(rows(&x, 2), Some(Rows::column(&x[..19])), &watch);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Shape);
    let bad = [1.0, f64::NAN, 3.0, 4.0];
    let error = new(1).fit(rows(&bad, 2), None, &watch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    let fit = fitted(&new(1), &x, 2);
    for error in [
        fit.encode(rows(&x[..3], 3), &watch),
        fit.decode(rows(&x, 2), &watch),
    ] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Shape);
    }
    assert!(fit.encode(rows(&[], 2), &watch).unwrap().is_empty());
}
