//! The origins that take an account's tokens.

use serde_json::Value;
use url::Url;

use crate::{
    api_origin::ApiOrigin,
    client::Client,
    dialect::{ApiOriginRule, LoginOriginRule, ValuePattern},
    login_data::LoginData,
    origin::Origin,
    site_policy::is_private,
    values::Values,
};

pub(crate) fn of(client: &Client, site: &Origin, login: &LoginData) -> Vec<ApiOrigin> {
    let (dialect, values) = (client.dialect(), Values::of(client, site));
    let declared = dialect.api_origins.iter().filter_map(|rule| match rule {
        ApiOriginRule::Fixed(origin) => Some(origin.clone()),
        // The client's checks leave no value out, and a value that makes no origin gets no token.
        ApiOriginRule::Template(template) => {
            let text = values.fill(template).ok()?;
            let origin = ApiOrigin::parse(&text).ok()?;
            // Only the dialect itself makes a wildcard, never a value.
            let declared = template.as_str().contains('*');
            (declared || origin.wildcard().is_none()).then_some(origin)
        }
    });
    let rules = dialect.api_origins_from.iter();
    let named = rules.filter_map(|rule| named_by(rule, login).map(ApiOrigin::from));
    let mut origins = vec![site.clone().into()];
    for origin in declared.chain(named) {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

/// Returns the origin that a login names, if the rule allows it.
fn named_by(rule: &LoginOriginRule, login: &LoginData) -> Option<Origin> {
    let text = match (&rule.field, &rule.parameter) {
        (Some(field), _) => login.get(field).and_then(Value::as_str)?,
        (None, Some(parameter)) => login.parameter(parameter)?,
        (None, None) => return None,
    };
    let text = text.trim();
    let origin = match &rule.template {
        Some(template) => {
            let value = ValuePattern::Host.read(text)?;
            Origin::parse(&template.fill(|_| Ok::<_, ()>(value.clone())).ok()?).ok()?
        }
        None => named(text).filter(|origin| origin.port() == 443)?,
    };
    let is_https = origin.as_str().starts_with("https://");
    let public = is_https && !origin.is_loopback() && !is_private(&origin);
    (public && (rule.below.is_empty() || is_below(origin.host(), &rule.below))).then_some(origin)
}

/// Reads a URL or a bare host.
fn named(text: &str) -> Option<Origin> {
    let Some((_, rest)) = text.split_once("://") else {
        return Origin::parse(&format!("https://{text}")).ok();
    };
    // `Url` drops an empty user info.
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    if authority.contains('@') {
        return None;
    }
    Origin::of_url(&Url::parse(text).ok()?)
}

/// Returns whether the host is one of the domains, or below one.
pub(crate) fn is_below(host: &str, domains: &[String]) -> bool {
    domains.iter().any(|domain| {
        host.strip_suffix(domain.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}
