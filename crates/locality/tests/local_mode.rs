//! Local modes: maxima of the conditional density, on branches and by hand.

use locality::local::LocalMode;
use locality::{Kernel, Rows, Watch};
use locality_testing::{Rng, normal};

fn gauss(u: f64) -> f64 {
    (-0.5 * u * u).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn kernel(h: f64) -> Kernel {
    Kernel::gaussian(h)
}

/// The textbook's density of the responses around a target.
fn density(x: &[f64], y: &[f64], c: &[f64], target: f64, at: f64, (h, b): (f64, f64)) -> f64 {
    let each = x.iter().zip(y).zip(c);
    let (mut sum, mut total) = (0.0, 0.0);
    for ((x, y), c) in each {
        let w = c * (-0.5 * ((x - target) / h).powi(2)).exp();
        sum += w * gauss((at - y) / b) / b;
        total += w;
    }
    sum / total
}

#[test]
fn modes_are_all_maxima_of_the_textbook_density() {
    let (n, watch) = (300, Watch::default());
    let (x, mut y) = (normal(1, n, 1), normal(2, n, 1));
    for (i, y) in y.iter_mut().enumerate() {
        *y += [0.0, 4.0, 9.0][i % 3] * 0.5;
    }
    let mut rng = Rng::new(3);
    let c: Vec<f64> = (0..n).map(|_| 0.1 + rng.uniform()).collect();
    let (h, b) = (0.6, 0.25);
    let model = LocalMode::new(kernel(h)).response_bandwidth(b);
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), Some(&c), &watch)
        .unwrap();
    let targets = [-1.0, 0.0, 1.3];
    let found = fit.at(Rows::column(&targets), &watch).unwrap();
    for (t, modes) in targets.iter().zip(&found) {
        let at = |v: f64| density(&x, &y, &c, *t, v, (h, b));
        assert!(modes.windows(2).all(|m| m[0].density >= m[1].density));
        // As many as a fine grid shows, each where it shows one.
        let grid: Vec<f64> = (0..40_000)
            .map(|i| -8.0 + 20.0 * i as f64 / 40_000.0)
            .collect();
        let heights: Vec<f64> = grid.iter().map(|v| at(*v)).collect();
        let mut peaks: Vec<f64> = (1..grid.len() - 1)
            .filter(|i| heights[*i] > heights[i - 1] && heights[*i] >= heights[i + 1])
            .filter(|i| heights[*i] > 1e-9)
            .map(|i| grid[i])
            .collect();
        let mut places: Vec<f64> = modes.iter().map(|m| m.response).collect();
        places.sort_by(f64::total_cmp);
        peaks.sort_by(f64::total_cmp);
        assert_eq!(places.len(), peaks.len(), "{places:?} {peaks:?}");
        for (m, p) in places.iter().zip(&peaks) {
            assert!((m - p).abs() < 6e-4, "{m} {p}");
        }
        for mode in modes {
            let textbook = at(mode.response);
            assert!((mode.density - textbook).abs() < 1e-9 * textbook);
        }
    }
}

#[test]
fn modes_stay_on_branches_where_means_lie_between() {
    let (n, watch) = (1200, Watch::default());
    let mut rng = Rng::new(5);
    let x: Vec<f64> = (0..n).map(|_| 4.0 * rng.uniform() - 2.0).collect();
    let noise = normal(6, n, 1);
    let curve = |x: f64| 1.0 + 0.5 * x;
    let y: Vec<f64> = (0..n)
        .map(|i| {
            let side = if i % 3 == 0 { -1.0 } else { 1.0 };
            side * curve(x[i]) + 0.1 * noise[i]
        })
        .collect();
    let fit = LocalMode::new(kernel(0.2))
        .fit(Rows::column(&x), Rows::column(&y), None, &watch)
        .unwrap();
    // The spread of a branch, not of both: the noise, and the slope over a bandwidth.
    let b = fit.response_bandwidth();
    assert!(b > 0.02 && b < 0.2, "{b}");
    let targets = [-1.0, 0.0, 1.0];
    for (t, modes) in targets
        .iter()
        .zip(fit.at(Rows::column(&targets), &watch).unwrap())
    {
        assert!(
            (modes[0].response - curve(*t)).abs() < 0.1,
            "{t}: {modes:?}"
        );
        let second = modes.iter().find(|m| m.response < 0.0).unwrap();
        assert!((second.response + curve(*t)).abs() < 0.1, "{t}: {modes:?}");
        // Two thirds of the samples against one.
        let ratio = modes[0].density / second.density;
        assert!(ratio > 1.3 && ratio < 3.2, "{ratio}");
    }
}

#[test]
fn units_and_threads_change_nothing() {
    let n = 150;
    let (x, y) = (normal(8, n, 1), normal(9, n, 1));
    let modes = |scale: f64, threads: usize| {
        let y: Vec<f64> = y.iter().map(|y| 7.0 + y * scale).collect();
        let watch = Watch::default().threads(threads);
        let fit = LocalMode::new(kernel(0.5))
            .fit(Rows::column(&x), Rows::column(&y), None, &watch)
            .unwrap();
        fit.at(Rows::column(&x), &watch).unwrap()
    };
    let one = modes(1.0, 1);
    assert_eq!(one, modes(1.0, 3));
    for (a, b) in one.iter().zip(modes(1024.0, 2)) {
        let (a, b) = (a[0].response - 7.0, (b[0].response - 7.0) / 1024.0);
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn where_nothing_weighs_the_nearest_response_is_the_mode() {
    let (x, y, watch) = ([0.0, 1.0, 2.0], [3.0, 4.0, 5.0], Watch::default());
    let model = LocalMode::new("boxcar(h=0.1)".parse().unwrap()).response_bandwidth(0.5);
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), None, &watch)
        .unwrap();
    let far = fit.at(Rows::column(&[9.0, 1.0]), &watch).unwrap();
    assert_eq!((far[0].len(), far[0][0].response), (1, 5.0));
    assert_eq!((far[1].len(), far[1][0].response), (1, 4.0));
}

#[test]
fn constant_responses_and_bad_input_are_told() {
    let (x, watch) = ([0.0, 1.0, 2.0, 3.0], Watch::default());
    let model = LocalMode::new(kernel(1.0));
    let fit = model
        .fit(Rows::column(&x), Rows::column(&[2.0; 4]), None, &watch)
        .unwrap();
    assert_eq!(
        fit.at(Rows::column(&[0.5]), &watch).unwrap()[0][0].response,
        2.0
    );
    let told = |model: LocalMode, y: Rows<'_, f64>| {
        let error = model.fit(Rows::column(&x), y, None, &watch).unwrap_err();
        error.to_string()
    };
    let y = [1.0; 8];
    let two = Rows::new(&y, 4, 2).unwrap();
    assert!(told(model.clone(), two).contains("responses has 2 columns"));
    let bad = model.clone().response_bandwidth(-1.0);
    assert!(told(bad, Rows::column(&x)).contains("response_bandwidth=-1"));
    let missing = [1.0, f64::NAN, 2.0, 3.0];
    assert!(told(model, Rows::column(&missing)).contains("NaN"));
}
