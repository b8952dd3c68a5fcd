//! How good predictions are.

/// Figures of predictions of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Score {
    /// Of numbers: root mean squared error, mean absolute error, and the share of the variance that is explained.
    Numbers {
        /// Root mean squared error.
        rmse: f64,
        /// Mean absolute error.
        mae: f64,
        /// 1 minus the squared error over that of the mean; of numbers that are all the same 1 where all are met, else 0, as scikit-learn has it.
        r2: f64,
    },
    /// Of classes: the share that is right, and the mean of minus the logarithm of the right class's probability.
    Classes {
        /// Share that is right.
        accuracy: f64,
        /// Mean of minus the logarithm of the right class's probability, which is kept above 1e-6.
        log_loss: f64,
    },
}

impl Score {
    /// Smaller is better.
    pub(crate) fn loss(self) -> f64 {
        match self {
            Self::Numbers { rmse, .. } => rmse,
            Self::Classes { accuracy, log_loss } => 1.0 - accuracy + 1e-3 * log_loss,
        }
    }

    /// By name.
    pub(crate) fn figures(self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Numbers { rmse, mae, r2 } => vec![("rmse", rmse), ("mae", mae), ("r2", r2)],
            Self::Classes { accuracy, log_loss } => {
                vec![("accuracy", accuracy), ("log_loss", log_loss)]
            }
        }
    }
}

/// Of predicted numbers.
pub(crate) fn score_numbers(y: &[f64], found: &[f64]) -> Score {
    let n = y.len() as f64;
    let mean = y.iter().map(|y| y / n).sum::<f64>();
    let squares: f64 = y.iter().zip(found).map(|(y, f)| (y - f).powi(2)).sum();
    let all: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    Score::Numbers {
        rmse: (squares / n).sqrt(),
        mae: y.iter().zip(found).map(|(y, f)| (y - f).abs() / n).sum(),
        r2: if all > 0.0 {
            1.0 - squares / all
        } else {
            f64::from(u8::from(squares == 0.0))
        },
    }
}

/// Of probabilities `[n, k]`.
pub(crate) fn score_classes(codes: &[usize], shares: &[f64], k: usize) -> Score {
    let n = codes.len() as f64;
    let (mut right, mut loss) = (0.0, 0.0);
    for (code, p) in codes.iter().zip(shares.chunks_exact(k)) {
        let best = (1..k).fold(0, |b, k| if p[k] > p[b] { k } else { b });
        right += f64::from(u8::from(best == *code));
        loss -= p[*code].max(1e-6).ln();
    }
    Score::Classes {
        accuracy: right / n,
        log_loss: loss / n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_the_textbooks() {
        let Score::Numbers { rmse, mae, r2 } = score_numbers(&[1.0, 2.0, 3.0], &[1.0, 2.0, 6.0])
        else {
            panic!("numbers");
        };
        assert!((rmse - 3.0_f64.sqrt()).abs() < 1e-15 && mae == 1.0 && r2 == 1.0 - 9.0 / 2.0);
        for (found, known) in [([7.5, 7.5], 1.0), ([7.5, 7.0], 0.0)] {
            let Score::Numbers { r2, .. } = score_numbers(&[7.5, 7.5], &found) else {
                panic!("numbers");
            };
            assert_eq!(r2, known);
        }
        let shares = [0.75, 0.25, 0.5, 0.5];
        let Score::Classes { accuracy, log_loss } = score_classes(&[0, 1], &shares, 2) else {
            panic!("classes");
        };
        assert_eq!(accuracy, 0.5);
        assert!((log_loss + f64::midpoint(0.75_f64.ln(), 0.5_f64.ln())).abs() < 1e-15);
    }
}
