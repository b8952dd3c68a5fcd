//! Laws of new rows: moments, constants, curves, copies, and the density that they follow.

use locality::denoise::{Generated, Sampler, SamplerMethod, energy_distance};
use locality::{Rows, Watch};
use locality_testing::{Rng, normal};

const METHODS: [SamplerMethod; 3] = [
    SamplerMethod::Flow,
    SamplerMethod::Langevin,
    SamplerMethod::Draw,
];

fn watch() -> Watch<'static> {
    Watch::default()
}

fn rows(data: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::new(data, data.len() / d, d).unwrap()
}

fn draw(sampler: &Sampler, table: &[f64], d: usize, count: usize) -> Generated {
    sampler.sample(rows(table, d), count, &watch()).unwrap()
}

/// Means and covariances of columns.
fn moments(x: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let n = (x.len() / d) as f64;
    let mean: Vec<f64> = (0..d)
        .map(|a| x.iter().skip(a).step_by(d).sum::<f64>() / n)
        .collect();
    let covariance = (0..d * d).map(|e| {
        let products = x
            .chunks_exact(d)
            .map(|r| (r[e / d] - mean[e / d]) * (r[e % d] - mean[e % d]));
        products.sum::<f64>() / n
    });
    let covariance = covariance.collect();
    (mean, covariance)
}

/// Three columns near a line, clumped.
fn line(seed: u64, n: usize) -> Vec<f64> {
    let mut random = Rng::new(seed);
    let mut out = Vec::new();
    for i in 0..n {
        let t = f64::from(u8::from(i % 3 == 0)) * 4.0 + random.normal();
        out.extend([
            t + 0.008 * random.normal(),
            2.0 * t + 0.008 * random.normal(),
            -t + 0.008 * random.normal(),
        ]);
    }
    out
}

/// Distance from the line through the origin along (1, 2, -1), root mean square.
fn off_line(x: &[f64]) -> f64 {
    let squares = x.chunks_exact(3).map(|r| {
        let along = (r[0] + 2.0 * r[1] - r[2]) / 6.0_f64.sqrt();
        r.iter().map(|x| x * x).sum::<f64>() - along * along
    });
    (squares.sum::<f64>() / (x.len() / 3) as f64).sqrt()
}

#[test]
fn constant_columns_stay_to_the_last_bit() {
    let noise = normal(1, 40, 1);
    let table: Vec<f64> = noise
        .iter()
        .flat_map(|x| [0.001, 1e16, *x, -0.1 - 0.2])
        .collect();
    for method in METHODS {
        for manifold in [None, Some(15)] {
            for smoothing in [None, Some(0.0), Some(2.0)] {
                let sampler = Sampler::new().method(method).levels(15).steps(2);
                let sampler = sampler.manifold(manifold).smoothing(smoothing);
                let out = draw(&sampler, &table, 4, 30);
                for row in out.samples().chunks_exact(4) {
                    assert_eq!([row[0], row[1], row[3]], [0.001, 1e16, -0.1 - 0.2]);
                }
                let first = out.samples()[2];
                assert!(out.samples().chunks_exact(4).any(|r| r[2] != first));
            }
        }
    }
    // Nothing varies, or there is one row only.
    for table in [[0.3, 0.7].repeat(5), [0.3, 0.7].to_vec()] {
        let out = draw(&Sampler::new(), &table, 2, 4);
        assert_eq!(out.samples(), [0.3, 0.7].repeat(4));
    }
}

#[test]
fn without_smoothing_samples_are_rows_bit_for_bit() {
    let mut random = Rng::new(4);
    let table: Vec<f64> = (0..90)
        .map(|_| 1e3 * random.uniform() + 0.1 * random.normal())
        .collect();
    for method in METHODS {
        let sampler = Sampler::new().method(method).smoothing(0.0).seed(2);
        let out = draw(&sampler, &table, 3, 200);
        let is_row = |r: &[f64]| table.chunks_exact(3).any(|t| t == r);
        assert!(out.samples().chunks_exact(3).all(is_row), "{method}");
        assert_eq!(out.copies(rows(&table, 3), &watch()).unwrap(), 1.0);
    }
}

#[test]
fn means_and_covariances_are_the_tables() {
    let mut random = Rng::new(3);
    let mut table = Vec::new();
    for i in 0..100 {
        let t = 3.0 * random.uniform();
        let hump = if i % 4 == 0 { 5.0 } else { 0.0 };
        table.extend([
            t + hump,
            40.0 * (2.0 * t).sin() + 2.0 * random.normal(),
            1e5 + t - 0.2 * random.normal(),
        ]);
    }
    let (mean, covariance) = moments(&table, 3);
    for method in METHODS {
        for manifold in [None, Some(15), Some(4)] {
            let count = if method == SamplerMethod::Draw {
                40_000
            } else {
                15_000
            };
            let sampler = Sampler::new().method(method).steps(3).levels(25);
            let sampler = sampler.manifold(manifold).seed(1);
            let out = draw(&sampler, &table, 3, count);
            let (m, c) = moments(out.samples(), 3);
            for a in 0..3 {
                let deviation = covariance[a * 4].sqrt();
                assert!((m[a] - mean[a]).abs() < 0.04 * deviation, "{method}");
                for b in 0..3 {
                    let unit = deviation * covariance[b * 4].sqrt();
                    let off = (c[a * 3 + b] - covariance[a * 3 + b]) / unit;
                    assert!(off.abs() < 0.05, "{method} {manifold:?} {a} {b}: {off}");
                }
            }
        }
    }
}

#[test]
fn samples_of_a_line_stay_on_it() {
    let table = line(1, 240);
    let usual = off_line(&table);
    for method in METHODS {
        for manifold in [None, Some(15)] {
            let sampler = Sampler::new().method(method).manifold(manifold);
            let out = draw(&sampler, &table, 3, 300);
            let found = off_line(out.samples());
            assert!(
                found < 1.3 * usual && found > 0.7 * usual,
                "{method} {found} {usual}"
            );
        }
    }
    // A column that follows from others still does.
    let exact: Vec<f64> = table
        .chunks_exact(3)
        .flat_map(|r| [r[0], r[1], 3.0 * r[0] - r[1] + 2.0])
        .collect();
    let out = draw(&Sampler::new(), &exact, 3, 100);
    for r in out.samples().chunks_exact(3) {
        assert!((3.0 * r[0] - r[1] + 2.0 - r[2]).abs() < 1e-10);
    }
}

/// A spiral's samples stay between its arms only with noise of the shape of the rows nearby.
#[test]
fn samples_of_a_curve_stay_near_it() {
    let mut random = Rng::new(9);
    let mut spiral = |n: usize| -> Vec<f64> {
        let mut out = Vec::new();
        for _ in 0..n {
            let t = (0.5 + 2.5 * random.uniform()) * std::f64::consts::PI;
            out.extend([
                t * t.cos() + 0.1 * random.normal(),
                t * t.sin() + 0.1 * random.normal(),
            ]);
        }
        out
    };
    let (table, held_out) = (spiral(600), spiral(600));
    let off = |x: &[f64]| -> f64 {
        // From the nearest of many points of the curve.
        let squares = x.chunks_exact(2).map(|r| {
            let near = (0..1000).map(|i| {
                let t = (0.5 + 2.5 * f64::from(i) / 1000.0) * std::f64::consts::PI;
                (r[0] - t * t.cos()).powi(2) + (r[1] - t * t.sin()).powi(2)
            });
            near.fold(f64::INFINITY, f64::min)
        });
        (squares.sum::<f64>() / (x.len() / 2) as f64).sqrt()
    };
    let near = draw(&Sampler::new(), &table, 2, 600);
    let wide = draw(&Sampler::new().manifold(None), &table, 2, 600);
    assert!(
        off(near.samples()) < 2.0 * off(&table),
        "{}",
        off(near.samples())
    );
    assert!(off(wide.samples()) > 4.0 * off(&table));
    // To what was held out, in the mean over some draws.
    let distance = |sampler: Sampler| -> f64 {
        let each = (0..6).map(|seed| {
            let out = draw(&sampler.clone().seed(seed), &table, 2, 600);
            out.energy_distance(rows(&held_out, 2), &watch()).unwrap()
        });
        each.sum::<f64>() / 6.0
    };
    let direct = Sampler::new().method(SamplerMethod::Draw);
    let (best, other) = (distance(direct.clone()), distance(direct.manifold(None)));
    assert!(best < 0.9 * other, "{best} {other}");
    assert!(near.copies(rows(&table, 2), &watch()).unwrap() < 0.1);
}

/// The flow and Langevin's steps draw from the same density as drawing directly does: nearer to it than rows with a little noise taken off
/// again, or noise that is denoised at once.
#[test]
fn all_methods_follow_one_law() {
    let mut random = Rng::new(6);
    let table: Vec<f64> = (0..160)
        .flat_map(|i| {
            let at = if i % 4 == 0 { 6.0 } else { 0.0 };
            [at + random.normal(), random.normal() - at]
        })
        .collect();
    for manifold in [None, Some(40)] {
        let sampler = Sampler::new().manifold(manifold).smoothing(0.8);
        let count = 1500;
        let direct = |seed: u64| {
            let sampler = sampler.clone().method(SamplerMethod::Draw).seed(seed);
            draw(&sampler, &table, 2, 3000).samples().to_vec()
        };
        let law = direct(1);
        let apart = |x: &[f64]| energy_distance(rows(x, 2), rows(&law, 2), &watch()).unwrap();
        // What samples of that size differ by.
        let usual = (2..8)
            .map(|s| apart(&direct(s)[..2 * count]))
            .fold(0.0, f64::max);
        for method in [SamplerMethod::Flow, SamplerMethod::Langevin] {
            let out = draw(&sampler.clone().method(method).seed(3), &table, 2, count);
            let found = apart(out.samples());
            assert!(
                found < 1.5 * usual,
                "{method} {manifold:?}: {found} {usual}"
            );
            let share = out.samples().chunks_exact(2).filter(|r| r[0] > 3.0).count();
            let expected = law.chunks_exact(2).filter(|r| r[0] > 3.0).count() as f64 / 3000.0;
            let share = share as f64 / count as f64;
            assert!(
                (share - expected).abs() < 0.03,
                "{method}: {share} {expected}"
            );
        }
        if manifold.is_none() {
            // Rows themselves, denoised from hardly any noise, are another law.
            let resampled: Vec<f64> = (0..count)
                .flat_map(|_| table[2 * random.below(160)..][..2].to_vec())
                .collect();
            assert!(apart(&resampled) > 2.0 * usual);
        }
    }
}

/// Two humps far apart, one of a quarter of the rows.
fn humps() -> Vec<f64> {
    let mut random = Rng::new(8);
    (0..160)
        .map(|i| if i % 4 == 0 { 9.0 } else { 0.0 } + random.normal())
        .collect()
}

/// The share of samples in the smaller hump, and their variance over the table's.
fn share_and_spread(table: &[f64], samples: &[f64]) -> (f64, f64) {
    let share = samples.iter().filter(|x| **x > 4.5).count() as f64 / samples.len() as f64;
    (share, moments(samples, 1).1[0] / moments(table, 1).1[0])
}

/// A hump of a quarter of the rows gets a quarter of the samples.
#[test]
fn humps_keep_their_shares_and_widths() {
    let table = humps();
    for method in METHODS {
        for manifold in [None, Some(15)] {
            let sampler = Sampler::new()
                .method(method)
                .manifold(manifold)
                .smoothing(0.4);
            let out = draw(&sampler, &table, 1, 6000);
            let (share, ratio) = share_and_spread(&table, out.samples());
            assert!(
                (share - 0.25).abs() < 0.02,
                "{method} {manifold:?}: {share}"
            );
            assert!((ratio - 1.0).abs() < 0.04, "{method} {manifold:?}: {ratio}");
        }
    }
}

/// Where noise is strong, the nearest rows are the outermost, and the law of those alone is another.
#[test]
fn few_nearest_rows_follow_the_same_law() {
    let table = humps();
    for method in [SamplerMethod::Flow, SamplerMethod::Langevin] {
        for manifold in [None, Some(15)] {
            let sampler = Sampler::new().method(method).manifold(manifold);
            let sampler = sampler.smoothing(0.2).nearest(8);
            let out = draw(&sampler, &table, 1, 3000);
            let (share, ratio) = share_and_spread(&table, out.samples());
            assert!(
                (share - 0.25).abs() < 0.03,
                "{method} {manifold:?}: {share}"
            );
            assert!((ratio - 1.0).abs() < 0.06, "{method} {manifold:?}: {ratio}");
        }
    }
}

#[test]
fn tolerance_and_neighbours_hardly_matter() {
    let table = line(2, 300);
    for manifold in [None, Some(15)] {
        let sampler = Sampler::new().manifold(manifold).levels(20);
        let exact = draw(&sampler, &table, 3, 100);
        for other in [
            sampler.clone().tolerance(1e-6),
            sampler.clone().nearest(300),
        ] {
            let other = draw(&other, &table, 3, 100);
            for (a, b) in exact.samples().iter().zip(other.samples()) {
                assert!((a - b).abs() < 1e-3);
            }
        }
        let few = draw(&sampler.clone().nearest(20), &table, 3, 100);
        assert!(off_line(few.samples()) < 2.0 * off_line(&table));
    }
}

#[test]
fn mistakes_are_named() {
    let table = [1.0, 2.0, 3.0];
    let text = |s: Sampler| {
        let error = s.sample(Rows::column(&table), 2, &watch()).unwrap_err();
        error.to_string()
    };
    assert!(text(Sampler::new().manifold(0)).starts_with("manifold is 0"));
    assert!(text(Sampler::new().nearest(4)).starts_with("nearest is 4"));
    assert!(text(Sampler::new().nearest(0)).starts_with("nearest is 0"));
    assert!(text(Sampler::new().tolerance(1.0)).starts_with("tolerance is 1"));
    assert!(text(Sampler::new().smoothing(-1.0)).starts_with("smoothing is -1"));
    // More neighbours than rows are all rows.
    let out = Sampler::new()
        .manifold(50)
        .sample(Rows::column(&table), 2, &watch());
    assert_eq!(out.unwrap().manifold(), Some(2));
}

/// Few rows far off do not move the others.
#[test]
fn heavy_tails_keep_their_quantiles() {
    let mut one = normal(4, 200, 1);
    one.push(1e4);
    let tail: Vec<f64> = normal(5, 400, 1).iter().map(|z| (2.0 * z).exp()).collect();
    for mut table in [one, tail] {
        table.sort_unstable_by(f64::total_cmp);
        for method in METHODS {
            let out = draw(&Sampler::new().method(method).steps(3), &table, 1, 1500);
            let below = |x: f64| out.samples().iter().filter(|y| **y < x).count() as f64 / 1500.0;
            for q in [0.1, 0.25, 0.5, 0.75, 0.9, 0.97] {
                let found = below(table[(q * table.len() as f64) as usize]);
                assert!((found - q).abs() < 0.035, "{method}: {found} below {q}");
            }
            let width = table[table.len() / 2] - table[0];
            let found = below(table[0] - 0.1 * width);
            assert!(found < 0.01, "{method}: {found} below all rows");
        }
    }
}

/// Rows that are repeated come back bit for bit, none beside them, and count as copies.
#[test]
fn repeated_rows_stay_what_they_are() {
    let noise = normal(6, 120, 1);
    let inflated: Vec<f64> = noise
        .iter()
        .enumerate()
        .map(|(i, z)| if i % 3 == 0 { z.exp() } else { 0.0 })
        .collect();
    for method in METHODS {
        let sampler = Sampler::new().method(method).steps(3);
        let out = draw(&sampler, &inflated, 1, 600);
        let zeros = out.samples().iter().filter(|x| **x == 0.0).count();
        assert!((350..450).contains(&zeros), "{method}: {zeros}");
        let copies = out.copies(rows(&inflated, 1), &watch()).unwrap();
        assert!(copies > zeros as f64 / 600.0 - 1e-12, "{method}: {copies}");
        let all = normal(7, 10, 2).repeat(20);
        let out = draw(&sampler, &all, 2, 200);
        assert_eq!(out.copies(rows(&all, 2), &watch()).unwrap(), 1.0);
        assert!(
            out.samples()
                .chunks_exact(2)
                .all(|r| all.chunks_exact(2).any(|t| t == r))
        );
    }
}

/// However far a row is off, the others keep their width.
#[test]
fn one_row_may_be_extremely_far_off() {
    let mut table = normal(8, 200, 1);
    table.push(1e11);
    for method in METHODS {
        let out = draw(&Sampler::new().method(method).steps(3), &table, 1, 800);
        let near = out.samples().iter().filter(|x| x.abs() < 1e3);
        let wide = near.clone().filter(|x| x.abs() > 1.0).count() as f64 / near.count() as f64;
        assert!((0.2..0.45).contains(&wide), "{method}: {wide}");
    }
}

/// Tables of many rows are judged by some of them.
#[test]
fn many_rows_are_judged_by_some() {
    let table = normal(9, 12_000, 2);
    let out = draw(&Sampler::new().method(SamplerMethod::Draw), &table, 2, 6000);
    let found = out.energy_distance(rows(&table, 2), &watch()).unwrap();
    assert!(found < 0.05, "{found}");
}
