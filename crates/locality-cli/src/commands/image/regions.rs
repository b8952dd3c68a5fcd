//! What commands that divide a picture have in common: how many regions are left, and the files they are written to.

use std::path::{Path, PathBuf};

use image::ImageFormat;
use locality::Watch;
use locality::image::{Connectivity, ImageView, MergeCost, Partition, RegionMerging, Sample};

use super::labels::LabelFormat;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::picture::{self, Picture, Samples};

/// Flags of commands that divide a picture.
#[derive(clap::Args, Debug)]
pub(super) struct RegionFlags {
    /// Merge neighbouring regions, the cheapest pair first, until so many are left
    #[arg(long, value_name = "N")]
    pub(super) regions: Option<usize>,

    /// What a merge costs with --regions: ward (the growth of the squared error), mumford-shah (the same by the length of the
    /// common boundary) or color (the distance of the mean colours)
    #[arg(
        long,
        value_name = "COST",
        default_value = "ward",
        requires = "regions"
    )]
    pub(super) merge_cost: MergeCost,

    /// Write the number of each pixel's region: L.npy (32 bit), or L.png (8 or 16 bit grey, as needed)
    #[arg(long, value_name = "L.npy|L.png")]
    labels: Option<PathBuf>,

    /// Write the picture with the regions' boundaries drawn in
    #[arg(long, value_name = "B.png")]
    boundaries: Option<PathBuf>,
}

impl RegionFlags {
    /// The regions that are left, if fewer are asked for.
    pub(super) fn merge<T: Sample>(
        &self,
        found: Partition<T>,
        view: &ImageView<'_, T>,
        connectivity: Connectivity,
        watch: &Watch<'_>,
    ) -> Result<Partition<T>> {
        let Some(regions) = self.regions else {
            return Ok(found);
        };
        if regions == 0 {
            return Err(Error::usage("--regions is 0; at least 1 is left"));
        }
        if regions >= found.n_regions() {
            return Ok(found);
        }
        let space = found.color_space();
        let merging = RegionMerging::new()
            .cost(self.merge_cost)
            .color(space)
            .connectivity(connectivity);
        let labels = merging
            .tree(view, found.labels(), watch)?
            .cut_regions(regions)?;
        Ok(Partition::new(view, &labels, space, watch)?)
    }

    /// Where things are to be written, checked before any work.
    pub(super) fn paths<'a>(&'a self, output: &'a Path) -> Result<Paths<'a>> {
        let boundaries = self.boundaries.as_deref();
        let boundaries = boundaries
            .map(|path| Ok::<_, Error>((path, picture::format_of(path)?)))
            .transpose()?;
        let labels = self.labels.as_deref();
        let labels = labels.map(|path| Ok::<_, Error>((path, LabelFormat::of(path)?)));
        let paths = Paths {
            output: (output, picture::format_of(output)?),
            boundaries,
            labels: labels.transpose()?,
        };
        output::check(&paths.all())?;
        Ok(paths)
    }
}

/// The files to write.
pub(super) struct Paths<'a> {
    output: (&'a Path, ImageFormat),
    boundaries: Option<(&'a Path, ImageFormat)>,
    labels: Option<(&'a Path, LabelFormat)>,
}

impl Paths<'_> {
    fn all(&self) -> Vec<&Path> {
        let mut all = vec![self.output.0];
        all.extend(self.boundaries.iter().map(|b| b.0));
        all.extend(self.labels.iter().map(|l| l.0));
        all
    }

    /// Whether one of them is standard output.
    pub(super) fn take_stdout(&self) -> bool {
        self.all().into_iter().any(is_standard)
    }

    /// Whether the picture with boundaries is asked for.
    pub(super) fn with_lines(&self) -> bool {
        self.boundaries.is_some()
    }

    /// Refuses formats that cannot hold the picture.
    pub(super) fn check(&self, picture: &Picture) -> Result<()> {
        picture.check(self.output.1, self.output.0)?;
        match self.boundaries {
            Some((path, format)) => picture.check(format, path),
            None => Ok(()),
        }
    }

    /// Writes all files.
    pub(super) fn write(&self, picture: &Picture, drawn: Drawn<Samples>) -> Result<()> {
        let mut files = Outputs::default();
        let (path, format) = self.output;
        let mean = picture.with_samples(drawn.mean);
        files.add(path, &mean.encode(format, path)?)?;
        if let (Some((path, format)), Some(lines)) = (self.boundaries, drawn.lines) {
            let lines = picture.with_samples(lines);
            files.add(path, &lines.encode(format, path)?)?;
        }
        if let Some((path, format)) = self.labels {
            files.add(path, &format.encode(&drawn.labels, picture, path)?)?;
        }
        files.commit()
    }
}

/// Regions in the pieces that are written; `S` holds samples.
pub(super) struct Drawn<S> {
    mean: S,
    lines: Option<S>,
    labels: Vec<u32>,
}

impl<T: Sample> Drawn<Vec<T>> {
    /// Draws the regions, and with `lines` their boundaries.
    pub(super) fn new(found: &Partition<T>, view: &ImageView<'_, T>, lines: bool) -> Result<Self> {
        // Yellow, or white: opaque, full intensity in all but blue.
        let (full, none) = (T::nearest(T::FULL), T::nearest(0.0));
        let ink = match view.channels() {
            1 | 2 => [full; 4],
            _ => [full, full, none, full],
        };
        let lines = lines.then(|| found.draw_boundaries(view, &ink[..view.channels()]));
        Ok(Self {
            mean: found.mean_picture(view)?,
            lines: lines.transpose()?,
            labels: found.labels().to_vec(),
        })
    }

    pub(super) fn map(self, wrap: impl Fn(Vec<T>) -> Samples) -> Drawn<Samples> {
        Drawn {
            mean: wrap(self.mean),
            lines: self.lines.map(wrap),
            labels: self.labels,
        }
    }
}
