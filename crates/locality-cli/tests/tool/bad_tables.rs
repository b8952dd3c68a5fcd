//! Tables that cannot be worked on.

use crate::run::{Folder, data};

/// `cluster` and what it must say about a table.
fn refuses(table: &str, flags: &[&str], parts: &[&str]) {
    let folder = Folder::new();
    folder.file("t.csv", table);
    let mut args = vec!["cluster", "t.csv", "-o", "out.csv", "--bandwidth", "1"];
    args.extend(flags);
    folder.fails(&args, 1, parts);
}

#[test]
fn empty_tables() {
    refuses("", &[], &["t.csv is empty"]);
    refuses("\n\n", &[], &["t.csv is empty"]);
    refuses(
        "x,y\n",
        &[],
        &["t.csv has a header but no rows", "--no-header"],
    );
}

#[test]
fn cells_that_are_no_finite_numbers_are_named() {
    refuses(
        "x,y\n1,2\n\n3,NaN\n",
        &[],
        &["t.csv, line 4, column 'y': NaN is not finite"],
    );
    refuses(
        "x,y\n1,2\n-inf,4\n",
        &[],
        &["line 3, column 'x': -inf is not finite"],
    );
    refuses(
        "x,y\n1,2\n 1e999 ,4\n",
        &[],
        &["line 3, column 'x': 1e999 is not finite"],
    );
    refuses(
        "x,y\n1,2\n3,\n5,6\n",
        &[],
        &["line 3, column 'y': the cell is empty"],
    );
    // More of these than of numbers, and it is a column of numbers all the same.
    refuses(
        "x,y\n1,2\n3,NA\n5,n/a\n",
        &[],
        &["line 3, column 'y': 'NA' is a missing value; remove the row"],
    );
    refuses(
        "1,2\n3,nan\n",
        &[],
        &["line 2, column 'c1': nan is not finite"],
    );
}

#[test]
fn text_where_numbers_belong_is_named() {
    // Asked for by name.
    refuses(
        "x,w\n1,a\n2,b\n",
        &["--columns", "x,w"],
        &["line 2, column 'w': 'a' is not a number"],
    );
    // A stray word in a column of numbers is a mistake, not a reason to leave the column out.
    refuses(
        "x,y\n1,2\n3,4\n5,six\n",
        &[],
        &["line 4, column 'y': 'six' is not a number", "--columns"],
    );
    refuses(
        "a,b\nx,y\nz,w\n",
        &[],
        &["t.csv has no column of numbers", "a, b"],
    );
    refuses(
        "a;b\n1;2\n3;4\n",
        &[],
        &["no column of numbers", "--delimiter"],
    );
    refuses(
        "x\n1,5\n",
        &[],
        &["line 2 has 2 fields, but the header has 1"],
    );
}

#[test]
fn ragged_rows_are_named() {
    refuses(
        "x,y\n1,2\n3\n",
        &[],
        &["t.csv, line 3 has 1 field, but the header has 2"],
    );
    refuses(
        "1,2\n3,4\n\n5,6,7\n",
        &[],
        &["line 4 has 3 fields, but the first row has 2"],
    );
    refuses(
        "x,w\n1,\"a\n2,b\n",
        &[],
        &["line 2", "quote", "never closed"],
    );
}

#[test]
fn one_row_and_equal_rows() {
    let folder = Folder::new();
    folder
        .file("one.csv", "x,y\n1,2\n")
        .file("same.csv", "x\n3\n3\n3\n");
    for (table, rows) in [("one.csv", 1), ("same.csv", 3)] {
        // There is no distance to estimate from ..
        folder.fails(
            &["cluster", table, "-o", "out.csv"],
            1,
            &["cannot be estimated", &format!("{rows} row"), "--bandwidth"],
        );
        // .. but there is a cluster.
        folder.ok(&["cluster", table, "-o", "out.csv", "--bandwidth", "1"]);
        let out = folder.text("out.csv");
        assert_eq!(out.lines().count(), rows + 1);
        assert!(out.lines().skip(1).all(|line| line.ends_with(",0")));
        std::fs::remove_file(folder.path("out.csv")).unwrap();
    }
}

#[test]
fn a_constant_column_says_nothing() {
    let folder = Folder::new();
    folder.file("a.csv", "x,k\n1,5.1\n1.1,5.1\n9,5.1\n9.1,5.1\n");
    folder.file("b.csv", "x\n1\n1.1\n9\n9.1\n");
    for flags in [
        &["--bandwidth", "1"][..],
        &["--bandwidth", "1", "--standardize"],
    ] {
        let labels = |table: &str| {
            let mut args = vec!["cluster", table, "-o", "out.csv", "--centers", "c.csv"];
            args.extend(flags);
            folder.ok(&args);
            let last = |line: &str| line.rsplit(',').next().unwrap().to_owned();
            folder.text("out.csv").lines().map(last).collect::<Vec<_>>()
        };
        assert_eq!(labels("a.csv"), labels("b.csv"));
        labels("a.csv");
        let centers = folder.text("c.csv");
        assert_eq!(centers.lines().count(), 3);
        for line in centers.lines().skip(1) {
            assert_eq!(line.split(',').nth(2), Some("5.1"), "{centers}");
        }
    }
}

#[test]
fn columns_beyond_the_range_of_numbers() {
    let folder = Folder::new();
    folder.file("t.csv", "x,y\n1e300,1\n-1e300,2\n");
    folder.fails(
        &[
            "cluster",
            "t.csv",
            "-o",
            "out.csv",
            "--bandwidth",
            "1",
            "--standardize",
        ],
        1,
        &["column 'x'", "unit"],
    );
}

#[test]
fn missing_and_unknown_files() {
    let folder = Folder::new();
    folder.file("t.xyz", "1,2\n").file("t.csv", "x\n1\n");
    let bandwidth = ["--bandwidth", "1"];
    let fails = |table: &str, output: &str, code, parts: &[&str]| {
        let args = [&["cluster", table, "-o", output], &bandwidth[..]].concat();
        folder.fails(&args, code, parts);
    };
    fails("none.csv", "out.csv", 1, &["cannot read none.csv"]);
    fails(".", "out.csv", 1, &["cannot read", "directory"]);
    fails("t.xyz", "out.csv", 2, &["t.xyz", ".xyz", "--delimiter"]);
    fails("t.csv", "out.xlsx", 2, &["out.xlsx", ".xlsx"]);
    folder.ok(&[
        "cluster",
        "t.xyz",
        "-o",
        "out.csv",
        "--bandwidth",
        "1",
        "--delimiter",
        ",",
    ]);
}

#[test]
fn bandwidths_that_are_none() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    for h in ["-1", "0", "-0.5", "nan", "inf", "1e999", "wide", ""] {
        folder.fails(
            &["cluster", &iris, "-o", "out.csv", "--bandwidth", h],
            2,
            &["--bandwidth"],
        );
        if !h.is_empty() && h != "wide" {
            let kernel = format!("gaussian(h={h})");
            let args = ["mean", &iris, "--value", "petal_width", "--query", &iris];
            let more = [
                "-o",
                "out.csv",
                "--columns",
                "petal_length",
                "--kernel",
                &kernel,
            ];
            folder.fails(&[&args[..], &more].concat(), 2, &["--kernel", "h="]);
        }
    }
    for (flag, value) in [
        ("--quantile", "2"),
        ("--quantile", "nan"),
        ("--min-bin-freq", "0"),
    ] {
        folder.fails(
            &["cluster", &iris, "-o", "out.csv", flag, value],
            2,
            &[flag],
        );
    }
}

#[test]
fn kernels_and_columns_that_do_not_exist_get_the_nearest_name() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let fails = |flags: &[&str], parts: &[&str]| {
        let args = [&["cluster", &iris, "-o", "out.csv"], flags].concat();
        folder.fails(&args, 2, parts);
    };
    fails(
        &["--kernel", "gausian"],
        &["--kernel", "gausian", "did you mean 'gaussian'"],
    );
    fails(&["--kernel", "softmax"], &["softmax", "distance"]);
    fails(
        &["--columns", "sepal_lenght"],
        &["--columns", "did you mean 'sepal_length'"],
    );
    fails(&["--columns", "4,99"], &["no column '99'", "petal_width"]);
    fails(&["--columns", "0,sepal_length"], &["'sepal_length' twice"]);
    fails(
        &["--label-column", "target"],
        &["already has a column 'target'", "--label-column"],
    );
    fails(&["--plot", "p.jpg"], &["--plot p.jpg", ".png"]);
    fails(&["--delimiter", "é"], &["--delimiter", "ASCII"]);
    fails(&["--header", "--no-header"], &["--no-header"]);
}

#[test]
fn damaged_arrays() {
    let folder = Folder::new();
    let array = |shape: &str, numbers: usize| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(length);
        bytes.extend(header.bytes());
        bytes.extend((0..numbers).flat_map(|i| (i as f64).to_le_bytes()));
        bytes
    };
    let fails = |bytes: Vec<u8>, parts: &[&str]| {
        folder.file("t.npy", bytes);
        folder.fails(
            &["cluster", "t.npy", "-o", "out.csv", "--bandwidth", "1"],
            1,
            parts,
        );
    };
    fails(b"x,y\n1,2\n".to_vec(), &["t.npy", "numpy.save"]);
    fails(array("(3, 2)", 5), &["cut off", "3 x 2"]);
    fails(array("(9000000000000000000, 9)", 5), &["cut off"]);
    fails(array("(0, 9000000000000000000)", 0), &["0 rows"]);
    fails(array("(1, 2, 2)", 4), &["3 dimensions"]);
    let mut bytes = array("(2, 1)", 1);
    bytes.extend(f64::NAN.to_le_bytes());
    fails(
        bytes,
        &["t.npy, row 1 (counted from 0), column 'c0': NaN is not finite"],
    );
}
