//! What is left uncertain where clean samples lie far apart: no digits are lost.

use locality::denoise::OptimalDenoiser;
use locality::{ErrorKind, Float, Rows, Watch};
use locality_testing::Rng;

fn watch() -> Watch<'static> {
    Watch::default()
}

/// Two clusters of unit size, `far` from one another in every column, and queries in and between them.
fn clusters<T: Float>(far: f64) -> (Vec<T>, Vec<T>) {
    let mut random = Rng::new(3);
    let mut some = |n: usize| -> Vec<T> {
        let rows = (0..n).flat_map(|i| {
            let at = if i % 2 == 0 { 0.0 } else { far };
            [
                0.3 + at + random.normal(),
                at + random.normal(),
                at - random.normal(),
            ]
        });
        rows.map(T::from_f64).collect()
    };
    (some(80), some(30))
}

/// Posterior covariances in two passes over the numbers as they are.
fn covariance<T: Float>(clean: &[T], y: &[T], sigma: f64) -> Vec<f64> {
    let wide = |x: &[T]| -> Vec<f64> { x.iter().map(|x| x.to_f64()).collect() };
    let (clean, y) = (wide(clean), wide(y));
    let d = y.len();
    let squares: Vec<f64> = clean
        .chunks_exact(d)
        .map(|x| x.iter().zip(&y).map(|(a, b)| (a - b) * (a - b)).sum())
        .collect();
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = squares
        .iter()
        .map(|s| (-0.5 * (s - least) / (sigma * sigma)).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    let weighted = || {
        clean
            .chunks_exact(d)
            .zip(&weights)
            .filter(|(_, w)| **w > 0.0)
    };
    let mean: Vec<f64> = (0..d)
        .map(|a| weighted().map(|(x, w)| w * x[a]).sum::<f64>() / total)
        .collect();
    (0..d * d)
        .map(|e| {
            let (a, b) = (e / d, e % d);
            let terms = weighted().map(|(x, w)| w * (x[a] - mean[a]) * (x[b] - mean[b]));
            terms.sum::<f64>() / total
        })
        .collect()
}

fn far_clusters_lose_nothing<T: Float>(rounding: f64) {
    let sigma = 0.5;
    for far in [1e2, 1e3, 1e4, 1e5, 1e6] {
        let (clean, noisy) = clusters::<T>(far);
        let fit = OptimalDenoiser::new(sigma)
            .fit(Rows::new(&clean, 80, 3).unwrap(), &watch())
            .unwrap();
        let queries = Rows::new(&noisy, 30, 3).unwrap();
        let found = fit.covariance(queries, &watch()).unwrap();
        let variances = fit.variance(queries, &watch()).unwrap();
        assert!(variances.iter().all(|v| *v >= T::ZERO));
        for (q, y) in queries.iter().enumerate() {
            let expected = covariance(&clean, y, sigma);
            let largest = expected.iter().copied().fold(0.0, f64::max);
            for a in 0..3 {
                for b in 0..3 {
                    let off = found[q * 9 + a * 3 + b].to_f64() - expected[a * 3 + b];
                    assert!(
                        off.abs() <= rounding * largest + 1e-300,
                        "{} {far}: {off}",
                        T::NAME
                    );
                }
                assert_eq!(found[q * 9 + a * 4], variances[q * 3 + a]);
            }
        }
    }
}

#[test]
fn variances_of_far_clusters() {
    far_clusters_lose_nothing::<f32>(1e-6);
    far_clusters_lose_nothing::<f64>(1e-9);
}

/// A value that is certain has a variance of exactly zero, wherever it lies.
#[test]
fn certainty_is_zero() {
    for far in [3.0_f32, 1e3, 1e6] {
        let clean = [far, far, -far, -far, -far];
        let fit = OptimalDenoiser::new(0.01)
            .fit(Rows::column(&clean), &watch())
            .unwrap();
        let found = fit.variance(Rows::column(&[far, -far]), &watch()).unwrap();
        assert_eq!(found, [0.0, 0.0]);
    }
}

/// With neighbours, weights and without the own sample: the same as the mean's rules.
#[test]
fn neighbours_weights_and_hollow_count_for_variances() {
    let clean = [0.0, 1.0, 2.0, 10.0];
    let rows = Rows::column(&clean);
    let weights = [1.0, 2.0, 0.0, 1.0];
    let kernel = |y: f64, x: f64| (-0.5_f64 * (y - x).powi(2) / 4.0).exp();
    let expected = |y: f64, some: &[usize], w: &[f64]| -> (f64, f64) {
        let total: f64 = some.iter().map(|&i| w[i] * kernel(y, clean[i])).sum();
        let mean: f64 = some
            .iter()
            .map(|&i| w[i] * kernel(y, clean[i]) * clean[i])
            .sum();
        let mean = mean / total;
        let terms = some
            .iter()
            .map(|&i| w[i] * kernel(y, clean[i]) * (clean[i] - mean).powi(2));
        (mean, terms.sum::<f64>() / total)
    };
    let check =
        |denoiser: OptimalDenoiser, w: Option<&[f64]>, queries: &[f64], seen: &[&[usize]]| {
            let fit = denoiser.fit_weighted(rows, w, &watch()).unwrap();
            let at = Rows::column(queries);
            let means = fit.denoise(at, &watch()).unwrap();
            let variances = fit.variance(at, &watch()).unwrap();
            for (i, some) in seen.iter().enumerate() {
                let (mean, variance) = expected(queries[i], some, w.unwrap_or(&[1.0; 4]));
                assert!((means[i] - mean).abs() < 1e-12 && (variances[i] - variance).abs() < 1e-12);
            }
        };
    let plain = OptimalDenoiser::new(2.0);
    check(
        plain.clone().nearest(2),
        None,
        &[0.6, 9.0],
        &[&[0, 1], &[2, 3]],
    );
    check(
        plain.clone(),
        Some(&weights),
        &[0.6, 9.0],
        &[&[0, 1, 3], &[0, 1, 3]],
    );
    let others: [&[usize]; 4] = [&[1, 2, 3], &[0, 2, 3], &[0, 1, 3], &[0, 1, 2]];
    check(plain.clone().hollow(true), None, &clean, &others);
    let two: [&[usize]; 4] = [&[1, 2], &[0, 2], &[0, 1], &[1, 2]];
    check(plain.clone().hollow(true).nearest(2), None, &clean, &two);
    let one = plain
        .clone()
        .hollow(true)
        .fit(Rows::column(&[1.0]), &watch());
    let error = one.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Empty);
    assert!(
        error
            .to_string()
            .starts_with("hollow tells each clean sample by the others")
    );
    let fit = plain.hollow(true).fit(rows, &watch()).unwrap();
    assert!(fit.variance(Rows::column(&clean[..2]), &watch()).is_err());
}
