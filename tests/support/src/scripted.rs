use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header::AUTHORIZATION};
use tokenkeeper_engine::{
    Credential, Error, TokenPlacement, TokenSource, TokenVersion,
    protocol::{AccessToken, ApiOrigin, Attachment, Origin, Verdict},
};
use tokio::sync::Semaphore;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Authorization,
    OwnHeader,
    Query,
}

/// Hands out `secret-0`, and the next number for each rejection of the current one.
#[derive(Clone, Debug)]
pub struct Scripted(Arc<Script>);

#[derive(Debug)]
pub struct Script {
    origin: Origin,
    place: Place,
    generation: AtomicU64,
    /// No token is cached: `token` waits for a permit.
    cold: AtomicBool,
    pub arrival: Semaphore,
    /// Rejections lead to no other token.
    held_off: AtomicBool,
    /// Every question for a token, or for a new one, fails.
    failing: AtomicBool,
    /// A rejected token cannot be replaced: the token endpoint is down.
    irreplaceable: AtomicBool,
    pub asked: Mutex<Vec<bool>>,
    pub waits: AtomicUsize,
    pub replaced: AtomicUsize,
    pub rejected: AtomicUsize,
    pub verdicts: Mutex<Vec<Verdict>>,
}

impl Scripted {
    pub fn new(origin: &str, place: Place) -> Self {
        Self(Arc::new(Script {
            origin: Origin::parse(origin).unwrap(),
            place,
            generation: AtomicU64::new(0),
            cold: AtomicBool::new(false),
            arrival: Semaphore::new(0),
            held_off: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            irreplaceable: AtomicBool::new(false),
            asked: Mutex::default(),
            waits: AtomicUsize::new(0),
            replaced: AtomicUsize::new(0),
            rejected: AtomicUsize::new(0),
            verdicts: Mutex::default(),
        }))
    }

    pub fn cold(self) -> Self {
        self.cold.store(true, SeqCst);
        self
    }

    pub fn held_off(self) -> Self {
        self.held_off.store(true, SeqCst);
        self
    }

    pub fn failing(self) -> Self {
        self.failing.store(true, SeqCst);
        self
    }

    pub fn irreplaceable(self) -> Self {
        self.irreplaceable.store(true, SeqCst);
        self
    }

    fn current(&self) -> Credential {
        let generation = self.generation.load(SeqCst);
        let token = format!("secret-{generation}");
        let header = |name: HeaderName, text: String| {
            let mut value = HeaderValue::try_from(text).unwrap();
            value.set_sensitive(true);
            (name, value)
        };
        let (name, value) = match self.place {
            Place::Authorization => header(AUTHORIZATION, format!("Bearer {token}")),
            Place::OwnHeader => header(HeaderName::from_static("x-access-token"), token),
            Place::Query => {
                return Credential::new(query("access_token", &token), generation);
            }
        };
        Credential::new(header_attachment(name, value), generation)
    }
}

fn header_attachment(name: HeaderName, value: HeaderValue) -> Attachment {
    Attachment::Header { name, value }
}

fn query(name: &str, token: &str) -> Attachment {
    Attachment::Query {
        name: name.to_owned(),
        value: AccessToken::new(token),
    }
}

impl std::ops::Deref for Scripted {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.0
    }
}

#[async_trait]
impl TokenSource for Scripted {
    fn try_credential(&self, replayable: bool) -> Option<Credential> {
        self.asked.lock().unwrap().push(replayable);
        (!self.cold.load(SeqCst) && !self.failing.load(SeqCst)).then(|| self.current())
    }

    async fn credential(&self, replayable: bool) -> Result<Credential, Error> {
        self.waits.fetch_add(1, SeqCst);
        assert_eq!(self.asked.lock().unwrap().last(), Some(&replayable));
        if self.failing.load(SeqCst) {
            return Err(Error::ShutDown);
        }
        self.arrival.acquire().await.unwrap().forget();
        Ok(self.current())
    }

    async fn replacement(&self, rejected: TokenVersion) -> Result<Option<Credential>, Error> {
        self.replaced.fetch_add(1, SeqCst);
        if self.failing.load(SeqCst) || self.irreplaceable.load(SeqCst) {
            return Err(Error::ShutDown);
        }
        if self.held_off.load(SeqCst) {
            return Ok(None);
        }
        if rejected == self.current().version() {
            self.generation.fetch_add(1, SeqCst);
        }
        tokio::task::yield_now().await;
        Ok(Some(self.current()))
    }

    fn report_rejection(&self, _: TokenVersion) {
        self.rejected.fetch_add(1, SeqCst);
    }

    fn classify_response(&self, _: TokenVersion, status: StatusCode, _: &HeaderMap) -> Verdict {
        let verdict = match status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected,
            StatusCode::TOO_MANY_REQUESTS => Verdict::RateLimited { retry_after: None },
            _ => Verdict::Accepted,
        };
        self.verdicts.lock().unwrap().push(verdict.clone());
        verdict
    }

    fn origins(&self) -> Vec<ApiOrigin> {
        vec![self.origin.clone().into()]
    }

    fn allows(&self, target: &Uri) -> bool {
        self.origin.matches(target)
    }

    fn placement(&self) -> TokenPlacement {
        match self.place {
            Place::Authorization => TokenPlacement::Authorization,
            Place::OwnHeader => TokenPlacement::OtherHeader,
            Place::Query => TokenPlacement::Query,
        }
    }
}
