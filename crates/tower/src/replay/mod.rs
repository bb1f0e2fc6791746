//! Request bodies that can be sent a second time, whole or not at all.

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
    /// The request body that the inner service of a [`TokenService`](crate::TokenService) gets.
    ///
    /// It forwards frames, trailers, `size_hint` and `is_end_stream` of the body that it wraps.
    /// While it [records](Self::recorded), it keeps a reference to each frame, up to a limit, so
    /// that the request can be sent again after its token was rejected. It never clones the body:
    /// clones of some bodies share one stream, and such a clone would replay nothing.
    ///
    /// A body that is empty from the start (that of most `GET` requests) is forwarded without an
    /// allocation.
    pub struct Replay<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    // The attempt that a body belongs to.
    enum Kind<B> {
        // Sent once. Nothing is recorded.
        Once { #[pin] body: B },
        // The first attempt. The tape owns the body, and the replay can take it from there.
        First { tape: Arc<Mutex<Tape<B>>> },
        // The replay. Shared as the tape is, though it has one owner: every request drops a body,
        // and that of an `Arc` is a short function.
        Second { second: Arc<Mutex<Second<B>>> },
    }
}

/// The body of a replay.
enum Second<B> {
    /// The frames that the first attempt has read, then the rest of the stream.
    Frames {
        frames: VecDeque<Recorded>,
        rest: Option<Pin<Box<B>>>,
    },
    /// A body without frames.
    Empty(SizeHint),
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

    /// Wraps a body and records up to `limit` bytes while it is read.
    ///
    /// A frame counts as its length, and as 32 bytes if it is shorter: that is what it costs to
    /// keep.
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
            KindProjection::Second { second } => lock(second).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Once { body } => body.is_end_stream(),
            Kind::First { tape } => lock(tape).is_end_stream(),
            Kind::Second { second } => lock(second).is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Once { body } => body.size_hint(),
            Kind::First { tape } => lock(tape).size_hint(),
            Kind::Second { second } => lock(second).size_hint(),
        }
    }
}

impl<B> Second<B>
where
    B: Body<Data = Bytes>,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B::Error: Into<BoxError>,
    {
        let Self::Frames { frames, rest } = self else {
            return Poll::Ready(None);
        };
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

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Frames { frames, rest } => {
                frames.is_empty() && rest.as_ref().is_none_or(Body::is_end_stream)
            }
            Self::Empty(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Frames { frames, rest } => {
                let recorded = frames.iter().map(Recorded::data_len).sum();
                let rest = rest.as_ref().map(Body::size_hint);
                tape::plus(recorded, &rest.unwrap_or_else(|| SizeHint::with_exact(0)))
            }
            Self::Empty(hint) => *hint,
        }
    }
}

impl<B> fmt::Debug for Replay<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Once { .. } => "Replay(once)",
            Kind::First { .. } => "Replay(recording)",
            Kind::Second { .. } => "Replay(again)",
        })
    }
}

/// The record of a [recorded](Replay::recorded) body, which makes the second body.
///
/// Dropping it ends the recording and frees the frames.
pub struct Recording<B> {
    source: Source<B>,
}

/// The body to replay.
enum Source<B> {
    /// A body without frames needs only its hint.
    Empty(SizeHint),
    Tape(Arc<Mutex<Tape<B>>>),
}

impl<B> Recording<B>
where
    B: Body<Data = Bytes>,
{
    /// Returns whether the whole body could be sent again now.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.source {
            Source::Empty(_) => true,
            Source::Tape(tape) => lock(tape).is_whole(),
        }
    }

    /// Makes the second body: the frames that the first attempt has read, then the rest of the
    /// stream, which it takes from the first attempt.
    ///
    /// The first attempt's body then fails with [`Error::BodyMoved`](crate::Error::BodyMoved),
    /// since an early end would look like a complete body under chunked coding. `None` if more was
    /// read than the limit, or if the body failed.
    #[must_use]
    pub fn replay(self) -> Option<Replay<B>> {
        let second = match &self.source {
            Source::Empty(hint) => Second::Empty(*hint),
            Source::Tape(tape) => {
                let Rest { frames, body: rest } = lock(tape).take()?;
                Second::Frames { frames, rest }
            }
        };
        let second = Arc::new(Mutex::new(second));
        Some(Replay {
            kind: Kind::Second { second },
        })
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

/// Locks a tape. A tape marks a body that panicked as failed, so poison can be ignored.
fn lock<T>(tape: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}
