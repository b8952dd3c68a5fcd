"""Any estimator made local: fitted anew around each target, to samples weighted by a kernel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays, _around
from ._around import Width
from ._arrays import Array
from ._base import BaseEstimator, Prepared, check_is_fitted, validate_data
from ._core import Kernel, Neighborhood
from ._guard import LeaveOneOut, warn_thin


class _Answer(NamedTuple):
    """What is said at a target."""

    label: Any
    """The prediction: a number, or a class."""
    shares: Array
    """The same as a number ``[1]``, or as class shares ``[classes]``."""
    mean: Array
    """The local mean of these."""
    thin: bool
    """Whether evidence is too thin for all of the model."""


class Localized(LeaveOneOut, BaseEstimator):
    """Makes any estimator that takes `sample_weight` local: the localization trick.

    At each target a clone of the estimator is fitted to the training samples, weighted by the kernel, and predicts there. A regressor
    becomes a local regressor, a classifier a local classifier. Where evidence is thin (few effective samples, a target far outside, columns that
    are combinations of others there) its predictions are shrunk, so that they turn smoothly into the local mean, or the local class shares.

    Parameters
    ----------
    estimator : estimator
        Whatever has `fit(X, y, sample_weight=...)` and `predict`; of a pipeline the last step.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "line", "mean"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. The others are the kernel's own if it has one. Else, over columns divided by their
        standard deviations, ``"mean"`` and ``"line"`` are what the local mean or line of `y` (of classes, of their shares) predicts best under
        without each sample, and ``"auto"`` goes on from the better of them to where the estimator itself does, at two hundred rows: about as
        dear as predicting a thousand. A kernel nearly as wide as the table, that is the estimator fitted to all rows alike, is among those
        compared.
    columns : sequence of int or str, optional
        Columns that the estimator sees, those of a data frame by name if you like; all by default. The kernel names its own.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
    guard : bool, default True
        Whether predictions are shrunk towards the local mean where evidence is thin, by the rules of `LocalPolynomialRegressor` for a line
        through the estimator's columns, and kept near the responses that weigh; `predict` warns where more than a tenth is taken.
    least_weight : float, default 1e-3
        Samples that weigh less than this share of the heaviest one are left out of a fit.
    least_samples : float, default 2.0
        Effective number of samples, ``(sum w)^2 / sum w^2``, below which no fit is tried, guarded or not: the local mean answers.
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
    trust_ : float
        Share of what the estimator differs in from the local mean that is believed everywhere: less than 1 where ``bandwidth="auto"`` found that
        it lowers the error without each sample by more than 2 percent, as for estimators that fit rows which they are given too closely.
    columns_ : list of int or None
        Columns of the estimator by number.
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
        bandwidth: Literal["auto", "line", "mean"] | float = "auto",
        columns: npt.ArrayLike | None = None,
        neighborhood: Neighborhood | str | None = None,
        guard: bool = True,
        least_weight: float = 1e-3,
        least_samples: float = 2.0,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.columns = columns
        self.neighborhood = neighborhood
        self.guard = guard
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
            Weights, not negative; they multiply the kernel's. They say how reliable rows are, not how many there are: where evidence is thin, repeated
            rows are more of it than one row of a larger weight.

        Returns
        -------
        Localized
            Itself.
        """
        self._weight_name = _weight_name(self.estimator)
        _around.share_of(self.least_weight, "least_weight")
        _around.least_of(self.least_samples, "least_samples")
        kernel = _arrays.kernel_of(self.kernel, X)
        neighborhood = _arrays.elsewhere(_arrays.neighborhood_of(self.neighborhood, X))
        classifies = _classifies(self.estimator)
        _around.check_table(X, "Localized")
        sites, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=not classifies)
        self.columns_ = _around.columns_of(self.columns, X, sites.shape[1])
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
        self.neighborhood_: Neighborhood = neighborhood
        self._prepared = Prepared()
        table = (sites, self._means, self.sample_weight_fit_)
        found = _around.width_of(
            self.bandwidth, kernel, neighborhood, table, self.n_jobs, self.columns_, self._cost
        )
        self._keep(*found)
        return self

    def _keep(self, width: Width, trust: float = 1.0) -> None:
        self.kernel_: Kernel = width.kernel
        self.scales_: Array = width.scales
        self.trust_: float = trust

    def _cost(self, width: Width, most: float, rows: int) -> _around.Cost:
        """Mean squared error, of classes that of their shares, of rows that are left out."""
        self._keep(width)
        trials = _around.trials(self.X_fit_, self.sample_weight_fit_, rows)
        cost = _around.Mixed(bool(self.guard))
        answers = self._answers(self.X_fit_[trials.rows], trials.leave)
        with _around.one_thread():
            for i, weight, answer in zip(trials.rows, trials.weights, answers, strict=True):
                cost.add(weight, answer.mean - self._means[i], answer.shares - answer.mean)
                if not cost.least() < most:
                    break
        return cost.found()

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
        queries = self._targets(X)
        values, thin = self._predict_at(queries)
        warn_thin(thin, 2)
        return values

    def loo_predict(self) -> Array:
        """Predictions at the training rows, each by estimators fitted without its own row: leave-one-out, under the kernel that was found.

        `predict` never leaves a row out, whatever `neighborhood` says: the same numbers may be another row's.

        Returns
        -------
        ndarray, shape (n,)
            As `predict` of the training rows.
        """
        check_is_fitted(self)
        return self._values(self._all(self.X_fit_, [np.array([i]) for i in range(len(self.X_fit_))]))[0]

    @property
    def predict_proba(self) -> Callable[[npt.ArrayLike], Array]:
        """Probabilities of the classes, ``[m, classes]``, by the classifier fitted around each row of X; where the estimator has them."""
        if not hasattr(self.estimator, "predict_proba"):
            raise AttributeError(f"{type(self.estimator).__name__} has no predict_proba")
        return self._predict_proba

    def _predict_proba(self, X: npt.ArrayLike) -> Array:
        answers = self._all(self._targets(X))
        warn_thin(np.array([answer.thin for answer in answers], dtype=bool), 2)
        return np.array([answer.shares for answer in answers]).reshape(-1, len(self.classes_))

    def thin(self, X: npt.ArrayLike) -> Array:
        """Whether evidence is too thin for all of the estimator at each row of X, so that more than a tenth of what it differs in from the local mean
        is taken.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        return np.array([answer.thin for answer in self._all(self._targets(X))], dtype=bool)

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

    def _targets(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        _around.check_table(X, "Localized")
        queries: Array = validate_data(self, X, reset=False, dtype=np.float64)
        return queries

    def _predict_at(self, queries: Array) -> tuple[Array, Array]:
        return self._values(self._all(queries))

    def _values(self, found: list[_Answer]) -> tuple[Array, Array]:
        dtype = self.classes_.dtype if hasattr(self, "classes_") else self.y_fit_.dtype
        dtype = dtype if dtype.kind not in "iu" or hasattr(self, "classes_") else np.dtype(np.float64)
        return np.asarray([one.label for one in found], dtype=dtype), np.array([one.thin for one in found], dtype=bool)

    def _all(self, queries: Array, leave: list[Array] | None = None) -> list[_Answer]:
        with _around.one_thread():
            return list(self._answers(queries, leave))

    def _answers(self, queries: Array, leave: list[Array] | None = None) -> Iterator[_Answer]:
        """What is said at each query, without the training rows to leave out there."""
        from sklearn.base import clone

        columns: Any = slice(None) if self.columns_ is None else self.columns_
        train, targets = self.X_fit_[:, columns], queries[:, columns]
        coefficients = train.shape[1] + 1
        classifies = hasattr(self, "classes_")
        for i, sample in enumerate(_around.weighed(self, queries, leave)):
            some, weights = sample.some, sample.weights
            mean = self._mean(sample, queries[i], None if leave is None else leave[i])
            share = 0.0 if not sample.effective >= max(self.least_samples, 1e-300) else 1.0
            if share and self.guard:
                share = _around.believed(train[some], targets[i], sample, coefficients)
            alone = classifies and len(some) > 0 and np.count_nonzero(mean) == 1
            if _around.none_of(share) or alone:
                yield _Answer(self._label(mean), mean, mean, not alone or sample.effective < self.least_samples)
                continue
            model = clone(self.estimator).fit(train[some], self.y_fit_[some], **{self._weight_name: weights})
            label = model.predict(targets[i : i + 1])[0]
            if classifies:
                fitted = self._shares(model, targets[i : i + 1], label)
                shares = mean + share * self.trust_ * (fitted - mean)
                whole = share * self.trust_ == 1.0
                yield _Answer(label if whole else self._label(shares), shares, mean, _around.is_thin(share))
                continue
            value = float(mean[0] + share * self.trust_ * (label - mean[0]))
            thin = _around.is_thin(share)
            if self.guard:
                low, high = _around.bounds(self._means[some, 0], weights, float(mean[0]))
                held = min(max(value, low), high)
                thin = thin or abs(held - value) > 1e-9 * max(abs(low), abs(high))
                value = held if thin else value
            yield _Answer(value, np.array([value]), mean, thin)

    def _shares(self, model: Any, x: Array, label: Any) -> Array:
        """Shares of all classes by a classifier that may have seen some of them only; its vote where it has no probabilities."""
        out = np.zeros(len(self.classes_))
        if hasattr(model, "predict_proba"):
            out[np.searchsorted(self.classes_, model.classes_)] = model.predict_proba(x)[0]
        else:
            out[np.searchsorted(self.classes_, label)] = 1.0
        return out

    def _label(self, mean: Array) -> Any:
        return self.classes_[np.argmax(mean)] if hasattr(self, "classes_") else mean[0]

    def _mean(self, sample: _around.Sample, query: Array, leave: Array | None) -> Array:
        """The local mean of the targets; that of the nearest sample where nothing weighs."""
        if len(sample.some):
            mean: Array = sample.weights @ self._means[sample.some] / sample.weights.sum()
            return mean
        far = (((self.X_fit_ - query) / self.scales_) ** 2).sum(axis=1)
        if self.sample_weight_fit_ is not None:
            far[self.sample_weight_fit_ == 0.0] = np.inf
        if leave is not None:
            far[leave] = np.inf
        nearest: Array = self._means[np.argmin(far)]
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


def _weight_name(estimator: Any) -> str:
    """What sample weights are called in the estimator's `fit`."""
    if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise TypeError(f"estimator={estimator!r} has no fit and predict; pass an estimator, such as Ridge()")
    steps = getattr(estimator, "steps", None)
    last, name = (estimator, "sample_weight") if not steps else (steps[-1][1], f"{steps[-1][0]}__sample_weight")
    known = inspect.signature(last.fit).parameters
    if "sample_weight" in known or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values()):
        return name
    raise TypeError(
        f"estimator={estimator!r} takes no sample_weight in fit, by which a kernel makes it local; choose one that does, such as Ridge() or "
        "LogisticRegression()"
    )


def _classifies(estimator: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(estimator))
