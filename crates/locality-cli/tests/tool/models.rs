//! `fit`, `predict`, `evaluate` and `inspect`.

use std::fmt::Write;

use locality::lazy::NeighborsRegressor;
use locality::local::LocalRegression;
use locality::model::Persist;
use locality::{Rows, Watch};
use serde_json::Value;

use crate::run::{Folder, data};

/// A wave over one column, with a word beside it.
fn wave(folder: &Folder) {
    let mut text = "x,kind,y\n".to_owned();
    for i in 0..60 {
        let x = f64::from(i) / 10.0;
        let (kind, shift) = if i % 3 == 0 {
            ("red", 1.0)
        } else {
            ("blue", 0.0)
        };
        let _ = writeln!(text, "{x},{kind},{}", x.sin() + shift);
    }
    folder.file("wave.csv", text);
}

fn column(folder: &Folder, file: &str, name: &str) -> Vec<String> {
    let text = folder.text(file);
    let mut lines = text.lines().map(|l| l.split(',').collect::<Vec<&str>>());
    let at = lines.next().unwrap().iter().position(|n| *n == name);
    let at = at.unwrap_or_else(|| panic!("no column {name} in {text}"));
    lines.map(|l| l[at].to_owned()).collect()
}

#[test]
fn numbers_are_predicted_with_intervals_and_reasons() {
    let folder = Folder::new();
    wave(&folder);
    let run = folder.ok(&["fit", "wave.csv", "--target", "y", "-o", "m.loc", "--json"]);
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["task"], "regression");
    assert_eq!(
        json["columns"],
        serde_json::json!(["x", "kind=blue", "kind=red"])
    );
    assert!(
        json["leave_one_out"]["r2"].as_f64().unwrap() > 0.95,
        "{json}"
    );
    // Columns go by name, whatever their order.
    folder.file("new.csv", "kind,extra,x\nred,a,1.5\nblue,b,1.5\n");
    folder.ok(&[
        "predict",
        "m.loc",
        "new.csv",
        "-o",
        "p.csv",
        "--interval",
        "0.8",
        "--explain",
        "2",
    ]);
    let y: Vec<f64> = column(&folder, "p.csv", "y_predicted")
        .iter()
        .map(|c| c.parse().unwrap())
        .collect();
    assert!(
        (y[0] - 1.5_f64.sin() - 1.0).abs() < 0.1 && (y[1] - 1.5_f64.sin()).abs() < 0.1,
        "{y:?}"
    );
    let text = folder.text("p.csv");
    assert!(
        text.starts_with(
            "kind,extra,x,y_predicted,y_lower,y_upper,sample_1,weight_1,sample_2,weight_2\n"
        ),
        "{text}"
    );
    // The heaviest row is the nearest of its kind.
    assert_eq!(column(&folder, "p.csv", "sample_1")[0], "15");
    let words = folder.ok(&["inspect", "m.loc"]).text();
    for part in [
        "local_regression",
        "regression",
        "kind (blue, red)",
        "leave one out rmse",
        "gaussian(",
        "bytes",
    ] {
        assert!(words.contains(part), "no {part} in {words}");
    }
    // The same model again is the same bytes.
    let first = folder.bytes("m.loc");
    folder.ok(&[
        "fit",
        "wave.csv",
        "--target",
        "y",
        "-o",
        "m.loc",
        "--threads",
        "1",
    ]);
    assert_eq!(folder.bytes("m.loc"), first);
}

#[test]
fn classes_are_predicted_with_probabilities() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    for model in ["auto", "mean", "knn"] {
        folder.ok(&[
            "fit", &iris, "--target", "target", "--model", model, "-o", "m.loc",
        ]);
        folder.ok(&["predict", "m.loc", &iris, "-o", "p.csv", "--explain", "3"]);
        let found = column(&folder, "p.csv", "target_predicted");
        let known = column(&folder, "p.csv", "target");
        let right = found.iter().zip(&known).filter(|(a, b)| a == b).count();
        assert!(right > 140, "{model}: {right}");
        let shares: f64 = ["setosa", "versicolor", "virginica"]
            .iter()
            .map(|c| {
                column(&folder, "p.csv", &format!("probability_{c}"))[77]
                    .parse::<f64>()
                    .unwrap()
            })
            .sum();
        assert!((shares - 1.0).abs() < 1e-9);
        let json: Value =
            serde_json::from_slice(&folder.ok(&["inspect", "m.loc", "--json"]).stdout).unwrap();
        assert!(
            json["leave_one_out_accuracy"].as_f64().unwrap() > 0.93,
            "{json}"
        );
        assert_eq!(
            json["classes"],
            serde_json::json!(["setosa", "versicolor", "virginica"])
        );
    }
}

#[test]
fn models_are_compared() {
    let folder = Folder::new();
    wave(&folder);
    let args = [
        "evaluate", "wave.csv", "--target", "y", "--cv", "4", "--plot", "r.svg",
    ];
    let words = folder.ok(&args).text();
    for part in [
        "mean of all rows",
        "global linear",
        "local quadratic",
        "k nearest",
        "rmse",
        "r2",
        " *",
    ] {
        assert!(words.contains(part), "no {part} in {words}");
    }
    assert!(folder.text("r.svg").contains("Residuals of y"));
    let json = |seed: &str| -> Value {
        let run = folder.ok(&[
            "evaluate",
            &data("iris.csv"),
            "--target",
            "target",
            "--features",
            "petal_length,petal_width",
            "--seed",
            seed,
            "--json",
        ]);
        serde_json::from_slice(&run.stdout).unwrap()
    };
    let (first, again) = (json("3"), json("3"));
    assert_eq!(first["models"], again["models"]);
    let accuracy = |name: &str| {
        let models = first["models"].as_array().unwrap();
        models.iter().find(|m| m["name"] == name).unwrap()["accuracy"]
            .as_f64()
            .unwrap()
    };
    assert!((accuracy("most frequent class") - 1.0 / 3.0).abs() < 0.01);
    assert!(accuracy("local logistic") > 0.9 && accuracy("k nearest") > 0.9);
}

#[test]
fn a_model_of_numbers_takes_whole_numbers_as_such() {
    let folder = Folder::new();
    let mut text = "x,visits,kind\n".to_owned();
    for i in 0..60 {
        let _ = writeln!(text, "{},{},{}", i % 20, (i % 20) / 5, ["a", "b"][i % 2]);
    }
    folder.file("visits.csv", &text);
    for model in ["poisson", "local-linear", "local-quadratic", "auto"] {
        let args = [
            "fit",
            "visits.csv",
            "--target",
            "visits",
            "--features",
            "x",
            "--model",
            model,
            "-o",
            "m.loc",
            "--json",
        ];
        let json: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
        let (task, why) = if model == "auto" {
            (
                "classification",
                "'visits' holds 4 whole numbers".to_owned(),
            )
        } else {
            ("regression", format!("which --model {model} is for"))
        };
        assert_eq!(
            (&json["task"], &json["inferred"]),
            (&task.into(), &why.into()),
            "{model}"
        );
    }
    let words = [
        "fit",
        "visits.csv",
        "--target",
        "kind",
        "--model",
        "poisson",
        "-o",
        "m.loc",
    ];
    folder.fails(&words, 2, &["--model poisson is not for classification"]);
}

#[test]
fn a_row_on_its_own_is_left_out_as_well() {
    let folder = Folder::new();
    folder.file("far.csv", "x,y\n0,1\n1,2\n2,2.5\n3,4\n100,9\n");
    let args = [
        "fit",
        "far.csv",
        "--target",
        "y",
        "--kernel",
        "tricube",
        "--bandwidth",
        "2.5",
        "--no-standardize",
        "--model",
        "local-linear",
        "-o",
        "m.loc",
        "--json",
    ];
    let json: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
    // The nearest row answers for the one that is far from all.
    let rmse = json["leave_one_out"]["rmse"].as_f64().unwrap();
    assert!(rmse > 2.0 && rmse < 4.0, "{rmse}");
}

#[test]
fn models_are_compared_under_a_kernel() {
    let folder = Folder::new();
    wave(&folder);
    let run = |kernel: &[&str]| -> Value {
        let args = ["evaluate", "wave.csv", "--target", "y", "--json"];
        let run = folder.ok(&[&args[..], kernel].concat());
        serde_json::from_slice(&run.stdout).unwrap()
    };
    let rmse = |json: &Value, name: &str| {
        let models = json["models"].as_array().unwrap();
        models.iter().find(|m| m["name"] == name).unwrap()["rmse"]
            .as_f64()
            .unwrap()
    };
    let (plain, wide) = (run(&[]), run(&["--kernel", "boxcar(h=1e9)"]));
    assert!((rmse(&wide, "local mean") - rmse(&wide, "mean of all rows")).abs() < 1e-9);
    assert!(rmse(&plain, "local mean") < 0.9 * rmse(&wide, "local mean"));
    for same in ["k nearest", "global linear"] {
        assert_eq!(rmse(&plain, same), rmse(&wide, same));
    }
    let wrong = [
        "evaluate",
        "wave.csv",
        "--target",
        "y",
        "--kernel",
        "gaussian(cols=z)",
    ];
    folder.fails(&wrong, 2, &["--kernel", "z"]);
    // A target that never changes is no trouble.
    let mut flat = "x,y\n".to_owned();
    for i in 0..20 {
        writeln!(flat, "{i},7.5").unwrap();
    }
    folder.file("flat.csv", flat);
    let words = folder.ok(&["evaluate", "flat.csv", "--target", "y"]).text();
    assert!(!words.contains("NaN") && !words.contains("inf"), "{words}");
}

#[test]
fn pictures_go_by_the_task() {
    let folder = Folder::new();
    wave(&folder);
    for (args, part) in [
        (&["--features", "x"][..], "holds 90 % of new observations"),
        (&[], "Residuals of y, leave-one-out"),
        (
            &["--features", "x", "--target", "kind"],
            "Probability of each kind by x",
        ),
        (&["--target", "kind"], "Calibration of kind, leave-one-out"),
    ] {
        let mut all = vec!["fit", "wave.csv", "-o", "m.loc", "--plot", "p.svg"];
        if !args.contains(&"--target") {
            all.extend(["--target", "y"]);
        }
        all.extend(args);
        folder.ok(&all);
        assert!(folder.text("p.svg").contains(part), "{args:?}");
    }
}

#[test]
fn what_cannot_be_fitted_is_told() {
    let folder = Folder::new();
    wave(&folder);
    folder.file("nan.csv", "x,y\n1,2\n2,NaN\n3,4\n");
    folder.file("hole.csv", "x,kind,y\n1,a,2\n2,,3\n3,a,4\n4,b,4\n");
    folder.file("one.csv", "x,c\n1,a\n2,a\n3,a\n");
    folder.file("ids.csv", "id,y\na,1.5\nb,2.5\nc,3.5\n");
    folder.file("head.csv", "x,y\n");
    let fit = |table: &str, more: &[&str], code: i32, parts: &[&str]| {
        let mut args = vec!["fit", table, "-o", "m.loc"];
        if !more.contains(&"--target") {
            args.extend(["--target", "y"]);
        }
        args.extend(more);
        folder.fails(&args, code, parts);
    };
    fit(
        "nan.csv",
        &[],
        1,
        &["line 3, column 'y': NaN is not finite"],
    );
    fit(
        "hole.csv",
        &[],
        1,
        &["line 3, column 'kind': the cell is empty"],
    );
    folder.file("gap.csv", "x,y\n1,2\n2,\n3,4\n4,4\n");
    let missing = ["line 3, column 'y'", "or choose --missing drop"];
    fit("gap.csv", &[], 1, &missing);
    let said = folder.run(&["fit", "gap.csv", "--target", "y", "-o", "m.loc"]);
    assert!(
        !said.stderr.contains("mean"),
        "a target cannot be filled in"
    );
    fit(
        "wave.csv",
        &["--kernel", "gaussian(h=0.3)", "--bandwidth", "0.5"],
        2,
        &["--kernel gaussian(h=0.3)", "--bandwidth", "one of the two"],
    );
    fit("head.csv", &[], 1, &["no rows"]);
    fit("one.csv", &["--target", "c"], 1, &["one class, a"]);
    fit(
        "ids.csv",
        &[],
        1,
        &["'id' has 3 different words in 3 rows", "--features"],
    );
    fit(
        "wave.csv",
        &["--target", "z"],
        2,
        &["--target", "no column 'z'"],
    );
    fit(
        "wave.csv",
        &["--features", "y"],
        2,
        &["--features and --target both name 'y'"],
    );
    fit(
        "wave.csv",
        &["--model", "logistic"],
        2,
        &["--model logistic is not for regression"],
    );
    fit(
        "wave.csv",
        &["--bandwidth", "wide"],
        2,
        &["'wide' is none of auto"],
    );
    fit(
        "wave.csv",
        &["--model", "poisson"],
        1,
        &["the target has -0.", "not negative"],
    );
    fit(
        "wave.csv",
        &["--model", "knn", "--bandwidth", "knn=1000"],
        2,
        &["1000"],
    );
    fit("wave.csv", &["--plot", "p.gif"], 2, &["--plot"]);
    folder.fails(
        &["fit", "wave.csv", "--target", "y", "-o", "none/m.loc"],
        1,
        &["none"],
    );
    folder.fails(&["evaluate", "nan.csv", "--target", "y"], 1, &["NaN"]);
    folder.fails(
        &["evaluate", "wave.csv", "--target", "y", "--cv", "1"],
        2,
        &["--cv 1"],
    );
    folder.fails(
        &["evaluate", "wave.csv", "--target", "y", "--cv", "50"],
        1,
        &["too few for --cv 50"],
    );
    // A target that never changes is no trouble.
    folder.file("flat.csv", "x,y\n1,7.5\n2,7.5\n3,7.5\n4,7.5\n5,7.5\n");
    folder.ok(&["fit", "flat.csv", "--target", "y", "-o", "flat.loc"]);
    folder.ok(&["predict", "flat.loc", "flat.csv", "-o", "p.csv"]);
    let y: f64 = column(&folder, "p.csv", "y_predicted")[2].parse().unwrap();
    assert!((y - 7.5).abs() < 1e-9);
}

#[test]
fn what_cannot_be_predicted_is_told() {
    let folder = Folder::new();
    wave(&folder);
    folder.ok(&["fit", "wave.csv", "--target", "y", "-o", "m.loc"]);
    folder.ok(&["fit", "wave.csv", "--target", "kind", "-o", "c.loc"]);
    let mut bytes = folder.bytes("m.loc");
    folder.file("cut.loc", &bytes[..bytes.len() / 2]);
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    folder
        .file("flip.loc", &bytes)
        .file("text.loc", "not a model");
    folder
        .file("less.csv", "x\n1\n")
        .file("green.csv", "x,kind\n1,green\n")
        .file("nan.csv", "x,kind\nnan,red\n");
    let predict = |model: &str, table: &str, more: &[&str], code: i32, parts: &[&str]| {
        let mut args = vec!["predict", model, table, "-o", "p.csv"];
        args.extend(more);
        folder.fails(&args, code, parts);
    };
    predict(
        "m.loc",
        "less.csv",
        &[],
        1,
        &["less.csv has no column 'kind'"],
    );
    // A word that is not known is as far from each that is, which is no error but said.
    let run = folder.ok(&["predict", "m.loc", "green.csv", "-o", "p.csv"]);
    let note = "1 word not in training";
    assert!(run.text().contains(note) && run.text().contains("'green'"));
    let at: f64 = column(&folder, "p.csv", "y_predicted")[0].parse().unwrap();
    let low = f64::sin(1.0);
    assert!(low < at && at < low + 1.0, "between both: {at}");
    predict(
        "m.loc",
        "nan.csv",
        &[],
        1,
        &["line 2, column 'x'", "not finite"],
    );
    predict(
        "cut.loc",
        "wave.csv",
        &[],
        1,
        &["cut.loc", "cut short or damaged"],
    );
    predict("flip.loc", "wave.csv", &[], 1, &["flip.loc", "checksum"]);
    predict("text.loc", "wave.csv", &[], 1, &["text.loc", "no model"]);
    predict("none.loc", "wave.csv", &[], 1, &["cannot read none.loc"]);
    predict(
        "m.loc",
        "wave.csv",
        &["--interval", "90"],
        2,
        &["--interval 90"],
    );
    predict(
        "m.loc",
        "wave.csv",
        &["--explain", "0"],
        2,
        &["--explain 0"],
    );
    predict(
        "c.loc",
        "wave.csv",
        &["--interval", "0.9"],
        2,
        &["--interval is for"],
    );
    folder.fails(&["inspect", "flip.loc"], 1, &["flip.loc", "checksum"]);
}

#[test]
fn several_responses_have_a_column_each() {
    let folder = Folder::new();
    let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 8.0).collect();
    let y: Vec<f64> = x.iter().flat_map(|x| [x.sin(), 10.0 + x]).collect();
    let y = Rows::new(&y, 40, 2).unwrap();
    let watch = Watch::default();
    let fit = LocalRegression::new("gaussian".parse().unwrap());
    let fit = fit.bandwidth(0.4).unwrap();
    let fit = fit.fit(Rows::column(&x), y, None, &watch).unwrap();
    fit.save(folder.path("two.loc")).unwrap();
    folder.file("new.csv", "x\n1.1\n3.3\n4.0\n");
    folder.ok(&[
        "predict",
        "two.loc",
        "new.csv",
        "-o",
        "p.csv",
        "--interval",
        "0.8",
    ]);
    let text = folder.text("p.csv");
    let header = "x,predicted_1,predicted_2,lower_1,lower_2,upper_1,upper_2\n";
    assert!(text.starts_with(header), "{text}");
    let at = fit.at(Rows::column(&[1.1, 3.3, 4.0]), &watch).unwrap();
    for (c, name) in ["predicted_1", "predicted_2"].iter().enumerate() {
        for (i, found) in column(&folder, "p.csv", name).iter().enumerate() {
            let wanted = at.values()[2 * i + c];
            assert!((found.parse::<f64>().unwrap() - wanted).abs() < 1e-9);
        }
    }
    let near = NeighborsRegressor::new(locality::lazy::Reach::Nearest(2));
    let near = near.fit(Rows::column(&x), y).unwrap();
    near.save(folder.path("near.loc")).unwrap();
    folder.ok(&["predict", "near.loc", "new.csv", "-o", "p.csv"]);
    assert!(
        folder
            .text("p.csv")
            .starts_with("x,predicted_1,predicted_2\n")
    );
    for found in column(&folder, "p.csv", "predicted_2") {
        assert!(
            found.parse::<f64>().unwrap() > 10.0,
            "each in its own column"
        );
    }
    let refused = [
        "predict",
        "near.loc",
        "new.csv",
        "-o",
        "q.csv",
        "--interval",
        "0.8",
    ];
    folder.fails(&refused, 2, &["--interval is for local means"]);
}
