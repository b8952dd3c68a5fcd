//! Superpixels, hierarchies of regions and edges of pictures, laid out as in `image`.

use locality::Watch;
use locality::image::{
    ColorSpace, EdgeWeights, MergeCost, Partition, RegionMerging, RegionTree, Sample, Superpixels,
};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::to_python;
use crate::image::{
    edge_weights, neighbors, plane_of, regions, shape_of, shaped, three_kinds, view,
};
use crate::nearest::positions;
use crate::watch::watched;

type Progress<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

fn space(color: Option<&str>) -> PyResult<Option<ColorSpace>> {
    color.map(|c| c.parse().map_err(to_python)).transpose()
}

/// Superpixels: a dictionary as of ``ImageMeanShift.segment``.
#[pyfunction]
#[pyo3(signature = (image, kernel_size, max_dist, ratio, sigma, color, alpha, threads=0, progress=None, frames=1, depth=1.0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn image_superpixels<'py>(
    image: &Bound<'py, PyAny>,
    kernel_size: f64,
    max_dist: f64,
    ratio: f64,
    sigma: f64,
    color: Option<&str>,
    alpha: bool,
    threads: usize,
    progress: Progress<'_, 'py>,
    frames: usize,
    depth: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let mut parameters = Superpixels::new(kernel_size, max_dist)
        .ratio(ratio)
        .sigma(sigma)
        .depth(depth);
    if let Some(color) = space(color)? {
        parameters = parameters.color(color);
    }
    three_kinds!(
        image,
        superpixels(&parameters, (alpha, frames), threads, progress)
    )
}

fn superpixels<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    parameters: &Superpixels,
    kind: (bool, usize),
    threads: usize,
    progress: Progress<'_, 'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let found = watched(py, threads, progress, |watch| {
        parameters.segment(&view, watch)
    })?;
    let picture = found.mean_picture(&view).map_err(to_python)?;
    regions(py, &found, picture, shape)
}

/// The regions of given labels, one a pixel: a dictionary as of ``ImageMeanShift.segment``.
#[pyfunction]
#[pyo3(signature = (image, labels, color, alpha, frames=1, threads=0))]
#[allow(clippy::needless_pass_by_value)] // as the extension hands it over
pub(crate) fn image_partition<'py>(
    image: &Bound<'py, PyAny>,
    labels: PyReadonlyArray1<'py, u32>,
    color: &str,
    alpha: bool,
    frames: usize,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let color: ColorSpace = color.parse().map_err(to_python)?;
    let labels = labels.as_slice()?;
    three_kinds!(image, partition(labels, color, (alpha, frames), threads))
}

fn partition<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    labels: &[u32],
    color: ColorSpace,
    kind: (bool, usize),
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let found = watched(py, threads, None, |watch| {
        Partition::new(&view, labels, color, watch)
    })?;
    let picture = found.mean_picture(&view).map_err(to_python)?;
    regions(py, &found, picture, shape)
}

/// Which regions of a picture touch, ``[pairs, 2]``, and the number of pairs of neighbouring pixels across each boundary; from one
/// label a pixel, numbered from 0 without gaps, laid out as ``[frames * height, width]``.
#[pyfunction]
#[pyo3(signature = (labels, connectivity=8, frames=1))]
#[allow(clippy::type_complexity)]
pub(crate) fn image_adjacency<'py>(
    labels: &Bound<'py, PyArray2<u32>>,
    connectivity: usize,
    frames: usize,
) -> PyResult<(Bound<'py, PyArray2<isize>>, Bound<'py, PyArray1<isize>>)> {
    let py = labels.py();
    let array = labels.try_readonly()?;
    let (rows, width) = array.as_array().dim();
    let labels = array.as_slice()?;
    // Regions have no colours here: one black sample a pixel.
    let black = vec![0_u8; labels.len()];
    let view = view(&black, [rows, width, 1], (false, frames))?;
    let found = Partition::new(&view, labels, ColorSpace::Raw, &Watch::default());
    let found = found
        .map_err(to_python)?
        .adjacency(neighbors(connectivity)?);
    let pairs = found.iter().flat_map(|(pair, _)| pair.map(|r| r as usize));
    let pairs = Array2::from_shape_vec((found.len(), 2), positions(pairs.collect()));
    let lengths = positions(found.iter().map(|(_, length)| *length).collect());
    Ok((
        pairs.map_err(shaped)?.into_pyarray(py),
        lengths.into_pyarray(py),
    ))
}

/// The gradient, confidence and weight maps of a picture.
#[pyfunction]
#[pyo3(signature = (image, radius, mixture, alpha, frames=1, threads=0, progress=None))]
pub(crate) fn image_edges<'py>(
    image: &Bound<'py, PyAny>,
    radius: usize,
    mixture: f64,
    alpha: bool,
    frames: usize,
    threads: usize,
    progress: Progress<'_, 'py>,
) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
    let weights = edge_weights((radius, mixture, 0.0));
    three_kinds!(image, edges(&weights, (alpha, frames), threads, progress))
}

fn edges<'py, T: Element + Sample>(
    image: &Bound<'py, PyArray3<T>>,
    weights: &EdgeWeights,
    kind: (bool, usize),
    threads: usize,
    progress: Progress<'_, 'py>,
) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
    let py = image.py();
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let maps = watched(py, threads, progress, |watch| weights.maps(&view, watch))?;
    [maps.gradient(), maps.confidence(), maps.weight()]
        .into_iter()
        .map(|map| {
            let map = Array2::from_shape_vec((shape[0], shape[1]), map.to_vec());
            Ok(map.map_err(shaped)?.into_pyarray(py))
        })
        .collect()
}

/// The tree of merges over the regions of a picture.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct ImageRegionTree {
    tree: RegionTree,
    plane: (usize, usize),
}

#[pymethods]
impl ImageRegionTree {
    #[new]
    #[pyo3(signature = (image, labels, cost, color, connectivity, alpha, frames=1, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn new(
        image: &Bound<'_, PyAny>,
        labels: PyReadonlyArray1<'_, u32>,
        cost: &str,
        color: Option<&str>,
        connectivity: usize,
        alpha: bool,
        frames: usize,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let cost: MergeCost = cost.parse().map_err(to_python)?;
        let mut merging = RegionMerging::new()
            .cost(cost)
            .connectivity(neighbors(connectivity)?);
        if let Some(color) = space(color)? {
            merging = merging.color(color);
        }
        let labels = labels.as_slice()?;
        three_kinds!(
            image,
            tree(merging, labels, (alpha, frames), threads, progress)
        )
    }

    /// The merged regions ``[merges, 2]``, the heights and the sizes.
    #[allow(clippy::type_complexity)]
    fn merges<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(
        Bound<'py, PyArray2<isize>>,
        Bound<'py, PyArray1<f64>>,
        Bound<'py, PyArray1<isize>>,
    )> {
        let merges = self.tree.merges();
        let pairs = positions(merges.iter().flat_map(|m| m.regions).collect());
        let pairs = Array2::from_shape_vec((merges.len(), 2), pairs).map_err(shaped)?;
        let heights: Vec<f64> = merges.iter().map(|m| m.height).collect();
        let sizes = positions(merges.iter().map(|m| m.size).collect());
        Ok((
            pairs.into_pyarray(py),
            heights.into_pyarray(py),
            sizes.into_pyarray(py),
        ))
    }

    /// The labels of pixels where so many regions are left.
    fn cut_regions<'py>(
        &self,
        py: Python<'py>,
        regions: usize,
    ) -> PyResult<Bound<'py, PyArray2<i32>>> {
        let labels = self.tree.cut_regions(regions).map_err(to_python)?;
        Ok(plane_of(&labels, self.plane)?.into_pyarray(py))
    }

    /// The labels of pixels after all merges up to a height.
    fn cut_height<'py>(&self, py: Python<'py>, height: f64) -> PyResult<Bound<'py, PyArray2<i32>>> {
        let labels = self.tree.cut_height(height).map_err(to_python)?;
        Ok(plane_of(&labels, self.plane)?.into_pyarray(py))
    }
}

fn tree<T: Element + Sample>(
    image: &Bound<'_, PyArray3<T>>,
    merging: RegionMerging,
    labels: &[u32],
    kind: (bool, usize),
    threads: usize,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<ImageRegionTree> {
    let shape = shape_of(image);
    let array = image.try_readonly()?;
    let view = view(array.as_slice()?, shape, kind)?;
    let tree = watched(image.py(), threads, progress, |watch| {
        merging.tree(&view, labels, watch)
    })?;
    Ok(ImageRegionTree {
        tree,
        plane: (shape[0], shape[1]),
    })
}
