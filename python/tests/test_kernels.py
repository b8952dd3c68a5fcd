"""Kernels and neighbourhoods as objects."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
import sys
from pathlib import Path

import locality as lc
import numpy as np
import pytest
from locality import _core, kernels

TEXTS = [
    "gaussian(h=0.3)",
    "tricube(knn=30) * uniform(cols=group)",
    "0.5 * gaussian(h=1) + 2 * laplace(h=0.25, metric=manhattan)",
    "(gaussian(h=1) + cauchy(h=2))^0.5",
    'uniform(h=1, cols="a b")',
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_round_trip_equality_hash_and_pickle(text):
    kernel = lc.Kernel(text)
    assert str(kernel) == text
    assert eval(repr(kernel), {"Kernel": lc.Kernel}) == kernel
    assert hash(lc.Kernel(kernel)) == hash(kernel)
    assert kernel != lc.Kernel("gaussian(h=0.31)") and kernel != text
    for other in (pickle.loads(pickle.dumps(kernel)), copy.deepcopy(kernel)):
        assert other == kernel and type(other) is lc.Kernel


def test_operators_are_the_language():
    a, b = lc.Kernel("gaussian(h=1)"), lc.Kernel("cauchy(h=2)")
    assert a * b == lc.Kernel("gaussian(h=1) * cauchy(h=2)") == a * "cauchy(h=2)" == "gaussian(h=1)" * b
    assert a + b == lc.Kernel("gaussian(h=1) + cauchy(h=2)") == "gaussian(h=1)" + b
    assert 2 * a + b * 0.5 == lc.Kernel("2 * gaussian(h=1) + 0.5 * cauchy(h=2)")
    assert (a + b) ** 2 == lc.Kernel("(gaussian(h=1) + cauchy(h=2))^2")
    n = lc.Neighborhood("nearest(k=3)")
    assert n & "hollow" == lc.Neighborhood("nearest(k=3) & hollow")
    assert "hollow" & n == lc.Neighborhood("hollow & nearest(k=3)")
    assert lc.Neighborhood() == lc.Neighborhood("all")
    assert pickle.loads(pickle.dumps(n)) == n and hash(lc.Neighborhood(n)) == hash(n) and {n: 1}[n] == 1
    assert eval(repr(n), {"Neighborhood": lc.Neighborhood}) == n


@pytest.mark.parametrize("info", kernels.profiles(), ids=lambda i: i["name"])
def test_every_profile_has_its_function(info):
    make = getattr(kernels, info["name"])
    assert make() == lc.Kernel(info["name"])
    assert info["formula"] in make.__doc__ and info["summary"] in make.__doc__
    assert info["name"] in kernels.__all__
    own = {p["name"]: p["default"] + 0.25 for p in info["parameters"]}
    text = ", ".join(f"{k}={v}" for k, v in own.items())
    assert make(**own) == lc.Kernel(f"{info['name']}({text})")
    for alias in info["aliases"]:
        assert lc.Kernel(alias) == make()
    assert set(own) <= set(inspect.signature(make).parameters)


def test_arguments_as_numpy_and_lists():
    assert kernels.gaussian(np.float32(0.5)) == lc.Kernel("gaussian(h=0.5)")
    assert kernels.gaussian(np.array([0.5, 2])) == lc.Kernel("gaussian(h=[0.5, 2])")
    assert kernels.tricube(knn=np.int64(3), cols=[0, 2]) == lc.Kernel("tricube(knn=3, cols=[0, 2])")
    assert kernels.gaussian(1e-7) == lc.Kernel("gaussian(h=0.0000001)")
    assert kernels.uniform(cols='a "b"') == lc.Kernel(r'uniform(cols="a \"b\"")')
    matrix = kernels.gaussian(metric="mahalanobis", map=np.array([[1, 0.5], [0, 2]]))
    assert matrix == lc.Kernel("gaussian(metric=mahalanobis, map=[[1, 0.5], [0, 2]])")


def test_the_lists():
    assert {"euclidean", "dot"} <= {m["name"] for m in kernels.metrics()}
    assert {"nearest", "causal"} <= {n["name"] for n in kernels.neighborhoods()}


def test_the_stub_is_not_behind():
    sys.path.insert(0, str(Path(__file__).parents[1]))
    try:
        import make_stubs
    finally:
        sys.path.pop(0)
    assert make_stubs.FILE.read_text() == make_stubs.stub(), "run python/make_stubs.py"


def test_the_extension_stub_names_what_the_extension_has():
    stub = (Path(lc.__file__).parent / "_core.pyi").read_text()
    for name, value in vars(_core).items():
        if name.startswith("__") and name != "__version__":
            continue
        assert f"class {name}:" in stub or f"def {name}(" in stub or f"{name}: str" in stub, name
        if inspect.isclass(value):
            for method in vars(value):
                if not method.startswith("__"):
                    assert f"def {method}(" in stub or f"{method}:" in stub, f"{name}.{method}"


def test_examples_in_the_extension():
    found = doctest.testmod(_core)
    assert found.attempted > 0 and found.failed == 0


def test_types():
    mypy = pytest.importorskip("mypy.api")
    folder = Path(lc.__file__).parent
    out, err, code = mypy.run(["--strict", "--no-incremental", "--ignore-missing-imports", str(folder)])
    assert code == 0, out + err
