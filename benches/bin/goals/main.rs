//! Compares the benches' tables with the goals, and prints a table of verdicts.

mod goal;
mod refresh;
mod request;
mod tables;

use tables::Tables;

const INSTRUCTIONS: &str = "scripts/instructions";
const ALLOCATIONS: &str = "cargo test -p tokenkeeper-tower --test it valid_path";
const ATTACH: &str = "scripts/bench attach";
const PEERS: &str = "scripts/bench peers";
const KEYED: &str = "scripts/bench keyed";
const STORM: &str = "scripts/bench storm";
const PROCESSES: &str = "scripts/bench processes";
const AHEAD: &str = "scripts/bench ahead";
const MEMORY: &str = "scripts/bench memory";

fn main() {
    let folder = std::env::args().nth(1);
    let tables = Tables(folder.expect("usage: goals <folder of tables>").into());
    println!("| what | goal | measured | verdict | shown by |\n|---|---|---|---|---|");
    let goals = [
        request::one_account,
        request::peers,
        request::accounts,
        refresh::storm,
        refresh::peers,
        refresh::processes,
        refresh::ahead,
        request::memory,
    ];
    for goal in goals.into_iter().flat_map(|goals| goals(&tables)) {
        println!("{goal}");
    }
}
