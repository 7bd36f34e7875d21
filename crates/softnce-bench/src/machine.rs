//! What the measurements were made on.

use std::fs;

/// What the measurements were made on, as far as the system tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Name of the processor.
    pub processor: Option<String>,
    /// Cores that the program may use.
    pub cores: usize,
    /// Operating system and architecture.
    pub system: String,
    /// The widest vector instructions that the kernels find.
    pub instructions: String,
}

impl Machine {
    /// The machine that the program runs on.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Machine {
            processor: field(&cpuinfo, "model name").map(str::to_owned),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            instructions: softnce::Instructions::widest().to_string(),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let processor = self.processor.as_deref().unwrap_or("unknown processor");
        let cores = softnce_report::number::plural(self.cores, "core", "cores");
        write!(f, "{processor}, {cores}, {} instructions, {}", self.instructions, self.system)
    }
}

/// Bytes that can be allocated before the system runs short; `None` if it does not tell.
pub(crate) fn available_memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes: u64 = field(&meminfo, "MemAvailable")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The first value under a name, in the form of Linux' information files.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let values = text.lines().filter_map(|line| line.split_once(':'));
    values.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let text = "MemTotal:  100 kB\nMemAvailable:   64 kB\n";
        assert_eq!(field(text, "MemAvailable"), Some("64 kB"));
        assert_eq!(field(text, "MemFree"), None);
    }

    #[test]
    fn the_machine_has_a_core() {
        assert!(Machine::here().cores >= 1);
        assert!(available_memory().is_none_or(|bytes| bytes > 0));
    }
}
