//! Mamdani conclusions that are narrower than a step of the grid.

use locality::fuzzy::{Format, FuzzySystem, Membership};

use crate::one;

/// A rule that fires by `height`, and one that does by `1 - height`, for terms of an output from 0 to 1000.
fn system(low: &str, high: &str, head: &str, output: &str) -> FuzzySystem {
    let text = format!(
        "{head}
[[input]]
name = \"x\"
range = [0, 1]
terms = {{ on = \"triangle(0, 1, 1)\", off = \"triangle(0, 0, 1)\" }}
[[output]]
name = \"y\"
range = [0, 1000]
{output}
terms = {{ low = \"{low}\", high = \"{high}\" }}
[rules]
text = '''
IF x IS on THEN y IS low
IF x IS off THEN y IS high
'''
"
    );
    FuzzySystem::read(&text, Format::Toml).unwrap()
}

/// Centroid, bisector and mean of the maximum of sets cut at heights, by many cells over `[0, 1000]` that are fine about `spots`.
fn exact(sets: &[(&str, f64)], spots: &[f64]) -> [f64; 3] {
    let sets: Vec<(Membership, f64)> = sets
        .iter()
        .map(|(text, h)| (text.parse().unwrap(), *h))
        .collect();
    let mut places: Vec<f64> = (0..=20_000).map(|i| 0.05 * f64::from(i)).collect();
    for spot in spots {
        places.extend((-20_000..=20_000).map(|i| spot + 1e-4 * f64::from(i)));
    }
    places.retain(|x| (0.0..=1000.0).contains(x));
    places.sort_by(f64::total_cmp);
    // Middles of cells, so that jumps need no care.
    let cells: Vec<(f64, f64, f64)> = places
        .windows(2)
        .filter(|w| w[1] - w[0] > 1e-9)
        .map(|w| {
            let x = 0.5 * (w[0] + w[1]);
            let cut = sets.iter().map(|(set, h)| set.at(x).min(*h));
            (x, w[1] - w[0], cut.fold(0.0, f64::max))
        })
        .collect();
    let area: f64 = cells.iter().map(|(_, w, y)| w * y).sum();
    let moment: f64 = cells.iter().map(|(x, w, y)| x * w * y).sum();
    let mut sum = 0.0;
    let half = cells.iter().find(|(_, w, y)| {
        sum += w * y;
        sum >= 0.5 * area
    });
    let most = cells.iter().fold(0.0, |a: f64, c| a.max(c.2));
    let top = cells.iter().filter(|c| c.2 >= most * (1.0 - 1e-7));
    let (sum, width) = top.fold((0.0, 0.0), |(s, n), (x, w, _)| (s + x * w, n + w));
    [moment / area, half.unwrap().0, sum / width]
}

#[test]
fn sets_narrower_than_a_step_have_their_numbers() {
    for (low, at) in [
        ("triangle(10.6, 11, 11.4)", 11.0),
        ("triangle(9.9, 11.5, 12.1)", 11.0),
        ("triangle(11, 11, 11.5)", 11.0),
        ("trapezoid(11, 11, 11.3, 11.3)", 11.0),
        ("trapezoid(10.9, 11, 11.3, 12)", 11.0),
        ("gaussian(11, 0.2)", 11.0),
        ("gaussian(0, 0.3)", 0.0),
        ("two_sided_gaussian(0.1, 11, 0.3, 11.4)", 11.0),
        ("bell(0.2, 3, 11)", 11.0),
        ("sigmoid(-30, 0.4)", 0.4),
        ("sigmoid_difference(20, 10.5, 30, 11.5)", 11.0),
        ("sigmoid_product(20, 10.5, -30, 11.5)", 11.0),
        ("s(999.2, 999.8)", 999.5),
        ("z(0.1, 0.8)", 0.4),
        ("pi(10, 11, 11.1, 11.3)", 11.0),
        ("linear(10.7, 0, 11, 1, 11.1, 0.4, 11.4, 0)", 11.0),
    ] {
        for (name, which) in [("centroid", 0), ("bisector", 1), ("mean_of_maximum", 2)] {
            let output = format!("defuzzifier = \"{name}\"\ndefault = 500");
            let system = system(low, "triangle(400, 400, 400)", "", &output);
            for height in [1.0, 0.6, 0.25] {
                let text = format!("IF x IS on THEN y IS low WITH {height}");
                let mut own = FuzzySystem::read(
                    &system.to_toml().replace("IF x IS on THEN y IS low", &text),
                    Format::Toml,
                )
                .unwrap();
                // The other rule does not fire.
                let found = one(&own, &[1.0]);
                let want = exact(&[(low, height)], &[at])[which];
                // Of the width of these sets, about a hundredth; a step is 2.5.
                let off = if which == 2 { 0.05 } else { 0.01 };
                assert!(
                    (found - want).abs() < off,
                    "{low} cut at {height}, {name}: {found}, not {want}"
                );
                own.add("IF x IS on THEN y IS low").unwrap();
                assert!((one(&own, &[1.0]) - exact(&[(low, 1.0)], &[at])[which]).abs() < 0.05);
            }
        }
    }
}

#[test]
fn narrow_and_wide_sets_weigh_by_their_areas() {
    for (low, high, spots) in [
        (
            "triangle(10.6, 11, 11.4)",
            "gaussian(11.9, 0.1)",
            &[11.0][..],
        ),
        (
            "triangle(10.6, 11, 11.4)",
            "trapezoid(700, 700.1, 700.5, 700.9)",
            &[11.0, 700.5],
        ),
        (
            "trapezoid(10, 10, 11, 11)",
            "triangle(0, 500, 1000)",
            &[10.5],
        ),
    ] {
        let system = system(low, high, "", "");
        for x in [0.1, 0.5, 0.8] {
            let found = one(&system, &[x]);
            let want = exact(&[(low, x), (high, 1.0 - x)], spots)[0];
            assert!(
                (found - want).abs() < 2e-4 * want,
                "{low}, {high} at {x}: {found}, not {want}"
            );
        }
    }
}

#[test]
fn singletons_stand_where_they_are() {
    let low = "singleton(11.3)";
    let high = "triangle(997.7, 997.7, 997.7)";
    for x in [0.0, 0.2, 0.9, 1.0] {
        let want = (x * 11.3 + (1.0 - x) * 997.7) / (x + (1.0 - x));
        let found = one(&system(low, high, "resolution = 11", ""), &[x]);
        assert!((found - want).abs() < 1e-11, "{found} {want}");
    }
    let most = system(low, high, "", "defuzzifier = \"smallest_of_maximum\"");
    assert_eq!((one(&most, &[0.7]), one(&most, &[0.3])), (11.3, 997.7));
}

#[test]
fn an_output_has_its_default_only_where_no_rule_fires() {
    // Of a set whose top alone is left, none of which a grid sees.
    let head = "implication = \"lukasiewicz\"";
    let given = "default = 900";
    let own = system(
        "triangle(300, 333.3, 400)",
        "triangle(0, 1, 2)",
        head,
        given,
    );
    let found = one(&own, &[0.004]);
    assert!((found - 1.0).abs() < 0.1, "{found}");
    let text = own.to_toml().replace("IF x IS off THEN y IS high", "");
    let own = FuzzySystem::read(&text, Format::Toml).unwrap();
    let found = one(&own, &[0.001]);
    assert!((found - 333.3).abs() < 2.5, "{found}");
    assert_eq!(one(&own, &[0.0]), 900.0);
}
