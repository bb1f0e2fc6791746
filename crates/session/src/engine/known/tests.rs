use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use tokenkeeper_protocol::TokenSet;

use super::*;
use crate::record::{Attempt, Authorization, Cause, Health, Login, Terms};

fn live() -> Live<Held> {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let mut tokens = TokenSet::new("at-1")
        .with_refresh_token("rt-1")
        .with_expires_at(at(1_800_003_600));
    tokens.issued_at = at(1_800_000_000);
    tokens.token_type = Some("bearer".into());
    tokens.scope = Some("read".into());
    tokens.extra.insert("tenant".into(), "t-7".into());
    let terms = Terms {
        redirect_uri: "https://app.example/cb".into(),
        scope: Some("read write".into()),
    };
    let authorization = Authorization {
        number: 1_800_000_000_123,
        id: u128::MAX / 3,
    };
    let mut live = Live::first(authorization, Held { tokens, terms });
    (live.generation, live.born_of, live.presented) = (7, 2, 1);
    live
}

fn known(record: Record<Held>, written: bool, shared: &Shared) -> Known {
    let version = Version::from_bytes([9; 16]);
    Known::new(Stored { version, record }, written, shared)
}

fn of(state: State<Held>) -> Record<Held> {
    Record { state, login: None }
}

#[test]
fn a_record_comes_back_as_it_was() {
    let attempt = Attempt {
        id: 1,
        holder: 2,
        lease: 3,
        digest: 4,
    };
    let mut records = vec![of(State::Live(live())), Record::empty()];
    let mut other = |change: &dyn Fn(&mut Live<Held>)| {
        let mut live = live();
        change(&mut live);
        records.push(of(State::Live(live)));
    };
    other(&|live| live.attempt = Some(attempt));
    other(&|live| live.unanswered = true);
    other(&|live| live.health = Health::Dead(Cause::ResponseLost));
    other(&|live| live.health = Health::Misconfigured(5));
    other(&|live| live.failures.count = 1);
    other(&|live| live.tokens.tokens.expires_at = None);
    other(&|live| live.tokens.tokens.expires_at = Some(UNIX_EPOCH));
    other(&|live| live.tokens.tokens.refresh_at = live.tokens.tokens.expires_at);
    other(&|live| live.tokens.tokens.refresh_token = None);
    other(&|live| live.generation = u64::MAX);
    other(&|live| live.tokens.terms.scope = None);
    let authorization = live().authorization;
    let mut pending = of(State::Live(live()));
    pending.login = Some(Login {
        authorization,
        attempt,
    });
    records.push(pending);
    records.push(of(State::Ended(Tombstone {
        authorization,
        generation: 7,
        revoke: Some(live().tokens),
    })));
    let cases = |record| [true, false].map(|written| (Record::clone(record), written));
    for (record, written) in records.iter().flat_map(cases) {
        let known = known(record.clone(), written, &Shared::default());
        assert_eq!(known.record(), record);
        assert_eq!(known.is_written(), written);
        assert_eq!(known.live().as_ref(), record.live());
        assert_eq!(known.stamp(), record.live().map(Live::stamp));
        assert_eq!(
            known.tombstone().is_some(),
            matches!(record.state, State::Ended(_))
        );
    }
}

#[test]
fn accounts_at_rest_share_what_they_have_in_common() {
    let shared = Shared::default();
    let common = |record| match known(record, true, &shared).form {
        Form::Resting(resting) => resting.common,
        Form::Whole(_) => panic!("it rests"),
    };
    let mut other = live();
    other.tokens.tokens.refresh_token = None;
    let one = common(of(State::Live(live())));
    assert!(Arc::ptr_eq(&one, &common(of(State::Live(other)))));
    let mut elsewhere = live();
    elsewhere.tokens.terms.redirect_uri = "https://app.example/other".into();
    assert!(!Arc::ptr_eq(&one, &common(of(State::Live(elsewhere)))));
}
