//! Rules and systems as text.

use super::*;

#[test]
fn rules_that_cannot_be_read_are_pointed_at() {
    let mut system =
        FuzzySystem::read(&TIP.replace("DEFUZZIFIER", "centroid"), Format::Toml).unwrap();
    let cases = [
        (
            "IF service IS god THEN tip IS low",
            15,
            "unknown term of 'service' 'god'; did you mean 'good'?",
        ),
        (
            "IF servise IS good THEN tip IS low",
            4,
            "did you mean 'service'?",
        ),
        (
            "IF service good THEN tip IS low",
            12,
            "expected IS, but found 'good'",
        ),
        ("service IS good THEN tip IS low", 1, "expected IF"),
        (
            "IF (service IS good THEN tip IS low",
            21,
            "expected AND, OR or ')'",
        ),
        (
            "IF service IS good tip IS low",
            20,
            "expected AND, OR or THEN",
        ),
        (
            "IF service IS good THEN tip IS low WITH 2",
            41,
            "between 0 and 1",
        ),
        (
            "IF service IS good THEN tip IS low WITH",
            40,
            "expected a weight",
        ),
        (
            "IF service IS good THEN tp IS low",
            25,
            "did you mean 'tip'?",
        ),
        ("IF service IS good THEN tip IS low low", 36, "the end"),
        ("IF \"service IS good THEN tip IS low", 4, "not closed"),
        (
            "IF service IS good AND THEN tip IS low",
            24,
            "unknown input 'THEN'",
        ),
        ("", 1, "expected IF, but found the end"),
    ];
    for (rule, column, words) in cases {
        let e = system.add(rule).unwrap_err().to_string();
        assert!(e.contains(words), "{rule}: {e}");
        assert!(e.contains(&format!("at column {column}:")), "{rule}: {e}");
        let caret = e.lines().last().unwrap();
        assert_eq!(caret.len(), 2 + column, "{e}");
        assert!(caret.ends_with('^'));
    }
    let deep = format!(
        "IF {}service IS good THEN tip IS low",
        "NOT ".repeat(100_000 / 5)
    );
    assert!(
        system
            .add(&deep)
            .unwrap_err()
            .to_string()
            .contains("nest deeper")
    );
    assert_eq!(system.rules().len(), 3);
}

#[test]
fn rules_read_back_from_their_text() {
    let mut system =
        FuzzySystem::read(&TIP.replace("DEFUZZIFIER", "centroid"), Format::Toml).unwrap();
    for rule in [
        "IF NOT (service IS poor OR quality IS not very good) AND quality IS somewhat average THEN tip IS very high WITH 0.25",
        "if quality is Good and not not service is poor then TIP is low;",
        "RULE 7 : IF service IS good OR quality IS good AND service IS average THEN tip IS high;",
    ] {
        system.add(rule).unwrap();
    }
    let again = FuzzySystem::read(&system.to_toml(), Format::Toml).unwrap();
    assert_eq!(again, system);
    assert_eq!(
        system.rules()[5].text(&system),
        "IF service IS good OR (quality IS good AND service IS average) THEN tip IS high"
    );
}

pub(super) const FCL: &str = "
FUNCTION_BLOCK tipper (* as in the standard *)
VAR_INPUT quality : REAL; service : REAL; END_VAR
VAR_OUTPUT tip : REAL; END_VAR
FUZZIFY quality
  TERM poor := (0, 1) (5, 0); // a line
  TERM average := (0, 0) (5, 1) (10, 0);
  TERM good := TRIAN 5 10 10;
  RANGE := (0 .. 10);
END_FUZZIFY
FUZZIFY service
  TERM poor := (0, 1) (5, 0);
  TERM average := (0, 0) (5, 1) (10, 0);
  TERM good := (5, 0) (10, 1);
END_FUZZIFY
DEFUZZIFY tip
  RANGE := (0..25);
  TERM low := (0, 1) (13, 0);
  TERM medium := (0, 0) (13, 1) (25, 0);
  TERM high := (13, 0) (25, 1);
  METHOD : COG;
  DEFAULT := NC;
END_DEFUZZIFY
RULEBLOCK first
  AND : MIN;
  OR : MAX;
  ACT : MIN;
  ACCU : MAX;
  RULE 1 : IF quality IS poor OR service IS poor THEN tip IS low;
  RULE 2 : IF service IS average THEN tip IS medium;
  RULE 3 : IF service IS good OR quality IS good THEN tip IS high;
END_RULEBLOCK
END_FUNCTION_BLOCK
";

pub(super) const FIS: &str = "[System]
Name='tipper'
Type='mamdani'
NumInputs=2
NumOutputs=1
NumRules=3
AndMethod='min'
OrMethod='max'
ImpMethod='min'
AggMethod='max'
DefuzzMethod='centroid'

[Input1]
Name='quality'
Range=[0 10]
NumMFs=3
MF1='poor':'trimf',[0 0 5]
MF2='average':'trimf',[0 5 10]
MF3='good':'trimf',[5 10 10]

[Input2]
Name='service'
Range=[0 10]
NumMFs=3
MF1='poor':'trimf',[0 0 5]
MF2='average':'trimf',[0 5 10]
MF3='good':'trimf',[5 10 10]

[Output1]
Name='tip'
Range=[0 25]
NumMFs=3
MF1='low':'trimf',[0 0 13]
MF2='medium':'trimf',[0 13 25]
MF3='high':'trimf',[13 25 25]

[Rules]
1 1, 1 (1) : 2
0 2, 2 (1) : 1
3 3, 3 (1) : 2
";

#[test]
fn the_three_formats_say_the_same() {
    let text = TIP
        .replace("DEFUZZIFIER", "centroid")
        .replace("resolution = 2001\n", "");
    let own = FuzzySystem::read(&text, Format::Toml).unwrap();
    let fcl = FuzzySystem::read(FCL, Format::Fcl).unwrap();
    let fis = FuzzySystem::read(FIS, Format::Fis).unwrap();
    for row in [[6.5, 9.8], [1.0, 2.0], [5.0, 5.0], [9.0, 0.5]] {
        assert!((one(&fcl, &row) - one(&own, &row)).abs() < 1e-12);
        assert!((one(&fis, &row) - one(&own, &row)).abs() < 1e-12);
    }
    assert_eq!(
        FuzzySystem::read(&fcl.to_toml(), Format::Toml).unwrap(),
        fcl
    );
    assert_eq!(
        FuzzySystem::read(&fis.to_toml(), Format::Toml).unwrap(),
        fis
    );
}

#[test]
fn sugeno_files_are_read() {
    let fis = FIS
        .replace("'mamdani'", "'sugeno'")
        .replace("'centroid'", "'wtaver'")
        .replace("'low':'trimf',[0 0 13]", "'low':'constant',[5]")
        .replace("'medium':'trimf',[0 13 25]", "'medium':'linear',[1 0.5 2]")
        .replace("'high':'trimf',[13 25 25]", "'high':'constant',[20]")
        .replace("3 3, 3 (1) : 2", "3 -1, 3 (0.5) : 1");
    let system = FuzzySystem::read(&fis, Format::Fis).unwrap();
    let row = [6.0, 4.0];
    // MATLAB gives the middle of the range where no rule fires.
    let only = fis.replace("0 2, 2 (1) : 1\n", "");
    let only = only
        .replace("3 -1, 3 (0.5) : 1\n", "")
        .replace("NumRules=3", "NumRules=1");
    let silent = FuzzySystem::read(&only, Format::Fis).unwrap();
    assert_eq!(one(&silent, &[5.0, 5.0]), 12.5);
    // Firing: max(poor 6, poor 4) = 0.2, average 4 = 0.8, min(good 6, 1 - poor 4) / 2 = 0.1.
    let expected = (0.2 * 5.0 + 0.8 * (6.0 + 2.0 + 2.0) + 0.1 * 20.0) / 1.1;
    assert!(
        (one(&system, &row) - expected).abs() < 1e-12,
        "{}",
        one(&system, &row)
    );
    let again = FuzzySystem::read(&system.to_toml(), Format::Toml).unwrap();
    assert_eq!(again, system);
    let fcl = FCL
        .replace("TERM low := (0, 1) (13, 0)", "TERM low := 5")
        .replace("TERM medium := (0, 0) (13, 1) (25, 0)", "TERM medium := 10")
        .replace("TERM high := (13, 0) (25, 1)", "TERM high := 20")
        .replace("COG", "COGS");
    let system = FuzzySystem::read(&fcl, Format::Fcl).unwrap();
    assert!((one(&system, &row) - (0.2 * 5.0 + 0.8 * 10.0 + 0.2 * 20.0) / 1.2).abs() < 1e-12);
}

#[test]
fn faults_of_files_have_their_place() {
    let own = |from: &str, to: &str| {
        let text = TIP.replace("DEFUZZIFIER", "centroid").replacen(from, to, 1);
        FuzzySystem::read(&text, Format::Toml)
            .unwrap_err()
            .to_string()
    };
    let fcl = |from: &str, to: &str| {
        FuzzySystem::read(&FCL.replacen(from, to, 1), Format::Fcl)
            .unwrap_err()
            .to_string()
    };
    let fis = |from: &str, to: &str| {
        FuzzySystem::read(&FIS.replacen(from, to, 1), Format::Fis)
            .unwrap_err()
            .to_string()
    };
    for (found, words) in [
        (
            own("resolution", "resolutoin"),
            "line 3, column 14: unknown key 'resolutoin'; did you mean 'resolution'?",
        ),
        (
            own("[0, 10]", "[10, 0]"),
            "must be two finite numbers that rise",
        ),
        (
            own("triangle(0, 0, 5)", "triangel(0, 0, 5)"),
            "line 7, column 18: unknown membership 'triangel'; did you mean 'triangle'?",
        ),
        (
            own("tip IS medium", "tip IS medum"),
            "line 20: cannot read the rule at column 35",
        ),
        (
            own("[[input]]", "[input]"),
            "line 8, column 10: 'input' is there already and is no list of tables",
        ),
        (
            own("centroid", "weighted_average"),
            "does not go with mamdani",
        ),
        (
            fcl("tip IS low;", "tip IS lo;"),
            "line 29: cannot read the rule at column",
        ),
        (fcl("TRIAN", "TRIANG"), "did you mean 'TRIAN'?"),
        (
            fcl("(0, 1) (5, 0)", "(0, 1) (5, x)"),
            "line 6, column 27: 'x' is no finite number",
        ),
        (fcl("END_RULEBLOCK", ""), "END_RULEBLOCK"),
        (
            fis("NumInputs=2", "NumInputs=3"),
            "NumInputs=3, but the file has 2",
        ),
        (
            fis("'trimf',[0 0 5]", "'trimf',[0 0]"),
            "line 17: triangle(0, 0): triangle takes a, b, c",
        ),
        (
            fis("'trimf',[0 0 5]", "'gausmf',[2 5]"),
            "line 17: unknown membership 'gausmf'; did you mean 'gaussmf'? Known: trimf, trapmf, gaussmf,",
        ),
        (
            fis("'trimf',[0 0 5]", "'gaussmf',[2 5 7]"),
            "line 17: gaussmf takes 2 numbers, but 3 are given",
        ),
        (
            fis("centroid", "wtaver"),
            "DefuzzMethod='wtaver' does not go with Type='mamdani'; give one of centroid, bisector, mom, som and lom",
        ),
        (
            fcl("METHOD : COG;", "METHOD : COGS;"),
            "METHOD : COGS is for terms that are numbers, but 'low' of 'tip' is a set; give COG, COA, MM, LM or RM, or numbers",
        ),
        (
            fis("1 1, 1 (1) : 2", "1 9, 1 (1) : 2"),
            "line 38: rule 1: input 'service' has 3 terms, but the rule asks for number 9, counted from 1",
        ),
        (
            fis("1 1, 1 (1) : 2", "1 1 1 (1) : 2"),
            "line 38: cannot read the rule",
        ),
        (fis("[System]", "[Sistem]"), "no [System]"),
        (
            fis("NumRules=3", "NumRules=2"),
            "NumRules=2, but the file has 3",
        ),
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
}

#[test]
fn infinite_corners_of_fis_files_are_open_shoulders() {
    let shoulders = |kind: &str, corners: &str| {
        let text = FIS.replace("'trimf',[0 0 5]", &format!("'{kind}',[{corners}]"));
        let system = FuzzySystem::read(&text, Format::Fis).unwrap();
        let again = FuzzySystem::read(&system.to_toml(), Format::Toml).unwrap();
        assert_eq!(again, system);
        let (_, set) = system.inputs()[0].terms[0].clone();
        move |x: f64| set.at(x)
    };
    for corners in ["-Inf -Inf 2 4", "-Inf -5 2 4", "-inf, -inf, 2, 4"] {
        let set = shoulders("trapmf", corners);
        assert_eq!(
            [-1e9, 2.0, 3.0, 4.0, 9.0].map(&set),
            [1.0, 1.0, 0.5, 0.0, 0.0]
        );
    }
    let set = shoulders("trapmf", "2 4 Inf Inf");
    assert_eq!([0.0, 3.0, 4.0, 1e9].map(set), [0.0, 0.5, 1.0, 1.0]);
    let set = shoulders("trimf", "-Inf 2 4");
    assert_eq!([-1e9, 3.0, 5.0].map(set), [1.0, 0.5, 0.0]);
    assert_eq!(shoulders("trapmf", "-Inf -Inf Inf Inf")(3.0), 1.0);
    for (kind, corners, words) in [
        ("trapmf", "Inf Inf 2 4", "from -Inf where the set is open"),
        ("trapmf", "-Inf -Inf 4 2", "from left to right"),
        ("trimf", "-Inf 2", "corners rise"),
        ("gaussmf", "1 Inf", "finite number"),
    ] {
        let text = FIS.replace("'trimf',[0 0 5]", &format!("'{kind}',[{corners}]"));
        let e = FuzzySystem::read(&text, Format::Fis)
            .unwrap_err()
            .to_string();
        assert!(e.contains("line ") && e.contains(words), "{corners}: {e}");
    }
}
