//! Laws of memories, networks and the imputer as properties of any data.

use locality::hopfield::{HopfieldImputer, HopfieldMemory, HopfieldNetwork, Rule};
use locality::{ErrorKind, Kernel, Rows, Watch};
use locality_testing::{Rng, normal};
use proptest::prelude::*;

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn kernel(text: &str) -> Kernel {
    text.parse().unwrap()
}

/// Patterns of -1 and 1, `[n, d]`.
fn signs(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let sign = |_| if rng.uniform() < 0.5 { -1.0 } else { 1.0 };
    (0..n * d).map(sign).collect()
}

/// The first row again at the end, as often as said.
fn doubled(mut x: Vec<f64>, d: usize, times: usize) -> Vec<f64> {
    for _ in 0..times {
        x.extend_from_within(..d);
    }
    x
}

const RULES: [Rule; 6] = [
    Rule::Hebbian,
    Rule::PseudoInverse,
    Rule::Storkey,
    Rule::Polynomial { degree: 3 },
    Rule::Rectified { degree: 2 },
    Rule::Exponential,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_step_of_a_memory_raises_its_energy(
        seed in 0_u64..1 << 40, n in 1_usize..12, d in 1_usize..6, again in 0_usize..3,
        which in 0_usize..5, width in 0.3..3.0,
    ) {
        let text = [
            format!("softmax(beta={width})"),
            format!("gaussian(h={width})"),
            format!("epanechnikov(h={})", 2.0 * width),
            format!("triweight(h={})", 2.0 * width),
            format!("student_t(h={width}, nu=3)"),
        ];
        let patterns = doubled(normal(seed, n, d), d, again);
        let memory = HopfieldMemory::new(kernel(&text[which])).max_iter(30).trace(true);
        let stored = memory.store(rows(&patterns, d)).unwrap();
        let states = normal(seed + 1, 4, d);
        let found = stored.recall(rows(&states, d), &Watch::default()).unwrap();
        prop_assert_eq!(found.energies.len(), 4);
        for (i, energies) in found.energies.iter().enumerate() {
            // A state that no pattern has a weight at has no energy, and stays.
            if found.lost.contains(&i) {
                continue;
            }
            prop_assert!(energies.len() > 1);
            for pair in energies.windows(2) {
                prop_assert!(pair[1] <= pair[0] + 1e-9 * (1.0 + pair[0].abs()), "{}: {energies:?}", text[which]);
            }
        }
    }

    #[test]
    fn no_sweep_of_a_network_raises_its_energy(
        seed in 0_u64..1 << 40, n in 1_usize..8, d in 2_usize..30, again in 0_usize..3, which in 0_usize..6, biased in any::<bool>(),
    ) {
        let patterns = doubled(signs(seed, n, d), d, again);
        let bias = biased.then(|| normal(seed + 2, 1, d));
        let network = HopfieldNetwork::new(RULES[which]).bias(bias);
        let fit = network.fit(rows(&patterns, d), &Watch::default()).unwrap();
        let states = signs(seed + 1, 4, d);
        let found = fit.recall(rows(&states, d), &Watch::default()).unwrap();
        for (i, energies) in found.energies.iter().enumerate() {
            for pair in energies.windows(2) {
                prop_assert!(pair[1] <= pair[0] + 1e-9 * (1.0 + pair[0].abs()), "{:?}: {energies:?}", RULES[which]);
            }
            // The energies are those of the states, not of a running sum that drifts.
            let state = &found.states[i * d..][..d];
            let last = fit.energies(rows(state, d), &Watch::default()).unwrap()[0];
            prop_assert!((last - energies[energies.len() - 1]).abs() <= 1e-9 * (1.0 + last.abs()));
        }
    }

    #[test]
    fn where_a_constant_column_lies_changes_no_fill(
        seed in 0_u64..1 << 40, shift in -1e6..1e6, standardize in any::<bool>(), missing in any::<bool>(),
    ) {
        let (n, d) = (20, 4);
        let mut x = normal(seed, n, d);
        let mut rng = Rng::new(seed + 1);
        for (at, x) in x.iter_mut().enumerate() {
            // The last column is constant; cells may be missing there, too.
            let constant = at % d == d - 1;
            if constant {
                *x = 0.0;
            }
            if rng.uniform() < 0.2 && (missing || !constant) {
                *x = f64::NAN;
            }
        }
        let mut moved = x.clone();
        moved.iter_mut().skip(d - 1).step_by(d).for_each(|x| *x += shift);
        let fill = |x: &[f64]| {
            let imputer = HopfieldImputer::new().bandwidth(0.7).standardize(standardize);
            let fit = imputer.fit(rows(x, d), &Watch::default()).unwrap();
            fit.transform(rows(x, d), &Watch::default()).unwrap()
        };
        let (one, other) = (fill(&x), fill(&moved));
        for (at, (a, b)) in one.iter().zip(&other).enumerate() {
            let by = if at % d == d - 1 { shift } else { 0.0 };
            prop_assert!((a + by - b).abs() <= 1e-9 * (1.0 + by.abs()), "{at}: {a} {b}");
        }
    }
}

/// Fills under one bandwidth for all columns, by their definition.
#[test]
fn an_expected_square_is_the_columns_own_variance() {
    let nan = f64::NAN;
    // The second column varies less than the first; the third not at all.
    let x = [
        0.0, 1.0, 50.0, 2.0, nan, 50.0, 4.0, 2.0, nan, nan, 1.5, 50.0, 3.0, 1.2, 50.0,
    ];
    let h = 0.8;
    let imputer = HopfieldImputer::new().bandwidth(h).standardize(false);
    let fit = imputer.fit(rows(&x, 3), &Watch::default()).unwrap();
    let filled = fit.transform(rows(&x, 3), &Watch::default()).unwrap();
    let known = |j: usize| -> Vec<f64> {
        let column = x.iter().skip(j).step_by(3);
        column.copied().filter(|x| !x.is_nan()).collect()
    };
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let means: Vec<f64> = (0..3).map(|j| mean(&known(j))).collect();
    let variances: Vec<f64> = (0..3)
        .map(|j| {
            let squares: Vec<f64> = known(j).iter().map(|x| (x - means[j]).powi(2)).collect();
            mean(&squares)
        })
        .collect();
    let common = mean(&variances).sqrt();
    for (i, row) in x.chunks_exact(3).enumerate() {
        for j in (0..3).filter(|j| row[*j].is_nan()) {
            let (mut sum, mut total) = (0.0, 0.0);
            for key in x.chunks_exact(3).filter(|key| !key[j].is_nan()) {
                let mut squared = 0.0;
                // The distance over the known cells stands for that over all.
                let known = row.iter().filter(|x| !x.is_nan()).count() as f64;
                for c in (0..3).filter(|c| !row[*c].is_nan()) {
                    squared += if key[c].is_nan() {
                        (row[c] - means[c]).powi(2) + variances[c]
                    } else {
                        (row[c] - key[c]).powi(2)
                    };
                }
                let weight = (-0.5 * squared * 3.0 / known / (common * h).powi(2)).exp();
                sum += weight * key[j];
                total += weight;
            }
            let own = filled[i * 3 + j];
            assert!((own - sum / total).abs() < 1e-9, "{i} {j}: {own}");
        }
    }
}

#[test]
fn ids_that_run_out_are_an_error() {
    let memory = HopfieldMemory::new(kernel("softmax(beta=1)"));
    let one = rows(&[1.0, 2.0], 2);
    let none = Rows::new(&[], 1, 0).unwrap();
    let last = usize::MAX - 1;
    let mut stored = memory.restore(one, none, &[last], usize::MAX, &[]).unwrap();
    let refused = stored.add(one).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Parameter);
    assert!(refused.to_string().contains("new memory"), "{refused}");
    assert_eq!(stored.ids(), [last]);
}
