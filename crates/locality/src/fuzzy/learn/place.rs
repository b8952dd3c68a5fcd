//! Where rules begin: clusters, and how wide they are.

use super::cmeans::FuzzyCMeans;
use super::learner::{RuleCount, RuleLearner};
use super::modes::modes;
use super::subtractive::SubtractiveClustering;
use super::tsk::{Data, Tsk};
use crate::{Result, Rows, Watch};

/// The first rules.
pub(super) struct Start {
    pub(super) tsk: Tsk,
    /// The penalty in force.
    pub(super) ridge: f64,
    /// How many more clusters there were than the rows can tell rules.
    pub(super) beyond: usize,
}

impl Start {
    fn of(tsk: Tsk, ridge: f64) -> Self {
        let beyond = 0;
        Self { tsk, ridge, beyond }
    }
}

impl RuleLearner {
    /// The first rules.
    pub(super) fn start(&self, data: &Data, divisor: f64, watch: &Watch<'_>) -> Result<Start> {
        let ridge = self.ridge.unwrap_or(0.01);
        let d = data.x.len();
        let (mut centers, mut sigmas) = match self.rules {
            RuleCount::Auto => {
                let (tsk, ridge) = self.choose(data, divisor, watch)?;
                return Ok(Start::of(tsk, ridge));
            }
            RuleCount::CMeans(n) => {
                let tsk = self.clusters(data, n, 1.0, divisor, watch)?;
                return Ok(Start::of(tsk, ridge));
            }
            RuleCount::Subtractive(radius) => {
                let rows = row_major(data);
                let view = Rows::new(&rows, data.rows(), d)?;
                let model = SubtractiveClustering::new(radius);
                let found = model.fit_weighted(view, Some(&data.w), watch)?;
                let centers = found.iter().flat_map(|&i| view.row(i).iter().copied());
                (
                    centers.collect(),
                    vec![radius / 8.0_f64.sqrt(); found.len() * d],
                )
            }
            RuleCount::MeanShift(bandwidth) => {
                let rows = row_major(data);
                let view = Rows::new(&rows, data.rows(), d)?;
                modes(view, &data.w, bandwidth, self.seed, watch)?
            }
        };
        let found = centers.len() / d;
        let most = self.most(data.rows(), d);
        centers.truncate(most * d);
        sigmas.truncate(most * d);
        let mut tsk = Tsk {
            d,
            divisor,
            centers,
            sigmas,
            lines: Vec::new(),
        };
        blind(&mut tsk, data);
        Ok(Start {
            tsk,
            ridge,
            beyond: found.saturating_sub(most),
        })
    }

    /// One rule for each cluster, as wide as the cluster.
    pub(super) fn clusters(
        &self,
        data: &Data,
        n: usize,
        width: f64,
        divisor: f64,
        watch: &Watch<'_>,
    ) -> Result<Tsk> {
        let d = data.x.len();
        let rows = row_major(data);
        let view = Rows::new(&rows, data.rows(), d)?;
        let model = FuzzyCMeans::new(n).seed(self.seed).max_iter(100).tol(1e-4);
        let fit = model.fit_weighted(view, Some(&data.w), &watch.quiet())?;
        let mut sigmas = vec![0.0; n * d];
        let mut weights = vec![0.0; n];
        let memberships = fit.memberships().chunks_exact(n);
        for ((row, u), w) in view.iter().zip(memberships).zip(&data.w) {
            for (r, u) in u.iter().enumerate() {
                weights[r] += w * u * u;
                for (j, x) in row.iter().enumerate() {
                    let away = x - fit.centers()[r * d + j];
                    sigmas[r * d + j] += w * u * u * away * away;
                }
            }
        }
        for (at, s) in sigmas.iter_mut().enumerate() {
            *s = (width * (*s / weights[at / d].max(f64::MIN_POSITIVE)).sqrt()).max(0.03);
        }
        let mut tsk = Tsk {
            d,
            divisor,
            centers: fit.centers().to_vec(),
            sigmas,
            lines: Vec::new(),
        };
        blind(&mut tsk, data);
        Ok(tsk)
    }
}

/// No rule asks for a column that never changes, unless there is no other.
fn blind(tsk: &mut Tsk, data: &Data) {
    let constant: Vec<bool> = data
        .x
        .iter()
        .map(|x| x.iter().all(|v| *v == x[0]))
        .collect();
    if constant.iter().all(|c| *c) {
        tsk.sigmas.fill(1.0);
        return;
    }
    for (at, s) in tsk.sigmas.iter_mut().enumerate() {
        if constant[at % tsk.d] {
            *s = f64::INFINITY;
        }
    }
}

fn row_major(data: &Data) -> Vec<f64> {
    let cells = (0..data.rows()).flat_map(|i| data.x.iter().map(move |x| x[i]));
    cells.collect()
}
