"""What the adaptive estimators share: the search for a metric, and what is told under it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _adaptive_members as _members
from . import _adaptive_network as _network
from . import _adaptive_search as _search
from . import _arrays, kernels
from ._adaptive_members import Member
from ._adaptive_search import Plan, Told
from ._arrays import Array
from ._autoencoders import sizes
from ._base import BaseEstimator, ClassifierMixin, Prepared, check_is_fitted
from ._columns import TableEncoder
from ._core import Kernel
from ._guard import Explanation
from ._mean import Progress
from ._metric_learner import begin, generator, how, kernel_under, most_of, rank_of, told_of, weighed


class Adaptive(BaseEstimator):
    """What the two estimators share."""

    y_fit_: Array
    members_: list[Member]
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
        n_members: int = 5,
        site_bandwidth: bool = False,
        max_samples: int | None = 3000,
        kernels: Sequence[Kernel | str] | None = None,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        max_epochs: int = 100,
        init: npt.ArrayLike | None = None,
        warm_start: bool = False,
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
        self.n_members = n_members
        self.site_bandwidth = site_bandwidth
        self.max_samples = max_samples
        self.kernels = kernels
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_epochs = max_epochs
        self.init = init
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, *, progress: Progress | None = None) -> Self:
        """Learns the metric, and keeps the rows.

        Parameters
        ----------
        X : data frame or array_like, shape (n, d)
            Training rows: numbers, words, missing values.
        y : array_like, shape (n,) or (n, p)
            What is to be told: responses, or one class for each row.
        sample_weight : array_like, shape (n,), optional
            How much each row counts: as a neighbour, as what is to be told, and where it is held out. Rows of weight 0 are left out.
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
        rows, told = weighed(*told_of(self, columns, y, isinstance(self, ClassifierMixin)), sample_weight)
        if hidden is not None and told.weights is not None:
            raise ValueError("sample_weight is not for networks, whose batches count all rows the same; leave out hidden_layer_sizes or sample_weight")
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
        most = _arrays.count(self.n_members, "n_members")
        if most == 0:
            raise ValueError("n_members=0 must be at least 1")
        plan = Plan(
            self.metric,
            rank,
            degree,
            _arrays.number(self.validation_fraction, "validation_fraction"),
            None if self.n_splits is None else max(1, _arrays.count(self.n_splits, "n_splits")),
            # What is asked for by name is one model.
            most if degree is None and rank is None and not beside else 1,
            begin(self, rows.shape[1], rank, self.metric == "per-feature"),
            bool(self.site_bandwidth),
        )
        search = how(self, _arrays.count(self.n_iter_no_change, "n_iter_no_change"), progress)
        few, few_told = np.ascontiguousarray(rows[some]), told.of(some)
        found = _search.choose(few, few_told, search, rng, plan)
        setting, learned, loss = found.choice.setting, found.learned, found.choice.loss
        self.X_fit_: Array = rows
        self.sample_weight_fit_: Array | None = told.weights
        self.members_ = []
        self._net_means, self._net_scales, self._net_coef, self._width = None, None, None, 1.0
        net = None if hidden is None else _network.learn(rows, told, hidden, epochs, search, rng, plan, most_of(self.max_samples))
        # Where held-out rows are told no better by it than by a linear map of the same rows, this stays.
        if net is not None and net.choice.loss < net.linear.loss:
            setting, loss = net.choice.setting, net.choice.loss
            self._net_means, self._net_scales, self._net_coef = net.net.numbers()
            self._width = setting.h
        elif plan.members > 1 and found.splits:
            self.members_, loss = _members.average(found, plan.members)
        self.components_: Array = learned.map if self._net_coef is not None else learned.map / setting.h
        self.metric_ = setting.name
        self.degree_ = setting.degree
        self.ridge_ = setting.ridge
        self.losses_: Array = learned.losses
        self.site_bandwidth_: Array | None = None
        if setting.site > 0.0 and not self.members_:
            places = _search.mapped(rows, self.components_)
            self.site_bandwidth_ = _search.site_bandwidths(places, told.weights, 1.0, setting.site, search.threads)
        self.n_iter_ = max(1, learned.n_iter)
        self._prepared, self._net = Prepared(), Prepared()
        self.mixture_, self.mixture_weights_ = None, None
        if beside:
            mixed = _search.mixture_of(few, few_told, beside, found, search)
            if net is not None and self._net_coef is not None:
                mixed = _network.mixture_of(net, beside, search)
            if mixed is not None:
                self.mixture_, self.mixture_weights_, loss = mixed
        self.validation_loss_ = loss
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
        if self.site_bandwidth and (fraction == 0.0 or self.kernels is not None):
            raise ValueError("site_bandwidth=True takes rows that are held out and no other kernels; leave out kernels, and validation_fraction=0")
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
    def _told(self) -> Told:
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
        """What is told at rows: responses, or probabilities of the classes."""
        check_is_fitted(self)
        rows, threads = self._encoder.transform(X), _arrays.threads(self.n_jobs)
        if self.members_:
            if self._prepared.made is None:
                self._prepared.made = _members.Fits.of(self.members_, self.X_fit_, self._told(), threads)
            average: Array = self._prepared.made.at(np.ascontiguousarray(rows, dtype=np.float64), threads)
            return average
        if self._prepared.made is None:
            places = self._features(self.X_fit_)
            self._prepared.made = _search.local_fit(places, self._told(), self._kernel(), self.degree_, self.ridge_, threads)
        return self._told().from_means(_search.local_means(self._prepared.made, self.degree_, self._features(rows), threads))

    def _kernel(self) -> Kernel:
        """Over rows under the map."""
        if self.site_bandwidth_ is not None:
            return kernels.gaussian(site_h=self.site_bandwidth_)
        return self.mixture_ or _search.gaussian(1.0)

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
        rows, threads = np.ascontiguousarray(self._encoder.transform(X), dtype=np.float64), _arrays.threads(self.n_jobs)
        if self.members_:
            return _members.explain(self.members_, self.X_fit_, self.sample_weight_fit_, rows, count, threads)
        # Weights are the kernel's for every degree, and a local mean of few values is the quickest that has them.
        nothing = Told(np.zeros((len(self.X_fit_), 1)), None, self.sample_weight_fit_)
        fit = _search.local_polynomial(self._features(self.X_fit_), nothing, self._kernel(), 0, 0.0, threads)
        return Explanation(*fit.explain(self._features(rows), count, threads))

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
        if getattr(self, "site_bandwidth_", None) is not None:
            return kernels.gaussian(site_h=self.site_bandwidth_, metric="mahalanobis", map=self.components_)
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
