//! Threads, progress and interruption.
//!
//! Work is cut into fixed blocks whose results come back in order, so that no result depends on how many
//! threads there are.

mod turns;

pub(crate) use turns::{Turns, map_in_turns};

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::{Error, Result};

/// How long work is run and watched: threads, a flag to stop it and a callback for its progress.
///
/// ```
/// use locality_core::Watch;
/// let watch = Watch::default().threads(2);
/// assert!(watch.check().is_ok());
/// ```
#[derive(Clone, Copy, Default)]
pub struct Watch<'a> {
    threads: usize,
    cancel: Option<&'a AtomicBool>,
    progress: Option<&'a (dyn Fn(usize, usize) + Sync)>,
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("threads", &self.threads)
            .field("cancel", &self.cancel)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

impl<'a> Watch<'a> {
    /// Number of threads; 0 (the default) takes every core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// A flag that another thread sets to stop the work, which then ends with
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    #[must_use]
    pub fn cancel(mut self, flag: &'a AtomicBool) -> Self {
        self.cancel = Some(flag);
        self
    }

    /// A callback `(done, total)`, called now and then from any thread.
    #[must_use]
    pub fn progress(mut self, report: &'a (dyn Fn(usize, usize) + Sync)) -> Self {
        self.progress = Some(report);
        self
    }

    /// The same threads and stop flag without the callback, for the inner steps of longer work.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.progress = None;
        self
    }

    /// Number of threads asked for; 0 means every core.
    pub fn thread_count(&self) -> usize {
        self.threads
    }

    /// Number of threads that there will be at most.
    pub(crate) fn width(&self) -> usize {
        match self.threads {
            0 => rayon::current_num_threads(),
            threads => threads.min(most()),
        }
    }

    /// Whether the stop flag is down.
    ///
    /// # Errors
    /// [`Interrupted`](crate::ErrorKind::Interrupted) where it is up.
    pub fn check(&self) -> Result<()> {
        match self.cancel {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(Error::interrupted()),
            _ => Ok(()),
        }
    }

    /// Tells the callback, if there is one.
    pub fn report(&self, done: usize, total: usize) {
        if let Some(report) = self.progress {
            report(done, total);
        }
    }
}

/// No pool has more threads than this many for each core: they would only wait for one another.
const MOST_PER_CORE: usize = 16;

fn most() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_mul(MOST_PER_CORE)
}

/// Pools by their number of threads.
#[derive(Default)]
struct Pools {
    /// The process that made them.
    process: u32,
    by_threads: HashMap<usize, Arc<rayon::ThreadPool>>,
}

impl Pools {
    /// The pool of so many threads; none where there are no more threads to be had.
    fn get(&mut self, threads: usize) -> Option<Arc<rayon::ThreadPool>> {
        let own = std::process::id();
        if self.process != own {
            // Those of the parent have no threads here, so that nothing would answer their end either.
            std::mem::forget(std::mem::take(&mut self.by_threads));
            self.process = own;
        }
        if let Some(pool) = self.by_threads.get(&threads) {
            return Some(Arc::clone(pool));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = Arc::new(pool.build().ok()?);
        self.by_threads.insert(threads, Arc::clone(&pool));
        Some(pool)
    }
}

/// Whether this is a forked child of the process that was here first: such a child has none of the threads.
fn is_forked() -> bool {
    static FIRST: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id();
    let first = FIRST.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
    first.is_err_and(|first| first != own)
}

/// Runs `work` inside the pool of `threads` threads (0: every core), or of as many as the machine can use. A forked child
/// makes pools of its own.
pub fn install<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    static POOLS: Mutex<Option<Pools>> = Mutex::new(None);
    let threads = match threads {
        0 if rayon::current_thread_index().is_some() || !is_forked() => return work(),
        0 => rayon::current_num_threads(),
        n => n.min(most()),
    };
    let pool = {
        let mut pools = POOLS
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        pools.get_or_insert_default().get(threads)
    };
    match pool {
        Some(pool) => pool.install(work),
        // The global pool gives the same result.
        None => work(),
    }
}

/// Makes `threads` threads (0: every core) what "every core" means from now on in this process; for programs, not for libraries.
/// Does nothing where threads have been started before.
pub fn limit(threads: usize) {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.min(most()));
    // An error says that the pool is there already.
    let _ = builder.build_global();
}

/// Runs `work` over `0..items` in blocks of `block`, on the watched threads, and returns the results in order.
///
/// # Errors
/// The first error in block order, or [`Interrupted`](crate::ErrorKind::Interrupted).
pub fn map_blocks<R: Send>(
    watch: &Watch<'_>,
    items: usize,
    block: usize,
    work: impl Fn(Range<usize>) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let block = block.max(1);
    let blocks = items.div_ceil(block);
    let done = AtomicUsize::new(0);
    let one = |b: usize| {
        watch.check()?;
        let range = b * block..((b + 1) * block).min(items);
        let size = range.len();
        let result = work(range)?;
        watch.report(done.fetch_add(size, Ordering::Relaxed) + size, items);
        Ok(result)
    };
    if watch.threads == 1 || blocks <= 1 {
        return (0..blocks).map(one).collect();
    }
    install(watch.threads, || {
        let results: Vec<Result<R>> = (0..blocks)
            .into_par_iter()
            .with_max_len(1)
            .map(one)
            .collect();
        results.into_iter().collect()
    })
}

/// Calls `work` for each of so many items and returns the results in order, `each` of them at least on a thread at a time.
pub(crate) fn map_items<R: Send>(
    items: usize,
    each: usize,
    work: impl Fn(usize) -> R + Sync + Send,
) -> Vec<R> {
    let all = (0..items).into_par_iter().with_min_len(each);
    all.map(work).collect()
}

/// Calls `work` for each whole chunk of `size` numbers and its place among them, on the free threads where there is much to do.
pub(crate) fn fill_chunks<T: Send>(
    data: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    const MUCH: usize = 1 << 20;
    let least = (MUCH / size.max(1)).max(1);
    let chunks = data.par_chunks_exact_mut(size.max(1)).enumerate();
    chunks
        .with_min_len(least)
        .for_each(|(i, chunk)| work(i, chunk));
}

/// Runs two pieces of work, at once where a thread is free.
pub fn join(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    rayon::join(a, b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_in_order_for_any_thread_count() {
        for threads in [0, 1, 2, 5] {
            let w = Watch::default().threads(threads);
            let r = map_blocks(&w, 10, 3, Ok).unwrap();
            assert_eq!(r, [0..3, 3..6, 6..9, 9..10]);
        }
    }

    #[test]
    fn no_more_threads_than_the_machine_can_use() {
        let found = install(usize::MAX, rayon::current_num_threads);
        assert!(found < 1 << 16, "{found} threads");
        assert_eq!(install(3, rayon::current_num_threads), 3);
    }

    #[test]
    fn a_raised_flag_stops_the_work() {
        let stop = AtomicBool::new(true);
        let w = Watch::default().cancel(&stop);
        let e = map_blocks(&w, 10, 3, Ok).unwrap_err();
        assert_eq!(e.kind(), crate::ErrorKind::Interrupted);
    }
}
