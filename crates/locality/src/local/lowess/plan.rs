//! Where a fit is made, which rows its window holds, and how the rows between get their values.

/// A place where a polynomial is fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) x: f64,
    /// First row of the window.
    pub(super) from: usize,
    /// Distance of the window's farthest row.
    pub(super) radius: f64,
    /// First row whose `x` is not below.
    pub(super) rank: usize,
}

/// The windows of `k` rows of `x` (ascending) at targets (ascending, too): the leftmost window whose left end is not farther from the
/// target than the first row beyond its right end.
pub(super) fn windows(x: &[f64], k: usize, targets: impl Iterator<Item = f64>) -> Vec<Target> {
    let (mut from, mut rank) = (0, 0);
    let each = targets.map(|at| {
        while from + k < x.len() && at > 0.5 * x[from] + 0.5 * x[from + k] {
            from += 1;
        }
        while rank < x.len() && x[rank] < at {
            rank += 1;
        }
        Target {
            x: at,
            from,
            radius: (at - x[from]).max(x[from + k - 1] - at),
            rank,
        }
    });
    each.collect()
}

/// A row at which to fit, and the last of the rows that share its `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) row: usize,
    pub(super) last: usize,
}

/// The rows at which to fit: after each the last one within `delta` of it, or the next one where that is farther; at the end of the data
/// the last but one, and the last.
pub(super) fn stops(x: &[f64], delta: f64) -> Vec<Stop> {
    let mut stops = Vec::new();
    let mut row = 0;
    while row < x.len() {
        let last = row + x[row..].partition_point(|z| *z <= x[row]) - 1;
        stops.push(Stop { row, last });
        let reach = x[row] + delta;
        // The first row out of reach; the last row of all where none is.
        let beyond = last + 1 + x[last + 1..].partition_point(|z| *z <= reach);
        row = (beyond.min(x.len() - 1).saturating_sub(1)).max(last + 1);
    }
    stops
}

/// Spreads values at stops to all rows: ties share one, rows between stops are interpolated.
pub(super) fn spread(
    x: &[f64],
    stops: &[Stop],
    mut value: impl FnMut(usize) -> f64,
    mut between: impl FnMut(usize, [usize; 2], f64) -> f64,
) -> Vec<f64> {
    let mut out = Vec::with_capacity(x.len());
    for (s, stop) in stops.iter().enumerate() {
        for row in out.len()..stop.row {
            let low = stops[s - 1].row;
            let share = (x[row] - x[low]) / (x[stop.row] - x[low]);
            out.push(between(row, [s - 1, s], share));
        }
        out.resize(stop.last + 1, value(s));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_the_nearest_rows() {
        let x = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0];
        let w = windows(&x, 3, [-9.0, 0.0, 2.0, 5.0, 13.0, 20.0].into_iter());
        let from: Vec<usize> = w.iter().map(|w| w.from).collect();
        assert_eq!(from, [0, 0, 0, 2, 3, 3]);
        let radius: Vec<f64> = w.iter().map(|w| w.radius).collect();
        assert_eq!(radius, [11.0, 2.0, 2.0, 3.0, 9.0, 16.0]);
    }

    #[test]
    fn stops_skip_what_is_near_and_share_ties() {
        let stop = |row, last| Stop { row, last };
        let x = [0.0, 0.0, 1.0, 2.0, 2.5, 2.6, 2.7];
        let each = [
            stop(0, 1),
            stop(2, 2),
            stop(3, 3),
            stop(4, 4),
            stop(5, 5),
            stop(6, 6),
        ];
        assert_eq!(stops(&x, 0.0), each);
        let near = [stop(0, 1), stop(3, 3), stop(5, 5), stop(6, 6)];
        assert_eq!(stops(&x, 2.0), near);
        let out = spread(
            &x,
            &near,
            |s| s as f64,
            |_, [low, high], share| low as f64 + share * (high - low) as f64,
        );
        assert_eq!(out[..4], [0.0, 0.0, 0.5, 1.0]);
        assert!((out[4] - (1.0 + 0.5 / 0.6)).abs() < 1e-12);
        assert_eq!(out[5..], [2.0, 3.0]);
    }
}
