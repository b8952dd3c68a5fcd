//! Colour spaces: CIE L\*u\*v\* and L\*a\*b\* from and to sRGB, and samples as they are.

use std::fmt;
use std::str::FromStr;

use super::view::{ImageView, Sample};
use crate::names;
use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// The space in which colours are compared and averaged.
///
/// Luv and Lab are CIE 1976 with the D65 white and the sRGB primaries and transfer function (IEC 61966-2-1), where
/// equal distances look about equally different; L\* runs from 0 to 100. They take images of 3 colour channels;
/// `f32` samples are sRGB from 0 to 1, clamped to it. Results outside the sRGB gamut are clamped, in linear light, to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorSpace {
    /// Luv for `u8` and `u16` images of 3 colour channels, raw samples for all others: floats may be of any range here, so that for sRGB
    /// from 0 to 1 `Luv` is to be asked for.
    #[default]
    Auto,
    /// CIE 1976 L\*u\*v\*.
    Luv,
    /// CIE 1976 L\*a\*b\*.
    Lab,
    /// The samples themselves: grey, RGB or any number of channels. `u8` from 0 to 255, `u16` divided by 257,
    /// `f32` as they are.
    Raw,
}

impl ColorSpace {
    /// The space used for an image: never [`Auto`](Self::Auto).
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) for Luv or Lab of an image whose colour channels are not 3.
    pub fn resolve<T: Sample>(self, image: &ImageView<'_, T>) -> Result<Self> {
        let colors = image.colors();
        match self {
            Self::Auto if colors == 3 && T::LEVELS > 0 => Ok(Self::Luv),
            Self::Auto | Self::Raw => Ok(Self::Raw),
            Self::Luv | Self::Lab if colors == 3 => Ok(self),
            Self::Luv | Self::Lab => Err(Error::shape(format!(
                "color = {self} needs 3 colour channels, but the image has {colors}; use color = raw"
            ))),
        }
    }
}

impl fmt::Display for ColorSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Luv => "luv",
            Self::Lab => "lab",
            Self::Raw => "raw",
        })
    }
}

impl FromStr for ColorSpace {
    type Err = Error;

    /// `auto`, `luv`, `lab`, `raw` (or `rgb`, `gray`, `grey`).
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "luv" => Ok(Self::Luv),
            "lab" => Ok(Self::Lab),
            "raw" | "rgb" | "gray" | "grey" => Ok(Self::Raw),
            _ => {
                let known = ["auto", "luv", "lab", "raw"];
                let known = known.into_iter();
                Err(Error::parse(names::unknown("colour space", text, known)))
            }
        }
    }
}

/// Linear sRGB to XYZ (D65), IEC 61966-2-1 with the digits of Lindbloom.
const TO_XYZ: [[f64; 3]; 3] = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9, 0.119_192_0, 0.950_304_1],
];
const FROM_XYZ: [[f64; 3]; 3] = inverse(TO_XYZ);
/// The white of (1, 1, 1), so that every grey has u = v = a = b = 0.
const WHITE: [f64; 3] = [
    TO_XYZ[0][0] + TO_XYZ[0][1] + TO_XYZ[0][2],
    TO_XYZ[1][0] + TO_XYZ[1][1] + TO_XYZ[1][2],
    TO_XYZ[2][0] + TO_XYZ[2][1] + TO_XYZ[2][2],
];
const EPSILON: f64 = 216.0 / 24_389.0;
const KAPPA: f64 = 24_389.0 / 27.0;

const fn inverse(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut out = [[0.0; 3]; 3];
    let mut det = 0.0;
    let mut i = 0;
    while i < 3 {
        let (a, b) = ((i + 1) % 3, (i + 2) % 3);
        let mut j = 0;
        while j < 3 {
            let (c, d) = ((j + 1) % 3, (j + 2) % 3);
            // Cyclic indices give the cofactor its sign.
            out[j][i] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
            j += 1;
        }
        det += m[0][i]
            * (m[1][(i + 1) % 3] * m[2][(i + 2) % 3] - m[1][(i + 2) % 3] * m[2][(i + 1) % 3]);
        i += 1;
    }
    let mut i = 0;
    while i < 9 {
        out[i / 3][i % 3] /= det;
        i += 1;
    }
    out
}

fn apply(m: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// sRGB transfer function, code value to linear light.
fn to_linear(c: f64) -> f64 {
    if c <= 0.040_45 {
        c / 12.92
    } else {
        ((c + 0.055) / 1.055).powf(2.4)
    }
}

/// Linear light, clamped to 0..1, to the sRGB code value.
fn from_linear(c: f64) -> f64 {
    let c = c.clamp(0.0, 1.0);
    if c <= 0.003_130_8 {
        c * 12.92
    } else {
        1.055 * c.powf(1.0 / 2.4) - 0.055
    }
}

/// L\* of a relative luminance.
fn lightness(y: f64) -> f64 {
    if y > EPSILON {
        116.0 * y.cbrt() - 16.0
    } else {
        KAPPA * y
    }
}

fn luminance(l: f64) -> f64 {
    if l > KAPPA * EPSILON {
        ((l + 16.0) / 116.0).powi(3)
    } else {
        l / KAPPA
    }
}

/// u' and v'.
fn chromaticity([x, y, z]: [f64; 3]) -> (f64, f64) {
    let d = x + 15.0 * y + 3.0 * z;
    (4.0 * x / d, 9.0 * y / d)
}

fn xyz_to_luv(xyz: [f64; 3]) -> [f64; 3] {
    let l = lightness(xyz[1] / WHITE[1]);
    if l <= 0.0 {
        return [0.0; 3];
    }
    let ((u, v), (un, vn)) = (chromaticity(xyz), chromaticity(WHITE));
    [l, 13.0 * l * (u - un), 13.0 * l * (v - vn)]
}

fn luv_to_xyz([l, u, v]: [f64; 3]) -> [f64; 3] {
    if l <= 0.0 {
        return [0.0; 3];
    }
    let (un, vn) = chromaticity(WHITE);
    let (u, v) = (u / (13.0 * l) + un, (v / (13.0 * l) + vn).max(1e-6));
    let y = luminance(l) * WHITE[1];
    [
        y * 9.0 * u / (4.0 * v),
        y,
        y * (12.0 - 3.0 * u - 20.0 * v) / (4.0 * v),
    ]
}

fn xyz_to_lab(xyz: [f64; 3]) -> [f64; 3] {
    let f = |i: usize| (lightness(xyz[i] / WHITE[i]) + 16.0) / 116.0;
    let (x, y, z) = (f(0), f(1), f(2));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn lab_to_xyz([l, a, b]: [f64; 3]) -> [f64; 3] {
    let y = (l + 16.0) / 116.0;
    let f = |t: f64, i: usize| luminance(116.0 * t - 16.0) * WHITE[i];
    [f(y + a / 500.0, 0), f(y, 1), f(y - b / 200.0, 2)]
}

/// CIE L\*u\*v\* of an sRGB colour (code values from 0 to 1).
///
/// ```
/// let [l, u, v] = locality::image::srgb_to_luv([1.0, 0.0, 0.0]);
/// assert!((l - 53.24).abs() < 0.01 && (u - 175.01).abs() < 0.02 && (v - 37.75).abs() < 0.02);
/// ```
pub fn srgb_to_luv(rgb: [f64; 3]) -> [f64; 3] {
    xyz_to_luv(apply(&TO_XYZ, rgb.map(to_linear)))
}

/// The sRGB colour (code values from 0 to 1, clamped to the gamut) of a CIE L\*u\*v\* colour.
pub fn luv_to_srgb(luv: [f64; 3]) -> [f64; 3] {
    apply(&FROM_XYZ, luv_to_xyz(luv)).map(from_linear)
}

/// CIE L\*a\*b\* of an sRGB colour (code values from 0 to 1).
pub fn srgb_to_lab(rgb: [f64; 3]) -> [f64; 3] {
    xyz_to_lab(apply(&TO_XYZ, rgb.map(to_linear)))
}

/// The sRGB colour (code values from 0 to 1, clamped to the gamut) of a CIE L\*a\*b\* colour.
pub fn lab_to_srgb(lab: [f64; 3]) -> [f64; 3] {
    apply(&FROM_XYZ, lab_to_xyz(lab)).map(from_linear)
}

/// Pixels a block: enough work for a thread, short enough to stop between.
pub(crate) const PIXELS_A_BLOCK: usize = 4096;

/// The colours of all pixels in a resolved space, `[pixels, colors]` row by row; infinite for transparent pixels.
pub(crate) fn encode<T: Sample>(
    image: &ImageView<'_, T>,
    space: ColorSpace,
    watch: &Watch<'_>,
) -> Result<Vec<f32>> {
    let colors = image.colors();
    // A table of the transfer function pays once there are more samples than levels.
    let table: Vec<f64> = if space != ColorSpace::Raw && image.pixels() * 3 > T::LEVELS {
        (0..T::LEVELS)
            .map(|level| to_linear(level as f64 / T::FULL))
            .collect()
    } else {
        Vec::new()
    };
    let linear = |s: T| match table.get(s.level()) {
        Some(&c) => c,
        None => to_linear((s.to_f64() / T::FULL).clamp(0.0, 1.0)),
    };
    let blocks = map_blocks(&watch.quiet(), image.pixels(), PIXELS_A_BLOCK, |range| {
        let mut out = Vec::with_capacity(range.len() * colors);
        for i in range {
            let pixel = &image.pixel(i)[..colors];
            if image.is_transparent(i) {
                out.extend(pixel.iter().map(|_| f32::INFINITY));
                continue;
            }
            let cie = |f: fn([f64; 3]) -> [f64; 3]| {
                f(apply(
                    &TO_XYZ,
                    [linear(pixel[0]), linear(pixel[1]), linear(pixel[2])],
                ))
                .map(|c| c as f32)
            };
            match space {
                ColorSpace::Luv => out.extend(cie(xyz_to_luv)),
                ColorSpace::Lab => out.extend(cie(xyz_to_lab)),
                ColorSpace::Auto | ColorSpace::Raw => {
                    out.extend(pixel.iter().map(|s| (s.to_f64() * T::SCALE) as f32));
                }
            }
        }
        Ok(out)
    })?;
    Ok(blocks.concat())
}

/// Appends the samples of one colour.
pub(crate) fn decode<T: Sample>(space: ColorSpace, color: &[f32], out: &mut Vec<T>) {
    let cie = |f: fn([f64; 3]) -> [f64; 3]| {
        f([color[0].into(), color[1].into(), color[2].into()]).map(|c| T::nearest(c * T::FULL))
    };
    match space {
        ColorSpace::Luv => out.extend(cie(luv_to_srgb)),
        ColorSpace::Lab => out.extend(cie(lab_to_srgb)),
        ColorSpace::Auto | ColorSpace::Raw => {
            out.extend(color.iter().map(|&c| T::nearest(f64::from(c) / T::SCALE)));
        }
    }
}
