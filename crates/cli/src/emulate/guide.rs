//! The output of `emulate`: URLs, the client, and commands that log in.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use tokenkeeper_emulator::{DEFAULT_USER, Emulator, Endpoint};

use super::{Arguments, Provider, session::Session};

/// Returns the whole text.
pub(super) fn text(arguments: &Arguments, emulator: &Emulator, session: &Session) -> String {
    let guide = Guide {
        arguments,
        emulator,
        has_secret: session.has_secret(),
    };
    let mut parts = vec![
        guide.urls(),
        guide.client(),
        session.commands(&guide.url(Endpoint::Api)),
    ];
    // A preset's requests may have forms that curl commands would only repeat.
    if !matches!(arguments.provider, Provider::Preset(_)) {
        parts.push(guide.commands());
    }
    parts.push(FOOTER.to_owned());
    parts.join("\n")
}

const FOOTER: &str = "Press Ctrl-C to stop.\n";

/// Returns the same for programs, as one object.
pub(super) fn object(arguments: &Arguments, emulator: &Emulator, session: &Session) -> Value {
    let guide = Guide {
        arguments,
        emulator,
        has_secret: session.has_secret(),
    };
    let mut endpoints = Map::new();
    for (name, url) in guide.endpoints() {
        endpoints.insert(name.to_lowercase(), url.into());
    }
    json!({
        "base": emulator.base(),
        "endpoints": endpoints,
        "client_id": arguments.client_id,
        "client_secret": session.has_secret().then_some(&arguments.secret),
        "redirect_uri": arguments.redirect_uri,
        "user": DEFAULT_USER,
        "config": session.config(),
    })
}

/// The text that `emulate` prints: where the emulator is, and how to call it.
struct Guide<'a> {
    arguments: &'a Arguments,
    emulator: &'a Emulator,
    has_secret: bool,
}

impl Guide<'_> {
    /// Returns the endpoints that the provider has, by their names.
    fn endpoints(&self) -> impl Iterator<Item = (&'static str, String)> {
        let endpoints = [
            ("authorize", Endpoint::Authorize),
            ("token", Endpoint::Token),
            ("API", Endpoint::Api),
            ("revoke", Endpoint::Revoke),
            ("introspect", Endpoint::Introspect),
            ("device", Endpoint::DeviceAuthorization),
        ];
        let endpoints = endpoints.into_iter();
        endpoints.filter_map(|(name, endpoint)| Some((name, self.emulator.url(endpoint)?)))
    }

    fn urls(&self) -> String {
        let base = self.emulator.base();
        let mut text = format!("{:<13} {base}\n", "base");
        for (name, url) in self.endpoints() {
            let _ = writeln!(text, "{name:<13} {url}");
        }
        text
    }

    fn client(&self) -> String {
        let Arguments {
            client_id,
            secret,
            redirect_uri,
            ..
        } = self.arguments;
        let mut lines = vec![
            ("client id", client_id.as_str()),
            ("redirect URI", redirect_uri),
            ("user", DEFAULT_USER),
        ];
        // iOFFICE's document names no place for the secret.
        if self.has_secret && self.arguments.provider != Provider::Ioffice {
            lines.insert(1, ("secret", secret));
        }
        lines
            .iter()
            .map(|(name, value)| format!("{name:<13} {value}\n"))
            .collect()
    }

    fn commands(&self) -> String {
        let authorize = self.authorization_url();
        let (exchange, refresh) = (self.exchange(), self.refresh());
        let call = self.call();
        // iOFFICE's codes are base64 in a fragment, where a plus sign stands for itself.
        let decoded = match self.arguments.provider {
            Provider::Ioffice => " | sed 's/%2F/\\//g; s/%3D/=/g'",
            _ => "",
        };
        format!(
            "\
# Open this in a browser and approve:
#   {authorize}
# Or log in from a shell; approve=1 replaces the click:
code=$(curl -sS -D - -o /dev/null '{authorize}&approve=1' |
  sed -n 's/^[Ll]ocation:.*[?&#]code=\\([^&[:space:]]*\\).*/\\1/p'{decoded})
tokens=$({exchange})
access=$({access})
{call}; echo
# Refresh the access token; each refresh token works once:
refresh=$({refresh_token})
tokens=$({refresh})
access=$({access})
{call}; echo
",
            access = field("access_token"),
            refresh_token = field("refresh_token"),
        )
    }

    /// Returns the authorization request with the parameters of the provider's document.
    fn authorization_url(&self) -> String {
        let Arguments {
            client_id,
            redirect_uri,
            ..
        } = self.arguments;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "code");
        query.append_pair("client_id", client_id);
        query.append_pair("redirect_uri", redirect_uri);
        if self.arguments.provider == Provider::Ioffice {
            query.append_pair("scope", "email");
        }
        if !self.milestones() {
            query.append_pair("state", "xyz");
        }
        format!("{}?{}", self.url(Endpoint::Authorize), query.finish())
    }

    fn exchange(&self) -> String {
        let redirect_uri = ("redirect_uri", self.arguments.redirect_uri.as_str());
        match self.arguments.provider {
            Provider::Ioffice => self.header_request("authorization_code", "x-auth-code: $code"),
            _ => self.form_request("authorization_code", Some(redirect_uri), "code=$code"),
        }
    }

    fn refresh(&self) -> String {
        let redirect_uri = ("redirect_uri", self.arguments.redirect_uri.as_str());
        let token = "refresh_token=$refresh";
        match self.arguments.provider {
            Provider::Ioffice => self.header_request("refresh_token", "x-refresh-token: $refresh"),
            Provider::Amiqus => self.form_request("refresh_token", Some(redirect_uri), token),
            _ => self.form_request("refresh_token", None, token),
        }
    }

    fn call(&self) -> String {
        let header = match self.arguments.provider {
            Provider::Ioffice => "x-access-token: $access",
            _ => "Authorization: Bearer $access",
        };
        format!("curl -sS -H \"{header}\" '{}'", self.url(Endpoint::Api))
    }

    /// Returns a token request with a form, which includes the client's secret.
    fn form_request(&self, grant_type: &str, further: Option<(&str, &str)>, last: &str) -> String {
        let Arguments {
            client_id, secret, ..
        } = self.arguments;
        let mut all = vec![
            ("grant_type", grant_type),
            ("client_id", client_id),
            ("client_secret", secret),
        ];
        all.extend(further);
        let all: String = all
            .iter()
            .map(|(name, value)| quoted(&format!("{name}={value}")))
            .map(|parameter| format!(" --data-urlencode {parameter}"))
            .collect();
        let url = self.url(Endpoint::Token);
        format!("curl -sS '{url}'{all} --data-urlencode \"{last}\"")
    }

    /// Returns iOFFICE's token request: its parameters are headers, and it takes no secret.
    fn header_request(&self, grant_type: &str, last: &str) -> String {
        let Arguments {
            client_id,
            redirect_uri,
            ..
        } = self.arguments;
        let all = [
            ("x-grant-type", grant_type),
            ("x-redirect-uri", redirect_uri),
            ("x-client-id", client_id),
            ("x-scope", "email"),
        ];
        let all: String = all
            .iter()
            .map(|(name, value)| format!(" -H {}", quoted(&format!("{name}: {value}"))))
            .collect();
        let url = self.url(Endpoint::Token);
        format!("curl -sS -X POST '{url}' -H 'Content-Type: application/json'{all} -H \"{last}\"")
    }

    fn url(&self, endpoint: Endpoint) -> String {
        self.emulator.url(endpoint).unwrap_or_default()
    }

    fn milestones(&self) -> bool {
        matches!(
            self.arguments.provider,
            Provider::QicsMilestones | Provider::FortesMilestones
        )
    }
}

/// Returns a command that reads a field of the token response without a JSON reader.
fn field(name: &str) -> String {
    format!("printf %s \"$tokens\" | sed 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/'")
}

/// Quotes a text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
