//! The schedule of faults, which the seed decides.

use std::time::Duration;

use super::{Backend, RunOptions};
use crate::{
    config::{LEASE, MAX_CLOCK_SKEW},
    random::Random,
};

/// A fault. An aimed one waits for the worker's next token request, or for the answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// SIGKILL, and a new worker in the same slot after a pause.
    Kill {
        slot: usize,
        aimed: bool,
        pause: Duration,
    },
    /// SIGSTOP, and SIGCONT after `length`.
    Stop {
        slot: usize,
        aimed: bool,
        length: Duration,
    },
    /// The connections to the store are cut, and new ones fail for `length`.
    Cut { slot: usize, length: Duration },
    /// Each chunk to or from the store is delayed by `each`.
    Slow {
        slot: usize,
        each: Duration,
        length: Duration,
    },
    /// No data gets through to the store or back.
    Hang { slot: usize, length: Duration },
    /// The store's next answer is lost.
    Mute { slot: usize },
    /// The store is stopped and started again.
    Restart { gently: bool, pause: Duration },
    /// Another process holds the lock of the store's file.
    Lock { length: Duration },
    /// The worker's wall clock is this many milliseconds ahead.
    Clock { slot: usize, ahead: i64 },
    /// The user disconnects, and connects again through another worker.
    Disconnect { slot: usize, account: usize },
    /// The user connects once more.
    Connect { slot: usize, account: usize },
    /// The token endpoint waits before or after it redeems the token.
    Provider { before: bool, delay: Duration },
}

impl Fault {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "worker killed (SIGKILL)",
            Self::Stop { length, .. } if *length > LEASE => {
                "worker stopped past the lease (SIGSTOP, SIGCONT)"
            }
            Self::Stop { .. } => "worker stopped for less (SIGSTOP, SIGCONT)",
            Self::Cut { length, .. } if *length > LEASE => {
                "worker's connections to the store cut for longer than the lease"
            }
            Self::Cut { .. } => "worker's connections to the store cut",
            Self::Slow { .. } => "worker's connections to the store slow",
            Self::Hang { .. } => "worker's connections to the store hanging",
            Self::Mute { .. } => "store's answer lost on its way to a worker",
            Self::Restart { gently: true, .. } => "store restarted (SIGTERM)",
            Self::Restart { gently: false, .. } => "store restarted (SIGKILL)",
            Self::Lock { .. } => "store's file locked by another process",
            Self::Clock { .. } => "worker's wall clock moved",
            Self::Disconnect { .. } => "account disconnected, then connected again",
            Self::Connect { .. } => "account connected once more",
            Self::Provider { .. } => "token endpoint's delay changed",
        }
    }
}

/// An endless, seeded sequence of faults.
#[derive(Debug)]
pub(super) struct Schedule {
    random: Random,
    store: Backend,
    workers: u64,
    accounts: u64,
}

impl Schedule {
    pub(super) fn new(options: &RunOptions) -> Self {
        Self {
            random: Random::new(options.seed),
            store: options.store,
            workers: options.workers as u64,
            accounts: options.accounts as u64,
        }
    }

    /// Returns the next fault and the pause before it.
    pub(super) fn next(&mut self) -> (Duration, Fault) {
        let pause = self.random.millis(50, 500);
        (pause, self.fault())
    }

    fn fault(&mut self) -> Fault {
        let slot = index(self.random.below(self.workers));
        match self.random.below(100) {
            0..12 => Fault::Kill {
                slot,
                aimed: self.random.chance(50),
                pause: self.random.millis(0, 500),
            },
            12..34 => Fault::Stop {
                slot,
                aimed: self.random.chance(70),
                length: self.longer_or_shorter(50, 900),
            },
            34..64 => self.store_fault(slot),
            64..74 => Fault::Clock {
                slot,
                ahead: self.ahead(),
            },
            74..83 => Fault::Disconnect {
                slot,
                account: index(self.random.below(self.accounts)),
            },
            83..92 => Fault::Connect {
                slot,
                account: index(self.random.below(self.accounts)),
            },
            _ => Fault::Provider {
                before: self.random.chance(50),
                delay: self.delay(),
            },
        }
    }

    /// Returns a delay, mostly short, at times longer than a lease (which its holder renews).
    fn delay(&mut self) -> Duration {
        let longer = self.random.chance(20);
        let short = self.random.millis(0, 500);
        if longer { LEASE + short * 4 } else { short }
    }

    fn store_fault(&mut self, slot: usize) -> Fault {
        let draw = self.random.below(28);
        let (short, long) = (self.random.millis(0, 800), self.longer_or_shorter(50, 900));
        let each = self.random.millis(2, 120);
        let gently = self.random.chance(50);
        if self.store == Backend::Sqlite {
            return Fault::Lock {
                length: if draw < 25 { short / 2 } else { short * 4 },
            };
        }
        match draw {
            0..8 => Fault::Cut { slot, length: long },
            8..14 => Fault::Slow {
                slot,
                each,
                length: short * 2,
            },
            14..19 => Fault::Hang {
                slot,
                length: short,
            },
            19..25 => Fault::Mute { slot },
            _ => Fault::Restart {
                gently,
                pause: short,
            },
        }
    }

    /// In every second case longer than the lease.
    fn longer_or_shorter(&mut self, least: u64, most: u64) -> Duration {
        let longer = self.random.chance(50);
        let short = self.random.millis(least, most);
        if longer { LEASE + short + short } else { short }
    }

    /// Seconds mostly, minutes now and then, a day once in a while.
    fn ahead(&mut self) -> i64 {
        let most = match self.random.below(20) {
            0..14 => 5_000,
            14..19 => 10 * 60_000,
            _ => u64::try_from(MAX_CLOCK_SKEW.as_millis()).unwrap_or(u64::MAX),
        };
        let ahead = i64::try_from(self.random.below(most)).unwrap_or(0);
        if self.random.chance(50) {
            ahead
        } else {
            -ahead
        }
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(seed: u64, store: Backend) -> Schedule {
        Schedule::new(&RunOptions {
            length: Duration::from_secs(1),
            store,
            seed,
            workers: 3,
            accounts: 5,
        })
    }

    #[test]
    fn same_seed_gives_same_schedule() {
        let (mut one, mut same) = (schedule(5, Backend::Redis), schedule(5, Backend::Redis));
        for _ in 0..1000 {
            assert_eq!(one.next(), same.next());
        }
    }

    #[test]
    fn all_faults_of_the_store_occur_and_no_others() {
        let mut names = std::collections::BTreeSet::new();
        let mut redis = schedule(1, Backend::Redis);
        for _ in 0..2000 {
            let (_, fault) = redis.next();
            assert!(!matches!(fault, Fault::Lock { .. }));
            names.insert(fault.name());
        }
        assert_eq!(names.len(), 14);
        let mut sqlite = schedule(1, Backend::Sqlite);
        let of_redis = |fault: Fault| matches!(fault, Fault::Cut { .. } | Fault::Restart { .. });
        assert!((0..2000).all(|_| !of_redis(sqlite.next().1)));
    }
}
