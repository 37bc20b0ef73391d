//! Ctrl-C. Nothing needs tidying up: every write is a temporary file and a rename.

use std::sync::atomic::{AtomicBool, Ordering};

use skill_schema::codes::Exit;

/// Whether the key belongs to a program that we run.
static LEFT_TO_CHILD: AtomicBool = AtomicBool::new(false);

/// Ends the process with exit code 130 at Ctrl-C, from a thread of its own, so that it works while the main thread computes.
pub(crate) fn watch() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            if !LEFT_TO_CHILD.load(Ordering::SeqCst) {
                std::process::exit(Exit::Interrupted as i32);
            }
        }
    });
}

/// While this lives, Ctrl-C is for the program that we run: the terminal sends it to both, and an agent may use it for other things
/// than ending.
#[derive(Debug)]
pub struct LeftToChild(());

impl LeftToChild {
    /// Leaves it to the child from now on.
    pub fn now() -> Self {
        LEFT_TO_CHILD.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for LeftToChild {
    fn drop(&mut self) {
        LEFT_TO_CHILD.store(false, Ordering::SeqCst);
    }
}
