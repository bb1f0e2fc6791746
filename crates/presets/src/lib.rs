#![doc = include_str!("../README.md")]

use std::fmt;

use tokenkeeper_protocol::Dialect;

/// Returns the dialect of a provider, by the name of its preset, which is also its brand.
///
/// # Errors
/// [`UnknownPreset`], which names similar presets. [`names`] lists all of them.
///
/// # Examples
/// ```
/// use tokenkeeper_protocol::{Provider, Registration};
///
/// let registration =
///     Registration::new("my-client", "https://app.example/callback").secret("s3cr3t");
/// let xero = tokenkeeper_presets::get("xero")?.with(registration)?;
/// assert_eq!(xero.brand(), "xero");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn get(name: &str) -> Result<Dialect, UnknownPreset> {
    Ok(Dialect::from_toml(text(name)?).expect("each preset is valid, as its test shows"))
}

/// Returns the text of a preset: its dialect in TOML, under comments that name the vendor's
/// documents and what is special about the provider.
///
/// # Errors
/// [`UnknownPreset`].
///
/// # Examples
/// ```
/// let text = tokenkeeper_presets::text("xero")?;
/// assert!(text.starts_with("# Xero\n# https://developer.xero.com/"));
/// # Ok::<(), tokenkeeper_presets::UnknownPreset>(())
/// ```
pub fn text(name: &str) -> Result<&'static str, UnknownPreset> {
    match PRESETS.binary_search_by_key(&name, |(own, _)| own) {
        Ok(at) => Ok(PRESETS[at].1),
        Err(_) => Err(UnknownPreset {
            name: name.to_owned(),
        }),
    }
}

/// Returns the names of all presets, in alphabetical order.
///
/// ```
/// assert!(tokenkeeper_presets::names().any(|name| name == "google"));
/// ```
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// There is no preset of this name. Nothing else can be wrong with a preset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPreset {
    name: String,
}

impl UnknownPreset {
    /// Returns the name that has no preset.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names that contain this one or are contained in it, without regard to case.
    fn similar(&self) -> impl Iterator<Item = &'static str> {
        let wanted = self.name.to_ascii_lowercase();
        let contains =
            move |own: &&str| !wanted.is_empty() && (own.contains(&wanted) || wanted.contains(own));
        names().filter(contains).filter(|own| own.len() > 1)
    }
}

impl fmt::Display for UnknownPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no preset `{}`: ", self.name.escape_debug())?;
        let similar: Vec<_> = self.similar().collect();
        match similar.as_slice() {
            [] => f.write_str("`names` lists the presets, and a `Dialect` describes any provider"),
            some => write!(f, "did you mean `{}`?", some.join("` or `")),
        }
    }
}

impl std::error::Error for UnknownPreset {}

/// Embeds the files of the presets, in alphabetical order.
macro_rules! presets {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../presets/", $name, ".toml")))),*]
    };
}

/// The names and texts, sorted by name.
const PRESETS: &[(&str, &str)] = presets! {
    "airtable" "amazon" "asana" "atlassian" "attio" "auth0" "autodesk" "aweber" "aws-cognito"
    "basecamp" "bitbucket" "bitly" "box" "calendly" "canva" "clickup" "clio" "clover" "coinbase"
    "constant-contact" "datadog" "deel" "digitalocean" "discord" "docusign" "dropbox"
    "etsy" "eventbrite" "exact-online" "figma" "fitbit" "fortnox" "freeagent" "freshbooks"
    "front" "gitea" "github" "gitlab" "gong" "google" "google-ads" "gusto" "harvest" "helpscout"
    "heroku" "hubspot" "intercom" "jobber" "kakao" "keap" "keycloak" "klaviyo" "lark" "lever"
    "line" "linear" "linkedin" "linode" "mailchimp" "mastodon" "meetup" "microsoft" "miro"
    "mollie" "monday" "monzo" "netsuite" "nextcloud" "notion" "okta" "orcid" "osu" "oura"
    "outreach" "pagerduty" "pandadoc" "patreon" "paypal" "pinterest" "pipedrive" "podio"
    "procore" "quickbooks" "reddit" "ringcentral" "roblox" "sage-accounting" "salesforce"
    "salesloft" "servicenow" "shopify" "slack" "slack-bot" "snapchat" "snowflake" "soundcloud"
    "spotify" "square" "strava" "stripe-apps" "stripe-connect" "teamleader" "teamwork" "tiktok"
    "todoist" "trakt" "tumblr" "twitch" "typeform" "vimeo" "wakatime" "webex" "webflow" "whoop"
    "withings" "wordpress" "wrike" "x" "xero" "yahoo" "yandex" "ynab" "zendesk" "zoho" "zoom"
};
