//! Every curve against its formula in double precision, with all the instructions that this machine has.

use super::{Curve, CurveVisitor, Form, Input, PROFILES, Profile};
use crate::Float;
use crate::isa::{Isa, Task, dispatch_each};
use locality_testing::formula::log_profile;

/// The curve at some places.
#[derive(Clone, Copy)]
struct Run<'a, T> {
    profile: Profile,
    x: &'a [T],
}

impl<T: Float> Task for Run<'_, T> {
    type Out = Vec<T>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<T> {
        self.profile.visit(At { isa, x: self.x })
    }
}

struct At<'a, T, I> {
    isa: I,
    x: &'a [T],
}

impl<T: Float, I: Isa> CurveVisitor for At<'_, T, I> {
    type Out = Vec<T>;
    #[inline(always)]
    fn visit<C: Curve>(self, curve: C) -> Vec<T> {
        self.x.iter().map(|x| curve.at(self.isa, *x)).collect()
    }
}

/// The worst error of a curve in single precision, in units of the last place of what it returns; for a logarithm these are not finer than
/// that of 1, since so much is a rounding of the weight itself, and for a weight that ends somewhere they are that of its largest.
fn worst(profile: Profile) -> f64 {
    let info = profile.info();
    let from = |u: f64| match profile.input() {
        Input::Squared => (u * u) as f32,
        Input::Plain | Input::Score => u as f32,
    };
    let scores = info.takes == super::Takes::Score;
    let places = (0..=40_000).map(|i| f64::from(i) / 40_000.0);
    let x: Vec<f32> = if scores {
        places.map(|t| from(60.0 * t - 30.0)).collect()
    } else {
        // The logarithm of the distance, evenly, and the last stretch before one bandwidth.
        let wide = places.clone().map(|t| from(10_f64.powf(7.0 * t - 5.0)));
        wide.chain(places.map(|t| from(0.5 + 0.5 * t))).collect()
    };
    let ends = info.bounded || matches!(info.name, "s" | "z");
    let mut worst = 0.0_f64;
    for out in dispatch_each(|| Run { profile, x: &x }) {
        for (x, got) in x.iter().zip(out) {
            let (x, got) = (f64::from(*x), f64::from(got));
            let u = if profile.input() == Input::Squared {
                x.sqrt()
            } else {
                x
            };
            let log = log_profile(info.name, &profile.values(), u).unwrap();
            let (want, unit) = match profile.form() {
                Form::Log => (log, log.abs().max(1.0)),
                Form::Weight if ends => (log.exp(), 1.0),
                Form::Weight => (log.exp(), log.exp()),
            };
            if want == got {
                continue;
            }
            worst = worst.max((got - want).abs() / (unit * f64::from(f32::EPSILON)));
        }
    }
    worst
}

#[test]
fn every_curve_is_within_two_units_in_the_last_place() {
    let mut beyond = Vec::new();
    for info in PROFILES {
        let worst = worst(Profile::from_name(info.name, &[]).unwrap());
        if worst.is_nan() || worst > 2.0 {
            beyond.push((info.name, worst));
        }
    }
    assert!(beyond.is_empty(), "{beyond:?}");
}
