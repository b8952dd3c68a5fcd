//! Mean-shift clustering of the irises.

use locality::Rows;
use locality::shift::{MeanShift, adjusted_rand, estimate_bandwidth};

use super::card::{Card, plain};
use super::data::Table;
use super::score::sizes;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Three species from two lengths: mean-shift clustering",
        "Each flower climbs to the nearest peak of the density of petal sizes; those that arrive at the same peak are one cluster. \
         Neither the number of clusters nor the bandwidth is given: the bandwidth is the mean distance to the neighbours that \
         hold 30 % of the flowers. The species were not looked at, yet the clusters nearly are the species.",
    );
    let iris = Table::iris(stage)?;
    let names = ["petal_length", "petal_width"];
    let numbers = iris.columns(&names);
    let rows = Rows::new(&numbers, iris.rows(), 2)?;
    let (fit, time) = stage.timed("clustering", |watch| {
        let h = estimate_bandwidth(rows, 0.3, None, 0, watch)?;
        MeanShift::new().bandwidth(h).fit(rows, watch)
    })?;
    let (_, species) = iris.classes();
    card.figure("flowers", iris.rows());
    card.figure("bandwidth, estimated (cm)", fit.bandwidth());
    card.figure("clusters", fit.n_clusters());
    let sizes: Vec<String> = sizes(fit.labels()).iter().map(usize::to_string).collect();
    card.figure("sizes, by cluster", sizes.join(", "));
    for (i, center) in fit.cluster_centers().iter().enumerate() {
        let words: Vec<String> = center.iter().map(|x| plain(&(*x).into())).collect();
        card.figure(format!("centre {i} (length, width)"), words.join(", "));
    }
    card.figure(
        "adjusted Rand index with the species",
        adjusted_rand(fit.labels(), &species),
    );
    card.figure("time", seconds(time));

    let columns = names.map(str::to_owned);
    let scene = plot::draw_clusters(&columns, rows, fit.labels(), Some(fit.cluster_centers()))?;
    stage.put_chart("iris-clusters.png", &scene)?;
    card.chart(
        "iris-clusters.png",
        "Petals of 150 irises, and the cluster of each",
    );
    card.command(format!(
        "locality cluster {} -o iris-clusters.csv --columns petal_length,petal_width --plot iris-clusters.png",
        iris.path
    ));
    Ok(card)
}
