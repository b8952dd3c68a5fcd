//! The weight of one pair, by plain scalar code: the reference engine's arithmetic, and the tree's bounds.

use super::bound::{Bound, BoundAtom, Op, Scale, Width};
use crate::Float;
use crate::isa::{Isa, Standard};
use crate::metric::Link;
use crate::profile::{Curve, CurveVisitor, Form, Input};

/// `factor * exp(log)`, with `factor >= 0`: what underflows sits in `log`, what vanishes exactly in `factor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight<T> {
    pub(crate) log: T,
    pub(crate) factor: T,
}

impl<T: Float> Weight<T> {
    /// No weight at all.
    pub(crate) const NONE: Self = Self {
        log: T::ZERO,
        factor: T::ZERO,
    };

    pub(crate) fn log_weight(self) -> T {
        if self.factor <= T::ZERO {
            T::NEG_INFINITY
        } else if self.factor == T::ONE {
            self.log
        } else {
            self.log + self.factor.ln_std()
        }
    }

    fn plus(self, other: Self) -> Self {
        if self.factor <= T::ZERO {
            return other;
        }
        if other.factor <= T::ZERO {
            return self;
        }
        let log = self.log.max(other.log);
        if log == T::NEG_INFINITY {
            return self;
        }
        let part = |w: Self| w.factor * (w.log - log).exp_std();
        Self {
            log,
            factor: part(self) + part(other),
        }
    }
}

/// The place of the greatest weight.
pub(crate) fn best<T: Float>(weights: &[Weight<T>]) -> usize {
    let better = |best, i| {
        if heavier(weights[i], weights[best]) {
            i
        } else {
            best
        }
    };
    (1..weights.len()).fold(0, better)
}

#[inline(always)]
pub(crate) fn heavier<T: Float>(a: Weight<T>, b: Weight<T>) -> bool {
    if a.log == b.log {
        a.factor > b.factor
    } else {
        a.log_weight() > b.log_weight()
    }
}

struct At<'a, T> {
    atom: &'a BoundAtom<T>,
    raw: T,
    scale: Scale<T>,
}

impl<T: Float> CurveVisitor for At<'_, T> {
    type Out = Weight<T>;
    #[inline(always)]
    fn visit<C: Curve>(self, curve: C) -> Weight<T> {
        let u = input(self.atom.link, C::INPUT, self.raw);
        let y = curve.at_width(Standard, u, self.scale.inverse, self.scale.width);
        match C::FORM {
            Form::Log => Weight {
                log: y,
                factor: if y == T::NEG_INFINITY {
                    T::ZERO
                } else {
                    T::ONE
                },
            },
            Form::Weight => Weight {
                log: T::ZERO,
                factor: y,
            },
        }
    }
}

/// A raw number as what the curve wants.
#[inline(always)]
pub(crate) fn input<T: Float>(link: Link, input: Input, raw: T) -> T {
    let distance = || link.distance(raw);
    match (input, link) {
        (Input::Squared, Link::Squared) => raw,
        (Input::Squared, _) => {
            let d = distance();
            d * d
        }
        _ => distance(),
    }
}

impl<T: Float> BoundAtom<T> {
    /// Factor of a feature's difference.
    #[inline(always)]
    pub(crate) fn factor(&self, feature: usize) -> f64 {
        self.feature_scale
            .as_ref()
            .map_or(1.0, |s| s[feature].to_f64())
    }

    /// The raw number of a query and a key, given as features.
    pub(crate) fn raw(&self, query: &[T], key: impl Fn(usize) -> T) -> T {
        let q = self.features.iter().map(|&f| query[f]);
        let k = self.features.iter().map(|&f| key(f));
        self.combine.raw(q, k, self.feature_scale.as_deref())
    }

    /// The scale at a key's slot, `own` being the query's.
    #[inline(always)]
    pub(crate) fn scale_at(&self, slot: usize, own: Option<Scale<T>>) -> Scale<T> {
        match (&self.width, own) {
            (Width::Fixed(scale), _) => *scale,
            (Width::Site { inverse, width }, _) => Scale {
                inverse: inverse[slot],
                width: width[slot],
            },
            (Width::Query(_), Some(scale)) => scale,
            (Width::Query(k), None) => unreachable!("scale of the {k}-th neighbour is not set"),
        }
    }

    /// The weight at a raw number.
    #[inline(always)]
    pub(crate) fn weight(&self, raw: T, scale: Scale<T>) -> Weight<T> {
        self.profile.visit(At {
            atom: self,
            raw,
            scale,
        })
    }
}

impl<T: Float> Bound<T> {
    /// Runs the kernel's algebra on the weights of its atoms. `stack` is scratch.
    #[inline(always)]
    pub(crate) fn combine(
        &self,
        stack: &mut Vec<Weight<T>>,
        mut atom: impl FnMut(usize) -> Weight<T>,
    ) -> Weight<T> {
        if let [Op::Atom(i)] = self.program[..] {
            return atom(i);
        }
        stack.clear();
        for op in &self.program {
            match *op {
                Op::Atom(i) => stack.push(atom(i)),
                Op::Multiply | Op::Add => {
                    let (Some(b), Some(a)) = (stack.pop(), stack.pop()) else {
                        unreachable!("the program keeps its own stack");
                    };
                    stack.push(match op {
                        Op::Add => a.plus(b),
                        _ => Weight {
                            log: a.log + b.log,
                            factor: a.factor * b.factor,
                        },
                    });
                }
                Op::Scale(s) => {
                    if let Some(top) = stack.last_mut() {
                        top.factor *= T::from_f64(s);
                    }
                }
                Op::Power(p) => {
                    if let Some(top) = stack.last_mut() {
                        *top = power(Standard, *top, p);
                    }
                }
            }
        }
        stack.pop().unwrap_or(Weight {
            log: T::ZERO,
            factor: T::ZERO,
        })
    }
}

/// A weight to a positive power: its factor goes to the logarithm, where a great power does not underflow.
#[inline(always)]
pub(crate) fn power<T: Float, I: Isa>(isa: I, w: Weight<T>, p: f64) -> Weight<T> {
    let tiny = T::MIN_POSITIVE;
    Weight {
        log: (w.log + isa.ln(w.factor.max(tiny))) * T::from_f64(p),
        factor: if w.factor > tiny { T::ONE } else { T::ZERO },
    }
}
