//! A drawing as a list of shapes, which can become SVG or PNG.

use super::font;

/// Red, green, blue.
pub(crate) type Color = [u8; 3];

/// Text and spines.
pub(super) const INK: Color = [34, 34, 34];
/// Tick labels and remarks.
pub(super) const SOFT: Color = [96, 96, 96];
/// Grid lines.
pub(super) const FAINT: Color = [228, 228, 228];
/// Rows without a cluster.
pub(super) const GREY: Color = [150, 150, 150];
/// Paper.
pub(super) const WHITE: Color = [255, 255, 255];
/// Colours that stay apart for colour-blind eyes (Okabe and Ito 2008), without the yellow, which is lost on white.
pub(super) const PALETTE: [Color; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [230, 159, 0],
    [204, 121, 167],
    [86, 180, 233],
    [90, 60, 20],
];

/// The shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

impl Mark {
    /// The corners around the origin, for a radius of 1; a circle has none.
    pub(super) fn corners(self) -> &'static [[f64; 2]] {
        match self {
            Self::Circle => &[],
            Self::Square => &[[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
            Self::Triangle => &[[0.0, -1.15], [1.05, 0.75], [-1.05, 0.75]],
            Self::Diamond => &[[0.0, -1.2], [1.2, 0.0], [0.0, 1.2], [-1.2, 0.0]],
            // Two arms, outlined.
            Self::Cross => &[
                [-1.0, -0.65],
                [-0.65, -1.0],
                [0.0, -0.35],
                [0.65, -1.0],
                [1.0, -0.65],
                [0.35, 0.0],
                [1.0, 0.65],
                [0.65, 1.0],
                [0.0, 0.35],
                [-0.65, 1.0],
                [-1.0, 0.65],
                [-0.35, 0.0],
            ],
        }
    }
}

/// A line's colour and width, and its dashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) color: Color,
    pub(super) width: f64,
    /// Lengths that are drawn and left out by turns; none for a line without gaps.
    pub(super) dash: &'static [f64],
}

impl Stroke {
    pub(super) fn new(color: Color, width: f64) -> Self {
        Self {
            color,
            width,
            dash: &[],
        }
    }

    pub(super) fn dashed(self) -> Self {
        self.dash(&[4.0, 3.0])
    }

    pub(super) fn dash(self, dash: &'static [f64]) -> Self {
        Self { dash, ..self }
    }

    /// The look of one of many lines: colours first, then dashes, then widths, so that up to 84 differ.
    pub(super) fn nth(i: usize) -> Self {
        const DASHES: [&[f64]; 4] = [&[], &[6.0, 3.0], &[2.0, 2.0], &[9.0, 2.5, 2.0, 2.5]];
        const WIDTHS: [f64; 3] = [2.0, 1.0, 3.2];
        let (color, more) = (i % PALETTE.len(), i / PALETTE.len());
        let (dash, more) = (more % DASHES.len(), more / DASHES.len());
        Self::new(PALETTE[color], WIDTHS[more % WIDTHS.len()]).dash(DASHES[dash])
    }
}

/// Filling, outline and opacity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) fill: Option<Color>,
    pub(super) stroke: Option<Stroke>,
    pub(super) opacity: f64,
}

impl Paint {
    pub(super) fn fill(color: Color, opacity: f64) -> Self {
        Self {
            fill: Some(color),
            stroke: None,
            opacity,
        }
    }

    pub(super) fn line(stroke: Stroke) -> Self {
        Self {
            fill: None,
            stroke: Some(stroke),
            opacity: 1.0,
        }
    }

    pub(super) fn outlined(self, stroke: Stroke) -> Self {
        Self {
            stroke: Some(stroke),
            ..self
        }
    }
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Words at a place, on their base line.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) at: [f64; 2],
    pub(super) words: String,
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) color: Color,
    pub(super) anchor: Anchor,
    /// Read from below.
    pub(super) upright: bool,
}

impl Text {
    pub(super) fn new(x: f64, y: f64, size: f64, words: impl Into<String>) -> Self {
        Self {
            at: [x, y],
            words: words.into(),
            size,
            bold: false,
            color: INK,
            anchor: Anchor::Start,
            upright: false,
        }
    }

    pub(super) fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(super) fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    pub(super) fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(super) fn upright(mut self) -> Self {
        self.upright = true;
        self
    }

    /// Cuts the words until they are at most so wide.
    pub(super) fn within(mut self, width: f64) -> Self {
        while font::width(&self.words, self.size, self.bold) > width && self.words.len() > 1 {
            let mut short: String = self.words.trim_end_matches('…').to_owned();
            short.pop();
            self.words = format!("{}…", short.trim_end());
            if short.is_empty() {
                break;
            }
        }
        self
    }
}

/// One shape.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Path {
        points: Vec<[f64; 2]>,
        closed: bool,
        paint: Paint,
    },
    Marks {
        mark: Mark,
        radius: f64,
        at: Vec<[f64; 2]>,
        paint: Paint,
    },
    Text(Text),
}

/// A drawing of a size in CSS pixels.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    /// What is seen, for those who cannot see it.
    pub(super) title: String,
    pub(super) items: Vec<Item>,
}

impl Scene {
    pub(super) fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self {
            width,
            height,
            title: title.into(),
            items: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, text: Text) {
        self.items.push(Item::Text(text));
    }

    pub(super) fn line(&mut self, points: Vec<[f64; 2]>, stroke: Stroke) {
        self.items.push(Item::Path {
            points,
            closed: false,
            paint: Paint::line(stroke),
        });
    }

    pub(super) fn area(&mut self, points: Vec<[f64; 2]>, paint: Paint) {
        self.items.push(Item::Path {
            points,
            closed: true,
            paint,
        });
    }

    pub(super) fn rectangle(&mut self, from: [f64; 2], to: [f64; 2], paint: Paint) {
        let points = vec![from, [to[0], from[1]], to, [from[0], to[1]]];
        self.area(points, paint);
    }

    pub(super) fn marks(&mut self, mark: Mark, radius: f64, at: Vec<[f64; 2]>, paint: Paint) {
        self.items.push(Item::Marks {
            mark,
            radius,
            at,
            paint,
        });
    }
}
