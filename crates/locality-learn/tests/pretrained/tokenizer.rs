//! The tokenizer, against the package that the files of models are written by (oracle/pretrained.py).

use locality_learn::pretrained::WordPiece;
use serde_json::Value;

use crate::tensors::oracle;

/// Requires every case to come out as noted.
pub(crate) fn check(tokenizer: &WordPiece, cases: &[Value]) {
    for case in cases {
        let (text, longest) = (case["text"].as_str().unwrap(), &case["longest"]);
        let found = tokenizer.encode(text, longest.as_u64().unwrap() as usize);
        let codes = case["codes"].as_array().unwrap().iter();
        let codes: Vec<u32> = codes.map(|c| c.as_u64().unwrap() as u32).collect();
        assert_eq!(found, codes, "{text:?}, at most {longest}");
    }
}

#[test]
fn texts_become_the_codes_of_the_published_tokenizer() {
    let all: Value = serde_json::from_slice(&oracle("word_piece.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&oracle("word_piece_cases.json")).unwrap();
    assert!(cases.len() > 80);
    for case in &cases {
        let mut all = all.clone();
        if let Some(normalizer) = case.get("normalizer") {
            all["normalizer"] = normalizer.clone();
        }
        let tokenizer = WordPiece::from_json(all.to_string().as_bytes()).unwrap();
        check(&tokenizer, std::slice::from_ref(case));
    }
}

#[test]
fn whole_codes_are_found_where_they_stand_alone() {
    let mut all: Value = serde_json::from_slice(&oracle("word_piece.json")).unwrap();
    let tokens = all["added_tokens"].as_array_mut().unwrap();
    tokens.push(
        serde_json::json!({"id": 150, "content": "MASK", "single_word": true, "normalized": true}),
    );
    tokens.push(serde_json::json!({"id": 151, "content": "[MASKED]", "normalized": false}));
    let tokenizer = WordPiece::from_json(all.to_string().as_bytes()).unwrap();
    assert_eq!(tokenizer.code_count(), 152);
    let mask = |text: &str| tokenizer.encode(text, 64);
    assert_eq!(mask("Mask, [MASKED]"), [2, 150, 16, 151, 3]);
    assert!(!mask("masks").contains(&150));
    assert!(mask("[MASK] mask").ends_with(&[4, 150, 3]));
}

#[test]
fn nothing_fits_where_there_is_no_room() {
    let tokenizer = WordPiece::from_json(&oracle("word_piece.json")).unwrap();
    assert_eq!(tokenizer.encode("hello", 2), [2, 3]);
    assert_eq!(tokenizer.encode("hello", 0), [2, 3]);
    assert_eq!(tokenizer.special_count(), 2);
}
