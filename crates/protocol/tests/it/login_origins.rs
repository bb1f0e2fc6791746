//! Which targets a login could name as origins of the API.

use tokenkeeper_protocol::LoginOriginRule;

/// Returns the rule of this TOML table.
fn rule(toml: &str) -> LoginOriginRule {
    toml::from_str(toml).unwrap()
}

fn assert_covers(rule: &LoginOriginRule, targets: &[(&str, bool)]) {
    for (target, covered) in targets {
        assert_eq!(rule.covers(&target.parse().unwrap()), *covered, "{target}");
    }
}

#[test]
fn a_rule_covers_its_domains_and_what_is_below() {
    let rule = rule("field = 'instance_url'\nbelow = ['force.com', 'example.org']");
    let targets = [
        ("https://force.com/v1", true),
        ("https://acme.my.force.com", true),
        ("https://ACME.example.org:443", true),
        ("https://acme.example.org:8443", false),
        ("https://evilforce.com", false),
        ("https://force.com.evil.test", false),
        ("http://acme.my.force.com", false),
        ("https://user@acme.my.force.com", false),
        ("/v1", false),
    ];
    assert_covers(&rule, &targets);
}

#[test]
fn a_rule_covers_what_its_template_can_make() {
    let rule = rule("field = 'dc'\ntemplate = 'https://{value}.api.example.com'");
    let targets = [
        ("https://us1.api.example.com/v1", true),
        ("https://api.example.com", false),
        ("https://.api.example.com", false),
        ("https://us1.example.com", false),
        ("http://us1.api.example.com", false),
        ("https://us1.api.example.com:8443", false),
    ];
    assert_covers(&rule, &targets);
}

#[test]
fn a_rule_covers_the_port_of_its_template() {
    let rule = rule("field = 'dc'\ntemplate = 'https://{value}.api.example.com:8443'");
    let targets = [
        ("https://us1.api.example.com:8443/v1", true),
        ("https://us1.api.example.com", false),
        ("https://us1.api.example.com:9443", false),
    ];
    assert_covers(&rule, &targets);
}
