//! Places at which a set must be known where an even grid is too coarse for it.

use super::membership::Membership;
use super::shape::Shape;

/// A set that covers fewer steps of the even grid than this gets points of its own.
const STEPS: f64 = 4.0;
/// Cells of each of its pieces.
const CELLS: u32 = 32;
/// By how much the distance from the middle grows in the tails of a smooth set.
const GROWTH: f64 = 1.2;
/// Most points of a tail: the sets that never vanish reach as far as the range.
const TAIL: usize = 200;

/// The one place of a set that has no width: a singleton, or corners that fall together.
pub(super) fn spot(set: &Membership) -> Option<f64> {
    let p = set.parameters();
    match set.shape() {
        Shape::Singleton => Some(p[0]),
        Shape::Triangle | Shape::Trapezoid | Shape::Pi if p.iter().all(|x| *x == p[0]) => {
            Some(p[0])
        }
        _ => None,
    }
}

/// Places in a range beside those of an even grid of a step; none where the set is wide enough for that.
pub(super) fn places(set: &Membership, [low, high]: [f64; 2], step: f64) -> Vec<f64> {
    let p = set.parameters();
    let mut out = Vec::new();
    let narrow = |from: f64, to: f64| to.min(high) - from.max(low) < STEPS * step;
    let mut bump = |corners: &[f64]| {
        let (from, to) = (corners[0], corners[corners.len() - 1]);
        if to >= low && from <= high && narrow(from, to) {
            pieces(corners, &mut out);
        }
    };
    match set.shape() {
        Shape::Triangle | Shape::Trapezoid | Shape::Pi => {
            let mut corners = p.to_vec();
            corners.sort_by(f64::total_cmp);
            bump(&corners);
        }
        Shape::Cosine => bump(&[p[0] - p[1], p[0], p[0] + p[1]]),
        Shape::S => bump(&[p[0], p[1], high.max(p[1])]),
        Shape::Z => bump(&[low.min(p[0]), p[0], p[1]]),
        Shape::Linear => peaks(p, low, high).iter().for_each(|c| bump(c)),
        Shape::Gaussian if narrow(p[0] - 2.0 * p[1], p[0] + 2.0 * p[1]) => {
            around(p[0], p[1], &mut out);
        }
        Shape::TwoSidedGaussian if narrow(p[1] - 2.0 * p[0], p[3] + 2.0 * p[2]) => {
            around(p[1], p[0], &mut out);
            around(p[3], p[2], &mut out);
            pieces(&[p[1].min(p[3]), p[1].max(p[3])], &mut out);
        }
        Shape::Bell => {
            let (width, slope, center) = (p[0].abs(), p[1], p[2]);
            // Where the degree is a tenth.
            let half = width * 9.0_f64.powf(0.5 / slope);
            if narrow(center - half, center + half) {
                around(center, width, &mut out);
                around(center - width, 0.5 * width / slope, &mut out);
                around(center + width, 0.5 * width / slope, &mut out);
            }
        }
        Shape::Sigmoid => {
            let [from, to] = above(p, low, high);
            if narrow(from, to) {
                around(p[1], p[0].abs().recip(), &mut out);
            }
        }
        Shape::SigmoidProduct | Shape::SigmoidDifference => {
            let mut second = [p[2], p[3]];
            if set.shape() == Shape::SigmoidDifference {
                // Their difference is about the product of the one and the other turned round.
                second[0] = -second[0];
            }
            let (a, b) = (above(p, low, high), above(&second, low, high));
            let other_way = set.shape() == Shape::SigmoidDifference && {
                let (a, b) = (above(&[-p[0], p[1]], low, high), above(&p[2..], low, high));
                !narrow(a[0].max(b[0]), a[1].min(b[1]))
            };
            if narrow(a[0].max(b[0]), a[1].min(b[1])) && !other_way {
                for (slope, center) in [(p[0], p[1]), (p[2], p[3])] {
                    if slope != 0.0 {
                        around(center, slope.abs().recip(), &mut out);
                    }
                }
                pieces(&[p[1].min(p[3]), p[1].max(p[3])], &mut out);
            }
        }
        _ => {}
    }
    out.retain(|x| *x >= low && *x <= high);
    out
}

/// Where a sigmoid is above a twentieth.
fn above(p: &[f64], low: f64, high: f64) -> [f64; 2] {
    let (slope, center) = (p[0], p[1]);
    if slope > 0.0 {
        [center - 3.0 / slope, high]
    } else if slope < 0.0 {
        [low, center - 3.0 / slope]
    } else {
        [low, high]
    }
}

/// Points of each piece between corners; at a jump, the places on both sides.
fn pieces(corners: &[f64], out: &mut Vec<f64>) {
    for w in corners.windows(2) {
        let width = w[1] - w[0];
        if width > 0.0 {
            let inner = (1..CELLS).map(|i| w[0] + width * f64::from(i) / f64::from(CELLS));
            out.extend(inner);
        } else {
            out.extend([w[0].next_down(), w[0].next_up()]);
        }
        out.extend(w);
    }
}

/// Points about the middle of a smooth flank, close by within four scales, then further and further apart.
fn around(center: f64, scale: f64, out: &mut Vec<f64>) {
    out.push(center);
    let near = (1..=CELLS).map(|i| 4.0 * f64::from(i) / f64::from(CELLS));
    let far = std::iter::successors(Some(4.0 * GROWTH), |t| Some(t * GROWTH)).take(TAIL);
    for t in near.chain(far) {
        out.extend([center - scale * t, center + scale * t]);
    }
}

/// Each peak of straight lines between points with its flanks, as corners.
fn peaks(p: &[f64], low: f64, high: f64) -> Vec<Vec<f64>> {
    let mut points: Vec<[f64; 2]> = p.chunks_exact(2).map(|c| [c[0], c[1]]).collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    points.insert(0, [low.min(first[0]), first[1]]);
    points.push([high.max(last[0]), last[1]]);
    let y = |i: usize| points[i][1];
    let (end, mut out, mut i) = (points.len(), Vec::new(), 0);
    while i < end {
        let mut j = i;
        while j + 1 < end && y(j + 1) == y(i) {
            j += 1;
        }
        let top = (i == 0 || y(i - 1) < y(i)) && (j + 1 == end || y(j + 1) < y(i));
        if top && y(i) > 0.0 {
            let (mut from, mut to) = (i, j);
            while from > 0 && y(from - 1) < y(from) {
                from -= 1;
            }
            while to + 1 < end && y(to + 1) < y(to) {
                to += 1;
            }
            out.push(points[from..=to].iter().map(|p| p[0]).collect());
        }
        i = j + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{places, spot};
    use crate::fuzzy::Membership;

    fn of(text: &str) -> Membership {
        text.parse().unwrap()
    }

    #[test]
    fn only_narrow_sets_need_places() {
        for wide in [
            "triangle(0, 13, 25)",
            "trapezoid(3, 3, 9, 9)",
            "gaussian(500, 10)",
            "bell(20, 2, 500)",
            "sigmoid(2, 500)",
            "sigmoid_difference(5, 200, 5, 700)",
            "sigmoid_product(2, 300, -5, 800)",
            "sigmoid_difference(5, 700, 5, 200)",
            "s(1, 8)",
            "z(30, 70)",
            "linear(0, 0.2, 500, 1, 1000, 0.2)",
            "cosine(500, 10)",
        ] {
            assert!(places(&of(wide), [0.0, 1000.0], 1.0).is_empty(), "{wide}");
        }
        for narrow in [
            "triangle(10.6, 11, 11.4)",
            "trapezoid(11, 11, 12, 12)",
            "gaussian(11, 0.2)",
            "two_sided_gaussian(0.1, 3, 0.2, 3.1)",
            "bell(0.2, 4, 60)",
            "sigmoid(-20, 0.3)",
            "sigmoid_difference(50, 20, 50, 21)",
            "sigmoid_difference(50, 21, 50, 20)",
            "sigmoid_product(20, 30, -50, 30.5)",
            "s(999, 999.5)",
            "z(0.1, 0.3)",
            "pi(1, 1.1, 1.2, 2)",
            "linear(499, 0.2, 500, 1, 501, 0.2)",
            "linear(0.1, 1, 0.2, 0)",
            "cosine(11, 0.2)",
        ] {
            let found = places(&of(narrow), [0.0, 1000.0], 1.0);
            assert!(found.len() > 30, "{narrow}: {}", found.len());
            assert!(found.iter().all(|x| (0.0..=1000.0).contains(x)));
        }
        assert!(places(&of("triangle(2000, 2001, 2002)"), [0.0, 1000.0], 1.0).is_empty());
        assert_eq!(spot(&of("triangle(5, 5, 5)")), Some(5.0));
        assert_eq!(spot(&of("triangle(5, 5, 6)")), None);
    }
}
