//! Writes what criterion measured as tables with ratios, each into a file of its name, and draws the lookups.

mod attach;
mod lookups;
mod measured;
mod others;

use std::{fs, path::PathBuf};

use measured::Measured;

fn main() {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let mut path = || {
        let usage = "usage: times <folder of criterion> <folder for tables> <plot>";
        arguments.next().expect(usage)
    };
    let (criterion, tables, plot) = (path(), path(), path());
    let measured = Measured::read(&criterion);
    let write = |name: &str, table: String| {
        fs::write(tables.join(name), table).expect("the folder can be written");
    };
    write("attach", attach::table(&measured));
    write("peers", attach::peers(&measured));
    write("per-request", attach::per_request(&measured));
    write("lookups", lookups::table(&measured));
    write("stores", others::stores(&measured));
    write("protocol", others::protocol(&measured));
    write("end-to-end", others::end_to_end(&measured));
    fs::write(plot, lookups::plot(&measured)).expect("the plot can be written");
}
