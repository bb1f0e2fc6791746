//! Paths that a browser cannot take for another site's.

use crate::error::Error;

/// Checks that a browser that is redirected to `given` stays on the site.
pub(crate) fn check(given: &str) -> Result<(), Error> {
    match problem(given) {
        None => Ok(()),
        Some(problem) => Err(Error::LocalPath {
            given: given.to_owned(),
            problem,
        }),
    }
}

/// Adds a parameter to `path`. Name and value are constants that need no escaping.
pub(crate) fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{name}={value}")
}

/// The limit for a path that a link or a form names, in bytes. A cookie holds it.
const MAX_RETURN_PATH: usize = 512;

/// Returns whether a person may be sent to a path that a link or a form names.
///
/// It is a path of this site however a browser, a proxy or the application decodes it: nothing in
/// it, before its query, can turn into a host or into another path.
pub(crate) fn is_return_path(given: &str) -> bool {
    let path = given.split('?').next().unwrap_or_default();
    let path = path.to_ascii_lowercase();
    // An encoded percent sign would hide the others from one who decodes twice.
    let tricks = ["//", "%2f", "%5c", "%25", "%2e", "%0", "%1"];
    given.len() <= MAX_RETURN_PATH
        && problem(given).is_none()
        && !tricks.iter().any(|trick| path.contains(trick))
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

fn problem(given: &str) -> Option<&'static str> {
    if !given.starts_with('/') {
        return Some("does not begin with `/`");
    }
    if given.starts_with("//") {
        return Some("names another host");
    }
    // Browsers read a backslash as a slash, and drop tabs and line ends.
    if !given.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Some("holds a character that must be escaped");
    }
    given.contains('#').then_some("has a fragment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_pass() {
        for path in ["/", "/settings", "/settings?tab=2", "/a//b"] {
            assert_eq!(problem(path), None, "{path}");
        }
    }

    #[test]
    fn paths_that_leave_the_site_are_refused() {
        for path in [
            "",
            "settings",
            "https://evil.test/",
            "//evil.test",
            "/\\evil.test",
            "/\t/evil.test",
            "/a b",
            "/a#b",
            "/é",
        ] {
            assert!(problem(path).is_some(), "{path}");
        }
    }

    #[test]
    fn links_may_return_to_paths_of_this_site_only() {
        let long = format!("/{}", "a".repeat(511));
        for path in ["/", "/a/b.c?d=%2F%2Fe//f", "/caf%C3%A9", "/a%20b", &long] {
            assert!(is_return_path(path), "{path}");
        }
        let too_long = format!("{long}a");
        for path in [
            "",
            "a",
            "https://evil.test",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/%2Fevil.test",
            "/%2fevil.test",
            "/%5Cevil.test",
            "/%252Fevil.test",
            "/.//evil.test",
            "/..//evil.test",
            "/a/../b",
            "/%2e%2e/b",
            "/%09/evil.test",
            "/%0d%0aset-cookie:a=b",
            "/\t/evil.test",
            "/\r\nset-cookie: a=b",
            "/a#b",
            "/é",
            "javascript:alert(1)",
            " /a",
            &too_long,
        ] {
            assert!(!is_return_path(path), "{path}");
        }
    }

    #[test]
    fn a_parameter_is_added_to_the_query() {
        assert_eq!(
            with_parameter("/a", "failure", "denied"),
            "/a?failure=denied"
        );
        assert_eq!(
            with_parameter("/a?b", "failure", "denied"),
            "/a?b&failure=denied"
        );
    }
}
