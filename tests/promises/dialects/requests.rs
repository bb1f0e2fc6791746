//! Kinds that differ in their requests.

use tokenkeeper_emulator::{Endpoint, ParameterPlace, PlainOptions};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    let options = PlainOptions::default;
    vec![
        Kind::new("RFC 6749", options().require_pkce(), ""),
        Kind::new(
            "JSON requests",
            options().token_parameters(ParameterPlace::Json),
            "token.placement = 'json'",
        ),
        Kind::new(
            "requests in the query",
            options().token_parameters(ParameterPlace::Query),
            "token.placement = 'query'",
        ),
        Kind::new(
            "a refresh at another path",
            options().refresh_path("/refresh"),
            "token.refresh_endpoint = '/refresh'",
        ),
        Kind::new(
            "another name of the client id",
            options().parameter_name("client_id", "client_key"),
            "
            authorization.parameters = ['response_type', 'client_key: client_id', \
                'redirect_uri', 'scope', 'state']
            token.client_authentication = 'parameters'
            token.code = ['client_key: client_id', 'client_secret', 'grant_type', 'code', \
                'redirect_uri', 'code_verifier']
            token.refresh = ['client_key: client_id', 'client_secret', 'grant_type', \
                'refresh_token']
            ",
        ),
        Kind::new(
            "fixed parameters",
            options()
                .require_authorization_parameter("audience", "api.example.com")
                .require_code_parameter("request", "token")
                .require_code_parameter("resource", "r")
                .require_refresh_parameter("expiring", "1")
                .require_refresh_parameter("resource", "r"),
            "
            authorization.fixed = { audience = 'api.example.com' }
            token.fixed = { resource = 'r' }
            token.code_fixed = { request = 'token' }
            token.refresh_fixed = { expiring = '1' }
            ",
        ),
        Kind::new(
            "a fixed header",
            options().require_token_header("x-version", "2"),
            "token.headers = { x-version = '2' }",
        ),
        Kind::new(
            "refresh tokens on demand",
            options().offline_parameter("access_type", "offline"),
            "authorization.fixed = { access_type = 'offline' }",
        ),
        Kind::new(
            "an exchange without the redirect URI",
            options().ignore_redirect_uri(),
            "",
        ),
        Kind::new(
            "scopes with commas",
            options().scope_separator(','),
            "authorization.scope_separator = ','",
        ),
        Kind::new(
            "a second scope parameter",
            options()
                .further_scope("user_scope")
                .require_authorization_parameter("user_scope", "chat"),
            "authorization.further_scopes = { user_scope = '' }",
        )
        .register(|registration| registration.further_scope("user_scope", "chat"))
        .brings(|data| data.get("user_scope").is_some_and(|scope| scope == "chat")),
        Kind::new(
            "a tenant in the paths",
            options()
                .path(Endpoint::Authorize, "/acme/authorize")
                .path(Endpoint::Token, "/acme/token"),
            "
            authorization.endpoint = '/{tenant}/authorize'
            token.endpoint = '/{tenant}/token'
            values.tenant = { pattern = 'word' }
            ",
        )
        .register(|registration| registration.value("tenant", "acme")),
    ]
}
