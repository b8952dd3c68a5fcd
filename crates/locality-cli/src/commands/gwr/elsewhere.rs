//! Predictions of `locality gwr` at the places of another table.

use std::path::Path;

use locality::{Rows, Watch};

use super::super::{pick, refuse_taken};
use super::{Args, Fit, Given, standardize};
use crate::error::Result;
use crate::table::{Column, Table};

/// Other places, and what is known there.
pub(super) struct Places {
    pub(super) table: Table,
    pub(super) x: Vec<f64>,
    pub(super) coords: Vec<f64>,
    pub(super) dims: usize,
    pub(super) exposure: Option<Vec<f64>>,
}

impl Places {
    /// The columns that the fit used, by their names.
    pub(super) fn read(path: &Path, args: &Args, given: &Given) -> Result<Self> {
        let table = Table::read(path, &args.options)?;
        let features = table.find(&given.names[1..], "--features")?;
        let mut x = table.numbers(&features, "--features")?;
        if let Some(scales) = &given.scales {
            standardize(&mut x, scales);
        }
        let at = table.find(&args.at, "--at")?;
        let coords = table.numbers(&at, "--at")?;
        let exposure = match &args.exposure {
            None => None,
            Some(name) => {
                let column = table.find(std::slice::from_ref(name), "--exposure")?;
                Some(table.numbers(&column, "--exposure")?)
            }
        };
        Ok(Self {
            table,
            x,
            coords,
            dims: 2,
            exposure,
        })
    }

    /// The table's new columns: coefficients, their standard errors, predictions and the standard errors of the linear predictor. Models of
    /// several bandwidths have no errors at new places.
    pub(super) fn columns(
        &self,
        names: &[String],
        fit: &Fit,
        watch: &Watch<'_>,
    ) -> Result<Vec<(String, Column)>> {
        let (m, q) = (self.table.rows(), names.len());
        let x = Rows::new(&self.x, m, fit.names().len())?;
        let coords = Rows::new(&self.coords, m, self.dims)?;
        let exposure = self.exposure.as_deref();
        let mut out = Vec::new();
        let mut put = |name: String, column: Vec<f64>| out.push((name, Column::Real(column)));
        let mut each = |what: &str, data: &[f64]| {
            for (j, name) in names.iter().enumerate() {
                put(format!("{what}_{name}"), pick(data, q, j));
            }
        };
        match fit {
            Fit::One(fit) => {
                let at = fit.at(x, coords, exposure, watch)?;
                each("beta", &at.coefficients);
                each("se", &at.standard_errors);
                put("predicted".to_owned(), at.values);
                put("se_predictor".to_owned(), at.linear_errors);
            }
            Fit::Each(fit) => {
                let (betas, means) = fit.at(x, coords, exposure, watch)?;
                each("beta", &betas);
                put("predicted".to_owned(), means);
            }
        }
        refuse_taken(&self.table, &out)?;
        Ok(out)
    }
}
