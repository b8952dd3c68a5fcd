//! Denoising of pictures against plain loops, scikit-image's and OpenCV's figures (`oracle/denoise.py`), and laws.

use locality::image::{
    Bilateral, BilateralBorder, DenoiseMethod, Denoiser, ImageKernel, ImageView, MeanShiftFilter,
    NonLocalBayes, NonLocalMeans, PatchWeights, Sample, estimate_noise, psnr, ssim,
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

/// `(c b | a b c | b a)`.
fn reflected(at: i64, size: usize) -> usize {
    let mut at = at;
    loop {
        if at < 0 {
            at = -at;
        } else if at >= size as i64 {
            at = 2 * (size as i64 - 1) - at;
        } else {
            return at as usize;
        }
        if size == 1 {
            return 0;
        }
    }
}

struct Plain {
    size: i64,
    distance: i64,
    h: f64,
    sigma: f64,
    flat: bool,
}

/// Non-local means by its definition, in four loops.
fn plain_means(u: &[f64], (height, width, channels): (usize, usize, usize), p: &Plain) -> Vec<f64> {
    let o = p.size / 2;
    let side = 2 * o + 1;
    let at = |y: i64, x: i64, k: usize| {
        u[(reflected(y, height) * width + reflected(x, width)) * channels + k]
    };
    let places: Vec<i64> = if p.flat && o > 0 {
        (1 - o..=o).collect()
    } else {
        (-o..=o).collect()
    };
    let g = |q: i64| {
        let deviation = o as f64 / 2.0;
        if p.flat || q == 0 {
            1.0
        } else {
            (-0.5 * (q as f64 / deviation).powi(2)).exp()
        }
    };
    let area: f64 = if p.flat {
        (side * side) as f64
    } else {
        places.iter().map(|q| g(*q)).sum::<f64>().powi(2)
    };
    let mut out = Vec::new();
    for y in 0..height as i64 {
        for x in 0..width as i64 {
            let (mut total, mut sums) = (0.0, vec![0.0; channels]);
            for ty in y - p.distance..=y + p.distance {
                for tx in x - p.distance..=x + p.distance {
                    let inside =
                        (0..height as i64).contains(&ty) && (0..width as i64).contains(&tx);
                    if !p.flat && !inside {
                        continue;
                    }
                    let (mut d, mut gone) = (0.0, false);
                    let scale = 1.0 / (channels as f64 * p.h * p.h * area);
                    for (i, &qy) in places.iter().enumerate() {
                        gone |= !p.flat && i > 0 && d > 5.0;
                        for &qx in &places {
                            let squares: f64 = (0..channels)
                                .map(|k| (at(y + qy, x + qx, k) - at(ty + qy, tx + qx, k)).powi(2))
                                .sum();
                            let noise = 2.0 * channels as f64 * p.sigma * p.sigma;
                            d += scale * g(qy) * g(qx) * (squares - noise);
                        }
                    }
                    if gone || (p.flat && d > 5.0) {
                        continue;
                    }
                    let w = (-d.max(0.0)).exp();
                    total += w;
                    for (k, s) in sums.iter_mut().enumerate() {
                        *s += w * at(ty, tx, k);
                    }
                }
            }
            out.extend(sums.iter().map(|s| s / total));
        }
    }
    out
}

fn means_of(p: &Plain) -> NonLocalMeans {
    let weights = if p.flat {
        PatchWeights::Flat
    } else {
        PatchWeights::Gaussian
    };
    NonLocalMeans::new(p.h)
        .patch_size(p.size as usize)
        .patch_distance(p.distance as usize)
        .sigma(p.sigma)
        .weights(weights)
}

fn furthest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn non_local_means_are_those_of_plain_loops() {
    let mut random = Rng::new(3);
    for (height, width, channels) in [(17, 23, 1), (40, 11, 3), (9, 70, 2), (1, 8, 1), (3, 2, 1)] {
        let u: Vec<f64> = (0..height * width * channels)
            .map(|_| 40.0 * random.uniform())
            .collect();
        let image = ImageView::new(&u, height, width, channels).unwrap();
        for flat in [true, false] {
            for (size, distance, h, sigma) in [
                (5, 3, 12.0, 0.0),
                (3, 6, 8.0, 7.0),
                (1, 4, 10.0, 0.0),
                (7, 2, 9.0, 5.0),
                (9, 3, 14.0, 0.0),
                (4, 2, 9.0, 0.0),
            ] {
                let plain = Plain {
                    size,
                    distance,
                    h,
                    sigma,
                    flat,
                };
                let found = means_of(&plain).filter(&image, &watch()).unwrap();
                let expected = plain_means(&u, (height, width, channels), &plain);
                let off = furthest(&found, &expected);
                assert!(
                    off < 1e-9,
                    "{height} x {width} x {channels}, {size}, {distance}, flat {flat}: {off}"
                );
            }
        }
        // In single precision, and rounded.
        let plain = Plain {
            size: 5,
            distance: 4,
            h: 12.0,
            sigma: 4.0,
            flat: true,
        };
        let expected = plain_means(&u, (height, width, channels), &plain);
        let narrow: Vec<f32> = u.iter().map(|x| *x as f32).collect();
        let image = ImageView::new(&narrow, height, width, channels).unwrap();
        let found = means_of(&plain).filter(&image, &watch()).unwrap();
        let found: Vec<f64> = found.into_iter().map(f64::from).collect();
        assert!(furthest(&found, &expected) < 2e-4);
    }
}

/// Lines of the oracle: words before the colon, and numbers after it.
fn oracle() -> Vec<(Vec<&'static str>, Vec<f64>)> {
    let lines = include_str!("oracle/denoise.txt").lines();
    let read = |line: &'static str| {
        let (name, values) = line.split_once(": ").unwrap();
        let values = values.split(' ').map(|v| v.parse().unwrap()).collect();
        (name.split(' ').collect(), values)
    };
    lines.map(read).collect()
}

fn some(samples: &[f64]) -> Vec<f64> {
    samples.iter().copied().step_by(61).collect()
}

#[test]
fn scikit_images_pictures_come_out() {
    let number = |w: &str| w.parse::<f64>().unwrap();
    for (words, expected) in oracle() {
        let channels = words[1].parse::<usize>().unwrap_or(1);
        let grey_or_color = if channels == 3 { 3 } else { 1 };
        let samples = piece(grey_or_color);
        let wide = floats(&samples);
        let image = ImageView::new(&wide, HEIGHT, WIDTH, grey_or_color).unwrap();
        match words[0] {
            "nlm" => {
                let weights = if words[2] == "1" {
                    PatchWeights::Flat
                } else {
                    PatchWeights::Gaussian
                };
                let means = NonLocalMeans::new(number(words[5]))
                    .patch_size(words[3].parse().unwrap())
                    .patch_distance(words[4].parse().unwrap())
                    .sigma(number(words[6]))
                    .weights(weights);
                let found = some(&means.filter(&image, &watch()).unwrap());
                // Its exponential is off by up to 4 %.
                assert!(
                    furthest(&found, &expected) < 0.7,
                    "{words:?}: {}",
                    furthest(&found, &expected)
                );
                let typical = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                assert!(
                    typical.sum::<f64>() / (found.len() as f64) < 0.15,
                    "{words:?}"
                );
            }
            "volume" => {
                let grey = piece(1);
                let mut frames = Vec::new();
                for t in 0..3 {
                    for y in 0..24 {
                        for x in 0..30 {
                            frames.push(f64::from(grey[(y + 2 * t) * WIDTH + x + t]));
                        }
                    }
                }
                let stack = ImageView::stack(&frames, 3, 24, 30, 1).unwrap();
                let means = NonLocalMeans::new(number(words[3]))
                    .patch_size(words[1].parse().unwrap())
                    .patch_distance(words[2].parse().unwrap())
                    .sigma(number(words[4]));
                let found = some(&means.filter(&stack, &watch()).unwrap());
                assert!(
                    furthest(&found, &expected) < 0.7,
                    "{words:?}: {}",
                    furthest(&found, &expected)
                );
            }
            "skimage" => {
                let border = if words[5] == "constant" {
                    BilateralBorder::Zero
                } else {
                    BilateralBorder::Edge
                };
                let filter = Bilateral::new(number(words[3]), number(words[4]))
                    .radius(words[2].parse().unwrap())
                    .border(border);
                let found = some(&filter.filter(&image, &watch()).unwrap());
                // Its weights of colours come from a table of 100,000 steps.
                assert!(
                    furthest(&found, &expected) < 0.02,
                    "{words:?}: {}",
                    furthest(&found, &expected)
                );
            }
            "opencv" => {
                let filter = Bilateral::new(number(words[4]), number(words[3]))
                    .like_opencv(words[2].parse().unwrap());
                let image = ImageView::new(&samples, HEIGHT, WIDTH, channels).unwrap();
                let found = floats(&filter.filter(&image, &watch()).unwrap());
                let found = some(&found);
                assert!(furthest(&found, &expected) <= 1.0, "{words:?}");
                let same = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
                assert!(
                    same * 100 >= found.len() * 98,
                    "{words:?}: {same} of {}",
                    found.len()
                );
            }
            "sigma" => {
                let found = estimate_noise(&image, &watch()).unwrap();
                assert!(
                    furthest(found.channels(), &expected) < 1e-6,
                    "{found:?} {expected:?}"
                );
            }
            other => panic!("{other}"),
        }
    }
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
            assert!(linear > nlm - 0.6, "{name} {sigma}: {linear} {nlm}");
            assert!(bayes > nlm + 0.8, "{name} {sigma}: {bayes} {nlm}");
            assert_eq!(quality("auto"), bayes);
        }
    }
}

#[test]
fn similarity_is_that_of_plain_windows() {
    fn view(s: &[f64]) -> ImageView<'_, f64> {
        ImageView::new(s, HEIGHT, WIDTH, 3).unwrap()
    }
    let (a, b) = (
        floats(&piece(3)),
        floats(&piece(3).into_iter().rev().collect::<Vec<_>>()),
    );
    let (mut sum, mut count) = (0.0, 0);
    for top in 0..HEIGHT - 6 {
        for left in 0..WIDTH - 6 {
            for k in 0..3 {
                let cut = |s: &[f64]| -> Vec<f64> {
                    (0..49)
                        .map(|i| s[((top + i / 7) * WIDTH + left + i % 7) * 3 + k])
                        .collect()
                };
                let (x, y) = (cut(&a), cut(&b));
                let mean = |v: &[f64]| v.iter().sum::<f64>() / 49.0;
                let (mx, my) = (mean(&x), mean(&y));
                let cov = |v: &[f64], mv: f64, w: &[f64], mw: f64| {
                    v.iter()
                        .zip(w)
                        .map(|(a, b)| (a - mv) * (b - mw))
                        .sum::<f64>()
                        / 48.0
                };
                let (vx, vy, c) = (
                    cov(&x, mx, &x, mx),
                    cov(&y, my, &y, my),
                    cov(&x, mx, &y, my),
                );
                let (c1, c2) = (2.55_f64.powi(2), 7.65_f64.powi(2));
                sum += (2.0 * mx * my + c1) * (2.0 * c + c2)
                    / ((mx * mx + my * my + c1) * (vx + vy + c2));
                count += 1;
            }
        }
    }
    let found = ssim(&view(&a), &view(&b), Some(255.0), &watch()).unwrap();
    assert!((found - sum / f64::from(count)).abs() < 1e-9, "{found}");
    assert_eq!(
        ssim(&view(&a), &view(&a), Some(255.0), &watch()).unwrap(),
        1.0
    );
    assert_eq!(psnr(&view(&a), &view(&a), None).unwrap(), f64::INFINITY);
}

#[test]
fn mistakes_are_named() {
    let grey = [5_u8; 20];
    let image = ImageView::new(&grey, 4, 5, 1).unwrap();
    let errors = [
        (NonLocalMeans::new(0.0).filter(&image, &watch()), "h is 0"),
        (
            NonLocalMeans::new(f64::NAN).filter(&image, &watch()),
            "h is NaN",
        ),
        (
            NonLocalMeans::new(1.0).sigma(-1.0).filter(&image, &watch()),
            "sigma is -1",
        ),
        (
            NonLocalMeans::new(1.0)
                .patch_size(0)
                .filter(&image, &watch()),
            "patch_size is 0",
        ),
        (
            NonLocalMeans::new(1.0)
                .patch_distance(5000)
                .filter(&image, &watch()),
            "patch_distance is 5000",
        ),
        (
            NonLocalBayes::new(-2.0).filter(&image, &watch()),
            "sigma is -2",
        ),
        (
            NonLocalBayes::new(2.0).spacing(0).filter(&image, &watch()),
            "spacing is 0",
        ),
        (
            NonLocalBayes::new(2.0)
                .similar(1, 5)
                .filter(&image, &watch()),
            "similar is 1",
        ),
        (
            NonLocalBayes::new(2.0)
                .patch_sizes(3, 16)
                .filter(&image, &watch()),
            "patch_sizes is 16",
        ),
        (
            Bilateral::new(0.0, 1.0).filter(&image, &watch()),
            "spatial is 0",
        ),
        (
            Bilateral::new(1.0, f64::INFINITY).filter(&image, &watch()),
            "range is inf",
        ),
        (
            Bilateral::new(1e4, 1.0).filter(&image, &watch()),
            "the window reaches 30000",
        ),
    ];
    for (result, text) in errors {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter, "{text}");
        assert!(error.to_string().starts_with(text), "{error}");
    }
    let error = "nl-byes".parse::<DenoiseMethod>().unwrap_err().to_string();
    assert!(error.contains("did you mean 'nl-bayes'"), "{error}");
    let small = ImageView::new(&grey[..4], 2, 2, 1).unwrap();
    assert_eq!(
        psnr(&image, &small, None).unwrap_err().kind(),
        ErrorKind::Shape
    );
    assert_eq!(
        ssim(&small, &small, None, &watch()).unwrap_err().kind(),
        ErrorKind::Shape
    );
    let stop = std::sync::atomic::AtomicBool::new(true);
    let stopped = watch().cancel(&stop);
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
        let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(5.0);
        let error = denoiser.denoise(&image, &stopped).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}

/// Odd shapes: one pixel, one row, pictures smaller than a patch, many channels.
#[test]
fn small_pictures_are_no_trouble() {
    let mut random = Rng::new(4);
    for (height, width, channels) in [
        (1, 1, 1),
        (1, 9, 3),
        (9, 1, 1),
        (2, 2, 3),
        (4, 6, 5),
        (3, 40, 12),
    ] {
        let samples: Vec<f32> = (0..height * width * channels)
            .map(|_| random.uniform() as f32)
            .collect();
        let image = ImageView::new(&samples, height, width, channels).unwrap();
        for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral", "auto"] {
            for sigma in [None, Some(0.0), Some(0.1), Some(3.0)] {
                let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(sigma);
                let out = denoiser.denoise(&image, &watch()).unwrap();
                let inside = |x: &f32| (-0.3..1.3).contains(x);
                assert!(
                    out.samples().iter().all(inside),
                    "{method} {height} x {width} {sigma:?} {:?}",
                    out.samples()
                );
            }
        }
    }
}
