//! `tokenkeeper logout`.

use std::process::ExitCode;

use serde_json::json;
use tokenkeeper::Error;

use super::AccountName;
use crate::{
    BoxError,
    app::{self, Which},
    global::Global,
    output, progress,
};

/// Disconnects an account, and revokes its tokens where the provider can
///
/// Example: tokenkeeper logout amiqus
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    account: AccountName,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let name = arguments.account;
    let provider = [name.provider.as_str()];
    let pending = app::with(global, Which::Named(&provider), async |app| {
        match progress::show("disconnecting", app.account(&name)?.disconnect()).await {
            // The account is disconnected in this case, too.
            Err(Error::RevocationPending { .. }) => Ok(true),
            disconnected => Ok(disconnected.map(|()| false)?),
        }
    })
    .await?;
    if global.json {
        let account = name.to_string();
        output::json(&json!({ "account": account, "revocation_pending": pending }))?;
    } else if pending {
        output::note(&format!(
            "{name} is disconnected, but the provider did not confirm the revocation: run this \
             again, or leave it to a worker."
        ));
    } else {
        output::note(&format!("{name} is disconnected."));
    }
    Ok(ExitCode::SUCCESS)
}
