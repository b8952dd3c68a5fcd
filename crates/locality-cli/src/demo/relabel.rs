//! A coarse and noisy segmentation, cleaned by a conditional random field.

use locality::Rows;
use locality::image::{ImageView, MeanShiftSegmenter};
use locality::labeling::{Compatibility, DenseCrf, Pairwise};

use super::card::Card;
use super::data::{FOLDER, Photo};
use super::pixels::hash;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::picture::Picture;

/// Regions of fewer pixels join another: few labels are left.
const LEAST: usize = 6000;
/// Side of the blocks that one label is given to, in pixels.
const BLOCK: usize = 10;
/// Pixels in a hundred whose label is drawn at random.
const NOISE: u64 = 25;
/// How likely a given label is taken to be right.
const CONFIDENCE: f64 = 0.7;
/// Bandwidths: in pixels and in colour.
const SPATIAL: f64 = 20.0;
const RANGE: f64 = 10.0;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Labels that agree with the photo: fully connected conditional random field",
        "A segmentation is spoilt: every block of 10 x 10 pixels gets one label, and a quarter of all pixels a random one. Then each pixel \
         hears every other pixel of the photo, the more the nearer it is and the more like its colour, and moves towards the labels \
         it hears: relaxation labeling, whose support is a Gaussian local mean over all 68 billion pairs. The means go through a grid of \
         splines that is off by no more than a hundredth of a pair's weight.",
    );
    let photo = Photo::astronaut(stage)?;
    let (height, width) = (photo.height, photo.width);
    let view = ImageView::new(&photo.rgb, height, width, 3)?;
    let segmenter = MeanShiftSegmenter::new(10.0, 12.0).min_region(LEAST);
    let (regions, _) = stage.timed("regions", |watch| segmenter.segment(&view, watch))?;
    let truth: Vec<usize> = regions.labels().iter().map(|&l| l as usize).collect();
    let k = regions.n_regions();
    let noisy = spoil(&truth, height, width, k);

    let (right, wrong) = (
        -CONFIDENCE.ln(),
        -((1.0 - CONFIDENCE) / (k - 1) as f64).ln(),
    );
    let unary: Vec<f32> = noisy
        .iter()
        .flat_map(|&l| (0..k).map(move |c| if c == l { right } else { wrong } as f32))
        .collect();
    let colors: Vec<f32> = photo.rgb.iter().map(|&c| f32::from(c)).collect();
    let (found, time) = stage.timed("field", |watch| {
        let (shape, n) = ([height, width], height * width);
        let colors = Rows::new(&colors, n, 3)?;
        let near = Compatibility::Potts(10.0);
        DenseCrf::new()
            .pairwise(Pairwise::bilateral(
                &shape,
                &[SPATIAL; 2],
                colors,
                &[RANGE; 3],
                near,
            )?)
            .pairwise(Pairwise::gaussian(
                &shape,
                &[3.0; 2],
                Compatibility::Potts(3.0),
            )?)
            .fit(Rows::new(&unary, n, k)?, watch)?
            .inference(5, watch)
    })?;
    let clean = found.labels();

    let wrong = |labels: &[usize]| {
        let off = labels.iter().zip(&truth).filter(|(a, b)| a != b).count();
        format!("{:.1} %", 100.0 * off as f64 / truth.len() as f64)
    };
    card.figure("pixels", truth.len());
    card.figure("labels", k);
    card.figure("wrong labels before", wrong(&noisy));
    card.figure("wrong labels after", wrong(&clean));
    card.figure("time for 5 steps", seconds(time));
    let given = format!("{FOLDER}/astronaut-noisy.png");
    let colors = palette(k);
    for (name, labels) in [
        (given.as_str(), &noisy),
        ("astronaut-clean.png", &clean),
        ("astronaut-labels.png", &truth),
    ] {
        let rgb = labels.iter().flat_map(|&l| colors[l]).collect();
        stage.put_photo(name, &Picture::eight(height, width, 3, rgb))?;
    }
    card.photo(&given, "The labels, spoilt");
    card.photo("astronaut-clean.png", "Cleaned by the photo");
    card.photo("astronaut-labels.png", "The labels as they were");
    card.command(format!(
        "locality image relabel {} --labels {given} -o astronaut-clean.png --spatial {SPATIAL} --range {RANGE} --confidence {CONFIDENCE}",
        photo.path
    ));
    Ok(card)
}

/// One label for each block, that of its middle, and random ones here and there.
fn spoil(truth: &[usize], height: usize, width: usize, k: usize) -> Vec<usize> {
    let middle = |at: usize, end: usize| (at / BLOCK * BLOCK + BLOCK / 2).min(end - 1);
    let label = |i: usize| {
        let drawn = hash(i as u64);
        if drawn % 100 < NOISE {
            return (drawn / 100) as usize % k;
        }
        truth[middle(i / width, height) * width + middle(i % width, width)]
    };
    (0..truth.len()).map(label).collect()
}

/// Colours that are far from each other: hues at the golden angle, in three brightnesses.
fn palette(k: usize) -> Vec<[u8; 3]> {
    let color = |i: usize| {
        let hue = (i as f64 * 0.618_034).fract() * 6.0;
        let bright = [235.0, 180.0, 120.0][i % 3];
        let channel = |shift: f64| {
            let off = ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
            (bright * (0.25 + 0.75 * off.clamp(0.0, 1.0))) as u8
        };
        [channel(0.0), channel(4.0), channel(2.0)]
    };
    (0..k).map(color).collect()
}
