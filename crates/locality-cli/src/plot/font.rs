//! The two bundled fonts: widths and outlines.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

static REGULAR: LazyLock<Option<Face<'static>>> = LazyLock::new(|| {
    Face::parse(
        include_bytes!("../../assets/DejaVuSans.subset.ttf").as_slice(),
        0,
    )
    .ok()
});
static BOLD: LazyLock<Option<Face<'static>>> = LazyLock::new(|| {
    Face::parse(
        include_bytes!("../../assets/DejaVuSans-Bold.subset.ttf").as_slice(),
        0,
    )
    .ok()
});

fn face(bold: bool) -> Option<&'static Face<'static>> {
    if bold {
        BOLD.as_ref()
    } else {
        REGULAR.as_ref()
    }
}

/// The glyph of a character; one that the font has not is a question mark.
fn glyph(face: &Face<'_>, character: char) -> Option<GlyphId> {
    face.glyph_index(character)
        .or_else(|| face.glyph_index('?'))
}

/// How wide some words are.
pub(super) fn width(words: &str, size: f64, bold: bool) -> f64 {
    let Some(face) = face(bold) else { return 0.0 };
    let units = |c| {
        let advance = glyph(face, c).and_then(|g| face.glyph_hor_advance(g));
        f64::from(advance.unwrap_or(0))
    };
    words.chars().map(units).sum::<f64>() * size / f64::from(face.units_per_em())
}

/// Draws the outlines of some words, starting at the origin of `pen` on the base line, with `y` upwards, in units of `size`.
pub(super) fn outline(words: &str, size: f64, bold: bool, pen: &mut dyn OutlineBuilder) {
    let Some(face) = face(bold) else { return };
    let scale = size as f32 / f32::from(face.units_per_em());
    let mut x = 0.0;
    for character in words.chars() {
        if let Some(glyph) = glyph(face, character) {
            face.outline_glyph(glyph, &mut Shifted { pen, x, scale });
            x += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
        }
    }
}

/// A pen that moves on from glyph to glyph.
struct Shifted<'a> {
    pen: &'a mut dyn OutlineBuilder,
    x: f32,
    scale: f32,
}

impl Shifted<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, y * self.scale)
    }
}

impl OutlineBuilder for Shifted<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.pen.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.pen.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.pen.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.pen.curve_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.pen.close();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_fonts_have_letters_and_signs() {
        for bold in [false, true] {
            let face = super::face(bold).unwrap();
            for c in "aZ09²×≤−…λß".chars() {
                assert!(face.glyph_index(c).is_some(), "{c} in bold {bold}");
            }
        }
        assert!(super::width("wide", 10.0, true) > super::width("wide", 10.0, false));
        assert!(super::width("\u{4e00}", 10.0, false) > 0.0);
    }
}
