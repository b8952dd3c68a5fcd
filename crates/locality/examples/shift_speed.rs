//! Times mean shift on clouds of points, every point a seed, and with seeds in bins.
//!
//! `cargo run --release -p locality --example shift_speed -- 2000 50000`

use std::error::Error;
use std::time::Instant;

use locality::shift::{MeanShift, estimate_bandwidth};
use locality::{Rows, Watch};
use locality_testing::Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let mut sizes = std::env::args().skip(1).peekable();
    if sizes.peek().is_none() {
        return Err("give one number of points or more".into());
    }
    for n in sizes {
        let n: usize = n.parse()?;
        for d in [2, 3] {
            let mut rng = Rng::new(d as u64);
            let centers: Vec<f64> = (0..8 * d).map(|_| 20.0 * rng.uniform() - 10.0).collect();
            let points: Vec<f64> = (0..n)
                .flat_map(|_| {
                    let cloud = (8.0 * rng.uniform()) as usize;
                    let center = &centers[cloud * d..][..d];
                    center.iter().map(|c| c + rng.normal()).collect::<Vec<_>>()
                })
                .collect();
            let rows = Rows::new(&points, n, d)?;
            let h = estimate_bandwidth(rows, 0.1, Some(1000), 0, &Watch::default())?;
            for (bins, threads) in [(false, 1), (false, 2), (true, 2)] {
                let shift = MeanShift::new().bandwidth(h).bin_seeding(bins);
                let watch = Watch::default().threads(threads);
                let mut shortest = f64::INFINITY;
                let mut found = (0, 0);
                for _ in 0..(100_000 / n).clamp(1, 9) {
                    let start = Instant::now();
                    let fit = shift.fit(rows, &watch)?;
                    shortest = shortest.min(1e3 * start.elapsed().as_secs_f64());
                    found = (fit.n_clusters(), fit.n_iter());
                }
                println!(
                    "n={n}, d={d}, h={h:.3}, bins {bins}, {threads} threads: {shortest:.1} ms, {} clusters, {} iterations",
                    found.0, found.1
                );
            }
        }
    }
    Ok(())
}
