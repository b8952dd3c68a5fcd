//! The optimiser against its formulas, schedules and clipping against theirs.

use locality_learn::{AdamW, Layout, Schedule, Start, clip};

use crate::support::draw;

#[test]
fn adamw_follows_its_formula_and_spares_gains() {
    let mut layout = Layout::default();
    layout.add("weight", &[3, 2], Start::Normal(1.0), true);
    layout.add("gain", &[2], Start::Ones, false);
    let optimizer = AdamW {
        beta1: 0.8,
        beta2: 0.9,
        epsilon: 1e-3,
        decay: 0.5,
    };
    let mut found = layout.initialize::<f64>(1);
    let mut state = optimizer.start::<f64>(&layout).unwrap();
    let mut x = found.clone();
    let (mut m, mut v) = (vec![0.0; 8], vec![0.0; 8]);
    for step in 1..=5 {
        let g = draw(step, 8);
        let rate = 0.1 / step as f64;
        optimizer
            .step(&layout, &mut state, &mut found, &g, rate)
            .unwrap();
        for i in 0..8 {
            m[i] = 0.8 * m[i] + 0.2 * g[i];
            v[i] = 0.9 * v[i] + 0.1 * g[i] * g[i];
            let mean = m[i] / (1.0 - 0.8_f64.powi(step as i32));
            let square = v[i] / (1.0 - 0.9_f64.powi(step as i32));
            let decay = if i < 6 { 0.5 } else { 0.0 };
            x[i] -= rate * (mean / (square.sqrt() + 1e-3) + decay * x[i]);
        }
        for (a, b) in found.iter().zip(&x) {
            assert!((a - b).abs() < 1e-14, "step {step}: {a} and {b}");
        }
    }
    assert_eq!(state.step, 5);
}

#[test]
fn schedules_rise_and_fall() {
    let s = Schedule::cosine(2.0, 1.0, 4, 10).unwrap();
    let near = |step, rate: f64| assert!((s.at(step) - rate).abs() < 1e-12, "{}", s.at(step));
    near(0, 0.4);
    near(3, 1.6);
    near(4, 2.0);
    near(7, 1.5);
    near(10, 1.0);
    near(99, 1.0);
    let short = Schedule::cosine(2.0, 1.0, 9, 3).unwrap();
    assert_eq!(short.at(9), 1.0);
    assert!(Schedule::constant(-1.0).is_err() && Schedule::constant(f64::NAN).is_err());
}

#[test]
fn clipping_keeps_the_direction() {
    let g = draw(1, 40_000);
    let norm = g.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut same = g.clone();
    assert!((clip(&mut same, 1e6).unwrap() - norm).abs() < 1e-9 * norm);
    assert_eq!(same, g);
    let mut cut = g.clone();
    clip(&mut cut, 0.25).unwrap();
    for (c, g) in cut.iter().zip(&g) {
        assert!((c - g * 0.25 / norm).abs() < 1e-15);
    }
    assert!(clip(&mut [f64::NAN], 1.0).is_err());
    assert!(clip(&mut cut, 0.0).is_err());
}

#[test]
fn numbers_out_of_range_are_refused() {
    let layout = Layout::default();
    let bad = [
        AdamW {
            beta1: 1.0,
            ..AdamW::default()
        },
        AdamW {
            beta2: -0.1,
            ..AdamW::default()
        },
        AdamW {
            epsilon: 0.0,
            ..AdamW::default()
        },
        AdamW {
            decay: f64::NAN,
            ..AdamW::default()
        },
    ];
    for optimizer in bad {
        assert!(optimizer.start::<f32>(&layout).is_err(), "{optimizer:?}");
    }
}
