//! Pictures in and out: PNG, JPEG, TIFF and WebP, 8 and 16 bit, grey or colour, with or without transparency.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageBuffer, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader,
    Limits, Pixel, error::LimitErrorKind,
};

use crate::error::{Error, Result};
use crate::output::is_standard;

/// The most pixels that are decoded unless `--max-pixels` says otherwise.
pub(crate) const MAX_PIXELS: u64 = 100_000_000;

/// JPEG quality: high enough that the flat regions of a filtered picture stay flat to the eye.
const JPEG_QUALITY: u8 = 95;

/// The samples of a picture, interleaved, row after row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Samples {
    /// 8 bit.
    Eight(Vec<u8>),
    /// 16 bit.
    Sixteen(Vec<u16>),
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// Rows of pixels.
    pub(crate) height: usize,
    /// Pixels of a row.
    pub(crate) width: usize,
    /// Samples of a pixel: 1 grey, 2 grey and opacity, 3 colour, 4 colour and opacity.
    pub(crate) channels: usize,
    /// The samples.
    pub(crate) samples: Samples,
    /// The colour profile it came with, which goes along into the output.
    pub(crate) profile: Option<Vec<u8>>,
    /// Whether the file holds others after it.
    pub(crate) more: bool,
}

impl Picture {
    /// An 8-bit picture.
    pub(crate) fn eight(height: usize, width: usize, channels: usize, samples: Vec<u8>) -> Self {
        Self {
            height,
            width,
            channels,
            samples: Samples::Eight(samples),
            profile: None,
            more: false,
        }
    }

    /// A picture of the same size, channels and colour profile.
    pub(crate) fn with_samples(&self, samples: Samples) -> Self {
        Self {
            samples,
            profile: self.profile.clone(),
            ..*self
        }
    }

    /// Whether the last channel is opacity.
    pub(crate) fn has_alpha(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// Bits of a sample.
    pub(crate) fn bits(&self) -> usize {
        match self.samples {
            Samples::Eight(_) => 8,
            Samples::Sixteen(_) => 16,
        }
    }

    /// Reads a picture; `-` is standard input. The size is looked at before anything is decoded.
    pub(crate) fn read(path: &Path, max_pixels: u64) -> Result<Self> {
        let name = if is_standard(path) {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        let failed = |e: std::io::Error| Error::unreadable(&name, &e);
        let mut bytes = Vec::new();
        if is_standard(path) {
            let mut input = std::io::stdin().lock();
            input.read_to_end(&mut bytes).map_err(failed)?;
        } else {
            let mut file = File::open(path).map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(Error::data(format!(
                    "cannot read {name}: it is a directory; name a picture"
                )));
            }
            file.read_to_end(&mut bytes).map_err(failed)?;
        }
        let picture = decode(&bytes, &name, max_pixels)?;
        if picture.more {
            let note = "holds more pictures than one; the first is read, split the file to work on the others";
            let _ = writeln!(std::io::stderr(), "note: {name} {note}");
        }
        Ok(picture)
    }

    /// The bytes of the file. [`check`](Self::check) says beforehand whether the format can hold the picture.
    pub(crate) fn encode(&self, format: ImageFormat, path: &Path) -> Result<Vec<u8>> {
        self.check(format, path)?;
        let failed = |e: &dyn std::fmt::Display| {
            Error::data(format!("cannot encode {}: {e}", path.display()))
        };
        let picture = self
            .dynamic()
            .ok_or_else(|| failed(&"its size does not fit its samples"))?;
        let mut bytes = Cursor::new(Vec::new());
        match format {
            ImageFormat::Jpeg => self.write(
                &picture,
                JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY),
            ),
            ImageFormat::Tiff => self.write(&picture, TiffEncoder::new(&mut bytes)),
            ImageFormat::WebP => self.write(&picture, WebPEncoder::new_lossless(&mut bytes)),
            _ => self.write(&picture, PngEncoder::new(&mut bytes)),
        }
        .map_err(|e| failed(&e))?;
        Ok(bytes.into_inner())
    }

    fn write(
        &self,
        picture: &DynamicImage,
        mut encoder: impl ImageEncoder,
    ) -> Result<(), ImageError> {
        if let Some(profile) = &self.profile {
            // A format without room for a profile still holds the picture.
            let _ = encoder.set_icc_profile(profile.clone());
        }
        picture.write_with_encoder(encoder)
    }

    /// Refuses what the format cannot hold without loss of depth or transparency.
    pub(crate) fn check(&self, format: ImageFormat, path: &Path) -> Result<()> {
        let (depth, alpha) = match format {
            ImageFormat::Jpeg => (8, false),
            ImageFormat::WebP => (8, true),
            ImageFormat::Tiff => (16, self.channels != 2),
            _ => (16, true),
        };
        let path = path.display();
        if self.has_alpha() && !alpha {
            return Err(Error::data(format!(
                "{path} cannot hold the transparency of the picture; write a .png file"
            )));
        }
        if self.bits() > depth {
            return Err(Error::data(format!(
                "{path} cannot hold 16 bits a sample; write a .png or .tiff file"
            )));
        }
        let longest = if format == ImageFormat::WebP {
            16_383
        } else {
            65_535
        };
        if matches!(format, ImageFormat::WebP | ImageFormat::Jpeg)
            && self.width.max(self.height) > longest
        {
            return Err(Error::data(format!(
                "{path} cannot hold {} x {} pixels, at most {longest} a side; write a .png or .tiff file",
                self.width, self.height
            )));
        }
        Ok(())
    }

    fn dynamic(&self) -> Option<DynamicImage> {
        fn buffer<P: Pixel>(
            picture: &Picture,
            samples: &[P::Subpixel],
        ) -> Option<ImageBuffer<P, Vec<P::Subpixel>>> {
            let (width, height) = (picture.width.try_into(), picture.height.try_into());
            ImageBuffer::from_raw(width.ok()?, height.ok()?, Vec::from(samples))
        }
        match (&self.samples, self.channels) {
            (Samples::Eight(s), 1) => buffer(self, s).map(DynamicImage::ImageLuma8),
            (Samples::Eight(s), 2) => buffer(self, s).map(DynamicImage::ImageLumaA8),
            (Samples::Eight(s), 3) => buffer(self, s).map(DynamicImage::ImageRgb8),
            (Samples::Eight(s), _) => buffer(self, s).map(DynamicImage::ImageRgba8),
            (Samples::Sixteen(s), 1) => buffer(self, s).map(DynamicImage::ImageLuma16),
            (Samples::Sixteen(s), 2) => buffer(self, s).map(DynamicImage::ImageLumaA16),
            (Samples::Sixteen(s), 3) => buffer(self, s).map(DynamicImage::ImageRgb16),
            (Samples::Sixteen(s), _) => buffer(self, s).map(DynamicImage::ImageRgba16),
        }
    }
}

/// The format that a path's ending means; `-` is PNG.
pub(crate) fn format_of(path: &Path) -> Result<ImageFormat> {
    if is_standard(path) {
        return Ok(ImageFormat::Png);
    }
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("png") => Ok(ImageFormat::Png),
        Some("jpg" | "jpeg") => Ok(ImageFormat::Jpeg),
        Some("tif" | "tiff") => Ok(ImageFormat::Tiff),
        Some("webp") => Ok(ImageFormat::WebP),
        _ => Err(Error::usage(format!(
            "{} is no picture that can be written; end its name in .png, .jpg, .tiff or .webp",
            path.display()
        ))),
    }
}

/// A picture from the bytes of its file; errors call it `name`.
pub(crate) fn decode(bytes: &[u8], name: &str, max_pixels: u64) -> Result<Picture> {
    let damaged = |e: &ImageError| {
        let reason = e.to_string();
        let reason = reason.trim_end_matches(['.', '\n']);
        let remedy = match e {
            ImageError::Unsupported(_) => "convert it to a PNG file of 8 or 16 bits a sample",
            _ => "the file may be damaged or cut off",
        };
        Error::data(format!(
            "cannot read {name} as a picture: {reason}; {remedy}"
        ))
    };
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| Error::data(format!("cannot read {name}: {e}")))?;
    let Some(
        format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Tiff | ImageFormat::WebP),
    ) = reader.format()
    else {
        return Err(Error::data(format!(
            "{name} is no PNG, JPEG, TIFF or WebP picture; convert it to one of these"
        )));
    };
    let mut decoder = reader.into_decoder().map_err(|e| damaged(&e))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > max_pixels {
        return Err(Error::data(format!(
            "{name} has {width} x {height} pixels, more than the limit of {max_pixels}; raise it with --max-pixels {pixels} if \
             the file is to be trusted"
        )));
    }
    // The decoder would fill the rest with grey.
    if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
        return Err(Error::data(format!(
            "cannot read {name} as a picture: its end is missing; the file may be damaged or cut off"
        )));
    }
    let mut limits = Limits::default();
    // Room for 16-bit colour with opacity, twice, and for the decoder's own tables.
    limits.max_alloc = Some(pixels.saturating_mul(16).saturating_add(64 << 20));
    decoder.set_limits(limits).map_err(|e| damaged(&e))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (profile, more) = if format == ImageFormat::Tiff {
        beside_tiff(bytes)
    } else {
        (decoder.icc_profile().ok().flatten(), false)
    };
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| match &e {
        ImageError::Limits(limit)
            if matches!(limit.kind(), LimitErrorKind::InsufficientMemory) =>
        {
            Error::data(format!(
                "{name} needs more memory than {width} x {height} pixels should; the file may be damaged or made to do harm"
            ))
        }
        _ => damaged(&e),
    })?;
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let channels = usize::from(picture.color().channel_count());
    let samples = match picture {
        DynamicImage::ImageLuma8(p) => Samples::Eight(p.into_raw()),
        DynamicImage::ImageLumaA8(p) => Samples::Eight(p.into_raw()),
        DynamicImage::ImageRgb8(p) => Samples::Eight(p.into_raw()),
        DynamicImage::ImageRgba8(p) => Samples::Eight(p.into_raw()),
        DynamicImage::ImageLuma16(p) => Samples::Sixteen(p.into_raw()),
        DynamicImage::ImageLumaA16(p) => Samples::Sixteen(p.into_raw()),
        DynamicImage::ImageRgb16(p) => Samples::Sixteen(p.into_raw()),
        DynamicImage::ImageRgba16(p) => Samples::Sixteen(p.into_raw()),
        _ => {
            return Err(Error::data(format!(
                "{name} has floating-point samples; convert it to 8 or 16 bit first"
            )));
        }
    };
    Ok(Picture {
        height,
        width,
        channels,
        samples,
        profile,
        more,
    })
}

/// The colour profile of a TIFF file's first picture, which `image` does not find, and whether others follow.
fn beside_tiff(bytes: &[u8]) -> (Option<Vec<u8>>, bool) {
    let Ok(mut decoder) = tiff::decoder::Decoder::new(Cursor::new(bytes)) else {
        return (None, false);
    };
    let profile = decoder.get_tag_u8_vec(tiff::tags::Tag::IccProfile).ok();
    (profile, decoder.more_images())
}

/// Whether a JPEG file has its end-of-image marker after the header of its first scan. Within coded data the byte 255 never
/// stands before 217; a thumbnail's own marker lies before the scan.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xff {
            at += 1;
            continue;
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xda {
            return bytes
                .get(at..)
                .is_some_and(|data| data.windows(2).any(|pair| pair == [0xff, 0xd9]));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_format_can_hold_comes_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for channels in 1..=4 {
            let eight = Samples::Eight((0..12 * channels as u8).map(|i| i * 5).collect());
            let sixteen = Samples::Sixteen((0..12 * channels as u16).map(|i| i * 1301).collect());
            for samples in [eight, sixteen] {
                let picture = Picture {
                    profile: None,
                    ..Picture::eight(3, 4, channels, Vec::new())
                }
                .with_samples(samples);
                for name in ["a.png", "a.tiff", "a.webp"] {
                    let path = folder.path().join(name);
                    let format = format_of(&path).unwrap();
                    if picture.check(format, &path).is_err() {
                        assert!(name != "a.png", "a PNG file holds everything");
                        continue;
                    }
                    std::fs::write(&path, picture.encode(format, &path).unwrap()).unwrap();
                    let mut back = Picture::read(&path, MAX_PIXELS).unwrap();
                    if name == "a.webp" && channels < 3 {
                        // WebP has no grey: it comes back as colour.
                        assert_eq!(back.channels, channels + 2);
                        continue;
                    }
                    back.profile = None;
                    assert_eq!(back, picture, "{name} with {channels} channels");
                }
            }
        }
    }

    #[test]
    fn a_colour_profile_goes_along() {
        let folder = tempfile::tempdir().unwrap();
        let mut picture = Picture::eight(1, 1, 3, vec![1, 2, 3]);
        picture.profile = Some(vec![7; 200]);
        for name in ["a.png", "a.tiff", "a.webp"] {
            let path = folder.path().join(name);
            let bytes = picture.encode(format_of(&path).unwrap(), &path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(Picture::read(&path, MAX_PIXELS).unwrap(), picture, "{name}");
        }
    }

    #[test]
    fn pages_after_the_first_are_seen() {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
        for page in 1..=2 {
            let image = encoder.new_image::<tiff::encoder::colortype::Gray8>(2, 1);
            image.unwrap().write_data(&[page, 9]).unwrap();
        }
        let picture = decode(bytes.get_ref(), "a.tiff", MAX_PIXELS).unwrap();
        assert_eq!(picture.samples, Samples::Eight(vec![1, 9]));
        assert!(picture.more);
    }
}
