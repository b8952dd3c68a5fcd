//! The map of `locality gwr`.

use locality::{Metric, Nearest, Rows, Watch};

use super::{Args, Fit, Given, TOLD};
use crate::error::Result;
use crate::plot;

/// A coefficient over the plane.
pub(super) fn map(
    args: &Args,
    given: &Given,
    fit: &Fit,
    of: usize,
    watch: &Watch<'_>,
) -> Result<plot::Scene> {
    let q = given.names.len();
    let points: Vec<[f64; 2]> = given.coords.as_chunks::<2>().0.to_vec();
    let axes = [args.at[0].as_str(), args.at[1].as_str()];
    let plane = plot::plane(&points, axes)?;
    let cells = plot::cells(plane);
    let surface = fit.at(&cells, given.features(), watch)?;
    let far = far(&given.coords, &cells)?;
    let shown: Vec<f64> = surface
        .chunks(q)
        .zip(&far)
        .map(|(b, far)| if *far { f64::NAN } else { b[of] })
        .collect();
    let (coefficients, errors) = (fit.coefficients(), fit.errors());
    let places: Vec<([f64; 2], f64, bool)> = points
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let b = coefficients[i * q + of];
            (*p, b, b.abs() > TOLD * errors[i * q + of])
        })
        .collect();
    Ok(plot::draw_map(&plot::Map {
        title: &format!("Coefficient of {}", given.names[of]),
        axes,
        plane,
        cells: &shown,
        places: &places,
        what: &format!("{} for each unit", args.target),
    }))
}

/// Which cells are farther from every row than rows commonly are from one another: nothing is known there.
fn far(coords: &[f64], cells: &[f64]) -> Result<Vec<bool>> {
    let (n, watch) = (coords.len() / 2, Watch::default());
    let search = Nearest::fit(Rows::new(coords, n, 2)?, &Metric::Euclidean)?;
    let k = n.min(4);
    let own = search.k_nearest(Rows::new(coords, n, 2)?, k, &watch)?;
    let mut gaps: Vec<f64> = own.distances.chunks(k).map(|d| d[k - 1]).collect();
    gaps.sort_by(f64::total_cmp);
    let limit = gaps[(n * 9 / 10).min(n - 1)];
    let near = search.k_nearest(Rows::new(cells, cells.len() / 2, 2)?, 1, &watch)?;
    Ok(near.distances.iter().map(|d| *d > limit).collect())
}
