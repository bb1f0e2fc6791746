//! The token family of one login at the provider, with the ghost state of the properties.

use super::{properties::Residual, world::PROCS};

/// All tokens that descend from one login. Masks have one bit per process or per token index.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Family {
    /// The number of the authorization; 0: none yet.
    pub(crate) number: u8,
    /// The id of the authorization.
    pub(crate) authorization: u8,
    pub(crate) issued: u8,
    /// The valid token.
    pub(crate) current: u8,
    /// The token whose redemption brought the valid one.
    pub(crate) parent: u8,
    pub(crate) ended: bool,

    /// The living processes that received the valid token.
    pub(crate) holders: u8,
    /// The tokens that the provider refused permanently.
    pub(crate) refused: u8,
    /// The tokens that were redeemed without a living process receiving the result.
    pub(crate) unread: u8,
    /// The number of claims of each token that the store has seen.
    pub(crate) claims: [u8; 8],
    /// The living processes that received a decisive answer to a presentation, by token index.
    pub(crate) decided: [u8; 8],
    /// The tokens for which a violation is excused, by [`Residual`].
    pub(crate) excuses: [u8; Residual::ALL.len()],
    /// The claim of `parent` that was redeemed last.
    pub(crate) redeemed_by: u8,
    /// Claims of one token were redeemed in another order than the store saw them.
    pub(crate) disordered: bool,
}

impl Family {
    pub(crate) fn new(number: u8, authorization: u8) -> Self {
        Self {
            number,
            authorization,
            issued: 1,
            parent: NO_PARENT,
            ..Self::default()
        }
    }

    pub(crate) fn exists(&self) -> bool {
        self.issued > 0
    }

    pub(crate) fn note_excuse(&mut self, cause: Residual, index: u8) {
        self.excuses[cause as usize] |= 1 << index;
    }

    /// Returns the first of these excuses that applies to a token.
    pub(crate) fn excuse(&self, index: u8, excuses: &[Residual]) -> Option<Residual> {
        let happened = |cause: &&Residual| self.excuses[**cause as usize] >> index & 1 == 1;
        excuses.iter().find(happened).copied()
    }

    /// Copies the excuses of one token to another.
    pub(crate) fn inherit(&mut self, from: u8, to: u8) {
        for mask in &mut self.excuses {
            *mask |= (*mask >> from & 1) << to;
        }
    }

    /// Clears what a process knew.
    pub(crate) fn forget(&mut self, proc: usize) {
        self.holders &= !(1 << proc);
        for decided in &mut self.decided {
            *decided &= !(1 << proc);
        }
    }

    /// Clears what is known about unreferenced tokens, which can never be presented.
    pub(crate) fn normalize(&mut self, named: u8) {
        self.refused &= named;
        self.unread &= named;
        for mask in &mut self.excuses {
            *mask &= named;
        }
        for index in 0..8 {
            if named >> index & 1 == 0 {
                (self.decided[index], self.claims[index]) = (0, 0);
            }
        }
        if self.parent < 8 && named >> self.parent & 1 == 0 {
            (self.parent, self.redeemed_by) = (NO_PARENT, 0);
        }
        let lost = self.holders == 0 || self.ended;
        if named == 0 && lost && self.exists() {
            // Only the fact that it existed remains: a family is not used twice.
            *self = Self {
                issued: self.issued,
                ended: true,
                ..Self::default()
            };
        }
    }

    /// Returns the family with its processes in this order.
    pub(crate) fn permuted(mut self, order: [usize; PROCS]) -> Self {
        self.holders = permuted(self.holders, order);
        self.decided = self.decided.map(|mask| permuted(mask, order));
        self
    }

    /// Returns the bits that concern a process.
    pub(crate) fn known_by(&self, proc: usize) -> u16 {
        let decided = self.decided.iter().enumerate();
        let decided = decided.fold(0, |bits, (at, mask)| {
            bits | u16::from(mask >> proc & 1) << at
        });
        decided << 1 | u16::from(self.holders >> proc & 1)
    }
}

pub(crate) fn permuted(mask: u8, order: [usize; PROCS]) -> u8 {
    (0..PROCS).fold(0, |new, place| new | (mask >> order[place] & 1) << place)
}

pub(crate) const NO_PARENT: u8 = 255;
