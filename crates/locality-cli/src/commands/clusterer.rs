//! The methods behind `locality cluster`.

use clap::ValueEnum;
use locality::shift::{MeanShift, MedoidShift, Merging, QuickShift, SampleClusters, Tomato};
use locality::{Kernel, Metric, Rows};

use crate::context::Context;
use crate::error::{Error, Result};

/// The library's parameters under the tool's names.
pub(super) const FLAGS: &[(&str, &str)] = &[
    ("n_samples=", "--bandwidth-rows "),
    ("quantile=", "--quantile "),
    ("n_neighbors=", "--neighbors "),
    ("holds min_bin_freq=", "holds as many as --min-bin-freq "),
    ("min_bin_freq=", "--min-bin-freq "),
    ("min_bin_freq", "--min-bin-freq"),
    ("widen the bandwidth", "widen --bandwidth"),
    ("give bandwidth", "give --bandwidth"),
    ("bandwidth=", "--bandwidth "),
    ("max_dist=", "--max-dist "),
    ("max_iter=", "--max-iter "),
    ("adaptive=", "--adaptive "),
    ("compression=", "--compression "),
    ("over_relaxation=", "--over-relaxation "),
    ("min_persistence=", "--min-persistence "),
    ("metric=euclidean", "--metric euclidean"),
    ("sample_weights", "--weights"),
    ("samples", "rows"),
    ("sample", "row"),
];

/// How rows find their cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    /// Each row moves to the local mean until it rests
    #[default]
    MeanShift,
    /// The same while all rows move at once
    Blurring,
    /// Each row is linked to the nearest row of higher density
    QuickShift,
    /// Each row goes to the row nearest to its local mean
    Medoid,
    /// Each row climbs to the densest of its neighbours, and modes are merged by persistence
    Tomato,
}

impl Method {
    /// The kernel where none is named.
    pub(super) fn kernel(self) -> &'static str {
        match self {
            Self::MeanShift | Self::Blurring | Self::Medoid => "flat",
            Self::QuickShift => "epanechnikov",
            Self::Tomato => "gaussian",
        }
    }

    /// As it is written.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |v| v.get_name().to_owned())
    }

    /// Refuses a flag of another method.
    pub(super) fn needs(self, flag: &str, given: bool, of: &[Self]) -> Result<()> {
        if !given || of.contains(&self) {
            return Ok(());
        }
        let others: Vec<String> = of.iter().map(|m| m.name()).collect();
        Err(Error::usage(format!(
            "{flag} says nothing to --method {}; it is for {}",
            self.name(),
            others.join(", ")
        )))
    }
}

/// Which modes are merged: a number, `auto` or `none`.
pub(super) fn merging(text: &str) -> Result<Merging, String> {
    match text {
        "auto" => Ok(Merging::Auto),
        "none" => Ok(Merging::Never),
        number => match number.parse::<f64>() {
            Ok(p) if p >= 0.0 => Ok(Merging::Below(p)),
            _ => Err("give a number of at least 0, auto or none".to_owned()),
        },
    }
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) shift: MeanShift,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) kernel: Kernel,
    pub(super) bandwidth: Option<f64>,
    pub(super) max_dist: Option<f64>,
    pub(super) merging: Option<Merging>,
    pub(super) neighbors: usize,
    pub(super) metric: Metric,
}

/// What is found.
pub(super) struct Found {
    pub(super) labels: Vec<i64>,
    pub(super) centers: Vec<f64>,
    pub(super) clusters: usize,
    pub(super) bandwidth: f64,
    pub(super) iterations: Option<usize>,
}

impl Found {
    fn of(clusters: &SampleClusters<f64>, bandwidth: f64, iterations: Option<usize>) -> Self {
        Self {
            labels: clusters.labels().to_vec(),
            centers: clusters.cluster_centers().to_vec(),
            clusters: clusters.n_clusters(),
            bandwidth,
            iterations,
        }
    }
}

/// Clusters rows.
pub(super) fn find(asked: &Asked, rows: Rows<'_, f64>, context: &Context) -> Result<Found> {
    let (kernel, bandwidth) = (asked.kernel.clone(), asked.bandwidth);
    // They have these methods in common, but no type.
    macro_rules! fitted {
        ($model:expr) => {
            context.watched("clustering", |watch| match &asked.weights {
                Some(weights) => $model.fit_weighted(rows, weights, watch),
                None => $model.fit(rows, watch),
            })?
        };
    }
    macro_rules! modes {
        ($model:ident, $merging:expr) => {
            $model::new()
                .kernel(kernel)
                .bandwidth(bandwidth)
                .merging(asked.merging.unwrap_or($merging))
                .n_neighbors(asked.neighbors)
                .metric(asked.metric.clone())
        };
    }
    match asked.method {
        Method::MeanShift | Method::Blurring => {
            let shift = (asked.shift.clone())
                .kernel(kernel)
                .bandwidth(bandwidth)
                .merging(asked.merging.unwrap_or_default())
                .n_neighbors(asked.neighbors)
                .blurring(asked.method == Method::Blurring);
            let fit = fitted!(shift);
            Ok(Found {
                labels: fit.labels().to_vec(),
                centers: fit.cluster_centers().to_vec(),
                clusters: fit.n_clusters(),
                bandwidth: fit.bandwidth(),
                iterations: Some(fit.n_iter()),
            })
        }
        Method::QuickShift => {
            let shift = modes!(QuickShift, Merging::Never).max_dist(asked.max_dist);
            let fit = fitted!(shift);
            Ok(Found::of(fit.clusters(), fit.bandwidth(), None))
        }
        Method::Medoid => {
            let shift = modes!(MedoidShift, Merging::Never);
            let fit = fitted!(shift);
            let steps = Some(fit.n_iter());
            Ok(Found::of(fit.clusters(), fit.bandwidth(), steps))
        }
        Method::Tomato => {
            let tomato = modes!(Tomato, Merging::Auto);
            let fit = fitted!(tomato);
            Ok(Found::of(fit.clusters(), fit.bandwidth(), None))
        }
    }
}
