//! A disc that moves over a photo and grows, tracked by its colours.

use locality::image::ImageView;
use locality::image::track::{Criteria, HistogramColor, TrackMethod, Tracker, Window};

use super::card::Card;
use super::data::{FOLDER, Photo};
use super::stage::{Stage, seconds};
use crate::commands::track;
use crate::error::Result;

/// Size of the frames, and where they lie in the photo.
const SIDES: [usize; 2] = [150, 220];
const CORNER: [usize; 2] = [20, 40];
const FRAMES: usize = 8;
/// The disc in the first frame: left column, upper row, width, height.
const START: [i32; 4] = [28, 88, 24, 24];

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "An object followed: continuously adaptive mean shift",
        "The object's hues in the first picture, against those around it, say of every pixel of the next how probably it is part of the object. \
         A window moves to the mean of these probabilities until it rests; their spread gives its size and angle, and the next picture starts \
         from there.",
    );
    let photo = Photo::coffee(stage)?;
    let [height, width] = SIDES;
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|i| frame(&photo, i)).collect();
    let mut paths = Vec::with_capacity(FRAMES);
    for (rgb, i) in frames.iter().zip(1..) {
        let path = format!("{FOLDER}/frame-{i}.png");
        stage.put_photo(&path, &photo.picture(height, width, rgb.clone()))?;
        paths.push(path);
    }
    let [x, y, w, h] = START;
    let (found, time) = stage.timed("tracking", |watch| {
        let tracker = Tracker::new()
            .method(TrackMethod::CamShift)
            .histogram(HistogramColor::Hue, 16)
            .criteria(Criteria {
                max_iter: 20,
                epsilon: 1.0,
            });
        let view = |rgb| ImageView::new(rgb, height, width, 3);
        let mut follower = tracker.start(&view(&frames[0])?, Window::new(x, y, w, h), watch)?;
        let each = frames[1..]
            .iter()
            .map(|rgb| follower.update(&view(rgb)?, watch));
        each.collect::<locality::Result<Vec<_>>>()
    })?;
    card.figure("frames", FRAMES);
    let mut farthest: f64 = 0.0;
    for (i, tracked) in found.iter().enumerate() {
        let (at, _) = disc(i + 1);
        let [cx, cy] = tracked.rotated.center;
        farthest = farthest.max((cx - at[0]).hypot(cy - at[1]));
    }
    card.figure("farthest from the disc's centre, pixels", farthest);
    let size = |i: usize| (found[i].rotated.size[0] * found[i].rotated.size[1]).sqrt();
    card.figure(
        "size in the last frame over the second's",
        size(FRAMES - 2) / size(0),
    );
    card.figure("the same of the disc", disc(FRAMES - 1).1 / disc(1).1);
    card.figure("time", seconds(time));
    for i in [2, 5, 8] {
        let name = format!("tracked-{i}.png");
        let picture = photo.picture(height, width, frames[i - 1].clone());
        stage.put_photo(&name, &track::draw(&picture, &found[i - 2]))?;
        card.photo(
            &name,
            &format!("Frame {i}, and the box along the object's axes"),
        );
    }
    card.command(format!(
        "locality track {} --box {x},{y},{w},{h} -o track.csv --picture tracked",
        paths.join(" ")
    ));
    Ok(card)
}

/// Centre and radius of the disc.
fn disc(i: usize) -> ([f64; 2], f64) {
    let t = i as f64;
    (
        [40.0 + 20.0 * t, 100.0 - 26.0 * (0.6 * t).sin()],
        12.0 + 1.5 * t,
    )
}

/// A part of the photo with the disc on it, greenish blue as nothing of the photo is.
fn frame(photo: &Photo, i: usize) -> Vec<u8> {
    let (at, radius) = disc(i);
    let mut out = Vec::with_capacity(3 * SIDES[0] * SIDES[1]);
    for y in 0..SIDES[0] {
        for x in 0..SIDES[1] {
            let from = ((CORNER[0] + y) * photo.width + CORNER[1] + x) * 3;
            let pixel = &photo.rgb[from..from + 3];
            if (x as f64 - at[0]).hypot(y as f64 - at[1]) < radius {
                // Some of the photo shines through.
                let shade = |c: u8, own: u8| ((u16::from(c) + 3 * u16::from(own)) / 4) as u8;
                out.extend([
                    shade(pixel[0], 20),
                    shade(pixel[1], 130),
                    shade(pixel[2], 190),
                ]);
            } else {
                out.extend_from_slice(pixel);
            }
        }
    }
    out
}
