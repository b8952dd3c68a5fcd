//! Bandwidths from the data, and the kernel classifier.

use locality::density::{
    BandwidthChoice, KernelClassifier, KernelDensity, KernelDensityFit, Priors,
};
use locality::{Bandwidth, Kernel, OnEmpty, Rows, Watch};
use locality_testing::{Rng, blobs, close, normal};

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn watch() -> Watch<'static> {
    Watch::default()
}

fn chosen(text: &str, rule: &str, x: &[f64], d: usize) -> Vec<f64> {
    let density = KernelDensity::new().kernel(text.parse().unwrap());
    let choice: BandwidthChoice = rule.parse().unwrap();
    widths(&density.bandwidth(choice).fit(rows(x, d), &watch()).unwrap())
}

fn widths(model: &KernelDensityFit<f64>) -> Vec<f64> {
    match model.bandwidth() {
        Bandwidth::Fixed(h) => vec![*h],
        Bandwidth::PerFeature(h) => h.clone(),
        other => panic!("{other:?}"),
    }
}

fn deviation(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// Numbers of two humps, by the arithmetic of the oracle script beside this file.
fn humps(seed: u64, n: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n)
        .map(|i| {
            let tent = rng.uniform() + rng.uniform() + rng.uniform() - 1.5;
            if i % 3 == 0 {
                6.0 + 0.5 * tent
            } else {
                2.0 * tent
            }
        })
        .collect()
}

#[test]
fn rules_of_thumb_are_their_formulas() {
    let x = normal(1, 500, 3);
    let scott = chosen("gaussian", "scott", &x, 3);
    let silverman = chosen("gaussian", "silverman", &x, 3);
    for c in 0..3 {
        let column: Vec<f64> = x.chunks_exact(3).map(|row| row[c]).collect();
        let s = deviation(&column);
        assert!(close(scott[c], s * 500_f64.powf(-1.0 / 7.0), 1e-12));
        assert!(close(
            silverman[c],
            s * (500.0_f64 * 5.0 / 4.0).powf(-1.0 / 7.0),
            1e-12
        ));
    }
    // An Epanechnikov kernel that smooths as a Gaussian is 15^(1/5) (4 pi)^(1/10) times as wide.
    let one: Vec<f64> = x[..300].to_vec();
    let wide =
        chosen("epanechnikov", "scott", &one, 1)[0] / chosen("gaussian", "scott", &one, 1)[0];
    assert!(
        close(
            wide,
            15_f64.powf(0.2) * (4.0 * std::f64::consts::PI).powf(0.1),
            1e-10
        ),
        "{wide}"
    );
}

#[test]
fn plug_in_bandwidths_are_those_of_the_oracle() {
    // Written by oracle/isj.py: seed, n, its own bandwidth by SciPy's cosine transform and root finder.
    for (seed, n, expected) in ORACLE {
        let x = humps(*seed, *n);
        let found = chosen("gaussian", "isj", &x, 1)[0];
        assert!(
            (found / expected - 1.0).abs() < 1e-6,
            "{seed}: {found} {expected}"
        );
        assert!(close(chosen("gaussian", "auto", &x, 1)[0], found, 0.0));
        // Far below what a rule for one hump says.
        assert!(found < 0.5 * chosen("gaussian", "silverman", &x, 1)[0]);
    }
}

const ORACLE: &[(u64, usize, f64)] = &[
    (21, 1000, 0.126_973_453),
    (22, 300, 0.169_698_709),
    (23, 20_000, 0.061_601_385),
];

#[test]
fn likelihood_is_the_best_on_a_grid() {
    let (x, _) = blobs(2, 400, 2, 4, 0.6);
    let d = 2;
    for text in ["gaussian", "laplace", "student_t(nu=6)"] {
        let found = chosen(text, "likelihood", &x, d);
        let score = |h: &[f64]| {
            let density = KernelDensity::new().kernel(text.parse().unwrap());
            let model = density
                .bandwidth(h.to_vec())
                .fit(rows(&x, d), &watch())
                .unwrap();
            model.leave_one_out(&watch()).unwrap().iter().sum::<f64>()
        };
        let best = score(&found);
        for factor in [0.5, 0.7, 0.9, 1.1, 1.4, 2.0, 4.0] {
            let other: Vec<f64> = found.iter().map(|h| h * factor).collect();
            assert!(score(&other) < best, "{text} {factor}");
        }
        assert_eq!(chosen(text, "auto", &x, d), found);
    }
}

#[test]
fn doubles_do_not_collapse_the_bandwidth() {
    let mut x = normal(3, 100, 2);
    x.extend(x.clone());
    let h = chosen("gaussian", "likelihood", &x, 2);
    assert!(h.iter().all(|h| *h > 0.05), "{h:?}");
}

#[test]
fn a_part_of_many_samples_chooses_nearly_the_same() {
    // More than are predicted, and the optimum of a normal sample is known: about 0.96 n^(-1/6) deviations for d = 2.
    let x = normal(4, 5000, 2);
    let h = chosen("gaussian", "likelihood", &x, 2);
    let expected = 5000_f64.powf(-1.0 / 6.0);
    assert!(
        h.iter().all(|h| (h / expected).ln().abs() < 0.5),
        "{h:?} {expected}"
    );
}

#[test]
fn haversine_bandwidths_are_found_too() {
    let mut rng = Rng::new(5);
    let x: Vec<f64> = (0..300)
        .flat_map(|_| [0.5 + 0.02 * rng.normal(), 1.0 + 0.02 * rng.normal()])
        .collect();
    let h = chosen("gaussian(metric=haversine)", "likelihood", &x, 2)[0];
    assert!(h > 0.002 && h < 0.02, "{h}");
    let rule = KernelDensity::new().kernel("gaussian(metric=haversine)".parse().unwrap());
    let error = rule
        .bandwidth(BandwidthChoice::Scott)
        .fit(rows(&x, 2), &watch())
        .unwrap_err();
    assert!(error.to_string().contains("metric=haversine"), "{error}");
}

fn classifier(text: &str) -> KernelClassifier {
    KernelClassifier::new().kernel(text.parse().unwrap())
}

#[test]
fn probabilities_are_plain_double_loops() {
    let (x, classes) = blobs(6, 90, 2, 3, 3.0);
    let q = normal(7, 20, 2);
    let mut rng = Rng::new(8);
    let c: Vec<f64> = (0..90).map(|_| rng.uniform()).collect();
    let model = classifier("gaussian(h=1.5)")
        .fit_weighted(rows(&x, 2), &classes, 3, Some(&c), &watch())
        .unwrap();
    let found = model.predict_proba(rows(&q, 2), &watch()).unwrap();
    let labels = model.predict(rows(&q, 2), &watch()).unwrap();
    for (i, q) in q.chunks_exact(2).enumerate() {
        let mut sums = [0.0; 3];
        for ((x, class), c) in x.chunks_exact(2).zip(&classes).zip(&c) {
            let square: f64 = x.iter().zip(q).map(|(x, q)| (x - q).powi(2)).sum();
            sums[*class] += c * (-0.5 * square / 2.25).exp();
        }
        let total: f64 = sums.iter().sum();
        for k in 0..3 {
            assert!(close(found[3 * i + k], sums[k] / total, 1e-12));
        }
        let best = (0..3).max_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap();
        assert_eq!(labels[i], best);
    }
}

#[test]
fn priors_are_bayes_rule_on_densities() {
    let x = normal(9, 60, 1);
    let classes: Vec<usize> = (0..60).map(|i| usize::from(i % 4 == 0)).collect();
    let q = normal(10, 15, 1);
    let of = |k: usize| -> Vec<f64> {
        let own: Vec<f64> = x
            .iter()
            .zip(&classes)
            .filter(|(_, c)| **c == k)
            .map(|(x, _)| *x)
            .collect();
        let density = KernelDensity::new().kernel("laplace(h=0.3)".parse().unwrap());
        let log = density
            .fit(rows(&own, 1), &watch())
            .unwrap()
            .log_density(rows(&q, 1), &watch())
            .unwrap();
        log.iter().map(|l| l.exp()).collect()
    };
    let (a, b) = (of(0), of(1));
    for (priors, p) in [
        (Priors::Given(vec![3.0, 1.0]), 0.75),
        (Priors::Uniform, 0.5),
        (Priors::Observed, 0.75),
    ] {
        let model = classifier("laplace(h=0.3)")
            .priors(priors)
            .fit(rows(&x, 1), &classes, 2, &watch())
            .unwrap();
        let found = model.predict_proba(rows(&q, 1), &watch()).unwrap();
        for i in 0..q.len() {
            let expected = p * a[i] / (p * a[i] + (1.0 - p) * b[i]);
            assert!(
                close(found[2 * i], expected, 1e-12),
                "{} {expected}",
                found[2 * i]
            );
        }
    }
}

#[test]
fn the_chosen_bandwidth_has_the_least_log_loss() {
    let (x, classes) = blobs(11, 300, 2, 3, 4.0);
    let model = classifier("gaussian")
        .fit(rows(&x, 2), &classes, 3, &watch())
        .unwrap();
    let loss = |kernel: &Kernel| {
        let mut sum = 0.0;
        for i in 0..300 {
            let (mut rest, mut others) = (x.clone(), classes.clone());
            rest.drain(2 * i..2 * i + 2);
            others.remove(i);
            let fit = KernelClassifier::new()
                .kernel(kernel.clone())
                .fit(rows(&rest, 2), &others, 3, &watch())
                .unwrap();
            let p = fit
                .predict_proba(rows(&x[2 * i..2 * i + 2], 2), &watch())
                .unwrap()[classes[i]];
            sum -= (p + (1.0 / 3.0 - p) / 300.0).ln();
        }
        sum
    };
    let best = loss(model.kernel());
    let numbers: Vec<f64> = model
        .kernel()
        .parameters()
        .into_iter()
        .map(|p| p.1)
        .collect();
    for factor in [0.6, 0.8, 1.25, 1.7] {
        let other: Vec<f64> = numbers.iter().map(|h| h * factor).collect();
        let other = loss(&model.kernel().with_parameters(&other).unwrap());
        assert!(other > best, "{factor}: {other} {best}");
    }
}

#[test]
fn empty_regions_and_mistakes_of_classifiers() {
    let x = [0.0, 1.0, 5.0];
    let fit = |policy| {
        classifier("uniform(h=1)")
            .on_empty(policy)
            .fit(rows(&x, 1), &[0, 0, 1], 2, &watch())
            .unwrap()
    };
    let far = [9.0];
    let q = rows(&far, 1);
    assert_eq!(
        fit(OnEmpty::Nearest).predict_proba(q, &watch()).unwrap(),
        [0.0, 1.0]
    );
    let global = fit(OnEmpty::Global).predict_proba(q, &watch()).unwrap();
    assert!(close(global[0], 2.0 / 3.0, 1e-15));
    assert!(fit(OnEmpty::Error).predict(q, &watch()).is_err());
    assert!(
        fit(OnEmpty::Nan)
            .predict(q, &watch())
            .unwrap_err()
            .to_string()
            .contains("row 0")
    );
    let e = |c: KernelClassifier, classes: &[usize]| {
        c.fit(rows(&x, 1), classes, 2, &watch())
            .unwrap_err()
            .to_string()
    };
    let good = || classifier("gaussian(h=1)");
    assert!(e(good(), &[0, 1]).contains("2 entries"));
    assert!(e(good(), &[0, 1, 2]).contains("has 2 at position 2"));
    assert!(e(good().priors(Priors::Given(vec![1.0])), &[0, 1, 1]).contains("1 entries"));
    assert!(e(good().priors(Priors::Given(vec![1.0, -1.0])), &[0, 1, 1]).contains("-1"));
    assert!(e(good().priors(Priors::Uniform), &[0, 0, 0]).contains("class 1"));
    assert!(
        e(
            classifier("gaussian").neighborhood("causal".parse().unwrap()),
            &[0, 1, 1]
        )
        .contains("causal")
    );
    assert!(e(classifier("gaussian").bandwidth(0.0), &[0, 1, 1]).contains("bandwidth=0"));
}
