//! Colour spaces against published values, and their inverses.

use locality::Watch;
use locality::image::{
    ColorSpace, ImageKernel, ImageView, MeanShiftFilter, lab_to_srgb, luv_to_srgb, srgb_to_lab,
    srgb_to_luv,
};

fn close(a: [f64; 3], b: [f64; 3], tolerance: f64) {
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance, "{a:?} {b:?}");
    }
}

/// Figures of B. Lindbloom's CIE colour calculator (sRGB, D65, no adaptation), to its four digits; the tolerance allows
/// for the white being rounded differently.
#[test]
fn known_colors() {
    let table = [
        (
            [1.0, 0.0, 0.0],
            [53.2408, 175.0150, 37.7564],
            [53.2408, 80.0925, 67.2032],
        ),
        (
            [0.0, 1.0, 0.0],
            [87.7347, -83.0776, 107.3985],
            [87.7347, -86.1827, 83.1793],
        ),
        (
            [0.0, 0.0, 1.0],
            [32.2970, -9.4054, -130.3423],
            [32.2970, 79.1875, -107.8602],
        ),
        (
            [1.0, 1.0, 0.0],
            [97.1393, 7.7056, 106.7866],
            [97.1393, -21.5537, 94.4780],
        ),
    ];
    for (rgb, luv, lab) in table {
        close(srgb_to_luv(rgb), luv, 0.02);
        close(srgb_to_lab(rgb), lab, 0.02);
    }
    close(srgb_to_luv([1.0; 3]), [100.0, 0.0, 0.0], 1e-9);
    close(srgb_to_lab([0.0; 3]), [0.0, 0.0, 0.0], 1e-9);
    close(srgb_to_lab([0.5; 3]), [53.3890, 0.0, 0.0], 1e-3);
}

#[test]
fn greys_have_no_hue_and_rise() {
    let mut last = -1.0;
    for level in 0..=255 {
        let g = f64::from(level) / 255.0;
        let [l, u, v] = srgb_to_luv([g; 3]);
        assert!(l > last && u.abs() < 1e-9 && v.abs() < 1e-9, "{level}");
        last = l;
    }
}

#[test]
fn round_trips_are_exact_to_rounding() {
    for i in 0..18_u32.pow(3) {
        let rgb = [i % 18, i / 18 % 18, i / 324].map(|c| f64::from(c) / 17.0);
        close(luv_to_srgb(srgb_to_luv(rgb)), rgb, 1e-6);
        close(lab_to_srgb(srgb_to_lab(rgb)), rgb, 1e-6);
    }
}

#[test]
fn colors_outside_the_gamut_are_clamped() {
    for luv in [
        [50.0, 300.0, 0.0],
        [90.0, -200.0, -200.0],
        [0.0, 50.0, 50.0],
        [120.0, 0.0, 0.0],
        [30.0, 0.0, -900.0],
    ] {
        for c in luv_to_srgb(luv).into_iter().chain(lab_to_srgb(luv)) {
            assert!((0.0..=1.0).contains(&c), "{luv:?} {c}");
        }
    }
}

/// A range too small to average anything leaves only the way into the colour space and back.
#[test]
fn every_eight_bit_color_survives_the_way_there_and_back() {
    let mut samples = Vec::new();
    for r in (0..=255_u8).step_by(5) {
        for g in (0..=255_u8).step_by(3) {
            samples.extend([r, g, r ^ g]);
        }
    }
    let n = samples.len() / 3;
    let sixteen: Vec<u16> = samples
        .iter()
        .map(|&s| u16::from(s).wrapping_mul(251))
        .collect();
    for color in [ColorSpace::Luv, ColorSpace::Lab] {
        let f = MeanShiftFilter::new(1.0, 1e-9).color(color);
        let image = ImageView::new(&samples, 1, n, 3).unwrap();
        assert_eq!(
            f.filter(&image, &Watch::default()).unwrap().samples(),
            samples
        );
        let image = ImageView::new(&sixteen, 1, n, 3).unwrap();
        assert_eq!(
            f.filter(&image, &Watch::default()).unwrap().samples(),
            sixteen
        );
    }
}

#[test]
fn the_automatic_space_is_luv_for_integer_color_only() {
    let of = |color: ColorSpace, channels: usize| {
        color.resolve(&ImageView::new(&[9_u8; 12], 1, 12 / channels, channels).unwrap())
    };
    assert_eq!(of(ColorSpace::Auto, 3).unwrap(), ColorSpace::Luv);
    assert_eq!(of(ColorSpace::Auto, 1).unwrap(), ColorSpace::Raw);
    assert_eq!(of(ColorSpace::Auto, 4).unwrap(), ColorSpace::Raw);
    let rgba = ImageView::new(&[9_u8; 12], 1, 3, 4)
        .unwrap()
        .with_alpha()
        .unwrap();
    assert_eq!(ColorSpace::Auto.resolve(&rgba).unwrap(), ColorSpace::Luv);
    let float = ImageView::new(&[0.5_f32; 12], 1, 4, 3).unwrap();
    assert_eq!(ColorSpace::Auto.resolve(&float).unwrap(), ColorSpace::Raw);
    assert_eq!(ColorSpace::Lab.resolve(&float).unwrap(), ColorSpace::Lab);
}

#[test]
fn names_round_trip() {
    for kernel in [
        ImageKernel::Flat,
        ImageKernel::Disk,
        ImageKernel::Epanechnikov,
        ImageKernel::Gaussian,
    ] {
        assert_eq!(kernel.to_string().parse::<ImageKernel>().unwrap(), kernel);
    }
    for color in [
        ColorSpace::Auto,
        ColorSpace::Luv,
        ColorSpace::Lab,
        ColorSpace::Raw,
    ] {
        assert_eq!(color.to_string().parse::<ColorSpace>().unwrap(), color);
    }
}
