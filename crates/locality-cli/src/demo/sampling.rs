//! New flowers from the law of the old ones.

use locality::Rows;
use locality::denoise::Sampler;

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// Columns that are shown.
const SHOWN: [&str; 2] = ["sepal_length", "petal_length"];

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "New flowers like the old: sampling by exact scores",
        "Noise flows along the exact score of the flowers' density until flowers are left. The density has a Gaussian about each flower, \
         shaped by the 15 nearest, so that new flowers keep to where flowers are; means and covariances are the table's. The energy distance \
         is 0 for equal laws; two halves of the table are as far apart as the figure says.",
    );
    let iris = Table::iris(stage)?;
    let (n, d) = (iris.rows(), iris.names.len());
    let rows = Rows::new(&iris.numbers, n, d)?;
    let (out, time) = stage.timed("sampling", |watch| {
        Sampler::new().seed(1).sample(rows, n, watch)
    })?;
    let (distance, halves, copies) = stage
        .timed("judging", |watch| {
            // Every other flower, and the rest.
            let half = |odd: usize| -> Vec<f64> {
                rows.iter()
                    .skip(odd)
                    .step_by(2)
                    .flatten()
                    .copied()
                    .collect()
            };
            let (a, b) = (half(0), half(1));
            let scale = |x: &[f64]| super::data::standardized(x, d).0;
            let all = scale(&[a, b].concat());
            let (a, b) = all.split_at(n.div_ceil(2) * d);
            let halves = locality::denoise::energy_distance(
                Rows::new(a, a.len() / d, d)?,
                Rows::new(b, b.len() / d, d)?,
                watch,
            )?;
            Ok((
                out.energy_distance(rows, watch)?,
                halves,
                out.copies(rows, watch)?,
            ))
        })?
        .0;
    card.figure("flowers", n);
    card.figure("new flowers", n);
    card.figure("energy distance of the two", distance);
    card.figure("energy distance of two halves of the table", halves);
    card.figure("copies among the new", format!("{:.1} %", 100.0 * copies));
    card.figure("time", seconds(time));
    let places: Vec<usize> = SHOWN
        .iter()
        .filter_map(|name| iris.names.iter().position(|n| n == name))
        .collect();
    let both = rows.iter().chain(out.samples().chunks_exact(d));
    let points: Vec<[f64; 2]> = both.map(|r| [r[places[0]], r[places[1]]]).collect();
    let kinds: Vec<String> = (0..2 * n)
        .map(|i| if i < n { "the table" } else { "new" }.to_owned())
        .collect();
    let scene = plot::draw_cloud(
        "Flowers of the table and new ones",
        ["sepal length (cm)", "petal length (cm)"],
        &points,
        Some(("flowers", &kinds)),
    )?;
    stage.put_chart("iris-new.png", &scene)?;
    card.chart(
        "iris-new.png",
        "150 flowers, and as many drawn from their density",
    );
    card.command(format!(
        "locality sample {} -n 150 -o iris-new.csv --seed 1",
        iris.path
    ));
    Ok(card)
}
