//! Trains a character model as nanoGPT's configuration for CPUs does, and says how fast and how well:
//! `cargo run --release -p locality-learn --example shakespeare -- TEXT [KERNEL] [STEPS] [LAYERS HEADS WIDTH CONTEXT BATCH]`.

use std::time::Instant;

use locality_learn::{
    AdamW, Sampler, Schedule, Tokenizer, TrainConfig, Trainer, TransformerConfig,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = arguments.first() else {
        return Err("name a text".into());
    };
    let kernel = arguments.get(1).map_or("softmax", String::as_str);
    let number = |i: usize, default: usize| {
        let found = arguments.get(i).map(|a| a.parse::<usize>());
        found.unwrap_or(Ok(default))
    };
    let steps = number(2, 2000)? as u64;
    let (layers, heads, width) = (number(3, 4)?, number(4, 4)?, number(5, 128)?);
    let (context, batch) = (number(6, 64)?, number(7, 12)?);
    let text = std::fs::read_to_string(path)?;
    let tokenizer = Tokenizer::chars(&text)?;
    let codes = tokenizer.encode(&text)?;
    let (train, validation) = codes.split_at(codes.len() * 9 / 10);
    let model = TransformerConfig::decoder(tokenizer.code_count(), context)
        .layers(layers)
        .heads(heads)
        .width(width)
        .kernel(kernel)
        .build::<f32>(1337)?;
    println!("{kernel}: {} parameters", model.layout().len());
    let config = TrainConfig {
        batch,
        accumulate: 1,
        schedule: Schedule::cosine(1e-3, 1e-4, 100, steps)?,
        optimizer: AdamW::default(),
        clip: Some(1.0),
        seed: 1,
    };
    let mut trainer = Trainer::new(model, config)?;
    let mut times = Vec::new();
    for step in 0..steps {
        let start = Instant::now();
        let done = trainer.step(train)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        if (step + 1) % 250 == 0 || step + 1 == steps {
            println!(
                "step {:>5}: loss {:.4}, validation {:.4}",
                step + 1,
                done.loss,
                trainer.evaluate(validation, batch)?
            );
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "a step: median {:.1} ms, fastest tenth {:.1} ms; {:.0} tokens/s at the median",
        at(0.5),
        at(0.1),
        (batch * context) as f64 / at(0.5) * 1e3
    );
    let model = trainer.into_model();
    let prompt = tokenizer.encode("\n")?;
    let sampler = Sampler {
        temperature: 0.8,
        ..Sampler::default()
    };
    let made = model.generate(&prompt, 300, sampler, None)?;
    let made = made.collect::<Result<Vec<_>, _>>()?;
    println!("{}", tokenizer.decode(&made)?);
    Ok(())
}
