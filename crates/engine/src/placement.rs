use tokenkeeper_protocol::{AttachmentMethod, Dialect};

/// The part of a request that carries a provider's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPlacement {
    /// `Authorization`, which HTTP clients strip when a redirect leaves the origin.
    Authorization,
    /// Another header, which HTTP clients carry along; or `Authorization` next to a constant header
    /// with a value of the registration, such as a key.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(lines: &str) -> TokenPlacement {
        let text = format!(
            r#"{{
                "brand": "example",
                "base": "https://login.example",
                "authorization": {{ "endpoint": "/a" }},
                "token": {{ "endpoint": "/t" }},
                {lines}
            }}"#
        );
        TokenPlacement::of(&Dialect::from_json(&text).unwrap())
    }

    #[test]
    fn a_key_in_a_constant_header_is_carried_along() {
        let values = r#""values": { "key": { "pattern": "text" } }"#;
        for (lines, expected) in [
            (r#""attach": "bearer""#, TokenPlacement::Authorization),
            (
                r#""attach": { "scheme": "token" }"#,
                TokenPlacement::Authorization,
            ),
            (
                r#""attach": { "header": "Authorization" }"#,
                TokenPlacement::Authorization,
            ),
            (
                r#""attach": { "header": "x-token" }"#,
                TokenPlacement::OtherHeader,
            ),
            (r#""attach": { "query": "t" }"#, TokenPlacement::Query),
            (
                r#""api_headers": { "x-version": "1", "x-id": "{client_id}" }"#,
                TokenPlacement::Authorization,
            ),
            (
                &format!(r#""api_headers": {{ "x-key": "{{key}}" }}, {values}"#),
                TokenPlacement::OtherHeader,
            ),
        ] {
            assert_eq!(placement(lines), expected, "{lines}");
        }
    }
}
