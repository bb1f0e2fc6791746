//! Lets the server close first.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::time::{Sleep, sleep};

/// The longest wait for the server to close.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// A connection whose shutdown waits until the server has closed, or for [`LINGER`].
///
/// The side that closes first keeps the connection's ports in `TIME_WAIT`. A server has one port
/// for all of its connections; a client has a few ten thousand for each address of a server.
pub(super) struct Lingering<T> {
    inner: T,
    /// Runs from the start of the shutdown.
    waiting: Option<Pin<Box<Sleep>>>,
    server_closed: bool,
}

impl<T> Lingering<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            waiting: None,
            server_closed: false,
        }
    }
}

impl<T: Read + Unpin> Lingering<T> {
    /// Reads and discards until the server closes or the wait is over.
    fn poll_server_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        // Checked first: a server may send without an end.
        while waiting.as_mut().poll(cx).is_pending() {
            let mut discarded = [MaybeUninit::uninit(); 1024];
            let mut buffer = ReadBuf::uninit(&mut discarded);
            let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer.unfilled()));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<T: Read + Unpin> Read for Lingering<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: Read + Write + Unpin> Write for Lingering<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.server_closed {
            ready!(self.poll_server_close(cx));
            self.server_closed = true;
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
