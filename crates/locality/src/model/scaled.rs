//! Models over divided columns that Python's estimators keep as they are: local quantiles, modes, normal distributions and discriminant
//! analysis.

use serde_json::Value;

use super::ModelFile;
use super::file::rows;
use super::geographic::{Part, as_real};
use crate::local::{
    Discriminant, LiftedFit, LocalMode, LocalModeFit, LocalQuantile, LocalQuantileFit, Localized,
    Normal, divided,
};
use crate::{Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows, Watch};

/// A local model that Python wrote: it is read and predicts here, and is made there.
#[derive(Clone, Debug)]
pub struct ScaledModel {
    inner: Inner,
    kernel: Kernel,
    neighborhood: Neighborhood,
    scales: Vec<f64>,
    /// The samples over their scales, `[n, d]`.
    samples: Vec<f64>,
    weights: Option<Vec<f64>>,
}

#[derive(Clone, Debug)]
enum Inner {
    Quantile(Box<LocalQuantileFit>, usize),
    Mode(LocalModeFit),
    /// Of responses about their mean.
    Normal(LiftedFit<Normal>, f64),
    Discriminant(LiftedFit<Discriminant>),
}

/// What a [`ScaledModel`] says at `m` targets.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledValues {
    /// Numbers, or probabilities of classes, `[m, columns]`.
    pub values: Vec<f64>,
    /// How many at each target.
    pub columns: usize,
    /// Whether they are probabilities.
    pub is_shares: bool,
    /// At how many targets evidence is too thin for all of the model.
    pub thin: usize,
}

impl ScaledModel {
    /// What such models are called in files.
    pub const KINDS: [&'static str; 4] = [
        "local_quantile",
        "local_mode",
        "local_gaussian",
        "local_discriminant",
    ];

    /// The model of a file.
    ///
    /// # Errors
    /// A file of another kind of model; parameters and arrays that are missing or do not fit together; an interruption.
    pub fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        let (given, found) = (Part::of(file, "given")?, Part::of(file, "found")?);
        let kernel: Kernel = found.text("kernel_")?.parse()?;
        let neighborhood: Neighborhood = found.text("neighborhood_")?.parse()?;
        let scales: Vec<f64> = file.list("scales")?;
        let (x, d) = file.matrix::<f64>("samples")?;
        if scales.len() != d || !scales.iter().all(|s| *s > 0.0 && s.is_finite()) {
            return Err(Error::parse(format!(
                "the file's scales must be {d} positive numbers, one for each column; it is damaged, or of another program"
            )));
        }
        let samples = divided(rows(&x, d)?, &scales)?;
        let weights: Option<Vec<f64>> = file.optional("weights")?;
        let table = (rows(&samples, d)?, weights.as_deref());
        let inner = match file.kind() {
            "local_quantile" => {
                let levels = given.get("quantile", "a number or numbers", |v| match v {
                    Value::Array(all) => all.iter().map(as_real).collect(),
                    v => Some(vec![as_real(v)?]),
                })?;
                let columns = found.get("columns_", "whole numbers or null", |v| match v {
                    Value::Array(all) => {
                        let one = |v: &Value| usize::try_from(v.as_u64()?).ok();
                        all.iter().map(one).collect::<Option<Vec<_>>>().map(Some)
                    }
                    Value::Null => Some(None),
                    _ => None,
                })?;
                let count = levels.len();
                let mut model = LocalQuantile::new(kernel.clone())
                    .levels(levels)
                    .degree(given.count("degree")?)
                    .guard(given.flag("guard")?)
                    .neighborhood(neighborhood.clone());
                if let Some(columns) = columns {
                    model = model.on(columns);
                }
                let y: Vec<f64> = file.list("responses")?;
                let fit = model.fit(table.0, Rows::column(&y), table.1, watch)?;
                Inner::Quantile(Box::new(fit), count)
            }
            "local_mode" => {
                let y: Vec<f64> = file.list("responses")?;
                let model = LocalMode::new(kernel.clone())
                    .neighborhood(neighborhood.clone())
                    .response_bandwidth(found.real("response_bandwidth_")?);
                Inner::Mode(model.fit(table.0, Rows::column(&y), table.1, watch)?)
            }
            "local_gaussian" => {
                let mut y: Vec<f64> = file.list("responses")?;
                let weight = |i: usize| weights.as_ref().map_or(1.0, |w| w[i]);
                if weights.as_ref().is_some_and(|w| w.len() != y.len()) {
                    return Err(Error::parse(
                        "the file's weights do not fit its samples; it is damaged, or of another program",
                    ));
                }
                let total: f64 = (0..y.len()).map(weight).sum();
                let sum: f64 = y.iter().enumerate().map(|(i, y)| weight(i) * y).sum();
                let mean = sum / total;
                for y in &mut y {
                    *y -= mean;
                }
                let model =
                    Localized::new(Normal, kernel.clone()).neighborhood(neighborhood.clone());
                let fit = model.fit_lifted(table.0, Rows::column(&y), table.1, watch)?;
                Inner::Normal(fit, mean)
            }
            "local_discriminant" => {
                let codes = file.places("responses")?;
                let known = file.about().classes.len();
                let k = codes.iter().max().map_or(0, |c| c + 1).max(known).max(2);
                if k > codes.len().max(2) {
                    return Err(Error::parse(
                        "the file's classes do not fit its samples; it is damaged, or of another program",
                    ));
                }
                let one_hot = |c: &usize| {
                    let own = *c;
                    (0..k).map(move |j| f64::from(u8::from(j == own)))
                };
                let y: Vec<f64> = codes.iter().flat_map(one_hot).collect();
                let method = given.text("method")?.parse()?;
                let model = Discriminant::new(method, given.real("shrinkage")?)?;
                let model =
                    Localized::new(model, kernel.clone()).neighborhood(neighborhood.clone());
                let y = Rows::new(&y, codes.len(), k)?;
                Inner::Discriminant(model.fit_lifted(table.0, y, table.1, watch)?)
            }
            other => {
                return Err(Error::unsupported(format!(
                    "a model of the kind {other} is none of {}",
                    Self::KINDS.join(", ")
                )));
            }
        };
        Ok(Self {
            inner,
            kernel,
            neighborhood,
            scales,
            samples,
            weights,
        })
    }

    /// The kernel in force, over columns divided by [`scales`](Self::scales).
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// What each column is divided by, `[d]`.
    pub fn scales(&self) -> &[f64] {
        &self.scales
    }

    /// What it is, in words.
    pub fn title(&self) -> &'static str {
        match self.inner {
            Inner::Quantile(..) => "local quantiles",
            Inner::Mode(_) => "local mode",
            Inner::Normal(..) => "local normal distribution",
            Inner::Discriminant(_) => "local discriminant analysis",
        }
    }

    /// Number of classes that probabilities are of, 0 for numbers.
    pub fn n_classes(&self) -> usize {
        match &self.inner {
            Inner::Discriminant(fit) => fit.outputs(),
            _ => 0,
        }
    }

    /// The quantiles, the most likely response, the mean or the probabilities of classes at targets `[m, d]`.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, or an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<ScaledValues> {
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        let (mut columns, mut thin) = (1, 0);
        let values = match &self.inner {
            Inner::Quantile(fit, levels) => {
                let (values, few) = fit.at_guarded(rows, watch)?;
                (columns, thin) = (*levels, few.iter().filter(|t| **t).count());
                values
            }
            Inner::Mode(fit) => {
                let found = fit.at(rows, watch)?;
                let first = |modes: &Vec<crate::local::Mode>| modes[0].response;
                found.iter().map(first).collect()
            }
            Inner::Normal(fit, center) => {
                let found = fit.at(rows, watch)?;
                let means = found.iter().step_by(fit.outputs());
                means.map(|m| m + center).collect()
            }
            Inner::Discriminant(fit) => {
                columns = fit.outputs();
                fit.at(rows, watch)?
            }
        };
        Ok(ScaledValues {
            values,
            columns,
            is_shares: self.n_classes() > 0,
            thin,
        })
    }

    /// The local means under the same kernel, of no responses, over the divided columns.
    ///
    /// # Errors
    /// An interruption.
    pub fn local_means(&self, watch: &Watch<'_>) -> Result<LocalMeanFit<f64>> {
        let d = self.scales.len();
        let n = self.samples.len() / d.max(1);
        LocalMean::new(self.kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .on_empty(OnEmpty::Nearest)
            .fit_watched(
                rows(&self.samples, d)?,
                Rows::new(&vec![0.0; n], n, 1)?,
                self.weights.as_deref(),
                watch,
            )
    }

    /// Targets `[m, d]` over the divided columns.
    ///
    /// # Errors
    /// Another number of columns.
    pub fn divide(&self, targets: Rows<'_, f64>) -> Result<Vec<f64>> {
        divided(targets, &self.scales)
    }
}

#[cfg(test)]
mod tests {
    use super::ScaledModel;
    use crate::local::{LocalMode, LocalQuantile};
    use crate::model::{Array, ModelFile, Parameters};
    use crate::{LocalMean, Rows, Watch};

    const SCALES: [f64; 2] = [0.5, 4.0];

    fn file(kind: &str, given: &str, found: &str, y: Array) -> ModelFile {
        let all = format!(
            r#"{{"given": {{{given}}}, "found": {{"kernel_": "gaussian(h=0.7)", "neighborhood_": "all"{found}}}}}"#
        );
        let x: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17) / 3.0).collect();
        ModelFile::new(kind, Parameters::from_json(&all).unwrap())
            .with("samples", Array::matrix(&x, 2))
            .with("scales", Array::list(&SCALES))
            .with("responses", y)
    }

    fn responses() -> Vec<f64> {
        (0..20).map(|i| f64::from(i % 7) + 10.0).collect()
    }

    /// The samples and two targets over their scales.
    fn divided(file: &ModelFile) -> (Vec<f64>, Vec<f64>) {
        let (x, _) = file.matrix::<f64>("samples").unwrap();
        let own = |x: &[f64]| super::divided(super::rows(x, 2).unwrap(), &SCALES).unwrap();
        (own(&x), own(&AT))
    }

    const AT: [f64; 4] = [1.0, 2.0, 3.0, 0.5];

    fn at(file: &ModelFile) -> super::ScaledValues {
        let model = ScaledModel::unpack(file, &Watch::default()).unwrap();
        model
            .at(Rows::new(&AT, 2, 2).unwrap(), &Watch::default())
            .unwrap()
    }

    #[test]
    fn models_of_python_predict_as_they_were_made() {
        let (watch, y) = (Watch::default(), responses());
        let kernel: crate::Kernel = "gaussian(h=0.7)".parse().unwrap();
        let given = r#""quantile": [0.2, 0.5], "degree": 1, "guard": true"#;
        let kept = file(
            "local_quantile",
            given,
            r#", "columns_": [1]"#,
            Array::list(&y),
        );
        let (x, t) = divided(&kept);
        let (x, t) = (Rows::new(&x, 20, 2).unwrap(), Rows::new(&t, 2, 2).unwrap());
        let own = LocalQuantile::new(kernel.clone()).levels([0.2, 0.5]);
        let own = own.degree(1).on([1]).fit(x, Rows::column(&y), None, &watch);
        let found = at(&kept);
        assert_eq!(found.values, own.unwrap().at(t, &watch).unwrap());
        assert!(found.columns == 2 && !found.is_shares);

        let kept = file(
            "local_mode",
            "",
            r#", "response_bandwidth_": 0.4"#,
            Array::list(&y),
        );
        let own = LocalMode::new(kernel.clone()).response_bandwidth(0.4);
        let own = own.fit(x, Rows::column(&y), None, &watch).unwrap();
        let own = own.at(t, &watch).unwrap();
        assert_eq!(at(&kept).values, [own[0][0].response, own[1][0].response]);

        let kept = file("local_gaussian", "", "", Array::list(&y));
        let own = LocalMean::new(kernel).fit(x, Rows::column(&y)).unwrap();
        let own = own.at(t, &watch).unwrap().means;
        for (a, b) in at(&kept).values.iter().zip(own) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }

        let codes: Vec<usize> = (0..20).map(|i| i / 2 % 3).collect();
        let given = r#""method": "qda", "shrinkage": 0.1"#;
        let found = at(&file(
            "local_discriminant",
            given,
            "",
            Array::places(&codes),
        ));
        assert!(found.is_shares && found.columns == 3);
        for shares in found.values.chunks_exact(3) {
            assert!(
                (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12,
                "{shares:?}"
            );
        }
    }

    #[test]
    fn damaged_files_are_told() {
        let unpack = |file: &ModelFile| {
            let found = ScaledModel::unpack(file, &Watch::default());
            found.unwrap_err().to_string()
        };
        let y = Array::list(&responses());
        let given = r#""quantile": "half", "degree": 0, "guard": true"#;
        let text = unpack(&file(
            "local_quantile",
            given,
            r#", "columns_": null"#,
            y.clone(),
        ));
        assert!(text.contains("'quantile'"), "{text}");
        let text = unpack(&file("local_mode", "", "", y.clone()));
        assert!(text.contains("'response_bandwidth_'"), "{text}");
        let odd = file("local_gaussian", "", "", y.clone()).with("scales", Array::list(&[1.0]));
        assert!(unpack(&odd).contains("scales"));
        assert!(unpack(&file("local_rose", "", "", y)).contains("local_rose"));
    }
}
