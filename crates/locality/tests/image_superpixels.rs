//! Superpixels against scikit-image's labels (`oracle/quickshift.py`), a plain double loop, and their laws.

use locality::image::{ColorSpace, Connectivity, ImageView, Partition, Superpixels};
use locality::{ErrorKind, Watch};
use locality_testing::Rng;

const WIDTH: usize = 120;
const HEIGHT: usize = 100;

fn piece(name: &str, grey: bool) -> Vec<u8> {
    let path = format!("{}/../../data/{name}.png", env!("CARGO_MANIFEST_DIR"));
    let rgb = image::open(path).unwrap().to_rgb8();
    let mut out = Vec::new();
    for (y, x) in (20..120).flat_map(|y| (180..300).map(move |x| (y, x))) {
        let [r, g, b] = rgb[(x, y)].0.map(u32::from);
        if grey {
            // Pillow's luma.
            out.push(((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8);
        } else {
            out.extend([r, g, b].map(|c| c as u8));
        }
    }
    out
}

fn theirs(name: &str) -> Vec<u32> {
    let path = format!(
        "{}/tests/oracle/quickshift_{name}.png",
        env!("CARGO_MANIFEST_DIR")
    );
    let labels = image::open(path).unwrap().to_luma16();
    labels.into_raw().into_iter().map(u32::from).collect()
}

fn ours(superpixels: Superpixels, samples: &[u8]) -> Vec<u32> {
    let image = ImageView::new(samples, HEIGHT, WIDTH, samples.len() / HEIGHT / WIDTH).unwrap();
    let found = superpixels.segment(&image, &Watch::default()).unwrap();
    found.labels().to_vec()
}

/// The share of pixels that lie in the part common to a region of `a` and the region of `b` that it overlaps most.
fn agreement(a: &[u32], b: &[u32]) -> f64 {
    let mut common = std::collections::HashMap::new();
    for pair in a.iter().zip(b) {
        *common.entry(pair).or_insert(0_usize) += 1;
    }
    let mut best = std::collections::HashMap::new();
    for ((a, _), n) in common {
        let best = best.entry(a).or_insert(0);
        *best = n.max(*best);
    }
    best.values().sum::<usize>() as f64 / a.len() as f64
}

#[test]
fn raw_labels_are_scikit_images_without_its_noise() {
    let raw = |ratio: f64, size: f64, dist: f64| {
        Superpixels::new(size, dist)
            .ratio(ratio / 255.0)
            .color(ColorSpace::Raw)
    };
    let found = ours(raw(100.0, 3.0, 6.0), &piece("astronaut", false));
    assert!(
        found == theirs("raw"),
        "{}",
        agreement(&found, &theirs("raw"))
    );
    // Many grey levels are equally far from others, so rounding decides: by quarters there is none.
    let found = ours(raw(63.75, 2.0, 12.0), &piece("coffee", true));
    assert!(
        found == theirs("grey"),
        "{}",
        agreement(&found, &theirs("grey"))
    );
}

#[test]
fn lab_labels_are_scikit_images_up_to_its_digits_of_the_white_point() {
    for (name, photo, parameters, least) in [
        ("lab", "coffee", Superpixels::new(5.0, 10.0), 0.99),
        (
            "smooth",
            "astronaut",
            Superpixels::new(2.0, 8.0).ratio(0.5).sigma(1.0),
            0.99,
        ),
    ] {
        let found = ours(parameters, &piece(photo, false));
        let same = agreement(&found, &theirs(name));
        println!("{name}: {same}");
        assert!(same >= least, "{name}: {same}");
    }
}

/// Brute force, in whole.
fn plain(samples: &[f32], (height, width): (usize, usize), size: f64, dist: f64) -> Vec<u32> {
    plain_stack(samples, (1, height, width), size, dist, 1.0)
}

/// The same of frames so many pixels apart.
fn plain_stack(
    samples: &[f32],
    (frames, height, width): (usize, usize, usize),
    size: f64,
    dist: f64,
    depth: f64,
) -> Vec<u32> {
    let channels = samples.len() / frames / height / width;
    let reach = (3.0 * size).ceil() as usize;
    let before = (3.0 * size / depth).ceil() as usize;
    let row = |a: usize| a / width % height;
    let frame = |a: usize| a / width / height;
    let near = |a: usize, b: usize| {
        row(a).abs_diff(row(b)) <= reach
            && (a % width).abs_diff(b % width) <= reach
            && frame(a).abs_diff(frame(b)) <= before
    };
    let d2 = |a: usize, b: usize| {
        let color: f64 = (0..channels)
            .map(|k| f64::from(samples[a * channels + k]) - f64::from(samples[b * channels + k]))
            .map(|d| d * d)
            .sum();
        let (dy, dx) = (row(a).abs_diff(row(b)), (a % width).abs_diff(b % width));
        let dt = frame(a).abs_diff(frame(b)) as f64 * depth;
        color + dt * dt + (dy * dy) as f64 + (dx * dx) as f64
    };
    let n = frames * height * width;
    let density: Vec<f64> = (0..n)
        .map(|i| {
            let others = (0..n).filter(|&j| near(i, j));
            others.map(|j| (-0.5 * d2(i, j) / size / size).exp()).sum()
        })
        .collect();
    let denser =
        |j: usize, i: usize| density[j] > density[i] || (density[j] >= density[i] && j < i);
    let parent: Vec<usize> = (0..n)
        .map(|i| {
            let above = (0..n).filter(|&j| near(i, j) && denser(j, i) && d2(i, j).sqrt() <= dist);
            above
                .min_by(|&a, &b| d2(i, a).total_cmp(&d2(i, b)).then(a.cmp(&b)))
                .unwrap_or(i)
        })
        .collect();
    let root = |mut i: usize| {
        while parent[i] != i {
            i = parent[i];
        }
        i
    };
    let ends: Vec<usize> = (0..n).filter(|&i| parent[i] == i).collect();
    (0..n)
        .map(|i| ends.binary_search(&root(i)).unwrap() as u32)
        .collect()
}

#[test]
fn any_number_of_channels_by_brute_force() {
    for (channels, size, dist) in [(1, 1.3, 4.0), (2, 0.7, 9.0), (5, 2.0, 3.5)] {
        let (height, width) = (17, 21);
        let mut r = Rng::new(channels as u64);
        let samples: Vec<f32> = (0..height * width * channels)
            .map(|i| (4.0 * r.uniform()) as f32 + if i / channels % width > 9 { 3.0 } else { 0.0 })
            .collect();
        let image = ImageView::new(&samples, height, width, channels).unwrap();
        let parameters = Superpixels::new(size, dist).color(ColorSpace::Raw);
        for threads in [1, 3] {
            let found = parameters
                .segment(&image, &Watch::default().threads(threads))
                .unwrap();
            assert_eq!(
                found.labels(),
                plain(&samples, (height, width), size, dist),
                "{channels}"
            );
        }
    }
}

#[test]
fn stacks_by_brute_force() {
    for (frames, size, dist, depth) in [(3, 1.0, 4.0, 1.0), (5, 0.8, 3.0, 1.5), (4, 0.5, 6.0, 0.5)]
    {
        let (height, width) = (9, 18);
        let mut r = Rng::new(frames as u64);
        let samples: Vec<f32> = (0..frames * height * width)
            .map(|i| (4.0 * r.uniform()) as f32 + if i % width > 9 { 3.0 } else { 0.0 })
            .collect();
        let image = ImageView::stack(&samples, frames, height, width, 1).unwrap();
        let parameters = Superpixels::new(size, dist)
            .color(ColorSpace::Raw)
            .depth(depth);
        let shape = (frames, height, width);
        for threads in [1, 3] {
            let watch = Watch::default().threads(threads);
            let found = parameters.segment(&image, &watch).unwrap();
            let asked = plain_stack(&samples, shape, size, dist, depth);
            assert_eq!(found.labels(), asked, "{frames}");
            assert_eq!(found.frames(), frames);
        }
    }
}

/// Smoothed by a Gaussian along one axis, mirrored at the ends, in plain loops.
fn smoothed(x: &[f64], (before, length, after): (usize, usize, usize), sigma: f64) -> Vec<f64> {
    let reach = (4.0 * sigma + 0.5) as isize;
    let weight = |s: isize| (-0.5 * (s as f64 / sigma).powi(2)).exp();
    let total: f64 = (-reach..=reach).map(weight).sum();
    let mut out = vec![0.0; x.len()];
    for b in 0..before {
        for l in 0..length {
            for a in 0..after {
                let at = |l: usize| (b * length + l) * after + a;
                for step in -reach..=reach {
                    let to = (l as isize + step).rem_euclid(2 * length as isize) as usize;
                    let to = if to < length { to } else { 2 * length - 1 - to };
                    out[at(l)] += weight(step) / total * x[at(to)];
                }
            }
        }
    }
    out
}

#[test]
fn smoothing_goes_along_frames_by_brute_force() {
    let (frames, height, width) = (5, 9, 14);
    let mut r = Rng::new(31);
    // Frames that change more than what is in them.
    let samples: Vec<f32> = (0..frames * height * width)
        .map(|i| (3.0 * r.uniform()) as f32 + [0.0, 9.0, 1.0, 7.0, 12.0][i / height / width])
        .collect();
    let image = ImageView::stack(&samples, frames, height, width, 1).unwrap();
    let (size, dist, sigma) = (1.0, 4.0, 0.8);
    let parameters = Superpixels::new(size, dist)
        .color(ColorSpace::Raw)
        .sigma(sigma);
    let found = parameters.segment(&image, &Watch::default()).unwrap();
    let wide: Vec<f64> = samples.iter().map(|x| f64::from(*x)).collect();
    let wide = smoothed(&wide, (1, frames, height * width), sigma);
    let wide = smoothed(&wide, (frames, height, width), sigma);
    let wide = smoothed(&wide, (frames * height, width, 1), sigma);
    let smooth: Vec<f32> = wide.iter().map(|x| *x as f32).collect();
    let shape = (frames, height, width);
    assert_eq!(found.labels(), plain_stack(&smooth, shape, size, dist, 1.0));
}

#[test]
fn far_frames_are_pictures_of_their_own() {
    let mut r = Rng::new(3);
    let samples: Vec<u8> = (0..3 * 12 * 14 * 3)
        .map(|_| (80.0 * r.uniform()) as u8)
        .collect();
    let watch = Watch::default();
    let stack = ImageView::stack(&samples, 3, 12, 14, 3).unwrap();
    let far = Superpixels::new(1.5, 6.0).depth(100.0);
    let found = far.segment(&stack, &watch).unwrap();
    let mut before = 0;
    for (frame, labels) in samples
        .chunks(12 * 14 * 3)
        .zip(found.labels().chunks(12 * 14))
    {
        let image = ImageView::new(frame, 12, 14, 3).unwrap();
        let alone = Superpixels::new(1.5, 6.0).segment(&image, &watch).unwrap();
        let shifted: Vec<u32> = alone.labels().iter().map(|l| l + before).collect();
        assert_eq!(labels, shifted);
        before += alone.n_regions() as u32;
    }
    // Smoothed across frames, what stands still stays still.
    let still: Vec<u8> = samples[..12 * 14 * 3].repeat(4);
    let stack = ImageView::stack(&still, 4, 12, 14, 3).unwrap();
    let near = Superpixels::new(1.5, 6.0)
        .sigma(0.8)
        .segment(&stack, &watch);
    let near = near.unwrap();
    assert!(
        near.n_regions() < 4 * found.n_regions() / 3,
        "{}",
        near.n_regions()
    );
}

#[test]
fn regions_that_touch_are_told_with_the_length_of_their_boundary() {
    let mut r = Rng::new(8);
    let labels: Vec<u32> = (0..2 * 5 * 6).map(|_| r.below(5) as u32).collect();
    let samples = [0_u8; 60];
    for (connectivity, corners) in [(Connectivity::Four, false), (Connectivity::Eight, true)] {
        let stack = ImageView::stack(&samples, 2, 5, 6, 1).unwrap();
        let found = Partition::new(&stack, &labels, ColorSpace::Raw, &Watch::default()).unwrap();
        let mut asked = std::collections::BTreeMap::new();
        for a in 0..60 {
            for b in a + 1..60 {
                let off = [30, 6, 1].map(|unit: usize| (a / unit, b / unit));
                let off = [
                    off[0].0.abs_diff(off[0].1),
                    (off[1].0 % 5).abs_diff(off[1].1 % 5),
                    (off[2].0 % 6).abs_diff(off[2].1 % 6),
                ];
                let near =
                    off.iter().all(|o| *o < 2) && (corners || off.iter().sum::<usize>() == 1);
                let pair = [labels[a].min(labels[b]), labels[a].max(labels[b])];
                if near && pair[0] != pair[1] {
                    *asked.entry(pair).or_insert(0_usize) += 1;
                }
            }
        }
        assert_eq!(
            found.adjacency(connectivity),
            asked.into_iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn clear_pixels_influence_no_other() {
    let mut r = Rng::new(4);
    let mut rgba: Vec<u8> = (0..15 * 18 * 4)
        .map(|_| (60.0 + 40.0 * r.uniform()) as u8)
        .collect();
    for (i, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        pixel[3] = if i % 18 > 11 { 0 } else { 255 };
    }
    let mut other = rgba.clone();
    for pixel in other.chunks_exact_mut(4).filter(|p| p[3] == 0) {
        pixel[..3].fill(200);
    }
    for sigma in [0.0, 1.2] {
        let parameters = Superpixels::new(2.0, 5.0).sigma(sigma);
        let labels = |samples: &[u8]| {
            let image = ImageView::new(samples, 15, 18, 4)
                .unwrap()
                .with_alpha()
                .unwrap();
            parameters
                .segment(&image, &Watch::default())
                .unwrap()
                .labels()
                .to_vec()
        };
        let found = labels(&rgba);
        assert_eq!(found, labels(&other));
        for (i, label) in found.iter().enumerate() {
            let opaque = rgba[4 * i + 3] > 0;
            assert!(
                (0..found.len()).all(|j| found[j] != *label || (rgba[4 * j + 3] > 0) == opaque)
            );
        }
    }
}

#[test]
fn mistakes_are_named() {
    let samples = [0_u8; 12];
    let image = ImageView::new(&samples, 2, 2, 3).unwrap();
    for (parameters, text) in [
        (Superpixels::new(0.0, 1.0), "kernel_size is 0"),
        (Superpixels::new(f64::NAN, 1.0), "kernel_size is NaN"),
        (Superpixels::new(1.0, -2.0), "max_dist is -2"),
        (
            Superpixels::new(1.0, 2.0).sigma(f64::INFINITY),
            "sigma is inf",
        ),
        (Superpixels::new(1.0, 2.0).ratio(0.0), "ratio is 0"),
    ] {
        let error = parameters.segment(&image, &Watch::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().starts_with(text), "{error}");
    }
    // No limit on links, and a limit that no link passes.
    let whole = Superpixels::new(1.0, f64::INFINITY)
        .segment(&image, &Watch::default())
        .unwrap();
    assert_eq!(whole.n_regions(), 1);
    let single = Superpixels::new(1.0, 0.5)
        .segment(&image, &Watch::default())
        .unwrap();
    assert_eq!(single.labels(), [0, 1, 2, 3]);
    let error = Superpixels::new(1.0, 1.0)
        .depth(-1.0)
        .segment(&image, &Watch::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert!(error.to_string().starts_with("depth is -1"), "{error}");
}
