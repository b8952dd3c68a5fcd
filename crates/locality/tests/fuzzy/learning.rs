//! Rules from data: where they are placed, what tuning and pruning do, and that they read back.

use locality::fuzzy::{Format, FuzzySystem, LearnedRules, RuleCount, RuleLearner};
use locality::{ErrorKind, Rows, Watch};
use locality_testing::{Rng, normal};

/// Three groups of 80 rows in two columns, each with a plane of its own.
fn groups() -> (Vec<f64>, Vec<f64>) {
    let centers = [[0.0, 0.0], [8.0, 2.0], [3.0, 9.0]];
    let planes = [[1.0, 1.0, -2.0], [10.0, -3.0, 0.5], [20.0, 0.0, 4.0]];
    let noise = normal(11, 240, 2);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (i, own) in noise.chunks_exact(2).enumerate() {
        let (c, p) = (centers[i % 3], planes[i % 3]);
        let row = [c[0] + 0.4 * own[0], c[1] + 0.4 * own[1]];
        x.extend(row);
        y.push(p[0] + p[1] * row[0] + p[2] * row[1]);
    }
    (x, y)
}

fn learn(learner: RuleLearner, x: &[f64], y: &[f64], watch: &Watch<'_>) -> LearnedRules {
    let n = y.len();
    let d = x.len() / n;
    let names: Vec<String> = (0..d).map(|j| format!("x{j}")).collect();
    let (rows, targets) = (Rows::new(x, n, d).unwrap(), Rows::column(y));
    let learned = learner.fit(rows, targets, &names, &["y".to_owned()], watch);
    learned.unwrap()
}

#[test]
fn mean_shift_places_a_rule_at_each_mode_as_wide_as_its_cluster() {
    let (x, y) = groups();
    let learner = RuleLearner::new()
        .rules(RuleCount::MeanShift(0.08))
        .ridge(1e-9)
        .epochs(0, 1);
    let learned = learn(learner, &x, &y, &Watch::default());
    let system = learned.system();
    assert_eq!((system.rules().len(), learned.pruned()), (3, 0));
    assert!(learned.error() < 0.02, "{}", learned.error());
    let extent = |j: usize| {
        let column = x.iter().skip(j).step_by(2);
        let ends = column.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        ends.1 - ends.0
    };
    for (j, places) in [[0.0, 3.0, 8.0], [0.0, 2.0, 9.0]].iter().enumerate() {
        let terms = &system.inputs()[j].terms;
        // Groups have a deviation of 0.4, the Gaussian 0.08 of the column's range.
        let wide = (0.4_f64.powi(2) + (0.08 * extent(j)).powi(2)).sqrt();
        for ((_, term), place) in terms.iter().zip(places) {
            let [center, sigma] = term.parameters() else {
                panic!("{term}")
            };
            assert!((center - place).abs() < 0.3, "{center} {place}");
            assert!((sigma / wide - 1.0).abs() < 0.2, "{sigma} {wide}");
        }
    }
    for threads in [1, 3] {
        let again = learn(learner, &x, &y, &Watch::default().threads(threads));
        assert_eq!(again, learned);
    }
}

#[test]
fn a_few_rows_apart_are_no_rule_unless_there_are_no_others() {
    let (mut x, mut y) = groups();
    x.extend([30.0, 30.0, 30.0, -30.0]);
    y.extend([0.0, 0.0]);
    let learner = RuleLearner::new()
        .rules(RuleCount::MeanShift(0.02))
        .epochs(0, 1)
        .prune(-1.0);
    let learned = learn(learner, &x, &y, &Watch::default());
    assert_eq!(learned.system().rules().len(), 3);
    // Two hundred rows so far apart that each is a cluster: half of them can be told.
    let apart: Vec<f64> = (0..200).map(f64::from).collect();
    let learner = learner.rules(RuleCount::MeanShift(1e-5)).order(0);
    let learned = learn(learner, &apart, &apart, &Watch::default());
    assert_eq!(learned.system().rules().len(), 100);
}

#[test]
fn rules_that_nothing_needs_are_pruned() {
    let mut rng = Rng::new(4);
    let x: Vec<f64> = (0..300).map(|_| rng.uniform()).collect();
    let y: Vec<f64> = x.iter().map(|x| 3.0 - 2.0 * x).collect();
    let learner = RuleLearner::new()
        .rules(RuleCount::CMeans(6))
        .ridge(1e-9)
        .epochs(0, 1);
    let one = learn(learner, &x, &y, &Watch::default());
    assert_eq!((one.system().rules().len(), one.pruned()), (1, 5));
    assert!(one.error() < 1e-4);
    let all = learn(learner.prune(-1.0), &x, &y, &Watch::default());
    assert_eq!((all.system().rules().len(), all.pruned()), (6, 0));
}

#[test]
fn tuning_never_raises_the_training_error_and_reads_back() {
    let mut rng = Rng::new(9);
    let x: Vec<f64> = (0..400).map(|_| 6.0 * rng.uniform()).collect();
    let y: Vec<f64> = x.iter().map(|x| x.sin() + 0.1 * rng.normal()).collect();
    for rules in [
        RuleCount::CMeans(4),
        RuleCount::MeanShift(0.05),
        RuleCount::Subtractive(0.4),
    ] {
        for order in [0, 1] {
            let learner = RuleLearner::new().rules(rules).order(order).epochs(8, 8);
            let learned = learn(learner, &x, &y, &Watch::default());
            let errors: Vec<f64> = learned.history().iter().map(|h| h[0]).collect();
            assert!(
                errors.is_sorted_by(|a, b| *b <= a * (1.0 + 1e-9)),
                "{errors:?}"
            );
            assert!(errors.len() < 2 || errors[errors.len() - 1] < errors[0]);
            let text = learned.system().to_toml();
            assert_eq!(
                &FuzzySystem::read(&text, Format::Toml).unwrap(),
                learned.system()
            );
        }
    }
}

#[test]
fn bandwidths_that_are_none_are_named() {
    let (x, y) = groups();
    let (rows, targets) = (Rows::new(&x, 240, 2).unwrap(), Rows::column(&y));
    let names = ["a".to_owned(), "b".to_owned()];
    for bandwidth in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let learner = RuleLearner::new().rules(RuleCount::MeanShift(bandwidth));
        let refused = learner.fit(rows, targets, &names, &names[..1], &Watch::default());
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(
            error
                .to_string()
                .contains(&format!("bandwidth={bandwidth}")),
            "{error}"
        );
    }
}

#[test]
fn terms_that_are_nearly_one_curve_are_one_term() {
    // Two columns in each of which two of the three groups lie at one place.
    let centers = [[0.0, 0.0], [8.0, 0.0], [8.0, 9.0]];
    let noise = normal(5, 240, 2);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (i, own) in noise.chunks_exact(2).enumerate() {
        let c = centers[i % 3];
        x.extend([c[0] + 0.15 * own[0], c[1] + 0.15 * own[1]]);
        y.push([1.0, 7.0, -4.0][i % 3] + 0.1 * own[0]);
    }
    let rules = RuleCount::MeanShift(0.08);
    let learner = RuleLearner::new()
        .rules(rules)
        .epochs(0, 1)
        .prune(-1.0)
        .ridge(1e-9);
    let learned = learn(learner, &x, &y, &Watch::default());
    let system = learned.system();
    assert_eq!(system.rules().len(), 3);
    for input in system.inputs() {
        let names: Vec<&str> = input.terms.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["low", "high"], "{system}");
        let (a, b) = (&input.terms[0].1, &input.terms[1].1);
        assert!(
            (0..200).any(|i| (a.at(0.05 * f64::from(i)) - b.at(0.05 * f64::from(i))).abs() > 0.5)
        );
    }
    assert!(learned.error() < 0.06, "{}", learned.error());
}
