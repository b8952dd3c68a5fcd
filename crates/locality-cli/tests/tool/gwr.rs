//! `locality gwr` on the counties of Georgia.

use crate::run::{Folder, data};

fn run(folder: &Folder, more: &[&str]) -> serde_json::Value {
    let georgia = data("georgia.csv");
    let mut args = vec![
        "gwr",
        &georgia,
        "-o",
        "out.csv",
        "--target",
        "PctBach",
        "--features",
        "PctRural,PctPov,PctBlack",
        "--at",
        "X,Y",
        "--json",
    ];
    args.extend(more);
    serde_json::from_str(&folder.ok(&args).text()).unwrap()
}

/// Cells of a column of the output.
fn column(folder: &Folder, name: &str) -> Vec<f64> {
    let text = folder.text("out.csv");
    let mut lines = text.lines();
    let place = lines
        .next()
        .unwrap()
        .split(',')
        .position(|c| c == name)
        .unwrap();
    lines
        .map(|l| l.split(',').nth(place).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn georgia_has_mgwrs_figures_and_a_map() {
    let folder = Folder::new();
    let found = run(&folder, &["--plot", "map.svg", "--of", "PctBlack"]);
    assert_eq!(found["bandwidths"][0], 93.0);
    assert!((found["aicc"].as_f64().unwrap() - 896.349_995_17).abs() < 1e-6);
    let beta = column(&folder, "beta_PctRural");
    assert_eq!(beta.len(), 159);
    assert!((beta[0] + 0.088_414_993_889_700_1).abs() < 1e-9);
    let (error, t) = (
        column(&folder, "se_PctRural"),
        column(&folder, "t_PctRural"),
    );
    assert!((t[5] - beta[5] / error[5]).abs() < 1e-9);
    let (y, fitted, residual) = (
        column(&folder, "PctBach"),
        column(&folder, "fitted"),
        column(&folder, "residual"),
    );
    assert!((y[9] - fitted[9] - residual[9]).abs() < 1e-9);
    let map = folder.text("map.svg");
    assert!(map.contains("Coefficient of PctBlack") && map.contains("PctBach for each unit"));
}

#[test]
fn several_scales_have_several_bandwidths() {
    let folder = Folder::new();
    let found = run(&folder, &["--multiscale", "--standardize"]);
    // The figures of mgwr.
    let bandwidths: Vec<f64> = (0..4)
        .map(|j| found["bandwidths"][j].as_f64().unwrap())
        .collect();
    assert_eq!(bandwidths, [46.0, 87.0, 157.0, 153.0]);
    assert!((found["aicc"].as_f64().unwrap() - 341.401_185_822_881_76).abs() < 1e-6);
}

#[test]
fn rows_that_were_fitted_are_predicted_as_they_were_fitted() {
    let folder = Folder::new();
    let georgia = data("georgia.csv");
    for more in [
        &[][..],
        &["--standardize"],
        &["--multiscale", "--standardize"],
    ] {
        let mut args = vec!["--predict", &georgia, "--predictions", "new.csv"];
        args.extend(more);
        let found = run(&folder, &args);
        assert_eq!(found["predicted"], 159);
        let fitted = column(&folder, "fitted");
        let beta = column(&folder, "beta_PctPov");
        std::fs::rename(folder.path("new.csv"), folder.path("out.csv")).unwrap();
        let (predicted, again) = (column(&folder, "predicted"), column(&folder, "beta_PctPov"));
        let pairs = fitted.iter().zip(&predicted).chain(beta.iter().zip(&again));
        for (a, b) in pairs {
            assert!((a - b).abs() < 1e-8, "{a} {b} {more:?}");
        }
    }
}

#[test]
fn a_kept_model_predicts_what_the_table_says() {
    let folder = Folder::new();
    let georgia = data("georgia.csv");
    for more in [
        &["--bandwidth", "93"][..],
        &["--multiscale", "--bandwidth", "90"],
    ] {
        run(&folder, more);
        let fitted = column(&folder, "fitted");
        let beta = column(&folder, "beta_PctPov");
        let mut args = vec![
            "gwr", &georgia, "-o", "m.loc", "--target", "PctBach", "--at", "X,Y",
        ];
        args.extend(["--features", "PctRural,PctPov,PctBlack", "--quiet"]);
        args.extend(more);
        folder.ok(&args);
        let told = folder.ok(&["inspect", "m.loc"]).text();
        for part in ["PctBach", "constant, PctRural", "places", "X, Y", "aicc"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        folder.ok(&["predict", "m.loc", &georgia, "-o", "out.csv", "--quiet"]);
        let (predicted, again) = (
            column(&folder, "PctBach_predicted"),
            column(&folder, "beta_PctPov"),
        );
        assert_eq!(predicted.len(), 159);
        let pairs = fitted.iter().zip(&predicted).chain(beta.iter().zip(&again));
        for (a, b) in pairs {
            assert!((a - b).abs() < 1e-8, "{a} {b} {more:?}");
        }
        let header = folder.text("out.csv");
        let header = header.lines().next().unwrap();
        assert_eq!(header.contains("se_PctPov"), more[0] == "--bandwidth");
    }
    let predict = |more: &[&str]| {
        let all = ["predict", "m.loc", &georgia, "-o", "no.csv"];
        all.iter()
            .chain(more)
            .copied()
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    for (more, told) in [
        (
            &["--interval", "0.9"][..],
            "--interval is not for geographic models",
        ),
        (
            &["--explain", "3"],
            "--explain is not for geographic models",
        ),
        (
            &["--at", "X"],
            "--at names 1 column, but the model's places have 2",
        ),
        (&["--at", "X,Longitude9"], "'Longitude9'"),
    ] {
        let args = predict(more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        folder.fails(&args, 2, &[told]);
    }
    // What was kept under other names asks for them.
    let iris = data("iris.csv");
    folder.fails(&["predict", "m.loc", &iris, "-o", "no.csv"], 2, &["'X'"]);
    let standard = ["--at", "X,Y", "--standardize"];
    let mut args = vec!["gwr", &georgia, "-o", "s.loc", "--target", "PctBach"];
    args.extend(standard);
    folder.fails(&args, 2, &["--standardize"]);
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = Folder::new();
    let georgia = data("georgia.csv");
    let base = ["gwr", &georgia, "-o", "o.csv", "--target", "PctBach"];
    let fails = |more: &[&str], code: i32, told: &[&str]| {
        let args: Vec<&str> = base.iter().chain(more).copied().collect();
        folder.fails(&args, code, told);
        assert!(!folder.path("o.csv").exists());
    };
    fails(&["--at", "X"], 2, &["--at names 1 column"]);
    fails(&["--at", "X,Z"], 2, &["'Z'"]);
    fails(
        &["--at", "X,Y", "--features", "PctBach"],
        2,
        &["--features and --target"],
    );
    let of = ["--at", "X,Y", "--features", "PctPov", "--of", "Pct"];
    fails(&of, 2, &["--of Pct is no coefficient", "constant, PctPov"]);
    let wide = ["--at", "X,Y", "--bandwidth", "wide"];
    fails(&wide, 2, &["--bandwidth wide"]);
    let alone = ["--at", "X,Y", "--predict", &georgia];
    fails(&alone, 2, &["--predictions"]);
    let iris = data("iris.csv");
    let other = ["--at", "X,Y", "--predict", &iris, "--predictions", "p.csv"];
    fails(&other, 2, &["iris.csv", "--features"]);
    let few = ["--at", "X,Y", "--bandwidth", "1000"];
    fails(&few, 2, &["--bandwidth 1000"]);
}
