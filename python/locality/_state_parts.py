"""How estimators that are kept in files as they are say what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ._arrays import Array
from ._base import Prepared

DAMAGED = "it is damaged, or of another program"


class State(NamedTuple):
    """What is kept of an estimator beside its parameters.

    An array's shape is one letter for each axis, the same length wherever the letter stands; ``"n|n p"`` leaves a choice, ``?`` may be
    none at all, ``int`` and ``bool`` are other numbers than reals. A value is ``real``, ``count``, ``flag``, ``text``, ``texts``, ``tokens``, ``levels``, ``pairs``,
    ``kernel`` or ``neighborhood``; some may be None, with a ``?``.
    """

    kind: str
    module: str
    arrays: dict[str, str]
    values: dict[str, str]
    #: Checks what was read, and makes of it what the estimator holds.
    ready: Callable[[Any], None] | None = None
    #: What is kept but lies in no attribute of its own, by name.
    view: Callable[[Any], dict[str, Any]] | None = None
    #: Parameters that came later: without them files are as they were.
    later: tuple[str, ...] = ()


def lay(model: Any) -> None:
    """Makes the model at once."""
    model._prepared = Prepared(model._make())


def later(model: Any) -> None:
    """Models that take long to make are made when they are first asked."""
    model._prepared = Prepared()


def positions(codes: Array, count: int, least: int = 2) -> None:
    """Refuses classes by number that are none of so many."""
    if not least <= count <= len(codes) or codes.min() < 0 or codes.max() >= count:
        raise ValueError(f"the file's classes do not fit its samples; {DAMAGED}")


def within(places: Array, low: int, high: int) -> None:
    """Refuses places outside a range."""
    if len(places) and not (low <= places.min() and places.max() < high):
        raise ValueError(f"the file's clusters do not fit its samples; {DAMAGED}")
