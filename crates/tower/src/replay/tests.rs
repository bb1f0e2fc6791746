use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::{Wake, Waker},
};

use http::{HeaderMap, HeaderValue};

use super::*;
use crate::Error;

const LIMIT: usize = 1024;

/// A body that yields these steps. `Pause` is pending once.
struct Script {
    steps: VecDeque<Step>,
    hint: SizeHint,
}

/// What a scripted body does at a poll.
#[derive(Clone)]
enum Step {
    Data(&'static str),
    Trailers,
    Pause,
    Fail,
    Panic,
}

impl Script {
    fn new(steps: &[Step]) -> Self {
        let text = steps.iter().map(|step| match step {
            Step::Data(text) => text.len() as u64,
            _ => 0,
        });
        Self {
            hint: SizeHint::with_exact(text.sum()),
            steps: steps.iter().cloned().collect(),
        }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(match self.steps.pop_front() {
            Some(Step::Data(text)) => {
                self.hint = SizeHint::with_exact(self.hint.lower() - text.len() as u64);
                Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))
            }
            Some(Step::Trailers) => Some(Ok(Frame::trailers(trailers()))),
            Some(Step::Fail) => Some(Err(std::io::Error::other("the disk is gone"))),
            Some(Step::Panic) => panic!("the body panics"),
            Some(Step::Pause) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

fn trailers() -> HeaderMap {
    [(http::header::ETAG, HeaderValue::from_static("\"the end\""))]
        .into_iter()
        .collect()
}

fn poll<B>(body: &mut Replay<B>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// Reads up to `frames` frames as text, with `*` for trailers and `!` for an error.
fn read<B>(body: &mut Replay<B>, frames: usize) -> String
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut text = String::new();
    let mut seen = 0;
    while seen < frames {
        match poll(body) {
            Poll::Pending => {}
            Poll::Ready(None) => break,
            Poll::Ready(Some(Err(_))) => {
                text.push('!');
                break;
            }
            Poll::Ready(Some(Ok(frame))) => {
                seen += 1;
                match frame.into_data() {
                    Ok(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
                    Err(frame) => {
                        assert_eq!(frame.into_trailers().unwrap(), trailers());
                        text.push('*');
                    }
                }
            }
        }
    }
    text
}

const ALL: usize = usize::MAX;

#[test]
fn a_replay_is_whole_wherever_the_first_attempt_stopped() {
    use Step::*;
    let steps = [
        Data("one "),
        Pause,
        Data("two "),
        Data(""),
        Data("three"),
        Trailers,
    ];
    for frames in 0..=6 {
        let (mut first, recording) = Replay::recorded(Script::new(&steps), LIMIT);
        read(&mut first, frames);
        let length = steps
            .iter()
            .map(|s| if let Data(d) = s { d.len() } else { 0 })
            .sum::<usize>();
        let mut second = recording.replay().unwrap();
        assert_eq!(
            second.size_hint().exact(),
            Some(length as u64),
            "after {frames} frames"
        );
        assert!(!second.is_end_stream());
        assert_eq!(
            read(&mut second, ALL),
            "one two three*",
            "after {frames} frames"
        );
        assert!(second.is_end_stream());
        assert_eq!(second.size_hint().exact(), Some(0));
    }
}

#[test]
fn the_first_attempt_fails_after_the_rest_was_taken() {
    let (mut first, recording) =
        Replay::recorded(Script::new(&[Step::Data("a"), Step::Data("b")]), LIMIT);
    read(&mut first, 1);
    let second = recording.replay().unwrap();
    assert!(
        !first.is_end_stream(),
        "an end would look like a complete body"
    );
    assert_eq!(first.size_hint().exact(), None);
    let Poll::Ready(Some(Err(error))) = poll(&mut first) else {
        panic!("the first attempt goes on");
    };
    assert!(matches!(error.downcast_ref(), Some(Error::BodyMoved)));
    drop(second);
    assert_eq!(
        read(&mut first, 1),
        "!",
        "even after the replay was dropped"
    );
}

#[test]
fn a_first_attempt_that_read_everything_just_ends() {
    let (mut first, recording) = Replay::recorded(Script::new(&[Step::Data("a")]), LIMIT);
    assert_eq!(read(&mut first, ALL), "a");
    let mut second = recording.replay().unwrap();
    assert!(first.is_end_stream());
    assert_eq!(read(&mut first, ALL), "");
    assert_eq!(read(&mut second, ALL), "a");
}

#[test]
fn a_waiting_reader_is_woken_when_the_rest_is_taken() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    let (mut first, recording) =
        Replay::recorded(Script::new(&[Step::Pause, Step::Data("a")]), LIMIT);
    assert!(
        Pin::new(&mut first)
            .poll_frame(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let before = count.0.load(Ordering::Relaxed);
    let _second = recording.replay();
    assert_eq!(count.0.load(Ordering::Relaxed), before + 1);
}

#[test]
fn the_body_outlives_a_client_that_drops_it() {
    let (mut first, recording) =
        Replay::recorded(Script::new(&[Step::Data("a"), Step::Data("b")]), LIMIT);
    read(&mut first, 1);
    drop(first);
    assert_eq!(read(&mut recording.replay().unwrap(), ALL), "ab");
}

#[test]
fn over_the_limit_only_the_first_attempt_goes_on() {
    let text = "0123456789012345678901234567890123456789";
    for (limit, replayed) in [(80, true), (79, false)] {
        let (mut first, recording) =
            Replay::recorded(Script::new(&[Step::Data(text), Step::Data(text)]), limit);
        read(&mut first, 1);
        assert!(recording.is_whole());
        assert_eq!(read(&mut first, ALL), text);
        assert_eq!(recording.is_whole(), replayed);
        assert_eq!(recording.replay().is_some(), replayed);
    }
}

#[test]
fn the_limit_counts_what_a_frame_costs_to_keep() {
    let tiny = vec![Step::Data("x"); 33];
    let (mut first, recording) = Replay::recorded(Script::new(&tiny), 1024);
    read(&mut first, 32);
    assert!(recording.is_whole());
    read(&mut first, 1);
    assert!(!recording.is_whole());

    let empty = vec![Step::Data(""); 10_000];
    let (mut first, recording) = Replay::recorded(Script::new(&empty), 1024);
    read(&mut first, ALL);
    assert!(recording.is_whole(), "empty frames are not kept");

    let (mut first, recording) = Replay::recorded(Script::new(&[Step::Trailers]), 31);
    assert_eq!(read(&mut first, ALL), "*");
    assert!(!recording.is_whole());
}

#[test]
fn a_body_that_failed_or_panicked_is_not_replayed() {
    let (mut first, recording) =
        Replay::recorded(Script::new(&[Step::Data("a"), Step::Fail]), LIMIT);
    assert_eq!(read(&mut first, ALL), "a!");
    assert!(!recording.is_whole());
    assert!(recording.replay().is_none());

    let (mut first, recording) =
        Replay::recorded(Script::new(&[Step::Data("a"), Step::Panic]), LIMIT);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&mut first, ALL)));
    assert!(caught.is_err());
    assert!(recording.replay().is_none());
}

#[test]
fn size_hints_are_those_of_the_body() {
    let steps = [Step::Data("abc"), Step::Data("de")];
    let (mut first, _recording) = Replay::recorded(Script::new(&steps), LIMIT);
    let mut once = Replay::once(Script::new(&steps));
    for left in [5, 2, 0] {
        assert_eq!(first.size_hint().exact(), Some(left));
        assert_eq!(once.size_hint().exact(), Some(left));
        assert_eq!(first.is_end_stream(), left == 0);
        assert_eq!(once.is_end_stream(), left == 0);
        read(&mut first, 1);
        read(&mut once, 1);
    }
    let endless = tape::plus(7, &SizeHint::default());
    assert_eq!((endless.lower(), endless.upper()), (7, None));
}

#[test]
fn an_empty_body_is_not_recorded() {
    let (first, recording) = Replay::recorded(Script::new(&[]), 0);
    assert_eq!(format!("{first:?}"), "Replay(once)");
    assert!(first.is_end_stream());
    let mut second = recording.replay().unwrap();
    assert!(second.is_end_stream());
    assert_eq!(second.size_hint().exact(), Some(0));
    assert_eq!(read(&mut second, ALL), "");
}

#[test]
fn frames_are_freed_with_the_recording() {
    let data = Bytes::from(vec![7; 100]);
    let (mut first, recording) = Replay::recorded(http_body_util::Full::new(data.clone()), LIMIT);
    drop(poll(&mut first));
    assert!(!data.is_unique(), "the recording holds it");
    drop(recording);
    assert!(data.is_unique());
}

/// A body whose clones share one stream, as octocrab's do.
#[derive(Clone)]
struct Shared(Arc<Mutex<Script>>);

impl Body for Shared {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_frame(cx)
    }
}

#[test]
fn a_body_whose_clones_share_a_stream_is_replayed_whole() {
    let body = Shared(Arc::new(Mutex::new(Script::new(&[
        Step::Data("a"),
        Step::Data("b"),
    ]))));
    let (mut first, recording) = Replay::recorded(body, LIMIT);
    assert_eq!(read(&mut first, ALL), "ab");
    assert_eq!(read(&mut recording.replay().unwrap(), ALL), "ab");
}

#[test]
fn bodies_are_send_and_sync() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Replay<http_body_util::Full<Bytes>>>();
    is_send_and_sync::<Recording<http_body_util::Full<Bytes>>>();
}
