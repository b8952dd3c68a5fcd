//! Local generalized linear models against plain Newton steps on the whole table.

use locality::local::{Family, Link, LocalGlm, LocalGlmRegression, LocalLogistic, Search};
use locality::{Kernel, Rows, Watch};
use locality_testing::{Rng, normal};

const FAMILIES: [Family; 4] = [
    Family::Binomial,
    Family::Poisson,
    Family::Gamma,
    Family::NegativeBinomial { theta: 2.0 },
];

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn responses(family: Family, x: &[f64], d: usize) -> Vec<f64> {
    let mut rng = Rng::new(7);
    let eta = |row: &[f64]| 0.3 + row[0].sin() - 0.5 * row[d - 1];
    let draw = |row: &[f64]| {
        let mean = family.mean(eta(row));
        match family {
            Family::Binomial => f64::from(rng.uniform() < mean),
            Family::Gamma => mean * (0.1 - rng.uniform().max(1e-9).ln()),
            _ => (mean * (0.5 + rng.uniform())).round(),
        }
    };
    x.chunks_exact(d).map(draw).collect()
}

fn loss(family: Family, eta: f64, y: f64) -> f64 {
    match family {
        Family::Binomial => eta.max(0.0) + (-eta.abs()).exp().ln_1p() - y * eta,
        Family::Poisson => eta.exp() - y * eta,
        Family::Gamma => y * (-eta).exp() + eta,
        Family::NegativeBinomial { theta } => (y + theta) * (theta + eta.exp()).ln() - y * eta,
    }
}

/// The penalised risk of coefficients at a target.
fn risk(family: Family, x: &[f64], d: usize, y: &[f64], w: &[f64], penalty: f64, b: &[f64]) -> f64 {
    let sum: f64 = x
        .chunks_exact(d)
        .zip(y)
        .zip(w)
        .map(|((row, y), w)| {
            let eta: f64 = b[0] + row.iter().zip(&b[1..]).map(|(x, b)| x * b).sum::<f64>();
            w * loss(family, eta, *y)
        })
        .sum();
    sum + 0.5 * penalty * b[1..].iter().map(|b| b * b).sum::<f64>()
}

#[test]
fn coefficients_minimise_the_local_risk() {
    let watch = Watch::default();
    for d in [1, 3] {
        let (n, h) = (400, 0.9);
        let x = normal(1, n, d);
        let targets = normal(2, 12, d);
        let mut rng = Rng::new(3);
        let weights: Vec<f64> = (0..n).map(|_| 0.2 + rng.uniform()).collect();
        for family in FAMILIES {
            let y = responses(family, &x, d);
            for (penalty, weights) in [(1.0, None), (0.01, Some(&weights[..]))] {
                let model = LocalGlm::new(Kernel::gaussian(h), family).penalty(penalty);
                let fit = model
                    .fit(rows(&x, d), Rows::column(&y), weights, &watch)
                    .unwrap();
                let found = fit.at(rows(&targets, d), &watch).unwrap();
                for (i, t) in targets.chunks_exact(d).enumerate() {
                    assert!(found.converged()[i], "{family:?}");
                    let w: Vec<f64> = x
                        .chunks_exact(d)
                        .enumerate()
                        .map(|(i, row)| {
                            let d2: f64 = row.iter().zip(t).map(|(a, b)| (a - b).powi(2)).sum();
                            weights.map_or(1.0, |w| w[i]) * (-0.5 * d2 / (h * h)).exp()
                        })
                        .collect();
                    let slopes = &found.slopes()[i * d..][..d];
                    let at_target: f64 = slopes.iter().zip(t).map(|(b, x)| b * x).sum();
                    let mut b = vec![found.linear_predictors()[i] - at_target];
                    b.extend(slopes);
                    // No coefficient can be moved without the risk rising: its derivative vanishes beside its curvature.
                    for j in 0..=d {
                        let step = 1e-4;
                        let moved = |by: f64| {
                            let mut b = b.clone();
                            b[j] += by;
                            risk(family, &x, d, &y, &w, penalty, &b)
                        };
                        let (up, here, down) = (moved(step), moved(0.0), moved(-step));
                        let slope = (up - down) / (2.0 * step);
                        let curvature = (up - 2.0 * here + down) / (step * step);
                        assert!(curvature > 0.0);
                        let off = slope / curvature;
                        assert!(
                            off.abs() < 1e-5,
                            "{family:?}, coefficient {j}: off by {off}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_wide_kernel_is_the_global_model_and_scarce_samples_their_mean() {
    let watch = Watch::default();
    let (n, d) = (300, 2);
    let x = normal(4, n, d);
    for family in FAMILIES {
        let y = responses(family, &x, d);
        let at = |h: f64, penalty: f64, targets: &[f64]| {
            let model = LocalGlm::new(Kernel::gaussian(h), family).penalty(penalty);
            let fit = model
                .fit(rows(&x, d), Rows::column(&y), None, &watch)
                .unwrap();
            fit.at(rows(targets, d), &watch).unwrap()
        };
        let wide = at(1e7, 1.0, &[0.0, 0.0, 1.0, -1.0]);
        assert!(
            (wide.slopes()[0] - wide.slopes()[2]).abs() < 1e-6,
            "{family:?}: one model everywhere"
        );
        // Under a strong penalty nothing but the constant is left: the mean of the weighted responses.
        let flat = at(0.5, 1e9, &[0.2, 0.1]);
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, y) in x.chunks_exact(d).zip(&y) {
            let w = (-0.5 * ((row[0] - 0.2).powi(2) + (row[1] - 0.1).powi(2)) / 0.25).exp();
            sum += w * y;
            total += w;
        }
        assert!(
            (flat.means()[0] - sum / total).abs() < 1e-5,
            "{family:?}: {} for {}",
            flat.means()[0],
            sum / total
        );
    }
}

#[test]
fn separable_classes_and_empty_regions_are_no_trouble() {
    let watch = Watch::default();
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| f64::from(*x >= 20.0)).collect();
    for kernel in ["gaussian(h=3)", "epanechnikov(h=2)"] {
        let model = LocalGlm::new(kernel.parse().unwrap(), Family::Binomial);
        let fit = model
            .fit(Rows::column(&x), Rows::column(&y), None, &watch)
            .unwrap();
        let found = fit
            .at(Rows::column(&[-500.0, 0.0, 19.0, 20.0, 39.0, 1e4]), &watch)
            .unwrap();
        let m = found.means();
        assert!(m.iter().all(|m| (0.0..=1.0).contains(m)));
        assert!(
            m[1] < 0.1 && m[2] < 0.5 && m[3] > 0.5 && m[4] > 0.9,
            "{kernel}: {m:?}"
        );
        if kernel.starts_with('e') {
            assert!(
                m[0] == 0.0 && m[5] == 1.0,
                "the nearest sample answers: {m:?}"
            );
            assert_eq!(found.effective_samples()[5], 0.0);
        }
    }
}

#[test]
fn threads_and_company_change_nothing() {
    let x = normal(5, 5000, 2);
    let y = responses(Family::Binomial, &x, 2);
    let model = LocalGlm::new("tricube(knn=200)".parse().unwrap(), Family::Binomial);
    let fit = model
        .fit(rows(&x, 2), Rows::column(&y), None, &Watch::default())
        .unwrap();
    let some = rows(&x, 2).slice(0..50);
    let all = fit.at(some, &Watch::default().threads(2)).unwrap();
    let one = fit.at(some, &Watch::default().threads(1)).unwrap();
    assert_eq!(all.means(), one.means());
    for i in 0..50 {
        let alone = fit.at(some.slice(i..i + 1), &Watch::default()).unwrap();
        assert_eq!(alone.means()[0], all.means()[i]);
    }
}

#[test]
fn bad_responses_are_named() {
    let watch = Watch::default();
    let x = [0.0, 1.0, 2.0];
    for (family, y, wanted) in [
        (Family::Binomial, [0.0, 2.0, 1.0], "2 in row 1"),
        (Family::Poisson, [0.0, 2.0, -1.0], "-1 in row 2"),
        (Family::Gamma, [0.0, 2.0, 1.0], "0 in row 0"),
        (
            Family::NegativeBinomial { theta: -1.0 },
            [0.0, 2.0, 1.0],
            "theta=-1",
        ),
    ] {
        let fit = LocalGlm::new(Kernel::gaussian(1.0), family).fit(
            Rows::column(&x),
            Rows::column(&y),
            None,
            &watch,
        );
        let message = fit.map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn bandwidths_are_compared_by_what_models_of_the_others_predict() {
    let watch = Watch::default();
    let (n, d) = (60, 2);
    let x = normal(21, n, d);
    for (family, classes) in [
        (Family::Poisson, 1),
        (Family::Binomial, 1),
        (Family::Binomial, 3),
    ] {
        let y: Vec<f64> = if classes == 1 {
            responses(family, &x, d)
        } else {
            let class = |r: &[f64]| usize::from(r[0] > 0.2) + usize::from(r[1] > 0.4);
            let one_hot = |r: &[f64]| [0, 1, 2].map(|k| f64::from(u8::from(k == class(r))));
            x.chunks_exact(d).flat_map(one_hot).collect()
        };
        let kernel = Kernel::gaussian(1.0);
        let tried = if classes == 1 {
            let model = LocalGlmRegression::new(kernel, family).penalty(1.0);
            let model = model.search(Search::Fixed).standardize(false);
            let fit = model.fit(rows(&x, d), Rows::column(&y), None, &watch);
            fit.unwrap().tried().to_vec()
        } else {
            let model = LocalLogistic::new(kernel)
                .search(Search::Fixed)
                .standardize(false);
            let fit = model.fit(rows(&x, d), &class_of(&y, classes), classes, None, &watch);
            fit.unwrap().tried().to_vec()
        };
        let best = &tried[0];
        let mut sum = 0.0;
        for i in 0..n {
            let keep: Vec<usize> = (0..n).filter(|j| *j != i).collect();
            let others: Vec<f64> = keep
                .iter()
                .flat_map(|&j| x[j * d..][..d].to_vec())
                .collect();
            let means: Vec<f64> = (0..classes)
                .map(|c| {
                    let y: Vec<f64> = keep.iter().map(|&j| y[j * classes + c]).collect();
                    let fit = LocalGlm::new(best.kernel.clone(), family)
                        .fit(rows(&others, d), Rows::column(&y), None, &watch)
                        .unwrap();
                    fit.at(rows(&x[i * d..][..d], d), &watch).unwrap().means()[0]
                })
                .collect();
            let y = &y[i * classes..][..classes];
            sum -= match (family, classes) {
                (Family::Poisson, _) => y[0] * means[0].ln() - means[0],
                (_, 1) => y[0] * means[0].ln() + (1.0 - y[0]) * (1.0 - means[0]).ln(),
                _ => {
                    let total: f64 = means.iter().sum();
                    means.iter().zip(y).map(|(m, y)| y * (m / total).ln()).sum()
                }
            };
        }
        let wanted = sum / n as f64;
        // Both centre their columns, about means that differ by a sample: penalties do not.
        assert!(
            (best.score - wanted).abs() < 1e-5,
            "{family:?} {classes}: {} {wanted}",
            best.score
        );
    }
}

/// Where its own response is nothing to go by, no width may seem to foretell noise: not where a sample sees no other, nor where others weigh next to nothing
/// beside itself.
#[test]
fn a_search_never_sees_a_samples_own_response() {
    let (n, watch) = (150, Watch::default());
    let (x, mut rng) = (normal(23, n, 3), Rng::new(24));
    let classes: Vec<usize> = (0..n).map(|_| rng.below(2)).collect();
    for kernel in ["tricube", "epanechnikov", "triangular", "gaussian"] {
        for search in [Search::Auto, Search::Fixed, Search::PerColumn] {
            let model = LocalLogistic::new(kernel.parse().unwrap()).search(search);
            let fit = model.fit(rows(&x, 3), &classes, 2, None, &watch).unwrap();
            let scores = fit.tried().iter().map(|t| t.score);
            let best = scores.fold(f64::INFINITY, f64::min);
            assert!(best > 0.6, "{kernel}, {search:?}: {best}");
        }
    }
}

#[test]
fn shares_of_classes_are_one_together() {
    let watch = Watch::default();
    let x = normal(22, 120, 2);
    let classes: Vec<usize> = x
        .chunks_exact(2)
        .map(|r| usize::from(r[0] * r[1] < 0.0))
        .collect();
    let model = LocalLogistic::new("gaussian".parse().unwrap());
    let fit = model.fit(rows(&x, 2), &classes, 2, None, &watch).unwrap();
    let shares = fit.predict_proba(rows(&x, 2), &watch).unwrap();
    let right = shares.chunks_exact(2).zip(&classes);
    let right =
        right.filter(|(s, c)| (s[0] + s[1] - 1.0).abs() < 1e-12 && (s[1] > s[0]) == (**c == 1));
    assert!(
        right.count() > 105,
        "a quarter-turned boundary is no line, and found"
    );
    // What was found is used again as it is.
    let again = LocalLogistic::new(fit.kernel().clone())
        .search(Search::Given)
        .scales(fit.scales());
    let again = again.fit(rows(&x, 2), &classes, 2, None, &watch).unwrap();
    assert_eq!(again.predict_proba(rows(&x, 2), &watch).unwrap(), shares);
}

fn class_of(one_hot: &[f64], classes: usize) -> Vec<usize> {
    let rows = one_hot.chunks_exact(classes);
    rows.map(|row| row.iter().position(|y| *y == 1.0).unwrap())
        .collect()
}

/// The weighted risk of means, linear in the columns, that must not be negative.
fn risk_of_means(family: Family, rows: &[(Vec<f64>, f64, f64)], b: &[f64]) -> f64 {
    let one = |(z, y, w): &(Vec<f64>, f64, f64)| {
        let mean: f64 = b[0] + z.iter().zip(&b[1..]).map(|(z, b)| z * b).sum::<f64>();
        let log = if *y > 0.0 { y * mean.ln() } else { 0.0 };
        let loss = match family {
            Family::NegativeBinomial { theta } => (y + theta) * (theta + mean).ln() - log,
            _ => mean - log,
        };
        if mean < 0.0 { f64::INFINITY } else { w * loss }
    };
    rows.iter().map(one).sum()
}

#[test]
fn counts_with_zeros_under_the_identity_have_the_best_means_that_are_not_negative() {
    let watch = Watch::default();
    let (n, h) = (200, 0.5);
    for d in [1, 2] {
        let mut rng = Rng::new(31);
        let x: Vec<f64> = (0..n * d).map(|_| 2.0 * rng.uniform() - 1.0).collect();
        // None on one side, more and more on the other.
        let count = |row: &[f64], u: f64| (4.0 * (row[0] + 0.2).max(0.0) * 2.0 * u).round();
        let y: Vec<f64> = x
            .chunks_exact(d)
            .map(|row| count(row, rng.uniform()))
            .collect();
        for family in [Family::Poisson, Family::NegativeBinomial { theta: 2.0 }] {
            let model = LocalGlm::new(Kernel::gaussian(h), family)
                .penalty(0.0)
                .link(Link::Identity)
                .guard(false);
            let fit = model
                .fit(rows(&x, d), Rows::column(&y), None, &watch)
                .unwrap();
            let found = fit.at(rows(&x, d), &watch).unwrap();
            let mut at_border = 0;
            for (i, t) in x.chunks_exact(d).enumerate().take(40) {
                assert!(found.converged()[i] && found.means()[i] >= 0.0);
                let mut b = vec![found.linear_predictors()[i]];
                b.extend(&found.slopes()[i * d..][..d]);
                let sample: Vec<_> = x
                    .chunks_exact(d)
                    .zip(&y)
                    .map(|(row, y)| {
                        let z: Vec<f64> = row.iter().zip(t).map(|(a, b)| a - b).collect();
                        let square: f64 = z.iter().map(|z| z * z).sum();
                        (z, *y, (-0.5 * square / (h * h)).exp())
                    })
                    .collect();
                let here = risk_of_means(family, &sample, &b);
                assert!(here.is_finite(), "a mean is negative at some sample");
                let mean =
                    |z: &[f64]| b[0] + z.iter().zip(&b[1..]).map(|(z, b)| z * b).sum::<f64>();
                at_border += usize::from(sample.iter().any(|s| mean(&s.0) < 1e-6));
                // No way that leaves means positive lowers the risk.
                for k in 0..3000 {
                    let step = 10_f64.powi(-(k % 6));
                    let other: Vec<f64> = b.iter().map(|b| b + step * rng.normal()).collect();
                    let there = risk_of_means(family, &sample, &other);
                    assert!(
                        there >= here - 1e-9 * here.abs(),
                        "{family:?} in {d} columns at {t:?}: {here} at {b:?}, {there} at {other:?}"
                    );
                }
            }
            assert!(at_border > 5, "{at_border} of the best lines end at 0");
        }
    }
}

/// A line that is 0 at the last sample would be negative beyond it.
#[test]
fn no_mean_under_the_identity_is_negative_outside_the_samples() {
    let watch = Watch::default();
    let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 59.0).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| if *x > 0.3 { (6.0 * x).floor() } else { 0.0 })
        .collect();
    let targets = [-3.0, -0.1, 0.0, 0.05, 0.5, 1.0];
    for guard in [false, true] {
        let fit = LocalGlm::new(Kernel::gaussian(0.2), Family::Poisson)
            .penalty(1e-3)
            .link(Link::Identity)
            .guard(guard)
            .fit(Rows::column(&x), Rows::column(&y), None, &watch)
            .unwrap();
        let found = fit.at(Rows::column(&targets), &watch).unwrap();
        assert!(
            found.means().iter().all(|m| *m >= 0.0),
            "{:?}",
            found.means()
        );
        assert!((found.means()[4] - 2.5).abs() < 0.5 && found.converged().iter().all(|c| *c));
    }
    // Nothing was counted.
    let none = vec![0.0; 60];
    let fit = LocalGlm::new(Kernel::gaussian(0.2), Family::Poisson).link(Link::Identity);
    let fit = fit
        .fit(Rows::column(&x), Rows::column(&none), None, &watch)
        .unwrap();
    let found = fit.at(Rows::column(&targets), &watch).unwrap();
    assert!(found.means().iter().all(|m| *m == 0.0));
}
