//! Requests with a valid token.

use std::fmt::Write as _;

use crate::measured::{Measured, ratio, time};

/// The rows, and the group of each. The last one is for comparison, and has no goal.
const REQUESTS: [(&str, &str); 6] = [
    ("0", "attach/0 headers"),
    ("4", "attach/4 headers"),
    ("12", "attach/12 headers"),
    ("4, an extension", "attach/4 headers, an extension"),
    (
        "4, a clone of the service for each",
        "attach/4 headers, a clone for each",
    ),
    (
        "4, the service holds its answer",
        "attach/4 headers, the answer held",
    ),
];

/// What is measured in each group, beside ours; azure_core's requests have a bare pipeline of their own.
const PEERS: [(&str, &str); 8] = [
    ("static header", "bare"),
    ("one account, no replay", "bare"),
    ("one account, with replay", "bare"),
    ("Mutex, format!", "bare"),
    ("tokio's Mutex, format!", "bare"),
    ("google-cloud-auth", "bare"),
    ("aws-smithy", "bare"),
    ("azure_core", "azure_core, bare"),
];

/// Ours beside a static header. The goal with replay is twice that and a clone.
pub fn table(measured: &Measured) -> String {
    let mut table = "| headers | bare | static header adds | one account, no replay, adds | over the static header | with replay adds | a clone of the request | over its goal |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    for (row, group) in REQUESTS {
        let of = |name| measured.of(group, name);
        let bare = of("bare");
        let theirs = of("static header") - bare;
        let once = of("one account, no replay") - bare;
        let replay = of("one account, with replay") - bare;
        let copy = of("request.clone()");
        let _ = writeln!(
            table,
            "| {row} | {} | {} | {} | {} | {} | {} | {} |",
            time(bare),
            time(theirs),
            time(once),
            ratio(once, theirs),
            time(replay),
            time(copy),
            ratio(replay, 2.0 * theirs + copy),
        );
    }
    table
}

/// What each adds to the bare service, by one thread and by two at once.
pub fn peers(measured: &Measured) -> String {
    let mut table = "| adds | 0 headers | 4 headers | 12 headers | 4 headers, two threads | over ours without replay, 4 headers |\n|---|---|---|---|---|---|\n".to_owned();
    let added = |group: &str, (name, bare): (&str, &str)| {
        measured.of(group, name) - measured.of(group, bare)
    };
    let ours = added("attach/4 headers", PEERS[1]);
    for peer in PEERS {
        let of = |group: &str| time(added(group, peer));
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} |",
            peer.0,
            of("attach/0 headers"),
            of("attach/4 headers"),
            of("attach/12 headers"),
            of("attach/4 headers, two threads"),
            ratio(added("attach/4 headers", peer), ours),
        );
    }
    table
}

/// The account of the request, beside one account for all of them.
pub fn per_request(measured: &Measured) -> String {
    let mut table = "| accounts | found by its subject and attached, adds | over one account |\n|---|---|---|\n".to_owned();
    let of = |name| measured.of("attach/4 headers", name);
    let bare = of("bare");
    let one = of("one account, no replay") - bare;
    for accounts in ["1", "10000", "1000000"] {
        let found = measured.of("attach/account per request", accounts) - bare;
        let _ = writeln!(
            table,
            "| {accounts} | {} | {} |",
            time(found),
            ratio(found, one)
        );
    }
    table
}
