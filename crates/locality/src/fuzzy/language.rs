//! `docs/fuzzy.md` says what the readers know.

use super::defuzzify::DEFUZZIFIERS;
use super::hedge::HEDGES;
use super::norms::{S_NORMS, T_NORMS};
use super::variable::INFERENCES;
use super::{Format, FuzzySystem, Membership, SHAPES};

const PAGE: &str = include_str!("../../../../docs/fuzzy.md");

/// The cells of the table whose first heading is this.
fn table(heading: &str) -> Vec<Vec<String>> {
    let begins = format!("| {heading} |");
    let lines = PAGE.lines().skip_while(|l| !l.starts_with(&begins)).skip(2);
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').replace("\\|", "\u{1}");
        let cells = inner.split('|').map(|c| c.trim().replace('\u{1}', "|"));
        cells.collect()
    };
    let found: Vec<_> = lines
        .take_while(|l| l.starts_with('|'))
        .map(cells)
        .collect();
    assert!(!found.is_empty(), "{heading}");
    found
}

/// What stands in backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Names of each row: the first cell, then the last.
fn names(heading: &str) -> Vec<Vec<String>> {
    let rows = table(heading);
    let one = |row: &Vec<String>| {
        let also = quoted(&row[row.len() - 1]);
        let all = quoted(&row[0]).into_iter().chain(also);
        all.map(str::to_owned).collect()
    };
    rows.iter().map(one).collect()
}

fn known<T>(list: &[(T, &[&str])]) -> Vec<Vec<String>> {
    let one = |(_, names): &(T, &[&str])| names.iter().map(|n| (*n).to_owned()).collect();
    list.iter().map(one).collect()
}

#[test]
fn every_name_is_there_and_no_other() {
    assert_eq!(names("hedge"), known(HEDGES));
    assert_eq!(names("inference"), known(INFERENCES));
    assert_eq!(names("t-norm"), known(T_NORMS));
    assert_eq!(names("s-norm"), known(S_NORMS));
    assert_eq!(names("defuzzifier"), known(DEFUZZIFIERS));
}

#[test]
fn every_shape_is_there_with_its_parameters_and_reads() {
    let rows = table("shape");
    assert_eq!(rows.len(), SHAPES.len());
    for (row, info) in rows.iter().zip(SHAPES) {
        assert_eq!(quoted(&row[0]), [info.name]);
        assert_eq!(quoted(&row[1]), [info.parameters.join(", ")]);
        assert_eq!(quoted(&row[2]), [info.formula]);
        assert_eq!(quoted(&row[3]), info.aliases);
        let numbers = info.example().to_string().replace(info.name, "");
        for name in quoted(&row[0]).into_iter().chain(quoted(&row[3])) {
            let set: Membership = format!("{name}{numbers}").parse().unwrap();
            assert_eq!(set, info.example(), "{name}");
        }
    }
}

const SMALL: &str = "ROOT
[[input]]
name = \"x\"
range = [0, 1]
terms = { a = \"s(0, 1)\" }
INPUT
[[output]]
name = \"y\"
range = [0, 1]
terms = { b = \"s(0, 1)\" }
OUTPUT
[rules]
text = \"IF x IS a THEN y IS b\"
";

fn small(places: [(&str, &str); 3]) -> crate::Result<FuzzySystem> {
    let text = places
        .iter()
        .fold(SMALL.to_owned(), |t, (k, v)| t.replace(k, v));
    FuzzySystem::read(&text, Format::Toml)
}

#[test]
fn every_key_is_there_with_its_default() {
    let rows = table("key");
    let mut seen = 0;
    for (place, of) in [("ROOT", "file"), ("INPUT", "input"), ("OUTPUT", "output")] {
        let own: Vec<_> = rows.iter().filter(|r| r[1] == of).collect();
        let listed: Vec<&str> = own.iter().map(|r| quoted(&r[0])[0]).collect();
        seen += listed.len();
        // A key that there is not is told from those that there are.
        let with = |text: &str| {
            small(["ROOT", "INPUT", "OUTPUT"].map(|p| (p, if p == place { text } else { "" })))
        };
        let refused = with("qqqqqqqqqqqqqqq = 1").unwrap_err().to_string();
        let (_, found) = refused.split_once("known: ").unwrap();
        let mut found: Vec<&str> = found.split(", ").collect();
        let mut wanted = listed.clone();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{of}");
        let plain = with("").unwrap();
        for row in own.iter().filter(|r| !["", "`{}`"].contains(&&*r[2])) {
            let line = format!("{} = {}", quoted(&row[0])[0], quoted(&row[2])[0]);
            assert_eq!(with(&line).unwrap(), plain, "{line}");
        }
    }
    assert_eq!(seen, rows.len());
}

#[test]
fn the_example_is_read_and_says_what_it_says() {
    let (_, rest) = PAGE.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let system = FuzzySystem::read(text, Format::Toml).unwrap();
    assert_eq!(system.rules().len(), 3);
    assert_eq!(
        system.inputs()[1].terms[1].1,
        "gaussian(5, 1.5)".parse().unwrap()
    );
    let rows = crate::Rows::new(&[9.5_f64, 10.0], 1, 2).unwrap();
    let found = system.evaluate(rows, &crate::Watch::default()).unwrap();
    assert!((found[0] - 25.0).abs() < 0.2, "{found:?}");
    assert!((found[1] - 44.0).abs() < 0.2, "{found:?}");
}
