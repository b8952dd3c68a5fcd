//! Local quantile lines and parabolas against linear programs solved by another package, and where evidence is thin.

use locality::local::LocalQuantile;
use locality::{Kernel, Rows, Watch};
use locality_testing::{Rng, normal};

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

/// The table of a seed, as `oracle/quantile_lines.py` draws it.
fn table(seed: usize) -> (Vec<f64>, Vec<f64>, usize) {
    let mut rng = Rng::new(seed as u64);
    let (n, d) = (40 + 10 * (seed % 4), 1 + seed % 3);
    let mut x: Vec<f64> = (0..n * d).map(|_| 4.0 * rng.uniform() - 2.0).collect();
    if seed % 5 == 1 {
        x.iter_mut().step_by(d).for_each(|x| *x = x.round());
    }
    let one = |row: &[f64]| row[0] * row[0] - row[d - 1] + 0.3 / (0.05 + rng.uniform());
    let mut y: Vec<f64> = x.chunks_exact(d).map(one).collect();
    if seed % 5 == 2 {
        for y in &mut y {
            *y = y.round();
        }
    }
    (x, y, d)
}

#[test]
fn values_are_those_of_linear_programs() {
    let watch = Watch::default();
    let text = include_str!("oracle/quantile_lines.txt");
    let mut compared = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().unwrap();
        if fields[7].is_empty() {
            continue;
        }
        let (seed, degree) = (number(0) as usize, number(1) as usize);
        let (x, y, d) = table(seed);
        let target: Vec<f64> = (3..3 + d).map(number).collect();
        let model = LocalQuantile::new(Kernel::gaussian(0.9)).levels([number(2)]);
        let model = model.degree(degree).guard(false);
        let fit = model.fit(rows(&x, d), Rows::column(&y), None, &watch);
        let found = fit.unwrap().at(rows(&target, d), &watch).unwrap()[0];
        let off = (found - number(7)).abs();
        assert!(off < 1e-8 * (1.0 + number(7).abs()), "{line}: {found}");
        // Far from 0 there are fewer digits, and the line is the same.
        let moved: Vec<f64> = y.iter().map(|y| y + 4096.0).collect();
        let fit = model.fit(rows(&x, d), Rows::column(&moved), None, &watch);
        let found = fit.unwrap().at(rows(&target, d), &watch).unwrap()[0] - 4096.0;
        assert!((found - number(7)).abs() < 1e-8, "{line}: {found}");
        compared += 1;
    }
    assert!(compared > 200);
}

#[test]
fn ties_and_columns_that_repeat_others_are_no_trouble() {
    let watch = Watch::default();
    let n = 60;
    let x: Vec<f64> = (0..n)
        .flat_map(|i| {
            let a = f64::from(i % 5);
            [a, 2.0 * a + 1.0, 7.0]
        })
        .collect();
    let y: Vec<f64> = (0..n)
        .map(|i| f64::from(i % 5) * 3.0 + f64::from(i % 3))
        .collect();
    // Each place has as many responses of 3 x, 3 x + 1 and 3 x + 2: the line of the medians is 3 x + 1.
    let model = LocalQuantile::new(Kernel::gaussian(2.0)).degree(1);
    let fit = model
        .fit(rows(&x, 3), Rows::column(&y), None, &watch)
        .unwrap();
    let found = fit
        .at(rows(&[2.0, 5.0, 7.0, 1.0, 3.0, 7.0], 3), &watch)
        .unwrap();
    assert!(
        (found[0] - 7.0).abs() < 1e-9 && (found[1] - 4.0).abs() < 1e-9,
        "{found:?}"
    );
}

#[test]
fn predictions_stay_near_the_responses_and_turn_into_the_quantile() {
    let watch = Watch::default();
    for seed in 0..24 {
        let (n, d) = (6 + 5 * (seed as usize % 6), 1 + seed as usize % 6);
        let x = normal(seed, n, d);
        let mut rng = Rng::new(seed + 50);
        let y: Vec<f64> = (0..n).map(|_| 1.0 / (1e-3 + rng.uniform())).collect();
        let far = |t: f64| t * 10_f64.powi((rng.uniform() * 4.0) as i32 - 1);
        let targets: Vec<f64> = normal(seed + 99, 30, d).into_iter().map(far).collect();
        let low = y.iter().copied().fold(f64::INFINITY, f64::min);
        let high = y.iter().copied().fold(0.0, f64::max);
        let at = |degree: usize| {
            let model = LocalQuantile::new(Kernel::gaussian(0.7)).levels([0.2, 0.9]);
            let model = model.degree(degree);
            let fit = model.fit(rows(&x, d), Rows::column(&y), None, &watch);
            fit.unwrap().at_guarded(rows(&targets, d), &watch).unwrap()
        };
        let (flat, never) = at(0);
        assert!(never.iter().all(|t| !t), "a quantile needs one sample");
        for degree in [1, 2] {
            let (found, thin) = at(degree);
            for (i, (a, b)) in found.iter().zip(&flat).enumerate() {
                let margin = 0.5 * (high - low) + 1e-9;
                assert!(*a > low - margin && *a < high + margin, "{seed}: {a}");
                assert!(thin[i / 2] || n > 2 * (d + 1), "{seed}: {a} {b}");
            }
            if n <= d + 1 {
                let off = found.iter().zip(&flat).map(|(a, b)| (a - b).abs());
                assert!(off.fold(0.0, f64::max) < 1e-5 * high, "{seed}");
            }
        }
    }
    let model = LocalQuantile::new(Kernel::gaussian(1.0)).levels([]);
    let fit = model.fit(Rows::column(&[0.0]), Rows::column(&[0.0]), None, &watch);
    assert!(
        fit.map(|_| ())
            .unwrap_err()
            .to_string()
            .contains("levels is empty")
    );
}
