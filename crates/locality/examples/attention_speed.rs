//! Times attention, forward and backward, one head after the other. Prints the best of some rounds and nanoseconds a pair of a query and a
//! key that it may see.
//!
//! `cargo run --release -p locality --example attention_speed -- 8 4096 64 causal`

use std::time::Instant;

use locality::{Kernel, LocalMean, Neighborhood, Rows, Watch};
use locality_testing::Rng;

const USAGE: &str = "give HEADS ROWS COLUMNS [causal] [forward], such as 8 4096 64 causal";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [heads, rows, columns, ..] = args.as_slice() else {
        return Err(USAGE.into());
    };
    let [heads, n, d]: [usize; 3] = [heads.parse()?, rows.parse()?, columns.parse()?];
    if heads == 0 || n == 0 || d == 0 {
        return Err(USAGE.into());
    }
    let has = |word: &str| args.iter().any(|a| a == word);
    let kernel: Kernel = format!("softmax(beta={})", (d as f64).powf(-0.5)).parse()?;
    let mut mean = LocalMean::new(kernel);
    if has("causal") {
        mean = mean.neighborhood(Neighborhood::causal());
    }
    let mut rng = Rng::new(7);
    let draw = |rng: &mut Rng| -> Vec<f32> { (0..n * d).map(|_| rng.normal() as f32).collect() };
    let all: Vec<[Vec<f32>; 4]> = (0..heads)
        .map(|_| std::array::from_fn(|_| draw(&mut rng)))
        .collect();
    let watch = Watch::default();
    let (mut layout, mut forward, mut backward) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..7 {
        let (mut laid, mut ahead, mut back) = (0.0, 0.0, 0.0);
        for head in &all {
            let [q, k, v, g] = head.each_ref().map(|x| Rows::new(x, n, d).expect("n x d"));
            let start = Instant::now();
            let fit = mean.fit(k, v)?;
            laid += start.elapsed().as_secs_f64();
            let at = fit.at(q, &watch)?;
            ahead += start.elapsed().as_secs_f64();
            if has("forward") {
                continue;
            }
            let start = Instant::now();
            std::hint::black_box(fit.pull_back(q, k, &at, g, None, &watch)?);
            back += start.elapsed().as_secs_f64();
        }
        layout = layout.min(laid);
        forward = forward.min(ahead);
        backward = backward.min(back);
    }
    let pairs = heads as f64 * n as f64 * n as f64 / if has("causal") { 2.0 } else { 1.0 };
    println!(
        "forward {forward:.3} s (of which laying out {layout:.3} s), {:.2} ns a pair; backward {backward:.3} s, {:.2} ns a pair",
        1e9 * forward / pairs,
        1e9 * backward / pairs
    );
    Ok(())
}
