//! Half-hidden digits, completed by a memory.

use locality::hopfield::HopfieldMemory;
use locality::{Kernel, Rows};

use super::card::Card;
use super::data::{FOLDER, Table, csv};
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::picture::Picture;

/// Digits that are stored; the others are asked for.
const STORED: usize = 1500;
/// Pixels of a digit, and of its upper half.
const PIXELS: usize = 64;
const SEEN: usize = 32;
/// The largest grey level.
const WHITE: f64 = 16.0;
/// Bandwidth in grey levels.
const BANDWIDTH: f64 = 5.0;
/// Digits shown, and the side of a pixel in the picture.
const SHOWN: usize = 16;
const SIDE: usize = 5;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Half a digit remembered: a modern Hopfield memory",
        "1,500 handwritten digits are stored as they are. Of 297 others only the upper half is shown. One step of recall weighs the stored \
         digits by how near their upper halves are and fills in the lower half with the local mean: a modern Hopfield network is the local \
         mean whose keys and values are its patterns.",
    );
    let digits = Table::digits(stage)?;
    let (stored, asked) = digits.numbers.split_at(STORED * PIXELS);
    let m = asked.len() / PIXELS;
    let known: Vec<bool> = (0..m * PIXELS).map(|i| i % PIXELS < SEEN).collect();
    let kernel = Kernel::gaussian(BANDWIDTH);
    let (completed, time) = stage.timed("recall", |watch| {
        let memory = HopfieldMemory::new(kernel).max_iter(1);
        let memory = memory.store(Rows::new(stored, STORED, PIXELS)?)?;
        memory.complete(Rows::new(asked, m, PIXELS)?, &known, watch)
    })?;
    let mean: Vec<f64> = (0..PIXELS)
        .map(|c| {
            let column = stored.iter().skip(c).step_by(PIXELS);
            column.sum::<f64>() / STORED as f64
        })
        .collect();
    let means: Vec<f64> = (0..m).flat_map(|_| mean.iter().copied()).collect();
    card.figure("digits stored", STORED);
    card.figure("digits asked for", m);
    card.figure(
        "error of a hidden pixel, of 16",
        error(&completed.states, asked),
    );
    card.figure("the same by the mean of all digits", error(&means, asked));
    card.figure("time", seconds(time));
    let half: Vec<f64> = asked
        .iter()
        .zip(&known)
        .map(|(x, known)| if *known { *x } else { WHITE / 3.0 })
        .collect();
    let picture = sheet(&[&half, &completed.states, asked]);
    stage.put_photo("digits-recalled.png", &picture)?;
    card.chart(
        "digits-recalled.png",
        "What was shown; what was recalled; what was written",
    );
    let (patterns, queries) = (
        format!("{FOLDER}/digits-stored.csv"),
        format!("{FOLDER}/digits-half.csv"),
    );
    let names: Vec<&str> = digits.names.iter().map(String::as_str).collect();
    stage.put(&patterns, csv(&names, stored));
    let rows: Vec<f64> = asked
        .chunks(PIXELS)
        .flat_map(|row| row[..SEEN].to_vec())
        .collect();
    stage.put(&queries, csv(&names[..SEEN], &rows));
    card.command(format!(
        "locality recall {patterns} --query {queries} -o recalled.csv --kernel \"gaussian(h={BANDWIDTH})\" --steps 1"
    ));
    Ok(card)
}

/// Root of the mean squared error over the hidden half.
fn error(found: &[f64], truth: &[f64]) -> f64 {
    let hidden = found
        .iter()
        .zip(truth)
        .enumerate()
        .filter(|(i, _)| i % PIXELS >= SEEN);
    let (mut sum, mut count) = (0.0, 0.0);
    for (_, (a, b)) in hidden {
        sum += (a - b) * (a - b);
        count += 1.0;
    }
    (sum / count).sqrt()
}

/// The first of some digits, a row of the sheet for each kind.
pub(super) fn sheet(kinds: &[&[f64]]) -> Picture {
    let edge = 8 * SIDE;
    let (cell, gap) = (edge + SIDE, SIDE);
    let (width, height) = (SHOWN * cell + gap, kinds.len() * cell + gap);
    let mut grey = vec![255_u8; width * height];
    for (k, digits) in kinds.iter().enumerate() {
        for (i, digit) in digits.chunks(PIXELS).take(SHOWN).enumerate() {
            let (top, left) = (gap + k * cell, gap + i * cell);
            for y in 0..edge {
                for x in 0..edge {
                    let level = digit[y / SIDE * 8 + x / SIDE];
                    let ink = (255.0 * level / WHITE).round().clamp(0.0, 255.0) as u8;
                    grey[(top + y) * width + left + x] = 255 - ink;
                }
            }
        }
    }
    Picture::eight(height, width, 1, grey)
}
