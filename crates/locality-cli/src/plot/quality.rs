//! How good a model is: a curve with its band, residuals, calibration.

use super::axes::{Frame, Sides, Span};
use super::scene::{GREY, INK, Mark, PALETTE, Paint, SOFT, Scene, Stroke, Text, WHITE};
use crate::error::Result;

/// Shares of the probabilities that are put together.
const BINS: usize = 10;

fn frame(title: &str, axes: [&str; 2], x: Span, y: Span) -> (Scene, Frame) {
    let mut scene = Scene::new(640.0, 440.0, title);
    scene.text(Text::new(24.0, 30.0, 14.5, title).bold().within(600.0));
    let frame = Frame {
        left: 66.0,
        top: 72.0,
        width: 550.0,
        height: 316.0,
        x,
        y,
    };
    let sides = Sides {
        x: axes[0],
        y: axes[1],
        ..Sides::default()
    };
    frame.axes(&mut scene, sides);
    (scene, frame)
}

/// Swatch and words of a legend; returns where the next begins.
fn legend(scene: &mut Scene, x: f64, color: [u8; 3], opacity: f64, words: &str) -> f64 {
    scene.rectangle([x, 47.0], [x + 20.0, 57.0], Paint::fill(color, opacity));
    scene.text(Text::new(x + 26.0, 56.0, 11.0, words).color(SOFT));
    x + 26.0 + super::font::width(words, 11.0, false) + 22.0
}

/// Points, a curve, and a band `[x, lower, upper]` behind both, cut where it leaves the picture.
pub(crate) fn band(
    title: &str,
    axes: [&str; 2],
    points: &[[f64; 2]],
    (band, band_name): (&[[f64; 3]], &str),
    line: &[[f64; 2]],
    name: &str,
) -> Result<Scene> {
    let drawn = || points.iter().chain(line);
    let ends = band
        .iter()
        .flat_map(|[_, l, u]| [*l, *u])
        .filter(|y| y.is_finite());
    let x = Span::around(drawn().map(|p| p[0]), axes[0])?;
    let y = Span::around(drawn().map(|p| p[1]).chain(ends), axes[1])?;
    let (mut scene, frame) = frame(title, axes, x, y);
    let inside = |y: f64| y.clamp(frame.y.low, frame.y.high);
    let upper = band.iter().map(|[x, _, u]| frame.at(*x, inside(*u)));
    let lower = band.iter().rev().map(|[x, l, _]| frame.at(*x, inside(*l)));
    let around: Vec<[f64; 2]> = upper.chain(lower).collect();
    if !around.is_empty() {
        scene.area(around, Paint::fill(PALETTE[5], 0.28));
    }
    let at = points.iter().map(|[x, y]| frame.at(*x, *y)).collect();
    scene.marks(Mark::Circle, 2.6, at, Paint::fill(GREY, 0.6));
    let line: Vec<[f64; 2]> = line.iter().map(|[x, y]| frame.at(*x, *y)).collect();
    scene.line(line.clone(), Stroke::new(WHITE, 3.8));
    scene.line(line, Stroke::new(PALETTE[0], 2.2));
    let next = legend(&mut scene, frame.left, PALETTE[0], 1.0, name);
    if !band.is_empty() {
        legend(&mut scene, next, PALETTE[5], 0.45, band_name);
    }
    Ok(scene)
}

/// Residuals by prediction.
pub(crate) fn residuals(title: &str, axes: [&str; 2], pairs: &[[f64; 2]]) -> Result<Scene> {
    let x = Span::around(pairs.iter().map(|p| p[0]), axes[0])?;
    let y = Span::around(pairs.iter().map(|p| p[1]).chain([0.0]), axes[1])?;
    let (mut scene, frame) = frame(title, axes, x, y);
    let zero = vec![frame.at(frame.x.low, 0.0), frame.at(frame.x.high, 0.0)];
    let at = pairs.iter().map(|[x, y]| frame.at(*x, *y)).collect();
    scene.marks(Mark::Circle, 2.8, at, Paint::fill(PALETTE[0], 0.55));
    scene.line(zero, Stroke::new(INK, 1.2).dashed());
    Ok(scene)
}

/// How often a class is right among rows that are given about the same probability of it, for each class.
pub(crate) fn calibration(
    title: &str,
    names: &[String],
    codes: &[usize],
    shares: &[f64],
    k: usize,
) -> Scene {
    let whole = Span {
        low: -0.02,
        high: 1.02,
    };
    let axes = ["probability given", "share that is right"];
    let (mut scene, frame) = frame(title, axes, whole, whole);
    let ideal = vec![frame.at(0.0, 0.0), frame.at(1.0, 1.0)];
    scene.line(ideal, Stroke::new(SOFT, 1.2).dashed());
    // Of two classes one mirrors the other.
    let first = usize::from(k == 2);
    let mut x = frame.left;
    for c in (first..k).take(PALETTE.len()) {
        let mut bins = [[0.0; 3]; BINS];
        for (code, p) in codes.iter().zip(shares.iter().skip(c).step_by(k)) {
            let bin = ((p * BINS as f64) as usize).min(BINS - 1);
            bins[bin][0] += 1.0;
            bins[bin][1] += p;
            bins[bin][2] += f64::from(u8::from(*code == c));
        }
        let color = PALETTE[c - first];
        let filled: Vec<&[f64; 3]> = bins.iter().filter(|b| b[0] > 0.0).collect();
        let at = |b: &&[f64; 3]| frame.at(b[1] / b[0], b[2] / b[0]);
        scene.line(filled.iter().map(at).collect(), Stroke::new(color, 2.0));
        for bin in &filled {
            // The area of a mark is as the number of rows.
            let radius = 3.0 + 9.0 * (bin[0] / codes.len() as f64).sqrt();
            scene.marks(
                Mark::Circle,
                radius,
                vec![at(bin)],
                Paint::fill(color, 0.75),
            );
        }
        let name = names.get(c).map_or("", String::as_str);
        x = legend(&mut scene, x, color, 1.0, name);
    }
    scene
}
