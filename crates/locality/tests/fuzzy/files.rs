//! What other programs mean by their files.

use super::*;

fn fcl(text: &str) -> FuzzySystem {
    let system = FuzzySystem::read(text, Format::Fcl).unwrap();
    let again = FuzzySystem::read(&system.to_toml(), Format::Toml).unwrap();
    assert_eq!(again, system);
    system
}

fn fis(text: &str) -> FuzzySystem {
    let system = FuzzySystem::read(text, Format::Fis).unwrap();
    let again = FuzzySystem::read(&system.to_toml(), Format::Toml).unwrap();
    assert_eq!(again, system);
    system
}

/// At 4 and 6: small fires by 0.4 (AND) and big by 0.4 and by 0.6.
const SPOTS: &str = "FUNCTION_BLOCK t
FUZZIFY a
 TERM lo := (0, 1) (10, 0);
 TERM hi := (0, 0) (10, 1);
END_FUZZIFY
FUZZIFY b
 TERM lo := (0, 1) (10, 0);
 TERM hi := (0, 0) (10, 1);
END_FUZZIFY
DEFUZZIFY y
 TERM small := 0; TERM big := 100;
 METHOD : COGS; ACCU : MAX;
END_DEFUZZIFY
RULEBLOCK r
 NORMS
 RULE 1 : IF a IS lo AND b IS lo THEN y IS small;
 RULE 2 : IF a IS hi THEN y IS big;
 RULE 3 : IF b IS hi THEN y IS big;
END_RULEBLOCK
END_FUNCTION_BLOCK
";

#[test]
fn singletons_of_fcl_heed_method_and_accu() {
    let at = |method: &str, accu: &str| {
        let text = SPOTS.replace("COGS; ACCU : MAX;", &format!("{method}; ACCU : {accu};"));
        one(
            &fcl(&text.replace("NORMS", "AND : MIN; ACT : PROD;")),
            &[4.0, 6.0],
        )
    };
    for (method, accu, want) in [
        ("COGS", "MAX", 100.0 * 0.6 / (0.4 + 0.6)),
        ("COG", "MAX", 60.0),
        ("COGS", "SUM", 100.0 * 1.0 / (0.4 + 1.0)),
        ("COG", "NSUM", 100.0 / 1.4),
        ("COGS", "BSUM", 100.0 / 1.4),
        ("COGS", "ASUM", 76.0 / 1.16),
        ("LM", "MAX", 100.0),
        ("RM", "SUM", 100.0),
        ("COA", "MAX", 100.0),
    ] {
        let found = at(method, accu);
        assert!(
            (found - want).abs() < 1e-12,
            "{method} {accu}: {found} {want}"
        );
    }
    // Two places of one height.
    let even = |method: &str| {
        let text = SPOTS.replace("COGS", method).replace("NORMS", "AND : MIN;");
        one(
            &fcl(&text.replace("RULE 3", "RULE 4 : IF b IS hi THEN y IS small; RULE 3")),
            &[4.0, 6.0],
        )
    };
    assert_eq!([even("LM"), even("RM"), even("MM")], [0.0, 100.0, 50.0]);
}

#[test]
fn of_and_and_or_one_is_enough_in_fcl() {
    let or = SPOTS.replace("lo AND b", "lo OR b");
    for (norms, both, either) in [
        ("AND : PROD;", TNorm::Product, SNorm::ProbabilisticSum),
        ("AND : BDIF;", TNorm::Lukasiewicz, SNorm::Lukasiewicz),
        ("AND : MIN;", TNorm::Minimum, SNorm::Maximum),
        ("OR : ASUM;", TNorm::Product, SNorm::ProbabilisticSum),
        ("OR : BSUM;", TNorm::Lukasiewicz, SNorm::Lukasiewicz),
        ("OR : MAX; AND : PROD;", TNorm::Product, SNorm::Maximum),
        ("", TNorm::Minimum, SNorm::Maximum),
    ] {
        let system = fcl(&or.replace("NORMS", norms));
        assert_eq!(
            (system.settings().and, system.settings().or),
            (both, either)
        );
        let row = Rows::new(&[4.0_f64, 6.0], 1, 2).unwrap();
        let fired = system.firing(row, &watch()).unwrap()[0];
        assert!((fired - either.of(0.6, 0.4)).abs() < 1e-12, "{norms}");
    }
    // Blocks agree by what they mean.
    let block = "RULEBLOCK s OR : ASUM; END_RULEBLOCK END_FUNCTION_BLOCK";
    let two = SPOTS
        .replace("NORMS", "AND : PROD;")
        .replace("END_FUNCTION_BLOCK", block);
    assert_eq!(fcl(&two).settings().or, SNorm::ProbabilisticSum);
    let differ = two.replace("ASUM", "MAX");
    let error = FuzzySystem::read(&differ, Format::Fcl)
        .unwrap_err()
        .to_string();
    assert!(error.contains("differ in AND, product and min"), "{error}");
}

#[test]
fn only_ranges_that_are_given_bound_inputs() {
    assert!(!fis(FIS).settings().clip);
    assert!(!fcl(FCL).settings().clip);
    let given = FCL.replace(
        "END_FUZZIFY\nDEFUZZIFY",
        "RANGE := (0 .. 10);\nEND_FUZZIFY\nDEFUZZIFY",
    );
    assert!(fcl(&given).settings().clip);
    // A term beyond the range catches what is there.
    let beyond = FIS.replace("'trimf',[5 10 10]", "'trapmf',[10.1 10.5 11 12]");
    let row = Rows::new(&[10.8_f64, 4.0], 1, 2).unwrap();
    assert_eq!(fis(&beyond).firing(row, &watch()).unwrap()[2], 1.0);
}

#[test]
fn what_matlab_takes_is_taken() {
    let set = |kind: &str, numbers: &str| {
        let text = FIS.replace("'trimf',[0 0 5]", &format!("'{kind}',[{numbers}]"));
        fis(&text).inputs()[0].terms[0].1.clone()
    };
    let of = |text: &str| text.parse::<Membership>().unwrap();
    for (kind, numbers, want) in [
        ("gaussmf", "-2 5", "gaussian(5, 2)"),
        ("gauss2mf", "-2 3 -1 4", "two_sided_gaussian(2, 3, 1, 4)"),
        ("gauss2mf", "2 6 1 4", "two_sided_gaussian(2, 6, 1, 4)"),
        ("pimf", "0 6 4 9", "pi(0, 6, 4, 9)"),
        ("pimf", "4 2 9 7", "pi(3, 3, 8, 8)"),
        ("smf", "5 1", "s(3, 3)"),
        ("zmf", "5 1", "z(3, 3)"),
        ("gbellmf", "2 -2 5", "bell(2, -2, 5)"),
        ("trapmf", "0 6 4 9", "trapezoid(0, 6, 4, 9)"),
        ("trimf", "0;2;4", "triangle(0, 2, 4)"),
        ("trimf", "0; 2; 4", "triangle(0, 2, 4)"),
    ] {
        assert_eq!(set(kind, numbers), of(want), "{kind} {numbers}");
    }
    // A rule that concludes nothing is there for its number only.
    let silent = FIS.replace("0 2, 2 (1) : 1", "0 2, 0 (1) : 1");
    assert_eq!(fis(&silent).rules().len(), 2);
}

#[test]
fn som_and_lom_of_fis_files_go_by_magnitude() {
    let at = |method: &str, range: &str, plateau: &str| {
        let text = FIS
            .replace("centroid", method)
            .replace("Range=[0 25]", &format!("Range={range}"))
            .replace("'trimf',[0 13 25]", &format!("'trapmf',{plateau}"));
        // At 0 and 5 only the rule of the plateau fires, wholly.
        one(
            &fis(&text
                .replace("1 1, 1 (1) : 2\n", "")
                .replace("NumRules=3", "NumRules=2")),
            &[0.0, 5.0],
        )
    };
    for (range, plateau, nearest, farthest) in [
        ("[0 25]", "[0 5 10 25]", 5.0, 10.0),
        ("[-20 0]", "[-20 -15 -5 0]", -5.0, -15.0),
        ("[-10 10]", "[-10 -8 2 10]", 0.0, -8.0),
        ("[-10 10]", "[-10 -2 8 10]", 0.0, 8.0),
    ] {
        let (som, lom) = (at("som", range, plateau), at("lom", range, plateau));
        assert!((som - nearest).abs() < 1e-9, "{range} {plateau}: {som}");
        assert!((lom - farthest).abs() < 1e-9, "{range} {plateau}: {lom}");
    }
}

#[test]
fn conclusions_may_stand_in_brackets() {
    let mut system =
        FuzzySystem::read(&TIP.replace("DEFUZZIFIER", "centroid"), Format::Toml).unwrap();
    system
        .add("IF (service IS good) THEN (tip IS high)")
        .unwrap();
    system
        .add("IF service IS good THEN (tip IS high, (tip IS medium)) WITH 0.5")
        .unwrap();
    let texts: Vec<String> = system.rules()[3..]
        .iter()
        .map(|r| r.text(&system))
        .collect();
    assert_eq!(
        texts,
        [
            "IF service IS good THEN tip IS high",
            "IF service IS good THEN tip IS high, tip IS medium WITH 0.5"
        ]
    );
    for (rule, words) in [
        (
            "IF service IS good THEN (tip IS high",
            "expected ',', AND or ')'",
        ),
        (
            "IF service IS good THEN tip IS high)",
            "expected ',', WITH or the end",
        ),
        ("IF service IS good THEN ()", "expected an output"),
    ] {
        let error = system.add(rule).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let deep = format!(
        "IF service IS good THEN {}tip IS high",
        "(".repeat(100_000 / 2)
    );
    let error = system.add(&deep).unwrap_err().to_string();
    assert!(error.contains("nest deeper"), "{error}");
}

#[test]
fn degrees_of_all_terms_are_told() {
    let system = FuzzySystem::read(&TIP.replace("DEFUZZIFIER", "centroid"), Format::Toml).unwrap();
    let rows = Rows::new(&[6.5_f64, 9.8, -3.0, 12.0], 2, 2).unwrap();
    let found = system.memberships(rows, &watch()).unwrap();
    for (i, row) in rows.iter().enumerate() {
        let why = system.explain(row).unwrap();
        let all = why.inputs.iter().flat_map(|(_, _, terms)| terms);
        let all: Vec<f64> = all.map(|(_, degree)| *degree).collect();
        assert_eq!(found[6 * i..6 * i + 6], all);
    }
    assert_eq!(found[6..], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let narrow = Rows::new(&[1.0_f64], 1, 1).unwrap();
    assert!(system.memberships(narrow, &watch()).is_err());
}

#[test]
fn shapes_of_jfuzzylogic_are_read() {
    let with = |term: &str| {
        SPOTS
            .replace("NORMS", "AND : MIN;")
            .replacen("(0, 1) (10, 0)", term, 1)
    };
    let term = |text: &str| fcl(&with(text)).inputs()[0].terms[0].1.to_string();
    // `COSINE 4 4` is 1 at 4 and 0 from 0 on to 8; of a sigmoid's difference the order is one.
    assert_eq!(term("COSINE 4 5"), "cosine(5, 4)");
    assert_eq!(term("DSIGM 9 4 9 6"), "sigmoid_difference(9, 4, 9, 6)");
    let system = fcl(&with("COSINE 4 5"));
    assert_eq!(system.inputs()[0].range, [0.0, 10.0]);
    for (text, words) in [
        ("COSINE 4", "COSINE takes 2 numbers, but 1 are given"),
        ("GAUSS2 1 2 3", "GAUSS2 takes 4 numbers, but 3 are given"),
        (
            "(0, 1), (10, 0)",
            "line 3, column 19: points stand one after the other",
        ),
    ] {
        let e = FuzzySystem::read(&with(text), Format::Fcl).unwrap_err();
        assert!(e.to_string().contains(words), "{e}");
    }
}
