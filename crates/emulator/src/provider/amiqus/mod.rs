//! Amiqus: <https://id.amiqus.co>, on Laravel Passport and league/oauth2-server.

mod api;
mod authorize;
mod error;
mod options;
mod provider;
mod token;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::SystemTime;

pub use options::{AmiqusOptions, Generation, RefreshRedirectUri};

use crate::random;

const AUTHORIZE: &str = "/oauth/authorize";
const TOKEN: &str = "/oauth/token";
const ME: &str = "/api/v2/me";
const STATUS: &str = "/api/v2/status";

/// The emulation of Amiqus.
#[derive(Debug)]
pub(crate) struct Amiqus {
    options: AmiqusOptions,
    /// The start of each user's current window, and the calls in it.
    calls: Mutex<HashMap<String, (SystemTime, u32)>>,
}

impl Amiqus {
    pub(crate) fn new(options: AmiqusOptions) -> Self {
        Self {
            options,
            calls: Mutex::default(),
        }
    }
}

/// Makes a value in the form of the library defuse/php-encryption: its version, then hexadecimal.
fn defuse(bytes: usize) -> String {
    format!("def502{}", random::hex(bytes))
}
