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
