//! `--missing` of `fit` and `evaluate`: what stands in for empty cells, in files as Python keeps it.

use std::fmt::Write;

use locality::model::{Array, ModelFile};
use serde_json::{Value, json};

use crate::run::Folder;

/// Two columns, of which the words say most, with gaps; and the same without the rows that have them.
fn tables(folder: &Folder) {
    let (mut gaps, mut whole) = ("x,town,y\n".to_owned(), "x,town,y\n".to_owned());
    for i in 0..40 {
        let x = f64::from(i) / 4.0;
        let (town, shift) = [("Lyon", 0.0), ("Nice, FR", 3.0)][i as usize % 2];
        let y = x + shift;
        let line = match i {
            6 => format!("NA,\"{town}\",{y}\n"),
            11 => format!("{x},,{y}\n"),
            _ => format!("{x},\"{town}\",{y}\n"),
        };
        if i != 6 && i != 11 {
            whole.push_str(&line);
        }
        gaps.push_str(&line);
    }
    folder.file("gaps.csv", gaps).file("whole.csv", whole);
}

fn fit(folder: &Folder, table: &str, more: &[&str]) -> Value {
    let mut args = vec!["fit", table, "--target", "y", "-o", "m.loc", "--json"];
    args.extend(more);
    serde_json::from_slice(&folder.ok(&args).stdout).unwrap()
}

/// Predictions at the rows of a table.
fn at(folder: &Folder, rows: &str) -> Vec<f64> {
    folder.file("new.csv", rows);
    folder.ok(&["predict", "m.loc", "new.csv", "-o", "p.csv"]);
    let out = folder.text("p.csv");
    let last = |line: &str| line.rsplit(',').next().unwrap().parse().unwrap();
    out.lines().skip(1).map(last).collect()
}

#[test]
fn means_stand_in_for_what_is_missing() {
    let folder = Folder::new();
    tables(&folder);
    let told = fit(&folder, "gaps.csv", &["--missing", "mean"]);
    assert_eq!(told["columns"], json!(["x", "town=Lyon", "town=Nice, FR"]));
    assert_eq!((&told["rows"], &told["dropped"]), (&json!(40), &json!(0)));
    let mean = (0..40).filter(|i| *i != 6).sum::<i32>() as f64 / 4.0 / 39.0;
    let rows = format!("town,x\nLyon,\nLyon,{mean}\n,2\nLyon,2\n\"Nice, FR\",2\n");
    let found = at(&folder, &rows);
    assert!((found[0] - found[1]).abs() < 1e-12, "{found:?}");
    // Of a town that is not known, between the two.
    assert!(
        found[3] + 1.0 < found[2] && found[2] + 1.0 < found[4],
        "{found:?}"
    );

    // What Python's estimators keep, and read.
    let file = ModelFile::load(folder.path("m.loc")).unwrap();
    let parameters: Value = serde_json::from_str(&file.parameters().to_json()).unwrap();
    let kept = json!({
        "found": {"categories": [null, ["Lyon", "Nice, FR"]], "lacking": [true, true], "output": "one-hot"},
        "given": {"categorical_features": "from_dtype", "categorical_similarity": "one-hot", "missing": "mean"},
        "names": ["x", "town"],
    });
    assert_eq!(parameters["table"], kept);
    let Array::F64(_, shares) = &file.arrays()["table_shares"] else {
        panic!("numbers in double precision")
    };
    assert_eq!(shares, &[20.0 / 39.0, 19.0 / 39.0]);
    let names: Vec<&str> = file.about().features.iter().map(|f| &*f.name).collect();
    assert_eq!(names, ["x", "town=Lyon", "town=Nice, FR"]);
    let seen = folder.ok(&["inspect", "m.loc"]).text();
    assert!(seen.contains("missing") && seen.contains("mean"), "{seen}");
    assert!(seen.contains("x, town (Lyon, \"Nice, FR\")"), "{seen}");
}

#[test]
fn a_column_may_say_what_is_missing() {
    let folder = Folder::new();
    tables(&folder);
    let told = fit(&folder, "gaps.csv", &["--missing", "indicator"]);
    assert_eq!(
        told["columns"],
        json!([
            "x",
            "x=missing",
            "town=Lyon",
            "town=Nice, FR",
            "town=missing"
        ])
    );
    assert_eq!(at(&folder, "x,town\n,\n1,Lyon\n").len(), 2);
    // Nearest neighbours have no similarity of words in Python.
    fit(
        &folder,
        "gaps.csv",
        &["--missing", "mean", "--model", "knn"],
    );
    let file = ModelFile::load(folder.path("m.loc")).unwrap();
    let given: Value = serde_json::from_str(&file.parameters().to_json()).unwrap();
    assert!(
        given["table"]["given"]
            .get("categorical_similarity")
            .is_none()
    );
    assert_eq!(at(&folder, "x,town\n,\n").len(), 1);
}

#[test]
fn rows_that_lack_something_are_left_out_or_refused() {
    let folder = Folder::new();
    tables(&folder);
    let told = fit(&folder, "gaps.csv", &["--missing", "drop"]);
    assert_eq!((&told["rows"], &told["dropped"]), (&json!(38), &json!(2)));
    let dropped = folder.bytes("m.loc");
    fit(&folder, "whole.csv", &[]);
    assert!(dropped == folder.bytes("m.loc"));
    folder.file("hole.csv", "x,town\n,Lyon\n");
    folder.fails(
        &["predict", "m.loc", "hole.csv", "-o", "p.csv"],
        1,
        &[
            "line 2, column 'x': the cell is empty",
            "--missing mean or indicator",
        ],
    );
    let args = ["fit", "gaps.csv", "--target", "y", "-o", "n.loc"];
    folder.fails(
        &args,
        1,
        &[
            "line 13, column 'town': the cell is empty",
            "or choose --missing mean, indicator or drop",
        ],
    );
    folder.fails(
        &[&args[..], &["--features", "x"]].concat(),
        1,
        &["column 'x': 'NA' is a missing value", "or choose --missing"],
    );
    folder.fails(
        &[&args[..], &["--missing", "median"]].concat(),
        2,
        &["median"],
    );
    let mut targets = "x,y\n1,2\n2,\n".to_owned();
    for i in 3..20 {
        let _ = writeln!(targets, "{i},{}.5", 2 * i);
    }
    folder.file("targets.csv", targets);
    let args = [
        "fit",
        "targets.csv",
        "--target",
        "y",
        "-o",
        "n.loc",
        "--missing",
    ];
    folder.fails(
        &[&args[..], &["mean"]].concat(),
        1,
        &["column 'y': the cell is empty", "or choose --missing drop"],
    );
    folder.ok(&[&args[..], &["drop"]].concat());
    folder.file("none.csv", "x,y\n1,\n,2\n");
    let args = ["fit", "none.csv", "--target", "y", "-o", "n.loc"];
    folder.fails(
        &[&args[..], &["--missing", "drop"]].concat(),
        1,
        &["none.csv has no row in which nothing is missing"],
    );
}

#[test]
fn models_are_compared_on_tables_with_gaps() {
    let folder = Folder::new();
    tables(&folder);
    let args = ["evaluate", "gaps.csv", "--target", "y", "--missing"];
    let run = folder.ok(&[&args[..], &["drop"]].concat());
    assert!(
        run.text()
            .contains("38 rows (2 with missing values left out) in 5 folds"),
        "{}",
        run.text()
    );
    let run = folder.ok(&[&args[..], &["mean"]].concat());
    assert!(run.text().contains("40 rows in 5 folds"), "{}", run.text());
}
