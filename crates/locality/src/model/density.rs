//! Kernel densities and the kernel classifier.

use serde_json::json;

use super::file::rows;
use super::{Array, ModelFile, Parameters, Persist};
use crate::density::{
    BandwidthChoice, KernelClassifier, KernelClassifierFit, KernelDensity, KernelDensityFit, Priors,
};
use crate::{Error, Float, Result, Watch};

impl<T: Float> Persist for KernelDensityFit<T> {
    const KIND: &'static str = "kernel_density";

    fn pack(&self) -> Result<ModelFile> {
        let own = self.parameters();
        let mut p = Parameters::default();
        p.put_kernel("kernel", &own.kernel)?;
        put_bandwidth(&mut p, &own.bandwidth);
        p.put("rtol", own.rtol);
        p.put("atol", own.atol);
        p.put("adaptive", own.sensitivity);
        p.put_kernel("found_kernel", self.kernel())?;
        let samples = self.samples();
        Ok(ModelFile::new(Self::KIND, p)
            .with(
                "samples",
                Array::matrix(&samples.to_vec(), samples.columns()),
            )
            .with_some("weights", self.weights.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let parameters = KernelDensity::new()
            .kernel(p.kernel("kernel")?)
            .bandwidth(get_bandwidth(p)?)
            .rtol(p.number("rtol")?)
            .atol(p.number("atol")?)
            .adaptive(p.number("adaptive")?);
        let (x, d) = file.matrix::<T>("samples")?;
        let weights = file.optional::<T>("weights")?;
        let kernel = p.kernel("found_kernel")?;
        parameters.fit_found(kernel, rows(&x, d)?, weights.as_deref(), watch)
    }
}

impl<T: Float> Persist for KernelClassifierFit<T> {
    const KIND: &'static str = "kernel_classifier";

    fn pack(&self) -> Result<ModelFile> {
        let own = self.parameters();
        let mut p = Parameters::default();
        p.put_kernel("kernel", &own.kernel)?;
        put_bandwidth(&mut p, &own.bandwidth);
        p.put_neighborhood(&own.neighborhood)?;
        p.put_policy(own.on_empty);
        p.put("tolerance", own.tolerance);
        let priors = match &own.priors {
            Priors::Observed => json!("observed"),
            Priors::Uniform => json!("uniform"),
            Priors::Given(priors) => json!(priors),
        };
        p.put("priors", priors);
        p.put_kernel("found_kernel", self.kernel())?;
        p.put("n_classes", self.n_classes());
        Ok(ModelFile::new(Self::KIND, p)
            .with("samples", Array::matrix(&self.samples, self.columns))
            .with("classes", Array::places(&self.known))
            .with_some("weights", self.weights.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let priors = match p.text("priors") {
            Ok("observed") => Priors::Observed,
            Ok("uniform") => Priors::Uniform,
            _ => Priors::Given(p.numbers("priors")?),
        };
        let parameters = KernelClassifier::new()
            .kernel(p.kernel("kernel")?)
            .bandwidth(get_bandwidth(p)?)
            .neighborhood(p.neighborhood()?)
            .on_empty(p.policy()?)
            .tolerance(p.number("tolerance")?)
            .priors(priors);
        let (x, d) = file.matrix::<T>("samples")?;
        let classes = file.places("classes")?;
        let weights = file.optional::<T>("weights")?;
        let k = p.count("n_classes")?;
        if k > classes.len() {
            return Err(Error::parse(format!(
                "the file says n_classes={k}, but has {} samples; it is damaged, or of another program",
                classes.len()
            )));
        }
        let samples = rows(&x, d)?;
        parameters.fit_found(
            p.kernel("found_kernel")?,
            samples,
            (&classes, k),
            weights.as_deref(),
            watch,
        )
    }
}

fn put_bandwidth(p: &mut Parameters, choice: &BandwidthChoice) {
    let value = match choice {
        BandwidthChoice::Fixed(h) => json!(h),
        BandwidthChoice::PerFeature(h) => json!(h),
        rule => json!(rule.name()),
    };
    p.put("bandwidth", value);
}

fn get_bandwidth(p: &Parameters) -> Result<BandwidthChoice> {
    if let Ok(h) = p.number("bandwidth") {
        return Ok(h.into());
    }
    if let Ok(h) = p.numbers("bandwidth") {
        return Ok(h.into());
    }
    p.text("bandwidth")?.parse()
}
