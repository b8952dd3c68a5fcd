//! A Gaussian along one axis, as splines on a regular grid.

use std::f64::consts::{PI, TAU};

/// `exp(-(x - y)^2 / 2)` as `sum_gh w(x - g) b(g - h) w(y - h)` over the nodes `g` and `h` of a grid, where `w` is a B-spline of `order` pieces.
///
/// The taps `b` are those of least mean-square error over all places of the grid (Hockney and Eastwood, Computer Simulation Using Particles,
/// 1988, chapter 8): with `s(f) = sinc(f / 2)^order` and the Gaussian's transform `G`, in frequencies `f` of a node,
/// `b^(f) = sum_m G(f_m) s(f_m)^2 / (sum_m s(f_m)^2)^2` over the aliases `f_m = f + 2 pi m`.
#[derive(Clone, Debug)]
pub(super) struct Spline {
    /// Nodes that a place touches.
    pub(super) order: usize,
    /// Distance of nodes, in bandwidths.
    pub(super) spacing: f64,
    /// `b(0), b(1), ..`; the other side is the same.
    pub(super) taps: Vec<f64>,
    /// The largest error of a weight.
    pub(super) error: f64,
}

/// The orders that are tried.
pub(super) const ORDERS: std::ops::RangeInclusive<usize> = 2..=6;
/// The widest spacing that is tried, and how many times the others are how much closer.
const WIDEST: f64 = 1.6;
const CLOSER: f64 = 0.92;
/// The closest grid's taps must reach as far as the Gaussian does: `QUADRATURE / 2` of them are 7 bandwidths.
const STEPS: usize = 40;
/// Places within a cell, and bandwidths of distance times 16, at which errors are measured; between them they rise by less than `MARGIN`.
const PLACES: usize = 8;
const MARGIN: f64 = 1.1;
/// Nodes of the quadrature of the taps.
const QUADRATURE: usize = 256;

impl Spline {
    /// The widest grid whose weights are off by no more than `error`.
    pub(super) fn within(order: usize, error: f64) -> Option<Self> {
        let at = |step: usize| {
            let spacing = WIDEST * CLOSER.powi(step as i32);
            let mut own = Self {
                order,
                spacing,
                taps: taps(order, spacing, 0.02 * error),
                error: 0.0,
            };
            own.error = own.measure(error);
            (own.error <= error).then_some(own)
        };
        // Errors fall with the spacing; what is returned was measured, whether they do or not.
        let (mut wide, mut close) = (0, STEPS);
        let mut best = at(close)?;
        while wide < close {
            let middle = usize::midpoint(wide, close);
            match at(middle) {
                Some(found) => (best, close) = (found, middle),
                None => wide = middle + 1,
            }
        }
        Some(best)
    }

    /// Nodes for places from 0 to `extent` bandwidths: a whole number, which may be more than any integer holds.
    pub(super) fn nodes(&self, extent: f64) -> f64 {
        (extent / self.spacing).floor() + (self.order + 1) as f64
    }

    /// The first node that the place at `x` bandwidths from the lowest one touches, and the weights of `order` nodes.
    pub(super) fn place(&self, x: f64, weights: &mut [f64]) -> usize {
        let at = x / self.spacing;
        let cell = at.floor();
        spline(at - cell, weights);
        cell as usize
    }

    /// The largest error over places and distances; ends early beyond `enough`.
    fn measure(&self, enough: f64) -> f64 {
        let p = self.order;
        let reach = (self.taps.len() + p) as f64 * self.spacing;
        let steps = (reach.max(6.0) * 16.0) as usize;
        let (mut near, mut far) = (vec![0.0; p], vec![0.0; p]);
        let mut worst = 0.0_f64;
        for place in 0..PLACES {
            let x = place as f64 / PLACES as f64 * self.spacing;
            let a = self.place(x, &mut near);
            for step in 0..steps {
                let off = step as f64 / 16.0;
                let b = self.place(x + off, &mut far);
                let mut weight = 0.0;
                for (i, w) in near.iter().enumerate() {
                    for (j, v) in far.iter().enumerate() {
                        let tap = self.taps.get((b + j).abs_diff(a + i));
                        weight += w * v * tap.unwrap_or(&0.0);
                    }
                }
                worst = worst.max(MARGIN * (weight - (-0.5 * off * off).exp()).abs());
                if worst > enough {
                    return worst;
                }
            }
        }
        worst
    }
}

/// The values of the B-splines of as many pieces as there are weights, at the fraction `u` of a cell (de Boor's recursion).
fn spline(u: f64, weights: &mut [f64]) {
    weights.fill(0.0);
    weights[0] = 1.0;
    for q in 1..weights.len() {
        let size = q as f64;
        for k in (0..=q).rev() {
            let left = if k > 0 { weights[k - 1] } else { 0.0 };
            let back = k as f64;
            weights[k] = ((u + size - back) * left + (1.0 - u + back) * weights[k]) / size;
        }
    }
}

/// The taps; those that are together below `rest` are left out.
fn taps(order: usize, spacing: f64, rest: f64) -> Vec<f64> {
    let step = TAU / QUADRATURE as f64;
    let transform: Vec<f64> = (0..QUADRATURE)
        .map(|i| influence(order, spacing, (i as f64 + 0.5) * step - PI))
        .collect();
    let tap = |j: usize| {
        let waves = transform.iter().enumerate();
        let sum: f64 = waves
            .map(|(i, b)| b * (j as f64 * ((i as f64 + 0.5) * step - PI)).cos())
            .sum();
        sum / QUADRATURE as f64
    };
    // Beyond the Gaussian's own reach taps fall by a constant factor.
    let most = ((7.0 / spacing) as usize + 24).min(QUADRATURE / 2 - 1);
    let mut out: Vec<f64> = (0..most).map(tap).collect();
    let mut gone = 0.0;
    while let Some(last) = out.last() {
        gone += 2.0 * last.abs();
        if gone > rest || out.len() == 1 {
            break;
        }
        out.pop();
    }
    out
}

/// The transform of the taps at a frequency.
fn influence(order: usize, spacing: f64, frequency: f64) -> f64 {
    let (mut top, mut bottom) = (0.0, 0.0);
    for alias in -5..=5 {
        let f = frequency + TAU * f64::from(alias);
        let half = 0.5 * f;
        let sinc = if half == 0.0 { 1.0 } else { half.sin() / half };
        let squared = sinc.powi(2 * order as i32);
        let real = f / spacing;
        top += TAU.sqrt() * (-0.5 * real * real).exp() * squared;
        bottom += squared;
    }
    top / (bottom * bottom) / spacing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_are_the_known_ones_and_sum_up_to_one() {
        let mut w = [0.0; 4];
        spline(0.0, &mut w);
        // The cubic one at its nodes: 1/6, 4/6, 1/6.
        for (own, want) in w.iter().zip([1.0, 4.0, 1.0, 0.0]) {
            assert!((own - want / 6.0).abs() < 1e-15);
        }
        for order in ORDERS {
            let mut w = vec![0.0; order];
            spline(0.3, &mut w);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            assert!(w.iter().all(|w| *w > 0.0));
        }
    }

    #[test]
    fn errors_are_as_said_and_orders_widen_the_grid() {
        for error in [1e-2, 1e-3, 1e-5] {
            let found: Vec<Spline> = ORDERS
                .filter_map(|order| Spline::within(order, error))
                .collect();
            // All but the lowest orders get as near as that.
            assert!(found.len() >= 4, "{error}: {}", found.len());
            for pair in found.windows(2) {
                assert!(pair[1].spacing >= pair[0].spacing);
            }
            for spline in &found {
                // At other places than those at which it was measured.
                let (p, mut worst) = (spline.order, 0.0_f64);
                let (mut near, mut far) = (vec![0.0; p], vec![0.0; p]);
                for i in 0..200 {
                    let x = 0.0137 * f64::from(i);
                    for j in 0..200 {
                        let y = x + 0.0371 * f64::from(j);
                        let (a, b) = (spline.place(x, &mut near), spline.place(y, &mut far));
                        let mut weight = 0.0;
                        for (s, w) in near.iter().enumerate() {
                            for (t, v) in far.iter().enumerate() {
                                let tap = spline.taps.get((a + s).abs_diff(b + t));
                                weight += w * v * tap.copied().unwrap_or(0.0);
                            }
                        }
                        worst = worst.max((weight - (-0.5 * (x - y).powi(2)).exp()).abs());
                    }
                }
                assert!(worst <= error, "order {p}: {worst} > {error}");
                assert!(worst > 0.05 * error, "order {p}: {worst} is far below");
            }
        }
    }
}
