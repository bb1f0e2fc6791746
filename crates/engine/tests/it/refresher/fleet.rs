//! A fleet of accounts at an in-memory provider that accepts each refresh token once and counts its
//! requests per second.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_engine::{
    Accounts, AccountsBuilder, Clock, Options, RequestBody, TestClock, Transport, TransportError,
    protocol::{Client, Dialect, RefreshLifetime, TokenSet},
    store::{Filter, TokenStore},
};
use tokenkeeper_store_memory::MemoryStore;

use crate::harness::{HOUR, new_clock, registration};

/// Many accounts at one provider, on one clock.
pub struct Fleet {
    pub clock: TestClock,
    pub store: MemoryStore,
    pub provider: Arc<StrictProvider>,
}

impl Fleet {
    /// Connects `size` accounts, evenly spread over the next `time`.
    pub async fn connect(size: u32, time: Duration) -> Self {
        let clock = new_clock();
        let wall = clock.clone();
        let fleet = Self {
            store: MemoryStore::new().clock(move || wall.wall()),
            provider: Arc::new(StrictProvider::new(size, clock.clone())),
            clock,
        };
        fleet.connect_range(0..size, time).await;
        fleet
    }

    /// Connects `more` accounts now.
    pub async fn connect_more(&self, more: u32) {
        let size = self.provider.add(more);
        self.connect_range(size..size + more, Duration::ZERO).await;
    }

    async fn connect_range(&self, range: Range<u32>, time: Duration) {
        let size = range.len() as u32;
        // A process keeps the accounts that it connected in memory for a while; several keep fewer
        // each.
        const CHUNK: u32 = 20_000;
        for from in range.clone().step_by(CHUNK as usize) {
            let accounts = self.process();
            for n in from..(from + CHUNK).min(range.end) {
                let account = accounts.account(BRAND, &n.to_string()).unwrap();
                account.adopt(self.provider.issue(n)).await.unwrap();
                if n % (size / 60).max(1) == 0 && !time.is_zero() {
                    tokio::time::advance(time / 60).await;
                }
            }
        }
    }

    /// Returns the engine of a new process.
    pub fn process(&self) -> Accounts {
        self.process_on(self.store.clone())
    }

    /// Returns the engine of a new process that reaches the store through `store`.
    pub fn process_on(&self, store: impl TokenStore) -> Accounts {
        self.builder_on(store).build().unwrap()
    }

    pub fn builder_on(&self, store: impl TokenStore) -> AccountsBuilder {
        Accounts::builder(store)
            .provider(provider(BRAND))
            .transport(self.provider.clone())
            .clock(self.clock.clone())
            .options(Options::default())
    }

    /// Returns the numbers of the accounts that were due before this much time.
    pub async fn overdue(&self, by: Duration) -> Vec<u32> {
        let filter = Filter::DueBefore(self.clock.wall() - by);
        let (mut cursor, mut overdue) = (None, Vec::new());
        loop {
            let page = self.store.list(filter, cursor, 1000).await.unwrap();
            let numbers = page.keys.iter().map(|key| key.subject().parse::<u32>());
            overdue.extend(numbers.map(Result::unwrap));
            cursor = page.next;
            if cursor.is_none() {
                return overdue;
            }
        }
    }
}

/// The brand of the fleet's provider.
const BRAND: &str = "plain";

/// Returns a provider like the fleet's.
pub fn provider(brand: &str) -> Client {
    let mut dialect = Dialect::rfc6749(brand, &format!("https://{brand}.example")).unwrap();
    dialect.refresh.lifetime = RefreshLifetime::Fixed(24 * 30 * HOUR);
    dialect.with(registration()).unwrap()
}

/// A provider that accepts each refresh token once. Tokens are named after their account and
/// generation.
pub struct StrictProvider {
    clock: TestClock,
    started: SystemTime,
    seen: Mutex<Seen>,
}

pub struct Seen {
    pub accounts: Vec<Issued>,
    pub per_second: Vec<u32>,
    /// The shortest time between two refreshes of one account.
    pub soonest: Duration,
    pub refreshed: u32,
    pub refused: u32,
    pub expired: u32,
    pub limited: u32,
    pub most_at_once: u32,
    at_once: u32,
    delay: Duration,
    /// Until when the provider answers 429, and whether it sends `Retry-After`.
    limit: Option<(SystemTime, bool)>,
}

#[derive(Clone, Copy)]
pub struct Issued {
    pub generation: u32,
    pub at: SystemTime,
}

impl StrictProvider {
    fn new(size: u32, clock: TestClock) -> Self {
        let started = clock.wall();
        let never = Issued {
            generation: 0,
            at: started,
        };
        let seen = Seen {
            accounts: vec![never; size as usize],
            per_second: Vec::new(),
            soonest: Duration::MAX,
            refreshed: 0,
            refused: 0,
            expired: 0,
            limited: 0,
            most_at_once: 0,
            at_once: 0,
            delay: Duration::ZERO,
            limit: None,
        };
        Self {
            clock,
            started,
            seen: Mutex::new(seen),
        }
    }

    /// Adds accounts, and returns how many there were.
    fn add(&self, more: u32) -> u32 {
        let accounts = &mut self.seen.lock().unwrap().accounts;
        let never = Issued {
            generation: 0,
            at: self.started,
        };
        let size = accounts.len();
        accounts.resize(size + more as usize, never);
        size as u32
    }

    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }

    pub fn answer_after(&self, delay: Duration) {
        self.seen.lock().unwrap().delay = delay;
    }

    /// Answers 429 with `Retry-After` for this time.
    pub fn limit(&self, time: Duration) {
        self.seen.lock().unwrap().limit = Some((self.clock.wall() + time, true));
    }

    /// Answers 429 without `Retry-After` for this time.
    pub fn limit_without_saying(&self, time: Duration) {
        self.seen.lock().unwrap().limit = Some((self.clock.wall() + time, false));
    }

    fn issue(&self, n: u32) -> TokenSet {
        let now = self.clock.wall();
        let mut seen = self.seen.lock().unwrap();
        let issued = &mut seen.accounts[n as usize];
        issued.generation += 1;
        issued.at = now;
        TokenSet::new(format!("access-{n}-{}", issued.generation))
            .with_refresh_token(format!("refresh-{n}-{}", issued.generation))
            .with_issued_at(now)
            .with_expires_at(now + HOUR)
    }

    fn redeem(&self, body: &[u8]) -> Response<Bytes> {
        let now = self.clock.wall();
        let body = str::from_utf8(body).unwrap();
        let token = body.split_once("refresh_token=refresh-").unwrap().1;
        let token = token.split('&').next().unwrap();
        let (n, generation) = token.split_once('-').unwrap();
        let n: usize = n.parse().unwrap();
        let mut seen = self.seen.lock().unwrap();
        let second = now.duration_since(self.started).unwrap().as_secs() as usize;
        if seen.per_second.len() <= second {
            seen.per_second.resize(second + 1, 0);
        }
        seen.per_second[second] += 1;
        if let Some((until, says)) = seen.limit.filter(|(until, _)| now < *until) {
            seen.limited += 1;
            let mut answer = answer(429, String::new());
            if says {
                let left = until
                    .duration_since(now)
                    .unwrap()
                    .as_millis()
                    .div_ceil(1000);
                let left = left.to_string().parse().unwrap();
                answer.headers_mut().insert("retry-after", left);
            }
            return answer;
        }
        let issued = seen.accounts[n];
        if issued.generation != generation.parse::<u32>().unwrap() {
            seen.refused += 1;
            return answer(400, r#"{"error":"invalid_grant"}"#.to_owned());
        }
        let age = now.duration_since(issued.at).unwrap();
        seen.refreshed += 1;
        seen.soonest = seen.soonest.min(age);
        seen.expired += u32::from(age >= HOUR);
        let generation = issued.generation + 1;
        seen.accounts[n] = Issued {
            generation,
            at: now,
        };
        let tokens = serde_json::json!({
            "access_token": format!("access-{n}-{generation}"),
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": format!("refresh-{n}-{generation}"),
        });
        answer(200, tokens.to_string())
    }
}

fn answer(status: u16, body: String) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

#[async_trait]
impl Transport for StrictProvider {
    async fn send(
        &self,
        request: Request<RequestBody>,
        _: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let delay = {
            let mut seen = self.seen.lock().unwrap();
            seen.at_once += 1;
            seen.most_at_once = seen.most_at_once.max(seen.at_once);
            seen.delay
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.seen.lock().unwrap().at_once -= 1;
        Ok(self.redeem(request.body()))
    }
}

impl fmt::Debug for StrictProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrictProvider").finish_non_exhaustive()
    }
}
