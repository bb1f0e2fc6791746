//! The operating system's monotonic clock, exact and coarse.

pub(super) use self::platform::Monotonic;

/// Linux updates a coarse copy of the clock at each timer interrupt (every 1 to 10 ms). Reading it
/// does not access the hardware.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    /// `CLOCK_MONOTONIC` and `CLOCK_MONOTONIC_COARSE`.
    #[derive(Debug, Default)]
    pub(crate) struct Monotonic;

    impl Monotonic {
        pub(crate) fn now(&self) -> Duration {
            let time = clock_gettime(ClockId::Monotonic);
            // Neither field is negative, and `tv_nsec` is below 10^9.
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
        }

        /// Returns the coarse time since boot, like [`now`](Self::now), so the two are comparable.
        #[inline]
        pub(crate) fn coarse_millis(&self) -> u64 {
            let time = clock_gettime(ClockId::MonotonicCoarse);
            time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
        }

        /// [`coarse_millis`](Self::coarse_millis) in nanoseconds, which takes no division.
        #[inline(always)]
        pub(crate) fn coarse_nanos(&self) -> u64 {
            let time = clock_gettime(ClockId::MonotonicCoarse);
            time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use std::time::{Duration, Instant};

    /// The standard library's clock, which has no coarse form.
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

        pub(crate) fn coarse_nanos(&self) -> u64 {
            super::super::to_nanos(self.now())
        }
    }
}
