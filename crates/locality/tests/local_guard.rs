//! Guarded fits: where evidence is thin, what is predicted is the local mean, and never far outside the responses around.

use locality::local::{Family, LocalGlm, LocalPolynomial, Localized, Multinomial};
use locality::{Kernel, LocalMean, Neighborhood, OnEmpty, Rows, Watch};
use locality_testing::{Rng, normal};

const FAMILIES: [Family; 4] = [
    Family::Binomial,
    Family::Poisson,
    Family::Gamma,
    Family::NegativeBinomial { theta: 2.0 },
];

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

/// Samples with columns that are the same, constant or combinations of others, and targets near and far.
fn table(seed: u64, n: usize, d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut rng = Rng::new(seed);
    let mut x = normal(seed + 1, n, d);
    for row in x.chunks_exact_mut(d) {
        match seed % 4 {
            1 if d > 1 => row[1] = 2.0 * row[0] - 1.0,
            2 => row[0] = row[0].round(),
            3 if d > 1 => row[d - 1] = 5.0,
            _ => {}
        }
    }
    let targets = normal(seed + 2, 40, d);
    let far = |t: f64| t * 10_f64.powi((rng.uniform() * 5.0) as i32 - 1);
    (x, targets.into_iter().map(far).collect())
}

/// Responses of which a few are much larger than the others.
fn heavy(family: Family, seed: u64, n: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed + 3);
    let one = |_| {
        let large = if rng.uniform() < 0.1 { 1e3 } else { 1.0 };
        match family {
            Family::Binomial => f64::from(rng.uniform() < 0.3),
            Family::Gamma => large * (0.01 + rng.uniform()),
            _ => (large * 2.0 * rng.uniform()).floor(),
        }
    };
    (0..n).map(one).collect()
}

#[test]
fn predictions_stay_near_the_responses_in_reach() {
    let watch = Watch::default();
    let mut thin = 0;
    for seed in 0..60 {
        let (n, d) = (5 + 7 * (seed as usize % 7), 1 + seed as usize % 8);
        let (x, targets) = table(100 * seed, n, d);
        let h = [0.3, 1.5, 4.0][seed as usize % 3];
        for (kernel, reach) in [
            (format!("gaussian(h={h})"), f64::INFINITY),
            (format!("epanechnikov(h={h})"), h),
        ] {
            for family in FAMILIES {
                let y = heavy(family, 100 * seed, n);
                for penalty in [0.0, 1e-3] {
                    let model = LocalGlm::new(kernel.parse().unwrap(), family).penalty(penalty);
                    let fit = model.fit(rows(&x, d), Rows::column(&y), None, &watch);
                    let fits = fit.unwrap().at(rows(&targets, d), &watch).unwrap();
                    for (t, m) in targets.chunks_exact(d).zip(fits.means()) {
                        let near = |row: &[f64]| {
                            let d2: f64 = row.iter().zip(t).map(|(a, b)| (a - b).powi(2)).sum();
                            d2.sqrt() < reach
                        };
                        let seen = x.chunks_exact(d).zip(&y).filter(|(row, _)| near(row));
                        let seen: Vec<f64> = seen.map(|(_, y)| *y).collect();
                        // The nearest sample's response where none is seen.
                        let seen = if seen.is_empty() { &y } else { &seen };
                        let low = seen.iter().copied().fold(f64::INFINITY, f64::min);
                        let high = seen.iter().copied().fold(0.0, f64::max);
                        let margin = 0.5 * (high - low) + 1e-5 * (1.0 + high);
                        assert!(
                            *m >= low - margin && *m <= high + margin,
                            "seed {seed}, {family:?}, {kernel}: {m} for {low} to {high}"
                        );
                    }
                    thin += fits.thin().iter().filter(|t| **t).count();
                }
            }
        }
    }
    assert!(thin > 1000, "{thin}");
}

#[test]
fn too_few_samples_leave_the_local_mean() {
    let watch = Watch::default();
    let (n, d) = (30, 8);
    let x = normal(17, n, d);
    let mut y = vec![0.0; n - 2];
    y.extend([5.0, 900.0]);
    let targets = normal(18, 500, d);
    let kernel = Kernel::gaussian(1.0);
    let means = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nearest);
    let means = means.fit(rows(&x, d), Rows::column(&y)).unwrap();
    let means = means.at(rows(&targets, d), &watch).unwrap().means;
    let at = |guard: bool, h: f64| {
        let model = LocalGlm::new(Kernel::gaussian(h), Family::Poisson).penalty(1e-3);
        let fit = model
            .guard(guard)
            .fit(rows(&x, d), Rows::column(&y), None, &watch);
        fit.unwrap().at(rows(&targets, d), &watch).unwrap()
    };
    let guarded = at(true, 1.0);
    let mut compared = 0;
    for (i, mean) in means.iter().enumerate().take(500) {
        assert!(guarded.thin()[i] && guarded.means()[i] <= 1350.0);
        if guarded.effective_samples()[i] < (d + 1) as f64 {
            compared += 1;
            let off = guarded.means()[i] - mean;
            assert!(off.abs() < 1e-3 * (1.0 + mean), "{off} {mean}");
        }
    }
    assert!(compared > 400, "{compared}");
    let wide = at(true, 1.5);
    assert!(wide.means().iter().all(|m| *m < 900.0));
    let free = at(false, 1.5);
    let largest = free.means().iter().copied().fold(0.0, f64::max);
    assert!(largest > 200.0 && !free.thin()[0], "{largest}");
}

#[test]
fn plain_evidence_is_left_alone() {
    let watch = Watch::default();
    let (n, d) = (400, 2);
    let x = normal(21, n, d);
    let targets = normal(22, 30, d);
    let mut compared = 0;
    for family in FAMILIES {
        let mut rng = Rng::new(23);
        let draw = |row: &[f64]| {
            let mean = family.mean(0.3 + 0.5 * row[0] - 0.4 * row[1]);
            match family {
                Family::Binomial => f64::from(rng.uniform() < mean),
                Family::Gamma => mean * (0.1 - rng.uniform().max(1e-9).ln()),
                _ => (mean * (0.5 + rng.uniform())).round(),
            }
        };
        let y: Vec<f64> = x.chunks_exact(d).map(draw).collect();
        let at = |guard: bool| {
            let model = LocalGlm::new(Kernel::gaussian(1.0), family).guard(guard);
            let fit = model.fit(rows(&x, d), Rows::column(&y), None, &watch);
            fit.unwrap().at(rows(&targets, d), &watch).unwrap()
        };
        let (on, off) = (at(true), at(false));
        for i in (0..30).filter(|i| !on.thin()[*i]) {
            compared += 1;
            let (a, b) = (on.linear_predictors()[i], off.linear_predictors()[i]);
            assert!((a - b).abs() < 1e-5, "{family:?}: {a} {b}");
        }
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn separated_classes_have_slopes_without_a_penalty() {
    let watch = Watch::default();
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| f64::from(*x >= 20.0)).collect();
    let model = LocalGlm::new(Kernel::gaussian(8.0), Family::Binomial).penalty(0.0);
    let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &watch);
    let fits = fit.unwrap().at(Rows::column(&x), &watch).unwrap();
    assert!(fits.converged().iter().all(|c| *c));
    for (m, y) in fits.means().iter().zip(&y) {
        assert!((m - y).abs() < 0.5 && *m > 0.0);
    }
    assert!(fits.slopes().iter().all(|s| *s > 0.0 && *s < 100.0));
}

#[test]
fn shares_of_several_classes_are_held_as_well() {
    let watch = Watch::default();
    let (n, d) = (24, 6);
    let x = normal(31, n, d);
    let y: Vec<f64> = (0..n)
        .flat_map(|i| [0, 1, 2].map(|k| f64::from(u8::from(k == i % 3))))
        .collect();
    let kernel = Kernel::gaussian(1.0);
    let means = LocalMean::new(kernel.clone()).fit(rows(&x, d), rows(&y, 3));
    let means = means.unwrap().at(rows(&x, d), &watch).unwrap().means;
    let at = |guard: bool, targets: &[f64]| {
        let model = Multinomial::new(1e-3).unwrap().guard(guard);
        let model = Localized::new(model, kernel.clone()).least_samples(1.5);
        let fit = model.fit(rows(&x, d), rows(&y, 3), None, &watch);
        fit.unwrap().at(rows(targets, d), &watch).unwrap()
    };
    let (on, off) = (at(true, &x), at(false, &x));
    let mut far = [0.0; 2];
    let mut compared = 0;
    for i in (0..n).filter(|i| on.effective_samples()[*i] >= 1.5) {
        assert!(on.thin()[i] && !off.thin()[i]);
        compared += 1;
        let own = 3 * i..3 * i + 3;
        let both = on.values()[own.clone()]
            .iter()
            .zip(&off.values()[own.clone()]);
        for ((on, off), mean) in both.zip(&means[own]) {
            far[0] = f64::max(far[0], (on - mean).abs());
            far[1] = f64::max(far[1], (off - mean).abs());
        }
    }
    assert!(
        compared > 5 && far[0] < 0.01 && far[1] > 0.2,
        "{compared} {far:?}"
    );
    // Far away slopes are not drawn out for ever: odds of the classes stay what they are some deviations away.
    let wide = Localized::new(Multinomial::new(1e-3).unwrap(), Kernel::gaussian(1e3));
    let wide = wide.fit(rows(&x, d), rows(&y, 3), None, &watch).unwrap();
    let shares = wide.at(rows(&[300.0; 6], d), &watch).unwrap();
    assert!(shares.thin()[0] && shares.values().iter().all(|p| *p > 1e-4 && *p < 0.999));
}

#[test]
fn hollow_is_for_the_samples_themselves() {
    let watch = Watch::default();
    let x = [0.0, 1.0, 2.0, 3.0];
    let model = LocalGlm::new(Kernel::gaussian(1.0), Family::Poisson);
    let model = model.neighborhood(Neighborhood::hollow());
    let fit = model
        .fit(Rows::column(&x), Rows::column(&x), None, &watch)
        .unwrap();
    assert!(fit.at(Rows::column(&x), &watch).is_ok());
    let line = LocalPolynomial::new(Kernel::gaussian(1.0)).neighborhood(Neighborhood::hollow());
    let line = line.fit(Rows::column(&x), Rows::column(&x), None, &watch);
    let line = line.unwrap();
    let elsewhere = [
        fit.at(Rows::column(&x[..2]), &watch).map(|_| ()),
        line.at(Rows::column(&x[..2]), &watch).map(|_| ()),
    ];
    for message in elsewhere.map(|e| e.unwrap_err().to_string()) {
        assert!(
            message.contains("hollow") && message.contains("there are 2"),
            "{message}"
        );
    }
}
