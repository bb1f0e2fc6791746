//! Breadth first through every state within the bounds, and then once through the graph of what
//! happens when nothing goes wrong.
//!
//! A visited state is known by 128 bits of hash, not by itself: two states that share one would be
//! taken for the same. Among 10^8 states that happens once in about 10^22 searches.

use std::{collections::HashMap, hash::BuildHasherDefault, time::Instant};

use tokenkeeper_refresh::mutation::{self, Mutation};

use super::{
    Model,
    bounds::Bounds,
    mix::Mix,
    properties::{Breach, Residual},
    report::Report,
    world::{Event, World},
};

/// Explores everything within the bounds, or until the first breach.
pub(crate) fn explore(bounds: Bounds, mutation: Option<Mutation>) -> Report {
    mutation::activate(mutation);
    let report = Search::new(bounds).run();
    mutation::activate(None);
    report
}

pub(crate) struct Search {
    pub(crate) model: Model,
    pub(crate) numbers: HashMap<u128, u32, BuildHasherDefault<Mix>>,
    /// How each state was first reached.
    pub(crate) origins: Vec<(u32, Event)>,
    /// Where each state leads when nothing goes wrong; `starts` has the place of each state's
    /// first.
    pub(crate) benign: Vec<u32>,
    pub(crate) starts: Vec<usize>,
    transitions: usize,
    quiet: usize,
    residuals: HashMap<(Breach, Residual), usize>,
}

const ROOT: u32 = u32::MAX;
/// No search within the bounds is as deep as this.
const DEEP: usize = 300;
/// More states than any search has.
const MANY: usize = 60_000_000;

impl Search {
    fn new(bounds: Bounds) -> Self {
        Self {
            model: Model::new(bounds),
            numbers: HashMap::default(),
            origins: Vec::new(),
            benign: Vec::new(),
            starts: Vec::new(),
            transitions: 0,
            quiet: 0,
            residuals: HashMap::new(),
        }
    }

    fn run(mut self) -> Report {
        let began = Instant::now();
        let first = self.model.first_world();
        self.number(&first, ROOT, Event::StoreUp);
        let mut layer = vec![first];
        let (mut depth, mut next, mut breach) = (0, Vec::new(), None);
        let mut state = 0;
        'search: while !layer.is_empty() && self.origins.len() < MANY {
            for world in &layer {
                if let Some(found) = self.expand(world, state, &mut next) {
                    breach = Some(found);
                    break 'search;
                }
                state += 1;
            }
            depth += 1;
            if std::env::var_os("LAYERS").is_some() {
                eprintln!(
                    "depth {depth}: {} new, {} in all",
                    next.len(),
                    self.origins.len()
                );
            }
            if depth > DEEP {
                // Something counts without end.
                breach = Some((Breach::Livelock, self.trace(state)));
                break;
            }
            layer.clear();
            std::mem::swap(&mut layer, &mut next);
        }
        let complete = layer.is_empty();
        if complete && breach.is_none() {
            breach = self.livelock();
        }
        let mut residuals: Vec<_> = self
            .residuals
            .iter()
            .map(|(&(b, r), &n)| (b, r, n))
            .collect();
        residuals.sort_unstable();
        Report {
            name: self.model.bounds.name,
            states: self.origins.len(),
            transitions: self.transitions,
            depth,
            time: began.elapsed(),
            quiet: self.quiet,
            residuals,
            breach,
            complete,
        }
    }

    fn expand(
        &mut self,
        world: &World,
        state: u32,
        next: &mut Vec<World>,
    ) -> Option<(Breach, Vec<Event>)> {
        self.starts.push(self.benign.len());
        let mut goes_on = false;
        for event in self.model.events(world) {
            let mut after = *world;
            if self.model.happen(&mut after, event).is_none() {
                self.model.findings.clear();
                continue;
            }
            self.model.check_state(&after);
            if let Some(breach) = self.take_findings() {
                let mut trace = self.trace(state);
                trace.push(event);
                return Some((breach, trace));
            }
            let (number, new) = self.number(&after, state, event);
            if number == state && matches!(event, Event::Poll { .. } | Event::Fire { .. }) {
                // Nothing has changed; time passes.
                continue;
            }
            self.transitions += 1;
            if new {
                next.push(after);
            }
            if event.is_benign() {
                self.benign.push(number);
                goes_on |= event.goes_on();
            }
        }
        if self.model.is_quiet(world) {
            self.quiet += 1;
            self.model.check_quiet(world);
        } else if !goes_on {
            self.model.found(Breach::Deadlock, None);
        }
        let breach = self.take_findings()?;
        Some((breach, self.trace(state)))
    }

    /// The number of a state, and whether it is new.
    fn number(&mut self, world: &World, from: u32, event: Event) -> (u32, bool) {
        let fresh = u32::try_from(self.origins.len()).expect("fewer than 2^32 states");
        let number = *self.numbers.entry(self.model.key(world)).or_insert(fresh);
        if number == fresh {
            self.origins.push((from, event));
        }
        (number, number == fresh)
    }

    fn take_findings(&mut self) -> Option<Breach> {
        let mut first = None;
        for (breach, residual) in self.model.findings.drain(..) {
            match residual {
                Some(residual) => *self.residuals.entry((breach, residual)).or_default() += 1,
                None => first = first.or(Some(breach)),
            }
        }
        first
    }

    pub(crate) fn trace(&self, state: u32) -> Vec<Event> {
        let mut events = Vec::new();
        let mut at = state;
        while let (from, event) = self.origins[at as usize]
            && from != ROOT
        {
            events.push(event);
            at = from;
        }
        events.reverse();
        events
    }
}
