//! Mean shift on pictures: arrays `[height, width, channels]` of uint8, uint16 or float32, in one piece; the frames of a stack are
//! one below the other.

use locality::image::{
    ColorSpace, Connectivity, EdgeWeights, ImageKernel, ImageView, MeanShiftFilter,
    MeanShiftSegmenter, Partition, Sample,
};
use numpy::ndarray::{Array2, Array3};
use numpy::{Element, IntoPyArray, PyArray3, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::to_python;
use crate::nearest::positions;
use crate::watch::watched;

/// Runs one branch for each number type of a picture.
macro_rules! three_kinds {
    ($image:expr, $run:ident($($more:expr),*)) => {
        if let Ok(image) = $image.cast::<PyArray3<u8>>() {
            $run(image, $($more),*)
        } else if let Ok(image) = $image.cast::<PyArray3<u16>>() {
            $run(image, $($more),*)
        } else if let Ok(image) = $image.cast::<PyArray3<f32>>() {
            $run(image, $($more),*)
        } else {
            Err(PyTypeError::new_err(
                "image must be a numpy array [height, width, channels] of uint8, uint16 or float32",
            ))
        }
    };
}

pub(crate) use three_kinds;

/// Mean shift on pictures with its parameters.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct ImageMeanShift {
    filter: MeanShiftFilter,
}

#[pymethods]
impl ImageMeanShift {
    #[new]
    #[pyo3(signature = (spatial, range, kernel, color, max_iter, tol, like_opencv, depth=None, edges=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        spatial: f64,
        range: f64,
        kernel: &str,
        color: &str,
        max_iter: usize,
        tol: f64,
        like_opencv: bool,
        depth: Option<f64>,
        edges: Option<(usize, f64, f64)>,
    ) -> PyResult<Self> {
        let kernel: ImageKernel = kernel.parse().map_err(to_python)?;
        let color: ColorSpace = color.parse().map_err(to_python)?;
        let filter = MeanShiftFilter::new(spatial, range)
            .kernel(kernel)
            .color(color)
            .depth(depth)
            .edges(edges.map(edge_weights));
        Ok(Self {
            filter: if like_opencv {
                filter.like_opencv()
            } else {
                filter.max_iter(max_iter).tol(tol)
            },
        })
    }

    /// The filtered picture, of the same shape and number type; ``alpha``: the last channel is opacity.
    #[pyo3(signature = (image, alpha, frames=1, threads=0, progress=None))]
    fn filter<'py>(
        &self,
        image: &Bound<'py, PyAny>,
        alpha: bool,
        frames: usize,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        three_kinds!(
            image,
            filter(&self.filter, (alpha, frames), threads, progress)
        )
    }

    /// The regions: a dictionary of ``labels``, ``sizes``, ``colors``, ``picture`` and ``boundaries``.
    #[pyo3(signature = (image, min_region, fusion, connectivity, alpha, frames=1, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn segment<'py>(
        &self,
        image: &Bound<'py, PyAny>,
        min_region: usize,
        fusion: Option<f64>,
        connectivity: usize,
        alpha: bool,
        frames: usize,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let connectivity = neighbors(connectivity)?;
        let mut segmenter = MeanShiftSegmenter::with_filter(self.filter)
            .min_region(min_region)
            .connectivity(connectivity);
        if let Some(fusion) = fusion {
            segmenter = segmenter.fusion(fusion);
        }
        three_kinds!(
            image,
            segment(&segmenter, (alpha, frames), threads, progress)
        )
    }
}

fn filter<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    filter: &MeanShiftFilter,
    kind: (bool, usize),
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let out = watched(py, threads, progress, |watch| filter.filter(&view, watch))?;
    let out = array_of(out.into_samples(), shape)?;
    Ok(out.into_pyarray(py).into_any())
}

fn segment<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    segmenter: &MeanShiftSegmenter,
    kind: (bool, usize),
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let out = watched(py, threads, progress, |watch| {
        segmenter.segment(&view, watch)
    })?;
    regions(py, out.partition(), out.mean_picture(), shape)
}

/// Neighbours of a pixel.
pub(crate) fn neighbors(connectivity: usize) -> PyResult<Connectivity> {
    match connectivity {
        4 => Ok(Connectivity::Four),
        8 => Ok(Connectivity::Eight),
        other => Err(PyValueError::new_err(format!(
            "connectivity={other} must be 4 (edges) or 8 (edges and corners)"
        ))),
    }
}

/// Radius of the gradient's window, mixture and threshold.
pub(crate) fn edge_weights((radius, mixture, threshold): (usize, f64, f64)) -> EdgeWeights {
    EdgeWeights::default()
        .gradient_window_radius(radius)
        .mixture(mixture)
        .edge_strength_threshold(threshold)
}

/// A dictionary of what is known of regions.
pub(crate) fn regions<'py, T: Element + Sample>(
    py: Python<'py>,
    found: &Partition<T>,
    picture: Vec<T>,
    shape: [usize; 3],
) -> PyResult<Bound<'py, PyDict>> {
    let plane = (shape[0], shape[1]);
    let boundaries = Array2::from_shape_vec(plane, found.boundaries()).map_err(shaped)?;
    let samples = found.region_samples().to_vec();
    let colors = (found.n_regions(), samples.len() / found.n_regions());
    let colors = Array2::from_shape_vec(colors, samples).map_err(shaped)?;
    let sizes = positions(found.sizes().to_vec());
    let picture = array_of(picture, shape)?;
    let dict = PyDict::new(py);
    dict.set_item("labels", plane_of(found.labels(), plane)?.into_pyarray(py))?;
    dict.set_item("sizes", sizes.into_pyarray(py))?;
    dict.set_item("colors", colors.into_pyarray(py))?;
    dict.set_item("picture", picture.into_pyarray(py))?;
    dict.set_item("boundaries", boundaries.into_pyarray(py))?;
    Ok(dict)
}

/// Labels as Python counts.
pub(crate) fn plane_of(labels: &[u32], plane: (usize, usize)) -> PyResult<Array2<i32>> {
    let labels = labels.iter().map(|l| l.cast_signed()).collect();
    Array2::from_shape_vec(plane, labels).map_err(shaped)
}

pub(crate) fn shape_of<T: Element>(image: &Bound<'_, PyArray3<T>>) -> [usize; 3] {
    match *image.shape() {
        [height, width, channels] => [height, width, channels],
        _ => [0; 3],
    }
}

/// The core's view of a picture, or of a stack of frames, and whether the last channel is opacity.
pub(crate) fn view<T: Sample>(
    samples: &[T],
    [rows, width, channels]: [usize; 3],
    (alpha, frames): (bool, usize),
) -> PyResult<ImageView<'_, T>> {
    let height = rows.checked_div(frames).unwrap_or(0);
    let view = ImageView::stack(samples, frames, height, width, channels).map_err(to_python)?;
    if alpha {
        view.with_alpha().map_err(to_python)
    } else {
        Ok(view)
    }
}

pub(crate) fn array_of<T>(samples: Vec<T>, shape: [usize; 3]) -> PyResult<Array3<T>> {
    Array3::from_shape_vec(shape, samples).map_err(shaped)
}

#[allow(clippy::needless_pass_by_value)] // so that it can be handed to `map_err`
pub(crate) fn shaped(error: numpy::ndarray::ShapeError) -> PyErr {
    PyTypeError::new_err(error.to_string())
}
