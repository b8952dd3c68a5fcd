"""Fuzzy inference: systems of rules in words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array


class FuzzySystem:
    """A fuzzy inference system: inputs with terms, outputs, and rules in words.

    Each output has its own inference, Mamdani, Takagi-Sugeno-Kang of order 0 or 1, or Tsukamoto. Whole tables are evaluated at once.

    Parameters
    ----------
    text : str
        The system as text.
    format : {"toml", "fcl", "fis"}, default "toml"
        How it is written: the package's own format, IEC 61131-7 FCL, or MATLAB's.

    Notes
    -----
    `docs/fuzzy.md` describes the language: the shapes of terms and their parameters, hedges, norms, inferences, defuzzifiers, every key with
    its default, and what is read of the other two formats.

    See Also
    --------
    FuzzyRegressor : learns rules from data.

    References
    ----------
    Mamdani and Assilian (1975); Takagi and Sugeno (1985); Tsukamoto (1979).

    Examples
    --------
    >>> import locality as lc
    >>> system = lc.FuzzySystem('''
    ... [[input]]
    ... name = "heat"
    ... range = [0, 40]
    ... terms = { low = "trapezoid(0, 0, 15, 25)", high = "trapezoid(15, 25, 40, 40)" }
    ... [[output]]
    ... name = "fan"
    ... range = [0, 100]
    ... inference = "sugeno"
    ... terms = { slow = 20, fast = "50 + heat" }
    ... [rules]
    ... text = \"\"\"
    ... IF heat IS low THEN fan IS slow
    ... IF heat IS high THEN fan IS fast
    ... \"\"\"
    ... ''')
    >>> system.evaluate([[10.0], [20.0], [30.0]])
    array([20., 45., 80.])
    >>> system.explain([20.0])["fired"][1]["text"]
    'IF heat IS high THEN fan IS fast'
    """

    def __init__(self, text: str, format: str = "toml") -> None:
        self._rules = _core.FuzzyRules(text, format)

    @classmethod
    def _of(cls, rules: _core.FuzzyRules) -> FuzzySystem:
        made = cls.__new__(cls)
        made._rules = rules
        return made

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FuzzySystem:
        """Reads a system from a file, by its ending.

        Parameters
        ----------
        path : path-like
            A file that ends in .toml, .fcl or .fis.

        Returns
        -------
        FuzzySystem
        """
        file = Path(path)
        return cls(file.read_text(encoding="utf-8", errors="replace"), file.suffix.removeprefix("."))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the system as TOML, number for number.

        Parameters
        ----------
        path : path-like
            The file.
        """
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    def to_toml(self) -> str:
        """The system as text that reads back.

        Returns
        -------
        str
        """
        return self._rules.to_toml()

    def add(self, rule: str) -> FuzzySystem:
        """Adds a rule.

        Parameters
        ----------
        rule : str
            For example ``"IF a IS very high AND NOT b IS low THEN y IS big WITH 0.8"``.

        Returns
        -------
        FuzzySystem
            Itself.
        """
        self._rules = self._rules.with_rule(rule)
        return self

    @property
    def rules(self) -> list[str]:
        """The rules as text."""
        return self._rules.rules()

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs, the columns of a table."""
        return [name for name, _, _ in self._rules.inputs()]

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs."""
        return [name for name, _, _ in self._rules.outputs()]

    @property
    def input_terms(self) -> dict[str, dict[str, str]]:
        """Terms of the inputs as text, by input and term."""
        return {name: dict(terms) for name, _, terms in self._rules.inputs()}

    @property
    def output_terms(self) -> dict[str, dict[str, str]]:
        """Conclusions about the outputs as text, by output and term."""
        return {name: dict(terms) for name, _, terms in self._rules.outputs()}

    @property
    def input_ranges(self) -> dict[str, tuple[float, float]]:
        """From where to where each input usually goes."""
        return {name: (low, high) for name, (low, high), _ in self._rules.inputs()}

    @property
    def output_ranges(self) -> dict[str, tuple[float, float]]:
        """From where to where each output goes."""
        return {name: (low, high) for name, (low, high), _ in self._rules.outputs()}

    def memberships(self, X: Any, *, n_jobs: int | None = None) -> dict[str, dict[str, Array]]:
        """Degrees of the rows of a table in the terms of the inputs.

        Parameters
        ----------
        X : array_like, data frame, or dict of columns
            As in `evaluate`.
        n_jobs : int, optional
            Number of threads.

        Returns
        -------
        dict of dict of ndarray, shape (n,)
            By input and term.
        """
        degrees = self._rules.memberships(self._table(X), _arrays.threads(n_jobs))
        columns = iter(degrees.T)
        return {name: {term: next(columns) for term in terms} for name, terms in self.input_terms.items()}

    def evaluate(self, X: Any, *, n_jobs: int | None = None) -> Array:
        """Outputs of the rows of a table.

        Parameters
        ----------
        X : array_like of shape (n, inputs), data frame, or dict of columns
            The inputs, in the order of `inputs`; a frame or dict is read by name.
        n_jobs : int, optional
            Number of threads; every core by default. The result does not depend on it.

        Returns
        -------
        ndarray, shape (n,), or (n, outputs) where there are several
            NaN where no rule fires and the output has no default.
        """
        values = self._rules.evaluate(self._table(X), _arrays.threads(n_jobs))
        return values[:, 0] if values.shape[1] == 1 else values

    def firing(self, X: Any, *, n_jobs: int | None = None) -> Array:
        """How much each rule fires for each row, in the order of `rules`.

        Parameters
        ----------
        X : array_like, data frame, or dict of columns
            As in `evaluate`.
        n_jobs : int, optional
            Number of threads.

        Returns
        -------
        ndarray, shape (n, rules)
        """
        return self._rules.firing(self._table(X), _arrays.threads(n_jobs))

    def explain(self, x: float | Sequence[float] | Mapping[str, float] | npt.NDArray[Any]) -> dict[str, Any]:
        """Why one row gives what it gives.

        Parameters
        ----------
        x : sequence, mapping, row of a data frame or float
            One number for each input; the number itself where there is one input. A mapping, a row of a frame (a Series with the columns' names, or a
            frame of one row) is read by name.

        Returns
        -------
        dict
            ``"fired"``: the rules that fire, the strongest first, each with ``rule`` (its number, counted from 1 as in texts and errors: it is
            ``rules[rule - 1]``, and column ``rule - 1`` of `firing`), ``degree``, ``share`` and ``text``; ``"inputs"``: degrees of all terms;
            ``"outputs"``; ``"text"``: all of this in words.
        """
        given: Any = x
        named = _named(given)
        if named is not None:
            missing = [name for name in self.inputs if name not in named]
            if missing:
                raise ValueError(f"x has no value of {missing[0]!r}; give one for each of {', '.join(self.inputs)}")
            values: list[Any] = [named[name] for name in self.inputs]
        elif isinstance(given, (str, bytes, float, int)) or np.ndim(given) == 0:
            values = [given]
        else:
            values = list(given)
        found, text = self._rules.explain([_arrays.number(v, "x") for v in values])
        found["text"] = text
        return found

    def surface(
        self,
        x: str,
        y: str,
        output: str | None = None,
        *,
        points: int = 101,
        at: Mapping[str, float] | None = None,
        n_jobs: int | None = None,
    ) -> tuple[Array, Array, Array]:
        """An output over two inputs, for a plot.

        Parameters
        ----------
        x, y : str
            Two different inputs.
        output : str, optional
            Which output; the first by default.
        points : int, default 101
            Points along each input's range.
        at : dict, optional
            Values of other inputs; the middle of their ranges by default.
        n_jobs : int, optional
            Number of threads.

        Returns
        -------
        x, y : ndarray, shape (points,)
        values : ndarray, shape (points, points)
            A row for each ``y``.
        """
        inputs = self._rules.inputs()
        names = self.inputs
        for name in (x, y, *(at or {})):
            if name not in names:
                raise ValueError(f"unknown input {name!r}; known: {', '.join(names)}")
        if x == y:
            raise ValueError(f"x and y are both {x!r}, which makes a line; give two different inputs")
        if output is not None and output not in self.outputs:
            raise ValueError(f"unknown output {output!r}; known: {', '.join(self.outputs)}")
        rest = [float((at or {}).get(name, (low + high) / 2)) for name, (low, high), _ in inputs]
        over = (names.index(x), names.index(y))
        chosen = 0 if output is None else self.outputs.index(output)
        values = self._rules.surface(over, chosen, _arrays.count(points, "points"), rest, _arrays.threads(n_jobs))
        ends = [inputs[j][1] for j in over]
        return np.linspace(*ends[0], points), np.linspace(*ends[1], points), values

    def _table(self, X: Any) -> Array:
        names = _arrays.names(X)
        if isinstance(X, Mapping) or names is not None:
            known = list(X) if isinstance(X, Mapping) else (names or [])
            missing = [n for n in self.inputs if n not in known]
            if missing:
                raise ValueError(f"the table has no column {missing[0]!r}; its columns are {', '.join(map(str, known))}")
            columns = [np.atleast_1d(_arrays.numbers(X[n], n)) for n in self.inputs]
            if len({len(c) for c in columns}) > 1:
                raise ValueError("the columns differ in length; make them equally long")
            return np.ascontiguousarray(np.column_stack(columns), dtype=np.float64)
        return np.ascontiguousarray(_arrays.sites(X, "X"), dtype=np.float64)

    def __repr__(self) -> str:
        name = self._rules.name()
        return f"<FuzzySystem {name!r}: {len(self.inputs)} inputs, {len(self.outputs)} outputs, {len(self.rules)} rules>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FuzzySystem) and self._rules == other._rules

    __hash__ = None  # type: ignore[assignment]


def _named(x: Any) -> Mapping[str, Any] | None:
    """One row by its names, where it has any: a mapping, a Series whose index is of names, a frame of one row."""
    if isinstance(x, Mapping):
        return x
    if _arrays.names(x) is not None:
        if len(x) != 1:
            raise ValueError(f"x is a table of {len(x)} rows; explain takes one, such as x.iloc[0]")
        return {str(name): np.asarray(x[name])[0] for name in x.columns}
    index = getattr(x, "index", None)
    # Lists have a method of that name.
    if index is None or callable(index) or not any(isinstance(name, str) for name in index):
        return None
    if len(set(index)) < len(index):
        raise ValueError("x has a name twice in its index; give one number for each input")
    return dict(zip(index, x, strict=True))
