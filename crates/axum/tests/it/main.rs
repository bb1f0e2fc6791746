//! The routes in process, against emulators on loopback.

mod app;
mod connect;
mod disconnect;
mod query;
mod relay;
mod routes;
