//! Charts as SVG or PNG, by the file's ending.

#[cfg(feature = "learn")]
mod attention;
mod axes;
mod cloud;
mod clusters;
mod font;
mod fuzzy;
mod heat;
mod kernels;
mod levels;
mod lines;
mod map;
mod quality;
mod raster;
mod regions;
mod scene;
mod svg;

use std::path::{Path, PathBuf};

use locality::Rows;

use crate::error::{Error, Result};
use crate::output;

#[cfg(feature = "learn")]
pub(crate) use attention::{Panel, draw as draw_attention};
pub(crate) use cloud::draw as draw_cloud;
pub(crate) use clusters::draw as draw_clusters;
pub(crate) use fuzzy::{Surface, draw as draw_fuzzy};
pub(crate) use heat::draw as draw_heat;
pub(crate) use kernels::sheet as draw_kernels;
pub(crate) use lines::{Curve, draw as draw_lines};
pub(crate) use map::{Map, draw as draw_map};
pub(crate) use quality::{
    band as draw_band, calibration as draw_calibration, residuals as draw_residuals,
};
pub(crate) use regions::{cells, draw as draw_regions, plane};
pub(crate) use scene::Scene;
pub(crate) use svg::escape;

/// Refuses, before long work, a path that is neither PNG nor SVG.
pub(crate) fn check(flag: &str, path: &Path) -> Result<()> {
    is_vector(path).map(drop).map_err(|_| {
        Error::usage(format!(
            "{flag} {} must end in .png or .svg",
            path.display()
        ))
    })
}

/// Draws a clustered table: a histogram of one column, a scatter plot of two, a scatter plot of each pair of up to five. `rows` is
/// `[n, d]` under `columns` (d names), `labels` has n entries of which those below 0 are in no cluster, `centers` is `[k, d]`.
/// Returns the bytes of the file at `path`.
pub(crate) fn clusters(
    columns: &[String],
    rows: Rows<'_, f64>,
    labels: &[i64],
    centers: Option<Rows<'_, f64>>,
    path: &Path,
) -> Result<Vec<u8>> {
    encode(&draw_clusters(columns, rows, labels, centers)?, path)
}

/// Draws each kernel of the core's list into a file of its name, and all of them into `kernels.png`; returns the files. The
/// folder is made if need be.
pub(crate) fn kernels(dir: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir)
        .map_err(|e| Error::data(format!("cannot make the folder {}: {e}", dir.display())))?;
    let mut files = output::Outputs::default();
    let mut names = Vec::new();
    for (name, scene) in kernels::all()? {
        let path = dir.join(format!("{name}.png"));
        files.add(&path, &encode(&scene, &path)?)?;
        names.push(path);
    }
    files.commit()?;
    Ok(names)
}

/// The bytes of a drawing's file.
pub(crate) fn encode(scene: &Scene, path: &Path) -> Result<Vec<u8>> {
    if is_vector(path)? {
        return Ok(svg::encode(scene).into_bytes());
    }
    png(scene)
}

/// A drawing as PNG.
pub(crate) fn png(scene: &Scene) -> Result<Vec<u8>> {
    raster::encode(scene).ok_or_else(|| Error::data("a chart could not be encoded as PNG"))
}

fn is_vector(path: &Path) -> Result<bool> {
    if output::is_standard(path) {
        return Ok(false);
    }
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("svg") => Ok(true),
        Some("png") => Ok(false),
        _ => Err(Error::usage(format!(
            "the chart {} must end in .png or .svg",
            path.display()
        ))),
    }
}
