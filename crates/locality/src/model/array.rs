//! Arrays of a file.

use safetensors::Dtype;

use crate::{Error, Float, Result};

/// Numbers of a file, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Double precision, with its shape.
    F64(Vec<usize>, Vec<f64>),
    /// Single precision, with its shape.
    F32(Vec<usize>, Vec<f32>),
    /// Whole numbers, with their shape.
    I64(Vec<usize>, Vec<i64>),
}

macro_rules! decode {
    ($bytes:expr, $type:ty) => {{
        let (whole, _) = $bytes.as_chunks::<{ size_of::<$type>() }>();
        whole.iter().map(|b| <$type>::from_le_bytes(*b)).collect()
    }};
}

impl Array {
    /// A matrix of `f32` or `f64`; single where the type is.
    pub fn matrix<T: Float>(data: &[T], columns: usize) -> Self {
        let shape = vec![data.len() / columns.max(1), columns];
        Self::of(shape, data)
    }

    /// A list of `f32` or `f64`.
    pub fn list<T: Float>(data: &[T]) -> Self {
        Self::of(vec![data.len()], data)
    }

    fn of<T: Float>(shape: Vec<usize>, data: &[T]) -> Self {
        let wide = data.iter().map(|x| x.to_f64());
        if size_of::<T>() == size_of::<f32>() {
            Self::F32(shape, wide.map(|x| x as f32).collect())
        } else {
            Self::F64(shape, wide.collect())
        }
    }

    /// A list of places or numbers of classes.
    pub fn places(data: &[usize]) -> Self {
        Self::I64(vec![data.len()], data.iter().map(|i| *i as i64).collect())
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F64(shape, _) | Self::F32(shape, _) | Self::I64(shape, _) => shape,
        }
    }

    /// Whether it is in single precision.
    pub fn is_single(&self) -> bool {
        matches!(self, Self::F32(..))
    }

    pub(super) fn dtype(&self) -> Dtype {
        match self {
            Self::F64(..) => Dtype::F64,
            Self::F32(..) => Dtype::F32,
            Self::I64(..) => Dtype::I64,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::F64(_, x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F32(_, x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::I64(_, x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    pub(super) fn decode(name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Result<Self> {
        let shape = shape.to_vec();
        Ok(match dtype {
            Dtype::F64 => Self::F64(shape, decode!(bytes, f64)),
            Dtype::F32 => Self::F32(shape, decode!(bytes, f32)),
            Dtype::I64 => Self::I64(shape, decode!(bytes, i64)),
            other => {
                return Err(Error::unsupported(format!(
                    "the array '{name}' is of the type {other:?}, but a model has F64, F32 and I64; the file is no model of locality"
                )));
            }
        })
    }
}
