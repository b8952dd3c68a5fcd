//! Mixtures of kernels: what is learned is what the sum does, and it is never worse than a kernel alone.

use locality_core::{Kernel, LocalMean, Neighborhood, OnEmpty, Rows, Watch};
use locality_learn::{Goal, LearnedMixture, MixtureLearner};

use crate::support::draw;

fn kernels(texts: &[&str]) -> Vec<Kernel> {
    texts.iter().map(|k| k.parse().unwrap()).collect()
}

/// Clusters of two kinds: what is told is a fine wave where samples are dense, and a plain slope where they are far apart.
fn waves(n: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = draw(seed, n);
    let x: Vec<f64> = x
        .iter()
        .map(|x| if *x < 0.0 { 0.2 * x.max(-3.0) } else { 3.0 * x })
        .collect();
    let tell = |x: &f64| if *x < 0.0 { (40.0 * x).sin() } else { 0.3 * x };
    let noise = draw(seed + 1, n);
    let y = x.iter().zip(noise).map(|(x, e)| tell(x) + 0.2 * e);
    let y = y.collect();
    (x, y)
}

fn learn(texts: &[&str], x: &[f64], y: &[f64]) -> LearnedMixture {
    let goal = Goal::Responses(Rows::column(y));
    let made = MixtureLearner::new(kernels(texts)).fit(Rows::column(x), goal, &Watch::default());
    made.unwrap()
}

/// The squared error at some samples, told by those of the fit.
fn error(kernel: &Kernel, (x, y): (&[f64], &[f64]), at: Option<(&[f64], &[f64])>) -> f64 {
    let mean = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Global);
    let mean = if at.is_none() {
        mean.neighborhood(Neighborhood::hollow())
    } else {
        mean
    };
    let (queries, told) = at.unwrap_or((x, y));
    let fit = mean.fit(Rows::column(x), Rows::column(y)).unwrap();
    let found = fit
        .at(Rows::column(queries), &Watch::default())
        .unwrap()
        .means;
    let off = found.iter().zip(told).map(|(m, y)| (m - y).powi(2));
    off.sum::<f64>() / told.len() as f64
}

const WIDTHS: [&str; 4] = [
    "gaussian(h=0.01)",
    "gaussian(h=0.1)",
    "laplace(h=0.5)",
    "gaussian(h=2)",
];

#[test]
fn the_loss_is_that_of_the_sum() {
    let (x, y) = waves(300, 3);
    let learned = learn(&WIDTHS, &x, &y);
    let middle = y.iter().sum::<f64>() / 300.0;
    let whole = y.iter().map(|y| (y - middle).powi(2)).sum::<f64>() / 300.0;
    let own = error(learned.kernel(), (&x, &y), None) / whole;
    let last = *learned.losses().last().unwrap();
    // But for what was left out.
    assert!((own - last).abs() < 1e-5 * last, "{own} {last}");
    assert!(learned.losses().windows(2).all(|w| w[1] <= w[0]));
    for (alone, kernel) in learned.alone().iter().zip(kernels(&WIDTHS)) {
        let own = error(&kernel, (&x, &y), None) / whole;
        assert!((own - alone).abs() < 1e-9, "{kernel}: {own} {alone}");
        assert!(last <= *alone);
    }
    assert!(learned.converged());
    assert!((learned.shares().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(learned.weights().iter().all(|w| (0.0..=1.0).contains(w)));
}

#[test]
fn a_mixture_tells_others_better_than_each_alone() {
    let ((x, y), (at, told)) = (waves(400, 5), waves(400, 9));
    let learned = learn(&WIDTHS, &x, &y);
    let found = error(learned.kernel(), (&x, &y), Some((&at, &told)));
    for kernel in kernels(&WIDTHS) {
        let alone = error(&kernel, (&x, &y), Some((&at, &told)));
        assert!(found < 0.97 * alone, "{kernel}: {found} {alone}");
    }
}

#[test]
fn kernels_of_columns_that_say_nothing_are_left_out() {
    let x = draw(7, 200 * 3);
    let labels: Vec<usize> = x
        .chunks_exact(3)
        .map(|x| usize::from(x[0] + 0.1 * x[1] > 0.0))
        .collect();
    let rows = Rows::new(&x, 200, 3).unwrap();
    let texts = [
        "gaussian(h=0.3, cols=0)",
        "gaussian(h=0.3, cols=1)",
        "gaussian(h=0.3, cols=2)",
    ];
    let learner = MixtureLearner::new(kernels(&texts));
    let learned = learner
        .fit(rows, Goal::Classes(&labels, 2), &Watch::default())
        .unwrap();
    assert!(learned.shares()[0] > 0.9, "{:?}", learned.shares());
    assert_eq!(learned.weights()[0], 1.0);
    // One kernel is itself.
    let single = MixtureLearner::new(kernels(&texts[..1]));
    let single = single
        .fit(rows, Goal::Classes(&labels, 2), &Watch::default())
        .unwrap();
    assert_eq!(single.kernel(), &kernels(&texts)[0]);
    assert_eq!(single.weights(), [1.0]);
}

#[test]
fn bad_requests_are_refused_in_a_sentence() {
    let (x, y) = waves(20, 1);
    let says = |texts: &[&str], n: usize, tolerance: f64, words: &str| {
        let learner = MixtureLearner::new(kernels(texts)).tolerance(tolerance);
        let goal = Goal::Responses(Rows::column(&y[..n]));
        let e = learner.fit(Rows::column(&x[..n]), goal, &Watch::default());
        let e = e.unwrap_err().to_string();
        assert!(e.contains(words) && !e.contains('\n'), "{e}");
    };
    says(&[], 20, 0.1, "no kernels");
    says(&WIDTHS, 1, 0.1, "at least 2");
    says(&WIDTHS, 20, f64::NAN, "tolerance");
    says(
        &["gaussian(h=1)", "gaussian(h=1, cols=3)"],
        20,
        0.1,
        "kernel gaussian(h=1, cols=3): ",
    );
}
