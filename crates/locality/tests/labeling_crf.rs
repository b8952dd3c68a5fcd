//! The fully connected conditional random field against plain double loops.

use locality::labeling::{
    Compatibility, DenseCrf, Graph, Normalization, Pairwise, SumsBy, compatibilities,
};
use locality::{Float, Rows, Watch};
use locality_testing::Rng;

const K: usize = 3;

/// A small picture with two edges, its colours and its noisy labels as energies.
struct Scene {
    shape: Vec<usize>,
    colors: Vec<f64>,
    truth: Vec<usize>,
    unary: Vec<f64>,
}

fn scene(shape: &[usize], seed: u64, noise: f64) -> Scene {
    let n: usize = shape.iter().product();
    let (height, width) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let mut rng = Rng::new(seed);
    let truth: Vec<usize> = (0..n)
        .map(|i| {
            let (y, x) = (i / width % height, i % width);
            usize::from(x > width / 3) + usize::from(y > height / 2)
        })
        .collect();
    let shades = [
        [40.0, 60.0, 50.0],
        [120.0, 80.0, 100.0],
        [200.0, 190.0, 90.0],
    ];
    let colors = truth
        .iter()
        .flat_map(|&t| shades[t])
        .map(|c| c + 16.0 * (rng.uniform() - 0.5))
        .collect::<Vec<f64>>();
    let unary = truth
        .iter()
        .flat_map(|&t| {
            let seen = if rng.uniform() < noise {
                rng.below(K)
            } else {
                t
            };
            (0..K).map(move |c| if c == seen { 0.5 } else { 1.4 })
        })
        .collect();
    Scene {
        shape: shape.to_vec(),
        colors,
        truth,
        unary,
    }
}

impl Scene {
    fn n(&self) -> usize {
        self.truth.len()
    }

    fn place(&self, mut i: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.shape.len()];
        for (p, s) in out.iter_mut().zip(&self.shape).rev() {
            *p = (i % s) as f64;
            i /= s;
        }
        out
    }

    /// Weights `[n, n]` by the formula.
    fn weights(&self, h: &[f64], range: Option<f64>, normalization: Normalization) -> Vec<f64> {
        let n = self.n();
        let mut k = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                let (a, b) = (self.place(i), self.place(j));
                let mut off: f64 = (0..h.len()).map(|x| ((a[x] - b[x]) / h[x]).powi(2)).sum();
                if let Some(range) = range {
                    off += (0..3)
                        .map(|c| {
                            ((self.colors[i * 3 + c] - self.colors[j * 3 + c]) / range).powi(2)
                        })
                        .sum::<f64>();
                }
                k[i * n + j] = (-0.5 * off).exp();
            }
        }
        let s: Vec<f64> = k.chunks(n).map(|row| row.iter().sum()).collect();
        for i in 0..n {
            for j in 0..n {
                k[i * n + j] /= match normalization {
                    Normalization::Before => s[j],
                    Normalization::After => s[i],
                    Normalization::Symmetric => (s[i] * s[j]).sqrt(),
                    _ => 1.0,
                };
            }
        }
        k
    }
}

fn softmax(energies: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = energies.iter().map(|e| (-e).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|x| x / sum).collect()
}

/// `steps` steps of mean field by double loops under weights and costs of each term, and the free energy's pairwise part of the last.
fn plain(unary: &[f64], terms: &[(Vec<f64>, Vec<f64>)], steps: usize) -> (Vec<f64>, f64) {
    let n = unary.len() / K;
    let mut q: Vec<f64> = unary.chunks(K).flat_map(softmax).collect();
    let energies = |q: &[f64]| {
        let mut e = vec![0.0; n * K];
        for (weights, costs) in terms {
            for i in 0..n {
                for j in 0..n {
                    for a in 0..K {
                        for b in 0..K {
                            e[i * K + a] += weights[i * n + j] * costs[a * K + b] * q[j * K + b];
                        }
                    }
                }
            }
        }
        e
    };
    for _ in 0..steps {
        let e: Vec<f64> = energies(&q).iter().zip(unary).map(|(e, u)| e + u).collect();
        q = e.chunks(K).flat_map(softmax).collect();
    }
    let pairwise = energies(&q).iter().zip(&q).map(|(e, q)| e * q).sum();
    (q, pairwise)
}

fn costs(compatibility: &Compatibility) -> Vec<f64> {
    let at = |a: usize, b: usize| match compatibility {
        Compatibility::Potts(w) => -w * f64::from(u8::from(a == b)),
        Compatibility::Diagonal(c) => c[a] * f64::from(u8::from(a == b)),
        Compatibility::Matrix(c) => 0.5 * (c[a * K + b] + c[b * K + a]),
        _ => unreachable!("all are listed"),
    };
    (0..K * K).map(|i| at(i / K, i % K)).collect()
}

fn worst<T: Float>(own: &[T], want: &[f64]) -> f64 {
    let off = own.iter().zip(want).map(|(a, b)| (a.to_f64() - b).abs());
    off.fold(0.0, f64::max)
}

#[test]
fn inference_is_the_double_loop() {
    let watch = Watch::default();
    let cases = [
        (Normalization::None, Compatibility::Potts(0.05)),
        (
            Normalization::Before,
            Compatibility::Diagonal(vec![-1.0, -2.0, -1.5]),
        ),
        (
            Normalization::After,
            Compatibility::Matrix(vec![0.0, 1.0, 4.0, 2.0, 0.0, 1.0, 2.0, 2.0, -1.0]),
        ),
        (Normalization::Symmetric, Compatibility::Potts(4.0)),
    ];
    for (at, (normalization, compatibility)) in cases.into_iter().enumerate() {
        let shape: &[usize] = if at % 2 == 0 { &[12, 17] } else { &[3, 8, 9] };
        let scene = scene(shape, at as u64, 0.3);
        let h = &[1.5, 2.0, 2.5][..shape.len()];
        let (near, far) = (vec![1.0; shape.len()], h);
        let colors = Rows::new(&scene.colors, scene.n(), 3).unwrap();
        let smooth = Compatibility::Potts(0.5);
        let terms = [
            (scene.weights(&near, None, normalization), costs(&smooth)),
            (
                scene.weights(far, Some(20.0), normalization),
                costs(&compatibility),
            ),
        ];
        let (want, pairwise) = plain(&scene.unary, &terms, 4);
        for (tolerance, off) in [(0.0, 1e-10), (1e-4, 1e-3), (1e-2, 3e-2)] {
            let gaussian = Pairwise::gaussian(shape, &near, smooth.clone()).unwrap();
            let bilateral =
                Pairwise::bilateral(shape, far, colors, &[20.0; 3], compatibility.clone()).unwrap();
            let field = DenseCrf::new()
                .pairwise(gaussian.normalization(normalization))
                .pairwise(bilateral.normalization(normalization))
                .tolerance(tolerance)
                .fit(Rows::new(&scene.unary, scene.n(), K).unwrap(), &watch)
                .unwrap();
            let found = field.inference(4, &watch).unwrap();
            let own = worst(&found.distributions, &want);
            assert!(
                own <= off,
                "{normalization:?}, tolerance {tolerance}: {own}"
            );
            let energy = field.free_energy(&found.distributions, &watch).unwrap();
            assert!((energy.pairwise - pairwise).abs() <= off * pairwise.abs().max(1.0));
            let unary: f64 = found
                .distributions
                .iter()
                .zip(&scene.unary)
                .map(|(q, u)| q * u)
                .sum();
            let entropy: f64 = found.distributions.iter().map(|q| q * q.ln()).sum();
            assert!((energy.unary - unary).abs() < 1e-9);
            assert!((energy.negative_entropy - entropy).abs() < 1e-9);
            let divergence = entropy + unary + 0.5 * energy.pairwise;
            assert!((energy.divergence() - divergence).abs() < 1e-9);
            // Step by step from the start.
            let mut q = field.start();
            for _ in 0..4 {
                q = field.step(&q, &watch).unwrap();
            }
            assert_eq!(q, found.distributions);
        }
    }
}

#[test]
fn features_of_any_kind_and_single_precision() {
    let scene = scene(&[10, 14], 5, 0.3);
    let (n, watch) = (scene.n(), Watch::default());
    // Places and colours as plain columns are the bilateral term.
    let rows: Vec<f64> = (0..n)
        .flat_map(|i| {
            let mut row = scene.place(i);
            row.extend(&scene.colors[i * 3..][..3]);
            row
        })
        .collect();
    let h = [2.0, 3.0, 20.0, 25.0, 30.0];
    let run = |term: Pairwise<f64>, tolerance: f64| {
        let field = DenseCrf::new().pairwise(term).tolerance(tolerance);
        let unary = Rows::new(&scene.unary, n, K).unwrap();
        let field = field.fit(unary, &watch).unwrap();
        field.inference(3, &watch).unwrap().distributions
    };
    let potts = Compatibility::Potts(3.0);
    let colors = Rows::new(&scene.colors, n, 3).unwrap();
    let shape = &scene.shape;
    let bilateral = Pairwise::bilateral(shape, &h[..2], colors, &h[2..], potts.clone()).unwrap();
    let plain = Pairwise::features(Rows::new(&rows, n, 5).unwrap(), &h, potts.clone()).unwrap();
    let exact = run(bilateral.clone(), 0.0);
    assert!(worst(&run(plain, 0.0), &exact) < 1e-10);
    let narrow = |x: &[f64]| x.iter().map(|x| *x as f32).collect::<Vec<f32>>();
    let (unary, colors) = (narrow(&scene.unary), narrow(&scene.colors));
    for (tolerance, off) in [(0.0, 1e-5), (1e-3, 5e-3)] {
        let colors = Rows::new(&colors, n, 3).unwrap();
        let term = Pairwise::bilateral(shape, &h[..2], colors, &h[2..], potts.clone()).unwrap();
        let field = DenseCrf::new().pairwise(term).tolerance(tolerance);
        let field = field.fit(Rows::new(&unary, n, K).unwrap(), &watch).unwrap();
        let found = field.inference(3, &watch).unwrap().distributions;
        assert!(worst(&found, &exact) < off, "tolerance {tolerance}");
    }
}

#[test]
fn a_noisy_segmentation_is_cleaned_along_the_edges_of_the_picture() {
    let scene = scene(&[120, 160], 7, 0.6);
    let (n, watch) = (scene.n(), Watch::default());
    let colors = Rows::new(&scene.colors, n, 3).unwrap();
    let shape = &scene.shape;
    let wrong = |labels: &[usize]| {
        let pairs = labels.iter().zip(&scene.truth);
        pairs.filter(|(a, b)| a != b).count() as f64 / n as f64
    };
    let unary = Rows::new(&scene.unary, n, K).unwrap();
    let field = DenseCrf::new()
        .pairwise(Pairwise::gaussian(shape, &[3.0, 3.0], Compatibility::Potts(1.0)).unwrap())
        .pairwise(
            Pairwise::bilateral(
                shape,
                &[20.0, 20.0],
                colors,
                &[13.0; 3],
                Compatibility::Potts(4.0),
            )
            .unwrap(),
        )
        .fit(unary, &watch)
        .unwrap();
    assert_eq!(field.sums_by(), [SumsBy::Axes, SumsBy::Splines]);
    let found = field.inference(10, &watch).unwrap();
    let start = locality::labeling::Marginals {
        distributions: field.start(),
        classes: K,
        change: 0.0,
    };
    let (before, after) = (wrong(&start.labels()), wrong(&found.labels()));
    assert!(before > 0.35 && after < 0.002, "{before} {after}");
    assert!(found.change < 1e-3, "{}", found.change);
    for row in found.distributions.chunks_exact(K) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(row.iter().all(|q| *q >= 0.0));
    }
    let falls = field
        .free_energy(&field.start(), &watch)
        .unwrap()
        .divergence()
        > field
            .free_energy(&found.distributions, &watch)
            .unwrap()
            .divergence();
    assert!(falls);
    // Threads change nothing.
    let one = Watch::default().threads(1);
    assert_eq!(
        field.inference(2, &one).unwrap(),
        field.inference(2, &Watch::default().threads(3)).unwrap()
    );
}

#[test]
fn learnt_costs_favour_what_was_seen_together() {
    let graph = Graph::grid(&[1, 6], false).unwrap();
    let labels = [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)];
    let ratios = compatibilities(&graph, &labels, K, 0.5).unwrap();
    let Compatibility::Matrix(costs) = Compatibility::learned(&ratios, 2.0).unwrap() else {
        panic!("a matrix is learnt")
    };
    // 0 and 2 never meet, 0 and 1 do, and each meets itself most of all.
    assert!(costs[2] > costs[1] && costs[1] > costs[0] && costs[0] < 0.0);
    assert!((costs[1] + 2.0 * ratios[1].ln()).abs() < 1e-12);
    let unary = [0.1, 2.0, 2.0, 0.0, 0.0, 0.0];
    let field = DenseCrf::new()
        .pairwise(Pairwise::gaussian(&[1, 2], &[1.0, 1.0], Compatibility::Matrix(costs)).unwrap())
        .fit(Rows::new(&unary, 2, K).unwrap(), &Watch::default())
        .unwrap();
    let found = field.inference(5, &Watch::default()).unwrap().distributions;
    assert!(found[3] > found[4] && found[4] > found[5], "{found:?}");
}

#[test]
fn each_mistake_is_named() {
    let watch = Watch::default();
    let potts = || Compatibility::Potts(1.0);
    let gaussian = |shape: &[usize], h: &[f64]| Pairwise::<f64>::gaussian(shape, h, potts());
    let unary = [0.0; 6];
    let unary = Rows::new(&unary, 2, 3).unwrap();
    let fit = |crf: DenseCrf<f64>| crf.fit(unary, &watch).map(|_| ());
    let term = |compatibility| Pairwise::gaussian(&[1, 2], &[1.0, 1.0], compatibility).unwrap();
    let odd = [0.0, f64::NAN];
    let field = DenseCrf::new().fit(unary, &watch).unwrap();
    let cases: Vec<(Result<(), locality::Error>, &str)> = vec![
        (gaussian(&[], &[]).map(|_| ()), "no axes"),
        (gaussian(&[3, 0], &[1.0, 1.0]).map(|_| ()), "no place"),
        (
            gaussian(&[1 << 20, 1 << 20], &[1.0, 1.0]).map(|_| ()),
            "more than 4294967295 places",
        ),
        (
            gaussian(&[3, 2], &[1.0]).map(|_| ()),
            "1 numbers for 2 axes",
        ),
        (
            gaussian(&[3, 2], &[1.0, 0.0]).map(|_| ()),
            "bandwidths has 0",
        ),
        (
            Pairwise::bilateral(&[1, 3], &[1.0; 2], Rows::column(&odd[..1]), &[1.0], potts())
                .map(|_| ()),
            "colors has 1 rows, but the grid has 3 places",
        ),
        (
            Pairwise::features(Rows::column(&odd), &[1.0], potts()).map(|_| ()),
            "features has NaN in row 1",
        ),
        (
            Pairwise::features(Rows::column(&[1e300, 0.0]), &[1e-300], potts()).map(|_| ()),
            "widen the bandwidths",
        ),
        (fit(DenseCrf::new().tolerance(0.6)), "tolerance=0.6"),
        (
            fit(DenseCrf::new().pairwise(gaussian(&[1, 3], &[1.0, 1.0]).unwrap())),
            "of 3 objects, but unary has 2 rows",
        ),
        (
            fit(DenseCrf::new().pairwise(term(Compatibility::Diagonal(vec![1.0])))),
            "1 numbers, but 3 labels need 3",
        ),
        (
            fit(DenseCrf::new().pairwise(term(Compatibility::Potts(f64::NAN)))),
            "has NaN for the labels 0 and 0",
        ),
        (
            DenseCrf::new()
                .fit(Rows::new(&odd, 1, 2).unwrap(), &watch)
                .map(|_| ()),
            "unary has NaN",
        ),
        (
            Compatibility::learned(&[1.0, 0.0], 1.0).map(|_| ()),
            "ratios has 0 at position 1",
        ),
        (
            Compatibility::learned(&[1.0], -1.0).map(|_| ()),
            "weight=-1",
        ),
        (
            "nothing".parse::<Normalization>().map(|_| ()),
            "choose none, before, after or symmetric",
        ),
        (
            field.step(&[0.0; 5], &watch).map(|_| ()),
            "5 numbers, but 2 objects of 3 labels need 6",
        ),
        (
            field.step(&[f64::NAN; 6], &watch).map(|_| ()),
            "distributions has NaN",
        ),
    ];
    for (result, words) in cases {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(words), "{message} | {words}");
    }
}
