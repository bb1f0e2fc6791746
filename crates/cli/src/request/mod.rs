//! `tokenkeeper request`.

mod call;
mod choose;
mod respond;

use std::process::ExitCode;

use tokenkeeper::{
    protocol::Origin,
    reqwest::{TokenPolicy, client},
};

use self::call::Call;
use crate::{
    BoxError,
    account::AccountName,
    app::{self, Which},
    global::Global,
    progress,
};

/// Sends a request with an account's token, as curl would
///
/// A token that has expired is refreshed first. If the API rejects the token, it is refreshed and
/// the request is sent once more. The body of the response is written to stdout as it comes.
/// Redirects are followed within the origin.
///
/// Exit status: 22 if the API's status is 400 or higher; its body is printed anyway.
///
/// Examples:
///   tokenkeeper request GET https://api.github.com/user
///   tokenkeeper request POST https://api.github.com/gists -d @gist.json \
///     -H 'Content-Type: application/json' --account github/work
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// GET, POST and so on.
    method: String,
    /// A URL of the provider's API.
    url: String,
    /// PROVIDER, or PROVIDER/NAME. Default: the one connected account at the URL's origin.
    #[arg(long)]
    account: Option<AccountName>,
    /// The body: DATA, the content of a file with @FILE, or stdin with @-. It is read whole before
    /// it is sent. Its type is that of a form, unless a header says otherwise.
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true)]
    data: Option<String>,
    /// A header, `Name: value`. The token's own header is the command's.
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Print the status and the headers first.
    #[arg(short, long, conflicts_with = "json")]
    include: bool,
}

pub(crate) async fn run(arguments: Arguments, global: &Global) -> Result<ExitCode, BoxError> {
    let call = Call::read(&arguments)?;
    let provider = arguments
        .account
        .as_ref()
        .map(|name| [name.provider.as_str()]);
    // Without a name it is the URL that chooses among all.
    let which = provider
        .as_ref()
        .map_or(Which::All, |name| Which::Named(name));
    app::with(global, which, async |app| {
        let account = choose::account(app, arguments.account.as_ref(), &call.uri).await?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("tokenkeeper/", env!("CARGO_PKG_VERSION")));
        if Origin::of(&call.uri).is_some_and(|origin| origin.is_loopback()) {
            builder = builder.no_proxy();
        }
        let client = client(builder, TokenPolicy::new(account).strict_origins(true))?;
        let response = progress::show("waiting for the API", call.send(&client)).await?;
        if global.json {
            respond::json(response).await
        } else {
            respond::stream(response, arguments.include).await
        }
    })
    .await
}
