//! BERT and GPT-2 as their papers say, in plain loops and double precision, one sequence at a time.

use crate::tensors::{SIZES, Tensors};

type Rows = Vec<Vec<f64>>;

fn norm(x: &[f64], gain: &[f64], shift: &[f64], epsilon: f64) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let share = 1.0 / (variance + epsilon).sqrt();
    let each = x.iter().zip(gain).zip(shift);
    each.map(|((x, g), s)| (x - mean) * share * g + s).collect()
}

/// `at(o, i)` is the weight of input `i` in output `o`.
fn map(x: &[f64], bias: &[f64], at: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let sum = |o: usize| x.iter().enumerate().map(|(i, x)| x * at(o, i)).sum::<f64>();
    bias.iter().enumerate().map(|(o, b)| b + sum(o)).collect()
}

fn attention(queries: &Rows, keys: &Rows, values: &Rows, causal: bool) -> Rows {
    let (w, heads) = (SIZES[2], SIZES[3]);
    let d = w / heads;
    let mut out = vec![vec![0.0; w]; queries.len()];
    for head in 0..heads {
        for (i, out) in out.iter_mut().enumerate() {
            let end = if causal { i + 1 } else { keys.len() };
            let score = |j: usize| {
                let pairs = (head * d..(head + 1) * d).map(|c| queries[i][c] * keys[j][c]);
                (pairs.sum::<f64>() / (d as f64).sqrt()).exp()
            };
            let weights: Vec<f64> = (0..end).map(score).collect();
            let sum: f64 = weights.iter().sum();
            for c in head * d..(head + 1) * d {
                let pairs = weights.iter().zip(values).map(|(w, v)| w * v[c]);
                out[c] = pairs.sum::<f64>() / sum;
            }
        }
    }
    out
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The vectors of the codes of one sentence.
pub(crate) fn bert(t: &Tensors, codes: &[u32]) -> Rows {
    const EPSILON: f64 = 1e-12;
    let w = SIZES[2];
    let row = |name: &str, i: usize| t.get(name)[i * w..(i + 1) * w].to_vec();
    let linear = |x: &[f64], name: &str| {
        let weight = t.get(&format!("{name}.weight"));
        map(x, t.get(&format!("{name}.bias")), |o, i| {
            weight[o * x.len() + i]
        })
    };
    let normed = |x: &[f64], name: &str| {
        let [gain, shift] = ["weight", "bias"].map(|part| t.get(&format!("{name}.{part}")));
        norm(x, gain, shift, EPSILON)
    };
    let embed = |(place, code): (usize, &u32)| {
        let word = row("embeddings.word_embeddings.weight", *code as usize);
        let place = row("embeddings.position_embeddings.weight", place);
        let kind = row("embeddings.token_type_embeddings.weight", 0);
        normed(&add(&add(&word, &place), &kind), "embeddings.LayerNorm")
    };
    let mut x: Rows = codes.iter().enumerate().map(embed).collect();
    for layer in 0..SIZES[5] {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let part = |what: &str| -> Rows {
            let name = name(&format!("attention.self.{what}"));
            x.iter().map(|x| linear(x, &name)).collect()
        };
        let mixed = attention(&part("query"), &part("key"), &part("value"), false);
        let site = |(x, mixed): (&Vec<f64>, Vec<f64>)| {
            let mixed = linear(&mixed, &name("attention.output.dense"));
            let middle = normed(&add(x, &mixed), &name("attention.output.LayerNorm"));
            let inner = linear(&middle, &name("intermediate.dense"));
            let phi = |x: f64| 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2));
            let inner: Vec<f64> = inner.iter().map(|x| x * phi(*x)).collect();
            let out = linear(&inner, &name("output.dense"));
            normed(&add(&middle, &out), &name("output.LayerNorm"))
        };
        x = x.iter().zip(mixed).map(site).collect();
    }
    x
}

/// Their mean, of unit length.
pub(crate) fn pooled(rows: &Rows) -> Vec<f64> {
    let sum = rows.iter().skip(1).fold(rows[0].clone(), |a, b| add(&a, b));
    let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    sum.iter().map(|x| x / length).collect()
}

/// The scores of the code after each.
pub(crate) fn gpt2(t: &Tensors, codes: &[u32]) -> Rows {
    let w = SIZES[2];
    let row = |name: &str, i: usize| t.get(name)[i * w..(i + 1) * w].to_vec();
    let linear = |x: &[f64], name: &str| {
        let weight = t.get(&format!("{name}.weight"));
        let bias = t.get(&format!("{name}.bias"));
        map(x, bias, |o, i| weight[i * bias.len() + o])
    };
    let normed = |x: &[f64], name: &str| {
        let [gain, shift] = ["weight", "bias"].map(|part| t.get(&format!("{name}.{part}")));
        norm(x, gain, shift, 1e-5)
    };
    let embed = |(place, code): (usize, &u32)| {
        add(
            &row("wte.weight", *code as usize),
            &row("wpe.weight", place),
        )
    };
    let mut x: Rows = codes.iter().enumerate().map(embed).collect();
    for layer in 0..SIZES[5] {
        let name = |part: &str| format!("h.{layer}.{part}");
        let all: Rows = x
            .iter()
            .map(|x| linear(&normed(x, &name("ln_1")), &name("attn.c_attn")))
            .collect();
        let part = |at: usize| -> Rows {
            all.iter()
                .map(|r| r[at * w..(at + 1) * w].to_vec())
                .collect()
        };
        let mixed = attention(&part(0), &part(1), &part(2), true);
        let site = |(x, mixed): (&Vec<f64>, Vec<f64>)| {
            let middle = add(x, &linear(&mixed, &name("attn.c_proj")));
            let inner = linear(&normed(&middle, &name("ln_2")), &name("mlp.c_fc"));
            let scale = (2.0 / std::f64::consts::PI).sqrt();
            let gelu = |x: &f64| 0.5 * x * (1.0 + (scale * (x + 0.044_715 * x * x * x)).tanh());
            let inner: Vec<f64> = inner.iter().map(gelu).collect();
            add(&middle, &linear(&inner, &name("mlp.c_proj")))
        };
        x = x.iter().zip(mixed).map(site).collect();
    }
    let score = |x: &Vec<f64>| {
        let x = normed(x, "ln_f");
        map(&x, &vec![0.0; SIZES[0]], |o, i| {
            t.get("wte.weight")[o * w + i]
        })
    };
    x.iter().map(score).collect()
}
