//! One node, its connection, and whether it answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use redis::{Pipeline, Value};

use super::Address;
use super::background::Background;
use crate::RedisError;
use crate::connect::Connector;
use crate::fault::Fault;
use crate::link::Link;
use crate::settings::Settings;

/// A node of a cluster; the first call connects to it.
pub(crate) struct Node {
    address: Address,
    link: Link,
    /// The failure of the last call that the node did not answer, until it answers one.
    failure: Mutex<Option<Fault>>,
    /// Whether it said to the last call that the cluster is down, as a node does that cannot reach
    /// most of the others.
    cut_off: AtomicBool,
    /// The task that finds out whether it answers again.
    pinging: Background,
}

impl Node {
    pub(crate) fn new(settings: &Settings, address: Address) -> Result<Self, RedisError> {
        let connector = Connector::of_node(settings, &address)?;
        let (connect_timeout, answer_timeout) =
            (settings.connect_timeout, settings.answer_timeout());
        Ok(Self {
            address,
            link: Link::new(connector, connect_timeout, answer_timeout),
            failure: Mutex::new(None),
            cut_off: AtomicBool::new(false),
            pinging: Background::default(),
        })
    }

    /// Calls commands on names, and notes whether the node is cut off.
    pub(crate) async fn call(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let answers = self.send(commands).await?;
        let is_cut_off = answers.iter().any(says_down);
        self.cut_off.store(is_cut_off, Ordering::Relaxed);
        Ok(answers)
    }

    /// Sends the commands in one pipeline and returns their answers; a server's error is a value.
    pub(super) async fn send(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let answer = self.link.call(commands).await;
        let silence = answer.as_ref().err().filter(|fault| fault.code().is_none());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = silence.cloned();
        answer
    }

    /// Sends the commands for a slot that is moving to this node.
    pub(crate) async fn ask(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let mut asking = Pipeline::with_capacity(commands.len() * 2);
        for command in commands.cmd_iter() {
            asking.cmd("ASKING").add_command(command.clone());
        }
        let answers = self.call(&asking).await?;
        Ok(answers.into_iter().skip(1).step_by(2).collect())
    }

    /// Returns whether another node may have taken its place, of which it would not know.
    pub(super) fn is_doubtful(&self) -> bool {
        self.failure().is_some() || self.cut_off.load(Ordering::Relaxed)
    }

    pub(crate) fn failure(&self) -> Option<Fault> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone()
    }

    /// Finds out in the background whether it answers again.
    pub(crate) fn ping_soon(self: &Arc<Self>) {
        let node = self.clone();
        self.pinging.run(async move {
            let mut ping = Pipeline::with_capacity(1);
            ping.cmd("PING");
            // The node keeps the outcome.
            let _ = node.send(&ping).await;
        });
    }

    /// Ends the ping in the background, which holds the node.
    pub(super) fn stop(&self) {
        self.pinging.abort();
    }

    pub(crate) fn host(&self) -> &str {
        &self.address.0
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }
}

fn says_down(answer: &Value) -> bool {
    let Value::ServerError(error) = answer else {
        return false;
    };
    Fault::Refused(error.clone().into()).code() == Some("CLUSTERDOWN")
}
