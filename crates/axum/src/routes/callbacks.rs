//! The callbacks' paths and their routes.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::Request,
    routing::{MethodRouter, get},
};
use http::StatusCode;
use tokenkeeper_engine::protocol::ResponseMode;

use super::Routes;
use crate::{
    callback, callback_path::CallbackPath, confirm, context::RouteContext, error::Error, form,
    form_post, relay,
};

impl Routes {
    pub(super) fn callback_paths(&self) -> Result<Vec<Arc<CallbackPath>>, Error> {
        let mut taken: HashMap<String, String> = HashMap::new();
        let mut callback_paths = Vec::new();
        for provider in self.accounts.providers() {
            let callback_path = CallbackPath::of(provider, &self.prefix, self.redirect_port)?;
            let (path, brand) = (callback_path.path.clone(), callback_path.brand.clone());
            if self.is_form(&callback_path.route) {
                return Err(Error::TakenPath { path, brand });
            }
            if let Some(first) = taken.insert(path.clone(), brand.clone()) {
                return Err(Error::SharedPath {
                    path,
                    first,
                    second: brand,
                });
            }
            callback_paths.push(Arc::new(callback_path));
        }
        Ok(callback_paths)
    }

    fn is_form(&self, path: &str) -> bool {
        ["connect", "disconnect"].iter().any(|form| {
            let provider = path.strip_prefix(&format!("{}/{form}/", self.at));
            provider.is_some_and(|provider| !provider.contains('/'))
        })
    }
}

pub(super) fn callback_route(path: &Arc<CallbackPath>) -> MethodRouter<Arc<RouteContext>> {
    let [one, two] = [path.clone(), path.clone()];
    let query = get(move |state, request: Request| callback::query(state, one, request));
    let route = match path.response_mode {
        // A provider that does not know the response mode answers in the query.
        ResponseMode::FormPost => {
            query.post(move |state, request: Request| form_post::complete(state, two, request))
        }
        ResponseMode::Fragment => {
            let (one, path) = (path.clone(), path.clone());
            let page = get(move |state, request: Request| relay::serve(state, one, request));
            page.post(async move |state, request: Request| {
                // The page's script posts the fragment as text.
                if path.asks && form::is_form(request.headers()) {
                    confirm::complete(state, two, request).await
                } else {
                    relay::complete(state, two, request).await
                }
            })
        }
        ResponseMode::Query if path.asks => {
            query.post(move |state, request: Request| confirm::complete(state, two, request))
        }
        ResponseMode::Query => query,
    };
    // HEAD must not complete a login.
    route.head(async || StatusCode::METHOD_NOT_ALLOWED)
}
