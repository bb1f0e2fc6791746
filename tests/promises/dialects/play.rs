//! Makes the emulator play what a dialect describes.

// The command's `emulate` plays presets by the same traits.
#[path = "../../../crates/cli/src/emulate/traits.rs"]
mod traits;

use tokenkeeper::protocol::{
    AuthorizationCode, AuthorizationRequest, Client, Dialect, Grant, LoginData, Pkce, Provider,
    RefreshToken, State, TokenSet, http::Uri,
};
use tokenkeeper_emulator::{DEFAULT_CLIENT_ID, Endpoint, PlainOptions};

use self::traits::Traits;
pub(super) use self::traits::sample;
use crate::client::BoxError;

/// Returns the options of an emulator that plays the provider of a client.
pub(super) fn options(client: &Client) -> Result<PlainOptions, BoxError> {
    let dialect = client.dialect();
    let play = Play { client, dialect };
    let traits = Traits {
        dialect,
        client_id: DEFAULT_CLIENT_ID,
    };
    let options = play.endpoints(PlainOptions::default())?;
    let options = traits.revocation(traits.requests(options))?;
    let options = traits.api(traits.refusals(traits.answers(options)));
    play.api_server(options)
}

struct Play<'c> {
    client: &'c Client,
    dialect: &'c Dialect,
}

impl Play<'_> {
    fn endpoints(&self, options: PlainOptions) -> Result<PlainOptions, BoxError> {
        let (client, state) = (self.client, State::new("state"));
        let site = client.site(self.site())?;
        let redirect_uri = client.redirect_uri(&state);
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let authorization = AuthorizationRequest {
            state: &state,
            redirect_uri: &redirect_uri,
            scope: None,
            code_challenge: (self.dialect.pkce() == Pkce::S256).then_some(challenge),
            extra: &[],
        };
        let url = client.authorization_url(&site, &authorization)?;
        let code = Grant::AuthorizationCode {
            code: &AuthorizationCode::new("code"),
            redirect_uri: redirect_uri.as_str(),
            scope: None,
            code_verifier: None,
        };
        let refresh = Grant::RefreshToken {
            refresh_token: &RefreshToken::new("refresh"),
            redirect_uri: redirect_uri.as_str(),
            scope: None,
        };
        let path = |grant: &Grant<'_>| {
            let request = client.token_request(&site, grant)?;
            Ok::<_, BoxError>(request.uri().path().to_owned())
        };
        let (code, refresh) = (path(&code)?, path(&refresh)?);
        let mut options = options
            .path(Endpoint::Authorize, url.path())
            .path(Endpoint::Token, &code);
        if refresh != code {
            options = options.refresh_path(refresh);
        }
        let tokens = TokenSet::new("access").with_refresh_token("refresh");
        let revocations = client.revocation_requests(&site, &tokens)?;
        Ok(match revocations.first() {
            Some(request) => options.path(Endpoint::Revoke, request.uri().path()),
            None => options,
        })
    }

    fn api_server(&self, mut options: PlainOptions) -> Result<PlainOptions, BoxError> {
        if let Some(rule) = self.dialect.api_origins_from.first() {
            let (value, base) = match &rule.template {
                Some(template) => {
                    let base = template.as_str().replace("{value}", "us6");
                    ("us6".to_owned(), base)
                }
                None => {
                    let base = format!("https://eu1.{}", rule.below[0]);
                    (base.clone(), base)
                }
            };
            options = match (&rule.field, &rule.parameter) {
                (Some(field), _) => options.code_member(field, value),
                (_, Some(name)) => options.redirect_parameter(name, value),
                _ => options,
            };
            return Ok(options.api_server(base));
        }
        let site = self.client.site(self.site())?;
        let origins = self.client.api_origins(&site, &LoginData::default());
        Ok(match origins.last() {
            Some(origin) if !origin.matches(&site.as_str().parse::<Uri>()?) => {
                options.api_server(origin.to_string().replace("*.", "any."))
            }
            _ => options,
        })
    }

    fn site(&self) -> Option<&'static str> {
        let dialect = self.dialect;
        (dialect.base.is_none() && dialect.site.is_none()).then_some(super::presets::SITE)
    }
}
