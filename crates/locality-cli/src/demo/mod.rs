//! The demo: one card for each method, on real data.
//!
//! A card is a file with a function and a line in [`CARDS`].

mod attention;
mod boundary;
mod card;
#[cfg(feature = "learn")]
mod codes;
mod data;
mod density;
#[cfg(feature = "embed")]
mod embedding;
mod filter;
mod flowers;
mod follow;
mod kernels;
mod lowess;
mod memory;
#[cfg(feature = "learn")]
mod metric;
mod noise;
mod page;
mod pixels;
mod places;
mod regression;
mod relabel;
mod rules;
mod sampling;
mod score;
mod segment;
mod series;
mod stage;
mod superpixels;
mod wines;
#[cfg(feature = "learn")]
mod writer;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs};
use card::Card;
use stage::Stage;

/// Every card, in the order of the page.
const CARDS: &[fn(&mut Stage<'_>) -> Result<Card>] = &[
    segment::card,
    superpixels::card,
    filter::card,
    follow::card,
    relabel::card,
    noise::card,
    flowers::card,
    wines::card,
    regression::card,
    lowess::card,
    places::card,
    boundary::card,
    density::card,
    sampling::card,
    series::card,
    pixels::card,
    memory::card,
    rules::card,
    #[cfg(feature = "embed")]
    embedding::card,
    #[cfg(feature = "learn")]
    metric::card,
    #[cfg(feature = "learn")]
    codes::card,
    attention::card,
    #[cfg(feature = "learn")]
    writer::card,
    kernels::card,
];

/// Runs every card and writes `index.html`, the pictures, and the data that the commands of the cards read, into a folder, which
/// is made if need be. Files of these names are replaced, others are left alone.
pub(crate) fn run(dir: &Path, context: &Context) -> Result<()> {
    let folders = Folders::make(dir)?;
    let start = Instant::now();
    let mut stage = Stage::new(context);
    let mut cards = Vec::with_capacity(CARDS.len());
    let talk = |words: &str| {
        if context.quiet || context.json {
            return Ok(());
        }
        output::say(words)
    };
    for make in CARDS {
        Context::check()?;
        let card = make(&mut stage)?;
        talk(&card.words())?;
        cards.push(card);
    }
    let seconds = start.elapsed().as_secs_f64();
    let page = page::html(&cards, stage.files(), seconds);
    let index = dir.join("index.html");
    let mut files = Outputs::default();
    for (name, bytes) in stage.files() {
        files.add(&dir.join(name), bytes)?;
    }
    files.add(&index, page.as_bytes())?;
    files.commit()?;
    folders.keep();
    let names = stage.files().keys().map(String::as_str);
    let object = json!({
        "command": "demo",
        "page": index.display().to_string(),
        "files": names.chain(["index.html"]).collect::<Vec<&str>>(),
        "cards": cards.iter().map(Card::object).collect::<Vec<Value>>(),
        "seconds": seconds,
    });
    let words = format!(
        "{} cards in {seconds:.1} s; open {}\n",
        cards.len(),
        index.display()
    );
    context.summary(&words, &object, false)
}

/// The folders of the demo. Those that were not there before go again unless they are kept.
struct Folders(Vec<PathBuf>);

impl Folders {
    fn make(dir: &Path) -> Result<Self> {
        let mut made = Self(Vec::new());
        let data = dir.join(data::FOLDER);
        let mut missing: Vec<&Path> = data.ancestors().take_while(|p| !p.exists()).collect();
        // The empty path is the folder that we stand in.
        missing.retain(|p| !p.as_os_str().is_empty());
        for path in missing.into_iter().rev() {
            std::fs::create_dir(path).map_err(|e| {
                Error::data(format!("cannot make the folder {}: {e}", path.display()))
            })?;
            made.0.push(path.to_owned());
        }
        for path in [dir, &data] {
            if !path.is_dir() {
                return Err(Error::data(format!(
                    "cannot write into {}: it is a file; name a folder",
                    path.display()
                )));
            }
        }
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // Only empty folders can be removed this way.
            let _ = std::fs::remove_dir(path);
        }
    }
}
