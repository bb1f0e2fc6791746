//! Makes the emulator play what a dialect describes.

use tokenkeeper::protocol::{
    AttachmentMethod, AuthorizationCode, AuthorizationRequest, ClassName, Client,
    ClientAuthentication as Method, Dialect, ErrorRule, ErrorRules, Expiry, Grant, GrantType,
    LoginData, ParameterPlace as Place, Pkce, Provider, RefreshToken, ResponseMode as Mode, State,
    Template, TokenPlace, TokenSet, TokenValue, ValuePattern, http::Uri,
};
use tokenkeeper_emulator::{
    ApiCredential, ClientAuthentication, DEFAULT_CLIENT_ID, Endpoint, ExpiryUnit, ParameterPlace,
    PlainOptions, ResponseMode, RevokedTokenPlace,
};

use crate::client::BoxError;

/// Returns a value of this form.
pub(super) fn sample(pattern: &ValuePattern) -> &str {
    match pattern {
        ValuePattern::Label | ValuePattern::Word => "acme",
        ValuePattern::Host => "acme.example.com",
        ValuePattern::Digits => "4711",
        ValuePattern::Text => "v4lue",
        ValuePattern::OneOf(texts) => &texts[0],
    }
}

/// Returns the options of an emulator that plays the provider of a client.
pub(super) fn options(client: &Client) -> Result<PlainOptions, BoxError> {
    let play = Play {
        client,
        dialect: client.dialect(),
    };
    let options = play.endpoints(PlainOptions::default())?;
    let options = play.refusals(play.answers(play.requests(options)));
    play.api(options)
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
        let (Some(request), Some(rules)) = (revocations.first(), &self.dialect.revocation) else {
            return Ok(options);
        };
        let place = match &rules.token {
            TokenPlace::Form(name) => RevokedTokenPlace::Form(name.clone()),
            TokenPlace::Json(name) => RevokedTokenPlace::Json(name.clone()),
            TokenPlace::Bearer => RevokedTokenPlace::Bearer,
            TokenPlace::Header(name) => return Err(format!("revocation by {name}").into()),
        };
        let options = options.path(Endpoint::Revoke, request.uri().path());
        Ok(options.revoked_token(place))
    }

    fn requests(&self, mut options: PlainOptions) -> PlainOptions {
        let (rules, token) = (&self.dialect.authorization, &self.dialect.token);
        let renamed = rules.parameters.iter().map(|p| (&p.name, p.value.name()));
        let lists = token.code.iter().chain(&token.refresh);
        for (name, standard) in renamed.chain(lists.map(|p| (&p.name, p.value.name()))) {
            if name != standard {
                options = options.parameter_name(standard, name);
            }
        }
        for (name, value) in &rules.fixed {
            options = options.require_authorization_parameter(name, self.fill(value));
        }
        for (name, value) in token.fixed.iter().chain(&token.code_fixed) {
            options = options.require_code_parameter(name, self.fill(value));
        }
        for (name, value) in token.fixed.iter().chain(&token.refresh_fixed) {
            options = options.require_refresh_parameter(name, self.fill(value));
        }
        for (name, value) in &token.headers {
            options = options.require_token_header(name, self.fill(value));
        }
        for name in rules.further_scopes.keys() {
            options = options.further_scope(name);
        }
        let lacks = |value| {
            let lists = [&token.code, &token.refresh].into_iter();
            lists
                .filter(|list| !list.is_empty())
                .any(|list| list.iter().all(|p| p.value != value))
        };
        let code_lacks =
            |value| !token.code.is_empty() && token.code.iter().all(|p| p.value != value);
        if lacks(TokenValue::GrantType) {
            options = options.optional_grant_type();
        }
        if code_lacks(TokenValue::RedirectUri) {
            options = options.ignore_redirect_uri();
        }
        let names = &rules.callback;
        options
            .scope_separator(rules.scope_separator.chars().next().unwrap_or(' '))
            .redirect_name("code", &names.code)
            .redirect_name("state", &names.state)
            .redirect_name("error", &names.error)
            .response_mode(match rules.response_mode {
                Mode::Query => ResponseMode::Query,
                Mode::Fragment => ResponseMode::Fragment,
                Mode::FormPost => ResponseMode::FormPost,
            })
            .token_parameters(match token.placement {
                Place::Json => ParameterPlace::Json,
                Place::Query => ParameterPlace::Query,
                _ => ParameterPlace::Form,
            })
            .client_authentication(method(token.client_authentication))
            .refresh_client_authentication(method(token.refresh_authentication()))
    }

    fn answers(&self, mut options: PlainOptions) -> PlainOptions {
        let rules = &self.dialect.response;
        for (standard, name) in [
            ("access_token", &rules.access_token_field),
            ("refresh_token", &rules.refresh_token_field),
            ("token_type", &rules.token_type_field),
            ("scope", &rules.scope_field),
            ("expires_in", &rules.expiry_field),
        ] {
            options = options.member_name(standard, name);
        }
        if let Some(path) = &rules.tokens_at {
            options = options.tokens_at(path);
        }
        if let Some(path) = &rules.refresh_tokens_at {
            options = options.refresh_tokens_at(path);
        }
        if let Some(name) = rules.token_types.first() {
            options = options.token_type(name);
        }
        if rules.lifetime_when_absent.is_some() {
            options = options.omit_expires_in();
        }
        options.expiry_unit(match rules.expiry {
            Expiry::Seconds => ExpiryUnit::Seconds,
            Expiry::Milliseconds => ExpiryUnit::Milliseconds,
            Expiry::EpochSeconds => ExpiryUnit::EpochSeconds,
            Expiry::EpochMilliseconds => ExpiryUnit::EpochMilliseconds,
        })
    }

    /// Refuses a refresh token as the dialect's first rule for it says.
    fn refusals(&self, mut options: PlainOptions) -> PlainOptions {
        let rules = &self.dialect.errors;
        let at = |own: &[String]| own.first().cloned().unwrap_or_default();
        options = options
            .error_at(at(&rules.code))
            .error_text_at(at(&rules.text));
        let of_refresh = |rule: &&ErrorRule| {
            rule.class == ClassName::Terminal
                && rule.grant_type != Some(GrantType::AuthorizationCode)
        };
        let Some(rule) = rules.map.iter().find(of_refresh) else {
            return match *rules == ErrorRules::default() {
                true => options,
                false => options.error_at(at(&rules.code)),
            };
        };
        if let Some(path) = &rule.at {
            options = options.error_at(path);
        }
        if let Some(status) = rule.status {
            options = options.error_status("invalid_grant", status);
        }
        if let Some(text) = &rule.text {
            options = options.error_text("invalid_grant", text);
        }
        if rule.without_code {
            options = options.errors_without_body();
        }
        match rule
            .error
            .as_deref()
            .map(|code| (code, code.parse::<i64>()))
        {
            Some((_, Ok(number))) => options.error_code("invalid_grant", number),
            Some((code, Err(_))) => options.error_code("invalid_grant", code),
            None => options,
        }
    }

    fn api(&self, mut options: PlainOptions) -> Result<PlainOptions, BoxError> {
        for (name, value) in &self.dialect.api_headers {
            options = options.require_api_header(name, self.fill(value));
        }
        options = options.api_credential(match &self.dialect.attach {
            AttachmentMethod::Bearer => ApiCredential::Bearer,
            AttachmentMethod::Header(name) => ApiCredential::Header(name.clone()),
            AttachmentMethod::Query(name) => ApiCredential::Query(name.clone()),
            AttachmentMethod::Scheme(name) => ApiCredential::Scheme(name.clone()),
        });
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

    /// Fills a template with samples.
    fn fill(&self, template: &Template) -> String {
        let mut text = template.as_str().replace("{client_id}", DEFAULT_CLIENT_ID);
        for (name, rules) in &self.dialect.values {
            text = text.replace(&format!("{{{name}}}"), sample(&rules.pattern));
        }
        text
    }
}

fn method(method: Method) -> ClientAuthentication {
    match method {
        Method::Basic => ClientAuthentication::Basic,
        Method::BasicUnencoded => ClientAuthentication::BasicUnencoded,
        Method::BasicSecretOnly => ClientAuthentication::BasicSecretOnly,
        Method::Parameters => ClientAuthentication::Body,
        Method::None => ClientAuthentication::None,
    }
}
