//! A system laid out for tables: each condition is computed once for a block of rows, and rules fold whole runs.

use super::defuzzify::{Defuzzifier, Grid};
use super::hedge::Hedge;
use super::infer::{self, Mamdani, Uses, Weighted};
use super::membership::Membership;
use super::narrow;
use super::rule::{Antecedent, Consequent};
use super::shape::Shape;
use super::system::{FuzzySystem, Powered, Settings, conjunction};
use super::variable::{Conclusion, Inference, Output};
use crate::isa::{Isa, Task, dispatch};
use crate::{Float, Result, Rows, Watch, par};

/// Rows of a block.
const BLOCK: usize = 256;

/// A condition `input IS hedges term`.
#[derive(Clone, Debug, PartialEq)]
struct Atom {
    input: usize,
    hedges: Vec<Hedge>,
    term: usize,
}

/// A step of a rule's antecedent, on a stack of runs of degrees.
#[derive(Clone, Debug)]
enum Op {
    Push(usize),
    AndAtom(usize),
    OrAtom(usize),
    And,
    Or,
    Not,
}

/// How the rules' firing is found.
enum Firing {
    /// By norms, on degrees.
    Degrees {
        atoms: Vec<Atom>,
        programs: Vec<Vec<Op>>,
    },
    /// Products of powers, as sums of logarithms, over `divisor`.
    Logs {
        rules: Vec<Vec<Powered>>,
        divisor: f64,
    },
}

/// How an output is found.
pub(super) enum Target<'a> {
    Mamdani(Mamdani),
    Weighted(Weighted<'a>),
}

pub(super) struct Plan<'a> {
    system: &'a FuzzySystem,
    firing: Firing,
    targets: Vec<Target<'a>>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(system: &'a FuzzySystem) -> Self {
        let targets = system.outputs().iter().enumerate();
        let targets = targets.map(|(o, output)| target(system, o, output));
        Self {
            system,
            firing: Self::firing_of(system),
            targets: targets.collect(),
        }
    }

    fn firing_of(system: &FuzzySystem) -> Firing {
        let settings = system.settings();
        let averages = system.outputs().iter().all(|o| {
            o.inference == Inference::Sugeno && o.defuzzifier == Defuzzifier::WeightedAverage
        });
        let conjunctions: Option<Vec<Vec<Powered>>> = system
            .rules()
            .iter()
            .map(|r| conjunction(&r.antecedent))
            .collect();
        let gaussian = |rules: &[Vec<Powered>]| {
            let mut all = rules.iter().flatten();
            all.all(|&(input, term, _)| {
                system.inputs()[input].terms[term].1.shape() == Shape::Gaussian
            })
        };
        let product = settings.and == super::TNorm::Product;
        match conjunctions {
            Some(rules) if settings.htsk || (product && averages && gaussian(&rules)) => {
                let inputs = system.inputs().len() as f64;
                let divisor = if settings.htsk { inputs } else { 1.0 };
                Firing::Logs { rules, divisor }
            }
            _ => {
                let mut atoms = Atoms::default();
                let antecedents = system.rules().iter().map(|r| &r.antecedent);
                let programs = antecedents.map(|a| {
                    let mut ops = Vec::new();
                    atoms.compile(a, &mut ops);
                    ops
                });
                let programs = programs.collect();
                let atoms = atoms.list;
                Firing::Degrees { atoms, programs }
            }
        }
    }

    fn logs(&self) -> bool {
        matches!(self.firing, Firing::Logs { .. })
    }

    pub(super) fn evaluate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        let outputs = self.targets.len();
        let blocks = par::map_blocks(watch, rows.rows(), BLOCK, |range| {
            let count = range.len();
            let columns = self.columns(rows.slice(range));
            let mut firing = self.fire(&columns, count);
            let mut out = vec![T::ZERO; count * outputs];
            let mut one = vec![0.0; count];
            infer::each(
                &self.targets,
                &mut firing,
                self.logs(),
                &columns,
                &mut one,
                |o, one| {
                    for (b, x) in one.iter().enumerate() {
                        out[b * outputs + o] = T::from_f64(*x);
                    }
                },
            );
            Ok(out)
        })?;
        Ok(blocks.concat())
    }

    /// For one row, how much each rule fires, and the same over the sum of all: from logarithms where the plan has them, so that there are
    /// shares wherever outputs come from rules.
    pub(super) fn shares(&self, row: Rows<'_, f64>) -> (Vec<f64>, Vec<f64>) {
        let mut firing = self.fire(&self.columns(row), 1);
        let mut shares = firing.clone();
        if self.logs() {
            let most = firing.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if most > f64::NEG_INFINITY {
                for x in &mut shares {
                    *x = (*x - most).exp();
                }
            } else {
                shares.fill(0.0);
            }
            for x in &mut firing {
                *x = x.exp();
            }
        }
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 {
            for x in &mut shares {
                *x /= sum;
            }
        }
        (firing, shares)
    }

    pub(super) fn firing<T: Float>(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        let rules = self.system.rules().len();
        let blocks = par::map_blocks(watch, rows.rows(), BLOCK, |range| {
            let count = range.len();
            let columns = self.columns(rows.slice(range));
            let firing = self.fire(&columns, count);
            let mut out = vec![T::ZERO; count * rules];
            for (r, run) in firing.chunks_exact(count).enumerate() {
                for (b, x) in run.iter().enumerate() {
                    let x = if self.logs() { x.exp() } else { *x };
                    out[b * rules + r] = T::from_f64(x);
                }
            }
            Ok(out)
        })?;
        Ok(blocks.concat())
    }

    /// The columns of some rows, within their ranges where that is asked for.
    fn columns<T: Float>(&self, rows: Rows<'_, T>) -> Vec<Vec<f64>> {
        let clip = self.system.settings().clip;
        let inputs = self.system.inputs().iter().enumerate();
        let column = |(j, input): (usize, &super::Input)| {
            let [low, high] = if clip {
                input.range
            } else {
                [f64::NEG_INFINITY, f64::INFINITY]
            };
            let cells = rows.iter().map(|row| row[j].to_f64().clamp(low, high));
            cells.collect()
        };
        inputs.map(column).collect()
    }

    /// Firing of the rules, `[rules, count]`; its logarithms where the plan says so.
    fn fire(&self, columns: &[Vec<f64>], count: usize) -> Vec<f64> {
        let rules = self.system.rules();
        let mut out = vec![0.0; rules.len() * count];
        match &self.firing {
            Firing::Degrees { atoms, programs } => {
                let degrees = self.degrees(atoms, columns, count);
                let mut stack = Vec::new();
                for (r, to) in out.chunks_exact_mut(count).enumerate() {
                    self.run(&programs[r], &degrees, count, &mut stack);
                    to.copy_from_slice(&stack[..count]);
                    let weight = rules[r].weight;
                    if weight != 1.0 {
                        for x in to.iter_mut() {
                            *x *= weight;
                        }
                    }
                }
            }
            Firing::Logs {
                rules: all,
                divisor,
            } => {
                let mut one = vec![0.0; count];
                for (r, to) in out.chunks_exact_mut(count).enumerate() {
                    for &(input, term, power) in &all[r] {
                        let membership = &self.system.inputs()[input].terms[term].1;
                        let power = power / divisor;
                        add_logs(membership, power, &columns[input], &mut one, to);
                    }
                    let weight = rules[r].weight.ln();
                    if weight != 0.0 {
                        for x in to.iter_mut() {
                            *x += weight;
                        }
                    }
                }
            }
        }
        out
    }

    fn degrees(&self, atoms: &[Atom], columns: &[Vec<f64>], count: usize) -> Vec<f64> {
        let mut out = vec![0.0; atoms.len() * count];
        for (atom, to) in atoms.iter().zip(out.chunks_exact_mut(count)) {
            let (_, membership) = &self.system.inputs()[atom.input].terms[atom.term];
            membership.fill(&columns[atom.input], to);
            for hedge in atom.hedges.iter().rev() {
                for x in to.iter_mut() {
                    *x = hedge.of(*x);
                }
            }
        }
        out
    }

    /// Runs a rule's program; its result is the first run of the stack.
    fn run(&self, program: &[Op], degrees: &[f64], count: usize, stack: &mut Vec<f64>) {
        let settings = self.system.settings();
        let atom = |a: usize| &degrees[a * count..][..count];
        stack.clear();
        for op in program {
            let top = stack.len().saturating_sub(count);
            match op {
                Op::Push(a) => stack.extend_from_slice(atom(*a)),
                Op::AndAtom(a) => settings.and.fold(&mut stack[top..], atom(*a)),
                Op::OrAtom(a) => settings.or.fold(&mut stack[top..], atom(*a)),
                Op::Not => stack[top..].iter_mut().for_each(|x| *x = 1.0 - *x),
                Op::And | Op::Or => {
                    let (into, with) = stack.split_at_mut(top);
                    let into = &mut into[top - count..];
                    if matches!(op, Op::And) {
                        settings.and.fold(into, with);
                    } else {
                        settings.or.fold(into, with);
                    }
                    stack.truncate(top);
                }
            }
        }
    }
}

/// The list of different conditions.
#[derive(Default)]
struct Atoms {
    list: Vec<Atom>,
    known: std::collections::HashMap<(usize, usize, Vec<Hedge>), usize>,
}

impl Atoms {
    fn number(&mut self, input: usize, hedges: &[Hedge], term: usize) -> usize {
        let key = (input, term, hedges.to_vec());
        *self.known.entry(key).or_insert_with(|| {
            let hedges = hedges.to_vec();
            self.list.push(Atom {
                input,
                hedges,
                term,
            });
            self.list.len() - 1
        })
    }

    fn compile(&mut self, antecedent: &Antecedent, ops: &mut Vec<Op>) {
        let (parts, all) = match antecedent {
            Antecedent::Is {
                input,
                hedges,
                term,
            } => {
                let a = self.number(*input, hedges, *term);
                ops.push(Op::Push(a));
                return;
            }
            Antecedent::Not(part) => {
                self.compile(part, ops);
                ops.push(Op::Not);
                return;
            }
            Antecedent::And(parts) => (parts, true),
            Antecedent::Or(parts) => (parts, false),
        };
        for (i, part) in parts.iter().enumerate() {
            match part {
                Antecedent::Is {
                    input,
                    hedges,
                    term,
                } if i > 0 => {
                    let a = self.number(*input, hedges, *term);
                    ops.push(if all { Op::AndAtom(a) } else { Op::OrAtom(a) });
                }
                _ => {
                    self.compile(part, ops);
                    if i > 0 {
                        ops.push(if all { Op::And } else { Op::Or });
                    }
                }
            }
        }
    }
}

fn target<'a>(system: &'a FuzzySystem, o: usize, output: &'a Output) -> Target<'a> {
    let mut mine: Vec<(usize, &Consequent)> = Vec::new();
    for (r, rule) in system.rules().iter().enumerate() {
        let parts = rule.consequents.iter().filter(|c| c.output == o);
        mine.extend(parts.map(|c| (r, c)));
    }
    if output.inference == Inference::Mamdani {
        return Target::Mamdani(mamdani(system, output, &mine));
    }
    let uses: Uses = mine.iter().map(|(r, _)| *r).collect();
    let conclusions: Vec<&Conclusion> = mine.iter().map(|(_, c)| &output.terms[c.term].1).collect();
    Target::Weighted(Weighted {
        uses,
        conclusions,
        average: output.defuzzifier == Defuzzifier::WeightedAverage,
        range: output.range,
        default: output.default.unwrap_or(f64::NAN),
    })
}

fn mamdani(system: &FuzzySystem, output: &Output, mine: &[(usize, &Consequent)]) -> Mamdani {
    let settings = system.settings();
    let mut keys: Vec<(usize, &[Hedge])> = Vec::new();
    let mut uses = Vec::new();
    for (r, part) in mine {
        let key = (part.term, &*part.hedges);
        let at = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        });
        uses.push((*r, at));
    }
    let set_of = |term: usize| match &output.terms[term].1 {
        Conclusion::Set(membership) => Some(membership),
        Conclusion::Affine { .. } => None,
    };
    // Hedges leave a singleton one, unless they turn it round.
    let spots = keys.iter().map(|(term, hedges)| {
        let whole = hedges.iter().rev().fold(0.0, |x, h| h.of(x)) == 0.0;
        set_of(*term).and_then(narrow::spot).filter(|_| whole)
    });
    let grid = match spots.collect::<Option<Vec<f64>>>() {
        Some(spots) if !spots.is_empty() => Grid::spots(output.range, &spots),
        _ => Grid::new(output.range, settings.resolution, |step| {
            let mut terms: Vec<usize> = keys.iter().map(|(term, _)| *term).collect();
            terms.sort_unstable();
            terms.dedup();
            let sets = terms.into_iter().filter_map(set_of);
            sets.flat_map(|set| narrow::places(set, output.range, step))
                .collect()
        }),
    };
    let sets = keys.iter().map(|(term, hedges)| {
        let mut set = vec![0.0; grid.len()];
        if let Some(membership) = set_of(*term) {
            sample(membership, &grid, &mut set);
        }
        for hedge in hedges.iter().rev() {
            for x in &mut set {
                *x = hedge.of(*x);
            }
        }
        set
    });
    let sets = sets.collect();
    Mamdani {
        sets,
        grid,
        uses,
        implication: settings.implication,
        aggregation: output.aggregation,
        defuzzifier: output.defuzzifier,
        default: output.default.unwrap_or(f64::NAN),
    }
}

/// Whether a set is above 0 anywhere on an output's range, as inference sees it.
pub(super) fn reaches(set: &Membership, output: &Output, settings: &Settings) -> bool {
    if narrow::spot(set).is_some() {
        return true;
    }
    let grid = Grid::new(output.range, settings.resolution, |step| {
        narrow::places(set, output.range, step)
    });
    let mut degrees = vec![0.0; grid.len()];
    sample(set, &grid, &mut degrees);
    degrees.iter().any(|degree| *degree > 0.0)
}

/// A set on a grid; one without width stands on the nearest point.
fn sample(membership: &Membership, grid: &Grid, set: &mut [f64]) {
    match narrow::spot(membership) {
        Some(x) => set[grid.nearest(x)] = 1.0,
        None => membership.fill(grid.places(), set),
    }
}

/// `to += power ln m(x)`; a factor of 0 stays 0.
fn add_logs(membership: &Membership, power: f64, x: &[f64], one: &mut [f64], to: &mut [f64]) {
    let p = membership.parameters();
    if membership.shape() == Shape::Gaussian && p[1].recip().is_finite() {
        // The square of a width by itself may be below any number.
        let (mean, inverse, by) = (p[0], p[1].recip(), -0.5 * power);
        dispatch(Squares {
            mean,
            inverse,
            by,
            x,
            to,
        });
        return;
    }
    membership.fill_log(x, one);
    for (to, one) in to.iter_mut().zip(one) {
        *to += power * *one;
    }
}

struct Squares<'a> {
    mean: f64,
    inverse: f64,
    by: f64,
    x: &'a [f64],
    to: &'a mut [f64],
}

impl Task for Squares<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for (to, x) in self.to.iter_mut().zip(self.x) {
            let d = (*x - self.mean) * self.inverse;
            *to = isa.fma(d * d, self.by, *to);
        }
    }
}
