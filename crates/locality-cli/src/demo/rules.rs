//! Rules in words, learned from a table.

use locality::Rows;
use locality::fuzzy::{RuleCount, RuleLearner};

use super::card::Card;
use super::data::Table;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot::{self, Surface};

/// Points along each side of the surface.
const POINTS: usize = 81;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Rules that can be read: fuzzy inference learned from a table",
        "How diabetes goes on after a year, from body-mass index and a blood value, as a few rules of the kind \"if bmi is high and s5 is \
         low then ..\". Each rule holds to a degree, and the answer is the mean of what the rules conclude, weighed by these degrees: a local \
         mean whose sites are rules. Centres come from clusters, conclusions from least squares, the widths of the words from the gradient.",
    );
    let diabetes = Table::diabetes(stage)?;
    let columns = ["bmi", "s5"];
    let x = diabetes.columns(&columns);
    let y: Vec<f64> = diabetes
        .target
        .iter()
        .map(|y| y.parse().unwrap_or(f64::NAN))
        .collect();
    let names = columns.map(str::to_owned);
    let target = ["target".to_owned()];
    let n = diabetes.rows();
    let ((learned, values), time) = stage.timed("learning rules", |watch| {
        // As the tool does.
        let learner = RuleLearner::new()
            .rules(RuleCount::CMeans(3))
            .order(1)
            .local(true)
            .epochs(20, 3)
            .seed(0);
        let learned = learner.fit(
            Rows::new(&x, n, 2)?,
            Rows::column(&y),
            &names,
            &target,
            watch,
        )?;
        let values = learned.system().surface([0, 1], 0, POINTS, None, watch)?;
        Ok((learned, values))
    })?;
    let mean = y.iter().sum::<f64>() / n as f64;
    let spread = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n as f64;
    card.figure("patients", n);
    card.figure("rules", learned.system().rules().len());
    card.figure("R2", 1.0 - learned.error() * learned.error() / spread);
    card.figure("time", seconds(time));
    for (i, rule) in learned.system().rules().iter().enumerate() {
        card.figure(format!("rule {}", i + 1), rule.told(learned.system()));
    }
    let surface = Surface {
        over: [0, 1],
        output: 0,
        points: POINTS,
        values,
    };
    let scene = plot::draw_fuzzy(learned.system(), None, Some(&surface))?;
    stage.put_chart("rules.png", &scene)?;
    card.chart(
        "rules.png",
        "The words, and the surface that the rules make",
    );
    card.command(format!(
        "locality fuzzy learn {} --target target --columns bmi,s5 --rules 3 --local -o rules.toml",
        diabetes.path
    ));
    card.command("locality fuzzy plot rules.toml -o rules.png");
    Ok(card)
}
