//! Sites of a form that the dialect gives.

use tokenkeeper_protocol::{Registration, SitePolicy};

use super::*;

const ACCOUNT: &str = "site = \"https://{account}.example.com\"\n\
                       values = { account = { pattern = \"label\" } }";

fn site(client: &Client, given: &str) -> Result<String, Error> {
    Ok(client.site(Some(given))?.as_str().to_owned())
}

#[test]
fn a_site_is_given_whole_or_by_its_value() {
    let client = client(ACCOUNT);
    for given in [
        "acme",
        " ACME ",
        "acme.example.com",
        "https://Acme.example.com/",
        "https://acme.example.com:443",
    ] {
        let site = site(&client, given).unwrap();
        assert_eq!(site, "https://acme.example.com", "{given}");
    }
    for given in [
        "",
        "a b",
        "-acme",
        "acme.evil.test",
        "a.acme.example.com",
        "https://example.com",
        "https://.example.com",
        "http://acme.example.com",
        "https://acme.example.com:8443",
        "https://acme.example.com/x",
        "https://user@acme.example.com",
        "evil.test/.example.com",
        "acme.example.com.evil.test",
    ] {
        let refused = site(&client, given);
        let form = matches!(refused, Err(Error::SiteForm { .. }));
        assert!(form, "{given}: {refused:?}");
    }
    assert!(matches!(client.site(None), Err(Error::SiteMissing { .. })));
}

#[test]
fn a_site_longer_than_a_host_is_refused_at_once() {
    let lines = "site = \"https://{a}-{b}.{c}.example.com\"\n\
                 values = { a = { pattern = \"host\" }, b = { pattern = \"host\" }, \
                 c = { pattern = \"host\" } }";
    for client in [client(ACCOUNT), client(lines)] {
        for unit in ["a", "a.", "a-"] {
            // A search that is quadratic in this length takes minutes.
            let given = unit.repeat(500_000) + ".example.com";
            let refused = site(&client, &given);
            assert!(matches!(refused, Err(Error::SiteForm { .. })), "{unit}");
        }
    }
    let longest = format!("{}.example.com", "a".repeat(63));
    assert!(site(&client(ACCOUNT), &longest).is_ok());
}

#[test]
fn upper_case_in_a_site_is_lowered() {
    let lines = "site = \"https://{region}.example.com\"\n\
                 values = { region = { pattern = { one_of = [\"com\", \"com.au\"] } } }";
    let regions = client(lines);
    for given in ["Com.AU", "COM.AU.example.com", "https://Com.Au.Example.com"] {
        assert_eq!(
            site(&regions, given).unwrap(),
            "https://com.au.example.com",
            "{given}"
        );
    }
}

#[test]
fn paths_and_templates_follow_the_site() {
    let lines = format!(
        "{ACCOUNT}\n\
         token.refresh_endpoint = \"https://{{account}}.api.example.com/{{account}}/r\"\n\
         token.fixed = {{ account = \"{{account}}\" }}"
    );
    let client = client(&lines);
    let exchange = exchange(&client, Some("acme"));
    assert!(
        exchange.starts_with("POST https://acme.example.com/token\n"),
        "{exchange}"
    );
    assert!(exchange.ends_with("&account=acme"), "{exchange}");
    let refresh = refresh(&client, Some("globex"));
    let line = "POST https://globex.api.example.com/globex/r\n";
    assert!(refresh.starts_with(line), "{refresh}");
    assert!(authorization(&client, Some("acme")).starts_with("https://acme.example.com/auth"));
}

#[test]
fn a_site_below_a_fixed_domain_needs_no_policy() {
    let strict = client(ACCOUNT).sites(SitePolicy::only(["globex.example.com"]).unwrap());
    assert!(site(&strict, "globex").is_ok());
    assert!(matches!(
        site(&strict, "acme"),
        Err(Error::SiteRefused { .. })
    ));
    for (form, pattern, given) in [
        ("https://{host}", "\"host\"", "acme.example.com"),
        ("https://login.{host}", "\"host\"", "login.acme.example.com"),
        ("https://{host}.com", "\"label\"", "acme"),
        ("https://{host}.co.uk", "\"label\"", "acme"),
        ("https://{host}.herokuapp.com", "\"label\"", "acme"),
        ("https://{host}example.com", "\"label\"", "evilexample.com"),
    ] {
        let lines = format!("site = \"{form}\"\nvalues = {{ host = {{ pattern = {pattern} }} }}");
        let client = client(&lines);
        let refused = site(&client, given);
        let missing = matches!(refused, Err(Error::SitePolicyMissing { .. }));
        assert!(missing, "{form}: {refused:?}");
        assert!(
            site(
                &client.sites(SitePolicy::predicate(|_| true).send_secret_to_every_allowed_site()),
                given
            )
            .is_ok()
        );
    }
    let lines = "site = \"https://accounts.example.{region}\"\n\
                 values = { region = { pattern = { one_of = [\"com\", \"com.au\"] } } }";
    let regions = client(lines);
    assert_eq!(
        site(&regions, "com.au").unwrap(),
        "https://accounts.example.com.au"
    );
    assert!(matches!(
        site(&regions, "evil"),
        Err(Error::SiteForm { .. })
    ));
}

#[test]
fn the_registration_or_a_default_can_fix_the_site() {
    let registration = || Registration::new("id", CALLBACK).secret("s");
    let fixed = with(ACCOUNT, registration().value("account", "Acme"));
    assert_eq!(
        fixed.site(None).unwrap().as_str(),
        "https://acme.example.com"
    );
    assert_eq!(
        site(&fixed, "globex").unwrap(),
        "https://globex.example.com"
    );
    let lines = ACCOUNT.replace("\"label\"", "\"label\", default = \"www\"");
    let default = with(&lines, registration());
    assert_eq!(
        default.site(None).unwrap().as_str(),
        "https://www.example.com"
    );
}

#[test]
fn a_site_of_several_values_is_given_whole() {
    let lines = "site = \"https://{a}-{b}.{region}.example.com\"\n\
                 values = { a = { pattern = \"label\" }, b = { pattern = \"digits\" }, \
                 region = { pattern = \"label\" } }\n\
                 token.fixed = { all = \"{a} {b} {region}\" }";
    let client = client(lines);
    assert!(matches!(site(&client, "acme"), Err(Error::SiteForm { .. })));
    let given = Some("x-y-7.eu.example.com");
    assert!(exchange(&client, given).ends_with("&all=x-y+7+eu"));
}

#[test]
fn a_repeated_value_is_the_same_everywhere() {
    let lines = "site = \"https://{a}.of.{a}.example.com\"\n\
                 values = { a = { pattern = \"label\" } }";
    let client = client(lines);
    assert_eq!(site(&client, "x").unwrap(), "https://x.of.x.example.com");
    assert!(site(&client, "https://x.of.x.example.com").is_ok());
    assert!(site(&client, "https://x.of.y.example.com").is_err());
}

#[test]
fn an_overridden_base_takes_values_from_the_registration() {
    let lines = format!("{ACCOUNT}\ntoken.fixed = {{ account = \"{{account}}\" }}");
    let registration = Registration::new("id", CALLBACK).secret("s");
    let bare = with(&lines, registration.clone());
    assert!(bare.site(Some("acme")).is_ok());
    let refused = bare.base("http://127.0.0.1:9").unwrap_err();
    assert!(matches!(refused, Error::ValueMissing { .. }));
    let client = with(&lines, registration.value("account", "acme"));
    let client = client.base("http://127.0.0.1:9").unwrap();
    assert!(exchange(&client, None).contains("http://127.0.0.1:9/token\n"));
    assert!(exchange(&client, None).ends_with("&account=acme"));
    // A change afterwards checks the same.
    assert!(client.adjust(|_| {}).is_ok());
}
