//! The people service without its web framework: what the programs of axum, actix-web and Rocket share.
//!
//! A `main.rs` beside this crate shows one thing: how Countersign is added to an app of its framework. Everything else is here.
//!
//! - [`Options`]: the command line;
//! - [`run`]: start-up, from the command line to an exit code;
//! - [`People`]: the gate, the database, and what each route answers, as [`Reply`](countersign::Reply);
//! - [`body`]: JSON bodies, read strictly;
//! - [`answer`]: the replies that belong to no route.

pub mod answer;
pub mod body;
mod caller;
mod curl;
mod database;
mod keys;
mod next;
mod options;
mod page;
mod people;
mod photos;
mod start;
mod statistics;
mod stores;
mod strangers;

pub use self::{
    caller::User,
    database::{Database, Found},
    options::{Options, Wish},
    people::{NewReport, People},
    start::{Program, run},
};
pub use example_program::{Fault, PATIENCE};
