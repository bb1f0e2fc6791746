//! Goals of what waits for a refresh.

use crate::{AHEAD, PROCESSES, STORM, goal::Goal, tables::Tables};

pub fn storm(tables: &Tables) -> Vec<Goal> {
    let of = |row: &[&str], column| tables.number("storm", row, column);
    let (tokens, refused) = (["10000", "tokens"], ["10000", "503"]);
    let aborted = ["10000, the first aborted", "tokens"];
    let late = ["100, 10 ms apart"];
    let requests = [&tokens, &refused, &aborted].map(|row| of(row, "token requests"));
    let sent = ["10000, each with a request", "tokens"];
    let last = |row| of(row, "the last after the answer");
    vec![
        Goal::exactly(1.0, requests, "").said(
            "10,000 tasks meet an expired token; on a 503; the first one aborted",
            "one token request",
            STORM,
        ),
        Goal::at_most(10.0, [last(&tokens)], "ms, a median").said(
            "",
            "the last has it within 10 ms of the answer",
            STORM,
        ),
        Goal::at_most(10.0, [last(&sent)], "ms, a median").said(
            "",
            "the same where each sends a request through the layer",
            STORM,
        ),
        Goal::exactly(10_000.0, [of(&aborted, "tasks with a token")], "served").said(
            "",
            "nobody fails when the first is aborted",
            STORM,
        ),
        Goal::exactly(1.0, [of(&late, "token requests")], "").said(
            "100 requests get late 401s, 10 ms apart",
            "one refresh",
            STORM,
        ),
    ]
}

pub fn processes(tables: &Tables) -> Vec<Goal> {
    let of = |column| tables.number("processes", &["8"], column);
    vec![
        Goal::exactly(1.0, [of("token requests")], "").said(
            "8 processes × 64 tasks on one Redis",
            "one token request",
            PROCESSES,
        ),
        Goal::at_most(16.0, [of("calls of Redis, all together")], "all together").said(
            "",
            "two round trips for the one that refreshes, at most two for each other",
            PROCESSES,
        ),
        Goal::at_most(10.0, [of("the last after the answer")], "ms, a median").said(
            "",
            "the last task has it within 10 ms of the answer",
            PROCESSES,
        ),
    ]
}

pub fn ahead(tables: &Tables) -> Vec<Goal> {
    let of = |row, column| tables.number("ahead", &[row], column);
    let same = ["p50", "p99"]
        .map(|column| Some(of("refreshed ahead", column)? / of("valid for an hour", column)?));
    let reached = ["refreshed ahead", "refreshed ahead, the old one dies"];
    let reached = reached.map(|row| of(row, "rejections that reached a caller"));
    vec![
        // A quarter is what two runs of the same differ by.
        Goal::at_most(1.25, same, "× at p50 and p99").said(
            "requests during a refresh ahead of expiry",
            "the latency without one, within 1.25 ×",
            AHEAD,
        ),
        Goal::exactly(0.0, reached, "").said(
            "",
            "no 401 reaches a caller, also where the old token dies",
            AHEAD,
        ),
    ]
}
