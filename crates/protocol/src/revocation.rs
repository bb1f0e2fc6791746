//! Requests for revocation (RFC 7009) and introspection (RFC 7662).

use bytes::Bytes;
use http::{HeaderName, Request, header::CONTENT_LENGTH};

use crate::{
    access_token::AccessToken,
    client::Client,
    dialect::{Endpoint, Method, RevokedToken, TokenPlace},
    error::Error,
    header::sensitive_header,
    origin::Origin,
    token_request,
    token_set::TokenSet,
};

pub(crate) fn revocation(
    client: &Client,
    site: &Origin,
    tokens: &TokenSet,
) -> Result<Vec<Request<Bytes>>, Error> {
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
        let call = Call {
            endpoint: &rules.endpoint,
            method: rules.method,
            place: &rules.token,
        };
        requests.push(call.request(client, site, token, hint)?);
    }
    Ok(requests)
}

pub(crate) fn introspection(
    client: &Client,
    site: &Origin,
    token: &AccessToken,
) -> Result<Option<Request<Bytes>>, Error> {
    let Some(rules) = &client.dialect().introspection else {
        return Ok(None);
    };
    let call = Call {
        endpoint: &rules.endpoint,
        method: rules.method,
        place: &rules.token,
    };
    call.request(client, site, token.expose(), "access_token")
        .map(Some)
}

/// A request about one token.
struct Call<'a> {
    endpoint: &'a Endpoint,
    method: Method,
    place: &'a TokenPlace,
}

impl Call<'_> {
    fn request(
        &self,
        client: &Client,
        site: &Origin,
        token: &str,
        hint: &str,
    ) -> Result<Request<Bytes>, Error> {
        let url = self.endpoint.at(site)?;
        let builder = Request::builder()
            .method(self.method.http())
            .uri(url.as_str());
        match self.place {
            TokenPlace::Form(name) => {
                let mut pairs = vec![(name.as_str(), token), ("token_type_hint", hint)];
                pairs.extend(token_request::client_pairs(client));
                token_request::form(client, builder, &pairs)
            }
            TokenPlace::Header(name) => {
                let name = HeaderName::try_from(name).map_err(http::Error::from)?;
                let builder = builder.header(name, sensitive_header("token", token)?);
                let builder = match self.method {
                    Method::Get => builder,
                    Method::Post => builder.header(CONTENT_LENGTH, 0),
                };
                Ok(builder.body(Bytes::new())?)
            }
        }
    }
}
