//! Circles: while nothing goes wrong, everything comes to an end.

use super::{properties::Breach, search::Search, world::Event};

impl Search {
    /// While nothing goes wrong nothing goes in a circle: takes away, again and again, the states
    /// that nothing benign leads to.
    pub(crate) fn livelock(&mut self) -> Option<(Breach, Vec<Event>)> {
        let states = self.origins.len();
        self.starts.push(self.benign.len());
        let mut leads_here = vec![0_u32; states];
        for &to in &self.benign {
            leads_here[to as usize] += 1;
        }
        let mut free: Vec<u32> = (0..states as u32)
            .filter(|&state| leads_here[state as usize] == 0)
            .collect();
        let mut gone = 0;
        while let Some(state) = free.pop() {
            gone += 1;
            let at = state as usize;
            for &to in &self.benign[self.starts[at]..self.starts[at + 1]] {
                leads_here[to as usize] -= 1;
                if leads_here[to as usize] == 0 {
                    free.push(to);
                }
            }
        }
        if gone == states {
            return None;
        }
        let caught = leads_here.iter().position(|&n| n > 0)?;
        let mut trace = self.trace(caught as u32);
        self.go_round(&mut trace, &leads_here);
        Some((Breach::Livelock, trace))
    }

    /// Adds events that go in a circle, or lead into one, through the states that `leads_here`
    /// left.
    fn go_round(&mut self, trace: &mut Vec<Event>, leads_here: &[u32]) {
        let mut world = self.model.first_world();
        for &event in &*trace {
            let _ = self.model.happen(&mut world, event);
        }
        let mut seen = vec![self.model.key(&world)];
        'round: loop {
            for event in self.model.events(&world) {
                let mut after = world;
                if !event.is_benign() || self.model.happen(&mut after, event).is_none() {
                    continue;
                }
                let key = self.model.key(&after);
                let number = self.numbers.get(&key).copied();
                if number.is_none_or(|number| leads_here[number as usize] == 0) {
                    continue;
                }
                trace.push(event);
                if seen.contains(&key) {
                    return;
                }
                seen.push(key);
                world = after;
                continue 'round;
            }
            return;
        }
    }
}
