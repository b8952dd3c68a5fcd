//! The laws of embeddings (theory of section 9) as properties of any data, against their definitions written as plain loops.
#![cfg(feature = "dense")]

use locality::embed::{
    Affinity, LaplacianEigenmaps, LocallyLinearEmbedding, continuity, continuity_of_distances,
    continuity_under, reconstruction_weights, trustworthiness, trustworthiness_of_distances,
    trustworthiness_under,
};
use locality::{Metric, Rows, Watch};
use locality_testing::normal;
use proptest::prelude::*;

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

/// A bent sheet of `n` samples in three columns.
fn sheet(seed: u64, n: usize) -> Vec<f64> {
    let at = normal(seed, n, 2);
    at.chunks(2)
        .flat_map(|p| [p[0], p[1], 0.3 * p[0] * p[0] - 0.2 * p[0] * p[1]])
        .collect()
}

/// The others of sample `i`, nearest first.
fn others(far: impl Fn(usize, usize) -> f64, n: usize, i: usize) -> Vec<usize> {
    let mut list: Vec<usize> = (0..n).filter(|&j| j != i).collect();
    list.sort_by(|&a, &b| far(i, a).total_cmp(&far(i, b)).then(a.cmp(&b)));
    list
}

/// Turned about two axes, perhaps mirrored, scaled and moved.
fn moved(x: &[f64], (a, b): (f64, f64), mirror: bool, scale: f64, by: f64) -> Vec<f64> {
    let turn = |(x, y): (f64, f64), t: f64| (t.cos() * x - t.sin() * y, t.sin() * x + t.cos() * y);
    x.chunks(3)
        .flat_map(|p| {
            let (y, z) = turn((p[1], p[2]), a);
            let (x, y) = turn((p[0], y), b);
            [if mirror { -x } else { x }, y, z]
        })
        .map(|x| scale * x + by)
        .collect()
}

/// The score by its definition.
fn plain_trust(
    x: impl Fn(usize, usize) -> f64,
    y: impl Fn(usize, usize) -> f64,
    n: usize,
    k: usize,
) -> f64 {
    let mut sum = 0;
    for i in 0..n {
        let order = others(&x, n, i);
        for j in others(&y, n, i).into_iter().take(k) {
            let rank = 1 + order.iter().position(|&l| l == j).unwrap();
            sum += rank.saturating_sub(k);
        }
    }
    let (n, k) = (n as f64, k as f64);
    1.0 - sum as f64 * 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0))
}

/// How many eigenvalues of a symmetric matrix are negative: as many as pivots of its elimination (Sylvester's law of inertia).
fn negative(mut a: Vec<Vec<f64>>) -> usize {
    let n = a.len();
    let mut count = 0;
    for i in 0..n {
        let (above, below) = a.split_at_mut(i + 1);
        let own = &above[i];
        count += usize::from(own[i] < 0.0);
        for row in below {
            let factor = row[i] / own[i];
            for j in i..n {
                row[j] -= factor * own[j];
            }
        }
    }
    count
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn weights_sum_to_one_and_see_no_rotation_mirror_shift_or_scale(
        seed in 0_u64..1 << 40, angles in (0.0..6.0, 0.0..6.0), mirror in any::<bool>(), scale in 0.1..10.0, by in -3.0..3.0,
        weighted in any::<bool>(), k in 2_usize..9,
    ) {
        let x = sheet(seed, 20);
        let near: Vec<usize> = (0..20).flat_map(|i| (1..=k).map(move |j| (i + j) % 20)).collect();
        let own: Vec<f64> = (0..20 * k).map(|i| if weighted { [1.0, 0.5, 0.0][i % 3] } else { 1.0 }).collect();
        let weights = |x: &[f64]| {
            let rows = rows(x, 3);
            reconstruction_weights(rows, rows, &near, Some(&own), 1e-3, &Watch::default()).unwrap()
        };
        let (one, other) = (weights(&x), weights(&moved(&x, angles, mirror, scale, by)));
        for (row, own) in one.chunks(k).zip(own.chunks(k)) {
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(row.iter().zip(own).all(|(w, c)| *c > 0.0 || *w == 0.0), "{row:?} {own:?}");
        }
        for (a, b) in one.iter().zip(&other) {
            prop_assert!((a - b).abs() < 1e-7 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    #[test]
    fn weights_mix_what_lies_among_their_neighbours(seed in 0_u64..1 << 40) {
        // More neighbours than columns: the place itself is a mixture, and the ridge hardly pulls.
        let x = normal(seed, 12, 2);
        let mix: Vec<f64> = (0..2).map(|c| x.chunks(2).map(|p| p[c]).sum::<f64>() / 12.0).collect();
        let near: Vec<usize> = (0..12).collect();
        let found = reconstruction_weights(rows(&mix, 2), rows(&x, 2), &near, None, 1e-9, &Watch::default()).unwrap();
        for (c, mix) in mix.iter().enumerate() {
            let back: f64 = x.chunks(2).zip(&found).map(|(p, w)| w * p[c]).sum();
            prop_assert!((back - mix).abs() < 1e-6, "{back} {mix}");
        }
    }

    /// `(I - W)^T (I - W) y = lambda y`, with `W` from neighbours by brute force.
    #[test]
    fn coordinates_are_eigenvectors_of_the_form(seed in 0_u64..1 << 40, n in 40_usize..230, k in 5_usize..12) {
        let x = sheet(seed, n);
        let at = rows(&x, 3);
        let model = LocallyLinearEmbedding::new().n_neighbors(k);
        let fit = model.fit(at, &Watch::default()).unwrap();
        prop_assume!(fit.n_pieces() == 1);
        let near: Vec<usize> = (0..n)
            .flat_map(|i| others(|i, j| squared(at.row(i), at.row(j)), n, i).into_iter().take(k))
            .collect();
        let weights = reconstruction_weights(at, at, &near, None, 1e-3, &Watch::default()).unwrap();
        // (I - W) y, and (I - W)^T of that.
        let apply = |y: &[f64]| -> Vec<f64> {
            let mut left = y.to_vec();
            for (i, left) in left.iter_mut().enumerate() {
                *left -= (0..k).map(|j| weights[i * k + j] * y[near[i * k + j]]).sum::<f64>();
            }
            let mut out = left.clone();
            for ((near, weights), left) in near.chunks(k).zip(weights.chunks(k)).zip(&left) {
                for (&j, w) in near.iter().zip(weights) {
                    out[j] -= w * left;
                }
            }
            out
        };
        let mut quotients = Vec::new();
        for c in 0..2 {
            let y: Vec<f64> = fit.embedding().iter().map(|row| row[c]).collect();
            let my = apply(&y);
            let lambda: f64 = my.iter().zip(&y).map(|(m, y)| m * y).sum();
            let off: f64 = my.iter().zip(&y).map(|(m, y)| (m - lambda * y).powi(2)).sum();
            prop_assert!(off.sqrt() < 1e-5, "{off}");
            quotients.push(lambda);
        }
        let error: f64 = quotients.iter().sum();
        prop_assert!((error - fit.reconstruction_error()).abs() < 1e-7, "{error}");
        // And no others are smaller: besides the constant one, at most one eigenvalue lies below the larger of these.
        let largest = quotients.iter().fold(0.0, |a: f64, b| a.max(*b));
        let mut form: Vec<Vec<f64>> = (0..n)
            .map(|i| apply(&(0..n).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>()))
            .collect();
        for (i, row) in form.iter_mut().enumerate() {
            row[i] -= largest * (1.0 - 1e-3) - 1e-9;
        }
        prop_assert!(negative(form) <= 2, "{quotients:?}");
    }

    #[test]
    fn scores_are_their_definition_under_every_metric(
        seed in 0_u64..1 << 40, n in 9_usize..60, k in 1_usize..4,
        name in prop::sample::select(vec!["euclidean", "manhattan", "chebyshev", "cosine"]),
    ) {
        let (x, y) = (sheet(seed, n), normal(seed + 1, n, 2));
        let (samples, embedding) = (rows(&x, 3), rows(&y, 2));
        let apart = |i: usize, j: usize| {
            let (a, b) = (samples.row(i), samples.row(j));
            let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            match name {
                "manhattan" => off.sum::<f64>(),
                "chebyshev" => off.fold(0.0, f64::max),
                "cosine" => 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
                _ => squared(a, b).sqrt(),
            }
        };
        let among = |i: usize, j: usize| squared(embedding.row(i), embedding.row(j)).sqrt();
        let (trust, cont) = (plain_trust(apart, among, n, k), plain_trust(among, apart, n, k));
        let (metric, watch) = (Metric::from_name(name, None).unwrap(), Watch::default());
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        prop_assert!(near(trustworthiness_under(samples, &metric, embedding, k, &watch).unwrap(), trust));
        prop_assert!(near(continuity_under(samples, &metric, embedding, k, &watch).unwrap(), cont));
        let table: Vec<f64> = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| apart(i, j)).collect();
        let table = rows(&table, n);
        prop_assert!(near(trustworthiness_of_distances(table, embedding, k, &watch).unwrap(), trust));
        prop_assert!(near(continuity_of_distances(table, embedding, k, &watch).unwrap(), cont));
        if name == "euclidean" {
            prop_assert!(near(trustworthiness(samples, embedding, k, &watch).unwrap(), trust));
            prop_assert!(near(continuity(samples, embedding, k, &watch).unwrap(), cont));
        }
        prop_assert!((0.0..=1.0).contains(&trust));
    }

    #[test]
    fn known_weights_give_the_coordinates_of_the_samples_they_are_of(seed in 0_u64..1 << 40, n in 30_usize..260, all in any::<bool>()) {
        let x = normal(seed, n, 2);
        let model = LaplacianEigenmaps::new().n_components(2);
        let model = if all { model.rbf(0.5).unwrap() } else { model.n_neighbors(12.min(n)) };
        let watch = Watch::default();
        let fit = model.fit(rows(&x, 2), &watch).unwrap();
        let affinity = fit.affinity();
        for i in 0..n {
            let (columns, values) = affinity.row(i);
            prop_assert!((values[columns.binary_search(&i).unwrap()] - 1.0).abs() < 1e-12);
            for (&j, w) in columns.iter().zip(values) {
                let (back, there) = affinity.row(j);
                prop_assert_eq!(there[back.binary_search(&i).unwrap()], *w);
                if all {
                    let asked = (-0.5 * squared(&x[2 * i..][..2], &x[2 * j..][..2])).exp();
                    prop_assert!((w - asked).abs() < 1e-12);
                }
            }
        }
        let again = LaplacianEigenmaps::new().fit_affinity(affinity, &watch).unwrap();
        prop_assert_eq!(again.pieces(), fit.pieces());
        for (a, b) in again.eigenvalues().iter().zip(fit.eigenvalues()) {
            prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
        prop_assert_eq!(again.embedding().to_vec(), fit.embedding().to_vec());
        let full: Vec<f64> = (0..n).flat_map(|i| {
            let (columns, values) = affinity.row(i);
            let mut row = vec![0.0; n];
            columns.iter().zip(values).for_each(|(&j, w)| row[j] = *w);
            row
        }).collect();
        let full = Affinity::full(rows(&full, n)).unwrap();
        let full = LaplacianEigenmaps::new().fit_affinity(&full, &watch).unwrap();
        prop_assert!(full.eigenvalues().iter().zip(fit.eigenvalues()).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}

#[test]
fn wrong_weights_and_distances_are_named() {
    let new = |starts: &[usize], columns: &[usize], values: &[f64]| {
        let made = Affinity::new(starts.to_vec(), columns.to_vec(), values.to_vec());
        made.unwrap_err().to_string()
    };
    for (found, words) in [
        (new(&[0, 1], &[], &[]), "2 starts of rows, 0 columns"),
        (
            new(&[0, 2, 2], &[1, 0], &[1.0, 1.0]),
            "row 0 of the affinity",
        ),
        (new(&[0, 1, 1], &[2], &[1.0]), "not below 2"),
        (new(&[0, 1, 1], &[1], &[-1.0]), "is -1 at row 0, column 1"),
        (new(&[0, 1, 1], &[1], &[f64::NAN]), "is NaN at row 0"),
        (
            Affinity::full(rows(&[1.0; 6], 3)).unwrap_err().to_string(),
            "2 rows of 3 columns",
        ),
    ] {
        assert!(found.contains(words), "{found}");
    }
    let (x, y) = (normal(1, 8, 8), normal(2, 8, 2));
    let watch = Watch::default();
    let e = trustworthiness_of_distances(rows(&x, 8), rows(&y, 2), 2, &watch).unwrap_err();
    assert!(e.to_string().contains("which is negative"), "{e}");
    let e = trustworthiness_of_distances(rows(&y, 2), rows(&y, 2), 2, &watch).unwrap_err();
    assert!(e.to_string().contains("8 rows of 2 columns"), "{e}");
    let e = trustworthiness_under(rows(&x, 8), &Metric::Dot, rows(&y, 2), 2, &watch).unwrap_err();
    assert!(e.to_string().contains("metric=dot"), "{e}");
}
