//! The sites of tenants and regions, by the names that their owners know.

use tokenkeeper_presets as presets;
use tokenkeeper_protocol::{Client, Error, Provider, Registration};

fn registration() -> Registration {
    Registration::new("my-client", "https://app.example/cb").secret("s3cr3t-9Hd2")
}

fn client(name: &str) -> Client {
    let dialect = presets::get(name).unwrap();
    dialect.with(registration()).unwrap()
}

#[test]
fn a_site_is_made_of_a_name() {
    for (preset, name, site) in [
        ("clover", Some("la.clover.com"), "https://api.la.clover.com"),
        ("clover", None, "https://api.clover.com"),
        (
            "intercom",
            Some("au.intercom"),
            "https://api.au.intercom.io",
        ),
        ("intercom", None, "https://api.intercom.io"),
        (
            "netsuite",
            Some("1234567-SB1"),
            "https://1234567-sb1.suitetalk.api.netsuite.com",
        ),
        (
            "snowflake",
            Some("ORG-ACCT"),
            "https://org-acct.snowflakecomputing.com",
        ),
        ("zoho", Some("zoho.uk"), "https://accounts.zoho.uk"),
        (
            "zoho",
            Some("zohocloud.ca"),
            "https://accounts.zohocloud.ca",
        ),
        (
            "zoho",
            Some("https://accounts.zohocloud.ca"),
            "https://accounts.zohocloud.ca",
        ),
        ("zoho", None, "https://accounts.zoho.com"),
    ] {
        assert_eq!(
            client(preset).site(name).unwrap().to_string(),
            site,
            "{preset}"
        );
    }
}

#[test]
fn a_name_that_no_host_can_hold_is_refused() {
    for (preset, name) in [
        ("netsuite", "1234567_SB1"),
        ("snowflake", "ORG_ACCT"),
        ("zoho", "zoho.example"),
        ("clover", "clover.example"),
    ] {
        let refused = client(preset).site(Some(name));
        assert!(matches!(refused, Err(Error::SiteForm { .. })), "{preset}");
    }
}

#[test]
fn a_host_that_nothing_implies_must_be_named() {
    let datadog = || presets::get("datadog").unwrap();
    assert!(datadog().with(registration()).is_err());
    let named = registration().value("login", "us3.datadoghq.com");
    let client = datadog().with(named).unwrap();
    assert!(matches!(client.site(None), Err(Error::SiteMissing { .. })));
    let site = client.site(Some("us3.datadoghq.com")).unwrap();
    assert_eq!(site.to_string(), "https://api.us3.datadoghq.com");
}
