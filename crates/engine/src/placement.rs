//! Where providers want their tokens.

use tokenkeeper_protocol::{Attach, Dialect};

/// Where a provider wants its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPlacement {
    /// In `Authorization`, which HTTP clients strip when a redirect leaves the origin.
    Authorization,
    /// In a header of the provider's own, which HTTP clients carry along.
    OtherHeader,
    /// In the query, which reaches `Referer` and the text of errors.
    Query,
}

impl TokenPlacement {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        match &dialect.attach {
            Attach::Header(name) if !name.eq_ignore_ascii_case("authorization") => {
                Self::OtherHeader
            }
            Attach::Query(_) => Self::Query,
            _ => Self::Authorization,
        }
    }
}
