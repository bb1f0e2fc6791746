//! What a layer and its services share.

use http::Uri;

use crate::Tokens;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) tokens: Tokens,
    /// `None`: requests are not replayed.
    pub(crate) replay_limit: Option<usize>,
    /// Where requests without an origin go.
    pub(crate) origin: Option<Uri>,
}
