//! Files: exact resume, and nothing taken on trust.

use locality_learn::{
    Checkpoint, Positions, Schedule, Tokenizer, TrainConfig, Trainer, TransformerConfig,
};
use serde_json::{Value, json};

use crate::support::codes;
use crate::training::config;

fn trainer() -> Trainer<f32> {
    let model = TransformerConfig::decoder(6, 8)
        .layers(2)
        .heads(2)
        .width(16);
    let model = model.dropout(0.2).positions(Positions::Rotary);
    let train = TrainConfig {
        schedule: Schedule::cosine(1e-2, 1e-3, 3, 20).unwrap(),
        accumulate: 2,
        ..config(1e-2)
    };
    Trainer::new(model.build(1).unwrap(), train).unwrap()
}

fn tokenizer() -> Tokenizer {
    Tokenizer::chars("abcdef").unwrap()
}

#[test]
fn training_resumes_with_the_same_bits() {
    let data = codes(1, 300, 6);
    let mut whole = trainer();
    let mut steps: Vec<_> = (0..20).map(|_| whole.step(&data).unwrap()).collect();
    let mut half = trainer();
    for expected in steps.drain(..10) {
        assert_eq!(half.step(&data).unwrap(), expected);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let notes = json!({"losses": [1.5, 1.25]});
    let checkpoint = Checkpoint::of(&half, &tokenizer(), notes.clone());
    checkpoint.save(&path).unwrap();
    let back = Checkpoint::load(&path).unwrap();
    assert_eq!(back, checkpoint);
    assert_eq!(back.notes, notes);
    let mut resumed = back.resume().unwrap();
    assert_eq!(resumed.steps(), 10);
    for expected in steps {
        assert_eq!(resumed.step(&data).unwrap(), expected);
    }
    assert_eq!(resumed, whole);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
}

#[test]
fn a_model_without_training_is_a_model() {
    let checkpoint = Checkpoint {
        model: trainer().into_model(),
        tokenizer: Tokenizer::Bytes,
        training: None,
        notes: Value::Null,
    };
    // 256 codes are more than the model has.
    let error = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap_err();
    assert!(error.to_string().contains("tokenizer"), "{error}");
    let checkpoint = Checkpoint {
        tokenizer: tokenizer(),
        ..checkpoint
    };
    let back = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
    assert_eq!(back, checkpoint);
    let error = back.resume().unwrap_err();
    assert!(
        error.to_string().contains("state of its training"),
        "{error}"
    );
}

/// The file with its header changed.
fn edited(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    edit(&mut header);
    let header = header.to_string().into_bytes();
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header);
    out.extend(&bytes[8 + length..]);
    out
}

#[test]
fn hostile_files_are_refused_in_a_sentence() {
    let good = Checkpoint::of(&trainer(), &tokenizer(), Value::Null)
        .to_bytes()
        .unwrap();
    assert!(Checkpoint::from_bytes(&good).is_ok());
    assert!(Checkpoint::from_bytes(&edited(&good, |_| {})).is_ok());
    let config = |key: &'static str, value: Value| {
        edited(&good, move |header| {
            let text = header["__metadata__"]["config"].as_str().unwrap();
            let mut config: Value = serde_json::from_str(text).unwrap();
            config[key] = value;
            header["__metadata__"]["config"] = config.to_string().into();
        })
    };
    let meta = |key: &'static str, value: Value| {
        edited(&good, move |header| header["__metadata__"][key] = value)
    };
    let mut nan = good.clone();
    let end = nan.len();
    nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut long = vec![0xff; 8];
    long.extend(b"{}");
    let gone = edited(&good, |h| {
        let part = h.as_object_mut().unwrap();
        let moved = part.remove("layers.0.norm_map.gain").unwrap();
        part.insert("other".into(), moved);
    });
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        (
            "noise",
            codes(1, 999, 256).iter().map(|c| *c as u8).collect(),
        ),
        ("endless header", long),
        ("cut short", good[..good.len() - 5].to_vec()),
        ("not a number", nan),
        ("huge width", config("width", json!(1_u64 << 23))),
        ("huge codes", config("codes", json!(1_u64 << 24))),
        ("overflowing", config("width", json!(u64::MAX))),
        ("negative", config("layers", json!(-1))),
        ("many layers", config("layers", json!(4096))),
        ("text for a size", config("heads", json!("2"))),
        ("no kernel", config("kernel", json!("sofmax"))),
        (
            "other program",
            meta("locality-learn", Value::String("9".into())),
        ),
        ("no JSON", meta("config", Value::String("{".into()))),
        ("no training", meta("training", Value::String("{}".into()))),
        (
            "no tokenizer",
            meta("tokenizer", Value::String("{}".into())),
        ),
        ("missing tensor", gone),
    ];
    for (what, bytes) in cases {
        let error = Checkpoint::from_bytes(&bytes).expect_err(what).to_string();
        assert!(
            !error.is_empty() && !error.contains('\n'),
            "{what}: {error}"
        );
        println!("{what}: {error}");
    }
}

#[test]
fn tokenizers_go_both_ways() {
    let text = "Füße, 日本\n";
    for tokenizer in [Tokenizer::Bytes, Tokenizer::chars(text).unwrap()] {
        let codes = tokenizer.encode(text).unwrap();
        assert!(codes.iter().all(|c| (*c as usize) < tokenizer.code_count()));
        assert_eq!(tokenizer.decode(&codes).unwrap(), text);
        let beyond = tokenizer.code_count() as u32;
        assert!(tokenizer.decode(&[beyond]).is_err());
    }
    assert!(tokenizer().encode("xyz").is_err());
    assert!(Tokenizer::chars("").is_err());
}
