"""The examples of the README and of the page about the engine are run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def examples(page: str, fence: str) -> doctest.DocTest:
    """The blocks of a page that open with a fence, as one run; everything else is blank, so that lines keep their numbers."""
    lines, inside = [], False
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == fence
            line = ""
        lines.append(line if inside else "")
    return doctest.DocTestParser().get_doctest("\n".join(lines) + "\n", {}, page, str(ROOT / page), 0)


def run(page: str, fence: str = "```python") -> None:
    test = examples(page, fence)
    assert test.examples, f"{page} has no example"
    failures: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=failures.append)
    assert not runner.failures, "".join(failures)


@pytest.mark.parametrize("page", ["README.md", "docs/engine.md"])
def test_python_of_a_page(page):
    run(page)


def test_torch_of_the_engine():
    pytest.importorskip("torch")
    run("docs/engine.md", "```python torch")
