//! The plaintext of a login by device code.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use tokenkeeper_protocol::DeviceCode;
use tokenkeeper_refresh::{self as refresh, WallMillis};
use zeroize::Zeroizing;

use super::{
    bytes::{self, Reader},
    seal::Contents,
};
use crate::clock::to_millis;

/// The sealed state of a login by device code. Only a holder of the [`FlowKey`](crate::FlowKey) can
/// read or change it, so a command may print it in one call and take it in the next.
///
/// It holds the device code: with it and the key, any process can finish the login.
/// [`DeviceLogin`](crate::DeviceLogin) has an example.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceFlow(pub(super) String);

impl DeviceFlow {
    /// Returns the flow as text in the base64url alphabet.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for DeviceFlow {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for DeviceFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceFlow([sealed])")
    }
}

/// The plaintext of a [`DeviceFlow`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceContents {
    pub(crate) id: refresh::Id,
    pub(crate) expires: WallMillis,
    pub(crate) brand: String,
    pub(crate) site: String,
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) device_code: DeviceCode,
    pub(crate) scope: Option<String>,
    pub(crate) interval: Duration,
    /// The earliest time of the first poll.
    pub(crate) polled_from: WallMillis,
}

impl DeviceContents {
    /// Returns what identifies the flow in the account's record.
    pub(crate) fn identity(&self) -> refresh::Flow {
        refresh::Flow {
            id: self.id,
            ends: self.expires,
        }
    }
}

impl Contents for DeviceContents {
    const PURPOSE: &'static [u8] = b"tokenkeeper device flow 1";

    fn expires(&self) -> WallMillis {
        self.expires
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let interval = to_millis(self.interval).to_string();
        let polled_from = self.polled_from.to_string();
        let texts = [
            Some(self.brand.as_str()),
            Some(&self.site),
            Some(&self.client_id),
            Some(&self.subject),
            Some(self.device_code.expose()),
            self.scope.as_deref(),
            Some(&interval),
            Some(&polled_from),
        ];
        bytes::write(self.id, self.expires, &texts)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes)?;
        let contents = Self {
            id: reader.id,
            expires: reader.expires,
            brand: reader.text()??,
            site: reader.text()??,
            client_id: reader.text()??,
            subject: reader.text()??,
            device_code: DeviceCode::new(reader.text()??),
            scope: reader.text()?,
            interval: Duration::from_millis(reader.text()??.parse().ok()?),
            polled_from: reader.text()??.parse().ok()?,
        };
        reader.is_empty().then_some(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_contents_come_back() {
        let contents = DeviceContents {
            id: refresh::Id([7; 16]),
            expires: 1_790_000_000_000,
            brand: "google".to_owned(),
            site: "https://accounts.google.com".to_owned(),
            client_id: "client-1".to_owned(),
            subject: "zoë".to_owned(),
            device_code: DeviceCode::new("d".repeat(8 * 1024)),
            scope: None,
            interval: Duration::from_secs(5),
            polled_from: 1_789_999_000_000,
        };
        let bytes = contents.to_bytes();
        assert!(DeviceContents::from_bytes(&bytes).is_some_and(|back| back == contents));
        for end in 0..bytes.len() {
            assert!(DeviceContents::from_bytes(&bytes[..end]).is_none(), "{end}");
        }
    }
}
