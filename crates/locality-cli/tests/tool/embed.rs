//! `locality embed` on real tables.

use crate::run::{Folder, data};

#[test]
fn iris_gains_two_columns_and_a_picture() {
    for method in ["lle", "mlle", "hlle", "ltsa"] {
        let folder = Folder::new();
        let run = folder.ok(&[
            "embed",
            &data("iris.csv"),
            "-o",
            "out.csv",
            "--method",
            method,
            "--neighbors",
            "60",
            "--plot",
            "iris.svg",
            "--color",
            "target",
        ]);
        let table = folder.text("out.csv");
        let mut lines = table.lines();
        assert!(
            lines
                .next()
                .unwrap()
                .ends_with("target,embedding_0,embedding_1")
        );
        let mut squares = [0.0; 2];
        let mut sums = [0.0; 2];
        for line in lines {
            let fields: Vec<f64> = line
                .rsplit(',')
                .take(2)
                .map(|x| x.parse().unwrap())
                .collect();
            for c in 0..2 {
                squares[c] += fields[c] * fields[c];
                sums[c] += fields[c];
            }
        }
        for c in 0..2 {
            assert!((squares[c] - 1.0_f64).abs() < 1e-6, "{method}: {squares:?}");
            assert!(sums[c].abs() < 1e-6, "{method}: {sums:?}");
        }
        assert!(run.text().contains("trustworthiness"), "{}", run.text());
        assert!(folder.text("iris.svg").contains("embedding_0"));
    }
}

#[test]
fn too_few_rows_and_unknown_methods_are_named() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let args = ["embed", &iris, "-o", "out.csv", "--neighbors", "150"];
    folder.fails(&args, 2, &["--neighbors=150"]);
    let args = ["embed", &iris, "-o", "out.csv", "--method", "isomap"];
    folder.fails(
        &args,
        2,
        &["none of lle, mlle, hlle, ltsa, laplacian and diffusion"],
    );
}

#[test]
fn graphs_of_neighbours_say_what_they_found() {
    for (method, kernel) in [
        ("laplacian", "gaussian(h=2)"),
        ("diffusion", "gaussian(cols=[sepal_length, petal_length])"),
    ] {
        let folder = Folder::new();
        let iris = data("iris.csv");
        let args = ["embed", &iris, "-o", "out.csv", "--method", method];
        let more = [
            "--neighbors",
            "60",
            "--kernel",
            kernel,
            "--color",
            "target",
            "--json",
        ];
        let run = folder.ok(&[&args[..], &more[..]].concat());
        let found: serde_json::Value = serde_json::from_str(&run.text()).unwrap();
        let values = found["eigenvalues"].as_array().unwrap();
        assert_eq!(values.len(), 2, "{found}");
        let values: Vec<f64> = values.iter().map(|v| v.as_f64().unwrap()).collect();
        // Of the Laplacian they rise from 0, of the walk they fall from 1.
        assert_eq!(values[0] < values[1], method == "laplacian", "{values:?}");
        assert!(found["trustworthiness"].as_f64().unwrap() > 0.9, "{found}");
        let header = folder.text("out.csv");
        assert!(header.lines().next().unwrap().ends_with("embedding_1"));
    }
    let folder = Folder::new();
    let iris = data("iris.csv");
    let args = ["embed", &iris, "-o", "out.csv", "--method", "diffusion"];
    folder.fails(
        &[&args[..], &["--neighbors", "150"]].concat(),
        2,
        &["--neighbors=150"],
    );
    folder.fails(&[&args[..], &["--alpha", "-1"]].concat(), 2, &["alpha=-1"]);
    let args = ["embed", &iris, "-o", "out.csv", "--method", "ltsa"];
    let kernel = ["--kernel", "gaussian(h=1)"];
    folder.fails(&[&args[..], &kernel[..]].concat(), 2, &["not ltsa"]);
}

#[test]
fn flags_that_a_method_does_not_read_are_refused() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    for (method, flag, of) in [
        ("ltsa", "--time", "diffusion"),
        ("lle", "--alpha", "diffusion"),
        ("laplacian", "--time", "diffusion"),
        ("laplacian", "--reg", "lle, mlle, hlle and ltsa"),
        ("diffusion", "--reg", "lle, mlle, hlle and ltsa"),
    ] {
        // Even at its default.
        let args = ["embed", &iris, "-o", "out.csv", "--method", method];
        let said = format!("{flag} is for --method {of}, not {method}; leave it out");
        folder.fails(&[&args[..], &[flag, "1"]].concat(), 2, &[&said]);
    }
    let args = ["embed", &iris, "-o", "out.csv"];
    let with = |more: &[&'static str]| [&args[..], more].concat();
    folder.ok(&with(&["--method", "diffusion", "--alpha", "2"]));
    folder.ok(&with(&["--method", "ltsa", "--reg", "0.01"]));
    for (more, said) in [
        (
            &["--dims", "5"][..],
            "--dims=5 must be from 1 to the number of columns, 4",
        ),
        (
            &["--method", "hlle", "--dims", "4"],
            "is too few for --method hlle with --dims=4",
        ),
        (&["--reg", "-1"], "--reg=-1 must be"),
    ] {
        let found = folder.run(&with(more));
        assert_eq!(found.code, Some(2));
        assert!(found.stderr.contains(said), "{}", found.stderr);
    }
}

#[test]
fn pieces_have_a_column_and_colours() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let args = ["embed", &iris, "-o", "out.csv", "--plot", "p.svg"];
    let run = folder.ok(&[
        &args[..],
        &["--columns", "petal_length,petal_width", "--neighbors", "12"],
    ]
    .concat());
    assert!(
        run.text().contains("column embedding_piece says which"),
        "{}",
        run.text()
    );
    let out = folder.text("out.csv");
    let mut lines = out.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .ends_with(",embedding_0,embedding_1,embedding_piece")
    );
    // Setosas, the first 50, are far from the others.
    let pieces: Vec<&str> = lines.map(|l| l.rsplit(',').next().unwrap()).collect();
    assert!(pieces[..50].iter().all(|p| *p == "0"), "{pieces:?}");
    assert!(pieces[50..].iter().all(|p| *p == "1"), "{pieces:?}");
    assert!(folder.text("p.svg").contains("embedding_piece"));
    // Laid apart, the first coordinate tells them from one another.
    let apart = ["--columns", "petal_length,petal_width", "--pieces", "apart"];
    folder.ok(&[&args[..], &apart[..]].concat());
    let out = folder.text("out.csv");
    let first = |line: &str| -> f64 { line.rsplit(',').nth(2).unwrap().parse().unwrap() };
    let first: Vec<f64> = out.lines().skip(1).map(first).collect();
    for (i, y) in first.iter().enumerate() {
        let same = first[if i < 50 { 0 } else { 149 }];
        assert!((y - same).abs() < 1e-9, "{i}: {y} {same}");
    }
    assert!((first[0] - first[149]).abs() > 0.1);
    let wrong = [&args[..], &["--pieces", "aside"]].concat();
    folder.fails(&wrong, 2, &["neither apart nor centred"]);
}
