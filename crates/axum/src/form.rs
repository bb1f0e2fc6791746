//! The forms that start a login or a disconnect: whose account, at which provider and site.

use axum::body::{Body, to_bytes};
use http::{HeaderMap, header::CONTENT_TYPE, request::Parts};
use tokenkeeper_engine::Account;

use crate::{context::RouteContext, failure::Failure, origin_check};

/// The limit for a form, which holds a host name.
const MAX_FORM: usize = 4 * 1024;

/// Returns the signed-in person's account that a form of the application asks for.
pub(crate) async fn account(
    context: &RouteContext,
    brand: &str,
    parts: &Parts,
    body: Body,
) -> Result<Account, Failure> {
    require_own_page(context, brand, &parts.headers)?;
    let subject = context.subject(parts).ok_or(Failure::SIGNED_OUT)?;
    let site = site(parts, body).await?;
    let account = match &site {
        Some(site) => context.accounts.account_at(brand, site, &subject),
        None => context.accounts.account(brand, &subject),
    };
    account.map_err(|error| context.log(brand, &error))
}

fn require_own_page(
    context: &RouteContext,
    brand: &str,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let paths = context.callback_paths.iter();
    let mut origins = paths
        .filter(|path| path.brand == brand)
        .map(|path| path.origin.as_str());
    let first = origins.next().ok_or(Failure::UNKNOWN_PROVIDER)?;
    let mut all = std::iter::once(first).chain(origins);
    if all.any(|origin| origin_check::is_page(headers, origin)) {
        Ok(())
    } else {
        Err(origin_check::refuse(brand, headers, first))
    }
}

/// Reads `site` from the query, or else from the form, where a person types it.
async fn site(parts: &Parts, body: Body) -> Result<Option<String>, Failure> {
    if let Some(site) = field(parts.uri.query().unwrap_or_default().as_bytes()) {
        return Ok(Some(site));
    }
    if !is_form(&parts.headers) {
        return Ok(None);
    }
    let body = to_bytes(body, MAX_FORM)
        .await
        .map_err(|_| Failure::TOO_LARGE)?;
    Ok(field(&body))
}

fn field(form: &[u8]) -> Option<String> {
    let mut fields = form_urlencoded::parse(form);
    let site = fields.find(|(name, value)| name == "site" && !value.is_empty());
    site.map(|(_, site)| site.into_owned())
}

/// Returns whether the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|kind| {
        kind.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}
