//! The addresses that a request to a site may go to.

mod reach;

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use http::Extensions;

use self::reach::Reach;
pub use self::reach::is_public_address;

/// The addresses that a request to a site that a person chose may go to.
///
/// A name says nothing about the address behind it: anyone can let a public name resolve to
/// 127.0.0.1 or to the address of a cloud's metadata service. So the engine puts this policy into
/// the extensions of each request to such a site, and the transport judges the addresses that it is
/// about to connect to. To resolve first and to connect by name would let the answer change in
/// between. A request to a site that the application wrote itself, as a dialect's base or with
/// [`SitePolicy::only`](crate::SitePolicy::only), carries no policy.
///
/// A transport of your own looks for it in each request:
///
/// ```
/// use std::net::SocketAddr;
///
/// use tokenkeeper_protocol::{AddressPolicy, AddressRefused};
///
/// /// Returns the addresses to connect to. `resolve` is a call to the system or to a DNS library.
/// fn addresses<B>(
///     request: &http::Request<B>,
///     resolve: impl FnOnce(&str) -> Vec<SocketAddr>,
/// ) -> Result<Vec<SocketAddr>, AddressRefused> {
///     let host = request.uri().host().unwrap_or_default();
///     let Some(policy) = AddressPolicy::of(request.extensions()) else {
///         return Ok(resolve(host));
///     };
///     let resolved = resolve(&policy.name_to_resolve(host));
///     policy.allowed(host, resolved) // connect to these, and to no others
/// }
///
/// let mut request = http::Request::post("https://acme.example/token").body(()).unwrap();
/// request.extensions_mut().insert(AddressPolicy::public());
///
/// let metadata = || SocketAddr::from(([169, 254, 169, 254], 443));
/// let refused = addresses(&request, |_| vec![metadata()]).unwrap_err();
/// assert_eq!(refused.address, metadata().ip());
///
/// let public = SocketAddr::from(([192, 0, 32, 7], 443));
/// let allowed = addresses(&request, |name| {
///     assert_eq!(name, "acme.example.");
///     vec![metadata(), public]
/// });
/// assert_eq!(allowed.unwrap(), [public]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressPolicy {
    loopback: bool,
    private: bool,
}

impl AddressPolicy {
    /// Allows the addresses of the public internet only.
    #[must_use]
    pub const fn public() -> Self {
        Self {
            loopback: false,
            private: false,
        }
    }

    /// Allows loopback too.
    #[must_use]
    pub const fn allow_loopback(mut self, on: bool) -> Self {
        self.loopback = on;
        self
    }

    /// Allows all addresses that are neither public nor loopback too.
    #[must_use]
    pub const fn allow_private(mut self, on: bool) -> Self {
        self.private = on;
        self
    }

    /// Returns the policy of a request with these extensions. `None`: it may go anywhere.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }

    /// Returns the name to resolve for this host: with a trailing dot, so that the system appends
    /// no domain of its search list.
    ///
    /// It is for the resolver only; the `Host` header and TLS use the host as it is. An address
    /// stays, and so does `localhost`. So does any name if private addresses are allowed: a private
    /// name may depend on the search list.
    #[must_use]
    pub fn name_to_resolve(self, host: &str) -> Cow<'_, str> {
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        if self.private || is_address || host == "localhost" || host.ends_with('.') {
            return host.into();
        }
        format!("{host}.").into()
    }

    /// Returns whether a request may go to this address.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match Reach::of(address) {
            Reach::Public => true,
            Reach::Loopback => self.loopback,
            Reach::Private => self.private,
        }
    }

    /// Returns those of a host's addresses that a request may go to.
    ///
    /// # Errors
    /// [`AddressRefused`] if there are addresses and none is allowed.
    pub fn allowed(
        self,
        host: &str,
        resolved: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, AddressRefused> {
        let (allowed, refused): (Vec<_>, Vec<_>) = resolved
            .into_iter()
            .partition(|address| self.allows(address.ip()));
        match refused.first() {
            Some(refused) if allowed.is_empty() => Err(AddressRefused {
                host: host.to_owned(),
                address: refused.ip(),
            }),
            _ => Ok(allowed),
        }
    }
}

/// A site that a person chose has an address that its requests must not go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} has the address {address}, which is not public: allow such addresses with \
     `SitePolicy::{}`, or list the site with `SitePolicy::only`",
    remedy(*address)
)]
#[non_exhaustive]
pub struct AddressRefused {
    /// The host of the site.
    pub host: String,
    /// The first of its addresses.
    pub address: IpAddr,
}

fn remedy(address: IpAddr) -> &'static str {
    match Reach::of(address) {
        Reach::Loopback => "allow_loopback",
        _ => "allow_private",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_allowed_addresses_of_a_host_remain() {
        let at = |text| SocketAddr::new(ip(text), 443);
        let policy = AddressPolicy::public();
        let mixed = [at("10.0.0.1"), at("1.1.1.1"), at("::1")];
        assert_eq!(policy.allowed("a.example", mixed).unwrap(), [at("1.1.1.1")]);
        assert_eq!(policy.allowed("a.example", []).unwrap(), []);
        for (address, remedy) in [
            ("127.0.0.1", "allow_loopback"),
            ("10.0.0.1", "allow_private"),
        ] {
            let refused = policy.allowed("a.example", [at(address)]).unwrap_err();
            let text = refused.to_string();
            for part in ["a.example", address, remedy] {
                assert!(text.contains(part), "{text}");
            }
        }
    }

    #[test]
    fn names_are_resolved_without_a_search_list() {
        let public = AddressPolicy::public();
        for (host, resolved) in [
            ("acme.example", "acme.example."),
            ("acme.example.", "acme.example."),
            ("localhost", "localhost"),
            ("192.0.32.7", "192.0.32.7"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(public.name_to_resolve(host), resolved);
        }
        let private = public.allow_private(true);
        assert_eq!(private.name_to_resolve("gitlab"), "gitlab");
    }
}
