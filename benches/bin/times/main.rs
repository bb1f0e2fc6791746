//! Prints criterion's medians as a table with ratios, or as a plot.

mod attach;
mod lookups;
mod medians;
mod others;

use medians::Medians;

fn main() {
    let usage = "usage: times <folder of criterion> <table>";
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect(usage);
    let table = match arguments.next().expect(usage).as_str() {
        "attach" => attach::table,
        "per-request" => attach::per_request,
        "peers" => attach::peers,
        "lookups" => lookups::table,
        "lookups-plot" => lookups::plot,
        "stores" => others::stores,
        "protocol" => others::protocol,
        "end-to-end" => others::end_to_end,
        name => panic!("unknown table `{name}`"),
    };
    print!("{}", table(&Medians::read(folder.as_ref())));
}
