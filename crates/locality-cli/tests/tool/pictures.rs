//! `locality image` on pictures of every kind.

use image::{DynamicImage, GenericImageView, ImageBuffer, Luma, LumaA, Rgb, Rgba};
use serde_json::Value;

use crate::run::{Folder, data};

/// The photo, small enough for a test.
fn photo() -> DynamicImage {
    image::open(data("astronaut.png"))
        .unwrap()
        .crop_imm(180, 20, 96, 80)
}

#[test]
fn filtered_pictures_are_flatter_and_close() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    let run = folder.ok(&["image", "filter", "in.png", "-o", "out.png", "--range", "8"]);
    assert!(
        run.text().starts_with("96 x 80 pixels in luv"),
        "{}",
        run.text()
    );
    let (before, after) = (
        photo().into_rgb8(),
        image::open(folder.path("out.png")).unwrap().into_rgb8(),
    );
    let rough = |p: &ImageBuffer<Rgb<u8>, Vec<u8>>| {
        let steps = p
            .as_raw()
            .windows(4)
            .map(|w| u64::from(w[0].abs_diff(w[3])));
        steps.sum::<u64>()
    };
    assert!(
        rough(&after) * 4 < rough(&before) * 3,
        "{} {}",
        rough(&after),
        rough(&before)
    );
    let off: u64 = before
        .iter()
        .zip(after.iter())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    assert!(off / (96 * 80 * 3) < 15, "{off}");
}

#[test]
fn segments_come_with_labels_and_boundaries() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    let args = [
        "image", "segment", "in.png", "-o", "s.png", "--labels", "l.npy",
    ];
    let run = folder.ok(&[&args[..], &["--boundaries", "b.png", "--json"]].concat());
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    let regions = json["regions"].as_u64().unwrap() as usize;
    assert!((3..60).contains(&regions), "{regions}");
    let array = folder.bytes("l.npy");
    let header = String::from_utf8_lossy(&array[10..128]).into_owned();
    assert!(
        header.contains("'<u4'") && header.contains("(80, 96)"),
        "{header}"
    );
    let labels: Vec<u32> = array[128..]
        .chunks(4)
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(labels.len(), 80 * 96);
    let mut sizes = vec![0_u64; regions];
    for label in &labels {
        sizes[*label as usize] += 1;
    }
    assert!(sizes.iter().all(|s| *s >= 100), "{sizes:?}");
    assert_eq!(json["sizes"], serde_json::json!(sizes));

    // The same numbers as a picture.
    let args = [
        "image", "segment", "in.png", "-o", "s.png", "--labels", "l.png",
    ];
    folder.ok(&args);
    let DynamicImage::ImageLuma8(grey) = image::open(folder.path("l.png")).unwrap() else {
        panic!("fewer than 256 regions fit into 8 bits");
    };
    assert!(grey.iter().zip(&labels).all(|(a, b)| u32::from(*a) == *b));

    // One colour for each region, and yellow on the boundaries only.
    let mean = image::open(folder.path("s.png")).unwrap().into_rgb8();
    let lines = image::open(folder.path("b.png")).unwrap().into_rgb8();
    let original = photo().into_rgb8();
    let mut colors = vec![None; regions];
    let mut inked = 0;
    for (i, (m, (l, o))) in mean
        .pixels()
        .zip(lines.pixels().zip(original.pixels()))
        .enumerate()
    {
        assert_eq!(colors[labels[i] as usize].get_or_insert(*m), m);
        if l != o {
            assert_eq!(*l, Rgb([255, 255, 0]));
            inked += 1;
        }
    }
    assert!((50..2000).contains(&inked), "{inked}");
}

#[test]
fn many_regions_are_16_bit_labels() {
    let folder = Folder::new();
    let board = ImageBuffer::from_fn(30, 30, |x, y| Luma([((x % 2) * 200 + (y % 2) * 50) as u8]));
    board.save(folder.path("in.png")).unwrap();
    let args = [
        "image", "segment", "in.png", "-o", "s.png", "--labels", "l.png",
    ];
    let more = [
        "--spatial",
        "1",
        "--range",
        "1",
        "--min-region",
        "0",
        "--connectivity",
        "4",
    ];
    folder.ok(&[&args[..], &more].concat());
    let DynamicImage::ImageLuma16(grey) = image::open(folder.path("l.png")).unwrap() else {
        panic!("900 regions need 16 bits");
    };
    assert_eq!(*grey.iter().max().unwrap(), 899);
}

#[test]
fn depth_and_transparency_are_kept() {
    let folder = Folder::new();
    let wave = |x: u32, y: u32| ((x * x + 3 * y) % 50 * 1200) as u16;
    let clear = |x: u32| if x == 3 { 0 } else { 65_535 - x as u16 };
    let pictures: [(&str, DynamicImage); 4] = [
        (
            "l16",
            ImageBuffer::from_fn(12, 9, |x, y| Luma([wave(x, y)])).into(),
        ),
        (
            "la16",
            ImageBuffer::from_fn(12, 9, |x, y| LumaA([wave(x, y), clear(x)])).into(),
        ),
        (
            "rgb16",
            ImageBuffer::from_fn(12, 9, |x, y| Rgb([wave(x, y), wave(y, x), 700])).into(),
        ),
        (
            "rgba16",
            ImageBuffer::from_fn(12, 9, |x, y| Rgba([wave(x, y), 9, wave(y, x), clear(x)])).into(),
        ),
    ];
    for (name, picture) in pictures {
        for ending in ["png", "tiff"] {
            if (name, ending) == ("la16", "tiff") {
                continue;
            }
            let (input, output) = (format!("{name}.{ending}"), format!("{name}-out.{ending}"));
            picture.save(folder.path(&input)).unwrap();
            folder.ok(&[
                "image",
                "filter",
                &input,
                "-o",
                &output,
                "--spatial",
                "2",
                "--range",
                "30",
            ]);
            folder.ok(&[
                "image",
                "segment",
                &input,
                "-o",
                &output,
                "--boundaries",
                "b.png",
            ]);
            let out = image::open(folder.path(&output)).unwrap();
            assert_eq!(out.color(), picture.color(), "{output}");
            assert_eq!(out.dimensions(), picture.dimensions());
            if picture.color().has_alpha() {
                let opacity =
                    |p: &DynamicImage| p.to_rgba16().pixels().map(|p| p[3]).collect::<Vec<_>>();
                assert_eq!(opacity(&out), opacity(&picture), "{output}");
                // Hidden pixels keep what they hide.
                assert_eq!(out.to_rgba16()[(3, 4)], picture.to_rgba16()[(3, 4)]);
            }
        }
    }
}

#[test]
fn sixteen_bits_are_worth_more_than_eight() {
    let folder = Folder::new();
    // A step that 8 bits cannot show.
    let deep = ImageBuffer::from_fn(8, 8, |x, _| Luma([30_000 + if x < 4 { 0 } else { 90_u16 }]));
    deep.save(folder.path("deep.png")).unwrap();
    folder.ok(&[
        "image",
        "filter",
        "deep.png",
        "-o",
        "o.png",
        "--range",
        "0.1",
        "--spatial",
        "3",
    ]);
    assert_eq!(
        image::open(folder.path("o.png")).unwrap().into_luma16(),
        deep
    );
}

#[test]
fn jpeg_webp_and_tiff() {
    let folder = Folder::new();
    let size = photo().dimensions();
    for (input, output) in [
        ("a.jpg", "b.webp"),
        ("b.webp", "c.tif"),
        ("c.tif", "d.jpeg"),
        ("d.jpeg", "e.png"),
    ] {
        if input == "a.jpg" {
            photo().save(folder.path(input)).unwrap();
        }
        folder.ok(&[
            "image",
            "filter",
            input,
            "-o",
            output,
            "--spatial",
            "3",
            "--range",
            "5",
        ]);
        assert_eq!(
            image::open(folder.path(output)).unwrap().dimensions(),
            size,
            "{output}"
        );
    }
    // A picture is what it is, whatever its name.
    std::fs::rename(folder.path("a.jpg"), folder.path("a.png")).unwrap();
    folder.ok(&["image", "filter", "a.png", "-o", "e.png", "--spatial", "3"]);
}

#[test]
fn a_picture_through_pipes() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    folder.ok(&["image", "filter", "in.png", "-o", "out.png"]);
    let run = folder.feed(
        &["image", "filter", "-", "-o", "-", "--quiet"],
        &folder.bytes("in.png"),
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(run.stdout, folder.bytes("out.png"));
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = Folder::new();
    photo().save(folder.path("in.png")).unwrap();
    let run = |threads: &str, kernel: &str| {
        let same = ["--threads", threads, "--kernel", kernel];
        folder.ok(&[&["image", "filter", "in.png", "-o", "f.png"], &same[..]].concat());
        let args = [
            "image", "segment", "in.png", "-o", "s.png", "--labels", "l.npy",
        ];
        folder.ok(&[&args[..], &same].concat());
        ["f.png", "s.png", "l.npy"].map(|name| folder.bytes(name))
    };
    for kernel in ["flat", "gaussian"] {
        assert_eq!(run("1", kernel), run("2", kernel), "{kernel}");
    }
}
