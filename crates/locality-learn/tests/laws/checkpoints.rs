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
    let about = |edit: &dyn Fn(&mut Value)| {
        edited(&good, |header| {
            let text = &mut header["__metadata__"]["locality-learn"];
            let mut about: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
            edit(&mut about);
            *text = about.to_string().into();
        })
    };
    let config = |key: &str, value: Value| about(&|a| a["config"][key] = value.clone());
    let training = |key: &str, value: Value| about(&|a| a["training"][key] = value.clone());
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
        ("other version", about(&|a| a["version"] = json!("9"))),
        (
            "other program",
            edited(&good, |h| h["__metadata__"] = json!({"format": "pt"})),
        ),
        (
            "no JSON",
            edited(&good, |h| h["__metadata__"]["locality-learn"] = json!("{")),
        ),
        ("no config", about(&|a| a["config"] = json!(7))),
        ("no training", about(&|a| a["training"] = json!({}))),
        ("no tokenizer", about(&|a| a["tokenizer"] = json!({}))),
        ("no width", training("batch", json!(-2))),
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
    // Sizes are held against the file's before anything is made of them.
    let tall = about(&|a| {
        for (key, n) in [
            ("width", 1 << 20),
            ("heads", 1 << 20),
            ("hidden", 1),
            ("layers", 4096),
        ] {
            a["config"][key] = json!(n);
        }
        a["config"]["positions"] = json!("alibi");
    });
    let told = Checkpoint::from_bytes(&tall).unwrap_err().to_string();
    assert!(told.contains("more parameters than it holds"), "{told}");
    // What would let counters overflow is refused by training.
    for (key, n) in [
        ("step", u64::MAX),
        ("warmup", u64::MAX),
        ("accumulate", 1 << 60),
    ] {
        let open = Checkpoint::from_bytes(&training(key, json!(n))).unwrap();
        let told = open.resume().unwrap_err().to_string();
        assert!(told.contains(key), "{told}");
    }
}

#[test]
fn the_same_model_has_the_same_bytes() {
    let bytes = || Checkpoint::of(&trainer(), &tokenizer(), json!({"a": 1, "b": [2]})).to_bytes();
    assert_eq!(bytes().unwrap(), bytes().unwrap());
}

#[test]
fn a_model_that_is_not_finite_is_not_written() {
    let mut broken = Checkpoint::of(&trainer(), &tokenizer(), Value::Null);
    broken.model.parameters[3] = f32::NAN;
    assert!(broken.to_bytes().is_err());
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
