"""Estimators that take tables: columns of words and missing values, made numbers by a `TableEncoder` of their own."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np

from . import _arrays
from ._arrays import Array
from ._base import validate_data
from ._columns import TableEncoder, _has_text
from ._core import Kernel, Neighborhood
from ._state_parts import DAMAGED

# A target that is None was forgotten, which is not the same as none being asked for.
_ABSENT: Any = object()
SIMILARITIES = ("one-hot", "hamming")
_DEFAULTS = {"categorical_features": "from_dtype", "categorical_similarity": "one-hot", "missing": "error"}
_PROFILE = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


class Tabular:
    """Mixin: what an estimator's table needs to be numbers, found at fit and used at every prediction.

    `_encoder` is None where a table is numbers without gaps; all is then as if this mixin were not there.
    """

    _encoder: TableEncoder | None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self._policy()["missing"] != "error"
        tags.input_tags.categorical = True
        return tags

    def _policy(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _DEFAULTS if hasattr(self, name)}

    def _one_of_codes(self) -> bool:
        """Whether words are compared only by whether they are the same."""
        known = getattr(self, "categorical_similarity", getattr(self, "metric", None))
        return isinstance(known, str) and known == "hamming"

    def _table_rows(self, X: Any, reset: bool) -> Any:
        """X as numbers where it needs to be made such, else X itself."""
        if not reset:
            encoder = getattr(self, "_encoder", None)
            return X if encoder is None else encoder.transform(X)
        self._encoder = self._encoder_for(X)
        return X if self._encoder is None else self._encoder.transform(X)

    def _encoder_for(self, X: Any) -> TableEncoder | None:
        given = self._policy()
        similarity = given.get("categorical_similarity", "one-hot")
        if similarity not in SIMILARITIES:
            raise ValueError(f"categorical_similarity={similarity!r} must be one of {', '.join(SIMILARITIES)}")
        features, missing = given["categorical_features"], given["missing"]
        output: Any = "codes" if self._one_of_codes() else "one-hot"
        if isinstance(missing, str) and missing == "error":
            if features is None or (isinstance(features, str) and features == "from_dtype" and not _words_in(X)):
                return None
        return TableEncoder(features, missing=missing, handle_unknown="ignore", output=output).fit(X)

    def _named(self, X: Any) -> Any:
        """What knows the names of the columns that the model is made of."""
        encoder = getattr(self, "_encoder", None)
        return X if encoder is None else _Named(encoder.get_feature_names_out())

    def _kernel_for(self, kernel: Kernel | str, X: Any) -> Kernel:
        """A kernel over the model's columns; under ``categorical_similarity="hamming"`` with a factor for columns of words, unless it names columns."""
        made = _arrays.kernel_of(kernel, self._named(X))
        words = self._word_columns()
        if not words or "cols=" in str(made):
            return made
        numbers = self._number_columns()
        same = Kernel(f"laplace(metric=hamming, cols={words})")
        return Kernel(_over(str(made), numbers)) * same if numbers else same

    def _neighborhood_for(self, neighborhood: Neighborhood | str | None, X: Any) -> Neighborhood:
        return _arrays.neighborhood_of(neighborhood, self._named(X))

    def _columns_for(self, columns: Any, X: Any) -> list[int] | None:
        """Columns of a polynomial: of a column of words, named or by number, all that it became. Numbers of words are no part of one."""
        encoder = getattr(self, "_encoder", None)
        if encoder is None:
            return _arrays.columns_of(columns, X)
        parts = encoder._parts()
        if columns is None:
            numbers = self._number_columns() if self._word_columns() else None
            if numbers == []:
                raise ValueError(
                    "categorical_similarity='hamming' leaves a table of words alone no column for slopes; choose 'one-hot', or degree=0 of a local mean"
                )
            return numbers
        names, own = list(encoder.get_feature_names_out()), [str(name) for name in getattr(encoder, "feature_names_in_", [])]
        out: list[int] = []
        for column in [columns] if isinstance(columns, str) or np.ndim(columns) == 0 else list(columns):
            if isinstance(column, str) and column not in own:
                if column not in names:
                    raise ValueError(f"columns names {column!r}, but the table has {', '.join(own or names)}")
                out.append(names.index(column))
                continue
            j = own.index(column) if isinstance(column, str) else _arrays.count(column, "columns")
            if j >= len(encoder.categories_):
                raise ValueError(f"columns has {j}, but X has {len(encoder.categories_)} columns, counted from 0")
            out += [k for k, (source, _) in enumerate(parts) if source == j]
        return out

    def _word_columns(self) -> list[int]:
        """Columns of numbers of words, and those that say what is missing beside them."""
        encoder = getattr(self, "_encoder", None)
        if encoder is None or encoder.output != "codes":
            return []
        return [k for k, (j, part) in enumerate(encoder._parts()) if encoder.categories_[j] is not None or part is not None]

    def _number_columns(self) -> list[int]:
        encoder = getattr(self, "_encoder", None)
        words = set(self._word_columns())
        return [] if encoder is None else [k for k in range(len(encoder._parts())) if k not in words]


class _Named:
    """Names where a data frame is looked for."""

    def __init__(self, columns: Any) -> None:
        self.columns = columns


def table_data(estimator: Any, X: Any, y: Any = _ABSENT, reset: bool = True, **how: Any) -> Any:
    """`validate_data` of rows that are made numbers first, where the estimator takes tables."""
    more = {} if y is _ABSENT else {"y": y}
    if not isinstance(estimator, Tabular):
        return validate_data(estimator, X, reset=reset, **more, **how)
    rows = estimator._table_rows(X, reset)
    encoder = getattr(estimator, "_encoder", None)
    if encoder is None:
        return validate_data(estimator, rows, reset=reset, **more, **how)
    if reset:
        made = validate_data(estimator, rows, reset=True, **more, **how)
        adopt(estimator, encoder)
        return made
    if not more:
        wanted = how.get("dtype")
        kinds = [np.dtype(t) for t in (wanted if isinstance(wanted, (list, tuple)) else [wanted])] if wanted is not None else [rows.dtype]
        return rows if rows.dtype in kinds else rows.astype(kinds[0])
    # Targets beside rows whose columns are the model's: a copy takes the word on those.
    view = copy.copy(estimator)
    vars(view).pop("feature_names_in_", None)
    return validate_data(view, rows, reset=True, **more, **how)


def adopt(estimator: Any, encoder: TableEncoder) -> None:
    """The estimator's columns are the table's own, not those that words and missing values were made."""
    estimator.n_features_in_ = encoder.n_features_in_
    if hasattr(encoder, "feature_names_in_"):
        estimator.feature_names_in_ = encoder.feature_names_in_
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def kept(estimator: Any, plain: Any) -> tuple[dict[str, Any] | None, dict[str, Array]]:
    """What a file says of how tables become numbers, beside the names of columns and words: an entry of its parameters, and arrays."""
    if not isinstance(estimator, Tabular):
        return None, {}
    encoder = getattr(estimator, "_encoder", None)
    given = {name: plain(value, name) for name, value in estimator._policy().items()}
    if encoder is None:
        return (None if given == {name: _DEFAULTS[name] for name in given} else {"given": given}), {}
    found = {"categories": encoder.categories_, "output": encoder.output, "lacking": encoder.lacking_.tolist()}
    names = getattr(encoder, "feature_names_in_", None)
    own = None if names is None else [str(name) for name in names]
    return {"given": given, "found": found, "names": own}, {"table_fill": encoder.fill_, "table_shares": encoder.shares_}


def features(estimator: Any, names: Any) -> list[dict[str, Any]]:
    """Columns as a file names them. The tool reads words from those with levels; where it cannot, columns are those of the model."""
    encoder = getattr(estimator, "_encoder", None) if isinstance(estimator, Tabular) else None
    if encoder is None:
        return [] if names is None else [{"name": str(name)} for name in names]
    if encoder.missing != "error" or encoder.output != "one-hot":
        return [{"name": str(name)} for name in encoder.get_feature_names_out()]
    own = [f"x{j}" for j in range(encoder.n_features_in_)] if names is None else [str(name) for name in names]
    return [
        {"name": name} if levels is None else {"name": name, "levels": levels}
        for name, levels in zip(own, encoder.categories_, strict=True)
    ]


def restore(estimator: Any, table: Any, arrays: dict[str, Array], unplain: Any) -> bool:
    """Gives an estimator from a file the parameters and the encoder it had, and says whether it had one; its columns are the table's then."""
    if table is None:
        return False
    known = estimator._policy() if isinstance(estimator, Tabular) else {}
    given = {name: unplain(value) for name, value in dict(table["given"]).items()}
    if set(given) != set(known):
        raise ValueError(f"the file's parameters of tables are {sorted(given)}, which do not fit the model; {DAMAGED}")
    estimator.set_params(**given)
    found = table.get("found")
    if found is None:
        return False
    encoder = TableEncoder(
        given["categorical_features"], missing=given["missing"], handle_unknown="ignore", output=found["output"]
    )
    encoder._check()
    levels, lacking = found["categories"], found["lacking"]
    fill, shares = arrays["table_fill"], arrays["table_shares"]
    words = [part for part in levels if part is not None]
    right = all(isinstance(part, list) and all(isinstance(w, str) for w in part) and part == sorted(set(part)) for part in words)
    right = right and len(levels) == len(lacking) == len(fill) and all(isinstance(x, bool) for x in lacking)
    right = right and fill.ndim == shares.ndim == 1 and fill.dtype == shares.dtype == np.float64
    if not right or len(shares) != sum(len(part) for part in words):
        raise ValueError(f"the file's words do not fit its columns; {DAMAGED}")
    encoder.categories_, encoder.lacking_ = levels, np.array(lacking, dtype=bool)
    encoder.fill_, encoder.shares_ = fill, shares
    encoder.n_features_in_ = len(levels)
    if len(encoder._parts()) != estimator.n_features_in_:
        raise ValueError(f"the file's words make {len(encoder._parts())} columns of {estimator.n_features_in_}; {DAMAGED}")
    if table.get("names") is not None:
        if len(table["names"]) != len(levels) or not all(isinstance(name, str) for name in table["names"]):
            raise ValueError(f"the file's names do not fit its columns; {DAMAGED}")
        encoder.feature_names_in_ = np.array(table["names"], dtype=object)
    estimator._encoder = encoder
    adopt(estimator, encoder)
    return True


def _words_in(X: Any) -> bool:
    """Whether a table has columns of words by type or by what is in them."""
    names = getattr(X, "columns", None)
    if names is not None and hasattr(X, "dtypes"):
        for name in names:
            kind = str(X[name].dtype)
            if kind == "category" or kind.startswith(("Categorical", "Enum")):
                return True
            column = np.asarray(X[name])
            if column.dtype.kind in "OUS" and _has_text(column):
                return True
        return False
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUS" or type(X).__module__.startswith("scipy.sparse"):
        return False
    try:
        array = np.asarray(X)
    except (TypeError, ValueError):
        return False
    return array.ndim == 2 and array.dtype.kind in "OUS" and any(_has_text(column) for column in array.T)


def _over(text: str, columns: list[int]) -> str:
    """A kernel's text with each of its profiles over some columns; those inside parentheses are parameters."""
    out, at = [], 0
    while at < len(text):
        found = _PROFILE.match(text, at)
        if found:
            out.append(found[0])
            at = found.end()
            if text[at : at + 1] == "(":
                close = at + _closing(text[at:])
                inside = text[at + 1 : close].strip()
                out.append(f"({inside}{', ' if inside else ''}cols={columns})")
                at = close + 1
            else:
                out.append(f"(cols={columns})")
            continue
        out.append(text[at])
        at += 1
    return "".join(out)


def _closing(text: str) -> int:
    depth = 0
    for at, x in enumerate(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(x, 0)
        if depth == 0:
            return at
    return len(text)
