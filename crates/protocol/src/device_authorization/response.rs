//! Device authorization responses (RFC 8628 §3.2).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use url::Url;

use super::{DeviceAuthorization, DeviceAuthorizationError, DeviceAuthorizationProblem as Problem};
use crate::{
    body, classification, client::Client, error_code::ErrorCode, json::Object, origin::Origin,
    rate_limit, secret::DeviceCode,
};

/// The longest device code.
const MAX_DEVICE_CODE: usize = 8 * 1024;

/// The longest user code. Those of RFC 8628 §6.1 have about ten characters.
const MAX_USER_CODE: usize = 64;

/// The longest URL that a person is sent to.
const MAX_URI: usize = 2 * 1024;

/// The lifetime that a longer one counts as.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The interval of a response that states none (RFC 8628 §3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// The intervals that are kept. No server is asked more often than once a second.
const INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60 * 60)];

pub(crate) fn read(
    client: &Client,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
    let (dialect, status) = (client.dialect(), response.status());
    if matches!(status.as_u16(), 408 | 429 | 500..=599) {
        let names = &dialect.resource.rate_limit;
        let limit = rate_limit::read(names, response.headers(), Some(sent_at));
        let retry_after = limit.retry_after;
        return Err(DeviceAuthorizationError::Unavailable { retry_after });
    }
    let object = body::object(dialect, response);
    let refuses = |object: &Object| classification::refuses(dialect, object);
    if !status.is_success() || object.as_ref().is_some_and(refuses) {
        let code = object.and_then(|object| classification::code(dialect, &object));
        let code = code.map(|code| ErrorCode::read(dialect, &code));
        return Err(DeviceAuthorizationError::Refused { status, code });
    }
    let read = object.ok_or(Problem::NoObject);
    read.and_then(|object| authorization(&object))
        .map_err(|problem| DeviceAuthorizationError::Unusable { status, problem })
}

fn authorization(object: &Object) -> Result<DeviceAuthorization, Problem> {
    let device_code = object.at("device_code").string();
    let device_code = device_code.filter(|code| {
        code.len() <= MAX_DEVICE_CODE && !code.contains(char::REPLACEMENT_CHARACTER)
    });
    let user_code = object.at("user_code").string();
    let user_code = user_code.filter(|code| is_showable(code));
    // Google's name comes from a draft of RFC 8628.
    let uri = |name: &str| object.at(name).string().and_then(|text| web_url(&text));
    let verification_uri = uri("verification_uri").or_else(|| uri("verification_url"));
    let complete = uri("verification_uri_complete").or_else(|| uri("verification_url_complete"));
    let lifetime = seconds(object, "expires_in").filter(|lifetime| !lifetime.is_zero());
    let [shortest, longest] = INTERVALS;
    Ok(DeviceAuthorization {
        device_code: DeviceCode::new(device_code.ok_or(Problem::DeviceCode)?),
        user_code: user_code.ok_or(Problem::UserCode)?,
        verification_uri: verification_uri.ok_or(Problem::VerificationUri)?,
        verification_uri_complete: complete,
        expires_in: lifetime.ok_or(Problem::Lifetime)?.min(MAX_LIFETIME),
        interval: seconds(object, "interval")
            .unwrap_or(DEFAULT_INTERVAL)
            .clamp(shortest, longest),
    })
}

/// Returns whether a terminal shows the text as it is: no control character and no character of
/// another script can disguise it.
fn is_showable(code: &str) -> bool {
    let printable = |b: u8| b.is_ascii_graphic() || b == b' ';
    code.len() <= MAX_USER_CODE && code.trim() == code && code.bytes().all(printable)
}

/// Returns a URL that a browser may open: one of another scheme could start a program.
fn web_url(text: &str) -> Option<Url> {
    // The parser drops tabs and line breaks.
    if text.len() > MAX_URI || text.chars().any(char::is_control) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    Origin::of_url(&url).is_some().then_some(url)
}

/// Returns a number of seconds, which some servers write as a string. Parts of a second count as a
/// whole one.
fn seconds(object: &Object, name: &str) -> Option<Duration> {
    let number = match object.at(name).value()? {
        serde_json::Value::Number(number) => number.as_f64()?,
        serde_json::Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number >= 0.0).then(|| Duration::try_from_secs_f64(number.ceil()).unwrap_or(Duration::MAX))
}
