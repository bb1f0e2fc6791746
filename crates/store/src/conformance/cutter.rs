//! The hook that cuts the connection between a store and its backend.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

/// The moment at which a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The next write does not reach the backend; its connection is cut instead.
    BeforeWrite,
    /// The backend makes the next write, and the connection is cut before the store gets the
    /// answer.
    BeforeAnswer,
    /// All connections are cut now, and no new one can be made until
    /// [`restore`](ConnectionCutter::restore).
    Unreachable,
}

/// Cuts the connection between a store and its backend, for the rules about lost answers.
///
/// A caller must read back after [`StoreError::Ambiguous`](crate::StoreError::Ambiguous), and takes
/// [`StoreError::Unavailable`](crate::StoreError::Unavailable) for a write that was not made. A
/// store that reports a lost answer as unavailable makes its caller present a refresh token twice.
///
/// [`CuttingProxy`](super::CuttingProxy) is one for every backend that is reached over TCP. One
/// that a backend's own test tools provide must keep two promises: with [`Cut::BeforeAnswer`] the
/// write is made before the connection is cut, and a write means a call of `put` or `delete` as a
/// whole. For a store that begins a transaction, reads, writes and commits, it is the answer to the
/// commit that is lost.
#[async_trait]
pub trait ConnectionCutter: fmt::Debug + Send + Sync + 'static {
    /// Cuts as `cut` says, from now on: once, or until [`restore`](Self::restore).
    async fn cut(&self, cut: Cut);

    /// Lets everything pass again, and returns how many connections were cut since
    /// [`cut`](Self::cut).
    ///
    /// A rule fails if none was, since it has then tested nothing.
    async fn restore(&self) -> usize;
}

#[async_trait]
impl<C: ConnectionCutter + ?Sized> ConnectionCutter for Arc<C> {
    async fn cut(&self, cut: Cut) {
        (**self).cut(cut).await;
    }

    async fn restore(&self) -> usize {
        (**self).restore().await
    }
}
