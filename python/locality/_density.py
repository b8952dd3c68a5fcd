"""Kernel densities, and classification by them, as estimators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, Prepared, check_is_fitted, validate_data, warn_column
from ._classes import classes_of
from ._core import Kernel, Neighborhood
from ._mean import OnEmpty
from ._tables import Tabular, table_data

Bandwidth = float | Sequence[float] | npt.NDArray[Any] | str

# scikit-learn's other names, where they differ.
_METRICS = {"minkowski": "euclidean"}


def _bandwidth_of(bandwidth: Bandwidth) -> float | list[float] | str:
    """A number, a list of numbers or a rule's name."""
    if isinstance(bandwidth, str):
        return bandwidth
    if np.ndim(bandwidth) == 0:
        return _arrays.number(bandwidth, "bandwidth")
    array = _arrays.numbers(bandwidth, "bandwidth")
    if array.ndim != 1:
        raise ValueError(f"bandwidth has shape {array.shape}; give one number, or one for each column")
    return [float(h) for h in array]


def _kernel_under(kernel: Kernel | str, metric: str, X: Any) -> Kernel:
    """The kernel with columns by number; a bare name takes the metric."""
    metric = _METRICS.get(metric, metric)
    if isinstance(kernel, str) and "(" not in kernel and "*" not in kernel and "+" not in kernel:
        kernel = f"{kernel}(metric={metric})"
    elif metric != "euclidean":
        raise ValueError(f"metric={metric!r} goes with a kernel's name; write it into {str(kernel)!r} as metric={metric}")
    return _arrays.kernel_of(kernel, X)


class KernelDensity(BaseEstimator):
    """Kernel density estimation, normalised in any dimension.

    Parameters and results are those of scikit-learn's estimator of the same name; sample weights cost nothing, every profile with
    a finite integral is a kernel, every column may have its own bandwidth, and a bandwidth may be chosen from the data. What has no
    meaning here (``algorithm``, ``leaf_size``, ``breadth_first``, ``metric_params``) is left out. Two results differ on purpose: the
    rules "scott" and "silverman" (see `bandwidth`), and the cosine kernel over an even number of columns, which scikit-learn 1.9 does
    not normalise to 1.

    Parameters
    ----------
    bandwidth : float, sequence of float, or str, default 1.0
        One number; one for each column; or a rule: "scott" and "silverman" (each column's standard deviation times a power of ``n``, as
        SciPy does; scikit-learn leaves the deviation out, which is the same on standardised columns), "isj" (the improved
        Sheather-Jones plug-in of Botev et al., for one column), "likelihood" (leave-one-out), "auto" ("isj" for one column, else
        "likelihood"). Rules account for the kernel: a compact one needs a larger bandwidth to smooth alike.
    kernel : str or Kernel, default "gaussian"
        The name of a profile, scikit-learn's names included ("tophat", "epanechnikov", "exponential", "linear", "cosine"), or a whole
        kernel: a part without ``h`` takes `bandwidth`, others keep theirs. Products on separate columns and sums are normalised, too.
    metric : str, default "euclidean"
        "euclidean", "manhattan", "chebyshev", "haversine" (latitude and longitude in radians, density per steradian) or "haversine_km"
        (degrees, density per square kilometre); in a whole kernel it is written there, as is ``mahalanobis``.
    atol : float, default 0
        What a density may be off by, absolute.
    rtol : float, default 0
        What a density may be off by beside that, relative, with proof; 0 is exact to rounding.
    adaptive : float, default 0
        Sensitivity of bandwidths that differ from sample to sample, by the density there: 0 for one bandwidth, 0.5 for Abramson's.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    bandwidth_ : float or ndarray
        The bandwidth in force: one number, one per column, or (`adaptive`) one per sample.
    kernel_ : Kernel
        The kernel in force.
    X_fit_ : ndarray, shape (n, d)
        The samples.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Parzen (1962), On estimation of a probability density function and mode; Botev, Grotowski and Kroese (2010), Kernel density
    estimation via diffusion; Abramson (1982), On bandwidth variation in kernel estimates.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.concatenate([np.linspace(-3, -2, 20), np.linspace(1, 3, 40)])[:, None]
    >>> model = lc.KernelDensity("isj").fit(X)
    >>> np.exp(model.score_samples([[-2.5], [0.0], [2.0]])).round(2)
    array([0.26, 0.  , 0.32])
    >>> model.sample(3, random_state=0).shape
    (3, 1)
    """

    def __init__(
        self,
        bandwidth: Bandwidth = 1.0,
        *,
        kernel: Kernel | str = "gaussian",
        metric: str = "euclidean",
        atol: float = 0.0,
        rtol: float = 0.0,
        adaptive: float = 0.0,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.metric = metric
        self.atol = atol
        self.rtol = rtol
        self.adaptive = adaptive
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Takes the samples, and chooses the bandwidth where a rule is asked for.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored
        sample_weight : array_like, shape (n,), optional
            Weights, not negative: a sample of weight 2 counts as two.

        Returns
        -------
        KernelDensity
            Itself.
        """
        kernel = _kernel_under(self.kernel, self.metric, X)
        samples = validate_data(self, X, dtype=[np.float64, np.float32])
        self.X_fit_: Array = samples
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(samples), samples.dtype)
        adaptive = _arrays.number(self.adaptive, "adaptive")
        made = self._make(kernel, _bandwidth_of(self.bandwidth), adaptive)
        self.kernel_: Kernel = made.kernel()
        found = np.array(made.bandwidth())
        self.bandwidth_: float | Array = float(found[0]) if found.size == 1 else found
        self._prepared = Prepared(made)
        return self

    def score_samples(self, X: npt.ArrayLike) -> Array:
        """The logarithm of the density at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Where.

        Returns
        -------
        ndarray, shape (m,)
            Minus infinity where no kernel reaches.
        """
        return self._fitted().log_density(self._rows(X), _arrays.threads(self.n_jobs))

    def score(self, X: npt.ArrayLike, y: Any = None) -> float:
        """The log likelihood of the rows of X: the sum of their log densities.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        y : ignored

        Returns
        -------
        float
        """
        return float(np.sum(self.score_samples(X), dtype=np.float64))

    def score_function(self, X: npt.ArrayLike) -> Array:
        """The gradient of the log density at each row of X, what is called the score in score-based models.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Where.

        Returns
        -------
        ndarray, shape (m, d)
            NaN where the density is 0.
        """
        return self._fitted().score_function(self._rows(X), _arrays.threads(self.n_jobs))

    def leave_one_out(self) -> Array:
        """The log density at each training sample, made by all others at the bandwidth in force.

        Returns
        -------
        ndarray, shape (n,)
        """
        return self._fitted().leave_one_out(_arrays.threads(self.n_jobs))

    def sample(self, n_samples: int = 1, random_state: int | np.random.RandomState | np.random.Generator | None = None) -> Array:
        """Draws from the density, whatever its kernel.

        Parameters
        ----------
        n_samples : int, default 1
            How many.
        random_state : int, RandomState, Generator or None
            A number draws the same again, on any machine (not what scikit-learn draws).

        Returns
        -------
        ndarray, shape (n_samples, d)
        """
        seed = _arrays.seed(random_state)
        model = self._fitted()
        return model.sample(_arrays.count(n_samples, "n_samples"), seed, _arrays.threads(self.n_jobs))

    def _rows(self, X: npt.ArrayLike) -> Array:
        rows: Array = validate_data(self, X, reset=False, dtype=self.X_fit_.dtype)
        return rows

    def _fitted(self) -> _core.KernelDensity:
        check_is_fitted(self)
        if self._prepared.made is None:
            # Every bandwidth is in the kernel.
            self._prepared.made = self._make(self.kernel_, 1.0, 0.0)
        made: _core.KernelDensity = self._prepared.made
        return made

    def _make(self, kernel: Kernel, bandwidth: float | list[float] | str, adaptive: float) -> _core.KernelDensity:
        return _core.KernelDensity(
            self.X_fit_,
            kernel,
            bandwidth,
            self.sample_weight_fit_,
            _arrays.number(self.rtol, "rtol"),
            _arrays.number(self.atol, "atol"),
            adaptive,
            _arrays.threads(self.n_jobs),
        )


class KernelClassifier(Tabular, ClassifierMixin, BaseEstimator):
    """Classification by kernel-weighted votes (Parzen, Nadaraya-Watson).

    The probability of a class is its share of the weights that the training sites have at a query.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        How much a training site counts at a query; a part without ``h`` takes `bandwidth`. Columns of a data frame may be named in it.
    bandwidth : float, sequence of float, or str, default "auto"
        One number; one for each column; or a rule: "auto" or "likelihood" make the leave-one-out log loss smallest, "scott" and
        "silverman" are rules for densities.
    neighborhood : Neighborhood or str, optional
        Which training sites a query may see at all; every one by default.
    on_empty : {"error", "nan", "nearest", "global"}, default "nearest"
        What the probabilities are where no training site weighs; "global" is the priors.
    priors : "uniform", array_like, shape (k,), or None
        How probable the classes are beforehand, in the order of ``classes_``: as in the training data (None), all alike, or these.
    tolerance : float, default 0.0
        What a probability may be off by, with proof; 0 is exact to rounding.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones. Words that training did not have are as far
        from each of its words.
    categorical_similarity : {"one-hot", "hamming"}, default "one-hot"
        ``"hamming"`` leaves columns of words whole, keeps them out of slopes, and multiplies a kernel that names no columns by
        ``laplace(metric=hamming)`` of them, whose width is found as that of numbers is.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The classes, sorted.
    kernel_ : Kernel
        The kernel in force, its bandwidths included.
    neighborhood_ : Neighborhood
        The neighbourhood, its columns by number.
    X_fit_ : ndarray, shape (n, d)
        Training sites.
    y_fit_ : ndarray of int, shape (n,)
        Their classes by number.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Parzen (1962), On estimation of a probability density function and mode; Nadaraya (1964), On estimating regression; Watson (1964),
    Smooth regression analysis.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0], [0.3], [0.4], [2.0], [2.2], [2.9]]
    >>> model = lc.KernelClassifier(bandwidth=0.5).fit(X, ["a", "a", "a", "b", "b", "b"])
    >>> model.predict([[0.2], [2.5]])
    array(['a', 'b'], dtype='<U1')
    >>> model.predict_proba([[1.2]]).round(2)
    array([[0.56, 0.44]])
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Bandwidth = "auto",
        neighborhood: Neighborhood | str | None = None,
        on_empty: OnEmpty = "nearest",
        priors: str | npt.ArrayLike | None = None,
        tolerance: float = 0.0,
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.neighborhood = neighborhood
        self.on_empty = on_empty
        self.priors = priors
        self.tolerance = tolerance
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Takes the training sites, and chooses the bandwidth where a rule is asked for.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training sites.
        y : array_like, shape (n,)
            Their classes: numbers or texts.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative.

        Returns
        -------
        KernelClassifier
            Itself.
        """
        sites, self.classes_, self.y_fit_ = classes_of(self, X, y)
        kernel, neighborhood = self._kernel_for(self.kernel, X), self._neighborhood_for(self.neighborhood, X)
        self.X_fit_: Array = sites
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), sites.dtype)
        self.neighborhood_: Neighborhood = neighborhood
        made = self._make(kernel, _bandwidth_of(self.bandwidth))
        self.kernel_: Kernel = made.kernel()
        self._prepared = Prepared(made)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """The probabilities of the classes at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m, k)
            In the order of ``classes_``; each row sums up to 1.
        """
        model = self._fitted()
        return model.predict_proba(self._rows(X), _arrays.threads(self.n_jobs))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The most probable class at each row of X; of equals the first.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m,)
        """
        model = self._fitted()
        found: Array = self.classes_[model.predict(self._rows(X), _arrays.threads(self.n_jobs))]
        return found

    def _rows(self, X: npt.ArrayLike) -> Array:
        rows: Array = table_data(self, X, reset=False, dtype=self.X_fit_.dtype)
        return rows

    def _fitted(self) -> _core.KernelClassifier:
        check_is_fitted(self)
        if self._prepared.made is None:
            self._prepared.made = self._make(self.kernel_, 1.0)
        made: _core.KernelClassifier = self._prepared.made
        return made

    def _make(self, kernel: Kernel, bandwidth: float | list[float] | str) -> _core.KernelClassifier:
        priors: str | list[float] | None
        if self.priors is None or isinstance(self.priors, str):
            if self.priors not in (None, "uniform"):
                raise ValueError(f"priors={self.priors!r} must be None, 'uniform' or one number for each class")
            priors = self.priors
        else:
            priors = [float(p) for p in np.atleast_1d(_arrays.numbers(self.priors, "priors"))]
        return _core.KernelClassifier(
            self.X_fit_,
            self.y_fit_,
            len(self.classes_),
            kernel,
            bandwidth,
            self.neighborhood_,
            self.sample_weight_fit_,
            _arrays.number(self.tolerance, "tolerance"),
            self.on_empty,
            priors,
            _arrays.threads(self.n_jobs),
        )
