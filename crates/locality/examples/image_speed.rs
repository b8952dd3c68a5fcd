//! Times mean-shift filtering and segmentation of a photo.
//!
//! `cargo run --release -p locality --example image_speed -- data/astronaut.png`

use std::error::Error;
use std::time::Instant;

use locality::Watch;
use locality::image::{ColorSpace, ImageView, MeanShiftFilter, MeanShiftSegmenter};

/// The shortest of a few runs, in milliseconds, and what the last one gave.
fn best<R>(mut run: impl FnMut() -> R) -> (f64, R) {
    let mut shortest = f64::INFINITY;
    let mut out = None;
    for _ in 0..3 {
        let start = Instant::now();
        out = Some(run());
        shortest = shortest.min(1e3 * start.elapsed().as_secs_f64());
    }
    (shortest, out.expect("it ran"))
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "data/astronaut.png".into());
    let photo = image::open(&path)?.to_rgb8();
    let (width, height) = photo.dimensions();
    let view = ImageView::new(photo.as_raw(), height as usize, width as usize, 3)?;
    for threads in [1, 2] {
        let watch = Watch::default().threads(threads);
        for (spatial, range) in [(10.0, 20.0), (10.0, 40.0), (20.0, 40.0)] {
            let filter = MeanShiftFilter::new(spatial, range);
            let opencv = filter.color(ColorSpace::Raw).like_opencv();
            let (short, out) = best(|| opencv.filter(&view, &watch));
            let steps = out?.steps();
            let (long, _) = best(|| filter.filter(&view, &watch));
            println!(
                "filter, spatial {spatial}, range {range}, {threads} threads: {short:.0} ms under OpenCV's stop rule \
                 ({:.0} ns a step), {long:.0} ms until every pixel rests",
                short * 1e6 / steps as f64
            );
        }
        let segmenter = MeanShiftSegmenter::new(10.0, 10.0);
        let (time, found) = best(|| segmenter.segment(&view, &watch));
        println!(
            "segment, spatial 10, range 10, {threads} threads: {time:.0} ms, {} regions",
            found?.n_regions()
        );
    }
    Ok(())
}
