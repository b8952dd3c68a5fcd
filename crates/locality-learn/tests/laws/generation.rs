//! Growing a sequence code by code is the same as seeing all of it.

use locality_learn::{Positions, Sampler, Sets, Transformer, TransformerConfig};

use crate::support::{codes, moved};

fn configs() -> Vec<(&'static str, TransformerConfig)> {
    let base = || {
        TransformerConfig::decoder(9, 16)
            .layers(2)
            .heads(4)
            .width(32)
    };
    vec![
        ("learned", base()),
        ("sinusoidal", base().positions(Positions::Sinusoidal)),
        ("rotary", base().positions(Positions::Rotary).groups(2)),
        ("alibi", base().positions(Positions::Alibi)),
        (
            "alibi window",
            base().positions(Positions::Alibi).window(Some(4)),
        ),
        ("window", base().window(Some(5))),
        ("window of one", base().window(Some(1))),
        (
            "gaussian",
            base().kernel("gaussian").window(Some(5)).groups(1),
        ),
        ("epanechnikov", base().kernel("epanechnikov")),
        ("post-norm", base().norm_first(false).activation(None)),
    ]
}

/// Larger parameters than at the start, so that codes matter.
fn model(config: &TransformerConfig) -> Transformer<f32> {
    let mut model = config.build::<f32>(1).unwrap();
    let wide = moved(model.layout(), 5, 0.1);
    model.parameters = wide.iter().map(|x| *x as f32).collect();
    model
}

#[test]
fn a_cache_gives_the_scores_of_the_whole_sequence() {
    for (what, config) in configs() {
        let model = model(&config);
        let input = codes(3, 16, 9);
        let sets = Sets::equal(1, 16).unwrap();
        let whole = model.scores(&input, &sets).unwrap();
        let largest = whole.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        let mut cache = model.cache().unwrap();
        // A prompt of five, then one by one, then three at once.
        for part in [0..5, 5..6, 6..7, 7..8, 8..9, 9..10, 10..13, 13..14, 14..16] {
            let end = part.end;
            let scores = model.extend(&input[part], &mut cache).unwrap();
            assert_eq!(cache.len(), end);
            for (a, b) in scores.iter().zip(&whole[(end - 1) * 9..]) {
                // Rounding of a few hundred operations of single precision.
                assert!(
                    (a - b).abs() <= 2e-6 * largest.max(1.0),
                    "{what} at {end}: {a} and {b}"
                );
            }
        }
    }
}

#[test]
fn greedy_codes_are_those_of_whole_sequences() {
    for (what, config) in configs() {
        let model = model(&config);
        let greedy = Sampler {
            temperature: 0.0,
            ..Sampler::default()
        };
        let prompt = codes(4, 3, 9);
        let made = model.generate(&prompt, 13, greedy, None).unwrap();
        let made: Vec<u32> = made.map(Result::unwrap).collect();
        let mut all = prompt.clone();
        for _ in 0..13 {
            let sets = Sets::equal(1, all.len()).unwrap();
            let scores = model.scores(&all, &sets).unwrap();
            let last = &scores[scores.len() - 9..];
            let best = (0..9).max_by(|&a, &b| last[a].total_cmp(&last[b])).unwrap();
            all.push(best as u32);
        }
        assert_eq!(made, all[3..], "{what}");
    }
}

#[test]
fn generation_goes_on_beyond_the_context_and_stops_where_told() {
    for (what, config) in configs() {
        let model = model(&config);
        let sampler = Sampler::default();
        let made = |prompt: &[u32], stop| -> Vec<u32> {
            let all = model.generate(prompt, 60, sampler, stop).unwrap();
            all.map(Result::unwrap).collect()
        };
        let all = made(&[1, 2], None);
        assert_eq!(all.len(), 60, "{what}");
        assert!(all.iter().all(|c| *c < 9));
        assert_eq!(
            all,
            made(&[1, 2], None),
            "the same seed draws the same codes"
        );
        let stop = all[20];
        let first = all.iter().position(|c| *c == stop).unwrap();
        assert_eq!(made(&[1, 2], Some(stop)), all[..=first]);
        assert_eq!(
            made(&codes(1, 40, 9), None).len(),
            60,
            "a long prompt is cut"
        );
    }
}

#[test]
fn samplers_draw_from_what_they_allow_as_often_as_they_should() {
    let scores = [0.0_f64, 2.0, 1.0, -1.0];
    let count = |sampler: Sampler| {
        let mut counts = [0.0; 4];
        for place in 0..40_000 {
            counts[sampler.draw(&scores, place).unwrap() as usize] += 1.0 / 40_000.0;
        }
        counts
    };
    let near = |found: [f64; 4], weights: [f64; 4]| {
        let total: f64 = weights.iter().sum();
        for (f, w) in found.iter().zip(weights) {
            // Four standard deviations of a share of 40,000.
            assert!((f - w / total).abs() <= 0.01, "{found:?} for {weights:?}");
            assert!(w > 0.0 || *f == 0.0, "{found:?}");
        }
    };
    let e = |x: f64| x.exp();
    let base = Sampler::default();
    near(count(base), [1.0, e(2.0), e(1.0), e(-1.0)]);
    let hot = Sampler {
        temperature: 2.0,
        ..base
    };
    near(count(hot), [1.0, e(1.0), e(0.5), e(-0.5)]);
    let two = Sampler {
        top_k: Some(2),
        ..base
    };
    near(count(two), [0.0, e(2.0), e(1.0), 0.0]);
    // The first has 0.64 of all, the first two 0.88.
    let nucleus = Sampler {
        top_p: Some(0.7),
        ..base
    };
    near(count(nucleus), [0.0, e(2.0), e(1.0), 0.0]);
    let first = Sampler {
        top_p: Some(0.6),
        ..base
    };
    near(count(first), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn attention_weights_are_shares_of_what_is_seen() {
    for (what, config) in configs() {
        let model = model(&config);
        let weights = model.attention(&codes(2, 7, 9), 1, 3).unwrap();
        assert_eq!(weights.len(), 49);
        for (i, row) in weights.chunks(7).enumerate() {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{what}");
            assert!(row[i + 1..].iter().all(|w| *w == 0.0), "{what} looks ahead");
        }
    }
}

#[test]
fn bad_requests_are_refused_in_a_sentence() {
    let model = model(
        &TransformerConfig::decoder(9, 16)
            .layers(1)
            .heads(2)
            .width(8),
    );
    let says = |e: locality_core::Error, word: &str| assert!(e.to_string().contains(word), "{e}");
    let sampler = |change: fn(&mut Sampler)| {
        let mut sampler = Sampler::default();
        change(&mut sampler);
        model.generate(&[1], 3, sampler, None).unwrap_err()
    };
    says(sampler(|s| s.temperature = -1.0), "temperature=-1");
    says(sampler(|s| s.top_k = Some(0)), "top_k=0");
    says(sampler(|s| s.top_p = Some(1.5)), "top_p=1.5");
    says(
        model
            .generate(&[], 3, Sampler::default(), None)
            .unwrap_err(),
        "prompt",
    );
    let beyond = model
        .generate(&[9], 3, Sampler::default(), None)
        .unwrap()
        .next();
    says(beyond.unwrap().unwrap_err(), "code 9");
    let long = model.scores(&[0; 17], &Sets::equal(1, 17).unwrap());
    says(long.unwrap_err(), "context of 16");
    says(model.attention(&[1], 1, 0).unwrap_err(), "layer=1");
    says(model.attention(&[1], 0, 2).unwrap_err(), "head=2");
    let encoder = TransformerConfig::encoder(9, 16)
        .layers(1)
        .heads(2)
        .width(8);
    says(
        encoder.build::<f32>(1).unwrap().cache().unwrap_err(),
        "causal",
    );
}
