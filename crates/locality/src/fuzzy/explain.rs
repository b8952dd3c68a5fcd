//! Why a system decides as it does, and what its outputs look like over two inputs.

use std::fmt;

use super::plan::Plan;
use super::system::FuzzySystem;
use crate::{Error, Float, Result, Rows, Watch, par};

/// Rows of a block.
const BLOCK: usize = 512;

/// A rule that fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Its place among the rules, counted from 0; words about rules count from 1.
    pub rule: usize,
    /// How much it fires, its weight included; 0 where that is below the smallest number there is.
    pub degree: f64,
    /// The same over the sum of all, which is a number even there.
    pub share: f64,
    /// The rule's text.
    pub text: String,
    /// The same with the numbers and sums that it concludes.
    pub told: String,
}

/// Names and degrees of terms.
pub type Degrees = Vec<(String, f64)>;

/// Why a system decides as it does for one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The rules that have a share, the strongest first.
    pub fired: Vec<Fired>,
    /// Names and values of the outputs.
    pub outputs: Vec<(String, f64)>,
    /// For each input, its name, its value, and names and degrees of its terms.
    pub inputs: Vec<(String, f64, Degrees)>,
}

impl FuzzySystem {
    /// Explains the decision for one row of inputs: the rules that fire, how much, and the degrees of all terms.
    ///
    /// # Errors
    /// As [`FuzzySystem::evaluate`].
    pub fn explain(&self, row: &[f64]) -> Result<Explanation> {
        let rows = Rows::new(row, 1, row.len())?;
        let watch = Watch::default().threads(1);
        let values = self.evaluate(rows, &watch)?;
        let (firing, shares) = Plan::new(self).shares(rows);
        let rules = firing.iter().zip(&shares).enumerate();
        let mut fired: Vec<Fired> = rules
            .filter(|(_, (_, share))| **share > 0.0)
            .map(|(rule, (&degree, &share))| Fired {
                rule,
                degree,
                share,
                text: self.rules()[rule].text(self),
                told: self.rules()[rule].told(self),
            })
            .collect();
        fired.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.rule.cmp(&b.rule)));
        let clip = self.settings().clip;
        let inputs = self.inputs().iter().zip(row).map(|(input, &x)| {
            let at = input.within(x, clip);
            let terms = input.terms.iter().map(|(name, m)| (name.clone(), m.at(at)));
            (input.name.clone(), x, terms.collect())
        });
        let names = self.outputs().iter().map(|o| o.name.clone());
        Ok(Explanation {
            fired,
            outputs: names.zip(values).collect(),
            inputs: inputs.collect(),
        })
    }

    /// Degrees of the terms of the inputs, `[n, terms]`: of the first input's terms, then of the second's, and so on.
    ///
    /// # Errors
    /// As [`FuzzySystem::evaluate`], but a system needs no rules for it.
    pub fn memberships<T: Float>(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check_columns(&rows)?;
        let clip = self.settings().clip;
        let blocks = par::map_blocks(watch, rows.rows(), BLOCK, |range| {
            let rows = rows.slice(range);
            let terms = self.inputs().iter().map(|input| input.terms.len());
            let mut out = Vec::with_capacity(rows.rows() * terms.sum::<usize>());
            for row in rows.iter() {
                for (input, x) in self.inputs().iter().zip(row) {
                    let x = input.within(x.to_f64(), clip);
                    out.extend(input.terms.iter().map(|(_, m)| T::from_f64(m.at(x))));
                }
            }
            Ok(out)
        })?;
        Ok(blocks.concat())
    }

    /// Values of an output over a grid of two inputs, `[points, points]`: a row for each value of the second, from low to high. The
    /// other inputs stay at `at`, `[inputs]`; in the middle of their ranges where that is `None`.
    ///
    /// # Errors
    /// Inputs or outputs that the system lacks, one input twice, fewer than 2 points or more than 2000, and as [`FuzzySystem::evaluate`].
    pub fn surface(
        &self,
        over: [usize; 2],
        output: usize,
        points: usize,
        at: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let d = self.inputs().len();
        if let Some(wrong) = over.iter().find(|j| **j >= d) {
            return Err(Error::parameter(format!(
                "input {wrong} is none of the {d} of the system, counted from 0"
            )));
        }
        if over[0] == over[1] {
            return Err(Error::parameter(format!(
                "a surface over input '{}' twice is a line; give two different inputs",
                self.inputs()[over[0]].name
            )));
        }
        if output >= self.outputs().len() {
            return Err(Error::parameter(format!(
                "output {output} is none of the {} of the system, counted from 0",
                self.outputs().len()
            )));
        }
        if !(2..=2000).contains(&points) {
            return Err(Error::parameter(format!(
                "points={points} must lie between 2 and 2000"
            )));
        }
        if let Some(at) = at
            && at.len() != d
        {
            return Err(Error::shape(format!(
                "at has {} numbers; give one for each of the {d} inputs",
                at.len()
            )));
        }
        let middle = self
            .inputs()
            .iter()
            .map(|i| f64::midpoint(i.range[0], i.range[1]));
        let base: Vec<f64> = at.map_or_else(|| middle.collect(), <[f64]>::to_vec);
        let place = |j: usize, i: usize| {
            let [low, high] = self.inputs()[j].range;
            low + (high - low) * i as f64 / (points - 1) as f64
        };
        let mut rows = Vec::with_capacity(points * points * d);
        for i in 0..points {
            for k in 0..points {
                let start = rows.len();
                rows.extend_from_slice(&base);
                rows[start + over[1]] = place(over[1], i);
                rows[start + over[0]] = place(over[0], k);
            }
        }
        let all = self.evaluate(Rows::new(&rows, points * points, d)?, watch)?;
        let outputs = self.outputs().len();
        Ok(all.chunks_exact(outputs).map(|row| row[output]).collect())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, x, terms) in &self.inputs {
            write!(f, "{name} = {x}:")?;
            let told = terms.iter().filter(|(_, degree)| *degree > 0.0005);
            for (i, (term, degree)) in told.enumerate() {
                write!(f, "{} {term} {degree:.3}", if i > 0 { "," } else { "" })?;
            }
            writeln!(f)?;
        }
        for fired in &self.fired {
            writeln!(
                f,
                "{:.3} ({:.0} %) rule {}: {}",
                fired.degree,
                100.0 * fired.share,
                fired.rule + 1,
                fired.told
            )?;
        }
        for (name, y) in &self.outputs {
            writeln!(f, "{name} = {y}")?;
        }
        Ok(())
    }
}
