//! A matrix of shares, as cells from white to blue.

use super::scene::{Anchor, Color, INK, Paint, SOFT, Scene, Stroke, Text, WHITE};

/// Draws `n x n` values (row after row) relative to the largest; `groups` are names and sizes of runs of rows and columns.
pub(crate) fn draw(
    title: &str,
    axes: [&str; 2],
    n: usize,
    values: &[f64],
    groups: &[(String, usize)],
) -> Scene {
    let (left, top, side) = (74.0, 56.0, 450.0);
    let cell = side / n as f64;
    let mut scene = Scene::new(left + side + 30.0, top + side + 56.0, title);
    scene.text(
        Text::new(24.0, 30.0, 14.5, title)
            .bold()
            .within(left + side - 20.0),
    );
    let most = values.iter().fold(f64::MIN_POSITIVE, |a, b| a.max(*b));
    for (i, row) in values.chunks(n).enumerate() {
        for (j, value) in row.iter().enumerate() {
            // The root shows small shares too.
            let color = shade((value / most).max(0.0).sqrt());
            if color != WHITE {
                let from = [left + j as f64 * cell, top + i as f64 * cell];
                let to = [from[0] + cell, from[1] + cell];
                scene.rectangle(from, to, Paint::fill(color, 1.0));
            }
        }
    }
    let mut start = 0;
    for (name, size) in groups {
        let middle = (start as f64 + *size as f64 / 2.0) * cell;
        let end = (start + size) as f64 * cell;
        scene.text(
            Text::new(left + middle, top + side + 17.0, 11.0, name)
                .anchor(Anchor::Middle)
                .color(SOFT),
        );
        scene.text(
            Text::new(left - 9.0, top + middle, 11.0, name)
                .anchor(Anchor::Middle)
                .color(SOFT)
                .upright(),
        );
        let line = Stroke::new(SOFT, 0.7);
        if start + size < n {
            let (x, y) = (left + end, top + end);
            scene.line(vec![[x, top], [x, top + side]], line.dashed());
            scene.line(vec![[left, y], [left + side, y]], line.dashed());
        }
        start += size;
    }
    let frame = Paint::line(Stroke::new(SOFT, 1.0));
    scene.rectangle([left, top], [left + side, top + side], frame);
    let across = Text::new(left + side / 2.0, top + side + 38.0, 11.5, axes[0]);
    scene.text(across.anchor(Anchor::Middle).color(INK));
    let down = Text::new(left - 34.0, top + side / 2.0, 11.5, axes[1]).upright();
    scene.text(down.anchor(Anchor::Middle).color(INK));
    scene
}

/// From white by way of a light to a deep blue.
pub(super) fn shade(share: f64) -> Color {
    let stops = [
        [255.0, 255.0, 255.0],
        [120.0, 185.0, 225.0],
        [0.0, 60.0, 120.0],
    ];
    let place = share.clamp(0.0, 1.0) * 2.0;
    let (low, part) = if place < 1.0 {
        (0, place)
    } else {
        (1, place - 1.0)
    };
    [0, 1, 2].map(|c| (stops[low][c] * (1.0 - part) + stops[low + 1][c] * part).round() as u8)
}
