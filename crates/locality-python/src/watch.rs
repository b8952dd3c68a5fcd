//! Long work off the interpreter's lock, stopped by the user's interrupt.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use locality::{Result, Watch, par};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::to_python;

/// How often signals are looked at while work runs.
const BEAT: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of its own without the interpreter's lock. The calling thread waits, lets Python handle its
/// signals every 50 ms, and calls `progress(done, total)` where something moved; an exception from either stops the work.
pub(crate) fn watched<R: Send>(
    py: Python<'_>,
    threads: usize,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watch<'_>) -> Result<R> + Send,
) -> PyResult<R> {
    let cancel = AtomicBool::new(false);
    let (done, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let report = |d: usize, t: usize| {
        done.fetch_max(d, Ordering::Relaxed);
        total.store(t, Ordering::Relaxed);
    };
    let watch = Watch::default().threads(threads).cancel(&cancel);
    let callback = progress.map(|p| p.clone().unbind());
    let watch = if callback.is_some() {
        watch.progress(&report)
    } else {
        watch
    };
    let mut told = 0;
    let mut beat = |py: Python<'_>| -> PyResult<()> {
        py.check_signals()?;
        let now = done.load(Ordering::Relaxed);
        if let Some(callback) = &callback
            && now > told
        {
            told = now;
            callback.call1(py, (now, total.load(Ordering::Relaxed)))?;
        }
        Ok(())
    };
    let mut stopped = None;
    let result = py.detach(|| {
        std::thread::scope(|scope| {
            let (finished, wait) = channel();
            let worker = scope.spawn(move || {
                // What takes threads without asking the watch takes these, too.
                let result = par::install(threads, || work(&watch));
                // The other end only goes away with this scope.
                let _ = finished.send(());
                result
            });
            while wait.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                if stopped.is_none()
                    && let Err(error) = Python::attach(&mut beat)
                {
                    cancel.store(true, Ordering::Relaxed);
                    stopped = Some(error);
                }
            }
            worker.join()
        })
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    match result {
        Ok(result) => {
            let result = result.map_err(to_python)?;
            // The last report, which may have come after the last beat.
            beat(py)?;
            Ok(result)
        }
        Err(_) => Err(PyRuntimeError::new_err(
            "the computation failed inside locality; please report this with the input that caused it",
        )),
    }
}
