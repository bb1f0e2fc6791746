use std::io;

use redis::parse_redis_value;
use tokenkeeper_store::StoreError;

use super::{Call, Fault};
use crate::RedisError;

const SERVER: &str = "redis://localhost:6379";

/// The client's error for a line that the server sent.
fn answered(line: &str) -> redis::RedisError {
    let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
    value.extract_error().unwrap_err()
}

fn refused(line: &str, call: Call) -> StoreError {
    Fault::Refused(answered(line)).into_error(call, SERVER, false)
}

fn cause(error: &StoreError) -> &RedisError {
    let source = std::error::Error::source(error).unwrap();
    source.downcast_ref().unwrap()
}

#[test]
fn passing_states_are_transient_and_wrote_nothing() {
    for line in [
        "LOADING Redis is loading the dataset in memory",
        "CLUSTERDOWN The cluster is down",
        "CLUSTERDOWN Hash slot not served",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "MASTERDOWN Link with MASTER is down",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Redis is busy running a script.",
        "ERR Script attempted to execute a command while the cluster is down",
        "MOVED 3999 127.0.0.1:6381",
        "ASK 3999 127.0.0.1:6381",
    ] {
        for call in [Call::Read, Call::WriteNew, Call::WriteOver] {
            let error = refused(line, call);
            assert!(
                matches!(error, StoreError::Unavailable { .. }),
                "{line}: {error:?}"
            );
            assert!(
                matches!(cause(&error), RedisError::NotReady { .. }),
                "{line}"
            );
        }
    }
}

#[test]
fn errors_that_redis_6_wraps_are_told_apart() {
    let wrapped = |said: &str| {
        let script = "f_cb75618befae8f792961274ac6653f6ff1757c36";
        format!("ERR Error running script (call to {script}): @user_script:35: {said}")
    };
    for (said, code) in [
        (
            "@user_script: 35: -READONLY You can't write against a read only replica. ",
            "READONLY",
        ),
        (
            "@user_script: 35: -NOREPLICAS Not enough good replicas to write. ",
            "NOREPLICAS",
        ),
        (
            "@user_script: 35: -OOM command not allowed when used memory > 'maxmemory'. ",
            "OOM",
        ),
        (
            "WRONGTYPE Operation against a key holding the wrong kind of value ",
            "WRONGTYPE",
        ),
        (
            "@user_script: 35: The user executing the script can't run this command or subcommand ",
            "NOPERM",
        ),
        (
            "@user_script: 35: Lua script attempted to execute a command while the cluster is \
             down ",
            "CLUSTERDOWN",
        ),
        // Without a code it is the script's own failure.
        ("attempt to index a nil value ", "ERR"),
    ] {
        let fault = Fault::of_sent(answered(&wrapped(said)));
        assert_eq!(fault.code(), Some(code), "{said}");
    }
}

#[test]
fn configuration_errors_are_not_transient() {
    for line in [
        "NOAUTH Authentication required.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "ERR The user executing the script can't run this command or subcommand",
        "ERR ACL failure in script: User x has no permissions to run the 'set' command",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "READONLY You can't write against a read only replica.",
    ] {
        let error = refused(line, Call::WriteOver);
        assert!(!error.is_transient(), "{line}: {error:?}");
    }
}

#[test]
fn a_replica_is_transient_where_another_master_will_be_found() {
    let fault = Fault::Refused(answered(
        "READONLY You can't write against a read only replica.",
    ));
    let error = fault.clone().into_error(Call::WriteOver, SERVER, true);
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let error = fault.into_error(Call::WriteOver, SERVER, false);
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn no_room_is_full_for_a_new_key_only() {
    let line = "OOM command not allowed when used memory > 'maxmemory'.";
    assert!(matches!(refused(line, Call::WriteNew), StoreError::Full));
    let error = refused(line, Call::WriteOver);
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[test]
fn only_a_write_that_may_have_been_made_is_ambiguous() {
    let cut = || redis::RedisError::from(io::Error::from(io::ErrorKind::ConnectionReset));
    let error = Fault::Lost(cut()).into_error(Call::WriteOver, SERVER, false);
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error:?}");
    let error = Fault::Lost(cut()).into_error(Call::Read, SERVER, false);
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let error = Fault::NotSent(cut()).into_error(Call::WriteOver, SERVER, false);
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    let unknown = "ERR something that no version of Redis says yet";
    let error = refused(unknown, Call::WriteOver);
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error:?}");
    let error = refused(unknown, Call::Read);
    assert!(matches!(error, StoreError::Other { .. }), "{error:?}");
    let fault = Fault::NotSent(answered("ERR DB index is out of range"));
    let error = fault.into_error(Call::WriteOver, SERVER, false);
    assert!(matches!(error, StoreError::Other { .. }), "{error:?}");
}
