//! An error with its sources, as one line of text.

use std::error::Error;
use std::fmt;
use std::iter;

/// An error and its sources as one line of text, for logs: `the store failed: connection refused`.
///
/// The text of an error of this workspace leaves out that of its source, which says why. A source
/// that only repeats the end of the text before it is left out.
///
/// It also [finds](Self::find) an error of a given type. Both look at the first 32 errors.
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

/// How many errors of a chain count. An implementation of `source` could make it endless.
const MAX_ERRORS: usize = 32;

impl<'a> ErrorChain<'a> {
    /// Returns the chain that begins with `error`.
    #[must_use]
    pub fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(error)
    }

    /// Returns the error and its sources, from the outermost on.
    pub fn errors(self) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
        iter::successors(Some(self.0), |&error| error.source()).take(MAX_ERRORS)
    }

    /// Returns the outermost error of this type.
    #[must_use]
    pub fn find<E: Error + 'static>(self) -> Option<&'a E> {
        self.errors().find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        for cause in self.errors().skip(1) {
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
    use crate::StoreError;

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
    fn the_outermost_error_of_a_type_is_found() {
        let error = StoreError::unavailable(Link("outer", Some(Box::new(Link("inner", None)))));
        let chain = ErrorChain::of(&error);
        assert_eq!(chain.find::<Link>().unwrap().0, "outer");
        assert!(chain.find::<StoreError>().is_some());
        assert!(chain.find::<fmt::Error>().is_none());
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
        assert!(ErrorChain::of(&Endless).find::<Link>().is_none());
    }
}
