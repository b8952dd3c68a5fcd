//! The same bits for any number of threads.

use locality_core::par::install;
use locality_learn::{
    AdamW, Chance, Positions, Schedule, Sets, TrainConfig, Trainer, TransformerConfig,
};

use crate::support::codes;

#[test]
fn a_pull_back_has_the_same_bits_on_any_number_of_threads() {
    let sets = Sets::of(&[40, 90, 1, 64]).unwrap();
    let (input, targets) = (codes(1, 195, 11), codes(2, 195, 11));
    let cases = [
        (Positions::Learned, "softmax"),
        (Positions::Alibi, "softmax"),
        // By the engine, which keeps no weights.
        (Positions::Learned, "laplace"),
    ];
    for (positions, kernel) in cases {
        let config = TransformerConfig::decoder(11, 90)
            .layers(2)
            .heads(2)
            .width(32)
            .kernel(kernel);
        let model = config
            .positions(positions)
            .dropout(0.1)
            .build::<f32>(1)
            .unwrap();
        let at = |threads: usize| {
            install(threads, || {
                let mut gradients = vec![0.0; model.layout().len()];
                let chance = Some(Chance::new(1, 0));
                let loss = model
                    .pull_back(&input, &targets, &sets, chance, &mut gradients)
                    .unwrap();
                (loss, gradients)
            })
        };
        let one = at(1);
        assert!(one.0.is_finite() && one.1.iter().any(|g| *g != 0.0));
        for threads in [2, 3] {
            let many = at(threads);
            assert_eq!(one.0.to_bits(), many.0.to_bits(), "{threads} threads");
            let same = one.1.iter().zip(&many.1);
            assert!(same.clone().all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads() {
    let data = codes(3, 400, 11);
    let run = |threads: usize| {
        install(threads, || {
            let config = TransformerConfig::decoder(11, 20)
                .layers(1)
                .heads(2)
                .width(32);
            let config = config.dropout(0.1);
            let train = TrainConfig {
                batch: 5,
                accumulate: 2,
                schedule: Schedule::cosine(1e-2, 1e-3, 2, 6).unwrap(),
                optimizer: AdamW::default(),
                clip: Some(0.5),
                seed: 4,
            };
            let mut trainer = Trainer::new(config.build::<f32>(2).unwrap(), train).unwrap();
            let steps: Vec<_> = (0..6).map(|_| trainer.step(&data).unwrap()).collect();
            (steps, trainer.into_model().parameters)
        })
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one, two);
}
