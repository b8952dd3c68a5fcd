"""What files keep of memories, of labels that spread, and of fuzzy rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._base import Prepared
from ._state_parts import DAMAGED, State, later, positions, within


def _memory(model: Any) -> dict[str, Any]:
    keys, values, ids, next_id, parts = model._core().state()
    paired = model._paired
    return {
        "_keys": keys,
        "_values_kept": values if paired else None,
        "_ids": np.array(ids, dtype=np.int64),
        "_parts": np.array(parts, dtype=np.int64),
        "_next_id": next_id,
        "_paired": paired,
        "_flat": model._flat,
    }


def _remember(model: Any) -> None:
    own = model.__dict__
    keys, values, ids, parts = (own.pop(name) for name in ("_keys", "_values_kept", "_ids", "_parts"))
    if (values is not None) != model._paired or model._flat and (values is None or values.shape[1] != 1):
        raise ValueError(f"the file's values do not fit its patterns; {DAMAGED}")
    if values is not None and values.dtype != keys.dtype or len(ids) and min(ids.min(), parts.min(initial=1)) < 0:
        raise ValueError(f"the file's patterns are no memory; {DAMAGED}")
    rows = np.empty((len(keys), 0), keys.dtype) if values is None else values
    model._make(keys, rows, ids.tolist(), own.pop("_next_id"), parts.tolist())


def _drawn(model: Any) -> dict[str, Any]:
    return {"_seed_kept": np.array([model._seed], dtype=np.int64)}


def _network(model: Any) -> None:
    if not len(model._patterns) or not (np.abs(model._patterns) == 1.0).all():
        raise ValueError(f"the file's patterns are not of -1 and 1; {DAMAGED}")
    model._patterns = np.ascontiguousarray(model._patterns, dtype=np.float64)
    count = len(model._patterns)
    if model._ids is None:
        # Files from before networks could forget.
        model._ids = np.arange(count + 1, dtype=np.intp)
    if len(model._ids) != count + 1 or model._ids[0] < 0 or (np.diff(model._ids) <= 0).any():
        raise ValueError(f"the file's ids do not fit its patterns; {DAMAGED}")
    kept = model.__dict__.pop("_seed_kept")
    if kept is not None and (kept.shape != (1,) or kept[0] < 0):
        raise ValueError(f"the file's seed is none; {DAMAGED}")
    # Files from before seeds were kept have the number that was given.
    model._seed = model.random_state if kept is None else int(kept[0])
    model._network = Prepared()


def _by_recall(model: Any) -> None:
    positions(model.y_fit_, len(model.classes_), 1)
    later(model)


def _fills(model: Any) -> None:
    if not 0.0 < model.bandwidth_ < np.inf or np.isinf(model.X_fit_).any():
        raise ValueError(f"the file's bandwidth or rows are no memory's; {DAMAGED}")
    later(model)


def _spread(model: Any) -> None:
    q = model.label_distributions_
    if q.shape[1] != len(model.classes_) or not ((q >= 0.0) & (q <= 1.0 + 1e-6)).all() or not np.isfinite(model.X_).all():
        raise ValueError(f"the file's distributions do not fit its classes; {DAMAGED}")
    model._take(q)
    later(model)


def _clusters(model: Any) -> None:
    within(model.labels_, 0, len(model.cluster_centers_))
    if not (np.isfinite(model.cluster_centers_).all() and np.isfinite(model.memberships_).all()):
        raise ValueError(f"the file's clusters are not finite; {DAMAGED}")


def _rules(model: Any) -> dict[str, Any]:
    return {"_text": model.system_.to_toml(), "_single": getattr(model, "_single", False)}


def _learned(model: Any) -> None:
    from ._fuzzy import FuzzySystem
    from ._fuzzy_learning import FuzzyClassifier

    own = model.__dict__
    model.system_ = FuzzySystem(own.pop("_text"))
    model.history_ = [list(pair) for pair in model.history_]
    model.n_features_in_ = len(model.system_.inputs)
    outputs = len(model.system_.outputs)
    # A classifier that has lost its classes is none.
    classes = model.classes_ if isinstance(model, FuzzyClassifier) else None
    single = own.pop("_single")
    if classes is None:
        model._single = single
    wanted = len(classes) if classes is not None else 1 if single else outputs
    if outputs != wanted:
        raise ValueError(f"the file's rules have {outputs} outputs, which do not fit; {DAMAGED}")


_SPREAD = {"X_": "n d", "label_distributions_": "n k"}
_LEARNED = {
    "_text": "text",
    "_single": "flag",
    "history_": "pairs",
    "training_error_": "real",
    "ridge_": "real",
    "n_pruned_": "count",
}

MEMORIES = {
    "FuzzyCMeans": State(
        "fuzzy_c_means",
        "_fuzzy_learning",
        {"cluster_centers_": "k d", "memberships_": "n k", "labels_": "int n"},
        {"inertia_": "real", "partition_coefficient_": "real", "n_iter_": "count"},
        _clusters,
    ),
    "FuzzyClassifier": State("fuzzy_classifier", "_fuzzy_learning", {}, _LEARNED, _learned, _rules),
    "FuzzyRegressor": State("fuzzy_regressor", "_fuzzy_learning", {}, _LEARNED, _learned, _rules),
    "HopfieldClassifier": State(
        "hopfield_classifier", "_hopfield_models", {"X_fit_": "n d", "y_fit_": "int n"}, {"kernel_": "kernel"}, _by_recall
    ),
    "HopfieldImputer": State(
        "hopfield_imputer",
        "_hopfield_models",
        {"X_fit_": "n d"},
        {"bandwidth_": "real"},
        _fills,
        later=("keep_empty_features",),
    ),
    "HopfieldMemory": State(
        "hopfield_memory",
        "_hopfield",
        {"_keys": "n d", "_values_kept": "n p?", "_ids": "int n", "_parts": "int q"},
        {
            "_next_id": "count",
            "_paired": "flag",
            "_flat": "flag",
            "_kernel": "kernel",
            "_max_iter": "count",
            "_tol": "real",
            "_trace": "flag",
        },
        _remember,
        _memory,
    ),
    "HopfieldNetwork": State("hopfield_network", "_hopfield_network", {"_patterns": "n d", "_ids": "int q?", "_seed_kept": "int s?"}, {}, _network, _drawn),
    "LabelPropagation": State("label_propagation", "_label_propagation", _SPREAD, {"n_iter_": "count"}, _spread),
    "LabelSpreading": State("label_spreading", "_label_propagation", _SPREAD, {"n_iter_": "count"}, _spread),
    "RelaxationLabeling": State(
        "relaxation_labeling",
        "_label_propagation",
        _SPREAD | {"compatibility_": "k k", "consistency_": "r"},
        {"n_iter_": "count"},
        _spread,
    ),
}
