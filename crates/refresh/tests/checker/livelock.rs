//! Livelock detection: the fault-free state graph must have no cycle.

use super::{properties::Violation, search::Search, world::Event};

impl Search {
    /// Returns a violation if the fault-free graph has a cycle: repeatedly removes the states
    /// without a predecessor (Kahn's algorithm).
    pub(crate) fn livelock(&mut self) -> Option<(Violation, Vec<Event>)> {
        let states = self.parents.len();
        self.starts.push(self.fault_free.len());
        let mut in_degree = vec![0_u32; states];
        for &to in &self.fault_free {
            in_degree[to as usize] += 1;
        }
        let mut removable: Vec<u32> = (0..states as u32)
            .filter(|&state| in_degree[state as usize] == 0)
            .collect();
        let mut removed = 0;
        while let Some(state) = removable.pop() {
            removed += 1;
            let at = state as usize;
            for &to in &self.fault_free[self.starts[at]..self.starts[at + 1]] {
                in_degree[to as usize] -= 1;
                if in_degree[to as usize] == 0 {
                    removable.push(to);
                }
            }
        }
        if removed == states {
            return None;
        }
        let on_cycle = in_degree.iter().position(|&n| n > 0)?;
        let mut trace = self.trace(on_cycle as u32);
        self.append_cycle(&mut trace, &in_degree);
        Some((Violation::Livelock, trace))
    }

    /// Appends the events of a cycle, or of a path into one, among the states left in `in_degree`.
    fn append_cycle(&mut self, trace: &mut Vec<Event>, in_degree: &[u32]) {
        let mut world = self.model.first_world();
        for &event in &*trace {
            let _ = self.model.apply(&mut world, event);
        }
        let mut seen = vec![self.model.key(&world)];
        'cycle: loop {
            for event in self.model.events(&world) {
                let mut after = world;
                if !event.is_fault_free() || self.model.apply(&mut after, event).is_none() {
                    continue;
                }
                let key = self.model.key(&after);
                let number = self.numbers.get(&key).copied();
                if number.is_none_or(|number| in_degree[number as usize] == 0) {
                    continue;
                }
                trace.push(event);
                if seen.contains(&key) {
                    return;
                }
                seen.push(key);
                world = after;
                continue 'cycle;
            }
            return;
        }
    }
}
