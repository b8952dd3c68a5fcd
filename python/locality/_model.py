"""Models in files, read and written by Rust and by the command-line tool as well."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from . import _arrays, _core
from ._arrays import Array
from ._base import Prepared, check_is_fitted
from ._core import Kernel, Neighborhood

Parts = tuple[str, dict[str, Any], dict[str, Array]]


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Writes a fitted estimator to a file, whole or not at all.

    The file is in the safetensors format, by custom ``.loc``: training samples and what was found, no code. Rust and the command-line
    tool read it, too.

    Parameters
    ----------
    model : LocalPolynomialRegressor, LocalGLMRegressor, LocalLogisticRegression, LocalMeanRegressor, or a neighbours estimator
        A fitted estimator.
    path : str or path
        Where.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.LocalPolynomialRegressor().fit(X, np.sin(X[:, 0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "sine.loc"
    ...     lc.save(model, path)
    ...     again = lc.load(path)
    >>> bool((again.predict(X) == model.predict(X)).all())
    True
    """
    pack = _PACK.get(type(model).__name__)
    if pack is None:
        raise TypeError(f"{type(model).__name__} cannot be saved; the estimators that can are {', '.join(_PACK)}")
    check_is_fitted(model)
    kind, parameters, arrays = pack(model)
    names = getattr(model, "feature_names_in_", None)
    about = {
        "features": [] if names is None else [{"name": str(name)} for name in names],
        "classes": np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else [],
    }
    kept = {name: np.ascontiguousarray(a) for name, a in arrays.items() if a is not None}
    data = _core.model_to_bytes(kind, json.dumps(parameters), json.dumps(about), kept)
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=".locality-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def load(path: str | os.PathLike[str]) -> Any:
    """Reads a fitted estimator from a file that Python, Rust or the command-line tool wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    estimator
        It predicts the same bits as the one that was saved. Columns of words that the tool turned into zeros and ones are columns of
        their own, ``name=word``.
    """
    try:
        kind, text, about_text, names, arrays = _core.model_from_bytes(Path(path).read_bytes())
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    parameters, about = json.loads(text), json.loads(about_text)
    unpack = _UNPACK.get(kind)
    if unpack is None:
        raise ValueError(f"{path}: a model of the kind {kind} has no estimator here; load it in Rust or with the tool")
    try:
        model = unpack(parameters, arrays, about["classes"])
    except (KeyError, IndexError, TypeError) as e:
        raise ValueError(f"{path}: the file lacks {e} or has it in another shape; it is damaged, or of another program") from None
    model.n_features_in_ = arrays["samples"].shape[1]
    if names:
        model.feature_names_in_ = np.array(names, dtype=object)
    return model


def _kernel(model: Any) -> Kernel:
    kernel = model.kernel if isinstance(model.kernel, Kernel) else Kernel(model.kernel)
    names = getattr(model, "feature_names_in_", None)
    return kernel if names is None else kernel.with_columns([str(name) for name in names])


def _searched(model: Any) -> dict[str, Any]:
    """The kernel that was asked for, and how its bandwidth was to be found."""
    kernel, search = str(_kernel(model)), model.bandwidth
    if not isinstance(search, str):
        kernel, search = _core.kernel_with_bandwidth(Kernel(kernel), _arrays.number(search, "bandwidth")), "given"
    kept: dict[str, Any] = model._prepared.kept
    return {"kernel": kernel, "search": search, "neighborhood": str(model.neighborhood_)} | kept


def _prepared(p: dict[str, Any], made: Any = None) -> Prepared:
    """With what no parameter of the estimator says: how a bandwidth was found, and what was tried."""
    prepared = Prepared(made)
    prepared.kept = {name: p[name] for name in ("search", "tried", "standardize")}
    return prepared


def _tried(found: list[tuple[int, str, float]]) -> list[list[Any]]:
    """What is not finite has no number in a file."""
    return [[degree, kernel, score if np.isfinite(score) else None] for degree, kernel, score in found]


def _column(y: Array) -> Array:
    return np.asarray(y, dtype=y.dtype)[:, None] if y.ndim == 1 else y


def _flat(y: Array) -> Array:
    return y[:, 0] if y.shape[1] == 1 else y


def _pack_polynomial(model: Any) -> Parts:
    made = model._fit()
    degrees = [model.degree] if np.ndim(model.degree) == 0 else list(model.degree)
    found = {
        "degrees": [int(d) for d in degrees],
        "standardize": None if model.standardize is None else bool(model.standardize),
        "ridge": float(model.ridge),
        "guard": bool(model.guard),
        "on_empty": model.on_empty,
        "found_kernel": str(model.kernel_),
        "found_degree": model.degree_,
        "tried": _tried(made.tried),
    }
    arrays = {
        "samples": model.X_fit_,
        "responses": _column(model.y_fit_),
        "scales": model.scales_,
        "weights": model.sample_weight_fit_,
    }
    return "local_regression", found | _searched(model), arrays


def _unpack_polynomial(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._local import LocalPolynomialRegressor

    degrees = p["degrees"]
    model = LocalPolynomialRegressor(
        p["kernel"],
        bandwidth="auto" if p["search"] == "given" else p["search"],
        degree=degrees[0] if len(degrees) == 1 else degrees,
        standardize=p["standardize"],
        ridge=p["ridge"],
        guard=p["guard"],
        neighborhood=p["neighborhood"],
        on_empty=p["on_empty"],
    )
    _samples(model, p, arrays)
    model.y_fit_ = _flat(arrays["responses"])
    model.degree_ = p["found_degree"]
    model._prepared = _prepared(p)
    model._fit()
    return model


def _samples(model: Any, p: dict[str, Any], arrays: dict[str, Array]) -> None:
    model.X_fit_ = arrays["samples"]
    model.sample_weight_fit_ = arrays.get("weights")
    model.kernel_ = Kernel(p.get("found_kernel", p["kernel"]))
    model.neighborhood_ = Neighborhood(p["neighborhood"])
    if "scales" in arrays:
        model.scales_ = arrays["scales"]


def _glm(model: Any, penalty: float) -> Parts:
    found: dict[str, Any] = {
        "standardize": None,
        "penalty": penalty,
        "found_kernel": str(model.kernel_),
        "found_degree": 1,
        "tried": _tried([(1, kernel, score) for kernel, score in model._model().tried]),
    }
    arrays = {"samples": model.X_fit_, "scales": model.scales_, "weights": model.sample_weight_fit_}
    return "", found | _searched(model), arrays


def _pack_glm(model: Any) -> Parts:
    _, p, arrays = _glm(model, float(model.alpha))
    theta = float(model.theta) if model.family == "negative_binomial" else 1.0
    return "local_glm", p | {"family": model.family, "theta": theta}, arrays | {"responses": _column(model.y_fit_)}


def _unpack_glm(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._glm import LocalGLMRegressor

    model = LocalGLMRegressor(
        p["family"], p["kernel"], alpha=p["penalty"], theta=p["theta"], neighborhood=p["neighborhood"]
    )
    _samples(model, p, arrays)
    model.y_fit_ = _flat(arrays["responses"])
    model._prepared = _prepared(p)
    model._model()
    return model


def _pack_logistic(model: Any) -> Parts:
    _, p, arrays = _glm(model, 1.0 / float(model.C))
    codes = model.y_fit_.astype(np.int64)
    return "local_logistic", p | {"n_classes": len(model.classes_)}, arrays | {"classes": codes}


def _unpack_logistic(p: dict[str, Any], arrays: dict[str, Array], classes: list[Any]) -> Any:
    from ._glm import LocalLogisticRegression

    model = LocalLogisticRegression(1.0 / p["penalty"], p["kernel"], neighborhood=p["neighborhood"])
    _samples(model, p, arrays)
    model.classes_ = np.array(classes if classes else range(p["n_classes"]))
    model.y_fit_ = arrays["classes"].astype(np.intp)
    model._prepared = _prepared(p)
    model._model()
    return model


def _pack_mean(model: Any) -> Parts:
    p = {
        "kernel": str(model.kernel_),
        "neighborhood": str(model.neighborhood_),
        "on_empty": model.on_empty,
        "tolerance": float(model.tolerance),
        "null_weight": 0.0,
    }
    arrays = {"samples": model.X_fit_, "responses": _column(model.y_fit_), "weights": model.sample_weight_fit_}
    return "local_mean", p, arrays


def _unpack_mean(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._regression import LocalMeanRegressor

    if p["null_weight"] != 0.0:
        raise ValueError("the model has a null_weight, which no estimator has; load it in Rust")
    model = LocalMeanRegressor(
        p["kernel"], neighborhood=p["neighborhood"], tolerance=p["tolerance"], on_empty=p["on_empty"]
    )
    _samples(model, p, arrays)
    model.y_fit_ = _flat(arrays["responses"])
    model._prepared = Prepared(model._prepare())
    return model


def _neighbors(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    samples, targets, ids, next_id = model._memory.made.state()
    rule = model._rule()
    if callable(rule):
        raise TypeError("weights is a function, which cannot be kept in a file; choose 'uniform', 'distance' or a kernel")
    p: dict[str, Any] = {"metric": model._memory.how[0]}
    if model._memory.how[1] is not None:
        p["metric_map"] = model._memory.how[1]
    if hasattr(model, "n_neighbors"):
        p["k"] = int(model.n_neighbors)
    else:
        p["radius"] = float(model.radius)
    if rule in ("uniform", "distance"):
        p["weights"] = rule
    else:
        text = str(Kernel(rule) if isinstance(rule, str) else rule)
        fixed = "h=" in text
        p |= {"weights": "kernel", "weights_kernel": text, "weights_scale": "fixed" if fixed else "next"}
    arrays = {
        "samples": samples,
        "responses": targets,
        "ids": np.asarray(ids, dtype=np.int64),
        "next_id": np.array([next_id], dtype=np.int64),
    }
    return p, arrays


def _restore(model: Any, p: dict[str, Any], arrays: dict[str, Array]) -> None:
    from ._lazy import _restored

    how = (p["metric"], p.get("metric_map"))
    ids, next_id = arrays["ids"], int(arrays["next_id"][0])
    model._memory = _restored(arrays["samples"], arrays["responses"], ids, next_id, how)
    model.effective_metric_, model.n_samples_fit_ = p["metric"], len(ids)


def _weights(p: dict[str, Any]) -> str:
    if p.get("weights_scale") == "farthest":
        raise ValueError("the model's weights end at the farthest neighbour, which no estimator has; load it in Rust")
    return cast(str, p["weights_kernel"] if p["weights"] == "kernel" else p["weights"])


def _metric(p: dict[str, Any]) -> dict[str, Any]:
    if "metric_map" not in p:
        return {"metric": p["metric"]}
    m = np.array(p["metric_map"])
    return {"metric": p["metric"], "metric_params": {"VI": m.T @ m}}


def _pack_neighbors_regressor(model: Any) -> Parts:
    p, arrays = _neighbors(model)
    return "neighbors_regressor", p | {"on_none": "nan"}, arrays


def _unpack_neighbors_regressor(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._lazy_regression import KNeighborsRegressor, RadiusNeighborsRegressor

    model: Any
    if "k" in p:
        model = KNeighborsRegressor(p["k"], weights=_weights(p), **_metric(p))
    else:
        model = RadiusNeighborsRegressor(p["radius"], weights=_weights(p), **_metric(p))
    _restore(model, p, arrays)
    model._flat = arrays["responses"].shape[1] == 1
    model._y_dtype = np.dtype(np.float64)
    return model


def _pack_neighbors_classifier(model: Any) -> Parts:
    if model.outputs_2d_:
        raise TypeError("a classifier of several outputs cannot be saved; save one for each")
    p, arrays = _neighbors(model)
    outlier, labels = getattr(model, "outlier_label", None), []
    if outlier is None:
        rule = "error"
    elif isinstance(outlier, str) and outlier == "most_frequent":
        rule = "most_frequent"
    else:
        at = np.flatnonzero(model.classes_ == model.outlier_label_[0])
        if not len(at):
            raise TypeError("an outlier label that is no class cannot be kept in a file; choose a class or 'most_frequent'")
        rule, labels = "labels", [int(at[0])]
    count = len(model.classes_)
    more = {"class_counts": np.array([count], dtype=np.int64), "class_labels": np.arange(count, dtype=np.int64)}
    return "neighbors_classifier", p | {"outlier": rule, "outlier_labels": labels}, arrays | more


def _unpack_neighbors_classifier(p: dict[str, Any], arrays: dict[str, Array], classes: list[Any]) -> Any:
    from ._lazy_classification import KNeighborsClassifier, RadiusNeighborsClassifier

    if len(arrays["class_counts"]) != 1:
        raise ValueError("the model has several outputs; load it in Rust")
    own = arrays["class_labels"]
    known = np.array(classes) if classes else own
    model: Any
    if "k" in p:
        model = KNeighborsClassifier(p["k"], weights=_weights(p), **_metric(p))
    else:
        outlier: Any = {"error": None, "most_frequent": "most_frequent"}.get(p["outlier"])
        if p["outlier"] == "labels":
            outlier = known[np.searchsorted(own, p["outlier_labels"][0])]
        model = RadiusNeighborsClassifier(p["radius"], weights=_weights(p), outlier_label=outlier, **_metric(p))
    model.classes_, model.outputs_2d_ = known, False
    _restore(model, p, arrays)
    codes = arrays["responses"].astype(np.intp)
    if len(known) != len(own) or (codes < 0).any() or (codes >= len(known)).any():
        raise ValueError("the file's classes do not fit its samples; it is damaged, or of another program")
    model._counts = [np.zeros(len(known), dtype=np.intp)]
    model._count(arrays["responses"])
    return model


_PACK = {
    "KNeighborsClassifier": _pack_neighbors_classifier,
    "KNeighborsRegressor": _pack_neighbors_regressor,
    "LocalGLMRegressor": _pack_glm,
    "LocalLogisticRegression": _pack_logistic,
    "LocalMeanRegressor": _pack_mean,
    "LocalPolynomialRegressor": _pack_polynomial,
    "RadiusNeighborsClassifier": _pack_neighbors_classifier,
    "RadiusNeighborsRegressor": _pack_neighbors_regressor,
}

_UNPACK = {
    "local_glm": _unpack_glm,
    "local_logistic": _unpack_logistic,
    "local_mean": _unpack_mean,
    "local_regression": _unpack_polynomial,
    "neighbors_classifier": _unpack_neighbors_classifier,
    "neighbors_regressor": _unpack_neighbors_regressor,
}
