//! An authorization code without a browser: the document's "alternate authorization code request".

use std::time::SystemTime;

use serde::Deserialize;
use tokenkeeper_protocol::{
    AuthorizationCode, Class, Error, GrantType, MAX_TOKEN_RESPONSE, Origin, Provider, Refusal,
    RequestBody,
    bytes::Bytes,
    http::{
        HeaderValue, Request, Response,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    sensitive_header,
};

use crate::IOffice;

/// The body of a successful response.
#[derive(Deserialize)]
struct CodeResponse {
    code: String,
}

impl IOffice {
    /// Builds the request that turns a user name and password into an authorization code.
    ///
    /// The code is exchanged like one from a redirect: pass a `Redirect::fragment` with
    /// `code=` and the percent-encoded code to `Accounts::finish_confirmed` of the engine, with the
    /// confirmation that it comes from the application's own request. The request is refused unless
    /// [`direct_code`](Self::direct_code) allowed it.
    ///
    /// Both values travel in headers: neither may be empty, hold a control character or one beyond
    /// ASCII, or begin or end with a blank. They are marked sensitive; do not follow redirects with
    /// this request.
    ///
    /// # Errors
    /// [`Error::NotEnabled`], [`Error::HeaderValue`].
    pub fn direct_code_request(
        &self,
        site: &Origin,
        user_name: &str,
        password: &str,
    ) -> Result<Request<RequestBody>, Error> {
        if !self.direct_code {
            return Err(Error::NotEnabled {
                what: "asking for a code with a password",
                how: "switch it on with `IOffice::direct_code`",
            });
        }
        let client_id = self.client.registration().client_id();
        let request = Request::post(format!("{site}/external/api/oauth2/auth"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("x-auth-username", sensitive_header("user name", user_name)?)
            .header("x-auth-password", sensitive_header("password", password)?)
            .header("x-client-id", sensitive_header("client id", client_id)?)
            .header(CONTENT_LENGTH, 0);
        Ok(request.body(RequestBody::default())?)
    }

    /// Reads the response to a direct code request that was sent at `sent_at`.
    ///
    /// # Errors
    /// [`Refusal`], classified as at the token endpoint.
    pub fn read_direct_code(
        &self,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Result<AuthorizationCode, Refusal> {
        let (status, body) = (response.status(), response.body());
        if !status.is_success() {
            return Err(self
                .client()
                .refusal(GrantType::AuthorizationCode, response, sent_at));
        }
        let parsed = if body.len() > MAX_TOKEN_RESPONSE {
            None
        } else {
            serde_json::from_slice(body).ok()
        };
        match parsed {
            Some(CodeResponse { code }) if !code.is_empty() => Ok(AuthorizationCode::new(code)),
            _ => Err(Refusal::of(Class::Ambiguous, response)),
        }
    }
}
