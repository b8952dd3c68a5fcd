//! Pictures that cannot be worked on.

use image::{ImageBuffer, Luma, Rgb, Rgba};

use crate::run::{Folder, data};

/// One chunk of a PNG file.
fn chunk(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let mut checked = kind.to_vec();
    checked.extend(body);
    // The checksum of the PNG specification, bit by bit.
    let mut crc = u32::MAX;
    for byte in &checked {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            };
        }
    }
    let mut out = (body.len() as u32).to_be_bytes().to_vec();
    out.extend(checked);
    out.extend((!crc).to_be_bytes());
    out
}

/// A PNG file that claims a size, with next to nothing in it.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &header));
    out.extend(chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0, 0]));
    out.extend(chunk(b"IEND", &[]));
    out
}

fn refuses(folder: &Folder, name: &str, parts: &[&str]) {
    for command in ["filter", "segment"] {
        folder.fails(&["image", command, name, "-o", "out.png"], 1, parts);
    }
}

#[test]
fn a_decompression_bomb_is_refused_before_it_is_decoded() {
    let folder = Folder::new();
    folder.file("bomb.png", bomb(60_000, 60_000));
    refuses(
        &folder,
        "bomb.png",
        &[
            "60000 x 60000 pixels",
            "limit of 100000000",
            "--max-pixels 3600000000",
        ],
    );
    // The flag raises the limit, and lowers it.
    folder.file("small.png", bomb(3_000, 10));
    let args = [
        "image",
        "filter",
        "small.png",
        "-o",
        "out.png",
        "--max-pixels",
    ];
    folder.fails(&[&args[..], &["29999"]].concat(), 1, &["limit of 29999"]);
    folder.fails(
        &[&args[..], &["30000"]].concat(),
        1,
        &["damaged or cut off"],
    );
}

#[test]
fn damaged_pictures() {
    let folder = Folder::new();
    let png = std::fs::read(data("astronaut.png")).unwrap();
    for length in [20, 40, png.len() / 2, png.len() - 30] {
        folder.file("cut.png", &png[..length]);
        refuses(&folder, "cut.png", &["cut.png", "cut off"]);
    }
    let coffee = image::open(data("coffee.png")).unwrap();
    for name in ["cut.jpg", "cut.tiff", "cut.webp"] {
        coffee.save(folder.path(name)).unwrap();
        let whole = folder.bytes(name);
        folder.file(name, &whole[..whole.len() / 2]);
        refuses(&folder, name, &[name, "cut off"]);
    }
    let real = image::Rgb32FImage::from_pixel(4, 4, Rgb([0.5, 0.25, 0.125]));
    real.save(folder.path("real.tiff")).unwrap();
    refuses(&folder, "real.tiff", &["real.tiff", "8 or 16 bit"]);
    let mut flipped = png.clone();
    flipped[png.len() / 2] ^= 0xff;
    folder.file("flipped.png", flipped);
    refuses(&folder, "flipped.png", &["flipped.png", "damaged"]);
    folder
        .file("empty.png", "")
        .file("words.png", "no picture at all");
    refuses(&folder, "empty.png", &["empty.png"]);
    refuses(&folder, "words.png", &["words.png"]);
    folder.file("words.gif", "no picture at all");
    refuses(
        &folder,
        "words.gif",
        &["words.gif is no PNG, JPEG, TIFF or WebP picture"],
    );
    refuses(&folder, "none.png", &["cannot read none.png"]);
    refuses(&folder, ".", &["directory"]);
}

#[test]
fn one_pixel() {
    let folder = Folder::new();
    ImageBuffer::from_pixel(1, 1, Rgb([200_u8, 30, 40]))
        .save(folder.path("one.png"))
        .unwrap();
    folder.ok(&["image", "filter", "one.png", "-o", "f.png"]);
    let run = folder.ok(&[
        "image", "segment", "one.png", "-o", "s.png", "--labels", "l.npy",
    ]);
    assert!(run.text().starts_with("1 region in "), "{}", run.text());
    for name in ["f.png", "s.png"] {
        let out = image::open(folder.path(name)).unwrap().into_rgb8();
        assert_eq!(out.into_raw(), [200, 30, 40]);
    }
}

#[test]
fn parameters_out_of_range() {
    let folder = Folder::new();
    let photo = data("coffee.png");
    let fails = |command: &str, flags: &[&str], parts: &[&str]| {
        let args = [&["image", command, &photo, "-o", "out.png"], flags].concat();
        folder.fails(&args, 2, parts);
    };
    for command in ["filter", "segment"] {
        for value in ["-1", "0", "nan", "inf"] {
            fails(command, &["--spatial", value], &["spatial"]);
            fails(command, &["--range", value], &["range"]);
        }
        fails(command, &["--kernel", "gausian"], &["--kernel", "gaussian"]);
        fails(command, &["--color", "hsv"], &["--color", "luv"]);
        fails(command, &["--max-iter", "0"], &["--max-iter is 0"]);
        fails(command, &["--tol", "-1"], &["tol"]);
    }
    fails("filter", &["--like-opencv", "--tol", "1"], &["--tol"]);
    fails("segment", &["--fusion", "-1"], &["fusion"]);
    fails("segment", &["--connectivity", "6"], &["4 or 8"]);
    fails(
        "segment",
        &["--labels", "l.jpg"],
        &["--labels l.jpg", ".npy"],
    );
    fails(
        "segment",
        &["--labels", "out.png"],
        &["out.png", "two outputs"],
    );
    folder.fails(
        &["image", "filter", &photo, "-o", "out.gif"],
        2,
        &["out.gif", ".png"],
    );
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let folder = Folder::new();
    let deep = ImageBuffer::from_pixel(4, 4, Rgb([1_u16, 2, 3]));
    deep.save(folder.path("deep.png")).unwrap();
    let clear = ImageBuffer::from_pixel(4, 4, Rgba([1_u8, 2, 3, 4]));
    clear.save(folder.path("clear.png")).unwrap();
    let fails = |input: &str, output: &str, parts: &[&str]| {
        folder.fails(&["image", "filter", input, "-o", output], 1, parts);
    };
    fails(
        "deep.png",
        "out.jpg",
        &["out.jpg cannot hold 16 bits", ".png"],
    );
    fails(
        "deep.png",
        "out.webp",
        &["out.webp cannot hold 16 bits", ".tiff"],
    );
    fails(
        "clear.png",
        "out.jpeg",
        &["out.jpeg cannot hold the transparency"],
    );
}

#[test]
fn more_regions_than_grey_can_number() {
    let folder = Folder::new();
    // Every pixel its own region: neighbours differ by far more than the range.
    let (width, height) = (260, 260);
    let board = ImageBuffer::from_fn(width, height, |x, y| {
        Luma([((x % 2) * 60_000 + (y % 2) * 5_000) as u16])
    });
    board.save(folder.path("board.png")).unwrap();
    let args = [
        "image",
        "segment",
        "board.png",
        "-o",
        "out.png",
        "--spatial",
        "1",
    ];
    let more = [
        "--range",
        "1",
        "--min-region",
        "0",
        "--connectivity",
        "4",
        "--labels",
    ];
    let args = [&args[..], &more].concat();
    folder.fails(
        &[&args[..], &["l.png"]].concat(),
        1,
        &["--labels l.png", "67600 regions", ".npy"],
    );
    folder.ok(&[&args[..], &["l.npy"]].concat());
    assert_eq!(folder.bytes("l.npy").len(), 128 + 4 * 67_600);
}
