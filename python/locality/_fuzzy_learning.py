"""Fuzzy rules learned from data, and fuzzy c-means."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, ClusterMixin, RegressorMixin, check_is_fitted, validate_data
from ._classes import classes_of
from ._fuzzy import FuzzySystem


class FuzzyCMeans(ClusterMixin, BaseEstimator):
    """Fuzzy c-means: clusters to which each sample belongs by degrees that sum to one.

    Parameters
    ----------
    n_clusters : int, default 3
        Number of clusters.
    m : float, default 2.0
        Fuzziness, above 1.
    max_iter : int, default 300
        Most iterations.
    tol : float, default 1e-6
        It ends once no centre moves further than this share of the samples' spread.
    random_state : int, RandomState, Generator or None, default 0
        Seed of the first centres; None draws one.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    cluster_centers_ : ndarray, shape (k, d)
        Centres.
    memberships_ : ndarray, shape (n, k)
        Degrees of the samples; each row sums to one.
    labels_ : ndarray, shape (n,)
        The cluster of the highest degree.
    inertia_ : float
        The objective ``sum u**m |x - c|**2``.
    partition_coefficient_ : float
        Mean of ``sum u**2``: 1 for hard clusters, ``1 / k`` for none at all.
    n_iter_ : int
        Iterations done.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Bezdek (1981), Pattern Recognition with Fuzzy Objective Function Algorithms.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.FuzzyCMeans(2).fit([[0.0], [0.2], [9.8], [10.0]])
    >>> sorted(model.cluster_centers_.ravel().round(1).tolist())
    [0.1, 9.9]
    """

    def __init__(
        self,
        n_clusters: int = 3,
        *,
        m: float = 2.0,
        max_iter: int = 300,
        tol: float = 1e-6,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.m = m
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> FuzzyCMeans:
        """Finds the clusters.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        FuzzyCMeans
            Itself.
        """
        samples = validate_data(self, X, dtype=np.float64)
        found = _core.fuzzy_c_means(
            samples,
            _arrays.count(self.n_clusters, "n_clusters"),
            m=_arrays.number(self.m, "m"),
            max_iter=_arrays.count(self.max_iter, "max_iter"),
            tol=_arrays.number(self.tol, "tol"),
            seed=_arrays.seed(self.random_state),
            threads=_arrays.threads(self.n_jobs),
        )
        self.cluster_centers_, self.memberships_, self.inertia_, self.partition_coefficient_, self.n_iter_, _ = found
        self.labels_: Array = np.argmax(self.memberships_, axis=1)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Degrees of new rows in the clusters.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, k)
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        return _core.fuzzy_memberships(rows, self.cluster_centers_, float(self.m), _arrays.threads(self.n_jobs))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The cluster of the highest degree.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray of int, shape (m,)
        """
        best: Array = np.argmax(self.predict_proba(X), axis=1)
        return best


def _names(wanted: Iterable[Any]) -> list[str]:
    """Names as rules can hold them: no double quotes, no three single ones in a row, no control characters, no two alike but for case."""
    clean = []
    for name in wanted:
        text = re.sub("'{3,}", "''", str(name).replace('"', "''"))
        text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text).strip()
        clean.append(text or "unnamed")
    # Names that need no number keep theirs, wherever they stand.
    keys = [name.lower() for name in clean]
    taken, out = set(keys), []
    for i, (name, key) in enumerate(zip(clean, keys, strict=True)):
        if key in keys[:i]:
            number = 2
            while f"{key} ({number})" in taken:
                number += 1
            name = f"{name} ({number})"
            taken.add(name.lower())
        out.append(name)
    return out


class _Learner(BaseEstimator):
    """What the regressor and the classifier share: parameters, and the rules."""

    def __init__(
        self,
        rules: int | Literal["auto"] = "auto",
        *,
        radius: float | None = None,
        bandwidth: float | None = None,
        order: int = 1,
        ridge: float | None = None,
        consequents: Literal["global", "local"] = "global",
        htsk: bool | None = None,
        epochs: int = 20,
        patience: int = 3,
        validation_fraction: float = 0.2,
        prune: float = 0.005,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.rules = rules
        self.radius = radius
        self.bandwidth = bandwidth
        self.order = order
        self.ridge = ridge
        self.consequents = consequents
        self.htsk = htsk
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.prune = prune
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _learn(self, samples: Array, targets: Array, outputs: list[str], sample_weight: Any) -> None:
        if self.consequents not in ("global", "local"):
            raise ValueError(f"consequents={self.consequents!r} is none of 'global' and 'local'")
        if isinstance(self.rules, str) and self.rules != "auto":
            raise ValueError(f"rules={self.rules!r} must be 'auto' or a number of rules")
        if self.radius is not None and self.bandwidth is not None:
            raise ValueError(
                f"radius={self.radius} asks for subtractive clustering and bandwidth={self.bandwidth} for mean shift; give one of them"
            )
        for name, given in (("radius", self.radius), ("bandwidth", self.bandwidth)):
            # Where the number of rules is given they are not used, but a wrong one is wrong there, too.
            if given is not None and not 0.0 < _arrays.number(given, name) < np.inf:
                raise ValueError(f"{name}={given} must be a positive finite number, in parts of each column's range")
        names = getattr(self, "feature_names_in_", None)
        inputs = _names([f"x{j}" for j in range(samples.shape[1])] if names is None else names)
        weights = _arrays.weights(sample_weight, len(samples), np.float64)
        held = _arrays.number(self.validation_fraction, "validation_fraction")
        if not 0.0 <= held <= 0.9:
            raise ValueError(f"validation_fraction={held} must lie between 0 and 0.9")
        rules, self.history_, self.training_error_, self.ridge_, self.n_pruned_, beyond = _core.learn_rules(
            samples,
            np.ascontiguousarray(targets),
            inputs,
            outputs,
            sample_weight=weights,
            rules=None if isinstance(self.rules, str) else _arrays.count(self.rules, "rules"),
            radius=None if self.radius is None else _arrays.number(self.radius, "radius"),
            bandwidth=None if self.bandwidth is None else _arrays.number(self.bandwidth, "bandwidth"),
            order=_arrays.count(self.order, "order"),
            ridge=None if self.ridge is None else _arrays.number(self.ridge, "ridge"),
            local=self.consequents == "local",
            htsk=None if self.htsk is None else bool(self.htsk),
            epochs=_arrays.count(self.epochs, "epochs"),
            patience=_arrays.count(self.patience, "patience"),
            validation=held,
            prune=_arrays.number(self.prune, "prune"),
            seed=_arrays.seed(self.random_state),
            threads=_arrays.threads(self.n_jobs),
        )
        self.system_ = FuzzySystem._of(rules)
        if beyond:
            name = "radius" if self.radius is not None else "bandwidth"
            warnings.warn(
                f"{name}={getattr(self, name)} finds {beyond} more clusters than {len(samples)} rows can tell rules, and the greatest became "
                f"rules; raise {name}",
                stacklevel=3,
            )

    def _values(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        return self.system_._rules.evaluate(np.ascontiguousarray(rows), _arrays.threads(self.n_jobs))


_PARAMETERS = """

    Parameters
    ----------
    rules : int or "auto", default "auto"
        Number of rules before pruning; "auto" is the number of least error in five-fold cross-validation.
    radius : float, optional
        Where `rules` is "auto": rules at the centres of subtractive clustering with this radius, in parts of each column's range; no more
        than the rows can tell, two rows for each coefficient.
    bandwidth : float, optional
        Where `rules` is "auto": rules at the modes that mean shift finds under a Gaussian of this bandwidth, in parts of each column's range; as
        many at most.
    order : {0, 1}, default 1
        Conclusions are numbers, or sums over inputs.
    ridge : float, optional
        Penalty on the conclusions; by default chosen with the rules. It is raised tenfold while predictions between rows leave the range of the
        targets by more than its length.
    consequents : {"global", "local"}, default "global"
        Conclusions fitted all at once, or each under its own rule's firing.
    htsk : bool, optional
        Divide log-firing by the number of inputs; by default for more than 5.
    epochs, patience : int, default 20 and 3
        Moves of the terms by gradient, and after how many without a lower held-out error they end.
    validation_fraction : float, default 0.2
        Share of the rows that is held out for stopping and pruning.
    prune : float, default 0.005
        Rules are left out while the held-out error rises by less than this share.
    random_state : int, RandomState, Generator or None, default 0
        Seed; None draws one.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    system_ : FuzzySystem
        The rules; ``print(model.system_.to_toml())`` shows them.
    history_ : list of [float, float]
        Squared errors on training and held-out rows by epoch.
    training_error_, ridge_, n_pruned_ : float, float, int
        Root mean squared error of `system_` on all rows, the penalty in force, rules left out.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Takagi and Sugeno (1985); Chiu (1994); Jang (1993), ANFIS; Cui, Wu and Xu (2021), HTSK.
"""


class FuzzyRegressor(RegressorMixin, _Learner):
    __doc__ = (
        """Regression by fuzzy rules learned from data, which can be read, explained and edited."""
        + _PARAMETERS
        + """
    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.FuzzyRegressor(5).fit(X, np.sin(X[:, 0]))
    >>> model.score(X, np.sin(X[:, 0])) > 0.99
    True
    """
    )

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> FuzzyRegressor:
        """Learns the rules.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples; the columns of a data frame name the inputs.
        y : array_like, shape (n,) or (n, p)
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights of the rows: one of weight 2 counts as two, but is held out as one, and one of weight 0 does not count.

        Returns
        -------
        FuzzyRegressor
            Itself.
        """
        samples, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(targets, dtype=np.float64)
        self._single = targets.ndim == 1
        table = targets[:, None] if self._single else targets
        names = ["y"] if self._single else [f"y{j}" for j in range(table.shape[1])]
        self._learn(samples, table, names, sample_weight)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """Values at the rows of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        values = self._values(X)
        return values[:, 0] if self._single else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


class FuzzyClassifier(ClassifierMixin, _Learner):
    __doc__ = (
        """Classification by fuzzy rules learned from data: an output for each class, fitted to its indicator."""
        + _PARAMETERS
        + """
    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> y = np.where(np.abs(X[:, 0] - 3.0) < 1.0, "in", "out")
    >>> lc.FuzzyClassifier().fit(X, y).predict([[1.0], [3.0], [5.0]]).tolist()
    ['out', 'in', 'out']
    """
    )

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> FuzzyClassifier:
        """Learns the rules.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples; the columns of a data frame name the inputs.
        y : array_like, shape (n,)
            Classes.
        sample_weight : array_like, shape (n,), optional
            Weights of the rows: one of weight 2 counts as two, but is held out as one, and one of weight 0 does not count.

        Returns
        -------
        FuzzyClassifier
            Itself.
        """
        samples, self.classes_, codes = classes_of(self, X, y, [np.float64])
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]}; a classifier needs at least 2")
        outputs = _names(f"class {c}" for c in self.classes_)
        self._learn(samples, np.eye(len(self.classes_))[codes], outputs, sample_weight)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Values of the classes' outputs, cut to ``[0, 1]`` and made to sum to one.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, classes)
        """
        values = self._values(X)
        shares: Array = np.clip(values, 0.0, 1.0)
        # Far outside the samples all may be below zero: the highest class then has it all.
        empty = shares.sum(axis=1) <= 0.0
        shares[empty] = np.eye(len(self.classes_))[np.argmax(values[empty], axis=1)]
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: npt.ArrayLike) -> Array:
        """The class of the highest share at each row.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        check_is_fitted(self)
        found: Array = self.classes_[np.argmax(self.predict_proba(X), axis=1)]
        return found
