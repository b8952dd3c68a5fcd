//! Geographic models in files.

use std::path::Path;
use std::time::Instant;

use locality::Watch;
use locality::gwr::{GwrFit, MgwrFit};
use locality::model::{About, Feature, ModelFile, Persist};
use serde_json::{Value, json};

use super::super::{count, predict};
use super::elsewhere::Places;
use super::{Args, Fit, Given};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Format, Table};

/// Whether an output is to be a model.
pub(super) fn is_model(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("loc"))
}

/// Whether a file holds a geographic model.
pub(crate) fn is_kept(file: &ModelFile) -> bool {
    [GwrFit::KIND, MgwrFit::KIND].contains(&file.kind())
}

/// The file of a model.
pub(super) fn bytes(args: &Args, given: &Given, fit: &Fit) -> Result<Vec<u8>> {
    let feature = |name: &String| Feature {
        name: name.clone(),
        levels: None,
    };
    let about = About {
        features: given.names[1..].iter().map(feature).collect(),
        target: Some(args.target.clone()),
        places: args.at.clone(),
        exposure: args.exposure.clone(),
        ..About::default()
    };
    let file = match fit {
        Fit::One(fit) => fit.pack(),
        Fit::Each(fit) => fit.pack(),
    };
    Ok(file?.with_about(about).to_bytes()?)
}

impl Fit {
    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> locality::Result<Self> {
        Ok(if file.kind() == GwrFit::KIND {
            Self::One(Box::new(Persist::unpack(file, watch)?))
        } else {
            Self::Each(Box::new(Persist::unpack(file, watch)?))
        })
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::One(fit) => fit.names(),
            Self::Each(fit) => fit.names(),
        }
    }

    /// Names of the coefficients, the constant's first if there is one.
    fn coefficient_names(&self) -> Vec<String> {
        let q = match self {
            Self::One(fit) => fit.coefficients().len() / fit.fitted().len(),
            Self::Each(fit) => fit.bandwidths().len(),
        };
        let constant = (q > self.names().len()).then(|| "constant".to_owned());
        constant
            .into_iter()
            .chain(self.names().iter().cloned())
            .collect()
    }

    fn title(&self) -> &'static str {
        match self {
            Self::One(_) => "geographically weighted regression",
            Self::Each(_) => "multiscale geographically weighted regression",
        }
    }
}

fn load(path: &Path, file: &ModelFile, context: &Context) -> Result<Fit> {
    let fit = context.watched("load", |watch| Fit::unpack(file, watch));
    fit.map_err(|e| predict::failed(path, e))
}

/// The columns of a table that a model predicts by.
fn places(args: &predict::Args, about: &About, fit: &Fit, dims: usize) -> Result<Places> {
    let table = Table::read(&args.table, &args.options)?;
    let named = |given: &[String], known: &[String], flag: &str| -> Result<Vec<usize>> {
        if given.is_empty() && known.is_empty() {
            return Err(Error::usage(format!(
                "{} does not say which columns the places are; name them by {flag}, such as {flag} lon,lat",
                args.model.display()
            )));
        }
        table.find(if given.is_empty() { known } else { given }, flag)
    };
    let at = named(&args.at, &about.places, "--at")?;
    if at.len() != dims {
        return Err(Error::usage(format!(
            "--at names {}, but the model's places have {dims}; name those",
            count(at.len(), "column")
        )));
    }
    let exposure = args.exposure.as_ref().or(about.exposure.as_ref());
    let exposure = exposure
        .map(|name| table.find(std::slice::from_ref(name), "--exposure"))
        .transpose()?;
    let features = if about.features.is_empty() {
        let taken = |c: &usize| at.contains(c) || exposure.as_ref().is_some_and(|e| e.contains(c));
        let rest: Vec<usize> = (0..table.names().len()).filter(|c| !taken(c)).collect();
        if rest.len() != fit.names().len() {
            return Err(Error::data(format!(
                "{} has {} beside the places and no names to go by, but the model was made of {}; give it those, in the model's order",
                table.origin(),
                count(rest.len(), "column"),
                fit.names().len()
            )));
        }
        rest
    } else {
        table.find(fit.names(), "the model")?
    };
    let x = table.numbers(&features, "--features")?;
    let coords = table.numbers(&at, "--at")?;
    let exposure = exposure
        .map(|e| table.numbers(&e, "--exposure"))
        .transpose()?;
    Ok(Places {
        table,
        x,
        coords,
        dims,
        exposure,
    })
}

/// `locality predict` of such a model.
pub(crate) fn predict(args: &predict::Args, file: &ModelFile, context: &Context) -> Result<()> {
    for (flag, given) in [
        ("--interval", args.interval.is_some()),
        ("--explain", args.explain.is_some()),
    ] {
        if given {
            return Err(Error::usage(format!(
                "{flag} is not for geographic models, which give coefficients and their standard errors; leave it out"
            )));
        }
    }
    let format = Format::of(&args.output, args.options.delimiter())?;
    let start = Instant::now();
    let about = file.about();
    let fit = load(&args.model, file, context)?;
    let dims = file.arrays().get("coords_fit").map_or(0, |a| a.shape()[1]);
    let places = places(args, about, &fit, dims)?;
    let names = fit.coefficient_names();
    let mut columns = context.watched("predicting", |watch| places.columns(&names, &fit, watch))?;
    if let Some(target) = &about.target
        && let Some((name, _)) = columns.iter_mut().find(|(name, _)| name == "predicted")
    {
        *name = format!("{target}_predicted");
        super::refuse_taken(&places.table, &columns)?;
    }
    output::write(&args.output, &places.table.encode(&columns, format)?)?;
    let seconds = start.elapsed().as_secs_f64();
    let written: Vec<&String> = columns.iter().map(|(name, _)| name).collect();
    let rows = places.table.rows();
    let object = json!({
        "command": "predict",
        "model": fit.title(),
        "rows": rows,
        "written": written,
        "output": args.output.display().to_string(),
        "seconds": seconds,
    });
    let words = format!(
        "{} by {}: {seconds:.3} s\n",
        count(rows, "row"),
        fit.title()
    );
    context.summary(&words, &object, is_standard(&args.output))
}

/// What `locality inspect` says of one.
pub(crate) fn lines(
    path: &Path,
    file: &ModelFile,
    context: &Context,
) -> Result<Vec<(&'static str, Value)>> {
    let fit = load(path, file, context)?;
    let (about, summary) = (file.about(), fit.summary());
    let mut out = vec![("kind", json!(file.kind())), ("model", json!(fit.title()))];
    if let Some(target) = &about.target {
        out.push(("target", json!(target)));
    }
    out.push(("rows", json!(fit.fitted().len())));
    out.push(("coefficients", json!(fit.coefficient_names())));
    if !about.places.is_empty() {
        out.push(("places", json!(about.places)));
    }
    if let Some(exposure) = &about.exposure {
        out.push(("exposure", json!(exposure)));
    }
    let bandwidths: Vec<Value> = fit.bandwidths().iter().map(|b| json!(b)).collect();
    out.push(("bandwidths", json!(bandwidths)));
    out.push(("aicc", json!(summary.aicc)));
    out.push(("r2", json!(summary.r2)));
    Ok(out)
}
