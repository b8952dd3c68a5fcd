//! Hierarchies of regions, edge weights and stacks of frames: laws, and what is known by hand.

use locality::image::{
    ColorSpace, Connectivity, EdgeWeights, ImageKernel, ImageView, MeanShiftFilter,
    MeanShiftSegmenter, MergeCost, Partition, RegionMerging, Superpixels,
};
use locality::{ErrorKind, Watch};
use locality_testing::Rng;

fn noise(seed: u64, n: usize) -> Vec<f32> {
    let mut r = Rng::new(seed);
    (0..n).map(|_| r.uniform() as f32).collect()
}

fn piece() -> (Vec<u8>, usize, usize) {
    let path = format!("{}/../../data/coffee.png", env!("CARGO_MANIFEST_DIR"));
    let rgb = image::open(path)
        .unwrap()
        .crop_imm(180, 60, 150, 120)
        .to_rgb8();
    (rgb.into_raw(), 120, 150)
}

/// The squared error of regions' mean colours.
fn error(found: &Partition<f32>, samples: &[f32]) -> f64 {
    let channels = samples.len() / found.labels().len();
    let colors = found.region_colors();
    found
        .labels()
        .iter()
        .zip(samples.chunks_exact(channels))
        .flat_map(|(&l, c)| {
            c.iter()
                .enumerate()
                .map(move |(k, c)| f64::from(c - colors[l as usize * channels + k]).powi(2))
        })
        .sum()
}

#[test]
fn wards_heights_are_the_growth_of_the_error() {
    let samples = noise(3, 8 * 9 * 2);
    let image = ImageView::new(&samples, 8, 9, 2).unwrap();
    let watch = Watch::default();
    let labels: Vec<u32> = (0..72).collect();
    let tree = RegionMerging::new().tree(&image, &labels, &watch).unwrap();
    assert_eq!((tree.n_leaves(), tree.merges().len()), (72, 71));
    let mut before = 0.0;
    for regions in (1..72).rev() {
        let cut = tree.cut_regions(regions).unwrap();
        let found = Partition::new(&image, &cut, ColorSpace::Raw, &watch).unwrap();
        assert_eq!(found.n_regions(), regions);
        let now = error(&found, &samples);
        let merge = tree.merges()[71 - regions];
        assert!(merge.height >= now - before - 1e-5, "{regions}");
        // Where no merge below cost more, the height is that of this one.
        let children = merge.regions.map(|r| {
            if r < 72 {
                0.0
            } else {
                tree.merges()[r - 72].height
            }
        });
        if merge.height > children[0].max(children[1]) {
            assert!((merge.height - (now - before)).abs() < 1e-5, "{regions}");
        }
        before = now;
    }
    assert_eq!(tree.merges()[70].size, 72);
}

#[test]
fn the_cheapest_pair_of_neighbours_goes_first() {
    let samples = noise(5, 7 * 6);
    let image = ImageView::new(&samples, 7, 6, 1).unwrap();
    let labels: Vec<u32> = (0..42).collect();
    for connectivity in [Connectivity::Four, Connectivity::Eight] {
        let merging = RegionMerging::new()
            .cost(MergeCost::Color)
            .connectivity(connectivity);
        let tree = merging.tree(&image, &labels, &Watch::default()).unwrap();
        let mut best = (f32::INFINITY, [0, 0]);
        for (a, b) in (0..42_usize).flat_map(|a| (a + 1..42).map(move |b| (a, b))) {
            let (dx, dy) = (
                (a % 6).abs_diff(b % 6),
                a / 6 - b.min(a) / 6 + (b / 6 - a / 6),
            );
            let near = match connectivity {
                Connectivity::Four => dx + dy == 1,
                Connectivity::Eight => dx.max(dy) == 1,
            };
            let d = (samples[a] - samples[b]).abs();
            if near && d < best.0 {
                best = (d, [a, b]);
            }
        }
        assert_eq!(tree.merges()[0].regions, best.1);
        assert!((tree.merges()[0].height - f64::from(best.0)).abs() < 1e-6);
    }
}

#[test]
fn cuts_are_nested_and_boundaries_count() {
    let (samples, height, width) = piece();
    let image = ImageView::new(&samples, height, width, 3).unwrap();
    let watch = Watch::default();
    let found = Superpixels::new(2.0, 5.0).segment(&image, &watch).unwrap();
    for cost in [MergeCost::Ward, MergeCost::MumfordShah, MergeCost::Color] {
        assert_eq!(cost.to_string().parse::<MergeCost>().unwrap(), cost);
        let tree = RegionMerging::new()
            .cost(cost)
            .tree(&image, found.labels(), &watch)
            .unwrap();
        let (fine, coarse) = (tree.cut_regions(40).unwrap(), tree.cut_regions(7).unwrap());
        let mut above = [None; 40];
        for (f, c) in fine.iter().zip(&coarse) {
            assert_eq!(above[*f as usize].get_or_insert(*c), c, "{cost}");
        }
        let all = tree.cut_height(f64::INFINITY).unwrap();
        assert!(all.iter().all(|l| *l == 0));
        assert_eq!(
            tree.cut_height(0.0).unwrap().iter().max(),
            found.labels().iter().max()
        );
    }
    // Two grey steps of one size: the longer border goes first by Mumford and Shah, the smaller region by Ward.
    let grey = [[0_u8, 0, 9, 9, 9, 9, 18], [0, 0, 9, 9, 9, 9, 9]].concat();
    let image = ImageView::new(&grey, 2, 7, 1).unwrap();
    let labels: Vec<u32> = grey.iter().map(|g| u32::from(g / 9)).collect();
    let first = |cost| {
        let merging = RegionMerging::new()
            .cost(cost)
            .connectivity(Connectivity::Four);
        merging.tree(&image, &labels, &watch).unwrap().merges()[0].regions
    };
    assert_eq!(first(MergeCost::Ward), [1, 2]);
    let wide = [
        [0_u8, 9, 9, 9, 18],
        [0, 9, 9, 9, 9],
        [0, 9, 9, 9, 9],
        [0, 9, 9, 9, 9],
    ]
    .concat();
    let image = ImageView::new(&wide, 4, 5, 1).unwrap();
    let labels: Vec<u32> = wide.iter().map(|g| u32::from(g / 9)).collect();
    let merging = RegionMerging::new()
        .cost(MergeCost::MumfordShah)
        .connectivity(Connectivity::Four);
    let tree = merging.tree(&image, &labels, &watch).unwrap();
    // 81 * 15 / 16 over 2 pairs against 81 * 60 / 19 over 4.
    assert!((tree.merges()[0].height - 81.0 * 15.0 / 16.0 / 2.0).abs() < 1e-9);
}

#[test]
fn mistakes_are_named() {
    let samples = [0_u8; 6];
    let image = ImageView::new(&samples, 2, 3, 1).unwrap();
    let watch = Watch::default();
    let merging = RegionMerging::new();
    for labels in [
        &[0, 1, 2][..],
        &[0, 0, 2, 2, 2, 2],
        &[0, 0, 0, 0, 0, u32::MAX],
    ] {
        let error = merging.tree(&image, labels, &watch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
    }
    let tree = merging.tree(&image, &[0, 0, 1, 1, 1, 1], &watch).unwrap();
    for regions in [0, 3] {
        let error = tree.cut_regions(regions).unwrap_err();
        assert!(error.to_string().contains("at 1 to 2 regions"), "{error}");
    }
    assert!(tree.cut_height(f64::NAN).is_err());
    for (edges, text) in [
        (
            EdgeWeights::default().gradient_window_radius(0),
            "gradient_window_radius is 0",
        ),
        (EdgeWeights::default().mixture(1.5), "mixture is 1.5"),
        (
            EdgeWeights::default().edge_strength_threshold(-1.0),
            "edge_strength_threshold is -1",
        ),
    ] {
        let error = MeanShiftFilter::new(2.0, 2.0)
            .edges(edges)
            .filter(&image, &watch)
            .unwrap_err();
        assert!(error.to_string().starts_with(text), "{error}");
    }
    let error = MeanShiftFilter::new(2.0, 2.0)
        .depth(0.0)
        .filter(&image, &watch)
        .unwrap_err();
    assert!(error.to_string().starts_with("depth is 0"), "{error}");
}

#[test]
fn an_ideal_edge_is_sure_and_noise_is_not() {
    let (height, width) = (31, 40);
    // A step through pixel centres at an angle, and noise on the right.
    let grain = noise(8, height * width);
    let samples: Vec<f32> = (0..height * width)
        .map(|i| {
            let (x, y) = ((i % width) as f32, (i / width) as f32);
            if x > 25.0 {
                grain[i]
            } else {
                f32::from(u8::from(2.0 * x + y > 30.0))
            }
        })
        .collect();
    let image = ImageView::new(&samples, height, width, 1).unwrap();
    let maps = EdgeWeights::default()
        .maps(&image, &Watch::default())
        .unwrap();
    let on_edge = maps.confidence()[15 * width + 8].max(maps.confidence()[15 * width + 7]);
    assert!(on_edge > 0.85, "{on_edge}");
    let grainy = (5..25).flat_map(|y| (30..36).map(move |x| y * width + x));
    let mean = grainy.map(|i| f64::from(maps.confidence()[i])).sum::<f64>() / 120.0;
    assert!(mean < 0.6, "{mean}");
    assert!(maps.weight()[..2 * width].iter().all(|w| *w == 0.0));
    let expected = 0.3 * maps.gradient()[15 * width + 8] + 0.7 * maps.confidence()[15 * width + 8];
    assert!((maps.weight()[15 * width + 8] - expected).abs() < 1e-6);
}

#[test]
fn weights_enter_the_means_as_defined() {
    // One step of the filter, in a window of the whole picture, is the weighted mean of all pixels.
    let (height, width) = (9, 11);
    for channels in [1, 2, 3] {
        let samples = noise(11, height * width * channels);
        let image = ImageView::new(&samples, height, width, channels).unwrap();
        let edges = EdgeWeights::default();
        let weights = edges.maps(&image, &Watch::default()).unwrap();
        let filter = MeanShiftFilter::new(100.0, 100.0).max_iter(1).edges(edges);
        let found = filter.filter(&image, &Watch::default()).unwrap();
        let count = |i: usize| f64::from(1.0 - weights.weight()[i]);
        let total: f64 = (0..height * width).map(count).sum();
        for k in 0..channels {
            let sum: f64 = (0..height * width)
                .map(|i| count(i) * f64::from(samples[i * channels + k]))
                .sum();
            for pixel in found.samples().chunks_exact(channels) {
                assert!((f64::from(pixel[k]) - sum / total).abs() < 1e-5);
            }
        }
        let x: f64 = (0..height * width)
            .map(|i| count(i) * (i % width) as f64)
            .sum();
        assert!((f64::from(found.mode_positions()[5][0]) - x / total).abs() < 1e-4);
    }
}

#[test]
fn a_strong_edge_keeps_regions_apart_that_a_weak_one_does_not() {
    // Three stripes, a clear step and a faint one, both within the range bandwidth.
    let (height, width) = (30, 60);
    let grain = noise(2, height * width);
    let samples: Vec<u8> = (0..height * width)
        .map(|i| match i % width {
            0..20 => 100.0 + grain[i],
            _ => 112.0 + grain[i],
        } as u8)
        .collect();
    let image = ImageView::new(&samples, height, width, 1).unwrap();
    let plain = MeanShiftSegmenter::new(3.0, 5.0).fusion(3.0).min_region(20);
    let regions = |segmenter: MeanShiftSegmenter| {
        segmenter
            .segment(&image, &Watch::default())
            .unwrap()
            .n_regions()
    };
    assert_eq!(regions(plain), 1);
    assert_eq!(regions(plain.edges(EdgeWeights::default())), 2);
    assert_eq!(
        regions(plain.edges(EdgeWeights::default().edge_strength_threshold(1.0))),
        1
    );
}

/// One step of the definition on a stack, from every pixel.
fn plain_step(
    kernel: ImageKernel,
    [hs, ht, hr]: [f64; 3],
    samples: &[f32],
    [t, h, w]: [usize; 3],
) -> Vec<f64> {
    let place = |i: usize| [i / (h * w), i / w % h, i % w].map(|p| p as f64);
    (0..t * h * w)
        .map(|i| {
            let (mut sum, mut total) = (0.0, 0.0);
            for j in 0..t * h * w {
                let (a, b) = (place(i), place(j));
                let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
                let c2 = f64::from(samples[i] - samples[j]).powi(2) / (hr * hr);
                let s2 = (d[1] * d[1] + d[2] * d[2]) / (hs * hs) + d[0] * d[0] / (ht * ht);
                let weight = match kernel {
                    ImageKernel::Flat => {
                        let inside = d[0].abs() <= ht && d[1].abs() <= hs && d[2].abs() <= hs;
                        f64::from(u8::from(inside && c2 <= 1.0))
                    }
                    ImageKernel::Epanechnikov => (1.0 - s2).max(0.0) * (1.0 - c2).max(0.0),
                    _ if d[0].abs() <= 3.0 * ht
                        && d[1].abs().max(d[2].abs()) <= 3.0 * hs
                        && c2 <= 9.0 =>
                    {
                        (-0.5 * (s2 + c2)).exp()
                    }
                    _ => 0.0,
                };
                sum += weight * f64::from(samples[j]);
                total += weight;
            }
            sum / total
        })
        .collect()
}

#[test]
fn steps_through_a_stack_are_those_of_the_definition() {
    let shape = [5, 8, 9];
    let samples = noise(21, 360);
    let stack = ImageView::stack(&samples, 5, 8, 9, 1).unwrap();
    for kernel in [
        ImageKernel::Flat,
        ImageKernel::Epanechnikov,
        ImageKernel::Gaussian,
    ] {
        for widths in [[2.0, 1.0, 0.4], [1.5, 2.5, 0.6]] {
            let [hs, ht, hr] = widths;
            let filter = MeanShiftFilter::new(hs, hr)
                .depth(ht)
                .kernel(kernel)
                .max_iter(1);
            let found = filter.filter(&stack, &Watch::default()).unwrap();
            let expected = plain_step(kernel, widths, &samples, shape);
            for (ours, plain) in found.samples().iter().zip(&expected) {
                assert!(
                    (f64::from(*ours) - plain).abs() < 1e-5,
                    "{kernel}: {ours} {plain}"
                );
            }
        }
    }
}

#[test]
fn frames_apart_are_pictures_and_frames_alike_are_one_region() {
    let (samples, height, width) = piece();
    let other: Vec<u8> = samples.iter().map(|s| s / 2).collect();
    let both = [samples.clone(), other.clone()].concat();
    let stack = ImageView::stack(&both, 2, height, width, 3).unwrap();
    let watch = Watch::default();
    let filter = MeanShiftFilter::new(3.0, 8.0);
    let found = filter.depth(0.5).filter(&stack, &watch).unwrap();
    let alone = |samples: &[u8]| {
        let image = ImageView::new(samples, height, width, 3).unwrap();
        filter.filter(&image, &watch).unwrap().samples().to_vec()
    };
    assert!(found.samples() == [alone(&samples), alone(&other)].concat());
    // A block that moves from frame to frame is one region of the stack.
    let (frames, side) = (6, 20);
    let film: Vec<u8> = (0..frames * side * side)
        .map(|i| {
            let (t, y, x) = (i / side / side, i / side % side, i % side);
            if (3 + t..9 + t).contains(&x) && (6..13).contains(&y) {
                200
            } else {
                40
            }
        })
        .collect();
    let stack = ImageView::stack(&film, frames, side, side, 1).unwrap();
    for threads in [1, 2] {
        let segmenter = MeanShiftSegmenter::with_filter(MeanShiftFilter::new(3.0, 20.0).depth(1.0));
        let found = segmenter
            .segment(&stack, &Watch::default().threads(threads))
            .unwrap();
        assert_eq!(found.n_regions(), 2);
        assert_eq!(found.sizes()[1], frames * 6 * 7);
        let lines = found.boundaries().iter().filter(|b| **b).count();
        assert_eq!(lines, frames * (2 * 6 + 2 * 7 - 1));
    }
}
