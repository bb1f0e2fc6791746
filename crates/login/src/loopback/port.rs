//! Ports of loopback, and their listeners.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokenkeeper_engine::protocol::{Url, url::Host};
use tokio::net::TcpListener;

use crate::Error;

/// The port of loopback at which the provider's answer arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Port {
    /// The port of the registered redirect URI, or 80 if it has none.
    #[default]
    Registered,
    /// A free port that the system chooses (RFC 8252 §7.3).
    ///
    /// The redirect URI is at 127.0.0.1 or `[::1]`, or at `localhost` if the registration has
    /// `any_localhost_port`.
    Any,
    /// This port, under the same conditions.
    Number(u16),
}

/// How often another free port is tried if it is taken at the other address of `localhost`.
const ATTEMPTS: usize = 16;

/// Listens at the host of the redirect URI, and returns the port.
pub(super) async fn listen(
    redirect_uri: &Url,
    port: Port,
) -> Result<(u16, Vec<TcpListener>), Error> {
    let addresses = addresses(redirect_uri).ok_or_else(|| Error::NotLoopback {
        origin: redirect_uri.origin().ascii_serialization(),
    })?;
    let port = match port {
        Port::Registered => redirect_uri.port_or_known_default().unwrap_or(0),
        Port::Any => 0,
        Port::Number(port) => port,
    };
    let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_all(&addresses, port).await {
            Err((_, error)) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            Err((address, source)) => return Err(Error::Listen { address, source }),
            Ok(bound) => return Ok(bound),
        }
    }
}

/// Returns the addresses of the host, if it is on loopback and reached without TLS.
fn addresses(redirect_uri: &Url) -> Option<Vec<IpAddr>> {
    let addresses = match redirect_uri.host()? {
        Host::Ipv4(ip) if ip.is_loopback() => vec![ip.into()],
        Host::Ipv6(ip) if ip.is_loopback() => vec![ip.into()],
        // A browser may take either.
        Host::Domain("localhost") => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        _ => return None,
    };
    (redirect_uri.scheme() == "http").then_some(addresses)
}

/// Listens at each address, all at one port.
///
/// A machine may lack one of the two loopback addresses.
async fn bind_all(
    addresses: &[IpAddr],
    mut port: u16,
) -> Result<(u16, Vec<TcpListener>), (SocketAddr, io::Error)> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for ip in addresses {
        let address = SocketAddr::new(*ip, port);
        match TcpListener::bind(address).await {
            Ok(listener) => {
                port = listener
                    .local_addr()
                    .map_err(|error| (address, error))?
                    .port();
                listeners.push(listener);
            }
            Err(error) if is_missing(&error) => missing = Some((address, error)),
            Err(error) => return Err((address, error)),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok((port, listeners)),
    }
}

/// Returns whether the machine has no such address.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    )
}
