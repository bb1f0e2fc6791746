//! The cookies with the nonces of pages that post back.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use tokenkeeper_engine::FlowInfo;

use super::{
    jar::{add, pairs},
    lifetime, name,
};
use crate::callback_path::CallbackPath;

/// A page that posts back, with a nonce that shows that the post is its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoncePage {
    /// The relay page.
    Relay,
    /// The page on which the person confirms a login.
    Confirm,
}

impl NoncePage {
    /// Returns the suffix of the cookie's name.
    fn suffix(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Confirm => "confirm",
        }
    }
}

/// Returns the nonce of the page that this browser got last, if it is for this flow.
pub(crate) fn nonce(
    callback_path: &CallbackPath,
    page: NoncePage,
    flow_id: &str,
    given: &HeaderMap,
) -> Option<String> {
    let name = name(callback_path, page.suffix());
    let (_, value) = pairs(given).find(|(given, _)| *given == name)?;
    let (of, nonce) = value.split_once('.')?;
    (of == flow_id && !nonce.is_empty()).then(|| nonce.to_owned())
}

/// Sets the nonce of a page, which invalidates that of an earlier one.
pub(crate) fn set_nonce(
    callback_path: &CallbackPath,
    page: NoncePage,
    info: &FlowInfo,
    nonce: &str,
    set: &mut HeaderMap,
) {
    let name = name(callback_path, page.suffix());
    let cookie = Cookie::new(name, format!("{}.{nonce}", info.id));
    add(cookie, SameSite::Strict, lifetime(info), set);
}

/// Removes the nonce.
pub(crate) fn remove_nonce(callback_path: &CallbackPath, page: NoncePage, set: &mut HeaderMap) {
    let cookie = Cookie::new(name(callback_path, page.suffix()), "");
    add(cookie, SameSite::Strict, Duration::ZERO, set);
}
