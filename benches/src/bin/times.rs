//! Reads what criterion measured, prints it as tables with ratios, and draws the lookups.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tokenkeeper_benches::{Line, plot};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: times <folder of criterion> <plot>";
    let folder = PathBuf::from(arguments.next().expect(usage));
    let file = arguments.next().expect(usage);
    let measured = read(&folder);
    attach(&measured);
    let keyed = keyed(&measured);
    let svg = plot(
        "Finding an account by its subject",
        "accounts",
        "ns",
        &keyed,
    );
    fs::write(file, svg).expect("the plot can be written");
}

/// Medians in nanoseconds, by group and function.
type Measured = BTreeMap<(String, String), f64>;

fn read(folder: &Path) -> Measured {
    let mut measured = Measured::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.file_name().is_some_and(|name| name == "new") {
                let id = json(&path.join("benchmark.json"));
                let median =
                    json(&path.join("estimates.json"))["median"]["point_estimate"].as_f64();
                let text = |name: &str| id[name].as_str().unwrap_or_default().to_owned();
                let function = [text("function_id"), text("value_str")]
                    .into_iter()
                    .filter(|s| !s.is_empty());
                let function = function.collect::<Vec<_>>().join("/");
                measured.insert(
                    (text("group_id"), function),
                    median.expect("criterion writes a median"),
                );
            } else if path.is_dir() {
                open.push(path);
            }
        }
    }
    measured
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("criterion writes both files");
    serde_json::from_str(&text).expect("criterion writes JSON")
}

fn attach(measured: &Measured) {
    println!(
        "| headers | bare | static header adds | one account, no replay, adds | ratio | with replay adds | a clone of the request |\n|---|---|---|---|---|---|---|"
    );
    for headers in [0, 4, 12] {
        let of = |name: &str| {
            measured
                .get(&(format!("attach/{headers} headers"), name.to_owned()))
                .copied()
                .unwrap_or(f64::NAN)
        };
        let bare = of("bare");
        let (theirs, once) = (
            of("static header") - bare,
            of("one account, no replay") - bare,
        );
        // A difference much smaller than what it is taken from says nothing.
        let ratio = if theirs > 0.2 * bare {
            format!("{:.1}", once / theirs)
        } else {
            "lost in noise".to_owned()
        };
        println!(
            "| {headers} | {bare:.0} ns | {theirs:.0} ns | {once:.0} ns | {ratio} | {:.0} ns | {:.0} ns |",
            of("one account, with replay") - bare,
            of("request.clone()")
        );
    }
    println!("\n| accounts | found by subject, attached and sent, 4 headers |\n|---|---|");
    for accounts in ["1", "10000"] {
        if let Some(time) =
            measured.get(&("attach/account per request".to_owned(), accounts.to_owned()))
        {
            println!("| {accounts} | {time:.0} ns |");
        }
    }
}

fn keyed(measured: &Measured) -> Vec<Line> {
    let names = ["tokenkeeper", "papaya", "dashmap", "moka"];
    println!(
        "\n| accounts | tokenkeeper | papaya | dashmap | moka | ours over the best |\n|---|---|---|---|---|---|"
    );
    let mut lines = names.map(|name| Line {
        name: name.to_owned(),
        points: Vec::new(),
    });
    for accounts in [1, 100, 10_000, 1_000_000] {
        let times = names.map(|name| {
            measured
                .get(&("keyed".to_owned(), format!("{name}/{accounts}")))
                .copied()
                .unwrap_or(f64::NAN)
        });
        let best = times[1..].iter().copied().fold(f64::INFINITY, f64::min);
        let [ours, papaya, dashmap, moka] = times;
        println!(
            "| {accounts} | {ours:.0} ns | {papaya:.0} ns | {dashmap:.0} ns | {moka:.0} ns | {:.2} |",
            ours / best
        );
        for (line, time) in lines.iter_mut().zip(times) {
            line.points.push((f64::from(accounts), time));
        }
    }
    lines.to_vec()
}
