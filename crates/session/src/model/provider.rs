//! The token endpoint: what it makes of a refresh token that is presented.

use super::{bounds::Reuse, token::Token, world::World};

/// All tokens that descend from one login, and what is known of them. Masks of processes and of indices have a bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Family {
    /// The number of the authorization; 0: it has none yet.
    pub(super) number: u8,
    /// The id of the authorization.
    pub(super) authorization: u8,
    pub(super) issued: u8,
    /// The valid token.
    pub(super) current: u8,
    /// The token whose redemption brought the valid one.
    pub(super) parent: u8,
    pub(super) ended: bool,

    /// Living processes that received the valid token.
    pub(super) holders: u8,
    /// Tokens that the provider refused for good.
    pub(super) refused: u8,
    /// Living processes that received a decisive answer to the presentation of a token, by its index.
    pub(super) decided: [u8; 8],
    /// Tokens with a holder that was presumed dead while it lived.
    pub(super) presumed: u8,
    /// Tokens whose attempt or answer a failover or a wipe may have lost.
    pub(super) set_back: u8,
    /// A residual has happened to it: the provider's reasons are no longer the protocol's.
    pub(super) tainted: bool,
    /// Which presentation of `parent` was redeemed last.
    pub(super) redeemed_by: u8,
    /// Presentations of one token were redeemed in another order than they were claimed in.
    pub(super) disordered: bool,
}

/// A login at the provider: the first tokens of another family.
pub(super) fn new_family(world: &mut World, number: u8) -> Token {
    let free = world.families.iter().position(|family| !family.exists());
    let family = free.expect("the bounds allow no more logins than there are families");
    world.families[family] = Family::new(number);
    Token::new(family, 0)
}

/// The provider's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Tokens(Token),
    Refused,
}

impl Family {
    pub(super) fn new(number: u8) -> Self {
        Self {
            number,
            issued: 1,
            parent: NO_PARENT,
            ..Self::default()
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.issued > 0
    }

    /// Redeems the token `index` of the family number `family`; `presentation` is the client's own count.
    pub(super) fn present(
        &mut self,
        family: usize,
        index: u8,
        presentation: u8,
        reuse: Reuse,
    ) -> Verdict {
        if self.ended {
            return self.refuse(index);
        }
        if index == self.current {
            self.parent = index;
            return self.issue(family, presentation);
        }
        let graced = index == self.parent;
        match reuse {
            Reuse::SamePair if graced => Verdict::Tokens(Token::new(family, self.current)),
            Reuse::FreshPair if graced => {
                self.disordered |= presentation <= self.redeemed_by;
                self.issue(family, presentation)
            }
            Reuse::EndsFamily => {
                self.ended = true;
                self.refuse(index)
            }
            _ => self.refuse(index),
        }
    }

    /// Forgets what is known of tokens that nothing refers to any more; they can never be presented.
    pub(super) fn tidy(&mut self, named: u8) {
        self.refused &= named;
        self.presumed &= named;
        self.set_back &= named;
        for (index, decided) in self.decided.iter_mut().enumerate() {
            if named >> index & 1 == 0 {
                *decided = 0;
            }
        }
        if self.parent < 8 && named >> self.parent & 1 == 0 {
            (self.parent, self.redeemed_by) = (NO_PARENT, 0);
        }
        let lost = self.holders == 0 || self.ended;
        if named == 0 && lost && self.exists() {
            // Its number is all that stays: a family is not used twice.
            *self = Self {
                issued: self.issued,
                ended: true,
                ..Self::default()
            };
        }
    }

    /// Says whether the login ends by it. A token that is not the valid one says nothing to the provider: the worst that a document
    /// allows.
    pub(super) fn revoke(&mut self, index: u8) -> bool {
        let ends = index == self.current;
        self.ended |= ends;
        ends
    }

    fn issue(&mut self, family: usize, presentation: u8) -> Verdict {
        self.redeemed_by = presentation;
        self.current = self.issued;
        self.issued += 1;
        self.holders = 0;
        Verdict::Tokens(Token::new(family, self.current))
    }

    fn refuse(&mut self, index: u8) -> Verdict {
        self.refused |= 1 << index;
        Verdict::Refused
    }
}

const NO_PARENT: u8 = 255;
