//! The policy for sites.

use std::{fmt, sync::Arc};

use crate::{error::Error, origin::Origin};

/// The policy for sites: which ones an application allows, for a provider with a site per tenant.
///
/// A site is often what a user typed, and the application's tokens and client id go there.
///
/// IP addresses, loopback and names of private networks are refused unless they are allowed or
/// listed. The policy judges names; what a name resolves to is the transport's to judge.
///
/// ```
/// use tokenkeeper_protocol::SitePolicy;
///
/// let few = SitePolicy::only(["https://acme.example.com", "https://globex.example.com"])?;
/// let all_of_the_vendor = SitePolicy::subdomains_of("example.com");
/// let custom = SitePolicy::predicate(|site| site.host().ends_with(".example.com"));
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone)]
pub struct SitePolicy {
    rule: Rule,
    loopback: bool,
    private: bool,
}

/// The sites that a policy names.
#[derive(Clone)]
enum Rule {
    Only(Arc<[Origin]>),
    Predicate(Arc<dyn Fn(&Origin) -> bool + Send + Sync>),
}

impl SitePolicy {
    /// Allows these sites and no other. A listed site may be on loopback or an address.
    pub fn only<S: AsRef<str>>(sites: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let sites = sites
            .into_iter()
            .map(|site| parse(site.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rule: Rule::Only(sites),
            loopback: false,
            private: false,
        })
    }

    /// Allows the sites for which `allowed` returns true.
    #[must_use]
    pub fn predicate(allowed: impl Fn(&Origin) -> bool + Send + Sync + 'static) -> Self {
        Self {
            rule: Rule::Predicate(Arc::new(allowed)),
            loopback: false,
            private: false,
        }
    }

    /// Allows the sites below a domain, on the scheme's default port.
    #[must_use]
    pub fn subdomains_of(domain: &str) -> Self {
        let suffix = format!(".{}", domain.trim_start_matches('.').to_ascii_lowercase());
        Self::predicate(move |site| {
            site.host().ends_with(&suffix) && site.as_str().ends_with(site.host())
        })
    }

    /// Allows loopback too, if the rule does: for emulators and tests.
    #[must_use]
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Allows IP addresses and private names too, if the rule does: for servers in a private
    /// network.
    #[must_use]
    pub fn allow_private(mut self) -> Self {
        self.private = true;
        self
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
            Rule::Predicate(_) => out.field("predicate", &"…"),
        };
        out.field("loopback", &self.loopback)
            .field("private", &self.private)
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
/// suffix that RFC 6761, 6762, 8375 or ICANN keep private.
pub(crate) fn is_private(site: &Origin) -> bool {
    const SUFFIXES: [&str; 5] = [".localhost", ".local", ".internal", ".home.arpa", ".lan"];
    let host = site.host().trim_end_matches('.');
    site.is_address() || !host.contains('.') || SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
}
