"""Tables of numbers and words as numbers: what a local model can weigh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import BaseEstimator, TransformerMixin, check_is_fitted, validate_data

# More words than these in a column are names of rows rather than kinds.
_MOST = 100


class TableEncoder(TransformerMixin, BaseEstimator):
    """Columns of words as columns of zeros and ones, and values that are missing filled in; numbers stay as they are.

    It goes before any estimator of numbers: ``make_pipeline(lc.TableEncoder(), lc.LocalPolynomialRegressor())``. A column of words
    becomes one column for each word, in alphabetical order, as the command-line tool makes them. Rows with different words are then
    ``sqrt(2) * scale`` apart, rows with the same word 0: `scale` says how much of a difference of numbers a difference of words is worth.

    Parameters
    ----------
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words: by name, by position or as a mask. ``"from_dtype"`` takes those of a data frame (pandas or polars) that are
        categorical, and those of a data frame or an array of objects that hold texts; None takes none.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values (NaN, None, NA). ``"mean"`` puts the training rows' mean in their place, of words the share of each.
        ``"indicator"`` does so for numbers, leaves zeros for words, and adds a column of zeros and ones, ``name=missing``, for each column
        that lacks values in training.
    handle_unknown : {"error", "ignore"}, default "error"
        What becomes of words that training did not have: ``"ignore"`` leaves zeros, at a distance of ``scale`` from every word.
    scale : float, default 1.0
        What stands for one in the columns of words.
    output : {"one-hot", "codes"}, default "one-hot"
        ``"codes"`` makes of a column of words one column of their numbers in alphabetical order, for kernels and metrics that ask only whether
        words are the same (``metric=hamming``). Columns keep their places. Words that training did not have are -1, and missing ones a kind of
        their own, whose number follows on those of the words; `scale` has no part in it.

    Attributes
    ----------
    categories_ : list
        For each column its words, or None for numbers.
    fill_ : ndarray, shape (d,)
        Means of the columns of numbers; 0 for words.
    shares_ : ndarray, shape (words,)
        Shares of all words, column after column.
    lacking_ : ndarray of bool, shape (d,)
        Which columns lack values in training.
    n_features_in_ : int
        Number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.array([[1.0, "red"], [2.0, "blue"], [4.0, "red"]], dtype=object)
    >>> encoder = lc.TableEncoder().fit(X)
    >>> encoder.get_feature_names_out()
    array(['x0', 'x1=blue', 'x1=red'], dtype=object)
    >>> encoder.transform(X)
    array([[1., 0., 1.],
           [2., 1., 0.],
           [4., 0., 1.]])
    """

    def __init__(
        self,
        categorical_features: Literal["from_dtype"] | Sequence[str] | Sequence[int] | npt.ArrayLike | None = "from_dtype",
        *,
        missing: Literal["error", "mean", "indicator"] = "error",
        handle_unknown: Literal["error", "ignore"] = "error",
        scale: float = 1.0,
        output: Literal["one-hot", "codes"] = "one-hot",
    ) -> None:
        self.categorical_features = categorical_features
        self.missing = missing
        self.handle_unknown = handle_unknown
        self.scale = scale
        self.output = output

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns words and means.

        Parameters
        ----------
        X : data frame or array_like, shape (n, d)
            Training rows.
        y : ignored

        Returns
        -------
        TableEncoder
            Itself.
        """
        self._check()
        columns, typed = self._read(X, reset=True)
        wordy = self._wordy(columns, typed)
        self.categories_: list[list[str] | None] = []
        fill, lacking, shares = np.zeros(len(columns)), np.zeros(len(columns), dtype=bool), []
        for j, column in enumerate(columns):
            if wordy[j]:
                words, gone = _words(column)
                known = words[~gone]
                levels, counts = np.unique(known, return_counts=True)
                if len(levels) > _MOST or (len(levels) == len(known) > 2):
                    raise ValueError(
                        f"X, column {self._name(j)} has {len(levels)} different words in {len(known)} rows, too many to be kinds; leave it out"
                    )
                self.categories_.append([str(level) for level in levels])
                shares.append(counts / max(len(known), 1))
            else:
                numbers = self._numbers(j, column)
                gone = np.isnan(numbers)
                fill[j] = numbers[~gone].mean() if not gone.all() else 0.0
                self.categories_.append(None)
            lacking[j] = gone.any()
            self._refuse(j, gone)
        self.fill_, self.lacking_ = fill, lacking
        self.shares_: Array = np.concatenate([np.empty(0), *shares])
        return self

    def transform(self, X: Any) -> Array:
        """The rows as numbers.

        Parameters
        ----------
        X : data frame or array_like, shape (m, d)
            Rows, with the columns of training.

        Returns
        -------
        ndarray, shape (m, columns)
            What each is called, `get_feature_names_out` says.
        """
        check_is_fitted(self)
        self._check()
        columns, _ = self._read(X, reset=False)
        out: list[Array] = []
        marks: list[Array] = []
        shares = self.shares_
        scale, codes = _arrays.number(self.scale, "scale"), self.output == "codes"
        for j, (column, levels) in enumerate(zip(columns, self.categories_, strict=True)):
            if levels is None:
                numbers = self._numbers(j, column)
                gone = np.isnan(numbers)
                out.append(np.where(gone, self.fill_[j], numbers)[:, None])
            elif codes:
                places, gone = self._places(j, column, levels)
                out.append(np.where(gone, float(len(levels)), places)[:, None])
            else:
                ones, gone = self._ones(j, column, levels)
                if self.missing == "mean":
                    ones[gone] = shares[: len(levels)]
                out.append(ones * scale)
                shares = shares[len(levels) :]
            self._refuse(j, gone)
            if self._marked(j):
                (marks if codes else out).append(gone[:, None].astype(np.float64))
        return np.hstack(out + marks)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the columns that `transform` returns: ``name``, ``name=word`` and ``name=missing``.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names of the columns, if they were not in a data frame.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        own = getattr(self, "feature_names_in_", None)
        if input_features is not None:
            if len(input_features) != self.n_features_in_:
                raise ValueError(f"input_features should have length equal to the number of columns, {self.n_features_in_}")
            if own is not None and list(input_features) != list(own):
                raise ValueError("input_features is not equal to feature_names_in_")
            own = input_features
        names = [f"x{j}" for j in range(self.n_features_in_)] if own is None else [str(name) for name in own]
        return np.asarray([name if part is None else f"{name}={part}" for name, part in ((names[j], part) for j, part in self._parts())], dtype=object)

    def _parts(self) -> list[tuple[int, str | None]]:
        """For each column that `transform` returns the column it is made of, and its word, "missing" or None."""
        codes = self.output == "codes"
        out: list[tuple[int, str | None]] = []
        marks: list[tuple[int, str | None]] = []
        for j, levels in enumerate(self.categories_):
            out += [(j, None)] if levels is None or codes else [(j, level) for level in levels]
            if self._marked(j):
                (marks if codes else out).append((j, "missing"))
        return out + marks

    def _marked(self, j: int) -> bool:
        """Whether a column of zeros and ones says where column j lacks values: missing words have a number of their own."""
        return self.missing == "indicator" and bool(self.lacking_[j]) and not (self.output == "codes" and self.categories_[j] is not None)

    n_features_in_: int

    def _check(self) -> None:
        choices = {"missing": ("error", "mean", "indicator"), "handle_unknown": ("error", "ignore"), "output": ("one-hot", "codes")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} must be one of {', '.join(known)}")
        scale = _arrays.number(self.scale, "scale")
        if not 0.0 < scale < math.inf:
            raise ValueError(f"scale={scale} must be a positive number")

    def _name(self, j: int) -> str:
        names = getattr(self, "feature_names_in_", None)
        return str(j) if names is None else repr(str(names[j]))

    def _read(self, X: Any, reset: bool) -> tuple[list[Array], list[bool]]:
        """Columns, and which of them have a type of words."""
        names = getattr(X, "columns", None)
        if names is not None and hasattr(X, "dtypes"):
            columns = [np.asarray(X[name]) for name in names]
            types = [str(X[name].dtype) for name in names]
            if not columns or not len(columns[0]):
                raise ValueError(f"X has shape {X.shape}, a table without rows or columns; give it some")
            self._keep_names(X, len(columns), reset)
            return columns, [t == "category" or t.startswith(("Categorical", "Enum")) for t in types]
        array = X if type(X).__module__.startswith("scipy.sparse") else np.asarray(X)
        if getattr(array, "dtype", None) is not None and array.dtype.kind in "OUS":
            if array.ndim != 2:
                raise ValueError(f"X has {array.ndim} dimensions. Reshape your data: rows of a table have two")
            if not array.size:
                raise ValueError(f"X has shape {array.shape}, a table without rows or columns; give it some")
            self._keep_names(array, array.shape[1], reset)
            return list(array.T), [False] * array.shape[1]
        rows = validate_data(self, X, reset=reset, dtype=np.float64, **_ALLOW)
        return list(rows.T), [False] * rows.shape[1]

    def _keep_names(self, X: Any, width: int, reset: bool) -> None:
        names = getattr(X, "columns", None)
        found = None if names is None else np.asarray([str(name) for name in names], dtype=object)
        if reset:
            self.n_features_in_ = width
            if found is not None:
                self.feature_names_in_: Array = found
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            return
        if width != self.n_features_in_:
            raise ValueError(
                f"X has {width} features, but {type(self).__name__} is expecting {self.n_features_in_} features as input"
            )
        own = getattr(self, "feature_names_in_", None)
        if own is not None and found is not None and list(own) != list(found):
            raise ValueError(
                f"The feature names should match those that were passed during fit: {', '.join(map(str, own))}, "
                f"not {', '.join(map(str, found))}"
            )

    def _wordy(self, columns: list[Array], typed: list[bool]) -> list[bool]:
        """Which columns hold words."""
        given = self.categorical_features
        if given is None:
            return [False] * len(columns)
        if isinstance(given, str):
            if given != "from_dtype":
                raise ValueError(f"categorical_features={given!r} must be 'from_dtype', columns, a mask or None")
            return [of_type or _has_text(column) for of_type, column in zip(typed, columns, strict=True)]
        some = np.asarray(given)
        if some.dtype.kind == "b":
            if some.shape != (len(columns),):
                raise ValueError(f"categorical_features has {some.size} flags, but X has {len(columns)} columns; give one for each")
            return [bool(flag) for flag in some]
        names = [str(name) for name in getattr(self, "feature_names_in_", [])]
        wordy = [False] * len(columns)
        for part in some.tolist():
            if isinstance(part, str) and part in names:
                wordy[names.index(part)] = True
            elif isinstance(part, int) and 0 <= part < len(columns):
                wordy[part] = True
            else:
                raise ValueError(f"categorical_features has {part!r}, which is no column of X; name columns or count them from 0")
        return wordy

    def _numbers(self, j: int, column: Array) -> Array:
        if column.dtype.kind in "fiub":
            numbers = column.astype(np.float64)
        else:
            numbers = np.empty(len(column))
            for i, x in enumerate(column):
                try:
                    numbers[i] = math.nan if _missing(x) else float(x)
                except (TypeError, ValueError):
                    remedy = "name the column in categorical_features" if isinstance(x, str) else _REMEDIES.get(type(x).__name__, _NO_NUMBER)
                    raise (ValueError if isinstance(x, str) else TypeError)(
                        f"X, column {self._name(j)}, row {i} holds {x!r} instead of a number; {remedy}"
                    ) from None
        if np.isinf(numbers).any():
            raise ValueError(f"X, column {self._name(j)} contains infinity; remove such rows, or leave the cells empty")
        return numbers

    def _ones(self, j: int, column: Array, levels: list[str]) -> tuple[Array, npt.NDArray[np.bool_]]:
        places, gone = self._places(j, column, levels)
        out = np.zeros((len(places), len(levels)))
        right = np.flatnonzero((places >= 0) & ~gone)
        out[right, places[right]] = 1.0
        return out, gone

    def _places(self, j: int, column: Array, levels: list[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Words by number, -1 for those that training did not have; and where they are missing."""
        words, gone = _words(column)
        known = np.asarray(levels, dtype=np.str_)
        if not len(known):
            return np.full(len(words), -1), gone
        place = np.minimum(np.searchsorted(known, words), len(known) - 1)
        right = (known[place] == words) & ~gone
        new = np.flatnonzero(~right & ~gone)
        if len(new) and self.handle_unknown == "error":
            raise ValueError(
                f"X, column {self._name(j)}, row {new[0]}: the word {str(words[new[0]])!r} was not in training, only {', '.join(levels)}; "
                "correct it, or choose handle_unknown='ignore'"
            )
        return np.where(right, place, -1), gone

    def _refuse(self, j: int, gone: npt.NDArray[np.bool_]) -> None:
        if self.missing == "error" and gone.any():
            raise ValueError(
                f"X, column {self._name(j)} contains NaN or a missing value in row {int(np.argmax(gone))} (counted from 0); "
                "fill it in, remove the row, or choose missing='mean' or 'indicator'"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self.missing != "error"
        tags.input_tags.categorical = True
        return tags


_NO_NUMBER = "argument must be a string or a number"
_DAYS = f"{_NO_NUMBER}: {_arrays.DATES}"
# What holds no number but can be made one, by the name of its type.
_REMEDIES = dict.fromkeys(("date", "datetime", "Timestamp", "datetime64"), _DAYS)
_REMEDIES |= dict.fromkeys(("timedelta", "Timedelta", "timedelta64"), f"{_NO_NUMBER}: {_arrays.TIMES}")
_ALLOW: dict[str, Any] = {"ensure_all_finite": "allow-nan"}


def _missing(x: Any) -> bool:
    return x is None or type(x).__name__ in ("NAType", "NaTType") or (isinstance(x, (float, np.floating)) and math.isnan(x))


def _has_text(column: Array) -> bool:
    return column.dtype.kind in "US" and not _all_numbers(column) or (
        column.dtype.kind == "O" and any(isinstance(x, (str, bytes)) for x in column)
    )


def _all_numbers(column: Array) -> bool:
    """Whether texts are numbers: those of an array that numpy made of a mixed list."""
    try:
        column.astype(np.float64)
    except ValueError:
        return False
    return True


def _words(column: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Values as words without blanks around them; whole numbers are the same with and without a point."""
    gone = np.array([_missing(x) for x in column], dtype=bool)
    words = [
        "" if g else str(int(x)) if isinstance(x, (float, np.floating)) and float(x).is_integer() else str(x).strip()
        for x, g in zip(column, gone, strict=True)
    ]
    gone |= np.array([not word for word in words], dtype=bool)
    return np.asarray(words, dtype=np.str_), gone
