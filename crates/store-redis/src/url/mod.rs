//! The URL of a server.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::RedisError;

/// The parts of a URL: the servers, the login, the database, and options.
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
    pub(crate) min_replicas: Option<u32>,
}

/// The kind of the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Standalone,
    Cluster,
    /// Sentinels, with the name of the master that they watch.
    Sentinel(String),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, RedisError> {
        let wrong = |part, problem| RedisError::BadUrl { part, problem };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("scheme", "it is missing; begin with redis://"))?;
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
                    "it must be redis, redis+cluster or redis+sentinel, with TLS rediss and so on",
                ));
            }
        };
        if rest.contains('#') {
            return Err(wrong("fragment", "it must not have one"));
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
                "there are several, which only redis+cluster and redis+sentinel take",
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
            min_replicas: None,
        };
        target.read_query(query)?;
        Ok(target)
    }

    fn read_query(&mut self, query: &str) -> Result<(), RedisError> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "prefix" => self.prefix = Some(decode(value, "prefix")?),
                "min_replicas" => {
                    let replicas = value.parse().map_err(|_| RedisError::BadUrl {
                        part: "min_replicas",
                        problem: "it must be a number of replicas",
                    })?;
                    self.min_replicas = Some(replicas);
                }
                _ => {
                    return Err(RedisError::BadUrl {
                        part: "query",
                        problem: "it takes only `prefix` and `min_replicas`",
                    });
                }
            }
        }
        Ok(())
    }

    /// Returns the URL without user, password and query, for errors.
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
            problem: "it is missing; write user:password@ or :password@",
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
                .map_err(|_| wrong("host", "the brackets hold no IPv6 address"))?;
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
