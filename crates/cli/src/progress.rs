//! A spinner on a terminal, for what takes over a second.

use std::{
    env,
    io::{self, IsTerminal as _},
    sync::OnceLock,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio::time::sleep;

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether this process shows spinners.
static SHOWS: OnceLock<bool> = OnceLock::new();

/// Finds out whether a person looks at the output, once for the process.
pub(crate) fn start(as_json: bool) {
    let are_terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
    let terminal = env::var("TERM").ok();
    SHOWS.get_or_init(|| is_shown(as_json, are_terminals, terminal.as_deref()));
}

/// Returns whether spinners are shown: not to programs, and not on a terminal whose lines cannot be
/// overwritten. They have no colour, so `NO_COLOR` changes nothing.
fn is_shown(as_json: bool, are_terminals: bool, terminal: Option<&str>) -> bool {
    !as_json && are_terminals && terminal != Some("dumb")
}

/// Waits for the work. It shows what a person waits for.
pub(crate) async fn show<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    if SHOWS.get() != Some(&true) {
        return work.await;
    }
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

    #[test]
    fn no_program_and_no_dumb_terminal_is_shown_a_spinner() {
        let xterm = Some("xterm-256color");
        assert!(is_shown(false, true, xterm));
        assert!(is_shown(false, true, None));
        assert!(!is_shown(true, true, xterm));
        assert!(!is_shown(false, false, xterm));
        assert!(!is_shown(false, true, Some("dumb")));
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
