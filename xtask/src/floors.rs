//! The floor check: a module may use only its own floor and those below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Failure;
use crate::source;

/// A floor, from the ground up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    Ground,
    Meaning,
    Engine,
    FrontDoor,
    Trick,
    Methods,
    Files,
}
use Floor::{Engine, Files, FrontDoor, Ground, Meaning, Methods, Trick};

/// The top-level modules of each crate that has several floors. A new module takes one line here.
const MODULES: &[(&str, &[(&str, Floor)])] = &[
    (
        "locality-core",
        &[
            ("aligned", Ground),
            ("error", Ground),
            ("float", Ground),
            ("isa", Ground),
            ("lanes", Ground),
            ("names", Ground),
            ("par", Ground),
            ("rows", Ground),
            ("text", Ground),
            ("bias", Meaning),
            ("kernel", Meaning),
            ("metric", Meaning),
            ("neighborhood", Meaning),
            ("profile", Meaning),
            ("reduce", Meaning),
            ("sites", Meaning),
            ("summary", Meaning),
            ("engine", Engine),
            ("local_mean", FrontDoor),
            ("biased", FrontDoor),
            ("heads", FrontDoor),
            ("pull_back", FrontDoor),
            ("sample", FrontDoor),
            ("weights", FrontDoor),
            ("log_sum", FrontDoor),
            ("mean", FrontDoor),
            ("nearest", FrontDoor),
        ],
    ),
    (
        "locality",
        &[
            ("descent", Trick),
            ("local", Trick),
            ("linear", Trick),
            ("patches", Trick),
            ("pca", Trick),
            ("random", Trick),
            ("select", Trick),
            ("symmetric", Trick),
            ("iterate", Trick),
            ("named", Trick),
            ("widths", Trick),
            ("adaptive", Methods),
            ("autoencode", Methods),
            ("denoise", Methods),
            ("dense", Methods),
            ("density", Methods),
            ("embed", Methods),
            ("fuzzy", Methods),
            ("gwr", Methods),
            ("hopfield", Methods),
            ("image", Methods),
            ("labeling", Methods),
            ("lazy", Methods),
            ("nonlocal", Methods),
            ("outlier", Methods),
            ("ridge", Methods),
            ("shift", Methods),
            ("model", Files),
        ],
    ),
    (
        "locality-learn",
        &[
            ("columns", Ground),
            ("number", Ground),
            ("parameters", Ground),
            ("pass", Ground),
            ("random", Ground),
            ("whole", Ground),
            ("bpe", Ground),
            ("tokenizer", Ground),
            ("goal", Meaning),
            ("layer", Meaning),
            ("layers", Engine),
            ("optimize", Engine),
            ("fit", Engine),
            ("heads", FrontDoor),
            ("half", FrontDoor),
            ("local_layer", Trick),
            ("decoder_layer", Trick),
            ("hierarchy", Trick),
            ("levels", Methods),
            ("autoencoder", Methods),
            ("deep", Methods),
            ("metric", Methods),
            ("mixture", Methods),
            ("transformer", Methods),
            ("train", Files),
            ("checkpoint", Files),
            ("pretrained", Files),
            ("writing", Files),
            ("text_training", Files),
        ],
    ),
];

/// The crates from the lowest up; a crate may depend only on those of a lower rank (tests excepted).
const CRATES: &[(&str, u8)] = &[
    ("locality-core", 0),
    ("locality-testing", 1),
    ("locality", 2),
    ("locality-learn", 3),
    ("locality-sql", 4),
    ("locality-cli", 4),
    ("locality-python", 4),
];

/// Where these two tables are.
const TABLE: &str = "xtask/src/floors.rs";

/// A source file needs a good reason to be longer.
const LONGEST: usize = 800;

/// One source file of a crate: its module path and its text.
struct Source {
    file: PathBuf,
    module: Vec<String>,
    text: String,
}

/// Every finding, one sentence each.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for (name, table) in MODULES {
        let folder = root.join("crates").join(name).join("src");
        if folder.is_dir() {
            found.extend(check_modules(name, table, &read_crate(root, &folder)?));
        }
    }
    for manifest in manifests(root)? {
        let text = read(&manifest)?;
        found.extend(check_dependencies(&text));
    }
    for folder in ["crates", "xtask", "python", "benches"] {
        for file in files(&root.join(folder), &["rs", "py"])? {
            let lines = read(&file)?.lines().count();
            if lines > LONGEST {
                let file = file
                    .strip_prefix(root)
                    .unwrap_or(&file)
                    .display()
                    .to_string();
                found.push(format!(
                    "{file} has {lines} lines; split it below {LONGEST}"
                ));
            }
        }
    }
    Ok(found)
}

fn check_modules(name: &str, table: &[(&str, Floor)], sources: &[Source]) -> Vec<String> {
    let floors: BTreeMap<&str, Floor> = table.iter().copied().collect();
    let mut found = Vec::new();
    let modules: BTreeSet<&str> = sources
        .iter()
        .filter_map(|s| s.module.first().map(String::as_str))
        .collect();
    for module in &modules {
        if !floors.contains_key(module) {
            found.push(format!(
                "module `{module}` of {name} has no floor; add it to MODULES in {TABLE}"
            ));
        }
    }
    let index = sources.iter().find(|s| s.module.is_empty());
    let (exports, glob) = index.map_or_else(Default::default, |s| exports(&s.text, &modules));
    for source in sources.iter().filter(|s| !s.module.is_empty()) {
        let Some(&floor) = floors.get(source.module[0].as_str()) else {
            continue;
        };
        let tokens = source::without_tests(&source::tokens(&source.text));
        for path in source::paths(&tokens) {
            let Some(target) = absolute(&source.module, &path) else {
                continue;
            };
            let place = format!("{}:{}", source.file.display(), path.line);
            let target = match (modules.get(target.as_str()), exports.get(&target)) {
                (Some(module), _) => (*module).to_owned(),
                (None, Some(module)) => module.clone(),
                // What a whole lower crate passes on is below every floor of this one.
                (None, None) if glob => continue,
                (None, None) => {
                    found.push(format!(
                        "{place} uses crate::{target}, whose module cannot be told; \
                         name it in a `pub use module::{{..}}` of lib.rs"
                    ));
                    continue;
                }
            };
            let Some(&used) = floors.get(target.as_str()) else {
                continue;
            };
            if used > floor {
                found.push(format!(
                    "{place}: `{}` ({floor:?}) uses `{target}` ({used:?}), a floor above it",
                    source.module[0]
                ));
            } else if used == floor && floor == Methods && target != source.module[0] {
                found.push(format!(
                    "{place}: method `{}` uses method `{target}`; move what they share down a floor",
                    source.module[0]
                ));
            }
        }
    }
    found
}

/// Which module each name of the crate's root comes from, and whether the root passes on a whole lower crate.
fn exports(index: &str, modules: &BTreeSet<&str>) -> (BTreeMap<String, String>, bool) {
    let mut names = BTreeMap::new();
    let mut glob = false;
    for path in source::paths(&source::tokens(index)) {
        let inner = path
            .segments
            .iter()
            .filter(|s| *s != "crate" && *s != "self");
        let inner: Vec<&String> = inner.collect();
        let (Some(first), Some(last)) = (inner.first(), inner.last()) else {
            continue;
        };
        if modules.contains(first.as_str()) {
            names.insert((*last).clone(), (*first).clone());
        } else if path.exported && last.as_str() == "*" {
            glob = true;
        }
    }
    (names, glob)
}

/// The first name below the crate's root that a path leads to, if it leads to this crate.
fn absolute(module: &[String], path: &source::UsedPath) -> Option<String> {
    let mut at = module.to_vec();
    at.extend((0..path.inside).map(|_| "inner".to_owned()));
    let mut rest = path.segments.iter().peekable();
    match rest.peek()?.as_str() {
        "crate" => {
            at.clear();
            rest.next();
        }
        "self" => {
            rest.next();
        }
        "super" => {
            while rest.peek().is_some_and(|s| *s == "super") {
                at.pop();
                rest.next();
            }
        }
        // Another crate, or a name already in scope.
        _ => return None,
    }
    at.first().cloned().or_else(|| rest.next().cloned())
}

fn check_dependencies(manifest: &str) -> Vec<String> {
    let rank = |name: &str| CRATES.iter().find(|(n, _)| *n == name).map(|(_, r)| *r);
    let mut section = String::new();
    let mut package = String::new();
    let mut uses = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            header.trim_end_matches(']').clone_into(&mut section);
            if let Some(name) = section.strip_prefix("dependencies.") {
                uses.push(name.to_owned());
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key
                .trim()
                .split('.')
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            if section == "package" && key == "name" {
                value.trim().trim_matches('"').clone_into(&mut package);
            } else if section == "dependencies" || section == "build-dependencies" {
                uses.push(key.to_owned());
            }
        }
    }
    let Some(own) = rank(&package) else {
        return vec![format!(
            "crate `{package}` has no rank; add it to CRATES in {TABLE}"
        )];
    };
    let wrong = uses.into_iter().filter(|u| {
        (u == "locality" || u.starts_with("locality-")) && rank(u).is_none_or(|r| r >= own)
    });
    wrong
        .map(|u| {
            format!("crate `{package}` depends on `{u}`, which is not below it (CRATES in {TABLE})")
        })
        .collect()
}

fn manifests(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let all = files(&root.join("crates"), &["toml"])?;
    Ok(all
        .into_iter()
        .filter(|f| f.ends_with("Cargo.toml"))
        .collect())
}

fn read_crate(root: &Path, folder: &Path) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in files(folder, &["rs"])? {
        let inner = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .with_extension("");
        let mut module: Vec<String> = inner
            .components()
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        if module.last().is_some_and(|m| m == "mod" || m == "lib") {
            module.pop();
        }
        sources.push(Source {
            text: read(&path)?,
            file: path.strip_prefix(root).unwrap_or(&path).to_path_buf(),
            module,
        });
    }
    Ok(sources)
}

/// The files below a folder with one of these endings, in order.
fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| Failure::file("list", &folder, &e))?;
        for entry in entries {
            let path = entry
                .map_err(|e| Failure::file("list", &folder, &e))?
                .path();
            let hidden = path
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| endings.iter().any(|w| e == *w))
            {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| Failure::file("read", file, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(module: &str, text: &str) -> Source {
        let module: Vec<String> = module
            .split("::")
            .filter(|m| !m.is_empty())
            .map(str::to_owned)
            .collect();
        Source {
            file: PathBuf::from(module.join("/")),
            module,
            text: text.to_owned(),
        }
    }

    const TWO: &[(&str, Floor)] = &[("rows", Ground), ("kernel", Meaning), ("engine", Engine)];
    const INDEX: &str =
        "mod rows; mod kernel; mod engine; pub use kernel::{Atom, Kernel}; pub use engine::Tree;";

    fn findings(module: &str, text: &str) -> Vec<String> {
        let others = ["rows", "kernel", "engine"]
            .into_iter()
            .filter(|m| *m != module);
        let mut all: Vec<Source> = others.map(|m| source(m, "")).collect();
        all.extend([source("", INDEX), source(module, text)]);
        check_modules("made-up", TWO, &all)
    }

    #[test]
    fn a_floor_below_may_be_used() {
        assert!(
            findings(
                "engine",
                "use crate::{Kernel, rows::Rows}; use super::kernel::Atom;"
            )
            .is_empty()
        );
        assert!(findings("engine::tile", "use super::part; use super::super::Kernel;").is_empty());
    }

    #[test]
    fn a_back_edge_is_found_however_it_is_written() {
        for text in [
            "use crate::engine::tile;",
            "use crate::{rows, Tree as T};",
            "fn f() { crate::engine::run() }",
            "use super::Tree;",
            "mod inner { use super::super::Tree; }",
            "macro_rules! m { () => { $crate::engine::run() } }",
        ] {
            let found = findings("kernel", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].contains("`kernel` (Meaning) uses `engine` (Engine)"),
                "{found:?}"
            );
        }
        assert_eq!(
            findings("kernel::parse", "use super::super::engine::Tree;").len(),
            1
        );
    }

    #[test]
    fn tests_and_docs_may_look_up() {
        let text = "/// crate::Tree\n#[cfg(test)] mod tests { use crate::Tree; }";
        assert!(findings("kernel", text).is_empty());
    }

    #[test]
    fn a_new_module_or_name_asks_for_the_table() {
        assert!(findings("novel", "")[0].contains("MODULES in xtask/src/floors.rs"));
        assert!(findings("kernel", "use crate::Unheard;")[0].contains("cannot be told"));
    }

    #[test]
    fn methods_do_not_use_one_another() {
        let all = [
            source("", "pub use locality_core::*;"),
            source("shift", "use crate::image::Luv; use crate::Rows;"),
            source("image", ""),
        ];
        let table = [("shift", Methods), ("image", Methods)];
        let found = check_modules("made-up", &table, &all);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("method `shift` uses method `image`"));
    }

    #[test]
    fn a_crate_may_not_depend_on_a_higher_one() {
        let good = "[package]\nname = \"locality\"\n[dependencies]\nlocality-core.workspace = true\n\
                    [dev-dependencies]\nlocality-cli = { path = \"..\" }";
        assert!(check_dependencies(good).is_empty());
        let bad = good.replace("locality-core.workspace", "locality-cli.workspace");
        assert!(check_dependencies(&bad)[0].contains("`locality` depends on `locality-cli`"));
        let table = good.replace("[dependencies]", "[dependencies.locality-learn]");
        assert_eq!(check_dependencies(&table).len(), 1);
        assert!(check_dependencies("[package]\nname = \"new\"")[0].contains("no rank"));
    }

    #[test]
    fn this_repository_keeps_its_floors() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let found = check(&root).unwrap();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
