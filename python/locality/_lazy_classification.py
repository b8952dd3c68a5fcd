"""Classification by neighbours as estimators."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import ClassifierMixin, check_is_fitted
from ._lazy import KNeighborsMixin, Neighbors, RadiusNeighborsMixin, Weights, own_weights
from ._tables import Tabular, table_data


def labels_of(y: Any) -> Array:
    """Labels as an array; numbers that measure something are no labels."""
    y = np.array(y)
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.trunc(y)).all()):
        raise ValueError(
            "Unknown label type: y holds numbers that are not whole; a classifier needs classes, for such numbers take a regressor"
        )
    if y.dtype.kind == "c":
        raise ValueError("Unknown label type: y holds complex numbers; a classifier needs classes")
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(_conversion("A column-vector y was passed when a 1d array was expected; pass y.ravel()"), stacklevel=3)
        y = y[:, 0]
    if y.ndim > 2 or y.ndim < 1 or y.size == 0:
        raise ValueError(f"y has shape {y.shape}; it must be (n,) or (n, p)")
    labels: Array = y
    return labels


def _conversion(text: str) -> Warning:
    try:
        from sklearn.exceptions import DataConversionWarning
    except ImportError:
        return UserWarning(text)
    made: Warning = DataConversionWarning(text)
    return made


class _Classifier(Tabular, ClassifierMixin, Neighbors):
    """What both estimators share."""

    classes_: Any

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Keeps the samples and their labels.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : array_like, shape (n,) or (n, p)
            Labels of any type, a column for each output.

        Returns
        -------
        self
        """
        sites, y = table_data(self, X, y, dtype=[np.float64, np.float32], multi_output=True)
        return self._start(sites, labels_of(y), None)

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, classes: Any = None) -> Self:
        """Adds samples and their labels to those there are.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples; their ids follow on those given so far.
        y : array_like, shape (m,) or (m, p)
            Labels.
        classes : array_like, or list of such for several outputs; optional
            All labels that will ever come, for the first call; by default those of the first call.

        Returns
        -------
        self
        """
        if not hasattr(self, "_memory"):
            sites, y = table_data(self, X, y, dtype=[np.float64, np.float32], multi_output=True)
            return self._start(sites, labels_of(y), classes)
        sites, y = table_data(self, X, y, reset=False, dtype=self._memory.dtype, multi_output=True)
        codes = self._codes(labels_of(y))
        self._more(sites, codes)
        self._count(codes)
        return self

    def _start(self, sites: Array, y: Array, classes: Any) -> Self:
        self._rule()
        self.outputs_2d_ = y.ndim == 2
        columns = list(y.T) if self.outputs_2d_ else [y]
        if classes is None:
            known = [np.unique(c) for c in columns]
        else:
            known = [np.unique(c) for c in (classes if self.outputs_2d_ else [classes])]
            if len(known) != len(columns):
                raise ValueError(f"classes has {len(known)} entries, but y has {len(columns)} outputs; give one for each")
        self.classes_ = known if self.outputs_2d_ else known[0]
        codes = self._codes(y)
        self._counts = [np.zeros(len(c), dtype=np.intp) for c in known]
        self._keep(sites, codes)
        self._count(codes)
        return self

    def _known(self) -> list[Array]:
        return self.classes_ if self.outputs_2d_ else [self.classes_]

    def _codes(self, y: Array) -> Array:
        """Labels as positions in the classes, ``[n, p]``."""
        columns, known = (list(y.T) if y.ndim == 2 else [y]), self._known()
        if len(columns) != len(known):
            raise ValueError(f"y has {len(columns)} outputs, but there were {len(known)} before; they must be the same")
        out = np.empty((len(y), len(known)))
        for j, (column, classes) in enumerate(zip(columns, known, strict=True)):
            at = np.minimum(np.searchsorted(classes, column), len(classes) - 1)
            new = np.flatnonzero(classes[at] != column)
            if len(new):
                raise ValueError(
                    f"y has the label {column[new[0]]!r}, which is not among the classes {list(classes)}; name all of them in classes= "
                    "at the first partial_fit"
                )
            out[:, j] = at
        return out

    def _count(self, codes: Array) -> None:
        for counts, column in zip(self._counts, codes.T, strict=True):
            counts += np.bincount(column.astype(np.intp), minlength=len(counts))

    def forget(self, indices: npt.ArrayLike) -> Self:
        """Forgets samples; what is left predicts as if it had been fitted alone. `classes_` stay as they are.

        Parameters
        ----------
        indices : array_like of int
            Ids of samples, as `kneighbors` tells them: numbers in the order of arrival, from 0. Other samples keep their ids.

        Returns
        -------
        self
        """
        super().forget(indices)
        targets = self._memory.made.state()[1]
        self._counts = [np.zeros(len(c), dtype=np.intp) for c in self._known()]
        self._count(targets)
        return self

    def _shares(self, X: Any) -> tuple[list[Array], Array]:
        """For each output the shares of its classes ``[m, c]``; and the queries without neighbours."""
        queries = self._queries(X)
        given = self.get_params(deep=False)
        k = given.get("n_neighbors")
        k = None if k is None else _arrays.count(k, "n_neighbors")
        radius = _arrays.number(given.get("radius", 0.0), "radius")
        jobs, rule = _arrays.threads(self.n_jobs), self._rule()
        sizes = [len(c) for c in self._known()]
        memory = self._memory.made
        if callable(rule):
            found = memory.neighbors(queries, k, radius, jobs)
            shares, empty = memory.shares_of(found[0], found[1], own_weights(rule, k, found), sizes)
        else:
            shares, empty = memory.shares(queries, k, radius, rule, sizes, jobs)
        return np.split(shares, np.cumsum(sizes)[:-1], axis=1), empty

    def _outliers(self, empty: Array) -> list[Any]:
        raise ValueError(
            f"all neighbours of {len(empty)} queries, the first being {empty[0]}, have the weight 0; widen the weights' reach"
        )

    def predict(self, X: npt.ArrayLike | None) -> Array:
        """The label of most weight among the neighbours of each row; of several, the smallest.

        Parameters
        ----------
        X : array_like, shape (m, d), or None
            Queries; None predicts each sample from the others (leave-one-out).

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        check_is_fitted(self)
        shares, empty = self._shares(X)
        out = [classes[s.argmax(axis=1)] for s, classes in zip(shares, self._known(), strict=True)]
        if len(empty):
            for column, label in zip(out, self._outliers(empty), strict=True):
                column[empty] = label
        return np.stack(out, axis=1) if self.outputs_2d_ else out[0]

    def predict_proba(self, X: npt.ArrayLike | None) -> Array | list[Array]:
        """The share of the weight of each class among the neighbours of each row.

        Parameters
        ----------
        X : array_like, shape (m, d), or None
            Queries; None predicts each sample from the others (leave-one-out).

        Returns
        -------
        ndarray, shape (m, c), or list of such for several outputs
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        shares, empty = self._shares(X)
        if len(empty):
            for s, classes, label in zip(shares, self._known(), self._outliers(empty), strict=True):
                at = np.flatnonzero(classes == label)
                if len(at):
                    s[empty, at[0]] = 1.0
                else:
                    warnings.warn(
                        f"the outlier label {label!r} is not among the classes; the probabilities of outliers are 0", stacklevel=2
                    )
        return shares if self.outputs_2d_ else shares[0]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy of the predictions.

        Parameters
        ----------
        X : array_like, shape (m, d), or None
            Queries; None scores leave-one-out predictions.
        y : array_like, shape (m,) or (m, p)
            Labels; of several outputs, all must be right.
        sample_weight : array_like, shape (m,), optional
            Weights of the rows.

        Returns
        -------
        float
        """
        right = np.asarray(self.predict(X)) == np.asarray(y)
        return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class KNeighborsClassifier(KNeighborsMixin, _Classifier):
    """Classification by a vote of the `n_neighbors` nearest samples.

    Parameters, methods and results are scikit-learn's; kernels as weights, `partial_fit` and `forget` go beyond it.

    Parameters
    ----------
    n_neighbors : int, default 5
        Number of neighbours.
    weights : {"uniform", "distance"}, kernel, callable or None, default "uniform"
        As in `KNeighborsRegressor`.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`; the first two are without effect.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones, or under ``metric="hamming"`` a number that is
        the same or not. Words that training did not have are as far from each of its words.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.

    Attributes
    ----------
    classes_ : ndarray, or list of such for several outputs
        The labels, ascending.
    outputs_2d_ : bool
        Whether there are several outputs.
    n_samples_fit_, ids_, effective_metric_, n_features_in_
        As in `NearestNeighbors`.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.KNeighborsClassifier(n_neighbors=3).fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> model.predict([[1.1]]).tolist(), model.predict_proba([[0.9]]).round(2)
    (['a'], array([[0.67, 0.33]]))
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: dict[str, Any] | None = None,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs


class RadiusNeighborsClassifier(RadiusNeighborsMixin, _Classifier):
    """Classification by a vote of all samples within a radius.

    Parameters, methods and results are scikit-learn's; kernels as weights, `partial_fit` and `forget` go beyond it.

    Parameters
    ----------
    radius : float, default 1.0
        The largest distance, the edge included.
    weights : {"uniform", "distance"}, kernel, callable or None, default "uniform"
        As in `RadiusNeighborsRegressor`.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`; the first two are without effect.
    outlier_label : label, list of labels, "most_frequent" or None, default None
        What to predict where there is no neighbour: a label (one for each output), the most frequent one, or, where it is None,
        nothing but an error. A label that is not among the classes has the probability 0, with a warning.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones, or under ``metric="hamming"`` a number that is
        the same or not. Words that training did not have are as far from each of its words.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.

    Attributes
    ----------
    classes_ : ndarray, or list of such for several outputs
        The labels, ascending.
    outlier_label_ : list or None
        The label for outliers of each output.
    outputs_2d_ : bool
        Whether there are several outputs.
    n_samples_fit_, ids_, effective_metric_, n_features_in_
        As in `NearestNeighbors`.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.RadiusNeighborsClassifier(radius=1.0, outlier_label=-1)
    >>> model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]).predict([[0.5], [2.5], [9.0]])
    array([ 0,  1, -1])
    """

    def __init__(
        self,
        radius: float = 1.0,
        *,
        weights: Weights = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        outlier_label: Any = None,
        metric_params: dict[str, Any] | None = None,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.outlier_label = outlier_label
        self.metric_params = metric_params
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs

    def _count(self, codes: Array) -> None:
        super()._count(codes)
        self.outlier_label_ = self._labels()

    def _labels(self) -> list[Any] | None:
        known, given = self._known(), self.outlier_label
        if given is None:
            return None
        if isinstance(given, str) and given == "most_frequent":
            return [classes[counts.argmax()] for classes, counts in zip(known, self._counts, strict=True)]
        labels = [given] * len(known) if np.ndim(given) == 0 else list(given)
        if len(labels) != len(known):
            raise ValueError(f"outlier_label has {len(labels)} entries, but y has {len(known)} outputs; give one for each")
        for classes, label in zip(known, labels, strict=True):
            if np.ndim(label) > 0:
                raise TypeError(f"the outlier label {label!r} must be one label, not several")
            if np.append(classes, label).dtype != classes.dtype:
                raise TypeError(f"the outlier label {label!r} is of another type than the classes {list(classes)}")
        return labels

    def _outliers(self, empty: Array) -> list[Any]:
        if self.outlier_label_ is None:
            raise ValueError(
                f"{len(empty)} queries, the first being {empty[0]}, have no neighbour of any weight; widen the radius, or give outlier_label"
            )
        return self.outlier_label_
