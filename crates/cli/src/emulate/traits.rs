//! What a dialect says of a provider, as options of the plain emulator.

use tokenkeeper::protocol::{
    AttachmentMethod, ClassName, ClientAuthentication as Method, Dialect, ErrorRule, ErrorRules,
    Expiry, GrantType, ParameterPlace as Place, ResponseMode as Mode, Template, TokenPlace,
    TokenValue, ValuePattern,
};
use tokenkeeper_emulator::{
    ApiCredential, ClientAuthentication, ExpiryUnit, ParameterPlace, PlainOptions, ResponseMode,
    RevokedTokenPlace,
};

/// The traits of a dialect's provider. Where its endpoints are is no trait.
pub(crate) struct Traits<'d> {
    pub(crate) dialect: &'d Dialect,
    pub(crate) client_id: &'d str,
}

impl Traits<'_> {
    /// Adds what requests must hold.
    pub(crate) fn requests(&self, mut options: PlainOptions) -> PlainOptions {
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

    /// Adds the form of answers with tokens.
    pub(crate) fn answers(&self, mut options: PlainOptions) -> PlainOptions {
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
    pub(crate) fn refusals(&self, mut options: PlainOptions) -> PlainOptions {
        let rules = &self.dialect.errors;
        let at = |own: &[String]| own.first().cloned().unwrap_or_default();
        options = options
            .error_at(at(&rules.code))
            .error_text_at(at(&rules.text));
        let of_refresh = |rule: &&ErrorRule| {
            rule.class == ClassName::Terminal
                && !matches!(
                    rule.grant_type,
                    Some(GrantType::AuthorizationCode | GrantType::DeviceCode)
                )
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

    /// Adds how the API takes a token.
    pub(crate) fn api(&self, mut options: PlainOptions) -> PlainOptions {
        for (name, value) in &self.dialect.api_headers {
            options = options.require_api_header(name, self.fill(value));
        }
        options.api_credential(match &self.dialect.attach {
            AttachmentMethod::Bearer => ApiCredential::Bearer,
            AttachmentMethod::Header(name) => ApiCredential::Header(name.clone()),
            AttachmentMethod::Query(name) => ApiCredential::Query(name.clone()),
            AttachmentMethod::Scheme(name) => ApiCredential::Scheme(name.clone()),
        })
    }

    /// Adds the place of the token in a revocation. The emulator takes none in a header.
    pub(crate) fn revocation(&self, options: PlainOptions) -> Result<PlainOptions, String> {
        let Some(rules) = &self.dialect.revocation else {
            return Ok(options);
        };
        Ok(options.revoked_token(match &rules.token {
            TokenPlace::Form(name) => RevokedTokenPlace::Form(name.clone()),
            TokenPlace::Json(name) => RevokedTokenPlace::Json(name.clone()),
            TokenPlace::Bearer => RevokedTokenPlace::Bearer,
            TokenPlace::Header(name) => return Err(format!("revocation by the header {name}")),
        }))
    }

    /// Fills a template with samples.
    pub(crate) fn fill(&self, template: &Template) -> String {
        let mut text = template.as_str().replace("{client_id}", self.client_id);
        for (name, rules) in &self.dialect.values {
            text = text.replace(&format!("{{{name}}}"), sample(&rules.pattern));
        }
        text
    }
}

/// Returns a value of this form.
pub(crate) fn sample(pattern: &ValuePattern) -> &str {
    match pattern {
        ValuePattern::Label | ValuePattern::Word => "acme",
        ValuePattern::Host => "acme.example.com",
        ValuePattern::Digits => "4711",
        ValuePattern::Text => "v4lue",
        ValuePattern::OneOf(texts) => texts.first().map_or("", String::as_str),
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
