//! The URL of a store.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::RedisError;

/// Where Redis is and who we are there: the parts of a URL.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) tls: bool,
    /// Never empty.
    pub(crate) nodes: Vec<(String, u16)>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: i64,
    pub(crate) prefix: Option<String>,
    pub(crate) wait: Option<u32>,
}

/// What the nodes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Standalone,
    Cluster,
    /// Sentinels, and the name of the master that they watch.
    Sentinel(String),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, RedisError> {
        let wrong = |part, problem| RedisError::BadUrl { part, problem };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("scheme", "it has none; begin it with redis://"))?;
        let (tls, kind) = match scheme.to_ascii_lowercase().as_str() {
            "redis" => (false, "standalone"),
            "rediss" => (true, "standalone"),
            "redis+cluster" => (false, "cluster"),
            "rediss+cluster" => (true, "cluster"),
            "redis+sentinel" => (false, "sentinel"),
            "rediss+sentinel" => (true, "sentinel"),
            _ => {
                return Err(wrong(
                    "scheme",
                    "it must be redis, redis+cluster or redis+sentinel, or with TLS rediss and so on",
                ));
            }
        };
        if rest.contains('#') {
            return Err(wrong("fragment", "there must be none"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let (user, password) = login.map_or(Ok((None, None)), read_login)?;
        let default_port = if kind == "sentinel" { 26379 } else { 6379 };
        let nodes = hosts
            .split(',')
            .map(|node| read_node(node, default_port))
            .collect::<Result<Vec<_>, _>>()?;
        if kind == "standalone" && nodes.len() > 1 {
            return Err(wrong(
                "host",
                "there are several; with redis+cluster or redis+sentinel there may be",
            ));
        }

        let (kind, database) = match kind {
            "sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                let master = decode(master, "sentinel master")?;
                if master.is_empty() {
                    return Err(wrong(
                        "sentinel master",
                        "it is missing; write its name as the path: /mymaster",
                    ));
                }
                (Kind::Sentinel(master), database)
            }
            "cluster" => (Kind::Cluster, path),
            _ => (Kind::Standalone, path),
        };
        let database = match database {
            "" => 0,
            digits => digits
                .parse::<u16>()
                .map_err(|_| wrong("database", "it must be a number of at most five digits"))?,
        };
        if kind == Kind::Cluster && database != 0 {
            return Err(wrong("database", "a cluster has only the database 0"));
        }
        let mut target = Self {
            kind,
            tls,
            nodes,
            user,
            password,
            database: database.into(),
            prefix: None,
            wait: None,
        };
        target.read_query(query)?;
        Ok(target)
    }

    fn read_query(&mut self, query: &str) -> Result<(), RedisError> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "prefix" => self.prefix = Some(decode(value, "prefix")?),
                "wait" => {
                    let replicas = value.parse().map_err(|_| RedisError::BadUrl {
                        part: "wait",
                        problem: "it must be how many replicas to wait for",
                    })?;
                    self.wait = Some(replicas);
                }
                _ => {
                    return Err(RedisError::BadUrl {
                        part: "query",
                        problem: "it may have `prefix` and `wait` and nothing else",
                    });
                }
            }
        }
        Ok(())
    }

    /// What errors call it: without user, password and query.
    pub(crate) fn name(&self) -> String {
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .map(|(host, port)| {
                if host.contains(':') {
                    format!("[{host}]:{port}")
                } else {
                    format!("{host}:{port}")
                }
            })
            .collect();
        let (kind, path) = match &self.kind {
            Kind::Standalone => ("", String::new()),
            Kind::Cluster => ("+cluster", String::new()),
            Kind::Sentinel(master) => ("+sentinel", format!("/{master}")),
        };
        let tls = if self.tls { "s" } else { "" };
        format!("redis{tls}{kind}://{}{path}", nodes.join(","))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// `user:password`, `:password`, or `user`.
fn read_login(login: &str) -> Result<(Option<String>, Option<String>), RedisError> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(decode(password, "password")?)),
        None => (login, None),
    };
    let user = decode(user, "user")?;
    if password.is_none() {
        return Err(RedisError::BadUrl {
            part: "password",
            problem: "there is a user and none; write user:password@ or :password@",
        });
    }
    Ok((Some(user).filter(|user| !user.is_empty()), password))
}

/// `host`, `host:port`, or with an IPv6 address in brackets.
fn read_node(node: &str, default_port: u16) -> Result<(String, u16), RedisError> {
    let wrong = |part, problem| RedisError::BadUrl { part, problem };
    let (host, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| wrong("host", "a bracket is not closed"))?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| wrong("host", "what is in brackets is no IPv6 address"))?;
            let port = match after {
                "" => None,
                after => Some(
                    after
                        .strip_prefix(':')
                        .ok_or_else(|| wrong("port", "a colon must come before it"))?,
                ),
            };
            (host, port)
        }
        None => match node.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (node, None),
        },
    };
    if host.is_empty() {
        return Err(wrong("host", "it is missing"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if !host.chars().all(plain) {
        return Err(wrong(
            "host",
            "it may have letters, digits, dots and hyphens",
        ));
    }
    let port = port.map_or(Ok(default_port), |port| {
        port.parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| wrong("port", "it must be a number from 1 to 65535"))
    })?;
    Ok((host.to_owned(), port))
}

fn decode(text: &str, part: &'static str) -> Result<String, RedisError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| RedisError::BadUrl {
            part,
            problem: "it is not UTF-8 when decoded",
        })
}

#[cfg(test)]
mod tests;
