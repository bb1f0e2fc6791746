//! What can go wrong with an emulator itself.

use std::net::SocketAddr;

/// Why an emulator could not do what its user asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address could not be bound.
    #[error("can't listen on {address}; choose another port, or 0 to have the system choose")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// No user has this login.
    #[error("no user {login:?} is known to the emulator; add it with `Builder::user`")]
    UnknownUser {
        /// The login asked for.
        login: String,
    },
    /// No client is registered.
    #[error("no client is registered at the emulator; add one with `Builder::client`")]
    NoClient,
}
