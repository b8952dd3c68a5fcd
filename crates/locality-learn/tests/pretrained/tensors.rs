//! Small checkpoints of random numbers under the published names.

use std::collections::BTreeMap;

use locality_testing::Rng;
use safetensors::tensor::{Dtype, TensorView};

/// Sizes: codes, positions, width, heads, columns inside the per-site maps, layers.
pub(crate) const SIZES: [usize; 6] = [152, 12, 16, 4, 24, 3];

/// Tensors by name: their shapes and numbers.
#[derive(Clone, Default)]
pub(crate) struct Tensors(pub(crate) BTreeMap<String, (Vec<usize>, Vec<f64>)>);

impl Tensors {
    /// Adds a tensor of multiples of 1/64 around `middle`, which every type of number holds.
    fn draw(&mut self, rng: &mut Rng, name: &str, shape: &[usize], middle: f64) {
        let one = |_| middle + (rng.below(61) as f64 - 30.0) / 64.0;
        let numbers = (0..shape.iter().product()).map(one).collect();
        self.0.insert(name.to_owned(), (shape.to_vec(), numbers));
    }

    pub(crate) fn get(&self, name: &str) -> &[f64] {
        &self.0[name].1
    }

    /// The same under other names.
    pub(crate) fn renamed(&self, name: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|(n, t)| (name(n), t.clone())).collect())
    }

    /// A file of them.
    pub(crate) fn to_bytes(&self, kind: Dtype) -> Vec<u8> {
        let encode = |x: &f64| match kind {
            Dtype::F16 => half(*x).to_le_bytes().to_vec(),
            Dtype::BF16 => (*x as f32).to_le_bytes()[2..].to_vec(),
            Dtype::F64 => x.to_le_bytes().to_vec(),
            _ => (*x as f32).to_le_bytes().to_vec(),
        };
        let each = self.0.iter();
        let all: Vec<(&String, &Vec<usize>, Vec<u8>)> = each
            .map(|(name, (shape, x))| (name, shape, x.iter().flat_map(encode).collect()))
            .collect();
        let views = all.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(kind, (*shape).clone(), bytes).unwrap();
            (name.as_str(), view)
        });
        safetensors::serialize(views, None).unwrap()
    }
}

/// Half precision of a number that it holds.
fn half(x: f64) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 48 & 0x8000) as u16;
    if x == 0.0 {
        return sign;
    }
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1023 + 15;
    sign | (exponent as u16) << 10 | (bits >> 42 & 1023) as u16
}

/// A BERT's.
pub(crate) fn bert() -> Tensors {
    let [codes, places, w, _, h, layers] = SIZES;
    let (mut out, mut rng) = (Tensors::default(), Rng::new(5));
    let mut add = |name: &str, shape: &[usize], middle| out.draw(&mut rng, name, shape, middle);
    add("embeddings.word_embeddings.weight", &[codes, w], 0.0);
    add("embeddings.position_embeddings.weight", &[places, w], 0.0);
    add("embeddings.token_type_embeddings.weight", &[2, w], 0.0);
    add("embeddings.LayerNorm.weight", &[w], 1.0);
    add("embeddings.LayerNorm.bias", &[w], 0.0);
    for layer in 0..layers {
        let mut add = |name: &str, shape: &[usize], middle| {
            add(&format!("encoder.layer.{layer}.{name}"), shape, middle);
        };
        for part in ["query", "key", "value"] {
            add(&format!("attention.self.{part}.weight"), &[w, w], 0.0);
            add(&format!("attention.self.{part}.bias"), &[w], 0.0);
        }
        add("attention.output.dense.weight", &[w, w], 0.0);
        add("attention.output.dense.bias", &[w], 0.0);
        add("attention.output.LayerNorm.weight", &[w], 1.0);
        add("attention.output.LayerNorm.bias", &[w], 0.0);
        add("intermediate.dense.weight", &[h, w], 0.0);
        add("intermediate.dense.bias", &[h], 0.0);
        add("output.dense.weight", &[w, h], 0.0);
        add("output.dense.bias", &[w], 0.0);
        add("output.LayerNorm.weight", &[w], 1.0);
        add("output.LayerNorm.bias", &[w], 0.0);
    }
    // What goes with a checkpoint, but not into an embedding.
    add("pooler.dense.weight", &[w, w], 0.0);
    out
}

/// The `config.json` of that BERT.
pub(crate) fn bert_config() -> serde_json::Value {
    let [codes, places, w, heads, h, layers] = SIZES;
    serde_json::json!({
        "model_type": "bert",
        "hidden_size": w,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": h,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": places,
        "type_vocab_size": 2,
        "vocab_size": codes,
        "position_embedding_type": "absolute",
    })
}

/// A GPT-2's, whose maps are stored as their transposes.
pub(crate) fn gpt2() -> Tensors {
    let [codes, places, w, _, h, layers] = SIZES;
    let (mut out, mut rng) = (Tensors::default(), Rng::new(6));
    let mut add = |name: &str, shape: &[usize], middle| out.draw(&mut rng, name, shape, middle);
    add("wte.weight", &[codes, w], 0.0);
    add("wpe.weight", &[places, w], 0.0);
    add("ln_f.weight", &[w], 1.0);
    add("ln_f.bias", &[w], 0.0);
    for layer in 0..layers {
        let mut add = |name: &str, shape: &[usize], middle| {
            add(&format!("h.{layer}.{name}"), shape, middle);
        };
        for (name, inputs, outputs) in [
            ("attn.c_attn", w, 3 * w),
            ("attn.c_proj", w, w),
            ("mlp.c_fc", w, h),
            ("mlp.c_proj", h, w),
        ] {
            add(&format!("{name}.weight"), &[inputs, outputs], 0.0);
            add(&format!("{name}.bias"), &[outputs], 0.0);
        }
        for name in ["ln_1", "ln_2"] {
            add(&format!("{name}.weight"), &[w], 1.0);
            add(&format!("{name}.bias"), &[w], 0.0);
        }
    }
    out
}

/// The `config.json` of that GPT-2.
pub(crate) fn gpt2_config() -> serde_json::Value {
    let [codes, places, w, heads, h, layers] = SIZES;
    serde_json::json!({
        "model_type": "gpt2",
        "n_embd": w,
        "n_layer": layers,
        "n_head": heads,
        "n_inner": h,
        "n_positions": places,
        "vocab_size": codes,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
    })
}

/// The file of this name in the oracle's folder.
pub(crate) fn oracle(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/oracle/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}
