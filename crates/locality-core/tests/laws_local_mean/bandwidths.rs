//! Bandwidths: their limits, one for each key, one for each query.

use crate::case::*;
use locality_core::{Atom, Bandwidth, Kernel, Neighborhood, Profile, Takes, profiles};
use locality_testing::{formula, normal, plain_mean};
use proptest::prelude::*;

const METRICS: [&str; 3] = ["euclidean", "manhattan", "chebyshev"];

fn distance(metric: &str, a: &[f64], b: &[f64]) -> f64 {
    formula::distance(metric, &[], a, b).unwrap()
}

/// Distances from a site to every key but `own`, smallest first.
fn sorted(metric: &str, case: &Case, site: &[f64], own: Option<usize>) -> Vec<f64> {
    let keys = case.keys.chunks_exact(case.d).enumerate();
    let others = keys.filter(|(j, _)| Some(*j) != own);
    let mut d: Vec<f64> = others.map(|(_, k)| distance(metric, site, k)).collect();
    d.sort_by(f64::total_cmp);
    d
}

/// Checks means and log normalisers against a bandwidth `h(query, key)`, key `own(query)` being left out.
fn check(
    case: &Case,
    kernel: &Kernel,
    metric: &str,
    neighborhood: Neighborhood,
    h: &dyn Fn(usize, usize) -> f64,
    own: &dyn Fn(usize) -> Option<usize>,
) {
    let profile = *kernel.atoms()[0].profile();
    let out = case.run(&mean_of(kernel).neighborhood(neighborhood), false);
    for (i, q) in case.queries.chunks_exact(case.d).enumerate() {
        let log = |(j, k): (usize, &[f64])| {
            if own(i) == Some(j) {
                return f64::NEG_INFINITY;
            }
            let u = distance(metric, q, k) / h(i, j);
            formula::log_profile(profile.info().name, &profile.values(), u).unwrap()
        };
        let logs: Vec<f64> = case
            .keys
            .chunks_exact(case.d)
            .enumerate()
            .map(log)
            .collect();
        let (mean, log) =
            plain_mean(&logs, &case.values, case.p).unwrap_or((vec![f64::NAN], f64::NEG_INFINITY));
        assert!(
            locality_testing::close(out.log_normalizer[i], log, 1e-10)
                && locality_testing::close(out.means[i], mean[0], 1e-10),
            "{kernel} at {i}: {} and {}, plainly {} and {log}",
            out.means[i],
            out.log_normalizer[i],
            mean[0]
        );
    }
}

fn of(name: &str, metric: &str, bandwidth: Bandwidth) -> Kernel {
    let text = format!("{name}(metric={metric})");
    let kernel: Kernel = text.parse().unwrap();
    Kernel::from(kernel.atoms()[0].clone().bandwidth(bandwidth))
}

/// Profiles that give the k-th neighbour, at just one bandwidth, a weight on which one rounding has no say.
const SMOOTH: [&str; 5] = ["gaussian", "laplace", "tricube", "biweight", "cauchy"];

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn a_querys_bandwidth_is_its_distance_to_the_kth_key(
        seed in any::<u64>(), n in 10..300_usize, d in 1..4_usize, k in 2..9_usize,
    ) {
        let case = Case::new(seed, n, 15, d, 1);
        for metric in METRICS {
            let h: Vec<f64> = case.queries.chunks_exact(d)
                .map(|q| sorted(metric, &case, q, None)[k - 1]).collect();
            for name in SMOOTH {
                let kernel = of(name, metric, Bandwidth::QueryNearest(k));
                check(&case, &kernel, metric, Neighborhood::all(), &|i, _| h[i], &|_| None);
            }
        }
    }

    #[test]
    fn left_out_keys_are_no_neighbors_of_a_query(
        seed in any::<u64>(), n in 12..150_usize, d in 1..4_usize, k in 2..9_usize,
    ) {
        let mut case = Case::new(seed, n, n, d, 1);
        case.queries.clone_from(&case.keys);
        let h: Vec<f64> = case.queries.chunks_exact(d).enumerate()
            .map(|(i, q)| sorted("euclidean", &case, q, Some(i))[k - 1]).collect();
        for name in SMOOTH {
            let kernel = of(name, "euclidean", Bandwidth::QueryNearest(k));
            check(&case, &kernel, "euclidean", Neighborhood::hollow(), &|i, _| h[i], &Some);
        }
    }

    #[test]
    fn a_keys_bandwidth_is_its_distance_to_its_kth_other_key(
        seed in any::<u64>(), n in 12..150_usize, d in 1..4_usize, k in 2..9_usize,
    ) {
        let case = Case::new(seed, n, 15, d, 1);
        for metric in METRICS {
            let h: Vec<f64> = case.keys.chunks_exact(d).enumerate()
                .map(|(j, key)| sorted(metric, &case, key, Some(j))[k - 1]).collect();
            for name in SMOOTH {
                let kernel = of(name, metric, Bandwidth::SiteNearest(k));
                check(&case, &kernel, metric, Neighborhood::all(), &|_, j| h[j], &|_| None);
                // The same numbers, given one by one.
                let kernel = of(name, metric, Bandwidth::PerSite(h.clone().into()));
                check(&case, &kernel, metric, Neighborhood::all(), &|_, j| h[j], &|_| None);
            }
        }
    }

    #[test]
    fn a_vanishing_gaussian_is_the_nearest_key(
        seed in any::<u64>(), n in 2..300_usize, d in 1..4_usize, twins in any::<bool>(),
    ) {
        let mut case = Case::new(seed, n, 20, d, 1);
        if twins {
            // Equally near keys share the weight.
            let keys = case.keys.clone();
            case.keys.extend(keys);
            case.values.extend(case.values.clone().iter().map(|v| v + 1.0));
        }
        let out = case.run(&parse("gaussian(h=1e-4)"), false);
        let half = if twins { 0.5 } else { 0.0 };
        for (i, q) in case.queries.chunks_exact(d).enumerate() {
            let mut near: Vec<(f64, usize)> = case.keys.chunks_exact(d).take(n).enumerate()
                .map(|(j, k)| (distance("euclidean", q, k).powi(2), j)).collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0));
            // The next key has less than exp(-50) of the weight.
            if near.len() > 1 && near[1].0 - near[0].0 > 1e-6 {
                let want = case.values[near[0].1] + half;
                prop_assert!((out.means[i] - want).abs() < 1e-9, "{} and {}", out.means[i], want);
            }
        }
    }

    #[test]
    fn an_endless_bandwidth_is_the_global_mean(
        seed in any::<u64>(), n in size(), d in 1..4_usize, weighted in any::<bool>(),
    ) {
        let mut case = Case::new(seed, n, 10, d, 1);
        case.weights[0] = 1.0;
        let weights = if weighted { case.weights.clone() } else { vec![1.0; n] };
        let total: f64 = weights.iter().sum();
        let sum: f64 = weights.iter().zip(&case.values).map(|(w, v)| w * v).sum();
        for info in profiles().iter().filter(|p| p.takes == Takes::Distance) {
            let profile = Profile::from_name(info.name, &[]).unwrap();
            let kernel = Kernel::from(Atom::new(profile).bandwidth(1e10));
            let out = case.run(&mean_of(&kernel), weighted);
            for (mean, log) in out.means.iter().zip(&out.log_normalizer) {
                prop_assert!((mean - sum / total).abs() < 1e-8, "{}: {}", kernel, mean);
                prop_assert!((log - total.ln()).abs() < 1e-8, "{}: {}", kernel, log);
            }
        }
    }
}

/// From so many keys on, a flat kernel takes whole nodes of the tree in: those whose narrowest key reaches the query.
#[test]
fn whole_nodes_of_a_flat_kernel_heed_their_narrowest_key() {
    for d in 1..4 {
        let mut case = Case::new(9, 5000, 12, d, 1);
        // Dense here and thin there: widths of neighbouring keys differ a lot.
        for x in case.keys.iter_mut().chain(&mut case.queries) {
            *x = (2.0 * *x).exp();
        }
        let h: Vec<f64> = normal(3, 5000, 1).iter().map(|x| (1.2 * x).exp()).collect();
        let kernel = of("uniform", "euclidean", Bandwidth::PerSite(h.clone().into()));
        let all = Neighborhood::all;
        check(&case, &kernel, "euclidean", all(), &|_, j| h[j], &|_| None);
        let k = 200;
        let h: Vec<f64> = case
            .keys
            .chunks_exact(d)
            .enumerate()
            .map(|(j, key)| sorted("euclidean", &case, key, Some(j))[k - 1])
            .collect();
        let kernel = of("uniform", "euclidean", Bandwidth::SiteNearest(k));
        check(&case, &kernel, "euclidean", all(), &|_, j| h[j], &|_| None);
    }
}
