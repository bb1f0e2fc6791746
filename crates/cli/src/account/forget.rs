//! `tokenkeeper forget`.

use std::process::ExitCode;

use serde_json::json;

use super::AccountName;
use crate::{
    BoxError,
    app::{self, Which},
    global::Global,
    output, progress,
};

/// Removes all that is kept of an account, even a record that cannot be read
///
/// It revokes nothing: `logout` does. What stays for a while is a mark without the account's name,
/// so that no other process brings the record back.
///
/// Example: tokenkeeper forget amiqus/old
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    account: AccountName,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let name = arguments.account;
    let provider = [name.provider.as_str()];
    app::with(global, Which::Named(&provider), async |app| {
        Ok(progress::show("forgetting", app.account(&name)?.forget()).await?)
    })
    .await?;
    if global.json {
        output::json(&json!({ "account": name.to_string(), "forgotten": true }))?;
    } else {
        output::note(&format!("{name} is forgotten."));
    }
    Ok(ExitCode::SUCCESS)
}
