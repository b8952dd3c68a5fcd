//! What must hold for Laplacian eigenmaps and diffusion maps whatever the data.
#![cfg(feature = "dense")]

use locality::embed::{
    DiffusionMap, DiffusionMapFit, LaplacianEigenmaps, Pieces, Solver, kernel_scale,
    trustworthiness,
};
use locality::{ErrorKind, Kernel, Profile, Rows, Watch};
use locality_testing::{Rng, normal};
use proptest::prelude::*;

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

/// `n x d` numbers between 0 and 1.
fn uniform(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n * d).map(|_| rng.uniform()).collect()
}

/// Gaussian weights of all pairs, by plain loops.
fn gaussian(x: &[f64], d: usize, h: f64) -> Vec<Vec<f64>> {
    let one = |a: &[f64], b: &[f64]| {
        let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        (-0.5 * square / (h * h)).exp()
    };
    let each = |a: &[f64]| x.chunks(d).map(|b| one(a, b)).collect();
    x.chunks(d).map(each).collect()
}

/// The walk of a diffusion map and its stationary law, as the paper defines them.
fn walk(weights: &[Vec<f64>], alpha: f64) -> (Vec<Vec<f64>>, Vec<f64>) {
    let q: Vec<f64> = weights.iter().map(|r| r.iter().sum()).collect();
    let thin = |i: usize, j: usize| weights[i][j] / (q[i] * q[j]).powf(alpha);
    let n = q.len();
    let k: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| thin(i, j)).collect())
        .collect();
    let d: Vec<f64> = k.iter().map(|r| r.iter().sum()).collect();
    let whole: f64 = d.iter().sum();
    let steps = k.iter().zip(&d);
    let steps = steps.map(|(r, d)| r.iter().map(|w| w / d).collect());
    (steps.collect(), d.iter().map(|d| d / whole).collect())
}

fn times(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = b.len();
    let entry = |r: &Vec<f64>, j: usize| (0..n).map(|l| r[l] * b[l][j]).sum();
    a.iter()
        .map(|r| (0..n).map(|j| entry(r, j)).collect())
        .collect()
}

fn diffusion(h: f64) -> DiffusionMap {
    DiffusionMap::new()
        .n_neighbors(None)
        .kernel(Kernel::gaussian(h))
}

/// The largest difference, up to the sign of each column.
fn apart(a: Rows<'_, f64>, b: Rows<'_, f64>) -> f64 {
    let column = |j: usize| {
        let dot: f64 = a.iter().zip(b.iter()).map(|(a, b)| a[j] * b[j]).sum();
        let off = |(a, b): (&[f64], &[f64])| (a[j] - dot.signum() * b[j]).abs();
        a.iter().zip(b.iter()).map(off).fold(0.0, f64::max)
    };
    (0..a.columns()).map(column).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Coifman and Lafon, proposition 9.
    #[test]
    fn distances_are_those_between_where_walks_go(
        seed in 0_u64..1000, alpha in prop::sample::select(vec![0.0, 0.5, 1.0]), time in 1_usize..4,
    ) {
        let (n, h) = (30, 0.8);
        let x = normal(seed, n, 2);
        let model = diffusion(h).n_components(n - 1).alpha(alpha).time(time as f64);
        let fit = model.fit(rows(&x, 2), &Watch::default()).unwrap();
        let (steps, law) = walk(&gaussian(&x, 2, h), alpha);
        let mut after = steps.clone();
        for _ in 1..time {
            after = times(&after, &steps);
        }
        let y = fit.embedding();
        for (i, j) in [(0, 1), (3, 17), (29, 8)] {
            let found: f64 = y.row(i).iter().zip(y.row(j)).map(|(a, b)| (a - b) * (a - b)).sum();
            let asked: f64 = (0..n).map(|z| (after[i][z] - after[j][z]).powi(2) / law[z]).sum();
            prop_assert!((found - asked).abs() < 1e-9 * (1.0 + asked), "{found} {asked}");
        }
    }

    #[test]
    fn a_sample_keeps_its_place_among_all_pairs(seed in 0_u64..1000, alpha in 0.0..1.0) {
        let x = normal(seed, 60, 3);
        let fit = diffusion(1.0).alpha(alpha).fit(rows(&x, 3), &Watch::default()).unwrap();
        let again = fit.transform(rows(&x, 3), &Watch::default()).unwrap();
        for (a, b) in fit.embedding().to_vec().iter().zip(&again) {
            prop_assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    /// `(D - W) y = lambda D y`, the problem that Belkin and Niyogi state.
    #[test]
    fn coordinates_solve_the_generalised_problem(seed in 0_u64..1000, crowded in any::<bool>()) {
        let (n, h) = (if crowded { 260 } else { 60 }, 0.7);
        let x = normal(seed, n, 2);
        let model = LaplacianEigenmaps::new().among_all(Kernel::gaussian(h)).n_components(3);
        let fit = model.fit(rows(&x, 2), &Watch::default()).unwrap();
        let mut w = gaussian(&x, 2, h);
        (0..n).for_each(|i| w[i][i] = 0.0);
        let d: Vec<f64> = w.iter().map(|r| r.iter().sum()).collect();
        let y = fit.embedding();
        for c in 0..3 {
            let lambda = fit.eigenvalues()[c];
            for i in 0..n {
                let walk: f64 = (0..n).map(|j| w[i][j] * y.row(j)[c]).sum();
                let off = d[i] * y.row(i)[c] * (1.0 - lambda) - walk;
                prop_assert!(off.abs() < 1e-7 * d[i].sqrt(), "{i} {c} {off}");
            }
            for e in 0..=c {
                let dot: f64 = (0..n).map(|i| d[i] * y.row(i)[c] * y.row(i)[e]).sum();
                prop_assert!((dot - f64::from(u8::from(c == e))).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn where_samples_lie_and_their_unit_do_not_matter(seed in 0_u64..1000, scale in 0.1..10.0, by in -3.0..3.0) {
        let x = normal(seed, 120, 2);
        let moved: Vec<f64> = x.chunks(2).flat_map(|p| [scale * p[1] + by, by - scale * p[0]]).collect();
        let watch = Watch::default();
        let one = |x: &[f64]| LaplacianEigenmaps::new().n_neighbors(20).fit(rows(x, 2), &watch).unwrap();
        let (a, b) = (one(&x), one(&moved));
        // Ties and sparse ends leave eigenvalues near one another now and then.
        prop_assume!(a.n_pieces() == 1 && a.eigenvalues()[1] - a.eigenvalues()[0] > 1e-3);
        prop_assert!((a.eigenvalues()[0] - b.eigenvalues()[0]).abs() < 1e-8);
        let one = |x: &[f64]| DiffusionMap::new().n_neighbors(30).fit(rows(x, 2), &watch).unwrap();
        let (a, b) = (one(&x), one(&moved));
        prop_assert!((a.eigenvalues()[0] - b.eigenvalues()[0]).abs() < 1e-8);
    }
}

fn ring(n: u32) -> Vec<f64> {
    let at = |i: u32| std::f64::consts::TAU * f64::from(i) / f64::from(n);
    (0..n)
        .map(at)
        .flat_map(|t| [2.0 * t.cos(), 2.0 * t.sin()])
        .collect()
}

#[test]
fn a_ring_has_the_eigenvalues_of_a_cycle() {
    for n in [40_u32, 600] {
        let model = LaplacianEigenmaps::new().n_neighbors(3).n_components(4);
        let fit = model.fit(rows(&ring(n), 2), &Watch::default()).unwrap();
        for (c, found) in fit.eigenvalues().iter().enumerate() {
            let j = f64::from(c as u32 / 2 + 1);
            let asked = 1.0 - (std::f64::consts::TAU * j / f64::from(n)).cos();
            assert!((found - asked).abs() < 1e-9, "{n} {c}: {found} {asked}");
        }
    }
}

#[test]
fn ways_to_find_eigenvectors_agree() {
    let x = normal(3, 300, 3);
    let watch = Watch::default();
    let near = LaplacianEigenmaps::new().n_neighbors(12);
    let all = LaplacianEigenmaps::new().rbf(0.5).unwrap();
    for model in [near, all] {
        let fast = model.fit(rows(&x, 3), &watch).unwrap();
        let slow = model.clone().solver(Solver::Dense);
        let slow = slow.fit(rows(&x, 3), &watch).unwrap();
        assert!(apart(fast.embedding(), slow.embedding()) < 1e-7);
        for (a, b) in fast.eigenvalues().iter().zip(slow.eigenvalues()) {
            assert!((a - b).abs() < 1e-10, "{a} {b}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let x = normal(4, 500, 3);
    for pairs in [Some(15), None] {
        let both = [1, 3].map(|threads| {
            let watch = Watch::default().threads(threads);
            let map = DiffusionMap::new()
                .n_neighbors(pairs)
                .fit(rows(&x, 3), &watch)
                .unwrap();
            let at = map.transform(rows(&x[..30], 3), &watch).unwrap();
            let model = LaplacianEigenmaps::new().n_neighbors(pairs);
            let eigenmaps = model.fit(rows(&x, 3), &watch).unwrap();
            (map.embedding().to_vec(), at, eigenmaps.embedding().to_vec())
        });
        assert!(both[0] == both[1]);
    }
}

/// How far the first two coordinates are from a circle: the spread of their radii over the mean.
fn roundness(fit: &DiffusionMapFit) -> f64 {
    let radii: Vec<f64> = fit.embedding().iter().map(|y| y[0].hypot(y[1])).collect();
    let n = radii.len() as f64;
    let mean = radii.iter().sum::<f64>() / n;
    (radii.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n).sqrt() / mean
}

#[test]
fn alpha_of_one_does_not_see_the_density() {
    // A circle, four times as dense on one side: its Laplacian's eigenfunctions are cosine and sine of the angle.
    let x: Vec<f64> = (0..600)
        .map(|i| std::f64::consts::TAU * (f64::from(i) + 0.5) / 600.0)
        .map(|t| t + 0.6 * t.sin())
        .flat_map(|t| [t.cos(), t.sin()])
        .collect();
    let fit = |alpha: f64| {
        let model = diffusion(0.1).alpha(alpha);
        model.fit(rows(&x, 2), &Watch::default()).unwrap()
    };
    let (seen, unseen) = (roundness(&fit(0.0)), roundness(&fit(1.0)));
    assert!(unseen < 0.02 && seen > 10.0 * unseen, "{unseen} {seen}");
}

#[test]
fn more_time_shrinks_coordinates_by_their_eigenvalues() {
    let x = normal(7, 80, 2);
    let fit = |time: f64| {
        diffusion(1.0)
            .time(time)
            .fit(rows(&x, 2), &Watch::default())
    };
    let (one, five) = (fit(0.0).unwrap(), fit(2.5).unwrap());
    for (a, b) in one.embedding().iter().zip(five.embedding().iter()) {
        for c in 0..2 {
            let asked = a[c] * one.eigenvalues()[c].powf(2.5);
            assert!((asked - b[c]).abs() < 1e-10, "{asked} {}", b[c]);
        }
    }
}

#[test]
fn pieces_are_embedded_by_themselves() {
    let near = normal(1, 60, 2);
    let both: Vec<f64> = near
        .iter()
        .copied()
        .chain(near.iter().map(|x| x + 1e3))
        .collect();
    let watch = Watch::default();
    let model = LaplacianEigenmaps::new()
        .pieces(Pieces::Centred)
        .n_neighbors(10);
    let alone = model.fit(rows(&near, 2), &watch).unwrap();
    let two = model.fit(rows(&both, 2), &watch).unwrap();
    assert_eq!((alone.n_pieces(), two.n_pieces()), (1, 2));
    assert!(alone.warning().is_none() && two.warning().unwrap().contains("2 pieces of 60, 60"));
    let half: Vec<f64> = two.embedding().iter().take(60).flatten().copied().collect();
    let scaled: Vec<f64> = half.iter().map(|y| y * 2.0_f64.sqrt()).collect();
    assert!(apart(rows(&scaled, 2), alone.embedding()) < 1e-8);

    let model = DiffusionMap::new()
        .pieces(Pieces::Centred)
        .kernel("epanechnikov(h=2)".parse().unwrap());
    let alone = model.fit(rows(&near, 2), &watch).unwrap();
    let two = model.fit(rows(&both, 2), &watch).unwrap();
    assert_eq!(two.n_pieces(), 2 * alone.n_pieces());
    let half: Vec<f64> = two.embedding().iter().take(60).flatten().copied().collect();
    assert!(apart(rows(&half, 2), alone.embedding()) < 1e-8);
    // A place beyond every weight is where the nearest sample is.
    let found = two.transform(rows(&[500.0, -900.0], 2), &watch).unwrap();
    let near_one = (0..120).any(|i| two.embedding().row(i) == &found[..]);
    assert!(near_one, "{found:?}");
    // Samples without neighbours have coordinates 0.
    let lonely = LaplacianEigenmaps::new()
        .pieces(Pieces::Centred)
        .n_neighbors(1);
    let lonely = lonely.fit(rows(&near, 2), &watch).unwrap();
    assert_eq!(lonely.n_pieces(), 60);
    assert!(lonely.embedding().to_vec().iter().all(|y| *y == 0.0));
}

/// Coordinates of a graph in pieces are the eigenvectors of the whole.
#[test]
fn pieces_lie_apart() {
    let mut x = normal(3, 40, 2);
    x.extend(normal(4, 25, 2).iter().map(|x| x + 1e3));
    x.extend(normal(5, 15, 2).iter().map(|x| x - 1e3));
    let watch = Watch::default();
    let fit = LaplacianEigenmaps::new().n_neighbors(6).n_components(4);
    let fit = fit.fit(rows(&x, 2), &watch).unwrap();
    assert_eq!(fit.n_pieces(), 3);
    let (w, n, c) = (fit.affinity().clone(), 80, 4);
    let mut dense = vec![0.0; n * n];
    for i in 0..n {
        let (columns, values) = w.row(i);
        for (j, v) in columns.iter().zip(values) {
            dense[i * n + j] = if i == *j { 0.0 } else { *v };
        }
    }
    let degrees: Vec<f64> = dense.chunks(n).map(|r| r.iter().sum()).collect();
    let y = fit.embedding().to_vec();
    let values = &fit.eigenvalues()[..c];
    assert!(values[0].abs() < 1e-12 && values[1].abs() < 1e-12 && values[2] > 1e-4);
    assert!(values.windows(2).all(|v| v[0] <= v[1]));
    for j in 0..c {
        // L y = value D y.
        for i in 0..n {
            let sum: f64 = (0..n).map(|l| dense[i * n + l] * y[l * c + j]).sum();
            let rest = degrees[i] * y[i * c + j] - sum - values[j] * degrees[i] * y[i * c + j];
            assert!(rest.abs() < 1e-8, "{j} {i}: {rest}");
        }
        for l in 0..=j {
            let dot: f64 = (0..n)
                .map(|i| degrees[i] * y[i * c + j] * y[i * c + l])
                .sum();
            assert!(
                (dot - f64::from(u8::from(l == j))).abs() < 1e-8,
                "{j} {l}: {dot}"
            );
        }
    }
    // Places of one piece are told from those of another.
    for i in 0..n {
        for l in 0..n {
            let same = fit.pieces()[i] == fit.pieces()[l];
            let far = (0..2).any(|j| (y[i * c + j] - y[l * c + j]).abs() > 1e-3);
            assert_eq!(far, !same);
        }
    }
    let walk = DiffusionMap::new().kernel("epanechnikov(h=4)".parse().unwrap());
    let walk = walk.n_components(3).fit(rows(&x, 2), &watch).unwrap();
    assert!(walk.n_pieces() >= 3 && walk.eigenvalues()[..2] == [1.0, 1.0]);
    assert!(walk.warning().unwrap().contains("tell them apart"));
    let again = walk.transform(rows(&x, 2), &watch).unwrap();
    let known = walk.embedding().to_vec();
    for (a, b) in again.chunks(3).zip(known.chunks(3)) {
        assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9);
    }
}

#[test]
fn the_scale_goes_with_the_unit_and_lies_between_the_gaps_and_the_whole() {
    let x = uniform(5, 500, 2);
    let gaussian = Profile::from_name("gaussian", &[]).unwrap();
    let at = |x: &[f64], k| kernel_scale(rows(x, 2), &gaussian, k, &Watch::default()).unwrap();
    for k in [Some(40), None] {
        let h = at(&x, k);
        assert!(h > 0.005 && h < 0.5, "{h}");
        let larger: Vec<f64> = x.iter().map(|x| 32.0 * x).collect();
        assert!((at(&larger, k) / h - 32.0).abs() < 1e-9);
    }
    let alike = [1.0; 20];
    let none = kernel_scale(rows(&alike, 2), &gaussian, None, &Watch::default());
    assert!(none.unwrap_err().to_string().contains("distance 0"));
}

/// The sum of weights grows as fast just above the spacing of an even grid as anywhere; nobody may be alone there.
#[test]
fn the_automatic_bandwidth_reaches_some_neighbours() {
    let grid: Vec<f64> = (0..400)
        .flat_map(|i| [f64::from(i % 20), f64::from(i / 20)])
        .collect();
    let fit = DiffusionMap::new()
        .fit(rows(&grid, 2), &Watch::default())
        .unwrap();
    let h = fit.kernel().to_string();
    let h: f64 = h
        .trim_start_matches("gaussian(h=")
        .trim_end_matches(')')
        .parse()
        .unwrap();
    // The seventh neighbour of a place within: four are at 1, four at the diagonal.
    assert!(h >= 2_f64.sqrt() - 1e-9 && h < 3.0, "{h}");
}

/// On a long strip the first coordinate is the first cosine along it, however the strip is rolled up.
#[test]
fn a_rolled_strip_is_unrolled() {
    let at = uniform(2, 900, 2);
    // Archimedes' spiral, by the parameter at which it has a share of its length (for large t, t^2 / 2).
    let angle = |share: f64| (25.0 + 175.0 * share).sqrt();
    let x: Vec<f64> = at
        .chunks(2)
        .flat_map(|p| {
            let t = angle(p[0]);
            [t * t.cos(), 8.0 * p[1], t * t.sin()]
        })
        .collect();
    let watch = Watch::default();
    let eigenmaps = LaplacianEigenmaps::new().n_neighbors(12);
    let eigenmaps = eigenmaps.fit(rows(&x, 3), &watch).unwrap();
    let map = DiffusionMap::new().n_neighbors(24);
    let map = map.fit(rows(&x, 3), &watch).unwrap();
    for y in [eigenmaps.embedding(), map.embedding()] {
        let cosine = |i: usize| (std::f64::consts::PI * at[2 * i]).cos();
        let (mut yc, mut yy, mut cc) = (0.0, 0.0, 0.0);
        for (i, row) in y.iter().enumerate() {
            yc += row[0] * cosine(i);
            yy += row[0] * row[0];
            cc += cosine(i).powi(2);
        }
        let correlation = yc.abs() / (yy * cc).sqrt();
        assert!(correlation > 0.97, "{correlation}");
        let trust = trustworthiness(rows(&x, 3), y, 10, &watch).unwrap();
        assert!(trust > 0.9, "{trust}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let x = normal(1, 20, 2);
    let watch = Watch::default();
    let eigenmaps = |m: LaplacianEigenmaps| m.fit(rows(&x, 2), &watch).unwrap_err();
    let map = |m: DiffusionMap| m.fit(rows(&x, 2), &watch).unwrap_err();
    let new = LaplacianEigenmaps::new;
    for (error, words) in [
        (eigenmaps(new().n_neighbors(21)), "n_neighbors=21"),
        (eigenmaps(new().n_neighbors(0)), "n_neighbors=0"),
        (eigenmaps(new().n_components(20)), "n_components=20"),
        (eigenmaps(new().tol(f64::NAN)), "tol=NaN"),
        (new().rbf(-1.0).unwrap_err(), "gamma=-1"),
        (map(DiffusionMap::new().alpha(-1.0)), "alpha=-1"),
        (map(DiffusionMap::new().time(f64::INFINITY)), "time=inf"),
        (map(DiffusionMap::new().n_neighbors(0)), "n_neighbors=0"),
        (map(DiffusionMap::new().bandwidth(0.0)), "bandwidth=0"),
        (map(diffusion(1.0).bandwidth(2.0)), "bandwidth=2"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Parameter, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let bad = [1.0, f64::NAN, 3.0, 4.0];
    let error = DiffusionMap::new().fit(rows(&bad, 2), &watch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    let fit = DiffusionMap::new().fit(rows(&x, 2), &watch).unwrap();
    let error = fit.transform(rows(&x[..6], 3), &watch).unwrap_err();
    assert!(error.to_string().contains("3 columns"), "{error}");
    let mut parts = fit.parts().clone();
    parts.thinning.pop();
    assert!(DiffusionMapFit::from_parts(parts, 2, &watch).is_err());
}
