//! An application with the routes, and a browser that keeps its cookies.

use std::collections::BTreeMap;
use std::sync::Once;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header::SET_COOKIE, request::Parts},
};
use bytes::Bytes;
use tokenkeeper_axum::Routes;
use tokenkeeper_emulator::{Emulator, IOfficeOptions, RegisteredClient};
use tokenkeeper_engine::{
    Accounts,
    protocol::{Provider, Registration},
};
use tokenkeeper_provider_amiqus::Amiqus;
use tokenkeeper_provider_ioffice::IOffice;
use tokenkeeper_provider_qics_milestones::QicsMilestones;
use tokenkeeper_store_memory::MemoryStore;
use tokenkeeper_tower::HyperTransport;
use tower::ServiceExt as _;

/// The application's origin, as registered.
pub const OWN: &str = "https://app.example";

/// The signed-in person, as the application's session middleware would set it.
#[derive(Clone)]
pub struct SignedIn(pub String);

/// An application with the routes for its accounts.
pub struct App {
    pub accounts: Accounts,
    router: Router,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// A browser that keeps cookies and sends them back; none has a path or a host.
pub struct Browser {
    router: Router,
    pub person: Option<&'static str>,
    pub cookies: BTreeMap<String, String>,
    /// A further `Cookie` header, of other parts of the host.
    pub raw_cookies: Vec<u8>,
    /// All headers and bodies of responses, to be searched for secrets.
    pub seen: String,
}

impl App {
    pub fn new(provider: impl Provider) -> Self {
        Self::with_routes(provider, |routes| routes)
    }

    pub fn with_routes(provider: impl Provider, set: impl FnOnce(Routes) -> Routes) -> Self {
        Self::with(accounts().provider(provider).build().unwrap(), set)
    }

    pub fn with(accounts: Accounts, set: impl FnOnce(Routes) -> Routes) -> Self {
        Self::wrapped(accounts, set, |router| router)
    }

    pub fn wrapped(
        accounts: Accounts,
        set: impl FnOnce(Routes) -> Routes,
        wrap: impl FnOnce(Router) -> Router,
    ) -> Self {
        let signed_in = |parts: &Parts| Some(parts.extensions.get::<SignedIn>()?.0.clone());
        let routes = Routes::new(&accounts, signed_in).on_connected("/settings");
        let router = wrap(set(routes).router().unwrap());
        Self { accounts, router }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            person: Some("user-42"),
            cookies: BTreeMap::new(),
            raw_cookies: Vec::new(),
            seen: String::new(),
        }
    }

    /// The access token of the signed-in person's account.
    pub async fn token(&self, brand: &str) -> String {
        let account = self.accounts.account(brand, "user-42").unwrap();
        account.token().await.unwrap().expose().to_owned()
    }
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Follows the redirect to the page of a failure or of a question, and returns the page with
    /// the cookies of both.
    async fn shown(&mut self, answer: Answer) -> Answer {
        let location = answer.headers.get("location");
        let location = location.and_then(|location| location.to_str().ok());
        let own_pages = ["?failed=", "?ask="];
        let is_own = |path: &&str| own_pages.iter().any(|page| path.contains(page));
        let Some(page) = location.filter(is_own) else {
            return answer;
        };
        assert!(!page.contains('&'), "{page}");
        // A redirect of another site led here, so strict cookies do not come along.
        let cookies = self.cookies.clone();
        self.cookies.retain(|name, _| !name.ends_with(".confirm"));
        let mut shown = self.once(Method::GET, page, &[], "").await;
        self.cookies.extend(cookies);
        for cookie in answer.headers.get_all(SET_COOKIE) {
            shown.headers.append(SET_COOKIE, cookie.clone());
        }
        shown
    }

    /// Posts as a form of the application does.
    pub async fn post(&mut self, path: &str) -> Answer {
        self.send(Method::POST, path, &[("origin", OWN)], "").await
    }

    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let answer = self.once(method, path, headers, body).await;
        self.shown(answer).await
    }

    /// Sends a request and follows no redirect.
    pub async fn once(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.cookies {
            request = request.header("cookie", format!("{name}={value}"));
        }
        if !self.raw_cookies.is_empty() {
            request = request.header("cookie", &*self.raw_cookies);
        }
        if let Some(person) = self.person {
            request = request.extension(SignedIn(person.to_owned()));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.into()).unwrap(),
        };
        self.keep(&answer);
        answer
    }

    /// The values of the cookies of logins, without that of a failure's page.
    pub fn logins(&self) -> Vec<&str> {
        let logins = self.cookies.iter();
        let logins = logins.filter(|(name, _)| !name.contains("tokenkeeper-text."));
        logins.map(|(_, value)| value.as_str()).collect()
    }

    fn keep(&mut self, answer: &Answer) {
        for (name, value) in &answer.headers {
            self.seen += &format!("{name}: {}\n", value.to_str().unwrap());
        }
        self.seen += &answer.body;
        for cookie in answer.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all(SET_COOKIE).iter();
        all.map(|cookie| cookie.to_str().unwrap()).collect()
    }

    /// The cookies of logins that the response sets, without that of a failure's page.
    pub fn login_cookies(&self) -> Vec<&str> {
        let mut all = self.set_cookies();
        all.retain(|cookie| !cookie.contains("tokenkeeper-text."));
        all
    }

    /// The body's text after `start`, up to the next quotation mark.
    pub fn quoted_after(&self, start: &str) -> &str {
        let (_, rest) = self.body.split_once(start).unwrap();
        rest.split('"').next().unwrap()
    }
}

/// Clicks at the provider's page and returns where it redirects.
pub async fn location(emulator: &Emulator, url: &str, click: &str) -> String {
    let page = url
        .strip_prefix(emulator.base())
        .expect("the provider's page");
    let request = Request::get(format!("{page}&{click}"))
        .body(Bytes::new())
        .unwrap();
    let answer = emulator.call(request).await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Clicks at the provider's page and returns where it redirects: path with query, and fragment.
pub async fn at_provider(emulator: &Emulator, url: &str, click: &str) -> (String, String) {
    let location = location(emulator, url, click).await;
    let path = location
        .strip_prefix(OWN)
        .expect("a redirect to the application");
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    (path.to_owned(), fragment.to_owned())
}

pub fn accounts() -> tokenkeeper_engine::AccountsBuilder {
    static CRYPTO: Once = Once::new();
    CRYPTO.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap();
    });
    Accounts::builder(MemoryStore::new()).transport(HyperTransport::new().unwrap())
}

/// A registration with this redirect path, which must be unique.
pub fn registration(path: &str) -> Registration {
    Registration::new("my-client", format!("{OWN}{path}")).secret("s3cr3t")
}

pub fn registered(path: &str) -> RegisteredClient {
    RegisteredClient::new("my-client")
        .secret("s3cr3t")
        .redirect_uri(format!("{OWN}{path}"))
}

pub async fn amiqus() -> (Emulator, Amiqus) {
    let emulator = Emulator::amiqus().client(registered("/oauth/amiqus"));
    let emulator = emulator.start().await.unwrap();
    let provider = Amiqus::new(registration("/oauth/amiqus")).unwrap();
    let provider = provider.base(emulator.base()).unwrap();
    (emulator, provider)
}

pub async fn qics() -> (Emulator, QicsMilestones) {
    let emulator = Emulator::qics().client(registered("/oauth/qics"));
    let emulator = emulator.start().await.unwrap();
    let provider = QicsMilestones::new(registration("/oauth/qics")).unwrap();
    let provider = provider.base(emulator.base()).unwrap();
    (emulator, provider)
}

pub async fn ioffice() -> (Emulator, IOffice) {
    ioffice_with(IOfficeOptions::default()).await
}

pub async fn ioffice_with(options: IOfficeOptions) -> (Emulator, IOffice) {
    let emulator = Emulator::ioffice().options(options);
    let emulator = emulator.client(registered("/oauth/ioffice"));
    let emulator = emulator.record_requests().start().await.unwrap();
    let provider = IOffice::new(registration("/oauth/ioffice")).unwrap();
    let provider = provider.base(emulator.base()).unwrap();
    (emulator, provider)
}
