"""Metrics that are learned, and what estimators under them share."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _adaptive_search as _search
from . import _arrays, kernels
from ._adaptive_search import Search, Told
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, TransformerMixin, check_is_fitted, validate_data
from ._classes import classes_of
from ._core import Kernel
from ._mean import Progress

# Whole numbers of more different values than these are responses rather than classes.
_MOST_CLASSES = 20


class MetricLearner(TransformerMixin, BaseEstimator):
    """Learns which columns, and which mixtures of them, say who is alike: a linear map under which the Gaussian local mean of all other rows
    tells each row best.

    For responses the loss is the squared error as a share of their variance (metric learning for kernel regression), for classes one minus the
    mean probability of the right one (neighbourhood components analysis). It begins at the best single bandwidth of standardised columns (for fewer
    components than columns also at principal directions and at those that tell most) and never rises from there. Each round looks at all
    pairs of rows.

    Parameters
    ----------
    n_components : int, optional
        Rows of the map; as many as there are columns by default. Few make a picture of the rows.
    per_feature : bool, default False
        One factor for each column instead of a map that mixes them.
    task : {"auto", "regression", "classification"}, default "auto"
        What `y` is. "auto" takes texts, truth values and whole numbers of at most 20 different values for classes.
    max_iter : int, default 200
        Most rounds.
    tol : float, default 1e-6
        The search ends where no derivative of the loss by the map, over standardised columns, is above this.
    max_samples : int, optional
        The metric is learned from so many rows at most, drawn by chance; from all by default.
    random_state : int, RandomState or Generator, optional
        For the draw.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    components_ : ndarray, shape (r, d)
        The map. Distances between mapped rows are in bandwidths.
    kernel_ : Kernel
        The kernel that was learned, for any other estimator and for `local_mean`.
    losses_ : ndarray, shape (n_iter_ + 1,)
        The loss at the start and after each round.
    n_iter_ : int
        Number of rounds.
    converged_ : bool
        Whether the search came to rest before its rounds ran out.
    task_ : str
        What `y` was taken for.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Weinberger and Tesauro (2007), Metric learning for kernel regression; Goldberger, Roweis, Hinton and Salakhutdinov (2004), Neighbourhood
    components analysis.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> learner = lc.MetricLearner(per_feature=True).fit(X, np.sin(3 * X[:, 1]))
    >>> int(np.diag(learner.components_).argmax())
    1
    >>> model = lc.LocalMeanRegressor(learner.kernel_).fit(X, np.sin(3 * X[:, 1]))
    >>> bool(abs(model.predict([[0.0, 0.5, 0.0]])[0] - np.sin(1.5)) < 0.1)
    True
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        per_feature: bool = False,
        task: Literal["auto", "regression", "classification"] = "auto",
        max_iter: int = 200,
        tol: float = 1e-6,
        max_samples: int | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.per_feature = per_feature
        self.task = task
        self.max_iter = max_iter
        self.tol = tol
        self.max_samples = max_samples
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, *, progress: Progress | None = None) -> Self:
        """Learns the metric.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows.
        y : array_like, shape (n,) or (n, p)
            Responses, or classes.
        progress : callable, optional
            Called now and then with the rounds that are done and the most that there will be.

        Returns
        -------
        MetricLearner
            Itself.
        """
        if self.task not in ("auto", "regression", "classification"):
            raise ValueError(f"task={self.task!r} must be 'auto', 'regression' or 'classification'")
        classes = self.task == "classification" or self.task == "auto" and y is not None and _are_classes(y)
        rows, told = told_of(self, X, y, classes)
        self.task_ = "classification" if classes else "regression"
        rank = rank_of(self.n_components, rows.shape[1])
        most = most_of(self.max_samples)
        if most is not None and most < len(rows):
            some = _search.some_rows(generator(self.random_state), len(rows), most)
            rows, told = np.ascontiguousarray(rows[some]), told.of(some)
        learned = how(self, 1, progress).learn(rows, told, rank=rank, per_feature=bool(self.per_feature))
        self.components_: Array = learned.map
        self.losses_: Array = learned.losses
        self.n_iter_ = len(learned.losses) - 1
        self.converged_: bool = learned.converged
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """Rows under the map.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, r)
        """
        check_is_fitted(self)
        return _search.mapped(validate_data(self, X, reset=False, dtype=np.float64), self.components_)

    @property
    def kernel_(self) -> Kernel:
        return kernel_under(self)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.asarray([f"metriclearner{i}" for i in range(len(self.components_))], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.target_tags.required = True
        return tags


def told_of(estimator: Any, X: Any, y: Any, classes: bool) -> tuple[Array, Told]:
    """Rows in one piece, and what is to be told of them; a classifier keeps its classes."""
    classifier = isinstance(estimator, ClassifierMixin)
    if classes:
        rows, found, codes = classes_of(estimator, X, y, dtype=(np.float64,))
        told = Told.classes(codes, len(found))
        if classifier:
            estimator.classes_ = found
    else:
        if y is None:
            raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
        rows, targets = validate_data(estimator, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        values = np.asarray(targets, dtype=np.float64)
        told = Told(np.ascontiguousarray(values[:, None] if values.ndim == 1 else values), None)
    if len(rows) < 2:
        raise ValueError(f"n_samples = {len(rows)}, but a metric is learned from at least 2 rows")
    return np.ascontiguousarray(rows), told


def _are_classes(y: Any) -> bool:
    """Whether values are classes rather than responses."""
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] > 1:
        return False
    if values.dtype.kind not in "fiu":
        return True
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return False
    return len(np.unique(values)) <= min(_MOST_CLASSES, max(2, len(values) // 2))


def most_of(max_samples: int | None) -> int | None:
    """How many rows a metric is learned from at most."""
    if max_samples is None:
        return None
    most = _arrays.count(max_samples, "max_samples")
    if most < 2:
        raise ValueError(f"max_samples={most} must be at least 2: a metric is learned from pairs of rows")
    return most


def generator(random_state: Any) -> np.random.Generator:
    """What draws."""
    return np.random.default_rng(_arrays.seed(random_state))


def how(estimator: Any, patience: int, progress: Progress | None) -> Search:
    """How an estimator learns."""
    max_iter, tol = _arrays.count(estimator.max_iter, "max_iter"), _arrays.number(estimator.tol, "tol")
    return Search(max_iter, tol, patience, _arrays.threads(estimator.n_jobs), progress)


def kernel_under(estimator: Any) -> Kernel:
    """The kernel of a fitted estimator's map."""
    check_is_fitted(estimator)
    return kernels.gaussian(h=1.0, metric="mahalanobis", map=estimator.components_)


def rank_of(n_components: int | None, columns: int) -> int | None:
    """How many rows a map is to have, where that is said."""
    if n_components is None:
        return None
    rank = _arrays.count(n_components, "n_components")
    if not 1 <= rank <= columns:
        raise ValueError(f"n_components={rank} must be from 1 to the number of columns, {columns}")
    return rank
