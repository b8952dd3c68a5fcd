//! Levels of hierarchical local models: no level loses, and what was learned below stays.

use locality_core::{Rows, Watch};
use locality_learn::{
    FitConfig, Goal, HierarchicalFit, HierarchicalLearner, LayerConfig, Levels, Places, Sets,
};

use crate::support::draw;

const LENGTH: usize = 12;
const SETS: usize = 60;

/// Series of two columns, and what is to be told: how large the larger neighbour's second column is, which takes two looks.
fn series() -> (Vec<f64>, Vec<f64>) {
    let x = draw(3, SETS * LENGTH * 2);
    let row = |s: usize, i: usize| [x[(s * LENGTH + i) * 2], x[(s * LENGTH + i) * 2 + 1]];
    let mut y = Vec::new();
    for s in 0..SETS {
        for i in 0..LENGTH {
            let (a, b) = (row(s, i.saturating_sub(1)), row(s, (i + 1).min(LENGTH - 1)));
            y.push(if a[0] > b[0] { a[1] } else { b[1] });
        }
    }
    (x, y)
}

fn learner(levels: Levels, config: FitConfig) -> HierarchicalLearner {
    let layer = LayerConfig::new(16, 2).unwrap().hidden(32);
    let layer = layer.window(Some(2)).deviations(0.2, 0.1);
    let layers = vec![
        layer.clone().places(Places::Rotary),
        layer.clone().kernel("gaussian").unwrap(),
        layer.dropout(0.1),
    ];
    HierarchicalLearner::new(layers)
        .levels(levels)
        .fit_config(config)
}

fn config(validation: f64) -> FitConfig {
    FitConfig {
        epochs: 12,
        batch: 6,
        rate: 1e-2,
        validation,
        patience: None,
        ..FitConfig::default()
    }
}

fn fit(levels: Levels, config: FitConfig) -> HierarchicalFit<f32> {
    let (x, y) = series();
    let rows = Rows::new(&x, SETS * LENGTH, 2).unwrap();
    let goal = Goal::Responses(Rows::new(&y, SETS * LENGTH, 1).unwrap());
    let sets = Sets::equal(SETS, LENGTH).unwrap();
    let made = learner(levels, config).fit(rows, &sets, goal, &Watch::default());
    made.unwrap()
}

/// Each training begins where the one before ended, and ends no higher.
fn no_level_loses(model: &HierarchicalFit<f32>) {
    let losses = model.losses();
    eprintln!("{losses:?}");
    for (level, history) in model.histories().iter().enumerate().skip(1) {
        let (start, before) = (history.validation[0], losses[level - 1]);
        assert!(
            (start - before).abs() < 1e-5 * before,
            "level {level}: {start}, {before}"
        );
        assert!(losses[level] <= start, "level {level}");
    }
}

#[test]
fn numbers_are_the_model() {
    let (x, y) = series();
    let rows = Rows::new(&x, SETS * LENGTH, 2).unwrap();
    let sets = Sets::equal(SETS, LENGTH).unwrap();
    let labels: Vec<usize> = y.iter().map(|y| usize::from(*y > 0.0)).collect();
    let few = FitConfig {
        epochs: 2,
        ..config(0.2)
    };
    let learner = learner("greedy".parse().unwrap(), few);
    let responses = Goal::Responses(Rows::new(&y, SETS * LENGTH, 1).unwrap());
    for goal in [responses, Goal::Classes(&labels, 2)] {
        let model = learner.fit::<f32>(rows, &sets, goal, &Watch::default());
        let model = model.unwrap();
        assert_eq!(model.histories().len(), 3);
        let told = model.response_units().ok_or(model.outputs());
        let parameters = model.parameters().to_vec();
        let back = |told, parameters| {
            HierarchicalFit::from_numbers(&learner, model.units(), told, parameters)
        };
        let again = back(told, parameters.clone()).unwrap();
        let found = again.predict(rows, &sets).unwrap();
        assert_eq!(found, model.predict(rows, &sets).unwrap());
        let says = |made: locality_core::Result<HierarchicalFit<f32>>, words: &str| {
            let e = made.unwrap_err().to_string();
            assert!(e.contains(words), "{e}");
        };
        says(back(Err(0), parameters.clone()), "no classes");
        says(back(Err(1 << 60), parameters.clone()), "too few");
        says(back(Err(5), parameters.clone()), "the layout");
        let mut bad = parameters;
        bad[7] = f32::INFINITY;
        says(back(told, bad), "infinite");
    }
    assert!("slow".parse::<Levels>().is_err());
}

#[test]
fn large_tables_are_predicted_as_small_ones() {
    let model = fit(
        Levels::Together,
        FitConfig {
            epochs: 1,
            ..config(0.2)
        },
    );
    // More rows than go at once, in sets of several lengths.
    let lengths: Vec<usize> = (0..900).map(|i| 1 + i * 7 % 11).collect();
    let sets = Sets::of(&lengths).unwrap();
    let n = sets.rows();
    assert!(n > 5000);
    let x = draw(9, n * 2);
    let all = model.predict(Rows::new(&x, n, 2).unwrap(), &sets).unwrap();
    for (i, range) in sets.iter().enumerate() {
        let own = &x[range.start * 2..range.end * 2];
        let rows = Rows::new(own, range.len(), 2).unwrap();
        let alone = model.predict(rows, &Sets::of(&[range.len()]).unwrap());
        for (alone, found) in alone.unwrap().iter().zip(&all[range]) {
            assert!((alone - found).abs() < 1e-5, "set {i}: {alone}, {found}");
        }
    }
}

#[test]
fn no_level_is_worse_than_the_one_below() {
    for validation in [0.0, 0.2] {
        let model = fit(Levels::Greedy, config(validation));
        assert_eq!(model.histories().len(), 3);
        no_level_loses(&model);
        // And levels do add something.
        let losses = model.losses();
        assert!(losses[1] < 0.9 * losses[0], "{losses:?}");
    }
}

#[test]
fn what_was_learned_below_stays() {
    let one = {
        let (x, y) = series();
        let rows = Rows::new(&x, SETS * LENGTH, 2).unwrap();
        let goal = Goal::Responses(Rows::new(&y, SETS * LENGTH, 1).unwrap());
        let sets = Sets::equal(SETS, LENGTH).unwrap();
        let layer = LayerConfig::new(16, 2).unwrap().hidden(32).window(Some(2));
        let layer = layer.deviations(0.2, 0.1).places(Places::Rotary);
        let learner = HierarchicalLearner::new(vec![layer]).levels(Levels::Greedy);
        let learner = learner.fit_config(config(0.2));
        learner
            .fit::<f32>(rows, &sets, goal, &Watch::default())
            .unwrap()
    };
    let all = fit(Levels::Greedy, config(0.2));
    for view in one.layout().views() {
        let same = one.layout().view(&view.name, one.parameters()).unwrap()
            == all.layout().view(&view.name, all.parameters()).unwrap();
        // What is above the levels is learned with each.
        let above = view.name.starts_with("output") || view.name == "layers.norm.gain";
        assert!(
            same || above || view.name == "layers.norm.shift",
            "{}",
            view.name
        );
    }
    assert_eq!(one.losses()[0], all.losses()[0]);
}

#[test]
fn from_end_to_end_it_goes_on_from_there() {
    let both = fit(Levels::GreedyThenTogether, config(0.0));
    assert_eq!(both.histories().len(), 4);
    no_level_loses(&both);
    let losses = both.losses();
    assert!(losses[3] < losses[2], "{losses:?}");
    let greedy = fit(Levels::Greedy, config(0.0));
    assert_eq!(greedy.losses(), losses[..3]);
    // At once it learns as well.
    let together = fit(Levels::Together, config(0.0));
    assert_eq!(together.histories().len(), 1);
    let history = &together.histories()[0];
    assert!(together.losses()[0] < 0.5 * history.validation[0]);
}

#[test]
fn predictions_are_in_the_units_of_the_responses() {
    let (x, y) = series();
    let model = fit(Levels::GreedyThenTogether, config(0.0));
    let rows = Rows::new(&x, SETS * LENGTH, 2).unwrap();
    let sets = Sets::equal(SETS, LENGTH).unwrap();
    let found = model.predict(rows, &sets).unwrap();
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
    let errors = found.iter().zip(&y).map(|(f, y)| (f - y).powi(2));
    let share = errors.sum::<f64>() / n / variance;
    let loss = *model.losses().last().unwrap();
    assert!((share - loss).abs() < 1e-4 * loss, "{share}, {loss}");
}

#[test]
fn classes_have_probabilities() {
    let (x, y) = series();
    let labels: Vec<usize> = y.iter().map(|y| usize::from(*y > 0.0)).collect();
    let rows = Rows::new(&x, SETS * LENGTH, 2).unwrap();
    let sets = Sets::equal(SETS, LENGTH).unwrap();
    let goal = Goal::Classes(&labels, 2);
    let learner = learner(Levels::GreedyThenTogether, config(0.0));
    let model = learner
        .fit::<f32>(rows, &sets, goal, &Watch::default())
        .unwrap();
    no_level_loses(&model);
    let found = model.predict(rows, &sets).unwrap();
    assert!(found.chunks(2).all(|p| (p[0] + p[1] - 1.0).abs() < 1e-12));
    let right = found
        .chunks(2)
        .zip(&labels)
        .filter(|(p, c)| p[**c] > 0.5)
        .count();
    assert!(right as f64 > 0.8 * labels.len() as f64, "{right}");
}

#[test]
fn bad_requests_are_refused_in_a_sentence() {
    let (x, y) = series();
    let rows = Rows::new(&x, SETS * LENGTH, 2).unwrap();
    let goal = Goal::Responses(Rows::new(&y, SETS * LENGTH, 1).unwrap());
    let sets = Sets::equal(SETS, LENGTH).unwrap();
    let watch = Watch::default();
    let says = |found: locality_core::Result<HierarchicalFit<f32>>, word: &str| {
        let e = found.unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
    };
    let plain = || learner(Levels::Greedy, config(0.0));
    let short = Sets::equal(SETS, 3).unwrap();
    says(plain().fit(rows, &short, goal, &watch), "180 rows");
    says(
        HierarchicalLearner::new(Vec::new()).fit(rows, &sets, goal, &watch),
        "no layers",
    );
    let post = LayerConfig::new(4, 2).unwrap().norm_first(false);
    let post = HierarchicalLearner::new(vec![post]).levels(Levels::Greedy);
    says(post.fit(rows, &sets, goal, &watch), "norm_first");
    let none = plain().fit_config(FitConfig {
        batch: 0,
        ..config(0.0)
    });
    says(none.fit(rows, &sets, goal, &watch), "batch=0");
    let labels = vec![2; SETS * LENGTH];
    says(
        plain().fit(rows, &sets, Goal::Classes(&labels, 2), &watch),
        "classes",
    );
    let wide = LayerConfig::new(8, 2).unwrap();
    let two = HierarchicalLearner::new(vec![wide, LayerConfig::new(4, 2).unwrap()]);
    says(two.fit(rows, &sets, goal, &watch), "width");
}
