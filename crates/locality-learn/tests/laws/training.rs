//! Models learn what there is to learn.

use locality_learn::{
    AdamW, HierarchicalModel, Layer, LayerConfig, Layout, Linear, Pass, Places, Schedule, Sets,
    TrainConfig, Trainer, TransformerConfig, squared_loss,
};

use crate::support::{codes, draw};

pub(crate) fn config(rate: f64) -> TrainConfig {
    TrainConfig {
        batch: 8,
        accumulate: 1,
        schedule: Schedule::constant(rate).unwrap(),
        optimizer: AdamW::default(),
        clip: Some(1.0),
        seed: 1,
    }
}

/// A sequence that repeats itself after nine codes: whoever looks back knows the next.
fn repeating() -> Vec<u32> {
    let once = codes(5, 9, 6);
    once.iter().copied().cycle().take(600).collect()
}

#[test]
fn language_models_of_every_kernel_learn_to_copy() {
    let data = repeating();
    for kernel in ["softmax", "gaussian", "epanechnikov", "student_t"] {
        let model = TransformerConfig::decoder(6, 18)
            .layers(2)
            .heads(2)
            .width(32);
        let model = model.kernel(kernel).build::<f32>(1).unwrap();
        let mut trainer = Trainer::new(model, config(3e-3)).unwrap();
        let first = trainer.step(&data).unwrap().loss;
        assert!(
            (first - 6_f64.ln()).abs() < 0.2,
            "{kernel} begins at {first}"
        );
        for _ in 0..120 {
            trainer.step(&data).unwrap();
        }
        let last = trainer.evaluate(&data, 8).unwrap();
        assert!(last < 0.35, "{kernel} ends at {last}");
    }
}

#[test]
fn derivatives_of_accumulated_batches_are_those_of_one_large_batch() {
    // Every sequence is the same, so that it does not matter which are drawn.
    let data = vec![3_u32; 100];
    let run = |batch, accumulate| {
        let model = TransformerConfig::decoder(6, 8)
            .layers(1)
            .heads(2)
            .width(16);
        let train = TrainConfig {
            batch,
            accumulate,
            ..config(1e-2)
        };
        let mut trainer = Trainer::new(model.build::<f64>(1).unwrap(), train).unwrap();
        for _ in 0..3 {
            trainer.step(&data).unwrap();
        }
        trainer.into_model().parameters
    };
    let (one, many) = (run(6, 1), run(2, 3));
    for (a, b) in one.iter().zip(&many) {
        assert!((a - b).abs() < 1e-9, "{a} and {b}");
    }
}

#[test]
fn a_hierarchy_of_local_layers_learns_a_rule_of_neighbours() {
    // The target of each site is the mean of the first columns of itself and its two neighbours.
    let sets = Sets::equal(16, 10).unwrap();
    let (rows, width) = (160, 8);
    let input: Vec<f64> = draw(1, rows * width);
    let mut target = vec![0.0; rows];
    for range in sets.iter() {
        for i in range.clone() {
            let near = (i.max(range.start + 1) - 1)..(i + 2).min(range.end);
            let n = near.len() as f64;
            target[i] = near.map(|j| input[j * width]).sum::<f64>() / n;
        }
    }
    let mut layout = Layout::default();
    let layer = LayerConfig::new(width, 2).unwrap().window(Some(2));
    let layers = [
        layer.clone().kernel("gaussian").unwrap(),
        layer.places(Places::Alibi),
    ];
    let model = HierarchicalModel::new(&mut layout, "layers", &layers).unwrap();
    let readout = Linear::new(&mut layout, "readout", (width, 1), true, 0.1);
    let optimizer = AdamW {
        decay: 0.0,
        ..AdamW::default()
    };
    let (mut p, mut state) = (
        layout.initialize::<f64>(1),
        optimizer.start(&layout).unwrap(),
    );
    let pass = Pass::new(&sets);
    let mut losses = Vec::new();
    for _ in 0..150 {
        let (top, kept) = model.forward(&p, &input, &pass).unwrap();
        let (out, ()) = readout.forward(&p, &top, &pass).unwrap();
        let (loss, flow) = squared_loss(&out, &target).unwrap();
        losses.push(loss);
        let mut g = vec![0.0; layout.len()];
        let flow = readout
            .pull_back(&p, &top, &(), &flow, &mut g, &pass)
            .unwrap();
        model
            .pull_back(&p, &input, &kept, &flow, &mut g, &pass)
            .unwrap();
        optimizer
            .step(&layout, &mut state, &mut p, &g, 1e-2)
            .unwrap();
    }
    assert!(
        losses[149] < 0.05 * losses[0],
        "{} to {}",
        losses[0],
        losses[149]
    );
}

#[test]
fn bad_training_is_refused_in_a_sentence() {
    let build = || {
        TransformerConfig::decoder(6, 8)
            .layers(1)
            .heads(2)
            .width(16)
    };
    let says = |e: locality_core::Error, word: &str| assert!(e.to_string().contains(word), "{e}");
    let model = || build().build::<f32>(1).unwrap();
    let none = TrainConfig {
        batch: 0,
        ..config(1e-2)
    };
    says(Trainer::new(model(), none).unwrap_err(), "batch=0");
    let encoder = TransformerConfig::encoder(6, 8)
        .layers(1)
        .heads(2)
        .width(16);
    let encoder = encoder.build::<f32>(1).unwrap();
    says(
        Trainer::new(encoder, config(1e-2)).unwrap_err(),
        "later codes",
    );
    let mut trainer = Trainer::new(model(), config(1e-2)).unwrap();
    says(trainer.step(&[1; 8]).unwrap_err(), "8 codes");
    says(trainer.step(&[6; 80]).unwrap_err(), "code 6");
    says(trainer.evaluate(&[1; 8], 3).unwrap_err(), "no sequence");
    let mut wild = Trainer::new(model(), config(1e30)).unwrap();
    let error = (0..9).find_map(|_| wild.step(&codes(1, 80, 6)).err());
    assert!(
        error.is_some(),
        "numbers beyond the range are an error, not NaN"
    );
    for (config, word) in [
        (build().heads(3), "heads=3"),
        (build().groups(3), "groups=3"),
        (build().width(0), "width=0"),
        (build().layers(1 << 30), "layers="),
        (build().kernel("sofmax"), "softmax"),
        (build().dropout(1.0), "dropout=1"),
        (build().window(Some(0)), "window=0"),
    ] {
        says(config.build::<f32>(1).unwrap_err(), word);
    }
}
