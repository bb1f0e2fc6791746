//! `tokenkeeper accounts`: who is in a store.

use std::{io::Write as _, process::ExitCode, time::SystemTime};

use serde_json::json;
use tokenkeeper::store::{Filter, Key};

use super::Place;
use crate::BoxError;

/// Lists the accounts of a store: provider, site, client id and subject, a line each
///
/// Tokens are not read, and no key is needed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Only those that are due for a refresh.
    #[arg(long, conflicts_with = "attention")]
    due: bool,
    /// Only those that need a person: a new login, another configuration, a revocation that is pending.
    #[arg(long)]
    attention: bool,
    /// Each line is a JSON object.
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
    let store = arguments.place.location()?.open_sealed().await?;
    let mut cursor = None;
    loop {
        let page = store.list(filter, cursor, PAGE).await?;
        let mut out = std::io::stdout().lock();
        for key in &page.keys {
            writeln!(out, "{}", line(key, arguments.json))?;
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
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
    // A subject is the application's own text; nothing in it may forge a second line.
    fields
        .map(|field| field.escape_debug().to_string())
        .join("\t")
}
