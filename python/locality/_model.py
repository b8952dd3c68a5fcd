"""Models in files, read and written by Rust and by the command-line tool as well."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from . import _arrays, _core, _fields, _model_lazy, _state, _tables
from ._arrays import Array
from ._base import Prepared, check_is_fitted
from ._core import Kernel, Neighborhood
from ._state import Parts


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Writes a fitted estimator to a file, whole or not at all.

    The file, whose name usually ends in ``.loc``, is in the safetensors format: training samples and what was found, no code. Rust reads
    `LocalPolynomialRegressor`, `LocalGLMRegressor`, `LocalLogisticRegression`, `LocalMeanRegressor`, `KernelDensity`, `KernelClassifier`,
    `NearestNeighbors`, the neighbours' regressors and classifiers, `LocalQuantileRegressor`, `LocalModeRegressor`, `LocalGaussianRegressor`,
    `LocalDiscriminantAnalysis`, `GWR` and `MGWR`, too, and the tool predicts with these but the density and `NearestNeighbors`; all others are
    read by `load` alone.

    Parameters
    ----------
    model : estimator
        A fitted estimator of this package. Not `Localized` and `LocalRisk`, which hold code of others, nor `LaplacianEigenmaps`, which maps
        nothing new. `FuzzySystem` has files of its own that can be read. Functions given as parameters cannot be kept; a random
        generator is kept as None.
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
    if isinstance(model, (str, os.PathLike)):
        raise TypeError(f"save takes the model first, then the path, but was given {os.fspath(model)!r} as the model; swap the two")
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {str(path)!r}: it is a folder; name a file in it, such as {str(path / 'model.loc')!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}; make it first, or choose another")
    name = type(model).__name__
    pack = _state.pack if name in _state.STATES else _PACK.get(name)
    if name == "FuzzySystem":
        raise TypeError("a FuzzySystem has files of its own, which can be read and edited; call system.save('rules.toml')")
    if name == "LanguageModel":
        raise TypeError("a LanguageModel cannot be saved here, as it has files of its own; call model.save('model.safetensors')")
    if pack is None or type(model).__module__.partition(".")[0] != __package__:
        raise TypeError(f"{name} cannot be saved; the estimators that can are {', '.join(sorted([*_PACK, *_state.STATES]))}")
    check_is_fitted(model)
    if hasattr(model, "estimators_"):
        raise TypeError(f"a {name} of several targets cannot be saved; save each of its estimators_")
    kind, parameters, arrays = pack(model)
    names = getattr(model, "feature_names_in_", None)
    table, more = _tables.kept(model, _state.plain)
    if table is not None:
        parameters = parameters | {"table": table}
    about = {
        "features": _tables.features(model, names),
        "classes": np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else [],
    }
    kept = {name: np.ascontiguousarray(a) for name, a in (arrays | more).items() if a is not None}
    data = _core.model_to_bytes(kind, json.dumps(parameters), json.dumps(about), kept)
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
        It predicts the same bits as the one that was saved. `MGWR` goes through its rounds again when it first predicts. Columns of words that the tool turned into zeros and ones are columns of
        their own, ``name=word``.
    """
    try:
        kind, text, about_text, names, arrays = _core.model_from_bytes(Path(path).read_bytes())
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    parameters, about = json.loads(text), json.loads(about_text)
    unpack = _UNPACK.get(kind)
    if unpack is None and kind not in _state.KINDS:
        raise ValueError(f"{path}: a model of the kind {kind} has no estimator here; load it in Rust, where such models are made")
    try:
        _fields.check(kind, parameters, arrays)
        if unpack is None:
            model = _state.unpack(kind, parameters, arrays, about["classes"])
        else:
            model = unpack(parameters, arrays, about["classes"])
            model.n_features_in_ = arrays["samples"].shape[1]
        tabled = _tables.restore(model, parameters.get("table"), arrays, _state.unplain)
    except (KeyError, IndexError, TypeError, AttributeError, ArithmeticError) as e:
        raise ValueError(f"{path}: the file lacks {e} or has it in another shape; it is damaged, or of another program") from None
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    if names and not tabled:
        # What learns from sequences has no columns.
        columns = getattr(model, "n_features_in_", 0)
        if len(names) != columns:
            raise ValueError(f"{path}: the file names {len(names)} columns of {columns}; it is damaged, or of another program")
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
        **({} if model.columns_ is None else {"columns": model.columns_}),
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
        "given_weights": model.given_weight_fit_,
    }
    return "local_regression", found | _searched(model), arrays


def _unpack_polynomial(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._local import LocalPolynomialRegressor

    if "mean_tolerance" in p:
        return _unpack_scaled_mean(p, arrays)
    degrees = p["degrees"]
    model = LocalPolynomialRegressor(
        p["kernel"],
        bandwidth="auto" if p["search"] == "given" else p["search"],
        degree=degrees[0] if len(degrees) == 1 else degrees,
        standardize=p["standardize"],
        ridge=p["ridge"],
        guard=p["guard"],
        columns=p.get("columns"),
        neighborhood=p["neighborhood"],
        on_empty=p["on_empty"],
    )
    _samples(model, p, arrays)
    model.columns_ = p.get("columns")
    model.y_fit_ = _flat(arrays["responses"])
    model.given_weight_fit_ = arrays.get("given_weights")
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
        "guard": bool(model.guard),
        **({} if model.columns_ is None else {"columns": model.columns_}),
        "found_kernel": str(model.kernel_),
        "found_degree": 1,
        "tried": _tried([(1, kernel, score) for kernel, score in model._model().tried]),
    }
    arrays = {"samples": model.X_fit_, "scales": model.scales_, "weights": model.sample_weight_fit_}
    return "", found | _searched(model), arrays


def _guarded(p: dict[str, Any]) -> bool:
    """Earlier files say nothing of it, and their models had no guard."""
    return bool(p.get("guard", False))


def _pack_glm(model: Any) -> Parts:
    _, p, arrays = _glm(model, float(model.alpha))
    theta = float(model.theta) if model.family == "negative_binomial" else 1.0
    if model.link is not None:
        p["link"] = model.link
    return "local_glm", p | {"family": model.family, "theta": theta}, arrays | {"responses": _column(model.y_fit_)}


def _unpack_glm(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._glm import LocalGLMRegressor

    model = LocalGLMRegressor(
        p["family"],
        p["kernel"],
        alpha=p["penalty"],
        theta=p["theta"],
        link=p.get("link"),
        guard=_guarded(p),
        columns=p.get("columns"),
        neighborhood=p["neighborhood"],
    )
    _samples(model, p, arrays)
    model.columns_ = p.get("columns")
    model.y_fit_ = _flat(arrays["responses"])
    model._prepared = _prepared(p)
    model._model()
    return model


def _pack_logistic(model: Any) -> Parts:
    _, p, arrays = _glm(model, 1.0 / float(model.C))
    if model.multi_class == "multinomial":
        p["multinomial"] = True
    codes = model.y_fit_.astype(np.int64)
    return "local_logistic", p | {"n_classes": len(model.classes_)}, arrays | {"classes": codes}


def _unpack_logistic(p: dict[str, Any], arrays: dict[str, Array], classes: list[Any]) -> Any:
    from ._glm import LocalLogisticRegression

    model = LocalLogisticRegression(
        1.0 / p["penalty"] if p["penalty"] > 0.0 else np.inf,
        p["kernel"],
        multi_class="multinomial" if p.get("multinomial") else "ovr",
        guard=_guarded(p),
        columns=p.get("columns"),
        neighborhood=p["neighborhood"],
    )
    _samples(model, p, arrays)
    model.columns_ = p.get("columns")
    if p["n_classes"] > max(len(arrays["classes"]), 2) or arrays["classes"].min(initial=0) < 0:
        raise ValueError("the file's classes do not fit its samples; it is damaged, or of another program")
    if classes and len(classes) != p["n_classes"]:
        raise ValueError(f"the file names {len(classes)} classes of {p['n_classes']}; it is damaged, or of another program")
    model.classes_ = np.array(classes if classes else range(p["n_classes"]))
    model.y_fit_ = arrays["classes"].astype(np.intp)
    model._prepared = _prepared(p)
    model._model()
    return model


def _pack_mean(model: Any) -> Parts:
    if (model.scales_ != 1.0).any():
        return _pack_scaled_mean(model)
    p = {
        "kernel": str(model.kernel_),
        "neighborhood": str(model.neighborhood_),
        "on_empty": model.on_empty,
        "tolerance": float(model.tolerance),
        "null_weight": 0.0,
    }
    arrays = {"samples": model.X_fit_, "responses": _column(model.y_fit_), "weights": model.sample_weight_fit_}
    return "local_mean", p, arrays


def _pack_scaled_mean(model: Any) -> Parts:
    """Over divided columns it is a polynomial of degree 0, which Rust and the tool know; what only a mean has stands beside it."""
    found = {
        "degrees": [0],
        "standardize": None,
        "ridge": 0.0,
        "guard": True,
        "on_empty": model.on_empty,
        "found_kernel": str(model.kernel_),
        "found_degree": 0,
        "tried": [],
        "mean_tolerance": float(model.tolerance),
        "single": bool(model.X_fit_.dtype == np.float32),
    }
    arrays = {"samples": model.X_fit_, "responses": _column(model.y_fit_), "scales": model.scales_, "weights": model.sample_weight_fit_}
    wide: dict[str, Any] = {name: None if a is None else a.astype(np.float64) for name, a in arrays.items()}
    return "local_regression", found | _searched(model), wide


def _unpack_scaled_mean(p: dict[str, Any], arrays: dict[str, Array]) -> Any:
    from ._regression import LocalMeanRegressor

    model = LocalMeanRegressor(
        p["kernel"],
        bandwidth="auto" if p["search"] == "given" else p["search"],
        neighborhood=p["neighborhood"],
        tolerance=p["mean_tolerance"],
        on_empty=p["on_empty"],
    )
    dtype = np.float32 if p["single"] else np.float64
    _samples(model, p, {name: a.astype(dtype) for name, a in arrays.items()})
    model.y_fit_ = _flat(arrays["responses"].astype(dtype))
    model._prepared = _prepared(p, model._prepare())
    return model


def _unpack_mean(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._regression import LocalMeanRegressor

    if p["null_weight"] != 0.0:
        raise ValueError("the model has a null_weight, which no estimator has; load it in Rust")
    model = LocalMeanRegressor(
        p["kernel"], neighborhood=p["neighborhood"], tolerance=p["tolerance"], on_empty=p["on_empty"]
    )
    _samples(model, p, arrays)
    model.scales_ = np.ones(model.X_fit_.shape[1], model.X_fit_.dtype)
    model.y_fit_ = _flat(arrays["responses"])
    model._prepared = Prepared(model._prepare())
    return model


def _width(model: Any) -> Any:
    width = model.bandwidth
    return width if isinstance(width, str) else np.asarray(width, dtype=np.float64).tolist()


def _pack_density(model: Any) -> Parts:
    from ._density import _kernel_under

    kernel = _kernel_under(model.kernel, model.metric, _Named(model))
    p = {
        "kernel": _state.text_of(kernel, "kernel"),
        "bandwidth": _width(model),
        "rtol": float(model.rtol),
        "atol": float(model.atol),
        "adaptive": float(model.adaptive),
        "found_kernel": _state.text_of(model.kernel_, "kernel"),
    }
    return "kernel_density", p, {"samples": model.X_fit_, "weights": model.sample_weight_fit_}


class _Named:
    """The names of a model's columns, where a frame is looked for."""

    def __init__(self, model: Any) -> None:
        self.columns = getattr(model, "feature_names_in_", None)


def _unpack_density(p: dict[str, Any], arrays: dict[str, Array], _: list[Any]) -> Any:
    from ._density import KernelDensity

    model = KernelDensity(
        p["bandwidth"], kernel=Kernel(p["kernel"]), rtol=p["rtol"], atol=p["atol"], adaptive=p["adaptive"]
    )
    model.X_fit_, model.sample_weight_fit_ = arrays["samples"], arrays.get("weights")
    model.kernel_ = Kernel(p["found_kernel"])
    model._prepared = Prepared()
    model.bandwidth_ = _bandwidth_found(model._fitted())
    return model


def _bandwidth_found(made: Any) -> Any:
    found = np.array(made.bandwidth())
    return float(found[0]) if found.size == 1 else found


def _pack_kernel_classifier(model: Any) -> Parts:
    priors: Any = {None: "observed", "uniform": "uniform"}.get(model.priors if isinstance(model.priors, str) else None)
    if not (model.priors is None or isinstance(model.priors, str)):
        priors = [float(share) for share in np.atleast_1d(model.priors)]
    p = {
        "kernel": _state.text_of(_kernel(model), "kernel"),
        "bandwidth": _width(model),
        "neighborhood": _state.text_of(model.neighborhood_, "neighborhood"),
        "on_empty": model.on_empty,
        "tolerance": float(model.tolerance),
        "priors": priors,
        "found_kernel": _state.text_of(model.kernel_, "kernel"),
        "n_classes": len(model.classes_),
    }
    arrays = {"samples": model.X_fit_, "classes": model.y_fit_.astype(np.int64), "weights": model.sample_weight_fit_}
    return "kernel_classifier", p, arrays


def _unpack_kernel_classifier(p: dict[str, Any], arrays: dict[str, Array], classes: list[Any]) -> Any:
    from ._density import KernelClassifier

    if p["n_classes"] > len(arrays["classes"]):
        raise ValueError("the file has more classes than samples; it is damaged, or of another program")
    model = KernelClassifier(
        Kernel(p["kernel"]),
        bandwidth=p["bandwidth"],
        neighborhood=p["neighborhood"],
        on_empty=p["on_empty"],
        priors=None if p["priors"] == "observed" else p["priors"],
        tolerance=p["tolerance"],
    )
    _samples(model, p, arrays)
    model.classes_ = np.array(classes if classes else range(p["n_classes"]))
    model.y_fit_ = arrays["classes"].astype(np.intp)
    model._prepared = Prepared()
    model._fitted()
    return model


_PACK = {
    "KernelClassifier": _pack_kernel_classifier,
    "KernelDensity": _pack_density,
    "KNeighborsClassifier": _model_lazy.pack_neighbors_classifier,
    "KNeighborsRegressor": _model_lazy.pack_neighbors_regressor,
    "LocalGLMRegressor": _pack_glm,
    "LocalLogisticRegression": _pack_logistic,
    "LocalMeanRegressor": _pack_mean,
    "LocalPolynomialRegressor": _pack_polynomial,
    "NearestNeighbors": _model_lazy.pack_search,
    "RadiusNeighborsClassifier": _model_lazy.pack_neighbors_classifier,
    "RadiusNeighborsRegressor": _model_lazy.pack_neighbors_regressor,
}

_UNPACK = {
    "kernel_classifier": _unpack_kernel_classifier,
    "kernel_density": _unpack_density,
    "local_glm": _unpack_glm,
    "local_logistic": _unpack_logistic,
    "local_mean": _unpack_mean,
    "local_regression": _unpack_polynomial,
    "nearest_neighbors": _model_lazy.unpack_search,
    "neighbors_classifier": _model_lazy.unpack_neighbors_classifier,
    "neighbors_regressor": _model_lazy.unpack_neighbors_regressor,
}
