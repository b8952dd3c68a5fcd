"""Language models: what is learned, written, kept and gone on with; published ones; tokenizers; encoders of sentences."""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
import time
from pathlib import Path

import locality as lc
import numpy as np
import pytest
from locality.learn import LanguageModel, SentenceEncoder, Tokenizer

TEXT = "to be or not to be, " * 60
SMALL = {"n_heads": 2, "width": 16, "context": 16, "batch_size": 4, "max_steps": 400, "learning_rate": 1e-2, "evaluate_every": 100}


@pytest.fixture(scope="module")
def model():
    return LanguageModel(1, **SMALL).fit(TEXT)


def test_it_learns_its_text_and_writes_it_on(model):
    assert model.generate("or not", max_new_tokens=35, temperature=0.0) == "or not to be, to be or not to be, to be o"
    assert model.history_["step"].tolist() == [100, 200, 300, 400]
    assert model.history_["validation"][-1] < 0.5 < model.history_["training"][0]
    assert model.n_steps_ == 400
    np.testing.assert_allclose(model.perplexity(TEXT), np.exp(model.loss(TEXT)))
    assert model.score(TEXT) == -model.loss(TEXT) > -0.5
    # By hand: pieces of the context, the last one shorter.
    ids = model.tokenizer_.encode(TEXT[:40])
    pieces = [(0, 16), (16, 32), (32, 39)]
    losses = [model.loss(ids[a : b + 1]) * (b - a) for a, b in pieces]
    np.testing.assert_allclose(model.loss(TEXT[:40]), sum(losses) / 39, rtol=1e-6)


def test_draws_are_of_the_seed_and_end_where_told(model):
    def drawn(seed, **how):
        return model.generate("t", max_new_tokens=30, temperature=3.0, seed=seed, **how)

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(1, top_k=1) == model.generate("t", max_new_tokens=30, temperature=0.0)
    assert drawn(1, top_p=1e-9) == drawn(1, top_k=1)
    assert model.generate("or not", temperature=0.0, stop="be") == "or not to be"
    assert model.generate("or not", temperature=0.0, stop=["never", ", t", "be, "]) == "or not to be, "
    # What the prompt has does not end it.
    assert model.generate("or not", temperature=0.0, stop="not", max_new_tokens=30).endswith("not")
    assert len(model.generate("or not", temperature=0.0, stop="not")) > 12


def test_attention_is_shares_of_what_was_before(model):
    maps = model.attention("or not to")
    assert maps.shape == (1, 2, 9, 9) and maps.dtype == np.float32
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-5)
    assert (np.triu(maps[0, 0], 1) == 0).all()
    np.testing.assert_array_equal(model.attention("or not to", layers=0, heads=[1, 0]), maps[:, ::-1])
    assert len(model.tokenizer_.tokens("or not to")) == 9


def test_files_and_copies_are_the_same_model_and_go_on(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    for back in (LanguageModel.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        assert back.loss(TEXT) == model.loss(TEXT)
        assert back.tokenizer_ == model.tokenizer_
        np.testing.assert_array_equal(back.history_["validation"], model.history_["validation"])
        back.save(tmp_path / "again.safetensors")
        assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()
    loaded = LanguageModel.load(tmp_path / "m.safetensors")
    given = model.get_params()
    for name, value in loaded.get_params().items():
        if name not in ("tokenizer", "evaluate_every", "warmup", "last_learning_rate"):
            assert value == given[name], name
    # What a file says is enough to make the same anew.
    loaded.set_params(evaluate_every=100).fit(TEXT).save(tmp_path / "anew.safetensors")
    assert (tmp_path / "anew.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()
    assert Tokenizer.from_file(tmp_path / "m.safetensors") == model.tokenizer_
    with pytest.raises(ValueError, match="another text"):
        loaded.resume("another text " * 100)
    with pytest.raises(TypeError, match=r"cannot be saved here.*model\.save"):
        lc.save(model, tmp_path / "m.loc")


def test_an_interrupted_training_goes_on_to_the_same_bits(model, tmp_path):
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done >= 150:
            raise KeyboardInterrupt

    cut = LanguageModel(1, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        cut.fit(TEXT, progress=stop, checkpoint=tmp_path / "cut.safetensors")
    assert seen[-1][1] == 400 and 150 <= cut.n_steps_ < 400
    assert LanguageModel.load(tmp_path / "cut.safetensors").n_steps_ == cut.n_steps_
    assert isinstance(cut.generate("t", max_new_tokens=3), str)
    # In memory, and from the file.
    for half in (cut, LanguageModel.load(tmp_path / "cut.safetensors").set_params(evaluate_every=100)):
        half.resume(TEXT, checkpoint=tmp_path / "cut.safetensors")
        model.save(tmp_path / "whole.safetensors")
        assert (tmp_path / "cut.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_ctrl_c_is_heard_and_the_interpreter_is_free():
    ticks = []

    def count():
        while not ticks or ticks[-1] is not None:
            ticks.append(time.perf_counter())
            time.sleep(0.01)

    timer = threading.Timer(0.7, signal.raise_signal, [signal.SIGINT])
    timer.start()
    threading.Thread(target=count, daemon=True).start()
    big = LanguageModel(2, width=64, max_steps=10**6)
    with pytest.raises(KeyboardInterrupt):
        big.fit(TEXT)
    ticks.append(None)
    assert 0 < big.n_steps_ < 10**6
    # Another thread went on while it trained.
    assert len(ticks) > 20


def test_the_same_again_on_any_threads_and_with_every_option():
    options = {
        "n_kv_heads": 1,
        "hidden_width": 24,
        "activation": "swiglu",
        "norm": "rms",
        "norm_first": False,
        "bias": True,
        "tied": False,
        "dropout": 0.1,
        "accumulate": 2,
        "kernel": "gaussian",
        "positions": "alibi",
        "window": 7,
        "schedule": "constant",
        "warmup": 3,
        "weight_decay": 0.01,
        "clip": None,
        "tokenizer": "byte",
    }
    found = []
    for n_jobs in (1, 2):
        made = LanguageModel(2, **SMALL | {"max_steps": 20}, **options, n_jobs=n_jobs).fit(TEXT)
        found.append(pickle.dumps(made._net))
        assert made.history_["validation"][-1] < np.log(256)
    assert found[0] == found[1]


def test_tokens_are_numbers_where_numbers_are_given():
    ids = np.array([3, 1, 4, 1, 5] * 120)
    model = LanguageModel(1, **SMALL).fit(ids)
    assert model.tokenizer_.kind == "number" and len(model.tokenizer_) == 6
    more = model.generate([3, 1, 4], max_new_tokens=4, temperature=0.0)
    assert more.tolist() == [3, 1, 4, 1, 5, 3, 1]
    assert model.loss(ids) < 0.2
    assert model.attention([3, 1]).shape == (1, 2, 2, 2)
    same = LanguageModel(1, **SMALL, tokenizer=Tokenizer.number([7])).fit(ids)
    assert len(same.tokenizer_) == 8


def test_tokenizers_give_texts_back(tmp_path):
    text = "low lower lowest, Größe 😀"
    for tokenizer in (Tokenizer.char(text), Tokenizer.byte(), Tokenizer.bpe(text * 9, 280)):
        ids = tokenizer.encode(text)
        assert ids.dtype == np.uint32 and ids.max() < len(tokenizer)
        assert tokenizer.decode(ids) == text
        tokenizer.save(tmp_path / "t.json")
        for back in (Tokenizer.from_file(tmp_path / "t.json"), pickle.loads(pickle.dumps(tokenizer))):
            assert back == tokenizer and back.kind == tokenizer.kind
    assert "".join(Tokenizer.bpe(text).tokens("low low")) == "low low"
    assert repr(Tokenizer.byte()) == "Tokenizer('byte', 256 tokens)"
    assert len(Tokenizer.bpe(text * 9, 280).encode(text)) < len(text.encode())


def test_bpe_learns_from_what_is_trained_on(tmp_path):
    model = LanguageModel(1, **SMALL | {"max_steps": 30}, tokenizer="bpe", vocabulary_size=262).fit(TEXT)
    cut = TEXT[: len(TEXT) - len(TEXT) // 10]
    assert model.tokenizer_ == Tokenizer.bpe(cut, 262)


def tensors(path, named):
    """A safetensors file."""
    header, data = {}, b""
    for name, array in named.items():
        raw = np.ascontiguousarray(array, dtype=np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(np.shape(array)), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def letters():
    """The character that stands for each byte in published vocabularies."""
    prints = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    others = [b for b in range(256) if b not in prints]
    return {**{chr(b): b for b in prints}, **{chr(256 + i): b for i, b in enumerate(others)}}


@pytest.fixture
def parrot(tmp_path):
    """A GPT-2 whose layers add nothing, so that it says the last byte again."""
    (tmp_path / "vocab.json").write_text(json.dumps(letters()))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    sizes = {"n_embd": 256, "n_layer": 1, "n_head": 2, "n_inner": 1, "n_positions": 8, "vocab_size": 256}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"} | sizes))
    zero, one = np.zeros, np.ones
    layer = {"ln_1.weight": one(256), "ln_1.bias": zero(256), "attn.c_attn.weight": zero((256, 768)), "attn.c_attn.bias": zero(768)}
    layer |= {"attn.c_proj.weight": zero((256, 256)), "attn.c_proj.bias": zero(256), "ln_2.weight": one(256), "ln_2.bias": zero(256)}
    layer |= {"mlp.c_fc.weight": zero((256, 1)), "mlp.c_fc.bias": zero(1), "mlp.c_proj.weight": zero((1, 256)), "mlp.c_proj.bias": zero(256)}
    rest = {"wte.weight": np.eye(256), "wpe.weight": zero((8, 256)), "ln_f.weight": one(256), "ln_f.bias": zero(256)}
    tensors(tmp_path / "model.safetensors", rest | {f"h.0.{name}": array for name, array in layer.items()})
    return tmp_path


def test_a_published_model_writes_on(parrot, tmp_path):
    model = LanguageModel.from_pretrained(parrot)
    assert (model.n_layers, model.n_heads, model.width, model.context) == (1, 2, 256, 8)
    assert model.generate("So é hm", max_new_tokens=20, temperature=0.0) == "So é h" + "m" * 21
    assert model.generate("So é hm", temperature=0.0, stop="mm") == "So é hmmm"
    # Scores are all the same, so that every token before weighs as much.
    np.testing.assert_allclose(model.attention("abc")[0, 1], np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None], atol=1e-6)
    assert len(model.history_["step"]) == 0
    assert Tokenizer.from_file(parrot) == model.tokenizer_
    model.save(tmp_path / "copy.safetensors")
    assert LanguageModel.load(tmp_path / "copy.safetensors").loss("abc") == model.loss("abc")
    with pytest.raises(ValueError, match=r"trained on another text"):
        model.resume("abc")


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "##s", "on", "mat"]


@pytest.fixture
def bert(tmp_path):
    """A small encoder with numbers drawn by chance."""
    rng = np.random.default_rng(3)
    width, hidden, layers = 8, 12, 2
    sizes = {"vocab_size": len(WORDS), "max_position_embeddings": 16, "type_vocab_size": 2, "hidden_size": width}
    sizes |= {"num_hidden_layers": layers, "num_attention_heads": 2, "intermediate_size": hidden}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"} | sizes))
    around = {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}
    model = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {word: i for i, word in enumerate(WORDS)}}
    kinds = {"normalizer": {"type": "BertNormalizer", "lowercase": True}, "pre_tokenizer": {"type": "BertPreTokenizer"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model, "post_processor": around} | kinds))
    shapes = {"embeddings.word_embeddings.weight": (len(WORDS), width), "embeddings.position_embeddings.weight": (16, width)}
    shapes |= {"embeddings.token_type_embeddings.weight": (2, width), "embeddings.LayerNorm.weight": (width,), "embeddings.LayerNorm.bias": (width,)}
    for i in range(layers):
        own = {f"attention.self.{name}": (width, width) for name in ("query", "key", "value")}
        own |= {"attention.output.dense": (width, width), "intermediate.dense": (hidden, width), "output.dense": (width, hidden)}
        for name, shape in own.items():
            shapes |= {f"encoder.layer.{i}.{name}.weight": shape, f"encoder.layer.{i}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"encoder.layer.{i}.{name}.weight": (width,), f"encoder.layer.{i}.{name}.bias": (width,)}
    tensors(tmp_path / "model.safetensors", {name: rng.normal(size=shape) for name, shape in shapes.items()})
    return tmp_path


def test_sentences_become_vectors(bert):
    encoder = SentenceEncoder.from_pretrained(bert)
    texts = ["The cats sat", "on the mat", ""]
    vectors = encoder.encode(texts)
    assert vectors.shape == (3, 8) == (3, encoder.width_) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-6)
    each = encoder.encode_tokens(texts)
    assert [len(rows) for rows in each] == [6, 5, 2]
    assert encoder.tokens("The cats dog") == ["[CLS]", "the", "cat", "##s", "[UNK]", "[SEP]"]
    for vector, rows in zip(vectors, each, strict=True):
        mean = rows.mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-5, atol=1e-6)
    first = SentenceEncoder.from_pretrained(bert / "model.safetensors", pooling="cls", normalize=False, max_length=4)
    np.testing.assert_allclose(first.encode("on the")[:4], encoder.encode_tokens("on the")[0, :4], rtol=1e-5)
    assert (first.max_length_, encoder.max_length_, encoder.n_layers_, encoder.n_heads_) == (4, 16, 2, 2)
    assert len(first.tokens("on the mat on the mat")) == 4
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).encode(texts), vectors)
    maps = encoder.attention("The cats sat")
    assert maps.shape == (2, 2, 6, 6)
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(encoder.attention("The cats sat", layers=[1], heads=0), maps[1:, :1])
    assert encoder.encode([]).shape == (0, 8)


@pytest.mark.skipif("LOCALITY_MINILM" not in os.environ, reason="LOCALITY_MINILM names no folder")
def test_minilm_is_what_its_own_runtime_says():
    oracle = Path(__file__).parents[2] / "crates/locality-learn/tests/oracle/minilm.json"
    sentences = json.loads(oracle.read_text())["sentences"]
    encoder = SentenceEncoder.from_pretrained(os.environ["LOCALITY_MINILM"])
    found = encoder.encode([one["text"] for one in sentences])
    np.testing.assert_allclose(found, [one["vector"] for one in sentences], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_heads": 3}, "n_heads=3 must divide width=16"),
        ({"n_kv_heads": 3}, "n_kv_heads=3 must divide"),
        ({"warmup": 400}, "warmup=400 must be below max_steps=400"),
        ({"clip": 0.0}, "clip=0.0 must be a positive number"),
        ({"norm": "batch"}, "norm='batch'"),
        ({"tokenizer": "word"}, "tokenizer='word'"),
        ({"kernel": "sofmax"}, "softmax"),
        ({"schedule": "constant", "last_learning_rate": 1e-4}, "last_learning_rate"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"context": 200}, "last tenth is held out"),
    ],
)
def test_bad_options_are_told_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        LanguageModel(1, **SMALL | options).fit(TEXT)


def test_bad_requests_are_told_in_a_sentence(model, tmp_path):
    def fails(words, kind, work):
        with pytest.raises(kind, match=words):
            work()

    fails("one text, not a list", TypeError, lambda: LanguageModel().fit(["a", "b"]))
    fails("X must be a text", TypeError, lambda: LanguageModel().fit(3))
    fails("tokens are from 0", ValueError, lambda: LanguageModel().fit([-1, 2]))
    fails("not fitted", ValueError, lambda: LanguageModel().generate("a"))
    fails("'x'", ValueError, lambda: model.generate("x"))
    fails("top_k=0", ValueError, lambda: model.generate("t", top_k=0))
    fails("stop has an empty text", ValueError, lambda: model.generate("t", stop=""))
    fails("stop has 3", TypeError, lambda: model.generate("t", stop=[3]))
    fails("prompt has no codes", ValueError, lambda: model.generate(""))
    fails("layer=1", ValueError, lambda: model.attention("to", layers=1))
    fails("head=2", ValueError, lambda: model.attention("to", heads=[2]))
    fails("layers is empty", ValueError, lambda: model.attention("to", layers=[]))
    fails("takes two", ValueError, lambda: model.loss("t"))
    fails("no code 99", ValueError, lambda: model.tokenizer_.decode([99]))
    (tmp_path / "noise.safetensors").write_bytes(b"\x07" * 99)
    fails("noise.safetensors", ValueError, lambda: LanguageModel.load(tmp_path / "noise.safetensors"))
    for load in (LanguageModel.load, Tokenizer.from_file, SentenceEncoder.from_pretrained):
        fails("nowhere", FileNotFoundError, lambda load=load: load(tmp_path / "nowhere.safetensors"))
    fails("tokenizer.json", ValueError, lambda: Tokenizer.from_file(tmp_path))
    fails("config.json", ValueError, lambda: SentenceEncoder.from_pretrained(tmp_path))
    fails("text", TypeError, lambda: Tokenizer.char(3))
