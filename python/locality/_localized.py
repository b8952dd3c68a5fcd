"""Any estimator made local: fitted anew around each target, to samples weighted by a kernel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import BaseEstimator, check_is_fitted, validate_data
from ._core import Kernel, Neighborhood
from ._local import LocalPolynomialRegressor
from ._mean import local_weights, log_sum

# Targets whose weights are held at once.
_BLOCK = 64


class _Sample(NamedTuple):
    """What counts at a target."""

    some: Array
    """Positions of training samples."""
    weights: Array
    """Sample weights times kernel."""
    thin: bool
    """Whether they are too few for a fit."""


class Localized(BaseEstimator):
    """Makes any estimator that takes `sample_weight` local: the localization trick.

    At each target a clone of the estimator is fitted to the training samples, weighted by the kernel, and predicts there. A regressor
    becomes a local regressor, a classifier a local classifier.

    Parameters
    ----------
    estimator : estimator
        Whatever has `fit(X, y, sample_weight=...)` and `predict`.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. ``"auto"`` is the kernel's own if it has one, else the one under which the local
        mean of `y` predicts best without each sample, over columns divided by their standard deviations.
    columns : sequence of int, optional
        Columns that the estimator sees; all by default. The kernel names its own.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default.
    least_weight : float, default 1e-3
        Samples that weigh less than this share of the heaviest one are left out of a fit.
    least_samples : float, default 2.0
        Effective number of samples, ``(sum w)^2 / sum w^2``, below which no fit is tried: the local mean, or the local class shares, answer.
    n_jobs : int, optional
        Threads of the weights; every core by default. The estimator has its own.

    Attributes
    ----------
    X_fit_, y_fit_ : ndarray
        Training samples and targets.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    scales_ : ndarray, shape (d,)
        What each column is divided by before the kernel sees it.
    classes_ : ndarray
        Classes, of a classifier.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Song (2026), The General Theory of Localization Methods.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> from sklearn.linear_model import Ridge
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.Localized(Ridge(alpha=1e-3), bandwidth=0.3).fit(X, np.sin(X[:, 0]))
    >>> model.predict([[1.0], [2.0]]).round(2)
    array([0.8 , 0.87])
    """

    def __init__(
        self,
        estimator: Any = None,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Literal["auto"] | float = "auto",
        columns: npt.ArrayLike | None = None,
        neighborhood: Neighborhood | str | None = None,
        least_weight: float = 1e-3,
        least_samples: float = 2.0,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.columns = columns
        self.neighborhood = neighborhood
        self.least_weight = least_weight
        self.least_samples = least_samples
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Localized:
        """Keeps the training samples, and finds the bandwidth if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,)
            Targets, or classes.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        Localized
            Itself.
        """
        if not (hasattr(self.estimator, "fit") and hasattr(self.estimator, "predict")):
            raise TypeError(f"estimator={self.estimator!r} has no fit and predict; pass an estimator, such as Ridge()")
        kernel = _arrays.kernel_of(self.kernel, X)
        neighborhood = _arrays.elsewhere(_arrays.neighborhood_of(self.neighborhood, X))
        classifies = _classifies(self.estimator)
        sites, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=not classifies)
        responses = np.asarray(targets)
        if classifies:
            from sklearn.utils.multiclass import check_classification_targets

            check_classification_targets(responses)
            self.classes_, codes = np.unique(responses, return_inverse=True)
            means = np.eye(len(self.classes_))[codes]
        else:
            means = responses.astype(np.float64)
        self.X_fit_: Array = sites
        self.y_fit_: Array = responses
        self._means: Array = means if means.ndim == 2 else means[:, None]
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), np.float64)
        search = self.bandwidth
        if isinstance(search, str) and search != "auto":
            raise ValueError(f"bandwidth={search!r} must be 'auto' or a number")
        found = LocalPolynomialRegressor(
            kernel, bandwidth=search, degree=0, neighborhood=neighborhood, n_jobs=self.n_jobs
        ).fit(sites, self._means, self.sample_weight_fit_)
        self.kernel_: Kernel = found.kernel_
        self.scales_: Array = found.scales_
        self.neighborhood_: Neighborhood = neighborhood
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """What the estimator fitted around each row of X predicts there.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,)
        """
        check_is_fitted(self)
        if not hasattr(self, "classes_"):
            return self._each(X, lambda model, x: model.predict(x), lambda mean: mean[0], self.y_fit_.dtype)
        return self._each(X, lambda model, x: model.predict(x), self._likeliest, self.classes_.dtype)

    @property
    def predict_proba(self) -> Callable[[npt.ArrayLike], Array]:
        """Probabilities of the classes, ``[m, classes]``, by the classifier fitted around each row of X; where the estimator has them."""
        if not hasattr(self.estimator, "predict_proba"):
            raise AttributeError(f"{type(self.estimator).__name__} has no predict_proba")
        return self._predict_proba

    def _predict_proba(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)

        def shares(model: Any, x: Array) -> Array:
            out = np.zeros((1, len(self.classes_)))
            out[:, np.searchsorted(self.classes_, model.classes_)] = model.predict_proba(x)
            return out

        return self._each(X, shares, lambda mean: mean / mean.sum(), np.dtype(np.float64))

    def thin(self, X: npt.ArrayLike) -> Array:
        """Whether too few samples weigh at each row of X for a fit, so that the local mean answers.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        check_is_fitted(self)
        queries = validate_data(self, X, reset=False, dtype=np.float64)
        return np.array([sample.thin for sample in weighed(self, queries)], dtype=bool)

    def score(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Accuracy of a classifier, coefficient of determination of a regressor.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        y : array_like, shape (m,)
            What was observed.
        sample_weight : array_like, shape (m,), optional
            Weights.

        Returns
        -------
        float
        """
        from sklearn.metrics import accuracy_score, r2_score

        measure = accuracy_score if _classifies(self.estimator) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    def _likeliest(self, mean: Array) -> Any:
        return self.classes_[np.argmax(mean)]

    def _each(
        self,
        X: npt.ArrayLike,
        ask: Callable[[Any, Array], Array],
        otherwise: Callable[[Array], Any],
        dtype: np.dtype[Any],
    ) -> Array:
        from sklearn.base import clone

        queries = validate_data(self, X, reset=False, dtype=np.float64)
        columns = slice(None) if self.columns is None else np.asarray(self.columns)
        train, targets = self.X_fit_[:, columns], queries[:, columns]
        thin = 0
        out: list[Any] = []
        for i, (some, weights, few) in enumerate(weighed(self, queries)):
            alone = hasattr(self, "classes_") and len(set(self.y_fit_[some])) == 1
            if few or alone:
                thin += few
                out.append(otherwise(self._mean(some, weights, queries[i])))
                continue
            model = clone(self.estimator).fit(train[some], self.y_fit_[some], sample_weight=weights)
            out.append(ask(model, targets[i : i + 1])[0])
        if thin:
            warnings.warn(
                f"{thin} of {len(out)} targets have fewer than {self.least_samples} effective samples; the local mean answers there "
                "(thin(X) says where); widen the bandwidth",
                stacklevel=3,
            )
        return np.asarray(out, dtype=dtype if dtype.kind not in "iu" or hasattr(self, "classes_") else np.float64)

    def _mean(self, some: Array, weights: Array, query: Array) -> Array:
        """The local mean of the targets; that of the nearest sample where nothing weighs."""
        if len(some):
            mean: Array = weights @ self._means[some] / weights.sum()
            return mean
        near = np.argmin((((self.X_fit_ - query) / self.scales_) ** 2).sum(axis=1))
        nearest: Array = self._means[near]
        return nearest

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        if self.estimator is not None:
            from sklearn.utils import get_tags

            inner = get_tags(self.estimator)
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = inner.classifier_tags
            tags.regressor_tags = inner.regressor_tags
        tags.target_tags.required = True
        return tags


def weighed(model: Any, queries: Array) -> Iterator[_Sample]:
    """The training samples that count at each query, for a model with a kernel over divided columns."""
    given: dict[str, Any] = {
        "kernel": model.kernel_,
        "neighborhood": model.neighborhood_,
        "n_jobs": model.n_jobs,
    }
    k = model.X_fit_ / model.scales_
    c = np.ones(len(k)) if model.sample_weight_fit_ is None else model.sample_weight_fit_
    for start in range(0, len(queries), _BLOCK):
        q = queries[start : start + _BLOCK] / model.scales_
        # Not divided by their sum: a penalty of the estimator's stands beside them.
        logs = np.maximum(log_sum(q, k, **given), -700.0)
        for w in local_weights(q, k, **given) * np.exp(logs)[:, None]:
            w[c == 0.0] = 0.0
            some = np.flatnonzero(w > model.least_weight * w.max(initial=0.0))
            weights = c[some] * w[some]
            few = len(some) == 0 or weights.sum() ** 2 < model.least_samples * (weights @ w[some])
            yield _Sample(some, weights, bool(few))


def _classifies(estimator: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(estimator))
