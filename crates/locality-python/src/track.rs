//! Tracking in pictures, laid out as in `image`.

use locality::image::Sample;
use locality::image::track::{
    Criteria, HistogramColor, RotatedBox, TrackMethod, Tracker, Tracking, Window,
    cam_shift as shift, mean_shift,
};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyArray3, PyArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

use crate::error::to_python;
use crate::image::{shape_of, shaped, three_kinds, view};
use crate::watch::watched;

type Numbers = (i32, i32, i32, i32);
type Box2 = ((f64, f64), (f64, f64), f64);

fn window((x, y, width, height): Numbers) -> Window {
    Window::new(x, y, width, height)
}

fn numbers(window: Window) -> Numbers {
    (window.x, window.y, window.width, window.height)
}

fn rotated(found: &RotatedBox) -> Box2 {
    let ([x, y], [w, h]) = (found.center, found.size);
    ((x, y), (w, h), found.angle)
}

/// The box, its rotated box if any, and the count of steps.
type Shifted = (Numbers, Option<Box2>, usize);

/// Mean shift of a window over a picture of probabilities.
#[pyfunction]
pub(crate) fn shift_window(
    probabilities: &Bound<'_, PyAny>,
    start: Numbers,
    max_iter: usize,
    epsilon: f64,
) -> PyResult<Shifted> {
    let criteria = Criteria { max_iter, epsilon };
    three_kinds!(probabilities, shift_one(window(start), criteria, false))
}

/// Continuously adaptive mean shift of a window.
#[pyfunction]
pub(crate) fn cam_shift(
    probabilities: &Bound<'_, PyAny>,
    start: Numbers,
    max_iter: usize,
    epsilon: f64,
) -> PyResult<Shifted> {
    let criteria = Criteria { max_iter, epsilon };
    three_kinds!(probabilities, shift_one(window(start), criteria, true))
}

fn shift_one<T: Element + Sample>(
    image: &Bound<'_, PyArray3<T>>,
    start: Window,
    criteria: Criteria,
    adapt: bool,
) -> PyResult<Shifted> {
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape_of(image), (false, 1))?;
    if adapt {
        let (window, found) = shift(&view, start, criteria).map_err(to_python)?;
        Ok((numbers(window), found.as_ref().map(rotated), 0))
    } else {
        let (window, count) = mean_shift(&view, start, criteria).map_err(to_python)?;
        Ok((numbers(window), None, count))
    }
}

/// A tracker with its parameters and, once started, the object.
#[pyclass(module = "locality._core")]
pub(crate) struct ImageTracker {
    tracker: Tracker,
    tracking: Option<Tracking>,
}

#[pymethods]
impl ImageTracker {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        method: &str,
        color: &str,
        bins: usize,
        min_saturation: f64,
        min_value: f64,
        background: bool,
        max_iter: usize,
        epsilon: f64,
        scale_rate: f64,
    ) -> PyResult<Self> {
        let method: TrackMethod = method.parse().map_err(to_python)?;
        let color: HistogramColor = color.parse().map_err(to_python)?;
        let tracker = Tracker::new()
            .method(method)
            .histogram(color, bins)
            .min_color(min_saturation, min_value)
            .background(background)
            .criteria(Criteria { max_iter, epsilon })
            .scale_rate(scale_rate);
        Ok(Self {
            tracker,
            tracking: None,
        })
    }

    /// Learns the object in a box.
    #[pyo3(signature = (image, start, alpha, threads=0))]
    fn start(
        &mut self,
        image: &Bound<'_, PyAny>,
        start: Numbers,
        alpha: bool,
        threads: usize,
    ) -> PyResult<()> {
        let start = window(start);
        let begun = three_kinds!(image, begin(&self.tracker, start, alpha, threads))?;
        self.tracking = Some(begun);
        Ok(())
    }

    /// The box, the rotated box and the confidence in the next picture.
    #[pyo3(signature = (image, alpha, threads=0))]
    fn update(
        &mut self,
        image: &Bound<'_, PyAny>,
        alpha: bool,
        threads: usize,
    ) -> PyResult<(Numbers, Box2, f64)> {
        let tracking = self.tracking.as_mut().ok_or_else(unstarted)?;
        three_kinds!(image, follow(tracking, alpha, threads))
    }

    /// How probable it is that each pixel is part of the object.
    #[pyo3(signature = (image, alpha, threads=0))]
    fn back_projection<'py>(
        &self,
        image: &Bound<'py, PyAny>,
        alpha: bool,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let tracking = self.tracking.as_ref().ok_or_else(unstarted)?;
        three_kinds!(image, project(tracking, alpha, threads))
    }
}

fn unstarted() -> PyErr {
    PyRuntimeError::new_err("the tracker has no object yet; call init(frame, box) first")
}

fn begin<T: Element + Sample>(
    image: &Bound<'_, PyArray3<T>>,
    tracker: &Tracker,
    start: Window,
    alpha: bool,
    threads: usize,
) -> PyResult<Tracking> {
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape_of(image), (alpha, 1))?;
    watched(image.py(), threads, None, |watch| {
        tracker.start(&view, start, watch)
    })
}

fn follow<T: Element + Sample>(
    image: &Bound<'_, PyArray3<T>>,
    tracking: &mut Tracking,
    alpha: bool,
    threads: usize,
) -> PyResult<(Numbers, Box2, f64)> {
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape_of(image), (alpha, 1))?;
    let found = watched(image.py(), threads, None, |watch| {
        tracking.update(&view, watch)
    })?;
    Ok((
        numbers(found.window),
        rotated(&found.rotated),
        found.confidence,
    ))
}

fn project<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    tracking: &Tracking,
    alpha: bool,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, (alpha, 1))?;
    let found = watched(py, threads, None, |watch| {
        tracking.back_projection(&view, watch)
    })?;
    let plane = Array2::from_shape_vec((shape[0], shape[1]), found).map_err(shaped)?;
    Ok(plane.into_pyarray(py))
}
