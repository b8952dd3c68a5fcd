//! LOWESS against plain double loops, and its laws.

use locality::local::lowess::{Lowess, LowessFit, Missing};
use locality::{ErrorKind, Watch};
use locality_testing::Rng;

/// Predictors on which sums of powers are hard, each with responses.
fn hard(n: usize) -> Vec<(&'static str, Vec<f64>, Vec<f64>)> {
    let mut rng = Rng::new(7);
    let uniform: Vec<f64> = (0..n).map(|_| rng.uniform()).collect();
    let normal: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let each = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    let wave = |x: &[f64]| -> Vec<f64> {
        let wide = x.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
        let noise = |i: usize| 0.3 * normal[(7 * i) % n];
        (x.iter().enumerate())
            .map(|(i, x)| (9.0 * x / wide).sin() + noise(i))
            .collect()
    };
    let predictors = [
        ("uniform", uniform.clone()),
        ("far from 0", each(&|i| 1e6 + 1e-3 * uniform[i])),
        ("tiny", each(&|i| 1e-150 * uniform[i])),
        ("huge", each(&|i| 1e150 * uniform[i])),
        ("ties", each(&|i| (uniform[i] * 40.0).floor())),
        ("grid", each(&|i| i as f64)),
        ("tight groups", each(&|i| (i % 5) as f64 + 1e-7 * normal[i])),
        (
            "groups of all widths",
            each(&|i| (i % 9) as f64 + 10_f64.powi(-((i % 9) as i32)) * normal[i]),
        ),
        ("heavy tails", each(&|i| normal[i] / normal[(i + 1) % n])),
        ("exponential", each(&|i| (30.0 * uniform[i]).exp())),
        (
            "one far row",
            each(&|i| if i == 3 { 1e9 } else { uniform[i] }),
        ),
    ];
    let mut cases: Vec<_> = predictors
        .into_iter()
        .map(|(name, x)| (name, x.clone(), wave(&x)))
        .collect();
    let outliers = |size: f64| {
        let y = wave(&uniform);
        let odd = |(i, y): (usize, f64)| if i % 97 == 5 { size * normal[i] } else { y };
        y.into_iter().enumerate().map(odd).collect::<Vec<f64>>()
    };
    cases.push(("outliers", uniform.clone(), outliers(1e3)));
    cases.push(("absurd outliers", uniform.clone(), outliers(1e12)));
    cases.push((
        "far responses",
        uniform.clone(),
        wave(&uniform).iter().map(|y| 1e8 + y).collect(),
    ));
    cases
}

/// What the rows count at `x0`, `p` with `value = p . y`: least squares of sqrt(w) y on the columns sqrt(w) u^q, made orthonormal one after
/// the other. Rows are sorted. None where fewer than two weights count.
fn plain_row(x: &[f64], v: &[f64], k: usize, degree: usize, x0: f64) -> Option<Vec<f64>> {
    let n = x.len();
    let from = (0..=n - k).find(|l| l + k == n || x0 <= (x[*l] / 2.0 + x[l + k] / 2.0))?;
    let window = from..from + k;
    let radius = window
        .clone()
        .map(|i| (x[i] - x0).abs())
        .fold(0.0, f64::max);
    let mut p = vec![0.0; n];
    if radius == 0.0 {
        let tied: Vec<usize> = (0..n).filter(|i| x[*i] == x0).collect();
        let total: f64 = tied.iter().map(|i| v[*i]).sum();
        for i in tied {
            p[i] = v[i] / total;
        }
        return Some(p);
    }
    let u: Vec<f64> = window.clone().map(|i| (x[i] - x0) / radius).collect();
    let kernel = |u: f64| (1.0 - u.abs().powi(3)).powi(3);
    let w: Vec<f64> = u
        .iter()
        .zip(window.clone())
        .map(|(u, i)| kernel(*u) * v[i])
        .collect();
    if w.iter().filter(|w| **w > 1e-12).count() < 2 {
        return None;
    }
    let mut basis: Vec<(Vec<f64>, f64)> = Vec::new();
    for q in 0..=degree {
        // The column, and the value at the target of the polynomial that it is.
        let mut column: Vec<f64> = u
            .iter()
            .zip(&w)
            .map(|(u, w)| w.sqrt() * u.powi(q as i32))
            .collect();
        let mut here = if q == 0 { 1.0 } else { 0.0 };
        for _ in 0..2 {
            for (other, there) in &basis {
                let dot: f64 = column.iter().zip(other).map(|(a, b)| a * b).sum();
                column
                    .iter_mut()
                    .zip(other)
                    .for_each(|(c, o)| *c -= dot * o);
                here -= dot * there;
            }
        }
        let length = column.iter().map(|c| c * c).sum::<f64>().sqrt();
        let least = 1e-12 * w.iter().sum::<f64>();
        if length * length <= least {
            // A slope counts as if the variance were the least; a bend does not count.
            if q == 1 && length > 0.0 {
                let slope = here * length / least;
                basis.push((column.iter().map(|c| c / length).collect(), slope));
            }
            break;
        }
        basis.push((column.iter().map(|c| c / length).collect(), here / length));
    }
    for (column, here) in &basis {
        for ((i, c), w) in window.clone().zip(column).zip(&w) {
            p[i] += here * c * w.sqrt();
        }
    }
    Some(p)
}

/// Everything sorted by x, ties in order.
fn sorted(x: &[f64], y: &[f64]) -> (Vec<usize>, Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let pick = |v: &[f64]| order.iter().map(|i| v[*i]).collect();
    (order.clone(), pick(x), pick(y))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut v: Vec<f64> = values.collect();
    v.sort_by(f64::total_cmp);
    f64::midpoint(v[(v.len() - 1) / 2], v[v.len() / 2])
}

/// The fit by plain loops, in the rows' order.
fn plain(x: &[f64], y: &[f64], c: &[f64], k: usize, degree: usize, iterations: usize) -> Vec<f64> {
    let (order, x, y) = sorted(x, y);
    let c: Vec<f64> = order.iter().map(|i| c[*i]).collect();
    let mut v = c.clone();
    let mut fitted = Vec::new();
    for round in 0..=iterations {
        let dot = |p: Vec<f64>| p.iter().zip(&y).map(|(p, y)| p * y).sum::<f64>();
        fitted = (0..x.len())
            .map(|i| plain_row(&x, &v, k, degree, x[i]).map_or(y[i], dot))
            .collect();
        if round < iterations {
            let residual: Vec<f64> = y.iter().zip(&fitted).map(|(y, f)| (y - f).abs()).collect();
            let scale = 6.0 * median(residual.iter().copied());
            let bisquare = residual
                .iter()
                .map(|r| (1.0 - (r / scale).min(1.0).powi(2)).powi(2));
            v = bisquare.zip(&c).map(|(r, c)| r * c).collect();
        }
    }
    let mut out = vec![0.0; x.len()];
    order.iter().zip(fitted).for_each(|(i, f)| out[*i] = f);
    out
}

fn fit(lowess: &Lowess, x: &[f64], y: &[f64]) -> LowessFit<f64> {
    lowess.fit(x, y, &Watch::default()).unwrap()
}

#[track_caller]
fn near(name: &str, found: &[f64], expected: &[f64], y: &[f64], tolerance: f64) {
    let scale = median(y.iter().map(|y| y.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let off = (f - e).abs() / e.abs().max(scale);
        assert!(
            off <= tolerance,
            "{name}: row {i}: {f} instead of {e}, off by {off:e}"
        );
    }
}

#[test]
fn every_fit_is_the_plain_loops() {
    let n = 1500;
    for (name, x, y) in hard(n) {
        for (degree, frac) in [(0, 0.3), (1, 0.02), (1, 0.15), (1, 0.6), (1, 1.0), (2, 0.4)] {
            let lowess = Lowess::new().frac(frac).degree(degree).robust_iterations(0);
            let found = fit(&lowess, &x, &y);
            let expected = plain(&x, &y, &vec![1.0; n], found.n_neighbors(), degree, 0);
            // Parabolas at the ends of windows with gaps are an extrapolation: they lose digits however they are fitted.
            let tolerance = if degree == 2 { 1e-8 } else { 1e-10 };
            near(
                &format!("{name}, degree {degree}, frac {frac}"),
                found.fitted(),
                &expected,
                &y,
                tolerance,
            );
        }
    }
}

#[test]
fn robust_iterations_and_sample_weights_are_the_plain_loops() {
    let n = 900;
    let mut rng = Rng::new(3);
    let c: Vec<f64> = (0..n)
        .map(|_| {
            if rng.uniform() < 0.1 {
                1.0
            } else {
                0.2 * rng.uniform()
            }
        })
        .collect();
    let largest = c.iter().copied().fold(0.0, f64::max);
    for (name, x, y) in hard(n) {
        if ![
            "uniform",
            "far from 0",
            "ties",
            "grid",
            "outliers",
            "far responses",
        ]
        .contains(&name)
        {
            continue;
        }
        let lowess = Lowess::new().frac(0.3).robust_iterations(3);
        let found = fit(&lowess, &x, &y);
        near(
            name,
            found.fitted(),
            &plain(&x, &y, &vec![1.0; n], 270, 1, 3),
            &y,
            1e-9,
        );
        let lowess = Lowess::new().frac(0.3).robust_iterations(0);
        let found = lowess.fit_weighted(&x, &y, &c, &Watch::default()).unwrap();
        let c: Vec<f64> = c.iter().map(|c| c / largest).collect();
        near(
            name,
            found.fitted(),
            &plain(&x, &y, &c, 270, 1, 0),
            &y,
            1e-10,
        );
    }
}

#[test]
fn standard_errors_are_those_of_the_smoothers_matrix() {
    let n = 700;
    for (name, x, y) in hard(n) {
        if !["uniform", "far from 0", "grid", "heavy tails", "ties"].contains(&name) {
            continue;
        }
        for (degree, iterations) in [(0, 0), (1, 0), (1, 2), (2, 0)] {
            let lowess = Lowess::new()
                .frac(0.4)
                .degree(degree)
                .robust_iterations(iterations)
                .standard_errors(true);
            let found = fit(&lowess, &x, &y);
            let (order, x, y) = sorted(&x, &y);
            let v: Vec<f64> = order
                .iter()
                .map(|i| found.robustness_weights()[*i])
                .collect();
            let rows: Vec<Vec<f64>> = x
                .iter()
                .map(|x0| plain_row(&x, &v, 280, degree, *x0).unwrap())
                .collect();
            let norm = |p: &[f64]| {
                p.iter()
                    .zip(&v)
                    .filter(|(_, v)| **v > 0.0)
                    .map(|(p, v)| p * p / v)
                    .sum::<f64>()
            };
            let (mut trace, mut df, mut squares) = (0.0, 0.0, 0.0);
            for i in (0..n).filter(|i| v[*i] > 0.0) {
                trace += rows[i][i];
                df += 1.0 - 2.0 * rows[i][i] + v[i] * norm(&rows[i]);
                squares += v[i] * (y[i] - found.fitted()[order[i]]).powi(2);
            }
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-7 * b.abs();
            let sigma = (squares / df).sqrt();
            assert!(
                close(found.equivalent_df().unwrap(), trace),
                "{name}: {:?} {trace}",
                found.equivalent_df()
            );
            assert!(
                close(found.residual_df().unwrap(), df),
                "{name}: {:?} {df}",
                found.residual_df()
            );
            assert!(close(found.residual_scale().unwrap(), sigma), "{name}");
            let (errors, leverages) =
                (found.standard_errors().unwrap(), found.leverages().unwrap());
            let (again, at) = found.predict_with_errors(&x, &Watch::default()).unwrap();
            for (i, &o) in order.iter().enumerate() {
                let expected = sigma * norm(&rows[i]).sqrt();
                assert!(
                    close(errors[o], expected),
                    "{name}, degree {degree}: {} {expected}",
                    errors[o]
                );
                assert!(
                    close(at[i], expected) && (again[i] - found.fitted()[o]).abs() < 1e-9,
                    "{name}"
                );
                assert!((leverages[o] - rows[i][i]).abs() < 1e-9, "{name}");
            }
        }
    }
}

/// With a known spread the standard errors and the residual scale are right on average, `delta` or not.
#[test]
fn standard_errors_say_how_much_fits_vary() {
    let n = 400;
    let x: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
    for delta in [0.0, 0.03] {
        let lowess = Lowess::new()
            .frac(0.3)
            .robust_iterations(0)
            .delta(delta)
            .standard_errors(true);
        let mut rng = Rng::new(5);
        let draws = 300;
        let (mut sums, mut squares, mut stated, mut scale) =
            (vec![0.0; n], vec![0.0; n], vec![0.0; n], 0.0);
        for _ in 0..draws {
            let y: Vec<f64> = x.iter().map(|x| 3.0 * x + 0.5 * rng.normal()).collect();
            let found = fit(&lowess, &x, &y);
            let errors = found.standard_errors().unwrap();
            for i in 0..n {
                sums[i] += found.fitted()[i] / f64::from(draws);
                squares[i] += found.fitted()[i].powi(2) / f64::from(draws);
                stated[i] += errors[i].powi(2) / f64::from(draws);
            }
            scale += found.residual_scale().unwrap() / f64::from(draws);
        }
        let variance: f64 = (0..n).map(|i| squares[i] - sums[i] * sums[i]).sum::<f64>() / n as f64;
        let stated = stated.iter().sum::<f64>() / n as f64;
        assert!(
            (stated / variance - 1.0).abs() < 0.08,
            "delta {delta}: {stated} {variance}"
        );
        assert!((scale - 0.5).abs() < 0.01, "delta {delta}: {scale}");
    }
}

#[test]
fn polynomials_come_back() {
    let mut rng = Rng::new(11);
    let x: Vec<f64> = (0..2000).map(|_| rng.uniform()).collect();
    let curves: [&dyn Fn(f64) -> f64; 3] = [&|_| 3.0, &|x| 3.0 - 2.0 * x, &|x| {
        3.0 - 2.0 * x + 5.0 * x * x
    }];
    for degree in 0..3 {
        for curve in &curves[..=degree] {
            let y: Vec<f64> = x.iter().map(|x| curve(*x)).collect();
            let found = fit(&Lowess::new().frac(0.2).degree(degree), &x, &y);
            near("curve", found.fitted(), &y, &y, 1e-9);
            let places = [-0.05, 0.5, 1.05];
            let expected: Vec<f64> = places.iter().map(|x| curve(*x)).collect();
            near(
                "beyond",
                &found.predict(&places, &Watch::default()).unwrap(),
                &expected,
                &y,
                1e-8,
            );
        }
    }
}

#[test]
fn rows_between_two_fits_lie_on_the_chord() {
    let (_, x, _) = hard(1000).swap_remove(0);
    let y: Vec<f64> = x.iter().map(|x| 3.0 - 2.0 * x).collect();
    let found = fit(&Lowess::new().frac(0.2).delta(0.05), &x, &y);
    near("line", found.fitted(), &y, &y, 1e-9);
}

#[test]
fn units_do_not_matter() {
    let (_, x, y) = hard(800).swap_remove(0);
    let lowess = Lowess::new().frac(0.2).delta(0.01).standard_errors(true);
    let one = fit(&lowess, &x, &y);
    // Powers of two: the same bits.
    let (per_x, per_y) = (2_f64.powi(-40), 2_f64.powi(20));
    let scaled = |v: &[f64], s: f64| v.iter().map(|v| v * s).collect::<Vec<_>>();
    let other = fit(
        &lowess.clone().delta(0.01 * per_x),
        &scaled(&x, per_x),
        &scaled(&y, per_y),
    );
    assert_eq!(other.fitted(), scaled(one.fitted(), per_y));
    assert_eq!(
        other.standard_errors().unwrap(),
        scaled(&one.standard_errors().unwrap(), per_y)
    );
}

#[test]
fn the_order_of_rows_and_the_number_of_threads_do_not_matter() {
    let (_, x, y) = hard(3000).swap_remove(0);
    let lowess = Lowess::new().frac(0.1);
    let one = lowess.fit(&x, &y, &Watch::default().threads(1)).unwrap();
    let backwards = |v: &[f64]| v.iter().rev().copied().collect::<Vec<_>>();
    let other = lowess
        .fit(&backwards(&x), &backwards(&y), &Watch::default().threads(3))
        .unwrap();
    assert_eq!(backwards(other.fitted()), one.fitted());
    let (places, watch) = ([0.9, 0.1, 0.5], Watch::default());
    let each: Vec<f64> = places
        .iter()
        .map(|p| one.predict(&[*p], &watch).unwrap()[0])
        .collect();
    near(
        "alone",
        &each,
        &one.predict(&places, &watch).unwrap(),
        &y,
        1e-12,
    );
}

#[test]
fn a_row_without_weight_bears_on_no_other() {
    let (_, x, mut y) = hard(600).swap_remove(0);
    let c: Vec<f64> = (0..600).map(|i| f64::from(i % 7 != 0)).collect();
    let lowess = Lowess::new().frac(0.3);
    let one = lowess.fit_weighted(&x, &y, &c, &Watch::default()).unwrap();
    y.iter_mut().step_by(7).for_each(|y| *y = -1e9);
    let other = lowess.fit_weighted(&x, &y, &c, &Watch::default()).unwrap();
    near("weightless", other.fitted(), one.fitted(), &[1.0], 1e-12);
}

#[test]
fn tied_rows_share_the_mean_where_nothing_else_is_near() {
    let x = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0];
    let y = [0.0, 3.0, 6.0, 1.0, 1.0, 4.0];
    let found = fit(&Lowess::new().frac(0.5).robust_iterations(0), &x, &y);
    assert_eq!(found.fitted(), [3.0, 3.0, 3.0, 2.0, 2.0, 2.0]);
    let found = fit(&Lowess::new(), &[4.0], &[2.5]);
    assert_eq!(found.fitted(), [2.5]);
    assert_eq!(found.n_neighbors(), 1);
}

#[test]
fn missing_rows_are_dropped_or_refused() {
    let x = [0.0, 1.0, f64::NAN, 2.0, 3.0, 4.0];
    let y = [0.0, 1.0, 5.0, f64::INFINITY, 3.0, 4.0];
    let watch = Watch::default();
    let lowess = Lowess::new().frac(1.0).robust_iterations(0);
    let found = lowess
        .clone()
        .missing(Missing::Drop)
        .fit(&x, &y, &watch)
        .unwrap();
    assert_eq!(found.order(), [0, 1, 4, 5]);
    let nan: Vec<bool> = found.fitted().iter().map(|f| f.is_nan()).collect();
    assert_eq!(nan, [false, false, true, true, false, false]);
    near("kept", &[found.fitted()[4]], &[3.0], &y[..2], 1e-12);
    let e = lowess.fit(&x, &y, &watch).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotFinite);
    assert!(e.to_string().contains("x has NaN in row 2"), "{e}");
}

#[test]
fn mistakes_are_named() {
    let (x, y) = ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]);
    let watch = Watch::default();
    let says = |lowess: Lowess, words: &str| {
        let e = lowess.fit(&x, &y, &watch).unwrap_err();
        assert!(e.to_string().contains(words), "{e}");
    };
    says(Lowess::new().frac(1.5), "frac=1.5");
    says(Lowess::new().frac(f64::NAN), "frac=NaN");
    says(Lowess::new().delta(-1.0), "delta=-1");
    says(Lowess::new().degree(3), "degree=3");
    let lowess = Lowess::new();
    let e = lowess.fit(&x, &y[..2], &watch).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
    let e = lowess.fit::<f64>(&[], &[], &watch).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Empty);
    let e = lowess
        .fit(&[-1e308, 1e308], &[0.0, 1.0], &watch)
        .unwrap_err();
    assert!(e.to_string().contains("scale it down"), "{e}");
    for (weights, words) in [
        (&[1.0, -2.0, 1.0][..], "-2 in row 1"),
        (&[0.0; 3], "are 0"),
        (&[1.0], "has 1 numbers"),
    ] {
        let e = lowess.fit_weighted(&x, &y, weights, &watch).unwrap_err();
        assert!(e.to_string().contains(words), "{e}");
    }
    let found = lowess.fit(&x, &y, &watch).unwrap();
    assert_eq!(
        found.predict(&[f64::NAN], &watch).unwrap_err().kind(),
        ErrorKind::NotFinite
    );
    assert_eq!(
        found
            .predict_with_errors(&[1.0], &watch)
            .unwrap_err()
            .kind(),
        ErrorKind::Unsupported
    );
    assert!(found.predict(&[], &watch).unwrap().is_empty());
    let stop = std::sync::atomic::AtomicBool::new(true);
    let e = lowess.fit(&x, &y, &watch.cancel(&stop)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Interrupted);
}

#[test]
fn single_precision_is_worked_in_double() {
    let (_, x, y) = hard(500).swap_remove(0);
    let narrow = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let (x, y) = (narrow(&x), narrow(&y));
    let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let found = Lowess::new().fit(&x, &y, &Watch::default()).unwrap();
    let expected = fit(&Lowess::new(), &wide(&x), &wide(&y));
    assert_eq!(found.fitted(), narrow(expected.fitted()));
}
