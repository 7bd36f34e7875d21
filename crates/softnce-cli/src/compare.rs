//! The command `compare`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use softnce_train::compare::{Outcome, Study};
use softnce_train::report::{self, Comparison};

use crate::args::CompareArguments;
use crate::exit::{FAILED, INTERRUPTED, USAGE, fail};
use crate::memory::AllocatorPeak;
use crate::progress::Bars;

pub fn run(arguments: &CompareArguments) -> ExitCode {
    let stop = stop_on_ctrl_c();
    let config = arguments.config();
    let folder = arguments.folder();
    let bars = Bars::new();
    let study = match Study::open(&config, &folder, &stop, &bars, Some(&AllocatorPeak)) {
        Ok(study) => study,
        Err(error) => return fail(&error, USAGE),
    };
    let outcome = study.run();
    bars.clear();
    match outcome {
        Ok(Outcome::Finished(results)) => {
            println!("{}", report::terminal(&Comparison::from(&results)));
            println!("\nReport: {}", folder.join("report.html").display());
            ExitCode::SUCCESS
        }
        Ok(Outcome::Interrupted { finished, planned }) => {
            let folder = folder.display();
            eprintln!(
                "stopped with {finished} of {planned} runs finished and kept in {folder}; the same command continues"
            );
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => fail(&error, FAILED),
    }
}

/// The first ctrl-C asks for a stop at the next step; a second one ends the program at once.
fn stop_on_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let handler = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    if let Err(error) = handler {
        log::warn!("ctrl-C will end the program at once: {error}");
    }
    stop
}
