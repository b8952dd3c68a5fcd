//! Patches of grids: their places, the local mean over them, and pictures denoised by them.

use locality::denoise::OptimalDenoiser;
use locality::patches::Patches;
use locality::{ErrorKind, Kernel, LocalMean, Rows, Watch};
use locality_testing::{Rng, normal};

/// A place beyond the border, by walking back and forth.
fn mirrored(mut at: isize, size: isize) -> usize {
    while size > 1 && !(0..size).contains(&at) {
        at = if at < 0 { -at } else { 2 * size - 2 - at };
    }
    if size == 1 { 0 } else { at as usize }
}

#[test]
fn patches_are_those_of_plain_loops() {
    let (h, w, c) = (4, 5, 3);
    let picture = normal(1, h * w, c);
    for size in [1, 3, 5, 11] {
        let grid = Patches::new(&[h, w], c, size).unwrap();
        let rows = grid.rows_with_positions(&picture).unwrap();
        let r = (size / 2) as isize;
        let mut expected = Vec::new();
        for y in 0..h as isize {
            for x in 0..w as isize {
                for dy in -r..=r {
                    for dx in -r..=r {
                        let at = mirrored(y + dy, h as isize) * w + mirrored(x + dx, w as isize);
                        expected.extend_from_slice(&picture[at * c..][..c]);
                    }
                }
                expected.extend([y as f64, x as f64]);
            }
        }
        assert_eq!(rows, expected);
    }
    // A series and a volume: the middle of each patch is the place's own.
    for (shape, c) in [(vec![9], 2), (vec![3, 4, 2], 1), (vec![1, 1], 1)] {
        let grid = Patches::new(&shape, c, 3).unwrap();
        let values = normal(2, grid.places(), c);
        let rows = grid.rows(&values).unwrap();
        let middle = (grid.columns() / c / 2) * c;
        for (row, own) in rows
            .chunks_exact(grid.columns())
            .zip(values.chunks_exact(c))
        {
            assert_eq!(&row[middle..middle + c], own);
        }
        // Patches of a grid agree about it.
        let back = grid.average(&rows).unwrap();
        assert!(back.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}

/// Patch similarity is a kernel like any other: times one of positions it gives non-local means.
#[test]
fn the_local_mean_over_patches_is_non_local_means() {
    let (height, width) = (9, 11);
    let picture = normal(4, height * width, 1);
    let grid = Patches::new(&[height, width], 1, 3).unwrap();
    let keys = grid.rows_with_positions(&picture).unwrap();
    let keys = Rows::new(&keys, grid.places(), 11).unwrap();
    let patch = "gaussian(h=1.2, cols=[0, 1, 2, 3, 4, 5, 6, 7, 8])";
    for position in [
        "epanechnikov(h=4, cols=[9, 10])",
        "uniform(h=3, metric=chebyshev, cols=[9, 10])",
    ] {
        let kernel: Kernel = format!("{patch} * {position}").parse().unwrap();
        let fit = LocalMean::new(kernel)
            .fit(keys, Rows::column(&picture))
            .unwrap();
        let found = fit.at(keys, &Watch::default()).unwrap().means;
        let pixel = |y: isize, x: isize| {
            picture[mirrored(y, height as isize) * width + mirrored(x, width as isize)]
        };
        for y in 0..height as isize {
            for x in 0..width as isize {
                let (mut total, mut sum) = (0.0, 0.0);
                for v in 0..height as isize {
                    for u in 0..width as isize {
                        let mut d2 = 0.0;
                        for dy in -1..=1 {
                            for dx in -1..=1 {
                                d2 += (pixel(y + dy, x + dx) - pixel(v + dy, u + dx)).powi(2);
                            }
                        }
                        let (a, b) = ((y - v) as f64, (x - u) as f64);
                        let near = if position.starts_with("uniform") {
                            f64::from(u8::from(a.abs() <= 3.0 && b.abs() <= 3.0))
                        } else {
                            (1.0 - (a * a + b * b) / 16.0).max(0.0)
                        };
                        let weight = near * (-0.5 * d2 / 1.44).exp();
                        total += weight;
                        sum += weight * pixel(v, u);
                    }
                }
                let at = y as usize * width + x as usize;
                assert!((found[at] - sum / total).abs() < 1e-12);
            }
        }
    }
}

/// One half of a texture, clean, teaches what the noisy other half was.
#[test]
fn pictures_are_denoised_by_clean_patches() {
    let (height, width) = (48, 96);
    let texture: Vec<f64> = (0..height * width)
        .map(|i| {
            let (y, x) = ((i / width) as f64, (i % width) as f64);
            let waves = (0.5 * x + 0.2 * y).sin() + (0.31 * y - 0.12 * x).cos();
            let edge = if (x + 2.0 * y) % 23.0 < 9.0 { 1.0 } else { 0.0 };
            waves + edge
        })
        .collect();
    let half = |right: bool| -> Vec<f64> {
        let rows = texture.chunks_exact(width);
        rows.flat_map(|r| r[usize::from(right) * 48..][..48].to_vec())
            .collect()
    };
    let (known, truth) = (half(false), half(true));
    let sigma = 0.5;
    let mut random = Rng::new(3);
    let noisy: Vec<f64> = truth.iter().map(|x| x + sigma * random.normal()).collect();
    let error = |x: &[f64]| -> f64 {
        let squares = x.iter().zip(&truth).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>() / x.len() as f64
    };
    let by = |size: usize, average: bool| -> f64 {
        let grid = Patches::new(&[height, 48], 1, size).unwrap();
        let clean = grid.rows(&known).unwrap();
        let clean = Rows::new(&clean, grid.places(), grid.columns()).unwrap();
        let fit = OptimalDenoiser::new(sigma)
            .fit(clean, &Watch::default())
            .unwrap();
        if average {
            return error(&fit.denoise_grid(&grid, &noisy, &Watch::default()).unwrap());
        }
        let rows = grid.rows(&noisy).unwrap();
        let rows = Rows::new(&rows, grid.places(), grid.columns()).unwrap();
        let out = fit.denoise(rows, &Watch::default()).unwrap();
        let middles = out
            .chunks_exact(grid.columns())
            .map(|r| r[grid.columns() / 2]);
        error(&middles.collect::<Vec<f64>>())
    };
    // More context tells more, and overlapping patches more than their middles.
    let (one, three, seven) = (by(1, true), by(3, true), by(7, true));
    assert!(
        one > 1.5 * three && three > 1.5 * seven,
        "{one} {three} {seven}"
    );
    assert!(seven < 0.16 * error(&noisy), "{seven} {}", error(&noisy));
    assert!(seven < 0.9 * by(7, false));
}

#[test]
fn mistakes_are_named() {
    let new = |shape: &[usize], c: usize, size: usize| Patches::new(shape, c, size).unwrap_err();
    assert!(new(&[4, 4], 1, 4).to_string().starts_with("size is 4"));
    assert!(new(&[4, 4], 1, 0).to_string().starts_with("size is 0"));
    assert_eq!(new(&[4, 0], 1, 3).kind(), ErrorKind::Empty);
    assert_eq!(new(&[], 1, 3).kind(), ErrorKind::Empty);
    let far = usize::MAX / 2;
    assert!(
        new(&[far, far], 1, 3)
            .to_string()
            .contains("more numbers than fit into memory")
    );
    assert!(
        new(&[4, 4, 4], 1, far)
            .to_string()
            .contains("more numbers than fit into memory")
    );
    let grid = Patches::new(&[2, 2], 1, 3).unwrap();
    assert_eq!(grid.rows(&[1.0; 3]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(
        grid.average(&[1.0; 3]).unwrap_err().kind(),
        ErrorKind::Shape
    );
    let fit = OptimalDenoiser::new(1.0)
        .fit(Rows::column(&[1.0, 2.0]), &Watch::default())
        .unwrap();
    assert_eq!(
        fit.denoise_grid(&grid, &[1.0; 4], &Watch::default())
            .unwrap_err()
            .kind(),
        ErrorKind::Shape
    );
}
