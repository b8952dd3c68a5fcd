//! A noisy photo made clean.

use locality::image::{DenoiseMethod, Denoiser, ImageView, psnr};

use super::card::Card;
use super::data::Photo;
use super::stage::{Stage, seconds};
use crate::error::Result;

/// Standard deviation of the noise that is added.
const SIGMA: f64 = 25.0;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Noise taken away from a photo: non-local means and non-local Bayes",
        "White noise of standard deviation 25 is added to the photo. A pixel's clean value is told by patches elsewhere that look like its \
         own: non-local means takes their mean; non-local Bayes their mean and covariance, a local Gaussian model, which keeps what the \
         mean blurs. The strength of the noise is estimated from the photo.",
    );
    let photo = Photo::coffee(stage)?;
    let noisy = with_noise(&photo.rgb);
    let size = (photo.height, photo.width);
    let view = ImageView::new(&noisy, size.0, size.1, 3)?;
    let clean = ImageView::new(&photo.rgb, size.0, size.1, 3)?;
    card.figure(
        "noisy, PSNR",
        format!("{:.2} dB", psnr(&clean, &view, None)?),
    );
    let name = "coffee-noisy.png";
    stage.put_photo(name, &photo.picture(size.0, size.1, noisy.clone()))?;
    card.photo(name, "The photo with noise");
    for (method, file, words) in [
        (
            DenoiseMethod::NonLocalMeans,
            "coffee-nlm.png",
            "non-local means",
        ),
        (
            DenoiseMethod::NonLocalBayes,
            "coffee-nl-bayes.png",
            "non-local Bayes",
        ),
    ] {
        let denoiser = Denoiser::new().method(method);
        let (out, time) = stage.timed("denoising", |watch| denoiser.denoise(&view, watch))?;
        if method == DenoiseMethod::NonLocalMeans {
            card.figure("noise, estimated", format!("{:.1}", out.sigma()));
        }
        let samples = out.into_samples();
        let after = psnr(&clean, &ImageView::new(&samples, size.0, size.1, 3)?, None)?;
        card.figure(format!("{words}, PSNR"), format!("{after:.2} dB"));
        card.figure(format!("{words}, time"), seconds(time));
        stage.put_photo(file, &photo.picture(size.0, size.1, samples))?;
        card.photo(file, &format!("By {words}"));
    }
    // The commands of the cards read data; this picture is made, and lies with them.
    let path = "data/coffee-noisy.png";
    let picture = photo.picture(size.0, size.1, noisy);
    stage.put_photo(path, &picture)?;
    card.command(format!(
        "locality image denoise {path} -o coffee-nl-bayes.png --reference {}",
        photo.path
    ));
    Ok(card)
}

fn with_noise(rgb: &[u8]) -> Vec<u8> {
    let noisy = rgb.iter().zip(normals(rgb.len()));
    noisy
        .map(|(s, normal)| (f64::from(*s) + SIGMA * normal).round().clamp(0.0, 255.0) as u8)
        .collect()
}

/// Sums of twelve uniform numbers from integer arithmetic, so that noise is the same everywhere.
pub(super) fn normals(count: usize) -> Vec<f64> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1_u32 << 24)
    };
    (0..count)
        .map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0)
        .collect()
}
