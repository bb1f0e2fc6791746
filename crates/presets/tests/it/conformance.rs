//! The conformance suite, over all presets.

use tokenkeeper_presets as presets;

/// Returns the name of the preset whose tests are in this module.
fn name(module: &str) -> String {
    module.trim_start_matches("r#").replace('_', "-")
}

/// Makes a module with the suite's tests for each preset, whose name has `_` in place of `-`.
macro_rules! conform {
    ($($module:ident)*) => {
        $(mod $module {
            tokenkeeper_protocol::conformance!(
                || crate::support::subject(&super::name(stringify!($module)))
            );
        })*

        #[test]
        fn the_suite_runs_over_all_presets() {
            let modules = [$(name(stringify!($module))),*];
            assert_eq!(presets::names().collect::<Vec<_>>(), modules);
        }
    };
}

conform! {
    airtable amazon asana atlassian attio auth0 autodesk aweber aws_cognito basecamp bitbucket
    bitly r#box calendly canva clickup clio clover coinbase constant_contact datadog deel
    digitalocean discord docusign dropbox etsy eventbrite exact_online figma fitbit fortnox
    freeagent freshbooks front gitea github gitlab gong google google_ads gusto harvest
    helpscout heroku hubspot intercom jobber kakao keap keycloak klaviyo lark lever line linear
    linkedin linode mailchimp mastodon meetup microsoft miro mollie monday monzo netsuite
    nextcloud notion okta orcid osu oura outreach pagerduty pandadoc patreon paypal pinterest
    pipedrive podio procore quickbooks reddit ringcentral roblox sage_accounting salesforce
    salesloft servicenow shopify slack slack_bot snapchat snowflake soundcloud spotify square
    strava stripe_apps stripe_connect teamleader teamwork tiktok todoist trakt tumblr twitch
    typeform vimeo wakatime webex webflow whoop withings wordpress wrike x xero yahoo yandex
    ynab zendesk zoho zoom
}
