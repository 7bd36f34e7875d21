//! What is measured, and for how long.

use std::time::Duration;

use crate::{Case, Path, SettingError};

/// What is measured, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchSettings {
    /// The cases.
    pub cases: Vec<Case>,
    /// The paths; each is measured at the cases that it applies to.
    pub paths: Vec<Path>,
    /// Numbers of threads; everything is measured with each.
    pub threads: Vec<usize>,
    /// Time for each path at each case, in seconds. A path has at least three samples, or one where a call is longer.
    pub seconds: f64,
    /// Most bytes that the tensor of [`Path::Reference`] may take; where it takes more the path is skipped.
    pub memory_cap: u64,
    /// Whether every call takes new memory for its gradient, instead of writing over what is kept from call to call.
    pub fresh_memory: bool,
}

/// Larger values are taken for typing errors: no path needs an hour, and no machine has so many threads.
const MOST_SECONDS: f64 = 3600.0;
const MOST_THREADS: usize = 1024;

impl Default for BenchSettings {
    /// All paths at the standard cases, a second each, on all cores.
    fn default() -> Self {
        BenchSettings {
            cases: Case::STANDARD.to_vec(),
            paths: Path::ALL.to_vec(),
            threads: vec![std::thread::available_parallelism().map_or(1, usize::from)],
            seconds: 1.0,
            memory_cap: 2 << 30,
            fresh_memory: false,
        }
    }
}

impl BenchSettings {
    /// Checks every setting before anything is measured.
    ///
    /// # Errors
    /// The name of the setting, its value and its range.
    pub fn check(&self) -> Result<(), SettingError> {
        let refuse = |argument, found: String, expected| Err(SettingError { argument, found, expected });
        if let Some(case) = first_repeated(&self.cases) {
            return refuse("cases", case.to_string(), "each case once");
        }
        if let Some(path) = first_repeated(&self.paths) {
            return refuse("paths", path.to_string(), "each path once");
        }
        if let Some(threads) = self.threads.iter().find(|threads| !(1..=MOST_THREADS).contains(*threads)) {
            return refuse("threads", threads.to_string(), "numbers from 1 to 1024");
        }
        if self.threads.is_empty() {
            return refuse("threads", "empty".to_owned(), "at least one number");
        }
        if let Some(threads) = first_repeated(&self.threads) {
            return refuse("threads", threads.to_string(), "each number once");
        }
        if !(self.seconds > 0.0 && self.seconds <= MOST_SECONDS) {
            return refuse("seconds", self.seconds.to_string(), "a number above 0, at most 3600");
        }
        if self.cases.iter().all(|&case| self.paths_at(case).next().is_none()) {
            let names: Vec<&str> = self.paths.iter().map(|path| path.name()).collect();
            let value = if names.is_empty() { "empty".to_owned() } else { names.join(",") };
            return refuse(
                "paths",
                value,
                "at least one path that a case has: head needs a head case, the others the other cases",
            );
        }
        Ok(())
    }

    /// The paths that are measured at a case.
    pub fn paths_at(&self, case: Case) -> impl Iterator<Item = Path> {
        self.paths.iter().copied().filter(move |path| path.applies_to(case))
    }

    /// Time for each path at each case.
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn first_repeated<T: PartialEq>(values: &[T]) -> Option<&T> {
    values.iter().enumerate().find(|(index, value)| values[..*index].contains(value)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let refused = |change: fn(&mut BenchSettings)| {
            let mut settings = BenchSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        BenchSettings::default().check().unwrap();
        assert_eq!(refused(|s| s.seconds = 0.0), "seconds is 0, expected a number above 0, at most 3600");
        assert!(refused(|s| s.seconds = f64::NAN).starts_with("seconds is NaN"));
        assert_eq!(refused(|s| s.threads = vec![1, 0]), "threads is 0, expected numbers from 1 to 1024");
        assert_eq!(refused(|s| s.threads = vec![2, 2]), "threads is 2, expected each number once");
        assert_eq!(refused(|s| s.threads.clear()), "threads is empty, expected at least one number");
        assert_eq!(refused(|s| s.paths = vec![Path::Nll; 2]), "paths is nll, expected each path once");
        assert!(refused(|s| s.cases = vec![Case::STANDARD[0]; 2]).starts_with("cases is N=128, M=128, d=10"));
        assert!(refused(|s| s.paths = vec![Path::Head]).starts_with("paths is head, expected at least one path"));
        assert!(refused(|s| s.cases.clear()).starts_with("paths is reference,dense"));
    }
}
