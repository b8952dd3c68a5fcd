//! Frames of a stack: alike patches are looked for in those around.

use locality::image::{Denoiser, ImageView, NonLocalBayes, psnr};
use locality_testing::Rng;

use super::watch;

const SIDE: usize = 64;

/// Frames of a photo, each so many columns on, and the same with noise.
fn moving(frames: usize, step: usize, grey: bool, sigma: f64) -> (Vec<u8>, Vec<u8>) {
    let path = format!("{}/../../data/astronaut.png", env!("CARGO_MANIFEST_DIR"));
    let rgb = image::open(path).unwrap().to_rgb8();
    let mut random = Rng::new(3);
    let (mut clean, mut noisy) = (Vec::new(), Vec::new());
    for t in 0..frames {
        for y in 0..SIDE {
            for x in 0..SIDE {
                let pixel = rgb[((x + 150 + t * step) as u32, y as u32 + 60)].0;
                for s in &pixel[..if grey { 1 } else { 3 }] {
                    clean.push(*s);
                    let value = f64::from(*s) + sigma * random.normal();
                    noisy.push(value.round().clamp(0.0, 255.0) as u8);
                }
            }
        }
    }
    (clean, noisy)
}

fn view(samples: &[u8], frames: usize) -> ImageView<'_, u8> {
    let channels = samples.len() / frames / SIDE / SIDE;
    ImageView::stack(samples, frames, SIDE, SIDE, channels).unwrap()
}

#[test]
fn more_frames_leave_less_noise_whether_they_move_or_not() {
    for (step, grey) in [(0, false), (0, true), (1, false), (5, false), (5, true)] {
        for sigma in [10.0, 40.0] {
            let (clean, noisy) = moving(5, step, grey, sigma);
            let quality = |out: &[u8]| psnr(&view(&clean, 5), &view(out, 5), None).unwrap();
            let by = |method: &str| {
                let denoiser = Denoiser::new().method(method.parse().unwrap()).sigma(sigma);
                let out = denoiser.denoise(&view(&noisy, 5), &watch()).unwrap();
                quality(out.samples())
            };
            let denoiser = Denoiser::new().sigma(sigma);
            let alone: Vec<u8> = noisy
                .chunks_exact(noisy.len() / 5)
                .flat_map(|frame| {
                    let out = denoiser.denoise(&view(frame, 1), &watch()).unwrap();
                    out.into_samples()
                })
                .collect();
            let (auto, alone, nlm) = (by("auto"), quality(&alone), by("nlm"));
            assert!(auto > alone + 0.4, "{step} {grey} {sigma}: {auto} {alone}");
            // Where nothing moves and noise is weak, patches of grey space and time tell a little more.
            let least = if grey && step == 0 && sigma < 20.0 {
                nlm - 0.3
            } else {
                nlm + 0.5
            };
            assert!(auto > least, "{step} {grey} {sigma}: {auto} {nlm}");
        }
    }
}

#[test]
fn without_others_each_frame_is_a_picture_of_its_own() {
    let (_, noisy) = moving(3, 2, false, 20.0);
    let model = NonLocalBayes::new(20.0);
    let all = |model: &NonLocalBayes, threads| {
        let watch = watch().threads(threads);
        model.filter(&view(&noisy, 3), &watch).unwrap()
    };
    let apart = all(&model.frames(0), 2);
    let together = all(&model, 2);
    assert_eq!(together, all(&model, 1));
    assert_ne!(apart, together);
    for (frame, out) in noisy
        .chunks_exact(noisy.len() / 3)
        .zip(apart.chunks_exact(noisy.len() / 3))
    {
        // The contrast of the whole stack chooses sizes of patches: of these frames the same.
        assert_eq!(model.filter(&view(frame, 1), &watch()).unwrap(), out);
    }
}
