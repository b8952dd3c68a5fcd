//! Every kernel.

use locality::{Takes, metrics, neighborhoods, profiles};

use super::card::Card;
use super::stage::Stage;
use crate::error::Result;
use crate::plot;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "One list of kernels, for all methods",
        "A kernel says how much a site counts, by its distance in bandwidths or by a score. Any of them can be used wherever a kernel \
         is asked for, with any metric, multiplied, added or raised to a power: \"gaussian(h=0.3) * uniform(cols=group)\" is near and \
         in the same group.",
    );
    let scores = profiles().iter().filter(|p| p.takes == Takes::Score);
    let scores = scores.count();
    card.figure("profiles of a distance", profiles().len() - scores);
    card.figure("profiles of a score", scores);
    card.figure("metrics", metrics().len());
    card.figure("neighbourhoods", neighborhoods().len());
    stage.put_chart("kernels.png", &plot::draw_kernels()?)?;
    card.chart(
        "kernels.png",
        "Weight against distance in bandwidths (dashed: one bandwidth), or against a score (dashed: zero)",
    );
    card.command("locality kernels --plot kernels");
    Ok(card)
}
