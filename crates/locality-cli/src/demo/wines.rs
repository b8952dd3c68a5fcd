//! Mean-shift clustering of the wines, in thirteen dimensions.

use locality::shift::{MeanShift, adjusted_rand, estimate_bandwidth};
use locality::{Kernel, Rows};

use super::card::Card;
use super::data::{Table, standardized};
use super::score::sizes;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// In standard deviations.
const BANDWIDTH: f64 = 1.4;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Three vineyards from thirteen measurements: columns of different units",
        "With --standardize every column counts by its standard deviation, so that proline in the hundreds does not drown hue around \
         one. In thirteen dimensions distances hardly differ, and the automatic bandwidth, which suits two or three, merges nearly \
         all; a narrower Gaussian finds the three cultivars, and leaves a few unusual wines by themselves.",
    );
    let wine = Table::wine(stage)?;
    let d = wine.names.len();
    let (scaled, scales) = standardized(&wine.numbers, d);
    let rows = Rows::new(&scaled, wine.rows(), d)?;
    let kernel: Kernel = "gaussian".parse()?;
    let shift = MeanShift::new().bandwidth(BANDWIDTH).kernel(kernel);
    let (fit, time) = stage.timed("clustering", |watch| shift.fit(rows, watch))?;
    let (automatic, _) = stage.timed("bandwidth", |watch| {
        estimate_bandwidth(rows, 0.3, None, 0, watch)
    })?;
    let (_, cultivars) = wine.classes();
    card.figure("wines", wine.rows());
    card.figure("measurements", d);
    card.figure("bandwidth (standard deviations)", fit.bandwidth());
    card.figure("bandwidth, automatic", automatic);
    card.figure("clusters", fit.n_clusters());
    let sizes: Vec<String> = sizes(fit.labels()).iter().map(usize::to_string).collect();
    card.figure("sizes, by cluster", sizes.join(", "));
    card.figure(
        "adjusted Rand index with the cultivars",
        adjusted_rand(fit.labels(), &cultivars),
    );
    card.figure("time", seconds(time));

    let centers: Vec<f64> = fit
        .cluster_centers()
        .to_vec()
        .iter()
        .enumerate()
        .map(|(i, x)| x * scales[i % d][1] + scales[i % d][0])
        .collect();
    let raw = Rows::new(&wine.numbers, wine.rows(), d)?;
    let centers = Rows::new(&centers, fit.n_clusters(), d)?;
    let scene = plot::draw_clusters(&wine.names, raw, fit.labels(), Some(centers))?;
    stage.put_chart("wine-clusters.png", &scene)?;
    card.chart(
        "wine-clusters.png",
        "Pairs of the five measurements that differ most between clusters, in their own units",
    );
    card.command(format!(
        "locality cluster {} -o wine-clusters.csv --standardize --kernel gaussian --bandwidth {BANDWIDTH} --plot wine-clusters.png",
        wine.path
    ));
    Ok(card)
}
