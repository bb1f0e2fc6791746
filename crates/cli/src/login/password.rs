//! iOFFICE's direct code: a login by a user name and a password, without a browser.

use std::time::{Duration, SystemTime};

use tokenkeeper::{
    Account, Confirmation, Login,
    protocol::{Class, ErrorCode, Redirect, Refusal},
    reqwest::ReqwestTransport,
    transport::Transport as _,
};
use zeroize::Zeroizing;

use super::Arguments;
use crate::{
    BoxError,
    app::App,
    causes,
    config::Config,
    exit::{misconfigured, refused, unavailable},
    global::Global,
    progress, secret,
};

/// How long the site may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the password, if the provider takes one: from the terminal, or from stdin on demand.
pub(super) async fn read(
    arguments: &Arguments,
    user: &str,
    global: &Global,
) -> Result<Zeroizing<String>, BoxError> {
    let config = Config::read(global.config.as_deref())?;
    let name = &arguments.provider;
    if !config.provider(name)?.is_ioffice(name) {
        let text = format!(
            "only iOFFICE takes a user name and a password, and `{name}` is another provider: log \
             in by the browser, or with --device"
        );
        return Err(misconfigured(text).into());
    }
    if arguments.password_stdin {
        return secret::from_stdin("--password-stdin").await;
    }
    secret::ask(
        &format!("Password of {user}: "),
        "write the password to stdin, and add --password-stdin",
    )
    .await
}

/// Asks the site for a code, and exchanges it. Our copies of the password are wiped before it
/// is sent.
pub(super) async fn log_in(
    arguments: &Arguments,
    app: &App,
    account: &Account,
    password: Zeroizing<String>,
) -> Result<Login, BoxError> {
    let name = &arguments.provider;
    let provider = app.config.provider(name)?.ioffice(name)?;
    let user = arguments.user.as_deref().unwrap_or_default();
    let request = provider.direct_code_request(account.site(), user, &password);
    drop(password);
    let request = request.map_err(|error| misconfigured(causes(&error)))?;
    let transport = ReqwestTransport::new()?;
    let sent_at = SystemTime::now();
    let sent = transport.send(request, TIMEOUT);
    let response = progress::show("asking for a code", sent).await;
    let response = response.map_err(|error| {
        let (site, error) = (account.site(), causes(&error));
        unavailable(format!("{site} did not answer: {error}; try again later"))
    })?;
    let code = provider.read_direct_code(&response, sent_at);
    let code = code.map_err(|refusal| explain(&refusal))?;

    // The state and the code challenge of this flow are not used: no browser has seen them.
    let redirect = account.connect_with(&arguments.options())?;
    let code: String = form_urlencoded::byte_serialize(code.expose().as_bytes()).collect();
    // In a fragment, a plus sign stands for itself.
    let answer = Redirect::fragment(format!("code={}", code.replace('+', "%20")));
    let by = Confirmation::OwnRequest;
    let finished = app.accounts.finish_confirmed(redirect.flow, answer, by);
    Ok(progress::show("connecting", finished).await?)
}

/// Returns what a refusal of the request for a code means.
fn explain(refusal: &Refusal) -> BoxError {
    let is_denied = |code: &ErrorCode| code.as_str() == Some("access_denied");
    let is_wrong = refusal.status.is_some_and(|status| status == 401)
        || refusal.code.as_ref().is_some_and(is_denied);
    match refusal.class {
        Class::Transient { .. } | Class::Ambiguous => {
            unavailable(format!("{refusal}; try again later")).into()
        }
        Class::Configuration => misconfigured(refusal.to_string()).into(),
        _ if is_wrong => refused("the site refused the user name or the password").into(),
        _ => refused(format!(
            "the site refused the request for a code: {refusal}"
        ))
        .into(),
    }
}
