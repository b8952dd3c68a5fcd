//! Kernels as text, in the form that [`FromStr`](std::str::FromStr) reads back.

use std::fmt;

use super::{Atom, Bandwidth, Columns, Kernel};
use crate::Metric;

/// `x`, or `[x, y]` for several.
fn list<T: fmt::Display>(items: &[T]) -> String {
    match items {
        [one] => one.to_string(),
        many => format!(
            "[{}]",
            many.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

/// A column name, in quotes where it is not a plain word, or one that reads as a number.
fn quoted(name: &str) -> String {
    let first = name.chars().next();
    let word = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && first.is_some_and(|c| c.is_alphabetic() || c == '_');
    let number = matches!(name.to_lowercase().as_str(), "nan" | "inf" | "infinity");
    if word && !number {
        name.to_string()
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// `cols=..`, or nothing for all columns.
pub(crate) fn columns_text(columns: &Columns) -> Option<String> {
    match columns {
        Columns::All => None,
        Columns::Indices(i) => Some(format!("cols={}", list(i))),
        Columns::Names(n) => {
            let n: Vec<String> = n.iter().map(|n| quoted(n)).collect();
            Some(format!("cols={}", list(&n)))
        }
    }
}

/// `metric=..`, with the matrix of a Mahalanobis metric.
pub(crate) fn metric_text(metric: &Metric) -> String {
    let name = format!("metric={}", metric.info().name);
    let Metric::Mahalanobis(map) = metric else {
        return name;
    };
    let row = |r: &Vec<f64>| {
        let r: Vec<String> = r.iter().map(ToString::to_string).collect();
        format!("[{}]", r.join(", "))
    };
    let rows: Vec<String> = map.rows().iter().map(row).collect();
    format!("{name}, map=[{}]", rows.join(", "))
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.profile.info();
        let mut arguments = Vec::new();
        match &self.bandwidth {
            Bandwidth::Default => {}
            Bandwidth::Fixed(h) => arguments.push(format!("h={h}")),
            Bandwidth::PerFeature(h) => arguments.push(format!(
                "h=[{}]",
                h.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            Bandwidth::PerSite(h) => arguments.push(format!("site_h={}", list(h))),
            Bandwidth::SiteNearest(k) => arguments.push(format!("site_knn={k}")),
            Bandwidth::QueryNearest(k) => arguments.push(format!("knn={k}")),
        }
        for (p, v) in info.parameters.iter().zip(self.profile.values()) {
            if v != p.default {
                arguments.push(format!("{}={v}", p.name));
            }
        }
        if let Some(metric) = &self.metric {
            arguments.push(metric_text(metric));
        }
        arguments.extend(columns_text(&self.columns));
        write!(f, "{}({})", info.name, arguments.join(", "))
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atom(atom) => atom.fmt(f),
            Self::Product(parts) => {
                for (i, k) in parts.iter().enumerate() {
                    if i > 0 {
                        f.write_str(" * ")?;
                    }
                    match k {
                        Self::Sum(_) | Self::Product(_) => write!(f, "({k})")?,
                        _ => k.fmt(f)?,
                    }
                }
                Ok(())
            }
            Self::Sum(parts) => {
                for (i, (a, k)) in parts.iter().enumerate() {
                    if i > 0 {
                        f.write_str(" + ")?;
                    }
                    if *a != 1.0 || parts.len() == 1 {
                        write!(f, "{a} * ")?;
                    }
                    match k {
                        Self::Sum(_) => write!(f, "({k})")?,
                        _ => k.fmt(f)?,
                    }
                }
                Ok(())
            }
            Self::Power(k, p) => match **k {
                Self::Atom(_) => write!(f, "{k}^{p}"),
                _ => write!(f, "({k})^{p}"),
            },
        }
    }
}
