//! Passes inputs to an account's machine and performs the actions that it returns. It makes no
//! decisions.

use std::{
    mem,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use tokenkeeper_refresh::{Action, Input, Operation, Queue, Reply, Timer};

use super::{
    auditing,
    connection::Connection,
    core::{Core, Running, TaskKind},
    entry::{AccountEntry, Inner},
    payload::Payload,
    perform, report,
    round::{Round, Wait},
};
use crate::{audit::Actor, error::Error, event::EventKind, metrics::TokenRequest};

/// The next step of a caller.
pub(crate) enum Next {
    /// Send the token of the snapshot.
    Serve,
    /// Wait for the result of this queue.
    Wait(Queue, Wait),
    /// Ask for the current token.
    Current,
    /// Return the API's response: rejections cause no refresh for now.
    HeldOff,
    /// Return the error.
    Fail(Error),
}

/// Passes an input that no caller waits for.
pub(crate) fn step(core: &Arc<Core>, entry: &Arc<AccountEntry>, input: Input<Payload>) {
    ask(core, entry, input);
}

/// Passes an input. Returns the caller's next step, or `None` if the input is not a caller's.
pub(crate) fn ask(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    input: Input<Payload>,
) -> Option<Next> {
    let context = core.context(&entry.site);
    let mut inner = entry.lock();
    let was_refreshing = inner.machine.is_refreshing();
    let connection = Connection::of(&inner);
    let actions = inner.machine.handle(input, &context);
    connection.count_change(&inner, &entry.site, &core.origins);
    if core.audit.is_some() && !was_refreshing && inner.machine.is_refreshing() {
        inner.note_refresh_actor(Actor::current());
    }
    // Join the queue before the actions can resolve it: the caller then gets that result.
    let next = actions
        .reply
        .map(|reply| next(core, entry, &mut inner, reply));
    let (mut ended, mut rest, mut unattachable) = (Vec::new(), Vec::new(), false);
    let mut resolved = None;
    let mut records = Vec::new();
    for action in actions.list {
        match action {
            Action::Publish(publication) => {
                unattachable |= entry.publish(&mut inner, publication);
            }
            Action::Resolve(queue, result) => {
                if queue == Queue::Refresh {
                    resolved = Some(result.is_ok());
                }
                let result = result.map_err(|failure| report::error(core, entry, &inner, failure));
                let round = inner.cold_mut().and_then(|cold| cold.end_round(queue));
                ended.extend(round.map(|round| (round, result)));
            }
            Action::Audit(fact) => {
                records.extend(auditing::describe(core, entry, &mut inner, fact));
            }
            // Count the operation before the lock is released, so that a shutdown waits for it.
            action => rest.push((action, Running::enter(core))),
        }
    }
    let measured = inner.measure(resolved, context.monotonic);
    if core.audit.is_some() && !inner.machine.is_refreshing() {
        inner.note_refresh_actor(None);
    }
    inner.tidy();
    let over = entry.is_over(&inner) && !mem::replace(&mut inner.cold().leaves, true);
    drop(inner);
    if over {
        core.over.add(entry);
    }
    if unattachable {
        core.emit(entry, EventKind::Misconfigured { failure: None });
    }
    perform(core, entry, rest);
    if let Some(trail) = &core.audit {
        // After the writes were sent: the trail delays none of them.
        for record in records {
            trail.push(record, core.moment());
        }
    }
    let runtime = core.runtime.handle().ok();
    for (round, result) in ended {
        Round::resolve(round, result, runtime.as_ref());
    }
    core.metrics
        .note_jobs(entry.site.provider.brand(), &measured);
    next
}

/// Joins the refresh in flight, if a caller that needs a token would only wait for it.
///
/// Many callers may meet an expired token at once. All but the first join the round in this way,
/// without a step of the machine.
///
/// # Errors
/// [`Error::NoRuntime`] if no task can watch the deadline.
#[inline]
pub(crate) fn join_refresh(core: &Core, entry: &AccountEntry) -> Option<Result<Wait, Error>> {
    let mut inner = entry.lock();
    // A token that has expired by the coarse clock, which is behind, has expired.
    if !inner.machine.joins_refresh(core.time.coarse_now()) {
        return None;
    }
    let wait = core.options.acquire_timeout;
    Some(inner.cold().join(Queue::Refresh, wait, &core.runtime))
}

/// Turns the machine's reply into the caller's next step.
fn next(core: &Arc<Core>, entry: &AccountEntry, inner: &mut Inner, reply: Reply) -> Next {
    match reply {
        Reply::Serve => Next::Serve,
        Reply::Current => Next::Current,
        Reply::HeldOff => Next::HeldOff,
        Reply::Fail(failure) => Next::Fail(report::error(core, entry, inner, failure)),
        Reply::Wait { queue, briefly } => {
            let options = &core.options;
            let wait = if briefly {
                options.acquire_timeout.min(options.revalidate_timeout)
            } else {
                options.acquire_timeout
            };
            match inner.cold().join(queue, wait, &core.runtime) {
                Ok(waiting) => Next::Wait(queue, waiting),
                Err(error) => Next::Fail(error),
            }
        }
    }
}

/// Performs the actions that need no lock.
fn perform(core: &Arc<Core>, entry: &Arc<AccountEntry>, actions: Vec<(Action<Payload>, Running)>) {
    for (action, running) in actions {
        let (core2, entry2) = (core.clone(), entry.clone());
        match action {
            Action::Write(write) => spawn(core, entry, running, Operation::Write, async move {
                Input::Wrote(perform::write(&core2, &entry2, write).await)
            }),
            Action::Read => spawn(core, entry, running, Operation::Read, async move {
                Input::Read(perform::read(&core2, &entry2).await)
            }),
            Action::Send { candidate, payload } => {
                spawn(
                    core,
                    entry,
                    running,
                    Operation::Send(candidate),
                    async move {
                        let answered = perform::send(&core2, &entry2, candidate, payload).await;
                        let (answer, code, request) = answered;
                        let input = Input::Answered(candidate, answer, code);
                        Done { input, request }
                    },
                );
            }
            Action::Revoke(payload) => spawn(core, entry, running, Operation::Revoke, async move {
                Input::Revoked(perform::revoke(&core2, &entry2, &payload).await)
            }),
            Action::WaitUntil(timer, pause) => wait(core, entry, timer, pause),
            Action::Emit(notice) => core.emit(entry, report::event(notice)),
            Action::Publish(_) | Action::Resolve(..) | Action::Audit(_) => {}
        }
    }
}

/// The end of an operation.
struct Done {
    input: Input<Payload>,
    /// The token request that it was, for metrics.
    request: Option<TokenRequest>,
}

impl From<Input<Payload>> for Done {
    fn from(input: Input<Payload>) -> Self {
        Self {
            input,
            request: None,
        }
    }
}

/// Performs an operation on the engine's runtime and passes its result to the machine.
fn spawn(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    running: Running,
    operation: Operation,
    work: impl Future<Output: Into<Done>> + Send + 'static,
) {
    let task = Task::new(core, entry, TaskKind::Operation(operation));
    let Ok(runtime) = core.runtime.handle() else {
        return;
    };
    runtime.spawn(async move {
        let Done { input, request } = work.await.into();
        let held = request.as_ref().and_then(|_| task.held.clone());
        task.over(input);
        // Nothing stands between an answer and the write of its tokens.
        if let (Some(request), Some((core, entry))) = (request, held) {
            let brand = entry.site.provider.brand();
            core.metrics.note_token_request(brand, &request);
        }
        drop(running);
    });
}

/// Starts a timer on the engine's runtime.
fn wait(core: &Arc<Core>, entry: &Arc<AccountEntry>, timer: Timer, pause: Duration) {
    let mut task = Task::new(core, entry, TaskKind::Timer(timer));
    if timer != Timer::Write {
        // Losing this timer loses nothing, so it keeps neither the engine nor an account at rest in
        // memory.
        task.held = None;
    }
    let Ok(runtime) = core.runtime.handle() else {
        return;
    };
    runtime.spawn(async move {
        tokio::time::sleep(pause).await;
        task.over(Input::Elapsed(timer));
    });
}

/// Takes a task that died, if there is one.
pub(crate) fn next_dead_task(core: &Core) -> Option<(Arc<AccountEntry>, TaskKind)> {
    core.dead_tasks
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop()
}

/// Tells the machine that a task died: it repeats the operation or counts it as failed.
pub(crate) fn replace_dead_task(core: &Arc<Core>, entry: &Arc<AccountEntry>, task: TaskKind) {
    step(
        core,
        entry,
        match task {
            TaskKind::Operation(operation) => Input::Died(operation),
            TaskKind::Timer(timer) => Input::Elapsed(timer),
        },
    );
}

/// A guard of a task. If it is dropped before the task is finished, by a panic or with the runtime,
/// it registers the task for replacement.
struct Task {
    core: Weak<Core>,
    entry: Weak<AccountEntry>,
    /// Keeps both in memory until the task is finished.
    held: Option<(Arc<Core>, Arc<AccountEntry>)>,
    /// `None` once the task is finished.
    kind: Option<TaskKind>,
}

impl Task {
    fn new(core: &Arc<Core>, entry: &Arc<AccountEntry>, kind: TaskKind) -> Self {
        Self {
            core: Arc::downgrade(core),
            entry: Arc::downgrade(entry),
            held: Some((core.clone(), entry.clone())),
            kind: Some(kind),
        }
    }

    /// Passes the result to the machine.
    fn over(mut self, input: Input<Payload>) {
        self.kind = None;
        if let (Some(core), Some(entry)) = (self.core.upgrade(), self.entry.upgrade()) {
            step(&core, &entry, input);
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(kind) = self.kind.take()
            && let (Some(core), Some(entry)) = (self.core.upgrade(), self.entry.upgrade())
        {
            let mut dead = core
                .dead_tasks
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            dead.push((entry, kind));
            drop(dead);
            core.task_died.notify_one();
        }
    }
}
