//! The signed-in person's account, as an argument of a handler.

use std::{marker::PhantomData, ops::Deref};

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header::ACCEPT, request::Parts};
use serde_json::json;
use tokenkeeper_engine::{Account, Advice, Error, ErrorChain, Status};

use crate::{failure::Failure, fields::Fields, local_path, page, routes::Routes};

/// The signed-in person's connected account at a provider, as an argument of a handler.
///
/// The application's state has the [`Routes`], so that axum finds them by `FromRef`. A type names
/// the provider, or else the route's parameter `{provider}` does. The fields `site` and `account`
/// of the query select an account as in a form.
///
/// # Rejections
///
/// [`ConnectRejection`]: a browser that opens a page is redirected to the page that connects, and
/// comes back; any other request gets 401, 409 or 503 and JSON.
///
/// ```
/// use axum::{Router, extract::FromRef, routing::get};
/// use tokenkeeper_axum::{ConnectedAccount, ProviderBrand, Routes};
///
/// struct Amiqus;
///
/// impl ProviderBrand for Amiqus {
///     const BRAND: &'static str = "amiqus";
/// }
///
/// #[derive(Clone)]
/// struct App {
///     routes: Routes,
///     // Clients, databases, …
/// }
///
/// impl FromRef<App> for Routes {
///     fn from_ref(app: &App) -> Self {
///         app.routes.clone()
///     }
/// }
///
/// async fn checks(account: ConnectedAccount<Amiqus>) -> String {
///     // `account` goes into a request's extensions, or `account.token().await` into its header.
///     account.site().to_string()
/// }
///
/// async fn site(account: ConnectedAccount) -> String {
///     account.site().to_string()
/// }
///
/// # fn f(routes: Routes) -> Result<Router, tokenkeeper_axum::Error> {
/// let app = Router::new()
///     .route("/checks", get(checks))
///     .route("/site/{provider}", get(site))
///     .merge(routes.clone().router()?)
///     .with_state(App { routes });
/// # Ok(app) }
/// ```
#[derive(Clone, Debug)]
pub struct ConnectedAccount<P = PathProvider> {
    account: Account,
    provider: PhantomData<fn() -> P>,
}

/// The provider of a [`ConnectedAccount`].
pub trait ProviderBrand {
    /// The brand, as the provider's dialect names it.
    const BRAND: &'static str;
}

/// The provider that the route's parameter `{provider}` names.
#[derive(Clone, Copy, Debug)]
pub enum PathProvider {}

impl<P> ConnectedAccount<P> {
    /// Returns the account.
    #[must_use]
    pub fn into_inner(self) -> Account {
        self.account
    }
}

impl<P> Deref for ConnectedAccount<P> {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl<P: ProviderBrand, S: Send + Sync> FromRequestParts<S> for ConnectedAccount<P>
where
    Routes: FromRef<S>,
{
    type Rejection = ConnectRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ConnectRejection> {
        connected(&Routes::from_ref(state), P::BRAND, parts).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ConnectedAccount
where
    Routes: FromRef<S>,
{
    type Rejection = ConnectRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ConnectRejection> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let brand = params.ok().and_then(|params| {
            let mut params = params.iter();
            params.find_map(|(name, brand)| (name == "provider").then(|| brand.to_owned()))
        });
        let brand = brand.ok_or(ConnectRejection::UnknownProvider)?;
        connected(&Routes::from_ref(state), &brand, parts).await
    }
}

/// Finds the account and requires that it needs no login.
async fn connected<P>(
    routes: &Routes,
    brand: &str,
    parts: &Parts,
) -> Result<ConnectedAccount<P>, ConnectRejection> {
    let person = (routes.subject)(parts.clone()).await;
    let person = person.map_err(|response| ConnectRejection::Subject(Box::new(response)))?;
    let person = person.ok_or(ConnectRejection::SignedOut)?;
    let fields = Fields::of_query(routes, parts).map_err(ConnectRejection::refused)?;
    let name = fields.account_name().map_err(ConnectRejection::refused)?;
    let subject = routes.account_subject(&person, name);
    let subject = subject.ok_or_else(|| ConnectRejection::refused(Failure::ACCOUNT))?;
    let account = match &fields.site {
        Some(site) => routes.accounts.account_at(brand, site, &subject),
        None => routes.accounts.account(brand, &subject),
    };
    let account = match account {
        Ok(account) => account,
        Err(Error::UnknownProvider { .. }) => return Err(ConnectRejection::UnknownProvider),
        Err(error) => return Err(ConnectRejection::refused(Failure::from(&error))),
    };
    match account.status().await {
        Ok(Status::Connected(connection)) if connection.reauthorize.is_none() => {
            Ok(ConnectedAccount {
                account,
                provider: PhantomData,
            })
        }
        Ok(_) => Err(ConnectRejection::NotConnected {
            connect: connect_link(routes, brand, fields, parts),
            opens_page: opens_page(parts),
        }),
        Err(error) => {
            tracing::info!(
                provider = brand,
                error = %ErrorChain::of(&error),
                "an account's state is not known"
            );
            let retry = matches!(error.advice(), Advice::Retry { .. });
            Err(ConnectRejection::Unavailable { retry })
        }
    }
}

/// Returns the link to the page that connects this account, and then leads here.
fn connect_link(routes: &Routes, brand: &str, mut fields: Fields, parts: &Parts) -> String {
    let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
    let here = routes.browser_path(here);
    let returns = parts.method == Method::GET && local_path::is_return_path(&here);
    fields.next = returns.then_some(here);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields.pairs());
    let (path, query) = (routes.form_path("connect", brand), query.finish());
    if query.is_empty() {
        return path;
    }
    format!("{path}?{query}")
}

/// Returns whether a person opens a page, who can be sent to another.
fn opens_page(parts: &Parts) -> bool {
    let accepts = parts.headers.get_all(ACCEPT).into_iter();
    let mut accepts = accepts.filter_map(|accept| accept.to_str().ok());
    parts.method == Method::GET && accepts.any(|accept| accept.contains("text/html"))
}

/// The reason why a handler gets no [`ConnectedAccount`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectRejection {
    /// No one is signed in: 401.
    SignedOut,
    /// The account needs a login: 409 and JSON with the link, or a redirect to it.
    NotConnected {
        /// The link to the page that connects the account.
        connect: String,
        /// Whether a browser opens a page, which is redirected.
        opens_page: bool,
    },
    /// No provider has this brand, or the route does not name one: 404.
    UnknownProvider,
    /// The site, the account's name or another field of the query is not allowed.
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The failure, of the [crate's table](crate#failures).
        code: &'static str,
    },
    /// The account's state cannot be read: 503, or 500 if a retry does not help.
    Unavailable {
        /// Whether a retry helps.
        retry: bool,
    },
    /// The application's response of [`Routes::with_subject`].
    Subject(Box<Response>),
}

impl ConnectRejection {
    fn refused(failure: Failure) -> Self {
        Self::Refused {
            status: failure.status,
            code: failure.code,
        }
    }
}

impl IntoResponse for ConnectRejection {
    fn into_response(self) -> Response {
        match self {
            Self::SignedOut => answer(StatusCode::UNAUTHORIZED, &Failure::SIGNED_OUT),
            Self::NotConnected {
                connect,
                opens_page: true,
            } => page::see_other(&connect),
            Self::NotConnected { connect, .. } => {
                let text = "This account is not connected. Connect it first.";
                let json = json!({ "failure": "not-connected", "text": text, "connect": connect });
                page::json(StatusCode::CONFLICT, &json)
            }
            Self::UnknownProvider => answer(StatusCode::NOT_FOUND, &Failure::UNKNOWN_PROVIDER),
            Self::Refused { status, code } => page::json(status, &json!({ "failure": code })),
            Self::Unavailable { retry: true } => {
                answer(StatusCode::SERVICE_UNAVAILABLE, &Failure::UNAVAILABLE)
            }
            Self::Unavailable { retry: false } => {
                answer(StatusCode::INTERNAL_SERVER_ERROR, &Failure::MISCONFIGURED)
            }
            Self::Subject(response) => *response,
        }
    }
}

fn answer(status: StatusCode, failure: &Failure) -> Response {
    let json = json!({ "failure": failure.code, "text": failure.message() });
    page::json(status, &json)
}
