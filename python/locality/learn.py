"""Everything that learns its kernels, features or layers, under one name: ``lc.learn``.

The names are those of the package itself: ``lc.learn.EncoderDecoder`` is ``lc.EncoderDecoder``.

Kernels whose metric is learned
    `AdaptiveKernelRegressor`, `AdaptiveKernelClassifier`, and the metric by itself, `MetricLearner`.
Hierarchical local models
    `HierarchicalRegressor`, `HierarchicalClassifier` of tables, sets, series and sequences.
Language models
    `LanguageModel`, a Transformer under softmax kernels: trained on a text, or read as published (GPT-2); its `Tokenizer`; and published
    encoders of sentences (BERT, MiniLM), `SentenceEncoder`.
From one sequence to another
    `EncoderDecoder`, which is a Transformer under softmax kernels.
Autoencoders
    `DenoisingAutoencoder`, `HierarchicalAutoencoder`, and without a network `LazyAutoencoder`; `ExcessRisk` over the best denoiser.
Rows for them
    `TableEncoder` makes numbers of words and missing values.

>>> import locality as lc
>>> lc.learn.MetricLearner is lc.MetricLearner
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._adaptive import AdaptiveKernelClassifier, AdaptiveKernelRegressor
    from ._autoencode import LazyAutoencoder
    from ._autoencoders import DenoisingAutoencoder, ExcessRisk, HierarchicalAutoencoder
    from ._columns import TableEncoder
    from ._language import LanguageModel
    from ._levels import HierarchicalClassifier, HierarchicalRegressor
    from ._metric_learner import MetricLearner
    from ._sentences import SentenceEncoder
    from ._sequences import EncoderDecoder
    from ._tokenizers import Tokenizer

__all__ = [
    "AdaptiveKernelClassifier",
    "AdaptiveKernelRegressor",
    "DenoisingAutoencoder",
    "EncoderDecoder",
    "ExcessRisk",
    "HierarchicalAutoencoder",
    "HierarchicalClassifier",
    "HierarchicalRegressor",
    "LanguageModel",
    "LazyAutoencoder",
    "MetricLearner",
    "SentenceEncoder",
    "TableEncoder",
    "Tokenizer",
]


# As in the package: scikit-learn is loaded when an estimator is asked for.
def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(__package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
