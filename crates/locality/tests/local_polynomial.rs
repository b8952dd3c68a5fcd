//! Laws of local polynomial regression, against plain double loops.

use locality::local::{Criterion, LocalPolynomial, Wanted};
use locality::{Kernel, OnEmpty, Rows, Watch};
use locality_testing::{Rng, normal};

fn kernel(text: &str) -> Kernel {
    text.parse().unwrap()
}

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

/// Exponents of all monomials of at most a degree, by degree.
fn exponents(d: usize, degree: usize) -> Vec<Vec<usize>> {
    let mut out = vec![vec![0; d]];
    let mut last = out.clone();
    for _ in 0..degree {
        let mut next: Vec<Vec<usize>> = Vec::new();
        for e in &last {
            for c in 0..d {
                let mut e = e.clone();
                e[c] += 1;
                if !next.contains(&e) {
                    next.push(e);
                }
            }
        }
        out.extend(next.iter().cloned());
        last = next;
    }
    out
}

fn basis(x: &[f64], center: &[f64], exponents: &[Vec<usize>]) -> Vec<f64> {
    let term = |e: &Vec<usize>| {
        let factors = e.iter().zip(x.iter().zip(center));
        factors.map(|(&e, (x, c))| (x - c).powi(e as i32)).product()
    };
    exponents.iter().map(term).collect()
}

/// Gaussian elimination with pivoting.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let best = (k..n)
            .max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs()))
            .unwrap();
        a.swap(k, best);
        b.swap(k, best);
        for i in k + 1..n {
            let f = a[i][k] / a[k][k];
            let (above, below) = a.split_at_mut(i);
            for (x, y) in below[0][k..].iter_mut().zip(&above[k][k..]) {
                *x -= f * y;
            }
            b[i] -= f * b[k];
        }
    }
    for k in (0..n).rev() {
        for j in k + 1..n {
            b[k] -= a[k][j] * b[j];
        }
        b[k] /= a[k][k];
    }
    b
}

/// The constant of the weighted least-squares polynomial around a target.
fn plain(x: &[f64], d: usize, y: &[f64], w: &[f64], target: &[f64], degree: usize) -> f64 {
    let exponents = exponents(d, degree);
    let q = exponents.len();
    let (mut a, mut b) = (vec![vec![0.0; q]; q], vec![0.0; q]);
    for (i, row) in x.chunks_exact(d).enumerate() {
        let f = basis(row, target, &exponents);
        for j in 0..q {
            for k in 0..q {
                a[j][k] += w[i] * f[j] * f[k];
            }
            b[j] += w[i] * f[j] * y[i];
        }
    }
    solve(a, b)[0]
}

fn wavy(x: &[f64], d: usize) -> Vec<f64> {
    let y = |row: &[f64]| {
        row.iter()
            .enumerate()
            .map(|(c, x)| (x * (1.0 + c as f64)).sin())
            .sum()
    };
    x.chunks_exact(d).map(y).collect()
}

#[test]
fn fits_are_weighted_least_squares() {
    let watch = Watch::default();
    for (d, n) in [(1, 200), (2, 500), (3, 900)] {
        let (x, targets) = (normal(1, n, d), normal(2, 20, d));
        let y = wavy(&x, d);
        let mut rng = Rng::new(5);
        let weights: Vec<f64> = (0..n).map(|_| 0.1 + rng.uniform()).collect();
        for degree in 0..=3 {
            for h in [0.8, 2.0] {
                let model = LocalPolynomial::new(Kernel::gaussian(h))
                    .degree(degree)
                    .guard(false);
                for weights in [None, Some(&weights[..])] {
                    let fit = model
                        .fit(rows(&x, d), Rows::column(&y), weights, &watch)
                        .unwrap();
                    let found = fit.at(rows(&targets, d), &watch).unwrap();
                    for (t, value) in targets.chunks_exact(d).zip(found.values()) {
                        let w: Vec<f64> = x
                            .chunks_exact(d)
                            .enumerate()
                            .map(|(i, row)| {
                                let d2: f64 = row.iter().zip(t).map(|(a, b)| (a - b).powi(2)).sum();
                                weights.map_or(1.0, |w| w[i]) * (-0.5 * d2 / (h * h)).exp()
                            })
                            .collect();
                        let wanted = plain(&x, d, &y, &w, t, degree);
                        let off = (value - wanted).abs();
                        assert!(
                            off < 1e-7 * (1.0 + wanted.abs()),
                            "d={d} degree={degree}: {value} for {wanted}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn polynomials_are_found_as_they_are() {
    let watch = Watch::default();
    for d in 1..=3 {
        let (x, targets) = (normal(3, 2000, d), normal(4, 50, d));
        for degree in 1..=3 {
            let exponents = exponents(d, degree);
            let polynomial = |row: &[f64]| -> f64 {
                let terms = basis(row, &vec![0.0; d], &exponents);
                terms
                    .iter()
                    .enumerate()
                    .map(|(j, t)| (1.0 - 0.3 * j as f64) * t)
                    .sum()
            };
            let y: Vec<f64> = x.chunks_exact(d).map(polynomial).collect();
            for text in ["gaussian(h=0.7)", "tricube(knn=400)", "epanechnikov(h=3)"] {
                let model = LocalPolynomial::new(kernel(text)).degree(degree);
                let fit = model
                    .fit(rows(&x, d), Rows::column(&y), None, &watch)
                    .unwrap();
                let found = fit.at(rows(&targets, d), &watch).unwrap();
                let each = targets
                    .chunks_exact(d)
                    .zip(found.values())
                    .zip(found.shrinkage());
                let mut seen = 0;
                for ((t, value), shrinkage) in each {
                    // Far out evidence is thin.
                    if *shrinkage > 0.0 {
                        continue;
                    }
                    seen += 1;
                    let wanted = polynomial(t);
                    let off = (value - wanted).abs();
                    assert!(
                        off < 1e-7 * (1.0 + wanted.abs()),
                        "{text}, degree {degree}: {value} for {wanted}"
                    );
                }
                assert!(
                    seen > 30,
                    "{text}, d={d}, degree {degree}: only {seen} targets"
                );
            }
        }
    }
}

/// Values for responses that are the rows of the unit matrix: the hat matrix itself.
#[test]
fn leverages_variances_and_leave_one_out_are_those_of_the_hat_matrix() {
    let watch = Watch::default();
    let (n, d) = (60, 2);
    let x = normal(6, n, d);
    let y = wavy(&x, d);
    let mut unit = vec![0.0; n * n];
    (0..n).for_each(|i| unit[i * n + i] = 1.0);
    let mut rng = Rng::new(7);
    let weights: Vec<f64> = (0..n).map(|_| 0.2 + rng.uniform()).collect();
    for weights in [None, Some(&weights[..])] {
        for (text, guard) in [
            ("gaussian(h=0.9)", false),
            ("gaussian(h=0.35)", true),
            ("gaussian(h=0.2)", true),
        ] {
            let model = LocalPolynomial::new(kernel(text)).guard(guard);
            let fit = model
                .fit(rows(&x, d), rows(&unit, n), weights, &watch)
                .unwrap();
            let hat = fit.at(rows(&x, d), &watch).unwrap().values().to_vec();
            let fit = model
                .fit(rows(&x, d), Rows::column(&y), weights, &watch)
                .unwrap();
            let wanted = Wanted {
                variances: true,
                own: true,
            };
            let fits = fit.at_with(rows(&x, d), wanted, &watch).unwrap();
            let diagnostics = fit.diagnostics(&watch).unwrap();
            for i in 0..n {
                let row = &hat[i * n..][..n];
                let sum: f64 = row.iter().sum();
                assert!((sum - 1.0).abs() < 1e-9, "{text}: constants are kept");
                assert!((fits.own()[i] - row[i]).abs() < 1e-9, "{text}");
                let over = |j: usize| weights.map_or(1.0, |w| w[j]);
                let norm: f64 = row.iter().enumerate().map(|(j, l)| l * l / over(j)).sum();
                assert!(
                    (fits.variances()[i * 3] - norm).abs() < 1e-9 * (1.0 + norm),
                    "{text}"
                );
                let value: f64 = row.iter().zip(&y).map(|(l, y)| l * y).sum();
                assert!((value - fits.values()[i]).abs() < 1e-9, "{text}");
                // Without sample i, as a fit of its own.
                if !guard {
                    let keep = |k: usize| move |(j, v): (usize, f64)| (j / k != i).then_some(v);
                    let all = |v: &[f64], k| -> Vec<f64> {
                        v.iter().copied().enumerate().filter_map(keep(k)).collect()
                    };
                    let (x, y) = (all(&x, d), all(&y, 1));
                    let weights = weights.map(|w| all(w, 1));
                    let without = model
                        .fit(rows(&x, d), Rows::column(&y), weights.as_deref(), &watch)
                        .unwrap();
                    let at = fit.samples().unwrap().slice(i..i + 1);
                    let predicted = without.at(at, &watch).unwrap().values()[0];
                    let residual = diagnostics.loo_residuals[i];
                    let truth = diagnostics.fitted[i] + residual * (1.0 - diagnostics.leverage[i]);
                    assert!(
                        (truth - predicted - residual).abs() < 1e-7 * (1.0 + residual.abs()),
                        "{residual}"
                    );
                }
            }
            let trace: f64 = (0..n).map(|i| hat[i * n + i]).sum();
            assert!((trace - diagnostics.dof).abs() < 1e-8);
        }
    }
}

#[test]
fn slopes_have_the_variances_that_simulation_shows() {
    let watch = Watch::default();
    let (n, m) = (80, 400);
    let x = normal(8, n, 2);
    // Pure noise of variance 1: what is found is the estimator's own spread.
    let noise = normal(9, n, m);
    let model = LocalPolynomial::new(kernel("gaussian(h=1)")).degree(2);
    let fit = model
        .fit(rows(&x, 2), rows(&noise, m), None, &watch)
        .unwrap();
    let wanted = Wanted {
        variances: true,
        own: false,
    };
    let at = fit.at_with(rows(&[0.1, -0.2], 2), wanted, &watch).unwrap();
    assert_eq!(at.features(), 5);
    for j in 0..5 {
        let spread = (0..m).map(|c| at.slopes()[c * 5 + j].powi(2)).sum::<f64>() / m as f64;
        let ratio = spread / at.variances()[1 + j];
        // A mean of 400 squares of normal numbers is off by 7 % as a rule.
        assert!((0.72..1.4).contains(&ratio), "feature {j}: {ratio}");
    }
}

#[test]
fn a_wide_kernel_is_the_global_line_and_a_narrow_one_the_nearest_sample() {
    let watch = Watch::default();
    let x = normal(10, 100, 2);
    let y = wavy(&x, 2);
    let targets = normal(11, 10, 2);
    let at = |h: f64| {
        let model = LocalPolynomial::new(Kernel::gaussian(h));
        let fit = model
            .fit(rows(&x, 2), Rows::column(&y), None, &watch)
            .unwrap();
        fit.at(rows(&targets, 2), &watch).unwrap().values().to_vec()
    };
    for (t, value) in targets.chunks_exact(2).zip(at(1e6)) {
        let wanted = plain(&x, 2, &y, &[1.0; 100], t, 1);
        assert!((value - wanted).abs() < 1e-8, "{value} for {wanted}");
    }
    for (t, value) in targets.chunks_exact(2).zip(at(1e-3)) {
        let distance = |row: &[f64]| (row[0] - t[0]).hypot(row[1] - t[1]);
        let nearest = (0..100)
            .min_by(|&i, &j| distance(&x[2 * i..]).total_cmp(&distance(&x[2 * j..])))
            .unwrap();
        assert!(
            (value - y[nearest]).abs() < 1e-6,
            "{value} for {}",
            y[nearest]
        );
    }
}

#[test]
fn guarded_fits_never_explode() {
    let watch = Watch::default();
    let n = 300;
    let mut rng = Rng::new(12);
    // Two columns that are nearly one, a constant, duplicates, and a heavy tail.
    let mut x = Vec::new();
    for i in 0..n {
        let a = if i % 3 == 0 { 0.5 } else { rng.normal() };
        let tail = rng.normal() / rng.uniform().max(1e-3);
        x.extend([a, a + 1e-9 * rng.normal(), 3.0, tail]);
    }
    let y: Vec<f64> = x
        .chunks_exact(4)
        .map(|r| r[0].sin() + 0.1 * rng.normal())
        .collect();
    let (low, high) = y
        .iter()
        .fold((f64::MAX, f64::MIN), |(a, b), y| (a.min(*y), b.max(*y)));
    let mut targets = x[..200].to_vec();
    targets.extend([
        50.0, 50.0, 3.0, 0.0, 0.5, -0.5, 3.0, 1e4, 1e3, -1e3, -1e3, 1e3,
    ]);
    for degree in 0..=2 {
        for text in [
            "gaussian(h=0.05)",
            "gaussian(h=1)",
            "tricube(knn=6)",
            "tricube(knn=40)",
            "gaussian(h=100)",
        ] {
            let model = LocalPolynomial::new(kernel(text))
                .degree(degree)
                .on_empty(OnEmpty::Nearest);
            let fit = model
                .fit(rows(&x, 4), Rows::column(&y), None, &watch)
                .unwrap();
            let found = fit.at(rows(&targets, 4), &watch).unwrap();
            let reach = 4.0 * (high - low);
            for (i, value) in found.values().iter().enumerate() {
                assert!(
                    (low - reach..=high + reach).contains(value),
                    "{text}, degree {degree}, target {i}: {value}"
                );
            }
        }
    }
}

#[test]
fn threads_and_company_change_nothing() {
    let x = normal(13, 5000, 2);
    let y = wavy(&x, 2);
    for text in ["gaussian(h=0.3)", "tricube(knn=50)"] {
        let model = LocalPolynomial::new(kernel(text)).degree(2);
        let fit = model
            .fit(rows(&x, 2), Rows::column(&y), None, &Watch::default())
            .unwrap();
        let some = rows(&x, 2).slice(0..100);
        let all = fit.at(some, &Watch::default().threads(2)).unwrap();
        let one = fit.at(some, &Watch::default().threads(1)).unwrap();
        assert_eq!(all.values(), one.values());
        for i in 0..100 {
            let alone = fit.at(some.slice(i..i + 1), &Watch::default()).unwrap();
            assert_eq!(alone.values()[0], all.values()[i], "{text}");
        }
    }
}

#[test]
fn criteria_prefer_a_sensible_bandwidth() {
    let watch = Watch::default();
    let mut rng = Rng::new(14);
    let x: Vec<f64> = (0..400).map(|i| f64::from(i) / 400.0).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| (12.0 * x).sin() + 0.3 * rng.normal())
        .collect();
    for criterion in [Criterion::LeaveOneOut, Criterion::Gcv, Criterion::Aicc] {
        let value = |h: f64| {
            let fit = LocalPolynomial::new(Kernel::gaussian(h));
            let fit = fit
                .fit(Rows::column(&x), Rows::column(&y), None, &watch)
                .unwrap();
            fit.criterion(criterion, &watch).unwrap()
        };
        let [narrow, good, wide] = [0.003, 0.03, 0.5].map(value);
        assert!(
            good < narrow && good < wide,
            "{criterion:?}: {narrow} {good} {wide}"
        );
    }
}

#[test]
fn bad_input_is_named() {
    let watch = Watch::default();
    let x = [0.0, 1.0, 2.0];
    let fit = |model: LocalPolynomial| {
        let fit = model.fit(Rows::column(&x), Rows::column(&x), None, &watch);
        fit.map(|_| ()).unwrap_err().to_string()
    };
    let model = || LocalPolynomial::new(Kernel::gaussian(1.0));
    assert!(fit(model().ridge(-1.0)).contains("ridge=-1"));
    assert!(fit(model().on([3])).contains("columns has 3"));
    assert!(fit(model().degree(5000)).contains("degree=5000"));
    let bad = model().fit(
        Rows::column(&x),
        Rows::column(&[1.0, f64::NAN, 2.0]),
        None,
        &watch,
    );
    assert!(bad.unwrap_err().to_string().contains("NaN"));
}

#[test]
fn the_ends_of_a_well_sampled_curve_are_not_thin() {
    let watch = Watch::default();
    let x: Vec<f64> = (0..61).map(|i| f64::from(i) / 10.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
    let at = |h: f64| {
        let fit = LocalPolynomial::new(Kernel::gaussian(h));
        let fit = fit.fit(Rows::column(&x), Rows::column(&y), None, &watch);
        fit.unwrap().at(Rows::column(&x), &watch).unwrap()
    };
    // The width that leave-one-out errors choose: about three samples count at the ends.
    let plain = at(0.137);
    assert!(plain.effective_samples()[0] < 3.0);
    assert!(plain.shrinkage()[0] > 0.02 && plain.shrinkage()[0] < 0.1);
    assert_eq!(plain.shrinkage()[30], 0.0);
    assert!(plain.thin().iter().all(|t| !t));
    // Fewer than the two that a line takes are.
    let narrow = at(0.05);
    assert!(narrow.thin()[0] && narrow.shrinkage()[0] > 0.9);
}
