//! Lost pixels filled in, and what the certificate saves.

use locality::{Kernel, LocalMean, LocalMeans, Rows};

use super::card::Card;
use super::data::{FOLDER, Photo, csv};
use super::stage::{Stage, seconds};
use crate::error::{Error, Result};

/// The part of the photo: first row and column, rows and columns.
const PART: [usize; 4] = [70, 130, 240, 340];
/// Pixels in a hundred that are kept.
const KEPT: u64 = 15;
/// Bandwidth in pixels.
const BANDWIDTH: f64 = 1.2;
/// What the sum of the weights may be off by.
const TOLERANCE: f64 = 1e-6;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Lost pixels from a few: local mean on two columns, with a certificate",
        "85 of 100 pixels are thrown away. Each pixel then is the mean of the kept ones, weighted by a Gaussian of the distance: keys \
         are places, values colours. Without a tolerance only pairs that cannot change a digit are left out. With one, far groups \
         of pixels are left out as soon as they provably hold less than that share of the weight, so that no colour is off by \
         more than the tolerance times the range of colours.",
    );
    let photo = Photo::coffee(stage)?;
    let [top, left, height, width] = PART;
    let (mut keys, mut values, mut grid, mut truth) = (vec![], vec![], vec![], vec![]);
    let mut sparse = Vec::with_capacity(3 * height * width);
    for i in 0..height * width {
        let (y, x) = (i / width, i % width);
        let at = ((top + y) * photo.width + left + x) * 3;
        let color = &photo.rgb[at..at + 3];
        truth.extend_from_slice(color);
        grid.extend([x as f64, y as f64]);
        if hash(i as u64) % 100 < KEPT {
            keys.extend([x as f64, y as f64]);
            values.extend(color.iter().map(|c| f64::from(*c)));
            sparse.extend_from_slice(color);
        } else {
            sparse.extend([235, 235, 235]);
        }
    }
    let (kept, queries) = (
        format!("{FOLDER}/coffee-kept.csv"),
        format!("{FOLDER}/coffee-grid.csv"),
    );
    let table: Vec<f64> = keys
        .chunks(2)
        .zip(values.chunks(3))
        .flat_map(|(k, v)| k.iter().chain(v).copied())
        .collect();
    stage.put(&kept, csv(&["x", "y", "red", "green", "blue"], &table));
    stage.put(&queries, csv(&["x", "y"], &grid));

    let n = keys.len() / 2;
    let keys = Rows::new(&keys, n, 2)?;
    let values = Rows::new(&values, n, 3)?;
    let at = Rows::new(&grid, height * width, 2)?;
    let solve = |stage: &Stage<'_>, tolerance: f64| -> Result<(LocalMeans<f64>, f64)> {
        let mean = LocalMean::new(Kernel::gaussian(BANDWIDTH)).tolerance(tolerance);
        stage.timed("local mean", |watch| mean.fit(keys, values)?.at(at, watch))
    };
    let (exact, exact_time) = solve(stage, 0.0)?;
    let (quick, quick_time) = solve(stage, TOLERANCE)?;
    let worst = exact.means.iter().zip(&quick.means);
    let worst = worst.fold(0.0, |w: f64, (a, b)| w.max((a - b).abs()));
    let range = values.iter().flatten();
    let (low, high) = range.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(*v), h.max(*v))
    });
    let bound = TOLERANCE * (high - low);
    if worst > bound {
        return Err(Error::data(format!(
            "a local mean is off by {worst}, beyond its certificate of {bound}"
        )));
    }
    let filled: Vec<u8> = quick.means.iter().map(|x| x.round() as u8).collect();

    let pairs = (n * height * width) as f64;
    let share = |visited: u64| format!("{:.2} %", 100.0 * visited as f64 / pairs);
    card.figure("pixels kept", n);
    card.figure("pixels wanted", height * width);
    card.figure("pairs", n * height * width);
    card.figure("pairs weighed, tolerance 0", share(exact.visited));
    card.figure("time, tolerance 0", seconds(exact_time));
    card.figure(
        format!("pairs weighed, tolerance {TOLERANCE:e}"),
        share(quick.visited),
    );
    card.figure(
        format!("time, tolerance {TOLERANCE:e}"),
        seconds(quick_time),
    );
    card.figure("largest difference (of 255)", worst);
    card.figure("largest difference allowed", bound);
    card.figure("peak signal-to-noise ratio (dB)", ratio(&truth, &filled));
    for (name, rgb) in [
        ("coffee-part.png", truth),
        ("coffee-kept.png", sparse),
        ("coffee-filled.png", filled),
    ] {
        stage.put_photo(name, &photo.picture(height, width, rgb))?;
    }
    card.photo("coffee-kept.png", "What was kept: 15 of 100 pixels");
    card.photo("coffee-filled.png", "Filled in by local means");
    card.photo("coffee-part.png", "The photo as it was");
    card.command(format!(
        "locality mean {kept} --value red,green,blue --query {queries} -o coffee-filled.csv --columns x,y \
         --kernel \"gaussian(h={BANDWIDTH})\" --tolerance {TOLERANCE:e}"
    ));
    Ok(card)
}

/// A number that looks random (Steele, Lea and Flood 2014, `SplitMix`), the same on every machine.
pub(super) fn hash(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// In decibels.
fn ratio(truth: &[u8], other: &[u8]) -> f64 {
    let squares: f64 = truth
        .iter()
        .zip(other)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum();
    10.0 * (255.0_f64.powi(2) * truth.len() as f64 / squares).log10()
}
