//! Sums that many tasks add to, in the order of the tasks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{Watch, install};
use crate::Result;

/// Things that tasks change one after another: each task has its turn at each of them, after the task before it.
pub(crate) struct Turns<S> {
    slots: Vec<Slot<S>>,
    stopped: AtomicBool,
}

struct Slot<S> {
    /// Whose turn it is, and the thing.
    state: Mutex<(usize, S)>,
    changed: Condvar,
}

impl<S> Slot<S> {
    /// What a task that panicked leaves behind is not used.
    fn lock(&self) -> MutexGuard<'_, (usize, S)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Turns<S> {
    pub(crate) fn new(things: impl IntoIterator<Item = S>) -> Self {
        let slot = |thing| Slot {
            state: Mutex::new((0, thing)),
            changed: Condvar::new(),
        };
        Self {
            slots: things.into_iter().map(slot).collect(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Waits for the turn of `task` at a thing, and changes it. A task takes every turn that it has, be it to change nothing.
    pub(crate) fn take(&self, thing: usize, task: usize, change: impl FnOnce(&mut S)) {
        let slot = &self.slots[thing];
        let mut state = slot.lock();
        while state.0 != task {
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            let woken = slot.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        change(&mut state.1);
        state.0 += 1;
        slot.changed.notify_all();
    }

    pub(crate) fn finish(self) -> impl Iterator<Item = S> {
        let states = self.slots.into_iter().map(|s| s.state.into_inner());
        states.map(|s| s.unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Lets nobody wait any longer.
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        for slot in &self.slots {
            let _held = slot.lock();
            slot.changed.notify_all();
        }
    }
}

/// Stops the others where a task ends before its time.
struct StopOthers<'a, S>(&'a Turns<S>, bool);

impl<S> Drop for StopOthers<'_, S> {
    fn drop(&mut self) {
        if self.1 {
            self.0.stop();
        }
    }
}

/// Runs `work` for each of `tasks`, which begin in their order, on the watched threads, and returns the results in order.
///
/// # Errors
/// The first error in the order of the tasks, or an interruption.
pub(crate) fn map_in_turns<R: Send, S: Send>(
    watch: &Watch<'_>,
    tasks: usize,
    turns: &Turns<S>,
    work: impl Fn(usize) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let found: Mutex<Vec<(usize, Result<R>)>> = Mutex::default();
    // Tasks begin in order, so whoever a task waits for has begun, and the first that is not done never waits.
    let run = || {
        while !turns.stopped.load(Ordering::Relaxed) {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            let mut guard = StopOthers(turns, true);
            let result = watch.check().and_then(|()| work(task));
            guard.1 = result.is_err();
            drop(guard);
            watch.report(done.fetch_add(1, Ordering::Relaxed) + 1, tasks);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push((task, result));
        }
    };
    if watch.threads == 1 || tasks <= 1 {
        run();
    } else {
        install(watch.threads, || {
            let threads = rayon::current_num_threads().min(tasks);
            rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| run())));
        });
    }
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(task, _)| *task);
    found.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn everyone_has_a_turn_in_order() {
        for threads in [1, 2, 7] {
            let turns = Turns::new(vec![Vec::new(); 5]);
            let watch = Watch::default().threads(threads);
            let squares = map_in_turns(&watch, 40, &turns, |task| {
                for thing in 0..5 {
                    turns.take(thing, task, |list| list.push(task));
                }
                Ok(task * task)
            });
            assert_eq!(squares.unwrap(), (0..40).map(|t| t * t).collect::<Vec<_>>());
            for list in turns.finish() {
                assert_eq!(list, (0..40).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn an_error_wakes_those_who_wait() {
        for threads in [1, 2, 7] {
            let turns = Turns::new([0_usize; 2]);
            let watch = Watch::default().threads(threads);
            let outcome = map_in_turns(&watch, 20, &turns, |task| {
                if task == 3 {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    return Err(Error::interrupted());
                }
                turns.take(0, task, |n| *n += 1);
                turns.take(1, task, |n| *n += 1);
                Ok(())
            });
            assert_eq!(outcome.unwrap_err().kind(), crate::ErrorKind::Interrupted);
            assert!(turns.finish().all(|n| n == 3), "nobody skipped the queue");
        }
    }

    #[test]
    fn a_panic_wakes_those_who_wait() {
        let turns = Turns::new([0_usize]);
        let watch = Watch::default().threads(3);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            map_in_turns(&watch, 20, &turns, |task| {
                assert!(task != 5, "on purpose");
                turns.take(0, task, |n| *n += 1);
                Ok(())
            })
        }));
        assert!(outcome.is_err());
    }
}
