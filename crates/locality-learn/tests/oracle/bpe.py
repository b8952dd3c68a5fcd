"""Writes bpe.json, a small byte-level BPE that the `tokenizers` package learned from the project's README, and bpe_cases.json, what that package makes
of texts by it; with the folder of GPT-2's published vocab.json and merges.txt as argument also bpe_gpt2.json, what it makes of them by these.

Needs tokenizers (0.23.3 wrote the files). Run it in this folder.
"""

import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

here = pathlib.Path(__file__).resolve().parent

TEXTS = [
    "",
    " ",
    "The local mean of the values near a query, weighed by a kernel.",
    "I'll say he's sure they'd've been there; we'RE not, don't'x 's 't're",
    "tabs\tand\t\tmore,  two   three    blanks \n\n  lines\r\n\r\nend  ",
    "Naïve café, Ångström; ŒUVRE — déjà-vu…",
    "e\u0301te\u0301 and \u00e9t\u00e9, b\u20dd c\u0903 a\u0300\u0301\u0302b",
    "我爱北京天安门 and 東京, 한국어 문장, かな カナ",
    "ΣΊΣΥΦΟΣ, Привет МИР, straße İstanbul",
    "3.14159 x2 H2O 1,000,000 २३ ١٢ ½ ² Ⅳ ⅷ ﬁne \u24b6\u24d0",
    "non\u00a0breaking \u00a0 \u3000ideographic\u2028line\u2003 em",
    "zero\u200bwidth soft\u00adhyphen nul\u0000 bell\u0007 bad\ufffd",
    "emoji \U0001f600 and \U0001f468\u200d\U0001f469 family",
    "<|endoftext|>one<|endoftext|> two <|endoftext|",
    "a near<|endoftext|>nearest near, unnear near.",
    "kernelkernelkernel " * 30,
    "a" * 1000 + "b" * 500,
    "#version: 0.2 ### # #",
]
# What is a letter, a number, a space or none of them in every version of Unicode.
POOL = "aabcdeeehilmnorstuABZ''''  \t\n\u00a0\u2003.,;:!?-#019½²éßñÅжЯλ你好かﻻम\u0301\u0903€™😀\u200d_~`\"$"


def main() -> None:
    text = (here.parents[3] / "README.md").read_text()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.add_tokens([AddedToken("near", single_word=True, normalized=True)])
    (here / "bpe.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=True, separators=(",", ":")) + "\n")
    draw = random.Random(1)
    texts = TEXTS + ["".join(draw.choices(POOL, k=draw.randrange(1, 40))) for _ in range(200)]

    def write(name: str, tokenizer) -> None:
        cases = [{"text": text, "codes": tokenizer.encode(text).ids} for text in texts]
        (here / name).write_text(json.dumps(cases, ensure_ascii=True, separators=(",", ":")) + "\n")

    write("bpe_cases.json", tokenizer)
    if len(sys.argv) < 2:
        return
    published = Tokenizer(models.BPE.from_file(sys.argv[1] + "/vocab.json", sys.argv[1] + "/merges.txt"))
    published.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    published.add_special_tokens(["<|endoftext|>"])
    write("bpe_gpt2.json", published)


main()
