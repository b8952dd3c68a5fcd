//! Sums along the axes of a grid of rows of numbers.

use crate::isa::{Compiled, Isa, Task, dispatch};
use crate::{Float, Result, Watch, par};

/// An axis of a grid: its nodes, and the weights of a node at 0, 1, .. steps.
#[derive(Clone, Debug)]
pub(super) struct Axis<T> {
    pub(super) nodes: usize,
    pub(super) taps: Vec<T>,
}

/// Numbers that are summed up at a time: few enough to stay in the first-level cache.
const RUN: usize = 1024;

/// `out[g] = sum_h taps[|g - h|] in[h]` along every axis of a grid. The first axis counts planes, one `Vec` each; within a plane follow
/// the other axes and then `width` numbers for each node.
pub(super) fn blur<T: Float>(
    planes: &[Vec<T>],
    axes: &[Axis<T>],
    width: usize,
    watch: &Watch<'_>,
) -> Result<Vec<Vec<T>>> {
    let size = planes.first().map_or(0, Vec::len);
    let empty = |run: &[T]| run.iter().all(|x| *x == T::ZERO);
    // A grid around the colours of a picture is mostly empty.
    let full: Vec<Vec<bool>> = planes
        .iter()
        .map(|plane| plane.chunks(RUN).map(|run| !empty(run)).collect())
        .collect();
    let blocks = par::map_blocks(&watch.quiet(), planes.len(), 1, |range| {
        let mut plane = vec![T::ZERO; size];
        let reach = axes[0].taps.len() - 1;
        let near = range.start.saturating_sub(reach)..(range.start + reach + 1).min(planes.len());
        let sources = near.map(|h| Source {
            weight: axes[0].taps[h.abs_diff(range.start)],
            plane: &planes[h],
            full: &full[h],
        });
        let sources: Vec<Source<'_, T>> = sources.collect();
        T::run_compiled::<Combines<'_>>(Combine {
            out: &mut plane,
            sources: &sources,
        });
        let mut inner = size;
        for axis in &axes[1..] {
            inner /= axis.nodes;
            let mut out = vec![T::ZERO; size];
            T::run_compiled::<Alongs<'_>>(Along {
                out: &mut out,
                plane: &plane,
                axis,
                inner,
            });
            plane = out;
        }
        debug_assert_eq!(inner, width);
        Ok(plane)
    })?;
    Ok(blocks)
}

/// A plane, its weight, and which of its runs are not all zero.
struct Source<'a, T> {
    weight: T,
    plane: &'a [T],
    full: &'a [bool],
}

/// A weighted sum of planes.
struct Combine<'a, T> {
    out: &'a mut [T],
    sources: &'a [Source<'a, T>],
}

/// The sums along one axis of a plane, of which `inner` numbers are one step.
struct Along<'a, T> {
    out: &'a mut [T],
    plane: &'a [T],
    axis: &'a Axis<T>,
    inner: usize,
}

#[inline(always)]
fn add<T: Float, I: Isa>(isa: I, out: &mut [T], weight: T, run: &[T]) {
    for (o, x) in out.iter_mut().zip(run) {
        *o = isa.fma(weight, *x, *o);
    }
}

impl<T: Float> Task for Combine<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for (at, out) in self.out.chunks_mut(RUN).enumerate() {
            for source in self.sources.iter().filter(|s| s.full[at]) {
                let run = &source.plane[at * RUN..][..out.len()];
                add(isa, out, source.weight, run);
            }
        }
    }
}

impl<T: Float> Task for Along<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (nodes, inner) = (self.axis.nodes, self.inner);
        let reach = self.axis.taps.len() - 1;
        let lines = self.plane.chunks_exact(nodes * inner);
        for (line, out) in lines.zip(self.out.chunks_exact_mut(nodes * inner)) {
            for (h, run) in line.chunks_exact(inner).enumerate() {
                if run.iter().all(|x| *x == T::ZERO) {
                    continue;
                }
                for g in h.saturating_sub(reach)..(h + reach + 1).min(nodes) {
                    let weight = self.axis.taps[h.abs_diff(g)];
                    add(isa, &mut out[g * inner..][..inner], weight, run);
                }
            }
        }
    }
}

/// Names a family of tasks, so that it is compiled here for both number types.
macro_rules! family {
    ($name:ident, $task:ident) => {
        struct $name<'a>(std::marker::PhantomData<&'a ()>);

        impl<'a> Compiled for $name<'a> {
            type In<T: Float> = $task<'a, T>;
            type Out<T: Float> = <$task<'a, T> as Task>::Out;
            #[inline(never)]
            fn single(task: $task<'a, f32>) -> Self::Out<f32> {
                dispatch(task)
            }
            #[inline(never)]
            fn double(task: $task<'a, f64>) -> Self::Out<f64> {
                dispatch(task)
            }
        }
    };
}
pub(super) use family;

family!(Combines, Combine);
family!(Alongs, Along);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_along_three_axes_are_the_plain_ones() {
        let (shape, width) = ([4, 5, 3], 2);
        let taps = [
            vec![1.0, 0.5],
            vec![2.0, -0.25, 0.125],
            vec![1.0, 0.75, 0.5],
        ];
        let axes: Vec<Axis<f64>> = shape
            .iter()
            .zip(&taps)
            .map(|(&nodes, taps)| Axis {
                nodes,
                taps: taps.clone(),
            })
            .collect();
        let size = shape[1] * shape[2] * width;
        let planes: Vec<Vec<f64>> = (0..shape[0])
            .map(|p| (0..size).map(|i| ((p * size + i) as f64).sin()).collect())
            .collect();
        let out = blur(&planes, &axes, width, &Watch::default()).unwrap();
        let place = |i: usize| [i / 15, i / 3 % 5, i % 3];
        for g in 0..60 {
            for c in 0..width {
                let mut want = 0.0;
                for h in 0..60 {
                    let (a, b) = (place(g), place(h));
                    let weights = (0..3).map(|x| {
                        let tap = taps[x].get(a[x].abs_diff(b[x]));
                        tap.copied().unwrap_or(0.0)
                    });
                    want += weights.product::<f64>() * planes[h / 15][h % 15 * width + c];
                }
                let own = out[g / 15][g % 15 * width + c];
                assert!((own - want).abs() < 1e-12, "{own} {want}");
            }
        }
    }
}
