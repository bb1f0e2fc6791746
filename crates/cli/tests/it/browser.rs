//! What a person's browser does.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// Approves a login, and returns the address of the callback.
pub fn approve(url: &str) -> String {
    location(&format!("{url}&approve=1"))
}

/// Denies a login, and returns the address of the callback.
pub fn deny(url: &str) -> String {
    location(&format!("{url}&deny=1"))
}

/// Loads a page, and follows its redirects.
pub fn get(url: &str) -> String {
    let response = request(url);
    match header(&response, "location") {
        Some(path) if path.starts_with('/') => {
            let origin: Vec<_> = url.splitn(4, '/').take(3).collect();
            get(&format!("{}{path}", origin.join("/")))
        }
        Some(url) => get(url),
        None => response,
    }
}

/// Sends a form.
pub fn post(url: &str, form: &str) -> String {
    let head = format!(
        "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
        form.len()
    );
    send("POST", url, &head, form)
}

fn location(url: &str) -> String {
    let response = request(url);
    header(&response, "location").expect(&response).to_owned()
}

fn header<'a>(response: &'a str, name: &str) -> Option<&'a str> {
    let head = response.split("\r\n\r\n").next()?;
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let (_, value) = headers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value)
}

fn request(url: &str) -> String {
    send("GET", url, "", "")
}

fn send(method: &str, url: &str, headers: &str, body: &str) -> String {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
