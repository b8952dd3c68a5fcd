//! What must hold for local principal components, dimensions and manifold blurring.
#![cfg(feature = "dense")]

use locality::pca::{
    Components, DimensionMethod, IntrinsicDimension, LocalPca, LocalPcaFit, PcaFit,
};
use locality::shift::{Denoised, ManifoldBlurring};
use locality::{ErrorKind, Kernel, LocalMean, Metric, Nearest, Neighborhood, Rows, Watch};
use locality_testing::{Rng, normal};
use proptest::prelude::*;

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn laid(model: &LocalPca, x: &[f64], d: usize) -> LocalPcaFit {
    model.fit(rows(x, d), None, &Watch::default()).unwrap()
}

/// Mean and covariance of some rows, by plain loops; of `n - 1`.
fn moments(x: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let n = (x.len() / d) as f64;
    let mean: Vec<f64> = (0..d)
        .map(|j| x.iter().skip(j).step_by(d).sum::<f64>() / n)
        .collect();
    let mut c = vec![0.0; d * d];
    for row in x.chunks(d) {
        for i in 0..d {
            for j in 0..d {
                c[i * d + j] += (row[i] - mean[i]) * (row[j] - mean[j]) / (n - 1.0);
            }
        }
    }
    (mean, c)
}

/// Whether a fit is the principal components of some rows: `C v = lambda v`, orthonormal, and the whole trace.
fn is_pca_of(fit: &PcaFit, x: &[f64], d: usize) {
    let (mean, c) = moments(x, d);
    let trace: f64 = (0..d).map(|i| c[i * d + i]).sum();
    for (a, b) in fit.mean().iter().zip(&mean) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    assert!((fit.total_variance() - trace).abs() < 1e-9 * trace);
    assert!(fit.variances().windows(2).all(|v| v[0] >= v[1]));
    for (r, v) in fit.components().iter().enumerate() {
        for i in 0..d {
            let image: f64 = (0..d).map(|j| c[i * d + j] * v[j]).sum();
            let off = image - fit.variances()[r] * v[i];
            assert!(off.abs() < 1e-9 * trace, "{off}");
        }
        for (s, w) in fit.components().iter().enumerate() {
            let dot: f64 = v.iter().zip(w).map(|(a, b)| a * b).sum();
            assert!((dot - f64::from(u8::from(r == s))).abs() < 1e-10);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn under_a_wide_kernel_it_is_the_pca_of_all(seed in 0_u64..1000, d in 1_usize..40) {
        let x = normal(seed, 25, d);
        let fit = laid(&LocalPca::new(Kernel::gaussian(1e8)), &x, d);
        for found in fit.at(rows(&x[..3 * d], d), &Watch::default()).unwrap() {
            prop_assert_eq!(found.variances().len(), d.min(24));
            is_pca_of(&found, &x, d);
        }
    }

    #[test]
    fn around_a_target_it_is_the_pca_of_its_nearest(seed in 0_u64..1000, k in 2_usize..30) {
        let (x, at) = (normal(seed, 80, 5), normal(seed + 1, 4, 5));
        let fit = laid(&LocalPca::nearest(k), &x, 5);
        let found = fit.at(rows(&at, 5), &Watch::default()).unwrap();
        let near = Nearest::fit(rows(&x, 5), &Metric::Euclidean).unwrap();
        let near = near.k_nearest(rows(&at, 5), k, &Watch::default()).unwrap();
        for (fit, near) in found.iter().zip(near.indices.chunks(k)) {
            let some: Vec<f64> = near.iter().flat_map(|&j| x[5 * j..][..5].to_vec()).collect();
            is_pca_of(fit, &some, 5);
        }
    }

    #[test]
    fn projections_lie_on_the_plane_and_stay_there(seed in 0_u64..1000) {
        let x = normal(seed, 60, 4);
        let model = LocalPca::new(Kernel::gaussian(0.9)).components(Components::Count(2));
        let fit = laid(&model, &x, 4);
        let at = rows(&x[..40], 4);
        let projected = fit.project(at, &Watch::default()).unwrap();
        let errors = fit.errors(at, &Watch::default()).unwrap();
        let frames = fit.at(at, &Watch::default()).unwrap();
        for (i, frame) in frames.iter().enumerate() {
            let (x, p) = (at.row(i), &projected[4 * i..][..4]);
            let mut twice = vec![0.0; 4];
            frame.project(p, &mut twice);
            let mut off: Vec<f64> = x.iter().zip(p).map(|(x, p)| x - p).collect();
            let length = off.iter().map(|o| o * o).sum::<f64>().sqrt();
            prop_assert!((length - errors[i]).abs() < 1e-12);
            let before = off.clone();
            frame.take_tangent(&mut off);
            for c in 0..4 {
                prop_assert!((twice[c] - p[c]).abs() < 1e-10);
                prop_assert!((off[c] - before[c]).abs() < 1e-10, "what is off the plane has no part along it");
            }
        }
    }

    #[test]
    fn dimensions_do_not_see_the_unit_nor_the_place(seed in 0_u64..1000, scale in 0.1..10.0, by in -3.0..3.0) {
        let x = normal(seed, 100, 3);
        let moved: Vec<f64> = x.chunks(3).flat_map(|p| [scale * p[1] + by, by - scale * p[0], scale * p[2]]).collect();
        for method in METHODS {
            let of = |x: &[f64]| IntrinsicDimension::new(method).of(rows(x, 3), &Watch::default()).unwrap();
            let (a, b) = (of(&x), of(&moved));
            prop_assert!((a.global - b.global).abs() < 1e-9 * a.global, "{method:?} {a:?} {b:?}");
        }
    }
}

const METHODS: [DimensionMethod; 4] = [
    DimensionMethod::MaximumLikelihood,
    DimensionMethod::TwoNn,
    DimensionMethod::Participation,
    DimensionMethod::Share(0.9),
];

#[test]
fn dimensions_at_any_scale() {
    let x = normal(7, 200, 3);
    let methods = [
        DimensionMethod::MaximumLikelihood,
        DimensionMethod::TwoNn,
        DimensionMethod::Participation,
        DimensionMethod::Share(0.95),
    ];
    for method in methods {
        let of = |scale: f64| {
            let x: Vec<f64> = x.iter().map(|v| v * scale).collect();
            let found = IntrinsicDimension::new(method).of(rows(&x, 3), &Watch::default());
            found.unwrap().global
        };
        let one = of(1.0);
        for scale in [1e-100, 1e-90, 1e80, 1e100] {
            assert!((of(scale) - one).abs() < 1e-9 * one, "{method:?} {scale}");
        }
    }
}

#[test]
fn mutual_neighbours_are_fewer() {
    // A cluster, and a sample far away that has it among its nearest, but not the other way round.
    let mut x = normal(2, 40, 2);
    x.extend([30.0, 0.0]);
    let watch = Watch::default();
    let far = rows(&x[80..], 2);
    let one = |text: &str| {
        let region: Neighborhood = text.parse().unwrap();
        let fit = laid(&LocalPca::flat(region), &x, 2);
        fit.at(far, &watch).unwrap().remove(0)
    };
    let (plain, mutual) = (one("nearest(k=6)"), one("mutual(k=6)"));
    assert!(plain.mean()[0] > 2.0);
    // Alone, it is answered for by all samples.
    is_pca_of(&mutual, &x, 2);
}

#[test]
fn sample_weights_count_as_repeated_samples() {
    let x = normal(5, 30, 3);
    let weights: Vec<f64> = (0..30).map(|i| f64::from(i % 3)).collect();
    let repeated: Vec<f64> = x
        .chunks(3)
        .zip(&weights)
        .flat_map(|(row, w)| row.repeat(*w as usize))
        .collect();
    let (watch, model) = (Watch::default(), LocalPca::new(Kernel::gaussian(0.8)));
    let weighted = model.fit(rows(&x, 3), Some(&weights), &watch).unwrap();
    let a = weighted.project(rows(&x, 3), &watch).unwrap();
    let b = laid(&model, &repeated, 3);
    let b = b.project(rows(&x, 3), &watch).unwrap();
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() < 1e-9);
    }
    let model = model.components(Components::Count(1));
    let one = |fit: &LocalPcaFit| fit.at(rows(&x[..3], 3), &watch).unwrap().remove(0);
    let weighted = model.fit(rows(&x, 3), Some(&weights), &watch).unwrap();
    let repeated = laid(&model, &repeated, 3);
    let (a, b) = (one(&weighted), one(&repeated));
    for (a, b) in a.components().row(0).iter().zip(b.components().row(0)) {
        assert!((a - b).abs() < 1e-9);
    }
}

/// `n` points of the unit sphere of `d` dimensions in `d + 1` columns, moved off it by normal noise.
fn sphere(seed: u64, n: usize, d: usize, noise: f64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut out = Vec::new();
    for _ in 0..n {
        let row: Vec<f64> = (0..=d).map(|_| rng.normal()).collect();
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        let radius = 1.0 + noise * rng.normal();
        out.extend(row.iter().map(|x| radius * x / length));
    }
    out
}

/// The root of the mean squared distance from the unit sphere.
fn off_sphere(x: &[f64], d: usize) -> f64 {
    let off = x.chunks(d).map(|row| {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        (length - 1.0).powi(2)
    });
    (off.sum::<f64>() / (x.len() / d) as f64).sqrt()
}

#[test]
fn projection_takes_noise_off_a_sphere() {
    let x = sphere(1, 2000, 2, 0.08);
    let model = LocalPca::new(Kernel::gaussian(0.15)).components(Components::Count(2));
    let clean = laid(&model, &x, 3).project(rows(&x, 3), &Watch::default());
    let (before, after) = (off_sphere(&x, 3), off_sphere(&clean.unwrap(), 3));
    assert!(after < 0.5 * before, "{before} {after}");
}

#[test]
fn errors_find_what_is_off_the_surface() {
    let mut x = sphere(3, 1000, 2, 0.01);
    let n = x.len();
    x.extend([0.0, 0.0, 1.3, 0.6, 0.6, 0.0]);
    let model = LocalPca::nearest(25).components(Components::Count(2));
    let errors = laid(&model, &x, 3).errors(rows(&x, 3), &Watch::default());
    let errors = errors.unwrap();
    let (inside, outside) = errors.split_at(n / 3);
    let most = inside.iter().fold(0.0, |a: f64, e| a.max(*e));
    assert!(outside.iter().all(|e| *e > most), "{most} {outside:?}");
}

#[test]
fn known_surfaces_have_their_dimension() {
    let roll: Vec<f64> = {
        let mut rng = Rng::new(4);
        let mut one = || {
            let t = 1.5 * std::f64::consts::PI * (1.0 + 2.0 * rng.uniform());
            [t * t.cos(), 21.0 * rng.uniform(), t * t.sin()]
        };
        (0..3000).flat_map(|_| one()).collect()
    };
    let cases = [
        (roll, 3, 2.0),
        (sphere(5, 3000, 1, 0.0), 2, 1.0),
        (sphere(6, 3000, 2, 0.0), 3, 2.0),
        (sphere(7, 3000, 4, 0.0), 5, 4.0),
    ];
    for (x, d, asked) in &cases {
        for method in METHODS {
            let model = IntrinsicDimension::new(method).n_neighbors(16);
            let found = model.of(rows(x, *d), &Watch::default()).unwrap();
            let off = (found.global - asked).abs() / asked;
            // The variances of 17 samples are uneven by chance, which the participation ratio takes for fewer dimensions.
            let most = if method == DimensionMethod::Participation {
                0.2
            } else {
                0.15
            };
            assert!(off < most, "{method:?}, {asked}: {}", found.global);
            if method != DimensionMethod::TwoNn {
                assert_eq!(found.local.len(), x.len() / d);
            }
        }
    }
}

/// Levina and Bickel's equation (8), MacKay and Ghahramani's mean, and Facco's fit, by plain loops.
#[test]
fn estimates_are_the_papers_formulas() {
    let (n, d, k) = (60, 3, 7);
    let x = normal(9, n, d);
    let mut inverses = Vec::new();
    let mut ratios = Vec::new();
    let watch = Watch::default();
    let mle = IntrinsicDimension::new(DimensionMethod::MaximumLikelihood).n_neighbors(k);
    let mle = mle.of(rows(&x, d), &watch).unwrap();
    for i in 0..n {
        let mut far: Vec<f64> = (0..n)
            .filter(|j| *j != i)
            .map(|j| {
                let squares = (0..d).map(|c| (x[d * i + c] - x[d * j + c]).powi(2));
                squares.sum::<f64>().sqrt()
            })
            .collect();
        far.sort_by(f64::total_cmp);
        let sum: f64 = (0..k - 1).map(|j| (far[k - 1] / far[j]).ln()).sum();
        let inverse = sum / (k - 1) as f64;
        assert!((mle.local[i] * inverse - 1.0).abs() < 1e-10);
        inverses.push(inverse);
        ratios.push((far[1] / far[0]).ln());
    }
    let mean = inverses.iter().sum::<f64>() / n as f64;
    assert!((mle.global * mean - 1.0).abs() < 1e-10);
    ratios.sort_by(f64::total_cmp);
    let (mut xy, mut xx) = (0.0, 0.0);
    for (i, x) in ratios.iter().take(54).enumerate() {
        xy += x * -(1.0 - (i + 1) as f64 / n as f64).ln();
        xx += x * x;
    }
    let two = IntrinsicDimension::new(DimensionMethod::TwoNn);
    let two = two.of(rows(&x, d), &watch).unwrap();
    assert!((two.global - xy / xx).abs() < 1e-10 && two.local.is_empty());
}

#[test]
fn duplicates_say_nothing_about_dimension() {
    let once = normal(3, 200, 2);
    let twice: Vec<f64> = once.chunks(2).flat_map(|p| p.repeat(2)).collect();
    for method in [
        DimensionMethod::MaximumLikelihood,
        DimensionMethod::Participation,
    ] {
        let model = IntrinsicDimension::new(method);
        let found = model.of(rows(&twice, 2), &Watch::default()).unwrap();
        assert!(
            (found.global - 2.0).abs() < 0.4,
            "{method:?} {}",
            found.global
        );
    }
    let alike = [1.0; 60];
    for method in [DimensionMethod::MaximumLikelihood, DimensionMethod::TwoNn] {
        let none = IntrinsicDimension::new(method).of(rows(&alike, 2), &Watch::default());
        assert_eq!(none.unwrap_err().kind(), ErrorKind::Parameter);
    }
    // Whole numbers and copies tell the two nearest nothing, and a number of neighbours would not help.
    let whole: Vec<f64> = (0..900)
        .flat_map(|i| [f64::from(i % 30), f64::from(i / 30)])
        .collect();
    let copies = normal(3, 100, 2).repeat(5);
    for (x, n) in [(&whole, 900), (&copies, 500)] {
        let two = IntrinsicDimension::new(DimensionMethod::TwoNn);
        let said = two.of(rows(x, 2), &Watch::default()).unwrap_err();
        let said = said.to_string();
        assert!(said.contains(&format!("{n} of the {n} samples")), "{said}");
        assert!(said.contains("n_neighbors=60"), "{said}");
        let other = IntrinsicDimension::new(DimensionMethod::MaximumLikelihood);
        let other = other.n_neighbors(60);
        let found = other.of(rows(x, 2), &Watch::default()).unwrap().global;
        assert!((found - 2.0).abs() < 0.4, "{found}");
    }
}

/// Points of a spiral `r = 0.3 t`, moved off it by normal noise.
fn spiral(seed: u64, n: usize, noise: f64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let t: Vec<f64> = (0..n).map(|_| 3.0 + 12.0 * rng.uniform()).collect();
    let x = t.iter().flat_map(|t| {
        let r = 0.3 * t;
        [
            r * t.cos() + noise * rng.normal(),
            r * t.sin() + noise * rng.normal(),
        ]
    });
    x.collect()
}

/// The root of the mean squared distance to the spiral, and the parameter of the nearest point of it.
fn against_spiral(x: &[f64]) -> (f64, Vec<f64>) {
    let curve: Vec<(f64, [f64; 2])> = (0..6000)
        .map(|i| 2.5 + 13.0 * f64::from(i) / 6000.0)
        .map(|t| (t, [0.3 * t * t.cos(), 0.3 * t * t.sin()]))
        .collect();
    let (mut sum, mut at) = (0.0, Vec::new());
    for p in x.chunks(2) {
        let mut best = (f64::INFINITY, 0.0);
        for (t, q) in &curve {
            let square = (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
            if square < best.0 {
                best = (square, *t);
            }
        }
        sum += best.0;
        at.push(best.1);
    }
    ((sum / at.len() as f64).sqrt(), at)
}

/// How far points moved along the spiral, in the mean of the parameters.
fn along(from: &[f64], to: &[f64]) -> f64 {
    let moves = from.iter().zip(to).map(|(a, b)| (a - b).abs());
    moves.sum::<f64>() / from.len() as f64
}

fn denoised(model: &ManifoldBlurring, x: &[f64], d: usize) -> Denoised {
    model.denoise(rows(x, d), &Watch::default()).unwrap()
}

#[test]
fn a_noisy_spiral_gets_nearer_and_does_not_shrink() {
    let x = spiral(8, 800, 0.12);
    let (before, start) = against_spiral(&x);
    let kernel = Kernel::gaussian(0.2);
    let model = ManifoldBlurring::new(1).n_neighbors(24);
    let variants = [
        model.clone().max_iter(2),
        model.clone().kernel(kernel.clone()),
        model.clone().kernel(kernel.clone()).all_samples(true),
    ];
    for model in variants {
        let found = denoised(&model, &x, 2);
        let (after, at) = against_spiral(&found.points().to_vec());
        assert!(after < 0.5 * before, "{model:?}: {before} {after}");
        let slid = along(&start, &at);
        assert!(slid < 0.01, "{model:?}: {slid}");
        assert!(found.moves().windows(2).all(|m| m[1] < m[0]));
    }
    // Plain blurring of as many rounds draws samples together along the spiral.
    let slid = |dimension: usize| {
        let model = ManifoldBlurring::new(dimension)
            .n_neighbors(24)
            .max_iter(12);
        let found = denoised(&model.kernel(kernel.clone()), &x, 2);
        along(&start, &against_spiral(&found.points().to_vec()).1)
    };
    let (plain, kept) = (slid(0), slid(1));
    assert!(kept < 0.1 * plain && plain > 0.05, "{plain} {kept}");
}

#[test]
fn without_a_plane_it_is_blurring_mean_shift() {
    let x = normal(6, 50, 3);
    let model = ManifoldBlurring::new(0).n_neighbors(12).max_iter(1);
    let kernel = Kernel::gaussian(0.5);
    let found = denoised(&model.clone().kernel(kernel.clone()), &x, 3);
    let mean = |kernel: Kernel| {
        let mean = LocalMean::new(kernel).neighborhood(Neighborhood::nearest(12));
        let fit = mean.fit(rows(&x, 3), rows(&x, 3)).unwrap();
        fit.at(rows(&x, 3), &Watch::default()).unwrap().means
    };
    for (a, b) in found.points().to_vec().iter().zip(mean(kernel)) {
        assert!((a - b).abs() < 1e-12);
    }
    // Without a kernel all of the nearest count alike.
    let flat = mean(Kernel::radial("uniform", 1e6).unwrap());
    for (a, b) in denoised(&model, &x, 3).points().to_vec().iter().zip(flat) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let x = spiral(2, 300, 0.1);
    let both = [1, 3].map(|threads| {
        let watch = Watch::default().threads(threads);
        let fit = LocalPca::nearest(15).components(Components::Share(0.9));
        let fit = fit.fit(rows(&x, 2), None, &watch).unwrap();
        let dimension = IntrinsicDimension::new(DimensionMethod::Participation);
        (
            fit.project(rows(&x, 2), &watch).unwrap(),
            fit.at(rows(&x, 2), &watch).unwrap(),
            dimension.of(rows(&x, 2), &watch).unwrap(),
            ManifoldBlurring::new(1)
                .denoise(rows(&x, 2), &watch)
                .unwrap(),
        )
    });
    assert!(both[0] == both[1]);
}

#[test]
fn what_is_wrong_is_named() {
    let x = normal(1, 20, 2);
    let watch = Watch::default();
    let pca = |c| {
        LocalPca::nearest(5)
            .components(c)
            .fit(rows(&x, 2), None, &watch)
            .unwrap_err()
    };
    let dimension = |method, k| {
        IntrinsicDimension::new(method)
            .n_neighbors(k)
            .of(rows(&x, 2), &watch)
            .unwrap_err()
    };
    let blurred = |m: ManifoldBlurring| m.denoise(rows(&x, 2), &watch).unwrap_err();
    let new = ManifoldBlurring::new;
    for (error, words) in [
        (pca(Components::Count(3)), "n_components=3"),
        (pca(Components::Count(0)), "n_components=0"),
        (pca(Components::Share(1.5)), "n_components=1.5"),
        (pca(Components::Share(f64::NAN)), "n_components=NaN"),
        (
            dimension(DimensionMethod::MaximumLikelihood, 20),
            "n_neighbors=20",
        ),
        (
            dimension(DimensionMethod::Participation, 1),
            "n_neighbors=1",
        ),
        (dimension(DimensionMethod::Share(0.0), 5), "threshold=0"),
        (blurred(new(2)), "n_components=2"),
        (blurred(new(1).n_neighbors(1)), "n_neighbors=1"),
        (blurred(new(1).n_neighbors(21)), "n_neighbors=21"),
        (blurred(new(1).all_samples(true)), "give a kernel"),
        (blurred(new(1).tol(-1.0)), "tol=-1"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Parameter, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let bad = [1.0, f64::NAN, 3.0, 4.0];
    let error = LocalPca::nearest(2)
        .fit(rows(&bad, 2), None, &watch)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    let fit = laid(&LocalPca::nearest(5), &x, 2);
    assert!(fit.at(rows(&x[..3], 3), &watch).is_err());
    assert!(fit.project(rows(&[], 2), &watch).unwrap().is_empty());
}

#[test]
fn samples_whose_distances_cannot_be_squared_are_refused() {
    let x = normal(1, 40, 2);
    let watch = Watch::default();
    let directions = |scale: f64| {
        let x: Vec<f64> = x.iter().map(|x| x * scale).collect();
        let fit = LocalPca::nearest(9).fit(rows(&x, 2), None, &watch)?;
        let around = fit.at(rows(&x, 2), &watch)?;
        Ok::<_, locality::Error>(
            around
                .iter()
                .map(|a| a.components().row(0).to_vec())
                .collect::<Vec<_>>(),
        )
    };
    let expected = directions(1.0).unwrap();
    for power in [-470, -300, 300, 490] {
        assert_eq!(
            directions(f64::from(power).exp2()).unwrap(),
            expected,
            "2^{power}"
        );
    }
    for (scale, words) in [
        (1e-160, "multiply its columns by 1e160"),
        (1e-300, "multiply its columns by 1e300"),
        (1e160, "divide its columns by 1e160"),
        (1e307, "divide its columns by 1e307"),
    ] {
        let error = directions(scale).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFinite, "{error}");
        assert!(
            error.to_string().starts_with("X is ") && error.to_string().ends_with(words),
            "{error}"
        );
    }
    // What is all in one place has no direction, at any scale.
    let alike = [1e-200; 20];
    let fit = LocalPca::nearest(3)
        .fit(rows(&alike, 2), None, &watch)
        .unwrap();
    assert_eq!(fit.global().spectrum().len(), 0);
}
