//! Several bandwidths: figures of the package mgwr 2.2.1 on its Georgia data, and laws.
#![allow(clippy::excessive_precision, clippy::unreadable_literal)]

use locality::gwr::{Gwr, Mgwr, MgwrFit, Response};
use locality::{Rows, Watch};

/// Responses, columns and coordinates of Georgia's counties; the first two standardised.
fn georgia() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let text = include_str!("../../../data/georgia.csv");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<f64>> = lines
        .map(|l| l.split(',').map(|c| c.parse().unwrap()).collect())
        .collect();
    let column = |name: &str| -> Vec<f64> {
        let at = names.iter().position(|n| *n == name).unwrap();
        rows.iter().map(|r| r[at]).collect()
    };
    let standard = |name: &str| -> Vec<f64> {
        let column = column(name);
        let mean = column.iter().sum::<f64>() / 159.0;
        let sd = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 159.0).sqrt();
        column.iter().map(|x| (x - mean) / sd).collect()
    };
    let weave = |columns: &[Vec<f64>]| -> Vec<f64> {
        (0..159)
            .flat_map(|i| columns.iter().map(move |c| c[i]))
            .collect()
    };
    (
        standard("PctBach"),
        weave(&["PctRural", "PctPov", "PctBlack"].map(standard)),
        weave(&["X", "Y"].map(column)),
    )
}

fn fit(model: &Mgwr, y: &[f64]) -> MgwrFit {
    let (_, x, coords) = georgia();
    let (x, coords) = (
        Rows::new(&x, 159, 3).unwrap(),
        Rows::new(&coords, 159, 2).unwrap(),
    );
    let fit = model.fit(x, y, coords, None, &Watch::default()).unwrap();
    // At the rows, predictions are the fit.
    let (betas, means) = fit.at(x, coords, None, &Watch::default()).unwrap();
    for (found, wanted) in [(&betas[..], fit.coefficients()), (&means, fit.fitted())] {
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a} for {b}");
        }
    }
    fit
}

fn close(found: f64, wanted: f64, what: &str) {
    let off = (found - wanted).abs() / wanted.abs().max(1e-3);
    assert!(off < 1e-6, "{what}: {found} for {wanted}");
}

#[test]
fn figures_are_mgwrs() {
    let (y, ..) = georgia();
    let found = fit(&Mgwr::new(Gwr::new()), &y);
    assert_eq!(found.bandwidths(), [46.0, 87.0, 157.0, 153.0]);
    assert_eq!((found.first_bandwidth(), found.history().len()), (93.0, 18));
    let s = found.summary();
    for (a, b) in [
        (s.tr_s, 16.244313806165437),
        (s.sigma2, 0.4369419057716343),
        (s.aic, 336.93087729099875),
        (s.aicc, 341.40118582288176),
        (s.bic, 389.8520243951442),
        (s.r2, 0.607698480595777),
        (s.rss, 62.37594158527145),
    ] {
        close(a, b, "figure");
    }
    let wanted = [
        8.739094196827468,
        4.390164962017365,
        1.4889777871926009,
        1.6260768601280022,
    ];
    for (a, b) in found.parameters_by_column().iter().zip(wanted) {
        close(*a, b, "parameters of a column");
    }
    let b = [
        -0.09894814675011723,
        -0.35473857373837353,
        -0.2941517795377946,
        0.14166240088986248,
    ];
    let se = [
        0.1355473126757232,
        0.09698789357045515,
        0.1052024191078608,
        0.11044209251228655,
    ];
    for j in 0..4 {
        close(found.coefficients()[400 + j], b[j], "coefficient");
        close(found.standard_errors()[400 + j], se[j], "standard error");
    }
    close(
        found.coefficients().iter().sum(),
        -117.50029840633482,
        "coefficients",
    );
    close(
        found.standard_errors().iter().sum(),
        70.87010596890659,
        "standard errors",
    );
}

#[test]
fn one_bandwidth_for_all_columns_leads_to_the_same_fit_from_anywhere() {
    let (y, ..) = georgia();
    let model = |first: f64| {
        let base = Gwr::new().bandwidth(first);
        Mgwr::new(base)
            .bandwidths(vec![90.0, 120.0, 159.0, f64::INFINITY])
            .tolerance(1e-12)
            .rounds(5000)
    };
    let (a, b) = (
        fit(&model(60.0).inference(false), &y),
        fit(&model(150.0).inference(false), &y),
    );
    assert!(a.converged() && b.converged() && a.summary().aicc.is_nan());
    for (a, b) in a.fitted().iter().zip(b.fitted()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

#[test]
fn infinite_bandwidths_are_the_global_model_in_every_family() {
    let (y, ..) = georgia();
    for family in [Response::Gaussian, Response::Poisson, Response::Binomial] {
        let y: Vec<f64> = match family {
            Response::Gaussian => y.clone(),
            Response::Poisson => y.iter().map(|y| (2.0 + y).max(0.0).round()).collect(),
            Response::Binomial => y.iter().map(|y| f64::from(*y > 0.0)).collect(),
        };
        let base = Gwr::new().family(family).bandwidth(f64::INFINITY);
        let found = fit(
            &Mgwr::new(base.clone())
                .bandwidths(vec![f64::INFINITY; 4])
                .tolerance(1e-12)
                .rounds(3000),
            &y,
        );
        assert!(found.converged());
        let (_, x, coords) = georgia();
        let (x, coords) = (
            Rows::new(&x, 159, 3).unwrap(),
            Rows::new(&coords, 159, 2).unwrap(),
        );
        let global = base.fit(x, &y, coords, None, &Watch::default()).unwrap();
        for (a, b) in found.coefficients().iter().zip(global.coefficients()) {
            assert!((a - b).abs() < 1e-6, "{family:?}: {a} for {b}");
        }
        for (a, b) in found.standard_errors().iter().zip(global.standard_errors()) {
            assert!(
                (a - b).abs() < 1e-5 * b,
                "{family:?}: standard error {a} for {b}"
            );
        }
        assert!((found.summary().tr_s - 4.0).abs() < 1e-6);
    }
}

#[test]
fn counts_and_classes_find_bandwidths_of_their_own() {
    let (y, ..) = georgia();
    for family in [Response::Poisson, Response::Binomial] {
        let y: Vec<f64> = match family {
            Response::Poisson => y.iter().map(|y| (2.0 + y).max(0.0).round()).collect(),
            _ => y.iter().map(|y| f64::from(*y > 0.0)).collect(),
        };
        let found = fit(&Mgwr::new(Gwr::new().family(family)), &y);
        let one = Gwr::new().family(family);
        assert!(found.converged(), "{:?}", found.changes());
        let (_, x, coords) = georgia();
        let (x, coords) = (
            Rows::new(&x, 159, 3).unwrap(),
            Rows::new(&coords, 159, 2).unwrap(),
        );
        let one = one.fit(x, &y, coords, None, &Watch::default()).unwrap();
        let (several, one) = (found.summary(), one.summary());
        assert!(
            several.deviance < several.null_deviance && several.aicc < one.aicc + 5.0,
            "{several:?} {one:?}"
        );
        assert!(
            found
                .standard_errors()
                .iter()
                .all(|e| *e > 0.0 && e.is_finite())
        );
    }
}

#[test]
fn rounds_may_run_out_and_mistakes_are_named() {
    let (y, x, coords) = georgia();
    let (x, coords) = (
        Rows::new(&x, 159, 3).unwrap(),
        Rows::new(&coords, 159, 2).unwrap(),
    );
    let watch = Watch::default();
    let short = Mgwr::new(Gwr::new()).rounds(1).inference(false);
    assert!(!short.fit(x, &y, coords, None, &watch).unwrap().converged());
    let no = |model: Mgwr| {
        model
            .fit(x, &y, coords, None, &watch)
            .unwrap_err()
            .to_string()
    };
    assert!(no(short.clone().bandwidths(vec![50.0])).contains("bandwidths has 1"));
    assert!(no(short.clone().bandwidths(vec![50.0, 60.0, 70.0, 160.0])).contains("bandwidth=160"));
    assert!(no(short.clone().tolerance(0.0)).contains("tolerance=0"));
    assert!(no(short.rounds(0)).contains("max_iter=0"));
}

/// Standard errors at new places, against rows of the hat matrix from responses that are unit vectors.
#[test]
fn errors_elsewhere_are_those_of_the_linear_map() {
    let watch = Watch::default();
    let (y, x, coords) = georgia();
    let n = y.len();
    let (rows, places) = (
        Rows::new(&x, n, 3).unwrap(),
        Rows::new(&coords, n, 2).unwrap(),
    );
    let model = |rounds| {
        Mgwr::new(Gwr::new().bandwidth(90.0))
            .bandwidths(vec![70.0, 100.0, 80.0, 120.0])
            .rounds(rounds)
            .tolerance(1e-300)
    };
    let at_x: Vec<f64> = vec![0.3, -1.0, 0.5, 2.0, 0.1, -0.4];
    let mut at_coords = coords[..4].to_vec();
    at_coords[0] += 1e4;
    at_coords[3] -= 2e4;
    let (at_x, at_coords) = (
        Rows::new(&at_x, 2, 3).unwrap(),
        Rows::new(&at_coords, 2, 2).unwrap(),
    );
    let found = model(6).fit(rows, &y, places, None, &watch).unwrap();
    let (errors, linear) = found.errors_at(at_x, at_coords, &watch).unwrap();
    let (mut squares, mut sums) = ([0.0; 8], [0.0; 2]);
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        let fit = model(6)
            .inference(false)
            .fit(rows, &unit, places, None, &watch);
        let (betas, means) = fit.unwrap().at(at_x, at_coords, None, &watch).unwrap();
        squares
            .iter_mut()
            .zip(&betas)
            .for_each(|(s, b)| *s += b * b);
        sums.iter_mut().zip(&means).for_each(|(s, b)| *s += b * b);
    }
    let scale = found.summary().scale;
    for (e, s) in errors.iter().zip(&squares).chain(linear.iter().zip(&sums)) {
        close(*e, (s * scale).sqrt(), "an error elsewhere");
    }
    // At the rows they are the fit's own.
    let (own, _) = found.errors_at(rows, places, &watch).unwrap();
    assert_eq!(own, found.standard_errors());
    // Without inference the noise is not known.
    let quick = model(6)
        .inference(false)
        .fit(rows, &y, places, None, &watch);
    let told = quick.unwrap().errors_at(at_x, at_coords, &watch);
    assert!(told.unwrap_err().to_string().contains("without inference"));
}
