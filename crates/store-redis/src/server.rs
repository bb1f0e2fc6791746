//! The server or cluster that calls go to.

use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Cmd, Pipeline, Value, cmd};
use tokio::time::timeout;

use crate::connect::{self, Connector};
use crate::fault::Fault;
use crate::link::Link;
use crate::script::{self, Invocation};
use crate::settings::Settings;
use crate::url::Kind;
use crate::{RedisError, cluster};

/// The connections to one server or to a cluster.
pub(crate) enum Server {
    One(Box<Link>),
    Cluster(ClusterConnection),
}

impl Server {
    /// Opens the connections; one server is connected to by the first call.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let master = match &settings.target.kind {
            Kind::Cluster => return Self::open_cluster(settings).await,
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

    async fn open_cluster(settings: &Settings) -> Result<Self, OpenError> {
        let client = connect::cluster(settings)?;
        // The client tries the nodes one after the other, each with its own timeout.
        let nodes = u32::try_from(settings.target.nodes.len()).unwrap_or(u32::MAX);
        let limit = settings
            .connect_timeout
            .saturating_mul(nodes.saturating_add(1));
        let mut connection = match timeout(limit, client.get_async_connection()).await {
            Ok(made) => made.map_err(Fault::NotSent)?,
            Err(elapsed) => {
                return Err(Fault::NotSent(std::io::Error::from(elapsed).into()).into());
            }
        };
        for command in script::load().cmd_iter() {
            match to_all(&mut connection, command).await {
                Err(error) if error.code() != Some("NOPERM") => {
                    return Err(Fault::NotSent(error).into());
                }
                _ => {}
            }
        }
        Ok(Self::Cluster(connection))
    }

    /// Sends the commands, all of one slot, in one pipeline, and returns their answers.
    pub(crate) async fn call(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let answers = match self {
            Self::One(link) => link.call(commands).await,
            Self::Cluster(connection) => cluster::call(connection, commands).await,
        }?;
        answers
            .into_iter()
            .map(|answer| answer.extract_error().map_err(Fault::Refused))
            .collect()
    }

    /// Calls a script and then `after`, in one round trip if the server knows the script.
    pub(crate) async fn invoke(
        &self,
        invocation: &Invocation,
        after: Option<&Cmd>,
    ) -> Result<Vec<Value>, Fault> {
        let with_after = |mut commands: Pipeline| {
            if let Some(after) = after {
                commands.add_command(after.clone());
            }
            commands
        };
        let mut answer = self.call(&with_after(invocation.by_digest())).await;
        if let (Err(fault), Self::One(link)) = (&answer, self)
            && fault.code() == Some("READONLY")
        {
            // The server was demoted and did nothing. One retry looks for the new master.
            link.reset();
            answer = self.call(&with_after(invocation.by_digest())).await;
        }
        match answer {
            Err(fault) if fault.code() == Some("NOSCRIPT") => {
                self.call(&with_after(invocation.by_source())).await
            }
            answer => answer,
        }
    }

    /// Returns the `INFO memory` texts of the servers; none without the permission.
    pub(crate) async fn memory(&self) -> Result<Vec<String>, Fault> {
        let mut command = cmd("INFO");
        command.arg("memory");
        let answer = match self {
            Self::One(_) => {
                let mut commands = Pipeline::with_capacity(1);
                commands.add_command(command);
                self.call(&commands).await
            }
            Self::Cluster(connection) => to_all(&mut connection.clone(), &command)
                .await
                .map(|value| vec![value])
                .map_err(Fault::of_sent),
        };
        match answer {
            Ok(answers) => {
                let mut texts = Vec::new();
                answers
                    .iter()
                    .for_each(|answer| collect(answer, &mut texts));
                Ok(texts)
            }
            Err(fault) if fault.code() == Some("NOPERM") => Ok(Vec::new()),
            Err(fault) => Err(fault),
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

async fn to_all(connection: &mut ClusterConnection, command: &Cmd) -> redis::RedisResult<Value> {
    let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
    connection
        .route_command(command.clone(), everywhere)
        .await?
        .extract_error()
}

/// Collects all texts in a value, at any depth.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => texts.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::VerbatimString { text, .. } => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| collect(value, texts)),
        _ => {}
    }
}
