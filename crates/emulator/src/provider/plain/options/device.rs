//! Login by device code.

use std::time::Duration;

use super::PlainOptions;

/// How devices log in (RFC 8628).
#[derive(Debug, Clone)]
pub(crate) struct DeviceOptions {
    pub(crate) lifetime: Duration,
    pub(crate) interval: Duration,
    pub(crate) without_interval: bool,
    googles_name: bool,
}

impl DeviceOptions {
    /// Returns the name of the member with the verification URI.
    pub(crate) fn uri_name(&self) -> &'static str {
        match self.googles_name {
            true => "verification_url",
            false => "verification_uri",
        }
    }
}

impl Default for DeviceOptions {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(1800),
            interval: Duration::from_secs(5),
            without_interval: false,
            googles_name: false,
        }
    }
}

/// Login by device code (RFC 8628).
impl PlainOptions {
    /// Sets the lifetime of device codes. Default: 30 minutes.
    #[must_use]
    pub fn device_code_lifetime(mut self, lifetime: Duration) -> Self {
        self.device.lifetime = lifetime;
        self
    }

    /// Sets the shortest pause between two polls; a faster poll gets `slow_down`. Default: 5
    /// seconds.
    #[must_use]
    pub fn device_interval(mut self, interval: Duration) -> Self {
        self.device.interval = interval;
        self
    }

    /// Omits `interval` from the response, which means 5 seconds (RFC 8628 §3.2).
    #[must_use]
    pub fn omit_device_interval(mut self) -> Self {
        self.device.without_interval = true;
        self
    }

    /// Names the verification URI `verification_url` (Google).
    #[must_use]
    pub fn verification_url(mut self) -> Self {
        self.device.googles_name = true;
        self
    }
}
