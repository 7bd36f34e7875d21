//! Signals that ask the program to end: SIGINT (ctrl-C), SIGTERM (batch systems, containers) and SIGHUP (a closed
//! terminal).

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::exit::INTERRUPTED;
use crate::output::err;

/// Exit code of the program after a request to stop: 128 plus the number of the signal, as in shells.
static CODE: AtomicU8 = AtomicU8::new(INTERRUPTED);

/// A signal that comes this soon after the first is not a second request: closing a terminal, or ending a job, may send
/// two signals.
const SAME_REQUEST: Duration = Duration::from_millis(100);

/// Returns a flag that the first signal sets. A run then stops at its next step and saves its state.
///
/// A second SIGINT or SIGTERM ends the program at once, with the exit code of that signal. If the program was started
/// with SIGHUP ignored, as by `nohup`, SIGHUP stays ignored.
pub fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let (asked, mut first) = (Arc::clone(&stop), None::<Instant>);
    on_signal(move |signal| match first {
        None => {
            first = Some(Instant::now());
            CODE.store(code(signal), Ordering::SeqCst);
            asked.store(true, Ordering::SeqCst);
        }
        Some(first) if signal != HANGUP && first.elapsed() > SAME_REQUEST => {
            std::process::exit(i32::from(code(signal)));
        }
        Some(_) => {}
    });
    stop
}

/// Calls the function, on a thread of its own, for each signal that asks the program to end, with its number.
pub fn on_signal(handle: impl FnMut(i32) + Send + 'static) {
    if let Err(error) = listen(handle) {
        err(format_args!("warning: signals will end the program at once: {error}\n"));
    }
}

/// The exit code of a program that was stopped by a signal, or because its time budget was spent.
pub fn interrupted() -> ExitCode {
    ExitCode::from(CODE.load(Ordering::SeqCst))
}

/// The exit code for a signal.
pub fn code(signal: i32) -> u8 {
    u8::try_from(signal).map_or(INTERRUPTED, |signal| 128 | signal)
}

#[cfg(unix)]
const HANGUP: i32 = signal_hook::consts::SIGHUP;
#[cfg(not(unix))]
const HANGUP: i32 = 1;

#[cfg(unix)]
fn listen(mut handle: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !softnce_kernels::system::ignores_hangup() {
        signals.add_signal(HANGUP)?;
    }
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || signals.forever().for_each(&mut handle)).map(drop)
}

#[cfg(not(unix))]
fn listen(mut handle: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    const INTERRUPT: i32 = 2;
    ctrlc::set_handler(move || handle(INTERRUPT)).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_shells() {
        assert_eq!([1, 2, 15].map(code), [129, 130, 143]);
        assert_eq!(code(2), INTERRUPTED);
    }
}
