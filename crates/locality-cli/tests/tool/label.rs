//! `locality label` and `locality image relabel`.

use image::{GrayImage, Luma, Rgb, RgbImage};
use serde_json::Value;

use crate::run::{Folder, data};

/// The irises with most species left out, by number of row.
fn few_species(keep: impl Fn(usize) -> bool) -> (String, Vec<String>) {
    let text = std::fs::read_to_string(data("iris.csv")).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let at = header.split(',').position(|name| name == "target").unwrap();
    let (mut out, mut truth) = (format!("{header}\n"), Vec::new());
    for (i, line) in lines.enumerate() {
        let mut cells: Vec<&str> = line.split(',').collect();
        truth.push(cells[at].to_owned());
        if !keep(i) {
            cells[at] = "";
        }
        out += &cells.join(",");
        out.push('\n');
    }
    (out, truth)
}

#[test]
fn rows_without_a_label_get_one_with_a_confidence() {
    let (table, truth) = few_species(|i| i % 10 == 0);
    let folder = Folder::new();
    folder.file("few.csv", table);
    for method in ["spreading", "propagation", "relaxation"] {
        let args = [
            "label", "few.csv", "--label", "target", "-o", "all.csv", "--method", method,
        ];
        let run = folder.ok(&[&args[..], &["--json"]].concat());
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(
            (&json["known"], &json["rows"]),
            (&15.into(), &150.into()),
            "{json}"
        );
        assert_eq!(json["settled"], true, "{method}");
        let text = folder.text("all.csv");
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!(
            header[header.len() - 2..],
            ["target_label", "target_confidence"]
        );
        let mut right = 0;
        for (line, truth) in lines.zip(&truth) {
            let cells: Vec<&str> = line.split(',').collect();
            let confidence: f64 = cells[cells.len() - 1].parse().unwrap();
            assert!((1.0 / 3.0..=1.0).contains(&confidence), "{line}");
            right += usize::from(cells[cells.len() - 2] == truth);
        }
        assert!(right >= 135, "{method}: {right} of 150");
    }
    folder.ok(&[
        "label",
        "few.csv",
        "--label",
        "target",
        "-o",
        "k.csv",
        "--kernel",
        "gaussian(h=0.3)",
        "--alpha",
        "0.8",
    ]);
}

#[test]
fn labels_drawn_at_random_are_enough_for_every_method() {
    // One row in five, of one species only those divisible by three: 9, 5 and 10 rows are known.
    let draw = |i: usize| {
        (i * 7 + i / 13).is_multiple_of(5) && (!(50..100).contains(&i) || i.is_multiple_of(3))
    };
    let (table, truth) = few_species(draw);
    let folder = Folder::new();
    folder.file("few.csv", table);
    for method in ["spreading", "propagation", "relaxation"] {
        let args = [
            "label", "few.csv", "--label", "target", "-o", "all.csv", "--method", method,
        ];
        folder.ok(&args);
        let text = folder.text("all.csv");
        let lines = text.lines().skip(1).zip(&truth);
        let right = lines.filter(|(line, truth)| line.rsplit(',').nth(1) == Some(truth.as_str()));
        let right = right.count();
        assert!(right >= 140, "{method}: {right} of 150");
    }
}

#[test]
fn mistakes_in_labels_are_named() {
    let folder = Folder::new();
    folder.file("t.csv", "x,kind\n1,a\n2,\n3,b\n50,\n51,\n");
    folder.file("one.csv", "x,kind\n1,a\n2,\n");
    let label = ["label", "t.csv", "--label", "kind", "-o", "out.csv"];
    let with = |more: &[&'static str]| [&label[..], more].concat();
    folder.fails(
        &with(&["--neighbors", "9"]),
        2,
        &["--neighbors 9 must be from 1 to the number of rows, 5"],
    );
    folder.fails(
        &with(&["--alpha", "1.5", "--neighbors", "2"]),
        2,
        &["--alpha 1.5 must be above 0"],
    );
    for method in ["propagation", "relaxation"] {
        folder.fails(
            &with(&["--neighbors", "2", "--alpha", "0.5", "--method", method]),
            2,
            &["--alpha is for --method spreading", "leave it out"],
        );
    }
    folder.fails(
        &with(&["--method", "relaxation", "--kernel", "gaussian(h=1)"]),
        2,
        &["relaxation hears --neighbors"],
    );
    folder.fails(
        &["label", "one.csv", "--label", "kind", "-o", "out.csv"],
        1,
        &["1 label; at least two"],
    );
    folder.fails(
        &["label", "t.csv", "--label", "sort", "-o", "out.csv"],
        2,
        &["no column 'sort'"],
    );
    folder.fails(
        &with(&["--neighbors", "1", "--method", "relaxation"]),
        2,
        &["--neighbors 1 must lie between 2 and the number of rows, 5"],
    );
    // All methods count the row itself: of 5 rows it hears the 4 others.
    folder.ok(&with(&["--neighbors", "5", "--method", "relaxation"]));
    folder.ok(&with(&["--neighbors", "5"]));
    // The last two rows hear only each other.
    for method in ["propagation", "relaxation"] {
        let run = folder.ok(&with(&["--neighbors", "2", "--method", method]));
        assert!(
            run.text().contains("no label reached 2 rows"),
            "{}",
            run.text()
        );
        assert!(
            folder.text("out.csv").ends_with("51,,,0\n"),
            "{}",
            folder.text("out.csv")
        );
    }
}

/// A photo of two halves and labels of which every fourth pixel is wrong.
fn halves(folder: &Folder) {
    let photo = RgbImage::from_fn(40, 30, |x, y| {
        let grain = ((x * 7 + y * 13) % 9) as u8;
        if x < 22 {
            Rgb([40 + grain, 60, 80])
        } else {
            Rgb([180, 150 + grain, 60])
        }
    });
    photo.save(folder.path("photo.png")).unwrap();
    let right = |x: u32| x >= 22;
    let wrong = |x: u32, y: u32| (x * 5 + y * 3).is_multiple_of(4);
    let grey = GrayImage::from_fn(40, 30, |x, y| {
        Luma([if right(x) == wrong(x, y) { 3 } else { 9 }])
    });
    grey.save(folder.path("grey.png")).unwrap();
    let colour = RgbImage::from_fn(40, 30, |x, y| match (x * y) % 7 {
        0 => Rgb(if right(x) { [0, 200, 0] } else { [200, 0, 0] }),
        _ => Rgb([0, 0, 0]),
    });
    colour.save(folder.path("some.png")).unwrap();
}

#[test]
fn labels_of_a_picture_are_cleaned_along_its_edges() {
    let folder = Folder::new();
    halves(&folder);
    let args = ["image", "relabel", "photo.png", "--labels"];
    let run = folder.ok(&[
        &args[..],
        &["grey.png", "-o", "clean.png", "--confidence", "0.7"],
    ]
    .concat());
    assert!(
        run.text().contains("2 labels: 300 pixels changed (25.0 %)"),
        "{}",
        run.text()
    );
    let clean = image::open(folder.path("clean.png")).unwrap().into_luma8();
    for (x, _, pixel) in clean.enumerate_pixels() {
        assert_eq!(pixel[0], if x >= 22 { 9 } else { 3 }, "column {x}");
    }
    // Colours as labels, and black for what is not known.
    let more = [
        "some.png",
        "-o",
        "full.png",
        "--unknown",
        "0,0,0",
        "--confidence",
        "0.9",
        "--json",
    ];
    let run = folder.ok(&[&args[..], &more].concat());
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["classes"], 2);
    let full = image::open(folder.path("full.png")).unwrap().into_rgb8();
    for (x, _, pixel) in full.enumerate_pixels() {
        assert_eq!(
            pixel.0,
            if x >= 22 { [0, 200, 0] } else { [200, 0, 0] },
            "column {x}"
        );
    }
}

#[test]
fn a_label_tells_more_than_chance_by_default() {
    let folder = Folder::new();
    halves(&folder);
    let args = ["image", "relabel", "photo.png", "--labels", "grey.png"];
    let run = |more: &[&'static str]| [&args[..], &["-o", "clean.png"], more].concat();
    folder.ok(&run(&[]));
    let clean = image::open(folder.path("clean.png")).unwrap().into_luma8();
    for (x, _, pixel) in clean.enumerate_pixels() {
        assert_eq!(pixel[0], if x >= 22 { 9 } else { 3 }, "column {x}");
    }
    let sentence = "must be above 1/2, the chance of a guess among 2 labels";
    for (least, shown) in [("0.5", "--confidence 0.5"), ("0.4", "--confidence 0.4")] {
        folder.fails(&run(&["--confidence", least]), 2, &[shown, sentence]);
    }
    let three = GrayImage::from_fn(40, 30, |x, _| Luma([(x / 15) as u8]));
    three.save(folder.path("grey.png")).unwrap();
    folder.ok(&run(&["--confidence", "0.4"]));
}

#[test]
fn missing_numbers_are_no_labels_and_words_are() {
    let folder = Folder::new();
    let args = [
        "--label",
        "y",
        "--neighbors",
        "2",
        "-o",
        "all.csv",
        "--json",
    ];
    let classes = |table: &str| -> Value {
        let run = folder.ok(&[&["label", table][..], &args[..]].concat());
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        json["classes"].clone()
    };
    folder.file("n.csv", "x,y\n0,1\n0.1,NA\n0.2,1\n5,2\n5.1,NaN\n5.2,2\n");
    assert_eq!(classes("n.csv"), serde_json::json!(["1", "2"]));
    folder.file("w.csv", "x,y\n0,US\n0.1,\n0.2,US\n5,NA\n5.1,\n5.2,NA\n");
    assert_eq!(classes("w.csv"), serde_json::json!(["NA", "US"]));
}

#[test]
fn mistakes_in_pictures_of_labels_are_named() {
    let folder = Folder::new();
    halves(&folder);
    GrayImage::from_pixel(40, 30, Luma([1]))
        .save(folder.path("flat.png"))
        .unwrap();
    GrayImage::from_pixel(8, 8, Luma([1]))
        .save(folder.path("small.png"))
        .unwrap();
    let args = |labels: &'static str, more: &[&'static str]| {
        [
            &[
                "image",
                "relabel",
                "photo.png",
                "--labels",
                labels,
                "-o",
                "out.png",
            ][..],
            more,
        ]
        .concat()
    };
    folder.fails(
        &args("flat.png", &[]),
        1,
        &["1 label; at least two are needed"],
    );
    folder.fails(
        &args("small.png", &[]),
        1,
        &["8 x 8 pixels, but the photo has 40 x 30"],
    );
    folder.fails(
        &args("photo.png", &["--confidence", "1"]),
        2,
        &["--confidence 1"],
    );
    folder.fails(
        &args("grey.png", &["--spatial", "0"]),
        2,
        &["bandwidths has 0"],
    );
    folder.fails(
        &args("grey.png", &["--tolerance", "0.9"]),
        2,
        &["tolerance=0.9"],
    );
    let jpeg = [
        "image",
        "relabel",
        "photo.png",
        "--labels",
        "grey.png",
        "-o",
        "out.jpg",
    ];
    folder.fails(&jpeg, 2, &["JPEG changes the values"]);
}

#[test]
fn what_lies_side_by_side_is_learned_from_a_labelled_picture() {
    let folder = Folder::new();
    // Four layers, one of them thin, of which only neighbours touch, and a photo that tells them badly.
    let layer = |y: u32| [14, 18, 29].iter().filter(|edge| y >= **edge).count();
    let (values, shades) = ([0_u8, 60, 120, 200], [100, 140, 150, 110]);
    let truth = GrayImage::from_fn(50, 40, |_, y| Luma([values[layer(y)]]));
    truth.save(folder.path("truth.png")).unwrap();
    let mut state = 7_u64;
    let mut below = |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let (mut noisy, mut photo) = (truth.clone(), truth.clone());
    for y in 0..40 {
        for x in 0..50 {
            let drawn = below(4) as usize;
            let label = if below(100) < 45 { drawn } else { layer(y) };
            noisy.put_pixel(x, y, Luma([values[label]]));
            let shade = shades[layer(y)] + below(50) + below(50) - 50;
            photo.put_pixel(x, y, Luma([shade as u8]));
        }
    }
    noisy.save(folder.path("noisy.png")).unwrap();
    photo.save(folder.path("photo.png")).unwrap();
    let right = |more: &[&'static str]| {
        let args = [
            "image",
            "relabel",
            "photo.png",
            "--labels",
            "noisy.png",
            "-o",
            "clean.png",
            "--spatial",
            "20",
            "--range",
            "30",
            "--weight",
            "2",
            "--confidence",
            "0.66",
        ];
        folder.ok(&[&args[..], more].concat());
        let clean = image::open(folder.path("clean.png")).unwrap().into_luma8();
        let same = clean.pixels().zip(truth.pixels()).filter(|(a, b)| a == b);
        same.count() as f64 / 2000.0
    };
    let (plain, learned) = (right(&[]), right(&["--like", "truth.png"]));
    assert!(learned > plain + 0.03, "{learned} {plain}");
    GrayImage::from_pixel(8, 8, Luma([1]))
        .save(folder.path("other.png"))
        .unwrap();
    let args = [
        "image",
        "relabel",
        "photo.png",
        "--labels",
        "noisy.png",
        "-o",
        "clean.png",
        "--like",
    ];
    folder.fails(
        &[&args[..], &["other.png"]].concat(),
        1,
        &["--like other.png has none of the values of --labels"],
    );
    folder.fails(
        &[&args[..], &["truth.png", "--smooth-weight", "-1"]].concat(),
        2,
        &["--smooth-weight -1 must be"],
    );
}
