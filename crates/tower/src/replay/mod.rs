//! A request body that can be sent a second time, whole or not at all.

mod tape;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use self::tape::{Recorded, Rest, Tape};
use crate::BoxError;

pin_project! {
    /// The request body that an inner service of [`TokenService`](crate::TokenService) receives.
    ///
    /// It forwards frames, trailers, `size_hint` and `is_end_stream` of the body it wraps. While [recording](Self::recorded), it keeps a
    /// reference to each frame, up to a bound, so that the request can be sent again after its token was rejected. It never clones the
    /// body: bodies exist whose clones share one stream, and a clone of such a body would replay nothing.
    ///
    /// A body at its end from the start (most `GET` requests) is forwarded without an allocation.
    pub struct Replay<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        // Sent once; nothing is kept.
        Once { #[pin] body: B },
        // The first attempt: the body lives on the tape, from which the replay can take it.
        First { tape: Arc<Mutex<Tape<B>>> },
        // The replay: what the first attempt had read, then the rest of the stream.
        Second { frames: VecDeque<Recorded>, rest: Option<Pin<Box<B>>> },
        // The replay of a body without frames.
        Empty { hint: SizeHint },
    }
}

impl<B> Replay<B>
where
    B: Body<Data = Bytes>,
{
    /// Wraps a body that is sent once.
    pub fn once(body: B) -> Self {
        Self {
            kind: Kind::Once { body },
        }
    }

    /// Wraps a body and records up to `limit` bytes of what is read of it.
    ///
    /// A frame counts as its length, and as 32 bytes if it is shorter: that is what keeping it costs.
    pub fn recorded(body: B, limit: usize) -> (Self, Recording<B>) {
        if body.is_end_stream() {
            let hint = body.size_hint();
            return (
                Self::once(body),
                Recording {
                    source: Source::Empty(hint),
                },
            );
        }
        let tape = Arc::new(Mutex::new(Tape::new(body, limit)));
        let first = Self {
            kind: Kind::First { tape: tape.clone() },
        };
        (
            first,
            Recording {
                source: Source::Tape(tape),
            },
        )
    }
}

impl<B> Body for Replay<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Once { body } => body.poll_frame(cx).map_err(Into::into),
            KindProjection::First { tape } => lock(tape).poll_frame(cx),
            KindProjection::Second { frames, rest } => {
                if let Some(frame) = frames.pop_front() {
                    return Poll::Ready(Some(Ok(frame.into())));
                }
                let Some(body) = rest else {
                    return Poll::Ready(None);
                };
                let polled = body.as_mut().poll_frame(cx);
                if let Poll::Ready(None) = polled {
                    *rest = None;
                }
                polled.map_err(Into::into)
            }
            KindProjection::Empty { .. } => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Once { body } => body.is_end_stream(),
            Kind::First { tape } => lock(tape).is_end_stream(),
            Kind::Second { frames, rest } => {
                frames.is_empty() && rest.as_ref().is_none_or(Body::is_end_stream)
            }
            Kind::Empty { .. } => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Once { body } => body.size_hint(),
            Kind::First { tape } => lock(tape).size_hint(),
            Kind::Second { frames, rest } => {
                let recorded = frames.iter().map(Recorded::data_len).sum();
                let rest = rest.as_ref().map(Body::size_hint);
                tape::plus(recorded, &rest.unwrap_or_else(|| SizeHint::with_exact(0)))
            }
            Kind::Empty { hint } => *hint,
        }
    }
}

impl<B> fmt::Debug for Replay<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Once { .. } => "Replay(once)",
            Kind::First { .. } => "Replay(recording)",
            Kind::Second { .. } | Kind::Empty { .. } => "Replay(again)",
        })
    }
}

/// The other end of a [recorded](Replay::recorded) body: makes the second body. Dropping it ends the recording and frees what was kept.
pub struct Recording<B> {
    source: Source<B>,
}

enum Source<B> {
    Empty(SizeHint),
    Tape(Arc<Mutex<Tape<B>>>),
}

impl<B> Recording<B>
where
    B: Body<Data = Bytes>,
{
    /// Whether the whole body could be sent again now.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.source {
            Source::Empty(_) => true,
            Source::Tape(tape) => lock(tape).is_whole(),
        }
    }

    /// The body once more: what the first attempt has read, then the rest of the stream, which is taken from the first attempt.
    ///
    /// The first attempt's body then fails with [`Error::BodyMoved`](crate::Error::BodyMoved), since an early end would look like a
    /// complete body under chunked coding. `None` if more was read than the bound allows to keep, or if the body failed.
    #[must_use]
    pub fn replay(self) -> Option<Replay<B>> {
        let kind = match &self.source {
            Source::Empty(hint) => Kind::Empty { hint: *hint },
            Source::Tape(tape) => {
                let Rest { frames, body: rest } = lock(tape).take()?;
                Kind::Second { frames, rest }
            }
        };
        Some(Replay { kind })
    }
}

impl<B> Drop for Recording<B> {
    #[inline]
    fn drop(&mut self) {
        if let Source::Tape(tape) = &self.source {
            stop(tape);
        }
    }
}

// Not inlined: most requests have no body, and then dropping a recording does nothing.
#[inline(never)]
fn stop<B>(tape: &Mutex<Tape<B>>) {
    lock(tape).stop();
}

impl<B> fmt::Debug for Recording<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

/// A body that panicked while it was polled is left marked as failed by the tape itself, so poison says nothing more.
fn lock<B>(tape: &Mutex<Tape<B>>) -> std::sync::MutexGuard<'_, Tape<B>> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}
