//! Metrics, by the facade crate `metrics`. Without the feature `metrics`, nothing is measured.
//!
//! Labels are the provider's brand and words of this crate: never a subject, a site or a secret. A
//! recorder is the application's code, so a panic of it is caught, and it is called under no lock
//! and only after the tokens of an answer were handed on.

#[cfg(feature = "metrics")]
mod names;
#[cfg(not(feature = "metrics"))]
mod off;
#[cfg(feature = "metrics")]
mod on;
#[cfg(feature = "metrics")]
mod sample;

use std::time::Duration;

use tokenkeeper_refresh::FailureClass;

#[cfg(not(feature = "metrics"))]
pub(crate) use self::off::{JobTimes, Metrics};
#[cfg(feature = "metrics")]
pub(crate) use self::{
    on::{JobTimes, Metrics},
    sample::sample,
};

/// A finished token request.
#[cfg_attr(
    not(feature = "metrics"),
    expect(dead_code, reason = "only metrics read it")
)]
pub(crate) struct TokenRequest {
    pub(crate) grant: &'static str,
    /// `None`: it brought tokens.
    pub(crate) failed: Option<FailureClass>,
    pub(crate) took: Duration,
}

/// The end of a job for which callers wait.
#[derive(Debug, Default)]
#[cfg_attr(
    not(feature = "metrics"),
    expect(dead_code, reason = "only metrics read it")
)]
pub(crate) struct Measured {
    /// A refresh job: whether it brought a token, and how long it took.
    pub(crate) refresh: Option<(bool, Duration)>,
    /// A wait for another process's attempt.
    pub(crate) lease_wait: Option<Duration>,
}
