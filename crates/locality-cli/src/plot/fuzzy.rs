//! Terms of fuzzy variables, and an output over two inputs.

use locality::fuzzy::{Conclusion, FuzzySystem, Membership, Output, Shape};

use super::axes::{Frame, Sides, Span};
use super::font;
use super::levels::{below, segments};
use super::scene::{Color, INK, Paint, SOFT, Scene, Stroke, Text};
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

/// A variable, its range, and its terms.
struct Panel<'a> {
    name: &'a str,
    range: [f64; 2],
    terms: Vec<(String, Curve<'a>)>,
    legend: Legend,
}

/// What a term looks like.
#[derive(Clone, Copy)]
enum Curve<'a> {
    Set(&'a Membership),
    /// A degree of 1 at one number.
    Spot(f64),
    /// A sum over the inputs, which is at no place of its own.
    Sum,
}

/// Where the names of a panel's terms stand: from the panel's left, and in which line.
struct Legend {
    places: Vec<(f64, usize)>,
    lines: usize,
}

/// Of a panel's frame.
const WIDTH: f64 = 290.0;
const HEIGHT: f64 = 164.0;
/// From the left of one panel to that of the next.
const STEP: f64 = 380.0;
/// Between panels that lie below one another, besides the names of terms.
const GAP: f64 = 76.0;
/// Of a line of names.
const LINE: f64 = 15.0;
/// How far names may reach, the sample of a line in front of each, and what is left free behind.
const REACH: f64 = 330.0;
const SAMPLE: f64 = 24.0;
const FREE: f64 = 13.0;
const SMALL: f64 = 10.5;
/// Values of a constant differ by less than this part of their size.
const ROUNDING: f64 = 1e-9;
/// More variables than this make no picture.
const MOST: usize = 40;

/// Draws the terms of all variables that have fuzzy sets, and below them the surface; of the outputs only `only`, where that is asked for.
pub(crate) fn draw(
    system: &FuzzySystem,
    only: Option<usize>,
    surface: Option<&Surface>,
) -> Result<Scene> {
    let panels = panels(system, only);
    if panels.len() > MOST {
        return Err(Error::data(format!(
            "the rules have {} variables; at most {MOST} can be drawn",
            panels.len()
        )));
    }
    let across = panels.len().clamp(1, 3);
    let lines = |row: &[Panel<'_>]| row.iter().map(|p| p.legend.lines).max().unwrap_or(0);
    let tall = |row: &[Panel<'_>]| lines(row) as f64 * LINE + HEIGHT + GAP;
    let top = 58.0 + panels.chunks(across).map(tall).sum::<f64>();
    let width = (across as f64 * STEP + 40.0).max(if surface.is_some() { 620.0 } else { 0.0 });
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
    let mut from = 61.0;
    for row in panels.chunks(across) {
        for (i, panel) in row.iter().enumerate() {
            let left = 66.0 + i as f64 * STEP;
            terms(&mut scene, panel, [left, from + lines(row) as f64 * LINE]);
        }
        from += tall(row);
    }
    if let Some(surface) = surface {
        plane(&mut scene, system, surface, [66.0, top + 30.0])?;
    }
    Ok(scene)
}

fn panels(system: &FuzzySystem, only: Option<usize>) -> Vec<Panel<'_>> {
    let inputs = system.inputs().iter().map(|input| {
        let terms = input.terms.iter();
        let terms = terms.map(|(name, set)| (name.clone(), Curve::of(set)));
        Panel::new(&input.name, input.range, terms.collect())
    });
    let outputs = system.outputs().iter().enumerate();
    let outputs = outputs.filter(|(o, _)| only.is_none_or(|only| only == *o));
    let outputs = outputs.filter_map(|(_, output)| {
        // One that is asked for by its name has a panel of its numbers too.
        let terms = curves(system, output, only.is_some());
        (!terms.is_empty()).then(|| Panel::new(&output.name, output.range, terms))
    });
    inputs.chain(outputs).collect()
}

/// The terms of an output that are fuzzy sets, or also those that are numbers, and beside these sums in words.
fn curves<'a>(system: &FuzzySystem, output: &'a Output, numbers: bool) -> Vec<(String, Curve<'a>)> {
    let terms = output.terms.iter().filter_map(|(name, is)| match is {
        Conclusion::Set(set) => Some((name.clone(), Curve::of(set))),
        Conclusion::Affine { .. } if !numbers => None,
        Conclusion::Affine { constant, slopes } if slopes.iter().all(|s| *s == 0.0) => {
            Some((name.clone(), Curve::Spot(*constant)))
        }
        Conclusion::Affine { .. } => {
            let sum = format!("{name} = {}", system.conclusion_text(is));
            Some((sum, Curve::Sum))
        }
    });
    let terms: Vec<_> = terms.collect();
    if terms.iter().all(|(_, curve)| matches!(curve, Curve::Sum)) {
        return Vec::new();
    }
    terms
}

impl<'a> Curve<'a> {
    fn of(set: &'a Membership) -> Self {
        match (set.shape(), set.parameters()) {
            (Shape::Singleton, [x]) => Self::Spot(*x),
            _ => Self::Set(set),
        }
    }
}

impl<'a> Panel<'a> {
    fn new(name: &'a str, range: [f64; 2], terms: Vec<(String, Curve<'a>)>) -> Self {
        // The numbers that Takagi-Sugeno-Kang rules conclude may lie beyond the range.
        let spots = terms.iter().filter_map(|(_, curve)| match curve {
            Curve::Spot(x) => Some(*x),
            Curve::Set(_) | Curve::Sum => None,
        });
        let range = spots.fold(range, |[low, high], x| [low.min(x), high.max(x)]);
        let legend = Legend::of(terms.iter().map(|(term, _)| &**term));
        Self {
            name,
            range,
            terms,
            legend,
        }
    }
}

impl Legend {
    /// As many lines as the names need.
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let (mut x, mut line) = (0.0, 0);
        let mut places = Vec::new();
        for name in names {
            let wide = SAMPLE + font::width(name, SMALL, true);
            if x > 0.0 && x + wide > REACH {
                (x, line) = (0.0, line + 1);
            }
            places.push((x, line));
            x += wide + FREE;
        }
        Self {
            lines: if places.is_empty() { 0 } else { line + 1 },
            places,
        }
    }
}

fn terms(scene: &mut Scene, panel: &Panel<'_>, [left, top]: [f64; 2]) {
    let [low, high] = panel.range;
    let frame = Frame {
        left,
        top,
        width: WIDTH,
        height: HEIGHT,
        x: Span { low, high },
        y: Span {
            low: 0.0,
            high: 1.08,
        },
    };
    let sides = Sides {
        x: panel.name,
        ..Sides::default()
    };
    frame.axes(scene, sides);
    let legend = &panel.legend;
    for (i, ((term, curve), (x, line))) in panel.terms.iter().zip(&legend.places).enumerate() {
        let stroke = Stroke::nth(i);
        match curve {
            Curve::Set(set) => {
                let points = (0..=240).map(|k| {
                    let at = low + (high - low) * f64::from(k) / 240.0;
                    frame.at(at, set.at(at))
                });
                let line: Vec<[f64; 2]> = points.collect();
                let mut area = line.clone();
                area.push([frame.right(), frame.bottom()]);
                area.push([frame.left, frame.bottom()]);
                scene.area(area, Paint::fill(stroke.color, 0.1));
                scene.line(line, stroke);
            }
            Curve::Spot(at) => {
                scene.line(vec![frame.at(*at, 0.0), frame.at(*at, 1.0)], stroke);
            }
            Curve::Sum => {}
        }
        let (x, y) = (
            left + x,
            top - 7.0 - (legend.lines - 1 - line) as f64 * LINE,
        );
        let (from, color) = if matches!(curve, Curve::Sum) {
            (x, SOFT)
        } else {
            let sample = vec![[x, y - 3.5], [x + SAMPLE - 5.0, y - 3.5]];
            scene.line(sample, stroke);
            (x + SAMPLE, stroke.color)
        };
        scene.text(
            Text::new(from, y, SMALL, term)
                .bold()
                .color(color)
                .within(REACH - SAMPLE),
        );
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
    fn every_term_has_a_name_and_a_look_of_its_own() {
        let names: Vec<String> = (1..=30).map(|i| format!("level_{i}")).collect();
        let legend = Legend::of(names.iter().map(String::as_str));
        for (i, (x, line)) in legend.places.iter().enumerate() {
            let wide = SAMPLE + font::width(&names[i], SMALL, true);
            assert!(x + wide <= REACH && *line < legend.lines);
            if let Some((next, same)) = legend.places.get(i + 1)
                && same == line
            {
                assert!(*next >= x + wide);
            }
        }
        let look = |i| {
            let stroke = Stroke::nth(i);
            (stroke.color, stroke.dash, stroke.width.to_bits())
        };
        for i in 0..84 {
            assert!((0..i).all(|j| look(j) != look(i)), "{i}");
        }
    }

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
