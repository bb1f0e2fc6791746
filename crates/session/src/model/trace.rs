//! Tells a counterexample as a story.

use std::fmt::Write as _;

use super::{
    Model,
    bounds::Bounds,
    mutation::{self, Mutation},
    task::Pending,
    world::{Event, World},
};

/// Each event with what the task waited for before it, and what the store has after it.
pub(super) fn tell(bounds: Bounds, mutation: Option<Mutation>, events: &[Event]) -> String {
    mutation::activate(mutation);
    let mut model = Model::new(bounds);
    let mut world = model.first_world();
    let mut story = String::new();
    for &event in events {
        let before = world;
        let _ = model.happen(&mut world, event);
        let _ = writeln!(story, "  {}", line(&model, &before, &world, event));
    }
    mutation::activate(None);
    story
}

fn line(model: &Model, before: &World, after: &World, event: Event) -> String {
    let mut text = match event {
        Event::Step { proc, slot } => format!("p{proc}: {}", pending(model, before, proc, slot)),
        Event::Fault { proc, slot, fault } => {
            format!(
                "p{proc}: {}, but {fault:?}",
                pending(model, before, proc, slot)
            )
        }
        other => format!("{other:?}"),
    };
    if before.store != after.store {
        let _ = write!(text, "\n      store: {}", record(model, after.store));
    }
    text
}

fn pending(model: &Model, world: &World, proc: usize, slot: usize) -> String {
    let number = world.procs[proc].tasks[slot].pending;
    match model.pending.value(number).as_deref() {
        Some(Pending::Effect(effect)) => {
            let text = format!("{effect:?}");
            let end = text.find([' ', '{']).unwrap_or(text.len());
            text[..end].to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn record(model: &Model, number: u32) -> String {
    let Some(stored) = model.records.value(number) else {
        return "nothing".to_owned();
    };
    let login = stored.record.login.map_or(String::new(), |login| {
        format!(", login {} under way", login.authorization.number)
    });
    match &stored.record.state {
        crate::record::State::Empty => format!("empty{login}"),
        crate::record::State::Live(live) => format!(
            "login {} generation {} {:?} {:?}, presented {}, attempt {:?}{login}",
            live.authorization.number,
            live.generation,
            live.tokens,
            live.health,
            live.presented,
            live.attempt.map(|attempt| attempt.id),
        ),
        crate::record::State::Ended(tombstone) => format!(
            "ended {} generation {}, to be revoked {:?}{login}",
            tombstone.authorization.number, tombstone.generation, tombstone.revoke
        ),
    }
}
