//! The core's one list of profiles, drawn.

use locality::{Kernel, LocalMean, OnEmpty, ProfileInfo, Rows, Takes, Watch, profiles};

use super::axes::{Frame, Sides, Span};
use super::font;
use super::scene::{Color, PALETTE, Paint, SOFT, Scene, Stroke, Text};
use crate::error::Result;

/// Points of a curve; close enough that the edge of the flat kernel looks upright.
const POINTS: usize = 1501;

/// Weight against distance or score.
struct Profile {
    info: &'static ProfileInfo,
    points: Vec<[f64; 2]>,
}

/// Each profile under its name, and the sheet.
pub(super) fn all() -> Result<Vec<(String, Scene)>> {
    let mut list = Vec::new();
    for info in profiles() {
        list.push((info.name.to_owned(), Profile::of(info)?.draw()));
    }
    list.push(("kernels".to_owned(), sheet()?));
    Ok(list)
}

/// All profiles beside one another.
pub(crate) fn sheet() -> Result<Scene> {
    let mut list: Vec<&ProfileInfo> = profiles().iter().collect();
    list.sort_by_key(|info| (info.takes == Takes::Score, !info.bounded));
    let across = 4;
    let (width, height) = (236.0, 196.0);
    let (left, top) = (24.0, 84.0);
    let down = list.len().div_ceil(across) as f64;
    let title = format!("The {} kernel profiles: how much a site counts", list.len());
    let mut scene = Scene::new(
        2.0 * left + width * across as f64,
        top + height * down + 12.0,
        &title,
    );
    scene.text(Text::new(left, 32.0, 17.0, title).bold());
    let mut x = left;
    for (color, words) in [
        (BOUNDED, "zero beyond one bandwidth"),
        (ENDLESS, "never zero"),
        (SCORE, "grows or falls with a score"),
    ] {
        scene.line(vec![[x, 54.0], [x + 22.0, 54.0]], Stroke::new(color, 2.6));
        scene.text(Text::new(x + 29.0, 58.0, 11.5, words).color(SOFT));
        x += 29.0 + font::width(words, 11.5, false) + 26.0;
    }
    for (i, info) in list.into_iter().enumerate() {
        let corner = [
            left + (i % across) as f64 * width,
            top + (i / across) as f64 * height,
        ];
        Profile::of(info)?.small(&mut scene, corner, width);
    }
    Ok(scene)
}

const BOUNDED: Color = PALETTE[1];
const ENDLESS: Color = PALETTE[0];
const SCORE: Color = PALETTE[2];

impl Profile {
    fn of(info: &'static ProfileInfo) -> Result<Self> {
        if info.takes == Takes::Distance {
            let kernel = format!("{}(h=1)", info.name);
            let points = curve(&kernel, 0.0, [0.0, 3.0])?;
            return Ok(Self { info, points });
        }
        // With a key of 1 the inner product is the query itself.
        let kernel = format!("{}(metric=dot)", info.name);
        let mut points = curve(&kernel, 1.0, [-4.0, 4.0])?;
        if points.iter().any(|p| p[1] > 1.0) {
            points = curve(&kernel, 1.0, [-2.0, 2.0])?;
        }
        Ok(Self { info, points })
    }

    fn color(&self) -> Color {
        match (self.info.takes, self.info.bounded) {
            (Takes::Score, _) => SCORE,
            (_, true) => BOUNDED,
            _ => ENDLESS,
        }
    }

    fn axis(&self) -> &'static str {
        match self.info.takes {
            Takes::Score => "score s",
            Takes::Distance => "distance u, in bandwidths",
        }
    }

    fn frame(&self, left: f64, top: f64, width: f64, height: f64) -> Frame {
        let (first, last) = (self.points[0][0], self.points[POINTS - 1][0]);
        let highest = self.points.iter().fold(1.0, |a: f64, p| a.max(p[1]));
        Frame {
            left,
            top,
            width,
            height,
            x: Span {
                low: first,
                high: last,
            },
            y: Span {
                low: 0.0,
                high: highest * 1.06,
            },
        }
    }

    fn plot(&self, scene: &mut Scene, frame: &Frame, width: f64) {
        let color = self.color();
        let line: Vec<[f64; 2]> = self.points.iter().map(|[x, y]| frame.at(*x, *y)).collect();
        let mut area = line.clone();
        area.push([frame.right(), frame.bottom()]);
        area.push([frame.left, frame.bottom()]);
        scene.area(area, Paint::fill(color, 0.12));
        // One bandwidth, or the score zero.
        let mark = if self.info.takes == Takes::Distance {
            1.0
        } else {
            0.0
        };
        let [x, _] = frame.at(mark, 0.0);
        let upright = vec![[x, frame.top], [x, frame.bottom()]];
        scene.line(upright, Stroke::new(SOFT, 0.9).dashed());
        scene.line(line, Stroke::new(color, width));
    }

    fn draw(&self) -> Scene {
        let mut scene = Scene::new(520.0, 380.0, format!("Kernel {}", self.info.name));
        scene.text(Text::new(24.0, 32.0, 16.0, self.info.name).bold());
        let formula = Text::new(24.0, 53.0, 12.0, pretty(self.info.formula));
        scene.text(formula.color(self.color()).within(472.0));
        let frame = self.frame(66.0, 72.0, 430.0, 252.0);
        let sides = Sides {
            x: self.axis(),
            y: "weight",
            ..Sides::default()
        };
        frame.axes(&mut scene, sides);
        self.plot(&mut scene, &frame, 2.4);
        scene
    }

    fn small(&self, scene: &mut Scene, corner: [f64; 2], width: f64) {
        let [x, y] = corner;
        scene.text(Text::new(x, y + 14.0, 12.0, self.info.name).bold());
        for (i, line) in wrap(&pretty(self.info.formula), 9.5, width - 18.0)
            .iter()
            .enumerate()
        {
            let text = Text::new(x, y + 29.0 + 12.5 * i as f64, 9.5, line);
            scene.text(text.color(SOFT));
        }
        let frame = self.frame(x + 26.0, y + 52.0, width - 52.0, 108.0);
        frame.axes(scene, Sides::default());
        self.plot(scene, &frame, 2.0);
    }
}

/// The weights of queries between two ends, as the log normaliser of a single key.
fn curve(kernel: &str, key: f64, ends: [f64; 2]) -> Result<Vec<[f64; 2]>> {
    let kernel: Kernel = kernel.parse()?;
    let step = (ends[1] - ends[0]) / (POINTS - 1) as f64;
    let at: Vec<f64> = (0..POINTS).map(|i| ends[0] + i as f64 * step).collect();
    let fit = LocalMean::new(kernel)
        .on_empty(OnEmpty::Nan)
        .fit(Rows::column(&[key]), Rows::column(&[1.0]))?;
    let weights = fit.at(Rows::column(&at), &Watch::default())?.log_normalizer;
    Ok(at
        .into_iter()
        .zip(weights)
        .map(|(x, log)| [x, log.exp()])
        .collect())
}

/// A formula with the signs that a keyboard lacks.
fn pretty(formula: &str) -> String {
    formula
        .replace("^2", "²")
        .replace("^3", "³")
        .replace("<=", "≤")
        .replace("sqrt(3)", "√3")
        .replace("sqrt(5)", "√5")
        .replace('-', "−")
}

/// Words in lines of at most some width.
fn wrap(words: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let last = lines.len() - 1;
        let longer = format!("{} {word}", lines[last]);
        if lines[last].is_empty() {
            word.clone_into(&mut lines[last]);
        } else if font::width(&longer, size, false) <= width {
            lines[last] = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
