//! What a dialect and a registration have to hold before they are used.

use http::{HeaderName, HeaderValue};

use crate::{
    Attach, AuthorizationParameter, ClientAuthentication, Dialect, Error, Pkce, Placement,
    RedirectRule, Registration, TokenParameter, TokenPlace, TokenValue,
};

fn wrong(field: &'static str, problem: &str) -> Result<(), Error> {
    Err(Error::Dialect {
        field,
        problem: problem.to_owned(),
    })
}

pub(crate) fn dialect(dialect: &Dialect) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let brand = &dialect.brand;
    if brand.is_empty() || brand.len() > 64 || !brand.bytes().all(plain) {
        return wrong("brand", "holds 1 to 64 lower-case letters, digits and `-`");
    }
    authorization(dialect)?;
    token(dialect)?;
    match &dialect.attach {
        Attach::Bearer => {}
        Attach::Header(name) => header_name("attach", name)?,
        Attach::Query(name) if name.is_empty() => return wrong("attach", "names no parameter"),
        Attach::Query(_) => {}
    }
    if dialect.response.expiry_field.is_empty() {
        return wrong(
            "response.expiry_field",
            "is empty: leave it out for `expires_in`",
        );
    }
    for rule in &dialect.errors.map {
        let says = rule.status.is_some() || rule.error.is_some() || rule.text.is_some();
        if !says {
            return wrong(
                "errors.map",
                "has a rule that names neither status, error nor text",
            );
        }
    }
    let share = dialect.refresh.keep_alive_share;
    if !(share > 0.0 && share <= 1.0) {
        return wrong("refresh.keep_alive_share", "is above 0 and at most 1");
    }
    if dialect
        .resource
        .rejected
        .iter()
        .any(|status| !(400..=599).contains(status) || *status == 429)
    {
        return wrong(
            "resource.rejected",
            "holds statuses from 400 to 599, and never 429",
        );
    }
    let limits = &dialect.resource.rate_limit;
    for name in [&limits.limit, &limits.remaining, &limits.reset]
        .into_iter()
        .flatten()
    {
        header_name("resource.rate_limit", name)?;
    }
    if let Some(revocation) = &dialect.revocation {
        place("revocation.token", &revocation.token)?;
        if revocation.tokens.is_empty() {
            return wrong(
                "revocation.tokens",
                "is empty: leave `revocation` out instead",
            );
        }
    }
    dialect
        .introspection
        .as_ref()
        .map_or(Ok(()), |i| place("introspection.token", &i.token))
}

pub(crate) fn registration(dialect: &Dialect, registration: &Registration) -> Result<(), Error> {
    let needs_secret = dialect.token.client_authentication != ClientAuthentication::None;
    if needs_secret && registration.client_secret().is_none() {
        return Err(Error::SecretMissing {
            brand: dialect.brand.clone(),
        });
    }
    if let Some(asked) = registration.requested_scope() {
        scope(dialect, asked)?;
    }
    let carried = dialect.authorization.state.in_redirect_uri();
    let brought = ["code", "error", "state", "iss"].into_iter().chain(carried);
    for name in brought {
        if registration
            .redirect_uri()
            .query_pairs()
            .any(|(own, _)| own == name)
        {
            let problem =
                format!("has `{name}` in its query, which the redirect brings: leave it out");
            return Err(Error::RedirectUri { problem });
        }
    }
    Ok(())
}

/// RFC 6749 §3.3: tokens of visible ASCII without quotes and backslash, with single spaces between.
pub(crate) fn scope(dialect: &Dialect, scope: &str) -> Result<(), Error> {
    let listed = &dialect.authorization.parameters;
    if !listed.is_empty() && !listed.contains(&AuthorizationParameter::Scope) {
        return Err(Error::Scope {
            problem: "is not something that this provider takes: leave it out",
        });
    }
    let sane = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    let words = scope
        .split(' ')
        .all(|word| !word.is_empty() && word.bytes().all(sane));
    if words {
        return Ok(());
    }
    Err(Error::Scope {
        problem: "holds visible ASCII without quotes and backslash, with single spaces between",
    })
}

fn authorization(dialect: &Dialect) -> Result<(), Error> {
    use AuthorizationParameter::{ClientId, RedirectUri, ResponseType, State};
    let rules = &dialect.authorization;
    if let Some(asked) = dialect.scope()
        && scope(dialect, asked).is_err()
    {
        return wrong(
            "authorization.scope",
            "is listed in `parameters`, and visible ASCII with single spaces",
        );
    }
    let listed = &rules.parameters;
    if !listed.is_empty() {
        if [ResponseType, ClientId, RedirectUri]
            .iter()
            .any(|needed| !listed.contains(needed))
        {
            return wrong(
                "authorization.parameters",
                "lists response_type, client_id and redirect_uri",
            );
        }
        if rules.state.is_parameter() != listed.contains(&State) {
            return wrong(
                "authorization.parameters",
                "lists `state` exactly where `authorization.state` says parameter",
            );
        }
        if repeats(listed.iter()) {
            return wrong("authorization.parameters", "lists nothing twice");
        }
    }
    match rules.state.in_redirect_uri() {
        Some("" | "code" | "error" | "state" | "iss") => wrong(
            "authorization.state",
            "needs a name of its own in the redirect URI",
        ),
        Some(_) if rules.redirect_rule != RedirectRule::ExtraQuery => wrong(
            "authorization.redirect_rule",
            "is `extra_query` where the redirect URI carries the state",
        ),
        _ => Ok(()),
    }
}

fn token(dialect: &Dialect) -> Result<(), Error> {
    let rules = &dialect.token;
    let lists = [
        (
            "token.code",
            &rules.code,
            TokenValue::Code,
            TokenValue::RefreshToken,
        ),
        (
            "token.refresh",
            &rules.refresh,
            TokenValue::RefreshToken,
            TokenValue::Code,
        ),
    ];
    for (field, list, own, other) in lists {
        let has = |value| {
            list.iter()
                .any(|parameter: &TokenParameter| parameter.value == value)
        };
        if rules.placement == Placement::Headers {
            if list.is_empty() {
                return wrong(
                    field,
                    "names each parameter's header where `placement` is `headers`",
                );
            }
            for parameter in list {
                header_name(field, &parameter.name)?;
            }
        }
        if list.is_empty() {
            continue;
        }
        if repeats(list.iter().map(|parameter| &parameter.name)) {
            return wrong(field, "lists no name twice");
        }
        if !has(own) || has(other) {
            return wrong(
                field,
                "lists the grant's own code or refresh token, and not the other",
            );
        }
        if has(TokenValue::ClientSecret)
            != (rules.client_authentication == ClientAuthentication::Parameters)
        {
            return wrong(
                field,
                "lists client_secret exactly where `client_authentication` is `parameters`",
            );
        }
        if rules.client_authentication != ClientAuthentication::Basic && !has(TokenValue::ClientId)
        {
            return wrong(
                field,
                "lists client_id where the client is not authenticated by Basic",
            );
        }
    }
    let verifier_named = rules
        .code
        .iter()
        .any(|p| p.value == TokenValue::CodeVerifier);
    if rules.placement == Placement::Headers && dialect.pkce() == Pkce::S256 && !verifier_named {
        return wrong(
            "token.code",
            "names a header for code_verifier, or `authorization.pkce` is `off`",
        );
    }
    for (field, value) in [
        ("token.content_type", &rules.content_type),
        ("token.accept", &rules.accept),
    ] {
        if value
            .as_ref()
            .is_some_and(|value| HeaderValue::from_str(value).is_err())
        {
            return wrong(field, "can stand in a header");
        }
    }
    Ok(())
}

fn place(field: &'static str, place: &TokenPlace) -> Result<(), Error> {
    match place {
        TokenPlace::Form(name) if name.is_empty() => wrong(field, "names no parameter"),
        TokenPlace::Form(_) => Ok(()),
        TokenPlace::Header(name) => header_name(field, name),
    }
}

fn header_name(field: &'static str, name: &str) -> Result<(), Error> {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => wrong(field, "holds something that is no header's name"),
    }
}

fn repeats<T: PartialEq>(items: impl Iterator<Item = T>) -> bool {
    let items: Vec<T> = items.collect();
    items
        .iter()
        .enumerate()
        .any(|(at, item)| items[..at].contains(item))
}
