//! How strong noise is, where it was cut off, and in which units and channels it is given.

use super::*;

/// A photo's noise is estimated as strong as it is, although it was cut off, and texture lies beside it.
#[test]
fn the_noise_of_photos_is_known() {
    for (name, size) in [("astronaut", 350), ("coffee", 340)] {
        for (sigma, most) in [(10.0, 0.05), (15.0, 0.05), (25.0, 0.05), (50.0, 0.06)] {
            let (_, noisy) = noisy_photo(name, sigma, size);
            let image = ImageView::new(&noisy, size, size, 3).unwrap();
            let found = estimate_noise_robust(&image, None, &watch()).unwrap();
            let off = found.joint() / sigma - 1.0;
            assert!(off.abs() < most, "{name} {sigma}: {off}");
            // The same as floats that are known to have been cut off; those that are not look less noisy.
            let unit: Vec<f32> = noisy.iter().map(|s| f32::from(*s) / 255.0).collect();
            let image = ImageView::new(&unit, size, size, 3).unwrap();
            let same = estimate_noise_robust(&image, Some(1.0), &watch()).unwrap();
            assert!((same.joint() * 255.0 / found.joint() - 1.0).abs() < 1e-3);
            let less = estimate_noise_robust(&image, None, &watch()).unwrap();
            assert!(less.joint() < same.joint(), "{name} {sigma}");
        }
    }
}

/// Floats of a known range are denoised as integers are.
#[test]
fn floats_that_were_cut_off_are_like_integers() {
    let (clean, noisy) = noisy_photo("coffee", 25.0, 96);
    let unit: Vec<f32> = noisy.iter().map(|s| f32::from(*s) / 255.0).collect();
    let integers = ImageView::new(&noisy, 96, 96, 3).unwrap();
    let floats = ImageView::new(&unit, 96, 96, 3).unwrap();
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
        let denoiser = Denoiser::new().method(method.parse().unwrap());
        let of = |denoiser: Denoiser| -> f64 {
            let out = denoiser.denoise(&floats, &watch()).unwrap().into_samples();
            let off = |(x, c): (&f32, &u8)| (255.0 * f64::from(*x) - f64::from(*c)).powi(2);
            out.iter().zip(&clean).map(off).sum::<f64>() / out.len() as f64
        };
        let out = denoiser.sigma(25.0).denoise(&integers, &watch()).unwrap();
        let off = |(x, c): (&u8, &u8)| (f64::from(*x) - f64::from(*c)).powi(2);
        let both = out.samples().iter().zip(&clean);
        let whole = both.map(off).sum::<f64>() / clean.len() as f64;
        let cut = of(denoiser.sigma(25.0 / 255.0).range(1.0));
        let uncut = of(denoiser.sigma(25.0 / 255.0));
        // Rounding alone is apart.
        assert!((cut / whole - 1.0).abs() < 0.02, "{method}: {cut} {whole}");
        assert!(uncut > 1.02 * cut, "{method}: {cut} {uncut}");
    }
}

/// More noise is given than there is: colours do not shift for that.
#[test]
fn colours_do_not_shift_where_there_is_less_noise_than_given() {
    let (clean, noisy) = noisy_photo("coffee", 10.0, 160);
    for (samples, sigma) in [(&noisy, 30.0), (&clean, 50.0)] {
        for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
            let image = ImageView::new(samples, 160, 160, 3).unwrap();
            let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(sigma);
            let out = denoiser.denoise(&image, &watch()).unwrap().into_samples();
            for k in 0..3 {
                let all = (k..out.len()).step_by(3);
                let mean = all
                    .map(|i| f64::from(out[i]) - f64::from(clean[i]))
                    .sum::<f64>()
                    / (out.len() / 3) as f64;
                assert!(mean.abs() < 0.5, "{method} {sigma}, channel {k}: {mean}");
            }
        }
    }
}

/// Units of floats do not matter: powers of two to the bit, others but for rounding.
#[test]
fn floats_may_be_in_any_units() {
    let mut random = Rng::new(12);
    let (height, width) = (40, 44);
    let scene: Vec<f64> = (0..height * width * 3)
        .map(|i| {
            let (y, x) = (i / 3 / width, i / 3 % width);
            let edge = if x > 20 && y > 11 { 60.0 } else { 0.0 };
            100.0 + edge + 10.0 * (i % 3) as f64 + 20.0 * random.normal()
        })
        .collect();
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
        for sigma in [Some(20.0), None] {
            let of = |scale: f64| -> Vec<f64> {
                let denoiser = Denoiser::new().method(method.parse().unwrap());
                let denoiser = denoiser.sigma(sigma.map(|s| s * scale));
                let single: Vec<f32> = scene.iter().map(|x| (x * scale) as f32).collect();
                let image = ImageView::new(&single, height, width, 3).unwrap();
                let out = denoiser.denoise(&image, &watch()).unwrap();
                let single = out.samples().iter().map(|x| f64::from(*x) / scale);
                let double: Vec<f64> = scene.iter().map(|x| x * scale).collect();
                let image = ImageView::new(&double, height, width, 3).unwrap();
                let out = denoiser.denoise(&image, &watch()).unwrap();
                single
                    .chain(out.samples().iter().map(|x| x / scale))
                    .collect()
            };
            let plain = of(1.0);
            let both: Vec<f64> = scene.iter().chain(&scene).copied().collect();
            assert!(furthest(&plain, &both) > 10.0, "{method}");
            for power in [-100, -27, -1, 3, 40] {
                assert_eq!(
                    of(2.0_f64.powi(power)),
                    plain,
                    "{method} 2^{power} {sigma:?}"
                );
            }
            for scale in [1e-30, 1e-8, 1e-3, 1e6, 1e12] {
                let found = of(scale);
                let far = |(a, b): (&f64, &f64)| (a - b).abs();
                let mean = found.iter().zip(&plain).map(far).sum::<f64>() / plain.len() as f64;
                // Rounding may choose another patch now and then.
                assert!(mean < 0.02, "{method} {scale} {sigma:?}: {mean}");
            }
        }
    }
}

/// Channels by themselves are what they are as pictures of one channel.
#[test]
fn channels_can_be_pictures_of_their_own() {
    let samples = piece(3);
    let with_alpha: Vec<u8> = samples
        .chunks_exact(3)
        .enumerate()
        .flat_map(|(i, c)| [c[0], c[1], c[2], u8::from(i % 7 > 0) * 200])
        .collect();
    for (samples, own) in [(&samples, 3), (&with_alpha, 4)] {
        let view = |samples: &[u8], channels: usize, work: &dyn Fn(&ImageView<'_, u8>)| {
            let image = ImageView::new(samples, HEIGHT, WIDTH, channels).unwrap();
            if channels.is_multiple_of(2) {
                work(&image.with_alpha().unwrap());
            } else {
                work(&image);
            }
        };
        let check = |run: &dyn Fn(&ImageView<'_, u8>, bool) -> Vec<u8>, name: &str| {
            view(samples, own, &|image| {
                let out = run(image, true);
                assert_ne!(out, run(image, false), "{name}");
                for k in 0..3 {
                    let plane: Vec<u8> = samples
                        .chunks_exact(own)
                        .flat_map(|p| std::iter::once(p[k]).chain(p[3..].iter().copied()))
                        .collect();
                    view(&plane, own - 2, &|image| {
                        let alone = run(image, false);
                        for (a, b) in out.chunks_exact(own).zip(alone.chunks_exact(own - 2)) {
                            assert_eq!((a[k], &a[3..]), (b[0], &b[1..]), "{name}");
                        }
                    });
                }
            });
        };
        for weights in [PatchWeights::Flat, PatchWeights::Gaussian] {
            let means = NonLocalMeans::new(15.0).patch_size(5).weights(weights);
            let run = |image: &ImageView<'_, u8>, each: bool| {
                means.per_channel(each).filter(image, &watch()).unwrap()
            };
            check(&run, "means");
        }
        for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral"] {
            for sigma in [Some(15.0), None] {
                let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(sigma);
                let run = |image: &ImageView<'_, u8>, each: bool| {
                    let out = denoiser.per_channel(each).denoise(image, &watch()).unwrap();
                    out.into_samples()
                };
                check(&run, method);
            }
        }
    }
}
