//! Texts with placeholders.

use std::{borrow::Cow, fmt, iter};

use serde::{Deserialize, Serialize};

use crate::{error::Error, public_suffix};

/// A text with placeholders, such as `https://{account}.example.com`.
///
/// A placeholder is a name in braces: `{client_id}`, or a value that the dialect declares in
/// [`values`](crate::Dialect::values). A text without placeholders stands for itself.
///
/// ```
/// use tokenkeeper_protocol::{Dialect, Registration, Template, ValuePattern, ValueRules};
///
/// let mut dialect = Dialect::rfc6749("example", "https://login.example.com")?;
/// let tenant = ValueRules::new(ValuePattern::Word);
/// dialect.values.insert("tenant".to_owned(), tenant);
/// dialect.token.fixed.insert("tenant".to_owned(), Template::parse("{tenant}")?);
/// let registration = Registration::new("my-client", "https://app.example/callback");
/// let provider = dialect.with(registration.secret("s3cr3t").value("tenant", "acme"))?;
/// # Ok::<(), tokenkeeper_protocol::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Box<str>);

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// The place of a placeholder in what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Host,
    Path,
    Query,
    /// A parameter of a request, which is encoded.
    Parameter,
    /// The value of a header.
    Header,
    /// A scheme or a port, which no value may change.
    Fixed,
}

impl Template {
    /// Parses a text with placeholders.
    ///
    /// # Errors
    /// [`Error::Template`] for a brace without its counterpart, a name that no value can have, or
    /// two placeholders in a row.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::try_from(text.to_owned()).map_err(|problem| Error::Template { problem })
    }

    /// Returns the text with its placeholders.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut rest = self.as_str();
        iter::from_fn(move || {
            let (piece, tail) = if let Some(inner) = rest.strip_prefix('{') {
                // Cannot be missing: the constructor checked it.
                let (name, tail) = inner.split_once('}')?;
                (Piece::Placeholder(name), tail)
            } else {
                let end = rest.find('{').unwrap_or(rest.len());
                let (text, tail) = rest.split_at(end);
                (Piece::Text(text), tail)
            };
            rest = tail;
            (piece != Piece::Text("")).then_some(piece)
        })
    }

    /// Returns the names of the placeholders, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Placeholder(name) => Some(name),
        })
    }

    /// Replaces each placeholder by its value.
    pub(crate) fn fill<'v, E>(
        &self,
        mut value: impl FnMut(&str) -> Result<Cow<'v, str>, E>,
    ) -> Result<String, E> {
        let mut text = String::with_capacity(self.0.len());
        for piece in self.pieces() {
            match piece {
                Piece::Text(own) => text.push_str(own),
                Piece::Placeholder(name) => text.push_str(&value(name)?),
            }
        }
        Ok(text)
    }

    /// Returns each placeholder of a URL, or of a path that begins with `/`, with its place.
    pub(crate) fn places_in_url(&self) -> impl Iterator<Item = (&str, Place)> {
        let mut place = if self.0.starts_with('/') {
            Place::Path
        } else {
            Place::Fixed
        };
        self.pieces().filter_map(move |piece| match piece {
            Piece::Placeholder(name) => Some((name, place)),
            Piece::Text(text) => {
                place = after(place, text);
                None
            }
        })
    }

    /// Returns whether no value can move a URL to another registered domain: its host ends with a
    /// dot and at least two fixed labels, or has no placeholder.
    pub(crate) fn has_fixed_domain(&self) -> bool {
        let text = self.as_str();
        let host = text.split_once("://").map_or(text, |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        let Some((_, tail)) = host.rsplit_once('}') else {
            return true;
        };
        let domain = tail.split(':').next().unwrap_or_default();
        domain
            .strip_prefix('.')
            .is_some_and(public_suffix::has_one_owner)
    }
}

/// Returns the place after this text of a URL.
fn after(mut place: Place, text: &str) -> Place {
    let rest = match (place, text.split_once("://")) {
        (Place::Fixed, Some((_, rest))) => {
            place = Place::Host;
            rest
        }
        _ => text,
    };
    for character in rest.chars() {
        place = match (place, character) {
            (Place::Host, ':') => Place::Fixed,
            (Place::Host | Place::Fixed, '/') => Place::Path,
            (Place::Host | Place::Fixed | Place::Path, '?') => Place::Query,
            _ => place,
        };
    }
    place
}

impl TryFrom<String> for Template {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            let name = rest[at..].strip_prefix('{').and_then(|r| r.split_once('}'));
            let Some((name, tail)) = name else {
                return Err("a placeholder must have a name between `{` and `}`");
            };
            if !is_name(name) {
                return Err(
                    "a placeholder's name must hold lower-case letters, digits and `_`, and begin \
                     with a letter",
                );
            }
            if tail.starts_with('{') {
                return Err("two placeholders must have a text between them");
            }
            rest = tail;
        }
        Ok(Self(text.into_boxed_str()))
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.0.into()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({})", self.0)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a value may have this name.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
