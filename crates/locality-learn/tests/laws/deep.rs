//! Kernels on learned features.

use locality_core::{Kernel, LocalMean, Rows, Watch};
use locality_learn::{DeepKernel, DeepKernelModel, FitConfig, Goal, MetricLearner};

use crate::support::{draw, numbered, table};

/// The share of the variance of `y` that a local mean on features misses.
fn missed(
    model: &DeepKernelModel<f32>,
    train: (&[f64], &[f64]),
    test: (&[f64], &[f64]),
    d: usize,
) -> f64 {
    let features = |x: &[f64]| {
        model
            .transform(Rows::new(x, x.len() / d, d).unwrap())
            .unwrap()
    };
    let (a, b) = (features(train.0), features(test.0));
    let k = model.dimension();
    let fit = LocalMean::new(Kernel::gaussian(1.0))
        .fit(
            Rows::new(&a, a.len() / k, k).unwrap(),
            Rows::column(train.1),
        )
        .unwrap();
    let found = fit
        .at(Rows::new(&b, b.len() / k, k).unwrap(), &Watch::default())
        .unwrap();
    let middle = test.1.iter().sum::<f64>() / test.1.len() as f64;
    let off: f64 = found
        .means
        .iter()
        .zip(test.1)
        .map(|(m, y)| (m - y).powi(2))
        .sum();
    off / test.1.iter().map(|y| (y - middle).powi(2)).sum::<f64>()
}

#[test]
fn features_tell_what_no_linear_map_tells() {
    // The radius in four of six columns.
    let x = draw(4, 1200 * 6);
    let y: Vec<f64> = x
        .chunks_exact(6)
        .map(|x| (2.0 * x[..4].iter().map(|x| x * x).sum::<f64>().sqrt()).sin())
        .collect();
    let (train, test) = ((&x[..900 * 6], &y[..900]), (&x[900 * 6..], &y[900..]));
    let rows = Rows::new(train.0, 900, 6).unwrap();
    let goal = Goal::Responses(Rows::column(train.1));
    let config = FitConfig {
        epochs: 80,
        batch: 64,
        rate: 5e-3,
        ..FitConfig::default()
    };
    let learn = |hidden: &[usize]| {
        let learner = DeepKernel::new().hidden(hidden).fit_config(config);
        learner.fit::<f32>(rows, goal, &Watch::default()).unwrap()
    };
    let (flat, deep) = (learn(&[]), learn(&[64]));
    let (a, b) = (missed(&flat, train, test, 6), missed(&deep, train, test, 6));
    assert!(b < 0.4 * a && b < 0.1, "{a} {b}");
    for model in [&flat, &deep] {
        let history = model.history();
        assert!(history.validation[history.best] <= history.validation[0]);
    }
}

#[test]
fn it_goes_on_from_a_learned_metric() {
    let (x, names, d) = table("wine.csv");
    let (classes, count) = numbered(&names);
    let rows = Rows::new(&x, classes.len(), d).unwrap();
    let goal = Goal::Classes(&classes, count);
    let watch = Watch::default();
    let metric = MetricLearner::new()
        .per_feature(true)
        .max_iter(20)
        .fit(rows, goal, &watch)
        .unwrap();
    let config = FitConfig {
        epochs: 10,
        ..FitConfig::default()
    };
    let learner = DeepKernel::new()
        .hidden(&[16])
        .start(metric.map().to_vec())
        .fit_config(config);
    let model = learner.fit::<f32>(rows, goal, &watch).unwrap();
    let history = model.history();
    assert!(history.validation[history.best] < 0.3, "{history:?}");
    assert_eq!(model.dimension(), d);
    let again = learner.fit::<f32>(rows, goal, &watch.threads(1)).unwrap();
    assert_eq!(again.parameters(), model.parameters());
    let (means, deviations) = model.units();
    let sizes = DeepKernel::new().hidden(&[16]).dimension(d);
    let kept =
        DeepKernelModel::from_numbers(&sizes, means, deviations, model.parameters().to_vec());
    assert_eq!(
        kept.unwrap().transform(rows).unwrap(),
        model.transform(rows).unwrap()
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let x = draw(1, 20);
    let rows = Rows::new(&x, 10, 2).unwrap();
    let watch = Watch::default();
    let y = draw(2, 10);
    let fails = |a: DeepKernel, goal: Goal<'_>, told: &str| {
        let e = a.fit::<f32>(rows, goal, &watch).unwrap_err().to_string();
        assert!(e.contains(told), "{e}");
    };
    let goal = Goal::Responses(Rows::column(&y));
    fails(DeepKernel::new().candidates(0), goal, "candidates=0");
    fails(DeepKernel::new().hidden(&[0]), goal, "hidden layers [0]");
    fails(
        DeepKernel::new().start(vec![vec![1.0; 3]]),
        goal,
        "start has 1 rows of 3",
    );
    fails(
        DeepKernel::new(),
        Goal::Responses(Rows::column(&y[..9])),
        "responses has 9",
    );
    fails(
        DeepKernel::new(),
        Goal::Classes(&[7; 10], 2),
        "classes has 7",
    );
}
