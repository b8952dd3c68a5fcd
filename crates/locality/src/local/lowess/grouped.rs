//! Neighbouring targets together: shared moments of what lies deep inside all their windows, and the rest row by row.

use crate::isa::{Isa, Task, dispatch};
use crate::par::map_blocks;
use crate::{Result, Watch};

use super::data::Data;
use super::direct::{LEAST_WEIGHT, Local, local};
use super::moments::{Moments, Place, Places, Tree, WIDE, Wide, shift};
use super::plan::Target;

/// Most targets of a group.
const TOGETHER: usize = 32;
/// Most rows that the windows' ends, and the targets themselves, may lie apart in a group.
const APART: usize = 96;
/// Fewer rows than this are not worth a set of moments.
const FEW: usize = 48;
/// How many times the rows all windows must hold together before moments pay.
const WORTH: usize = 8;
/// Groups that one thread takes at a time.
const BLOCK: usize = 8;
/// Bound on the rounding errors of a shifted moment, in units of the sum of the absolute values behind it: some dozen
/// additions at each of some twenty levels, and the tricube's coefficients, which add up to 8 (those of its square to 64).
const ROUNDING: f64 = 512.0 * f64::EPSILON;
/// How large the bound on an answer's error may be, as a share of the answer or of the median response.
const ALLOWED: f64 = 5e-11;
/// The same for the variance, as a share of itself.
const ALLOWED_NORM: f64 = 1e-8;

/// How a fit is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    /// Rows of a window.
    pub(super) k: usize,
    pub(super) degree: usize,
    /// Whether the norms are wanted.
    pub(super) norms: bool,
    /// Whether every target is a row.
    pub(super) at_rows: bool,
}

/// The local fits at targets in ascending order.
pub(super) fn locals(
    data: &Data,
    places: &Places,
    targets: &[Target],
    ask: Ask,
    watch: &Watch<'_>,
) -> Result<Vec<Local>> {
    // The sums need moments up to the tricube's degree (9, its square 18) plus the polynomial's, twice for the weights alone.
    let run = match (ask.degree, ask.norms) {
        (0, false) => locals_of::<0, 10, 10>,
        (1, false) => locals_of::<1, 12, 11>,
        (_, false) => locals_of::<2, 14, 12>,
        (0, true) => locals_of::<0, 19, 10>,
        (1, true) => locals_of::<1, 21, 11>,
        (_, true) => locals_of::<2, 23, 12>,
    };
    run(data, places, targets, ask, watch)
}

fn locals_of<const D: usize, const P: usize, const Q: usize>(
    data: &Data,
    places: &Places,
    targets: &[Target],
    ask: Ask,
    watch: &Watch<'_>,
) -> Result<Vec<Local>> {
    // A tree is worth its making where the windows together hold many times the rows.
    if targets.len().saturating_mul(ask.k) <= WORTH * data.len() {
        let parts = map_blocks(watch, targets.len(), TOGETHER, |range| {
            let each = targets[range].iter();
            Ok(each
                .map(|target| local(data, ask.k, D, target, ask.at_rows))
                .collect::<Vec<_>>())
        })?;
        return Ok(parts.concat());
    }
    let tree = Tree::<P, Q>::new(places, data.rows(), watch)?;
    let groups = groups(targets);
    let parts = map_blocks(watch, groups.len(), BLOCK, |range| {
        let mut out = Vec::with_capacity(range.len() * TOGETHER);
        for &(from, to) in &groups[range] {
            dispatch(Group::<D, P, Q> {
                data,
                tree: &tree,
                targets: &targets[from..to],
                ask,
                out: &mut out,
            });
        }
        Ok(out)
    })?;
    Ok(parts.concat())
}

/// Runs of targets, each with its first and the one after its last.
fn groups(targets: &[Target]) -> Vec<(usize, usize)> {
    let mut groups = Vec::with_capacity(targets.len() / TOGETHER + 1);
    let mut from = 0;
    for to in 1..=targets.len() {
        let first = &targets[from];
        let ends = to == targets.len()
            || to - from == TOGETHER
            || targets[to].from - first.from > APART
            || targets[to].rank - first.rank > APART;
        if ends {
            groups.push((from, to));
            from = to;
        }
    }
    groups
}

/// Sums over the windows of targets side by side: `weight[q] = sum v w u^q`, `value[q] = sum v w y u^q`,
/// `square[q] = sum v w^2 u^q`.
#[derive(Clone, Copy, Default)]
struct Sums {
    weight: [Wide; 5],
    value: [Wide; 3],
    square: [Wide; 5],
    /// The largest weight near the windows.
    top: f64,
    /// Total weight and size of the responses behind shifted moments.
    shifted: f64,
    shifted_size: f64,
}

struct Group<'a, const D: usize, const P: usize, const Q: usize> {
    data: &'a Data,
    tree: &'a Tree<'a, P, Q>,
    targets: &'a [Target],
    ask: Ask,
    out: &'a mut Vec<Local>,
}

impl<const D: usize, const P: usize, const Q: usize> Task for Group<'_, D, P, Q> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (Some(first), Some(last)) = (self.targets.first(), self.targets.last()) else {
            return;
        };
        let k = self.ask.k;
        // What all windows hold, on the left of all targets and on the right.
        let x = &self.data.x;
        let after = last.rank + x[last.rank..].iter().take_while(|x| **x <= last.x).count();
        let left = (last.from, first.rank);
        let right = (after, first.from + k);
        let left = Some(left).filter(|(a, b)| a + FEW <= *b);
        let right = Some(right).filter(|(a, b)| a + FEW <= *b);
        let mut cores = [None, None];
        for (core, range) in cores.iter_mut().zip([left, right]) {
            *core = range.map(|(a, b)| self.tree.of(isa, a, b));
        }
        for targets in self.targets.chunks(WIDE) {
            let (low, high) = (targets[0].from, targets[targets.len() - 1].from + k);
            let (a, b) = left.unwrap_or((low, low));
            let (c, d) = right.unwrap_or((high, high));
            let mut x0 = [targets[0].x; WIDE];
            let mut per = [0.0; WIDE];
            for ((x0, per), target) in x0.iter_mut().zip(&mut per).zip(targets) {
                *x0 = target.x;
                if target.radius > 4.0 * f64::MIN_POSITIVE {
                    *per = 1.0 / target.radius;
                }
            }
            let mut sums = Sums::default();
            for (from, to) in [(low, a), (b, c), (d, high)] {
                add_rows::<I, D>(
                    isa,
                    &mut sums,
                    self.data,
                    from..to,
                    &x0,
                    &per,
                    self.ask.norms,
                );
            }
            let mut fits = [true; WIDE];
            for (core, side) in cores.iter().zip([-1.0, 1.0]) {
                if let Some((place, moments)) = core {
                    add_core::<I, D, P, Q>(
                        isa,
                        &mut sums,
                        *place,
                        moments,
                        side,
                        (&x0, &per),
                        &mut fits,
                    );
                }
            }
            for (l, target) in targets.iter().enumerate() {
                let found = Some(l).filter(|l| fits[*l] && per[*l] > 0.0);
                let found = found
                    .and_then(|l| solve::<D>(&sums, l, (self.data.scale, target.radius), self.ask));
                self.out.push(
                    found.unwrap_or_else(|| local(self.data, k, D, target, self.ask.at_rows)),
                );
            }
        }
    }
}

/// Adds rows one by one. A row outside a target's window is at least as far as the window's radius, where the weight is 0.
#[inline(always)]
fn add_rows<I: Isa, const D: usize>(
    isa: I,
    sums: &mut Sums,
    data: &Data,
    rows: std::ops::Range<usize>,
    x0: &Wide,
    per: &Wide,
    norms: bool,
) {
    let rows = data.rows().slice(rows);
    for ((&x, &y), &v) in rows.x.iter().zip(rows.y).zip(rows.v) {
        sums.top = sums.top.max(v);
        let (mut u, mut w, mut kernel) = ([0.0; WIDE], [0.0; WIDE], [0.0; WIDE]);
        for l in 0..WIDE {
            u[l] = (x - x0[l]) * per[l];
            let t = u[l].abs();
            let t = if t < 1.0 { t } else { 1.0 };
            let g = isa.fma(-t * t, t, 1.0);
            kernel[l] = g * g * g;
            w[l] = kernel[l] * v;
            // Outside all powers are of a number that is clamped, so that nothing overflows.
            u[l] = if u[l] < 1.0 { u[l] } else { 1.0 };
            u[l] = if u[l] > -1.0 { u[l] } else { -1.0 };
        }
        let mut power = w;
        for q in 0..=2 * D {
            for l in 0..WIDE {
                sums.weight[q][l] += power[l];
                if q <= D {
                    sums.value[q][l] = isa.fma(power[l], y, sums.value[q][l]);
                }
                if norms {
                    sums.square[q][l] = isa.fma(power[l], kernel[l], sums.square[q][l]);
                }
                power[l] *= u[l];
            }
        }
    }
}

/// Adds the rows behind a set of moments, all on one side of the targets: with `t = side u = a z + b` in `[0, 1]` the tricube is
/// `1 - 3 t^3 + 3 t^6 - t^9`.
#[inline(always)]
fn add_core<I: Isa, const D: usize, const P: usize, const Q: usize>(
    isa: I,
    sums: &mut Sums,
    place: Place,
    moments: &Moments<P, Q>,
    side: f64,
    (x0, per): (&Wide, &Wide),
    fits: &mut [bool; WIDE],
) {
    const TRICUBE: [f64; 4] = [1.0, -3.0, 3.0, -1.0];
    const SQUARE: [f64; 7] = [1.0, -6.0, 15.0, -20.0, 15.0, -6.0, 1.0];
    let (mut a, mut b) = ([0.0; WIDE], [0.0; WIDE]);
    for l in 0..WIDE {
        a[l] = side * place.reach * per[l];
        b[l] = side * (place.center - x0[l]) * per[l];
        fits[l] &= a[l].abs() + b[l].abs() <= 1.0 + 1e-6;
    }
    let mut weight = moments.weight.map(|m| [m; WIDE]);
    let mut value = moments.value.map(|m| [m; WIDE]);
    shift(isa, &mut weight, &a, &b);
    shift(isa, &mut value, &a, &b);
    let mut sign = 1.0;
    for q in 0..=2 * D {
        for (i, factor) in TRICUBE.into_iter().enumerate() {
            for l in 0..WIDE {
                sums.weight[q][l] += sign * factor * weight[q + 3 * i][l];
                if q <= D {
                    sums.value[q][l] += sign * factor * value[q + 3 * i][l];
                }
            }
        }
        if P >= 19 + 2 * D {
            for (i, factor) in SQUARE.into_iter().enumerate() {
                let (sums, moments) = (&mut sums.square[q], &weight[q + 3 * i]);
                for (sum, m) in sums.iter_mut().zip(moments) {
                    *sum += sign * factor * m;
                }
            }
        }
        sign *= side;
    }
    sums.top = sums.top.max(moments.top);
    sums.shifted += moments.weight[0];
    sums.shifted_size += moments.size;
}

/// The fit of one of the targets, unless the bound on its error is too large: with `z = G^-1 e_0` (`G` the matrix of the weight sums) and the
/// polynomial `beta = G^-1 T`, errors `dG` and `dT` change the answer by `z . dT - z . dG beta` and terms of second order.
#[inline(always)]
fn solve<const D: usize>(
    sums: &Sums,
    l: usize,
    (scale, radius): (f64, f64),
    ask: Ask,
) -> Option<Local> {
    let g: [f64; 5] = std::array::from_fn(|q| sums.weight[q][l]);
    let t: [f64; 3] = std::array::from_fn(|q| sums.value[q][l]);
    // Weights are at most `top`: more than that in all, and at least two rows have some.
    let two = g[0] > sums.top + ask.k as f64 * LEAST_WEIGHT;
    if !two {
        return None;
    }
    let z = solve_moments::<D>(&g, [1.0, 0.0, 0.0])?;
    let beta = solve_moments::<D>(&g, t)?;
    let value: f64 = (0..=D).map(|q| z[q] * t[q]).sum();
    let (z_size, beta_size) = (size::<D>(&z), size::<D>(&beta));
    let off = ROUNDING * z_size * (sums.shifted_size + (sums.shifted + g[0]) * beta_size);
    let answer = off <= ALLOWED * value.abs().max(scale);
    let mut norm = 0.0;
    if ask.norms {
        for (i, a) in z[..=D].iter().enumerate() {
            for (j, b) in z[..=D].iter().enumerate() {
                norm += a * b * sums.square[i + j][l];
            }
        }
        let off = ROUNDING * z_size * (sums.shifted * z_size + (sums.shifted + g[0]) * z_size);
        if off > ALLOWED_NORM * norm {
            return None;
        }
    }
    answer.then_some(Local {
        value,
        g: z,
        norm,
        radius,
    })
}

fn size<const D: usize>(x: &[f64; 3]) -> f64 {
    x[..=D].iter().map(|x| x.abs()).sum()
}

/// Solves `G x = b` for the symmetric matrix `G[i][j] = g[i + j]` of order `D + 1`; none where it is not positive definite.
#[inline(always)]
fn solve_moments<const D: usize>(g: &[f64; 5], b: [f64; 3]) -> Option<[f64; 3]> {
    let mut x = b;
    let mut lower = [[0.0; 3]; 3];
    let mut pivot = [0.0; 3];
    for i in 0..=D {
        for j in 0..=i {
            let mut sum = g[i + j];
            for m in 0..j {
                sum -= lower[i][m] * lower[j][m] * pivot[m];
            }
            if j < i {
                lower[i][j] = sum / pivot[j];
            } else if sum > 1e-9 * g[0] {
                pivot[i] = sum;
            } else {
                return None;
            }
        }
    }
    for i in 0..=D {
        for j in 0..i {
            x[i] -= lower[i][j] * x[j];
        }
    }
    for i in (0..=D).rev() {
        x[i] /= pivot[i];
        for j in i + 1..=D {
            x[i] -= lower[j][i] * x[j];
        }
    }
    Some(x)
}
