//! Data and comparisons that the laws share.

use locality_core::{Kernel, LocalMean, LocalMeans, OnEmpty, Rows, Watch, profiles};
use locality_testing::{Rng, close, normal};
use proptest::prelude::*;

/// A kernel of every profile of the list, wide enough that most regions hold something.
pub(crate) fn every_kernel() -> Vec<Kernel> {
    let distance = locality_core::Takes::Distance;
    let own = |p: &locality_core::ProfileInfo| match p.name {
        name if p.takes == distance => format!("{name}(h=1.2)"),
        name @ ("s" | "z") => format!("{name}(a=-1, b=1, cols=0)"),
        name => format!("{name}()"),
    };
    profiles().iter().map(|p| own(p).parse().unwrap()).collect()
}

/// Rows of keys, values, queries and sample weights.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) d: usize,
    pub(crate) p: usize,
    pub(crate) keys: Vec<f64>,
    pub(crate) values: Vec<f64>,
    pub(crate) queries: Vec<f64>,
    pub(crate) weights: Vec<f64>,
}

impl Case {
    pub(crate) fn new(seed: u64, n: usize, m: usize, d: usize, p: usize) -> Self {
        let mut rng = Rng::new(seed ^ 0xabc);
        Self {
            d,
            p,
            keys: normal(seed, n, d),
            values: normal(seed ^ 1, n, p),
            queries: normal(seed ^ 2, m, d),
            weights: (0..n).map(|_| rng.below(4) as f64).collect(),
        }
    }

    pub(crate) fn n(&self) -> usize {
        self.keys.len() / self.d
    }

    pub(crate) fn run(&self, mean: &LocalMean, weighted: bool) -> LocalMeans<f64> {
        self.run_on(mean, weighted, 0)
    }

    pub(crate) fn run_on(
        &self,
        mean: &LocalMean,
        weighted: bool,
        threads: usize,
    ) -> LocalMeans<f64> {
        let keys = Rows::new(&self.keys, self.n(), self.d).unwrap();
        let values = Rows::new(&self.values, self.n(), self.p).unwrap();
        let queries = Rows::new(&self.queries, self.queries.len() / self.d, self.d).unwrap();
        let fit = if weighted {
            mean.fit_weighted(keys, values, &self.weights)
        } else {
            mean.fit(keys, values)
        };
        fit.unwrap()
            .at(queries, &Watch::default().threads(threads))
            .unwrap()
    }
}

/// The policy that names empty regions, so that they can be compared.
pub(crate) fn mean_of(kernel: &Kernel) -> LocalMean {
    LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan)
}

pub(crate) fn parse(kernel: &str) -> LocalMean {
    mean_of(&kernel.parse().unwrap())
}

pub(crate) fn same(
    a: &LocalMeans<f64>,
    b: &LocalMeans<f64>,
    tolerance: f64,
    what: &dyn std::fmt::Display,
) {
    assert_eq!(a.means.len(), b.means.len());
    let means = a.means.iter().zip(&b.means);
    for (a, b) in means.chain(a.log_normalizer.iter().zip(&b.log_normalizer)) {
        assert!(close(*a, *b, tolerance), "{what}: {a} and {b}");
    }
}

pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    }
}

/// Sizes around leaves and runs.
pub(crate) fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1..5_usize, 60..70_usize, 120..140_usize, 505..520_usize]
}
