//! Lines of one level through values at the points of a grid (marching squares).

/// A level a hair lower, in parts of the `range` of values: a plateau at the level, whose values differ by rounding, then lies above as a whole.
pub(super) fn below(level: f64, range: f64) -> f64 {
    level - 1e-9 * range
}

/// Segments where values `[n, n]` have a level, between points `[column, row]` in steps of the grid. Squares with a corner that is no number
/// have none.
pub(super) fn segments(values: &[f64], n: usize, level: f64) -> Vec<[[f64; 2]; 2]> {
    let mut out = Vec::new();
    for row in 1..n {
        for column in 1..n {
            let places = [
                [column - 1, row - 1],
                [column, row - 1],
                [column, row],
                [column - 1, row],
            ];
            let corners = places.map(|[c, r]| values[r * n + c]);
            if corners.iter().any(|v| !v.is_finite()) {
                continue;
            }
            let above = corners.map(|v| v >= level);
            // Where the sides are crossed, in their order around the square.
            let mut crossed = Vec::new();
            for side in 0..4 {
                let next = (side + 1) % 4;
                if above[side] != above[next] {
                    let part = (level - corners[side]) / (corners[next] - corners[side]);
                    let along = |axis: usize| {
                        let [a, b] = [places[side][axis], places[next][axis]].map(|p| p as f64);
                        a + part * (b - a)
                    };
                    crossed.push([along(0), along(1)]);
                }
            }
            match crossed[..] {
                [a, b] => out.push([a, b]),
                [a, b, c, d] => {
                    // A saddle: the middle says which corners are cut off.
                    let middle = corners.iter().sum::<f64>() / 4.0 >= level;
                    out.extend(if middle == above[0] {
                        [[a, b], [c, d]]
                    } else {
                        [[d, a], [b, c]]
                    });
                }
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(n: usize, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let at = |i: usize| f((i % n) as f64, (i / n) as f64);
        (0..n * n).map(at).collect()
    }

    #[test]
    fn lines_lie_where_the_level_is() {
        let values = grid(9, |x, y| x + 2.0 * y);
        let found = segments(&values, 9, 7.3);
        // From the left side to the lower one, in one line: every end but two is met twice.
        let mut ends: Vec<[f64; 2]> = found.iter().flatten().copied().collect();
        assert!(ends.iter().all(|[x, y]| (x + 2.0 * y - 7.3).abs() < 1e-12));
        ends.sort_by(|a, b| a.partial_cmp(b).unwrap());
        ends.dedup_by(|a, b| (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9);
        assert_eq!(ends.len(), found.len() + 1);
        assert!(segments(&values, 9, 30.0).is_empty());
    }

    #[test]
    fn a_plateau_at_the_level_has_an_edge_and_no_lines_on_it() {
        // A step up to a plateau that rounding has left uneven, and further up from there.
        let values = grid(9, |x, y| {
            let noise = 1e-15 * ((3.0 * x + 7.0 * y) % 5.0 - 2.0);
            (x - 2.0).min(0.0) + (x - 6.0).max(0.0) + 20.0 + 20.0 * noise
        });
        assert!(segments(&values, 9, 20.0).len() > 20);
        let found = segments(&values, 9, below(20.0, 4.0));
        assert_eq!(found.len(), 8, "one line of eight steps");
        assert!(found.iter().flatten().all(|[x, _]| (x - 2.0).abs() < 1e-6));
    }

    #[test]
    fn saddles_are_cut_off_where_the_middle_says_and_gaps_have_no_line() {
        // Corners 1, 0, 1, 0 around the square: the middle is above a low level, below a high one.
        let values = [1.0, 0.0, 0.0, 1.0];
        let near = |found: &[[[f64; 2]; 2]], corner: [f64; 2]| {
            found.iter().any(|s| {
                s.iter()
                    .all(|p| (p[0] - corner[0]).abs() + (p[1] - corner[1]).abs() < 0.5)
            })
        };
        let low = segments(&values, 2, 0.3);
        assert!(low.len() == 2 && near(&low, [1.0, 0.0]) && near(&low, [0.0, 1.0]));
        let high = segments(&values, 2, 0.7);
        assert!(high.len() == 2 && near(&high, [0.0, 0.0]) && near(&high, [1.0, 1.0]));
        assert!(segments(&[1.0, 0.0, f64::NAN, 1.0], 2, 0.5).is_empty());
    }
}
