//! Every way to be refused: the kind, and a sentence that names the argument and the value.

use std::sync::atomic::AtomicBool;

use locality_core::{
    Error, ErrorKind, Kernel, LinearMap, LocalMean, Mask, Metric, Nearest, Neighborhood, OnEmpty,
    Profile, Rows, Watch,
};

fn refused<T>(result: Result<T, Error>, kind: ErrorKind, words: &[&str]) {
    match result {
        Ok(_) => panic!("accepted; expected an error with {words:?}"),
        Err(e) => {
            assert_eq!(e.kind(), kind, "{e}");
            for word in words {
                assert!(e.to_string().contains(word), "'{e}' does not say '{word}'");
            }
        }
    }
}

const KEYS: [f64; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
const VALUES: [f64; 3] = [1.0, 2.0, 3.0];

fn keys() -> Rows<'static, f64> {
    Rows::new(&KEYS, 3, 2).unwrap()
}

fn values() -> Rows<'static, f64> {
    Rows::column(&VALUES)
}

fn mean(kernel: &str) -> LocalMean {
    LocalMean::new(kernel.parse().unwrap())
}

#[test]
fn fitting_names_the_table_and_the_cell() {
    let g = mean("gaussian(h=1)");
    let none: Rows<'_, f64> = Rows::new(&[], 0, 2).unwrap();
    let thin: Rows<'_, f64> = Rows::with_stride(&[], 3, 0, 0).unwrap();
    refused(
        g.fit(none, none),
        ErrorKind::Empty,
        &["keys", "0 rows", "2 columns"],
    );
    refused(
        g.fit(thin, values()),
        ErrorKind::Empty,
        &["keys", "3 rows", "0 columns"],
    );
    let short = Rows::column(&VALUES[..2]);
    refused(
        g.fit(keys(), short),
        ErrorKind::Shape,
        &["values has 2 rows", "keys has 3"],
    );
    for (bad, name) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        let mut table = KEYS;
        table[3] = bad;
        let place = ["row 1", "column 1", name];
        let rows = Rows::new(&table, 3, 2).unwrap();
        refused(
            g.fit(rows, values()),
            ErrorKind::NotFinite,
            &[&place[..], &["keys"]].concat(),
        );
        refused(
            g.fit(keys(), rows),
            ErrorKind::NotFinite,
            &[&place[..], &["values"]].concat(),
        );
        let fit = g.fit(keys(), values()).unwrap();
        let at = fit.at(rows, &Watch::default());
        refused(
            at,
            ErrorKind::NotFinite,
            &[&place[..], &["queries"]].concat(),
        );
        refused(
            Nearest::fit(rows, &Metric::Euclidean),
            ErrorKind::NotFinite,
            &place,
        );
    }
}

#[test]
fn sample_weights_must_be_weights() {
    let g = mean("gaussian(h=1)");
    let fit = |w: &[f64]| g.fit_weighted(keys(), values(), w);
    refused(
        fit(&[1.0]),
        ErrorKind::Shape,
        &["sample_weight has 1", "3 keys"],
    );
    refused(
        fit(&[1.0, -2.0, 1.0]),
        ErrorKind::Parameter,
        &["sample_weight", "-2", "position 1"],
    );
    refused(
        fit(&[1.0, 1.0, f64::NAN]),
        ErrorKind::Parameter,
        &["sample_weight", "NaN", "position 2"],
    );
    refused(
        fit(&[0.0; 3]),
        ErrorKind::Parameter,
        &["sample_weight", "zero everywhere"],
    );
}

#[test]
fn parameters_are_checked_against_the_data() {
    let fit = |kernel: &str| mean(kernel).fit(keys(), values());
    let parameter = ErrorKind::Parameter;
    refused(
        fit("gaussian(knn=4)"),
        parameter,
        &["gaussian", "4 neighbours", "3 keys"],
    );
    refused(
        fit("gaussian(site_knn=3)"),
        parameter,
        &["gaussian", "3 keys"],
    );
    refused(
        fit("gaussian(h=[1, 2, 3])"),
        ErrorKind::Shape,
        &["gaussian", "3 bandwidths", "2 columns"],
    );
    refused(
        fit("gaussian(site_h=[1, 2])"),
        ErrorKind::Shape,
        &["site_h has 2 bandwidths", "3 keys"],
    );
    refused(
        fit("gaussian(h=1, cols=2)"),
        parameter,
        &["gaussian", "column 2", "2 columns"],
    );
    refused(
        fit("gaussian(h=1, cols=age)"),
        parameter,
        &["gaussian", "'age'", "number it from 0"],
    );
    refused(
        fit("gaussian(metric=haversine, cols=0)"),
        ErrorKind::Shape,
        &["haversine", "takes 2", "given 1"],
    );
    refused(
        fit("s()"),
        ErrorKind::Shape,
        &["difference", "takes 1", "given 2"],
    );
    refused(
        fit("gaussian(map=[[1, 2, 3]])"),
        ErrorKind::Shape,
        &["mahalanobis", "takes 3", "given 2"],
    );
    refused(
        LocalMean::new(Kernel::gaussian(f64::NAN)).fit(keys(), values()),
        parameter,
        &["h=NaN"],
    );
    refused(
        LocalMean::new(Kernel::gaussian(-0.5)).fit(keys(), values()),
        parameter,
        &["h=-0.5", "positive"],
    );
    refused(
        LocalMean::new(Kernel::Product(Vec::new())).fit(keys(), values()),
        parameter,
        &["no parts"],
    );
    for tolerance in [-0.1, 1.0, f64::NAN] {
        let g = mean("gaussian(h=1)").tolerance(tolerance);
        let said = format!("tolerance={tolerance}");
        refused(
            g.fit(keys(), values()),
            parameter,
            &[&said, "at least 0 and below 1"],
        );
    }
}

#[test]
fn neighborhoods_are_checked_against_the_data() {
    let fit = |n: Neighborhood| mean("gaussian(h=1)").neighborhood(n).fit(keys(), values());
    let parameter = ErrorKind::Parameter;
    refused(
        fit(Neighborhood::nearest(4)),
        parameter,
        &["nearest", "k=4", "3 keys"],
    );
    refused(
        fit(Neighborhood::nearest(0)),
        parameter,
        &["nearest", "k=0"],
    );
    refused(
        fit(Neighborhood::radius(-1.0)),
        parameter,
        &["radius", "r=-1"],
    );
    refused(
        fit(Neighborhood::radius(f64::NAN)),
        parameter,
        &["radius", "r=NaN"],
    );
    let twice = Neighborhood::nearest(1).and(Neighborhood::nearest(2));
    refused(fit(twice), parameter, &["one of nearest and mutual"]);
    refused(
        "radius(r=1, metric=dot)".parse::<Neighborhood>(),
        parameter,
        &["radius", "dot", "distance"],
    );
    refused(
        "group".parse::<Neighborhood>(),
        ErrorKind::Parse,
        &["group", "cols"],
    );
    refused(
        "".parse::<Neighborhood>(),
        ErrorKind::Parse,
        &["expected a name"],
    );
    refused(
        "causal(offset=0.5)".parse::<Neighborhood>(),
        ErrorKind::Parse,
        &["offset", "whole"],
    );
    refused(
        Mask::table(vec![true; 5], 2, 3),
        ErrorKind::Shape,
        &["mask", "2 queries", "3 keys", "5"],
    );
    let n: Neighborhood = "group(cols=sit)".parse().unwrap();
    refused(
        n.with_columns(&["x", "site"]),
        ErrorKind::Parse,
        &["'sit'", "'site'"],
    );
}

#[test]
fn queries_are_checked_against_the_fit() {
    let fit = mean("tricube(h=0.5)").fit(keys(), values()).unwrap();
    let watch = Watch::default();
    let at = |x: &'static [f64], m, d| fit.at(Rows::new(x, m, d).unwrap(), &watch);
    refused(
        at(&[1.0, 2.0, 3.0], 1, 3),
        ErrorKind::Shape,
        &["queries has 3 columns", "keys has 2"],
    );
    refused(
        at(&[0.0, 1.0, 9.0, 9.0], 2, 2),
        ErrorKind::EmptyRegion,
        &["query 1", "tricube(h=0.5)", "on_empty"],
    );
    let hollow = mean("gaussian(h=1)").neighborhood(Neighborhood::hollow());
    let fit = hollow.fit(keys(), values()).unwrap();
    let two = Rows::new(&KEYS[..4], 2, 2).unwrap();
    refused(
        fit.at(two, &watch),
        ErrorKind::Shape,
        &["hollow", "2 and 3"],
    );
    let stop = AtomicBool::new(true);
    let stopped = fit.at(keys(), &Watch::default().cancel(&stop));
    refused(stopped, ErrorKind::Interrupted, &["interrupted"]);
}

#[test]
fn hollow_with_one_key_has_nowhere_to_go() {
    for policy in [OnEmpty::Error, OnEmpty::Nearest] {
        let hollow = mean("gaussian(h=1)").neighborhood(Neighborhood::hollow());
        let fit = hollow
            .on_empty(policy)
            .fit(Rows::column(&[1.0]), Rows::column(&[2.0]));
        let out = fit.unwrap().at(Rows::column(&[1.0]), &Watch::default());
        refused(out, ErrorKind::EmptyRegion, &["query 0"]);
    }
}

/// What leaves the range of the number type is an error, not a NaN.
#[test]
fn overflow_is_reported() {
    let huge = [3e38_f32, -3e38];
    let fit = mean("softmax(beta=2)").fit(Rows::column(&huge), Rows::column(&[1.0, 2.0]));
    let out = fit.unwrap().at(Rows::column(&[1e5]), &Watch::default());
    refused(out, ErrorKind::NotFinite, &["query 0", "f32", "f64"]);
    for h in ["1e-30", "1e30"] {
        let fit =
            mean(&format!("gaussian(h={h})")).fit(Rows::column(&huge), Rows::column(&[1.0, 2.0]));
        refused(
            fit,
            ErrorKind::Parameter,
            &[&format!("h={}", h.parse::<f64>().unwrap()), "f32"][1..],
        );
    }
    let far = [1e30_f32, -1e30, 0.0];
    for kernel in [
        "gaussian(h=1)",
        "cauchy(h=1)",
        "student_t(h=1, nu=3)",
        "matern52(h=1)",
        "bell(h=1)",
    ] {
        let fit = mean(kernel)
            .fit(Rows::column(&far), Rows::column(&[1.0, 2.0, 3.0]))
            .unwrap();
        let out = fit.at(Rows::column(&far), &Watch::default()).unwrap();
        assert_eq!(out.means, [1.0, 2.0, 3.0], "{kernel}");
    }
}

#[test]
fn searches_name_what_they_cannot_do() {
    let parameter = ErrorKind::Parameter;
    let fit = Nearest::fit(keys(), &Metric::Euclidean).unwrap();
    let watch = Watch::default();
    for k in [0, 4] {
        refused(
            fit.k_nearest(keys(), k, &watch),
            parameter,
            &[&format!("k={k}"), "3 keys"],
        );
    }
    refused(fit.within(keys(), -1.0, &watch), parameter, &["radius=-1"]);
    refused(
        fit.within(keys(), f64::NAN, &watch),
        parameter,
        &["radius=NaN"],
    );
    refused(
        fit.k_nearest(values(), 1, &watch),
        ErrorKind::Shape,
        &["queries has 1 columns", "keys has 2"],
    );
    refused(
        Nearest::fit(values(), &Metric::Difference),
        parameter,
        &["difference", "manhattan"],
    );
    let none: Rows<'_, f64> = Rows::new(&[], 0, 2).unwrap();
    refused(
        Nearest::fit(none, &Metric::Euclidean),
        ErrorKind::Empty,
        &["keys", "0 rows"],
    );
    refused(
        Nearest::fit(values(), &Metric::Haversine),
        ErrorKind::Shape,
        &["haversine", "takes 2"],
    );
    let none = fit.k_nearest(none, 2, &watch).unwrap();
    assert!(none.indices.is_empty());
}

#[test]
fn makers_name_the_nearest_name() {
    let parse = ErrorKind::Parse;
    refused(
        Profile::from_name("gausian", &[]),
        parse,
        &["'gausian'", "'gaussian'"],
    );
    refused(
        Profile::from_name("student_t", &[("nuu", 1.0)]),
        parse,
        &["student_t", "'nuu'", "'nu'"],
    );
    refused(
        Profile::from_name("student_t", &[("nu", 0.0)]),
        ErrorKind::Parameter,
        &["nu=0", "greater than 0"],
    );
    refused(
        Profile::from_name("trapezoid", &[("core", 1.0)]),
        ErrorKind::Parameter,
        &["core=1", "below 1"],
    );
    refused(
        Metric::from_name("euclidian", None),
        parse,
        &["'euclidian'", "'euclidean'"],
    );
    refused(
        Metric::from_name("mahalanobis", None),
        parse,
        &["mahalanobis", "map=[["],
    );
    let map = LinearMap::new(vec![vec![1.0]]).unwrap();
    refused(Metric::from_name("dot", Some(map)), parse, &["map=", "dot"]);
    refused(LinearMap::new(vec![]), ErrorKind::Shape, &["map"]);
    refused(
        LinearMap::new(vec![vec![1.0], vec![]]),
        ErrorKind::Shape,
        &["map", "equally long"],
    );
    refused(
        LinearMap::new(vec![vec![f64::NAN]]),
        ErrorKind::NotFinite,
        &["map"],
    );
    refused(
        "nearst".parse::<OnEmpty>(),
        parse,
        &["on_empty", "'nearst'", "'nearest'"],
    );
    refused(Kernel::radial("flatt", 1.0), parse, &["'flatt'"]);
    refused(
        Kernel::radial("uniform", 0.0),
        ErrorKind::Parameter,
        &["uniform", "h=0"],
    );
    let kernel: Kernel = "gaussian(h=1) * uniform(cols=grup)".parse().unwrap();
    refused(
        kernel.with_columns(&["x", "group"]),
        parse,
        &["'grup'", "'group'"],
    );
    let kernel: Kernel = "gaussian(h=1) * uniform(cols=x)".parse().unwrap();
    refused(kernel.with_columns(&["x"]), parse, &["no columns left"]);
}

#[test]
fn views_are_checked() {
    let shape = ErrorKind::Shape;
    refused(
        Rows::new(&KEYS, 4, 2),
        shape,
        &["4 rows", "2 columns", "8 numbers", "has 6"],
    );
    refused(Rows::new(&KEYS, usize::MAX, 2), shape, &["6"]);
    refused(Rows::with_stride(&KEYS, 2, 3, 2), shape, &["stride 2"]);
    refused(
        Rows::with_stride(&KEYS, 3, 2, 3),
        shape,
        &["3 rows", "stride 3", "6 numbers"],
    );
    refused(
        Rows::with_stride(&KEYS, usize::MAX, 2, usize::MAX),
        shape,
        &["stride"],
    );
}

#[test]
fn arguments_of_texts_are_named_with_their_values() {
    let parse = ErrorKind::Parse;
    let kernel = |text: &str| text.parse::<Kernel>();
    let place = |text: &str| text.parse::<Neighborhood>();
    refused(kernel("gaussian(h=wide)"), parse, &["h=wide", "number"]);
    refused(
        kernel("gaussian(knn=2.5)"),
        parse,
        &["knn=2.5", "whole number of at least 0"],
    );
    refused(
        kernel("gaussian(h=1, h=2)"),
        parse,
        &["gaussian has h= twice"],
    );
    refused(
        place("window(before=-1)"),
        parse,
        &["before=-1", "at least 0"],
    );
    refused(place("causal(offset=1.5)"), parse, &["offset=1.5"]);
    refused(place("mutual"), parse, &["mutual needs k", "mutual(k=10)"]);
    refused(place("mutual(k=0)"), ErrorKind::Parameter, &["mutual: k=0"]);
    let many = mean("gaussian(h=1)").neighborhood(place("mutual(k=4)").unwrap());
    refused(
        many.fit(keys(), values()),
        ErrorKind::Parameter,
        &["mutual: k=4", "3 keys"],
    );
    let scores = kernel("softmax(temperature=2)").unwrap_err().to_string();
    assert!(
        scores.contains("beta") && !scores.contains("knn"),
        "{scores}"
    );
    let metric = kernel("gaussian(metric=foo)").unwrap_err().to_string();
    assert!(!metric.contains("did you mean"), "{metric}");
}

/// What answers for an empty region is near as the kernel says.
#[test]
fn the_nearest_of_an_empty_region_is_the_kernels() {
    let nearest = |kernel: &str, keys: &[f64]| {
        let rows = Rows::new(keys, 2, 2).unwrap();
        let mean = mean(kernel).on_empty(OnEmpty::Nearest);
        let fit = mean.fit(rows, Rows::column(&[0.0, 1.0])).unwrap();
        let query = Rows::new(&[0.0, 0.0], 1, 2).unwrap();
        fit.at(query, &Watch::default()).unwrap().means[0]
    };
    let keys = [1.0, 0.0, 0.0, 1.5];
    assert_eq!(nearest("uniform(h=0.5)", &keys), 0.0);
    assert_eq!(nearest("uniform(h=[0.01, 1])", &keys), 1.0);
    let keys = [0.1, 0.1, 0.0, 50.0];
    assert_eq!(nearest("uniform(h=0.05)", &keys), 0.0);
    assert_eq!(nearest("uniform(h=0.5, metric=hamming)", &keys), 1.0);
}

/// What is said of an empty region is what helps there.
#[test]
fn remedies_of_empty_regions_fit() {
    let said = |kernel: &str, on_empty: OnEmpty| {
        let fit = mean(kernel).on_empty(on_empty);
        let fit = fit.fit(keys(), values()).unwrap();
        let bias = [f64::NEG_INFINITY; 3];
        let fit = fit.biased(locality_core::Bias::Keys(&bias));
        let query = Rows::new(&[0.0, 0.0], 1, 2).unwrap();
        fit.at(query, &Watch::default()).unwrap_err().to_string()
    };
    let softmax = said("softmax(beta=1)", OnEmpty::Error);
    assert!(
        softmax.contains("by the mask") && !softmax.contains("bandwidth"),
        "{softmax}"
    );
    let gaussian = said("gaussian(h=1)", OnEmpty::Nearest);
    assert!(
        gaussian.contains("widen the bandwidth or the mask") && gaussian.ends_with("nan or global"),
        "{gaussian}"
    );
}
