//! The callback of a provider that posts its answer in a form (OAuth 2.0 Form Post Response Mode).
//!
//! The provider's page posts it, so the request comes from another site: no check of the origin can
//! hold, and the state alone binds it to the login. Browsers send only cookies with `SameSite=None`
//! along. The application's session is usually `Lax`; a page that posts the form again, from this
//! site, brings it in.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, header::REFERRER_POLICY, request::Parts};
use tokenkeeper_engine::protocol::Redirect;

use crate::{
    builtin, callback,
    callback_path::CallbackPath,
    context::RouteContext,
    cookies::{self, LoginCookie},
    failure::Failure,
    form,
};

/// The limit for a form. It may hold an id token next to the code.
const MAX_FORM: usize = 64 * 1024;

/// The query of a form that this site has posted again.
const AGAIN: &str = "again";

/// Handles the provider's form, and the same form posted again.
pub(crate) async fn complete(
    State(context): State<Arc<RouteContext>>,
    callback_path: Arc<CallbackPath>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match read(&callback_path, &parts, body).await {
        Ok((_, form)) if context.subject(&parts, None).is_err() && !is_again(&parts) => {
            post_again(&context, &callback_path, &form)
        }
        Ok((cookie, form)) => {
            let redirect = Redirect::form_post(form);
            callback::respond(&context, &callback_path, &cookie, &parts, redirect).await
        }
        Err(failure) => callback::failed(&context, &callback_path, &parts, &failure),
    }
}

async fn read(
    callback_path: &CallbackPath,
    parts: &Parts,
    body: Body,
) -> Result<(LoginCookie, String), Failure> {
    if !form::is_form(&parts.headers) {
        return Err(Failure::NO_ANSWER);
    }
    let form = to_bytes(body, MAX_FORM).await;
    let form = form.map_err(|_| Failure::TOO_LARGE)?;
    let form = String::from_utf8(form.into()).map_err(|_| Failure::NO_ANSWER)?;
    let state = callback_path.state(&form);
    let cookie = cookies::find(callback_path, state.as_deref(), &parts.headers)?;
    Ok((cookie, form))
}

fn is_again(parts: &Parts) -> bool {
    parts.uri.query() == Some(AGAIN)
}

/// Renders a page whose script posts the form once more.
fn post_again(context: &RouteContext, callback_path: &CallbackPath, form: &str) -> Response {
    let name = context.routes.name_of(&callback_path.brand);
    let mut response = builtin::post_again(name, AGAIN, form);
    // Under "no-referrer" the form would name no origin.
    let policy = HeaderValue::from_static("same-origin");
    response.headers_mut().insert(REFERRER_POLICY, policy);
    response
}
