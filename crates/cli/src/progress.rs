//! A spinner on a terminal, for what takes over a second.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio::time::sleep;

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for the work. It shows what a person waits for, unless stderr is no terminal.
pub(crate) async fn show<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    show_after(PATIENCE, what, work, ProgressDrawTarget::stderr()).await
}

async fn show_after<T>(
    patience: Duration,
    what: &'static str,
    work: impl Future<Output = T>,
    target: ProgressDrawTarget,
) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = sleep(patience) => {}
    }
    let spinner = Spinner(ProgressBar::new_spinner());
    spinner.0.set_draw_target(target);
    spinner.0.set_message(what);
    spinner.0.tick();
    spinner.0.enable_steady_tick(Duration::from_millis(100));
    work.await
}

/// A spinner that leaves the terminal clean, even if the work is dropped.
struct Spinner(ProgressBar);

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use indicatif::TermLike;
    use tokio::sync::oneshot;

    use super::*;

    /// A terminal that keeps what was printed on it.
    #[derive(Clone, Debug, Default)]
    struct Terminal(Arc<Mutex<String>>);

    impl Terminal {
        fn shown(&self) -> String {
            self.0.lock().unwrap().clone()
        }

        fn add(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.add(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            self.add("[cleared]")
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn target(terminal: &Terminal) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like(Box::new(terminal.clone()))
    }

    #[tokio::test]
    async fn work_that_is_done_soon_shows_nothing() {
        let terminal = Terminal::default();
        let work = tokio::task::yield_now();
        show_after(Duration::MAX, "waiting", work, target(&terminal)).await;
        assert_eq!(terminal.shown(), "");
    }

    #[tokio::test]
    async fn longer_work_shows_a_spinner_that_is_cleared() {
        let terminal = Terminal::default();
        let (finish, finished) = oneshot::channel::<()>();
        let work = show_after(Duration::ZERO, "waiting", finished, target(&terminal));
        let watch = async {
            while !terminal.shown().contains("waiting") {
                tokio::task::yield_now().await;
            }
            finish.send(()).unwrap();
        };
        let (done, ()) = tokio::join!(work, watch);
        done.unwrap();
        let shown = terminal.shown();
        assert!(shown.ends_with("[cleared]"), "{shown}");
    }
}
