//! `tokenkeeper accounts`: lists the accounts of a store.

use std::{io::Write as _, process::ExitCode, time::SystemTime};

use serde_json::json;
use tokenkeeper::store::{Filter, Key};

use super::StoreArguments;
use crate::{BoxError, causes};

/// Lists the accounts of a store, one per line: provider, site, client id and subject
///
/// It reads no tokens and needs no key.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// List only accounts that are due for a refresh.
    #[arg(long, conflicts_with = "attention")]
    due: bool,
    /// List only accounts that need attention: a new login, another configuration, or a pending
    /// revocation.
    #[arg(long)]
    attention: bool,
    /// Print each account as a JSON object.
    #[arg(long)]
    json: bool,
}

const PAGE: usize = 500;

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let filter = match (arguments.due, arguments.attention) {
        (true, _) => Filter::DueBefore(SystemTime::now()),
        (_, true) => Filter::Attention,
        _ => Filter::All,
    };
    let store = arguments.store.location()?.open_sealed().await?;
    let mut cursor = None;
    let mut end = ExitCode::SUCCESS;
    loop {
        let page = store.list(filter, cursor, PAGE).await?;
        let mut out = std::io::stdout().lock();
        for key in page.keys.iter().filter(|key| !is_mark(key)) {
            writeln!(out, "{}", line(key, arguments.json))?;
        }
        for error in &page.unread {
            eprintln!("a part of the store was not listed: {}", causes(error));
            end = ExitCode::FAILURE;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if let Err(problem) = store.check_health().await {
        eprintln!("warning: {}", causes(&problem));
    }
    Ok(end)
}

/// Returns whether this is the mark of a forgotten account, which names no one.
fn is_mark(key: &Key) -> bool {
    let digest = key.subject().strip_prefix("forgotten:");
    digest.is_some_and(|digest| {
        digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn line(key: &Key, as_json: bool) -> String {
    if as_json {
        return json!({
            "provider": key.brand(),
            "site": key.base(),
            "client_id": key.client_id(),
            "subject": key.subject(),
            "digest": key.digest().to_string(),
        })
        .to_string();
    }
    let fields = [key.brand(), key.base(), key.client_id(), key.subject()];
    // The application chooses subjects: they must not forge a second line.
    fields
        .map(|field| field.escape_debug().to_string())
        .join("\t")
}
