//! Terms of fuzzy variables, and an output over two inputs.

use locality::fuzzy::{Conclusion, FuzzySystem, Membership};

use super::axes::{Frame, Sides, Span};
use super::font;
use super::levels::{below, segments};
use super::scene::{Color, INK, PALETTE, Paint, SOFT, Scene, Stroke, Text};
use crate::error::{Error, Result};

/// Values of an output over two inputs.
pub(crate) struct Surface {
    /// Which inputs.
    pub(crate) over: [usize; 2],
    /// Which output.
    pub(crate) output: usize,
    /// Points along each input.
    pub(crate) points: usize,
    /// `[points, points]`: a row for each value of the second.
    pub(crate) values: Vec<f64>,
}

/// A panel: a name, a range, and terms.
type Panel<'a> = (&'a str, [f64; 2], Vec<(&'a str, &'a Membership)>);

const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 190.0;
/// Values of a constant differ by less than this part of their size.
const ROUNDING: f64 = 1e-9;
/// More variables than this make no picture.
const MOST: usize = 40;

/// Draws the terms of all variables that have fuzzy sets, and below them the surface.
pub(crate) fn draw(system: &FuzzySystem, surface: Option<&Surface>) -> Result<Scene> {
    let panels = panels(system);
    if panels.len() > MOST {
        return Err(Error::data(format!(
            "the rules have {} variables; at most {MOST} can be drawn",
            panels.len()
        )));
    }
    let across = panels.len().clamp(1, 3);
    let down = panels.len().div_ceil(across);
    let top = 58.0 + down as f64 * (HEIGHT + 64.0);
    let width =
        (across as f64 * (WIDTH + 50.0) + 40.0).max(if surface.is_some() { 620.0 } else { 0.0 });
    let height = top + if surface.is_some() { 450.0 } else { 0.0 };
    let name = if system.name().is_empty() {
        "Fuzzy rules"
    } else {
        system.name()
    };
    let mut scene = Scene::new(width, height, format!("Terms of {name}"));
    scene.text(
        Text::new(24.0, 30.0, 15.0, name)
            .bold()
            .within(width - 48.0),
    );
    for (i, panel) in panels.iter().enumerate() {
        let left = 66.0 + (i % across) as f64 * (WIDTH + 50.0);
        let from = 76.0 + (i / across) as f64 * (HEIGHT + 64.0);
        terms(&mut scene, panel, [left, from]);
    }
    if let Some(surface) = surface {
        plane(&mut scene, system, surface, [66.0, top + 30.0])?;
    }
    Ok(scene)
}

fn panels(system: &FuzzySystem) -> Vec<Panel<'_>> {
    let inputs = system.inputs().iter().map(|input| {
        let terms = input.terms.iter().map(|(name, set)| (&**name, set));
        (&*input.name, input.range, terms.collect())
    });
    let outputs = system.outputs().iter().filter_map(|output| {
        let sets = output.terms.iter().filter_map(|(name, is)| match is {
            Conclusion::Set(set) => Some((&**name, set)),
            Conclusion::Affine { .. } => None,
        });
        let sets: Vec<_> = sets.collect();
        (!sets.is_empty()).then_some((&*output.name, output.range, sets))
    });
    inputs.chain(outputs).collect()
}

fn terms(scene: &mut Scene, (name, range, terms): &Panel<'_>, [left, top]: [f64; 2]) {
    let frame = Frame {
        left,
        top,
        width: WIDTH - 40.0,
        height: HEIGHT - 26.0,
        x: Span {
            low: range[0],
            high: range[1],
        },
        y: Span {
            low: 0.0,
            high: 1.08,
        },
    };
    let sides = Sides {
        x: name,
        ..Sides::default()
    };
    frame.axes(scene, sides);
    let mut x = left;
    for (i, (term, set)) in terms.iter().enumerate() {
        let color = PALETTE[i % PALETTE.len()];
        let points = (0..=240).map(|k| {
            let at = range[0] + (range[1] - range[0]) * f64::from(k) / 240.0;
            frame.at(at, set.at(at))
        });
        let line: Vec<[f64; 2]> = points.collect();
        let mut area = line.clone();
        area.push([frame.right(), frame.bottom()]);
        area.push([frame.left, frame.bottom()]);
        scene.area(area, Paint::fill(color, 0.1));
        scene.line(line, Stroke::new(color, 2.0));
        let wide = font::width(term, 10.5, true);
        if x + wide <= left + WIDTH - 20.0 {
            scene.text(Text::new(x, top - 7.0, 10.5, *term).bold().color(color));
            x += wide + 11.0;
        }
    }
}

fn plane(
    scene: &mut Scene,
    system: &FuzzySystem,
    surface: &Surface,
    [left, top]: [f64; 2],
) -> Result<()> {
    let [a, b] = surface.over.map(|j| &system.inputs()[j]);
    let output = &system.outputs()[surface.output];
    let known = surface.values.iter().copied().filter(|v| v.is_finite());
    let (mut low, mut high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(v), h.max(v))
    });
    if low > high {
        return Err(Error::data(format!(
            "no rule about '{}' fires anywhere over {} and {}; add rules",
            output.name, a.name, b.name
        )));
    }
    if high - low <= ROUNDING * low.abs().max(high.abs()) {
        (low, high) = (low - 0.5, high + 0.5);
    }
    let span = |range: [f64; 2]| Span {
        low: range[0],
        high: range[1],
    };
    let frame = Frame {
        left,
        top,
        width: 400.0,
        height: 360.0,
        x: span(a.range),
        y: span(b.range),
    };
    scene.text(
        Text::new(
            left,
            top - 12.0,
            12.0,
            format!("{} over {} and {}", output.name, a.name, b.name),
        )
        .bold()
        .within(560.0),
    );
    let n = surface.points;
    for (i, row) in surface.values.chunks(n).enumerate() {
        for (k, value) in row.iter().enumerate() {
            if value.is_finite() {
                let (across, up) = (cell(k, n, frame.width), cell(i, n, frame.height));
                let from = [left + across[0], frame.bottom() - up[1]];
                // A little over the edge, so that no seams show.
                let to = [left + across[1] + 0.4, frame.bottom() - up[0] + 0.4];
                let to = [to[0].min(frame.right()), to[1].min(frame.bottom())];
                scene.rectangle(
                    from,
                    to,
                    Paint::fill(shade((value - low) / (high - low)), 1.0),
                );
            }
        }
    }
    let sides = Sides {
        x: &a.name,
        y: &b.name,
        ..Sides::default()
    };
    frame.axes(scene, sides);
    let bar = Frame {
        left: left + 460.0,
        width: 18.0,
        x: Span {
            low: 0.0,
            high: 1.0,
        },
        y: Span { low, high },
        ..frame
    };
    for k in 0..60 {
        let share = (f64::from(k) + 0.5) / 60.0;
        let step = bar.height / 60.0;
        let from = [bar.left, bar.bottom() - f64::from(k + 1) * step];
        let to = [
            bar.left + bar.width,
            (from[1] + step + 0.4).min(bar.bottom()),
        ];
        scene.rectangle(from, to, Paint::fill(shade(share), 1.0));
    }
    let ticks = bar.y.ticks(7);
    for (y, label) in ticks.iter().zip(super::axes::labels(&ticks)) {
        // The surface has a line at each number of the bar.
        let step = [frame.width, frame.height].map(|side| side / (n - 1) as f64);
        for ends in segments(&surface.values, n, below(*y, high - low)) {
            let ends = ends.map(|[x, y]| [left + x * step[0], frame.bottom() - y * step[1]]);
            scene.line(ends.to_vec(), Stroke::new(INK, 0.7));
        }
        let [_, py] = bar.at(0.0, *y);
        let end = bar.left + bar.width;
        scene.line(vec![[end, py], [end + 4.0, py]], Stroke::new(SOFT, 1.0));
        scene.text(Text::new(end + 8.0, py + 3.6, 10.0, label).color(SOFT));
    }
    Ok(())
}

/// Where the cell of one of `n` points along a side begins and ends. The points lie from end to end, as the axes and the lines have them, and
/// a cell is what is nearest to its point.
fn cell(point: usize, n: usize, side: f64) -> [f64; 2] {
    let step = side / (n - 1) as f64;
    let at = point as f64 * step;
    [(at - 0.5 * step).max(0.0), (at + 0.5 * step).min(side)]
}

/// From deep blue by way of green to yellow, rising in lightness.
fn shade(share: f64) -> Color {
    let stops = [
        [62.0, 36.0, 120.0],
        [42.0, 110.0, 142.0],
        [60.0, 175.0, 120.0],
        [250.0, 222.0, 60.0],
    ];
    let place = 3.0 * share.clamp(0.0, 1.0);
    let from = (place.floor() as usize).min(2);
    let t = place - from as f64;
    let mix = |c: usize| (stops[from][c] + t * (stops[from + 1][c] - stops[from][c])).round() as u8;
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_around_the_points_that_lines_go_through() {
        // A level of 1.5 in 0, 1, 2, 3 is crossed half way from the second point to the third: where their cells meet.
        let values: Vec<f64> = (0..16).map(|i| f64::from(i % 4)).collect();
        let step = 300.0 / 3.0;
        for ends in segments(&values, 4, 1.5) {
            for [x, _] in ends {
                assert!((x * step - cell(1, 4, 300.0)[1]).abs() < 1e-9);
                assert!((x * step - cell(2, 4, 300.0)[0]).abs() < 1e-9);
            }
        }
        assert!(!segments(&values, 4, 1.5).is_empty());
        assert_eq!((cell(0, 4, 300.0)[0], cell(3, 4, 300.0)[1]), (0.0, 300.0));
    }
}
