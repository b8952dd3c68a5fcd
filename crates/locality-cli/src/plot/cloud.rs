//! Coordinates as dots, coloured by a column.

use super::axes::{Frame, Sides, Span};
use super::scene::{Color, Mark, PALETTE, Paint, SOFT, Scene, Text};
use crate::error::Result;

/// Up to so many different words or numbers have a colour each.
const FEW: usize = PALETTE.len();

/// Draws points, `colors` being the name of a column and its cells.
pub(crate) fn draw(
    title: &str,
    axes: [&str; 2],
    points: &[[f64; 2]],
    colors: Option<(&str, &[String])>,
) -> Result<Scene> {
    let mut scene = Scene::new(700.0, 560.0, title);
    scene.text(Text::new(24.0, 30.0, 14.5, title).bold().within(660.0));
    let frame = Frame {
        left: 76.0,
        top: 50.0,
        width: 450.0,
        height: 440.0,
        x: Span::around(points.iter().map(|p| p[0]), axes[0])?,
        y: Span::around(points.iter().map(|p| p[1]), axes[1])?,
    };
    let sides = Sides {
        x: axes[0],
        y: axes[1],
        ..Sides::default()
    };
    frame.axes(&mut scene, sides);
    let crowd = (250.0 / points.len() as f64).min(1.0);
    let (radius, opacity) = ((3.6 * crowd.powf(0.25)).max(1.0), 0.45 + 0.4 * crowd.sqrt());
    let at = |i: usize| frame.at(points[i][0], points[i][1]);
    let Some((name, cells)) = colors else {
        let all = (0..points.len()).map(at).collect();
        scene.marks(Mark::Circle, radius, all, Paint::fill(PALETTE[0], opacity));
        return Ok(scene);
    };
    scene.text(Text::new(546.0, 62.0, 11.5, name).bold().within(140.0));
    let groups = groups(cells);
    let last = groups.len().max(2) - 1;
    for (g, (label, rows)) in groups.iter().enumerate() {
        let color = if groups.len() <= FEW {
            PALETTE[g]
        } else {
            shade(g as f64 / last as f64)
        };
        let points = rows.iter().map(|&i| at(i)).collect();
        scene.marks(Mark::Circle, radius, points, Paint::fill(color, opacity));
        let y = 82.0 + 18.0 * g as f64;
        let mark = vec![[551.0, y - 4.0]];
        scene.marks(Mark::Circle, 4.2, mark, Paint::fill(color, 1.0));
        scene.text(
            Text::new(563.0, y, 11.0, label.clone())
                .color(SOFT)
                .within(130.0),
        );
    }
    Ok(scene)
}

/// Rows of each word; of numbers, where there are many, in ranges that hold equally many.
fn groups(cells: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut order: Vec<usize> = (0..cells.len()).collect();
    let number = |i: usize| cells[i].parse::<f64>().unwrap_or(f64::NAN);
    order.sort_by(|&a, &b| {
        number(a)
            .total_cmp(&number(b))
            .then(cells[a].cmp(&cells[b]))
    });
    let mut out: Vec<(String, Vec<usize>)> = Vec::new();
    for &i in &order {
        match out.last_mut() {
            Some((label, rows)) if *label == cells[i] => rows.push(i),
            _ => out.push((cells[i].clone(), vec![i])),
        }
    }
    if out.len() <= 20 {
        return out;
    }
    let size = cells.len().div_ceil(12);
    let range = |rows: &[usize]| {
        let (first, last) = (&cells[rows[0]], &cells[rows[rows.len() - 1]]);
        (format!("{first} to {last}"), rows.to_vec())
    };
    order.chunks(size).map(range).collect()
}

/// From blue by way of green to yellow, for 0 to 1.
fn shade(share: f64) -> Color {
    let stops = [
        [68.0, 40.0, 130.0],
        [33.0, 145.0, 140.0],
        [250.0, 220.0, 50.0],
    ];
    let place = 2.0 * share.clamp(0.0, 1.0);
    let from = usize::from(place >= 1.0);
    let t = place - from as f64;
    let mix = |c: usize| (stops[from][c] + t * (stops[from + 1][c] - stops[from][c])).round() as u8;
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn many_numbers_become_ranges_in_their_order() {
        let cells: Vec<String> = (0..240).rev().map(|i| i.to_string()).collect();
        let found = groups(&cells);
        assert_eq!(found.len(), 12);
        assert_eq!(found[0].0, "0 to 19");
        assert_eq!(groups(&["b".into(), "a".into(), "b".into()])[1].1, [0, 2]);
    }
}
