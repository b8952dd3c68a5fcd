//! A metric that is learned: which measurements of a wine tell its cultivar.

use locality::density::KernelClassifier;
use locality::{OnEmpty, Rows, Watch};
use locality_learn::{Goal, MetricLearner};

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// Every so many-th wine is not learned from.
const HELD: usize = 3;

/// Wines, and the numbers of their cultivars.
struct Part {
    rows: Vec<f64>,
    columns: usize,
    codes: Vec<usize>,
}

impl Part {
    fn of(numbers: &[f64], columns: usize, codes: &[i64], held: bool) -> Self {
        let each = numbers.chunks(columns).zip(codes).enumerate();
        let own = each.filter(|(i, _)| (i % HELD == 1) == held);
        let (rows, codes): (Vec<&[f64]>, Vec<usize>) =
            own.map(|(_, (row, code))| (row, *code as usize)).unzip();
        Self {
            rows: rows.concat(),
            columns,
            codes,
        }
    }

    fn rows(&self) -> locality::Result<Rows<'_, f64>> {
        Rows::new(&self.rows, self.codes.len(), self.columns)
    }
}

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "What makes wines alike: a learned metric",
        "A kernel asks how near two rows are, but in which units? Here a linear map of the thirteen measurements to two numbers is learned: the one under \
         which each wine's local mean of the others says its cultivar best, itself left out. Every third wine is not learned from; under the \
         learned metric the kernel tells it from the others.",
    );
    let wine = Table::wine(stage)?;
    let (d, (names, codes)) = (wine.names.len(), wine.classes());
    let part = |numbers: &[f64], held| Part::of(numbers, d, &codes, held);
    let (train, held) = (part(&wine.numbers, false), part(&wine.numbers, true));
    let (learned, time) = stage.timed("metric", |watch| {
        let goal = Goal::Classes(&train.codes, names.len());
        MetricLearner::new().rank(2).fit(train.rows()?, goal, watch)
    })?;
    let right = |model: &KernelClassifier, train: &Part, held: &Part, watch: &Watch<'_>| {
        let fit = model.fit(train.rows()?, &train.codes, names.len(), watch)?;
        let told = fit.predict(held.rows()?, watch)?;
        let good = told.iter().zip(&held.codes).filter(|(a, b)| a == b).count();
        locality::Result::Ok(100.0 * good as f64 / held.codes.len() as f64)
    };
    let (shares, _) = stage.timed("classes", |watch| {
        let plain = KernelClassifier::new();
        let under = KernelClassifier::new()
            .kernel(learned.kernel()?)
            .on_empty(OnEmpty::Global);
        Ok([
            right(&plain, &train, &held, watch)?,
            right(&under, &train, &held, watch)?,
        ])
    })?;
    card.figure("wines learned from", train.codes.len());
    card.figure("wines left out", held.codes.len());
    let ways = ["the columns as they are", "the learned metric"];
    for (way, share) in ways.iter().zip(shares) {
        card.figure(
            format!("right of those left out, by {way}"),
            format!("{share:.1} %"),
        );
    }
    card.figure("rounds of learning", learned.losses().len() - 1);
    card.figure("time", seconds(time));

    let all = Rows::new(&wine.numbers, wine.rows(), d)?;
    let points: Vec<[f64; 2]> = learned
        .transform(all)?
        .chunks(2)
        .map(|p| [p[0], p[1]])
        .collect();
    let title = "178 wines in the two numbers that tell them apart";
    let axes = ["first learned number", "second"];
    let scene = plot::draw_cloud(title, axes, &points, Some(("cultivar", &wine.target)))?;
    stage.put_chart("wine-metric.png", &scene)?;
    card.chart(
        "wine-metric.png",
        "Each dot is a wine, its colour the cultivar; distances count in bandwidths of the kernel",
    );
    card.command(format!(
        "locality fit {} --target target --model adaptive -o wine-metric.loc",
        wine.path
    ));
    Ok(card)
}
