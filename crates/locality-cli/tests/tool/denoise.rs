//! `locality image denoise`, `locality denoise`, `locality smooth` and `locality sample`.

use std::fmt::Write;

use image::{DynamicImage, ImageBuffer, Luma, Rgb, Rgba};
use serde_json::Value;

use crate::run::{Folder, data};

/// A piece of the photo.
fn photo() -> DynamicImage {
    image::open(data("coffee.png"))
        .unwrap()
        .crop_imm(200, 100, 96, 80)
}

/// Noise of about 20, the same on every machine: sums of four uniform numbers.
fn noise(i: u32) -> f64 {
    let uniform = |k: u32| {
        let mixed = (4 * i + k).wrapping_mul(2_654_435_761).wrapping_add(12_345);
        f64::from((mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 8) / f64::from(1_u32 << 24)
    };
    20.0 * ((0..4).map(uniform).sum::<f64>() - 2.0) * 3.0_f64.sqrt()
}

fn noisy(clean: &ImageBuffer<Rgb<u8>, Vec<u8>>) -> ImageBuffer<Rgb<u8>, Vec<u8>> {
    let mut out = clean.clone();
    for (i, s) in out.iter_mut().enumerate() {
        *s = (f64::from(*s) + noise(i as u32)).round().clamp(0.0, 255.0) as u8;
    }
    out
}

#[test]
fn every_method_comes_nearer_to_the_reference() {
    let folder = Folder::new();
    let clean = photo().into_rgb8();
    clean.save(folder.path("clean.png")).unwrap();
    noisy(&clean).save(folder.path("noisy.png")).unwrap();
    let mut gains = Vec::new();
    for method in ["nlm", "nlm-linear", "nl-bayes", "bilateral", "auto"] {
        let args = [
            "image",
            "denoise",
            "noisy.png",
            "-o",
            "out.png",
            "--method",
            method,
            "--reference",
            "clean.png",
            "--json",
        ];
        let json: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
        let figure = |when: &str, what: &str| json[when][what].as_f64().unwrap();
        let sigma = json["sigma"].as_f64().unwrap();
        assert!(
            (18.0..22.0).contains(&sigma) && json["estimated"] == true,
            "{json}"
        );
        assert!(figure("after", "ssim") > figure("before", "ssim"), "{json}");
        gains.push(figure("after", "psnr") - figure("before", "psnr"));
        // What is told of the picture is true of the file.
        let out = image::open(folder.path("out.png")).unwrap().into_rgb8();
        let squares: f64 = out
            .iter()
            .zip(clean.iter())
            .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
            .sum();
        let psnr = 10.0 * (255.0_f64.powi(2) * clean.len() as f64 / squares).log10();
        assert!(
            (psnr - figure("after", "psnr")).abs() < 1e-9,
            "{psnr} {json}"
        );
    }
    assert!(gains.iter().all(|g| *g > 3.0), "{gains:?}");
    assert!(gains[2] > gains[0] && gains[4] == gains[2], "{gains:?}");
    let args = [
        "image",
        "denoise",
        "noisy.png",
        "-o",
        "out.png",
        "--sigma",
        "20",
        "--reference",
        "clean.png",
    ];
    let words = folder.ok(&args).text();
    assert!(
        words.starts_with("96 x 80 pixels by nl-bayes, sigma 20.00: "),
        "{words}"
    );
    assert!(
        words.contains("PSNR ") && words.contains("; SSIM "),
        "{words}"
    );
}

/// Channels by themselves: each as the tool makes it of a grey picture.
#[test]
fn channels_can_be_denoised_by_themselves() {
    let folder = Folder::new();
    let clean = noisy(&photo().into_rgb8());
    clean.save(folder.path("in.png")).unwrap();
    let denoise = |input: &str, output: &str, more: &[&str]| -> Value {
        let args = [
            "image", "denoise", input, "-o", output, "--method", "nlm", "--json",
        ];
        serde_json::from_slice(&folder.ok(&[&args[..], more].concat()).stdout).unwrap()
    };
    let facts = denoise("in.png", "out.png", &["--per-channel"]);
    assert_eq!(facts["per_channel"], true);
    assert_eq!(denoise("in.png", "joint.png", &[])["per_channel"], false);
    let out = image::open(folder.path("out.png")).unwrap().into_rgb8();
    assert_ne!(
        out,
        image::open(folder.path("joint.png")).unwrap().into_rgb8()
    );
    let mut sum = 0.0;
    for k in 0..3 {
        let plane = ImageBuffer::from_fn(96, 80, |x, y| Luma([clean.get_pixel(x, y).0[k]]));
        plane.save(folder.path("plane.png")).unwrap();
        sum += denoise("plane.png", "one.png", &[])["sigma"]
            .as_f64()
            .unwrap();
        let one = image::open(folder.path("one.png")).unwrap().into_luma8();
        for (x, y, p) in one.enumerate_pixels() {
            assert_eq!(p.0[0], out.get_pixel(x, y).0[k]);
        }
    }
    assert!((sum / 3.0 - facts["sigma"].as_f64().unwrap()).abs() < 1e-9);
}

#[test]
fn opacity_and_sixteen_bits_stay() {
    let folder = Folder::new();
    let clean = noisy(&photo().into_rgb8());
    let deep: ImageBuffer<Rgba<u16>, Vec<u16>> = ImageBuffer::from_fn(96, 80, |x, y| {
        let [r, g, b] = clean.get_pixel(x, y).0.map(|s| u16::from(s) * 257);
        Rgba([r, g, b, if x < 10 { 0 } else { 1000 + 7 * x as u16 }])
    });
    deep.save(folder.path("deep.png")).unwrap();
    folder.ok(&[
        "image", "denoise", "deep.png", "-o", "out.png", "--sigma", "20",
    ]);
    let out = image::open(folder.path("out.png")).unwrap();
    assert_eq!(out.color(), image::ColorType::Rgba16);
    let out = out.into_rgba16();
    let mut changed = 0;
    for (x, y, p) in out.enumerate_pixels() {
        let before = deep.get_pixel(x, y);
        assert_eq!(p[3], before[3]);
        if x < 10 {
            assert_eq!(p, before);
        } else {
            changed += usize::from(p != before);
        }
    }
    assert!(changed > 80 * 80, "{changed}");
}

#[test]
fn mistakes_with_pictures_are_named() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    photo()
        .crop_imm(0, 0, 20, 20)
        .save(folder.path("small.png"))
        .unwrap();
    photo().into_rgb16().save(folder.path("deep.png")).unwrap();
    photo().into_luma8().save(folder.path("grey.png")).unwrap();
    for (args, text) in [
        (vec!["--sigma", "-3"], "auto"),
        (vec!["--sigma", "much"], "auto"),
        (vec!["--method", "nlmeans"], "known: auto, nlm"),
        (vec!["--reference", "small.png"], "20 x 20 pixels"),
        (vec!["--reference", "deep.png"], "16 bits"),
        (
            vec!["--reference", "grey.png"],
            "--reference has one channel, grey, and the picture three channels, red, green and blue; give a reference with the same channels",
        ),
        (vec!["--reference", "none.png"], "none.png"),
    ] {
        let run = folder.run(
            &[
                &["image", "denoise", "in.png", "-o", "out.png"][..],
                &args[..],
            ]
            .concat(),
        );
        assert!(matches!(run.code, Some(1 | 2)), "{args:?}");
        assert!(run.stderr.contains(text), "{args:?}: {}", run.stderr);
        assert!(!folder.path("out.png").exists(), "{args:?}");
    }
}

#[test]
fn rows_are_denoised_by_clean_ones() {
    let folder = Folder::new();
    folder.file("clean.csv", "a,b\n0,0\n10,20\n");
    folder.file("noisy.csv", "name,a,b\nx,0.4,-0.3\ny,9.7,20.2\n");
    let args = [
        "denoise",
        "noisy.csv",
        "-o",
        "out.csv",
        "--clean",
        "clean.csv",
        "--sigma",
        "0.5",
        "--spread",
    ];
    let words = folder.ok(&args).text();
    assert!(
        words.starts_with("a, b of 2 rows from 2 clean rows, sigma 0.5: "),
        "{words}"
    );
    let text = folder.text("out.csv");
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("name,a,b,a_clean,b_clean,a_spread,b_spread")
    );
    let numbers = |line: &str| -> Vec<f64> {
        line.split(',')
            .skip(3)
            .map(|n| n.parse().unwrap())
            .collect()
    };
    let (x, y) = (
        numbers(lines.next().unwrap()),
        numbers(lines.next().unwrap()),
    );
    for (found, clean) in [(&x, [0.0, 0.0]), (&y, [10.0, 20.0])] {
        assert!((found[0] - clean[0]).abs() < 1e-9 && (found[1] - clean[1]).abs() < 1e-9);
        assert!(found[2] < 1e-4 && found[3] < 1e-4);
    }
    // By its own other rows.
    folder.file("own.csv", "a\n1\n1.2\n5\n5.4\n");
    folder.ok(&[
        "denoise", "own.csv", "-o", "out.csv", "--sigma", "0.3", "--hollow",
    ]);
    let last = folder.text("out.csv");
    let last: Vec<f64> = last
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    assert!(
        (last[0] - 1.2).abs() < 1e-6 && (last[3] - 5.0).abs() < 1e-6,
        "{last:?}"
    );
    folder.file("one.csv", "a\n1\n");
    let run = folder.run(&[
        "denoise", "one.csv", "-o", "out.csv", "--sigma", "1", "--hollow",
    ]);
    assert!(
        run.stderr
            .contains("hollow tells each clean sample by the others")
            && !run.stderr.contains("on_empty"),
        "{}",
        run.stderr
    );
    let run = folder.run(&["denoise", "own.csv", "-o", "out.csv", "--sigma", "0"]);
    assert!(run.stderr.contains("sigma is 0"), "{}", run.stderr);
}

#[test]
fn gaps_of_a_series_are_filled() {
    let folder = Folder::new();
    let mut text = "t,y\n".to_owned();
    for i in 0..200 {
        let y = if i % 50 == 20 {
            // What R and pandas write counts as much as an empty cell.
            ["", "NA", " <NA> ", "NaN"][i as usize / 50].to_owned()
        } else {
            (f64::from(i) * 0.4).sin().to_string()
        };
        writeln!(text, "{i},{y}").unwrap();
    }
    folder.file("in.csv", &text);
    let args = [
        "smooth",
        "in.csv",
        "-o",
        "out.csv",
        "--value",
        "y",
        "--gaps-only",
        "--json",
    ];
    let json: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
    assert_eq!(json["columns"][0]["filled"], 4);
    let out = folder.text("out.csv");
    for (i, line) in out.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let found: f64 = cells[2].parse().unwrap();
        assert!((found - (i as f64 * 0.4).sin()).abs() < 0.1, "{line}");
        if i % 50 != 20 {
            assert_eq!(cells[1].parse::<f64>().unwrap(), found);
        }
    }
    let words = folder
        .ok(&["smooth", "in.csv", "-o", "out.csv", "--value", "y"])
        .text();
    assert!(
        words.starts_with("1 series of 200 rows, 4 gaps filled: "),
        "{words}"
    );
    for flag in ["--window", "--reach"] {
        let run = folder.run(&["smooth", "in.csv", "-o", "out.csv", flag, "0"]);
        assert!(
            run.stderr
                .contains(&format!("{flag} is 0; give at least 1 place")),
            "{}",
            run.stderr
        );
    }
    folder.ok(&["smooth", "in.csv", "-o", "out.npy", "--value", "y"]);
    folder.file("bad.csv", "y\n1\nnone\n2\n3\n");
    let run = folder.run(&["smooth", "bad.csv", "-o", "out.csv", "--value", "y"]);
    assert!(
        run.stderr.contains("'none' is not a number"),
        "{}",
        run.stderr
    );
}

#[test]
fn new_rows_are_like_the_old() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let iris = iris.as_str();
    let args = [
        "sample",
        iris,
        "-n",
        "300",
        "-o",
        "new.csv",
        "--columns",
        "petal_length,petal_width",
        "--json",
    ];
    let json: Value = serde_json::from_slice(&folder.ok(&args).stdout).unwrap();
    assert!(json["energy_distance"].as_f64().unwrap() < 0.25, "{json}");
    assert!(json["copies"].as_f64().unwrap() < 0.2, "{json}");
    let first = folder.text("new.csv");
    assert_eq!(first.lines().next(), Some("petal_length,petal_width"));
    assert_eq!(first.lines().count(), 301);
    folder.ok(&[&args[..], &["--threads", "1"]].concat());
    assert_eq!(folder.text("new.csv"), first);
    folder.ok(&[&args[..], &["--seed", "1"]].concat());
    assert_ne!(folder.text("new.csv"), first);
    let json: Value = serde_json::from_slice(
        &folder
            .ok(&[&args[..], &["--smoothing", "0"]].concat())
            .stdout,
    )
    .unwrap();
    assert!(json["copies"].as_f64().unwrap() > 0.9, "{json}");
    let run = folder.run(&["sample", iris, "-n", "0", "-o", "new.csv"]);
    assert!(
        run.stderr.contains("number of samples is 0"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_flag_of_sampling_counts() {
    let folder = Folder::new();
    let iris = data("iris.csv");
    let run = |more: &[&str]| {
        let args = [
            "sample", &iris, "-n", "40", "-o", "new.csv", "--method", "langevin", "--levels", "12",
        ];
        let out = folder.ok(&[&args[..], more, &["--json"]].concat());
        let json: Value = serde_json::from_slice(&out.stdout).unwrap();
        (json, folder.text("new.csv"))
    };
    let (json, plain) = run(&[]);
    assert_eq!(
        (&json["manifold"], &json["smoothing"]),
        (&15.into(), &1.0.into())
    );
    for more in [
        ["--steps", "3"],
        ["--manifold", "5"],
        ["--manifold", "none"],
        ["--noise", "10,0.01"],
        ["--nearest", "4"],
        ["--tolerance", "0.5"],
        ["--smoothing", "0.3"],
    ] {
        let (json, found) = run(&more);
        assert_ne!(found, plain, "{more:?}");
        if more[1] == "none" {
            assert!(json["manifold"].is_null() && json["smoothing"].as_f64().unwrap() < 0.6);
        }
    }
    folder.ok(&[
        "sample", &iris, "-n", "40", "-o", "new.csv", "--method", "draw",
    ]);
    assert_ne!(folder.text("new.csv"), plain);
    for (more, text) in [
        (
            ["--manifold", "0"],
            "give a number of rows, at least 1, or none",
        ),
        (
            ["--noise", "3"],
            "--noise has 1 number; give the first and the last level",
        ),
        (["--noise", "1,2"], "noise goes from 1 to 2"),
        (["--steps", "0"], "steps is 0"),
        (["--nearest", "151"], "nearest is 151"),
    ] {
        let args = ["sample", &iris, "-n", "4", "-o", "none.csv"];
        let run = folder.run(&[&args[..], &more].concat());
        assert!(run.stderr.contains(text), "{more:?}: {}", run.stderr);
        assert!(!folder.path("none.csv").exists());
    }
}
