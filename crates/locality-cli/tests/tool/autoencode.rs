//! `locality autoencode` on real tables.

use crate::run::{Folder, data};

#[test]
fn digits_get_codes_and_pictures() {
    let folder = Folder::new();
    let digits = data("digits.csv");
    let args = [
        "autoencode",
        &digits,
        "-o",
        "codes.csv",
        "--code",
        "2,4",
        "--hidden",
        "32",
        "--epochs",
        "10",
        "--plot",
        "codes.svg",
        "--color",
        "digit",
        "--losses",
        "loss.svg",
        "--reconstruct",
    ];
    let said = folder.ok(&args).text();
    assert!(
        said.contains("a code of 2 + 4") && said.contains("the best there is"),
        "{said}"
    );
    let table = folder.text("codes.csv");
    let header = table.lines().next().unwrap();
    assert!(
        header.contains(",code_0,") && header.contains(",code_5,"),
        "{header}"
    );
    assert!(
        header.ends_with("_out") && !header.contains("digit_out"),
        "{header}"
    );
    assert!(folder.text("codes.svg").contains("code_1"));
    assert!(folder.text("loss.svg").contains("held out"));
    // The same seed gives the same codes.
    folder.ok(&args);
    assert_eq!(folder.text("codes.csv"), table);
}

#[test]
fn figures_are_told_in_json() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let mut args = vec![
        "autoencode",
        &iris,
        "-o",
        "o.csv",
        "--hidden",
        "0",
        "--corruption",
        "none",
    ];
    args.extend([
        "--epochs",
        "300",
        "--lr",
        "1e-2",
        "--validation",
        "0",
        "--json",
    ]);
    let found: serde_json::Value = serde_json::from_str(&folder.ok(&args).text()).unwrap();
    // Two principal components of the standardised columns leave 0.042.
    let error = found["error"].as_f64().unwrap();
    assert!((0.0418..0.05).contains(&error), "{error}");
    assert!(found["denoising"].is_null() && found["held_out"].is_null());
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let fails = |more: &[&str], told: &[&str]| {
        let args: Vec<&str> = ["autoencode", &iris, "-o", "o.csv"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        folder.fails(&args, 2, told);
        assert!(!folder.path("o.csv").exists());
    };
    fails(
        &["--corruption", "blur"],
        &["--corruption 'blur'", "masking"],
    );
    fails(&["--noise", "-1"], &["--noise -1"]);
    fails(&["--corruption", "masking", "--noise", "2"], &["--noise 2"]);
    fails(&["--lr", "-1"], &["--lr -1"]);
    fails(&["--epochs", "0"], &["--epochs 0"]);
    fails(&["--code", "1", "--plot", "p.png"], &["--code 2"]);
    fails(&["--activation", "tanh"], &["tanh", "gelu"]);
    fails(&["--columns", "x"], &["'x'"]);
}
