//! Attention and nearest neighbours as local means.

use locality::{Kernel, LocalMean, Neighborhood, Rows};

use super::card::Card;
use super::data::{FOLDER, Table, csv, standardized};
use super::stage::{Stage, seconds};
use crate::error::Result;
use crate::plot;

/// Kernel, neighbourhood, and what it is known as.
const WAYS: [[&str; 3]; 4] = [
    [
        "softmax(beta=0.5)",
        "hollow",
        "attention, scaled inner product",
    ],
    [
        "softmax(beta=20, metric=cosine)",
        "hollow",
        "attention, cosine",
    ],
    ["gaussian(h=0.5)", "hollow", "Gaussian kernel regression"],
    [
        "uniform(h=100)",
        "nearest(k=5) & hollow",
        "5 nearest neighbours",
    ],
];

/// The way that is drawn.
const DRAWN: usize = 1;

pub(super) fn card(stage: &mut Stage<'_>) -> Result<Card> {
    let mut card = Card::new(
        "Attention and nearest neighbours are local means",
        "Attention weights every key by the exponential of its score with the query and returns the weighted mean of the values. With \
         another kernel the same mean is kernel regression, and with a flat kernel over the nearest rows it is k nearest \
         neighbours. The plain inner product also favours keys that are long; the cosine does not. Here each iris asks the 149 others (the neighbourhood hollow leaves out itself) for their species; the answer \
         is the species with the largest share.",
    );
    let iris = Table::iris(stage)?;
    let (n, d) = (iris.rows(), iris.names.len());
    let (names, species) = iris.classes();
    let (scaled, _) = standardized(&iris.numbers, d);
    let mut shares = vec![0.0; n * names.len()];
    for (i, s) in species.iter().enumerate() {
        shares[i * names.len() + *s as usize] = 1.0;
    }
    let path = format!("{FOLDER}/iris-standard.csv");
    let table: Vec<f64> = scaled
        .chunks(d)
        .zip(shares.chunks(names.len()))
        .flat_map(|(x, s)| x.iter().chain(s).copied())
        .collect();
    let mut header: Vec<&str> = iris.names.iter().map(String::as_str).collect();
    header.extend(names.iter().map(String::as_str));
    stage.put(&path, csv(&header, &table));

    let keys = Rows::new(&scaled, n, d)?;
    let values = Rows::new(&shares, n, names.len())?;
    let mut spent = 0.0;
    for [kernel, neighborhood, known] in WAYS {
        let mean = way(kernel, neighborhood)?;
        let (out, time) = stage.timed("local mean", |watch| {
            mean.fit(keys, values)?.at(keys, watch)
        })?;
        spent += time;
        let right = out.means.chunks(names.len()).zip(&species);
        let right = right.filter(|(shares, s)| largest(shares) == **s as usize);
        card.figure(
            format!("{known}, right"),
            format!("{:.1} %", 100.0 * right.count() as f64 / n as f64),
        );
    }
    card.figure("time, all four", seconds(spent));

    // The mean of the rows of an identity matrix is the weights themselves.
    let mut identity = vec![0.0; n * n];
    for i in 0..n {
        identity[i * n + i] = 1.0;
    }
    let [kernel, neighborhood, _] = WAYS[DRAWN];
    let mean = way(kernel, neighborhood)?;
    let (weights, _) = stage.timed("weights", |watch| {
        mean.fit(keys, Rows::new(&identity, n, n)?)?.at(keys, watch)
    })?;
    let mut groups: Vec<(String, usize)> = names.iter().map(|w| (w.clone(), 0)).collect();
    for s in &species {
        groups[*s as usize].1 += 1;
    }
    let scene = plot::draw_heat(
        "Who listens to whom: attention between 150 irises",
        ["key", "query"],
        n,
        &weights.means,
        &groups,
    );
    stage.put_chart("iris-attention.png", &scene)?;
    card.chart(
        "iris-attention.png",
        &format!("The share of each key in each query's mean, under {kernel}; deeper is more"),
    );
    for [kernel, neighborhood, known] in WAYS {
        let out = known
            .replace([',', ' '], "-")
            .replace("--", "-")
            .to_lowercase();
        card.command(format!(
            "locality mean {path} --value {} --query {path} -o {out}.csv --columns {} --kernel \"{kernel}\" --neighborhood \"{neighborhood}\"",
            names.join(","),
            iris.names.join(","),
        ));
    }
    Ok(card)
}

fn way(kernel: &str, neighborhood: &str) -> Result<LocalMean> {
    let kernel: Kernel = kernel.parse()?;
    let neighborhood: Neighborhood = neighborhood.parse()?;
    Ok(LocalMean::new(kernel).neighborhood(neighborhood))
}

/// The place of the largest number, the first among equals.
fn largest(numbers: &[f64]) -> usize {
    let mut best = 0;
    for (i, x) in numbers.iter().enumerate() {
        if *x > numbers[best] {
            best = i;
        }
    }
    best
}
