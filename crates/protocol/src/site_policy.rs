//! The policy for sites.

use std::{fmt, sync::Arc};

use crate::{address::AddressPolicy, error::Error, origin::Origin};

/// The policy for sites: which ones an application allows, for a provider with a site per tenant.
///
/// A site is often what a user typed, and the application's tokens and client id go there.
///
/// IP addresses, loopback, names of private networks and other ports than the scheme's are refused
/// unless they are allowed or listed. The policy judges names; what a name resolves to is the
/// transport's to judge, by the [`AddressPolicy`] of each request.
///
/// A client secret belongs to the sites that it was registered for: those of [`only`](Self::only),
/// or those below the vendor's own domain. A [`predicate`](Self::predicate) lets people choose the
/// host, so a client with a secret is refused there, unless the policy
/// [sends it to all of them](Self::send_secret_to_every_allowed_site). Otherwise anyone could read
/// the secret at a host that they run. Register the application at each such site, as a provider
/// with its own [base](crate::Client::base), or use a public client.
///
/// ```
/// use tokenkeeper_protocol::SitePolicy;
///
/// let few = SitePolicy::only(["https://acme.example.com", "https://globex.example.com"])?;
/// let all_of_the_vendor = SitePolicy::subdomains_of("example.com");
/// let self_hosted = SitePolicy::predicate(|site| site.host().starts_with("chat."));
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone)]
pub struct SitePolicy {
    rule: Rule,
    loopback: bool,
    private: bool,
    any_port: bool,
    secret_everywhere: bool,
}

/// The sites that a policy names.
#[derive(Clone)]
enum Rule {
    Only(Arc<[Origin]>),
    /// Those whose host ends in this, with its leading dot.
    Below(Arc<str>),
    Predicate(Arc<dyn Fn(&Origin) -> bool + Send + Sync>),
}

impl SitePolicy {
    /// Allows these sites and no other. A listed site may be on loopback or an address.
    pub fn only<S: AsRef<str>>(sites: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let sites = sites
            .into_iter()
            .map(|site| parse(site.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self::new(Rule::Only(sites)))
    }

    /// Allows the sites for which `allowed` returns true.
    #[must_use]
    pub fn predicate(allowed: impl Fn(&Origin) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Rule::Predicate(Arc::new(allowed)))
    }

    /// Allows the sites below a domain, all of which the vendor must own.
    #[must_use]
    pub fn subdomains_of(domain: &str) -> Self {
        let suffix = format!(".{}", domain.trim_start_matches('.').to_ascii_lowercase());
        Self::new(Rule::Below(suffix.into()))
    }

    const fn new(rule: Rule) -> Self {
        Self {
            rule,
            loopback: false,
            private: false,
            any_port: false,
            secret_everywhere: false,
        }
    }

    /// Allows loopback too, if the rule does: for emulators and tests. A name may then resolve to
    /// it.
    #[must_use]
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Allows IP addresses and private names too, if the rule does: for servers in a private
    /// network. Any name may then resolve to a private address.
    #[must_use]
    pub fn allow_private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Allows other ports than the scheme's default too, if the rule does.
    #[must_use]
    pub fn allow_any_port(mut self) -> Self {
        self.any_port = true;
        self
    }

    /// Sends the client secret to every site that a [`predicate`](Self::predicate) allows.
    ///
    /// Only if everyone who can get a site past the predicate may know the secret.
    #[must_use]
    pub fn send_secret_to_every_allowed_site(mut self) -> Self {
        self.secret_everywhere = true;
        self
    }

    /// Returns the addresses that requests to the site may go to. `None`: the policy lists it.
    pub(crate) fn addresses(&self, site: &Origin) -> Option<AddressPolicy> {
        if matches!(&self.rule, Rule::Only(sites) if sites.contains(site)) {
            return None;
        }
        let public = AddressPolicy::public();
        Some(
            public
                .allow_loopback(self.loopback)
                .allow_private(self.private),
        )
    }

    /// Checks that a client with a secret may use the site.
    pub(crate) fn check_secret(&self, site: &Origin) -> Result<(), Error> {
        match &self.rule {
            Rule::Predicate(_) if !self.secret_everywhere => Err(Error::SiteRefused {
                site: site.to_string(),
                reason: "the client secret would be sent to a host that a person chose: list the \
                         sites with `SitePolicy::only`, register a client without a secret, or \
                         read `SitePolicy::send_secret_to_every_allowed_site`",
            }),
            _ => Ok(()),
        }
    }

    /// Checks that the site may be used.
    pub fn check(&self, site: &Origin) -> Result<(), Error> {
        let refused = |reason| {
            Err(Error::SiteRefused {
                site: site.to_string(),
                reason,
            })
        };
        let allowed = match &self.rule {
            Rule::Only(sites) if sites.contains(site) => return Ok(()),
            Rule::Only(_) => false,
            Rule::Below(suffix) => site.host().ends_with(&**suffix),
            Rule::Predicate(allowed) => allowed(site),
        };
        if site.is_loopback() && !self.loopback {
            return refused("it is on loopback: allow it with `SitePolicy::allow_loopback`");
        }
        if !site.is_loopback() && is_private(site) && !self.private {
            return refused(
                "it is an IP address or a private name: allow it with `SitePolicy::allow_private`",
            );
        }
        if !site.is_loopback() && !site.has_default_port() && !self.any_port {
            return refused("it names a port: allow it with `SitePolicy::allow_any_port`");
        }
        if allowed {
            Ok(())
        } else {
            refused("the policy does not allow it")
        }
    }
}

impl fmt::Debug for SitePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("SitePolicy");
        match &self.rule {
            Rule::Only(sites) => out.field("only", sites),
            Rule::Below(suffix) => out.field("below", suffix),
            Rule::Predicate(_) => out.field("predicate", &"…"),
        };
        out.field("loopback", &self.loopback)
            .field("private", &self.private)
            .field("any_port", &self.any_port)
            .field("secret_everywhere", &self.secret_everywhere)
            .finish()
    }
}

/// Parses a site. Users type `acme.example.com`: a bare host means https.
pub(crate) fn parse(given: &str) -> Result<Origin, Error> {
    let given = given.trim();
    let origin = if given.contains("://") {
        Origin::parse(given)?
    } else {
        Origin::parse(&format!("https://{given}"))?
    };
    if origin.host().len() > LONGEST_HOST {
        return Err(Error::Origin {
            problem: "the host is longer than 253 bytes: no DNS name is",
        });
    }
    Ok(origin)
}

/// The most bytes of a host (RFC 1035 §2.3.4).
pub(crate) const LONGEST_HOST: usize = 253;

/// Returns whether the site is an address or a name that no public DNS has: one label, or below a
/// suffix that RFC 6761, 6762, 8375 or ICANN keep private, or that private networks use.
pub(crate) fn is_private(site: &Origin) -> bool {
    const SUFFIXES: [&str; 14] = [
        ".localhost",
        ".local",
        ".internal",
        ".home.arpa",
        ".lan",
        ".svc",
        ".corp",
        ".home",
        ".mail",
        ".intranet",
        ".intra",
        ".private",
        ".localdomain",
        ".onion",
    ];
    let host = site.host().trim_end_matches('.');
    site.is_address() || !host.contains('.') || SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
}
