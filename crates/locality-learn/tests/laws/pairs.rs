//! From one sequence to another: derivatives, causality, the cache, and whether it learns.

use std::sync::atomic::{AtomicBool, Ordering};

use locality_core::Watch;
use locality_learn::{
    Chance, CrossHeads, DecoderLayer, EncoderDecoder, FitConfig, HeadsConfig, LayerConfig, Layout,
    Pair, Pass, Places, Positions, Sampler, Sets, Source, TransformerConfig, attention_kernel,
};
use locality_testing::Rng;

use crate::support::{agree, codes, dot, draw, moved};

fn config(kernel: &str, heads: usize, groups: usize) -> HeadsConfig {
    HeadsConfig {
        width: 4,
        heads,
        groups,
        head_width: 2,
        kernel: attention_kernel(kernel, 2).unwrap(),
        causal: false,
        window: None,
        places: Places::Unknown,
        bias: true,
        deviations: (0.5, 0.5),
    }
}

#[test]
fn heads_across_go_the_same_way_back() {
    let (own, others) = (Sets::of(&[2, 3]).unwrap(), Sets::of(&[4, 1]).unwrap());
    let pass = Pass::new(&own);
    for (kernel, heads, groups) in [
        ("softmax", 2, 2),
        ("gaussian", 2, 1),
        ("laplace", 4, 2),
        ("epanechnikov(h=6)", 2, 2),
    ] {
        let mut layout = Layout::default();
        let made = CrossHeads::new(&mut layout, "cross", config(kernel, heads, groups), 3);
        let layer = made.unwrap();
        let mut p = moved(&layout, 3, 0.3);
        let (mut x, mut rows, flow) = (draw(5, 5 * 4), draw(6, 5 * 3), draw(7, 5 * 4));
        let of = |p: &[f64], x: &[f64], rows: &[f64]| {
            let source = Source {
                rows,
                sets: &others,
            };
            dot(&layer.predict(p, x, source, &pass).unwrap(), &flow)
        };
        let source = Source {
            rows: &rows,
            sets: &others,
        };
        let (_, kept) = layer.forward(&p, &x, source, &pass).unwrap();
        let (mut g, mut by_source) = (vec![0.0; layout.len()], vec![0.0; rows.len()]);
        let by = &mut by_source;
        let by_input = layer.pull_back(&p, &x, source, &kept, &flow, &mut g, by, &pass);
        let by_input = by_input.unwrap();
        let (p0, x0, rows0) = (p.clone(), x.clone(), rows.clone());
        agree(kernel, &mut x, &by_input, 1, |x| of(&p0, x, &rows0));
        agree(kernel, &mut rows, &by_source, 1, |rows| of(&p0, &x0, rows));
        agree(kernel, &mut p, &g, 1, |p| of(p, &x0, &rows0));
    }
}

#[test]
fn layers_that_look_across_go_the_same_way_back() {
    let (own, others) = (Sets::of(&[2, 3]).unwrap(), Sets::of(&[4, 1]).unwrap());
    for (first, dropout) in [(true, 0.0), (false, 0.0), (true, 0.3), (false, 0.3)] {
        let pass = &Pass::training(&own, Chance::new(1, 2));
        let config = LayerConfig::new(4, 2).unwrap().causal(true);
        let config = config.norm_first(first).dropout(dropout).hidden(5);
        let config = config.deviations(0.4, 0.4).window(Some(2));
        let mut layout = Layout::default();
        let layer = DecoderLayer::new(&mut layout, "layer", &config, 3, 0).unwrap();
        let mut p = moved(&layout, 3, 0.3);
        let (mut x, mut rows, flow) = (draw(5, 5 * 4), draw(6, 5 * 3), draw(7, 5 * 4));
        let of = |p: &[f64], x: &[f64], rows: &[f64]| {
            let source = Source {
                rows,
                sets: &others,
            };
            dot(&layer.forward(p, x, source, pass).unwrap().0, &flow)
        };
        let source = Source {
            rows: &rows,
            sets: &others,
        };
        let (_, kept) = layer.forward(&p, &x, source, pass).unwrap();
        let (mut g, mut by_source) = (vec![0.0; layout.len()], vec![0.0; rows.len()]);
        let by = &mut by_source;
        let by_input = layer.pull_back(&p, &x, source, &kept, &flow, &mut g, by, pass);
        let by_input = by_input.unwrap();
        let what = format!("pre-norm {first}, dropout {dropout}");
        let (p0, x0, rows0) = (p.clone(), x.clone(), rows.clone());
        agree(&what, &mut x, &by_input, 1, |x| of(&p0, x, &rows0));
        agree(&what, &mut rows, &by_source, 1, |rows| of(&p0, &x0, rows));
        agree(&what, &mut p, &g, 1, |p| of(p, &x0, &rows0));
    }
}

/// Encoders and decoders of all kinds: 5 codes to 7, of which the last two begin and end.
fn configs() -> Vec<(&'static str, TransformerConfig, TransformerConfig)> {
    let encoder = || {
        let config = TransformerConfig::encoder(5, 6).layers(2).heads(2);
        config.width(4).hidden(6)
    };
    let decoder = || {
        let config = TransformerConfig::decoder(7, 8).layers(2).heads(2);
        config.width(4).hidden(6)
    };
    vec![
        ("plain", encoder(), decoder()),
        (
            "post-norm",
            encoder().norm_first(false),
            decoder().norm_first(false).bias(true),
        ),
        (
            "gaussian, of two widths",
            encoder().kernel("gaussian").width(6).layers(1),
            decoder().kernel("gaussian").tied(false),
        ),
        (
            "places",
            encoder().positions(Positions::Alibi),
            decoder().positions(Positions::Rotary).groups(1),
        ),
        (
            "dropout",
            encoder().positions(Positions::Sinusoidal).dropout(0.3),
            decoder().positions(Positions::Sinusoidal).dropout(0.3),
        ),
    ]
}

fn pairs(seed: u64, lengths: &[(usize, usize)]) -> Vec<Pair> {
    let each = lengths.iter().enumerate();
    let pair = |(i, &(n, m)): (usize, &(usize, usize))| Pair {
        source: codes(seed + i as u64, n, 5),
        target: codes(seed + 50 + i as u64, m, 5),
    };
    each.map(pair).collect()
}

fn model(encoder: &TransformerConfig, decoder: &TransformerConfig) -> EncoderDecoder<f64> {
    let made = EncoderDecoder::new(encoder, decoder, (5, 6), 1);
    let mut model = made.unwrap();
    model.parameters = moved(model.layout(), 4, 0.3);
    model
}

#[test]
fn whole_models_go_the_same_way_back() {
    let pairs = pairs(1, &[(3, 2), (1, 4), (5, 0)]);
    let chance = Some(Chance::new(3, 0));
    for (what, encoder, decoder) in configs() {
        let mut model = model(&encoder, &decoder);
        let mut gradients = vec![0.0; model.layout().len()];
        model.pull_back(&pairs, chance, &mut gradients).unwrap();
        let (mut parameters, mut spare) = (model.parameters.clone(), gradients.clone());
        // Every third: the layers' own are checked above.
        agree(what, &mut parameters, &gradients, 3, |p| {
            model.parameters.copy_from_slice(p);
            model.pull_back(&pairs, chance, &mut spare).unwrap()
        });
        // Without chance it is the loss.
        let loss = model.loss(&pairs).unwrap();
        let again = model.pull_back(&pairs, None, &mut spare).unwrap();
        assert!((loss - again).abs() < 1e-12, "{what}: {loss}, {again}");
    }
}

#[test]
fn a_later_code_changes_nothing_earlier_but_a_source_everything() {
    for (what, encoder, decoder) in configs() {
        let model = model(&encoder, &decoder);
        let (sources, targets) = (Sets::of(&[4, 3]).unwrap(), Sets::of(&[3, 6]).unwrap());
        let (mut source, mut target) = (codes(1, 7, 5), codes(2, 9, 7));
        let scores = |source: &[u32], target: &[u32]| {
            let found = model.scores((source, &sources), (target, &targets));
            let rows = found.unwrap();
            rows.chunks(7).map(<[f64]>::to_vec).collect::<Vec<_>>()
        };
        let before = scores(&source, &target);
        // Row 3 + 2 of the second set.
        target[5] = (target[5] + 1) % 7;
        let after = scores(&source, &target);
        assert_eq!(before[..5], after[..5], "{what}");
        assert!((5..9).all(|r| before[r] != after[r]), "{what}");
        // The last code of the second source.
        source[6] = (source[6] + 1) % 5;
        let other = scores(&source, &target);
        assert_eq!(after[..3], other[..3], "{what}: another set's source");
        assert!((3..9).all(|r| after[r] != other[r]), "{what}");
    }
}

#[test]
fn one_code_after_another_is_the_whole_at_once() {
    for (what, encoder, decoder) in configs() {
        let model = model(&encoder, &decoder);
        let (source, target) = (codes(1, 5, 5), codes(2, 7, 7));
        let (sources, targets) = (Sets::of(&[5]).unwrap(), Sets::of(&[7]).unwrap());
        let whole = model.scores((&source, &sources), (&target, &targets));
        let mut answer = model.answer(&source, 9, Sampler::default()).unwrap();
        for (expected, code) in whole.unwrap().chunks(7).zip(target) {
            let found = answer.extend(code).unwrap();
            for (found, expected) in found.iter().zip(expected) {
                let far = (found - expected).abs();
                assert!(far < 1e-10, "{what}: {found}, {expected}");
            }
        }
        // Answers are what the scores say.
        let greedy = Sampler {
            temperature: 0.0,
            ..Sampler::default()
        };
        let answer = model.answer(&source, 4, greedy).unwrap().codes().unwrap();
        let mut seen = vec![5];
        for code in &answer {
            let sets = Sets::of(&[seen.len()]).unwrap();
            let scores = model.scores((&source, &sources), (&seen, &sets)).unwrap();
            let last = &scores[scores.len() - 7..];
            let best = (0..7).max_by(|a, b| last[*a].total_cmp(&last[*b]));
            assert_eq!(best, Some(*code as usize), "{what}");
            seen.push(*code);
        }
    }
}

#[test]
fn many_sources_are_answered_as_each_alone() {
    let (_, encoder, decoder) = configs().swap_remove(0);
    let model = model(&encoder, &decoder);
    let sources: Vec<Vec<u32>> = (1..6).map(|n| codes(n, n as usize, 5)).collect();
    let sampler = Sampler {
        seed: 9,
        ..Sampler::default()
    };
    let found = model.answers(&sources, 6, sampler, &Watch::default());
    for (i, (source, found)) in sources.iter().zip(found.unwrap()).enumerate() {
        let own = Sampler {
            seed: 9 + i as u64,
            ..sampler
        };
        let alone = model.answer(source, 6, own).unwrap().codes().unwrap();
        assert_eq!(found, alone);
    }
    let bad = [vec![1], vec![5]];
    let e = model.answers(&bad, 6, sampler, &Watch::default());
    let e = e.unwrap_err().to_string();
    assert!(e.starts_with("source 1 (counted from 0): "), "{e}");
}

#[test]
fn the_loss_of_many_pairs_is_that_of_all_codes() {
    let (_, encoder, decoder) = configs().swap_remove(0);
    let model = model(&encoder, &decoder);
    let pairs = pairs(1, &[(3, 2), (1, 4), (5, 0)].repeat(50));
    let mut spare = vec![0.0; model.layout().len()];
    let whole = model.pull_back(&pairs, None, &mut spare).unwrap();
    let found = model.loss(&pairs).unwrap();
    assert!((found - whole).abs() < 1e-12, "{found}, {whole}");
    let e = model.loss(&[]).unwrap_err().to_string();
    assert!(e.contains("no pairs"), "{e}");
}

#[test]
fn parameters_are_kept_and_put_back() {
    let (_, encoder, decoder) = configs().swap_remove(0);
    let model = model(&encoder, &decoder);
    let fresh = || EncoderDecoder::<f64>::new(&encoder, &decoder, (5, 6), 7).unwrap();
    let back = fresh().with_parameters(model.parameters.clone()).unwrap();
    assert_eq!(back, model);
    let error = |parameters: Vec<f64>| {
        let made = fresh().with_parameters(parameters);
        made.unwrap_err().to_string()
    };
    assert!(error(vec![0.0]).contains("the layout"));
    let mut bad = model.parameters.clone();
    bad[3] = f64::NAN;
    assert!(error(bad).contains("NaN"));
}

/// Digits of 3 to 6 places, and what is to be made of them.
fn task(make: impl Fn(&mut Vec<u32>)) -> Vec<Pair> {
    let mut rng = Rng::new(7);
    let pair = |rng: &mut Rng| {
        let n = 3 + rng.below(4);
        let source: Vec<u32> = (0..n).map(|_| rng.below(10) as u32).collect();
        let mut target = source.clone();
        make(&mut target);
        Pair { source, target }
    };
    (0..2600).map(|_| pair(&mut rng)).collect()
}

/// The share of pairs that a model trained on the others answers rightly to the last digit.
fn learned(pairs: &[Pair], kernel: &str, epochs: usize) -> f64 {
    let (training, others) = pairs.split_at(pairs.len() - 200);
    // A source that was trained on says nothing.
    let fresh: Vec<&Pair> = others.iter().filter(|p| !training.contains(p)).collect();
    assert!(fresh.len() > 100);
    let sizes = |config: TransformerConfig| config.layers(1).heads(4).width(32).kernel(kernel);
    let encoder = sizes(TransformerConfig::encoder(10, 6));
    let decoder = sizes(TransformerConfig::decoder(12, 7));
    let mut model = EncoderDecoder::<f32>::new(&encoder, &decoder, (10, 11), 1).unwrap();
    let config = FitConfig {
        epochs,
        batch: 32,
        rate: 5e-3,
        validation: 0.05,
        patience: None,
        ..FitConfig::default()
    };
    let history = model.fit(training, &config, &Watch::default()).unwrap();
    eprintln!("{kernel}: {:?}", history.validation);
    let greedy = Sampler {
        temperature: 0.0,
        ..Sampler::default()
    };
    let right = |p: &&&Pair| {
        let answer = model.answer(&p.source, 7, greedy).unwrap();
        answer.codes().unwrap() == p.target
    };
    fresh.iter().filter(right).count() as f64 / fresh.len() as f64
}

#[test]
fn it_learns_to_sort_digits_it_has_not_seen() {
    let pairs = task(|digits| digits.sort_unstable());
    let share = learned(&pairs, "softmax", 9);
    assert!(share >= 0.95, "{share}");
}

#[test]
fn it_learns_to_turn_digits_round_under_another_kernel() {
    let pairs = task(|digits| digits.reverse());
    let share = learned(&pairs, "gaussian", 10);
    assert!(share >= 0.95, "{share}");
}

#[test]
fn training_is_the_same_again() {
    let pairs = pairs(1, &[(3, 2), (1, 4), (5, 3), (2, 2)].repeat(5));
    let (_, encoder, decoder) = configs().swap_remove(4);
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let made = EncoderDecoder::<f32>::new(&encoder, &decoder, (5, 6), 1);
            let mut model = made.unwrap();
            let config = FitConfig {
                epochs: 3,
                batch: 6,
                ..FitConfig::default()
            };
            let history = model.fit(&pairs, &config, &Watch::default()).unwrap();
            (model, history)
        })
    };
    assert_eq!(train(1), train(2));
}

#[test]
fn an_interruption_leaves_the_parameters_as_they_were() {
    let (_, encoder, decoder) = configs().swap_remove(0);
    let mut model = model(&encoder, &decoder);
    let before = model.clone();
    let pairs = pairs(1, &[(3, 2); 12]);
    let stop = AtomicBool::new(false);
    let second = |done: usize, _: usize| stop.store(done == 2, Ordering::Relaxed);
    let watch = Watch::default().cancel(&stop).progress(&second);
    let config = FitConfig {
        batch: 4,
        ..FitConfig::default()
    };
    let e = model.fit(&pairs, &config, &watch).unwrap_err();
    assert_eq!(e.kind(), locality_core::ErrorKind::Interrupted);
    assert_eq!(model, before);
}

#[test]
fn bad_requests_are_refused_in_a_sentence() {
    let (_, encoder, decoder) = configs().swap_remove(0);
    let says = |e: locality_core::Error, word: &str| {
        assert!(e.to_string().contains(word), "{e}");
    };
    let made = |a: &TransformerConfig, b: &TransformerConfig, ends| {
        EncoderDecoder::<f64>::new(a, b, ends, 1)
    };
    says(made(&decoder, &decoder, (5, 6)).unwrap_err(), "encoder");
    says(made(&encoder, &encoder, (5, 6)).unwrap_err(), "decoder");
    says(made(&encoder, &decoder, (5, 7)).unwrap_err(), "code 7");
    let mut model = model(&encoder, &decoder);
    let mut fit = |pairs: &[Pair]| {
        let watch = Watch::default();
        model.fit(pairs, &FitConfig::default(), &watch).unwrap_err()
    };
    says(fit(&[]), "no pairs");
    says(fit(&pairs(1, &[(0, 2)])), "no rows");
    says(fit(&pairs(1, &[(7, 2)])), "context of 6");
    says(fit(&pairs(1, &[(2, 8)])), "context of 8");
    let beyond = Pair {
        source: vec![5],
        target: vec![0],
    };
    says(fit(&[beyond]), "code 5");
    let (two, one) = (Sets::of(&[1, 1]).unwrap(), Sets::of(&[2]).unwrap());
    let scores = model.scores((&[0, 1], &two), (&[0, 1], &one));
    says(scores.unwrap_err(), "2 sources");
    says(
        model.answer(&[], 3, Sampler::default()).unwrap_err(),
        "empty",
    );
    let mut answer = model.answer(&[0], 9, Sampler::default()).unwrap();
    let full = (0..9).find_map(|_| answer.extend(0).err());
    says(full.unwrap(), "context of 8");
    let mut layout = Layout::default();
    let causal = HeadsConfig {
        causal: true,
        ..config("softmax", 2, 2)
    };
    says(
        CrossHeads::new(&mut layout, "cross", causal, 3).unwrap_err(),
        "causal",
    );
}

#[test]
fn derivatives_are_those_of_pytorch() {
    // oracle/pairs.py
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/pairs.json");
    let all: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let pairs: Vec<(Vec<u32>, Vec<u32>)> = serde_json::from_value(all["pairs"].clone()).unwrap();
    let pairs = pairs.into_iter();
    let pairs: Vec<Pair> = pairs
        .map(|(source, target)| Pair { source, target })
        .collect();
    let sizes = |config: TransformerConfig| {
        let config = config.layers(1).heads(2).width(4);
        config.hidden(6).bias(true)
    };
    let encoder = sizes(TransformerConfig::encoder(5, 6));
    let decoder = sizes(TransformerConfig::decoder(7, 8));
    let mut model = EncoderDecoder::<f64>::new(&encoder, &decoder, (5, 6), 1).unwrap();
    let number = |i: usize| 0.7 * (i as f64 * i as f64 + 0.3 * i as f64).sin();
    model.parameters = (0..model.layout().len()).map(number).collect();
    let mut found = vec![0.0; model.layout().len()];
    let loss = model.pull_back(&pairs, None, &mut found).unwrap();
    let expected = all["loss"].as_f64().unwrap();
    assert!((loss - expected).abs() < 1e-12, "{loss}, {expected}");
    let views = model.layout().views();
    assert_eq!(views.len(), all["gradients"].as_object().unwrap().len());
    for view in views {
        let expected = all["gradients"][&view.name].clone();
        let expected: Vec<f64> = serde_json::from_value(expected).unwrap();
        let found = &found[view.range.clone()];
        assert_eq!(found.len(), expected.len(), "{}", view.name);
        for (found, expected) in found.iter().zip(&expected) {
            let far = (found - expected).abs();
            assert!(far < 1e-12, "{}: {found}, {expected}", view.name);
        }
    }
}
