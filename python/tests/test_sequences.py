"""From one sequence to another: what is learned, and what is refused."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest

RNG = np.random.default_rng(1)
TEXTS = sorted({"".join(RNG.choice(list("abcde"), RNG.integers(2, 6))) for _ in range(1200)})
TEXTS = [TEXTS[i] for i in RNG.permutation(len(TEXTS))]
BACK = [text[::-1] for text in TEXTS]


@pytest.fixture(scope="module")
def model():
    return lc.EncoderDecoder(1, width=32, max_epochs=15, learning_rate=5e-3).fit(TEXTS[100:], BACK[100:])


def test_texts_it_has_not_seen_are_turned_round(model):
    assert model.score(TEXTS[:100], BACK[:100]) > 0.9
    assert isinstance(model.predict(TEXTS[:1])[0], str)
    assert model.loss(TEXTS[:100], BACK[:100]) < 0.1
    assert model.loss(TEXTS[:100], TEXTS[:100]) > 1.0
    assert model.best_loss_ == model.validation_loss_curve_.min()
    assert model.n_iter_ == len(model.loss_curve_) == 15
    assert model.source_tokens_ == list("abcde")
    right = [a == b for a, b in zip(model.predict(TEXTS[:100]), BACK[:100], strict=True)]
    weights = RNG.uniform(size=100)
    np.testing.assert_allclose(model.score(TEXTS[:100], BACK[:100], weights), np.average(right, weights=weights))


def test_draws_are_of_the_seed_and_the_temperature(model):
    again = {tuple(model.generate(TEXTS[:9], temperature=3.0, random_state=seed)) for seed in (0, 0, 1)}
    assert len(again) == 2
    assert model.generate(TEXTS[:9], temperature=3.0, top_k=1) == model.predict(TEXTS[:9])
    assert all(len(text) <= 2 for text in model.generate(TEXTS[:9], max_length=2))
    back = pickle.loads(pickle.dumps(model))
    assert back.predict(TEXTS[:9]) == model.predict(TEXTS[:9])


def test_tokens_are_words_and_numbers_and_the_kernel_any():
    sources = [[w for w in ("small", "large", "red") if RNG.uniform() < 0.6] + [int(RNG.integers(2))] for _ in range(300)]
    targets = [["one"] * one[-1] + [len(one)] for one in sources]
    model = lc.EncoderDecoder(1, width=16, n_heads=2, kernel="laplace", positions="rotary", activation="swiglu", max_epochs=25, learning_rate=1e-2)
    model.fit(sources, targets)
    assert model.target_tokens_ == [1, 2, 3, 4, "one"]
    assert model.predict([["large", 1], ["small", "red", 0]]) == [["one", 2], [3]]
    assert model.score(sources, targets) > 0.95


def test_the_same_again_on_any_threads():
    def coefficients(n_jobs):
        return lc.EncoderDecoder(1, width=16, dropout=0.1, max_epochs=1, n_jobs=n_jobs).fit(TEXTS[:99], BACK[:99]).coef_

    np.testing.assert_array_equal(coefficients(1), coefficients(2))


def test_what_is_refused(model):
    def fails(words, kind, work):
        with pytest.raises(kind, match=words):
            work()

    fails("list of sequences", TypeError, lambda: model.predict("abc"))
    fails(r"X\[1\] has the token 'z', which no sequence", ValueError, lambda: model.predict(["ab", "az"]))
    fails(r"X\[0\] is empty", ValueError, lambda: model.predict([""]))
    fails(r"X\[0\] is 7", TypeError, lambda: model.predict([7]))
    fails(r"token 0.5", TypeError, lambda: model.fit([[0.5]], ["a"]))
    fails("y has 1 sequences, but X has 2", ValueError, lambda: model.fit(["a", "b"], ["a"]))
    fails("y has no tokens", ValueError, lambda: lc.EncoderDecoder().fit(["a"], [""]))
    fails("no pairs|at least one", ValueError, lambda: model.loss([], []))
    fails("y has 0 sequences", ValueError, lambda: model.score(["ab"], []))
    fails("context of 5", ValueError, lambda: model.predict(["abcdea"]))
    fails("temperature=-1", ValueError, lambda: model.generate(["ab"], temperature=-1.0))
    fails("top_k=0", ValueError, lambda: model.generate(["ab"], top_k=0))
    fails("n_heads=3 must divide", ValueError, lambda: lc.EncoderDecoder(n_heads=3).fit(["a"], ["a"]))
    fails("not fitted", ValueError, lambda: lc.EncoderDecoder().predict(["a"]))


def test_learn_has_every_learned_estimator_by_its_name():
    for name in lc.learn.__all__:
        assert getattr(lc.learn, name) is getattr(lc, name)
    assert set(lc.learn.__all__) <= set(dir(lc.learn))
    from locality.learn import EncoderDecoder

    assert EncoderDecoder is lc.EncoderDecoder
    with pytest.raises(AttributeError, match="KernelRidge"):
        lc.learn.KernelRidge
    # Whatever is trained by the crate of learned models is offered there.
    modules = {"_adaptive", "_autoencoders", "_language", "_levels", "_metric_learner", "_sentences", "_sequences", "_tokenizers"}
    estimators = {name for name in lc.__all__ if getattr(getattr(lc, name), "__module__", "").removeprefix("locality.") in modules}
    assert estimators <= set(lc.learn.__all__)


def test_a_stop_token_ends_a_target_as_its_last(model):
    whole = model.predict(TEXTS[:50])
    for text, cut in zip(whole, model.generate(TEXTS[:50], temperature=0.0, stop=["a", "b"]), strict=True):
        first = min((i for i, c in enumerate(text) if c in "ab"), default=len(text))
        assert cut == text[: first + 1]
    assert model.generate(TEXTS[:9], temperature=0.0, stop="a", max_length=1) == [text[:1] for text in whole[:9]]
    with pytest.raises(ValueError, match="stop has 'x'"):
        model.generate(TEXTS[:1], stop="x")
