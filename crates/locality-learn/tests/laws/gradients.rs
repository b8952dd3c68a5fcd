//! Every pull-back against central differences, in double precision.

use locality_core::{Profile, Takes, profiles};
use locality_learn::{
    Activation, Chance, FeedForward, HierarchicalModel, IGNORED, LayerConfig, Layout, Linear,
    LocalLayer, Norm, NormKind, Pass, Places, Positions, Sets, SiteMap, TransformerConfig,
    cross_entropy, squared_loss,
};

use crate::support::{agree, check, codes, draw, moved};

fn sets() -> Sets {
    Sets::of(&[3, 5, 1]).unwrap()
}

#[test]
fn linear_maps() {
    let sets = sets();
    for bias in [false, true] {
        let mut layout = Layout::default();
        let layer = Linear::new(&mut layout, "map", (4, 3), bias, 0.5);
        check("linear", &layer, &layout, &Pass::new(&sets));
    }
}

#[test]
fn linear_maps_wider_than_one_piece_and_longer_than_one_block() {
    let sets = Sets::of(&[70, 3]).unwrap();
    let mut layout = Layout::default();
    let layer = Linear::new(&mut layout, "map", (2, 67), true, 0.5);
    check("linear", &layer, &layout, &Pass::new(&sets));
}

#[test]
fn norms() {
    let sets = Sets::of(&[66, 3]).unwrap();
    for kind in [NormKind::Layer, NormKind::Rms] {
        for shift in [false, true] {
            let mut layout = Layout::default();
            let layer = Norm::new(&mut layout, "norm", 6, kind, shift);
            check(&format!("{kind:?}"), &layer, &layout, &Pass::new(&sets));
        }
    }
}

#[test]
fn maps_with_curves_between() {
    let sets = sets();
    for sizes in [&[4, 3][..], &[3, 5, 2], &[2, 6, 3, 4]] {
        let mut layout = Layout::default();
        let net = FeedForward::new(&mut layout, "net", sizes, Activation::Gelu, None).unwrap();
        check(&format!("{sizes:?}"), &net, &layout, &Pass::new(&sets));
    }
}

#[test]
fn site_maps() {
    let sets = sets();
    let curves = [
        None,
        Some(Activation::Gelu),
        Some(Activation::GeluErf),
        Some(Activation::Silu),
        Some(Activation::Relu),
    ];
    for curve in curves {
        let mut layout = Layout::default();
        let layer = SiteMap::new(&mut layout, "map", (3, 5), curve, true, (0.5, 0.5));
        check(&format!("{curve:?}"), &layer, &layout, &Pass::new(&sets));
    }
}

fn small(config: &LayerConfig) -> (Layout, LocalLayer) {
    let config = config.clone().hidden(5).deviations(0.4, 0.4);
    let mut layout = Layout::default();
    let layer = LocalLayer::new(&mut layout, "layer", &config, 0).unwrap();
    (layout, layer)
}

/// A kernel of every profile, in its text, for heads of two columns.
fn kernels() -> Vec<String> {
    let text = |info: &locality_core::ProfileInfo| {
        let made = Profile::from_name(info.name, &[]).unwrap();
        let numbers = made.values().into_iter().zip(info.parameters);
        let mut all: Vec<String> = numbers.map(|(x, p)| format!("{}={x}", p.name)).collect();
        match info.takes {
            _ if matches!(info.name, "s" | "z") => all.push("cols=0".into()),
            Takes::Score => {}
            // Wide enough that few keys are at an edge, where there is no derivative.
            Takes::Distance => all.push("h=3.7".into()),
        }
        format!("{}({})", info.name, all.join(", "))
    };
    profiles().iter().map(text).collect()
}

#[test]
fn local_layers_under_every_kernel() {
    let sets = Sets::of(&[3, 4]).unwrap();
    let all = kernels();
    assert!(all.len() >= 20);
    for kernel in &all {
        let config = LayerConfig::new(4, 2).unwrap().kernel(kernel).unwrap();
        let (layout, layer) = small(&config);
        check(kernel, &layer, &layout, &Pass::new(&sets));
    }
}

#[test]
fn local_layers_of_wide_heads_under_every_kernel_of_attention() {
    // From eight columns on the engine goes by products of tiles.
    let sets = Sets::of(&[5]).unwrap();
    let product = "softmax(beta=0.3) * gaussian(h=5)";
    for kernel in ["softmax", "gaussian", "epanechnikov", "laplace", product] {
        let config = LayerConfig::new(8, 1).unwrap().kernel(kernel).unwrap();
        let (layout, layer) = small(&config.causal(true));
        check(kernel, &layer, &layout, &Pass::new(&sets));
    }
}

#[test]
fn local_layers_with_every_rule_of_who_sees_whom() {
    let sets = Sets::of(&[4, 6, 1]).unwrap();
    let base = || LayerConfig::new(4, 2).unwrap();
    let many = || LayerConfig::new(8, 4).unwrap();
    let configs = [
        ("causal", base().causal(true)),
        ("window", base().window(Some(2))),
        ("causal window", base().causal(true).window(Some(3))),
        ("alibi", base().places(Places::Alibi)),
        ("causal alibi", base().causal(true).places(Places::Alibi)),
        ("rotary", base().places(Places::Rotary)),
        ("groups", many().groups(2)),
        ("one group", many().groups(1).places(Places::Rotary)),
        ("post-norm", base().norm_first(false)),
        ("rms", base().norm(NormKind::Rms).bias(false)),
        ("swiglu", base().activation(None)),
    ];
    for (what, config) in configs {
        let (layout, layer) = small(&config);
        check(what, &layer, &layout, &Pass::new(&sets));
    }
}

#[test]
fn dropout_goes_the_same_way_back() {
    let sets = sets();
    for first in [true, false] {
        let config = LayerConfig::new(4, 2).unwrap().dropout(0.4);
        let (layout, layer) = small(&config.norm_first(first));
        let pass = Pass::training(&sets, Chance::new(1, 5));
        check("dropout", &layer, &layout, &pass);
    }
}

#[test]
fn hierarchies_of_different_layers() {
    let sets = sets();
    let layer = || LayerConfig::new(4, 2).unwrap().hidden(3);
    let layers = [
        layer().kernel("gaussian").unwrap().window(Some(2)),
        layer().places(Places::Rotary),
        layer().kernel("cauchy").unwrap(),
    ];
    for first in [true, false] {
        let layers = layers
            .clone()
            .map(|l| l.norm_first(first).deviations(0.4, 0.4));
        let mut layout = Layout::default();
        let model = HierarchicalModel::new(&mut layout, "layers", &layers).unwrap();
        check("hierarchy", &model, &layout, &Pass::new(&sets));
    }
}

#[test]
fn losses() {
    let targets = [2, IGNORED, 0, 1];
    let mut scores = draw(1, 12);
    let (_, flow) = cross_entropy(&scores, &targets, 3).unwrap();
    agree("cross entropy", &mut scores, &flow, 1, |s| {
        cross_entropy(s, &targets, 3).unwrap().0
    });
    let target = draw(2, 12);
    let (_, flow) = squared_loss(&scores, &target).unwrap();
    agree("squares", &mut scores, &flow, 1, |s| {
        squared_loss(s, &target).unwrap().0
    });
}

#[test]
fn whole_transformers() {
    let sets = Sets::of(&[4, 3]).unwrap();
    let base = || {
        TransformerConfig::decoder(5, 4)
            .layers(2)
            .heads(2)
            .width(4)
            .hidden(6)
    };
    let configs = [
        ("tied", base()),
        ("own scores", base().tied(false).bias(true)),
        ("sinusoidal", base().positions(Positions::Sinusoidal)),
        (
            "rotary",
            base().positions(Positions::Rotary).kernel("gaussian"),
        ),
        ("alibi", base().positions(Positions::Alibi).groups(1)),
        ("dropout", base().dropout(0.3)),
    ];
    let (input, targets) = (codes(1, 7, 5), codes(2, 7, 5));
    let chance = Some(Chance::new(3, 0));
    for (what, config) in configs {
        let mut model = config.build::<f64>(1).unwrap();
        model.parameters = moved(model.layout(), 4, 0.3);
        let mut gradients = vec![0.0; model.layout().len()];
        model
            .pull_back(&input, &targets, &sets, chance, &mut gradients)
            .unwrap();
        let mut parameters = model.parameters.clone();
        let mut spare = gradients.clone();
        agree(what, &mut parameters, &gradients, 1, |p| {
            model.parameters.copy_from_slice(p);
            model
                .pull_back(&input, &targets, &sets, chance, &mut spare)
                .unwrap()
        });
    }
}
