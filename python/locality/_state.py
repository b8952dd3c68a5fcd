"""What fitted estimators keep in a file, for those that are kept as they are: parameters, and what was found."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np

from ._arrays import Array
from ._base import Prepared
from ._core import Kernel, Neighborhood
from ._state_adaptive import ADAPTIVE
from ._state_adaptive import ENCODED as _ENCODED
from ._state_adaptive import encoder_fits as _encoder
from ._state_learned import LEARNED
from ._state_memories import MEMORIES
from ._state_parts import DAMAGED as _DAMAGED
from ._state_parts import State
from ._state_parts import lay as _lay
from ._state_parts import later as _later
from ._state_parts import positions as _positions
from ._state_parts import within as _within

Parts = tuple[str, dict[str, Any], dict[str, Array]]

# As the files of models that Rust knows call them.
_NAMES = {
    "X_fit_": "samples",
    "X_": "samples",
    "_keys": "samples",
    "_patterns": "samples",
    "_values_kept": "responses",
    "y_fit_": "responses",
    "sample_weight_fit_": "weights",
    "cluster_centers_": "samples",
    "centroids_": "samples",
}


def _lay_discriminant(model: Any) -> None:
    _positions(model.y_fit_, len(model.classes_))
    _lay(model)


def _geographic(model: Any) -> None:
    names = model.param_names_
    if len(names) != model.params_.shape[1] or len(names) != model.X_fit_.shape[1] + int(model.fit_intercept):
        raise ValueError(f"the file's coefficients do not fit its columns; {_DAMAGED}")
    model._derive()
    _later(model)


def _nystroem(model: Any) -> None:
    _later(model)
    model.dual_coef_ = model.normalization_.T
    model.components_, model.component_indices_ = model.X_fit_, model.landmark_indices_


def _components(model: Any) -> None:
    _later(model)
    centres, back = model.__dict__.pop("_back_centres"), model.__dict__.pop("_back_coef")
    if (centres is None) != (back is None):
        raise ValueError(f"the file has half a way back; {_DAMAGED}")
    model._back = None if centres is None else (centres, back)


def _logistic(model: Any) -> None:
    _later(model)
    k = len(model.classes_)
    if k < 2 or model.dual_coef_.shape[1] != (1 if k == 2 else k):
        raise ValueError(f"the file's classes do not fit its coefficients; {_DAMAGED}")


def _centroids(model: Any) -> None:
    if len(model.classes_) != len(model.centroids_):
        raise ValueError(f"the file's classes do not fit its centres; {_DAMAGED}")


def _mean_shift(model: Any) -> None:
    model._from_file = True
    k = len(model.cluster_centers_)
    _within(model.mode_labels_, 0, k)
    _within(model.labels_, -1, k)
    if model.basins_ is not None:
        _within(model.basins_, -1, len(model.modes_))
    if not np.array_equal(np.unique(model.mode_labels_), np.arange(k)):
        raise ValueError(f"the file's modes do not fit its clusters; {_DAMAGED}")


def _modes(model: Any) -> None:
    n, k, m = len(model.X_fit_), len(model.cluster_centers_indices_), len(model.mode_indices_)
    _within(model.labels_, 0, k)
    _within(model.cluster_centers_indices_, 0, n)
    _within(model.mode_indices_, 0, n)
    _within(model.basins_, 0, m)
    _within(getattr(model, "parents_", model.labels_), 0, n)
    if k == 0 or model.diagram_.shape[1] != 2:
        raise ValueError(f"the file's clusters do not fit its modes; {_DAMAGED}")
    model.cluster_centers_ = model.X_fit_[model.cluster_centers_indices_]


_SITES = {"X_fit_": "n d", "scales_": "d", "sample_weight_fit_": "n?"}
_SEARCHED = {"kernel_": "kernel", "neighborhood_": "neighborhood"}
_GEOGRAPHIC = {
    "X_fit_": "n d",
    "y_fit_": "n",
    "coords_fit_": "n c",
    "exposure_fit_": "n?",
    "params_": "n q",
    "standard_errors_": "n q",
    "fitted_values_": "n",
    "leverage_": "n",
}
_MODES = {
    "X_fit_": "n d",
    "labels_": "int n",
    "cluster_centers_indices_": "int k",
    "log_density_": "n",
    "diagram_": "m e",
    "mode_indices_": "int m",
    "basins_": "int n",
}
_FOUND = {"bandwidth_": "real", "min_persistence_": "real"}
_FIGURES = dict.fromkeys(
    ("rss_", "sigma2_", "scale_", "deviance_", "null_deviance_", "r2_", "adj_r2_", "aic_", "aicc_", "bic_", "cv_", "tr_S_"),
    "real",
)


def _spread(model: Any) -> None:
    pieces = model.pieces_
    rows = len(np.atleast_2d(model.eigenvalues_))
    if pieces.min() < 0 or pieces.max() + 1 != rows:
        raise ValueError(f"the file's pieces do not fit its eigenvalues; {_DAMAGED}")
    _lay(model)


def _embedded(model: Any) -> None:
    if model.pieces_.min() < 0:
        raise ValueError(f"the file's pieces are none; {_DAMAGED}")


def _outliers(model: Any) -> None:
    model.n_samples_fit_ = len(model._samples)
    model._metric = model._how(None)
    model.effective_metric_ = model._metric[0]
    if not 1 <= model.n_neighbors_ < model.n_samples_fit_:
        raise ValueError(f"the file's n_neighbors_={model.n_neighbors_} does not fit its samples; {_DAMAGED}")


def _codes(model: Any) -> None:
    if model.n_neighbors_ is not None and model.bandwidth_ is not None:
        raise ValueError(f"the file's decoder has two widths; {_DAMAGED}")
    if model.n_iter_ != len(model.loss_curve_):
        raise ValueError(f"the file's n_iter_={model.n_iter_} does not fit its losses; {_DAMAGED}")
    _lay(model)


STATES = {
    "DiffusionMap": State(
        "diffusion_map",
        "_spectral",
        {"X_fit_": "n d", "embedding_": "n c", "eigenvalues_": "c|p c", "_thinning": "n", "pieces_": "int n"},
        {"kernel_": "kernel"},
        _spread,
    ),
    "LazyAutoencoder": State(
        "lazy_autoencoder",
        "_autoencode",
        {"X_fit_": "n d", "codes_": "n c", "loss_curve_": "r"},
        {"n_neighbors_": "count?", "bandwidth_": "real?", "loss_": "real", "n_iter_": "count", "converged_": "flag"},
        _codes,
    ),
    "LocalOutlierFactor": State(
        "local_outlier_factor",
        "_outlier",
        {"_samples": "n d", "negative_outlier_factor_": "n"},
        {"n_neighbors_": "count", "offset_": "real"},
        _outliers,
    ),
    "LocalPCA": State(
        "local_pca",
        "_pca",
        {"X_fit_": "n d", "mean_": "d", "components_": "c d", "explained_variance_": "c"},
        {"kernel_": "kernel?", "neighborhood_": "neighborhood"},
        _lay,
    ),
    "LocallyLinearEmbedding": State(
        "locally_linear_embedding",
        "_embed",
        {"_samples": "n d", "embedding_": "n c", "pieces_": "int n"},
        {"reconstruction_error_": "real", "kernel_": "kernel?"},
        _embedded,
    ),
    "GWR": State(
        "gwr",
        "_gwr",
        _GEOGRAPHIC | {"local_r2_": "n", "thin_": "bool n"},
        _FIGURES | {"param_names_": "texts", "bandwidth_": "real", "search_history_": "pairs", "tr_STS_": "real"},
        _geographic,
    ),
    "GaussianProcessRegressor": State(
        "gaussian_process",
        "_process",
        {"X_fit_": "n d", "y_fit_": "n|n p", "landmark_indices_": "int m?"},
        {"kernel_": "kernel", "alpha_": "real", "amplitude_": "real", "log_marginal_likelihood_value_": "real"},
        _later,
    ),
    "KernelLogisticRegression": State(
        "kernel_logistic",
        "_kernel_logistic",
        {"X_fit_": "n d", "dual_coef_": "n p", "intercept_": "p", "landmark_indices_": "int n?"},
        {"kernel_": "kernel", "n_iter_": "count"},
        _logistic,
    ),
    "KernelPCA": State(
        "kernel_pca",
        "_kernel_features",
        {
            "X_fit_": "n d",
            "eigenvalues_": "c",
            "dual_coef_": "n c",
            "_shift": "c",
            "_back_centres": "m c?",
            "_back_coef": "m d?",
            "landmark_indices_": "int n?",
        },
        {"kernel_": "kernel"},
        _components,
    ),
    "KernelRidge": State(
        "kernel_ridge",
        "_ridge",
        {"X_fit_": "n d", "dual_coef_": "n|n p", "landmark_indices_": "int n?"},
        {"kernel_": "kernel", "alpha_": "real", "jitter_": "real"},
        _later,
    ),
    "LocalDiscriminantAnalysis": State(
        "local_discriminant", "_models", _SITES | {"y_fit_": "int n"}, _SEARCHED, _lay_discriminant
    ),
    "LocalGaussianRegressor": State("local_gaussian", "_gaussian", _SITES | {"y_fit_": "n"}, _SEARCHED, _lay),
    "LocalModeRegressor": State(
        "local_mode", "_models", _SITES | {"y_fit_": "n"}, _SEARCHED | {"response_bandwidth_": "real"}, _lay
    ),
    "LocalQuantileRegressor": State("local_quantile", "_models", _SITES | {"y_fit_": "n"}, _SEARCHED | {"columns_": "counts?"}, _lay),
    "MGWR": State(
        "mgwr",
        "_mgwr",
        _GEOGRAPHIC | {"bandwidths_": "q", "bandwidth_history_": "r q", "changes_": "r", "enp_": "q", "search_history_": "s t?"},
        _FIGURES | {"param_names_": "texts", "initial_bandwidth_": "real", "n_iter_": "count", "converged_": "flag"},
        _geographic,
        later=("bandwidth_ranges",),
    ),
    "MeanShift": State(
        "mean_shift",
        "_shift",
        {
            "cluster_centers_": "k d",
            "labels_": "int n",
            "intensities_": "k",
            "modes_": "m d",
            "mode_labels_": "int m",
            "basins_": "int n?",
            "diagram_": "b e?",
        },
        {"n_iter_": "count", "bandwidth_": "real"},
        _mean_shift,
    ),
    "MedoidShift": State(
        "medoid_shift", "_modes", _MODES | {"parents_": "int n"}, _FOUND | {"n_iter_": "count"}, _modes
    ),
    "MetricLearner": State(
        "metric_learner",
        "_metric_learner",
        {"components_": "c d", "losses_": "l"},
        {"task_": "text", "n_iter_": "count", "converged_": "flag"},
        later=("init",),
    ),
    "NearestCentroid": State(
        "nearest_centroid",
        "_centroid",
        {"centroids_": "k d", "deviations_": "k d", "within_class_std_dev_": "d", "class_prior_": "k"},
        {},
        _centroids,
    ),
    "Nystroem": State(
        "nystroem",
        "_kernel_features",
        {"X_fit_": "c d", "normalization_": "c c", "landmark_indices_": "int c?"},
        {"kernel_": "kernel"},
        _nystroem,
    ),
    "QuickShift": State(
        "quick_shift", "_modes", _MODES | {"parents_": "int n", "distances_": "n"}, _FOUND, _modes
    ),
    "TableEncoder": State(
        "table_encoder",
        "_columns",
        {"fill_": "d", "lacking_": "bool d", "shares_": "w"},
        {"categories_": "levels"},
        _encoder,
    ),
    "Tomato": State("tomato", "_modes", _MODES, _FOUND, _modes),
} | MEMORIES | LEARNED | ADAPTIVE

KINDS = {state.kind: name for name, state in STATES.items()}


def text_of(x: Kernel | Neighborhood, name: str) -> str:
    """A text that says all of a kernel or a neighbourhood."""
    text = str(x)
    if type(x)(text) != x:
        raise TypeError(f"{name} {text} has no text that says all of it, so that it cannot be kept in a file; write it as text")
    return text


def plain(x: Any, name: str) -> Any:
    """What JSON can hold of a parameter: numbers that are not finite have words."""
    if isinstance(x, (Kernel, Neighborhood)):
        return text_of(x, name)
    if isinstance(x, (np.random.RandomState, np.random.Generator)):
        # Draws to come are not kept; a new fit draws anew.
        return None
    if isinstance(x, np.ndarray):
        x = x.tolist()
    if isinstance(x, np.generic):
        x = x.item()
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, float):
        return x if math.isfinite(x) else {"number": str(x)}
    if isinstance(x, (list, tuple)):
        return [plain(part, name) for part in x]
    raise TypeError(f"{name}={x!r} cannot be kept in a file; give numbers, texts or lists of them")


def unplain(x: Any) -> Any:
    """A parameter from JSON."""
    if isinstance(x, dict):
        if set(x) != {"number"} or x["number"] not in ("inf", "-inf", "nan"):
            raise TypeError("a parameter that is no number, text or list")
        return float(x["number"])
    return [unplain(part) for part in x] if isinstance(x, list) else x


def pack(model: Any) -> Parts:
    """Kind, parameters and arrays of a fitted estimator."""
    state = STATES[type(model).__name__]
    given = {}
    for name, value in model.get_params(deep=False).items():
        own = getattr(model, "feature_names_in_", None)
        if name in ("kernel", "neighborhood") and f"{name}_" in state.values and own is not None and value is not None:
            # Columns by number: names are the table's.
            made = value if not isinstance(value, str) else (Kernel if name == "kernel" else Neighborhood)(value)
            value = made.with_columns([str(n) for n in own])
        if name != "n_jobs" and (value is not None or name not in state.later):
            given[name] = plain(value, name)
    view = {} if state.view is None else state.view(model)
    values = {name: plain(_of(model, name, view), name) for name in state.values}
    arrays = {}
    for name, shape in state.arrays.items():
        found = _of(model, name, view)
        if found is not None:
            arrays[_key(name)] = found.astype(np.int64) if shape.startswith(("int ", "bool ")) else found
    return state.kind, {"given": given, "found": values}, arrays


def _of(model: Any, name: str, view: dict[str, Any]) -> Any:
    if name in view:
        return view[name]
    if name in ("_back_centres", "_back_coef"):
        return None if model._back is None else model._back[name == "_back_coef"]
    if name.startswith(_ENCODED):
        return getattr(model._encoder, name.removeprefix(_ENCODED))
    return getattr(model, name)


def _key(name: str) -> str:
    return _NAMES.get(name, name.strip("_"))


def unpack(kind: str, p: dict[str, Any], arrays: dict[str, Array], classes: list[Any]) -> Any:
    """The estimator of a file; whatever does not fit together is refused before it is used."""
    name = KINDS[kind]
    state = STATES[name]
    model = getattr(import_module(f"{__package__}.{state.module}"), name)(
        **{key: unplain(value) for key, value in dict(p["given"]).items()}
    )
    sizes: dict[str, int] = {}
    for key, shape in state.arrays.items():
        setattr(model, key, _array(_key(key), arrays.get(_key(key)), shape, sizes))
    for key, what in state.values.items():
        setattr(model, key, _value(key, unplain(p["found"][key]), what))
    if classes:
        model.classes_ = np.array(classes)
    if "d" in sizes:
        model.n_features_in_ = sizes["d"]
    if state.ready is not None:
        state.ready(model)
    return model


def _array(name: str, x: Array | None, shape: str, sizes: dict[str, int]) -> Array | None:
    if x is None:
        if shape.endswith("?"):
            return None
        raise ValueError(f"the file has no array '{name}'; {_DAMAGED}")
    axes = shape.removesuffix("?").removeprefix("int ").removeprefix("bool ")
    letters = next((option.split() for option in axes.split("|") if len(option.split()) == x.ndim), None)
    whole = shape.startswith(("int ", "bool "))
    fits = letters is not None and (x.dtype == np.int64 if whole else x.dtype.kind == "f")
    for letter, size in zip(letters or [], x.shape, strict=False):
        fits = fits and sizes.setdefault(letter, size) == size
    if not fits:
        raise ValueError(f"the file's array '{name}' is {x.dtype} of shape {x.shape}, which does not fit the others; {_DAMAGED}")
    if shape.startswith("bool "):
        return x.astype(bool)
    return x.astype(np.intp, copy=False) if whole else x


def _value(name: str, x: Any, what: str) -> Any:
    if what == "kernel" and isinstance(x, str):
        return Kernel(x)
    if what in ("kernel?", "count?", "real?"):
        return None if x is None else _value(name, x, what[:-1])
    if what == "neighborhood" and isinstance(x, str):
        return Neighborhood(x)
    if what == "texts" and isinstance(x, list) and all(isinstance(part, str) for part in x):
        return x
    if what == "text" and isinstance(x, str):
        return x
    if what == "tokens" and isinstance(x, list) and x and all(isinstance(t, (str, int)) and not isinstance(t, bool) for t in x):
        # Of equals one would have no code.
        if len(set(x)) == len(x):
            return x
    if what == "levels" and isinstance(x, list):
        # The places of words are found by bisection.
        levels = [part if part is None else _value(name, part, "texts") for part in x]
        if all(part is None or part == sorted(set(part)) for part in levels):
            return levels
    if what == "pairs" and isinstance(x, list):
        return [(_value(name, a, "real"), _value(name, b, "real")) for a, b in x]
    if what == "counts?" and (x is None or isinstance(x, list) and all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in x)):
        return x
    if what == "flag" and isinstance(x, bool):
        return x
    if what == "count" and isinstance(x, int) and not isinstance(x, bool) and x >= 0:
        return x
    if what == "real" and isinstance(x, (int, float)) and not isinstance(x, bool):
        return float(x)
    raise ValueError(f"the file's '{name}' is {x!r}, which has no meaning there; {_DAMAGED}")
