//! The reasons behind an [`Error`](super::Error).

use std::sync::Arc;

use tokenkeeper_protocol::Refusal;

use crate::transport::TransportError;

/// The reason why a token request yielded no tokens.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The endpoint responded without tokens.
    #[error("the token endpoint sent no tokens")]
    Refused(#[source] Arc<Refusal>),
    /// The endpoint did not respond.
    #[error("the token endpoint did not respond")]
    Transport(#[source] Arc<TransportError>),
    /// The request cannot be built from the configuration. Nothing was sent.
    #[error("the token request cannot be built")]
    Request(#[source] Arc<tokenkeeper_protocol::Error>),
    /// Too little of the lease was left to send the request. Nothing was sent.
    #[error("the store was too slow; nothing was sent")]
    TooLate,
}

/// The reason why a login by device code could not be started.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceAuthorizationError {
    /// The dialect declares no device authorization endpoint.
    #[error(
        "the provider has no login by device code: log in with a browser, or declare the endpoint \
         in the dialect's `device`"
    )]
    Unsupported,
    /// The endpoint responded without usable codes.
    #[error("the device authorization endpoint sent no usable codes")]
    Response(#[source] tokenkeeper_protocol::DeviceAuthorizationError),
    /// The endpoint did not respond.
    #[error("the device authorization endpoint did not respond")]
    Transport(#[source] Arc<TransportError>),
    /// The request cannot be built from the configuration. Nothing was sent.
    #[error("the device authorization request cannot be built")]
    Request(#[source] Arc<tokenkeeper_protocol::Error>),
}

/// The reason why a token could not be introspected. It says nothing about the token.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The dialect declares no introspection endpoint.
    #[error("the provider has no introspection endpoint: declare it in the dialect")]
    Unsupported,
    /// The endpoint's response says nothing about the token.
    #[error("the introspection endpoint did not describe the token")]
    Response(#[source] tokenkeeper_protocol::IntrospectionError),
    /// The endpoint did not respond.
    #[error("the introspection endpoint did not respond")]
    Transport(#[source] Arc<TransportError>),
    /// The request cannot be built from the configuration. Nothing was sent.
    #[error("the introspection request cannot be built")]
    Request(#[source] Arc<tokenkeeper_protocol::Error>),
}

/// The reason why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A newer version of this crate wrote the record.
    #[error("it has format {found}, and this version reads up to {known}: update this process")]
    Newer {
        /// The record's format.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// The bytes are not a record.
    #[error(
        "it is damaged at line {line}, column {column}: restore it, or delete it and log in again"
    )]
    Damaged {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
}

/// The reason why a flow cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// This engine's key did not seal the flow: it is forged, or from a process with another
    /// [`flow_key`](crate::AccountsBuilder::flow_key).
    #[error(
        "the flow was sealed with another key: share a `flow_key` between processes, or start the \
         login again"
    )]
    NotOurs,
    /// The login took longer than [`Options::login_timeout`](crate::Options::login_timeout), or its
    /// device code has expired.
    #[error("the login took too long: start it again")]
    Expired,
    /// The flow's code was sent before, and brought no tokens.
    #[error("the code of this login was used before: start it again")]
    Used,
}
