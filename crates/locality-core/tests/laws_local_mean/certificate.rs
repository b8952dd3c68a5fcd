//! The tolerance over many groups of nodes: blocks of keys at a few distances, with weights that make far blocks count.

use locality_core::{Kernel, LocalMean, Rows, Watch};
use locality_testing::Rng;
use proptest::prelude::*;

/// The keys of a unit, and of a group of units: what the walk bounds together.
const UNIT: usize = 256;
const GROUP: usize = 16 * UNIT;

struct Blocks {
    keys: Vec<f64>,
    weights: Vec<f64>,
    values: Vec<f64>,
}

impl Blocks {
    /// Of `(number of keys, distance from the query, sample weight)`; far keys have the value 1, near ones 0.
    fn new(blocks: &[(usize, f64, f64)]) -> Self {
        let each = |get: &dyn Fn(&(usize, f64, f64)) -> f64| {
            let runs = blocks.iter().map(|b| vec![get(b); b.0]);
            runs.flatten().collect()
        };
        Self {
            keys: each(&|b| b.1),
            weights: each(&|b| b.2),
            values: each(&|b| f64::from(b.1 > 1.5)),
        }
    }

    /// What the sum of the weights and the mean at 0 are off by, in tolerances, under the walk.
    fn off(&self, kernel: &str, tolerance: f64) -> [f64; 2] {
        let mean = LocalMean::new(kernel.parse::<Kernel>().unwrap()).tolerance(tolerance);
        let run = |engine| {
            let (keys, values) = (Rows::column(&self.keys), Rows::column(&self.values));
            let fit = mean.fit_engine(keys, values, Some(&self.weights), engine);
            let found = fit
                .unwrap()
                .at(Rows::column(&[0.0]), &Watch::default())
                .unwrap();
            (found.log_normalizer[0], found.means[0])
        };
        let ((fast, fast_mean), (exact, exact_mean)) = (run("tree"), run("reference"));
        [(fast - exact).exp() - 1.0, fast_mean - exact_mean].map(|off| off.abs() / tolerance)
    }
}

/// Light keys at hand, a group whose weight is nearly all in its first units, and far duplicates that only just fit the budget: a lower
/// bound that counts a key twice lets twice as much go.
#[test]
fn no_key_counts_twice_in_what_the_tolerance_is_a_share_of() {
    let far = 61;
    for tolerance in [1e-1, 1e-2, 1e-4, 1e-6] {
        let half = 0.5 * tolerance / (1.0 + tolerance);
        let heavy = (GROUP - UNIT) as f64;
        let at = |weight: f64| (-2.0 * weight.ln()).sqrt();
        let each = 1.9 * half * heavy / ((far + 2) * GROUP) as f64;
        let greedy = 2.5 * half * heavy / GROUP as f64;
        let blocks = Blocks::new(&[
            (GROUP, 0.01, 1e-3),
            (GROUP - UNIT, 0.1, 1.0),
            (UNIT, 1.0, 1e-3),
            (GROUP, at(greedy), 1.0),
            (far * GROUP, at(each), 1.0),
        ]);
        let off = blocks.off("gaussian(h=1)", tolerance);
        assert!(off.iter().all(|off| *off <= 1.0), "{tolerance:e}: {off:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn many_groups_stay_within_the_tolerance(seed in any::<u64>(), exponent in -5.0..-0.5_f64) {
        let mut rng = Rng::new(seed);
        let tolerance = 10_f64.powf(exponent);
        let mut blocks: Vec<_> = (0..=rng.below(5))
            .map(|_| {
                let keys = UNIT * (1 + rng.below(32));
                (keys, rng.uniform(), 10_f64.powf(-3.0 * rng.uniform()))
            })
            .collect();
        let sum: f64 = blocks.iter().map(|(n, x, c)| *n as f64 * c * (-0.5 * x * x).exp()).sum();
        // Far blocks weigh up to a few times what they may, all together.
        for _ in 0..=rng.below(4) {
            let keys = GROUP * (1 + rng.below(24));
            let share = tolerance * sum * 3.0 * rng.uniform() / keys as f64;
            blocks.push((keys, (-2.0 * share.ln()).max(2.5).sqrt(), 1.0));
        }
        let blocks = Blocks::new(&blocks);
        for kernel in ["gaussian(h=1)", "gaussian(h=0.7)", "cauchy(h=0.05)", "laplace(h=0.3)"] {
            let off = blocks.off(kernel, tolerance);
            prop_assert!(off.iter().all(|off| *off <= 1.0 + 1e-6), "{kernel}, {tolerance:e}: {off:?}");
        }
    }
}
