//! Checks that a request comes from the application's own pages.

use http::{HeaderMap, header::ORIGIN};

use crate::failure::Failure;

/// Returns whether a page of this origin sent the request.
///
/// `Origin` shows it or, where a page's `Referrer-Policy: no-referrer` makes that `null`,
/// `Sec-Fetch-Site`. A page can set neither.
pub(crate) fn is_page(headers: &HeaderMap, origin: &str) -> bool {
    let hidden = headers.get(ORIGIN).is_none_or(|given| given == "null");
    let fetch_site = headers.get("sec-fetch-site");
    if hidden && fetch_site.is_some_and(|site| site == "same-origin") {
        return true;
    }
    is_origin(headers, origin)
}

/// Returns whether the request has one `Origin`, which is this one.
pub(crate) fn is_origin(headers: &HeaderMap, origin: &str) -> bool {
    let mut given = headers.get_all(ORIGIN).iter();
    matches!((given.next(), given.next()), (Some(given), None) if given == origin)
}

/// Refuses a request that no page of this origin sent, and logs both origins.
///
/// The usual mistake is a page at `localhost` where the redirect URI has 127.0.0.1, or a proxy.
pub(crate) fn refuse(brand: &str, headers: &HeaderMap, origin: &str) -> Failure {
    let failure = Failure::FOREIGN_ORIGIN;
    tracing::info!(
        provider = brand,
        failure = failure.code,
        expected = origin,
        received = ?headers.get(ORIGIN),
        "a browser is refused, since no page of this origin sent its request"
    );
    failure.logged()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_page_is_recognized_by_its_origin() {
        let own = "https://app.example";
        let check = |list: &[_]| is_page(&headers(list), own);
        assert!(check(&[("origin", own)]));
        assert!(check(&[
            ("origin", "null"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(!check(&[]));
        assert!(!check(&[("origin", "null")]));
        assert!(!check(&[
            ("origin", "null"),
            ("sec-fetch-site", "same-site")
        ]));
        assert!(!check(&[("origin", "https://evil.test")]));
        assert!(!check(&[
            ("origin", "https://evil.test"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(!check(&[("origin", "https://app.example:8443")]));
        assert!(!check(&[("origin", own), ("origin", "https://evil.test")]));
    }

    #[test]
    fn the_relay_must_name_its_origin() {
        let own = "https://app.example";
        assert!(is_origin(&headers(&[("origin", own)]), own));
        assert!(!is_origin(
            &headers(&[("sec-fetch-site", "same-origin")]),
            own
        ));
        assert!(!is_origin(
            &headers(&[("origin", own), ("origin", own)]),
            own
        ));
    }
}
