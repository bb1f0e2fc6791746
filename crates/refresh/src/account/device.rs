//! Logins by device code (RFC 8628): one claim, and polls until the person has decided.
//!
//! Between two polls nothing is in flight, but the claim stays in the record, so that no other
//! process presents the same device code. Its lease is longer than that of other attempts: a poll
//! renews it only now and then.

use std::time::Duration;

use super::{
    change::{ChangeHandler, Step},
    jobs::{ChangeStage, Claim, Moment},
    login::unclaimed,
};
use crate::{
    action::{Action, Failure, Notice},
    context::Context,
    input::{Answer, Polling},
    instant::millis,
    mutation::{Mutation, broken},
    operation::{Candidate, ChangeId, Timer},
    payload::Payload,
    record::{Flow, Login},
};

/// The polls of a login by device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Polls {
    /// The pauses. Each `slow_down` lengthens the interval for good.
    pub(super) polling: Polling,
    /// How many polls in a row no server has answered.
    pub(super) failures: u32,
    /// When the write of the claim, or of its last renewal, was sent: the lease counts from here.
    pub(super) since: Option<Moment>,
    /// When the write in flight was sent, if it renews the lease.
    pub(super) renewed: Option<Moment>,
    /// The caller is gone: no poll follows.
    pub(super) abandoned: bool,
}

impl Polls {
    pub(super) fn new(polling: Polling) -> Self {
        Self {
            polling,
            failures: 0,
            since: None,
            renewed: None,
            abandoned: false,
        }
    }

    /// Returns the age of the lease.
    pub(super) fn age(&self, cx: &Context<'_>) -> Duration {
        self.since.map_or(Duration::MAX, |since| since.age(cx))
    }

    /// Returns the pause after an answer, and takes note of it. `None`: no poll follows.
    fn pause_after<T>(&mut self, answer: &Answer<T>, lease: Duration) -> Option<Duration> {
        let least = match answer {
            Answer::Pending { slow_down } => {
                self.failures = 0;
                if *slow_down {
                    let interval = &mut self.polling.interval;
                    *interval = interval.saturating_add(SLOW_DOWN);
                }
                return Some(self.polling.interval);
            }
            Answer::Transient { retry_after, .. } => retry_after.unwrap_or_default(),
            Answer::Ambiguous => Duration::ZERO,
            // The server may still be processing the poll.
            Answer::TimedOut => lease,
            Answer::Tokens(_)
            | Answer::Terminal { .. }
            | Answer::Unexplained
            | Answer::Configuration => return None,
        };
        // RFC 8628 §3.5: the pause doubles with each connection that times out.
        self.failures = self.failures.saturating_add(1);
        let interval = self.polling.interval;
        let doubled = interval.saturating_mul(1 << self.failures.min(16));
        Some(doubled.min(LONGEST_BACKOFF).max(interval).max(least))
    }
}

/// How much each `slow_down` lengthens the interval (RFC 8628 §3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// The longest pause after polls without an answer: a person waits.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

impl<T: Payload> ChangeHandler<'_, '_, T> {
    /// Handles [`Input::Abandon`](crate::Input::Abandon): the caller is gone.
    pub(super) fn handle_abandon(&mut self, id: ChangeId) {
        if let Some(polls) = self.polls(id) {
            polls.abandoned = true;
        }
    }

    /// Handles the timer of the next poll.
    pub(super) fn handle_device_timer(&mut self, id: ChangeId) {
        let mut changes = self.0.activity().changes.iter_mut();
        if let Some(change) = changes.find(|change| change.id == id)
            && let ChangeStage::Waiting { due, .. } = &mut change.stage
        {
            *due = true;
        }
    }

    /// Ends a login by device code whose caller is gone, unless its code is being presented.
    pub(super) fn end_abandoned(&mut self, stage: &ChangeStage<T>) -> Option<Step<T>> {
        let login = match stage {
            ChangeStage::Login { claim, .. } => claim.map(|(login, _)| login),
            ChangeStage::Waiting { login, .. } => Some(*login),
            ChangeStage::WatchingLogin { .. } => None,
            _ => return None,
        };
        if let Some(login) = login {
            self.withdraw_login(login, None);
        }
        Some(Step::Finish(Err(Failure::Timeout)))
    }

    /// Begins to poll: the claim is in the store.
    pub(super) fn begin_polls(
        &mut self,
        id: ChangeId,
        flow: Flow,
        login: Login,
        claim: Claim,
    ) -> Step<T> {
        let now = Moment::now(self.0.cx);
        let mut first = Duration::ZERO;
        if let Some(polls) = self.polls(id) {
            polls.since = Some(claim.since.unwrap_or(now));
            // A login that claims its code again has waited before.
            first = std::mem::take(&mut polls.polling.first);
        }
        self.arm_device_timer(id, flow, first);
        Step::Continue(ChangeStage::Waiting {
            flow,
            login,
            due: false,
            renew: false,
        })
    }

    /// Polls once the pause is over, if the claim is still in the store and its lease has room.
    pub(super) fn wait_for_poll(
        &mut self,
        id: ChangeId,
        flow: Flow,
        login: Login,
        due: bool,
        renew: bool,
    ) -> Step<T> {
        if self.0.cx.closing {
            self.withdraw_login(login, None);
            return Step::Finish(Err(Failure::Closing));
        }
        let stored = self.0.state.known.as_ref().and_then(|known| known.login) == Some(login);
        if let Some(step) = self.lost_claim(flow, login).filter(|_| !stored) {
            return step;
        }
        let Some(polls) = self.polls(id).copied().filter(|_| due) else {
            return Step::Continue(ChangeStage::Waiting {
                flow,
                login,
                due,
                renew,
            });
        };
        if self.0.cx.wall >= flow.ends {
            self.withdraw_login(login, None);
            return Step::Finish(Err(Failure::FlowExpired));
        }
        let (rules, age) = (self.0.cx.rules, polls.age(self.0.cx));
        let sends = stored && rules.may_poll(age) || broken(Mutation::PollsWithoutLease);
        if !sends && self.0.store_failed() && self.0.gives_up() {
            self.withdraw_login(login, None);
            return Step::Finish(Err(Failure::Store));
        }
        if !sends {
            return Step::Continue(ChangeStage::Waiting {
                flow,
                login,
                due,
                renew: renew || polls.renewed.is_none(),
            });
        }
        self.0.act(Action::Send {
            candidate: Candidate::Login(id),
            payload: None,
        });
        self.0.arm_renew_timer(rules.renew_after());
        // The next poll finds room in the lease, too.
        let ages = age >= rules.renew_device_after() && polls.renewed.is_none();
        Step::Continue(ChangeStage::Exchanging {
            flow,
            login,
            renew: renew || ages,
        })
    }

    /// Returns where a login leads whose claim the known record does not have. `None`: the store
    /// lost it, and it is written again.
    fn lost_claim(&mut self, flow: Flow, login: Login) -> Option<Step<T>> {
        let known = self.0.state.known.as_ref()?;
        let current = known.authorization().into_iter();
        let pending = known.login.map(|login| login.authorization);
        if current.chain(pending).any(|other| other.id == flow.id) {
            // Another process has the code, or had.
            return Some(unclaimed(flow));
        }
        if known.highest_number() >= login.authorization.number {
            self.0.emit(Notice::Superseded);
            return Some(Step::Finish(Err(Failure::Superseded)));
        }
        let used = known.has_used(flow.id);
        used.then(|| Step::Finish(Err(Failure::FlowUsed)))
    }

    /// Handles a poll's answer without tokens. Returns whether a poll follows.
    pub(super) fn poll_again(&mut self, at: usize, answer: &Answer<T>) -> bool {
        let (lease, wall) = (self.0.cx.rules.lease, self.0.cx.wall);
        let change = &mut self.0.activity().changes[at];
        let ChangeStage::Exchanging { flow, login, renew } = change.stage else {
            return false;
        };
        let polls = change.polls.as_mut();
        let Some(pause) = polls.and_then(|polls| polls.pause_after(answer, lease)) else {
            return false;
        };
        let id = change.id;
        change.stage = ChangeStage::Waiting {
            flow,
            login,
            // The codes may end before the pause does.
            due: wall >= flow.ends,
            renew,
        };
        self.arm_device_timer(id, flow, pause);
        true
    }

    /// Arms the next poll after this pause, or at the end of the codes if that comes first.
    fn arm_device_timer(&mut self, id: ChangeId, flow: Flow, pause: Duration) {
        let left = flow.ends.saturating_sub(self.0.cx.wall);
        let pause = Duration::from_millis(millis(pause).min(left));
        self.0.act(Action::WaitUntil(Timer::Device(id), pause));
    }

    fn polls(&mut self, id: ChangeId) -> Option<&mut Polls> {
        let mut changes = self.0.activity().changes.iter_mut();
        changes.find(|change| change.id == id)?.polls.as_mut()
    }
}
