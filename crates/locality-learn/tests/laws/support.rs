//! What the laws share.

use locality_learn::{Layer, Layout, Pass};
use locality_testing::Rng;

/// Normal numbers.
pub(crate) fn draw(seed: u64, n: usize) -> Vec<f64> {
    locality_testing::normal(seed, n, 1)
}

/// Codes below `codes`.
pub(crate) fn codes(seed: u64, n: usize, codes: usize) -> Vec<u32> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| rng.below(codes) as u32).collect()
}

/// Parameters as they begin, moved about so that none is zero or one.
pub(crate) fn moved(layout: &Layout, seed: u64, by: f64) -> Vec<f64> {
    let mut out = layout.initialize::<f64>(seed);
    let noise = draw(seed + 99, out.len());
    out.iter_mut().zip(noise).for_each(|(x, n)| *x += by * n);
    out
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The derivative of `f` by `x[i]` by central differences of the fourth order.
pub(crate) fn slope(x: &mut [f64], i: usize, f: &mut dyn FnMut(&[f64]) -> f64) -> f64 {
    const STEP: f64 = 3e-5;
    let old = x[i];
    let mut at = |steps: f64| {
        x[i] = old + steps * STEP;
        let y = f(x);
        x[i] = old;
        y
    };
    (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * STEP)
}

/// Such differences are within this share of the largest derivative: rounding is some 1e-15 / 3e-5.
pub(crate) const NEAR: f64 = 1e-8;

/// Requires derivatives at some places to be those of `f`.
pub(crate) fn agree(
    what: &str,
    x: &mut [f64],
    found: &[f64],
    stride: usize,
    mut f: impl FnMut(&[f64]) -> f64,
) {
    let largest = found.iter().fold(1e-3_f64, |a, b| a.max(b.abs()));
    assert_eq!(x.len(), found.len(), "{what}");
    for i in (0..x.len()).step_by(stride) {
        let expected = slope(x, i, &mut f);
        assert!(
            (expected - found[i]).abs() <= NEAR * largest,
            "{what}, place {i}: {} by pull-back, {expected} by differences (largest {largest})",
            found[i]
        );
    }
}

/// Checks a layer's pull-back by its input and by every parameter.
pub(crate) fn check<L: Layer<f64>>(what: &str, layer: &L, layout: &Layout, pass: &Pass<'_>) {
    let mut parameters = moved(layout, 3, 0.3);
    let rows = pass.sets.rows();
    let mut input = draw(5, rows * layer.inputs());
    let flow = draw(7, rows * layer.outputs());
    let (_, kept) = layer.forward(&parameters, &input, pass).unwrap();
    let mut gradients = vec![0.0; layout.len()];
    let by_input = layer
        .pull_back(&parameters, &input, &kept, &flow, &mut gradients, pass)
        .unwrap();
    let of = |p: &[f64], x: &[f64]| dot(&layer.forward(p, x, pass).unwrap().0, &flow);
    let fixed = parameters.clone();
    agree(&format!("{what} by input"), &mut input, &by_input, 1, |x| {
        of(&fixed, x)
    });
    let fixed = input.clone();
    agree(
        &format!("{what} by parameters"),
        &mut parameters,
        &gradients,
        1,
        |p| of(p, &fixed),
    );
    // What was there before is added to.
    let first = gradients.clone();
    layer
        .pull_back(&parameters, &input, &kept, &flow, &mut gradients, pass)
        .unwrap();
    for (twice, once) in gradients.iter().zip(&first) {
        assert!(
            (twice - 2.0 * once).abs() <= 1e-12 * (1.0 + once.abs()),
            "{what}"
        );
    }
}

/// A table of the data folder: numbers but for the last column, and the last column's texts.
pub(crate) fn table(name: &str) -> (Vec<f64>, Vec<String>, usize) {
    let path = format!("{}/../../data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = text.lines().skip(1).filter(|l| !l.trim().is_empty());
    let (mut x, mut y, mut d) = (Vec::new(), Vec::new(), 0);
    for line in rows.by_ref() {
        let cells: Vec<&str> = line.trim().split(',').collect();
        d = cells.len() - 1;
        x.extend(cells[..d].iter().map(|c| c.parse::<f64>().unwrap()));
        y.push(cells[d].to_owned());
    }
    (x, y, d)
}

/// Names as numbers from 0, and how many there are.
pub(crate) fn numbered(names: &[String]) -> (Vec<usize>, usize) {
    let mut all = names.to_vec();
    all.sort();
    all.dedup();
    let at = |n: &String| all.binary_search(n).unwrap();
    (names.iter().map(at).collect(), all.len())
}
