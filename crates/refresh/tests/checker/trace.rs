//! Renders the counterexample of a violation, event by event.

use std::fmt::Write as _;

use tokenkeeper_refresh::{
    Record, State,
    mutation::{self, Mutation},
};

use super::{
    Model,
    bounds::Bounds,
    names::number,
    process::procs,
    token::Token,
    world::{Event, World},
};

/// Renders each event with its operation, and the store after it if it changed.
pub(crate) fn render(bounds: Bounds, mutation: Option<Mutation>, events: &[Event]) -> String {
    mutation::activate(mutation);
    let mut model = Model::new(bounds);
    let mut world = model.first_world();
    let mut text = String::new();
    for &event in events {
        let before = world;
        let _ = model.apply(&mut world, event);
        let _ = writeln!(text, "  {}", line(&model, &before, &world, event));
    }
    if std::env::var_os("ACCOUNTS").is_some() {
        for proc in procs(&model) {
            let memory = &world.procs[proc];
            let _ = writeln!(text, "p{proc}: {:#?}", model.account(&world, proc));
            for pending in memory.pending() {
                let _ = writeln!(text, "    {:?}", model.pending.value(pending));
            }
            let _ = writeln!(text, "    {:?} {:?}", memory.timers, memory.waits);
        }
    }
    mutation::activate(None);
    text
}

fn line(model: &Model, before: &World, after: &World, event: Event) -> String {
    let mut text = match event {
        Event::Call { proc, call } => format!("p{proc}: {call:?} is called"),
        Event::Step { proc, op } => format!("p{proc}: {}", pending(model, before, proc, op)),
        Event::Fault { proc, op, fault } => {
            format!(
                "p{proc}: {}, but {fault:?}",
                pending(model, before, proc, op)
            )
        }
        other => format!("{other:?}"),
    };
    if before.store != after.store {
        let _ = write!(text, "\n      store: {}", stored(model, after.store));
    }
    text
}

fn pending(model: &Model, world: &World, proc: usize, op: super::world::Op) -> String {
    let number = super::step::number_of(world, proc, op);
    match model.pending.value(number) {
        Some(pending) => {
            let text = format!("{pending:?}");
            let end = text.find(['{', '(']).unwrap_or(text.len());
            format!("{op:?} {}", text[..end].trim_end())
        }
        None => format!("{op:?}"),
    }
}

fn stored(model: &Model, number: u32) -> String {
    model
        .records
        .value(number)
        .map_or_else(|| "nothing".to_owned(), |stored| record(&stored.1))
}

fn record(record: &Record<Token>) -> String {
    let mut text = match &record.state {
        State::Empty => "empty".to_owned(),
        State::Live(live) => format!(
            "login {} generation {} {:?} {:?}, presented {}{}, attempt {:?}",
            live.authorization.number,
            live.generation,
            live.payload,
            live.health,
            live.presented,
            if live.unanswered { ", unanswered" } else { "" },
            live.attempt
                .as_ref()
                .map(|attempt| (number(attempt.holder), number(attempt.id))),
        ),
        State::Ended(tombstone) => format!(
            "{} {} generation {}",
            if tombstone.forgotten {
                "forgotten"
            } else {
                "ended"
            },
            tombstone.authorization.number,
            tombstone.generation
        ),
    };
    if let Some(login) = record.login {
        let _ = write!(text, ", login {} in flight", login.authorization.number);
    }
    if !record.revoke.is_empty() {
        let _ = write!(text, ", to be finish_revocation {:?}", record.revoke);
    }
    text
}
