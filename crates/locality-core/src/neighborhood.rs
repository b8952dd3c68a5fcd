//! Neighbourhoods: which keys a query may see at all.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use crate::kernel::{columns_of, metric_of};
use crate::text::{Call, Cursor, Value};
use crate::{Atom, Columns, Error, Kernel, Metric, Profile, Result};

/// One entry of the list of neighbourhoods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeighborhoodInfo {
    /// Name, as in `nearest(k=10)`.
    pub name: &'static str,
    /// How it is written.
    pub form: &'static str,
    /// One sentence on use.
    pub summary: &'static str,
}

/// The list of neighbourhoods.
pub const NEIGHBORHOODS: &[NeighborhoodInfo] = &[
    NeighborhoodInfo {
        name: "all",
        form: "all",
        summary: "Every key.",
    },
    NeighborhoodInfo {
        name: "radius",
        form: "radius(r=1, metric=euclidean, cols=..)",
        summary: "Keys within a distance, the edge included.",
    },
    NeighborhoodInfo {
        name: "nearest",
        form: "nearest(k=10, metric=euclidean, cols=..)",
        summary: "The k nearest keys; ties go to the lower index.",
    },
    NeighborhoodInfo {
        name: "mutual",
        form: "mutual(k=10, metric=euclidean, cols=..)",
        summary: "The k nearest keys that would have the query among their own k nearest.",
    },
    NeighborhoodInfo {
        name: "causal",
        form: "causal(offset=0)",
        summary: "Query i sees keys 0 to i + offset.",
    },
    NeighborhoodInfo {
        name: "window",
        form: "window(before=8, after=0)",
        summary: "Query i sees keys i - before to i + after.",
    },
    NeighborhoodInfo {
        name: "group",
        form: "group(cols=site)",
        summary: "Keys that agree with the query in these columns.",
    },
    NeighborhoodInfo {
        name: "hollow",
        form: "hollow",
        summary: "All but the query's own site (key i for query i): leave-one-out.",
    },
];

/// The list of neighbourhoods.
pub fn neighborhoods() -> &'static [NeighborhoodInfo] {
    NEIGHBORHOODS
}

/// A user's own rule: whether query `i` may see key `j`.
#[derive(Clone)]
pub struct Mask(Arc<dyn Fn(usize, usize) -> bool + Send + Sync>);

impl Mask {
    /// A rule as a function of query index and key index. It must not depend on when or how often it is asked.
    pub fn new(rule: impl Fn(usize, usize) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// A rule as a table: `queries x keys` truth values, row after row.
    ///
    /// # Errors
    /// Where the table has another size.
    pub fn table(allowed: Vec<bool>, queries: usize, keys: usize) -> Result<Self> {
        if queries.checked_mul(keys) != Some(allowed.len()) {
            return Err(Error::shape(format!(
                "a mask of {queries} queries and {keys} keys needs {} entries, but has {}",
                queries.saturating_mul(keys),
                allowed.len()
            )));
        }
        Ok(Self::new(move |i, j| {
            i < queries && j < keys && allowed[i * keys + j]
        }))
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(..)")
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// One condition of a neighbourhood.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Region {
    /// Keys within a distance.
    Radius {
        /// The distance, in the metric's unit.
        r: f64,
        /// The metric.
        metric: Metric,
        /// On these columns.
        columns: Columns,
    },
    /// The k nearest keys.
    Nearest {
        /// How many.
        k: usize,
        /// The metric.
        metric: Metric,
        /// On these columns.
        columns: Columns,
        /// Whether the keys must have the query among their own k nearest, too.
        mutual: bool,
    },
    /// Query `i` sees keys up to `i + offset`.
    Causal {
        /// How far ahead (or, negative, behind) the last key is.
        offset: i64,
    },
    /// Query `i` sees keys `i - before ..= i + after`.
    Window {
        /// Keys before the query's own.
        before: usize,
        /// Keys after the query's own.
        after: usize,
    },
    /// Keys that agree with the query in these columns.
    Group {
        /// The columns.
        columns: Columns,
    },
    /// All but the query's own site.
    Hollow,
    /// A user's own rule.
    Mask(Mask),
}

/// Which keys a query may see: all conditions must hold. The empty list is every key.
///
/// ```
/// use locality_core::Neighborhood;
/// let n: Neighborhood = "nearest(k=10) & hollow".parse()?;
/// assert_eq!(n.to_string(), "nearest(k=10) & hollow");
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Neighborhood {
    pub(crate) regions: Vec<Region>,
}

impl From<Region> for Neighborhood {
    fn from(region: Region) -> Self {
        Self {
            regions: vec![region],
        }
    }
}

impl Neighborhood {
    /// Every key.
    pub fn all() -> Self {
        Self::default()
    }

    /// The k nearest keys in Euclidean distance on all columns.
    pub fn nearest(k: usize) -> Self {
        Region::Nearest {
            k,
            metric: Metric::Euclidean,
            columns: Columns::All,
            mutual: false,
        }
        .into()
    }

    /// Keys within a Euclidean distance on all columns.
    pub fn radius(r: f64) -> Self {
        Region::Radius {
            r,
            metric: Metric::Euclidean,
            columns: Columns::All,
        }
        .into()
    }

    /// Query `i` sees keys `0..=i`.
    pub fn causal() -> Self {
        Region::Causal { offset: 0 }.into()
    }

    /// All keys but the query's own: leave-one-out.
    pub fn hollow() -> Self {
        Region::Hollow.into()
    }

    /// The keys that a rule allows.
    pub fn mask(mask: Mask) -> Self {
        Region::Mask(mask).into()
    }

    /// Both conditions.
    #[must_use]
    pub fn and(mut self, other: impl Into<Self>) -> Self {
        self.regions.extend(other.into().regions);
        self
    }

    /// The conditions.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Replaces column names by positions in `names`.
    ///
    /// # Errors
    /// A name that is not there.
    pub fn with_columns<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let mut out = self.clone();
        for region in &mut out.regions {
            if let Region::Radius { columns, .. }
            | Region::Nearest { columns, .. }
            | Region::Group { columns } = region
            {
                let mut probe = Atom::new(Profile::from_name("gaussian", &[])?);
                probe.columns = columns.clone();
                if let Kernel::Atom(atom) = Kernel::from(probe).with_columns(names)? {
                    *columns = atom.columns;
                }
            }
        }
        Ok(out)
    }

    /// Checks the conditions' own parameters.
    pub(crate) fn check(&self) -> Result<()> {
        let mut lists = 0;
        for region in &self.regions {
            match region {
                Region::Radius { r, metric, .. } => {
                    if !(r.is_finite() && *r > 0.0) {
                        return Err(Error::parameter(format!(
                            "radius: r={r} must be a positive finite number"
                        )));
                    }
                    if !metric.is_distance() {
                        return Err(Error::parameter(format!(
                            "radius: metric={} is a score; choose a distance",
                            metric.info().name
                        )));
                    }
                }
                Region::Nearest { k, .. } => {
                    lists += 1;
                    if *k == 0 {
                        return Err(Error::parameter(
                            "nearest: k=0 leaves no key; k must be at least 1",
                        ));
                    }
                }
                _ => {}
            }
        }
        if lists > 1 {
            return Err(Error::parameter(
                "a neighbourhood can have one of nearest and mutual, not several",
            ));
        }
        Ok(())
    }

    /// The conditions that are kernels themselves: they multiply the kernel by 0 or 1.
    pub(crate) fn as_kernels(&self) -> Result<Vec<Kernel>> {
        let mut out = Vec::new();
        for region in &self.regions {
            let atom = Atom::new(Profile::from_name("uniform", &[])?);
            match region {
                Region::Radius { r, metric, columns } => {
                    let mut atom = atom.bandwidth(*r).metric(metric.clone());
                    atom.columns = columns.clone();
                    out.push(atom.into());
                }
                Region::Group { columns } => {
                    let mut atom = atom;
                    atom.columns = columns.clone();
                    out.push(atom.into());
                }
                _ => {}
            }
        }
        Ok(out)
    }

    /// The conditions on indices.
    pub(crate) fn filter(&self) -> Filter {
        let regions = self.regions.iter();
        let regions = regions.filter(|r| {
            matches!(
                r,
                Region::Causal { .. } | Region::Window { .. } | Region::Hollow | Region::Mask(_)
            )
        });
        Filter {
            regions: regions.cloned().collect(),
        }
    }

    /// The k-nearest condition, if there is one.
    pub(crate) fn nearest_region(&self) -> Option<(usize, &Metric, &Columns, bool)> {
        self.regions.iter().find_map(|r| match r {
            Region::Nearest {
                k,
                metric,
                columns,
                mutual,
            } => Some((*k, metric, columns, *mutual)),
            _ => None,
        })
    }
}

/// Conditions on the indices of query and key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    regions: Vec<Region>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Whether keys must stay in their own order, so that ranges of indices are ranges in memory.
    pub(crate) fn is_sequential(&self) -> bool {
        let mut regions = self.regions.iter();
        regions.any(|r| matches!(r, Region::Causal { .. } | Region::Window { .. }))
    }

    /// Whether it refers to a query's own site.
    pub(crate) fn is_hollow(&self) -> bool {
        self.regions.contains(&Region::Hollow)
    }

    /// Whether keys must be asked one by one.
    pub(crate) fn has_rule(&self) -> bool {
        self.regions.iter().any(|r| matches!(r, Region::Mask(_)))
    }

    /// The range of key indices that query `i` may see at the most.
    pub(crate) fn range(&self, i: usize, keys: usize) -> Range<usize> {
        let mut range = 0..keys;
        for region in &self.regions {
            match region {
                Region::Causal { offset } => {
                    let end = (i as i64).saturating_add(*offset).saturating_add(1);
                    range.end = range.end.min(end.max(0) as usize);
                }
                Region::Window { before, after } => {
                    range.start = range.start.max(i.saturating_sub(*before));
                    let end = i.saturating_add(*after).saturating_add(1);
                    range.end = range.end.min(end);
                }
                _ => {}
            }
        }
        range.start = range.start.min(range.end);
        range
    }

    /// Whether query `i` may see key `j`.
    pub(crate) fn allows(&self, i: usize, j: usize) -> bool {
        self.regions.iter().all(|r| match r {
            Region::Causal { offset } => j as i64 <= (i as i64).saturating_add(*offset),
            Region::Window { before, after } => {
                j.saturating_add(*before) >= i && j <= i.saturating_add(*after)
            }
            Region::Hollow => i != j,
            Region::Mask(mask) => (mask.0)(i, j),
            _ => true,
        })
    }
}

impl FromStr for Neighborhood {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut cursor = Cursor::new(text);
        let mut regions = Vec::new();
        loop {
            regions.extend(region(&cursor.call()?)?);
            if !cursor.take('&') {
                break;
            }
        }
        cursor.end()?;
        let out = Self { regions };
        out.check()?;
        Ok(out)
    }
}

fn region(call: &Call) -> Result<Option<Region>> {
    let (mut metric, mut map) = (None, None);
    let mut columns = Columns::All;
    let mut own: Vec<(&str, &Value)> = Vec::new();
    let allowed: &[&str] = match call.name.as_str() {
        "all" | "hollow" => &[],
        "radius" => &["r", "metric", "map", "cols"],
        "nearest" | "mutual" => &["k", "metric", "map", "cols"],
        "causal" => &["offset"],
        "window" => &["before", "after"],
        "group" => &["cols"],
        other => {
            let known = NEIGHBORHOODS.iter().map(|n| n.name);
            return Err(Error::parse(crate::names::unknown(
                "neighborhood",
                other,
                known,
            )));
        }
    };
    for (key, value) in &call.arguments {
        if !allowed.contains(&key.as_str()) {
            return Err(Error::parse(crate::names::unknown(
                &format!("parameter of {}", call.name),
                key,
                allowed.iter().copied(),
            )));
        }
        match (key.as_str(), value) {
            ("metric", v) => metric = Some(v),
            ("map", v) => map = Some(v),
            ("cols", v) => columns = columns_of(v)?,
            (key, value) => own.push((key, value)),
        }
    }
    let metric = metric_of(metric, map)?.unwrap_or_default();
    let get = |key: &str| own.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
    let need = |key: &str, example: &str| {
        get(key).ok_or_else(|| Error::parse(format!("{} needs {key}, as in {example}", call.name)))
    };
    Ok(Some(match call.name.as_str() {
        "all" => return Ok(None),
        "hollow" => Region::Hollow,
        "radius" => Region::Radius {
            r: need("r", "radius(r=0.5)")?.number("r")?,
            metric,
            columns,
        },
        "causal" => Region::Causal {
            offset: match get("offset") {
                None => 0,
                Some(v) => {
                    let x = v.number("offset")?;
                    if x.fract() != 0.0 || x.abs() > 1e15 {
                        return Err(Error::parse("offset must be a whole number"));
                    }
                    x as i64
                }
            },
        },
        "window" => Region::Window {
            before: need("before", "window(before=8, after=0)")?.count("before")?,
            after: get("after").map_or(Ok(0), |v| v.count("after"))?,
        },
        "group" => {
            if columns == Columns::All {
                return Err(Error::parse(
                    "group needs its columns, as in group(cols=site)",
                ));
            }
            Region::Group { columns }
        }
        name => Region::Nearest {
            k: need("k", "nearest(k=10)")?.count("k")?,
            metric,
            columns,
            mutual: name == "mutual",
        },
    }))
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = |metric: &Metric, columns: &Columns| {
            let mut s = String::new();
            if *metric != Metric::Euclidean {
                s = s + ", " + &crate::kernel::metric_text(metric);
            }
            match crate::kernel::columns_text(columns) {
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
            Self::Group { columns } => write!(
                f,
                "group({})",
                crate::kernel::columns_text(columns).unwrap_or_default()
            ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in [
            "all",
            "hollow",
            "causal",
            "causal(offset=-1)",
            "radius(r=0.5, metric=manhattan, cols=[x, y])",
            "nearest(k=10) & hollow",
            "mutual(k=3, cols=0)",
            "window(before=8, after=2) & causal",
            "group(cols=site)",
        ] {
            let n: Neighborhood = text.parse().unwrap();
            assert_eq!(n.to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let e = |s: &str| s.parse::<Neighborhood>().unwrap_err().to_string();
        assert!(e("nearst(k=3)").contains("did you mean 'nearest'"));
        assert!(e("nearest(k=0)").contains("at least 1"));
        assert!(e("nearest").contains("needs k"));
        assert!(e("radius(r=-1)").contains("positive"));
        assert!(e("radius(q=1)").contains("unknown parameter of radius 'q'"));
        assert!(e("group").contains("cols"));
    }

    #[test]
    fn ranges_agree_with_the_rule_itself() {
        for text in [
            "causal",
            "causal(offset=-2)",
            "causal(offset=3)",
            "window(before=2, after=1)",
            "window(before=4, after=9) & causal",
        ] {
            let f = text.parse::<Neighborhood>().unwrap().filter();
            for i in 0..12 {
                for j in 0..9 {
                    assert_eq!(f.range(i, 9).contains(&j), f.allows(i, j), "{text} {i} {j}");
                }
            }
        }
    }
}
