//! Language models of the GPT-2 kind.

use std::path::Path;

use locality_core::{Error, Result};

use super::config::Config;
use super::folder::{maybe, read, tensors};
use super::weights::{Part, Weights};
use crate::bpe::{merges_of, vocabulary_of};
use crate::layers::{Activation, EPSILON};
use crate::{Bpe, Checkpoint, Number, Tokenizer, Transformer, TransformerConfig};

/// Reads a language model of the GPT-2 kind (Radford et al. 2019) with its tokenizer: what [`decoder`] reads, and the `tokenizer.json` of the
/// folder, or its `vocab.json` and `merges.txt`.
///
/// ```no_run
/// use locality_learn::Sampler;
/// use locality_learn::pretrained::language_model;
/// let gpt2 = language_model("gpt2")?;
/// let prompt = gpt2.tokenizer.encode("A local mean is")?;
/// let more = gpt2.model.generate(&prompt, 20, Sampler::default(), None)?;
/// let codes = more.collect::<Result<Vec<u32>, _>>()?;
/// println!("{}", gpt2.tokenizer.decode(&codes)?);
/// # Ok::<(), locality_core::Error>(())
/// ```
///
/// # Errors
/// A file that is missing or damaged, a model or tokenizer of another kind, a tensor that is missing or of another shape.
pub fn language_model(folder: impl AsRef<Path>) -> Result<Checkpoint> {
    let folder = folder.as_ref();
    let named = |name: &str| {
        let path = folder.join(name);
        move |e: Error| e.context(path.display())
    };
    // The tokenizer first: it is read faster.
    let bpe = if let Some(bytes) = maybe(&folder.join("tokenizer.json"))? {
        Bpe::from_json(&bytes).map_err(named("tokenizer.json"))?
    } else {
        let vocabulary = maybe(&folder.join("vocab.json"))?.ok_or_else(|| {
            Error::unsupported(format!(
                "{} has no tokenizer.json, nor a vocab.json; name the folder of a model with its tokenizer",
                folder.display()
            ))
        })?;
        let merges = read(&folder.join("merges.txt"))?;
        let vocabulary = vocabulary_of(&vocabulary).map_err(named("vocab.json"))?;
        let merges = merges_of(&merges).map_err(named("merges.txt"))?;
        // What is wrong from here on is that the two do not fit each other.
        Bpe::from_parts(&vocabulary, &merges).map_err(|e| e.context(folder.display()))?
    };
    let model = decoder::<f32>(folder)?;
    let (codes, all) = (bpe.code_count(), model.config().code_count());
    if codes > all {
        return Err(Error::parse(format!(
            "the tokenizer has codes up to {}, but the model only {all}; the two belong to different models",
            codes - 1
        )));
    }
    Ok(Checkpoint {
        model,
        tokenizer: Tokenizer::Bpe(bpe),
        training: None,
        notes: serde_json::Value::Null,
    })
}

/// Reads the parameters of a language model of the GPT-2 kind (Radford et al. 2019), from the `config.json` and `model.safetensors`
/// (or `model.onnx`, here or in a folder `onnx`) of a folder. How its text becomes codes is up to the caller, or to [`language_model`].
///
/// # Errors
/// A file that is missing or damaged, a model of another kind, a tensor that is missing or of another shape.
pub fn decoder<T: Number>(folder: impl AsRef<Path>) -> Result<Transformer<T>> {
    let folder = folder.as_ref();
    let path = folder.join("config.json");
    let config = Config::parse(&read(&path)?).and_then(|c| sizes(&c));
    let config = config.map_err(|e| e.context(path.display()))?;
    let path = tensors(folder)?;
    fill(&config, &read(&path)?).map_err(|e| e.context(path.display()))
}

fn sizes(config: &Config) -> Result<TransformerConfig> {
    config.only("model_type", "gpt2")?;
    for (name, usual) in [
        ("scale_attn_weights", true),
        ("scale_attn_by_inverse_layer_idx", false),
    ] {
        if config.flag(name).is_some_and(|f| f != usual) {
            return Err(Error::unsupported(format!(
                "'{name}' is {}, but only {usual} is known here",
                !usual
            )));
        }
    }
    let epsilon = config.positive("layer_norm_epsilon", EPSILON)?;
    if epsilon != EPSILON {
        return Err(Error::unsupported(format!(
            "'layer_norm_epsilon' is {epsilon}, but only {EPSILON} is known here"
        )));
    }
    let (codes, context) = (config.size("vocab_size")?, config.size("n_positions")?);
    let width = config.size("n_embd")?;
    Ok(TransformerConfig::decoder(codes, context)
        .width(width)
        .layers(config.size("n_layer")?)
        .heads(config.size("n_head")?)
        .hidden(config.maybe_size("n_inner")?.unwrap_or(4 * width))
        .activation(Some(
            config.activation("activation_function", Activation::Gelu)?,
        ))
        .bias(true)
        .tied(config.flag("tie_word_embeddings").unwrap_or(true)))
}

fn fill<T: Number>(config: &TransformerConfig, bytes: &[u8]) -> Result<Transformer<T>> {
    let weights = Weights::new(bytes, "wte.weight", &["", "transformer."])?;
    weights.require(config.fewest())?;
    let mut model = config.frame::<T>()?;
    model.parameters = weights.parameters(model.layout(), |view| parts(config, view))?;
    Ok(model)
}

/// The published tensors of a view; its maps lie there as their transposes.
fn parts(config: &TransformerConfig, view: &str) -> Vec<Part> {
    let ((_, _, w), h) = (config.sizes(), config.hidden_size());
    let (codes, context) = (config.code_count(), config.context());
    let one = |name: &str, shape: &[usize]| vec![Part::new(name, shape)];
    match view {
        "embedding.weight" => return one("wte.weight", &[codes, w]),
        "positions.weight" => return one("wpe.weight", &[context, w]),
        "layers.norm.gain" => return one("ln_f.weight", &[w]),
        "layers.norm.shift" => return one("ln_f.bias", &[w]),
        _ => {}
    }
    let place = view.strip_prefix("layers.").and_then(|v| v.split_once('.'));
    let Some((layer, part)) = place else {
        return Vec::new();
    };
    let one = |name: &str, n: usize| vec![Part::new(format!("h.{layer}.{name}"), &[n])];
    let map = |name: &str, shape| vec![Part::turned(format!("h.{layer}.{name}.weight"), shape)];
    match part {
        "norm_heads.gain" => one("ln_1.weight", w),
        "norm_heads.shift" => one("ln_1.bias", w),
        "heads.project.weight" => map("attn.c_attn", [3 * w, w]),
        "heads.project.bias" => one("attn.c_attn.bias", 3 * w),
        "heads.combine.weight" => map("attn.c_proj", [w, w]),
        "heads.combine.bias" => one("attn.c_proj.bias", w),
        "norm_map.gain" => one("ln_2.weight", w),
        "norm_map.shift" => one("ln_2.bias", w),
        "map.expand.weight" => map("mlp.c_fc", [h, w]),
        "map.expand.bias" => one("mlp.c_fc.bias", h),
        "map.contract.weight" => map("mlp.c_proj", [w, h]),
        "map.contract.bias" => one("mlp.c_proj.bias", w),
        _ => Vec::new(),
    }
}
