//! The operating system's monotonic clock, exact and coarse.

pub(super) use self::platform::Monotonic;

/// Linux keeps a coarse copy of the clock, renewed at each timer interrupt (1 to 10 ms), that is
/// read without asking the hardware.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    #[derive(Debug, Default)]
    pub(crate) struct Monotonic;

    impl Monotonic {
        pub(crate) fn now(&self) -> Duration {
            let time = clock_gettime(ClockId::Monotonic);
            // Neither is ever negative, and the second is below a thousand million.
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
        }

        /// Since the machine started, as [`now`](Self::now), so that the two can be compared.
        #[inline]
        pub(crate) fn coarse_millis(&self) -> u64 {
            let time = clock_gettime(ClockId::MonotonicCoarse);
            time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use std::time::{Duration, Instant};

    #[derive(Debug)]
    pub(crate) struct Monotonic(Instant);

    impl Default for Monotonic {
        fn default() -> Self {
            Self(Instant::now())
        }
    }

    impl Monotonic {
        pub(crate) fn now(&self) -> Duration {
            self.0.elapsed()
        }

        pub(crate) fn coarse_millis(&self) -> u64 {
            super::super::to_millis(self.now())
        }
    }
}
