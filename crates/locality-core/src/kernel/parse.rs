//! Kernels from text: `gaussian(h=0.3) * uniform(cols=group) + 0.1 * cauchy(h=2)^2`.

use std::str::FromStr;

use super::{Atom, Bandwidth, Columns, Kernel};
use crate::metric::LinearMap;
use crate::text::{Call, Cursor, Value};
use crate::{Error, Metric, Profile, Result};

impl FromStr for Kernel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut cursor = Cursor::new(text);
        if cursor.peek().is_none() {
            return Err(Error::parse(
                "the kernel is empty; write for example gaussian(h=0.3)",
            ));
        }
        let kernel = sum(&mut cursor)?;
        cursor.end()?;
        kernel.check()?;
        Ok(kernel)
    }
}

fn sum(c: &mut Cursor<'_>) -> Result<Kernel> {
    let mut terms = vec![term(c)?];
    while c.take('+') {
        terms.push(term(c)?);
    }
    if terms.len() == 1 && terms[0].0.is_none() {
        return Ok(terms.swap_remove(0).1);
    }
    Ok(Kernel::Sum(
        terms
            .into_iter()
            .map(|(a, k)| (a.unwrap_or(1.0), k))
            .collect(),
    ))
}

/// A product, with the coefficient if numbers stand in it.
fn term(c: &mut Cursor<'_>) -> Result<(Option<f64>, Kernel)> {
    let mut coefficient = None;
    let mut parts = Vec::new();
    loop {
        // `+` joins terms; it is no sign here.
        let number = if c.peek() == Some('+') {
            None
        } else {
            c.number()?
        };
        match number {
            Some(a) => coefficient = Some(coefficient.unwrap_or(1.0) * a),
            None => parts.push(factor(c)?),
        }
        if !c.take('*') {
            break;
        }
    }
    let kernel = match parts.len() {
        0 => return Err(c.error("a kernel after the number, as in 0.5 * gaussian(h=1)")),
        1 => parts.swap_remove(0),
        _ => Kernel::Product(parts),
    };
    Ok((coefficient, kernel))
}

fn factor(c: &mut Cursor<'_>) -> Result<Kernel> {
    let mut kernel = if c.take('(') {
        c.nested(|c| {
            let inner = sum(c)?;
            c.expect(')')?;
            Ok(inner)
        })?
    } else {
        Kernel::Atom(atom(&c.call()?)?)
    };
    while c.take('^') {
        let p = c.number()?.ok_or_else(|| c.error("a power, a number"))?;
        kernel = kernel.power(p);
    }
    Ok(kernel)
}

fn atom(call: &Call) -> Result<Atom> {
    let mut own = Vec::new();
    let mut bandwidths = Vec::new();
    let mut metric = None;
    let mut map = None;
    let mut columns = Columns::All;
    for (key, value) in &call.arguments {
        match key.as_str() {
            "h" | "bandwidth" => bandwidths.push(match value {
                Value::List(_) => Bandwidth::PerFeature(value.numbers(key)?),
                one => Bandwidth::Fixed(one.number(key)?),
            }),
            "site_h" => bandwidths.push(Bandwidth::PerSite(value.numbers(key)?.into())),
            "knn" => bandwidths.push(Bandwidth::QueryNearest(value.count(key)?)),
            "site_knn" => bandwidths.push(Bandwidth::SiteNearest(value.count(key)?)),
            "metric" => metric = Some(value),
            "map" => map = Some(value),
            "cols" => columns = columns_of(value)?,
            other => own.push((other, value.number(other)?)),
        }
    }
    let profile = Profile::from_name(&call.name, &own)?;
    if bandwidths.len() > 1 {
        return Err(Error::parse(format!(
            "{}: give one of h, site_h, knn and site_knn, not several",
            call.name
        )));
    }
    Ok(Atom {
        profile,
        metric: metric_of(metric, map)?,
        bandwidth: bandwidths.pop().unwrap_or_default(),
        columns,
    })
}

/// The metric that the values of `metric=` and `map=` mean, if either is given.
pub(crate) fn metric_of(metric: Option<&Value>, map: Option<&Value>) -> Result<Option<Metric>> {
    let rows = |map: &Value| {
        let rows = map.items().iter().map(|r| r.numbers("map"));
        LinearMap::new(rows.collect::<Result<_>>()?)
    };
    let map = map.map(rows).transpose()?;
    match (metric, map) {
        (Some(Value::Word(name)), map) => Metric::from_name(name, map).map(Some),
        (Some(_), _) => Err(Error::parse("metric must be a name")),
        (None, map) => Ok(map.map(Metric::Mahalanobis)),
    }
}

pub(crate) fn columns_of(value: &Value) -> Result<Columns> {
    let items = value.items();
    if items.is_empty() {
        return Err(Error::parse("cols must name at least one column"));
    }
    if items.iter().all(|v| matches!(v, Value::Word(_))) {
        return Ok(Columns::Names(
            items
                .iter()
                .filter_map(|v| match v {
                    Value::Word(w) => Some(w.clone()),
                    _ => None,
                })
                .collect(),
        ));
    }
    let indices: Result<Vec<usize>> = items.iter().map(|v| v.count("cols")).collect();
    Ok(Columns::Indices(indices.map_err(|_| {
        Error::parse("cols must be column names or column numbers counted from 0, not a mix")
    })?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in [
            "gaussian(h=0.3)",
            "gaussian(h=0.3) * uniform(cols=group)",
            "gaussian(h=[0.3, 1.5], cols=[0, 2])",
            "tricube(knn=30)",
            "0.5 * gaussian(h=1) + 2 * laplace(h=0.25, metric=manhattan)",
            "0.5 * gaussian(h=1)",
            "(gaussian(h=1) + cauchy(h=2))^0.5 * softmax(beta=2, cols=[3, 4])",
            "gaussian(metric=mahalanobis, map=[[1, 0.5], [0, 2]])",
            "epanechnikov(site_knn=7, metric=haversine_km, cols=[lat, lon])",
            "student_t(h=1, nu=4)^2",
            "uniform(h=1, cols=\"a b\")",
            "gaussian(site_h=[1, 2.5])",
            "gaussian(h=1) * (cauchy(h=1) + laplace(h=1))",
        ] {
            let kernel: Kernel = text.parse().unwrap();
            assert_eq!(kernel.to_string(), text);
            assert_eq!(kernel.to_string().parse::<Kernel>().unwrap(), kernel);
        }
    }

    #[test]
    fn short_forms_and_aliases_are_read() {
        let k = |s: &str| s.parse::<Kernel>().unwrap().to_string();
        assert_eq!(k("gaussian"), "gaussian()");
        assert_eq!(k(" rbf ( h = .5 ) "), "gaussian(h=0.5)");
        assert_eq!(k("2*gaussian(h=1)*3"), "6 * gaussian(h=1)");
        assert_eq!(k("flat(h=1e-3)"), "uniform(h=0.001)");
        assert_eq!(
            k("gaussian(h=1)+gaussian(h=2)"),
            "gaussian(h=1) + gaussian(h=2)"
        );
    }

    #[test]
    fn mistakes_are_named() {
        let e = |s: &str| s.parse::<Kernel>().unwrap_err().to_string();
        assert!(e("gausian(h=1)").contains("did you mean 'gaussian'"));
        assert!(e("gaussian(h=-1)").contains("bandwidth h=-1 must be a positive"));
        assert!(e("gaussian(h=0)").contains("h=0"));
        assert!(e("gaussian(h=nan)").contains("h=NaN"));
        assert!(e("gaussian(hh=1)").contains("unknown parameter of gaussian 'hh'"));
        assert!(e("gaussian(h=1").contains("expected ',' or ')'"));
        assert!(e("gaussian(h=1) gaussian(h=2)").contains("expected the end"));
        assert!(e("gaussian(h=1, knn=3)").contains("one of h"));
        assert!(e("softmax(beta=1, metric=euclidean)").contains("takes a score"));
        assert!(e("gaussian(h=1, metric=dot)").contains("takes a distance"));
        assert!(e("gaussian(h=1, metric=manhatan)").contains("did you mean 'manhattan'"));
        assert!(e("-1 * gaussian(h=1)").contains("coefficient"));
        assert!(e("gaussian(h=1)^0").contains("power"));
        assert!(e("").contains("empty"));
        assert!(e("gaussian(h=1) +").contains("expected a name"));
        assert!(e(&"(".repeat(10_000)).contains("nested"));
        assert!(e("s(a=2, b=1)").contains("below"));
        assert!(e("tricube(knn=0)").contains("at least 1"));
        assert!(e("tricube(knn=1.5)").contains("whole number"));
    }
}
