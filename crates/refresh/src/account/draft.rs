//! Drafts the next write: the known record, with the claims of the jobs.

use super::{
    jobs::{ChangeStage, RefreshStage},
    revocation::revocation_claim,
    turn::Turn,
};
use crate::{
    mutation::{Mutation, broken},
    payload::Payload,
    record::{Attempt, Authorization, Record, State},
};

impl<T: Payload> Turn<'_, T> {
    /// Returns the record to write, and whether a job claims something with it.
    pub(super) fn draft(&self) -> (Record<T>, bool) {
        let rules = self.cx.rules;
        let mut draft = match &self.state.known {
            Some(known) => Record::clone(known),
            None => Record::empty(),
        };
        draft.forget_flows(self.cx.wall);
        let mut claims = false;
        let Some(activity) = self.active() else {
            return (draft, claims);
        };
        if let Some(job) = &activity.refresh
            && let State::Live(live) = &mut draft.state
        {
            match &job.stage {
                RefreshStage::Claiming(claim) => {
                    let digest = live.payload.refresh_digest().unwrap_or_default();
                    live.attempt = Some(Box::new(Attempt::new(claim.id, digest, rules)));
                    if !broken(Mutation::PresentationsNotCounted) {
                        live.presented = live.presented.saturating_add(1);
                    }
                    claims = true;
                }
                RefreshStage::Exchanging(presented)
                    if presented.renew
                        && live.authorization == presented.authorization
                        && live.generation == presented.generation
                        && live
                            .attempt
                            .as_ref()
                            .is_none_or(|a| a.id == presented.attempt.id) =>
                {
                    live.attempt = Some(Box::new(presented.attempt));
                    live.presented = live.presented.max(presented.count);
                    claims = true;
                }
                _ => {}
            }
        }
        for change in &activity.changes {
            match &change.stage {
                // A login at the token endpoint is restored if the one that replaced it was
                // withdrawn.
                ChangeStage::Exchanging {
                    login, renew: true, ..
                }
                | ChangeStage::Waiting {
                    login, renew: true, ..
                } if draft.login == Some(*login) => claims = true,
                ChangeStage::Login {
                    claim: Some((login, _)),
                    ..
                }
                | ChangeStage::Exchanging { login, .. }
                | ChangeStage::Waiting { login, .. }
                    if change.unreadable.is_none()
                        && draft.highest_number() < login.authorization.number =>
                {
                    if let Some(replaced) = draft.login.replace(*login)
                        && replaced.authorization.id != login.authorization.id
                    {
                        draft.retire(&replaced, self.cx.wall);
                    }
                    claims = true;
                    if broken(Mutation::LoginDropsAttempt)
                        && let Some(live) = draft.live_mut()
                    {
                        live.attempt = None;
                    }
                }
                ChangeStage::Disconnect(target) if !change.check => {
                    if let State::Live(live) = draft.state.clone()
                        && target.is_none_or(|t| live.authorization.number <= t.number)
                    {
                        draft.disconnect(&live, rules, self.cx.wall);
                        if !draft.revoke.is_empty() {
                            draft.revocation = revocation_claim(rules, self.cx.wall);
                        }
                        if broken(Mutation::DisconnectAsDelete) {
                            draft = Record::empty();
                        }
                        claims = true;
                    }
                }
                ChangeStage::Forget { target }
                    if !change.check
                        && !draft.is_forgotten()
                        && target.is_none_or(|t| draft.number() <= t.number) =>
                {
                    // Every login that an unreadable record could hold is older than now.
                    let newest = change.unreadable.map(|_| Authorization {
                        number: self.cx.wall,
                        id: self.cx.ids[1],
                    });
                    draft.forget(newest, self.cx.wall);
                    claims = true;
                }
                _ => {}
            }
        }
        (draft, claims)
    }
}
