//! Requests for revocation (RFC 7009) and introspection (RFC 7662).

use http::{
    HeaderName, Request,
    header::{AUTHORIZATION, CONTENT_LENGTH},
    request::Builder,
};

use crate::{
    access_token::AccessToken,
    client::Client,
    dialect::{Endpoint, Method, RevokedToken, TokenPlace},
    error::Error,
    header::sensitive_header,
    origin::Origin,
    request_body::RequestBody,
    token_request::Call,
    token_set::TokenSet,
    values::Values,
};

pub(crate) fn revocation(
    client: &Client,
    site: &Origin,
    tokens: &TokenSet,
) -> Result<Vec<Request<RequestBody>>, Error> {
    let Some(rules) = &client.dialect().revocation else {
        return Ok(Vec::new());
    };
    let mut requests = Vec::new();
    for which in &rules.tokens {
        let (token, hint) = match (which, &tokens.refresh_token) {
            (RevokedToken::AccessToken, _) => (tokens.access_token.expose(), "access_token"),
            (RevokedToken::RefreshToken, Some(token)) => (token.expose(), "refresh_token"),
            (RevokedToken::RefreshToken, None) => continue,
        };
        let question = Question {
            endpoint: &rules.endpoint,
            method: rules.method,
            place: &rules.token,
        };
        requests.push(question.request(client, site, token, hint)?);
    }
    Ok(requests)
}

pub(crate) fn introspection(
    client: &Client,
    site: &Origin,
    token: &AccessToken,
) -> Result<Option<Request<RequestBody>>, Error> {
    let Some(rules) = &client.dialect().introspection else {
        return Ok(None);
    };
    let question = Question {
        endpoint: &rules.endpoint,
        method: rules.method,
        place: &rules.token,
    };
    question
        .request(client, site, token.expose(), "access_token")
        .map(Some)
}

/// A request about one token.
struct Question<'a> {
    endpoint: &'a Endpoint,
    method: Method,
    place: &'a TokenPlace,
}

impl Question<'_> {
    fn request(
        &self,
        client: &Client,
        site: &Origin,
        token: &str,
        hint: &str,
    ) -> Result<Request<RequestBody>, Error> {
        let values = Values::of(client, site);
        let call = Call {
            client,
            values: &values,
            authentication: client.dialect().token.client_authentication,
        };
        let url = self.endpoint.at(site, &values)?;
        let builder = Request::builder()
            .method(self.method.http())
            .uri(url.as_str());
        match self.place {
            TokenPlace::Form(name) => {
                let mut pairs = vec![(name.as_str(), token), ("token_type_hint", hint)];
                pairs.extend(call.client_pairs());
                call.form(builder, pairs.into_iter())
            }
            TokenPlace::Json(name) => {
                let mut pairs = vec![(name.as_str(), token)];
                pairs.extend(call.client_pairs());
                call.json(builder, pairs.into_iter())
            }
            TokenPlace::Bearer => {
                let value = AccessToken::new(token).bearer_header()?;
                self.without_body(builder.header(AUTHORIZATION, value))
            }
            TokenPlace::Header(name) => {
                let name = HeaderName::try_from(name).map_err(http::Error::from)?;
                self.without_body(builder.header(name, sensitive_header("token", token)?))
            }
        }
    }

    fn without_body(&self, builder: Builder) -> Result<Request<RequestBody>, Error> {
        let builder = match self.method {
            Method::Get => builder,
            Method::Post => builder.header(CONTENT_LENGTH, 0),
        };
        Ok(builder.body(RequestBody::default())?)
    }
}
