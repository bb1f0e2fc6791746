//! One node, its connection, and whether it answers.

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
            pinging: Background::default(),
        })
    }

    /// Sends the commands in one pipeline and returns their answers; a server's error is a value.
    pub(crate) async fn call(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
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

    pub(crate) fn has_failed(&self) -> bool {
        self.failure().is_some()
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
            let _ = node.call(&ping).await;
        });
    }

    pub(crate) fn host(&self) -> &str {
        &self.address.0
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }
}
