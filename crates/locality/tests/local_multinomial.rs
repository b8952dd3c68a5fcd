//! Multinomial logistic regression, alone and made local.

use locality::local::{LocalLogistic, Localized, Multinomial, WeightedModel, WeightedSample};
use locality::{Kernel, Rows, Watch};

fn noise(i: usize) -> f64 {
    ((i as f64 * 12.9898).sin() * 43_758.545_3).fract()
}

/// Three classes of two columns that overlap.
fn sample(n: usize) -> (Vec<f64>, Vec<usize>, Vec<f64>) {
    let (mut x, mut classes, mut y) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let class = i % 3;
        let center = [[0.0, 0.0], [1.5, 0.5], [0.3, 1.8]][class];
        x.extend([0, 1].map(|c| center[c] + 1.2 * noise(2 * i + c + 1) + 100.0));
        classes.push(class);
        y.extend((0..3).map(|k| f64::from(u8::from(k == class))));
    }
    (x, classes, y)
}

#[test]
fn the_gradient_is_nothing_at_the_minimum() {
    let n = 120;
    let (x, _, y) = sample(n);
    let weights: Vec<f64> = (0..n).map(|i| 0.2 + noise(11 * i).abs()).collect();
    let penalty = 0.3;
    let data = WeightedSample {
        x: Rows::new(&x, n, 2).unwrap(),
        y: Rows::new(&y, n, 3).unwrap(),
        weights: &weights,
    };
    let model = Multinomial::new(penalty).unwrap().guard(false);
    let fit = model.fit(&data, None).unwrap();
    assert!(fit.converged);
    let mut slope = [0.0; 9];
    let mut shares = [0.0; 3];
    for i in 0..n {
        model.predict(&fit, data.x.row(i), &mut shares);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        for c in 0..3 {
            let pull = weights[i] * (shares[c] - data.y.row(i)[c]);
            slope[3 * c] += pull;
            slope[3 * c + 1] += pull * (x[2 * i] - 100.0);
            slope[3 * c + 2] += pull * (x[2 * i + 1] - 100.0);
        }
    }
    for c in 0..3 {
        for j in 1..3 {
            slope[3 * c + j] += penalty * fit.coefficients[3 * c + j];
        }
    }
    assert!(slope.iter().all(|g| g.abs() < 1e-7), "{slope:?}");
}

#[test]
fn a_wide_kernel_gives_the_global_model() {
    let n = 90;
    let (x, classes, y) = sample(n);
    let rows = Rows::new(&x, n, 2).unwrap();
    let fit = Localized::new(Multinomial::new(1.0).unwrap(), Kernel::gaussian(1e6))
        .fit(rows, Rows::new(&y, n, 3).unwrap(), None, &Watch::default())
        .unwrap();
    let at = fit.at(rows, &Watch::default()).unwrap();
    let mut global = [0.0; 3];
    for i in 0..n {
        Multinomial::new(1.0)
            .unwrap()
            .predict(fit.global(), rows.row(i), &mut global);
        for (a, b) in at.values()[3 * i..][..3].iter().zip(global) {
            assert!((a - b).abs() < 1e-7, "{a} {b}");
        }
    }
    let local = LocalLogistic::new(Kernel::gaussian(1e6)).multinomial(true);
    let local = local
        .fit(rows, &classes, 3, None, &Watch::default())
        .unwrap();
    let both = local.predict_proba(rows, &Watch::default()).unwrap();
    for (a, b) in at.values().iter().zip(both) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
}

#[test]
fn classes_without_samples_nearby_do_no_harm() {
    // Far from the third class its share is 0, and without a penalty nothing overflows.
    let x: Vec<f64> = (0..60)
        .map(|i| f64::from(i) + f64::from(i / 40) * 500.0)
        .collect();
    let classes: Vec<usize> = (0..60).map(|i| if i >= 40 { 2 } else { i % 2 }).collect();
    for (penalty, most) in [(0.0, 1e-3), (1.0, 0.1)] {
        let model = LocalLogistic::new(Kernel::gaussian(5.0))
            .penalty(penalty)
            .multinomial(true);
        let fit = model
            .fit(Rows::column(&x), &classes, 3, None, &Watch::default())
            .unwrap();
        let p = fit
            .predict_proba(Rows::column(&[20.0, 550.0]), &Watch::default())
            .unwrap();
        assert!(
            p.iter().all(|p| p.is_finite()) && p[2] < most && p[5] > 0.8,
            "{penalty}: {p:?}"
        );
    }
}
