//! The list of neighbourhoods.

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
