//! Geographically weighted regression.

use serde_json::{Map, Value, json};

use super::file::rows;
use super::{Array, ModelFile, Parameters, Persist};
use crate::gwr::{
    Criterion, Given, Gwr, GwrFit, Limits, Mgwr, MgwrFit, Past, Search, Summary, profile_named,
};
use crate::{Error, Result, Rows, Watch};

impl Persist for GwrFit {
    const KIND: &'static str = "gwr";

    fn pack(&self) -> Result<ModelFile> {
        let mut given = base(&self.parameters)?;
        given.insert("bandwidth".to_owned(), width(self.parameters.bandwidth));
        let interval = match self.parameters.search {
            Search::Golden => Value::Null,
            Search::Interval(step) => real(step),
        };
        given.insert("interval".to_owned(), interval);
        let mut found = figures(self.summary());
        found.insert("tr_STS_".to_owned(), real(self.summary().tr_sts));
        found.insert("bandwidth_".to_owned(), real(self.bandwidth()));
        let tried = self.tried.iter().map(|(b, s)| json!([real(*b), real(*s)]));
        found.insert("search_history_".to_owned(), tried.collect());
        let surfaces = Surfaces {
            given: &self.given,
            intercept: self.parameters.intercept,
            coefficients: self.coefficients(),
            errors: self.standard_errors(),
            fitted: self.fitted(),
            leverage: self.leverage(),
        };
        let thin: Vec<usize> = self.thin().iter().map(|t| usize::from(*t)).collect();
        Ok(surfaces
            .pack(Self::KIND, given, found)
            .with("local_r2", Array::list(self.local_r2()))
            .with("thin", Array::places(&thin)))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let (given, found) = (Part::of(file, "given")?, Part::of(file, "found")?);
        let table = Kept::read(file)?;
        let mut asked = given.base()?.bandwidth(given.width("bandwidth")?);
        if let Some(step) = given.maybe("interval")? {
            asked = asked.search(Search::Interval(step));
        }
        let model = asked.clone().bandwidth(found.real("bandwidth_")?);
        let (x, coords) = table.rows()?;
        let exposure = table.exposure.as_deref();
        let fit = model.fit(x, &table.y, coords, exposure, watch)?;
        let mut fit = fit.named(&found.names(asked.intercept)?)?;
        fit.parameters = asked;
        fit.tried = found.pairs("search_history_")?;
        Ok(fit)
    }
}

impl Persist for MgwrFit {
    const KIND: &'static str = "mgwr";

    fn pack(&self) -> Result<ModelFile> {
        let own = &self.parameters;
        let mut given = base(&own.base)?;
        let bandwidths = match &own.bandwidths {
            None => json!("auto"),
            Some(all) => all.iter().map(|b| real(*b)).collect(),
        };
        for (name, value) in [
            ("bandwidths", bandwidths),
            ("initial_bandwidth", width(own.base.bandwidth)),
            ("tol", real(own.tolerance)),
            ("max_iter", json!(own.rounds)),
            ("rest", json!(own.rest)),
            ("inference", json!(own.inference)),
        ] {
            given.insert(name.to_owned(), value);
        }
        if let Some(all) = &own.ranges {
            given.insert("bandwidth_ranges".to_owned(), ranges(all));
        }
        let mut found = figures(self.summary());
        for (name, value) in [
            ("initial_bandwidth_", real(self.first_bandwidth())),
            ("n_iter_", json!(self.changes().len())),
            ("converged_", json!(self.converged())),
        ] {
            found.insert(name.to_owned(), value);
        }
        let surfaces = Surfaces {
            given: &self.given,
            intercept: own.base.intercept,
            coefficients: self.coefficients(),
            errors: self.standard_errors(),
            fitted: self.fitted(),
            leverage: self.leverage(),
        };
        let history = Array::matrix(&self.history().concat(), self.bandwidths().len());
        Ok(surfaces
            .pack(Self::KIND, given, found)
            .with("bandwidths", Array::list(self.bandwidths()))
            .with("bandwidth_history", history)
            .with("changes", Array::list(self.changes()))
            .with("enp", Array::list(self.parameters_by_column())))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let (given, found) = (Part::of(file, "given")?, Part::of(file, "found")?);
        let table = Kept::read(file)?;
        let base = given.base()?;
        let asked = Mgwr {
            bandwidths: given.widths("bandwidths")?,
            tolerance: given.real("tol")?,
            rounds: given.count("max_iter")?,
            rest: given.count("rest")?,
            inference: given.flag("inference")?,
            ranges: given.ranges("bandwidth_ranges")?,
            base: base.clone().bandwidth(given.width("initial_bandwidth")?),
        };
        let first = found.real("initial_bandwidth_")?;
        let model = Mgwr {
            base: base.bandwidth(first),
            ..asked.clone()
        };
        let (history, q) = file.matrix("bandwidth_history")?;
        let (errors, _) = file.matrix("standard_errors")?;
        let past = Past {
            history: history.chunks(q.max(1)).map(<[f64]>::to_vec).collect(),
            errors,
            leverage: file.list("leverage")?,
            traces: file.list("enp")?,
        };
        let (x, coords) = table.rows()?;
        let places = (coords, table.exposure.as_deref());
        let fit = model.run(x, &table.y, places, Some(past), watch)?;
        let mut fit = fit.named(&found.names(asked.base.intercept)?)?;
        fit.parameters = asked;
        Ok(fit)
    }
}

/// A number; what is not finite has a word.
fn real(x: f64) -> Value {
    if x.is_finite() {
        return json!(x);
    }
    let word = if x.is_nan() {
        "nan"
    } else if x > 0.0 {
        "inf"
    } else {
        "-inf"
    };
    json!({ "number": word })
}

fn width(bandwidth: Option<f64>) -> Value {
    bandwidth.map_or_else(|| json!("auto"), real)
}

fn ranges(all: &[Limits]) -> Value {
    let one = |b: Option<f64>| b.map_or(Value::Null, real);
    all.iter().map(|r| json!([one(r.0), one(r.1)])).collect()
}

/// The parameters that models of one and of several bandwidths share.
fn base(model: &Gwr) -> Result<Map<String, Value>> {
    let name = match model.fall.profile.info().name {
        // As this field calls it.
        "biweight" => "bisquare",
        name => name,
    };
    if profile_named(name).ok() != Some(model.fall.profile) {
        return Err(Error::unsupported(format!(
            "the kernel {name} has parameters of its own, so that it cannot be kept in a file; take those it has by default"
        )));
    }
    let range = match (model.low, model.high) {
        (None, None) => Value::Null,
        (low, high) => [low, high].map(|b| b.map_or(Value::Null, real)).into(),
    };
    let all = [
        ("kernel", json!(name)),
        ("adaptive", json!(model.fall.adaptive)),
        ("family", json!(model.family.name())),
        ("metric", json!(model.distance.name())),
        ("fit_intercept", json!(model.intercept)),
        (
            "criterion",
            json!(model.criterion.to_string().to_lowercase()),
        ),
        ("bandwidth_range", range),
    ];
    Ok(all.map(|(k, v)| (k.to_owned(), v)).into_iter().collect())
}

fn figures(s: &Summary) -> Map<String, Value> {
    let all = [
        ("rss_", s.rss),
        ("sigma2_", s.sigma2),
        ("scale_", s.scale),
        ("deviance_", s.deviance),
        ("null_deviance_", s.null_deviance),
        ("r2_", s.r2),
        ("adj_r2_", s.adj_r2),
        ("aic_", s.aic),
        ("aicc_", s.aicc),
        ("bic_", s.bic),
        ("cv_", s.cv),
        ("tr_S_", s.tr_s),
    ];
    all.map(|(k, v)| (k.to_owned(), real(v)))
        .into_iter()
        .collect()
}

/// What models of one and of several bandwidths have found.
struct Surfaces<'a> {
    given: &'a Given,
    intercept: bool,
    coefficients: &'a [f64],
    errors: &'a [f64],
    fitted: &'a [f64],
    leverage: &'a [f64],
}

impl Surfaces<'_> {
    fn pack(
        &self,
        kind: &str,
        given: Map<String, Value>,
        mut found: Map<String, Value>,
    ) -> ModelFile {
        let own = self.given;
        let constant = self.intercept.then_some("intercept");
        let names = constant.into_iter().chain(own.names.iter().map(|n| &**n));
        found.insert("param_names_".to_owned(), names.collect());
        let q = own.names.len() + usize::from(self.intercept);
        let mut p = Parameters::default();
        p.put("given", given);
        p.put("found", found);
        ModelFile::new(kind, p)
            .with("samples", Array::matrix(&own.x, own.names.len()))
            .with("responses", Array::list(&own.y))
            .with("coords_fit", Array::matrix(&own.coords, own.dims))
            .with_some("exposure_fit", own.exposure.as_deref())
            .with("params", Array::matrix(self.coefficients, q))
            .with("standard_errors", Array::matrix(self.errors, q))
            .with("fitted_values", Array::list(self.fitted))
            .with("leverage", Array::list(self.leverage))
    }
}

/// The table of a file.
struct Kept {
    x: Vec<f64>,
    d: usize,
    y: Vec<f64>,
    coords: Vec<f64>,
    dims: usize,
    exposure: Option<Vec<f64>>,
}

impl Kept {
    fn read(file: &ModelFile) -> Result<Self> {
        let (x, d) = file.matrix("samples")?;
        let (coords, dims) = file.matrix("coords_fit")?;
        Ok(Self {
            x,
            d,
            y: file.list("responses")?,
            coords,
            dims,
            exposure: file.optional("exposure_fit")?,
        })
    }

    fn rows(&self) -> Result<(Rows<'_, f64>, Rows<'_, f64>)> {
        let x = match self.d {
            // A model of the constant alone.
            0 => Rows::new(&self.x, self.y.len(), 0)?,
            d => rows(&self.x, d)?,
        };
        Ok((x, rows(&self.coords, self.dims)?))
    }
}

/// What was asked for, or what was found.
pub(super) struct Part<'a> {
    what: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Part<'a> {
    pub(super) fn of(file: &'a ModelFile, what: &'a str) -> Result<Self> {
        match file.parameters().0.get(what) {
            Some(Value::Object(map)) => Ok(Self { what, map }),
            _ => Err(Error::parse(format!(
                "the file does not say what was {what}; it is damaged, or of another program"
            ))),
        }
    }

    pub(super) fn get<T>(
        &self,
        name: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<T> {
        let value = self.map.get(name);
        value.and_then(read).ok_or_else(|| {
            let found = value.map_or_else(|| "missing".to_owned(), Value::to_string);
            Error::parse(format!(
                "the file's '{name}' of what was {} is {found}, but must be {what}; it is damaged, or of another program",
                self.what
            ))
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str> {
        self.get(name, "a text", Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        self.get(name, "a flag", Value::as_bool)
    }

    pub(super) fn count(&self, name: &str) -> Result<usize> {
        let count = |v: &Value| usize::try_from(v.as_u64()?).ok();
        self.get(name, "a whole number", count)
    }

    pub(super) fn real(&self, name: &str) -> Result<f64> {
        self.get(name, "a number", as_real)
    }

    /// Pairs of numbers or nulls, or none, as earlier files have none.
    fn ranges(&self, name: &str) -> Result<Option<Vec<Limits>>> {
        let one = |v: &Value| match v {
            Value::Null => Some(None),
            v => as_real(v).map(Some),
        };
        let pair = |v: &Value| match &v.as_array()?[..] {
            [low, high] => Some((one(low)?, one(high)?)),
            _ => None,
        };
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.get(name, "pairs of numbers", |v| {
                v.as_array()?
                    .iter()
                    .map(pair)
                    .collect::<Option<Vec<_>>>()
                    .map(Some)
            }),
        }
    }

    /// A number, or null.
    fn maybe(&self, name: &str) -> Result<Option<f64>> {
        let read = |v: &Value| match v {
            Value::Null => Some(None),
            v => as_real(v).map(Some),
        };
        self.get(name, "a number or null", read)
    }

    /// A bandwidth, or none for one that was searched.
    fn width(&self, name: &str) -> Result<Option<f64>> {
        let read = |v: &Value| match v.as_str() {
            Some("auto") => Some(None),
            _ => as_real(v).map(Some),
        };
        self.get(name, "'auto' or a number", read)
    }

    fn widths(&self, name: &str) -> Result<Option<Vec<f64>>> {
        let read = |v: &Value| match v.as_str() {
            Some("auto") => Some(None),
            _ => v
                .as_array()?
                .iter()
                .map(as_real)
                .collect::<Option<_>>()
                .map(Some),
        };
        self.get(name, "'auto' or a list of numbers", read)
    }

    fn pairs(&self, name: &str) -> Result<Vec<(f64, f64)>> {
        let pair = |v: &Value| Some((as_real(v.get(0)?)?, as_real(v.get(1)?)?));
        let read = |v: &Value| v.as_array()?.iter().map(pair).collect();
        self.get(name, "a list of pairs of numbers", read)
    }

    /// The names of the columns.
    fn names(&self, intercept: bool) -> Result<Vec<String>> {
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let read = |v: &Value| v.as_array()?.iter().map(text).collect();
        let mut all: Vec<String> = self.get("param_names_", "a list of texts", read)?;
        if intercept && !all.is_empty() {
            all.remove(0);
        }
        Ok(all)
    }

    fn base(&self) -> Result<Gwr> {
        let bound = |v: &Value| match v {
            Value::Null => Some(None),
            v => as_real(v).map(Some),
        };
        let range = |v: &Value| match v {
            Value::Null => Some((None, None)),
            v => Some((bound(v.get(0)?)?, bound(v.get(1)?)?)),
        };
        let (low, high) = self.get("bandwidth_range", "two numbers or null", range)?;
        Ok(Gwr::new()
            .family(self.text("family")?.parse()?)
            .profile(profile_named(self.text("kernel")?)?)
            .adaptive(self.flag("adaptive")?)
            .distance(self.text("metric")?.parse()?)
            .criterion(self.text("criterion")?.parse::<Criterion>()?)
            .range(low, high)
            .intercept(self.flag("fit_intercept")?))
    }
}

pub(super) fn as_real(value: &Value) -> Option<f64> {
    match value {
        Value::Object(word) => match word.get("number")?.as_str()? {
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            "nan" => Some(f64::NAN),
            _ => None,
        },
        value => value.as_f64(),
    }
}
