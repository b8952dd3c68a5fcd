//! Local models under a metric that is learned.

use locality::density::KernelClassifier;
use locality::local::{LocalRegression, Search, with_bandwidth};
use locality::{Kernel, Rows, Watch};
use locality_learn::{Goal, Guidance, LearnedMetric, MetricLearner};

use super::Fitted;
use super::target::Target;
use crate::scores::{Score, score_classes};

/// The metric is learned from so many rows at most: each round looks at all pairs of them.
const MOST: usize = 2000;
/// Every so many-th row tells when to stop.
const HELD: usize = 5;
/// From so many rows on some are held out.
const FEWEST: usize = 25;
/// Rounds without a better loss of held-out rows that end the search.
const PATIENCE: usize = 10;
const ROUNDS: usize = 200;
/// Up to so many columns a map that mixes them is tried.
const MOST_OF_A_MAP: usize = 100;
/// Up to so many columns a local line is tried.
const MOST_OF_A_LINE: usize = 40;
/// Of the learned bandwidth, for classes.
const FACTORS: [f64; 7] = [0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8];

/// Some rows, and what is to be told of them.
struct Part {
    rows: Vec<f64>,
    columns: usize,
    target: Target,
}

impl Part {
    fn of(x: Rows<'_, f64>, target: &Target, some: &[usize]) -> Self {
        Self {
            rows: some
                .iter()
                .flat_map(|&i| x.row(i).iter().copied())
                .collect(),
            columns: x.columns(),
            target: target.some(some),
        }
    }

    fn rows(&self) -> locality::Result<Rows<'_, f64>> {
        let n = self.rows.len() / self.columns;
        Rows::new(&self.rows, n, self.columns)
    }

    /// For classes of which there are `k` in the whole table.
    fn goal(&self, k: usize) -> Goal<'_> {
        match &self.target {
            Target::Numbers(y) => Goal::Responses(Rows::column(y)),
            Target::Classes(codes, _) => Goal::Classes(codes, k),
        }
    }
}

/// Learns a factor for each column and, from there, a map that mixes them, each as long as held-out rows gain by it; then a local mean or line, or
/// a kernel classifier, under the one that tells held-out rows better. The same table gives the same model.
pub(super) fn fit(
    x: Rows<'_, f64>,
    target: &Target,
    watch: &Watch<'_>,
) -> locality::Result<Fitted> {
    let k = target.names().len();
    let (train, held) = parts(x, target);
    let held = held.as_ref();
    let factors = learn(&train, held, k, None, watch)?;
    let mut best = factors;
    if (2..=MOST_OF_A_MAP).contains(&x.columns()) {
        let map = learn(&train, held, k, Some(best.map()), watch)?;
        if loss(&map) < loss(&best) {
            best = map;
        }
    }
    let kernel = best.kernel()?;
    match target {
        Target::Numbers(y) => {
            let line = x.columns() <= MOST_OF_A_LINE;
            let model = LocalRegression::new(kernel)
                .search(Search::Fixed)
                .degrees(if line { vec![0, 1] } else { vec![0] })
                .standardize(false);
            let fit = model.fit(x, Rows::column(y), None, watch)?;
            Ok(Fitted::Regression(Box::new(fit)))
        }
        Target::Classes(codes, _) => {
            let kernel = match held {
                Some(held) => widest(&kernel, &train, held, k, watch)?,
                None => kernel,
            };
            let fit = classifier(kernel).fit_weighted(x, codes, k, None, watch)?;
            Ok(Fitted::KernelClassifier(fit))
        }
    }
}

fn classifier(kernel: Kernel) -> KernelClassifier {
    KernelClassifier::new()
        .kernel(kernel)
        .on_empty(locality::OnEmpty::Global)
}

/// The kernel at the bandwidth under which held-out rows are likeliest, the first of equals.
fn widest(
    kernel: &Kernel,
    train: &Part,
    held: &Part,
    k: usize,
    watch: &Watch<'_>,
) -> locality::Result<Kernel> {
    let (Target::Classes(codes, _), Target::Classes(right, _)) = (&train.target, &held.target)
    else {
        return Ok(kernel.clone());
    };
    let mut best: Option<(f64, Kernel)> = None;
    for factor in FACTORS {
        let tried = with_bandwidth(kernel, factor)?;
        let fit = classifier(tried.clone()).fit_weighted(train.rows()?, codes, k, None, watch)?;
        let shares = fit.predict_proba(held.rows()?, watch)?;
        let loss = Score::loss(score_classes(right, &shares, k));
        if best.as_ref().is_none_or(|b| loss < b.0) {
            best = Some((loss, tried));
        }
    }
    Ok(best.map_or_else(|| kernel.clone(), |(_, kernel)| kernel))
}

/// Rows that are learned from and rows that are held out, spread evenly over classes, or over the order of the numbers.
fn parts(x: Rows<'_, f64>, target: &Target) -> (Part, Option<Part>) {
    let n = x.rows();
    let mut order: Vec<usize> = (0..n).collect();
    match target {
        Target::Numbers(y) => order.sort_by(|&a, &b| y[a].total_cmp(&y[b])),
        Target::Classes(codes, _) => order.sort_by_key(|&i| codes[i]),
    }
    let some: Vec<usize> = (0..n.min(MOST))
        .map(|i| order[i * n / n.min(MOST)])
        .collect();
    if n < FEWEST {
        return (Part::of(x, target, &some), None);
    }
    let of = |held: bool| -> Vec<usize> {
        let places = some.iter().enumerate();
        let places = places.filter(|(i, _)| (i % HELD == HELD / 2) == held);
        places.map(|(_, row)| *row).collect()
    };
    let (train, held) = (of(false), of(true));
    (
        Part::of(x, target, &train),
        Some(Part::of(x, target, &held)),
    )
}

fn learn(
    train: &Part,
    held: Option<&Part>,
    k: usize,
    start: Option<&[Vec<f64>]>,
    watch: &Watch<'_>,
) -> locality::Result<LearnedMetric> {
    let learner = MetricLearner::new()
        .per_feature(start.is_none())
        .max_iter(ROUNDS);
    let mut guidance = Guidance::new().patience(PATIENCE);
    if let Some(start) = start {
        guidance = guidance.start(start);
    }
    if let Some(held) = held {
        guidance = guidance.held_out(held.rows()?, held.goal(k));
    }
    learner.fit_guided(train.rows()?, train.goal(k), &guidance, watch)
}

/// Of held-out rows at the round that was kept, or of each row by the others.
fn loss(learned: &LearnedMetric) -> f64 {
    let all = match learned.held_out_losses() {
        [] => learned.losses(),
        held => held,
    };
    all.get(learned.round()).copied().unwrap_or(f64::INFINITY)
}
