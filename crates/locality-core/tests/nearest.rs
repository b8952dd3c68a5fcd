//! Nearest-neighbour search against a plain loop: exact, with ties in index order.

use locality_core::{Float, LinearMap, Metric, Nearest, Rows, Watch, metrics};
use locality_testing::{Rng, close, formula, line_and_outliers, normal};

fn map() -> Vec<Vec<f64>> {
    vec![vec![1.0, 0.5, 0.0], vec![0.0, 2.0, -0.25]]
}

fn metric(name: &str) -> Metric {
    let map = (name == "mahalanobis").then(|| LinearMap::new(map()).unwrap());
    Metric::from_name(name, map).unwrap()
}

/// Every metric that has a nearest key, with a number of columns that fits.
fn every_metric() -> Vec<(&'static str, Vec<usize>)> {
    let searched = metrics().iter().filter(|m| m.name != "difference");
    let columns = |name: &str| match name {
        "haversine" | "haversine_km" => vec![2],
        "mahalanobis" => vec![3],
        _ => vec![1, 3, 20, 40],
    };
    searched.map(|m| (m.name, columns(m.name))).collect()
}

/// Keys to the plain loop's order: distance (scores negated), then index.
fn plain(name: &str, q: &[f64], keys: &[f64]) -> Vec<(f64, usize)> {
    let sign = if name == "dot" { -1.0 } else { 1.0 };
    let rows = keys.chunks_exact(q.len()).enumerate();
    let mut all: Vec<(f64, usize)> = rows
        .map(|(i, k)| {
            let d = formula::distance(name, &map(), q, k);
            (
                sign * d.unwrap_or_else(|| panic!("'{name}' has no formula")),
                i,
            )
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all
}

fn cast<T: Float>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// Checks `k` nearest of each query; distances to `tolerance`, and the indices wherever no two distances are that close.
fn check<T: Float>(name: &str, keys: &[f64], queries: &[f64], d: usize, k: usize, tolerance: f64) {
    let (tk, tq) = (cast::<T>(keys), cast::<T>(queries));
    let (n, m) = (keys.len() / d, queries.len() / d);
    let fit = Nearest::fit(Rows::new(&tk, n, d).unwrap(), &metric(name)).unwrap();
    let found = fit
        .k_nearest(Rows::new(&tq, m, d).unwrap(), k, &Watch::default())
        .unwrap();
    assert_eq!((found.k, found.indices.len()), (k, m * k));
    let sign = if name == "dot" { -1.0 } else { 1.0 };
    for (i, q) in queries.chunks_exact(d).enumerate() {
        let want = plain(name, q, keys);
        let indices = &found.indices[i * k..][..k];
        for (r, &j) in indices.iter().enumerate() {
            let got = sign * found.distances[i * k + r].to_f64();
            let what = format!("{name} {} n={n} d={d} k={k}, query {i}, rank {r}", T::NAME);
            assert!(
                close(got, want[r].0, tolerance),
                "{what}: {got}, plainly {}",
                want[r].0
            );
            let real = want.iter().find(|w| w.1 == j).unwrap();
            assert!(
                close(got, real.0, tolerance),
                "{what}: key {j} is at {}",
                real.0
            );
        }
        let mut set = indices.to_vec();
        set.sort_unstable();
        set.dedup();
        assert_eq!(set.len(), k, "{name}: a key comes twice");
    }
}

#[test]
fn k_nearest_agrees_with_a_plain_loop() {
    for (name, columns) in every_metric() {
        for d in columns {
            for n in [1, 2, 63, 64, 65, 257, 600] {
                let angle = if name.starts_with("haversine") {
                    0.7
                } else {
                    1.0
                };
                let scale = |x: Vec<f64>| {
                    x.iter()
                        .map(|x| f64::from((x * angle) as f32))
                        .collect::<Vec<_>>()
                };
                let (keys, queries) = (scale(normal(n as u64, n, d)), scale(normal(77, 9, d)));
                for k in [1, 2, 10, 64, 127, 128, 129, 200, n]
                    .into_iter()
                    .filter(|&k| k <= n)
                {
                    // Chords of unit vectors keep half the digits of an angle near 0 and near pi.
                    let arc = if name.contains("haversine") { 1e4 } else { 1.0 };
                    check::<f64>(name, &keys, &queries, d, k, 1e-12 * arc);
                    check::<f32>(name, &keys, &queries, d, k, 1e-5 * arc.sqrt());
                }
            }
        }
    }
}

/// On a grid distances are exact, and most of them are tied.
#[test]
fn ties_and_duplicates_come_in_index_order() {
    for d in [1, 2, 3, 30] {
        let mut rng = Rng::new(d as u64);
        let n = 500;
        let keys: Vec<f64> = (0..n * d).map(|_| rng.below(5) as f64).collect();
        let queries: Vec<f64> = (0..40 * d).map(|_| rng.below(6) as f64).collect();
        for name in ["euclidean", "manhattan", "chebyshev", "hamming", "dot"] {
            for k in [1, 7, 128, 129, 499, 500] {
                let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &metric(name)).unwrap();
                let queries_rows = Rows::new(&queries, 40, d).unwrap();
                let found = fit.k_nearest(queries_rows, k, &Watch::default()).unwrap();
                for (i, q) in queries.chunks_exact(d).enumerate() {
                    let want: Vec<usize> = plain(name, q, &keys)[..k].iter().map(|w| w.1).collect();
                    assert_eq!(
                        found.indices[i * k..][..k],
                        want,
                        "{name}, d={d}, k={k}, query {i}"
                    );
                }
            }
        }
    }
}

#[test]
fn unpleasant_data_is_searched_exactly() {
    let n = 700;
    let keys = line_and_outliers(4, n, 3);
    let queries = line_and_outliers(5, 12, 3);
    for name in ["euclidean", "manhattan", "chebyshev", "cosine"] {
        for k in [1, 30, 300] {
            check::<f64>(name, &keys, &queries, 3, k, 1e-11);
        }
    }
}

/// A few neighbours of many queries are those that a search for all keys, one query at a time, has first, to the bit.
#[test]
fn a_scan_for_several_queries_finds_the_same() {
    fn check<T: Float>(d: usize, offset: f64, spread: f64) {
        let (n, m) = (900, 37);
        let shift = |x: Vec<f64>| x.iter().map(|x| x * spread + offset).collect::<Vec<_>>();
        let keys = cast::<T>(&shift(normal(1, n, d)));
        let mut queries = cast::<T>(&shift(normal(2, m, d)));
        // One is a key itself.
        queries[..d].copy_from_slice(&keys[5 * d..6 * d]);
        let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &Metric::Euclidean).unwrap();
        let rows = Rows::new(&queries, m, d).unwrap();
        for k in [1, 7, 100] {
            let several = fit.k_nearest(rows, k, &Watch::default()).unwrap();
            for i in 0..m {
                let all = fit
                    .k_nearest(rows.slice(i..i + 1), n, &Watch::default())
                    .unwrap();
                let what = format!("{} d={d} offset={offset} k={k} query {i}", T::NAME);
                assert_eq!(several.indices[i * k..][..k], all.indices[..k], "{what}");
                assert_eq!(
                    several.distances[i * k..][..k],
                    all.distances[..k],
                    "{what}"
                );
            }
        }
    }
    for d in [24, 33, 200] {
        for (offset, spread) in [
            (0.0, 1.0),
            (2.5, 1.0),
            (1000.0, 1e-3),
            (0.0, 1e-12),
            (0.0, 1e12),
        ] {
            check::<f64>(d, offset, spread);
            check::<f32>(d, offset, spread);
        }
    }
}

#[test]
fn within_includes_the_edge() {
    let keys: Vec<f64> = (0..300).map(f64::from).collect();
    let watch = Watch::default();
    for name in ["euclidean", "manhattan", "chebyshev"] {
        let fit = Nearest::fit(Rows::column(&keys), &metric(name)).unwrap();
        let found = fit
            .within(Rows::column(&[10.0, 0.5, -3.0, 1000.0]), 2.0, &watch)
            .unwrap();
        assert_eq!(found.starts, [0, 5, 8, 8, 8]);
        assert_eq!(found.indices, [8, 9, 10, 11, 12, 0, 1, 2]);
        assert_eq!(found.distances, [2.0, 1.0, 0.0, 1.0, 2.0, 0.5, 0.5, 1.5]);
        // A radius of 0 finds the key itself.
        let own = fit.within(Rows::column(&[10.0]), 0.0, &watch).unwrap();
        assert_eq!(own.indices, [10]);
    }
}

/// The radius that is the distance of the k-th neighbour, as it was reported, holds exactly the keys reported at most as far.
#[test]
fn a_reported_distance_as_radius_finds_its_key() {
    fn check<T: Float>(name: &str, d: usize) {
        let n = 400;
        let (keys, queries) = (cast::<T>(&normal(1, n, d)), cast::<T>(&normal(2, 50, d)));
        let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &metric(name)).unwrap();
        for k in [1, 5, 40] {
            for q in queries.chunks_exact(d) {
                let q = Rows::new(q, 1, d).unwrap();
                let near = fit.k_nearest(q, n, &Watch::default()).unwrap();
                let radius = near.distances[k - 1];
                let found = fit.within(q, radius, &Watch::default()).unwrap();
                let reported = near.indices.iter().zip(&near.distances);
                let inside = reported.filter(|(_, d)| **d <= radius);
                let mut want: Vec<usize> = inside.map(|(i, _)| *i).collect();
                want.sort_unstable();
                assert!(want.len() >= k);
                assert_eq!(found.indices, want, "{name} {} d={d} k={k}", T::NAME);
                assert!(found.distances.iter().all(|x| *x <= radius));
            }
        }
    }
    for (name, columns) in every_metric() {
        if name == "dot" || name == "hamming" {
            continue;
        }
        for d in columns {
            check::<f64>(name, d);
            check::<f32>(name, d);
        }
    }
}

#[test]
fn within_agrees_with_a_plain_loop() {
    for (name, columns) in every_metric() {
        let d = columns[columns.len() / 2];
        let n = 520;
        let (keys, queries) = (normal(8, n, d), normal(9, 20, d));
        let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &metric(name)).unwrap();
        let radius = match name {
            "haversine_km" => 100.0,
            "hamming" => 2.5,
            _ => 0.9,
        };
        let found = fit.within(
            Rows::new(&queries, 20, d).unwrap(),
            radius,
            &Watch::default(),
        );
        let found = found.unwrap();
        for (i, q) in queries.chunks_exact(d).enumerate() {
            let limit = if name == "dot" { -radius } else { radius };
            let mut want: Vec<usize> = plain(name, q, &keys)
                .iter()
                .take_while(|w| w.0 <= limit)
                .map(|w| w.1)
                .collect();
            want.sort_unstable();
            let got = &found.indices[found.starts[i]..found.starts[i + 1]];
            assert_eq!(got, want, "{name}, query {i}");
        }
    }
}

#[test]
fn neither_threads_nor_company_matter() {
    // By the tree, and by products.
    for (n, d) in [(900, 3), (2500, 40)] {
        let (keys, queries) = (normal(3, n, d), normal(4, 150, d));
        let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &Metric::Euclidean).unwrap();
        let rows = Rows::new(&queries, 150, d).unwrap();
        let with = |threads| {
            let watch = Watch::default().threads(threads);
            fit.k_nearest(rows, 20, &watch).unwrap()
        };
        let one = with(1);
        assert_eq!(one, with(3));
        let alone = fit
            .k_nearest(rows.slice(70..71), 20, &Watch::default())
            .unwrap();
        assert_eq!(alone.indices, one.indices[70 * 20..71 * 20]);
        assert_eq!(alone.distances, one.distances[70 * 20..71 * 20]);
    }
}

/// Many queries are put in order and walked down the tree side by side; one alone is not.
#[test]
fn queries_searched_together_find_what_each_finds_alone() {
    fn check<T: Float>(name: &str, d: usize, k: usize) {
        let n = 900;
        // Coarse, so that there are ties and duplicates, in clumps of different width.
        let coarse = |seed: u64, rows: usize| -> Vec<f64> {
            let draws = normal(seed, rows, d).into_iter().enumerate();
            draws
                .map(|(i, x)| (x * 4.0).round() / 4.0 * (1.0 + (i / d % 3) as f64))
                .collect()
        };
        let keys = cast::<T>(&coarse(1, n));
        let keys = Rows::new(&keys, n, d).unwrap();
        let mut fit = Nearest::fit(keys, &metric(name)).unwrap();
        let parts = [
            Nearest::fit(keys.slice(0..400), &metric(name)).unwrap(),
            Nearest::fit(keys.slice(400..n), &metric(name)).unwrap(),
        ];
        let others = cast::<T>(&coarse(2, 517));
        let watch = Watch::default();
        for queries in [keys, Rows::new(&others, 517, d).unwrap()] {
            let together = fit.k_nearest(queries, k, &watch).unwrap();
            let among = Nearest::k_nearest_among(&parts, queries, k, &watch).unwrap();
            // A map is applied about a middle of each part's own: there, ties are told apart by rounding.
            if name != "mahalanobis" {
                assert!(together == among, "{name}, {d} columns, parts");
            }
            for i in 0..queries.rows() {
                let alone = fit.k_nearest(queries.slice(i..i + 1), k, &watch).unwrap();
                let own = i * k..(i + 1) * k;
                assert_eq!(alone.indices, together.indices[own.clone()], "{name}, {d}");
                assert_eq!(
                    alone.distances,
                    together.distances[own.clone()],
                    "{name}, {d}"
                );
                let one = queries.slice(i..i + 1);
                let alone = Nearest::k_nearest_among(&parts, one, k, &watch).unwrap();
                assert_eq!(alone.indices, among.indices[own.clone()], "{name}, {d}");
                assert_eq!(alone.distances, among.distances[own], "{name}, {d}");
            }
        }
        fit.leave_out(&(0..n).step_by(3).collect::<Vec<_>>())
            .unwrap();
        let together = fit.k_nearest(keys, k, &watch).unwrap();
        assert!(together.indices.iter().all(|i| i % 3 != 0));
        for i in [0, 1, 500, n - 1] {
            let alone = fit.k_nearest(keys.slice(i..i + 1), k, &watch).unwrap();
            assert_eq!(alone.indices, together.indices[i * k..(i + 1) * k]);
        }
    }
    for name in ["euclidean", "manhattan", "chebyshev", "cosine", "dot"] {
        for (d, k) in [(1, 3), (2, 9), (3, 1), (5, 7), (8, 20)] {
            check::<f32>(name, d, k);
            check::<f64>(name, d, k);
        }
    }
    check::<f64>("mahalanobis", 3, 5);
    check::<f64>("hamming", 4, 5);
    check::<f64>("haversine", 2, 5);
}

/// Leaves are sifted in single precision: keys that it can hardly tell apart, or not at all, are found in their true order.
#[test]
fn near_keys_follow_one_another_in_the_near_order() {
    for (n, d) in [(1, 2), (70, 3), (3000, 2), (500, 40)] {
        let keys = normal(5, n, d);
        let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &Metric::Euclidean).unwrap();
        let order = fit.near_order();
        let mut all = order.clone();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..n));
        let row = |i: usize| &keys[i * d..][..d];
        let steps = |order: &[usize]| -> f64 {
            let step = |pair: &[usize]| {
                formula::distance("euclidean", &[], row(pair[0]), row(pair[1])).unwrap()
            };
            order.windows(2).map(step).sum()
        };
        let came: Vec<usize> = (0..n).collect();
        let share = if n == 3000 { 0.5 } else { 1.0 };
        assert!(steps(&order) <= share * steps(&came), "{n} {d}");
    }
}

#[test]
fn what_single_precision_cannot_tell_apart_is_told_apart() {
    let (n, d, k) = (700, 3, 6);
    let draws = normal(3, n, d);
    let place = |at: &dyn Fn(usize) -> (f64, f64)| -> Vec<f64> {
        let one = |(i, x): (usize, &f64)| {
            let (offset, width) = at(i / d);
            offset + width * x
        };
        draws.iter().enumerate().map(one).collect()
    };
    let tables = [
        // Clumps far apart whose members differ by less than a single-precision rounding of the gap.
        ("clumps", place(&|i| ((i % 5) as f64 * 1e3, 1e-7))),
        (
            "widths",
            place(&|i| (1.0, 10f64.powi(-(i as i32 % 12) * 2))),
        ),
        ("far off", place(&|_| (1e8, 1e-4))),
        (
            "an outlier",
            place(&|i| if i == 13 { (1e9, 1.0) } else { (0.0, 1e-6) }),
        ),
        ("large", place(&|_| (0.0, 1e120))),
        ("small", place(&|_| (0.0, 1e-120))),
        // Rows of which most are one and the same.
        (
            "equal",
            place(&|i| (7.0, if i % 3 == 0 { 1e-9 } else { 0.0 })),
        ),
    ];
    let watch = Watch::default();
    for (data, table) in &tables {
        let keys = Rows::new(table, n, d).unwrap();
        for name in ["euclidean", "manhattan", "chebyshev"] {
            let fit = Nearest::fit(keys, &metric(name)).unwrap();
            let together = fit.k_nearest(keys, k, &watch).unwrap();
            for i in 0..n {
                let alone = fit.k_nearest(keys.slice(i..i + 1), k, &watch).unwrap();
                let own = i * k..(i + 1) * k;
                let found = &together.indices[own.clone()];
                assert_eq!(alone.indices, found, "{data}, {name}, {i}");
                assert_eq!(alone.distances, together.distances[own], "{data}, {name}");
            }
        }
    }
}

/// More neighbours than are kept in order: within a reach that grows, whatever the keys are like.
#[test]
fn many_neighbours_are_found_among_even_clustered_and_equal_keys() {
    let (n, m) = (4000, 12);
    for d in [1, 2, 3] {
        let even = normal(7, n, d);
        // Two clusters far apart, the first of which has too few keys.
        let mut far = even.clone();
        far[150 * d..].iter_mut().for_each(|x| *x = *x * 1e-3 + 1e6);
        // Most keys at one place.
        let mut equal = even.clone();
        equal[..3000 * d].fill(0.25);
        for (what, keys) in [("even", even), ("far", far), ("equal", equal)] {
            let queries: Vec<f64> = (0..m)
                .flat_map(|i| keys[i * 30 * d..][..d].to_vec())
                .collect();
            for name in ["euclidean", "manhattan", "chebyshev"] {
                let fit = Nearest::fit(Rows::new(&keys, n, d).unwrap(), &metric(name)).unwrap();
                let rows = Rows::new(&queries, m, d).unwrap();
                for k in [129, 300, 1000] {
                    let found = fit.k_nearest(rows, k, &Watch::default()).unwrap();
                    let all = fit.k_nearest(rows, n, &Watch::default()).unwrap();
                    for i in 0..m {
                        let what = format!("{what} {name} d={d} k={k} query {i}");
                        assert_eq!(
                            found.indices[i * k..][..k],
                            all.indices[i * n..][..k],
                            "{what}"
                        );
                        assert_eq!(
                            found.distances[i * k..][..k],
                            all.distances[i * n..][..k],
                            "{what}"
                        );
                    }
                }
            }
        }
    }
}

/// Parts with keys left out are gathered from as well.
#[test]
fn many_neighbours_of_parts_are_those_of_the_whole() {
    let (n, d) = (3000, 2);
    let keys = normal(8, n, d);
    let fit = |range: std::ops::Range<usize>| {
        let part = Rows::new(&keys[range.start * d..range.end * d], range.len(), d).unwrap();
        Nearest::fit(part, &Metric::Euclidean).unwrap()
    };
    let mut parts = [fit(0..2800), fit(2800..3000)];
    let mut whole = fit(0..3000);
    let gone: Vec<usize> = (0..2800).step_by(3).collect();
    parts[0].leave_out(&gone).unwrap();
    whole.leave_out(&gone).unwrap();
    let rows = Rows::new(&keys[..20 * d], 20, d).unwrap();
    let (watch, k) = (Watch::default(), 400);
    let found = Nearest::k_nearest_among(&parts, rows, k, &watch).unwrap();
    assert_eq!(found, whole.k_nearest(rows, k, &watch).unwrap());
}

/// Of whole numbers a map of whole numbers makes whole features, so that ties and edges are where they are without rounding.
#[test]
fn mapped_whole_numbers_tie_as_they_do() {
    let mut rng = Rng::new(77);
    let mut whole = |n: usize| -> Vec<f64> { (0..n).map(|_| rng.below(10) as f64).collect() };
    let (keys, queries) = (whole(2 * 301), whole(2 * 50));
    let (keys, queries) = (
        Rows::new(&keys, 301, 2).unwrap(),
        Rows::new(&queries, 50, 2).unwrap(),
    );
    let watch = Watch::default();
    let find = |metric: &Metric| {
        let nearest = Nearest::fit(keys, metric).unwrap();
        let k = nearest.k_nearest(queries, 20, &watch).unwrap();
        let near = nearest.within(queries, 2.0, &watch).unwrap();
        (k.indices, k.distances, near.indices)
    };
    let map = |rows: &[[f64; 2]]| {
        let rows = rows.iter().map(|r| r.to_vec()).collect();
        Metric::Mahalanobis(LinearMap::new(rows).unwrap())
    };
    assert_eq!(
        find(&map(&[[1.0, 0.0], [0.0, 1.0]])),
        find(&Metric::Euclidean)
    );
    let turned = find(&map(&[[1.0, 1.0], [1.0, -1.0], [0.0, 2.0]]));
    for (q, query) in queries.iter().enumerate() {
        let squared = |key: &[f64]| {
            let (x, y) = (key[0] - query[0], key[1] - query[1]);
            (x + y).powi(2) + (x - y).powi(2) + 4.0 * y * y
        };
        let mut all: Vec<(f64, usize)> = keys.iter().map(squared).zip(0..).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let wanted: Vec<usize> = all[..20].iter().map(|a| a.1).collect();
        assert_eq!(turned.0[20 * q..][..20], wanted, "query {q}");
    }
}
