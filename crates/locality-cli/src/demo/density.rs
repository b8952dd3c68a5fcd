//! The density of petal lengths.

use locality::Rows;
use locality::density::{BandwidthChoice, KernelDensity};

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot::{self, Curve};

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "How often is what: kernel density",
        "Each flower is spread out as a small hill, and the hills are added up. Silverman's rule takes the lengths for one bell and \
         blurs the valley; the plug-in bandwidth of Botev, Grotowski and Kroese presumes no shape. Each dot below is a flower.",
    );
    let iris = Table::iris(stage)?;
    let lengths = iris.columns(&["petal_length"]);
    let grid: Vec<f64> = (0..=320).map(|i| f64::from(i) / 40.0).collect();
    card.figure("flowers", iris.rows());
    let (mut curves, mut spent) = (Vec::new(), 0.0);
    for (name, rule) in [
        ("plug-in", BandwidthChoice::ImprovedSheatherJones),
        ("Silverman", BandwidthChoice::Silverman),
    ] {
        let ((h, likelihood, log), time) = stage.timed("density", |watch| {
            let fit = KernelDensity::new()
                .bandwidth(rule.clone())
                .fit(Rows::column(&lengths), watch)?;
            let log = fit.log_density(Rows::column(&grid), watch)?;
            let each = fit.leave_one_out(watch)?;
            let likelihood = each.iter().sum::<f64>() / each.len() as f64;
            let h = match fit.bandwidth() {
                locality::Bandwidth::Fixed(h) => *h,
                _ => f64::NAN,
            };
            Ok((h, likelihood, log))
        })?;
        spent += time;
        card.figure(format!("{name}: bandwidth (cm)"), h);
        card.figure(
            format!("{name}: mean log density of flowers left out"),
            likelihood,
        );
        curves.push(Curve {
            name: format!("{name}, h = {h:.2} cm"),
            points: grid.iter().zip(log).map(|(x, l)| [*x, l.exp()]).collect(),
        });
    }
    card.figure("time, both", seconds(spent));
    let rug: Vec<[f64; 2]> = lengths.iter().map(|x| [*x, 0.0]).collect();
    let scene = plot::draw_lines(
        "Density of petal lengths",
        ["petal length (cm)", "share of flowers per cm"],
        &rug,
        &curves,
    )?;
    stage.put_chart("petal-density.png", &scene)?;
    card.chart(
        "petal-density.png",
        "150 irises, and their density by two bandwidths",
    );
    card.command(format!(
        "locality cluster {} -o petal-peaks.csv --columns petal_length --plot petal-peaks.png",
        iris.path
    ));
    Ok(card)
}
