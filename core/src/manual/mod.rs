//! The manual: how it is built, what it assumes, and why the defaults are what they are.

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("defaults.md")]
pub mod defaults {}

#[doc = include_str!("threats.md")]
pub mod threats {}

#[doc = include_str!("performance.md")]
pub mod performance {}
