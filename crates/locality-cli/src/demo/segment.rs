//! Mean-shift segmentation of two photos.

use locality::image::{ImageView, MeanShiftSegmenter};

use super::card::Card;
use super::data::Photo;
use super::stage::{Stage, seconds};
use crate::error::Result;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Photos in regions: mean-shift segmentation",
        "Every pixel is a point in five dimensions: two of place, three of colour (CIE L*u*v*, where distances match what the eye \
         sees). It climbs to the nearest peak of the density of pixels by moving to the mean of its window, again and again. \
         Neighbouring pixels whose peaks are close form a region; regions below 100 pixels join the neighbour of the most \
         similar colour. The number of regions is found, not given.",
    );
    for (name, photo) in [
        ("astronaut", Photo::astronaut(stage)?),
        ("coffee", Photo::coffee(stage)?),
    ] {
        let view = ImageView::new(&photo.rgb, photo.height, photo.width, 3)?;
        let segmenter = MeanShiftSegmenter::new(10.0, 10.0);
        let (regions, time) = stage.timed(name, |watch| segmenter.segment(&view, watch))?;
        let like = |rgb| photo.picture(photo.height, photo.width, rgb);
        let (mean, lines) = (
            format!("{name}-regions.png"),
            format!("{name}-boundaries.png"),
        );
        stage.put_photo(&mean, &like(regions.mean_picture()))?;
        let drawn = regions.draw_boundaries(&view, &[255, 255, 0])?;
        stage.put_photo(&lines, &like(drawn))?;
        let largest = regions.sizes().iter().max().copied().unwrap_or(0);
        let pixels = photo.height * photo.width;
        card.figure(format!("{name}, pixels"), pixels);
        card.figure(format!("{name}, regions"), regions.n_regions());
        card.figure(
            format!("{name}, largest region"),
            format!(
                "{:.1} % of the photo",
                100.0 * largest as f64 / pixels as f64
            ),
        );
        card.figure(format!("{name}, time"), seconds(time));
        card.photo(&photo.path, &format!("The photo, {name}"));
        card.photo(&mean, "Each region in its mean colour");
        card.photo(&lines, "The boundaries of the regions");
        card.command(format!(
            "locality image segment {} -o {mean} --spatial 10 --range 10 --min-region 100 --boundaries {lines}",
            photo.path
        ));
    }
    Ok(card)
}
