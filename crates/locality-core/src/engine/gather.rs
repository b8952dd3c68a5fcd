//! More neighbours than are kept in order: all within a reach that grows until it holds enough.

use super::scan::Best;
use super::search::{MOST_SORTED, SearchScratch, Searcher};
use crate::Float;
use crate::isa::Isa;
use crate::metric::Link;

/// How often a reach that has too few keys is widened before all are looked at.
const REACHES: usize = 8;
/// By how much more than evenly spread keys would need.
const MORE: f64 = 1.1;
/// By how much where nothing was gained.
const STUCK: f64 = 4.0;

impl<T: Float> Searcher<T> {
    /// Adds the `k` nearest keys that have a name to what is in `scratch.found`, with some that are farther, in no particular order: all within
    /// a reach that grows from that of the nearest [`MOST_SORTED`] until it holds enough.
    #[inline(always)]
    pub(crate) fn gather<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        k: usize,
        name: &impl Fn(u32) -> Option<u32>,
        scratch: &mut SearchScratch<T>,
    ) {
        let before = scratch.found.len();
        let mut limit = self.reach(isa, query, k, name, scratch);
        let mut count = MOST_SORTED;
        for _ in 0..REACHES {
            let last = count;
            self.collect_more(isa, query, limit, name, scratch);
            count = scratch.found.len() - before;
            if count >= k || limit == T::INFINITY {
                return;
            }
            scratch.found.truncate(before);
            let even = self.growth(k as f64 / count.max(1) as f64);
            let factor = if count > last { even } else { even.max(STUCK) };
            limit *= T::from_f64(factor);
        }
        self.collect_more(isa, query, T::INFINITY, name, scratch);
    }

    /// A first reach for so many neighbours, by raw number: infinite where all keys had better be looked at.
    #[inline(always)]
    fn reach<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        k: usize,
        name: &impl Fn(u32) -> Option<u32>,
        scratch: &mut SearchScratch<T>,
    ) -> T {
        if self.tree.is_none() || k > self.sites.padded / 4 {
            return T::INFINITY;
        }
        let mut best = Best::new(MOST_SORTED);
        self.improve(isa, query, &mut best, name, scratch);
        // Scores, and keys at one place, say nothing of how fast their number grows.
        if best.found.len() < MOST_SORTED || best.worst <= T::ZERO {
            return T::INFINITY;
        }
        best.worst * T::from_f64(self.growth(k as f64 / MOST_SORTED as f64))
    }

    /// By what a raw number grows until so many times as many evenly spread keys are within it, and a little more.
    fn growth(&self, times: f64) -> f64 {
        // Squares of distances grow twice as fast.
        let power = match self.bound.atoms[0].link {
            Link::Plain => 1.0,
            _ => 2.0,
        };
        times.powf(power / self.bound.features.max(1) as f64) * MORE
    }
}
