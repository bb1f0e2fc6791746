//! The forms that start a login or a disconnect: whose account, at which provider and site.

use axum::body::Body;
use http::{HeaderMap, header::CONTENT_TYPE, request::Parts};
use tokenkeeper_engine::Account;

use crate::{context::RouteContext, failure::Failure, fields::Fields, origin_check};

/// Returns the signed-in person's account that a form of the application asks for.
pub(crate) async fn account(
    context: &RouteContext,
    brand: &str,
    parts: &Parts,
    body: Body,
) -> Result<(Account, Fields), Failure> {
    require_own_page(context, brand, &parts.headers)?;
    context.subject(parts, None)?;
    let fields = Fields::of_form(&context.routes, parts, body).await?;
    let account = account_of(context, brand, parts, &fields);
    let account = account.map_err(|failure| failure.with(fields.clone()))?;
    Ok((account, fields))
}

/// Returns the signed-in person's account that these fields name.
pub(crate) fn account_of(
    context: &RouteContext,
    brand: &str,
    parts: &Parts,
    fields: &Fields,
) -> Result<Account, Failure> {
    let subject = context.subject(parts, fields.account_name()?)?;
    let account = match &fields.site {
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
