//! The server or cluster that calls go to.

use std::sync::Arc;

use futures_util::future::join_all;
use redis::{Cmd, Pipeline, Value};

use crate::RedisError;
use crate::cluster::{Cluster, Node};
use crate::connect::Connector;
use crate::fault::Fault;
use crate::layout::{BUCKETS, Place};
use crate::link::Link;
use crate::script::Invocation;
use crate::settings::Settings;
use crate::url::Kind;

/// The connections to one server or to a cluster.
pub(crate) enum Server {
    One(Box<Link>),
    Cluster(Arc<Cluster>),
}

/// Where a call goes.
#[derive(Clone, Copy)]
pub(crate) enum Route<'a> {
    /// To the server that has the bucket.
    Bucket(u8),
    /// To a node of the cluster.
    Node(&'a Node),
}

/// Buckets that one server has.
pub(crate) struct Part {
    pub(crate) buckets: Vec<u8>,
    /// The server, if it is a node of a cluster.
    node: Option<Arc<Node>>,
}

impl Part {
    fn route(&self) -> Route<'_> {
        match &self.node {
            Some(node) => Route::Node(node),
            None => Route::Bucket(self.buckets[0]),
        }
    }

    pub(crate) fn has(&self, place: &Place) -> bool {
        self.buckets.contains(&place.bucket)
    }

    /// Returns the address of the server, if it is a node of a cluster.
    pub(crate) fn address(&self) -> Option<&(String, u16)> {
        self.node.as_ref().map(|node| node.address())
    }
}

impl Server {
    /// Opens the connections; one server is connected to by the first call.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let master = match &settings.target.kind {
            Kind::Cluster => {
                let cluster = Cluster::new(settings)?;
                cluster.refresh().await?;
                return Ok(Self::Cluster(Arc::new(cluster)));
            }
            Kind::Standalone => None,
            Kind::Sentinel(master) => Some(master.as_str()),
        };
        let connector = Connector::new(settings, master)?;
        Ok(Self::One(Box::new(Link::new(
            connector,
            settings.connect_timeout,
            settings.answer_timeout(),
        ))))
    }

    /// Sends the commands, of which only the first may have a key, in one pipeline, and returns
    /// their answers.
    pub(crate) async fn call(
        &self,
        route: Route<'_>,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, Fault> {
        let answers = match (self, route) {
            (Self::One(link), _) => link.call(commands).await,
            (Self::Cluster(cluster), Route::Bucket(bucket)) => cluster.call(bucket, commands).await,
            (Self::Cluster(_), Route::Node(node)) => node.call(commands).await,
        }?;
        answers
            .into_iter()
            .map(|answer| answer.extract_error().map_err(Fault::Refused))
            .collect()
    }

    /// Calls a script and then `after`, in one round trip if the server knows the script.
    pub(crate) async fn invoke(
        &self,
        route: Route<'_>,
        invocation: &Invocation,
        after: Option<&Cmd>,
    ) -> Result<Vec<Value>, Fault> {
        let with_after = |mut commands: Pipeline| {
            if let Some(after) = after {
                commands.add_command(after.clone());
            }
            commands
        };
        let by_digest = with_after(invocation.by_digest());
        let mut answer = self.call(route, &by_digest).await;
        if let (Err(fault), Self::One(link)) = (&answer, self)
            && fault.code() == Some("READONLY")
        {
            // The server was demoted and did nothing. One retry looks for the new master.
            link.reset();
            answer = self.call(route, &by_digest).await;
        }
        match answer {
            Err(fault) if fault.code() == Some("NOSCRIPT") => {
                self.call(route, &with_after(invocation.by_source())).await
            }
            answer => answer,
        }
    }

    /// Returns the servers, each with the buckets that it has.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let all: Vec<u8> = (0..BUCKETS).collect();
        match self {
            Self::One(_) => vec![Part {
                buckets: all,
                node: None,
            }],
            Self::Cluster(cluster) => parts_of(cluster, &all),
        }
    }

    /// Looks for buckets that have left the server where they were expected, and returns the parts
    /// that have them now.
    pub(crate) async fn find(&self, moved: &[u8]) -> Vec<Part> {
        match self {
            Self::Cluster(cluster) if !moved.is_empty() && cluster.refresh().await.is_ok() => {
                parts_of(cluster, moved)
            }
            _ => Vec::new(),
        }
    }

    /// Calls a script at each server of `parts` at the same time, and returns the answers in their
    /// order.
    ///
    /// A server that did not answer the last call is not waited for: its answer is the failure of
    /// that call, and a ping in the background finds out when it answers again. If no server did,
    /// they are called.
    pub(crate) async fn invoke_each(
        &self,
        parts: &[Part],
        invocation: impl Fn(&Part) -> Invocation,
    ) -> Vec<Result<Value, Fault>> {
        let failed = |part: &Part| part.node.as_ref()?.failure();
        let all_failed = self.parts().iter().all(|part| failed(part).is_some());
        let calls = parts.iter().map(|part| {
            let known = failed(part).filter(|_| !all_failed);
            let invocation = invocation(part);
            async move {
                if let (Some(fault), Some(node)) = (known, &part.node) {
                    node.ping_soon();
                    return Err(fault);
                }
                let answers = self.invoke(part.route(), &invocation, None).await?;
                Ok(answers.into_iter().next().unwrap_or(Value::Nil))
            }
        });
        let answers = join_all(calls).await;
        if answers.iter().any(Result::is_err) {
            // A replica may have taken the place of a node.
            self.find_soon();
        }
        answers
    }

    /// Looks in the background for buckets that have left the server where they were expected.
    pub(crate) fn find_soon(&self) {
        if let Self::Cluster(cluster) = self {
            cluster.refresh_soon();
        }
    }

    /// Returns the `INFO memory` texts of the servers that answer; none without the permission.
    pub(crate) async fn memory(&self) -> Result<Vec<String>, Fault> {
        let mut commands = Pipeline::with_capacity(1);
        commands.cmd("INFO").arg("memory");
        let parts = self.parts();
        let calls = parts.iter().map(|part| self.call(part.route(), &commands));
        let (mut texts, mut silence) = (Vec::new(), None);
        for answer in join_all(calls).await {
            match answer {
                Ok(answers) => answers.iter().for_each(|answer| match answer {
                    Value::BulkString(bytes) => {
                        texts.push(String::from_utf8_lossy(bytes).into_owned());
                    }
                    Value::VerbatimString { text, .. } => texts.push(text.clone()),
                    _ => {}
                }),
                Err(fault) if fault.code() == Some("NOPERM") => {}
                Err(fault) if fault.code().is_none() => silence = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        match silence {
            // The rest of a cluster can be used without the nodes that are away.
            Some(fault) if texts.is_empty() => Err(fault),
            _ => Ok(texts),
        }
    }

    /// Returns whether another server may become the master, and would be found.
    pub(crate) fn moves(&self) -> bool {
        match self {
            Self::One(link) => matches!(link.connector(), Connector::Sentinel(_)),
            Self::Cluster(_) => true,
        }
    }
}

fn parts_of(cluster: &Cluster, buckets: &[u8]) -> Vec<Part> {
    let masters = cluster.masters(buckets).into_iter();
    let part = |(node, buckets)| Part {
        buckets,
        node: Some(node),
    };
    masters.map(part).collect()
}

/// The error of opening a server.
pub(crate) enum OpenError {
    Options(RedisError),
    Server(Fault),
}

impl From<RedisError> for OpenError {
    fn from(error: RedisError) -> Self {
        Self::Options(error)
    }
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Server(fault)
    }
}
