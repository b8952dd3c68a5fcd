//! `locality image superpixels`, the flags of regions and edges, and `locality track`.

use image::{DynamicImage, Rgb, RgbImage};
use serde_json::Value;

use crate::run::{Folder, data};

/// The photo, small enough for a test.
fn photo() -> DynamicImage {
    image::open(data("coffee.png"))
        .unwrap()
        .crop_imm(180, 60, 120, 90)
}

fn labels(array: &[u8]) -> Vec<u32> {
    let numbers = array[128..].chunks(4);
    numbers
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

#[test]
fn superpixels_and_what_is_left_of_them() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    let args = [
        "image",
        "superpixels",
        "in.png",
        "-o",
        "s.png",
        "--kernel-size",
        "2",
        "--max-dist",
        "6",
    ];
    let more = ["--labels", "l.npy", "--boundaries", "b.png", "--json"];
    let run = folder.ok(&[&args[..], &more].concat());
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    let fine = json["superpixels"].as_u64().unwrap();
    assert!((30..1500).contains(&fine), "{fine}");
    assert_eq!(json["regions"], json["superpixels"]);
    let all = labels(&folder.bytes("l.npy"));
    assert_eq!(u64::from(*all.iter().max().unwrap()) + 1, fine);
    let left = folder.ok(&[&args[..], &["--regions", "9"], &more].concat());
    let json: Value = serde_json::from_slice(&left.stdout).unwrap();
    assert_eq!(json["regions"], 9);
    let few = labels(&folder.bytes("l.npy"));
    // Each superpixel lies in one region, which has one colour.
    let mut above = vec![None; fine as usize];
    let mean = image::open(folder.path("s.png")).unwrap().into_rgb8();
    let mut colors = [None; 9];
    for ((fine, coarse), pixel) in all.iter().zip(&few).zip(mean.pixels()) {
        assert_eq!(above[*fine as usize].get_or_insert(*coarse), coarse);
        assert_eq!(colors[*coarse as usize].get_or_insert(*pixel), pixel);
    }
    let words = folder.ok(&[&args[..], &["--regions", "9"]].concat());
    assert!(
        words.text().contains("merged into 9 regions"),
        "{}",
        words.text()
    );
    let wrong = folder.run(&[&args[..], &["--regions", "0"]].concat());
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("--regions is 0"), "{}", wrong.stderr);
    let wrong = folder.run(&[
        "image",
        "superpixels",
        "in.png",
        "-o",
        "s.png",
        "--kernel-size",
        "-1",
    ]);
    assert!(
        wrong.stderr.contains("--kernel-size is -1"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn segments_by_edges_and_by_number() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    let args = [
        "image",
        "segment",
        "in.png",
        "-o",
        "s.png",
        "--spatial",
        "5",
        "--min-region",
        "20",
        "--json",
    ];
    let regions = |more: &[&str]| {
        let run = folder.ok(&[&args[..], more].concat());
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        json["regions"].as_u64().unwrap()
    };
    let plain = regions(&[]);
    assert!(plain > 5, "{plain}");
    assert_eq!(
        regions(&["--regions", "5", "--merge-cost", "mumford-shah"]),
        5
    );
    let strict = regions(&["--edges", "--edge-strength-threshold", "0.05"]);
    let loose = regions(&["--edges", "--edge-strength-threshold", "1"]);
    assert!(strict > loose, "{strict} {loose}");
    let wrong = folder.run(&[&args[..], &["--mixture", "0.5"]].concat());
    assert_eq!(wrong.code, Some(2));
    let wrong = folder.run(&[&args[..], &["--edges", "--mixture", "1.5"]].concat());
    assert!(wrong.stderr.contains("mixture is 1.5"), "{}", wrong.stderr);
}

#[test]
fn an_object_is_tracked() {
    let folder = Folder::new();
    let mut names = Vec::new();
    for t in 0..6_u32 {
        let mut frame = photo().into_rgb8();
        for (x, y) in (0..20).flat_map(|x| (0..16).map(move |y| (x, y))) {
            frame.put_pixel(
                20 + 8 * t + x,
                30 + 3 * t + y,
                Rgb([30, 60 + (x * 3) as u8, 220]),
            );
        }
        names.push(format!("f{t}.png"));
        frame.save(folder.path(&names[t as usize])).unwrap();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let box_of = ["--box", "20,30,20,16", "-o", "t.csv"];
    for method in [&[][..], &["--method", "mean-shift", "--color", "raw"]] {
        let args = [
            &["track"],
            &names[..],
            &box_of,
            &["--picture", "drawn"],
            method,
        ]
        .concat();
        let run = folder.ok(&args);
        assert!(run.text().starts_with("6 pictures in"), "{}", run.text());
        let table = folder.text("t.csv");
        let mut rows = table.lines();
        assert!(
            rows.next()
                .unwrap()
                .starts_with("frame,x,y,width,height,center_x")
        );
        let rows: Vec<Vec<&str>> = rows.map(|row| row.split(',').collect()).collect();
        assert_eq!(rows.len(), 6);
        for (t, row) in (0..).zip(&rows) {
            let at = |i: usize| row[i].parse::<f64>().unwrap();
            let (x, y) = (at(1) + at(3) / 2.0, at(2) + at(4) / 2.0);
            let (to_x, to_y) = (f64::from(30 + 8 * t), f64::from(38 + 3 * t));
            assert!(
                (x - to_x).abs() < 3.0 && (y - to_y).abs() < 3.0,
                "{method:?} {t}: {row:?}"
            );
        }
        let drawn: RgbImage = image::open(folder.path("drawn/0006.png"))
            .unwrap()
            .into_rgb8();
        assert!(drawn.pixels().filter(|p| **p == Rgb([255, 255, 0])).count() > 40);
    }
    photo()
        .crop_imm(0, 0, 50, 50)
        .save(folder.path("small.png"))
        .unwrap();
    let wrong = folder.run(&["track", "f0.png", "small.png", "--box", "20,30,20,16"]);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("small.png") && wrong.stderr.contains("one size"),
        "{}",
        wrong.stderr
    );
    let wrong = folder.run(&["track", "f0.png", "--box", "20,30"]);
    assert!(
        wrong.stderr.contains("four whole numbers"),
        "{}",
        wrong.stderr
    );
}
