"""What files keep of networks: autoencoders, hierarchical local models, encoders with decoders."""

from __future__ import annotations

from typing import Any

from ._state_parts import DAMAGED, State, later

_NETWORK = {"mean_": "d", "scale_": "d", "coef_": "k", "loss_curve_": "e", "validation_loss_curve_": "v", "stage_losses_": "s"}
_TRAINED = {"n_iter_": "count", "best_loss_": "real"}
_HIERARCHICAL = {"mean_": "d", "scale_": "d", "coef_": "k", "loss_curve_": "e", "validation_loss_curve_": "v", "level_losses_": "s"}


def _epochs(model: Any) -> None:
    if model.n_iter_ != len(model.loss_curve_):
        raise ValueError(f"the file's n_iter_={model.n_iter_} does not fit its losses; {DAMAGED}")
    if model._texts and not all(isinstance(token, str) for token in model.target_tokens_):
        raise ValueError(f"the file's texts have tokens that are none; {DAMAGED}")
    later(model)


def _levelled(model: Any) -> None:
    if model.n_iter_ != len(model.loss_curve_):
        raise ValueError(f"the file's n_iter_={model.n_iter_} does not fit its losses; {DAMAGED}")
    if not hasattr(model, "y_mean_") and not hasattr(model, "classes_"):
        raise ValueError(f"the file has no classes; {DAMAGED}")
    later(model)


LEARNED = {
    "DenoisingAutoencoder": State("denoising_autoencoder", "_autoencoders", _NETWORK, _TRAINED, later),
    "HierarchicalAutoencoder": State("hierarchical_autoencoder", "_autoencoders", _NETWORK, _TRAINED, later),
    "EncoderDecoder": State(
        "encoder_decoder",
        "_sequences",
        {"coef_": "k", "loss_curve_": "e", "validation_loss_curve_": "v"},
        {
            "source_tokens_": "tokens",
            "target_tokens_": "tokens",
            "source_length_": "count",
            "target_length_": "count",
            "best_loss_": "real",
            "n_iter_": "count",
            "_texts": "flag",
        },
        _epochs,
    ),
    "HierarchicalClassifier": State("hierarchical_classifier", "_levels", _HIERARCHICAL, {"n_iter_": "count"}, _levelled),
    "HierarchicalRegressor": State(
        "hierarchical_regressor",
        "_levels",
        _HIERARCHICAL | {"y_mean_": "p", "y_scale_": "p"},
        {"n_iter_": "count", "_flat": "flag"},
        _levelled,
    ),
}
