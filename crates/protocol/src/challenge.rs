//! The header `WWW-Authenticate` (RFC 9110 §11.6.1).

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// One challenge of a 401: a scheme and its parameters.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
/// use tokenkeeper_protocol::parse_www_authenticate;
///
/// let mut headers = HeaderMap::new();
/// let value = HeaderValue::from_static(r#"Bearer realm="api", error="invalid_token""#);
/// headers.insert(WWW_AUTHENTICATE, value);
/// let challenges = parse_www_authenticate(&headers);
/// assert_eq!(challenges[0].parameter("error"), Some("invalid_token"));
/// # use tokenkeeper_protocol::http;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme as the server spells it: "Bearer".
    pub scheme: String,
    /// The parameters: names in lower case, values without quotes.
    pub params: Vec<(String, String)>,
    /// The credentials of schemes that have no parameters, such as Negotiate.
    pub token68: Option<String>,
}

impl Challenge {
    /// Returns the first parameter of this name, which is compared without regard to case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .params
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Parses all challenges of a response, from any number of header lines.
///
/// An unreadable part ends its line; the challenges before it count.
#[must_use]
pub fn parse_www_authenticate(headers: &HeaderMap) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    for line in headers.get_all(WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(line.as_bytes());
        Line { rest: &text }.read(&mut challenges);
    }
    challenges
}

/// The unread part of one header line.
struct Line<'a> {
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn read(mut self, challenges: &mut Vec<Challenge>) {
        let first = challenges.len();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
            let word = self.token();
            if word.is_empty() {
                return;
            }
            let spaces = self.skip_spaces();
            if self.rest.starts_with('=') {
                let Some(value) = self.value() else { return };
                let Some(challenge) = challenges[first..].last_mut() else {
                    return;
                };
                challenge.params.push((word.to_ascii_lowercase(), value));
            } else {
                let token68 = if spaces { self.token68() } else { None };
                let (scheme, params) = (word.to_owned(), Vec::new());
                challenges.push(Challenge {
                    scheme,
                    params,
                    token68,
                });
            }
        }
    }

    fn token(&mut self) -> &'a str {
        let symbol = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.rest.find(|c| !symbol(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    /// Returns whether there was a space.
    fn skip_spaces(&mut self) -> bool {
        let trimmed = self.rest.trim_start_matches([' ', '\t']);
        let any = trimmed.len() < self.rest.len();
        self.rest = trimmed;
        any
    }

    /// Reads a token68 after a scheme and a space: one word that ends at a comma or the line's end.
    fn token68(&mut self) -> Option<String> {
        let end = self.rest.find([',', ' ', '\t']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let symbol = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let plain = !word.is_empty() && word.trim_end_matches('=').chars().all(symbol);
        let alone = matches!(rest.trim_start().chars().next(), None | Some(','));
        if !plain || !alone {
            return None;
        }
        self.rest = rest;
        Some(word.to_owned())
    }

    fn value(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('=')?.trim_start_matches([' ', '\t']);
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let token = self.token();
            return (!token.is_empty()).then(|| token.to_owned());
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(chars.next()?.1),
                c => value.push(c),
            }
        }
        None
    }
}
