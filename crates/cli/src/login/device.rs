//! A login by device code: the person decides on another device.

use std::io::{self, IsTerminal as _};

use anstyle::{AnsiColor, Color, Style};
use tokenkeeper::{Account, DeviceLogin, Login, login::qr_code};

use super::Arguments;
use crate::{BoxError, output, time};

/// Scanners expect dark on light.
const QR: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite)));

/// Shows the code, and waits until the person has decided.
pub(super) async fn log_in(arguments: &Arguments, account: &Account) -> Result<Login, BoxError> {
    let device = account.connect_device_with(&arguments.options()).await?;
    show(&device, io::stderr().is_terminal());
    Ok(device.finish().await?)
}

fn show(device: &DeviceLogin, is_terminal: bool) {
    let DeviceLogin {
        verification_uri,
        user_code,
        expires_at,
        ..
    } = device;
    output::note(&format!(
        "On any device, open this page:\n\n    {verification_uri}\n\nand type this code:\n\n    \
         {user_code}\n"
    ));
    let complete = device.verification_uri_complete.as_ref();
    if let (true, Some(code)) = (is_terminal, complete.and_then(qr_code)) {
        output::note("Or scan this, and compare the code:\n");
        for line in code.lines() {
            output::note(&format!("    {QR}{line}{QR:#}"));
        }
        output::note("");
    }
    output::note(&format!(
        "The code is for this command alone: type none that someone sent to you. It expires at {}.",
        time::until(*expires_at)
    ));
}
