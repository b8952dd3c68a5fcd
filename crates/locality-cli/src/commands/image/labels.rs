//! The numbers of the pixels' regions, as a file.

use std::path::Path;

use image::ImageFormat;

use crate::error::{Error, Result};
use crate::picture::{Picture, Samples};
use crate::table::npy_labels;

/// How labels are written.
#[derive(Clone, Copy)]
pub(super) enum LabelFormat {
    /// A NumPy array.
    Npy,
    /// A grey picture.
    Png,
}

impl LabelFormat {
    /// By the path's ending.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("npy") => Ok(Self::Npy),
            Some("png") => Ok(Self::Png),
            _ => Err(Error::usage(format!(
                "--labels {} must end in .npy or .png",
                path.display()
            ))),
        }
    }

    /// The file's bytes.
    pub(super) fn encode(self, labels: &[u32], picture: &Picture, path: &Path) -> Result<Vec<u8>> {
        let (height, width) = (picture.height, picture.width);
        if matches!(self, Self::Npy) {
            return Ok(npy_labels(labels, height, width));
        }
        let eight: Option<Vec<u8>> = labels.iter().map(|l| u8::try_from(*l).ok()).collect();
        let grey = if let Some(eight) = eight {
            Picture::eight(height, width, 1, eight)
        } else {
            let sixteen: Option<Vec<u16>> = labels.iter().map(|l| u16::try_from(*l).ok()).collect();
            let Some(sixteen) = sixteen else {
                return Err(Error::data(format!(
                    "--labels {}: {} regions are more than 16-bit grey can number; write them to a .npy file",
                    path.display(),
                    labels.iter().max().map_or(0, |l| u64::from(*l) + 1)
                )));
            };
            Picture::eight(height, width, 1, Vec::new()).with_samples(Samples::Sixteen(sixteen))
        };
        grey.encode(ImageFormat::Png, path)
    }
}
