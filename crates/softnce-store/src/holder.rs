//! The process that holds a lock.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// The process that holds a lock, as the lock's file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The number of the process.
    pub process: u32,
    /// The computer that it runs on, where the system tells its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When it took the lock, in UTC: `2026-11-29T18:00:00Z`.
    pub since: String,
}

impl Holder {
    /// This process, from now on.
    pub(crate) fn this() -> Self {
        #[cfg(unix)]
        let host = Some(rustix::system::uname().nodename().to_string_lossy().into_owned());
        #[cfg(not(unix))]
        let host = std::env::var("COMPUTERNAME").ok();
        let since = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Holder { process: std::process::id(), host, since }
    }

    /// The holder that the file of a lock names; `None` if it names none or cannot be read while it is locked.
    pub(crate) fn read(mut file: &File) -> Option<Self> {
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { process, host, since } = self;
        write!(f, "process {process}")?;
        host.as_ref().map_or(Ok(()), |host| write!(f, " on {host}"))?;
        write!(f, ", since {since}")
    }
}
