//! The file itself: arrays and a text about them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};

use super::{About, Array, Parameters};
use crate::{Error, Float, Result, Rows};

/// The version of the format that this build writes and reads.
pub const FORMAT: u64 = 1;

/// The name of our text in the metadata. There is one only, so that the order of a map leaves no trace in the bytes.
const NAME: &str = "locality";
/// That of the language models of `locality-learn`, which are read there.
const LEARNED: &str = "locality-learn";

/// Everything that brings a model back: its kind, parameters and arrays, and what is known about its table.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    kind: String,
    /// The version of the library that wrote it.
    library: String,
    parameters: Parameters,
    about: About,
    arrays: BTreeMap<String, Array>,
}

impl ModelFile {
    /// An empty file for a kind of model.
    pub fn new(kind: &str, parameters: Parameters) -> Self {
        Self {
            kind: kind.to_owned(),
            library: env!("CARGO_PKG_VERSION").to_owned(),
            parameters,
            about: About::default(),
            arrays: BTreeMap::new(),
        }
    }

    /// The same with an array.
    #[must_use]
    pub fn with(mut self, name: &str, array: Array) -> Self {
        self.arrays.insert(name.to_owned(), array);
        self
    }

    /// The same with an array, if there is one.
    #[must_use]
    pub fn with_some<T: Float>(self, name: &str, list: Option<&[T]>) -> Self {
        match list {
            Some(list) => self.with(name, Array::list(list)),
            None => self,
        }
    }

    /// The same with other parameters.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The same with names and scores.
    #[must_use]
    pub fn with_about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    /// What kind of model it is; see [`Persist::KIND`](super::Persist::KIND).
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The version of the library that wrote it.
    pub fn library(&self) -> &str {
        &self.library
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What it knows of its table.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its arrays by name.
    pub fn arrays(&self) -> &BTreeMap<String, Array> {
        &self.arrays
    }

    /// Refuses another kind of model.
    pub(super) fn expect(&self, kind: &str) -> Result<()> {
        if self.kind == kind {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "the file holds a model of the kind {}, not {kind}; load it as what it is",
            self.kind
        )))
    }

    fn array(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).ok_or_else(|| {
            Error::parse(format!(
                "the file has no array '{name}'; it is damaged, or of another program"
            ))
        })
    }

    fn wrong(&self, name: &str, wanted: &str) -> Error {
        let found = self.arrays.get(name);
        let found = found.map_or_else(String::new, |a| {
            format!("{:?} of shape {:?}", a.dtype(), a.shape())
        });
        Error::shape(format!(
            "the file's array '{name}' is {found}, but {wanted} is needed; it is damaged, or of another program"
        ))
    }

    /// A matrix in single or double precision, with its number of columns.
    pub(super) fn matrix<T: Float>(&self, name: &str) -> Result<(Vec<T>, usize)> {
        let array = self.array(name)?;
        match (array.shape(), self.floats(name)?) {
            (&[_, columns], Some(data)) => Ok((data, columns)),
            _ => Err(self.wrong(name, "a matrix of numbers of the model's precision")),
        }
    }

    /// A list of numbers.
    pub(super) fn list<T: Float>(&self, name: &str) -> Result<Vec<T>> {
        let array = self.array(name)?;
        match (array.shape(), self.floats(name)?) {
            (&[_], Some(data)) => Ok(data),
            _ => Err(self.wrong(name, "a list of numbers of the model's precision")),
        }
    }

    /// A list of numbers, if there is one of this name.
    pub(super) fn optional<T: Float>(&self, name: &str) -> Result<Option<Vec<T>>> {
        self.arrays
            .contains_key(name)
            .then(|| self.list(name))
            .transpose()
    }

    /// A list of whole numbers from 0.
    pub(super) fn places(&self, name: &str) -> Result<Vec<usize>> {
        let list = match self.array(name)? {
            Array::I64(shape, data) if shape.len() == 1 => {
                data.iter().map(|i| usize::try_from(*i).ok()).collect()
            }
            _ => None,
        };
        list.ok_or_else(|| self.wrong(name, "a list of whole numbers from 0"))
    }

    fn floats<T: Float>(&self, name: &str) -> Result<Option<Vec<T>>> {
        let single = size_of::<T>() == size_of::<f32>();
        Ok(match self.array(name)? {
            Array::F64(_, data) if !single => Some(data.iter().map(|x| T::from_f64(*x)).collect()),
            Array::F32(_, data) if single => {
                Some(data.iter().map(|x| T::from_f64(f64::from(*x))).collect())
            }
            _ => None,
        })
    }

    /// The file's bytes: the same for the same model, whoever writes it.
    ///
    /// # Errors
    /// Arrays whose numbers do not fill their shapes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes: BTreeMap<&String, Vec<u8>> =
            self.arrays.iter().map(|(k, a)| (k, a.bytes())).collect();
        let mut text = self.text();
        let sum = checksum(
            &Value::Object(text.clone()).to_string(),
            &self.arrays,
            &bytes,
        );
        text.insert("checksum".to_owned(), json!(format!("{sum:016x}")));
        let failed = |e: safetensors::SafeTensorError| {
            Error::shape(format!("the model's arrays cannot be written: {e}"))
        };
        let mut views = Vec::with_capacity(bytes.len());
        for (name, bytes) in &bytes {
            let array = &self.arrays[*name];
            let view = TensorView::new(array.dtype(), array.shape().to_vec(), bytes);
            views.push(((*name).clone(), view.map_err(failed)?));
        }
        let metadata = HashMap::from([(NAME.to_owned(), Value::Object(text).to_string())]);
        safetensors::serialize(views, Some(metadata)).map_err(failed)
    }

    fn text(&self) -> Map<String, Value> {
        let parts = [
            ("about", self.about.write()),
            ("format", json!(FORMAT)),
            ("kind", json!(self.kind)),
            ("library", json!(self.library)),
            ("parameters", Value::Object(self.parameters.0.clone())),
        ];
        parts.map(|(k, v)| (k.to_owned(), v)).into_iter().collect()
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Bytes that are no model, of a version that is not known, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let foreign = |e: &dyn std::fmt::Display| {
            Error::parse(format!(
                "it is no model, or cut short or damaged ({e}); save the model again"
            ))
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| foreign(&e))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| foreign(&e))?;
        let metadata = metadata.metadata().as_ref();
        let text = metadata.and_then(|m| m.get(NAME)).ok_or_else(|| {
            let learned = metadata.is_some_and(|m| m.contains_key(LEARNED));
            Error::parse(if learned {
                "it holds a language model of `locality lm train`, not one of tables; let it write by `locality lm generate`"
            } else {
                "it holds arrays of another program, not a model; name a file that locality saved"
            })
        })?;
        let mut text: Map<String, Value> = serde_json::from_str(text).map_err(|e| foreign(&e))?;
        let format = text.get("format").and_then(Value::as_u64);
        if format.is_some_and(|f| f != FORMAT) {
            return Err(Error::unsupported(format!(
                "it has version {} of the format, but this build reads version {FORMAT}; use the release that wrote it, or a newer one",
                format.unwrap_or_default()
            )));
        }
        let sum = text.remove("checksum");
        let mut arrays = BTreeMap::new();
        let mut raw = BTreeMap::new();
        for (name, view) in tensors.iter() {
            let array = Array::decode(name, view.dtype(), view.shape(), view.data())?;
            arrays.insert(name.to_owned(), array);
            raw.insert(name, view.data());
        }
        let raw: BTreeMap<&String, &[u8]> = arrays.keys().map(|k| (k, raw[k.as_str()])).collect();
        let found = checksum(&Value::Object(text.clone()).to_string(), &arrays, &raw);
        if sum.as_ref().and_then(Value::as_str) != Some(&format!("{found:016x}")) {
            return Err(foreign(&"its checksum is wrong"));
        }
        let word = |name: &str| match text.get(name) {
            Some(Value::String(word)) => Ok(word.clone()),
            _ => Err(foreign(&format!("it has no {name}"))),
        };
        let parameters = match text.get("parameters") {
            Some(Value::Object(map)) => Parameters(map.clone()),
            _ => return Err(foreign(&"it has no parameters")),
        };
        Ok(Self {
            kind: word("kind")?,
            library: word("library")?,
            parameters,
            about: About::read(text.get("about").unwrap_or(&Value::Null))?,
            arrays,
        })
    }

    /// Writes a file by way of a temporary one beside it.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes); a path that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.to_bytes()?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let write = || -> std::io::Result<()> {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".locality-");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                // As any other new file, so that the umask decides.
                builder.permissions(fs::Permissions::from_mode(0o666));
            }
            let mut file = builder.tempfile_in(folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|e| {
            Error::unsupported(format!(
                "cannot write {}: {e}; choose another place or change its rights",
                path.display()
            ))
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A path that cannot be read; as [`from_bytes`](Self::from_bytes).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| {
            let remedy = match e.kind() {
                ErrorKind::NotFound => "check its name and folder",
                _ => "name a file that can be read",
            };
            Error::unsupported(format!("cannot read {}: {e}; {remedy}", path.display()))
        })?;
        Self::from_bytes(&bytes).map_err(|e| e.context(path.display()))
    }
}

/// Numbers as rows.
pub(super) fn rows<T>(data: &[T], columns: usize) -> Result<Rows<'_, T>> {
    Rows::new(data, data.len() / columns.max(1), columns)
}

/// Tells damage, not malice: the 64-bit hash of Fowler, Noll and Vo (1a) of all that matters in a file.
fn checksum<B: AsRef<[u8]>>(
    text: &str,
    arrays: &BTreeMap<String, Array>,
    bytes: &BTreeMap<&String, B>,
) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    add(text.as_bytes());
    for (name, array) in arrays {
        add(format!("{name} {:?} {:?}", array.dtype(), array.shape()).as_bytes());
        if let Some(bytes) = bytes.get(name) {
            add(bytes.as_ref());
        }
    }
    hash
}
