//! `locality recall` on tables.

use serde_json::Value;

use crate::run::{Folder, data};

const PATTERNS: &str = "a,b,c,d,kind\n1,1,-1,-1,10\n1,-1,1,-1,20\n-1,1,1,1,30\n";

#[test]
fn rows_are_completed_cleaned_and_read() {
    let folder = Folder::new();
    folder.file("p.csv", PATTERNS);
    // One cell of each is enough to tell; `d` is not there at all.
    folder.file("half.csv", "note,a,b,c\nx,,-1,1\ny,-1,NaN,\n");
    let args = [
        "recall",
        "p.csv",
        "--query",
        "half.csv",
        "-o",
        "o.csv",
        "--beta",
        "20",
        "--columns",
        "a,b,c,d",
        "--json",
    ];
    let said: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
    assert_eq!(said["cells_filled"], 5);
    assert_eq!(said["not_settled"], 0);
    let rows = |name: &str| -> Vec<Vec<f64>> {
        let text = folder.text(name);
        let lines = text.lines().skip(1);
        lines
            .map(|line| line.split(',').filter_map(|x| x.parse().ok()).collect())
            .collect()
    };
    let head = folder.text("o.csv").lines().next().unwrap().to_owned();
    assert_eq!(
        head,
        "note,a,b,c,a_recalled,b_recalled,c_recalled,d_recalled"
    );
    let found = rows("o.csv");
    let ends = |row: &[f64], want: [f64; 4]| {
        let near = row[row.len() - 4..].iter().zip(want);
        near.into_iter().all(|(a, b)| (a - b).abs() < 1e-6)
    };
    assert!(ends(&found[0], [1.0, -1.0, 1.0, -1.0]), "{found:?}");
    assert!(ends(&found[1], [-1.0, 1.0, 1.0, 1.0]), "{found:?}");

    // What goes with a row: an attention read of another column.
    folder.file("noisy.csv", "a,b,c,d\n0.9,0.8,-1.1,-0.7\n");
    let args = [
        "recall",
        "p.csv",
        "--query",
        "noisy.csv",
        "-o",
        "o.csv",
        "--kernel",
        "gaussian(h=0.2)",
        "--value",
        "kind",
        "--steps",
        "1",
    ];
    folder.ok(&args);
    assert_eq!(
        folder.text("o.csv"),
        "a,b,c,d,kind_recalled\n0.9,0.8,-1.1,-0.7,10\n"
    );
}

#[test]
fn what_cannot_be_recalled_is_said() {
    let folder = Folder::new();
    folder.file("p.csv", PATTERNS);
    folder.file("none.csv", "a,b\n1,1\n,\n");
    folder.file("other.csv", "x,y\n1,1\n");
    folder.file("far.csv", "a,b,c,d\n1,1,-1,-1\n50,50,50,50\n");
    let with = |query: &'static str, more: &[&'static str]| {
        let args = [
            "recall",
            "p.csv",
            "--query",
            query,
            "-o",
            "o.csv",
            "--columns",
            "a,b,c,d",
        ];
        [&args[..], more].concat()
    };
    let beta = ["--beta", "2"];
    folder.fails(
        &with("none.csv", &beta),
        1,
        &["none.csv, line 3", "no cell"],
    );
    folder.fails(&with("other.csv", &beta), 1, &["other.csv", "a, b, c, d"]);
    folder.fails(
        &with("far.csv", &["--kernel", "uniform(h=1)"]),
        1,
        &["far.csv, line 3", "widen"],
    );
    folder.fails(&with("far.csv", &[]), 2, &["--beta", "--kernel"]);
    for (flag, value, said) in [
        ("--steps", "0", "--steps 0 must"),
        ("--tol", "-1", "--tol -1 must"),
    ] {
        folder.fails(&with("far.csv", &["--beta", "2", flag, value]), 2, &[said]);
    }
    folder.fails(&with("far.csv", &["--beta", "nan"]), 2, &["beta"]);
    assert!(!folder.path("o.csv").exists());
}

#[test]
fn patterns_that_a_longer_one_outscores_are_told() {
    let folder = Folder::new();
    let irises = std::fs::read_to_string(data("iris.csv")).unwrap();
    folder.file("iris.csv", &irises);
    let columns = irises.lines().next().unwrap().rsplit_once(',').unwrap().0;
    let run = |weights: &[&'static str]| {
        let args = [
            "recall",
            "iris.csv",
            "--query",
            "iris.csv",
            "-o",
            "o.csv",
            "--columns",
            columns,
        ];
        folder.ok(&[&args[..], weights].concat())
    };
    let note = "% of the patterns a longer one has the larger inner product";
    let text = run(&["--beta", "1"]).text();
    assert!(
        text.contains(note) && text.contains("gaussian(h=..)"),
        "{text}"
    );
    let said: Value = serde_json::from_slice(&run(&["--beta", "1", "--json"]).stdout).unwrap();
    assert!(said["outscored"].as_f64().unwrap() > 0.5, "{said}");
    for weights in [
        &["--kernel", "gaussian(h=0.1)"][..],
        &["--kernel", "softmax(beta=9, metric=cosine)", "--steps", "1"],
    ] {
        let text = run(weights).text();
        assert!(!text.contains(note), "{text}");
    }
    // One read of what goes with keys is attention.
    folder.file("keys.csv", "a,b,v\n1,0,1\n2,0,2\n9,0,3\n");
    folder.file("asked.csv", "a,b\n1,1\n");
    let read = [
        "recall",
        "keys.csv",
        "--query",
        "asked.csv",
        "-o",
        "o.csv",
        "--beta",
        "1",
        "--value",
        "v",
    ];
    assert!(folder.ok(&read).text().contains(note));
    let once = folder.ok(&[&read[..], &["--steps", "1"]].concat());
    assert!(!once.text().contains(note));
}
