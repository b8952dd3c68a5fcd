//! Which instructions a piece of code may use: chosen once, at run time.
//!
//! A [`Task`] is written as plain scalar loops; [`dispatch`] compiles a copy of it for each instruction set (through
//! `pulp`, which keeps the unsafe call to itself) and runs the widest one that this machine has.

mod calls;

use crate::Float;
pub use crate::lanes::gram::{Gram, gram_len};
use crate::lanes::{Fold, PANEL, Side};

/// The arithmetic of an instruction set.
pub trait Isa: Copy + Send + Sync + 'static {
    /// Runs a task as a function of its own under the same instructions: compiled once, however many places call it.
    fn enter<K: Task>(self, task: K) -> K::Out;
    /// `a * b + c`
    fn fma<T: Float>(self, a: T, b: T, c: T) -> T;
    /// Exponential.
    #[inline(always)]
    fn exp<T: Float>(self, x: T) -> T {
        x.exp_vector(self)
    }
    /// The same for a number that is not above 1, negative infinity included.
    #[inline(always)]
    fn exp_below_one<T: Float>(self, x: T) -> T {
        x.exp_below_one(self)
    }
    /// Natural logarithm of a positive normal number.
    #[inline(always)]
    fn ln<T: Float>(self, x: T) -> T {
        x.ln_vector(self)
    }
    // Reductions are asked for by name: the compiler does not see through loops that keep lanes of sums.
    /// Sum of a short run: partial sums in the number's own precision, widened at the end.
    #[inline(always)]
    fn sum<T: Float>(self, x: &[T]) -> f64 {
        x.iter().map(|x| x.to_f64()).sum()
    }
    /// Sum of products of two equally long short runs, likewise.
    #[inline(always)]
    fn dot<T: Float>(self, x: &[T], y: &[T]) -> f64 {
        let products = x.iter().zip(y).map(|(x, y)| x.to_f64() * y.to_f64());
        products.sum()
    }
    /// The largest of a run; negative infinity for none.
    #[inline(always)]
    fn largest<T: Float>(self, x: &[T]) -> T {
        x.iter().fold(T::NEG_INFINITY, |a, b| b.max(a))
    }
    /// The smallest of a run; infinity for none.
    #[inline(always)]
    fn smallest<T: Float>(self, x: &[T]) -> T {
        x.iter().fold(T::INFINITY, |a, b| b.min(a))
    }
    /// Adds the sums of a [`Gram`] over a short run to `out`, of [`gram_len`].
    #[inline(always)]
    fn gram<T: Float>(self, gram: Gram<'_, T>, out: &mut [f64]) {
        gram.plain(out);
    }
    /// See `Lanes::tile_vector`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn tile<T: Float, const G: usize>(
        self,
        fold: Fold,
        queries: Side<'_, T, G>,
        features: &[usize],
        factors: Option<&[T]>,
        keys: &[T],
        stride: usize,
        out: [&mut [T]; G],
    ) {
        let keys = |f: usize| {
            let panels = keys.chunks_exact(stride);
            panels.flat_map(move |panel| &panel[f * PANEL..][..PANEL])
        };
        for (g, out) in out.into_iter().enumerate() {
            out.fill(T::ZERO);
            for (c, &f) in features.iter().enumerate() {
                let (q, factor) = (queries.at(g, c, f), factors.map_or(T::ONE, |w| w[c]));
                for (o, &k) in out.iter_mut().zip(keys(f)) {
                    let d = (q - k) * factor;
                    *o = match fold {
                        Fold::Squared => self.fma(d, d, *o),
                        Fold::Product => self.fma(q, k, *o),
                        Fold::Absolute => *o + d.abs(),
                        Fold::Largest => o.max(d.abs()),
                    };
                }
            }
        }
    }
    /// See `Lanes::expand_vector`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn expand<T: Float, const G: usize>(
        self,
        queries: Side<'_, T, G>,
        (own, norms): ([T; G], &[T]),
        features: &[usize],
        keys: &[T],
        stride: usize,
        mut out: [&mut [T]; G],
    ) {
        let each = out.each_mut().map(|o| &mut **o);
        self.tile(Fold::Product, queries, features, None, keys, stride, each);
        for (out, own) in out.into_iter().zip(own) {
            for (o, norm) in out.iter_mut().zip(norms) {
                *o = (own + *norm - *o).max(T::ZERO);
            }
        }
    }
    /// See `Lanes::weigh_vector`.
    #[inline(always)]
    fn weigh<T: Float, const G: usize>(
        self,
        weight: impl Fn(usize, usize) -> T + Copy,
        rows: &[T],
        stride: usize,
        out: [&mut [f64]; G],
    ) {
        for (g, out) in out.into_iter().enumerate() {
            for (i, row) in rows.chunks_exact(stride).enumerate() {
                let w = weight(i, g).to_f64();
                for (o, v) in out.iter_mut().zip(row) {
                    *o += w * v.to_f64();
                }
            }
        }
    }
}

/// Fused multiply-add in one instruction (AVX2+FMA, AVX-512, NEON), and the vectors of that machine.
#[derive(Clone, Copy, Debug)]
pub struct Fused<S>(S);

/// Multiply, then add.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// The standard library's functions: the reference engine's arithmetic.
#[derive(Clone, Copy, Debug)]
pub struct Standard;

impl<S: pulp::Simd + Send + Sync + 'static> Isa for Fused<S> {
    #[inline(always)]
    fn enter<K: Task>(self, task: K) -> K::Out {
        self.0.vectorize(Op(task, self))
    }
    #[inline(always)]
    fn fma<T: Float>(self, a: T, b: T, c: T) -> T {
        a.fused(b, c)
    }
    #[inline(always)]
    fn sum<T: Float>(self, x: &[T]) -> f64 {
        T::sum_vector(self.0, x)
    }
    #[inline(always)]
    fn dot<T: Float>(self, x: &[T], y: &[T]) -> f64 {
        T::dot_vector(self.0, x, y)
    }
    #[inline(always)]
    fn largest<T: Float>(self, x: &[T]) -> T {
        T::largest_vector(self.0, x)
    }
    #[inline(always)]
    fn smallest<T: Float>(self, x: &[T]) -> T {
        T::smallest_vector(self.0, x)
    }
    #[inline(always)]
    fn gram<T: Float>(self, gram: Gram<'_, T>, out: &mut [f64]) {
        let simd = self.0;
        simd.vectorize(calls::Sums { simd, gram, out });
    }
    #[inline(always)]
    fn tile<T: Float, const G: usize>(
        self,
        fold: Fold,
        queries: Side<'_, T, G>,
        features: &[usize],
        factors: Option<&[T]>,
        keys: &[T],
        stride: usize,
        out: [&mut [T]; G],
    ) {
        let simd = self.0;
        simd.vectorize(calls::Tile {
            simd,
            fold,
            queries,
            features,
            factors,
            keys,
            stride,
            out,
        });
    }
    #[inline(always)]
    fn expand<T: Float, const G: usize>(
        self,
        queries: Side<'_, T, G>,
        norms: ([T; G], &[T]),
        features: &[usize],
        keys: &[T],
        stride: usize,
        out: [&mut [T]; G],
    ) {
        let simd = self.0;
        simd.vectorize(calls::Expand {
            simd,
            queries,
            norms,
            features,
            keys,
            stride,
            out,
        });
    }
    #[inline(always)]
    fn weigh<T: Float, const G: usize>(
        self,
        weight: impl Fn(usize, usize) -> T + Copy,
        rows: &[T],
        stride: usize,
        out: [&mut [f64]; G],
    ) {
        let simd = self.0;
        simd.vectorize(calls::Weigh {
            simd,
            weight,
            rows,
            stride,
            out,
        });
    }
}

impl Isa for Plain {
    #[inline(never)]
    fn enter<K: Task>(self, task: K) -> K::Out {
        task.run(self)
    }
    #[inline(always)]
    fn fma<T: Float>(self, a: T, b: T, c: T) -> T {
        a * b + c
    }
}

impl Isa for Standard {
    #[inline(never)]
    fn enter<K: Task>(self, task: K) -> K::Out {
        task.run(self)
    }
    #[inline(always)]
    fn fma<T: Float>(self, a: T, b: T, c: T) -> T {
        a * b + c
    }
    #[inline(always)]
    fn exp<T: Float>(self, x: T) -> T {
        x.exp_std()
    }
    #[inline(always)]
    fn exp_below_one<T: Float>(self, x: T) -> T {
        x.exp_std()
    }
    #[inline(always)]
    fn ln<T: Float>(self, x: T) -> T {
        x.ln_std()
    }
}

/// A piece of vector work. `run` must be `#[inline(always)]`, all the way down to its loops.
pub trait Task {
    /// What the work returns.
    type Out;
    /// The work itself.
    fn run<I: Isa>(self, isa: I) -> Self::Out;
}

struct Op<K, I>(K, I);

impl<K: Task, I: Isa> pulp::NullaryFnOnce for Op<K, I> {
    type Output = K::Out;
    #[inline(always)]
    fn call(self) -> K::Out {
        self.0.run(self.1)
    }
}

/// Runs a task with the widest instructions of this machine.
#[inline]
pub fn dispatch<K: Task>(task: K) -> K::Out {
    use pulp::Arch;
    match Arch::new() {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Arch::V4(simd) => simd.vectorize(Op(task, Fused(simd))),
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Arch::V3(simd) => simd.vectorize(Op(task, Fused(simd))),
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(simd) => simd.vectorize(Op(task, Fused(simd))),
        _ => task.run(Plain),
    }
}

/// Runs a task with all the instructions that this machine has, the widest first.
#[cfg(test)]
pub(crate) fn dispatch_each<K: Task>(task: impl Fn() -> K) -> Vec<K::Out> {
    #[allow(unused_mut)]
    let mut out = vec![dispatch(task())];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(simd) = pulp::x86::V3::try_new() {
        out.push(simd.vectorize(Op(task(), Fused(simd))));
    }
    out
}

/// A family of tasks, one for each number type, that is compiled where it is written: `dispatch` in a generic function would be
/// compiled again, for every instruction set, in each crate that calls that function.
pub trait Compiled {
    /// The task.
    type In<T: Float>;
    /// What it returns.
    type Out<T: Float>;
    /// Dispatches the task on `f32`.
    fn single(task: Self::In<f32>) -> Self::Out<f32>;
    /// Dispatches the task on `f64`.
    fn double(task: Self::In<f64>) -> Self::Out<f64>;
}

/// Names the family of a task `$task<'a, T>`.
macro_rules! compiled {
    ($(#[$doc:meta])* $name:ident, $task:ident) => {
        $(#[$doc])*
        struct $name<'a>(std::marker::PhantomData<&'a ()>);

        impl<'a> $crate::isa::Compiled for $name<'a> {
            type In<T: $crate::Float> = $task<'a, T>;
            type Out<T: $crate::Float> = <$task<'a, T> as $crate::isa::Task>::Out;

            #[inline(never)]
            fn single(task: $task<'a, f32>) -> Self::Out<f32> {
                $crate::isa::dispatch(task)
            }

            #[inline(never)]
            fn double(task: $task<'a, f64>) -> Self::Out<f64> {
                $crate::isa::dispatch(task)
            }
        }
    };
}
pub(crate) use compiled;
