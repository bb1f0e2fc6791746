//! Goals for requests that wait for a refresh.

use crate::{AHEAD, PEERS, PROCESSES, STORM, goal::Goal, tables::Tables};

pub fn storm(tables: &Tables) -> Vec<Goal> {
    let of = |row: [&str; 2], column| tables.number("storm", &row, column);
    let (tokens, refused) = (["10000", "tokens"], ["10000", "503"]);
    let aborted = ["10000, the first aborted", "tokens"];
    let sent = ["10000, each with a request", "tokens"];
    let locked = ["10000, a mutex that is held", "tokens"];
    let requests = [tokens, refused, aborted, sent].map(|row| of(row, "token requests"));
    let served = |row| of(row, "tasks with a token");
    // The time means nothing if some tasks failed at once.
    let last = |row| {
        let all = served(row)? >= 10_000.0;
        of(row, "the last after the answer").filter(|_| all)
    };
    let late = |column| tables.number("storm", &["100, 10 ms apart"], column);
    vec![
        Goal::exactly(1.0, requests, "").named(
            "10,000 tasks meet an expired token; on a 503; the first one aborted; \
             each with a request",
            "one token request",
            STORM,
        ),
        Goal::exactly(10_000.0, [tokens, aborted, sent].map(served), "served").named(
            "",
            "no task fails, even when the first is aborted",
            STORM,
        ),
        Goal::at_most(10.0, [last(tokens)], "ms, a median").named(
            "",
            "the last task has it within 10 ms of the answer",
            STORM,
        ),
        Goal::at_most(10.0, [last(sent)], "ms, a median").named(
            "",
            "the same where each sends a request through the layer",
            STORM,
        ),
        Goal::at_most(
            1.0,
            [last(sent)
                .zip(last(locked))
                .map(|(ours, mutex)| ours / mutex)],
            "×",
        )
        .named(
            "",
            "no later than behind a mutex that the first task holds during its refresh",
            STORM,
        ),
        Goal::exactly(1.0, [late("token requests")], "").named(
            "100 requests get late 401s, 10 ms apart",
            "one refresh",
            STORM,
        ),
        Goal::exactly(100.0, [late("answered well")], "answered well").named(
            "",
            "each is answered by its replay",
            STORM,
        ),
    ]
}

pub fn peers(tables: &Tables) -> Vec<Goal> {
    let over = |tasks| {
        let row = [tasks, "tokenkeeper"];
        tables.number("peers-storm", &row, "over the fastest peer")
    };
    let tasks = ["1000", "10000"];
    vec![Goal::at_most(1.0, tasks.map(over), "×").named(
        "1,000 and 10,000 tasks meet an expired token, next to other libraries",
        "the last task is served as early as with the fastest library that serves all with one \
         request",
        PEERS,
    )]
}

pub fn processes(tables: &Tables) -> Vec<Goal> {
    let of = |column| tables.number("processes", &["8"], column);
    vec![
        Goal::exactly(1.0, [of("token requests")], "").named(
            "8 processes × 64 tasks on one Redis",
            "one token request",
            PROCESSES,
        ),
        Goal::at_most(16.0, [of("calls of Redis, all together")], "in all").named(
            "",
            "at most two round trips a process, 16 in all",
            PROCESSES,
        ),
        Goal::at_most(10.0, [of("the last after the answer")], "ms, a median").named(
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
    // A run without a refresh, or without a rejection, shows nothing.
    let reached = reached.map(|(row, happened)| {
        let happened = of(row, happened)? > 0.0;
        of(row, "rejections that reached a caller").filter(|_| happened)
    });
    vec![
        // Two equal runs differ by up to a quarter.
        Goal::at_most(1.25, same, "× at p50 and p99").named(
            "requests during a refresh ahead of expiry",
            "the latency without one, within 1.25 ×",
            AHEAD,
        ),
        Goal::exactly(0.0, reached, "").named(
            "",
            "no 401 reaches a caller, even where the old token dies",
            AHEAD,
        ),
    ]
}
