"""Local means and lines under a metric that is learned: adaptive kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._adaptive_base import Adaptive
from ._adaptive_search import Told
from ._arrays import Array
from ._base import ClassifierMixin, RegressorMixin


class AdaptiveKernelRegressor(RegressorMixin, Adaptive):
    """Regression by a local mean or a local line under a metric that is learned: columns that say nothing stop counting.

    Columns of words become zeros and ones, missing values means with a column that says so (`TableEncoder`). A factor for each column is
    learned by how well each row is told by the others (`MetricLearner`), and from there a map that mixes columns, each as long as held-out
    rows gain by it. Beside them stands one bandwidth for all columns, a number or the distance to a nearest neighbour. Rows are held out several
    times. What tells them best is averaged, means and lines, under the maps of all splits at the bandwidths that do; what is asked for by name
    is one model. Predictions look at all rows of any table.

    Parameters
    ----------
    n_components : int, optional
        Rows of the map, fewer than columns; by default all, and as many as there are columns.
    metric : {"auto", "per-feature", "full"}, default "auto"
        One factor for each column, a map that mixes them, or what does better, one bandwidth for all of them included. "auto" tries maps of up
        to 100 columns.
    degree : {"auto", 0, 1}, default "auto"
        The local mean, the local line, or an average of those that do best. "auto" tries lines over up to 40 columns.
    categorical_features : default "from_dtype"
        Which columns hold words, as of `TableEncoder`.
    max_iter : int, default 200
        Most rounds of each metric.
    tol : float, default 1e-6
        As of `MetricLearner`.
    validation_fraction : float, default 0.2
        Share of the rows that are held out; 0 holds out none: each row is told by the others, the bandwidth is the metric's, and "auto" is the mean.
    n_splits : int, optional
        How often rows are held out, others each time; 5 times up to 1,000 rows, else 3 times.
    n_iter_no_change : int, default 10
        After so many rounds in which held-out rows were told no better a metric is done.
    n_members : int, default 5
        So many local models at most are averaged with ``degree="auto"``, each under the map of every split: those that together tell held-out rows
        best. 1 keeps the best alone, and so do a degree, `n_components` or `kernels` that are given, and a network that is kept.
    site_bandwidth : bool, default False
        Whether training rows may have bandwidths of their own, which go with a power of their spacing that is learned by held-out rows.
    max_samples : int or None, default 3000
        The metric is learned from so many rows at most, drawn by chance: each round looks at all pairs of them.
    kernels : sequence of Kernel or str, optional
        Kernels beside the learned Gaussian, in whose bandwidth theirs are: `["gaussian(h=0.3)", "laplace(h=2)"]`. Rows are weighed by their sum
        with weights, none negative, that are learned by how well each row's local mean of the others tells it (`max_samples` rows at most).
        The sum is kept where it tells held-out rows better than the Gaussian alone.
    hidden_layer_sizes : int or sequence of int, optional
        A network of these layers on top of the map, trained to tell rows of a batch by others: it is kept where it tells held-out rows better
        than the best linear map of the same rows.
    max_epochs : int, default 100
        Most passes of its training.
    init : array_like, shape (r, e), optional
        The map of the encoder's columns that the search for a map begins from, in bandwidths, as `components_` is; for ``metric="per-feature"``
        positive factors in a matrix with zeros beside its diagonal.
    warm_start : bool, default False
        Whether a further `fit` goes on from the map of the one before.
    random_state : int, RandomState or Generator, optional
        For which rows are drawn and held out.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    members_ : list of Member
        The local models that are averaged, the heaviest first: each with `weight`, `setting` (name of the metric, degree, bandwidth, penalty) and
        `map`. Empty where one model predicts. What follows is that model, or the one that does best by itself of those whose metric was searched
        for.
    components_ : ndarray, shape (r, e)
        The map of the encoder's columns, bandwidth included.
    kernel_ : Kernel
        The kernel that was learned, over the encoder's columns.
    mixture_ : Kernel or None
        The mixture that was learned, over rows under the map; None without `kernels`, or where held-out rows are told no better by it.
    mixture_weights_ : ndarray, shape (1 + len(kernels),), or None
        The mean share of the learned Gaussian and of each kernel in the weights of a row's neighbours.
    column_weights_ : ndarray, shape (e,)
        How much each of them counts: the distance, in bandwidths, that its standard deviation makes.
    encoder_ : TableEncoder
        What makes numbers of rows; `get_feature_names_out` names its columns.
    metric_ : str
        What did best: "per-feature", "full", "isotropic" (one bandwidth for all standardised columns) or "network".
    degree_, ridge_ : int, float
        The degree in force, and the penalty of a line's slopes.
    validation_loss_ : float
        The mean squared error of held-out rows, told by what predicts; of one model's own choice without held-out rows the share of variance
        that each row's others leave.
    losses_ : ndarray
        The share of variance that each row's others leave, at the metric's start and after each round.
    n_iter_ : int
        The round that the metric is of, at least 1.
    X_fit_, y_fit_ : ndarray
        The encoder's columns of the training rows, and their responses.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    site_bandwidth_ : ndarray, shape (n,), or None
        Of one model the rows' own bandwidths under `components_`, where held-out rows are told better by them.
    n_features_in_ : int
        Number of columns of the table.

    References
    ----------
    Weinberger and Tesauro (2007), Metric learning for kernel regression; Prechelt (1998), Early stopping - but when?; for the local line on a
    learned metric, Gorishniy and others (2024), TabR: tabular deep learning meets nearest neighbors; for the average, Caruana, Niculescu-Mizil,
    Crew and Ksikes (2004), Ensemble selection from libraries of models.

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
        """What the local models tell at each row of X.

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

    def _told(self) -> Told:
        return Told(np.ascontiguousarray(self.y_fit_[:, None] if self.y_fit_.ndim == 1 else self.y_fit_), None, self.sample_weight_fit_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


class AdaptiveKernelClassifier(ClassifierMixin, Adaptive):
    """Classification by the classes of the rows around, under a metric that is learned: columns that say nothing stop counting.

    As `AdaptiveKernelRegressor`, with neighbourhood components analysis as the loss and one more way to begin: at the directions that part the
    classes best (Fisher's discriminants), one fewer than classes, and a map under which classes are as wide in all directions. Held-out rows are
    compared by their probabilities' squared distances from ones at their classes (Brier 1950).

    Parameters
    ----------
    n_components : int, optional
        Rows of the map, fewer than columns; by default what does best.
    metric : {"auto", "per-feature", "full"}, default "auto"
        One factor for each column, a map that mixes them, or what does better, one bandwidth for all of them included. "auto" tries maps of up
        to 100 columns.
    degree : {"auto", 0, 1}, default "auto"
        Local shares of the classes, local lines through ones at classes, cut off below 0, or an average of those that do best.
    categorical_features : default "from_dtype"
        Which columns hold words, as of `TableEncoder`.
    max_iter : int, default 200
        Most rounds of each metric.
    tol : float, default 1e-6
        As of `MetricLearner`.
    validation_fraction : float, default 0.2
        Share of the rows that are held out, every class in its share; 0 holds out none, as of `AdaptiveKernelRegressor`.
    n_splits : int, optional
        How often rows are held out, others each time; 5 times up to 1,000 rows, else 3 times.
    n_iter_no_change : int, default 10
        After so many rounds in which held-out rows were told no better a metric is done.
    n_members : int, default 5
        So many local models at most are averaged with ``degree="auto"``, each under the map of every split: those that together tell held-out rows
        best. 1 keeps the best alone, and so do a degree, `n_components` or `kernels` that are given, and a network that is kept.
    site_bandwidth : bool, default False
        Whether training rows may have bandwidths of their own, which go with a power of their spacing that is learned by held-out rows.
    max_samples : int or None, default 3000
        The metric is learned from so many rows at most, drawn by chance.
    kernels : sequence of Kernel or str, optional
        Kernels beside the learned Gaussian, as of `AdaptiveKernelRegressor`.
    hidden_layer_sizes : int or sequence of int, optional
        A network of these layers on top of the map, trained to tell rows of a batch by others: it is kept where it tells held-out rows better
        than the best linear map of the same rows.
    max_epochs : int, default 100
        Most passes of its training.
    init : array_like, shape (r, e), optional
        The map of the encoder's columns that the search for a map begins from, in bandwidths, as `components_` is; for ``metric="per-feature"``
        positive factors in a matrix with zeros beside its diagonal.
    warm_start : bool, default False
        Whether a further `fit` goes on from the map of the one before.
    random_state : int, RandomState or Generator, optional
        For which rows are drawn and held out.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The classes.
    members_ : list of Member
        The local models that are averaged, the heaviest first: each with `weight`, `setting` (name of the metric, degree, bandwidth, penalty) and
        `map`. Empty where one model predicts. What follows is that model, or the one that does best by itself of those whose metric was searched
        for.
    components_ : ndarray, shape (r, e)
        The map of the encoder's columns, bandwidth included.
    kernel_ : Kernel
        The kernel that was learned, over the encoder's columns.
    mixture_ : Kernel or None
        The mixture that was learned, over rows under the map; None without `kernels`, or where held-out rows are told no better by it.
    mixture_weights_ : ndarray, shape (1 + len(kernels),), or None
        The mean share of the learned Gaussian and of each kernel in the weights of a row's neighbours.
    column_weights_ : ndarray, shape (e,)
        How much each of them counts: the distance, in bandwidths, that its standard deviation makes.
    encoder_ : TableEncoder
        What makes numbers of rows.
    metric_ : str
        What did best: "per-feature", "full", "discriminant", "isotropic" (one bandwidth for all standardised columns), "within-class" (for columns
        in which classes are round) or "network".
    degree_, ridge_ : int, float
        The degree in force, and the penalty of a line's slopes.
    validation_loss_ : float
        The mean squared distance of held-out rows' probabilities from ones at their classes (Brier score), told by what predicts.
    losses_ : ndarray
        One minus the mean probability of the right class by each row's others, at the metric's start and after each round.
    n_iter_ : int
        The round that the metric is of, at least 1.
    X_fit_, y_fit_ : ndarray
        The encoder's columns of the training rows, and their classes by number.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    site_bandwidth_ : ndarray, shape (n,), or None
        Of one model the rows' own bandwidths under `components_`, where held-out rows are told better by them.
    n_features_in_ : int
        Number of columns of the table.

    References
    ----------
    Goldberger, Roweis, Hinton and Salakhutdinov (2004), Neighbourhood components analysis; Prechelt (1998), Early stopping - but when?; Caruana,
    Niculescu-Mizil, Crew and Ksikes (2004), Ensemble selection from libraries of models.

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
        return self._means(X)

    def _keep(self, told: Told, y: Any) -> None:
        assert told.codes is not None
        self.y_fit_ = told.codes

    def _told(self) -> Told:
        return Told.classes(self.y_fit_, len(self.classes_), self.sample_weight_fit_)

    classes_: Array
