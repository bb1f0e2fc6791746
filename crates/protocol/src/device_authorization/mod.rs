//! The device authorization (RFC 8628 §3.1, §3.2).

mod error;
mod request;
mod response;

use std::{fmt, time::Duration};

use url::Url;

pub use self::error::{DeviceAuthorizationError, DeviceAuthorizationProblem};
pub(crate) use self::{request::build, response::read};
use crate::secret::DeviceCode;

/// The values of one device authorization request, in addition to the registration's.
///
/// `Debug` shows only the names of further parameters, which may hold a hint about the person.
#[derive(Clone, Copy, Default)]
pub struct DeviceAuthorizationRequest<'a> {
    /// The scope to request in place of the registration's or the dialect's.
    pub scope: Option<&'a str>,
    /// Further parameters, after the dialect's. They replace its fixed ones of the same name.
    pub extra: &'a [(&'a str, &'a str)],
}

impl fmt::Debug for DeviceAuthorizationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = self.extra.iter().map(|(name, _)| name);
        f.debug_struct("DeviceAuthorizationRequest")
            .field("scope", &self.scope)
            .field("extra", &extra.collect::<Vec<_>>())
            .finish()
    }
}

/// What a person needs to approve a login on another device, and the code to poll with
/// (RFC 8628 §3.2).
///
/// Everything that is meant for people is safe to print: the user code is printable ASCII of at
/// most 64 bytes, and a URL has no control character. `Debug` shows neither code.
///
/// ```
/// use std::time::SystemTime;
/// use tokenkeeper_protocol::{Dialect, Provider, Registration, bytes::Bytes, http::Response};
///
/// let registration = Registration::new("id", "https://app.example/cb").secret("s3cr3t");
/// let client = Dialect::rfc6749("example", "https://login.example")?.with(registration)?;
/// let response = Response::new(Bytes::from_static(
///     br#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",
///          "verification_uri":"https://login.example/device","expires_in":1800}"#,
/// ));
/// let device = client.read_device_authorization_response(&response, SystemTime::now())?;
/// assert_eq!(device.user_code, "WDJB-MJHT");
/// assert_eq!(device.verification_uri.as_str(), "https://login.example/device");
/// assert_eq!(device.interval.as_secs(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceAuthorization {
    /// The device code, which the token requests present. It is a secret.
    pub device_code: DeviceCode,
    /// The code that the person types at the verification URI.
    pub user_code: String,
    /// Where the person approves the login: https, or http on loopback.
    pub verification_uri: Url,
    /// The same with the user code, for a link or a QR code; `None` if the server has none that can
    /// be used.
    pub verification_uri_complete: Option<Url>,
    /// The lifetime of both codes, from the sending of the request: from 1 second to a day.
    pub expires_in: Duration,
    /// The shortest pause between two token requests: from 1 second to an hour.
    pub interval: Duration,
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("device_code", &self.device_code)
            .field("verification_uri", &self.verification_uri.as_str())
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
