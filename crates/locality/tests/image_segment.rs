//! Laws of the segmentation, and its figures on the real photos.

use std::collections::VecDeque;

use locality::image::{
    ColorSpace, Connectivity, ImageView, MeanShiftFilter, MeanShiftSegmenter, Segmentation,
};
use locality::{ErrorKind, Watch};
use locality_testing::Rng;

fn photo(name: &str) -> (Vec<u8>, usize, usize) {
    let path = format!("{}/../../data/{name}.png", env!("CARGO_MANIFEST_DIR"));
    let rgb = image::open(path).unwrap().to_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    (rgb.into_raw(), height, width)
}

fn neighbors(i: usize, height: usize, width: usize, eight: bool) -> Vec<usize> {
    let (x, y) = ((i % width) as isize, (i / width) as isize);
    let mut out = Vec::new();
    for (dx, dy) in [
        (1, 0),
        (-1, 0),
        (0, 1),
        (0, -1),
        (1, 1),
        (1, -1),
        (-1, 1),
        (-1, -1),
    ] {
        let (x, y) = (x + dx, y + dy);
        if (eight || dx == 0 || dy == 0)
            && (0..width as isize).contains(&x)
            && (0..height as isize).contains(&y)
        {
            out.push(y as usize * width + x as usize);
        }
    }
    out
}

/// What must hold of any segmentation.
fn check_laws(found: &Segmentation<u8>, min_region: usize, eight: bool) {
    let (height, width) = (found.height(), found.width());
    let labels = found.labels();
    assert_eq!(labels.len(), height * width);
    let mut sizes = vec![0_usize; found.n_regions()];
    for &l in labels {
        sizes[l as usize] += 1;
    }
    assert_eq!(sizes, found.sizes());
    assert!(found.n_regions() == 1 || sizes.iter().all(|&s| s >= min_region));
    // Numbered in scan order, and each label is one connected region.
    let mut seen = vec![false; labels.len()];
    let mut next = 0;
    for start in 0..labels.len() {
        if seen[start] {
            continue;
        }
        assert_eq!(
            labels[start], next,
            "pixel {start} begins another piece or is out of order"
        );
        next += 1;
        let mut queue = VecDeque::from([start]);
        seen[start] = true;
        while let Some(i) = queue.pop_front() {
            for j in neighbors(i, height, width, eight) {
                if !seen[j] && labels[j] == labels[i] {
                    seen[j] = true;
                    queue.push_back(j);
                }
            }
        }
    }
    assert_eq!(next as usize, found.n_regions());
}

/// The mean difference of two pictures' samples.
fn distance(a: &[u8], b: &[u8]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, &b)| f64::from(a.abs_diff(b))).sum::<f64>() / a.len() as f64
}

#[test]
fn the_photos_fall_into_a_sensible_number_of_regions() {
    for (name, range) in [("astronaut", 180..=250), ("coffee", 70..=110)] {
        let (rgb, height, width) = photo(name);
        let image = ImageView::new(&rgb, height, width, 3).unwrap();
        let segmenter = MeanShiftSegmenter::new(10.0, 10.0).min_region(100);
        let found = segmenter
            .segment(&image, &Watch::default().threads(1))
            .unwrap();
        assert!(
            range.contains(&found.n_regions()),
            "{name}: {}",
            found.n_regions()
        );
        check_laws(&found, 100, true);
        let again = segmenter
            .segment(&image, &Watch::default().threads(2))
            .unwrap();
        assert_eq!(found, again, "{name}: threads change the result");
        // The picture of means is far nearer to the photo than one colour for all would be.
        let error = distance(&found.mean_picture(), &rgb);
        let pixels = rgb.len() / 3;
        let all: Vec<u8> = (0..3)
            .map(|k| {
                rgb[k..]
                    .iter()
                    .step_by(3)
                    .map(|&c| usize::from(c))
                    .sum::<usize>()
                    / pixels
            })
            .map(|mean| mean as u8)
            .collect();
        let plain = distance(&all.repeat(pixels), &rgb);
        assert!(
            error < 0.4 * plain,
            "{name}: mean error {error}, {plain} for one colour"
        );
    }
}

#[test]
fn the_filter_equals_opencv_bit_for_bit() {
    for line in include_str!("oracle/opencv_mean_shift.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let (rgb, height, width) = photo(fields[0]);
        let image = ImageView::new(&rgb, height, width, 3).unwrap();
        let filter = MeanShiftFilter::new(fields[1].parse().unwrap(), fields[2].parse().unwrap())
            .color(ColorSpace::Raw)
            .like_opencv();
        let found = filter.filter(&image, &Watch::default()).unwrap();
        let hash = found
            .samples()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, &s| {
                (h ^ u64::from(s)).wrapping_mul(0x100_0000_01b3)
            });
        assert_eq!(format!("{hash:016x}"), fields[3], "{line}");
    }
}

#[test]
fn laws_hold_on_noise_for_all_settings() {
    let mut r = Rng::new(9);
    let (height, width) = (40, 33);
    let rgb: Vec<u8> = (0..height * width * 3)
        .map(|i| if i % 3 == 0 { 10 * r.below(20) } else { 30 * r.below(3) } as u8)
        .collect();
    let image = ImageView::new(&rgb, height, width, 3).unwrap();
    for (connectivity, eight) in [(Connectivity::Four, false), (Connectivity::Eight, true)] {
        for min_region in [0, 1, 2, 7, 60, 5000] {
            for fusion in [0.0, 0.5, 1.0] {
                let found = MeanShiftSegmenter::new(3.0, 12.0)
                    .min_region(min_region)
                    .fusion(fusion)
                    .connectivity(connectivity)
                    .segment(&image, &Watch::default())
                    .unwrap();
                check_laws(&found, min_region, eight);
                assert_eq!(found.n_regions() == 1, min_region == 5000);
            }
        }
    }
}

fn grey(samples: &[u8], height: usize, segmenter: MeanShiftSegmenter) -> Segmentation<u8> {
    let image = ImageView::new(samples, height, samples.len() / height, 1).unwrap();
    segmenter.segment(&image, &Watch::default()).unwrap()
}

#[test]
fn a_small_region_goes_to_the_neighbor_nearest_in_color() {
    let row = [10, 10, 10, 90, 90, 120, 120, 120];
    let s = MeanShiftSegmenter::new(2.0, 5.0);
    assert_eq!(
        grey(&row, 1, s.min_region(1)).labels(),
        [0, 0, 0, 1, 1, 2, 2, 2]
    );
    let found = grey(&row, 1, s.min_region(3));
    assert_eq!(found.labels(), [0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(found.sizes(), [3, 5]);
    assert_eq!(found.region_colors(), [10.0, 108.0]);
    assert_eq!(found.mean_picture(), [10, 10, 10, 108, 108, 108, 108, 108]);
    // Equal distances: the first neighbour.
    let tie = grey(&[10, 10, 10, 50, 90, 90, 90], 1, s.min_region(3));
    assert_eq!(tie.labels(), [0, 0, 0, 0, 1, 1, 1]);
}

#[test]
fn diagonals_join_only_with_eight_neighbors() {
    let samples = [9, 200, 200, 200, 9, 200, 200, 200, 9];
    let s = MeanShiftSegmenter::new(2.0, 5.0).min_region(1);
    let eight = grey(&samples, 3, s.connectivity(Connectivity::Eight));
    assert_eq!(eight.labels(), [0, 1, 1, 1, 0, 1, 1, 1, 0]);
    let four = grey(&samples, 3, s.connectivity(Connectivity::Four));
    assert_eq!(four.labels(), [0, 1, 1, 2, 3, 1, 2, 2, 4]);
}

#[test]
fn boundaries_lie_between_regions() {
    let samples = [9, 9, 200, 9, 9, 200, 60, 60, 60];
    let found = grey(&samples, 3, MeanShiftSegmenter::new(1.0, 5.0).min_region(1));
    let on: Vec<usize> = found.boundaries().iter().map(|&b| usize::from(b)).collect();
    assert_eq!(on, [0, 1, 0, 1, 1, 1, 0, 0, 0]);
    let image = ImageView::new(&samples, 3, 3, 1).unwrap();
    let drawn = found.draw_boundaries(&image, &[255]).unwrap();
    assert_eq!(drawn, [9, 255, 200, 255, 255, 255, 60, 60, 60]);
    let e = found.draw_boundaries(&image, &[255, 0, 0]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
    let other = ImageView::new(&samples, 1, 9, 1).unwrap();
    assert_eq!(
        found.draw_boundaries(&other, &[255]).unwrap_err().kind(),
        ErrorKind::Shape
    );
}

#[test]
fn transparent_pixels_are_a_region_of_their_own() {
    // Grey and alpha, one row: opaque 10s, transparent 10s, opaque 10s.
    let samples = [10_u8, 255, 10, 255, 10, 0, 77, 0, 10, 255, 10, 255];
    let image = ImageView::new(&samples, 1, 6, 2)
        .unwrap()
        .with_alpha()
        .unwrap();
    let found = MeanShiftSegmenter::new(5.0, 5.0)
        .min_region(1)
        .segment(&image, &Watch::default())
        .unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 1, 2, 2]);
    assert_eq!(found.mean_picture(), samples);
    let merged = MeanShiftSegmenter::new(5.0, 5.0)
        .min_region(3)
        .segment(&image, &Watch::default())
        .unwrap();
    assert!(merged.sizes().iter().all(|&s| s >= 3));
    assert!(merged.region_colors().iter().all(|c| c.is_finite()));
}

#[test]
fn one_pixel_and_bad_fusion() {
    let found = grey(&[7], 1, MeanShiftSegmenter::new(10.0, 10.0));
    assert_eq!((found.labels(), found.n_regions()), (&[0_u32][..], 1));
    assert_eq!(found.boundaries(), [false]);
    let image = ImageView::new(&[7_u8], 1, 1, 1).unwrap();
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let s = MeanShiftSegmenter::new(10.0, 10.0).fusion(bad);
        let e = s.segment(&image, &Watch::default()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Parameter);
        assert!(e.to_string().contains("fusion"));
    }
}
