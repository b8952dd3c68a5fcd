//! Local logistic regression of the irises.

use locality::Rows;
use locality::local::LocalLogistic;

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "A boundary that bends: local logistic regression",
        "At each place a logistic regression is fitted to the flowers around it, so that the boundary between species is straight only \
         nearby. Colours say which species is likeliest, pale where this is a guess. The bandwidth is that under which lines \
         predict each flower best from the others.",
    );
    let iris = Table::iris(stage)?;
    let names = ["petal_length", "petal_width"];
    let numbers = iris.columns(&names);
    let rows = Rows::new(&numbers, iris.rows(), 2)?;
    let (species, codes) = iris.classes();
    let codes: Vec<usize> = codes.iter().map(|c| *c as usize).collect();
    let points: Vec<[f64; 2]> = rows.iter().map(|r| [r[0], r[1]]).collect();
    let axes = ["petal length (cm)", "petal width (cm)"];
    let plane = plot::plane(&points, axes)?;
    let cells = plot::cells(plane);
    let ((fit, shares, own), time) = stage.timed("local logistic regression", |watch| {
        let fit = LocalLogistic::new("gaussian".parse()?).fit(
            rows,
            &codes,
            species.len(),
            None,
            watch,
        )?;
        let shares = fit.predict_proba(Rows::new(&cells, cells.len() / 2, 2)?, watch)?;
        let own = fit.predict(rows, watch)?;
        Ok((fit, shares, own))
    })?;
    let right = own.iter().zip(&codes).filter(|(a, b)| a == b).count();
    card.figure("flowers", iris.rows());
    card.figure("kernel, over standard deviations", fit.kernel().to_string());
    card.figure("flowers of the likeliest species", right);
    card.figure("places asked", cells.len() / 2);
    card.figure("time", seconds(time));
    let scene = plot::draw_regions(
        "The likeliest species by petal",
        axes,
        plane,
        &shares,
        &points,
        &codes,
        &species,
    );
    stage.put_chart("iris-boundary.png", &scene)?;
    card.chart(
        "iris-boundary.png",
        "150 irises, and the likeliest species at 4,900 places",
    );
    card.command(format!(
        "locality fit {} --target target --features petal_length,petal_width -o iris.loc",
        iris.path
    ));
    card.command(format!(
        "locality predict iris.loc {} -o iris-predicted.csv",
        iris.path
    ));
    Ok(card)
}
