"""One clear sentence for each mistake, of the right type, and an interrupt that is heard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import locality as lc
import numpy as np
import pytest

K = np.zeros((3, 2))
V = np.zeros(3)


class Sparse:
    __module__ = "scipy.sparse._csr"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: lc.local_mean(K[:, :1], K, V), "queries has 1 column.*keys has 2"),
        (lambda: lc.local_mean(K, K, V[:2]), "values has 2 rows, but keys has 3"),
        (lambda: lc.local_mean(K, [[0, 1], [2, np.nan], [0, 0]], V), "keys has NaN in row 1, column 1"),
        (lambda: lc.local_mean(K, [[0, 1], [2, None], [0, 0]], V), "keys has NaN in row 1, column 1"),
        (lambda: lc.local_mean([[0, np.inf]], K, V), "queries has inf in row 0, column 1"),
        (lambda: lc.local_mean(K, K, [1, 2, np.nan]), "values has NaN in row 2"),
        (lambda: lc.local_mean(K, K[:0], V[:0]), "keys has 0 rows"),
        (lambda: lc.local_mean(K, K, V, kernel="gausian(h=1)"), "unknown kernel 'gausian'.*'gaussian'"),
        (lambda: lc.local_mean(K, K, V, kernel="gaussian(h=0)"), "h=0 must be a positive"),
        (lambda: lc.kernels.gaussian(h=-1), "h=-1 must be a positive"),
        (lambda: lc.kernels.gaussian(h=float("nan")), "h=NaN must be a positive"),
        (lambda: lc.kernels.gaussian(h=1, knn=3), "one of h"),
        (lambda: lc.Kernel("gaussian(h=1)") ** 0, "power 0"),
        (lambda: -1 * lc.Kernel("gaussian(h=1)"), "coefficient -1"),
        (lambda: lc.local_mean(K, K, V, kernel="gaussian(cols=5)"), "5"),
        (lambda: lc.local_mean(K, K, V, kernel="gaussian(cols=x)"), "x"),
        (lambda: lc.local_mean(K, K, V, neighborhood="nearest(k=9)"), "k=9"),
        (lambda: lc.local_mean(K, K, V, neighborhood="nearst(k=1)"), "'nearest'"),
        (lambda: lc.local_mean(K, K, V, tolerance=2), "tolerance=2"),
        (lambda: lc.local_mean(K, K, V, sample_weight=[1, 2]), r"sample_weight has shape \(2,\)"),
        (lambda: lc.local_mean(K, K, V, sample_weight=[1, -2, 1]), "-2"),
        (lambda: lc.local_mean(K, K, V, n_jobs=0), "n_jobs=0"),
        (lambda: lc.local_mean(np.zeros((2, 2, 2)), K, V), r"values has shape \(3,\); among batches, give rows"),
        (lambda: lc.nearest(np.zeros((2, 2, 2)), K), "queries has 3 dimensions"),
        (lambda: lc.local_mean(K, [[1.0], [2.0, 3.0]], V), "keys is no table"),
        (lambda: lc.nearest(K, K, 4), "n_neighbors=4 must be 1 to 3"),
        (lambda: lc.nearest(K, K, 0), "n_neighbors=0 must be 1 to 3"),
        (lambda: lc.nearest(K, K, -1), "n_neighbors=-1"),
        (lambda: lc.nearest(K, K, metric="euclid"), "'euclidean'"),
        (lambda: lc.within_radius(K, K, -1), "radius=-1"),
    ],
)
def test_a_wrong_value_is_a_value_error(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: lc.local_mean([["a", "b"]], K, V), "queries holds <U1 instead of numbers"),
        (lambda: lc.local_mean(K, [[1, "b"]], V), "keys holds <U"),
        (lambda: lc.local_mean(K, np.array([[1, "b"]], dtype=object), V), "keys holds something that is not a number"),
        (lambda: lc.local_mean(K * 1j, K, V), "queries holds complex numbers"),
        (lambda: lc.local_mean(K, K, np.zeros(3, "M8[s]")), "values holds datetime64"),
        (lambda: lc.local_mean(Sparse(), K, V), "queries is a sparse matrix"),
        (lambda: lc.local_mean(K, K, V, kernel=3), "kernel must be a Kernel or a text.*not int"),
        (lambda: lc.local_mean(K, K, V, neighborhood=3), "neighborhood must be a Neighborhood or a text"),
        (lambda: lc.kernels.gaussian(h=True), "must be a number"),
        (lambda: lc.kernels.gaussian(width=1), "unexpected keyword argument 'width'"),
        (lambda: lc.Kernel("gaussian(h=1)") * [], "kernel must be a Kernel"),
        (lambda: lc.local_mean(K, K, V, progress=3), "not callable"),
        (lambda: lc.local_mean(K, K, V, tolerance=None), "tolerance must be a number, not None"),
        (lambda: lc.local_mean(K, K, V, n_jobs=1.5), "n_jobs must be a whole number or None, not 1.5"),
        (lambda: lc.MeanShift(bandwidth="a").fit(K), "bandwidth must be a number, not 'a'"),
    ],
)
def test_a_wrong_type_is_a_type_error(call, sentence):
    with pytest.raises(TypeError, match=sentence):
        call()


LONG = """
import numpy as np, signal, sys
# A shell starts what runs in its background with the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
import locality as lc
x = np.random.default_rng(0).normal(size=(400_000, 3))
print("ready", flush=True)
try:
    CALL
except KeyboardInterrupt:
    print("stopped", flush=True)
    # The interpreter is sound afterwards.
    assert lc.local_mean([0.5], [0.0, 1.0], [1.0, 3.0]) == [2.0]
    sys.exit(3)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way there")
@pytest.mark.parametrize(
    "call",
    [
        # 1.6e11 pairs: a minute and more where nothing stopped it.
        'lc.local_mean(x, x, x[:, 0], kernel="gaussian(h=1)")',
        # Long before the first mean: the search for each key's own bandwidth.
        'lc.local_mean(x[:1], x, x[:, 0], kernel="gaussian(site_knn=100000)")',
    ],
)
def test_an_interrupt_stops_long_work(call):
    with subprocess.Popen([sys.executable, "-c", LONG.replace("CALL", call)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert rest == "stopped\n"
    assert process.returncode == 3


def test_other_threads_run_meanwhile():
    import threading

    x = np.random.default_rng(0).normal(size=(20_000, 3))
    beats = []
    done = threading.Event()

    def beat():
        while not done.wait(0.005):
            beats.append(time.perf_counter())

    thread = threading.Thread(target=beat)
    thread.start()
    start = time.perf_counter()
    lc.local_mean(x, x, x, kernel="gaussian(h=1)", n_jobs=1)
    end = time.perf_counter()
    done.set()
    thread.join()
    during = [b for b in beats if start < b < end]
    # A held lock lets one through before the call and one after it.
    assert len(during) >= 3, f"{len(during)} beats in {end - start:.2f} s"
