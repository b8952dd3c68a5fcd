//! Neighbourhoods: which keys a query may see at all.

mod display;
mod filter;
mod list;
mod parse;

pub(crate) use filter::Filter;
pub use filter::Mask;
pub use list::{NEIGHBORHOODS, NeighborhoodInfo, neighborhoods};

use crate::{Atom, Columns, Error, Kernel, Metric, Profile, Result};

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

    /// The names of the columns that it looks at; none where some condition takes all columns, or counts them.
    pub fn column_names(&self) -> Option<Vec<&str>> {
        let mut all = Vec::new();
        for region in &self.regions {
            if let Region::Radius { columns, .. }
            | Region::Nearest { columns, .. }
            | Region::Group { columns } = region
            {
                let Columns::Names(names) = columns else {
                    return None;
                };
                all.extend(names.iter().map(String::as_str));
            }
        }
        Some(all)
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
                Region::Nearest { k, mutual, .. } => {
                    lists += 1;
                    if *k == 0 {
                        let name = if *mutual { "mutual" } else { "nearest" };
                        return Err(Error::parameter(format!(
                            "{name}: k=0 leaves no key; k must be at least 1"
                        )));
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

    /// The columns that conditions ask for, by the conditions' names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'static str, &Columns)> {
        self.regions.iter().filter_map(|region| match region {
            Region::Radius { columns, .. } => Some(("radius", columns)),
            Region::Group { columns } => Some(("group", columns)),
            Region::Nearest {
                columns, mutual, ..
            } => Some((if *mutual { "mutual" } else { "nearest" }, columns)),
            _ => None,
        })
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
