//! `tokenkeeper refresh`.

use std::process::ExitCode;

use super::{AccountName, status::Row};
use crate::{
    BoxError,
    app::{self, Which},
    global::Global,
    output, progress,
};

/// Refreshes an account's token now, though it may be fresh
///
/// Processes that refresh the same account at this moment share one token request.
///
/// Example: tokenkeeper refresh amiqus
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// PROVIDER, or PROVIDER/NAME.
    account: AccountName,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let provider = [arguments.account.provider.as_str()];
    app::with(global, Which::Named(&provider), async |app| {
        let account = app.account(&arguments.account)?;
        progress::show("refreshing", account.refresh()).await?;
        let row = Row::read(&arguments.account, &account).await?;
        output::record(global.json, &row, &row.fields())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}
