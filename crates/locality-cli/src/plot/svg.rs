//! A drawing as SVG text.

use std::fmt::Write;

use super::scene::{Anchor, Color, Item, Mark, Paint, Scene, Text};

/// The file's text.
pub(super) fn encode(scene: &Scene) -> String {
    let (w, h) = (scene.width, scene.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
         font-family=\"'DejaVu Sans', Verdana, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n",
        escape(&scene.title)
    );
    for item in &scene.items {
        match item {
            Item::Path {
                points,
                closed,
                paint,
            } => {
                let _ = writeln!(
                    out,
                    "<path d=\"{}\" {}/>",
                    path(points, *closed),
                    style(paint)
                );
            }
            Item::Marks {
                mark,
                radius,
                at,
                paint,
            } => marks(&mut out, *mark, *radius, at, paint),
            Item::Text(text) => words(&mut out, text),
        }
    }
    out.push_str("</svg>\n");
    out
}

fn marks(out: &mut String, mark: Mark, radius: f64, at: &[[f64; 2]], paint: &Paint) {
    let _ = writeln!(out, "<g {}>", style(paint));
    for [x, y] in at {
        let (x, y) = (number(*x), number(*y));
        let _ = if mark == Mark::Circle {
            writeln!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>",
                number(radius)
            )
        } else {
            let corners: Vec<[f64; 2]> = mark
                .corners()
                .iter()
                .map(|[a, b]| [a * radius, b * radius])
                .collect();
            writeln!(
                out,
                "<path transform=\"translate({x} {y})\" d=\"{}\"/>",
                path(&corners, true)
            )
        };
    }
    out.push_str("</g>\n");
}

fn words(out: &mut String, text: &Text) {
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let (x, y) = (number(text.at[0]), number(text.at[1]));
    let bold = if text.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let turn = if text.upright {
        format!(" transform=\"rotate(-90 {x} {y})\"")
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{bold}{turn}>{}</text>",
        number(text.size),
        hex(text.color),
        escape(&text.words)
    );
}

fn path(points: &[[f64; 2]], closed: bool) -> String {
    let mut d = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        let letter = if i == 0 { 'M' } else { 'L' };
        let _ = write!(d, "{letter}{} {}", number(*x), number(*y));
    }
    if closed {
        d.push('Z');
    }
    d
}

fn style(paint: &Paint) -> String {
    let fill = paint.fill.map_or("none".to_owned(), hex);
    let mut out = format!("fill=\"{fill}\"");
    if paint.opacity < 1.0 {
        let _ = write!(out, " fill-opacity=\"{}\"", number(paint.opacity));
    }
    if let Some(stroke) = paint.stroke {
        let _ = write!(
            out,
            " stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"",
            hex(stroke.color),
            number(stroke.width)
        );
        if !stroke.dash.is_empty() {
            let lengths: Vec<String> = stroke.dash.iter().copied().map(number).collect();
            let _ = write!(out, " stroke-dasharray=\"{}\"", lengths.join(" "));
        }
    }
    out
}

fn hex([r, g, b]: Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Two decimals at most.
fn number(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text that cannot be mistaken for markup; what XML cannot hold at all becomes a replacement sign.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c < ' ' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
