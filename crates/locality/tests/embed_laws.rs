//! What must hold for embeddings whatever the data: theory of section 9.
#![cfg(feature = "dense")]

use locality::embed::{
    LocallyLinearEmbedding, LocallyLinearEmbeddingFit, Method, Pieces, continuity, mixture_shares,
    reconstruction_weights, trustworthiness, trustworthiness_under,
};
use locality::outlier::LocalOutlierFactor;
use locality::{ErrorKind, Metric, Rows, Watch};
use locality_testing::normal;
use proptest::prelude::*;

const METHODS: [Method; 4] = [
    Method::Standard,
    Method::Modified,
    Method::Hessian,
    Method::Ltsa,
];

/// A bent sheet of `n` samples in three columns.
fn sheet(seed: u64, n: usize) -> Vec<f64> {
    let at = normal(seed, n, 2);
    at.chunks(2)
        .flat_map(|p| [p[0], p[1], 0.3 * p[0] * p[0] - 0.2 * p[0] * p[1]])
        .collect()
}

fn fit(method: Method, x: &[f64], watch: &Watch<'_>) -> LocallyLinearEmbeddingFit {
    let model = LocallyLinearEmbedding::new().n_neighbors(10).method(method);
    model
        .fit(Rows::new(x, x.len() / 3, 3).unwrap(), watch)
        .unwrap()
}

/// Turned about the first axis, scaled and moved.
fn moved(x: &[f64], angle: f64, scale: f64, by: f64) -> Vec<f64> {
    let (s, c) = angle.sin_cos();
    x.chunks(3)
        .flat_map(|p| [p[0], c * p[1] - s * p[2], s * p[1] + c * p[2]])
        .map(|x| scale * x + by)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn weights_sum_to_one_and_do_not_see_where_the_samples_lie(
        seed in 0_u64..1000, angle in 0.0..6.0, scale in 0.1..10.0, by in -3.0..3.0,
    ) {
        let x = sheet(seed, 20);
        let near: Vec<usize> = (1..8).collect();
        let weights = |x: &[f64]| {
            let rows = Rows::new(x, 20, 3).unwrap();
            reconstruction_weights(rows.slice(0..1), rows, &near, None, 1e-3, &Watch::default()).unwrap()
        };
        let (one, other) = (weights(&x), weights(&moved(&x, angle, scale, by)));
        prop_assert!((one.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (a, b) in one.iter().zip(&other) {
            prop_assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{one:?} {other:?}");
        }
    }

    #[test]
    fn coordinates_are_centred_orthonormal_and_do_not_see_where_the_samples_lie(
        seed in 0_u64..1000, angle in 0.0..6.0, scale in 0.1..10.0, by in -3.0..3.0,
    ) {
        let x = sheet(seed, 150);
        for method in METHODS {
            let one = fit(method, &x, &Watch::default());
            if one.n_pieces() > 1 {
                prop_assert!(one.warning().is_some());
                continue;
            }
            let (n, y) = (150, one.embedding());
            for a in 0..2 {
                let sum: f64 = y.iter().map(|r| r[a]).sum();
                prop_assert!(sum.abs() < 1e-8, "{method:?}: constants are left out, {sum}");
                for b in 0..2 {
                    let dot: f64 = y.iter().map(|r| r[a] * r[b]).sum();
                    prop_assert!((dot - f64::from(u8::from(a == b))).abs() < 1e-8);
                }
            }
            let other = fit(method, &moved(&x, angle, scale, by), &Watch::default());
            let error = one.reconstruction_error();
            prop_assert!((error - other.reconstruction_error()).abs() < 1e-5 * error + 1e-10, "{method:?}");
            prop_assert_eq!(n, other.embedding().rows());
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let x = sheet(7, 700);
    for method in METHODS {
        let one = fit(method, &x, &Watch::default().threads(1));
        let two = fit(method, &x, &Watch::default().threads(2));
        assert_eq!(
            one.embedding().to_vec(),
            two.embedding().to_vec(),
            "{method:?}"
        );
    }
}

#[test]
fn samples_are_transformed_to_about_their_own_coordinates() {
    let x = sheet(3, 500);
    let model = LocallyLinearEmbedding::new().n_neighbors(10).reg(1e-9);
    let rows = Rows::new(&x, 500, 3).unwrap();
    let fit = model.fit(rows, &Watch::default()).unwrap();
    let again = fit.transform(rows, &Watch::default()).unwrap();
    for (a, b) in again.iter().zip(fit.embedding().to_vec()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn scores_are_one_for_the_samples_themselves_and_less_for_noise() {
    let (x, noise) = (sheet(5, 200), normal(6, 200, 2));
    let (rows, noise) = (
        Rows::new(&x, 200, 3).unwrap(),
        Rows::new(&noise, 200, 2).unwrap(),
    );
    let watch = Watch::default();
    assert_eq!(trustworthiness(rows, rows, 7, &watch).unwrap(), 1.0);
    assert_eq!(continuity(rows, rows, 7, &watch).unwrap(), 1.0);
    let score = trustworthiness(rows, noise, 7, &watch).unwrap();
    assert!((0.4..0.6).contains(&score), "{score}");
}

#[test]
fn factors_are_about_one_inside_and_large_outside() {
    let mut x = normal(9, 300, 2);
    x.extend([9.0, 9.0]);
    let fit = LocalOutlierFactor::new(20)
        .fit(Rows::new(&x, 301, 2).unwrap(), &Watch::default())
        .unwrap();
    let mut sorted = fit.factors()[..300].to_vec();
    sorted.sort_by(f64::total_cmp);
    assert!((0.9..1.2).contains(&sorted[150]));
    assert!(fit.factors()[300] > 5.0);
}

/// What the distances between samples say is what the samples say.
#[test]
fn outlier_factors_are_those_of_known_distances() {
    let x = sheet(3, 60);
    let watch = Watch::default();
    let (known, new) = x.split_at(45 * 3);
    let between = |a: &[f64]| -> Vec<f64> {
        let distance = |a: &[f64], b: &[f64]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        a.chunks(3)
            .flat_map(|a| known.chunks(3).map(move |b| distance(a, b)))
            .collect()
    };
    let (own, others) = (between(known), between(new));
    let (own, others) = (
        Rows::new(&own, 45, 45).unwrap(),
        Rows::new(&others, 15, 45).unwrap(),
    );
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * b);
    for k in [1, 7, 44] {
        let model = LocalOutlierFactor::new(k);
        let plain = model.fit(Rows::new(known, 45, 3).unwrap(), &watch).unwrap();
        let fit = model.fit_distances(own, &watch).unwrap();
        assert!(near(fit.factors(), plain.factors()), "k={k}");
        let expected = plain.at(Rows::new(new, 15, 3).unwrap(), &watch).unwrap();
        assert!(
            near(&fit.at_distances(others, &watch).unwrap(), &expected),
            "k={k}"
        );
    }
    let model = LocalOutlierFactor::new(5);
    let fit = model.fit_distances(own, &watch).unwrap();
    let negative = [0.0, -1.0, 1.0, 0.0];
    for (error, words) in [
        (
            model.fit_distances(others, &watch).unwrap_err(),
            "15 rows of 45 columns",
        ),
        (
            LocalOutlierFactor::new(1)
                .fit_distances(Rows::new(&negative, 2, 2).unwrap(), &watch)
                .unwrap_err(),
            "the distance -1",
        ),
        (
            LocalOutlierFactor::new(45)
                .fit_distances(own, &watch)
                .unwrap_err(),
            "n_neighbors=45",
        ),
        (
            fit.at_distances(Rows::new(&negative, 2, 2).unwrap(), &watch)
                .unwrap_err(),
            "there are 45 samples",
        ),
        (
            fit.at(Rows::new(known, 45, 3).unwrap(), &watch)
                .unwrap_err(),
            "at_distances",
        ),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn bad_input_is_named() {
    let x = sheet(1, 20);
    let rows = Rows::new(&x, 20, 3).unwrap();
    let model = LocallyLinearEmbedding::new();
    let error = model
        .clone()
        .n_neighbors(20)
        .fit(rows, &Watch::default())
        .unwrap_err();
    assert!(error.to_string().contains("n_neighbors=20"));
    let error = model
        .clone()
        .n_components(4)
        .fit(rows, &Watch::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    let mut bad = x.clone();
    bad[4] = f64::NAN;
    let error = model
        .fit(Rows::new(&bad, 20, 3).unwrap(), &Watch::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
}

#[test]
fn a_straight_line_is_laid_out_by_tangents() {
    // One direction of two is no tangent: it must not be an arbitrary one.
    let along: Vec<f64> = (0..300)
        .map(|i| (f64::from(i) * 0.37).sin() * 2.0 + f64::from(i) * 0.01)
        .collect();
    let x: Vec<f64> = along
        .iter()
        .flat_map(|t| [t * 0.6, t * 0.0, t * 0.8])
        .collect();
    let model = LocallyLinearEmbedding::new()
        .method(Method::Ltsa)
        .n_neighbors(10);
    let fit = model
        .fit(Rows::new(&x, 300, 3).unwrap(), &Watch::default())
        .unwrap();
    let first: Vec<f64> = fit.embedding().iter().map(|row| row[0]).collect();
    let centred = |v: &[f64]| -> Vec<f64> {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        v.iter().map(|x| x - mean).collect()
    };
    let (a, b) = (centred(&first), centred(&along));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let r = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
    assert!(r.abs() > 0.999, "{r}");
}

#[test]
fn distances_beyond_the_range_are_refused_by_scores() {
    let mut x = vec![0.0; 20];
    (0..10).for_each(|i| x[2 * i] = i as f64);
    (x[1], x[3]) = (-1.7e308, 1.7e308);
    let y: Vec<f64> = (0..10).map(f64::from).collect();
    let rows = Rows::new(&x, 10, 2).unwrap();
    let score = trustworthiness_under(
        rows,
        &Metric::Manhattan,
        Rows::column(&y),
        2,
        &Watch::default(),
    );
    assert!(score.is_err());
}

/// A sample that is in nobody's neighbourhood has the place of a new one.
#[test]
fn samples_that_nobody_is_near_are_placed_by_their_neighbours() {
    let mut x = sheet(9, 80);
    x.splice(30..30, [0.1, -0.2, 2.5]);
    for method in [Method::Hessian, Method::Ltsa] {
        let whole = fit(method, &x, &Watch::default());
        assert_eq!(whole.n_pieces(), 1, "{method:?}");
        assert!(whole.warning().is_none());
        let rest: Vec<f64> = [&x[..30], &x[33..]].concat();
        let without = fit(method, &rest, &Watch::default());
        let one = Rows::new(&x[30..33], 1, 3).unwrap();
        let expected = without.transform(one, &Watch::default()).unwrap();
        let found = whole.embedding().row(10).to_vec();
        assert!(found.iter().any(|y| y.abs() > 1e-6), "{found:?}");
        // Columns have a length of 1 over 80 samples and over 81, and signs of their own.
        for (a, b) in found.iter().zip(expected) {
            assert!((a.abs() - b.abs()).abs() < 1e-2, "{method:?}: {a} {b}");
        }
        let again = whole.transform(one, &Watch::default()).unwrap();
        assert!(again.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}

/// Neighbours that the kernel leaves out of a fit take no part in the place of a new row: two sheets, one above the other.
#[test]
fn new_rows_are_mixed_of_neighbours_that_the_kernel_reaches() {
    let sheet = normal(4, 600, 2);
    let lift = |i: usize| if i.is_multiple_of(2) { 0.0 } else { 0.8 };
    let x: Vec<f64> = sheet
        .chunks(2)
        .enumerate()
        .flat_map(|(i, p)| [p[0], p[1], lift(i)])
        .collect();
    let rows = Rows::new(&x, 600, 3).unwrap();
    let model = LocallyLinearEmbedding::new().n_neighbors(100);
    let kernel = "epanechnikov(h=0.7)".parse().unwrap();
    let fit = model.kernel(Some(kernel)).fit(rows, &Watch::default());
    let fit = fit.unwrap();
    // A new row a little above the lower sheet is placed by samples of that sheet alone.
    let query = [0.1, -0.1, 0.05, 50.0, 0.0, 0.0];
    let queries = Rows::new(&query, 2, 3).unwrap();
    let search = locality::Nearest::fit(rows, &Metric::Euclidean).unwrap();
    let near = search.k_nearest(queries, 100, &Watch::default()).unwrap();
    let kernel = "epanechnikov(h=0.7)".parse().unwrap();
    let own = mixture_shares(
        Some(&kernel),
        rows,
        fit.pieces(),
        queries,
        &near.indices,
        &Watch::default(),
    )
    .unwrap();
    let (first, second) = own.split_at(100);
    let sheets = near.indices.iter().zip(first);
    assert!(sheets.clone().all(|(j, w)| *w == 0.0 || j % 2 == 0));
    assert!(sheets.clone().any(|(j, _)| j % 2 == 1));
    assert!((first.iter().copied().fold(0.0, f64::max) - 1.0).abs() < 1e-12);
    // Where the kernel reaches nothing, the nearest answers.
    assert!(second[0] == 1.0 && second[1..].iter().all(|w| *w == 0.0));
    let placed = fit.transform(queries, &Watch::default()).unwrap();
    assert_eq!(placed[2..], *fit.embedding().row(near.indices[100]));
}

/// Small neighbourhoods leave groups that have all their neighbours among themselves: the standard method leaves open where these lie.
#[test]
fn closed_groups_of_a_connected_graph_are_told() {
    // Two tight triples, and samples between that have some of both as neighbours.
    let x = [
        0.0, 0.0, 0.1, 0.0, 0.0, 0.1, 4.0, 0.0, 4.1, 0.0, 4.0, 0.1, 1.9, 0.0, 2.1, 0.1,
    ];
    let rows = Rows::new(&x, 8, 2).unwrap();
    let model = LocallyLinearEmbedding::new().n_components(1);
    let few = model.clone().n_neighbors(2);
    let fit = few.fit(rows, &Watch::default()).unwrap();
    assert_eq!((fit.n_pieces(), fit.closed_groups()), (1, 2));
    assert!(fit.reconstruction_error() < 1e-9);
    let said = fit.warning().unwrap();
    assert!(said.contains("2 groups of 3, 3 samples"), "{said}");
    assert!(said.contains("Raise n_neighbors"), "{said}");
    let fit = model.n_neighbors(5).fit(rows, &Watch::default()).unwrap();
    assert_eq!((fit.closed_groups(), fit.warning()), (1, None));
}

/// Pieces side by side: their contrasts come first, and each coordinate is orthogonal to the others and to the constants.
#[test]
fn pieces_may_lie_apart() {
    let one = sheet(21, 90);
    let other = moved(&sheet(22, 60), 1.0, 1.0, 100.0);
    let x = [one, other].concat();
    for method in METHODS {
        let model = LocallyLinearEmbedding::new().n_neighbors(10);
        let model = model.method(method).n_components(3).pieces(Pieces::Apart);
        let fit = model.fit(Rows::new(&x, 150, 3).unwrap(), &Watch::default());
        let fit = fit.unwrap();
        assert_eq!(fit.n_pieces(), 2);
        let said = fit.warning().unwrap();
        assert!(said.contains("2 pieces of 90, 60 samples"), "{said}");
        let y = fit.embedding();
        let column = |j: usize| y.iter().map(|r| r[j]).collect::<Vec<f64>>();
        let first = column(0);
        assert!((first[0] - first[120]).abs() > 0.1);
        for i in 0..150 {
            let same = first[if i < 90 { 0 } else { 149 }];
            assert!(
                (first[i] - same).abs() < 1e-3,
                "{method:?} {i}: {} {same}",
                first[i]
            );
        }
        for a in 0..3 {
            assert!(column(a).iter().sum::<f64>().abs() < 1e-7, "{method:?}");
            for b in 0..3 {
                let dot: f64 = column(a).iter().zip(column(b)).map(|(x, y)| x * y).sum();
                let expected = f64::from(u8::from(a == b));
                assert!((dot - expected).abs() < 1e-6, "{method:?} {a} {b}: {dot}");
            }
        }
        let again = fit.transform(Rows::new(&x[..9], 3, 3).unwrap(), &Watch::default());
        let again = again.unwrap();
        let firsts = again.chunks(3).map(|r| r[0]);
        assert!(firsts.into_iter().all(|f| (f - first[0]).abs() < 1e-3));
    }
}
