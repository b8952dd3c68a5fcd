//! A map of handwritten digits.

use locality::Rows;
use locality::embed::{LocallyLinearEmbedding, Method, trustworthiness};

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

const PIXELS: usize = 64;
const NEIGHBORS: usize = 30;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "A map of digits: local tangent spaces, aligned",
        "Each digit is a point in 64 dimensions. Around each of them the 30 nearest span a plane, the local principal components; the map \
         is the one in which all these planes fit together best. It has not seen which digit is which.",
    );
    let digits = Table::digits(stage)?;
    let n = digits.rows();
    let rows = Rows::new(&digits.numbers, n, PIXELS)?;
    let ((fit, trust), time) = stage.timed("embedding", |watch| {
        let model = LocallyLinearEmbedding::new()
            .n_components(2)
            .method(Method::Ltsa)
            .n_neighbors(NEIGHBORS);
        let fit = model.fit(rows, watch)?;
        let trust = trustworthiness(rows, fit.embedding(), NEIGHBORS, watch)?;
        Ok((fit, trust))
    })?;
    card.figure("digits", n);
    card.figure("columns", PIXELS);
    card.figure("trustworthiness of 30 neighbours", trust);
    card.figure("time", seconds(time));
    let points: Vec<[f64; 2]> = fit.embedding().iter().map(|row| [row[0], row[1]]).collect();
    let title = "Tangent spaces of 1797 digits, aligned";
    let scene = plot::draw_cloud(title, ["1", "2"], &points, Some(("digit", &digits.target)))?;
    stage.put_chart("digits-map.png", &scene)?;
    card.chart("digits-map.png", "Each dot is a digit, its colour which");
    card.command(format!(
        "locality embed {} -o map.csv --method ltsa --neighbors {NEIGHBORS} --plot map.png --color digit",
        digits.path
    ));
    Ok(card)
}
