//! The fields of an answer's body.

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

/// The syntax of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object (RFC 8259).
    Json,
    /// A JSON object whose keys have no quotes, as the Milestones documents print them.
    Loose,
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Loose => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// The fields of an object, in order.
///
/// A response keeps them in its extensions, so that a fault can change one and write them again.
#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) list: Vec<(String, Value)>,
    pub(crate) format: Format,
}

impl Fields {
    pub(crate) fn json(list: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let list = list
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self {
            list,
            format: Format::Json,
        }
    }

    /// Makes an object without fields.
    pub(crate) fn empty(format: Format) -> Self {
        Self {
            list: Vec::new(),
            format,
        }
    }

    /// Sets the field with this name, or else the one at this path. Dots separate a path's members.
    pub(crate) fn set(&mut self, path: &str, value: Value) {
        if let Some(field) = self.field(path) {
            *field = value;
            return;
        }
        match path.split_once('.') {
            Some((parent, rest)) if self.format != Format::Form => match self.field(parent) {
                Some(field) => set_below(field, rest, value),
                None => {
                    let mut field = Value::Object(Map::new());
                    set_below(&mut field, rest, value);
                    self.list.push((parent.to_owned(), field));
                }
            },
            _ => self.list.push((path.to_owned(), value)),
        }
    }

    /// Removes the field with this name, or else the one at this path.
    pub(crate) fn remove(&mut self, path: &str) {
        if self.field(path).is_some() {
            self.list.retain(|(name, _)| name != path);
            return;
        }
        let Some((parents, name)) = path.rsplit_once('.') else {
            return;
        };
        let mut parents = parents.split('.');
        let first = parents.next().and_then(|first| self.field(first));
        let parent = parents.try_fold(first, |object, name| {
            object.map(|object| object.get_mut(name))
        });
        if let Some(Some(Value::Object(object))) = parent {
            object.remove(name);
        }
    }

    pub(crate) fn render(&self) -> String {
        let (open, separator, close) = match self.format {
            Format::Json => ("{", ",", "}"),
            Format::Loose => ("{\n    ", ",\n    ", "\n}"),
            Format::Form => ("", "&", ""),
        };
        let fields: Vec<String> = self
            .list
            .iter()
            .map(|(name, value)| match self.format {
                Format::Json => format!("{}:{value}", Value::from(name.as_str())),
                Format::Loose => format!("{name}: {value}"),
                Format::Form => form_pair(name, value),
            })
            .collect();
        format!("{open}{}{close}", fields.join(separator))
    }

    pub(crate) fn respond(self, status: StatusCode) -> Response<Body> {
        let content_type = self.format.content_type();
        let mut response = super::with_type(status, content_type, self.render());
        response.extensions_mut().insert(self);
        response
    }

    fn field(&mut self, name: &str) -> Option<&mut Value> {
        let mut found = self.list.iter_mut().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value)
    }
}

/// Sets what is at `path` below `parent`, which becomes an object if it is none.
fn set_below(parent: &mut Value, path: &str, value: Value) {
    if !parent.is_object() {
        *parent = Value::Object(Map::new());
    }
    match path.split_once('.') {
        Some((name, rest)) => set_below(&mut parent[name], rest, value),
        None => parent[path] = value,
    }
}

fn form_pair(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    form_urlencoded::Serializer::new(String::new())
        .append_pair(name, &text)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reaches_nested_members() {
        let mut fields = Fields::empty(Format::Json);
        fields.set("ok", true.into());
        fields.set("data.user.id", 7.into());
        fields.set("data.token", "t".into());
        fields.set("ok", false.into());
        let text = r#"{"ok":false,"data":{"token":"t","user":{"id":7}}}"#;
        assert_eq!(fields.render(), text);
        fields.remove("data.user.id");
        fields.remove("data.unknown.id");
        fields.remove("ok");
        assert_eq!(fields.render(), r#"{"data":{"token":"t","user":{}}}"#);
    }

    #[test]
    fn a_form_has_no_nested_members() {
        let mut fields = Fields::empty(Format::Form);
        fields.set("a.b", "x y".into());
        fields.set("n", 7.into());
        assert_eq!(fields.render(), "a.b=x+y&n=7");
    }
}
