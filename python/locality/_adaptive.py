"""Local means and lines under a metric that is learned: adaptive kernels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _adaptive_network as _network
from . import _adaptive_search as _search
from . import _arrays
from ._adaptive_search import Plan, Told
from ._arrays import Array
from ._autoencoders import sizes
from ._base import BaseEstimator, ClassifierMixin, Prepared, RegressorMixin, check_is_fitted
from ._columns import TableEncoder
from ._core import Kernel
from ._guard import Explanation
from ._mean import Progress
from ._metric_learner import generator, how, kernel_under, most_of, rank_of, told_of


class _Adaptive(BaseEstimator):
    """What the two estimators share."""

    y_fit_: Array
    _net_means: Array | None
    _net_scales: Array | None
    _net_coef: Array | None
    mixture_: Kernel | None
    mixture_weights_: Array | None

    def __init__(
        self,
        n_components: int | None = None,
        *,
        metric: Literal["auto", "per-feature", "full"] = "auto",
        degree: Literal["auto", 0, 1] = "auto",
        categorical_features: Any = "from_dtype",
        max_iter: int = 200,
        tol: float = 1e-6,
        validation_fraction: float = 0.2,
        n_splits: int | None = None,
        n_iter_no_change: int = 10,
        max_samples: int | None = 3000,
        kernels: Sequence[Kernel | str] | None = None,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        max_epochs: int = 100,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.metric = metric
        self.degree = degree
        self.categorical_features = categorical_features
        self.max_iter = max_iter
        self.tol = tol
        self.validation_fraction = validation_fraction
        self.n_splits = n_splits
        self.n_iter_no_change = n_iter_no_change
        self.max_samples = max_samples
        self.kernels = kernels
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: npt.ArrayLike, *, progress: Progress | None = None) -> Self:
        """Learns the metric, and keeps the rows.

        Parameters
        ----------
        X : data frame or array_like, shape (n, d)
            Training rows: numbers, words, missing values.
        y : array_like, shape (n,) or (n, p)
            What is to be told: responses, or one class for each row.
        progress : callable, optional
            Called now and then with rounds that are done, of one metric after the other, and the most that there will be of it.

        Returns
        -------
        AdaptiveKernelRegressor or AdaptiveKernelClassifier
            Itself.
        """
        degree = self._check()
        hidden = None if self.hidden_layer_sizes is None else sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
        epochs = sizes(self.max_epochs, "max_epochs")[0]
        beside = self._kernels()
        encoder = TableEncoder(self.categorical_features, missing="indicator", handle_unknown="ignore")
        columns = encoder.fit(X).transform(X)
        rows, told = told_of(self, columns, y, isinstance(self, ClassifierMixin))
        # The columns are the table's own, not those that words and missing values were made.
        self.n_features_in_ = encoder.n_features_in_
        if hasattr(encoder, "feature_names_in_"):
            self.feature_names_in_: Array = encoder.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._encoder = encoder
        self._keep(told, y)
        rank = rank_of(self.n_components, rows.shape[1])
        rng = generator(self.random_state)
        some = _search.some_rows(rng, len(rows), most_of(self.max_samples))
        plan = Plan(
            self.metric,
            rank,
            degree,
            _arrays.number(self.validation_fraction, "validation_fraction"),
            None if self.n_splits is None else max(1, _arrays.count(self.n_splits, "n_splits")),
        )
        search = how(self, _arrays.count(self.n_iter_no_change, "n_iter_no_change"), progress)
        choice, learned = _search.choose(np.ascontiguousarray(rows[some]), told.of(some), search, rng, plan)
        self.X_fit_: Array = rows
        self.components_: Array = learned.map / choice.h
        self._net_means, self._net_scales, self._net_coef, self._width = None, None, None, 1.0
        if hidden is not None:
            found = _network.learn(rows, told, np.ascontiguousarray(learned.map), hidden, epochs, search, rng, plan)
            # Where held-out rows are told no better by it, the linear map stays.
            if found is not None and found.choice.loss < choice.loss:
                choice = found.choice
                self._net_means, self._net_scales, self._net_coef = found.net.numbers()
                self._width = choice.h
        self.metric_ = choice.name
        self.degree_ = choice.degree
        self.ridge_ = choice.ridge
        self.validation_loss_ = choice.loss
        self.losses_: Array = learned.losses
        self.n_iter_ = learned.n_iter
        self._prepared, self._net = Prepared(), Prepared()
        self.mixture_, self.mixture_weights_ = None, None
        if beside:
            found_ = _search.mixture(self._features(np.ascontiguousarray(rows[some])), told.of(some), beside, search)
            self.mixture_, self.mixture_weights_ = found_.kernel, found_.weights
        return self

    def _kernels(self) -> list[Kernel | str]:
        """Kernels to mix, none where it is the learned Gaussian alone."""
        if self.kernels is None:
            return []
        if isinstance(self.kernels, (str, Kernel)):
            raise TypeError(f"kernels={self.kernels!r} must be a list of kernels; put a single one into a list")
        return [kernel if isinstance(kernel, Kernel) else Kernel(kernel) for kernel in self.kernels]

    def _check(self) -> int | None:
        if self.metric not in ("auto", "per-feature", "full"):
            raise ValueError(f"metric={self.metric!r} must be 'auto', 'per-feature' or 'full'")
        if self.metric == "per-feature" and self.n_components is not None:
            raise ValueError("n_components is for maps that mix columns; leave it out, or metric='per-feature'")
        fraction = _arrays.number(self.validation_fraction, "validation_fraction")
        if not 0.0 <= fraction < 0.9:
            raise ValueError(f"validation_fraction={fraction} must be from 0, which holds out nothing, to below 0.9")
        if fraction == 0.0 and self.hidden_layer_sizes is not None:
            raise ValueError("validation_fraction=0 holds out no row that says whether a network helps; leave out hidden_layer_sizes, or hold out some")
        if isinstance(self.degree, str) and self.degree == "auto":
            return None
        degree = _arrays.count(self.degree, "degree")
        if degree > 1:
            raise ValueError(f"degree={degree} must be 0, 1 or 'auto'")
        return degree

    @abstractmethod
    def _keep(self, told: Told, y: Any) -> None:
        """Keeps what is to be told."""

    @abstractmethod
    def _values(self) -> Array:
        """It as columns."""

    def _features(self, rows: Array) -> Array:
        """Where rows lie: distances there are in bandwidths."""
        if self._net_coef is None:
            return _search.mapped(rows, self.components_)
        if self._net.made is None:
            hidden = sizes(self.hidden_layer_sizes or (), "hidden_layer_sizes")
            self._net.made = _network.remade(hidden, len(self.components_), (self._net_means, self._net_scales, self._net_coef))
        found: Array = self._net.made.transform(np.ascontiguousarray(rows, dtype=np.float64), _arrays.threads(self.n_jobs))
        return found / self._width

    def _means(self, X: Any) -> Array:
        check_is_fitted(self)
        queries = self._features(self._encoder.transform(X))
        threads = _arrays.threads(self.n_jobs)
        if self._prepared.made is None:
            self._prepared.made = self._lay(self.degree_)
        return _search.local_means(self._prepared.made, self.degree_, queries, threads)

    def _lay(self, degree: int) -> Any:
        rows = self._features(self.X_fit_)
        kernel = 1.0 if self.mixture_ is None else self.mixture_
        return _search.local_fit(rows, self._values(), kernel, degree, self.ridge_, _arrays.threads(self.n_jobs))

    def explain(self, X: Any, n_samples: int = 5) -> Explanation:
        """The training rows that weigh most at each row of X.

        Parameters
        ----------
        X : data frame or array_like, shape (m, d)
            Rows.
        n_samples : int, default 5
            How many for each.

        Returns
        -------
        Explanation
            Indices and weights, ``[m, n_samples]`` each.
        """
        check_is_fitted(self)
        count = _arrays.count(n_samples, "n_samples")
        queries, rows = self._features(self._encoder.transform(X)), self._features(self.X_fit_)
        threads = _arrays.threads(self.n_jobs)
        # Weights are the kernel's for every degree, and a local mean of few values is the quickest that has them.
        kernel = 1.0 if self.mixture_ is None else self.mixture_
        fit = _search.local_polynomial(rows, np.zeros((len(rows), 1)), kernel, 0, 0.0, threads)
        return Explanation(*fit.explain(queries, count, threads))

    @property
    def encoder_(self) -> TableEncoder:
        check_is_fitted(self)
        if hasattr(self, "feature_names_in_"):
            # Files have the names of a model's columns once.
            self._encoder.feature_names_in_ = self.feature_names_in_
        return self._encoder

    @property
    def kernel_(self) -> Kernel:
        if getattr(self, "mixture_", None) is not None:
            raise AttributeError("kernel_: rows are weighed by a mixture over their places under components_, see mixture_; leave out kernels")
        if getattr(self, "_net_coef", None) is not None:
            raise AttributeError("kernel_: rows lie where a network puts them, which no kernel of their columns says; leave out hidden_layer_sizes")
        return kernel_under(self)

    @property
    def column_weights_(self) -> Array:
        check_is_fitted(self)
        weights: Array = np.sqrt((self.components_**2).sum(axis=0)) * self.X_fit_.std(axis=0)
        return weights

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags


class AdaptiveKernelRegressor(RegressorMixin, _Adaptive):
    """Regression by a local mean or a local line under a metric that is learned: columns that say nothing stop counting.

    Columns of words become zeros and ones, missing values means with a column that says so (`TableEncoder`). A factor for each column is
    learned by how well each row is told by the others (`MetricLearner`), and from there a map that mixes columns, each as long as held-out
    rows gain by it. What tells held-out rows best is kept, mean or line, at the bandwidth that does. Small tables are split several times,
    and all their rows then learn for as many rounds as were best. Predictions look at all rows of any table.

    Parameters
    ----------
    n_components : int, optional
        Rows of the map, fewer than columns; by default all, and as many as there are columns.
    metric : {"auto", "per-feature", "full"}, default "auto"
        One factor for each column, a map that mixes them, or what does better. "auto" tries maps of up to 100 columns.
    degree : {"auto", 0, 1}, default "auto"
        The local mean, the local line, or what does better. "auto" tries lines over up to 40 columns.
    categorical_features : default "from_dtype"
        Which columns hold words, as of `TableEncoder`.
    max_iter : int, default 200
        Most rounds of each metric.
    tol : float, default 1e-6
        As of `MetricLearner`.
    validation_fraction : float, default 0.2
        Share of the rows that are held out; 0 holds out none: each row is told by the others, the bandwidth is the metric's, and "auto" is the mean.
    n_splits : int, optional
        How often rows are held out, others each time; 5 times up to 1,000 rows, else once.
    n_iter_no_change : int, default 10
        After so many rounds in which held-out rows were told no better a metric is done.
    max_samples : int or None, default 3000
        The metric is learned from so many rows at most, drawn by chance: each round looks at all pairs of them.
    kernels : sequence of Kernel or str, optional
        Kernels beside the learned Gaussian, in whose bandwidth theirs are: `["gaussian(h=0.3)", "laplace(h=2)"]`. Rows are weighed by their sum
        with weights, none negative, that are learned by how well each row's local mean of the others tells it (`max_samples` rows at most).
    hidden_layer_sizes : int or sequence of int, optional
        A network of these layers on top of the map, trained to tell rows of a batch by others: it is kept where it tells held-out rows better.
        It learns from all rows.
    max_epochs : int, default 100
        Most passes of its training.
    random_state : int, RandomState or Generator, optional
        For which rows are drawn and held out.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    components_ : ndarray, shape (r, e)
        The map of the encoder's columns, bandwidth included.
    kernel_ : Kernel
        The kernel that was learned, over the encoder's columns.
    mixture_ : Kernel or None
        The mixture that was learned, over rows under the map; None without `kernels`.
    mixture_weights_ : ndarray, shape (1 + len(kernels),), or None
        The mean share of the learned Gaussian and of each kernel in the weights of a row's neighbours.
    column_weights_ : ndarray, shape (e,)
        How much each of them counts: the distance, in bandwidths, that its standard deviation makes.
    encoder_ : TableEncoder
        What makes numbers of rows; `get_feature_names_out` names its columns.
    metric_ : str
        What did best: "per-feature", "full" or "network".
    degree_, ridge_ : int, float
        The degree in force, and the penalty of a line's slopes.
    validation_loss_ : float
        The mean squared error of held-out rows.
    losses_ : ndarray
        The share of variance that each row's others leave, at the metric's start and after each round.
    n_iter_ : int
        The round that the metric is of.
    X_fit_, y_fit_ : ndarray
        The encoder's columns of the training rows, and their responses.
    n_features_in_ : int
        Number of columns of the table.

    References
    ----------
    Weinberger and Tesauro (2007), Metric learning for kernel regression; Prechelt (1998), Early stopping - but when?; for the local line on a
    learned metric, Gorishniy and others (2024), TabR: tabular deep learning meets nearest neighbors.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> y = np.sin(2 * X[:, 0]) + X[:, 1]
    >>> model = lc.AdaptiveKernelRegressor(random_state=0).fit(X, y)
    >>> bool(model.column_weights_[2:].max() < 0.3 * model.column_weights_[0])
    True
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    def predict(self, X: Any) -> Array:
        """The value of the local mean or line at each row of X.

        Parameters
        ----------
        X : data frame or array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        means = self._means(X)
        return means[:, 0] if self.y_fit_.ndim == 1 else means

    def _keep(self, told: Told, y: Any) -> None:
        self.y_fit_ = told.values[:, 0] if np.asarray(y).ndim == 1 else told.values

    def _values(self) -> Array:
        return np.ascontiguousarray(self.y_fit_[:, None] if self.y_fit_.ndim == 1 else self.y_fit_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


class AdaptiveKernelClassifier(ClassifierMixin, _Adaptive):
    """Classification by the classes of the rows around, under a metric that is learned: columns that say nothing stop counting.

    As `AdaptiveKernelRegressor`, with neighbourhood components analysis as the loss and one more way to begin: at the directions that part the
    classes best (Fisher's discriminants), one fewer than classes. Held-out rows are compared by the logarithms of probabilities.

    Parameters
    ----------
    n_components : int, optional
        Rows of the map, fewer than columns; by default what does best.
    metric : {"auto", "per-feature", "full"}, default "auto"
        One factor for each column, a map that mixes them, or what does better. "auto" tries maps of up to 100 columns.
    degree : {"auto", 0, 1}, default "auto"
        Local shares of the classes, or local lines through ones at classes, cut off below 0; or what does better.
    categorical_features : default "from_dtype"
        Which columns hold words, as of `TableEncoder`.
    max_iter : int, default 200
        Most rounds of each metric.
    tol : float, default 1e-6
        As of `MetricLearner`.
    validation_fraction : float, default 0.2
        Share of the rows that are held out, every class in its share; 0 holds out none, as of `AdaptiveKernelRegressor`.
    n_splits : int, optional
        How often rows are held out, others each time; 5 times up to 1,000 rows, else once.
    n_iter_no_change : int, default 10
        After so many rounds in which held-out rows were told no better a metric is done.
    max_samples : int or None, default 3000
        The metric is learned from so many rows at most, drawn by chance.
    kernels : sequence of Kernel or str, optional
        Kernels beside the learned Gaussian, as of `AdaptiveKernelRegressor`.
    hidden_layer_sizes : int or sequence of int, optional
        A network of these layers on top of the map, trained to tell rows of a batch by others: it is kept where it tells held-out rows better.
        It learns from all rows.
    max_epochs : int, default 100
        Most passes of its training.
    random_state : int, RandomState or Generator, optional
        For which rows are drawn and held out.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The classes.
    components_ : ndarray, shape (r, e)
        The map of the encoder's columns, bandwidth included.
    kernel_ : Kernel
        The kernel that was learned, over the encoder's columns.
    mixture_ : Kernel or None
        The mixture that was learned, over rows under the map; None without `kernels`.
    mixture_weights_ : ndarray, shape (1 + len(kernels),), or None
        The mean share of the learned Gaussian and of each kernel in the weights of a row's neighbours.
    column_weights_ : ndarray, shape (e,)
        How much each of them counts: the distance, in bandwidths, that its standard deviation makes.
    encoder_ : TableEncoder
        What makes numbers of rows.
    metric_ : str
        What did best: "per-feature", "full", "discriminant" or "network".
    degree_, ridge_ : int, float
        The degree in force, and the penalty of a line's slopes.
    validation_loss_ : float
        Minus the mean logarithm of the right classes' probabilities of held-out rows.
    losses_ : ndarray
        One minus the mean probability of the right class by each row's others, at the metric's start and after each round.
    n_iter_ : int
        The round that the metric is of.
    X_fit_, y_fit_ : ndarray
        The encoder's columns of the training rows, and their classes by number.
    n_features_in_ : int
        Number of columns of the table.

    References
    ----------
    Goldberger, Roweis, Hinton and Salakhutdinov (2004), Neighbourhood components analysis; Prechelt (1998), Early stopping - but when?

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    >>> model = lc.AdaptiveKernelClassifier(random_state=0).fit(X, y)
    >>> model.predict([[1.0, 1.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0, 0.0]]).tolist()
    ['same', 'other']
    """

    def predict(self, X: Any) -> Array:
        """The likeliest class at each row of X.

        Parameters
        ----------
        X : data frame or array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        found: Array = self.classes_[likeliest]
        return found

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class at each row of X.

        Parameters
        ----------
        X : data frame or array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, k)
            In the order of `classes_`.
        """
        return _search.probabilities(self._means(X))

    def _keep(self, told: Told, y: Any) -> None:
        assert told.codes is not None
        self.y_fit_ = told.codes

    def _values(self) -> Array:
        return Told.classes(self.y_fit_, len(self.classes_)).values

    classes_: Array
