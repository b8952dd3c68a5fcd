//! Which class is likeliest where.

use super::axes::{Frame, Sides, Span};
use super::scene::{Mark, PALETTE, Paint, SOFT, Scene, Stroke, Text, WHITE};
use crate::error::Result;

/// Cells in each direction.
pub(crate) const CELLS: usize = 70;

/// A rectangle of the plane, `[x, y]` from and to.
pub(crate) type Plane = [[f64; 2]; 2];

/// The plane around some points.
pub(crate) fn plane(points: &[[f64; 2]], axes: [&str; 2]) -> Result<Plane> {
    let x = Span::around(points.iter().map(|p| p[0]), axes[0])?;
    let y = Span::around(points.iter().map(|p| p[1]), axes[1])?;
    Ok([[x.low, y.low], [x.high, y.high]])
}

/// Middles of the cells of a plane, row after row from below.
pub(crate) fn cells(plane: Plane) -> Vec<f64> {
    let at = |i: usize, c: usize| {
        plane[0][c] + (plane[1][c] - plane[0][c]) * (i as f64 + 0.5) / CELLS as f64
    };
    let row = |j: usize| (0..CELLS).flat_map(move |i| [at(i, 0), at(j, 1)]);
    (0..CELLS).flat_map(row).collect()
}

/// Cells in the colour of their likeliest class, paler where it is less sure; points in the colours of their own. `shares` are
/// the probabilities at [`cells`], of the classes of these names.
pub(crate) fn draw(
    title: &str,
    axes: [&str; 2],
    plane: Plane,
    shares: &[f64],
    points: &[[f64; 2]],
    codes: &[usize],
    names: &[String],
) -> Scene {
    let mut scene = Scene::new(640.0, 440.0, title);
    scene.text(Text::new(24.0, 30.0, 14.5, title).bold().within(600.0));
    let span = |c: usize| Span {
        low: plane[0][c],
        high: plane[1][c],
    };
    let frame = Frame {
        left: 66.0,
        top: 72.0,
        width: 550.0,
        height: 316.0,
        x: span(0),
        y: span(1),
    };
    let sides = Sides {
        x: axes[0],
        y: axes[1],
        ..Sides::default()
    };
    frame.axes(&mut scene, sides);
    let k = names.len();
    let (width, height) = (frame.width / CELLS as f64, frame.height / CELLS as f64);
    for (i, own) in shares.chunks_exact(k).enumerate() {
        let best = (1..k).fold(0, |b, c| if own[c] > own[b] { c } else { b });
        let sure = (own[best] * k as f64 - 1.0) / (k as f64 - 1.0);
        let left = frame.left + (i % CELLS) as f64 * width;
        let top = frame.bottom() - (i / CELLS + 1) as f64 * height;
        let paint = Paint::fill(
            PALETTE[best % PALETTE.len()],
            0.06 + 0.34 * sure.clamp(0.0, 1.0),
        );
        scene.rectangle([left, top], [left + width, top + height], paint);
    }
    let mut x = frame.left;
    for (c, name) in names.iter().enumerate() {
        let color = PALETTE[c % PALETTE.len()];
        let own = points.iter().zip(codes).filter(|(_, code)| **code == c);
        let at = own.map(|([x, y], _)| frame.at(*x, *y)).collect();
        let paint = Paint::fill(color, 0.95).outlined(Stroke::new(WHITE, 0.8));
        scene.marks(Mark::Circle, 3.6, at, paint);
        scene.marks(
            Mark::Circle,
            4.5,
            vec![[x + 5.0, 52.0]],
            Paint::fill(color, 1.0),
        );
        scene.text(Text::new(x + 15.0, 56.0, 11.0, name).color(SOFT));
        x += 15.0 + super::font::width(name, 11.0, false) + 22.0;
    }
    scene
}
