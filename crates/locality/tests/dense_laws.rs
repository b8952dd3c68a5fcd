//! Laws of the kernel methods that solve dense systems.
#![cfg(feature = "dense")]

use locality::dense::{
    Approximation, GaussianProcess, KernelLogistic, KernelPca, KernelRidge, Landmarks, Nystroem,
};
use locality::{ErrorKind, Kernel, Rows, Watch};
use locality_testing::Rng;

const KERNELS: &[&str] = &[
    "gaussian(h=0.8)",
    "matern52(h=1.5)",
    "laplace(h=1, metric=manhattan)",
    "0.5*gaussian(h=0.5, cols=0) + 2*polynomial(degree=2, c=1)",
    "gaussian(h=1, cols=[0, 1]) * cauchy(h=2, cols=2)",
    "softmax(beta=0.3)",
];

fn kernel(text: &str) -> Kernel {
    text.parse().unwrap()
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| rng.normal()).collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!(
            (x - y).abs() <= tolerance * (1.0 + y.abs()),
            "{i}: {x} and {y}"
        );
    }
}

fn watch() -> Watch<'static> {
    Watch::default()
}

#[test]
fn without_a_penalty_ridge_runs_through_its_samples() {
    let (x, y) = (normals(30 * 3, 1), normals(30, 2));
    let (x, y) = (Rows::new(&x, 30, 3).unwrap(), Rows::column(&y));
    for text in ["gaussian(h=0.5)", "laplace(h=1)", "matern32(h=1)"] {
        let fit = KernelRidge::new(kernel(text))
            .alpha(0.0)
            .fit(x, y, None, &watch())
            .unwrap();
        close(&fit.predict(x, &watch()).unwrap(), &y.to_vec(), 1e-8);
    }
}

#[test]
fn the_mean_of_a_process_is_ridge_regression() {
    let (x, y, q) = (normals(40 * 3, 3), normals(80, 4), normals(9 * 3, 5));
    let (x, y, q) = (
        Rows::new(&x, 40, 3).unwrap(),
        Rows::new(&y, 40, 2).unwrap(),
        Rows::new(&q, 9, 3).unwrap(),
    );
    for text in KERNELS {
        let ridge = KernelRidge::new(kernel(text))
            .alpha(0.2)
            .fit(x, y, None, &watch())
            .unwrap();
        let process = GaussianProcess::new(kernel(text))
            .amplitude(3.0)
            .alpha(0.6)
            .learn_kernel(false);
        let process = process.fit(x, y, &watch()).unwrap();
        let mean = process.predict(q, &watch()).unwrap();
        close(&mean, &ridge.predict(q, &watch()).unwrap(), 1e-9);
        let (_, std) = process.predict_std(q, &watch()).unwrap();
        let joint = process.covariance(q, &watch()).unwrap();
        for i in 0..9 {
            assert!((joint[i * 10] - std[2 * i].powi(2)).abs() < 1e-9, "{text}");
        }
    }
}

#[test]
fn leave_one_out_by_the_shortcut_is_that_by_refits() {
    let n = 25;
    let (x, y, w) = (normals(n * 3, 6), normals(n, 7), normals(n, 8));
    let w: Vec<f64> = w.iter().map(|w| 0.2 + w.abs()).collect();
    let rows = Rows::new(&x, n, 3).unwrap();
    for text in KERNELS {
        for landmarks in [None, Some(Landmarks::Given(vec![0, 3, 5, 9]))] {
            let model = KernelRidge::new(kernel(text))
                .alpha(0.3)
                .landmarks(landmarks.clone());
            let fit = model
                .fit(rows, Rows::column(&y), Some(&w), &watch())
                .unwrap();
            let quick = fit.loo(rows, Rows::column(&y), Some(&w), &watch()).unwrap();
            for (i, quick) in quick.iter().enumerate() {
                // A weight of 0 leaves a sample out, and landmarks stay.
                let mut w = w.clone();
                w[i] = 0.0;
                let fit = model
                    .fit(rows, Rows::column(&y), Some(&w), &watch())
                    .unwrap();
                let slow = fit.predict(rows.slice(i..i + 1), &watch()).unwrap()[0];
                assert!(
                    (quick - slow).abs() < 1e-8,
                    "{text} {landmarks:?} {i}: {quick} {slow}"
                );
            }
        }
    }
}

#[test]
fn a_weight_of_two_is_the_sample_twice() {
    let n = 20;
    let (x, y, q) = (normals(n * 2, 9), normals(n, 10), normals(12, 11));
    let (mut twice_x, mut twice_y) = (x.clone(), y.clone());
    twice_x.extend_from_slice(&x[..10]);
    twice_y.extend_from_slice(&y[..5]);
    let w: Vec<f64> = (0..n).map(|i| if i < 5 { 2.0 } else { 1.0 }).collect();
    let (once, twice) = (
        Rows::new(&x, n, 2).unwrap(),
        Rows::new(&twice_x, n + 5, 2).unwrap(),
    );
    let q = Rows::new(&q, 6, 2).unwrap();
    for landmarks in [None, Some(Landmarks::Given((0..10).collect()))] {
        let model = KernelRidge::new(Kernel::gaussian(1.0))
            .alpha(0.1)
            .landmarks(landmarks.clone());
        let a = model
            .fit(once, Rows::column(&y), Some(&w), &watch())
            .unwrap();
        let b = model
            .fit(twice, Rows::column(&twice_y), None, &watch())
            .unwrap();
        close(
            &a.predict(q, &watch()).unwrap(),
            &b.predict(q, &watch()).unwrap(),
            1e-8,
        );
        for classes in [2, 3] {
            let label = |y: &f64| {
                if *y > 0.3 {
                    1
                } else if *y < -0.5 {
                    classes - 1
                } else {
                    0
                }
            };
            let (l, twice_l): (Vec<usize>, Vec<usize>) = (
                y.iter().map(label).collect(),
                twice_y.iter().map(label).collect(),
            );
            let model = KernelLogistic::new(Kernel::gaussian(1.0))
                .penalty(2.0)
                .landmarks(landmarks.clone());
            let a = model.fit(once, &l, classes, Some(&w), &watch()).unwrap();
            let b = model.fit(twice, &twice_l, classes, None, &watch()).unwrap();
            assert!(a.converged() && b.converged());
            close(
                &a.probabilities(q, &watch()).unwrap(),
                &b.probabilities(q, &watch()).unwrap(),
                1e-6,
            );
        }
    }
}

#[test]
fn with_all_landmarks_nothing_is_lost() {
    let n = 30;
    let (x, y, q) = (normals(n * 3, 12), normals(n, 13), normals(8 * 3, 14));
    let (x, y, q) = (
        Rows::new(&x, n, 3).unwrap(),
        Rows::column(&y),
        Rows::new(&q, 8, 3).unwrap(),
    );
    let labels: Vec<usize> = (0..n).map(|i| usize::from(y.row(i)[0] > 0.0)).collect();
    for text in [
        "gaussian(h=0.8)",
        "laplace(h=2)",
        "matern32(h=1) + 0.1*gaussian(h=3)",
    ] {
        for all in [Landmarks::Random(n), Landmarks::Spread(n)] {
            let some = Some(all.clone());
            let ridge = KernelRidge::new(kernel(text)).alpha(0.3);
            let a = ridge.fit(x, y, None, &watch()).unwrap();
            let b = ridge
                .landmarks(some.clone())
                .fit(x, y, None, &watch())
                .unwrap();
            close(
                &b.predict(q, &watch()).unwrap(),
                &a.predict(q, &watch()).unwrap(),
                1e-7,
            );

            for approximation in [Approximation::Dtc, Approximation::Fitc] {
                let process = GaussianProcess::new(kernel(text))
                    .amplitude(2.0)
                    .alpha(0.3)
                    .learn_kernel(false);
                let a = process.fit(x, y, &watch()).unwrap();
                let process = process.landmarks(some.clone()).approximation(approximation);
                let b = process.fit(x, y, &watch()).unwrap();
                let ((m, s), (n, t)) = (
                    a.predict_std(q, &watch()).unwrap(),
                    b.predict_std(q, &watch()).unwrap(),
                );
                close(&n, &m, 1e-7);
                close(&t, &s, 1e-7);
                close(
                    &[b.log_marginal_likelihood()],
                    &[a.log_marginal_likelihood()],
                    1e-7,
                );
                close(
                    &b.covariance(q, &watch()).unwrap(),
                    &a.covariance(q, &watch()).unwrap(),
                    1e-7,
                );
            }

            let logistic = KernelLogistic::new(kernel(text)).penalty(3.0);
            let a = logistic.fit(x, &labels, 2, None, &watch()).unwrap();
            let b = logistic
                .landmarks(some.clone())
                .fit(x, &labels, 2, None, &watch())
                .unwrap();
            close(
                &b.decision(q, &watch()).unwrap(),
                &a.decision(q, &watch()).unwrap(),
                1e-5,
            );

            let pca = KernelPca::new(kernel(text)).components(4);
            let a = pca.fit(x, &watch()).unwrap();
            let b = pca.landmarks(some).fit(x, &watch()).unwrap();
            close(b.eigenvalues(), a.eigenvalues(), 1e-7);

            let map = Nystroem::new(kernel(text))
                .landmarks(all)
                .fit(x, &watch())
                .unwrap();
            let z = map.transform(x, &watch()).unwrap();
            for i in 0..n {
                let own: f64 = z[i * n..][..n].iter().map(|z| z * z).sum();
                let k = if text.contains('+') { 1.1 } else { 1.0 };
                assert!((own - k).abs() < 1e-7, "{text}: {own}");
            }
        }
    }
}

#[test]
fn two_of_three_classes_without_the_third_are_two_classes() {
    // The symmetric softmax of two classes has twice the norm: C of 2 is that of 1 with one function.
    let n = 24;
    let (x, q) = (normals(n * 2, 15), normals(10, 16));
    let (x, q) = (Rows::new(&x, n, 2).unwrap(), Rows::new(&q, 5, 2).unwrap());
    let two: Vec<usize> = (0..n)
        .map(|i| usize::from(x.row(i)[0] + 0.3 * x.row(i)[1] > 0.0))
        .collect();
    let fit = |c, classes| {
        let model = KernelLogistic::new(Kernel::gaussian(1.0))
            .penalty(c)
            .tolerance(1e-10);
        model.fit(x, &two, classes, None, &watch()).unwrap()
    };
    let (a, b) = (fit(1.0, 2), fit(1.0, 3));
    let (p, r) = (
        a.probabilities(q, &watch()).unwrap(),
        b.probabilities(q, &watch()).unwrap(),
    );
    assert!(a.converged());
    for i in 0..5 {
        let sum: f64 = r[3 * i..3 * i + 3].iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert_eq!(p[2 * i] > 0.5, r[3 * i] > r[3 * i + 1], "the same side");
    }
}

#[test]
fn the_gradient_of_the_likelihood_is_its_slope() {
    let n = 25;
    let (x, y) = (normals(n * 3, 17), normals(n * 2, 18));
    let (x, y) = (Rows::new(&x, n, 3).unwrap(), Rows::new(&y, n, 2).unwrap());
    let at = |k: &Kernel, a: f64, s: f64| {
        let process = GaussianProcess::new(k.clone())
            .learn_kernel(false)
            .amplitude(a)
            .alpha(s);
        process.fit(x, y, &watch()).unwrap()
    };
    for text in [
        "gaussian(h=[0.8, 2, 1.5])",
        "matern32(h=1) + 0.3*laplace(h=0.7)",
        "rational_quadratic(h=1, alpha=2)",
    ] {
        let k = kernel(text);
        let found = at(&k, 1.3, 0.2)
            .log_marginal_likelihood_gradient(&watch())
            .unwrap();
        let free: Vec<usize> = (0..k.parameters().len())
            .filter(|&i| {
                let name = &k.parameters()[i].0;
                name == "coefficient" || name.contains(".h")
            })
            .collect();
        assert_eq!(found.len(), free.len() + 2);
        let e = 1e-5_f64;
        let slope = |f: &dyn Fn(f64) -> f64| (f(e) - f(-e)) / (2.0 * e);
        for (g, i) in found.iter().zip(&free) {
            let expected = slope(&|e| {
                let mut values: Vec<f64> = k.parameters().into_iter().map(|p| p.1).collect();
                values[*i] *= e.exp();
                at(&k.with_parameters(&values).unwrap(), 1.3, 0.2).log_marginal_likelihood()
            });
            assert!(
                (g - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                "{text} {i}: {g} {expected}"
            );
        }
        let by_a = slope(&|e| at(&k, 1.3 * e.exp(), 0.2).log_marginal_likelihood());
        let by_s = slope(&|e| at(&k, 1.3, 0.2 * e.exp()).log_marginal_likelihood());
        close(&found[free.len()..], &[by_a, by_s], 1e-6);
    }
}

#[test]
fn learned_numbers_are_a_peak_and_repeat() {
    let n = 60;
    let x: Vec<f64> = (0..n).map(|i| f64::from(i) * 0.1).collect();
    let noise = normals(60, 19);
    let y: Vec<f64> = x
        .iter()
        .zip(&noise)
        .map(|(x, e)| (2.0 * x).sin() + 0.1 * e)
        .collect();
    let process = GaussianProcess::new(kernel("gaussian")).restarts(2).seed(5);
    let fit = process
        .fit(Rows::column(&x), Rows::column(&y), &watch())
        .unwrap();
    let gradient = fit.log_marginal_likelihood_gradient(&watch()).unwrap();
    assert!(gradient.iter().all(|g| g.abs() < 1e-3), "{gradient:?}");
    assert!((0.005..0.02).contains(&fit.alpha()), "{}", fit.alpha());
    let again = process
        .fit(Rows::column(&x), Rows::column(&y), &watch().threads(1))
        .unwrap();
    assert_eq!(again.kernel(), fit.kernel());
}

#[test]
fn components_are_uncorrelated_and_as_large_as_their_eigenvalues() {
    let n = 500;
    let x = normals(n * 2, 20);
    let rows = Rows::new(&x, n, 2).unwrap();
    // Few components take the iterative way, all of them the direct one.
    let few = KernelPca::new(Kernel::gaussian(1.0))
        .components(5)
        .fit(rows, &watch())
        .unwrap();
    let all = KernelPca::new(Kernel::gaussian(1.0))
        .fit(rows, &watch())
        .unwrap();
    close(few.eigenvalues(), &all.eigenvalues()[..5], 1e-9);
    let z = few.transform(rows, &watch()).unwrap();
    let whole = all.transform(rows, &watch()).unwrap();
    let c = all.eigenvalues().len();
    for a in 0..5 {
        let mean: f64 = (0..n).map(|i| z[i * 5 + a]).sum();
        assert!(mean.abs() < 1e-8);
        for b in 0..5 {
            let product: f64 = (0..n).map(|i| z[i * 5 + a] * z[i * 5 + b]).sum();
            let expected = if a == b { few.eigenvalues()[a] } else { 0.0 };
            assert!(
                (product - expected).abs() < 1e-7,
                "{a} {b}: {product} {expected}"
            );
        }
        for i in 0..n {
            assert!((z[i * 5 + a] - whole[i * c + a]).abs() < 1e-7);
        }
    }
}

#[test]
fn results_are_the_same_bits_for_any_number_of_threads() {
    let n = 1100;
    let (x, y) = (normals(n * 4, 21), normals(n, 22));
    let (x, y) = (Rows::new(&x, n, 4).unwrap(), Rows::column(&y));
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let halves: Vec<usize> = (0..n).map(|i| i / 7 % 2).collect();
    let run = |threads: usize| {
        let w = Watch::default().threads(threads);
        let k = kernel("matern52(h=2)");
        let mut out = Vec::new();
        let ridge = KernelRidge::new(k.clone()).alpha(0.1);
        out.extend(ridge.fit(x, y, None, &w).unwrap().predict(x, &w).unwrap());
        let some = Some(Landmarks::Spread(90));
        out.extend(
            ridge
                .landmarks(some.clone())
                .fit(x, y, None, &w)
                .unwrap()
                .predict(x, &w)
                .unwrap(),
        );
        let process = GaussianProcess::new(k.clone())
            .amplitude(1.0)
            .alpha(0.1)
            .learn_kernel(false);
        out.extend(process.fit(x, y, &w).unwrap().predict_std(x, &w).unwrap().1);
        let pca = KernelPca::new(k.clone()).components(3).fit(x, &w).unwrap();
        out.extend(pca.transform(x, &w).unwrap());
        let map = Nystroem::new(k.clone()).landmarks(Landmarks::Random(500));
        out.extend(map.fit(x, &w).unwrap().normalization());
        let gradient = process.fit(x, y, &w).unwrap();
        out.extend(gradient.log_marginal_likelihood_gradient(&w).unwrap());
        let binary = KernelLogistic::new(k.clone())
            .fit(x, &halves, 2, None, &w)
            .unwrap();
        out.extend(binary.coefficients());
        let classes = KernelLogistic::new(k)
            .landmarks(some)
            .fit(x, &labels, 3, None, &w)
            .unwrap();
        out.extend(classes.probabilities(x, &w).unwrap());
        out
    };
    let one = run(1);
    for threads in [2, 5] {
        let other = run(threads);
        let apart = one
            .iter()
            .zip(&other)
            .filter(|(a, b)| a.to_bits() != b.to_bits())
            .count();
        assert_eq!(apart, 0, "of {} numbers, on {threads} threads", one.len());
    }
}

#[test]
fn bad_input_is_one_clear_sentence() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let (rows, w) = (Rows::column(&x), watch());
    let ridge = |text: &str| {
        KernelRidge::new(kernel(text))
            .alpha(1e-3)
            .fit(rows, rows, None, &w)
    };
    for (text, kind, words) in [
        ("gaussian(knn=2)", ErrorKind::Unsupported, "unsymmetric"),
        ("s(a=0, b=1)", ErrorKind::Unsupported, "signed difference"),
        (
            "uniform(h=1.5)",
            ErrorKind::Parameter,
            "not positive definite",
        ),
        ("gaussian(h=1, cols=3)", ErrorKind::Parameter, "column 3"),
    ] {
        let e = ridge(text).unwrap_err();
        assert!(e.to_string().contains(words), "{text}: {e}");
        assert_eq!(e.kind(), kind, "{text}: {e}");
    }
    let model = KernelRidge::new(Kernel::gaussian(1.0));
    let e = model
        .clone()
        .alpha(-1.0)
        .fit(rows, rows, None, &w)
        .unwrap_err();
    assert!(e.to_string().contains("alpha=-1"), "{e}");
    let e = model
        .fit(rows, Rows::column(&x[..3]), None, &w)
        .unwrap_err();
    assert!(e.to_string().contains("y has 3 rows"), "{e}");
    let e = model
        .fit(rows, rows, Some(&[1.0, -1.0, 0.0, 0.0]), &w)
        .unwrap_err();
    assert!(e.to_string().contains("sample_weight[1]=-1"), "{e}");
    let e = model
        .clone()
        .landmarks(Some(Landmarks::Random(0)))
        .fit(rows, rows, None, &w)
        .unwrap_err();
    assert!(e.to_string().contains("n_landmarks=0"), "{e}");
    let bad = [0.0, f64::NAN, 1.0, 2.0];
    let e = model.fit(Rows::column(&bad), rows, None, &w).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotFinite);
    let fit = model.fit(rows, rows, None, &w).unwrap();
    let e = fit.predict(Rows::new(&x, 2, 2).unwrap(), &w).unwrap_err();
    assert!(e.to_string().contains("X has 2 columns"), "{e}");
    let many = vec![0.0; 20_001];
    let e = model
        .fit(Rows::column(&many), Rows::column(&many), None, &w)
        .unwrap_err();
    assert!(e.to_string().contains("set n_landmarks"), "{e}");
    let e = KernelLogistic::new(Kernel::gaussian(1.0))
        .fit(rows, &[0; 4], 1, None, &w)
        .unwrap_err();
    assert!(e.to_string().contains("at least 2 classes"), "{e}");
    let e = KernelPca::new(kernel("uniform(h=1.5)"))
        .fit(rows, &w)
        .unwrap_err();
    assert!(e.to_string().contains("not positive semidefinite"), "{e}");
}

#[test]
fn searches_take_a_weight_of_two_for_the_sample_twice() {
    let n = 40;
    let (x, y) = (normals(n * 2, 23), normals(n, 24));
    let (mut twice_x, mut twice_y) = (x.clone(), y.clone());
    twice_x.extend_from_slice(&x[..20]);
    twice_y.extend_from_slice(&y[..10]);
    let w: Vec<f64> = (0..n).map(|i| if i < 10 { 2.0 } else { 1.0 }).collect();
    let once = Rows::new(&x, n, 2).unwrap();
    let twice = Rows::new(&twice_x, n + 10, 2).unwrap();
    let model = KernelRidge::new(kernel("gaussian"))
        .alpha_auto()
        .bandwidth_auto();
    let a = model
        .fit(once, Rows::column(&y), Some(&w), &watch())
        .unwrap();
    let b = model
        .fit(twice, Rows::column(&twice_y), None, &watch())
        .unwrap();
    close(&[a.alpha()], &[b.alpha()], 1e-9);
    close(
        &a.predict(once, &watch()).unwrap(),
        &b.predict(once, &watch()).unwrap(),
        1e-8,
    );
}
