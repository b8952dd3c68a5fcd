//! Keys and values of sites that have passed, so that a sequence can grow without starting anew.

use locality_core::{Bias, Error, LocalMean, Region, Result, Rows, Watch};

use super::{LocalHeads, Places};
use crate::Number;
use crate::layers::Rotary;

/// Keys and values of the sites so far, of each group, for [`LocalHeads::extend`]; under a window those that can still be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadsCache<T> {
    /// Sites that have passed, the forgotten ones included.
    passed: usize,
    /// Of each group, `[kept, head_width]`.
    keys: Vec<Vec<T>>,
    values: Vec<Vec<T>>,
}

impl<T: Number> HeadsCache<T> {
    /// Sites that have passed.
    pub fn len(&self) -> usize {
        self.passed
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.passed == 0
    }
}

impl LocalHeads {
    /// An empty cache.
    ///
    /// # Errors
    /// Heads that are not causal: every output would change with each new site.
    pub fn cache<T: Number>(&self) -> Result<HeadsCache<T>> {
        if !self.config.causal {
            return Err(Error::unsupported(
                "only causal heads can be extended site by site; build the model with causal=true",
            ));
        }
        Ok(HeadsCache {
            passed: 0,
            keys: vec![Vec::new(); self.config.groups],
            values: vec![Vec::new(); self.config.groups],
        })
    }

    /// The outputs `[m, width]` of `m` further sites `[m, width]` of one sequence, the same as those of a whole pass to rounding.
    ///
    /// # Errors
    /// As [`forward`](crate::Layer::forward).
    pub fn extend<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        cache: &mut HeadsCache<T>,
    ) -> Result<Vec<T>> {
        let c = &self.config;
        if input.is_empty() || !input.len().is_multiple_of(c.width) {
            return Err(Error::shape(format!(
                "input has {} numbers, but a site has {}; give whole sites, at least one",
                input.len(),
                c.width
            )));
        }
        if cache.keys.len() != c.groups || cache.values.len() != c.groups {
            return Err(Error::shape(format!(
                "the cache is of {} groups, but the heads have {}; pass what LocalHeads::cache returned",
                cache.keys.len(),
                c.groups
            )));
        }
        for map in [&self.project, &self.combine] {
            map.check("parameters", parameters)?;
        }
        let (width, stride, m) = (c.head_width, self.columns(), input.len() / c.width);
        let mut projected = self.project.apply(parameters, input);
        if c.places == Places::Rotary {
            let rotary = Rotary::new(cache.passed, m, width);
            for (place, row) in projected.chunks_exact_mut(stride).enumerate() {
                for part in row[..(c.heads + c.groups) * width].chunks_exact_mut(width) {
                    rotary.turn(place, part, false);
                }
            }
        }
        self.remember(&projected, cache);
        // Sites before the new ones that are still kept; index rules count from the first of them.
        let before = cache.keys[0].len() / width - m;
        let mean = self.shifted(before);
        let n = before + m;
        let mut means = vec![T::ZERO; m * c.heads * width];
        for head in 0..c.heads {
            let group = head / (c.heads / c.groups);
            let queries = Rows::with_stride(&projected[head * width..], m, width, stride)?;
            let keys = Rows::new(&cache.keys[group], n, width)?;
            let fit = mean.fit(keys, Rows::new(&cache.values[group], n, width)?)?;
            let watch = Watch::default();
            let found = match self.slopes.get(head) {
                Some(slope) => {
                    let far = |e: usize| (e as f64 - (before + m - 1) as f64).abs();
                    let entry = |e: usize| T::from_f64(-slope * far(e));
                    let table: Vec<T> = (0..m + n - 1).map(entry).collect();
                    fit.biased(Bias::Relative(&table)).at(queries, &watch)?
                }
                None => fit.at(queries, &watch)?,
            };
            let rows = means.chunks_exact_mut(c.heads * width);
            for (to, from) in rows.zip(found.means.chunks_exact(width)) {
                to[head * width..][..width].copy_from_slice(from);
            }
        }
        // What no later site can see is forgotten.
        if let Some(window) = c.window {
            let spare = n.saturating_sub(window - 1) * width;
            for all in cache.keys.iter_mut().chain(&mut cache.values) {
                all.drain(..spare);
            }
        }
        Ok(self.combine.apply(parameters, &means))
    }

    fn remember<T: Number>(&self, projected: &[T], cache: &mut HeadsCache<T>) {
        let width = self.config.head_width;
        let step = self.config.heads / self.config.groups;
        for row in projected.chunks_exact(self.columns()) {
            for group in 0..self.config.groups {
                let place = self.place(group * step);
                cache.keys[group].extend_from_slice(&row[place.key..][..width]);
                cache.values[group].extend_from_slice(&row[place.value..][..width]);
            }
            cache.passed += 1;
        }
    }

    /// The local mean whose query `i` stands where key `before + i` does.
    fn shifted(&self, before: usize) -> LocalMean {
        let offset = before as i64;
        let region = match self.config.window {
            // Key `j` is seen from `i` where `i + before - (window - 1) <= j <= i + before`; so many are kept that the first bound
            // is never past the query's own index.
            Some(window) => Region::Window {
                before: window - 1 - before.min(window - 1),
                after: before,
            },
            None => Region::Causal { offset },
        };
        LocalMean::new(self.config.kernel.clone())
            .neighborhood(region.into())
            .on_empty(self.mean.policy())
    }
}
