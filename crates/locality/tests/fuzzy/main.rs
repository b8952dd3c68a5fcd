//! Fuzzy inference: laws, figures of scikit-fuzzy and simpful, and the three inferences against their formulas.

mod files;
mod learning;
mod narrow;
mod repeated;
mod texts;

use locality::fuzzy::{
    Antecedent, Conclusion, Consequent, Defuzzifier, Format, FuzzySystem, Inference, Input,
    Membership, Output, Rule, SNorm, Settings, TNorm,
};
use locality::{Kernel, LocalMean, Rows, Watch};
use proptest::prelude::*;

use texts::{FCL, FIS};

const FIGURES: &str = include_str!("../oracle/fuzzy.txt");
const SIMPFUL: &str = include_str!("../oracle/fuzzy_simpful.txt");

const TIP: &str = r#"
name = "tipping"
resolution = 2001
[[input]]
name = "quality"
range = [0, 10]
terms = { poor = "triangle(0, 0, 5)", average = "triangle(0, 5, 10)", good = "triangle(5, 10, 10)" }
[[input]]
name = "service"
range = [0, 10]
terms = { poor = "triangle(0, 0, 5)", average = "triangle(0, 5, 10)", good = "triangle(5, 10, 10)" }
[[output]]
name = "tip"
range = [0, 25]
defuzzifier = "DEFUZZIFIER"
terms = { low = "triangle(0, 0, 13)", medium = "triangle(0, 13, 25)", high = "triangle(13, 25, 25)" }
[rules]
text = '''
IF quality IS poor OR service IS poor THEN tip IS low
IF service IS average THEN tip IS medium
IF service IS good OR quality IS good THEN tip IS high
'''
"#;

const FAN: &str = r#"
name = "fan"
resolution = 4001
[[input]]
name = "heat"
range = [0, 40]
terms = { cold = "z(10, 22)", warm = "gaussian(22, 4)", hot = "s(22, 34)" }
[[input]]
name = "damp"
range = [0, 100]
terms = { dry = "sigmoid(-0.2, 40)", wet = "bell(30, 3, 100)" }
[[output]]
name = "speed"
range = [0, 100]
terms = { slow = "trapezoid(0, 0, 15, 40)", medium = "triangle(20, 50, 80)", fast = "trapezoid(60, 85, 100, 100)" }
[rules]
text = '''
IF heat IS cold THEN speed IS slow
IF heat IS warm AND damp IS NOT wet THEN speed IS medium
IF heat IS hot OR (heat IS warm AND damp IS wet) THEN speed IS fast
IF damp IS dry AND NOT heat IS hot THEN speed IS slow
'''
"#;

fn watch() -> Watch<'static> {
    Watch::default()
}

fn one(system: &FuzzySystem, row: &[f64]) -> f64 {
    let rows = Rows::new(row, 1, row.len()).unwrap();
    system.evaluate(rows, &watch()).unwrap()[0]
}

/// Lines of a case of scikit-fuzzy: numbers.
fn figures(name: &str) -> Vec<Vec<f64>> {
    cases(FIGURES, name)
}

fn cases(text: &str, name: &str) -> Vec<Vec<f64>> {
    let lines = text
        .lines()
        .filter_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
    lines
        .map(|l| l.split(' ').map(|x| x.parse().unwrap()).collect())
        .collect()
}

#[test]
fn tipping_agrees_with_scikit_fuzzy() {
    // Centroid and bisector within the straight lines between the points of the two grids; the maxima within a step of the peers' grid
    // and ours.
    for (short, name, tolerance) in [
        ("centroid", "centroid", 2e-3),
        ("bisector", "bisector", 0.02),
        ("mom", "mean_of_maximum", 0.0125),
        ("som", "smallest_of_maximum", 0.0226),
        ("lom", "largest_of_maximum", 0.0226),
    ] {
        let system = FuzzySystem::read(&TIP.replace("DEFUZZIFIER", name), Format::Toml).unwrap();
        let cases = figures(&format!("tip-{short}"));
        assert_eq!(cases.len(), 20);
        for case in cases {
            let found = one(&system, &case[..2]);
            assert!(
                (found - case[2]).abs() <= tolerance,
                "{name} {case:?}: {found}"
            );
        }
    }
}

#[test]
fn the_fan_agrees_with_scikit_fuzzy() {
    let system = FuzzySystem::read(FAN, Format::Toml).unwrap();
    let cases = figures("fan");
    assert_eq!(cases.len(), 20);
    for case in cases {
        let found = one(&system, &case[..2]);
        // The peer reads its curved terms off a grid of 4001 points.
        assert!((found - case[2]).abs() < 2e-3, "{case:?}: {found}");
    }
}

#[test]
fn tipping_and_the_fan_agree_with_simpful() {
    // It sums over 4000 points of the output's range: it is off by less than half their distance.
    let tip = TIP.replace("DEFUZZIFIER", "centroid");
    for (name, text, range) in [("tip", &*tip, 25.0), ("fan", FAN, 100.0)] {
        let system = FuzzySystem::read(text, Format::Toml).unwrap();
        let all = cases(SIMPFUL, name);
        assert_eq!(all.len(), 20);
        for case in all {
            let found = one(&system, &case[..2]);
            let off = (found - case[2]).abs();
            assert!(off < range / 8000.0, "{name} {case:?}: {found}");
        }
    }
}

#[test]
fn memberships_agree_with_scikit_fuzzy() {
    let mut seen = 0;
    for line in FIGURES
        .lines()
        .filter_map(|l| l.strip_prefix("membership "))
    {
        let parts: Vec<&str> = line.split(' ').collect();
        let set: Membership = parts[0].parse().unwrap();
        let (x, y): (f64, f64) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
        assert!((set.at(x) - y).abs() < 1e-12, "{line}: {}", set.at(x));
        seen += 1;
    }
    assert_eq!(seen, 11 * 21);
}

fn gaussians(name: &str, at: &[f64], sigma: f64) -> Input {
    let term = |(i, c): (usize, &f64)| (format!("t{i}"), Membership::gaussian(*c, sigma).unwrap());
    Input {
        name: name.into(),
        range: [-10.0, 10.0],
        terms: at.iter().enumerate().map(term).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Order 0, Gaussian terms and the product make the local mean of Nadaraya and Watson over the table of rules.
    #[test]
    fn order_zero_is_the_local_mean_over_rules(
        keys in prop::collection::vec((-3.0..3.0, -3.0..3.0, -5.0..5.0), 1..20),
        queries in prop::collection::vec((-4.0..4.0, -4.0..4.0), 1..30),
        widths in (0.3..2.0, 0.3..2.0),
    ) {
        let keys: Vec<(f64, f64, f64)> = keys;
        let widths: (f64, f64) = widths;
        let a: Vec<f64> = keys.iter().map(|k| k.0).collect();
        let b: Vec<f64> = keys.iter().map(|k| k.1).collect();
        let y: Vec<f64> = keys.iter().map(|k| k.2).collect();
        let inputs = vec![gaussians("a", &a, widths.0), gaussians("b", &b, widths.1)];
        let mut output = Output::new("y", [-5.0, 5.0], Inference::Sugeno);
        output.terms = y.iter().enumerate().map(|(i, y)| (format!("t{i}"), Conclusion::constant(*y))).collect();
        let settings = Settings { and: TNorm::Product, clip: false, ..Settings::default() };
        let mut system = FuzzySystem::new("nw", settings, inputs, vec![output]).unwrap();
        for i in 0..keys.len() {
            system.add(&format!("IF a IS t{i} AND b IS t{i} THEN y IS t{i}")).unwrap();
        }
        let sites: Vec<f64> = keys.iter().flat_map(|k| [k.0, k.1]).collect();
        let asked: Vec<f64> = queries.iter().flat_map(|q: &(f64, f64)| [q.0, q.1]).collect();
        let asked = Rows::new(&asked, queries.len(), 2).unwrap();
        let kernel: Kernel = format!("gaussian(h=[{}, {}])", widths.0, widths.1).parse().unwrap();
        let fit = LocalMean::new(kernel).fit(Rows::new(&sites, keys.len(), 2).unwrap(), Rows::column(&y)).unwrap();
        let expected = fit.at(asked, &watch()).unwrap().means;
        let found = system.evaluate(asked, &watch()).unwrap();
        for (f, e) in found.iter().zip(&expected) {
            prop_assert!((f - e).abs() < 1e-10, "{f} {e}");
        }
        // And by degrees instead of logarithms, where a weighted sum beside keeps them from being taken.
        let firing = system.firing(asked, &watch()).unwrap();
        for (row, e) in firing.chunks_exact(keys.len()).zip(&expected) {
            let top: f64 = row.iter().zip(&y).map(|(w, y)| w * y).sum();
            let sum: f64 = row.iter().sum();
            prop_assume!(sum > 1e-200);
            prop_assert!((top / sum - e).abs() < 1e-9);
        }
    }

    /// Weighted averages and centroids lie between the conclusions; all rules concluding one number conclude it.
    #[test]
    fn averages_stay_between_conclusions(
        a in -1.0..1.0_f64, b in -1.0..1.0_f64,
        and in prop::sample::select(vec!["min", "product", "einstein", "hamacher"]),
        heights in prop::collection::vec(-3.0..3.0_f64, 4),
    ) {
        let sets = ["triangle(-2, -1, 1)", "triangle(-1, 1, 2)"];
        let input = |name: &str| Input {
            name: name.into(),
            range: [-1.0, 1.0],
            terms: sets.iter().enumerate().map(|(i, s)| (format!("t{i}"), s.parse().unwrap())).collect(),
        };
        let mut output = Output::new("y", [-3.0, 3.0], Inference::Sugeno);
        output.terms = heights.iter().enumerate().map(|(i, y)| (format!("t{i}"), Conclusion::constant(*y))).collect();
        let settings = Settings { and: and.parse().unwrap(), ..Settings::default() };
        let mut system = FuzzySystem::new("s", settings, vec![input("a"), input("b")], vec![output]).unwrap();
        for i in 0..4 {
            system.add(&format!("IF a IS t{} AND b IS t{} THEN y IS t{i}", i / 2, i % 2)).unwrap();
        }
        let y = one(&system, &[a, b]);
        let low = heights.iter().fold(f64::INFINITY, |a, b| a.min(*b));
        let high = heights.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        prop_assert!(y >= low - 1e-12 && y <= high + 1e-12);
    }

    /// Text never makes the readers panic, whatever it is.
    #[test]
    fn broken_files_are_refused(cut in 0_usize..2000, insert in "[\\[\\]='\"(),;:a-z0-9 .\\-\\n]{0,4}") {
        for (text, format) in [(TIP, Format::Toml), (FCL, Format::Fcl), (FIS, Format::Fis)] {
            let at = (0..=cut % (text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap();
            let broken = format!("{}{insert}{}", &text[..at], &text[at..]);
            let _ = FuzzySystem::read(&broken, format);
            let _ = FuzzySystem::read(&text[..at], format);
        }
    }
}

#[test]
fn far_from_all_rules_the_nearest_decides() {
    // exp(-0.5 * 1000^2) is no number; its logarithm is.
    let inputs = vec![gaussians("a", &[0.0, 1.0], 0.01)];
    let mut output = Output::new("y", [0.0, 1.0], Inference::Sugeno);
    output.terms = vec![
        ("low".into(), Conclusion::constant(0.0)),
        ("high".into(), Conclusion::constant(1.0)),
    ];
    let settings = Settings {
        and: TNorm::Product,
        ..Settings::default()
    };
    let mut system = FuzzySystem::new("far", settings, inputs, vec![output]).unwrap();
    system.add("IF a IS t0 THEN y IS low").unwrap();
    system.add("IF a IS t1 THEN y IS high").unwrap();
    assert_eq!(one(&system, &[9.9]), 1.0);
}

#[test]
fn htsk_is_the_geometric_mean_of_the_firing() {
    let d = 3;
    let inputs = (0..d)
        .map(|j| gaussians(&format!("x{j}"), &[0.0, 1.0], 0.7))
        .collect();
    let mut output = Output::new("y", [0.0, 1.0], Inference::Sugeno);
    output.terms = vec![
        ("low".into(), Conclusion::constant(2.0)),
        ("high".into(), Conclusion::constant(5.0)),
    ];
    let settings = Settings {
        and: TNorm::Product,
        htsk: true,
        ..Settings::default()
    };
    let mut system = FuzzySystem::new("htsk", settings, inputs, vec![output]).unwrap();
    system
        .add("IF x0 IS t0 AND x1 IS t0 AND x2 IS t0 THEN y IS low")
        .unwrap();
    system
        .add("IF x0 IS t1 AND x1 IS very t1 AND x2 IS t1 THEN y IS high")
        .unwrap();
    let x: [f64; 3] = [0.3, 0.9, -0.2];
    let m = |x: f64, c: f64| -0.5 * ((x - c) / 0.7).powi(2);
    let low = (x.iter().map(|x| m(*x, 0.0)).sum::<f64>() / 3.0).exp();
    let high = ((m(x[0], 1.0) + 2.0 * m(x[1], 1.0) + m(x[2], 1.0)) / 3.0).exp();
    let expected = (2.0 * low + 5.0 * high) / (low + high);
    assert!((one(&system, &x) - expected).abs() < 1e-13);
    assert!(system.add("IF x0 IS t0 OR x1 IS t0 THEN y IS low").is_err());
    assert!(system.add("IF x0 IS not t0 THEN y IS low").is_err());
}

#[test]
fn orders_weights_sums_and_tsukamoto_are_their_formulas() {
    let input = || Input {
        name: "x".into(),
        range: [0.0, 10.0],
        terms: vec![
            ("low".into(), "triangle(0, 0, 10)".parse().unwrap()),
            ("high".into(), "triangle(0, 10, 10)".parse().unwrap()),
        ],
    };
    let mut average = Output::new("average", [0.0, 10.0], Inference::Sugeno);
    let line = |constant, slope| Conclusion::Affine {
        constant,
        slopes: vec![slope],
    };
    average.terms = vec![("a".into(), line(1.0, 2.0)), ("b".into(), line(-3.0, 0.5))];
    let mut sum = average.clone();
    sum.name = "sum".into();
    sum.defuzzifier = Defuzzifier::WeightedSum;
    let mut tsukamoto = Output::new("tsukamoto", [0.0, 8.0], Inference::Tsukamoto);
    tsukamoto.terms = vec![
        (
            "a".into(),
            Conclusion::Set("linear(0, 1, 8, 0)".parse().unwrap()),
        ),
        ("b".into(), Conclusion::Set("s(2, 6)".parse().unwrap())),
    ];
    let outputs = vec![average, sum, tsukamoto];
    let mut system =
        FuzzySystem::new("three", Settings::default(), vec![input()], outputs).unwrap();
    system
        .add("IF x IS low THEN average IS a, sum IS a, tsukamoto IS a")
        .unwrap();
    system
        .add("IF x IS high THEN average IS b, sum IS b, tsukamoto IS b WITH 0.5")
        .unwrap();
    let rows = Rows::column(&[4.0]);
    let found = system.evaluate(rows, &watch()).unwrap();
    let (low, high): (f64, f64) = (0.6, 0.5 * 0.4);
    let (a, b) = (1.0 + 2.0 * 4.0, -3.0 + 0.5 * 4.0);
    let both: f64 = low * a + high * b;
    assert!((found[0] - both / (low + high)).abs() < 1e-14);
    assert!((found[1] - both).abs() < 1e-14);
    // Where 1 - y/8 = 0.6, and where the spline of 2..6 reaches 0.2.
    let (za, zb) = (8.0 * 0.4, 2.0 + 4.0 * 0.1_f64.sqrt());
    assert!((found[2] - (low * za + high * zb) / (low + high)).abs() < 1e-13);
    let narrow = [4.0_f32];
    let single = system.evaluate(Rows::column(&narrow), &watch()).unwrap();
    assert!(
        single
            .iter()
            .zip(&found)
            .all(|(s, f)| (f64::from(*s) - f).abs() < 1e-6)
    );
}

#[test]
fn every_aggregation_and_implication_is_its_definition() {
    // Against a plain loop over the grid.
    let text = TIP
        .replace("DEFUZZIFIER", "centroid")
        .replace("resolution = 2001", "resolution = 101");
    for implication in ["min", "product", "lukasiewicz", "einstein"] {
        for aggregation in ["max", "sum", "probabilistic_sum", "lukasiewicz", "hamacher"] {
            let head = format!("resolution = 101\nimplication = \"{implication}\"");
            let text = text.replace("resolution = 101", &head);
            let text = text.replace(
                "defuzzifier =",
                &format!("aggregation = \"{aggregation}\"\ndefuzzifier ="),
            );
            let mut system = FuzzySystem::read(&text, Format::Toml).unwrap();
            system
                .add("IF quality IS very good THEN tip IS high WITH 0.7")
                .unwrap();
            let row = [6.1, 7.4];
            let firing = system
                .firing(Rows::new(&row, 1, 2).unwrap(), &watch())
                .unwrap();
            let (t, s): (TNorm, SNorm) =
                (implication.parse().unwrap(), aggregation.parse().unwrap());
            let sets = [
                "triangle(0, 0, 13)",
                "triangle(0, 13, 25)",
                "triangle(13, 25, 25)",
                "triangle(13, 25, 25)",
            ];
            let (mut area, mut moment) = (0.0, 0.0);
            let y: Vec<f64> = (0..101)
                .map(|k| {
                    let x = 0.25 * f64::from(k);
                    let cut = sets
                        .iter()
                        .zip(&firing)
                        .map(|(set, f)| t.of(*f, set.parse::<Membership>().unwrap().at(x)));
                    cut.fold(0.0, |a, b| s.of(a, b))
                })
                .collect();
            for (k, w) in y.windows(2).enumerate() {
                area += 0.5 * (w[0] + w[1]);
                moment += k as f64 * 0.5 * (w[0] + w[1]) + (w[0] + 2.0 * w[1]) / 6.0;
            }
            let expected = 0.25 * moment / area;
            let found = one(&system, &row);
            assert!(
                (found - expected).abs() < 1e-12,
                "{implication} {aggregation}: {found} {expected}"
            );
        }
    }
}

#[test]
fn results_do_not_depend_on_threads_or_blocks() {
    let system = FuzzySystem::read(FAN, Format::Toml).unwrap();
    let rows: Vec<f64> = (0..1400).map(|i| f64::from((i * 37) % 41)).collect();
    let all = |threads| {
        let rows = Rows::new(&rows, 700, 2).unwrap();
        system
            .evaluate(rows, &Watch::default().threads(threads))
            .unwrap()
    };
    assert_eq!(all(1), all(2));
    assert_eq!(all(1), all(5));
    for i in [0, 255, 256, 699] {
        assert_eq!(all(1)[i], one(&system, &rows[2 * i..2 * i + 2]));
    }
}

#[test]
fn a_decision_is_explained() {
    let system = FuzzySystem::read(&TIP.replace("DEFUZZIFIER", "centroid"), Format::Toml).unwrap();
    let why = system.explain(&[6.5, 9.8]).unwrap();
    assert_eq!(why.fired[0].rule, 2);
    assert!((why.fired[0].degree - 0.96).abs() < 1e-12);
    let shares: f64 = why.fired.iter().map(|f| f.share).sum();
    assert!((shares - 1.0).abs() < 1e-12);
    assert_eq!(why.fired.len(), 2);
    let text = why.to_string();
    assert!(
        text.contains(
            "0.960 (96 %) rule 3: IF service IS good OR quality IS good THEN tip IS high"
        ),
        "{text}"
    );
    assert!(
        text.contains("quality = 6.5: average 0.700, good 0.300"),
        "{text}"
    );
    let grid = system.surface([0, 1], 0, 11, None, &watch()).unwrap();
    assert_eq!(grid[10 * 11], one(&system, &[0.0, 10.0]));
    assert_eq!(grid[3], one(&system, &[3.0, 0.0]));
    assert!(system.surface([0, 2], 0, 11, None, &watch()).is_err());
}

#[test]
fn what_no_rule_covers_is_the_default_or_nan() {
    let text = TIP
        .replace("DEFUZZIFIER", "centroid")
        .replace("IF service IS average THEN tip IS medium\n", "");
    let system = FuzzySystem::read(&text, Format::Toml).unwrap();
    assert!(one(&system, &[5.0, 5.0]).is_nan());
    let text = text.replace("range = [0, 25]", "range = [0, 25]\ndefault = 7");
    let system = FuzzySystem::read(&text, Format::Toml).unwrap();
    assert_eq!(one(&system, &[5.0, 5.0]), 7.0);
    // Beyond the range counts as its end.
    assert_eq!(one(&system, &[-3.0, 0.0]), one(&system, &[0.0, 0.0]));
}

#[test]
fn what_decides_far_from_all_rules_is_told() {
    // exp(-0.5 * 300^2) is below any number, but the outputs come from the rules all the same.
    let mut output = Output::new("y", [0.0, 1.0], Inference::Sugeno);
    output.terms.push(("no".into(), Conclusion::constant(0.0)));
    output.terms.push(("yes".into(), Conclusion::constant(1.0)));
    let settings = Settings {
        and: TNorm::Product,
        clip: false,
        ..Settings::default()
    };
    let inputs = vec![gaussians("x", &[0.0, 1.0], 1.0)];
    let mut system = FuzzySystem::new("far", settings, inputs, vec![output]).unwrap();
    system.add("IF x IS t0 THEN y IS no").unwrap();
    system.add("IF x IS t1 THEN y IS yes").unwrap();
    let why = system.explain(&[-300.0]).unwrap();
    assert_eq!(why.fired.len(), 2, "{why:?}");
    assert_eq!((why.fired[0].rule, why.fired[0].degree), (0, 0.0));
    assert!((why.fired[0].share - 1.0).abs() < 1e-12);
    // (301^2 - 300^2) / 2 = 300.5
    assert!((why.fired[1].share / (-300.5_f64).exp() - 1.0).abs() < 1e-9);
    assert_eq!(why.outputs[0].1, one(&system, &[-300.0]));
    // Nearer the middle both have a share: its logarithm is the difference of the squares.
    let why = system.explain(&[0.4]).unwrap();
    let want = 1.0 / (1.0 + (0.5 * (0.4_f64.powi(2) - 0.6_f64.powi(2))).exp());
    assert!((why.fired[0].share - want).abs() < 1e-12, "{why:?}");
    assert!((why.fired[0].share + why.fired[1].share - 1.0).abs() < 1e-12);
}

#[test]
fn a_rule_of_nothing_is_refused() {
    let text = TIP.replace("DEFUZZIFIER", "centroid");
    let mut system = FuzzySystem::read(&text, Format::Toml).unwrap();
    let rule = |antecedent: Antecedent| Rule {
        antecedent,
        consequents: vec![Consequent {
            output: 0,
            hedges: Vec::new(),
            term: 0,
        }],
        weight: 1.0,
    };
    let none = || Antecedent::And(Vec::new());
    for antecedent in [
        none(),
        Antecedent::Or(Vec::new()),
        Antecedent::Not(Box::new(none())),
        Antecedent::Or(vec![system.rules()[0].antecedent.clone(), none()]),
    ] {
        let refused = system.add_rule(rule(antecedent)).unwrap_err().to_string();
        assert!(refused.contains("AND or OR of nothing"), "{refused}");
    }
    assert_eq!(system.rules().len(), 3);
}
