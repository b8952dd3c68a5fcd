//! A drawing as PNG, with smooth edges, at two pixels for each of the drawing's.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use tiny_skia::{
    Color as Ink, FillRule, LineCap, LineJoin, Paint as Brush, Path, PathBuilder, Pixmap,
    Stroke as Pen, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::font;
use super::scene::{Anchor, Color, Item, Mark, Paint, Scene, Text};

/// Pixels for each unit of the drawing.
const SCALE: f32 = 2.0;

/// The file's bytes; `None` where the drawing has no area.
pub(super) fn encode(scene: &Scene) -> Option<Vec<u8>> {
    let side = |x: f64| (x as f32 * SCALE).round() as u32;
    let (width, height) = (side(scene.width), side(scene.height));
    let mut sheet = Pixmap::new(width, height)?;
    sheet.fill(Ink::WHITE);
    for item in &scene.items {
        draw(&mut sheet, item);
    }
    // Over white everything is opaque.
    let rgb: Vec<u8> = sheet
        .data()
        .chunks_exact(4)
        .flat_map(|p| [p[0], p[1], p[2]])
        .collect();
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Level(6), FilterType::NoFilter)
        .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        .ok()?;
    Some(bytes)
}

fn draw(sheet: &mut Pixmap, item: &Item) {
    match item {
        Item::Path {
            points,
            closed,
            paint,
        } => {
            if let Some(path) = polygon(points, *closed) {
                apply(sheet, &path, paint, Transform::from_scale(SCALE, SCALE));
            }
        }
        Item::Marks {
            mark,
            radius,
            at,
            paint,
        } => {
            let path = if *mark == Mark::Circle {
                PathBuilder::from_circle(0.0, 0.0, *radius as f32)
            } else {
                let corners = mark.corners().iter();
                let corners: Vec<[f64; 2]> =
                    corners.map(|[x, y]| [x * radius, y * radius]).collect();
                polygon(&corners, true)
            };
            let Some(path) = path else { return };
            for [x, y] in at {
                let place = Transform::from_scale(SCALE, SCALE).pre_translate(*x as f32, *y as f32);
                apply(sheet, &path, paint, place);
            }
        }
        Item::Text(text) => words(sheet, text),
    }
}

fn polygon(points: &[[f64; 2]], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, [x, y]) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(*x as f32, *y as f32);
        } else {
            path.line_to(*x as f32, *y as f32);
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn brush(color: Color, opacity: f64) -> Brush<'static> {
    let mut brush = Brush::default();
    let alpha = (opacity * 255.0).round() as u8;
    brush.set_color_rgba8(color[0], color[1], color[2], alpha);
    brush.anti_alias = true;
    brush
}

fn apply(sheet: &mut Pixmap, path: &Path, paint: &Paint, place: Transform) {
    if let Some(color) = paint.fill {
        let brush = brush(color, paint.opacity);
        sheet.fill_path(path, &brush, FillRule::Winding, place, None);
    }
    if let Some(stroke) = paint.stroke {
        let pen = Pen {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            // None at all is refused there, and then there are no dashes.
            dash: StrokeDash::new(stroke.dash.iter().map(|l| *l as f32).collect(), 0.0),
            ..Pen::default()
        };
        sheet.stroke_path(path, &brush(stroke.color, 1.0), &pen, place, None);
    }
}

/// A path as a pen of the fonts, which point upwards.
struct Outline(PathBuilder);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, -y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, -y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, -y1, x, -y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, -y1, x2, -y2, x, -y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

fn words(sheet: &mut Pixmap, text: &Text) {
    let mut outline = Outline(PathBuilder::new());
    font::outline(&text.words, text.size, text.bold, &mut outline);
    let Some(path) = outline.0.finish() else {
        return;
    };
    let width = font::width(&text.words, text.size, text.bold);
    let back = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width / 2.0,
        Anchor::End => width,
    };
    let mut place =
        Transform::from_scale(SCALE, SCALE).pre_translate(text.at[0] as f32, text.at[1] as f32);
    if text.upright {
        place = place.pre_rotate(-90.0);
    }
    let place = place.pre_translate(-back as f32, 0.0);
    let brush = brush(text.color, 1.0);
    sheet.fill_path(&path, &brush, FillRule::Winding, place, None);
}
