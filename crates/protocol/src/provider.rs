//! The provider as the engine sees it.

use std::{fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use url::Url;

use crate::{
    access_token::AccessToken,
    api_origin::ApiOrigin,
    api_origins,
    attachment::{self, Attachment},
    authorization::{self, AuthorizationRequest},
    client::Client,
    configuration,
    device_authorization::{
        self, DeviceAuthorization, DeviceAuthorizationError, DeviceAuthorizationRequest,
    },
    error::Error,
    grant::{Grant, GrantType},
    introspection::{self, Introspection, IntrospectionError},
    login_data::LoginData,
    origin::Origin,
    redirect::{self, AuthorizationResponse, ExpectedRedirect, Redirect, RedirectError},
    redirect_uri::RedirectUri,
    refusal::Refusal,
    request_body::RequestBody,
    resource::{self, Verdict},
    revocation,
    revocation_response::{self, RevocationOutcome},
    secret::State,
    site, token_request, token_response,
    token_set::TokenSet,
};

/// An authorization server and the API behind it: builds requests and reads responses, without I/O.
///
/// Every method but [`client`](Self::client) has a default that follows the client's dialect. An
/// adapter overrides a method only where data cannot describe the provider. An implementation
/// around another provider must forward **all** methods.
///
/// ```
/// use tokenkeeper_protocol::{
///     AccessToken, Attachment, Client, Dialect, Error, Provider, Registration,
/// };
///
/// /// A provider whose tokens have a prefix that the API does not take.
/// #[derive(Debug)]
/// struct Peculiar(Client);
///
/// impl Provider for Peculiar {
///     fn client(&self) -> &Client {
///         &self.0
///     }
///     fn attach(
///         &self,
///         token: &AccessToken,
///         token_type: Option<&str>,
///     ) -> Result<Attachment, Error> {
///         let bare = token.expose().trim_start_matches("tok:");
///         self.0.attach(&AccessToken::new(bare), token_type)
///     }
/// }
///
/// let registration = Registration::new("id", "https://app.example/cb").secret("s");
/// let dialect = Dialect::rfc6749("peculiar", "https://peculiar.example")?;
/// let peculiar = Peculiar(dialect.with(registration)?);
/// assert_eq!(peculiar.brand(), "peculiar");
/// # Ok::<(), Error>(())
/// ```
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Returns the client: the dialect and the registration.
    fn client(&self) -> &Client;

    /// Returns the provider's short name, part of every account's key.
    fn brand(&self) -> &str {
        &self.client().dialect().brand
    }

    /// Returns a SHA-256 digest of client id, secret, where and how they are sent, and the rules
    /// that classify errors.
    ///
    /// If it changes, a refusal because of the configuration may no longer hold.
    fn configuration_digest(&self) -> [u8; 32] {
        configuration::digest(self.client())
    }

    /// Returns the site of an account: the fixed base for `None`, otherwise `given` in normal form.
    ///
    /// `given` may be a bare host, or the one value that the dialect's
    /// [`site`](crate::Dialect::site) holds. It must be within the application's
    /// [`SitePolicy`](crate::SitePolicy), which a dialect whose sites are below a fixed domain does
    /// not require.
    ///
    /// # Errors
    /// [`Error::SiteMissing`], [`Error::SiteUnexpected`], [`Error::SiteForm`],
    /// [`Error::SitePolicyMissing`], [`Error::SiteRefused`], [`Error::Origin`].
    fn site(&self, given: Option<&str>) -> Result<Origin, Error> {
        site::resolve(self.client(), given)
    }

    /// Returns the origins that take the tokens of an account at `site` with this login.
    ///
    /// With the default of `login` these are the origins that all accounts of the site share. What
    /// a login names is taken only if it is https, public, and where the dialect allows it.
    fn api_origins(&self, site: &Origin, login: &LoginData) -> Vec<ApiOrigin> {
        api_origins::of(self.client(), site, login)
    }

    /// Builds the URL of the authorization request (RFC 6749 §4.1.1).
    ///
    /// # Errors
    /// [`Error::RedirectUri`] if the request's redirect URI is not the registered one,
    /// [`Error::Scope`], [`Error::Pkce`], [`Error::ExtraParameter`].
    fn authorization_url(
        &self,
        site: &Origin,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, Error> {
        authorization::url(self.client(), site, request)
    }

    /// Returns the redirect URI of a flow, which may carry the state.
    ///
    /// The flow keeps it and sends it again at the exchange.
    fn redirect_uri(&self, state: &State) -> RedirectUri {
        authorization::redirect_uri(self.client(), state)
    }

    /// Reads the authorization response of a redirect.
    ///
    /// # Errors
    /// [`RedirectError`]. Its code, if there is one, must not be exchanged.
    fn read_redirect(
        &self,
        redirect: &Redirect,
        expected: &ExpectedRedirect<'_>,
    ) -> Result<AuthorizationResponse, RedirectError> {
        redirect::read(self.client(), redirect, expected)
    }

    /// Builds a device authorization request (RFC 8628 §3.1); `None` if the provider has no login
    /// by device code.
    ///
    /// # Errors
    /// [`Error::Scope`], [`Error::ExtraParameter`], [`Error::HeaderValue`].
    fn device_authorization_request(
        &self,
        site: &Origin,
        request: &DeviceAuthorizationRequest<'_>,
    ) -> Result<Option<Request<RequestBody>>, Error> {
        device_authorization::build(self.client(), site, request)
    }

    /// Reads the response to a device authorization request that was sent at `sent_at`.
    ///
    /// # Errors
    /// [`DeviceAuthorizationError`], also for a text that cannot be shown to a person.
    fn read_device_authorization_response(
        &self,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
        device_authorization::read(self.client(), response, sent_at)
    }

    /// Builds a token request (RFC 6749 §4.1.3, §6; RFC 8628 §3.4).
    ///
    /// It has an absolute URI and `Content-Length`; secrets in headers are marked sensitive.
    /// Redirects must not be followed with it.
    ///
    /// # Errors
    /// [`Error::HeaderValue`] if a value must travel in a header and cannot.
    fn token_request(
        &self,
        site: &Origin,
        grant: &Grant<'_>,
    ) -> Result<Request<RequestBody>, Error> {
        token_request::build(self.client(), site, grant)
    }

    /// Reads the response to a token request of this type that was sent at `sent_at`.
    ///
    /// A member that is not used never costs tokens, however odd it is, and neither does a
    /// senseless expiry: it counts as unknown, and stays in [`TokenSet::extra`]. A token that is
    /// not one clean JSON string makes the response unreadable. A token that cannot be sent in a
    /// header is kept: [`attach`](Self::attach) refuses it.
    ///
    /// An absolute expiry is by the server's clock. If the response has a `Date`, the token's
    /// lifetime is the difference between the two, and [`TokenSet::expires_at`] is `sent_at` plus
    /// this lifetime.
    ///
    /// # Errors
    /// [`Refusal`] with its class.
    fn read_token_response(
        &self,
        grant_type: GrantType,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Result<TokenSet, Refusal> {
        token_response::read(self.client(), grant_type, response, sent_at)
    }

    /// Builds the requests that revoke a token set, in order; none if the provider has no
    /// revocation.
    ///
    /// # Errors
    /// [`Error::HeaderValue`].
    fn revocation_requests(
        &self,
        site: &Origin,
        tokens: &TokenSet,
    ) -> Result<Vec<Request<RequestBody>>, Error> {
        revocation::revocation(self.client(), site, tokens)
    }

    /// Reads the response to one of the [`revocation_requests`](Self::revocation_requests).
    ///
    /// Only a 2xx, or a response that the dialect's
    /// [`done_when`](crate::RevocationRules::done_when) names, is [`RevocationOutcome::Done`]: a
    /// refused revocation leaves the token valid.
    fn read_revocation_response(&self, response: &Response<Bytes>) -> RevocationOutcome {
        revocation_response::read(self.client(), response)
    }

    /// Builds the introspection request for a token; `None` if the provider has no introspection.
    ///
    /// # Errors
    /// [`Error::HeaderValue`].
    fn introspection_request(
        &self,
        site: &Origin,
        token: &AccessToken,
    ) -> Result<Option<Request<RequestBody>>, Error> {
        revocation::introspection(self.client(), site, token)
    }

    /// Reads the response to the [`introspection_request`](Self::introspection_request) that was
    /// sent at `sent_at`.
    ///
    /// An error code `invalid_token`, with which some providers answer for a token that is not
    /// valid, is an [`Introspection`] that is not active.
    ///
    /// # Errors
    /// [`IntrospectionError`] if the response says nothing about the token.
    fn read_introspection_response(
        &self,
        response: &Response<Bytes>,
        sent_at: SystemTime,
    ) -> Result<Introspection, IntrospectionError> {
        introspection::read(self.client(), response, sent_at)
    }

    /// Returns the token in the form in which requests carry it.
    ///
    /// `token_type` is that of the token set. A token whose type the client does not understand
    /// must not be sent (RFC 6749 §7.1). A bearer attachment is for bearer tokens alone: the type
    /// is absent, `bearer` in any case, or one of the dialect's
    /// [`token_types`](crate::ResponseRules::token_types). Another attachment says itself how the
    /// provider's types are used; it takes all but those that require more than the token, or that
    /// are none: `dpop`, `mac`, `pop` and `n_a`.
    ///
    /// # Errors
    /// [`Error::TokenType`] for another type, [`Error::HeaderValue`] for a token that would break
    /// out of a header or change in it.
    fn attach(&self, token: &AccessToken, token_type: Option<&str>) -> Result<Attachment, Error> {
        attachment::attach(self.client(), token, token_type)
    }

    /// Returns what a response of the API says about the token that was sent.
    ///
    /// A non-error response never rejects the token: below 400 the verdict is
    /// [`Verdict::Accepted`], and the engine does not call this method.
    fn read_resource_response(&self, status: StatusCode, headers: &HeaderMap) -> Verdict {
        resource::read(self.client(), status, headers)
    }
}

impl Provider for Client {
    fn client(&self) -> &Client {
        self
    }
}

macro_rules! forward {
    ($($pointer:ident),*) => {$(
        impl<T: Provider + ?Sized> Provider for $pointer<T> {
            fn client(&self) -> &Client {
                (**self).client()
            }
            fn brand(&self) -> &str {
                (**self).brand()
            }
            fn configuration_digest(&self) -> [u8; 32] {
                (**self).configuration_digest()
            }
            fn site(&self, given: Option<&str>) -> Result<Origin, Error> {
                (**self).site(given)
            }
            fn api_origins(&self, site: &Origin, login: &LoginData) -> Vec<ApiOrigin> {
                (**self).api_origins(site, login)
            }
            fn authorization_url(
                &self,
                site: &Origin,
                request: &AuthorizationRequest<'_>,
            ) -> Result<Url, Error> {
                (**self).authorization_url(site, request)
            }
            fn redirect_uri(&self, state: &State) -> RedirectUri {
                (**self).redirect_uri(state)
            }
            fn read_redirect(
                &self,
                redirect: &Redirect,
                expected: &ExpectedRedirect<'_>,
            ) -> Result<AuthorizationResponse, RedirectError> {
                (**self).read_redirect(redirect, expected)
            }
            fn device_authorization_request(
                &self,
                site: &Origin,
                request: &DeviceAuthorizationRequest<'_>,
            ) -> Result<Option<Request<RequestBody>>, Error> {
                (**self).device_authorization_request(site, request)
            }
            fn read_device_authorization_response(
                &self,
                response: &Response<Bytes>,
                sent_at: SystemTime,
            ) -> Result<DeviceAuthorization, DeviceAuthorizationError> {
                (**self).read_device_authorization_response(response, sent_at)
            }
            fn token_request(
                &self,
                site: &Origin,
                grant: &Grant<'_>,
            ) -> Result<Request<RequestBody>, Error> {
                (**self).token_request(site, grant)
            }
            fn read_token_response(
                &self,
                grant_type: GrantType,
                response: &Response<Bytes>,
                sent_at: SystemTime,
            ) -> Result<TokenSet, Refusal> {
                (**self).read_token_response(grant_type, response, sent_at)
            }
            fn revocation_requests(
                &self,
                site: &Origin,
                tokens: &TokenSet,
            ) -> Result<Vec<Request<RequestBody>>, Error> {
                (**self).revocation_requests(site, tokens)
            }
            fn read_revocation_response(&self, response: &Response<Bytes>) -> RevocationOutcome {
                (**self).read_revocation_response(response)
            }
            fn introspection_request(
                &self,
                site: &Origin,
                token: &AccessToken,
            ) -> Result<Option<Request<RequestBody>>, Error> {
                (**self).introspection_request(site, token)
            }
            fn read_introspection_response(
                &self,
                response: &Response<Bytes>,
                sent_at: SystemTime,
            ) -> Result<Introspection, IntrospectionError> {
                (**self).read_introspection_response(response, sent_at)
            }
            fn attach(
                &self,
                token: &AccessToken,
                token_type: Option<&str>,
            ) -> Result<Attachment, Error> {
                (**self).attach(token, token_type)
            }
            fn read_resource_response(&self, status: StatusCode, headers: &HeaderMap) -> Verdict {
                (**self).read_resource_response(status, headers)
            }
        }
    )*};
}

forward!(Arc, Box);
