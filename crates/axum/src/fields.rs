//! What a form or a link says about a login: whose, where, and where to go afterwards.

use axum::body::{Body, to_bytes};
use form_urlencoded::Serializer;
use http::request::Parts;
use tokenkeeper_engine::{ConnectOptions, FlowInfo};

use crate::{failure::Failure, form, local_path, routes::Routes};

/// The limit for a form, which holds a host name, a path and some parameters.
const MAX_FORM: usize = 4 * 1024;

/// The limit for an account's name, in bytes. A cookie holds it.
const MAX_NAME: usize = 128;

/// The fields of a form or of a link's query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The site of a provider with one per tenant.
    pub(crate) site: Option<String>,
    /// The name of one of several accounts of the person.
    pub(crate) account: Option<String>,
    /// The path to return to.
    pub(crate) next: Option<String>,
    pub(crate) scope: Option<String>,
    /// Further parameters of the authorization request.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Fields {
    /// Reads the fields of a link.
    pub(crate) fn of_query(routes: &Routes, parts: &Parts) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        Self::parse(routes, query.as_bytes(), &[])
    }

    /// Reads the fields of a form and of its query, which comes first.
    pub(crate) async fn of_form(
        routes: &Routes,
        parts: &Parts,
        body: Body,
    ) -> Result<Self, Failure> {
        if !form::is_form(&parts.headers) {
            return Self::of_query(routes, parts);
        }
        let form = to_bytes(body, MAX_FORM).await;
        let form = form.map_err(|_| Failure::TOO_LARGE)?;
        let query = parts.uri.query().unwrap_or_default();
        Self::parse(routes, query.as_bytes(), &form)
    }

    fn parse(routes: &Routes, query: &[u8], form: &[u8]) -> Result<Self, Failure> {
        let field = |wanted: &str| {
            let mut fields = form_urlencoded::parse(query).chain(form_urlencoded::parse(form));
            let field = fields.find(|(name, value)| name == wanted && !value.is_empty());
            field.map(|(_, value)| value.into_owned())
        };
        let fields = Self {
            site: field("site"),
            account: field("account"),
            next: field("next"),
            scope: field("scope"),
            parameters: routes
                .parameters
                .iter()
                .filter_map(|name| Some((name.clone(), field(name)?)))
                .collect(),
        };
        let next = fields.next.as_deref();
        if !next.is_none_or(local_path::is_return_path) {
            return Err(Failure::NEXT);
        }
        let mut scopes = fields.scope.iter().flat_map(|scope| scope.split(' '));
        if !scopes.all(|scope| routes.scopes.iter().any(|allowed| allowed == scope)) {
            return Err(Failure::SCOPE);
        }
        Ok(fields)
    }

    /// Returns the options of a login with these fields.
    pub(crate) fn connect_options(&self, mut options: ConnectOptions) -> ConnectOptions {
        if let Some(scope) = &self.scope {
            options = options.scope(scope);
        }
        for (name, value) in &self.parameters {
            options = options.parameter(name, value);
        }
        let note = encode(&[("account", &self.account), ("next", &self.next)]);
        if note.is_empty() {
            options
        } else {
            options.note(note)
        }
    }

    /// Returns the fields that a flow was sealed with.
    pub(crate) fn of_flow(info: &FlowInfo) -> Self {
        Self::decode(info.note.as_deref().unwrap_or_default())
    }

    /// Writes the fields that a new attempt needs, as a cookie may hold them.
    pub(crate) fn encode_with(&self, text: &Option<String>) -> String {
        encode(&[
            ("text", text),
            ("site", &self.site),
            ("account", &self.account),
            ("next", &self.next),
        ])
    }

    /// Reads what [`encode_with`](Self::encode_with) or a flow's note holds.
    pub(crate) fn decode(encoded: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(encoded.as_bytes()) {
            let value = Some(value.into_owned());
            match &*name {
                "site" => fields.site = value,
                "account" => fields.account = value,
                "next" => fields.next = value.filter(|path| local_path::is_return_path(path)),
                _ => {}
            }
        }
        fields
    }

    /// Returns the fields' names and values, to be sent again.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let own = [
            ("site", &self.site),
            ("account", &self.account),
            ("next", &self.next),
            ("scope", &self.scope),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let further = self.parameters.iter();
        own.chain(further.map(|(name, value)| (&**name, &**value)))
            .collect()
    }

    /// Returns the name of the person's account, if it is one that a cookie holds.
    pub(crate) fn account_name(&self) -> Result<Option<&str>, Failure> {
        match self.account.as_deref() {
            Some(name) if name.len() > MAX_NAME => Err(Failure::ACCOUNT),
            name => Ok(name),
        }
    }
}

/// Returns whether these routes read the field themselves, so that it is no parameter.
pub(crate) fn is_reserved(name: &str) -> bool {
    ["site", "account", "next", "scope"].contains(&name)
}

fn encode(pairs: &[(&str, &Option<String>)]) -> String {
    let mut encoded = Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            encoded.append_pair(name, value);
        }
    }
    encoded.finish()
}
