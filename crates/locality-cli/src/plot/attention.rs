//! Who looks at whom: a panel for each head of each layer.

use super::heat::shade;
use super::scene::{Anchor, INK, Paint, SOFT, Scene, Stroke, Text, WHITE};

/// The weights of a head.
pub(crate) struct Panel {
    /// What is written above it.
    pub(crate) name: String,
    /// Shares `[n, n]`, row after row: row `i` is what site `i` sees.
    pub(crate) weights: Vec<f64>,
}

/// Columns of panels at most, before rows become wider than a page.
const ACROSS: usize = 16;

/// Draws panels row by row, `columns` in each, over the same sites; depths are the same in all of them. Sites are named where there is room.
pub(crate) fn draw(title: &str, sites: &[String], panels: &[Panel], columns: usize) -> Scene {
    let columns = columns.clamp(1, ACROSS);
    let n = sites.len();
    let across = columns.min(panels.len());
    let down = panels.len().div_ceil(columns);
    // One panel is as large as a page, many are as small as can be read.
    let side = (960.0 / across as f64).clamp(84.0, 470.0);
    let cell = side / n as f64;
    let size = (cell * 0.86).min(10.5);
    let named = size >= 6.0;
    let longest = sites.iter().map(|s| super::font::width(s, size, false));
    let room = if named {
        longest.fold(0.0, f64::max).min(0.3 * side) + 7.0
    } else {
        4.0
    };
    let (gap, top, left) = (14.0, 50.0, 40.0);
    let step = [side + room + gap, side + room + gap + 14.0];
    let width = (left + across as f64 * step[0] + 10.0).max(420.0);
    let mut scene = Scene::new(width, top + down as f64 * step[1] + 24.0, title);
    scene.text(
        Text::new(24.0, 28.0, 14.5, title)
            .bold()
            .within(width - 48.0),
    );
    for (i, panel) in panels.iter().enumerate() {
        let x = left + (i % columns) as f64 * step[0] + room;
        let y = top + (i / columns) as f64 * step[1] + 14.0;
        let name = Text::new(x + side / 2.0, y - 5.0, 10.5, &panel.name);
        scene.text(name.anchor(Anchor::Middle).color(INK));
        for (row, weights) in panel.weights.chunks(n).enumerate() {
            for (column, weight) in weights.iter().enumerate() {
                // The root shows small shares too.
                let color = shade(weight.max(0.0).sqrt());
                if color != WHITE {
                    let from = [x + column as f64 * cell, y + row as f64 * cell];
                    let to = [from[0] + cell, from[1] + cell];
                    scene.rectangle(from, to, Paint::fill(color, 1.0));
                }
            }
        }
        let frame = Paint::line(Stroke::new(SOFT, 0.8));
        scene.rectangle([x, y], [x + side, y + side], frame);
        if named {
            for (k, site) in sites.iter().enumerate() {
                let middle = (k as f64 + 0.5) * cell + size * 0.35;
                let own = Text::new(x - 3.0, y + middle, size, site).within(room);
                scene.text(own.anchor(Anchor::End).color(SOFT));
                let below = Text::new(x + middle, y + side + 4.0, size, site).within(room);
                scene.text(below.anchor(Anchor::End).color(SOFT).upright());
            }
        }
    }
    let words = "a row for each token; deeper where it takes more of its mean";
    let end = top + down as f64 * step[1] + 10.0;
    scene.text(
        Text::new(24.0, end, 10.5, words)
            .color(SOFT)
            .within(width - 48.0),
    );
    scene
}
