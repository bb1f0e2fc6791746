//! A login by device code: the person decides on another device.

use std::io::{self, IsTerminal as _};

use anstyle::{AnsiColor, Color, Style};
use serde::Deserialize;
use serde_json::json;
use tokenkeeper::{Account, Accounts, DeviceFlow, Login, login::DeviceLogin};

use super::{Arguments, steps};
use crate::{BoxError, output, progress, time};

/// Scanners expect dark on light.
const QR: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite)));

/// Shows the code, and waits until the person has decided.
pub(super) async fn log_in(arguments: &Arguments, account: &Account) -> Result<Login, BoxError> {
    let device = ask(arguments, account).await?;
    show(&device, io::stderr().is_terminal());
    Ok(progress::show("waiting for the approval", device.finish()).await?)
}

/// Prints the code, its page and the sealed flow.
pub(super) async fn start(arguments: &Arguments, account: &Account) -> Result<(), BoxError> {
    let device = ask(arguments, account).await?;
    output::json(&json!({
        "user_code": device.user_code(),
        "verification_uri": device.verification_uri(),
        "verification_uri_complete": device.verification_uri_complete(),
        "flow": device.flow(),
        "expires_at": time::rfc3339(device.expires_at()),
    }))
}

/// What `--finish` reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finish {
    flow: DeviceFlow,
}

impl Finish {
    /// Reads the flow from stdin.
    pub(super) async fn read() -> Result<Self, BoxError> {
        steps::read(r#"{"flow": …}"#).await
    }
}

/// Waits until the person has decided.
pub(super) async fn finish(
    Finish { flow }: Finish,
    accounts: &Accounts,
    account: &Account,
) -> Result<Login, BoxError> {
    steps::check_account(&accounts.device_flow(&flow)?.account, account)?;
    let finished = accounts.finish_device(flow);
    Ok(progress::show("waiting for the approval", finished).await?)
}

async fn ask(arguments: &Arguments, account: &Account) -> Result<DeviceLogin, BoxError> {
    let options = arguments.options();
    let asked = DeviceLogin::start_with(account, &options);
    Ok(progress::show("asking for a code", asked).await?)
}

fn show(device: &DeviceLogin, is_terminal: bool) {
    output::note(&format!(
        "On any device, open this page:\n\n    {}\n\nand type this code:\n\n    {}\n",
        device.verification_uri(),
        device.user_code(),
    ));
    if let (true, Some(code)) = (is_terminal, device.qr_code()) {
        output::note("Or scan this, and compare the code:\n");
        for line in code.lines() {
            output::note(&format!("    {QR}{line}{QR:#}"));
        }
        output::note("");
    }
    output::note(&format!(
        "The code is for this command alone: type none that someone sent to you. It expires at {}.",
        time::shown(device.expires_at())
    ));
}
