//! An error with its sources, as one line of text.

use std::error::Error;
use std::fmt;
use std::iter;

/// An error and its sources as one line of text, for logs: `the store failed: connection refused`.
///
/// The text of an error of this workspace leaves out that of its source, which says why. A source
/// that only repeats the end of the text before it is left out.
///
/// ```
/// use tokenkeeper_store::{ErrorChain, StoreError};
///
/// let refused = std::io::Error::other("connection refused");
/// let error = StoreError::unavailable(refused);
/// assert_eq!(
///     ErrorChain::of(&error).to_string(),
///     "the store is unavailable; nothing was done, try again later: connection refused"
/// );
/// ```
#[derive(Clone, Copy)]
pub struct ErrorChain<'a>(&'a (dyn Error + 'static));

/// How many errors are shown of a chain, which an implementation of `source` could make endless.
const MAX_ERRORS: usize = 32;

impl<'a> ErrorChain<'a> {
    /// Returns the chain that begins with `error`.
    #[must_use]
    pub fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(error)
    }
}

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let causes = iter::successors(self.0.source(), |&error| error.source());
        for cause in causes.take(MAX_ERRORS - 1) {
            let cause = cause.to_string();
            if !last.ends_with(&cause) {
                write!(f, ": {cause}")?;
                last = cause;
            }
        }
        Ok(())
    }
}

/// The same text as `Display`.
impl fmt::Debug for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }

    fn text(links: &[&'static str]) -> String {
        let mut chain = None;
        for link in links.iter().rev() {
            chain = Some(Box::new(Link(link, chain)));
        }
        ErrorChain::of(&*chain.unwrap()).to_string()
    }

    #[test]
    fn all_sources_are_shown_in_order() {
        assert_eq!(text(&["one"]), "one");
        assert_eq!(text(&["one", "two", "three"]), "one: two: three");
    }

    #[test]
    fn a_source_that_repeats_its_parent_is_left_out() {
        assert_eq!(text(&["one: two", "two", "three"]), "one: two: three");
        assert_eq!(text(&["one", "one"]), "one");
    }

    #[test]
    fn a_chain_without_an_end_is_cut() {
        #[derive(Debug)]
        struct Endless;

        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("endless")
            }
        }

        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }

        assert_eq!(ErrorChain::of(&Endless).to_string(), "endless");
    }
}
