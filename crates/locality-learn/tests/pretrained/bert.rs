//! A small BERT, against plain loops.

use locality_learn::Number;
use locality_learn::pretrained::{Encoder, Pooling};
use safetensors::tensor::Dtype;

use crate::plain;
use crate::tensors::{SIZES, Tensors, bert, bert_config, oracle};

const TEXTS: [&str; 4] = [
    "Hello, world!",
    "",
    "embeddings long food long food long food long food",
    "a man",
];

fn load<T: Number>(tensors: &Tensors, kind: Dtype) -> Encoder<T> {
    let config = bert_config().to_string();
    let (weights, tokenizer) = (tensors.to_bytes(kind), oracle("word_piece.json"));
    Encoder::from_bytes(config.as_bytes(), &weights, &tokenizer).unwrap()
}

fn worst<T: Number>(found: &[T], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |worst, (f, e)| worst.max((f.to_f64() - e).abs()))
}

#[test]
fn it_is_the_bert_of_the_paper() {
    let tensors = bert();
    let encoder = load::<f64>(&tensors, Dtype::F32);
    let codes = TEXTS.map(|text| encoder.tokenizer().encode(text, SIZES[1]));
    assert!(codes.iter().any(|c| c.len() == SIZES[1]), "none is cut");
    let rows = codes.each_ref().map(|codes| plain::bert(&tensors, codes));

    let expected: Vec<f64> = rows.iter().flat_map(plain::pooled).collect();
    assert!(worst(&encoder.encode(&TEXTS).unwrap(), &expected) < 1e-12);
    let single = load::<f32>(&tensors, Dtype::F32);
    assert!(worst(&single.encode(&TEXTS).unwrap(), &expected) < 2e-6);

    let (found, sets) = encoder.tokens(&TEXTS).unwrap();
    let expected: Vec<f64> = rows.iter().flatten().flatten().copied().collect();
    assert!(worst(&found, &expected) < 1e-11);
    let lengths: Vec<usize> = sets.iter().map(|r| r.len()).collect();
    assert_eq!(lengths, codes.each_ref().map(Vec::len));

    let first = encoder.clone().pooling(Pooling::Cls).normalize(false);
    let expected: Vec<f64> = rows.iter().flat_map(|rows| rows[0].clone()).collect();
    assert!(worst(&first.encode(&TEXTS).unwrap(), &expected) < 1e-11);
}

#[test]
fn a_sentence_does_not_depend_on_its_company() {
    let encoder = load::<f64>(&bert(), Dtype::F32);
    // More than go through the layers together.
    let many: Vec<&str> = TEXTS.iter().copied().cycle().take(900).collect();
    let found = encoder.encode(&many).unwrap();
    for (text, vector) in many.iter().zip(found.chunks(SIZES[2])).skip(890) {
        let alone = encoder.encode(&[text]).unwrap();
        assert!(worst(vector, &alone) < 1e-12, "{text}");
    }
    assert!(encoder.encode::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn long_texts_lose_their_end_but_not_their_specials() {
    let encoder = load::<f64>(&bert(), Dtype::F32).max_length(5).unwrap();
    assert_eq!(encoder.longest(), 5);
    let long = encoder.encode(&["long food man and the world"]).unwrap();
    let short = encoder.encode(&["long food man"]).unwrap();
    assert_eq!(long, short);
    for wrong in [2, SIZES[1] + 1] {
        let e = encoder.clone().max_length(wrong).unwrap_err().to_string();
        assert!(e.contains(&format!("max_length={wrong}")), "{e}");
    }
}

#[test]
fn types_prefixes_and_old_names_are_read() {
    let tensors = bert();
    let expected = load::<f32>(&tensors, Dtype::F32).encode(&TEXTS).unwrap();
    for kind in [Dtype::F16, Dtype::BF16, Dtype::F64] {
        let found = load::<f32>(&tensors, kind).encode(&TEXTS).unwrap();
        assert_eq!(found, expected, "{kind:?}");
    }
    let named = tensors.renamed(|name| {
        let old = name.replace("LayerNorm.weight", "LayerNorm.gamma");
        format!("bert.{}", old.replace("LayerNorm.bias", "LayerNorm.beta"))
    });
    let found = load::<f32>(&named, Dtype::F32).encode(&TEXTS).unwrap();
    assert_eq!(found, expected);
}
