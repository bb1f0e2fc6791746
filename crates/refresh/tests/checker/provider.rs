//! The provider's token endpoint.

use super::{
    Model,
    bounds::{Reuse, Revocation},
    family::Family,
    pending::Presented,
    properties::Residual,
    token::Token,
    world::World,
};

/// The provider's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Tokens(Token),
    Refused,
}

/// Logs in at the provider, and returns the first tokens of a new family.
pub(crate) fn new_family(world: &mut World, number: u8, authorization: u8) -> Token {
    let free = world.families.iter().position(|family| !family.exists());
    let family = free.expect("the bounds allow no more logins than there are families");
    world.families[family] = Family::new(number, authorization);
    Token::new(family, 0)
}

impl Model {
    /// Handles a token request.
    pub(crate) fn redeem(&mut self, world: &mut World, presented: Presented) -> Verdict {
        let Some(token) = presented.token else {
            let authorization = super::names::number(presented.authorization);
            let repeatable = world.code.flow == authorization;
            if repeatable && std::mem::replace(&mut world.code.spent, true) {
                if world.code.device {
                    return Verdict::Refused;
                }
                // RFC 6749 §4.1.2: the tokens of a code that is used twice are revoked.
                self.end_family_of_code(world, authorization);
                return Verdict::Refused;
            }
            let token = new_family(world, presented.number as u8, authorization);
            return Verdict::Tokens(token);
        };
        if self.bounds.reuse == Reuse::EndsFamily {
            self.check_reuse(world, token);
        }
        let family = &mut world.families[token.family()];
        let index = token.index();
        if family.ended {
            return family.refuse(index);
        }
        if index == family.current {
            family.parent = index;
            return family.issue(token, presented.count);
        }
        let graced = index == family.parent;
        match self.bounds.reuse {
            Reuse::SamePair if graced => {
                Verdict::Tokens(Token::new(token.family(), family.current))
            }
            Reuse::FreshPair if graced => {
                // After a failover the store cannot know which presentation came later.
                let rolled_back = family.excuse(index, &[Residual::StoreRolledBack]).is_some();
                family.disordered |= rolled_back || presented.count <= family.redeemed_by;
                // An excuse for the second presentation covers both pairs.
                family.inherit(index, family.current);
                family.inherit(index, family.issued);
                family.issue(token, presented.count)
            }
            Reuse::EndsFamily => {
                family.ended = true;
                family.refuse(index)
            }
            _ => family.refuse(index),
        }
    }

    fn end_family_of_code(&mut self, world: &mut World, authorization: u8) {
        let mut families = world.families.iter();
        let family = families.position(|f| f.exists() && f.authorization == authorization);
        if let Some(family) = family {
            self.check_code_reuse(world, family);
            let family = &mut world.families[family];
            family.ended = true;
            family.refused |= 1 << family.current;
        }
    }

    /// Revokes a token. A token other than the valid one has no effect, which is the worst case
    /// that the providers' documents allow.
    pub(crate) fn revoke(&self, world: &mut World, token: Token) {
        let family = &mut world.families[token.family()];
        let ends = token.index() == family.current;
        family.ended |= ends;
        if ends && self.bounds.revocation == Revocation::Account {
            let families = world.families.iter_mut();
            for family in families.filter(|family| family.exists()) {
                family.ended = true;
            }
        }
    }
}

impl Family {
    fn issue(&mut self, presented: Token, count: u8) -> Verdict {
        self.redeemed_by = count;
        self.current = self.issued;
        self.issued += 1;
        self.holders = 0;
        self.unread |= 1 << presented.index();
        Verdict::Tokens(Token::new(presented.family(), self.current))
    }

    fn refuse(&mut self, index: u8) -> Verdict {
        self.refused |= 1 << index;
        Verdict::Refused
    }
}
