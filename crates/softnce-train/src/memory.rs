//! The memory that this machine has left.

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

/// Bytes that a program can still allocate: what the system has available, within the limits of the control groups
/// (containers, SLURM jobs) of this process. `None` if the system does not say.
pub fn available() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    // Of a group's memory, file caches can be given up; what its processes hold cannot.
    let mut limits = vec![system.cgroup_limits()];
    if let Ok(own) = get_current_pid() {
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, ProcessRefreshKind::nothing());
        limits.push(system.process(own).and_then(sysinfo::Process::cgroup_limits));
    }
    let limits = limits.into_iter().flatten().map(|limits| limits.total_memory.saturating_sub(limits.rss));
    let least = limits.fold(system.available_memory(), u64::min);
    (least > 0).then_some(least)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_machine_that_runs_this_has_memory_left() {
        let found = super::available();
        assert!(found.is_none_or(|bytes| (1 << 20..1 << 50).contains(&bytes)), "{found:?}");
    }
}
