//! Requests that a browser sends before the person follows a link.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};

/// The headers in which browsers, past and present, name a request's purpose.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Returns whether the browser may throw the response away: the request must not use a code.
pub(crate) fn is_prefetch(headers: &HeaderMap) -> bool {
    let mut purposes = PURPOSES
        .iter()
        .flat_map(|name| headers.get_all(*name))
        .filter_map(|purpose| purpose.to_str().ok())
        .map(str::to_ascii_lowercase);
    purposes.any(|purpose| {
        let mut words = ["prefetch", "prerender", "preview"].iter();
        words.any(|word| purpose.contains(word))
    })
}

/// Refuses a prefetch. The browser then asks again when the person follows the link.
pub(crate) fn refusal() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_browsers_prefetch_is_recognized() {
        for (name, value, expected) in [
            ("sec-purpose", "prefetch", true),
            ("sec-purpose", "prefetch;prerender", true),
            ("sec-purpose", "prefetch;anonymous-client-ip", true),
            ("purpose", "prefetch", true),
            ("purpose", "Prefetch", true),
            ("x-purpose", "preview", true),
            ("x-moz", "prefetch", true),
            ("sec-purpose", "", false),
            ("sec-fetch-mode", "navigate", false),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]);
            assert_eq!(is_prefetch(&headers), expected, "{name}: {value}");
        }
    }
}
