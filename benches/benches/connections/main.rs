//! Refreshes at a constant rate against one host, for longer than a port stays in `TIME_WAIT`.
//!
//! `scripts/bench-connections` runs the two sides in network namespaces. Alone it does nothing.

mod client;
mod process;
mod server;

use std::{env, error::Error, net::SocketAddr};

type BoxError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("none was installed before");
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["serve", address, protocol, certificate, ..] => {
            server::serve(address.parse()?, protocol, certificate).await
        }
        ["refresh", address, transport, rate, seconds, ..] => {
            let address: SocketAddr = address.parse()?;
            client::refresh(address, transport, rate.parse()?, seconds.parse()?).await
        }
        _ => {
            println!("scripts/bench-connections runs this");
            Ok(())
        }
    }
}
