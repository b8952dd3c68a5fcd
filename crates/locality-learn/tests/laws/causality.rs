//! Causal models never look ahead: another later code changes nothing earlier, to the bit.

use locality_learn::{Positions, Sets, TransformerConfig};

use crate::support::codes;

#[test]
fn a_later_code_changes_nothing_earlier() {
    let sets = Sets::of(&[3, 12]).unwrap();
    let kernels = ["softmax", "gaussian", "epanechnikov", "tricube(h=0.3)"];
    for kernel in kernels {
        for positions in [Positions::Learned, Positions::Rotary, Positions::Alibi] {
            let config = TransformerConfig::decoder(7, 12)
                .layers(2)
                .heads(2)
                .width(8);
            let config = config.kernel(kernel).positions(positions);
            let model = config.build::<f32>(1).unwrap();
            let mut input = codes(1, 15, 7);
            let before = model.scores(&input, &sets).unwrap();
            // Row 3 + 8 is in the middle of the second set.
            input[11] = (input[11] + 1) % 7;
            let after = model.scores(&input, &sets).unwrap();
            assert_eq!(before[..11 * 7], after[..11 * 7], "{kernel} {positions:?}");
            let moved = (11..15).filter(|r| before[r * 7..][..7] != after[r * 7..][..7]);
            assert!(moved.count() >= 1, "{kernel}: it does depend on the code");
        }
    }
}

#[test]
fn an_encoder_does_look_ahead() {
    let sets = Sets::of(&[6]).unwrap();
    let config = TransformerConfig::encoder(7, 6).layers(1).heads(2).width(8);
    let model = config.build::<f32>(1).unwrap();
    let mut input = codes(1, 6, 7);
    let before = model.encode(&input, &sets).unwrap();
    input[5] = (input[5] + 1) % 7;
    assert_ne!(before[..8], model.encode(&input, &sets).unwrap()[..8]);
}

#[test]
fn a_window_forgets_what_is_behind_it() {
    let sets = Sets::of(&[10]).unwrap();
    let config = TransformerConfig::decoder(7, 10)
        .layers(1)
        .heads(2)
        .width(8);
    let model = config.window(Some(3)).build::<f32>(1).unwrap();
    let mut input = codes(1, 10, 7);
    let before = model.scores(&input, &sets).unwrap();
    input[2] = (input[2] + 1) % 7;
    let after = model.scores(&input, &sets).unwrap();
    let same = |r: usize| before[r * 7..][..7] == after[r * 7..][..7];
    let found: Vec<bool> = (0..10).map(same).collect();
    let (t, f) = (true, false);
    assert_eq!(found, [t, t, f, f, f, t, t, t, t, t]);
}

#[test]
fn sets_do_not_see_each_other() {
    let config = TransformerConfig::encoder(7, 6).layers(2).heads(2).width(8);
    let model = config.positions(Positions::Alibi).build::<f32>(1).unwrap();
    let input = codes(1, 10, 7);
    let both = model.encode(&input, &Sets::of(&[4, 6]).unwrap()).unwrap();
    let first = model.encode(&input[..4], &Sets::of(&[4]).unwrap()).unwrap();
    let second = model.encode(&input[4..], &Sets::of(&[6]).unwrap()).unwrap();
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(near(&both, &[first, second].concat()));
}
