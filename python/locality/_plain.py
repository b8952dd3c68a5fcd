"""What the estimators need of scikit-learn, for where it is not installed (and for type checkers)."""

from __future__ import annotations

import inspect
import warnings
from typing import Any, Self

import numpy as np

from . import _arrays


class NotFittedError(ValueError, AttributeError):
    """The estimator is used before `fit`."""


class BaseEstimator:
    """Parameters by name, as in scikit-learn."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters as given to the constructor."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Changes parameters; unknown names are refused."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"unknown parameter {name!r} of {type(self).__name__}; known are {sorted(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {k: v for k, v in self.get_params().items() if v is not defaults[k].default}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)


class RegressorMixin:
    """The coefficient of determination."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of the predictions at X."""
        y = np.asarray(y, dtype=np.float64)
        c = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        residual = (c @ (y - self.predict(X)) ** 2).sum()  # type: ignore[attr-defined]
        return float(1.0 - residual / (c @ (y - np.average(y, axis=0, weights=c)) ** 2).sum())


class ClassifierMixin:
    """The accuracy."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of the rows of X whose labels are all right."""
        right = np.asarray(self.predict(X)) == np.asarray(y)  # type: ignore[attr-defined]
        return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=sample_weight))


class ClusterMixin:
    """Labels in one call."""

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Fits to X and returns its labels."""
        return self.fit(X).labels_  # type: ignore[attr-defined]


class OutlierMixin:
    """Labels in one call."""

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """1 for each row of X that is no outlier, -1 for one that is."""
        return self.fit(X).predict(X)  # type: ignore[attr-defined]


def available_if(check: Any) -> Any:
    """A method that calls `check` first, which raises where there is no such method."""

    def decorate(method: Any) -> Any:
        class Available:
            def __get__(self, owner: Any, kind: Any = None) -> Any:
                if owner is None:
                    return method
                check(owner)
                return method.__get__(owner, kind)

        return Available()

    return decorate


class TransformerMixin:
    """Fitting and transforming in one."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """The rows of X after `fit` on them."""
        return self.fit(X, y).transform(X)  # type: ignore[attr-defined]


class OneToOneFeatureMixin:
    """Columns that come out are those that went in."""

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """The names of the columns, or those given, or ``x0``, ``x1``, .."""
        check_is_fitted(self)
        known = getattr(self, "feature_names_in_", input_features)
        count: int = self.n_features_in_  # type: ignore[attr-defined]
        return np.asarray([f"x{i}" for i in range(count)] if known is None else known, dtype=object)


def check_is_fitted(estimator: Any) -> None:
    """Refuses an estimator without fitted attributes."""
    if not any(name.endswith("_") and not name.startswith("_") for name in vars(estimator)):
        raise NotFittedError(f"this {type(estimator).__name__} is not fitted; call fit first")


def validate_data(estimator: Any, X: Any, y: Any = None, reset: bool = True, **how: Any) -> Any:
    """Arrays of floats with the right number of columns."""
    X = _arrays.numbers(X, "X")
    if X.ndim != 2:
        raise ValueError(f"X has {X.ndim} dimensions; sites are the rows of two, X.reshape(-1, 1) for one column")
    if reset:
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} was fitted with {estimator.n_features_in_}"
        )
    wanted = how.get("dtype")
    if wanted is not None and X.dtype not in (wanted if isinstance(wanted, list) else [wanted]):
        X = X.astype(wanted[0] if isinstance(wanted, list) else wanted)
    if y is None:
        return X
    y = _arrays.numbers(y, "y") if how.get("y_numeric") else np.asarray(y)
    if len(y) != len(X):
        raise ValueError(f"y has {len(y)} rows, but X has {len(X)}; they must be equally many")
    return X, y


def warn_column() -> None:
    """Says that a column was passed where a vector was expected."""
    warnings.warn("A column-vector y was passed when a 1d array was expected; pass y.ravel()", UserWarning, stacklevel=4)
