//! scratch
use locality::Watch;
use locality::image::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let im = image::open(&a[1]).unwrap().to_rgb8();
    let (w, h) = im.dimensions();
    let v = ImageView::new(im.as_raw(), h as usize, w as usize, 3).unwrap();
    let sp: f64 = a[2].parse().unwrap();
    let sr: f64 = a[3].parse().unwrap();
    let threads: usize = a[4].parse().unwrap();
    let mode = a[5].as_str();
    let mut f = MeanShiftFilter::new(sp, sr);
    match mode {
        "seg" => (),
        "cv" => f = f.color(ColorSpace::Raw).like_opencv(),
        m => f = f.tol(m.parse().unwrap()),
    }
    if a.len() > 7 && mode != "seg" {
        f = f.kernel(a[7].parse().unwrap());
    }
    if mode == "seg" {
        let t = std::time::Instant::now();
        let mut s = MeanShiftSegmenter::new(sp, sr)
            .min_region(a[7].parse().unwrap())
            .fusion(a[8].parse().unwrap());
        if a[9] == "4" {
            s = s.connectivity(Connectivity::Four);
        }
        if a.len() > 10 {
            s = s.kernel(a[10].parse().unwrap());
        }
        let r = s.segment(&v, &Watch::default().threads(threads)).unwrap();
        println!(
            "{} regions, {:.3} s, {:.2} steps",
            r.n_regions(),
            t.elapsed().as_secs_f64(),
            r.filtered().steps() as f64 / v.pixels() as f64
        );
        let mp = r.mean_picture();
        image::RgbImage::from_raw(w, h, r.draw_boundaries(&v, &[255, 0, 0]).unwrap())
            .unwrap()
            .save(format!("{}_b.png", a[6]))
            .unwrap();
        image::RgbImage::from_raw(w, h, mp)
            .unwrap()
            .save(format!("{}_m.png", a[6]))
            .unwrap();
        return;
    }
    let mut best = f64::INFINITY;
    let mut out = None;
    for _ in 0..std::env::var("REPS").map_or(5, |r| r.parse().unwrap()) {
        let t = std::time::Instant::now();
        let r = f.filter(&v, &Watch::default().threads(threads)).unwrap();
        best = best.min(t.elapsed().as_secs_f64());
        out = Some(r);
    }
    let r = out.unwrap();
    println!(
        "{best:.3} s, {:.2} steps a pixel, {} unsettled, {:.1} ns a step",
        r.steps() as f64 / v.pixels() as f64,
        r.unsettled(),
        best * 1e9 / r.steps() as f64
    );
    image::RgbImage::from_raw(w, h, r.into_samples())
        .unwrap()
        .save(&a[6])
        .unwrap();
}
