//! What the configuration of a provider looks like.

use std::fmt::Write as _;

use tokenkeeper::protocol::{ClientAuthentication, Template, ValuePattern};

use super::known::Known;

/// Returns a section of the configuration for this provider, with placeholders that fit.
pub(super) fn snippet(known: &Known) -> String {
    let Known { name, dialect, .. } = known;
    let mut text = format!(
        "[providers.{name}]\nclient_id = \"my-client\"\n\
         redirect_uri = \"http://127.0.0.1:8123/callback\"\n"
    );
    if dialect.token.client_authentication != ClientAuthentication::None {
        let _ = writeln!(text, "client_secret_file = \"{name}-secret\"");
    }
    let form = dialect.site.as_ref().map(Template::as_str);
    if dialect.base.is_none() {
        let site = form.map_or_else(
            || "https://acme.example.com".to_owned(),
            |form| site(known, form),
        );
        let _ = writeln!(text, "site = {site:?}");
    }
    let in_site = |value: &str| form.is_some_and(|form| form.contains(&format!("{{{value}}}")));
    let values: Vec<_> = dialect
        .values
        .iter()
        .filter(|(value, rules)| rules.default.is_none() && !in_site(value))
        .collect();
    if !values.is_empty() {
        let _ = writeln!(text, "\n[providers.{name}.values]");
    }
    for (value, rules) in values {
        let _ = writeln!(text, "{value} = {:?}", example(&rules.pattern));
    }
    text
}

/// Returns a site of this form.
fn site(known: &Known, form: &str) -> String {
    let mut site = form.to_owned();
    for (value, rules) in &known.dialect.values {
        site = site.replace(&format!("{{{value}}}"), example(&rules.pattern));
    }
    site
}

fn example(pattern: &ValuePattern) -> &str {
    match pattern {
        ValuePattern::Host => "acme.example",
        ValuePattern::Digits => "1",
        ValuePattern::OneOf(texts) => texts.first().map_or("", String::as_str),
        ValuePattern::Label | ValuePattern::Word | ValuePattern::Text => "acme",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, providers::known};

    #[tokio::test]
    async fn the_shown_section_of_each_provider_makes_a_provider() {
        for known in known::all().unwrap() {
            let text = snippet(&known);
            let file = format!("client_secret_file = \"{}-secret\"", known.name);
            // The secret itself, where the section names a file.
            let text = text.replace(&file, "client_secret = \"secret\"");
            let config: Config = toml::from_str(&text).unwrap();
            let provider = config.provider(known.name).unwrap();
            let built = provider.build(known.name, &config).await;
            let built = built.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(built.brand(), known.dialect.brand);
            if let Some(site) = &provider.site {
                built
                    .site(Some(site))
                    .unwrap_or_else(|error| panic!("{text}: {error}"));
            }
        }
    }
}
