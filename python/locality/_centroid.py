"""Nearest-centroid classification as an estimator."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, check_is_fitted, validate_data
from ._core import Centroids
from ._lazy_classification import labels_of


class NearestCentroid(ClassifierMixin, BaseEstimator):
    """Classification by the nearest of one centre for each class.

    Parameters, methods and results are scikit-learn's; sample weights go beyond it.

    Parameters
    ----------
    metric : {"euclidean", "manhattan"}, default "euclidean"
        Centres are means, or medians.
    shrink_threshold : float, optional
        By how much the centres move to the overall centre in each column, in its standard errors ("nearest shrunken centroids").
    priors : {"uniform", "empirical"} or array_like, shape (k,), default "uniform"
        How frequent the classes are.

    Attributes
    ----------
    centroids_ : ndarray, shape (k, d)
        The centres.
    classes_ : ndarray, shape (k,)
        The labels, ascending.
    deviations_ : ndarray, shape (k, d)
        How far each centre is from the overall one, in standard errors, after shrinking.
    within_class_std_dev_ : ndarray, shape (d,)
        The spread within classes of each column.
    class_prior_ : ndarray, shape (k,)
        The priors.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Tibshirani et al. (2002), Diagnosis of multiple cancer types by shrunken centroids of gene expression.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]]
    >>> model = lc.NearestCentroid().fit(X, [1, 1, 1, 2, 2, 2])
    >>> model.predict([[-0.8, -1.0]])
    array([1])
    """

    def __init__(
        self,
        metric: str = "euclidean",
        *,
        shrink_threshold: float | None = None,
        priors: Any = "uniform",
    ) -> None:
        self.metric = metric
        self.shrink_threshold = shrink_threshold
        self.priors = priors

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """The centres of the classes.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : array_like, shape (n,)
            Labels of any type.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative: a sample of weight 2 counts as two.

        Returns
        -------
        NearestCentroid
            Itself.
        """
        if self.metric not in ("euclidean", "manhattan"):
            raise ValueError(f"metric={self.metric!r} is not supported; choose 'euclidean' or 'manhattan'")
        sites, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        y = labels_of(y)
        if y.ndim != 1:
            raise ValueError(f"y has shape {y.shape}; centres have one label, (n,)")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}; at least two are needed to choose from")
        weights = _arrays.weights(sample_weight, len(sites), np.float64)
        if weights is not None and not weights.any():
            raise ValueError("sample_weight is zero for every sample; give some of them a positive weight")
        priors = self.priors if isinstance(self.priors, str) else [float(p) for p in np.ravel(self.priors)]
        if not isinstance(priors, str) and not np.isclose(sum(priors), 1.0):
            warnings.warn("priors do not sum to 1; they are divided by their sum", UserWarning, stacklevel=2)
        threshold = None if self.shrink_threshold is None else _arrays.number(self.shrink_threshold, "shrink_threshold")
        made = Centroids(
            sites, codes.tolist(), self.metric, threshold, priors, None if weights is None else weights.tolist()
        )
        self.centroids_, self.deviations_, self.within_class_std_dev_, self.class_prior_ = map(np.array, made.parts())
        if (self.within_class_std_dev_ == 0).any():
            warnings.warn("in some column the samples of each class are all the same", UserWarning, stacklevel=2)
        return self

    def _made(self) -> Centroids:
        check_is_fitted(self)
        return Centroids.restore(
            self.metric, self.centroids_, self.deviations_, self.within_class_std_dev_, self.class_prior_
        )

    def _queries(self, X: Any) -> Array:
        queries: Array = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return queries

    def predict(self, X: npt.ArrayLike) -> Array:
        """The label of the nearest centre; under priors that differ, of the largest discriminant score.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m,)
        """
        made = self._made()
        labels: Array = self.classes_[made.predict(self._queries(X))]
        return labels

    def _scores(self, X: Any) -> Array:
        made = self._made()
        return np.array(made.scores(self._queries(X))).reshape(-1, len(self.classes_))

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """Discriminant scores: minus the squared distance in units of the spread within classes, plus twice the log prior.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m, k), or (m,) for two classes: the second's score less the first's
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_log_proba(self, X: npt.ArrayLike) -> Array:
        """The logarithms of `predict_proba`.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m, k)
        """
        scores = self._scores(X)
        scores = scores - scores.max(axis=1, keepdims=True)
        logs: Array = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return logs

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """The probability of each class: the softmax of the discriminant scores.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m, k)
        """
        return np.exp(self.predict_log_proba(X))
