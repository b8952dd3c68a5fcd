"""The examples of the README are run as they stand."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_python_of_the_readme():
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert blocks, "the README has no Python"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for i, block in enumerate(blocks):
        test = doctest.DocTestParser().get_doctest(block, {}, f"README block {i}", str(README), 0)
        assert test.examples, f"block {i} of the README has no example"
        failures = []
        runner.run(test, out=failures.append)
        assert not runner.failures, "".join(failures)
