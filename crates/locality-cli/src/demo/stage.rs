//! Where cards do their work: the context, and the files so far.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use image::ImageFormat;
use locality::Watch;

use crate::context::Context;
use crate::error::Result;
use crate::picture::Picture;
use crate::plot::{self, Scene};

/// Files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What a card works with.
pub(super) struct Stage<'a> {
    context: &'a Context,
    files: Files,
}

impl<'a> Stage<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self {
            context,
            files: Files::new(),
        }
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Keeps a file to be written in the end.
    pub(super) fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.to_owned(), bytes.into());
    }

    /// Keeps a picture.
    pub(super) fn put_photo(&mut self, name: &str, picture: &Picture) -> Result<()> {
        let bytes = picture.encode(ImageFormat::Png, Path::new(name))?;
        self.put(name, bytes);
        Ok(())
    }

    /// Keeps a chart.
    pub(super) fn put_chart(&mut self, name: &str, scene: &Scene) -> Result<()> {
        let bytes = plot::png(scene)?;
        self.put(name, bytes);
        Ok(())
    }

    /// Runs some work and measures it in seconds.
    pub(super) fn timed<R>(
        &self,
        what: &str,
        work: impl FnOnce(&Watch<'_>) -> locality::Result<R>,
    ) -> Result<(R, f64)> {
        let start = Instant::now();
        let result = self.context.watched(what, work)?;
        Ok((result, start.elapsed().as_secs_f64()))
    }
}

/// Seconds, as a figure.
pub(super) fn seconds(s: f64) -> String {
    if s < 0.1 {
        format!("{:.1} ms", s * 1e3)
    } else {
        format!("{s:.2} s")
    }
}
