//! `tokenkeeper emulate`: one emulator in the foreground.

mod guide;

use std::process::ExitCode;

use clap::ValueEnum;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Error,
    RegisteredClient,
};

use crate::BoxError;

/// Runs the emulator of one provider in the foreground, until Ctrl-C
///
/// It listens on 127.0.0.1 and prints its URLs first, with commands that go through a login.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whose emulator.
    provider: Provider,
    /// The port on 127.0.0.1; 0 lets the system choose one.
    #[arg(long, default_value_t = 0, value_name = "N")]
    port: u16,
    /// The client id of the application that the emulator knows.
    #[arg(long, default_value = DEFAULT_CLIENT_ID, value_name = "ID")]
    client_id: String,
    /// Its secret.
    #[arg(long, default_value = DEFAULT_CLIENT_SECRET)]
    secret: String,
    /// Its redirect URI.
    #[arg(long, default_value = DEFAULT_REDIRECT_URI, value_name = "URI")]
    redirect_uri: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Provider {
    Amiqus,
    QicsMilestones,
    FortesMilestones,
    /// One site of iOFFICE.
    Ioffice,
    /// RFC 6749, with PKCE, revocation and introspection.
    Plain,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let emulator = match arguments.provider {
        Provider::Amiqus => arguments.start(Emulator::amiqus()).await?,
        Provider::QicsMilestones => arguments.start(Emulator::qics()).await?,
        Provider::FortesMilestones => arguments.start(Emulator::fortes()).await?,
        Provider::Ioffice => arguments.start(Emulator::ioffice()).await?,
        Provider::Plain => arguments.start(Emulator::plain()).await?,
    };
    let end = end()?;
    print!("{}", guide::of(&arguments, &emulator));
    end.await;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    async fn start<O>(&self, emulator: Builder<O>) -> Result<Emulator, Error> {
        let client = RegisteredClient::new(&self.client_id)
            .secret(&self.secret)
            .redirect_uri(&self.redirect_uri);
        emulator.client(client).port(self.port).start().await
    }
}

/// Comes with Ctrl-C, or with what service managers send; from this call on, not only once it is polled.
#[cfg(unix)]
fn end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Comes with Ctrl-C.
#[cfg(windows)]
fn end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupted = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupted.recv().await;
    })
}
