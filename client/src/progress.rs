//! One progress bar for a whole job: only on a terminal, and only for jobs that take longer than half a second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// Jobs shorter than this show no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// The bar of a job. Clones share it; dropping the last one removes it.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bar: ProgressBar,
    output: Output,
    started: Instant,
    visible: AtomicBool,
}

impl Progress {
    /// A bar over this many bytes, labelled with a verb as the status lines are.
    pub fn bytes(output: &Output, verb: &str, total: u64) -> Self {
        Self::new(output, verb, total, "{bytes}/{total_bytes}")
    }

    /// A bar over this many items.
    pub fn items(output: &Output, verb: &str, total: u64) -> Self {
        Self::new(output, verb, total, "{pos}/{len}")
    }

    fn new(output: &Output, verb: &str, total: u64, numbers: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let template = format!("{{prefix:>12.cyan.bold}} [{{bar:25}}] {numbers}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(verb.to_owned());
        let inner = Inner { bar, output: output.clone(), started: Instant::now(), visible: AtomicBool::new(false) };
        Self(Arc::new(inner))
    }

    /// Counts bytes or items that are done.
    pub fn advance(&self, n: u64) {
        let Inner { bar, output, started, visible } = &*self.0;
        bar.inc(n);
        let late = output.settings().animate && started.elapsed() >= PATIENCE;
        if late && !visible.swap(true, Ordering::Relaxed) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            output.set_bar(Some(bar.clone()));
        }
    }

    /// Takes back what was counted for an attempt that starts over.
    pub fn rewind(&self, n: u64) {
        self.0.bar.set_position(self.0.bar.position().saturating_sub(n));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.visible.load(Ordering::Relaxed) {
            self.output.set_bar(None);
            self.bar.finish_and_clear();
        }
    }
}
