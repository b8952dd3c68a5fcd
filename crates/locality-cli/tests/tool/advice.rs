//! What is said where a command cannot do what was meant: the part that a build lacks, the flag, the command that can.

use image::{Rgb, RgbImage};

use crate::run::{Folder, data};

#[test]
fn parts_that_a_build_lacks_are_named() {
    let folder = Folder::new();
    folder.file("t.csv", "x,y\n1,2\n2,3\n3,5\n");
    let lacks = |args: &[&str], part: &str, feature: &str| {
        let sentence = format!("this build has no {part}; build it with --features {feature}");
        folder.fails(args, 2, &[&sentence]);
    };
    if !cfg!(feature = "embed") {
        lacks(
            &["embed", "t.csv", "-o", "o.csv"],
            "`locality embed`",
            "embed",
        );
    }
    if !cfg!(feature = "learn") {
        for name in ["lm", "encode", "autoencode"] {
            let part = format!("`locality {name}`");
            lacks(&["--quiet", name, "t.csv"], &part, "learn");
        }
        let fit = ["fit", "t.csv", "--target", "y", "-o", "m.loc", "--model"];
        lacks(
            &[&fit[..], &["adaptive"]].concat(),
            "--model adaptive",
            "learn",
        );
    }
    // Others are as they were.
    folder.fails(&["embd"], 2, &["unrecognized subcommand 'embd'"]);
    folder.fails(&["image", "lm"], 2, &["unrecognized subcommand 'lm'"]);
    let run = folder.run(&["--version"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
fn words_that_are_too_many_and_signs_are_explained() {
    let folder = Folder::new();
    folder.fails(
        &["image", "denoise", "a.png", "b.png"],
        2,
        &["'b.png' is one file too many", "by -o, as in -o b.png"],
    );
    for args in [
        &["--threads", "-1", "kernels"][..],
        &["kernels", "--threads", "-1"],
    ] {
        folder.fails(args, 2, &["--threads -1 must not be negative"]);
    }
    let smooth = ["smooth", "t.csv", "-o", "o.csv", "--window"];
    folder.fails(
        &[&smooth[..], &["-3"]].concat(),
        2,
        &["--window -3 must not be negative"],
    );
    folder.file("t.csv", "y\n1\n2\n3\n");
    folder.fails(
        &[&smooth[..], &["0"]].concat(),
        2,
        &["error: --window is 0"],
    );
    // Without a flag for outputs there is none to name, and what looks like a flag is no file.
    folder.fails(&["kernels", "a", "b"], 2, &["unexpected argument"]);
    folder.fails(
        &["image", "denoise", "a.png", "--stength"],
        2,
        &["unexpected argument '--stength'"],
    );
}

#[test]
fn files_in_the_place_of_others_are_told_apart() {
    let folder = Folder::new();
    folder.file("t.csv", "x,y\n1,2\n2,3\n3,5\n4,4\n5,6\n");
    folder.ok(&["fit", "t.csv", "--target", "y", "-o", "h.loc"]);
    folder.fails(
        &["predict", "t.csv", "h.loc", "-o", "p.csv"],
        2,
        &[
            "h.loc is a model, and t.csv a table",
            "locality predict h.loc t.csv",
        ],
    );
    folder.fails(&["inspect", "."], 1, &["cannot read .", "name a file"]);
}

#[cfg(feature = "learn")]
#[test]
fn models_of_the_other_kind_are_named_with_what_reads_them() {
    let folder = Folder::new();
    folder.file("t.csv", "x,y\n1,2\n2,3\n3,5\n4,4\n5,6\n");
    folder.file("t.txt", "to be or not to be, ".repeat(30));
    folder.ok(&["fit", "t.csv", "--target", "y", "-o", "h.loc"]);
    let train = [
        "lm",
        "train",
        "t.txt",
        "-o",
        "m.safetensors",
        "--steps",
        "2",
    ];
    let small = [
        "--width",
        "8",
        "--layers",
        "1",
        "--heads",
        "1",
        "--context",
        "8",
    ];
    folder.ok(&[&train[..], &small].concat());
    for args in [
        &["inspect", "m.safetensors"][..],
        &["predict", "m.safetensors", "t.csv", "-o", "p.csv"],
    ] {
        folder.fails(
            args,
            1,
            &[
                "a language model of `locality lm train`",
                "locality lm generate",
            ],
        );
    }
    folder.fails(
        &["lm", "generate", "h.loc"],
        1,
        &["a model of tables", "locality inspect"],
    );
    folder.fails(
        &["lm", "train", ".", "-o", "n.safetensors"],
        1,
        &["it is a directory; name a text"],
    );
}

#[test]
fn a_box_without_hues_is_told_in_flags() {
    let folder = Folder::new();
    let grey = RgbImage::from_pixel(40, 30, Rgb([90, 90, 90]));
    grey.save(folder.path("grey.png")).unwrap();
    folder.fails(
        &["track", "grey.png", "--box", "5,5,10,10", "-o", "t.csv"],
        1,
        &["has a hue", "another --box, or compare by --color raw"],
    );
}

#[test]
fn long_searches_come_with_what_is_faster() {
    let folder = Folder::new();
    let digits = data("digits.csv");
    let args = ["fit", &digits, "--target", "digit", "-o", "d.loc"];
    // What does not search has nothing to be told.
    folder.ok(&[&args[..], &["--model", "knn"]].concat());
    // The advice comes first; what follows it is not waited for.
    let mut child = folder
        .command(&args)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        line.starts_with("note: searching the bandwidth of local logistic regressions of 10 classes over 1797 rows"),
        "{line}"
    );
    assert!(
        line.contains("--model knn or --model mean is faster"),
        "{line}"
    );
}
