//! Time a pair of query and key for every kernel, forward and back: `cargo bench -p locality-core --bench kernels [FILTER]`.
//!
//! Our own work against itself from one commit to the next; the peers have their scripts in `benches/`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use locality_core::{LocalMean, OnEmpty, Profile, Rows, Takes, Watch, profiles};
use locality_testing::normal;

const QUERIES: usize = 1000;
const KEYS: usize = 4000;
/// Enough pairs that the shape of the kernel alone counts, in one thread.
const PAIRS: u64 = (QUERIES * KEYS) as u64;

fn draw(seed: u64, rows: usize, columns: usize) -> Vec<f32> {
    let x = normal(seed, rows, columns).into_iter();
    x.map(|x| x as f32).collect()
}

/// A kernel of every profile, in its text.
fn kernels() -> Vec<(&'static str, String)> {
    let of = |info: &locality_core::ProfileInfo| {
        let made = Profile::from_name(info.name, &[]).ok()?;
        let numbers = made.values().into_iter().zip(info.parameters);
        let mut all: Vec<String> = numbers.map(|(x, p)| format!("{}={x}", p.name)).collect();
        match info.takes {
            // Curves of a signed difference, which there is of one column.
            _ if matches!(info.name, "s" | "z") => all.push("cols=0".into()),
            Takes::Score => {}
            Takes::Distance => all.push("h=1.5".into()),
        }
        let text = format!("{}({})", info.name, all.join(", "));
        Some((info.name, text))
    };
    profiles().iter().filter_map(of).collect()
}

fn per_kernel(c: &mut Criterion) {
    let watch = Watch::default().threads(1);
    for d in [3, 32] {
        let (queries, keys) = (draw(1, QUERIES, d), draw(2, KEYS, d));
        let (values, by) = (draw(3, KEYS, 1), draw(4, QUERIES, 1));
        let queries = Rows::new(&queries, QUERIES, d).expect("m x d numbers");
        let keys = Rows::new(&keys, KEYS, d).expect("n x d numbers");
        let mut group = c.benchmark_group(format!("columns={d}"));
        group
            .throughput(Throughput::Elements(PAIRS))
            .sample_size(10);
        for (name, text) in kernels() {
            let mean = LocalMean::new(text.parse().expect("a kernel")).on_empty(OnEmpty::Global);
            let fit = mean.fit(keys, Rows::column(&values)).expect("a fit");
            // A kernel that does not take such data (overflow of a power) has no time.
            let Ok(at) = fit.at(queries, &watch) else {
                continue;
            };
            group.bench_function(BenchmarkId::new("at", name), |b| {
                b.iter(|| fit.at(queries, &watch));
            });
            group.bench_function(BenchmarkId::new("pull_back", name), |b| {
                b.iter(|| fit.pull_back(queries, keys, &at, Rows::column(&by), None, &watch));
            });
        }
    }
}

fn per_width_of_values(c: &mut Criterion) {
    let watch = Watch::default().threads(1);
    let (queries, keys) = (draw(1, QUERIES, 64), draw(2, KEYS, 64));
    let queries = Rows::new(&queries, QUERIES, 64).expect("m x d numbers");
    let keys = Rows::new(&keys, KEYS, 64).expect("n x d numbers");
    let mut group = c.benchmark_group("softmax, columns=64");
    group
        .throughput(Throughput::Elements(PAIRS))
        .sample_size(10);
    for p in [0, 1, 8, 64] {
        let values = draw(3, KEYS, p);
        let values = Rows::new(&values, KEYS, p).expect("n x p numbers");
        let mean = LocalMean::new("softmax(beta=0.125)".parse().expect("a kernel"));
        let fit = mean.fit(keys, values).expect("a fit");
        group.bench_function(BenchmarkId::new("at, values", p), |b| {
            b.iter(|| fit.at(queries, &watch));
        });
    }
}

fn tree(c: &mut Criterion) {
    let watch = Watch::default().threads(1);
    let n = 200_000;
    let (keys, values) = (draw(2, n, 3), draw(3, n, 1));
    let queries = draw(1, QUERIES, 3);
    let queries = Rows::new(&queries, QUERIES, 3).expect("m x d numbers");
    let keys = Rows::new(&keys, n, 3).expect("n x d numbers");
    let mean = LocalMean::new("gaussian(h=0.05)".parse().expect("a kernel")).tolerance(1e-4);
    let mut group = c.benchmark_group("tree, 200000 keys");
    group.sample_size(10);
    group.bench_function("build", |b| {
        b.iter(|| mean.fit(keys, Rows::column(&values)));
    });
    let fit = mean.fit(keys, Rows::column(&values)).expect("a fit");
    group.bench_function("walk, 1000 queries", |b| b.iter(|| fit.at(queries, &watch)));
}

criterion_group!(benches, per_kernel, per_width_of_values, tree);
criterion_main!(benches);
