//! Local polynomials, generalized linear models and classifiers.

use serde_json::json;

use super::file::rows;
use super::{Array, ModelFile, Parameters, Persist};
use crate::local::{
    Choice, Chosen, Family, LocalGlmRegression, LocalGlmRegressionFit, LocalLogistic,
    LocalLogisticFit, LocalPolynomial, LocalPolynomialFit, LocalRegression, LocalRegressionFit,
    Search, Tried,
};
use crate::{Error, Result, Watch};

impl Persist for LocalPolynomialFit {
    const KIND: &'static str = "local_polynomial";

    fn pack(&self) -> Result<ModelFile> {
        let own = self.parameters();
        let mut p = Parameters::default();
        p.put_kernel("kernel", &own.kernel)?;
        p.put_neighborhood(&own.neighborhood)?;
        p.put_policy(own.on_empty);
        p.put("degree", own.degree);
        p.put("ridge", own.ridge);
        p.put("guard", own.guard);
        p.put("columns", own.columns.clone());
        let n = self.slots();
        Ok(ModelFile::new(Self::KIND, p)
            .with(
                "samples",
                Array::matrix(&self.samples, self.samples.len() / n.max(1)),
            )
            .with(
                "responses",
                Array::matrix(&self.responses(), self.responses().len() / n.max(1)),
            )
            .with_some("weights", self.weights.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let mut model = LocalPolynomial::new(p.kernel("kernel")?)
            .neighborhood(p.neighborhood()?)
            .on_empty(p.policy()?)
            .degree(p.count("degree")?)
            .ridge(p.number("ridge")?)
            .guard(p.flag("guard")?);
        if p.has("columns") {
            model = model.on(p.counts("columns")?);
        }
        let (x, d) = file.matrix("samples")?;
        let (y, m) = file.matrix("responses")?;
        let weights = file.optional("weights")?;
        model.fit(rows(&x, d)?, rows(&y, m)?, weights.as_deref(), watch)
    }
}

impl LocalPolynomialFit {
    fn slots(&self) -> usize {
        self.local_means().slots().len()
    }
}

impl Persist for LocalRegressionFit {
    const KIND: &'static str = "local_regression";

    fn pack(&self) -> Result<ModelFile> {
        let own = &self.parameters;
        let mut p = Parameters::default();
        p.put_kernel("kernel", &own.kernel)?;
        p.put_neighborhood(&own.neighborhood)?;
        p.put_policy(own.on_empty);
        p.put("search", search_text(own.search));
        p.put("degrees", own.degrees.clone());
        p.put("standardize", own.standardize);
        p.put("ridge", own.ridge);
        p.put("guard", own.guard);
        put_columns(&mut p, own.columns.as_ref());
        let choice = Choice {
            scales: self.scales().to_vec(),
            kernel: self.kernel().clone(),
            degree: self.degree(),
            tried: self.tried().to_vec(),
        };
        put_choice(&mut p, &choice)?;
        let inner = self.polynomial();
        let responses = inner.responses();
        Ok(ModelFile::new(Self::KIND, p)
            .with("samples", Array::matrix(&self.samples, self.scales().len()))
            .with("scales", Array::list(self.scales()))
            .with(
                "responses",
                Array::matrix(&responses, responses.len() / inner.slots().max(1)),
            )
            .with_some("weights", inner.weights.as_deref())
            .with_some("given_weights", self.given.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let mut model = LocalRegression::new(p.kernel("kernel")?)
            .search(p.text("search")?.parse()?)
            .degrees(p.counts("degrees")?)
            .ridge(p.number("ridge")?)
            .guard(p.flag("guard")?)
            .neighborhood(p.neighborhood()?)
            .on_empty(p.policy()?);
        if p.has("standardize") {
            model = model.standardize(p.flag("standardize")?);
        }
        if p.has("columns") {
            model = model.on(p.counts("columns")?);
        }
        let (x, d) = file.matrix("samples")?;
        let (y, m) = file.matrix("responses")?;
        let weights = file.optional("weights")?;
        let choice = get_choice(file, d)?;
        let samples = rows(&x, d)?;
        let fit = model.fit_chosen(choice, samples, rows(&y, m)?, weights.as_deref(), watch)?;
        // Written of robust fits.
        match file.optional("given_weights")? {
            None => Ok(fit),
            Some(given) => fit.with_given_weights(given),
        }
    }
}

impl Persist for LocalGlmRegressionFit {
    const KIND: &'static str = "local_glm";

    fn pack(&self) -> Result<ModelFile> {
        let mut p = Parameters::default();
        put_chosen(&mut p, &self.parameters.chosen)?;
        put_choice(&mut p, &self.choice)?;
        let theta = match self.family() {
            Family::NegativeBinomial { theta } => theta,
            _ => 1.0,
        };
        p.put("family", self.family().name());
        p.put("theta", theta);
        Ok(ModelFile::new(Self::KIND, p)
            .with("samples", Array::matrix(&self.samples, self.scales().len()))
            .with("scales", Array::list(self.scales()))
            .with("responses", Array::matrix(&self.responses, 1))
            .with_some("weights", self.weights.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let family = match p.text("family")? {
            "binomial" => Family::Binomial,
            "poisson" => Family::Poisson,
            "gamma" => Family::Gamma,
            "negative_binomial" => Family::NegativeBinomial {
                theta: p.number("theta")?,
            },
            other => {
                return Err(Error::parse(format!(
                    "the file's family '{other}' is none of binomial, poisson, gamma, negative_binomial; it is damaged, or of another \
                     program"
                )));
            }
        };
        let model = LocalGlmRegression {
            chosen: get_chosen(p)?,
            family,
        };
        let (x, d) = file.matrix("samples")?;
        let (y, m) = file.matrix("responses")?;
        let weights = file.optional("weights")?;
        let choice = get_choice(file, d)?;
        let samples = rows(&x, d)?;
        model.fit_chosen(choice, samples, rows(&y, m)?, weights.as_deref(), watch)
    }
}

impl Persist for LocalLogisticFit {
    const KIND: &'static str = "local_logistic";

    fn pack(&self) -> Result<ModelFile> {
        let mut p = Parameters::default();
        put_chosen(&mut p, &self.parameters.chosen)?;
        put_choice(&mut p, &self.choice)?;
        p.put("n_classes", self.n_classes());
        if self.parameters.multinomial {
            p.put("multinomial", true);
        }
        Ok(ModelFile::new(Self::KIND, p)
            .with("samples", Array::matrix(&self.samples, self.scales().len()))
            .with("scales", Array::list(self.scales()))
            .with("classes", Array::places(&self.classes))
            .with_some("weights", self.weights.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let model = LocalLogistic {
            chosen: get_chosen(p)?,
            multinomial: p.has("multinomial") && p.flag("multinomial")?,
        };
        let (x, d) = file.matrix("samples")?;
        let classes = file.places("classes")?;
        let weights = file.optional("weights")?;
        let (choice, k) = (get_choice(file, d)?, p.count("n_classes")?);
        if k > classes.len().max(2) {
            return Err(Error::parse(format!(
                "the file says n_classes={k}, but has {} samples; it is damaged, or of another program",
                classes.len()
            )));
        }
        let samples = rows(&x, d)?;
        model.fit_chosen(choice, samples, &classes, k, weights.as_deref(), watch)
    }
}

fn search_text(search: Search) -> &'static str {
    match search {
        Search::Given => "given",
        Search::Fixed => "fixed",
        Search::Nearest => "nearest",
        Search::PerColumn => "per-column",
        Search::Auto => "auto",
    }
}

fn put_chosen(p: &mut Parameters, chosen: &Chosen) -> Result<()> {
    p.put_kernel("kernel", &chosen.kernel)?;
    p.put_neighborhood(&chosen.neighborhood)?;
    p.put("search", search_text(chosen.search));
    p.put("standardize", chosen.standardize);
    p.put("penalty", chosen.penalty);
    p.put("guard", chosen.guard);
    put_columns(p, chosen.columns.as_ref());
    if let Some(link) = chosen.link {
        p.put("link", link.name());
    }
    Ok(())
}

/// Written where a model has not all columns.
fn put_columns(p: &mut Parameters, columns: Option<&Vec<usize>>) {
    if let Some(columns) = columns {
        p.put("columns", columns.clone());
    }
}

fn get_chosen(p: &Parameters) -> Result<Chosen> {
    let standardize = p.has("standardize").then(|| p.flag("standardize"));
    Ok(Chosen {
        kernel: p.kernel("kernel")?,
        search: p.text("search")?.parse()?,
        standardize: standardize.transpose()?,
        // What was found is in the choice.
        scales: None,
        penalty: p.number("penalty")?,
        neighborhood: p.neighborhood()?,
        // Earlier files say nothing of it, and their models had none.
        guard: p.has("guard") && p.flag("guard")?,
        columns: p.has("columns").then(|| p.counts("columns")).transpose()?,
        link: p.has("link").then(|| p.text("link")?.parse()).transpose()?,
    })
}

fn put_choice(p: &mut Parameters, choice: &Choice) -> Result<()> {
    p.put_kernel("found_kernel", &choice.kernel)?;
    p.put("found_degree", choice.degree);
    let tried = choice.tried.iter();
    let one = |t: &Tried| json!([t.degree, t.kernel.to_string(), t.score]);
    p.put("tried", tried.map(one).collect::<Vec<_>>());
    Ok(())
}

fn get_choice(file: &ModelFile, columns: usize) -> Result<Choice> {
    let p = file.parameters();
    let scales: Vec<f64> = file.list("scales")?;
    if scales.len() != columns || !scales.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Err(Error::parse(format!(
            "the file's scales must be {columns} positive numbers, one for each column; it is damaged, or of another program"
        )));
    }
    let one = |v: &serde_json::Value| {
        Some(Tried {
            degree: usize::try_from(v.get(0)?.as_u64()?).ok()?,
            kernel: v.get(1)?.as_str()?.parse().ok()?,
            // What is not finite has no number in JSON.
            score: v.get(2)?.as_f64().unwrap_or(f64::INFINITY),
        })
    };
    let tried = p.list("tried")?.iter().map(one).collect::<Option<_>>();
    Ok(Choice {
        scales,
        kernel: p.kernel("found_kernel")?,
        degree: p.count("found_degree")?,
        tried: tried.ok_or_else(|| {
            Error::parse(
                "the file's parameter 'tried' cannot be read; it is damaged, or of another program",
            )
        })?,
    })
}
