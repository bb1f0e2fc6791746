//! `tokenkeeper emulate`: one emulator in the foreground.

mod guide;
mod preset;
mod session;
mod traits;

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokenkeeper::presets;
use tokenkeeper_emulator::{
    Builder, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI, Emulator,
    RegisteredClient,
};

use self::session::Session;
use crate::{BoxError, output, signal::Signals};

/// Runs a provider's emulator in the foreground, until Ctrl-C
///
/// It listens on 127.0.0.1. It first prints its URLs, and commands that log in: by this command,
/// with a configuration that lives as long as the emulator, and by curl. The emulator of a preset
/// is one of RFC 6749 with the traits of that preset's dialect: where the client's secret is, the
/// names and places of parameters and tokens, whether refresh tokens are replaced, and errors.
///
/// Examples:
///   tokenkeeper emulate amiqus
///   tokenkeeper emulate google
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// amiqus, qics-milestones, fortes-milestones, ioffice (one site), plain (RFC 6749 with PKCE,
    /// revocation, introspection and logins by device code), or the name of a preset, which
    /// `tokenkeeper providers` lists.
    #[arg(value_parser = Provider::parser(), hide_possible_values = true)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    Amiqus,
    QicsMilestones,
    FortesMilestones,
    /// One site of iOFFICE.
    Ioffice,
    /// RFC 6749, with PKCE, revocation and introspection.
    Plain,
    /// The provider of a preset, by its name.
    Preset(&'static str),
}

impl Provider {
    const BUILT_IN: [Self; 5] = [
        Self::Amiqus,
        Self::QicsMilestones,
        Self::FortesMilestones,
        Self::Ioffice,
        Self::Plain,
    ];

    fn all() -> impl Iterator<Item = Self> {
        let presets = presets::names().map(Self::Preset);
        Self::BUILT_IN.into_iter().chain(presets)
    }

    /// Returns the name of the provider in the configuration, which is also its kind.
    fn name(self) -> &'static str {
        match self {
            Self::Amiqus => "amiqus",
            Self::QicsMilestones => "qics-milestones",
            Self::FortesMilestones => "fortes-milestones",
            Self::Ioffice => "ioffice",
            Self::Plain => "plain",
            Self::Preset(name) => name,
        }
    }

    /// Reads a name; the error for an unknown one lists the others.
    fn parser() -> impl TypedValueParser<Value = Self> {
        let names = PossibleValuesParser::new(Self::all().map(Self::name));
        names.try_map(|given| {
            let found = Self::all().find(|provider| provider.name() == given);
            found.ok_or("no provider")
        })
    }
}

pub(crate) async fn run(arguments: Arguments, as_json: bool) -> Result<ExitCode, BoxError> {
    let callback = session::free_callback()?;
    let emulator = match arguments.provider {
        Provider::Amiqus => arguments.start(Emulator::amiqus(), &callback).await?,
        Provider::QicsMilestones => arguments.start(Emulator::qics(), &callback).await?,
        Provider::FortesMilestones => arguments.start(Emulator::fortes(), &callback).await?,
        Provider::Ioffice => arguments.start(Emulator::ioffice(), &callback).await?,
        Provider::Plain => arguments.start(Emulator::plain(), &callback).await?,
        Provider::Preset(name) => {
            let emulator = preset::emulator(name, &arguments.client_id)?;
            arguments.start(emulator, &callback).await?
        }
    };
    let session = Session::create(&arguments, &emulator, &callback)?;
    let mut signals = Signals::listen()?;
    if as_json {
        output::json(&guide::object(&arguments, &emulator, &session))?;
    } else {
        output::bytes(guide::text(&arguments, &emulator, &session).as_bytes())?;
    }
    signals.received().await;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    async fn start<O>(&self, emulator: Builder<O>, callback: &str) -> Result<Emulator, BoxError> {
        let client = RegisteredClient::new(&self.client_id)
            .secret(&self.secret)
            .redirect_uri(&self.redirect_uri)
            .redirect_uri(callback);
        let started = emulator.client(client).port(self.port).start().await;
        Ok(started?)
    }
}
