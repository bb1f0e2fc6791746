//! Compares the clock of this machine with that of a token endpoint, by the `Date` of its answers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use tokenkeeper_protocol::{Provider as _, server_time};

use super::{core::Core, site::ProviderSite};

/// Which of the two clocks shows the later time, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offset {
    /// The server's clock is ahead of ours.
    Ahead(Duration),
    /// The server's clock is behind ours.
    Behind(Duration),
}

/// Clocks that are less apart are not worth a warning: nothing here needs them to agree by less
/// than a token's life.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Compares the clocks after an answer to a request that was sent at `sent_at`, and logs when they
/// begin to be apart and when they agree again. An answer without a `Date` says nothing.
pub(crate) fn compare_clocks(
    core: &Core,
    site: &ProviderSite,
    response: &Response<Bytes>,
    sent_at: SystemTime,
) {
    let Some(date) = server_time(response.headers()) else {
        return;
    };
    let (provider, host) = (site.provider.brand(), site.site.as_str());
    match offset(date, sent_at, core.time.wall_time()) {
        Some(offset) if site.clock.note_failure(core.time.now()) => {
            let (server, offset) = match offset {
                Offset::Ahead(by) => ("ahead", by),
                Offset::Behind(by) => ("behind", by),
            };
            tracing::warn!(
                provider,
                site = host,
                server,
                ?offset,
                "this machine's clock and the token endpoint's are apart, so tokens may be \
                 refreshed too early or too late: synchronize this one"
            );
        }
        Some(_) => {}
        None => {
            if let Some(ended) = site.clock.note_success(core.time.now()) {
                let (answers, lasted) = (ended.failures, ended.lasted);
                tracing::info!(
                    provider,
                    site = host,
                    answers,
                    ?lasted,
                    "this machine's clock and the token endpoint's agree again"
                );
            }
        }
    }
}

/// Returns how far apart the clocks are at least, if that is more than the tolerance: the server
/// wrote `date` between `sent_at` and `received_at`.
fn offset(date: SystemTime, sent_at: SystemTime, received_at: SystemTime) -> Option<Offset> {
    let ahead = date.duration_since(received_at).unwrap_or_default();
    let behind = sent_at.duration_since(date).unwrap_or_default();
    match (ahead > TOLERANCE, behind > TOLERANCE) {
        (true, _) => Some(Offset::Ahead(ahead)),
        (_, true) => Some(Offset::Behind(behind)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_time_of_the_exchange_counts_for_the_server() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let of = |date| offset(at(date), at(1000), at(1030));
        for agrees in [940, 1000, 1015, 1090] {
            assert_eq!(of(agrees), None, "{agrees}");
        }
        assert_eq!(of(939), Some(Offset::Behind(Duration::from_secs(61))));
        assert_eq!(of(1091), Some(Offset::Ahead(Duration::from_secs(61))));
        // Our clock was set back while the request was in flight.
        assert_eq!(offset(at(1000), at(1000), at(990)), None);
    }
}
