//! Clustered tables: histograms and scatter plots.

use locality::Rows;

use super::axes::{Frame, Sides, Span};
use super::scene::{Color, GREY, INK, Mark, PALETTE, Paint, SOFT, Scene, Stroke, Text, WHITE};
use crate::error::{Error, Result};

/// The most columns of a matrix of pairs.
const MOST: usize = 5;
/// Entries of the legend.
const LEGEND: usize = 14;

/// A table and the cluster of each row.
struct Table<'a> {
    columns: &'a [String],
    rows: Rows<'a, f64>,
    centers: Option<Rows<'a, f64>>,
    /// The rows of each cluster, largest label last; first those of none.
    members: Vec<(i64, Vec<usize>)>,
}

/// Draws it; see `plot::clusters`.
pub(crate) fn draw(
    columns: &[String],
    rows: Rows<'_, f64>,
    labels: &[i64],
    centers: Option<Rows<'_, f64>>,
) -> Result<Scene> {
    if rows.columns() != columns.len() || rows.rows() != labels.len() || columns.is_empty() {
        return Err(Error::data(format!(
            "a plot of {} rows and {} columns was given {} labels and {} names",
            rows.rows(),
            rows.columns(),
            labels.len(),
            columns.len()
        )));
    }
    let table = Table {
        columns,
        rows,
        centers: centers.filter(|c| c.columns() == columns.len()),
        members: members(labels),
    };
    match columns.len() {
        1 => table.histogram(),
        2 => table.scatter(),
        d => table.matrix(&table.telling(d)),
    }
}

fn members(labels: &[i64]) -> Vec<(i64, Vec<usize>)> {
    let mut all = std::collections::BTreeMap::<i64, Vec<usize>>::new();
    for (row, label) in labels.iter().enumerate() {
        all.entry((*label).max(-1)).or_default().push(row);
    }
    all.into_iter().collect()
}

/// Colour and mark of a cluster.
fn look(label: i64) -> (Color, Mark) {
    let Ok(i) = usize::try_from(label) else {
        return (GREY, Mark::Circle);
    };
    let marks = [Mark::Circle, Mark::Triangle, Mark::Square, Mark::Diamond];
    (
        PALETTE[i % PALETTE.len()],
        marks[i / PALETTE.len() % marks.len()],
    )
}

impl Table<'_> {
    fn column(&self, c: usize) -> impl Iterator<Item = f64> + '_ {
        self.rows.iter().map(move |row| row[c])
    }

    fn span(&self, c: usize) -> Result<Span> {
        Span::around(self.column(c), &format!("column '{}'", self.columns[c]))
    }

    fn title(&self) -> String {
        let k = self.members.iter().filter(|(label, _)| *label >= 0).count();
        let s = if k == 1 { "" } else { "s" };
        format!("{k} cluster{s} in {} rows", self.rows.rows())
    }

    /// Radius and opacity of dots: smaller and fainter where there are many.
    fn dots(&self, share: f64) -> (f64, f64) {
        let crowd = (250.0 / self.rows.rows() as f64).min(1.0);
        let radius = 3.4 * share * crowd.powf(0.25);
        (radius.max(0.8), 0.3 + 0.5 * crowd.sqrt())
    }

    /// The few columns whose means differ most between clusters, in the table's order.
    fn telling(&self, d: usize) -> Vec<usize> {
        let mut columns: Vec<usize> = (0..d).collect();
        let worth: Vec<f64> = (0..d).map(|c| self.spread_between(c)).collect();
        columns.sort_by(|a, b| worth[*b].total_cmp(&worth[*a]));
        columns.truncate(MOST);
        columns.sort_unstable();
        columns
    }

    /// The share of a column's variance that lies between clusters.
    fn spread_between(&self, c: usize) -> f64 {
        let mean = |rows: &[usize]| {
            rows.iter().map(|i| self.rows.row(*i)[c]).sum::<f64>() / rows.len() as f64
        };
        let all: Vec<usize> = (0..self.rows.rows()).collect();
        let middle = mean(&all);
        let total: f64 = self.column(c).map(|x| (x - middle).powi(2)).sum();
        let clusters = self.members.iter().filter(|(label, _)| *label >= 0);
        let between: f64 = clusters
            .map(|(_, rows)| rows.len() as f64 * (mean(rows) - middle).powi(2))
            .sum();
        if total > 0.0 { between / total } else { 0.0 }
    }

    fn legend(&self, scene: &mut Scene, left: f64, top: f64) {
        let mut y = top;
        let mut row = |scene: &mut Scene, mark: Option<(Color, Mark)>, words: String| {
            if let Some((color, mark)) = mark {
                scene.marks(
                    mark,
                    4.2,
                    vec![[left + 5.0, y - 4.0]],
                    Paint::fill(color, 1.0),
                );
            }
            scene.text(Text::new(left + 17.0, y, 11.0, words).color(SOFT));
            y += 18.0;
        };
        let clusters: Vec<_> = self.members.iter().filter(|m| m.0 >= 0).collect();
        for (label, rows) in clusters.iter().take(LEGEND) {
            row(
                scene,
                Some(look(*label)),
                format!("cluster {label} ({})", rows.len()),
            );
        }
        if clusters.len() > LEGEND {
            row(scene, None, format!("and {} more", clusters.len() - LEGEND));
        }
        if let Some((label, rows)) = self.members.iter().find(|m| m.0 < 0) {
            row(
                scene,
                Some(look(*label)),
                format!("no cluster ({})", rows.len()),
            );
        }
        if self.centers.is_some() {
            row(scene, Some((INK, Mark::Cross)), "centre".to_owned());
        }
    }

    /// The dots of two columns, orphans below, large clusters below small ones, centres above all.
    fn points(&self, scene: &mut Scene, frame: &Frame, pair: [usize; 2], share: f64) {
        let (radius, opacity) = self.dots(share);
        let mut order: Vec<_> = self.members.iter().collect();
        order.sort_by_key(|(label, rows)| (*label >= 0, std::cmp::Reverse(rows.len())));
        for (label, rows) in order {
            let (color, mark) = look(*label);
            let at = rows.iter().map(|i| {
                let row = self.rows.row(*i);
                frame.at(row[pair[0]], row[pair[1]])
            });
            scene.marks(mark, radius, at.collect(), Paint::fill(color, opacity));
        }
        if let Some(centers) = self.centers {
            let inside = |c: &[f64; 2]| {
                (frame.left..=frame.right()).contains(&c[0])
                    && (frame.top..=frame.bottom()).contains(&c[1])
            };
            let at: Vec<[f64; 2]> = centers
                .iter()
                .map(|c| frame.at(c[pair[0]], c[pair[1]]))
                .filter(inside)
                .collect();
            let halo = Paint::fill(WHITE, 1.0).outlined(Stroke::new(WHITE, 2.6));
            let size = 6.5 * share;
            scene.marks(Mark::Cross, size, at.clone(), halo);
            scene.marks(Mark::Cross, size, at, Paint::fill(INK, 1.0));
        }
    }

    fn scatter(&self) -> Result<Scene> {
        let title = self.title();
        let mut scene = Scene::new(700.0, 480.0, &title);
        scene.text(Text::new(24.0, 30.0, 14.5, title).bold());
        let frame = Frame {
            left: 68.0,
            top: 48.0,
            width: 480.0,
            height: 378.0,
            x: self.span(0)?,
            y: self.span(1)?,
        };
        let sides = Sides {
            x: &self.columns[0],
            y: &self.columns[1],
            ..Sides::default()
        };
        frame.axes(&mut scene, sides);
        self.points(&mut scene, &frame, [0, 1], 1.0);
        self.legend(&mut scene, 566.0, 62.0);
        Ok(scene)
    }

    fn matrix(&self, columns: &[usize]) -> Result<Scene> {
        let d = columns.len();
        let (cell, gap, left, top) = (if d == 3 { 210.0 } else { 150.0 }, 14.0, 76.0, 52.0);
        let side = d as f64 * (cell + gap);
        let title = if d < self.columns.len() {
            let all = self.columns.len();
            format!(
                "{}: the {d} of {all} columns that differ most",
                self.title()
            )
        } else {
            self.title()
        };
        let mut scene = Scene::new(left + side + 20.0, top + side + 44.0, &title);
        scene.text(
            Text::new(24.0, 30.0, 14.5, title)
                .bold()
                .within(left + side - 10.0),
        );
        for (i, &down) in columns.iter().enumerate() {
            for (j, &across) in columns[..=i].iter().enumerate() {
                let mut frame = Frame {
                    left: left + j as f64 * (cell + gap),
                    top: top + i as f64 * (cell + gap),
                    width: cell,
                    height: cell,
                    x: self.span(across)?,
                    y: self.span(down)?,
                };
                let sides = Sides {
                    x: if i + 1 == d {
                        &self.columns[across]
                    } else {
                        ""
                    },
                    y: if j == 0 { &self.columns[down] } else { "" },
                    bare_x: i + 1 < d,
                    bare_y: j > 0,
                    no_y: false,
                };
                if i == j {
                    let bars = self.bars(across, 24, frame.x);
                    frame.y = bars.span();
                    let sides = Sides {
                        y: "",
                        no_y: true,
                        ..sides
                    };
                    frame.axes(&mut scene, sides);
                    bars.draw(&mut scene, &frame);
                } else {
                    frame.axes(&mut scene, sides);
                    self.points(
                        &mut scene,
                        &frame,
                        [across, down],
                        if d == 3 { 0.85 } else { 0.7 },
                    );
                }
            }
        }
        self.legend(&mut scene, left + (cell + gap) * 1.0 + 30.0, top + 16.0);
        Ok(scene)
    }

    fn histogram(&self) -> Result<Scene> {
        let title = self.title();
        let mut scene = Scene::new(700.0, 400.0, &title);
        scene.text(Text::new(24.0, 30.0, 14.5, title).bold());
        let bars = self.bars(0, 48, self.span(0)?);
        let frame = Frame {
            left: 68.0,
            top: 48.0,
            width: 480.0,
            height: 298.0,
            x: self.span(0)?,
            y: bars.span(),
        };
        let sides = Sides {
            x: &self.columns[0],
            y: "rows",
            ..Sides::default()
        };
        frame.axes(&mut scene, sides);
        bars.draw(&mut scene, &frame);
        if let Some(centers) = self.centers {
            for center in centers.iter() {
                let [x, _] = frame.at(center[0], 0.0);
                if (frame.left..=frame.right()).contains(&x) {
                    let line = vec![[x, frame.top], [x, frame.bottom()]];
                    scene.line(line, Stroke::new(INK, 1.2).dashed());
                    let top = vec![[x, frame.top - 7.0]];
                    scene.marks(Mark::Cross, 4.5, top, Paint::fill(INK, 1.0));
                }
            }
        }
        self.legend(&mut scene, 566.0, 62.0);
        Ok(scene)
    }

    /// How many rows of each cluster lie in each of `n` equal parts of a span.
    fn bars(&self, c: usize, n: usize, span: Span) -> Bars {
        let width = (span.high - span.low) / n as f64;
        let count = |rows: &Vec<usize>| {
            let mut counts = vec![0; n];
            for i in rows {
                let place = ((self.rows.row(*i)[c] - span.low) / width) as usize;
                counts[place.min(n - 1)] += 1;
            }
            counts
        };
        Bars {
            low: span.low,
            width,
            layers: self
                .members
                .iter()
                .map(|(l, rows)| (*l, count(rows)))
                .collect(),
        }
    }
}

/// Counts on top of one another.
struct Bars {
    low: f64,
    width: f64,
    layers: Vec<(i64, Vec<usize>)>,
}

impl Bars {
    fn span(&self) -> Span {
        let n = self.layers.first().map_or(0, |l| l.1.len());
        let total = |i| self.layers.iter().map(|l| l.1[i]).sum::<usize>();
        let highest = (0..n).map(total).max().unwrap_or(0);
        Span {
            low: 0.0,
            high: highest.max(1) as f64 * 1.06,
        }
    }

    fn draw(&self, scene: &mut Scene, frame: &Frame) {
        let n = self.layers.first().map_or(0, |l| l.1.len());
        let mut below = vec![0; n];
        for (label, counts) in &self.layers {
            let (color, _) = look(*label);
            for (i, count) in counts.iter().enumerate().filter(|c| *c.1 > 0) {
                let left = self.low + i as f64 * self.width;
                let from = frame.at(left, below[i] as f64);
                let to = frame.at(left + self.width, (below[i] + count) as f64);
                let paint = Paint::fill(color, 0.85).outlined(Stroke::new(WHITE, 0.6));
                scene.rectangle(from, to, paint);
                below[i] += count;
            }
        }
    }
}
