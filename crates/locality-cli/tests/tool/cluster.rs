//! `locality cluster` on real tables.

use std::fmt::Write as _;

use serde_json::Value;

use crate::run::{Folder, data};

/// The last field of each row.
fn labels(table: &str) -> Vec<i64> {
    let last = |line: &str| line.rsplit([',', '\t']).next().unwrap().parse().unwrap();
    table.lines().skip(1).map(last).collect()
}

#[test]
fn iris_keeps_its_columns_and_gains_one() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let run = folder.ok(&[
        "cluster",
        &iris,
        "-o",
        "out.csv",
        "--centers",
        "centers.csv",
    ]);
    let (before, after) = (
        std::fs::read_to_string(&iris).unwrap(),
        folder.text("out.csv"),
    );
    let (mut sizes, mut rows) = ([0, 0], 0);
    for (i, (old, new)) in before.lines().zip(after.lines()).enumerate() {
        let (kept, label) = new.rsplit_once(',').unwrap();
        assert_eq!(kept, old);
        if i == 0 {
            assert_eq!(label, "cluster");
        } else {
            sizes[label.parse::<usize>().unwrap()] += 1;
        }
        rows = i;
    }
    // scikit-learn 1.9's MeanShift at its own estimated bandwidth 1.2020.
    assert_eq!((rows, sizes), (150, [99, 51]));
    assert!(run.text().contains("2 clusters") && run.text().contains("bandwidth 1.202"));
    let centers = folder.text("centers.csv");
    let first: Vec<&str> = centers.lines().collect();
    assert_eq!(
        first[0],
        "cluster,sepal_length,sepal_width,petal_length,petal_width,size"
    );
    assert!(
        first[1].starts_with("0,6.2114") && first[1].ends_with(",99"),
        "{centers}"
    );
}

#[test]
fn standardized_centers_are_in_the_units_of_the_table() {
    let folder = Folder::new();
    let (wine, columns) = (data("wine.csv"), "alcohol,proline,hue");
    let args = [
        "cluster",
        &wine,
        "-o",
        "o.csv",
        "--columns",
        columns,
        "--standardize",
    ];
    let run = folder.ok(&[
        &args[..],
        &["--bandwidth", "1.2", "--centers", "c.csv", "--json"],
    ]
    .concat());
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        json["columns"],
        serde_json::json!(["alcohol", "proline", "hue"])
    );
    assert_eq!(json["bandwidth"], 1.2);
    let sizes = json["sizes"].as_array().unwrap();
    assert_eq!(sizes.iter().map(|s| s.as_u64().unwrap()).sum::<u64>(), 178);
    assert!(sizes.len() > 1);
    for center in json["centers"].as_array().unwrap() {
        let at = |i: usize| center[i].as_f64().unwrap();
        assert!((11.0..15.0).contains(&at(0)), "{center}");
        assert!((278.0..1680.0).contains(&at(1)), "{center}");
        assert!((0.4..1.8).contains(&at(2)), "{center}");
    }
    // Proline, in the hundreds, rules the distance where nothing is standardized.
    folder.ok(&[
        "cluster",
        &wine,
        "-o",
        "raw.csv",
        "--columns",
        columns,
        "--bandwidth",
        "1.2",
    ]);
    assert_ne!(
        labels(&folder.text("raw.csv")),
        labels(&folder.text("o.csv"))
    );
}

#[test]
fn units_do_not_matter_to_standardized_clusters() {
    let folder = Folder::new();
    let iris = std::fs::read_to_string(data("iris.csv")).unwrap();
    let scaled: String = iris
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let (first, rest) = line.split_once(',').unwrap();
            match first.parse::<f64>() {
                Ok(x) if i > 0 => format!("{},{rest}\n", x * 1024.0),
                _ => format!("{line}\n"),
            }
        })
        .collect();
    folder.file("cm.csv", &iris).file("other.csv", scaled);
    for name in ["cm.csv", "other.csv"] {
        let out = format!("out-{name}");
        folder.ok(&[
            "cluster",
            name,
            "-o",
            &out,
            "--standardize",
            "--bandwidth",
            "1.3",
        ]);
    }
    let found = labels(&folder.text("out-cm.csv"));
    assert_eq!(found, labels(&folder.text("out-other.csv")));
    assert!(found.iter().max() > Some(&0));
}

#[test]
fn flags_do_what_they_say() {
    let folder = Folder::new();
    folder.file("t.csv", "x,junk\n0,w\n0.1,w\n0.2,w\n5,w\n5.1,w\n99,w\n");
    let run = |flags: &[&str]| {
        let args = [
            &["cluster", "t.csv", "-o", "o.csv", "--bandwidth", "1"],
            flags,
        ]
        .concat();
        folder.ok(&args);
        labels(&folder.text("o.csv"))
    };
    assert_eq!(run(&[]), [0, 0, 0, 1, 1, 2]);
    assert_eq!(run(&["--kernel", "gaussian"]), [0, 0, 0, 1, 1, 2]);
    // With two rows to a start, the lonely row starts nothing, and joins the nearest or no cluster.
    let bins = ["--bin-seeding", "--min-bin-freq", "2"];
    assert_eq!(run(&bins), [0, 0, 0, 1, 1, 1]);
    assert_eq!(
        run(&[&bins[..], &["--no-cluster-all"]].concat()),
        [0, 0, 0, 1, 1, -1]
    );
    folder.ok(&[
        "cluster",
        "t.csv",
        "-o",
        "o.csv",
        "--kernel",
        "flat(h=1)",
        "--label-column",
        "c,d",
    ]);
    assert!(folder.text("o.csv").starts_with("x,junk,\"c,d\"\n0,w,0\n"));
    // A smaller share of the rows is a smaller bandwidth.
    let bandwidth = |quantile: &str| {
        let args = [
            "cluster",
            "t.csv",
            "-o",
            "o.csv",
            "--json",
            "--quantile",
            quantile,
        ];
        let json: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
        json["bandwidth"].as_f64().unwrap()
    };
    assert!(bandwidth("0.4") < bandwidth("0.9"));
}

#[test]
fn tables_of_every_kind() {
    let folder = Folder::new();
    let same = ["--bandwidth", "1"];
    let run = |args: &[&str]| folder.ok(&[&["cluster"], args, &same[..]].concat());
    // Tabs, quotes, blanks and line ends stay as they are.
    folder.file(
        "t.tsv",
        "x\t\"w,\"\"q\"\"\"\r\n 0\t\"a\tb\"\r\n0.5\tc\r\n9\t\"d\"\r\n",
    );
    run(&["t.tsv", "-o", "o.tsv"]);
    assert_eq!(
        folder.text("o.tsv"),
        "x\t\"w,\"\"q\"\"\"\tcluster\r\n 0\t\"a\tb\"\t0\r\n0.5\tc\t0\r\n9\t\"d\"\t1\r\n"
    );
    // From tabs to commas.
    run(&["t.tsv", "-o", "o.csv"]);
    assert_eq!(
        folder.text("o.csv"),
        "x,\"w,\"\"q\"\"\",cluster\r\n 0,a\tb,0\r\n0.5,c,0\r\n9,d,1\r\n"
    );
    // Without a header, in and out, by number and by name.
    folder.file("n.csv", "0,7\n0.5,7\n9,7");
    run(&["n.csv", "-o", "o.csv", "--columns", "c0"]);
    assert_eq!(folder.text("o.csv"), "0,7,0\n0.5,7,0\n9,7,1\n");
    // Names that look like numbers.
    folder.file("y.csv", "2019,2020\n0,1\n0.5,1\n9,1\n");
    run(&["y.csv", "-o", "o.csv", "--header"]);
    assert_eq!(
        folder.text("o.csv"),
        "2019,2020,cluster\n0,1,0\n0.5,1,0\n9,1,1\n"
    );
    folder.file("s.csv", "x;y\n0;1\n0.5;1\n9;1\n");
    run(&["s.csv", "-o", "o.csv", "--delimiter", ";"]);
    assert_eq!(folder.text("o.csv"), "x;y;cluster\n0;1;0\n0.5;1;0\n9;1;1\n");
    // Arrays.
    run(&["n.csv", "-o", "o.npy"]);
    let array = folder.bytes("o.npy");
    assert!(array.starts_with(b"\x93NUMPY\x01\x00"));
    assert_eq!(array.len(), 128 + 9 * 8);
    let number = |i: usize| f64::from_le_bytes(array[128 + 8 * i..][..8].try_into().unwrap());
    assert_eq!([0, 1, 2, 3, 8].map(number), [0.0, 7.0, 0.0, 0.5, 1.0]);
    run(&["o.npy", "-o", "o.csv", "--columns", "0"]);
    assert_eq!(
        folder.text("o.csv"),
        "c0,c1,c2,cluster\n0,7,0,0\n0.5,7,0,0\n9,7,1,1\n"
    );
    folder.fails(
        &["cluster", "t.tsv", "-o", "out.npy", "--bandwidth", "1"],
        1,
        &["text", ".npy", ".csv"],
    );
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = Folder::new();
    let wine = data("wine.csv");
    let run = |threads: &str, kernel: &str| {
        let args = [
            "cluster",
            &wine,
            "-o",
            "o.csv",
            "--centers",
            "c.csv",
            "--standardize",
        ];
        folder.ok(&[&args[..], &["--threads", threads, "--kernel", kernel]].concat());
        (folder.bytes("o.csv"), folder.bytes("c.csv"))
    };
    for kernel in ["flat", "gaussian"] {
        assert_eq!(run("1", kernel), run("2", kernel));
        assert_eq!(run("1", kernel), run("0", kernel));
    }
}

#[test]
fn every_method_clusters_the_flowers() {
    let iris = data("iris.csv");
    for (method, more, clusters) in [
        ("mean-shift", &[][..], 2),
        ("blurring", &[], 2),
        ("quick-shift", &[], 2),
        ("quick-shift", &["--max-dist", "1e9"], 1),
        ("medoid", &["--min-persistence", "auto"], 2),
        ("tomato", &[], 2),
    ] {
        let folder = Folder::new();
        let args = [
            "cluster", &iris, "-o", "o.csv", "--method", method, "--json",
        ];
        let run = folder.ok(&[&args[..], more].concat());
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(json["clusters"], clusters, "{method} {more:?}: {json}");
        assert_eq!(json["method"], method);
        let found = labels(&folder.text("o.csv"));
        assert_eq!(found.len(), 150);
        assert_eq!(*found.iter().max().unwrap() + 1, clusters, "{method}");
    }
}

#[test]
fn weights_directions_and_stable_bandwidths() {
    let folder = Folder::new();
    // Three directions at different lengths, each row twice but in `w`, which counts the second half of the rows as nothing.
    let mut rows = String::from("a,b,w\n");
    for i in 0..120 {
        let angle = f64::from(i % 3) * 2.0 + f64::from(i * 37 % 100) / 400.0;
        let length = 1.0 + f64::from(i * 13 % 7);
        let weight = i32::from(i < 60);
        let (x, y) = (length * angle.cos(), length * angle.sin());
        writeln!(rows, "{x},{y},{weight}").unwrap();
    }
    folder.file("d.csv", &rows);
    let json = |more: &[&str]| -> Value {
        let args = ["cluster", "d.csv", "-o", "o.csv", "--json"];
        let run = folder.ok(&[&args[..], more].concat());
        serde_json::from_slice(&run.stdout).unwrap()
    };
    let turned = json(&["--metric", "cosine", "--bandwidth", "0.5", "--weights", "w"]);
    assert_eq!(turned["columns"], serde_json::json!(["a", "b"]));
    assert_eq!(turned["sizes"], serde_json::json!([40, 40, 40]));
    for center in turned["centers"].as_array().unwrap() {
        let at = |i: usize| center[i].as_f64().unwrap();
        assert!((at(0).hypot(at(1)) - 1.0).abs() < 1e-9, "{center}");
    }
    let blurred = [
        "--metric",
        "cosine",
        "--method",
        "blurring",
        "--columns",
        "a,b",
    ];
    let found = json(&[&blurred[..], &["--bandwidth", "0.5"]].concat());
    assert_eq!(found["sizes"], serde_json::json!([40, 40, 40]));
    assert_eq!(
        json(&[&blurred[..], &["--bandwidth", "auto"]].concat())["clusters"],
        3
    );
    for method in ["mean-shift", "quick-shift", "medoid", "tomato"] {
        let three = ["--metric", "cosine", "--columns", "a,b", "--method", method];
        let found = json(&[&three[..], &["--min-persistence", "0.7"]].concat());
        assert_eq!(found["clusters"], 3, "{found}");
        assert!(found["bandwidth"].as_f64().unwrap() < 2.0, "{found}");
    }
    let stable = json(&[
        "--metric",
        "cosine",
        "--bandwidth",
        "auto",
        "--weights",
        "w",
    ]);
    assert_eq!(stable["clusters"], 3, "{stable}");
    // The estimate is what is taken where nothing is said, and no search.
    let estimate = json(&["--bandwidth", "quantile", "--columns", "a,b"]);
    assert_eq!(
        estimate["bandwidth"],
        json(&["--columns", "a,b"])["bandwidth"]
    );
    let straight = json(&["--bandwidth", "0.5", "--columns", "a,b"]);
    assert!(straight["clusters"].as_u64().unwrap() > 3, "{straight}");
    // Weights count: without the second half's, the estimate is of the first.
    let half = json(&[
        "--weights",
        "w",
        "--columns",
        "a,b",
        "--kernel",
        "gaussian(h=3)",
    ]);
    let all = json(&["--columns", "a,b", "--kernel", "gaussian(h=3)"]);
    assert_ne!(half["centers"], all["centers"]);
    let merged = json(&[
        "--columns",
        "a,b",
        "--bandwidth",
        "0.5",
        "--min-persistence",
        "5",
    ]);
    assert!(merged["clusters"].as_u64() < straight["clusters"].as_u64());
    let more = [
        "--over-relaxation",
        "1.5",
        "--adaptive",
        "0.5",
        "--compression",
        "0.1",
    ];
    json(&[&more[..], &["--kernel", "gaussian", "--bandwidth", "1"]].concat());
    for (flags, words) in [
        (
            &["--bandwidth", "auto", "--method", "medoid"][..],
            "--bandwidth auto says nothing",
        ),
        (&["--bandwidth", "stable"], "neither a number nor quantile"),
        (
            &["--compression", "0.1", "--method", "medoid"],
            "--compression says nothing",
        ),
        (&["--over-relaxation", "2"], "--over-relaxation 2 must"),
        (&["--weights", "nobody"], "nobody"),
    ] {
        let args = ["cluster", "d.csv", "-o", "x.csv"];
        let run = folder.run(&[&args[..], flags].concat());
        assert_ne!(run.code, Some(0));
        let said = &run.stderr;
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn errors_name_the_flags() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let args = ["cluster", &iris, "-o", "out.csv", "--columns", "0,1,2,3"];
    for (more, said) in [
        (
            &["--quantile", "2"][..],
            "--quantile 2 must be between 0 and 1",
        ),
        (
            &["--method", "tomato", "--neighbors", "0"],
            "--neighbors 0 leaves every row alone; give 1 or more",
        ),
        (
            &[
                "--bin-seeding",
                "--min-bin-freq",
                "1000",
                "--bandwidth",
                "1",
            ],
            "no bin of width 1 holds as many as --min-bin-freq 1000 rows; lower --min-bin-freq or widen --bandwidth",
        ),
        (
            &["--bin-seeding", "--min-bin-freq", "0"],
            "--min-bin-freq 0 must be at least 1",
        ),
        (
            &["--method", "quick-shift", "--max-dist", "-1"],
            "--max-dist -1 must be at least 0",
        ),
        (&["--compression", "7"], "--compression 7 must be above 0"),
        (&["--adaptive", "7"], "--adaptive 7 must be between 0"),
    ] {
        folder.fails(&[&args[..], more].concat(), 2, &[said]);
    }
}
