//! The text of kernels and neighbourhoods: what is printed is read back, and no text brings the reader down.

use locality_core::{
    Atom, Bandwidth, Columns, Kernel, LinearMap, Metric, Neighborhood, Profile, Region, Takes,
    metrics, neighborhoods, profiles,
};
use proptest::prelude::*;

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-12.0..12.0_f64).prop_map(|e| 10_f64.powf(e)),
        (1..200_u32).prop_map(|i| f64::from(i) / 8.0),
        Just(f64::MIN_POSITIVE),
        Just(f64::MAX),
    ]
}

/// A name as a table may have it.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z_][a-z0-9_]{0,6}",
        1 => prop::sample::select(vec!["nan", "inf", "Infinity", "NaN", "", "3d", "a b", "a\"b\\", "\u{663}x", "\u{e9}t\u{e9}", "h=1"])
            .prop_map(str::to_string),
        1 => "\\PC{0,8}",
    ]
}

fn columns() -> impl Strategy<Value = Columns> {
    prop_oneof![
        Just(Columns::All),
        prop::collection::vec(0..9_usize, 1..4).prop_map(Columns::Indices),
        prop::collection::vec(name(), 1..4).prop_map(Columns::Names),
    ]
}

fn metric(takes: Takes) -> impl Strategy<Value = Option<Metric>> {
    let map = prop::collection::vec(prop::collection::vec(-1e3..1e3_f64, 2), 1..3);
    (prop::sample::select(metrics().to_vec()), map, any::<bool>()).prop_map(
        move |(info, map, given)| {
            let map = (info.name == "mahalanobis").then(|| LinearMap::new(map).unwrap());
            let metric = Metric::from_name(info.name, map).unwrap();
            let fits = match takes {
                Takes::Distance => metric.is_distance(),
                Takes::Score => metric.is_score(),
            };
            (given && fits).then_some(metric)
        },
    )
}

fn bandwidth(takes: Takes) -> BoxedStrategy<Bandwidth> {
    if takes == Takes::Score {
        return Just(Bandwidth::Default).boxed();
    }
    prop_oneof![
        Just(Bandwidth::Default),
        positive().prop_map(Bandwidth::Fixed),
        prop::collection::vec(positive(), 1..4).prop_map(Bandwidth::PerFeature),
        prop::collection::vec(positive(), 1..4).prop_map(|h| Bandwidth::PerSite(h.into())),
        (1..99_usize).prop_map(Bandwidth::SiteNearest),
        (1..99_usize).prop_map(Bandwidth::QueryNearest),
    ]
    .boxed()
}

/// An atom, in the form that the text has for it: the columns are set by their text.
fn atom() -> impl Strategy<Value = Kernel> {
    (0..profiles().len(), prop::collection::vec(0.01..0.9_f64, 3)).prop_flat_map(|(i, seeds)| {
        let info = &profiles()[i];
        let values = info
            .parameters
            .iter()
            .zip(&seeds)
            .map(|(p, s)| match p.name {
                "a" => (p.name, -s),
                "core" => (p.name, *s),
                _ => (p.name, p.min.max(0.0) + s * 7.0),
            });
        let profile = Profile::from_name(info.name, &values.collect::<Vec<_>>()).unwrap();
        (bandwidth(info.takes), metric(info.takes), columns()).prop_map(
            move |(bandwidth, metric, columns)| {
                let per_column = matches!(bandwidth, Bandwidth::PerFeature(_));
                let mut atom = Atom::new(profile).bandwidth(bandwidth);
                match metric {
                    Some(m) if !per_column => atom = atom.metric(m),
                    _ => {}
                }
                match columns {
                    Columns::All => Kernel::from(atom),
                    Columns::Indices(c) => Kernel::from(atom.columns(c)),
                    Columns::Names(names) => named(&atom, &names),
                    _ => unreachable!(),
                }
            },
        )
    })
}

/// The atom on named columns, which only the text can say: `JSON`-like quoting is what the reader takes.
fn named(atom: &Atom, names: &[String]) -> Kernel {
    let quoted = names
        .iter()
        .map(|n| format!("\"{}\"", n.replace('\\', "\\\\").replace('"', "\\\"")));
    let text = atom.to_string();
    let text = text.strip_suffix(')').unwrap();
    let comma = if text.ends_with('(') { "" } else { ", " };
    let cols: Vec<String> = quoted.collect();
    format!("{text}{comma}cols=[{}])", cols.join(", "))
        .parse()
        .unwrap()
}

/// Kernels as the operators and the reader build them: products of at least two, sums not inside sums.
fn kernel() -> impl Strategy<Value = Kernel> {
    let leaf = atom();
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a * b),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a + b),
            (positive(), inner.clone()).prop_filter_map("overflow", |(s, a)| {
                let k = s * a;
                k.check().is_ok().then_some(k)
            }),
            (inner, positive()).prop_map(|(a, p)| a.power(p)),
        ]
    })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn kernels_are_read_back_as_they_are_printed(kernel in kernel()) {
        let text = kernel.to_string();
        match text.parse::<Kernel>() {
            Ok(read) => prop_assert_eq!(read, kernel, "{}", text),
            Err(e) => return Err(TestCaseError::fail(format!("{text}: {e}"))),
        }
    }

    #[test]
    fn neighborhoods_are_read_back_as_they_are_printed(
        regions in prop::collection::vec(region(), 0..4),
    ) {
        let n = regions.into_iter().fold(Neighborhood::all(), |n, r| n.and(Neighborhood::from(r)));
        let text = n.to_string();
        // More than one list of nearest keys is refused, in so many words.
        match text.parse::<Neighborhood>() {
            Ok(read) => prop_assert_eq!(read, n, "{}", text),
            Err(e) => prop_assert!(e.to_string().contains("one of nearest and mutual"), "{text}: {e}"),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = text.parse::<Kernel>();
        let _ = text.parse::<Neighborhood>();
    }

    #[test]
    fn texts_that_look_like_kernels_are_read_or_refused(
        text in "(gaussian|uniform|s|x|[0-9.]{1,4}|h=|knn=|cols=|metric=|\\(|\\)|\\[|\\]|,|\\*|\\+|\\^|-|e|\"|\\\\| |\u{e9}){0,14}",
    ) {
        match text.parse::<Kernel>() {
            Ok(kernel) => prop_assert!(kernel.check().is_ok()),
            Err(e) => prop_assert!(!e.to_string().is_empty()),
        }
        let _ = text.parse::<Neighborhood>();
    }
}

fn region() -> impl Strategy<Value = Region> {
    let metric = || metric(Takes::Distance).prop_map(Option::unwrap_or_default);
    let columns = || {
        prop_oneof![
            Just(Columns::All),
            prop::collection::vec(0..9_usize, 1..4).prop_map(Columns::Indices),
        ]
    };
    prop_oneof![
        (positive(), metric(), columns()).prop_map(|(r, metric, columns)| Region::Radius {
            r,
            metric,
            columns
        }),
        (1..50_usize, metric(), columns(), any::<bool>()).prop_map(
            |(k, metric, columns, mutual)| Region::Nearest {
                k,
                metric,
                columns,
                mutual
            }
        ),
        (-20..20_i64).prop_map(|offset| Region::Causal { offset }),
        (0..50_usize, 0..50_usize).prop_map(|(before, after)| Region::Window { before, after }),
        prop::collection::vec(0..9_usize, 1..4).prop_map(|c| Region::Group {
            columns: Columns::Indices(c)
        }),
        Just(Region::Hollow),
    ]
}

#[test]
fn every_name_and_alias_of_the_lists_is_read() {
    for p in profiles() {
        for name in [p.name].iter().chain(p.aliases) {
            let kernel: Kernel = format!("{name}()").parse().unwrap();
            assert_eq!(kernel.atoms()[0].profile().info().name, p.name);
        }
    }
    for m in metrics() {
        for name in [m.name].iter().chain(m.aliases) {
            let map = (m.name == "mahalanobis").then(|| LinearMap::new(vec![vec![1.0]]).unwrap());
            assert_eq!(Metric::from_name(name, map).unwrap().info().name, m.name);
        }
    }
    for n in neighborhoods() {
        // The form shown in the list is itself readable, once `..` is filled in.
        let form = n.form.replace("..", "0");
        let read = form
            .parse::<Neighborhood>()
            .unwrap_or_else(|e| panic!("{form}: {e}"));
        assert!(
            read.to_string().starts_with(n.name),
            "{form} reads as {read}"
        );
    }
}

#[test]
fn names_are_unique_across_names_and_aliases() {
    let mut seen = Vec::new();
    for p in profiles() {
        seen.push(p.name);
        seen.extend(p.aliases);
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
    let mut seen = Vec::new();
    for m in metrics() {
        seen.push(m.name);
        seen.extend(m.aliases);
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}
