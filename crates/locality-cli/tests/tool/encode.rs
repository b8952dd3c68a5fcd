//! `locality encode`: a small encoder of random numbers, made here.

use serde_json::json;

use crate::run::Folder;

const WIDTH: usize = 4;

/// A model of one layer over the words `near` and `far`.
fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("model")).unwrap();
    let config = json!({
        "model_type": "bert",
        "vocab_size": 5,
        "max_position_embeddings": 6,
        "type_vocab_size": 2,
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
    });
    let tokenizer = json!({
        "normalizer": {"type": "BertNormalizer"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]},
        "model": {
            "type": "WordPiece",
            "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "near": 3, "far": 4},
        },
    });
    folder.file("model/config.json", config.to_string());
    folder.file("model/tokenizer.json", tokenizer.to_string());
    folder.file("model/model.safetensors", weights());
    folder.file("lines.txt", "near\n\nfar near, near!\n");
    folder
}

/// A safetensors file: the length of a header, the header, the numbers.
fn weights() -> Vec<u8> {
    let (w, h) = (WIDTH, 8);
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut add = |name: &str, shape: &[usize]| shapes.push((name.to_owned(), shape.to_vec()));
    add("embeddings.word_embeddings.weight", &[5, w]);
    add("embeddings.position_embeddings.weight", &[6, w]);
    add("embeddings.token_type_embeddings.weight", &[2, w]);
    let mut both = |name: &str, shape: &[usize]| {
        add(&format!("{name}.weight"), shape);
        add(&format!("{name}.bias"), &shape[..1]);
    };
    both("embeddings.LayerNorm", &[w]);
    for part in ["self.query", "self.key", "self.value", "output.dense"] {
        both(&format!("encoder.layer.0.attention.{part}"), &[w, w]);
    }
    both("encoder.layer.0.attention.output.LayerNorm", &[w]);
    both("encoder.layer.0.intermediate.dense", &[h, w]);
    both("encoder.layer.0.output.dense", &[w, h]);
    both("encoder.layer.0.output.LayerNorm", &[w]);
    let (mut header, mut numbers) = (serde_json::Map::new(), Vec::new());
    for (name, shape) in shapes {
        let start = numbers.len();
        let count: usize = shape.iter().product();
        for i in 0..count {
            // Not evenly: words that are a constant apart are the same behind a norm.
            let x = ((start + 7 * i + i * i) % 13) as f32 / 13.0 - 0.4;
            numbers.extend(x.to_le_bytes());
        }
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, numbers.len()]});
        header.insert(name, entry);
    }
    let mut header = serde_json::Value::Object(header).to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.bytes());
    out.extend(numbers);
    out
}

/// The numbers of a CSV file below its header.
fn rows(text: &str) -> Vec<Vec<f32>> {
    let cells = |line: &str| line.split(',').map(|c| c.parse().unwrap()).collect();
    text.lines().skip(1).map(cells).collect()
}

#[test]
fn every_line_becomes_a_row() {
    let folder = folder();
    let run = folder.ok(&["encode", "model", "lines.txt", "-o", "v.csv"]);
    assert!(run.text().contains("3 rows of 4 numbers"), "{}", run.text());
    let text = folder.text("v.csv");
    assert!(text.starts_with("v0,v1,v2,v3\n"), "{text}");
    let all = rows(&text);
    assert_eq!(all.len(), 3);
    for row in &all {
        let length: f32 = row.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5, "{row:?}");
    }
    assert_ne!(all[0], all[2]);

    folder.ok(&["encode", "model", "lines.txt", "-o", "v.npy"]);
    let bytes = folder.bytes("v.npy");
    let header = String::from_utf8_lossy(&bytes[..128]);
    assert!(
        header.contains("'<f4'") && header.contains("(3, 4)"),
        "{header}"
    );

    // As many rows as tokens, with their special ones.
    folder.ok(&[
        "encode",
        "model",
        "lines.txt",
        "-o",
        "t.csv",
        "--pooling",
        "none",
    ]);
    let tokens = rows(&folder.text("t.csv"));
    let lines: Vec<f32> = tokens.iter().map(|row| row[0]).collect();
    assert_eq!(lines, [0., 0., 0., 1., 1., 2., 2., 2., 2., 2., 2.]);

    let args = [
        "encode",
        "model",
        "-",
        "-o",
        "-",
        "--pooling",
        "cls",
        "--raw",
        "--max-length",
        "3",
    ];
    let run = folder.feed(&args, b"far near\nfar far\nnear");
    let cut = rows(&run.text());
    assert_eq!((cut.len(), &cut[0]), (3, &cut[1]));
    assert_ne!(cut[0], cut[2]);
}

#[test]
fn mistakes_are_named() {
    let folder = folder();
    let refused = |args: &[&str], code: i32, expected: &str| {
        let run = folder.run(args);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    };
    let base = ["encode", "model", "lines.txt", "-o", "v.csv"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    refused(&with(&["--max-length", "2"]), 2, "--max-length 2");
    refused(&with(&["--max-length", "7"]), 2, "--max-length 7");
    refused(&with(&["--pooling", "max"]), 2, "max");
    refused(
        &["encode", "nowhere", "lines.txt", "-o", "v.csv"],
        1,
        "config.json",
    );
    refused(&["encode", "model", "no.txt", "-o", "v.csv"], 1, "no.txt");
    folder.file("empty.txt", "");
    refused(
        &["encode", "model", "empty.txt", "-o", "v.csv"],
        1,
        "no lines",
    );
    folder.file("latin.txt", b"caf\xe9\n");
    refused(
        &["encode", "model", "latin.txt", "-o", "v.csv"],
        1,
        "byte 3",
    );
    folder.file("model/model.safetensors", &weights()[..900]);
    refused(&base, 1, "model.safetensors");
}
