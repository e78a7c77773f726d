//! The cases of the conformance crate, over a real axum server.

mod harness;

use harness::Axum;

countersign_conformance::suite!(Axum);
