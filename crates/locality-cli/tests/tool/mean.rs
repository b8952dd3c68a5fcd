//! `locality mean` on tables.

use serde_json::Value;

use crate::run::{Folder, data};

#[test]
fn a_small_table_by_hand() {
    let folder = Folder::new();
    folder.file("k.csv", "x,y,z,w\n0,1,10,1\n1,3,30,1\n9,5,50,3\n");
    folder.file("q.csv", "note,x\nhere,0.5\n\"far, far\",5\n");
    let run = |flags: &[&str]| {
        let args = [
            "mean", "k.csv", "--value", "y,z", "--query", "q.csv", "-o", "o.csv",
        ];
        folder.ok(&[&args[..], &["--columns", "x"], flags].concat());
        folder.text("o.csv")
    };
    let kernel = ["--kernel", "uniform(h=4)"];
    assert_eq!(
        run(&kernel),
        "note,x,y_mean,z_mean\nhere,0.5,2,20\n\"far, far\",5,4,40\n"
    );
    assert_eq!(
        run(&[&kernel[..], &["--weight", "w", "--log-normalizer"]].concat()),
        format!(
            "note,x,y_mean,z_mean,log_normalizer\nhere,0.5,2,20,{}\n\"far, far\",5,4.5,45,{}\n",
            2.0_f64.ln(),
            4.0_f64.ln()
        )
    );
    assert_eq!(
        run(&[
            "--kernel",
            "uniform(h=100)",
            "--neighborhood",
            "nearest(k=1)"
        ]),
        "note,x,y_mean,z_mean\nhere,0.5,1,10\n\"far, far\",5,3,30\n"
    );
    // Nothing within reach of the second query.
    let narrow = ["--kernel", "uniform(h=1)"];
    let policy = |name: &str| {
        let out = run(&[&narrow[..], &["--on-empty", name]].concat());
        out.lines().last().unwrap().to_owned()
    };
    assert_eq!(policy("nan"), "\"far, far\",5,NaN,NaN");
    assert_eq!(policy("nearest"), "\"far, far\",5,3,30");
    assert_eq!(policy("global"), "\"far, far\",5,3,30");
    std::fs::remove_file(folder.path("o.csv")).unwrap();
    let args = [
        "mean", "k.csv", "--value", "y", "--query", "q.csv", "-o", "o.csv",
    ];
    folder.fails(
        &[&args[..], &["--columns", "x"], &narrow].concat(),
        1,
        &["q.csv", "query 1", "--on-empty nan"],
    );
}

#[test]
fn leave_one_out_on_iris() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let args = [
        "mean",
        &iris,
        "--value",
        "petal_width",
        "--query",
        &iris,
        "-o",
        "o.csv",
    ];
    let more = ["--columns", "petal_length", "--kernel", "gaussian(h=0.2)"];
    let run = folder.ok(&[&args[..], &more, &["--neighborhood", "hollow", "--json"]].concat());
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["predicted"], serde_json::json!(["petal_width_mean"]));
    // The plain loop over the other rows, from the output's own columns.
    let out = folder.text("o.csv");
    let rows: Vec<Vec<f64>> = out
        .lines()
        .skip(1)
        .map(|line| {
            let cells = line.split(',').filter(|c| c.parse::<f64>().is_ok());
            cells.map(|c| c.parse().unwrap()).collect()
        })
        .collect();
    assert_eq!(rows.len(), 150);
    for (i, row) in rows.iter().enumerate() {
        let (mut sum, mut total) = (0.0, 0.0);
        for (j, other) in rows.iter().enumerate() {
            if i != j {
                let u = (row[2] - other[2]) / 0.2;
                let w = (-u * u / 2.0).exp();
                sum += w * other[3];
                total += w;
            }
        }
        assert!((row[4] - sum / total).abs() < 1e-12, "row {i}");
    }
}

#[test]
fn groups_are_words_too() {
    let folder = Folder::new();
    folder.file("k.csv", "g,x,y\na,0,1\nb,0,5\na,2,3\nb,2,7\n");
    folder.file("q.csv", "x,g\n1,a\n1,b\n");
    let run = |flags: &[&str]| {
        let args = [
            "mean", "k.csv", "--value", "y", "--query", "q.csv", "-o", "o.csv",
        ];
        folder.ok(&[&args[..], flags].concat());
        folder.text("o.csv")
    };
    let by_group = "x,g,y_mean\n1,a,2\n1,b,6\n";
    assert_eq!(
        run(&["--kernel", "gaussian(h=1) * uniform(cols=g)"]),
        by_group
    );
    assert_eq!(
        run(&[
            "--kernel",
            "gaussian(h=1, cols=x)",
            "--neighborhood",
            "group(cols=g)"
        ]),
        by_group
    );
    // Words that nothing names stay out.
    assert_eq!(
        run(&["--kernel", "gaussian(h=1)"]),
        "x,g,y_mean\n1,a,4\n1,b,4\n"
    );
    // A group that the keys do not have.
    folder.file("q.csv", "x,g\n1,c\n");
    let kernel = ["--kernel", "gaussian(h=1) * uniform(cols=g)"];
    assert_eq!(
        run(&[&kernel[..], &["--on-empty", "nan"]].concat()),
        "x,g,y_mean\n1,c,NaN\n"
    );
}

#[test]
fn single_precision_arrays_and_no_names() {
    let folder = Folder::new();
    folder.file("k.csv", "0,1\n1,3\n");
    folder.file("q.csv", "0.1\n0.9\n");
    let args = [
        "mean",
        "k.csv",
        "--value",
        "c1",
        "--query",
        "q.csv",
        "--kernel",
        "gaussian(h=1)",
    ];
    folder.ok(&[&args[..], &["-o", "o.csv"]].concat());
    folder.ok(&[&args[..], &["-o", "s.csv", "--f32"]].concat());
    let numbers = |name: &str| -> Vec<f64> {
        let text = folder.text(name);
        let last = |line: &str| line.rsplit(',').next().unwrap().parse().unwrap();
        text.lines().map(last).collect()
    };
    let (double, single) = (numbers("o.csv"), numbers("s.csv"));
    assert_eq!(double.len(), 2);
    for (a, b) in double.iter().zip(&single) {
        assert!((a - b).abs() < 1e-6 && a != b, "{a} {b}");
    }
    // An array as query gives an array.
    folder.ok(&["cluster", "q.csv", "-o", "q.npy", "--bandwidth", "9"]);
    folder.fails(
        &[
            &args[..4],
            &[
                "--query",
                "q.npy",
                "--kernel",
                "gaussian(h=1)",
                "-o",
                "o2.csv",
            ],
        ]
        .concat(),
        1,
        &["q.npy has 2 columns", "1 key column"],
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = Folder::new();
    folder.file("k.csv", "x,v,y,w\n0,0,1,1\n1,0,3,-2\n");
    folder
        .file("q.csv", "x\n0\n")
        .file("r.csv", "x,y_mean\n0,1\n")
        .file("e.csv", "x\nabc\n");
    let fails = |query: &str, flags: &[&str], code, parts: &[&str]| {
        let args = [
            "mean", "k.csv", "--value", "y", "--query", query, "-o", "o.csv",
        ];
        let mut args = [&args[..], flags].concat();
        if !flags.contains(&"--kernel") {
            args.extend(["--kernel", "gaussian(h=1)"]);
        }
        folder.fails(&args, code, parts);
    };
    fails("q.csv", &[], 2, &["--query", "q.csv has no column 'v'"]);
    let x = ["--columns", "x"];
    fails(
        "q.csv",
        &[&x[..], &["--weight", "w"]].concat(),
        1,
        &["k.csv, line 3, column 'w'", "-2 is negative"],
    );
    fails("r.csv", &x, 1, &["r.csv already has a column 'y_mean'"]);
    fails(
        "e.csv",
        &x,
        1,
        &["e.csv, line 2, column 'x': 'abc' is not a number"],
    );
    fails(
        "q.csv",
        &[&x[..], &["--kernel", "gaussian(h=1, cols=z)"]].concat(),
        2,
        &["--kernel", "column 'z'"],
    );
    fails(
        "q.csv",
        &[&x[..], &["--kernel", "gaussian(h=1"]].concat(),
        2,
        &["--kernel", "expected"],
    );
    fails(
        "q.csv",
        &[&x[..], &["--neighborhood", "nearst(k=2)"]].concat(),
        2,
        &["did you mean 'nearest'"],
    );
    fails(
        "q.csv",
        &[&x[..], &["--neighborhood", "nearest(k=9)"]].concat(),
        2,
        &["9"],
    );
    fails(
        "q.csv",
        &[&x[..], &["--tolerance", "-0.1"]].concat(),
        2,
        &["tolerance"],
    );
    fails(
        "q.csv",
        &[&x[..], &["--on-empty", "skip"]].concat(),
        2,
        &["--on-empty", "skip"],
    );
    fails(
        "q.csv",
        &["--columns", "y"],
        2,
        &["--columns", "'y'", "--value"],
    );
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = Folder::new();
    let wine = data("wine.csv");
    let run = |threads: &str, flags: &[&str]| {
        let args = [
            "mean", &wine, "--value", "proline", "--query", &wine, "-o", "o.csv",
        ];
        let kernel = [
            "--kernel",
            "tricube(knn=30, cols=[alcohol, hue])",
            "--threads",
            threads,
        ];
        folder.ok(&[&args[..], &kernel, &["--log-normalizer"], flags].concat());
        folder.bytes("o.csv")
    };
    for flags in [&[][..], &["--f32"], &["--tolerance", "0.01"]] {
        assert_eq!(run("1", flags), run("2", flags));
    }
}

#[test]
fn the_kernels_columns_are_the_key_columns() {
    let folder = Folder::new();
    folder.file(
        "k.csv",
        "name,x,height,y,w\na,0,7,1,1\nb,1,8,3,1\nc,9,9,5,3\n",
    );
    folder.file("q.csv", "x\n0.5\n");
    let args = [
        "mean", "k.csv", "--query", "q.csv", "-o", "o.csv", "--value",
    ];
    let done = folder.ok(&[&args[..], &["y", "--kernel", "uniform(h=4, cols=x)"]].concat());
    assert_eq!(folder.text("o.csv"), "x,y_mean\n0.5,2\n");
    assert!(done.text().contains("by x:"), "{}", done.text());
    folder.fails(
        &[&args[..], &["y", "--kernel", "uniform(h=4)"]].concat(),
        2,
        &["no column 'height'", "--columns x"],
    );
    folder.fails(
        &[&args[..], &["name", "--kernel", "uniform(h=4, cols=x)"]].concat(),
        1,
        &["'a' is not a number", "with --value"],
    );
    folder.fails(
        &[
            &args[..],
            &["y", "--weight", "name", "--kernel", "uniform(h=4, cols=x)"],
        ]
        .concat(),
        1,
        &["'a' is not a number", "with --weight"],
    );
}
