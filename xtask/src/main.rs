//! The project's chores: `cargo xtask test`, `cargo xtask ci`, `cargo xtask check-floors`, `cargo xtask bench`.

mod command;
mod floors;
mod python;
mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::{Failure, Step};

const HELP: &str = "\
cargo xtask COMMAND

  test          builds the Python package into a virtual environment of its own,
                then runs every Rust test and every Python test
  ci            formatting, lints, floors, then `test`, then the package as a user installs it
  check-floors  fails where code uses a floor above its own (docs: the table in xtask/src/floors.rs)
  bench [NAME]  compares with the peers in one go; see benches/README.md

Python 3.11 or later is looked for as $PYTHON, python3, python3.11 to python3.14.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match arguments.first().map(String::as_str) {
        Some("test") if rest.is_empty() => test(&root()),
        Some("ci") if rest.is_empty() => ci(&root()),
        Some("check-floors") if rest.is_empty() => check_floors(&root()),
        Some("bench") => bench(&root(), rest),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => Err(Failure::new(format!("unknown command\n\n{HELP}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

fn test(root: &Path) -> Result<(), Failure> {
    let python = python::environment(root)?;
    python::build_extension(root, &python)?;
    Step::cargo("Rust tests", root)
        .args(&[
            "test",
            "--workspace",
            // One run tells all that fails.
            "--no-fail-fast",
            "--features",
            "locality-cli/embed,locality-cli/learn",
        ])
        .env("PYO3_PYTHON", &python)
        .run()?;
    Step::new("Python tests", &python)
        .current(root)
        .args(&["-m", "pytest"])
        .run()
}

fn ci(root: &Path) -> Result<(), Failure> {
    Step::cargo("formatting", root)
        .args(&["fmt", "--all", "--check"])
        .remedy("run `cargo fmt --all`")
        .run()?;
    check_floors(root)?;
    let python = python::environment(root)?;
    for features in [
        &[][..],
        &[
            "--features",
            "locality/ndarray,locality-cli/embed,locality-cli/learn",
        ],
    ] {
        Step::cargo("lints", root)
            .args(&["clippy", "--workspace", "--all-targets"])
            .args(features)
            .args(&["--", "-D", "warnings"])
            .env("PYO3_PYTHON", &python)
            .run()?;
    }
    test(root)?;
    python::check_package(root, &python)
}

fn check_floors(root: &Path) -> Result<(), Failure> {
    println!("== floors");
    let found = floors::check(root)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} finding(s):\n  {}",
        found.len(),
        found.join("\n  ")
    )))
}

fn bench(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let python = python::bench_environment(root)?;
    python::build_into(root, &python)?;
    Step::new("benches", &python)
        .current(root)
        .args(&["benches/run.py"])
        .args(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .run()
}
