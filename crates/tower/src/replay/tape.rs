use std::{
    collections::VecDeque,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::{BoxError, Error};

/// The least that a frame counts: otherwise a stream of tiny frames could keep much more than the
/// limit.
const FRAME_COST: usize = size_of::<Recorded>();

/// The body of a first attempt, and the frames that were read from it.
pub(super) struct Tape<B> {
    /// `None` once it has ended, failed or been taken.
    body: Option<Pin<Box<B>>>,
    frames: VecDeque<Recorded>,
    room: usize,
    state: State,
    /// The task that polls the first attempt, woken when the body is taken.
    reader: Option<Waker>,
}

/// Whether a tape can be replayed, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// All frames that were read are in `frames`.
    Whole,
    /// Some are not: the limit is exceeded, or the recording was dropped.
    Partial,
    /// The body failed or panicked.
    Failed,
    /// The replay has the body.
    Taken,
}

/// The parts of a replay: the frames that were read, and the rest of the stream.
pub(super) struct Rest<B> {
    pub(super) frames: VecDeque<Recorded>,
    pub(super) body: Option<Pin<Box<B>>>,
}

/// A recorded frame.
pub(super) enum Recorded {
    Data(Bytes),
    // Boxed, since trailers are rare and a header map is three times the size of `Bytes`.
    Trailers(Box<HeaderMap>),
}

impl<B> Tape<B> {
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            body: Some(Box::pin(body)),
            frames: VecDeque::new(),
            room: limit,
            state: State::Whole,
            reader: None,
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    pub(super) fn take(&mut self) -> Option<Rest<B>> {
        if !self.is_whole() {
            return None;
        }
        // A first attempt that has read everything may end. Any other must fail, not seem complete.
        if self.body.is_some() {
            self.state = State::Taken;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        } else {
            self.state = State::Partial;
        }
        let frames = mem::take(&mut self.frames);
        let body = self.body.take();
        Some(Rest { frames, body })
    }

    pub(super) fn stop(&mut self) {
        if self.state == State::Whole {
            self.state = State::Partial;
            self.frames = VecDeque::new();
        }
    }

    fn record(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if self.state != State::Whole {
            return frame;
        }
        let (copy, cost) = if let Some(data) = frame.data_ref() {
            if data.is_empty() {
                return frame;
            }
            (Recorded::Data(data.clone()), data.len())
        } else if let Some(trailers) = frame.trailers_ref() {
            let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                name.as_str().len() + value.len()
            };
            let cost = trailers.iter().map(text).sum();
            (Recorded::Trailers(Box::new(trailers.clone())), cost)
        } else {
            // A frame of a kind that this version of `http-body` does not know cannot be kept.
            self.stop();
            return frame;
        };
        match self.room.checked_sub(cost.max(FRAME_COST)) {
            Some(room) => {
                self.room = room;
                self.frames.push_back(copy);
            }
            None => self.stop(),
        }
        frame
    }
}

impl<B> Tape<B>
where
    B: Body<Data = Bytes>,
{
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B::Error: Into<BoxError>,
    {
        if self.state == State::Taken {
            return Poll::Ready(Some(Err(Error::BodyMoved.into())));
        }
        // Taken out while it is polled: if the body panics, the tape has failed.
        let Some(mut body) = self.body.take() else {
            return Poll::Ready(None);
        };
        let before = mem::replace(&mut self.state, State::Failed);
        let polled = body.as_mut().poll_frame(cx);
        match polled {
            Poll::Pending => {
                self.state = before;
                self.body = Some(body);
                if !self
                    .reader
                    .as_ref()
                    .is_some_and(|r| r.will_wake(cx.waker()))
                {
                    self.reader = Some(cx.waker().clone());
                }
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.state = before;
                self.body = Some(body);
                Poll::Ready(Some(Ok(self.record(frame))))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.state = before;
                Poll::Ready(None)
            }
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        match &self.body {
            Some(body) => body.is_end_stream(),
            None => self.state != State::Taken,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) => body.size_hint(),
            None if self.state == State::Taken => SizeHint::default(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Recorded {
    pub(super) fn data_len(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Trailers(_) => 0,
        }
    }
}

impl From<Recorded> for Frame<Bytes> {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Data(data) => Self::data(data),
            Recorded::Trailers(trailers) => Self::trailers(*trailers),
        }
    }
}

/// Returns the hint of a body that follows `recorded` bytes.
pub(super) fn plus(recorded: u64, rest: &SizeHint) -> SizeHint {
    let mut hint = SizeHint::new();
    hint.set_lower(recorded.saturating_add(rest.lower()));
    if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(recorded)) {
        hint.set_upper(upper);
    }
    hint
}
