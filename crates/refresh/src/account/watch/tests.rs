//! Tests of watches over another process's attempt.

use super::*;
use crate::rules::tests::rules as default_rules;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns rules with a gap of ten seconds and a grace of five seconds after an outage.
fn rules() -> Rules {
    Rules {
        poll: seconds(1),
        store_timeout: seconds(2),
        store_retry: Duration::from_millis(2500),
        ..default_rules()
    }
}

fn version() -> Version {
    Version::from_bytes([1; 16])
}

/// Returns a watch that began in the hundredth second of this process.
fn watch() -> Watch {
    Watch::new(version(), seconds(60), seconds(100))
}

fn read(watch: &mut Watch, at: u64) -> Observation {
    watch.read(Some(version()), seconds(at), &rules())
}

/// Reads the same version every five seconds, and returns what the last read showed.
fn stands(watch: &mut Watch, from: u64, until: u64) -> Observation {
    let reads = (from..=until).step_by(5);
    reads.fold(Observation::Unchanged, |_, now| read(watch, now))
}

#[test]
fn another_version_or_none_is_a_change() {
    let other = Version::from_bytes([2; 16]);
    let observation = watch().read(Some(other), seconds(101), &rules());
    assert_eq!(observation, Observation::Changed);
    assert_eq!(
        watch().read(None, seconds(101), &rules()),
        Observation::Changed
    );
}

#[test]
fn a_version_unchanged_for_a_lease_has_lapsed() {
    let mut watch = watch();
    assert_eq!(stands(&mut watch, 100, 155), Observation::Unchanged);
    assert_eq!(read(&mut watch, 160), Observation::Lapsed);
}

#[test]
fn a_pause_of_the_watcher_restarts_the_lease() {
    let mut watch = watch();
    assert_eq!(stands(&mut watch, 100, 150), Observation::Unchanged);
    assert_eq!(stands(&mut watch, 161, 216), Observation::Unchanged);
    assert_eq!(read(&mut watch, 221), Observation::Lapsed);
}

#[test]
fn a_slow_store_does_not_restart_the_lease() {
    let mut watch = watch();
    for now in [110, 120, 130, 140, 150] {
        assert_eq!(read(&mut watch, now), Observation::Unchanged);
    }
    assert_eq!(read(&mut watch, 160), Observation::Lapsed);
}

#[test]
fn a_failed_read_after_a_pause_restarts_the_lease() {
    let mut watch = watch();
    assert_eq!(stands(&mut watch, 100, 150), Observation::Unchanged);
    watch.failed(false, seconds(165), &rules());
    assert_eq!(stands(&mut watch, 170, 220), Observation::Unchanged);
    assert_eq!(read(&mut watch, 225), Observation::Lapsed);
}

#[test]
fn after_an_outage_the_holder_gets_time_to_write() {
    let mut watch = watch();
    assert_eq!(stands(&mut watch, 100, 150), Observation::Unchanged);
    for now in [155, 160, 165] {
        watch.failed(false, seconds(now), &rules());
    }
    assert_eq!(read(&mut watch, 170), Observation::Unchanged);
    assert_eq!(read(&mut watch, 174), Observation::Unchanged);
    assert_eq!(read(&mut watch, 175), Observation::Lapsed);
}

#[test]
fn after_a_hung_read_a_write_may_hang_as_long() {
    let mut watch = watch();
    assert_eq!(stands(&mut watch, 100, 150), Observation::Unchanged);
    watch.failed(true, seconds(157), &rules());
    assert_eq!(read(&mut watch, 160), Observation::Unchanged);
    assert_eq!(read(&mut watch, 166), Observation::Unchanged);
    assert_eq!(read(&mut watch, 167), Observation::Lapsed);
}
