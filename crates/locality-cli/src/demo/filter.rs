//! Mean-shift filtering of a photo.

use locality::image::{ImageView, MeanShiftFilter};

use super::card::Card;
use super::data::Photo;
use super::stage::{Stage, seconds};
use crate::error::Result;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "A photo smoothed, its edges kept: mean-shift filter",
        "The first half of segmentation on its own: every pixel takes the colour of the peak that it climbs to. Texture and noise \
         go, since they lie within one colour bandwidth; edges stay sharp, since no window reaches across a large step in colour.",
    );
    let photo = Photo::astronaut(stage)?;
    let view = ImageView::new(&photo.rgb, photo.height, photo.width, 3)?;
    let filter = MeanShiftFilter::new(10.0, 20.0);
    let (filtered, time) = stage.timed("filtering", |watch| filter.filter(&view, watch))?;
    let pixels = photo.height * photo.width;
    card.figure("pixels", pixels);
    card.figure(
        "steps of a pixel, mean",
        filtered.steps() as f64 / pixels as f64,
    );
    card.figure("colours before", colours(&photo.rgb));
    card.figure("colours after", colours(filtered.samples()));
    card.figure("time", seconds(time));

    let name = "astronaut-filtered.png";
    let detail = |rgb: &[u8]| photo.picture(3 * SIDE, 3 * SIDE, detail(rgb, photo.width));
    stage.put_photo("astronaut-detail.png", &detail(&photo.rgb))?;
    stage.put_photo("astronaut-filtered-detail.png", &detail(filtered.samples()))?;
    let whole = photo.picture(photo.height, photo.width, filtered.into_samples());
    stage.put_photo(name, &whole)?;
    card.photo(name, "The whole photo, filtered");
    card.photo(
        "astronaut-detail.png",
        "A detail before, three times larger",
    );
    card.photo("astronaut-filtered-detail.png", "The same detail after");
    card.command(format!(
        "locality image filter {} -o {name} --spatial 10 --range 20",
        photo.path
    ));
    Ok(card)
}

fn colours(rgb: &[u8]) -> usize {
    let all: std::collections::BTreeSet<&[u8]> = rgb.chunks_exact(3).collect();
    all.len()
}

/// Side of the detail in the photo, and where it begins.
const SIDE: usize = 170;
const CORNER: [usize; 2] = [290, 70];

/// A square of the photo with each pixel three by three times.
fn detail(rgb: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(27 * SIDE * SIDE);
    for y in 0..3 * SIDE {
        for x in 0..3 * SIDE {
            let at = ((CORNER[0] + y / 3) * width + CORNER[1] + x / 3) * 3;
            out.extend_from_slice(&rgb[at..at + 3]);
        }
    }
    out
}
