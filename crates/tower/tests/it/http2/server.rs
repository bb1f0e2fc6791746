//! A TLS server whose HTTP/2 is written frame by frame, so that it can break off anywhere.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
pub enum Reaction {
    Respond,
    /// Says that it has not processed this one.
    Refuse,
    /// Says that it has processed none from this one on, and closes.
    GoAwayBefore,
    /// Says that it has perhaps processed this one, and closes.
    GoAwayAfter,
    /// Closes without a word.
    Cut,
    /// Does nothing.
    #[allow(
        dead_code,
        reason = "only one of the two transports is asked for more at once"
    )]
    Hold,
}

/// What the server saw of a connection.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub requests: usize,
    pub resumed: bool,
    /// The name that the client asked for in the handshake.
    pub server_name: Option<String>,
    /// The head of the request, over HTTP/1.1.
    pub head: String,
}

#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type React = dyn Fn(usize) -> Reaction + Send + Sync;
type Stream = StreamOwned<ServerConnection, TcpStream>;

impl Server {
    /// Starts a server that negotiates one of these protocols and reacts to requests by their
    /// number, from 0.
    pub fn start(
        protocols: &[&str],
        react: impl Fn(usize) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        Self::start_after(protocols, |_, _| true, react)
    }

    /// Starts a server that handles a connection if `accept` returns true for its number.
    pub fn start_after(
        protocols: &[&str],
        accept: impl Fn(usize, &TcpStream) -> bool + Send + 'static,
        react: impl Fn(usize) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1", "acme.example"].map(String::from)).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            certificate: cert.der().clone(),
            seen: Arc::default(),
        };
        let (seen, config, react) = (server.seen.clone(), Arc::new(config), Arc::new(react));
        thread::spawn(move || {
            for (number, tcp) in listener.incoming().enumerate() {
                let (tcp, seen, react) = (tcp.unwrap(), seen.clone(), react.clone());
                if !accept(number, &tcp) {
                    continue;
                }
                let tls = ServerConnection::new(config.clone()).unwrap();
                // It ends when the client has gone.
                thread::spawn(move || serve(StreamOwned::new(tls, tcp), &seen, &*react));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("https://{}/token", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The connections that completed the handshake, in the order in which they did.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The number of requests on each connection.
    pub fn requests(&self) -> Vec<usize> {
        self.seen().iter().map(|seen| seen.requests).collect()
    }

    /// A TLS configuration that trusts the server and offers HTTP/2.
    pub fn client_config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
        config
    }
}

fn serve(mut stream: Stream, seen: &Mutex<Vec<Seen>>, react: &React) -> io::Result<()> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    let mut all = seen.lock().unwrap();
    let number = all.len();
    all.push(Seen {
        resumed: stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
        server_name: stream.conn.server_name().map(ToString::to_string),
        ..Seen::default()
    });
    drop(all);
    if stream.conn.alpn_protocol() == Some(b"h2") {
        http2(&mut stream, number, seen, react)?;
    } else {
        http1(&mut stream, number, seen)?;
    }
    close(stream)
}

/// Leaves the connection open, whatever the client asks for.
fn http1(stream: &mut Stream, number: usize, seen: &Mutex<Vec<Seen>>) -> io::Result<()> {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"grant_type=refresh_token") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            request.extend(byte);
        }
        let seen = &mut seen.lock().unwrap()[number];
        seen.requests += 1;
        seen.head = String::from_utf8_lossy(&request).to_lowercase();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
    }
}

fn http2(
    stream: &mut Stream,
    number: usize,
    seen: &Mutex<Vec<Seen>>,
    react: &React,
) -> io::Result<()> {
    stream.read_exact(&mut [0; PREFACE])?;
    write_frame(stream, SETTINGS, 0, 0, &[])?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload)?;
        match kind {
            SETTINGS | PING if flags & ACK == 0 => {
                let echo = if kind == PING { &*payload } else { &[] };
                write_frame(stream, kind, ACK, 0, echo)?;
            }
            // The end of a request.
            DATA if flags & END_STREAM != 0 => {
                let request = {
                    let mut seen = seen.lock().unwrap();
                    seen[number].requests += 1;
                    seen.iter().map(|seen| seen.requests).sum::<usize>() - 1
                };
                if !answer(stream, id, react(request))? {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
}

/// Returns whether the connection stays.
fn answer(stream: &mut Stream, id: u32, reaction: Reaction) -> io::Result<bool> {
    let go_away = |stream: &mut Stream, last: u32| {
        let payload = [last.to_be_bytes(), NO_ERROR.to_be_bytes()].concat();
        write_frame(stream, GOAWAY, 0, 0, &payload)
    };
    match reaction {
        Reaction::Respond => {
            write_frame(stream, HEADERS, END_HEADERS, id, &[STATUS_200])?;
            write_frame(stream, DATA, END_STREAM, id, b"ok")?;
        }
        Reaction::Refuse => {
            write_frame(stream, RST_STREAM, 0, id, &REFUSED_STREAM.to_be_bytes())?;
        }
        Reaction::GoAwayBefore => go_away(stream, id.saturating_sub(2))?,
        Reaction::GoAwayAfter => go_away(stream, id)?,
        Reaction::Cut | Reaction::Hold => {}
    }
    Ok(matches!(
        reaction,
        Reaction::Respond | Reaction::Refuse | Reaction::Hold
    ))
}

fn write_frame(
    stream: &mut Stream,
    kind: u8,
    flags: u8,
    id: u32,
    payload: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(id.to_be_bytes());
    frame.extend(payload);
    stream.write_all(&frame)
}

/// Closes for writing, and reads to the end: unread bytes would reset the connection, which could
/// overtake what was written.
fn close(mut stream: Stream) -> io::Result<()> {
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.sock, &mut io::sink())?;
    Ok(())
}

/// The length of what a client sends first.
const PREFACE: usize = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;

/// `:status: 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;
