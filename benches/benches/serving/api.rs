//! The API: a process that answers every request at once.

use std::{
    convert::Infallible,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use http::Response;
use http_body_util::Empty;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime};

/// The argument that makes this program the API.
pub(crate) const ARGUMENT: &str = "--serve";

/// A running API, which ends when it is dropped.
pub(crate) struct Api {
    process: Child,
    pub(crate) base: String,
}

impl Api {
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("this process has a program");
        let mut process = Command::new(program)
            .arg(ARGUMENT)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let output = process.stdout.take().expect("its output is a pipe");
        let mut base = String::new();
        let read = BufReader::new(output).read_line(&mut base);
        read.expect("its output is a pipe");
        Self {
            process,
            base: base.trim().to_owned(),
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until the process is killed.
pub(crate) fn serve() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("the listener is bound");
        println!("http://{address}");
        loop {
            let (stream, _) = listener.accept().await.expect("the listener stays open");
            stream.set_nodelay(true).expect("the socket is open");
            let answer =
                service_fn(|_| async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
}
