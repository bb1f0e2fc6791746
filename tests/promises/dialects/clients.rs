//! Kinds that differ in how the client authenticates.

use tokenkeeper_emulator::{ClientAuthentication, PlainOptions};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    let method = |method| PlainOptions::default().client_authentication(method);
    vec![
        Kind::new("Basic", method(ClientAuthentication::Basic), ""),
        Kind::new(
            "Basic without encoding",
            method(ClientAuthentication::BasicUnencoded),
            "token.client_authentication = 'basic_unencoded'",
        ),
        Kind::new(
            "Basic with the secret alone",
            method(ClientAuthentication::BasicSecretOnly),
            "token.client_authentication = 'basic_secret_only'",
        ),
        Kind::new(
            "the secret in the body",
            method(ClientAuthentication::Body),
            "token.client_authentication = 'parameters'",
        ),
        Kind::new(
            "no client authentication",
            method(ClientAuthentication::None),
            "token.client_authentication = 'none'",
        ),
        Kind::new(
            "another method at a refresh",
            method(ClientAuthentication::Body)
                .refresh_client_authentication(ClientAuthentication::Basic),
            "
            token.client_authentication = 'parameters'
            token.refresh_client_authentication = 'basic'
            ",
        ),
        Kind::new(
            "no authentication at a refresh",
            method(ClientAuthentication::Basic)
                .refresh_client_authentication(ClientAuthentication::None),
            "token.refresh_client_authentication = 'none'",
        ),
    ]
}
