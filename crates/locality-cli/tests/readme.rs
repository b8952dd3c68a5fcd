//! The shell of the README is run as it stands.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

/// The lines between "```sh" and "```", all blocks together.
fn script(page: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in page.lines() {
        match (inside, line) {
            (false, "```sh") => inside = true,
            (true, "```") => inside = false,
            (true, line) => {
                out.push_str(line);
                out.push('\n');
            }
            _ => {}
        }
    }
    out
}

#[test]
fn the_shell_of_the_readme_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("README.md")).unwrap();
    let script = script(&page);
    assert!(
        script.contains("locality "),
        "the README has no shell block"
    );
    // The tool by its name, in a folder that has nothing but the data.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("data")).unwrap();
    for file in std::fs::read_dir(root.join("data")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join("data").join(file.file_name())).unwrap();
    }
    let tool = Path::new(env!("CARGO_BIN_EXE_locality")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(tool.to_path_buf()).chain(std::env::split_paths(&path));
    let run = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(&folder)
        .env("PATH", std::env::join_paths(all).unwrap())
        .output()
        .unwrap();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        run.status.success(),
        "{}\n{}",
        shown(&run.stdout),
        shown(&run.stderr)
    );
    // What the commands say they write is there.
    let words: Vec<&str> = script.split_whitespace().collect();
    let mut written = 0;
    for pair in words.windows(2) {
        if matches!(pair[0], "-o" | "--boundaries" | "--labels" | "--plot") && pair[1] != "-" {
            let size = std::fs::metadata(folder.join(pair[1])).map_or(0, |m| m.len());
            assert!(size > 0, "{} was not written", pair[1]);
            written += 1;
        }
    }
    assert!(
        written >= 2,
        "the README writes {written} files; it should show at least two"
    );
}
