//! Failures of a call, and their meaning for the caller.

use std::io;

use redis::ErrorKind;
use tokenkeeper_store::{ErrorChain, StoreError};

use crate::RedisError;

/// How a call failed, which decides whether a write may have been made.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The call was not sent.
    NotSent(redis::RedisError),
    /// The call was sent, or may have been, and no answer came.
    Lost(redis::RedisError),
    /// The server answered with an error.
    Refused(redis::RedisError),
}

/// The kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    /// A write of a key that should have no record.
    WriteNew,
    /// A write over a record.
    WriteOver,
}

/// An error of ours inside one of the client's.
#[derive(Debug, thiserror::Error)]
#[error("nothing was sent")]
struct Ours(#[source] RedisError);

impl Fault {
    /// The fault of a call that an error of ours prevented.
    pub(crate) fn of_ours(error: RedisError) -> Self {
        Self::NotSent(io::Error::other(Ours(error)).into())
    }

    /// The fault of a call that was sent on a connection.
    pub(crate) fn of_sent(error: redis::RedisError) -> Self {
        if code(&error).is_some() {
            Self::Refused(error)
        } else {
            Self::Lost(error)
        }
    }

    /// Returns the code at the start of the server's error.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::NotSent(error) | Self::Refused(error) => code(error),
            Self::Lost(_) => None,
        }
    }

    /// Returns the error for the caller; with `moves`, another server may become the master.
    pub(crate) fn into_error(self, call: Call, server: &str, moves: bool) -> StoreError {
        let server = server.to_owned();
        let (error, may_have_written) = match self {
            Self::Lost(source) => {
                let error = RedisError::NoAnswer {
                    server,
                    source: source.into(),
                };
                return match call {
                    Call::Read => error.into(),
                    Call::WriteNew | Call::WriteOver => StoreError::ambiguous(error),
                };
            }
            Self::NotSent(error) if let Some(node) = unencrypted_node(&error) => {
                return RedisError::Unencrypted { node }.into();
            }
            Self::NotSent(error) if code(&error).is_none() => {
                let source = error.into();
                return RedisError::Unreachable { server, source }.into();
            }
            Self::NotSent(error) => (error, false),
            Self::Refused(error) => (error, call != Call::Read),
        };
        let what = code(&error).unwrap_or_default().to_owned();
        let source = error.into();
        match what.as_str() {
            "NOAUTH" | "WRONGPASS" => RedisError::Refused { server, source }.into(),
            "NOPERM" => RedisError::NotPermitted { server, source }.into(),
            "WRONGTYPE" => RedisError::NotOurs { server, source }.into(),
            "OOM" if call == Call::WriteNew => StoreError::Full,
            "OOM" => RedisError::NoRoom { server, source }.into(),
            "READONLY" if moves => StoreError::unavailable(RedisError::Replica { server, source }),
            "READONLY" => RedisError::Replica { server, source }.into(),
            "ASK" | "BUSY" | "CLUSTERDOWN" | "LOADING" | "MASTERDOWN" | "MISCONF" | "MOVED"
            | "NOREPLICAS" | "TRYAGAIN" => RedisError::NotReady { server, source }.into(),
            // A script that fails half-way keeps what it has written.
            _ if may_have_written => {
                StoreError::ambiguous(RedisError::Unexpected { server, source })
            }
            _ => RedisError::Unexpected { server, source }.into(),
        }
    }
}

/// Returns the node that is not spoken to, since it has no TLS.
fn unencrypted_node(error: &redis::RedisError) -> Option<String> {
    let mut causes = ErrorChain::of(error).errors();
    causes.find_map(|cause| match cause.downcast_ref() {
        Some(RedisError::Unencrypted { node }) => Some(node.clone()),
        _ => None,
    })
}

/// Returns the code of a server's error; the client reports a failed login by its own kind.
fn code(error: &redis::RedisError) -> Option<&str> {
    match error.kind() {
        ErrorKind::AuthenticationFailed => Some("WRONGPASS"),
        ErrorKind::Server(_) | ErrorKind::Extension => error
            .detail()
            .and_then(code_within_script)
            .or_else(|| error.code()),
        _ => None,
    }
}

/// Returns the code of a failed command in a script, if the script's error does not begin with it.
///
/// Redis 7 leaves the code out if the user may not use the command; 6.2 wraps it in an error of the
/// script.
fn code_within_script(detail: &str) -> Option<&str> {
    let wrapped = detail
        .strip_prefix("Error running script ")
        .and_then(|detail| detail.rsplit_once("@user_script:"))
        .and_then(|(_, said)| said.split_once(": "))
        .map(|(_line, said)| said);
    let said = wrapped.unwrap_or(detail);
    if said.starts_with("The user executing the script can't")
        || said.starts_with("ACL failure in script")
    {
        return Some("NOPERM");
    }
    // A script without keys is run, and its commands are refused.
    if said.contains("cript attempted to") && said.contains("while the cluster is down") {
        return Some("CLUSTERDOWN");
    }
    let code = wrapped?.trim_start_matches('-').split(' ').next()?;
    let is_code = code.len() > 1 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code.then_some(code)
}

#[cfg(test)]
mod tests;
