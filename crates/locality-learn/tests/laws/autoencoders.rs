//! Autoencoders: what training must reach, and what no level may lose.

use locality_core::{ErrorKind, Rows, Watch};
use locality_learn::{Autoencoder, AutoencoderModel, Corruption, FitConfig, Training};

use crate::support::{draw, table};

/// Pictures of digits, `[n, 64]`.
fn digits(n: usize) -> Vec<f64> {
    let (x, _, d) = table("digits.csv");
    assert_eq!(d, 64);
    x[..n * d].to_vec()
}

fn quick(epochs: usize) -> FitConfig {
    FitConfig {
        epochs,
        batch: 32,
        ..FitConfig::default()
    }
}

#[test]
fn a_linear_one_is_as_good_as_principal_components() {
    let (x, _, d) = table("iris.csv");
    let rows = Rows::new(&x, 150, d).unwrap();
    let config = FitConfig {
        validation: 0.0,
        patience: None,
        rate: 1e-2,
        ..quick(400)
    };
    let model = Autoencoder::new(&[2])
        .hidden(&[])
        .corruption(Corruption::None)
        .fit_config(config)
        .fit::<f64>(rows, &Watch::default())
        .unwrap();
    // Two principal components of standardised iris hold 95.813 % of its variance.
    let (found, best) = (model.error(rows).unwrap(), 1.0 - 0.958_132_07);
    assert!(
        found >= best - 1e-6 && found < 1.02 * best,
        "{found} {best}"
    );
}

#[test]
fn the_excess_over_the_local_mean_is_positive_and_shrinks_with_training() {
    let x = digits(400);
    let rows = Rows::new(&x, 400, 64).unwrap();
    let watch = Watch::default();
    let after = |epochs: usize| {
        let model = Autoencoder::new(&[32])
            .hidden(&[96])
            .corruption(Corruption::Gaussian(0.6))
            .fit_config(FitConfig {
                validation: 0.0,
                patience: None,
                ..quick(epochs)
            })
            .fit::<f32>(rows, &watch)
            .unwrap();
        model.excess_risk(rows, 8, 1, &watch).unwrap()
    };
    let (early, late) = (after(2), after(60));
    assert_eq!(early.optimum, late.optimum);
    assert!(late.excess() > 0.0, "{late:?}");
    assert!(late.excess() < 0.5 * early.excess(), "{early:?} {late:?}");
    // Better than leaving the noise, of variance 0.36, as it is.
    assert!(late.model < 0.3, "{late:?}");
}

#[test]
fn noisy_rows_come_back_cleaner() {
    let x = digits(600);
    let (train, test) = x.split_at(500 * 64);
    let model = Autoencoder::new(&[24])
        .hidden(&[64])
        .corruption(Corruption::Gaussian(1.5))
        .fit_config(quick(60))
        .fit::<f32>(Rows::new(train, 500, 64).unwrap(), &Watch::default())
        .unwrap();
    let (_, deviations) = model.units();
    let noise = draw(3, test.len());
    let pairs = test.iter().zip(noise).zip(deviations.iter().cycle());
    let noisy: Vec<f64> = pairs.map(|((x, e), s)| x + 1.5 * s * e).collect();
    let clean = model
        .reconstruct(Rows::new(&noisy, 100, 64).unwrap())
        .unwrap();
    // In grey levels: pixels that hardly vary in the rows it learned from would count for more than all others in deviations.
    let off = |a: &[f64]| -> f64 { a.iter().zip(test).map(|(a, x)| (a - x).powi(2)).sum() };
    assert!(
        off(&clean) < 0.5 * off(&noisy),
        "{} {}",
        off(&clean),
        off(&noisy)
    );
}

#[test]
fn no_level_loses_what_those_before_it_reached() {
    let x = digits(400);
    let rows = Rows::new(&x, 400, 64).unwrap();
    let fit = |codes: &[usize], training: Training| -> AutoencoderModel<f32> {
        Autoencoder::new(codes)
            .hidden(&[48])
            .training(training)
            .fit_config(quick(25))
            .fit(rows, &Watch::default())
            .unwrap()
    };
    let model = fit(&[2, 4, 8], Training::GreedyThenJoint);
    let histories = model.histories();
    assert_eq!(histories.len(), 4);
    for pair in histories.windows(2) {
        let before = pair[0].validation[pair[0].best];
        assert!((pair[1].validation[0] - before).abs() <= 1e-12 * before);
        assert!(pair[1].validation[pair[1].best] <= before);
    }
    // Coarse to fine: more levels tell more of a row.
    let codes = model.encode(rows).unwrap();
    let codes = Rows::new(&codes, 400, 14).unwrap();
    let off = |levels: usize| {
        let found = model.decode(codes, Some(levels)).unwrap();
        found
            .iter()
            .zip(&x)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
    };
    assert!(
        off(2) < off(1) && off(3) < 0.9 * off(1),
        "{} {} {}",
        off(1),
        off(2),
        off(3)
    );
    assert_eq!(fit(&[2, 4], Training::Joint).histories().len(), 1);
    assert_eq!(fit(&[2, 4], Training::Greedy).histories().len(), 2);
}

#[test]
fn codes_and_rows_are_two_halves_of_the_reconstruction() {
    let x = digits(100);
    let rows = Rows::new(&x, 100, 64).unwrap();
    let model = Autoencoder::new(&[3, 2])
        .fit_config(quick(2))
        .fit::<f64>(rows, &Watch::default())
        .unwrap();
    let codes = model.encode(rows).unwrap();
    let back = model
        .decode(Rows::new(&codes, 100, 5).unwrap(), None)
        .unwrap();
    let once = model.reconstruct(rows).unwrap();
    for (a, b) in back.iter().zip(&once) {
        assert!((a - b).abs() < 1e-12 * b.abs().max(1.0));
    }
    // A row by itself has the bits that it has among others.
    let one = model.reconstruct(rows.slice(41..42)).unwrap();
    assert_eq!(one, once[41 * 64..42 * 64]);
    // From the first code alone.
    let coarse: Vec<f64> = codes.chunks(5).flat_map(|c| c[..3].to_vec()).collect();
    let coarse = model
        .decode(Rows::new(&coarse, 100, 3).unwrap(), Some(1))
        .unwrap();
    let same = model
        .decode(Rows::new(&codes, 100, 5).unwrap(), Some(1))
        .unwrap();
    assert_eq!(coarse, same);
    // And from its numbers alone.
    let (means, deviations) = model.units();
    let again = AutoencoderModel::from_numbers(
        model.config(),
        means,
        deviations,
        model.parameters().to_vec(),
    );
    assert_eq!(again.unwrap().reconstruct(rows).unwrap(), once);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let x = digits(150);
    let rows = Rows::new(&x, 150, 64).unwrap();
    for corruption in [Corruption::Masking(0.3), Corruption::SaltAndPepper(0.2)] {
        let fit = |threads: usize| {
            Autoencoder::new(&[8])
                .corruption(corruption)
                .fit_config(quick(3))
                .fit::<f32>(rows, &Watch::default().threads(threads))
                .unwrap()
        };
        assert_eq!(fit(1).parameters(), fit(2).parameters());
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let x = draw(1, 20);
    let rows = Rows::new(&x, 10, 2).unwrap();
    let watch = Watch::default();
    let fails = |a: Autoencoder, told: &str| {
        let e = a.fit::<f32>(rows, &watch).unwrap_err().to_string();
        assert!(e.contains(told), "{e}");
    };
    fails(Autoencoder::new(&[]), "codes []");
    fails(Autoencoder::new(&[2]).hidden(&[0]), "hidden layers [0]");
    fails(
        Autoencoder::new(&[1]).corruption(Corruption::Masking(2.0)),
        "probability 2",
    );
    let config = FitConfig {
        validation: 1.0,
        ..FitConfig::default()
    };
    fails(Autoencoder::new(&[1]).fit_config(config), "validation=1");
    let bad = [1.0, f64::NAN];
    let e = Autoencoder::new(&[1]).fit::<f32>(Rows::new(&bad, 2, 1).unwrap(), &watch);
    assert_eq!(e.unwrap_err().kind(), ErrorKind::NotFinite);
    let model = Autoencoder::new(&[1])
        .corruption(Corruption::None)
        .fit_config(quick(1))
        .fit::<f32>(rows, &watch)
        .unwrap();
    let told = |e: locality_core::Error, told: &str| assert!(e.to_string().contains(told), "{e}");
    told(
        model.encode(Rows::new(&x, 20, 1).unwrap()).unwrap_err(),
        "fitted to 2",
    );
    told(model.decode(rows, None).unwrap_err(), "take 1");
    told(
        model.decode(Rows::column(&x), Some(2)).unwrap_err(),
        "levels=2",
    );
    told(model.excess_risk(rows, 1, 0, &watch).unwrap_err(), "'none'");
}
