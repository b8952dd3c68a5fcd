//! Digits through codes of few numbers, from coarse to fine.

use locality::Rows;
use locality_learn::{Autoencoder, AutoencoderModel, Corruption, FitConfig};

use super::card::Card;
use super::data::Table;
use super::memory::sheet;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// Pixels of a digit.
const PIXELS: usize = 64;
/// Numbers of the codes, from coarse to fine, and of the layer between.
const CODES: [usize; 3] = [2, 6, 24];
const HIDDEN: usize = 96;
/// Of the noise in training, in deviations of each pixel.
const NOISE: f64 = 0.3;
const EPOCHS: usize = 40;
const RATE: f64 = 3e-3;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Digits in two numbers, in eight, in thirty-two: a hierarchical autoencoder",
        "A network learns to undo noise through a code of two numbers; a second one learns what the first leaves over, in six more, and a third what these \
         leave, in 24. No level makes the error larger. The two numbers of the first are a map of the digits, which it was never told apart.",
    );
    let digits = Table::digits(stage)?;
    let n = digits.rows();
    let rows = Rows::new(&digits.numbers, n, PIXELS)?;
    let config = Autoencoder::new(&CODES)
        .hidden(&[HIDDEN])
        .corruption(Corruption::named("gaussian", NOISE)?)
        .fit_config(FitConfig {
            epochs: EPOCHS,
            batch: 64,
            rate: RATE,
            validation: 0.1,
            seed: 1,
            ..FitConfig::default()
        });
    let (model, time): (AutoencoderModel<f32>, f64) =
        stage.timed("autoencoder", |watch| config.fit(rows, watch))?;
    let codes = model.encode(rows)?;
    let width: usize = CODES.iter().sum();
    card.figure("digits", n);
    card.figure("parameters", model.layout().len());
    let (mut kinds, mut taken) = (Vec::new(), 0);
    for level in 1..=CODES.len() {
        taken += CODES[level - 1];
        let out = model.decode(Rows::new(&codes, n, width)?, Some(level))?;
        card.figure(
            format!("error of a pixel by {taken} numbers, of 16"),
            error(&out, &digits.numbers),
        );
        kinds.push(out);
    }
    card.figure("time", seconds(time));
    let mut shown: Vec<&[f64]> = kinds.iter().map(Vec::as_slice).collect();
    shown.push(&digits.numbers);
    stage.put_photo("digits-coded.png", &sheet(&shown))?;
    card.chart(
        "digits-coded.png",
        "From two numbers; from eight; from 32; what was written",
    );
    let points: Vec<[f64; 2]> = codes.chunks(width).map(|c| [c[0], c[1]]).collect();
    let axes = ["code_0", "code_1"];
    let title = format!("codes of {n} rows");
    let scene = plot::draw_cloud(&title, axes, &points, Some(("digit", &digits.target)))?;
    stage.put_chart("digits-code.png", &scene)?;
    card.chart(
        "digits-code.png",
        "The first two numbers of each digit's code; its colour is which digit it is",
    );
    let all = CODES.map(|k| k.to_string()).join(",");
    card.command(format!(
        "locality autoencode {} -o digits-codes.csv --code {all} --hidden {HIDDEN} --noise {NOISE} --epochs {EPOCHS} --lr {RATE} --plot digits-code.png --color digit",
        digits.path
    ));
    Ok(card)
}

/// Root of the mean squared error.
fn error(found: &[f64], truth: &[f64]) -> f64 {
    let squares = found.iter().zip(truth).map(|(a, b)| (a - b) * (a - b));
    (squares.sum::<f64>() / truth.len() as f64).sqrt()
}
