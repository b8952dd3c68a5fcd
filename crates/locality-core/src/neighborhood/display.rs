//! Neighbourhoods as text.

use std::fmt;

use super::{Neighborhood, Region};
use crate::kernel::{columns_text, metric_text};
use crate::{Columns, Metric};

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = |metric: &Metric, columns: &Columns| {
            let mut s = String::new();
            if *metric != Metric::Euclidean {
                s = s + ", " + &metric_text(metric);
            }
            match columns_text(columns) {
                Some(c) => s + ", " + &c,
                None => s,
            }
        };
        match self {
            Self::Radius { r, metric, columns } => {
                write!(f, "radius(r={r}{})", extra(metric, columns))
            }
            Self::Nearest {
                k,
                metric,
                columns,
                mutual,
            } => {
                let name = if *mutual { "mutual" } else { "nearest" };
                write!(f, "{name}(k={k}{})", extra(metric, columns))
            }
            Self::Causal { offset: 0 } => f.write_str("causal"),
            Self::Causal { offset } => write!(f, "causal(offset={offset})"),
            Self::Window { before, after } => write!(f, "window(before={before}, after={after})"),
            Self::Group { columns } => {
                write!(f, "group({})", columns_text(columns).unwrap_or_default())
            }
            Self::Hollow => f.write_str("hollow"),
            Self::Mask(_) => f.write_str("mask"),
        }
    }
}

impl fmt::Display for Neighborhood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.regions.is_empty() {
            return f.write_str("all");
        }
        for (i, r) in self.regions.iter().enumerate() {
            if i > 0 {
                f.write_str(" & ")?;
            }
            r.fmt(f)?;
        }
        Ok(())
    }
}
