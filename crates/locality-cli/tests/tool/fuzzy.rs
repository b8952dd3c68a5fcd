//! `locality fuzzy` on rules and tables.

use std::fmt::Write;

use crate::run::{Folder, data};

const RULES: &str = r#"
name = "tipping"
[[input]]
name = "quality"
range = [0, 10]
terms = { poor = "triangle(0, 0, 5)", average = "triangle(0, 5, 10)", good = "triangle(5, 10, 10)" }
[[input]]
name = "service"
range = [0, 10]
terms = { poor = "triangle(0, 0, 5)", average = "triangle(0, 5, 10)", good = "triangle(5, 10, 10)" }
[[output]]
name = "tip"
range = [0, 25]
terms = { low = "triangle(0, 0, 13)", medium = "triangle(0, 13, 25)", high = "triangle(13, 25, 25)" }
[rules]
text = '''
IF quality IS poor OR service IS poor THEN tip IS low
IF service IS average THEN tip IS medium
IF service IS good OR quality IS good THEN tip IS high
'''
"#;

#[test]
fn rules_are_evaluated_explained_and_drawn() {
    let folder = Folder::new();
    folder.file("tip.toml", RULES);
    folder.file("visits.csv", "service,quality\n9.8,6.5\n0,0\n");
    let args = [
        "fuzzy",
        "eval",
        "tip.toml",
        "visits.csv",
        "-o",
        "tips.csv",
        "--rules",
        "--explain",
        "0",
    ];
    let run = folder.ok(&args);
    let table = folder.text("tips.csv");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "service,quality,tip,rule_1,rule_2,rule_3");
    let fields: Vec<f64> = lines[1].split(',').map(|x| x.parse().unwrap()).collect();
    // What scikit-fuzzy gives.
    assert!((fields[2] - 19.8578).abs() < 0.01, "{table}");
    assert!((fields[5] - 0.96).abs() < 1e-9, "{table}");
    assert!(
        run.text()
            .contains("rule 3: IF service IS good OR quality IS good THEN tip IS high")
    );
    folder.ok(&[
        "fuzzy",
        "plot",
        "tip.toml",
        "-o",
        "tip.svg",
        "--of",
        "service,quality",
    ]);
    let picture = folder.text("tip.svg");
    assert!(picture.contains("tip over service and quality") && picture.contains("average"));
}

#[test]
fn rules_are_learned_and_used_again() {
    let folder = Folder::new();
    let wine = data("wine.csv");
    let args = [
        "fuzzy",
        "learn",
        &wine,
        "--target",
        "alcohol",
        "--columns",
        "color_intensity,proline",
        "-o",
        "rules.toml",
        "--rules",
        "4",
        "--json",
    ];
    let told: serde_json::Value = serde_json::from_str(&folder.ok(&args).text()).unwrap();
    assert!(told["r2"].as_f64().unwrap() > 0.5, "{told}");
    let rules = folder.text("rules.toml");
    assert!(rules.contains("IF color_intensity IS "), "{rules}");
    folder.file("new.csv", "color_intensity,proline\n5,1000\n");
    folder.ok(&["fuzzy", "eval", "rules.toml", "new.csv", "-o", "out.csv"]);
    let value: f64 = folder
        .text("out.csv")
        .trim()
        .rsplit(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((12.0..15.0).contains(&value), "{value}");
    // Beside what the table knows.
    folder.ok(&["fuzzy", "eval", "rules.toml", &wine, "-o", "out.csv"]);
    let out = folder.text("out.csv");
    let header = out.lines().next().unwrap();
    assert!(header.ends_with(",alcohol_predicted"), "{header}");
    let again = ["fuzzy", "eval", "rules.toml", "out.csv", "-o", "again.csv"];
    folder.fails(&again, 2, &["already has a column 'alcohol_predicted'"]);
}

#[test]
fn mean_shift_places_the_rules() {
    let folder = Folder::new();
    let mut table = String::from("a,b,y\n");
    for i in 0..60 {
        let (x, far) = (f64::from(i % 20) / 20.0, f64::from(i / 20));
        let _ = writeln!(table, "{},{},{}", 10.0 * far + x, far + x * x, far * x);
    }
    folder.file("three.csv", table);
    let learn = |more: &[&'static str]| {
        let mut args = vec![
            "fuzzy",
            "learn",
            "three.csv",
            "--target",
            "y",
            "-o",
            "r.toml",
        ];
        args.extend(more);
        args
    };
    let args = learn(&["--bandwidth", "0.1", "--epochs", "0", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&folder.ok(&args).text()).unwrap();
    let left = told["rules"].as_u64().unwrap() + told["pruned"].as_u64().unwrap();
    assert_eq!(left, 3, "{told}");
    assert!(told["r2"].as_f64().unwrap() > 0.9, "{told}");
    let both = learn(&["--bandwidth", "0.1", "--radius", "0.5"]);
    folder.fails(&both, 2, &["--bandwidth", "--radius"]);
    folder.fails(&learn(&["--bandwidth", "0"]), 2, &["--bandwidth 0 must"]);
    folder.fails(&learn(&["--radius", "-1"]), 2, &["--radius"]);
    folder.fails(
        &learn(&["--rules", "0"]),
        2,
        &["--rules 0 must lie between 1 and the number of rows"],
    );
    folder.fails(&learn(&["--order", "2"]), 2, &["--order 2 must be 0 or 1"]);
}

#[test]
fn faults_are_named() {
    let folder = Folder::new();
    folder.file("tip.toml", RULES);
    folder.file("bad.toml", RULES.replace("tip IS medium", "tip IS medum"));
    folder.file("visits.csv", "service,food\n9.8,6.5\n");
    let eval = |rules, table| ["fuzzy", "eval", rules, table, "-o", "out.csv"];
    folder.fails(
        &eval("tip.toml", "visits.csv"),
        2,
        &["quality", "--columns"],
    );
    folder.fails(&eval("tip.txt", "visits.csv"), 2, &[".toml, .fcl or .fis"]);
    folder.fails(
        &eval("none.fis", "visits.csv"),
        1,
        &["cannot read none.fis"],
    );
    let run = folder.run(&eval("bad.toml", "visits.csv"));
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .contains("bad.toml: line 18: cannot read the rule at column 35"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("did you mean 'medium'?"),
        "{}",
        run.stderr
    );
    let plot = [
        "fuzzy",
        "plot",
        "tip.toml",
        "-o",
        "p.png",
        "--of",
        "service,food",
    ];
    folder.fails(&plot, 2, &["--of: unknown name 'food'"]);
}

#[test]
fn a_target_of_words_is_told_by_an_output_for_each() {
    let folder = Folder::new();
    let mut table = String::from("a,b,sort,kind\n");
    for i in 0..90 {
        let (x, y) = (f64::from(i % 3), f64::from((i * 7) % 11) / 20.0);
        let kind = ["oak", "fir", "elm"][i as usize % 3];
        let _ = writeln!(
            table,
            "{},{},{},{kind}",
            x + y,
            2.0 - x * x + y,
            ["p", "q"][i as usize % 2]
        );
    }
    folder.file("trees.csv", table);
    let learn = [
        "fuzzy",
        "learn",
        "trees.csv",
        "--target",
        "kind",
        "-o",
        "r.toml",
    ];
    let run = folder.ok(&[&learn[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&run.text()).unwrap();
    assert_eq!(told["classes"], serde_json::json!(["elm", "fir", "oak"]));
    assert!(told["accuracy"].as_f64().unwrap() > 0.95, "{told}");
    assert!(folder.ok(&learn).text().contains("are told right"));
    folder.ok(&["fuzzy", "eval", "r.toml", "trees.csv", "-o", "out.csv"]);
    let out = folder.text("out.csv");
    assert!(
        out.starts_with("a,b,sort,kind,kind_elm,kind_fir,kind_oak\n"),
        "{out}"
    );
    folder.fails(
        &[&learn[..], &["--columns", "a,sort"]].concat(),
        1,
        &["'sort' holds words", "a column of 0 and 1 for each word"],
    );
    folder.file("one.csv", "a,kind\n1,oak\n2,oak\n");
    folder.fails(
        &[
            "fuzzy", "learn", "one.csv", "--target", "kind", "-o", "r.toml",
        ],
        1,
        &["1 different word", "from 2 to 50"],
    );
}

#[test]
fn cells_without_a_value_say_why() {
    let folder = Folder::new();
    let rules = |set: &str| {
        let rules = RULES.replace("low = \"triangle(0, 0, 13)\"", &format!("low = \"{set}\""));
        let first = rules
            .split("IF service IS average")
            .next()
            .unwrap()
            .to_owned();
        first.replace("quality IS poor OR service IS poor", "quality IS poor") + "'''\n"
    };
    folder.file("narrow.toml", rules("triangle(9.99, 10, 10.01)"));
    folder.file("outside.toml", rules("triangle(100, 101, 102)"));
    folder.file(
        "nothing.toml",
        rules("linear(0, 1, 1, 1)").replace("IS low", "IS NOT low"),
    );
    folder.file("visits.csv", "service,quality\n5,1\n5,9\n");
    let eval = |rules| ["fuzzy", "eval", rules, "visits.csv", "-o", "out.csv"];
    let text = folder.ok(&eval("narrow.toml")).text();
    assert!(
        text.contains("note: 1 cell has no value, since no rule fires"),
        "{text}"
    );
    assert!(
        folder.text("out.csv").contains("5,1,10\n") || folder.text("out.csv").contains("5,1,10.")
    );
    folder.fails(
        &eval("outside.toml"),
        1,
        &["term 'low' of 'tip', triangle(100, 101, 102), is 0 on all of the output's range"],
    );
    let text = folder.ok(&eval("nothing.toml")).text();
    assert!(
        text.contains("1 cell has no value although a rule fires"),
        "{text}"
    );
    assert!(
        text.contains("1 cell has no value, since no rule fires"),
        "{text}"
    );
}

#[test]
fn rules_say_the_numbers_and_sums_that_they_conclude() {
    let folder = Folder::new();
    let wine = data("wine.csv");
    let learn = |order| {
        [
            "fuzzy",
            "learn",
            &wine,
            "--target",
            "alcohol",
            "--columns",
            "color_intensity,proline",
            "-o",
            "rules.toml",
            "--rules",
            "2",
            "--order",
            order,
        ]
    };
    let text = folder.ok(&learn("0")).text();
    let number = |line: &str| -> f64 {
        let (_, rest) = line.split_once(" (").unwrap();
        rest.strip_suffix(')').unwrap().parse().unwrap()
    };
    let rules: Vec<&str> = text.lines().filter(|l| l.starts_with("IF ")).collect();
    assert!(!rules.is_empty(), "{text}");
    assert!(
        rules.iter().all(|r| (10.0..16.0).contains(&number(r))),
        "{text}"
    );
    let text = folder.ok(&learn("1")).text();
    for word in [
        "alcohol IS value_1 (",
        " * color_intensity ",
        " * proline)\n",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // The file has them once, and reads back.
    assert!(!folder.text("rules.toml").contains("value_1 ("));
    folder.file("new.csv", "color_intensity,proline\n5,1000\n");
    let args = ["fuzzy", "eval", "rules.toml", "new.csv", "-o", "out.csv"];
    let why = folder.ok(&[&args[..], &["--explain", "0"]].concat());
    assert!(why.text().contains(" * proline)"), "{}", why.text());
    folder.file("one.csv", "a,b\n1,2\n");
    let one = ["fuzzy", "learn", "one.csv", "--target", "b", "-o", "r.toml"];
    let said = "one.csv has 1 row; rules are learned from at least 2";
    folder.fails(&one, 1, &[said]);
}

#[test]
fn pictures_name_every_term_and_the_output_that_is_asked_for() {
    let folder = Folder::new();
    let terms: Vec<String> = (1..=9)
        .map(|i| format!("level_{i} = \"gaussian({i}, 0.5)\""))
        .collect();
    let rules = RULES
        .replace(
            "terms = { poor = \"triangle(0, 0, 5)\", average = \"triangle(0, 5, 10)\", good = \"triangle(5, 10, 10)\" }\n[[input]]\nname = \"service\"",
            &format!("terms = {{ poor = \"triangle(0, 0, 5)\", good = \"triangle(5, 10, 10)\", {} }}\n[[input]]\nname = \"service\"", terms.join(", ")),
        )
        .replace(
            "[rules]",
            "[[output]]\nname = \"minutes\"\nrange = [0, 30]\ninference = \"sugeno\"\nterms = { short = 10, long = 40, more = \"5 + 2 * service\" }\n[rules]",
        )
        .replace("tip IS low", "tip IS low, minutes IS short")
        .replace("tip IS high", "tip IS high, minutes IS long");
    assert!(rules.contains("level_9") && rules.contains("minutes"));
    folder.file("tip.toml", rules);
    let draw = |more: &[&'static str]| {
        let args = ["fuzzy", "plot", "tip.toml", "-o", "tip.svg"];
        folder.ok(&[&args[..], more].concat());
        folder.text("tip.svg")
    };
    let picture = draw(&[]);
    for i in 1..=9 {
        assert!(picture.contains(&format!(">level_{i}<")), "level_{i}");
    }
    assert!(picture.contains(">medium<") && !picture.contains(">short<"));
    // Each of the 11 terms of quality has a look of its own.
    let looks: Vec<&str> = picture
        .lines()
        .filter(|l| {
            l.starts_with("<path") && l.contains("fill=\"none\"") && l.matches('L').count() == 240
        })
        .filter_map(|l| l.split_once("stroke=").map(|(_, look)| look))
        .take(11)
        .collect();
    assert_eq!(looks.len(), 11);
    for (i, look) in looks.iter().enumerate() {
        assert!(!looks[..i].contains(look), "{look}");
    }
    let picture = draw(&["--output-name", "minutes"]);
    assert!(picture.contains("minutes over quality and service"));
    assert!(picture.contains(">short<") && picture.contains(">long<"));
    assert!(picture.contains(">more = 5 + "), "{picture}");
    assert!(!picture.contains(">medium<"));
    let picture = draw(&["--output-name", "tip"]);
    assert!(picture.contains(">medium<") && !picture.contains(">short<"));
}
