//! Points and curves over one axis.

use super::axes::{Frame, Sides, Span};
use super::scene::{GREY, Mark, PALETTE, Paint, SOFT, Scene, Stroke, Text, WHITE};
use crate::error::Result;

/// A curve and what it is called.
pub(crate) struct Curve {
    /// Words of the legend.
    pub(crate) name: String,
    /// Points from left to right.
    pub(crate) points: Vec<[f64; 2]>,
}

/// Draws points in grey and curves in colour above them.
pub(crate) fn draw(
    title: &str,
    axes: [&str; 2],
    points: &[[f64; 2]],
    curves: &[Curve],
) -> Result<Scene> {
    let mut scene = Scene::new(640.0, 440.0, title);
    scene.text(Text::new(24.0, 30.0, 14.5, title).bold().within(600.0));
    let all = || {
        let drawn = curves.iter().flat_map(|c| &c.points);
        points.iter().chain(drawn).copied()
    };
    let frame = Frame {
        left: 66.0,
        top: 72.0,
        width: 550.0,
        height: 316.0,
        x: Span::around(all().map(|p| p[0]), axes[0])?,
        y: Span::around(all().map(|p| p[1]), axes[1])?,
    };
    let sides = Sides {
        x: axes[0],
        y: axes[1],
        ..Sides::default()
    };
    frame.axes(&mut scene, sides);
    let at = points.iter().map(|[x, y]| frame.at(*x, *y)).collect();
    scene.marks(Mark::Circle, 2.6, at, Paint::fill(GREY, 0.6));
    let mut x = frame.left;
    for (i, curve) in curves.iter().enumerate() {
        let color = PALETTE[i % PALETTE.len()];
        let line: Vec<[f64; 2]> = curve.points.iter().map(|[x, y]| frame.at(*x, *y)).collect();
        if line.len() == 1 {
            // One point makes no line.
            scene.marks(Mark::Circle, 4.0, line, Paint::fill(color, 1.0));
        } else {
            scene.line(line.clone(), Stroke::new(WHITE, 3.8));
            scene.line(line, Stroke::new(color, 2.2));
        }
        let swatch = vec![[x, 52.0], [x + 20.0, 52.0]];
        scene.line(swatch, Stroke::new(color, 2.6));
        scene.text(Text::new(x + 26.0, 56.0, 11.0, &curve.name).color(SOFT));
        x += 26.0 + super::font::width(&curve.name, 11.0, false) + 22.0;
    }
    Ok(scene)
}
