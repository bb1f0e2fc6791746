//! Goals of what waits for a refresh.

use crate::{AHEAD, PROCESSES, STORM, goal::Goal, tables::Tables};

pub fn storm(tables: &Tables) -> Vec<Goal> {
    let of = |row: [&str; 2], column| tables.number("storm", &row, column);
    let (tokens, refused) = (["10000", "tokens"], ["10000", "503"]);
    let aborted = ["10000, the first aborted", "tokens"];
    let sent = ["10000, each with a request", "tokens"];
    let requests = [tokens, refused, aborted, sent].map(|row| of(row, "token requests"));
    let served = |row| of(row, "tasks with a token");
    // Who fails at once is no one who has it.
    let last = |row| {
        let all = served(row)? >= 10_000.0;
        of(row, "the last after the answer").filter(|_| all)
    };
    let late = |column| tables.number("storm", &["100, 10 ms apart"], column);
    vec![
        Goal::exactly(1.0, requests, "").said(
            "10,000 tasks meet an expired token; on a 503; the first one aborted; each with a request",
            "one token request",
            STORM,
        ),
        Goal::exactly(10_000.0, [tokens, aborted, sent].map(served), "served").said(
            "",
            "nobody fails, also when the first is aborted",
            STORM,
        ),
        Goal::at_most(10.0, [last(tokens)], "ms, a median").said(
            "",
            "the last has it within 10 ms of the answer",
            STORM,
        ),
        Goal::at_most(10.0, [last(sent)], "ms, a median").said(
            "",
            "the same where each sends a request through the layer",
            STORM,
        ),
        Goal::exactly(1.0, [late("token requests")], "").said(
            "100 requests get late 401s, 10 ms apart",
            "one refresh",
            STORM,
        ),
        Goal::exactly(100.0, [late("answered well")], "answered well").said(
            "",
            "each is answered by its replay",
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
        Goal::at_most(16.0, [of("calls of Redis, all together")], "in all").said(
            "",
            "at most two round trips a process, 16 in all",
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
    let valid = "valid for an hour";
    let during = "refreshed ahead, those during a refresh";
    let same = ["p50", "p99"].map(|column| Some(of(during, column)? / of(valid, column)?));
    let reached = [
        ("refreshed ahead", "token requests"),
        ("refreshed ahead, the old one dies", "rejected by the API"),
    ];
    // Where nothing was refreshed, or rejected, nothing is shown.
    let reached = reached.map(|(row, happened)| {
        let happened = of(row, happened)? > 0.0;
        of(row, "rejections that reached a caller").filter(|_| happened)
    });
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
