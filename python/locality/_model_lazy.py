"""Lazy learners in files."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ._arrays import Array
from ._core import Kernel
from ._state import Parts


def _neighbors(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    p, arrays = _memory(model)
    rule = model._rule()
    if callable(rule):
        raise TypeError("weights is a function, which cannot be kept in a file; choose 'uniform', 'distance' or a kernel")
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
    return p, arrays


def _memory(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    samples, targets, ids, next_id = model._memory.made.state()
    p: dict[str, Any] = {"metric": model._memory.how[0]}
    if model._memory.how[1] is not None:
        p["metric_map"] = model._memory.how[1]
    arrays = {
        "samples": samples,
        "responses": targets,
        "ids": np.asarray(ids, dtype=np.int64),
        "next_id": np.array([next_id], dtype=np.int64),
    }
    return p, arrays


def pack_search(model: Any) -> Parts:
    p, arrays = _memory(model)
    del arrays["responses"]
    return "nearest_neighbors", p | {"k": int(model.n_neighbors), "radius": float(model.radius)}, arrays


def unpack_search(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._lazy import NearestNeighbors

    model = NearestNeighbors(n_neighbors=p["k"], radius=p["radius"], **_metric(p))
    _restore(model, p, arrays | {"responses": np.empty((len(arrays["samples"]), 0))})
    return model


def _restore(model: Any, p: dict[str, Any], arrays: dict[str, Array]) -> None:
    from ._lazy import _restored

    how = (p["metric"], p.get("metric_map"))
    ids, next_id = arrays["ids"], int(arrays["next_id"][0])
    model._memory = _restored(arrays["samples"], arrays["responses"], ids, next_id, how)
    model.effective_metric_, model.n_samples_fit_ = p["metric"], len(ids)


def _radius(p: dict[str, Any]) -> float:
    if p.get("radius") is None:
        raise ValueError("the file has neither 'k' nor a number as 'radius'; it is damaged")
    return float(p["radius"])


def _weights(p: dict[str, Any]) -> str:
    if p.get("weights_scale") == "farthest":
        raise ValueError("the model's weights end at the farthest neighbour, which no estimator has; load it in Rust")
    return cast(str, p["weights_kernel"] if p["weights"] == "kernel" else p["weights"])


def _metric(p: dict[str, Any]) -> dict[str, Any]:
    if "metric_map" not in p:
        return {"metric": p["metric"]}
    m = np.array(p["metric_map"])
    return {"metric": p["metric"], "metric_params": {"VI": m.T @ m}}


def pack_neighbors_regressor(model: Any) -> Parts:
    p, arrays = _neighbors(model)
    return "neighbors_regressor", p | {"on_none": "nan"}, arrays


def unpack_neighbors_regressor(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._lazy_regression import KNeighborsRegressor, RadiusNeighborsRegressor

    model: Any
    if "k" in p:
        model = KNeighborsRegressor(p["k"], weights=_weights(p), **_metric(p))
    else:
        model = RadiusNeighborsRegressor(_radius(p), weights=_weights(p), **_metric(p))
    _restore(model, p, arrays)
    model._flat = arrays["responses"].shape[1] == 1
    model._y_dtype = np.dtype(np.float64)
    return model


def pack_neighbors_classifier(model: Any) -> Parts:
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


def unpack_neighbors_classifier(p: dict[str, Any], arrays: dict[str, Array], classes: list[Any]) -> Any:
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
        model = RadiusNeighborsClassifier(_radius(p), weights=_weights(p), outlier_label=outlier, **_metric(p))
    model.classes_, model.outputs_2d_ = known, False
    _restore(model, p, arrays)
    codes = arrays["responses"].astype(np.intp)
    if len(known) != len(own) or (codes < 0).any() or (codes >= len(known)).any():
        raise ValueError("the file's classes do not fit its samples; it is damaged, or of another program")
    model._counts = [np.zeros(len(known), dtype=np.intp)]
    model._count(arrays["responses"])
    return model
