//! The check of the rules for token requests.

use std::collections::BTreeMap;

use http::{
    HeaderName, HeaderValue,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};

use super::{ClientAuthentication, ParameterPlace, TokenRules};
use crate::{
    dialect::{
        api::check_constant_headers,
        authorization::Pkce,
        check::{repeats, value_header, wrong},
        parameter::{TokenParameter, TokenValue},
        template::Template,
    },
    error::Error,
};

impl TokenRules {
    pub(in crate::dialect) fn check(&self, pkce: Pkce) -> Result<(), Error> {
        for request in self.requests() {
            self.check_parameters(&request)?;
            self.check_fixed(&request)?;
        }
        let names_verifier = self
            .code
            .iter()
            .any(|p| p.value == TokenValue::CodeVerifier);
        if self.placement == ParameterPlace::Headers && pkce == Pkce::S256 && !names_verifier {
            return wrong(
                "token.code",
                "must name a header for code_verifier unless `authorization.pkce` is `off`",
            );
        }
        self.check_content_type()?;
        let accept = self.accept.as_deref();
        if accept.is_some_and(|value| HeaderValue::from_str(value).is_err()) {
            return wrong("token.accept", "must be a valid header value");
        }
        self.check_headers()
    }

    /// Returns what differs between a code exchange and a refresh.
    fn requests(&self) -> [RequestRules<'_>; 2] {
        [
            RequestRules {
                section: "token.code",
                list: &self.code,
                own: TokenValue::Code,
                other: TokenValue::RefreshToken,
                authentication: self.client_authentication,
                fixed: &self.code_fixed,
            },
            RequestRules {
                section: "token.refresh",
                list: &self.refresh,
                own: TokenValue::RefreshToken,
                other: TokenValue::Code,
                authentication: self.refresh_authentication(),
                fixed: &self.refresh_fixed,
            },
        ]
    }

    fn check_parameters(&self, request: &RequestRules<'_>) -> Result<(), Error> {
        let (field, list) = (request.section, request.list);
        let has = |value| list.iter().any(|parameter| parameter.value == value);
        if self.placement == ParameterPlace::Headers {
            if list.is_empty() {
                return wrong(
                    field,
                    "must name each parameter's header if `placement` is `headers`",
                );
            }
            self.check_names(request)?;
        }
        if list.is_empty() {
            return Ok(());
        }
        if repeats(list.iter().map(|parameter| &parameter.name)) {
            return wrong(field, "must not list a name twice");
        }
        if !has(request.own) || has(request.other) {
            return wrong(
                field,
                "must list the grant's code or refresh token, and not the other one",
            );
        }
        let authentication = request.authentication;
        if has(TokenValue::ClientSecret) != (authentication == ClientAuthentication::Parameters) {
            return wrong(
                field,
                "must list client_secret exactly if the client authenticates by `parameters`",
            );
        }
        if !authentication.is_header() && !has(TokenValue::ClientId) {
            return wrong(
                field,
                "must list client_id unless the client authenticates in a header",
            );
        }
        Ok(())
    }

    /// Checks the names of the fixed parameters.
    fn check_fixed(&self, request: &RequestRules<'_>) -> Result<(), Error> {
        let standard = [
            request.own,
            TokenValue::GrantType,
            TokenValue::ClientId,
            TokenValue::ClientSecret,
            TokenValue::RedirectUri,
            TokenValue::CodeVerifier,
        ];
        let section = format!("{}_fixed", request.section);
        let all = self.fixed.keys().map(|name| ("token.fixed", name));
        let own = request.fixed.keys().map(|name| (section.as_str(), name));
        for (section, name) in all.chain(own) {
            let field = format!("{section}.{name}");
            // A list says what is sent; without one it is what the RFC names.
            let taken = if request.list.is_empty() {
                standard.iter().any(|value| value.name() == name)
            } else {
                request.list.iter().any(|parameter| parameter.name == *name)
            };
            if name.is_empty() || taken {
                return wrong(field, "is the name of another parameter of the request");
            }
        }
        match request
            .fixed
            .keys()
            .find(|name| self.fixed.contains_key(*name))
        {
            Some(name) => wrong(format!("{section}.{name}"), "is in `token.fixed` already"),
            None => Ok(()),
        }
    }

    /// Checks the names of the headers of a request: each is free, and there once.
    fn check_names(&self, request: &RequestRules<'_>) -> Result<(), Error> {
        let section = format!("{}_fixed", request.section);
        let listed = request.list.iter().map(|parameter| &parameter.name);
        let listed = listed.map(|name| (request.section.to_owned(), name));
        let all = self.fixed.keys();
        let all = all.map(|name| (format!("token.fixed.{name}"), name));
        let own = request.fixed.keys();
        let own = own.map(|name| (format!("{section}.{name}"), name));
        let mut seen = Vec::new();
        if request.authentication.is_header() {
            seen.push(AUTHORIZATION);
        }
        for (field, name) in listed.chain(all).chain(own) {
            let header = value_header(&field, name)?;
            if seen.contains(&header) {
                return wrong(
                    field,
                    "names a header twice: names differ by more than their case, and \
                     `authorization` is that of the client authentication",
                );
            }
            seen.push(header);
        }
        Ok(())
    }

    fn check_content_type(&self) -> Result<(), Error> {
        let Some(content_type) = self.content_type.as_deref() else {
            return Ok(());
        };
        let field = "token.content_type";
        if HeaderValue::from_str(content_type).is_err() {
            return wrong(field, "must be a valid header value");
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let is_json =
            essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json");
        match self.placement {
            ParameterPlace::Form if is_json => wrong(
                field,
                "must be that of a form: for a JSON body write `placement = \"json\"`",
            ),
            ParameterPlace::Form if !essence.eq_ignore_ascii_case(ParameterPlace::FORM) => {
                wrong(field, "must be that of a form if `placement` is `form`")
            }
            ParameterPlace::Json if !is_json => {
                wrong(field, "must be that of JSON if `placement` is `json`")
            }
            _ => Ok(()),
        }
    }

    fn check_headers(&self) -> Result<(), Error> {
        let mut taken = vec![ACCEPT, CONTENT_TYPE];
        if self.placement == ParameterPlace::Headers {
            let names = self.code.iter().chain(&self.refresh).map(|p| &p.name);
            let fixed = [&self.fixed, &self.code_fixed, &self.refresh_fixed];
            let names = names.chain(fixed.into_iter().flat_map(BTreeMap::keys));
            taken.extend(names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()));
        }
        check_constant_headers("token.headers", &self.headers, &taken)
    }
}

/// What differs between a code exchange and a refresh.
struct RequestRules<'a> {
    section: &'static str,
    list: &'a [TokenParameter],
    own: TokenValue,
    other: TokenValue,
    authentication: ClientAuthentication,
    fixed: &'a BTreeMap<String, Template>,
}
