//! Hands each input to an account's machine, and performs what follows. It decides nothing.

use std::{
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use tokenkeeper_refresh::{Action, Input, Operation, Queue, Reply, Timer};

use super::{
    core::{Core, Lost, Running},
    entry::{AccountEntry, Inner},
    payload::Payload,
    perform,
    queue::{Round, Wait},
    report,
};
use crate::error::Error;

/// What a caller does next.
pub(crate) enum Next {
    /// Send the token of the snapshot.
    Serve,
    /// Wait; the queue is the one it waits in.
    Wait(Queue, Wait),
    /// Ask for the current token.
    Current,
    /// Take the response that came.
    HeldOff,
    Fail(Error),
}

/// Hands in a fact that no caller waits for.
pub(crate) fn step(core: &Arc<Core>, entry: &Arc<AccountEntry>, input: Input<Payload>) {
    ask(core, entry, input);
}

/// Hands in a caller's wish. Returns `None` for a fact.
pub(crate) fn ask(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    input: Input<Payload>,
) -> Option<Next> {
    let context = core.context(&entry.site);
    let mut inner = entry.lock();
    let actions = inner.machine.handle(input, &context);
    // Before the queue can end: a caller that waits in it hears of that too.
    let next = actions
        .reply
        .map(|reply| next(core, entry, &mut inner, reply));
    let (mut ended, mut rest) = (Vec::new(), Vec::new());
    for action in actions.list {
        match action {
            Action::Publish(publication) => entry.publish(&mut inner, &core.origins, publication),
            Action::Resolve(queue, result) => {
                let result = result.map_err(|failure| report::error(core, entry, &inner, failure));
                ended.extend(inner.end_round(queue).map(|round| (round, result)));
            }
            // Counted before the lock is let go, so that a shutdown misses none.
            action => rest.push((action, Running::enter(core))),
        }
    }
    inner.tidy();
    drop(inner);
    perform(core, entry, rest);
    let runtime = core.runtime.handle().ok();
    for (round, result) in ended {
        Round::resolve(round, result, runtime.as_ref());
    }
    next
}

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
            match core
                .runtime
                .handle()
                .map(|runtime| inner.join(queue, wait, &runtime))
            {
                Ok(waiting) => Next::Wait(queue, waiting),
                Err(error) => Next::Fail(error),
            }
        }
    }
}

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
                        let answer = perform::send(&core2, &entry2, candidate, payload).await;
                        Input::Answered(candidate, answer)
                    },
                );
            }
            Action::Revoke(payload) => spawn(core, entry, running, Operation::Revoke, async move {
                Input::Revoked(perform::revoke(&core2, &entry2, &payload).await)
            }),
            Action::WaitUntil(timer, pause) => wait(core, entry, timer, pause),
            Action::Emit(notice) => core.emit(entry, report::event(notice)),
            Action::Publish(_) | Action::Resolve(..) => {}
        }
    }
}

/// Performs an operation on the engine's runtime, and hands in its result.
fn spawn(
    core: &Arc<Core>,
    entry: &Arc<AccountEntry>,
    running: Running,
    operation: Operation,
    work: impl Future<Output = Input<Payload>> + Send + 'static,
) {
    let task = Task::new(core, entry, Lost::Operation(operation));
    let Ok(runtime) = core.runtime.handle() else {
        return;
    };
    runtime.spawn(async move {
        let input = work.await;
        task.over(input);
        drop(running);
    });
}

fn wait(core: &Arc<Core>, entry: &Arc<AccountEntry>, timer: Timer, pause: Duration) {
    let mut task = Task::new(core, entry, Lost::Timer(timer));
    if timer != Timer::Write {
        // Nothing would be lost with it: it keeps neither the engine alive nor an account that is
        // at rest in memory.
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

/// An operation whose task died.
pub(crate) fn next_lost(core: &Core) -> Option<(Arc<AccountEntry>, Lost)> {
    core.died
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop()
}

/// What replaces an operation whose task died.
pub(crate) fn replace(core: &Arc<Core>, entry: &Arc<AccountEntry>, lost: Lost) {
    step(
        core,
        entry,
        match lost {
            Lost::Operation(operation) => Input::Died(operation),
            Lost::Timer(timer) => Input::Elapsed(timer),
        },
    );
}

/// A task in flight. Dropped before it is over, by a panic or with its runtime, it is noted for
/// replacement.
struct Task {
    core: Weak<Core>,
    entry: Weak<AccountEntry>,
    /// Keeps both in memory until the task is over.
    held: Option<(Arc<Core>, Arc<AccountEntry>)>,
    lost: Option<Lost>,
}

impl Task {
    fn new(core: &Arc<Core>, entry: &Arc<AccountEntry>, lost: Lost) -> Self {
        Self {
            core: Arc::downgrade(core),
            entry: Arc::downgrade(entry),
            held: Some((core.clone(), entry.clone())),
            lost: Some(lost),
        }
    }

    fn over(mut self, input: Input<Payload>) {
        self.lost = None;
        if let (Some(core), Some(entry)) = (self.core.upgrade(), self.entry.upgrade()) {
            step(&core, &entry, input);
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take()
            && let (Some(core), Some(entry)) = (self.core.upgrade(), self.entry.upgrade())
        {
            let mut died = core.died.lock().unwrap_or_else(PoisonError::into_inner);
            died.push((entry, lost));
            drop(died);
            core.any_died.notify_one();
        }
    }
}
