//! Models in files: safetensors, with everything that training needs to go on.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use locality_core::{Error, Result};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::optimize::{AdamW, AdamWState, Schedule};
use crate::parameters::View;
use crate::train::{TrainConfig, Trainer};
use crate::transformer::TransformerConfig;
use crate::{Tokenizer, Transformer};

/// The key of the metadata that says what the file is.
const FORMAT: (&str, &str) = ("locality-learn", "2");

/// The name of the metadata of models of tables (`locality::model`).
const TABLES: &str = "locality";

/// A language model with its tokenizer and, where it is still in training, what that needs.
///
/// A file is in the [safetensors](https://github.com/huggingface/safetensors) format: a tensor for each parameter under its name,
/// `adamw.means` and `adamw.squares` for the optimiser, and the sizes as JSON in the metadata. It is written beside its place and renamed,
/// so that no crash leaves half a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The model.
    pub model: Transformer<f32>,
    /// How text becomes its codes.
    pub tokenizer: Tokenizer,
    /// How it was trained, and what the optimiser remembers.
    pub training: Option<(TrainConfig, AdamWState<f32>)>,
    /// What the caller wants to find again, such as a losses' history.
    pub notes: Value,
}

impl Checkpoint {
    /// The state of training.
    pub fn of(trainer: &Trainer<f32>, tokenizer: &Tokenizer, notes: Value) -> Self {
        Self {
            model: trainer.model.clone(),
            tokenizer: tokenizer.clone(),
            training: Some((trainer.config, trainer.state.clone())),
            notes,
        }
    }

    /// Goes on with training: the next step is the same as if it had not stopped.
    ///
    /// # Errors
    /// A file without the state of training.
    pub fn resume(self) -> Result<Trainer<f32>> {
        let Some((config, state)) = self.training else {
            return Err(Error::parameter(
                "the file has a model, but not the state of its training; resume from one that training wrote",
            ));
        };
        Trainer::with_state(self.model, config, state)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// A model whose buffers do not fit its layout.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let (layout, parameters) = (self.model.layout(), &self.model.parameters);
        layout.check(parameters)?;
        let state = self
            .training
            .iter()
            .flat_map(|(_, s)| s.means.iter().chain(&s.squares));
        if parameters.iter().chain(state).any(|x| !x.is_finite()) {
            return Err(Error::not_finite(
                "the model has NaN or infinite numbers, which no file may hold; go back to an earlier checkpoint, and lower the learning rate",
            ));
        }
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for view in layout.views() {
            let bytes = to_bytes(&parameters[view.range.clone()]);
            tensors.push((view.name.clone(), view.shape.clone(), bytes));
        }
        let mut about = json!({
            "version": FORMAT.1,
            "config": self.model.config().to_json(),
            "tokenizer": self.tokenizer.to_json(),
            "notes": self.notes,
        });
        if let Some((config, state)) = &self.training {
            for (name, part) in [(MEANS, &state.means), (SQUARES, &state.squares)] {
                layout.check(part)?;
                tensors.push((name.to_owned(), vec![part.len()], to_bytes(part)));
            }
            about["training"] = training_json(config, state.step);
        }
        // One entry: the order of several would change from run to run.
        let metadata = HashMap::from([(FORMAT.0.to_owned(), about.to_string())]);
        let failed = |e: safetensors::SafeTensorError| {
            Error::unsupported(format!("the model cannot be put into a file: {e}"))
        };
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(failed)?;
            Ok((name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        safetensors::serialize(views, Some(metadata)).map_err(failed)
    }

    /// A checkpoint from a file's bytes. Sizes are checked against each other before anything is made of them.
    ///
    /// # Errors
    /// Bytes that are no such file, or one that contradicts itself.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |what: &str| {
            Error::parse(format!(
                "this is no model file of a language model: {what}; train one, or name another file"
            ))
        };
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|e| damaged(&format!("its header is damaged ({e})")))?;
        let file = SafeTensors::deserialize(bytes)
            .map_err(|e| damaged(&format!("its tensors are damaged ({e})")))?;
        let metadata = header
            .metadata()
            .as_ref()
            .ok_or_else(|| damaged("it has no metadata"))?;
        let about = metadata.get(FORMAT.0).ok_or_else(|| {
            if metadata.contains_key(TABLES) {
                return Error::parse(
                    "this is a model of tables, as `locality fit` writes them, and no language model; read it with `locality inspect` or \
                     `locality predict`",
                );
            }
            damaged("it is of another program")
        })?;
        let about: Value = serde_json::from_str(about)
            .map_err(|_| damaged("what it says of itself is not JSON"))?;
        match about.get("version").and_then(Value::as_str) {
            Some(version) if version == FORMAT.1 => {}
            version => {
                return Err(damaged(&format!(
                    "its version {:?} is not known here",
                    version.unwrap_or("1")
                )));
            }
        }
        let part = |name: &str| {
            let found = about.get(name);
            found.ok_or_else(|| damaged(&format!("its {name} is missing")))
        };
        let config = TransformerConfig::from_json(part("config")?)?;
        let tokenizer = Tokenizer::from_json(part("tokenizer")?)?;
        if tokenizer.code_count() > config.code_count() {
            return Err(damaged("its tokenizer has codes that the model has not"));
        }
        if config.fewest().saturating_mul(4) > bytes.len() as u128 {
            return Err(damaged("its sizes need more parameters than it holds"));
        }
        // No parameters are allocated before every tensor is there in its size.
        let mut model = config.frame::<f32>()?;
        let length = model.layout().len();
        for view in model.layout().views() {
            tensor(&file, view, &damaged)?;
        }
        let training = about.get("training");
        let training = training.map(|t| training_from(t, &damaged)).transpose()?;
        let flat = |name: &str| View {
            name: name.to_owned(),
            shape: vec![length],
            range: 0..length,
            start: crate::Start::Zeros,
            decays: false,
        };
        if training.is_some() {
            tensor(&file, &flat(MEANS), &damaged)?;
            tensor(&file, &flat(SQUARES), &damaged)?;
        }
        let mut parameters = Vec::with_capacity(length);
        for view in model.layout().views() {
            parameters.extend(numbers(tensor(&file, view, &damaged)?));
        }
        model.parameters = parameters;
        let training = match training {
            None => None,
            Some((config, step)) => {
                let means = numbers(tensor(&file, &flat(MEANS), &damaged)?).collect();
                let squares = numbers(tensor(&file, &flat(SQUARES), &damaged)?).collect();
                let state = AdamWState {
                    means,
                    squares,
                    step,
                };
                Some((config, state))
            }
        };
        Ok(Self {
            model,
            tokenizer,
            training,
            notes: part("notes")?.clone(),
        })
    }

    /// Writes the file: first beside it, then under its name.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes()?;
        let failed =
            |e: std::io::Error| Error::unsupported(format!("cannot write {}: {e}", path.display()));
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any other new file, so that the umask decides.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder).map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, and as [`from_bytes`](Self::from_bytes).
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)
            .map_err(|e| Error::unsupported(format!("cannot read {}: {e}", path.display())))?;
        Self::from_bytes(&bytes).map_err(|e| e.context(path.display()))
    }
}

const MEANS: &str = "adamw.means";
const SQUARES: &str = "adamw.squares";

fn to_bytes(x: &[f32]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    let each = bytes.chunks_exact(4);
    each.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// The bytes of a tensor of this name and shape, all finite.
fn tensor<'a>(
    file: &SafeTensors<'a>,
    view: &View,
    damaged: &impl Fn(&str) -> Error,
) -> Result<&'a [u8]> {
    let name = &view.name;
    let found = file
        .tensor(name)
        .map_err(|_| damaged(&format!("the tensor '{name}' is missing")))?;
    if found.dtype() != Dtype::F32 || found.shape() != view.shape {
        return Err(damaged(&format!(
            "the tensor '{name}' is {:?} of shape {:?}, but must be F32 of shape {:?}",
            found.dtype(),
            found.shape(),
            view.shape
        )));
    }
    if numbers(found.data()).any(|x| !x.is_finite()) {
        return Err(damaged(&format!(
            "the tensor '{name}' has NaN or infinite numbers"
        )));
    }
    Ok(found.data())
}

fn training_json(config: &TrainConfig, step: u64) -> Value {
    let (first, last, warmup, steps) = config.schedule.numbers();
    let o = &config.optimizer;
    json!({
        "step": step,
        "batch": config.batch,
        "accumulate": config.accumulate,
        "schedule": [first, last],
        "warmup": warmup,
        "steps": steps,
        "beta1": o.beta1,
        "beta2": o.beta2,
        "epsilon": o.epsilon,
        "decay": o.decay,
        "clip": config.clip,
        "seed": config.seed,
    })
}

fn training_from(all: &Value, damaged: &impl Fn(&str) -> Error) -> Result<(TrainConfig, u64)> {
    let wrong = |name: &str| damaged(&format!("its training has no usable '{name}'"));
    let whole = |name: &str| {
        let found = all.get(name).and_then(Value::as_u64);
        found.ok_or_else(|| wrong(name))
    };
    let real = |name: &str| {
        let found = all.get(name).and_then(Value::as_f64);
        found.ok_or_else(|| wrong(name))
    };
    let rate = |i: usize| {
        let found = all.get("schedule").and_then(|s| s.get(i)?.as_f64());
        found.ok_or_else(|| wrong("schedule"))
    };
    let size = |name: &str| usize::try_from(whole(name)?).map_err(|_| wrong(name));
    let clip = match all.get("clip") {
        None | Some(Value::Null) => None,
        Some(_) => Some(real("clip")?),
    };
    let config = TrainConfig {
        batch: size("batch")?,
        accumulate: size("accumulate")?,
        schedule: Schedule::cosine(rate(0)?, rate(1)?, whole("warmup")?, whole("steps")?)?,
        optimizer: AdamW {
            beta1: real("beta1")?,
            beta2: real("beta2")?,
            epsilon: real("epsilon")?,
            decay: real("decay")?,
        },
        clip,
        seed: whole("seed")?,
    };
    Ok((config, whole("step")?))
}
