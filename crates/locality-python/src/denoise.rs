//! Denoising: of pictures, and of rows by the clean ones; new rows.

use locality::denoise::{
    OptimalDenoiser as Parameters, OptimalDenoiserFit, Sampler, SamplerMethod,
    energy_distance as distance,
};
use locality::image::{
    Bilateral, BilateralBorder, DenoiseMethod, Denoiser, ImageView, NonLocalMeans, PatchWeights,
    Sample, estimate_noise, estimate_noise_robust, psnr, ssim,
};
use locality::patches::Patches;
use locality::{Float, Rows, Watch};
use numpy::ndarray::{Array2, Array3};
use numpy::{Element, IntoPyArray, PyArray2, PyArray3, PyArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::{Matrix, two_kinds};
use crate::density::vector;
use crate::error::to_python;
use crate::image::{array_of, shape_of, shaped, view};
use crate::watch::watched;

/// Runs one branch for each number type of a picture.
macro_rules! four_kinds {
    ($image:expr, $run:ident($($more:expr),*)) => {
        if let Ok(image) = $image.cast::<PyArray3<u8>>() {
            $run(image, $($more),*)
        } else if let Ok(image) = $image.cast::<PyArray3<u16>>() {
            $run(image, $($more),*)
        } else if let Ok(image) = $image.cast::<PyArray3<f32>>() {
            $run(image, $($more),*)
        } else if let Ok(image) = $image.cast::<PyArray3<f64>>() {
            $run(image, $($more),*)
        } else {
            Err(PyTypeError::new_err(
                "image must be a numpy array [height, width, channels] of uint8, uint16, float32 or float64",
            ))
        }
    };
}

/// A filter of pictures.
enum Filter<'a> {
    Means(NonLocalMeans),
    Bilateral(Bilateral, Option<ImageView<'a, f64>>),
}

impl Filter<'_> {
    fn run<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> locality::Result<Vec<T>> {
        match self {
            Self::Means(means) => means.filter(image, watch),
            Self::Bilateral(filter, None) => filter.filter(image, watch),
            Self::Bilateral(filter, Some(guide)) => filter.filter_by(image, guide, watch),
        }
    }
}

fn filtered<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    filter: &Filter<'_>,
    kind: (bool, usize),
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let out = watched(py, threads, progress, |watch| filter.run(&view, watch))?;
    Ok(array_of(out, shape)?.into_pyarray(py).into_any())
}

/// Non-local means.
#[pyfunction]
#[pyo3(signature = (image, patch_size, patch_distance, h, sigma, fast, per_channel, alpha, frames=1, threads=0, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn image_nl_means<'py>(
    image: &Bound<'py, PyAny>,
    patch_size: usize,
    patch_distance: usize,
    h: f64,
    sigma: f64,
    fast: bool,
    per_channel: bool,
    alpha: bool,
    frames: usize,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let weights = if fast {
        PatchWeights::Flat
    } else {
        PatchWeights::Gaussian
    };
    let means = NonLocalMeans::new(h)
        .patch_size(patch_size)
        .patch_distance(patch_distance)
        .sigma(sigma)
        .weights(weights)
        .per_channel(per_channel);
    let filter = Filter::Means(means);
    four_kinds!(image, filtered(&filter, (alpha, frames), threads, progress))
}

/// The bilateral filter; ``guide``: float64 on the scale of 8 bits; ``opencv``: OpenCV's diameter.
#[pyfunction]
#[pyo3(signature = (image, guide, spatial, range, radius, border, opencv, alpha, frames=1, threads=0, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn image_bilateral<'py>(
    image: &Bound<'py, PyAny>,
    guide: Option<&Bound<'py, PyArray3<f64>>>,
    spatial: f64,
    range: f64,
    radius: Option<usize>,
    border: &str,
    opencv: Option<usize>,
    alpha: bool,
    frames: usize,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let border = match border {
        "inside" => BilateralBorder::Inside,
        "reflect" => BilateralBorder::Mirror,
        "symmetric" => BilateralBorder::Symmetric,
        "wrap" => BilateralBorder::Wrap,
        "edge" => BilateralBorder::Edge,
        "constant" => BilateralBorder::Zero,
        other => {
            return Err(PyValueError::new_err(format!(
                "mode={other:?} is unknown; give 'inside', 'reflect', 'edge' or 'constant'"
            )));
        }
    };
    let mut filter = Bilateral::new(spatial, range).border(border);
    if let Some(radius) = radius {
        filter = filter.radius(radius);
    }
    if let Some(d) = opencv {
        filter = filter.like_opencv(d);
    }
    let guides = guide.map(|g| Ok::<_, PyErr>((g.try_readonly()?, shape_of(g))));
    let guides = guides.transpose()?;
    let guide = match &guides {
        Some((array, shape)) => Some(view(array.as_slice()?, *shape, (false, frames))?),
        None => None,
    };
    let filter = Filter::Bilateral(filter, guide);
    four_kinds!(image, filtered(&filter, (alpha, frames), threads, progress))
}

/// The picture without its noise, the noise's standard deviation and the method.
#[pyfunction]
#[pyo3(signature = (image, method, sigma, range, per_channel, alpha, frames=1, threads=0, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn image_denoise<'py>(
    image: &Bound<'py, PyAny>,
    method: &str,
    sigma: Option<f64>,
    range: Option<f64>,
    per_channel: bool,
    alpha: bool,
    frames: usize,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, f64, String)> {
    fn run<'py, T: Element + Sample>(
        image: &Bound<'py, PyArray3<T>>,
        denoiser: &Denoiser,
        kind: (bool, usize),
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, f64, String)> {
        let py = image.py();
        let shape = shape_of(image);
        let array = image.try_readonly()?;
        let view = view(array.as_slice()?, shape, kind)?;
        let out = watched(py, threads, progress, |watch| {
            denoiser.denoise(&view, watch)
        })?;
        let (sigma, method) = (out.sigma(), out.method().to_string());
        let out = array_of(out.into_samples(), shape)?;
        Ok((out.into_pyarray(py).into_any(), sigma, method))
    }
    let method: DenoiseMethod = method.parse().map_err(to_python)?;
    let denoiser = Denoiser::new()
        .method(method)
        .sigma(sigma)
        .range(range)
        .per_channel(per_channel);
    four_kinds!(image, run(&denoiser, (alpha, frames), threads, progress))
}

/// The noise's standard deviation in each channel; ``range``: where it was cut off, for the robust estimate.
#[pyfunction]
#[pyo3(signature = (image, robust, range, alpha, frames=1, threads=0))]
pub(crate) fn image_noise(
    image: &Bound<'_, PyAny>,
    robust: bool,
    range: Option<f64>,
    alpha: bool,
    frames: usize,
    threads: usize,
) -> PyResult<Vec<f64>> {
    fn run<T: Element + Sample>(
        image: &Bound<'_, PyArray3<T>>,
        (robust, range): (bool, Option<f64>),
        kind: (bool, usize),
        threads: usize,
    ) -> PyResult<Vec<f64>> {
        let array = image.try_readonly()?;
        let view = view(array.as_slice()?, shape_of(image), kind)?;
        let found = watched(image.py(), threads, None, |watch| {
            if robust {
                estimate_noise_robust(&view, range, watch)
            } else {
                estimate_noise(&view, watch)
            }
        })?;
        Ok(found.channels().to_vec())
    }
    four_kinds!(image, run((robust, range), (alpha, frames), threads))
}

/// PSNR, or with ``structure`` SSIM, of a picture and its reference, of one number type.
#[pyfunction]
#[pyo3(signature = (reference, image, structure, range, alpha, frames=1, threads=0))]
pub(crate) fn image_quality(
    reference: &Bound<'_, PyAny>,
    image: &Bound<'_, PyAny>,
    structure: bool,
    range: Option<f64>,
    alpha: bool,
    frames: usize,
    threads: usize,
) -> PyResult<f64> {
    fn run<T: Element + Sample>(
        image: &Bound<'_, PyArray3<T>>,
        reference: &Bound<'_, PyAny>,
        structure: bool,
        range: Option<f64>,
        kind: (bool, usize),
        threads: usize,
    ) -> PyResult<f64> {
        let reference = reference.cast::<PyArray3<T>>().map_err(|_| {
            PyTypeError::new_err(
                "reference and image must be of one number type; convert one of them",
            )
        })?;
        let (a, b) = (reference.try_readonly()?, image.try_readonly()?);
        let a = view(a.as_slice()?, shape_of(reference), kind)?;
        let b = view(b.as_slice()?, shape_of(image), kind)?;
        watched(image.py(), threads, None, |watch| {
            if structure {
                ssim(&a, &b, range, watch)
            } else {
                psnr(&a, &b, range)
            }
        })
    }
    four_kinds!(
        image,
        run(reference, structure, range, (alpha, frames), threads)
    )
}

/// The best denoiser of rows, with its clean samples. Arrays have two dimensions and one number type, float32 or float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct OptimalDenoiser {
    inner: Fit,
}

enum Fit {
    F32(OptimalDenoiserFit<f32>),
    F64(OptimalDenoiserFit<f64>),
}

/// What is asked of noisy rows.
#[derive(Clone, Copy)]
enum Ask {
    Mean,
    Score,
    LogDensity,
    Variance,
    Covariance,
}

fn ask<'py, T: Element + Float>(
    fit: &OptimalDenoiserFit<T>,
    what: Ask,
    rows: &Bound<'py, PyAny>,
    threads: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let py = rows.py();
    let data = Matrix::<T>::from_any(rows, "X")?;
    let noisy = data.rows()?;
    let (m, d) = (noisy.rows(), fit.columns());
    let found = watched(py, threads, None, |watch| match what {
        Ask::Mean => fit.denoise(noisy, watch),
        Ask::Score => fit.score(noisy, watch),
        Ask::LogDensity => fit.log_density(noisy, watch),
        Ask::Variance => fit.variance(noisy, watch),
        Ask::Covariance => fit.covariance(noisy, watch),
    })?;
    Ok(match what {
        Ask::LogDensity => found.into_pyarray(py).into_any(),
        Ask::Covariance => Array3::from_shape_vec((m, d, d), found)
            .map_err(shaped)?
            .into_pyarray(py)
            .into_any(),
        _ => Array2::from_shape_vec((m, d), found)
            .map_err(shaped)?
            .into_pyarray(py)
            .into_any(),
    })
}

#[pymethods]
impl OptimalDenoiser {
    #[new]
    #[pyo3(signature = (samples, sigma, smoothing=0.0, tolerance=0.0, nearest=None, hollow=false, sample_weight=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        sigma: f64,
        smoothing: f64,
        tolerance: f64,
        nearest: Option<usize>,
        hollow: bool,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        fn fit<T: Element + Float>(
            parameters: &Parameters,
            samples: &Bound<'_, PyArray2<T>>,
            weights: Option<&Bound<'_, PyAny>>,
            threads: usize,
        ) -> PyResult<OptimalDenoiserFit<T>> {
            let data = Matrix::new(samples)?;
            let (rows, weights) = (data.rows()?, vector::<T>(weights)?);
            watched(samples.py(), threads, None, |watch| {
                parameters.fit_weighted(rows, weights.as_deref(), watch)
            })
        }
        let parameters = Parameters::new(sigma)
            .smoothing(smoothing)
            .tolerance(tolerance)
            .nearest(nearest)
            .hollow(hollow);
        let inner = two_kinds!(
            samples,
            "X",
            |x: f32| Fit::F32(fit(&parameters, x, sample_weight, threads)?),
            |x: f64| Fit::F64(fit(&parameters, x, sample_weight, threads)?)
        );
        Ok(Self { inner })
    }

    /// Pixels of a grid of a shape, by patches of ``size``, denoised.
    #[pyo3(signature = (values, shape, channels, size, threads=0))]
    #[allow(clippy::needless_pass_by_value)] // What Python gives is read into a list of its own.
    fn grid<'py>(
        &self,
        values: &Bound<'py, PyAny>,
        shape: Vec<usize>,
        channels: usize,
        size: usize,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn run<'py, T: Element + Float>(
            fit: &OptimalDenoiserFit<T>,
            values: &Bound<'py, PyAny>,
            grid: &Patches,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let pixels = Matrix::<T>::from_any(values, "values")?;
            let pixels = pixels.rows()?.to_vec();
            let out = watched(values.py(), threads, None, |watch| {
                fit.denoise_grid(grid, &pixels, watch)
            })?;
            Ok(out.into_pyarray(values.py()).into_any())
        }
        let grid = Patches::new(&shape, channels, size).map_err(to_python)?;
        match &self.inner {
            Fit::F32(fit) => run(fit, values, &grid, threads),
            Fit::F64(fit) => run(fit, values, &grid, threads),
        }
    }

    /// At noisy rows ``[m, d]``: ``mean`` and ``score`` and ``variance`` ``[m, d]``, ``log_density`` ``[m]``, ``covariance``
    /// ``[m, d, d]``.
    #[pyo3(signature = (what, rows, threads=0))]
    fn at<'py>(
        &self,
        what: &str,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let what = match what {
            "mean" => Ask::Mean,
            "score" => Ask::Score,
            "log_density" => Ask::LogDensity,
            "variance" => Ask::Variance,
            "covariance" => Ask::Covariance,
            other => return Err(PyValueError::new_err(format!("what={other:?} is unknown"))),
        };
        match &self.inner {
            Fit::F32(fit) => ask(fit, what, rows, threads),
            Fit::F64(fit) => ask(fit, what, rows, threads),
        }
    }
}

/// The patch about each place of a grid, values ``[places, channels]`` one place a row, with its position or without.
#[pyfunction]
#[pyo3(signature = (values, shape, size, positions))]
#[allow(clippy::needless_pass_by_value)] // as the extension hands it over
pub(crate) fn patches<'py>(
    values: &Bound<'py, PyAny>,
    shape: Vec<usize>,
    size: usize,
    positions: bool,
) -> PyResult<Bound<'py, PyAny>> {
    fn run<'py, T: Element + Float>(
        values: &Bound<'py, PyArray2<T>>,
        shape: &[usize],
        size: usize,
        positions: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let data = Matrix::new(values)?;
        let rows = data.rows()?;
        let grid = Patches::new(shape, rows.columns(), size).map_err(to_python)?;
        let pixels = rows.to_vec();
        let found = if positions {
            grid.rows_with_positions(&pixels)
        } else {
            grid.rows(&pixels)
        };
        let columns = grid.columns() + if positions { shape.len() } else { 0 };
        let found = Array2::from_shape_vec((grid.places(), columns), found.map_err(to_python)?);
        Ok(found.map_err(shaped)?.into_pyarray(values.py()).into_any())
    }
    two_kinds!(
        values,
        "values",
        |x: f32| run(x, &shape, size, positions),
        |x: f64| run(x, &shape, size, positions)
    )
}

/// New rows from the law of a table: a dictionary of ``samples``, ``smoothing``, ``manifold``, ``energy_distance`` and ``copies``.
#[pyfunction]
#[pyo3(signature = (table, count, method, smoothing, manifold, levels, steps, noise, nearest, tolerance, seed, threads=0, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn sample_rows<'py>(
    table: &Bound<'py, PyAny>,
    count: usize,
    method: &str,
    smoothing: Option<f64>,
    manifold: Option<usize>,
    levels: Option<usize>,
    steps: usize,
    noise: Option<(f64, f64)>,
    nearest: Option<usize>,
    tolerance: f64,
    seed: u64,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = table.py();
    let method: SamplerMethod = method.parse().map_err(to_python)?;
    let data = Matrix::<f64>::from_any(table, "X")?;
    let rows: Rows<'_, f64> = data.rows()?;
    let mut sampler = Sampler::new()
        .method(method)
        .smoothing(smoothing)
        .manifold(manifold)
        .levels(levels)
        .steps(steps)
        .nearest(nearest)
        .tolerance(tolerance)
        .seed(seed);
    if let Some((most, least)) = noise {
        sampler = sampler.noise(most, least);
    }
    let (out, distance, copies) = watched(py, threads, progress, |watch| {
        let out = sampler.sample(rows, count, watch)?;
        let quiet = watch.quiet();
        let copies = if rows.rows() > 1 {
            out.copies(rows, &quiet)?
        } else {
            f64::NAN
        };
        let distance = out.energy_distance(rows, &quiet)?;
        Ok((out, distance, copies))
    })?;
    let samples = Array2::from_shape_vec((count, rows.columns()), out.samples().to_vec());
    let dict = PyDict::new(py);
    dict.set_item("samples", samples.map_err(shaped)?.into_pyarray(py))?;
    dict.set_item("smoothing", out.smoothing())?;
    dict.set_item("manifold", out.manifold())?;
    dict.set_item("energy_distance", distance)?;
    dict.set_item("copies", copies)?;
    Ok(dict)
}

/// The energy distance of two samples of float64.
#[pyfunction]
#[pyo3(signature = (a, b, threads=0))]
pub(crate) fn energy_distance(
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    threads: usize,
) -> PyResult<f64> {
    let (x, y) = (
        Matrix::<f64>::from_any(a, "a")?,
        Matrix::<f64>::from_any(b, "b")?,
    );
    let (x, y) = (x.rows()?, y.rows()?);
    watched(a.py(), threads, None, |watch| distance(x, y, watch))
}
