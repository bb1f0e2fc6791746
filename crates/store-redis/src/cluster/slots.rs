//! Which node has which slots, as nodes report it, and their redirections.

use std::sync::Arc;

use redis::{Pipeline, RedisResult, Value};

use super::{Address, Node};
use crate::fault::Fault;
use crate::layout::BUCKETS;

/// The number of slots in a cluster.
const SLOTS: u16 = 16384;

/// The masters of the buckets, and all replicas.
pub(super) struct Slots {
    pub(super) owners: Vec<Option<Address>>,
    pub(super) replicas: Vec<Address>,
}

impl Slots {
    /// Asks a node.
    pub(super) async fn ask(node: Arc<Node>) -> Result<Self, Fault> {
        let mut commands = Pipeline::with_capacity(1);
        commands.cmd("CLUSTER").arg("SLOTS");
        let answer = node.send(&commands).await?.into_iter().next();
        let ranges = answer.unwrap_or(Value::Nil);
        let ranges = ranges.extract_error().map_err(Fault::Refused)?;
        let slots = Self::parse(&ranges, node.host());
        if slots.owners.iter().all(Option::is_none) {
            // It has left the cluster, or not joined it yet.
            let error = std::io::Error::other("the node knows of no slots");
            return Err(Fault::NotSent(error.into()));
        }
        Ok(slots)
    }

    /// Returns whether one of the nodes is the master of a bucket.
    pub(super) fn name_any(&self, nodes: &[Arc<Node>]) -> bool {
        let mut owners = self.owners.iter().flatten();
        owners.any(|owner| nodes.iter().any(|node| node.address() == owner))
    }

    /// Parses the answer of the node at `host`: ranges of slots, each with its master and replicas.
    /// Parts that are malformed, or name no address, are left out.
    fn parse(ranges: &Value, host: &str) -> Self {
        let mut slots = Self {
            owners: vec![None; usize::from(BUCKETS)],
            replicas: Vec::new(),
        };
        for range in items(ranges) {
            let [Value::Int(first), Value::Int(last), master, replicas @ ..] = items(range) else {
                continue;
            };
            let replicas = replicas.iter().filter_map(|node| address(node, host));
            slots.replicas.extend(replicas);
            let master = address(master, host);
            for (bucket, owner) in (0..BUCKETS).zip(&mut slots.owners) {
                if (*first..=*last).contains(&i64::from(slot(bucket))) {
                    owner.clone_from(&master);
                }
            }
        }
        slots
    }
}

/// A node's answer that another node has the slot.
pub(super) enum Redirection {
    Moved(Address),
    Ask(Address),
}

impl Redirection {
    /// Returns the redirection of the first command, by the node at `host`. The commands of a call
    /// share one slot, and only the first has its key.
    pub(super) fn of(answer: &Result<Vec<Value>, Fault>, host: &str) -> Option<Self> {
        let error: RedisResult<Value> = match answer {
            Err(Fault::Refused(error)) => Err(error.clone()),
            Ok(answers) => answers.first()?.clone().extract_error(),
            Err(_) => return None,
        };
        let error = error.err()?;
        let (node, _) = error.redirect_node()?;
        let (named, port) = node.rsplit_once(':')?;
        let address = (resolve(named, host)?.to_owned(), port.parse().ok()?);
        match error.code()? {
            "MOVED" => Some(Self::Moved(address)),
            "ASK" => Some(Self::Ask(address)),
            _ => None,
        }
    }
}

/// Returns the slot of a bucket: the checksum of its hash tag.
fn slot(bucket: u8) -> u16 {
    let tag = bucket.to_string();
    let checksum = tag.bytes().fold(0, |checksum: u16, byte| {
        (0..8).fold(checksum ^ (u16::from(byte) << 8), |checksum, _| {
            let carry = if checksum & 0x8000 == 0 { 0 } else { 0x1021 };
            (checksum << 1) ^ carry
        })
    });
    checksum % SLOTS
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

/// Parses a node: its host and port, and more.
fn address(node: &Value, host: &str) -> Option<Address> {
    let [named, Value::Int(port), ..] = items(node) else {
        return None;
    };
    let named = match named {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok()?,
        Value::Nil => "",
        _ => return None,
    };
    Some((resolve(named, host)?.to_owned(), u16::try_from(*port).ok()?))
}

/// Returns the host of a node: one without a name has that of the node that answers, and one named
/// `?` is not known to it.
fn resolve<'a>(named: &'a str, host: &'a str) -> Option<&'a str> {
    match named {
        "?" => None,
        "" => Some(host),
        named => Some(named),
    }
}

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    fn at(host: &str, port: u16) -> Option<Address> {
        Some((host.to_owned(), port))
    }

    #[test]
    fn buckets_have_the_slots_that_redis_computes() {
        // By `CLUSTER KEYSLOT "tokenkeeper:{0}:due"` and so on.
        let known = [(0, 13907), (1, 9842), (2, 5649), (3, 1584), (7, 1716)];
        for (bucket, expected) in known {
            assert_eq!(slot(bucket), expected);
        }
    }

    #[test]
    fn nodes_without_a_usable_address_are_replaced_or_left_out() {
        // Slots 0 to 9999 at a node without a host, with a replica; the rest at an unknown node.
        let answer = b"*2\r\n\
            *4\r\n:0\r\n:9999\r\n*2\r\n$-1\r\n:1\r\n*2\r\n$1\r\nr\r\n:2\r\n\
            *3\r\n:10000\r\n:16383\r\n*2\r\n$1\r\n?\r\n:3\r\n";
        let slots = Slots::parse(&parse_redis_value(answer).unwrap(), "seed");
        assert_eq!(slots.owners[1], at("seed", 1));
        assert_eq!(slots.owners[0], None);
        assert_eq!(slots.replicas, [at("r", 2).unwrap()]);
        assert!(Slots::parse(&Value::Int(1), "seed").owners[0].is_none());
    }

    #[test]
    fn redirections_name_the_node() {
        let of = |line: &str| {
            let error = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
            match Redirection::of(&Ok(vec![error]), "seed") {
                Some(Redirection::Moved(address)) => Some(("moved", address)),
                Some(Redirection::Ask(address)) => Some(("ask", address)),
                None => None,
            }
        };
        let moved = |host, port| at(host, port).map(|address| ("moved", address));
        assert_eq!(of("MOVED 1 10.0.0.1:7000"), moved("10.0.0.1", 7000));
        assert_eq!(of("MOVED 1 :7000"), moved("seed", 7000));
        assert_eq!(of("MOVED 1 ::1:7000"), moved("::1", 7000));
        assert_eq!(of("ASK 1 a:7"), at("a", 7).map(|address| ("ask", address)));
        assert_eq!(of("MOVED 1 ?:7000"), None);
        assert_eq!(of("TRYAGAIN Multiple keys request"), None);
    }
}
