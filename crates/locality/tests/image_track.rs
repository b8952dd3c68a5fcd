//! Tracking: OpenCV's figures (`oracle/cam_shift.py`), and a sequence made of the photos.

use locality::image::ImageView;
use locality::image::track::{
    Criteria, HistogramColor, TrackMethod, Tracker, Window, cam_shift, mean_shift,
};
use locality::{ErrorKind, Watch};

/// `picture` of the script.
fn picture(seed: i64) -> Vec<u8> {
    let mut state = seed * 7919 + 13;
    let (cx, cy) = (30 + seed * 17 % 60, 25 + seed * 11 % 40);
    let (a, b) = (8 + seed * 5 % 13, 5 + seed * 3 % 7);
    let tilt = seed * 29 % 17 - 8;
    let mut out = Vec::new();
    for y in 0..90 {
        for x in 0..120 {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            let noise = state >> 16;
            let (dx, dy) = (x - cx, y - cy);
            let (u, v) = (8 * dx + tilt * dy, 8 * dy - tilt * dx);
            let inside = u * u * b * b + v * v * a * a <= a * a * b * b * (64 + tilt * tilt);
            out.push(match (inside, noise % 23) {
                (true, _) => 120 + noise % 130,
                (false, 0) => noise % 40,
                _ => 0,
            } as u8);
        }
    }
    out
}

#[test]
fn windows_and_boxes_are_opencvs() {
    let mut lines = 0;
    for line in include_str!("oracle/cam_shift.txt").lines() {
        let n: Vec<f64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
        let window = |at: usize| {
            let [x, y, w, h] = [0, 1, 2, 3].map(|i| n[at + i] as i32);
            Window::new(x, y, w, h)
        };
        let p = picture(n[0] as i64);
        let float: Vec<f32> = p.iter().map(|p| f32::from(*p)).collect();
        let image = ImageView::new(&p, 90, 120, 1).unwrap();
        let criteria = Criteria {
            max_iter: n[5] as usize,
            epsilon: n[6],
        };
        let found = mean_shift(&image, window(1), criteria).unwrap();
        assert_eq!(found, (window(8), n[7] as usize), "{line}");
        let (cam, rotated) = cam_shift(&image, window(1), criteria).unwrap();
        assert_eq!(cam, window(12), "{line}");
        let rotated = rotated.unwrap();
        let [x, y] = rotated.center;
        let [w, h] = rotated.size;
        for (ours, theirs) in [x, y, w, h, rotated.angle].into_iter().zip(&n[16..21]) {
            assert!((ours - theirs).abs() < 2e-3, "{ours} {theirs}: {line}");
        }
        let same = cam_shift(
            &ImageView::new(&float, 90, 120, 1).unwrap(),
            window(1),
            criteria,
        );
        assert_eq!(same.unwrap(), (cam, Some(rotated)));
        lines += 1;
    }
    assert_eq!(lines, 24);
}

fn photo(name: &str) -> image::RgbImage {
    let path = format!("{}/../../data/{name}.png", env!("CARGO_MANIFEST_DIR"));
    image::open(path).unwrap().to_rgb8()
}

/// The saucer of the coffee photo wanders over the astronaut photo and grows: the frame and the object's true box.
fn frame(step: u32, background: &image::RgbImage, object: &image::RgbImage) -> (Vec<u8>, Window) {
    let share = f64::from(step) / 29.0;
    let scale = 0.20 + 0.10 * share;
    let (w, h) = (
        (f64::from(object.width()) * scale) as u32,
        (f64::from(object.height()) * scale) as u32,
    );
    let left = (30.0 + 260.0 * share) as u32;
    let top = (40.0 + 180.0 * share + 30.0 * (8.0 * share).sin()) as u32;
    let mut out = background.clone();
    for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
        let [dx, dy] =
            [(x, w), (y, h)].map(|(at, n)| 2.0 * (f64::from(at) + 0.5) / f64::from(n) - 1.0);
        if dx * dx + dy * dy <= 1.0 {
            let at = |at: u32| (f64::from(at) / scale) as u32;
            out[(left + x, top + y)] = object[(at(x), at(y))];
        }
    }
    let window = [left, top, w, h].map(u32::cast_signed);
    let [x, y, w, h] = window;
    (out.into_raw(), Window::new(x, y, w, h))
}

/// The mean and least overlap with the true box over 30 frames, and the least confidence. `blue`: with red and blue of the object
/// exchanged, as the photos are all of one hue.
fn follow(tracker: Tracker, blue: bool) -> (f64, f64, f64) {
    let background = photo("astronaut");
    let coffee = photo("coffee");
    // The cup and its saucer.
    let mut object = image::imageops::crop_imm(&coffee, 150, 60, 340, 260).to_image();
    if blue {
        object.pixels_mut().for_each(|p| p.0.swap(0, 2));
    }
    let (first, window) = frame(0, &background, &object);
    let (width, height) = (background.width() as usize, background.height() as usize);
    let image = ImageView::new(&first, height, width, 3).unwrap();
    let mut tracking = tracker.start(&image, window, &Watch::default()).unwrap();
    let (mut sum, mut least, mut sure) = (0.0, f64::INFINITY, f64::INFINITY);
    for step in 1..30 {
        let (samples, truth) = frame(step, &background, &object);
        let image = ImageView::new(&samples, height, width, 3).unwrap();
        let found = tracking.update(&image, &Watch::default()).unwrap();
        let overlap = found.window.overlap(&truth);
        sum += overlap;
        least = overlap.min(least);
        sure = found.confidence.min(sure);
    }
    (sum / 29.0, least, sure)
}

#[test]
fn an_object_is_followed_over_a_photo() {
    let mean_shift = Tracker::new().method(TrackMethod::MeanShift);
    for (name, tracker, blue, [mean_at_least, each_at_least]) in [
        ("camshift, hue", Tracker::new(), true, [0.5, 0.3]),
        (
            "camshift, lab",
            Tracker::new().histogram(HistogramColor::Lab, 12),
            true,
            [0.5, 0.3],
        ),
        (
            "mean shift, raw",
            mean_shift.histogram(HistogramColor::Raw, 16),
            false,
            [0.8, 0.7],
        ),
        (
            "mean shift, luv, no background",
            mean_shift
                .background(false)
                .histogram(HistogramColor::Luv, 16),
            false,
            [0.75, 0.65],
        ),
    ] {
        let (mean, least, sure) = follow(tracker, blue);
        println!("{name}: mean overlap {mean:.3}, least {least:.3}, confidence {sure:.3}");
        assert!(
            mean >= mean_at_least && least >= each_at_least,
            "{name}: {mean} {least}"
        );
    }
}

#[test]
fn mistakes_are_named() {
    let p = vec![0_u8; 12 * 10 * 3];
    let rgb = ImageView::new(&p, 10, 12, 3).unwrap();
    let grey = ImageView::new(&p[..120], 10, 12, 1).unwrap();
    let criteria = Criteria::default();
    let inside = Window::new(1, 1, 4, 4);
    let error = mean_shift(&rgb, inside, criteria).unwrap_err();
    assert!(error.to_string().contains("has 3 channels"), "{error}");
    for window in [
        Window::new(0, 0, 0, 5),
        Window::new(12, 0, 3, 3),
        Window::new(-9, 2, 9, 3),
    ] {
        let error = cam_shift(&grey, window, criteria).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(
            error.to_string().contains("overlaps the 12 x 10 picture"),
            "{error}"
        );
    }
    // No probability: the window stays, and there is no box.
    let (window, rotated) = cam_shift(&grey, inside, criteria).unwrap();
    assert_eq!((window, rotated), (Window::new(0, 0, 12, 10), None));
    let none = Criteria {
        max_iter: 0,
        ..criteria
    };
    assert!(mean_shift(&grey, inside, none).is_err());
    // Black has no hue.
    let watch = Watch::default();
    let error = Tracker::new().start(&rgb, inside, &watch).unwrap_err();
    assert!(error.to_string().contains("has a hue"), "{error}");
    let error = Tracker::new().start(&grey, inside, &watch).unwrap_err();
    assert!(
        error.to_string().contains("needs 3 colour channels"),
        "{error}"
    );
    let raw = Tracker::new().histogram(HistogramColor::Raw, 8);
    let mut tracking = raw.start(&rgb, inside, &watch).unwrap();
    let error = tracking.update(&grey, &watch).unwrap_err();
    assert!(error.to_string().contains("tracking started on"), "{error}");
    let many = Tracker::new().histogram(HistogramColor::Raw, 4000);
    assert!(
        many.start(&rgb, inside, &watch)
            .unwrap_err()
            .to_string()
            .starts_with("bins is 4000")
    );
}

/// A square of one colour, at `side` and moving.
fn square(step: i32, side: i32) -> Vec<u8> {
    let at = 50 + step;
    let mut out = Vec::with_capacity(240 * 320 * 3);
    for y in 0..240 {
        for x in 0..320 {
            let inside = (at..at + side).contains(&x) && (at..at + side).contains(&y);
            out.extend_from_slice(if inside {
                &[220, 30, 20]
            } else {
                &[90, 100, 95]
            });
        }
    }
    out
}

/// Any part of an object of one colour is as like it as the whole; the colours around it tell where it ends.
#[test]
fn mean_shift_follows_the_size_of_an_object_of_one_colour() {
    for (side, grows) in [(20, 1), (50, -1)] {
        let tracker = Tracker::new()
            .method(TrackMethod::MeanShift)
            .histogram(HistogramColor::Raw, 16);
        let first = square(0, side);
        let image = ImageView::new(&first, 240, 320, 3).unwrap();
        let window = Window::new(50, 50, side, side);
        let watch = Watch::default();
        let mut tracking = tracker.start(&image, window, &watch).unwrap();
        for step in 1..35 {
            let now = side + grows * step * 2 / 3;
            let samples = square(step, now);
            let image = ImageView::new(&samples, 240, 320, 3).unwrap();
            let found = tracking.update(&image, &watch).unwrap();
            let truth = Window::new(50 + step, 50 + step, now, now);
            let overlap = found.window.overlap(&truth);
            assert!(
                overlap > 0.6,
                "{side} {grows}, step {step}: {overlap}, {found:?}"
            );
        }
    }
}
