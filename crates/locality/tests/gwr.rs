//! Geographically weighted regression: figures of the package mgwr 2.2.1 on its Georgia data, and laws.
#![allow(clippy::excessive_precision, clippy::unreadable_literal)]

use locality::gwr::{Criterion, Distance, Gwr, GwrFit, Response, Search};
use locality::{Profile, Rows, Watch};

/// Counties of Georgia, 1990.
struct Georgia {
    bachelors: Vec<f64>,
    population: Vec<f64>,
    /// Rural, poor, black, in percent.
    x: Vec<f64>,
    metres: Vec<f64>,
    degrees: Vec<f64>,
}

fn georgia() -> Georgia {
    let text = include_str!("../../../data/georgia.csv");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<f64>> = lines
        .map(|l| l.split(',').map(|c| c.parse().unwrap()).collect())
        .collect();
    let take = |wanted: &[&str]| -> Vec<f64> {
        let at: Vec<usize> = wanted
            .iter()
            .map(|w| names.iter().position(|n| n == w).unwrap())
            .collect();
        rows.iter().flat_map(|r| at.iter().map(|&c| r[c])).collect()
    };
    Georgia {
        bachelors: take(&["PctBach"]),
        population: take(&["TotPop90"]),
        x: take(&["PctRural", "PctPov", "PctBlack"]),
        metres: take(&["X", "Y"]),
        degrees: take(&["Longitud", "Latitude"]),
    }
}

fn fit(model: &Gwr, y: &[f64], coords: &[f64]) -> GwrFit {
    let data = georgia();
    let x = Rows::new(&data.x, 159, 3).unwrap();
    let coords = Rows::new(coords, 159, 2).unwrap();
    model.fit(x, y, coords, None, &Watch::default()).unwrap()
}

fn close(found: f64, wanted: f64, what: &str) {
    let off = (found - wanted).abs() / wanted.abs().max(1e-3);
    assert!(off < 1e-6, "{what}: {found} for {wanted}");
}

fn profile(name: &str) -> Profile {
    Profile::from_name(name, &[]).unwrap()
}

#[test]
fn bandwidths_are_mgwrs() {
    let data = georgia();
    let gaussian = Gwr::new().profile(profile("gaussian"));
    let fixed = Gwr::new().adaptive(false);
    let cases = [
        (Gwr::new(), 93.0, 896.349_995_17),
        (
            gaussian.clone().criterion(Criterion::Aic),
            50.0,
            895.053_666_2,
        ),
        (
            gaussian.clone().criterion(Criterion::Bic),
            62.0,
            921.994_003_92,
        ),
        (
            gaussian.clone().criterion(Criterion::Cv),
            68.0,
            17.829_464_363_2,
        ),
        (
            Gwr::new().profile(profile("exponential")),
            50.0,
            893.096_430_04,
        ),
        (fixed.clone(), 211_020.83, 894.973_059_15),
        (gaussian.adaptive(false), 88_637.61, 895.278_733_67),
        (
            fixed
                .search(Search::Interval(2.0))
                .range(211_001.0, 211_035.0),
            211_025.0,
            894.973_059_08,
        ),
    ];
    for (model, bandwidth, score) in cases {
        let found = fit(&model, &data.bachelors, &data.metres);
        close(
            (found.bandwidth() / bandwidth - 1.0).abs() + 1.0,
            1.0,
            "bandwidth",
        );
        let best = found.tried().iter().fold(f64::INFINITY, |a, t| a.min(t.1));
        close(best, score, "score");
    }
}

/// Figures of one model: traces, sigma2, `AICc`, BIC, R2, and of two rows coefficients and standard errors; CV.
type Figures = ([f64; 6], [[f64; 4]; 2], [[f64; 4]; 2], [f64; 3]);

fn compare(found: &GwrFit, (whole, first, second, rest): Figures) {
    let s = found.summary();
    let all = [s.tr_s, s.tr_sts, s.aic, s.aicc, s.bic, s.r2];
    for (i, (a, b)) in all.iter().zip(whole).enumerate() {
        close(*a, b, &format!("figure {i}"));
    }
    for (row, [b, se]) in [(0, first), (100, second)] {
        for j in 0..4 {
            close(found.coefficients()[4 * row + j], b[j], "coefficient");
            close(
                found.standard_errors()[4 * row + j],
                se[j],
                "standard error",
            );
        }
    }
    close(found.coefficients().iter().sum(), rest[0], "coefficients");
    close(
        found.standard_errors().iter().sum(),
        rest[1],
        "standard errors",
    );
    close(found.local_r2().iter().sum(), rest[2], "local R2");
    assert!(found.thin().iter().all(|t| !t));
}

#[test]
fn gaussian_figures_are_mgwrs() {
    let data = georgia();
    let found = fit(&Gwr::new().bandwidth(93.0), &data.bachelors, &data.metres);
    compare(
        &found,
        (
            [
                14.364156029825626,
                9.81885125674139,
                892.8246338042071,
                896.3499951655663,
                939.9757568077064,
                0.5891262472061318,
            ],
            [
                [
                    18.468630926114862,
                    -0.0884149938897001,
                    -0.2204930976453235,
                    0.06868998524390753,
                ],
                [
                    2.3455636416619488,
                    0.020554891857266357,
                    0.11243554551484768,
                    0.046910581020258725,
                ],
            ],
            [
                [
                    18.321866486309016,
                    -0.07237545059224534,
                    -0.32763329016776926,
                    0.11571801448866184,
                ],
                [
                    2.2750713170218133,
                    0.020410277040006006,
                    0.1102285691173269,
                    0.04948787531680808,
                ],
            ],
            [3615.4545734139037, 336.5699076571165, 90.3338534799793],
        ),
    );
    close(found.summary().sigma2, 14.56756406935113, "sigma2");
    close(found.summary().adj_r2, 0.548037236757482, "adjusted R2");
    close(found.summary().cv, 19.058348617243524, "CV");
    close(found.fitted()[100], 10.395340809361638, "fitted");
    let lines = found.collinearity(&Watch::default()).unwrap();
    close(lines.inflation[1], 1.43813463, "inflation");
    close(lines.inflation[3 * 100 + 2], 1.81374571, "inflation");
    close(lines.condition[0], 14.82988498, "condition");
    close(lines.condition[100], 16.00114691, "condition");
}

#[test]
fn great_circles_are_mgwrs() {
    let data = georgia();
    let sphere = Gwr::new().distance(Distance::Haversine);
    let found = fit(
        &sphere.clone().bandwidth(80.0),
        &data.bachelors,
        &data.degrees,
    );
    close(found.summary().aicc, 897.4785111528346, "AICc");
    close(found.coefficients()[400], 18.565125142379134, "coefficient");
    let found = fit(
        &sphere.adaptive(false).bandwidth(200.0),
        &data.bachelors,
        &data.degrees,
    );
    close(found.summary().aicc, 895.2063240512671, "AICc");
    close(
        found.standard_errors().iter().sum(),
        384.7196826748616,
        "standard errors",
    );
}

#[test]
fn poisson_figures_are_mgwrs() {
    let data = georgia();
    let counts: Vec<f64> = data.bachelors.iter().map(|y| y.round_ties_even()).collect();
    let model = Gwr::new().family(Response::Poisson);
    compare(
        &fit(&model.clone().bandwidth(100.0), &counts, &data.metres),
        (
            [
                13.136362461581893,
                9.043142412642364,
                167.49942582200956,
                170.06322146236673,
                207.81366378224632,
                0.6294907046794742,
            ],
            [
                [
                    3.1116366713890353,
                    -0.008807358719534933,
                    -0.020972905995553487,
                    0.006145382682101804,
                ],
                [
                    0.17152299553248293,
                    0.0015993717818879834,
                    0.00891930634155987,
                    0.0038297674516584194,
                ],
            ],
            [
                [
                    3.063632471025298,
                    -0.006908881544863819,
                    -0.030689605608076168,
                    0.010615605795755826,
                ],
                [
                    0.16642730887681817,
                    0.0015728595435388706,
                    0.00852577450133445,
                    0.004100526647871319,
                ],
            ],
            [524.780560816243, 23.057012383081627, 94.75412083344426],
        ),
    );
    assert_eq!(fit(&model, &counts, &data.metres).bandwidth(), 101.0);
    // Exposures: people.
    let numbers: Vec<f64> = data
        .bachelors
        .iter()
        .zip(&data.population)
        .map(|(y, p)| (y * p / 100.0).round_ties_even())
        .collect();
    let mut x = data.x.clone();
    for j in 0..3 {
        let column: Vec<f64> = x.iter().skip(j).step_by(3).copied().collect();
        let mean = column.iter().sum::<f64>() / 159.0;
        let sd = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 159.0).sqrt();
        x.iter_mut()
            .skip(j)
            .step_by(3)
            .for_each(|x| *x = (*x - mean) / sd);
    }
    let (x, coords) = (
        Rows::new(&x, 159, 3).unwrap(),
        Rows::new(&data.metres, 159, 2).unwrap(),
    );
    let model = Gwr::new().family(Response::Poisson).bandwidth(100.0);
    let watch = Watch::default();
    let found = model
        .fit(x, &numbers, coords, Some(&data.population), &watch)
        .unwrap();
    close(found.coefficients()[400], -2.267014764355474, "coefficient");
    close(
        found.standard_errors()[401],
        0.0027173507069329717,
        "standard error",
    );
    close(found.summary().aicc, 65330.39024300661, "AICc");
    close(found.local_r2()[100], 0.5887029472768845, "local share");
}

#[test]
fn binomial_figures_are_mgwrs() {
    let data = georgia();
    let mut sorted = data.bachelors.clone();
    sorted.sort_by(f64::total_cmp);
    let y: Vec<f64> = data
        .bachelors
        .iter()
        .map(|y| f64::from(*y > sorted[79]))
        .collect();
    let model = Gwr::new().family(Response::Binomial);
    compare(
        &fit(&model.clone().bandwidth(130.0), &y, &data.metres),
        (
            [
                9.533718594403481,
                6.687266907517145,
                176.9142130587732,
                178.26705234161784,
                206.17228211592322,
                0.28370044439775133,
            ],
            [
                [
                    7.36766979012303,
                    -0.06949136461798171,
                    -0.20557598892844442,
                    0.05476524277007061,
                ],
                [
                    1.8696389706520908,
                    0.016869036249766392,
                    0.0667189924363469,
                    0.026974316456602046,
                ],
            ],
            [
                [
                    5.320457089877797,
                    -0.04872545403574124,
                    -0.1880731813300001,
                    0.0593413247817205,
                ],
                [
                    1.52471232251537,
                    0.014215614423478276,
                    0.05965267283448961,
                    0.026698041118203758,
                ],
            ],
            [909.2345734858452, 258.83270628818786, 46.80479833348446],
        ),
    );
    assert_eq!(fit(&model, &y, &data.metres).bandwidth(), 157.0);
}

#[test]
fn predictions_at_the_rows_are_the_fit_and_elsewhere_mgwrs() {
    let data = georgia();
    let watch = Watch::default();
    let found = fit(&Gwr::new().bandwidth(93.0), &data.bachelors, &data.metres);
    let (x, coords) = (
        Rows::new(&data.x, 159, 3).unwrap(),
        Rows::new(&data.metres, 159, 2).unwrap(),
    );
    let at = found.at(x, coords, None, &watch).unwrap();
    assert_eq!(at.values, found.fitted());
    assert_eq!(at.coefficients, found.coefficients());
    assert_eq!(at.standard_errors, found.standard_errors());
    let x = Rows::new(&[50.0, 20.0, 30.0, 80.0, 15.0, 10.0], 2, 3).unwrap();
    let coords = Rows::new(&[900_000.0, 3_600_000.0, 950_000.0, 3_500_000.0], 2, 2).unwrap();
    let at = found.at(x, coords, None, &watch).unwrap();
    close(at.values[0], 11.63544429, "value");
    close(at.values[1], 8.71546854, "value");
    close(at.standard_errors[0], 2.32164816, "standard error");
    close(at.standard_errors[7], 0.04882252, "standard error");
}

#[test]
fn an_infinite_bandwidth_is_the_global_model_and_threads_do_not_matter() {
    let data = georgia();
    let found = fit(
        &Gwr::new().bandwidth(f64::INFINITY),
        &data.bachelors,
        &data.metres,
    );
    close(found.summary().tr_s, 4.0, "parameters");
    close(found.summary().tr_sts, 4.0, "parameters");
    let (x, coords) = (
        Rows::new(&data.x, 159, 3).unwrap(),
        Rows::new(&data.metres, 159, 2).unwrap(),
    );
    let one = |threads: usize| {
        let watch = Watch::default().threads(threads);
        let fit = Gwr::new()
            .fit(x, &data.bachelors, coords, None, &watch)
            .unwrap();
        (
            fit.coefficients().to_vec(),
            fit.stationarity(3, 7, true, &watch).unwrap(),
        )
    };
    assert_eq!(one(1), one(3));
}

/// A grid of places with two columns and a response without noise.
fn grid(side: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let n = side * side;
    let cell = |i: usize| [(i % side) as f64, (i / side) as f64];
    let coords: Vec<f64> = (0..n).flat_map(cell).collect();
    let x: Vec<f64> = (0..2 * n)
        .map(|i| ((i * i * 7 + i * 3) as f64 * 0.61).sin())
        .collect();
    let y = (0..n)
        .map(|i| 3.0 + 2.0 * x[2 * i] - x[2 * i + 1])
        .collect();
    (coords, x, y)
}

#[test]
fn trees_and_scans_agree_and_a_plane_is_found_as_it_is() {
    // More places than from which trees are used; ties all over the grid.
    let (coords, x, y) = grid(50);
    let (x, coords) = (
        Rows::new(&x, 2500, 2).unwrap(),
        Rows::new(&coords, 2500, 2).unwrap(),
    );
    let watch = Watch::default();
    for model in [
        Gwr::new().bandwidth(60.0),
        Gwr::new().bandwidth(1500.0),
        Gwr::new().adaptive(false).bandwidth(5.0),
        Gwr::new().profile(profile("gaussian")).bandwidth(40.0),
    ] {
        let fit = model.fit(x, &y, coords, None, &watch).unwrap();
        for b in fit.coefficients().chunks(3) {
            for (b, wanted) in b.iter().zip([3.0, 2.0, -1.0]) {
                assert!((b - wanted).abs() < 1e-9, "{b} for {wanted}");
            }
        }
        // Weights alone decide the leverages: the same by brute force.
        let i = 1225;
        let at = |j: usize| {
            (coords.row(j)[0] - coords.row(i)[0]).hypot(coords.row(j)[1] - coords.row(i)[1])
        };
        let mut far: Vec<f64> = (0..2500).map(at).collect();
        let all = far.clone();
        far.sort_by(f64::total_cmp);
        if model.fit(x, &y, coords, None, &watch).unwrap().bandwidth() == 60.0 {
            let h = far[59] * 1.000_000_1;
            let mut a = [[0.0; 3]; 3];
            for (j, d) in all.iter().enumerate().filter(|(_, d)| **d < h) {
                let w = (1.0 - (d / h).powi(2)).powi(2);
                let row = [1.0, x.row(j)[0], x.row(j)[1]];
                for r in 0..3 {
                    for c in 0..3 {
                        a[r][c] += w * row[r] * row[c];
                    }
                }
            }
            let det = |m: [[f64; 3]; 3]| {
                m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
                    - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
                    + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
            };
            let row = [1.0, x.row(i)[0], x.row(i)[1]];
            let own: f64 = (0..3)
                .map(|c| {
                    let mut m = a;
                    (0..3).for_each(|r| m[r][c] = row[r]);
                    row[c] * det(m) / det(a)
                })
                .sum();
            assert!((fit.leverage()[i] - own).abs() < 1e-9);
        }
    }
}

#[test]
fn places_that_repeat_and_columns_that_are_combinations_are_borne() {
    let (mut coords, mut x, y) = grid(10);
    // Forty samples at one place; a column that is constant in the west.
    (0..80).for_each(|i| coords[i] = 4.0);
    for i in 0..100 {
        if coords[2 * i] < 5.0 {
            x[2 * i + 1] = 1.0;
        }
    }
    let (x, c) = (
        Rows::new(&x, 100, 2).unwrap(),
        Rows::new(&coords, 100, 2).unwrap(),
    );
    let watch = Watch::default();
    for family in [Response::Gaussian, Response::Poisson, Response::Binomial] {
        let y: Vec<f64> = match family {
            Response::Gaussian => y.clone(),
            Response::Poisson => y.iter().map(|y| y.abs().round()).collect(),
            Response::Binomial => y.iter().map(|y| f64::from(*y > 3.0)).collect(),
        };
        let fit = Gwr::new()
            .family(family)
            .bandwidth(20.0)
            .fit(x, &y, c, None, &watch)
            .unwrap();
        assert!(fit.thin()[0] && fit.coefficients().iter().all(|b| b.is_finite()));
        assert!(fit.standard_errors()[2].is_nan() && fit.coefficients()[2] == 0.0);
        assert!(fit.fitted().iter().all(|m| m.is_finite()));
    }
    let found = Gwr::new().fit(x, &y, c, None, &watch).unwrap();
    assert!(found.bandwidth() >= 40.0);
}

#[test]
fn mistakes_are_named() {
    let (coords, x, y) = grid(10);
    let (x, c) = (
        Rows::new(&x, 100, 2).unwrap(),
        Rows::new(&coords, 100, 2).unwrap(),
    );
    let watch = Watch::default();
    let no = |model: Gwr, y: &[f64], e: Option<&[f64]>| {
        model.fit(x, y, c, e, &watch).unwrap_err().to_string()
    };
    assert!(no(Gwr::new().bandwidth(101.0), &y, None).contains("bandwidth=101"));
    assert!(no(Gwr::new().bandwidth(10.5), &y, None).contains("whole number"));
    assert!(no(Gwr::new().adaptive(false).bandwidth(-1.0), &y, None).contains("bandwidth=-1"));
    assert!(no(Gwr::new(), &y[1..], None).contains("y has 99"));
    assert!(no(Gwr::new().family(Response::Binomial), &y, None).contains("0 to 1"));
    assert!(no(Gwr::new(), &y, Some(&y)).contains("exposure"));
    assert!(no(Gwr::new().range(50.0, 20.0), &y, None).contains("no range"));
    assert!(no(Gwr::new().profile(profile("softmax")), &y, None).contains("softmax"));
    let mut bad = y.clone();
    bad[3] = f64::NAN;
    assert!(no(Gwr::new(), &bad, None).contains("NaN in row 3"));
    let sphere = Gwr::new().distance(Distance::Haversine);
    let far = Rows::new(&[0.0, 91.0], 1, 2).unwrap();
    let one = Rows::new(&[1.0, 2.0], 1, 2).unwrap();
    let error = sphere.fit(one, &[1.0], far, None, &watch).unwrap_err();
    assert!(error.to_string().contains("latitude of 91"));
}

#[test]
fn chance_is_told_from_variation() {
    let (coords, x, y) = grid(15);
    let noise = |i: usize| ((i * 2654435761) % 1000) as f64 / 1000.0 - 0.5;
    let y: Vec<f64> = (0..225)
        .map(|i| y[i] + 0.3 * coords[2 * i] * x[2 * i] + noise(i))
        .collect();
    let (x, c) = (
        Rows::new(&x, 225, 2).unwrap(),
        Rows::new(&coords, 225, 2).unwrap(),
    );
    let watch = Watch::default();
    let fit = Gwr::new()
        .bandwidth(60.0)
        .fit(x, &y, c, None, &watch)
        .unwrap();
    let shares = fit.stationarity(99, 1, false, &watch).unwrap();
    assert_eq!(shares[1], 0.01);
    assert!(shares[2] > 0.05, "{shares:?}");
    assert_eq!(shares, fit.stationarity(99, 1, false, &watch).unwrap());
}
