//! Derivatives by the biases of pairs.

use crate::{Bias, Float};

/// Derivatives by the biases of a block of queries.
pub(crate) enum ByBias<T> {
    /// There are no biases.
    None,
    /// `[block, n]`
    Pairs { n: usize, rows: Vec<T> },
    /// By relative position: key `j` at query `i` of the block is at `j + block - 1 - i`.
    Relative { block: usize, sums: Vec<f64> },
    /// By key.
    Keys { sums: Vec<f64> },
    /// By relative position, and by key.
    Both(Box<[Self; 2]>),
}

impl<T: Float> ByBias<T> {
    /// Zeros, for a block of queries and all `n` keys.
    pub(crate) fn new(bias: Option<Bias<'_, T>>, block: usize, n: usize) -> Self {
        match bias {
            None => Self::None,
            Some(Bias::Pairs(_)) => Self::Pairs {
                n,
                rows: vec![T::ZERO; block * n],
            },
            Some(Bias::Relative(_)) => Self::Relative {
                block,
                sums: vec![0.0; block + n - 1],
            },
            Some(Bias::Keys(_)) => Self::Keys { sums: vec![0.0; n] },
            Some(Bias::RelativeAndKeys { relative, keys }) => {
                let both = [Bias::Relative(relative), Bias::Keys(keys)];
                Self::Both(Box::new(both.map(|b| Self::new(Some(b), block, n))))
            }
        }
    }

    /// Takes in the derivatives of query `i` of the block and the keys from `start` on, times `scale`.
    #[inline(always)]
    pub(crate) fn put(&mut self, i: usize, start: usize, by: &[T], scale: T) {
        match self {
            Self::None => {}
            Self::Pairs { n, rows } => {
                let to = &mut rows[i * *n + start..][..by.len()];
                to.iter_mut().zip(by).for_each(|(t, b)| *t = *b * scale);
            }
            Self::Relative { block, sums } => {
                let to = &mut sums[start + *block - 1 - i..][..by.len()];
                for (t, b) in to.iter_mut().zip(by) {
                    *t += (*b * scale).to_f64();
                }
            }
            Self::Keys { sums } => {
                for (t, b) in sums[start..].iter_mut().zip(by) {
                    *t += (*b * scale).to_f64();
                }
            }
            Self::Both(both) => both.iter_mut().for_each(|b| b.put(i, start, by, scale)),
        }
    }

    /// All blocks, in the order of the `m` queries, in the shape of the bias.
    pub(crate) fn join(
        blocks: impl IntoIterator<Item = Self>,
        bias: Option<Bias<'_, T>>,
        m: usize,
        n: usize,
    ) -> Vec<T> {
        let (mut all, mut total, mut done) = (Vec::new(), Vec::new(), 0);
        // Without queries there is no block, and yet a table.
        match bias {
            Some(Bias::Relative(table) | Bias::Keys(table)) => total.resize(table.len(), 0.0),
            Some(Bias::RelativeAndKeys { relative, keys }) => {
                total.resize(relative.len() + keys.len(), 0.0);
            }
            _ => {}
        }
        for block in blocks {
            match block {
                Self::None => {}
                Self::Pairs { rows, .. } => {
                    if all.is_empty() {
                        all.reserve_exact(m * n);
                    }
                    all.extend_from_slice(&rows);
                }
                Self::Both(both) => {
                    let [relative, keys] = *both;
                    relative.add_to(&mut total, &mut done, m);
                    keys.add_to(&mut total[m + n - 1..], &mut done, m);
                }
                tables => tables.add_to(&mut total, &mut done, m),
            }
        }
        all.extend(total.into_iter().map(T::from_f64));
        all
    }

    /// Adds the sums of the block before which `done` of `m` queries are done.
    fn add_to(&self, total: &mut [f64], done: &mut usize, m: usize) {
        let (to, sums) = match self {
            Self::Relative { block, sums } => {
                *done += block;
                (&mut total[m - *done..][..sums.len()], sums)
            }
            Self::Keys { sums } => (&mut total[..sums.len()], sums),
            _ => return,
        };
        to.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
    }
}
