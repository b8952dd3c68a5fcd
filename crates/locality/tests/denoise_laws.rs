//! Laws of the best denoiser, of its score, and of sampling by it.

use locality::denoise::{
    OptimalDenoiser, Sampler, SamplerMethod, energy_distance, nearest_distances,
};
use locality::{ErrorKind, Rows, Watch};
use locality_testing::{Rng, normal};

fn watch() -> Watch<'static> {
    Watch::default()
}

fn rows(data: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(data, data.len() / d, d).unwrap()
}

/// Clean samples, noisy queries and weights.
fn data(seed: u64, n: usize, m: usize, d: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let clean = normal(seed, n, d);
    let noisy = normal(seed + 1000, m, d).iter().map(|x| 1.3 * x).collect();
    let mut random = Rng::new(seed + 2000);
    let weights = (0..n).map(|_| 0.2 + random.uniform()).collect();
    (clean, noisy, weights)
}

fn gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// Weights of the posterior over clean samples, by the definition.
fn posterior(clean: &[f64], weights: &[f64], y: &[f64], width: f64) -> (Vec<f64>, f64) {
    let d = y.len();
    let logs: Vec<f64> = clean
        .chunks_exact(d)
        .zip(weights)
        .map(|(x, w)| {
            let r2: f64 = x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum();
            w.ln() - 0.5 * r2 / (width * width)
        })
        .collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|l| (l - most).exp()).sum();
    let log_total = most + total.ln();
    (
        logs.iter().map(|l| (l - log_total).exp()).collect(),
        log_total,
    )
}

#[test]
fn the_posterior_is_that_of_plain_sums() {
    for (seed, d, sigma, smoothing) in [
        (1, 1, 0.4, 0.0),
        (2, 3, 0.7, 0.0),
        (3, 2, 0.05, 0.0),
        (4, 4, 0.6, 0.3),
        (5, 1, 0.2, 1.1),
    ] {
        let (clean, noisy, weights) = data(seed, 60, 15, d);
        let fit = OptimalDenoiser::new(sigma)
            .smoothing(smoothing)
            .fit_weighted(rows(&clean, d), Some(&weights), &watch())
            .unwrap();
        let queries = rows(&noisy, d);
        let means = fit.denoise(queries, &watch()).unwrap();
        let densities = fit.log_density(queries, &watch()).unwrap();
        let covariances = fit.covariance(queries, &watch()).unwrap();
        let variances = fit.variance(queries, &watch()).unwrap();
        let width = sigma.hypot(smoothing);
        let mass: f64 = weights.iter().sum();
        for (i, y) in queries.iter().enumerate() {
            let (p, log_total) = posterior(&clean, &weights, y, width);
            // Each clean sample is itself the centre of a Gaussian: the posterior is a mixture.
            let share = sigma * sigma / (width * width);
            let center = |x: &[f64], a: usize| share * x[a] + (1.0 - share) * y[a];
            let mean: Vec<f64> = (0..d)
                .map(|a| {
                    clean
                        .chunks_exact(d)
                        .zip(&p)
                        .map(|(x, p)| p * center(x, a))
                        .sum()
                })
                .collect();
            assert!(gap(&means[i * d..][..d], &mean) < 1e-9, "{seed}");
            let log = log_total
                - mass.ln()
                - 0.5 * d as f64 * (std::f64::consts::TAU * width * width).ln();
            assert!(
                (densities[i] - log).abs() < 1e-9,
                "{seed}: {} {log}",
                densities[i]
            );
            for a in 0..d {
                for b in 0..d {
                    let within = if a == b {
                        share * smoothing * smoothing
                    } else {
                        0.0
                    };
                    let between: f64 = clean
                        .chunks_exact(d)
                        .zip(&p)
                        .map(|(x, p)| p * (center(x, a) - mean[a]) * (center(x, b) - mean[b]))
                        .sum();
                    let found = covariances[(i * d + a) * d + b];
                    assert!((found - within - between).abs() < 1e-9, "{seed} {a} {b}");
                }
                let own = covariances[(i * d + a) * d + a];
                assert!((variances[i * d + a] - own).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn tweedie_holds_to_rounding() {
    for (seed, d, sigma, smoothing) in [(1, 1, 0.5, 0.0), (2, 3, 0.8, 0.0), (3, 2, 0.5, 0.4)] {
        let (clean, noisy, _) = data(seed, 40, 8, d);
        let fit = OptimalDenoiser::new(sigma)
            .smoothing(smoothing)
            .fit(rows(&clean, d), &watch())
            .unwrap();
        let score = fit.score(rows(&noisy, d), &watch()).unwrap();
        let mean = fit.denoise(rows(&noisy, d), &watch()).unwrap();
        let tweedie: Vec<f64> = noisy
            .iter()
            .zip(&score)
            .map(|(y, s)| y + sigma * sigma * s)
            .collect();
        assert!(
            gap(&tweedie, &mean) < 1e-12 * 10.0,
            "{}",
            gap(&tweedie, &mean)
        );
        // The score is the gradient of the log density, and the covariance the derivative of the mean.
        let covariance = fit.covariance(rows(&noisy, d), &watch()).unwrap();
        let step = 1e-5;
        for b in 0..d {
            let moved = |by: f64| -> Vec<f64> {
                let mut moved = noisy.clone();
                moved.iter_mut().skip(b).step_by(d).for_each(|x| *x += by);
                moved
            };
            let (ahead, back) = (moved(step), moved(-step));
            let log = |at: &[f64]| fit.log_density(rows(at, d), &watch()).unwrap();
            let slopes = log(&ahead)
                .into_iter()
                .zip(log(&back))
                .map(|(a, b)| (a - b) / (2.0 * step));
            for (i, slope) in slopes.enumerate() {
                assert!((slope - score[i * d + b]).abs() < 1e-6, "{seed}");
            }
            let at = |at: &[f64]| fit.denoise(rows(at, d), &watch()).unwrap();
            let derivative: Vec<f64> = at(&ahead)
                .iter()
                .zip(at(&back))
                .map(|(a, b)| (a - b) / (2.0 * step) * sigma * sigma)
                .collect();
            for i in 0..noisy.len() / d {
                for a in 0..d {
                    let found = covariance[(i * d + a) * d + b];
                    assert!(
                        (found - derivative[i * d + a]).abs() < 1e-6,
                        "{seed} {a} {b}"
                    );
                }
            }
        }
    }
}

/// No denoiser has a smaller squared error over samples drawn with replacement from the clean ones.
#[test]
fn no_other_denoiser_is_better() {
    let (clean, _, _) = data(7, 30, 1, 2);
    let sigma = 0.6;
    let fit = OptimalDenoiser::new(sigma)
        .fit(rows(&clean, 2), &watch())
        .unwrap();
    let mut random = Rng::new(5);
    let (mut truth, mut noisy) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let i = random.below(30);
        for a in 0..2 {
            truth.push(clean[2 * i + a]);
            noisy.push(clean[2 * i + a] + sigma * random.normal());
        }
    }
    let best = fit.denoise(rows(&noisy, 2), &watch()).unwrap();
    let error = |found: &[f64]| -> f64 {
        found
            .iter()
            .zip(&truth)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            / truth.len() as f64
    };
    let own = error(&best);
    // What is left is what it says is left.
    let left = fit.variance(rows(&noisy, 2), &watch()).unwrap();
    let left = left.iter().sum::<f64>() / left.len() as f64;
    assert!((own - left).abs() < 0.01, "{own} {left}");
    for other in [0.3, 0.5, 0.75, 1.2] {
        let fit = OptimalDenoiser::new(other)
            .fit(rows(&clean, 2), &watch())
            .unwrap();
        assert!(
            error(&fit.denoise(rows(&noisy, 2), &watch()).unwrap()) > own,
            "{other}"
        );
    }
    let shrunk: Vec<f64> = noisy.iter().map(|y| y / (1.0 + sigma * sigma)).collect();
    assert!(error(&shrunk) > own);
}

#[test]
fn tolerance_and_neighbours_stay_near() {
    let (clean, noisy, _) = data(3, 4000, 50, 2);
    let exact = OptimalDenoiser::new(0.1)
        .fit(rows(&clean, 2), &watch())
        .unwrap();
    let exact = exact.denoise(rows(&noisy, 2), &watch()).unwrap();
    for denoiser in [
        OptimalDenoiser::new(0.1).tolerance(1e-5),
        OptimalDenoiser::new(0.1).nearest(2000),
    ] {
        let fit = denoiser.fit(rows(&clean, 2), &watch()).unwrap();
        let found = fit.denoise(rows(&noisy, 2), &watch()).unwrap();
        assert!(gap(&found, &exact) < 1e-3, "{}", gap(&found, &exact));
    }
    // With one neighbour the nearest clean sample comes out.
    let one = OptimalDenoiser::new(0.1)
        .nearest(1)
        .fit(rows(&clean, 2), &watch())
        .unwrap();
    let found = one.denoise(rows(&noisy, 2), &watch()).unwrap();
    let near = nearest_distances(rows(&found, 2), rows(&clean, 2), &watch()).unwrap();
    assert!(near.iter().all(|d| *d < 1e-12));
}

#[test]
fn single_precision_agrees() {
    let (clean, noisy, _) = data(3, 100, 20, 3);
    let narrow = |x: &[f64]| -> Vec<f32> { x.iter().map(|x| *x as f32).collect() };
    let (clean32, noisy32) = (narrow(&clean), narrow(&noisy));
    let wide = OptimalDenoiser::new(0.5)
        .fit(rows(&clean, 3), &watch())
        .unwrap();
    let fit = OptimalDenoiser::new(0.5)
        .fit(Rows::new(&clean32, 100, 3).unwrap(), &watch())
        .unwrap();
    let queries = Rows::new(&noisy32, 20, 3).unwrap();
    let found: Vec<f64> = fit
        .covariance(queries, &watch())
        .unwrap()
        .into_iter()
        .map(f64::from)
        .collect();
    assert!(gap(&found, &wide.covariance(rows(&noisy, 3), &watch()).unwrap()) < 1e-5);
}

/// Two humps and a ring.
fn table(seed: u64, n: usize) -> Vec<f64> {
    let mut random = Rng::new(seed);
    let mut out = Vec::new();
    for i in 0..n {
        if i % 2 == 0 {
            let angle = random.uniform() * std::f64::consts::TAU;
            out.extend([
                3.0 * angle.cos() + 0.1 * random.normal(),
                30.0 * angle.sin() + random.normal(),
            ]);
        } else {
            out.extend([0.3 * random.normal(), 3.0 * random.normal()]);
        }
    }
    out
}

#[test]
fn samples_follow_the_law_of_the_table() {
    let (known, held_out) = (table(1, 400), table(2, 400));
    for method in [SamplerMethod::Flow, SamplerMethod::Langevin] {
        let sampler = Sampler::new()
            .method(method)
            .smoothing(0.15)
            .manifold(None)
            .steps(20)
            .seed(4);
        let out = sampler.sample(rows(&known, 2), 300, &watch()).unwrap();
        let distance = out.energy_distance(rows(&held_out, 2), &watch()).unwrap();
        // What two tables of the same law differ by, and what a Gaussian of the same moments differs by.
        let scaled = |x: &[f64]| -> Vec<f64> {
            x.chunks_exact(2)
                .flat_map(|r| [r[0] / 1.5, r[1] / 15.0])
                .collect()
        };
        let (a, b) = (scaled(&known), scaled(&held_out));
        let usual = energy_distance(rows(&a, 2), rows(&b, 2), &watch()).unwrap();
        let gaussian = normal(9, 400, 2);
        let other = energy_distance(rows(&gaussian, 2), rows(&b, 2), &watch()).unwrap();
        assert!(
            distance < 0.7 * other && distance < 3.0 * usual,
            "{method}: {distance} {usual} {other}"
        );
        assert!(
            out.copies(rows(&known, 2), &watch()).unwrap() < 0.2,
            "{method}"
        );
        // The same again, on any number of threads; another seed is another sample.
        let again = sampler
            .sample(rows(&known, 2), 300, &watch().threads(1))
            .unwrap();
        assert_eq!(out, again);
        let other = sampler
            .clone()
            .seed(5)
            .sample(rows(&known, 2), 300, &watch())
            .unwrap();
        assert_ne!(out.samples()[..2], other.samples()[..2]);
    }
}

#[test]
fn without_smoothing_the_flow_ends_at_rows_of_the_table() {
    let known = table(1, 60);
    let sampler = Sampler::new().smoothing(0.0).seed(1);
    let out = sampler.sample(rows(&known, 2), 200, &watch()).unwrap();
    let copies = out.copies(rows(&known, 2), &watch()).unwrap();
    assert!(copies > 0.95, "{copies}");
    let smooth = Sampler::new().smoothing(0.3).manifold(None).seed(1);
    let out = smooth.sample(rows(&known, 2), 200, &watch()).unwrap();
    assert!(out.copies(rows(&known, 2), &watch()).unwrap() < 0.3);
    // Most rows are drawn at some time, none too often.
    let out = sampler.sample(rows(&known, 2), 2000, &watch()).unwrap();
    let mut counts = vec![0; 60];
    for row in out.samples().chunks_exact(2) {
        let near = |k: &[f64]| ((row[0] - k[0]) / 1.5).powi(2) + ((row[1] - k[1]) / 15.0).powi(2);
        let nearest = (0..60)
            .min_by(|a, b| near(&known[2 * a..][..2]).total_cmp(&near(&known[2 * b..][..2])));
        counts[nearest.unwrap()] += 1;
    }
    assert!(counts.iter().all(|c| (5..120).contains(c)), "{counts:?}");
}

/// The flow moves noise towards the law of the table: the energy distance to it shrinks as the noise does.
#[test]
fn the_energy_distance_shrinks_along_the_flow() {
    let (known, held_out) = (table(1, 300), table(2, 300));
    let mut last = f64::INFINITY;
    for least in [5.0, 1.0, 0.2, 0.01] {
        let sampler = Sampler::new().noise(20.0, least).levels(20).seed(2);
        let out = sampler.sample(rows(&known, 2), 300, &watch()).unwrap();
        // The last step is the denoiser's: from much noise it lands at the middle.
        let distance = out.energy_distance(rows(&held_out, 2), &watch()).unwrap();
        assert!(distance < last + 0.04, "{least}: {distance} {last}");
        last = distance;
    }
    assert!(last < 0.25, "{last}");
}

#[test]
fn energy_distance_is_that_of_plain_sums() {
    let (a, b) = (normal(1, 70, 3), normal(2, 90, 3));
    let mean = |x: &[f64], y: &[f64]| -> f64 {
        let mut sum = 0.0;
        for p in x.chunks_exact(3) {
            for q in y.chunks_exact(3) {
                sum += p
                    .iter()
                    .zip(q)
                    .map(|(p, q)| (p - q).powi(2))
                    .sum::<f64>()
                    .sqrt();
            }
        }
        sum / (x.len() / 3 * (y.len() / 3)) as f64
    };
    let expected = (2.0 * mean(&a, &b) - mean(&a, &a) - mean(&b, &b)).sqrt();
    let found = energy_distance(rows(&a, 3), rows(&b, 3), &watch()).unwrap();
    assert!((found - expected).abs() < 1e-12);
}

#[test]
fn mistakes_are_named() {
    let clean = [1.0, 2.0, 3.0];
    let fit = |d: OptimalDenoiser| d.fit(Rows::column(&clean), &watch());
    for (denoiser, text) in [
        (OptimalDenoiser::new(0.0), "sigma is 0"),
        (OptimalDenoiser::new(f64::NAN), "sigma is NaN"),
        (OptimalDenoiser::new(1.0).smoothing(-1.0), "smoothing is -1"),
    ] {
        let error = fit(denoiser).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().starts_with(text), "{error}");
    }
    assert!(
        fit(OptimalDenoiser::new(1.0).nearest(4))
            .and_then(|f| f.denoise(Rows::column(&[1.0]), &watch()))
            .is_err()
    );
    assert!(
        fit(OptimalDenoiser::new(1.0).nearest(0))
            .and_then(|f| f.denoise(Rows::column(&[1.0]), &watch()))
            .is_err()
    );
    let empty: [f64; 0] = [];
    let error = OptimalDenoiser::new(1.0)
        .fit(Rows::column(&empty), &watch())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Empty);
    let fit = fit(OptimalDenoiser::new(1.0)).unwrap();
    let two = [1.0, 2.0];
    let error = fit
        .denoise(Rows::new(&two, 1, 2).unwrap(), &watch())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = fit.score(Rows::column(&[f64::NAN]), &watch()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    let sample = |s: Sampler, n: usize| {
        s.sample(Rows::column(&clean), n, &watch())
            .unwrap_err()
            .to_string()
    };
    assert!(sample(Sampler::new(), 0).starts_with("the number of samples is 0"));
    assert!(sample(Sampler::new().levels(1), 1).starts_with("levels is 1"));
    assert!(sample(Sampler::new().steps(0), 1).starts_with("steps is 0"));
    assert!(sample(Sampler::new().noise(1.0, 2.0), 1).starts_with("noise goes from 1 to 2"));
    assert!(sample(Sampler::new().smoothing(f64::INFINITY), 1).starts_with("smoothing is inf"));
    assert!(
        "flux"
            .parse::<SamplerMethod>()
            .unwrap_err()
            .to_string()
            .contains("'flow'")
    );
}
