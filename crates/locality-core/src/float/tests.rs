//! The functions against the standard library's, and reductions against plain ones.

use super::*;
use crate::isa::{Isa, Plain, Standard, Task, dispatch};

fn worst<I: Isa>(isa: I) -> (f64, f64, f64, f64) {
    let mut w = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for i in 0..200_000 {
        let x = -87.0 * f64::from(i) / 200_000.0;
        let x32 = x as f32;
        let e = (x32 as f64).exp();
        w.0 = w.0.max(((x32.exp_vector(isa) as f64) / e - 1.0).abs());
        let x64 = x * 8.0;
        w.1 = w.1.max((x64.exp_vector(isa) / x64.exp() - 1.0).abs());
        let y = (x / 3.0).exp() * 40.0;
        let y32 = y as f32;
        w.2 =
            w.2.max(((y32.ln_vector(isa) as f64) / (y32 as f64).ln() - 1.0).abs());
        w.3 = w.3.max((y.ln_vector(isa) / y.ln() - 1.0).abs());
    }
    w
}

struct Worst;

impl Task for Worst {
    type Out = (f64, f64, f64, f64);
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Out {
        worst(isa)
    }
}

#[test]
fn exp_and_ln_are_within_two_ulp() {
    for w in [dispatch(Worst), worst(Plain)] {
        assert!(w.0 < 2.0 * f32::EPSILON as f64, "exp f32 {}", w.0);
        assert!(w.1 < 2.0 * f64::EPSILON, "exp f64 {}", w.1);
        assert!(w.2 < 1.25 * f32::EPSILON as f64, "ln f32 {}", w.2);
        assert!(w.3 < 2.0 * f64::EPSILON, "ln f64 {}", w.3);
    }
}

struct WorstBelow;

impl Task for WorstBelow {
    type Out = f64;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f64 {
        let numbers = (0..200_000).map(|i| 0.5 - 87.8 * (f64::from(i) / 200_000.0));
        let apart = numbers.map(|x| {
            let x = x as f32;
            ((isa.exp_below_one(x) as f64) / (x as f64).exp() - 1.0).abs()
        });
        apart.fold(0.0, f64::max)
    }
}

#[test]
fn exp_of_what_is_not_above_one() {
    for w in [dispatch(WorstBelow), WorstBelow.run(Plain)] {
        assert!(w < 2.0 * f32::EPSILON as f64, "{w}");
    }
    for x in [f32::NEG_INFINITY, f32::MIN, -1e10, -200.0, -87.4] {
        assert_eq!(Plain.exp_below_one(x), 0.0, "{x}");
    }
    assert_eq!(Plain.exp_below_one(0.0_f32), 1.0);
}

#[test]
fn exp_flushes_instead_of_going_denormal() {
    assert_eq!((-87.4_f32).exp_vector(Plain), 0.0);
    assert_eq!(f32::NEG_INFINITY.exp_vector(Plain), 0.0);
    assert_eq!((-709.0_f64).exp_vector(Plain), 0.0);
    assert_eq!(0.0_f64.exp_vector(Plain), 1.0);
    assert_eq!(0.0_f32.exp_vector(Plain), 1.0);
    assert_eq!(1.0_f32.ln_vector(Plain), 0.0);
}

struct Reduce<'a, T>(&'a [T], &'a [T]);

impl<T: Float> Task for Reduce<'_, T> {
    type Out = (f64, f64, T, T);
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Out {
        let Self(x, y) = self;
        (isa.sum(x), isa.dot(x, y), isa.largest(x), isa.smallest(x))
    }
}

#[test]
fn reductions_in_vectors_equal_plain_ones() {
    for n in [0, 1, 15, 16, 17, 31, 33, 64, 100] {
        let x: Vec<f64> = (0..n).map(|i| f64::from(i * 37 % 23) - 9.0).collect();
        let y: Vec<f64> = (0..n).map(|i| f64::from(i * 11 % 17) - 5.0).collect();
        let plain = Reduce(&x, &y).run(Standard);
        assert_eq!(dispatch(Reduce(&x, &y)), plain);
        let (x, y): (Vec<f32>, Vec<f32>) = x
            .iter()
            .zip(&y)
            .map(|(a, b)| (*a as f32, *b as f32))
            .unzip();
        let narrow = dispatch(Reduce(&x, &y));
        assert_eq!((narrow.0, narrow.1), (plain.0, plain.1));
        assert_eq!((narrow.2 as f64, narrow.3 as f64), (plain.2, plain.3));
    }
}
