//! Short sets under softmax and Gaussian kernels go a way of their own, which must be that of the engine.

use locality_learn::{Layer, LayerConfig, Layout, LocalLayer, Pass, Places, Sets};

use crate::support::{draw, moved};

/// Output, derivatives by the input and by the parameters.
fn both_ways(config: &LayerConfig, sets: &Sets) -> [Vec<f64>; 3] {
    let mut layout = Layout::default();
    let layer = LocalLayer::new(&mut layout, "layer", config, 0).unwrap();
    let parameters = moved(&layout, 3, 0.2);
    let (rows, pass) = (sets.rows(), Pass::new(sets));
    let (input, flow) = (draw(1, rows * 16), draw(2, rows * 16));
    let (out, kept) = layer.forward(&parameters, &input, &pass).unwrap();
    let mut gradients = vec![0.0; layout.len()];
    let by_input = layer
        .pull_back(&parameters, &input, &kept, &flow, &mut gradients, &pass)
        .unwrap();
    [out, by_input, gradients]
}

#[test]
fn both_ways_give_the_same() {
    // Products of a kernel with itself, which only the engine knows.
    let pairs = [
        ("softmax(beta=0.6)", "softmax(beta=0.3) * softmax(beta=0.3)"),
        (
            "gaussian(h=2)",
            "gaussian(h=2.8284271247461903) * gaussian(h=2.8284271247461903)",
        ),
    ];
    let sets = Sets::of(&[1, 7, 40]).unwrap();
    for (one, other) in pairs {
        let base = || LayerConfig::new(16, 4).unwrap();
        let configs = [
            base(),
            base().causal(true),
            base().window(Some(3)),
            base().causal(true).window(Some(5)).groups(2),
            base().places(Places::Alibi).groups(1),
            base().causal(true).places(Places::Rotary),
        ];
        for config in configs {
            let a = both_ways(&config.clone().kernel(one).unwrap(), &sets);
            let b = both_ways(&config.clone().kernel(other).unwrap(), &sets);
            for (a, b) in a.iter().zip(&b) {
                let largest = a.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
                assert!(largest > 0.0);
                for (x, y) in a.iter().zip(b) {
                    assert!(
                        (x - y).abs() <= 1e-12 * largest,
                        "{one}: {x} and {y} in {config:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn long_sets_go_by_the_engine() {
    // One row more than the longest that is fused: the first rows of a causal layer do not change.
    let config = LayerConfig::new(16, 4).unwrap().causal(true);
    let mut layout = Layout::default();
    let layer = LocalLayer::new(&mut layout, "layer", &config, 0).unwrap();
    let parameters = moved(&layout, 3, 0.2);
    let input = draw(1, 513 * 16);
    let out = |n: usize| {
        let sets = Sets::equal(1, n).unwrap();
        let (out, _) = layer
            .forward(&parameters, &input[..n * 16], &Pass::new(&sets))
            .unwrap();
        out
    };
    let (short, long) = (out(512), out(513));
    for (a, b) in short.iter().zip(&long) {
        assert!((a - b).abs() < 1e-11 * (1.0 + a.abs()), "{a} and {b}");
    }
}
