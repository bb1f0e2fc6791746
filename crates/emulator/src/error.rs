//! The errors of an emulator itself.

use std::net::SocketAddr;

/// An error of the emulator, as opposed to an emulated one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address could not be bound.
    #[error("cannot listen on {address}: choose another port, or 0 for any free one")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// No user has this login.
    #[error("the emulator has no user {login:?}: add it with `Builder::user`")]
    UnknownUser {
        /// The given login.
        login: String,
    },
    /// No device waits with this user code.
    #[error("no device waits with the user code {user_code:?}: it is unknown, decided or expired")]
    UnknownUserCode {
        /// The given user code.
        user_code: String,
    },
    /// No client is registered.
    #[error("the emulator has no client: add one with `Builder::client`")]
    NoClient,
}
