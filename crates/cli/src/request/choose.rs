//! Whose token a request carries.

use http::Uri;
use tokenkeeper::{Account, Status, protocol::Origin, source::TokenSource as _};

use crate::{
    BoxError,
    account::AccountName,
    app::App,
    exit::{Exited, misconfigured},
    token::Reach,
};

/// How many accounts an error names.
const NAMED: usize = 5;

/// Returns the account that was named, or the only connected one at the URL's origin.
pub(super) async fn account(
    app: &App,
    named: Option<&AccountName>,
    url: &Uri,
) -> Result<Account, BoxError> {
    if let Some(name) = named {
        let account = app.account(name)?;
        let reach = Reach::of(&account);
        if !reach.has_api(url).await? {
            let (target, origins) = (shown(url), reach.origins().join(", "));
            return Err(misconfigured(format!(
                "{target} is not of {name}, whose token goes to {origins} only"
            ))
            .into());
        }
        return Ok(account);
    }
    let mut fitting = fitting(app, url).await?;
    match fitting.len() {
        0 => Err(none_fits(app, url).into()),
        1 => Ok(fitting.remove(0).1),
        _ => Err(several_fit(&fitting).into()),
    }
}

/// Finds connected accounts at the URL's origin, one more than an error names.
async fn fitting(app: &App, url: &Uri) -> Result<Vec<(AccountName, Account)>, BoxError> {
    let mut fitting = Vec::new();
    for (name, account) in app.kept_accounts().await? {
        // Only accounts that can fit are read from the store.
        if (account.allows(url) || account.may_allow(url))
            && matches!(account.status().await?, Status::Connected(_))
            && Reach::of(&account).has_api(url).await?
        {
            fitting.push((name, account));
            if fitting.len() > NAMED {
                break;
            }
        }
    }
    Ok(fitting)
}

fn none_fits(app: &App, url: &Uri) -> Exited {
    let mut origins = Vec::new();
    for name in app.config.providers.keys() {
        // A provider that makes no account has no origins to name.
        if let Ok(account) = app.account(&AccountName::new(name, None)) {
            origins.extend(Reach::of(&account).origins());
        }
    }
    origins.sort();
    origins.dedup();
    let (target, origins) = (shown(url), origins.join(", "));
    misconfigured(format!(
        "no account is connected whose token goes to {target}; the configured providers' tokens \
         go to {origins}: run `tokenkeeper login`, or correct the URL"
    ))
}

fn several_fit(fitting: &[(AccountName, Account)]) -> Exited {
    let names: Vec<_> = fitting
        .iter()
        .take(NAMED)
        .map(|(name, _)| name.to_string())
        .collect();
    let others = if fitting.len() > NAMED {
        " and others"
    } else {
        ""
    };
    misconfigured(format!(
        "{}{others} are connected there: name one with --account",
        names.join(", ")
    ))
}

/// Returns the origin alone: a path or a query may hold a secret.
fn shown(url: &Uri) -> String {
    match (Origin::of(url), url.host()) {
        (Some(origin), _) => origin.to_string(),
        (None, Some(host)) => format!("{}://{host}", url.scheme_str().unwrap_or_default()),
        (None, None) => "this URL".to_owned(),
    }
}
