//! Token requests (RFC 6749 §4.1.3, §6; RFC 8628 §3.4).

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use form_urlencoded::{Serializer, byte_serialize};
use http::{
    HeaderName, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
    request::Builder,
};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    client::Client,
    dialect::{ClientAuthentication, ParameterPlace, Template, TokenParameter, TokenValue},
    error::Error,
    grant::Grant,
    header::{constant, sensitive_header},
    origin::Origin,
    request_body::RequestBody,
    secret::ClientSecret,
    values::Values,
};

pub(crate) fn build(
    client: &Client,
    site: &Origin,
    grant: &Grant<'_>,
) -> Result<Request<RequestBody>, Error> {
    let rules = &client.dialect().token;
    let (endpoint, authentication, fixed) = match grant {
        Grant::AuthorizationCode { .. } => (
            &rules.endpoint,
            rules.client_authentication,
            &rules.code_fixed,
        ),
        Grant::RefreshToken { .. } => (
            rules.refresh_endpoint.as_ref().unwrap_or(&rules.endpoint),
            rules.refresh_authentication(),
            &rules.refresh_fixed,
        ),
        Grant::DeviceCode { .. } => (&rules.endpoint, rules.client_authentication, &NO_PARAMETERS),
    };
    let values = Values::of(client, site);
    let listed = parameters(client, grant, authentication);
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for parameter in &listed {
        if let Some(value) = value(client, grant, parameter.value) {
            pairs.push((&parameter.name, value, label(parameter.value)));
        }
    }
    if let Grant::DeviceCode { device_code } = grant {
        let grant_type = grant.grant_type().as_str();
        pairs.push(("grant_type", grant_type.into(), "grant type"));
        pairs.push(("device_code", device_code.expose().into(), "device code"));
        pairs.extend(client_pairs(client, authentication));
    }
    for (name, template) in rules.fixed.iter().chain(fixed) {
        let value = Cow::Owned(values.fill(template)?);
        pairs.push((name, value, "fixed parameter"));
    }
    let call = Call {
        client,
        values: &values,
        authentication,
    };
    call.place(endpoint.at(site, &values)?, &pairs)
}

/// A parameter: its name, its value, and what errors call it.
pub(crate) type Pair<'a> = (&'a str, Cow<'a, str>, &'static str);

static NO_PARAMETERS: BTreeMap<String, Template> = BTreeMap::new();

/// Returns the parameters that name the client, and authenticate it if they are how it does so,
/// under the names that a code exchange has.
pub(crate) fn client_pairs(client: &Client, authentication: ClientAuthentication) -> Vec<Pair<'_>> {
    let listed = &client.dialect().token.code;
    let values = [TokenValue::ClientId, TokenValue::ClientSecret];
    let sent: &[TokenValue] = match authentication {
        _ if !listed.is_empty() => &values,
        ClientAuthentication::None => &values[..1],
        ClientAuthentication::Parameters => &values,
        _ => &[],
    };
    let registration = client.registration();
    let pair = |value: &TokenValue| -> Option<Pair<'_>> {
        let own = listed.iter().find(|parameter| parameter.value == *value);
        let name = match own {
            Some(own) => own.name.as_str(),
            None if listed.is_empty() => value.name(),
            None => return None,
        };
        let text = match value {
            TokenValue::ClientId => registration.client_id(),
            _ => registration.client_secret()?.expose(),
        };
        Some((name, text.into(), label(*value)))
    };
    sent.iter().filter_map(pair).collect()
}

/// What the requests to the endpoints of one site have in common.
pub(crate) struct Call<'a> {
    pub(crate) client: &'a Client,
    pub(crate) values: &'a Values<'a>,
    pub(crate) authentication: ClientAuthentication,
}

impl Call<'_> {
    /// Finishes a request with its parameters where token requests have them.
    pub(crate) fn place(
        &self,
        url: Url,
        pairs: &[Pair<'_>],
    ) -> Result<Request<RequestBody>, Error> {
        let text = pairs.iter().map(|(name, value, _)| (*name, &**value));
        match self.client.dialect().token.placement {
            ParameterPlace::Form => self.form(Request::post(url.as_str()), text),
            ParameterPlace::Json => self.json(Request::post(url.as_str()), text),
            ParameterPlace::Query => self.query(url, text),
            ParameterPlace::Headers => self.headers(Request::post(url.as_str()), pairs),
        }
    }

    /// Finishes a request with a form, and with the client's authentication if that is a header.
    pub(crate) fn form<'p>(
        &self,
        builder: Builder,
        pairs: impl Iterator<Item = (&'p str, &'p str)>,
    ) -> Result<Request<RequestBody>, Error> {
        let pairs: Vec<_> = pairs.collect();
        // No byte stays behind in a buffer that grew: an escaped byte has three characters.
        let room = pairs
            .iter()
            .map(|(name, value)| 3 * (name.len() + value.len()) + 2);
        let mut form = Serializer::new(String::with_capacity(room.sum()));
        let body = form.extend_pairs(pairs).finish();
        self.with_body(builder, ParameterPlace::FORM, RequestBody::new(body))
    }

    /// Finishes a request with a JSON object of strings, in the order of the parameters.
    pub(crate) fn json<'p>(
        &self,
        builder: Builder,
        pairs: impl Iterator<Item = (&'p str, &'p str)>,
    ) -> Result<Request<RequestBody>, Error> {
        let pairs: Vec<_> = pairs.collect();
        // As in a form: an escaped byte has six characters.
        let room = pairs
            .iter()
            .map(|(name, value)| 6 * (name.len() + value.len()) + 6);
        let mut body = Vec::with_capacity(2 + room.sum::<usize>());
        body.push(b'{');
        for (number, (name, value)) in pairs.into_iter().enumerate() {
            if number > 0 {
                body.push(b',');
            }
            write_json(&mut body, name);
            body.push(b':');
            write_json(&mut body, value);
        }
        body.push(b'}');
        self.with_body(builder, ParameterPlace::JSON, RequestBody::new(body))
    }

    fn with_body(
        &self,
        builder: Builder,
        content_type: &'static str,
        body: RequestBody,
    ) -> Result<Request<RequestBody>, Error> {
        let builder = self.head(builder, Some(content_type))?;
        let builder = builder.header(CONTENT_LENGTH, body.len());
        Ok(builder.body(body)?)
    }

    fn query<'p>(
        &self,
        mut url: Url,
        pairs: impl Iterator<Item = (&'p str, &'p str)>,
    ) -> Result<Request<RequestBody>, Error> {
        url.query_pairs_mut().extend_pairs(pairs);
        let builder = self.head(Request::post(url.as_str()), None)?;
        Ok(builder
            .header(CONTENT_LENGTH, 0)
            .body(RequestBody::default())?)
    }

    fn headers(&self, builder: Builder, pairs: &[Pair<'_>]) -> Result<Request<RequestBody>, Error> {
        let mut builder = self.head(builder, None)?;
        for (name, value, what) in pairs {
            let name = HeaderName::try_from(*name).map_err(http::Error::from)?;
            builder = builder.header(name, sensitive_header(what, value)?);
        }
        Ok(builder
            .header(CONTENT_LENGTH, 0)
            .body(RequestBody::default())?)
    }

    /// Returns the client's part of a body, for revocation and introspection (RFC 7009 §2.1), under
    /// the names that a refresh has.
    pub(crate) fn client_pairs(&self) -> Vec<(&str, &str)> {
        let registration = self.client.registration();
        let id = (self.name_of(TokenValue::ClientId), registration.client_id());
        let secret = registration.client_secret().map(ClientSecret::expose);
        match self.authentication {
            ClientAuthentication::None => vec![id],
            ClientAuthentication::Parameters => {
                let secret = secret.map(|secret| (self.name_of(TokenValue::ClientSecret), secret));
                [Some(id), secret].into_iter().flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns the name of a parameter of refreshes.
    fn name_of(&self, value: TokenValue) -> &str {
        let rules = &self.client.dialect().token;
        let in_body = rules.placement != ParameterPlace::Headers;
        let mut listed = rules.refresh.iter().filter(|_| in_body);
        let own = listed.find(|parameter| parameter.value == value);
        own.map_or(value.name(), |parameter| &parameter.name)
    }

    fn head(&self, mut builder: Builder, body: Option<&'static str>) -> Result<Builder, Error> {
        let rules = &self.client.dialect().token;
        // The dialect's own is that of token requests; a revocation may have another body.
        let own = rules.content_type.as_deref();
        let own = own.filter(|_| body == rules.placement.content_type());
        if let Some(content_type) = own.or(body) {
            builder = builder.header(CONTENT_TYPE, content_type);
        }
        let accept = rules.accept.as_deref();
        builder = builder.header(ACCEPT, accept.unwrap_or(ParameterPlace::JSON));
        for (name, template) in &rules.headers {
            builder = builder.header(name, constant(self.values, template)?);
        }
        if let Some(pair) = self.basic() {
            const SCHEME: &str = "Basic ";
            let room = SCHEME.len() + pair.len().div_ceil(3) * 4;
            let mut value = Zeroizing::new(String::with_capacity(room));
            value.push_str(SCHEME);
            STANDARD.encode_string(pair.as_bytes(), &mut value);
            builder = builder.header(AUTHORIZATION, sensitive_header("client secret", &value)?);
        }
        Ok(builder)
    }

    /// Returns user name and password of HTTP Basic, joined by a colon.
    fn basic(&self) -> Option<Zeroizing<String>> {
        let registration = self.client.registration();
        let id = registration.client_id();
        let secret = registration.client_secret();
        let secret = secret.map_or("", ClientSecret::expose);
        // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        let room = 3 * (id.len() + secret.len()) + 1;
        let mut pair = Zeroizing::new(String::with_capacity(room));
        match self.authentication {
            ClientAuthentication::Basic => {
                pair.extend(byte_serialize(id.as_bytes()));
                pair.push(':');
                pair.extend(byte_serialize(secret.as_bytes()));
            }
            ClientAuthentication::BasicUnencoded => {
                pair.push_str(id);
                pair.push(':');
                pair.push_str(secret);
            }
            ClientAuthentication::BasicSecretOnly => {
                pair.push_str(secret);
                pair.push(':');
            }
            ClientAuthentication::Parameters | ClientAuthentication::None => return None,
        }
        Some(pair)
    }
}

/// Writes a JSON string.
fn write_json(to: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(to, text).expect("a text can be written to memory");
}

/// Returns the dialect's list of parameters, otherwise that of the RFC with the client's parameters
/// if they authenticate it. The verifier is last.
fn parameters(
    client: &Client,
    grant: &Grant<'_>,
    authentication: ClientAuthentication,
) -> Vec<TokenParameter> {
    use TokenValue::{
        ClientId, ClientSecret, Code, CodeVerifier, GrantType, RedirectUri, RefreshToken,
    };
    let rules = &client.dialect().token;
    let (own, default, verifier) = match grant {
        Grant::AuthorizationCode { code_verifier, .. } => (
            &rules.code,
            &[GrantType, Code, RedirectUri][..],
            code_verifier.is_some(),
        ),
        Grant::RefreshToken { .. } => (&rules.refresh, &[GrantType, RefreshToken][..], false),
        // No dialect lists the parameters of RFC 8628.
        Grant::DeviceCode { .. } => return Vec::new(),
    };
    let mut list = own.clone();
    if list.is_empty() {
        let client_part: &[TokenValue] = match authentication {
            ClientAuthentication::None => &[ClientId],
            ClientAuthentication::Parameters => &[ClientId, ClientSecret],
            _ => &[],
        };
        list.extend(
            default
                .iter()
                .chain(client_part)
                .map(|value| TokenParameter::from(*value)),
        );
    }
    if verifier && !list.iter().any(|parameter| parameter.value == CodeVerifier) {
        list.push(CodeVerifier.into());
    }
    list
}

fn value<'a>(client: &'a Client, grant: &Grant<'a>, value: TokenValue) -> Option<Cow<'a, str>> {
    let registration = client.registration();
    let (own_redirect_uri, own_scope) = match *grant {
        Grant::AuthorizationCode {
            redirect_uri,
            scope,
            ..
        }
        | Grant::RefreshToken {
            redirect_uri,
            scope,
            ..
        } => (redirect_uri, scope),
        Grant::DeviceCode { .. } => return None,
    };
    let text = match (value, *grant) {
        (TokenValue::GrantType, grant) => grant.grant_type().as_str(),
        (TokenValue::Code, Grant::AuthorizationCode { code, .. }) => code.expose(),
        (TokenValue::RefreshToken, Grant::RefreshToken { refresh_token, .. }) => {
            refresh_token.expose()
        }
        (TokenValue::CodeVerifier, Grant::AuthorizationCode { code_verifier, .. }) => {
            code_verifier?.expose()
        }
        (TokenValue::Code | TokenValue::RefreshToken | TokenValue::CodeVerifier, _) => return None,
        (TokenValue::ClientId, _) => registration.client_id(),
        (TokenValue::ClientSecret, _) => registration.client_secret()?.expose(),
        (TokenValue::RedirectUri, _) => own_redirect_uri,
        (TokenValue::Scope, _) => {
            let scope = own_scope.or(client.scope())?;
            return Some(client.dialect().authorization.separate(scope));
        }
    };
    Some(text.into())
}

fn label(value: TokenValue) -> &'static str {
    match value {
        TokenValue::GrantType => "grant type",
        TokenValue::Code => "code",
        TokenValue::RefreshToken => "refresh token",
        TokenValue::ClientId => "client id",
        TokenValue::ClientSecret => "client secret",
        TokenValue::RedirectUri => "redirect URI",
        TokenValue::Scope => "scope",
        TokenValue::CodeVerifier => "code verifier",
    }
}
