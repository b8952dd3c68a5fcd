//! A regression curve by local means.

use locality::{Kernel, LocalMean, Neighborhood, Rows};

use super::card::Card;
use super::data::{FOLDER, Table, csv};
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot::{self, Curve};

/// In units of the body mass index.
const BANDWIDTHS: [f64; 3] = [0.5, 2.0, 8.0];

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "A curve through a cloud: local mean on one column",
        "The curve at a body mass index is the mean disease progression of all patients, each weighted by how near their own index \
         is (kernel regression). The bandwidth says what near means: narrow follows every patient, wide flattens the trend. The \
         error is measured on patients left out one by one, with the neighbourhood hollow; the middle bandwidth predicts best.",
    );
    let patients = Table::diabetes(stage)?;
    let bmi = patients.columns(&["bmi"]);
    let progress: Vec<f64> = patients
        .target
        .iter()
        .filter_map(|word| word.parse().ok())
        .collect();
    let (keys, values) = (Rows::column(&bmi), Rows::column(&progress));
    // From 18 to 42 in tenths.
    let grid: Vec<f64> = (180..=420).map(|i| f64::from(i) / 10.0).collect();
    let queries = format!("{FOLDER}/bmi-grid.csv");
    stage.put(&queries, csv(&["bmi"], &grid));

    card.figure("patients", patients.rows());
    let mut curves = Vec::new();
    let mut spent = 0.0;
    for h in BANDWIDTHS {
        let mean = LocalMean::new(Kernel::gaussian(h));
        let ((curve, left_out), time) = stage.timed("local mean", |watch| {
            let curve = mean.fit(keys, values)?.at(Rows::column(&grid), watch)?;
            let hollow = mean.clone().neighborhood(Neighborhood::hollow());
            let left_out = hollow.fit(keys, values)?.at(keys, watch)?;
            Ok((curve.means, left_out.means))
        })?;
        spent += time;
        let error: f64 = left_out
            .iter()
            .zip(&progress)
            .map(|(a, b)| (a - b).powi(2))
            .sum();
        let error = (error / progress.len() as f64).sqrt();
        // The grid's 121st point.
        card.figure(format!("h={h}: progression at an index of 30"), curve[120]);
        card.figure(format!("h={h}: error on patients left out"), error);
        curves.push(Curve {
            name: format!("gaussian(h={h})"),
            points: grid.iter().zip(curve).map(|(x, y)| [*x, y]).collect(),
        });
        card.command(format!(
            "locality mean {} --value target --query {queries} -o bmi-mean-{h}.csv --columns bmi --kernel \"gaussian(h={h})\"",
            patients.path
        ));
    }
    card.figure("time, all three", seconds(spent));
    let points: Vec<[f64; 2]> = bmi.iter().zip(&progress).map(|(x, y)| [*x, *y]).collect();
    let scene = plot::draw_lines(
        "Disease progression by body mass index",
        ["body mass index", "progression after one year"],
        &points,
        &curves,
    )?;
    stage.put_chart("bmi-curves.png", &scene)?;
    card.chart(
        "bmi-curves.png",
        "442 patients, and the local mean at three bandwidths",
    );
    Ok(card)
}
