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
