//! Models in ONNX files, as exporters write them: the same numbers as from safetensors.

use locality_learn::Sets;
use locality_learn::pretrained::{Encoder, decoder};
use safetensors::tensor::Dtype;

use crate::tensors::{Tensors, bert, bert_config, gpt2, gpt2_config, oracle};

/// How an exporter writes linear maps.
#[derive(Clone, Copy, PartialEq)]
enum Maps {
    /// `Add(MatMul(x, W), b)`, the transpose under a name of its own.
    Product,
    /// The same with the bias first.
    BiasFirst,
    /// `Gemm(x, W, b)` with `transB`, under a name of its own.
    Gemm,
    /// Under the published names.
    Named,
    /// A `Gemm` that is no linear map with this matrix.
    Scaled,
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 128 {
        out.push(n as u8 | 128);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A field of a protocol buffer that has a length.
fn bytes(tag: u64, data: &[u8], out: &mut Vec<u8>) {
    varint(tag << 3 | 2, out);
    varint(data.len() as u64, out);
    out.extend(data);
}

fn number(tag: u64, n: u64, out: &mut Vec<u8>) {
    varint(tag << 3, out);
    varint(n, out);
}

/// A tensor in single precision, raw or packed.
fn tensor(name: &str, shape: &[usize], x: &[f64], raw: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for size in shape {
        number(1, *size as u64, &mut out);
    }
    number(2, 1, &mut out);
    let data: Vec<u8> = x.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect();
    bytes(if raw { 9 } else { 4 }, &data, &mut out);
    bytes(8, name.as_bytes(), &mut out);
    out
}

/// A factor that is no whole number's: 5 is the wire type of single precision.
fn factor(name: &str, x: f32, out: &mut Vec<u8>) {
    let mut attribute = Vec::new();
    bytes(1, name.as_bytes(), &mut attribute);
    varint(2 << 3 | 5, &mut attribute);
    attribute.extend(x.to_le_bytes());
    bytes(5, &attribute, out);
}

fn node(kind: &str, inputs: &[&str], output: &str, turned: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for input in inputs {
        bytes(1, input.as_bytes(), &mut out);
    }
    bytes(2, output.as_bytes(), &mut out);
    bytes(4, kind.as_bytes(), &mut out);
    if turned {
        let mut attribute = Vec::new();
        bytes(1, b"transB", &mut attribute);
        number(3, 1, &mut attribute);
        bytes(5, &attribute, &mut out);
    }
    out
}

/// A file of the tensors; matrices of maps, which have a bias beside them, are written in one of the ways.
fn file(tensors: &Tensors, maps: Maps, prefix: &str) -> Vec<u8> {
    let mut graph = Vec::new();
    for (at, (name, (shape, x))) in tensors.0.iter().enumerate() {
        let bias = name.strip_suffix(".weight").map(|n| format!("{n}.bias"));
        let bias = bias.filter(|b| shape.len() == 2 && tensors.0.contains_key(b));
        let full = format!("{prefix}{name}");
        let (Some(bias), true) = (bias, maps != Maps::Named) else {
            bytes(5, &tensor(&full, shape, x, at % 2 == 0), &mut graph);
            continue;
        };
        let (bias, own) = (format!("{prefix}{bias}"), format!("onnx::MatMul_{at}"));
        let [rows, columns] = shape[..] else {
            panic!("a matrix has two axes")
        };
        if matches!(maps, Maps::Gemm | Maps::Scaled) {
            bytes(5, &tensor(&own, shape, x, true), &mut graph);
            let mut gemm = node("Gemm", &["x", &own, &bias], &format!("y{at}"), true);
            factor(
                "alpha",
                if maps == Maps::Scaled { 2.0 } else { 1.0 },
                &mut gemm,
            );
            bytes(1, &gemm, &mut graph);
            continue;
        }
        let turned: Vec<f64> = (0..rows * columns)
            .map(|i| x[i % rows * columns + i / rows])
            .collect();
        bytes(
            5,
            &tensor(&own, &[columns, rows], &turned, true),
            &mut graph,
        );
        let product = format!("product{at}");
        bytes(
            1,
            &node("MatMul", &["x", &own], &product, false),
            &mut graph,
        );
        let inputs = match maps {
            Maps::BiasFirst => [&bias[..], &product],
            _ => [&product[..], &bias],
        };
        bytes(
            1,
            &node("Add", &inputs, &format!("y{at}"), false),
            &mut graph,
        );
    }
    let mut out = Vec::new();
    number(1, 8, &mut out);
    bytes(7, &graph, &mut out);
    out
}

fn load(weights: &[u8]) -> locality_learn::Result<Encoder<f64>> {
    let config = bert_config().to_string();
    Encoder::from_bytes(config.as_bytes(), weights, &oracle("word_piece.json"))
}

#[test]
fn a_bert_is_the_same_from_either_kind_of_file() {
    let expected = load(&bert().to_bytes(Dtype::F32)).unwrap();
    for maps in [Maps::Product, Maps::BiasFirst, Maps::Gemm, Maps::Named] {
        for prefix in ["", "bert.", "0.auto_model."] {
            let found = load(&file(&bert(), maps, prefix)).unwrap();
            assert_eq!(found.parameters, expected.parameters);
        }
    }
}

#[test]
fn a_gpt2_is_the_same_from_either_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("config.json", gpt2_config().to_string().as_bytes());
    let e = decoder::<f64>(folder.path()).unwrap_err().to_string();
    assert!(e.contains("onnx/model.onnx"), "{e}");
    std::fs::create_dir(folder.path().join("onnx")).unwrap();
    write(
        "onnx/model.onnx",
        &file(&gpt2(), Maps::Named, "transformer."),
    );
    let found = decoder::<f64>(folder.path()).unwrap();
    write("model.safetensors", &gpt2().to_bytes(Dtype::F32));
    let expected = decoder::<f64>(folder.path()).unwrap();
    let (codes, one) = ([7, 151, 0, 33], Sets::equal(1, 4).unwrap());
    let scores = expected.scores(&codes, &one).unwrap();
    assert_eq!(found.scores(&codes, &one).unwrap(), scores);
}

#[test]
fn what_cannot_be_read_is_said() {
    let error = |weights: &[u8]| {
        let e = load(weights).map(|_| "no error").unwrap_err().to_string();
        assert!(!e.contains('\n'), "{e}");
        e
    };
    let whole = file(&bert(), Maps::Product, "");
    for length in [1, 9, 100, whole.len() / 2, whole.len() - 1] {
        let e = error(&whole[..length]);
        assert!(e.contains("ONNX"), "{length}: {e}");
    }
    let e = error(&file(&bert(), Maps::Scaled, ""));
    assert!(e.contains("query.weight' is missing"), "{e}");
    let mut few = bert();
    few.0.remove("encoder.layer.1.output.dense.bias");
    let e = error(&file(&few, Maps::Product, ""));
    assert!(e.contains("'encoder.layer.1.output.dense"), "{e}");

    let one = |more: &dyn Fn(&mut Vec<u8>)| {
        let mut tensor = tensor("embeddings.word_embeddings.weight", &[152, 16], &[], true);
        more(&mut tensor);
        let (mut graph, mut out) = (Vec::new(), Vec::new());
        bytes(5, &tensor, &mut graph);
        // As large as the configuration asks for.
        bytes(10, &vec![0; 1 << 16], &mut graph);
        bytes(7, &graph, &mut out);
        error(&out)
    };
    let e = one(&|tensor| number(14, 1, tensor));
    assert!(e.contains("another file"), "{e}");
    let e = one(&|tensor| number(2, 3, tensor));
    assert!(e.contains("type 3"), "{e}");
    let e = one(&|_| {});
    assert!(e.contains("[152, 16]") && e.contains("0 bytes"), "{e}");
    let e = one(&|tensor| number(1, u64::MAX, tensor));
    assert!(e.contains("-1"), "{e}");

    let (mut quantized, mut graph, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for size in [152, 16] {
        number(1, size, &mut quantized);
    }
    number(2, 3, &mut quantized);
    bytes(
        8,
        b"embeddings.word_embeddings.weight_quantized",
        &mut quantized,
    );
    bytes(9, &[0; 152 * 16], &mut quantized);
    bytes(5, &quantized, &mut graph);
    bytes(7, &graph, &mut out);
    let e = error(&out);
    assert!(e.contains("quantized"), "{e}");
}
