#![doc = include_str!("../README.md")]

mod access_token;
mod adapter;
mod address;
mod api_origin;
mod api_origins;
mod attachment;
mod authorization;
mod body;
mod challenge;
mod classification;
mod client;
mod clocks;
mod configuration;
#[cfg(feature = "conformance")]
pub mod conformance;
mod device_authorization;
mod dialect;
mod error;
mod error_code;
mod grant;
mod header;
mod hint;
mod introspection;
mod json;
mod login_data;
mod origin;
mod provider;
mod public_suffix;
mod rate_limit;
mod redirect;
mod redirect_uri;
mod refusal;
mod registration;
mod request_body;
mod resource;
mod revocation;
mod revocation_response;
mod secret;
mod site;
mod site_policy;
mod token_request;
mod token_response;
mod token_set;
mod token_type;
mod values;

pub use access_token::AccessToken;
pub use address::{AddressPolicy, AddressRefused, is_public_address};
pub use api_origin::ApiOrigin;
pub use attachment::{ApiHeaders, Attachment};
pub use authorization::AuthorizationRequest;
pub use challenge::{Challenge, parse_www_authenticate};
pub use classification::MAX_TOKEN_RESPONSE;
pub use client::Client;
pub use device_authorization::{
    DeviceAuthorization, DeviceAuthorizationError, DeviceAuthorizationProblem,
    DeviceAuthorizationRequest,
};
pub use dialect::{
    ApiOriginRule, AttachmentMethod, AuthorizationParameter, AuthorizationRules,
    AuthorizationValue, CallbackNames, ClassName, ClientAuthentication, DeviceRules, Dialect,
    Endpoint, ErrorRule, ErrorRules, Expiry, IntrospectionRules, Json, LoginOriginRule, Method,
    OldAccessToken, ParameterPlace, Pkce, RateLimitHeaders, RedirectRule, RefreshLifetime,
    RefreshRules, ResourceRules, ResponseMode, ResponseRules, RevocationReach, RevocationRules,
    RevokedResponse, RevokedToken, StateEcho, StatePlace, Template, TokenParameter, TokenPlace,
    TokenRules, TokenValue, ValuePattern, ValueRules,
};
pub use error::{Error, HeaderProblem};
pub use error_code::ErrorCode;
pub use grant::{Grant, GrantType};
#[doc(hidden)]
pub use header::date as server_time;
pub use header::sensitive_header;
pub use hint::Hint;
pub use introspection::{Introspection, IntrospectionError};
pub use login_data::LoginData;
pub use origin::Origin;
pub use provider::Provider;
pub use rate_limit::RateLimit;
pub use redirect::{
    AuthorizationResponse, ErrorDescription, ExpectedRedirect, Redirect, RedirectError,
};
pub use redirect_uri::RedirectUri;
pub use refusal::{Class, Refusal};
pub use registration::Registration;
pub use request_body::RequestBody;
pub use resource::Verdict;
pub use revocation_response::RevocationOutcome;
pub use secret::{AuthorizationCode, ClientSecret, CodeVerifier, DeviceCode, RefreshToken, State};
pub use site_policy::SitePolicy;
pub use token_set::TokenSet;

// The types in the signatures, so that implementations need no dependency on these crates.
pub use bytes;
pub use http;
pub use url::{self, Url};
