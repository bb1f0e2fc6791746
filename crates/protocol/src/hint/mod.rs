//! The field of a dialect that would help after a refusal.

mod code;
mod find;

use std::fmt;

/// The field of a [`Dialect`](crate::Dialect) that may help after a refusal. `Display` says how.
///
/// A hint is a guess from the response. It holds no text of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The response has an error code that neither OAuth nor the dialect's `errors.map` lists.
    UnlistedCode,
    /// The response has no error code; a rule of `errors.map` can say what that means.
    NoCode,
    /// The response has an error code at a path that the dialect does not read: `errors.code`.
    CodeAt {
        /// The path, if it is a common one.
        path: Option<&'static str>,
    },
    /// A 401 without an error code: the server may refuse the client or the grant.
    ClientOrGrant {
        /// `token.client_authentication`, or `token.refresh_client_authentication` at a refresh.
        field: &'static str,
        /// The value to try.
        value: &'static str,
    },
    /// `unauthorized_client` at a refresh, by which some providers mean the refresh token.
    ClientOrToken,
    /// The tokens are in a nested object: `response.tokens_at`.
    TokensAt {
        /// The path of that object, if it is a common one.
        path: Option<&'static str>,
    },
    /// The access token has another name: `response.access_token_field`.
    AccessTokenField {
        /// The name.
        name: &'static str,
    },
    /// The response is JSON without quotes: `response.json`.
    LooseJson,
    /// The server may expect another client authentication.
    ClientAuthentication {
        /// `token.client_authentication`, or `token.refresh_client_authentication` at a refresh.
        field: &'static str,
        /// The value to try.
        value: &'static str,
    },
    /// The server does not take this kind of body: `token.placement`.
    Placement {
        /// The value to try.
        value: &'static str,
    },
    /// The response is not that of a token endpoint: `token.endpoint`.
    TokenEndpoint,
    /// The body is compressed, which no request asks for: the transport must decode it.
    ContentEncoding,
    /// The body has JSON with a token, and other text around it, such as a warning of the server.
    TextAround,
}

impl Hint {
    /// Returns the dialect's field, as in `token.placement`; `None` if no field helps.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnlistedCode
            | Self::NoCode
            | Self::ClientOrToken
            | Self::ClientOrGrant { .. } => "errors.map",
            Self::CodeAt { .. } => "errors.code",
            Self::TokensAt { .. } => "response.tokens_at",
            Self::AccessTokenField { .. } => "response.access_token_field",
            Self::LooseJson => "response.json",
            Self::ClientAuthentication { field, .. } => field,
            Self::Placement { .. } => "token.placement",
            Self::TokenEndpoint => "token.endpoint",
            Self::ContentEncoding | Self::TextAround => return None,
        })
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnlistedCode => f.write_str(
                "if the provider documents the code, name it in the dialect's `errors.map`",
            ),
            Self::NoCode => f.write_str(
                "a rule with `without_code` or `text` in the dialect's `errors.map` can say what \
                 this response means",
            ),
            Self::CodeAt { path: Some(path) } => write!(
                f,
                "add \"{path}\", where the response has an error code, to the dialect's \
                 `errors.code`"
            ),
            Self::CodeAt { path: None } => f.write_str(
                "the response has an error code at another path: add it to the dialect's \
                 `errors.code`",
            ),
            Self::ClientOrGrant { field, value } => write!(
                f,
                "if the provider refuses the grant so, a rule with `without_code` in the dialect's \
                 `errors.map` can say it; if it refuses the client, check client id and secret, or \
                 set `{field} = \"{value}\"`"
            ),
            Self::ClientOrToken => f.write_str(
                "if the provider means the refresh token by this code, a rule in the dialect's \
                 `errors.map` can make it terminal at a refresh",
            ),
            Self::TokensAt { path: Some(path) } => {
                write!(f, "set `response.tokens_at = \"{path}\"` in the dialect")
            }
            Self::TokensAt { path: None } => f.write_str(
                "the tokens are in a nested object: set the dialect's `response.tokens_at` to \
                 its path",
            ),
            Self::AccessTokenField { name } => {
                write!(
                    f,
                    "set `response.access_token_field = \"{name}\"` in the dialect"
                )
            }
            Self::LooseJson => f.write_str("set `response.json = \"loose\"` in the dialect"),
            Self::ClientAuthentication { field, value } => write!(
                f,
                "if client id and secret are right, set `{field} = \"{value}\"` in the dialect"
            ),
            Self::Placement { value } => write!(
                f,
                "if the server takes another kind of body, set `token.placement = \"{value}\"` \
                 in the dialect"
            ),
            Self::TokenEndpoint => {
                f.write_str("check the dialect's `token.endpoint`, which may be another page")
            }
            Self::ContentEncoding => f.write_str(
                "the body is compressed in a way that the transport does not decode, although \
                 none was asked for",
            ),
            Self::TextAround => f.write_str(
                "the body has JSON with a token and other text around it, such as a warning of the \
                 server: report it to the provider",
            ),
        }
    }
}
