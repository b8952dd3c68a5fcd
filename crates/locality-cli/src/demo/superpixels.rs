//! Superpixels of a photo, merged step by step.

use locality::image::{Connectivity, ImageView, Partition, RegionMerging, Superpixels};

use super::card::Card;
use super::data::Photo;
use super::stage::{Stage, seconds};
use crate::error::Result;

/// Regions that are left.
const LEFT: usize = 20;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "From superpixels to a few regions: quick shift and a merge tree",
        "Quick shift links each pixel to the nearest one of higher density, in place and colour together, and cuts long links: what hangs \
         together is a superpixel. Then the two neighbouring regions whose merging loses least (Ward) become one, again and again: one tree \
         holds every number of regions.",
    );
    let photo = Photo::coffee(stage)?;
    let view = ImageView::new(&photo.rgb, photo.height, photo.width, 3)?;
    let ((parts, regions), time) = stage.timed("superpixels", |watch| {
        let parts = Superpixels::new(3.0, 8.0).segment(&view, watch)?;
        let tree = RegionMerging::new()
            .connectivity(Connectivity::Eight)
            .tree(&view, parts.labels(), watch)?;
        let labels = tree.cut_regions(LEFT)?;
        let regions = Partition::new(&view, &labels, parts.color_space(), watch)?;
        Ok((parts, regions))
    })?;
    card.figure("pixels", photo.height * photo.width);
    card.figure("superpixels", parts.n_regions());
    card.figure("regions left", regions.n_regions());
    card.figure("time", seconds(time));
    let like = |rgb| photo.picture(photo.height, photo.width, rgb);
    let lines = parts.draw_boundaries(&view, &[255, 255, 0])?;
    stage.put_photo("coffee-superpixels.png", &like(lines))?;
    stage.put_photo("coffee-merged.png", &like(regions.mean_picture(&view)?))?;
    card.photo(
        "coffee-superpixels.png",
        "The boundaries of the superpixels",
    );
    card.photo(
        "coffee-merged.png",
        "Merged into 20 regions, each in its mean colour",
    );
    card.command(format!(
        "locality image superpixels {} -o coffee-merged.png --kernel-size 3 --max-dist 8 --regions {LEFT}",
        photo.path
    ));
    Ok(card)
}
