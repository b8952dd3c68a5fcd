//! Folders that are damaged, lie, or hold something else: one sentence each, and no allocation first.

use std::path::Path;

use locality_learn::pretrained::Encoder;
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::tensors::{bert, bert_config, oracle};

/// The error of a BERT's three files.
fn error(config: &Value, weights: &[u8], tokenizer: &[u8]) -> String {
    let found = Encoder::<f32>::from_bytes(config.to_string().as_bytes(), weights, tokenizer);
    let e = found.map(|_| "no error").unwrap_err().to_string();
    assert!(!e.trim_end().contains('\n'), "{e}");
    e
}

#[test]
fn configurations_that_lie_are_refused() {
    let (weights, tokenizer) = (bert().to_bytes(Dtype::F32), oracle("word_piece.json"));
    let cases: [(&str, Value, &str); 13] = [
        ("hidden_size", Value::Null, "'hidden_size' is missing"),
        ("hidden_size", json!(-4), "'hidden_size' is -4"),
        ("hidden_size", json!("16"), "'hidden_size'"),
        ("hidden_size", json!(0), "'hidden_size' is 0"),
        ("hidden_size", json!(1_u64 << 60), "'hidden_size'"),
        ("hidden_size", json!(1 << 24), "have fewer"),
        ("hidden_size", json!(20), "the shape [152, 16]"),
        ("vocab_size", json!(1 << 24), "have fewer"),
        ("num_hidden_layers", json!(1 << 20), "num_hidden_layers"),
        ("num_hidden_layers", json!(4), "'encoder.layer.3."),
        (
            "num_attention_heads",
            json!(5),
            "'num_attention_heads' is 5",
        ),
        ("model_type", json!("roberta"), "\"roberta\""),
        ("hidden_act", json!("mish"), "\"mish\""),
    ];
    for (name, value, expected) in cases {
        let mut config = bert_config();
        config[name] = value;
        let e = error(&config, &weights, &tokenizer);
        assert!(e.contains(expected), "{name}: {e}");
    }
    let found = Encoder::<f32>::from_bytes(b"[1]", &weights, &tokenizer);
    assert!(found.unwrap_err().to_string().contains("no JSON object"));
}

#[test]
fn tensors_that_are_missing_or_wrong_are_named() {
    let (config, tokenizer) = (bert_config(), oracle("word_piece.json"));
    for name in bert().0.keys().filter(|name| !name.starts_with("pooler")) {
        let mut few = bert();
        let (mut shape, mut numbers) = few.0.remove(name).unwrap();
        let e = error(&config, &few.to_bytes(Dtype::F32), &tokenizer);
        assert!(e.contains(&format!("'{name}' is missing")), "{e}");
        numbers.extend(numbers.clone());
        shape[0] *= 2;
        few.0.insert(name.clone(), (shape, numbers));
        let e = error(&config, &few.to_bytes(Dtype::F32), &tokenizer);
        assert!(e.contains(&format!("'{name}' has the shape")), "{e}");
    }
    let mut bad = bert();
    let name = "encoder.layer.1.output.dense.bias";
    bad.0.get_mut(name).unwrap().1[3] = f64::NAN;
    let e = error(&config, &bad.to_bytes(Dtype::F32), &tokenizer);
    assert!(e.contains(&format!("'{name}' has NaN")), "{e}");

    let whole = bert().to_bytes(Dtype::F32);
    for length in [0, 4, 8, 100, whole.len() / 2, whole.len() - 1] {
        let e = error(&config, &whole[..length], &tokenizer);
        assert!(e.contains("safetensors"), "{length}: {e}");
    }
}

#[test]
fn tokenizers_of_other_kinds_are_refused() {
    let (config, weights) = (bert_config(), bert().to_bytes(Dtype::F32));
    let good: Value = serde_json::from_slice(&oracle("word_piece.json")).unwrap();
    let cases: [(&str, Value, &str); 9] = [
        ("/model/type", json!("BPE"), "'BPE'"),
        ("/model/vocab", json!({}), "[UNK]"),
        ("/model/vocab", json!([]), "model.vocab"),
        ("/model/vocab/hello", json!(-1), "hello"),
        (
            "/model/vocab/hello",
            json!(4_000_000_000_u64),
            "codes up to 4000000000",
        ),
        ("/pre_tokenizer/type", json!("ByteLevel"), "'ByteLevel'"),
        ("/normalizer/type", json!("NFC"), "'NFC'"),
        ("/post_processor/single", json!([]), "post_processor"),
        ("/added_tokens/0/id", json!("x"), "added_tokens"),
    ];
    for (place, value, expected) in cases {
        let mut tokenizer = good.clone();
        *tokenizer.pointer_mut(place).unwrap() = value;
        let e = error(&config, &weights, tokenizer.to_string().as_bytes());
        assert!(e.contains(expected), "{place}: {e}");
    }
    let e = error(&config, &weights, b"{\"model\": ");
    assert!(e.contains("the tokenizer: it is no JSON"), "{e}");
}

/// Writes a BERT's folder.
fn folder(more: &[(&str, Value)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("config.json", bert_config().to_string().as_bytes());
    write("model.safetensors", &bert().to_bytes(Dtype::F32));
    write("tokenizer.json", &oracle("word_piece.json"));
    for (name, value) in more {
        write(name, value.to_string().as_bytes());
    }
    folder
}

fn encode(folder: &Path) -> Vec<f32> {
    let encoder = Encoder::load(folder).unwrap();
    encoder.encode(&["long food man and the world"]).unwrap()
}

#[test]
fn what_stands_beside_a_model_is_heeded() {
    let length = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>().sqrt();
    let plain = encode(folder(&[]).path());
    assert!((length(&plain) - 1.0).abs() < 1e-6);

    let modules = json!([
        {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]);
    let mean = json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false});
    let raw = encode(
        folder(&[
            ("modules.json", modules.clone()),
            ("1_Pooling/config.json", mean),
        ])
        .path(),
    );
    let share = length(&raw);
    assert!((share - 1.0).abs() > 1e-3, "it was made of unit length");
    for (raw, plain) in raw.iter().zip(&plain) {
        assert!((raw / share - plain).abs() < 1e-6);
    }
    let cls = json!({"pooling_mode": "cls"});
    let first = encode(
        folder(&[
            ("modules.json", modules.clone()),
            ("1_Pooling/config.json", cls),
        ])
        .path(),
    );
    assert_ne!(first, raw);

    let short = json!({"max_seq_length": 5, "do_lower_case": false});
    let short = folder(&[("sentence_bert_config.json", short)]);
    let encoder = Encoder::<f32>::load(short.path()).unwrap();
    assert_eq!(encoder.longest(), 5);

    let refused = |more: &[(&str, Value)], expected: &str| {
        let e = Encoder::<f32>::load(folder(more).path())
            .unwrap_err()
            .to_string();
        assert!(e.contains(expected), "{e}");
    };
    let max = json!({"pooling_mode_max_tokens": true});
    refused(
        &[
            ("modules.json", modules.clone()),
            ("1_Pooling/config.json", max),
        ],
        "max_tokens",
    );
    refused(&[("modules.json", modules)], "1_Pooling");
    let dense = json!([{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]);
    refused(&[("modules.json", dense)], "'Dense'");
    let outside = json!([{"path": "../other", "type": "sentence_transformers.models.Pooling"}]);
    refused(&[("modules.json", outside)], "out of the folder");
    let empty = tempfile::tempdir().unwrap();
    let e = Encoder::<f32>::load(empty.path()).unwrap_err().to_string();
    assert!(e.contains("config.json"), "{e}");
}
