"""The compiled half of the package; everything public is reached through `locality`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]
_Indices = npt.NDArray[np.intp]
_Bias = _Array | tuple[_Array, _Array]
_Progress = Callable[[int, int], object]

__version__: str

class Kernel:
    def __new__(cls, text: str | Kernel) -> Kernel: ...
    def with_columns(self, names: Sequence[str]) -> Kernel: ...
    def parameters(self) -> list[tuple[str, float]]: ...
    def with_parameters(self, values: Sequence[float]) -> Kernel: ...
    def __getnewargs__(self) -> tuple[str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __mul__(self, other: Kernel | str | float, /) -> Kernel: ...
    def __rmul__(self, other: Kernel | str | float, /) -> Kernel: ...
    def __add__(self, other: Kernel | str, /) -> Kernel: ...
    def __radd__(self, other: Kernel | str, /) -> Kernel: ...
    def __pow__(self, power: float, modulo: None = None, /) -> Kernel: ...

class Neighborhood:
    def __new__(cls, text: str | Neighborhood | None = None) -> Neighborhood: ...
    def with_columns(self, names: Sequence[str]) -> Neighborhood: ...
    def __getnewargs__(self) -> tuple[str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __and__(self, other: Neighborhood | str, /) -> Neighborhood: ...
    def __rand__(self, other: Neighborhood | str, /) -> Neighborhood: ...

@final
class LocalMeanFit:
    def __new__(
        cls,
        keys: _Array,
        values: _Array,
        kernel: Kernel | str,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        tolerance: float = 0.0,
        on_empty: str = "error",
        threads: int = 0,
        null_weight: float = 0.0,
    ) -> LocalMeanFit: ...
    def weights(
        self, queries: _Array, threads: int = 0, progress: _Progress | None = None, bias: _Bias | None = None
    ) -> _Array: ...
    def at(
        self, queries: _Array, threads: int = 0, progress: _Progress | None = None, bias: _Bias | None = None
    ) -> tuple[_Array, _Array, int]: ...
    def pull_back(
        self,
        queries: _Array,
        keys: _Array,
        means: _Array,
        logs: _Array,
        by_means: _Array,
        by_logs: _Array | None = None,
        threads: int = 0,
        progress: _Progress | None = None,
        bias: _Bias | None = None,
        to_bias: bool = True,
    ) -> tuple[_Array, _Array, _Array, _Array, list[float], float, _Array]: ...

@final
class LocalMeanHeads:
    def __new__(
        cls,
        kernel: Kernel | str,
        neighborhood: Neighborhood | str | None,
        tolerance: float,
        on_empty: str,
        null_weight: float,
    ) -> LocalMeanHeads: ...
    def at(
        self,
        queries: Sequence[_Array],
        keys: Sequence[_Array],
        values: Sequence[_Array],
        sample_weight: _Array | None = None,
        threads: int = 0,
        progress: _Progress | None = None,
        bias: Sequence[_Bias] | None = None,
    ) -> list[tuple[_Array, _Array, int]]: ...
    def pull_back(
        self,
        queries: Sequence[_Array],
        keys: Sequence[_Array],
        values: Sequence[_Array],
        by_means: Sequence[_Array],
        by_logs: Sequence[_Array] | None = None,
        forward: Sequence[tuple[_Array, _Array]] | None = None,
        sample_weight: _Array | None = None,
        threads: int = 0,
        progress: _Progress | None = None,
        bias: Sequence[_Bias] | None = None,
        to_bias: bool = True,
    ) -> list[tuple[_Array, _Array, _Array, _Array, list[float], float, _Array]]: ...

@final
class LowessFit:
    def __new__(
        cls,
        x: _Array,
        y: _Array,
        *,
        frac: float,
        it: int,
        delta: float,
        degree: int,
        drop: bool,
        errors: bool,
        sample_weight: _Array | None = None,
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> LowessFit: ...
    def fitted(self) -> _Array: ...
    def residuals(self) -> _Array: ...
    def robustness_weights(self) -> _Array: ...
    def order(self) -> _Indices: ...
    def standard_errors(self) -> _Array | None: ...
    def leverages(self) -> _Array | None: ...
    def n_neighbors(self) -> int: ...
    def summary(self) -> tuple[float, float, float] | None: ...
    def predict(self, x: _Array, errors: bool = False, threads: int = 0) -> tuple[_Array, _Array | None]: ...

@final
class Nearest:
    def __new__(
        cls,
        keys: _Array,
        metric: str = "euclidean",
        map: Sequence[Sequence[float]] | None = None,
        threads: int = 0,
    ) -> Nearest: ...
    def k_nearest(self, queries: _Array, k: int, threads: int = 0) -> tuple[_Indices, _Array]: ...
    def within(self, queries: _Array, radius: float, threads: int = 0) -> tuple[_Indices, _Indices, _Array]: ...

@final
class LocalRegressor:
    def __new__(
        cls,
        samples: _Array,
        responses: _Array,
        kernels: Sequence[Kernel | str],
        *,
        search: str = "auto",
        criterion: str = "loo",
        robust: str | None = None,
        robust_iterations: int = 3,
        bandwidth: float | None = None,
        degrees: Sequence[int] = ...,
        standardize: bool | None = None,
        scales: Sequence[float] | None = None,
        ridge: float = 0.0,
        guard: bool = True,
        neighborhood: Neighborhood | str | None = None,
        on_empty: str = "nearest",
        sample_weight: _Array | None = None,
        given_weight: Sequence[float] | None = None,
        columns: Sequence[int] | None = None,
        threads: int = 0,
    ) -> LocalRegressor: ...
    @property
    def given_weights(self) -> _Array | None: ...
    @property
    def kernel(self) -> Kernel: ...
    @property
    def degree(self) -> int: ...
    @property
    def weights(self) -> _Array | None: ...
    @property
    def scales(self) -> _Array: ...
    @property
    def tried(self) -> list[tuple[int, str, float]]: ...
    def at(
        self,
        targets: _Array,
        variances: bool = False,
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> tuple[_Array, _Array, _Array | None, _Array, _Array]: ...
    def intervals(self, targets: _Array, level: float, threads: int = 0) -> tuple[_Array, _Array, _Array, _Array]: ...
    def diagnostics(self, threads: int = 0) -> tuple[_Array, _Array, _Array, float, float, _Array]: ...
    def hat_rows(self, targets: _Array, threads: int = 0) -> _Array: ...
    def explain(self, targets: _Array, k: int, threads: int = 0) -> tuple[_Indices, _Array]: ...

@final
class GwrModel:
    def __new__(
        cls,
        x: _Array,
        y: _Array,
        coords: _Array,
        exposure: _Array | None,
        *,
        family: str,
        kernel: str,
        adaptive: bool,
        metric: str,
        bandwidth: float | None,
        criterion: str,
        range: tuple[float | None, float | None],
        interval: float | None,
        intercept: bool,
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> GwrModel: ...
    def results(self) -> dict[str, Any]: ...
    def at(self, x: _Array, coords: _Array, exposure: _Array | None = None, threads: int = 0) -> dict[str, Any]: ...
    def collinearity(self, threads: int = 0) -> dict[str, Any]: ...
    def stationarity(
        self, rounds: int, seed: int, search: bool, threads: int = 0, progress: _Progress | None = None
    ) -> _Array: ...

@final
class MgwrModel:
    def __new__(
        cls,
        x: _Array,
        y: _Array,
        coords: _Array,
        exposure: _Array | None,
        *,
        family: str,
        kernel: str,
        adaptive: bool,
        metric: str,
        bandwidths: Sequence[float] | None,
        first: float | None,
        criterion: str,
        range: tuple[float | None, float | None],
        ranges: Sequence[tuple[float | None, float | None]] | None,
        intercept: bool,
        tolerance: float,
        rounds: int,
        rest: int,
        inference: bool,
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> MgwrModel: ...
    def results(self) -> dict[str, Any]: ...
    def at(self, x: _Array, coords: _Array, exposure: _Array | None = None, threads: int = 0) -> dict[str, Any]: ...
    def collinearity(self, threads: int = 0) -> dict[str, _Array]: ...
    def variances_at(self, x: _Array, coords: _Array, threads: int = 0) -> dict[str, _Array]: ...

@final
class LocalGlmModel:
    def __new__(
        cls,
        samples: _Array,
        responses: _Array,
        kernel: Kernel | str,
        family: str,
        *,
        search: str = "auto",
        bandwidth: float | None = None,
        scales: Sequence[float] | None = None,
        theta: float = 1.0,
        penalty: float = 1.0,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        classes: int | None = None,
        multinomial: bool = False,
        guard: bool = True,
        columns: Sequence[int] | None = None,
        link: str | None = None,
        threads: int = 0,
    ) -> LocalGlmModel: ...
    @property
    def kernel(self) -> Kernel: ...
    @property
    def scales(self) -> _Array: ...
    @property
    def tried(self) -> list[tuple[str, float]]: ...
    def means(self, targets: _Array, threads: int = 0, progress: _Progress | None = None) -> tuple[_Array, _Array]: ...
    def slopes(self, targets: _Array, threads: int = 0) -> _Array: ...

@final
class LocalQuantileModel:
    def __new__(
        cls,
        samples: _Array,
        responses: _Array,
        kernel: Kernel | str,
        levels: Sequence[float],
        *,
        degree: int = 0,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        guard: bool = True,
        columns: Sequence[int] | None = None,
        threads: int = 0,
    ) -> LocalQuantileModel: ...
    def at(self, targets: _Array, threads: int = 0, progress: _Progress | None = None) -> tuple[_Array, _Array]: ...

@final
class LocalModeModel:
    def __new__(
        cls,
        samples: _Array,
        responses: _Array,
        kernel: Kernel | str,
        *,
        response_bandwidth: float | None = None,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        threads: int = 0,
    ) -> LocalModeModel: ...
    @property
    def response_bandwidth(self) -> float: ...
    def at(
        self, targets: _Array, threads: int = 0, progress: _Progress | None = None
    ) -> tuple[_Array, _Array, _Array]: ...

@final
class LocalDiscriminantModel:
    def __new__(
        cls,
        samples: _Array,
        indicators: _Array,
        kernel: Kernel | str,
        method: str,
        *,
        shrinkage: float = 0.0,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        threads: int = 0,
    ) -> LocalDiscriminantModel: ...
    def at(self, targets: _Array, threads: int = 0, progress: _Progress | None = None) -> _Array: ...

@final
class LocalNormalModel:
    def __new__(
        cls,
        samples: _Array,
        responses: _Array,
        kernel: Kernel | str,
        *,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        threads: int = 0,
    ) -> LocalNormalModel: ...
    def at(self, targets: _Array, threads: int = 0, progress: _Progress | None = None) -> tuple[_Array, _Array]: ...

def scaled_kernel(kernel: Kernel | str, samples: _Array, sample_weight: _Array | None = None) -> Kernel: ...
def kernel_ridge(
    samples: _Array,
    targets: _Array,
    kernel: Kernel | str,
    alpha: float | None,
    search: bool,
    landmarks: int | Sequence[int] | None = None,
    spread: bool = False,
    seed: int = 0,
    sample_weight: _Array | None = None,
    threads: int = 0,
) -> tuple[Kernel, float, float, _Array, list[int] | None]: ...
def kernel_ridge_loo(
    samples: _Array,
    targets: _Array,
    kernel: Kernel | str,
    alpha: float,
    landmarks: Sequence[int] | None = None,
    sample_weight: _Array | None = None,
    threads: int = 0,
) -> _Array: ...
def kernel_logistic(
    samples: _Array,
    labels: Sequence[int],
    classes: int,
    kernel: Kernel | str,
    c: float,
    tolerance: float,
    most: int,
    landmarks: int | Sequence[int] | None = None,
    spread: bool = False,
    seed: int = 0,
    sample_weight: _Array | None = None,
    threads: int = 0,
) -> tuple[_Array, _Array, list[int] | None, int, bool]: ...
def kernel_pca(
    samples: _Array,
    kernel: Kernel | str,
    components: int | None = None,
    inverse: float | None = None,
    landmarks: int | Sequence[int] | None = None,
    spread: bool = False,
    seed: int = 0,
    threads: int = 0,
) -> tuple[_Array, _Array, _Array, list[int] | None, tuple[_Array, _Array] | None]: ...
def locally_linear_embedding(
    samples: _Array,
    *,
    n_neighbors: int,
    n_components: int,
    method: str,
    reg: float,
    modified_tol: float,
    hessian_tol: float,
    tol: float,
    dense: bool = False,
    kernel: Kernel | str | None = None,
    pieces: str = "centred",
    threads: int = 0,
) -> tuple[_Array, float, _Array, str | None]: ...
def mixture_shares(
    queries: _Array,
    samples: _Array,
    neighbors: _Array,
    pieces: _Array,
    kernel: Kernel | str | None = None,
    threads: int = 0,
) -> _Array: ...
def laplacian_eigenmaps(
    samples: _Array,
    *,
    n_components: int,
    n_neighbors: int | None = None,
    kernel: Kernel | str | None = None,
    everywhere: bool = False,
    tol: float = 1e-9,
    dense: bool = False,
    pieces: str = "apart",
    threads: int = 0,
) -> tuple[_Array, _Array, _Array, int | None, str | None, tuple[_Array, _Array, _Array]]: ...
def laplacian_of_affinity(
    starts: _Array,
    columns: _Array,
    values: _Array,
    *,
    n_components: int,
    tol: float = 1e-9,
    dense: bool = False,
    pieces: str = "apart",
    threads: int = 0,
) -> tuple[_Array, _Array, _Array, int | None, str | None, tuple[_Array, _Array, _Array]]: ...
@final
class DiffusionMapModel:
    kernel: Kernel
    def __new__(
        cls,
        samples: _Array,
        kernel: Kernel | str,
        n_neighbors: int | None,
        embedding: _Array,
        eigenvalues: _Array,
        thinning: _Array,
        pieces: _Array,
        threads: int = 0,
    ) -> DiffusionMapModel: ...
    @staticmethod
    def fit(
        samples: _Array,
        kernel: Kernel | str,
        *,
        n_components: int,
        n_neighbors: int | None = None,
        bandwidth: float | None = None,
        alpha: float = 1.0,
        time: float = 1.0,
        tol: float = 1e-9,
        dense: bool = False,
        pieces: str = "apart",
        threads: int = 0,
    ) -> DiffusionMapModel: ...
    def transform(self, queries: _Array, threads: int = 0) -> _Array: ...
    def embedding(self) -> _Array: ...
    def eigenvalues(self) -> _Array: ...
    def thinning(self) -> _Array: ...
    def pieces(self) -> _Array: ...
    def warning(self) -> str | None: ...

@final
class LazyAutoencoderModel:
    loss: float
    converged: bool
    decoder: tuple[int | None, float | None]
    def __new__(
        cls,
        samples: _Array,
        codes: _Array,
        *,
        n_components: int,
        degree: int,
        decoder: tuple[int | None, float | None],
        encoder: tuple[int | None, float | None],
        threads: int = 0,
    ) -> LazyAutoencoderModel: ...
    @staticmethod
    def fit(
        samples: _Array,
        init: _Array | None = None,
        *,
        n_components: int,
        degree: int,
        decoder: tuple[int | None, float | None],
        encoder: tuple[int | None, float | None],
        max_iter: int,
        tol: float,
        threads: int = 0,
    ) -> LazyAutoencoderModel: ...
    def encode(self, rows: _Array, threads: int = 0) -> _Array: ...
    def decode(self, codes: _Array, threads: int = 0) -> _Array: ...
    def reconstruct(self, rows: _Array, threads: int = 0) -> _Array: ...
    def codes(self) -> _Array: ...
    def reconstructions(self) -> _Array: ...
    def losses(self) -> _Array: ...

@final
class LocalPcaModel:
    def __new__(
        cls,
        samples: _Array,
        kernel: Kernel | str | None = None,
        neighborhood: Neighborhood | str | None = None,
        n_components: int | None = None,
        share: float | None = None,
        threads: int = 0,
    ) -> LocalPcaModel: ...
    def whole(self) -> tuple[_Array, _Array, _Array, _Array, _Array]: ...
    def at(self, targets: _Array, threads: int = 0) -> tuple[_Array, _Array, _Array, _Array, _Array]: ...
    def project(self, rows: _Array, threads: int = 0) -> _Array: ...
    def errors(self, rows: _Array, threads: int = 0) -> _Array: ...

def intrinsic_dimension(
    samples: _Array, method: str, n_neighbors: int = 20, threshold: float = 0.95, threads: int = 0
) -> tuple[float, _Array]: ...
def manifold_blurring(
    samples: _Array,
    n_components: int,
    *,
    n_neighbors: int = 10,
    kernel: Kernel | str | None = None,
    all_samples: bool = False,
    max_iter: int = 3,
    tol: float = 0.0,
    threads: int = 0,
) -> tuple[_Array, _Array]: ...
def learn_metric(
    samples: _Array,
    responses: _Array | None = None,
    classes: Sequence[int] | None = None,
    n_classes: int = 0,
    *,
    rank: int | None = None,
    per_feature: bool = False,
    max_iter: int = 200,
    tolerance: float = 1e-6,
    start: _Array | None = None,
    sample_weight: Sequence[float] | None = None,
    held_out: _Array | None = None,
    held_responses: _Array | None = None,
    held_classes: Sequence[int] | None = None,
    held_weight: Sequence[float] | None = None,
    patience: int = 10,
    threads: int = 0,
    progress: _Progress | None = None,
) -> tuple[_Array, _Array, _Array, int, bool]: ...
def learn_mixture(
    samples: _Array,
    kernels: list[Kernel | str],
    responses: _Array | None = None,
    classes: Sequence[int] | None = None,
    n_classes: int = 0,
    *,
    sample_weight: Sequence[float] | None = None,
    max_iter: int = 200,
    tolerance: float = 1e-7,
    threads: int = 0,
    progress: _Progress | None = None,
) -> tuple[Kernel, _Array, _Array, _Array, _Array, bool]: ...
def local_outlier_factor(
    samples: _Array,
    n_neighbors: int,
    metric: str,
    map: list[list[float]] | None = None,
    queries: _Array | None = None,
    threads: int = 0,
) -> _Array: ...
def trustworthiness(
    samples: _Array,
    embedding: _Array,
    n_neighbors: int,
    threads: int = 0,
    metric: str = "euclidean",
    map: list[list[float]] | None = None,
    continuity: bool = False,
) -> float: ...
def reconstruction_weights(
    queries: _Array,
    samples: _Array,
    neighbors: _Array,
    own: _Array | None = None,
    reg: float = 1e-3,
    threads: int = 0,
) -> _Array: ...
def nystroem(
    samples: _Array,
    kernel: Kernel | str,
    landmarks: int | Sequence[int],
    spread: bool = False,
    seed: int = 0,
    threads: int = 0,
) -> tuple[_Array, list[int]]: ...
@final
class Expansion:
    def __new__(cls, centers: _Array, coefficients: _Array, kernel: Kernel | str) -> Expansion: ...
    def at(self, rows: _Array, threads: int = 0) -> _Array: ...

@final
class FuzzyRules:
    def __new__(cls, text: str, format: str) -> FuzzyRules: ...
    def with_rule(self, rule: str) -> FuzzyRules: ...
    def to_toml(self) -> str: ...
    def name(self) -> str: ...
    def rules(self) -> list[str]: ...
    def inputs(self) -> list[tuple[str, tuple[float, float], list[tuple[str, str]]]]: ...
    def outputs(self) -> list[tuple[str, tuple[float, float], list[tuple[str, str]]]]: ...
    def memberships(self, rows: _Array, threads: int = 0) -> _Array: ...
    def evaluate(self, rows: _Array, threads: int = 0) -> _Array: ...
    def firing(self, rows: _Array, threads: int = 0) -> _Array: ...
    def surface(
        self, over: tuple[int, int], output: int, points: int, at: Sequence[float] | None = None, threads: int = 0
    ) -> _Array: ...
    def explain(self, row: Sequence[float]) -> tuple[dict[str, Any], str]: ...

def learn_rules(
    samples: _Array,
    targets: _Array,
    inputs: list[str],
    outputs: list[str],
    *,
    sample_weight: _Array | None = None,
    rules: int | None = None,
    radius: float | None = None,
    bandwidth: float | None = None,
    order: int = 1,
    ridge: float | None = None,
    local: bool = False,
    htsk: bool | None = None,
    epochs: int = 20,
    patience: int = 3,
    validation: float = 0.2,
    prune: float = 0.005,
    seed: int = 0,
    threads: int = 0,
) -> tuple[FuzzyRules, list[list[float]], float, float, int, int]: ...
def fuzzy_c_means(
    samples: _Array, n_clusters: int, *, m: float = 2.0, max_iter: int = 300, tol: float = 1e-6, seed: int = 0, threads: int = 0
) -> tuple[_Array, _Array, float, float, int, bool]: ...
def fuzzy_memberships(rows: _Array, centers: _Array, m: float, threads: int = 0) -> _Array: ...
def subtractive_clustering(
    samples: _Array, radius: float, *, squash: float = 1.25, accept: float = 0.5, reject: float = 0.15, threads: int = 0
) -> _Array: ...

class Process:
    def __new__(
        cls,
        samples: _Array,
        targets: _Array,
        kernel: Kernel | str,
        *,
        amplitude: float | None = None,
        alpha: float | None = None,
        learn: bool | None = None,
        normalize: bool = False,
        restarts: int = 0,
        seed: int = 0,
        landmarks: int | Sequence[int] | None = None,
        spread: bool = False,
        approximation: str = "fitc",
        threads: int = 0,
    ) -> Process: ...
    @property
    def kernel(self) -> Kernel: ...
    @property
    def amplitude(self) -> float: ...
    @property
    def alpha(self) -> float: ...
    @property
    def log_marginal_likelihood(self) -> float: ...
    @property
    def landmarks(self) -> list[int] | None: ...
    @property
    def coefficients(self) -> _Array: ...
    @property
    def deviations(self) -> list[float]: ...
    def gradient(self, threads: int = 0) -> _Array: ...
    def predict(self, rows: _Array, threads: int = 0) -> _Array: ...
    def predict_std(self, rows: _Array, threads: int = 0) -> tuple[_Array, _Array]: ...
    def covariance(self, rows: _Array, threads: int = 0) -> _Array: ...
    def sample(self, rows: _Array, draws: int, seed: int, threads: int = 0) -> _Array: ...

def kernel_with_bandwidth(kernel: Kernel | str, h: float) -> str: ...

@final
class HopfieldMemory:
    def __new__(
        cls,
        patterns: _Array,
        values: _Array,
        kernel: Kernel | str,
        max_iter: int = 100,
        tol: float = 1e-6,
        trace: bool = False,
        ids: Sequence[int] | None = None,
        next_id: int = 0,
        parts: Sequence[int] | None = None,
    ) -> HopfieldMemory: ...
    def add(self, patterns: _Array, values: _Array) -> list[int]: ...
    def forget(self, ids: Sequence[int]) -> None: ...
    def __len__(self) -> int: ...
    def state(self) -> tuple[_Array, _Array, list[int], int, list[int]]: ...
    def recall(
        self, states: _Array, known: _Array | None = None, threads: int = 0, progress: _Progress | None = None
    ) -> tuple[_Array, _Array, list[int], list[bool], list[int], list[list[float]]]: ...
    def energies(self, states: _Array, threads: int = 0) -> list[float] | None: ...
    def outscored(self) -> float: ...
    def participation(self, states: _Array, threads: int = 0) -> list[float]: ...
    def holders(self, states: _Array, least: float, threads: int = 0) -> list[list[tuple[int, float]]]: ...

@final
class HopfieldNetwork:
    def __new__(
        cls,
        patterns: _Array,
        rule: str = "hebbian",
        degree: int = 3,
        bias: Sequence[float] | None = None,
        seed: int | None = None,
        max_sweeps: int = 100,
        threads: int = 0,
    ) -> HopfieldNetwork: ...
    def add(self, patterns: _Array, threads: int = 0) -> list[int]: ...
    def forget(self, ids: Sequence[int], threads: int = 0) -> None: ...
    def ids(self) -> list[int]: ...
    def couplings(self) -> _Array | None: ...
    def recall(
        self, states: _Array, known: _Array | None = None, threads: int = 0, progress: _Progress | None = None
    ) -> tuple[_Array, list[int], list[bool], list[list[float]]]: ...
    def energies(self, states: _Array, threads: int = 0) -> list[float]: ...

@final
class HopfieldImputer:
    def __new__(
        cls,
        table: _Array,
        bandwidth: float | None = None,
        max_iter: int = 1,
        seed: int = 0,
        standardize: bool = True,
        threads: int = 0,
    ) -> HopfieldImputer: ...
    def bandwidth(self) -> float: ...
    def transform(self, table: _Array, threads: int = 0, progress: _Progress | None = None) -> _Array: ...

@final
class LabelGraph:
    @staticmethod
    def grid(shape: Sequence[int], diagonal: bool) -> LabelGraph: ...
    @staticmethod
    def stepped(shape: Sequence[int], step: Sequence[int]) -> LabelGraph: ...
    @staticmethod
    def edges(n: int, rows: Sequence[int], columns: Sequence[int], weights: Sequence[float]) -> LabelGraph: ...
    @staticmethod
    def nearest(samples: _Array, k: int, kernel: Kernel | str | None = None, threads: int = 0) -> LabelGraph: ...
    @staticmethod
    def within(samples: _Array, radius: float, kernel: Kernel | str | None = None, threads: int = 0) -> LabelGraph: ...
    def symmetric(self) -> LabelGraph: ...
    def transposed(self) -> LabelGraph: ...
    def reached(self, known: Sequence[bool]) -> list[bool]: ...
    def state(self) -> tuple[_Indices, _Indices, _Array]: ...
    def __len__(self) -> int: ...

def relaxation_labeling(
    graphs: Sequence[LabelGraph],
    compatibilities: Sequence[_Array],
    distributions: _Array,
    start: _Array | None,
    seeds: Sequence[float] | None,
    product: bool,
    length: float | None,
    max_iter: int,
    tol: float,
    threads: int = 0,
    progress: _Progress | None = None,
) -> tuple[_Array, list[float], bool]: ...
def relax_known(
    graph: LabelGraph,
    compatibilities: _Array,
    labels: _Array,
    seed_strength: float,
    product: bool,
    max_iter: int,
    tol: float,
    threads: int = 0,
) -> tuple[_Array, list[float], bool]: ...
def label_compatibilities(
    graph: LabelGraph, labels: _Array, k: int, prior: float, agreement: float = ..., balanced: bool = ...
) -> _Array: ...
def local_modes(
    graph: LabelGraph,
    labels: Sequence[int],
    evidence: _Array | None,
    max_iter: int,
    seed: int | None,
    threads: int = 0,
    progress: _Progress | None = None,
) -> tuple[_Indices, list[float], bool]: ...
@final
class LabelPropagationModel:
    def __new__(
        cls,
        samples: _Array,
        labels: _Array,
        classes: int,
        kernel: Kernel | str | None,
        n_neighbors: int,
        alpha: float | None,
        max_iter: int,
        tol: float,
        threads: int = 0,
    ) -> LabelPropagationModel: ...
    @staticmethod
    def restore(
        samples: _Array, distributions: _Array, kernel: Kernel | str | None, n_neighbors: int, alpha: float | None
    ) -> LabelPropagationModel: ...
    def rounds(self) -> tuple[int, bool]: ...
    def distributions(self) -> _Array: ...
    def predict_proba(self, rows: _Array, threads: int = 0) -> _Array: ...

@final
class DenseCrfField:
    def __new__(
        cls,
        unary: _Array,
        terms: Sequence[tuple[list[int] | None, list[float], _Array | None, list[float], Any, str]],
        tolerance: float,
        threads: int = 0,
    ) -> DenseCrfField: ...
    def sums_by(self) -> list[str]: ...
    def start(self) -> _Array: ...
    def step(self, distributions: _Array, threads: int = 0) -> _Array: ...
    def inference(self, steps: int, threads: int = 0, progress: _Progress | None = None) -> tuple[_Array, float]: ...
    def free_energy(self, distributions: _Array, threads: int = 0) -> tuple[float, float, float]: ...

@final
class AutoencoderNet:
    @staticmethod
    def fit(
        samples: _Array,
        codes: list[int],
        hidden: list[int],
        activation: str,
        corruption: tuple[str, float],
        training: str,
        fit: dict[str, Any],
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> AutoencoderNet: ...
    @staticmethod
    def of(
        codes: list[int],
        hidden: list[int],
        activation: str,
        corruption: tuple[str, float],
        means: _Array,
        deviations: _Array,
        parameters: _Array,
    ) -> AutoencoderNet: ...
    def numbers(self) -> tuple[_Array, _Array, _Array]: ...
    def histories(self) -> list[tuple[_Array, _Array, int]]: ...
    def encode(self, rows: _Array, threads: int = 0) -> _Array: ...
    def decode(self, codes: _Array, levels: int | None = None, threads: int = 0) -> _Array: ...
    def reconstruct(self, rows: _Array, threads: int = 0) -> _Array: ...
    def error(self, rows: _Array, threads: int = 0) -> float: ...
    def excess_risk(self, rows: _Array, draws: int, seed: int, threads: int = 0) -> tuple[float, float]: ...

@final
class DeepKernelNet:
    @staticmethod
    def fit(
        samples: _Array,
        responses: _Array | None,
        classes: _Array | None,
        class_count: int,
        hidden: list[int],
        dimension: int | None,
        activation: str,
        candidates: int,
        start: _Array | None,
        fit: dict[str, Any],
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> DeepKernelNet: ...
    @staticmethod
    def of(
        hidden: list[int], dimension: int, activation: str, means: _Array, deviations: _Array, parameters: _Array
    ) -> DeepKernelNet: ...
    def numbers(self) -> tuple[_Array, _Array, _Array]: ...
    def history(self) -> tuple[_Array, _Array, int]: ...
    def transform(self, rows: _Array, threads: int = 0) -> _Array: ...

@final
class HierarchicalNet:
    @staticmethod
    def fit(
        samples: _Array,
        lengths: list[int],
        responses: _Array | None,
        classes: list[int] | None,
        class_count: int,
        layers: dict[str, Any],
        training: str,
        fit: dict[str, Any],
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> HierarchicalNet: ...
    @staticmethod
    def of(
        layers: dict[str, Any],
        units: tuple[_Array, _Array],
        responses: tuple[_Array, _Array] | None,
        class_count: int,
        parameters: _Array,
    ) -> HierarchicalNet: ...
    def numbers(self) -> tuple[tuple[_Array, _Array], tuple[_Array, _Array] | None, _Array]: ...
    def histories(self) -> list[tuple[_Array, _Array, int]]: ...
    def losses(self) -> _Array: ...
    def predict(self, rows: _Array, lengths: list[int], threads: int = 0) -> _Array: ...

@final
class EncoderDecoderNet:
    @staticmethod
    def fit(
        sources: list[list[int]],
        targets: list[list[int]],
        config: dict[str, Any],
        fit: dict[str, Any],
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> EncoderDecoderNet: ...
    @staticmethod
    def of(config: dict[str, Any], parameters: _Array) -> EncoderDecoderNet: ...
    def numbers(self) -> _Array: ...
    def history(self) -> tuple[_Array, _Array, int]: ...
    def loss(self, sources: list[list[int]], targets: list[list[int]], threads: int = 0) -> float: ...
    def answers(
        self,
        sources: list[list[int]],
        count: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        seed: int,
        stops: list[int],
        threads: int = 0,
    ) -> list[list[int]]: ...

@final
class TextTokenizer:
    @staticmethod
    def of(kind: str, text: str, codes: int) -> TextTokenizer: ...
    @staticmethod
    def parse(text: bytes) -> TextTokenizer: ...
    @staticmethod
    def vocabulary(vocabulary: bytes, merges: bytes) -> TextTokenizer: ...
    def text(self) -> str: ...
    def kind(self) -> str: ...
    def count(self) -> int: ...
    def encode(self, text: bytes) -> npt.NDArray[np.uint32]: ...
    def decode(self, codes: list[int]) -> str: ...

@final
class LanguageNet:
    @staticmethod
    def begin(text: bytes, tokenizer: TextTokenizer, config: dict[str, Any], training: dict[str, Any]) -> LanguageNet: ...
    @staticmethod
    def load(path: Path) -> LanguageNet: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> LanguageNet: ...
    def to_bytes(self) -> bytes: ...
    def save(self, path: Path) -> None: ...
    def resume(self, text: bytes) -> None: ...
    def run(self, until: int, threads: int = 0, progress: _Progress | None = None) -> None: ...
    def look(self, threads: int = 0) -> float: ...
    def steps(self) -> tuple[int, int]: ...
    def history(self) -> tuple[_Array, _Array, _Array]: ...
    def config(self) -> tuple[str, dict[str, Any] | None]: ...
    def tokenizer(self) -> TextTokenizer: ...
    def size(self) -> int: ...
    def loss(self, codes: list[int], threads: int = 0, progress: _Progress | None = None) -> float: ...
    def write(
        self,
        prompt: str,
        count: int,
        how: tuple[float, int | None, float | None, int],
        stops: list[str],
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> tuple[str, _Array, bool]: ...
    def attention(self, codes: list[int], layers: list[int], heads: list[int], threads: int = 0) -> _Array: ...

@final
class SentenceNet:
    @staticmethod
    def load(
        path: Path, pooling: str | None = None, normalize: bool | None = None, max_length: int | None = None
    ) -> SentenceNet: ...
    def sizes(self) -> tuple[int, int, int, int]: ...
    def encode(self, texts: list[str], threads: int = 0, progress: _Progress | None = None) -> _Array: ...
    def tokens(self, texts: list[str], threads: int = 0, progress: _Progress | None = None) -> list[_Array]: ...
    def pieces(self, text: str) -> list[str]: ...
    def attention(self, text: str, layers: list[int], heads: list[int], threads: int = 0) -> _Array: ...

@final
class NeighborMemory:
    def __new__(
        cls,
        samples: _Array,
        targets: _Array,
        metric: str = "euclidean",
        map: Sequence[Sequence[float]] | None = None,
        ids: Sequence[int] | None = None,
        next_id: int = 0,
        threads: int = 0,
    ) -> NeighborMemory: ...
    def insert(self, samples: _Array, targets: _Array) -> int: ...
    def forget(self, ids: Sequence[int]) -> None: ...
    def __len__(self) -> int: ...
    def state(self) -> tuple[_Array, _Array, _Indices, int]: ...
    def neighbors(
        self, queries: _Array | None, k: int | None, radius: float, threads: int = 0
    ) -> tuple[_Indices, _Indices, _Array]: ...
    def means(
        self, queries: _Array | None, k: int | None, radius: float, weights: Kernel | str, threads: int = 0
    ) -> tuple[_Array, _Indices]: ...
    def shares(
        self,
        queries: _Array | None,
        k: int | None,
        radius: float,
        weights: Kernel | str,
        classes: Sequence[int],
        threads: int = 0,
    ) -> tuple[_Array, _Indices]: ...
    def means_of(self, starts: _Array, ids: _Array, weights: _Array) -> tuple[_Array, _Indices]: ...
    def shares_of(
        self, starts: _Array, ids: _Array, weights: _Array, classes: Sequence[int]
    ) -> tuple[_Array, _Indices]: ...

@final
class Centroids:
    def __new__(
        cls,
        samples: _Array,
        labels: Sequence[int],
        metric: str = "euclidean",
        shrink_threshold: float | None = None,
        priors: str | Sequence[float] | None = None,
        sample_weight: Sequence[float] | None = None,
    ) -> Centroids: ...
    @staticmethod
    def restore(
        metric: str,
        centroids: _Array,
        deviations: _Array,
        spreads: _Array,
        priors: _Array,
    ) -> Centroids: ...
    def parts(self) -> tuple[list[list[float]], list[list[float]], list[float], list[float]]: ...
    def predict(self, queries: _Array) -> list[int]: ...
    def scores(self, queries: _Array) -> list[float]: ...

@final
class KernelDensity:
    def __new__(
        cls,
        samples: _Array,
        kernel: Kernel | str,
        bandwidth: float | Sequence[float] | str,
        sample_weight: _Array | None = None,
        rtol: float = 0.0,
        atol: float = 0.0,
        adaptive: float = 0.0,
        threads: int = 0,
    ) -> KernelDensity: ...
    def kernel(self) -> Kernel: ...
    def bandwidth(self) -> list[float]: ...
    def log_density(self, rows: _Array, threads: int = 0) -> _Array: ...
    def score_function(self, rows: _Array, threads: int = 0) -> _Array: ...
    def leave_one_out(self, threads: int = 0) -> _Array: ...
    def sample(self, m: int, seed: int, threads: int = 0) -> _Array: ...

@final
class KernelClassifier:
    def __new__(
        cls,
        samples: _Array,
        classes: _Indices,
        n_classes: int,
        kernel: Kernel | str,
        bandwidth: float | Sequence[float] | str,
        neighborhood: Neighborhood | str | None = None,
        sample_weight: _Array | None = None,
        tolerance: float = 0.0,
        on_empty: str = "nearest",
        priors: str | Sequence[float] | None = None,
        threads: int = 0,
    ) -> KernelClassifier: ...
    def kernel(self) -> Kernel: ...
    def predict_proba(self, rows: _Array, threads: int = 0) -> _Array: ...
    def predict(self, rows: _Array, threads: int = 0) -> _Indices: ...

@final
class ImageMeanShift:
    def __new__(
        cls,
        spatial: float,
        range: float,
        kernel: str,
        color: str,
        max_iter: int,
        tol: float,
        like_opencv: bool,
        depth: float | None = None,
        edges: tuple[int, float, float] | None = None,
    ) -> ImageMeanShift: ...
    def filter(
        self, image: _Array, alpha: bool, frames: int = 1, threads: int = 0, progress: _Progress | None = None
    ) -> _Array: ...
    def segment(
        self,
        image: _Array,
        min_region: int,
        fusion: float | None,
        connectivity: int,
        alpha: bool,
        frames: int = 1,
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> dict[str, _Array]: ...

def image_nl_means(
    image: _Array,
    patch_size: int,
    patch_distance: int,
    h: float,
    sigma: float,
    fast: bool,
    per_channel: bool,
    alpha: bool,
    frames: int = 1,
    threads: int = 0,
    progress: _Progress | None = None,
) -> _Array: ...
def image_bilateral(
    image: _Array,
    guide: _Array | None,
    spatial: float,
    range: float,
    radius: int | None,
    border: str,
    opencv: int | None,
    alpha: bool,
    frames: int = 1,
    threads: int = 0,
    progress: _Progress | None = None,
) -> _Array: ...
def image_denoise(
    image: _Array,
    method: str,
    sigma: float | None,
    range: float | None,
    per_channel: bool,
    alpha: bool,
    frames: int = 1,
    threads: int = 0,
    progress: _Progress | None = None,
) -> tuple[_Array, float, str]: ...
def image_noise(
    image: _Array, robust: bool, range: float | None, alpha: bool, frames: int = 1, threads: int = 0
) -> list[float]: ...
def image_quality(
    reference: _Array,
    image: _Array,
    structure: bool,
    range: float | None,
    alpha: bool,
    frames: int = 1,
    threads: int = 0,
) -> float: ...

@final
class OptimalDenoiser:
    def __new__(
        cls,
        samples: _Array,
        sigma: float,
        smoothing: float = 0.0,
        tolerance: float = 0.0,
        nearest: int | None = None,
        hollow: bool = False,
        sample_weight: _Array | None = None,
        threads: int = 0,
    ) -> OptimalDenoiser: ...
    def grid(self, values: _Array, shape: Sequence[int], channels: int, size: int, threads: int = 0) -> _Array: ...
    def at(self, what: str, rows: _Array, threads: int = 0) -> _Array: ...

def patches(values: _Array, shape: Sequence[int], size: int, positions: bool) -> _Array: ...
def sample_rows(
    table: _Array,
    count: int,
    method: str,
    smoothing: float | None,
    manifold: int | None,
    levels: int | None,
    steps: int,
    noise: tuple[float, float] | None,
    nearest: int | None,
    tolerance: float,
    seed: int,
    threads: int = 0,
    progress: _Progress | None = None,
) -> dict[str, Any]: ...
def energy_distance(a: _Array, b: _Array, threads: int = 0) -> float: ...

@final
class SelfLocalRegressor:
    def __new__(
        cls,
        x: _Array,
        y: _Array,
        kernel: Kernel | str,
        range: float | None,
        max_iter: int,
        tol: float,
        sample_weight: _Array | None = None,
        threads: int = 0,
    ) -> SelfLocalRegressor: ...
    def outputs(self) -> _Array: ...
    def iterations(self) -> int: ...
    def predict(self, rows: _Array, threads: int = 0) -> _Array: ...

def smooth_series(
    series: _Array,
    radius: int,
    reach: int | None,
    sigma: float | None,
    h: float | None,
    gaps_only: bool,
    threads: int = 0,
    progress: _Progress | None = None,
) -> tuple[_Array, _Indices, float, float]: ...
def image_superpixels(
    image: _Array,
    kernel_size: float,
    max_dist: float,
    ratio: float,
    sigma: float,
    color: str | None,
    alpha: bool,
    threads: int = 0,
    progress: _Progress | None = None,
    frames: int = 1,
    depth: float = 1.0,
) -> dict[str, _Array]: ...
def image_adjacency(labels: _Array, connectivity: int = 8, frames: int = 1) -> tuple[_Array, _Array]: ...
def image_partition(
    image: _Array, labels: _Array, color: str, alpha: bool, frames: int = 1, threads: int = 0
) -> dict[str, _Array]: ...
def image_edges(
    image: _Array,
    radius: int,
    mixture: float,
    alpha: bool,
    frames: int = 1,
    threads: int = 0,
    progress: _Progress | None = None,
) -> list[_Array]: ...
@final
class ImageRegionTree:
    def __new__(
        cls,
        image: _Array,
        labels: _Array,
        cost: str,
        color: str | None,
        connectivity: int,
        alpha: bool,
        frames: int = 1,
        threads: int = 0,
        progress: _Progress | None = None,
    ) -> ImageRegionTree: ...
    def merges(self) -> tuple[_Indices, _Array, _Indices]: ...
    def cut_regions(self, regions: int) -> _Array: ...
    def cut_height(self, height: float) -> _Array: ...

_Box = tuple[int, int, int, int]
_RotatedBox = tuple[tuple[float, float], tuple[float, float], float]

def shift_window(
    probabilities: _Array, start: _Box, max_iter: int, epsilon: float
) -> tuple[_Box, _RotatedBox | None, int]: ...
def cam_shift(
    probabilities: _Array, start: _Box, max_iter: int, epsilon: float
) -> tuple[_Box, _RotatedBox | None, int]: ...
@final
class ImageTracker:
    def __new__(
        cls,
        method: str,
        color: str,
        bins: int,
        min_saturation: float,
        min_value: float,
        background: bool,
        max_iter: int,
        epsilon: float,
        scale_rate: float,
    ) -> ImageTracker: ...
    def start(self, image: _Array, start: _Box, alpha: bool, threads: int = 0) -> None: ...
    def update(self, image: _Array, alpha: bool, threads: int = 0) -> tuple[_Box, _RotatedBox, float]: ...
    def back_projection(self, image: _Array, alpha: bool, threads: int = 0) -> _Array: ...

def mean_shift(
    points: _Array,
    *,
    bandwidth: float | str | None = None,
    kernel: Kernel | str,
    seeds: _Array | None = None,
    bin_seeding: bool = False,
    min_bin_freq: int = 1,
    cluster_all: bool = True,
    max_iter: int = 300,
    tol: float = 1e-9,
    blurring: bool = False,
    adaptive: float = 0.0,
    over_relaxation: float = 1.0,
    metric: str = "euclidean",
    merging: float | str | None = None,
    n_neighbors: int = 10,
    compression: float | None = None,
    random_state: int = 0,
    sample_weight: _Array | None = None,
    threads: int = 0,
    progress: _Progress | None = None,
) -> dict[str, Any]: ...

class BinnedSites:
    def __init__(self, columns: int, width: float, single: bool = False, directions: bool = False) -> None: ...
    def add(self, points: _Array, sample_weight: _Array | None = None) -> None: ...
    def sites(self) -> tuple[_Array, _Array]: ...
    def displacement(self) -> float: ...
    def parts(self) -> tuple[_Array, _Array, _Array, _Array, _Array, int]: ...
    def resume(self, cells: _Array, weight: _Array, mean: _Array, low: _Array, high: _Array, samples: int) -> None: ...
    def n_samples(self) -> int: ...

def cluster_modes(
    points: _Array,
    method: str,
    *,
    kernel: Kernel | str,
    bandwidth: float | None = None,
    max_dist: float | None = None,
    metric: str = "euclidean",
    merging: float | str | None = None,
    n_clusters: int | None = None,
    n_neighbors: int = 10,
    sample_weight: _Array | None = None,
    threads: int = 0,
) -> dict[str, Any]: ...
def estimate_bandwidth(
    points: _Array,
    quantile: float = 0.3,
    n_samples: int | None = None,
    random_state: int = 0,
    threads: int = 0,
) -> float: ...
def bin_seeds(points: _Array, bin_size: float, min_bin_freq: int = 1) -> _Array: ...
def metrics() -> list[dict[str, Any]]: ...
def neighborhoods() -> list[dict[str, Any]]: ...
def profiles() -> list[dict[str, Any]]: ...
def reads_in_place(array: _Array) -> bool: ...

def model_to_bytes(kind: str, parameters: str, about: str, arrays: dict[str, _Array]) -> bytes: ...
def model_from_bytes(data: bytes) -> tuple[str, str, str, list[str], dict[str, _Array]]: ...
