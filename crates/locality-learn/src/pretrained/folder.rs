//! The files of a model's folder.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use locality_core::{Error, Result};
use serde_json::Value;

use super::Pooling;
use super::config::Config;

/// How the vectors of a sentence's tokens become one: what `sentence-transformers` notes beside a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) pooling: Pooling,
    pub(super) normalize: bool,
    pub(super) longest: Option<usize>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            pooling: Pooling::Mean,
            normalize: true,
            longest: None,
        }
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|e| Error::unsupported(format!("cannot read {}: {e}", path.display())))
}

/// The same where it is there.
pub(super) fn maybe(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        _ => read(path).map(Some),
    }
}

/// Where a folder may have its tensors, in the order in which they are looked for.
const TENSORS: [&str; 3] = ["model.safetensors", "model.onnx", "onnx/model.onnx"];

/// The file of a folder's tensors.
pub(super) fn tensors(folder: &Path) -> Result<PathBuf> {
    let paths = TENSORS.map(|name| folder.join(name));
    let found = paths.into_iter().find(|path| path.exists());
    found.ok_or_else(|| {
        Error::unsupported(format!(
            "{} has none of {}; name the folder of a published model",
            folder.display(),
            TENSORS.join(", ")
        ))
    })
}

/// What `modules.json` and the files that it names say; a mean of unit length where nothing does.
pub(super) fn recipe(folder: &Path) -> Result<Recipe> {
    let mut recipe = Recipe::default();
    let path = folder.join("sentence_bert_config.json");
    if let Some(bytes) = maybe(&path)? {
        let config = Config::parse(&bytes).map_err(|e| e.context(path.display()))?;
        let longest = config.maybe_size("max_seq_length");
        recipe.longest = longest.map_err(|e| e.context(path.display()))?;
    }
    let path = folder.join("modules.json");
    let Some(bytes) = maybe(&path)? else {
        return Ok(recipe);
    };
    let bad = |what: &str| Error::parse(what).context(path.display());
    let modules: Option<Vec<Value>> = serde_json::from_slice(&bytes).ok();
    let modules = modules.ok_or_else(|| bad("it is no JSON array; copy the file again"))?;
    recipe.normalize = false;
    for module in &modules {
        let text = |name: &str| module.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type").rsplit('.').next().unwrap_or_default();
        match kind {
            "Transformer" => {}
            "Normalize" => recipe.normalize = true,
            "Pooling" => {
                let inside = Path::new(text("path"));
                // A file says where others lie, but not outside its folder.
                if !inside
                    .components()
                    .all(|c| matches!(c, Component::Normal(_)))
                {
                    return Err(bad("a path leads out of the folder; copy the file again"));
                }
                let path = folder.join(inside).join("config.json");
                let config = Config::parse(&read(&path)?);
                recipe.pooling = config
                    .and_then(|c| pooling(&c))
                    .map_err(|e| e.context(path.display()))?;
            }
            _ => {
                return Err(Error::unsupported(format!(
                    "its module '{kind}' is not known here; only Transformer, Pooling and Normalize are"
                ))
                .context(path.display()));
            }
        }
    }
    Ok(recipe)
}

fn pooling(config: &Config) -> Result<Pooling> {
    let chosen = match config.text("pooling_mode") {
        Some(mode) => vec![mode.to_owned()],
        None => config.flags("pooling_mode_"),
    };
    match chosen.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mean" | "mean_tokens"] => Ok(Pooling::Mean),
        ["cls" | "cls_token"] => Ok(Pooling::Cls),
        _ => Err(Error::unsupported(format!(
            "its pooling is {chosen:?}, but only the mean of the tokens or the first one (cls) is known here"
        ))),
    }
}
