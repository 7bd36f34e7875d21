//! The options of the command `bench`.

use std::path::PathBuf;

use clap::Args;
use softnce_bench::{BenchSettings, Case, CaseSet, Path, SettingError};
use softnce_terminal::parse_bytes;

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Measure this case: N rows, M candidates, D classes; may be repeated.
    #[arg(long = "case", value_name = "N,M,D")]
    pub single: Vec<Case>,
    /// Measure a linear head over D classes, with N = M = 1024 and 256 features; may be repeated.
    #[arg(long = "head", value_name = "D", value_parser = parse_head)]
    pub heads: Vec<Case>,
    /// Sets of cases: standard, heads, sweep, quick (three of standard) [default without --case and --head:
    /// standard,heads,sweep].
    #[arg(long = "cases", value_delimiter = ',', value_name = "SET,..")]
    pub sets: Option<Vec<CaseSet>>,
    /// Computations to measure: reference, dense, recognised, compact, hard, soft_cross_entropy, nll, products, copy, head
    /// [default: all].
    #[arg(long, value_delimiter = ',', value_name = "PATH,..")]
    pub paths: Option<Vec<Path>>,
    /// Numbers of threads to measure with [default: the number of cores].
    #[arg(long, value_delimiter = ',', value_name = "T,..")]
    pub threads: Option<Vec<usize>>,
    /// Seconds for each computation of each case.
    #[arg(long, default_value_t = BenchSettings::default().seconds, allow_negative_numbers = true)]
    pub seconds: f64,
    /// Skip the computation `reference` if its N x M x D tensor is larger than this; bytes, or with KiB, MiB or GiB.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_bytes, allow_hyphen_values = true)]
    pub memory_cap: u64,
    /// Allocate new memory for the gradient at every call instead of reusing it.
    #[arg(long)]
    pub fresh_memory: bool,
    /// Also write the measurements to this JSON file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Name of the measurement; its folder is runs/NAME.
    #[arg(long, default_value = "bench", conflicts_with = "out")]
    pub name: String,
    /// Folder for the results [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl BenchArguments {
    /// What to measure.
    pub fn settings(&self) -> BenchSettings {
        let default = BenchSettings::default();
        BenchSettings {
            cases: self.cases(),
            paths: self.paths.clone().unwrap_or(default.paths),
            threads: self.threads.clone().unwrap_or(default.threads),
            seconds: self.seconds,
            memory_cap: self.memory_cap,
            fresh_memory: self.fresh_memory,
        }
    }

    /// Where the results go.
    pub fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&self.name))
    }

    /// The cases of the sets, then those given one by one that are not among them.
    fn cases(&self) -> Vec<Case> {
        let single: Vec<Case> = self.single.iter().chain(&self.heads).copied().collect();
        let mut cases = match &self.sets {
            Some(sets) => CaseSet::union(sets),
            None if single.is_empty() => CaseSet::union(&CaseSet::DEFAULT),
            None => Vec::new(),
        };
        let more: Vec<Case> = single.into_iter().filter(|case| !cases.contains(case)).collect();
        cases.extend(more);
        cases
    }
}

fn parse_head(text: &str) -> Result<Case, SettingError> {
    let expected = "a number of classes from 1 to 100000000";
    let refused = |_| SettingError { argument: "head case", found: text.to_owned(), expected };
    Case::head(text.trim().parse().map_err(refused)?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        bench: BenchArguments,
    }

    fn settings(arguments: &[&str]) -> BenchSettings {
        Only::parse_from(["bench"].iter().chain(arguments)).bench.settings()
    }

    fn cases(arguments: &[&str]) -> Vec<Case> {
        settings(arguments).cases
    }

    #[test]
    fn cases_are_those_asked_for_and_otherwise_the_default() {
        assert_eq!(cases(&[]), CaseSet::union(&CaseSet::DEFAULT));
        assert_eq!(cases(&["--cases", "quick"]), Case::STANDARD[..3]);
        assert_eq!(cases(&["--case", "128,1024,200", "--case", "3,4,5"]).len(), 2);
        assert_eq!(cases(&["--head", "10000"]), Case::HEADS[..1]);
        // A case of a set and by itself is measured once.
        assert_eq!(cases(&["--cases", "quick,standard", "--case", "128,128,10"]), Case::STANDARD);
    }

    #[test]
    fn the_memory_cap_is_the_library_s() {
        assert_eq!(settings(&[]).memory_cap, BenchSettings::default().memory_cap);
    }
}
