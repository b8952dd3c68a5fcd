//! Training on a text, writing and judging texts.

use std::sync::atomic::{AtomicBool, Ordering};

use locality_core::{ErrorKind, Watch};
use locality_learn::{
    AdamW, Checkpoint, EncoderDecoder, Sampler, Schedule, Sets, TextTraining, Tokenizer,
    TrainConfig, Trainer, TransformerConfig,
};

use crate::support::{codes, moved};

const GREEDY: Sampler = Sampler {
    temperature: 0.0,
    top_k: None,
    top_p: None,
    seed: 1,
};

fn text() -> String {
    "to be or not to be, ".repeat(40)
}

fn training(steps: u64) -> TextTraining {
    let (text, tokenizer) = (text(), Tokenizer::chars(&text()).unwrap());
    let model = TransformerConfig::decoder(tokenizer.code_count(), 16)
        .layers(1)
        .heads(2)
        .width(16)
        .build::<f32>(1)
        .unwrap();
    let config = TrainConfig {
        batch: 4,
        accumulate: 1,
        schedule: Schedule::cosine(1e-2, 1e-3, 5, steps).unwrap(),
        optimizer: AdamW::default(),
        clip: Some(1.0),
        seed: 1,
    };
    let trainer = Trainer::new(model, config).unwrap();
    TextTraining::new(trainer, tokenizer, text.as_bytes()).unwrap()
}

#[test]
fn a_training_goes_on_from_its_file_with_its_losses() {
    let watch = Watch::default();
    let mut whole = training(60);
    let mut cut = training(60);
    for step in 1..=60 {
        whole.step().unwrap();
        cut.step().unwrap();
        if step % 20 == 0 {
            whole.look(&watch).unwrap();
            cut.look(&watch).unwrap();
            // A second look at the same step adds none.
            assert_eq!(cut.look(&watch).unwrap(), *cut.history().last().unwrap());
        }
        if step == 33 {
            let bytes = cut.checkpoint().to_bytes().unwrap();
            let back = Checkpoint::from_bytes(&bytes).unwrap();
            assert_eq!(
                TextTraining::history_of(&back).unwrap(),
                cut.history(),
                "without the text"
            );
            cut = TextTraining::resume(back, text().as_bytes()).unwrap();
        }
    }
    assert!(whole.is_done());
    assert_eq!(whole, cut);
    assert_eq!(whole.history().len(), 3);
    let losses: Vec<f64> = whole.history().iter().map(|h| h.validation).collect();
    assert!(losses[2] < losses[0] && losses[2] < 1.5, "{losses:?}");
    let other = TextTraining::resume(whole.checkpoint(), b"another text");
    assert!(other.unwrap_err().to_string().contains("another text"));
}

#[test]
fn an_interrupted_look_changes_nothing() {
    let cancel = AtomicBool::new(true);
    let mut training = training(5);
    training.step().unwrap();
    let before = training.clone();
    let stopped = training.look(&Watch::default().cancel(&cancel));
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(training, before);
    cancel.store(false, Ordering::Relaxed);
    training.look(&Watch::default().cancel(&cancel)).unwrap();
}

#[test]
fn texts_end_where_a_stop_text_does() {
    let mut training = training(400);
    while !training.is_done() {
        training.step().unwrap();
    }
    let write = |prompt: &str, stops: &[&str]| {
        let stops: Vec<String> = stops.iter().map(|s| (*s).to_owned()).collect();
        let (model, tokenizer) = (training.model(), training.tokenizer());
        let watch = Watch::default();
        model.write(tokenizer, prompt, 40, GREEDY, &stops, &watch)
    };
    let whole = write("or not", &[]).unwrap();
    assert!(whole.text.starts_with("or not to be, to be or not"));
    assert!(!whole.stopped && whole.codes.len() == 40);
    let cut = write("or not", &["be, t", "be,"]).unwrap();
    assert_eq!(cut.text, "or not to be,");
    assert!(cut.stopped && cut.codes.len() == 7);
    // What the prompt has does not end it, not even across its end.
    assert_eq!(
        write("or not", &["not"])
            .unwrap()
            .text
            .matches("not")
            .count(),
        2
    );
    let e = write("or not", &[""]).unwrap_err().to_string();
    assert!(e.contains("stop has an empty text"), "{e}");
}

#[test]
fn merges_are_cut_where_a_stop_text_ends_inside_one() {
    let text = "abcd".repeat(60);
    let tokenizer = Tokenizer::Bpe(locality_learn::Bpe::learn(&text, 258).unwrap());
    let count = tokenizer.code_count();
    let last = count as u32 - 1;
    let piece = tokenizer.decode(&[last]).unwrap();
    assert!(piece.len() > 1);
    let model = TransformerConfig::decoder(count, 8)
        .layers(1)
        .heads(1)
        .width(8)
        .bias(true)
        .tied(false);
    let mut model = model.build::<f32>(1).unwrap();
    // The likeliest code is always the last merge: what comes out of the last norm is its shift, whatever was before.
    model.parameters.fill(0.0);
    let views = model.layout().views().to_vec();
    let place = |name: &str| views.iter().find(|v| v.name == name).unwrap().range.start;
    let (shift, scores) = (place("layers.norm.shift"), place("scores.weight"));
    model.parameters[shift..shift + 8].fill(1.0);
    let own = scores + last as usize * 8;
    model.parameters[own..own + 8].fill(1.0);
    let write = |stops: &[String]| {
        let found = model.write(&tokenizer, "x", 3, GREEDY, stops, &Watch::default());
        found.unwrap().text
    };
    assert_eq!(write(&[]), format!("x{}", piece.repeat(3)));
    let stop = piece[..1].to_owned();
    assert_eq!(write(std::slice::from_ref(&stop)), format!("x{stop}"));
}

#[test]
fn the_loss_of_a_text_is_that_of_its_pieces() {
    let config = TransformerConfig::decoder(9, 5).layers(1).heads(2).width(8);
    let mut model = config.build::<f64>(1).unwrap();
    model.parameters = moved(model.layout(), 5, 0.1);
    let all = codes(3, 14, 9);
    let pieces = [(0, 5), (5, 10), (10, 13)];
    let each = pieces.map(|(a, b)| {
        let sets = Sets::equal(1, b - a).unwrap();
        let loss = model.loss(&all[a..b], &all[a + 1..=b], &sets).unwrap();
        loss * (b - a) as f64
    });
    let found = model.text_loss(&all, &Watch::default()).unwrap();
    assert!((found - each.iter().sum::<f64>() / 13.0).abs() < 1e-12);
    let e = model.text_loss(&[1], &Watch::default()).unwrap_err();
    assert!(e.to_string().contains("takes two"), "{e}");
    let encoder = TransformerConfig::encoder(9, 5).layers(1).heads(2).width(8);
    let e = encoder.build::<f64>(1).unwrap();
    let e = e.text_loss(&all, &Watch::default()).unwrap_err();
    assert!(e.to_string().contains("later codes"), "{e}");
}

#[test]
fn maps_of_several_heads_are_those_of_each() {
    let config = TransformerConfig::decoder(9, 16)
        .layers(3)
        .heads(4)
        .width(16);
    let mut model = config.build::<f32>(1).unwrap();
    let wide = moved(model.layout(), 5, 0.1);
    model.parameters = wide.iter().map(|x| *x as f32).collect();
    let seen = codes(2, 7, 9);
    let some = model.attention_maps(&seen, &[2, 0], &[3, 1]).unwrap();
    let mut each = Vec::new();
    for layer in [2, 0] {
        for head in [3, 1] {
            each.extend(model.attention(&seen, layer, head).unwrap());
        }
    }
    assert_eq!(some, each);
    let all = model.attention_maps(&seen, &[], &[]).unwrap();
    assert_eq!(all.len(), 3 * 4 * 49);
    assert_eq!(all[(2 * 4 + 3) * 49..][..49], some[..49]);
    let e = model.attention_maps(&seen, &[0, 3], &[]).unwrap_err();
    assert!(e.to_string().contains("layer=3"), "{e}");
}

#[test]
fn a_stop_code_is_the_last_of_an_answer() {
    let encoder = TransformerConfig::encoder(5, 8).layers(1).heads(1).width(8);
    let decoder = TransformerConfig::decoder(7, 12)
        .layers(1)
        .heads(1)
        .width(8);
    let model = EncoderDecoder::<f32>::new(&encoder, &decoder, (5, 6), 3).unwrap();
    let sources: Vec<Vec<u32>> = (1..9).map(|n| codes(n, n as usize, 5)).collect();
    let watch = Watch::default();
    let whole = model.answers(&sources, 11, Sampler::default(), &watch);
    let cut = model.answers_until(&sources, 11, &[1, 2], Sampler::default(), &watch);
    let (whole, cut) = (whole.unwrap(), cut.unwrap());
    assert_ne!(whole, cut);
    for (whole, cut) in whole.iter().zip(&cut) {
        let first = whole.iter().position(|c| [1, 2].contains(c));
        assert_eq!(*cut, whole[..first.map_or(whole.len(), |i| i + 1)]);
    }
}

#[test]
fn numbers_are_codes_as_they_are() {
    let tokenizer = Tokenizer::numbers("3 1\n4  1 5").unwrap();
    assert_eq!(tokenizer.code_count(), 6);
    assert_eq!(tokenizer.encode(" 5 0 ").unwrap(), [5, 0]);
    assert_eq!(tokenizer.decode(&[5, 0]).unwrap(), "5 0");
    let back = Tokenizer::from_text(tokenizer.to_text().as_bytes()).unwrap();
    assert_eq!(back, tokenizer);
    for (text, word) in [("6", "\"6\" at position 0"), ("1 x", "\"x\" at position 1")] {
        let e = tokenizer.encode(text).unwrap_err().to_string();
        assert!(e.contains(word) && e.contains("0 to 5"), "{e}");
    }
    let e = Tokenizer::numbers("99999999").unwrap_err().to_string();
    assert!(e.contains("16777215"), "{e}");
    assert!(Tokenizer::numbers(" ").is_err() && tokenizer.decode(&[6]).is_err());
    let bytes = Tokenizer::Bytes.encode_bytes(&[0xff, 1]).unwrap();
    assert_eq!(bytes, [255, 1]);
    let e = tokenizer.encode_bytes(&[b'1', 0xff]).unwrap_err();
    assert!(e.to_string().contains("byte 1"), "{e}");
}
