//! What is refused, and pictures of odd shapes that are not.

use super::*;

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
                .frames(usize::MAX)
                .filter(&image, &watch()),
            "frames is 18446744073709551615; give 0 to 100",
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
    for range in [0.0, -1.0, f64::NAN] {
        let errors = [
            psnr(&image, &image, Some(range)).unwrap_err(),
            ssim(&image, &image, Some(range), &watch()).unwrap_err(),
            Denoiser::new()
                .range(range)
                .denoise(&image, &watch())
                .unwrap_err(),
            NonLocalBayes::new(2.0)
                .range(range)
                .filter(&image, &watch())
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Parameter);
            assert!(
                error.to_string().starts_with(&format!("range is {range}")),
                "{error}"
            );
        }
    }
    let two = ImageView::new(&grey, 2, 5, 2).unwrap();
    let one = ImageView::new(&grey[..10], 2, 5, 1).unwrap();
    let error = psnr(&two, &one, None).unwrap_err().to_string();
    assert!(
        error.ends_with("give two with as many colour channels"),
        "{error}"
    );
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
