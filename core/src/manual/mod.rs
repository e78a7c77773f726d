//! The manual: how it is built, what it assumes, why the defaults are what they are, and what its words mean.
//!
//! - [`howto`]: what most apps need, one after the other.
//! - [`moving`]: how an app moves over that has actix-web-httpauth, axum-login, jwt-authorizer, Rocket's cookies, or an extractor by hand.
//! - [`design`]: the choices that a reader will question, and their reasons.
//! - [`defaults`]: each with its reason.
//! - [`copies`]: several copies of a service: which store, who is told of what, what fails, and how many there can be.
//! - [`threats`]: what an attacker may try at each boundary.
//! - [`pitfalls`]: mistakes that were made here, and what holds against each.
//! - [`performance`]: what was measured, and how.
//! - [`compare`]: what others answer to the same requests, measured.
//! - [`glossary`]: every word that the field does not have.

#[doc = include_str!("howto.md")]
pub mod howto {}

#[doc = include_str!("moving.md")]
pub mod moving {}

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("defaults.md")]
pub mod defaults {}

#[doc = include_str!("copies.md")]
pub mod copies {}

#[doc = include_str!("compare.md")]
pub mod compare {}

#[doc = include_str!("threats.md")]
pub mod threats {}

#[doc = include_str!("pitfalls.md")]
pub mod pitfalls {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("performance.md")]
pub mod performance {}
