//! Laws of the mean-shift filter, against a plain double loop in f64.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use locality::image::{ColorSpace, ImageKernel, ImageView, MeanShiftFilter, Sample};
use locality::{ErrorKind, Watch};
use locality_testing::Rng;

const KERNELS: [ImageKernel; 4] = [
    ImageKernel::Flat,
    ImageKernel::Disk,
    ImageKernel::Epanechnikov,
    ImageKernel::Gaussian,
];

fn noise(seed: u64, n: usize, scale: f64) -> Vec<f32> {
    let mut r = Rng::new(seed);
    (0..n).map(|_| (r.uniform() * scale) as f32).collect()
}

/// A picture of slopes and edges with noise, 8 bits.
fn picture(seed: u64, height: usize, width: usize, channels: usize) -> Vec<u8> {
    let mut r = Rng::new(seed);
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let edge = if x + y > usize::midpoint(height, width) {
                120.0
            } else {
                0.0
            };
            for k in 0..channels {
                out.push((20.0 + edge + (x * (k + 1)) as f64 + 12.0 * r.uniform()) as u8);
            }
        }
    }
    out
}

fn filter<T: Sample>(
    f: MeanShiftFilter,
    samples: &[T],
    (height, width, channels): (usize, usize, usize),
) -> locality::image::Filtered<T> {
    let image = ImageView::new(samples, height, width, channels).unwrap();
    f.filter(&image, &Watch::default()).unwrap()
}

/// One step of the definition: weighted means of position and colour over all pixels. `None` where a pixel lies on the rim of
/// the disk, as far as single precision can tell, though the state is between pixels: rounding decides then.
fn plain_step(
    kernel: ImageKernel,
    (hs, hr): (f64, f64),
    samples: &[f32],
    (height, width, channels): (usize, usize, usize),
    state: &[f64],
) -> Option<Vec<f64>> {
    let between = state[0].fract() != 0.0 || state[1].fract() != 0.0;
    let mut sums = vec![0.0; 2 + channels];
    let mut total = 0.0;
    for y in 0..height {
        for x in 0..width {
            let mut site = vec![x as f64, y as f64];
            let pixel = (y * width + x) * channels;
            site.extend(
                samples[pixel..pixel + channels]
                    .iter()
                    .map(|&c| f64::from(c)),
            );
            let d: Vec<f64> = site.iter().zip(state).map(|(a, b)| a - b).collect();
            let (dx, dy) = (d[0].abs(), d[1].abs());
            let space = (dx * dx + dy * dy) / (hs * hs);
            let range = d[2..].iter().map(|d| d * d).sum::<f64>() / (hr * hr);
            let on_rim = kernel == ImageKernel::Disk && (space - 1.0).abs() < 1e-5;
            if between && on_rim {
                return None;
            }
            let weight = match kernel {
                ImageKernel::Flat if dx <= hs && dy <= hs && range <= 1.0 => 1.0,
                ImageKernel::Disk if space <= 1.0 && range <= 1.0 => 1.0,
                ImageKernel::Epanechnikov => (1.0 - space).max(0.0) * (1.0 - range).max(0.0),
                ImageKernel::Gaussian if dx <= 3.0 * hs && dy <= 3.0 * hs && range <= 9.0 => {
                    (-0.5 * (space + range)).exp()
                }
                _ => 0.0,
            };
            total += weight;
            for (sum, s) in sums.iter_mut().zip(&site) {
                *sum += weight * s;
            }
        }
    }
    Some(sums.iter().map(|s| s / total).collect())
}

#[test]
fn modes_equal_a_plain_double_loop() {
    for kernel in KERNELS {
        // Sizes straddle vectors; 1, 3 and 4 channels have code of their own.
        for (channels, height, width) in [(1, 7, 37), (2, 9, 8), (3, 12, 19), (4, 5, 33), (6, 8, 9)]
        {
            let samples = noise(11 + channels as u64, height * width * channels, 30.0);
            let shape = (height, width, channels);
            let (hs, hr) = (3.0, 14.0);
            let f = MeanShiftFilter::new(hs, hr)
                .kernel(kernel)
                .color(ColorSpace::Raw)
                .max_iter(4)
                .tol(0.0);
            let found = filter(f, &samples, shape);
            let (mut worst, mut compared) = (0.0_f64, 0);
            for i in 0..height * width {
                let mut state = vec![(i % width) as f64, (i / width) as f64];
                let own = &samples[i * channels..(i + 1) * channels];
                state.extend(own.iter().map(|&c| f64::from(c)));
                let end = (0..4).try_fold(state, |state, _| {
                    plain_step(kernel, (hs, hr), &samples, shape, &state)
                });
                let Some(state) = end else { continue };
                compared += 1;
                let [x, y] = found.mode_positions()[i];
                let colors = &found.mode_colors()[i * channels..(i + 1) * channels];
                let all = [x, y].into_iter().chain(colors.iter().copied());
                for (a, b) in all.zip(&state) {
                    worst = worst.max((f64::from(a) - b).abs());
                }
            }
            assert!(worst < 2e-4, "{kernel}, {channels} channels: {worst}");
            assert!(
                4 * compared >= 3 * height * width,
                "{kernel}: {compared} compared"
            );
        }
    }
}

#[test]
fn a_constant_image_is_a_fixed_point() {
    for kernel in KERNELS {
        for channels in [1, 2, 3, 4, 7] {
            let samples = vec![77_u8; 9 * 21 * channels];
            let f = MeanShiftFilter::new(4.0, 5.0).kernel(kernel);
            let found = filter(f, &samples, (9, 21, channels));
            assert_eq!(found.samples(), samples, "{kernel}, {channels} channels");
            assert_eq!(found.unsettled(), 0);
        }
    }
}

#[test]
fn a_huge_range_gives_the_spatial_mean() {
    let (height, width) = (6, 20);
    let samples = noise(5, height * width, 200.0);
    let f = MeanShiftFilter::new(1.5, 1e6)
        .kernel(ImageKernel::Gaussian)
        .max_iter(1);
    let found = filter(f, &samples, (height, width, 1));
    for i in 0..height * width {
        let (x, y) = ((i % width) as f64, (i / width) as f64);
        let (mut sum, mut total) = (0.0, 0.0);
        for (j, &c) in samples.iter().enumerate() {
            let (dx, dy) = ((j % width) as f64 - x, (j / width) as f64 - y);
            if dx.abs() <= 4.5 && dy.abs() <= 4.5 {
                let w = (-(dx * dx + dy * dy) / 4.5).exp();
                sum += w * f64::from(c);
                total += w;
            }
        }
        let mean = sum / total;
        assert!(
            (f64::from(found.samples()[i]) - mean).abs() < 1e-3,
            "pixel {i}"
        );
    }
    assert_eq!(found.unsettled(), height * width);
}

#[test]
fn swapping_channels_swaps_the_result() {
    let shape = (15, 18, 3);
    let samples = noise(3, 15 * 18 * 3, 50.0);
    let swap = |v: &[f32]| -> Vec<f32> { v.chunks(3).flat_map(|c| [c[2], c[0], c[1]]).collect() };
    let f = MeanShiftFilter::new(4.0, 20.0).color(ColorSpace::Raw);
    let a = swap(filter(f, &samples, shape).samples());
    let b = filter(f, &swap(&samples), shape);
    for (a, b) in a.iter().zip(b.samples()) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let samples = picture(8, 70, 90, 3);
    let image = ImageView::new(&samples, 70, 90, 3).unwrap();
    for kernel in KERNELS {
        let f = MeanShiftFilter::new(5.0, 9.0).kernel(kernel);
        let one = f.filter(&image, &Watch::default().threads(1)).unwrap();
        for threads in [2, 3] {
            let more = f
                .filter(&image, &Watch::default().threads(threads))
                .unwrap();
            assert_eq!(one, more, "{kernel}, {threads} threads");
        }
    }
}

#[test]
fn eight_and_sixteen_bits_agree() {
    let eight = picture(2, 16, 20, 3);
    let sixteen: Vec<u16> = eight.iter().map(|&s| u16::from(s) * 257).collect();
    for color in [ColorSpace::Luv, ColorSpace::Lab, ColorSpace::Raw] {
        let f = MeanShiftFilter::new(4.0, 10.0).color(color);
        let (a, b) = (
            filter(f, &eight, (16, 20, 3)),
            filter(f, &sixteen, (16, 20, 3)),
        );
        for (a, b) in a.samples().iter().zip(b.samples()) {
            assert!(
                (i32::from(*a) * 257 - i32::from(*b)).abs() <= 130,
                "{a} {b}"
            );
        }
    }
}

#[test]
fn a_huge_spatial_bandwidth_means_the_whole_image() {
    let samples = picture(4, 20, 24, 3);
    let shape = (20, 24, 3);
    let of = |spatial: f64| filter(MeanShiftFilter::new(spatial, 8.0).tol(0.0), &samples, shape);
    assert_eq!(of(100.0).samples(), of(1e15).samples());
    // Windows of more rows and columns than one block of single-precision sums.
    let wide = picture(4, 100, 300, 1);
    let mean = wide.iter().map(|&s| f64::from(s)).sum::<f64>() / 30_000.0;
    let f = MeanShiftFilter::new(1e4, 1e4).max_iter(1);
    let found = filter(f, &wide, (100, 300, 1));
    assert!((f64::from(found.mode_colors()[77]) - mean).abs() < 1e-4);
    let [x, y] = found.mode_positions()[77];
    assert!(
        (x - 149.5).abs() < 1e-4 && (y - 49.5).abs() < 1e-4,
        "{x} {y}"
    );
}

#[test]
fn alpha_is_carried_and_transparent_pixels_have_no_say() {
    let mut rgba = picture(6, 12, 12, 4);
    for (i, pixel) in rgba.chunks_mut(4).enumerate() {
        pixel[3] = if i % 12 < 4 { 0 } else { 100 + (i % 50) as u8 };
    }
    let run = |samples: &[u8]| {
        let image = ImageView::new(samples, 12, 12, 4)
            .unwrap()
            .with_alpha()
            .unwrap();
        MeanShiftFilter::new(6.0, 30.0)
            .filter(&image, &Watch::default())
            .unwrap()
    };
    let a = run(&rgba);
    for (i, (old, new)) in rgba.chunks(4).zip(a.samples().chunks(4)).enumerate() {
        assert_eq!(old[3], new[3]);
        if i % 12 < 4 {
            assert_eq!(old, new);
            assert!(a.mode_colors()[i * 3].is_infinite());
        }
    }
    // Other hidden colours change nothing that can be seen.
    let mut other = rgba.clone();
    for pixel in other.chunks_mut(4).filter(|p| p[3] == 0) {
        pixel[0] = pixel[0].wrapping_add(90);
    }
    let b = run(&other);
    for (a, b) in a.samples().chunks(4).zip(b.samples().chunks(4)) {
        if a[3] > 0 {
            assert_eq!(a, b);
        }
    }
}

#[test]
fn one_pixel_is_its_own_mode() {
    let found = filter(
        MeanShiftFilter::new(10.0, 10.0),
        &[3_u8, 200, 77],
        (1, 1, 3),
    );
    assert_eq!(found.samples(), [3, 200, 77]);
    assert_eq!(found.mode_positions(), [[0.0, 0.0]]);
}

#[test]
fn progress_reaches_the_end_and_a_raised_flag_stops() {
    let samples = picture(1, 40, 40, 3);
    let image = ImageView::new(&samples, 40, 40, 3).unwrap();
    let f = MeanShiftFilter::new(4.0, 10.0);
    let seen = Mutex::new(Vec::new());
    let report = |done: usize, total: usize| seen.lock().unwrap().push((done, total));
    f.filter(&image, &Watch::default().progress(&report))
        .unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.len() > 10 && seen.contains(&(1600, 1600)), "{seen:?}");

    let stop = AtomicBool::new(false);
    let raise = |_: usize, _: usize| stop.store(true, Ordering::Relaxed);
    let watch = Watch::default().threads(2).cancel(&stop).progress(&raise);
    let e = f.filter(&image, &watch).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Interrupted);
}

#[test]
fn bad_input_is_one_clear_sentence() {
    let grey = [0_u8; 12];
    let says = |e: locality::Error, kind: ErrorKind, words: &[&str]| {
        assert_eq!(e.kind(), kind, "{e}");
        for word in words {
            assert!(e.to_string().contains(word), "'{e}' lacks '{word}'");
        }
    };
    for (h, w, c) in [(0, 4, 3), (3, 0, 1), (3, 4, 0)] {
        says(
            ImageView::new(&grey[..0], h, w, c).unwrap_err(),
            ErrorKind::Empty,
            &["at least 1"],
        );
    }
    says(
        ImageView::new(&grey, 3, 5, 1).unwrap_err(),
        ErrorKind::Shape,
        &["12", "15"],
    );
    says(
        ImageView::new(&grey, usize::MAX, 3, 3).unwrap_err(),
        ErrorKind::Shape,
        &["2^31"],
    );
    says(
        ImageView::new(&[0.0, 1.0, f32::NAN, 0.0], 2, 2, 1).unwrap_err(),
        ErrorKind::NotFinite,
        &["NaN", "row 1", "column 0"],
    );
    says(
        ImageView::new(&[1e30_f32], 1, 1, 1).unwrap_err(),
        ErrorKind::NotFinite,
        &["rescale"],
    );
    let image = ImageView::new(&grey, 3, 4, 1).unwrap();
    says(
        image.with_alpha().unwrap_err(),
        ErrorKind::Shape,
        &["alpha"],
    );
    let run = |f: MeanShiftFilter| f.filter(&image, &Watch::default()).unwrap_err();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
        says(
            run(MeanShiftFilter::new(bad, 5.0)),
            ErrorKind::Parameter,
            &["spatial"],
        );
        says(
            run(MeanShiftFilter::new(5.0, bad)),
            ErrorKind::Parameter,
            &["range"],
        );
    }
    let f = MeanShiftFilter::new(5.0, 5.0);
    says(run(f.max_iter(0)), ErrorKind::Parameter, &["max_iter"]);
    says(run(f.tol(f64::NAN)), ErrorKind::Parameter, &["tol"]);
    says(
        run(f.color(ColorSpace::Luv)),
        ErrorKind::Shape,
        &["luv", "3 colour channels"],
    );
    says(
        "yuv".parse::<ColorSpace>().unwrap_err(),
        ErrorKind::Parse,
        &["yuv", "luv"],
    );
    says(
        "box".parse::<ImageKernel>().unwrap_err(),
        ErrorKind::Parse,
        &["box", "flat"],
    );
}
