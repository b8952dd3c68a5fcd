"""Estimators on Hopfield memories: a classifier, and the filling of missing cells."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, Prepared, TransformerMixin, check_is_fitted, validate_data
from ._classes import classes_of
from ._core import Kernel


class HopfieldClassifier(ClassifierMixin, BaseEstimator):
    """Classification by recall: a sample moves among the stored samples until it rests, and reads the classes there.

    Parameters
    ----------
    kernel : Kernel or str, optional
        How much a stored sample counts; by default ``gaussian`` with a quarter of the median distance from a sample to its nearest
        other one as bandwidth, so that samples do not blur into one another.
    max_steps : int, default 100
        Most steps. 1 reads the classes at the sample's own place: attention under ``softmax``, Parzen's classifier under ``gaussian``.
    tol : float, default 1e-6
        A sample rests once no column moves by more than this share of the largest absolute number stored.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The classes.
    kernel_ : Kernel
        The kernel in force.
    X_fit_ : ndarray, shape (n, d)
        The samples.
    y_fit_ : ndarray of int, shape (n,)
        Their classes, by number.
    n_features_in_ : int
        Number of columns.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0, 0.0], [0.0, 1.0], [5.0, 5.0], [6.0, 5.0]]
    >>> model = lc.HopfieldClassifier().fit(X, ["low", "low", "high", "high"])
    >>> model.predict([[1.0, 1.0], [4.0, 4.0]]).tolist()
    ['low', 'high']
    """

    def __init__(
        self,
        kernel: Kernel | str | None = None,
        *,
        max_steps: int = 100,
        tol: float = 1e-6,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.max_steps = max_steps
        self.tol = tol
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Stores samples with their classes.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : array_like, shape (n,)
            Classes.

        Returns
        -------
        HopfieldClassifier
            Itself.
        """
        sites, self.classes_, self.y_fit_ = classes_of(self, X, y)
        self.kernel_ = self._typical(sites) if self.kernel is None else _arrays.kernel_of(self.kernel, X)
        self.X_fit_ = sites
        self._prepared = Prepared(self._make())
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """The share of each class where the samples come to rest.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples.

        Returns
        -------
        ndarray, shape (m, k)
            The classes' shares of all stored samples where none is near.
        """
        check_is_fitted(self)
        states = validate_data(self, X, reset=False, dtype=self.X_fit_.dtype)
        if self._prepared.made is None:
            self._prepared = Prepared(self._make())
        _, values, _, _, lost, _ = self._prepared.made.recall(states, None, _arrays.threads(self.n_jobs))
        if lost:
            values[lost] = np.bincount(self.y_fit_, minlength=len(self.classes_)) / len(self.y_fit_)
        # Rounding of the mean aside, shares sum up to one.
        proba: Array = values / values.sum(axis=1, keepdims=True)
        return proba

    def predict(self, X: npt.ArrayLike) -> Array:
        """The class of the largest share.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples.

        Returns
        -------
        ndarray, shape (m,)
        """
        shares = self.predict_proba(X)
        labels: Array = self.classes_[shares.argmax(axis=1)]
        return labels

    def _typical(self, sites: Array) -> Kernel:
        if len(sites) < 2:
            return Kernel("gaussian(h=1)")
        threads = _arrays.threads(self.n_jobs)
        nearest = _core.Nearest(sites, threads=threads).k_nearest(sites, 2, threads)[1][:, 1]
        apart = nearest[nearest > 0]
        return Kernel(f"gaussian(h={0.25 * float(np.median(apart)) if len(apart) else 1.0!r})")

    def _make(self) -> _core.HopfieldMemory:
        steps = _arrays.count(self.max_steps, "max_steps")
        if steps == 0:
            raise ValueError("max_steps=0 must be at least 1: a sample that takes no step reads nothing")
        one_hot = np.eye(len(self.classes_), dtype=self.X_fit_.dtype)[self.y_fit_]
        return _core.HopfieldMemory(
            self.X_fit_,
            one_hot,
            self.kernel_,
            steps,
            _arrays.number(self.tol, "tol"),
        )


class HopfieldImputer(TransformerMixin, BaseEstimator):
    """Fills missing cells (NaN) by recall from the rows whose known cells agree.

    Columns are standardized, if wanted. A row recalls the mean of the stored rows under a Gaussian kernel of the distance over its known cells; where a
    stored row misses one of these, the squared difference is the expected one. The squared distance over ``c`` known cells of ``d`` is scaled by
    ``d / c`` to all columns, as scikit-learn's ``nan_euclidean`` is, so that one bandwidth serves rows that know much and rows that know little. Each
    missing cell is filled from the stored rows that know it. Known cells stay as they are.

    Parameters
    ----------
    bandwidth : float, optional
        Of the Gaussian of the distance over all columns, in standard deviations; by default the one of ten that best fills a tenth of the known cells, hidden.
    n_steps : int, default 1
        Number of steps; those after the first weigh by the filled cells, too.
    random_state : int, RandomState, Generator or None, default 0
        Which cells are hidden to choose the bandwidth; None draws a seed.
    standardize : bool, default True
        Whether each column is divided by its own standard deviation. If not, all are by the root of their mean variance: for columns of one
        unit, such as pixels, of which those that hardly vary should count little.
    keep_empty_features : bool, default False
        Whether a column without any known cell in `fit` is kept and filled with 0; else it is left out, with a warning, as scikit-learn's
        imputers do.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    bandwidth_ : float
        The bandwidth in force.
    X_fit_ : ndarray, shape (n, d)
        The stored rows, gaps included.
    n_features_in_ : int
        Number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.array([[0.0, 1.0], [0.1, 1.1], [5.0, 9.0], [5.1, np.nan]])
    >>> lc.HopfieldImputer(bandwidth=0.1).fit_transform(X).round(2)
    array([[0. , 1. ],
           [0.1, 1.1],
           [5. , 9. ],
           [5.1, 9. ]])
    """

    def __init__(
        self,
        bandwidth: float | None = None,
        *,
        n_steps: int = 1,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        standardize: bool = True,
        keep_empty_features: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.n_steps = n_steps
        self.random_state = random_state
        self.standardize = standardize
        self.keep_empty_features = keep_empty_features
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Stores rows.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows; NaN is a missing cell.
        y : ignored

        Returns
        -------
        HopfieldImputer
            Itself.
        """
        rows = validate_data(self, X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        bandwidth = None if self.bandwidth is None else _arrays.number(self.bandwidth, "bandwidth")
        empty = np.flatnonzero(np.isnan(rows).all(axis=0))
        if len(empty) and not self.keep_empty_features:
            warnings.warn(
                f"columns {empty.tolist()} (counted from 0) have no known cell and are left out; keep_empty_features=True fills them with 0",
                stacklevel=2,
            )
        made = self._make(rows, bandwidth)
        self.bandwidth_ = made.bandwidth()
        self.X_fit_ = rows
        self._prepared = Prepared(made)
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """Fills the missing cells.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows; NaN is a missing cell.

        Returns
        -------
        ndarray, shape (m, d)
            Without the columns that were empty in `fit`, unless those are kept.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        if self._prepared.made is None:
            self._prepared = Prepared(self._make(self.X_fit_, self.bandwidth_))
        filled: Array = self._prepared.made.transform(rows, _arrays.threads(self.n_jobs))
        return filled if self.keep_empty_features else filled[:, self._known()]

    def _known(self) -> Array:
        """Which columns have a known cell."""
        known: Array = ~np.isnan(self.X_fit_).all(axis=0)
        return known

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array_like of str, optional
            Names where the imputer was fitted without any.

        Returns
        -------
        ndarray of str, shape (d,)
        """
        check_is_fitted(self)
        own, d = getattr(self, "feature_names_in_", None), self.X_fit_.shape[1]
        names = own if input_features is None else np.asarray(input_features, dtype=object)
        if names is None:
            names = np.array([f"x{i}" for i in range(d)], dtype=object)
        if len(names) != d or own is not None and list(names) != list(own):
            raise ValueError(f"input_features must be the {d} names of the columns the imputer was fitted with")
        kept = np.asarray(names, dtype=object)
        return kept if self.keep_empty_features else kept[self._known()]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        return tags

    def _make(self, rows: Array, bandwidth: float | None) -> _core.HopfieldImputer:
        steps = _arrays.count(self.n_steps, "n_steps")
        if steps == 0:
            raise ValueError("n_steps=0 must be at least 1: without a step nothing is filled")
        return _core.HopfieldImputer(
            rows,
            bandwidth,
            steps,
            # Of use only where the bandwidth is looked for.
            0 if bandwidth is not None else _arrays.seed(self.random_state),
            bool(self.standardize),
            _arrays.threads(self.n_jobs),
        )
