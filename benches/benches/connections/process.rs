//! What the operating system knows about this process.

use std::{fs, time::Duration};

/// Returns the processor time that the process has used.
pub fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field| fields.split_whitespace().nth(field)?.parse::<u64>().ok();
    let ticks = ticks(11).unwrap_or(0) + ticks(12).unwrap_or(0);
    Duration::from_millis(ticks * 10)
}

/// Counts the time of all processors of the machine.
#[derive(Clone, Copy, Debug)]
pub struct MachineTime {
    idle: u64,
    all: u64,
}

impl MachineTime {
    /// Returns the time since the machine was started; zero where there is no `/proc`.
    pub fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let times = stat.lines().next().unwrap_or_default().split_whitespace();
        // The first eight are times, and idle is the fourth, waiting for a disk the fifth.
        let times: Vec<u64> = times.skip(1).take(8).flat_map(str::parse).collect();
        let idle = times.iter().skip(3).take(2).sum();
        let all = times.iter().sum();
        Self { idle, all }
    }

    /// Returns how much of the time since `earlier` the processors were busy, in percent.
    pub fn busy_since(self, earlier: Self) -> u64 {
        let (idle, all) = (self.idle - earlier.idle, self.all - earlier.all);
        (all - idle) * 100 / all.max(1)
    }
}

/// Returns the number of connections in `TIME_WAIT` in the network namespace of this process.
pub fn time_wait() -> usize {
    let sockets = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let mut words = sockets.split_whitespace();
    words.find(|word| *word == "tw");
    words
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}
