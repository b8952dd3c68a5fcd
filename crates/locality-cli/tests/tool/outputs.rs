//! Files that appear whole or not at all, pipes, and Ctrl-C.

use crate::run::{Folder, data};

#[test]
fn unwritable_outputs() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("dir.csv")).unwrap();
    std::fs::create_dir(folder.path("dir.png")).unwrap();
    folder.file("file", "");
    let (iris, photo) = (data("iris.csv"), data("coffee.png"));
    for (table, picture, parts) in [
        (
            "none/o.csv",
            "none/o.png",
            ["the folder none does not exist", "create it"],
        ),
        (
            "dir.csv",
            "dir.png",
            ["cannot write dir.", "it is a directory"],
        ),
        (
            "file/o.csv",
            "file/o.png",
            ["cannot write file/o.", "not a folder"],
        ),
    ] {
        folder.fails(&["cluster", &iris, "-o", table], 1, &parts);
        folder.fails(
            &["cluster", &iris, "-o", "o.csv", "--centers", table],
            1,
            &parts,
        );
        let mean = ["mean", &iris, "--value", "petal_width", "--query", &iris];
        folder.fails(
            &[&mean[..], &["--kernel", "gaussian(h=1)", "-o", table]].concat(),
            1,
            &parts,
        );
        folder.fails(&["image", "filter", &photo, "-o", picture], 1, &parts);
        folder.fails(
            &[
                "image", "segment", &photo, "-o", "o.png", "--labels", picture,
            ],
            1,
            &parts,
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk() {
    use std::os::unix::fs::FileTypeExt;
    let folder = Folder::new();
    let iris = data("iris.csv");
    folder.fails(
        &["cluster", &iris, "-o", "/dev/full"],
        1,
        &["cannot write /dev/full", "the disk is full"],
    );
    // A device is written to, never replaced.
    let device = std::fs::metadata("/dev/full").unwrap().file_type();
    assert!(device.is_char_device());
    folder.ok(&["cluster", &iris, "-o", "/dev/null"]);
    // Standard output, too.
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = folder
        .command(&["cluster", &iris, "-o", "-"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(
        String::from_utf8(run.stderr)
            .unwrap()
            .contains("standard output")
    );
}

#[test]
fn an_old_file_stays_until_the_new_one_is_whole() {
    let folder = Folder::new();
    folder.file("t.csv", "x\n1\nNaN\n").file("o.csv", "old");
    folder.fails(
        &["cluster", "t.csv", "-o", "o.csv", "--bandwidth", "1"],
        1,
        &["NaN"],
    );
    assert_eq!(folder.text("o.csv"), "old");
    // In place.
    folder.file("t.csv", "x\n1\n2\n");
    folder.ok(&["cluster", "t.csv", "-o", "t.csv", "--bandwidth", "1"]);
    assert_eq!(folder.text("t.csv"), "x,cluster\n1,0\n2,0\n");
}

#[test]
#[cfg(unix)]
fn links_and_rights_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    folder.file("t.csv", "x\n1\n").file("real.csv", "old");
    let rights = |name: &str| {
        std::fs::metadata(folder.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    let only = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(folder.path("real.csv"), only).unwrap();
    symlink("real.csv", folder.path("link.csv")).unwrap();
    folder.ok(&["cluster", "t.csv", "-o", "link.csv", "--bandwidth", "1"]);
    assert!(
        std::fs::symlink_metadata(folder.path("link.csv"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(folder.text("real.csv"), "x,cluster\n1,0\n");
    assert_eq!(rights("real.csv"), 0o640);
    // A new file has the rights that any new file has.
    folder.ok(&["cluster", "t.csv", "-o", "new.csv", "--bandwidth", "1"]);
    assert_eq!(rights("new.csv"), rights("t.csv"));
    // What must not be overwritten is not replaced.
    let none = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(folder.path("real.csv"), none).unwrap();
    folder.fails(
        &["cluster", "t.csv", "-o", "real.csv", "--bandwidth", "1"],
        1,
        &["cannot write real.csv", "permission"],
    );
}

#[test]
fn tables_through_pipes() {
    let folder = Folder::new();
    let args = ["cluster", "-", "-o", "-", "--bandwidth", "1"];
    let run = folder.feed(&args, b"x,w\n0,a\n0.5,a\n9,b\n");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.text(), "x,w,cluster\n0,a,0\n0.5,a,0\n9,b,1\n");
    // The summary makes room for the table.
    assert!(
        run.stderr
            .starts_with("3 rows in standard input by x: 2 clusters"),
        "{}",
        run.stderr
    );
    let run = folder.feed(
        &[&args[..], &["--delimiter", "\t", "--quiet"]].concat(),
        b"x\tw\n0\ta\n",
    );
    assert_eq!(
        (run.text().as_str(), run.stderr.as_str()),
        ("x\tw\tcluster\n0\ta\t0\n", "")
    );
    folder.file("k.csv", "x,y\n0,1\n2,3\n");
    let args = ["mean", "k.csv", "--value", "y", "--query", "-", "-o", "-"];
    let run = folder.feed(
        &[&args[..], &["--kernel", "gaussian(h=1)", "-q"]].concat(),
        b"x\n1\n",
    );
    assert_eq!(
        (run.text().as_str(), run.stderr.as_str()),
        ("x,y_mean\n1,2\n", "")
    );
    folder.fails(
        &[&args[..], &["--kernel", "gaussian(h=1)", "--json"]].concat(),
        2,
        &["--json", "standard output"],
    );
    let both = [
        "mean",
        "-",
        "--value",
        "y",
        "--query",
        "-",
        "-o",
        "-",
        "--kernel",
        "gaussian(h=1)",
    ];
    folder.fails(&both, 2, &["standard input", "name a file"]);
}

#[test]
#[cfg(unix)]
fn a_reader_who_leaves_ends_it_quietly() {
    use std::process::Stdio;
    let folder = Folder::new();
    let wine = data("wine.csv");
    for args in [
        &["kernels"][..],
        &["kernels", "--json"],
        &["completions", "bash"],
        &["cluster", &wine, "-o", "-", "--quiet"],
        &["cluster", &wine, "-o", "o.csv"],
    ] {
        let mut child = folder
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{args:?}");
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_leaves_nothing() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let folder = Folder::new();
    folder.file("old.png", "old");
    let photo = data("astronaut.png");
    let long = [
        "--spatial",
        "150",
        "--range",
        "90",
        "--kernel",
        "gaussian",
        "--tol",
        "0",
    ];
    for args in [
        [&["image", "filter", &photo, "-o", "old.png"], &long[..]].concat(),
        [
            &[
                "image", "segment", &photo, "-o", "new.png", "--labels", "l.npy",
            ],
            &long[..],
        ]
        .concat(),
        // Waiting for its input.
        vec!["cluster", "-", "-o", "new.csv"],
    ] {
        let before = folder.contents();
        let mut child = folder
            .command(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        // Time to start; the work itself takes minutes.
        std::thread::sleep(Duration::from_millis(1500));
        assert!(
            child.try_wait().unwrap().is_none(),
            "{args:?} ended too early"
        );
        let start = Instant::now();
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert!(start.elapsed() < Duration::from_mins(1), "{args:?}");
        assert_eq!(output.status.code(), Some(130), "{args:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            stderr, "error: interrupted; nothing was written\n",
            "{args:?}"
        );
        assert!(output.stdout.is_empty());
        assert_eq!(folder.contents(), before, "{args:?}");
        drop(input);
    }
}
