//! `fit --model adaptive`: kernels that are learned, in files that every build reads.

use locality::Watch;
use locality::density::KernelClassifierFit;
use locality::local::LocalRegressionFit;
use locality::model::{ModelFile, Persist};
use serde_json::Value;

use crate::run::{Folder, data};

/// Two columns tell y, in units far apart; four say nothing.
fn table(folder: &Folder) {
    let mut text = "a,b,n1,n2,n3,n4,y,kind\n".to_owned();
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for _ in 0..300 {
        let x: Vec<f64> = (0..6).map(|_| next()).collect();
        let y = (6.0 * x[0]).sin() + x[1];
        let kind = if (x[0] > 0.5) == (x[1] > 0.5) {
            "same"
        } else {
            "other"
        };
        let row = format!(
            "{},{},{},{},{},{},{y},{kind}\n",
            x[0],
            1000.0 * x[1],
            x[2],
            x[3],
            x[4],
            x[5]
        );
        text.push_str(&row);
    }
    folder.file("t.csv", text);
}

const FEATURES: &str = "a,b,n1,n2,n3,n4";

fn fit(folder: &Folder, target: &str, model: &str, file: &str) -> Value {
    let run = folder.ok(&[
        "fit",
        "t.csv",
        "--target",
        target,
        "--features",
        FEATURES,
        "--model",
        model,
        "-o",
        file,
        "--json",
    ]);
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn columns_that_say_nothing_stop_counting() {
    let folder = Folder::new();
    table(&folder);
    let figure = |json: &Value, name: &str| json["leave_one_out"][name].as_f64().unwrap();
    let (plain, learned) = (
        fit(&folder, "y", "mean", "plain.loc"),
        fit(&folder, "y", "adaptive", "m.loc"),
    );
    assert!(figure(&learned, "r2") > 0.97, "{learned}");
    let (off, before) = (figure(&learned, "rmse"), figure(&plain, "rmse"));
    assert!(off < 0.8 * before, "{plain}\n{learned}");
    // The file is that of a local regression, with a metric in its kernel.
    let file = ModelFile::from_bytes(&folder.bytes("m.loc")).unwrap();
    let own = LocalRegressionFit::unpack(&file, &Watch::default()).unwrap();
    assert!(
        own.kernel().to_string().contains("mahalanobis"),
        "{}",
        own.kernel()
    );
    let told = folder.ok(&["inspect", "m.loc"]);
    assert!(told.text().contains("mahalanobis"), "{}", told.text());
    folder.file(
        "new.csv",
        "a,b,n1,n2,n3,n4\n0.25,500,0.1,0.9,0.5,0.5\n0.25,500,0.9,0.1,0.2,0.8\n",
    );
    folder.ok(&[
        "predict",
        "m.loc",
        "new.csv",
        "-o",
        "p.csv",
        "--explain",
        "3",
    ]);
    let text = folder.text("p.csv");
    let found: Vec<f64> = text
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(6).unwrap().parse().unwrap())
        .collect();
    for y in found {
        assert!((y - 1.5_f64.sin() - 0.5).abs() < 0.15, "{text}");
    }
    // The same table gives the same model, whatever the number of threads.
    let again = folder.ok(&[
        "--threads",
        "1",
        "fit",
        "t.csv",
        "--target",
        "y",
        "--features",
        FEATURES,
        "--model",
        "adaptive",
        "-o",
        "again.loc",
    ]);
    drop(again);
    assert_eq!(folder.bytes("m.loc"), folder.bytes("again.loc"));
}

#[test]
fn classes_are_told_under_a_learned_metric() {
    let folder = Folder::new();
    table(&folder);
    let right = |json: &Value| json["leave_one_out"]["accuracy"].as_f64().unwrap();
    let (plain, learned) = (
        fit(&folder, "kind", "mean", "plain.loc"),
        fit(&folder, "kind", "adaptive", "m.loc"),
    );
    assert!(
        right(&learned) > 0.9 && right(&learned) > right(&plain) + 0.05,
        "{plain}\n{learned}"
    );
    let file = ModelFile::from_bytes(&folder.bytes("m.loc")).unwrap();
    let own = KernelClassifierFit::<f64>::unpack(&file, &Watch::default()).unwrap();
    assert!(
        own.kernel().to_string().contains("mahalanobis"),
        "{}",
        own.kernel()
    );
    folder.ok(&["predict", "m.loc", "t.csv", "-o", "p.csv"]);
    assert!(folder.text("p.csv").contains("same"));
    // Few rows, none of which are held out.
    let few: Vec<String> = folder
        .text("t.csv")
        .lines()
        .take(20)
        .map(str::to_owned)
        .collect();
    folder.file("few.csv", few.join("\n"));
    folder.ok(&[
        "fit", "few.csv", "--target", "kind", "--model", "adaptive", "-o", "few.loc",
    ]);
}

#[test]
fn it_is_compared_with_the_others() {
    let folder = Folder::new();
    let run = folder.ok(&[
        "evaluate",
        &data("iris.csv"),
        "--target",
        "target",
        "--cv",
        "3",
        "--json",
    ]);
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    let models = json["models"].as_array().unwrap().iter();
    let own = models
        .clone()
        .find(|m| m["name"] == "adaptive kernel")
        .unwrap();
    assert!(own["accuracy"].as_f64().unwrap() > 0.93, "{json}");
}

#[test]
fn what_it_learns_itself_cannot_be_given() {
    let folder = Folder::new();
    table(&folder);
    for (flag, value) in [
        ("--kernel", "tricube"),
        ("--bandwidth", "0.5"),
        ("--weights", "n4"),
    ] {
        let features = "a,b,n1,n2,n3";
        folder.fails(
            &[
                "fit",
                "t.csv",
                "--target",
                "y",
                "--features",
                features,
                "--model",
                "adaptive",
                flag,
                value,
                "-o",
                "m.loc",
            ],
            2,
            &[flag, "--model adaptive"],
        );
    }
    folder.fails(
        &[
            "fit",
            "t.csv",
            "--target",
            "y",
            "--features",
            FEATURES,
            "--model",
            "adaptive",
            "--no-standardize",
            "-o",
            "m.loc",
        ],
        2,
        &["--no-standardize"],
    );
}
