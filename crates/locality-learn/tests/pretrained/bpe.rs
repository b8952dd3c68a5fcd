//! Byte-pair encodings against what the package `tokenizers` makes of texts (oracle/bpe.py), and files that lie.

use locality_learn::{Bpe, Tokenizer};
use locality_testing::Rng;
use serde_json::{Value, json};

use crate::tensors::oracle;

fn small() -> Value {
    serde_json::from_slice(&oracle("bpe.json")).unwrap()
}

fn read(all: &Value) -> locality_learn::Result<Bpe> {
    Bpe::from_json(all.to_string().as_bytes())
}

/// The `vocab.json` and `merges.txt` of that file.
pub(crate) fn two_files(all: &Value) -> (Vec<u8>, Vec<u8>) {
    let merges = all["model"]["merges"].as_array().unwrap().iter();
    let merges = merges.map(|m| format!("{} {}\n", m[0].as_str().unwrap(), m[1].as_str().unwrap()));
    let merges: String = merges.collect();
    let vocabulary = all["model"]["vocab"].to_string();
    (
        vocabulary.into_bytes(),
        format!("#version: 0.2\n{merges}").into_bytes(),
    )
}

fn codes(case: &Value) -> Vec<u32> {
    serde_json::from_value(case["codes"].clone()).unwrap()
}

fn cases() -> Vec<Value> {
    serde_json::from_slice(&oracle("bpe_cases.json")).unwrap()
}

#[test]
fn codes_are_those_of_the_published_runtime() {
    let bpe = read(&small()).unwrap();
    assert_eq!(bpe.code_count(), 601);
    let cases = cases();
    assert!(cases.len() > 200);
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        assert_eq!(bpe.encode(text), codes(case), "{text:?}");
        assert_eq!(bpe.decode(&codes(case)).unwrap(), text);
    }
}

#[test]
fn older_files_are_the_same_tokenizer() {
    let all = small();
    let (vocabulary, merges) = two_files(&all);
    let bpe = Bpe::from_vocabulary(&vocabulary, &merges).unwrap();
    // They do not say that "near" is a code as it stands.
    assert_eq!(bpe.code_count(), 600);
    let mut without = all;
    without["added_tokens"].as_array_mut().unwrap().pop();
    let same = read(&without).unwrap();
    for case in cases() {
        let text = case["text"].as_str().unwrap();
        assert_eq!(bpe.encode(text), same.encode(text), "{text:?}");
        if !text.contains("near") {
            assert_eq!(bpe.encode(text), codes(&case), "{text:?}");
        }
    }
    let joined = without["model"]["merges"].as_array_mut().unwrap();
    for merge in joined {
        let [a, b] = [0, 1].map(|i| merge[i].as_str().unwrap().to_owned());
        *merge = format!("{a} {b}").into();
    }
    assert_eq!(read(&without).unwrap(), same);
}

/// A text of any characters, some of them common.
fn any_text(rng: &mut Rng, n: usize) -> String {
    let one = |rng: &mut Rng| match rng.below(4) {
        0 => *b" \n\t'st!0"[rng.below(8)..].first().unwrap() as char,
        1 => char::from_u32(rng.below(0x300) as u32).unwrap(),
        2 => char::from_u32(rng.below(0x11_0000) as u32).unwrap_or('\u{fffd}'),
        _ => char::from(b'a' + rng.below(6) as u8),
    };
    (0..n).map(|_| one(rng)).collect()
}

#[test]
fn every_text_comes_back() {
    let mut rng = Rng::new(11);
    let (vocabulary, merges) = two_files(&small());
    let learned = any_text(&mut rng, 3000);
    let all = [
        read(&small()).unwrap(),
        Bpe::from_vocabulary(&vocabulary, &merges).unwrap(),
        Bpe::learn(&learned, 700).unwrap(),
        Bpe::learn(&learned, 256).unwrap(),
    ];
    for bpe in all {
        for n in 0..300 {
            let text = any_text(&mut rng, n);
            let found = bpe.decode(&bpe.encode(&text)).unwrap();
            assert_eq!(found, text);
        }
    }
}

/// Merges of a word as the definition says: all neighbours looked at each time.
fn plainly(bpe: &Bpe, word: &[u8]) -> Vec<u32> {
    let byte = |b: &u8| (0..bpe.code_count() as u32).find(|c| bpe.token(*c) == Some(&[*b]));
    let mut codes: Vec<u32> = word.iter().map(|b| byte(b).unwrap()).collect();
    loop {
        let rank = |w: &[u32]| bpe.merges().iter().position(|m| m[..2] == *w);
        let ranks = codes.windows(2).enumerate();
        let ranks = ranks.filter_map(|(at, w)| Some((rank(w)?, at)));
        let Some((rank, at)) = ranks.min() else {
            return codes;
        };
        codes.splice(at..at + 2, [bpe.merges()[rank][2]]);
    }
}

#[test]
fn long_words_are_merged_as_the_definition_says() {
    let bpe = read(&small()).unwrap();
    let mut rng = Rng::new(3);
    for n in [1, 2, 3, 50, 400] {
        let word: String = (0..n)
            .map(|_| char::from(b"aeinrst"[rng.below(7)]))
            .collect();
        assert_eq!(bpe.encode(&word), plainly(&bpe, word.as_bytes()), "{word}");
    }
}

#[test]
fn a_word_of_a_million_letters_is_no_square() {
    let bpe = read(&small()).unwrap();
    let text = "kernel".repeat(1 << 17);
    let codes = bpe.encode(&text);
    assert!(codes.len() <= text.len() / 3);
    assert_eq!(bpe.decode(&codes).unwrap(), text);
}

#[test]
fn merges_are_the_commonest_pairs() {
    // "low" comes five times, "er" twice, "lower" is one word that comes twice.
    let bpe = Bpe::learn("low low low lower lower", 400).unwrap();
    let made: Vec<&[u8]> = (256..bpe.code_count() as u32)
        .map(|c| bpe.token(c).unwrap())
        .collect();
    // Of equals the smallest codes: the pair of "l" and "o" before that of "o" and "w", a blank before "low".
    assert_eq!(made, [&b"lo"[..], b"low", b" low", b"er", b" lower"]);
    // The same by plain loops, on texts where pairs overlap and vanish.
    let mut rng = Rng::new(5);
    for round in 0..20 {
        let text: String = (0..300)
            .map(|_| char::from(b"aab  "[rng.below(5)]))
            .collect();
        let found = Bpe::learn(&text, 300).unwrap();
        let mut words: Vec<Vec<u32>> = Vec::new();
        // Words of letters with the blank before them; longer stretches of blanks by themselves.
        let plain = Bpe::learn(&text, 256).unwrap();
        let chars: Vec<u32> = plain.encode(&text);
        let blank = |c: u32| c == 32;
        for (i, &c) in chars.iter().enumerate() {
            let begins = match i.checked_sub(1).map(|i| chars[i]) {
                None => true,
                Some(last) if blank(last) && blank(c) => {
                    // The last blank of a stretch goes with the letters behind it.
                    chars.get(i + 1).is_some_and(|next| !blank(*next))
                }
                Some(last) => !blank(last) && blank(c),
            };
            if begins {
                words.push(Vec::new());
            }
            words.last_mut().unwrap().push(c);
        }
        let mut made = 256;
        for merge in found.merges() {
            let mut counts = std::collections::BTreeMap::new();
            for pair in words.iter().flat_map(|w| w.windows(2)) {
                *counts.entry([pair[0], pair[1]]).or_insert(0) += 1;
            }
            let best = counts
                .iter()
                .max_by_key(|(p, n)| (**n, std::cmp::Reverse(**p)));
            let (pair, count) = best.unwrap();
            assert!(*count > 1);
            assert_eq!(merge[..], [pair[0], pair[1], made], "round {round}");
            for word in &mut words {
                let mut at = 0;
                while at + 1 < word.len() {
                    if word[at..at + 2] == *pair {
                        word.splice(at..at + 2, [made]);
                    }
                    at += 1;
                }
            }
            made += 1;
        }
        assert!(made > 256);
    }
}

#[test]
fn checkpoints_keep_it() {
    // Through a file of a model; see the laws of checkpoints for the rest.
    use locality_learn::{Checkpoint, TransformerConfig};
    for bpe in [
        read(&small()).unwrap(),
        Bpe::learn("to be, to be", 300).unwrap(),
    ] {
        let config = TransformerConfig::decoder(bpe.code_count(), 4);
        let config = config.layers(1).heads(1).width(2);
        let checkpoint = Checkpoint {
            model: config.build(1).unwrap(),
            tokenizer: Tokenizer::Bpe(bpe),
            training: None,
            notes: Value::Null,
        };
        let bytes = checkpoint.to_bytes().unwrap();
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
    }
}

/// What an error says, and the edit that leads to it.
type Edit<'a> = (&'a str, &'a dyn Fn(&mut Value));

#[test]
fn files_that_lie_are_refused_in_a_sentence() {
    let error = |edit: &dyn Fn(&mut Value)| {
        let mut all = small();
        edit(&mut all);
        let e = read(&all).unwrap_err().to_string();
        assert!(!e.contains('\n'), "{e}");
        e
    };
    let cases: [Edit<'_>; 16] = [
        ("model is 'WordPiece'", &|a| {
            a["model"]["type"] = "WordPiece".into();
        }),
        ("normalizer is 'NFC'", &|a| {
            a["normalizer"] = json!({"type": "NFC"});
        }),
        ("pre_tokenizer is 'none'", &|a| {
            a["pre_tokenizer"] = Value::Null;
        }),
        ("pre_tokenizer.add_prefix_space is 'true'", &|a| {
            a["pre_tokenizer"]["add_prefix_space"] = true.into();
        }),
        ("pre_tokenizer.use_regex is 'false'", &|a| {
            a["pre_tokenizer"]["use_regex"] = false.into();
        }),
        ("post_processor is 'TemplateProcessing'", &|a| {
            a["post_processor"] = json!({"type": "TemplateProcessing"});
        }),
        ("model.byte_fallback is 'true'", &|a| {
            a["model"]["byte_fallback"] = true.into();
        }),
        ("lacks '!'", &|a| {
            a["model"]["vocab"].as_object_mut().unwrap().remove("!");
        }),
        ("'model.merges' is missing or damaged", &|a| {
            a["model"]["merges"][3] = json!(["a"]);
        }),
        ("lacks 'zq'", &|a| {
            a["model"]["merges"][3] = json!(["z", "q"]);
        }),
        ("has the code 4294967290", &|a| {
            a["model"]["vocab"]["!"] = json!(4_294_967_290_u32);
        }),
        ("code 7 twice", &|a| {
            a["model"]["vocab"]["!"] = 7.into();
            a["model"]["vocab"]["\""] = 7.into();
        }),
        // 602 entries: four codes for each, and no buffer of 2^24 of them.
        (
            "the code 2408, but with 602 entries none may be above 2407",
            &|a| {
                a["added_tokens"][1]["id"] = 2408.into();
            },
        ),
        ("the code 16777215", &|a| {
            a["model"]["vocab"]["<|endoftext|>"] = json!((1 << 24) - 1);
        }),
        // A byte, and a merge.
        (
            "added token 'near' has the code 1, which is that of '!'",
            &|a| {
                a["added_tokens"][1]["id"] = 1.into();
            },
        ),
        ("which is that of ' query'", &|a| {
            let code = a["model"]["vocab"]["Ġquery"].clone();
            a["added_tokens"][0]["id"] = code;
        }),
    ];
    for (words, edit) in cases {
        let e = error(edit);
        assert!(e.contains(words), "{words}: {e}");
    }
    let (vocabulary, merges) = two_files(&small());
    for (lines, words) in [
        (&b"a b c\n"[..], "line 1 of the merges"),
        (b"#version\nab\n", "line 2 of the merges"),
        (b"\xff", "not UTF-8"),
    ] {
        let e = Bpe::from_vocabulary(&vocabulary, lines).unwrap_err();
        assert!(e.to_string().contains(words), "{e}");
    }
    assert!(Bpe::from_vocabulary(b"[]", &merges).is_err());
    assert!(
        Bpe::learn("a", 255)
            .unwrap_err()
            .to_string()
            .contains("codes=255")
    );
    assert!(Bpe::learn("", 300).is_err());
    let bpe = read(&small()).unwrap();
    assert!(bpe.decode(&[601]).unwrap_err().to_string().contains("601"));
}

#[test]
fn codes_may_have_gaps_and_a_vocabulary_may_list_what_is_added() {
    let mut all = small();
    all["added_tokens"][1]["id"] = 2407.into();
    let bpe = read(&all).unwrap();
    assert_eq!(bpe.code_count(), 2408);
    assert_eq!(bpe.encode("near"), [2407]);
    // A text whose own letters stand for bytes: what is added has the word.
    let mut all = small();
    all["model"]["vocab"]["éé"] = 700.into();
    all["added_tokens"][1]["id"] = 700.into();
    all["added_tokens"][1]["content"] = "éé".into();
    let bpe = read(&all).unwrap();
    assert_eq!(bpe.decode(&bpe.encode("éé")).unwrap(), "éé");
    assert_eq!(bpe.encode("éé"), [700]);
    // But a byte's letter stands for the byte.
    let mut all = small();
    let code = all["model"]["vocab"]["é"].clone();
    all["added_tokens"][1]["content"] = "é".into();
    all["added_tokens"][1]["id"] = code;
    let e = read(&all).unwrap_err().to_string();
    assert!(e.contains("added token 'é'"), "{e}");
}

#[test]
fn merges_that_were_cut_off_are_refused() {
    let (vocabulary, merges) = two_files(&small());
    let text = String::from_utf8(merges).unwrap();
    let error = |vocabulary: &[u8], merges: &str| {
        let e = Bpe::from_vocabulary(vocabulary, merges.as_bytes()).unwrap_err();
        let e = e.to_string();
        assert!(
            !e.contains('\n') && e.contains("merges.txt is cut off"),
            "{e}"
        );
        e
    };
    // After half of its lines; without the last; in the middle of the last.
    let lines: Vec<&str> = text.lines().collect();
    error(&vocabulary, &lines[..lines.len() / 2].join("\n"));
    let e = error(&vocabulary, &lines[..lines.len() - 1].join("\n"));
    assert!(e.starts_with("2 texts"), "{e}");
    assert!(e.contains("'Ġquery'"), "{e}");
    error(&vocabulary, "");
    // Some hundreds of texts are no pieces of words, thousands are.
    let with = |count: usize| {
        let mut all: Value = serde_json::from_slice(&vocabulary).unwrap();
        for i in 0..count {
            all[format!("<extra {i}>")] = (600 + i).into();
        }
        all.to_string().into_bytes()
    };
    let bpe = Bpe::from_vocabulary(&with(999), text.as_bytes()).unwrap();
    assert_eq!(bpe.encode("<extra 7>"), [607]);
    let e = error(&with(1000), &text);
    assert!(e.starts_with("1001 texts"), "{e}");
}

/// The published vocabulary, where `LOCALITY_GPT2` names a folder of its `vocab.json` and `merges.txt`.
#[test]
fn gpt2s_own_vocabulary_is_read() {
    let Some(folder) = std::env::var_os("LOCALITY_GPT2") else {
        eprintln!("skipped: LOCALITY_GPT2 names no folder");
        return;
    };
    let read = |name: &str| std::fs::read(std::path::Path::new(&folder).join(name)).unwrap();
    let bpe = Bpe::from_vocabulary(&read("vocab.json"), &read("merges.txt")).unwrap();
    assert_eq!(bpe.code_count(), 50_257);
    let cases: Vec<Value> = serde_json::from_slice(&oracle("bpe_gpt2.json")).unwrap();
    for case in cases {
        let text = case["text"].as_str().unwrap();
        assert_eq!(bpe.encode(text), codes(&case), "{text:?}");
        assert_eq!(bpe.decode(&codes(&case)).unwrap(), text);
    }
}
