//! Performs the effects that the machines of the protocol ask for.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use http::StatusCode;
use tokenkeeper_protocol::{Class, Grant, GrantKind, Provider, TokenSet};
use tokenkeeper_store::{Entry, Outcome, StoreError, Version};

use super::{Core, Exchange, Slot, flight::Flight, keep, slot::AtRisk};
use crate::{
    Error, EventKind, TransportError,
    error::ExchangeError,
    machine::{Answer, Context, Effect, Input, Machine, Sight, Step, Stored, Watch, Write, Wrote},
    record::{self, Health, Held, Live, Record, State},
    refresher,
};

/// Drives one machine for one account.
pub(crate) struct Driver<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) slot: &'a Arc<Slot>,
    /// Whose waiters may have an answer before it is written.
    flight: Option<&'a Flight>,
    /// The code, where the exchange is not a refresh.
    exchange: Option<&'a Exchange>,
    /// Why the last call to the store failed.
    pub(crate) store_error: Option<Error>,
    /// Why the last token request brought nothing.
    pub(crate) exchange_error: Option<ExchangeError>,
    behind: bool,
    /// There are tokens, or there may be, that are not in the store.
    risk: Option<AtRisk>,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(core: &'a Arc<Core>, slot: &'a Arc<Slot>) -> Self {
        Self {
            core,
            slot,
            flight: None,
            exchange: None,
            store_error: None,
            exchange_error: None,
            behind: false,
            risk: None,
        }
    }

    pub(crate) fn for_flight(mut self, flight: &'a Flight) -> Self {
        self.flight = Some(flight);
        self
    }

    pub(crate) fn for_exchange(mut self, exchange: &'a Exchange) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// Runs a machine to its end.
    pub(crate) async fn run<M: Machine<Held>>(&mut self, machine: &mut M) -> M::End {
        let mut input = Input::Start;
        loop {
            let step = machine.step(input, &self.context());
            let effect = match step {
                Step::Do(effect) => effect,
                Step::End(end) => {
                    self.risk = None;
                    if self.behind {
                        self.core.emit(self.slot, EventKind::StoreCaughtUp);
                    }
                    return end;
                }
            };
            if matches!(&effect, Effect::Write { after, .. } if !after.is_zero()) {
                self.serve_in_hand(machine.in_hand());
            }
            let tokens = machine.in_hand().and_then(Record::live);
            let at_risk = matches!(effect, Effect::Send(_))
                || tokens.is_some_and(|live| live.health == Health::Alive);
            self.risk = match self.risk.take() {
                risk @ Some(_) if at_risk => risk,
                _ => at_risk.then(|| AtRisk::enter(self.slot)),
            };
            input = self.perform(effect).await;
        }
    }

    /// The error of a machine that ended because the store failed.
    pub(crate) fn store_failure(&mut self) -> Error {
        self.store_error.take().unwrap_or(Error::ShutDown)
    }

    fn context(&self) -> Context {
        Context {
            wall: self.core.time.wall(),
            mono: self.core.time.monotonic(),
            id: self.core.random.number(),
            version: Version::random(),
            roll: self.core.random.roll(),
        }
    }

    /// An answer that the store does not take yet is served from memory meanwhile.
    fn serve_in_hand(&mut self, record: Option<&Record<Held>>) {
        let Some(record) = record.filter(|_| !self.behind) else {
            return;
        };
        self.behind = true;
        let stored = Stored {
            version: Version::random(),
            record: record.clone(),
        };
        if let Some(flight) = self.flight {
            flight.brings(&stored);
        }
        self.slot.adopt(self.core, stored, false);
        self.slot.presenting.store(false, Ordering::Release);
        self.core.emit(self.slot, EventKind::StoreBehind);
        if let (Some(flight), Some(live)) = (self.flight, record.live()) {
            flight.land(match &live.health {
                Health::Dead(cause) => Err(Error::ReauthorizationRequired {
                    account: self.slot.digest,
                    cause: cause.clone(),
                }),
                _ => Ok(()),
            });
        }
    }

    async fn perform(&mut self, effect: Effect<Held>) -> Input<Held> {
        match effect {
            Effect::Read => match self.read().await {
                Ok(found) => Input::Found(found),
                Err(error) => {
                    self.store_error = Some(error);
                    Input::ReadFailed
                }
            },
            Effect::Write { after, write } => {
                self.pause(after).await;
                Input::Wrote(self.write(&write).await)
            }
            Effect::Send(held) => Input::Answered(self.send(held).await),
            Effect::Watch { stored, lease } => self.watch(stored, lease).await,
            Effect::Revoke(held) => Input::Revoked(self.revoke(&held.tokens).await),
        }
    }

    /// Waits before a retry; a closing engine does not wait long.
    async fn pause(&self, after: Duration) {
        if after.is_zero() {
            return;
        }
        let after = if self.core.is_closing() {
            after.min(keep::HURRIED)
        } else {
            after
        };
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = self.core.hurry.notified() => {}
        }
    }

    async fn read(&self) -> Result<Option<Stored<Held>>, Error> {
        let mark = self.slot.lock().changes.mark();
        let entry = match self.in_time(self.core.store.get(&self.slot.key)).await {
            Ok(entry) => entry,
            Err(source) => return Err(self.store_down(source)),
        };
        let version = entry.as_ref().map(|entry| entry.version);
        self.slot.lock().changes.cover(mark, version);
        entry.map(|entry| self.decode(&entry)).transpose()
    }

    async fn write(&mut self, write: &Write<Held>) -> Wrote<Held> {
        let result = self.try_write(write).await;
        match result {
            Ok(wrote) => wrote,
            Err(error) => {
                tracing::warn!(account = %self.slot.digest, %error, "a write to the store failed");
                self.store_error = Some(error);
                Wrote::Failed
            }
        }
    }

    async fn try_write(&self, write: &Write<Held>) -> Result<Wrote<Held>, Error> {
        let key = &self.slot.key;
        let mark = {
            let mut inner = self.slot.lock();
            inner.changes.meet(write.version);
            inner.changes.mark()
        };
        let outcome = match (&write.record, write.expected) {
            (Some(record), expected) => {
                let entry = self.entry(write.version, record);
                self.in_time(self.core.store.put(key, &entry, expected))
                    .await
            }
            (None, Some(expected)) => self.in_time(self.core.store.delete(key, expected)).await,
            (None, None) => Ok(Outcome::Applied),
        };
        if let Ok(outcome) = &outcome {
            let version = match outcome {
                Outcome::Applied => write.record.is_some().then_some(write.version),
                Outcome::Conflict(there) => there.as_ref().map(|there| there.version),
            };
            self.slot.lock().changes.cover(mark, version);
        }
        match outcome {
            Ok(Outcome::Applied) => Ok(Wrote::Applied),
            Ok(Outcome::Conflict(None)) => Ok(Wrote::Conflict(None)),
            Ok(Outcome::Conflict(Some(there))) => Ok(Wrote::Conflict(Some(self.decode(&there)?))),
            Err(source) => Err(self.store_down(source)),
        }
    }

    /// A store that hangs counts as one that failed; a write may then have landed, which its version will show.
    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.limit(), call).await {
            Ok(result) => result,
            Err(elapsed) => Err(StoreError::ambiguous(elapsed)),
        }
    }

    /// How long a call to the store may take.
    fn limit(&self) -> Duration {
        self.core.options.lease / 4
    }

    fn store_down(&self, source: StoreError) -> Error {
        let source = Arc::new(source);
        self.slot.store_failed(self.core, source.clone());
        Error::Store {
            account: self.slot.digest,
            source,
        }
    }

    fn decode(&self, entry: &Entry) -> Result<Stored<Held>, Error> {
        let record = record::decode(&entry.value).map_err(|source| Error::Record {
            account: self.slot.digest,
            source,
        })?;
        Ok(Stored {
            version: entry.version,
            record,
        })
    }

    fn entry(&self, version: Version, record: &Record<Held>) -> Entry {
        let entry = Entry::new(version, record::encode(record));
        match &record.state {
            State::Empty => entry.with_keep_until(self.core.time.wall_time() + LOGIN_KEPT),
            State::Ended(tombstone) => entry
                .with_attention(tombstone.revoke.is_some())
                .with_keep_until(self.bury_until()),
            State::Live(live) => entry
                .with_attention(live.health != Health::Alive)
                .with_keep_until(self.keep_until(&live.tokens.tokens))
                .with_due(self.due(live)),
        }
    }

    /// By the refresh token's life: an inferred or unknown one is kept until the account is disconnected.
    fn keep_until(&self, tokens: &TokenSet) -> Option<SystemTime> {
        use tokenkeeper_protocol::RefreshLifetime::Fixed;
        match self.slot.home.provider.client().dialect().refresh.lifetime {
            Fixed(life) => {
                let ends = tokens.issued_at + life;
                Some(tokens.expires_at.map_or(ends, |at| at.max(ends)))
            }
            _ => None,
        }
    }

    /// A tombstone lives at least as long as the newest record that it ends could have.
    fn bury_until(&self) -> Option<SystemTime> {
        use tokenkeeper_protocol::RefreshLifetime::Fixed;
        match self.slot.home.provider.client().dialect().refresh.lifetime {
            Fixed(life) => Some(self.core.time.wall_time() + life.max(TOMBSTONE_KEPT)),
            _ => None,
        }
    }

    /// When a refresher should look at the account.
    fn due(&self, live: &Live<Held>) -> Option<SystemTime> {
        let (home, options) = (&self.slot.home, &self.core.options);
        refresher::due(
            &self.slot.key,
            live,
            home,
            options,
            self.core.time.wall_time(),
        )
    }

    async fn send(&mut self, held: Option<Held>) -> Answer<Held> {
        let (home, sent_at) = (&self.slot.home, self.core.time.wall_time());
        let (kind, request, terms) = match (&held, self.exchange) {
            (Some(held), _) => {
                let Some(refresh_token) = &held.tokens.refresh_token else {
                    return Answer::Terminal { code: None };
                };
                let grant = Grant::Refresh {
                    refresh_token,
                    redirect_uri: &held.terms.redirect_uri,
                    scope: held.terms.scope.as_deref(),
                };
                let request = home.provider.token_request(&home.site, &grant);
                (GrantKind::Refresh, request, held.terms.clone())
            }
            (None, Some(exchange)) => {
                let request = home.provider.token_request(&home.site, &exchange.grant());
                (GrantKind::Code, request, exchange.terms.clone())
            }
            (None, None) => return Answer::Configuration,
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(account = %self.slot.digest, %error, "a token request cannot be built");
                self.exchange_error = Some(ExchangeError::Request(Arc::new(error)));
                return Answer::Configuration;
            }
        };
        if home.old_token_dies && kind == GrantKind::Refresh {
            self.slot.presenting.store(true, Ordering::Release);
        }
        let response = self.core.transport.send(request, home.rules.deadline).await;
        let tokens = match response {
            Ok(response) => home
                .provider
                .read_token_response(kind, &response, sent_at)
                .map_err(ExchangeError::Refused),
            Err(error) => Err(ExchangeError::Transport(Arc::new(error))),
        };
        match tokens {
            Ok(tokens) => {
                let keeps = home.provider.client().dialect().refresh.keep_when_absent;
                Answer::Tokens(Held {
                    tokens: merged(held.filter(|_| keeps), tokens),
                    terms,
                })
            }
            Err(error) => {
                tracing::warn!(account = %self.slot.digest, %error, "the token endpoint gave no tokens");
                let answer = classify(&error);
                self.exchange_error = Some(error);
                answer
            }
        }
    }

    /// Reads until the record changes, or has stood for a whole lease.
    async fn watch(&mut self, stored: Stored<Held>, lease: Duration) -> Input<Held> {
        let options = &self.core.options;
        let limit = self.limit();
        // A slow store is no pause of this process: a read that took all its time still counts as watching.
        let (gap, grace) = (options.poll * 8 + limit, options.store_retry * 2);
        let now = self.core.time.monotonic();
        let mut watch = Watch::new(stored.version, lease, gap, grace, now);
        let (mut hung, mut held_until) = (false, Duration::ZERO);
        loop {
            self.look_again().await;
            if self.core.is_closing() {
                return Input::ReadFailed;
            }
            let sent = self.core.time.monotonic();
            let found = self.read().await;
            let now = self.core.time.monotonic();
            if found.is_ok() && std::mem::take(&mut hung) {
                // The holder's write may hang as our read did, and is tried again only when it has timed out too.
                held_until = now + limit;
            }
            match found {
                Err(_) if now.saturating_sub(sent) >= limit => {
                    hung = true;
                    watch.failed(now);
                }
                Ok(Some(there)) if there.version == stored.version && now < held_until => {
                    watch.failed(now);
                }
                Err(error @ Error::Record { .. }) => {
                    self.store_error = Some(error);
                    return Input::ReadFailed;
                }
                Err(_) => watch.failed(now),
                Ok(found) => match watch.read(found.as_ref().map(|s| s.version), now) {
                    Sight::Changed => return Input::Found(found),
                    Sight::Lapsed => return Input::Lapsed(stored),
                    Sight::Standing => {}
                },
            }
        }
    }

    /// Waits until a watched record is worth another look: the store tells of a change, or it is time.
    async fn look_again(&self) {
        let options = &self.core.options;
        let hears = self.core.hearing.load(Ordering::Acquire);
        let every = if hears {
            options.poll * 4
        } else {
            options.poll
        };
        let told = self.slot.told.notified();
        tokio::pin!(told);
        told.as_mut().enable();
        if !self.slot.lock().changes.is_pending() {
            tokio::select! {
                () = told => {}
                () = tokio::time::sleep(every) => {}
                () = self.core.hurry.notified() => {}
            }
        }
    }

    /// Sends the revocations that the provider has. Says whether all were answered.
    pub(crate) async fn revoke(&self, tokens: &TokenSet) -> bool {
        let home = &self.slot.home;
        let requests = match home.provider.revocation_requests(&home.site, tokens) {
            Ok(requests) => requests,
            Err(error) => {
                tracing::error!(account = %self.slot.digest, %error, "a revocation cannot be built");
                return true;
            }
        };
        for request in requests {
            let answer = self.core.transport.send(request, home.rules.deadline).await;
            // RFC 7009 §2.2: a token that is unknown there is as good as revoked; a server that is ill has decided nothing.
            let answered = answer.is_ok_and(|response| {
                let status = response.status();
                !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
            });
            if !answered {
                return false;
            }
        }
        true
    }
}

/// How long a tombstone is kept at least: an access token may outlive the refresh token.
const TOMBSTONE_KEPT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long a login that never ends is kept where there is no account yet.
const LOGIN_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer without a refresh token leaves the one we have good (RFC 6749 §6).
fn merged(old: Option<Held>, mut new: TokenSet) -> TokenSet {
    if let Some(old) = old {
        new.refresh_token = new.refresh_token.or(old.tokens.refresh_token);
        new.scope = new.scope.or(old.tokens.scope);
    }
    new
}

fn classify(error: &ExchangeError) -> Answer<Held> {
    match error {
        ExchangeError::Transport(error) => match **error {
            TransportError::NotSent(_) => Answer::Transient { retry_after: None },
            TransportError::Unknown(_) | TransportError::TooLarge => Answer::Ambiguous,
        },
        ExchangeError::Request(_) => Answer::Configuration,
        ExchangeError::TooLate => Answer::Transient { retry_after: None },
        ExchangeError::Refused(refusal) => match refusal.class {
            Class::Transient { retry_after } => Answer::Transient { retry_after },
            Class::Ambiguous => Answer::Ambiguous,
            Class::Terminal => Answer::Terminal {
                code: refusal.code.as_ref().map(ToString::to_string),
            },
            Class::Unexplained => Answer::Unexplained,
            Class::Configuration => Answer::Configuration,
        },
    }
}
