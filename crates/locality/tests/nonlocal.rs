//! Self-local regression and series against plain loops and laws.

use locality::nonlocal::{SelfLocalRegression, SeriesSmoother};
use locality::{ErrorKind, Kernel, LocalMean, Rows, Watch};
use locality_testing::{Rng, normal};

fn watch() -> Watch<'static> {
    Watch::default()
}

/// A noisy step in two columns.
fn step(seed: u64, n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut random = Rng::new(seed);
    let (mut x, mut y, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let at = [random.uniform(), random.uniform()];
        let level = if at[0] > 0.5 { 1.0 } else { 0.0 };
        x.extend(at);
        y.push(level + 0.12 * random.normal());
        truth.push(level);
    }
    (x, y, truth)
}

#[test]
fn iterations_are_those_of_plain_loops() {
    let (x, y, _) = step(1, 80);
    for (rounds, range) in [(1, 0.4), (3, 0.5)] {
        let mut z = y.clone();
        for _ in 0..rounds {
            z = (0..80)
                .map(|i| {
                    let (mut total, mut sum) = (0.0, 0.0);
                    for j in 0..80 {
                        let r2 =
                            (x[2 * i] - x[2 * j]).powi(2) + (x[2 * i + 1] - x[2 * j + 1]).powi(2);
                        let c2 = (z[i] - z[j]).powi(2);
                        let w = (-0.5 * r2 / 0.04 - 0.5 * c2 / (range * range)).exp();
                        total += w;
                        sum += w * y[j];
                    }
                    sum / total
                })
                .collect();
        }
        let model = SelfLocalRegression::new(Kernel::gaussian(0.2))
            .range(range)
            .iterations(rounds)
            .tolerance(0.0);
        let fit = model
            .fit(Rows::new(&x, 80, 2).unwrap(), &y, &watch())
            .unwrap();
        assert_eq!(fit.iterations(), rounds);
        for (a, b) in fit.outputs().iter().zip(&z) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }
}

#[test]
fn without_a_range_it_is_the_local_mean() {
    let (x, y, _) = step(2, 60);
    let rows = Rows::new(&x, 60, 2).unwrap();
    let kernel: Kernel = "gaussian(h=0.2, cols=1)".parse().unwrap();
    let fit = SelfLocalRegression::new(kernel.clone())
        .fit(rows, &y, &watch())
        .unwrap();
    let plain = LocalMean::new(kernel).fit(rows, Rows::column(&y)).unwrap();
    let plain = plain.at(rows, &watch()).unwrap().means;
    assert_eq!(fit.outputs(), plain);
    assert_eq!(fit.predict(rows, &watch()).unwrap(), plain);
    // A range that sees no difference changes nothing.
    let wide = SelfLocalRegression::new("gaussian(h=0.2, cols=1)".parse().unwrap()).range(1e9);
    let wide = wide.fit(rows, &y, &watch()).unwrap();
    for (a, b) in wide.outputs().iter().zip(&plain) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn jumps_stay_sharp() {
    let (x, y, truth) = step(3, 600);
    let rows = Rows::new(&x, 600, 2).unwrap();
    let error = |found: &[f64]| -> f64 {
        found
            .iter()
            .zip(&truth)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            / 600.0
    };
    let smooth = SelfLocalRegression::new(Kernel::gaussian(0.1))
        .fit(rows, &y, &watch())
        .unwrap();
    let sharp = SelfLocalRegression::new(Kernel::gaussian(0.1))
        .range(0.25)
        .fit(rows, &y, &watch())
        .unwrap();
    assert!(error(sharp.outputs()) < 0.25 * error(smooth.outputs()));
    // Samples stay on their side of it.
    let again = sharp.predict(rows, &watch()).unwrap();
    for (a, b) in again.iter().zip(sharp.outputs()) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
    // Whatever else is asked.
    for i in [0, 17, 599] {
        let one = sharp.predict(rows.slice(i..i + 1), &watch()).unwrap();
        assert_eq!(one, again[i..=i]);
    }
    // New places away from the jump are on their side of it.
    let at = [0.3, 0.5, 0.42, 0.1, 0.58, 0.9, 0.8, 0.2];
    let found = sharp
        .predict(Rows::new(&at, 4, 2).unwrap(), &watch())
        .unwrap();
    for (f, t) in found.iter().zip([0.0, 0.0, 1.0, 1.0]) {
        assert!((f - t).abs() < 0.12, "{found:?}");
    }
}

#[test]
fn mistakes_of_regression_are_named() {
    let (x, y) = ([0.0, 1.0, 2.0], [0.0, 1.0, 0.0]);
    let model = SelfLocalRegression::new(Kernel::gaussian(1.0));
    let fit =
        |m: &SelfLocalRegression, y: &[f64]| m.fit(Rows::column(&x), y, &watch()).unwrap_err();
    assert_eq!(fit(&model, &y[..2]).kind(), ErrorKind::Shape);
    assert!(fit(&model, &[0.0, f64::NAN, 1.0]).kind() == ErrorKind::NotFinite);
    for (model, text) in [
        (model.clone().range(0.0), "range is 0"),
        (model.clone().range(1.0).iterations(0), "iterations is 0"),
        (
            model.clone().range(1.0).tolerance(f64::NAN),
            "tolerance is NaN",
        ),
    ] {
        let error = fit(&model, &y);
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().starts_with(text), "{error}");
    }
}

/// A pulse that comes again at uneven times, as a heart beats, with noise.
fn pulses(seed: u64, n: usize, sigma: f64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Rng::new(seed);
    let mut clean = vec![0.0; n];
    let mut at = 7.0;
    while at < n as f64 {
        for (i, c) in clean.iter_mut().enumerate() {
            let t = i as f64 - at;
            *c += (-0.5 * (t / 1.5).powi(2)).exp() - 0.3 * (-0.5 * ((t - 5.0) / 2.0).powi(2)).exp();
        }
        at += 18.0 + 8.0 * random.uniform();
    }
    let noisy = clean.iter().map(|c| c + sigma * random.normal()).collect();
    (clean, noisy)
}

fn squares(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64
}

#[test]
fn pulses_come_out_of_noise() {
    let (clean, noisy) = pulses(1, 900, 0.15);
    let out = SeriesSmoother::new(6).smooth(&noisy, &watch()).unwrap();
    assert!((0.1..0.25).contains(&out.sigma()), "{}", out.sigma());
    let before = squares(&noisy, &clean);
    assert!(
        squares(out.values(), &clean) < 0.35 * before,
        "{} {before}",
        squares(out.values(), &clean)
    );
    // The best moving Gaussian blurs the pulses.
    let mut best = f64::INFINITY;
    let x: Vec<f64> = (0..900).map(f64::from).collect();
    for h in [0.5, 0.8, 1.2, 1.8, 2.5] {
        let fit = LocalMean::new(Kernel::gaussian(h))
            .fit(Rows::column(&x), Rows::column(&noisy))
            .unwrap();
        best = best.min(squares(
            &fit.at(Rows::column(&x), &watch()).unwrap().means,
            &clean,
        ));
    }
    assert!(
        squares(out.values(), &clean) < best,
        "{} {best}",
        squares(out.values(), &clean)
    );
    assert_eq!(
        out,
        SeriesSmoother::new(6)
            .smooth(&noisy, &watch().threads(1))
            .unwrap()
    );
}

#[test]
fn gaps_are_filled_from_like_contexts() {
    let (clean, mut noisy) = pulses(2, 700, 0.03);
    let mut random = Rng::new(8);
    let mut gaps: Vec<usize> = (0..40).map(|_| random.below(700)).collect();
    gaps.extend(300..306);
    gaps.push(0);
    gaps.push(699);
    for &i in &gaps {
        noisy[i] = f64::NAN;
    }
    let out = SeriesSmoother::new(8)
        .gaps_only(true)
        .smooth(&noisy, &watch())
        .unwrap();
    gaps.sort_unstable();
    gaps.dedup();
    assert_eq!(out.filled(), gaps);
    let (mut own, mut line, mut spread) = (0.0, 0.0, 0.0);
    for (i, (v, n)) in out.values().iter().zip(&noisy).enumerate() {
        if n.is_nan() {
            own += (v - clean[i]).powi(2);
            let before = (0..i).rev().find(|&j| !noisy[j].is_nan());
            let after = (i..700).find(|&j| !noisy[j].is_nan());
            let value = match (before, after) {
                (Some(a), Some(b)) => {
                    let t = (i - a) as f64 / (b - a) as f64;
                    noisy[a] + t * (noisy[b] - noisy[a])
                }
                (Some(a), None) => noisy[a],
                (None, Some(b)) => noisy[b],
                (None, None) => unreachable!(),
            };
            line += (value - clean[i]).powi(2);
            spread += clean[i].powi(2);
        } else {
            assert_eq!(v, n);
        }
    }
    assert!(
        own < 0.7 * line && own < 0.3 * spread,
        "{own} {line} {spread}"
    );
}

#[test]
fn a_window_that_knows_nothing_takes_the_nearest_value() {
    let mut series = vec![f64::NAN; 30];
    series[4] = 2.0;
    let out = SeriesSmoother::new(2).smooth(&series, &watch()).unwrap();
    assert!(out.values().iter().all(|v| *v == 2.0));
    let one = SeriesSmoother::new(3).smooth(&[7.0], &watch()).unwrap();
    assert_eq!(one.values(), [7.0]);
    let flat = SeriesSmoother::new(3).smooth(&[1.5; 40], &watch()).unwrap();
    assert!(flat.values().iter().all(|v| (v - 1.5).abs() < 1e-12) && flat.sigma() == 0.0);
}

/// The smoothing by its definition: windows compared one by one.
fn by_definition(series: &[f64], radius: usize, reach: usize, h: f64, sigma: f64) -> Vec<f64> {
    let n = series.len();
    let at = |i: usize, q: isize| -> f64 {
        let place = i.checked_add_signed(q).filter(|p| *p < n);
        place.map_or(f64::NAN, |p| series[p])
    };
    let radius = radius as isize;
    (0..n)
        .map(|i| {
            let offsets = || (-radius..=radius).filter(|q| *q != 0);
            let needed = offsets().filter(|q| !at(i, *q).is_nan()).count();
            if series[i].is_nan() || needed == 0 {
                return series[i];
            }
            let (mut total, mut sum) = (0.0, 0.0);
            for (j, value) in series.iter().enumerate() {
                if i.abs_diff(j) > reach {
                    continue;
                }
                let terms = (-radius..=radius).map(|q| at(i, q) - at(j, q));
                let terms: Vec<f64> = terms.filter(|t| !t.is_nan()).collect();
                if value.is_nan() || 2 * (terms.len() - 1) < needed {
                    continue;
                }
                let square = terms.iter().map(|t| t * t).sum::<f64>() / terms.len() as f64;
                let w = (-(square - 2.0 * sigma * sigma).max(0.0) / (h * h)).exp();
                total += w;
                sum += w * value;
            }
            sum / total
        })
        .collect()
}

/// Terms that windows share are summed once: to 1e-12 the same, with gaps, for any radius and reach, beside values a hundred million times as
/// large, and for any number of threads.
#[test]
fn shared_sums_are_those_of_the_definition() {
    let mut random = Rng::new(11);
    let plain: Vec<f64> = (0..400)
        .map(|i| (f64::from(i) * 0.37).sin() + 0.2 * random.normal())
        .collect();
    let mut gaps = plain.clone();
    for _ in 0..60 {
        gaps[random.below(400)] = f64::NAN;
    }
    gaps[200..220].fill(f64::NAN);
    let mut spikes = gaps.clone();
    for (i, spike) in [(5, 1e8), (250, -3e8), (252, 2e8), (399, 1e8)] {
        spikes[i] = spike;
    }
    let far: Vec<f64> = (0..400)
        .map(|i| plain[i] + if i > 250 { 1e8 } else { 0.0 })
        .collect();
    for (name, series, rounding) in [
        ("plain", &plain, 1e-12),
        ("gaps", &gaps, 1e-12),
        ("spikes", &spikes, 1e-12),
        ("far", &far, 1e-14),
    ] {
        for (radius, reach) in [(1, 400), (6, 400), (6, 3), (30, 200), (90, 50), (500, 9000)] {
            let (h, sigma) = (0.3, 0.2);
            let smoother = SeriesSmoother::new(radius).reach(reach).h(h).sigma(sigma);
            let out = smoother.smooth(series, &watch()).unwrap();
            let expected = by_definition(series, radius, reach, h, sigma);
            for (i, (a, b)) in out.values().iter().zip(&expected).enumerate() {
                assert!(
                    b.is_nan() || (a - b).abs() <= rounding * b.abs().max(1.0),
                    "{name} {radius} {reach} {i}: {a} {b}"
                );
            }
            assert_eq!(out, smoother.smooth(series, &watch().threads(1)).unwrap());
            assert_eq!(out, smoother.smooth(series, &watch().threads(3)).unwrap());
        }
    }
}

/// Weights of samples count as repetitions do.
#[test]
fn weights_count_as_repetitions() {
    let (x, y, _) = step(5, 40);
    let weights: Vec<f64> = (0..40).map(|i| f64::from(1 + i % 3)).collect();
    let (mut many_x, mut many_y) = (Vec::new(), Vec::new());
    for i in 0..40 {
        for _ in 0..=i % 3 {
            many_x.extend_from_slice(&x[2 * i..][..2]);
            many_y.push(y[i]);
        }
    }
    let rows = Rows::new(&x, 40, 2).unwrap();
    for range in [None, Some(0.4)] {
        let model = SelfLocalRegression::new(Kernel::gaussian(0.3)).range(range);
        let heavy = model
            .fit_weighted(rows, &y, Some(&weights), &watch())
            .unwrap();
        let many = Rows::new(&many_x, many_y.len(), 2).unwrap();
        let many = model.fit(many, &many_y, &watch()).unwrap();
        let plain = model.fit(rows, &y, &watch()).unwrap();
        let at =
            |fit: &locality::nonlocal::SelfLocalRegressionFit| fit.predict(rows, &watch()).unwrap();
        let (a, b, c) = (at(&heavy), at(&many), at(&plain));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(a.iter().zip(&c).any(|(a, c)| (a - c).abs() > 1e-3));
    }
    let bad = SelfLocalRegression::new(Kernel::gaussian(0.3));
    assert!(
        bad.fit_weighted(rows, &y, Some(&weights[1..]), &watch())
            .is_err()
    );
}

#[test]
fn units_do_not_matter() {
    let series = normal(3, 120, 1);
    let out = SeriesSmoother::new(4).smooth(&series, &watch()).unwrap();
    let other: Vec<f64> = series.iter().map(|x| 1000.0 * x - 7.0).collect();
    let other = SeriesSmoother::new(4).smooth(&other, &watch()).unwrap();
    for (a, b) in out.values().iter().zip(other.values()) {
        assert!((1000.0 * a - 7.0 - b).abs() < 1e-6);
    }
    // Squares of these would be infinite, or nothing.
    for factor in [1e200, 1e-200] {
        let other: Vec<f64> = series.iter().map(|x| factor * x).collect();
        let other = SeriesSmoother::new(4).smooth(&other, &watch()).unwrap();
        assert!((other.sigma() / factor / out.sigma() - 1.0).abs() < 1e-9);
        for (a, b) in out.values().iter().zip(other.values()) {
            assert!((a - b / factor).abs() < 1e-9);
        }
        let given = SeriesSmoother::new(4).sigma(out.sigma() * factor);
        let given = given.h(out.h() * factor);
        let scaled: Vec<f64> = series.iter().map(|x| factor * x).collect();
        let given = given.smooth(&scaled, &watch()).unwrap();
        for (a, b) in out.values().iter().zip(given.values()) {
            assert!((a - b / factor).abs() < 1e-9);
        }
    }
}

/// A rough season bends as much as noise does, but comes again.
#[test]
fn a_season_is_no_noise() {
    let season = [0.0, 1.0, 5.0, 2.0, 0.0, 0.0, 3.0, 1.0].repeat(30);
    let far = |out: &[f64]| (squares(out, &season) / 240.0).sqrt();
    let plain = SeriesSmoother::new(4).smooth(&season, &watch()).unwrap();
    assert!(plain.sigma() == 0.0 && far(plain.values()) < 1e-12);
    let noise = normal(5, 240, 1);
    for sigma in [0.1, 0.3] {
        let noisy: Vec<f64> = season
            .iter()
            .zip(&noise)
            .map(|(s, e)| s + sigma * e)
            .collect();
        let out = SeriesSmoother::new(4).smooth(&noisy, &watch()).unwrap();
        let found = out.sigma() / sigma;
        assert!((0.8..1.25).contains(&found), "{sigma}: {found}");
        assert!(
            far(out.values()) < 0.5 * sigma,
            "{sigma}: {}",
            far(out.values())
        );
        // Gaps are filled by their place in the season.
        let mut holes = noisy.clone();
        holes[100..104].fill(f64::NAN);
        let out = SeriesSmoother::new(4).smooth(&holes, &watch()).unwrap();
        for (found, season) in out.values()[100..104].iter().zip(&season[100..104]) {
            assert!((found - season).abs() < sigma);
        }
    }
}

/// Smooth curves, white noise and series of which every other value is missing.
#[test]
fn the_strength_of_noise_is_found() {
    let noise = normal(6, 600, 1);
    for sigma in [0.05, 1.0] {
        let curve = |i: usize| 3.0 * (0.02 * i as f64).sin();
        let noisy: Vec<f64> = (0..600).map(|i| curve(i) + sigma * noise[i]).collect();
        let out = SeriesSmoother::new(5).smooth(&noisy, &watch()).unwrap();
        let found = out.sigma() / sigma;
        assert!((0.88..1.12).contains(&found), "{sigma}: {found}");
        let mut holes = noisy;
        holes
            .iter_mut()
            .skip(1)
            .step_by(2)
            .for_each(|x| *x = f64::NAN);
        let out = SeriesSmoother::new(5).smooth(&holes, &watch()).unwrap();
        let found = out.sigma() / sigma;
        assert!((0.8..1.2).contains(&found), "{sigma}: {found}");
    }
    let out = SeriesSmoother::new(5).smooth(&noise, &watch()).unwrap();
    assert!((0.85..1.1).contains(&out.sigma()), "{}", out.sigma());
}

#[test]
fn mistakes_of_series_are_named() {
    let smooth = |s: SeriesSmoother, x: &[f64]| s.smooth(x, &watch()).unwrap_err();
    let good = [1.0, 2.0, 3.0];
    let plain = SeriesSmoother::new(2);
    assert_eq!(smooth(plain, &[]).kind(), ErrorKind::Empty);
    assert_eq!(smooth(plain, &[f64::NAN; 3]).kind(), ErrorKind::Empty);
    assert_eq!(
        smooth(plain, &[1.0, f64::INFINITY]).kind(),
        ErrorKind::NotFinite
    );
    for (smoother, text) in [
        (SeriesSmoother::new(0), "radius is 0"),
        (plain.reach(0), "reach is 0"),
        (plain.h(0.0), "h is 0"),
        (plain.sigma(-1.0), "sigma is -1"),
    ] {
        let error = smooth(smoother, &good);
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().starts_with(text), "{error}");
    }
}
