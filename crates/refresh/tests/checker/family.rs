//! The tokens of one login at the provider, and what is known of them.

use super::{properties::Residual, world::PROCS};

/// All tokens that descend from one login. Masks of processes and of indices have a bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Family {
    /// The number of the authorization; 0: it has none yet.
    pub(crate) number: u8,
    /// The id of the authorization.
    pub(crate) authorization: u8,
    pub(crate) issued: u8,
    /// The valid token.
    pub(crate) current: u8,
    /// The token whose redemption brought the valid one.
    pub(crate) parent: u8,
    pub(crate) ended: bool,

    /// Living processes that received the valid token.
    pub(crate) holders: u8,
    /// Tokens that the provider refused for good.
    pub(crate) refused: u8,
    /// Tokens that were redeemed, and no living process received what that brought.
    pub(crate) unread: u8,
    /// How many claims of each token the store has seen.
    pub(crate) claims: [u8; 8],
    /// Living processes that received a decisive answer to the presentation of a token, by its
    /// index.
    pub(crate) decided: [u8; 8],
    /// Tokens that something has happened to which excuses a breach, by [`Residual`].
    pub(crate) causes: [u8; Residual::ALL.len()],
    /// Which claim of `parent` was redeemed last.
    pub(crate) redeemed_by: u8,
    /// Claims of one token were redeemed in another order than the store has seen them in.
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

    pub(crate) fn mark(&mut self, cause: Residual, index: u8) {
        self.causes[cause as usize] |= 1 << index;
    }

    /// The first of these causes that has happened to a token.
    pub(crate) fn cause(&self, index: u8, causes: &[Residual]) -> Option<Residual> {
        let happened = |cause: &&Residual| self.causes[**cause as usize] >> index & 1 == 1;
        causes.iter().find(happened).copied()
    }

    /// What excuses the one excuses the other.
    pub(crate) fn inherit(&mut self, from: u8, to: u8) {
        for mask in &mut self.causes {
            *mask |= (*mask >> from & 1) << to;
        }
    }

    /// Forgets what a process knew.
    pub(crate) fn forget(&mut self, proc: usize) {
        self.holders &= !(1 << proc);
        for decided in &mut self.decided {
            *decided &= !(1 << proc);
        }
    }

    /// Forgets what is known of tokens that nothing refers to; they can never be presented.
    pub(crate) fn tidy(&mut self, named: u8) {
        self.refused &= named;
        self.unread &= named;
        for mask in &mut self.causes {
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
            // That it existed is all that stays: a family is not used twice.
            *self = Self {
                issued: self.issued,
                ended: true,
                ..Self::default()
            };
        }
    }

    /// The same with processes in this order.
    pub(crate) fn permuted(mut self, order: [usize; PROCS]) -> Self {
        self.holders = permuted(self.holders, order);
        self.decided = self.decided.map(|mask| permuted(mask, order));
        self
    }

    /// What it knows of a process.
    pub(crate) fn known_by(&self, proc: usize) -> u16 {
        let decided = self.decided.iter().enumerate();
        let decided = decided.fold(0, |bits, (at, mask)| {
            bits | u16::from(mask >> proc & 1) << at
        });
        decided << 1 | u16::from(self.holders >> proc & 1)
    }
}

fn permuted(mask: u8, order: [usize; PROCS]) -> u8 {
    (0..PROCS).fold(0, |new, place| new | (mask >> order[place] & 1) << place)
}

pub(crate) const NO_PARENT: u8 = 255;
