//! Calls to a cluster, with its redirections.

use redis::aio::ConnectionLike as _;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{Pipeline, RedisResult, Value};

use crate::fault::Fault;

/// How many redirections a call follows: one while slots move, more if they move again meanwhile.
const REDIRECTIONS: usize = 3;

/// Sends the commands, all of one slot, to the slot's master.
pub(crate) async fn call(
    connection: &ClusterConnection,
    commands: &Pipeline,
) -> Result<Vec<Value>, Fault> {
    let mut connection = connection.clone();
    let mut answer = connection
        .req_packed_commands(commands, 0, commands.len())
        .await;
    for _ in 0..REDIRECTIONS {
        let Some(redirection) = redirection(&answer) else {
            break;
        };
        answer = match redirection {
            // The client is already refreshing its slots, and sends nothing before it has them.
            Redirection::Moved => {
                connection
                    .req_packed_commands(commands, 0, commands.len())
                    .await
            }
            Redirection::Ask { host, port } => {
                let mut asking = Pipeline::with_capacity(commands.len() * 2);
                for command in commands.cmd_iter() {
                    asking.cmd("ASKING").add_command(command.clone());
                }
                let node = SingleNodeRoutingInfo::ByAddress { host, port };
                let length = asking.len();
                let answers = connection.route_pipeline(asking, 0, length, node).await;
                answers.map(|answers| answers.into_iter().skip(1).step_by(2).collect())
            }
        };
    }
    // Without a connection the client returns the same error as for a call that was sent.
    answer.map_err(Fault::of_sent)
}

/// A server's answer that another node has the slot.
enum Redirection {
    Moved,
    Ask { host: String, port: u16 },
}

/// Returns the redirection of the first command. The commands of a call share one slot, and only
/// the first has its key.
fn redirection(answer: &RedisResult<Vec<Value>>) -> Option<Redirection> {
    let error = match answer {
        Err(error) => error.clone(),
        Ok(answers) => match answers.first() {
            Some(Value::ServerError(error)) => error.clone().into(),
            _ => return None,
        },
    };
    match error.code()? {
        "MOVED" => Some(Redirection::Moved),
        "ASK" => {
            let (node, _) = error.redirect_node()?;
            let (host, port) = node.rsplit_once(':')?;
            Some(Redirection::Ask {
                host: host.to_owned(),
                port: port.parse().ok()?,
            })
        }
        _ => None,
    }
}
