//! What a person does.

use fantoccini::wd::WindowHandle;

use super::Browser;
use crate::{
    acme::Acme,
    app::{App, Brand},
};

/// A tab of a browser.
pub struct Tab(WindowHandle);

impl Browser {
    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn go_back(&self) {
        self.client.back().await.unwrap();
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// Returns the tab in front.
    pub async fn tab(&self) -> Tab {
        Tab(self.client.window().await.unwrap())
    }

    /// Opens a new tab in front, and returns it.
    pub async fn open_tab(&self) -> Tab {
        let tab = Tab(self.client.new_window(true).await.unwrap().handle);
        self.turn_to(&tab).await;
        tab
    }

    /// Brings a tab to the front.
    pub async fn turn_to(&self, tab: &Tab) {
        self.client.switch_to_window(tab.0.clone()).await.unwrap();
    }

    /// Opens the dashboard and goes from there to the provider's authorization page.
    pub async fn start_login(&self, app: &App, brand: Brand) {
        self.open(&app.url("/")).await;
        self.press(brand, "connect").await;
        self.see_provider(brand).await;
    }

    /// Goes from the application's page that connects to the authorization page of its provider.
    pub async fn start_at_acme(&self, acme: &Acme) {
        self.open(&acme.url("/connect/acme")).await;
        self.click("#connect button").await;
        self.find("button[name=deny]").await;
    }

    /// Presses a button of a card.
    pub async fn press(&self, brand: Brand, action: &str) {
        let id = brand.id();
        self.click(&format!("#{id} [action='/{action}/{id}'] button"))
            .await;
    }

    /// Changes where a form leads, as a page of another version might.
    pub async fn change_action(&self, form: &str, action: &str) {
        let script = format!("document.querySelector({form:?}).action = {action:?};");
        self.client.execute(&script, Vec::new()).await.unwrap();
    }

    /// Follows the link of a card that calls the API.
    pub async fn call(&self, brand: Brand) {
        let id = brand.id();
        self.click(&format!("#{id} a[href='/call/{id}']")).await;
    }

    /// Waits for the provider's authorization page.
    pub async fn see_provider(&self, brand: Brand) {
        let page = match brand {
            Brand::Amiqus => "Amiqus",
            Brand::Fortes => "Fortes",
            Brand::IOffice => "iOFFICE",
            Brand::Qics => "Qics",
        };
        self.see_heading(page).await;
        self.find("button[name=deny]").await;
    }

    /// Approves on the authorization page, and confirms the login if the application asks.
    pub async fn approve(&self, app: &App, brand: Brand) {
        self.press_approve().await;
        if app.asks(brand) {
            self.see_question(brand.name()).await;
            self.click("button[value=connect]").await;
        }
    }

    /// Chooses whose account it is, on the authorization page.
    pub async fn choose_person(&self, login: &str) {
        self.click(&format!("option[value='{login}']")).await;
    }

    /// Approves on the authorization page.
    pub async fn press_approve(&self) {
        self.click("form button:not([name])").await;
    }

    /// Waits until the application asks whether a login at this provider is the person's.
    pub async fn see_question(&self, provider: &str) {
        self.see_heading(&format!("Connect to {provider}?")).await;
        self.find("button[value=connect]").await;
    }

    /// Denies on the authorization page.
    pub async fn deny(&self) {
        self.click("button[name=deny]").await;
    }

    /// Connects an account, from the dashboard to the dashboard.
    pub async fn connect(&self, app: &App, brand: Brand) {
        self.start_login(app, brand).await;
        self.approve(app, brand).await;
        self.see_state(brand, "Healthy").await;
    }

    /// Waits until the card of a provider has this state.
    pub async fn see_state(&self, brand: Brand, state: &str) {
        self.see(&format!("#{} .state", brand.id()), state).await;
    }
}
