//! The warning about one mixing weight for the whole batch reaches the log, once a process.

use std::sync::Mutex;

use ndarray::Array2;
use softnce::{Loss, SoftTargetInfoNce, Targets, Warning};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collect;

impl log::Log for Collect {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(format!("{}: {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

#[test]
fn the_log_is_told_once() {
    log::set_logger(&Collect).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let (logits, loss) = (Array2::<f32>::zeros((3, 3)), SoftTargetInfoNce::default());
    let by_row = Targets::mixed(&[0, 1, 2], &[1, 2, 0], &[0.7, 0.8, 0.9], 3, 0.0).unwrap();
    loss.loss(logits.view(), &by_row).unwrap();
    assert!(LINES.lock().unwrap().is_empty());
    let shared = Targets::mixed(&[0, 1, 2], &[1, 2, 0], &[0.7; 3], 3, 0.0).unwrap();
    for _ in 0..3 {
        loss.loss(logits.view(), &shared).unwrap();
    }
    assert_eq!(*LINES.lock().unwrap(), [format!("WARN: {}", Warning::SharedMixingWeight)]);
}
