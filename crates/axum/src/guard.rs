//! Whether a request comes from the application's own pages.

use http::{HeaderMap, header::ORIGIN};

use crate::failure::Failure;

/// Lets through what a page of this origin sent: `Origin` says so, or, where a page's `Referrer-Policy: no-referrer` makes it `null`,
/// `Sec-Fetch-Site`. Neither can be set by a page.
pub(crate) fn own_page(headers: &HeaderMap, origin: &str) -> Result<(), Failure> {
    let hidden = headers.get(ORIGIN).is_none_or(|given| given == "null");
    let fetch_site = headers.get("sec-fetch-site");
    if hidden && fetch_site.is_some_and(|site| site == "same-origin") {
        return Ok(());
    }
    own_origin(headers, origin)
}

/// Lets through what names exactly this origin.
pub(crate) fn own_origin(headers: &HeaderMap, origin: &str) -> Result<(), Failure> {
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

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_own_page_is_known_by_its_origin() {
        let own = "https://app.example";
        let check = |of: &[(&'static str, &'static str)]| own_page(&headers(of), own).is_ok();
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
    fn the_relay_has_to_name_its_origin() {
        let own = "https://app.example";
        assert!(own_origin(&headers(&[("origin", own)]), own).is_ok());
        assert!(own_origin(&headers(&[("sec-fetch-site", "same-origin")]), own).is_err());
        assert!(own_origin(&headers(&[("origin", own), ("origin", own)]), own).is_err());
    }
}
