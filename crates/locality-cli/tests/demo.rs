//! The demo: the page holds together, the figures make sense, and the commands that it prints make what it shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// One run of the demo for all tests.
struct Demo {
    folder: TempDir,
    output: Output,
}

fn tool(args: &[&str], at: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_locality"))
        .args(args)
        .current_dir(at)
        .output()
        .unwrap()
}

fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let output = tool(&["demo", "-o", "demo", "--json"], folder.path());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Demo { folder, output }
    })
}

impl Demo {
    fn dir(&self) -> PathBuf {
        self.folder.path().join("demo")
    }

    fn object(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap()
    }

    fn page(&self) -> String {
        std::fs::read_to_string(self.dir().join("index.html")).unwrap()
    }

    fn figure(&self, card: &str, name: &str) -> Value {
        let object = self.object();
        let cards = object["cards"].as_array().unwrap();
        let card = cards
            .iter()
            .find(|c| c["title"].as_str().unwrap().contains(card))
            .unwrap_or_else(|| panic!("no card '{card}'"));
        let figure = card["figures"][name].clone();
        assert!(!figure.is_null(), "no figure '{name}'");
        figure
    }

    fn number(&self, card: &str, name: &str) -> f64 {
        self.figure(card, name).as_f64().unwrap()
    }

    fn percent(&self, card: &str, name: &str) -> f64 {
        let figure = self.figure(card, name);
        let text = figure.as_str().unwrap();
        text.split_once(" %").unwrap().0.parse().unwrap()
    }
}

/// All files below a folder, by their path from there.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                all.insert(path.strip_prefix(dir).unwrap().to_owned(), bytes);
            }
        }
    }
    all
}

/// Splits a command line at blanks outside quotes.
fn words(line: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => all.push(String::new()),
            c => all.last_mut().unwrap().push(c),
        }
    }
    all.retain(|w| !w.is_empty());
    all
}

fn column(csv: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines();
    let place = lines.next().unwrap().split(',').position(|n| n == name);
    let place = place.unwrap_or_else(|| panic!("no column '{name}'"));
    lines
        .map(|line| line.split(',').nth(place).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = demo().page();
    for word in [
        "http:", "https:", "src=\"//", "<script", "<link", "@import", "url(",
    ] {
        assert!(!page.contains(word), "the page contains {word}");
    }
    let sources = page.matches(" src=\"").count();
    assert_eq!(
        sources,
        page.matches(" src=\"data:image/png;base64,").count()
    );
    assert_eq!(sources, page.matches("<img alt=\"").count());
    for tag in [
        "section", "figure", "table", "pre", "main", "div", "nav", "ol",
    ] {
        let open =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
        assert!(open > 0, "{tag}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
}

#[test]
fn every_picture_decodes_and_shows_something() {
    let demo = demo();
    let mut pictures = 0;
    for (path, bytes) in files(&demo.dir()) {
        if path.extension().is_none_or(|e| e != "png") {
            continue;
        }
        pictures += 1;
        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
        let colors: std::collections::BTreeSet<_> = picture.pixels().map(|p| p.0).collect();
        // Labels have a colour each, merged regions their mean, and a few of them do.
        let labels = [
            "astronaut-clean.png",
            "astronaut-labels.png",
            "astronaut-noisy.png",
            "coffee-merged.png",
        ];
        let few = labels.iter().any(|name| path.ends_with(name));
        assert!(
            colors.len() > if few { 5 } else { 20 },
            "{} has {} colours",
            path.display(),
            colors.len()
        );
        let first = *picture.get_pixel(0, 0);
        let same = picture.pixels().filter(|p| **p == first).count();
        let all = (picture.width() * picture.height()) as usize;
        assert!(same < all * 97 / 100, "{} is nearly blank", path.display());
    }
    assert!(pictures >= 14, "{pictures} pictures");
    let object = demo.object();
    for card in object["cards"].as_array().unwrap() {
        let shown = card["pictures"].as_array().unwrap();
        assert!(!shown.is_empty(), "{card}");
        for picture in shown {
            assert!(demo.dir().join(picture.as_str().unwrap()).is_file());
        }
    }
}

#[test]
fn figures_make_sense() {
    let demo = demo();
    let photos = "mean-shift segmentation";
    for name in ["astronaut", "coffee"] {
        let regions = demo.number(photos, &format!("{name}, regions"));
        assert!(
            (20.0..600.0).contains(&regions),
            "{name}: {regions} regions"
        );
        let largest = demo.percent(photos, &format!("{name}, largest region"));
        assert!((3.0..70.0).contains(&largest), "{name}: {largest} %");
    }
    let filter = "mean-shift filter";
    assert!(demo.number(filter, "colours after") < demo.number(filter, "colours before"));
    let follow = "An object followed";
    assert!(demo.number(follow, "farthest from the disc's centre, pixels") < 5.0);
    let grown = demo.number(follow, "size in the last frame over the second's");
    assert!((grown / demo.number(follow, "the same of the disc") - 1.0).abs() < 0.25);
    let noise = "Noise taken away";
    let decibels = |name: &str| -> f64 {
        let figure = demo.figure(noise, name);
        let text = figure.as_str().unwrap();
        text.trim_end_matches(" dB").parse().unwrap()
    };
    let means = decibels("non-local means, PSNR");
    assert!(means > decibels("noisy, PSNR") + 6.0);
    assert!(decibels("non-local Bayes, PSNR") > means + 0.5);
    let iris = "Three species";
    assert_eq!(demo.number(iris, "clusters"), 3.0);
    assert!(demo.number(iris, "adjusted Rand index with the species") > 0.8);
    let wine = "Three vineyards";
    assert!((3.0..6.0).contains(&demo.number(wine, "clusters")));
    assert!(demo.number(wine, "adjusted Rand index with the cultivars") > 0.8);
    let curve = "A curve through a cloud";
    let error = |h: &str| demo.number(curve, &format!("h={h}: error on patients left out"));
    assert!(error("2") < error("0.5") && error("2") < error("8"));
    assert!(error("2") < 70.0, "{}", error("2"));
    let pixels = "Lost pixels";
    let worst = demo.number(pixels, "largest difference (of 255)");
    assert!(worst <= demo.number(pixels, "largest difference allowed"));
    let visited = demo.percent(pixels, "pairs weighed, tolerance 1e-6");
    assert!(visited < 10.0, "{visited} % of the pairs were weighed");
    assert!(demo.number(pixels, "peak signal-to-noise ratio (dB)") > 22.0);
    for way in [
        "attention, cosine",
        "Gaussian kernel regression",
        "5 nearest neighbours",
    ] {
        let right = demo.percent("Attention", &format!("{way}, right"));
        assert!(right > 85.0, "{way}: {right} %");
    }
}

#[cfg(feature = "learn")]
#[test]
fn figures_of_what_is_learned_make_sense() {
    let demo = demo();
    let right = |way: &str| {
        let name = format!("right of those left out, by {way}");
        demo.percent("What makes wines alike", &name)
    };
    assert!(right("the learned metric") > 93.0);
    assert!(right("the learned metric") > right("the columns as they are"));
    let digits = "Digits in two numbers";
    let error = |taken: u32| {
        let name = format!("error of a pixel by {taken} numbers, of 16");
        demo.number(digits, &name)
    };
    assert!(error(32) < error(8) && error(8) < error(2) && error(2) < 4.0);
    let letters = "A Transformer is a stack of local means";
    for kernel in ["softmax", "gaussian"] {
        let loss = demo.number(letters, &format!("{kernel}: loss of a held-out letter"));
        // Letters by their frequency alone would be 3.3.
        assert!((1.2..2.6).contains(&loss), "{kernel}: {loss}");
    }
}

#[test]
fn the_commands_make_what_is_shown() {
    let demo = demo();
    let before = files(&demo.dir());
    let again = tempfile::tempdir().unwrap();
    // Only the data: what the commands make is theirs.
    std::fs::create_dir(again.path().join("data")).unwrap();
    for (path, bytes) in before.iter().filter(|(path, _)| path.starts_with("data")) {
        std::fs::write(again.path().join(path), bytes).unwrap();
    }
    let mut run = 0;
    let page = demo.page();
    for card in demo.object()["cards"].as_array().unwrap() {
        let commands = card["commands"].as_array().unwrap();
        assert!(!commands.is_empty(), "{card}");
        for command in commands {
            let command = command.as_str().unwrap();
            let shown = command.replace('&', "&amp;").replace('"', "&quot;");
            assert!(page.contains(&format!("<code>{shown}</code>")), "{command}");
            let words = words(command);
            assert_eq!(words[0], "locality");
            let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            let output = tool(&args, again.path());
            assert!(
                output.status.success(),
                "{command}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            run += 1;
        }
    }
    assert!(run >= 12, "{run} commands");
    let after = files(again.path());
    let mut same = 0;
    for (path, bytes) in &after {
        if let Some(shown) = before.get(path) {
            assert!(shown == bytes, "{} differs from the demo's", path.display());
            same += usize::from(!path.starts_with("data"));
        }
    }
    assert!(same >= 7, "only {same} files are the demo's");
    assert_eq!(
        after[Path::new("kernels/kernels.png")],
        before[Path::new("kernels.png")]
    );

    for i in [2, 5, 8] {
        let (drawn, shown) = (format!("tracked/000{i}.png"), format!("tracked-{i}.png"));
        assert_eq!(after[Path::new(&drawn)], before[Path::new(&shown)]);
    }

    let text = |name: &str| String::from_utf8(after[Path::new(name)].clone()).unwrap();
    for h in ["0.5", "2", "8"] {
        let table = text(&format!("bmi-mean-{h}.csv"));
        let place = column(&table, "bmi")
            .iter()
            .position(|x| *x == 30.0)
            .unwrap();
        let shown = demo.number("A curve", &format!("h={h}: progression at an index of 30"));
        assert!((column(&table, "target_mean")[place] - shown).abs() < 1e-9);
    }
    let filled = image::load_from_memory(&before[Path::new("coffee-filled.png")]).unwrap();
    let table = text("coffee-filled.csv");
    for (c, name) in ["red_mean", "green_mean", "blue_mean"].iter().enumerate() {
        let values = column(&table, name);
        let pixels = filled.to_rgb8();
        assert_eq!(values.len(), pixels.pixels().len());
        for (value, pixel) in values.iter().zip(pixels.pixels()) {
            assert!((value - f64::from(pixel.0[c])).abs() <= 0.5 + 1e-9);
        }
    }
}

#[test]
fn the_same_from_any_number_of_threads_and_other_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tour")).unwrap();
    std::fs::write(folder.path().join("tour/mine.txt"), "mine").unwrap();
    std::fs::write(folder.path().join("tour/index.html"), "old").unwrap();
    let output = tool(
        &["demo", "-o", "tour", "--threads", "1", "--quiet"],
        folder.path(),
    );
    assert!(output.status.success());
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let (one, mut all) = (files(&folder.path().join("tour")), files(&demo().dir()));
    assert_eq!(one[Path::new("mine.txt")], b"mine");
    assert!(one[Path::new("index.html")] != b"old");
    all.remove(Path::new("index.html"));
    for (path, bytes) in &all {
        assert!(one[path] == *bytes, "{} differs", path.display());
    }
    assert_eq!(
        one.len(),
        all.len() + 2,
        "the page and the file that was there"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("taken"), "a file").unwrap();
    for name in ["taken", "taken/below"] {
        let output = tool(&["demo", "-o", name], folder.path());
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("taken") && text.lines().count() == 1,
            "{text}"
        );
        assert!(output.stdout.is_empty());
    }
    assert_eq!(files(folder.path()).len(), 1);
}
