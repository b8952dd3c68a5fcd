//! The network of an autoencoder: levels of codes, each of what the levels before it left.

use std::ops::Range;

use locality_core::Result;

use crate::layers::{FeedForwardKept, add};
use crate::{Activation, FeedForward, Layer, Layout, Number, Pass};

/// A level: its code is made from what the levels before it left of the input, and its reconstruction is added to theirs.
#[derive(Clone, Debug, PartialEq)]
struct Level {
    encoder: FeedForward,
    decoder: FeedForward,
    /// Its parameters.
    part: Range<usize>,
}

/// All levels, the coarsest first: from rows to their reconstructions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Levels {
    columns: usize,
    levels: Vec<Level>,
}

/// What a level keeps: its input, its code, and what its two halves keep.
#[derive(Clone, Debug)]
pub(crate) struct LevelKept<T> {
    input: Vec<T>,
    code: Vec<T>,
    encoder: FeedForwardKept<T>,
    decoder: FeedForwardKept<T>,
}

impl Levels {
    /// Adds `levels.0.encoder.0.weight` and so on. Levels after the first begin with a reconstruction of 0, so that a stack begins where the
    /// one without its last level is.
    pub(crate) fn new(
        layout: &mut Layout,
        columns: usize,
        hidden: &[usize],
        codes: &[usize],
        activation: Activation,
    ) -> Result<Self> {
        let mut levels = Vec::with_capacity(codes.len());
        for (l, &code) in codes.iter().enumerate() {
            let from = layout.len();
            let mut sizes = vec![columns];
            sizes.extend(hidden);
            sizes.push(code);
            let name = format!("levels.{l}.encoder");
            let encoder = FeedForward::new(layout, &name, &sizes, activation, None)?;
            sizes.reverse();
            let name = format!("levels.{l}.decoder");
            let last = (l > 0).then_some(0.0);
            let decoder = FeedForward::new(layout, &name, &sizes, activation, last)?;
            levels.push(Level {
                encoder,
                decoder,
                part: from..layout.len(),
            });
        }
        Ok(Self { columns, levels })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.levels.len()
    }

    /// The parameters of one of them.
    pub(crate) fn part(&self, level: usize) -> Range<usize> {
        self.levels[level].part.clone()
    }

    /// The numbers of the codes of the first `count` levels.
    pub(crate) fn width<T: Number>(&self, count: usize) -> usize {
        let each = self.levels[..count].iter();
        each.map(|l| Layer::<T>::outputs(&l.encoder)).sum()
    }

    /// The first `count` levels by themselves.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self {
            columns: self.columns,
            levels: self.levels[..count].to_vec(),
        }
    }

    /// Codes of all levels, side by side.
    pub(crate) fn encode<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let (_, kept) = self.forward(parameters, input, pass)?;
        let (rows, width) = (pass.sets.rows(), self.width::<T>(self.count()));
        let mut out = vec![T::ZERO; rows * width];
        let mut from = 0;
        for kept in &kept {
            let own = kept.code.len() / rows;
            let pairs = out.chunks_exact_mut(width).zip(kept.code.chunks_exact(own));
            pairs.for_each(|(out, code)| out[from..from + own].copy_from_slice(code));
            from += own;
        }
        Ok(out)
    }

    /// Rows from the codes of all levels, side by side.
    pub(crate) fn decode<T: Number>(
        &self,
        parameters: &[T],
        codes: &[T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let (rows, width) = (pass.sets.rows(), self.width::<T>(self.count()));
        pass.check("codes", codes, width)?;
        let mut out = vec![T::ZERO; rows * self.columns];
        let mut from = 0;
        for level in &self.levels {
            let own = Layer::<T>::outputs(&level.encoder);
            let code: Vec<T> = codes
                .chunks_exact(width)
                .flat_map(|row| row[from..from + own].iter().copied())
                .collect();
            from += own;
            let (part, _) = level.decoder.forward(parameters, &code, pass)?;
            add(&mut out, &part);
        }
        Ok(out)
    }
}

impl<T: Number> Layer<T> for Levels {
    type Kept = Vec<LevelKept<T>>;

    fn inputs(&self) -> usize {
        self.columns
    }

    fn outputs(&self) -> usize {
        self.columns
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, Vec<LevelKept<T>>)> {
        pass.check("input", input, self.columns)?;
        let mut out = vec![T::ZERO; input.len()];
        let mut kept = Vec::with_capacity(self.count());
        for level in &self.levels {
            let rest = input.iter().zip(&out).map(|(x, o)| *x - *o);
            let rest: Vec<T> = rest.collect();
            let (code, encoder) = level.encoder.forward(parameters, &rest, pass)?;
            let (part, decoder) = level.decoder.forward(parameters, &code, pass)?;
            add(&mut out, &part);
            kept.push(LevelKept {
                input: rest,
                code,
                encoder,
                decoder,
            });
        }
        Ok((out, kept))
    }

    fn pull_back(
        &self,
        parameters: &[T],
        _: &[T],
        kept: &Vec<LevelKept<T>>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        // By the sum of the reconstructions so far, from the last level down: a level adds to it and, through what is left of the input,
        // takes off it.
        let mut by_sum = flow.to_vec();
        let mut by_input = vec![T::ZERO; flow.len()];
        for (level, kept) in self.levels.iter().zip(kept).rev() {
            let by_code = level.decoder.pull_back(
                parameters,
                &kept.code,
                &kept.decoder,
                &by_sum,
                gradients,
                pass,
            )?;
            let by_rest = level.encoder.pull_back(
                parameters,
                &kept.input,
                &kept.encoder,
                &by_code,
                gradients,
                pass,
            )?;
            add(&mut by_input, &by_rest);
            by_sum.iter_mut().zip(&by_rest).for_each(|(s, r)| *s -= *r);
        }
        Ok(by_input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sets, squared_loss};

    #[test]
    fn the_way_back_is_that_of_differences() {
        const STEP: f64 = 1e-5;
        let mut layout = Layout::default();
        let net = Levels::new(&mut layout, 3, &[4], &[2, 1], Activation::Gelu).unwrap();
        let mut parameters = layout.initialize::<f64>(3);
        // The last level begins at 0, where half of its derivatives vanish.
        for (i, p) in parameters.iter_mut().enumerate() {
            *p += 0.2 * (i as f64).sin();
        }
        let sets = Sets::equal(1, 5).unwrap();
        let pass = Pass::new(&sets);
        let mut input: Vec<f64> = (0..15).map(|i| (f64::from(i) * 1.7).cos()).collect();
        let target = vec![0.3; 15];
        let loss = |p: &[f64], x: &[f64]| {
            let (out, _) = net.forward(p, x, &pass).unwrap();
            squared_loss(&out, &target).unwrap().0
        };
        let (out, kept) = net.forward(&parameters, &input, &pass).unwrap();
        let (_, flow) = squared_loss(&out, &target).unwrap();
        let mut gradients = vec![0.0; layout.len()];
        let by_input = net
            .pull_back(&parameters, &input, &kept, &flow, &mut gradients, &pass)
            .unwrap();
        for i in 0..parameters.len() {
            let old = parameters[i];
            parameters[i] = old + STEP;
            let up = loss(&parameters, &input);
            parameters[i] = old - STEP;
            let down = loss(&parameters, &input);
            parameters[i] = old;
            let wanted = (up - down) / (2.0 * STEP);
            assert!(
                (gradients[i] - wanted).abs() < 1e-8,
                "{i}: {} {wanted}",
                gradients[i]
            );
        }
        for i in 0..input.len() {
            let old = input[i];
            input[i] = old + STEP;
            let up = loss(&parameters, &input);
            input[i] = old - STEP;
            let down = loss(&parameters, &input);
            input[i] = old;
            let wanted = (up - down) / (2.0 * STEP);
            assert!(
                (by_input[i] - wanted).abs() < 1e-8,
                "{i}: {} {wanted}",
                by_input[i]
            );
        }
    }
}
