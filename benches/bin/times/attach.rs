//! Tables of requests with a valid token.

use std::fmt::Write as _;

use crate::medians::{Medians, fastest, ratio, time, verdict};

/// Rows and their groups. The last one is for comparison and has no goal.
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

/// Rows of the comparison, and the name of each one's bare service.
///
/// All of them attach a token that expires. The first one is ours.
const PEERS: [(&str, &str, &str); 6] = [
    ("tokenkeeper", "one account, no replay", "bare"),
    ("Mutex, format!", "Mutex, format!", "bare"),
    ("tokio's Mutex, format!", "tokio's Mutex, format!", "bare"),
    ("google-cloud-auth", "google-cloud-auth", "bare"),
    ("aws-smithy", "aws-smithy", "bare"),
    ("azure_core", "azure_core", "azure_core, bare"),
];

/// Groups of the comparison, by their columns.
const COLUMNS: [(&str, &str); 4] = [
    ("0 headers", "attach/0 headers"),
    ("4 headers", "attach/4 headers"),
    ("12 headers", "attach/12 headers"),
    ("4 headers, two threads", "attach/4 headers, two threads"),
];

/// Compares ours with a static header. The goal with replay is twice that and a clone.
pub fn table(medians: &Medians) -> String {
    let mut table = "| headers | bare | static header adds | one account, no replay, adds \
                     | over the static header | with replay adds | a clone of the request \
                     | over its goal |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (row, group) in REQUESTS {
        let of = |name| medians.of(group, name);
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

/// Compares ours with other libraries: the time that each adds to its bare service.
pub fn peers(medians: &Medians) -> String {
    let columns = COLUMNS.map(|(column, _)| column).join(" | ");
    let mut table = format!("| adds | {columns} | verdict |\n|---|---|---|---|---|---|\n");
    let added = PEERS.map(|(row, name, bare)| {
        let times = COLUMNS.map(|(_, group)| medians.of(group, name) - medians.of(group, bare));
        let _ = writeln!(table, "| {row} | {} | |", times.map(time).join(" | "));
        times
    });
    let over: [f64; COLUMNS.len()] = std::array::from_fn(|column| {
        added[0][column] / fastest(added[1..].iter().map(|times| times[column]))
    });
    let ratios = over.map(|over| ratio(over, 1.0)).join(" | ");
    let verdict = verdict(over);
    let _ = writeln!(
        table,
        "| tokenkeeper over the fastest peer | {ratios} | {verdict} |"
    );
    table
}

/// Compares an account for each request with one account for all of them.
pub fn per_request(medians: &Medians) -> String {
    let mut table = "| accounts | found by its subject and attached, adds | over one account |\n\
                     |---|---|---|\n"
        .to_owned();
    let of = |name| medians.of("attach/4 headers", name);
    let bare = of("bare");
    let one = of("one account, no replay") - bare;
    for accounts in ["1", "10000", "1000000"] {
        let found = medians.of("attach/account per request", accounts) - bare;
        let _ = writeln!(
            table,
            "| {accounts} | {} | {} |",
            time(found),
            ratio(found, one)
        );
    }
    table
}
