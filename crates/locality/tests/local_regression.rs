//! Bandwidths that are found, and intervals that hold what they promise.

use locality::local::{LocalPolynomial, LocalRegression, Search, Wanted};
use locality::{Kernel, Rows, Watch};
use locality_testing::{Rng, normal};

fn rows(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(x, x.len() / d, d).unwrap()
}

fn truth(row: &[f64]) -> f64 {
    (2.0 * row[0]).sin() + 0.01 * row[1]
}

/// Columns of very different units, and noise that grows with the first.
fn table(seed: u64, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut x = normal(seed, n, 2);
    for row in x.chunks_exact_mut(2) {
        row[1] *= 100.0;
    }
    let mut rng = Rng::new(seed + 1);
    let noise = |row: &[f64]| if row[0] > 0.0 { 0.5 } else { 0.1 };
    let y = x
        .chunks_exact(2)
        .map(|r| truth(r) + noise(r) * rng.normal())
        .collect();
    (x, y)
}

#[test]
fn searches_find_bandwidths_that_predict() {
    let watch = Watch::default();
    let (x, y) = table(1, 600);
    let (targets, _) = table(3, 500);
    let error = |model: &LocalRegression| {
        let fit = model
            .fit(rows(&x, 2), Rows::column(&y), None, &watch)
            .unwrap();
        let found = fit.at(rows(&targets, 2), &watch).unwrap();
        let off = targets
            .chunks_exact(2)
            .zip(found.values())
            .map(|(t, v)| (truth(t) - v).powi(2));
        (off.sum::<f64>() / 500.0).sqrt()
    };
    let model = || LocalRegression::new("gaussian".parse().unwrap());
    // What the best of many bandwidths reaches, judged by the truth itself.
    let widths = (0..20).map(|i| 0.05 * 1.3_f64.powi(i));
    let with = |h: f64| error(&model().bandwidth(h).unwrap().standardize(true));
    let best = widths.map(with).fold(f64::INFINITY, f64::min);
    let by = |search| error(&model().search(search));
    let (fixed, nearest, auto) = (by(Search::Fixed), by(Search::Nearest), by(Search::Auto));
    assert!(
        fixed < 1.15 * best && nearest < 1.4 * best,
        "{fixed}, {nearest}, best {best}"
    );
    assert!(
        auto == fixed || auto == nearest,
        "the better of the two by leave-one-out: {auto}"
    );
}

#[test]
fn a_degree_is_chosen_and_slopes_are_in_the_columns_units() {
    let watch = Watch::default();
    let x = normal(5, 300, 2);
    let x: Vec<f64> = x
        .chunks_exact(2)
        .flat_map(|r| [1e3 * r[0], 1e-3 * r[1]])
        .collect();
    let plane = |r: &[f64]| 2.0 + 0.003 * r[0] - 40.0 * r[1];
    let y: Vec<f64> = x.chunks_exact(2).map(plane).collect();
    let model = LocalRegression::new("gaussian".parse().unwrap()).degrees([0, 1]);
    let fit = model
        .fit(rows(&x, 2), Rows::column(&y), None, &watch)
        .unwrap();
    assert_eq!(fit.degree(), 1);
    assert_eq!(fit.tried().len(), 4);
    let wanted = Wanted {
        variances: true,
        own: false,
    };
    let at = fit.at_with(rows(&[10.0, 1e-4], 2), wanted, &watch).unwrap();
    assert!((at.values()[0] - plane(&[10.0, 1e-4])).abs() < 1e-9);
    assert!((at.slopes()[0] - 0.003).abs() < 1e-10 && (at.slopes()[1] + 40.0).abs() < 1e-6);
    // Variances are those of a fit to the columns as they are.
    let scales = fit.scales();
    let h = |h: f64| vec![h * scales[0], h * scales[1]];
    let model = LocalRegression::new(Kernel::gaussian(0.7)).standardize(true);
    let scaled = model
        .fit(rows(&x, 2), Rows::column(&y), None, &watch)
        .unwrap();
    let scaled = scaled
        .at_with(rows(&[10.0, 1e-4], 2), wanted, &watch)
        .unwrap();
    let text = format!("gaussian(h={:?})", h(0.7));
    let plain = LocalPolynomial::new(text.parse().unwrap());
    let plain = plain
        .fit(rows(&x, 2), Rows::column(&y), None, &watch)
        .unwrap();
    let plain = plain
        .at_with(rows(&[10.0, 1e-4], 2), wanted, &watch)
        .unwrap();
    for (a, b) in scaled.variances().iter().zip(plain.variances()) {
        assert!((a / b - 1.0).abs() < 1e-6, "{a} for {b}");
    }
}

#[test]
fn a_kernel_with_a_bandwidth_keeps_it() {
    let watch = Watch::default();
    let (x, y) = table(7, 100);
    let kernel: Kernel = "gaussian(h=[0.5, 50])".parse().unwrap();
    let fit = LocalRegression::new(kernel.clone());
    let fit = fit
        .fit(rows(&x, 2), Rows::column(&y), None, &watch)
        .unwrap();
    assert_eq!(fit.kernel(), &kernel);
    assert!(fit.scales() == [1.0, 1.0] && fit.tried().is_empty());
}

#[test]
fn intervals_cover_what_they_say_here_and_there() {
    let watch = Watch::default();
    let (x, y) = table(11, 1000);
    let (targets, fresh) = table(13, 2000);
    let model = LocalRegression::new("gaussian".parse().unwrap());
    let fit = model
        .fit(rows(&x, 2), Rows::column(&y), None, &watch)
        .unwrap();
    for level in [0.5, 0.9] {
        let found = fit.intervals(rows(&targets, 2), level, &watch).unwrap();
        let inside = |i: usize| (found.lower[i]..=found.upper[i]).contains(&fresh[i]);
        let share = |keep: &dyn Fn(usize) -> bool| {
            let some: Vec<usize> = (0..2000).filter(|i| keep(*i)).collect();
            some.iter().filter(|i| inside(**i)).count() as f64 / some.len() as f64
        };
        let all = share(&|_| true);
        assert!((all - level).abs() < 0.035, "{level}: {all}");
        // Where noise is strong and where it is weak: a global quantile would cover 1 here and 0.8 there.
        let noisy = share(&|i| targets[2 * i] > 0.3);
        let calm = share(&|i| targets[2 * i] < -0.3);
        assert!(
            (noisy - level).abs() < 0.09 && (calm - level).abs() < 0.09,
            "{level}: {noisy} {calm}"
        );
    }
    let wrong = fit.intervals(rows(&targets, 2), 1.0, &watch);
    assert!(wrong.unwrap_err().to_string().contains("level=1"));
}

#[test]
fn a_weight_of_two_is_the_sample_twice() {
    let watch = Watch::default();
    let (x, y) = table(17, 200);
    let weights: Vec<f64> = (0..200).map(|i| f64::from(i % 4)).collect();
    let repeated = |v: &[f64], k: usize| -> Vec<f64> {
        let each = v.chunks_exact(k).zip(&weights);
        each.flat_map(|(row, w)| row.repeat(*w as usize)).collect()
    };
    let (more_x, more_y) = (repeated(&x, 2), repeated(&y, 1));
    // A guard counts effective samples, which do not grow with weights that are all the same.
    let model = LocalRegression::new("gaussian".parse().unwrap())
        .degrees([0, 1])
        .guard(false);
    let weighted = model
        .fit(rows(&x, 2), Rows::column(&y), Some(&weights), &watch)
        .unwrap();
    let twice = model
        .fit(rows(&more_x, 2), Rows::column(&more_y), None, &watch)
        .unwrap();
    assert_eq!(weighted.tried().len(), 2, "k-th distances count rows");
    let pairs = weighted.tried().iter().zip(twice.tried());
    for (a, b) in pairs {
        assert!(
            (a.score / b.score - 1.0).abs() < 1e-6,
            "{} for {}",
            a.score,
            b.score
        );
    }
    let (targets, _) = table(19, 50);
    let [a, b] = [&weighted, &twice].map(|fit| fit.at(rows(&targets, 2), &watch).unwrap());
    let gaps = a
        .values()
        .iter()
        .zip(b.values())
        .map(|(a, b)| (a - b).abs());
    assert!(gaps.fold(0.0, f64::max) < 1e-3);
    let short = model.fit(rows(&x, 2), Rows::column(&y), Some(&weights[1..]), &watch);
    assert!(
        short
            .unwrap_err()
            .to_string()
            .contains("sample_weight has 199")
    );
}

/// Outside the samples an interval holds what the polynomial says and what the guard makes of it, and it is wider further out.
#[test]
fn intervals_grow_outside_the_samples() {
    let mut rng = Rng::new(3);
    let x: Vec<f64> = (0..300).map(|_| 6.0 * rng.uniform()).collect();
    let y: Vec<f64> = x.iter().map(|x| 2.0 * x + rng.normal()).collect();
    let watch = Watch::default();
    let model = LocalRegression::new("gaussian".parse().unwrap());
    let fit = model
        .fit(Rows::column(&x), Rows::column(&y), None, &watch)
        .unwrap();
    let targets = [3.0, 7.0, 10.0, 20.0, 100.0];
    let found = fit.intervals(Rows::column(&targets), 0.9, &watch).unwrap();
    let width = |i: usize| found.upper[i] - found.lower[i];
    for (i, target) in targets.iter().enumerate() {
        let inside = (found.lower[i]..=found.upper[i]).contains(&(2.0 * target));
        assert!(inside, "{target}: {} to {}", found.lower[i], found.upper[i]);
        assert!(i == 0 || width(i) > width(i - 1), "{target}");
    }
    assert!((width(0) - 3.29).abs() < 0.6, "{}", width(0));
    assert!(found.thin[4] && !found.thin[0] && !found.thin[1]);
}

/// A line is not bent inside its samples, however far one of them is out.
#[test]
fn the_last_sample_of_many_is_believed() {
    let mut rng = Rng::new(5);
    let mut x: Vec<f64> = (0..400).map(|_| rng.normal()).collect();
    x.push(4.5);
    let y: Vec<f64> = x.iter().map(|x| 3.0 * x + 1.0).collect();
    let fit = LocalPolynomial::new(Kernel::gaussian(50.0));
    let watch = Watch::default();
    let fit = fit
        .fit(Rows::column(&x), Rows::column(&y), None, &watch)
        .unwrap();
    let found = fit.at(Rows::column(&[4.5, 60.0]), &watch).unwrap();
    assert!(
        (found.values()[0] - 14.5).abs() < 1e-9,
        "{}",
        found.values()[0]
    );
    assert!(!found.thin()[0] && found.thin()[1] && found.values()[1] < 60.0);
}

/// Kinds as columns of zeros and ones add up to one: that is no lack of evidence where targets are of these kinds.
#[test]
fn collinear_columns_are_no_thin_evidence_where_targets_are_like_samples() {
    let mut rng = Rng::new(8);
    let mut x = Vec::new();
    for i in 0..300 {
        let kind = i % 3;
        x.extend((0..3).map(|k| f64::from(u8::from(k == kind))));
        x.push(rng.normal());
    }
    let y: Vec<f64> = x
        .chunks_exact(4)
        .map(|r| r[1] + 2.0 * r[2] + r[3])
        .collect();
    let fit = LocalPolynomial::new(Kernel::gaussian(2.0));
    let watch = Watch::default();
    let fit = fit
        .fit(rows(&x, 4), Rows::column(&y), None, &watch)
        .unwrap();
    let found = fit.at(rows(&x, 4), &watch).unwrap();
    assert!(found.thin().iter().all(|t| !t));
    let worst = found.values().iter().zip(&y).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-5);
    // Of two kinds at once there is no sample.
    let odd = fit.at(rows(&[1.0, 1.0, 0.0, 0.0], 4), &watch).unwrap();
    assert!(odd.thin()[0]);
}

/// Constant weights say nothing, and a row that repeats another one does not take k-th distances from a search.
#[test]
fn constant_weights_and_a_few_repeated_rows_leave_the_search_as_it_is() {
    let watch = Watch::default();
    let (mut x, mut y) = table(23, 150);
    let model = LocalRegression::new("gaussian".parse().unwrap());
    let fit = |x: &[f64], y: &[f64], w: Option<&[f64]>| {
        let fit = model.fit(rows(x, 2), Rows::column(y), w, &watch);
        fit.unwrap()
    };
    let plain = fit(&x, &y, None);
    let weighted = fit(&x, &y, Some(&[2.0; 150]));
    assert_eq!(plain.kernel(), weighted.kernel());
    assert_eq!(plain.tried().len(), weighted.tried().len());
    let nearest = |fit: &locality::local::LocalRegressionFit| {
        let mut tried = fit.tried().iter();
        tried.any(|t| t.kernel.to_string().contains("knn"))
    };
    assert!(nearest(&plain));
    x.extend_from_within(..2);
    y.push(y[0] + 0.01);
    assert!(nearest(&fit(&x, &y, None)));
    let differ: Vec<f64> = (0..151).map(|i| 1.0 + f64::from(i % 2)).collect();
    assert!(
        !nearest(&fit(&x, &y, Some(&differ))),
        "rows do not count alike"
    );
}

/// The variance of a response is inverse to its weight, and intervals are those of a response of weight 1.
#[test]
fn intervals_know_what_weights_say() {
    let watch = Watch::default();
    let mut rng = Rng::new(29);
    let mut draw = |n: usize, weighted: bool| {
        let x: Vec<f64> = (0..n).map(|_| 4.0 * rng.uniform() - 2.0).collect();
        let weight = |u: f64| if weighted { 0.1 + 3.9 * u } else { 1.0 };
        let w: Vec<f64> = (0..n).map(|_| weight(rng.uniform())).collect();
        let each = x.iter().zip(&w);
        let y: Vec<f64> = each
            .map(|(x, w)| (2.0 * x).sin() + 0.3 * rng.normal() / w.sqrt())
            .collect();
        (x, w, y)
    };
    let (x, w, y) = draw(1000, true);
    let (targets, _, fresh) = draw(4000, false);
    let fit = LocalRegression::new("gaussian".parse().unwrap());
    let fit = fit
        .fit(Rows::column(&x), Rows::column(&y), Some(&w), &watch)
        .unwrap();
    for level in [0.8, 0.95] {
        let found = fit
            .intervals(Rows::column(&targets), level, &watch)
            .unwrap();
        let inside = (0..4000).filter(|&i| (found.lower[i]..=found.upper[i]).contains(&fresh[i]));
        let share = inside.count() as f64 / 4000.0;
        assert!((share - level).abs() < 0.03, "{level}: {share}");
    }
}
