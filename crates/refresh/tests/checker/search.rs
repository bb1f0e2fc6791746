//! Breadth-first search through all states within the bounds, followed by one pass over the
//! fault-free graph.
//!
//! A visited state is identified by a 128-bit hash, so two states with the same hash would be
//! confused. Among 10^8 states that happens once in about 10^22 searches.

use std::{collections::HashMap, hash::BuildHasherDefault, time::Instant};

use tokenkeeper_refresh::mutation::{self, Mutation};

use super::{
    Model,
    bounds::Bounds,
    hash::Hash64,
    properties::{Residual, Violation},
    report::Report,
    world::{Event, World},
};

/// Explores all states within the bounds, or until the first violation.
pub(crate) fn explore(bounds: Bounds, mutation: Option<Mutation>) -> Report {
    mutation::activate(mutation);
    let report = Search::new(bounds).run();
    mutation::activate(None);
    report
}

/// A search: the states found so far and the edges between them.
pub(crate) struct Search {
    pub(crate) model: Model,
    pub(crate) numbers: HashMap<u128, u32, BuildHasherDefault<Hash64>>,
    /// The predecessor and the event by which each state was first reached.
    pub(crate) parents: Vec<(u32, Event)>,
    /// The fault-free edges, grouped by source; `starts` has the index of each state's first edge.
    pub(crate) fault_free: Vec<u32>,
    pub(crate) starts: Vec<usize>,
    transitions: usize,
    quiescent: usize,
    residuals: HashMap<(Violation, Residual), usize>,
}

const ROOT: u32 = u32::MAX;
/// A depth that no search within the bounds reaches.
const MAX_DEPTH: usize = 300;
/// The maximum number of states.
const MAX_STATES: usize = 60_000_000;

impl Search {
    fn new(bounds: Bounds) -> Self {
        Self {
            model: Model::new(bounds),
            numbers: HashMap::default(),
            parents: Vec::new(),
            fault_free: Vec::new(),
            starts: Vec::new(),
            transitions: 0,
            quiescent: 0,
            residuals: HashMap::new(),
        }
    }

    fn run(mut self) -> Report {
        let began = Instant::now();
        let first = self.model.first_world();
        self.intern(&first, ROOT, Event::StoreUp);
        let mut layer = vec![first];
        let (mut depth, mut next, mut violation) = (0, Vec::new(), None);
        let mut state = 0;
        'search: while !layer.is_empty() && self.parents.len() < MAX_STATES {
            for world in &layer {
                if let Some(found) = self.expand(world, state, &mut next) {
                    violation = Some(found);
                    break 'search;
                }
                state += 1;
            }
            depth += 1;
            if std::env::var_os("LAYERS").is_some() {
                eprintln!(
                    "depth {depth}: {} new, {} in all",
                    next.len(),
                    self.parents.len()
                );
            }
            if depth > MAX_DEPTH {
                // Some counter grows forever.
                violation = Some((Violation::Livelock, self.trace(state)));
                break;
            }
            layer.clear();
            std::mem::swap(&mut layer, &mut next);
        }
        let complete = layer.is_empty();
        if complete && violation.is_none() {
            violation = self.livelock();
        }
        let mut residuals: Vec<_> = self
            .residuals
            .iter()
            .map(|(&(b, r), &n)| (b, r, n))
            .collect();
        residuals.sort_unstable();
        Report {
            name: self.model.bounds.name,
            states: self.parents.len(),
            transitions: self.transitions,
            depth,
            time: began.elapsed(),
            quiescent: self.quiescent,
            residuals,
            violation,
            complete,
        }
    }

    fn expand(
        &mut self,
        world: &World,
        state: u32,
        next: &mut Vec<World>,
    ) -> Option<(Violation, Vec<Event>)> {
        self.starts.push(self.fault_free.len());
        let mut makes_progress = false;
        for event in self.model.events(world) {
            let mut after = *world;
            if self.model.apply(&mut after, event).is_none() {
                self.model.violations.clear();
                continue;
            }
            self.model.check_state(&after);
            if let Some(violation) = self.take_violation() {
                let mut trace = self.trace(state);
                trace.push(event);
                return Some((violation, trace));
            }
            let (number, new) = self.intern(&after, state, event);
            if number == state && matches!(event, Event::Poll { .. } | Event::Fire { .. }) {
                // A stutter step.
                continue;
            }
            self.transitions += 1;
            if new {
                next.push(after);
            }
            if event.is_fault_free() {
                self.fault_free.push(number);
                makes_progress |= event.makes_progress();
            }
        }
        if self.model.is_quiescent(world) {
            self.quiescent += 1;
            self.model.check_quiescence(world);
        } else if !makes_progress {
            self.model.report(Violation::Deadlock, None);
        }
        let violation = self.take_violation()?;
        Some((violation, self.trace(state)))
    }

    /// Returns the number of a state, and whether it is new.
    fn intern(&mut self, world: &World, from: u32, event: Event) -> (u32, bool) {
        let fresh = u32::try_from(self.parents.len()).expect("fewer than 2^32 states");
        let number = *self.numbers.entry(self.model.key(world)).or_insert(fresh);
        if number == fresh {
            self.parents.push((from, event));
        }
        (number, number == fresh)
    }

    fn take_violation(&mut self) -> Option<Violation> {
        let mut first = None;
        for (violation, residual) in self.model.violations.drain(..) {
            match residual {
                Some(residual) => *self.residuals.entry((violation, residual)).or_default() += 1,
                None => first = first.or(Some(violation)),
            }
        }
        first
    }

    pub(crate) fn trace(&self, state: u32) -> Vec<Event> {
        let mut events = Vec::new();
        let mut at = state;
        while let (from, event) = self.parents[at as usize]
            && from != ROOT
        {
            events.push(event);
            at = from;
        }
        events.reverse();
        events
    }
}
