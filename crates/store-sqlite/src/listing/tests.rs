//! A page costs only its entries.

use rusqlite::Connection;

use super::{ALL, ATTENTION, DUE};
use crate::schema;

#[test]
fn every_listing_uses_an_index_and_sorts_nothing() {
    let connection = Connection::open_in_memory().unwrap();
    schema::migrate(&connection).unwrap();
    for (sql, index) in [
        (ALL, "sqlite_autoindex_entries_1 (key>?)"),
        (ATTENTION, "entries_attention (attention=? AND rowid>?)"),
        (DUE, "entries_due ("),
    ] {
        let mut explain = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let nothing = vec![rusqlite::types::Null; explain.parameter_count()];
        let plan: Vec<String> = explain
            .query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let plan = plan.join("; ");
        assert!(plan.starts_with("SEARCH entries USING"), "{plan}");
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
