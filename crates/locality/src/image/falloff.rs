//! How a site's weight falls off with its squared distances in the image and in colour, as vector code.

use pulp::Simd;

/// A kernel of the joint domain. `column` and `row` arguments are what [`Self::column`] and [`Self::row`] return;
/// lanes outside the window have an infinite column.
pub(crate) trait Falloff: Copy + Send + Sync {
    /// Whether every weight is 0 or 1.
    const FLAT: bool;
    /// Whether the column's argument is to be added to the squared colour difference.
    const START_AT_COLUMN: bool = false;
    /// Whether each pixel has a weight of its own.
    const WEIGHTED: bool = false;

    /// Farthest column and row that can have weight, in pixels.
    fn reach(self) -> f64;
    /// The argument of columns at `dx` pixels.
    fn column<S: Simd>(self, simd: S, dx: S::f32s) -> S::f32s;
    /// The argument of a row at `dy` pixels.
    fn row(self, dy: f32) -> f32;
    /// The weights of sites, 0 for those that take no part.
    fn weight<S: Simd>(self, simd: S, column: S::f32s, row: S::f32s, color: S::f32s) -> S::f32s;
}

/// A kernel with a weight for each pixel on top.
#[derive(Clone, Copy)]
pub(crate) struct Weighted<F>(pub(crate) F);

impl<F: Falloff> Falloff for Weighted<F> {
    const FLAT: bool = false;
    const START_AT_COLUMN: bool = F::START_AT_COLUMN;
    const WEIGHTED: bool = true;

    #[inline(always)]
    fn reach(self) -> f64 {
        self.0.reach()
    }
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, dx: S::f32s) -> S::f32s {
        self.0.column(simd, dx)
    }
    #[inline(always)]
    fn row(self, dy: f32) -> f32 {
        self.0.row(dy)
    }
    #[inline(always)]
    fn weight<S: Simd>(self, simd: S, column: S::f32s, row: S::f32s, color: S::f32s) -> S::f32s {
        self.0.weight(simd, column, row, color)
    }
}

/// Weight 1 within a square and a ball of colours.
#[derive(Clone, Copy)]
pub(crate) struct Square {
    spatial: f64,
    range2: f32,
}

/// Weight 1 within a disk and a ball of colours.
#[derive(Clone, Copy)]
pub(crate) struct Disk {
    spatial: f64,
    range2: f32,
}

/// `(1 - |dx|^2 / hs^2) (1 - |dc|^2 / hr^2)` where both are positive.
#[derive(Clone, Copy)]
pub(crate) struct Epanechnikov {
    spatial: f64,
    inverse_spatial2: f32,
    inverse_range2: f32,
}

/// `exp(-|dx|^2 / 2hs^2 - |dc|^2 / 2hr^2)` within 3 hs by row and column and 3 hr in colour.
#[derive(Clone, Copy)]
pub(crate) struct Gaussian {
    spatial: f64,
    half_spatial2: f32,
    half_range2: f32,
    limit: f32,
}

impl Square {
    pub(crate) fn new(spatial: f64, range: f64) -> Self {
        Self {
            spatial,
            range2: (range * range) as f32,
        }
    }
}

impl Falloff for Square {
    const FLAT: bool = true;
    // The infinity of lanes outside the window goes straight into the colour difference.
    const START_AT_COLUMN: bool = true;

    #[inline(always)]
    fn reach(self) -> f64 {
        self.spatial
    }
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, _: S::f32s) -> S::f32s {
        simd.splat_f32s(0.0)
    }
    #[inline(always)]
    fn row(self, _: f32) -> f32 {
        0.0
    }
    #[inline(always)]
    fn weight<S: Simd>(self, simd: S, _: S::f32s, _: S::f32s, color: S::f32s) -> S::f32s {
        let inside = simd.less_than_or_equal_f32s(color, simd.splat_f32s(self.range2));
        simd.select_f32s(inside, simd.splat_f32s(1.0), simd.splat_f32s(0.0))
    }
}

impl Disk {
    pub(crate) fn new(spatial: f64, range: f64) -> Self {
        Self {
            spatial,
            range2: (range * range) as f32,
        }
    }
}

impl Falloff for Disk {
    const FLAT: bool = true;

    #[inline(always)]
    fn reach(self) -> f64 {
        self.spatial
    }
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, dx: S::f32s) -> S::f32s {
        simd.mul_f32s(dx, dx)
    }
    #[inline(always)]
    fn row(self, dy: f32) -> f32 {
        (self.spatial * self.spatial) as f32 - dy * dy
    }
    #[inline(always)]
    fn weight<S: Simd>(self, simd: S, column: S::f32s, row: S::f32s, color: S::f32s) -> S::f32s {
        let within = simd.less_than_or_equal_f32s(column, row);
        let color = simd.select_f32s(within, color, simd.splat_f32s(f32::INFINITY));
        let inside = simd.less_than_or_equal_f32s(color, simd.splat_f32s(self.range2));
        simd.select_f32s(inside, simd.splat_f32s(1.0), simd.splat_f32s(0.0))
    }
}

impl Epanechnikov {
    pub(crate) fn new(spatial: f64, range: f64) -> Self {
        Self {
            spatial,
            inverse_spatial2: (1.0 / (spatial * spatial)) as f32,
            inverse_range2: (1.0 / (range * range)) as f32,
        }
    }
}

impl Falloff for Epanechnikov {
    const FLAT: bool = false;

    #[inline(always)]
    fn reach(self) -> f64 {
        self.spatial
    }
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, dx: S::f32s) -> S::f32s {
        let scaled = simd.mul_f32s(dx, simd.splat_f32s(self.inverse_spatial2));
        simd.mul_f32s(dx, scaled)
    }
    #[inline(always)]
    fn row(self, dy: f32) -> f32 {
        1.0 - dy * dy * self.inverse_spatial2
    }
    #[inline(always)]
    fn weight<S: Simd>(self, simd: S, column: S::f32s, row: S::f32s, color: S::f32s) -> S::f32s {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let scaled = simd.mul_f32s(color, simd.splat_f32s(self.inverse_range2));
        let space = simd.max_f32s(simd.sub_f32s(row, column), zero);
        let range = simd.max_f32s(simd.sub_f32s(one, scaled), zero);
        simd.mul_f32s(space, range)
    }
}

impl Gaussian {
    /// Where both factors are cut, in bandwidths.
    const CUT: f64 = 3.0;

    pub(crate) fn new(spatial: f64, range: f64) -> Self {
        Self {
            spatial,
            half_spatial2: (0.5 / (spatial * spatial)) as f32,
            half_range2: (0.5 / (range * range)) as f32,
            limit: (range * range * Self::CUT * Self::CUT) as f32,
        }
    }
}

impl Falloff for Gaussian {
    const FLAT: bool = false;

    #[inline(always)]
    fn reach(self) -> f64 {
        self.spatial * Self::CUT
    }
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, dx: S::f32s) -> S::f32s {
        let scaled = simd.mul_f32s(dx, simd.splat_f32s(self.half_spatial2));
        simd.mul_f32s(dx, scaled)
    }
    #[inline(always)]
    fn row(self, dy: f32) -> f32 {
        dy * dy * self.half_spatial2
    }
    #[inline(always)]
    fn weight<S: Simd>(self, simd: S, column: S::f32s, row: S::f32s, color: S::f32s) -> S::f32s {
        let within = simd.less_than_or_equal_f32s(color, simd.splat_f32s(self.limit));
        let argument = simd.mul_add_e_f32s(
            color,
            simd.splat_f32s(self.half_range2),
            simd.add_f32s(column, row),
        );
        let argument = simd.select_f32s(within, argument, simd.splat_f32s(f32::INFINITY));
        exp_of_minus(simd, argument)
    }
}

/// `exp(-x)` for `x >= 0`, within 2 ulp; 0 where it would not be a normal number.
#[inline(always)]
fn exp_of_minus<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const FLOOR: f32 = 87.336_54;
    const TAYLOR: [f32; 8] = [
        0.000_198_756_92,
        0.001_398_2,
        0.008_333_452,
        0.041_665_795,
        0.166_666_65,
        0.5,
        1.0,
        1.0,
    ];
    let s = |c: f32| simd.splat_f32s(c);
    let held = simd.min_f32s(x, s(FLOOR));
    let t = simd.mul_add_e_f32s(held, s(-std::f32::consts::LOG2_E), s(ROUND));
    let n = simd.sub_f32s(t, s(ROUND));
    // r = -x - n ln 2, with ln 2 in two parts.
    let r = simd.mul_add_e_f32s(n, s(-0.693_145_75), simd.sub_f32s(s(0.0), held));
    let r = simd.mul_add_e_f32s(n, s(-1.428_606_8e-6), r);
    let mut p = s(TAYLOR[0]);
    for c in &TAYLOR[1..] {
        p = simd.mul_add_e_f32s(p, r, s(*c));
    }
    let bits = simd.transmute_u32s_f32s(t);
    let exponent = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
    let scale = simd.add_u32s(exponent, simd.splat_u32s(127 << 23));
    let value = simd.mul_f32s(p, simd.transmute_f32s_u32s(scale));
    simd.select_f32s(simd.less_than_f32s(x, s(FLOOR)), value, s(0.0))
}
