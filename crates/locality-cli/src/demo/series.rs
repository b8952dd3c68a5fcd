//! A series without its noise and gaps.

use locality::nonlocal::SeriesSmoother;

use super::card::Card;
use super::data::{Table, csv};
use super::noise::normals;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot::{self, Curve};

/// Digits that are read, and the numbers of the series that they make: eight rows of pixels each.
const DIGITS: usize = 200;
const ROWS: usize = 8;
/// Standard deviation of the noise that is added, in units of ink.
const SIGMA: f64 = 6.0;
/// What is drawn.
const SHOWN: std::ops::Range<usize> = 400..520;
const RADIUS: usize = 3;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Noise and gaps of a series: what came in like windows",
        "Handwritten digits, one below the other, are read row by row: how much ink is in each row of pixels. Noise is added, and one value \
         in ten is lost, in runs of three. Each value becomes the mean of those whose windows look alike, wherever they are, and gaps are \
         filled likewise (the noise is told: rows of ink jump too much for it to be estimated). A straight line across a gap knows nothing of how digits are written.",
    );
    let digits = Table::digits(stage)?;
    let clean: Vec<f64> = digits
        .numbers
        .chunks_exact(digits.names.len() / ROWS)
        .take(DIGITS * ROWS)
        .map(|row| row.iter().sum())
        .collect();
    let noise = normals(clean.len());
    let lost = |i: usize| i % 30 >= 27;
    let series: Vec<f64> = clean
        .iter()
        .zip(noise)
        .enumerate()
        .map(|(i, (x, e))| if lost(i) { f64::NAN } else { x + SIGMA * e })
        .collect();
    let smoother = SeriesSmoother::new(RADIUS).sigma(SIGMA);
    let (out, time) = stage.timed("smoothing", |watch| smoother.smooth(&series, watch))?;
    let line = lines(&series);
    let error = |found: &[f64], gap: bool| -> f64 {
        let squares = (0..clean.len()).filter(|i| lost(*i) == gap);
        let squares: Vec<f64> = squares.map(|i| (found[i] - clean[i]).powi(2)).collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    };
    card.figure("values", clean.len());
    card.figure("lost", out.filled().len());
    card.figure("noise, as told", out.sigma());
    card.figure("error of the noisy values", error(&series, false));
    card.figure("error of the smooth values", error(out.values(), false));
    card.figure("error in gaps, straight lines", error(&line, true));
    card.figure("error in gaps, like windows", error(out.values(), true));
    card.figure("time", seconds(time));
    let at = |values: &[f64]| -> Vec<[f64; 2]> {
        SHOWN
            .map(|i| [i as f64, values[i]])
            .filter(|p| !p[1].is_nan())
            .collect()
    };
    let curve = |name: &str, values: &[f64]| Curve {
        name: name.to_owned(),
        points: at(values),
    };
    let scene = plot::draw_lines(
        "Ink in rows of handwritten digits",
        ["row", "ink"],
        &at(&series),
        &[
            curve("as written", &clean),
            curve("from noise, gaps filled", out.values()),
        ],
    )?;
    stage.put_chart("ink-smooth.png", &scene)?;
    card.chart(
        "ink-smooth.png",
        "Fifteen of two hundred digits; dots are what was left of them",
    );
    let path = "data/ink.csv";
    stage.put(path, csv(&["ink"], &series).replace("NaN", ""));
    card.command(format!(
        "locality smooth {path} -o ink-smooth.csv --value ink --window {RADIUS} --sigma {SIGMA}"
    ));
    Ok(card)
}

/// Gaps filled by straight lines.
fn lines(series: &[f64]) -> Vec<f64> {
    let known = |i: &usize| !series[*i].is_nan();
    (0..series.len())
        .map(|i| {
            let (before, after) = ((0..=i).rev().find(known), (i..series.len()).find(known));
            match (before, after) {
                (Some(a), Some(b)) if a < b => {
                    let t = (i - a) as f64 / (b - a) as f64;
                    series[a] + t * (series[b] - series[a])
                }
                (Some(a), _) | (_, Some(a)) => series[a],
                _ => f64::NAN,
            }
        })
        .collect()
}
