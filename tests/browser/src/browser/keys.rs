//! The keyboard.

use fantoccini::{
    actions::{InputSource as _, KeyAction, KeyActions},
    key::Key,
};

use super::Browser;

/// More steps than any page has elements that take the focus.
const MAX_STEPS: usize = 50;

impl Browser {
    /// Moves the focus on until the element with this accessible name has it, and requires that
    /// each step shows where the focus is.
    pub async fn tab_to(&self, name: &str) {
        let mut seen = Vec::new();
        for _ in 0..MAX_STEPS {
            self.press_key(Key::Tab).await;
            let focused = self.focused().await;
            if focused == name {
                return;
            }
            seen.push(focused);
        }
        panic!("the tab key does not reach “{name}”, but {seen:?}");
    }

    /// Presses the enter key.
    pub async fn press_enter(&self) {
        self.press_key(Key::Enter).await;
    }

    async fn press_key(&self, key: Key) {
        let value = key.into();
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Returns the accessible name of the element with the focus.
    async fn focused(&self) -> String {
        let script = "const focused = document.activeElement; \
                      return [focused.ariaLabel ?? focused.textContent, focused.localName, \
                              getComputedStyle(focused).outlineStyle];";
        let focused = self.run(script).await;
        let [name, element, outline] = [0, 1, 2].map(|index| focused[index].as_str().unwrap());
        let is_shown = outline != "none" || element == "body";
        assert!(is_shown, "the focus on “{name}” is not shown");
        name.to_owned()
    }
}
