//! Parameters from the tensors of a safetensors or ONNX file, under the names that they were published with.

use locality_core::{Error, Result};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::onnx::Onnx;
use crate::{Layout, Number};

/// A tensor that is all or part of a view.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// Whether the view holds its transpose.
    pub(super) turned: bool,
}

impl Part {
    pub(super) fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
            turned: false,
        }
    }

    /// A matrix that lies there as the transpose of this one.
    pub(super) fn turned(name: impl Into<String>, [rows, columns]: [usize; 2]) -> Self {
        Self {
            turned: true,
            ..Self::new(name, &[columns, rows])
        }
    }
}

/// The numbers of a tensor, as their bytes.
pub(super) struct Found<'a> {
    pub(super) kind: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) data: &'a [u8],
    /// Whether the transpose of a matrix of this shape lies there.
    pub(super) turned: bool,
}

/// What is known of files by their kinds.
enum Source<'a> {
    Safe(SafeTensors<'a>),
    Onnx(Onnx),
}

/// The tensors of a file.
pub(super) struct Weights<'a> {
    source: Source<'a>,
    bytes: usize,
    prefix: String,
}

impl<'a> Weights<'a> {
    /// Those of a file's bytes, whose names begin with one of the prefixes (in an ONNX file, with any): the one under which `known` is there.
    pub(super) fn new(
        bytes: &'a [u8],
        known: &str,
        prefixes: &'static [&'static str],
    ) -> Result<Self> {
        let source = Source::new(bytes)?;
        let prefix = source
            .prefix(known, prefixes)
            .ok_or_else(|| source.misses(known, "name the file of a model of this kind"))?;
        Ok(Self {
            prefix,
            bytes: bytes.len(),
            source,
        })
    }

    /// Requires the file to be large enough for so many numbers, before anything is made of them.
    pub(super) fn require(&self, numbers: u128) -> Result<()> {
        // No type that is read is shorter than two bytes.
        if numbers.saturating_mul(2) <= self.bytes as u128 {
            return Ok(());
        }
        Err(Error::parse(format!(
            "the configuration needs {numbers} numbers, but the {} bytes of the tensors have fewer; the two belong to different models",
            self.bytes
        )))
    }

    /// A buffer of the layout. `parts` says of which tensors a view is made, one below the other.
    ///
    /// All are looked at before anything is allocated.
    pub(super) fn parameters<T: Number>(
        &self,
        layout: &Layout,
        parts: impl Fn(&str) -> Vec<Part>,
    ) -> Result<Vec<T>> {
        for view in layout.views() {
            let mut size = 0;
            for part in parts(&view.name) {
                let tensor = self.tensor(&part)?;
                size += tensor.shape.iter().product::<usize>();
            }
            if size != view.range.len() {
                return Err(Error::unsupported(format!(
                    "the parameter '{}' has no tensors in such a file",
                    view.name
                )));
            }
        }
        layout.reserve::<T>(1)?;
        let mut out = Vec::with_capacity(layout.len());
        for view in layout.views() {
            for part in parts(&view.name) {
                let (tensor, from) = (self.tensor(&part)?, out.len());
                numbers(&tensor, &mut out);
                if out[from..].iter().any(|x: &T| !x.is_finite()) {
                    return Err(Error::not_finite(format!(
                        "the tensor '{}' has NaN or infinite numbers; copy the file again",
                        part.name
                    )));
                }
                if part.turned != tensor.turned {
                    let columns = part.shape[usize::from(part.turned)];
                    turn(&mut out[from..], columns);
                }
            }
        }
        Ok(out)
    }

    /// A tensor of the shape that is expected, whose numbers can be read.
    fn tensor(&self, part: &Part) -> Result<Found<'_>> {
        let name = format!("{}{}", self.prefix, part.name);
        // The norms of the first files that were published.
        let old = || {
            name.replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta")
        };
        let found = self.source.tensor(&name);
        let found = found.or_else(|| self.source.tensor(&old()));
        let tensor = found.ok_or_else(|| {
            let remedy = "the file does not have all of such a model";
            self.source.misses(&name, remedy)
        })??;
        let known = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64];
        if !known.contains(&tensor.kind) {
            return Err(Error::unsupported(format!(
                "the tensor '{name}' is of the type {:?}, but only F32, F16, BF16 and F64 are read",
                tensor.kind
            )));
        }
        if tensor.shape != part.shape {
            return Err(Error::shape(format!(
                "the tensor '{name}' has the shape {:?}, but the configuration says {:?}",
                tensor.shape, part.shape
            )));
        }
        Ok(tensor)
    }
}

impl<'a> Source<'a> {
    /// A safetensors file begins with the length of its header, a JSON object.
    fn new(bytes: &'a [u8]) -> Result<Self> {
        if !bytes.is_empty() && bytes.get(8) != Some(&b'{') {
            return Onnx::new(bytes).map(Self::Onnx);
        }
        let file = SafeTensors::deserialize(bytes).map_err(|e| {
            Error::parse(format!(
                "it is no safetensors file, or a damaged one ({e}); copy it again"
            ))
        })?;
        Ok(Self::Safe(file))
    }

    fn prefix(&self, known: &str, prefixes: &[&str]) -> Option<String> {
        match self {
            Self::Safe(file) => {
                let has = |prefix: &&&str| file.tensor(&format!("{prefix}{known}")).is_ok();
                prefixes.iter().find(has).map(|p| (*p).to_owned())
            }
            Self::Onnx(file) => file.prefix(known),
        }
    }

    /// The error of a tensor that is not there.
    fn misses(&self, name: &str, remedy: &str) -> Error {
        match self {
            Self::Onnx(file) if file.is_quantized() => Error::unsupported(format!(
                "the tensor '{name}' is missing, and others are quantized to whole numbers; name the file whose numbers are floating-point"
            )),
            _ => Error::parse(format!("the tensor '{name}' is missing; {remedy}")),
        }
    }

    fn tensor(&self, name: &str) -> Option<Result<Found<'_>>> {
        match self {
            Self::Safe(file) => {
                let view = file.tensor(name).ok()?;
                Some(Ok(Found {
                    kind: view.dtype(),
                    shape: view.shape().to_vec(),
                    data: view.data(),
                    turned: false,
                }))
            }
            Self::Onnx(file) => file.tensor(name),
        }
    }
}

/// Appends the numbers of a tensor.
fn numbers<T: Number>(tensor: &Found<'_>, out: &mut Vec<T>) {
    let pairs = || tensor.data.chunks_exact(2).map(|b| [b[0], b[1]]);
    match tensor.kind {
        Dtype::F16 => out.extend(pairs().map(|b| T::from_f64(half(u16::from_le_bytes(b))))),
        // The upper half of a number in single precision.
        Dtype::BF16 => out.extend(
            pairs()
                .map(|[low, high]| T::from_f64(f64::from(f32::from_le_bytes([0, 0, low, high])))),
        ),
        Dtype::F64 => {
            let eights = tensor.data.as_chunks::<8>().0.iter();
            out.extend(eights.map(|b| T::from_f64(f64::from_le_bytes(*b))));
        }
        _ => {
            let fours = tensor.data.as_chunks::<4>().0.iter();
            out.extend(fours.map(|b| T::from_f64(f64::from(f32::from_le_bytes(*b)))));
        }
    }
}

/// A number in half precision (IEEE 754 binary16): sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// Makes a matrix of so many columns its transpose.
fn turn<T: Number>(data: &mut [T], columns: usize) {
    let rows = data.len() / columns;
    let from = data.to_vec();
    for (c, row) in data.chunks_exact_mut(rows).enumerate() {
        for (r, to) in row.iter_mut().enumerate() {
            *to = from[r * columns + c];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision_is_that_of_its_standard() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2_f64.powi(-14)),
            (0x0001, 2_f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
            (0x8000, 0.0),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, number) in cases {
            assert_eq!(half(bits), number, "{bits:#x}");
        }
        assert!(half(0x7e01).is_nan());
    }
}
