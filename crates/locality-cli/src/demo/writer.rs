//! A small Transformer, and the same layers under another kernel.

use locality_learn::{
    AdamW, Sampler, Schedule, TextTraining, Tokenizer, TrainConfig, Trainer, TransformerConfig,
};

use super::card::Card;
use super::data::FOLDER;
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot::{self, Curve, Panel};

/// Sizes, and steps of training.
const LAYERS: usize = 2;
const HEADS: usize = 4;
const WIDTH: usize = 64;
const CONTEXT: usize = 32;
const BATCH: usize = 16;
const STEPS: u64 = 400;
const RATE: f64 = 5e-3;
/// Steps between two looks at the losses.
const LOOK: u64 = 50;
/// What it writes on from, and what its attention is drawn of.
const PROMPT: &str = "MENENIUS:\n";
const READ: &str = "First Citizen:\nWe know the";

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "A Transformer is a stack of local means: two of them learn to write",
        "Each layer replaces every letter's vector by local means of the vectors before it, under kernels whose queries, keys and values are learned. Under \
         the softmax kernel that is a Transformer; the Gaussian kernel of the same layers asks for nearness instead. Both learn to tell the next letter \
         of Coriolanus. The loss is the surprise in a letter, in nats; all letters alike would be 4.",
    );
    let text = include_str!("../../../../data/shakespeare.txt");
    let path = format!("{FOLDER}/shakespeare.txt");
    stage.put(&path, text);
    let (mut curves, mut spent) = (Vec::new(), 0.0);
    for kernel in ["softmax", "gaussian"] {
        let (training, time) = stage.timed("language model", |watch| {
            let mut training = begin(kernel, text)?;
            while !training.is_done() {
                watch.check()?;
                training.step()?;
                let done = training.trainer().steps();
                watch.report(done as usize, STEPS as usize);
                if done.is_multiple_of(LOOK) {
                    training.look(watch)?;
                }
            }
            Ok(training)
        })?;
        spent += time;
        let history = training.history();
        curves.push(Curve {
            name: format!("{kernel}, held out"),
            points: history
                .iter()
                .map(|h| [h.step as f64, h.validation])
                .collect(),
        });
        let last = history.last().map_or(f64::NAN, |h| h.validation);
        card.figure(format!("{kernel}: loss of a held-out letter"), last);
        if kernel == "softmax" {
            card.figure("letters of the text", training.code_count());
            card.figure("parameters", training.model().layout().len());
            let (written, _) = stage.timed("writing", |watch| {
                let (model, tokenizer) = (training.model(), training.tokenizer());
                let sampler = Sampler {
                    temperature: 0.7,
                    ..Sampler::default()
                };
                model.write(tokenizer, PROMPT, 120, sampler, &[], watch)
            })?;
            let words = written.text[PROMPT.len()..].split_whitespace();
            card.figure("it writes", words.collect::<Vec<_>>().join(" "));
            stage.put_chart("letters-attention.png", &attention(&training)?)?;
        }
    }
    card.figure("time, both", seconds(spent));
    let title = "Surprise in a letter of Coriolanus, held out";
    let scene = plot::draw_lines(title, ["step", "nats"], &[], &curves)?;
    stage.put_chart("letters-loss.png", &scene)?;
    card.chart(
        "letters-loss.png",
        "The same layers under two kernels, on the same letters at the same steps",
    );
    card.chart(
        "letters-attention.png",
        "Which letters each letter listens to, in every head: a row for each letter, deeper is more",
    );
    let sizes = format!(
        "--layers {LAYERS} --heads {HEADS} --width {WIDTH} --context {CONTEXT} --batch {BATCH} --steps {STEPS} --lr {RATE} --save-every {LOOK}"
    );
    card.command(format!(
        "locality lm train {path} -o letters.safetensors {sizes} --plot loss.png"
    ));
    card.command(format!(
        "locality lm train {path} -o gaussian.safetensors --kernel gaussian {sizes}"
    ));
    card.command(
        "locality lm generate letters.safetensors --prompt MENENIUS: --tokens 120 --temperature 0.7",
    );
    card.command(
        "locality lm attention letters.safetensors --prompt \"We know the\" -o attention.png",
    );
    Ok(card)
}

/// As `locality lm train` begins.
fn begin(kernel: &str, text: &str) -> locality::Result<TextTraining> {
    let tokenizer = Tokenizer::chars(text)?;
    let model = TransformerConfig::decoder(tokenizer.code_count(), CONTEXT)
        .layers(LAYERS)
        .heads(HEADS)
        .width(WIDTH)
        .kernel(kernel)
        .positions(locality_learn::Positions::Rotary)
        .build(1)?;
    let config = TrainConfig {
        batch: BATCH,
        accumulate: 1,
        schedule: Schedule::cosine(RATE, RATE / 10.0, STEPS / 10, STEPS)?,
        optimizer: AdamW::default(),
        clip: Some(1.0),
        seed: 1,
    };
    TextTraining::new(Trainer::new(model, config)?, tokenizer, text.as_bytes())
}

/// A panel for each head.
fn attention(training: &TextTraining) -> Result<plot::Scene> {
    let codes = training.tokenizer().encode(READ)?;
    let n = codes.len();
    let maps = training.model().attention_maps(&codes, &[], &[])?;
    let panels: Vec<Panel> = maps
        .chunks_exact(n * n)
        .enumerate()
        .map(|(i, map)| Panel {
            name: format!("layer {}, head {}", i / HEADS + 1, i % HEADS + 1),
            weights: map.iter().map(|w| f64::from(*w)).collect(),
        })
        .collect();
    let sites: Vec<String> = READ
        .chars()
        .map(|c| match c {
            ' ' => "\u{b7}".to_owned(),
            '\n' => "\\n".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let title = format!("Attention of 8 heads between the {n} letters of a line");
    Ok(plot::draw_attention(&title, &sites, &panels, HEADS))
}
