//! What every command is run with: threads, talk, and a way to be stopped.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use locality::Watch;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output;

/// Raised by Ctrl-C.
static CANCEL: AtomicBool = AtomicBool::new(false);

/// How long a command may take to end by itself after Ctrl-C, in milliseconds.
static PATIENCE: AtomicU64 = AtomicU64::new(700);

/// The global flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// Number of threads; 0 takes every core.
    pub(crate) threads: usize,
    /// Only errors, no progress and no summary.
    pub(crate) quiet: bool,
    /// The summary as one JSON object.
    pub(crate) json: bool,
}

impl Context {
    /// Lets Ctrl-C stop the work. A command that does not notice in time is ended from outside, its temporary files removed.
    pub(crate) fn catch_interrupts() {
        // Without a handler Ctrl-C ends the process at once, which is well enough.
        let _ = ctrlc::set_handler(|| {
            CANCEL.store(true, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(PATIENCE.load(Ordering::Relaxed)));
            output::discard_temporaries();
            let _ = writeln!(std::io::stderr(), "error: {}", Error::Interrupted);
            std::process::exit(i32::from(Error::Interrupted.exit_code()));
        });
    }

    /// Stops here after Ctrl-C.
    pub(crate) fn check() -> Result<()> {
        if CANCEL.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Whether Ctrl-C has been pressed, for a command that then saves what it has; it gets this long to do so.
    #[cfg(feature = "learn")]
    pub(crate) fn interrupted(patience: Duration) -> bool {
        PATIENCE.store(patience.as_millis() as u64, Ordering::Relaxed);
        CANCEL.load(Ordering::Relaxed)
    }

    /// Runs `work` under a watch that only sees Ctrl-C.
    #[cfg(feature = "learn")]
    pub(crate) fn quietly<R>(work: impl FnOnce(&Watch<'_>) -> R) -> R {
        work(&Watch::default().cancel(&CANCEL))
    }

    /// A progress bar with words that change, where standard error is a terminal.
    #[cfg(feature = "learn")]
    pub(crate) fn bar(&self, total: u64) -> Option<ProgressBar> {
        if self.quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new(total);
        if let Ok(style) =
            ProgressStyle::with_template("{pos}/{len} {wide_bar} {msg} {percent:>3} % {eta:>4}")
        {
            bar.set_style(style);
        }
        Some(bar)
    }

    /// Runs `work` under a watch: threads, Ctrl-C, and a progress bar where standard error is a terminal.
    pub(crate) fn watched<R>(&self, what: &str, work: impl FnOnce(&Watch<'_>) -> R) -> R {
        let watch = Watch::default().threads(self.threads).cancel(&CANCEL);
        if self.quiet || !std::io::stderr().is_terminal() {
            return work(&watch);
        }
        let bar = ProgressBar::no_length().with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} % {eta:>4}")
        {
            bar.set_style(style);
        }
        let start = Instant::now();
        let report = |done: usize, total: usize| {
            // A bar that goes as it comes is only a flicker.
            if start.elapsed() < Duration::from_millis(300) {
                return;
            }
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        };
        let result = work(&watch.progress(&report));
        bar.finish_and_clear();
        result
    }

    /// Ends a command: its summary in words, or with `--json` as one object, on standard output; on standard error where
    /// standard output carries the result itself.
    pub(crate) fn summary(&self, words: &str, object: &Value, stdout_taken: bool) -> Result<()> {
        if self.json {
            return output::say(&format!("{object}\n"));
        }
        if self.quiet {
            return Ok(());
        }
        if stdout_taken {
            let _ = write!(std::io::stderr(), "{words}");
            return Ok(());
        }
        output::say(words)
    }

    /// Refuses `--json` where standard output carries the result itself.
    pub(crate) fn json_needs_stdout(&self, stdout_taken: bool) -> Result<()> {
        if self.json && stdout_taken {
            return Err(Error::usage(
                "--json writes its summary to standard output, where `-` already sends the result; write the result to a \
                 file, or leave --json out",
            ));
        }
        Ok(())
    }
}
