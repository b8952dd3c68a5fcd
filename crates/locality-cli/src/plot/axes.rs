//! Spans of numbers, nice ticks, and the frame of a chart.

use super::scene::{Anchor, FAINT, INK, SOFT, Scene, Stroke, Text};
use crate::error::{Error, Result};

/// From where to where an axis goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    /// All numbers, with some margin.
    pub(super) fn around(numbers: impl Iterator<Item = f64>, what: &str) -> Result<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in numbers {
            low = low.min(x);
            high = high.max(x);
        }
        let mut margin = (high - low) * 0.04;
        if low == high {
            margin = if low == 0.0 { 0.5 } else { low.abs() * 0.05 };
        }
        let span = Self {
            low: low - margin,
            high: high + margin,
        };
        if (span.high - span.low).is_finite() && span.high > span.low {
            return Ok(span);
        }
        Err(Error::data(format!(
            "{what} goes from {low} to {high}, too far apart or too close together to be drawn; scale the column"
        )))
    }

    /// At most so many round numbers within.
    pub(super) fn ticks(self, most: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / most.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
        let step = step.into_iter().find(|s| *s >= rough).unwrap_or(rough);
        let (first, last) = ((self.low / step).ceil(), (self.high / step).floor());
        let count = (last - first).max(0.0).min(most as f64) as usize;
        // + 0.0 turns a negative zero.
        (0..=count)
            .map(|i| (first + i as f64) * step + 0.0)
            .filter(|x| (self.low..=self.high).contains(x))
            .collect()
    }
}

/// The numbers of some ticks, all with equally many decimals.
pub(super) fn labels(ticks: &[f64]) -> Vec<String> {
    let largest = ticks.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    let step = ticks
        .windows(2)
        .map(|w| w[1] - w[0])
        .fold(f64::INFINITY, f64::min);
    let step = match (step.is_finite(), largest > 0.0) {
        (true, _) => step,
        (false, true) => largest,
        (false, false) => 1.0,
    };
    let minus = |text: String| text.replace('-', "−");
    if largest >= 1e5 || (largest < 1e-3 && largest > 0.0) {
        // As many digits as tell neighbours apart.
        let digits = (largest / step).log10().ceil().clamp(0.0, 6.0) as usize;
        let short = |x: f64| {
            let text = format!("{x:.digits$e}");
            let (head, power) = text.split_once('e').unwrap_or((&text, "0"));
            let head = if head.contains('.') {
                head.trim_end_matches('0').trim_end_matches('.')
            } else {
                head
            };
            if x == 0.0 {
                "0".to_owned()
            } else {
                format!("{head}e{power}")
            }
        };
        return ticks.iter().map(|x| minus(short(*x))).collect();
    }
    let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize;
    let plain = |x: &f64| minus(format!("{x:.decimals$}"));
    ticks.iter().map(plain).collect()
}

/// A rectangle of the drawing that shows a span in each direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Span,
    pub(super) y: Span,
}

/// What stands beside a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sides<'a> {
    /// Words below; ticks are drawn in any case.
    pub(super) x: &'a str,
    /// Words on the left.
    pub(super) y: &'a str,
    /// No numbers below.
    pub(super) bare_x: bool,
    /// No numbers on the left.
    pub(super) bare_y: bool,
    /// Nothing at all on the left.
    pub(super) no_y: bool,
}

/// Size of tick labels.
const SMALL: f64 = 10.0;

impl Frame {
    /// Where a point lies in the drawing.
    pub(super) fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let share = |v: f64, span: Span| (v - span.low) / (span.high - span.low);
        [
            self.left + share(x, self.x) * self.width,
            self.top + (1.0 - share(y, self.y)) * self.height,
        ]
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Grid, spines, ticks and words.
    pub(super) fn axes(&self, scene: &mut Scene, sides: Sides<'_>) {
        let (right, bottom) = (self.right(), self.bottom());
        let grid = Stroke::new(FAINT, 0.8);
        let spine = Stroke::new(SOFT, 1.0);
        let xs = self.x.ticks((self.width / 45.0).clamp(3.0, 9.0) as usize);
        let ys = if sides.no_y {
            Vec::new()
        } else {
            self.y.ticks((self.height / 36.0).clamp(3.0, 9.0) as usize)
        };
        for x in &xs {
            let [px, _] = self.at(*x, self.y.low);
            scene.line(vec![[px, self.top], [px, bottom]], grid);
        }
        for y in &ys {
            let [_, py] = self.at(self.x.low, *y);
            scene.line(vec![[self.left, py], [right, py]], grid);
        }
        let floor = [[self.left, bottom], [right, bottom]];
        let wall = (!sides.no_y).then_some([self.left, self.top]);
        let corner = wall.into_iter().chain(floor).collect();
        scene.line(corner, spine);
        for (x, label) in xs.iter().zip(labels(&xs)) {
            let [px, _] = self.at(*x, self.y.low);
            scene.line(vec![[px, bottom], [px, bottom + 4.0]], spine);
            if !sides.bare_x {
                let text = Text::new(px, bottom + 15.5, SMALL, label);
                scene.text(text.anchor(Anchor::Middle).color(SOFT));
            }
        }
        for (y, label) in ys.iter().zip(labels(&ys)) {
            let [_, py] = self.at(self.x.low, *y);
            scene.line(vec![[self.left - 4.0, py], [self.left, py]], spine);
            if !sides.bare_y {
                let text = Text::new(self.left - 7.0, py + 3.6, SMALL, label);
                scene.text(text.anchor(Anchor::End).color(SOFT));
            }
        }
        if !sides.x.is_empty() {
            let text = Text::new(self.left + self.width / 2.0, bottom + 33.0, 11.5, sides.x);
            scene.text(
                text.anchor(Anchor::Middle)
                    .color(INK)
                    .within(self.width + 12.0),
            );
        }
        if !sides.y.is_empty() {
            let middle = self.top + self.height / 2.0;
            let text = Text::new(self.left - 42.0, middle, 11.5, sides.y).upright();
            scene.text(
                text.anchor(Anchor::Middle)
                    .color(INK)
                    .within(self.height + 12.0),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(low: f64, high: f64) -> Vec<String> {
        labels(&Span { low, high }.ticks(5))
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(of(-0.1, 3.1), ["0", "1", "2", "3"]);
        assert_eq!(
            of(0.0, 0.25),
            ["0.00", "0.05", "0.10", "0.15", "0.20", "0.25"]
        );
        assert_eq!(of(-40.0, 55.0), ["−40", "−20", "0", "20", "40"]);
        assert_eq!(of(0.0, 3.2e6), ["0", "1e6", "2e6", "3e6"]);
        assert_eq!(
            of(1.0e6, 1.00004e6),
            ["1e6", "1.00001e6", "1.00002e6", "1.00003e6", "1.00004e6"]
        );
    }

    #[test]
    fn a_span_has_room_even_around_one_number() {
        let span = Span::around([7.0].into_iter(), "x").unwrap();
        assert!(span.low < 7.0 && span.high > 7.0);
        assert!(Span::around([0.0, 0.0].into_iter(), "x").unwrap().high > 0.0);
        for wide in [vec![-1.7e308, 1.7e308], vec![]] {
            assert!(Span::around(wide.into_iter(), "x").is_err());
        }
    }
}
