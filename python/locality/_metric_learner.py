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
    components than columns also at principal directions and at those that tell most) and never rises from there; for classes, whose loss has
    many minima, also at some wider bandwidths, and the best end counts. Each round looks at all pairs of rows.

    Parameters
    ----------
    n_components : int, optional
        Rows of the map; as many as there are columns by default. Few make a picture of the rows.
    per_feature : bool, default False
        One factor for each column instead of a map that mixes them.
    task : {"auto", "regression", "classification"}, default "auto"
        What `y` is. "auto" takes texts, truth values and whole numbers of at most 20 different values for classes.
    max_iter : int, default 200
        Most rounds of a search.
    tol : float, default 1e-6
        The search ends where no derivative of the loss by the map, over standardised columns, is above this.
    max_samples : int, optional
        The metric is learned from so many rows at most, drawn by chance; from all by default.
    init : array_like, shape (r, d), optional
        The map to begin from instead, in bandwidths, as `components_` is; with `per_feature` positive factors in a matrix with zeros beside its
        diagonal.
    warm_start : bool, default False
        Whether a further `fit` goes on from the map of the one before.
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
    losses_ : ndarray
        The loss at the start and after each round; the least so far.
    n_iter_ : int
        Number of rounds; 1 where the start was at rest already, which takes a look as well.
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
        init: npt.ArrayLike | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.per_feature = per_feature
        self.task = task
        self.max_iter = max_iter
        self.tol = tol
        self.max_samples = max_samples
        self.init = init
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Self:
        """Learns the metric.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows.
        y : array_like, shape (n,) or (n, p)
            Responses, or classes.
        sample_weight : array_like, shape (n,), optional
            How much each row counts, as a neighbour and as what is to be told. Rows of weight 0 are left out.
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
        rows, told = weighed(*told_of(self, X, y, classes), sample_weight)
        self.task_ = "classification" if classes else "regression"
        rank = rank_of(self.n_components, rows.shape[1])
        start, most = begin(self, rows.shape[1], rank, bool(self.per_feature)), most_of(self.max_samples)
        if most is not None and most < len(rows):
            some = _search.some_rows(generator(self.random_state), len(rows), most)
            rows, told = np.ascontiguousarray(rows[some]), told.of(some)
        learned = how(self, 1, progress).learn(rows, told, rank=rank, per_feature=bool(self.per_feature), start=start)
        self.components_: Array = learned.map
        self.losses_: Array = learned.losses
        self.n_iter_ = max(1, len(learned.losses) - 1)
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


def weighed(rows: Array, told: Told, sample_weight: npt.ArrayLike | None) -> tuple[Array, Told]:
    """Rows and what is to be told of them with their weights, without those of weight 0."""
    if sample_weight is None:
        return rows, told
    weights = np.asarray(_arrays.numbers(sample_weight, "sample_weight"), dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(len(rows), float(weights))
    if weights.shape != (len(rows),):
        raise ValueError(f"sample_weight has shape {weights.shape}, but there are {len(rows)} rows; give one number for each")
    if not np.isfinite(weights).all() or (weights < 0.0).any():
        raise ValueError(f"sample_weight={weights.min():g} at the least; weights must be finite and at least 0")
    kept = np.flatnonzero(weights)
    if len(kept) == 0:
        raise ValueError("sample_weight is zero for every row; give some rows a weight above 0")
    if len(kept) < 2:
        raise ValueError(f"sample_weight is above 0 for {len(kept)} of {len(rows)} rows, but a metric is learned from at least 2 rows")
    if len(kept) < len(rows):
        rows, told, weights = np.ascontiguousarray(rows[kept]), told.of(kept), weights[kept]
    # Only ratios count, and those to a mean weight of 1 neither overflow nor vanish.
    weights = weights / weights.max()
    return rows, told._replace(weights=weights / weights.mean())


def begin(estimator: Any, columns: int, rank: int | None, per_feature: bool) -> Array | None:
    """The map to begin from, where there is one: `init`, or what was found before."""
    if estimator.init is not None:
        start, name = np.ascontiguousarray(_arrays.numbers(estimator.init, "init"), dtype=np.float64), "init"
    elif estimator.warm_start and hasattr(estimator, "components_"):
        start, name = estimator.components_, "the map to go on from (warm_start=True)"
    else:
        return None
    if start.ndim != 2 or start.shape[1] != columns or len(start) == 0:
        raise ValueError(f"{name} has shape {start.shape}, but must have {columns} columns, as many as rows have, and at least one row")
    if rank is not None and len(start) != rank:
        raise ValueError(f"{name} has {len(start)} rows, but n_components={rank}; give one row for each component")
    if not np.isfinite(start).all():
        raise ValueError(f"{name} has NaN or infinite numbers")
    if per_feature and not (len(start) == columns and (np.diag(start) > 0.0).all() and (start == np.diag(np.diag(start))).all()):
        raise ValueError(f"{name} must be a positive factor for each column, in a matrix with zeros beside its diagonal")
    return start


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
