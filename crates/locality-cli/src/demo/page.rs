//! The page: one file with everything in it.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::card::{Card, plain};
use super::stage::{Files, seconds};
use crate::plot::escape;

const STYLE: &str = include_str!("page.css");

/// The page of some cards.
pub(super) fn html(cards: &[Card], files: &Files, time: f64) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>locality: a tour</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<header>\n<h1>locality</h1>\n\
         <p>A tour of its methods on real photos and tables. Everything below was computed by <code>locality demo</code> (version \
         {version}) in {} on this machine; each card ends with the commands that make the same, to be run in the folder of this \
         page.</p>\n<nav>\n<ol>\n",
        seconds(time)
    );
    for (i, card) in cards.iter().enumerate() {
        let _ = writeln!(
            out,
            "<li><a href=\"#card-{}\">{}</a></li>",
            i + 1,
            escape(&card.title)
        );
    }
    out.push_str("</ol>\n</nav>\n</header>\n<main>\n");
    for (i, card) in cards.iter().enumerate() {
        section(&mut out, i + 1, card, files);
    }
    out.push_str(
        "</main>\n<footer>\n<p>Photos: astronaut, NASA, public domain; coffee, R. Michals, CC0. Tables: iris (Fisher 1936) and wine \
         (Aeberhard and Forina 1991), UCI Machine Learning Repository, CC BY 4.0; diabetes (Efron, Hastie, Johnstone and \
         Tibshirani 2004).</p>\n</footer>\n</body>\n</html>\n",
    );
    out
}

fn section(out: &mut String, number: usize, card: &Card, files: &Files) {
    let _ = write!(
        out,
        "<section id=\"card-{number}\">\n<h2>{}</h2>\n<p>{}</p>\n<div class=\"pictures\">\n",
        escape(&card.title),
        escape(&card.text)
    );
    for picture in &card.pictures {
        let Some(bytes) = files.get(&picture.file) else {
            continue;
        };
        let class = if picture.wide { "chart" } else { "photo" };
        let caption = escape(&picture.caption);
        let _ = writeln!(
            out,
            "<figure class=\"{class}\"><img alt=\"{caption}\" src=\"data:image/png;base64,{}\"><figcaption>{caption}</figcaption></figure>",
            STANDARD.encode(bytes)
        );
    }
    out.push_str("</div>\n<table>\n");
    for (name, value) in &card.figures {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            escape(name),
            escape(&plain(value))
        );
    }
    out.push_str("</table>\n");
    for command in &card.commands {
        let _ = writeln!(out, "<pre><code>{}</code></pre>", escape(command));
    }
    out.push_str("</section>\n");
}
