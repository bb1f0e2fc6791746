//! Sites that users type, and the application's policy.

use tokenkeeper_protocol::{
    Client, ClientAuthentication, Error, Provider, Registration, SitePolicy,
};

use crate::support::*;

fn per_tenant() -> Client {
    let mut dialect = dialect();
    dialect.base = None;
    dialect.with(registration()).unwrap()
}

fn site(policy: SitePolicy, given: &str) -> Result<String, Error> {
    per_tenant()
        .sites(policy)
        .site(Some(given))
        .map(|site| site.to_string())
}

fn assert_refused(policy: &SitePolicy, given: &str) {
    let refused = site(policy.clone(), given);
    assert!(
        matches!(refused, Err(Error::SiteRefused { .. })),
        "{given}: {refused:?}"
    );
}

#[test]
fn a_site_is_normalised_to_one_https_origin() {
    let policy = SitePolicy::subdomains_of("example.com");
    for given in [
        "acme.example.com",
        " ACME.example.com/ ",
        "https://acme.example.com:443",
    ] {
        assert_eq!(
            site(policy.clone(), given).unwrap(),
            "https://acme.example.com",
            "{given}"
        );
    }
    for given in [
        "http://acme.example.com",
        "acme.example.com/login.html",
        "u@acme.example.com",
        "acme.example.com?x",
        "",
        &format!("{}.example.com", "a.".repeat(500) + "a"),
    ] {
        assert!(
            matches!(site(policy.clone(), given), Err(Error::Origin { .. })),
            "{given}"
        );
    }
}

#[test]
fn only_sites_that_the_policy_allows_pass() {
    let subdomains = SitePolicy::subdomains_of("example.com");
    for given in [
        "example.com",
        "evil-example.com",
        "acme.example.com.evil.test",
        "acme.example.com:8443",
        "acme.example.com.",
    ] {
        assert_refused(&subdomains, given);
    }
    let only = SitePolicy::only(["acme.example.com"]).unwrap();
    assert!(site(only.clone(), "acme.example.com").is_ok());
    assert_refused(&only, "globex.example.com");
}

#[test]
fn addresses_private_names_and_loopback_are_opt_in() {
    let any = SitePolicy::predicate(|_| true).send_secret_to_every_allowed_site();
    for given in [
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "8.8.8.8",
        "2130706434",
        "0x7f000002.",
        "https://[fd00::1]",
        "[::ffff:10.0.0.1]",
        "intranet",
        "printer.local",
        "metadata.google.internal",
        "x.localhost",
        "nas.lan",
        "api.default.svc",
        "api.default.svc.",
        "api.default.svc.cluster.local",
        "wiki.corp",
        "PRINTER.Home",
        "a.b.intranet",
        "a.private",
    ] {
        assert_refused(&any, given);
    }
    for given in [
        "http://127.0.0.1:8080",
        "http://localhost:1",
        "http://[::1]",
        "https://127.0.0.1",
    ] {
        assert_refused(&any, given);
        assert!(site(any.clone().allow_loopback(), given).is_ok(), "{given}");
        assert!(site(any.clone().allow_private(), given).is_err(), "{given}");
        assert!(
            site(SitePolicy::only([given]).unwrap(), given).is_ok(),
            "{given}"
        );
    }
    assert!(site(any.clone().allow_private(), "10.0.0.1").is_ok());
    assert!(site(any.allow_loopback(), "10.0.0.1").is_err());
}

#[test]
fn a_tenants_site_must_be_named_and_allowed() {
    let client = per_tenant();
    assert!(matches!(client.site(None), Err(Error::SiteMissing { .. })));
    assert!(matches!(
        client.site(Some("acme.example.com")),
        Err(Error::SitePolicyMissing { .. })
    ));
    let fixed = client.base("http://127.0.0.1:9").unwrap();
    assert_eq!(fixed.site(None).unwrap().as_str(), "http://127.0.0.1:9");
}

#[test]
fn a_fixed_base_takes_no_other_site() {
    assert!(client().site(Some("login.example")).is_ok());
    let refused = client().site(Some("https://other.example")).unwrap_err();
    assert!(matches!(refused, Error::SiteUnexpected { .. }));
    assert!(refused.to_string().contains("https://login.example"));
}

fn public() -> Client {
    let mut dialect = dialect();
    dialect.base = None;
    dialect.token.client_authentication = ClientAuthentication::None;
    let registration = Registration::new("my-client", "https://app.example/callback");
    dialect.with(registration).unwrap()
}

#[test]
fn a_secret_goes_to_no_site_that_a_person_chose() {
    let any = SitePolicy::predicate(|_| true);
    let refused = site(any.clone(), "attacker.example").unwrap_err();
    assert!(refused.to_string().contains("client secret"), "{refused}");
    // A public client has nothing to lose there.
    let client = public().sites(any.clone());
    assert!(client.site(Some("attacker.example")).is_ok());
    let chosen = any.send_secret_to_every_allowed_site();
    assert!(site(chosen, "acme.example").is_ok());
    for policy in [
        SitePolicy::only(["acme.example.com"]).unwrap(),
        SitePolicy::subdomains_of("example.com"),
    ] {
        assert!(site(policy, "acme.example.com").is_ok());
    }
}

#[test]
fn ports_are_opt_in() {
    let any = || SitePolicy::predicate(|_| true).send_secret_to_every_allowed_site();
    assert_refused(&any(), "acme.example.com:6379");
    assert_refused(
        &SitePolicy::subdomains_of("example.com"),
        "a.example.com:22",
    );
    assert!(site(any(), "acme.example.com:443").is_ok());
    assert!(site(any().allow_any_port(), "acme.example.com:8443").is_ok());
    let listed = SitePolicy::only(["acme.example.com:8443"]).unwrap();
    assert!(site(listed, "acme.example.com:8443").is_ok());
}
