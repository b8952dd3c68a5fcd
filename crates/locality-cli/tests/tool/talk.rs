//! Help, lists, summaries.

use serde_json::Value;

use crate::run::{Folder, data};

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in [
        &["image", "filter"][..],
        &["image", "segment"],
        &["cluster"],
        &["mean"],
        &["fit"],
        &["predict"],
        &["evaluate"],
        &["inspect"],
        &["kernels"],
        &["demo"],
        &["completions"],
    ] {
        let run = folder.ok(&[command, &["--help"]].concat());
        let text = run.text();
        let example = format!("\n  locality {}", command.join(" "));
        assert!(
            text.contains("Example") && text.contains(&example),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "colours in a pipe");
    }
    let run = folder.ok(&["--version"]);
    assert_eq!(
        run.text(),
        concat!("locality ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(folder.run(&[]).code, Some(2));
    folder.fails(&["clutser"], 2, &["clutser", "'cluster'"]);
    folder.fails(&["cluster", "t.csv"], 2, &["--output"]);
}

#[test]
fn the_list_has_every_kernel_of_the_core() {
    let folder = Folder::new();
    let text = folder.ok(&["kernels"]).text();
    let json: Value = serde_json::from_slice(&folder.ok(&["kernels", "--json"]).stdout).unwrap();
    let names = |key: &str| -> Vec<String> {
        let list = json[key].as_array().unwrap();
        list.iter()
            .map(|k| k["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names("kernels"),
        locality::profiles()
            .iter()
            .map(|p| p.name)
            .collect::<Vec<_>>()
    );
    assert_eq!(
        names("metrics"),
        locality::metrics()
            .iter()
            .map(|m| m.name)
            .collect::<Vec<_>>()
    );
    let rules = locality::neighborhoods();
    assert_eq!(
        names("neighborhoods"),
        rules.iter().map(|n| n.name).collect::<Vec<_>>()
    );
    for profile in locality::profiles() {
        let line = text
            .lines()
            .find(|l| l.split_whitespace().next() == Some(profile.name));
        assert!(line.unwrap().contains(profile.formula), "{}", profile.name);
    }
}

#[test]
fn summaries_in_words_in_json_and_not_at_all() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let args = ["cluster", &iris, "-o", "o.csv"];
    let words = folder.ok(&args).text();
    assert!(
        words.contains("150 rows") && words.contains("2 clusters") && words.contains(" s\n"),
        "{words}"
    );
    let run = folder.ok(&[&args[..], &["--json"]].concat());
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&json["rows"], &json["clusters"]), (&150.into(), &2.into()));
    assert!(json["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(run.text().lines().count(), 1);
    assert_eq!(folder.ok(&[&args[..], &["--quiet"]].concat()).text(), "");
    let photo = data("coffee.png");
    let segment = ["image", "segment", &photo, "-o", "s.png", "--spatial", "4"];
    let words = folder.ok(&segment).text();
    assert!(
        words.contains(" regions in ") && words.contains(" s ("),
        "{words}"
    );
}

#[test]
fn completions_of_every_shell_name_the_commands() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = folder.ok(&["completions", shell]).text();
        assert!(
            text.contains("segment") && text.contains("--bandwidth") || text.contains("bandwidth"),
            "{shell}"
        );
    }
    folder.fails(&["completions", "csh"], 2, &["csh", "bash"]);
}
