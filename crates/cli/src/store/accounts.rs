//! `tokenkeeper accounts`: lists the accounts of a store.

use std::{process::ExitCode, time::SystemTime};

use tokenkeeper::{
    operating::is_internal_entry,
    store::{Filter, Key},
};

use crate::{
    BoxError,
    account::status::Row,
    app::{self, App, Which},
    causes,
    config::Config,
    global::Global,
    output, progress,
};

/// Lists the accounts of a store, and how each is
///
/// Of an account whose provider is not configured, it shows the name alone. With --json, each line
/// has the object of one account.
///
/// Example: tokenkeeper accounts --attention
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// List only accounts that are due for a refresh.
    #[arg(long, conflicts_with = "attention")]
    due: bool,
    /// List only accounts that need attention: a new login, another configuration, or a pending
    /// revocation.
    #[arg(long)]
    attention: bool,
}

impl Arguments {
    fn filter(&self) -> Filter {
        match (self.due, self.attention) {
            (true, _) => Filter::DueBefore(SystemTime::now()),
            (_, true) => Filter::Attention,
            _ => Filter::All,
        }
    }
}

/// How many accounts are in a table.
const PAGE: usize = 500;

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let config = Config::read(global.config.as_deref())?;
    if config.providers.is_empty() {
        return list(&arguments, global, &config, None).await;
    }
    app::with(global, Which::All, async |app| {
        list(&arguments, global, &app.config, Some(app)).await
    })
    .await
}

async fn list(
    arguments: &Arguments,
    global: &Global,
    config: &Config,
    app: Option<&App>,
) -> Result<ExitCode, BoxError> {
    let store = global.store.location(config)?.open_sealed().await?;
    let mut cursor = None;
    let mut end = ExitCode::SUCCESS;
    loop {
        let read = async {
            let page = store.list(arguments.filter(), cursor, PAGE).await?;
            let mut rows = Vec::new();
            for key in page.keys.iter().filter(|key| !is_internal_entry(key)) {
                rows.push(row(app, key).await);
            }
            Ok::<_, BoxError>((page, rows))
        };
        let (page, rows) = progress::show("reading accounts", read).await?;
        print(&rows, global.json)?;
        for error in &page.unread {
            let problem = causes(error);
            output::note(&format!("a part of the store was not listed: {problem}"));
            end = ExitCode::FAILURE;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if let Err(problem) = store.check_health().await {
        output::note(&format!("warning: {}", causes(&problem)));
    }
    Ok(end)
}

fn print(rows: &[Row], as_json: bool) -> Result<(), BoxError> {
    if as_json {
        return rows.iter().try_for_each(output::json);
    }
    let columns: Vec<_> = rows.iter().map(Row::columns).collect();
    Ok(output::table(&columns)?)
}

/// Reads the state of an account, as far as that can be.
async fn row(app: Option<&App>, key: &Key) -> Row {
    let found = app.and_then(|app| app.account_of(key));
    let Some((name, account)) = found else {
        return Row::unconfigured(key);
    };
    match Row::read(&name, &account).await {
        Ok(row) => row,
        Err(error) => Row::unreadable(&name, key, &causes(&*error)),
    }
}
