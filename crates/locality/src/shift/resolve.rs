//! What the parameters of mean shift mean for given data.

use super::adaptive::{Adaptive, Motion};
use super::bandwidth::estimate_weighted;
use super::kernels::{
    bandwidth_in_force, flat_radius, known_bandwidth, place_bandwidth, positive, shifting,
};
use super::modes::{Merging, check_neighbors};
use super::parameters::MeanShift;
use crate::{Atom, Bandwidth, Error, Float, Kernel, Metric, Profile, Result, Rows, Watch};

/// Early merging of kernels other than the flat one, in bandwidths, where nothing else is asked for.
const MERGE_WITHIN: f64 = 1e-2;

impl MeanShift {
    /// Checks everything that needs no bandwidth.
    pub(super) fn check<T: Float>(&self, samples: Rows<'_, T>) -> Result<()> {
        samples.require_finite("samples")?;
        if let Some(h) = self.bandwidth {
            positive("bandwidth", h)?;
        }
        if !(self.stop.is_finite() && self.stop >= 0.0) {
            return Err(Error::parameter(format!(
                "stop={} must be a finite number that is not negative, in bandwidths",
                self.stop
            )));
        }
        if !(self.settle.is_finite() && self.settle >= 0.0) {
            return Err(Error::parameter(format!(
                "settle={} must be a finite number that is not negative, in bandwidths",
                self.settle
            )));
        }
        if let Some(share) = self.merge_within
            && !(share.is_finite() && (0.0..=0.5).contains(&share))
        {
            return Err(Error::parameter(format!(
                "merge_within={share} must be between 0 and 0.5, in bandwidths"
            )));
        }
        if self.min_bin_freq == 0 {
            return Err(Error::parameter(
                "min_bin_freq=0 must be at least 1: a bin without samples is no seed",
            ));
        }
        self.check_blurring()?;
        self.check_extensions()?;
        let Some(seeds) = &self.seeds else {
            return Ok(());
        };
        if seeds.columns != samples.columns() {
            return Err(Error::shape(format!(
                "seeds has {} columns, but samples has {}; they must be the same columns",
                seeds.columns,
                samples.columns()
            )));
        }
        Rows::new(&seeds.data, seeds.rows, seeds.columns)?.require_finite("seeds")
    }

    fn check_blurring(&self) -> Result<()> {
        if self.blurring && (self.bin_seeding || self.seeds.is_some()) {
            return Err(Error::parameter(
                "blurring moves the samples themselves, so it takes neither seeds nor bin_seeding; leave them out",
            ));
        }
        let more = [
            ("adaptive", self.adaptive != Adaptive::Never),
            ("over_relaxation", self.relaxation > 1.0),
            ("merging", self.merging != Merging::Never),
            ("compression", self.compression.is_some()),
        ];
        match more.iter().find(|(_, asked)| self.blurring && *asked) {
            Some((name, _)) => Err(Error::parameter(format!(
                "blurring moves the samples themselves, so {name} says nothing to it; leave it out"
            ))),
            None => Ok(()),
        }
    }

    fn check_extensions(&self) -> Result<()> {
        self.adaptive.check()?;
        check_neighbors(self.n_neighbors)?;
        if !(1.0..2.0).contains(&self.relaxation) {
            return Err(Error::parameter(format!(
                "over_relaxation={} must be at least 1 and below 2, beyond which a step may lower the density",
                self.relaxation
            )));
        }
        if !matches!(self.metric, Metric::Euclidean | Metric::Cosine) {
            return Err(Error::unsupported(format!(
                "metric={} has no mean shift here; choose euclidean, or cosine for directions",
                self.metric.info().name
            )));
        }
        if let Some(share) = self.compression
            && !(share.is_finite() && share > 0.0 && share <= 1.0)
        {
            return Err(Error::parameter(format!(
                "compression={share} must be above 0 and at most 1, in bandwidths"
            )));
        }
        Ok(())
    }

    /// The kernel and the bandwidth in force for these samples.
    pub(super) fn resolve<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<(Kernel, f64)> {
        let h = match known_bandwidth(&self.kernel, self.bandwidth)? {
            Some(h) => h,
            None => self.chosen(samples, weights, watch)?,
        };
        Ok((shifting(&self.kernel, h)?, h))
    }

    fn chosen<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<f64> {
        if let Some(search) = &self.stable {
            return Ok(search.run(self, samples, weights, watch)?.bandwidth());
        }
        if !self.is_flat() {
            let how = (&self.kernel, &Metric::Euclidean);
            return bandwidth_in_force(how, None, samples, weights, watch);
        }
        let h = estimate_weighted(samples, weights, 0.3, &watch.quiet())?;
        Ok(if h > 0.0 { h } else { place_bandwidth(samples) })
    }

    /// Whether the kernel is flat and leaves its bandwidth open.
    fn is_flat(&self) -> bool {
        let Kernel::Atom(atom) = &self.kernel else {
            return false;
        };
        matches!(
            (atom.profile(), atom.bandwidth_rule()),
            (Profile::Uniform(_), Bandwidth::Default)
        )
    }

    /// The kernel with its weights, for samples as they are shifted.
    pub(super) fn motion<T: Float>(
        &self,
        kernel: Kernel,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Motion<T>> {
        if self.blurring {
            return Ok(Motion::plain(kernel, weights));
        }
        let sphere = self.sphere();
        self.adaptive
            .motion(kernel, samples, weights, sphere, watch)
    }

    /// How small a step means rest.
    pub(super) fn rest(&self, bandwidth: f64) -> f64 {
        self.stop * bandwidth
    }

    /// How small a step of a place where points rest is the last; 0 where they stay. A bandwidth of the moving point's own climbs no one
    /// density, in which there are no modes to go on to.
    pub(super) fn fine(&self, kernel: &Kernel, bandwidth: f64) -> f64 {
        let own = |atom: &&Atom| matches!(atom.bandwidth_rule(), Bandwidth::QueryNearest(_));
        if flat_radius(kernel).is_some() || kernel.atoms().iter().any(own) {
            return 0.0;
        }
        // Steps that leave some weight out are not known to more digits.
        self.settle.max(4.0 * self.tolerance) * bandwidth
    }

    /// Width of the cells of early merging; 0 for merging bit for bit.
    pub(super) fn cell(&self, bandwidth: f64, flat: bool) -> f64 {
        let share = match self.merge_within {
            Some(share) => share,
            None if flat && self.relaxation <= 1.0 => 0.0,
            None => MERGE_WITHIN,
        };
        share * bandwidth
    }
}
