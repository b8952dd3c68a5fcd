//! Kernels of numbers and categories: how much a category counts is found as widths are.

use locality::local::{Family, LocalGlmRegression, LocalRegression, with_bandwidth};
use locality::{Kernel, Rows, Watch};
use locality_testing::Rng;

/// A wave over a number, shifted by one of three classes; both columns.
fn waves(n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut rng = Rng::new(5);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for i in 0..n {
        let (a, class) = (6.0 * rng.uniform(), (i % 3) as f64);
        x.extend([a, class]);
        y.push((a + 2.0 * class).sin() + 3.0 * class + 0.05 * rng.normal());
    }
    (x, y)
}

fn r2(found: &[f64], y: &[f64]) -> f64 {
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let rest: f64 = found.iter().zip(y).map(|(f, y)| (f - y).powi(2)).sum();
    1.0 - rest / y.iter().map(|y| (y - mean).powi(2)).sum::<f64>()
}

#[test]
fn classes_with_laws_of_their_own_are_told_apart() {
    let watch = Watch::default();
    let (x, y) = waves(300);
    let (train, test) = (
        Rows::new(&x[..400], 200, 2).unwrap(),
        Rows::new(&x[400..], 100, 2).unwrap(),
    );
    let kernel = || {
        "gaussian(cols=0) * laplace(metric=hamming,cols=1)"
            .parse::<Kernel>()
            .unwrap()
    };
    let fit = LocalRegression::new(kernel()).fit(train, Rows::column(&y[..200]), None, &watch);
    let found = fit.unwrap().at(test, &watch).unwrap();
    let quality = r2(found.values(), &y[200..]);
    assert!(quality > 0.98, "{quality}");
    // Counts of three classes likewise.
    let counts: Vec<f64> = y.iter().map(|y| (y + 2.0).exp().round()).collect();
    let model = LocalGlmRegression::new(kernel(), Family::Poisson);
    let fit = model.fit(train, Rows::column(&counts[..200]), None, &watch);
    let found = fit.unwrap().at(test, &watch).unwrap();
    let quality = r2(found.means(), &counts[200..]);
    assert!(quality > 0.95, "{quality}");
}

#[test]
fn a_kernel_of_categories_alone_has_a_width_to_find() {
    let watch = Watch::default();
    let mut rng = Rng::new(6);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for i in 0..90 {
        // A number that the kernel does not look at, so that samples are left out one by one.
        x.extend([f64::from(i % 3), f64::from(i)]);
        y.push(f64::from(i % 3) * 4.0 + rng.normal());
    }
    let kernel: Kernel = "laplace(metric=hamming,cols=0)".parse().unwrap();
    let model = LocalRegression::new(kernel.clone()).degrees([0]);
    let fit = model.fit(
        Rows::new(&x, 90, 2).unwrap(),
        Rows::column(&y),
        None,
        &watch,
    );
    let fit = fit.unwrap();
    // Each class by itself: exp(-1 / h) is next to nothing.
    assert!(fit.kernel().to_string().contains("h="), "{}", fit.kernel());
    let at = [0.0, 0.0, 1.0, 0.0, 2.0, 0.0];
    let found = fit.at(Rows::new(&at, 3, 2).unwrap(), &watch).unwrap();
    for (k, f) in found.values().iter().enumerate() {
        let own: f64 = y.iter().skip(k).step_by(3).sum::<f64>() / 30.0;
        assert!((f - own).abs() < 0.05, "{f} {own}");
    }
    // A given width is that of numbers where there are any, and equality has none.
    let both: Kernel = "gaussian(cols=0) * laplace(metric=hamming,cols=1)"
        .parse()
        .unwrap();
    let wide = with_bandwidth(&both, 2.0).unwrap().to_string();
    assert_eq!(wide.matches("h=2").count(), 1, "{wide}");
    let alone = with_bandwidth(&kernel, 0.3).unwrap().to_string();
    assert!(alone.contains("h=0.3"), "{alone}");
    assert!(with_bandwidth(&"uniform(cols=0)".parse().unwrap(), 0.3).is_err());
}
