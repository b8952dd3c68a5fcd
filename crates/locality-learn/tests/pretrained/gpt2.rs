//! A small GPT-2, against plain loops and against PyTorch.

use locality_learn::pretrained::{decoder, language_model};
use locality_learn::{Sampler, Sets, Transformer};
use safetensors::tensor::Dtype;

use crate::plain;
use crate::tensors::{Tensors, gpt2, gpt2_config, oracle};

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

#[test]
fn it_is_what_pytorch_makes_of_the_same_tensors() {
    // oracle/gpt2.py
    let all: serde_json::Value = serde_json::from_slice(&oracle("gpt2.json")).unwrap();
    let numbers = |v: &serde_json::Value| -> Vec<f64> {
        let each = v.as_array().unwrap().iter();
        each.map(|x| x.as_f64().unwrap()).collect()
    };
    let each = all["tensors"].as_object().unwrap().iter();
    let each = each.map(|(name, t)| {
        let shape: Vec<usize> = serde_json::from_value(t["shape"].clone()).unwrap();
        let x = numbers(&t["sixty_fourths"]);
        (name.clone(), (shape, x.iter().map(|x| x / 64.0).collect()))
    });
    let model = load(&Tensors(each.collect()), &all["config"]).unwrap();
    let codes: Vec<u32> = serde_json::from_value(all["input"].clone()).unwrap();
    let expected: Vec<f64> = all["logits"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(numbers)
        .collect();
    let found = model
        .scores(&codes, &Sets::equal(1, codes.len()).unwrap())
        .unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
    }
}

/// A folder of a model whose layers add nothing: its scores are highest for the code that it has just seen.
fn parrot(codes: usize) -> tempfile::TempDir {
    let w = codes;
    let mut t = Tensors::default();
    let mut add = |name: &str, shape: &[usize], at: &dyn Fn(usize) -> f64| {
        let numbers = (0..shape.iter().product()).map(at).collect();
        t.0.insert(name.to_owned(), (shape.to_vec(), numbers));
    };
    let (zero, one) = (|_: usize| 0.0, |_: usize| 1.0);
    add("wte.weight", &[codes, w], &|i| f64::from(i / w == i % w));
    add("wpe.weight", &[8, w], &zero);
    for (name, inputs, outputs) in [
        ("attn.c_attn", w, 3 * w),
        ("attn.c_proj", w, w),
        ("mlp.c_fc", w, 1),
        ("mlp.c_proj", 1, w),
    ] {
        add(&format!("h.0.{name}.weight"), &[inputs, outputs], &zero);
        add(&format!("h.0.{name}.bias"), &[outputs], &zero);
    }
    for name in ["h.0.ln_1", "h.0.ln_2", "ln_f"] {
        add(&format!("{name}.weight"), &[w], &one);
        add(&format!("{name}.bias"), &[w], &zero);
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let config = serde_json::json!({
        "model_type": "gpt2", "n_embd": w, "n_layer": 1, "n_head": 1, "n_inner": 1, "n_positions": 8, "vocab_size": codes,
    });
    write("config.json", config.to_string().as_bytes());
    write("model.safetensors", &t.to_bytes(Dtype::F16));
    folder
}

#[test]
fn a_folder_is_a_model_with_its_tokenizer() {
    let folder = parrot(601);
    let error = |folder: &tempfile::TempDir| {
        let e = language_model(folder.path()).unwrap_err().to_string();
        assert!(!e.contains('\n'), "{e}");
        e
    };
    assert!(error(&folder).contains("nor a vocab.json"));
    let json = oracle("bpe.json");
    std::fs::write(folder.path().join("tokenizer.json"), &json).unwrap();
    let model = language_model(folder.path()).unwrap();
    let prompt = model.tokenizer.encode("a kernel").unwrap();
    let greedy = Sampler {
        temperature: 0.0,
        ..Sampler::default()
    };
    let more = model.model.generate(&prompt, 9, greedy, None).unwrap();
    let codes: Vec<u32> = more.map(|code| code.unwrap()).collect();
    let expected = " kernel".repeat(9);
    assert_eq!(model.tokenizer.decode(&codes).unwrap(), expected);
    // The same by the two older files.
    let (vocabulary, merges) = crate::bpe::two_files(&serde_json::from_slice(&json).unwrap());
    std::fs::write(folder.path().join("vocab.json"), &vocabulary).unwrap();
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert!(error(&folder).contains("merges.txt"));
    // What is wrong with one of them is said of that one.
    std::fs::write(folder.path().join("merges.txt"), "#version\nab\n").unwrap();
    let e = error(&folder);
    assert!(e.contains("merges.txt: line 2"), "{e}");
    assert!(!e.contains("vocab.json"), "{e}");
    std::fs::write(folder.path().join("merges.txt"), "").unwrap();
    let e = error(&folder);
    assert!(e.contains("cut off") && !e.contains("vocab.json"), "{e}");
    std::fs::write(folder.path().join("merges.txt"), merges).unwrap();
    std::fs::write(folder.path().join("vocab.json"), "[]").unwrap();
    assert!(error(&folder).contains("vocab.json: the vocabulary is no JSON object"));
    std::fs::write(folder.path().join("vocab.json"), vocabulary).unwrap();
    let old = language_model(folder.path()).unwrap();
    assert_eq!(old.model, model.model);
    assert_eq!(old.tokenizer.encode("a kernel").unwrap(), prompt);
    // Codes that the model does not have.
    let small = parrot(300);
    std::fs::write(small.path().join("tokenizer.json"), &json).unwrap();
    assert!(error(&small).contains("different models"));
}
