//! Models in files: what comes back predicts the same bits, and no file does harm.

use locality::density::{
    KernelClassifier, KernelClassifierFit, KernelDensity, KernelDensityFit, Priors,
};
use locality::gwr::{Gwr, GwrFit, Mgwr, MgwrFit, Response, profile_named};
use locality::lazy::{
    NeighborsClassifier, NeighborsClassifierFit, NeighborsRegressor, NeighborsRegressorFit,
    Outlier, Reach, Weights,
};
use locality::local::{
    Family, LocalGlmRegression, LocalGlmRegressionFit, LocalLogistic, LocalLogisticFit,
    LocalPolynomial, LocalPolynomialFit, LocalRegression, LocalRegressionFit,
};
use locality::model::{
    About, Array, Class, Feature, LocalMeanModel, LocalMeanModelFit, ModelFile, Persist,
};
use locality::{LinearMap, Mask, Metric, Neighborhood, OnEmpty, Rows, Watch};

/// A table of two columns, a smooth response, three classes and weights.
struct Table {
    x: Vec<f64>,
    y: Vec<f64>,
    classes: Vec<usize>,
    weights: Vec<f64>,
}

impl Table {
    fn new(n: usize) -> Self {
        let at = |i: usize, a: f64| (i as f64 * a).fract();
        let x: Vec<f64> = (0..n)
            .flat_map(|i| [at(i, 0.618_034), 30.0 * at(i, 0.414_214)])
            .collect();
        let y = x
            .chunks(2)
            .map(|r| (4.0 * r[0]).sin() + 0.03 * r[1])
            .collect();
        let classes = x.chunks(2).map(|r| (3.0 * r[0]) as usize).collect();
        let weights = (0..n).map(|i| 0.5 + at(i, 0.77)).collect();
        Self {
            x,
            y,
            classes,
            weights,
        }
    }

    fn rows(&self) -> Rows<'_, f64> {
        Rows::new(&self.x, self.y.len(), 2).unwrap()
    }
}

/// Saves and loads by bytes; the bytes of what was loaded are the same again.
fn again<M: Persist>(model: &M) -> M {
    let bytes = model.pack().unwrap().to_bytes().unwrap();
    let file = ModelFile::from_bytes(&bytes).unwrap();
    assert_eq!(file.kind(), M::KIND);
    let back = M::unpack(&file, &Watch::default()).unwrap();
    assert_eq!(
        back.pack().unwrap().to_bytes().unwrap(),
        bytes,
        "{}",
        M::KIND
    );
    back
}

const PLACES: [f64; 6] = [0.21, 3.0, 0.8, 17.5, 0.5, 29.0];

fn places() -> Rows<'static, f64> {
    Rows::new(&PLACES, 3, 2).unwrap()
}

#[test]
fn local_regressions_come_back_with_what_was_found() {
    let (t, watch) = (Table::new(60), Watch::default());
    let y = Rows::column(&t.y);
    for weights in [None, Some(&t.weights[..])] {
        let model = LocalRegression::new("tricube".parse().unwrap())
            .degrees([0, 1, 2])
            .ridge(1e-3);
        let fit = model.fit(t.rows(), y, weights, &watch).unwrap();
        let back: LocalRegressionFit = again(&fit);
        assert_eq!(back.kernel(), fit.kernel());
        assert_eq!(back.degree(), fit.degree());
        assert_eq!(back.scales(), fit.scales());
        assert_eq!(back.tried().len(), fit.tried().len());
        let at = |f: &LocalRegressionFit| f.at(places(), &watch).unwrap();
        assert_eq!(at(&back).values(), at(&fit).values());
        assert_eq!(at(&back).slopes(), at(&fit).slopes());
        let within = |f: &LocalRegressionFit| f.intervals(places(), 0.8, &watch).unwrap().upper;
        assert_eq!(within(&back), within(&fit));
    }
    let model = LocalPolynomial::new("gaussian(h=[0.2, 5])".parse().unwrap())
        .degree(2)
        .on([1])
        .on_empty(OnEmpty::Global)
        .neighborhood("nearest(k=20)".parse().unwrap());
    let two: Vec<f64> = t.y.iter().flat_map(|y| [*y, -y * y]).collect();
    let fit = model
        .fit(t.rows(), Rows::new(&two, 60, 2).unwrap(), None, &watch)
        .unwrap();
    let back: LocalPolynomialFit = again(&fit);
    let at = |f: &LocalPolynomialFit| f.at(places(), &watch).unwrap().values().to_vec();
    assert_eq!(at(&back), at(&fit));
}

#[test]
fn generalized_models_come_back() {
    let (t, watch) = (Table::new(80), Watch::default());
    let positive: Vec<f64> = t.y.iter().map(|y| y.exp()).collect();
    for family in [
        Family::Poisson,
        Family::Gamma,
        Family::NegativeBinomial { theta: 1.7 },
    ] {
        let model = LocalGlmRegression::new("gaussian".parse().unwrap(), family);
        let weights = Some(&t.weights[..]);
        let fit = model
            .fit(t.rows(), Rows::column(&positive), weights, &watch)
            .unwrap();
        let back: LocalGlmRegressionFit = again(&fit);
        let at = |f: &LocalGlmRegressionFit| f.at(places(), &watch).unwrap().means().to_vec();
        assert_eq!(at(&back), at(&fit));
    }
    for classes in [3, 2] {
        let known: Vec<usize> = t.classes.iter().map(|c| c % classes).collect();
        let model = LocalLogistic::new("gaussian".parse().unwrap()).penalty(0.5);
        let fit = model.fit(t.rows(), &known, classes, None, &watch).unwrap();
        let back: LocalLogisticFit = again(&fit);
        let at = |f: &LocalLogisticFit| f.predict_proba(places(), &watch).unwrap();
        assert_eq!(at(&back), at(&fit));
        for row in at(&fit).chunks(classes) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn neighbours_come_back_with_their_ids() {
    let (t, watch) = (Table::new(50), Watch::default());
    let map = LinearMap::new(vec![vec![2.0, 0.5], vec![0.0, 0.1]]).unwrap();
    let kernel = Weights::from_kernel(&"tricube".parse().unwrap()).unwrap();
    let model = NeighborsRegressor::new(Reach::Nearest(4))
        .weights(kernel)
        .metric(Metric::Mahalanobis(map));
    let mut fit = model.fit(t.rows(), Rows::column(&t.y)).unwrap();
    fit.forget(&[3, 49]).unwrap();
    let mut back: NeighborsRegressorFit<f64> = again(&fit);
    let at = |f: &NeighborsRegressorFit<f64>| f.predict(places(), &watch).unwrap().values;
    assert_eq!(at(&back), at(&fit));
    assert_eq!(back.memory().ids(), fit.memory().ids());
    let more = |f: &mut NeighborsRegressorFit<f64>| {
        f.partial_fit(places().slice(0..1), Rows::column(&[9.0]))
            .unwrap()
    };
    assert_eq!((more(&mut fit), more(&mut back)), (50..51, 50..51));

    let single: Vec<f32> = t.x.iter().map(|x| *x as f32).collect();
    let rows = Rows::new(&single, 50, 2).unwrap();
    let labels: Vec<i64> = t.classes.iter().map(|c| 10 * *c as i64 - 10).collect();
    let model = NeighborsClassifier::new(Reach::Within(2.0))
        .weights(Weights::Distance)
        .outlier(Outlier::Labels(vec![-7]));
    let fit = model.fit(rows, Rows::column(&labels)).unwrap();
    let back: NeighborsClassifierFit<f32> = again(&fit);
    let queries: Vec<f32> = PLACES
        .iter()
        .map(|x| *x as f32)
        .chain([900.0, 900.0])
        .collect();
    let queries = Rows::new(&queries, 4, 2).unwrap();
    let at = |f: &NeighborsClassifierFit<f32>| f.predict(queries, &watch).unwrap();
    assert_eq!(at(&back), at(&fit));
    assert_eq!(at(&back)[3], -7);
}

#[test]
fn densities_and_means_come_back() {
    let (t, watch) = (Table::new(50), Watch::default());
    for adaptive in [0.0, 0.5] {
        let model = KernelDensity::new().adaptive(adaptive);
        let fit = model
            .fit_weighted(t.rows(), Some(&t.weights), &watch)
            .unwrap();
        let back: KernelDensityFit<f64> = again(&fit);
        let at = |f: &KernelDensityFit<f64>| f.log_density(places(), &watch).unwrap();
        assert_eq!(at(&back), at(&fit));
    }
    for priors in [
        Priors::Observed,
        Priors::Uniform,
        Priors::Given(vec![0.2, 0.3, 0.5]),
    ] {
        let model = KernelClassifier::new().priors(priors);
        let fit = model
            .fit_weighted(t.rows(), &t.classes, 3, Some(&t.weights), &watch)
            .unwrap();
        let back: KernelClassifierFit<f64> = again(&fit);
        let at = |f: &KernelClassifierFit<f64>| f.predict_proba(places(), &watch).unwrap();
        assert_eq!(at(&back), at(&fit));
    }
    let model = LocalMeanModel::new("gaussian(h=0.3)".parse().unwrap())
        .on_empty(OnEmpty::Nearest)
        .null_weight(0.25);
    let fit = model
        .fit(t.rows(), Rows::column(&t.y), None, &watch)
        .unwrap();
    let back: LocalMeanModelFit<f64> = again(&fit);
    let at = |f: &LocalMeanModelFit<f64>| f.means().at(places(), &watch).unwrap().means;
    assert_eq!(at(&back), at(&fit));
}

#[test]
fn geographic_models_come_back_with_what_was_found() {
    let (t, watch) = (Table::new(120), Watch::default());
    let coords: Vec<f64> = (0..240).map(|k| f64::from(k * 37 % 101)).collect();
    let (x, coords) = (t.rows(), Rows::new(&coords, 120, 2).unwrap());
    let people: Vec<f64> = t.weights.iter().map(|w| 100.0 * w).collect();
    let counts: Vec<f64> = t.y.iter().map(|y| (10.0 + 3.0 * y).round()).collect();
    let names = ["shade".to_owned(), "heat".to_owned()];
    let elsewhere = Rows::new(&[3.3, 4.4, 50.0, 60.0], 2, 2).unwrap();
    for (family, y, exposure) in [
        (Response::Gaussian, &t.y, None),
        (Response::Poisson, &counts, Some(&people[..])),
    ] {
        let asked = exposure.map(|_| &[7.0, 9.0][..]);
        let base = Gwr::new()
            .family(family)
            .profile(profile_named("gaussian").unwrap());
        let one = base.fit(x, y, coords, exposure, &watch).unwrap();
        let one = one.named(&names).unwrap();
        let back: GwrFit = again(&one);
        let at = |f: &GwrFit| f.at(places2(), elsewhere, asked, &watch).unwrap();
        assert_eq!(at(&back), at(&one));
        assert_eq!(
            (back.bandwidth(), back.tried()),
            (one.bandwidth(), one.tried())
        );
        assert_eq!(
            (back.names(), back.local_r2()),
            (&names[..], one.local_r2())
        );

        let each = Mgwr::new(base.adaptive(false).range(20.0, 90.0)).rounds(4);
        let each = each.fit(x, y, coords, exposure, &watch).unwrap();
        let back: MgwrFit = again(&each);
        let at = |f: &MgwrFit| f.at(places2(), elsewhere, asked, &watch).unwrap();
        assert_eq!(at(&back), at(&each));
        assert_eq!(back.history(), each.history());
        assert_eq!(back.standard_errors(), each.standard_errors());
        assert_eq!(back.converged(), each.converged());
    }
    let refused = Gwr::new().fit(x, &t.y, coords, None, &watch).unwrap();
    let e = refused.named(&names[..1]).unwrap_err().to_string();
    assert!(e.contains("names has 1 texts, but X has 2 columns"), "{e}");
}

fn places2() -> Rows<'static, f64> {
    Rows::new(&[0.3, 9.0, 0.7, 20.0], 2, 2).unwrap()
}

fn small() -> Vec<u8> {
    let t = Table::new(5);
    let model = LocalRegression::new("gaussian".parse().unwrap())
        .bandwidth(3.0)
        .unwrap();
    let fit = model
        .fit(t.rows(), Rows::column(&t.y), None, &Watch::default())
        .unwrap();
    let about = About {
        features: vec![
            Feature {
                name: "a".to_owned(),
                levels: None,
            },
            Feature {
                name: "b".to_owned(),
                levels: Some(vec!["red".to_owned()]),
            },
        ],
        target: Some("y".to_owned()),
        classes: vec![
            Class::Text("é".to_owned()),
            Class::Integer(-1),
            Class::Real(0.5),
            Class::Flag(true),
        ],
        scores: vec![("loo_rmse".to_owned(), 0.1 + 0.2)],
        places: vec!["east".to_owned(), "north".to_owned()],
        exposure: Some("people".to_owned()),
    };
    let file = fit.pack().unwrap().with_about(about.clone());
    let bytes = file.to_bytes().unwrap();
    assert_eq!(ModelFile::from_bytes(&bytes).unwrap().about(), &about);
    assert_eq!(about.expanded(), ["a", "b=red"]);
    bytes
}

#[test]
fn a_cut_file_is_refused_at_every_length() {
    let bytes = small();
    for length in 0..bytes.len() {
        let e = ModelFile::from_bytes(&bytes[..length])
            .unwrap_err()
            .to_string();
        assert!(e.contains("cut short or damaged"), "{length}: {e}");
    }
    let more = [&bytes[..], &[0]].concat();
    assert!(ModelFile::from_bytes(&more).is_err());
}

#[test]
fn a_changed_byte_is_refused_or_changes_nothing() {
    let bytes = small();
    let whole = ModelFile::from_bytes(&bytes).unwrap();
    for at in 0..bytes.len() {
        for mask in [1, 0x20, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= mask;
            if let Ok(file) = ModelFile::from_bytes(&other) {
                assert_eq!(file, whole, "byte {at} by {mask}");
            }
        }
    }
}

/// A file whose checksum is right, with something else in its text.
fn forged(from: &str, to: &str) -> locality::Error {
    let file = ModelFile::from_bytes(&small()).unwrap();
    let text = file.parameters().to_json();
    assert!(text.contains(from), "no {from} in {text}");
    let parameters = locality::model::Parameters::from_json(&text.replace(from, to)).unwrap();
    let mut other = ModelFile::new(file.kind(), parameters);
    for (name, array) in file.arrays() {
        other = other.with(name, array.clone());
    }
    let bytes = other.to_bytes().unwrap();
    LocalRegressionFit::unpack(&ModelFile::from_bytes(&bytes).unwrap(), &Watch::default())
        .unwrap_err()
}

#[test]
fn forged_parameters_are_refused_in_one_sentence() {
    for (from, to, part) in [
        (
            "\"found_degree\":1",
            "\"found_degree\":99999999",
            "degree=99999999",
        ),
        (
            "\"found_degree\":1",
            "\"found_degree\":-1",
            "'found_degree' is -1",
        ),
        (
            "\"found_degree\"",
            "\"other\"",
            "no parameter 'found_degree'",
        ),
        ("\"ridge\":0.0", "\"ridge\":-1.0", "ridge=-1"),
        ("\"ridge\":0.0", "\"ridge\":\"much\"", "'ridge' is \"much\""),
        ("\"guard\":true", "\"guard\":3", "'guard' is 3"),
        ("gaussian(h=3)", "gausian(h=3)", "did you mean"),
        ("gaussian(h=3)", "gaussian(h=3, cols=[7])", "7"),
    ] {
        let e = forged(from, to).to_string();
        assert!(e.contains(part), "{to}: {e}");
    }
    let file = ModelFile::from_bytes(&small()).unwrap();
    for (name, numbers, part) in [
        ("scales", vec![1.0], "scales must be 2 positive numbers"),
        (
            "scales",
            vec![0.0, 1.0],
            "scales must be 2 positive numbers",
        ),
        ("responses", vec![0.0], "a matrix"),
        ("weights", vec![1.0], "1"),
    ] {
        let other = file
            .clone()
            .with(name, locality::model::Array::list(&numbers));
        let e = LocalRegressionFit::unpack(&other, &Watch::default())
            .unwrap_err()
            .to_string();
        assert!(e.contains(part), "{name}: {e}");
    }
    let mut nan = match &file.arrays()["samples"] {
        locality::model::Array::F64(_, x) => x.clone(),
        other => panic!("{other:?}"),
    };
    nan[1] = f64::NAN;
    let other = file
        .clone()
        .with("samples", locality::model::Array::matrix(&nan, 2));
    let e = LocalRegressionFit::unpack(&other, &Watch::default())
        .unwrap_err()
        .to_string();
    assert!(e.contains("NaN"), "{e}");
    let e = NeighborsRegressorFit::<f64>::unpack(&file, &Watch::default())
        .unwrap_err()
        .to_string();
    assert!(
        e.contains("local_regression, not neighbors_regressor"),
        "{e}"
    );
}

#[test]
fn foreign_files_and_versions_are_told() {
    let bytes = small();
    let at = bytes
        .windows(10)
        .position(|w| w == b"\\\"format\\\"")
        .unwrap();
    let mut newer = bytes.clone();
    assert_eq!(newer[at + 11], b'1');
    newer[at + 11] = b'7';
    let e = ModelFile::from_bytes(&newer).unwrap_err().to_string();
    assert!(
        e.contains("version 7") && e.contains("reads version 1"),
        "{e}"
    );
    // A header that claims to be of many gigabytes.
    let mut huge = bytes.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(ModelFile::from_bytes(&huge).is_err());
    // Arrays of another program.
    let header = br#"{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
    let mut other = (header.len() as u64).to_le_bytes().to_vec();
    other.extend(header);
    other.extend(1.5_f64.to_le_bytes());
    let e = ModelFile::from_bytes(&other).unwrap_err().to_string();
    assert!(e.contains("another program"), "{e}");
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let (t, watch) = (Table::new(20), Watch::default());
    let folder = std::env::temp_dir().join(format!("locality-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("m.loc");
    let model = LocalRegression::new("gaussian".parse().unwrap());
    let fit = model
        .fit(t.rows(), Rows::column(&t.y), None, &watch)
        .unwrap();
    for _ in 0..2 {
        fit.save(&path).unwrap();
        let back = LocalRegressionFit::load(&path).unwrap();
        assert_eq!(
            back.at(places(), &watch).unwrap().values(),
            fit.at(places(), &watch).unwrap().values()
        );
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
    let e = fit.save(folder.join("none/m.loc")).unwrap_err().to_string();
    assert!(e.contains("cannot write") && e.contains("m.loc"), "{e}");
    let e = LocalRegressionFit::load(folder.join("none.loc"))
        .unwrap_err()
        .to_string();
    assert!(
        e.contains("cannot read") && e.contains("check its name"),
        "{e}"
    );
    std::fs::write(&path, b"x,y\n1,2\n").unwrap();
    let e = LocalRegressionFit::load(&path).unwrap_err().to_string();
    assert!(e.contains("m.loc") && e.contains("no model"), "{e}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_has_no_text_is_not_kept() {
    let t = Table::new(10);
    let rule = Neighborhood::mask(Mask::new(|i, j| i != j));
    let model = LocalMeanModel::new("gaussian(h=1)".parse().unwrap())
        .neighborhood(rule)
        .on_empty(OnEmpty::Nan);
    let fit = model
        .fit(t.rows(), Rows::column(&t.y), None, &Watch::default())
        .unwrap();
    let e = fit.pack().unwrap_err().to_string();
    assert!(e.contains("cannot be kept in a file"), "{e}");
}

/// The file that the tests of Python read, too; `UPDATE_DOCS=1` writes it anew.
#[test]
fn the_file_that_python_shares_is_as_it_was() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/shared.loc");
    let x: Vec<f64> = (0..20).map(|i| f64::from(i) / 4.0).collect();
    let y: Vec<f64> = (0..20).map(|i| f64::from(i * i) / 8.0).collect();
    let model = LocalRegression::new("gaussian".parse().unwrap())
        .bandwidth(1.5)
        .unwrap();
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), None, &Watch::default())
        .unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fit.save(path).unwrap();
    }
    let (known, own) = (ModelFile::load(path).unwrap(), fit.pack().unwrap());
    assert_eq!(known.to_bytes().unwrap(), std::fs::read(path).unwrap());
    assert_eq!(
        (known.kind(), known.parameters()),
        (own.kind(), own.parameters())
    );
    assert_eq!(known.arrays(), own.arrays());
}

/// Two models that Python saved: `GWR(bandwidth_range=(8, 30))` and `MGWR(bandwidth_range=(8, 30), max_iter=6, kernel="gaussian")`.
#[test]
fn geographic_models_of_python_are_read_and_written_alike() {
    let watch = Watch::default();
    let (x, place) = (
        Rows::new(&[1.0, 2.0], 1, 2).unwrap(),
        Rows::new(&[3.0, 4.0], 1, 2).unwrap(),
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle");
    let known = ModelFile::load(format!("{folder}/gwr.loc")).unwrap();
    let fit = GwrFit::unpack(&known, &watch).unwrap();
    let at = fit.at(x, place, None, &watch).unwrap();
    assert!((at.values[0] - 2.533_582_67).abs() < 1e-8);
    alike(&fit.pack().unwrap(), &known);

    let known = ModelFile::load(format!("{folder}/mgwr.loc")).unwrap();
    let fit = MgwrFit::unpack(&known, &watch).unwrap();
    let (_, means) = fit.at(x, place, None, &watch).unwrap();
    assert!((means[0] - 2.470_459_64).abs() < 1e-8);
    assert_eq!(
        (fit.bandwidths(), fit.converged()),
        (&[10.0, 9.0, 15.0][..], false)
    );
    alike(&fit.pack().unwrap(), &known);
}

/// Whether the same is written, up to the rounding of another machine.
fn alike(own: &ModelFile, known: &ModelFile) {
    assert_eq!(own.kind(), known.kind());
    let text = |f: &ModelFile| {
        let text = f.parameters().to_json().replace("[8,30]", "[8.0,30.0]");
        // Numbers apart from what is said.
        let number = |c: char| c.is_ascii_digit() || "+-.e".contains(c);
        let mut words: Vec<String> = Vec::new();
        let mut numbers = Vec::new();
        for part in text.split_inclusive([',', ':', '[', ']', '}']) {
            let (word, end) = part.split_at(part.len() - 1);
            match word.parse::<f64>() {
                Ok(x) if word.chars().all(number) => {
                    numbers.push(x);
                    words.push(end.to_owned());
                }
                _ => words.push(part.to_owned()),
            }
        }
        (words, numbers)
    };
    let (own_text, known_text) = (text(own), text(known));
    assert_eq!(own_text.0, known_text.0);
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-8 * (1.0 + b.abs()) || a.is_nan() && b.is_nan();
    assert!(own_text.1.len() > 10);
    for (a, b) in own_text.1.iter().zip(&known_text.1) {
        assert!(near(*a, *b), "{a} {b}");
    }
    let names = |f: &ModelFile| f.arrays().keys().cloned().collect::<Vec<String>>();
    assert_eq!(names(own), names(known));
    for (name, a) in own.arrays() {
        let b = &known.arrays()[name];
        assert_eq!(a.shape(), b.shape(), "{name}");
        match (a, b) {
            (Array::F64(_, a), Array::F64(_, b)) => {
                assert!(a.iter().zip(b).all(|(a, b)| near(*a, *b)), "{name}");
            }
            (a, b) => assert_eq!(a, b, "{name}"),
        }
    }
}
