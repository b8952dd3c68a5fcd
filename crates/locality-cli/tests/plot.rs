//! Charts of the tool: both formats, each number of columns, many points, odd data.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

fn tool(args: &[&str], at: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_locality"))
        .args(args)
        .current_dir(at)
        .output()
        .unwrap()
}

/// A table of `n` rows in `k` heaps of `d` columns.
fn heaps(n: usize, d: usize, k: usize) -> String {
    let names: Vec<String> = (0..d).map(|c| format!("a<{c}>&")).collect();
    let mut out = format!("{}\n", names.join(","));
    for i in 0..n {
        let row: Vec<String> = (0..d)
            .map(|c| {
                let noise = ((i * 7919 + c * 104_729) % 1000) as f64 / 1000.0;
                format!("{}", (i % k * (c + 2)) as f64 * 3.0 + noise)
            })
            .collect();
        let _ = writeln!(out, "{}", row.join(","));
    }
    out
}

fn plot(table: &str, file: &str, more: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table).unwrap();
    let mut args = vec!["cluster", "t.csv", "-o", "o.csv", "--plot", file];
    args.extend(more);
    let output = tool(&args, folder.path());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read(folder.path().join(file)).unwrap()
}

/// Every tag is closed, in order, and every quote and entity is whole.
fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        assert_entities(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

fn assert_entities(text: &str) {
    for part in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;"];
        assert!(known.iter().any(|e| part.starts_with(e)), "&{part}");
    }
}

#[test]
fn an_svg_has_every_point_and_every_name() {
    let svg = plot(&heaps(90, 2, 3), "p.svg", &["--bandwidth", "2"]);
    let svg = String::from_utf8(svg).unwrap();
    assert_well_formed(&svg);
    // 30 dots of each cluster and one in the legend; the first cluster is drawn with circles.
    let dots = svg.matches("<circle ").count();
    assert_eq!(dots, 90 + 3);
    // Three centres with a halo, and the legend.
    assert_eq!(svg.matches("<path transform").count(), 3 + 3 + 1);
    assert!(svg.contains("3 clusters in 90 rows"));
    for name in ["a&lt;0&gt;&amp;", "a&lt;1&gt;&amp;", "cluster 2 (30)"] {
        assert!(svg.contains(&format!(">{name}</text>")), "{name}");
    }
    for word in ["NaN", "inf", "href"] {
        assert!(!svg.contains(word), "{word}");
    }
}

#[test]
fn each_number_of_columns_has_its_chart() {
    for (d, panels) in [(1, 1), (2, 1), (3, 6), (4, 10), (5, 15), (8, 15)] {
        let svg = plot(&heaps(60, d, 2), "p.svg", &["--bandwidth", "3"]);
        let svg = String::from_utf8(svg).unwrap();
        assert_well_formed(&svg);
        let scatters = if d == 1 {
            0
        } else {
            panels - if d > 2 { d.min(5) } else { 0 }
        };
        // Dots, and the legend of two clusters.
        assert_eq!(
            svg.matches("<circle ").count(),
            60 * scatters + 2,
            "{d} columns"
        );
        let png = plot(&heaps(60, d, 2), "p.png", &["--bandwidth", "3"]);
        let png = image::load_from_memory(&png).unwrap();
        let tag = svg.split("width=\"").nth(1).unwrap();
        let width: f64 = tag.split('"').next().unwrap().parse().unwrap();
        assert_eq!(
            f64::from(png.width()),
            2.0 * width,
            "two pixels for each unit"
        );
        let white = png.to_rgb8().pixels().filter(|p| p.0 == [255; 3]).count();
        let all = (png.width() * png.height()) as usize;
        assert!(
            white > all / 2 && white < all * 99 / 100,
            "{d} columns: {white} of {all}"
        );
    }
}

#[test]
fn orphans_are_grey_and_many_clusters_have_their_own_marks() {
    let mut table = heaps(200, 2, 20);
    table.push_str("-900,-900\n");
    let args = [
        "--bandwidth",
        "2",
        "--bin-seeding",
        "--min-bin-freq",
        "3",
        "--no-cluster-all",
    ];
    let svg = String::from_utf8(plot(&table, "p.svg", &args)).unwrap();
    assert_well_formed(&svg);
    assert!(svg.contains("no cluster (1)") && svg.contains("fill=\"#969696\""));
    assert!(svg.contains("and 6 more"), "20 clusters, 14 in the legend");
}

#[test]
fn fifty_thousand_points_are_drawn() {
    let args = ["--bandwidth", "2", "--bin-seeding"];
    let png = plot(&heaps(50_000, 2, 5), "p.png", &args);
    assert!(image::load_from_memory(&png).is_ok());
}

#[test]
fn odd_tables_are_drawn_or_refused_in_one_sentence() {
    for table in [
        "x,y\n3,4\n",
        "x,y\n0,1\n0,2\n0,3\n",
        "x,y\n1e15,1\n1.000001e15,2\n1.000002e15,3\n",
        "x,y\n1e-200,1\n2e-200,2\n",
    ] {
        let svg = String::from_utf8(plot(table, "p.svg", &["--bandwidth", "1"])).unwrap();
        assert_well_formed(&svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{table}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "x,y\n1,2\n2,3\n").unwrap();
    let args = [
        "cluster",
        "t.csv",
        "-o",
        "o.csv",
        "--bandwidth",
        "1",
        "--plot",
        "p.gif",
    ];
    let output = tool(&args, folder.path());
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("p.gif") && text.contains(".svg"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn every_kernel_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let list = tool(&["kernels", "--json"], folder.path());
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let names = list["kernels"].as_array().unwrap();
    let output = tool(&["kernels", "--plot", "k"], folder.path());
    assert!(output.status.success());
    let files = std::fs::read_dir(folder.path().join("k")).unwrap().count();
    assert_eq!(files, names.len() + 1);
    let mut pictures = std::collections::BTreeSet::new();
    for name in names
        .iter()
        .map(|k| k["name"].as_str().unwrap())
        .chain(["kernels"])
    {
        let bytes = std::fs::read(folder.path().join(format!("k/{name}.png"))).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap();
        assert!(picture.width() >= 1000 && picture.height() >= 700, "{name}");
        assert!(pictures.insert(bytes), "{name} looks like another");
    }
}
