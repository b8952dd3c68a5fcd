//! LOWESS with a confidence band.

use locality::local::lowess::Lowess;

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// Standard errors on each side of a band that covers the curve with 95 %.
const WIDTH: f64 = 1.96;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "A line around every patient: LOWESS with a band",
        "Around each body mass index a line is fitted to the nearest two thirds of the patients, near ones counting more; patients far from \
         the curve then count less, three times over, so that a few odd ones do not bend it. The band is the curve plus and minus \
         1.96 of its standard errors: it says how well the curve is known, not where the next patient will be.",
    );
    let patients = Table::diabetes(stage)?;
    let x = patients.columns(&["bmi"]);
    let y: Vec<f64> = patients
        .target
        .iter()
        .filter_map(|word| word.parse().ok())
        .collect();
    let grid: Vec<f64> = (180..=420).map(|i| f64::from(i) / 10.0).collect();
    let ((fit, at), time) = stage.timed("lowess", |watch| {
        let fit = Lowess::new().standard_errors(true).fit(&x, &y, watch)?;
        let at = fit.predict_with_errors(&grid, watch)?;
        Ok((fit, at))
    })?;
    card.figure("patients", patients.rows());
    // The grid's 121st point.
    card.figure("progression at an index of 30", at.0[120]);
    card.figure("its standard error", at.1[120]);
    if let Some(df) = fit.equivalent_df() {
        card.figure("equivalent degrees of freedom", df);
    }
    card.figure("time", seconds(time));
    let points: Vec<[f64; 2]> = x.iter().zip(&y).map(|(x, y)| [*x, *y]).collect();
    let line: Vec<[f64; 2]> = grid.iter().zip(&at.0).map(|(x, y)| [*x, *y]).collect();
    let band: Vec<[f64; 3]> = grid
        .iter()
        .zip(at.0.iter().zip(&at.1))
        .map(|(x, (y, e))| [*x, y - WIDTH * e, y + WIDTH * e])
        .collect();
    let scene = plot::draw_band(
        "Disease progression by body mass index, LOWESS",
        ["body mass index", "progression after one year"],
        &points,
        (&band, "95 % band of the curve"),
        &line,
        "LOWESS, two thirds of the patients",
    )?;
    stage.put_chart("bmi-lowess.png", &scene)?;
    card.chart(
        "bmi-lowess.png",
        "442 patients, the robust curve and its band",
    );
    card.command(format!(
        "locality fit {} --target target --features bmi --model local-linear --kernel tricube --bandwidth knn=295 -o bmi.loc --plot bmi-line.png",
        patients.path
    ));
    Ok(card)
}
