//! Identities of the definition.

use crate::case::*;
use locality_core::{Kernel, LocalMean, LocalMeans, Rows, Summary, Watch};
use locality_testing::{Rng, close, normal, plain_mean};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn constants_are_reproduced_and_means_stay_within_the_values(
        seed in any::<u64>(), n in size(), d in 1..5_usize, weighted in any::<bool>(),
    ) {
        let mut case = Case::new(seed, n, 20, d, 2);
        case.weights[0] = 1.0;
        for row in case.values.chunks_exact_mut(2) {
            row[0] = 7.25;
        }
        let column = |c: usize| (0..n).map(move |i| i * 2 + c);
        let low = column(1).map(|i| case.values[i]).fold(f64::INFINITY, f64::min);
        let high = column(1).map(|i| case.values[i]).fold(f64::NEG_INFINITY, f64::max);
        for kernel in every_kernel() {
            let out = case.run(&mean_of(&kernel), weighted);
            for (mean, log) in out.means.chunks_exact(2).zip(&out.log_normalizer) {
                if *log == f64::NEG_INFINITY {
                    prop_assert!(mean.iter().all(|m| m.is_nan()));
                    continue;
                }
                // The weights sum to one.
                prop_assert!(close(mean[0], 7.25, 1e-13), "{}: {}", kernel, mean[0]);
                prop_assert!(mean[1] >= low - 1e-13 && mean[1] <= high + 1e-13);
            }
        }
    }

    #[test]
    fn a_permutation_of_the_samples_changes_nothing(
        seed in any::<u64>(), n in size(), d in 1..4_usize, weighted in any::<bool>(),
    ) {
        let mut case = Case::new(seed, n, 20, d, 2);
        case.weights[0] = 1.0;
        let mut order: Vec<usize> = (0..n).collect();
        let mut rng = Rng::new(seed);
        for i in (1..n).rev() {
            order.swap(i, rng.below(i + 1));
        }
        let pick = |x: &[f64], w: usize| -> Vec<f64> {
            order.iter().flat_map(|i| x[i * w..][..w].to_vec()).collect()
        };
        let moved = Case {
            keys: pick(&case.keys, d),
            values: pick(&case.values, 2),
            weights: pick(&case.weights, 1),
            ..case.clone()
        };
        for kernel in every_kernel() {
            let mean = mean_of(&kernel);
            same(&case.run(&mean, weighted), &moved.run(&mean, weighted), 1e-12, &kernel);
        }
    }

    #[test]
    fn sample_weights_are_repeated_rows(seed in any::<u64>(), n in 2..80_usize, d in 1..4_usize) {
        let mut case = Case::new(seed, n, 20, d, 2);
        case.weights[0] = 3.0;
        let repeat = |x: &[f64], w: usize| -> Vec<f64> {
            let rows = x.chunks_exact(w).zip(&case.weights);
            rows.flat_map(|(row, c)| row.repeat(*c as usize)).collect()
        };
        let repeated = Case {
            keys: repeat(&case.keys, d),
            values: repeat(&case.values, 2),
            ..case.clone()
        };
        for kernel in every_kernel() {
            let mean = mean_of(&kernel);
            same(&case.run(&mean, true), &repeated.run(&mean, false), 1e-12, &kernel);
        }
    }

    #[test]
    fn radial_kernels_do_not_see_a_translation(
        seed in any::<u64>(), n in size(), d in 1..4_usize, shift in -1024_i32..1024,
    ) {
        // On a grid of eighths, so that the shift itself rounds nothing.
        let mut case = Case::new(seed, n, 20, d, 1);
        let shift = f64::from(shift);
        for x in case.keys.iter_mut().chain(&mut case.queries) {
            *x = (*x * 8.0).round() / 8.0;
        }
        let mut moved = case.clone();
        for x in moved.keys.iter_mut().chain(&mut moved.queries) {
            *x += shift;
        }
        for kernel in every_kernel().iter().filter(|k| k.atoms()[0].metric_in_force().is_distance()) {
            let mean = mean_of(kernel);
            same(&case.run(&mean, false), &moved.run(&mean, false), 1e-12, &kernel);
        }
    }

    #[test]
    fn a_change_of_unit_changes_nothing(
        seed in any::<u64>(), n in size(), d in 1..4_usize, power in -20..20_i32,
    ) {
        // A power of two, which rounds nothing.
        let unit = 2_f64.powi(power);
        let case = Case::new(seed, n, 20, d, 1);
        let mut scaled = case.clone();
        for x in scaled.keys.iter_mut().chain(&mut scaled.queries) {
            *x *= unit;
        }
        for kernel in every_kernel() {
            let atom = kernel.atoms()[0].clone();
            if atom.metric_in_force().is_distance() {
                let wide = Kernel::from(atom.bandwidth(1.2 * unit));
                same(&case.run(&mean_of(&kernel), false), &scaled.run(&mean_of(&wide), false), 1e-14, &kernel);
            }
        }
        let attention = |beta: f64| parse(&format!("softmax(beta={beta})"));
        let (a, b) = (case.run(&attention(1.0), false), scaled.run(&attention(1.0 / unit / unit), false));
        same(&a, &b, 1e-14, &"softmax");
    }

    #[test]
    fn an_affine_map_of_the_values_is_one_of_the_means(
        seed in any::<u64>(), n in size(), a in -10.0..10.0_f64, b in -10.0..10.0_f64,
    ) {
        let case = Case::new(seed, n, 20, 2, 2);
        let mut mapped = case.clone();
        mapped.values.iter_mut().for_each(|v| *v = a * *v + b);
        for kernel in every_kernel() {
            let mut want = case.run(&mean_of(&kernel), false);
            want.means.iter_mut().for_each(|m| *m = a * *m + b);
            same(&mapped.run(&mean_of(&kernel), false), &want, 1e-12, &kernel);
        }
    }

    #[test]
    fn threads_change_no_bit(seed in any::<u64>(), n in 100..700_usize, d in 1..4_usize) {
        let mut case = Case::new(seed, n, n, d, 2);
        case.queries.clone_from(&case.keys);
        let bits = |x: &LocalMeans<f64>| -> Vec<u64> {
            x.means.iter().chain(&x.log_normalizer).map(|x| x.to_bits()).collect()
        };
        for kernel in every_kernel() {
            for neighborhood in ["all", "nearest(k=9) & hollow", "window(before=30, after=9)"] {
                let mean = mean_of(&kernel).neighborhood(neighborhood.parse().unwrap());
                let one = bits(&case.run_on(&mean, false, 1));
                prop_assert!(one == bits(&case.run_on(&mean, false, 2)), "{} {}", kernel, neighborhood);
                prop_assert!(one == bits(&case.run_on(&mean, false, 3)), "{} {}", kernel, neighborhood);
            }
        }
    }

    #[test]
    fn summaries_of_parts_merge_into_the_whole_in_any_order(
        logs in prop::collection::vec(prop_oneof![
            -1e5..-9e4_f64, -30.0..30.0_f64, Just(f64::NEG_INFINITY), -800.0..0.0_f64], 0..60),
        parts in 1..7_usize, seed in any::<u64>(), p in 0..3_usize,
    ) {
        let values = normal(seed, logs.len(), p);
        let mut rng = Rng::new(seed);
        let mut summaries = vec![Summary::empty(p); parts];
        for (i, &log) in logs.iter().enumerate() {
            summaries[rng.below(parts)].absorb(log, &values[i * p..][..p]);
        }
        for i in (1..parts).rev() {
            summaries.swap(i, rng.below(i + 1));
        }
        let mut forward = Summary::empty(p);
        for s in &summaries {
            forward.merge(s);
        }
        // As a tree of merges, too.
        while summaries.len() > 1 {
            let last = summaries.pop().unwrap();
            let at = rng.below(summaries.len());
            summaries[at].merge(&last);
        }
        let want = plain_mean(&logs, &values, p);
        for s in [forward, summaries[0].clone()] {
            let mut mean = vec![f64::NAN; p];
            match (s.finish(&mut mean), &want) {
                (Some(log), Some((means, log_normalizer))) => {
                    prop_assert!(close(log, *log_normalizer, 1e-13));
                    prop_assert!(mean.iter().zip(means).all(|(a, b)| close(*a, *b, 1e-12)));
                }
                (got, want) => {
                    prop_assert!(got.is_none() && want.is_none() && s.is_empty());
                    prop_assert!(mean.iter().all(|m| m.is_nan()));
                }
            }
        }
    }

    #[test]
    fn a_softmax_kernel_is_scaled_dot_product_attention(
        seed in any::<u64>(), n in size(), d in 1..9_usize, p in 0..4_usize,
    ) {
        let case = Case::new(seed, n, 15, d, p);
        let beta = 1.0 / (d as f64).sqrt();
        let out = case.run(&parse(&format!("softmax(beta={beta})")), false);
        for (i, q) in case.queries.chunks_exact(d).enumerate() {
            let score = |k: &[f64]| beta * q.iter().zip(k).map(|(a, b)| a * b).sum::<f64>();
            let logs: Vec<f64> = case.keys.chunks_exact(d).map(score).collect();
            let (mean, log) = plain_mean(&logs, &case.values, p).unwrap();
            prop_assert!(close(out.log_normalizer[i], log, 1e-13));
            prop_assert!(out.means[i * p..][..p].iter().zip(&mean).all(|(a, b)| close(*a, *b, 1e-12)));
        }
    }

    #[test]
    fn a_radial_gaussian_is_attention_with_a_bias_for_each_key(
        seed in any::<u64>(), n in size(), d in 1..5_usize, h in 0.2..3.0_f64,
    ) {
        // exp(-|q - k|^2 / 2h^2) ~ exp(<q, k> / h^2) exp(-|k|^2 / 2h^2): the bias is a sample weight.
        let mut case = Case::new(seed, n, 15, d, 2);
        let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>() / (2.0 * h * h);
        case.weights = case.keys.chunks_exact(d).map(|k| (-norm(k)).exp()).collect();
        let radial = case.run(&parse(&format!("gaussian(h={h})")), false);
        let attention = case.run(&parse(&format!("softmax(beta={})", 1.0 / (h * h))), true);
        for (a, b) in radial.means.iter().zip(&attention.means) {
            prop_assert!(close(*a, *b, 1e-10));
        }
        for (i, q) in case.queries.chunks_exact(d).enumerate() {
            prop_assert!(close(radial.log_normalizer[i], attention.log_normalizer[i] - norm(q), 1e-10));
        }
    }
}

#[test]
fn weights_times_values_are_the_mean() {
    let (n, d) = (300, 2);
    let (keys, queries) = (normal(1, n, d), normal(2, n, d));
    let values = normal(3, n, 3);
    let (keys, queries) = (
        Rows::new(&keys, n, d).unwrap(),
        Rows::new(&queries, n, d).unwrap(),
    );
    for kernel in [
        "gaussian(h=0.5)",
        "epanechnikov(h=0.3)",
        "softmax(beta=2)",
        "gaussian(knn=9)",
    ] {
        for neighborhood in ["all", "causal", "hollow", "nearest(k=7)", "mutual(k=5)"] {
            for null in [0.0, 1.0] {
                let mean = parse(kernel)
                    .neighborhood(neighborhood.parse().unwrap())
                    .null_weight(null);
                let fit = mean.fit(keys, Rows::new(&values, n, 3).unwrap()).unwrap();
                let at = fit.at(queries, &Watch::default()).unwrap();
                let weights = fit.weights(queries, &Watch::default()).unwrap();
                for (i, row) in weights.chunks_exact(n).enumerate() {
                    let what = format!("{kernel}, {neighborhood}, {null}, {i}");
                    let log = at.log_normalizer[i];
                    if log == f64::NEG_INFINITY {
                        assert!(row.iter().all(|w| *w == 0.0), "{what}");
                        continue;
                    }
                    let total: f64 = row.iter().sum();
                    assert!(
                        (total - (1.0 - null * (-log).exp())).abs() < 1e-12,
                        "{what}: {total}"
                    );
                    for c in 0..3 {
                        let own = values.chunks_exact(3).zip(row);
                        let sum: f64 = own.map(|(v, w)| w * v[c]).sum();
                        assert!((sum - at.means[3 * i + c]).abs() < 1e-12, "{what}");
                    }
                }
            }
        }
    }
}

/// A weight beside the keys is a key of value zero that all queries are equally far from.
#[test]
fn a_null_weight_is_one_more_key_of_value_zero() {
    let (n, d) = (200, 3);
    let (keys, queries, values) = (normal(1, n, d), normal(2, 50, d), normal(3, n, 1));
    let run = |mean: LocalMean, keys: &[f64], values: &[f64], queries: &[f64]| {
        let rows = |x: &[f64]| x.len() / d;
        let fit = mean
            .fit(
                Rows::new(keys, rows(keys), d).unwrap(),
                Rows::column(values),
            )
            .unwrap();
        fit.at(
            Rows::new(queries, rows(queries), d).unwrap(),
            &Watch::default(),
        )
        .unwrap()
    };
    // Under the dot product a key at the origin weighs exp(0) = 1 everywhere.
    let more = run(
        parse("softmax(beta=1)"),
        &[&keys[..], &[0.0; 3]].concat(),
        &[&values[..], &[0.0]].concat(),
        &queries,
    );
    let null = run(
        parse("softmax(beta=1)").null_weight(1.0),
        &keys,
        &values,
        &queries,
    );
    same(&more, &null, 1e-12, &"softmax plus one");
    // No region is empty.
    let far = run(
        parse("epanechnikov(h=1)").null_weight(2.0),
        &keys,
        &values,
        &[1e6; 3],
    );
    assert_eq!((far.means[0], far.log_normalizer[0]), (0.0, 2.0_f64.ln()));
    let keys = Rows::new(&keys, n, d).unwrap();
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let e = parse("softmax")
            .null_weight(bad)
            .fit(keys, Rows::column(&values))
            .unwrap_err();
        assert!(e.to_string().contains("null_weight="), "{e}");
    }
}
