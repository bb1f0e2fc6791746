//! The parameters of a query, a form body or a JSON body.

use serde_json::{Map, Value};

/// Decoded parameters, in the order of the request.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    pub(crate) fn of_uri(uri: &http::Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    /// Reads the members of a JSON object that are no objects or arrays. `None`: it is no such
    /// object, or has other members.
    pub(crate) fn of_json(text: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(text).ok()?;
        let pairs = object.into_iter().map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Object(_) | Value::Array(_) => None,
            other => Some((name, other.to_string())),
        });
        Some(Self(pairs.collect::<Option<_>>()?))
    }

    /// Returns the parameters under their standard names, given pairs of these and the names on the
    /// wire. A standard name that is not in use on the wire is unknown.
    pub(crate) fn standardized(&self, names: &[(String, String)]) -> Self {
        let standard = |name: &str| match names.iter().rev().find(|(_, wire)| wire == name) {
            Some((standard, _)) => Some(standard.clone()),
            None if names.iter().any(|(standard, _)| standard == name) => None,
            None => Some(name.to_owned()),
        };
        let pairs = self.iter();
        Self(
            pairs
                .filter_map(|(name, value)| Some((standard(name)?, value.to_owned())))
                .collect(),
        )
    }

    /// Returns the first value; an empty one counts as absent (RFC 6749 §3.1).
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Returns whether the name occurs, even without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Returns a name that occurs twice, which RFC 6749 §3.1 and §3.2 forbid.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.0.iter().enumerate().find_map(|(index, (key, _))| {
            self.0[..index]
                .iter()
                .any(|(earlier, _)| earlier == key)
                .then_some(key.as_str())
        })
    }

    /// Returns a name that is not in `allowed`.
    pub(crate) fn foreign(&self, allowed: &[&str]) -> Option<&str> {
        self.0
            .iter()
            .map(|(key, _)| key.as_str())
            .find(|key| !allowed.contains(key))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Encodes parameters as a query or a form.
pub(crate) fn encode(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

/// Adds parameters to the query of `uri`.
pub(crate) fn with_query(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut uri = uri.to_owned();
    for (name, value) in parameters {
        let separator = match uri.find('?') {
            None => "?",
            Some(at) if at + 1 == uri.len() || uri.ends_with('&') => "",
            Some(_) => "&",
        };
        uri.push_str(separator);
        uri.push_str(&encode(&[(name, value)]));
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_extended_or_started() {
        assert_eq!(
            with_query("https://a/cb", &[("code", "x y")]),
            "https://a/cb?code=x+y"
        );
        assert_eq!(
            with_query("https://a/cb?f=1", &[("code", "x"), ("state", "s")]),
            "https://a/cb?f=1&code=x&state=s"
        );
        assert_eq!(
            with_query("https://a/cb?", &[("code", "x")]),
            "https://a/cb?code=x"
        );
    }

    #[test]
    fn a_renamed_parameter_has_no_standard_name() {
        let names = [("client_id".to_owned(), "client_key".to_owned())];
        let params = Params::parse(b"client_key=k&client_id=i&b=1").standardized(&names);
        let pairs: Vec<_> = params.iter().collect();
        assert_eq!(pairs, [("client_id", "k"), ("b", "1")]);
    }

    #[test]
    fn empty_values_are_absent_and_repeats_are_found() {
        let params = Params::parse(b"a=&b=1&b=2");
        assert_eq!(params.value("a"), None);
        assert!(params.has("a"));
        assert_eq!(params.repeated(), Some("b"));
        assert_eq!(params.foreign(&["a"]), Some("b"));
    }
}
