//! `docs/kernels.md` says what the lists say, and every line of text in it is read.
//!
//! `UPDATE_DOCS=1 cargo test -p locality-core --test docs_table` writes the tables anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use locality_core::{Kernel, Neighborhood, Takes, metrics, neighborhoods, profiles};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/kernels.md")
}

/// Code in a cell: a bar would end the cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

fn codes(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|t| code(t)).collect();
    texts.join(", ")
}

fn profile_table() -> String {
    let mut out = String::from(
        "| name | weight | of | ends | parameters | also | use |\n|---|---|---|---|---|---|---|\n",
    );
    for p in profiles() {
        let own: Vec<String> = p
            .parameters
            .iter()
            .map(|o| {
                format!(
                    "{}: {}",
                    code(&format!("{}={}", o.name, o.default)),
                    o.summary
                )
            })
            .collect();
        let takes = match p.takes {
            Takes::Distance => "distance",
            Takes::Score => "score",
        };
        let ends = if p.bounded { "at one bandwidth" } else { "" };
        let _ = writeln!(
            out,
            "| {} | {} | {takes} | {ends} | {} | {} | {} |",
            code(p.name),
            code(p.formula),
            own.join("; "),
            codes(p.aliases),
            p.summary
        );
    }
    out
}

fn metric_table() -> String {
    let mut out =
        String::from("| name | of a query `q` and a key `k` | also | use |\n|---|---|---|---|\n");
    for m in metrics() {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(m.name),
            code(m.formula),
            codes(m.aliases),
            m.summary
        );
    }
    out
}

fn neighborhood_table() -> String {
    let mut out = String::from("| name | written | which keys |\n|---|---|---|\n");
    for n in neighborhoods() {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            code(n.name),
            code(n.form),
            n.summary
        );
    }
    out
}

/// The text with the part between the marks of `name` replaced.
fn replaced(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (
        format!("<!-- {name}: begin -->"),
        format!("<!-- {name}: end -->"),
    );
    let start = text
        .find(&begin)
        .unwrap_or_else(|| panic!("no mark {begin}"))
        + begin.len();
    let stop = text.find(&end).unwrap_or_else(|| panic!("no mark {end}"));
    format!("{}\n{table}{}", &text[..start], &text[stop..])
}

#[test]
fn the_tables_are_those_of_the_lists() {
    let old = std::fs::read_to_string(path())
        .unwrap()
        .replace("\r\n", "\n");
    let mut new = old.clone();
    for (name, table) in [
        ("profiles", profile_table()),
        ("metrics", metric_table()),
        ("neighborhoods", neighborhood_table()),
    ] {
        new = replaced(&new, name, &table);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(), &new).unwrap();
        return;
    }
    assert!(
        new == old,
        "docs/kernels.md is not up to date; run `UPDATE_DOCS=1 cargo test -p locality-core --test docs_table`"
    );
}

/// Blocks fenced as `kernel` and `neighborhood` hold one text a line, with a remark after two blanks and `#`.
#[test]
fn the_texts_are_read_back_as_they_stand() {
    let page = std::fs::read_to_string(path()).unwrap();
    let (mut kind, mut count) = ("", 0);
    for line in page.lines() {
        if let Some(fence) = line.strip_prefix("```") {
            kind = if kind.is_empty() { fence } else { "" };
            continue;
        }
        let text = line.split("  #").next().unwrap_or(line).trim_end();
        let read = match kind {
            "kernel" => text.parse::<Kernel>().map(|k| k.to_string()),
            "neighborhood" => text.parse::<Neighborhood>().map(|n| n.to_string()),
            _ => continue,
        };
        assert_eq!(read.unwrap_or_else(|e| panic!("{text}: {e}")), text);
        count += 1;
    }
    assert!(count >= 15, "{count} texts found");
}
