//! The device authorization request (RFC 8628).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    check::{value_header, wrong},
    endpoint::Endpoint,
    template::Template,
    token::ParameterPlace,
};
use crate::error::Error;

/// The device authorization request (RFC 8628 §3.1).
///
/// Placement, client authentication and headers are those of a token request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeviceRules {
    /// The device authorization endpoint.
    pub endpoint: Endpoint,
    /// Further parameters with fixed values, after the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixed: BTreeMap<String, Template>,
}

/// The parameters that the request has anyway.
pub(crate) const DEVICE_PARAMETERS: [&str; 3] = ["client_id", "client_secret", "scope"];

impl DeviceRules {
    /// Makes the rules of RFC 8628.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            fixed: BTreeMap::new(),
        }
    }

    pub(super) fn check(&self, placement: ParameterPlace) -> Result<(), Error> {
        if placement == ParameterPlace::Headers {
            let mut names = self.fixed.keys();
            names.try_for_each(|name| {
                value_header(&format!("device.fixed.{name}"), name).map(drop)
            })?;
        }
        let taken = |name: &&String| name.is_empty() || DEVICE_PARAMETERS.contains(&name.as_str());
        match self.fixed.keys().find(taken) {
            Some(name) => wrong(
                format!("device.fixed.{name}"),
                "is the name of another parameter of the request",
            ),
            None => Ok(()),
        }
    }
}
