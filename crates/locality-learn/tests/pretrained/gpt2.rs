//! A small GPT-2, against plain loops.

use locality_learn::pretrained::decoder;
use locality_learn::{Sets, Transformer};
use safetensors::tensor::Dtype;

use crate::plain;
use crate::tensors::{Tensors, gpt2, gpt2_config};

fn load(tensors: &Tensors, config: &serde_json::Value) -> locality_learn::Result<Transformer<f64>> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("config.json", config.to_string().as_bytes());
    write("model.safetensors", &tensors.to_bytes(Dtype::F32));
    decoder(folder.path())
}

#[test]
fn it_is_the_gpt2_of_the_paper() {
    let tensors = gpt2();
    let codes = [7, 151, 0, 7, 33, 99];
    let expected: Vec<f64> = plain::gpt2(&tensors, &codes).concat();
    let prefixed = tensors.renamed(|name| format!("transformer.{name}"));
    for tensors in [tensors, prefixed] {
        let model = load(&tensors, &gpt2_config()).unwrap();
        let found = model.scores(&codes, &Sets::equal(1, 6).unwrap()).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-11, "{found}, {expected}");
        }
    }
}

#[test]
fn what_differs_is_named() {
    let mut config = gpt2_config();
    config["layer_norm_epsilon"] = 1e-6.into();
    let e = load(&gpt2(), &config).unwrap_err().to_string();
    assert!(e.contains("layer_norm_epsilon"), "{e}");
    let mut few = gpt2();
    few.0.remove("h.2.mlp.c_fc.bias");
    let e = load(&few, &gpt2_config()).unwrap_err().to_string();
    assert!(e.contains("'h.2.mlp.c_fc.bias' is missing"), "{e}");
}
