//! A number over the plane, as a map.

use super::axes::{Frame, Sides, Span};
use super::regions::{CELLS, Plane};
use super::scene::{Color, INK, Mark, Paint, SOFT, Scene, Stroke, Text, WHITE};

/// Steps of the legend.
const STEPS: usize = 60;

/// What a map shows.
pub(crate) struct Map<'a> {
    pub(crate) title: &'a str,
    pub(crate) axes: [&'a str; 2],
    pub(crate) plane: Plane,
    /// At the middles of the [cells](super::cells); NaN where there is nothing to show.
    pub(crate) cells: &'a [f64],
    /// Places, the number at each, and whether it is told from 0.
    pub(crate) places: &'a [([f64; 2], f64, bool)],
    /// What the numbers are.
    pub(crate) what: &'a str,
}

/// Cells in red above 0, in blue below; places as dots, large where their number is told from 0.
pub(crate) fn draw(map: &Map<'_>) -> Scene {
    let mut scene = Scene::new(560.0, 560.0, map.title);
    scene.text(Text::new(24.0, 30.0, 14.5, map.title).bold().within(520.0));
    let [low, high] = map.plane;
    let span = |c: usize| Span {
        low: low[c],
        high: high[c],
    };
    // One unit is as long across as up.
    let (most, aspect) = ([440.0, 430.0], (high[0] - low[0]) / (high[1] - low[1]));
    let height = f64::min(most[1], most[0] / aspect);
    let frame = Frame {
        left: 66.0,
        top: 76.0,
        width: height * aspect,
        height,
        x: span(0),
        y: span(1),
    };
    let sides = Sides {
        x: map.axes[0],
        y: map.axes[1],
        ..Sides::default()
    };
    frame.axes(&mut scene, sides);
    let values = map.cells.iter().chain(map.places.iter().map(|p| &p.1));
    let top = values
        .filter(|v| v.is_finite())
        .fold(f64::MIN_POSITIVE, |a, v| a.max(v.abs()));
    let cell = [frame.width / CELLS as f64, frame.height / CELLS as f64];
    for (i, value) in map.cells.iter().enumerate() {
        if value.is_finite() {
            let left = frame.left + (i % CELLS) as f64 * cell[0];
            let upper = frame.bottom() - (i / CELLS + 1) as f64 * cell[1];
            // A little over the next ones: no seams between them.
            let to = [left + cell[0] + 0.4, upper + cell[1] + 0.4];
            scene.rectangle([left, upper], to, Paint::fill(shade(value / top), 1.0));
        }
    }
    for (told, radius) in [(false, 1.6), (true, 3.4)] {
        for ([x, y], value, _) in map.places.iter().filter(|p| p.2 == told) {
            let ring = Stroke::new(INK, 0.9);
            let paint = Paint::fill(shade(value / top), 1.0).outlined(ring);
            scene.marks(Mark::Circle, radius, vec![frame.at(*x, *y)], paint);
        }
    }
    legend(&mut scene, map.what, top);
    scene
}

fn legend(scene: &mut Scene, what: &str, top: f64) {
    let (left, upper, width) = (66.0, 48.0, 120.0);
    let step = width / STEPS as f64;
    for i in 0..STEPS {
        let share = 2.0 * (i as f64 + 0.5) / STEPS as f64 - 1.0;
        let x = left + i as f64 * step;
        let to = [x + step, upper + 9.0];
        scene.rectangle([x, upper], to, Paint::fill(shade(share), 1.0));
    }
    let words = format!("-{top:.2} to {top:.2}: {what}");
    scene.text(Text::new(left + width + 10.0, upper + 9.0, 11.0, words).color(SOFT));
}

/// From blue by way of white to red, for -1 to 1.
fn shade(share: f64) -> Color {
    let end = if share < 0.0 {
        [33.0, 90.0, 160.0]
    } else {
        [178.0, 40.0, 43.0]
    };
    let share = share.abs().min(1.0);
    let mix = |c: usize| {
        let white = f64::from(WHITE[c]);
        (white + (end[c] - white) * share).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::shade;

    #[test]
    fn zero_is_white_and_the_ends_are_blue_and_red() {
        assert_eq!(shade(0.0), [255; 3]);
        assert_eq!(shade(-1.0), [33, 90, 160]);
        assert_eq!(shade(5.0), [178, 40, 43]);
    }
}
