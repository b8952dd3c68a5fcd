//! Denoising of pictures against plain loops, scikit-image's and OpenCV's figures (`oracle/denoise.py`).

use locality::Watch;
use locality::image::{
    Bilateral, BilateralBorder, ImageView, NonLocalMeans, PatchWeights, estimate_noise, psnr, ssim,
};
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

/// Pictures wider and higher than what is worked on at once.
#[test]
fn non_local_means_do_not_see_seams() {
    let mut random = Rng::new(8);
    let (height, width) = (37, 1031);
    let u: Vec<f64> = (0..height * width)
        .map(|_| 40.0 * random.uniform())
        .collect();
    let image = ImageView::new(&u, height, width, 1).unwrap();
    for flat in [true, false] {
        let plain = Plain {
            size: 5,
            distance: 3,
            h: 12.0,
            sigma: 2.0,
            flat,
        };
        let found = means_of(&plain).filter(&image, &watch()).unwrap();
        let expected = plain_means(&u, (height, width, 1), &plain);
        let off = furthest(&found, &expected);
        assert!(off < 1e-9, "flat {flat}: {off}");
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
