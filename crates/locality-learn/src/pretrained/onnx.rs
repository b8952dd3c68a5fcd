//! The tensors of a model in an ONNX file, under the names that they were published with.
//!
//! Exporters keep the names of tables, norms and biases, but write a linear map `x W^T + b` as a product with the folded transpose of `W` under
//! a name of their own, and a sum with `b`. Such a tensor is found by the name of its bias.

use std::collections::HashMap;

use locality_core::{Error, Result};
use prost::Message;
use prost::bytes::Bytes;
use safetensors::tensor::Dtype;

use super::weights::Found;

// Of the messages of onnx.proto3 what is looked at here, by the numbers of their fields.

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializers: Vec<Tensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    outputs: Vec<String>,
    #[prost(string, tag = "4")]
    kind: String,
    #[prost(message, repeated, tag = "5")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, tag = "2")]
    number: f32,
    #[prost(int64, tag = "3")]
    integer: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    sizes: Vec<i64>,
    #[prost(int32, tag = "2")]
    kind: i32,
    /// Numbers in single precision, packed: the same bytes as `raw` has.
    #[prost(bytes = "bytes", tag = "4")]
    singles: Bytes,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", tag = "9")]
    raw: Bytes,
    #[prost(bytes = "bytes", tag = "10")]
    doubles: Bytes,
    /// 1 where the numbers lie in another file.
    #[prost(int32, tag = "14")]
    place: i32,
}

/// Types of numbers.
const UINT8: i32 = 2;
const INT8: i32 = 3;

/// The tensors by name.
pub(super) struct Onnx {
    tensors: Vec<Tensor>,
    /// For each name the tensor's place, and whether it lies there as its transpose.
    names: HashMap<String, (usize, bool)>,
}

impl Onnx {
    /// Those of a file's bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self> {
        let model = Model::decode(Bytes::copy_from_slice(bytes)).map_err(|e| {
            Error::parse(format!(
                "it is neither a safetensors nor an ONNX file, or a damaged one ({e}); copy it again"
            ))
        })?;
        let graph = model.graph.unwrap_or_default();
        if graph.initializers.is_empty() {
            return Err(Error::parse(
                "it is no safetensors file, and an ONNX file without tensors; copy it again",
            ));
        }
        let all = graph.initializers.iter().enumerate();
        let mut names = all.map(|(i, t)| (t.name.clone(), (i, false))).collect();
        name_maps(&graph.nodes, &mut names);
        Ok(Self {
            tensors: graph.initializers,
            names,
        })
    }

    /// What stands before a known name, such as the name of the module that the model is a part of.
    pub(super) fn prefix(&self, known: &str) -> Option<String> {
        let prefix = |name: &String| Some(name.strip_suffix(known)?.to_owned());
        self.names.keys().filter_map(prefix).min()
    }

    /// The tensor of this name, nothing where there is none.
    pub(super) fn tensor(&self, name: &str) -> Option<Result<Found<'_>>> {
        let (place, turned) = *self.names.get(name)?;
        Some(self.tensors[place].read(name, turned))
    }

    /// Whether matrices are kept as whole numbers of 8 bits with scales, which are not read.
    pub(super) fn is_quantized(&self) -> bool {
        let kept = |t: &Tensor| t.sizes.len() == 2 && [UINT8, INT8].contains(&t.kind);
        self.tensors.iter().any(kept)
    }
}

impl Tensor {
    fn read(&self, name: &str, turned: bool) -> Result<Found<'_>> {
        if self.place != 0 {
            return Err(Error::unsupported(format!(
                "the numbers of the tensor '{name}' lie in another file; export the model as one file, or as safetensors"
            )));
        }
        let (kind, packed) = match self.kind {
            1 => (Dtype::F32, &self.singles),
            10 => (Dtype::F16, &self.raw),
            11 => (Dtype::F64, &self.doubles),
            16 => (Dtype::BF16, &self.raw),
            other => {
                return Err(Error::unsupported(format!(
                    "the tensor '{name}' is of ONNX's type {other}, but only FLOAT (1), FLOAT16 (10), DOUBLE (11) and BFLOAT16 (16) are read"
                )));
            }
        };
        let data = if self.raw.is_empty() {
            packed
        } else {
            &self.raw
        };
        let each = kind.bitsize() / 8;
        let sizes = self.sizes.iter().map(|s| usize::try_from(*s).ok());
        let shape: Option<Vec<usize>> = sizes.collect();
        let bytes = |shape: &Vec<usize>| shape.iter().try_fold(each, |n, s| n.checked_mul(*s));
        let Some(mut shape) = shape.filter(|shape| bytes(shape) == Some(data.len())) else {
            return Err(Error::parse(format!(
                "the tensor '{name}' has the sizes {:?}, but {} bytes of numbers; copy the file again",
                self.sizes,
                data.len()
            )));
        };
        if turned {
            shape.reverse();
        }
        Ok(Found {
            kind,
            shape,
            data,
            turned,
        })
    }
}

/// Gives matrices without a published name the one that their bias has: of `Add(MatMul(x, W), b)` and `Gemm(x, W, b)`. Copies
/// (`Identity`) have their own name and that of what they copy.
fn name_maps(nodes: &[Node], names: &mut HashMap<String, (usize, bool)>) {
    let made_by = |node: &'_ Node| node.outputs.first().cloned();
    let products: HashMap<String, &Node> = nodes
        .iter()
        .filter(|n| n.kind == "MatMul")
        .filter_map(|n| Some((made_by(n)?, n)))
        .collect();
    for node in nodes {
        let [first, rest @ ..] = &node.inputs[..] else {
            continue;
        };
        let (matrix, bias, turned) = match (node.kind.as_str(), rest) {
            ("Identity", []) => {
                if let (Some(found), Some(name)) = (names.get(first).copied(), made_by(node)) {
                    names.entry(name).or_insert(found);
                }
                continue;
            }
            ("Add", [second]) => {
                let pairs = [(first, second), (second, first)];
                let product = |(x, b): (&String, &String)| Some((*products.get(x)?, b.clone()));
                let Some((product, bias)) = pairs.into_iter().find_map(product) else {
                    continue;
                };
                let Some(matrix) = product.inputs.get(1) else {
                    continue;
                };
                (matrix, bias, true)
            }
            ("Gemm", [matrix, bias]) => {
                let Some(turned) = plain_map(&node.attributes) else {
                    continue;
                };
                (matrix, bias.clone(), turned)
            }
            _ => continue,
        };
        let Some(stem) = bias.strip_suffix(".bias") else {
            continue;
        };
        if let Some((place, _)) = names.get(matrix).copied() {
            let name = format!("{stem}.weight");
            names.entry(name).or_insert((place, turned));
        }
    }
}

/// Whether the matrix of a `Gemm` lies there as its transpose; nothing where it is no linear map of rows as they are.
fn plain_map(attributes: &[Attribute]) -> Option<bool> {
    let mut turned = true;
    for a in attributes {
        match a.name.as_str() {
            "transB" => turned = a.integer == 0,
            "transA" if a.integer != 0 => return None,
            "alpha" | "beta" if a.number != 1.0 => return None,
            _ => {}
        }
    }
    Some(turned)
}
