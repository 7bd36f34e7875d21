//! The command `bench`.

mod args;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use args::BenchArguments;
use softnce_bench::{self as bench, AllocatedBytes, Bench, BenchError, BenchFolder, report};
use softnce_store::{check_writable, write_json};
use softnce_terminal::{
    FAILED, PartBar, Progress, USAGE, code, fail, on_signal, peak_memory, reset_peak_memory, say, tell,
};

pub fn run(arguments: &BenchArguments) -> ExitCode {
    let settings = arguments.settings();
    let bar = CaseBar(PartBar::new("case"));
    let memory = AllocatedBytes { reset: reset_peak_memory, peak: peak_memory };
    let bench = match Bench::new(&settings, &bar, Some(memory)) {
        Ok(bench) => bench,
        Err(error) => return fail(&error, USAGE),
    };
    let folder = match open(arguments, &settings.threads) {
        Ok(folder) => folder,
        Err(BenchError::Store(error)) if error.is_full_disk() => return fail(&error, FAILED),
        Err(error) => return fail(&error, USAGE),
    };
    let writing = end_on_signal();
    let results = bench.run();
    bar.0.clear();
    let results = match results {
        Ok(results) => results,
        Err(error) => return fail(&error, FAILED),
    };
    say!("{}", report::terminal(&results));
    writing.store(true, Ordering::SeqCst);
    let written = folder.write(&results).and_then(|()| match &arguments.json {
        Some(path) => {
            write_json(path, &results.measurements)?;
            Ok(())
        }
        None => Ok(()),
    });
    match written {
        Ok(()) => {
            say!("Report: {}", folder.page().display());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, FAILED),
    }
}

/// The bar over the cases.
struct CaseBar(PartBar);

impl bench::Progress for CaseBar {
    fn start(&self, cases: usize) {
        self.0.start(cases, 0);
    }

    fn case(&self, label: &str) {
        self.0.part(label);
    }

    fn finished(&self) {
        self.0.finished();
    }
}

/// Opens the folder and checks every file, before anything is measured.
fn open(arguments: &BenchArguments, threads: &[usize]) -> Result<BenchFolder, BenchError> {
    let folder = BenchFolder::open(&arguments.folder(), threads)?;
    if let Some(path) = &arguments.json {
        check_writable(path)?;
    }
    Ok(folder)
}

/// A signal ends the program while it measures. What it is writing, once the flag is set, it finishes first: that takes
/// no time, and leaves no file of this measurement beside one of the last.
fn end_on_signal() -> Arc<AtomicBool> {
    let writing = Arc::new(AtomicBool::new(false));
    let is_writing = Arc::clone(&writing);
    on_signal(move |signal| {
        if !is_writing.load(Ordering::SeqCst) {
            tell!("\nstopped; nothing was written");
            std::process::exit(i32::from(code(signal)));
        }
    });
    writing
}
