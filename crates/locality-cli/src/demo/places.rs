//! Geographically weighted regression of Georgia's counties.

use locality::Rows;
use locality::gwr::{Gwr, GwrFit};

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// Cells further than this from every county, in kilometres, are left white.
const FAR: f64 = 28.0;
/// Coefficients beyond so many standard errors are told from 0.
const TOLD: f64 = 1.96;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "One law here, another there: geographically weighted regression",
        "How the share of graduates goes with the share of people born abroad, beside the share of people in the country and of the poor, in the \
         159 counties of Georgia: one regression for each place, fitted to the counties around it. The number of counties was found \
         by the corrected criterion of Akaike. Large dots are counties where the coefficient is more than 1.96 standard errors from 0.",
    );
    let georgia = Table::georgia(stage)?;
    let names = ["PctFB", "PctRural", "PctPov"];
    let x = georgia.columns(&names);
    let y = georgia.columns(&["PctBach"]);
    let n = georgia.rows();
    // The last column is where a county is northwards.
    let north = georgia.target.iter().map(|y| y.parse().unwrap_or(f64::NAN));
    let east = georgia.columns(&["X"]);
    let points: Vec<[f64; 2]> = east
        .iter()
        .zip(north)
        .map(|(x, y): (&f64, f64)| [x / 1000.0, y / 1000.0])
        .collect();
    let coords = points.concat();
    let axes = ["kilometres east", "kilometres north"];
    let plane = plot::plane(&points, axes)?;
    let grid = plot::cells(plane);
    let cells = grid.len() / 2;
    let ((fit, surface), time) = stage.timed("geographically weighted regression", |watch| {
        let model = Gwr::new();
        let fit = model.fit(
            Rows::new(&x, n, names.len())?,
            &y,
            Rows::new(&coords, n, 2)?,
            None,
            watch,
        )?;
        let none = vec![0.0; cells * names.len()];
        let at = fit.at(
            Rows::new(&none, cells, names.len())?,
            Rows::new(&grid, cells, 2)?,
            None,
            watch,
        )?;
        Ok((fit, at.coefficients))
    })?;
    card.figure("counties", n);
    card.figure("counties in a window", fit.bandwidth());
    card.figure("R2", r2(&fit, &y));
    card.figure("AICc", fit.summary().aicc);
    card.figure("time, search included", seconds(time));
    // The constant comes first.
    let (q, own) = (names.len() + 1, 1);
    let near = |cell: &[f64]| {
        let d2 = |p: &[f64; 2]| (p[0] - cell[0]).powi(2) + (p[1] - cell[1]).powi(2);
        points.iter().any(|p| d2(p) < FAR * FAR)
    };
    let shown = grid.chunks(2).zip(surface.chunks(q));
    let shown: Vec<f64> = shown
        .map(|(cell, b)| if near(cell) { b[own] } else { f64::NAN })
        .collect();
    let errors = fit.standard_errors();
    let places: Vec<([f64; 2], f64, bool)> = points
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let b = fit.coefficients()[i * q + own];
            (*p, b, b.abs() > TOLD * errors[i * q + own])
        })
        .collect();
    let told = places.iter().filter(|p| p.2).count();
    card.figure("counties where the coefficient is told from 0", told);
    let scene = plot::draw_map(&plot::Map {
        title: "Graduates for each per cent born abroad",
        axes,
        plane,
        cells: &shown,
        places: &places,
        what: "percentage points",
    });
    stage.put_chart("georgia.png", &scene)?;
    card.chart(
        "georgia.png",
        "the coefficient of the share born abroad over the counties of Georgia",
    );
    card.command(format!(
        "locality gwr {} --target PctBach --features PctFB,PctRural,PctPov --at X,Y -o local.csv --plot map.png",
        georgia.path
    ));
    Ok(card)
}

/// The share of the variance that the fit explains.
fn r2(fit: &GwrFit, y: &[f64]) -> f64 {
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let all: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    1.0 - fit.summary().rss / all
}
