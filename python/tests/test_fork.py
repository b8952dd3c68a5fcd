"""Children that are forked: they have none of their parent's threads."""

import os
import subprocess
import sys

import pytest

CHILD = """
import multiprocessing, sys
import numpy as np
import locality as lc

x = np.random.default_rng(0).normal(size=(20_000, 3))
y = np.sin(x[:, 0])
threads = {threads}

def work():
    mean = lc.local_mean(x[:500], x, y, kernel="gaussian(h=0.3)", tolerance=1e-4, n_jobs=threads)
    near = lc.nearest(x[:500], x, 5, n_jobs=threads)[0]
    ridge = lc.KernelRidge(kernel="gaussian(h=1)", alpha=0.1).fit(x[:300], y[:300]).predict(x[:50])
    lines = lc.LocalPolynomialRegressor(n_jobs=threads).fit(x[:300, :1], y[:300]).predict(x[:50, :1])
    return [mean, near, ridge, lines]

def child(queue):
    queue.put(work())

own = work()
context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=child, args=(queue,))
process.start()
found = queue.get(timeout=60)
process.join()
assert all((a == b).all() for a, b in zip(own, found, strict=True))
assert all((a == b).all() for a, b in zip(own, work(), strict=True))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_a_forked_child_works_as_its_parent(threads):
    run = subprocess.run([sys.executable, "-c", CHILD.format(threads=threads)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
