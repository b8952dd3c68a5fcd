//! Buffers that do not fit are an error of every public layer, not a panic.

use locality_core::Error;
use locality_learn::{
    Activation, Embedding, FeedForward, HeadsConfig, HierarchicalModel, Layer, LayerConfig, Layout,
    Linear, LocalHeads, LocalLayer, Norm, NormKind, Pass, Places, Sets, SiteMap, attention_kernel,
};

/// Every buffer cut short in turn.
fn check<L: Layer<f64>>(what: &str, make: impl Fn(&mut Layout) -> L) {
    let mut layout = Layout::default();
    // Something in front, so that a layer's own do not begin at zero.
    layout.add("other", &[3], locality_learn::Start::Ones, false);
    let layer = make(&mut layout);
    let sets = Sets::of(&[2, 3]).unwrap();
    let pass = Pass::new(&sets);
    let p = layout.initialize::<f64>(1);
    let (x, flow) = (
        vec![0.5; 5 * layer.inputs()],
        vec![0.5; 5 * layer.outputs()],
    );
    let (_, kept) = layer.forward(&p, &x, &pass).unwrap();
    let short = |x: &[f64]| x[..x.len() - 1].to_vec();
    let says = |e: Error| {
        let e = e.to_string();
        assert!(e.contains("numbers") && !e.contains('\n'), "{what}: {e}");
    };
    for p in [short(&p), Vec::new()] {
        says(layer.forward(&p, &x, &pass).map(|_| ()).unwrap_err());
        says(layer.predict(&p, &x, &pass).unwrap_err());
        let mut g = vec![0.0; layout.len()];
        says(
            layer
                .pull_back(&p, &x, &kept, &flow, &mut g, &pass)
                .unwrap_err(),
        );
    }
    says(
        layer
            .forward(&p, &short(&x), &pass)
            .map(|_| ())
            .unwrap_err(),
    );
    says(layer.predict(&p, &short(&x), &pass).unwrap_err());
    let mut g = vec![0.0; layout.len()];
    says(
        layer
            .pull_back(&p, &x, &kept, &short(&flow), &mut g, &pass)
            .unwrap_err(),
    );
    let mut g = vec![0.0; layout.len() - 1];
    says(
        layer
            .pull_back(&p, &x, &kept, &flow, &mut g, &pass)
            .unwrap_err(),
    );
}

#[test]
fn short_buffers_are_an_error() {
    check("linear", |l| Linear::new(l, "map", (4, 3), true, 0.5));
    check("linear", |l| Linear::new(l, "map", (4, 3), false, 0.5));
    check("norm", |l| Norm::new(l, "norm", 4, NormKind::Layer, true));
    check("map", |l| {
        SiteMap::new(l, "map", (4, 6), None, true, (0.5, 0.5))
    });
    check("net", |l| {
        FeedForward::new(l, "net", &[4, 5, 3], Activation::Gelu, None).unwrap()
    });
    let config = || LayerConfig::new(4, 2).unwrap();
    check("layer", |l| {
        LocalLayer::new(l, "layer", &config(), 0).unwrap()
    });
    check("post-norm", |l| {
        LocalLayer::new(l, "layer", &config().norm_first(false), 0).unwrap()
    });
    check("stack", |l| {
        HierarchicalModel::new(l, "stack", &[config(), config()]).unwrap()
    });
}

#[test]
fn sizes_of_zero_are_an_error() {
    let sets = Sets::of(&[2]).unwrap();
    let pass = Pass::new(&sets);
    let mut layout = Layout::default();
    let map = Linear::new(&mut layout, "map", (0, 3), true, 0.5);
    let norm = Norm::new(&mut layout, "norm", 0, NormKind::Layer, true);
    let p = layout.initialize::<f64>(1);
    assert!(map.forward(&p, &[], &pass).is_err());
    assert!(norm.forward(&p, &[], &pass).is_err());
}

#[test]
fn tables_take_no_code_beyond_them() {
    let mut layout = Layout::default();
    let table = Embedding::new(&mut layout, "table", (5, 2), 0.5);
    let p = layout.initialize::<f64>(1);
    let says = |e: locality_core::Result<()>, word: &str| {
        let e = e.unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
    };
    let mut rows = vec![0.0; 4];
    says(table.add(&p, &[1, 5], &mut rows), "code 5 at position 1");
    says(table.add(&p, &[1], &mut rows), "4 numbers");
    says(table.add(&p[..9], &[1, 2], &mut rows), "9 numbers");
    let mut g = vec![0.0; 10];
    says(
        table.pull_back(&[1, 5], &rows, &mut g),
        "code 5 at position 1",
    );
    says(table.pull_back(&[1, 2, 3], &rows, &mut g), "4 numbers");
    says(table.pull_back(&[1, 2], &rows, &mut g[..9]), "9 numbers");
}

#[test]
fn heads_that_grow_are_checked_as_well() {
    let config = HeadsConfig {
        width: 4,
        heads: 2,
        groups: 2,
        head_width: 2,
        kernel: attention_kernel("softmax", 2).unwrap(),
        causal: true,
        window: None,
        places: Places::Unknown,
        bias: true,
        deviations: (0.5, 0.5),
    };
    let mut layout = Layout::default();
    let heads = LocalHeads::new(&mut layout, "heads", config).unwrap();
    let p = layout.initialize::<f64>(1);
    let mut cache = heads.cache().unwrap();
    let e = heads.extend(&p[..7], &[0.5; 4], &mut cache).unwrap_err();
    assert!(e.to_string().contains("7 numbers"), "{e}");
    assert!(cache.is_empty());
}
