//! The memory that is available to this process.

use std::fs;
use std::path::Path;

use sysinfo::{MemoryRefreshKind, System};

/// Bytes that a program can still allocate: what the system has available, within the limits of the control groups
/// (containers, SLURM jobs) of this process and of its address space (`ulimit -v`). `None` if the system does not say.
pub fn available() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let read = |name: &str| fs::read_to_string(Path::new("/proc/self").join(name)).unwrap_or_default();
    let found = [
        Some(system.available_memory()).filter(|&bytes| bytes > 0),
        allowed(&read("cgroup"), Path::new("/sys/fs/cgroup")),
        addressable(&read("limits"), &read("status")),
    ];
    found.into_iter().flatten().min()
}

/// The bytes that the limit of the address space still allows. `limits`, `status`: the content of these files in
/// `/proc/self`.
fn addressable(limits: &str, status: &str) -> Option<u64> {
    let number = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (limit, used) = (number(limits, "Max address space")?, number(status, "VmSize:")?);
    Some(limit.saturating_sub(used.saturating_mul(1024)))
}

/// The names that a version of control groups gives to a limit, to what is used of it, and to the file caches in that,
/// which the system gives up when memory is short.
struct Version {
    limit: &'static str,
    used: &'static str,
    caches: [&'static str; 2],
}

const FIRST: Version = Version {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    caches: ["total_inactive_file", "total_active_file"],
};
const SECOND: Version =
    Version { limit: "memory.max", used: "memory.current", caches: ["inactive_file", "active_file"] };

/// The bytes that the memory limits of control groups still allow; `None` if there is no limit. `groups`: the content
/// of `/proc/self/cgroup`; `root`: where control groups are mounted.
fn allowed(groups: &str, root: &Path) -> Option<u64> {
    let of_group = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let (version, root) = match controllers {
            "" => (SECOND, root.to_owned()),
            _ if controllers.split(',').any(|name| name == "memory") => (FIRST, root.join("memory")),
            _ => return None,
        };
        // A limit of any group above holds too. In a container, only the mounted root may be visible.
        let group = root.join(path.trim_start_matches('/'));
        group.ancestors().take_while(|group| group.starts_with(&root)).filter_map(|group| left(group, &version)).min()
    };
    groups.lines().filter_map(of_group).min()
}

/// The bytes that a group may still allocate; `None` without a limit.
fn left(group: &Path, version: &Version) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let (limit, used) = (number(version.limit)?, number(version.used)?);
    let statistics = read("memory.stat").unwrap_or_default();
    let entries = statistics.lines().filter_map(|line| line.split_once(' '));
    let caches = entries.filter(|(name, _)| version.caches.contains(name));
    let caches: u64 = caches.filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok()).sum();
    Some(limit.saturating_sub(used.saturating_sub(caches)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_machine_that_runs_this_has_memory_left() {
        let found = available();
        assert!(found.is_none_or(|bytes| (1 << 20..1 << 50).contains(&bytes)), "{found:?}");
    }

    #[test]
    fn the_limit_of_the_address_space_counts() {
        let status = "VmPeak:\t 700 kB\nVmSize:\t     600 kB\n";
        let limits = |value: &str| format!("Max cpu time  1  1  seconds\nMax address space    {value}   9   bytes\n");
        assert_eq!(addressable(&limits("1000000"), status), Some(1_000_000 - 600 * 1024));
        assert_eq!(addressable(&limits("1000"), status), Some(0));
        assert_eq!(addressable(&limits("unlimited"), status), None);
        assert_eq!(addressable("", ""), None);
    }

    #[test]
    fn the_smallest_rest_of_all_groups_above_counts() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let group = |path: &str, files: [(&str, &str); 3]| {
            fs::create_dir_all(root.join(path)).unwrap();
            files.iter().for_each(|(name, content)| fs::write(root.join(path).join(name), content).unwrap());
        };
        let second = |path: &str, limit: &str, used: &str, statistics: &str| {
            group(path, [("memory.max", limit), ("memory.current", used), ("memory.stat", statistics)]);
        };
        // A job of 1000 bytes, 700 of them used by both of its steps, 250 of those by file caches.
        second("job", "1000\n", "700\n", "anon 400\ninactive_file 150\nactive_file 100\nfile 250\n");
        second("job/step", "max\n", "300\n", "anon 300\n");
        assert_eq!(allowed("0::/job/step\n", root), Some(550));
        second("job/step", "350\n", "300\n", "");
        assert_eq!(allowed("0::/job/step\n", root), Some(50));
        second("job/step", "200\n", "300\n", "");
        assert_eq!(allowed("0::/job/step\n", root), Some(0));
        assert_eq!(allowed("0::/\n", root), None);
        assert_eq!(allowed("", root), None);
        // In a container, the path of the host leads nowhere, and the root has the limit.
        let first = [
            ("memory.limit_in_bytes", "2000\n"),
            ("memory.usage_in_bytes", "900\n"),
            ("memory.stat", "total_inactive_file 300\ninactive_file 7\n"),
        ];
        group("memory", first);
        assert_eq!(allowed("9:name=systemd:/\n4:cpu,memory:/docker/5840\n0::/\n", root), Some(1400));
        // Lines that name no group of memory.
        assert_eq!(allowed("nothing\n4\n4:memory\n4:cpu:/job\n", root), None);
    }
}
