//! Metrics against their textbook formulas, known distances and the axioms of a metric.

use locality_core::{Float, LinearMap, Metric, Nearest, Rows, Watch, metrics};
use locality_testing::{close, formula};
use proptest::prelude::*;

fn map() -> Vec<Vec<f64>> {
    vec![vec![1.0, 0.5], vec![0.0, 2.0], vec![-1.0, 0.25]]
}

fn metric(name: &str) -> Metric {
    let map = (name == "mahalanobis").then(|| LinearMap::new(map()).unwrap());
    Metric::from_name(name, map).unwrap()
}

/// The distance (or score) of two sites, by a search over one key.
fn distance<T: Float>(metric: &Metric, q: &[f64], k: &[f64]) -> f64 {
    let cast = |x: &[f64]| -> Vec<T> { x.iter().map(|&x| T::from_f64(x)).collect() };
    let (q, k) = (cast(q), cast(k));
    let fit = Nearest::fit(Rows::new(&k, 1, k.len()).unwrap(), metric).unwrap();
    let found = fit.k_nearest(Rows::new(&q, 1, q.len()).unwrap(), 1, &Watch::default());
    found.unwrap().distances[0].to_f64()
}

/// The score `difference` has no search; as the exponent of a softmax it shows itself.
fn score(metric: &str, q: &[f64], k: &[f64]) -> f64 {
    let kernel = format!("softmax(beta=1, metric={metric})").parse().unwrap();
    let rows = |x| Rows::new(x, 1, q.len()).unwrap();
    let none = Rows::with_stride(&[], 1, 0, 0).unwrap();
    let out = locality_core::local_mean(&kernel, rows(q), rows(k), none).unwrap();
    out.log_normalizer[0]
}

fn sites() -> impl Strategy<Value = Vec<f64>> {
    // Six coordinates: three sites of two columns, now and then equal, now and then zero.
    let x = prop_oneof![8 => -3.0..3.0_f64, 1 => Just(0.0), 1 => Just(1.5)];
    prop::collection::vec(x, 6)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn metrics_follow_their_formulas(x in sites()) {
        for info in metrics() {
            let d = if info.name == "difference" { 1 } else { 2 };
            // Latitudes end at the poles.
            let fold = |x: &[f64]| -> Vec<f64> {
                let half = if info.name == "haversine" { 0.5 } else { 1.0 };
                x.iter().take(d).map(|x| f64::from((x * half) as f32)).collect()
            };
            let (q, k) = (fold(&x[..2]), fold(&x[2..4]));
            let want = formula::distance(info.name, &map(), &q, &k)
                .unwrap_or_else(|| panic!("'{}' has no formula in locality_testing::formula", info.name));
            if info.name == "difference" {
                prop_assert!(close(score("difference", &q, &k), want, 1e-13));
                continue;
            }
            let metric = metric(info.name);
            // A chord of unit vectors has an error of an ulp of 1, and an arc as much of its length.
            let (unit, sphere) = match info.name {
                "haversine_km" => (6371.0, true),
                "haversine" => (1.0, true),
                _ => (1.0, false),
            };
            for (got, eps) in [
                (distance::<f64>(&metric, &q, &k), f64::EPSILON),
                (distance::<f32>(&metric, &q, &k), f64::from(f32::EPSILON)),
            ] {
                let room = if sphere { 16.0 * eps * unit } else { 0.0 };
                prop_assert!(
                    (got - want).abs() <= room || close(got, want, 32.0 * eps),
                    "{}: {} and {}", info.name, got, want
                );
            }
            if info.name == "cosine" {
                prop_assert!(close(score("cosine", &q, &k), 1.0 - want, 1e-13));
            }
        }
    }

    #[test]
    fn distances_are_symmetric_and_keep_the_triangle_inequality(x in sites()) {
        for info in metrics() {
            let metric = metric(info.name);
            if !metric.is_distance() {
                continue;
            }
            let d = |a: usize, b: usize| distance::<f64>(&metric, &x[2 * a..][..2], &x[2 * b..][..2]);
            let scale = if info.name == "haversine_km" { 6371.0 } else { 1.0 };
            let slack = 1e-13 * scale;
            prop_assert!(d(0, 1) >= 0.0 && d(0, 0) <= slack);
            prop_assert!((d(0, 1) - d(1, 0)).abs() <= slack);
            // 1 - cos is no metric: half a squared chord has no triangle inequality.
            if info.name != "cosine" {
                prop_assert!(d(0, 2) <= d(0, 1) + d(1, 2) + slack, "{}", info.name);
            }
        }
    }
}

/// City centres in degrees. Great-circle distances on a sphere of radius 6371.0088 km; geodesics on the ellipsoid differ by up to
/// 0.5 percent.
#[test]
fn cities_are_as_far_apart_as_the_atlas_says() {
    let paris = [48.8566, 2.3522];
    let new_york = [40.7128, -74.0060];
    let sydney = [-33.8688, 151.2093];
    let km = |a: &[f64], b: &[f64]| distance::<f64>(&Metric::HaversineKm, a, b);
    assert!((km(&paris, &new_york) - 5837.0).abs() < 2.0);
    assert!((km(&paris, &sydney) - 16_960.0).abs() < 5.0);
    // A degree of latitude, a quarter and a half of a great circle, and the short way over the date line.
    assert!((km(&[10.0, 5.0], &[11.0, 5.0]) - 111.195).abs() < 1e-3);
    assert!((km(&[0.0, 0.0], &[90.0, 0.0]) - 10_007.557).abs() < 1e-2);
    assert!((km(&[0.0, 0.0], &[0.0, 180.0]) - 20_015.115).abs() < 1e-2);
    assert!((km(&[0.0, 179.5], &[0.0, -179.5]) - 111.195).abs() < 1e-3);
    // Ten metres in double precision, to the millimetre.
    let near = km(&[48.8566, 2.3522], &[48.8566 + 0.01 / 111.195, 2.3522]);
    assert!((near - 0.01).abs() < 1e-6, "{near}");
    // Single precision knows places to about a metre.
    let single = distance::<f32>(&Metric::HaversineKm, &paris, &new_york);
    assert!((single - 5837.0).abs() < 3.0, "{single}");
}

#[test]
fn zero_vectors_have_cosine_zero_with_every_direction() {
    let zero = [0.0, 0.0];
    for other in [[1.0, 0.0], [-3.0, 4.0], [1e-300, 1e-300], [1e300, -1e300]] {
        // To the rounding of a unit vector.
        assert!((distance::<f64>(&Metric::Cosine, &zero, &other) - 1.0).abs() < 1e-15);
        assert!(score("cosine", &zero, &other).abs() < 1e-15);
        assert!(distance::<f64>(&Metric::Cosine, &other, &other) < 1e-15);
    }
    assert_eq!(distance::<f64>(&Metric::Cosine, &zero, &zero), 0.0);
}
