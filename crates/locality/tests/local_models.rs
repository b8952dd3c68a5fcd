//! Models made local by the traits: against plain loops and against the models that exist.

use locality::local::{
    Covariance, Discriminant, LocalPolynomial, LocalQuantile, Localized, Normal, WeightedModel,
    WeightedSample,
};
use locality::{Kernel, Result, Rows, Watch};
use locality_testing::{Rng, normal};

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn gaussian(a: &[f64], b: &[f64], h: f64) -> f64 {
    let d2: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (-0.5 * d2 / (h * h)).exp()
}

/// Least squares with a constant by gradient steps from the start: slow, and a model of a user's own.
struct Line;

impl WeightedModel for Line {
    type Fit = Vec<f64>;
    fn outputs(&self, _columns: usize, _responses: usize) -> usize {
        1
    }
    fn fit(&self, sample: &WeightedSample<'_>, start: Option<&Vec<f64>>) -> Result<Vec<f64>> {
        let d = sample.x.columns();
        let mut b = start.cloned().unwrap_or_else(|| vec![0.0; d + 1]);
        let total: f64 = sample.weights.iter().sum();
        for _ in 0..20_000 {
            let mut slope = vec![0.0; d + 1];
            for ((x, y), w) in sample.x.iter().zip(sample.y.iter()).zip(sample.weights) {
                let fitted: f64 = b[0] + x.iter().zip(&b[1..]).map(|(x, b)| x * b).sum::<f64>();
                let r = w * (fitted - y[0]);
                slope[0] += r;
                slope[1..].iter_mut().zip(x).for_each(|(s, x)| *s += r * x);
            }
            b.iter_mut()
                .zip(&slope)
                .for_each(|(b, s)| *b -= 0.3 * s / total);
        }
        Ok(b)
    }
    fn predict(&self, fit: &Vec<f64>, target: &[f64], out: &mut [f64]) {
        out[0] = fit[0]
            + target
                .iter()
                .zip(&fit[1..])
                .map(|(x, b)| x * b)
                .sum::<f64>();
    }
}

#[test]
fn a_users_least_squares_is_local_linear_regression() {
    let (n, watch) = (60, Watch::default());
    let x = normal(1, n, 2);
    let mut rng = Rng::new(2);
    let y: Vec<f64> = x
        .chunks(2)
        .map(|r| r[0].sin() + r[1] + 0.1 * rng.uniform())
        .collect();
    let weights: Vec<f64> = (0..n)
        .map(|i| f64::from(i % 3 > 0) * (0.5 + rng.uniform()))
        .collect();
    let targets = [0.0, 0.0, 0.3, -0.4];
    let kernel = Kernel::gaussian(1.0);
    let own = Localized::new(Line, kernel.clone());
    let own = own
        .fit(rows(&x, 2), Rows::column(&y), Some(&weights), &watch)
        .unwrap();
    let found = own.at(rows(&targets, 2), &watch).unwrap();
    let known = LocalPolynomial::new(kernel).guard(false);
    let known = known
        .fit(rows(&x, 2), Rows::column(&y), Some(&weights), &watch)
        .unwrap();
    let known = known.at(rows(&targets, 2), &watch).unwrap();
    for (a, b) in found.values().iter().zip(known.values()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    for (a, b) in found
        .effective_samples()
        .iter()
        .zip(known.effective_samples())
    {
        assert!((a - b).abs() < 1e-9 * b);
    }
    // The fits themselves, about the origin: their slopes are those about the target.
    let fits = own.fits(rows(&targets, 2), &watch).unwrap();
    for (fit, slopes) in fits.iter().zip(known.slopes().chunks(2)) {
        let fit = fit.as_ref().unwrap();
        assert!((fit[1] - slopes[0]).abs() < 1e-5 && (fit[2] - slopes[1]).abs() < 1e-5);
    }
}

#[test]
fn where_too_few_samples_weigh_the_model_of_all_answers() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let y = [0.0, 1.0, 2.0, 3.0];
    let watch = Watch::default();
    let model = Localized::new(Line, "boxcar(h=1.1)".parse().unwrap()).least_samples(2.5);
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), None, &watch)
        .unwrap();
    let at = fit.at(Rows::column(&[1.0, 3.0, 50.0]), &watch).unwrap();
    assert_eq!(at.thin(), [false, true, true]);
    assert_eq!(at.effective_samples()[2], 0.0);
    assert!(
        (at.values()[2] - 50.0).abs() < 1e-6,
        "the line through all samples"
    );
}

#[test]
fn a_users_model_turns_smoothly_into_the_local_mean() {
    let watch = Watch::default();
    let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x * x).collect();
    let (target, mut before) = ([0.935], f64::NAN);
    let mut shares = Vec::new();
    for step in 0..80 {
        let h = 0.01 * 1.04_f64.powi(step);
        let one = |guard: bool| {
            let model = Localized::new(Line, Kernel::gaussian(h))
                .guard(guard)
                .least_samples(0.0);
            let fit = model
                .fit(Rows::column(&x), Rows::column(&y), None, &watch)
                .unwrap();
            fit.at(Rows::column(&target), &watch).unwrap()
        };
        let (guarded, whole) = (one(true), one(false).values()[0]);
        let weights: Vec<f64> = x.iter().map(|x| gaussian(&[*x], &target, h)).collect();
        let total: f64 = weights.iter().sum();
        let mean = weights.iter().zip(&y).map(|(w, y)| w * y).sum::<f64>() / total;
        let effective = total * total / weights.iter().map(|w| w * w).sum::<f64>();
        let value = guarded.values()[0];
        assert!(
            before.is_nan() || (value - before).abs() < 0.1,
            "{h} {before} {value}"
        );
        before = value;
        if effective <= 2.0 {
            assert!((value - mean).abs() < 1e-6 && guarded.thin()[0]);
        } else if effective >= 4.0 {
            assert!((value - whole).abs() < 1e-12 && !guarded.thin()[0]);
        } else {
            shares.push((value - mean) / (whole - mean));
        }
    }
    // The share of the line grows from nothing to all of it.
    assert!(
        shares.len() > 10 && shares.windows(2).all(|s| s[0] <= s[1] + 1e-9),
        "{shares:?}"
    );
    assert!(
        shares[0] < 0.9 && shares[shares.len() - 1] > 0.99,
        "{shares:?}"
    );
}

#[test]
fn a_users_model_is_not_drawn_out_for_ever() {
    let watch = Watch::default();
    let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
    let fit = Localized::new(Line, Kernel::gaussian(100.0));
    let fit = fit
        .fit(Rows::column(&x), Rows::column(&x), None, &watch)
        .unwrap();
    let far = fit.at(Rows::column(&[1e3]), &watch).unwrap();
    assert!(
        far.thin()[0] && far.values()[0].abs() < 5.0,
        "{:?}",
        far.values()
    );
    // Of weights that hardly are numbers, too, the mean is that of the nearest.
    let narrow = Localized::new(Line, Kernel::gaussian(0.05));
    let narrow = narrow
        .fit(Rows::column(&x), Rows::column(&x), None, &watch)
        .unwrap();
    let far = narrow.at(Rows::column(&[3.0]), &watch).unwrap();
    assert!(
        far.thin()[0] && (far.values()[0] - 0.95).abs() < 0.01,
        "{:?}",
        far.values()
    );
}

#[test]
fn normal_distributions_are_plain_sums() {
    let (n, d, p, h) = (80, 2, 2, 0.8);
    let (x, y) = (normal(3, n, d), normal(4, n, p));
    let watch = Watch::default();
    let targets = normal(5, 7, d);
    let fit = Localized::new(Normal, Kernel::gaussian(h));
    let fit = fit
        .fit_lifted(rows(&x, d), rows(&y, p), None, &watch)
        .unwrap();
    let found = fit.at(rows(&targets, d), &watch).unwrap();
    for (t, found) in targets.chunks(d).zip(found.chunks(5)) {
        let w: Vec<f64> = x.chunks(d).map(|r| gaussian(r, t, h)).collect();
        let total: f64 = w.iter().sum();
        let mean = |f: &dyn Fn(&[f64]) -> f64| -> f64 {
            w.iter()
                .zip(y.chunks(p))
                .map(|(w, y)| w * f(y))
                .sum::<f64>()
                / total
        };
        let (a, b) = (mean(&|y| y[0]), mean(&|y| y[1]));
        let wanted = [
            a,
            b,
            mean(&|y| (y[0] - a).powi(2)),
            mean(&|y| (y[0] - a) * (y[1] - b)),
            mean(&|y| (y[1] - b).powi(2)),
        ];
        for (f, w) in found.iter().zip(wanted) {
            assert!((f - w).abs() < 1e-12, "{found:?} {wanted:?}");
        }
    }
}

/// Posterior shares by inverting the covariances by hand, in two columns.
fn by_hand(kind: Covariance, x: &[f64], class: &[usize], w: &[f64], t: &[f64]) -> Vec<f64> {
    let classes = class.iter().max().unwrap() + 1;
    let mut shares = vec![0.0; classes];
    let mut means = vec![[0.0; 2]; classes];
    let mut spreads = vec![[0.0; 3]; classes];
    let each = || x.chunks(2).zip(class).zip(w).map(|((x, c), w)| (x, *c, *w));
    for (x, c, w) in each() {
        shares[c] += w;
        means[c][0] += w * x[0];
        means[c][1] += w * x[1];
    }
    for (m, s) in means.iter_mut().zip(&shares) {
        for m in m.iter_mut() {
            *m /= s;
        }
    }
    let total: f64 = shares.iter().sum();
    for (x, c, w) in each() {
        let (a, b) = (x[0] - means[c][0], x[1] - means[c][1]);
        let by = if kind == Covariance::Shared {
            total
        } else {
            shares[c]
        };
        let to = if kind == Covariance::Shared {
            0..classes
        } else {
            c..c + 1
        };
        for c in to {
            spreads[c][0] += w * a * a / by;
            spreads[c][1] += w * a * b / by;
            spreads[c][2] += w * b * b / by;
        }
    }
    let density = |c: usize| {
        let [xx, mut xy, yy] = spreads[c];
        if kind == Covariance::Diagonal {
            xy = 0.0;
        }
        let det = xx * yy - xy * xy;
        let (a, b) = (t[0] - means[c][0], t[1] - means[c][1]);
        let form = (yy * a * a - 2.0 * xy * a * b + xx * b * b) / det;
        shares[c] * (-0.5 * form).exp() / det.sqrt()
    };
    let all: Vec<f64> = (0..classes).map(density).collect();
    let sum: f64 = all.iter().sum();
    all.iter().map(|a| a / sum).collect()
}

#[test]
fn discriminants_are_bayes_rule_on_normal_distributions() {
    let (n, h, watch) = (150, 1.2, Watch::default());
    let x = normal(6, n, 2);
    let class: Vec<usize> = x
        .chunks(2)
        .enumerate()
        .map(|(i, r)| {
            if i % 7 == 0 {
                i % 3
            } else {
                usize::from(r[0] > 0.3) + usize::from(r[1] > 0.5)
            }
        })
        .collect();
    let one_hot: Vec<f64> = class
        .iter()
        .flat_map(|c| (0..3).map(|k| f64::from(k == *c)).collect::<Vec<_>>())
        .collect();
    let targets = normal(7, 9, 2);
    for kind in [
        Covariance::Shared,
        Covariance::PerClass,
        Covariance::Diagonal,
    ] {
        let model = Discriminant::new(kind, 0.0).unwrap();
        // Columns far from 0: products must not lose their digits.
        let far: Vec<f64> = x.iter().map(|x| x + 1e5).collect();
        let far_targets: Vec<f64> = targets.iter().map(|x| x + 1e5).collect();
        let fit = Localized::new(model, Kernel::gaussian(h));
        let fit = fit
            .fit_lifted(rows(&far, 2), rows(&one_hot, 3), None, &watch)
            .unwrap();
        let found = fit.at(rows(&far_targets, 2), &watch).unwrap();
        for (t, found) in targets.chunks(2).zip(found.chunks(3)) {
            let w: Vec<f64> = x.chunks(2).map(|r| gaussian(r, t, h)).collect();
            let wanted = by_hand(kind, &x, &class, &w, t);
            for (a, b) in found.iter().zip(&wanted) {
                assert!((a - b).abs() < 1e-6, "{kind:?}: {found:?} {wanted:?}");
            }
        }
    }
}

#[test]
fn a_shrunken_discriminant_and_a_class_that_is_not_there() {
    let x = [0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 10.0, 0.0];
    let y = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
    let watch = Watch::default();
    // The second column is constant: its variance is 0 in every class.
    for kind in [
        Covariance::Shared,
        Covariance::PerClass,
        Covariance::Diagonal,
    ] {
        for shrinkage in [0.0, 0.5, 1.0] {
            let model = Discriminant::new(kind, shrinkage).unwrap();
            let fit = Localized::new(model, "boxcar(h=3)".parse().unwrap());
            let fit = fit
                .fit_lifted(rows(&x, 2), rows(&y, 2), None, &watch)
                .unwrap();
            let found = fit
                .at(rows(&[0.5, 0.0, 2.0, 0.0, 10.0, 0.0, 99.0, 0.0], 2), &watch)
                .unwrap();
            assert!(
                found.iter().all(|f| (0.0..=1.0).contains(f)),
                "{kind:?} {found:?}"
            );
            assert!(
                found[0] > 0.5 && found[3] > 0.5,
                "{kind:?} {shrinkage} {found:?}"
            );
            assert_eq!(
                found[4..],
                [1.0, 0.0, 1.0, 0.0],
                "one class alone, and the nearest"
            );
        }
    }
    assert!(Discriminant::new(Covariance::Shared, 1.5).is_err());
}

fn check_loss(r: f64, level: f64) -> f64 {
    r * (level - f64::from(r < 0.0))
}

#[test]
fn quantiles_split_the_weight() {
    let (n, h, watch) = (101, 0.7, Watch::default());
    let (x, y) = (normal(8, n, 1), normal(9, n, 1));
    let mut rng = Rng::new(10);
    let weights: Vec<f64> = (0..n).map(|_| rng.uniform()).collect();
    let levels = [0.1, 0.5, 0.95];
    let model = LocalQuantile::new(Kernel::gaussian(h)).levels(levels);
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), Some(&weights), &watch)
        .unwrap();
    let targets = [-1.0, 0.0, 0.5];
    let found = fit.at(Rows::column(&targets), &watch).unwrap();
    for (t, found) in targets.iter().zip(found.chunks(3)) {
        let w: Vec<f64> = (0..n)
            .map(|i| weights[i] * gaussian(&x[i..=i], &[*t], h))
            .collect();
        let total: f64 = w.iter().sum();
        for (q, level) in found.iter().zip(levels) {
            let below = |strict: bool| -> f64 {
                let each = y
                    .iter()
                    .zip(&w)
                    .filter(|(y, _)| if strict { **y < *q } else { **y <= *q });
                each.map(|(_, w)| w).sum::<f64>() / total
            };
            assert!(below(true) < level && level <= below(false), "{level}: {q}");
        }
    }
}

#[test]
fn quantile_lines_minimise_the_check_loss() {
    let (n, watch) = (200, Watch::default());
    let x = normal(11, n, 2);
    let noise = normal(12, n, 1);
    let y: Vec<f64> = x
        .chunks(2)
        .zip(&noise)
        .map(|(r, e)| r[0] - 2.0 * r[1] + e * (1.0 + 0.5 * r[0].abs()))
        .collect();
    let h = 1.0;
    let targets = [0.1, 0.2, -0.5, 0.4];
    for level in [0.2, 0.5, 0.9] {
        let model = LocalQuantile::new(Kernel::gaussian(h))
            .levels([level])
            .degree(1);
        let fit = model
            .fit(rows(&x, 2), Rows::column(&y), None, &watch)
            .unwrap();
        let found = fit.at(rows(&targets, 2), &watch).unwrap();
        for (t, value) in targets.chunks(2).zip(&found) {
            let w: Vec<f64> = x.chunks(2).map(|r| gaussian(r, t, h)).collect();
            // The best loss with this constant, and with others, by a fine search over slopes.
            let best = |b0: f64| {
                let loss = |b: [f64; 2]| -> f64 {
                    let each = x.chunks(2).zip(&y).zip(&w);
                    each.map(|((r, y), w)| {
                        let fitted = b0 + b[0] * (r[0] - t[0]) + b[1] * (r[1] - t[1]);
                        w * check_loss(y - fitted, level)
                    })
                    .sum()
                };
                let (mut at, mut step) = ([1.0, -2.0], 0.5);
                let mut value = loss(at);
                while step > 1e-7 {
                    let mut better = false;
                    for (a, b) in [
                        (1.0, 0.0),
                        (-1.0, 0.0),
                        (0.0, 1.0),
                        (0.0, -1.0),
                        (1.0, 1.0),
                        (-1.0, -1.0),
                        (1.0, -1.0),
                        (-1.0, 1.0),
                    ] {
                        let next = [at[0] + a * step, at[1] + b * step];
                        if loss(next) < value {
                            (at, value, better) = (next, loss(next), true);
                        }
                    }
                    if !better {
                        step *= 0.5;
                    }
                }
                value
            };
            let here = best(*value);
            for off in [-0.1, -0.01, 0.01, 0.1] {
                assert!(
                    best(value + off) >= here - 1e-6 * here,
                    "{level} {t:?} {off}"
                );
            }
        }
    }
    // Without noise any quantile is the line.
    let line: Vec<f64> = x.chunks(2).map(|r| 1.0 + r[0] - 2.0 * r[1]).collect();
    let model = LocalQuantile::new(Kernel::gaussian(h))
        .levels([0.3])
        .degree(1);
    let fit = model
        .fit(rows(&x, 2), Rows::column(&line), None, &watch)
        .unwrap();
    let found = fit.at(rows(&[0.5, 0.5], 2), &watch).unwrap();
    assert!((found[0] - 0.5).abs() < 1e-9, "{found:?}");
}

#[test]
fn bad_parameters_are_named() {
    let watch = Watch::default();
    let x = [0.0, 1.0, 2.0];
    let quantile = |model: LocalQuantile| {
        let fit = model.fit(Rows::column(&x), Rows::column(&x), None, &watch);
        fit.map(|_| ()).unwrap_err().to_string()
    };
    let model = LocalQuantile::new(Kernel::gaussian(1.0));
    assert!(quantile(model.clone().levels([0.0])).contains("level=0"));
    assert!(quantile(model.clone().on([3])).contains("columns has 3"));
    assert!(quantile(model.degree(1000)).contains("degree=1000"));
    let own = Localized::new(Line, Kernel::gaussian(1.0)).on([1]);
    let fit = own.fit(Rows::column(&x), Rows::column(&x), None, &watch);
    assert!(
        fit.map(|_| ())
            .unwrap_err()
            .to_string()
            .contains("columns has 1")
    );
}
