//! Mean shift with the flat kernel against scikit-learn's figures (`oracle/mean_shift.txt`, made by the script beside it).

use std::collections::HashMap;

use locality::shift::{MeanShift, estimate_bandwidth};
use locality::{Rows, Watch};
use locality_testing::Rng;

type Fields = HashMap<String, Vec<f64>>;

/// The tables by name, and the cases: a name and its fields.
fn oracle() -> (Fields, Vec<(String, Fields)>) {
    let mut tables = Fields::new();
    let mut cases: Vec<(String, Fields)> = Vec::new();
    for line in include_str!("oracle/mean_shift.txt").lines() {
        let (key, rest) = line.split_once(' ').unwrap();
        let numbers = |s: &str| s.split(' ').map(|x| x.parse().unwrap()).collect();
        match key {
            "#" => {}
            "table" => {
                let (name, rest) = rest.split_once(' ').unwrap();
                tables.insert(name.into(), numbers(rest));
            }
            "case" => cases.push((rest.into(), Fields::new())),
            _ => {
                cases
                    .last_mut()
                    .unwrap()
                    .1
                    .insert(key.into(), numbers(rest));
            }
        }
    }
    (tables, cases)
}

/// `cloud` of the script.
fn cloud(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let (k, spread) = (8, 1.2);
    let mut r = Rng::new(seed);
    let centers: Vec<f64> = (0..k * d).map(|_| 20.0 * r.uniform() - 10.0).collect();
    let mut x = Vec::with_capacity(n * d);
    for i in 0..n {
        for j in 0..d {
            let tent = r.uniform() + r.uniform() + r.uniform() - 1.5;
            x.push(centers[i % k * d + j] + spread * tent);
        }
    }
    x
}

#[test]
fn labels_centers_and_iterations_are_scikit_learns() {
    let (tables, cases) = oracle();
    assert_eq!(cases.len(), 28);
    let watch = Watch::default();
    for (name, case) in &cases {
        let one = |key: &str| case[key][0];
        let (n, d) = (one("n") as usize, one("d") as usize);
        let x = match tables.get(name) {
            Some(table) => table[1..].to_vec(),
            None => cloud(one("seed") as u64, n, d),
        };
        let rows = Rows::new(&x, n, d).unwrap();
        let what = format!(
            "{name} bins {} all {} limit {} least {}",
            one("bin_seeding"),
            one("cluster_all"),
            one("max_iter"),
            one("min_bin_freq")
        );

        let part = Some(one("n_samples") as usize).filter(|&m| m > 0);
        let h = estimate_bandwidth(rows, one("quantile"), part, 0, &watch).unwrap();
        let bandwidth = one("bandwidth");
        assert!(
            (h / bandwidth - 1.0).abs() < 1e-10,
            "{what}: {h} {bandwidth}"
        );

        let fit = MeanShift::new()
            .bandwidth(bandwidth)
            .bin_seeding(one("bin_seeding") > 0.0)
            .cluster_all(one("cluster_all") > 0.0)
            .min_bin_freq(one("min_bin_freq") as usize)
            .max_iter(one("max_iter") as usize)
            .fit(rows, &watch)
            .unwrap();
        let centers = fit.cluster_centers().to_vec();
        assert_eq!(centers.len(), case["centers"].len(), "{what}");
        for (a, b) in centers.iter().zip(&case["centers"]) {
            assert!((a - b).abs() < 1e-9 * bandwidth, "{what}: {a} {b}");
        }
        let labels: Vec<f64> = fit.labels().iter().map(|&l| l as f64).collect();
        assert_eq!(labels, case["labels"], "{what}");
        assert_eq!(fit.n_iter() as f64, one("n_iter"), "{what}");

        let near: Vec<f64> = x[..50 * d].iter().map(|x| x + 0.1).collect();
        let predicted = fit.predict(Rows::new(&near, 50, d).unwrap(), &watch);
        let predicted: Vec<f64> = predicted.unwrap().iter().map(|&l| l as f64).collect();
        assert_eq!(predicted, case["predict"], "{what}");
    }
}
