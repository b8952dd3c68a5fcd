//! Times the certified walk against the dense engine on normal (or uniform) keys and queries in single precision. The dense engine sees a part of
//! the queries, and its time is scaled up.
//!
//! `cargo run --release -p locality --example pruning_speed -- 1000000 100000 3 "gaussian(h=0.05)" 1e-4`

use std::time::Instant;

use locality::{Kernel, LocalMean, OnEmpty, Rows, Watch};
use locality_testing::Rng;

const USAGE: &str = "give KEYS QUERIES COLUMNS KERNEL TOLERANCE [uniform], such as 1000000 100000 3 'gaussian(h=0.05)' 1e-4";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [keys, queries, columns, kernel, tolerance, rest @ ..] = args.as_slice() else {
        return Err(USAGE.into());
    };
    let [n, m, d]: [usize; 3] = [keys.parse()?, queries.parse()?, columns.parse()?];
    if n == 0 || m == 0 || d == 0 {
        return Err(USAGE.into());
    }
    let kernel: Kernel = kernel.parse()?;
    let tolerance: f64 = tolerance.parse()?;
    let uniform = rest.first().is_some_and(|a| a == "uniform");
    let mut rng = Rng::new(7);
    let mut draw = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| if uniform { rng.uniform() } else { rng.normal() } as f32)
            .collect()
    };
    let (keys, queries) = (draw(n * d), draw(m * d));
    let values: Vec<f32> = keys.chunks(d).map(|k| k[0].sin()).collect();
    let rows = |x: &'static [f32], n: usize| Rows::new(x, n, d);
    let keys = rows(keys.leak(), n)?;
    let queries = rows(queries.leak(), m)?;

    let mean = LocalMean::new(kernel)
        .tolerance(tolerance)
        .on_empty(OnEmpty::Nan);
    let start = Instant::now();
    let fit = mean.fit(keys, Rows::column(&values))?;
    let built = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let out = fit.at(queries, &Watch::default())?;
    let seconds = start.elapsed().as_secs_f64();

    let part = (2_000_000_000 / n).clamp(32, m);
    let dense = LocalMean::new(mean.kernel().clone()).fit_engine(
        keys,
        Rows::column(&values),
        None,
        "tiled",
    )?;
    let start = Instant::now();
    let exact = dense.at(queries.slice(0..part), &Watch::default())?;
    let all = start.elapsed().as_secs_f64() * m as f64 / part as f64;
    let (mut off, mut log_off) = (0.0_f64, 0.0_f64);
    for i in 0..part {
        off = off.max(f64::from(out.means[i] - exact.means[i]).abs());
        log_off = log_off.max(f64::from(out.log_normalizer[i] - exact.log_normalizer[i]).abs());
    }
    println!(
        "build {built:.3} s, queries {seconds:.3} s, pairs {:.4} %, dense {all:.2} s, ratio {:.1}; error of mean {off:.1e}, of log {log_off:.1e}",
        100.0 * out.visited as f64 / (n as f64 * m as f64),
        all / (built + seconds)
    );
    Ok(())
}
