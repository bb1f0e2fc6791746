use tokenkeeper_protocol::{AttachmentMethod, Dialect};

/// The part of a request that carries a provider's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPlacement {
    /// `Authorization`, which HTTP clients strip when a redirect leaves the origin.
    Authorization,
    /// Another header, which HTTP clients carry along.
    OtherHeader,
    /// The query, which appears in `Referer` and in the text of errors.
    Query,
}

impl TokenPlacement {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        match &dialect.attach {
            AttachmentMethod::Header(name) if !name.eq_ignore_ascii_case("authorization") => {
                Self::OtherHeader
            }
            AttachmentMethod::Query(_) => Self::Query,
            // A constant header with a value of the registration may hold a key.
            _ if dialect.has_secret_api_headers() => Self::OtherHeader,
            _ => Self::Authorization,
        }
    }
}
