//! Nearest neighbours.

use super::file::rows;
use super::{Array, ModelFile, Parameters, Persist};
use crate::lazy::{
    Memory, NeighborsClassifier, NeighborsClassifierFit, NeighborsRegressor, NeighborsRegressorFit,
    OnNone, Outlier, Reach, Scale, Weights,
};
use crate::{Atom, Bandwidth, Error, Float, Kernel, LinearMap, Metric, Result, Watch};

impl<T: Float> Persist for NeighborsRegressorFit<T> {
    const KIND: &'static str = "neighbors_regressor";

    fn pack(&self) -> Result<ModelFile> {
        let own = self.parameters();
        let mut p = Parameters::default();
        put_search(&mut p, own.reach, &own.weights, &own.metric)?;
        let on_none = match own.on_none {
            OnNone::Nan => "nan",
            OnNone::Error => "error",
        };
        p.put("on_none", on_none);
        Ok(with_memory(ModelFile::new(Self::KIND, p), self.memory()))
    }

    fn unpack(file: &ModelFile, _: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let on_none = match p.text("on_none")? {
            "nan" => OnNone::Nan,
            "error" => OnNone::Error,
            other => return Err(unknown("on_none", other)),
        };
        let parameters = NeighborsRegressor::new(get_reach(p)?)
            .weights(get_weights(p)?)
            .metric(get_metric(p)?)
            .on_none(on_none);
        Self::restore(parameters, get_memory(file)?)
    }
}

impl<T: Float> Persist for NeighborsClassifierFit<T> {
    const KIND: &'static str = "neighbors_classifier";

    fn pack(&self) -> Result<ModelFile> {
        let own = self.parameters();
        let mut p = Parameters::default();
        put_search(&mut p, own.reach, &own.weights, &own.metric)?;
        let (outlier, labels) = match &own.outlier {
            Outlier::Error => ("error", Vec::new()),
            Outlier::MostFrequent => ("most_frequent", Vec::new()),
            Outlier::Labels(labels) => ("labels", labels.clone()),
        };
        p.put("outlier", outlier);
        p.put("outlier_labels", labels);
        let sizes: Vec<usize> = self.classes().iter().map(Vec::len).collect();
        let labels = self.classes().concat();
        Ok(with_memory(ModelFile::new(Self::KIND, p), self.memory())
            .with("class_counts", Array::places(&sizes))
            .with("class_labels", Array::I64(vec![labels.len()], labels)))
    }

    fn unpack(file: &ModelFile, _: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let outlier = match p.text("outlier")? {
            "error" => Outlier::Error,
            "most_frequent" => Outlier::MostFrequent,
            "labels" => {
                let whole = |v: &serde_json::Value| v.as_i64();
                let labels: Option<Vec<i64>> =
                    p.list("outlier_labels")?.iter().map(whole).collect();
                Outlier::Labels(labels.ok_or_else(|| unknown("outlier_labels", "a list"))?)
            }
            other => return Err(unknown("outlier", other)),
        };
        let parameters = NeighborsClassifier::new(get_reach(p)?)
            .weights(get_weights(p)?)
            .metric(get_metric(p)?)
            .outlier(outlier);
        let Some(Array::I64(_, labels)) = file.arrays().get("class_labels") else {
            return Err(unknown("class_labels", "no list of whole numbers"));
        };
        let mut rest = &labels[..];
        let mut classes = Vec::new();
        for size in file.places("class_counts")? {
            let (own, others) = rest
                .split_at_checked(size)
                .ok_or_else(|| unknown("class_counts", "too long"))?;
            classes.push(own.to_vec());
            rest = others;
        }
        Self::restore(parameters, get_memory(file)?, classes)
    }
}

fn unknown(name: &str, value: &str) -> Error {
    Error::parse(format!(
        "the file's '{name}' is {value}, which has no meaning there; it is damaged, or of another program"
    ))
}

fn with_memory<T: Float>(file: ModelFile, memory: &Memory<T>) -> ModelFile {
    let index = memory.index();
    file.with("samples", Array::matrix(&index.samples(), index.columns()))
        .with(
            "responses",
            Array::matrix(&memory.targets(), memory.width()),
        )
        .with("ids", Array::places(&index.ids()))
        .with("next_id", Array::places(&[index.next_id()]))
}

fn get_memory<T: Float>(file: &ModelFile) -> Result<Memory<T>> {
    let (x, d) = file.matrix("samples")?;
    let (y, p) = file.matrix("responses")?;
    let next = file.places("next_id")?;
    let [next] = next[..] else {
        return Err(unknown("next_id", "not one number"));
    };
    let metric = get_metric(file.parameters())?;
    Memory::restore(
        rows(&x, d)?,
        rows(&y, p)?,
        &file.places("ids")?,
        next,
        &metric,
    )
}

fn put_search(p: &mut Parameters, reach: Reach, weights: &Weights, metric: &Metric) -> Result<()> {
    match reach {
        Reach::Nearest(k) => p.put("k", k),
        Reach::Within(radius) => p.put("radius", radius),
    }
    match weights {
        Weights::Uniform => p.put("weights", "uniform"),
        Weights::Distance => p.put("weights", "distance"),
        Weights::Profile(profile, scale) => {
            let atom = Atom::new(*profile);
            let (atom, scale) = match scale {
                Scale::Next => (atom, "next"),
                Scale::Farthest => (atom, "farthest"),
                Scale::Fixed(h) => (atom.bandwidth(Bandwidth::Fixed(*h)), "fixed"),
            };
            p.put("weights", "kernel");
            p.put_kernel("weights_kernel", &Kernel::from(atom))?;
            p.put("weights_scale", scale);
        }
    }
    p.put("metric", metric.info().name);
    if let Metric::Mahalanobis(map) = metric {
        p.put("metric_map", map.rows().to_vec());
    }
    Ok(())
}

fn get_reach(p: &Parameters) -> Result<Reach> {
    if p.has("k") {
        return Ok(Reach::Nearest(p.count("k")?));
    }
    Ok(Reach::Within(p.number("radius")?))
}

fn get_weights(p: &Parameters) -> Result<Weights> {
    match p.text("weights")? {
        "uniform" => Ok(Weights::Uniform),
        "distance" => Ok(Weights::Distance),
        "kernel" => {
            let kernel = p.kernel("weights_kernel")?;
            let Weights::Profile(profile, scale) = Weights::from_kernel(&kernel)? else {
                return Err(unknown("weights_kernel", "no profile"));
            };
            let scale = match p.text("weights_scale")? {
                "farthest" => Scale::Farthest,
                _ => scale,
            };
            Ok(Weights::Profile(profile, scale))
        }
        other => Err(unknown("weights", other)),
    }
}

fn get_metric(p: &Parameters) -> Result<Metric> {
    let map = if p.has("metric_map") {
        let row = |v: &serde_json::Value| {
            let row = v.as_array()?.iter();
            row.map(serde_json::Value::as_f64)
                .collect::<Option<Vec<f64>>>()
        };
        let rows = p.list("metric_map")?.iter().map(row).collect::<Option<_>>();
        let rows = rows.ok_or_else(|| unknown("metric_map", "no matrix"))?;
        Some(LinearMap::new(rows)?)
    } else {
        None
    };
    Metric::from_name(p.text("metric")?, map)
}
