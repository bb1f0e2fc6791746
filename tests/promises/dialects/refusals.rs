//! Kinds that differ in how they refuse a refresh token.

use tokenkeeper_emulator::PlainOptions;

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    let options = PlainOptions::default;
    vec![
        Kind::new("errors in a 200", options().errors_in_200(), ""),
        Kind::new(
            "custom codes in a 200",
            options()
                .errors_in_200()
                .error_code("invalid_grant", "bad_refresh_token"),
            "errors.map = [{ error = 'bad_refresh_token', class = 'terminal' }]",
        ),
        Kind::new(
            "numbers in a 200",
            options()
                .errors_in_200()
                .error_at("data.error_code")
                .error_text_at("data.description")
                .error_code("invalid_grant", 20_037)
                .member("data.error_code", 0),
            "
            errors.code = ['data.error_code']
            errors.map = [{ error = '20037', class = 'terminal' }]
            ",
        ),
        Kind::new(
            "codes in an object",
            options()
                .error_at("error.code")
                .error_text_at("error.message")
                .error_status("invalid_grant", 401)
                .error_code("invalid_grant", "refresh_token_reused"),
            "errors.map = [{ error = 'refresh_token_reused', class = 'terminal' }]",
        ),
        Kind::new(
            "the client's error for a refresh token",
            options()
                .error_status("invalid_grant", 403)
                .error_code("invalid_grant", "unauthorized_client"),
            "errors.map = [{ grant_type = 'refresh_token', error = 'unauthorized_client', \
             class = 'terminal' }]",
        ),
        Kind::new(
            "no body",
            options().errors_without_body(),
            "errors.map = [{ grant_type = 'refresh_token', status = 400, without_code = true, \
             class = 'terminal' }]",
        ),
        Kind::new(
            "a code that only its text explains",
            options()
                .error_code("invalid_grant", "invalid_request")
                .error_text("invalid_grant", "The refresh token was revoked."),
            "errors.map = [{ error = 'invalid_request', text = 'was revoked', \
             class = 'terminal' }]",
        ),
    ]
}
