//! `tokenkeeper emulate`: one emulator in the foreground.

mod guide;
mod session;

use std::process::ExitCode;

use clap::ValueEnum;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator, Error,
    RegisteredClient,
};

use self::session::Session;
use crate::{BoxError, signal::Signals};

/// Runs a provider's emulator in the foreground, until Ctrl-C
///
/// It listens on 127.0.0.1. It first prints its URLs, and commands that log in: by this command,
/// with a configuration that lives as long as the emulator, and by curl.
///
/// Example: tokenkeeper emulate amiqus
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The emulated provider.
    provider: Provider,
    /// The port on 127.0.0.1; 0 means any free port.
    #[arg(long, default_value_t = 0, value_name = "N")]
    port: u16,
    /// The client id of the registered application.
    #[arg(long, default_value = DEFAULT_CLIENT_ID, value_name = "ID")]
    client_id: String,
    /// The application's secret.
    #[arg(long, default_value = DEFAULT_CLIENT_SECRET)]
    secret: String,
    /// The application's redirect URI.
    #[arg(long, default_value = DEFAULT_REDIRECT_URI, value_name = "URI")]
    redirect_uri: String,
}

/// An emulated provider.
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
    let callback = session::free_callback()?;
    let emulator = match arguments.provider {
        Provider::Amiqus => arguments.start(Emulator::amiqus(), &callback).await?,
        Provider::QicsMilestones => arguments.start(Emulator::qics(), &callback).await?,
        Provider::FortesMilestones => arguments.start(Emulator::fortes(), &callback).await?,
        Provider::Ioffice => arguments.start(Emulator::ioffice(), &callback).await?,
        Provider::Plain => arguments.start(Emulator::plain(), &callback).await?,
    };
    let session = Session::create(&arguments, &emulator, &callback)?;
    let mut signals = Signals::listen()?;
    print!("{}", guide::text(&arguments, &emulator, &session));
    signals.received().await;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    async fn start<O>(&self, emulator: Builder<O>, callback: &str) -> Result<Emulator, Error> {
        let client = RegisteredClient::new(&self.client_id)
            .secret(&self.secret)
            .redirect_uri(&self.redirect_uri)
            .redirect_uri(callback);
        emulator.client(client).port(self.port).start().await
    }
}
