//! Token requests go straight into the emulator.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenkeeper_emulator::Emulator;
use tokenkeeper_session::{Transport, TransportError};

#[derive(Debug)]
pub struct InProcess(Emulator);

impl InProcess {
    pub fn new(emulator: Emulator) -> Self {
        Self(emulator)
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(
        &self,
        request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        match tokio::time::timeout(deadline, self.0.call(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(cut)) => Err(TransportError::Unknown(Box::new(cut))),
            Err(_elapsed) => Err(TransportError::TimedOut),
        }
    }
}
