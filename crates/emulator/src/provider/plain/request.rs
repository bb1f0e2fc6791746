//! Token requests: where their parameters are, and what they must hold.

use http::{HeaderMap, request};

use super::Plain;
use super::client::authenticate;
use super::options::{ParameterPlace, RequestOptions};
use crate::params::Params;
use crate::provider::refusal::Refusal;
use crate::provider::{Context, has_type, is_form};
use crate::registration::RegisteredClient;

/// A request to the token endpoint by a known client.
pub(super) struct TokenRequest {
    pub(super) grant: GrantType,
    pub(super) client: RegisteredClient,
    pub(super) params: Params,
}

/// What is redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantType {
    Code,
    RefreshToken,
    DeviceCode,
}

impl TokenRequest {
    pub(super) fn read(
        cx: &Context<Plain>,
        head: &request::Parts,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        let options = &cx.provider.options;
        let requests = &options.requests;
        let params = read_parameters(requests, head, body)?;
        if let Some(name) = params.repeated() {
            return Err(Refusal::repeated(name));
        }
        let params = params.standardized(&requests.names);
        let asked = asked_grant_type(requests, head, &params);
        let method = match asked {
            REFRESH_TOKEN => options.client.refresh(),
            _ => options.client.general(),
        };
        let client = authenticate(cx, &head.headers, &params, method)?;
        let grant = grant_type(requests, head, asked)?;
        let required: &[_] = match grant {
            GrantType::Code => &requests.code,
            GrantType::RefreshToken => &requests.refresh,
            GrantType::DeviceCode => &[],
        };
        check_parameters(required, &params)?;
        check_headers(&requests.headers, &head.headers)?;
        Ok(Self {
            grant,
            client,
            params,
        })
    }
}

/// Reads the parameters from where the provider takes them.
pub(super) fn read_parameters(
    options: &RequestOptions,
    head: &request::Parts,
    body: &[u8],
) -> Result<Params, Refusal> {
    match options.place {
        ParameterPlace::Form => read_form(&head.headers, body),
        ParameterPlace::Query => Ok(Params::of_uri(&head.uri)),
        ParameterPlace::Json => read_json(&head.headers, body),
    }
}

/// Reads the parameters of a JSON object.
pub(super) fn read_json(headers: &HeaderMap, body: &[u8]) -> Result<Params, Refusal> {
    if !has_type(headers, "application/json") {
        return Err(Refusal::request("the body must be application/json"));
    }
    let params = Params::of_json(body);
    params.ok_or_else(|| Refusal::request("the body must be a flat JSON object"))
}

/// Reads the parameters of a form.
pub(super) fn read_form(headers: &HeaderMap, body: &[u8]) -> Result<Params, Refusal> {
    if is_form(headers) {
        return Ok(Params::parse(body));
    }
    Err(Refusal::request(
        "the body must be application/x-www-form-urlencoded",
    ))
}

/// Returns the grant type that a request names or implies. Empty: neither.
pub(super) fn asked_grant_type<'a>(
    options: &RequestOptions,
    head: &request::Parts,
    params: &'a Params,
) -> &'a str {
    match params.value("grant_type") {
        Some(grant_type) => grant_type,
        None if at_refresh_path(options, head) => REFRESH_TOKEN,
        None if !options.optional_grant_type => "",
        None if params.has("code") => AUTHORIZATION_CODE,
        None if params.has("refresh_token") => REFRESH_TOKEN,
        None => "",
    }
}

/// Fails on a required parameter that is missing or has another value.
pub(super) fn check_parameters(
    required: &[(String, String)],
    params: &Params,
) -> Result<(), Refusal> {
    for (name, value) in required {
        match params.value(name) {
            None => return Err(Refusal::missing(name)),
            Some(given) if given != value => {
                return Err(Refusal::request(format!("{name} must be {value}")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Fails on a required header that is missing or has another value.
pub(super) fn check_headers(
    required: &[(String, String)],
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    for (name, value) in required {
        match headers.get(name) {
            None => return Err(Refusal::request(format!("the header {name} is missing"))),
            Some(given) if given != value.as_str() => {
                return Err(Refusal::request(format!("the header {name} is wrong")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn grant_type(
    options: &RequestOptions,
    head: &request::Parts,
    asked: &str,
) -> Result<GrantType, Refusal> {
    let here = at_refresh_path(options, head);
    let unsupported = |text| Err(Refusal::new("unsupported_grant_type", text));
    match asked {
        "" => Err(Refusal::missing("grant_type")),
        REFRESH_TOKEN if here || options.refresh_path.is_none() => Ok(GrantType::RefreshToken),
        REFRESH_TOKEN => unsupported("another endpoint refreshes tokens"),
        _ if here => unsupported("this endpoint only refreshes tokens"),
        AUTHORIZATION_CODE => Ok(GrantType::Code),
        DEVICE_CODE => Ok(GrantType::DeviceCode),
        _ => unsupported("authorization_code, refresh_token or a device code"),
    }
}

fn at_refresh_path(options: &RequestOptions, head: &request::Parts) -> bool {
    options.refresh_path.as_deref() == Some(head.uri.path())
}

const AUTHORIZATION_CODE: &str = "authorization_code";
const REFRESH_TOKEN: &str = "refresh_token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
