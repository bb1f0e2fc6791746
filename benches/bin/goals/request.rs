//! Goals for a request with a valid token, and for the memory of an account.

use crate::{ALLOCATIONS, ATTACH, INSTRUCTIONS, KEYED, MEMORY, PEERS, goal::Goal, tables::Tables};

/// The rows of both tables.
const REQUESTS: [&str; 5] = [
    "0",
    "4",
    "12",
    "4, an extension",
    "4, a clone of the service for each",
];

pub fn one_account(tables: &Tables) -> Vec<Goal> {
    let each = |file, column| REQUESTS.map(|row| tables.number(file, &[row], column));
    let to_goal = |column| {
        let goals = REQUESTS.map(|row| tables.goal("instructions", &[row], column));
        over(each("instructions", column), goals)
    };
    let (once, replay) = (to_goal("one account, no replay"), to_goal("with replay"));
    let account = ["no replay", "with replay"].map(|row| {
        let ours = tables.number("instructions", &[row], "instructions")?;
        Some(ours / tables.goal("instructions", &[row], "instructions")?)
    });
    vec![
        Goal::at_most(1.0, once, "× that").named(
            "valid token, one account, no replay; 0, 4 and 12 headers, 4 and an extension, \
             4 and a clone of the service for each request",
            "at most 200 instructions more than a static header adds; 250 with a clone of the \
             service for each request",
            INSTRUCTIONS,
        ),
        Goal::at_most(2.0, each("attach", "over the static header"), "×").named(
            "",
            "at most 2 × its time",
            ATTACH,
        ),
        Goal::by_a_test().named("", "no allocation beyond its own", ALLOCATIONS),
        Goal::at_most(1.0, replay, "× that").named(
            "the same with replay",
            "at most that and 0.8 × one `request.clone()`, in instructions",
            INSTRUCTIONS,
        ),
        Goal::at_most(1.0, account, "× that").named(
            "account of the request; without and with replay",
            "at most 420 instructions more than a static header adds; the same with replay",
            INSTRUCTIONS,
        ),
        Goal::at_most(1.0, each("attach", "over its goal"), "× that").named(
            "",
            "the same in time",
            ATTACH,
        ),
        Goal::by_a_test().named("", "no allocation beyond the two", ALLOCATIONS),
    ]
}

pub fn peers(tables: &Tables) -> Vec<Goal> {
    let columns = [
        "0 headers",
        "4 headers",
        "12 headers",
        "4 headers, two threads",
    ];
    let row = ["tokenkeeper over the fastest peer"];
    let over = columns.map(|column| tables.number("peers", &row, column));
    vec![Goal::at_most(1.0, over, "×").named(
        "valid token, one account, no replay, next to other libraries; 0, 4 and 12 headers, \
         4 and two threads",
        "at most the time that the fastest of them adds",
        PEERS,
    )]
}

pub fn accounts(tables: &Tables) -> Vec<Goal> {
    let lookup = ["1", "10000"].map(|n| tables.number("instructions", &[n], "lookup"));
    let over = |accounts| tables.number("lookups", &[accounts], "ours over the best");
    let sizes = ["1", "100", "10000", "1000000"];
    vec![
        Goal::at_most(250.0, lookup, "for 1 and 10,000").named(
            "valid token, account found by its subject",
            "at most 250 instructions for finding it",
            INSTRUCTIONS,
        ),
        Goal::at_most(1.25, [over("1000000")], "×").named(
            "",
            "among 1,000,000 at most 1.25 × the best bare concurrent map",
            KEYED,
        ),
        Goal::at_most(1.0, sizes.map(over), "×").named(
            "",
            "among 1, 100, 10,000 and 1,000,000 no slower than that map",
            KEYED,
        ),
    ]
}

pub fn memory(tables: &Tables) -> Vec<Goal> {
    let of = |column| tables.number("memory", &["1000000"], column);
    vec![
        Goal::at_most(1350.0, [of("counted an account")], "B").named(
            "memory at 1,000,000 accounts with 963 B of tokens and key",
            "at most 1,350 B counted an account",
            MEMORY,
        ),
        Goal::at_most(1200.0, [of("resident an account")], "B").named(
            "",
            "at most 1,200 B resident",
            MEMORY,
        ),
    ]
}

fn over<const N: usize>(ours: [Option<f64>; N], theirs: [Option<f64>; N]) -> [Option<f64>; N] {
    std::array::from_fn(|place| Some(ours[place]? / theirs[place]?))
}
