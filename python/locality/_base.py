"""The estimators' ground: scikit-learn's where it is installed, else the little of it that is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _arrays
from ._plain import (
    BaseEstimator,
    ClassifierMixin,
    ClusterMixin,
    NotFittedError,
    OneToOneFeatureMixin,
    OutlierMixin,
    RegressorMixin,
    TransformerMixin,
    available_if,
    check_is_fitted,
    validate_data,
    warn_column,
)

if not TYPE_CHECKING:
    try:
        from sklearn.base import (
            BaseEstimator,
            ClassifierMixin,
            ClusterMixin,
            OneToOneFeatureMixin,
            OutlierMixin,
            RegressorMixin,
            TransformerMixin,
        )
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.metaestimators import available_if
        from sklearn.utils.validation import check_is_fitted
        from sklearn.utils.validation import validate_data as _validate

        def validate_data(estimator: Any, X: Any = "no_validation", y: Any = "no_validation", **how: Any) -> Any:
            """scikit-learn's, which would take the numbers behind a mask or a date."""
            for x, name in ((X, "X"), (y, "y")):
                _arrays.unmasked(x, name)
                # Classes may be of any kind.
                if name == "X" or how.get("y_numeric"):
                    _arrays.undated(x, name)
            return _validate(estimator, X, y, **how)

        def warn_column() -> None:
            """Says that a column was passed where a vector was expected, with scikit-learn's own category."""
            import warnings

            from sklearn.exceptions import DataConversionWarning

            message = "A column-vector y was passed when a 1d array was expected; pass y.ravel()"
            warnings.warn(message, DataConversionWarning, stacklevel=4)
    except ImportError:
        pass


class Prepared:
    """Holds what the extension made of a fitted estimator's arrays. It is no part of the estimator's state: a copy or a
    loaded estimator makes it anew when it is first needed."""

    def __init__(self, made: Any = None) -> None:
        self.made = made
        # What a file said beyond the estimator's own parameters, to be written again.
        self.kept: dict[str, Any] = {}
        # What takes a while to tell of the training rows, once it was asked for.
        self.told: Any = None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return Prepared, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prepared)

    __hash__ = None  # type: ignore[assignment]


__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "ClusterMixin",
    "NotFittedError",
    "OneToOneFeatureMixin",
    "OutlierMixin",
    "Prepared",
    "RegressorMixin",
    "TransformerMixin",
    "available_if",
    "check_is_fitted",
    "validate_data",
    "warn_column",
]
