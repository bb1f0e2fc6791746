//! Kinds that differ in their redirects.

use tokenkeeper_emulator::{PlainOptions, ResponseMode};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    let options = PlainOptions::default;
    vec![
        Kind::new(
            "the response in the fragment",
            options().response_mode(ResponseMode::Fragment),
            "authorization.response_mode = 'fragment'",
        ),
        Kind::new(
            "the response in a form",
            options()
                .response_mode(ResponseMode::FormPost)
                .require_authorization_parameter("response_mode", "form_post"),
            "authorization.response_mode = 'form_post'",
        ),
        Kind::new(
            "further parameters in the redirect",
            options()
                .redirect_parameter("realmId", "93 4")
                .redirect_parameter("env", "live"),
            "",
        )
        .brings(|data| {
            data.parameter("realmId") == Some("93 4") && data.parameter("env") == Some("live")
        }),
        Kind::new(
            "other names in the redirect",
            options()
                .redirect_name("code", "spapi_oauth_code")
                .redirect_name("state", "amazon_state"),
            "authorization.callback = { code = 'spapi_oauth_code', state = 'amazon_state' }",
        ),
        Kind::new("an issuer that is not expected", options().issuer(), ""),
    ]
}
