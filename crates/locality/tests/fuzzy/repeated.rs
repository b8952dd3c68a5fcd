//! Rules from rows that repeat, and from rows with weights.

use locality::fuzzy::{LearnedRules, RuleCount, RuleLearner};
use locality::{ErrorKind, Rows, Watch};
use locality_testing::Rng;
use proptest::prelude::*;

/// Rows and targets.
type Table = (Vec<f64>, Vec<f64>);

fn learn(learner: RuleLearner, (x, y): &Table, weights: Option<&[f64]>) -> LearnedRules {
    let n = y.len();
    let d = x.len() / n;
    let names: Vec<String> = (0..d).map(|j| format!("x{j}")).collect();
    let (rows, targets) = (Rows::new(x, n, d).unwrap(), Rows::column(y));
    let (outputs, watch) = (["y".to_owned()], Watch::default());
    let learned = learner.fit_weighted(rows, targets, weights, &names, &outputs, &watch);
    learned.unwrap()
}

fn predict(learned: &LearnedRules, x: &[f64]) -> Vec<f64> {
    let d = learned.system().inputs().len();
    let rows = Rows::new(x, x.len() / d, d).unwrap();
    learned.system().evaluate(rows, &Watch::default()).unwrap()
}

fn range(y: &[f64]) -> (f64, f64) {
    let ends = |f: fn(f64, f64) -> f64, from: f64| y.iter().fold(from, |a, b| f(a, *b));
    (ends(f64::min, f64::MAX), ends(f64::max, f64::MIN))
}

/// The root mean squared error of predictions, and by how many ranges of the responses any of them lies beyond that range.
fn off(found: &[f64], y: &[f64], all: &[f64]) -> (f64, f64) {
    let (low, high) = range(all);
    let beyond = found.iter().map(|f| (low - f).max(f - high).max(0.0));
    let most = beyond.fold(0.0, f64::max) / (high - low);
    let squares = found.iter().zip(y).map(|(f, y)| (f - y) * (f - y));
    ((squares.sum::<f64>() / y.len() as f64).sqrt(), most)
}

/// The rows moved by so much.
fn moved(x: &[f64], by: f64, rng: &mut Rng) -> Vec<f64> {
    x.iter().map(|x| x + by * rng.normal()).collect()
}

/// All combinations of three levels of three inputs, six times, with noise.
fn factorial() -> Table {
    let mut rng = Rng::new(3);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for cell in 0..27 {
        let row = [cell % 3, cell / 3 % 3, cell / 9].map(|level| f64::from(level) - 1.0);
        for _ in 0..6 {
            x.extend(row);
            y.push(row[0] * row[1] + row[2] + 0.1 * rng.normal());
        }
    }
    (x, y)
}

#[test]
fn a_noisy_factorial_is_learned_and_its_error_is_that_of_the_system() {
    let table = factorial();
    let mut rng = Rng::new(8);
    for rules in [8, 12, 20, 27] {
        for order in [0, 1] {
            let learner = RuleLearner::new().order(order);
            let learned = learn(learner.rules(RuleCount::CMeans(rules)), &table, None);
            let (error, _) = off(&predict(&learned, &table.0), &table.1, &table.1);
            assert!((error - learned.error()).abs() < 1e-9, "{rules} {order}");
            assert!(order == 0 || error < 0.15, "{rules}: {error}");
            for by in [1e-6, 1e-3, 1e-2] {
                let near = moved(&table.0, by, &mut rng);
                let (error, beyond) = off(&predict(&learned, &near), &table.1, &table.1);
                assert!(beyond < 0.5, "{rules} {order} {by}: {beyond}");
                // Rules as narrow as this change within a hundredth.
                assert!(
                    order == 0 || by > 1e-3 || error < 0.2,
                    "{rules} {by}: {error}"
                );
            }
            let between: Vec<f64> = (0..6000).map(|_| 2.0 * rng.uniform() - 1.0).collect();
            let (_, beyond) = off(&predict(&learned, &between), &[0.0], &table.1);
            assert!(beyond < 2.0, "{rules} {order}: {beyond}");
        }
    }
}

#[test]
fn a_few_places_that_repeat_are_told_apart() {
    let mut rng = Rng::new(0);
    let places: Vec<f64> = (0..15).map(|_| rng.uniform()).collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (i, place) in places.chunks_exact(3).enumerate() {
        for _ in 0..20 {
            x.extend(place);
            y.push((i % 2) as f64);
        }
    }
    let learned = learn(RuleLearner::new(), &(x.clone(), y.clone()), None);
    let found = predict(&learned, &x);
    let right = found
        .iter()
        .zip(&y)
        .filter(|(f, y)| (**f > 0.5) == (**y > 0.5));
    assert_eq!(right.count(), 100, "{found:?}");
    let between: Vec<f64> = (0..6000).map(|_| rng.uniform()).collect();
    let (_, beyond) = off(&predict(&learned, &between), &[0.0], &y);
    assert!(beyond < 3.0, "{beyond}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Predictions at rows that repeat, near them and between two of them stay within a few times the responses' range.
    #[test]
    fn rows_that_repeat_keep_predictions_near(
        seed in 0_u64..1000,
        (d, distinct, times) in (1_usize..4, 2_usize..12, 1_usize..15),
        (levels, noise) in (prop::option::of(2_u32..5), prop::sample::select(vec![0.0, 0.1, 1.0])),
        rules in prop::sample::select(vec![
            RuleCount::Auto, RuleCount::CMeans(2), RuleCount::CMeans(9), RuleCount::Subtractive(0.5),
            RuleCount::Subtractive(0.1), RuleCount::MeanShift(0.05), RuleCount::MeanShift(0.3),
        ]),
        order in 0_usize..2,
        local in prop::bool::weighted(0.2),
        ridge in prop::sample::select(vec![None, Some(1e-4), Some(0.3)]),
        htsk in prop::option::of(prop::bool::ANY),
    ) {
        let mut rng = Rng::new(seed);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..distinct {
            let place = |rng: &mut Rng| match levels {
                Some(levels) => f64::from((rng.uniform() * f64::from(levels)) as u32),
                None => rng.uniform(),
            };
            let row: Vec<f64> = (0..d).map(|_| place(&mut rng)).collect();
            let value = rng.normal();
            for _ in 0..times {
                x.extend(&row);
                y.push(value + noise * rng.normal());
            }
        }
        let fits = !matches!(rules, RuleCount::CMeans(n) if n > y.len());
        prop_assume!(y.len() > 4 && fits);
        let learner = RuleLearner::new().rules(rules).order(order).local(local).ridge(ridge).htsk(htsk);
        let table = (x, y);
        let learned = learn(learner, &table, None);
        let (x, y) = &table;
        let (error, beyond) = off(&predict(&learned, x), y, y);
        prop_assert!((error - learned.error()).abs() <= 1e-9 * (1.0 + error));
        prop_assert!(beyond < 0.5, "{beyond}");
        // Of the columns' ranges: lines go on beyond places as near to one another as this.
        let ranges: Vec<f64> = (0..d).map(|j| {
            let column: Vec<f64> = x.iter().skip(j).step_by(d).copied().collect();
            range(&column)
        }).map(|(low, high)| if low < high { high - low } else { 1.0 }).collect();
        for by in [1e-6, 1e-3] {
            let near: Vec<f64> = x.iter().zip(ranges.iter().cycle()).map(|(x, range)| x + by * range * rng.normal()).collect();
            let (_, beyond) = off(&predict(&learned, &near), y, y);
            prop_assert!(beyond < 0.7, "{by} {beyond}");
        }
        let between: Vec<f64> = (0..200).flat_map(|_| {
            let [a, b] = [rng.below(y.len()), rng.below(y.len())];
            let t = rng.uniform();
            (0..d).map(move |j| (a * d + j, b * d + j, t)).collect::<Vec<_>>()
        }).map(|(a, b, t)| x[a] + t * (x[b] - x[a])).collect();
        let (_, beyond) = off(&predict(&learned, &between), &[0.0], y);
        prop_assert!(beyond < 4.0, "between {beyond}");
    }
}

#[test]
fn a_penalty_too_small_for_what_lies_between_rows_is_raised() {
    // Rows in two tight pairs: lines through a pair go anywhere between the pairs.
    let table = (
        [0.0, 0.1, 0.9, 1.0].repeat(6),
        [0.0, 1.0, 0.0, 1.0].repeat(6),
    );
    let rules = RuleLearner::new()
        .rules(RuleCount::CMeans(2))
        .epochs(0, 1)
        .prune(-1.0);
    let between: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
    let of = |ridge: f64| {
        let learned = learn(rules.ridge(ridge), &table, None);
        let (_, beyond) = off(&predict(&learned, &between), &[0.0], &table.1);
        (learned.ridge(), beyond)
    };
    let (kept, beyond) = of(0.3);
    assert!(kept == 0.3 && beyond < 1.0, "{kept} {beyond}");
    let (raised, beyond) = of(1e-9);
    assert!(raised > 1e-9 && beyond < 1.01, "{raised} {beyond}");
}

#[test]
fn whole_weights_are_repeated_rows() {
    let mut rng = Rng::new(21);
    let n = 120;
    let x: Vec<f64> = (0..2 * n).map(|_| rng.uniform()).collect();
    let y: Vec<f64> = x
        .chunks_exact(2)
        .map(|r| (5.0 * r[0]).sin() + r[1] * r[1] + 0.1 * rng.normal())
        .collect();
    let weights: Vec<f64> = (0..n).map(|_| rng.below(4) as f64).collect();
    let (mut rx, mut ry) = (Vec::new(), Vec::new());
    for (i, w) in weights.iter().enumerate() {
        for _ in 0..*w as usize {
            rx.extend(&x[2 * i..2 * i + 2]);
            ry.push(y[i]);
        }
    }
    let (table, repeated) = ((x, y), (rx, ry));
    for (rules, tolerance) in [
        (RuleCount::CMeans(5), 1e-6),
        (RuleCount::Subtractive(0.5), 1e-6),
        // Its seeds come in another order, and each comes to rest a thousandth of the bandwidth from the mode.
        (RuleCount::MeanShift(0.2), 0.04),
    ] {
        let learner = RuleLearner::new().rules(rules).epochs(0, 1).prune(-1.0);
        let heavy = learn(learner, &table, Some(&weights));
        let often = learn(learner, &repeated, None);
        let plain = learn(learner, &table, None);
        assert_eq!(heavy.system().rules().len(), often.system().rules().len());
        let [a, b, c] = [&heavy, &often, &plain].map(|l| predict(l, &table.0));
        let most = |a: &[f64], b: &[f64]| {
            let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
            off.fold(0.0, f64::max)
        };
        assert!(most(&a, &b) < tolerance, "{rules:?}: {}", most(&a, &b));
        let apart = most(&a, &c);
        assert!(apart > 2.0 * most(&a, &b), "{rules:?}: {apart}");
        assert!((heavy.error() - often.error()).abs() < tolerance);
        // Only their ratios count.
        let scaled: Vec<f64> = weights.iter().map(|w| 1e-3 * w).collect();
        let scaled = learn(learner, &table, Some(&scaled));
        assert!(most(&a, &predict(&scaled, &table.0)) < tolerance);
    }
    // Terms that move, and rows that are held out: what has no weight is as if it were not there.
    let some =
        |keep: fn(f64) -> bool| -> Vec<usize> { (0..n).filter(|&i| keep(weights[i])).collect() };
    let kept = some(|w| w > 0.0);
    let less = (
        kept.iter()
            .flat_map(|&i| [table.0[2 * i], table.0[2 * i + 1]])
            .collect(),
        kept.iter().map(|&i| table.1[i]).collect(),
    );
    let own: Vec<f64> = kept.iter().map(|&i| weights[i]).collect();
    let all = learn(RuleLearner::new(), &table, Some(&weights));
    assert_eq!(all, learn(RuleLearner::new(), &less, Some(&own)));
    assert_ne!(all, learn(RuleLearner::new(), &less, None));
}

#[test]
fn weights_that_are_none_are_named() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let refused = |weights: &[f64]| {
        let (rows, names) = (Rows::column(&x), ["a".to_owned()]);
        let found = RuleLearner::new().fit_weighted(
            rows,
            rows,
            Some(weights),
            &names,
            &names,
            &Watch::default(),
        );
        let error = found.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Parse);
        error.to_string()
    };
    for (weights, words) in [
        (&[1.0; 3][..], "3 sample weights for 4 samples"),
        (&[1.0, -1.0, 1.0, 1.0], "-1 in row 1"),
        (&[1.0, 1.0, f64::NAN, 1.0], "NaN in row 2"),
        (&[0.0; 4], "all 0"),
        (&[0.0, 0.0, 0.0, 2.0], "above 0 for one row only"),
    ] {
        let found = refused(weights);
        assert!(found.contains(words), "{found}");
    }
}

#[test]
fn a_small_radius_makes_no_more_rules_than_rows_can_tell() {
    let mut rng = Rng::new(2);
    let x: Vec<f64> = (0..900).map(|_| rng.uniform()).collect();
    let y: Vec<f64> = x.chunks_exact(3).map(|r| r[0] + r[1] * r[2]).collect();
    let table = (x, y);
    let learner = RuleLearner::new().epochs(0, 1).prune(-1.0);
    let small = learn(learner.rules(RuleCount::Subtractive(0.1)), &table, None);
    // 300 rows, and 4 coefficients of each rule, twice.
    assert_eq!(small.system().rules().len(), 37);
    assert!(small.beyond() > 100, "{}", small.beyond());
    let wide = learn(learner.rules(RuleCount::Subtractive(0.8)), &table, None);
    assert_eq!(wide.beyond(), 0);
}
