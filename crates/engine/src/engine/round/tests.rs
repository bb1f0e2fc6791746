use std::{
    collections::HashSet,
    iter,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Wake},
};

use super::{
    waiters::{Polled, Waiters},
    *,
};

/// A waiter's task: whether it was woken since its last poll.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waiters as a scheduler sees them, of which a search tries every order of polls and drops.
#[derive(Clone, Debug)]
struct Model {
    waiters: Waiters,
    tasks: Vec<Task>,
    now: Instant,
    checks_deadlines: bool,
}

#[derive(Clone, Debug)]
struct Task {
    waker: Waker,
    number: u64,
    /// How often it may be polled without being woken.
    polls: u8,
    is_woken: bool,
    /// Whether it is neither dropped nor has its result.
    waits: bool,
}

/// One step of the search.
#[derive(Clone, Copy, Debug)]
enum Step {
    Resolve,
    CheckDeadlines,
    Poll(usize),
    Drop(usize),
}

impl Model {
    /// Starts with this number of waiters, none of which was polled.
    fn new(tasks: usize) -> Self {
        let mut waiters = Waiters::default();
        let now = Instant::now();
        let mut task = |number: usize| Task {
            waker: Arc::new(Flag::default()).into(),
            // The deadline of every other one passes.
            number: waiters.join(now + PATIENCE * u32::from(number.is_multiple_of(2))),
            polls: 2,
            is_woken: false,
            waits: true,
        };
        let tasks = (0..tasks).map(&mut task).collect();
        Self {
            waiters,
            tasks,
            now,
            checks_deadlines: true,
        }
    }

    fn steps(&self) -> impl Iterator<Item = Step> {
        let each = (0..self.tasks.len()).filter(|at| self.tasks[*at].waits);
        let polls = each.clone().filter(|at| self.tasks[*at].polls > 0);
        let once = !self.waiters.is_resolved();
        iter::once(Step::Resolve)
            .chain(self.checks_deadlines.then_some(Step::CheckDeadlines))
            .filter(move |_| once)
            .chain(polls.map(Step::Poll))
            .chain(each.map(Step::Drop))
    }

    fn take(&mut self, step: Step, width: usize) {
        match step {
            Step::Resolve => {
                let first = self.waiters.resolve(Ok(()), width);
                self.wake(first.unwrap());
            }
            Step::CheckDeadlines => {
                self.checks_deadlines = false;
                let (late, _) = self.waiters.expire(self.now);
                self.wake(late);
            }
            Step::Poll(at) => {
                self.tasks[at].polls = self.tasks[at].polls.saturating_sub(1);
                self.poll(at);
            }
            Step::Drop(at) => self.leave(at),
        }
    }

    fn poll(&mut self, at: usize) {
        let task = &mut self.tasks[at];
        task.is_woken = false;
        match self.waiters.poll(task.number, &task.waker) {
            Polled::Pending => {}
            Polled::Late => self.leave(at),
            Polled::Ready { next, .. } => {
                task.waits = false;
                self.wake(next);
            }
        }
    }

    fn leave(&mut self, at: usize) {
        let task = &mut self.tasks[at];
        task.waits = false;
        let next = self.waiters.leave(task.number);
        self.wake(next);
    }

    fn wake(&mut self, woken: impl IntoIterator<Item = Waker>) {
        for woken in woken {
            let mut tasks = self.tasks.iter_mut();
            let task = tasks.find(|task| task.waker.will_wake(&woken));
            task.unwrap().is_woken = true;
        }
    }

    /// Polls those that are woken or were never polled, and returns whether all end.
    fn runs_to_its_end(mut self, width: usize) -> bool {
        if !self.waiters.is_resolved() {
            self.take(Step::Resolve, width);
        }
        let is_runnable = |task: &Task| task.waits && (task.is_woken || task.polls == 2);
        while let Some(at) = self.tasks.iter().position(is_runnable) {
            self.poll(at);
        }
        self.tasks.iter().all(|task| !task.waits)
    }
}

#[test]
fn no_order_of_polls_and_drops_loses_a_wake_up() {
    for width in [1, 2] {
        let mut seen = HashSet::new();
        let mut open = vec![Model::new(4)];
        while let Some(model) = open.pop() {
            if !seen.insert(format!("{model:?}")) {
                continue;
            }
            assert!(model.clone().runs_to_its_end(width), "{model:?}");
            for step in model.steps() {
                let mut model = model.clone();
                model.take(step, width);
                open.push(model);
            }
        }
        assert!(seen.len() > 10_000, "{} states", seen.len());
    }
}

/// Joins and polls waiters once. Returns each with its task.
fn joined(round: &Arc<Round>, count: usize) -> Vec<(Wait, Arc<Flag>)> {
    let join = |_| {
        let (mut wait, _) = round.join(Duration::from_secs(30));
        let task = Arc::new(Flag::default());
        assert!(poll(&mut wait, &task).is_pending());
        (wait, task)
    };
    (0..count).map(join).collect()
}

fn poll(wait: &mut Wait, task: &Arc<Flag>) -> Poll<Option<Result<(), Error>>> {
    Pin::new(wait).poll(&mut Context::from_waker(&task.clone().into()))
}

fn woken(waits: &[(Wait, Arc<Flag>)]) -> usize {
    let is_woken = |(_, task): &&(Wait, Arc<Flag>)| task.0.load(Ordering::SeqCst);
    waits.iter().filter(is_woken).count()
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_polled_or_dropped_wakes_another() {
    let round = Arc::new(Round::default());
    let mut waits = joined(&round, 100);
    round.resolve(Ok(()), Some(&Handle::current()));
    for gone in 0..84 {
        assert_eq!(woken(&waits), WIDTH);
        let (mut wait, task) = waits.remove(0);
        if gone % 2 == 0 {
            assert!(matches!(poll(&mut wait, &task), Poll::Ready(Some(Ok(())))));
        }
        drop(wait);
    }
    assert_eq!((woken(&waits), waits.len()), (WIDTH, WIDTH));
}

#[tokio::test(start_paused = true)]
async fn waiters_behind_futures_that_are_not_polled_are_woken() {
    let round = Arc::new(Round::default());
    let waits = joined(&round, 100);
    let start = Instant::now();
    round.resolve(Ok(()), Some(&Handle::current()));
    assert_eq!(woken(&waits), WIDTH);
    while woken(&waits) < waits.len() {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(start.elapsed() <= 2 * PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn waiters_that_wake_each_other_are_not_woken_at_once() {
    let round = Arc::new(Round::default());
    let mut waits = joined(&round, 100);
    round.resolve(Ok(()), Some(&Handle::current()));
    for _ in 0..30 {
        sleep(PATIENCE / 10).await;
        let (mut wait, task) = waits.remove(0);
        assert!(poll(&mut wait, &task).is_ready());
    }
    assert_eq!(woken(&waits), WIDTH);
}

/// Most of the waiters that were woken are never polled: one chain alone is slow.
#[tokio::test(start_paused = true)]
async fn slow_wake_ups_end_with_all_waiters_woken() {
    let round = Arc::new(Round::default());
    let mut waits = joined(&round, 1_000);
    round.resolve(Ok(()), Some(&Handle::current()));
    for _ in 0..=PERIODS {
        sleep(PATIENCE).await;
        let (mut wait, task) = waits.remove(0);
        assert!(poll(&mut wait, &task).is_ready());
    }
    sleep(PATIENCE).await;
    assert_eq!(woken(&waits), waits.len());
}

#[test]
fn all_are_woken_if_the_runtime_has_ended() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
    };
    let ended = runtime().unwrap();
    let handle = ended.handle().clone();
    drop(ended);
    for runtime in [Some(&handle), None] {
        let round = Arc::new(Round::default());
        let waits = joined(&round, 100);
        round.resolve(Ok(()), runtime);
        assert_eq!(woken(&waits), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn each_waiter_keeps_its_own_deadline() {
    let round = Arc::new(Round::default());
    let start = Instant::now();
    let waits = [30, 1, 60, 5].map(|seconds| {
        let (wait, watched) = round.join(Duration::from_secs(seconds));
        if !watched {
            round.watch_deadlines(&Handle::current());
        }
        async move {
            assert!(wait.await.is_none());
            (seconds, start.elapsed())
        }
    });
    for (seconds, took) in futures_util::future::join_all(waits).await {
        let late = took.checked_sub(Duration::from_secs(seconds)).unwrap();
        assert!(late <= Duration::from_millis(20), "{late:?} late");
    }
}
