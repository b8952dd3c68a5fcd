"""Localization methods on one fast primitive, the local mean.

Everything is a local mean: a kernel weighs sites, and the weighted values are summed up.

>>> import numpy as np
>>> import locality as lc
>>> keys = np.linspace(0.0, 1.0, 11)
>>> values = keys**2
>>> lc.local_mean([0.25, 0.5], keys, values, kernel="epanechnikov(h=0.15)").round(3)
array([0.065, 0.255])

Arrays
    Sites are the rows of a two-dimensional array; a one-dimensional array of ``n`` numbers is ``n`` sites of one number
    each. float32 stays float32, everything else becomes float64. Arrays whose rows lie in one piece (whole arrays, and
    slices of rows or of leading columns) are read in place.
Kernels
    As text, ``"gaussian(h=0.3)"``, or as objects, ``lc.kernels.gaussian(h=0.3)``.
Threads
    ``n_jobs=None`` and ``n_jobs=-1`` use every core; results do not depend on it.
Errors
    ``ValueError`` for values and shapes, ``TypeError`` for types; Ctrl-C stops long work.
scikit-learn
    The estimators are scikit-learn's where it is installed; numpy is all that is needed otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import image, kernels, learn
from ._core import Kernel, Neighborhood, __version__
from ._gradients import LocalMeanGradients, local_mean_vjp
from ._lowess import LowessFit, lowess, lowess_fit
from ._mean import local_mean, local_weights, log_sum
from ._nearest import Neighbors, NeighborsWithin, nearest, within_radius
from ._patches import patches

if TYPE_CHECKING:
    from ._adaptive import AdaptiveKernelClassifier, AdaptiveKernelRegressor
    from ._autoencode import LazyAutoencoder
    from ._autoencoders import DenoisingAutoencoder, ExcessRisk, HierarchicalAutoencoder
    from ._centroid import NearestCentroid
    from ._columns import TableEncoder
    from ._denoise import Generated, OptimalDenoiser, energy_distance, sample_rows
    from ._density import KernelClassifier, KernelDensity
    from ._embed import LocallyLinearEmbedding, continuity, trustworthiness
    from ._fuzzy import FuzzySystem
    from ._fuzzy_learning import FuzzyClassifier, FuzzyCMeans, FuzzyRegressor
    from ._gaussian import LocalGaussianRegressor
    from ._glm import LocalGLMRegressor, LocalLogisticRegression
    from ._gwr import GWR
    from ._hopfield import HopfieldMemory
    from ._hopfield_models import HopfieldClassifier, HopfieldImputer
    from ._hopfield_network import HopfieldNetwork
    from ._kernel_features import KernelPCA, Nystroem
    from ._kernel_logistic import KernelLogisticRegression
    from ._label_propagation import LabelPropagation, LabelSpreading, RelaxationLabeling
    from ._labeling import LabelGraph, label_compatibility, local_modes, relaxation_labeling
    from ._language import LanguageModel
    from ._lazy import NearestNeighbors
    from ._lazy_classification import KNeighborsClassifier, RadiusNeighborsClassifier
    from ._lazy_regression import KNeighborsRegressor, RadiusNeighborsRegressor
    from ._levels import HierarchicalClassifier, HierarchicalRegressor
    from ._local import LocalPolynomialRegressor
    from ._localized import Localized
    from ._metric_learner import MetricLearner
    from ._mgwr import MGWR
    from ._model import load, save
    from ._models import LocalDiscriminantAnalysis, LocalModeRegressor, LocalQuantileRegressor
    from ._modes import MedoidShift, QuickShift, Tomato
    from ._nonlocal import NonLocalRegressor, SmoothedSeries, smooth_series
    from ._outlier import LocalOutlierFactor
    from ._pca import LocalPCA, TangentSpaces, intrinsic_dimension, manifold_blurring
    from ._process import GaussianProcessRegressor
    from ._regression import LocalMeanRegressor
    from ._ridge import KernelRidge
    from ._risk import LocalRisk
    from ._sentences import SentenceEncoder
    from ._sequences import EncoderDecoder
    from ._shift import MeanShift, estimate_bandwidth, get_bin_seeds, mean_shift
    from ._spectral import DiffusionMap, LaplacianEigenmaps
    from ._surrogate import LocalSurrogate, Surrogate
    from ._tokenizers import Tokenizer

__all__ = [
    "AdaptiveKernelClassifier",
    "AdaptiveKernelRegressor",
    "DenoisingAutoencoder",
    "DiffusionMap",
    "EncoderDecoder",
    "ExcessRisk",
    "FuzzyCMeans",
    "FuzzyClassifier",
    "FuzzyRegressor",
    "FuzzySystem",
    "GWR",
    "GaussianProcessRegressor",
    "Generated",
    "HierarchicalAutoencoder",
    "HierarchicalClassifier",
    "HierarchicalRegressor",
    "HopfieldClassifier",
    "HopfieldImputer",
    "HopfieldMemory",
    "HopfieldNetwork",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "Kernel",
    "KernelClassifier",
    "KernelDensity",
    "KernelLogisticRegression",
    "KernelPCA",
    "KernelRidge",
    "LabelGraph",
    "LabelPropagation",
    "LabelSpreading",
    "LanguageModel",
    "LaplacianEigenmaps",
    "LazyAutoencoder",
    "LocalDiscriminantAnalysis",
    "LocalGLMRegressor",
    "LocalGaussianRegressor",
    "LocalLogisticRegression",
    "LocalMeanGradients",
    "LocalMeanRegressor",
    "LocalModeRegressor",
    "LocalOutlierFactor",
    "LocalPCA",
    "LocalPolynomialRegressor",
    "LocalQuantileRegressor",
    "LocalRisk",
    "LocalSurrogate",
    "Localized",
    "LocallyLinearEmbedding",
    "LowessFit",
    "MGWR",
    "MeanShift",
    "MedoidShift",
    "MetricLearner",
    "NearestCentroid",
    "NearestNeighbors",
    "Neighborhood",
    "Neighbors",
    "NeighborsWithin",
    "NonLocalRegressor",
    "Nystroem",
    "OptimalDenoiser",
    "QuickShift",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
    "RelaxationLabeling",
    "SentenceEncoder",
    "SmoothedSeries",
    "Surrogate",
    "TableEncoder",
    "TangentSpaces",
    "Tokenizer",
    "Tomato",
    "__version__",
    "continuity",
    "energy_distance",
    "estimate_bandwidth",
    "get_bin_seeds",
    "image",
    "intrinsic_dimension",
    "kernels",
    "label_compatibility",
    "learn",
    "load",
    "local_mean",
    "local_mean_vjp",
    "local_modes",
    "local_weights",
    "log_sum",
    "lowess",
    "lowess_fit",
    "mean_shift",
    "manifold_blurring",
    "nearest",
    "patches",
    "relaxation_labeling",
    "sample_rows",
    "save",
    "smooth_series",
    "trustworthiness",
    "within_radius",
]

# The estimators load scikit-learn, which takes longer than all the rest: only when they are asked for.
_LATER = {
    "AdaptiveKernelClassifier": "_adaptive",
    "AdaptiveKernelRegressor": "_adaptive",
    "DenoisingAutoencoder": "_autoencoders",
    "DiffusionMap": "_spectral",
    "EncoderDecoder": "_sequences",
    "ExcessRisk": "_autoencoders",
    "FuzzyCMeans": "_fuzzy_learning",
    "FuzzyClassifier": "_fuzzy_learning",
    "FuzzyRegressor": "_fuzzy_learning",
    "FuzzySystem": "_fuzzy",
    "GWR": "_gwr",
    "GaussianProcessRegressor": "_process",
    "Generated": "_denoise",
    "HierarchicalAutoencoder": "_autoencoders",
    "HierarchicalClassifier": "_levels",
    "HierarchicalRegressor": "_levels",
    "HopfieldClassifier": "_hopfield_models",
    "HopfieldImputer": "_hopfield_models",
    "HopfieldMemory": "_hopfield",
    "HopfieldNetwork": "_hopfield_network",
    "KNeighborsClassifier": "_lazy_classification",
    "KNeighborsRegressor": "_lazy_regression",
    "KernelClassifier": "_density",
    "KernelDensity": "_density",
    "KernelLogisticRegression": "_kernel_logistic",
    "KernelPCA": "_kernel_features",
    "KernelRidge": "_ridge",
    "LabelGraph": "_labeling",
    "LabelPropagation": "_label_propagation",
    "LabelSpreading": "_label_propagation",
    "LanguageModel": "_language",
    "LaplacianEigenmaps": "_spectral",
    "LazyAutoencoder": "_autoencode",
    "LocalDiscriminantAnalysis": "_models",
    "LocalGLMRegressor": "_glm",
    "LocalGaussianRegressor": "_gaussian",
    "LocalLogisticRegression": "_glm",
    "LocalMeanRegressor": "_regression",
    "LocalModeRegressor": "_models",
    "LocalOutlierFactor": "_outlier",
    "LocalPCA": "_pca",
    "LocalPolynomialRegressor": "_local",
    "LocalQuantileRegressor": "_models",
    "LocalRisk": "_risk",
    "LocalSurrogate": "_surrogate",
    "Localized": "_localized",
    "LocallyLinearEmbedding": "_embed",
    "MGWR": "_mgwr",
    "MeanShift": "_shift",
    "MedoidShift": "_modes",
    "MetricLearner": "_metric_learner",
    "NearestCentroid": "_centroid",
    "NearestNeighbors": "_lazy",
    "NonLocalRegressor": "_nonlocal",
    "Nystroem": "_kernel_features",
    "OptimalDenoiser": "_denoise",
    "QuickShift": "_modes",
    "RadiusNeighborsClassifier": "_lazy_classification",
    "RadiusNeighborsRegressor": "_lazy_regression",
    "RelaxationLabeling": "_label_propagation",
    "SentenceEncoder": "_sentences",
    "SmoothedSeries": "_nonlocal",
    "Surrogate": "_surrogate",
    "TableEncoder": "_columns",
    "TangentSpaces": "_pca",
    "Tokenizer": "_tokenizers",
    "Tomato": "_modes",
    "continuity": "_embed",
    "energy_distance": "_denoise",
    "estimate_bandwidth": "_shift",
    "get_bin_seeds": "_shift",
    "mean_shift": "_shift",
    "intrinsic_dimension": "_pca",
    "label_compatibility": "_labeling",
    "load": "_model",
    "local_modes": "_labeling",
    "manifold_blurring": "_pca",
    "relaxation_labeling": "_labeling",
    "sample_rows": "_denoise",
    "save": "_model",
    "smooth_series": "_nonlocal",
    "trustworthiness": "_embed",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "torch":
        return import_module(f"{__name__}.torch")
    if name in _LATER:
        value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
