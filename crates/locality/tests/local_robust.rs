//! Robust fits in several columns, and the criteria and kernels that a search compares.

use locality::local::lowess::Lowess;
use locality::local::{Criterion, LocalRegression, Loss, Robust, Search};
use locality::{Rows, Watch};

fn noise(i: usize) -> f64 {
    ((i as f64 * 12.9898).sin() * 43_758.545_3).fract()
}

/// A hill over a square with some noise, and every ninth response far away.
fn hill(n: usize, outliers: bool) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut x, mut y, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let (a, b) = (noise(3 * i + 1).abs() * 4.0, noise(3 * i + 2).abs() * 4.0);
        let f = (a - 1.0).sin() * 2.0 + 0.5 * b;
        x.extend([a, b]);
        truth.push(f);
        let far = if outliers && i % 9 == 0 { 25.0 } else { 0.0 };
        y.push(f + 0.2 * noise(7 * i) + far);
    }
    (x, y, truth)
}

fn error(fitted: &[f64], truth: &[f64]) -> f64 {
    let squares = fitted.iter().zip(truth).map(|(f, t)| (f - t).powi(2));
    (squares.sum::<f64>() / truth.len() as f64).sqrt()
}

#[test]
fn with_one_column_it_is_lowess() {
    let x: Vec<f64> = (0..120)
        .map(|i| f64::from(i) / 10.0 + 0.03 * noise(i as usize))
        .collect();
    let far = |i: usize| if i % 11 == 3 { 6.0 } else { 0.0 };
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| x.sin() + 0.1 * noise(5 * i) + far(i))
        .collect();
    for iterations in [0, 1, 3] {
        let wanted = Lowess::new()
            .frac(0.25)
            .robust_iterations(iterations)
            .fit(&x, &y, &Watch::default())
            .unwrap();
        let robust = Robust {
            loss: Loss::Bisquare,
            iterations,
        };
        let model = LocalRegression::new("tricube(knn=30)".parse().unwrap())
            .guard(false)
            .robust(robust);
        let fit = model
            .fit(Rows::column(&x), Rows::column(&y), None, &Watch::default())
            .unwrap();
        let at = fit.at(Rows::column(&x), &Watch::default()).unwrap();
        for (a, b) in at.values().iter().zip(wanted.fitted()) {
            assert!((a - b).abs() < 1e-9, "{iterations}: {a} {b}");
        }
    }
}

#[test]
fn outliers_do_not_bend_a_surface() {
    let (x, y, truth) = hill(400, true);
    let rows = Rows::new(&x, 400, 2).unwrap();
    let run = |robust: Option<Robust>| {
        let model = LocalRegression::new("gaussian".parse().unwrap()).robust(robust);
        let fit = model
            .fit(rows, Rows::column(&y), None, &Watch::default())
            .unwrap();
        error(fit.at(rows, &Watch::default()).unwrap().values(), &truth)
    };
    let plain = run(None);
    let bisquare = run(Some(Robust::default()));
    let huber = run(Some(Robust {
        loss: Loss::Huber,
        iterations: 5,
    }));
    assert!(
        plain > 1.5 && bisquare < 0.12 && huber < 0.6,
        "{plain} {bisquare} {huber}"
    );
}

#[test]
fn responses_count_together() {
    // The second response is clean, but where the first is far away its row counts for less all the same.
    let (x, y, truth) = hill(200, true);
    let both: Vec<f64> = y
        .iter()
        .zip(&truth)
        .flat_map(|(y, t)| [*y, *t + 1.0])
        .collect();
    let rows = Rows::new(&x, 200, 2).unwrap();
    let model = LocalRegression::new("gaussian(h=0.6)".parse().unwrap()).robust(Robust::default());
    let fit = model
        .fit(
            rows,
            Rows::new(&both, 200, 2).unwrap(),
            None,
            &Watch::default(),
        )
        .unwrap();
    let values = fit.at(rows, &Watch::default()).unwrap().values().to_vec();
    let first: Vec<f64> = values.iter().step_by(2).copied().collect();
    assert!(error(&first, &truth) < 0.2, "{}", error(&first, &truth));
}

#[test]
fn a_fit_that_is_exact_stays() {
    let x: Vec<f64> = (0..30).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 2.0 * x - 1.0).collect();
    let model = LocalRegression::new("tricube(knn=9)".parse().unwrap()).robust(Robust::default());
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), None, &Watch::default())
        .unwrap();
    let at = fit.at(Rows::column(&x), &Watch::default()).unwrap();
    assert!(error(at.values(), &y) < 1e-10);
}

#[test]
fn every_criterion_finds_a_good_width() {
    let (x, y, truth) = hill(300, false);
    let rows = Rows::new(&x, 300, 2).unwrap();
    for criterion in [
        Criterion::LeaveOneOut,
        Criterion::Gcv,
        Criterion::Aicc,
        Criterion::KFold(5),
    ] {
        let model = LocalRegression::new("gaussian".parse().unwrap()).criterion(criterion);
        let fit = model
            .fit(rows, Rows::column(&y), None, &Watch::default())
            .unwrap();
        let off = error(fit.at(rows, &Watch::default()).unwrap().values(), &truth);
        assert!(off < 0.07, "{criterion:?}: {off} {}", fit.kernel());
    }
}

#[test]
fn as_many_folds_as_samples_leave_one_out() {
    let (x, y, _) = hill(60, false);
    let rows = Rows::new(&x, 60, 2).unwrap();
    let score = |criterion: Criterion| {
        // Two degrees, so that there is something to compare.
        let model = LocalRegression::new("gaussian(h=0.9)".parse().unwrap())
            .guard(false)
            .degrees([0, 1])
            .criterion(criterion);
        let fit = model
            .fit(rows, Rows::column(&y), None, &Watch::default())
            .unwrap();
        fit.tried().iter().map(|t| t.score).collect::<Vec<_>>()
    };
    for (a, b) in score(Criterion::LeaveOneOut)
        .iter()
        .zip(score(Criterion::KFold(60)))
    {
        assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn the_best_of_several_kernels_is_taken() {
    let (x, y, _) = hill(200, false);
    let rows = Rows::new(&x, 200, 2).unwrap();
    let names = ["gaussian", "tricube", "epanechnikov"];
    let one = |name: &str| {
        let model = LocalRegression::new(name.parse().unwrap()).search(Search::Fixed);
        let fit = model
            .fit(rows, Rows::column(&y), None, &Watch::default())
            .unwrap();
        fit.tried()
            .iter()
            .map(|t| t.score)
            .fold(f64::INFINITY, f64::min)
    };
    let best = names.map(one).into_iter().fold(f64::INFINITY, f64::min);
    let others: Vec<_> = names[1..].iter().map(|n| n.parse().unwrap()).collect();
    let model = LocalRegression::new(names[0].parse().unwrap())
        .or_kernels(others)
        .search(Search::Fixed);
    let fit = model
        .fit(rows, Rows::column(&y), None, &Watch::default())
        .unwrap();
    let taken = fit
        .tried()
        .iter()
        .map(|t| t.score)
        .fold(f64::INFINITY, f64::min);
    assert!(taken <= best * (1.0 + 1e-12), "{taken} {best}");
}

#[test]
fn what_lies_on_the_curve_wins_over_what_does_not() {
    // Most residuals are nothing but rounding: no scale can be told, and what is off the line counts for nothing.
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let far = |i: usize| if i == 17 { 3.0 } else { 0.0 };
    let y: Vec<f64> = (0..40).map(|i| 0.5 * i as f64 + far(i)).collect();
    let robust = Robust {
        loss: Loss::Bisquare,
        iterations: 6,
    };
    let model = LocalRegression::new("tricube(knn=12)".parse().unwrap()).robust(robust);
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), None, &Watch::default())
        .unwrap();
    let at = fit.at(Rows::column(&[17.0]), &Watch::default()).unwrap();
    assert!((at.values()[0] - 8.5).abs() < 1e-9, "{}", at.values()[0]);
}

/// One in ten responses is far off, at new places as among the samples: robust weights do not take them from the count.
#[test]
fn intervals_of_robust_fits_hold_their_level() {
    let watch = Watch::default();
    let mut rng = locality_testing::Rng::new(37);
    let mut draw = |n: usize| {
        let x: Vec<f64> = (0..n).map(|_| 4.0 * rng.uniform() - 2.0).collect();
        let y: Vec<f64> = x
            .iter()
            .map(|x| {
                let far = if rng.uniform() < 0.1 {
                    5.0 * rng.normal()
                } else {
                    0.0
                };
                (2.0 * x).sin() + 0.1 * rng.normal() + far
            })
            .collect();
        (x, y)
    };
    let ((x, y), (targets, fresh)) = (draw(600), draw(4000));
    for loss in [Loss::Bisquare, Loss::Huber] {
        let robust = Robust {
            loss,
            iterations: 3,
        };
        let model = LocalRegression::new("gaussian".parse().unwrap()).robust(robust);
        let fit = model
            .fit(Rows::column(&x), Rows::column(&y), None, &watch)
            .unwrap();
        for level in [0.8, 0.95, 0.98] {
            let found = fit
                .intervals(Rows::column(&targets), level, &watch)
                .unwrap();
            let inside =
                (0..4000).filter(|&i| (found.lower[i]..=found.upper[i]).contains(&fresh[i]));
            let share = inside.count() as f64 / 4000.0;
            assert!((share - level).abs() < 0.025, "{loss:?} {level}: {share}");
        }
    }
}
