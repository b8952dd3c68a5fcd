"""What files keep of the adaptive estimators: local models under metrics that were learned."""

from __future__ import annotations

from typing import Any

from ._adaptive_members import kept, remade
from ._base import Prepared
from ._columns import TableEncoder
from ._state_parts import DAMAGED, State, later

ENCODED = "_encoded_"
_ADAPTIVE = {
    "X_fit_": "n e",
    "components_": "r e",
    "losses_": "l",
    f"{ENCODED}fill_": "d",
    f"{ENCODED}lacking_": "bool d",
    f"{ENCODED}shares_": "w",
    "_net_means": "e?",
    "_net_scales": "e?",
    "_net_coef": "k?",
    "mixture_weights_": "m?",
    "sample_weight_fit_": "n?",
    "site_bandwidth_": "n?",
    "_member_maps": "q e?",
    "_member_numbers": "o f?",
}
_ADAPTED = {
    "mixture_": "kernel?",
    f"{ENCODED}categories_": "levels",
    "metric_": "text",
    "degree_": "count",
    "ridge_": "real",
    "validation_loss_": "real",
    "n_iter_": "count",
    "_width": "real",
}


def encoder_fits(model: Any) -> None:
    """Refuses an encoder whose parts do not fit together."""
    words = sum(len(levels) for levels in model.categories_ if levels is not None)
    if len(model.categories_) != len(model.fill_) or words != len(model.shares_):
        raise ValueError(f"the file's words do not fit its columns; {DAMAGED}")


def _adaptive(model: Any) -> None:
    """The encoder is an estimator of its own, whose arrays lie among the model's."""
    encoder = TableEncoder(model.categorical_features, missing="indicator", handle_unknown="ignore")
    for name in ("categories_", "fill_", "lacking_", "shares_"):
        setattr(encoder, name, model.__dict__.pop(f"{ENCODED}{name}"))
    encoder_fits(encoder)
    encoder.n_features_in_ = len(encoder.fill_)
    model._encoder = encoder
    if len(encoder.get_feature_names_out()) != model.X_fit_.shape[1] or not 0 <= model.degree_ <= 1:
        raise ValueError(f"the file's columns do not fit its map; {DAMAGED}")
    maps, numbers = model.__dict__.pop("_member_maps"), model.__dict__.pop("_member_numbers")
    try:
        model.members_ = remade(maps, numbers)
    except ValueError as error:
        raise ValueError(f"the file's models that are averaged do not fit: {error}; {DAMAGED}") from error
    if (model.mixture_ is None) != (model.mixture_weights_ is None):
        raise ValueError(f"the file has half a mixture; {DAMAGED}")
    codes = model.y_fit_
    if codes.dtype.kind == "i" and not (codes.min() >= 0 and codes.max() < len(getattr(model, "classes_", ()))):
        raise ValueError(f"the file's classes do not fit its samples; {DAMAGED}")
    later(model)
    model._net = Prepared()
    if model._net_coef is not None and (model._net_means is None or model._net_scales is None or not model._width > 0.0):
        raise ValueError(f"the file has a part of a network; {DAMAGED}")


def _averaged(model: Any) -> dict[str, Any]:
    maps, numbers = kept(model.members_)
    return {"_member_maps": maps, "_member_numbers": numbers}


ADAPTIVE = {
    "AdaptiveKernelClassifier": State(
        "adaptive_classifier", "_adaptive", _ADAPTIVE | {"y_fit_": "int n"}, _ADAPTED, _adaptive, _averaged, ("init",)
    ),
    "AdaptiveKernelRegressor": State(
        "adaptive_regressor", "_adaptive", _ADAPTIVE | {"y_fit_": "n|n p"}, _ADAPTED, _adaptive, _averaged, ("init",)
    ),
}
