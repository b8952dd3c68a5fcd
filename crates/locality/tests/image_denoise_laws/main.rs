//! Laws of denoising: number types and threads, constants, turns, opacity, guides, gains over noise, mistakes.

mod mistakes;
mod noise;
mod stacks;

use locality::image::{
    Bilateral, BilateralBorder, DenoiseMethod, Denoiser, ImageKernel, ImageView, MeanShiftFilter,
    NonLocalBayes, NonLocalMeans, PatchWeights, Sample, estimate_noise, estimate_noise_robust,
    psnr, ssim,
};
use locality::{ErrorKind, Watch};
use locality_testing::Rng;

const HEIGHT: usize = 40;
const WIDTH: usize = 48;

fn watch() -> Watch<'static> {
    Watch::default()
}

/// The pictures of the oracle.
fn piece(channels: usize) -> Vec<u8> {
    let path = format!("{}/../../data/coffee.png", env!("CARGO_MANIFEST_DIR"));
    let rgb = image::open(path).unwrap().to_rgb8();
    let mut out = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            for k in 0..channels {
                let i = out.len() as u32;
                let noise = i.wrapping_mul(2_654_435_761).wrapping_mul(2_246_822_519) >> 16;
                let clean = i64::from(rgb[(200 + x as u32, 100 + y as u32)].0[k]);
                out.push((clean + i64::from(noise % 61) - 30).clamp(0, 255) as u8);
            }
        }
    }
    out
}

fn floats(samples: &[u8]) -> Vec<f64> {
    samples.iter().map(|s| f64::from(*s)).collect()
}

/// A photo from `data`, its first rows and columns, and the same with Gaussian noise.
fn noisy_photo(name: &str, sigma: f64, size: usize) -> (Vec<u8>, Vec<u8>) {
    let path = format!("{}/../../data/{name}.png", env!("CARGO_MANIFEST_DIR"));
    let rgb = image::open(path).unwrap().to_rgb8();
    let mut random = Rng::new(5);
    let (mut clean, mut noisy) = (Vec::new(), Vec::new());
    for y in 0..size as u32 {
        for x in 0..size as u32 {
            for s in rgb[(x + 150, y + 60)].0 {
                clean.push(s);
                noisy.push(
                    (f64::from(s) + sigma * random.normal())
                        .round()
                        .clamp(0.0, 255.0) as u8,
                );
            }
        }
    }
    (clean, noisy)
}

fn furthest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// 8 bits, 16 bits and floats of the same picture come to the same, and results do not depend on threads.
#[test]
fn number_types_agree_and_threads_do_not_matter() {
    // Far from black and white, where integers would be cut off.
    let eight: Vec<u8> = piece(3).into_iter().map(|s| 64 + s / 2).collect();
    let sixteen: Vec<u16> = eight.iter().map(|s| u16::from(*s) * 257).collect();
    let unit: Vec<f32> = eight.iter().map(|s| f32::from(*s) / 255.0).collect();
    let all = [
        DenoiseMethod::NonLocalMeans,
        DenoiseMethod::NonLocalLinear,
        DenoiseMethod::NonLocalBayes,
        DenoiseMethod::Bilateral,
    ];
    for method in all {
        let denoise = |sigma: f64| Denoiser::new().method(method).sigma(sigma);
        let a = run(&denoise(10.0), &eight, &watch().threads(1));
        assert_eq!(
            a,
            run(&denoise(10.0), &eight, &watch().threads(3)),
            "{method}"
        );
        assert!(a.iter().zip(&eight).any(|(a, b)| a != b), "{method}");
        let b = run(&denoise(10.0), &sixteen, &watch());
        let c = run(&denoise(10.0 / 255.0), &unit, &watch());
        let (mut far, mut count) = (0.0, 0);
        for ((a, b), c) in a.iter().zip(&b).zip(&c) {
            let (a, b, c) = (f64::from(*a), f64::from(*b) / 257.0, f64::from(*c) * 255.0);
            far += (a - b).abs().max((b - c).abs() + 0.5);
            count += usize::from((a - b).abs() > 1.0);
        }
        // Rounding may choose another patch now and then.
        assert!(
            far / (a.len() as f64) < 0.55 && count * 200 < a.len(),
            "{method}: {far} {count}"
        );
    }
}

fn run<T: Sample>(denoiser: &Denoiser, samples: &[T], watch: &Watch<'_>) -> Vec<T> {
    let image = ImageView::new(samples, HEIGHT, WIDTH, samples.len() / HEIGHT / WIDTH).unwrap();
    denoiser.denoise(&image, watch).unwrap().into_samples()
}

#[test]
fn patches_of_one_pixel_are_a_filter_by_colour_alone() {
    let samples = floats(&piece(3));
    let image = ImageView::new(&samples, HEIGHT, WIDTH, 3).unwrap();
    let means = NonLocalMeans::new(20.0)
        .patch_size(1)
        .patch_distance(4)
        .weights(PatchWeights::Gaussian)
        .filter(&image, &watch())
        .unwrap();
    // exp(-|dc|^2 / (3 h^2)) is a Gaussian of variance 3 h^2 / 2; its cut at 5 changes little.
    let range = (1.5 * 400.0_f64).sqrt();
    let filter = Bilateral::new(1e6, range).radius(4);
    let by_color = filter.filter(&image, &watch()).unwrap();
    assert!(
        furthest(&means, &by_color) < 1.5,
        "{}",
        furthest(&means, &by_color)
    );
    let off: f64 = means
        .iter()
        .zip(&by_color)
        .map(|(a, b)| (a - b).abs())
        .sum();
    assert!(off / (means.len() as f64) < 0.1);
}

#[test]
fn a_bilateral_filter_is_one_step_of_mean_shift() {
    let samples: Vec<f32> = piece(3).into_iter().map(f32::from).collect();
    let image = ImageView::new(&samples, HEIGHT, WIDTH, 3).unwrap();
    let step = MeanShiftFilter::new(2.0, 30.0)
        .kernel(ImageKernel::Gaussian)
        .max_iter(1)
        .filter(&image, &watch())
        .unwrap();
    let filter = Bilateral::new(2.0, 30.0).filter(&image, &watch()).unwrap();
    let far = step
        .samples()
        .iter()
        .zip(&filter)
        .map(|(a, b)| (a - b).abs());
    // Mean shift leaves out what lies beyond three deviations of colour.
    assert!(far.fold(0.0, f32::max) < 1.0);
}

/// The quick loop for a picture by itself and the one for any guide are the same filter, in all columns, at all borders.
#[test]
fn a_picture_as_its_own_guide_is_the_plain_filter() {
    for channels in [1, 3] {
        let samples = floats(&piece(channels));
        let image = ImageView::new(&samples, HEIGHT, WIDTH, channels).unwrap();
        let filters = [
            Bilateral::new(1.5, 30.0),
            Bilateral::new(2.0, 60.0).like_opencv(9),
            Bilateral::new(1.0, 20.0).border(BilateralBorder::Edge),
            Bilateral::new(1.0, 20.0).border(BilateralBorder::Zero),
        ];
        for filter in filters {
            let plain = filter.filter(&image, &watch()).unwrap();
            let by = filter.filter_by(&image, &image, &watch()).unwrap();
            let off = furthest(&plain, &by);
            assert!(off < 1e-10, "{filter:?}, {channels}: {off}");
            assert!(furthest(&plain, &samples) > 5.0);
        }
    }
}

/// Where noise was cut off it is weaker, and non-local Bayes knows for integers, called by itself as well.
#[test]
fn noise_that_was_cut_off_counts_as_weaker() {
    let sigma = 30.0;
    let mut random = Rng::new(11);
    let clean: Vec<f64> = (0..96 * 96)
        .map(|i| 12.0 + 10.0 * f64::from(u8::from((i % 96) / 8 % 2 == 0)))
        .collect();
    let noisy: Vec<u8> = clean
        .iter()
        .map(|x| (x + sigma * random.normal()).round().clamp(0.0, 255.0) as u8)
        .collect();
    let wide: Vec<f32> = noisy.iter().map(|x| f32::from(*x)).collect();
    let means = NonLocalBayes::new(sigma);
    let eight = ImageView::new(&noisy, 96, 96, 1).unwrap();
    let floats = ImageView::new(&wide, 96, 96, 1).unwrap();
    let spread = |out: &[f64]| {
        let mean = |bright: bool| {
            let all = (0..out.len()).filter(|i| (i % 96 / 8 % 2 == 0) == bright);
            let (sum, n) = all.fold((0.0, 0.0), |(s, n), i| (s + out[i], n + 1.0));
            sum / n
        };
        mean(true) - mean(false)
    };
    let integers = means.filter(&eight, &watch()).unwrap();
    let integers: Vec<f64> = integers.into_iter().map(f64::from).collect();
    let real = means.filter(&floats, &watch()).unwrap();
    let real: Vec<f64> = real.into_iter().map(f64::from).collect();
    // Stripes of so weak a contrast survive better where less is taken for noise.
    assert!(
        spread(&integers) > 1.1 * spread(&real),
        "{} {}",
        spread(&integers),
        spread(&real)
    );
}

#[test]
fn a_guide_decides_what_is_alike() {
    // Noise everywhere, and an edge that only the guide shows.
    let mut random = Rng::new(9);
    let noise: Vec<f64> = (0..32 * 32).map(|_| random.normal()).collect();
    let guide: Vec<u8> = (0..32 * 32)
        .map(|i| if i % 32 < 16 { 0 } else { 200 })
        .collect();
    let image = ImageView::new(&noise, 32, 32, 1).unwrap();
    let guide = ImageView::new(&guide, 32, 32, 1).unwrap();
    let filter = Bilateral::new(4.0, 5.0).radius(6);
    let out = filter.filter_by(&image, &guide, &watch()).unwrap();
    // The plain mean of the window's half on the pixel's side.
    let (y, x) = (16_usize, 15_usize);
    let (mut total, mut sum) = (0.0, 0.0);
    for ty in y - 6..=y + 6 {
        for tx in x - 6..16 {
            let r2 = ((ty as f64 - y as f64).powi(2)) + (tx as f64 - x as f64).powi(2);
            let w = (-r2 / 32.0).exp();
            total += w;
            sum += w * noise[ty * 32 + tx];
        }
    }
    assert!((out[y * 32 + x] - sum / total).abs() < 1e-12);
    let small = ImageView::new(&[0_u8; 4], 2, 2, 1).unwrap();
    let error = filter.filter_by(&image, &small, &watch()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn constants_stay_and_brightness_is_kept() {
    let flat = [77_u8; 30 * 20 * 3];
    let image = ImageView::new(&flat, 30, 20, 3).unwrap();
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral", "auto"] {
        let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(25.0);
        assert_eq!(
            denoiser.denoise(&image, &watch()).unwrap().samples(),
            flat,
            "{method}"
        );
    }
    // Adding a constant to the picture adds it to the result.
    let a: Vec<f64> = floats(&piece(1));
    let b: Vec<f64> = a.iter().map(|x| x + 1000.0).collect();
    let means = NonLocalMeans::for_noise(15.0);
    let of = |u: &[f64]| {
        means
            .filter(&ImageView::new(u, HEIGHT, WIDTH, 1).unwrap(), &watch())
            .unwrap()
    };
    let moved: Vec<f64> = of(&b).iter().map(|x| x - 1000.0).collect();
    assert!(furthest(&of(&a), &moved) < 1e-6);
}

#[test]
fn turns_commute_with_the_filters() {
    let a: Vec<f64> = floats(&piece(1));
    let turned: Vec<f64> = (0..WIDTH * HEIGHT)
        .map(|i| a[(i % HEIGHT) * WIDTH + i / HEIGHT])
        .collect();
    // Gaussian weights are cut off row by row, so that rows are not quite columns.
    let means = NonLocalMeans::for_noise(15.0);
    let filter = Bilateral::new(1.5, 40.0);
    let straight = ImageView::new(&a, HEIGHT, WIDTH, 1).unwrap();
    let across = ImageView::new(&turned, WIDTH, HEIGHT, 1).unwrap();
    for (s, t) in [
        (
            means.filter(&straight, &watch()),
            means.filter(&across, &watch()),
        ),
        (
            filter.filter(&straight, &watch()),
            filter.filter(&across, &watch()),
        ),
    ] {
        let (s, t) = (s.unwrap(), t.unwrap());
        let back: Vec<f64> = (0..WIDTH * HEIGHT)
            .map(|i| t[(i % WIDTH) * HEIGHT + i / WIDTH])
            .collect();
        assert!(furthest(&s, &back) < 1e-6, "{}", furthest(&s, &back));
    }
}

#[test]
fn opacity_is_carried_and_what_is_hidden_takes_no_part() {
    let rgb = piece(3);
    let with = |hidden_value: u8| -> Vec<u8> {
        let mut out = Vec::new();
        for (i, c) in rgb.chunks_exact(3).enumerate() {
            let hidden = i % WIDTH > 30 && i / WIDTH > 20;
            if hidden {
                out.extend([hidden_value, 255 - hidden_value, hidden_value / 2, 0]);
            } else {
                out.extend([c[0], c[1], c[2], 128 + (i % 100) as u8]);
            }
        }
        out
    };
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
        let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(18.0);
        let of = |samples: &[u8]| {
            let image = ImageView::new(samples, HEIGHT, WIDTH, 4).unwrap();
            let image = image.with_alpha().unwrap();
            denoiser.denoise(&image, &watch()).unwrap().into_samples()
        };
        let (one, other) = (with(0), with(250));
        let (a, b) = (of(&one), of(&other));
        let mut changed = 0;
        for i in 0..HEIGHT * WIDTH {
            let at = 4 * i..4 * i + 4;
            if one[4 * i + 3] == 0 {
                assert_eq!(a[at.clone()], one[at.clone()], "{method}");
                assert_eq!(b[at.clone()], other[at], "{method}");
            } else {
                assert_eq!(a[at.clone()], b[at.clone()], "{method}, pixel {i}");
                assert_eq!(a[4 * i + 3], one[4 * i + 3]);
                changed += usize::from(a[at.clone()] != one[at]);
            }
        }
        assert!(changed > 1000, "{method}: {changed}");
    }
}

#[test]
fn noise_is_found_and_taken_away() {
    fn view(samples: &[u8]) -> ImageView<'_, u8> {
        ImageView::new(samples, 128, 128, 3).unwrap()
    }
    for name in ["astronaut", "coffee"] {
        for sigma in [15.0, 25.0, 50.0] {
            let (clean, noisy) = noisy_photo(name, sigma, 128);
            let found = estimate_noise(&view(&noisy), &watch()).unwrap().joint();
            // Cut off at black and white, noise looks weaker; texture looks like noise.
            assert!(
                (0.8..1.2).contains(&(found / sigma)),
                "{name} {sigma}: {found}"
            );
            let found = estimate_noise_robust(&view(&noisy), None, &watch()).unwrap();
            let found = found.joint();
            assert!(
                (0.92..1.08).contains(&(found / sigma)),
                "{name} {sigma}: {found}"
            );
            let quality = |method: &str| {
                let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(sigma);
                let out = denoiser.denoise(&view(&noisy), &watch()).unwrap();
                let out = out.into_samples();
                psnr(&view(&clean), &view(&out), None).unwrap()
            };
            let before = psnr(&view(&clean), &view(&noisy), None).unwrap();
            let (nlm, linear, bayes) = (quality("nlm"), quality("nlm-linear"), quality("nl-bayes"));
            let bilateral = quality("bilateral");
            assert!(bilateral > before + 2.0, "{name} {sigma}: {bilateral}");
            assert!(nlm > before + 4.0, "{name} {sigma}: {nlm}");
            // A line is the mean where there is nothing to follow.
            assert!(linear > nlm + 0.3, "{name} {sigma}: {linear} {nlm}");
            assert!(bayes > nlm + 1.0, "{name} {sigma}: {bayes} {nlm}");
            assert_eq!(quality("auto"), bayes);
        }
    }
}

/// Brightness and colours stay what they were on average, at the borders as well.
#[test]
fn colours_do_not_shift() {
    let (clean, noisy) = noisy_photo("coffee", 25.0, 128);
    let image = ImageView::new(&noisy, 128, 128, 3).unwrap();
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
        let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(25.0);
        let out = denoiser.denoise(&image, &watch()).unwrap().into_samples();
        let border = |i: usize| {
            let (y, x) = (i / 3 / 128, i / 3 % 128);
            y.min(127 - y).min(x.min(127 - x)) < 4
        };
        for k in 0..3 {
            for (rim, most) in [(false, 0.7), (true, 2.0)] {
                let all = (k..out.len()).step_by(3).filter(|i| border(*i) == rim);
                let off: Vec<f64> = all
                    .map(|i| f64::from(out[i]) - f64::from(clean[i]))
                    .collect();
                let mean = off.iter().sum::<f64>() / off.len() as f64;
                assert!(
                    mean.abs() < most,
                    "{method}, channel {k}, rim {rim}: {mean}"
                );
            }
        }
    }
}

/// OpenCV rounds the radius of a window without a diameter to the even number where it is half way.
#[test]
fn radii_are_rounded_as_opencv_does() {
    let samples = piece(1);
    let image = ImageView::new(&samples, HEIGHT, WIDTH, 1).unwrap();
    for (spatial, diameter) in [
        (1.0, 4),
        (2.0, 6),
        (3.0, 8),
        (5.0, 16),
        (7.0, 20),
        (11.0, 32),
    ] {
        let of = |d: usize| {
            let filter = Bilateral::new(spatial, 40.0).like_opencv(d);
            filter.filter(&image, &watch()).unwrap()
        };
        assert_eq!(of(0), of(diameter), "{spatial}");
        assert_ne!(of(0), of(diameter + 2), "{spatial}");
    }
}
