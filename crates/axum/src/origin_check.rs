//! Checks that a request comes from the application's own pages.

use http::{HeaderMap, header::ORIGIN};

use crate::failure::Failure;

/// Requires that a page of this origin sent the request.
///
/// `Origin` shows it or, where a page's `Referrer-Policy: no-referrer` makes that `null`,
/// `Sec-Fetch-Site`. A page can set neither.
pub(crate) fn require_page(headers: &HeaderMap, origin: &str) -> Result<(), Failure> {
    let hidden = headers.get(ORIGIN).is_none_or(|given| given == "null");
    let fetch_site = headers.get("sec-fetch-site");
    if hidden && fetch_site.is_some_and(|site| site == "same-origin") {
        return Ok(());
    }
    require_origin(headers, origin)
}

/// Requires that the request has one `Origin`, which is this one.
pub(crate) fn require_origin(headers: &HeaderMap, origin: &str) -> Result<(), Failure> {
    let mut given = headers.get_all(ORIGIN).iter();
    match (given.next(), given.next()) {
        (Some(given), None) if given == origin => Ok(()),
        _ => Err(Failure::FOREIGN_ORIGIN),
    }
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
        let check = |list: &[_]| require_page(&headers(list), own).is_ok();
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
        assert!(require_origin(&headers(&[("origin", own)]), own).is_ok());
        assert!(require_origin(&headers(&[("sec-fetch-site", "same-origin")]), own).is_err());
        assert!(require_origin(&headers(&[("origin", own), ("origin", own)]), own).is_err());
    }
}
