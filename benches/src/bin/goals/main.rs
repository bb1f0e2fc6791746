//! Judges by the goals what the benches printed, and prints a table of it. A file of the folder is named after its bench.

mod goal;
mod refresh;
mod request;
mod tables;

use tables::Tables;

const INSTRUCTIONS: &str = "scripts/instructions";
const ALLOCATIONS: &str = "cargo test -p tokenkeeper-tower --test it valid_path";
const ATTACH: &str = "cargo bench --manifest-path benches/Cargo.toml --bench attach";
const KEYED: &str = "cargo bench --manifest-path benches/Cargo.toml --bench keyed";
const STORM: &str = "cargo bench --manifest-path benches/Cargo.toml --bench storm";
const PROCESSES: &str = "cargo bench --manifest-path benches/Cargo.toml --bench processes";
const AHEAD: &str = "cargo bench --manifest-path benches/Cargo.toml --bench ahead";
const MEMORY: &str = "cargo bench --manifest-path benches/Cargo.toml --bench memory";

fn main() {
    let folder = std::env::args().nth(1);
    let tables = Tables(folder.expect("usage: goals <folder of tables>").into());
    println!("| what | goal | measured | verdict | shown by |\n|---|---|---|---|---|");
    let goals = [
        request::one_account,
        request::accounts,
        refresh::storm,
        refresh::processes,
        refresh::ahead,
        request::memory,
    ];
    for goal in goals.into_iter().flat_map(|goals| goals(&tables)) {
        println!("{goal}");
    }
}
