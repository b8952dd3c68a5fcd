//! Data at the edge of what a number type can hold.

use locality_core::{Bias, Float, Gradients, LocalMean, Metric, Nearest, OnEmpty, Rows, Watch};
use locality_testing::normal;

fn rows<T>(x: &[T], d: usize) -> Rows<'_, T> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn cast<T: Float>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// Derivatives of the sum of all means, values being 1, 2, 3 and so on.
fn gradients<T: Float>(
    kernel: &str,
    d: usize,
    queries: &[f64],
    keys: &[f64],
) -> locality_core::Result<Gradients<T>> {
    let (queries, keys) = (cast::<T>(queries), cast::<T>(keys));
    let values: Vec<f64> = (0..keys.len() / d).map(|i| (i % 7 + 1) as f64).collect();
    let values = cast::<T>(&values);
    let by = vec![T::ONE; queries.len() / d];
    let mean = LocalMean::new(kernel.parse().unwrap()).on_empty(OnEmpty::Global);
    let fit = mean.fit(rows(&keys, d), Rows::column(&values)).unwrap();
    let watch = Watch::default();
    let at = fit.at(rows(&queries, d), &watch)?;
    let (queries, keys) = (rows(&queries, d), rows(&keys, d));
    fit.pull_back(queries, keys, &at, Rows::column(&by), None, &watch)
}

#[test]
fn single_precision_keeps_its_digits_far_from_the_middle() {
    // Narrow clusters far apart: sums about the middle of all are much larger than the differences.
    for (d, far, wide) in [(8, 10.0, 0.1), (8, 100.0, 0.1), (12, 1000.0, 0.01)] {
        let side = |i: usize| if i.is_multiple_of(2) { far } else { -far };
        let draw = |seed, n: usize| -> Vec<f64> {
            let noise = normal(seed, n, d).into_iter().enumerate();
            // As single precision has them, so that only the arithmetic differs.
            noise
                .map(|(i, x)| f64::from((side(i / d) + wide * x) as f32))
                .collect()
        };
        let (queries, keys) = (draw(1, 40), draw(2, 400));
        let kernel = format!("gaussian(h={})", 0.7 * wide * (d as f64).sqrt());
        let single = gradients::<f32>(&kernel, d, &queries, &keys).unwrap();
        let double = gradients::<f64>(&kernel, d, &queries, &keys).unwrap();
        for (a, b) in [
            (&single.queries, &double.queries),
            (&single.keys, &double.keys),
            (&single.values, &double.values),
        ] {
            let top = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            for (a, b) in a.iter().zip(b) {
                let off = (f64::from(*a) - b).abs() / top;
                assert!(off < 2e-6, "clusters at {far}, {wide} wide: off by {off:e}");
            }
        }
    }
}

fn a_key_out_of_reach<T: Float>(far: f64) {
    for kernel in [
        "gaussian(h=1)",
        "cauchy(h=1)",
        "laplace(h=1)",
        "epanechnikov(h=3)",
        "gaussian(h=1) * cauchy(h=2)",
    ] {
        for (d, n) in [(1, 2), (8, 2), (3, 5000)] {
            let queries = vec![0.5; d];
            let near = normal(5, n, d);
            let mut all = near.clone();
            all.extend(vec![far; d]);
            let some = gradients::<T>(kernel, d, &queries, &near).unwrap();
            let with = gradients::<T>(kernel, d, &queries, &all)
                .unwrap_or_else(|e| panic!("{kernel}, {d} columns: {e}"));
            let pairs = [
                (&some.queries, &with.queries),
                (&some.keys, &with.keys),
                (&some.values, &with.values),
            ];
            for (few, more) in pairs {
                for (a, b) in few.iter().zip(more) {
                    let (a, b) = (a.to_f64(), b.to_f64());
                    assert!((a - b).abs() < 1e-4, "{kernel}, {d} columns: {b} for {a}");
                }
                assert!(more[few.len()..].iter().all(|x| *x == T::ZERO), "{kernel}");
            }
        }
    }
}

#[test]
fn what_is_too_far_to_be_squared_passes_nothing_back() {
    a_key_out_of_reach::<f32>(1e20);
    a_key_out_of_reach::<f64>(1e200);
}

#[test]
fn a_radius_beyond_squares_is_refused() {
    let keys = [0.0_f32, 3e19, 1e18];
    let nearest = Nearest::fit(Rows::column(&keys), &Metric::Euclidean).unwrap();
    let within = |r| nearest.within(Rows::column(&[0.0]), r, &Watch::default());
    let e = within(1e20).unwrap_err().to_string();
    assert!(e.contains("radius=1.000e20") && e.contains("f64"), "{e}");
    assert_eq!(within(1e19).unwrap().indices, [0, 2]);
    let keys = keys.map(f64::from);
    let nearest = Nearest::fit(Rows::column(&keys), &Metric::Euclidean).unwrap();
    let found = nearest.within(Rows::column(&[0.0]), 1e20, &Watch::default());
    assert_eq!(found.unwrap().indices, [0, 1, 2]);
}

#[test]
fn the_nearest_are_among_those_that_a_bias_lets_in() {
    let (queries, keys) = (normal(1, 20, 2), normal(2, 30, 2));
    let values: Vec<f64> = (0..30).map(f64::from).collect();
    let mut bias = vec![0.0; 20 * 30];
    bias.iter_mut()
        .step_by(3)
        .for_each(|b| *b = f64::NEG_INFINITY);
    let mean = LocalMean::new("softmax(beta=1)".parse().unwrap())
        .neighborhood("nearest(k=4, metric=dot)".parse().unwrap());
    let watch = Watch::default();
    let fit = mean.fit(rows(&keys, 2), Rows::column(&values)).unwrap();
    let biased = fit.biased(Bias::Pairs(rows(&bias, 30)));
    let found = biased.at(rows(&queries, 2), &watch).unwrap();
    for i in 0..20 {
        let open = |j: usize| bias[i * 30 + j] == 0.0;
        let left: Vec<usize> = (0..30).filter(|&j| open(j)).collect();
        let few: Vec<f64> = left
            .iter()
            .flat_map(|&j| keys[2 * j..][..2].to_vec())
            .collect();
        let own: Vec<f64> = left.iter().map(|&j| values[j]).collect();
        let alone = mean.fit(rows(&few, 2), Rows::column(&own)).unwrap();
        let alone = alone.at(rows(&queries[2 * i..][..2], 2), &watch).unwrap();
        assert!((alone.means[0] - found.means[i]).abs() < 1e-12, "query {i}");
    }
}

#[test]
fn a_derivative_by_the_null_weight_is_finite_or_refused() {
    let mean = LocalMean::new("gaussian(h=1)".parse().unwrap()).null_weight(5e-324);
    let fit = mean
        .fit(Rows::column(&[60.0]), Rows::column(&[1.0]))
        .unwrap();
    let watch = Watch::default();
    let queries = Rows::column(&[0.0]);
    let at = fit.at(queries, &watch).unwrap();
    let back = fit.pull_back(
        queries,
        Rows::column(&[60.0]),
        &at,
        Rows::column(&[0.0]),
        Some(&[1.0]),
        &watch,
    );
    assert!(back.is_err());
}

fn the_nearest_of_far_keys_has_it_all<T: Float>() {
    // Logarithms of weights down to -1e33: under a sum of kernels, too, the least far of the keys decides.
    let keys = cast::<T>(&[0.0, 0.5, 1.0, 3.0]);
    let values = cast::<T>(&[1.0, 2.0, 4.0, 8.0]);
    let queries = cast::<T>(&[-2.0, 0.7, 9.0]);
    for kernel in [
        "gaussian(h=1e-16)",
        "gaussian(h=1e-16) + gaussian(h=2e-16)",
        "gaussian(h=1e-16) + epanechnikov(h=0.01)",
    ] {
        for columns in [1, 9] {
            // More columns, all but one of them constant, are worked on in another way.
            let wide = |x: &[T]| -> Vec<T> {
                let row = |&x: &T| (0..columns).map(move |c| if c == 0 { x } else { T::ONE });
                x.iter().flat_map(row).collect()
            };
            let mean = LocalMean::new(kernel.parse().unwrap());
            let fit = mean
                .fit(rows(&wide(&keys), columns), Rows::column(&values))
                .unwrap();
            let at = fit
                .at(rows(&wide(&queries), columns), &Watch::default())
                .unwrap();
            assert_eq!(at.means, cast::<T>(&[1.0, 2.0, 8.0]), "{kernel}, {columns}");
        }
    }
}

#[test]
fn weights_beyond_any_scale_still_have_an_order() {
    the_nearest_of_far_keys_has_it_all::<f32>();
    the_nearest_of_far_keys_has_it_all::<f64>();
}

#[test]
fn keys_get_their_shares_under_large_scores() {
    // Scores of 2^18 and a little more, exact in single precision, which has their log normalisers only to 1/64.
    let (d, m, n) = (8, 30, 300);
    let place = |i: usize, step: f64| 512.0 + step * (i % 8) as f64;
    let side = |count: usize, step: f64| -> Vec<f64> {
        let column = |i: usize, c: usize| if c == 0 { place(i, step) } else { 0.0 };
        (0..count)
            .flat_map(|i| (0..d).map(move |c| column(i, c)))
            .collect()
    };
    let (queries, keys) = (side(m, 0.0), side(n, 1.0 / 512.0));
    let single = gradients::<f32>("softmax(beta=1)", d, &queries, &keys).unwrap();
    let double = gradients::<f64>("softmax(beta=1)", d, &queries, &keys).unwrap();
    for (a, b) in [
        (&single.keys, &double.keys),
        (&single.values, &double.values),
    ] {
        let top = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for (a, b) in a.iter().zip(b) {
            let off = (f64::from(*a) - b).abs() / top;
            assert!(off < 2e-6, "off by {off:e}");
        }
    }
}

/// A key that counts for nothing, or hardly, may lie so near that its share would be beyond the number type, did it count.
fn a_near_key_that_hardly_counts<T: Float>(h: f64, weight: f64) {
    let (keys, values) = (cast::<T>(&[0.0, 5.0, 5.2]), cast::<T>(&[10.0, 2.0, 3.0]));
    let query = [T::from_f64(0.0)];
    let watch = Watch::default();
    let pull = |weights: &[T]| {
        let mean = LocalMean::new(locality_core::Kernel::gaussian(h));
        let keys = Rows::column(&keys);
        let fit = mean.fit_weighted(keys, Rows::column(&values), weights);
        let fit = fit.unwrap();
        let at = fit.at(Rows::column(&query), &watch).unwrap();
        fit.pull_back(
            Rows::column(&query),
            keys,
            &at,
            Rows::column(&[T::ONE]),
            None,
            &watch,
        )
        .unwrap()
    };
    let back = pull(&cast::<T>(&[weight, 1.0, 1.0]));
    // In logarithms, in double precision.
    let log = |x: f64, w: f64| w.ln() - x * x / (2.0 * h * h);
    let logs = [log(0.0, weight), log(5.0, 1.0), log(5.2, 1.0)];
    let top = logs.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let all: f64 = logs.iter().map(|l| (l - top).exp()).sum();
    let shares = logs.map(|l| (l - top).exp() / all);
    let mean: f64 = shares
        .iter()
        .zip([10.0, 2.0, 3.0])
        .map(|(s, v)| s * v)
        .sum();
    for (found, want) in back.values.iter().zip(shares) {
        assert!(
            (found.to_f64() - want).abs() <= 1e3 * T::EPSILON.to_f64(),
            "{back:?}"
        );
    }
    let slope: f64 = (0..3)
        .map(|i| shares[i] * ([10.0, 2.0, 3.0][i] - mean) * [0.0, 5.0, 5.2][i] / (h * h))
        .sum();
    let found = back.queries[0].to_f64();
    assert!(
        (found - slope).abs() <= 1e4 * T::EPSILON.to_f64() * (1.0 + slope.abs()),
        "{found} {slope}"
    );
    assert!(back.kernel.iter().all(|x| x.is_finite()));
    let by_weight = [
        back.sample_weights[0].to_f64(),
        back.sample_weights[1].to_f64(),
    ];
    let want = (logs[0] - weight.ln() - top).exp() / all * (10.0 - mean);
    if weight == 0.0 {
        assert_eq!(by_weight[0], f64::INFINITY);
    } else if want < T::MAX.to_f64() {
        assert!(
            (by_weight[0] / want - 1.0).abs() < 1e-3,
            "{by_weight:?} {want}"
        );
    }
    assert!(by_weight[1].is_finite());
}

#[test]
fn weights_of_zero_pass_back_what_their_absence_does() {
    a_near_key_that_hardly_counts::<f64>(0.1, 0.0);
    a_near_key_that_hardly_counts::<f64>(0.13, 0.0);
    a_near_key_that_hardly_counts::<f32>(0.1, 0.0);
    a_near_key_that_hardly_counts::<f32>(0.3, 0.0);
    a_near_key_that_hardly_counts::<f64>(0.1345, 1e-300);
    a_near_key_that_hardly_counts::<f32>(0.3883, 1e-36);
}
