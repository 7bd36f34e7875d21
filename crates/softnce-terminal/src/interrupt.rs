//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::INTERRUPTED;

/// Returns a flag that the first Ctrl-C sets, upon which a run stops at its next step; a second Ctrl-C ends the program
/// at once.
pub fn stop_on_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let handler = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    if let Err(error) = handler {
        log::warn!("Ctrl-C will end the program at once: {error}");
    }
    stop
}
