"""One function for each profile of the core's list. Written by python/make_stubs.py."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from ._core import Kernel
from ._core import metrics as metrics
from ._core import neighborhoods as neighborhoods
from ._core import profiles as profiles

_Vector = Sequence[float] | npt.NDArray[Any]
_Matrix = Sequence[Sequence[float]] | npt.NDArray[Any]
_Columns = int | str | Sequence[int] | Sequence[str]

def gaussian(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def laplace(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def epanechnikov(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def biweight(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def triweight(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def tricube(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def triangular(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def uniform(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def cosine(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def cauchy(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def rational_quadratic(
    h: float | _Vector | None = None,
    *,
    alpha: float = 1.0,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def student_t(
    h: float | _Vector | None = None,
    *,
    nu: float = 1.0,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def matern32(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def matern52(
    h: float | _Vector | None = None,
    *,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def softmax(
    beta: float = 1.0,
    *,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def softcap(
    beta: float = 1.0,
    cap: float = 50.0,
    *,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def sigmoid(
    gamma: float = 1.0,
    c: float = 0.0,
    *,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def polynomial(
    degree: float = 3.0,
    gamma: float = 1.0,
    c: float = 1.0,
    *,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def bell(
    h: float | _Vector | None = None,
    *,
    b: float = 2.0,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def trapezoid(
    h: float | _Vector | None = None,
    *,
    core: float = 0.5,
    knn: int | None = None,
    site_h: _Vector | None = None,
    site_knn: int | None = None,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def s(
    a: float = 0.0,
    b: float = 1.0,
    *,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
def z(
    a: float = 0.0,
    b: float = 1.0,
    *,
    metric: str | None = None,
    map: _Matrix | None = None,
    cols: _Columns | None = None,
) -> Kernel: ...
