//! The scripts and their invocation.

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, cmd};
use tokenkeeper_store::{Entry, Key, Version, unix_millis};

use crate::layout::{Layout, Place};
use crate::record;
use crate::watch;

/// Compares and swaps a record, updates the index and notifies watchers.
pub(crate) static SWAP: Script = Script {
    source: include_str!("swap.lua"),
    digest: LazyLock::new(|| digest(SWAP.source)),
};

/// Reads a page of an index.
pub(crate) static LIST: Script = Script {
    source: include_str!("list.lua"),
    digest: LazyLock::new(|| digest(LIST.source)),
};

/// Claims due records.
pub(crate) static CLAIM: Script = Script {
    source: include_str!("claim.lua"),
    digest: LazyLock::new(|| digest(CLAIM.source)),
};

/// A script, and the digest by which a server knows it.
pub(crate) struct Script {
    source: &'static str,
    digest: LazyLock<String>,
}

/// A call of a script, with its keys and arguments.
pub(crate) struct Invocation {
    script: &'static Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Invocation {
    pub(crate) fn new(script: &'static Script, keys: Vec<String>, arguments: Vec<Vec<u8>>) -> Self {
        Self {
            script,
            keys,
            arguments,
        }
    }

    /// Replaces the record at `expected` by `new`, or removes it.
    pub(crate) fn swap(
        layout: &Layout,
        place: &Place,
        key: &Key,
        expected: Option<Version>,
        new: Option<&Entry>,
    ) -> Self {
        let millis = |time: Option<_>| {
            time.map_or_else(Vec::new, |time| unix_millis(time).to_string().into_bytes())
        };
        // Redis refuses times up to 1970.
        let keep_until = new
            .and_then(|entry| entry.keep_until)
            .map_or_else(Vec::new, |time| {
                unix_millis(time).max(1).to_string().into_bytes()
            });
        let attention = new.is_some_and(|entry| entry.attention);
        let arguments = vec![
            expected.map_or_else(Vec::new, record::head),
            new.map_or_else(Vec::new, |entry| record::encode(key, entry)),
            keep_until,
            millis(new.and_then(|entry| entry.due)),
            if attention { b"1".to_vec() } else { Vec::new() },
            place.id.clone().into_bytes(),
            layout.base(place.bucket).into_bytes(),
            layout.channel().into_bytes(),
            watch::message(key, new),
        ];
        let sets = ["keys", "due", "attention", "expiring"]
            .map(|set| format!("{}{set}", layout.base(place.bucket)));
        let keys = [layout.record(place)].into_iter().chain(sets).collect();
        Self::new(&SWAP, keys, arguments)
    }

    /// Calls the script by its digest, which a server knows unless it was restarted or flushed.
    pub(crate) fn by_digest(&self) -> Pipeline {
        self.call(cmd("EVALSHA").arg(self.script.digest.as_str()))
    }

    /// Calls the script by its source, which the server then knows.
    pub(crate) fn by_source(&self) -> Pipeline {
        self.call(cmd("EVAL").arg(self.script.source))
    }

    fn call(&self, start: &mut Cmd) -> Pipeline {
        start.arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            start.arg(argument);
        }
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(start.clone());
        pipeline
    }
}

/// Returns the commands that load the scripts into a server.
pub(crate) fn load() -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(3);
    for script in [&SWAP, &LIST, &CLAIM] {
        pipeline.cmd("SCRIPT").arg("LOAD").arg(script.source);
    }
    pipeline
}

fn digest(source: &str) -> String {
    redis::Script::new(source).get_hash().to_owned()
}
