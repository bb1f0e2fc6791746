//! Warns when connections to a host fail because no local port is free.

use std::{
    collections::HashMap,
    error::Error,
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::uri::Authority;
use tokenkeeper_store::ErrorChain;

use crate::transport::TransportError;

/// The hosts that this process has no local port for. Each shortage is one warning and, when it is
/// over, one count.
#[derive(Debug, Default)]
pub(crate) struct PortShortages(Mutex<HashMap<Authority, Shortage>>);

#[derive(Debug)]
struct Shortage {
    /// When a request last failed.
    last: Duration,
    failed: u64,
}

/// A change that the log reports.
#[derive(Debug, PartialEq)]
enum Report {
    Began,
    Ended { failed: u64 },
}

/// A shortage is over once no request has failed for this long: as long as a port stays in
/// `TIME_WAIT` on Linux.
const QUIET: Duration = Duration::from_secs(60);

/// From how many hosts on those are forgotten whose shortage is over: people may choose any number
/// of sites.
const MAX_HOSTS: usize = 1024;

impl PortShortages {
    /// Takes note of a request to `host` at the monotonic time `now`.
    pub(crate) fn note<T>(
        &self,
        host: Option<&Authority>,
        sent: &Result<T, TransportError>,
        now: Duration,
    ) {
        let Some(host) = host else { return };
        let report = match sent {
            Err(TransportError::NotSent(error)) if is_shortage(&**error) => {
                self.note_failed(host, now)
            }
            _ => self.note_other(host, now),
        };
        match report {
            Some(Report::Began) => tracing::warn!(
                %host,
                "no local port is free for connections to this host: let its server speak HTTP/2 \
                 or close the connections itself, enlarge net.ipv4.ip_local_port_range, or spread \
                 the requests over more machines"
            ),
            Some(Report::Ended { failed }) => {
                tracing::info!(%host, failed, "local ports are free again for this host");
            }
            None => {}
        }
    }

    fn note_failed(&self, host: &Authority, now: Duration) -> Option<Report> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = hosts.get_mut(host);
        match known.filter(|shortage| !shortage.is_over(now)) {
            Some(shortage) => {
                shortage.last = now;
                shortage.failed += 1;
                None
            }
            None => {
                let first = Shortage {
                    last: now,
                    failed: 1,
                };
                if hosts.len() >= MAX_HOSTS {
                    hosts.retain(|_, shortage| !shortage.is_over(now));
                }
                hosts.insert(host.clone(), first);
                Some(Report::Began)
            }
        }
    }

    fn note_other(&self, host: &Authority, now: Duration) -> Option<Report> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).filter(|shortage| shortage.is_over(now))?;
        let failed = hosts.remove(host)?.failed;
        Some(Report::Ended { failed })
    }
}

impl Shortage {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.last) >= QUIET
    }
}

/// Returns whether the operating system had no local address and port for the connection.
fn is_shortage(error: &(dyn Error + 'static)) -> bool {
    let errors = ErrorChain::of(error).errors();
    errors
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_shortage_is_reported_once_with_its_count() {
        let shortages = PortShortages::default();
        let host = Authority::from_static("token.example");
        let other = Authority::from_static("other.example");
        assert_eq!(shortages.note_failed(&host, SECOND), Some(Report::Began));
        assert_eq!(shortages.note_failed(&host, SECOND * 2), None);
        assert_eq!(
            shortages.note_failed(&other, SECOND * 2),
            Some(Report::Began)
        );
        // Some requests find a port while others do not.
        assert_eq!(shortages.note_other(&host, SECOND * 3), None);
        assert_eq!(shortages.note_failed(&host, SECOND * 4), None);
        assert_eq!(shortages.note_other(&host, SECOND * 63), None);
        let ended = Some(Report::Ended { failed: 3 });
        assert_eq!(shortages.note_other(&host, SECOND * 64), ended);
        assert_eq!(shortages.note_other(&host, SECOND * 65), None);
        assert_eq!(
            shortages.note_failed(&host, SECOND * 66),
            Some(Report::Began)
        );
        // A shortage after a quiet time is another one, even if no request succeeded between.
        assert_eq!(
            shortages.note_failed(&host, SECOND * 130),
            Some(Report::Began)
        );
    }
}
