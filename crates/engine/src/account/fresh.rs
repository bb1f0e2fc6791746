use std::{fmt, sync::Arc};

use arc_swap::Guard;
use http::Request;

use crate::engine::{AttachResult, Snapshot};

/// A token of an [`Account`](super::Account) that is borrowed to be attached, without a count that
/// other requests change too.
#[doc(hidden)]
pub struct FreshToken(pub(super) Guard<Option<Arc<Snapshot>>>);

impl FreshToken {
    /// Attaches the token to a request.
    ///
    /// # Errors
    ///
    /// As [`Credential::attach`](crate::Credential::attach).
    #[inline(always)]
    pub fn attach<B>(&self, request: &mut Request<B>) -> AttachResult {
        let snapshot = self.0.as_ref().expect("an account made it of a snapshot");
        snapshot.attach(request)
    }
}

impl fmt::Debug for FreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshToken").finish_non_exhaustive()
    }
}
