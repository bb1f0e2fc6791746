//! What a failed call means.

use redis::ErrorKind;
use tokenkeeper_store::StoreError;

use crate::RedisError;

/// How a call failed, which decides what is known of it.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It was not sent.
    NotSent(redis::RedisError),
    /// It was sent, or may have been, and no answer came.
    Lost(redis::RedisError),
    /// The server said no.
    Refused(redis::RedisError),
}

/// What a call was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    /// Where nothing is.
    WriteNew,
    WriteOver,
}

impl Fault {
    /// The fault of a call that went out on a connection.
    pub(crate) fn of_sent(error: redis::RedisError) -> Self {
        if code(&error).is_some() {
            Self::Refused(error)
        } else {
            Self::Lost(error)
        }
    }

    /// The code that the server's answer begins with.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::NotSent(error) | Self::Refused(error) => code(error),
            Self::Lost(_) => None,
        }
    }

    /// What the caller is told. `moves` says that another server may become the master, and will be found.
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
            // A script that fails in its middle has done what came before.
            _ if may_have_written => {
                StoreError::ambiguous(RedisError::Unexpected { server, source })
            }
            _ => RedisError::Unexpected { server, source }.into(),
        }
    }
}

/// The code of a server's answer; the client tells a failed login by a kind of its own.
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

/// The code of what a command in a script was answered, where that is not the answer's own: Redis 7 leaves it out where the user may not
/// use the command, and 6.2 wraps it in an error of the script.
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
    let code = wrapped?.trim_start_matches('-').split(' ').next()?;
    let is_code = code.len() > 1 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code.then_some(code)
}

#[cfg(test)]
mod tests;
