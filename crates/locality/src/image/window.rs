//! The inner loop: one weighted sum over the window of a point of the joint domain.
//!
//! A window is cut into columns as wide as a vector; each column is walked down its rows with all sums in
//! registers. Lanes outside the window or the image have an infinite spatial distance.

use pulp::Simd;

use super::falloff::Falloff;
use super::planes::Planes;

/// Rows and columns summed in single precision before the sums go to double precision.
const ROWS: usize = 64;
const COLUMNS: usize = 128;

/// The widest vector is 16 numbers.
const LANES: [f32; 16] = [
    0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0,
];

/// A point of the joint domain: position in pixels and colour.
#[derive(Clone, Copy)]
pub(crate) struct Point<'a> {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) color: &'a [f32],
    /// The frame whose window is summed.
    pub(crate) frame: usize,
    /// How far that frame is from the point, in spatial bandwidths turned into pixels.
    pub(crate) lift: f32,
}

impl Point<'_> {
    /// The distance in rows and frames together.
    #[inline(always)]
    fn across(&self, dy: f32) -> f32 {
        if self.lift == 0.0 {
            return dy;
        }
        (dy * dy + self.lift * self.lift).sqrt()
    }
}

/// The total weight in a window and the weighted sums of positions, relative to the point's (rounded down to whole
/// pixels).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) weight: f64,
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Relative to the point's frame.
    pub(crate) frame: f64,
}

impl Sums {
    /// Adds the sums of a frame that is `step` frames on.
    #[inline(always)]
    pub(crate) fn add(&mut self, own: &Self, step: f64) {
        self.weight += own.weight;
        self.x += own.x;
        self.y += own.y;
        self.frame += own.weight * step;
    }
}

/// A rectangle of pixels, ends included.
#[derive(Clone, Copy)]
struct Area {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Area {
    /// The pixels within `reach` rows and columns of a point, if any.
    #[inline(always)]
    fn around(at: Point<'_>, reach: f64, planes: &Planes) -> Option<Self> {
        let (left, right) = span(at.x, reach, planes.width)?;
        let (top, bottom) = span(at.y, reach, planes.height)?;
        Some(Self {
            left,
            right,
            top,
            bottom,
        })
    }
}

/// First and last whole number in `[at - reach, at + reach]` and in `0..size`, if any.
#[inline(always)]
pub(crate) fn span(at: f64, reach: f64, size: usize) -> Option<(usize, usize)> {
    // Saturating casts: a huge reach is clipped to the image. Truncation is the floor of what is not negative.
    let low = at - reach;
    let first = low as usize + usize::from(low > (low as usize) as f64);
    let last = ((at + reach) as usize).min(size - 1);
    (first <= last).then_some((first, last))
}

#[inline(always)]
fn load<S: Simd>(row: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&row[at..at + S::F32_LANES]).0[0]
}

/// The arguments of a vector's columns: infinite past `valid` lanes.
#[inline(always)]
fn columns<S: Simd, F: Falloff>(simd: S, falloff: F, dx: f32, valid: usize) -> S::f32s {
    let lanes = load::<S>(&LANES, 0);
    let argument = falloff.column(simd, simd.add_f32s(lanes, simd.splat_f32s(dx)));
    let inside = simd.less_than_f32s(lanes, simd.splat_f32s(valid as f32));
    simd.select_f32s(inside, argument, simd.splat_f32s(f32::INFINITY))
}

/// Sums over the window of a point, with the number of channels known to the compiler. Adds the colour sums,
/// relative to the point's colour, to `colors`.
#[inline(always)]
pub(crate) fn sums<S: Simd, F: Falloff, const C: usize>(
    simd: S,
    falloff: F,
    planes: &Planes,
    at: Point<'_>,
    colors: &mut [f64],
) -> Sums {
    let mut out = Sums::default();
    let (Some(area), Some(center)) = (
        Area::around(at, falloff.reach(), planes),
        at.color.first_chunk::<C>(),
    ) else {
        return out;
    };
    let zero = simd.splat_f32s(0.0);
    let lanes = load::<S>(&LANES, 0);
    let center = center.map(|c| simd.splat_f32s(c));
    let (bx, by) = (at.x.floor(), at.y.floor());
    let (fx, fy) = ((at.x - bx) as f32, (at.y - by) as f32);
    let mut top = area.top;
    while top <= area.bottom {
        let rows = ROWS.min(area.bottom + 1 - top);
        let mut left = area.left;
        while left <= area.right {
            let right = area.right.min(left + COLUMNS - 1);
            let mut sum = [zero; C];
            let (mut weight, mut wx, mut wy) = (zero, zero, zero);
            let mut col = left;
            while col <= right {
                let dx = (col as f64 - bx) as f32;
                let column = columns(simd, falloff, dx - fx, right + 1 - col);
                let mut here = zero;
                let mut dy = (top as f64 - by) as f32;
                for y in top..top + rows {
                    let slab = planes.slab(at.frame, y);
                    let row = simd.splat_f32s(falloff.row(at.across(dy - fy)));
                    let mut d = [zero; C];
                    let mut d2 = if F::START_AT_COLUMN { column } else { zero };
                    for k in 0..C {
                        d[k] = simd.sub_f32s(load::<S>(slab, k * planes.stride + col), center[k]);
                        d2 = simd.mul_add_e_f32s(d[k], d[k], d2);
                    }
                    let mut w = falloff.weight(simd, column, row, d2);
                    if F::WEIGHTED {
                        w = simd.mul_f32s(w, load::<S>(slab, C * planes.stride + col));
                    }
                    here = simd.add_f32s(here, w);
                    wy = if F::FLAT {
                        // Sums of the sums so far: rows counted from below the last one, exact in whole numbers.
                        simd.add_f32s(wy, here)
                    } else {
                        simd.mul_add_e_f32s(w, simd.splat_f32s(dy), wy)
                    };
                    for k in 0..C {
                        sum[k] = simd.mul_add_e_f32s(w, d[k], sum[k]);
                    }
                    dy += 1.0;
                }
                weight = simd.add_f32s(weight, here);
                let x = simd.add_f32s(lanes, simd.splat_f32s(dx));
                wx = simd.mul_add_e_f32s(here, x, wx);
                col += S::F32_LANES;
            }
            let weight = f64::from(simd.reduce_sum_f32s(weight));
            let y = f64::from(simd.reduce_sum_f32s(wy));
            out.weight += weight;
            out.x += f64::from(simd.reduce_sum_f32s(wx));
            out.y += if F::FLAT {
                ((top + rows) as f64 - by) * weight - y
            } else {
                y
            };
            for k in 0..C {
                colors[k] += f64::from(simd.reduce_sum_f32s(sum[k]));
            }
            left = right + 1;
        }
        top += rows;
    }
    out
}

/// The same sums for any number of channels, with one vector a channel in `lanes`: colour differences are formed
/// twice instead of kept.
#[inline(always)]
pub(crate) fn sums_of_many<S: Simd, F: Falloff>(
    simd: S,
    falloff: F,
    planes: &Planes,
    at: Point<'_>,
    sum: &mut [S::f32s],
    colors: &mut [f64],
) -> Sums {
    let mut out = Sums::default();
    let Some(area) = Area::around(at, falloff.reach(), planes) else {
        return out;
    };
    let zero = simd.splat_f32s(0.0);
    let lanes = load::<S>(&LANES, 0);
    let (bx, by) = (at.x.floor(), at.y.floor());
    let (fx, fy) = ((at.x - bx) as f32, (at.y - by) as f32);
    let mut top = area.top;
    while top <= area.bottom {
        let rows = ROWS.min(area.bottom + 1 - top);
        let mut col = area.left;
        while col <= area.right {
            let dx = (col as f64 - bx) as f32;
            let column = columns(simd, falloff, dx - fx, area.right + 1 - col);
            sum.fill(zero);
            let (mut weight, mut wy) = (zero, zero);
            let mut dy = (top as f64 - by) as f32;
            for y in top..top + rows {
                let slab = planes.slab(at.frame, y);
                let row = simd.splat_f32s(falloff.row(at.across(dy - fy)));
                let mut d2 = if F::START_AT_COLUMN { column } else { zero };
                for (plane, &c) in slab.chunks_exact(planes.stride).zip(at.color) {
                    let d = simd.sub_f32s(load::<S>(plane, col), simd.splat_f32s(c));
                    d2 = simd.mul_add_e_f32s(d, d, d2);
                }
                let mut w = falloff.weight(simd, column, row, d2);
                if F::WEIGHTED {
                    let own = planes.channels * planes.stride;
                    w = simd.mul_f32s(w, load::<S>(slab, own + col));
                }
                weight = simd.add_f32s(weight, w);
                wy = simd.mul_add_e_f32s(w, simd.splat_f32s(dy), wy);
                let planes = slab.chunks_exact(planes.stride);
                for ((sum, plane), &c) in sum.iter_mut().zip(planes).zip(at.color) {
                    let d = simd.sub_f32s(load::<S>(plane, col), simd.splat_f32s(c));
                    *sum = simd.mul_add_e_f32s(w, d, *sum);
                }
                dy += 1.0;
            }
            let x = simd.add_f32s(lanes, simd.splat_f32s(dx));
            out.weight += f64::from(simd.reduce_sum_f32s(weight));
            out.x += f64::from(simd.reduce_sum_f32s(simd.mul_f32s(weight, x)));
            out.y += f64::from(simd.reduce_sum_f32s(wy));
            for (color, sum) in colors.iter_mut().zip(sum.iter()) {
                *color += f64::from(simd.reduce_sum_f32s(*sum));
            }
            col += S::F32_LANES;
        }
        top += rows;
    }
    out
}
