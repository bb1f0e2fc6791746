//! A token for scripts.

use std::process::ExitCode;

use http::{Request, header::HeaderMap};
use serde::Serialize;

use super::Fresh;
use crate::{BoxError, account::AccountName, exit::misconfigured, output, time};

/// Prints the token alone.
pub(super) fn plain(fresh: &Fresh) -> Result<ExitCode, BoxError> {
    output::secret(&[fresh.token.expose().as_bytes(), b"\n"])?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the token, and what is known of it.
pub(super) fn json(name: &AccountName, fresh: &Fresh) -> Result<ExitCode, BoxError> {
    output::json(&Printed {
        account: name.to_string(),
        access_token: fresh.token.expose(),
        expires_at: fresh.token.expires_at().map(time::rfc3339),
        scope: fresh.token.scope(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A token as JSON.
#[derive(Serialize)]
struct Printed<'a> {
    account: String,
    access_token: &'a str,
    expires_at: Option<String>,
    scope: Option<&'a str>,
}

/// Prints the headers of a request with the token, a line each.
pub(super) fn headers(fresh: &Fresh) -> Result<ExitCode, BoxError> {
    let headers = attached(fresh)?;
    let lines = headers
        .iter()
        .flat_map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"]);
    output::secret(&lines.collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

fn attached(fresh: &Fresh) -> Result<HeaderMap, BoxError> {
    let mut request = Request::new(());
    fresh.credential.attach(&mut request)?;
    if request.uri().query().is_some() {
        let text = "this provider takes its token in the query, not in a header: use \
                    `tokenkeeper request`";
        return Err(misconfigured(text).into());
    }
    Ok(request.into_parts().0.headers)
}
