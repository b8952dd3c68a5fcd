"""Semi-supervised classifiers: label propagation, label spreading, relaxation labeling."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, Prepared, check_is_fitted, validate_data
from ._core import Kernel
from ._label_callable import Weigh, averaged, spread
from ._labeling import LabelGraph, Step, by_product, label_compatibility, matrix_of
from ._lazy_classification import labels_of


class _Propagation(ClassifierMixin, BaseEstimator):
    """What the estimators share: labels of which -1 is unknown, and the mean of distributions under a kernel at new samples."""

    kernel: Kernel | str | Weigh
    gamma: float
    n_neighbors: int
    max_iter: int
    tol: float
    n_jobs: int | None
    classes_: Array
    X_: Array
    label_distributions_: Array

    def _known(self, X: Any, y: Any) -> tuple[Array, npt.NDArray[np.int64]]:
        """Samples, and the number of each one's class, -1 where it is unknown; sets the classes."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        samples = validate_data(self, X, dtype=[np.float64, np.float32])
        labels = labels_of(_without_gaps(y))
        if labels.ndim != 1:
            raise ValueError(f"y has shape {labels.shape}; give one class for each row of X, -1 where it is unknown")
        if len(labels) != len(samples):
            raise ValueError(f"y has {len(labels)} rows, but X has {len(samples)}; they must be equally many")
        unknown = np.zeros(len(labels), dtype=bool) if labels.dtype.kind in "US" else labels == -1
        classes, numbers = np.unique(labels[~unknown], return_inverse=True)
        if len(classes) == 0:
            raise ValueError("y is -1 everywhere; at least one sample needs a class")
        known = np.full(len(labels), -1, dtype=np.int64)
        known[~unknown] = numbers
        self.classes_ = classes
        return samples, known

    def _kernel(self) -> Kernel | None:
        """The kernel; none for nearest samples."""
        if not isinstance(self.kernel, str):
            if not isinstance(self.kernel, Kernel):
                raise TypeError(f"kernel must be 'rbf', 'knn', a Kernel, its text or a function of two tables, not {self.kernel!r}")
            return self.kernel
        if self.kernel == "rbf":
            gamma = _arrays.number(self.gamma, "gamma")
            if not 0.0 <= gamma < np.inf:
                raise ValueError(f"gamma={gamma} must be a finite number that is not negative")
            # At 0 all weights are 1, as under a bandwidth whose square is beyond that of any distance.
            far = 1e18 if self.X_.dtype == np.float32 else 1e100
            h = float(np.sqrt(0.5 / gamma)) if gamma > 0.0 else far
            return Kernel(f"gaussian(h={h!r})")
        return None if self.kernel == "knn" else _arrays.kernel_of(self.kernel, self.X_)

    def _alpha(self) -> float | None:
        return None

    def _tolerance(self) -> float:
        tol = _arrays.number(self.tol, "tol")
        if np.isnan(tol) or tol < 0.0:
            raise ValueError(f"tol={tol} must be a number that is not negative")
        return tol

    def _function(self) -> Weigh | None:
        """The kernel, where it is a function of two tables."""
        kernel: Any = self.kernel
        return kernel if callable(kernel) else None

    def _unreached(self, distributions: Array, level: int) -> None:
        missed = int(np.count_nonzero(~distributions.any(axis=1)))
        if missed:
            warnings.warn(
                f"no label reaches {missed} of {len(distributions)} samples, whose distribution is zero and whose class is the first one, "
                f"{self.classes_[0]!r}, for want of any; raise n_neighbors or widen the kernel, or mark them by ~label_distributions_.any(axis=1)",
                stacklevel=level + 1,
            )

    def _tell(self, rounds: int, converged: bool) -> None:
        if converged:
            return
        message = f"max_iter={self.max_iter} was reached without convergence; raise max_iter or tol"
        try:
            from sklearn.exceptions import ConvergenceWarning
        except ImportError:
            warnings.warn(message, UserWarning, stacklevel=3)
        else:
            warnings.warn(message, ConvergenceWarning, stacklevel=3)

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Spreads the known labels over all samples.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : array_like, shape (n,)
            Classes, -1 where they are unknown.

        Returns
        -------
        estimator
            Itself.
        """
        self.X_, known = self._known(X, y)
        function = self._function()
        if function is not None:
            alpha, rounds = self._alpha(), _arrays.count(self.max_iter, "max_iter")
            q, self.n_iter_, converged = spread(function, self.X_, known, len(self.classes_), alpha, rounds, self._tolerance())
            self._tell(self.n_iter_, converged)
            self._take(q)
            self._unreached(q, 2)
            self._prepared = Prepared()
            return self
        made = _core.LabelPropagationModel(
            self.X_,
            known,
            len(self.classes_),
            self._kernel(),
            _arrays.count(self.n_neighbors, "n_neighbors"),
            self._alpha(),
            _arrays.count(self.max_iter, "max_iter"),
            self._tolerance(),
            _arrays.threads(self.n_jobs),
        )
        self.n_iter_, converged = made.rounds()
        self._tell(self.n_iter_, converged)
        self._take(made.distributions())
        self._unreached(self.label_distributions_, 2)
        self._prepared = Prepared(made)
        return self

    def _take(self, distributions: Array) -> None:
        self.label_distributions_ = distributions
        self.transduction_ = self.classes_[distributions.argmax(axis=1)]

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """The mean of the samples' distributions under the same kernel, or over the nearest samples.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples.

        Returns
        -------
        ndarray, shape (m, k)
            The probability of each class; zeros where no label arrived.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=self.X_.dtype)
        function = self._function()
        if function is not None:
            return averaged(function, self.X_, rows, self.label_distributions_)
        if self._prepared.made is None:
            # `RelaxationLabeling` takes fewer samples than neighbours, too.
            k = min(_arrays.count(self.n_neighbors, "n_neighbors"), len(self.X_))
            q = np.ascontiguousarray(self.label_distributions_)
            self._prepared = Prepared(_core.LabelPropagationModel.restore(self.X_, q, self._kernel(), k, self._alpha()))
        proba: Array = self._prepared.made.predict_proba(rows, _arrays.threads(self.n_jobs))
        return proba

    def predict(self, X: npt.ArrayLike) -> Array:
        """The likeliest class.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples.

        Returns
        -------
        ndarray, shape (m,)
        """
        proba = self.predict_proba(X)
        self._unreached(proba, 2)
        labels: Array = self.classes_[proba.argmax(axis=1)]
        return labels


def _without_gaps(y: Any) -> Any:
    """Labels, of which none is missing."""
    array = np.asarray(y)
    if array.dtype.kind not in "fO":
        return y
    gaps = np.array([_is_gap(label) for label in array.ravel()], dtype=bool)
    if gaps.any():
        at = int(np.flatnonzero(gaps)[0])
        raise ValueError(
            f"y has {array.ravel()[at]} in row {at} (counted from 0), which is no class; mark what is unknown by -1, in an array of objects where "
            "classes are words: np.where(pd.isna(y), -1, y)"
        )
    return y


def _is_gap(label: Any) -> bool:
    return label is None or isinstance(label, (float, np.floating)) and np.isnan(label) or type(label).__name__ in ("NAType", "NaTType")


class LabelPropagation(_Propagation):
    """Label propagation: each sample takes the mean of its neighbours' distributions, known labels are held fast.

    scikit-learn's estimator of this name, with its parameters and results, in memory that grows with the samples: no matrix of all pairs
    is kept, but for kernels that are functions. Of neighbours at equal distances the first count, where scikit-learn's choice is its tree's. Weights
    below 3e-308 (``gamma |x - x'|^2`` above 708) are zero, where scikit-learn's go on, less and less exactly, to 5e-324: where such weights are all
    that reaches a sample (a large ``gamma`` on columns that are not scaled) a label may differ. Samples that no label reaches have a
    distribution of zeros and the first class, as in scikit-learn; a warning tells of them.

    Parameters
    ----------
    kernel : {"rbf", "knn"}, Kernel, str or callable, default "rbf"
        Who hears of whom: all samples under a Gaussian, the nearest ones alike, or all under any kernel, such as ``"laplace(h=0.2)"``. A function
        of two tables ``(n, d)`` and ``(m, d)`` returns the weights ``(n, m)``, as in scikit-learn; that is a dense matrix, and files do not keep it.
    gamma : float, default 20
        The Gaussian is ``exp(-gamma |x - x'|^2)``; at 0 all weights are 1.
    n_neighbors : int, default 7
        Neighbours under "knn", the sample itself among them.
    max_iter : int, default 1000
        Most rounds.
    tol : float, default 1e-3
        Rounds end once all changes of a round together are below this.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_ : ndarray, shape (n, d)
        The samples.
    classes_ : ndarray, shape (k,)
        The classes.
    label_distributions_ : ndarray, shape (n, k)
        The distribution of each sample.
    transduction_ : ndarray, shape (n,)
        The likeliest class of each sample.
    n_iter_ : int
        Number of rounds.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Zhu and Ghahramani (2002), Learning from labeled and unlabeled data with label propagation.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0], [0.2], [0.4], [5.0], [5.2], [5.4]]
    >>> model = lc.LabelPropagation("knn", n_neighbors=3).fit(X, [0, -1, -1, -1, -1, 1])
    >>> model.transduction_.tolist()
    [0, 0, 0, 1, 1, 1]
    """

    def __init__(
        self,
        kernel: Literal["rbf", "knn"] | Kernel | str | Weigh = "rbf",
        *,
        gamma: float = 20,
        n_neighbors: int = 7,
        max_iter: int = 1000,
        tol: float = 1e-3,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs


class LabelSpreading(_Propagation):
    """Label spreading: a share of each distribution comes from the neighbours, the rest from the label that was known.

    scikit-learn's estimator of this name, with its parameters and results, in memory that grows with the samples: no matrix of all pairs
    is kept, but for kernels that are functions. Of neighbours at equal distances the first count, where scikit-learn's choice is its tree's. Weights
    below 3e-308 (``gamma |x - x'|^2`` above 708) are zero, where scikit-learn's go on, less and less exactly, to 5e-324: where such weights are all
    that reaches a sample (a large ``gamma`` on columns that are not scaled) a label may differ. Samples that no label reaches have a
    distribution of zeros and the first class, as in scikit-learn; a warning tells of them.

    Parameters
    ----------
    kernel, gamma, n_neighbors, tol, n_jobs
        As in `LabelPropagation`.
    alpha : float, default 0.2
        The share that comes from the neighbours, above 0 and below 1.
    max_iter : int, default 30
        Most rounds.

    Attributes
    ----------
    X_, classes_, label_distributions_, transduction_, n_iter_, n_features_in_
        As in `LabelPropagation`.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schölkopf (2004), Learning with local and global consistency.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0], [0.2], [0.4], [5.0], [5.2], [5.4]]
    >>> model = lc.LabelSpreading("knn", n_neighbors=3).fit(X, [0, -1, -1, -1, -1, 1])
    >>> model.predict([[1.0], [4.0]]).tolist()
    [0, 1]
    """

    def __init__(
        self,
        kernel: Literal["rbf", "knn"] | Kernel | str | Weigh = "rbf",
        *,
        gamma: float = 20,
        n_neighbors: int = 7,
        alpha: float = 0.2,
        max_iter: int = 30,
        tol: float = 1e-3,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs

    def _alpha(self) -> float:
        return _arrays.number(self.alpha, "alpha")


class RelaxationLabeling(_Propagation):
    """Relaxation labeling among samples: each hears how well its labels go with those of its nearest neighbours.

    Samples begin with the class that is known, others with ``1 / k`` for each of the k classes, whatever their shares: a class that is commoner among
    the known ones has no lead by that. A sample that no known class reaches over its neighbours (``LabelGraph.nearest(X,
    n_neighbors).reached(y != -1)`` tells), or that all classes reach alike, gets the shares of the known classes, and so the commonest one.

    Parameters
    ----------
    n_neighbors : int, default 7
        Neighbours of a sample, symmetric. At new samples, as many are averaged.
    kernel : Kernel or str, optional
        How much a neighbour counts by distance, such as ``"gaussian(h=0.5)"``; all alike without.
    compatibility : array_like of shape (k, k), or "learned", optional
        How well label a goes with a neighbour of label b; "learned" takes it from known neighbours, as if all classes were equally common, and in so
        far as these are few from the belief that equal labels go together, which is the default.
    seed_strength : float, default inf
        How much a known label adds to the support of its class, beside the weights of neighbours times compatibilities; infinity holds it fast. A
        finite one begins between certainty and ``1 / k``, by its strength beside what the neighbours can add, and can be outvoted: for
        labels some of which are wrong.
    step : {"product", "gradient"}, default "product"
        The update: of Rosenfeld, Hummel and Zucker, or the projected gradient.
    max_iter : int, default 100
        Most rounds.
    tol : float, default 1e-3
        Samples rest once no probability moves by more than this.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_, classes_, label_distributions_, transduction_, n_iter_, n_features_in_
        As in `LabelPropagation`.
    compatibility_ : ndarray, shape (k, k)
        The compatibilities in force.
    consistency_ : ndarray
        The average local consistency before the first round and after each.

    References
    ----------
    Rosenfeld, Hummel and Zucker (1976), Scene labeling by relaxation operations.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0], [0.2], [0.4], [5.0], [5.2], [5.4]]
    >>> model = lc.RelaxationLabeling(n_neighbors=2).fit(X, [0, -1, -1, -1, -1, 1])
    >>> model.transduction_.tolist()
    [0, 0, 0, 1, 1, 1]
    """

    def __init__(
        self,
        n_neighbors: int = 7,
        *,
        kernel: Kernel | str | None = None,
        compatibility: npt.ArrayLike | Literal["learned"] | None = None,
        seed_strength: float = np.inf,
        step: Step = "product",
        max_iter: int = 100,
        tol: float = 1e-3,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.kernel = kernel  # type: ignore[assignment]
        self.compatibility = compatibility
        self.seed_strength = seed_strength
        self.step = step
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Relaxes the labels of all samples.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : array_like, shape (n,)
            Classes, -1 where they are unknown.

        Returns
        -------
        RelaxationLabeling
            Itself.
        """
        kernel = self.kernel
        if callable(kernel):
            raise TypeError(f"kernel must be a Kernel or its text, such as 'gaussian(h=0.5)', not {kernel!r}")
        self.X_, known = self._known(X, y)
        n, k = len(known), len(self.classes_)
        near = min(_arrays.count(self.n_neighbors, "n_neighbors"), n - 1)
        if n > 1:
            graph = LabelGraph.nearest(self.X_, near, kernel, n_jobs=self.n_jobs)
        else:
            graph = LabelGraph.edges(1, np.zeros((0, 2), dtype=np.int64))
        if isinstance(self.compatibility, str):
            if self.compatibility != "learned":
                raise ValueError(f"compatibility={self.compatibility!r} is no matrix, nor 'learned'")
            # Fewer edges than that tell more of chance than of the labels.
            self.compatibility_ = label_compatibility(known, graph, n_labels=k, agreement=10 * k * k)
        else:
            given, product = self.compatibility, by_product(self.step)
            self.compatibility_ = np.eye(k) if given is None else matrix_of(given, "compatibility", k, product)
        distributions, consistency, settled = _core.relax_known(
            graph._made,
            np.ascontiguousarray(self.compatibility_),
            known,
            _arrays.number(self.seed_strength, "seed_strength"),
            by_product(self.step),
            _arrays.count(self.max_iter, "max_iter"),
            self._tolerance(),
            _arrays.threads(self.n_jobs),
        )
        self.consistency_ = np.array(consistency)
        self.n_iter_ = max(1, len(consistency) - 1)
        self._tell(self.n_iter_, settled)
        self._take(distributions)
        self._prepared = Prepared()
        return self

    def _kernel(self) -> None:
        """New samples are averaged over the nearest."""
        return None
