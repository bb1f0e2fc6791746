//! The server of one login.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing,
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, HOST},
};
use subtle::ConstantTimeEq as _;
use tokenkeeper_engine::{
    self as engine, Accounts, Confirmation, ErrorChain, Flow, FlowInfo, Login,
    protocol::{Redirect, RedirectError, ResponseMode},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot, watch},
    task::JoinSet,
};

use super::{
    page::{self, Pages},
    unconfirmed::Unconfirmed,
};
use crate::Error;

type Outcome = Result<Login, Error>;

/// The path of the last page.
const END: &str = "/login-ended";

/// The path of the page that asks about an answer without a state. Its query is the page's nonce.
const CONFIRM: &str = "/login-confirm";

/// The content type of a posted answer, which may have parameters.
const FORM: &str = "application/x-www-form-urlencoded";

/// The limit for a posted answer, which is part of a URL and so bounded by browsers.
const MAX_BODY: usize = 64 * 1024;

/// Where and how the answer arrives.
pub(super) struct Callback {
    path: String,
    /// The `Host` that browsers send.
    host: String,
    mode: ResponseMode,
}

impl Callback {
    pub(super) fn new(info: &FlowInfo) -> Self {
        let uri = &info.redirect_uri;
        let origin = uri.origin().ascii_serialization();
        Self {
            path: uri.path().to_owned(),
            host: origin
                .strip_prefix("http://")
                .unwrap_or_default()
                .to_owned(),
            mode: info.response_mode,
        }
    }
}

/// What the handlers share.
pub(super) struct Shared {
    accounts: Accounts,
    flow: Flow,
    callback: Callback,
    pages: Pages,
    /// What the relay page posts with the fragment.
    nonce: String,
    unconfirmed: Unconfirmed,
    outcome: Mutex<Option<oneshot::Sender<Outcome>>>,
    /// The text of the failure that ended the login, or none if it connected the account.
    ended: OnceLock<Option<String>>,
    last_page: Notify,
}

impl Shared {
    /// Waits until the browser has loaded the last page.
    pub(super) async fn last_page(&self) {
        self.last_page.notified().await;
    }

    /// Returns the fragment of the relay page's form, if that page has sent it: no other one knows
    /// the nonce.
    fn relayed(&self, body: &str) -> Option<String> {
        let nonce = field(body, "nonce")?;
        let is_ours = bool::from(nonce.as_bytes().ct_eq(self.nonce.as_bytes()));
        field(body, "fragment").filter(|_| is_ours)
    }

    /// Finishes the login with this answer, or leads to the page that asks about it.
    async fn finish(&self, answer: Redirect) -> Response {
        if self.ended.get().is_some() {
            return page::see_other(END);
        }
        let finished = self
            .accounts
            .finish(self.flow.clone(), answer.clone())
            .await;
        if let Err(engine::Error::ConfirmationRequired { .. }) = finished {
            let nonce = tokenkeeper_pages::nonce();
            let asking = format!("{CONFIRM}?{nonce}");
            self.unconfirmed.insert(nonce, answer);
            return page::see_other(&asking);
        }
        self.end(finished.map_err(Error::from))
    }

    /// Finishes the login with an answer that the person has confirmed.
    async fn finish_confirmed(&self, answer: Redirect) -> Response {
        if self.ended.get().is_some() {
            return page::see_other(END);
        }
        let (flow, by) = (self.flow.clone(), Confirmation::ByPerson);
        let finished = self.accounts.finish_confirmed(flow, answer, by).await;
        self.end(finished.map_err(Error::from))
    }

    /// Ends the login, unless anyone may have sent what failed.
    fn end(&self, finished: Outcome) -> Response {
        if let Err(Error::Engine(engine::Error::Redirect(error))) = &finished
            && !matches!(**error, RedirectError::Denied { .. })
        {
            return self
                .pages
                .refused(StatusCode::BAD_REQUEST, &error.to_string());
        }
        let failure = finished.as_ref().err().map(ToString::to_string);
        // A second answer gets the first one's result, and its page.
        let _ = self.ended.set(failure);
        let outcome = self
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(outcome) = outcome {
            // The command may be gone.
            let _ = outcome.send(finished);
        }
        page::see_other(END)
    }
}

/// The listeners of one login. They end when it is dropped.
pub(super) struct Server {
    shared: Arc<Shared>,
    outcome: oneshot::Receiver<Outcome>,
    stopped: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Server {
    pub(super) fn start(
        listeners: Vec<TcpListener>,
        accounts: Accounts,
        flow: Flow,
        callback: Callback,
        pages: Pages,
    ) -> Self {
        let (sender, outcome) = oneshot::channel();
        let shared = Arc::new(Shared {
            accounts,
            flow,
            callback,
            pages,
            nonce: tokenkeeper_pages::nonce(),
            unconfirmed: Unconfirmed::default(),
            outcome: Mutex::new(Some(sender)),
            ended: OnceLock::new(),
            last_page: Notify::new(),
        });
        let (stopped, stop) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let mut stop = stop.clone();
            let stop = async move {
                // It ends with the server, too.
                let _ = stop.wait_for(|stopped| *stopped).await;
            };
            let router = router(&shared);
            tasks.spawn(async move {
                let served = axum::serve(listener, router)
                    .with_graceful_shutdown(stop)
                    .await;
                if let Err(error) = served {
                    let error = ErrorChain::of(&error);
                    tracing::warn!(%error, "the login's listener failed");
                }
            });
        }
        Self {
            shared,
            outcome,
            stopped,
            tasks,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn flow(&self) -> &Flow {
        &self.shared.flow
    }

    /// Waits for the answer that ends the login.
    pub(super) async fn outcome(&mut self) -> Result<Outcome, Error> {
        (&mut self.outcome).await.map_err(|_| Error::Listener)
    }

    /// Fails once the login has expired by the engine's clock.
    pub(super) fn check_expiry(&self) -> Result<(), Error> {
        self.shared.accounts.flow(&self.shared.flow)?;
        Ok(())
    }

    /// Stops listening once the responses are sent.
    pub(super) async fn stop(&mut self) {
        self.stopped.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    let callback = routing::get(answer).post(posted_answer);
    Router::new()
        .route(END, routing::get(end))
        .route(CONFIRM, routing::get(ask).post(confirm))
        .route(&shared.callback.path, callback)
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
        .with_state(Arc::clone(shared))
}

/// Refuses requests to another host: a site can point its own name to a loopback address.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    if host == Some(shared.callback.host.as_bytes()) {
        page::harden(next.run(request).await)
    } else {
        page::harden(page::text(
            StatusCode::MISDIRECTED_REQUEST,
            "no login at this host\n",
        ))
    }
}

/// Takes the answer of the query, or serves the page that reads the fragment.
async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.method() == Method::HEAD {
        return page::text(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    match shared.callback.mode {
        ResponseMode::Fragment => shared.pages.relay(&shared.nonce),
        _ => {
            let query = request.uri().query().unwrap_or_default();
            shared.finish(Redirect::query(query)).await
        }
    }
}

/// Takes the answer that the provider's page or the relay page posts.
async fn posted_answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Some(body) = read_form(request).await else {
        let text = "The provider's answer cannot be read.";
        return shared.pages.refused(StatusCode::BAD_REQUEST, text);
    };
    match shared.callback.mode {
        ResponseMode::FormPost => shared.finish(Redirect::form_post(body)).await,
        ResponseMode::Fragment => match shared.relayed(&body) {
            Some(fragment) => shared.finish(Redirect::fragment(fragment)).await,
            None => {
                let text = "This answer does not come from the login's own page.";
                shared.pages.refused(StatusCode::FORBIDDEN, text)
            }
        },
        _ => {
            let text = "The provider answers in another way.";
            shared.pages.refused(StatusCode::METHOD_NOT_ALLOWED, text)
        }
    }
}

/// Asks about an answer without a state.
async fn ask(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let nonce = request.uri().query().unwrap_or_default();
    match (
        shared.unconfirmed.find(nonce),
        shared.accounts.flow(&shared.flow),
    ) {
        (Some(_), Ok(info)) => shared.pages.ask(info.account.site().as_str(), nonce),
        _ => shared.pages.refused(StatusCode::NOT_FOUND, NOT_ASKED),
    }
}

const NOT_ASKED: &str = "No answer waits for a confirmation here.";

/// Takes what the person decides about such an answer. No other site knows the page's nonce.
async fn confirm(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let form = read_form(request).await.unwrap_or_default();
    let nonce = field(&form, "nonce").unwrap_or_default();
    let answer = shared.unconfirmed.find(&nonce);
    match (answer, field(&form, "answer").as_deref()) {
        (Some(answer), Some("connect")) => shared.finish_confirmed(answer).await,
        (Some(_), Some("cancel")) => shared.end(Err(Error::NotConfirmed)),
        _ => shared.pages.refused(StatusCode::FORBIDDEN, NOT_ASKED),
    }
}

/// Reads a posted form.
async fn read_form(request: Request) -> Option<String> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE)?;
    let is_form = content_type.as_bytes().starts_with(FORM.as_bytes());
    let body = to_bytes(body, MAX_BODY).await.ok()?;
    String::from_utf8(body.into()).ok().filter(|_| is_form)
}

/// Returns a field of a form.
fn field(form: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form.as_bytes());
    let field = pairs.find(|pair| pair.0 == name);
    field.map(|(_, value)| value.into_owned())
}

/// Shows how the login ended.
async fn end(State(shared): State<Arc<Shared>>) -> Response {
    let response = match shared.ended.get() {
        None => {
            return shared
                .pages
                .refused(StatusCode::NOT_FOUND, "No login has ended yet.");
        }
        Some(None) => shared.pages.connected(),
        Some(Some(failure)) => shared.pages.failed(failure),
    };
    shared.last_page.notify_one();
    response
}

async fn unknown() -> Response {
    page::text(StatusCode::NOT_FOUND, "nothing is here\n")
}
